use std::sync::{Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::l10n::say;
use crate::model::hex;

/// Lets nobody in but the browser that was opened. A token that serves once becomes a cookie; a name
/// that was rebound to this machine is refused, and so is whatever another site has a browser send.
#[derive(Debug)]
pub(super) struct Gate {
    /// What opens the console for the first time; nothing once it has.
    token: Mutex<Option<[u8; 32]>>,
    cookie: [u8; 32],
    /// One of its own, as cookies are the same for all ports of a machine.
    cookie_name: String,
    /// The hosts by which a request may call this server.
    hosts: Vec<String>,
    /// The path that the pages are under, which nobody guesses. Cookies are sent to every port of a machine
    /// (RFC 6265, section 8.5), but not to another path than their own: another server on this machine that
    /// the browser is led to gets none.
    base: String,
}

/// Who makes a request that is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Who has the cookie.
    Known,
    /// Who asks to be let in, with whatever token.
    AtTheEntrance,
}

/// What a gate is opened with, and what it gives for it.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) token: String,
    cookie: String,
}

impl Gate {
    /// A gate of the server at this address, and its keys.
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

    /// The cookie that a token opens the gate for, once.
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

    /// The path that the pages are under, without a slash at its end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Has an answer that leads to another page lead there under the pages' own path.
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

    /// Who makes a request.
    ///
    /// # Errors
    /// When it is refused: with the answer that says why.
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
            false => refuse(StatusCode::UNAUTHORIZED, say().console_not_let_in()),
        }
    }

    /// Whether a page of this console sent a request that changes something (W3C Fetch Metadata; the
    /// Fetch standard has a browser send an Origin with each of them).
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

/// Where htmx is to have the browser go.
pub(super) const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Where a token is handed in.
pub(super) const ENTRANCE: &str = "/enter";

/// What every answer says: it is kept nowhere, framed nowhere, and runs nothing but the console's own
/// scripts.
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
        // With no-referrer, a form's Origin would be null (Fetch standard, 3.2.5).
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

pub(super) fn refuse(status: StatusCode, why: String) -> Response {
    (status, why).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A secret that nobody guesses: 256 bits, in hexadecimal.
fn secret() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// What is compared in place of a secret, so that the time it takes tells nothing.
fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
