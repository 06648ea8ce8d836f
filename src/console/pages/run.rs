//! The run page, which shows the progress and the result of a run.

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
use crate::console::first::FirstPeople;
use crate::console::job::{Job, Task};
use crate::console::live::{End, Phase, Seen};
use crate::console::page::{Frame, Trouble, go_to, html, page};
use crate::console::words::{left_in_words, outcome_in_words, rest_in_words};
use crate::events::RunEvent;
use crate::l10n::{Language, Message, Messages, in_scope, number, say};
use crate::progress::lines;
use crate::send::StopRequest;

#[derive(Template)]
#[template(path = "run.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    file: String,
    live: Fragment,
    has_ended: bool,
}

/// The part of the page that changes with the job.
#[derive(Template)]
#[template(path = "live.html", config = ".askama.toml")]
pub(super) struct Fragment {
    base: String,
    say: &'static Messages,
    /// The frame, if its steps replace those of the page.
    frame: Frame,
    text: String,
    plan_page: &'static str,
    /// Whether the plan waits for an answer.
    is_asking: bool,
    /// Whether nothing is sent yet and there is no question.
    is_waiting: bool,
    /// The progress of reading: the part, the total, and the time left.
    part: Option<(u64, u64, Option<String>)>,
    sending: Option<Sending>,
    end: Option<Box<End>>,
    /// Why the job ended early.
    why: Vec<String>,
    /// The same for the IT department, if it is technical.
    technical: Option<String>,
    run: Option<String>,
    states: Vec<(String, String)>,
    /// The number of rows that failed, after the end.
    failed: Option<String>,
    /// The people who are sent first, under a heading with the progress.
    first: Option<(String, Vec<(String, String)>)>,
    tab_title: String,
    told: String,
}

struct Sending {
    done: u64,
    rows: u64,
    done_of: String,
    time: Option<String>,
    is_paused: bool,
    stopping: Option<String>,
    notices: Vec<String>,
}

/// The interval of progress updates for one browser.
const EVERY: Duration = Duration::from_millis(500);

pub(in crate::console) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    page(desk, |desk| {
        let Some(job) = desk.job() else {
            return go_to("/runs");
        };
        let seen = job.live.seen();
        let plan = plan_page(&job.task);
        if matches!(seen.phase, Phase::Asking(..)) {
            return go_to(plan);
        }
        Ok(html(&Page {
            frame: match here(&job, &seen.phase) {
                "plan" => Frame::of(desk, "plan", say().console_plan_title()),
                here => Frame::of(desk, here, say().console_run_title()),
            },
            file: job.file.clone(),
            has_ended: matches!(seen.phase, Phase::Ended(_)),
            live: fragment(desk, &job, false),
        }))
    })
    .await
}

/// Returns the step of a phase. An import without a summary ended before it sent.
fn here(job: &Job, phase: &Phase) -> &'static str {
    let is_import = !job.is_undo() && !job.goes_on();
    match phase {
        Phase::Reading | Phase::LookingUp(..) | Phase::Asking(..) => "plan",
        Phase::Ended(end) if is_import && end.summary.is_none() => "plan",
        Phase::Sending | Phase::Ended(_) => "run",
    }
}

/// Returns the page on which a plan waits for an answer.
pub(super) fn plan_page(task: &Task) -> &'static str {
    match task {
        Task::Undo { .. } => "/undo",
        _ => "/plan",
    }
}

/// Returns the phase of a job before it sends.
fn what_it_does(phase: &Phase) -> String {
    match phase {
        Phase::Reading => say().console_reading(),
        Phase::LookingUp(done, of) => say().console_comparing(number(*done), number(*of)),
        Phase::Asking(..) => say().console_plan_ready(),
        Phase::Sending => say().console_sending(),
        Phase::Ended(_) => say().console_ended(),
    }
}

/// Returns the progress of a job, with the steps if it replaces a part of a page.
pub(super) fn fragment(desk: &Desk, job: &Job, is_fragment: bool) -> Fragment {
    let seen = job.live.seen();
    let plan_page = plan_page(&job.task);
    let here = here(job, &seen.phase);
    let mut frame = Frame::around(desk, desk.opened().as_ref(), here, String::new());
    frame.is_fragment = is_fragment;
    let text = what_it_does(&seen.phase);
    let progress = &seen.progress;
    let states = match &seen.phase {
        Phase::Ended(end) => end.summary.as_ref().map(|summary| summary.states),
        _ => Some(progress.states),
    };
    let states = outcome_in_words(&states.unwrap_or_default(), job.is_undo());
    let states = states
        .into_iter()
        .map(|(state, text)| (state.as_str().to_owned(), text));
    let now = jiff::Timestamp::now();
    let (why, technical) = match &seen.phase {
        Phase::Ended(end) => job.why(end),
        _ => (Vec::new(), None),
    };
    Fragment {
        base: desk.base.clone(),
        say: say(),
        frame,
        plan_page,
        text,
        is_asking: matches!(seen.phase, Phase::Asking(..)),
        is_waiting: matches!(seen.phase, Phase::Reading | Phase::LookingUp(..)),
        part: seen.part.map(|part| {
            let left = part.left(std::time::Instant::now()).map(rest_in_words);
            (part.done.min(part.of), part.of.max(1), left)
        }),
        sending: matches!(seen.phase, Phase::Sending).then(|| Sending {
            done: progress.done,
            rows: progress.rows.max(1),
            done_of: say().console_done_of(number(progress.done), number(progress.rows)),
            time: left_in_words(progress, now).filter(|_| !seen.is_paused),
            is_paused: seen.is_paused,
            stopping: seen.stopping.as_ref().map(Message::to_string),
            notices: seen
                .notices
                .iter()
                .filter(|(event, at)| is_current(event, *at, now))
                .flat_map(|(event, at)| lines(event, *at))
                .collect(),
        }),
        first: first(job, &seen),
        tab_title: match &seen.phase {
            Phase::Sending => {
                let percent = progress.done * 100 / progress.rows.max(1);
                say().console_percent(percent.to_string())
            }
            Phase::Ended(end) if end.is_nothing() => String::new(),
            phase => what_it_does(phase),
        },
        told: match &seen.phase {
            Phase::Ended(end) if end.summary.is_some() => {
                let outcome: Vec<String> = states.clone().map(|(_, text)| text).collect();
                say().console_told(job.file.as_str(), outcome.join(", "))
            }
            _ => String::new(),
        },
        failed: match &seen.phase {
            Phase::Ended(end) => end.summary.as_ref().and_then(|summary| {
                let failed = summary.states.unsuccessful();
                (failed > 0).then(|| say().console_state_not_through(failed, number(failed)))
            }),
            _ => None,
        },
        run: seen.run.clone().filter(|name| !name.is_empty()),
        states: states.collect(),
        why,
        technical,
        end: match seen.phase {
            Phase::Ended(end) => Some(end),
            _ => None,
        },
    }
}

/// The time for which a retry is shown.
const NOTICE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

fn is_current(event: &RunEvent, at: jiff::Timestamp, now: jiff::Timestamp) -> bool {
    match event {
        RunEvent::Waiting { until, .. } => *until > now,
        _ => now.duration_since(at) < NOTICE,
    }
}

/// Returns the people who are sent first, with their progress.
fn first(job: &Job, seen: &Seen) -> Option<(String, Vec<(String, String)>)> {
    let count = job.first()?;
    let summary = match &seen.phase {
        Phase::Sending => None,
        Phase::Ended(end) => Some(end.summary.as_ref()?),
        _ => return None,
    };
    let is_stopped = summary.is_some_and(|summary| summary.stop.is_some());
    // No other row is sent before these were read back.
    let heading = match seen.progress.sent {
        sent if sent > count => say().console_first_checked(count, number(count)),
        _ if summary.is_some() && !is_stopped => say().console_first_checked(count, number(count)),
        sent if sent == count && summary.is_none() => {
            say().console_first_reading(count, number(count))
        }
        _ => say().console_first_sending(count, number(count)),
    };
    let people = job.first_people(count).ok().flatten();
    Some((heading, people.map_or(Vec::new(), FirstPeople::in_words)))
}

/// Streams fragments until the job has ended.
pub(in crate::console) async fn events(State(desk): State<Arc<Desk>>) -> Response {
    let Some(job) = desk.job() else {
        return axum::http::StatusCode::NO_CONTENT.into_response();
    };
    let news = job.live.news();
    let first = Watch {
        desk,
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
    desk: Arc<Desk>,
    job: Arc<Job>,
    news: tokio::sync::watch::Receiver<u64>,
    /// The reader's language, because the stream outlives the request.
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
            // Without this, the browser would reconnect forever.
            self.is_told = true;
            return Some((Ok(Event::default().event("over").data("")), self));
        }
        if !self.is_first {
            // The time left changes even without events.
            let _ = tokio::time::timeout(Duration::from_secs(5), self.news.changed()).await;
            tokio::time::sleep(EVERY).await;
        }
        self.is_first = false;
        self.news.borrow_and_update();
        let phase = self.job.live.seen().phase;
        self.is_over = matches!(phase, Phase::Ended(_) | Phase::Asking(..));
        let (desk, job, language) = (self.desk.clone(), self.job.clone(), self.language);
        // The steps wait for the open roster, which may be in use.
        let render = move || in_scope(language, || fragment(&desk, &job, true).render());
        let text = tokio::task::spawn_blocking(render).await;
        let text = text.ok().and_then(Result::ok).unwrap_or_default();
        Some((Ok(Event::default().data(text)), self))
    }
}

/// Pauses, continues or stops the job.
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
            // A pause is shown even while nothing is sent.
            job.live
                .change(|seen| seen.is_paused = request == StopRequest::Pause);
        }
        go_to("/run")
    })
    .await
}
