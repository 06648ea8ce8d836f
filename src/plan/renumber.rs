//! Renumbering assigns a new identity number to a person's record if all other identifying values agree.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::difference::Values;
use super::identity::{is_similar, plausible_birth};
use crate::model::Value;
use crate::targets::TargetSpec;

/// The fields of a target that renumbering uses, by position.
#[derive(Debug, Clone)]
pub struct Renumber {
    number: usize,
    temporary: usize,
    coordination: bool,
    /// The fields that find a record under another identity number.
    pub by: Vec<usize>,
    first_name: usize,
    last_name: usize,
    birth_date: Option<usize>,
}

/// The reason why a row and a record with a temporary number may be different persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// The names are dissimilar.
    Name,
    /// The dates of birth differ.
    Birth,
    /// Several records match.
    Several,
    /// Another row matches the same record.
    Twice,
}

/// The kind of an identity number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Personal,
    Coordination,
    Other,
}

fn kind_of(number: &str) -> Kind {
    let digits: Vec<u8> = number.bytes().filter(|byte| *byte != b'-').collect();
    if digits.len() != 12 || !digits.iter().all(u8::is_ascii_digit) {
        return Kind::Other;
    }
    match (digits[6] - b'0') * 10 + digits[7] - b'0' {
        1..=31 => Kind::Personal,
        60..=91 => Kind::Coordination,
        _ => Kind::Other,
    }
}

impl Renumber {
    /// Creates the renumbering that a target describes. Returns `None` if it describes none.
    pub fn of(spec: &TargetSpec) -> Option<Renumber> {
        let (own, person) = (spec.renumbering.as_ref()?, spec.person.as_ref()?);
        let by = own.by.iter().filter_map(|name| spec.field(name));
        Some(Renumber {
            number: spec.field(&own.number)?,
            temporary: spec.field(&own.temporary)?,
            coordination: own.coordination,
            by: by.collect(),
            first_name: spec.field(&person.first_name)?,
            last_name: spec.field(&person.last_name)?,
            birth_date: person.birth_date.as_ref().and_then(|name| spec.field(name)),
        })
    }

    /// The position of the identity number's field.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Whether a record has a temporary number, or a coordination number if the target replaces those.
    pub fn is_provisional(&self, spec: &TargetSpec, record: &Json) -> bool {
        let is_coordination = || kind_of(&held(spec, record, self.number)) == Kind::Coordination;
        is_true(spec, record, self.temporary) || self.coordination && is_coordination()
    }

    /// Whether the row's number can replace the record's: a personal number, or a coordination number that
    /// replaces a temporary one.
    pub fn can_replace(&self, spec: &TargetSpec, values: &Values, record: &Json) -> bool {
        match kind_of(&text(values, self.number)) {
            Kind::Personal => true,
            Kind::Coordination => kind_of(&held(spec, record, self.number)) != Kind::Coordination,
            Kind::Other => false,
        }
    }

    /// Whether a row has a final number and does not mark it as temporary.
    pub fn is_final(&self, values: &Values) -> bool {
        let is_temporary = matches!(values[self.temporary], Some(Value::Bool(true)));
        !is_temporary && kind_of(&text(values, self.number)) != Kind::Other
    }

    /// Marks the row's number as not temporary.
    pub fn make_final(&self, values: &mut Values) {
        values[self.temporary] = Some(Value::Bool(false));
    }

    /// The reason why a row and a record may be different persons, if there is one.
    pub fn disagrees(
        &self,
        spec: &TargetSpec,
        values: &Values,
        record: &Json,
    ) -> Option<Disagreement> {
        let names = [self.first_name, self.last_name];
        let of_row = names.map(|field| text(values, field));
        let of_record = names.map(|field| held(spec, record, field));
        let alike = |at: usize| is_similar(&of_row[at], &of_record[at]);
        let is_one = is_similar(&of_row.join(" "), &of_record.join(" "));
        if !(is_one || alike(0) && alike(1)) {
            return Some(Disagreement::Name);
        }
        let births = self.births_of_row(values).into_iter();
        let births = births.chain(self.births_of_record(spec, record));
        let births: BTreeSet<u32> = births.collect();
        (births.len() > 1).then_some(Disagreement::Birth)
    }

    /// The row's date of birth as a number of the form YYYYMMDD.
    pub fn birth_of_row(&self, values: &Values) -> Option<u32> {
        self.births_of_row(values).first().copied()
    }

    /// The record's date of birth as a number of the form YYYYMMDD.
    pub fn birth_of_record(&self, spec: &TargetSpec, record: &Json) -> Option<u32> {
        self.births_of_record(spec, record).first().copied()
    }

    fn births_of_row(&self, values: &Values) -> Vec<u32> {
        let date = self.birth_date.map(|field| text(values, field));
        births(date, &text(values, self.number))
    }

    fn births_of_record(&self, spec: &TargetSpec, record: &Json) -> Vec<u32> {
        let date = self.birth_date.map(|field| held(spec, record, field));
        births(date, &held(spec, record, self.number))
    }
}

/// The position of the field that would still mark a record's number as temporary after an update with a
/// final number, if there is one.
pub fn left_temporary(spec: &TargetSpec, values: &Values, record: &Json) -> Option<usize> {
    spec.number_marks().find_map(|(index, temporary)| {
        let number = text(values, index);
        let is_left = match kind_of(&number) {
            Kind::Personal => true,
            // If the number does not change, the API's marking may be more recent than the roster.
            Kind::Coordination => number != held(spec, record, index),
            Kind::Other => false,
        };
        (is_left && values[temporary].is_none() && is_true(spec, record, temporary))
            .then_some(temporary)
    })
}

fn births(date: Option<String>, number: &str) -> Vec<u32> {
    let date = date.unwrap_or_default().replace('-', "");
    let texts = [date.as_str(), number].into_iter();
    texts.filter_map(plausible_birth).collect()
}

fn is_true(spec: &TargetSpec, record: &Json, field: usize) -> bool {
    let held = spec.fields[field].pointer.get(record).ok().flatten();
    held.is_some_and(|held| *held == Json::Bool(true))
}

fn held(spec: &TargetSpec, record: &Json, field: usize) -> String {
    let held = spec.fields[field].pointer.get(record).ok().flatten();
    held.and_then(|held| held.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn text(values: &Values, field: usize) -> String {
    let value = values[field].as_ref();
    value.map_or(String::new(), |value| value.as_text().into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(spec: &TargetSpec, cells: &[(&str, &str)]) -> Values {
        let mut values: Values = vec![None; spec.fields.len()];
        for (name, text) in cells {
            values[spec.field(name).unwrap()] = Some(Value::Rewritten((*text).into()));
        }
        values
    }

    #[test]
    fn a_renumbered_person_must_agree_in_name_and_birth_date() {
        let spec = crate::targets::load("meitner").unwrap();
        let how = Renumber::of(&spec).unwrap();
        let record = |number: &str, temporary: bool| {
            json!({
                "identityNumber": number, "identityTemporary": temporary,
                "firstName": "Åsa", "lastName": "Ek", "dateOfBirth": null,
            })
        };
        let old = record("20150101-TF01", true);
        let of = |number: &str, first: &str, last: &str| {
            row(
                &spec,
                &[
                    ("identity_number", number),
                    ("first_name", first),
                    ("last_name", last),
                ],
            )
        };
        let disagrees = |values: &Values| how.disagrees(&spec, values, &old);
        assert_eq!(disagrees(&of("20150101-2383", "Aasa", "Ek")), None);
        assert_eq!(disagrees(&of("20150101-2383", "Åsa Maria", "Ek")), None);
        let other = of("20150101-2383", "Kim", "Ek");
        assert_eq!(disagrees(&other), Some(Disagreement::Name));
        let other = of("20150102-2383", "Åsa", "Ek");
        assert_eq!(disagrees(&other), Some(Disagreement::Birth));
        let mut dated = of("20150101-2383", "Åsa", "Ek");
        dated[spec.field("date_of_birth").unwrap()] = Some(Value::Text("2015-01-02"));
        assert_eq!(disagrees(&dated), Some(Disagreement::Birth));
        // A regional number does not begin with a date.
        let region = record("99150101-2383", true);
        let same = of("20150101-2383", "Åsa", "Ek");
        assert_eq!(how.disagrees(&spec, &same, &region), None);
        assert_eq!(how.birth_of_record(&spec, &region), None);
        assert_eq!(how.birth_of_record(&spec, &old), Some(20_150_101));
        let coordination = record("20150161-2383", false);
        assert_eq!(how.disagrees(&spec, &same, &coordination), None);
    }

    #[test]
    fn a_temporary_or_coordination_number_is_replaced_by_a_final_one() {
        let spec = crate::targets::load("meitner").unwrap();
        let how = Renumber::of(&spec).unwrap();
        let record = |number: &str, temporary: bool| json!({"identityNumber": number, "identityTemporary": temporary});
        for (number, temporary, is) in [
            ("20150101-TF01", true, true),
            ("20150101-2383", true, true),
            ("20150161-2383", false, true),
            ("20150101-2383", false, false),
            ("20150101-TF01", false, false),
        ] {
            let record = record(number, temporary);
            assert_eq!(how.is_provisional(&spec, &record), is, "{number}");
        }
        let old = [
            record("20150101-TF01", true),
            record("20150161-2383", false),
        ];
        for (number, replaces) in [
            ("20150101-2383", [true, true]),
            ("20150161-2383", [true, false]),
            ("20150101-TF02", [false, false]),
            ("", [false, false]),
        ] {
            let values = row(&spec, &[("identity_number", number)]);
            let can = [0, 1].map(|at| how.can_replace(&spec, &values, &old[at]));
            assert_eq!(can, replaces, "{number}");
        }
        let mut temporary = row(&spec, &[("identity_number", "20150101-2383")]);
        assert!(how.is_final(&temporary));
        temporary[how.temporary] = Some(Value::Bool(true));
        assert!(!how.is_final(&temporary));
        how.make_final(&mut temporary);
        assert!(how.is_final(&temporary));
    }

    #[test]
    fn a_final_number_requires_clearing_the_temporary_mark() {
        let spec = crate::targets::load("meitner").unwrap();
        let mark = spec.field("identity_temporary");
        let record = |number: &str, temporary: bool| json!({"identityNumber": number, "identityTemporary": temporary});
        let left = |number: &str, record: &Json| {
            left_temporary(&spec, &row(&spec, &[("identity_number", number)]), record)
        };
        let temporary = record("20150101-TF01", true);
        assert_eq!(left("20150101-2383", &temporary), mark);
        assert_eq!(left("20150161-2383", &temporary), mark);
        assert_eq!(left("20150101-TF01", &temporary), None);
        assert_eq!(left("", &temporary), None);
        assert_eq!(left("20150101-2383", &record("20150101-2383", true)), mark);
        assert_eq!(left("20150161-2383", &record("20150161-2383", true)), None);
        assert_eq!(left("20150101-2383", &record("20150101-TF01", false)), None);
        let mut said = row(&spec, &[("identity_number", "20150101-2383")]);
        said[mark.unwrap()] = Some(Value::Bool(true));
        assert_eq!(left_temporary(&spec, &said, &temporary), None);
    }
}
