//! Access control for the console.

use std::sync::{Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::l10n::say;
use crate::model::hex;

/// Accepts requests only from the browser that was opened. A one-time token is exchanged for a cookie.
/// Rebound host names and requests from other sites are refused.
#[derive(Debug)]
pub(super) struct Gate {
    /// The one-time token, or `None` after it was used.
    token: Mutex<Option<[u8; 32]>>,
    cookie: [u8; 32],
    /// A unique name, because cookies are shared by all ports of a machine.
    cookie_name: String,
    /// The host names by which a request may address this server.
    hosts: Vec<String>,
    /// The secret path of all pages. Cookies are sent to every port of a machine (RFC 6265, section 8.5), but
    /// only below their path, so other servers on this machine do not receive them.
    base: String,
}

/// The sender of an accepted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// The browser with the cookie.
    Known,
    /// A browser that presents a token.
    AtTheEntrance,
}

/// The secrets of a gate: the token and the cookie.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) token: String,
    cookie: String,
}

impl Gate {
    /// Creates a gate for the server at this address, with its secrets.
    pub(super) fn new(address: std::net::SocketAddr) -> (Gate, Keys) {
        let keys = Keys {
            token: secret(),
            cookie: secret(),
        };
        let port = address.port();
        let gate = Gate {
            token: Mutex::new(Some(digest(&keys.token))),
            cookie: digest(&keys.cookie),
            cookie_name: format!("rosterpatch-{port}"),
            hosts: vec![address.to_string(), format!("localhost:{port}")],
            base: format!("/{}", hex(&rand::random::<[u8; 16]>())),
        };
        (gate, keys)
    }

    /// Exchanges the token for the cookie, once.
    pub(super) fn enter(&self, token: &str, keys: &Keys) -> Option<HeaderValue> {
        let mut known = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != Some(digest(token)) {
            return None;
        }
        *known = None;
        let (name, value, base) = (&self.cookie_name, &keys.cookie, &self.base);
        let cookie = format!("{name}={value}; Path={base}; HttpOnly; SameSite=Strict");
        HeaderValue::from_str(&cookie).ok()
    }

    /// Returns the message for a browser without token and cookie.
    pub(super) fn why_not(&self) -> String {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        match *token {
            Some(_) => say().console_not_let_in(),
            None => say().console_open_elsewhere(),
        }
    }

    /// Returns the path of all pages, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Prefixes the destination of a redirect with the path of the pages.
    pub(super) fn lead(&self, response: &mut Response) {
        for name in [header::LOCATION, HX_REDIRECT] {
            let path = response.headers().get(&name);
            let path = path.and_then(|path| path.to_str().ok()).unwrap_or("");
            let full = HeaderValue::from_str(&format!("{}{path}", self.base));
            if let (true, Ok(full)) = (path.starts_with('/'), full) {
                response.headers_mut().insert(name, full);
            }
        }
    }

    /// Returns the sender of a request.
    ///
    /// # Errors
    /// Returns the response that refuses the request.
    pub(super) fn caller(&self, request: &Request) -> Result<Caller, Box<Response>> {
        let refuse = |status, why| Err(Box::new(refuse(status, why)));
        let headers = request.headers();
        let host = text(headers, header::HOST.as_str());
        if !host.is_some_and(|host| self.hosts.iter().any(|known| known == host)) {
            return refuse(StatusCode::FORBIDDEN, say().console_wrong_host());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) && !self.is_own(headers) {
            return refuse(StatusCode::FORBIDDEN, say().console_other_site());
        }
        if request.method() == Method::GET && request.uri().path() == ENTRANCE {
            return Ok(Caller::AtTheEntrance);
        }
        match self.has_cookie(headers) {
            true => Ok(Caller::Known),
            false => refuse(StatusCode::UNAUTHORIZED, self.why_not()),
        }
    }

    /// Returns whether a page of this console sent a request that changes something (W3C Fetch Metadata). By
    /// the Fetch standard, browsers send an Origin with each of them.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let site = text(headers, "sec-fetch-site");
        if site.is_some_and(|site| site != "same-origin") {
            return false;
        }
        match text(headers, header::ORIGIN.as_str()) {
            Some(origin) => {
                let host = origin.strip_prefix("http://");
                host.is_some_and(|host| self.hosts.iter().any(|known| known == host))
            }
            None => site.is_some(),
        }
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE);
        let cookies = cookies.iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie_name && digest(value) == self.cookie)
    }
}

/// The header with which htmx navigates to a page.
pub(super) const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// The path that accepts a token.
pub(super) const ENTRANCE: &str = "/enter";

/// Sets the security headers of a response: not stored, not framed, and only the console's own scripts run.
pub(super) fn harden(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        // With no-referrer, the Origin of a form would be null (Fetch standard, 3.2.5).
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        // A report has a policy of its own.
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

pub(super) fn refuse(status: StatusCode, why: String) -> Response {
    (status, why).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns a random secret: 256 bits, in hexadecimal.
fn secret() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Returns a digest of a secret for comparison, so that timing reveals nothing.
fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const HOST: &str = "127.0.0.1:8900";

    fn gate() -> (Gate, Keys) {
        Gate::new(HOST.parse().unwrap())
    }

    /// A request with these headers.
    fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = axum::http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    /// The cookie's pair that the gate gives for its token.
    fn cookie(gate: &Gate, keys: &Keys) -> String {
        let cookie = gate.enter(&keys.token, keys).unwrap();
        let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
        pair.to_owned()
    }

    /// The status with which a request is refused, if it is.
    fn refused(gate: &Gate, method: Method, path: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let caller = gate.caller(&request(method, path, headers));
        caller.err().map(|answer| answer.status().as_u16())
    }

    #[test]
    fn a_token_is_accepted_once() {
        let (gate, keys) = gate();
        assert_eq!(gate.enter("", &keys), None);
        assert_eq!(gate.enter(&keys.cookie, &keys), None);
        // A wrong token does not use up the right one.
        let cookie = gate.enter(&keys.token, &keys).unwrap();
        let (value, base) = (&keys.cookie, gate.base());
        let expected = format!("rosterpatch-8900={value}; Path={base}; HttpOnly; SameSite=Strict");
        assert_eq!(cookie, expected);
        assert_eq!(gate.enter(&keys.token, &keys), None);
    }

    #[test]
    fn each_console_has_separate_secrets() {
        let ((one, keys), (other, others)) = (gate(), gate());
        assert!(keys.token.len() == 64 && keys.cookie.len() == 64 && one.base().len() == 33);
        assert_ne!(keys.token, keys.cookie);
        assert_ne!(keys.token, others.token);
        assert_ne!(one.base(), other.base());
        assert!(one.enter(&others.token, &keys).is_none());
        let foreign = cookie(&other, &others);
        let headers = [("host", HOST), ("cookie", &foreign)];
        assert_eq!(refused(&one, Method::GET, "/", &headers), Some(401));
    }

    #[test]
    fn only_the_addresses_of_this_server_are_served() {
        let (gate, keys) = gate();
        let cookie = cookie(&gate, &keys);
        for (host, is_own) in [
            ("127.0.0.1:8900", true),
            ("localhost:8900", true),
            ("localhost", false),
            ("localhost:8901", false),
            ("127.0.0.1", false),
            ("rebound.example:8900", false),
            ("127.0.0.1:8900.rebound.example", false),
        ] {
            let headers = [("host", host), ("cookie", &cookie)];
            let status = refused(&gate, Method::GET, "/", &headers);
            assert_eq!(status, (!is_own).then_some(403), "{host}");
            let origin = format!("http://{host}");
            let headers = [("host", HOST), ("cookie", &cookie), ("origin", &origin)];
            let status = refused(&gate, Method::POST, "/", &headers);
            assert_eq!(status, (!is_own).then_some(403), "from {host}");
        }
        assert_eq!(
            refused(&gate, Method::GET, "/", &[("cookie", &cookie)]),
            Some(403)
        );
    }

    #[test]
    fn a_change_must_come_from_a_page_of_this_console() {
        let (gate, keys) = gate();
        let cookie = cookie(&gate, &keys);
        let own = "http://127.0.0.1:8900";
        for (origin, site, passes) in [
            (Some(own), None, true),
            (Some(own), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (None, None, false),
            (Some(own), Some("same-site"), false),
            (Some(own), Some("cross-site"), false),
            (Some(own), Some("none"), false),
            (Some("null"), None, false),
            (Some("null"), Some("same-origin"), false),
            (Some("https://127.0.0.1:8900"), None, false),
            (Some("http://evil.example"), Some("same-origin"), false),
        ] {
            let mut headers = vec![("host", HOST), ("cookie", &*cookie)];
            headers.extend(origin.map(|origin| ("origin", origin)));
            headers.extend(site.map(|site| ("sec-fetch-site", site)));
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                let status = refused(&gate, method, "/runs/1/do", &headers);
                assert_eq!(status, (!passes).then_some(403), "{origin:?} {site:?}");
            }
            // A link that leads to a page may lie anywhere.
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(refused(&gate, method, "/", &headers), None);
            }
        }
    }

    #[test]
    fn without_the_cookie_only_the_entrance_is_open() {
        let (gate, keys) = gate();
        let known = cookie(&gate, &keys);
        let (name, value) = known.split_once('=').unwrap();
        let others = format!("a=b; {known}; c");
        let longer = format!("{known}0");
        let renamed = format!("{name}0={value}");
        for (cookie, is_known) in [
            (&*known, true),
            (&*others, true),
            ("", false),
            (name, false),
            (&*longer, false),
            (&*renamed, false),
        ] {
            let headers = [("host", HOST), ("cookie", cookie)];
            let status = refused(&gate, Method::GET, "/problems", &headers);
            assert_eq!(status, (!is_known).then_some(401), "{cookie}");
        }
        let caller =
            |method, path, headers: &[_]| gate.caller(&request(method, path, headers)).ok();
        let host = ("host", HOST);
        let entrance = Some(Caller::AtTheEntrance);
        assert_eq!(caller(Method::GET, "/enter?token=1", &[host]), entrance);
        assert_eq!(caller(Method::GET, "/enter/", &[host]), None);
        assert_eq!(caller(Method::HEAD, "/enter", &[host]), None);
        let origin = ("origin", "http://127.0.0.1:8900");
        assert_eq!(caller(Method::POST, "/enter", &[host, origin]), None);
        let known = [host, ("cookie", &*known)];
        assert_eq!(caller(Method::GET, "/", &known), Some(Caller::Known));
    }

    #[test]
    fn redirects_stay_below_the_path_of_the_pages() {
        let (gate, _) = gate();
        for name in [header::LOCATION, HX_REDIRECT] {
            for (to, is_own) in [("/run", true), ("http://elsewhere.example/", false)] {
                let mut response = Response::new(Body::empty());
                let headers = response.headers_mut();
                headers.insert(name.clone(), HeaderValue::from_static(to));
                gate.lead(&mut response);
                let base = if is_own { gate.base() } else { "" };
                assert_eq!(response.headers()[&name], format!("{base}{to}"));
            }
        }
        let mut response = Response::new(Body::empty());
        gate.lead(&mut response);
        assert!(response.headers().is_empty());
    }

    #[test]
    fn responses_are_not_stored_or_framed_and_run_no_other_scripts() {
        let mut response = refuse(StatusCode::UNAUTHORIZED, "why".to_owned());
        harden(&mut response);
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
}
