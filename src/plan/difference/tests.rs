//! Tests of `plan/difference`.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::plan::tests::{checker, registry};

fn planner() -> Planner {
    let variables = [("group", "1 a"), ("year", "2026")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Planner::new(registry(), BTreeMap::from(variables))
}

fn values(set: &[(&str, Json)]) -> Values {
    let spec = registry();
    let mut values = vec![None; spec.fields.len()];
    for (name, value) in set {
        values[spec.field(name).unwrap()] = Some(value_of(value));
    }
    values
}

fn difference(row: &[(&str, Json)], record: &Json, all: bool) -> Result<Difference, Problem> {
    let checker = checker(&registry(), &["id", "mobile"]);
    let (at, values) = (RowAt::FIRST, values(row));
    let found = ("é/1", record);
    planner().difference(&checker, (at, "k"), &values, found, all, |_, _| false)
}

fn call(difference: Difference) -> Call {
    match difference {
        Difference::Call(call) => *call,
        Difference::None => panic!("nothing to send"),
    }
}

fn body(call: &Call) -> Json {
    serde_json::from_slice(&call.body).unwrap()
}

fn change(field: &str, from: Json, to: Json) -> Change {
    Change {
        field: field.to_owned(),
        from: Some(from),
        to,
    }
}

fn person() -> Json {
    json!({
        "uuid": "é/1",
        "surname": "Ek",
        "mobile": "070-174 06 05",
        "nickname": "Kim",
        "temporary": false,
        "points": 7,
        "address": {"street": "Storgatan 1", "city": "Solna", "verified": true},
        "groups": ["a", "b"],
    })
}

#[test]
fn a_row_that_the_record_already_matches_needs_no_request() {
    for row in [
        vec![],
        vec![("id", json!("é/1")), ("group", json!("9"))],
        vec![("surname", json!("Ek")), ("points", json!(7))],
        // The API stores the number in another form.
        vec![("mobile", json!("+46701740605"))],
        vec![("city", json!("Solna")), ("temporary", json!(false))],
    ] {
        let found = difference(&row, &person(), false).unwrap();
        assert_eq!(found, Difference::None, "{row:?}");
    }
    // An absent value and an empty one are both null.
    for record in [json!({}), json!({"mobile": null}), json!({"mobile": " "})] {
        let row = [("mobile", Json::Null)];
        let found = difference(&row, &record, false).unwrap();
        assert_eq!(found, Difference::None, "{record}");
    }
}

#[test]
fn an_empty_string_equals_null_if_it_clears_fields() {
    use crate::targets::Clear;
    for (clear, held, meant, expected) in [
        (Clear::Empty, json!(null), json!(""), true),
        (Clear::Empty, json!(""), json!(""), true),
        (Clear::Empty, json!(null), json!("x"), false),
        (Clear::Empty, json!("x"), json!(""), false),
        (Clear::Null, json!(null), json!(""), false),
    ] {
        let mut spec = (*registry()).clone();
        spec.update.clear = clear;
        let (checker, city) = (checker(&registry(), &["id"]), spec.field("city").unwrap());
        let planner = Planner::new(std::sync::Arc::new(spec), BTreeMap::new());
        let found = planner.are_same(&checker, city, &held, &meant);
        assert_eq!(found, expected, "{clear:?}: {held} and {meant}");
    }
}

#[test]
fn a_request_holds_changed_and_required_fields() {
    // Each case: the row, the changed fields, and the whole body.
    for (row, changed, expected) in [
        (
            vec![("nickname", json!("K")), ("points", json!(7))],
            "nickname",
            json!({"surname": "Ek", "temporary": false, "nickname": "K"}),
        ),
        (
            vec![("surname", json!("Al")), ("temporary", json!(true))],
            "surname temporary",
            json!({"surname": "Al", "temporary": true}),
        ),
        // The other members of the nested object, except those that only the API sets.
        (
            vec![("city", json!("Lund"))],
            "city",
            json!({
                "surname": "Ek",
                "temporary": false,
                "address": {"street": "Storgatan 1", "city": "Lund"},
            }),
        ),
        (
            vec![("mobile", Json::Null)],
            "mobile",
            json!({"surname": "Ek", "temporary": false, "mobile": null}),
        ),
    ] {
        let call = call(difference(&row, &person(), false).unwrap());
        assert_eq!(call.changed, changed);
        assert_eq!(body(&call), expected, "{changed}");
    }
}

#[test]
fn values_that_the_record_lacks_are_not_sent() {
    let record = json!({
        "surname": "Ek", "temporary": null, "address": {"street": null, "city": "Solna"},
    });
    let call = call(difference(&[("city", json!("Lund"))], &record, false).unwrap());
    assert_eq!(
        body(&call),
        json!({"surname": "Ek", "address": {"city": "Lund"}})
    );
    assert_eq!(
        call.changes,
        [change("city", json!("Solna"), json!("Lund"))]
    );
}

#[test]
fn resending_everything_includes_unchanged_values() {
    let row = [
        ("surname", json!("Ek")),
        ("nickname", json!("K")),
        ("id", json!("other")),
    ];
    let call = call(difference(&row, &person(), true).unwrap());
    assert_eq!(call.changed, "surname nickname");
    let expected = [
        change("surname", json!("Ek"), json!("Ek")),
        change("nickname", json!("Kim"), json!("K")),
    ];
    assert_eq!(call.changes, expected);
}

#[test]
fn the_path_holds_the_found_id_and_the_rows_values() {
    let group = ("group", json!("b/2"));
    let nickname = ("nickname", json!("K"));
    for (row, path) in [
        (
            vec![nickname.clone()],
            "/2026/groups/1%20a/people/%C3%A9%2F1/",
        ),
        (
            vec![nickname, group, ("id", json!("another"))],
            "/2026/groups/b%2F2/people/%C3%A9%2F1/",
        ),
    ] {
        let call = call(difference(&row, &person(), false).unwrap());
        assert_eq!((&*call.path, &*call.key), (path, "k"));
    }
}

#[test]
fn a_missing_required_value_makes_the_row_invalid() {
    let row = [("nickname", json!("K"))];
    for record in [json!({}), json!({"surname": null})] {
        let problem = difference(&row, &record, false).unwrap_err();
        assert_eq!(problem.code, "lookup.incomplete");
        assert_eq!(
            problem.message.to_string(),
            "the API requires surname in every update, and neither the row nor the person has it"
        );
    }
    let row = [("nickname", json!("K")), ("surname", json!("Al"))];
    assert!(difference(&row, &json!({}), false).is_ok());
}

fn reversal(changes: &[Change], record: &Json) -> Result<(Difference, Left), Problem> {
    let checker = checker(&registry(), &["id", "mobile"]);
    planner().reversal(&checker, RowAt::FIRST, "k", changes, ("é/1", record))
}

#[test]
fn an_undo_restores_values_that_have_not_changed_since() {
    let made = [
        change("nickname", json!("K"), json!("Kim")),
        // The API stores the value in another form.
        change("mobile", Json::Null, json!("+46701740605")),
        change("city", json!("Lund"), json!("Solna")),
        change("points", json!(1.50), json!(7)),
    ];
    let (found, left) = reversal(&made, &person()).unwrap();
    assert!(left.is_empty());
    let call = call(found);
    assert_eq!(call.path, "/2026/groups/1%20a/people/%C3%A9%2F1/");
    assert_eq!(
        (&*call.changed, &*call.key),
        ("nickname mobile city points", "k")
    );
    let expected = [
        change("nickname", json!("Kim"), json!("K")),
        change("mobile", json!("070-174 06 05"), Json::Null),
        change("city", json!("Solna"), json!("Lund")),
        change("points", json!(7), json!(1.5)),
    ];
    assert_eq!(call.changes, expected);
    assert_eq!(
        body(&call),
        json!({
            "surname": "Ek",
            "temporary": false,
            "nickname": "K",
            "mobile": null,
            "points": 1.5,
            "address": {"street": "Storgatan 1", "city": "Lund"},
        })
    );
}

#[test]
fn an_undo_skips_changed_and_unclearable_fields() {
    let since = Left {
        changed_since: vec!["nickname".to_owned()],
        ..Left::default()
    };
    let uncleared = Left {
        cannot_be_cleared: vec!["nickname".to_owned()],
        ..Left::default()
    };
    assert!(!since.is_empty() && !uncleared.is_empty());
    for (made, expected) in [
        // The field already has its old value.
        (
            change("nickname", json!("Kim"), json!("K")),
            Left::default(),
        ),
        (change("nickname", json!("K"), json!("Kimmy")), since),
        (change("nickname", Json::Null, json!("Kim")), uncleared),
        // The target no longer has the field.
        (change("shoe_size", json!(1), json!(2)), Left::default()),
    ] {
        let (found, left) = reversal(&[made], &person()).unwrap();
        assert_eq!((found, left), (Difference::None, expected));
    }
    // The old value was not read.
    let unread = Change {
        from: None,
        ..change("nickname", Json::Null, json!("Kim"))
    };
    let (found, left) = reversal(&[unread], &person()).unwrap();
    assert_eq!((found, left), (Difference::None, Left::default()));
}

#[test]
fn an_undo_without_a_required_value_makes_the_row_invalid() {
    let made = [change("nickname", json!("K"), json!("Kim"))];
    let problem = reversal(&made, &json!({"nickname": "Kim"})).unwrap_err();
    assert_eq!(problem.code, "lookup.incomplete");
    assert_eq!(
        problem.message.to_string(),
        "the API requires surname, and the person has none"
    );
}
