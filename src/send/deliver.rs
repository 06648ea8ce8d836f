use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use rand::rngs::SmallRng;
use tokio::sync::{mpsc, watch};

use super::answer::{Answer, Fault};
use super::backoff::Backoff;
use super::client::Client;
use super::error::SendError;
use super::pacer::Pacer;
use super::stats::Stats;
use super::stop::{Stop, StopRequest};
use super::verdict::{Verdict, verdict};
use crate::clock::{Clock, UnixNanos, nanos};
use crate::events::{RunEvent, Watch};
use crate::journal::Writer;
use crate::model::{Call, Outcome, RowState};
use crate::targets::TargetSpec;

/// What comes from the rooms before: a call to make, or a row that needs none.
#[derive(Debug)]
pub enum Step {
    /// A request is to be made.
    Call(Call),
    /// The row has its state already.
    Settled(Outcome),
}

/// How calls are delivered.
#[derive(Debug, Clone, Copy)]
pub struct SenderOptions {
    /// Requests under way at most.
    pub concurrency: usize,
    /// Attempts for one row at most.
    pub max_attempts: u32,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// After being asked to stop, the longest that requests under way are waited for.
    pub grace: Duration,
}

/// Delivers calls: each one recorded before it leaves, paced, attempted as often as allowed, and
/// recorded again when it has its outcome.
pub struct Sender<'a> {
    /// Makes the requests.
    pub client: &'a Client,
    /// The target, for its verdicts.
    pub spec: &'a TargetSpec,
    /// Paces the requests.
    pub pacer: &'a Pacer,
    /// Records intents and outcomes.
    pub writer: &'a Writer,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Source of jitter.
    pub random: &'a Mutex<SmallRng>,
    /// Watches.
    pub watch: &'a dyn Watch,
    /// How to deliver.
    pub options: SenderOptions,
    /// Counts.
    pub stats: &'a Stats,
}

/// A delivered call: its outcome, whether anyone ever answered, and whether it must stop the run.
struct Done {
    /// None where the run was stopped before anything was sent for the row.
    outcome: Option<Outcome>,
    answered: bool,
    stop: Option<Stop>,
}

/// Waits that the API may ask for, for one row, before they count as attempts.
const MAX_WAITS: u32 = 20;

impl Sender<'_> {
    /// Delivers what comes out of `steps` until it ends, a verdict stops it, or `asked` says so.
    /// Returns why it ended early, if it did. After that no request is begun any more; rows that
    /// need none are recorded all the same.
    ///
    /// The first request goes alone: if the credentials are wrong or nobody answers, one row has
    /// told so.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn deliver(
        &self,
        mut steps: mpsc::Receiver<Step>,
        mut asked: watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, SendError> {
        let (halt, halted) = watch::channel(false);
        let mut under_way = FuturesUnordered::new();
        let mut stopped: Option<Stop> = None;
        let mut heard = StopRequest::None;
        let mut grace_ends: Option<UnixNanos> = None;
        let (mut ended, mut answered) = (false, false);
        while !(ended && under_way.is_empty()) {
            let room = if answered {
                self.options.concurrency
            } else {
                1
            };
            tokio::select! {
                biased;
                Ok(request) = next_request(&mut asked, heard) => {
                    heard = request;
                    if request == StopRequest::Now {
                        under_way.clear();
                    } else {
                        let now = self.clock.now();
                        grace_ends = Some(now.saturating_add(nanos(self.options.grace)));
                    }
                    self.halt(&halt, &mut stopped, Stop::Asked);
                }
                () = sleep_until(self.clock, grace_ends), if grace_ends.is_some() => {
                    under_way.clear();
                    grace_ends = None;
                }
                Some(done) = under_way.next(), if !under_way.is_empty() => {
                    let done: Done = done?;
                    answered |= done.answered;
                    if let Some(outcome) = done.outcome {
                        self.tell(&outcome, true);
                    }
                    if let Some(stop) = done.stop {
                        self.halt(&halt, &mut stopped, stop);
                    }
                }
                step = steps.recv(), if !ended && under_way.len() < room => match step {
                    None => ended = true,
                    Some(Step::Call(_)) if stopped.is_some() => {}
                    Some(Step::Call(call)) => {
                        under_way.push(self.one(call, !answered, halted.clone()));
                    }
                    Some(Step::Settled(outcome)) => {
                        self.tell(&outcome, false);
                        self.writer.settle(outcome).await?;
                    }
                },
            }
        }
        self.writer.flush().await?;
        Ok(stopped)
    }

    fn halt(&self, halt: &watch::Sender<bool>, stopped: &mut Option<Stop>, why: Stop) {
        halt.send_replace(true);
        if stopped.is_none() {
            self.watch.see(&RunEvent::Stopping {
                why: why.to_string(),
            });
            *stopped = Some(why);
        }
    }

    fn tell(&self, outcome: &Outcome, sent: bool) {
        self.watch.see(&RunEvent::RowDone {
            row: outcome.row,
            state: outcome.state,
            sent,
        });
    }

    /// Delivers one call, and records its outcome.
    async fn one(
        &self,
        call: Call,
        scout: bool,
        mut halted: watch::Receiver<bool>,
    ) -> Result<Done, SendError> {
        let (mut attempts, mut counted, mut told_to_wait) = (0, 0, 0);
        let mut last: Option<Result<Answer, Fault>> = None;
        let (verdict, result) = loop {
            // Only here may a stop come in between: a request that has left is seen through.
            if !until_halted(&mut halted, self.pacer.permit()).await {
                match last {
                    None => return Ok(Done::nothing()),
                    Some(result) => break (None, result),
                }
            }
            attempts += 1;
            self.writer
                .intent(call.at.row, attempts, self.clock.timestamp())
                .await?;
            self.stats.requests.fetch_add(1, Ordering::Relaxed);
            self.stats
                .retries
                .fetch_add(u64::from(attempts > 1), Ordering::Relaxed);
            let result = self.client.call(&call).await;
            // A token that ran out is nobody's fault, once.
            if let Ok(answer) = &result
                && attempts == counted + told_to_wait + 1
                && self.options.max_attempts > 1
                && self.client.renew(answer)
            {
                last = Some(result);
                continue;
            }
            // A wait that the API asked for is its own doing and costs no attempt, unless a row
            // may have only one, or the API never stops asking.
            if names_moment(&result) && told_to_wait < MAX_WAITS && self.options.max_attempts > 1 {
                told_to_wait += 1;
            } else {
                counted += 1;
            }
            let left = counted < self.options.max_attempts;
            let verdict = verdict(self.spec, &result, left);
            tracing::debug!(row = call.at.row, attempt = attempts, ?verdict, what = %describe(&result), "answered");
            self.heed(&result);
            if verdict != Verdict::Retry {
                break (Some(verdict), result);
            }
            let wait = self.wait_to_retry(call.at.row, attempts, &result);
            until_halted(&mut halted, wait).await;
            last = Some(result);
        };
        let done = self.settle(&call, attempts, verdict, result, scout);
        if let Some(outcome) = &done.outcome {
            self.writer.outcome(outcome.clone()).await?;
        }
        Ok(done)
    }

    /// Makes what the API said about waiting hold for everyone.
    fn heed(&self, result: &Result<Answer, Fault>) {
        let Ok(answer) = result else {
            return;
        };
        if answer.status == 429 {
            self.stats.throttled.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(moment) = answer.not_before.filter(|_| names_moment(result))
            && self.pacer.hold_until(moment)
        {
            let until = Timestamp::from_nanosecond(i128::from(moment));
            self.watch.see(&RunEvent::Waiting {
                until: until.unwrap_or(Timestamp::MAX),
                wait: Duration::from_nanos(moment.saturating_sub(self.clock.now())),
                why: format!("the API answered {} and named this time", answer.status),
            });
        }
    }

    /// Waits before a request is made again: until the moment that the API named, which the pacer
    /// knows already, or for a time of our own.
    async fn wait_to_retry(&self, row: u64, attempt: u32, result: &Result<Answer, Fault>) {
        if names_moment(result) {
            return;
        }
        let wait = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            self.options.backoff.wait(attempt, &mut *random)
        };
        self.watch.see(&RunEvent::Retrying {
            row,
            attempt,
            wait,
            why: describe(result),
        });
        // Too many requests are everyone's doing, so everyone waits.
        if matches!(result, Ok(answer) if answer.status == 429) {
            let moment = self.clock.now().saturating_add(nanos(wait));
            self.pacer.hold_until(moment);
        }
        self.clock.sleep(wait).await;
    }

    /// The outcome of a row whose last attempt ended in `result`. No verdict means that the run
    /// was stopped before the next attempt.
    fn settle(
        &self,
        call: &Call,
        attempts: u32,
        verdict: Option<Verdict>,
        result: Result<Answer, Fault>,
        scout: bool,
    ) -> Done {
        let mut outcome = Outcome {
            row: call.at.row,
            state: match verdict {
                Some(Verdict::Accept) => RowState::Updated,
                Some(Verdict::Reject) => RowState::Rejected,
                // The row itself is not at fault, and will be sent when the run goes on.
                Some(Verdict::Stop) | None => RowState::NotSent,
                Some(Verdict::Fail | Verdict::Retry) => RowState::Failed,
            },
            http_status: None,
            error_code: String::new(),
            error: String::new(),
            changed: String::new(),
            attempts,
            request_id: String::new(),
            finished_at: self.clock.timestamp(),
        };
        let answered = result.as_ref().is_ok_and(|answer| !answer.sign_in_refused);
        let mut stop = None;
        match result {
            Ok(answer) => {
                outcome.http_status = Some(answer.status);
                outcome.request_id = answer.request_id;
                if verdict == Some(Verdict::Accept) {
                    outcome.changed = call.changed.clone();
                } else {
                    outcome.error_code = if answer.code.is_empty() {
                        format!("http.{}", answer.status)
                    } else {
                        answer.code
                    };
                    outcome.error = answer.message;
                }
                if verdict == Some(Verdict::Stop) {
                    stop = Some(Stop::Refused {
                        status: answer.status,
                        message: outcome.error.clone(),
                    });
                }
            }
            Err(fault) => {
                outcome.error_code = fault.code().to_owned();
                outcome.error = explain(fault, self.spec.update.idempotent, attempts);
                // Nobody has answered yet: the rest would fare alike.
                if scout && verdict == Some(Verdict::Fail) {
                    stop = Some(Stop::Unreachable);
                    if fault == Fault::Connect {
                        outcome.state = RowState::NotSent;
                    }
                }
            }
        }
        Done {
            outcome: Some(outcome),
            answered,
            stop,
        }
    }
}

impl Done {
    fn nothing() -> Done {
        Done {
            outcome: None,
            answered: false,
            stop: None,
        }
    }
}

/// Waits for a request to stop that goes further than the one heard last.
async fn next_request(
    asked: &mut watch::Receiver<StopRequest>,
    heard: StopRequest,
) -> Result<StopRequest, watch::error::RecvError> {
    asked
        .wait_for(|request| *request > heard)
        .await
        .map(|request| *request)
}

async fn sleep_until(clock: &dyn Clock, moment: Option<UnixNanos>) {
    if let Some(moment) = moment {
        clock.sleep_until(moment).await;
    }
}

/// Waits for `work`, or until the run is halted. Returns whether the work was done.
async fn until_halted(halted: &mut watch::Receiver<bool>, work: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        _ = halted.wait_for(|halted| *halted) => false,
        () = work => true,
    }
}

/// Whether the API refused for now and said until when.
fn names_moment(result: &Result<Answer, Fault>) -> bool {
    matches!(result, Ok(answer) if matches!(answer.status, 429 | 503) && answer.not_before.is_some())
}

/// A status or the kind of fault: nothing of a body, which may hold personal data.
fn describe(result: &Result<Answer, Fault>) -> String {
    match result {
        Ok(answer) => format!("HTTP {}", answer.status),
        Err(fault) => fault.code().to_owned(),
    }
}

fn explain(fault: Fault, idempotent: bool, attempts: u32) -> String {
    let tries = if attempts == 1 {
        "1 attempt".to_owned()
    } else {
        format!("{attempts} attempts")
    };
    match fault {
        Fault::Connect => format!("no connection could be made in {tries}"),
        Fault::TimeOut if idempotent => format!("no answer came in time in {tries}"),
        Fault::Lost if idempotent => {
            format!("the connection ended before the answer in {tries}")
        }
        Fault::TimeOut | Fault::Lost => "no answer came, and the API may have made the change; it was not sent again because the target does not say that this is safe".to_owned(),
    }
}
