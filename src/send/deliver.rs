use std::sync::atomic::{AtomicU64, Ordering};
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
use super::verdict::{Verdict, verdict};
use crate::clock::{Clock, nanos};
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

/// Figures of what was sent.
#[derive(Debug, Default)]
pub struct Stats {
    requests: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
}

impl Stats {
    /// Requests made.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests beyond a row's first.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Answers that said to slow down (429).
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }
}

/// Why sending ended before its last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The API refused the credentials: status and its own words.
    Refused {
        /// HTTP status.
        status: u16,
        /// The API's message.
        message: String,
    },
    /// No connection could be made to the API at all.
    Unreachable,
    /// Someone asked for it.
    Asked,
}

/// What became of all that was to be sent.
#[derive(Debug)]
pub struct Delivered {
    /// Why sending ended early, if it did.
    pub stop: Option<Stop>,
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

/// An outcome, and whether it must stop the run.
struct Done {
    outcome: Outcome,
    stop: Option<Stop>,
}

impl Sender<'_> {
    /// Delivers what comes out of `steps` until it ends, a verdict stops it, or `stop` says so.
    /// Each row's outcome is handed to `each` once it is durable, or on its way to be where
    /// nothing was sent.
    ///
    /// The first request goes alone: if the credentials are wrong or nobody answers, one request
    /// has told so.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn deliver(
        &self,
        mut steps: mpsc::Receiver<Step>,
        mut stop: watch::Receiver<bool>,
        mut each: impl FnMut(&Outcome),
    ) -> Result<Delivered, SendError> {
        let mut under_way = FuturesUnordered::new();
        let mut stopped: Option<Stop> = None;
        let mut ended = false;
        let mut answered = false;
        loop {
            let room = if answered {
                self.options.concurrency.max(1)
            } else {
                1
            };
            if under_way.is_empty() && (ended || stopped.is_some()) {
                break;
            }
            tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|asked| *asked), if stopped.is_none() => {
                    stopped = Some(Stop::Asked);
                    self.watch.see(&RunEvent::Stopping {
                        why: "asked to; requests under way may finish".into(),
                    });
                    // Nothing more is taken, and whoever makes calls is told so.
                    steps.close();
                    let finish = async {
                        while let Some(done) = under_way.next().await {
                            self.record(done, &mut each).await?;
                        }
                        Ok::<(), SendError>(())
                    };
                    tokio::select! {
                        finished = finish => finished?,
                        () = self.clock.sleep(self.options.grace) => {}
                    }
                    break;
                }
                Some(done) = under_way.next(), if !under_way.is_empty() => {
                    answered = true;
                    if let Some(reason) = self.record(done, &mut each).await? {
                        if stopped.is_none() {
                            steps.close();
                            self.watch.see(&RunEvent::Stopping { why: reason.to_string() });
                        }
                        stopped.get_or_insert(reason);
                    }
                }
                step = steps.recv(), if !ended && stopped.is_none() && under_way.len() < room => {
                    match step {
                        None => ended = true,
                        Some(Step::Call(call)) => {
                            let scout = !answered;
                            under_way.push(self.one(call, scout));
                        }
                        Some(Step::Settled(outcome)) => {
                            each(&outcome);
                            self.watch.see(&RunEvent::RowDone {
                                row: outcome.row,
                                state: outcome.state,
                            });
                            self.writer.settle(outcome).await?;
                        }
                    }
                }
            }
        }
        self.writer.flush().await?;
        Ok(Delivered { stop: stopped })
    }

    async fn record(
        &self,
        done: Result<Done, SendError>,
        each: &mut impl FnMut(&Outcome),
    ) -> Result<Option<Stop>, SendError> {
        let Done { outcome, stop } = done?;
        each(&outcome);
        self.watch.see(&RunEvent::RowDone {
            row: outcome.row,
            state: outcome.state,
        });
        Ok(stop)
    }

    /// Delivers one call, and records its outcome.
    async fn one(&self, call: Call, scout: bool) -> Result<Done, SendError> {
        let (mut attempts, mut counted, mut told_to_wait) = (0, 0, 0);
        let done = loop {
            self.pacer.permit().await;
            attempts += 1;
            self.writer
                .intent(call.at.row, attempts, self.clock.timestamp())
                .await?;
            self.stats.requests.fetch_add(1, Ordering::Relaxed);
            self.stats
                .retries
                .fetch_add(u64::from(attempts > 1), Ordering::Relaxed);
            let result = self.client.call(&call).await;
            // A wait that the API asked for is its own doing and costs no attempt, unless a row
            // may have only one, or the API never stops asking.
            if says_when(&result) && told_to_wait < MAX_WAITS && self.options.max_attempts > 1 {
                told_to_wait += 1;
            } else {
                counted += 1;
            }
            let left = counted < self.options.max_attempts;
            let verdict = verdict(self.spec, &result, left);
            tracing::debug!(row = call.at.row, attempt = attempts, ?verdict, what = %describe(&result), "answered");
            self.heed(&result);
            if verdict == Verdict::Retry {
                self.wait_to_retry(call.at.row, attempts, &result).await;
                continue;
            }
            break self.settle(&call, attempts, verdict, result, scout);
        };
        self.writer.outcome(done.outcome.clone()).await?;
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
        if let Some(moment) = answer.not_before.filter(|_| says_when(result))
            && self.pacer.hold_until(moment)
        {
            let until = Timestamp::from_nanosecond(i128::from(moment));
            self.watch.see(&RunEvent::Waiting {
                until: until.unwrap_or(Timestamp::MAX),
                why: format!("the API answered {} and named this time", answer.status),
            });
        }
    }

    async fn wait_to_retry(&self, row: u64, attempt: u32, result: &Result<Answer, Fault>) {
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
            self.pacer
                .hold_until(self.clock.now().saturating_add(nanos(wait)));
        }
        self.clock.sleep(wait).await;
    }

    fn settle(
        &self,
        call: &Call,
        attempts: u32,
        verdict: Verdict,
        result: Result<Answer, Fault>,
        scout: bool,
    ) -> Done {
        let mut outcome = Outcome {
            row: call.at.row,
            state: RowState::Updated,
            http_status: None,
            error_code: String::new(),
            error: String::new(),
            changed: call.changed.clone(),
            attempts,
            request_id: String::new(),
            finished_at: self.clock.timestamp(),
        };
        let mut stop = None;
        match result {
            Ok(answer) => {
                outcome.http_status = Some(answer.status);
                outcome.request_id = answer.request_id;
                if verdict != Verdict::Accept {
                    outcome.error_code = if answer.code.is_empty() {
                        format!("http.{}", answer.status)
                    } else {
                        answer.code
                    };
                    if verdict == Verdict::Stop {
                        stop = Some(Stop::Refused {
                            status: answer.status,
                            message: answer.message.clone(),
                        });
                    }
                    outcome.error = answer.message;
                }
            }
            Err(fault) => {
                outcome.error_code = fault.code().to_owned();
                outcome.error = explain(fault, self.spec.update.idempotent, attempts);
                // Nobody has answered yet, and nobody takes the call: the rest would fare alike.
                if scout && fault == Fault::Connect {
                    stop = Some(Stop::Unreachable);
                }
            }
        }
        outcome.state = match verdict {
            Verdict::Accept => RowState::Updated,
            Verdict::Reject => RowState::Rejected,
            // The row itself is not at fault, and will be sent when the run goes on.
            _ if stop.is_some() => RowState::NotSent,
            _ => RowState::Failed,
        };
        if !matches!(outcome.state, RowState::Updated) {
            outcome.changed.clear();
        }
        Done { outcome, stop }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Refused { status, message } => {
                write!(
                    f,
                    "the API refused the credentials (HTTP {status}: {message})"
                )
            }
            Stop::Unreachable => f.write_str("the API could not be reached"),
            Stop::Asked => f.write_str("the run was asked to stop"),
        }
    }
}

/// Waits that the API may ask for, for one row, before they count as attempts.
const MAX_WAITS: u32 = 20;

/// Whether the API refused for now and said until when.
fn says_when(result: &Result<Answer, Fault>) -> bool {
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
