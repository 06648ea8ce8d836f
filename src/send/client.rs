use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Url, redirect};

use super::answer::{Answer, Fault};
use super::error::SendError;
use super::sign_in::{Credentials, Signer, TokenError};
use crate::clock::Clock;
use crate::model::{Call, Method};
use crate::targets::TargetSpec;

/// How requests are made.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The API's base address.
    pub base_url: String,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// The one HTTP client of a run: it makes one request and says what came back. It follows no
/// redirect and repeats nothing on its own.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    spec: Arc<TargetSpec>,
    signer: Signer,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client for `spec` at the base address.
    ///
    /// # Errors
    /// When the address is none, or is plain http to another machine.
    pub fn new(
        spec: Arc<TargetSpec>,
        credentials: Credentials,
        options: &ClientOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Client, SendError> {
        let url = checked_address(&options.base_url)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("rosterpatch/", env!("CARGO_PKG_VERSION")))
            .timeout(options.timeout)
            .redirect(redirect::Policy::none())
            // The limiter counts every request, so nothing may be repeated behind its back.
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| SendError::Client(error.without_url().to_string()))?;
        let origin = url.origin().ascii_serialization();
        Ok(Client {
            http,
            base: options.base_url.trim_end_matches('/').to_owned(),
            signer: Signer::new(credentials, origin, clock.clone()),
            spec,
            clock,
        })
    }

    /// Makes one request, and a second one only where the first was refused for a token that had
    /// run out.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, Fault> {
        let (answer, token) = self.attempt(call, None).await?;
        match token {
            Some(token) if answer.status == 401 => {
                let (answer, _) = self.attempt(call, Some(token)).await?;
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        refused: Option<u64>,
    ) -> Result<(Answer, Option<u64>), Fault> {
        let signed = match self.signer.sign(&self.http, refused).await {
            Ok(signed) => signed,
            Err(TokenError::Refused(status, body)) => {
                // The token endpoint's 400 and 401 both mean that the credentials are refused
                // (RFC 6749, section 5.2).
                let status = if status == 400 { 401 } else { status };
                return Ok((self.read(status, &Default::default(), &body), None));
            }
            Err(TokenError::Transport(error)) => return Err(fault(&error)),
            Err(TokenError::NoToken) => {
                let answer = Answer {
                    status: 401,
                    message: "the token endpoint answered without a token".into(),
                    ..Answer::default()
                };
                return Ok((answer, None));
            }
        };
        let method = match call.method {
            Method::Patch => reqwest::Method::PATCH,
            Method::Put => reqwest::Method::PUT,
            Method::Post => reqwest::Method::POST,
        };
        let response = self
            .http
            .request(method, format!("{}{}", self.base, call.path))
            .headers(signed.headers)
            .header(CONTENT_TYPE, "application/json")
            .body(call.body.clone())
            .send()
            .await
            .map_err(|error| fault(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        if response.status().is_success() {
            // The status decides. The body is read only so that the connection can be used
            // again, and whatever is wrong with it changes nothing.
            let _ = response.bytes().await;
            return Ok((self.read(status, &headers, b""), signed.token));
        }
        let body = response.bytes().await.map_err(|error| fault(&error))?;
        Ok((self.read(status, &headers, &body), signed.token))
    }

    fn read(&self, status: u16, headers: &reqwest::header::HeaderMap, body: &[u8]) -> Answer {
        let quota = self.spec.quota.headers.as_ref();
        Answer::read(
            status,
            headers,
            body,
            &self.spec.answers,
            quota,
            self.clock.now(),
        )
    }
}

fn fault(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        Fault::Connect
    } else if error.is_timeout() {
        Fault::TimeOut
    } else {
        Fault::Lost
    }
}

/// The address, if it may be sent to: https, or http to this machine alone, because credentials
/// and personal data go there.
fn checked_address(address: &str) -> Result<Url, SendError> {
    let refuse = |why| SendError::Address {
        url: address.to_owned(),
        why,
    };
    let url = Url::parse(address).map_err(|_| refuse("it is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SendError::Address {
            url: url.host_str().unwrap_or("").to_owned(),
            why: "it holds a user name or a password; credentials belong in the environment",
        });
    }
    match (url.scheme(), url.host_str()) {
        (_, None) => Err(refuse("it has no host")),
        ("https", _) => Ok(url),
        ("http", Some(host)) if is_loopback(host) => Ok(url),
        ("http", _) => Err(refuse(
            "plain http is for this machine alone, or credentials and personal data could be read on the way; use https",
        )),
        _ => Err(refuse("it is neither https nor http")),
    }
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
    use super::checked_address;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
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
            "",
        ] {
            assert!(checked_address(bad).is_err(), "{bad}");
        }
    }
}
