//! Rules for which values of a record a roster overwrites.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::l10n::say;
use crate::model::worded;
use crate::targets::{FieldSpec, ListMode};

worded! {
    /// The policy for a conflict: a field that differs from both its last written value and the roster's value.
    #[derive(Default, Deserialize)]
    pub enum ConflictPolicy {
        /// The roster's value overwrites the field.
        #[default]
        Roster = "roster",
        /// The field keeps its value.
        Theirs = "theirs",
        /// The run is held for a decision before anything is sent.
        Ask = "ask",
    }
}

impl fmt::Display for ConflictPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConflictPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<ConflictPolicy, String> {
        ConflictPolicy::of_word(text).ok_or_else(|| {
            let known = ConflictPolicy::ALL.map(ConflictPolicy::as_str);
            say().value_none_of(text, known.join(", "))
        })
    }
}

/// The rules for which values of a record the roster overwrites.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditRules {
    /// The policy of fields that are not in `by_field`.
    pub conflicts: ConflictPolicy,
    /// The policies of individual fields, by name.
    pub by_field: BTreeMap<String, ConflictPolicy>,
    /// Fields that are never overwritten once they have a value.
    pub protect: BTreeSet<String>,
    /// Fields that are set only if they are empty.
    pub fill: BTreeSet<String>,
}

/// The reason why a field keeps its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The field is protected.
    Protected,
    /// The field is set only if it is empty.
    Filled,
}

impl EditRules {
    /// The conflict policy of a field.
    pub fn policy_of(&self, field: &str) -> ConflictPolicy {
        self.by_field.get(field).copied().unwrap_or(self.conflicts)
    }

    /// Whether any policy requires a decision.
    pub fn asks(&self) -> bool {
        self.policies().any(|policy| policy == ConflictPolicy::Ask)
    }

    /// Whether the rules require reading records.
    pub fn need_records(&self) -> bool {
        !self.protect.is_empty()
            || !self.fill.is_empty()
            || self
                .policies()
                .any(|policy| policy != ConflictPolicy::Roster)
    }

    /// The reason why a field with the value `held` keeps it, regardless of the value's origin.
    pub fn keeps(&self, field: &FieldSpec, held: &Json) -> Option<Kept> {
        if is_empty(held) {
            return None;
        }
        // Adding to a list overwrites nothing.
        let adds = field.is_list() && field.mode() == ListMode::Add;
        if self.protect.contains(field.name()) && !adds {
            return Some(Kept::Protected);
        }
        self.fill.contains(field.name()).then_some(Kept::Filled)
    }

    fn policies(&self) -> impl Iterator<Item = ConflictPolicy> {
        self.by_field.values().copied().chain([self.conflicts])
    }
}

/// Whether a field of a record has no value.
fn is_empty(held: &Json) -> bool {
    match held {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::tests::registry;

    #[test]
    fn a_fields_policy_takes_precedence_over_the_default() {
        let rules = EditRules {
            conflicts: ConflictPolicy::Ask,
            by_field: BTreeMap::from([("city".to_owned(), ConflictPolicy::Theirs)]),
            ..EditRules::default()
        };
        assert_eq!(rules.policy_of("city"), ConflictPolicy::Theirs);
        assert_eq!(rules.policy_of("mobile"), ConflictPolicy::Ask);
        assert!(rules.asks() && rules.need_records());
        assert!(!EditRules::default().need_records());
    }

    #[test]
    fn only_non_empty_fields_keep_their_value() {
        let spec = registry();
        let field = |name: &str| &spec.fields[spec.field(name).unwrap()];
        let rules = EditRules {
            protect: BTreeSet::from(["city".to_owned()]),
            fill: BTreeSet::from(["mobile".to_owned()]),
            ..EditRules::default()
        };
        assert!(rules.need_records());
        for (name, held, kept) in [
            ("city", json!("Lund"), Some(Kept::Protected)),
            ("mobile", json!("070"), Some(Kept::Filled)),
            ("surname", json!("Ek"), None),
            ("city", json!(null), None),
            ("city", json!(" "), None),
            ("mobile", json!([]), None),
            ("city", json!(false), Some(Kept::Protected)),
        ] {
            assert_eq!(rules.keeps(field(name), &held), kept, "{name} {held}");
        }
    }

    #[test]
    fn conflict_policies_round_trip_through_text() {
        for policy in ConflictPolicy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        let error = "mine".parse::<ConflictPolicy>().unwrap_err();
        assert!(error.contains("roster, theirs, ask"), "{error}");
    }
}
