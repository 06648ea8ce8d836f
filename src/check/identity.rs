use super::characters;
use super::column::{Column, Identity};
use super::date::plain_date;
use super::fault::Fault;
use super::identity_number::{is_born_on, is_of_woman};
use super::leftovers::{self, NoValue};
use super::row::{CheckedRow, Checker};
use crate::l10n::say;
use crate::model::{Problem, Value};
use crate::read::RawRow;

/// What the cells of a row say about each other.
impl Checker {
    /// Compares the cells of a row that was checked.
    pub(super) fn compare<'a>(&self, row: &RawRow<'a>, checked: &mut CheckedRow<'a>) {
        for identity in &self.identities {
            self.compare_identity(identity, row, checked);
        }
        if checked.doubts.len() > 1 {
            refuse_repeated(checked);
        }
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
            let fault = say().identity_birth_date(number, self.name_of(born), date);
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
            let fault = say().identity_gender(number, self.name_of(*gender), words);
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

    fn column_of(&self, field: usize) -> Option<&Column> {
        self.columns.iter().find(|column| column.field == field)
    }
}

/// Whether a number in its normal form begins with a day in the form of dates.
#[inline]
fn begins_with(number: &str, date: &str) -> bool {
    match (number.as_bytes(), date.as_bytes()) {
        ([a, b, c, d, e, f, g, h, ..], [year @ .., b'-', m, n, b'-', y, z]) => {
            year == [*a, *b, *c, *d] && (e, f, g, h) == (m, n, y, z)
        }
        _ => false,
    }
}

/// What is doubtful in one cell, and certainly wrong where several have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspect {
    /// A word for "no value".
    NoValue(&'static str),
    /// The same written as a name, which several rows may have.
    Name(&'static str),
    /// A question mark between letters.
    QuestionMark,
    /// A question mark before or behind letters.
    QuestionMarkAtEdge,
}

impl Suspect {
    /// What a doubt suspects.
    pub(super) fn of(doubt: &Problem) -> Option<Suspect> {
        // The cell as it stands: what keeps text from becoming a number is no part of the word.
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

/// Has what is doubtful in one cell be wrong where several cells of a row have it.
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

/// Makes problems of those doubts whose suspicion is certain.
pub(super) fn move_doubts(checked: &mut CheckedRow<'_>, is_certain: impl Fn(Suspect) -> bool) {
    let (certain, doubts) = std::mem::take(&mut checked.doubts)
        .into_iter()
        .partition(|doubt| Suspect::of(doubt).is_some_and(&is_certain));
    checked.doubts = doubts;
    let mut certain: Vec<Problem> = certain;
    certain.iter_mut().for_each(make_certain);
    checked.problems.append(&mut certain);
}

/// Says of what was doubtful that it is wrong.
pub(super) fn make_certain(problem: &mut Problem) {
    let text = problem.value.trim();
    problem.message = match &*problem.code {
        "text.question_mark" => say().cell_question_marks(text),
        _ => say().cell_no_value(text),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_behind_what_keeps_text_from_becoming_a_number() {
        let of = |value: &str| {
            let code = "text.no_value".into();
            let value = value.to_owned();
            let doubt = Problem {
                code,
                value,
                ..Problem::of_row("", "")
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
}
