//! Principal name cells: an eduPersonPrincipalName.

use email_address::EmailAddress;

use super::email::is_plain;
use crate::check::fault::{Checked, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    InvalidUnlessFreeText "eppn.no_at" what_eppn_no_at "asali0402" remedy_value;
    InvalidUnlessFreeText "eppn.no_local_identifier" what_eppn_no_local_identifier "@example.se" remedy_value;
    InvalidUnlessFreeText "eppn.space" what_eppn_space "asa li@example.se" remedy_value;
    InvalidUnlessFreeText "eppn.domain" what_eppn_domain "asali@example" remedy_value;
}

/// Checks an eduPersonPrincipalName: `localIdentifier@domain`, unique to a person (eduPerson schema; SS
/// 12000). It resembles an email address but need not be one.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    // Every plain email address is also a valid principal name.
    if is_plain(text) {
        return Ok(Value::Text(text));
    }
    let Some((local, domain)) = text.split_once('@') else {
        return refuse("eppn.no_at", message::eppn_no_at(text));
    };
    if local.is_empty() {
        return refuse(
            "eppn.no_local_identifier",
            message::eppn_no_local_identifier(text),
        );
    }
    if local.contains(char::is_whitespace) {
        return refuse("eppn.space", message::eppn_space(text));
    }
    if !domain.contains('.') || !EmailAddress::is_valid_domain(domain) {
        return refuse("eppn.domain", message::eppn_domain(text));
    }
    Ok(Value::Text(text))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn principal_names_are_validated() {
        for good in ["asali0402@example.se", "ärla!@example.se"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("asali0402", "eppn.no_at"),
            ("@example.se", "eppn.no_local_identifier"),
            ("asa li@example.se", "eppn.space"),
            ("asali@example", "eppn.domain"),
            ("asali@a@example.se", "eppn.domain"),
        ] {
            assert_eq!(check(bad).unwrap_err().code, code, "{bad}");
        }
    }
}
