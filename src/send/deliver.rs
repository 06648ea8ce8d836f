//! Delivery of calls, with a record of each intent and outcome.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::answer::Fault;
use super::circuit_breaker::CircuitBreaker;
use super::client::Request;
use super::error::SendError;
use super::fetched::Fetched;
use super::stop::{Stop, StopRequest, status_and_code};
use super::transport::{Attempts, Transport};
use super::trouble::Trouble;
use super::verdict::Verdict;
use crate::clock::{Clock, UnixNanos, nanos};
use crate::events::RunEvent;
use crate::journal::Record;
use crate::l10n::{Argument, Message, message};
use crate::model::{Code, Method, Outcome, Pending, Problem, RowState, Standing, redacted};
use crate::targets::ETAG;

/// Delivers calls. Each is recorded before it is sent, and again when its outcome is known.
pub struct Sender<'a, R> {
    /// Sends the requests.
    pub transport: &'a Transport<'a>,
    /// Records intents and outcomes.
    pub record: &'a R,
    /// Reads records back, if possible.
    pub reread: Option<&'a dyn Reread>,
    /// Translates the API's message about a row for the user.
    pub explain: &'a dyn Fn(&str, &str) -> Vec<Problem>,
    /// Returns the header of the column that only some accounts may change, if an error is about its field.
    pub refused_column: &'a dyn Fn(&Json) -> Option<String>,
    /// Compares the sent values with the record in the response.
    pub not_applied: &'a dyn Fn(&Pending, &Json) -> Option<NotApplied>,
}

/// The sent values that a success response does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotApplied {
    /// Whether the row counts as refused: nothing was applied, or a permission was not.
    pub is_rejected: bool,
    /// The fields.
    pub message: Message,
}

/// Determines from a record whether a call without a response was applied.
pub trait Reread: Sync {
    /// The path that reads the record of a call.
    fn path(&self, call: &Pending) -> Option<String>;

    /// Returns whether the record contains the values of the call.
    fn holds(&self, call: &Pending, record: &Json) -> bool;

    /// Returns whether a call still applies to the current record.
    fn judge(&self, call: &Pending, record: &Json) -> Judged {
        match self.holds(call, record) {
            true => Judged::Holds,
            false => Judged::Stands,
        }
    }

    /// Returns the record in the response to a read.
    fn record_in<'a>(&self, answer: &'a Json) -> &'a Json {
        answer
    }
}

/// The state of a planned call according to the record, read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// The record already has the values of the call.
    Holds,
    /// The fields of the call are unchanged.
    Stands,
    /// Someone changed a field that the call would change or send: this field, or members that no field
    /// names.
    Changed(String),
}

/// The version of a record before an update that names it.
enum Version {
    /// The record has this version, and the call still applies.
    Is(String),
    /// Nothing is sent: the row already has its outcome.
    Settled(Outcome),
    /// The run was halted first, or must stop.
    Stopped(Option<Stop>),
}

/// The maximum number of times that a record may change during an update.
const MOST_CHANGES: u32 = 3;

/// A delivered call: its outcome, whether the API responded, and whether the run must stop.
#[derive(Default)]
struct Done {
    /// `None` if the run stopped before anything was sent for the row.
    outcome: Option<Outcome>,
    /// The sent body. Error messages quote none of its values.
    body: Vec<u8>,
    answered: bool,
    stop: Option<Stop>,
    /// The column that this account may not change.
    column: Option<String>,
}

impl<R: Record> Sender<'_, R> {
    /// Delivers batches of `calls` until they end, a verdict stops it, or `asked` says so. Returns why it
    /// ended early, if it did. After that no request is begun any more.
    ///
    /// The first request goes alone, unless the API has `answered` already: if the credentials are
    /// wrong or nobody answers, one row has told so.
    pub async fn deliver(
        &self,
        mut calls: mpsc::Receiver<Vec<Pending>>,
        mut asked: watch::Receiver<StopRequest>,
        mut answered: bool,
    ) -> Result<Option<Stop>, SendError> {
        let clock = self.transport.clock;
        let (halt, halted) = watch::channel(false);
        let mut under_way = FuturesUnordered::new();
        let mut stopped: Option<Stop> = None;
        let mut heard = StopRequest::None;
        let mut is_paused = false;
        let mut grace_ends: Option<UnixNanos> = None;
        let mut repeats = CircuitBreaker::default();
        let mut ended = false;
        let mut batch = Vec::new().into_iter();
        loop {
            if stopped.is_some() {
                // The rest of the rows are not sent.
                calls.close();
                batch = Vec::new().into_iter();
                ended = true;
            }
            let room = if answered { self.transport.room() } else { 1 };
            while !is_paused
                && under_way.len() < room
                && let Some(call) = batch.next()
            {
                under_way.push(self.one(call, !answered, halted.clone()));
            }
            if ended && under_way.is_empty() && batch.as_slice().is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Ok(request) = next_request(&mut asked, heard, is_paused) => {
                    if request <= StopRequest::Pause {
                        is_paused = request == StopRequest::Pause;
                        self.transport.observer.on_event(&RunEvent::Paused { is_paused });
                        continue;
                    }
                    (heard, is_paused) = (request, false);
                    if request == StopRequest::Now {
                        under_way.clear();
                    } else {
                        let grace = nanos(self.transport.options.grace);
                        grace_ends = Some(clock.now().saturating_add(grace));
                    }
                    self.halt(&halt, &mut stopped, Stop::Asked);
                }
                () = sleep_until(clock, grace_ends), if grace_ends.is_some() => {
                    under_way.clear();
                    grace_ends = None;
                }
                durable = self.record.durable() => self.tell(&durable?),
                Some(done) = under_way.next(), if !under_way.is_empty() => {
                    let done: Done = done?;
                    answered |= done.answered;
                    if let Some(outcome) = done.outcome {
                        let error = error_of(&outcome);
                        if repeats.note(error.as_deref()) && stopped.is_none() {
                            self.halt(&halt, &mut stopped, self.repeated(&outcome, &done.body, done.column));
                        }
                    }
                    if let Some(stop) = done.stop {
                        self.halt(&halt, &mut stopped, stop);
                    }
                    if let Some(after) = self.transport.due().filter(|_| stopped.is_none()) {
                        self.halt(&halt, &mut stopped, Stop::Due { after });
                    }
                }
                calls = calls.recv(), if !ended && batch.as_slice().is_empty() && under_way.len() < room => match calls {
                    None => ended = true,
                    Some(calls) => batch = calls.into_iter(),
                },
            }
        }
        self.record.flush().await?;
        while let Some(durable) = self.record.durable().now_or_never() {
            self.tell(&durable?);
        }
        Ok(stopped)
    }

    fn halt(&self, halt: &watch::Sender<bool>, stopped: &mut Option<Stop>, why: Stop) {
        halt.send_replace(true);
        if stopped.is_none() {
            self.transport.observer.on_event(&RunEvent::Stopping {
                why: why.reason(),
                fact: why.fact(),
            });
            *stopped = Some(why);
        }
    }

    /// Reports rows whose outcome is durable.
    fn tell(&self, done: &[(u64, RowState)]) {
        for (row, state) in done {
            self.transport.observer.on_event(&RunEvent::RowDone {
                row: *row,
                line: *row,
                state: *state,
                sent: true,
            });
        }
    }

    /// Delivers a call, and records its outcome.
    async fn one(
        &self,
        call: Pending,
        scout: bool,
        mut halted: watch::Receiver<bool>,
    ) -> Result<Done, SendError> {
        let repeatable = self.transport.spec.update.idempotent;
        if call.doubtful && !repeatable {
            let outcome = match Box::pin(self.carried_out(&call, &halted)).await? {
                Some(true) => Some(self.found_updated(&call, call.attempts)),
                Some(false) => None,
                // It is found out by the process that continues.
                None if *halted.borrow() || self.transport.due().is_some() => {
                    return Ok(Done::default());
                }
                None => Some(self.in_doubt(&call)),
            };
            if let Some(outcome) = outcome {
                self.record.outcome(outcome.clone()).await?;
                return Ok(Done {
                    outcome: Some(outcome),
                    body: call.body,
                    ..Done::default()
                });
            }
        }
        let intend = async |attempt| Ok(self.record.intent(call.row, attempt).await?);
        let (mut made, mut changes) = (call.attempts, 0);
        let mut refused: Option<(String, Attempts)> = None;
        let attempts = loop {
            let place = self.transport.spec.update.if_match.as_deref();
            // Boxed, so that the futures of all other rows are small.
            let version = match place {
                Some(place) => Box::pin(self.version_of(place, &call, made, &halted)).await?,
                None => None,
            };
            let version = match version {
                None => None,
                Some(Version::Is(version)) => {
                    // It is not the record that has changed: the same would be refused again.
                    if let Some((_, last)) = refused.take_if(|(named, _)| *named == version) {
                        break last;
                    }
                    Some(version)
                }
                Some(Version::Settled(outcome)) => {
                    self.record.outcome(outcome.clone()).await?;
                    return Ok(Done {
                        outcome: Some(outcome),
                        body: call.body,
                        answered: true,
                        ..Done::default()
                    });
                }
                Some(Version::Stopped(stop)) => {
                    return Ok(Done {
                        stop,
                        ..Done::default()
                    });
                }
            };
            let request = Request {
                method: match self.transport.spec.update.method {
                    Method::Patch => reqwest::Method::PATCH,
                    Method::Put => reqwest::Method::PUT,
                    Method::Post => reqwest::Method::POST,
                },
                path: &call.path,
                body: Some(&call.body),
                if_match: version.as_deref(),
                row: Some(call.row),
                repeatable,
            };
            let attempts = self
                .transport
                .attempt(&request, made, &mut halted, &intend)
                .await?;
            let is_changed =
                matches!(&attempts.last, Some(Ok((answer, _))) if answer.status == 412);
            match version.filter(|_| is_changed && changes < MOST_CHANGES) {
                // The record may have changed since it was read, so it is read again.
                Some(version) => {
                    (made, changes) = (attempts.made, changes + 1);
                    refused = Some((version, attempts));
                }
                None => break attempts,
            }
        };
        let lost = matches!(
            attempts.last,
            Some(Err(Fault::TimeOut | Fault::Lost)) if !repeatable
        );
        let made = attempts.made;
        let mut done = self.settle(&call, attempts, scout);
        if lost && Box::pin(self.carried_out(&call, &halted)).await? == Some(true) {
            done.outcome = Some(self.found_updated(&call, made));
            done.stop = None;
        }
        if let Some(outcome) = &done.outcome {
            self.record.outcome(outcome.clone()).await?;
        }
        done.body = call.body;
        Ok(done)
    }

    /// The version of a call's record, which is at this place in it: read now, and compared with what the call
    /// was planned on. `made` requests were made for the row.
    async fn version_of(
        &self,
        place: &str,
        call: &Pending,
        made: u32,
        halted: &watch::Receiver<bool>,
    ) -> Result<Option<Version>, SendError> {
        let failed = |code: Code, why: Message| {
            Ok(Some(Version::Settled(Outcome {
                error_code: code.as_str().to_owned(),
                problems: vec![Problem::of_row(code.as_str(), why)],
                ..self.outcome(call, RowState::Failed, made)
            })))
        };
        let unknown = || failed(Code::RecordVersion, Code::RecordVersion.message());
        let Some((reread, path)) = self.reread_at(call) else {
            return unknown();
        };
        let (answer, etag) = match self.transport.fetch_answer(&path, None, halted).await? {
            (Fetched::Json(answer), beside) => (answer, beside.etag),
            // A record that cannot be read fails its own row only.
            (
                Fetched::Stopped(Stop::LookUp {
                    why,
                    status: Some(status),
                    message,
                    ..
                }),
                _,
            ) => {
                let state = match status {
                    400..500 => RowState::Rejected,
                    _ => RowState::Failed,
                };
                let code = format!("http.{status}");
                return Ok(Some(Version::Settled(Outcome {
                    http_status: Some(status),
                    problems: match message.is_empty() {
                        true => vec![Problem::of_row(code.clone(), why)],
                        false => (self.explain)(&code, &message),
                    },
                    error_code: code,
                    ..self.outcome(call, state, made)
                })));
            }
            (Fetched::Stopped(stop), _) => return Ok(Some(Version::Stopped(Some(stop)))),
            (Fetched::Halted, _) => return Ok(Some(Version::Stopped(None))),
            (Fetched::NoJson, _) => return unknown(),
        };
        match reread.judge(call, &answer) {
            Judged::Stands => {}
            Judged::Holds => {
                let done = self.found_updated(call, made);
                return Ok(Some(Version::Settled(done)));
            }
            Judged::Changed(field) => {
                return failed(Code::RecordChanged, message::record_changed(field));
            }
        }
        let version = match place {
            ETAG => etag,
            pointer => reread
                .record_in(&answer)
                .pointer(pointer)
                .and_then(version_in),
        };
        match version {
            Some(version) => Ok(Some(Version::Is(version))),
            None if self.transport.spec.update.if_match_optional => Ok(None),
            None => unknown(),
        }
    }

    /// Returns how the record of a call is read, and at which path, if it can be.
    fn reread_at(&self, call: &Pending) -> Option<(&dyn Reread, String)> {
        let reread = self.reread?;
        Some((reread, reread.path(call)?))
    }

    /// Returns whether a call without a response was applied, according to the record, or `None` if this is
    /// unknown.
    async fn carried_out(
        &self,
        call: &Pending,
        halted: &watch::Receiver<bool>,
    ) -> Result<Option<bool>, SendError> {
        let Some((reread, path)) = self.reread_at(call) else {
            return Ok(None);
        };
        Ok(match self.transport.fetch(&path, None, halted).await? {
            Fetched::Json(record) => Some(reread.holds(call, &record)),
            Fetched::NoJson | Fetched::Halted | Fetched::Stopped(_) => None,
        })
    }

    /// Returns the outcome of a row whose response was lost and whose record has the sent values.
    fn found_updated(&self, call: &Pending, attempts: u32) -> Outcome {
        Outcome {
            problems: call.note.clone(),
            ..self.outcome(call, RowState::Updated, attempts)
        }
    }

    /// Returns the outcome of a row that was sent before the run was interrupted, without a response, and
    /// must not be resent.
    fn in_doubt(&self, call: &Pending) -> Outcome {
        Outcome {
            error_code: "network.unknown".into(),
            problems: vec![Problem::of_row(
                Fault::Lost.code().as_str(),
                explain(Fault::Lost, false, call.attempts),
            )],
            ..self.outcome(call, RowState::Failed, call.attempts)
        }
    }

    fn outcome(&self, call: &Pending, state: RowState, attempts: u32) -> Outcome {
        Outcome {
            attempts,
            ..Outcome::of(call.row, state, self.transport.clock.timestamp())
        }
    }

    /// Returns the stop for an error in which almost every row ended; `body` is the body of the last one.
    fn repeated(&self, outcome: &Outcome, body: &[u8], column: Option<String>) -> Stop {
        match outcome.http_status {
            None => self
                .transport
                .unreachable(Problem::clauses(&outcome.problems), Code::NetworkConnect),
            Some(status) => Stop::Failing {
                status,
                error: status_and_code(status, &outcome.error_code),
                message: redacted(&outcome.error(), body),
                column,
            },
        }
    }

    /// Returns the outcome of a row. Without a verdict, the run was stopped before the next attempt.
    fn settle(&self, call: &Pending, attempts: Attempts, scout: bool) -> Done {
        let Attempts {
            made,
            verdict,
            last,
            doubtful,
        } = attempts;
        let Some(last) = last else {
            return Done::default();
        };
        let is_foreign = matches!(&last, Ok((answer, _)) if answer.foreign.is_some());
        let state = match verdict {
            Some(Verdict::Accept) => RowState::Updated,
            // The API may have received the request, even if something else responded.
            Some(Verdict::Stop) if is_foreign && !self.transport.spec.update.idempotent => {
                RowState::Unknown
            }
            Some(Verdict::Reject) => RowState::Rejected,
            // It is unknown whether the change was made. The process that continues the run determines it.
            None if doubtful => RowState::Unknown,
            // The row is valid, and is sent when the run continues.
            Some(Verdict::Stop) | None => RowState::NotSent,
            Some(Verdict::Fail | Verdict::Retry) => RowState::Failed,
        };
        let mut outcome = self.outcome(call, state, made);
        let answered = last
            .as_ref()
            .is_ok_and(|(answer, _)| !answer.sign_in_refused);
        let (mut stop, mut column) = (None, None);
        match last {
            Ok((answer, body)) => {
                outcome.http_status = Some(answer.status);
                outcome.request_id.clone_from(&answer.request_id);
                if verdict == Some(Verdict::Accept) {
                    outcome.problems.clone_from(&call.note);
                    if let Some(not_applied) = body.and_then(|body| (self.not_applied)(call, &body))
                    {
                        note_not_applied(&mut outcome, not_applied);
                    }
                } else {
                    outcome.error_code = if answer.code.is_empty() {
                        format!("http.{}", answer.status)
                    } else {
                        answer.code.clone()
                    };
                    let code = outcome.error_code.clone();
                    outcome.problems = match answer.foreign {
                        Some(what) => {
                            let what = message::stop_foreign(answer.status, what.message());
                            vec![Problem::of_row(code, what)]
                        }
                        None => (self.explain)(&code, &answer.message),
                    };
                    if verdict == Some(Verdict::Reject)
                        && let Some(fields) = &answer.fields
                    {
                        column = (self.refused_column)(fields);
                    }
                    if column.is_some() && answer.code.is_empty() {
                        outcome.error_code = Code::AnswerFieldRefused.as_str().to_owned();
                    }
                }
                if verdict == Some(Verdict::Stop) {
                    stop = Some(Stop::refused(answer, &call.body, false));
                }
            }
            Err(fault) => {
                outcome.error_code = fault.code().to_string();
                let repeatable = self.transport.spec.update.idempotent;
                outcome.problems = vec![Problem::of_row(
                    outcome.error_code.clone(),
                    explain(fault, repeatable, made),
                )];
                // The API has never responded, so the other rows would fail too.
                if scout && verdict == Some(Verdict::Fail) {
                    stop = Some(self.transport.unreachable(in_short(fault), fault.cause()));
                    if matches!(fault, Fault::Connect(_)) {
                        outcome.state = RowState::NotSent;
                    }
                }
            }
        }
        Done {
            outcome: Some(outcome),
            body: Vec::new(),
            answered,
            stop,
            column,
        }
    }
}

/// Records the values that an accepted request did not change.
fn note_not_applied(outcome: &mut Outcome, not_applied: NotApplied) {
    let NotApplied {
        is_rejected,
        message,
    } = not_applied;
    let code = Code::AnswerNotApplied.as_str();
    outcome.error_code = code.to_owned();
    if is_rejected {
        outcome.state = RowState::Rejected;
    }
    outcome.problems.push(Problem::of_row(code, message));
}

/// Returns a version in a record as an entity tag (RFC 9110, section 8.8.3), unless it already is one.
fn version_in(version: &Json) -> Option<String> {
    let text = match version {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_tag = text.starts_with("W/\"") || text.starts_with('"');
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && !text.is_empty()).then(|| match is_tag {
        true => text,
        false => format!("\"{text}\""),
    })
}

/// Returns the error in which a row ended, for comparison with other rows.
fn error_of(outcome: &Outcome) -> Option<String> {
    let failed = outcome.state.standing() == Standing::Faulty;
    let problems = || Problem::to_stored(&outcome.problems);
    failed.then(|| format!("{} {}", outcome.error_code, problems()))
}

/// Waits for a stop request that exceeds the last one or, before the first one, for a pause or its end.
pub(super) async fn next_request(
    asked: &mut watch::Receiver<StopRequest>,
    heard: StopRequest,
    is_paused: bool,
) -> Result<StopRequest, watch::error::RecvError> {
    let is_news = |request: &StopRequest| match request {
        StopRequest::None | StopRequest::Pause if heard != StopRequest::None => false,
        StopRequest::None => is_paused,
        StopRequest::Pause => !is_paused,
        further => *further > heard,
    };
    asked.wait_for(is_news).await.map(|request| *request)
}

async fn sleep_until(clock: &dyn Clock, moment: Option<UnixNanos>) {
    if let Some(moment) = moment {
        clock.sleep_until(moment).await;
    }
}

/// Returns a short reason for a missing response.
fn in_short(fault: Fault) -> Message {
    match fault {
        Fault::Connect(why) => why.message(),
        Fault::TimeOut => Trouble::TimeOut.message(),
        Fault::Lost => Trouble::Other.message(),
        Fault::TooLarge => message::answer_too_large(),
    }
}

fn explain(fault: Fault, idempotent: bool, attempts: u32) -> Message {
    let count = u64::from(attempts);
    let number = Argument::grouped(count);
    match fault {
        Fault::Connect(why) => message::answer_no_connection(count, number, why.message()),
        Fault::TimeOut if idempotent => message::answer_none_in_time(count, number),
        Fault::Lost if idempotent => message::answer_lost(count, number),
        Fault::TooLarge => message::answer_too_large(),
        Fault::TimeOut | Fault::Lost => message::answer_doubtful(),
    }
}

#[cfg(test)]
mod tests;
