//! The HTTP server of the simulated APIs.

use std::future::Future;
use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::any;
use super::bucket::Level;
use super::faults::Fault;
use super::meitner;
use super::pathwright;
use super::state::{Sandbox, Updated};
use super::wire::{Spoil, SpoilableListener, Wire};

/// Serves the sandbox on a bound listener until `shutdown` ends.
pub async fn serve(
    sandbox: Arc<Sandbox>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let plays_any = sandbox.lock().any.is_some();
    let routes = match plays_any {
        true => any::routes(),
        false => meitner::routes()
            .merge(pathwright::routes())
            .fallback(|uri: Uri| async move { nothing(&uri, StatusCode::NOT_FOUND) })
            .method_not_allowed_fallback(|uri: Uri| async move {
                nothing(&uri, StatusCode::METHOD_NOT_ALLOWED)
            }),
    };
    let apis = routes.layer(middleware::from_fn_with_state(sandbox.clone(), around));
    let app = Router::new()
        .merge(apis)
        .route("/_sandbox/stats", get(stats))
        .layer(DefaultBodyLimit::max(16 * 1024 * 1024))
        .layer(middleware::from_fn(this_machine_only))
        .with_state(sandbox);
    let service = app.into_make_service_with_connect_info::<Wire>();
    axum::serve(SpoilableListener(listener), service)
        .with_graceful_shutdown(shutdown)
        .await
}

/// Applies a fault to a request.
async fn with_fault(
    sandbox: &Sandbox,
    wire: &Wire,
    fault: Option<Fault>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri().clone();
    let unanswered = |spoil| {
        wire.spoil(spoil);
        StatusCode::OK.into_response()
    };
    match fault {
        None => next.run(request).await,
        Some(Fault::Slow(time)) => {
            sandbox.clock.sleep(time).await;
            next.run(request).await
        }
        Some(Fault::Status {
            status,
            retry_after,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = match &sandbox.lock().any {
                Some(records) => any::error(records, status, "The server failed."),
                None => nothing(&uri, status),
            };
            if let Some(seconds) = retry_after {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Some(Fault::Reset) => unanswered(Spoil::Reset),
        Some(Fault::Close) => unanswered(Spoil::Close),
        Some(Fault::Garbage) => unanswered(Spoil::Garbage),
        Some(Fault::Stall(time)) => {
            sandbox.clock.sleep(time).await;
            unanswered(Spoil::Close)
        }
        Some(Fault::Html) => {
            let page =
                "<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>";
            (StatusCode::BAD_GATEWAY, axum::response::Html(page)).into_response()
        }
        Some(Fault::LostAnswer) => {
            let mut response = next.run(request).await;
            response.extensions_mut().remove::<Updated>();
            wire.spoil(Spoil::Close);
            response
        }
        Some(Fault::Truncate) => {
            let mut response = next.run(request).await;
            response.extensions_mut().remove::<Updated>();
            let length = response.body().size_hint().lower() / 2;
            wire.spoil(Spoil::Cut(usize::try_from(length).unwrap_or(0)));
            response
        }
    }
}

/// Returns an error in the format of the API at the request's path.
fn nothing(uri: &Uri, status: StatusCode) -> Response {
    if uri.path().starts_with(pathwright::PATH) {
        pathwright::nothing(status)
    } else {
        meitner::nothing(status)
    }
}

async fn stats(State(sandbox): State<Arc<Sandbox>>) -> impl IntoResponse {
    Json(sandbox.stats())
}

/// Adds latency, draws a fault, counts the response and adds rate-limit headers.
async fn around(
    State(sandbox): State<Arc<Sandbox>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
    next: Next,
) -> Response {
    let fault = {
        let mut inner = sandbox.lock();
        let fault = inner.draw.next();
        if let Some(fault) = fault {
            inner.stats.fault(fault.name());
        }
        fault
    };
    if !sandbox.latency.is_zero() {
        sandbox.clock.sleep(sandbox.latency).await;
    }
    let path = request.uri().path().to_owned();
    let mut response = with_fault(&sandbox, &wire, fault, request, next).await;
    let now = sandbox.clock.now();
    let mut inner = sandbox.lock();
    inner.stats.answered(response.status().as_u16());
    if let Some(Updated(record)) = response.extensions_mut().remove() {
        inner.stats.record(&record).acknowledged += 1;
    }
    // Only the Meitner API reports the remaining requests in every response.
    let tells =
        inner.any.is_none() && (path.starts_with(meitner::PATH) || path.starts_with("/oauth"));
    let level = inner.bucket.level(now);
    if let Some(records) = &inner.any {
        let headers = any::rate_headers(records, level, now / 1_000_000);
        response.headers_mut().extend(headers);
    }
    // The sandbox's clock may differ from the machine's and also dates the records.
    let date = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(now);
    if let Ok(date) = httpdate::fmt_http_date(date).parse() {
        response.headers_mut().insert(header::DATE, date);
    }
    for (name, value) in rate_headers(level).into_iter().filter(|_| tells) {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Refuses requests that a web page in the user's browser could send: with a `Host` (DNS rebinding) or an
/// `Origin` that is not this machine.
async fn this_machine_only(headers: HeaderMap, request: Request, next: Next) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let origin = headers.get(header::ORIGIN);
    let own_origin = origin.is_none_or(|value| {
        let text = value.to_str().unwrap_or("");
        text.strip_prefix("http://").is_some_and(is_this_machine)
    });
    if host.is_none_or(is_this_machine) && own_origin {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Returns the three rate-limit headers of every response.
fn rate_headers(level: Level) -> [(&'static str, String); 3] {
    [
        ("RateLimit-Limit", level.limit.to_string()),
        ("RateLimit-Remaining", level.remaining.to_string()),
        ("RateLimit-Reset", level.reset_ms.to_string()),
    ]
}
