//! This module tests `run/import`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::events::{PersonChange, Plan, RunEvent, Turn};
use crate::journal::{RunLock, RunState};
use crate::model::{Code, Exit, Held, Summary, seconds_between};
use crate::plan::{Selection, Threshold};
use crate::run::context::{Batch, BatchEnd, BatchUsage, Consent, Start};
use crate::run::error::RunError;
use crate::run::import::late_enough;
use crate::run::planning::saved_plan::saved_plan;
use crate::run::settings::{Pauses, Retries, Settings};
use crate::run::tests::{Api, Asked, Desk, SCHOOL, held, school_with, unreadable};
use crate::send::{Rate, Stop, StopRequest};

/// A roster of so many rows, and the records that differ from it.
fn roster(rows: usize) -> String {
    let rows = (1..=rows).map(|row| format!("p{row},Åsa\n"));
    "id,name\n".to_owned() + &rows.collect::<String>()
}

fn school(rows: usize) -> Json {
    let pupil = |row| json!({"id": format!("p{row}"), "name": "Asa"});
    (1..=rows).map(pupil).collect()
}

fn willing() -> Api {
    Api::answering(|_| (200, json!({})))
}

fn resume(desk: &mut Desk) -> Start {
    let run = desk.run();
    // It continues with the state of an earlier process.
    desk.settings = Settings::of(&run).unwrap();
    Start::Resume(Box::new(run))
}

fn says(consent: Consent) -> Option<Box<crate::run::tests::Agree>> {
    Some(Box::new(move |_| consent.clone()))
}

/// An API that refuses the credentials while it is told to, once it has taken `most` changes.
fn moody(
    most: usize,
    answer: impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static,
) -> (Api, Arc<AtomicBool>) {
    let refuses = Arc::new(AtomicBool::new(true));
    let own = refuses.clone();
    let taken = Mutex::new(0);
    let api = Api::answering(move |asked| {
        let mut taken = taken.lock().unwrap();
        *taken += usize::from(asked.method == "PATCH");
        match *taken > most && own.load(Ordering::SeqCst) {
            true => (401, json!({})),
            false => answer(asked),
        }
    });
    (api, refuses)
}

#[test]
fn nothing_is_left_of_a_run_that_was_not_agreed_to() {
    let (api, mut desk) = (Api::holding(school(2)), Desk::new(&roster(2)));
    desk.agree = says(Consent::No);
    assert!(matches!(desk.import(&api), Err(RunError::Declined)));
    assert!(api.changes().is_empty());
    assert!(desk.journal().run(None).is_err(), "it is forgotten");
}

#[test]
fn no_confirmation_is_requested_if_nothing_is_to_be_sent() {
    let api = Api::holding(json!([{"id": "p1", "name": "Åsa"}]));
    let mut desk = Desk::new(&roster(1));
    desk.agree = says(Consent::No);
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"]);
}

#[test]
fn a_guard_holds_a_run_until_somebody_approves_it() {
    let (api, mut desk) = (Api::holding(school(2)), Desk::new(&roster(2)));
    desk.delivery().guards.max_changes = Some(Threshold::Rows(1));
    let ended = desk.import(&api).unwrap();
    let why = Held::MaxChanges {
        count: 2,
        rows: 2,
        most: Threshold::Rows(1),
    };
    assert_eq!(ended.stop, Some(Stop::Held { why: why.clone() }));
    let summary = ended.summary;
    assert_eq!(summary.held_by, Some(why.clone()));
    assert_eq!(summary.held, Some(why.to_string()));
    assert_eq!(
        (summary.exit_code, summary.states.not_sent),
        (Exit::Held, 2)
    );
    let results = std::fs::read_to_string(summary.results.unwrap()).unwrap();
    assert!(results.contains(&why.to_string()), "{results}");
    assert_eq!(desk.run().state, RunState::Held);
    assert!(api.changes().is_empty());

    let held = desk.run();
    desk.settings = Settings::of(&held).unwrap();
    desk.agree = says(Consent::No);
    let declined = desk.start(&api, Start::Approve(Box::new(held.clone())));
    assert!(matches!(declined, Err(RunError::Declined)));
    assert_eq!(desk.run().id, held.id, "it stays, to be approved");
    desk.agree = None;
    desk.later(Duration::from_secs(3_600));
    let ended = desk
        .start(&api, Start::Approve(Box::new(held.clone())))
        .unwrap();
    let times = (ended.summary.held_s, ended.summary.idle_s);
    assert_eq!(times, (3_600.0, 0.0), "also where somebody declined first");
    assert_eq!(ended.summary.duration_s, summary.duration_s);
    assert_eq!(desk.figures(), ended.summary);
    assert_eq!((ended.stop, desk.run().id), (None, held.id));
    assert_eq!(desk.states(), ["updated", "updated"]);
    assert_eq!(desk.run().state, RunState::Finished);
}

#[test]
fn a_run_is_held_to_the_plan_that_was_looked_at() {
    let (api, mut desk) = (Api::holding(school(2)), Desk::new(&roster(2)));
    let looked = desk.dry_run(&api).unwrap();
    let prepared = desk.prepared();
    let plan = saved_plan(&looked.journal, looked.run, &prepared, &desk.settings).unwrap();
    let mut other = plan.clone();
    other.rows.remove(&1);
    desk.delivery().expected = Some(Arc::new(other));
    let error = desk.import(&api).unwrap_err();
    assert!(
        matches!(&error, RunError::OtherPlan { why } if !why.is_empty()),
        "{error}"
    );
    assert!(desk.journal().run(None).is_err() && api.changes().is_empty());
    desk.delivery().expected = Some(Arc::new(plan));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated", "updated"]);
}

#[test]
fn a_look_tells_what_an_import_would_do_and_does_nothing() {
    let records = json!([{"id": "p1", "name": "Åsa"}, {"id": "p2", "name": "Bo"}, {"id": "p4", "name": "Di"}]);
    let api = Api::holding(records);
    let mut desk = Desk::new("id,name\np1,Åsa\np2,Beo\np3,Cy\np4,Dia\np5,Ed\n");
    desk.delivery().selection = "1-4".parse::<Selection>().unwrap();
    let pace = &mut desk.delivery().pace;
    (pace.own, pace.own_burst) = ("1/s".parse().unwrap(), 4);
    let looked = desk.dry_run(&api).unwrap();
    let (plan, summary) = (looked.plan, looked.summary);
    let states = summary.states;
    assert_eq!(
        (states.unchanged, states.invalid, states.not_sent),
        (1, 1, 3)
    );
    assert_eq!(
        (plan.to_send, plan.left_out, summary.to_send),
        (2, 1, Some(2))
    );
    assert_eq!(summary.fields.unwrap()["name"], 2);
    assert_eq!((summary.run.as_str(), summary.held_by), ("", None));
    assert_eq!(summary.exit_code, Exit::RowsFailed);
    // Three requests of the bucket are gone.
    assert_eq!(plan.lookups, api.asked().len() as u64);
    assert_eq!(plan.at_once, 4 - plan.lookups);
    assert_eq!(summary.estimated_s, Some(plan.estimate_s));
    assert_eq!(summary.estimated_finish, plan.estimated_finish);
    assert_eq!(desk.calls(&looked.journal, looked.run).len(), 2);
    assert!(desk.journal().run(None).is_err() && api.changes().is_empty());
    desk.delivery().guards.max_changes = Some(Threshold::Rows(1));
    let looked = desk.dry_run(&api).unwrap();
    assert!(matches!(looked.held, Some(Held::MaxChanges { .. })));
    assert_eq!(looked.summary.held_by, looked.held);
    assert_eq!(looked.summary.exit_code, Exit::Held);
}

#[test]
fn a_look_has_none_of_the_pauses_of_the_run_that_it_would_retry() {
    let (api, mut desk) = (Api::holding(school(1)), Desk::new(&roster(1)));
    desk.import(&api).unwrap();
    let run = desk.run();
    let later = run.finished_at.unwrap() + Duration::from_secs(60);
    desk.settings.pauses = Pauses::of(&run, None, None, later);
    assert_ne!(desk.settings.pauses, Pauses::default());
    let summary = desk.dry_run(&api).unwrap().summary;
    assert_eq!((summary.idle_s, summary.held_s), (0.0, 0.0));
}

#[test]
fn a_plan_that_nobody_could_make_has_no_exit_code_of_a_guard() {
    let api = Api::answering(|_| (401, json!({})));
    let mut desk = Desk::new(&roster(2));
    desk.delivery().guards.max_invalid = Threshold::Rows(0);
    let looked = desk.dry_run(&api).unwrap();
    assert!(matches!(looked.stop, Some(Stop::Refused { .. })));
    assert_eq!(looked.summary.exit_code, Exit::Refused);
}

#[test]
fn a_plan_counts_the_request_that_reads_a_record_before_its_change() {
    let plan = |target: &str| {
        let (api, mut desk) = (Api::holding(school(5)), Desk::at(target, &roster(5)));
        let pace = &mut desk.delivery().pace;
        (pace.own, pace.own_burst) = ("3600/h".parse().unwrap(), 1);
        desk.dry_run(&api).unwrap().plan
    };
    let school = crate::run::tests::SCHOOL;
    let versioned = school.replace("keep =", "if_match = \"etag\"\nkeep =");
    let (one, two) = (plan(school), plan(&versioned));
    assert_eq!((one.to_send, two.to_send), (5, 5));
    assert_eq!((one.requests_for(5), two.requests_for(5)), (5, 10));
    let more = two.estimate_s - one.estimate_s;
    assert!((more - 5.0).abs() < 0.1, "{more}");
}

#[test]
fn the_time_that_a_plan_takes_is_told_by_the_quota_and_the_bucket() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(5)));
    let pace = &mut desk.delivery().pace;
    (pace.own, pace.own_burst) = ("1500/h".parse().unwrap(), 2);
    let plan = desk.dry_run(&api).unwrap().plan;
    assert_eq!((&*plan.rate, plan.at_once), ("1500/h", 2));
    assert!((plan.estimate_s - 7.2).abs() < 1e-6, "{}", plan.estimate_s);
    let finish: jiff::Timestamp = "2026-08-20T18:00:07.2Z".parse().unwrap();
    assert_eq!(plan.estimated_finish, Some(finish));
}

#[test]
fn a_run_that_was_stopped_goes_on_where_it_ended() {
    let (api, refuses) = moody(2, held(school(4)));
    let mut desk = Desk::new(&roster(4));
    desk.delivery().sender.concurrency = 1;
    let ended = desk.import(&api).unwrap();
    assert!(matches!(ended.stop, Some(Stop::Refused { .. })));
    assert_eq!(ended.summary.exit_code, Exit::Refused);
    let first = desk.run();
    assert_eq!(first.state, RunState::Interrupted);
    assert_eq!(
        (ended.summary.states.updated, ended.summary.states.not_sent),
        (2, 2)
    );
    refuses.store(false, Ordering::SeqCst);
    desk.later(Duration::from_secs(60));
    let start = resume(&mut desk);
    let summary = desk.start(&api, start).unwrap().summary;
    let second = desk.run();
    assert_eq!(
        (second.id, second.name, second.state),
        (first.id, first.name, RunState::Finished)
    );
    assert_eq!(desk.states(), ["updated"; 4]);
    let mut paths: Vec<String> = api.changes().into_iter().map(|(path, _)| path).collect();
    // Two requests are in progress at once.
    paths.sort();
    assert_eq!(
        paths,
        [
            "/pupil/p1",
            "/pupil/p2",
            "/pupil/p3",
            "/pupil/p3",
            "/pupil/p4"
        ]
    );
    // From its first beginning.
    assert_eq!(summary.requests, api.asked().len() as u64);
    assert_eq!(summary.lookups, api.asked().len() as u64 - 5);
    assert_eq!(summary.started_at, first.started_at);
    assert_eq!((summary.idle_s, summary.held_s), (60.0, 0.0));
    let whole = seconds_between(summary.started_at, summary.finished_at);
    assert_eq!(summary.duration_s + summary.idle_s, whole);
    let error = desk
        .start(&api, Start::Resume(Box::new(desk.run())))
        .unwrap_err();
    assert!(matches!(
        error,
        RunError::NotResumable {
            why: Code::WhyEnded,
            ..
        }
    ));
}

#[test]
fn a_run_is_idle_from_the_last_outcome_of_a_process_that_died() {
    let (api, refuses) = moody(2, held(school(4)));
    let mut desk = Desk::new(&roster(4));
    desk.delivery().sender.concurrency = 1;
    let first = desk.import(&api).unwrap().summary;
    // As if the next process, and the one after it, had died as soon as they continued.
    let mut next = || {
        desk.journal().reopen(desk.run().id).unwrap();
        desk.later(Duration::from_secs(60));
        let start = resume(&mut desk);
        desk.start(&api, start).unwrap().summary
    };
    assert_eq!((next().idle_s, next().idle_s), (60.0, 120.0));
    refuses.store(false, Ordering::SeqCst);
    let last = next();
    assert_eq!((last.idle_s, last.states.updated), (180.0, 4));
    assert_eq!(last.duration_s, first.duration_s);
    // Another import is another run.
    desk.rewrite(&roster(3));
    let other = desk.import(&api).unwrap().summary;
    assert_eq!((other.idle_s, other.rows), (0.0, 3));
}

#[test]
fn between_two_slices_a_run_is_idle_only_once_the_next_one_is_late() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(3)));
    let mut late = batch(1);
    desk.batch(&api, Start::New("import"), late).unwrap();
    for seconds in [0, 20] {
        desk.later(Duration::from_secs(30));
        late.late = Duration::from_secs(seconds);
        let start = resume(&mut desk);
        desk.batch(&api, start, late).unwrap();
    }
    let summary = desk.figures();
    assert_eq!((summary.rows, summary.idle_s), (3, 20.0));
    let whole = seconds_between(summary.started_at, summary.finished_at);
    assert_eq!(summary.duration_s, whole - 20.0);
    assert!(whole >= 60.0);
}

#[test]
fn a_run_whose_plan_was_not_made_is_planned_anew() {
    let answer = held(school(4));
    let times = Mutex::new(0);
    let api = Api::answering(move |asked| {
        let mut times = times.lock().unwrap();
        *times += 1;
        if *times == 2 {
            (401, json!({}))
        } else {
            answer(asked)
        }
    });
    let mut desk = Desk::new(&roster(4));
    let ended = desk.import(&api).unwrap();
    assert!(matches!(
        ended.stop,
        Some(Stop::Refused { reading: true, .. })
    ));
    assert_eq!(desk.run().state, RunState::Planning);
    let start = resume(&mut desk);
    let summary = desk.start(&api, start).unwrap().summary;
    assert_eq!(desk.states(), ["updated"; 4]);
    assert_eq!(summary.requests, api.asked().len() as u64);
    assert_eq!(summary.lookups, api.asked().len() as u64 - 4);
    assert_eq!(desk.plan(desk.run().id).lookups, summary.lookups);
}

#[test]
fn a_closed_run_stays_closed() {
    for (state, why) in [
        (RunState::Undone, Code::WhyUndone),
        (RunState::Replaced, Code::WhyReplaced),
        (RunState::Finished, Code::WhyEnded),
    ] {
        let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(1)));
        desk.import(&api).unwrap();
        let known = desk.run();
        desk.journal().set_state(known.id, state).unwrap();
        // Another process may have closed it since it was looked up.
        let mut before = known.clone();
        before.state = RunState::Interrupted;
        let error = desk
            .start(&api, Start::Resume(Box::new(before)))
            .unwrap_err();
        let RunError::NotResumable { why: found, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(found, why);
    }
}

#[test]
fn a_run_takes_the_place_of_the_one_that_it_replaces() {
    for (before, after) in [
        (RunState::Interrupted, RunState::Replaced),
        (RunState::Undone, RunState::Undone),
    ] {
        let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(1)));
        desk.import(&api).unwrap();
        let old = desk.run();
        desk.journal().set_state(old.id, before).unwrap();
        desk.settings.replaces = Some(old.name.clone());
        desk.import(&api).unwrap();
        assert_eq!(desk.journal().run(Some(&old.name)).unwrap().state, after);
    }
}

#[test]
fn a_run_and_those_that_it_goes_by_are_not_forgotten_meanwhile() {
    let (api, mut desk) = (Api::holding(school(1)), Desk::new(&roster(1)));
    let is_held = |desk: &Desk, name: &str| RunLock::is_held(&desk.state(), name).unwrap();
    desk.import(&api).unwrap();
    let old = desk.run().name;
    assert!(!is_held(&desk, &old));
    desk.rewrite("id,name\np1,Bo\n");
    for undoes in [false, true] {
        let retries = Retries {
            run: Some(old.clone()),
            only: Vec::new(),
        };
        desk.delivery().retries = (!undoes).then_some(retries);
        desk.delivery().undoes = undoes.then(|| old.clone());
        let (state, other) = (desk.state(), old.clone());
        desk.agree = Some(Box::new(move |proposal| {
            for name in [&other, proposal.run] {
                assert!(RunLock::is_held(&state, name).unwrap(), "{name}");
            }
            assert_ne!(other, proposal.run);
            Consent::No
        }));
        let error = desk.import(&api).unwrap_err();
        assert!(matches!(error, RunError::Declined), "{error}");
        assert!(!is_held(&desk, &old));
    }
}

#[test]
fn a_retry_sends_what_did_not_succeed() {
    let api = Api::answering(
        |asked| match asked.path.ends_with("p2") && asked.before == 0 {
            true => (404, json!({})),
            false => (200, json!({})),
        },
    );
    let mut desk = Desk::at(&unreadable(), &roster(3));
    let ended = desk.import(&api).unwrap();
    assert_eq!(ended.summary.exit_code, Exit::RowsFailed);
    assert_eq!(desk.states(), ["updated", "rejected http.404", "updated"]);
    desk.delivery().retries = Some(Retries {
        run: Some(desk.run().name),
        only: Vec::new(),
    });
    // Nothing but the history tells it.
    desk.delivery().all = true;
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged", "updated", "unchanged"]);
    assert_eq!(api.changes().len(), 4);
}

#[test]
fn no_run_takes_anothers_names() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(2)));
    let first = desk.import(&api).unwrap();
    let second = desk.import(&api).unwrap();
    assert_ne!(
        first.summary.run, second.summary.run,
        "they began at the same moment"
    );
    assert_eq!(desk.run().name, second.summary.run);
    let (first, second) = (
        first.summary.results.unwrap(),
        second.summary.results.unwrap(),
    );
    assert_ne!(first, second);
    assert!(first.exists() && second.exists());
}

#[test]
fn names_are_taken_while_a_run_is_under_way_that_writes_files() {
    for in_slices in [false, true] {
        let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(1)));
        let (state, paths) = (desk.state(), desk.settings.delivery.paths.clone());
        desk.agree = Some(Box::new(move |_| {
            let (free, _claim) = paths.claim(&state).unwrap();
            assert_eq!(free.results == paths.results, in_slices);
            Consent::from(true)
        }));
        if in_slices {
            desk.batch(&api, Start::New("import"), batch(5)).unwrap();
        } else {
            desk.import(&api).unwrap();
        }
        assert_eq!(desk.states(), ["updated"]);
    }
}

#[test]
fn a_row_that_repeated_another_stays_invalid_without_it() {
    let api = willing();
    let text = "id,name,email\np1,Åsa,a@b.se\np2,Bo,a@b.se\n";
    // Alone, and in a file where another row stands in place of the one that it repeats.
    for (retried, state) in [
        ("id,name,email\np2,Bo,a@b.se\n", "invalid email.duplicate"),
        ("id,name,email\np2,Bo,a@b.se\np3,Cy,c@b.se\n", "updated"),
    ] {
        let mut desk = Desk::at(&unreadable(), text);
        desk.import(&api).unwrap();
        assert_eq!(desk.states(), ["updated", "invalid email.duplicate"]);
        desk.delivery().retries = Some(Retries {
            run: Some(desk.run().name),
            only: Vec::new(),
        });
        desk.rewrite(retried);
        desk.import(&api).unwrap();
        assert_eq!(desk.states()[0], state);
    }
}

#[test]
fn a_run_notes_the_rate_at_which_it_was_stopped() {
    let (api, refuses) = moody(1, |_: &Asked| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), &roster(3));
    desk.delivery().sender.concurrency = 1;
    desk.import(&api).unwrap();
    assert_eq!(desk.plan(desk.run().id).rate, "1000/s");
    let start = resume(&mut desk);
    desk.delivery().pace.own = "10/s".parse().unwrap();
    desk.start(&api, start).unwrap();
    assert_eq!(desk.plan(desk.run().id).rate, "10/s");
    refuses.store(false, Ordering::SeqCst);
    let start = resume(&mut desk);
    desk.start(&api, start).unwrap();
    assert_eq!(desk.states(), ["updated"; 3]);
}

/// The plan that was shown, and how far the run had come when it began to send.
fn begun(desk: &Desk) -> (Plan, crate::events::Progress) {
    let (mut plan, mut progress) = (None, None);
    for event in desk.watched.events() {
        match event {
            RunEvent::Planned(planned) => plan = Some(*planned),
            RunEvent::Started {
                progress: begun, ..
            } => progress = Some(*begun),
            _ => (),
        }
    }
    (plan.unwrap(), progress.unwrap())
}

#[test]
fn rows_are_planned_while_sending_if_no_record_has_to_be_read() {
    let text = "id,name,email\np1,Åsa,a@b.se\np2,Bo,nonsense\np3,Cy,c@b.se\n";
    for (is_asked, target, is_ahead) in [
        (false, unreadable(), true),
        (true, unreadable(), false),
        (false, SCHOOL.to_owned(), false),
    ] {
        let api = Api::holding(json!([
            {"id": "p1", "name": "Asa", "email": "a@b.se"}, {"id": "p3", "name": "C", "email": "c@b.se"},
        ]));
        let mut desk = Desk::at(&target, text);
        desk.agree = is_asked.then(|| says(Consent::from(true))).flatten();
        desk.import(&api).unwrap();
        let (plan, progress) = begun(&desk);
        assert_eq!(plan.is_ahead, is_ahead);
        assert_eq!((plan.to_send, plan.invalid), (2, 1));
        assert_eq!(
            (progress.done, progress.states.invalid, progress.to_send),
            (1, 1, 2)
        );
        let states = desk.states();
        assert_eq!((&*states[0], &*states[2]), ("updated", "updated"));
        assert!(states[1].starts_with("invalid email."), "{states:?}");
        assert_eq!(api.changes().len(), 2);
    }
}

#[test]
fn a_guard_that_holds_a_run_lets_its_rows_be_looked_at() {
    let text = roster(3).replace("p2,Åsa", "p2,");
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &text));
    desk.delivery().guards.max_invalid = Threshold::Rows(0);
    desk.import(&api).unwrap();
    let run = desk.run();
    assert_eq!(run.state, RunState::Held);
    assert!(!desk.plan(run.id).is_ahead);
    assert_eq!(desk.calls(&desk.journal(), run.id).len(), 2);
}

#[test]
fn a_run_that_was_stopped_before_all_was_planned_plans_the_rest() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(3)));
    desk.stop.send_replace(StopRequest::Now);
    let ended = desk.import(&api).unwrap();
    assert_eq!(ended.stop, Some(Stop::Asked));
    assert_eq!(ended.summary.exit_code, Exit::Interrupted);
    assert_eq!(ended.summary.states.not_sent, 3);
    assert_eq!(desk.run().state, RunState::Interrupted);
    assert!(desk.plan(desk.run().id).is_ahead);
    desk.stop.send_replace(StopRequest::None);
    let start = resume(&mut desk);
    desk.start(&api, start).unwrap();
    assert_eq!(desk.states(), ["updated"; 3]);
    assert_eq!(api.changes().len(), 3);
}

#[test]
fn rows_that_are_planned_already_are_not_planned_again() {
    let text = roster(4).replace("p2,Åsa", "p2,");
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &text));
    desk.stop.send_replace(StopRequest::Now);
    desk.import(&api).unwrap();
    // The process died when half of them were.
    let planned = desk.planned_rows();
    let run = desk.run();
    let writer =
        crate::journal::Writer::start(desk.journal(), run.id, crate::journal::Stage::Planning)
            .unwrap();
    writer
        .plan_blocking(planned.into_iter().take(2).collect())
        .unwrap();
    writer.room_blocking().unwrap();
    writer.close().unwrap();
    assert_eq!(desk.journal().rows_of(run.id).unwrap(), 2);
    let invalid = |desk: &Desk| desk.outcomes(run.id).into_iter().find(|one| one.row == 2);
    let planned = invalid(&desk).unwrap();
    desk.stop.send_replace(StopRequest::None);
    desk.later(Duration::from_secs(60));
    let start = resume(&mut desk);
    desk.start(&api, start).unwrap();
    assert_eq!(invalid(&desk).unwrap().finished_at, planned.finished_at);
    let mut states = desk.states();
    assert!(states.remove(1).starts_with("invalid"));
    assert_eq!(states, ["updated"; 3]);
    let mut paths: Vec<String> = api.changes().into_iter().map(|(path, _)| path).collect();
    paths.sort();
    assert_eq!(paths, ["/pupil/p1", "/pupil/p3", "/pupil/p4"]);
}

#[test]
fn a_run_that_has_all_its_rows_plans_none() {
    let (api, refuses) = moody(1, |_: &Asked| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), &roster(3));
    desk.delivery().sender.concurrency = 1;
    desk.import(&api).unwrap();
    assert!(desk.plan(desk.run().id).is_ahead);
    refuses.store(false, Ordering::SeqCst);
    let start = resume(&mut desk);
    let ended = desk.start(&api, start).unwrap();
    assert_eq!((ended.stop, ended.summary.states.updated), (None, 3));
}

/// A slice of so many rows that waits for nothing.
fn batch(rows: usize) -> Batch {
    Batch {
        rows,
        patience: Duration::ZERO,
        retries_before: 3,
        throttled_before: 4,
        late: Duration::ZERO,
    }
}

/// Does a run in slices: how it ended, and what each slice did and how long the next one had to wait.
fn batch_end(
    desk: &mut Desk,
    api: &Api,
    batch: Batch,
) -> (Summary, Option<Stop>, Vec<(BatchUsage, Duration)>) {
    let mut start = Start::New("import");
    let mut slices = Vec::new();
    for _ in 0..20 {
        let (batch_end, made) = desk.batch(api, start, batch).unwrap();
        match batch_end {
            BatchEnd::Later(after) => slices.push((made, after)),
            BatchEnd::Ended(ended) => {
                slices.push((made, Duration::ZERO));
                return (ended.summary, ended.stop, slices);
            }
        }
        let after = slices.last().unwrap().1;
        desk.later(after);
        start = resume(desk);
    }
    panic!("it never ends: {slices:?}");
}

#[test]
fn a_slice_sends_its_rows_and_leaves_the_rest() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(5)));
    let (summary, stop, slices) = batch_end(&mut desk, &api, batch(2));
    let made: Vec<(u64, Duration)> = slices
        .iter()
        .map(|(made, after)| (made.requests, *after))
        .collect();
    assert_eq!(
        made,
        [
            (2, Duration::ZERO),
            (2, Duration::ZERO),
            (1, Duration::ZERO)
        ]
    );
    assert_eq!(stop, None);
    assert_eq!(desk.states(), ["updated"; 5]);
    assert_eq!(api.changes().len(), 5);
    assert_eq!((summary.requests, summary.states.updated), (5, 5));
    assert_eq!(
        (summary.retries, summary.throttled),
        (3, 4),
        "those of the slices before"
    );
    assert_eq!(desk.run().state, RunState::Finished);
    // No file is written, and no name taken.
    let mut names: Vec<String> = std::fs::read_dir(desk.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["r.csv", "state"]);
    assert_eq!(summary.results, None);
}

#[test]
fn a_slice_does_not_wait_for_the_quota() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(4)));
    let pace = &mut desk.delivery().pace;
    (pace.own, pace.own_burst) = ("1/s".parse().unwrap(), 1);
    let (summary, _, slices) = batch_end(&mut desk, &api, batch(9));
    assert_eq!(slices.len(), 4);
    for (made, after) in &slices[..3] {
        assert_eq!(made.requests, 1);
        assert!(
            !after.is_zero() && *after <= Duration::from_secs(1),
            "{after:?}"
        );
    }
    assert_eq!(summary.states.updated, 4);
}

#[test]
fn a_slice_asks_no_more_than_it_may_for_a_plan() {
    let (api, mut desk) = (Api::holding(school(2)), Desk::new(&roster(2)));
    let (later, made) = desk.batch(&api, Start::New("import"), batch(0)).unwrap();
    assert!(
        matches!(later, BatchEnd::Later(Duration::ZERO)),
        "{later:?}"
    );
    assert_eq!((made.requests, api.asked().len()), (0, 0));
    assert_eq!(desk.run().state, RunState::Planning);
    let start = resume(&mut desk);
    desk.batch(&api, start, batch(5)).unwrap();
    assert_eq!(desk.states(), ["updated"; 2]);
    assert_eq!(api.asked().len(), 3, "what is learnt is not asked again");
}

#[test]
fn a_run_in_slices_plans_no_row_before_all_records_are_read() {
    let target = school_with("list = \"/pupils\"\n", "");
    let (api, mut desk) = (Api::holding(school(9)), Desk::at(&target, &roster(9)));
    desk.delivery().sender.concurrency = 1;
    desk.batch(&api, Start::New("import"), batch(2)).unwrap();
    let run = desk.run();
    assert_eq!((api.asked().len(), run.state), (2, RunState::Planning));
    assert_eq!(desk.journal().rows_of(run.id).unwrap(), 0);
    let start = resume(&mut desk);
    desk.batch(&api, start, batch(3)).unwrap();
    assert_eq!(desk.journal().rows_of(run.id).unwrap(), 9);
}

#[test]
fn a_slice_that_is_asked_to_stop_leaves_the_run_to_others() {
    let (api, mut desk) = (Api::holding(school(2)), Desk::new(&roster(2)));
    desk.stop.send_replace(StopRequest::Finish);
    let (later, _) = desk.batch(&api, Start::New("import"), batch(5)).unwrap();
    assert!(
        matches!(later, BatchEnd::Later(Duration::ZERO)),
        "{later:?}"
    );
    assert_eq!(desk.run().state, RunState::Planning);
    // Any other run is stopped for good, to be resumed.
    let ended = desk.import(&api).unwrap();
    assert_eq!(
        (ended.stop, desk.run().state),
        (Some(Stop::Asked), RunState::Planning)
    );
    let mut sending = Desk::at(&unreadable(), &roster(2));
    sending.stop.send_replace(StopRequest::Finish);
    let made = willing();
    let (first, _) = sending
        .batch(&made, Start::New("import"), batch(5))
        .unwrap();
    assert!(
        matches!(first, BatchEnd::Later(Duration::ZERO)),
        "{first:?}"
    );
}

#[test]
fn a_slice_that_is_refused_ends_the_run_with_its_open_rows() {
    let (api, _) = moody(2, |_: &Asked| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), &roster(5));
    desk.delivery().sender.concurrency = 1;
    let (summary, stop, _) = batch_end(&mut desk, &api, batch(4));
    assert!(matches!(stop, Some(Stop::Refused { .. })));
    assert_eq!((summary.states.updated, summary.states.not_sent), (2, 3));
    assert_eq!(summary.exit_code, Exit::Refused);
    assert_eq!(desk.run().state, RunState::Interrupted);
    let kept: Summary = serde_json::from_str(&desk.run().summary.unwrap()).unwrap();
    assert_eq!(kept.states, summary.states);
}

#[test]
fn the_first_rows_of_a_sliced_run_are_read_back_once() {
    let (api, mut desk) = (Api::holding(school(4)), Desk::new(&roster(4)));
    desk.delivery().canary = Some(2);
    desk.settings.target = school_with("list = \"/pupils\"\n", "");
    desk.delivery().sender.concurrency = 1;
    let (_, stop, slices) = batch_end(&mut desk, &api, batch(2 + 1));
    assert_eq!(stop, None);
    assert_eq!(
        api.asked()[2..],
        [
            "PATCH /pupil/p1",
            "PATCH /pupil/p2",
            "GET /pupil/p1",
            "GET /pupil/p2",
            "PATCH /pupil/p3",
            "PATCH /pupil/p4",
        ],
        "{slices:?}"
    );
    assert_eq!(Settings::of(&desk.run()).unwrap().delivery.canary, None);
    let answer = held(school(4));
    let forgetful = Api::answering(move |asked| match &*asked.method {
        "PATCH" => (200, json!({})),
        _ => answer(asked),
    });
    let mut desk = Desk::new(&roster(3));
    desk.delivery().canary = Some(1);
    let (_, stop, _) = batch_end(&mut desk, &forgetful, batch(3));
    assert!(matches!(stop, Some(Stop::Canary { .. })), "{stop:?}");
    assert_eq!(forgetful.changes().len(), 1);
}

#[test]
fn a_slice_is_due_once_it_finds_many_requests_and_no_full_bucket_overflows() {
    let rate: Rate = "1500/h".parse().unwrap();
    let due = |seconds, burst| late_enough(Duration::from_secs_f64(seconds), (rate, burst));
    assert_eq!(due(2.4, 1500), Duration::from_secs(60));
    // Of eight that the bucket holds, four.
    assert_eq!(due(2.4, 8), Duration::from_secs_f64(9.6));
    assert_eq!(due(2.4, 1), Duration::from_secs_f64(2.4));
    assert_eq!(
        due(0.0, 1500),
        Duration::ZERO,
        "others go first, and nothing is waited for"
    );
}

/// The school, whose pupils have two names.
fn persons() -> (String, Api) {
    let target = school_with(
        "[[fields]]\nname = \"id\"",
        "[person]\nfirst_name = \"name\"\nlast_name = \"role\"\n\n[[fields]]\nname = \"id\"",
    );
    let api = Api::holding(json!([
        {"id": "p1", "name": "Anna", "role": "Ek"},
        {"id": "p2", "name": "Erik", "role": "Berg"},
        {"id": "p3", "name": "Sara", "role": "Lind"},
    ]));
    (target, api)
}

const OTHERS: &str = "id,name,role\np1,Kim,Ström\np2,Eric,Sjögren\np3,Olle,Holm\n";

#[test]
fn rows_that_turn_one_person_into_another_hold_the_run_until_each_is_approved() {
    let (target, api) = persons();
    let mut desk = Desk::at(&target, OTHERS);
    let ended = desk.import(&api).unwrap();
    let stop = ended.stop;
    let why = Held::IdentityChanges {
        count: 2,
        most: 0,
        renumbered: 0,
        rows: vec![1, 3],
        lines: vec![2, 4],
    };
    let held = Some(Stop::Held { why });
    assert_eq!(stop, held);
    let persons = desk.plan(desk.run().id).persons;
    let first = PersonChange {
        row: 1,
        line: 2,
        from: "Anna Ek".into(),
        to: "Kim Ström".into(),
        turn: Turn::Person,
    };
    assert_eq!((persons.len(), &persons[0]), (2, &first));
    assert_eq!(desk.plan(desk.run().id).identity_rows, [1, 3]);
    // These are shown before the changes of other rows.
    let lines: Vec<u64> = desk
        .plan(desk.run().id)
        .examples
        .iter()
        .map(|it| it.line)
        .collect();
    assert_eq!(lines, [2, 2, 4, 4, 3, 3]);
    assert!(api.changes().is_empty());
    // The report can be forwarded: it names rows and no persons.
    let report = |summary: &Summary| {
        let path = summary.report.as_ref().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        for person in ["Anna", "Erik", "Sara", "Kim", "Olle"] {
            assert!(!text.contains(person), "{person}: {text}");
        }
        let row = |line: u64| {
            let cell = format!("<td class=\"n\">{line}</td>");
            let line = text.lines().find(|line| line.contains(&cell));
            line.unwrap_or_default().to_owned()
        };
        [2, 3, 4].map(row)
    };
    let [one, none, other] = report(&ended.summary);
    assert!(one.contains("not_sent"), "{one}");
    assert!(other.contains("not_sent") && none.is_empty(), "{none}");
    // An approval of the run as a whole covers no such row.
    let approve = |desk: &mut Desk| {
        let held = Box::new(desk.run());
        desk.start(&api, Start::Approve(held)).unwrap()
    };
    assert_eq!(approve(&mut desk).stop, held);
    let digest = digest_of(&desk, 3);
    desk.delivery().approved = Some([(3, digest)].into());
    let ended = approve(&mut desk);
    assert_eq!(ended.stop, None);
    assert_eq!(
        desk.states(),
        ["not_sent identity.changed", "updated", "updated"]
    );
    let [one, _, other] = report(&ended.summary);
    assert!(one.contains("not_sent"), "{one}");
    assert!(other.contains("updated"), "{other}");
}

/// The digest of the change of a row that is held.
fn digest_of(desk: &Desk, row: u64) -> String {
    let facts = desk.journal().facts(desk.run().id, row, row).unwrap();
    facts[0].1.identity.clone().unwrap()
}

#[test]
fn an_approved_row_whose_record_has_changed_since_is_not_sent() {
    let (target, api) = persons();
    let mut desk = Desk::at(&target, OTHERS);
    desk.import(&api).unwrap();
    let approved = [(1, digest_of(&desk, 1)), (3, digest_of(&desk, 3))];
    desk.delivery().approved = Some(approved.into());
    // Between the plan and the approval, the record of row 1 changes to another person.
    let api = Api::holding(json!([
        {"id": "p1", "name": "Moa", "role": "Ek"},
        {"id": "p2", "name": "Erik", "role": "Berg"},
        {"id": "p3", "name": "Sara", "role": "Lind"},
    ]));
    let held = Box::new(desk.run());
    let stop = desk.start(&api, Start::Approve(held)).unwrap().stop;
    assert_eq!(stop, None);
    assert_eq!(
        desk.states(),
        ["not_sent identity.changed", "updated", "updated"]
    );
}

#[test]
fn as_many_persons_are_changed_as_the_guard_allows() {
    let (target, api) = persons();
    let mut desk = Desk::at(&target, OTHERS);
    desk.delivery().guards.max_identity_changes = 2;
    assert_eq!(desk.import(&api).unwrap().stop, None);
    assert_eq!(desk.states(), ["updated"; 3]);
}

/// Persons whose rows also have conflicts: the last names were written by a run and changed afterwards.
fn persons_in_conflict() -> (Api, Desk) {
    let (target, api) = persons();
    let header = "id,name,role,email";
    let mut desk = Desk::at(
        &target,
        &format!("{header}\np1,Anna,Ek,a@b.se\np2,Erik,Berg,e@b.se\n"),
    );
    desk.delivery().guards.max_identity_changes = 9;
    desk.import(&api).unwrap();
    let by_hand = format!("{header}\np1,Anna,Ek,x@b.se\np2,Erik,Berg,y@b.se\n");
    Desk::at(&target, &by_hand).import(&api).unwrap();
    desk.rewrite(&format!(
        "{header}\np1,Kim,Ström,k@b.se\np2,Erik,Berg,z@b.se\n"
    ));
    desk.delivery().guards.max_identity_changes = 0;
    desk.delivery().edits.conflicts = crate::plan::ConflictPolicy::Ask;
    (api, desk)
}

#[test]
fn a_row_is_approved_and_its_conflicts_are_decided_in_any_order() {
    use crate::plan::ConflictPolicy;
    for order in ["both", "rows", "conflicts"] {
        let (api, mut desk) = persons_in_conflict();
        let held = desk.import(&api).unwrap();
        assert!(matches!(held.stop, Some(Stop::Held { .. })), "{order}");
        let approve_row = |desk: &mut Desk| {
            let digest = digest_of(desk, 1);
            desk.delivery().approved = Some([(1, digest)].into());
        };
        let decide = |desk: &mut Desk| {
            let facts = desk.journal().facts(desk.run().id, 1, 9).unwrap();
            let seen = facts.into_iter().flat_map(|(_, facts)| facts.conflicts);
            let decided = seen.map(|digest| (digest, ConflictPolicy::Theirs));
            desk.delivery().decided.extend(decided);
        };
        let approve = |desk: &mut Desk| {
            let held = Box::new(desk.run());
            desk.start(&api, Start::Approve(held)).unwrap().stop
        };
        if order != "conflicts" {
            approve_row(&mut desk);
        }
        if order != "rows" {
            decide(&mut desk);
        }
        if order != "both" {
            let why = match approve(&mut desk) {
                Some(Stop::Held { why }) => why,
                other => panic!("{order}: {other:?}"),
            };
            assert_eq!(matches!(why, Held::Conflicts { .. }), order == "rows");
            match order {
                "rows" => decide(&mut desk),
                _ => approve_row(&mut desk),
            }
        }
        assert_eq!(approve(&mut desk), None, "{order}");
        assert_eq!(
            desk.states(),
            ["updated", "unchanged conflict.kept"],
            "{order}"
        );
        let (path, body) = api.changes().pop().unwrap();
        assert_eq!(
            (&*path, &body["name"], &body["role"]),
            ("/pupil/p1", &json!("Kim"), &json!("Ström"))
        );
        assert_eq!(body["email"], Json::Null, "{order}: {body}");
    }
}

#[test]
fn a_row_that_is_not_approved_is_not_sent_by_a_decision_about_its_conflicts() {
    use crate::plan::ConflictPolicy;
    let (target, api) = persons();
    let row = |name: &str, role: &str| format!("id,name,role\np1,{name},{role}\n");
    let mut desk = Desk::at(&target, &row("Anna", "Holm"));
    desk.import(&api).unwrap();
    Desk::at(&target, &row("Anna", "Dahl"))
        .import(&api)
        .unwrap();
    desk.rewrite(&row("Kim", "Ström"));
    desk.delivery().edits.conflicts = ConflictPolicy::Ask;
    desk.import(&api).unwrap();
    let facts = desk.journal().facts(desk.run().id, 1, 1).unwrap();
    // Without the last name, the row no longer turns one person into another.
    let decided = facts[0].1.conflicts.iter().cloned();
    let decided = decided.map(|digest| (digest, ConflictPolicy::Theirs));
    desk.delivery().decided = decided.collect();
    let before = api.changes().len();
    desk.delivery().approved = Some(Default::default());
    let held = Box::new(desk.run());
    assert_eq!(desk.start(&api, Start::Approve(held)).unwrap().stop, None);
    assert_eq!(desk.states(), ["not_sent identity.changed"]);
    assert_eq!(api.changes().len(), before);
}

#[test]
fn a_run_without_an_undo_asks_about_the_same_persons_and_sends_the_same() {
    let bodies = [false, true].map(|no_undo| {
        let (target, api) = persons();
        let mut desk = Desk::at(&target, OTHERS);
        desk.delivery().no_undo = no_undo;
        let held = desk.import(&api).unwrap().stop;
        assert!(matches!(held, Some(Stop::Held { .. })));
        assert!(api.changes().is_empty());
        let digest = digest_of(&desk, 3);
        desk.delivery().approved = Some([(3, digest)].into());
        let held = Box::new(desk.run());
        assert_eq!(desk.start(&api, Start::Approve(held)).unwrap().stop, None);
        let states = ["not_sent identity.changed", "updated", "updated"];
        assert_eq!(desk.states(), states);
        let mut changes = api.changes();
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        changes
    });
    assert_eq!(bodies[0][1].1["name"], "Olle");
    assert_eq!(bodies[0], bodies[1]);
}
