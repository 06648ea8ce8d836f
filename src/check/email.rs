use email_address::{EmailAddress, Options};

use super::fault::{Checked, Fault};
use crate::l10n::say;
use crate::model::Value;

/// An e-mail address (RFC 5321, section 4.1.2): an address alone, without a display name, at a
/// domain name with at least two parts.
pub(super) fn check(text: &str) -> Checked<'_> {
    if is_plain(text) {
        return Ok(Value::Text(text));
    }
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    match EmailAddress::parse_with_options(text, options) {
        Ok(_) => Ok(Value::Text(text)),
        Err(_) => Err(explain(text)),
    }
}

/// Whether the text is beyond doubt an address: letters, digits and single marks between them.
/// Most are, and these need no grammar; [`check`] asks the grammar for all others.
fn is_plain(text: &str) -> bool {
    match text.split_once('@') {
        Some((local, domain)) => {
            local.len() <= 64 && are_words(local, &IN_LOCAL_PART) && is_plain_domain(domain)
        }
        None => false,
    }
}

/// Whether the text is beyond doubt a domain name of at least two parts.
pub(super) fn is_plain_domain(text: &str) -> bool {
    text.len() <= 63 && text.as_bytes().contains(&b'.') && are_words(text, &IN_DOMAIN)
}

/// What a byte is among words: a part of one, what separates two, or neither.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Word,
    Separator,
    Neither,
}

const IN_LOCAL_PART: [Part; 256] = parts(b"._-+");
const IN_DOMAIN: [Part; 256] = parts(b".-");

/// Words are of ASCII letters and digits.
const fn parts(separators: &[u8]) -> [Part; 256] {
    let mut parts = [Part::Neither; 256];
    let mut byte = 0;
    while byte < parts.len() {
        if (byte as u8).is_ascii_alphanumeric() {
            parts[byte] = Part::Word;
        }
        byte += 1;
    }
    let mut index = 0;
    while index < separators.len() {
        parts[separators[index] as usize] = Part::Separator;
        index += 1;
    }
    parts
}

/// Words with single separators between them.
fn are_words(text: &str, parts: &[Part; 256]) -> bool {
    let mut before = Part::Separator;
    for byte in text.bytes() {
        let part = parts[usize::from(byte)];
        if part == Part::Neither || (part == Part::Separator && before == Part::Separator) {
            return false;
        }
        before = part;
    }
    before == Part::Word
}

fn explain(text: &str) -> Fault {
    match text.rsplit_once('@') {
        None => Fault::new("email.no_at", say().email_no_at(text)),
        Some((_, "")) => Fault::new("email.no_domain", say().email_no_domain(text)),
        Some(("", _)) => Fault::new("email.no_local_part", say().email_no_local_part(text)),
        Some(_) if text.contains(['<', '>']) => {
            Fault::new("email.display_name", say().email_display_name(text))
        }
        Some(_) if text.contains([';', ',']) => {
            Fault::new("email.several", say().email_several(text))
        }
        Some((_, domain)) if !domain.contains('.') => Fault::new(
            "email.no_top_level_domain",
            say().email_no_top_level_domain(text, domain),
        ),
        Some(_) => Fault::new("email.format", say().email_format(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_needs_no_grammar_passes_it(text in "[a-c0._+@-]{1,24}") {
            if is_plain(&text) {
                proptest::prop_assert!(EmailAddress::is_valid(&text), "{}", text);
            }
        }
    }

    #[test]
    fn addresses() {
        for good in [
            "anna@example.se",
            "anna.b+c@elev.example.se",
            "ärla@example.se",
            "a@xn--rksmrgs-5wao1o.se",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("anna@", "email.no_domain"),
            ("@example.se", "email.no_local_part"),
            ("anna.example.se", "email.no_at"),
            ("anna@example", "email.no_top_level_domain"),
            ("Anna <anna@example.se>", "email.display_name"),
            ("a@example.se;b@example.se", "email.several"),
            ("anna b@example.se", "email.format"),
            ("anna@[192.0.2.1]", "email.format"),
            ("anna@example..se", "email.format"),
        ] {
            assert_eq!(check(bad).unwrap_err().code, code, "{bad}");
        }
    }
}
