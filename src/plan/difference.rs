use serde_json::Value as Json;

use super::call::Planner;
use crate::check::Checker;
use crate::l10n::say;
use crate::model::{Call, Change, Problem, RowAt, Value};
use crate::targets::Place;

/// What is to be done for a row whose record is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// The record holds what the row says.
    None,
    /// This brings it there.
    Call(Box<Call>),
}

/// Fields that an undo leaves as they are, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Someone has changed them since.
    pub changed_since: Vec<String>,
    /// They were empty before, and the API does not let them be cleared.
    pub cannot_be_cleared: Vec<String>,
}

impl Left {
    /// Whether nothing is left as it is.
    pub fn is_empty(&self) -> bool {
        self.changed_since.is_empty() && self.cannot_be_cleared.is_empty()
    }
}

/// The values of a row, by field.
pub type Values = Vec<Option<Value<'static>>>;

impl Planner {
    /// What `record`, which the API knows as `id`, lacks of what the row says. The call holds what
    /// differs and, from the record as it was read, what the API needs beside it: the fields that
    /// every update needs, those that leaving out might reset, and the rest of a nested object
    /// that might be replaced whole. With `all`, everything that the row says is sent.
    ///
    /// # Errors
    /// When neither the row nor the record has a value that every update needs.
    pub fn difference(
        &self,
        checker: &Checker,
        at: RowAt,
        key: &str,
        values: &Values,
        (id, record): (&str, &Json),
        all: bool,
    ) -> Result<Difference, Problem> {
        let spec = self.spec();
        let mut changes = Vec::new();
        let mut changed = vec![false; spec.fields.len()];
        for (index, field) in spec.fields.iter().enumerate() {
            let Some(value) = values[index]
                .as_ref()
                .filter(|_| field.place == Place::Body)
            else {
                continue;
            };
            let to = value.to_json();
            let from = self.held(record, index).unwrap_or(&Json::Null);
            let same = *from == to || checker.normalised(index, from) == to;
            if !same || all {
                changed[index] = true;
                changes.push(Change {
                    field: field.name().to_owned(),
                    from: Some(from.clone()),
                    to,
                });
            }
        }
        if changes.is_empty() {
            return Ok(Difference::None);
        }
        let own = |index: usize| values[index].clone();
        let body = self.whole_body(record, &changed, own).map_err(|field| {
            Problem::of_row(
                "lookup.incomplete",
                say().lookup_nobody_has_it(field, spec.record_name()),
            )
        })?;
        let mut path_values: Values = vec![None; spec.fields.len()];
        for index in spec.path_fields().filter_map(|name| spec.field(name)) {
            path_values[index].clone_from(&values[index]);
        }
        if let Some(key) = spec.key_field() {
            path_values[key] = Some(Value::Rewritten(id.into()));
        }
        let call = self.call_for(at, key, &path_values, &body, changes);
        Ok(Difference::Call(Box::new(call)))
    }

    /// The values of a body in which the `changed` fields have their `own` value, and what must
    /// stand beside them that of the record. The error is the name of a field that has none.
    fn whole_body(
        &self,
        record: &Json,
        changed: &[bool],
        own: impl Fn(usize) -> Option<Value<'static>>,
    ) -> Result<Values, String> {
        let spec = self.spec();
        let object_of = |index: usize| {
            let (object, _) = spec.fields[index].pointer.rsplit_once('/')?;
            (!object.is_empty()).then_some(object)
        };
        let touched: Vec<&str> = (0..spec.fields.len())
            .filter(|index| changed[*index])
            .filter_map(object_of)
            .collect();
        let mut body = vec![None; spec.fields.len()];
        for (index, field) in spec.fields.iter().enumerate() {
            if field.place != Place::Body || field.read_only {
                continue;
            }
            if changed[index] {
                body[index] = own(index);
                continue;
            }
            let of_record = || match self.held(record, index) {
                None | Some(Json::Null) => None,
                Some(value) => Some(value_of(value)),
            };
            let kept = spec.update.keep.iter().any(|name| name == field.name());
            if field.required {
                let value = of_record().ok_or_else(|| field.name().to_owned())?;
                body[index] = Some(value);
            } else if kept || object_of(index).is_some_and(|object| touched.contains(&object)) {
                body[index] = of_record();
            }
        }
        Ok(body)
    }

    /// The call that puts `changes` back, each to what it was before, where the record still holds
    /// what they made of it and the API lets it be put back. Returns too what was left as it is.
    ///
    /// # Errors
    /// When the record lacks a value that every update needs.
    pub fn reversal(
        &self,
        checker: &Checker,
        at: RowAt,
        key: &str,
        changes: &[Change],
        (id, record): (&str, &Json),
    ) -> Result<(Difference, Left), Problem> {
        let spec = self.spec();
        let mut changed = vec![false; spec.fields.len()];
        let mut values: Values = vec![None; spec.fields.len()];
        let (mut back, mut left) = (Vec::new(), Left::default());
        for change in changes {
            let (Some(index), Some(before)) = (spec.field(&change.field), &change.from) else {
                continue;
            };
            let holds = self.held(record, index).unwrap_or(&Json::Null);
            if holds == before {
                continue;
            }
            if *holds != change.to && checker.normalised(index, holds) != change.to {
                left.changed_since.push(change.field.clone());
                continue;
            }
            if before.is_null() && !spec.fields[index].nullable {
                left.cannot_be_cleared.push(change.field.clone());
                continue;
            }
            changed[index] = true;
            values[index] = Some(value_of(before));
            back.push(Change {
                field: change.field.clone(),
                from: Some(holds.clone()),
                to: before.clone(),
            });
        }
        if back.is_empty() {
            return Ok((Difference::None, left));
        }
        let body = self
            .whole_body(record, &changed, |index| values[index].clone())
            .map_err(|field| {
                Problem::of_row(
                    "lookup.incomplete",
                    say().lookup_record_lacks(field, spec.record_name()),
                )
            })?;
        let mut path_values: Values = vec![None; spec.fields.len()];
        if let Some(key) = spec.key_field() {
            path_values[key] = Some(Value::Rewritten(id.into()));
        }
        let call = self.call_for(at, key, &path_values, &body, back);
        Ok((Difference::Call(Box::new(call)), left))
    }
}

/// A record's value as it is sent back.
fn value_of(json: &Json) -> Value<'static> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) => Value::Rewritten(text.as_str().into()),
        other => Value::Number(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
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
        planner().difference(&checker, at, "k", &values, ("é/1", record), all)
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
            // The API writes the number in another form.
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
    fn a_request_holds_what_differs_and_what_the_api_needs_with_it() {
        // Each: the row, the fields changed, and the whole body.
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
            // The rest of the nested object, except what only the API sets.
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
    fn what_the_record_does_not_hold_is_not_sent_along() {
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
    fn a_request_that_resends_everything_holds_what_is_the_same_too() {
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
    fn the_path_names_the_record_that_was_found_and_what_else_the_row_says() {
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
    fn a_value_that_every_update_needs_and_nobody_has_makes_the_row_invalid() {
        let row = [("nickname", json!("K"))];
        for record in [json!({}), json!({"surname": null})] {
            let problem = difference(&row, &record, false).unwrap_err();
            assert_eq!(problem.code, "lookup.incomplete");
            assert_eq!(
                problem.message,
                "the API needs surname in every update, and neither the row nor the person has it"
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
    fn an_undo_puts_back_what_the_record_still_holds() {
        let made = [
            change("nickname", json!("K"), json!("Kim")),
            // Kept in another form than it was sent in.
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
    fn an_undo_leaves_what_was_changed_since_and_what_cannot_be_cleared() {
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
            // It is as it was before.
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
        // What it was before was not read.
        let unread = Change {
            from: None,
            ..change("nickname", Json::Null, json!("Kim"))
        };
        let (found, left) = reversal(&[unread], &person()).unwrap();
        assert_eq!((found, left), (Difference::None, Left::default()));
    }

    #[test]
    fn an_undo_without_a_value_that_every_update_needs_makes_the_row_invalid() {
        let made = [change("nickname", json!("K"), json!("Kim"))];
        let problem = reversal(&made, &json!({"nickname": "Kim"})).unwrap_err();
        assert_eq!(problem.code, "lookup.incomplete");
        assert_eq!(
            problem.message,
            "the API needs surname, and the person has none"
        );
    }
}
