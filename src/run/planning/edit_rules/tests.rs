//! Tests of `run/planning/edit_rules`.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::events::ConflictCounts;
use crate::journal::RunState;
use crate::model::{Held, Problem, RowState};
use crate::plan::ConflictPolicy;
use crate::run::context::{Consent, Start};
use crate::run::error::RunError;
use crate::run::tests::{Api, Desk, SCHOOL, unreadable};

fn school() -> Json {
    json!([
        {"id": "p1", "name": "Asa", "email": "a@b.se", "role": "x", "home": {"street": "S", "city": "Lund"}},
        {"id": "p2", "name": "Bo", "email": "b@b.se", "role": "x", "home": {"street": "T", "city": "Lund"}},
        {"id": "p3", "name": "Cy", "email": "c@b.se", "role": "x", "home": {"street": "U", "city": "Lund"}},
    ])
}

/// Changes records without rosterpatch, so the journal has no trace of it.
fn by_hand(api: &Api, roster: &str) {
    Desk::new(roster).import(api).unwrap();
}

/// A school with three cities that a run wrote. The first two were changed afterwards.
fn edited() -> (Api, Desk) {
    let api = Api::holding(school());
    let mut desk = Desk::new("id,name,city\np1,Asa,Umea\np2,Bo,Umea\np3,Cy,Umea\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"; 3]);
    by_hand(&api, "id,name,city\np1,Asa,Kiruna\np2,Bo,Kiruna\n");
    desk.rewrite("id,name,city\np1,Asa,Ystad\np2,Beo,Ystad\np3,Cy,Ystad\n");
    (api, desk)
}

fn notes(desk: &Desk) -> Vec<Vec<String>> {
    let codes = |problems: &[Problem]| -> Vec<String> {
        let codes = problems.iter();
        codes
            .map(|one| format!("{} {}", one.field, one.code))
            .collect()
    };
    let outcomes = desk.outcomes(desk.run().id);
    outcomes.iter().map(|one| codes(&one.problems)).collect()
}

/// Returns the cities in the API.
fn cities(api: &Api) -> Vec<String> {
    let mut desk = Desk::new("id,name,city\np1,-,-\np2,-,-\np3,-,-\n");
    let looked = desk.dry_run(api).unwrap();
    let calls = desk.calls(&looked.journal, looked.run);
    let city = |call: &crate::model::Call| {
        let change = call.changes.iter().find(|change| change.field == "city");
        let from = change.and_then(|change| change.from.clone());
        from.map_or(String::new(), |from| from.as_str().unwrap().to_owned())
    };
    calls.iter().map(city).collect()
}

#[test]
fn the_roster_overwrites_a_manual_change_with_a_notice() {
    let (api, mut desk) = edited();
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"; 3]);
    assert_eq!(cities(&api), ["Ystad"; 3]);
    let overwritten = vec!["city conflict.overwritten".to_owned()];
    assert_eq!(notes(&desk), [overwritten.clone(), overwritten, Vec::new()]);
    let outcomes = desk.outcomes(desk.run().id);
    for value in ["Kiruna", "Umea", "Ystad"] {
        assert!(outcomes[0].error().contains(value), "{value}");
    }
    let figures = desk.figures();
    assert_eq!((figures.conflicts, figures.conflicts_kept), (2, 0));
    // The results contain it as a warning of a row that succeeded.
    let results = std::fs::read_to_string(figures.results.unwrap()).unwrap();
    let mut lines = csv::Reader::from_reader(results.as_bytes());
    let header = lines.headers().unwrap().clone();
    let cell = |row: &csv::StringRecord, name: &str| {
        let column = header.iter().position(|column| column == name).unwrap();
        row[column].to_owned()
    };
    let row = lines.records().next().unwrap().unwrap();
    assert!(cell(&row, "import_warning").contains("Kiruna"), "{results}");
    assert_eq!(cell(&row, "import_error"), "");
}

#[test]
fn a_manual_change_is_kept_with_theirs() {
    let (api, mut desk) = edited();
    desk.delivery().edits.conflicts = ConflictPolicy::Theirs;
    desk.import(&api).unwrap();
    // The second row also has another change, which is sent without the city.
    assert_eq!(
        desk.states(),
        ["unchanged conflict.kept", "updated", "updated"]
    );
    assert_eq!(cities(&api), ["Kiruna", "Kiruna", "Ystad"]);
    let kept = vec!["city conflict.kept".to_owned()];
    assert_eq!(notes(&desk), [kept.clone(), kept, Vec::new()]);
    // For the row that changes the object, the rest of it is sent as it was read.
    let last = api.changes().into_iter().rev().take(2);
    let bodies: Vec<Json> = last.map(|(_, body)| body).collect();
    assert!(
        bodies.contains(&json!({"name": "Beo", "role": "x"})),
        "{bodies:?}"
    );
    let figures = desk.figures();
    assert_eq!((figures.conflicts, figures.conflicts_kept), (2, 2));
    assert_eq!(figures.states.unchanged, 1);
}

#[test]
fn a_field_policy_overrides_that_of_the_run() {
    let (api, mut desk) = edited();
    let rules = &mut desk.delivery().edits;
    rules.conflicts = ConflictPolicy::Theirs;
    rules.by_field = [("city".to_owned(), ConflictPolicy::Roster)].into();
    desk.import(&api).unwrap();
    assert_eq!(cities(&api), ["Ystad"; 3]);
}

#[test]
fn unknown_and_unchanged_values_are_no_conflicts() {
    // Nothing was written before.
    let api = Api::holding(school());
    let mut desk = Desk::new("id,name,city\np1,Asa,Umea\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 0);
    // The written value is unchanged.
    desk.rewrite("id,name,city\np1,Asa,Ystad\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 0);
    // The record was changed to the roster's value.
    by_hand(&api, "id,name,city\np1,Asa,Kiruna\n");
    desk.rewrite("id,name,city\np1,Asa,Kiruna\n");
    desk.import(&api).unwrap();
    assert_eq!(
        (desk.figures().conflicts, &*desk.states()[0]),
        (0, "unchanged")
    );
    // Another address has separate records.
    let other = Api::holding(school());
    desk.rewrite("id,name,city\np1,Asa,Malmo\n");
    desk.import(&other).unwrap();
    assert_eq!(desk.figures().conflicts, 0);
    // Removed values are unknown.
    by_hand(&api, "id,name,city\np1,Asa,Boden\n");
    let mut journal = desk.journal();
    let runs: Vec<i64> = journal.runs().unwrap().iter().map(|run| run.id).collect();
    journal.forget_values(&runs, "/pupil/p1").unwrap();
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 0);
}

#[test]
fn values_restored_by_an_undo_are_not_manual_changes() {
    let (api, mut desk) = edited();
    by_hand(&api, "id,name,city\np1,Asa,Umea\np2,Bo,Umea\n");
    desk.import(&api).unwrap();
    desk.delivery().undoes = Some(desk.run().name);
    desk.settings.roster.sparse = true;
    desk.start(&api, Start::New("undo")).unwrap();
    assert_eq!(cities(&api), ["Umea"; 3]);
    desk.delivery().undoes = None;
    desk.rewrite("id,name,city\np1,Asa,Boden\np2,Beo,Boden\np3,Cy,Boden\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 0);
    assert_eq!(cities(&api), ["Boden"; 3]);
}

#[test]
fn values_written_without_undo_are_compared() {
    let (api, mut desk) = edited();
    by_hand(&api, "id,name,city\np1,Asa,Umea\np2,Bo,Umea\n");
    desk.delivery().no_undo = true;
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 0);
    by_hand(&api, "id,name,city\np1,Asa,Kiruna\n");
    desk.rewrite("id,name,city\np1,Asa,Boden\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 1);
}

#[test]
fn a_protected_field_is_never_overwritten_and_a_filled_one_is_set_once() {
    let api = Api::holding(school());
    let mut desk = Desk::new("id,name,email,city\np1,Asa,new@b.se,Umea\n");
    let rules = &mut desk.delivery().edits;
    rules.protect = ["email".to_owned()].into();
    rules.fill = ["city".to_owned()].into();
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged field.protected"]);
    assert_eq!(
        notes(&desk),
        [["email field.protected", "city field.filled"]]
    );
    assert!(api.changes().is_empty());
    // Empty fields are set.
    let mut empty = school();
    empty[0]["email"].take();
    empty[0]["home"]["city"] = json!("");
    let api = Api::holding(empty);
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"]);
    assert_eq!(notes(&desk), [[""; 0]]);
    // The rule also applies if all rows are sent.
    desk.delivery().all = true;
    desk.rewrite("id,name,email,city\np1,Asa,other@b.se,Ystad\n");
    desk.import(&api).unwrap();
    let (_, last) = api.changes().pop().unwrap();
    assert_eq!(last["name"], "Asa");
    assert_eq!(last["email"], Json::Null, "{last}");
    assert_eq!(last["home"], Json::Null, "{last}");
}

#[test]
fn rules_that_need_the_records_refuse_a_run_that_reads_none() {
    let refused = |target: &str, change: &dyn Fn(&mut Desk)| {
        let mut desk = Desk::at(target, "id,name,city\np1,Asa,Umea\n");
        change(&mut desk);
        let api = Api::holding(school());
        matches!(desk.import(&api), Err(RunError::BlindRules))
    };
    assert!(!refused(&unreadable(), &|_| {}));
    assert!(refused(&unreadable(), &|desk| {
        desk.delivery().edits.protect = ["city".to_owned()].into();
    }));
    assert!(refused(SCHOOL, &|desk| {
        desk.delivery().blind = true;
        desk.delivery().edits.conflicts = ConflictPolicy::Theirs;
    }));
    // The rules require records that need not be read otherwise.
    let api = Api::holding(school());
    let mut desk = Desk::new("id,name,role,city\np1,Asa,x,Umea\n");
    (desk.delivery().all, desk.delivery().no_undo) = (true, true);
    desk.delivery().edits.fill = ["city".to_owned()].into();
    desk.import(&api).unwrap();
    assert_eq!(api.changes()[0].1["home"], Json::Null);
}

#[test]
fn without_a_user_a_conflict_holds_the_run() {
    let (api, mut desk) = edited();
    desk.delivery().edits.conflicts = ConflictPolicy::Ask;
    let looked = desk.dry_run(&api).unwrap();
    assert_eq!(looked.held, Some(Held::Conflicts { count: 2 }));
    let sent = api.changes().len();
    desk.import(&api).unwrap();
    let run = desk.run();
    assert_eq!(run.state, RunState::Held);
    assert_eq!(api.changes().len(), sent);
    let plan = desk.plan(run.id);
    let asked = ConflictCounts {
        asked: 2,
        ..ConflictCounts::default()
    };
    assert_eq!(plan.conflicts, asked);
    let found = &plan.conflict_examples[0];
    let values = [&found.written, &found.current, &found.roster];
    assert_eq!(values, ["Umea", "Kiruna", "Ystad"]);
    // The results of the run list them.
    let results = desk.figures().results.unwrap();
    let results = std::fs::read_to_string(results).unwrap();
    assert_eq!(results.matches("Kiruna").count(), 2, "{results}");
    // Releasing the whole run decides no conflict.
    desk.start(&api, Start::Approve(Box::new(run.clone())))
        .unwrap();
    assert_eq!(desk.run().state, RunState::Held);
    decide(&mut desk, ConflictPolicy::Theirs);
    desk.start(&api, Start::Approve(Box::new(run))).unwrap();
    assert_eq!(desk.run().state, RunState::Finished);
    assert_eq!(cities(&api), ["Kiruna", "Kiruna", "Ystad"]);
}

/// Decides the conflicts of the newest run.
fn decide(desk: &mut Desk, decision: ConflictPolicy) {
    let facts = desk.journal().facts(desk.run().id, 1, 9).unwrap();
    let seen = facts.into_iter().flat_map(|(_, facts)| facts.conflicts);
    let decided: Vec<_> = seen.map(|digest| (digest, decision)).collect();
    assert!(!decided.is_empty());
    desk.delivery().decided.extend(decided);
}

#[test]
fn a_decision_covers_only_the_conflicts_that_were_shown() {
    let (api, mut desk) = edited();
    desk.delivery().edits.conflicts = ConflictPolicy::Ask;
    desk.import(&api).unwrap();
    decide(&mut desk, ConflictPolicy::Theirs);
    let approve = |desk: &mut Desk| {
        let run = Box::new(desk.run());
        desk.start(&api, Start::Approve(run)).unwrap();
        (desk.run().state, desk.plan(desk.run().id).conflicts)
    };
    // The second record is changed again, and the third for the first time.
    by_hand(&api, "id,name,city\np2,Bo,Boden\np3,Cy,Boden\n");
    let sent = api.changes().len();
    let counts = |kept, asked, overwritten| ConflictCounts {
        overwritten,
        kept,
        asked,
    };
    assert_eq!(approve(&mut desk), (RunState::Held, counts(1, 2, 0)));
    assert_eq!(api.changes().len(), sent);
    // This decision covers the two current conflicts.
    decide(&mut desk, ConflictPolicy::Roster);
    assert_eq!(approve(&mut desk), (RunState::Finished, counts(1, 0, 2)));
    assert_eq!(cities(&api), ["Kiruna", "Ystad", "Ystad"]);
}

#[test]
fn a_decision_is_bound_to_the_record_the_row_the_field_and_each_value() {
    use super::*;
    let (_, desk) = edited();
    let prepared = desk.prepared();
    let policy =
        crate::run::planning::read_policy::ReadPolicy::of(&prepared, &desk.settings.delivery);
    let planner = policy.planner();
    let journal = desk.journal();
    let of = |key: u8, row: u64, path: &str, (field, values): (&str, [&str; 3])| {
        let both = (&prepared.checker, &planner);
        let ruling = Ruling::of(&desk.settings.delivery, both, (&journal, 1), [key; 16]);
        let at = RowAt {
            row,
            ..RowAt::default()
        };
        let [written, current, roster] = values.map(Json::from);
        let change = Change {
            field: field.to_owned(),
            from: Some(current),
            to: roster,
        };
        ruling.digest(at, path, (&change, &written))
    };
    let seen = of(1, 1, "/p1", ("city", ["a", "b", "c"]));
    assert_eq!(seen, of(1, 1, "/p1", ("city", ["a", "b", "c"])));
    for other in [
        of(2, 1, "/p1", ("city", ["a", "b", "c"])),
        of(1, 2, "/p1", ("city", ["a", "b", "c"])),
        of(1, 1, "/p2", ("city", ["a", "b", "c"])),
        of(1, 1, "/p1", ("street", ["a", "b", "c"])),
        of(1, 1, "/p1", ("city", ["x", "b", "c"])),
        of(1, 1, "/p1", ("city", ["a", "x", "c"])),
        of(1, 1, "/p1", ("city", ["a", "b", "x"])),
        of(1, 1, "/p1", ("city", ["b", "a", "c"])),
    ] {
        assert_ne!(seen, other);
    }
}

#[test]
fn a_row_can_combine_policies_with_and_without_a_question() {
    let (api, mut desk) = edited();
    desk.rewrite("id,name,street,city\np1,Asa,V,Umea\np2,Bo,V,Umea\np3,Cy,V,Umea\n");
    desk.import(&api).unwrap();
    by_hand(&api, "id,name,street,city\np1,Asa,W,Kiruna\n");
    desk.rewrite("id,name,street,city\np1,Asa,Z,Ystad\n");
    let rules = &mut desk.delivery().edits;
    rules.conflicts = ConflictPolicy::Ask;
    rules.by_field = [("street".to_owned(), ConflictPolicy::Roster)].into();
    desk.chooses = true;
    desk.agree = Some(Box::new(|proposal| {
        let fields = proposal.conflicts.iter().map(|found| &*found.field);
        assert_eq!(fields.collect::<Vec<_>>(), ["city"]);
        Consent::Yes {
            first: None,
            kept: BTreeSet::from([1]),
            note: None,
        }
    }));
    desk.import(&api).unwrap();
    let decided = ConflictCounts {
        overwritten: 1,
        kept: 1,
        asked: 0,
    };
    assert_eq!(desk.plan(desk.run().id).conflicts, decided);
    assert_eq!(cities(&api)[0], "Kiruna");
}

#[test]
fn conflicts_are_decided_per_row() {
    for first in [None, Some(1)] {
        let (api, mut desk) = edited();
        desk.delivery().edits.conflicts = ConflictPolicy::Ask;
        desk.chooses = true;
        desk.agree = Some(Box::new(move |proposal| {
            let rows: Vec<u64> = proposal.conflicts.iter().map(|found| found.row).collect();
            assert_eq!(rows, [1, 2]);
            assert_eq!(proposal.plan.to_send, 3);
            Consent::Yes {
                note: None,
                first,
                kept: BTreeSet::from([1]),
            }
        }));
        desk.import(&api).unwrap();
        assert_eq!(
            desk.states(),
            ["unchanged conflict.kept", "updated", "updated"]
        );
        assert_eq!(cities(&api), ["Kiruna", "Ystad", "Ystad"]);
        let plan = desk.plan(desk.run().id);
        let decided = ConflictCounts {
            overwritten: 1,
            kept: 1,
            asked: 0,
        };
        assert_eq!((plan.conflicts, plan.to_send), (decided, 2));
        assert_eq!(plan.fields.iter().map(|(_, count)| count).sum::<u64>(), 3);
        assert_eq!(desk.figures().states.updated, 2);
    }
}

#[test]
fn a_change_with_a_lost_response_is_no_manual_change() {
    use crate::journal::{PlannedRow, PlannedWhat, RowMark, Stage, Writer};
    let (api, mut desk) = edited();
    by_hand(&api, "id,name,city\np1,Asa,Umea\np2,Bo,Umea\n");
    // A run sent the city of the second record, and was killed before the response.
    desk.import(&api).unwrap();
    let run = desk.run();
    let call = desk.calls(&desk.journal(), run.id).remove(1);
    let mark = RowMark {
        at: call.at,
        key: 1,
        cells: Vec::new(),
        warning: Vec::new(),
        facts: Default::default(),
    };
    let mut outcome = desk.outcomes(run.id).remove(1);
    outcome.state = RowState::Unknown;
    let writer = Writer::start(desk.journal(), run.id, Stage::Planning).unwrap();
    let planned = |what| PlannedRow {
        mark: mark.clone(),
        what,
    };
    writer
        .plan_blocking(vec![planned(PlannedWhat::Settled(outcome))])
        .unwrap();
    writer
        .plan_blocking(vec![planned(PlannedWhat::Call(Box::new(call)))])
        .unwrap();
    writer.close().unwrap();
    desk.rewrite("id,name,city\np2,Beo,Boden\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.figures().conflicts, 0, "it arrived");
}
