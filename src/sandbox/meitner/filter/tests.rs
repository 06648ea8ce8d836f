//! Unit tests of `sandbox::meitner::filter`.

use serde_json::json;

use super::*;

fn filter(operator: &str, fields: Json) -> Json {
    json!({"orCondition": false, operator: fields})
}

#[test]
fn filters_support_every_operator() {
    let student = json!({
        "firstName": "Åsa", "gender": "Female", "emailAddress2": null,
        "external": {"sourceID": "E-7"}, "dateOfBirth": "2010-04-02",
        "meta": {"createdAt": "2026-08-01T12:00:00Z"}, "address": {"postalCode": "169 56"},
    });
    let student = student.as_object().unwrap();
    let holds = |filter: Json| {
        Filter::parse(&filter, OF_STUDENTS)
            .unwrap()
            .matches(student)
    };
    for (filter, expected) in [
        (json!({"orCondition": true}), true),
        (filter("equals", json!({"gender": "Female"})), true),
        (filter("equals", json!({"gender": null})), true),
        (
            filter("equals", json!({"address": {"postalCode": "169 56"}})),
            true,
        ),
        (
            filter(
                "equals",
                json!({"meta": {"createdAt": "2026-08-01T14:00:00+02:00"}}),
            ),
            true,
        ),
        (filter("notEquals", json!({"gender": "Female"})), false),
        (
            filter("greaterThan", json!({"dateOfBirth": "2010-04-01"})),
            true,
        ),
        (
            filter("smallerThan", json!({"dateOfBirth": "2010-04-02"})),
            false,
        ),
        (
            filter("greaterOrEqual", json!({"dateOfBirth": "2010-04-02"})),
            true,
        ),
        (
            filter("smallerOrEqual", json!({"dateOfBirth": "2010-04-02"})),
            true,
        ),
        (
            filter(
                "contains",
                json!({"external": {"sourceID": ["E-6", "E-7"]}}),
            ),
            true,
        ),
        (
            filter(
                "notContains",
                json!({"external": {"sourceID": ["E-6", "E-7"]}}),
            ),
            false,
        ),
        (filter("like", json!({"firstName": "å%a"})), true),
        (filter("like", json!({"firstName": "s"})), true),
        (filter("notLike", json!({"firstName": "%x%"})), true),
        (filter("null", json!({"emailAddress2": true})), true),
        (filter("notNull", json!({"emailAddress2": true})), false),
        (
            filter("notNull", json!({"address": {"postalCode": true}})),
            true,
        ),
        (filter("contains", Json::Null), true),
        (
            json!({"orCondition": false, "equals": {"gender": "Male", "firstName": "Åsa"}}),
            false,
        ),
        (
            json!({"orCondition": true, "equals": {"gender": "Male", "firstName": "Åsa"}}),
            true,
        ),
        (
            json!({"orCondition": false, "equals": {"firstName": "Åsa"}, "nestedFilters": [
                {"orCondition": true, "equals": {"gender": "Male"}, "notNull": {"dateOfBirth": true}}
            ]}),
            true,
        ),
    ] {
        assert_eq!(holds(filter.clone()), expected, "{filter}");
    }
}

#[test]
fn filters_outside_the_description_are_refused() {
    for bad in [
        json!({}),
        json!({"equals": {"gender": "Male"}}),
        json!({"orCondition": "false"}),
        filter("is", json!({"gender": "Male"})),
        filter("contains", json!({"id": "x"})),
        filter("contains", json!({"id": ["x"]})),
        filter("contains", json!({"external.sourceID": ["x"]})),
        filter("contains", json!({"external": {"sourceID": "x"}})),
        filter(
            "contains",
            json!({"meta": {"createdAt": ["2026-08-01T12:00:00Z"]}}),
        ),
        filter("equals", json!("x")),
        filter("equals", json!({"shoeSize": "x"})),
        filter("equals", json!({"gender": "Kvinna"})),
        filter("like", json!({"dateOfBirth": "2010"})),
        filter("null", json!({"firstName": true})),
        filter("notNull", json!(["emailAddress2"])),
        filter("contains", json!({"firstName": vec!["x"; 101]})),
        json!({"orCondition": false, "nestedFilters": [{"equals": {"gender": "Male"}}]}),
    ] {
        assert!(Filter::parse(&bad, OF_STUDENTS).is_err(), "{bad}");
    }
    for bad in [
        json!([]),
        json!({}),
        json!({"filter": {"orCondition": false}, "x": 1}),
    ] {
        assert!(Filter::of_body(&bad, OF_STUDENTS).is_err(), "{bad}");
    }
}
