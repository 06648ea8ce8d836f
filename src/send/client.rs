//! The HTTP client makes one request and returns its answer.

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

/// How requests are made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientOptions {
    /// The API's base address.
    pub base_url: String,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// Root certificates in PEM, to be trusted besides the machine's own.
    pub ca_certificates: Option<String>,
}

/// The one HTTP client of a run: it makes one request and says what came back. It follows no
/// redirect and repeats nothing on its own.
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
    /// Bytes that a page of records may have.
    largest_page: usize,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// One request: what it asks for, and on whose behalf.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: reqwest::Method,
    /// Path below the base address, and query.
    pub(super) path: &'a str,
    /// The JSON body, if there is one.
    pub(super) body: Option<&'a [u8]>,
    /// The version that the record must still have.
    pub(super) if_match: Option<&'a str>,
    /// The row it is made for; none of a look-up.
    pub(super) row: Option<u64>,
    /// Whether it may be made again when its answer was lost.
    pub(super) repeatable: bool,
}

/// The longest that making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The roots of Mozilla's programme, as they were when this program was built.
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
    /// Its status, headers and error, interpreted.
    answer: Answer,
    /// The JSON of a success.
    json: Option<Json>,
    body: Vec<u8>,
    headers: HeaderMap,
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
                // The limiter counts every request, so the client must not repeat any on its own.
                .retry(reqwest::retry::never());
            let builder = extra.iter().fold(builder, |builder, root| {
                builder.add_root_certificate(root.clone())
            });
            let is_plain = |url: &Url| url.scheme() == "http";
            if !is_plain(&url) {
                return builder;
            }
            // Plain http is for this machine alone: no proxy may carry it elsewhere.
            let builder = builder.no_proxy();
            if token_url.as_ref().is_none_or(is_plain) {
                // No server shows a certificate, so none of the machine's roots need be read.
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

    /// The machine that is asked, whichever of its names and spellings the address uses.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The address below which all requests go, as it was given.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The same with the path below which all requests go.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes one request, after fetching a token for it if one is needed. Returns the response and, of a
    /// success, its JSON.
    pub(super) async fn call(
        &self,
        request: &Request<'_>,
    ) -> Result<(Answer, Option<Json>), Fault> {
        let received = self.exchange(request).await?;
        Ok((received.answer, received.json))
    }

    /// Makes one request, and returns the whole response.
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
        // The status decides. A body is read so that the connection can be reused, and for the error in it. A body
        // that cannot be read has no effect.
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
        let json: Option<Json> = match is_success {
            true => serde_json::from_slice(&body).ok(),
            false => None,
        };
        let is_update = request.row.is_some();
        if is_success
            && let Some(what) = foreign(&self.spec, is_update, status, &body, json.as_ref())
        {
            match is_cut_off(&body) {
                // It is longer than what is read of it.
                true if more => {}
                // A success whose body was cut off was not received.
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
    /// When no answer came back.
    pub async fn probe(
        &self,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<(Answer, Option<Json>), Fault> {
        let (answer, json, _) = self.inspect(path, body).await?;
        Ok((answer, json))
    }

    /// The same, with what the headers say of the quota.
    ///
    /// # Errors
    /// When no answer came back.
    pub async fn inspect(
        &self,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<(Answer, Option<Json>, Vec<QuotaHeader>), Fault> {
        let request = Request {
            method: match body {
                Some(_) => reqwest::Method::POST,
                None => reqwest::Method::GET,
            },
            path,
            body,
            if_match: None,
            row: None,
            repeatable: false,
        };
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

    /// Whether requests are signed with a token that may have to be fetched first.
    pub fn fetches_tokens(&self) -> bool {
        self.signer.fetches()
    }

    /// Takes note that the token with which `answer` was refused is of no more use. Returns
    /// whether another one may be.
    pub(super) fn renew(&self, answer: &Answer) -> bool {
        match answer.stale_token {
            Some(token) => {
                self.signer.refuse(token);
                true
            }
            None => false,
        }
    }

    /// What the lack of a token means: trouble on the way, or refused credentials.
    fn no_token(&self, error: TokenError) -> Result<Answer, Fault> {
        let mut answer = match error {
            // The request was never sent.
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

    /// An API may echo what it was sent; no secret goes into a record or a report.
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

/// Whether a body is the beginning of JSON.
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
