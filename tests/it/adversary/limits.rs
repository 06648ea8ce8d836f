//! Process limits: exceeding one gives an error and not a panic.

use std::process::Command;

use super::trust::can_give_away;
use crate::harness::{Folder, plain_roster, stderr};

#[test]
fn too_low_a_limit_on_threads_is_reported_at_the_start() {
    if !can_give_away() {
        return;
    }
    // An account of this test only, because the limit counts all processes of an account.
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
fn a_file_size_limit_is_reported_like_a_full_disk() {
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
