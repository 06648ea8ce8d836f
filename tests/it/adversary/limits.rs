//! Limits of the process: what it may not have is said, and is no reason to panic.

use std::process::Command;

use super::trust::can_give_away;
use crate::harness::{Folder, plain_roster, stderr};

#[test]
fn too_few_threads_are_told_before_anything_begins() {
    if !can_give_away() {
        return;
    }
    // An account of this test's own, since all processes of one count.
    let account = 54_322;
    let folder = Folder::new();
    let roster = folder.write("r.csv", plain_roster(2));
    for path in [folder.path(""), roster] {
        std::os::unix::fs::chown(path, Some(account), None).unwrap();
    }
    if !crate::machine::can_enter(account, &folder.path("")) {
        return;
    }
    let mut worked = 0;
    for most in 1..=40 {
        for arguments in [
            "check r.csv --target meitner",
            "import r.csv --target meitner --sandbox --fresh",
        ] {
            let output = Command::new("setpriv")
                .args([
                    format!("--reuid={account}"),
                    format!("--regid={account}"),
                    "--clear-groups".to_owned(),
                    "prlimit".to_owned(),
                    format!("--nproc={most}"),
                    "--".to_owned(),
                ])
                .arg(crate::harness::program_path())
                .args(arguments.split(' '))
                .env_clear()
                .env("ROSTERPATCH_STATE", folder.path("state"))
                .current_dir(folder.path(""))
                .output()
                .unwrap();
            let told = stderr(&output);
            assert!(!told.contains("panicked"), "{most} {arguments}: {told}");
            match output.status.code() {
                Some(0) => worked += 1,
                code => {
                    assert_eq!(code, Some(1), "{most} {arguments}: {told}");
                    assert!(told.contains("ulimit -u"), "{most} {arguments}: {told}");
                }
            }
        }
    }
    assert!((1..80).contains(&worked), "{worked} of 80 worked");
}

#[test]
fn a_file_that_may_not_grow_is_told_like_a_full_disk() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2_000));
    folder.write("bad.csv", plain_roster(2_000).replace("-8000-", "-"));
    let program = crate::harness::program_path();
    for arguments in [
        "check bad.csv --target meitner --problems p.csv",
        "import r.csv --target meitner --sandbox",
    ] {
        let output = Command::new("sh")
            .args(["-c", &format!("ulimit -f 8; exec \"$0\" {arguments}")])
            .arg(&program)
            .env("ROSTERPATCH_STATE", folder.path("state"))
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {told}");
        assert!(told.contains("rosterpatch: "), "{arguments}: {told}");
    }
}
