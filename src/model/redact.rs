//! Redacts API texts for logs and reports.

use serde_json::Value as Json;

use crate::l10n::is_ours;

/// The placeholder for redacted text.
const TAKEN_OUT: &str = "…";

/// Whether a text has the form of an error code, so that it may be logged: a word of letters with few digits.
/// A person's name may match; a number, an address or a sentence does not.
pub fn is_code(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 64
        && digits <= 4
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Redacts text from an API: the values sent in `body`, quoted text, and words that look like a number, an
/// address or a token. The result is for the user's terminal and for reports, and never for a log. Quoted
/// examples in rosterpatch's own messages are kept.
pub fn redacted(text: &str, body: &[u8]) -> String {
    redacted_as(TAKEN_OUT, text, body)
}

/// Like [`redacted`], with `placeholder` in the place of redacted text.
pub fn redacted_as(placeholder: &str, text: &str, body: &[u8]) -> String {
    let mut values = Vec::new();
    if let Ok(json) = serde_json::from_slice::<Json>(body) {
        collect(&json, &mut values);
    }
    // Longer values are replaced first, because one value may be part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = text.to_owned();
    for value in values {
        text = text.replace(&value, placeholder);
    }
    let parts = text.split('"').enumerate();
    let plain = parts.map(|(number, part)| {
        if number % 2 == 1 {
            let is_example = is_ours(&format!("\"{part}\""));
            return if is_example { part } else { placeholder }.to_owned();
        }
        let words = part.split(' ').map(|word| shown(placeholder, word));
        words.collect::<Vec<_>>().join(" ")
    });
    plain.collect::<Vec<_>>().join("\"")
}

/// Redacts a word if necessary, and keeps the punctuation after it.
fn shown(placeholder: &str, word: &str) -> String {
    let bare = word.trim_end_matches([';', ',', '.', ':', ')']);
    if is_telling(bare) && !is_ours(bare) {
        format!("{placeholder}{}", &word[bare.len()..])
    } else {
        word.to_owned()
    }
}

/// Collects the strings of a JSON value that have more than one character.
fn collect(json: &Json, values: &mut Vec<String>) {
    match json {
        Json::String(text) if text.chars().count() > 1 => values.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Json::Object(members) => members.values().for_each(|member| collect(member, values)),
        _ => {}
    }
}

/// Whether a word looks like an identity number, an email address or a token.
fn is_telling(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_token = word.len() >= 20 && (digits > 0 || letters == word.len());
    word.contains('@') || digits > 5 || is_token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_sentences_are_not_error_codes() {
        for code in ["Forbidden", "http.404", "UnprocessableEntity", "E42"] {
            assert!(is_code(code), "{code}");
        }
        for text in [
            "",
            "20100402-2388",
            "anna@ek.se",
            "Åsa",
            "no such student",
            "a1b2c3d4e5",
        ] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn sent_values_and_quoted_text_are_redacted() {
        let body = r#"{"firstName":"Åsa","lastName":"Ek","address":{"postalCode":"169 56"}}"#;
        for (text, shown) in [
            ("Åsa Ek lives in 169 56", "… … lives in …"),
            ("20100402-2389 is taken by anna@ek.se", "… is taken by …"),
            (
                "identity_number: \"Bo\" is no number",
                "identity_number: \"…\" is no number",
            ),
            (
                "secret sk-live-abcdefghijklmnop1 is wrong",
                "secret … is wrong",
            ),
            ("row 12 has the same value", "row 12 has the same value"),
            (
                "\"bo@\" is not an identity number such as 20100402-2388; save it as \"CSV UTF-8\"",
                "\"…\" is not an identity number such as 20100402-2388; save it as \"CSV UTF-8\"",
            ),
        ] {
            assert_eq!(redacted(text, body.as_bytes()), shown);
        }
    }
}
