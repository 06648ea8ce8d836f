//! Tests of updates to fields within lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::plan::tests::{checker, registry_with};
use crate::targets::TargetSpec;

const EMAILS: &str = r#"
[[fields]]
name = "work"
kind = "email"
pointer = "/emails[type=work]/value"
nullable = true

[[fields]]
name = "home"
kind = "email"
pointer = "/emails[type=home]/value"

[[fields]]
name = "pager"
kind = "text"
pointer = "/contact/phones[type=pager]/value"

[[fields]]
name = "title"
kind = "text"
pointer = "/contact/title"
"#;

fn person() -> Json {
    json!({
        "uuid": "1",
        "surname": "Ek",
        "temporary": false,
        "emails": [
            {"type": "home", "value": "h@x.se", "primary": true},
            {"type": "work", "value": "w@x.se"},
            {"type": "other", "value": "o@x.se", "id": 7},
        ],
        "contact": {
            "title": "Fru",
            "phones": [{"type": "mobile", "value": "1"}],
        },
    })
}

struct Scene {
    spec: Arc<TargetSpec>,
}

impl Scene {
    fn of(update: &str) -> Scene {
        Scene {
            spec: registry_with(update, EMAILS),
        }
    }

    fn planner(&self) -> Planner {
        Planner::new(self.spec.clone(), BTreeMap::new())
    }

    fn difference(&self, row: &[(&str, Json)], record: &Json) -> Result<Difference, Problem> {
        let checker = checker(&self.spec, &["id", "mobile", "work"]);
        let mut values = vec![None; self.spec.fields.len()];
        for (name, value) in row {
            values[self.spec.field(name).unwrap()] = Some(value_of(value));
        }
        let found = ("1", record);
        let at = (RowAt::FIRST, "k");
        self.planner()
            .difference(&checker, at, &values, found, false, |_, _| false)
    }

    fn sent(&self, row: &[(&str, Json)], record: &Json) -> (Vec<Change>, Json) {
        call(self.difference(row, record).unwrap())
    }

    fn undone(&self, changes: &[Change], record: &Json) -> Result<(Difference, Left), Problem> {
        let checker = checker(&self.spec, &["id", "mobile"]);
        let found = ("1", record);
        self.planner()
            .reversal(&checker, RowAt::FIRST, "k", changes, found)
    }
}

fn call(difference: Difference) -> (Vec<Change>, Json) {
    match difference {
        Difference::Call(call) => (call.changes, serde_json::from_slice(&call.body).unwrap()),
        Difference::None => panic!("nothing to send"),
    }
}

fn change(field: &str, from: Json, to: Json) -> Change {
    Change {
        field: field.to_owned(),
        from: Some(from),
        to,
    }
}

/// Applies a PATCH that replaces whole lists to a record.
fn patched(record: &Json, body: &Json) -> Json {
    let mut record = record.clone();
    for (name, value) in body.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

const MERGES: &str = "merges = true";

#[test]
fn an_element_is_sent_with_the_whole_list() {
    let scene = Scene::of(MERGES);
    let beside = json!({"surname": "Ek", "temporary": false});
    let with = |emails: Json| {
        let mut body = beside.clone();
        body["emails"] = emails;
        body
    };
    let [home, other] = [0, 2].map(|at| person()["emails"][at].clone());
    let new = |kind: &str| json!({"type": kind, "value": "n@x.se"});
    let null = Json::Null;
    for (row, from, expected) in [
        (
            vec![("work", json!("n@x.se"))],
            vec![json!("w@x.se")],
            with(json!([home, new("work"), other])),
        ),
        (
            vec![("work", json!("n@x.se")), ("home", json!("h@x.se"))],
            vec![json!("w@x.se")],
            with(json!([home, new("work"), other])),
        ),
        (
            vec![("work", null.clone()), ("home", json!("n@x.se"))],
            vec![json!("w@x.se"), json!("h@x.se")],
            with(json!([{"type": "home", "value": "n@x.se", "primary": true}, other])),
        ),
        (
            vec![("work", null.clone())],
            vec![json!("w@x.se")],
            with(json!([home, other])),
        ),
    ] {
        let (changes, body) = scene.sent(&row, &person());
        assert_eq!(body, expected, "{row:?}");
        let known: Vec<_> = changes
            .iter()
            .map(|change| change.from.clone().unwrap())
            .collect();
        assert_eq!(known, from, "{row:?}");
        let after = patched(&person(), &body);
        assert_eq!(scene.difference(&row, &after).unwrap(), Difference::None);
    }
    // Records without the list or without the element.
    for record in [json!({}), json!({"emails": null}), json!({"emails": []})] {
        let record = patched(&record, &beside);
        let (changes, body) = scene.sent(&[("work", json!("n@x.se"))], &record);
        assert_eq!(body, with(json!([new("work")])), "{record}");
        assert_eq!(changes, [change("work", Json::Null, json!("n@x.se"))]);
        let cleared = scene.difference(&[("work", Json::Null)], &record).unwrap();
        assert_eq!(cleared, Difference::None, "{record}");
    }
}

#[test]
fn a_list_beside_a_change_is_sent_unchanged() {
    let scene = Scene::of("");
    // The API may replace the object, which contains no pager.
    let (_, body) = scene.sent(&[("title", json!("Dr"))], &person());
    let phones = &person()["contact"]["phones"];
    assert_eq!(body["contact"], json!({"title": "Dr", "phones": phones}));
    let (_, body) = scene.sent(&[("pager", json!("2"))], &person());
    let pager = json!({"type": "pager", "value": "2"});
    assert_eq!(
        body["contact"],
        json!({"title": "Fru", "phones": [phones[0], pager]})
    );
    assert_eq!(body.get("emails"), None);
    // An ambiguous list does not affect a row that does not change it.
    let mut record = person();
    record["contact"]["phones"] = json!([pager, pager]);
    let (_, body) = scene.sent(&[("title", json!("Dr"))], &record);
    assert_eq!(body["contact"]["phones"], json!([pager, pager]));
    record["contact"] = json!({"title": "Fru"});
    let (_, body) = scene.sent(&[("title", json!("Dr"))], &record);
    assert_eq!(body["contact"], json!({"title": "Dr"}));
    let merging = Scene::of(MERGES);
    let (_, body) = merging.sent(&[("title", json!("Dr"))], &person());
    assert_eq!(body["contact"], json!({"title": "Dr"}));
}

#[test]
fn a_kept_field_is_sent_with_its_list() {
    let mut spec = (*registry_with(MERGES, EMAILS)).clone();
    spec.update.keep.push("work".to_owned());
    let scene = Scene { spec: spec.into() };
    let (changes, body) = scene.sent(&[("title", json!("Dr"))], &person());
    assert_eq!(body["emails"], person()["emails"]);
    assert_eq!(changes.len(), 1);
    let mut spec = (*scene.spec).clone();
    let work = spec.field("work").unwrap();
    spec.fields[work].required = true;
    let scene = Scene { spec: spec.into() };
    let (_, body) = scene.sent(&[("title", json!("Dr"))], &person());
    assert_eq!(body["emails"], person()["emails"]);
    let mut record = person();
    record["emails"] = json!([]);
    let problem = scene.difference(&[("title", json!("Dr"))], &record);
    assert_eq!(problem.unwrap_err().code, "lookup.incomplete");
}

#[test]
fn an_update_that_replaces_the_record_keeps_its_lists() {
    let mut spec = (*registry_with("", EMAILS)).clone();
    spec.update.method = crate::model::Method::Put;
    spec.update.keep.clear();
    spec.update.clear = Clear::Empty;
    spec.update.read_only = vec!["/emails[type=other]/id".to_owned()];
    let scene = Scene { spec: spec.into() };
    let (_, body) = scene.sent(&[("work", Json::Null), ("pager", json!("2"))], &person());
    let mut expected = person();
    expected["emails"].as_array_mut().unwrap().remove(1);
    expected["emails"][1].as_object_mut().unwrap().remove("id");
    expected["contact"]["phones"]
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "pager", "value": "2"}));
    assert_eq!(body, expected);
}

#[test]
fn several_matching_list_elements_make_the_row_invalid() {
    let scene = Scene::of(MERGES);
    let mut record = person();
    let work = record["emails"][1].clone();
    record["emails"].as_array_mut().unwrap().push(work);
    let row = [("work", json!("n@x.se"))];
    let problem = scene.difference(&row, &record).unwrap_err();
    assert_eq!(
        (&*problem.code, &*problem.field),
        ("lookup.several_elements", "work")
    );
    assert_eq!(
        problem.message.to_string(),
        "/emails[type=work]/value matches 2 elements in this person, so the value is ambiguous"
    );
    // The other element is unambiguous.
    let (_, body) = scene.sent(&[("home", json!("n@x.se"))], &record);
    assert_eq!(body["emails"].as_array().unwrap().len(), 4);
    let made = [change("work", json!("a@x.se"), json!("w@x.se"))];
    let problem = scene.undone(&made, &record).unwrap_err();
    assert_eq!(problem.code, "lookup.several_elements");
    record["emails"] = json!({"work": "w@x.se"});
    let problem = scene.difference(&row, &record).unwrap_err();
    assert_eq!(problem.code, "lookup.no_list");
}

#[test]
fn an_undo_restores_an_element_and_keeps_later_changes() {
    let scene = Scene::of(MERGES);
    for (row, field) in [
        (vec![("work", json!("n@x.se"))], "work"),
        (vec![("work", Json::Null)], "work"),
        // A row cannot clear the field, and the list lacked the element.
        (vec![("pager", json!("2"))], "pager"),
    ] {
        let (changes, body) = scene.sent(&row, &person());
        let mut after = patched(&person(), &body);
        let list = match field {
            "work" => "/emails",
            _ => "/contact/phones",
        };
        after["contact"]["title"] = json!("Fru");
        after.pointer_mut("/emails/0").unwrap()["label"] = json!("since");
        let (found, left) = scene.undone(&changes, &after).unwrap();
        assert!(left.is_empty());
        let (_, body) = call(found);
        let mut expected = person();
        expected.pointer_mut("/emails/0").unwrap()["label"] = json!("since");
        let sorted = |list: &Json| {
            let mut items: Vec<String> = list
                .as_array()
                .unwrap()
                .iter()
                .map(Json::to_string)
                .collect();
            items.sort();
            items
        };
        let (body, expected) = (body.pointer(list).unwrap(), expected.pointer(list).unwrap());
        assert_eq!(sorted(body), sorted(expected), "{row:?}");
    }
    // The same element changed after the run.
    let (changes, _) = scene.sent(&[("work", json!("n@x.se"))], &person());
    let mut after = person();
    after["emails"][1]["value"] = json!("x@x.se");
    let (found, left) = scene.undone(&changes, &after).unwrap();
    assert_eq!(
        (found, left.changed_since),
        (Difference::None, vec!["work".to_owned()])
    );
}

const LISTS: &str = r#"
[[fields]]
name = "tags"
kind = "list"
items = "text"
pointer = "/tags"

[[fields]]
name = "mobiles"
kind = "list"
items = "phone"
pointer = "/mobiles"
mode = "replace"
nullable = true

[[fields]]
name = "left"
kind = "list"
items = "text"
pointer = "/left"
mode = "remove"

[[fields]]
name = "clubs"
kind = "list"
items = "text"
pointer = "/clubs[]/id"
nullable = true

[[fields]]
name = "classes"
kind = "list"
items = "text"
pointer = "/custom[name=classes]/values"
mode = "replace"
"#;

fn member() -> Json {
    json!({
        "uuid": "1",
        "surname": "Ek",
        "temporary": false,
        "tags": ["b", "a", "b"],
        "mobiles": ["070-174 06 05", "x"],
        "left": ["c", "d", "e"],
        "clubs": [{"id": "k1", "name": "One"}, {"name": "none"}, {"id": "k2"}],
        "custom": [{"name": "other", "values": ["o"]}],
    })
}

#[test]
fn lists_are_compared_as_sets_and_changed_by_their_mode() {
    let scene = Scene {
        spec: registry_with(MERGES, LISTS),
    };
    // Each case: the field, the row's values, and the list sent, or `None` if the record already matches.
    for (field, row, expected) in [
        ("tags", json!(["a", "b"]), None),
        ("tags", json!(["a"]), None),
        (
            "tags",
            json!(["c", "a", "d"]),
            Some(json!(["b", "a", "b", "c", "d"])),
        ),
        ("mobiles", json!(["x", "+46701740605"]), None),
        (
            "mobiles",
            json!(["y", "+46701740605"]),
            Some(json!(["y", "070-174 06 05"])),
        ),
        ("mobiles", json!(["x"]), Some(json!(["x"]))),
        ("mobiles", Json::Null, Some(json!([]))),
        ("left", json!(["x"]), None),
        ("left", json!(["d", "x"]), Some(json!(["c", "e"]))),
        ("left", json!(["c", "d", "e"]), Some(json!([]))),
        ("clubs", json!(["k2"]), None),
        (
            "clubs",
            json!(["k3", "k1"]),
            Some(json!([
                {"id": "k1", "name": "One"}, {"name": "none"}, {"id": "k2"}, {"id": "k3"}
            ])),
        ),
        ("clubs", Json::Null, Some(json!([{"name": "none"}]))),
        (
            "classes",
            json!(["7A"]),
            Some(
                json!([{"name": "other", "values": ["o"]}, {"name": "classes", "values": ["7A"]}]),
            ),
        ),
    ] {
        let row = [(field, row)];
        let found = scene.difference(&row, &member()).unwrap();
        let Some(expected) = expected else {
            assert_eq!(found, Difference::None, "{row:?}");
            continue;
        };
        let (changes, body) = call(found);
        let member_of = if field == "classes" { "custom" } else { field };
        assert_eq!(body[member_of], expected, "{row:?}");
        let after = patched(&member(), &body);
        assert_eq!(
            scene.difference(&row, &after).unwrap(),
            Difference::None,
            "{row:?}"
        );
        // An undo restores the list in its original order.
        let (found, left) = scene.undone(&changes, &after).unwrap();
        assert!(left.is_empty());
        let (_, body) = call(found);
        let undone = patched(&after, &body);
        match (field, &row[0].1) {
            // Other members of a removed element are lost.
            ("clubs", Json::Null) => assert_eq!(
                undone["clubs"],
                json!([{"name": "none"}, {"id": "k1"}, {"id": "k2"}])
            ),
            _ => assert_eq!(undone, member(), "{row:?}"),
        }
    }
    // A missing list is created, and an undo empties it.
    for record in [json!({}), json!({"tags": null}), json!({"tags": []})] {
        let record = patched(&record, &json!({"surname": "Ek", "temporary": false}));
        let (changes, body) = scene.sent(&[("tags", json!(["a"]))], &record);
        assert_eq!(body["tags"], json!(["a"]));
        let (found, _) = scene.undone(&changes, &patched(&record, &body)).unwrap();
        assert_eq!(call(found).1["tags"], json!([]), "{record}");
        let found = scene
            .difference(&[("left", json!(["a"]))], &record)
            .unwrap();
        assert_eq!(found, Difference::None, "nothing to remove");
    }
    let mut record = member();
    record["tags"] = json!("a");
    let problem = scene.difference(&[("tags", json!(["a"]))], &record);
    assert_eq!(problem.unwrap_err().code, "lookup.no_list");
}

#[test]
fn an_undo_keeps_a_list_that_changed_after_the_run() {
    let scene = Scene {
        spec: registry_with(MERGES, LISTS),
    };
    let (changes, body) = scene.sent(&[("tags", json!(["c"]))], &member());
    let mut after = patched(&member(), &body);
    // A different order is not a change.
    after["tags"] = json!(["c", "b", "a"]);
    let (found, left) = scene.undone(&changes, &after).unwrap();
    assert!(left.is_empty());
    assert_eq!(call(found).1["tags"], json!(["b", "a", "b"]));
    after["tags"] = json!(["c", "b"]);
    let (found, left) = scene.undone(&changes, &after).unwrap();
    assert_eq!(
        (found, left.changed_since),
        (Difference::None, vec!["tags".to_owned()])
    );
}
