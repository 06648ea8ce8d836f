//! Interrupted and retried runs send only what is left.

use super::*;

#[test]
fn a_stopped_run_resumes_where_it_ended() {
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
fn a_crashed_run_is_idle_from_its_last_outcome() {
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
fn a_run_without_a_complete_plan_is_planned_again() {
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
fn a_retry_resends_only_failed_rows() {
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
fn a_duplicate_row_stays_invalid_alone_in_its_file() {
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
fn a_stopped_run_stores_the_current_rate() {
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
