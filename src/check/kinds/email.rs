//! Email cells: a single RFC 5321 address.

use email_address::{EmailAddress, Options};

use crate::check::fault::{Checked, Fault};
use crate::check::leftovers;
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    InvalidUnlessFreeText "email.no_at" what_email_no_at "anna.example.se" remedy_value;
    InvalidUnlessFreeText "email.no_domain" what_email_no_domain "anna@" remedy_value;
    InvalidUnlessFreeText "email.no_local_part" what_email_no_local_part "@example.se" remedy_value;
    InvalidUnlessFreeText "email.no_top_level_domain" what_email_no_top_level_domain "anna@example" remedy_value;
    InvalidUnlessFreeText "email.display_name" what_email_display_name "Anna <anna@example.se>" remedy_value;
    InvalidUnlessFreeText "email.several" what_email_several "a@example.se;b@example.se" remedy_value;
    InvalidUnlessFreeText "email.format" what_email_format "anna b@example.se" remedy_value;
}

/// Checks an email address (RFC 5321, section 4.1.2): a single address without a display name, whose domain
/// has at least two parts.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
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

/// Whether a byte is an ASCII letter or digit.
const IS_ALPHANUMERIC: [bool; 256] = {
    let mut is_alphanumeric = [false; 256];
    let mut byte = 0;
    while byte < is_alphanumeric.len() {
        is_alphanumeric[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    is_alphanumeric
};

/// Fast path: whether the text consists of letters and digits with single punctuation marks between them, as
/// most addresses do. [`check`] parses all others.
#[inline]
pub(in crate::check) fn is_plain(text: &str) -> bool {
    let mut at = None;
    // The start of the current label, and whether the domain has a complete label.
    let (mut word, mut has_parts) = (0, false);
    let bytes = text.as_bytes();
    for (place, byte) in bytes.iter().enumerate() {
        if IS_ALPHANUMERIC[usize::from(*byte)] {
            continue;
        }
        let ends_word = place > word;
        word = place + 1;
        let is_allowed = match byte {
            b'@' => at.replace(place).is_none(),
            b'.' => {
                has_parts = at.is_some();
                true
            }
            b'-' => true,
            // `_x00F6_` is an escape.
            b'_' => at.is_none() && bytes.get(word) != Some(&b'x'),
            b'+' => at.is_none(),
            _ => false,
        };
        if !(ends_word && is_allowed) {
            return false;
        }
    }
    // The maximum lengths of a local part and of a domain label.
    has_parts
        && leftovers::is_not_begun(bytes)
        && text.len() > word
        && at.is_some_and(|at| at <= 64 && text.len() - at - 1 <= 63)
}

fn explain(text: &str) -> Fault {
    match text.rsplit_once('@') {
        None => Fault::new("email.no_at", message::email_no_at(text)),
        Some((_, "")) => Fault::new("email.no_domain", message::email_no_domain(text)),
        Some(("", _)) => Fault::new("email.no_local_part", message::email_no_local_part(text)),
        Some(_) if text.contains(['<', '>']) => {
            Fault::new("email.display_name", message::email_display_name(text))
        }
        Some(_) if text.contains([';', ',']) => {
            Fault::new("email.several", message::email_several(text))
        }
        Some((_, domain)) if !domain.contains('.') => Fault::new(
            "email.no_top_level_domain",
            message::email_no_top_level_domain(text, domain),
        ),
        Some(_) => Fault::new("email.format", message::email_format(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn plain_addresses_are_valid_addresses(text in "[a-c0._+@-]{1,24}") {
            if is_plain(&text) {
                proptest::prop_assert!(EmailAddress::is_valid(&text), "{}", text);
                proptest::prop_assert!(text.split_once('@').is_some_and(|(_, domain)| domain.contains('.')));
            }
        }
    }

    #[test]
    fn email_addresses_are_validated() {
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

    #[test]
    fn simple_addresses_are_plain() {
        let (local, domain) = ("a".repeat(64), "a".repeat(60));
        for text in [
            "a@b.c",
            "anna.b+c@elev.example.se",
            "a_b@c-d.e",
            &format!("{local}@b.se"),
            &format!("a@{domain}.se"),
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "",
            "a.b",
            "a@b",
            "a.b@c",
            "@b.se",
            "a@.se",
            "a@b.",
            "a..b@c.se",
            "-a@b.se",
            "a-@b.se",
            "a@b@c.se",
            "a@b_c.se",
            "a@b+c.se",
            "a b@c.se",
            "s_x00F6_ren@c.se",
            &format!("a{local}@b.se"),
            &format!("a@a{domain}.se"),
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
