//! Addresses must use HTTPS or refer to this machine.

use reqwest::Url;

use super::error::SendError;
use crate::l10n::say;

/// Checks that a text is a web address. The client checks whether requests to it are allowed.
///
/// # Errors
/// Fails if the text is not an address.
pub fn check_address(address: &str) -> Result<(), SendError> {
    match without_secret(address)?.scheme() {
        "http" | "https" => Ok(()),
        _ => Err(refused(address, say().address_scheme())),
    }
}

/// Checks an API's base address: https, or http to this machine only, because requests contain credentials
/// and personal data. Parts that do not belong in a base address are refused.
pub(super) fn checked_address(address: &str) -> Result<Url, SendError> {
    let refuse = |why| refused(address, why);
    let url = without_secret(address)?;
    match (url.scheme(), url.host_str()) {
        (_, None) => Err(refuse(say().address_no_host())),
        ("https", _) => Ok(url),
        ("http", Some(host)) if is_loopback(host) => Ok(url),
        ("http", _) => Err(refuse(say().address_plain())),
        _ => Err(refuse(say().address_scheme())),
    }
}

/// Parses an address that holds no secret and no query.
fn without_secret(address: &str) -> Result<Url, SendError> {
    let url = Url::parse(address).map_err(|_| refused(address, say().address_no_url()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(address, say().address_secret()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused(address, say().address_query()));
    }
    Ok(url)
}

fn refused(address: &str, why: String) -> SendError {
    SendError::Address {
        url: shown_address(address),
        why,
    }
}

/// Returns an address without parts that may be secret: user, password and query.
pub fn shown_address(address: &str) -> String {
    if !address.contains("://") {
        return address.to_owned();
    }
    let query = address.find(['?', '#']);
    match (address.rsplit_once('@'), query) {
        (None, None) => address.to_owned(),
        (Some((_, host)), None) => format!("…@{host}"),
        (None, Some(query)) => format!("{}…", &address[..=query]),
        // Either part may belong to a password.
        (Some(_), Some(_)) => "…".to_owned(),
    }
}

/// Returns the origin of an address. All names of this machine become one.
pub(super) fn one_spelling(url: &Url) -> String {
    let mut url = url.clone();
    if url.host_str().is_some_and(is_loopback) {
        // If the name is refused, the address stays unchanged.
        let _ = url.set_host(Some("localhost"));
    }
    if let Some(bare) = url.host_str().and_then(|host| host.strip_suffix('.')) {
        let bare = bare.to_owned();
        let _ = url.set_host(Some(&bare));
    }
    url.origin().ascii_serialization()
}

/// Returns whether requests to an address can be read in transit: plain http to another machine.
pub fn is_unencrypted(address: &str) -> bool {
    Url::parse(address)
        .is_ok_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_loopback))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{check_address, checked_address, one_spelling, shown_address};

    #[test]
    fn an_address_is_shown_without_secrets() {
        for (address, shown) in [
            ("https://api.example.se/v1", "https://api.example.se/v1"),
            ("https://u:secret@api.example.se", "…@api.example.se"),
            ("https://u:s@cret@api.example.se", "…@api.example.se"),
            ("https://h/v1?token=secret", "https://h/v1?…"),
            ("https://u:sec?ret@h", "…"),
            ("anna@ek.se", "anna@ek.se"),
        ] {
            assert_eq!(shown_address(address), shown);
        }
        let told = check_address("https://u:secret@h").unwrap_err().to_string();
        assert!(!told.contains("secret"), "{told}");
    }

    #[test]
    fn equal_origins_have_one_spelling() {
        let of = |address: &str| one_spelling(&checked_address(address).unwrap());
        for same in [
            "http://localhost:80/v1/",
            "http://127.0.0.1",
            "http://[::1]/x",
        ] {
            assert_eq!(of(same), "http://localhost", "{same}");
        }
        for same in [
            "https://API.example.se:443/v1",
            "https://api.example.se./v1/",
        ] {
            assert_eq!(of(same), "https://api.example.se", "{same}");
        }
        assert_ne!(of("https://api.example.se:444"), "https://api.example.se");
    }

    #[test]
    fn plain_http_is_allowed_to_this_machine_only() {
        for good in [
            "https://api.example.se/v1",
            "http://127.0.0.1:8787",
            "http://[::1]:1",
            "http://localhost:80/x",
        ] {
            assert!(checked_address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.example.se",
            "http://127.0.0.1.example.se",
            "http://localhost.example.se",
            "ftp://example.se",
            "api.example.se",
            "https://u:p@example.se",
            "https://example.se/v1?x=1",
            "https://example.se/v1#f",
            "",
        ] {
            assert!(checked_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_invalid_address_is_reported_with_the_reason() {
        for (address, part) in [
            ("api.example.se", "not a URL"),
            ("data:text", "no host"),
            ("http://api.example.se", "plain http"),
            ("ftp://api.example.se", "neither https nor http"),
            ("https://user@api.example.se", "user name or a password"),
            ("https://:word@api.example.se", "user name or a password"),
            ("https://api.example.se?x", "? or #"),
            ("https://api.example.se#x", "? or #"),
        ] {
            let told = checked_address(address).unwrap_err().to_string();
            assert!(told.contains(part), "{address}: {told}");
        }
        // A webhook may have any address, including plain http.
        for good in ["http://hooks.example.se", "https://hooks.example.se/x"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in [
            "ftp://hooks.example.se",
            "https://hooks.example.se?x",
            "https://hooks.example.se#x",
            "https://user@hooks.example.se",
        ] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
