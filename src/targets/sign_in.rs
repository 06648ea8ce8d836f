//! The sign-in methods of a target file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// A sign-in method. It holds names of environment variables and never a secret.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignIn {
    /// Constant headers on every request.
    Headers {
        /// The environment variable for each header's value.
        headers: BTreeMap<String, String>,
    },
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// The environment variable with the token.
        token: String,
    },
    /// `Authorization: WORD …`, for APIs with a custom scheme.
    Token {
        /// The scheme before the token.
        word: String,
        /// The environment variable with the token.
        token: String,
    },
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The environment variable with the user name.
        username: String,
        /// The environment variable with the password. The password is empty by default.
        password: Option<String>,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth {
        /// The path of the token endpoint on the base address's host. It may contain variables as `{name}`.
        /// Either `token_path` or `token_url` must be set.
        token_path: Option<String>,
        /// The address of a token endpoint on another host. The client secret is sent there, so only the path
        /// may contain variables.
        token_url: Option<String>,
        /// The requested scopes, separated by spaces. It may contain variables.
        scope: Option<String>,
        /// The requested audience, if the authorization server requires it. It may contain variables.
        audience: Option<String>,
        /// The environment variable with the client id.
        client_id: String,
        /// The environment variable with the client secret.
        client_secret: String,
    },
}

impl SignIn {
    /// The environment variables that this method requires.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            SignIn::Headers { headers } => headers.values().map(String::as_str).collect(),
            SignIn::Bearer { token } | SignIn::Token { token, .. } => vec![token],
            SignIn::Basic { username, password } => std::iter::once(username.as_str())
                .chain(password.as_deref())
                .collect(),
            SignIn::Oauth {
                client_id,
                client_secret,
                ..
            } => vec![client_id, client_secret],
        }
    }

    /// The texts that may contain variables.
    pub(super) fn templates(&self) -> impl Iterator<Item = &String> {
        let texts = match self {
            SignIn::Oauth {
                token_path,
                token_url,
                scope,
                audience,
                ..
            } => [token_path, token_url, scope, audience].map(Option::as_ref),
            _ => [None; 4],
        };
        texts.into_iter().flatten()
    }

    pub(super) fn templates_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let texts = match self {
            SignIn::Oauth {
                token_path,
                token_url,
                scope,
                audience,
                ..
            } => [token_path, token_url, scope, audience].map(Option::as_mut),
            _ => [const { None }; 4],
        };
        texts.into_iter().flatten()
    }

    /// The token endpoint: an address, or a path on the API's host.
    pub fn token_endpoint(&self) -> Option<&str> {
        match self {
            SignIn::Oauth {
                token_path,
                token_url,
                ..
            } => token_url.as_deref().or(token_path.as_deref()),
            _ => None,
        }
    }

    /// Replaces the token endpoint with one on the API's host.
    pub fn at_the_api(mut self) -> SignIn {
        if let SignIn::Oauth {
            token_path,
            token_url,
            ..
        } = &mut self
            && let Some(url) = token_url.take()
        {
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            *token_path = Some(format!("/{path}"));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_method_requires_all_its_environment_variables() {
        let name = |text: &str| text.to_owned();
        for (way, variables) in [
            (
                SignIn::Headers {
                    headers: BTreeMap::from(
                        [("Client-ID", "ID"), ("Client-Secret", "SECRET")]
                            .map(|(header, variable)| (name(header), name(variable))),
                    ),
                },
                vec!["ID", "SECRET"],
            ),
            (SignIn::Bearer { token: name("T") }, vec!["T"]),
            (
                SignIn::Token {
                    word: name("Token"),
                    token: name("T"),
                },
                vec!["T"],
            ),
            (
                SignIn::Basic {
                    username: name("U"),
                    password: None,
                },
                vec!["U"],
            ),
            (
                SignIn::Basic {
                    username: name("U"),
                    password: Some(name("P")),
                },
                vec!["U", "P"],
            ),
            (
                SignIn::Oauth {
                    token_path: Some(name("/token")),
                    token_url: None,
                    scope: None,
                    audience: None,
                    client_id: name("ID"),
                    client_secret: name("SECRET"),
                },
                vec!["ID", "SECRET"],
            ),
        ] {
            assert_eq!(way.variables(), variables);
        }
    }

    #[test]
    fn only_an_oauth_sign_in_has_a_token_endpoint() {
        let oauth = |path: Option<&str>, url: Option<&str>| SignIn::Oauth {
            token_path: path.map(str::to_owned),
            token_url: url.map(str::to_owned),
            scope: None,
            audience: None,
            client_id: "ID".to_owned(),
            client_secret: "SECRET".to_owned(),
        };
        let bearer = SignIn::Bearer {
            token: "T".to_owned(),
        };
        assert_eq!(bearer.token_endpoint(), None);
        assert_eq!(oauth(Some("/a"), None).token_endpoint(), Some("/a"));
        let other = oauth(None, Some("https://b.example/c/d"));
        assert_eq!(other.token_endpoint(), Some("https://b.example/c/d"));
        assert_eq!(other.at_the_api().token_endpoint(), Some("/c/d"));
    }
}
