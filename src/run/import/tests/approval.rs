//! An approval, a guard or a refusal decides whether a plan is sent.

use super::*;

#[test]
fn a_declined_run_leaves_no_record() {
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
fn a_guard_holds_a_run_until_an_approval() {
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
fn a_run_with_a_saved_plan_sends_exactly_that_plan() {
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
fn each_row_that_changes_a_person_requires_an_approval() {
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
fn an_approval_does_not_cover_a_record_that_changed_since() {
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
fn the_guard_allows_its_number_of_changed_persons() {
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
fn approvals_and_conflict_decisions_can_come_in_any_order() {
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
fn a_conflict_decision_does_not_approve_a_row() {
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
fn a_run_without_an_undo_requires_the_same_approvals() {
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
