//! Pipelining: rows are planned while others are sent, and results are written meanwhile. The outcome equals
//! that of sequential stages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rosterpatch::clock::SystemClock;
use rosterpatch::events::{Observer, Plan, RunEvent};
use rosterpatch::journal::{Journal, JournalError, Record, Stage, State, Writer};
use rosterpatch::model::{Call, Exit, Outcome, RowState};
use rosterpatch::run::Ended;
use rosterpatch::send::StopRequest;

use crate::harness::{
    Folder, LibraryRun, RECORD, Server, identity_number, import_of, plain_id, plain_roster,
    respond, sandbox_holding, stderr,
};

/// Stores a run's plan and the number of journaled rows when the plan was shown.
struct Watched {
    state: State,
    shown: Arc<Mutex<Option<(Plan, u64)>>>,
}

impl Observer for Watched {
    fn on_event(&self, event: &RunEvent) {
        if let RunEvent::Planned(plan) = event {
            let journal = Journal::open(&self.state).unwrap();
            let run = journal.run(None).unwrap().id;
            let rows = journal.rows_of(run).unwrap();
            *self.shown.lock().unwrap() = Some((plan.as_ref().clone(), rows));
        }
    }
}

/// The results of a run.
struct Came {
    plan: Plan,
    /// The number of journaled rows when the plan was shown.
    recorded: u64,
    calls: Vec<(Call, Option<RowState>)>,
    results: Vec<Vec<String>>,
    ended: Ended,
    folder: Folder,
}

fn import(text: &str, asks: bool) -> Came {
    let folder = Folder::new();
    folder.write("r.csv", text);
    let server = Server::start(|seen| match &*seen.path {
        path if path.ends_with("3") => respond(404, &[], "{}"),
        path if path.ends_with("5") && seen.before == 0 => respond(503, &[], ""),
        _ => respond(200, &[], RECORD),
    });
    let shown = Arc::new(Mutex::new(None));
    let mut run = LibraryRun::new();
    run.asks = asks;
    run.observer = Box::new(Watched {
        state: folder.state(),
        shown: shown.clone(),
    });
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    let journal = Journal::open(&folder.state()).unwrap();
    let id = journal.run(None).unwrap().id;
    let mut calls = Vec::new();
    journal
        .each_call::<JournalError>(id, |call, state| {
            calls.push((call, state));
            Ok(true)
        })
        .unwrap();
    let (mut plan, recorded) = shown.lock().unwrap().take().unwrap();
    plan.base_url.clear();
    plan.estimated_finish = None;
    assert_eq!(plan.is_ahead, !asks && recorded == 0);
    plan.is_ahead = false;
    let mut results = folder.csv("r.results.csv", b',');
    for row in &mut results[1..] {
        // The finish times differ between runs.
        row[12].clear();
    }
    Came {
        plan,
        recorded,
        calls,
        results,
        ended,
        folder,
    }
}

#[test]
fn planning_during_sending_gives_the_same_plan_as_planning_first() {
    let mut mixed = plain_roster(40);
    for row in 41..=900 {
        let (id, number) = (plain_id(row), identity_number(row));
        mixed.push_str(&match row % 9 {
            0 => format!("{id},nobody,Åsa,Ek\n"),
            1 => format!("{id},{number},,Ek\n"),
            2 => "x,,,\n".to_owned(),
            3 => ",,,\n".to_owned(),
            4 => format!("{id},{},Bo,Ek\n", number.replace('-', "")),
            5 => format!("{id},,,\n"),
            _ => format!("{id},{number},  Åsa  ,=Ek\n"),
        });
    }
    for text in [plain_roster(7), mixed] {
        let [before, ahead] = [true, false].map(|asks| import(&text, asks));
        let rows = before.plan.rows;
        assert_eq!(before.recorded, rows, "who is asked may look at each call");
        assert_eq!(ahead.recorded, 0, "nothing waits for the journal");
        assert_eq!(
            serde_json::to_value(&ahead.plan).unwrap(),
            serde_json::to_value(&before.plan).unwrap()
        );
        assert_eq!(
            format!("{:#?}", ahead.calls),
            format!("{:#?}", before.calls)
        );
        assert_eq!(ahead.results, before.results);
        assert_eq!(ahead.ended.summary.states, before.ended.summary.states);
        assert_eq!(
            ahead.ended.summary.exit_code,
            before.ended.summary.exit_code
        );
    }
}

#[test]
fn a_file_with_duplicate_values_is_planned_before_any_row_is_sent() {
    let text =
        plain_roster(5) + &plain_roster(2)["id,identity_number,first_name,last_name\n".len()..];
    let came = import(&text, false);
    assert_eq!(came.recorded, 7);
    assert_eq!(came.ended.summary.states.invalid, 2);
}

#[test]
fn results_written_during_sending_equal_those_rebuilt_from_the_journal() {
    let came = import(&plain_roster(2_500), false);
    assert_eq!(came.ended.summary.exit_code, Exit::RowsFailed);
    let folder = &came.folder;
    let run = came.ended.summary.run;
    folder.run(&format!(
        "report {run} --results again.csv --failed again-failed.csv"
    ));
    for (own, again) in [
        ("r.results.csv", "again.csv"),
        ("r.failed.csv", "again-failed.csv"),
    ] {
        let [own, again] = [own, again].map(|name| std::fs::read(folder.path(name)).unwrap());
        assert!(own == again, "{}", String::from_utf8_lossy(&again));
    }
}

/// Returns whether this process has an unnamed file open for writing in this folder.
#[cfg(target_os = "linux")]
fn is_writing_in(folder: &std::path::Path) -> bool {
    let folder = folder.canonicalize().unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let mut open = open.filter_map(|own| std::fs::read_link(own.path()).ok());
    open.any(|path| path.parent() == Some(&folder) && path.to_string_lossy().contains("/#"))
}

#[cfg(target_os = "linux")]
#[test]
fn results_are_written_while_rows_are_sent() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(5));
    let place = folder.path("");
    let server = Server::start(move |seen| {
        if seen.path.ends_with("3") {
            // The first row is done. Its results must be written now and not only at the end.
            let began = std::time::Instant::now();
            while !is_writing_in(&place) && began.elapsed() < Duration::from_secs(20) {
                std::thread::yield_now();
            }
            assert!(is_writing_in(&place));
        }
        respond(200, &[], RECORD)
    });
    let mut run = LibraryRun::new();
    run.clock = Arc::new(SystemClock);
    run.sender.concurrency = 1;
    run.sender.max_attempts = 1;
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 5);
}

#[test]
fn a_run_stopped_while_planning_resumes_with_the_remaining_rows() {
    stopped_while_it_plans(StopRequest::Finish);
}

#[test]
fn a_run_stopped_immediately_while_planning_resumes_with_remaining_rows() {
    stopped_while_it_plans(StopRequest::Now);
}

fn stopped_while_it_plans(how: StopRequest) {
    let rows = 6_000;
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(rows) + "x,,,\n");
    let (stop, stopped) = tokio::sync::watch::channel(StopRequest::None);
    let server = Server::start(move |_| {
        stop.send_replace(how);
        respond(200, &[], RECORD)
    });
    let mut run = LibraryRun::new();
    run.clock = Arc::new(SystemClock);
    run.rate = "100000/s".parse().unwrap();
    run.burst = 100_000;
    run.stop = Some(stopped);
    // The grace period never expires, even on a busy machine.
    run.sender.grace = Duration::from_secs(600);
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(first.summary.exit_code, Exit::Interrupted);
    assert_eq!(first.summary.states.total(), 1 + rows as u64);
    if how == StopRequest::Finish {
        assert_eq!(first.summary.states.invalid, 1, "its results say so");
    }
    let under_way = server.seen().len();

    run.stop = None;
    run.resume = Some(first.summary.run.clone());
    let second = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(second.summary.states.updated, rows as u64);
    let mut paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    match how {
        StopRequest::Now => assert!(paths.len() <= rows + under_way),
        _ => assert_eq!(paths.len(), rows, "none is sent twice"),
    }
    assert_eq!(second.summary.states.invalid, 1);
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), rows);
}

#[test]
fn a_run_killed_while_planning_resumes_with_the_next_row() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(9) + "x,,,\n");
    let server = Server::start(|_| respond(200, &[], RECORD));
    let mut run = LibraryRun::new();
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(first.summary.states.updated, 9);
    let journal = rusqlite::Connection::open(folder.path("state/journal.sqlite")).unwrap();
    // Simulate a kill after four rows were journaled and two of them sent.
    journal
        .execute_batch(
            "DELETE FROM planned WHERE id & 255 > 4;
             DELETE FROM outcome WHERE id & 255 > 2;
             DELETE FROM row_key WHERE row > 4;
             UPDATE run SET state = 'running';",
        )
        .unwrap();
    run.resume = Some(first.summary.run.clone());
    let second = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(second.summary.states.updated, 9);
    assert_eq!(second.summary.states.invalid, 1);
    let sent = |row| {
        let seen = server.seen();
        let of_row = seen
            .iter()
            .filter(|seen| seen.path.ends_with(&plain_id(row)));
        of_row.count()
    };
    let counts: Vec<usize> = (1..=9).map(sent).collect();
    assert_eq!(counts, [1, 1, 2, 2, 2, 2, 2, 2, 2]);
    let keys = "SELECT count(*) FROM row_key";
    let keys: i64 = journal.query_row(keys, [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 10, "later runs find all of its rows");
}

#[test]
fn waiting_for_rows_returns_once_the_journal_has_them() {
    let came = import(&plain_roster(8), false);
    let state = came.folder.state();
    let mut journal = Journal::open(&state).unwrap();
    let id = journal.run(None).unwrap().id;
    journal.clear(id).unwrap();
    journal
        .begin_sending(id, "a", jiff::Timestamp::UNIX_EPOCH)
        .unwrap();
    let writer = Writer::start(journal, id, Stage::Sending).unwrap();
    let recorded = writer.recorded();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = |row| Outcome {
        http_status: Some(200),
        attempts: 1,
        ..Outcome::of(row, RowState::Updated, jiff::Timestamp::UNIX_EPOCH)
    };
    std::thread::scope(|scope| {
        let each = [(1, 1), (2, 4), (1, 5), (5, 5), (7, 8)].map(|(first, last)| {
            let (recorded, state) = (recorded.clone(), state.clone());
            scope.spawn(move || {
                let journal = Journal::open(&state).unwrap();
                recorded.wait_for(&journal, id, (first, last)).unwrap();
                (last + 1 - first) - journal.recorded(id, first, last).unwrap()
            })
        });
        for row in [3, 1, 5, 4, 2, 8] {
            runtime.block_on(writer.outcome(outcome(row))).unwrap();
            runtime.block_on(writer.flush()).unwrap();
        }
        let mut each = each.into_iter();
        let last = each.next_back().unwrap();
        for waiting in each {
            assert_eq!(waiting.join().unwrap(), 0);
        }
        // The outcome of row 7 never arrives.
        writer.close().unwrap();
        assert_eq!(last.join().unwrap(), 1);
    });
}

/// Returns rows that have every field the API requires, so that no record is read.
fn full_roster(rows: usize) -> String {
    let lines = plain_roster(rows);
    let mut lines = lines.lines();
    let header = lines.next().unwrap();
    let rows = lines.map(|line| format!("{line},false\n"));
    format!("{header},identity_temporary\n{}", rows.collect::<String>())
}

#[test]
fn a_resumed_half_planned_run_keeps_its_original_options() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&plain_roster(9), Duration::ZERO);
    folder.write("r.csv", full_roster(9).replace("Åsa", "Bo"));
    let import = |arguments: &[&str]| {
        let output = folder.send(&[&import_of(&base_url)[..], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    };
    import(&["--all", "--no-undo"]);
    let kill = || {
        let journal = rusqlite::Connection::open(folder.path("state/journal.sqlite")).unwrap();
        journal
            .execute_batch(
                "DELETE FROM planned WHERE id & 255 > 4;
                 DELETE FROM outcome WHERE id & 255 > 2;
                 UPDATE run SET state = 'running';",
            )
            .unwrap();
    };
    let updated = || {
        let results = folder.csv("r.results.csv", b',');
        let rows = results[1..].iter().filter(|row| row[6] == "updated");
        rows.count()
    };
    kill();
    let told = import(&["--all"]);
    assert!(told.contains("continuing an"), "{told}");
    assert_eq!(updated(), 9);
    kill();
    assert_eq!(sandbox.requests("read"), 0);
    let told = import(&["--all", "--no-undo", "--canary", "5"]);
    assert!(told.contains("continuing an"), "{told}");
    assert_eq!(updated(), 9);
    assert_eq!(
        sandbox.requests("read"),
        5,
        "and not the two that were planned"
    );
}

#[test]
fn a_file_without_rows_is_held_with_any_options() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(1), Duration::ZERO);
    folder.write("r.csv", full_roster(0));
    for arguments in [&["--all", "--no-undo"][..], &["--blind"], &[]] {
        let output = folder.send(&[&import_of(&base_url)[..], arguments].concat());
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    }
}
