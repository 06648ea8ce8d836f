use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::l10n::{number, rows, say};
use crate::model::{Call, Lines, hex};

/// What a plan was to send, as far as it must be known to tell whether another one sends the same:
/// it holds nobody's values, though who knows a record and guesses its values can tell whether the guess
/// was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// Which form the file has.
    pub version: u32,
    /// The target's name.
    pub target: String,
    /// The address; of a sandbox of the program's own, which has another each time, `sandbox`.
    pub address: String,
    /// SHA-256 of the roster.
    pub sha256: String,
    /// What is to be sent, by row: a digest of the path, the body, and what the record held.
    pub rows: BTreeMap<u64, String>,
}

/// The form of the file that this version writes.
pub const SAVED_PLAN: u32 = 1;

/// Rows that are named, of those that differ.
const NAMED: usize = 10;

impl SavedPlan {
    /// Takes a row's call into the plan.
    pub fn add(&mut self, call: &Call) {
        let mut hash = Sha256::new();
        for part in [call.path.as_bytes(), &call.body, call.changed.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        for change in &call.changes {
            hash.update(change.field.as_bytes());
            let from = change.from.as_ref().map(ToString::to_string);
            for text in [from.unwrap_or_default(), change.to.to_string()] {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        self.rows.insert(call.at.row, hex(&hash.finalize()[..12]));
    }

    /// What is different in `now` from what was planned, for a person; nothing if it is the same.
    /// `lines` has the number that the spreadsheet shows beside each row.
    pub fn difference(&self, now: &SavedPlan, lines: &Lines) -> Option<String> {
        if (&self.target, &self.address) != (&now.target, &now.address) {
            let place = |plan: &SavedPlan| format!("{} ({})", plan.address, plan.target);
            return Some(say().saved_place(place(self), place(now)));
        }
        if self.sha256 != now.sha256 {
            return Some(say().saved_roster());
        }
        let mut differing: Vec<u64> = self
            .rows
            .iter()
            .filter(|(row, digest)| now.rows.get(row) != Some(digest))
            .chain(
                now.rows
                    .iter()
                    .filter(|(row, _)| !self.rows.contains_key(row)),
            )
            .map(|(row, _)| *row)
            .collect();
        if differing.is_empty() {
            return None;
        }
        differing.sort_unstable();
        let named = differing.iter().take(NAMED);
        let mut named: Vec<String> = named.map(|row| number(lines.line_of(*row))).collect();
        if differing.len() > NAMED {
            named.push("…".to_owned());
        }
        let amount = rows(differing.len() as u64);
        Some(say().saved_rows(amount, named.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::model::{Change, RowAt};

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
            fingerprint: None,
            note: String::new(),
        }
    }

    #[test]
    fn a_plan_that_sends_the_same_is_the_same() {
        let planned = plan(&[call(1), call(2)]);
        let again = Call {
            note: "restored".to_owned(),
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
    fn whatever_a_request_does_otherwise_is_a_difference() {
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
        // What leaves one part for its neighbour is not the same either.
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
    fn rows_that_differ_are_named_by_the_number_beside_them() {
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
    fn another_target_address_or_roster_is_named_before_any_row() {
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
}
