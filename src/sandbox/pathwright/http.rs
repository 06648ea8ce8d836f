//! HTTP handlers of the simulated Pathwright API.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::Messages;
use crate::sandbox::SECRET;
use crate::sandbox::state::{Inner, Sandbox, with_record};

/// The number of links on a page.
const PAGE: usize = 100;

pub(in crate::sandbox) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route(
            "/api/public/member/{integration}/{external_id}/",
            patch(update).put(update).post(update),
        )
        .route("/api/public/link/", get(links))
}

/// Returns the response for unknown paths and methods.
pub(in crate::sandbox) fn nothing(status: StatusCode) -> Response {
    let text = match status {
        StatusCode::NOT_FOUND => "Not found.",
        StatusCode::TOO_MANY_REQUESTS => "Request was throttled.",
        status if status.is_server_error() => "A server error occurred.",
        _ => "Method not allowed.",
    };
    Refused::detail(status, text).into_response()
}

/// An error response in the framework's format.
struct Refused(StatusCode, Value, Option<u64>);

impl Refused {
    fn detail(status: StatusCode, text: &str) -> Refused {
        Refused(status, json!({"detail": text}), None)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(self.1)).into_response();
        if let Some(seconds) = self.2 {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Checks the sign-in and the rate limit, then calls `work`.
fn answer(
    sandbox: &Sandbox,
    kind: &'static str,
    headers: &HeaderMap,
    work: impl FnOnce(&mut Inner) -> Result<Value, Refused>,
) -> Response {
    let signed_in = |_: &Inner, _| match signed_in(headers) {
        true => Ok(()),
        false => Err(Refused::detail(StatusCode::UNAUTHORIZED, "Invalid token.")),
    };
    let throttled = |seconds| {
        let text = format!("Request was throttled. Expected available in {seconds} seconds.");
        let body = json!({"detail": text});
        Refused(StatusCode::TOO_MANY_REQUESTS, body, Some(seconds))
    };
    sandbox.answer(kind, signed_in, throttled, work)
}

/// Returns whether the request has `Token sandbox`, or Basic with the token as the user name.
fn signed_in(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    if let Some(token) = value.strip_prefix("Token ") {
        return token == SECRET;
    }
    let pair = value
        .strip_prefix("Basic ")
        .and_then(|text| BASE64.decode(text).ok());
    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
    pair.is_some_and(|pair| pair.split(':').next() == Some(SECRET))
}

async fn update(
    State(sandbox): State<Arc<Sandbox>>,
    Path(key): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let name = format!("{}/{}", key.0, key.1);
    let record = name.clone();
    let now = sandbox.clock.timestamp().to_string();
    let response = answer(&sandbox, "update", &headers, |inner| {
        inner.stats.record(&name).requests += 1;
        let body: Value = serde_json::from_slice(&body).map_err(|error| {
            Refused::detail(
                StatusCode::BAD_REQUEST,
                &format!("JSON parse error - {error}"),
            )
        })?;
        match inner.members.update(&key, &body, &now) {
            None => Err(Refused::detail(StatusCode::NOT_FOUND, "Not found.")),
            Some(Err(Messages(messages))) => Err(Refused(
                StatusCode::BAD_REQUEST,
                Value::Object(messages),
                None,
            )),
            Some(Ok(member)) => {
                inner.stats.record(&name).updates += 1;
                Ok(member)
            }
        }
    });
    with_record(response, record)
}

#[derive(Deserialize)]
struct Page {
    page: Option<usize>,
}

async fn links(
    State(sandbox): State<Arc<Sandbox>>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let address = format!("http://{host}/api/public/link/");
    answer(&sandbox, "list", &headers, |inner| {
        let no_page = || Refused::detail(StatusCode::NOT_FOUND, "Invalid page.");
        let Query(page) = page.map_err(|_| no_page())?;
        let page = page.page.unwrap_or(1);
        let count = inner.members.len();
        if page == 0 || (page > 1 && (page - 1) * PAGE >= count) {
            return Err(no_page());
        }
        let results: Vec<Value> = inner
            .members
            .links()
            .skip((page - 1) * PAGE)
            .take(PAGE)
            .cloned()
            .collect();
        let at = |page: usize| json!(format!("{address}?page={page}"));
        Ok(json!({
            "count": count,
            "next": if page * PAGE < count { at(page + 1) } else { Value::Null },
            "previous": if page > 1 { at(page - 1) } else { Value::Null },
            "results": results,
        }))
    })
}
