//! The run page shows a run's progress and its result.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::console::desk::Desk;
use crate::console::job::Job;
use crate::console::live::{End, Phase, Seen};
use crate::console::page::{Frame, Trouble, go_to, html, page};
use crate::l10n::{Language, Messages, in_scope, number, say};
use crate::progress::{lines, time_left};
use crate::send::StopRequest;

#[derive(Template)]
#[template(path = "run.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    file: String,
    live: Fragment,
    has_ended: bool,
}

/// What changes while a job goes on.
#[derive(Template)]
#[template(path = "live.html", config = ".askama.toml")]
pub(super) struct Fragment {
    base: String,
    say: &'static Messages,
    /// What it is doing.
    text: String,
    /// The plan is there to be looked at.
    is_asking: bool,
    /// Nothing is sent yet, and nobody asked.
    is_waiting: bool,
    sending: Option<Sending>,
    end: Option<Box<End>>,
    run: Option<String>,
    states: Vec<(String, String)>,
}

struct Sending {
    done: u64,
    rows: u64,
    time: Option<String>,
    is_paused: bool,
    stopping: Option<String>,
    notices: Vec<String>,
}

/// Time between two looks at a job by one browser.
const EVERY: Duration = Duration::from_millis(500);

pub(in crate::console) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    page(desk, |desk| {
        let Some(job) = desk.job() else {
            return go_to("/runs");
        };
        let seen = job.live.seen();
        if matches!(seen.phase, Phase::Asking(..)) {
            return go_to("/plan");
        }
        Ok(html(&Page {
            frame: Frame::of(desk, "run", say().console_run_title()),
            file: job.file.clone(),
            has_ended: matches!(seen.phase, Phase::Ended(_)),
            live: fragment(&desk.base, seen),
        }))
    })
    .await
}

/// What a job is doing before it sends.
fn what_it_does(phase: &Phase) -> String {
    match phase {
        Phase::Reading => say().console_reading(),
        Phase::LookingUp(done, of) => say().progress_looked_up(number(*done), number(*of)),
        Phase::Asking(..) => say().console_plan_ready(),
        Phase::Sending => say().console_sending(),
        Phase::Ended(_) => say().console_ended(),
    }
}

pub(super) fn fragment(base: &str, seen: Seen) -> Fragment {
    let text = what_it_does(&seen.phase);
    let progress = &seen.progress;
    let states = match &seen.phase {
        Phase::Ended(end) => end.summary.as_ref().map(|summary| summary.states),
        _ => Some(progress.states),
    };
    let states = states.unwrap_or_default().phrases();
    let states = states
        .into_iter()
        .map(|(state, text)| (state.as_str().to_owned(), text));
    Fragment {
        base: base.to_owned(),
        say: say(),
        text,
        is_asking: matches!(seen.phase, Phase::Asking(..)),
        is_waiting: matches!(seen.phase, Phase::Reading | Phase::LookingUp(..)),
        sending: matches!(seen.phase, Phase::Sending).then(|| Sending {
            done: progress.done,
            rows: progress.rows.max(1),
            time: time_left(progress, jiff::Timestamp::now()).filter(|_| !seen.is_paused),
            is_paused: seen.is_paused,
            stopping: seen.stopping.clone(),
            notices: seen
                .notices
                .iter()
                .flat_map(|(event, at)| lines(event, *at))
                .collect(),
        }),
        run: seen.run.clone().filter(|name| !name.is_empty()),
        states: states.collect(),
        end: match seen.phase {
            Phase::Ended(end) => Some(end),
            _ => None,
        },
    }
}

/// Fragments as the job goes on, until it has ended.
pub(in crate::console) async fn events(State(desk): State<Arc<Desk>>) -> Response {
    let Some(job) = desk.job() else {
        return axum::http::StatusCode::NO_CONTENT.into_response();
    };
    let news = job.live.news();
    let first = Watch {
        base: desk.base.clone(),
        job,
        news,
        language: Language::spoken(),
        is_over: false,
        is_told: false,
        is_first: true,
    };
    let stream = stream::unfold(first, |watch| async { watch.next().await });
    Sse::new(stream)
        .keep_alive(KeepAlive::default())
        .into_response()
}

struct Watch {
    base: String,
    job: Arc<Job>,
    news: tokio::sync::watch::Receiver<u64>,
    /// The reader's: the stream outlives the request.
    language: Language,
    is_over: bool,
    is_told: bool,
    is_first: bool,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Watch)> {
        if self.is_told {
            return None;
        }
        if self.is_over {
            // Without this the browser would ask again for ever.
            self.is_told = true;
            return Some((Ok(Event::default().event("over").data("")), self));
        }
        if !self.is_first {
            // The time that is left goes on without news.
            let _ = tokio::time::timeout(Duration::from_secs(5), self.news.changed()).await;
            tokio::time::sleep(EVERY).await;
        }
        self.is_first = false;
        self.news.borrow_and_update();
        let seen = self.job.live.seen();
        self.is_over = matches!(seen.phase, Phase::Ended(_) | Phase::Asking(..));
        let render = || fragment(&self.base, seen).render();
        let text = in_scope(self.language, render).unwrap_or_default();
        Some((Ok(Event::default().data(text)), self))
    }
}

/// Pauses, goes on or stops.
pub(in crate::console) async fn ask(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        let request = match said.get("what").map(String::as_str) {
            Some("pause") => StopRequest::Pause,
            Some("go_on") => StopRequest::None,
            Some("stop") => StopRequest::Finish,
            _ => return Err(Trouble::Nothing),
        };
        desk.stop(request);
        if let Some(job) = desk.job() {
            // What is paused while nothing is sent is told all the same.
            job.live
                .change(|seen| seen.is_paused = request == StopRequest::Pause);
        }
        go_to("/run")
    })
    .await
}
