//! Sent values are compared with the record in the API's answer.

use std::borrow::Cow;

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use crate::check::Checker;
use crate::l10n::message;
use crate::model::Pending;
use crate::send::NotApplied;
use crate::targets::{Expects, FieldSpec, Kind, Place, TargetSpec};

/// Compares sent values with the record in the API's answer.
pub struct Applied<'a> {
    checker: &'a Checker,
}

impl<'a> Applied<'a> {
    pub fn new(checker: &'a Checker) -> Applied<'a> {
        Applied { checker }
    }

    /// Returns the sent fields whose values the answer does not show.
    ///
    /// If the target does not promise the record, only members that the answer has are compared, and no row is
    /// rejected.
    pub fn not_applied(&self, call: &Pending, answer: &Json) -> Option<NotApplied> {
        let spec = self.checker.spec();
        let record = spec.record_in(answer).filter(|it| it.is_object())?;
        let body: Json = serde_json::from_slice(&call.body).ok()?;
        let sent = spec.sent_in(&body)?;
        let is_promised = spec.answers.expects == Some(Expects::Record);
        let (mut names, mut is_guarded, mut any_applied) = (Vec::new(), false, false);
        for (index, field, to) in sent_fields(spec, sent).filter(|(_, field, _)| !field.read_only) {
            let is_changed = || call.changed.split(' ').any(|name| name == field.name());
            let is_shown = match field.pointer.get(record) {
                Ok(None) if !is_promised => continue,
                Ok(held) => self.is_shown(index, &held.unwrap_or(Cow::Owned(Json::Null)), &to),
                Err(_) => false,
            };
            if is_shown {
                any_applied |= is_changed();
                continue;
            }
            is_guarded |= !field.guarded.is_empty();
            names.push((self.checker.name_of(index), is_changed()));
        }
        if names.is_empty() {
            return None;
        }
        // An answer without a promised record may show the earlier values.
        let is_rejected = is_promised
            && (is_guarded || !any_applied && names.iter().any(|(_, changed)| *changed));
        let fields: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Some(NotApplied {
            is_rejected,
            message: message::answer_not_applied(fields.join(", ")),
        })
    }

    /// The header of the column that an error refers to, if only some accounts may change its field.
    pub(super) fn refused_column(&self, errors: &Json) -> Option<String> {
        let spec = self.checker.spec();
        let refused = spec.fields.iter().enumerate().find(|(index, field)| {
            let is_named = || field.pointer.stem_in(errors).is_some();
            field.only_some_accounts && self.checker.map().column(*index).is_some() && is_named()
        });
        refused.map(|(index, _)| self.checker.name_of(index).to_owned())
    }

    /// Whether `held` equals the sent value apart from its form.
    fn is_shown(&self, field: usize, held: &Json, sent: &Json) -> bool {
        let is_empty = |value: &Json| match value {
            Json::Null => true,
            Json::String(text) => text.trim().is_empty(),
            _ => false,
        };
        if held == sent || is_empty(held) && is_empty(sent) {
            return true;
        }
        if let (Json::Array(held), Json::Array(sent)) = (held, sent) {
            let has = |one| held.iter().any(|other| self.is_shown(field, other, one));
            return held.len() == sent.len() && sent.iter().all(has);
        }
        let form = |value| folded(&self.checker.normalised(field, value));
        let (held, sent) = (form(held), form(sent));
        held == sent
            || self.checker.spec().fields[field].kind == Kind::Phone && is_same_number(&held, &sent)
    }
}

/// The fields in a body that was sent, with their values. Values sent as read may contain several elements for a
/// field: these are left out.
pub(super) fn sent_fields<'a>(
    spec: &'a TargetSpec,
    sent: &'a Json,
) -> impl Iterator<Item = (usize, &'a FieldSpec, Cow<'a, Json>)> {
    let fields = spec.fields.iter().enumerate();
    let fields = fields.filter(|(_, field)| field.place == Place::Body);
    fields.filter_map(move |(index, field)| Some((index, field, field.pointer.get(sent).ok()??)))
}

/// A value without case, normalisation form and the kind of its white space.
fn folded(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.nfkc().collect(),
        other => other.to_string(),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Whether two telephone numbers differ only in punctuation and in a country or trunk prefix.
fn is_same_number(one: &str, other: &str) -> bool {
    const LONGEST_COUNTRY_CODE: usize = 3;
    const SHORTEST: usize = 6;
    let digits = |text: &str| -> String {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').to_owned()
    };
    let is_number = |text: &str| !text.chars().any(char::is_alphabetic);
    let (one, other) = (
        (digits(one), is_number(one)),
        (digits(other), is_number(other)),
    );
    let (long, short) = match one.0.len() < other.0.len() {
        true => (&other, &one),
        false => (&one, &other),
    };
    let prefix = long.0.strip_suffix(&*short.0);
    long.1
        && short.1
        && short.0.len() >= SHORTEST
        && prefix.is_some_and(|prefix| prefix.len() <= LONGEST_COUNTRY_CODE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::tests::Desk;

    const HEADER: &str = "external_id,first_name,last_name,email,salutation,bio,location,\
                          phone_number,membership_type\n";

    fn of(desk: &Desk, body: &Json, changed: &str, answer: &Json) -> Option<(bool, String)> {
        let call = Pending {
            row: 1,
            path: "/member/external/1/".into(),
            body: body.to_string().into_bytes(),
            changed: changed.into(),
            ..Pending::default()
        };
        let prepared = desk.prepared();
        let found = Applied::new(&prepared.checker).not_applied(&call, answer)?;
        let fields = found
            .message
            .to_string()
            .split(['(', ':'])
            .nth(1)
            .unwrap()
            .trim()
            .to_owned();
        Some((found.is_rejected, fields))
    }

    fn desk() -> Desk {
        let row = "E-1,Anna,Ek,a@x.se,Dr.,x,y,070-174 06 05,student\n";
        Desk::at(
            &crate::targets::text("pathwright").unwrap(),
            &format!("{HEADER}{row}"),
        )
    }

    #[test]
    fn a_sent_field_that_the_answer_does_not_show_is_named() {
        let desk = desk();
        let sent = json!({"first_name": "Anna", "last_name": "Ek", "profile": {"bio": "x"}});
        let changed = "first_name last_name bio";
        let check = |answer: Json| of(&desk, &sent, changed, &answer);
        let shown =
            json!({"id": 1, "first_name": "Anna", "last_name": "Ek", "profile": {"bio": "x"}});
        assert_eq!(check(shown), None);
        let one = json!({"first_name": "Anna", "last_name": "Berg", "profile": {"bio": "x"}});
        assert_eq!(check(one), Some((false, "last_name".into())));
        let absent = json!({"first_name": "Anna", "last_name": "Ek", "profile": {}});
        assert_eq!(check(absent), Some((false, "bio".into())));
        let old = json!({"first_name": "Eva", "last_name": "Berg", "profile": {"bio": null}});
        let all = "first_name, last_name, bio".to_owned();
        assert_eq!(check(old), Some((true, all)));
        // Values that were only sent along do not count as changes of the row.
        let kept = json!({"first_name": "Anna", "last_name": "Ek", "profile": {"bio": "old"}});
        assert_eq!(of(&desk, &sent, "bio", &kept), Some((true, "bio".into())));
        for no_record in [json!([]), json!(null), json!("ok")] {
            assert_eq!(check(no_record), None);
        }
    }

    #[test]
    fn a_permission_that_was_not_applied_is_a_refusal() {
        let desk = desk();
        let sent = json!({"first_name": "Anna", "membership": {"membership_type": "student"}});
        let changed = "first_name membership_type";
        let check = |answer: Json| of(&desk, &sent, changed, &answer);
        let name = || Some((true, "membership_type".to_owned()));
        let held = json!({"first_name": "Anna", "membership": {"membership_type": "admin"}});
        assert_eq!(check(held), name());
        assert_eq!(check(json!({"first_name": "Anna"})), name());
        let shown = json!({"first_name": "Anna", "membership": {"membership_type": "Student"}});
        assert_eq!(check(shown), None);
    }

    #[test]
    fn differences_of_form_do_not_count() {
        let desk = desk();
        for (sent, shown, is_same) in [
            (
                json!({"first_name": "Anna  Li"}),
                json!({"first_name": "anna li "}),
                true,
            ),
            (
                json!({"first_name": "\u{e5}sa"}),
                json!({"first_name": "a\u{30a}sa"}),
                true,
            ),
            (
                json!({"first_name": "Asa"}),
                json!({"first_name": "Åsa"}),
                false,
            ),
            (json!({"email": "A@x.se"}), json!({"email": "a@X.se"}), true),
            (json!({"email": null}), json!({"email": ""}), true),
            (json!({"email": null}), json!({"email": "a@x.se"}), false),
            (
                json!({"profile": {"bio": "a\r\nb"}}),
                json!({"profile": {"bio": "a\nb"}}),
                true,
            ),
            (
                json!({"profile": {"salutation": "Dr."}}),
                json!({"profile": {"salutation": "dr"}}),
                true,
            ),
            (
                json!({"profile": {"salutation": "Dr."}}),
                json!({"profile": {"salutation": "Mr."}}),
                false,
            ),
        ] {
            let changed = "first_name email bio salutation";
            assert_eq!(
                of(&desk, &sent, changed, &shown).is_none(),
                is_same,
                "{sent} {shown}"
            );
        }
        for (one, other, is_same) in [
            ("+46701740605", "070-174 06 05", true),
            ("0046701740605", "+46 70 174 06 05", true),
            ("+1 (864) 555-0123", "8645550123", true),
            ("8645550123", "8645550124", false),
            ("8645550123", "0123", false),
            ("8645550123", "", false),
            ("8645550123 x7", "8645550123 x8", false),
        ] {
            let sent = json!({"profile": {"phone_number": one}});
            let shown = json!({"profile": {"phone_number": other}});
            let found = of(&desk, &sent, "phone_number", &shown);
            assert_eq!(found.is_none(), is_same, "{one} {other}");
        }
    }

    #[test]
    fn optional_records_in_responses_are_compared() {
        let roster = "id,name,street\np1,Anna,S\n";
        let desk = Desk::new(roster);
        let sent = json!({"name": "Anna", "home": {"street": "S"}});
        let check = |answer: Json| of(&desk, &sent, "name street", &answer);
        assert_eq!(check(json!({"ok": true})), None);
        assert_eq!(check(json!({"name": "Anna"})), None);
        assert_eq!(check(json!({"name": "Eva"})), Some((false, "name".into())));
    }
}
