//! Rows are planned while earlier rows are sent.

use super::*;

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
fn a_held_run_has_all_its_rows_in_the_journal() {
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
fn a_resumed_run_plans_the_remaining_rows() {
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
fn a_resumed_run_does_not_plan_planned_rows_again() {
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
fn a_resumed_run_with_all_rows_plans_none() {
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
