//! Credentials from environment variables and files.

use std::ffi::OsString;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::l10n::say;
use crate::log;
use crate::model::{Code, Declared, Fact};
use crate::safe_fs::TrustedFile;
use crate::targets::{SignIn, TargetSpec};

/// An error about missing or unusable credentials. It never contains a credential.
#[derive(Debug, Error)]
pub enum SignInError {
    /// No sign-in method has all of its variables.
    #[error("{}", say().credentials_missing(target.as_str(), ways.as_str()))]
    Missing {
        /// The name of the target.
        target: String,
        /// The variables of each method.
        ways: String,
        /// All variables.
        variables: Vec<Declared>,
    },
    /// The file in a `_FILE` variable cannot be read.
    #[error("{}", say().credentials_file(path.as_str(), variable.as_str()))]
    File {
        /// The variable.
        variable: String,
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// A credential is empty or contains only white space.
    #[error("{}", say().credentials_empty(variable.as_str()))]
    Empty {
        /// The variable.
        variable: String,
    },
    /// A credential contains white space, or a character that credentials cannot have.
    #[error("{}", say().credentials_character(variable.as_str()))]
    Character {
        /// The variable.
        variable: String,
    },
}

impl SignInError {
    fn missing(spec: &TargetSpec, name: impl Fn(&str) -> String) -> SignInError {
        let way = |way: &SignIn| {
            let names = way.variables().into_iter().map(&name);
            names.collect::<Vec<_>>().join(" + ")
        };
        let ways: Vec<String> = spec.sign_in.iter().map(way).collect();
        SignInError::Missing {
            target: spec.name.clone(),
            ways: ways.join(&say().credentials_or()),
            variables: spec
                .sign_in
                .iter()
                .flat_map(SignIn::variables)
                .filter_map(|variable| Declared::variable(&name(variable)))
                .collect(),
        }
    }

    /// Returns the error for logs and notifications: the variables without their values.
    pub fn fact(&self) -> Fact {
        let named = |variable: &String| Declared::variable(variable);
        match self {
            SignInError::Missing { variables, .. } => {
                Fact::new(Code::SignInMissing).with_names(variables.clone())
            }
            SignInError::File {
                variable, source, ..
            } => Fact::new(Code::SignInFile)
                .with_names(named(variable))
                .with_io(source),
            SignInError::Empty { variable } => {
                Fact::new(Code::SignInEmpty).with_names(named(variable))
            }
            SignInError::Character { variable } => {
                Fact::new(Code::SignInCharacter).with_names(named(variable))
            }
        }
    }

    /// Returns the error with the variable names of the user's config, which `name` returns.
    pub fn renamed(self, spec: &TargetSpec, name: impl Fn(&str) -> String) -> SignInError {
        match self {
            SignInError::Missing { .. } => SignInError::missing(spec, name),
            SignInError::File {
                variable,
                path,
                source,
            } => SignInError::File {
                variable: name(&variable),
                path,
                source,
            },
            SignInError::Empty { variable } => SignInError::Empty {
                variable: name(&variable),
            },
            SignInError::Character { variable } => SignInError::Character {
                variable: name(&variable),
            },
        }
    }
}

/// A sign-in method with its secrets.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Constant headers of every request.
    Headers(HeaderMap),
    /// OAuth 2.0 client credentials.
    Oauth {
        /// The token endpoint: its address, or its path on the API's host.
        token_endpoint: String,
        /// The requested scope.
        scope: Option<String>,
        /// The requested audience.
        audience: Option<String>,
        /// The client id.
        client_id: SecretString,
        /// The client secret.
        client_secret: SecretString,
    },
}

impl Credentials {
    /// Returns the first sign-in method of the target whose variables are all set. `variable` returns a
    /// variable's value. The variable `NAME_FILE` names a file with the value of `NAME`. White space around a
    /// value is removed.
    ///
    /// # Errors
    /// Fails if no method is complete, or a file or value cannot be used.
    pub fn find(
        spec: &TargetSpec,
        variable: impl Fn(&str) -> Option<OsString>,
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
        Err(SignInError::missing(spec, |name| name.to_owned()))
    }

    fn complete(way: &SignIn, values: Vec<SecretString>) -> Result<Credentials, SignInError> {
        match way {
            SignIn::Headers { headers } => {
                let mut map = HeaderMap::new();
                for ((name, variable), value) in headers.iter().zip(values) {
                    let no_header = || SignInError::Character {
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
            SignIn::Oauth {
                scope, audience, ..
            } => {
                let mut values = values.into_iter();
                Ok(Credentials::Oauth {
                    token_endpoint: way.token_endpoint().unwrap_or_default().to_owned(),
                    scope: scope.clone(),
                    audience: audience.clone(),
                    client_id: values.next().unwrap_or_default(),
                    client_secret: values.next().unwrap_or_default(),
                })
            }
        }
    }
}

impl Credentials {
    /// Returns empty credentials, for a request that only tests the network.
    pub fn none() -> Credentials {
        Credentials::Headers(HeaderMap::new())
    }

    /// Returns the token endpoint if it is on another host, which receives the client secret.
    pub fn token_url(&self) -> Option<&str> {
        match self {
            Credentials::Oauth { token_endpoint, .. } if !token_endpoint.starts_with('/') => {
                Some(token_endpoint)
            }
            _ => None,
        }
    }

    /// Returns the identity of these credentials for a hash. Users of the same credentials share one quota.
    pub fn identity(&self) -> Vec<u8> {
        match self {
            Credentials::Headers(headers) => {
                let values = headers.values().map(HeaderValue::as_bytes);
                values.collect::<Vec<_>>().join(&0)
            }
            Credentials::Oauth { client_id, .. } => client_id.expose_secret().as_bytes().to_vec(),
        }
    }

    /// A key for keyed hashes, derived from these credentials and not stored.
    pub fn key_for(&self, purpose: &str) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(self.identity());
        if let Credentials::Oauth { client_secret, .. } = self {
            hash.update([0]);
            hash.update(client_secret.expose_secret().as_bytes());
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        key
    }

    /// Returns the secrets in every form in which they are sent.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let mut all: Vec<String> = match self {
            Credentials::Headers(headers) => headers
                .values()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| {
                    // The secret follows a word such as Bearer, or is a part of the pair of Basic.
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
        // Shorter strings are not masked: no secret is so short, and the text would become unreadable.
        all.retain(|secret| secret.len() > 3);
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.into_iter().map(SecretString::from).collect()
    }

    /// Returns an `Authorization` header with a word and a secret. `variable` is the name of the secret's
    /// variable.
    fn authorization(
        variable: &str,
        word: &str,
        values: &[SecretString],
    ) -> Result<Credentials, SignInError> {
        let secret = values.first().map_or("", |value| value.expose_secret());
        let mut value = HeaderValue::from_str(&format!("{word} {secret}")).map_err(|_| {
            SignInError::Character {
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
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<SecretString>, SignInError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(value) = set(name) {
        return usable(name, value.to_str()).map(Some);
    }
    let file_variable = format!("{name}_FILE");
    let Some(path) = set(&file_variable).map(PathBuf::from) else {
        return Ok(None);
    };
    let failed = |source| SignInError::File {
        variable: file_variable.clone(),
        path: path.display().to_string(),
        source,
    };
    let file = TrustedFile::open(&path).map_err(failed)?;
    if file.is_exposed() {
        log::warn(&Fact::new(Code::SignInExposed).at_path(&path));
    }
    let text = file.text().map_err(failed)?;
    usable(&file_variable, Some(&text)).map(Some)
}

/// Removes the white space that a shell or an editor added around a secret: with it, the same credentials
/// would count as different ones, with a separate quota. `variable` is the name of its variable.
fn usable(variable: &str, text: Option<&str>) -> Result<SecretString, SignInError> {
    let is_around = |c: char| c.is_whitespace() || c == BYTE_ORDER_MARK;
    let secret = text.map(|text| text.trim_matches(is_around));
    match secret {
        Some("") => Err(SignInError::Empty {
            variable: variable.to_owned(),
        }),
        Some(secret) if !secret.contains(|c: char| is_around(c) || c.is_control()) => {
            Ok(secret.into())
        }
        // A value that is not UTF-8 contains other characters.
        _ => Err(SignInError::Character {
            variable: variable.to_owned(),
        }),
    }
}

/// The mark with which some editors begin a file.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[(&str, &str)]) -> Result<Credentials, SignInError> {
        let spec = crate::targets::load("meitner").unwrap();
        find(&spec, values)
    }

    fn find(spec: &TargetSpec, values: &[(&str, &str)]) -> Result<Credentials, SignInError> {
        Credentials::find(spec, |name| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| OsString::from(value))
        })
    }

    fn headers(credentials: &Credentials) -> Vec<&str> {
        match credentials {
            Credentials::Headers(headers) => headers
                .values()
                .map(|value| value.to_str().unwrap())
                .collect(),
            Credentials::Oauth { .. } => panic!("no headers"),
        }
    }

    #[test]
    fn the_first_sign_in_with_all_variables_is_used() {
        let id = ("MEITNER_CLIENT_CREDENTIALS", "an-id");
        let secret = ("MEITNER_CLIENT_SECRET", "a-secret");
        let oauth_id = ("MEITNER_CLIENT_ID", "another-id");
        let both = found(&[id, secret, oauth_id]).unwrap();
        assert_eq!(headers(&both), ["an-id", "a-secret"]);
        let oauth = found(&[secret, oauth_id]).unwrap();
        assert!(matches!(oauth, Credentials::Oauth { .. }));
        for too_few in [&[id][..], &[secret], &[oauth_id], &[]] {
            let error = found(too_few).unwrap_err();
            assert!(matches!(error, SignInError::Missing { .. }));
            assert!(error.to_string().contains("MEITNER_CLIENT_SECRET"));
        }
    }

    #[test]
    fn white_space_around_a_secret_is_removed_and_within_it_refused() {
        let with = |secret: &str| {
            found(&[
                ("MEITNER_CLIENT_CREDENTIALS", "an-id"),
                ("MEITNER_CLIENT_SECRET", secret),
            ])
        };
        for same in ["a-secret", " a-secret\n", "\u{FEFF}a-secret\r\n"] {
            let credentials = with(same).unwrap();
            assert_eq!(headers(&credentials)[1], "a-secret");
            assert_eq!(
                credentials.identity(),
                with("a-secret").unwrap().identity(),
                "one quota"
            );
        }
        assert_ne!(
            with("a-secret").unwrap().identity(),
            with("b-secret").unwrap().identity()
        );
        for (bad, kind) in [
            (" \n", "Empty"),
            ("two words", "Character"),
            ("a\u{FEFF}b", "Character"),
            ("a\u{7}b", "Character"),
        ] {
            let error = with(bad).unwrap_err();
            match kind {
                "Empty" => assert!(matches!(error, SignInError::Empty { .. })),
                _ => assert!(matches!(error, SignInError::Character { .. })),
            }
            assert!(error.to_string().contains("MEITNER_CLIENT_SECRET"));
        }
        assert!(matches!(with(""), Err(SignInError::Missing { .. })));
    }

    #[test]
    fn a_secret_can_be_read_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "from-a-file\n").unwrap();
        let path = path.to_str().unwrap();
        let id = ("MEITNER_CLIENT_CREDENTIALS", "an-id");
        let file = ("MEITNER_CLIENT_SECRET_FILE", path);
        assert_eq!(headers(&found(&[id, file]).unwrap())[1], "from-a-file");
        let value = ("MEITNER_CLIENT_SECRET", "a-value");
        assert_eq!(headers(&found(&[id, file, value]).unwrap())[1], "a-value");
        let gone = ("MEITNER_CLIENT_SECRET_FILE", "/no/such/file");
        let error = found(&[id, gone]).unwrap_err();
        assert!(matches!(error, SignInError::File { .. }));
        assert!(error.to_string().contains("MEITNER_CLIENT_SECRET_FILE"));
        let unset = ("MEITNER_CLIENT_SECRET_FILE", "");
        let error = found(&[id, unset]).unwrap_err();
        assert!(matches!(error, SignInError::Missing { .. }));
    }

    #[test]
    fn a_secret_is_masked_in_every_form_in_which_it_is_sent() {
        let secrets = |credentials: &Credentials| -> Vec<String> {
            let all = credentials.secrets();
            all.iter()
                .map(|secret| secret.expose_secret().to_owned())
                .collect()
        };
        let mut spec = crate::targets::load("meitner").unwrap();
        spec.sign_in = vec![SignIn::Basic {
            username: "NAME".into(),
            password: Some("WORD".into()),
        }];
        let basic = find(&spec, &[("NAME", "abcd"), ("WORD", "secret")]).unwrap();
        // The longest secret first, because one may contain another. Three letters are no secret.
        let pair = BASE64.encode("abcd:secret");
        assert_eq!(
            secrets(&basic),
            [format!("Basic {pair}").as_str(), &pair, "secret", "abcd"]
        );
        let short = find(&spec, &[("NAME", "abc"), ("WORD", "secret")]).unwrap();
        assert!(!secrets(&short).contains(&"abc".to_owned()));
        let oauth = Credentials::Oauth {
            token_endpoint: "/token".into(),
            scope: None,
            audience: None,
            client_id: "client".into(),
            client_secret: "a-secret".into(),
        };
        assert_eq!(secrets(&oauth), ["a-secret", "client"]);
        assert_eq!(oauth.identity(), b"client");
    }
}
