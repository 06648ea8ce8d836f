//! The conformance suite for journal stores: each store must return the same for the same operations.

use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;
use rosterpatch::clock::Clock;
use rosterpatch::journal::{
    Journal, JournalError, NewRun, PlannedRow, PlannedWhat, QuotaStore, Record, RosterLock,
    RowMark, RunLock, RunState, SharedQuota, Stage, State, Writer,
};
use rosterpatch::l10n::Message;
use rosterpatch::model::{Call, Change, Found, Held, Outcome, Problem, RowAt, RowFacts, RowState};
use rosterpatch::send::{Pace, Pacer};
use serde_json::json;

use crate::harness::evening;
use crate::postgres::shared;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Runs the same operations with each store and compares what they return.
fn with_each(work: impl Fn(&State) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let in_file = work(&State::in_folder(&folder.path().join("state")));
    if let Some(cluster) = shared() {
        let local = folder.path().join("local");
        let state = State::in_database(&cluster.database(), None, &local).unwrap();
        let in_database = work(&state).replace("\\0", "\u{FFFD}");
        // PostgreSQL cannot store NUL.
        let in_file = in_file.replace("\\0", "\u{FFFD}");
        for (one, other) in in_database.lines().zip(in_file.lines()) {
            assert_eq!(one, other, "PostgreSQL, and SQLite");
        }
        assert_eq!(in_database, in_file);
    }
}

fn new_run(name: &str) -> NewRun {
    NewRun {
        name: name.into(),
        command: "import",
        target: "t".into(),
        base_url: "b".into(),
        file: "/r.csv".into(),
        sha256: "abc".into(),
        settings: "{}".into(),
        started_at: at(1_000),
        queued: None,
    }
}

/// Returns one problem of a column with this message, or none if it is empty.
fn problems(words: &str) -> Vec<Problem> {
    let of = |words: &str| Problem {
        column: "Namn".to_owned(),
        ..Problem::of_row("a.code", Message::verbatim(words))
    };
    (!words.is_empty()).then(|| of(words)).into_iter().collect()
}

fn mark(row: u64, warning: &str) -> RowMark {
    RowMark {
        at: RowAt {
            row,
            line: row + 1,
            ..RowAt::default()
        },
        key: row as i64 * 7,
        cells: vec![row as u8; 4],
        warning: problems(warning),
        facts: RowFacts {
            // Every other row matched a record.
            found: row.is_multiple_of(2).then(|| Found {
                id: format!("id-{row}"),
                by: "e-post \"1\"".into(),
            }),
            identity: row.is_multiple_of(3).then(|| format!("digest-{row}")),
            conflicts: (row
                .is_multiple_of(5)
                .then(|| format!("conflict-{row}"))
                .into_iter())
            .collect(),
        },
    }
}

fn call(row: u64, from: Option<serde_json::Value>) -> PlannedRow {
    let to = format!("Åsa {row}\u{0}");
    // Some rows have changes that are not in the body, as an older version wrote them.
    let body = match row % 2 {
        0 => json!({"age": 7, "name": to}).to_string(),
        _ => format!("{{\"name\":\"Åsa {row}\"}}"),
    };
    PlannedRow {
        mark: mark(row, if row == 2 { "odd\0" } else { "" }),
        what: PlannedWhat::Call(Box::new(Call {
            at: RowAt::default(),
            key: format!("key-{row}"),
            path: format!("/student/{row}"),
            body: body.into_bytes(),
            changed: "name".into(),
            changes: vec![Change {
                field: "name".into(),
                from,
                to: json!(to),
            }],
            fingerprint: Some(vec![row as u8; 8]),
            note: if row == 3 {
                problems("a note")
            } else {
                Vec::new()
            },
        })),
    }
}

fn outcome(row: u64, state: RowState, code: &str) -> Outcome {
    Outcome {
        http_status: (state != RowState::Invalid).then_some(200),
        error_code: code.into(),
        problems: match code {
            "" => Vec::new(),
            _ => problems(&format!("why {row} \0")),
        },
        attempts: u32::from(state != RowState::Invalid),
        request_id: format!("id-{row}"),
        ..Outcome::of(row, state, at(2_000 + row as i64))
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

/// Writes a run of seven rows: one invalid and six calls, of which three are answered, one is attempted
/// twice, and one has an intent only.
fn a_run(state: &State, name: &str) -> i64 {
    begun(state, &new_run(name))
}

/// Writes the rows of [`a_run`] to a run with these settings.
fn begun(state: &State, run: &NewRun) -> i64 {
    let mut journal = Journal::open(state).unwrap();
    let (run, _) = journal.begin(run).unwrap();
    let writer = Writer::start(journal, run, Stage::Planning).unwrap();
    let settled = PlannedRow {
        mark: mark(1, ""),
        what: PlannedWhat::Settled(outcome(1, RowState::Invalid, "name.empty")),
    };
    let mut rows = vec![settled];
    rows.extend((2..=7).map(|row| call(row, Some(json!("before")))));
    writer.plan(rows).unwrap();
    block_on(writer.flush()).unwrap();
    let mut journal = writer.close().unwrap();
    journal.set_plan(run, "{\"examples\":[1]}", 3).unwrap();
    journal.set_plan(run, "{\"examples\":[2]}", 2).unwrap();
    journal.set_state(run, RunState::Running).unwrap();
    journal.begin_sending(run, "account", at(1_500)).unwrap();
    let writer = Writer::start(journal, run, Stage::Sending).unwrap();
    block_on(async {
        writer.intent(2, 1).await.unwrap();
        writer
            .outcome(outcome(2, RowState::Updated, ""))
            .await
            .unwrap();
        writer.intent(3, 1).await.unwrap();
        writer
            .outcome(outcome(3, RowState::Rejected, "bad.name"))
            .await
            .unwrap();
        writer.intent(4, 1).await.unwrap();
        writer.intent(4, 2).await.unwrap();
        writer
            .outcome(outcome(4, RowState::NotSent, "http.401"))
            .await
            .unwrap();
        writer.intent(5, 1).await.unwrap();
        writer.flush().await.unwrap();
    });
    // Simulate a kill: the writer is not closed, and the call with an intent is in doubt.
    std::mem::forget(writer);
    run
}

/// Returns everything that a journal reports of a run.
fn told(journal: &Journal, run: i64) -> String {
    let mut told = String::new();
    let mut say = |what: &str, how: String| writeln!(told, "{what}: {how}").unwrap();
    let record = journal.run(None).unwrap();
    say("run", format!("{record:?}"));
    say("plan", format!("{:?}", journal.plan(run).unwrap()));
    let recorded = [(1, u64::MAX), (2, 3)].map(|(first, last)| {
        let recorded = journal.recorded(run, first, last);
        recorded.unwrap()
    });
    say("recorded", format!("{recorded:?}"));
    say("states", format!("{:?}", journal.states(run).unwrap()));
    say("traces", format!("{:?}", journal.traces(run).unwrap()));
    say(
        "outcomes",
        format!("{:#?}", journal.outcomes(run, 1, 100).unwrap()),
    );
    say(
        "some",
        format!("{:?}", journal.outcomes(run, 3, 3).unwrap()),
    );
    say(
        "warnings",
        format!("{:?}", journal.warnings(run, 1, 9).unwrap()),
    );
    say("facts", format!("{:?}", journal.facts(run, 1, 9).unwrap()));
    say("body", format!("{:?}", journal.body(run, 3).unwrap()));
    say("no body", format!("{:?}", journal.body(run, 99).unwrap()));
    say(
        "unsuccessful",
        format!("{:?}", journal.unsuccessful(run, 9).unwrap()),
    );
    say("kinds", format!("{:?}", journal.kinds(run).unwrap()));
    say(
        "left",
        format!("{:#?}", journal.calls_left(run, 0, 99).unwrap()),
    );
    say(
        "next",
        format!("{:#?}", journal.calls_left(run, 4, 1).unwrap()),
    );
    let mut calls = Vec::new();
    journal
        .each_call::<JournalError>(run, |call, state| {
            calls.push((call, state));
            Ok(true)
        })
        .unwrap();
    say("calls", format!("{calls:#?}"));
    let mut changes = Vec::new();
    journal
        .each_change::<JournalError>(run, |call| {
            changes.push(call.key);
            Ok(true)
        })
        .unwrap();
    say("changes", format!("{changes:?}"));
    say(
        "fields",
        format!("{:?}", journal.fields_changed(run).unwrap()),
    );
    say("damaged", format!("{:?}", journal.damaged(run).unwrap()));
    say("rows", format!("{:?}", journal.rows_of(run).unwrap()));
    for state in RowState::ALL {
        say(
            state.as_str(),
            format!("{:?}", journal.rows_in(run, &[*state]).unwrap()),
        );
    }
    say("indexed", format!("{:?}", journal.index_rows(0).unwrap()));
    say(
        "keys",
        format!("{:?}", journal.runs_with_keys(&[14, 21, 21, 999]).unwrap()),
    );
    say(
        "history",
        format!("{:?}", journal.history(run, 21).unwrap()),
    );
    let by = journal
        .records_by(&["key-3".into(), "5".into(), "Åsa 6".into()])
        .unwrap();
    say("records", format!("{by:?}"));
    say(
        "calls to",
        format!("{:#?}", journal.calls_to(&[run], "/student/2").unwrap()),
    );
    journal.index_changes(run).unwrap();
    say(
        "made",
        format!("{:?}", journal.changes_made(run, "/student/2").unwrap()),
    );
    let none = journal.changes_made(run, "/student/7").unwrap_err();
    say("not made", format!("{none:?}"));
    told
}

#[test]
fn stores_report_a_killed_run_identically() {
    with_each(|state| {
        let run = a_run(state, "died");
        let mut journal = Journal::open(state).unwrap();
        let mut all = told(&journal, run);
        // Row 5 has an intent and no outcome; row 6 was not sent.
        let left = journal.calls_left(run, 0, 99).unwrap();
        let left: Vec<_> = left.iter().map(|call| (call.row, call.doubtful)).collect();
        assert_eq!(left[0], (5, true));
        assert!(left[1..].iter().all(|(row, _)| *row > 5));
        let state_of = |row| {
            let outcomes = journal.outcomes(run, row, row).unwrap();
            let states = outcomes.iter().map(|outcome| (outcome.row, outcome.state));
            states.collect::<Vec<_>>()
        };
        assert_eq!(state_of(5), [(5, RowState::Unknown)]);
        assert_eq!(state_of(6), []);

        // After reopening, the call in doubt is still in doubt, and unsent calls are open.
        let requests = journal.reopen(run).unwrap();
        let left = journal.calls_left(run, 0, 99).unwrap();
        let rows: Vec<_> = left
            .iter()
            .map(|call| (call.row, call.attempts, call.doubtful))
            .collect();
        assert_eq!(rows[0], (4, 1, false));
        assert_eq!(rows[1], (5, 1, true));
        write!(all, "{requests} {rows:?}").unwrap();
        journal.settle(run, at(3_000), false).unwrap();
        journal
            .end(run, RunState::Finished, at(3_000), "{\"n\":1}")
            .unwrap();
        let before = journal.finished_before("abc", "t", "b").unwrap().unwrap();
        write!(all, "{before:?}").unwrap();
        assert!(
            journal
                .finished_before("abc", "t", "elsewhere")
                .unwrap()
                .is_none()
        );
        write!(
            all,
            "{:?}",
            journal.unfinished("/r.csv", "abc", "t", "b").unwrap()
        )
        .unwrap();

        let forgotten = journal.forget_values(&[run], "/student/2").unwrap();
        assert_eq!(forgotten, 1);
        // The id of the matched record is removed with the values.
        let facts = journal.facts(run, 1, 9).unwrap();
        assert!(facts.iter().all(|(row, _)| *row != 2), "{facts:?}");
        write!(all, "{facts:?}").unwrap();
        write!(
            all,
            "{:#?}",
            journal.calls_to(&[run], "/student/2").unwrap()
        )
        .unwrap();
        write!(all, "{:?}", journal.plan(run).unwrap()).unwrap();
        let pruned = journal.prune(state, at(5_000), at(6_000)).unwrap();
        write!(all, "{pruned:?} {:?}", journal.runs().unwrap()).unwrap();
        assert!(journal.run(Some("died")).is_err());
        all
    });
}

#[test]
fn stores_report_deliveries_to_a_record_identically() {
    with_each(|state| {
        let runs = ["one", "two"].map(|name| a_run(state, name));
        let elsewhere = NewRun {
            base_url: "other".into(),
            ..new_run("elsewhere")
        };
        let elsewhere = begun(state, &elsewhere);
        let journal = Journal::open(state).unwrap();
        journal.index_deliveries(elsewhere).unwrap();
        journal.index_deliveries(runs[1]).unwrap();
        journal.index_deliveries(runs[1]).unwrap();
        let mut all = String::new();
        let mut states = |row: u64| {
            let path = format!("/student/{row}");
            let past = journal.deliveries(runs[1], &path).unwrap();
            write!(all, "{past:#?}").unwrap();
            let of = past.iter().map(|past| (past.run, past.state));
            of.collect::<Vec<_>>()
        };
        let both = |state| vec![(runs[1], state), (runs[0], state)];
        assert_eq!(states(2), both(RowState::Updated));
        assert_eq!(states(3), [], "rejected");
        assert_eq!(states(5), both(RowState::Unknown));
        assert_eq!(states(6), [], "not sent");
        states(4);
        // The same for the runs of one address; the run's own number does not matter.
        journal.index_written(77, "t", "b").unwrap();
        journal.index_written(77, "t", "b").unwrap();
        for (address, found) in [("b", 2), ("nowhere", 0)] {
            journal.index_written(77, "t", address).unwrap();
            let past = journal.deliveries(77, "/student/2").unwrap();
            write!(all, "{past:#?}").unwrap();
            assert_eq!(past.len(), found, "{address}");
        }
        all
    });
}

#[test]
fn stores_report_names_states_and_addresses_of_runs_identically() {
    with_each(|state| {
        let mut journal = Journal::open(state).unwrap();
        let mut all = String::new();
        for _ in 0..3 {
            write!(all, "{:?}", journal.begin(&new_run("same")).unwrap()).unwrap();
        }
        let (run, name) = journal.begin(&new_run("other")).unwrap();
        assert_eq!(name, "other");
        assert!(matches!(
            journal.run(Some("none")),
            Err(JournalError::NoRun { .. })
        ));
        assert_eq!(journal.newest_unfinished().unwrap().name, "other");
        journal.hold(run, &Held::NoRows).unwrap();
        journal.set_state(run, RunState::Held).unwrap();
        journal.set_settings(run, "{\"a\":2}").unwrap();
        journal
            .moved(run, "/elsewhere.csv", "{\"a\":3}", "{}")
            .unwrap();
        assert_eq!(journal.newest_unfinished().unwrap().name, "same-3");
        write!(all, "{:?}", journal.all_runs().unwrap()).unwrap();
        write!(
            all,
            "{:?}",
            journal.unfinished("/r.csv", "abc", "t", "b").unwrap()
        )
        .unwrap();
        // An approved run is planned again: it is no longer held and has no figures.
        journal.begin_again(run).unwrap();
        let again = journal.run(Some("same")).unwrap();
        assert_eq!(again.state, RunState::Planning);
        assert_eq!(
            (&again.held, &again.summary, again.finished_at),
            (&None, &None, None)
        );
        write!(all, "{again:?}").unwrap();
        journal.clear(run).unwrap();
        journal.forget(run).unwrap();
        write!(all, "{:?}", journal.name_of(run).is_err()).unwrap();
        all
    });
}

#[test]
fn an_undone_run_takes_no_other_state() {
    with_each(|state| {
        let mut journal = Journal::open(state).unwrap();
        let (run, name) = journal.begin(&new_run("20260820-180000-bcd")).unwrap();
        journal.set_state(run, RunState::Undone).unwrap();
        let closed = |done: Result<(), JournalError>| matches!(done, Err(JournalError::TakenOver));
        assert!(closed(journal.set_state(run, RunState::Running)));
        assert!(closed(journal.set_state(run, RunState::Replaced)));
        assert!(closed(journal.end(run, RunState::Finished, at(5), "{}")));
        assert!(closed(journal.begin_again(run)));
        // An undo that did not restore everything can be repeated.
        journal.set_state(run, RunState::Undone).unwrap();
        assert_eq!(journal.run(Some(&name)).unwrap().state, RunState::Undone);
        assert!(matches!(
            journal.newest_unfinished(),
            Err(JournalError::NothingUnfinished)
        ));
        let found = journal.finished_before("abc", "t", "b").unwrap();
        format!("{:?}", found.map(|run| run.state))
    });
}

/// Writes a run that died after delivering `print` to `/x` at this second, or without a response if `second` is
/// `None`. Returns the run.
fn delivers(state: &State, account: &str, print: u8, second: Option<i64>) -> i64 {
    let mut journal = Journal::open(state).unwrap();
    let run = NewRun {
        started_at: at(1),
        ..new_run("run")
    };
    let (run, _) = journal.begin(&run).unwrap();
    journal.begin_sending(run, account, at(1)).unwrap();
    let writer = Writer::start(journal, run, Stage::StrictSending).unwrap();
    let mut row = call(1, None);
    if let PlannedWhat::Call(call) = &mut row.what {
        call.path = "/x".into();
        call.fingerprint = Some(vec![print; 8]);
    }
    writer.plan(vec![row]).unwrap();
    block_on(async {
        writer.intent(1, 1).await.unwrap();
        if let Some(second) = second {
            let outcome = Outcome {
                finished_at: at(second),
                ..outcome(1, RowState::Updated, "")
            };
            writer.outcome(outcome).await.unwrap();
        }
        writer.flush().await.unwrap();
    });
    writer.close().unwrap();
    run
}

fn believed(state: &State, account: &str) -> Option<u8> {
    let mut journal = Journal::open(state).unwrap();
    journal
        .merge_delivered(state, account, 0, at(1_000))
        .unwrap();
    let delivered = journal.delivered(account, "/x").unwrap();
    delivered.map(|(print, _)| print[0])
}

#[test]
fn an_outdated_delivery_is_not_trusted() {
    with_each(|state| {
        delivers(state, "a", 1, Some(100));
        assert_eq!(believed(state, "a"), Some(1));
        // A newer delivery is trusted. One that is older because the clock was set back is not.
        delivers(state, "a", 2, Some(200));
        assert_eq!(believed(state, "a"), Some(2));
        delivers(state, "a", 3, Some(150));
        assert_eq!(believed(state, "a"), None);
        delivers(state, "a", 4, Some(300));
        assert_eq!(believed(state, "a"), Some(4));
        // An unanswered request may have been applied, so it clears the delivery once.
        delivers(state, "a", 5, None);
        assert_eq!(believed(state, "a"), None);
        delivers(state, "a", 6, Some(2_000));
        assert_eq!(believed(state, "a"), Some(6));
        assert_eq!(believed(state, "a"), Some(6));
        String::new()
    });
}

#[test]
fn deleting_a_record_removes_its_fingerprints_for_every_account() {
    with_each(|state| {
        let run = delivers(state, "a", 1, Some(100));
        delivers(state, "b", 2, Some(200));
        assert_eq!(
            (believed(state, "a"), believed(state, "b")),
            (Some(1), Some(2))
        );
        let mut journal = Journal::open(state).unwrap();
        journal.forget_values(&[run], "/other").unwrap();
        assert_eq!(
            (believed(state, "a"), believed(state, "b")),
            (Some(1), Some(2))
        );
        journal.forget_values(&[run], "/x").unwrap();
        assert_eq!((believed(state, "a"), believed(state, "b")), (None, None));
        String::new()
    });
}

#[test]
fn a_row_without_a_call_loses_the_id_of_its_record() {
    with_each(|state| {
        let mut journal = Journal::open(state).unwrap();
        let (run, _) = journal.begin(&new_run("run")).unwrap();
        let writer = Writer::start(journal, run, Stage::Planning).unwrap();
        let settled = |row| PlannedRow {
            mark: mark(row, "odd"),
            what: PlannedWhat::Settled(outcome(row, RowState::Invalid, "name.empty")),
        };
        let rows = vec![settled(2), settled(4), call(6, None), settled(20)];
        writer.plan(rows).unwrap();
        block_on(writer.flush()).unwrap();
        let mut journal = writer.close().unwrap();
        let ids = ["id-2", "id-6"].map(str::to_owned);
        // A run in progress needs the ids.
        assert_eq!(journal.forget_found(&[run], &ids).unwrap(), []);
        journal.set_state(run, RunState::Finished).unwrap();
        assert_eq!(journal.forget_found(&[run], &ids).unwrap(), [(run, 2)]);
        let rows = |facts: Vec<(u64, RowFacts)>| facts.iter().map(|(row, _)| *row).collect();
        let left: Vec<u64> = rows(journal.facts(run, 1, 30).unwrap());
        assert_eq!(left, [4, 6, 20]);
        let warnings = journal.warnings(run, 1, 30).unwrap();
        assert!(warnings.iter().all(|(row, _)| *row != 2));
        assert!(journal.outcomes(run, 2, 2).unwrap()[0].problems.is_empty());
        let mut all = format!("{:?}", journal.outcomes(run, 1, 30).unwrap());
        let rows_by = |journal: &Journal| {
            let rows = journal.rows_by(&[mark(4, "").key]).unwrap();
            let texts = rows.iter().flat_map(|row| &row.problems);
            let texts: Vec<String> = texts.map(|problem| problem.message.to_string()).collect();
            format!("{:?}", (rows.len(), texts))
        };
        all += &rows_by(&journal);
        assert!(journal.forget_said(&[(run, 4)]).unwrap() > 0);
        all += &rows_by(&journal);
        // Expired values are removed together with the ids of their records.
        assert!(journal.forget_all_values(run).unwrap() > 0);
        assert!(journal.facts(run, 1, 30).unwrap().is_empty());
        assert!(journal.warnings(run, 1, 30).unwrap().is_empty());
        all
    });
}

#[test]
fn deliveries_of_another_account_are_separate() {
    with_each(|state| {
        let run = delivers(state, "a", 1, Some(100));
        let mut journal = Journal::open(state).unwrap();
        journal.begin_sending(run, "b", at(500)).unwrap();
        assert_eq!(believed(state, "b"), None);
        assert_eq!(believed(state, "a"), Some(1));
        String::new()
    });
}

#[test]
fn a_pruned_run_keeps_its_unanswered_requests_in_doubt() {
    with_each(|state| {
        delivers(state, "a", 1, Some(1_500));
        assert_eq!(believed(state, "a"), Some(1));
        delivers(state, "a", 2, None);
        let mut journal = Journal::open(state).unwrap();
        journal.prune(state, at(1_400), at(2_000)).unwrap();
        assert!(journal.runs().unwrap().is_empty());
        assert_eq!(believed(state, "a"), None);
        String::new()
    });
}

#[test]
fn deliveries_are_not_merged_while_another_run_may_be_sending() {
    with_each(|state| {
        delivers(state, "a", 1, Some(100));
        let mut journal = Journal::open(state).unwrap();
        let name = journal.run(None).unwrap().name;
        let live = RunLock::share(state, &name).unwrap();
        assert!(!journal.merge_delivered(state, "a", 0, at(200)).unwrap());
        drop(live);
        assert!(journal.merge_delivered(state, "a", 0, at(200)).unwrap());
        String::new()
    });
}

#[test]
fn stores_share_and_take_locks_identically() {
    with_each(|state| {
        let one = RunLock::share(state, "r").unwrap();
        let two = RunLock::share(state, "r").unwrap();
        drop(one);
        assert!(RunLock::take(state, "r").unwrap().is_none());
        assert!(RunLock::is_held(state, "r").unwrap());
        assert!(!RunLock::is_held(state, "other").unwrap());
        drop(two);
        let alone = RunLock::take(state, "r").unwrap();
        assert!(alone.is_some());
        assert!(RunLock::take(state, "r").unwrap().is_none());
        drop(alone);
        let roster = Path::new("/r.csv");
        let held = RosterLock::take(state, roster).unwrap();
        assert!(held.is_some());
        assert!(RosterLock::take(state, roster).unwrap().is_none());
        drop(held);
        assert!(RosterLock::take(state, roster).unwrap().is_some());
        String::new()
    });
}

#[test]
fn a_quota_bucket_is_shared_by_all_processes() {
    with_each(|state| {
        let mut one = QuotaStore::open(state, "a").unwrap();
        let mut two = QuotaStore::open(state, "a").unwrap();
        let mut other = QuotaStore::open(state, "b").unwrap();
        let began = one.began("boot", 5, 1_000_000_000_000_000_000).unwrap();
        assert!(began >= 999_999_999_999_999_995);
        let next = SharedQuota {
            arrival: 7,
            interval: 2,
            ..SharedQuota::default()
        };
        let before = one.update(|shared| (Some(next), shared.arrival)).unwrap();
        assert_eq!(before, 0);
        assert_eq!(two.update(|shared| (None, shared)).unwrap(), next);
        assert_eq!(other.update(|shared| (None, shared.arrival)).unwrap(), 0);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let mut store = QuotaStore::open(state, "a").unwrap();
                std::thread::spawn(move || {
                    for _ in 0..50 {
                        let more = |shared: SharedQuota| SharedQuota {
                            arrival: shared.arrival + 1,
                            ..shared
                        };
                        store.update(|shared| (Some(more(shared)), ())).unwrap();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(two.update(|shared| (None, shared.arrival)).unwrap(), 207);
        String::new()
    });
}

#[test]
fn a_limited_run_takes_only_its_own_requests_from_the_quota() {
    with_each(|state| {
        let clock = evening();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let pacer = |ceiling: Option<&str>, share: f64| {
            let pace = Pace {
                own: "1500/h".parse().unwrap(),
                own_burst: 100,
                ceiling: ceiling.map(|rate| rate.parse().unwrap()),
                burst: None,
                share,
            };
            let store = QuotaStore::open(state, "limited").unwrap();
            Pacer::new(pace, clock.clone(), Some(store)).unwrap()
        };
        let take = |pacer: &Pacer, requests: usize| {
            let start = clock.now();
            runtime.block_on(async {
                for _ in 0..requests {
                    pacer.permit().await.unwrap();
                }
            });
            assert_eq!(clock.now(), start, "{requests} at once");
        };
        take(&pacer(None, 1.0), 70);
        take(&pacer(None, 0.1), 10);
        let levels = [
            ("the same share", pacer(None, 0.1), 0.0),
            ("another share", pacer(None, 0.15), 15.0),
            ("a rate", pacer(Some("5/h"), 1.0), 5.0),
            ("no limit", pacer(None, 1.0), 20.0),
        ];
        for (whose, pacer, level) in &levels {
            assert_eq!(pacer.level().0, *level, "{whose}");
        }
        String::new()
    });
}

#[test]
fn stores_report_arrived_files_identically() {
    use rosterpatch::journal::{Arrival, Fate};
    use rosterpatch::model::{Code, Fact};
    with_each(|state| {
        let journal = Journal::open(state).unwrap();
        let arrival = |name: &str, stamp: &str, second, fate| Arrival {
            inbox: "/in".into(),
            name: name.into(),
            stamp: stamp.into(),
            at: at(second),
            fate,
            path: format!("/in/{name}"),
            run: None,
            why: Some(Fact::new(Code::InboxNoProfile)),
        };
        for file in [
            arrival("å.csv", "1.000000000:5", 10, Fate::NotProcessed),
            arrival("b.csv", "1.000000000:5", 20, Fate::Waiting),
            arrival("b.csv", "2.000000000:6", 30, Fate::Failed),
        ] {
            journal.record_arrival(&file).unwrap();
        }
        // A later record of the same file keeps its arrival time and replaces its fate.
        let mut again = arrival("b.csv", "1.000000000:5", 99, Fate::Done);
        (again.run, again.why) = (Some("r".into()), None);
        journal.record_arrival(&again).unwrap();
        let mut told = String::new();
        for since in [0, 20, 21] {
            let all = journal.arrivals(at(since)).unwrap();
            writeln!(told, "{since}: {all:?}").unwrap();
        }
        let names = |since| journal.arrivals(at(since)).unwrap().len();
        assert_eq!([names(0), names(20), names(21), names(31)], [3, 2, 1, 0]);
        let done = &journal.arrivals(at(20)).unwrap()[1];
        assert_eq!((done.at, done.fate), (at(20), Fate::Done));
        journal.forget_arrival(done).unwrap();
        assert_eq!(names(0), 2);
        journal.forget_arrivals(at(30)).unwrap();
        let left = journal.arrivals(at(0)).unwrap();
        assert_eq!(left.len(), 1);
        writeln!(told, "{left:?}").unwrap();
        told
    });
}

#[test]
fn a_row_whose_call_is_damaged_is_recorded_with_the_reason() {
    with_each(|state| {
        let run = a_run(state, "damaged");
        let journal = Journal::open(state).unwrap();
        let why = problems("why 7").remove(0);
        journal.set_damaged(run, 7, &why).unwrap();
        let outcomes = journal.outcomes(run, 7, 7).unwrap();
        assert_eq!(
            (outcomes[0].state, &outcomes[0].problems[..]),
            (RowState::Failed, &[why][..])
        );
        format!("{outcomes:?}")
    });
}
