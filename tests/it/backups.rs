//! Backups that are taken during a run and restored elsewhere.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{CREDENTIALS, Folder, RECORD, Server, plain_roster, respond, stderr, stdout};

/// Runs `backup --out NAME` in a folder.
fn back_up(folder: &Path, name: &str) -> Output {
    std::process::Command::new(crate::harness::program_path())
        .args(["backup", "--lang", "en", "--out"])
        .arg(folder.join(name))
        .env("ROSTERPATCH_STATE", folder.join("state"))
        .output()
        .unwrap()
}

/// Returns the number of requests for each row, identified by the last digits of its id.
fn requests(server: &Server, rows: usize) -> Vec<usize> {
    let mut counts = vec![0; rows];
    for seen in server.seen() {
        let number = &seen.path[seen.path.len() - 3..];
        counts[number.parse::<usize>().unwrap() - 1] += 1;
    }
    counts
}

/// Imports ten rows sequentially with a backup during the third request, then deletes the state and the
/// roster and resumes from the backup in another folder. Returns the output of `resume`, the number of
/// requests for each row, and the results.
fn restored(idempotent: bool) -> (Output, Vec<usize>, Vec<Vec<String>>) {
    let folder = Folder::new();
    folder.plain_target(idempotent);
    std::fs::create_dir(folder.path("in")).unwrap();
    folder.write("in/r.csv", plain_roster(10));
    let (count, root) = (AtomicUsize::new(0), folder.path(""));
    let server = Server::start(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 2 {
            let output = back_up(&root, "backup");
            assert!(output.status.success(), "{}", stderr(&output));
        }
        respond(200, &[], RECORD)
    });
    let output = folder.import_to("in/r.csv", &server.base_url, &["--concurrency", "1"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(requests(&server, 10), [1; 10]);

    std::fs::remove_dir_all(folder.path("state")).unwrap();
    std::fs::remove_dir_all(folder.path("in")).unwrap();
    std::fs::create_dir(folder.path("elsewhere")).unwrap();
    std::fs::rename(folder.path("backup"), folder.path("elsewhere/state")).unwrap();
    let output = folder
        .program()
        .args(["resume", "--state", "elsewhere/state"])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    let requests = requests(&server, 10);
    (output, requests, folder.csv("r.results.csv", b','))
}

#[test]
fn a_backup_taken_during_a_run_can_be_resumed_elsewhere() {
    let (output, requests, results) = restored(true);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // Two rows were done at the backup. The others may have been sent after it: they are resent, which is
    // idempotent, and the attempts are counted.
    assert_eq!(requests, [1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
    let attempts: Vec<&str> = results[1..].iter().map(|row| &*row[10]).collect();
    assert_eq!(results[0][10], "import_attempts");
    assert_eq!(attempts, ["1", "1", "2", "2", "2", "2", "2", "2", "2", "2"]);
    assert!(results[1..].iter().all(|row| row[5] == "updated"));
}

#[test]
fn a_restored_run_does_not_resend_rows_if_the_target_is_not_idempotent() {
    let (output, requests, results) = restored(false);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(requests, [1; 10]);
    for row in &results[3..] {
        assert_eq!((&*row[5], &*row[7]), ("failed", "network.unknown"));
    }
}

#[cfg(unix)]
#[test]
fn a_backup_is_private_and_includes_the_files_beside_the_journal() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = Server::start(|_| respond(200, &[], RECORD));
    let state = folder.path("state");
    let import = |name: &str| {
        let output = folder
            .program()
            .args([
                "import",
                name,
                "--target",
                "plain.toml",
                "--yes",
                "--base-url",
            ])
            .arg(&server.base_url)
            .env("ROSTERPATCH_STATE", &state)
            .envs(CREDENTIALS)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    import("r.csv");
    std::fs::create_dir_all(state.join("dropped/00ff")).unwrap();
    std::fs::write(state.join("dropped/00ff/upload.csv"), "id\n1\n").unwrap();
    std::fs::create_dir_all(state.join("mends")).unwrap();
    std::fs::write(state.join("mends/a.json"), "[]").unwrap();
    std::fs::create_dir_all(state.join("columns")).unwrap();
    std::fs::write(state.join("columns/a.json"), "{}").unwrap();

    let output = back_up(&folder.path(""), "copy");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("1 run in "), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("with 3 files"),
        "{}",
        stdout(&output)
    );
    let mode = |name: &str| {
        let metadata = folder.path("copy").join(name).metadata().unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("dropped/00ff")), (0o700, 0o700));
    for file in [
        "journal.sqlite",
        "dropped/00ff/upload.csv",
        "mends/a.json",
        "columns/a.json",
    ] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    let mut there: Vec<_> = std::fs::read_dir(folder.path("copy"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    there.sort();
    assert_eq!(there, ["columns", "dropped", "journal.sqlite", "mends"]);
    // The backup of a finished run equals the original.
    let runs = |state: &Path| {
        let mut program = folder.program();
        stdout(
            &program
                .args(["runs", "--rehearsals", "--format", "json"])
                .env("ROSTERPATCH_STATE", state)
                .output()
                .unwrap(),
        )
    };
    assert_eq!(runs(&folder.path("copy")), runs(&state));
}

#[test]
fn a_failed_backup_reports_the_reason_and_leaves_no_files() {
    let folder = Folder::new();
    let refused = |out: &str| {
        let output = back_up(&folder.path(""), out);
        assert!(!output.status.success());
        (output.status.code().unwrap(), stderr(&output))
    };
    let (code, text) = refused("copy");
    assert!(
        code == 1 && text.contains("cannot use the state folder"),
        "{text}"
    );
    std::fs::create_dir(folder.path("state")).unwrap();
    let (code, text) = refused("copy");
    assert!(
        code == 1 && !folder.path("state/journal.sqlite").exists(),
        "{text}"
    );
    let (code, text) = refused("state/copy");
    assert!(
        code == 2 && text.contains("is in the state folder"),
        "{text}"
    );
    let (code, text) = refused("plain.toml");
    assert!(code == 2 && text.contains("already exists"), "{text}");
    let left: Vec<_> = std::fs::read_dir(folder.path(""))
        .unwrap()
        .flatten()
        .collect();
    assert!(left.iter().all(|entry| {
        !entry
            .file_name()
            .to_string_lossy()
            .starts_with(".rosterpatch")
    }));
    assert!(!folder.path("copy").exists());

    #[cfg(all(unix, feature = "postgres"))]
    {
        let state = ["--state", "postgres://db.invalid/rosters"];
        let mut program = folder.program();
        let output = program
            .args(["backup", "--out", "copy"])
            .args(state)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("pg_dump"), "{}", stderr(&output));
    }
}

#[test]
fn a_backup_reports_unfinished_runs_whose_roster_has_changed() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3) + "not a number,A,B,C\n");
    let server = Server::start(|_| respond(200, &[], RECORD));
    let held = folder
        .program()
        .args(["import", "r.csv", "--yes", "--target", "plain.toml"])
        .args(["--base-url", &server.base_url, "--max-invalid", "0"])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    assert_eq!(held.status.code(), Some(4), "{}", stderr(&held));
    let whole = back_up(&folder.path(""), "whole");
    assert!(stdout(&whole).contains("with 1 file"), "{}", stdout(&whole));
    assert_eq!(stderr(&whole), "");
    folder.write("r.csv", plain_roster(3));
    let without = back_up(&folder.path(""), "without");
    assert_eq!(without.status.code(), Some(0));
    assert!(
        stderr(&without).contains("r.csv is missing, unreadable or changed"),
        "{}",
        stderr(&without)
    );
    assert!(
        stdout(&without).contains("with 0 files"),
        "{}",
        stdout(&without)
    );
}
