use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use thiserror::Error;

use super::body::{BODY, BODY_TIME, body_of};
use crate::clock::{Clock, UnixNanos};
use crate::targets::{SignIn, TargetSpec};

/// Why there are no credentials. Never says what one is.
#[derive(Debug, Error)]
pub enum SignInError {
    /// No way of signing in has all of its variables set.
    #[error(
        "no credentials for {target}: set {ways} in the environment, or the same names with _FILE behind them to files that hold the values"
    )]
    Missing {
        /// The target's name.
        target: String,
        /// The variables, way by way.
        ways: String,
    },
    /// The file that a `_FILE` variable names cannot be read.
    #[error("cannot read the file {path} that {variable} names: {source}")]
    File {
        /// The variable.
        variable: String,
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A credential holds a character that no header may have.
    #[error(
        "the value of {variable} has a character that an HTTP header cannot hold, such as a line break"
    )]
    NoHeader {
        /// The variable.
        variable: String,
    },
}

/// A way to sign in, with its secrets.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Headers that stand on every request.
    Headers(HeaderMap),
    /// OAuth 2.0 client credentials.
    Oauth {
        /// Path of the token endpoint at the host's root.
        token_path: String,
        /// The client id.
        client_id: SecretString,
        /// The client secret.
        client_secret: SecretString,
    },
}

impl Credentials {
    /// The first of the target's ways to sign in whose variables are all set. `variable` gives a
    /// variable's value; a variable `NAME_FILE` names a file that holds the value of `NAME`.
    ///
    /// # Errors
    /// When no way is complete, or a file or a value cannot be used.
    pub fn find(
        spec: &TargetSpec,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Credentials, SignInError> {
        for way in &spec.sign_in {
            let mut values = Vec::new();
            for name in way.variables() {
                match value_of(name, &variable)? {
                    Some(value) => values.push(value),
                    None => break,
                }
            }
            if values.len() == way.variables().len() {
                return Credentials::complete(way, values);
            }
        }
        let ways: Vec<String> = spec
            .sign_in
            .iter()
            .map(|way| way.variables().join(" and "))
            .collect();
        Err(SignInError::Missing {
            target: spec.name.clone(),
            ways: ways.join(", or "),
        })
    }

    fn complete(way: &SignIn, values: Vec<SecretString>) -> Result<Credentials, SignInError> {
        match way {
            SignIn::Headers { headers } => {
                let mut map = HeaderMap::new();
                for ((name, variable), value) in headers.iter().zip(values) {
                    let no_header = || SignInError::NoHeader {
                        variable: variable.clone(),
                    };
                    let name: HeaderName = name.parse().map_err(|_| no_header())?;
                    let mut value =
                        HeaderValue::from_str(value.expose_secret()).map_err(|_| no_header())?;
                    value.set_sensitive(true);
                    map.insert(name, value);
                }
                Ok(Credentials::Headers(map))
            }
            SignIn::Bearer { token } => Self::authorization(token, "Bearer", &values),
            SignIn::Token { word, token } => Self::authorization(token, word, &values),
            SignIn::Basic { username, .. } => {
                let secret = |at: usize| values.get(at).map_or("", |value| value.expose_secret());
                let pair = BASE64.encode(format!("{}:{}", secret(0), secret(1)));
                Self::authorization(username, "Basic", &[pair.into()])
            }
            SignIn::Oauth { token_path, .. } => {
                let mut values = values.into_iter();
                Ok(Credentials::Oauth {
                    token_path: token_path.clone(),
                    client_id: values.next().unwrap_or_default(),
                    client_secret: values.next().unwrap_or_default(),
                })
            }
        }
    }
}

impl Credentials {
    /// What tells these credentials from others, for a hash: whoever has the same shares one
    /// quota.
    pub fn identity(&self) -> Vec<u8> {
        match self {
            Credentials::Headers(headers) => {
                let values = headers.values().map(HeaderValue::as_bytes);
                values.collect::<Vec<_>>().join(&0)
            }
            Credentials::Oauth { client_id, .. } => client_id.expose_secret().as_bytes().to_vec(),
        }
    }

    /// The secrets, in every form in which they are sent.
    fn secrets(&self) -> Vec<SecretString> {
        let mut all: Vec<String> = match self {
            Credentials::Headers(headers) => headers
                .values()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| {
                    // Behind a word such as Bearer, and within the pair of a Basic one.
                    let bare = value.split(' ').next_back().unwrap_or_default();
                    let pair = BASE64.decode(bare).ok();
                    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
                    let parts = pair.iter().flat_map(|pair| pair.split(':'));
                    let parts: Vec<String> = parts.map(str::to_owned).collect();
                    [value.to_owned(), bare.to_owned()].into_iter().chain(parts)
                })
                .collect(),
            Credentials::Oauth {
                client_id,
                client_secret,
                ..
            } => vec![
                client_secret.expose_secret().to_owned(),
                client_id.expose_secret().to_owned(),
            ],
        };
        // Taking a letter out of every word would hide what an error says, and no secret is so short.
        all.retain(|secret| secret.len() > 3);
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.into_iter().map(SecretString::from).collect()
    }

    /// One `Authorization` header: a word and a secret. `variable` is where the secret came from.
    fn authorization(
        variable: &str,
        word: &str,
        values: &[SecretString],
    ) -> Result<Credentials, SignInError> {
        let secret = values.first().map_or("", |value| value.expose_secret());
        let mut value = HeaderValue::from_str(&format!("{word} {secret}")).map_err(|_| {
            SignInError::NoHeader {
                variable: variable.to_owned(),
            }
        })?;
        value.set_sensitive(true);
        Ok(Credentials::Headers(HeaderMap::from_iter([(
            AUTHORIZATION,
            value,
        )])))
    }
}

fn value_of(
    name: &str,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SecretString>, SignInError> {
    if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
        return Ok(Some(value.into()));
    }
    let file_variable = format!("{name}_FILE");
    let Some(path) = variable(&file_variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    match crate::targets::read_text(path.as_ref()) {
        // An editor ends a file with a line break that is no part of a secret.
        Ok(text) => Ok(Some(text.trim_end_matches(['\n', '\r']).into())),
        Err(source) => Err(SignInError::File {
            variable: file_variable,
            path,
            source,
        }),
    }
}

/// Seconds before its end at which a token is no longer used.
const MARGIN: u64 = 30;

/// Signs requests: with constant headers, or with a token that is fetched when one is needed.
#[derive(Debug)]
pub(super) struct Signer {
    credentials: Credentials,
    origin: String,
    clock: Arc<dyn Clock>,
    token: tokio::sync::Mutex<Option<Token>>,
    /// Number of the last token that the API no longer takes.
    refused: AtomicU64,
    /// Whatever must not be told: the credentials, and every token that was had for them.
    secrets: Mutex<Vec<SecretString>>,
}

#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    until: UnixNanos,
    number: u64,
}

/// Headers that sign a request, and which token is in them.
pub(super) struct Signed {
    pub(super) headers: HeaderMap,
    pub(super) token: Option<u64>,
}

/// Why no token could be had.
pub(super) enum TokenError {
    /// The token endpoint answered with something other than success.
    Answered(u16, HeaderMap, Vec<u8>),
    /// It did not answer.
    Silent,
    /// It answered with success, and with nothing that can be used: why.
    NoToken(&'static str),
}

/// What a token endpoint answers (RFC 6749, section 5.1).
pub struct TokenAnswer {
    /// The token.
    access_token: String,
    /// How long it is good for, in seconds.
    expires_in: Option<u64>,
}

impl TokenAnswer {
    /// Reads it; a lifetime may be written as a number or as its text.
    ///
    /// # Errors
    /// What is wrong with it, which quotes none of it.
    pub fn read(body: &[u8]) -> Result<TokenAnswer, &'static str> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            access_token: serde_json::Value,
            #[serde(default)]
            token_type: serde_json::Value,
            #[serde(default)]
            expires_in: serde_json::Value,
        }
        let raw: Raw = serde_json::from_slice(body).map_err(|_| "its body is no JSON object")?;
        let access_token = match raw.access_token {
            serde_json::Value::String(token) if !token.is_empty() => token,
            _ => return Err("there is no access_token in it"),
        };
        if raw
            .token_type
            .as_str()
            .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
        {
            return Err("its token_type is not Bearer");
        }
        let seconds = match &raw.expires_in {
            serde_json::Value::Null => None,
            serde_json::Value::Number(number) => number.as_f64(),
            serde_json::Value::String(text) => Some(
                text.trim()
                    .parse()
                    .map_err(|_| "its expires_in is no number")?,
            ),
            _ => return Err("its expires_in is no number"),
        };
        if seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds.is_finite())) {
            return Err("its expires_in is not above 0");
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
        }
    }

    /// Takes every secret out of a text.
    pub(super) fn blank(&self, text: &mut String) {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets.iter().map(ExposeSecret::expose_secret) {
            if text.contains(secret) {
                *text = text.replace(secret, "…");
            }
        }
    }

    /// Takes note that the API no longer takes token number `token`.
    pub(super) fn refuse(&self, token: u64) {
        self.refused.fetch_max(token, Ordering::Relaxed);
    }

    /// Headers for the next request. Whoever comes while a token is being fetched waits for that
    /// one.
    pub(super) async fn sign(&self, http: &reqwest::Client) -> Result<Signed, TokenError> {
        let (path, id, secret) = match &self.credentials {
            Credentials::Headers(headers) => {
                return Ok(Signed {
                    headers: headers.clone(),
                    token: None,
                });
            }
            Credentials::Oauth {
                token_path,
                client_id,
                client_secret,
            } => (token_path, client_id, client_secret),
        };
        let mut token = self.token.lock().await;
        let usable = token.as_ref().is_some_and(|token| {
            let refused = self.refused.load(Ordering::Relaxed);
            self.clock.now() < token.until && token.number > refused
        });
        if !usable {
            let number = token.as_ref().map_or(1, |token| token.number + 1);
            *token = Some(self.fetch(http, path, id, secret, number).await?);
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

    async fn fetch(
        &self,
        http: &reqwest::Client,
        path: &str,
        id: &SecretString,
        secret: &SecretString,
        number: u64,
    ) -> Result<Token, TokenError> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.expose_secret()),
            ("client_secret", secret.expose_secret()),
        ];
        let asked_at = self.clock.now();
        let response = http
            .post(format!("{}{path}", self.origin))
            .form(&form)
            .send()
            .await
            .map_err(|_| TokenError::Silent)?;
        let status = response.status();
        let headers = response.headers().clone();
        let (body, _) = body_of(response, BODY, BODY_TIME).await;
        if !status.is_success() {
            return Err(TokenError::Answered(status.as_u16(), headers, body));
        }
        let answer = TokenAnswer::read(&body).map_err(TokenError::NoToken)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
            .map_err(|_| TokenError::NoToken("its access_token cannot stand in a header"))?;
        header.set_sensitive(true);
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(answer.access_token.into());
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
    use super::TokenAnswer;

    #[test]
    fn a_token_is_taken_in_any_spelling_and_what_is_none_is_told() {
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
            ("", "no JSON"),
            ("[]", "no access_token"),
            ("{}", "no access_token"),
            (r#"{"access_token":""}"#, "no access_token"),
            (r#"{"access_token":"t","expires_in":-1}"#, "not above 0"),
            (r#"{"access_token":"t","expires_in":"soon"}"#, "no number"),
            (r#"{"access_token":"t","token_type":"mac"}"#, "not Bearer"),
        ] {
            let why = TokenAnswer::read(body.as_bytes()).err().unwrap();
            assert!(why.contains(part), "{body}: {why}");
        }
    }
}
