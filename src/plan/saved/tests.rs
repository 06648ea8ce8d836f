//! Tests of `plan/saved`.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Change, Problem, RowAt};

fn plan(calls: &[Call]) -> SavedPlan {
    let mut plan = SavedPlan {
        version: SAVED_PLAN,
        target: "registry".to_owned(),
        address: "https://api.example.se".to_owned(),
        sha256: "00".to_owned(),
        rows: BTreeMap::new(),
    };
    for call in calls {
        plan.add(call);
    }
    plan
}

fn call(row: u64) -> Call {
    Call {
        at: RowAt {
            row,
            ..RowAt::FIRST
        },
        key: "k".to_owned(),
        path: "/people/7".to_owned(),
        body: b"{}".to_vec(),
        changed: "city".to_owned(),
        changes: vec![Change {
            field: "city".to_owned(),
            from: Some(json!("Solna")),
            to: json!("Lund"),
        }],
        ..Call::default()
    }
}

#[test]
fn plans_that_send_the_same_requests_are_equal() {
    let planned = plan(&[call(1), call(2)]);
    let again = Call {
        note: Problem::in_these_words("restored"),
        ..call(2)
    };
    let lines = Lines::default();
    assert_eq!(planned.difference(&plan(&[again, call(1)]), &lines), None);
    let stored = serde_json::to_string(&planned).unwrap();
    assert!(
        !stored.contains("Lund") && !stored.contains("people"),
        "{stored}"
    );
    let read = serde_json::from_str::<SavedPlan>(&stored).unwrap();
    assert_eq!(planned.difference(&read, &lines), None);
}

#[test]
fn every_difference_in_a_request_changes_the_digest() {
    let changed = |change: &mut dyn FnMut(&mut Call)| {
        let mut call = call(1);
        change(&mut call);
        call
    };
    let mut calls = vec![
        changed(&mut |_| {}),
        changed(&mut |call| call.path.push('1')),
        changed(&mut |call| call.body = b"{ }".to_vec()),
        changed(&mut |call| call.changed.push_str(" street")),
        changed(&mut |call| call.changes.clear()),
        changed(&mut |call| call.changes[0].field.push('2')),
        changed(&mut |call| call.changes[0].from = None),
        changed(&mut |call| call.changes[0].from = Some(Json::Null)),
        changed(&mut |call| call.changes[0].from = Some(json!("Lund"))),
        changed(&mut |call| call.changes[0].to = json!("Solna")),
    ];
    // A byte that moves from one part to the next changes the digest.
    calls.push(changed(&mut |call| {
        call.path = "/people/7{}".to_owned();
        call.body.clear();
    }));
    calls.push(changed(&mut |call| {
        call.body = b"{}ci".to_vec();
        call.changed = "ty".to_owned();
    }));
    for (index, planned) in calls.iter().enumerate() {
        for (other, now) in calls.iter().enumerate() {
            let (planned, now) = (
                plan(std::slice::from_ref(planned)),
                plan(std::slice::from_ref(now)),
            );
            let found = planned.difference(&now, &Lines::default());
            assert_eq!(found.is_none(), index == other, "{index} and {other}");
        }
    }
}

#[test]
fn differing_rows_are_listed_by_spreadsheet_row_number() {
    let told = |planned: &[Call], now: &[Call]| {
        let mut lines = Lines::default();
        lines.note(1, 2);
        lines.note(3, 1234);
        plan(planned).difference(&plan(now), &lines).unwrap()
    };
    let other = Call {
        path: "/people/8".to_owned(),
        ..call(2)
    };
    let several = told(&[call(1), call(2), call(3)], &[other, call(3), call(4)]);
    assert!(several.contains("for 3 rows (2, 3, 1,235);"), "{several}");
    let one = told(&[], &[call(1)]);
    assert!(one.contains("for 1 row (2);"), "{one}");

    let calls: Vec<Call> = (1..=11).map(call).collect();
    let ten = told(&calls[..10], &[]);
    assert!(ten.contains("for 10 rows (2, 3, 1,234, "), "{ten}");
    assert!(ten.contains(", 1,241);"), "{ten}");
    let eleven = told(&calls, &[]);
    assert!(eleven.contains(", 1,241, …);"), "{eleven}");
}

#[test]
fn a_different_target_or_roster_is_reported_before_rows() {
    let planned = plan(&[call(1)]);
    let told = |change: &dyn Fn(&mut SavedPlan)| {
        let mut now = plan(&[]);
        change(&mut now);
        planned.difference(&now, &Lines::default()).unwrap()
    };
    let target = told(&|now| now.target = "members".to_owned());
    for place in [
        "https://api.example.se (registry)",
        "https://api.example.se (members)",
    ] {
        assert!(target.contains(place), "{target}");
    }
    let address = told(&|now| now.address = "sandbox".to_owned());
    assert!(address.contains("sandbox (registry)"), "{address}");
    let roster = told(&|now| now.sha256 = "01".to_owned());
    assert!(roster.contains("the roster is not the one"), "{roster}");
}
