//! The HTTP server of the console.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::connections::{Guest, serve};
use super::desk::Desk;
use super::door::Door;
use super::gate::{Caller, ENTRANCE, Gate, Keys, harden, refuse};
use super::pages::{
    answer, columns, edits, file, history, past_run, person, plan, problems, run, start,
};
use super::reader::language_of;
use crate::app::{asked_again, asked_to_stop};
use crate::l10n::{read_in, say};
use crate::send::StopRequest;

/// The options of a console.
#[derive(Debug, Clone)]
pub struct Options {
    /// The loopback address to listen on.
    pub listen: SocketAddr,
    /// The time without a visit or a job after which the console ends.
    pub idle: Duration,
}

/// A console that is bound to its address and does not serve yet.
pub struct Bound {
    listener: std::net::TcpListener,
    address: SocketAddr,
    gate: Gate,
    keys: Keys,
    idle: Duration,
}

/// The maximum size of an uploaded file. A roster of a million rows has a quarter of that.
const MOST_BYTES: usize = 1024 * 1024 * 1024;

/// The interval of the checks for visits.
const LOOK: Duration = Duration::from_secs(1);

/// The maximum time for rendering pages when the console ends.
const LAST_PAGES: Duration = Duration::from_secs(5);

impl Bound {
    /// Binds the address in `options`.
    ///
    /// # Errors
    /// Fails if the address is in use or does not belong to this machine.
    pub fn new(options: &Options) -> std::io::Result<Bound> {
        if !options.listen.ip().is_loopback() {
            let why = say().console_not_loopback(options.listen.to_string());
            return Err(std::io::Error::other(why));
        }
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (gate, keys) = Gate::new(address);
        Ok(Bound {
            listener,
            address,
            gate,
            keys,
            idle: options.idle,
        })
    }

    /// Returns the address that opens the console, once.
    pub fn entrance(&self) -> String {
        format!(
            "http://{}{ENTRANCE}?token={}",
            self.address, self.keys.token
        )
    }

    /// Serves until a stop is requested or the console is idle for too long. A current run is stopped first,
    /// as a signal stops an import.
    pub fn serve(
        self,
        door: Box<dyn Door>,
        state: &crate::journal::State,
        file: Option<PathBuf>,
    ) -> std::io::Result<()> {
        let base = self.gate.base().to_owned();
        let desk = Arc::new(Desk::new(door, state.to_owned(), base));
        if let Some(file) = file {
            start::open_at_first(&desk, &file);
        }
        let shared = Shared {
            desk: desk.clone(),
            gate: Arc::new(self.gate),
            keys: Arc::new(self.keys),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let served = runtime.block_on(async {
            let listener = TcpListener::from_std(self.listener)?;
            tokio::select! {
                served = serve(listener, router(shared)) => served,
                () = until_over(&desk, self.idle) => Ok(()),
            }
        });
        // A page that waits for a network share must not keep the process alive.
        runtime.shutdown_timeout(LAST_PAGES);
        served
    }
}

/// Waits until the console must end and the current job has ended.
async fn until_over(desk: &Desk, idle: Duration) {
    let left = tokio::select! {
        left = asked_to_stop() => left,
        () = until_idle(desk, idle) => return,
    };
    crate::safe_fs::stop_waiting();
    if !desk.stop(StopRequest::Finish) {
        return;
    }
    let ended = async {
        while desk.job().is_some_and(|job| !job.has_ended()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::pin!(ended);
    tokio::select! {
        () = &mut ended => return,
        () = asked_again(left) => {}
    }
    desk.stop(StopRequest::Now);
    ended.await;
}

async fn until_idle(desk: &Desk, idle: Duration) {
    while desk.idle() < idle {
        tokio::time::sleep(LOOK.min(idle)).await;
    }
}

/// The state of the request handlers.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) desk: Arc<Desk>,
    gate: Arc<Gate>,
    keys: Arc<Keys>,
}

impl axum::extract::FromRef<Shared> for Arc<Desk> {
    fn from_ref(shared: &Shared) -> Arc<Desk> {
        shared.desk.clone()
    }
}

fn router(shared: Shared) -> Router {
    let upload = post(start::dropped).layer(DefaultBodyLimit::max(MOST_BYTES));
    let pages = Router::new()
        .route("/", get(start::show))
        .route("/drop", upload)
        .route("/open", post(start::open))
        .route("/rehearse", post(start::rehearse))
        .route("/file", get(file::show).post(file::correct))
        .route("/columns", get(columns::show).post(columns::choose))
        .route("/problems", get(problems::show))
        .route("/problems/row", post(edits::mend))
        .route("/problems/back", post(edits::take_back))
        .route("/problems/skip", post(edits::skip))
        .route("/problems/whole", get(problems::whole))
        .route("/problems/alike", post(edits::mend_alike))
        .route("/problems/alike/back", post(edits::undo_alike))
        .route("/problems/file", get(problems::file))
        .route("/plan", get(plan::show).post(answer::make))
        .route("/undo", get(plan::show_undo))
        .route("/plan/answer", post(answer::answer))
        .route("/run", get(run::show))
        .route("/run/events", get(run::events))
        .route("/run/ask", post(run::ask))
        .route("/runs", get(history::list))
        .route("/runs/{name}", get(past_run::show))
        .route("/runs/{name}/do", post(past_run::act))
        .route("/runs/{name}/file/{which}", get(past_run::file))
        .route("/person", get(person::show))
        .route("/person/file", get(person::file))
        .route(ALIVE, get(|| async { StatusCode::NO_CONTENT }))
        .route("/icon.svg", get(|| async { icon() }))
        .route("/style.css", get(|| async { style() }))
        .route("/htmx.js", get(|| async { script() }));
    Router::new()
        .route(ENTRANCE, get(enter))
        .nest(&format!("{}/", shared.gate.base()), pages)
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

/// The path at which a page checks that the console responds.
const ALIVE: &str = "/alive";

/// htmx with its extension in one file, because htmx ignores an extension that is loaded after it has
/// started, followed by the console's own script.
const HTMX: &str = concat!(
    include_str!("vendor/htmx.min.js"),
    "\n",
    include_str!("vendor/hx-sse.min.js"),
    "\n",
    include_str!("console.js")
);

fn style() -> Response {
    let css = include_str!("console.css");
    ([(header::CONTENT_TYPE, "text/css")], css).into_response()
}

fn icon() -> Response {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>\
               <path fill='#0b57a4' d='M1 2h14v3H1zm0 5h9v3H1zm0 5h12v3H1z'/></svg>";
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript")], HTMX).into_response()
}

/// Checks a request, and hardens every response. Refused requests do not reset the idle timer.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = match shared.gate.caller(&request) {
        Err(refusal) => *refusal,
        Ok(caller) => {
            // Automatic requests of a page are no visits.
            if caller == Caller::Known && !request.uri().path().ends_with(ALIVE) {
                shared.desk.touch();
                Guest::welcome(&request);
            }
            let (language, cookie) = language_of(&request, shared.gate.base());
            let mut response = read_in(language, next.run(request)).await;
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
    };
    shared.gate.lead(&mut response);
    harden(&mut response);
    response
}

#[derive(Deserialize)]
struct Entering {
    #[serde(default)]
    token: String,
}

/// Exchanges the token for a cookie. The page navigates by itself: a redirect would be sent without the
/// cookie if another site started the navigation (RFC 6265bis, section 5.2).
async fn enter(State(shared): State<Shared>, Query(entering): Query<Entering>) -> Response {
    let Some(cookie) = shared.gate.enter(&entering.token, &shared.keys) else {
        return refuse(StatusCode::UNAUTHORIZED, shared.gate.why_not());
    };
    shared.desk.touch();
    let open = say().console_open();
    let way = match shared.desk.opened().is_some() {
        true => "/file",
        false => "/",
    };
    let base = shared.gate.base();
    let page = format!(
        "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0; url={base}{way}\">\
         <link rel=icon href={base}/icon.svg><title>rosterpatch</title><p><a href=\"{base}{way}\">{open}</a>"
    );
    ([(header::SET_COOKIE, cookie)], Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;
    use crate::console::desk::desk;

    #[test]
    fn a_page_notices_within_three_seconds_that_the_console_does_not_answer() {
        let script = include_str!("console.js");
        let of = |name: &str| -> u64 {
            let rest = script.split_once(&format!("const {name} = ")).unwrap().1;
            rest.split_once(';').unwrap().0.parse().unwrap()
        };
        assert!(of("ALIVE_EVERY") + of("ALIVE_WITHIN") < 3000);
    }

    #[test]
    fn only_accepted_requests_reset_the_idle_timer() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let address: SocketAddr = "127.0.0.1:8000".parse().unwrap();
        let (gate, keys) = Gate::new(address);
        let (base, token) = (gate.base().to_owned(), keys.token.clone());
        let router = router(Shared {
            desk: desk.clone(),
            gate: Arc::new(gate),
            keys: Arc::new(keys),
        });
        let pages = TowerToHyperService::new(router);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        // The answer to a request, and whether it counts as somebody who is there.
        let ask = |method: &str, path: &str, host: &str, cookie: &str| {
            let request = axum::http::Request::builder()
                .method(method)
                .uri(path)
                .header("host", host)
                .header("cookie", cookie)
                .body(Body::empty())
                .unwrap();
            let before = desk.touched();
            let answer = runtime.block_on(pages.call(request)).unwrap();
            (answer, desk.touched() != before)
        };
        let here = "127.0.0.1:8000";
        let style = format!("{base}/style.css");
        for (method, path, host) in [
            ("GET", "/enter?token=wrong", here),
            ("GET", "/enter", here),
            ("GET", "/enter?token=a&token=b", here),
            ("POST", "/enter?token=wrong", here),
            ("HEAD", "/enter?token=wrong", here),
            ("GET", &style, here),
            ("GET", &format!("/enter?token={token}"), "evil.example"),
            ("GET", "/nowhere", here),
        ] {
            let (answer, counts) = ask(method, path, host, "rosterpatch-8000=guessed");
            assert!(!answer.status().is_success(), "{method} {path}");
            assert!(!counts, "{method} {path}");
        }
        let (answer, counts) = ask("GET", &format!("/enter?token={token}"), here, "");
        assert!(answer.status().is_success() && counts);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let (answer, counts) = ask("GET", &style, here, &cookie);
        assert!(answer.status().is_success() && counts);
        let alive = format!("{base}{ALIVE}");
        let (answer, counts) = ask("GET", &alive, here, &cookie);
        assert!(answer.status().is_success() && !counts);
        // Two browsers read in two languages.
        let page = |path: &str, cookie: &str| {
            let (answer, _) = ask("GET", &format!("{base}{path}"), here, cookie);
            let kept = answer.headers().get("set-cookie").is_some();
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20);
            let body = runtime.block_on(body).unwrap();
            (String::from_utf8(body.to_vec()).unwrap(), kept)
        };
        let in_swedish = format!("{cookie}; language=sv");
        for (path, cookie, lang, other, keeps) in [
            ("/?language=sv", &cookie, "sv", "English", true),
            ("/runs", &in_swedish, "sv", "English", false),
            ("/runs", &cookie, "en", "Svenska", false),
        ] {
            let (page, kept) = page(path, cookie);
            assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{path}");
            assert!(page.contains(&format!(">{other}</a>")), "{path}");
            // The link to the other language stays on the page.
            assert!(page.contains("href=\"?language="), "{path}");
            assert_eq!(kept, keeps, "{path}");
        }
    }
}
