//! The HTTP client, which sends one request and returns its response.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use reqwest::{Url, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::address::{checked_address, one_spelling};
use super::answer::{Answer, Fault};
use super::body::{BODY, BODY_TIME, LARGEST, RECORD, body_of};
use super::credentials::Credentials;
use super::error::SendError;
use super::foreign::foreign;
use super::headers::{QuotaHeader, quota_headers};
use super::sign_in::{Signer, TokenError};
use super::tls::client_builder;
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::l10n::say;
use crate::targets::TargetSpec;

/// The settings of the HTTP client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientOptions {
    /// The API's base address.
    pub base_url: String,
    /// The maximum duration of one request.
    pub timeout: Duration,
    /// Additional trusted root certificates, in PEM.
    pub ca_certificates: Option<String>,
}

/// The HTTP client of a run. It sends one request and returns its response. It follows no redirect and
/// retries nothing itself.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// The base address, parsed.
    root: Url,
    /// The media type of updates.
    content_type: HeaderValue,
    /// The machine that is asked, and the address below which it is, in one spelling each.
    origin: String,
    address: String,
    spec: Arc<TargetSpec>,
    signer: Signer,
    /// The maximum size of a page of records, in bytes.
    largest_page: usize,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// A request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: reqwest::Method,
    /// The path below the base address, and the query.
    pub(super) path: &'a str,
    /// The JSON body.
    pub(super) body: Option<&'a [u8]>,
    /// The version that the record must still have.
    pub(super) if_match: Option<&'a str>,
    /// The row of an update, or `None` for a look-up.
    pub(super) row: Option<u64>,
    /// Whether the request can be resent after its response was lost.
    pub(super) repeatable: bool,
}

impl<'a> Request<'a> {
    /// Creates a request that reads records.
    pub(super) fn reading(path: &'a str, body: Option<&'a [u8]>, repeatable: bool) -> Request<'a> {
        Request {
            method: match body {
                Some(_) => reqwest::Method::POST,
                None => reqwest::Method::GET,
            },
            path,
            body,
            if_match: None,
            row: None,
            repeatable,
        }
    }
}

/// The maximum time for connecting.
const CONNECT: Duration = Duration::from_secs(10);

/// Returns the roots of Mozilla's program, as of the build.
fn bundled_roots() -> Vec<reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|root| reqwest::Certificate::from_der(root).ok())
        .collect()
}

/// The address of a token endpoint on a host of its own, if the client secret may be sent there: over
/// https, or plain http within this machine, where the API itself is there.
fn token_address(address: &str, api: &Url) -> Result<Url, SendError> {
    let refuse = |why| SendError::Address {
        url: address.to_owned(),
        why,
    };
    if let Some(name) = crate::targets::placeholders(address).next() {
        return Err(refuse(say().address_variable(name)));
    }
    let url = checked_address(address)?;
    match (url.scheme(), api.scheme()) {
        ("http", "https") => Err(refuse(say().address_plain())),
        _ => Ok(url),
    }
}

/// A response.
struct Received {
    /// The status, headers and error, interpreted.
    answer: Answer,
    /// The JSON of a successful response, unless it shows all that was sent.
    json: Option<Json>,
    body: Vec<u8>,
    headers: HeaderMap,
}

impl Client {
    /// Creates a client for `spec` at the base address.
    ///
    /// # Errors
    /// Fails if the address is invalid, or is plain http to another machine.
    pub fn new(
        spec: Arc<TargetSpec>,
        credentials: Credentials,
        options: &ClientOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Client, SendError> {
        let url = checked_address(&options.base_url)?;
        let token_url = credentials
            .token_url()
            .map(|address| token_address(address, &url))
            .transpose()?;
        let extra = match &options.ca_certificates {
            None => Vec::new(),
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or_else(|| SendError::Client(say().client_no_certificate()))?,
        };
        let mut constant = HeaderMap::new();
        for (name, value) in &spec.headers {
            let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) else {
                return Err(SendError::Client(say().client_header(name.as_str())));
            };
            constant.insert(name, value);
        }
        let build = || {
            let builder = client_builder()
                .user_agent(concat!("rosterpatch/", env!("CARGO_PKG_VERSION")))
                .timeout(options.timeout)
                .connect_timeout(options.timeout.min(CONNECT))
                .default_headers(constant.clone())
                .redirect(redirect::Policy::none())
                // The rate limiter counts every request, so the client must not retry.
                .retry(reqwest::retry::never());
            let builder = extra.iter().fold(builder, |builder, root| {
                builder.add_root_certificate(root.clone())
            });
            let is_plain = |url: &Url| url.scheme() == "http";
            if !is_plain(&url) {
                return builder;
            }
            // Plain http is allowed to this machine only, so no proxy may forward it.
            let builder = builder.no_proxy();
            if token_url.as_ref().is_none_or(is_plain) {
                // No server presents a certificate, so the machine's roots are not read.
                builder.tls_certs_only([])
            } else {
                builder
            }
        };
        let http = build()
            .build()
            // A machine without a certificate store still has the roots that come with us.
            .or_else(|_| build().tls_certs_only(bundled_roots()).build())
            .map_err(|error| SendError::Client(error.without_url().to_string()))?;
        let content_type = HeaderValue::from_str(&spec.update.content_type)
            .map_err(|_| SendError::Client(say().client_header(CONTENT_TYPE.as_str())))?;
        let origin = url.origin().ascii_serialization();
        let machine = one_spelling(&url);
        let address = format!("{machine}{}", url.path().trim_end_matches('/'));
        Ok(Client {
            http,
            origin: machine,
            address,
            base: options.base_url.trim_end_matches('/').to_owned(),
            root: url,
            content_type,
            signer: Signer::new(credentials, origin, clock.clone()),
            largest_page: spec.lookup.as_ref().map_or(BODY, |how| {
                let records = RECORD.saturating_mul(how.page_size.unwrap_or(1) as usize);
                records.clamp(BODY, LARGEST)
            }),
            timeout: options.timeout,
            spec,
            clock,
        })
    }

    /// Returns the origin of the API, independent of the spelling of the address.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the base address as it was given.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the canonical base address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request, after fetching a token if needed. Returns the response and, if it is successful, its
    /// JSON, unless it shows all that was sent.
    pub(super) async fn call(
        &self,
        request: &Request<'_>,
    ) -> Result<(Answer, Option<Json>), Fault> {
        let received = self.exchange(request).await?;
        Ok((received.answer, received.json))
    }

    /// Sends a request, and returns the whole response.
    async fn exchange(&self, request: &Request<'_>) -> Result<Received, Fault> {
        let signed = match self.signer.sign(&self.http).await {
            Ok(signed) => signed,
            Err(error) => {
                return Ok(Received {
                    answer: self.no_token(error)?,
                    json: None,
                    body: Vec::new(),
                    headers: HeaderMap::new(),
                });
            }
        };
        let mut made = reqwest::Request::new(request.method.clone(), self.url(request.path)?);
        *made.headers_mut() = signed.headers;
        if let Some(body) = request.body {
            let content_type = match request.row {
                Some(_) => self.content_type.clone(),
                None => HeaderValue::from_static("application/json"),
            };
            made.headers_mut().insert(CONTENT_TYPE, content_type);
            *made.body_mut() = Some(body.to_vec().into());
        }
        if let Some(version) = request.if_match {
            let version = HeaderValue::from_str(version).map_err(|_| Fault::Lost)?;
            made.headers_mut().insert(IF_MATCH, version);
        }
        let response = self.http.execute(made).await;
        let mut response = response.map_err(|error| fault(&error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let is_success = (200..300).contains(&status);
        // The status is decisive. The body is read to reuse the connection, and for an error message. An
        // unreadable body has no effect.
        let is_page = request.row.is_none() && is_success;
        let (most, patience) = if is_page {
            (self.largest_page, self.timeout)
        } else {
            (BODY, BODY_TIME)
        };
        let (body, more) = body_of(response, most, patience).await;
        if is_page && more {
            return Err(Fault::TooLarge);
        }
        let mut answer = self.read(status, &headers, &body);
        let is_update = request.row.is_some();
        // Most APIs return what was sent. Then nothing is left to compare, and the record is not parsed.
        let sent = request.body.filter(|_| is_update && is_success);
        let is_shown = sent.is_some_and(|sent| self.spec.shows_sent(&body, sent));
        let json: Option<Json> = match is_success && !is_shown {
            true => serde_json::from_slice(&body).ok(),
            false => None,
        };
        if is_success
            && !is_shown
            && let Some(what) = foreign(&self.spec, is_update, status, &body, json.as_ref())
        {
            match is_cut_off(&body) {
                // The body exceeds the limit.
                true if more => {}
                // A successful response with a truncated body counts as lost.
                true => return Err(Fault::Lost),
                false => {
                    answer.holds_instead(what, &body, &self.spec.answers);
                    self.blank(&mut answer);
                }
            }
        }
        answer.stale_token = signed.token.filter(|_| status == 401);
        Ok(Received {
            answer,
            json,
            body,
            headers,
        })
    }

    /// The URL of a path below the base address.
    fn url(&self, path: &str) -> Result<Url, Fault> {
        if path.contains(['?', '#']) {
            return Url::parse(&format!("{}{path}", self.base)).map_err(|_| Fault::Lost);
        }
        // The host of the base address is not parsed again.
        let mut url = self.root.clone();
        match self.root.path() {
            "/" => url.set_path(path),
            prefix => url.set_path(&format!("{}{path}", prefix.trim_end_matches('/'))),
        }
        Ok(url)
    }

    /// Asks for something once, as a look-up does, and returns what came back, with its JSON if it has any.
    ///
    /// # Errors
    /// Fails if no answer came back.
    pub async fn probe(
        &self,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<(Answer, Option<Json>), Fault> {
        let (answer, json, _) = self.inspect(path, body).await?;
        Ok((answer, json))
    }

    /// Reads from the API once, and also returns the quota headers.
    ///
    /// # Errors
    /// Fails if there is no response.
    pub async fn inspect(
        &self,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<(Answer, Option<Json>, Vec<QuotaHeader>), Fault> {
        let request = Request::reading(path, body, false);
        let received = self.exchange(&request).await?;
        let quota = quota_headers(&received.headers, &self.spec.quota, self.clock.now());
        let json = received.json;
        let json = json.or_else(|| serde_json::from_slice(&received.body).ok());
        Ok((received.answer, json, quota))
    }

    /// Returns the number of requests to the token endpoint so far.
    pub fn token_requests(&self) -> u64 {
        self.signer.fetched()
    }

    /// Returns whether requests are signed with a token that may have to be fetched first.
    pub fn fetches_tokens(&self) -> bool {
        self.signer.fetches()
    }

    /// Records that the token of the refused request is invalid. Returns whether another token can be
    /// fetched.
    pub(super) fn renew(&self, answer: &Answer) -> bool {
        match answer.stale_token {
            Some(token) => {
                self.signer.refuse(token);
                true
            }
            None => false,
        }
    }

    /// Returns the result of a request without a token: a connection error or refused credentials.
    fn no_token(&self, error: TokenError) -> Result<Answer, Fault> {
        let mut answer = match error {
            // The request was not sent.
            TokenError::Silent(trouble) => return Err(Fault::Connect(trouble)),
            TokenError::Answered(status, headers, body) => {
                let mut answer = self.read(status, &headers, &body);
                answer.explain_refusal(&body);
                self.blank(&mut answer);
                answer
            }
            TokenError::NoToken(why) => Answer {
                status: 200,
                message: say().token_unusable(why),
                ..Answer::default()
            },
        };
        answer.of_sign_in = true;
        let may_pass = self.spec.answers.retry.contains(&answer.status) || answer.is_throttled();
        answer.sign_in_refused = !may_pass;
        Ok(answer)
    }

    fn read(&self, status: u16, headers: &reqwest::header::HeaderMap, body: &[u8]) -> Answer {
        let (answers, quota) = (&self.spec.answers, &self.spec.quota);
        let mut answer = Answer::read(status, headers, body, answers, quota, self.clock.now());
        self.blank(&mut answer);
        answer
    }

    /// An API may echo the request, and records and reports must not contain secrets.
    fn blank(&self, answer: &mut Answer) {
        for text in [
            &mut answer.code,
            &mut answer.message,
            &mut answer.request_id,
        ] {
            self.signer.blank(text);
        }
    }
}

/// Returns whether a body is the beginning of JSON.
fn is_cut_off(body: &[u8]) -> bool {
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(body);
    !body.trim_ascii().is_empty() && read.is_err_and(|error| error.is_eof())
}

fn fault(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        Fault::Connect(Trouble::of(error))
    } else if error.is_timeout() {
        Fault::TimeOut
    } else {
        Fault::Lost
    }
}

#[cfg(test)]
mod tests;
