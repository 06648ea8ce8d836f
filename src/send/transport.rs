//! Pacing, retries and counting of requests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::SmallRng;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::answer::{Answer, Fault};
use super::backoff::Backoff;
use super::client::{Client, Request};
use super::concurrency_limit::{ConcurrencyLimit, RetryBudget};
use super::error::SendError;
use super::fetched::{Beside, Fetched, why_stopped};
use super::lock::lock;
use super::pacer::{Pacer, Permit};
use super::stats::Stats;
use super::stop::Stop;
use super::verdict::{Verdict, verdict};
use crate::clock::{Clock, nanos};
use crate::events::{Attempt, Observer, RunEvent};
use crate::l10n::Message;
use crate::log;
use crate::model::{Code, Fact};
use crate::targets::TargetSpec;

/// The limits for requests and retries.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct SenderOptions {
    /// The maximum number of concurrent requests.
    pub concurrency: usize,
    /// The maximum number of attempts for one row.
    pub max_attempts: u32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The maximum wait for requests in progress after a stop request.
    pub grace: Duration,
}

/// Sends requests: each is paced, retried as allowed, and counted.
pub struct Transport<'a> {
    client: &'a Client,
    pub(super) spec: &'a TargetSpec,
    pacer: &'a Pacer,
    pub(super) clock: &'a dyn Clock,
    pub(super) observer: &'a dyn Observer,
    pub(super) options: SenderOptions,
    stats: &'a Stats,
    random: Mutex<SmallRng>,
    load: Mutex<ConcurrencyLimit>,
    budget: Mutex<RetryBudget>,
    /// Whether the API has responded.
    was_reached: AtomicBool,
    /// Whether an unusable wait header was reported.
    has_reported: AtomicBool,
    /// The time until the quota is available, if it exceeds the pacer's patience.
    due: Mutex<Option<Duration>>,
}

/// The result of the attempts at one request.
pub(super) struct Attempts {
    /// The number of requests, including those of earlier processes.
    pub(super) made: u32,
    /// The verdict on the last attempt, or `None` if the run was halted before the next attempt.
    pub(super) verdict: Option<Verdict>,
    /// The last response, or `None` if this process sent nothing.
    pub(super) last: Option<Result<(Answer, Option<Json>), Fault>>,
    /// Whether an attempt got no response, so that the API may have carried it out.
    pub(super) doubtful: bool,
}

/// The number of waits that the API may request for one row before they count as attempts.
const MAX_WAITS: u32 = 20;

impl<'a> Transport<'a> {
    /// Creates a transport that draws its jitter from `random`.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another part of what a request needs"
    )]
    pub fn new(
        client: &'a Client,
        spec: &'a TargetSpec,
        pacer: &'a Pacer,
        clock: &'a dyn Clock,
        observer: &'a dyn Observer,
        options: SenderOptions,
        stats: &'a Stats,
        random: SmallRng,
    ) -> Transport<'a> {
        Transport {
            client,
            spec,
            pacer,
            clock,
            observer,
            options,
            stats,
            random: Mutex::new(random),
            load: Mutex::new(ConcurrencyLimit::new(options.concurrency)),
            budget: Mutex::new(RetryBudget::new()),
            was_reached: AtomicBool::new(false),
            has_reported: AtomicBool::new(false),
            due: Mutex::default(),
        }
    }

    /// Returns the number of concurrent requests that are allowed now.
    pub fn room(&self) -> usize {
        lock(&self.load).limit()
    }

    /// Returns the time until the next request, if it exceeded the pacer's patience.
    pub fn due(&self) -> Option<Duration> {
        *lock(&self.due)
    }

    /// Returns whether any request was sent.
    pub fn has_sent(&self) -> bool {
        self.stats.requests() > 0
    }

    /// Returns the average latency of recent responses, in seconds.
    pub fn latency(&self) -> f64 {
        lock(&self.load).latency()
    }

    /// Reads from the API. The request changes nothing, so it is always safe to retry. `body` makes it a POST.
    ///
    /// # Errors
    /// Fails if requests cannot be sent at all.
    pub async fn fetch(
        &self,
        path: &str,
        body: Option<&Json>,
        halted: &watch::Receiver<bool>,
    ) -> Result<Fetched, SendError> {
        Ok(self.fetch_answer(path, body, halted).await?.0)
    }

    /// Reads from the API, and returns the response headers with the content.
    ///
    /// # Errors
    /// Fails if requests cannot be sent at all.
    pub async fn fetch_answer(
        &self,
        path: &str,
        body: Option<&Json>,
        halted: &watch::Receiver<bool>,
    ) -> Result<(Fetched, Beside), SendError> {
        let body = body.map(|body| body.to_string().into_bytes());
        let request = Request::reading(path, body.as_deref(), true);
        let mut halted = halted.clone();
        let attempts = self
            .attempt(&request, 0, &mut halted, async |_| Ok(()))
            .await?;
        let (Some(verdict), Some(last)) = (attempts.verdict, attempts.last) else {
            return Ok((Fetched::Halted, Beside::default()));
        };
        Ok(match (verdict, last) {
            (Verdict::Accept, Ok((answer, Some(json)))) => {
                let (etag, link, date) = (answer.etag, answer.link, answer.date);
                (Fetched::Json(json), Beside { etag, link, date })
            }
            (Verdict::Accept, Ok((_, None))) => (Fetched::NoJson, Beside::default()),
            (_, last) => {
                let unreachable = |why, cause| self.unreachable(why, cause);
                let stop = why_stopped(verdict, last, body.as_deref(), unreachable);
                (Fetched::Stopped(stop), Beside::default())
            }
        })
    }

    /// Sends a request until its outcome is known. Before each attempt, `intend` is awaited with its number.
    pub(super) async fn attempt(
        &self,
        request: &Request<'_>,
        made_before: u32,
        halted: &mut watch::Receiver<bool>,
        intend: impl AsyncFn(u32) -> Result<(), SendError>,
    ) -> Result<Attempts, SendError> {
        let (mut made, mut counted, mut told_to_wait, mut renewed) = (made_before, 0, 0, false);
        let (mut last, mut doubtful) = (None, false);
        loop {
            // A stop is checked only here: a request that was sent is awaited.
            let permit = until_halted(halted, self.pacer.permit()).await;
            let permit = permit.transpose()?;
            if let Some(Permit::Later(wait)) = permit {
                *lock(&self.due) = Some(wait);
            }
            if !matches!(permit, Some(Permit::Granted)) {
                return Ok(Attempts {
                    made,
                    verdict: None,
                    last,
                    doubtful,
                });
            }
            made += 1;
            intend(made).await?;
            self.stats
                .count(request.row.is_some(), made > made_before + 1);
            let sent_at = self.clock.now();
            let result = self.make(request).await;
            doubtful |= matches!(result, Err(Fault::TimeOut | Fault::Lost));
            let answer = result.as_ref().map(|(answer, _)| answer);
            // The first expired token is renewed without counting as a failure.
            if let Ok(answer) = answer
                && !renewed
                && self.options.max_attempts > 1
                && self.client.renew(answer)
            {
                renewed = true;
                last = Some(result);
                continue;
            }
            // A wait that the API requests costs no attempt, unless only one attempt is allowed or the API
            // requests too many waits.
            if names_moment(answer) && told_to_wait < MAX_WAITS && self.options.max_attempts > 1 {
                told_to_wait += 1;
            } else {
                counted += 1;
            }
            let left = counted < self.options.max_attempts;
            let is_foreign = answer.is_ok_and(|answer| answer.foreign.is_some());
            let verdict = match verdict(self.spec, answer, request.repeatable, left) {
                // A proxy's page instead of a look-up's response may not appear again.
                Verdict::Stop if is_foreign && request.row.is_none() && left => Verdict::Retry,
                verdict => verdict,
            };
            let (status, fault) = (
                answer.ok().map(|answer| answer.status),
                answer.err().map(|fault| fault.cause().as_str()),
            );
            match request.row {
                Some(row) => {
                    tracing::debug!(row, attempt = made, ?verdict, status, fault, "answered");
                }
                None => {
                    tracing::debug!(attempt = made, ?verdict, status, fault, "look-up answered");
                }
            }
            self.observe(answer, sent_at, made > made_before + 1)?;
            if verdict != Verdict::Retry {
                return Ok(Attempts {
                    made,
                    verdict: Some(verdict),
                    last: Some(result),
                    doubtful,
                });
            }
            let wait = self.wait_to_retry(request.row, made, counted, answer);
            if let Some(waited) = until_halted(halted, wait).await {
                waited?;
            }
            last = Some(result);
        }
    }

    /// Sends a request once. A look-up whose response is truncated or not JSON counts as unanswered.
    async fn make(&self, request: &Request<'_>) -> Result<(Answer, Option<Json>), Fault> {
        let (answer, json) = self.client.call(request).await?;
        let is_success = answer.status / 100 == 2 && !answer.of_sign_in && answer.foreign.is_none();
        let json = json.filter(|_| is_success);
        // For an update, the status is enough.
        if request.row.is_none() && is_success && json.is_none() {
            return Err(Fault::Lost);
        }
        Ok((answer, json))
    }

    /// Applies the quota and the throttling in a response to all requests.
    fn observe(
        &self,
        answer: Result<&Answer, &Fault>,
        sent_at: u64,
        again: bool,
    ) -> Result<(), SendError> {
        let latency = Duration::from_nanos(self.clock.now().saturating_sub(sent_at));
        let well = answer.is_ok_and(|answer| answer.status < 500 && answer.foreign.is_none());
        lock(&self.load).answered(well, latency);
        if well {
            lock(&self.budget).deposit();
        }
        if again && answer.is_ok_and(|answer| answer.status < 500 && !answer.is_throttled()) {
            lock(&self.load).recovered();
            lock(&self.budget).recover();
        }
        let Ok(answer) = answer else {
            return Ok(());
        };
        self.was_reached.store(true, Ordering::Relaxed);
        if answer.is_wait_unusable && !self.has_reported.swap(true, Ordering::Relaxed) {
            log::warn(&Fact::new(Code::ApiRateHeader).with_status(answer.status));
        }
        if answer.of_sign_in {
            return Ok(());
        }
        if let Some(date) = answer.date {
            self.pacer.observe_date(date);
        }
        let announced = answer.announced;
        self.pacer
            .observe(announced.limit, announced.remaining, sent_at);
        if answer.is_throttled() {
            self.stats.throttled.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(moment) = answer.not_before.filter(|_| names_moment(Ok(answer)))
            && self.pacer.hold_until(moment, answer.is_throttled())?
        {
            let until = Timestamp::from_nanosecond(i128::from(moment));
            self.observer.on_event(&RunEvent::Waiting {
                until: until.unwrap_or(Timestamp::MAX),
                wait: Duration::from_nanos(moment.saturating_sub(self.clock.now())),
                status: answer.status,
            });
        }
        Ok(())
    }

    /// Waits before a retry: until the time that the API named, which the pacer already knows, or for the
    /// backoff.
    async fn wait_to_retry(
        &self,
        row: Option<u64>,
        made: u32,
        counted: u32,
        answer: Result<&Answer, &Fault>,
    ) -> Result<(), SendError> {
        if let Ok(refused) = answer
            && refused.of_sign_in
            && let Some(moment) = refused.not_before
        {
            // This process cannot sign in before that time. The API's quota is separate.
            self.pacer.pause_until(moment);
            return Ok(());
        }
        if names_moment(answer) {
            return Ok(());
        }
        let mut wait = self.options.backoff.wait(counted, &mut *lock(&self.random));
        let within_budget = lock(&self.budget).withdraw();
        if !within_budget {
            wait = wait.max(self.options.backoff.most);
            // After too many failures, all requests wait and no row is started.
            let moment = self.clock.now().saturating_add(nanos(wait));
            self.pacer.pause_until(moment);
        }
        self.observer.on_event(&RunEvent::Retrying {
            row,
            line: row,
            attempt: made,
            wait,
            why: match answer {
                Ok(answer) => Attempt::Answered(answer.status),
                Err(fault) => Attempt::Unanswered(fault.code()),
            },
        });
        // Throttling affects all requests, so all of them wait.
        if answer.is_ok_and(|answer| answer.is_throttled() && !answer.of_sign_in) {
            let moment = self.clock.now().saturating_add(nanos(wait));
            self.pacer.hold_until(moment, true)?;
        }
        self.clock.sleep(wait).await;
        Ok(())
    }

    /// Returns the stop for an API that does not respond.
    pub(super) fn unreachable(&self, why: Message, cause: Code) -> Stop {
        Stop::Unreachable {
            address: self.client.base().to_owned(),
            why,
            cause,
            was_reached: self.was_reached.load(Ordering::Relaxed),
        }
    }
}

/// Awaits `work` until the run is halted.
pub(super) async fn until_halted<T>(
    halted: &mut watch::Receiver<bool>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        Ok(_) = halted.wait_for(|halted| *halted) => None,
        done = work => Some(done),
    }
}

/// Returns whether the API throttled the request and named a time.
fn names_moment(answer: Result<&Answer, &Fault>) -> bool {
    answer.is_ok_and(|answer| {
        (answer.is_throttled() || answer.status == 503) && answer.not_before.is_some()
    })
}

#[cfg(test)]
mod tests;
