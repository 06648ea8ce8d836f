//! An attacker whose account can write only to the inbox.

use std::ffi::OsStr;
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use crate::harness::{
    CREDENTIALS, Folder, Server, Started, plain_roster, program_path, respond, signal, stderr,
    stdout, wait_until,
};
use crate::machine::{can_enter, has_command, is_root, skipped};

/// The account that drops files.
const OTHER: u32 = 65534;

/// Returns whether the test can act as another account. If not, reports it as skipped.
fn may_be_another() -> bool {
    if !is_root() {
        skipped("only root can act as another account");
        return false;
    }
    has_command("setpriv", "util-linux")
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Creates a folder that others can enter, with an inbox of this mode.
fn inbox(mode: u32) -> Folder {
    let folder = Folder::new();
    set_mode(&folder.path(""), 0o755);
    std::fs::create_dir(folder.path("inbox")).unwrap();
    set_mode(&folder.path("inbox"), mode);
    folder
}

/// Runs a shell script in the inbox as the account that drops files.
fn as_other(folder: &Folder, script: &str) {
    let id = OTHER.to_string();
    let status = Command::new("setpriv")
        .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
        .args(["sh", "-euc", script])
        .current_dir(folder.path("inbox"))
        .status();
    assert!(status.unwrap().success(), "{script}");
}

fn sweep(folder: &Folder, server: &Server, arguments: &[&str]) -> Output {
    sweeping(folder, server, arguments).output().unwrap()
}

fn sweeping(folder: &Folder, server: &Server, arguments: &[&str]) -> Command {
    let mut command = folder.command();
    command
        .args(["sweep", "inbox", "--target", "plain.toml", "--settle", "0s"])
        .args(["--base-url", &server.base_url])
        .args(arguments)
        .envs(CREDENTIALS)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn ok() -> Server {
    Server::start(|_| respond(200, &[], "{}"))
}

/// Returns the names in a folder, sorted, or nothing if the folder is gone.
fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Returns all files below a folder. A sweep may move them meanwhile.
fn below(path: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for name in names(path) {
        let path = path.join(name);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => all.extend(below(&path)),
            _ => all.push(path),
        }
    }
    all
}

#[test]
fn a_planted_subfolder_is_refused_and_not_followed() {
    if !may_be_another() {
        return;
    }
    for (planted, said) in [
        (
            "mkdir -p processing/x.csv; ln -s VICTIM processing/x.csv/x.error.txt",
            "processing",
        ),
        ("mkdir -m 777 failed", "failed"),
        ("ln -s OWN failed", "failed"),
        ("ln -s OWN processing", "processing"),
        ("touch processing", "processing"),
    ] {
        let folder = inbox(0o1777);
        let victim = folder.write("victim", "a secret\n");
        set_mode(&victim, 0o600);
        let own = folder.path("own");
        std::fs::create_dir(&own).unwrap();
        set_mode(&own, 0o777);
        let planted = planted.replace("VICTIM", victim.to_str().unwrap());
        as_other(&folder, &planted.replace("OWN", own.to_str().unwrap()));
        folder.write("inbox/x.csv", "what is this\nnothing\n");
        let output = sweep(&folder, &ok(), &[]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{planted}: {}",
            stderr(&output)
        );
        let place = format!("inbox/{said}");
        assert!(
            stderr(&output).contains(&place),
            "{planted}: {}",
            stderr(&output)
        );
        assert_eq!(std::fs::read(&victim).unwrap(), b"a secret\n", "{planted}");
        assert!(below(&own).is_empty(), "{planted}: {:?}", below(&own));
        // The file still exists, and its report is not readable by another account.
        let left = below(&folder.path("inbox"));
        let is_there = left
            .iter()
            .any(|path| path.ends_with("x.csv") && path.is_file());
        assert!(is_there, "{planted}: {left:?}");
        for path in left.iter().filter(|path| path.ends_with("x.error.txt")) {
            let found = path.symlink_metadata().unwrap();
            let is_private = found.uid() == OTHER || found.mode() & 0o077 == 0;
            assert!(is_private, "{planted}: {path:?}");
        }
    }
}

#[test]
fn a_held_file_is_not_moved_through_a_planted_link() {
    if !may_be_another() {
        return;
    }
    for place in ["held", "done"] {
        let folder = inbox(0o1777);
        let own = folder.path("own");
        std::fs::create_dir(&own).unwrap();
        set_mode(&own, 0o777);
        as_other(&folder, &format!("ln -s {} {place}", own.display()));
        folder.write("inbox/x.csv", plain_roster(2));
        let guard = match place {
            "held" => "0",
            _ => "100%",
        };
        let server = ok();
        let output = sweep(&folder, &server, &["--max-changes", guard, "--all"]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{place}: {}",
            stderr(&output)
        );
        assert!(below(&own).is_empty(), "{place}: {:?}", below(&own));
        // Without the link, the file is archived and nothing is resent.
        let sent = server.seen().len();
        std::fs::remove_file(folder.path("inbox").join(place)).unwrap();
        let output = sweep(&folder, &server, &["--max-changes", guard, "--all"]);
        let expected = if place == "held" { 4 } else { 0 };
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{place}: {}",
            stderr(&output)
        );
        assert_eq!(server.seen().len(), sent, "{place}");
        let archived = below(&folder.path("inbox").join(place));
        assert!(
            archived.iter().any(|path| path.ends_with("x.csv")),
            "{archived:?}"
        );
    }
}

#[test]
fn an_error_report_is_readable_by_the_sweeping_account_only() {
    let folder = inbox(0o1777);
    folder.write("inbox/z.csv", "root:secret\nnothing\n");
    let output = sweep(&folder, &ok(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let all = below(&folder.path("inbox"));
    let report = all
        .iter()
        .find(|path| path.ends_with("z.error.txt"))
        .unwrap();
    for path in report.ancestors().take(3) {
        let mode = path.metadata().unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}: {mode:o}");
    }
}

#[test]
fn an_inbox_in_which_others_can_rename_is_refused_with_the_fix() {
    if !may_be_another() {
        return;
    }
    let try_with = |mode: u32, owner: u32, group: u32| {
        let folder = inbox(mode);
        chown(folder.path("inbox"), Some(owner), Some(group)).unwrap();
        set_mode(&folder.path("inbox"), mode);
        folder.write("inbox/x.csv", plain_roster(2));
        chown(folder.path("inbox/x.csv"), Some(OTHER), Some(group)).unwrap();
        let server = ok();
        let output = sweep(&folder, &server, &[]);
        (folder, server.seen().len(), output)
    };
    for (mode, owner, group, advice) in [
        (0o777, 0, 0, "chmod +t"),
        (0o770, 0, OTHER, "chmod +t"),
        (0o755, OTHER, OTHER, "chown 0"),
        (0o1777, OTHER, OTHER, "chown 0"),
    ] {
        let (folder, sent, output) = try_with(mode, owner, group);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{mode:o}: {}",
            stderr(&output)
        );
        let advice = format!("{advice} {}", folder.path("inbox").display());
        assert!(
            stderr(&output).contains(&advice),
            "{mode:o}: {}",
            stderr(&output)
        );
        assert_eq!(sent, 0, "{mode:o}");
        assert_eq!(names(&folder.path("inbox")), ["x.csv"], "{mode:o}");
    }
    for (mode, group) in [
        (0o700, 0),
        (0o750, OTHER),
        (0o755, OTHER),
        (0o1770, OTHER),
        (0o3770, OTHER),
        (0o1777, 0),
    ] {
        let (folder, sent, output) = try_with(mode, 0, group);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{mode:o}: {}",
            stderr(&output)
        );
        assert_eq!(sent, 2, "{mode:o}");
        for name in ["processing", "done"] {
            let found = folder.path("inbox").join(name).metadata().unwrap();
            assert_eq!(
                (found.mode() & 0o777, found.uid()),
                (0o700, 0),
                "{mode:o} {name}"
            );
        }
    }
    // The same applies to parent folders: an account that can rename the inbox can replace it.
    let folder = inbox(0o755);
    folder.write("inbox/x.csv", plain_roster(2));
    set_mode(&folder.path(""), 0o777);
    let output = sweep(&folder, &ok(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn an_unprivileged_account_can_sweep_its_sticky_inbox() {
    if !may_be_another() {
        return;
    }
    const SERVICE: u32 = 65533;
    let folder = inbox(0o1777);
    let server = ok();
    let id = SERVICE.to_string();
    let as_service = |arguments: &[&std::ffi::OsStr]| {
        let mut command = folder.command_by("setpriv");
        command
            .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
            .args(arguments)
            .env("ROSTERPATCH_STATE", folder.path("state"))
            .env("TMPDIR", folder.path("state"))
            .envs(CREDENTIALS);
        command.output().unwrap()
    };
    if !can_enter(SERVICE, &folder.path("")) {
        return;
    }
    let program = program_path();
    let can_run = ["test".as_ref(), "-x".as_ref(), program.as_ref()];
    if !as_service(&can_run).status.success() {
        skipped("only root can enter the folder of the program");
        return;
    }
    std::fs::create_dir(folder.path("state")).unwrap();
    set_mode(&folder.path("state"), 0o700);
    chown(folder.path("state"), Some(SERVICE), Some(SERVICE)).unwrap();
    chown(folder.path("plain.toml"), Some(SERVICE), Some(SERVICE)).unwrap();
    let sweep = || {
        let arguments = ["sweep", "inbox", "--target", "plain.toml", "--settle", "0s"];
        let address = ["--base-url", &server.base_url];
        let arguments = arguments.iter().chain(&address).map(AsRef::as_ref);
        let all: Vec<_> = std::iter::once(program.as_ref()).chain(arguments).collect();
        as_service(&all)
    };
    folder.write("inbox/x.csv", plain_roster(2));
    chown(folder.path("inbox/x.csv"), Some(OTHER), Some(OTHER)).unwrap();
    // In a sticky folder of root, only root can move the file.
    let output = sweep();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let remedy = stderr(&output);
    assert!(
        remedy.contains("chown 65533 ") && remedy.contains("/inbox"),
        "{remedy}"
    );
    assert!(folder.path("inbox/x.csv").exists());
    chown(folder.path("inbox"), Some(SERVICE), Some(SERVICE)).unwrap();
    set_mode(&folder.path("inbox"), 0o1777);
    let output = sweep();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 2);
}

/// Creates something at a path.
type Put = Box<dyn Fn(&Path) + Send>;

/// Returns replacements for a file that was already examined.
fn replacements(folder: &Folder) -> Vec<(&'static str, Put)> {
    let secret = folder.write("secret.csv", plain_roster(9).replace("-8000-", "-8777-"));
    set_mode(&secret, 0o600);
    let linked = secret.clone();
    vec![
        (
            "a link",
            Box::new(move |path: &Path| symlink(&secret, path).unwrap()),
        ),
        (
            "an endless file",
            Box::new(|path: &Path| symlink("/dev/zero", path).unwrap()),
        ),
        (
            "a FIFO",
            Box::new(|path: &Path| {
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            }),
        ),
        (
            "a folder",
            Box::new(|path: &Path| std::fs::create_dir(path).unwrap()),
        ),
        (
            "a hard link",
            Box::new(move |path: &Path| std::fs::hard_link(&linked, path).unwrap()),
        ),
    ]
}

#[test]
fn a_file_swapped_after_its_examination_is_not_imported() {
    for index in 0..5 {
        let folder = inbox(0o755);
        let (what, put) = replacements(&folder).swap_remove(index);
        let path = folder.path("inbox/b.csv");
        let swapped = Mutex::new(Some((path.clone(), put)));
        // The sweep examined the folder before it sent the first file.
        let server = Server::start(move |_| {
            if let Some((path, put)) = swapped.lock().unwrap().take() {
                std::fs::remove_file(&path).unwrap();
                put(&path);
            }
            respond(200, &[], "{}")
        });
        folder.write("inbox/a.csv", plain_roster(1));
        folder.write("inbox/b.csv", plain_roster(2).replace("-8000-", "-8001-"));
        let output = sweep(&folder, &server, &[]);
        assert_eq!(output.status.code(), Some(3), "{what}: {}", stderr(&output));
        assert!(
            stderr(&output).contains("b.csv: "),
            "{what}: {}",
            stderr(&output)
        );
        let seen = server.seen();
        assert_eq!(seen.len(), 1, "{what}");
        assert!(
            path.symlink_metadata().is_ok(),
            "{what}: it stays where it was"
        );
        assert_eq!(
            std::fs::read_to_string(folder.path("secret.csv"))
                .unwrap()
                .lines()
                .count(),
            10
        );
        // The name is free for the intended file.
        match path.symlink_metadata().unwrap().is_dir() {
            true => std::fs::remove_dir(&path).unwrap(),
            false => std::fs::remove_file(&path).unwrap(),
        }
        folder.write("inbox/b.csv", plain_roster(2).replace("-8000-", "-8001-"));
        let output = sweep(&folder, &server, &[]);
        assert_eq!(output.status.code(), Some(0), "{what}: {}", stderr(&output));
        assert_eq!(server.seen().len(), 3, "{what}");
    }
}

#[test]
fn a_non_file_left_by_a_killed_sweep_does_not_block_its_name() {
    let folder = inbox(0o755);
    std::fs::create_dir_all(folder.path("inbox/processing/b.csv/b.csv")).unwrap();
    set_mode(&folder.path("inbox/processing"), 0o700);
    set_mode(&folder.path("inbox/processing/b.csv"), 0o700);
    folder.write("inbox/b.csv", plain_roster(2));
    let server = ok();
    let output = sweep(&folder, &server, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 2, "{}", stderr(&output));
    assert!(folder.path("inbox/failed/b.csv").is_dir());
    let told = stderr(&output);
    assert!(
        told.contains("inbox/failed/b.csv: not imported, and moved to failed"),
        "{told}"
    );
    let output = sweep(&folder, &server, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn skipped_files_with_the_extension_of_a_roster_are_reported() {
    let folder = inbox(0o755);
    let path = |name: &str| folder.path("inbox").join(name);
    std::fs::write(
        path("").join(OsStr::from_bytes(b"r\xe5.csv")),
        plain_roster(1),
    )
    .unwrap();
    std::fs::create_dir(path("folder.csv")).unwrap();
    symlink("/etc/passwd", path("link.csv")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(path("pipe.csv"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = std::os::unix::net::UnixListener::bind(path("socket.csv")).unwrap();
    std::fs::write(folder.path("original"), plain_roster(1)).unwrap();
    std::fs::hard_link(folder.path("original"), path("hard.csv")).unwrap();
    let reported = [
        r"r\xE5.csv",
        "folder.csv",
        "link.csv",
        "pipe.csv",
        "socket.csv",
        "hard.csv",
    ];
    // Entries that are known not to be rosters are skipped silently.
    std::fs::create_dir(path("earlier")).unwrap();
    symlink("/etc/passwd", path(".hidden.csv")).unwrap();
    std::fs::create_dir(path("x.csv.part")).unwrap();
    std::fs::write(path("").join(OsStr::from_bytes(b".\xe5.tmp")), "").unwrap();
    folder.write("inbox/good.csv", plain_roster(2));
    let before = names(&path(""));
    let server = ok();
    let output = sweep(&folder, &server, &[]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    for name in reported {
        assert_eq!(
            told.matches(&format!("{name}: ")).count(),
            1,
            "{name}: {told}"
        );
    }
    assert!(
        told.contains("earlier: "),
        "a folder too is reported: {told}"
    );
    for silent in [".hidden.csv", "x.csv.part", r".\xE5.tmp"] {
        assert!(!told.contains(silent), "{silent}: {told}");
    }
    assert_eq!(server.seen().len(), 2);
    assert!(
        stdout(&output).contains("good.csv: 2 updated"),
        "{}",
        stdout(&output)
    );
    let mut after = names(&path(""));
    after.retain(|name| !["done", "processing"].contains(&name.as_str()));
    after.push("good.csv".into());
    after.sort();
    assert_eq!(after, before, "they stay where they are");
}

#[test]
fn a_watch_reports_each_entry_once() {
    let folder = inbox(0o755);
    symlink("/etc/passwd", folder.path("inbox/link.csv")).unwrap();
    let server = ok();
    let log = std::fs::File::create(folder.path("log")).unwrap();
    let child = folder
        .command()
        .args(["watch", "inbox", "--target", "plain.toml", "--settle", "0s"])
        .args(["--interval", "100ms", "--base-url", &server.base_url])
        .envs(CREDENTIALS)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut child = Started(child);
    // Each file is found by a separate pass.
    for number in 1..=4 {
        let name = format!("{number}.csv");
        let text = plain_roster(1).replace("-8000-", &format!("-8{number:03}-"));
        folder.write("inbox/x.part", text);
        std::fs::rename(
            folder.path("inbox/x.part"),
            folder.path("inbox").join(&name),
        )
        .unwrap();
        wait_until(&name, || {
            let done = below(&folder.path("inbox/done"));
            done.iter().any(|path| path.ends_with(&name))
        });
    }
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let told = std::fs::read_to_string(folder.path("log")).unwrap();
    assert_eq!(told.matches("link.csv: ").count(), 1, "{told}");
}

#[test]
fn writes_through_an_open_handle_do_not_affect_the_run() {
    let folder = inbox(0o755);
    let path = folder.write("inbox/r.csv", plain_roster(40));
    let other = plain_roster(40).replace("Åsa", "Eve");
    let held = Mutex::new(std::fs::File::options().write(true).open(path).unwrap());
    let server = Server::start(move |_| {
        let mut held = held.lock().unwrap();
        held.rewind().unwrap();
        held.write_all(other.as_bytes()).unwrap();
        respond(200, &[], "{}")
    });
    let output = sweep(&folder, &server, &["--concurrency", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(server.seen().iter().all(|seen| seen.body.contains("Åsa")));
    let all = below(&folder.path("inbox/done"));
    let results = all
        .iter()
        .find(|path| path.ends_with("r.results.csv"))
        .unwrap();
    let results = std::fs::read_to_string(results).unwrap();
    assert!(
        results.contains("Åsa") && !results.contains("Eve"),
        "{results}"
    );
}

#[test]
fn a_sparse_file_does_not_fill_the_disk() {
    let folder = inbox(0o755);
    let file = std::fs::File::create(folder.path("inbox/r.csv")).unwrap();
    file.set_len(1 << 40).unwrap();
    let output = sweep(&folder, &ok(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("1073741824"),
        "{}",
        stderr(&output)
    );
    let all = below(&folder.path("inbox/failed"));
    assert!(all.iter().any(|path| path.ends_with("r.csv")), "{all:?}");
    assert!(
        all.iter().any(|path| path.ends_with("r.error.txt")),
        "{all:?}"
    );
}

#[test]
fn results_beside_a_file_do_not_follow_planted_links() {
    let folder = Folder::new();
    let victim = folder.write("victim", "a secret\n");
    folder.write("r.csv", plain_roster(2).replacen("Ek", "", 1));
    let dangling = folder.path("made");
    for (name, to) in [
        ("r.results.csv", &victim),
        ("r.failed.csv", &dangling),
        ("r.report.html", &dangling),
        ("r.results-2.csv", &dangling),
    ] {
        symlink(to, folder.path(name)).unwrap();
    }
    let server = ok();
    let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(std::fs::read(&victim).unwrap(), b"a secret\n");
    assert!(!dangling.exists());
    let results = folder.path("r.results-3.csv");
    assert!(results.symlink_metadata().unwrap().is_file());
    assert_eq!(folder.csv("r.results-3.csv", b',').len(), 3);
    for name in [
        "r.results.csv",
        "r.failed.csv",
        "r.report.html",
        "r.results-2.csv",
    ] {
        assert!(folder.path(name).is_symlink(), "{name}");
    }
}

#[test]
fn a_given_path_is_not_written_through_another_accounts_link() {
    if !may_be_another() {
        return;
    }
    let folder = Folder::new();
    let victim = folder.write("victim", "a secret\n");
    set_mode(&victim, 0o600);
    folder.write("r.csv", plain_roster(2));
    folder.write("rosterpatch.toml", "metrics = \"run.prom\"\n");
    for name in ["named.csv", "run.prom"] {
        symlink(&victim, folder.path(name)).unwrap();
        let link = folder.path(name);
        std::os::unix::fs::lchown(link, Some(OTHER), Some(OTHER)).unwrap();
    }
    let server = ok();
    let named = ["--results", "named.csv"];
    let output = folder.import_to("r.csv", &server.base_url, &named, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("named.csv"), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 0);
    // For metrics, a link only causes a warning.
    let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = victim.metadata().unwrap();
    assert_eq!((found.len(), found.mode() & 0o777), (9, 0o600));
    // The creator of a FIFO could read what is written to it.
    let pipe = folder.path("pipe.csv");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    chown(&pipe, Some(OTHER), Some(OTHER)).unwrap();
    let mut reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = folder.import_to("r.csv", &server.base_url, &["--failed", "pipe.csv"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    reader.kill().unwrap();
    assert!(reader.wait_with_output().unwrap().stdout.is_empty());
    // A link that belongs to the user is followed.
    std::os::unix::fs::lchown(folder.path("named.csv"), Some(0), Some(0)).unwrap();
    let output = folder.import_to("r.csv", &server.base_url, &named, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(folder.path("named.csv").is_symlink());
    assert_eq!(folder.csv("victim", b',').len(), 3);
}
