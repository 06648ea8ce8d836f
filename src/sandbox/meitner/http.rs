//! HTTP handlers of the simulated Meitner API.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::filter::{Filter, OF_DELETIONS, OF_STUDENTS};
use super::students::Taken;
use super::validate;
use crate::sandbox::state::{Inner, Sandbox, with_record};
use crate::sandbox::{READ_ONLY, SECRET, Variation, WRITE_ONLY};

/// The lifetime of a token in seconds.
const TOKEN_SECONDS: u64 = 3600;

/// The default and the maximum page size.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

pub(in crate::sandbox) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/oauth/token", post(token))
        .route("/directory/v1/student", get(list))
        .route("/directory/v1/student/_search", post(search))
        .route("/directory/v1/student/{id}", get(read).patch(update))
        .route("/directory/v1/audit-event", get(list_deletions))
        .route("/directory/v1/audit-event/_search", post(search_deletions))
        .route("/directory/v1/audit-event/{id}", get(read_deletion))
}

/// Returns the response for unknown paths and methods.
pub(in crate::sandbox) fn nothing(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::NOT_FOUND => "no such resource",
        StatusCode::TOO_MANY_REQUESTS => "rate limit exceeded",
        status if status.is_server_error() => "something went wrong",
        _ => "method not allowed",
    };
    Refused(status, message.into()).into_response()
}

/// An error response in the API's format.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = match self.0.as_u16() {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 | 405 => "NotFound",
            409 => "Conflict",
            422 => "UnprocessableEntity",
            429 => "RateLimited",
            _ => "Internal",
        };
        let request_id = Uuid::new_v4().to_string();
        let body = json!({"error": {"code": code, "message": self.1, "requestID": request_id}});
        (self.0, Json(body)).into_response()
    }
}

fn bad_request(message: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, message.into())
}

fn unauthorized(message: &str) -> Refused {
    Refused(StatusCode::UNAUTHORIZED, message.into())
}

fn forbidden(message: &str) -> Refused {
    Refused(StatusCode::FORBIDDEN, message.into())
}

fn parsed(body: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| bad_request(format!("the body is not JSON: {error}")))
}

fn unprocessable(message: String) -> Refused {
    Refused(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn no_student() -> Refused {
    Refused(StatusCode::NOT_FOUND, "student not found".into())
}

#[derive(Clone, Copy, PartialEq)]
enum Access {
    Read,
    Write,
}

/// Checks the sign-in and the rate limit, then calls `work`.
fn answer(
    sandbox: &Sandbox,
    kind: &'static str,
    headers: &HeaderMap,
    access: Access,
    work: impl FnOnce(&mut Inner) -> Result<Value, Refused>,
) -> Response {
    sandbox.answer(
        kind,
        |inner, now| sign_in(inner, headers, now, access),
        |_| Refused(StatusCode::TOO_MANY_REQUESTS, "rate limit exceeded".into()),
        work,
    )
}

fn sign_in(inner: &Inner, headers: &HeaderMap, now: u64, access: Access) -> Result<(), Refused> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let client = match (header("Client-ID"), header("Client-Secret")) {
        (Some(id), Some(SECRET)) if [SECRET, READ_ONLY, WRITE_ONLY].contains(&id) => Some(id),
        _ => None,
    };
    let bearer = header("Authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = bearer.is_some_and(|bearer| {
        let mut tokens = inner.tokens.iter();
        bearer == SECRET || tokens.any(|(token, until)| token == bearer && now < *until)
    });
    match client {
        None if !token => Err(unauthorized("missing or invalid credentials")),
        Some(READ_ONLY) if access == Access::Write => {
            Err(forbidden("the client may not write students"))
        }
        Some(WRITE_ONLY) if access == Access::Read => {
            Err(forbidden("the client may not read students"))
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

async fn token(
    State(sandbox): State<Arc<Sandbox>>,
    asked: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    let Ok(Form(asked)) = asked else {
        return bad_request("the body must be a form").into_response();
    };
    let mut inner = sandbox.lock();
    inner.stats.count("token");
    if asked.grant_type != "client_credentials" {
        return bad_request("grant_type must be client_credentials").into_response();
    }
    if asked.client_id != SECRET || asked.client_secret != SECRET {
        return unauthorized("invalid client credentials").into_response();
    }
    let token = Uuid::new_v4().simple().to_string();
    let now = sandbox.clock.now();
    inner.tokens.retain(|(_, until)| now < *until);
    inner
        .tokens
        .push((token.clone(), now + TOKEN_SECONDS * 1_000_000_000));
    Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}))
        .into_response()
}

async fn read(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&sandbox, "read", &headers, Access::Read, |inner| {
        let id = student_id(&id)?;
        let student = inner.students.get(&id).ok_or_else(no_student)?;
        Ok(Value::Object(student.clone()))
    })
}

async fn update(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let record = id.clone();
    let response = answer(&sandbox, "update", &headers, Access::Write, |inner| {
        let id = student_id(&id)?;
        inner.stats.record(&id).requests += 1;
        let body = parsed(&body)?;
        let change = validate::update(&body).map_err(unprocessable)?;
        let updated = inner
            .students
            .update(&id, change, sandbox.clock.timestamp())
            .map_err(|Taken(field)| {
                Refused(
                    StatusCode::CONFLICT,
                    format!("{field} is already used by another student"),
                )
            })?
            .ok_or_else(no_student)?;
        inner.stats.record(&id).updates += 1;
        Ok(Value::Object(updated))
    });
    with_record(response, record)
}

fn student_id(id: &str) -> Result<String, Refused> {
    Uuid::try_parse(id)
        .map(|id| id.hyphenated().to_string())
        .map_err(|_| bad_request("id is not a UUID"))
}

#[derive(Deserialize)]
struct Page {
    limit: Option<usize>,
    offset: Option<usize>,
}

impl Page {
    fn asked(page: Result<Query<Page>, QueryRejection>) -> Result<Page, Refused> {
        match page {
            Ok(Query(page)) => Ok(page),
            Err(_) => Err(bad_request("limit and offset must be whole numbers")),
        }
    }

    fn of<'a>(
        &self,
        all: impl Iterator<Item = &'a serde_json::Map<String, Value>>,
    ) -> Result<Value, Refused> {
        let limit = self.limit.unwrap_or(PAGE);
        let offset = self.offset.unwrap_or(0);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return Err(bad_request(format!(
                "limit must be from 1 to {LARGEST_PAGE}"
            )));
        }
        let all: Vec<_> = all.collect();
        let data: Vec<_> = all.iter().skip(offset).take(limit).collect();
        Ok(json!({
            "data": data,
            "pagination": {"offset": offset, "limit": limit, "total": all.len()},
        }))
    }
}

async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    answer(&sandbox, "list", &headers, Access::Read, |inner| {
        Page::asked(page)?.of(inner.students.all())
    })
}

async fn search(
    State(sandbox): State<Arc<Sandbox>>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&sandbox, "search", &headers, Access::Read, |inner| {
        let body = parsed(&body)?;
        let mut filter = Filter::of_body(&body, OF_STUDENTS).map_err(unprocessable)?;
        let students = &inner.students;
        if students.varies(Variation::IgnoredTimes) {
            filter.ignore_moments();
        }
        Page::asked(page)?.of(students.all().filter(|student| filter.matches(student)))
    })
}

async fn list_deletions(
    State(sandbox): State<Arc<Sandbox>>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    answer(&sandbox, "deletions", &headers, Access::Read, |inner| {
        Page::asked(page)?.of(inner.students.deletions())
    })
}

async fn read_deletion(
    State(sandbox): State<Arc<Sandbox>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&sandbox, "deletions", &headers, Access::Read, |inner| {
        let is_it = |event: &&Map<String, Value>| event.get("id").is_some_and(|own| *own == id);
        let event = inner.students.deletions().find(is_it);
        let none = || Refused(StatusCode::NOT_FOUND, "audit event not found".into());
        Ok(Value::Object(event.ok_or_else(none)?.clone()))
    })
}

async fn search_deletions(
    State(sandbox): State<Arc<Sandbox>>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&sandbox, "deletions", &headers, Access::Read, |inner| {
        let body = parsed(&body)?;
        let filter = Filter::of_body(&body, OF_DELETIONS).map_err(unprocessable)?;
        let deletions = inner.students.deletions();
        Page::asked(page)?.of(deletions.filter(|event| filter.matches(event)))
    })
}
