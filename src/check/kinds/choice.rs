//! Choice cells: the values that the target defines.

use std::collections::HashMap;

use compact_str::CompactString;

use crate::check::cell::{Content, Form, content};
use crate::check::characters;
use crate::check::fault::{Checked, Notes, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;
use crate::targets::FieldSpec;

declare_findings! {
    Invalid "choice.unknown" what_choice_unknown "Okänt" remedy_value;
}

/// The values and synonyms of a choice field.
#[derive(Debug, Clone)]
pub(in crate::check) struct Choices {
    allowed: Vec<String>,
    /// The choices in the language of the column's header, for messages.
    shown: Vec<String>,
    /// The choices and synonyms in the target's spelling, which most cells have.
    as_written: Vec<(String, CompactString)>,
    /// All choices and synonyms in lower case.
    words: HashMap<String, usize>,
}

impl Choices {
    /// Creates the choices of a field. `language` is that of the column's header.
    pub(in crate::check) fn of(field: &FieldSpec, language: Option<&str>) -> Choices {
        let mut words = HashMap::new();
        let mut as_written = Vec::new();
        for (index, choice) in field.choices.iter().enumerate() {
            as_written.push((choice.clone(), choice.into()));
            words.insert(choice.to_lowercase(), index);
        }
        for (choice, synonyms) in &field.synonyms {
            let Some(index) = field.choices.iter().position(|other| other == choice) else {
                continue;
            };
            for word in synonyms {
                as_written.push((word.clone(), choice.into()));
                words.entry(word.to_lowercase()).or_insert(index);
            }
        }
        for (choice, word) in field.words.values().flatten() {
            if let Some(index) = field.choices.iter().position(|other| other == choice) {
                words.entry(word.to_lowercase()).or_insert(index);
            }
        }
        // Unusual characters of a cell are replaced before it is compared.
        for (word, index) in words.clone() {
            let (plain, ..) = characters::plain(&word);
            words.entry(plain.into_owned()).or_insert(index);
        }
        let shown = |choice: &String| field.word_for(choice, language).to_owned();
        Choices {
            shown: field.choices.iter().map(shown).collect(),
            allowed: field.choices.clone(),
            as_written: as_written.into_iter().filter(is_plain).collect(),
            words,
        }
    }

    /// Checks a choice or synonym, ignoring case.
    pub(in crate::check) fn check<'a>(&self, text: &'a str) -> Checked<'a> {
        if let Some(choice) = self.as_written(text) {
            return Ok(choice);
        }
        match self.words.get(&text.to_lowercase()) {
            Some(&index) => Ok(Value::Rewritten(self.allowed[index].as_str().into())),
            None => refuse(
                "choice.unknown",
                message::choice_unknown(text, self.shown.join(", ")),
            ),
        }
    }

    /// Checks a choice or synonym in the target's spelling.
    pub(in crate::check) fn as_written<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        let (_, choice) = self.as_written.iter().find(|(word, _)| word == text)?;
        Some(if *choice == text {
            Value::Text(text)
        } else {
            Value::Rewritten(choice.clone())
        })
    }
}

/// Whether the full check accepts the word without findings.
fn is_plain((word, _): &(String, CompactString)) -> bool {
    let mut notes = Notes::default();
    content(word, Form::Code, &mut notes) == Ok(Content::Text(word)) && notes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Choices, Value};

    #[test]
    fn the_fast_check_skips_choices_that_look_damaged() {
        let spec = crate::targets::load("meitner").unwrap();
        let mut field = spec.fields[spec.field("gender").unwrap()].clone();
        let odd = ["#N/A", "=x", "<null>", " X", "Ã¥", "”Nej”", "Vet ej"].map(String::from);
        field.synonyms.insert("Other".into(), odd.to_vec());
        let choices = Choices::of(&field, None);
        let plain = |word: &&String| choices.as_written(word).is_some();
        assert_eq!(odd.iter().filter(plain).collect::<Vec<_>>(), ["Vet ej"]);
    }

    #[test]
    fn gender_is_accepted_in_swedish_and_english() {
        let spec = crate::targets::load("meitner").unwrap();
        let gender = Choices::of(&spec.fields[spec.field("gender").unwrap()], Some("sv"));
        for (word, expected) in [
            ("Female", "Female"),
            ("kvinna", "Female"),
            ("K", "Female"),
            ("FLICKA", "Female"),
            ("Man", "Male"),
            ("m", "Male"),
            ("Pojke", "Male"),
            ("Annat", "Other"),
        ] {
            assert_eq!(gender.check(word).unwrap().as_text(), expected, "{word}");
        }
        assert_eq!(gender.check("Female"), Ok(Value::Text("Female")));
        assert_eq!(
            gender.check("Kvinna"),
            Ok(Value::Rewritten("Female".into()))
        );
        let fault = gender.check("Okänt").unwrap_err();
        assert_eq!(fault.code, "choice.unknown");
        assert!(fault.message.mentions("Kvinna, Man, Annat"));
    }
}
