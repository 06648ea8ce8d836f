//! The server accepts connections for the simulated APIs.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::any::{self, Description, Records, Variation};
use super::bucket::{Bucket, Level};
use super::faults::{Draw, Fault, Faults};
use super::meitner::{self, Students};
use super::pathwright::{self, Members};
use super::simulation::Simulation;
use super::stats::Stats;
use super::wire::{Spoil, SpoilableListener, Wire};
use crate::clock::Clock;

/// Puts the record that a request changed on its answer, if it did.
pub(super) fn with_record(mut response: Response, record: String) -> Response {
    if response.status().is_success() {
        response.extensions_mut().insert(Updated(record));
    }
    response
}

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Requests that a full bucket takes at once.
    pub depth: f64,
    /// The time in which the bucket gains one request.
    pub interval: Duration,
    /// How long every answer takes.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Faults,
    /// What is drawn by chance is drawn from this number.
    pub seed: u64,
    /// How the API of a target file differs from its file.
    pub vary: Vec<Variation>,
}

impl Default for SandboxOptions {
    /// 1,500 requests an hour, without delay.
    fn default() -> Self {
        SandboxOptions {
            depth: 1500.0,
            interval: Duration::from_millis(2400),
            latency: Duration::ZERO,
            faults: Faults::default(),
            seed: 1,
            vary: Vec::new(),
        }
    }
}

/// A row of a roster, as field names and their normalised text: what the sandbox's records are
/// made from.
pub type SeedRow = Vec<(String, String)>;

/// The sandbox's records and counts.
#[derive(Debug)]
pub struct Sandbox {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) latency: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) students: Students,
    pub(super) members: Members,
    /// The records of an API that a file describes, which is then the only one.
    pub(super) any: Option<Records>,
    pub(super) tokens: Vec<(String, u64)>,
    pub(super) bucket: Bucket,
    pub(super) stats: Stats,
    draw: Draw,
}

/// On an answer: the record that the request changed.
#[derive(Debug, Clone)]
pub(super) struct Updated(pub(super) String);

impl Sandbox {
    /// A sandbox whose students are what the roster's `rows` might have been before the import:
    /// some equal, some with another address or telephone number and, in a roster of a hundred
    /// rows or more, three missing and two whose new values another student holds.
    pub fn new(options: &SandboxOptions, rows: &[SeedRow], clock: Arc<dyn Clock>) -> Sandbox {
        let students = meitner::seed(rows, options.seed, clock.timestamp());
        Sandbox::with(options, students, rows, clock)
    }

    /// A sandbox of one API, whose records are what the roster's `rows` might have been before the import.
    pub fn of(
        options: &SandboxOptions,
        simulation: Simulation,
        rows: &[SeedRow],
        clock: Arc<dyn Clock>,
    ) -> Sandbox {
        match simulation {
            Simulation::Meitner | Simulation::Pathwright => Sandbox::new(options, rows, clock),
            Simulation::Described(api) => Sandbox::playing(options, *api, rows, clock),
        }
    }

    /// A sandbox whose students hold what the roster's `rows` say.
    pub fn holding(options: &SandboxOptions, rows: &[SeedRow], clock: Arc<dyn Clock>) -> Sandbox {
        let students = meitner::copy(rows, clock.timestamp());
        Sandbox::with(options, students, rows, clock)
    }

    /// A sandbox of the API that a target's file describes, and of no other, whose records are what the
    /// roster's `rows` might have been before the import.
    pub fn playing(
        options: &SandboxOptions,
        api: Description,
        rows: &[SeedRow],
        clock: Arc<dyn Clock>,
    ) -> Sandbox {
        let sandbox = Sandbox::with(options, meitner::copy(&[], clock.timestamp()), &[], clock);
        sandbox.lock().any = Some(Records::new(api, rows, options.vary.clone()));
        sandbox
    }

    fn with(
        options: &SandboxOptions,
        students: Students,
        rows: &[SeedRow],
        clock: Arc<dyn Clock>,
    ) -> Sandbox {
        let members = pathwright::seed(rows);
        let bucket = Bucket::new(options.depth, options.interval, clock.now());
        Sandbox {
            latency: options.latency,
            clock,
            inner: Mutex::new(Inner {
                students,
                members,
                any: None,
                tokens: Vec::new(),
                bucket,
                stats: Stats::default(),
                draw: Draw::new(options.faults.clone(), options.seed),
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records there are, students and members.
    pub fn records(&self) -> usize {
        let inner = self.lock();
        let any = inner.any.as_ref().map_or(0, Records::len);
        inner.students.len() + inner.members.len() + any
    }

    /// All records of an API that a file describes as JSON, by key; null where there is none.
    pub fn any_records(&self) -> serde_json::Value {
        let inner = self.lock();
        inner
            .any
            .as_ref()
            .map_or(serde_json::Value::Null, Records::dump)
    }

    /// All students as JSON, by id.
    pub fn students(&self) -> serde_json::Value {
        self.lock().students.dump()
    }

    /// All members as JSON, by integration and external id.
    pub fn members(&self) -> serde_json::Value {
        self.lock().members.dump()
    }

    /// How many requests of a kind there were.
    pub fn requests(&self, kind: &str) -> u64 {
        self.lock().stats.requests.get(kind).copied().unwrap_or(0)
    }

    /// The counts that `GET /_sandbox/stats` serves.
    pub fn stats(&self) -> serde_json::Value {
        serde_json::to_value(&self.lock().stats).unwrap_or_default()
    }
}

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

/// Does to a request what was drawn for it.
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

/// An error in the shape of the API whose path it is.
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

/// Waits for the latency, counts the answer, and puts the rate headers on it.
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
    // One of the APIs tells how much is left on every answer; of the other nobody knows.
    let tells =
        inner.any.is_none() && (path.starts_with(meitner::PATH) || path.starts_with("/oauth"));
    let level = inner.bucket.level(now);
    if let Some(records) = &inner.any {
        let headers = any::rate_headers(records, level, now / 1_000_000);
        response.headers_mut().extend(headers);
    }
    for (name, value) in rate_headers(level).into_iter().filter(|_| tells) {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Refuses what a web page in the user's browser might send here: a Host that is not this machine
/// (DNS rebinding), or an Origin that is not.
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

/// The three rate headers, as they stand on every answer.
fn rate_headers(level: Level) -> [(&'static str, String); 3] {
    [
        ("RateLimit-Limit", level.limit.to_string()),
        ("RateLimit-Remaining", level.remaining.to_string()),
        ("RateLimit-Reset", level.reset_ms.to_string()),
    ]
}
