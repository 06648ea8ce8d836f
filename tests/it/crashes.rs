//! Failures around a run: interruption, a damaged journal, a full disk, a changed roster. The run resumes, or
//! reports why it cannot.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rosterpatch::clock::SystemClock;
use rosterpatch::journal::{Journal, JournalError, Record, Stage, State, Writer};
use rosterpatch::model::{Exit, Outcome, RowState};
use rosterpatch::send::StopRequest;

use crate::harness::{
    CREDENTIALS, Folder, LibraryRun, RECORD, Server, Started, identity_number, import_of, plain_id,
    plain_roster, program_path, respond, sandbox_holding, signal, stderr, stdout, wait_until,
};

/// Returns the number of successful requests for each row, by the last digits of its id.
fn answered(server: &Server) -> Vec<usize> {
    let mut counts = vec![0; 1000];
    for seen in server.seen() {
        if let Some(number) = seen.path.get(seen.path.len() - 3..) {
            counts[number.parse::<usize>().unwrap_or(0)] += 1;
        }
    }
    counts
}

/// Returns a run and a server that requests a stop at the third request.
fn stopping_at_three(rows: usize) -> (Folder, Server, LibraryRun) {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(rows));
    let (stop, stopped) = tokio::sync::watch::channel(StopRequest::None);
    let stop = Mutex::new(Some(stop));
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 2
            && let Some(stop) = stop.lock().unwrap().as_ref()
        {
            stop.send_replace(StopRequest::Finish);
        }
        respond(200, &[], RECORD)
    });
    let mut run = LibraryRun::new();
    run.sender.concurrency = 1;
    // With a virtual clock, the grace period of a request in progress would expire at once.
    run.clock = Arc::new(SystemClock);
    run.stop = Some(stopped);
    (folder, server, run)
}

#[test]
fn an_interrupted_run_resumes_and_resends_nothing() {
    let (folder, server, mut run) = stopping_at_three(10);
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(first.summary.exit_code, Exit::Interrupted);
    assert_eq!(first.summary.states.updated, 3);
    assert_eq!(first.summary.states.not_sent, 7);

    run.stop = None;
    run.resume = Some(first.summary.run.clone());
    let second = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(second.summary.exit_code, Exit::Success);
    assert_eq!(second.summary.states.updated, 10);
    assert_eq!(second.summary.requests, 10, "of the whole run");
    assert_eq!(second.summary.run, first.summary.run);
    assert!(answered(&server).iter().all(|count| *count <= 1));
    assert_eq!(server.seen().len(), 10);
}

#[test]
fn a_repeated_import_resumes_and_a_fresh_one_does_not() {
    let (folder, server, run) = stopping_at_three(10);
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(first.summary.states.updated, 3);
    // The settings of the library's run and the program's run differ only in the spelling of the command
    // line.
    let again = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(
        stderr(&again).contains("continuing an"),
        "{}",
        stderr(&again)
    );
    assert_eq!(server.seen().len(), 10);
    // The run has ended, so the next import starts a new one.
    let new = folder.import_to("r.csv", &server.base_url, &["--all"], &[]);
    assert_eq!(new.status.code(), Some(0), "{}", stderr(&new));
    assert_eq!(server.seen().len(), 20);

    let (folder, server, run) = stopping_at_three(10);
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    // Without `--yes`, the new run is not started and the old run stays resumable.
    let declined = folder.run(&format!(
        "import r.csv --target plain.toml --fresh --base-url {}",
        server.base_url
    ));
    assert_ne!(declined.status.code(), Some(0));
    assert!(folder.runs().contains("interrupted"));
    let fresh = folder.import_to("r.csv", &server.base_url, &["--fresh", "--all"], &[]);
    assert_eq!(fresh.status.code(), Some(0), "{}", stderr(&fresh));
    assert!(!stderr(&fresh).contains("run.takes_its_place"));
    assert_eq!(server.seen().len(), 13);
    // A superseded run cannot be resumed, because its plan is out of date.
    let resumed = folder.run("resume");
    assert_eq!(resumed.status.code(), Some(1));
    assert!(
        stderr(&resumed).contains("nothing to resume"),
        "{}",
        stderr(&resumed)
    );

    // Without `--fresh`, an import with other settings reports the run that it replaces.
    let (folder, server, run) = stopping_at_three(10);
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    let other = ["--all", "--log-format", "json"];
    let other = folder.import_to("r.csv", &server.base_url, &other, &[]);
    assert_eq!(other.status.code(), Some(0), "{}", stderr(&other));
    let replaced = stderr(&other)
        .lines()
        .any(|line| line.contains("run.takes_its_place") && line.contains(&first.summary.run));
    assert!(replaced, "{}", stderr(&other));
    assert_eq!(server.seen().len(), 13);

    // Another path to the same file resumes the run.
    let (folder, server, run) = stopping_at_three(10);
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    std::fs::create_dir(folder.path("sub")).unwrap();
    let again = folder.import_to("sub/../r.csv", &server.base_url, &[], &[]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(server.seen().len(), 10);
}

#[test]
fn a_run_of_another_version_does_not_block_the_next() {
    let (folder, server, run) = stopping_at_three(10);
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    let path = folder.path("state/journal.sqlite");
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute("UPDATE run SET settings = '{}'", [])
        .unwrap();
    drop(connection);
    let resumed = folder.run("resume");
    assert_eq!(resumed.status.code(), Some(1));
    let text = stderr(&resumed);
    assert!(text.contains("another version"), "{text}");
    let new = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(new.status.code(), Some(0), "{}", stderr(&new));
    assert_eq!(folder.csv("r.results-2.csv", b',').len(), 11);
}

#[test]
fn a_run_whose_file_has_changed_is_not_resumed() {
    let (folder, server, run) = stopping_at_three(10);
    let name = run
        .import(&folder, "r.csv", &server.base_url)
        .unwrap()
        .summary
        .run;
    folder.write("r.csv", plain_roster(9));
    let output = folder
        .program()
        .args(["resume", &name])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(
        text.contains("has changed") && text.contains(&name),
        "{text}"
    );
    assert_eq!(server.seen().len(), 3);
    // Changed content under the same name starts a new run.
    let new = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(new.status.code(), Some(0), "{}", stderr(&new));
    // The three rows that were delivered before are not resent.
    assert_eq!(server.seen().len(), 9);
}

#[test]
fn a_run_that_cannot_be_resumed_reports_the_reason() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let none = folder.run("resume");
    assert_eq!(none.status.code(), Some(1));
    assert!(
        stderr(&none).contains("nothing to resume"),
        "{}",
        stderr(&none)
    );
    let server = Server::start(|_| respond(200, &[], RECORD));
    folder.import_to("r.csv", &server.base_url, &[], &[]);
    let name = Journal::open(&folder.state())
        .unwrap()
        .run(None)
        .unwrap()
        .name;
    let over = folder.run(&format!("resume {name}"));
    assert_eq!(over.status.code(), Some(1));
    assert!(stderr(&over).contains("it has ended"), "{}", stderr(&over));
}

#[test]
fn an_unanswered_request_is_resent_only_if_the_target_is_idempotent() {
    for (idempotent, expected, requests) in [(true, "updated", 4), (false, "failed", 3)] {
        let (folder, server, mut run) = stopping_at_three(4);
        run.target = Some(folder.plain_target(idempotent).display().to_string());
        let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
        assert_eq!(first.summary.states.updated, 3);
        // Simulate a process that died after writing the intent for row 4.
        let journal = Journal::open(&folder.state()).unwrap();
        let id = journal.run(None).unwrap().id;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let writer = Writer::start(journal, id, Stage::StrictSending).unwrap();
        runtime.block_on(writer.intent(4, 1)).unwrap();
        writer.close().unwrap();

        run.stop = None;
        run.resume = Some(first.summary.run);
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        let results = folder.csv("r.results-2.csv", b',');
        assert_eq!(results[4][5], expected, "{results:?}");
        assert_eq!(server.seen().len(), requests);
        assert_eq!(ended.summary.states.failed, u64::from(!idempotent));
        if !idempotent {
            assert_eq!(results[4][7], "network.unknown");
            assert!(results[4][8].contains("not sent again"), "{results:?}");
        }
    }
}

#[test]
fn the_journal_records_every_stage_of_a_call() {
    let folder = Folder::new();
    let (_, server, run) = stopping_at_three(4);
    folder.write("r.csv", plain_roster(4));
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    let state = folder.path("state");
    let open = || Journal::open(&State::in_folder(&state)).unwrap();
    let mut journal = open();
    let record = journal.run(None).unwrap();
    let left = |journal: &Journal| -> Vec<(u64, u32, bool)> {
        let calls = journal.calls_left(record.id, 0, 9).unwrap();
        calls
            .iter()
            .map(|call| (call.row, call.attempts, call.doubtful))
            .collect()
    };
    assert_eq!(left(&journal), [(4, 0, false)], "three have their outcome");
    assert!(
        journal
            .unfinished(
                &record.file,
                &record.sha256,
                &record.target,
                &record.base_url
            )
            .unwrap()
            .is_some()
    );
    assert!(
        journal
            .unfinished(&record.file, "another", &record.target, &record.base_url)
            .unwrap()
            .is_none()
    );
    assert_eq!(journal.reopen(record.id).unwrap(), 3, "requests made");

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let now = jiff::Timestamp::UNIX_EPOCH;
    let outcome = |state| Outcome {
        attempts: 2,
        ..Outcome::of(4, state, now)
    };
    // Sent without a response: a later reader of the journal must know.
    let writer = Writer::start(journal, record.id, Stage::StrictSending).unwrap();
    runtime.block_on(writer.intent(4, 1)).unwrap();
    assert_eq!(
        left(&open()),
        [(4, 1, true)],
        "durable before the request leaves"
    );
    assert_eq!(open().recorded(record.id, 1, u64::MAX).unwrap(), 3);
    // Not sent after all, because the run was stopped: the call is open again and keeps its attempt count.
    runtime
        .block_on(writer.outcome(outcome(RowState::NotSent)))
        .unwrap();
    journal = writer.close().unwrap();
    assert_eq!(left(&journal), []);
    journal.reopen(record.id).unwrap();
    assert_eq!(left(&journal), [(4, 2, false)]);
    let writer = Writer::start(journal, record.id, Stage::StrictSending).unwrap();
    runtime
        .block_on(writer.outcome(outcome(RowState::Updated)))
        .unwrap();
    journal = writer.close().unwrap();
    assert_eq!(left(&open()), []);
    assert_eq!(journal.recorded(record.id, 1, u64::MAX).unwrap(), 4);
    journal.forget(record.id).unwrap();
    assert!(matches!(open().run(None), Err(JournalError::NoRun { .. })));
}

#[test]
fn outcomes_waiting_for_the_journal_are_bounded() {
    let (folder, server, run) = stopping_at_three(4);
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    let state = folder.path("state");
    let journal = Journal::open(&State::in_folder(&state)).unwrap();
    let id = journal.run(None).unwrap().id;
    // Another connection locks the journal, so that no commit completes.
    let other = rusqlite::Connection::open(state.join("journal.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writer = Writer::start(journal, id, Stage::Sending).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let accepted = runtime.block_on(async {
        for count in 0.. {
            let outcome = Outcome {
                http_status: Some(200),
                attempts: 1,
                ..Outcome::of(
                    100 + count as u64,
                    RowState::Updated,
                    jiff::Timestamp::UNIX_EPOCH,
                )
            };
            let handed = tokio::time::timeout(Duration::from_secs(1), writer.outcome(outcome));
            if handed.await.is_err() {
                return count;
            }
        }
        unreachable!()
    });
    assert!(accepted <= Writer::MOST_IN_MEMORY, "{accepted}");
    assert!(accepted > Writer::MOST_IN_MEMORY / 2, "{accepted}");
    // All waiting callers are notified once the lock is released.
    other.execute_batch("ROLLBACK").unwrap();
    runtime.block_on(writer.flush()).unwrap();
    let journal = writer.close().unwrap();
    let recorded = journal.outcomes(id, 100, u64::MAX).unwrap();
    assert_eq!(recorded.len(), accepted);
}

#[test]
fn a_damaged_journal_stops_the_run_with_an_error() {
    type Spoil = fn(&Path);
    let older: Spoil = |journal| {
        // A copy from before the run, such as a restored backup.
        let empty = tempfile::tempdir().unwrap();
        drop(Journal::open(&State::in_folder(empty.path())).unwrap());
        std::fs::copy(empty.path().join("journal.sqlite"), journal).unwrap();
    };
    let ways: [(&str, Spoil); 4] = [
        ("deleted", |journal| std::fs::remove_file(journal).unwrap()),
        ("overwritten", |journal| {
            let bytes = std::fs::metadata(journal).unwrap().len();
            std::fs::write(journal, vec![b'x'; bytes as usize]).unwrap();
        }),
        ("overwritten", |journal| {
            std::fs::write(journal, "").unwrap();
        }),
        ("overwritten", older),
    ];
    for (what, spoil) in ways {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(10));
        let journal = folder.path("state/journal.sqlite");
        let count = AtomicUsize::new(0);
        let server = Server::start(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 2 {
                spoil(&journal);
            }
            respond(200, &[], RECORD)
        });
        let output = folder.import_to("r.csv", &server.base_url, &["--concurrency", "1"], &[]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let text = stderr(&output);
        assert!(text.contains(what), "{text}");
        assert_eq!(server.seen().len(), 3, "nothing is sent without a record");
        if what == "deleted" {
            assert!(text.contains("r.results.csv"), "{text}");
        } else if !folder.path("r.results.csv").exists() {
            // The journal is unreadable, so there are no results.
            continue;
        }
        let results = folder.csv("r.results.csv", b',');
        let states: Vec<&str> = results[1..].iter().map(|row| row[5].as_str()).collect();
        assert_eq!(states[..2], ["updated", "updated"]);
        // The response arrived but could not be recorded.
        assert_eq!(states[2], "failed", "{what}: {results:?} {text}");
        assert_eq!(states[3..], ["not_sent"; 7]);
    }
}

#[test]
fn a_full_disk_stops_the_run_and_keeps_acknowledged_rows() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(400));
    let server = Server::start(|_| respond(200, &[], RECORD));
    let import = |limit: &str| {
        // The file size limit simulates a full disk.
        let script = format!(
            "trap '' XFSZ; ulimit -f {limit}; exec \"$0\" import r.csv --target plain.toml --yes --base-url {} --concurrency 1",
            server.base_url
        );
        folder
            .command_by("sh")
            .args(["-c", &script])
            .arg(program_path())
            .envs(CREDENTIALS)
            .output()
            .unwrap()
    };
    let output = import("3000");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("journal"), "{}", stderr(&output));
    let sent = server.seen().len();
    assert!(sent > 0 && sent < 400, "{sent}");
    let output = import("unlimited");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let again = answered(&server)
        .into_iter()
        .skip(1)
        .filter(|count| *count > 1)
        .count();
    assert!(
        again <= 1,
        "only what was under way may be sent twice: {again}"
    );
    assert_eq!(folder.csv("r.results.csv", b',').len(), 401);
}

#[test]
fn an_unwritable_state_folder_stops_the_run_before_sending() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    // A file in place of the folder stops even root.
    folder.write("state", "");
    let server = Server::start(|_| respond(200, &[], RECORD));
    let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("--state"), "{}", stderr(&output));
    assert!(server.seen().is_empty());
}

#[test]
fn a_newer_or_foreign_journal_is_refused_and_left_unchanged() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    drop(Journal::open(&folder.state()).unwrap());
    let path = folder.path("state/journal.sqlite");
    let server = Server::start(|_| respond(200, &[], "{}"));
    for (pragma, why) in [
        ("user_version", "newer version"),
        ("application_id", "is not a rosterpatch journal"),
    ] {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, pragma, 999).unwrap();
        drop(connection);
        let before = std::fs::read(&path).unwrap();
        let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    assert!(server.seen().is_empty());
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    // The second request stays unanswered until the test ends.
    let (arrived, arrivals) = mpsc::channel();
    let (_release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = Server::start(move |seen| {
        if seen.path.ends_with('2') {
            arrived.send(()).unwrap();
            let _ = released.lock().unwrap().recv();
        }
        respond(200, &[], RECORD)
    });
    let child = folder
        .command()
        .args([
            "import",
            "r.csv",
            "--target",
            "plain.toml",
            "--yes",
            "--concurrency",
            "1",
        ])
        .args(["--base-url", &server.base_url])
        .envs(CREDENTIALS)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Started(child);
    arrivals.recv().unwrap();
    let began = std::time::Instant::now();
    // Signals in quick succession may be coalesced into one, so the signal is repeated.
    wait_until("it ends", || {
        signal(child.id(), "TERM");
        child.try_wait().unwrap().is_some()
    });
    // After a single signal, the program waits ten seconds for the request.
    assert!(began.elapsed() < Duration::from_secs(9), "{began:?}");
    let output = child_output(&mut child);
    assert_eq!(output.0, Some(5), "{}", output.1);
    assert!(output.1.contains("rosterpatch resume "), "{}", output.1);
    let states: Vec<String> = folder.csv("r.results.csv", b',')[1..]
        .iter()
        .map(|row| row[5].clone())
        .collect();
    assert_eq!(states, ["updated", "failed", "not_sent"]);
}

fn child_output(child: &mut std::process::Child) -> (Option<i32>, String) {
    use std::io::Read;
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    (child.wait().unwrap().code(), text)
}

/// Asserts the mode of a file or folder, on Unix.
fn assert_mode(path: &Path, expected: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, expected, "{}", path.display());
    }
    let _ = (path, expected);
}

/// Returns every file below `folder` with its content.
fn everything_in(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_mode(&path, 0o700);
            files.extend(everything_in(&path));
        } else {
            let content = std::fs::read(&path).unwrap();
            files.push((path, content));
        }
    }
    files
}

#[test]
fn identity_numbers_are_only_in_results_and_journal_and_secrets_nowhere() {
    let folder = Folder::new();
    let mut roster = plain_roster(30);
    // One row fails the checks; another is rejected with a message that quotes it.
    roster.push_str("00000000-0000-4000-8000-000000000031,20100402-2389,Åsa,Ek\n");
    folder.write("in.csv", &roster);
    let refused = identity_number(7);
    let server = Server::start(move |seen| {
        if seen.path == "/oauth/token" {
            return respond(
                200,
                &[],
                r#"{"access_token":"TOKEN-e5f1","token_type":"Bearer","expires_in":3600}"#,
            );
        }
        if seen.before == 0 && seen.path.ends_with('5') {
            return respond(500, &[], &format!("oops TOKEN-e5f1 {}", seen.body));
        }
        if seen.path.ends_with("07") {
            let message =
                format!(r#"{{"error":{{"code":"Conflict","message":"{refused} is taken"}}}}"#);
            return respond(409, &[], &message);
        }
        respond(200, &[], RECORD)
    });
    let output = folder
        .program()
        .args(["import", "in.csv", "--target", "plain.toml", "--yes", "-v"])
        .args(["--log-format", "json", "--progress", "plain"])
        .args(["--base-url", &server.base_url])
        .env("MEITNER_CLIENT_ID", "CLIENT-77aa")
        .env("MEITNER_CLIENT_SECRET", "SECRET-99bb")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("answered"),
        "debug logs: {}",
        stderr(&output)
    );

    let mut all = everything_in(&folder.path("."));
    all.push(("standard output".into(), output.stdout.clone()));
    all.push(("standard error".into(), output.stderr.clone()));
    let mut people: Vec<String> = (1..=30).map(identity_number).collect();
    people.push("20100402-2389".into());
    for (path, content) in &all {
        let text = String::from_utf8_lossy(content);
        let name = path.file_name().unwrap().to_string_lossy();
        for secret in ["CLIENT-77aa", "SECRET-99bb", "TOKEN-e5f1"] {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
        let may_name_people = name.starts_with("in.csv")
            || name.starts_with("in.results")
            || name.starts_with("in.failed")
            || name.starts_with("journal.sqlite");
        for person in people.iter().filter(|_| !may_name_people) {
            assert!(
                !text.contains(person.as_str()),
                "{person} in {}",
                path.display()
            );
        }
        if path.starts_with(folder.path(".")) && name != "in.csv" {
            assert_mode(path, 0o600);
        }
    }
    assert!(all.iter().any(|(path, _)| path.ends_with("in.report.html")));
    drop(Arc::new(server));
}

#[test]
fn a_damaged_journal_record_is_reported_and_others_stay_usable() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&plain_roster(5), Duration::ZERO);
    folder.write("r.csv", plain_roster(5).replace("Åsa", "Bo"));
    let arguments = import_of(&base_url);
    let output = folder.send(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let run = folder.runs();
    let run = run.split(' ').next().unwrap();
    let journal = || rusqlite::Connection::open(folder.path("state/journal.sqlite")).unwrap();
    let damage = |statement: &str| assert_eq!(journal().execute(statement, []).unwrap(), 1);

    // An outcome: the row is reported as damaged, and the other rows are unchanged.
    damage("UPDATE outcome SET state = 'banana' WHERE id & 255 = 2");
    let output = folder.run(&format!("report {run} --results again.csv"));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("row 2") && stderr(&output).contains(run));
    let results = folder.csv("again.csv", b',');
    let states: Vec<&str> = results[1..].iter().map(|row| row[5].as_str()).collect();
    assert_eq!(
        states,
        ["updated", "failed", "updated", "updated", "updated"]
    );
    assert!(results[2].iter().any(|cell| cell == "journal.damaged"));
    damage("UPDATE outcome SET state = 'updated', at = 9223372036854775807 WHERE id & 255 = 2");
    let output = folder.run(&format!("report {run} --results again.csv"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        folder.csv("again.csv", b',')[2][5],
        "failed",
        "{}",
        stderr(&output)
    );

    // The changes of a row: the other rows are undone, and the row is reported.
    damage("UPDATE planned SET changes = '[{' WHERE id & 255 = 4");
    let output = folder.send(&["undo", run, "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("row 4") && text.contains(run), "{text}");
    let students = sandbox.students();
    let names: Vec<&str> = (1..=5)
        .map(|row| students[plain_id(row)]["firstName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Åsa", "Åsa", "Åsa", "Bo", "Åsa"]);

    // A run: the other runs are listed.
    damage(&format!(
        "UPDATE run SET state = 'banana' WHERE name = '{run}'"
    ));
    let output = folder.run("runs");
    assert_eq!(output.status.code(), Some(1));
    let below = stdout(&output).lines().count() - 1;
    assert_eq!(below, 1, "{}", stdout(&output));
    assert!(stderr(&output).contains(run) && stderr(&output).contains("banana"));
    assert_eq!(folder.run(&format!("show {run}")).status.code(), Some(1));
    let output = folder.run("runs prune --older-than 0s");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("1 run kept"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn after_a_kill_only_rows_of_the_last_half_second_are_in_doubt() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(200));
    let pid = Arc::new(std::sync::Mutex::new(None::<u32>));
    let victim = pid.clone();
    let server = Server::start(move |seen| {
        if seen.path.ends_with("40") && seen.before == 0 {
            // The process id is set before the importer gets this far.
            signal(victim.lock().unwrap().unwrap(), "KILL");
        }
        respond(200, &[], RECORD)
    });
    let mut command = folder.command();
    command
        .stderr(std::process::Stdio::null())
        .args(["import", "r.csv", "--yes", "--target", "plain.toml"])
        .args(["--base-url", &server.base_url, "--rate", "40/s"])
        .args(["--burst", "40", "--concurrency", "4"])
        .envs(CREDENTIALS);
    let child = {
        let mut pid = pid.lock().unwrap();
        let child = command.spawn().unwrap();
        *pid = Some(child.id());
        child
    };
    let output = child.wait_with_output().unwrap();
    // On Windows, the killing process sets the exit code.
    assert!(cfg!(windows) || output.status.code().is_none(), "killed");
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name.ends_with(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
    let journal = Journal::open(&folder.state()).unwrap();
    let run = journal.run(None).unwrap();
    let left = journal.calls_left(run.id, 0, 1_000).unwrap();
    let in_doubt = left.iter().filter(|call| call.doubtful).count();
    // Two windows of ten, the requests in progress, and the responses received during one commit.
    assert!((1..=40).contains(&in_doubt), "{in_doubt}");
    // The counts so far, and whether the run resumes.
    let states = journal.states(run.id).unwrap();
    let requests = journal.traces(run.id).unwrap().requests;
    assert!(states.updated > 0 && requests >= states.updated);
    drop(journal);
    let shown = stdout(&folder.run("show"));
    for text in [
        "200 rows of ".to_owned(),
        format!("{:>7} updated", states.updated),
        format!("{:>7} not sent", 200 - states.updated),
        format!("{requests} requests known"),
        "state    interrupted".to_owned(),
        format!("{} of 200 rows done by ", states.updated),
        format!("rosterpatch resume {}", run.name),
    ] {
        assert!(shown.contains(&text), "{text}: {shown}");
    }
    let shown = stdout(&folder.run("show --format json"));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "interrupted");
    assert_eq!(shown["requests"], requests);
    assert_eq!(shown["not_sent"], 200 - states.updated);
    assert!(shown["duration_s"].as_f64().unwrap() > 0.0, "{shown}");
    let output = folder
        .program()
        .args(["resume", "--yes"])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let results = folder.csv("r.results.csv", b',');
    assert!(results[1..].iter().all(|row| row[5] == "updated"));
    // Every request that may have been made is counted.
    let seen = server.seen();
    for row in &results[1..] {
        let made = seen.iter().filter(|seen| seen.path.ends_with(&row[0]));
        let counted: usize = row[10].parse().unwrap();
        assert!(made.count() <= counted, "{row:?}");
    }
}
