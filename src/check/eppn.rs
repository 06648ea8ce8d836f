use email_address::EmailAddress;

use super::email::is_plain_domain;
use super::fault::{Checked, Fault};
use crate::l10n::say;
use crate::model::Value;

/// An eduPersonPrincipalName: `localIdentifier@domain`, unique to one person (eduPerson schema;
/// SS 12000). Looks like an e-mail address and need not be one.
pub(super) fn check(text: &str) -> Checked<'_> {
    let fault = |code, message: String| Err(Fault::new(code, message));
    let Some((local, domain)) = text.split_once('@') else {
        return fault("eppn.no_at", say().eppn_no_at(text));
    };
    if local.is_empty() {
        return fault(
            "eppn.no_local_identifier",
            say().eppn_no_local_identifier(text),
        );
    }
    if !local.bytes().all(|byte| byte.is_ascii_graphic()) && local.chars().any(char::is_whitespace)
    {
        return fault("eppn.space", say().eppn_space(text));
    }
    let is_domain =
        is_plain_domain(domain) || domain.contains('.') && EmailAddress::is_valid_domain(domain);
    if !is_domain {
        return fault("eppn.domain", say().eppn_domain(text));
    }
    Ok(Value::Text(text))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn principal_names() {
        assert!(check("asali0402@example.se").is_ok());
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
