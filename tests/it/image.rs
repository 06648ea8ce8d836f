//! The sample fleet's image: buildah builds its last stage, and the steps of that stage also run without a
//! builder.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Folder, program_path, repository, stderr, stdout};
use crate::machine::{has_command, installed, is_root, skipped};

/// The account id of the image's process.
const ACCOUNT: u32 = 10_001;

fn sample(name: &str) -> String {
    std::fs::read_to_string(repository().join("samples/fleet").join(name)).unwrap()
}

/// The instructions of a stage with their arguments.
type Stage = Vec<(String, String)>;

/// Returns the two stages: the first builds the program, the last is the image.
fn stages() -> [Stage; 2] {
    let text = sample("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut stages: Vec<Stage> = Vec::new();
    for (name, rest) in lines.filter_map(|line| line.trim().split_once(' ')) {
        if name == "FROM" {
            stages.push(Vec::new());
        }
        let stage = stages.last_mut().expect("it begins with FROM");
        stage.push((name.to_owned(), rest.trim().to_owned()));
    }
    stages.try_into().expect("two stages")
}

/// Returns the path of the program in the first stage, from which the last stage copies it.
fn built() -> String {
    let [first, last] = stages();
    let of = |stage: &Stage, name: &str| {
        let found = stage.iter().find(|(own, _)| own == name);
        found.map(|(_, rest)| rest.clone()).expect(name)
    };
    let stage = of(&first, "FROM").rsplit_once(" AS ").unwrap().1.to_owned();
    assert!(first.contains(&(
        "RUN".into(),
        "cargo build --release --locked --features postgres".into()
    )));
    let built = format!("{}/target/release/rosterpatch", of(&first, "WORKDIR"));
    let copy = of(&last, "COPY");
    let from = copy.split(' ').take(2).collect::<Vec<_>>();
    assert_eq!(from, [&format!("--from={stage}"), &built]);
    built
}

/// Returns the folders that the samples mount for the program to write to.
fn mounted() -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for line in sample("compose.yaml").lines().map(str::trim) {
        let place = line.strip_prefix("- ");
        let place = place.and_then(|rest| rest.split_once(":/"));
        let place = place.map(|(_, place)| place);
        // The database volume belongs to another image.
        let own = |place: &&str| !place.contains([':', ' ', '"']) && !place.contains("postgresql");
        folders.extend(place.filter(own).map(|place| format!("/{place}")));
    }
    for line in sample("kubernetes.yaml").lines() {
        let place = line.split_once("mountPath: ").map(|(_, rest)| rest);
        let own = place.filter(|place| !place.contains("readOnly: true"));
        folders.extend(own.map(|place| place.trim_end_matches(['}', ' ']).to_owned()));
    }
    folders
}

/// Creates a root folder in a mount namespace that shares this machine's programs.
const BARE_ROOT: &str = r#"
set -eu
cd "$1"
mkdir -p usr etc var/lib tmp dev proc
chmod 1777 tmp
for name in bin sbin lib lib64; do if [ -L "/$name" ]; then cp -P "/$name" .; fi; done
mount --bind /usr usr
mount -t tmpfs none usr/local
mount --bind /dev dev
mount --bind /proc proc
mkdir usr/local/bin
printf 'root:x:0:0::/root:/bin/sh\n' > etc/passwd
printf 'root:x:0:\n' > etc/group
: > etc/shadow
printf '#!/bin/sh\necho "$*" >> /installed\n' > usr/local/bin/apt-get
chmod 755 usr/local/bin/apt-get
PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin
umask 022
"#;

#[test]
fn the_image_has_certificates_and_its_account_owns_its_folders() {
    let folders = mounted();
    let expected = ["/inbox", "/metrics"].map(str::to_owned);
    assert_eq!(folders, BTreeSet::from(expected));
    if !is_root() || !Path::new("/bin").is_symlink() {
        return skipped("the image's steps are taken by root, where /bin is a link to /usr/bin");
    }
    if !has_command("unshare", "util-linux") || !has_command("useradd", "passwd") {
        return;
    }
    let mut script = BARE_ROOT.to_owned();
    let (mut environment, mut user) = (String::new(), None);
    built();
    for (name, rest) in stages()[1].clone() {
        let quoted = rest.replace('\'', "'\\''");
        match name.as_str() {
            "FROM" | "ENTRYPOINT" => {}
            "RUN" => script.push_str(&format!("chroot . /bin/sh -c '{quoted}'\n")),
            "COPY" => {
                let (_, to) = rest.rsplit_once(' ').unwrap();
                script.push_str(&format!("cp \"$2\" .{to}\n"));
            }
            "ENV" => environment.push_str(&format!(" {rest}")),
            "USER" => user = Some(rest),
            other => panic!("{other} is no step that this test can take"),
        }
    }
    assert_eq!(user, Some(ACCOUNT.to_string()));
    // The account's process records runs and writes to each folder.
    let own = format!("chroot --userspec={ACCOUNT}:{ACCOUNT} .");
    script.push_str(&format!(
        "{own} /usr/bin/env -i PATH=$PATH HOME=/home/rosterpatch{environment} rosterpatch runs\n"
    ));
    for folder in &folders {
        script.push_str(&format!("{own} /bin/sh -c ': > {folder}/own'\n"));
    }
    let root = tempfile::tempdir().unwrap();
    // The account must be able to enter the folder.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(root.path(), open).unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script, "sh"])
        .args([root.path(), &program_path()])
        .output()
        .unwrap();
    let told = stderr(&output);
    if told.contains("unshare failed") || told.contains("mount: ") {
        return skipped("no mount namespace may be made here");
    }
    assert!(output.status.success(), "{told}{}", stdout(&output));
    let installed = std::fs::read_to_string(root.path().join("installed")).unwrap();
    let install = installed.lines().find(|line| line.starts_with("install"));
    let mut packages = install.unwrap_or_default().split(' ');
    assert!(
        packages.any(|name| name == "ca-certificates"),
        "{installed}"
    );
    let state = "/var/lib/rosterpatch";
    let at = |place: &str| root.path().join(place.trim_start_matches('/'));
    for folder in folders.iter().map(String::as_str).chain([state]) {
        let found = std::fs::metadata(at(folder)).unwrap();
        assert_eq!((found.uid(), found.gid()), (ACCOUNT, ACCOUNT), "{folder}");
    }
    let mode = std::fs::metadata(at(state)).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(at(state).join("journal.sqlite").is_file());
}

#[test]
fn buildah_builds_the_image_and_its_account_runs_the_program() {
    let built = built();
    let Some(base) = installed("IMAGE_BASE") else {
        return;
    };
    if !has_command("buildah", "buildah") {
        return;
    }
    let folder = Folder::new();
    let policy = folder.write(
        "policy.json",
        r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
    );
    let buildah = |arguments: &[&str]| -> Output {
        let mut command = Command::new("buildah");
        command
            .args(["--storage-driver", "vfs", "--root"])
            .arg(folder.path("store"))
            .arg("--runroot")
            .arg(folder.path("runtime"))
            .args(arguments)
            .current_dir(folder.path(""));
        command.output().unwrap()
    };
    if !buildah(&["unshare", "true"]).status.success() && !is_root() {
        return skipped(
            "buildah can make no user namespace here: apt-get install uidmap, and /etc/subuid",
        );
    }
    let done = |arguments: &[&str]| {
        let output = buildah(arguments);
        let told = stdout(&output) + &stderr(&output);
        assert!(output.status.success(), "{arguments:?}: {told}");
        stdout(&output)
    };
    // A Debian root of this machine's architecture replaces the registry's image.
    done(&["from", "--name", "base", "scratch"]);
    done(&["add", "--quiet", "base", base.to_str().unwrap(), "/"]);
    let trust = ["--signature-policy", policy.to_str().unwrap()];
    done(
        &[
            &["commit", "--quiet"][..],
            &trust,
            &["base", "localhost/debian"],
        ]
        .concat(),
    );
    done(&["rm", "base"]);
    // The last stage is built unchanged, with this build's program in place of the first stage's.
    let text = sample("Dockerfile");
    let last = text.rfind("\nFROM ").unwrap();
    folder.write("Containerfile", &text[last + 1..]);
    let program = folder.path(&format!("build{built}"));
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::copy(program_path(), program).unwrap();
    let context = format!("build={}", folder.path("build").display());
    let from = ["--from", "localhost/debian", "--build-context", &context];
    let how = [
        "--isolation",
        "chroot",
        "--pull-never",
        "--tag",
        "rosterpatch",
        ".",
    ];
    done(
        &[
            &["bud", "--quiet", "--file", "Containerfile"][..],
            &trust,
            &from,
            &how,
        ]
        .concat(),
    );
    done(
        &[
            &["from", "--name", "own"][..],
            &trust,
            &["localhost/rosterpatch"],
        ]
        .concat(),
    );
    let run = |arguments: &[&str]| {
        done(
            &[
                &["run", "--isolation", "chroot", "own", "--"][..],
                arguments,
            ]
            .concat(),
        )
    };
    assert_eq!(run(&["id", "-u"]).trim(), ACCOUNT.to_string());
    run(&["rosterpatch", "runs"]);
    run(&["test", "-f", "/var/lib/rosterpatch/journal.sqlite"]);
    run(&["test", "-s", "/etc/ssl/certs/ca-certificates.crt"]);
    for own in mounted() {
        run(&["touch", &format!("{own}/own")]);
    }
    done(&["rm", "own"]);
    if !is_root() {
        // The files of the image belong to accounts of its user namespace.
        let store = [folder.path("store"), folder.path("runtime")];
        let [store, runtime] = store.map(|path| path.display().to_string());
        let _ = buildah(&["unshare", "rm", "-rf", &store, &runtime]);
    }
}
