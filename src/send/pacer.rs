//! The pacer grants permits for requests within the quota.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gcra_state::GcraState;
use super::rate::{Pace, Rate};
use super::steady::Steady;
use crate::clock::{Clock, UnixNanos};
use crate::journal::{JournalError, QuotaStore};

/// Hands out permits to make a request, one after another, in the order in which they were asked
/// for, at the quota's pace (governor's GCRA), and none before a moment that the API has set.
#[derive(Debug)]
pub struct Pacer {
    pace: Pace,
    /// The limit that the API announces.
    announced: Mutex<Announced>,
    /// The API's own bucket, which all processes share: no limit of one command changes its rate or depth, or
    /// the next would not know what is left. Only a rate above the target's replaces the target's, for an API
    /// that announces none.
    shared: GcraState,
    /// Buckets of the limits that the user sets below the API's: what a permit takes first.
    limits: Vec<(Limit, GcraState)>,
    clock: Steady,
    /// A pause of this process alone.
    paused: Mutex<Pause>,
    /// Whose turn it is, and of how many limits the next permit has its part already.
    turn: tokio::sync::Mutex<usize>,
    /// How long anybody waits for a permit at most; none where it takes as long as it takes.
    patience: Mutex<Option<Duration>>,
}

/// A limit that the user sets.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// Of this process alone: how many requests it makes at once.
    Burst,
    /// Of all processes with the same rate and share.
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

/// What becomes of who asks for a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// The request may be made.
    Granted,
    /// Not within the patience that was set: the first one may be made so much later.
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
    /// Whether this process has heard it itself.
    is_heard: bool,
}

impl Pacer {
    /// A pacer that draws on the bucket in `store`, or on a full one of its own.
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
        // What nobody can read is heard again.
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
            // It goes first: what was taken of it and not used is lost with this process, and costs nobody else
            // anything.
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

    fn lock(&self) -> MutexGuard<'_, Announced> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn buckets(&self) -> impl Iterator<Item = &GcraState> {
        self.limits
            .iter()
            .map(|(_, bucket)| bucket)
            .chain([&self.shared])
    }

    /// Waits for the next permit. Every attempt takes one, a row's first and its last alike.
    ///
    /// # Errors
    /// When the shared bucket cannot be kept: nothing may be sent without it.
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

    /// Takes one request from every bucket, or returns the time to wait for the next one that has none. Those
    /// that were `taken` from already are not asked again meanwhile.
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

    /// Has nobody wait for a permit for longer than this, or everybody as long as it takes.
    pub fn set_patience(&self, patience: Option<Duration>) {
        let mut kept = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = patience;
    }

    fn is_too_long(&self, wait: Duration) -> bool {
        let patience = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        patience.is_some_and(|patience| wait > patience)
    }

    /// Lets nobody who shares the quota make a request before `moment` and, where the bucket is
    /// `empty` because the API was asked too much, then one at a time. A moment earlier than the one
    /// that holds changes nothing. Returns whether it did.
    pub fn hold_until(&self, moment: UnixNanos, empty: bool) -> Result<bool, JournalError> {
        self.shared.hold_until(self.clock.at(moment), empty)
    }

    /// Lets this process make no request before `moment`.
    pub fn pause_until(&self, moment: UnixNanos) {
        let mut pause = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = Pause {
            until: pause.until.max(self.clock.at(moment)),
            set_at: self.clock.now(),
        };
    }

    /// The end of this process's pause, limited to its original length if the clock was set back.
    fn paused_until(&self, now: UnixNanos) -> UnixNanos {
        let mut pause = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if now < pause.set_at {
            pause.until = now.saturating_add(pause.until.saturating_sub(pause.set_at));
            pause.set_at = now;
        }
        pause.until
    }

    /// Waits for a time, or for a part of it: the caller asks the clock again, which may have been
    /// set meanwhile.
    async fn rest(&self, time: Duration) {
        const SLICE: Duration = Duration::from_secs(30);
        let time = time.clamp(Duration::from_nanos(1), SLICE);
        self.clock.sleep(time).await;
    }

    /// Takes note of what an answer to a request that left at `sent_at` says of the quota: the
    /// requests of a period, and how many are left, of which this can only lower what is believed.
    pub fn observe(&self, limit: Option<Rate>, remaining: Option<f64>, sent_at: UnixNanos) {
        if let Some(limit) = limit {
            self.observe_limit(limit);
        }
        if let Some(remaining) = remaining {
            self.shared.lower_to(remaining, self.clock.at(sent_at));
        }
    }

    fn observe_limit(&self, limit: Rate) {
        let mut announced = self.lock();
        let is_known = announced.limit == Some(limit);
        if (is_known && announced.is_heard) || !self.pace.is_sane(Some(limit)) {
            return;
        }
        announced.is_heard = true;
        // Those after this process believe it for a day from now on.
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

    /// Takes note of the API's own time, as an answer tells it.
    pub fn observe_date(&self, date: UnixNanos) {
        self.buckets().for_each(|bucket| bucket.observe_date(date));
    }

    /// The rate in force, and how many requests a full bucket lets through at once.
    pub fn quota(&self) -> (Rate, u32) {
        let (rate, burst) = self.pace.in_force(self.lock().limit);
        (rate, burst.get())
    }

    /// Requests that could be made at once now, as far as is known, and the time until the first
    /// can be made at all.
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
