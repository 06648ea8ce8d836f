//! Tests of `targets/pointer`.

use serde_json::json;

use super::*;

fn person() -> Json {
    json!({
        "name": "Ek",
        "a/b~c": {"": 1},
        "lines": [{"text": "Storgatan 1"}, null],
        "emails": [
            {"type": "home", "value": "h@x.se", "primary": true},
            "odd",
            {"type": "work", "value": "w@x.se"},
            {"type": "other"},
            {"type": "twin", "value": "1@x.se"},
            {"type": "twin", "value": "2@x.se"},
        ],
        "codes": [{"n": 1, "v": "number"}, {"n": "1", "v": "text"}, {"n": "a/b", "v": "slash"}],
        "homes": [{"type": "old", "at": {"city": "Lund"}}],
        "groups": [{"id": "a", "name": "A"}, {"name": "no id"}, {"id": "b"}],
        "phones": null,
        "text": "x",
    })
}

#[test]
fn a_value_is_found_through_objects_and_lists() {
    let cases = [
        ("/name", Some(json!("Ek"))),
        ("/name/0", None),
        ("/a~1b~0c/", Some(json!(1))),
        ("/lines/0/text", Some(json!("Storgatan 1"))),
        ("/lines/1", Some(Json::Null)),
        ("/lines/2", None),
        ("/lines/x", None),
        ("/absent/street", None),
        ("/emails[type=work]/value", Some(json!("w@x.se"))),
        ("/emails[primary=true]/value", Some(json!("h@x.se"))),
        // The list exists, and the element or its member does not.
        ("/emails[type=none]/value", Some(Json::Null)),
        ("/emails[primary=false]/value", Some(Json::Null)),
        ("/emails[type=other]/value", Some(Json::Null)),
        ("/emails[type=Work]/value", Some(Json::Null)),
        ("/phones[type=work]/value", Some(Json::Null)),
        ("/absent[type=work]/value", None),
        ("/codes[n=1]/v", Some(json!("number"))),
        ("/codes[n=\"1\"]/v", Some(json!("text"))),
        ("/codes[n=a~1b]/v", Some(json!("slash"))),
        ("/homes[type=old]/at/city", Some(json!("Lund"))),
        ("/groups[]/id", Some(json!(["a", "b"]))),
        ("/phones[]/id", Some(json!([]))),
        ("/absent[]/id", None),
    ];
    for (text, expected) in cases {
        let found = Pointer::from(text);
        assert_eq!(found.wrong(), None, "{text}");
        let record = person();
        let found = found.get(&record).unwrap();
        assert_eq!(found.as_deref(), expected.as_ref(), "{text}");
    }
}

#[test]
fn an_ambiguous_or_invalid_list_is_an_error() {
    for (text, expected) in [
        ("/emails[type=twin]/value", Unclear::Several(2)),
        ("/text[type=work]/value", Unclear::NoList),
        ("/a~1b~0c[type=work]/value", Unclear::NoList),
        ("/text[]/id", Unclear::NoList),
    ] {
        assert_eq!(Pointer::from(text).get(&person()), Err(expected), "{text}");
    }
}

#[test]
fn setting_a_value_keeps_all_others() {
    // Each case: the pointer, the value, the changed path, and its new content.
    for (text, value, place, expected) in [
        ("/name", json!("Al"), "/name", json!("Al")),
        ("/name", Json::Null, "/name", Json::Null),
        ("/text/a/b", json!(1), "/text", json!({"a": {"b": 1}})),
        (
            "/emails[type=home]/value",
            json!("n@x.se"),
            "/emails/0",
            json!({"type": "home", "value": "n@x.se", "primary": true}),
        ),
        (
            "/emails[type=none]/value",
            json!("n@x.se"),
            "/emails/6",
            json!({"type": "none", "value": "n@x.se"}),
        ),
        (
            "/emails[type=other]/value",
            json!("n@x.se"),
            "/emails/3",
            json!({"type": "other", "value": "n@x.se"}),
        ),
        (
            "/codes[n=2]/v",
            json!("x"),
            "/codes/3",
            json!({"n": 2, "v": "x"}),
        ),
        (
            "/homes[type=new]/at/city",
            json!("Umeå"),
            "/homes/1",
            json!({"type": "new", "at": {"city": "Umeå"}}),
        ),
        (
            "/homes[type=old]/at/street",
            json!("Storgatan"),
            "/homes/0",
            json!({"type": "old", "at": {"city": "Lund", "street": "Storgatan"}}),
        ),
        (
            "/phones[type=work]/value",
            json!("1"),
            "/phones",
            json!([{"type": "work", "value": "1"}]),
        ),
        // A cleared element keeps its other members, and is removed if it has none.
        (
            "/emails[type=home]/value",
            Json::Null,
            "/emails/0",
            json!({"type": "home", "primary": true}),
        ),
        ("/homes[type=old]/at/city", Json::Null, "/homes", json!([])),
        ("/phones[type=work]/value", Json::Null, "/phones", json!([])),
        (
            "/groups[]/id",
            json!(["b", "c", "a"]),
            "/groups",
            json!([{"id": "b"}, {"name": "no id"}, {"id": "c"}, {"id": "a", "name": "A"}]),
        ),
        (
            "/groups[]/id",
            Json::Null,
            "/groups",
            json!([{"name": "no id"}]),
        ),
        (
            "/phones[]/id",
            json!(["a"]),
            "/phones",
            json!([{"id": "a"}]),
        ),
    ] {
        let mut record = person();
        Pointer::from(text).set(&mut record, value.clone());
        assert_eq!(record.pointer(place), Some(&expected), "{text} {value}");
        let mut rest = person();
        let parent = place.split('/').nth(1).unwrap_or_default();
        rest[parent] = record[parent].clone();
        assert_eq!(record, rest, "{text} changes {parent} alone");
    }
    let mut record = person();
    Pointer::from("/emails[type=work]/value").set(&mut record, Json::Null);
    let mut expected = person();
    expected["emails"].as_array_mut().unwrap().remove(2);
    assert_eq!(record, expected);
    // Missing elements are not created to be cleared.
    let mut record = person();
    Pointer::from("/emails[type=none]/value").set(&mut record, Json::Null);
    assert_eq!(record, person());
}

#[test]
fn removing_a_value_removes_empty_parents() {
    for (text, record, rest) in [
        ("/a/b", json!({"a": {"b": 1}, "c": 1}), json!({"c": 1})),
        ("/a/b", json!({"a": null}), json!({})),
        ("/a/b", json!({"a": {"c": []}}), json!({"a": {"c": []}})),
        ("/a", json!({"a": [1]}), json!({})),
        ("/e[t=w]/v", json!({"e": [{"t": "w", "v": 1}]}), json!({})),
        ("/e[t=w]/v", json!({"e": []}), json!({})),
        ("/o/e[t=w]/v", json!({"o": {"e": null}}), json!({})),
        (
            "/e[t=w]/v",
            json!({"e": [{"t": "w", "v": 1, "x": 1}, {"t": "h", "v": 2}]}),
            json!({"e": [{"t": "w", "x": 1}, {"t": "h", "v": 2}]}),
        ),
        (
            "/g[]/id",
            json!({"g": [{"id": 1}, {"id": 2, "n": 1}]}),
            json!({"g": [{"n": 1}]}),
        ),
    ] {
        let mut left = record.clone();
        Pointer::from(text).remove_with_empty(&mut left);
        assert_eq!(left, rest, "{text} of {record}");
    }
    let mut record = json!({"a": {"b": 1}});
    Pointer::from("/a/b").remove(&mut record);
    assert_eq!(record, json!({"a": {}}));
}

#[test]
fn clashing_pointers_are_detected() {
    for (one, other, expected) in [
        ("/a", "/a", true),
        ("/a", "/a/b", true),
        ("/a", "/ab", false),
        ("/a/b", "/a/c", false),
        ("/a[t=x]/v", "/a", true),
        ("/a[t=x]/v", "/a/b", true),
        ("/a[t=x]/v", "/b[t=x]/v", false),
        ("/a[t=x]/v", "/a[t=x]/v", true),
        ("/a[t=x]/v", "/a[t=x]/w", false),
        ("/a[t=x]/v", "/a[t=x]/v/w", true),
        ("/a[t=x]/v", "/a[t=y]/v", false),
        ("/a[t=1]/v", "/a[t=\"1\"]/v", false),
        // Both may select the same element.
        ("/a[t=x]/v", "/a[p=true]/v", true),
        ("/a[t=x]/v", "/a[p=true]/w", true),
        ("/a[]/v", "/a[t=x]/v", true),
        ("/a[]/v", "/a[]/w", true),
        ("/a[]/v", "/b[]/v", false),
    ] {
        let (one, other) = (Pointer::from(one), Pointer::from(other));
        assert_eq!(one.clashes(&other), expected, "{one} {other}");
        assert_eq!(other.clashes(&one), expected, "{other} {one}");
    }
}

#[test]
fn an_invalid_selector_is_refused_with_its_reason() {
    for (text, reason) in [
        ("/a[t=x]", "so it must end in a member"),
        ("/a[]", "so it must end in a member"),
        ("/a[t=x/v", "has no ]"),
        ("/a[t=x/y]/v", "a / in a selector is written ~1"),
        ("/[t=x]/v", "does not name a list"),
        ("/a[t]/v", "by one member, as in [type=work]"),
        ("/a[=x]/v", "by one member, as in [type=work]"),
        ("/a[t=]/v", "by one member, as in [type=work]"),
        ("/a[t=x][p=true]/v", "by one member, as in [type=work]"),
        ("/a[t=null]/v", "a text, a number, true or false"),
        ("/a[t={}]/v", "a text, a number, true or false"),
        ("/a[t=\"x]/v", "a text, a number, true or false"),
        ("/a[t=x]/t", "the member by which the element is selected"),
        (
            "/a[t=x]/b[u=y]/u",
            "the member by which the element is selected",
        ),
    ] {
        let pointer = Pointer::from(text);
        let wrong = pointer.wrong().unwrap_or_default();
        assert!(wrong.contains(reason), "{text}: {wrong}");
    }
    for (pointer, expected) in [
        ("/a/b", None),
        ("/a[t=x]/v", Some("a[t=x]")),
        ("/a/b[]/v", Some("b[]")),
        ("/a[b", None),
        ("etag", None),
    ] {
        assert_eq!(selecting(pointer), expected, "{pointer}");
    }
}

#[test]
fn a_pointer_has_a_dotted_name_and_a_short_name() {
    for (text, expected) in [
        ("", vec![]),
        ("/name", vec!["name", "name"]),
        ("/address/city", vec!["address.city", "city"]),
        ("/emails[type=work]/value", vec!["emails[type=work].value"]),
    ] {
        assert_eq!(Pointer::from(text).names(), expected, "{text}");
    }
}
