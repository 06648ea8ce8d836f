//! The technical terms that the pages of the console avoid.

use crate::app::is_identifier;
use crate::l10n::Language;

/// Terms as whole words in lower case, each with its replacement. `*` at the end matches any ending.
const ENGLISH: &[&str] = &[
    "api*",     // the system's name
    "request",  // change
    "requests", // changes
    "record",   // person
    "records",  // people
    "quota",    // changes per hour
    "journal",  // history
    "endpoint", // the system's name
    "uuid",     // ID
    "http",     // the message in words
    "json",     // details
    "lookup*",  // not found in the system
    "--*",      // the setting in words
];

const SWEDISH: &[&str] = &[
    "api*",     // systemets namn
    "anrop*",   // ändring
    "post",     // elev, person, rad
    "poster*",  // elever, personer, rader
    "posten",   // personen, raden
    "kvot*",    // ändringar per timme
    "spärr*",   // väntar på ditt godkännande
    "journal*", // historik
    "nyckel*",  // personnummer, elevnummer
    "nycklar*", // personnummer, elevnummer
    "uuid",     // ID
    "http",     // meddelandet i ord
    "json",     // detaljer
    "lookup*",  // finns inte i systemet
    "--*",      // inställningen i ord
];

/// Returns the terms that pages in a language avoid.
fn terms(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => ENGLISH,
        Language::Swedish => SWEDISH,
    }
}

/// Returns the terms of the glossary, codes and identifiers that a text contains.
pub fn avoided_in(text: &str, language: Language) -> Vec<String> {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.split(|c: char| !is_inner(c));
    let words = words.map(|word| word.trim_matches('.').to_lowercase());
    let terms = terms(language);
    let is_avoided = |word: &str| {
        let is_term = terms.iter().any(|term| match term.strip_suffix('*') {
            Some(stem) => word.starts_with(stem),
            None => word == *term,
        });
        is_term || is_identifier(word) || is_code(word)
    };
    words.filter(|word| is_avoided(word)).collect()
}

/// Returns whether a word is a problem code.
fn is_code(word: &str) -> bool {
    let is_known = |code: &str| crate::report::explain(code).is_some();
    word.contains('.') && is_known(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_codes_and_identifiers_are_found_and_other_words_are_not() {
        for (language, text, expected) in [
            (
                Language::Swedish,
                "Skicka 12 poster till API:et.",
                vec!["poster", "api"],
            ),
            (Language::Swedish, "E-post och postnummer", vec![]),
            (
                Language::Swedish,
                "över --max-invalid",
                vec!["--max-invalid"],
            ),
            (Language::English, "Send 12 records", vec!["records"]),
            (Language::English, "No recording. Requested.", vec![]),
            (
                Language::English,
                "lookup.not_found, email.no_at: 6ea65ecb-8755-4f7c-b8e1-ee3066576315",
                vec![
                    "lookup.not_found",
                    "email.no_at",
                    "6ea65ecb-8755-4f7c-b8e1-ee3066576315",
                ],
            ),
        ] {
            assert_eq!(avoided_in(text, language), expected, "{text}");
        }
    }

    #[test]
    fn no_message_of_the_pages_has_a_term_of_the_glossary() {
        // What a terminal shows when the console is started, or a browser that is refused.
        let elsewhere = [
            "console-not-loopback",
            "console-wrong-host",
            "console-other-site",
            "console-played",
        ];
        let catalogues = [
            (
                Language::English,
                include_str!("../l10n/messages/en/console.ftl"),
            ),
            (
                Language::Swedish,
                include_str!("../l10n/messages/sv/console.ftl"),
            ),
        ];
        for (language, catalogue) in catalogues {
            let mut key = "";
            for line in catalogue.lines().filter(|line| !line.starts_with('#')) {
                let mut text = line;
                if let Some((name, rest)) = line.split_once(" = ") {
                    (key, text) = (name, rest);
                }
                if elsewhere.contains(&key) || key.starts_with("console-technical") {
                    continue;
                }
                let found = avoided_in(text, language);
                assert!(found.is_empty(), "{key}: {text}: {found:?}");
            }
        }
    }
}
