//! A snapshot stores keyed hashes of records instead of values.

use std::borrow::Cow;
use std::hash::Hasher;

use serde_json::Value as Json;
use siphasher::sip::SipHasher24;

use crate::check::Checker;
use crate::journal::RecordFingerprints;
use crate::plan::{LookUp, Renumber, Values};
use crate::targets::{FieldSpec, Place};

/// Bytes of a hash.
const PRINT: usize = 8;

/// The kind of a hashed value. Hashes of different kinds never collide by design.
#[derive(Debug, Clone, Copy)]
enum Of {
    /// A value in the normal form of a cell.
    Value = 1,
    /// A value as received, which no cell can be compared with.
    Raw = 2,
    /// A text in lower case.
    Lower = 3,
    /// A normalized key or unique value.
    Holder = 4,
}

/// Computes the hashes. The key is derived from the credentials of the API, so values cannot be guessed from the
/// hashes without them.
pub struct Fingerprinter<'a> {
    checker: &'a Checker,
    /// Look-ups by each key.
    keys: Vec<LookUp>,
    by_id: LookUp,
    /// The renumbering that the target describes.
    renumber: Option<Renumber>,
    hasher: SipHasher24,
    /// By field, the offset of its hash in those of a record.
    places: Vec<Option<usize>>,
}

impl<'a> Fingerprinter<'a> {
    /// Hashes with this key; none if the target does not say how changes are found.
    pub fn new(checker: &'a Checker, key: &[u8; 16]) -> Option<Fingerprinter<'a>> {
        let spec = checker.spec();
        let by_id = LookUp::new(spec, spec.key_field()?)?.by_id()?;
        let keys = spec.keys().into_iter();
        let mut end = 0;
        let place = |field: &FieldSpec| {
            let start = end;
            end += match field.place {
                Place::Body if field.ignore_case => 2 * PRINT,
                Place::Body => PRINT,
                Place::Path => return None,
            };
            Some(start)
        };
        Some(Fingerprinter {
            checker,
            keys: keys.filter_map(|key| LookUp::new(spec, key)).collect(),
            by_id,
            renumber: Renumber::of(spec),
            hasher: SipHasher24::new_with_key(key),
            places: spec.fields.iter().map(place).collect(),
        })
    }

    /// Look-ups by a record's own id.
    pub fn by_id(&self) -> &LookUp {
        &self.by_id
    }

    fn print(&self, of: Of, field: usize, text: &str) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u8(of as u8);
        hasher.write_usize(field);
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    /// The hash that finds the record with the normalized value `text`.
    pub(super) fn holder(&self, field: usize, text: &str) -> i64 {
        self.print(Of::Holder, field, text).cast_signed()
    }

    /// The pseudo-field, and the hash in it, by which the records with a temporary number and this date of birth are
    /// found.
    pub(super) fn provisional(&self, birth: u32) -> (usize, i64) {
        let field = self.checker.spec().fields.len();
        (field, self.holder(field, &birth.to_string()))
    }

    /// A record's hashes; none for a record without an id.
    pub fn of(&self, record: &Json) -> Option<RecordFingerprints> {
        let id = self.by_id.id_of(record)?;
        let spec = self.checker.spec();
        let mut prints = Vec::with_capacity(2 * PRINT * spec.fields.len());
        let mut holds = Vec::new();
        let mut hold = |field: usize, held: &Json| {
            if let Some(text) = comparable(self.checker, field, held) {
                holds.push((field, self.holder(field, &text)));
            }
        };
        for (index, field) in spec.fields.iter().enumerate() {
            if field.place != Place::Body {
                continue;
            }
            let held = field.pointer.get(record);
            prints.extend(self.of_value(index, held.as_ref().ok(), record));
            if let Ok(Some(held)) = held
                && field.unique
            {
                hold(index, &held);
            }
        }
        for look_up in &self.keys {
            let is_unique = spec.fields[look_up.key()].unique;
            if let Some(key) = look_up.key_of(record)
                && !(is_unique && spec.fields[look_up.key()].place == Place::Body)
            {
                hold(look_up.key(), &key);
            }
        }
        let how = self.renumber.as_ref();
        let how = how.filter(|how| how.is_provisional(spec, record));
        let birth = how.and_then(|how| how.birth_of_record(spec, record));
        holds.extend(birth.map(|birth| self.provisional(birth)));
        Some(RecordFingerprints { id, prints, holds })
    }

    /// The hashes of a record's value of one field; `held` is `None` if the element of a list is ambiguous.
    fn of_value(
        &self,
        index: usize,
        held: Option<&Option<Cow<'_, Json>>>,
        record: &Json,
    ) -> Vec<u8> {
        let field = &self.checker.spec().fields[index];
        let null = Json::Null;
        let stem = || field.pointer.stem_in(record).unwrap_or(&null).to_string();
        let raw = |text: String| (self.print(Of::Raw, index, &text), 0);
        let protected = self.checker.spec().protected.as_ref();
        let (print, lower) = match held {
            // The row of a protected record is withheld, so the record must be read.
            _ if protected.is_some_and(|mark| mark.marks(record)) => raw(stem()),
            None => raw(stem()),
            Some(_) if field.is_list() || field.pointer.is_in_list() => raw(stem()),
            Some(held) => {
                let held = held.as_deref().unwrap_or(&null);
                let normal = self.checker.normalised(index, held);
                match normal != *held && !field.choices.is_empty() {
                    // The meaning may depend on the roster's own words.
                    true => raw(held.to_string()),
                    false => (
                        self.print(Of::Value, index, &normal.to_string()),
                        held.as_str().map_or(0, |text| self.lower(index, text)),
                    ),
                }
            }
        };
        let mut prints = print.to_le_bytes().to_vec();
        if field.ignore_case {
            prints.extend(lower.to_le_bytes());
        }
        prints
    }

    fn lower(&self, field: usize, text: &str) -> u64 {
        self.print(Of::Lower, field, &text.to_lowercase())
    }

    /// Whether a record with these hashes certainly holds all values of a row. If not, it must be read.
    pub(super) fn holds_all(&self, prints: &[u8], values: &Values) -> bool {
        let spec = self.checker.spec();
        let at = |place: usize| {
            let bytes = prints.get(place..place + PRINT)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let mut said = values
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Some((index, self.places[index]?, value.as_ref()?)));
        said.all(|(index, place, value)| {
            let field = &spec.fields[index];
            let meant = value.to_json();
            if field.is_list() || field.pointer.is_in_list() || meant == "" {
                return false;
            }
            let is_same = at(place) == Some(self.print(Of::Value, index, &meant.to_string()));
            let is_lower = || {
                let lower = meant.as_str().map(|text| self.lower(index, text));
                field.ignore_case && lower.is_some() && at(place + PRINT) == lower
            };
            is_same || is_lower()
        })
    }
}

/// Normalizes a field's value for comparison between records; e-mail addresses ignore case.
pub fn comparable(checker: &Checker, field: usize, held: &Json) -> Option<String> {
    let text = match checker.normalised(field, held) {
        Json::String(text) => text,
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(match checker.spec().fields[field].folds_case() {
        true => text.to_lowercase(),
        false => text,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::check::CheckOptions;
    use crate::map::{ColumnMap, MapOptions};
    use crate::model::Value;

    fn checker() -> Checker {
        let text = crate::targets::text("meitner").unwrap();
        let text = text.replace(
            "pointer = \"/emailAddress1\"",
            "pointer = \"/emailAddress1\"\nignore_case = true",
        );
        checker_of(&text)
    }

    fn checker_of(text: &str) -> Checker {
        let spec = Arc::new(crate::targets::parse("meitner.toml", text).unwrap());
        let options = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let map = ColumnMap::new(&["identity_number".to_owned()], &spec, &options).unwrap();
        let options = CheckOptions::new("2026-08-01".parse().unwrap());
        Checker::new(spec, Arc::new(map), options)
    }

    #[test]
    fn a_record_matches_a_row_only_with_certainty() {
        let checker = checker();
        let fingerprinter = Fingerprinter::new(&checker, &[7; 16]).unwrap();
        let spec = checker.spec();
        let record = json!({
            "id": "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11", "firstName": "Åsa", "gender": "Kvinna",
            "phoneNumber1": "070-174 06 05", "emailAddress1": "Asa@Example.se", "emailAddress2": " ",
        });
        let prints = fingerprinter.of(&record).unwrap().prints;
        for (field, value, expected) in [
            ("first_name", Value::Text("Åsa"), true),
            ("first_name", Value::Text("åsa"), false),
            ("last_name", Value::Null, true),
            ("last_name", Value::Text(""), false),
            // In whatever form the record has it.
            ("phone_number1", Value::Text("+46701740605"), true),
            ("email_address1", Value::Text("asa@example.se"), true),
            ("email_address1", Value::Text("eva@example.se"), false),
            ("email_address2", Value::Null, true),
            // Its meaning depends on the words of the roster.
            ("gender", Value::Text("Female"), false),
        ] {
            let mut values: Values = vec![None; spec.fields.len()];
            values[spec.field(field).unwrap()] = Some(value.into_owned());
            assert_eq!(
                fingerprinter.holds_all(&prints, &values),
                expected,
                "{field}"
            );
        }
        // A row that also has another value.
        let mut values: Values = vec![None; spec.fields.len()];
        values[spec.field("first_name").unwrap()] = Some(Value::Text("Åsa").into_owned());
        values[spec.field("last_name").unwrap()] = Some(Value::Text("Ek").into_owned());
        assert!(!fingerprinter.holds_all(&prints, &values));
    }

    #[test]
    fn records_with_a_protection_mark_are_always_read() {
        let text = crate::targets::text("meitner").unwrap();
        let table = "[protected]\npointer = \"/securityMarking\"\nvalues = [\"true\"]\n";
        let checker = checker_of(&format!("{text}\n{table}"));
        let fingerprinter = Fingerprinter::new(&checker, &[7; 16]).unwrap();
        let mut values: Values = vec![None; checker.spec().fields.len()];
        let first_name = checker.spec().field("first_name").unwrap();
        values[first_name] = Some(Value::Text("Åsa").into_owned());
        for (marking, expected) in [(json!(false), true), (json!(true), false)] {
            let record = json!({"id": "a", "firstName": "Åsa", "securityMarking": marking});
            let prints = fingerprinter.of(&record).unwrap().prints;
            assert_eq!(
                fingerprinter.holds_all(&prints, &values),
                expected,
                "{record}"
            );
        }
    }

    #[test]
    fn every_field_counts_and_the_key_decides() {
        let checker = checker();
        let fingerprinter = Fingerprinter::new(&checker, &[7; 16]).unwrap();
        let record = json!({"id": "a", "firstName": "Åsa", "address": {"postalCity": "Solna"}});
        let own = fingerprinter.of(&record).unwrap();
        assert_eq!(fingerprinter.of(&record).unwrap(), own);
        for (pointer, value) in [
            ("/firstName", json!("Eva")),
            ("/address/postalCity", json!(null)),
            ("/address", json!(null)),
        ] {
            let mut other = record.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert_ne!(
                fingerprinter.of(&other).unwrap().prints,
                own.prints,
                "{pointer}"
            );
        }
        let other = Fingerprinter::new(&checker, &[8; 16])
            .unwrap()
            .of(&record)
            .unwrap();
        assert_ne!(other.prints, own.prints);
        assert_ne!(other.holds, own.holds);
        assert_eq!(fingerprinter.of(&json!({"firstName": "Åsa"})), None);
    }
}
