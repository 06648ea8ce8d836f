//! A batch sends a bounded number of rows of a run.

use super::*;

#[test]
fn a_run_is_idle_between_batches_only_if_the_next_is_late() {
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

/// Processes a run in batches. Returns its summary and stop, and the requests of each batch with the wait after it.
fn in_batches(
    desk: &mut Desk,
    api: &Api,
    batch: Batch,
) -> (Summary, Option<Stop>, Vec<(BatchUsage, Duration)>) {
    let mut start = Start::New("import");
    let mut batches = Vec::new();
    for _ in 0..20 {
        let (batch_end, made) = desk.batch(api, start, batch).unwrap();
        match batch_end {
            BatchEnd::Later(after) => batches.push((made, after)),
            BatchEnd::Ended(ended) => {
                batches.push((made, Duration::ZERO));
                return (ended.summary, ended.stop, batches);
            }
        }
        let after = batches.last().unwrap().1;
        desk.later(after);
        start = resume(desk);
    }
    panic!("it never ends: {batches:?}");
}

#[test]
fn a_batch_sends_its_rows_and_leaves_the_rest() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(5)));
    let (summary, stop, batches) = in_batches(&mut desk, &api, batch(2));
    let made: Vec<(u64, Duration)> = batches
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
        "those of the batches before"
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
fn a_batch_does_not_wait_for_the_quota() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(4)));
    let pace = &mut desk.delivery().pace;
    (pace.own, pace.own_burst) = ("1/s".parse().unwrap(), 1);
    let (summary, _, batches) = in_batches(&mut desk, &api, batch(9));
    assert_eq!(batches.len(), 4);
    for (made, after) in &batches[..3] {
        assert_eq!(made.requests, 1);
        assert!(
            !after.is_zero() && *after <= Duration::from_secs(1),
            "{after:?}"
        );
    }
    assert_eq!(summary.states.updated, 4);
}

#[test]
fn a_batch_limits_the_requests_of_planning() {
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
    assert_eq!(
        api.asked().len(),
        3,
        "known answers are not requested again"
    );
}

#[test]
fn a_run_in_batches_plans_rows_once_all_records_are_read() {
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
fn a_stopped_batch_leaves_the_run_to_other_workers() {
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
fn a_refused_batch_ends_the_run_with_its_open_rows() {
    let (api, _) = moody(2, |_: &Asked| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), &roster(5));
    desk.delivery().sender.concurrency = 1;
    let (summary, stop, _) = in_batches(&mut desk, &api, batch(4));
    assert!(matches!(stop, Some(Stop::Refused { .. })));
    assert_eq!((summary.states.updated, summary.states.not_sent), (2, 3));
    assert_eq!(summary.exit_code, Exit::Refused);
    assert_eq!(desk.run().state, RunState::Interrupted);
    let kept: Summary = serde_json::from_str(&desk.run().summary.unwrap()).unwrap();
    assert_eq!(kept.states, summary.states);
}

#[test]
fn the_canary_of_a_run_in_batches_is_read_back_once() {
    let (api, mut desk) = (Api::holding(school(4)), Desk::new(&roster(4)));
    desk.delivery().canary = Some(2);
    desk.settings.target = school_with("list = \"/pupils\"\n", "");
    desk.delivery().sender.concurrency = 1;
    let (_, stop, batches) = in_batches(&mut desk, &api, batch(2 + 1));
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
        "{batches:?}"
    );
    assert_eq!(Settings::of(&desk.run()).unwrap().delivery.canary, None);
    let answer = held(school(4));
    let forgetful = Api::answering(move |asked| match &*asked.method {
        "PATCH" => (200, json!({})),
        _ => answer(asked),
    });
    let mut desk = Desk::new(&roster(3));
    desk.delivery().canary = Some(1);
    let (_, stop, _) = in_batches(&mut desk, &forgetful, batch(3));
    assert!(matches!(stop, Some(Stop::Canary { .. })), "{stop:?}");
    assert_eq!(forgetful.changes().len(), 1);
}

#[test]
fn the_next_batch_is_due_before_the_bucket_overflows() {
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
