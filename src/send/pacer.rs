//! The pacer grants permits for requests within the quota.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::gcra_state::GcraState;
use super::lock::lock;
use super::rate::{Pace, Rate};
use super::steady::Steady;
use crate::clock::{Clock, UnixNanos};
use crate::journal::{JournalError, QuotaStore};

/// Grants permits for requests in the order of the callers, at the rate of the quota (governor's GCRA), and
/// none before a time that the API has set.
#[derive(Debug)]
pub struct Pacer {
    pace: Pace,
    /// The limit according to the API.
    announced: Mutex<Announced>,
    /// The bucket of the API, which all processes share. The limits of one command do not change its rate or
    /// depth, because later commands could not tell what is left. Only a rate above the target's replaces it,
    /// for an API that reports no limit.
    shared: GcraState,
    /// The buckets of the user's lower limits. A permit takes from them first.
    limits: Vec<(Limit, GcraState)>,
    clock: Steady,
    /// The pause of this process.
    paused: Mutex<Pause>,
    /// The queue of callers, with the number of limits from which the next permit has already taken.
    turn: tokio::sync::Mutex<usize>,
    /// The maximum wait for a permit, or `None` without a maximum.
    patience: Mutex<Option<Duration>>,
}

/// A limit that the user sets.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// The burst of this process.
    Burst,
    /// The part of the quota for all processes with the same rate and share.
    Part,
}

impl Limit {
    fn bucket(self, pace: &Pace, announced: Option<Rate>) -> (Rate, NonZeroU32) {
        match self {
            Limit::Burst => pace.in_force(announced),
            Limit::Part => pace.limited(announced),
        }
    }
}

/// The answer to a request for a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// The request may be sent.
    Granted,
    /// The wait exceeds the patience. The first request may be sent after this time.
    Later(Duration),
}

#[derive(Debug, Default)]
struct Pause {
    until: UnixNanos,
    set_at: UnixNanos,
}

#[derive(Debug, Default)]
struct Announced {
    limit: Option<Rate>,
    /// Whether this process received the limit itself.
    is_heard: bool,
}

impl Pacer {
    /// Creates a pacer that uses the bucket in `store`, or a full bucket of its own.
    pub fn new(
        pace: Pace,
        clock: Arc<dyn Clock>,
        mut store: Option<QuotaStore>,
    ) -> Result<Pacer, JournalError> {
        let clock = Steady::open(store.as_mut(), clock)?;
        let noted = match &mut store {
            Some(store) => store.announced()?,
            None => None,
        };
        // An unreadable note is ignored, and the limit is learned again.
        let limit: Option<Rate> = noted.and_then(|json| serde_json::from_str(&json).ok());
        let limit = limit.filter(|limit| pace.is_sane(Some(*limit)));
        let store_of_part = match (&store, pace.limit_name()) {
            (Some(store), Some(name)) => Some(store.under_limit(&name)?),
            _ => None,
        };
        let open = |store, (rate, depth)| GcraState::open(store, clock.clone(), (rate, depth));
        let shared = open(store, pace.shared(limit))?;
        let mut limits = Vec::new();
        if pace.limit_name().is_some() {
            let bucket = Limit::Part.bucket(&pace, limit);
            limits.push((Limit::Part, open(store_of_part, bucket)?));
        }
        if pace.burst.is_some() {
            let burst = open(None, Limit::Burst.bucket(&pace, limit))?;
            burst.begin_like(limits.last().map_or(&shared, |(_, part)| part));
            // The burst limit is first: a token that was taken from it and not used is lost with this
            // process, and affects no other process.
            limits.insert(0, (Limit::Burst, burst));
        }
        Ok(Pacer {
            announced: Mutex::new(Announced {
                limit,
                is_heard: false,
            }),
            pace,
            shared,
            limits,
            clock,
            paused: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            patience: Mutex::default(),
        })
    }

    fn buckets(&self) -> impl Iterator<Item = &GcraState> {
        self.limits
            .iter()
            .map(|(_, bucket)| bucket)
            .chain([&self.shared])
    }

    /// Waits for the next permit. Every attempt needs one, including retries.
    ///
    /// # Errors
    /// Fails if the shared bucket cannot be stored. Nothing may be sent without it.
    pub async fn permit(&self) -> Result<Permit, JournalError> {
        let mut taken = self.turn.lock().await;
        loop {
            let now = self.clock.now();
            let not_before = self.shared.not_before().max(self.paused_until(now));
            let wait = if now < not_before {
                Duration::from_nanos(not_before - now)
            } else {
                match self.take(&mut taken)? {
                    Ok(()) => return Ok(Permit::Granted),
                    Err(wait) => wait,
                }
            };
            if self.is_too_long(wait) {
                return Ok(Permit::Later(wait));
            }
            self.rest(wait).await;
        }
    }

    /// Takes one request from every bucket, or returns the time until the first empty one has one. Buckets
    /// that were already `taken` from are skipped.
    fn take(&self, taken: &mut usize) -> Result<Result<(), Duration>, JournalError> {
        for bucket in self.buckets().skip(*taken) {
            let granted = bucket.take();
            if let Some(error) = bucket.take_error() {
                return Err(error);
            }
            if let Err(wait) = granted {
                return Ok(Err(wait));
            }
            *taken += 1;
        }
        *taken = 0;
        Ok(Ok(()))
    }

    /// Sets the maximum wait for a permit, or removes it.
    pub fn set_patience(&self, patience: Option<Duration>) {
        let mut kept = lock(&self.patience);
        *kept = patience;
    }

    fn is_too_long(&self, wait: Duration) -> bool {
        let patience = lock(&self.patience);
        patience.is_some_and(|patience| wait > patience)
    }

    /// Prevents all requests on the shared quota before `moment`. If the bucket is `empty` because the API
    /// throttled requests, they continue one at a time. An earlier moment than the current one changes
    /// nothing. Returns whether anything changed.
    pub fn hold_until(&self, moment: UnixNanos, empty: bool) -> Result<bool, JournalError> {
        self.shared.hold_until(self.clock.at(moment), empty)
    }

    /// Prevents requests of this process before `moment`.
    pub fn pause_until(&self, moment: UnixNanos) {
        let mut pause = lock(&self.paused);
        *pause = Pause {
            until: pause.until.max(self.clock.at(moment)),
            set_at: self.clock.now(),
        };
    }

    /// The end of this process's pause, limited to its original length if the clock was set back.
    fn paused_until(&self, now: UnixNanos) -> UnixNanos {
        let mut pause = lock(&self.paused);
        if now < pause.set_at {
            pause.until = now.saturating_add(pause.until.saturating_sub(pause.set_at));
            pause.set_at = now;
        }
        pause.until
    }

    /// Waits for a time or a part of it. The caller checks the clock again, because it may have been set.
    async fn rest(&self, time: Duration) {
        const SLICE: Duration = Duration::from_secs(30);
        let time = time.clamp(Duration::from_nanos(1), SLICE);
        self.clock.sleep(time).await;
    }

    /// Updates the quota from the response to a request that was sent at `sent_at`. The number of requests
    /// left can only lower the current estimate.
    pub fn observe(&self, limit: Option<Rate>, remaining: Option<f64>, sent_at: UnixNanos) {
        if let Some(limit) = limit {
            self.observe_limit(limit);
        }
        if let Some(remaining) = remaining {
            self.shared.lower_to(remaining, self.clock.at(sent_at));
        }
    }

    fn observe_limit(&self, limit: Rate) {
        let mut announced = lock(&self.announced);
        let is_known = announced.limit == Some(limit);
        if (is_known && announced.is_heard) || !self.pace.is_sane(Some(limit)) {
            return;
        }
        announced.is_heard = true;
        // Later processes use the limit for a day.
        if let Ok(json) = serde_json::to_string(&limit) {
            self.shared.announce(&json);
        }
        if is_known {
            return;
        }
        announced.limit = Some(limit);
        self.shared.set_bucket(self.pace.shared(Some(limit)));
        for (kind, bucket) in &self.limits {
            bucket.set_bucket(kind.bucket(&self.pace, Some(limit)));
        }
    }

    /// Updates the clock of the API from a response.
    pub fn observe_date(&self, date: UnixNanos) {
        self.buckets().for_each(|bucket| bucket.observe_date(date));
    }

    /// Returns the current rate, and the number of requests that a full bucket allows at once.
    pub fn quota(&self) -> (Rate, u32) {
        let (rate, burst) = self.pace.in_force(lock(&self.announced).limit);
        (rate, burst.get())
    }

    /// Returns the estimated number of requests that could be sent at once now, and the time until the next
    /// one.
    pub fn level(&self) -> (f64, Duration) {
        let now = self.clock.now();
        let wait = self.shared.not_before().saturating_sub(now);
        let levels = self.buckets().map(|bucket| bucket.level(now));
        let level = levels.fold(f64::INFINITY, f64::min);
        (level, Duration::from_nanos(wait))
    }
}

#[cfg(test)]
mod tests;
