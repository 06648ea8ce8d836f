//! Compares identity numbers with other columns, and doubts with other cells.

use super::characters;
use super::checker::Checker;
use super::column::Identity;
use super::fault::Fault;
use super::kinds::date::plain_date;
use super::kinds::identity_number::{is_born_on, is_of_woman};
use super::leftovers::{self, NoValue};
use super::row::CheckedRow;
use crate::l10n::message;
use crate::model::{Problem, Value};
use crate::read::RawRow;

/// Checks across the cells of a row.
impl Checker {
    /// Compares the cells of a checked row.
    pub(super) fn compare<'a>(&self, row: &RawRow<'a>, checked: &mut CheckedRow<'a>) {
        for identity in &self.identities {
            self.compare_identity(identity, row, checked);
        }
        refuse_repeated(checked);
    }

    fn compare_identity<'a>(
        &self,
        identity: &Identity,
        row: &RawRow<'a>,
        checked: &mut CheckedRow<'a>,
    ) {
        let values = &checked.values;
        let text = |field: usize| match values[field].as_ref()? {
            Value::Text(text) => Some(*text),
            Value::Rewritten(text) => Some(text.as_str()),
            _ => None,
        };
        let Some(number) = text(identity.number) else {
            return;
        };
        let says_temporary = identity
            .temporary
            .is_some_and(|field| values[field] == Some(Value::Bool(true)));
        let mut faults = Vec::new();
        if let Some(born) = identity.born
            && let Some(date) = text(born)
            && !begins_with(number, date)
            && let Some(day) = plain_date(date)
            && !is_born_on(number, day)
        {
            let fault = message::identity_birth_date(number, self.name_of(born), date);
            faults.push(Fault::new("identity_number.birth_date", fault));
        }
        if let Some((gender, women, men)) = &identity.gender
            && let Some(said) = text(*gender)
            && let Some(is_woman) = is_of_woman(number, says_temporary)
            && said
                == if is_woman {
                    men.as_str()
                } else {
                    women.as_str()
                }
        {
            let words = self.in_words(*gender, &said.into());
            let fault = message::identity_gender(number, self.name_of(*gender), words);
            faults.push(Fault::new("identity_number.gender", fault));
        }
        let mut restored = checked.restored.iter();
        let is_inferred = restored.any(|found| {
            found.code == "identity_number.temporary"
                && found.field == self.spec.fields[identity.number].name()
        });
        if let Some(temporary) = identity.temporary
            && is_inferred
        {
            checked.values[temporary] = Some(Value::Bool(true));
        }
        if faults.is_empty() {
            return;
        }
        let Some(column) = self.column_of(identity.number) else {
            return;
        };
        for fault in faults {
            self.doubt(self.problem(column, row, fault), checked);
        }
    }
}

/// Whether a normalized number begins with a date in ISO 8601 form.
#[inline]
fn begins_with(number: &str, date: &str) -> bool {
    match (number.as_bytes(), date.as_bytes()) {
        ([a, b, c, d, e, f, g, h, ..], [year @ .., b'-', m, n, b'-', y, z]) => {
            year == [*a, *b, *c, *d] && (e, f, g, h) == (m, n, y, z)
        }
        _ => false,
    }
}

/// A doubt that becomes an error if several cells share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspect {
    /// A placeholder for a missing value.
    NoValue(&'static str),
    /// A placeholder written like a name, which several rows may have.
    Name(&'static str),
    /// A question mark between letters.
    QuestionMark,
    /// A question mark at the beginning or end of a word.
    QuestionMarkAtEdge,
}

impl Suspect {
    /// The suspect of a doubt, if it is one.
    pub(super) fn of(doubt: &Problem) -> Option<Suspect> {
        // The cell's text is unmodified here; the characters that keep it from becoming a number are not part
        // of the word.
        let text = doubt.value.trim_matches(characters::is_padding);
        let bare = text
            .strip_prefix("=\"")
            .and_then(|text| text.strip_suffix('"'));
        let text = bare.unwrap_or(text).trim().trim_matches('\'');
        match &*doubt.code {
            "text.no_value" => match leftovers::no_value(text)? {
                NoValue::Word(word) => Some(Suspect::NoValue(word)),
                NoValue::Name(name) => Some(Suspect::Name(name)),
                NoValue::Certain | NoValue::Phrase | NoValue::Mark => None,
            },
            "text.question_mark" => Some(match leftovers::question_mark(text)? {
                leftovers::QuestionMark::Within => Suspect::QuestionMark,
                leftovers::QuestionMark::AtEdge => Suspect::QuestionMarkAtEdge,
            }),
            _ => None,
        }
    }
}

/// Turns doubts into errors if several cells of a row share them.
fn refuse_repeated(checked: &mut CheckedRow<'_>) {
    let suspects: Vec<Suspect> = checked.doubts.iter().filter_map(Suspect::of).collect();
    if suspects.len() < 2 {
        return;
    }
    let damage = |one: &Suspect| matches!(one, Suspect::QuestionMark | Suspect::QuestionMarkAtEdge);
    let damaged = suspects.iter().filter(|one| damage(one)).count();
    let is_damaged = damaged > 1 && suspects.contains(&Suspect::QuestionMark);
    move_doubts(checked, |suspect| match suspect {
        Suspect::QuestionMark | Suspect::QuestionMarkAtEdge => is_damaged,
        word => suspects.iter().filter(|other| **other == word).count() > 1,
    });
}

/// Turns the doubts for which `is_certain` returns true into problems.
pub(super) fn move_doubts(checked: &mut CheckedRow<'_>, is_certain: impl Fn(Suspect) -> bool) {
    let (certain, doubts) = std::mem::take(&mut checked.doubts)
        .into_iter()
        .partition(|doubt| Suspect::of(doubt).is_some_and(&is_certain));
    checked.doubts = doubts;
    let mut certain: Vec<Problem> = certain;
    certain.iter_mut().for_each(make_certain);
    checked.problems.append(&mut certain);
}

/// Replaces the message of a doubt with that of an error.
pub(super) fn make_certain(problem: &mut Problem) {
    let text = problem.value.trim();
    problem.message = match &*problem.code {
        "text.question_mark" => message::cell_question_marks(text),
        _ => message::cell_no_value(text),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Roster, built_in};

    #[test]
    fn a_placeholder_is_recognized_without_its_text_prefix() {
        let of = |value: &str| {
            let code = "text.no_value".into();
            let value = value.to_owned();
            let doubt = Problem {
                code,
                value,
                ..Problem::of_row("", crate::l10n::Message::default())
            };
            Suspect::of(&doubt)
        };
        let word = of("NULL");
        assert!(word.is_some());
        for value in [
            " NULL ",
            "=\"NULL\"",
            "'NULL",
            "\u{200B}NULL",
            "\u{FEFF}=\"NULL\"",
        ] {
            assert_eq!(of(value), word, "{value:?}");
        }
        assert_eq!(of("Anna"), None);
    }

    const HEADER: &str = "id;identity_number;gender;date_of_birth;identity_temporary;first_name";

    #[test]
    fn an_identity_number_is_compared_with_its_row() {
        let spec = built_in("meitner");
        for (cells, expected) in [
            ("20100402-2388;Kvinna;2010-04-02;;A", ""),
            ("20100402-2388;Annat;;;A", ""),
            ("20100402-2388;;;;A", ""),
            ("20100402-2388;Man;2010-04-02;;A", "?identity_number.gender"),
            (
                "20100402-2396;Kvinna;2010-04-02;;A",
                "?identity_number.gender",
            ),
            (
                "20100402-2388;;2010-04-03;;A",
                "?identity_number.birth_date",
            ),
            (
                "20100402-2388;;2010-05-02;;A",
                "?identity_number.birth_date",
            ),
            (
                "20100402-2388;;2011-04-02;;A",
                "?identity_number.birth_date",
            ),
            (
                "20100402-2388;Man;2010-04-03;;A",
                "?identity_number.birth_date ?identity_number.gender",
            ),
            (";Man;2010-04-03;;A", "required.empty"),
            // A coordination number has the day increased by 60, or no day.
            ("19701063-2391;Man;1970-10-03;;A", ""),
            (
                "19701063-2391;Man;1970-10-04;;A",
                "?identity_number.birth_date",
            ),
            ("19700072-2392;;1970-07-12;;A", ""),
            // Temporary numbers are not compared, except those with TF.
            ("20100402-1234;Kvinna;2010-04-02;ja;A", ""),
            ("20100402-T123;Kvinna;2010-04-02;ja;A", ""),
            (
                "20150101-TF11;Kvinna;2015-01-01;ja;A",
                "?identity_number.gender",
            ),
        ] {
            let text = format!("{HEADER}\n0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11;{cells}\n");
            assert_eq!(Roster::of(&spec, &text).found(), [expected], "{cells}");
            let strict = Roster::with(&spec, &text, |options| options.strict = true);
            assert_eq!(strict.found(), [expected.replace('?', "")], "{cells}");
        }
    }

    #[test]
    fn messages_name_the_columns_of_the_file() {
        let text = "id;Personnummer;Kön;Född;first_name\n\
            0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11;20100402-2388;Man;2010-04-03;A\n";
        let messages = Roster::of(&built_in("meitner"), text).each(|_, row| {
            assert!(
                row.doubts
                    .iter()
                    .all(|doubt| doubt.column == "Personnummer")
            );
            Problem::join(&row.doubts)
        });
        for word in ["20100402-2388", "Kön", "Man", "Född", "2010-04-03"] {
            assert!(messages[0].contains(word), "{word}: {messages:?}");
        }
    }

    #[test]
    fn a_temporary_number_marks_its_row() {
        let id = "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11";
        let spec = built_in("meitner");
        let marked = spec.field("identity_temporary").unwrap();
        for (cells, restored, is_marked) in [
            (
                "20150101-TF01;;;;A",
                "~identity_number.temporary",
                Some(true),
            ),
            ("20150101-TF01;;;ja;A", "", Some(true)),
            (
                "20150101-TF01;;;nej;A",
                "identity_number.temporary",
                Some(false),
            ),
            ("20100402-2388;;;;A", "", None),
            // Other repairs do not mark the row.
            ("20100402-2388;;;;'Anna", "~text.apostrophe", None),
            ("'20100402-2388;;;;A", "~text.apostrophe", None),
            (
                "20100402-2388;;25/12/2010;;A",
                "?identity_number.birth_date ~date.day_month_order",
                None,
            ),
        ] {
            let roster = Roster::of(&spec, &format!("{HEADER}\n{id};{cells}\n"));
            assert_eq!(roster.found(), [restored], "{cells}");
            let values = roster.each(|_, row| row.values[marked].clone().map(Value::into_owned));
            assert_eq!(values, [is_marked.map(Value::Bool)], "{cells}");
        }
    }

    #[test]
    fn repeated_doubts_in_a_row_are_problems() {
        let spec = built_in("pathwright");
        for (cells, expected) in [
            ("NULL;Ek;Solna", "?text.no_value"),
            ("NULL;NULL;Solna", "text.no_value text.no_value"),
            ("NULL;nan;Solna", "?text.no_value ?text.no_value"),
            ("Null;Null;Solna", "text.no_value text.no_value"),
            (
                "Null;NULL;NULL",
                "text.no_value text.no_value ?text.no_value",
            ),
            ("-;-;Solna", "?text.no_value ?text.no_value"),
            ("S?derlund;Ek;Solna", "?text.question_mark"),
            (
                "S?derlund;Malm?;Solna",
                "text.question_mark text.question_mark",
            ),
            (
                "S?derlund;Bj?rk;Solna",
                "text.question_mark text.question_mark",
            ),
            (
                "Vem?;Malm?;Solna",
                "?text.question_mark ?text.question_mark",
            ),
            ("S?derlund;NULL;Solna", "?text.question_mark ?text.no_value"),
            (
                "S?derlund;NULL;NULL",
                "text.no_value text.no_value ?text.question_mark",
            ),
            (
                "S?derlund;'t Hooft;Solna",
                "?text.question_mark ?text.apostrophe",
            ),
        ] {
            let text = format!("external_id;first_name;last_name;location\n1;{cells}\n");
            let roster = Roster::of(&spec, &text);
            assert_eq!(roster.found(), [expected], "{cells}");
            // The message no longer expresses a doubt.
            roster.each(|_, row| {
                for wrong in row.problems {
                    let says = match &*wrong.code {
                        "text.question_mark" => message::cell_question_marks(wrong.value),
                        _ => message::cell_no_value(wrong.value),
                    };
                    assert_eq!(wrong.message, says);
                }
            });
        }
    }

    #[test]
    fn other_doubts_are_not_suspects() {
        for code in ["text.quotes", "text.apostrophe"] {
            let value = "NULL?".to_owned();
            let code = code.into();
            let doubt = Problem {
                code,
                value,
                ..Problem::of_row("", crate::l10n::Message::default())
            };
            assert_eq!(Suspect::of(&doubt), None);
        }
    }
}
