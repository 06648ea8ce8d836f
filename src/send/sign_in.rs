//! Signing of requests with credentials or a fetched token.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::body::{BODY, BODY_TIME, body_of};
use super::credentials::Credentials;
use super::lock::lock;
use super::trouble::Trouble;
use crate::clock::{Clock, UnixNanos};
use crate::l10n::say;

/// The number of seconds before its end at which a token is no longer used.
const MARGIN: u64 = 30;

/// Signs requests with constant headers, or with a token that is fetched when needed.
#[derive(Debug)]
pub(super) struct Signer {
    credentials: Credentials,
    /// The origin of the API.
    origin: String,
    clock: Arc<dyn Clock>,
    token: tokio::sync::Mutex<Option<Token>>,
    /// The number of the last token that the API refused.
    refused: AtomicU64,
    /// The number of requests to the token endpoint.
    fetched: AtomicU64,
    /// The secrets: the credentials and every token.
    secrets: Mutex<Vec<SecretString>>,
}

#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    until: UnixNanos,
    number: u64,
}

/// The headers that sign a request, and the number of their token.
pub(super) struct Signed {
    pub(super) headers: HeaderMap,
    pub(super) token: Option<u64>,
}

/// The reason why there is no token.
pub(super) enum TokenError {
    /// The token endpoint responded with an error.
    Answered(u16, HeaderMap, Vec<u8>),
    /// The token endpoint did not respond, for this reason.
    Silent(Trouble),
    /// The response is successful but unusable, for this reason.
    NoToken(String),
}

/// The response of a token endpoint (RFC 6749, section 5.1).
pub struct TokenAnswer {
    /// The token.
    access_token: String,
    /// The lifetime, in seconds.
    expires_in: Option<u64>,
}

impl TokenAnswer {
    /// Parses the response. The lifetime may be a number or a string.
    ///
    /// # Errors
    /// Returns the reason, without parts of the response.
    pub fn read(body: &[u8]) -> Result<TokenAnswer, String> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            access_token: serde_json::Value,
            #[serde(default)]
            token_type: serde_json::Value,
            #[serde(default)]
            expires_in: serde_json::Value,
        }
        let raw: Raw = serde_json::from_slice(body).map_err(|_| say().token_no_object())?;
        let access_token = match raw.access_token {
            serde_json::Value::String(token) if !token.is_empty() => token,
            _ => return Err(say().token_missing()),
        };
        if raw
            .token_type
            .as_str()
            .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
        {
            return Err(say().token_no_bearer());
        }
        let seconds = match &raw.expires_in {
            serde_json::Value::Null => None,
            serde_json::Value::Number(number) => number.as_f64(),
            serde_json::Value::String(text) => {
                Some(text.trim().parse().map_err(|_| say().token_lifetime())?)
            }
            _ => return Err(say().token_lifetime()),
        };
        if seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds.is_finite())) {
            return Err(say().token_lifetime_zero());
        }
        Ok(TokenAnswer {
            access_token,
            expires_in: seconds.map(|seconds| seconds as u64),
        })
    }
}

impl Signer {
    pub(super) fn new(credentials: Credentials, origin: String, clock: Arc<dyn Clock>) -> Signer {
        Signer {
            secrets: Mutex::new(credentials.secrets()),
            credentials,
            origin,
            clock,
            token: tokio::sync::Mutex::new(None),
            refused: AtomicU64::new(0),
            fetched: AtomicU64::new(0),
        }
    }

    /// Masks every secret in a text.
    pub(super) fn blank(&self, text: &mut String) {
        let secrets = lock(&self.secrets);
        for secret in secrets.iter().map(ExposeSecret::expose_secret) {
            if text.contains(secret) {
                *text = text.replace(secret, "…");
            }
        }
    }

    /// Returns whether requests are signed with a token.
    pub(super) fn fetches(&self) -> bool {
        !matches!(self.credentials, Credentials::Headers(_))
    }

    /// Returns the number of requests to the token endpoint so far.
    pub(super) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }

    /// Records that the API refused token number `token`.
    pub(super) fn refuse(&self, token: u64) {
        self.refused.fetch_max(token, Ordering::Relaxed);
    }

    /// Returns the headers for the next request. A request waits while a token is being fetched.
    pub(super) async fn sign(&self, http: &reqwest::Client) -> Result<Signed, TokenError> {
        if let Credentials::Headers(headers) = &self.credentials {
            return Ok(Signed {
                headers: headers.clone(),
                token: None,
            });
        }
        let mut token = self.token.lock().await;
        let usable = token.as_ref().is_some_and(|token| {
            let refused = self.refused.load(Ordering::Relaxed);
            self.clock.now() < token.until && token.number > refused
        });
        if !usable {
            let number = token.as_ref().map_or(1, |token| token.number + 1);
            // Boxed, so that the futures of signed requests are small.
            *token = Some(Box::pin(self.fetch(http, number)).await?);
        }
        let mut headers = HeaderMap::new();
        let number = token.as_ref().map(|token| {
            headers.insert(AUTHORIZATION, token.header.clone());
            token.number
        });
        Ok(Signed {
            headers,
            token: number,
        })
    }

    async fn fetch(&self, http: &reqwest::Client, number: u64) -> Result<Token, TokenError> {
        let Credentials::Oauth {
            token_endpoint,
            scope,
            audience,
            client_id,
            client_secret,
        } = &self.credentials
        else {
            return Err(TokenError::NoToken(say().token_missing()));
        };
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.expose_secret()),
            ("client_secret", client_secret.expose_secret()),
        ];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(audience.as_deref().map(|audience| ("audience", audience)));
        let address = match token_endpoint.starts_with('/') {
            true => format!("{}{token_endpoint}", self.origin),
            false => token_endpoint.clone(),
        };
        let asked_at = self.clock.now();
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let response = http
            .post(address)
            .form(&form)
            .send()
            .await
            .map_err(|error| TokenError::Silent(Trouble::of(&error)))?;
        let status = response.status();
        let headers = response.headers().clone();
        let (body, _) = body_of(response, BODY, BODY_TIME).await;
        if !status.is_success() {
            return Err(TokenError::Answered(status.as_u16(), headers, body));
        }
        let answer = TokenAnswer::read(&body).map_err(TokenError::NoToken)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
            .map_err(|_| TokenError::NoToken(say().token_no_header()))?;
        header.set_sensitive(true);
        lock(&self.secrets).push(answer.access_token.into());
        let seconds = answer
            .expires_in
            .unwrap_or(3600)
            .saturating_sub(MARGIN)
            .max(1);
        Ok(Token {
            header,
            until: asked_at.saturating_add(seconds.saturating_mul(1_000_000_000)),
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Signer, TokenAnswer};
    use crate::clock::Clock;
    use crate::send::tests::{Reply, Scene, oauth, reply};

    #[test]
    fn token_responses_are_parsed_in_any_spelling_or_refused_with_a_reason() {
        for (lifetime, seconds) in [
            ("3600", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("3600.0", Some(3600)),
            ("null", None),
        ] {
            let body = format!(r#"{{"access_token":"t","expires_in":{lifetime}}}"#);
            let answer = TokenAnswer::read(body.as_bytes()).unwrap();
            assert_eq!(
                (answer.access_token.as_str(), answer.expires_in),
                ("t", seconds)
            );
        }
        for (body, part) in [
            ("", "not a JSON"),
            ("[]", "access_token is missing"),
            ("{}", "access_token is missing"),
            (r#"{"access_token":""}"#, "access_token is missing"),
            (
                r#"{"access_token":"t","expires_in":-1}"#,
                "not greater than 0",
            ),
            (
                r#"{"access_token":"t","expires_in":0}"#,
                "not greater than 0",
            ),
            (
                r#"{"access_token":"t","expires_in":"inf"}"#,
                "not greater than 0",
            ),
            (
                r#"{"access_token":"t","expires_in":"soon"}"#,
                "not a number",
            ),
            (r#"{"access_token":"t","token_type":"mac"}"#, "not Bearer"),
        ] {
            let why = TokenAnswer::read(body.as_bytes()).err().unwrap();
            assert!(why.contains(part), "{body}: {why}");
        }
    }

    fn token(lifetime: &str) -> Reply {
        reply(
            200,
            &format!(r#"{{"access_token":"t-{lifetime}","expires_in":{lifetime}}}"#),
        )
    }

    /// Returns the number of the next request's token, and the number of token requests so far.
    fn signed(scene: &Scene, signer: &Signer) -> (Option<u64>, usize) {
        let http = crate::send::client_builder().build().unwrap();
        let signed = scene.runtime.block_on(signer.sign(&http));
        (signed.ok().unwrap().token, scene.asked().len())
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let scene = Scene::new(vec![token("90"), token("90"), token("5"), token("90")]);
        let signer = Signer::new(oauth(), scene.base.clone(), scene.clock.clone());
        let pass = |milliseconds| {
            let time = std::time::Duration::from_millis(milliseconds);
            scene.runtime.block_on(scene.clock.sleep(time));
        };
        assert_eq!(signed(&scene, &signer), (Some(1), 1));
        pass(59_999);
        assert_eq!(signed(&scene, &signer), (Some(1), 1));
        pass(1);
        assert_eq!(signed(&scene, &signer), (Some(2), 2));
        // A token with a lifetime below the margin is used for a second.
        pass(60_000);
        assert_eq!(signed(&scene, &signer), (Some(3), 3));
        pass(999);
        assert_eq!(signed(&scene, &signer), (Some(3), 3));
        pass(1);
        assert_eq!(signed(&scene, &signer), (Some(4), 4));
    }

    #[test]
    fn a_refused_token_is_replaced_once() {
        let scene = Scene::new(vec![token("90"), token("91"), token("92")]);
        let signer = Signer::new(oauth(), scene.base.clone(), scene.clock.clone());
        assert_eq!(signed(&scene, &signer), (Some(1), 1));
        signer.refuse(1);
        assert_eq!(signed(&scene, &signer), (Some(2), 2));
        // A concurrent request was refused too.
        signer.refuse(1);
        assert_eq!(signed(&scene, &signer), (Some(2), 2));
        let mut text = "t-90, t-91, the-secret of the-id".to_owned();
        signer.blank(&mut text);
        assert_eq!(text, "…, …, … of …");
    }
}
