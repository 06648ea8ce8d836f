//! Race conditions: no process loses another one's results, and nothing in use is deleted.

use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rosterpatch::sandbox::Sandbox;

use crate::harness::{
    Folder, OF_SANDBOX, RECORD, Server, Started, import_of, plain_id, plain_roster, respond,
    sandbox_holding, signal, stderr, stdout, wait_until,
};

/// Latency that leaves time for another event during a run.
const SLOW: Duration = Duration::from_millis(30);

fn command(folder: &Folder, arguments: &[&str]) -> std::process::Command {
    let mut command = folder.command();
    command
        .args(arguments)
        .env("ROSTERPATCH_STATE", folder.path("state"))
        .envs(OF_SANDBOX)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(folder: &Folder, arguments: &[&str]) -> Child {
    command(folder, arguments).spawn().unwrap()
}

/// Returns the files in a folder whose names contain this text, sorted.
fn named(folder: &Folder, part: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder.path(".")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains(part)).collect();
    names.sort();
    names
}

#[test]
fn two_concurrent_rosters_of_one_name_have_separate_results() {
    for round in 0..30 {
        let folder = Folder::new();
        let server = Server::start(|_| respond(200, &[], RECORD));
        folder.write("a.csv", plain_roster(3));
        folder.write("a.txt", plain_roster(5));
        let import = |file: &str| {
            let target = ["import", file, "--target", "plain.toml", "--yes"];
            start(
                &folder,
                &[&target[..], &["--base-url", &server.base_url]].concat(),
            )
        };
        for child in [import("a.csv"), import("a.txt")] {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
        let results = named(&folder, ".results");
        assert_eq!(
            results,
            ["a.results-2.csv", "a.results.csv"],
            "round {round}"
        );
        let mut rows: Vec<usize> = results
            .iter()
            .map(|name| folder.csv(name, b',').len() - 1)
            .collect();
        rows.sort_unstable();
        assert_eq!(rows, [3, 5], "round {round}");
        assert_eq!(named(&folder, ".report").len(), 2);
    }
}

#[test]
fn files_that_appear_during_a_run_are_not_overwritten() {
    let folder = Folder::new();
    let path = folder.path("r.failed.csv");
    let server = Server::start(move |_| {
        std::fs::write(&path, "somebody's").unwrap();
        respond(422, &[], "{}")
    });
    folder.write("r.csv", plain_roster(1));
    let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(
        std::fs::read(folder.path("r.failed.csv")).unwrap(),
        b"somebody's"
    );
    assert_eq!(folder.csv("r.failed-2.csv", b',').len(), 2);
    assert!(
        stdout(&output).contains("r.failed-2.csv"),
        "{}",
        stdout(&output)
    );

    // A resumed run keeps a results file that another run wrote meanwhile.
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let down = folder.import_to("r.csv", "http://127.0.0.1:1", &["--max-attempts", "1"], &[]);
    assert_eq!(down.status.code(), Some(6), "{}", stderr(&down));
    std::fs::write(folder.path("r.results.csv"), "edited").unwrap();
    let output = command(&folder, &["resume", "--max-attempts", "1"])
        .output()
        .unwrap();
    let output = if output.status.code() == Some(2) {
        command(&folder, &["resume"]).output().unwrap()
    } else {
        output
    };
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert_eq!(
        std::fs::read(folder.path("r.results.csv")).unwrap(),
        b"edited"
    );
    assert_eq!(folder.csv("r.results-2.csv", b',').len(), 4);
}

#[test]
fn concurrent_sweeps_of_one_folder_lose_no_results() {
    for round in 0..25 {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("inbox")).unwrap();
        let server = Server::start(|_| respond(200, &[], RECORD));
        for file in 0..6 {
            // Two extensions of one name, whose results are archived in the same folder.
            let ending = if file % 2 == 0 { "csv" } else { "txt" };
            let text = plain_roster(2 + file);
            std::fs::write(folder.path(&format!("inbox/k{}.{ending}", file / 2)), text).unwrap();
        }
        let target = [
            "sweep",
            "inbox",
            "--target",
            "plain.toml",
            "--settle",
            "0s",
            "--max-shrink",
            "100%",
        ];
        let sweep = || {
            start(
                &folder,
                &[&target[..], &["--base-url", &server.base_url]].concat(),
            )
        };
        for child in [sweep(), sweep()] {
            let output = child.wait_with_output().unwrap();
            assert_eq!(
                output.status.code(),
                Some(0),
                "round {round}: {}",
                stderr(&output)
            );
        }
        let day = std::fs::read_dir(folder.path("inbox/done"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let files = std::fs::read_dir(day.path()).unwrap();
        let mut rows: Vec<usize> = files
            .map(|file| file.unwrap())
            .filter(|file| file.file_name().to_string_lossy().contains(".results"))
            .map(|file| crate::harness::read_csv(&file.path(), b',').len() - 1)
            .collect();
        rows.sort_unstable();
        assert_eq!(rows, [2, 3, 4, 5, 6, 7], "round {round}");
    }
}

#[test]
fn a_roster_is_compared_with_the_last_of_its_name_and_address() {
    let folder = Folder::new();
    let (a, b) = (
        Server::start(|_| respond(200, &[], RECORD)),
        Server::start(|_| respond(200, &[], RECORD)),
    );
    let import = |rows: usize, server: &Server| {
        folder.write("r.csv", plain_roster(rows));
        folder
            .import_to("r.csv", &server.base_url, &[], &[])
            .status
            .code()
    };
    assert_eq!(import(20, &a), Some(0));
    assert_eq!(import(3, &b), Some(0));
    assert_eq!(import(4, &a), Some(4), "20 rows there the last time");

    // An archived file gets a number and keeps its name.
    std::fs::create_dir(folder.path("inbox")).unwrap();
    let sweep = |rows: usize| {
        std::fs::write(folder.path("inbox/s.csv"), plain_roster(rows)).unwrap();
        let arguments = ["sweep", "inbox", "--target", "plain.toml", "--settle", "0s"];
        let address = ["--base-url", &a.base_url, "--rate", "1000/s"];
        let output = command(&folder, &[&arguments[..], &address].concat())
            .output()
            .unwrap();
        output.status.code()
    };
    assert_eq!(sweep(20), Some(0));
    assert_eq!(sweep(200), Some(0));
    assert_eq!(sweep(18), Some(4), "200 rows the last time");
}

#[test]
fn a_file_with_the_longest_possible_name_is_imported_or_archived() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("inbox")).unwrap();
    let server = Server::start(|_| respond(200, &[], RECORD));
    for length in [200, 239, 243, 250, 255] {
        let name = format!("{}.csv", "å".repeat((length - 4) / 2));
        std::fs::write(folder.path("inbox").join(&name), plain_roster(2)).unwrap();
    }
    std::fs::write(
        folder
            .path("inbox")
            .join(format!("{}.csv", "x".repeat(251))),
        "none",
    )
    .unwrap();
    let arguments = ["sweep", "inbox", "--target", "plain.toml", "--settle", "0s"];
    let sweep = || {
        command(
            &folder,
            &[&arguments[..], &["--base-url", &server.base_url]].concat(),
        )
        .output()
        .unwrap()
    };
    let output = sweep();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(
        stdout(&output).lines().count(),
        5 + 1,
        "a line a file, and the closing line: {}\n{}",
        stdout(&output),
        stderr(&output)
    );
    // The next sweep finds no leftovers.
    let output = sweep();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn prune_keeps_runs_in_use_and_deletes_dead_ones() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&plain_roster(60), SLOW);
    folder.write("r.csv", plain_roster(60).replace("Åsa", "Bo"));
    let arguments = import_of(&base_url);
    let one = [&arguments[..], &["--concurrency", "1"]].concat();
    let mut import = start(&folder, &one);
    wait_until("requests arrive", || sandbox.requests("update") > 3);
    let prune = || stdout(&folder.run("runs prune --older-than 0s"));
    assert!(prune().contains("0 runs deleted\n1 run kept"), "under way");
    // A killed run can be undone, and is not pruned during the undo.
    import.kill().unwrap();
    import.wait().unwrap();
    let listed = folder.runs();
    assert!(listed.contains("interrupted"), "{listed}");
    let name = listed.split(' ').next().unwrap().to_owned();
    let changed = |sandbox: &Sandbox| {
        let students = sandbox.students();
        (1..=60)
            .filter(|row| students[plain_id(*row)]["firstName"] == "Bo")
            .count()
    };
    let count = changed(&sandbox);
    assert!(count >= 3, "{count}");
    let before = sandbox.requests("update");
    let undo = start(&folder, &["undo", &name, "--yes", "--concurrency", "1"]);
    wait_until("requests arrive", || {
        sandbox.requests("update") > before || sandbox.requests("search") > 1
    });
    assert!(!prune().contains("2 runs deleted"));
    let output = undo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // A request in progress at the kill may have changed one record that the journal does not know of.
    assert!(changed(&sandbox) <= 1, "{}", changed(&sandbox));
    assert!(prune().contains("2 runs deleted"));
    assert_eq!(folder.runs(), "");
}

#[test]
fn a_second_signal_ends_the_wait_for_another_process() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let journal = folder.path("state/journal.sqlite");
    let (hold, held) = mpsc::channel();
    let server = Server::start(move |seen| {
        // Another process holds the journal from the first request on.
        if seen.path.ends_with('1') {
            let other = rusqlite::Connection::open(&journal).unwrap();
            other.busy_timeout(Duration::from_secs(60)).unwrap();
            other.execute_batch("BEGIN EXCLUSIVE").unwrap();
            hold.send(other).unwrap();
        }
        respond(200, &[], RECORD)
    });
    let import = ["import", "r.csv", "--target", "plain.toml", "--yes"];
    let to = ["--base-url", &server.base_url];
    let mut child = Started(start(&folder, &[&import[..], &to].concat()));
    let _other = held.recv().unwrap();
    let began = std::time::Instant::now();
    // Signals in quick succession may be coalesced into one, so the signal is repeated.
    wait_until("it ends", || {
        signal(child.id(), "TERM");
        child.try_wait().unwrap().is_some()
    });
    assert!(!child.wait().unwrap().success());
    // Without a second signal, it would wait for half a minute.
    assert!(began.elapsed() < Duration::from_secs(25), "{began:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_keeps_its_lock_on_the_journal_until_it_ends() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&plain_roster(20), SLOW);
    folder.write("r.csv", plain_roster(20).replace("Åsa", "Bo"));
    let arguments = ["import", "r.csv", "--target", "meitner", "--yes"];
    let slowly = ["--base-url", &base_url, "--concurrency", "1"];
    let import = start(&folder, &[&arguments[..], &slowly].concat());
    wait_until("requests arrive", || sandbox.requests("update") > 3);
    // Without the lock, another program that closes the journal would act as the last user and remove the
    // write-ahead log that the run is still writing to (sqlite.org/walformat.html, section 3).
    let journal = std::fs::metadata(folder.path("state/journal.sqlite")).unwrap();
    let held = std::fs::read_to_string("/proc/locks").unwrap();
    let (pid, inode) = (import.id().to_string(), format!(":{}", journal.ino()));
    let is_held = held.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1) == Some(&"POSIX")
            && words.get(4) == Some(&pid.as_str())
            && words.get(5).is_some_and(|file| file.ends_with(&inode))
    });
    assert!(is_held, "{held}");
    let output = import.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_killed_prune_deletes_a_run_completely_or_not_at_all() {
    const ROWS: u64 = 2_000;
    let made = Folder::new();
    let server = Server::start(|_| respond(200, &[], RECORD));
    made.write("r.csv", plain_roster(1));
    for _ in 0..20 {
        let output = made.import_to("r.csv", &server.base_url, &["--all", "--fresh"], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let journal = rusqlite::Connection::open(made.path("state/journal.sqlite")).unwrap();
    // Enough rows to make the prune take a while.
    let more = "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) ";
    for (table, rest) in [
        (
            "outcome",
            "state, at, attempts, http_status, error_code, error, request_id",
        ),
        (
            "planned",
            "line, changed, key, cells, path || i, body, fingerprint, name, note, changes, facts",
        ),
    ] {
        let insert = format!(
            "{more} INSERT INTO {table} SELECT id - 1 + i, {rest} FROM {table}, n WHERE id & 4294967295 = 1"
        );
        journal.execute(&insert, [ROWS]).unwrap();
    }
    drop(journal);

    let bytes = std::fs::read(made.path("state/journal.sqlite")).unwrap();
    let mut cut_short = 0;
    for round in 0..20u64 {
        let folder = Folder::new();
        assert_eq!(folder.runs(), "");
        let path = folder.path("state/journal.sqlite");
        std::fs::write(&path, &bytes).unwrap();
        let mut prune = start(&folder, &["runs", "prune", "--older-than", "0s"]);
        std::thread::sleep(Duration::from_millis(4 * round));
        prune.kill().unwrap();
        prune.wait().unwrap();

        let listed = folder.runs().lines().count();
        let journal = rusqlite::Connection::open(&path).unwrap();
        let text = |query: &str| journal.query_row(query, [], |row| row.get::<_, String>(0));
        assert_eq!(
            text("PRAGMA integrity_check").unwrap(),
            "ok",
            "round {round}"
        );
        for table in ["outcome", "planned"] {
            let parts = format!(
                "SELECT group_concat(rows, ' ') FROM (SELECT count(*) AS rows FROM {table} GROUP BY id >> 32)"
            );
            let whole = vec![ROWS.to_string(); listed].join(" ");
            assert_eq!(text(&parts).unwrap_or_default(), whole, "round {round}");
        }
        drop(journal);
        cut_short += usize::from(listed > 0);
        let again = stdout(&folder.run("runs prune --older-than 0s"));
        assert!(again.contains(&format!("{listed} run")), "{again}");
        assert_eq!(folder.runs(), "");
    }
    assert!(cut_short > 0);
}
