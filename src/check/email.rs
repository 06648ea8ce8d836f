use email_address::{EmailAddress, Options};

use super::fault::{Checked, Fault};
use crate::model::Value;

/// An e-mail address (RFC 5321, section 4.1.2): an address alone, without a display name, at a
/// domain name with at least two parts.
pub(super) fn check(text: &str) -> Checked<'_> {
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    match EmailAddress::parse_with_options(text, options) {
        Ok(_) => Ok(Value::Text(text)),
        Err(_) => Err(explain(text)),
    }
}

fn explain(text: &str) -> Fault {
    let expected = "expected an address such as namn@example.se";
    match text.rsplit_once('@') {
        None => Fault::new("email.no_at", format!("\"{text}\" has no @; {expected}")),
        Some((_, "")) => Fault::new("email.no_domain", format!("\"{text}\" has no domain")),
        Some(("", _)) => Fault::new(
            "email.no_local_part",
            format!("\"{text}\" has nothing before the @; {expected}"),
        ),
        Some(_) if text.contains(['<', '>']) => Fault::new(
            "email.display_name",
            format!(
                "\"{text}\" has a name around the address; leave the address alone in the cell"
            ),
        ),
        Some(_) if text.contains([';', ',']) => Fault::new(
            "email.several",
            format!("\"{text}\" looks like more than one address; leave one in the cell"),
        ),
        Some((_, domain)) if !domain.contains('.') => Fault::new(
            "email.no_top_level_domain",
            format!("\"{text}\" has no top-level domain such as .se behind \"{domain}\""),
        ),
        Some(_) => Fault::new(
            "email.format",
            format!("\"{text}\" is not an e-mail address; {expected}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

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
