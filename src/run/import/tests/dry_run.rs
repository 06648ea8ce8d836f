//! A dry run plans and sends nothing.

use super::*;

#[test]
fn a_dry_run_plans_the_import_and_sends_nothing() {
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
fn a_dry_run_of_a_retry_has_no_pauses_of_the_earlier_run() {
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
fn an_incomplete_plan_has_no_exit_code_of_a_guard() {
    let api = Api::answering(|_| (401, json!({})));
    let mut desk = Desk::new(&roster(2));
    desk.delivery().guards.max_invalid = Threshold::Rows(0);
    let looked = desk.dry_run(&api).unwrap();
    assert!(matches!(looked.stop, Some(Stop::Refused { .. })));
    assert_eq!(looked.summary.exit_code, Exit::Refused);
}

#[test]
fn a_plan_counts_the_read_before_each_conditional_update() {
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
fn the_estimate_follows_from_the_quota_and_the_bucket() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(5)));
    let pace = &mut desk.delivery().pace;
    (pace.own, pace.own_burst) = ("1500/h".parse().unwrap(), 2);
    let plan = desk.dry_run(&api).unwrap().plan;
    assert_eq!((&*plan.rate, plan.at_once), ("1500/h", 2));
    assert!((plan.estimate_s - 7.2).abs() < 1e-6, "{}", plan.estimate_s);
    let finish: jiff::Timestamp = "2026-08-20T18:00:07.2Z".parse().unwrap();
    assert_eq!(plan.estimated_finish, Some(finish));
}
