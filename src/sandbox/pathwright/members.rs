//! Storage of members by integration and identifier.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::sandbox::{SeedRow, merge, text_in};

/// The identity of a member: the integration and the id within it.
pub(super) type Key = (String, String);

/// The members by identity.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Members {
    by_key: BTreeMap<Key, Map<String, Json>>,
    /// Whether a member that clients cannot set is refused. The documentation does not say; the framework
    /// ignores it.
    pub(in crate::sandbox) is_strict: bool,
}

/// Error messages by field, in the framework's format.
#[derive(Debug, PartialEq)]
pub(super) struct Messages(pub(super) Map<String, Json>);

const SALUTATIONS: [&str; 8] = [
    "Mr.",
    "Mrs.",
    "Ms.",
    "Dr.",
    "Fr.",
    "Professor",
    "Rev.",
    "Rabbi",
];
const SETTABLE: [&str; 5] = ["first_name", "last_name", "email", "profile", "membership"];
const PROFILE: [&str; 4] = ["salutation", "bio", "location", "phone_number"];
const MEMBERSHIPS: [&str; 3] = ["admin", "pathwright", "student"];

impl Members {
    pub(in crate::sandbox) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(in crate::sandbox) fn dump(&self) -> Json {
        let members = self.by_key.iter();
        Json::Object(
            members
                .map(|((integration, id), member)| (format!("{integration}/{id}"), json!(member)))
                .collect(),
        )
    }

    /// Returns the links of all members, in the order of their keys.
    pub(super) fn links(&self) -> impl Iterator<Item = &Json> {
        let links = self
            .by_key
            .values()
            .filter_map(|member| member.get("links"));
        links.filter_map(Json::as_array).flatten()
    }

    /// Merges `change` into a member, or returns `None` if there is no such member.
    pub(super) fn update(
        &mut self,
        key: &Key,
        change: &Json,
        now: &str,
    ) -> Option<Result<Json, Messages>> {
        let member = self.by_key.get_mut(key)?;
        let signs_on = key.0 == "saml2";
        let is_strict = self.is_strict;
        Some(judge(change, member, (signs_on, is_strict)).map(|change| {
            merge(member, &change);
            if let Some(Json::Array(links)) = member.get_mut("links") {
                for link in links {
                    link["last_external_update"] = json!(now);
                }
            }
            Json::Object(member.clone())
        }))
    }
}

/// Returns the members that a client sets, or error messages.
fn judge(
    change: &Json,
    member: &Map<String, Json>,
    (signs_on, is_strict): (bool, bool),
) -> Result<Map<String, Json>, Messages> {
    let mut messages = Map::new();
    let Json::Object(change) = change else {
        messages.insert(
            "non_field_errors".into(),
            json!(["Invalid data. Expected a dictionary."]),
        );
        return Err(Messages(messages));
    };
    let not_settable = || is_strict.then(|| "This field cannot be set.".to_owned());
    for (name, value) in change {
        let message = match (name.as_str(), value) {
            ("first_name" | "last_name", value) => text_fault(value),
            ("email", value) => text_fault(value).or_else(|| {
                let text = value.as_str().unwrap_or_default();
                if !text.contains('@') {
                    Some("Enter a valid email address.".into())
                } else if !signs_on && member.get("email") != Some(value) {
                    Some("The email of a member without single sign-on can't be changed.".into())
                } else {
                    None
                }
            }),
            ("profile", Json::Object(profile)) => {
                messages.extend(nested(name, profile, |name, value| match name {
                    "salutation" => choice_fault(value, &SALUTATIONS),
                    "bio" | "location" | "phone_number" => text_fault(value),
                    _ => not_settable(),
                }));
                continue;
            }
            ("membership", Json::Object(membership)) => {
                messages.extend(nested(name, membership, |name, value| match name {
                    "membership_type" => choice_fault(value, &MEMBERSHIPS),
                    _ => not_settable(),
                }));
                continue;
            }
            ("profile" | "membership", _) => Some("Invalid data. Expected a dictionary.".into()),
            // The framework ignores members that are unknown or that clients cannot set.
            _ => not_settable(),
        };
        if let Some(message) = message {
            messages.insert(name.clone(), json!([message]));
        }
    }
    if !messages.is_empty() {
        return Err(Messages(messages));
    }
    let mut own = change.clone();
    own.retain(|name, value| {
        match (name.as_str(), value) {
            ("profile", Json::Object(profile)) => {
                profile.retain(|name, _| PROFILE.contains(&name.as_str()));
            }
            ("membership", Json::Object(membership)) => {
                membership.retain(|name, _| name == "membership_type");
            }
            _ => {}
        }
        SETTABLE.contains(&name.as_str())
    });
    Ok(own)
}

/// Returns the messages about the members of an object, under the object's name.
fn nested(
    name: &str,
    object: &Map<String, Json>,
    fault: impl Fn(&str, &Json) -> Option<String>,
) -> Option<(String, Json)> {
    let faults = object.iter();
    let faults: Map<String, Json> = faults
        .filter_map(|(name, value)| Some((name.clone(), json!([fault(name, value)?]))))
        .collect();
    (!faults.is_empty()).then(|| (name.to_owned(), Json::Object(faults)))
}

fn text_fault(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if text.is_empty() => Some("This field may not be blank.".into()),
        Json::String(_) => None,
        Json::Null => Some("This field may not be null.".into()),
        _ => Some("Not a valid string.".into()),
    }
}

fn choice_fault(value: &Json, choices: &[&str]) -> Option<String> {
    match value.as_str() {
        Some(text) if choices.contains(&text) => None,
        Some(text) => Some(format!("\"{text}\" is not a valid choice.")),
        None => Some("Not a valid string.".into()),
    }
}

/// When the links were last updated before the import.
const LAST_UPDATE: &str = "2026-01-15T08:00:00Z";

/// Creates members that could precede the roster: every third one has another city, and from a hundred rows
/// on, three are missing.
pub(in crate::sandbox) fn seed(rows: &[SeedRow]) -> Members {
    let mut members = Members::default();
    for (number, row) in rows.iter().enumerate() {
        let text = |name: &str| text_in(row, name);
        let Some(id) = text("external_id") else {
            continue;
        };
        if rows.len() >= 100 && number % (rows.len() / 3) == rows.len() / 6 {
            continue;
        }
        let integration = text("integration").unwrap_or("external");
        let older = number % 3 == 0;
        let value = |name: &str| text(name).map_or(Json::Null, |text| json!(text));
        let location = if older {
            json!("Old Town")
        } else {
            value("location")
        };
        let member = json!({
            "id": number + 1,
            "first_name": value("first_name"),
            "last_name": value("last_name"),
            "email": value("email"),
            "profile": {
                "salutation": value("salutation"),
                "bio": value("bio"),
                "location": location,
                "phone_number": value("phone_number"),
            },
            "membership": {"membership_type": "student"},
            "links": [{
                "id": number + 1,
                "user": number + 1,
                "link_type": integration,
                "external_id": id,
                "last_external_update": LAST_UPDATE,
            }],
        });
        let key = (integration.to_owned(), id.to_owned());
        if let Json::Object(member) = member {
            members.by_key.insert(key, member);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-02-01T08:00:00Z";

    #[test]
    fn links_are_as_documented_and_read_only_members_are_ignored() {
        let mut members = members();
        let link = members.links().nth(1).unwrap().clone();
        assert_eq!(
            link,
            json!({"id": 2, "user": 2, "link_type": "saml2", "external_id": "2",
                   "last_external_update": LAST_UPDATE})
        );
        let key = ("saml2".to_owned(), "2".to_owned());
        let body = json!({"id": 9, "links": [], "nickname": "x", "first_name": "Bo",
                          "profile": {"bio": "a", "age": 3}});
        let member = members.update(&key, &body, NOW).unwrap().unwrap();
        assert_eq!(
            (&member["id"], &member["first_name"]),
            (&json!(2), &json!("Bo"))
        );
        assert_eq!(member["links"][0]["last_external_update"], NOW);
        assert!(member.get("nickname").is_none() && member["profile"].get("age").is_none());
    }

    fn members() -> Members {
        let row = |id: &str, integration: &str| -> SeedRow {
            [
                ("external_id", id),
                ("integration", integration),
                ("email", "a@x.se"),
            ]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into()
        };
        seed(&[row("1", "external"), row("2", "saml2")])
    }

    #[test]
    fn an_update_is_merged_and_validated_by_field() {
        let mut members = members();
        let key = ("external".to_owned(), "1".to_owned());
        let body = json!({"first_name": "Åsa", "profile": {"salutation": "Dr."}});
        let member = members.update(&key, &body, NOW).unwrap().unwrap();
        assert_eq!(member["profile"]["salutation"], "Dr.");
        assert!(
            member["profile"].get("bio").is_some(),
            "the rest is still there"
        );
        let body =
            json!({"first_name": "", "profile": {"salutation": "Sir"}, "id": 1, "email": "b@x.se"});
        let Messages(messages) = members.update(&key, &body, NOW).unwrap().unwrap_err();
        assert_eq!(
            messages["profile"]["salutation"],
            json!(["\"Sir\" is not a valid choice."])
        );
        assert_eq!(messages.len(), 3, "a read-only member is ignored");
        assert!(
            members
                .update(&("external".into(), "9".into()), &body, NOW)
                .is_none()
        );
        members.is_strict = true;
        for body in [
            json!({"id": 1}),
            json!({"profile": {"age": 7}}),
            json!({"membership": {"since": "2020"}}),
        ] {
            let answer = members.update(&key, &body, NOW).unwrap();
            assert!(answer.is_err(), "{body} is refused");
        }
        members.is_strict = false;
        let key = ("saml2".to_owned(), "2".to_owned());
        assert!(
            members
                .update(&key, &json!({"email": "b@x.se"}), NOW)
                .unwrap()
                .is_ok()
        );
    }
}
