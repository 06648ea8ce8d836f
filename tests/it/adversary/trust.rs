//! Files and folders that another account planted or can change are never used.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{CREDENTIALS, Folder, RECORD, Server, plain_roster, respond, stderr, stdout};

/// An account that is neither root nor the one that runs the tests.
const STRANGER: u32 = 65534;

/// Returns whether files can be given to another account. If not, reports the test as skipped.
pub fn can_give_away() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let can = chown(folder.path(), Some(STRANGER), None).is_ok();
    if !can {
        crate::machine::skipped("only root can give files to another account");
    }
    can
}

fn give_away(path: &Path) {
    lchown(path, Some(STRANGER), None).unwrap();
}

fn take_back(path: &Path) {
    lchown(path, Some(0), None).unwrap();
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// A folder with a roster, a server, and a config file that sends there and runs a command.
struct Scene {
    folder: Folder,
    server: Server,
}

impl Scene {
    fn new() -> Scene {
        let folder = Folder::new();
        let server = Server::start(|_| respond(200, &[], RECORD));
        folder.write("r.csv", plain_roster(1));
        std::fs::create_dir(folder.path("here")).unwrap();
        let scene = Scene { folder, server };
        scene.write_config("here/rosterpatch.toml");
        scene
    }

    fn write_config(&self, name: &str) -> PathBuf {
        let target = self.folder.path("plain.toml");
        let marker = self.folder.path("marker");
        let text = format!(
            "target = {target:?}\nbase_url = {:?}\n[notify]\ncommand = [\"touch\", {marker:?}]\n",
            self.server.base_url
        );
        let path = self.folder.write(name, text);
        mode(&path, 0o600);
        path
    }

    /// Runs a command in the folder `here`.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut program = self.folder.program();
        let program = program.args(arguments).envs(CREDENTIALS);
        program
            .current_dir(self.folder.path("here"))
            .output()
            .unwrap()
    }

    fn import(&self, arguments: &[&str]) -> Output {
        let roster = self.folder.path("r.csv");
        let roster = roster.to_str().unwrap();
        self.run(&[&["import", roster, "--yes", "--all", "--fresh"], arguments].concat())
    }

    /// Asserts that an import is refused because of `path`, reports the problem with its fix, sends nothing
    /// and runs nothing.
    #[track_caller]
    fn refuses(&self, path: &str, fix: &str, arguments: &[&str]) {
        let before = self.server.seen().len();
        let output = self.import(arguments);
        let told = stderr(&output);
        assert!(
            matches!(output.status.code(), Some(1 | 6)),
            "{path} {fix}: {told}"
        );
        let named = self.folder.path(path).canonicalize();
        let named = named.unwrap_or_else(|_| self.folder.path(path));
        let names = [self.folder.path(path), named].map(|name| name.display().to_string());
        assert!(
            names.iter().any(|name| told.contains(name)),
            "{path}: {told}"
        );
        assert!(told.contains(fix), "{path} {fix}: {told}");
        assert!(told.contains("mode 0") || told.contains("mode 1"), "{told}");
        assert_eq!(
            self.server.seen().len(),
            before,
            "{path}: something was sent"
        );
        assert!(
            !self.folder.path("marker").exists(),
            "{path}: the command ran"
        );
    }

    #[track_caller]
    fn takes(&self, arguments: &[&str]) {
        let output = self.import(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        std::fs::remove_file(self.folder.path("marker")).unwrap();
    }
}

#[test]
fn a_config_file_that_another_account_can_change_is_refused() {
    if !can_give_away() {
        return;
    }
    let scene = Scene::new();
    let (here, config) = (
        scene.folder.path("here"),
        scene.folder.path("here/rosterpatch.toml"),
    );
    scene.takes(&[]);

    give_away(&config);
    scene.refuses("here/rosterpatch.toml", "chown -h", &[]);
    let named = config.to_str().unwrap().to_owned();
    scene.refuses("here/rosterpatch.toml", "chown -h", &["--config", &named]);
    for command in ["config", "doctor"] {
        let output = scene.run(&[command]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let told = format!("{}{}", stderr(&output), stdout(&output));
        assert!(told.contains(&named) && told.contains("chown"), "{told}");
        assert!(!told.contains("panicked"), "{told}");
    }
    take_back(&config);

    for open in [0o666, 0o602] {
        mode(&config, open);
        scene.refuses("here/rosterpatch.toml", "chmod go-w", &[]);
    }
    chown(&config, None, Some(STRANGER)).unwrap();
    mode(&config, 0o660);
    scene.refuses("here/rosterpatch.toml", "chmod go-w", &[]);
    mode(&config, 0o644);
    scene.takes(&[]);

    // The owner of the folder, and any account that can write to it, can replace the file.
    give_away(&here);
    scene.refuses("here", "chown -h", &[]);
    take_back(&here);
    mode(&here, 0o777);
    scene.refuses("here", "chmod go-w", &[]);
    // In a sticky folder such as /tmp, an account can remove only its own files.
    mode(&here, 0o1777);
    scene.takes(&[]);
    give_away(&config);
    scene.refuses("here/rosterpatch.toml", "chown -h", &[]);
}

#[test]
fn a_config_file_link_is_followed_if_others_cannot_change_it() {
    if !can_give_away() {
        return;
    }
    let scene = Scene::new();
    let config = scene.folder.path("here/rosterpatch.toml");
    std::fs::create_dir(scene.folder.path("there")).unwrap();
    let real = scene.write_config("there/real.toml");
    std::fs::remove_file(&config).unwrap();
    symlink("../there/real.toml", &config).unwrap();
    scene.takes(&[]);
    give_away(&config);
    scene.refuses("here/rosterpatch.toml", "chown -h", &[]);
    take_back(&config);
    give_away(&real);
    scene.refuses("there/real.toml", "chown -h", &[]);
    take_back(&real);
    mode(&scene.folder.path("there"), 0o777);
    scene.refuses("there", "chmod go-w", &[]);
    mode(&scene.folder.path("there"), 0o755);
    scene.takes(&[]);
    // A link to itself is an error, and a dangling link counts as no file.
    std::fs::remove_file(&config).unwrap();
    symlink("rosterpatch.toml", &config).unwrap();
    let output = scene.run(&["config"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn a_pipe_of_another_account_is_not_read() {
    if !can_give_away() {
        return;
    }
    let scene = Scene::new();
    let config = scene.folder.path("here/rosterpatch.toml");
    std::fs::remove_file(&config).unwrap();
    let made = Command::new("mkfifo").arg(&config).status().unwrap();
    assert!(made.success());
    give_away(&config);
    scene.refuses("here/rosterpatch.toml", "chown -h", &[]);
}

#[test]
fn a_config_file_can_be_empty_or_read_from_a_pipe() {
    let folder = Folder::new();
    let output = folder.run("config --config /dev/null");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut program = folder.program();
    let program = program.args(["config", "--config", "/dev/stdin"]);
    let output = program.write_stdin("rate = \"7/s\"\n").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("7/s"), "{}", stdout(&output));
}

#[test]
fn credential_and_target_files_of_other_accounts_are_refused() {
    if !can_give_away() {
        return;
    }
    let scene = Scene::new();
    let folder = &scene.folder;
    // The message about its content shows that the file would be read.
    folder.write("roots.pem", "");
    let secret = folder.write("secret", "b\n");
    mode(&secret, 0o600);
    let with_secret = |arguments: &[&str]| {
        let mut program = folder.program();
        let program = program
            .args(["import", "../r.csv", "--yes", "--all", "--fresh"])
            .args(arguments)
            .env("MEITNER_CLIENT_CREDENTIALS", "a")
            .env("MEITNER_CLIENT_SECRET_FILE", &secret);
        program.current_dir(folder.path("here")).output().unwrap()
    };
    assert_eq!(with_secret(&[]).status.code(), Some(0));
    let sent = scene.server.seen().len();
    std::fs::remove_file(folder.path("marker")).unwrap();
    let target = folder.path("plain.toml");
    let roots = folder.path("roots.pem");
    for path in [&target, &roots, &secret] {
        for (change, fix) in [(None, "chown -h"), (Some(0o602), "chmod go-w")] {
            match change {
                None => give_away(path),
                Some(open) => mode(path, open),
            }
            let mut arguments = vec!["--target", target.to_str().unwrap()];
            if *path == roots {
                arguments.extend(["--ca-cert", roots.to_str().unwrap()]);
            }
            let output = with_secret(&arguments);
            let told = stderr(&output);
            assert!(matches!(output.status.code(), Some(1 | 6)), "{told}");
            assert!(told.contains(path.to_str().unwrap()), "{told}");
            assert!(told.contains(fix) && told.contains("mode 0"), "{told}");
            take_back(path);
            mode(path, 0o600);
        }
    }
    give_away(&target);
    let shown = folder.run("targets show ./plain.toml");
    assert_eq!(shown.status.code(), Some(1), "{}", stderr(&shown));
    // `config` reports a target file that cannot be used.
    let output = scene.run(&["config"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stderr(&output).contains("chown"), "{}", stderr(&output));
    take_back(&target);
    assert_eq!(scene.server.seen().len(), sent, "nothing was sent");

    // A secret file that others can read causes a warning.
    mode(&secret, 0o644);
    let output = with_secret(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("chmod 600"), "{}", stderr(&output));
}

/// Gives a folder with its contents to another account.
fn give_all_away(path: &Path) {
    give_away(path);
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_all_away(&entry.unwrap().path());
        }
    }
}

#[test]
fn a_planted_journal_is_not_resumed() {
    if !can_give_away() {
        return;
    }
    let planted = Folder::new();
    if planted.state().database().is_some() {
        return;
    }
    planted.write("r.csv", plain_roster(3));
    let trap = Server::start(|seen| match seen.path.ends_with('1') {
        true => respond(200, &[], RECORD),
        false => respond(401, &[], "{}"),
    });
    let output = planted.import_to("r.csv", &trap.base_url, &["--concurrency", "1"], &[]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let sent = trap.seen().len();

    let folder = Folder::new();
    std::fs::rename(planted.path("state"), folder.path("state")).unwrap();
    give_all_away(&folder.path("state"));
    let refused = |folder: &Folder, arguments: &str, path: &str| {
        let output = folder.send(&arguments.split(' ').collect::<Vec<_>>());
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {told}");
        let path = folder.path(path).display().to_string();
        assert!(told.contains(&path) && told.contains("chown -h"), "{told}");
    };
    folder.write("r.csv", plain_roster(3));
    let import = "import r.csv --yes --target plain.toml --base-url http://127.0.0.1:1";
    for command in ["resume", "runs", "show", "history 1", import] {
        refused(&folder, command, "state");
    }
    // The same through a link of either account.
    std::fs::rename(folder.path("state"), folder.path("planted")).unwrap();
    symlink("planted", folder.path("state")).unwrap();
    refused(&folder, "resume", "planted");
    give_away(&folder.path("state"));
    refused(&folder, "resume", "state");
    assert_eq!(trap.seen().len(), sent, "nothing was sent there");

    let nowhere = ["--base-url", "http://127.0.0.1:1"];
    let doctor = folder.send(&[&["doctor", "--target", "meitner"], &nowhere[..]].concat());
    let told = stdout(&doctor);
    assert_eq!(doctor.status.code(), Some(1), "{told}");
    assert!(
        told.contains("chown -h") && !told.contains("panicked"),
        "{told}"
    );
}

#[test]
fn files_of_other_accounts_in_the_state_folder_are_refused() {
    if !can_give_away() {
        return;
    }
    let folder = Folder::new();
    if folder.state().database().is_some() {
        return;
    }
    folder.write("r.csv", plain_roster(1));
    let server = Server::start(|_| respond(200, &[], RECORD));
    let import = || folder.import_to("r.csv", &server.base_url, &["--all"], &[]);
    assert_eq!(import().status.code(), Some(0));
    for name in [
        "journal.sqlite",
        "journal.sqlite-wal",
        "journal.sqlite-shm",
        "journal.sqlite-journal",
        "opening.lock",
        "locks",
        "",
    ] {
        let sent = server.seen().len();
        let path = folder.path("state").join(name);
        let is_new = !path.exists();
        if is_new {
            std::fs::write(&path, "").unwrap();
        }
        let was = path.metadata().unwrap().mode() & 0o7777;
        for (change, fix) in [(None, "chown -h"), (Some(0o777), "chmod")] {
            match change {
                None => give_away(&path),
                Some(open) => mode(&path, open),
            }
            let output = import();
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{name} {fix}: {told}");
            assert!(told.contains(path.to_str().unwrap().trim_end_matches('/')));
            assert!(told.contains(fix), "{name}: {told}");
            take_back(&path);
            mode(&path, was);
        }
        if is_new {
            std::fs::remove_file(&path).unwrap();
        }
        assert_eq!(import().status.code(), Some(0), "{name}");
        assert_eq!(server.seen().len(), sent + 1, "{name}");
    }
    // A lock file that is a link is refused.
    let locks = folder.path("state/locks");
    for lock in std::fs::read_dir(&locks).unwrap() {
        let lock = lock.unwrap().path();
        std::fs::remove_file(&lock).unwrap();
        symlink("/dev/null", &lock).unwrap();
    }
    let output = import();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is a link"), "{}", stderr(&output));
}

#[test]
fn a_linked_state_folder_is_used_if_only_its_owner_controls_the_path() {
    let folder = Folder::new();
    if folder.state().database().is_some() {
        return;
    }
    folder.write("r.csv", plain_roster(1));
    let server = Server::start(|_| respond(200, &[], RECORD));
    let import = || folder.import_to("r.csv", &server.base_url, &["--all"], &[]);
    std::fs::create_dir_all(folder.path("disk/state")).unwrap();
    mode(&folder.path("disk"), 0o755);
    mode(&folder.path("disk/state"), 0o700);
    symlink(folder.path("disk/state"), folder.path("state")).unwrap();
    assert_eq!(import().status.code(), Some(0), "{}", stderr(&import()));
    mode(&folder.path("disk"), 0o777);
    let output = import();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("chmod go-w"),
        "{}",
        stderr(&output)
    );
    mode(&folder.path("disk"), 0o755);
    // In a sticky folder, others could still add files beside the journal.
    mode(&folder.path("disk/state"), 0o1777);
    assert_eq!(import().status.code(), Some(1));
    mode(&folder.path("disk/state"), 0o700);
    if can_give_away() {
        give_away(&folder.path("disk"));
        let output = import();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("chown -h"), "{}", stderr(&output));
    }
}

#[test]
fn files_of_root_are_trusted_by_every_account() {
    if !can_give_away() {
        return;
    }
    let scene = Scene::new();
    let folder = &scene.folder;
    mode(&folder.path(""), 0o755);
    mode(&folder.path("here"), 0o755);
    mode(&folder.path("plain.toml"), 0o644);
    if !crate::machine::can_enter(STRANGER, &folder.path("here")) {
        return;
    }
    let config = folder.path("here/rosterpatch.toml");
    mode(&config, 0o644);
    let as_other = |account: u32| {
        let mut command = Command::new("setpriv");
        command
            .args([
                format!("--reuid={account}"),
                format!("--regid={account}"),
                "--clear-groups".to_owned(),
            ])
            .arg(crate::harness::program_path())
            .arg("config")
            .current_dir(folder.path("here"));
        command.output().unwrap()
    };
    let output = as_other(STRANGER);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains(&scene.server.base_url));
    // An account can use its own config file, and not that of another account.
    give_away(&config);
    assert_eq!(as_other(STRANGER).status.code(), Some(0));
    let output = as_other(54_321);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stderr(&output).contains("54321"), "{}", stderr(&output));
}

#[test]
fn a_folder_on_a_read_only_mount_is_trusted() {
    if !can_give_away() {
        return;
    }
    let scene = Scene::new();
    let here = scene.folder.path("here");
    let mount = |options: &str| {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&here)
            .status();
        mounted.is_ok_and(|status| status.success())
    };
    let text = std::fs::read(scene.folder.path("here/rosterpatch.toml")).unwrap();
    if !mount("size=1m,mode=0777") {
        crate::machine::skipped(
            "no disk can be mounted: run it as root of a machine that lets it mount",
        );
        return;
    }
    std::fs::write(scene.folder.path("here/rosterpatch.toml"), text).unwrap();
    scene.refuses("here", "chmod go-w", &[]);
    assert!(mount("remount,ro,mode=0777"));
    scene.takes(&[]);
    // Files and folders below it are checked by their modes, because the folder may be mounted writable
    // elsewhere too.
    assert!(mount("remount,rw,mode=0777"));
    mode(&scene.folder.path("here/rosterpatch.toml"), 0o666);
    assert!(mount("remount,ro,mode=0777"));
    scene.refuses("here/rosterpatch.toml", "chmod go-w", &[]);
    let unmounted = std::process::Command::new("umount").arg(&here).status();
    assert!(unmounted.unwrap().success());
}
