use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, bucket_of};
use super::gcra::Gcra;
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
    inner: Mutex<Inner>,
    arrival: GcraState,
    clock: Steady,
    /// A pause of this process alone.
    paused: Mutex<Pause>,
    turn: tokio::sync::Mutex<()>,
    /// How long anybody waits for a permit at most; none where it takes as long as it takes.
    patience: Mutex<Option<Duration>>,
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

#[derive(Debug)]
struct Inner {
    /// Of the bucket that all processes share.
    gcra: Gcra,
    /// The burst that was asked of this process, where it is less than the shared bucket holds.
    own: Option<OwnBurst>,
    announced: Option<Rate>,
    /// Whether this process has heard it itself.
    has_heard: bool,
}

/// A bucket of this process alone.
#[derive(Debug)]
struct OwnBurst {
    gcra: Gcra,
    bucket: Bucket,
    arrival: UnixNanos,
}

impl OwnBurst {
    /// The bucket of a pace, where it is smaller than the shared one, whose arrival time is `arrival`.
    fn of(
        pace: &Pace,
        announced: Option<Rate>,
        (arrival, now): (UnixNanos, UnixNanos),
    ) -> Option<OwnBurst> {
        let (_, depth) = pace.shared(announced);
        let (rate, burst) = pace.in_force(announced);
        let mut own = OwnBurst {
            gcra: Gcra::new(rate, burst),
            bucket: bucket_of(rate, burst.get()),
            arrival,
        };
        own.arrival = own.sane(now);
        (burst < depth).then_some(own)
    }

    /// The arrival time, but no later than that of an empty bucket: the shared one is deeper, and a clock may
    /// be set back.
    fn sane(&self, now: UnixNanos) -> UnixNanos {
        let full = self.bucket.tolerance().saturating_add(self.bucket.interval);
        self.arrival.min(now.saturating_add(full))
    }
}

impl Inner {
    /// Takes one request from this process's own bucket and the shared one, or from neither.
    fn take(&mut self, shared: &GcraState, now: UnixNanos) -> Result<(), Duration> {
        let next = match &mut self.own {
            None => None,
            Some(own) => {
                own.arrival = own.sane(now);
                Some(own.gcra.take(own.arrival, now)?)
            }
        };
        shared.take(&self.gcra)?;
        if let (Some(own), Some(next)) = (&mut self.own, next) {
            own.arrival = next;
        }
        Ok(())
    }
}

impl Pacer {
    /// A pacer that draws on the bucket in `store`, or on a full one of its own.
    ///
    /// # Errors
    /// When the store cannot be read.
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
        let announced: Option<Rate> = noted.and_then(|json| serde_json::from_str(&json).ok());
        let announced = announced.filter(|limit| {
            let (rate, depth) = pace.shared(Some(*limit));
            rate.is_sane_with(depth)
        });
        let (rate, depth) = pace.shared(announced);
        let arrival = GcraState::open(store, clock.clone(), bucket_of(rate, depth.get()))?;
        let own = OwnBurst::of(&pace, announced, (arrival.known(), clock.now()));
        Ok(Pacer {
            inner: Mutex::new(Inner {
                gcra: Gcra::new(rate, depth),
                own,
                announced,
                has_heard: false,
            }),
            pace,
            arrival,
            clock,
            paused: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            patience: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next permit. Every attempt takes one, a row's first and its last alike.
    ///
    /// # Errors
    /// When the shared bucket cannot be kept: nothing may be sent without it.
    pub async fn permit(&self) -> Result<Permit, JournalError> {
        let _turn = self.turn.lock().await;
        loop {
            let now = self.clock.now();
            let not_before = self.arrival.not_before().max(self.paused_until(now));
            if now < not_before {
                let wait = Duration::from_nanos(not_before - now);
                if self.is_too_long(wait) {
                    return Ok(Permit::Later(wait));
                }
                self.rest(wait).await;
                continue;
            }
            let taken = self.lock().take(&self.arrival, now);
            if let Some(error) = self.arrival.take_error() {
                return Err(error);
            }
            match taken {
                Ok(()) => return Ok(Permit::Granted),
                Err(wait) if self.is_too_long(wait) => return Ok(Permit::Later(wait)),
                Err(wait) => self.rest(wait).await,
            }
        }
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
    ///
    /// # Errors
    /// When the shared bucket cannot be kept.
    pub fn hold_until(&self, moment: UnixNanos, empty: bool) -> Result<bool, JournalError> {
        self.arrival.hold_until(self.clock.at(moment), empty)
    }

    /// Lets this process make no request before `moment`.
    pub fn pause_until(&self, moment: UnixNanos) {
        let mut pause = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = Pause {
            until: pause.until.max(self.clock.at(moment)),
            set_at: self.clock.now(),
        };
    }

    /// The moment until which this process pauses: no longer than was meant, if the clock was set
    /// back since.
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
            self.arrival.lower_to(remaining, self.clock.at(sent_at));
        }
    }

    fn observe_limit(&self, limit: Rate) {
        let mut inner = self.lock();
        let (rate, depth) = self.pace.shared(Some(limit));
        let is_known = inner.announced == Some(limit);
        if (is_known && inner.has_heard) || !rate.is_sane_with(depth) {
            return;
        }
        inner.has_heard = true;
        // Those after this process believe it for a day from now on.
        if let Ok(json) = serde_json::to_string(&limit) {
            self.arrival.announce(&json);
        }
        if is_known {
            return;
        }
        inner.announced = Some(limit);
        self.arrival.set_bucket(bucket_of(rate, depth.get()));
        inner.gcra = Gcra::new(rate, depth);
        let now = self.clock.now();
        let arrival = match &inner.own {
            // As many requests ahead as before, at the new pace.
            Some(own) => {
                let ahead = own.sane(now).saturating_sub(now) as f64 / own.bucket.interval as f64;
                let interval = bucket_of(rate, 1).interval as f64;
                now.saturating_add((ahead * interval) as u64)
            }
            None => self.arrival.known(),
        };
        inner.own = OwnBurst::of(&self.pace, Some(limit), (arrival, now));
    }

    /// Takes note of the API's own time, as an answer tells it.
    pub fn observe_date(&self, date: UnixNanos) {
        self.arrival.observe_date(date);
    }

    /// The rate in force, and how many requests a full bucket lets through at once.
    pub fn quota(&self) -> (Rate, u32) {
        let (rate, burst) = self.pace.in_force(self.lock().announced);
        (rate, burst.get())
    }

    /// Requests that could be made at once now, as far as is known, and the time until the first
    /// can be made at all.
    pub fn level(&self) -> (f64, Duration) {
        let now = self.clock.now();
        let wait = self.arrival.not_before().saturating_sub(now);
        let shared = self.arrival.level(now);
        let level = self.lock().own.as_ref().map_or(shared, |own| {
            own.bucket.level(own.sane(now), now).min(shared)
        });
        (level, Duration::from_nanos(wait))
    }
}

#[cfg(test)]
mod tests;
