//! Suggestions for faulty cells, if one value is likely meant and passes the check.

use serde_json::Value as Json;

use crate::l10n::Argument;
use crate::model::Problem;
use crate::targets::{FieldSpec, Kind, Notation};

/// The maximum edit distance between a cell and a suggested choice.
const EDITS: usize = 2;

/// Returns the value that a faulty cell was most likely meant to have, in the language of the column's
/// header. Digits and letters that only the author knows are not guessed.
pub(in crate::console) fn suggested(
    (spec, language): (&FieldSpec, Option<&str>),
    value: &str,
    problem: &Problem,
    is_valid: impl Fn(&Json) -> bool,
) -> Option<String> {
    let passes =
        |text: &String| text != value && !text.is_empty() && is_valid(&Json::String(text.clone()));
    let in_message = problem
        .message
        .args()
        .filter_map(|(name, argument)| match argument {
            Argument::Text(text) if matches!(name, "repaired" | "meant") => Some(text.clone()),
            _ => None,
        });
    let mut candidates: Vec<String> = in_message.collect();
    let joined: String = value.split_whitespace().collect();
    match spec.value_kind().notation() {
        Notation::Number => {
            candidates.push(joined.clone());
            candidates.push(joined.replace(['O', 'o'], "0").replace(['l', 'I'], "1"));
            if problem.code == "date.serial_number" {
                candidates.extend(date_of_serial(&joined));
            }
        }
        // A dot or a letter may be missing instead.
        Notation::Code if spec.value_kind() == Kind::Email && separates_words(value) => {}
        Notation::Code => {
            let dotted = joined
                .replace(',', ".")
                .replace("@@", "@")
                .replace("..", ".");
            let dotted = dotted.trim_matches(['.', ';', ':', '<', '>']);
            if spec.value_kind() == Kind::Email {
                candidates.extend(with_known_domain(dotted));
            }
            candidates.push(joined.clone());
            candidates.push(dotted.to_owned());
            candidates.extend(nearest(
                value,
                spec.choices
                    .iter()
                    .map(|choice| spec.word_for(choice, language).to_owned()),
            ));
        }
        Notation::Words => {}
    }
    candidates.into_iter().find(passes)
}

/// Returns an address with the domain of a common mail provider, if its own domain misspells that by one letter
/// or two exchanged ones.
fn with_known_domain(address: &str) -> Option<String> {
    // Domains that differ by one letter are listed too, because they are no misspellings.
    const KNOWN: &str = "gmail.com email.com mail.com ymail.com hotmail.com hotmail.se outlook.com outlook.se \
        icloud.com live.com live.se yahoo.com yahoo.se telia.com comhem.se bredband.net";
    let (person, domain) = address.rsplit_once('@')?;
    let domain = domain.to_lowercase();
    let mut known = KNOWN.split_whitespace();
    if known.clone().any(|known| known == domain) {
        return None;
    }
    let meant = known.find(|known| strsim::damerau_levenshtein(&domain, known) == 1)?;
    Some(format!("{person}@{meant}"))
}

/// Returns the date that Excel shows for a serial number of its 1900 date system.
fn date_of_serial(serial: &str) -> Option<String> {
    let days: i32 = serial.parse().ok()?;
    // Day 1 is 1900-01-01, and the system counts a 29 February 1900.
    let start = jiff::civil::date(1899, 12, 30);
    let days = jiff::Span::new().try_days(days).ok()?;
    let date = start.checked_add(days).ok()?;
    Some(date.to_string())
}

/// Returns whether a space stands between two letters or digits.
fn separates_words(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().collect();
    let mut gaps = words.iter().zip(words.iter().skip(1));
    gaps.any(|(before, after)| {
        before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric)
    })
}

/// Returns the word nearest to a cell, or `None` if there are two.
fn nearest(value: &str, words: impl Iterator<Item = String>) -> Option<String> {
    let folded = value.trim().to_lowercase();
    let distance = |word: &String| strsim::damerau_levenshtein(&folded, &word.to_lowercase());
    let mut near: Vec<(usize, String)> = words.map(|word| (distance(&word), word)).collect();
    near.retain(|(edits, word)| *edits <= EDITS && *edits < word.chars().count() / 2);
    near.sort();
    let is_clear = near.len() < 2 || near[0].0 < near[1].0;
    near.into_iter()
        .next()
        .filter(|_| is_clear)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::{CheckOptions, Checker};
    use crate::l10n::message;
    use crate::map::ColumnMap;
    use crate::targets::load;

    #[test]
    fn only_likely_values_are_suggested() {
        let spec = Arc::new(load("meitner").unwrap());
        let header: Vec<String> = [
            "id",
            "email_address1",
            "gender",
            "postal_code",
            "identity_number",
            "postal_city",
            "first_name",
            "last_name",
            "date_of_birth",
        ]
        .map(str::to_owned)
        .to_vec();
        let map = ColumnMap::new(&header, &spec, &Default::default()).unwrap();
        let today = jiff::civil::date(2026, 8, 17);
        let checker = Checker::new(spec.clone(), Arc::new(map), CheckOptions::new(today));
        let plain = Problem::of_row("x", message::cell_required());
        let serial = Problem::of_row("date.serial_number", message::date_serial_number("39215"));
        let damaged = Problem::of_row("text.mojibake", message::cell_mojibake("MalmÃ¶", "Malmö"));
        for (name, value, problem, expected) in [
            (
                "email_address1",
                "anna@skola,se",
                &plain,
                Some("anna@skola.se"),
            ),
            ("email_address1", "anna skola.se", &plain, None),
            ("email_address1", "anna ek@skola.se", &plain, None),
            (
                "email_address1",
                "anna.ek @skola. se",
                &plain,
                Some("anna.ek@skola.se"),
            ),
            ("email_address1", "anna.ek @skola", &plain, None),
            (
                "email_address1",
                "anna@gmial,com",
                &plain,
                Some("anna@gmail.com"),
            ),
            (
                "email_address1",
                "anna@@hotmial.com",
                &plain,
                Some("anna@hotmail.com"),
            ),
            (
                "email_address1",
                "anna@mail,com",
                &plain,
                Some("anna@mail.com"),
            ),
            (
                "email_address1",
                "anna@skola,com",
                &plain,
                Some("anna@skola.com"),
            ),
            ("date_of_birth", "39215", &serial, Some("2007-05-13")),
            ("date_of_birth", "60001", &serial, None),
            ("date_of_birth", "39215", &plain, None),
            ("gender", "Femal", &plain, Some("Female")),
            ("gender", "Okänt", &plain, None),
            ("postal_code", "169 5O", &plain, Some("16950")),
            ("postal_code", "169", &plain, None),
            ("identity_number", "20180110-9918", &plain, None),
            ("postal_city", "MalmÃ¶", &damaged, Some("Malmö")),
        ] {
            let field = spec.field(name).unwrap();
            let of = (&spec.fields[field], None);
            let is_valid = |value: &Json| checker.judge(field, value).is_ok();
            let found = suggested(of, value, problem, is_valid);
            assert_eq!(found.as_deref(), expected, "{name}: {value}");
        }
    }
}
