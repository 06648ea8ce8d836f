//! HTTP handlers of a described API.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::PATH;
use super::description::{Description, Lookup, Paging, Way, placeholder};
use super::filter::{key_in, keys_in};
use super::lists::put;
use super::records::{Records, text_of};
use crate::sandbox::SECRET;
use crate::sandbox::bucket::Level;
use crate::sandbox::state::{Inner, Sandbox, with_record};

pub(in crate::sandbox) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().fallback(handle)
}

/// Returns an error response in the format of the target file.
pub(in crate::sandbox) fn error(records: &Records, status: StatusCode, what: &str) -> Response {
    of_field(&records.api, status, "", what)
}

fn of_field(api: &Description, status: StatusCode, field: &str, what: &str) -> Response {
    let mut body = Value::Object(Map::new());
    let answers = &api.answers;
    let code = match status.as_u16() {
        401 => "unauthorized",
        404 => "not_found",
        409 => "conflict",
        429 => "too_many_requests",
        500.. => "server_error",
        _ => "invalid",
    };
    for (pointer, text) in [
        (&answers.code, code),
        (&answers.message, what),
        (&answers.request_id, "sandbox-1"),
    ] {
        if !pointer.is_empty() {
            put(&mut body, pointer, text.into());
        }
    }
    if let Some(pointer) = answers
        .fields
        .as_ref()
        .filter(|_| answers.message.is_empty())
    {
        let name = if field.is_empty() { "detail" } else { field };
        match &**pointer {
            "" => body[name] = json!([what]),
            pointer => put(&mut body, pointer, json!({ name: [what] })),
        }
    }
    (status, Json(body)).into_response()
}

/// Returns the rate-limit headers of every response, under the names in the target file.
pub(in crate::sandbox) fn rate_headers(
    records: &Records,
    level: Level,
    now_ms: u64,
) -> Vec<(HeaderName, HeaderValue)> {
    let Some(names) = &records.api.quota.headers else {
        return Vec::new();
    };
    let seconds = level.reset_ms.saturating_sub(now_ms).div_ceil(1000);
    let pairs = if names.draft {
        let remaining = level.remaining;
        vec![(
            "RateLimit".to_owned(),
            format!("\"default\";r={remaining};t={seconds}"),
        )]
    } else {
        let reset = match &*names.reset_unit {
            "epoch-milliseconds" => level.reset_ms,
            "epoch-seconds" => level.reset_ms.div_ceil(1000),
            _ => seconds,
        };
        vec![
            (names.limit.clone(), level.limit.to_string()),
            (names.remaining.clone(), level.remaining.to_string()),
            (names.reset.clone(), reset.to_string()),
        ]
    };
    let header = |(name, value): (String, String)| {
        let name = name.parse::<HeaderName>().ok()?;
        Some((name, value.parse().ok()?))
    };
    pairs.into_iter().filter_map(header).collect()
}

async fn handle(
    State(sandbox): State<Arc<Sandbox>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = sandbox.clock.now();
    let mut inner = sandbox.lock();
    let Inner {
        any: Some(records),
        bucket,
        stats,
        ..
    } = &mut *inner
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    records.asked += u64::from(uri.path().starts_with(PATH));
    let api = &records.api;
    let refuse = |api: &Description, status: u16, what: &str| {
        let status = StatusCode::from_u16(api.status(status)).unwrap_or(StatusCode::BAD_REQUEST);
        of_field(api, status, "", what)
    };
    if method == Method::POST && is_token_path(api, uri.path()) {
        stats.count("token");
        return token(api, &body);
    }
    let Some(path) = uri.path().strip_prefix(PATH) else {
        return of_field(api, StatusCode::NOT_FOUND, "", "Not found.");
    };
    let (mut of_one, mut filtered) = (None, None);
    let queried = queried(api, &uri, path).filter(|_| method == Method::GET);
    let asked = match queried {
        Some(Queried::List(wanted)) => {
            filtered = wanted;
            Some(("query", BTreeMap::new()))
        }
        Some(Queried::One(place, key)) => {
            of_one = records.key_with(&place, &key);
            let other = || asked(api, &method, path);
            let is_found = of_one.is_some();
            (!is_found)
                .then(other)
                .flatten()
                .or(Some(("read", BTreeMap::new())))
        }
        None => asked(api, &method, path),
    };
    let Some((kind, names)) = asked else {
        return of_field(api, StatusCode::NOT_FOUND, "", "Not found.");
    };
    stats.count(kind);
    if !api.sign_in.iter().any(|way| signed_in(way, &headers)) {
        return refuse(api, 401, "The credentials are refused.");
    }
    if !bucket.take(now) {
        let mut response = refuse(api, 429, "Too many requests.");
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, bucket.retry_after(now).into());
        return response;
    }
    let key: Vec<String> = api
        .keys()
        .into_iter()
        .filter_map(|name| names.get(name).cloned())
        .collect();
    let key = of_one.unwrap_or(key);
    match (kind, &api.lookup) {
        ("update", _) => {
            let record = key.join("/");
            stats.record(&record).requests += 1;
            let kind = headers
                .get(header::CONTENT_TYPE)
                .and_then(|kind| kind.to_str().ok());
            let expected = api.update.content_type.as_deref();
            if kind != Some(expected.unwrap_or("application/json")) {
                return refuse(api, 415, "The body has another media type.");
            }
            let current = records.get(&key).map(tag_of);
            if let Some(current) = current.filter(|_| api.update.if_match.is_some()) {
                match headers.get(header::IF_MATCH) {
                    Some(named) if *named == current => {}
                    Some(_) => {
                        let status = StatusCode::PRECONDITION_FAILED;
                        return of_field(api, status, "", "The record has another version.");
                    }
                    None => {
                        let status = StatusCode::PRECONDITION_REQUIRED;
                        return of_field(api, status, "", "The update names no version.");
                    }
                }
            }
            let Ok(body) = serde_json::from_slice::<Value>(&body) else {
                return refuse(api, 400, "The body is not JSON.");
            };
            let Some(body) = body.pointer(&api.update.body) else {
                return refuse(api, 400, "The body has no fields where they belong.");
            };
            match records.update(&key, body) {
                None => refuse(&records.api, 404, "There is no such record."),
                Some(Err(refusal)) => {
                    let api = &records.api;
                    let status = StatusCode::from_u16(api.status(refusal.status));
                    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
                    of_field(api, status, &refusal.field, &refusal.message)
                }
                Some(Ok(after)) => {
                    stats.record(&record).updates += 1;
                    let answer = match records.api.answers.expects.as_deref() {
                        Some("no_content") => StatusCode::NO_CONTENT.into_response(),
                        _ => Json(enveloped(records, after)).into_response(),
                    };
                    with_record(answer, record)
                }
            }
        }
        ("read", _) => match records.get(&key) {
            Some(record) => {
                let tag = tag_of(record);
                let mut record = record.clone();
                let version = api.update.if_match.as_deref();
                if let Some(pointer) = version.filter(|place| place.starts_with('/')) {
                    put(&mut record, pointer, tag.clone().into());
                }
                ([(header::ETAG, tag)], Json(enveloped(records, record))).into_response()
            }
            None => refuse(api, 404, "There is no such record."),
        },
        (_, Some(lookup)) => {
            let wanted = match kind {
                "search" => match filter(lookup, &body) {
                    Ok(wanted) => wanted,
                    Err(what) => return refuse(api, 400, what),
                },
                "query" => match filtered {
                    Some(wanted) => vec![wanted],
                    None => return refuse(api, 400, "The filter is not understood."),
                },
                _ => Vec::new(),
            };
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            page(records, lookup, &wanted, (&uri, &body), host.unwrap_or(""))
        }
        _ => of_field(api, StatusCode::NOT_FOUND, "", "Not found."),
    }
}

/// Returns the kind of a request and the values of its path parameters.
fn asked(
    api: &Description,
    method: &Method,
    path: &str,
) -> Option<(&'static str, BTreeMap<String, String>)> {
    let update = (&*api.update.method, "update", Some(&api.update.path));
    let lookup = api.lookup.as_ref();
    let of = |path: fn(&Lookup) -> &Option<String>| lookup.and_then(|lookup| path(lookup).as_ref());
    let places = [
        // Literal paths take precedence over paths with parameters.
        ("POST", "search", of(|lookup| &lookup.search)),
        ("GET", "list", of(|lookup| &lookup.list)),
        update,
        ("GET", "read", of(|lookup| &lookup.read)),
    ];
    places.into_iter().find_map(|(verb, kind, template)| {
        let template = template?.split('?').next().unwrap_or_default();
        let names = fitting(template, path)?;
        (method.as_str() == verb).then_some((kind, names))
    })
}

/// The result of matching a request with a query of the target file.
enum Queried {
    /// A search for records with one of the values at a pointer, or `None` if the filter is invalid.
    List(Option<(String, HashSet<String>)>),
    /// A request for the record with this value at a pointer.
    One(String, String),
}

fn queried(api: &Description, uri: &Uri, path: &str) -> Option<Queried> {
    let queries = &api.lookup.as_ref()?.query;
    let sent: BTreeMap<String, String> =
        Query::try_from_uri(uri).map_or_else(|_| BTreeMap::new(), |Query(sent)| sent);
    queries.iter().find_map(|query| {
        let field = api.fields.iter().find(|field| field.name == query.key)?;
        let template = query.path.split('?').next()?;
        if let Some(parameter) = &query.parameter {
            let filter = sent
                .get(parameter)
                .filter(|_| fitting(template, path).is_some())?;
            let keys = keys_in(query, filter);
            let wanted = keys.map(|keys| (api.place(field), keys.into_iter().collect()));
            return Some(Queried::List(wanted));
        }
        let mut places = template.split('/').zip(path.split('/'));
        let (place, segment) = places.find(|(place, _)| place.contains("{key}"))?;
        let text = percent_decode_str(segment).decode_utf8().ok()?;
        let key = key_in(query, place, &text)?;
        // The other segments must match the template.
        fitting(&template.replace(place, "{key}"), path)?;
        Some(Queried::One(api.place(field), key))
    })
}

fn fitting(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    let (places, segments) = (template.split('/'), path.split('/'));
    if places.clone().count() != segments.clone().count() {
        return None;
    }
    for (place, segment) in places.zip(segments) {
        match placeholder(place) {
            Some((before, name, behind)) => {
                let text = percent_decode_str(segment).decode_utf8().ok()?;
                let text = text.strip_prefix(before)?.strip_suffix(behind)?;
                names.insert(name.to_owned(), text.to_owned());
            }
            None if place == segment => {}
            None => return None,
        }
    }
    Some(names)
}

/// Returns the entity tag of a record (RFC 9110, section 8.8.3).
fn tag_of(record: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    record.to_string().hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Wraps a record as in responses to updates and reads.
fn enveloped(records: &Records, mut record: Value) -> Value {
    for variation in &records.variations {
        variation.shown(&mut record);
    }
    match &*records.api.answers.record {
        "" => record,
        place => {
            let mut answer = Value::Object(Map::new());
            put(&mut answer, place, record);
            answer
        }
    }
}

fn is_token_path(api: &Description, path: &str) -> bool {
    api.sign_in.iter().any(|way| match way {
        Way::Oauth {
            token_path,
            token_url,
        } => {
            let of_url = token_url.as_ref().and_then(|url| {
                let path = url.splitn(4, '/').nth(3)?;
                Some(format!("/{path}"))
            });
            let template = of_url.as_ref().or(token_path.as_ref());
            template.is_some_and(|template| fitting(template, path).is_some())
        }
        _ => false,
    })
}

/// Handles a token request (RFC 6749, section 4.4).
fn token(api: &Description, body: &[u8]) -> Response {
    let uri = format!("/?{}", String::from_utf8_lossy(body));
    let form: Option<BTreeMap<String, String>> = uri
        .parse::<Uri>()
        .ok()
        .and_then(|uri| Query::try_from_uri(&uri).ok())
        .map(|Query(form)| form);
    let is = |name: &str, value: &str| {
        let form = form.as_ref();
        form.and_then(|form| form.get(name))
            .is_some_and(|text| text == value)
    };
    if !is("client_id", SECRET) || !is("client_secret", SECRET) {
        return of_field(api, StatusCode::UNAUTHORIZED, "", "The client is refused.");
    }
    Json(json!({ "access_token": SECRET, "token_type": "Bearer", "expires_in": 3600 }))
        .into_response()
}

fn signed_in(way: &Way, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization").unwrap_or_default();
    match way {
        Way::Headers { headers } => headers.keys().all(|name| text(name) == Some(SECRET)),
        Way::Bearer {} | Way::Oauth { .. } => authorization == format!("Bearer {SECRET}"),
        Way::Token { word } => authorization == format!("{word} {SECRET}"),
        Way::Basic { password } => {
            let password = password.as_ref().map_or("", |_| SECRET);
            let pair = BASE64.encode(format!("{SECRET}:{password}"));
            authorization == format!("Basic {pair}")
        }
    }
}

/// Parses the body of a search into accepted values by JSON pointer.
fn filter(lookup: &Lookup, body: &[u8]) -> Result<Vec<(String, HashSet<String>)>, &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "The body is not JSON.")?;
    if !has_all(&body, &Value::Object(lookup.search_body.clone())) {
        return Err("The body lacks what every search must have.");
    }
    let filter = body.pointer(&lookup.search_filter);
    let filter = filter.ok_or("There is no filter.")?;
    let mut wanted = Vec::new();
    let is_dotted = lookup.search_names == "dotted";
    collect(filter, String::new(), is_dotted, &mut wanted);
    if wanted.is_empty() {
        return Err("The filter is empty.");
    }
    Ok(wanted)
}

/// Returns whether `value` contains everything in `least`.
fn has_all(value: &Value, least: &Value) -> bool {
    match (value, least) {
        (Value::Object(value), Value::Object(least)) => least
            .iter()
            .all(|(name, least)| value.get(name).is_some_and(|value| has_all(value, least))),
        (value, least) => value == least,
    }
}

/// Collects lists of values by JSON pointer. With `is_dotted`, a dot in a name separates two members.
fn collect(
    filter: &Value,
    place: String,
    is_dotted: bool,
    wanted: &mut Vec<(String, HashSet<String>)>,
) {
    match filter {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                let name = match is_dotted {
                    true => name.replace('.', "/"),
                    false => name,
                };
                collect(value, format!("{place}/{name}"), is_dotted, wanted);
            }
        }
        Value::Array(values) => wanted.push((place, values.iter().map(text_of).collect())),
        _ => {}
    }
}

/// Returns a page of records in the format of the target file.
fn page(
    records: &Records,
    lookup: &Lookup,
    wanted: &[(String, HashSet<String>)],
    (uri, sent): (&Uri, &[u8]),
    host: &str,
) -> Response {
    let mut found = records.found(wanted);
    for variation in &records.variations {
        variation.order(&mut found, records.asked);
    }
    let query: BTreeMap<String, String> =
        Query::try_from_uri(uri).map_or_else(|_| BTreeMap::new(), |Query(query)| query);
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let capped = |size: usize| {
        let variations = records.variations.iter();
        variations.fold(size, |size, one| one.page_size(size))
    };
    let (passed, size) = match &lookup.paging {
        Paging::Offset {
            limit,
            offset,
            first,
        } => (
            number(offset).unwrap_or(0).saturating_sub(*first),
            number(limit)
                .unwrap_or(lookup.page_size)
                .min(lookup.page_size),
        ),
        Paging::Page { parameter, first } => {
            let page = number(parameter).unwrap_or(*first).saturating_sub(*first);
            let size = capped(lookup.page_size);
            (page.saturating_mul(size), size)
        }
        Paging::Next { .. } | Paging::Link {} => (number("after").unwrap_or(0), lookup.page_size),
        Paging::Cursor {
            parameter, body, ..
        } => {
            let sent: Value = serde_json::from_slice(sent).unwrap_or_default();
            let in_body = body
                .as_ref()
                .and_then(|place| sent.pointer(place)?.as_str());
            let in_query = parameter.as_ref().and_then(|name| query.get(name));
            let cursor = in_body.or(in_query.map(String::as_str)).unwrap_or_default();
            let passed = cursor
                .strip_prefix("after ")
                .and_then(|text| text.parse().ok());
            (passed.unwrap_or(0), lookup.page_size)
        }
    };
    let size = capped(size);
    let mut shown: Vec<Value> = found
        .iter()
        .skip(passed)
        .take(size)
        .map(|record| (*record).clone())
        .collect();
    for variation in &records.variations {
        shown.iter_mut().for_each(|record| variation.shown(record));
    }
    let mut body = Value::Object(Map::new());
    let count = shown.len();
    let end = passed.saturating_add(shown.len());
    put(&mut body, &lookup.records, Value::Array(shown));
    if !lookup.total.is_empty() {
        let variations = records.variations.iter();
        let total = variations.fold(found.len(), |total, one| one.total(total, count));
        put(&mut body, &lookup.total, total.into());
    }
    let is_last = end >= found.len();
    let own = uri.query().unwrap_or_default().split('&');
    let kept = own.filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: String = kept.map(|pair| format!("{pair}&")).collect();
    let next = format!("http://{host}{}?{query}after={end}", uri.path());
    match &lookup.paging {
        Paging::Next { pointer } if is_last => put(&mut body, pointer, Value::Null),
        Paging::Next { pointer } => put(&mut body, pointer, next.into()),
        // The cursor contains a space, so a client that does not encode it fails.
        Paging::Cursor { pointer, .. } if !is_last => {
            put(&mut body, pointer, format!("after {end}").into());
        }
        Paging::Link {} => {
            let relation = if is_last { "first" } else { "next" };
            let link = format!("<{next}>; rel=\"{relation}\"");
            return ([(header::LINK, link)], Json(body)).into_response();
        }
        Paging::Cursor { .. } | Paging::Offset { .. } | Paging::Page { .. } => {}
    }
    Json(body).into_response()
}
