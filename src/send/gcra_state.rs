//! The state of the rate limiter, which processes share.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, bucket_of};
use super::gcra::Gcra;
use super::rate::Rate;
use super::steady::Steady;
use crate::clock::UnixNanos;
use crate::journal::{JournalError, QuotaStore, SharedQuota};

/// The state of the limiter: its theoretical arrival time, in nanoseconds since the Unix epoch, shared by all
/// processes of one account.
///
/// A process leases requests from the shared bucket for up to a tenth of a second, so that a fast run does
/// not write for each request. A process that ends returns unused requests; those of a killed process are
/// lost.
#[derive(Debug, Clone)]
pub(super) struct GcraState(Arc<Mutex<Kept>>);

/// The state and its store, or `None` for a bucket of this process only.
#[derive(Debug)]
struct Kept {
    state: State,
    gcra: Gcra,
    store: Option<QuotaStore>,
}

#[derive(Debug)]
struct State {
    /// The arrival time up to which this process has granted requests.
    known: u64,
    /// The arrival time up to which this process may grant without the store.
    leased: u64,
    not_before: UnixNanos,
    held_at: UnixNanos,
    bucket: Bucket,
    clock: Steady,
    /// Time since the last write of the bucket that only the wall clock shows. It counts as far as the API's
    /// clock confirms it.
    unproven: u64,
    /// The API's clock in the last response, and the time of that response.
    heard: Option<(UnixNanos, UnixNanos)>,
    error: Option<JournalError>,
}

/// The maximum lease, in nanoseconds.
const LEASE: u64 = 100_000_000;

/// The maximum hold, in nanoseconds: a day.
const LONGEST_HOLD: u64 = 86_400_000_000_000;

/// The maximum integer in SQLite.
const MOST: u64 = i64::MAX as u64;

impl State {
    /// Keeps an error of the store for the next permit.
    fn note(&mut self, written: Result<(), JournalError>) {
        if let Err(error) = written {
            self.error = Some(error);
        }
    }

    /// Returns the length of a lease: whole requests.
    fn lease(&self) -> u64 {
        LEASE / self.bucket.interval * self.bucket.interval
    }

    /// Returns the hold if it is plausible. A clock that was set back must not extend it.
    fn sane_hold(&self, shared: SharedQuota, now: UnixNanos) -> UnixNanos {
        let asked = shared.not_before.saturating_sub(shared.held_at);
        let until = if now < shared.held_at {
            now.saturating_add(asked)
        } else {
            shared.not_before
        };
        until.min(now.saturating_add(LONGEST_HOLD))
    }

    /// Limits an arrival time to the depth of this bucket. A later one was written before the clock was set
    /// back.
    fn sane(&self, arrival: u64, now: UnixNanos) -> u64 {
        let full = self
            .bucket
            .tolerance()
            .saturating_add(self.bucket.interval.saturating_mul(2))
            .saturating_add(self.lease());
        arrival
            .min(now.max(self.not_before).saturating_add(full))
            .min(MOST)
    }

    /// Applies the changes of other processes.
    fn learn(&mut self, shared: SharedQuota, now: UnixNanos) {
        if shared.api_date > 0 && self.heard.is_none_or(|(_, at)| shared.dated_at > at) {
            self.heard = Some((shared.api_date, shared.dated_at));
        }
        self.not_before = self.not_before.max(self.sane_hold(shared, now));
        self.held_at = self.held_at.max(shared.held_at.min(now));
        if shared.arrival != self.leased {
            self.known = self.known.max(self.in_own_intervals(shared, now));
        }
        self.known = self.sane(self.known, now);
    }

    /// Converts a shared arrival time that was computed at another rate: as many requests ahead as when it
    /// was written, and at most the depth of this bucket. Computed from now, it would stay equally far ahead
    /// forever.
    fn in_own_intervals(&self, shared: SharedQuota, now: UnixNanos) -> u64 {
        let own = self.bucket.interval;
        if shared.interval == 0 || shared.interval == own || shared.arrival <= now {
            return shared.arrival;
        }
        let written = match shared.steady {
            0 => now,
            steady => steady.min(now),
        };
        let used = (shared.arrival - written) as f64 / shared.interval as f64;
        let used = used.min(self.bucket.depth as f64);
        written.saturating_add((used * own as f64) as u64)
    }

    /// Returns the replacement for a shared state that became implausible when the clock was set back.
    fn fixed(&self, shared: SharedQuota) -> Option<SharedQuota> {
        let same_rate = shared.interval == self.bucket.interval;
        (same_rate && self.known < shared.arrival).then(|| self.shared(self.known))
    }

    fn shared(&self, arrival: u64) -> SharedQuota {
        SharedQuota {
            arrival: arrival.min(MOST),
            interval: self.bucket.interval,
            not_before: self.not_before.min(MOST),
            held_at: self.held_at,
            steady: self.clock.now().min(MOST),
            wall: self.clock.wall().min(MOST),
            api_date: self.heard.map_or(0, |(date, _)| date.min(MOST)),
            dated_at: self.heard.map_or(0, |(_, at)| at.min(MOST)),
        }
    }
}

impl Kept {
    /// Raises the arrival time for all processes.
    fn raise(&mut self, to: u64) -> Result<(), JournalError> {
        let Kept { state, store, .. } = self;
        let now = state.clock.now();
        let Some(store) = store else {
            state.known = state.known.max(to).min(MOST);
            return Ok(());
        };
        let raised = store.update(|shared| {
            state.learn(shared, now);
            state.known = state.known.max(to).min(MOST);
            (Some(state.shared(state.known)), ())
        });
        state.leased = state.known;
        raised
    }
}

impl GcraState {
    pub(super) fn open(
        store: Option<QuotaStore>,
        clock: Steady,
        (rate, depth): (Rate, NonZeroU32),
    ) -> Result<GcraState, JournalError> {
        let now = clock.now();
        let mut state = State {
            known: 0,
            leased: 0,
            not_before: 0,
            held_at: 0,
            bucket: bucket_of(rate, depth.get()),
            clock,
            unproven: 0,
            heard: None,
            error: None,
        };
        let mut store = store;
        if let Some(store) = &mut store {
            store.update(|shared| {
                state.learn(shared, now);
                if shared.wall > 0 {
                    let by_wall = state.clock.wall().saturating_sub(shared.wall);
                    let steady = now.saturating_sub(shared.steady);
                    state.unproven = by_wall.saturating_sub(steady);
                }
                (state.fixed(shared), ())
            })?;
        }
        let gcra = Gcra::new(rate, depth);
        let kept = Kept { state, gcra, store };
        Ok(GcraState(Arc::new(Mutex::new(kept))))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_error(&self) -> Option<JournalError> {
        self.lock().state.error.take()
    }

    /// Returns the time before which no process sends.
    pub(super) fn not_before(&self) -> UnixNanos {
        let mut kept = self.lock();
        let state = &mut kept.state;
        let now = state.clock.now();
        let hold = SharedQuota {
            not_before: state.not_before,
            held_at: state.held_at,
            ..SharedQuota::default()
        };
        state.not_before = state.sane_hold(hold, now);
        state.held_at = state.held_at.min(now);
        state.not_before
    }

    pub(super) fn hold_until(&self, moment: UnixNanos, empty: bool) -> Result<bool, JournalError> {
        let mut kept = self.lock();
        let state = &mut kept.state;
        let later = state.not_before < moment;
        let now = state.clock.now();
        state.not_before = state.not_before.max(moment).min(MOST);
        state.held_at = now;
        let to = if empty {
            moment.saturating_add(state.bucket.tolerance())
        } else {
            0
        };
        kept.raise(to)?;
        Ok(later)
    }

    /// Lowers the bucket to `remaining` requests at `moment`. The API rounds down, so a difference below one
    /// request is no contradiction.
    pub(super) fn lower_to(&self, remaining: f64, moment: UnixNanos) {
        let mut kept = self.lock();
        let state = &mut kept.state;
        if !(remaining >= 0.0 && remaining < state.bucket.depth as f64) {
            return;
        }
        let used = state.bucket.depth - remaining as u64;
        let interval = state.bucket.interval;
        let to = moment.saturating_add(used.saturating_mul(interval));
        if state.known.saturating_add(interval) < to {
            let raised = kept.raise(to);
            kept.state.note(raised);
        }
    }

    /// Switches to another bucket, with as many requests used as in the previous one.
    pub(super) fn set_bucket(&self, (rate, depth): (Rate, NonZeroU32)) {
        let mut kept = self.lock();
        let Kept { state, gcra, store } = &mut *kept;
        *gcra = Gcra::new(rate, depth);
        let bucket = bucket_of(rate, depth.get());
        let now = state.clock.now();
        let from = now.max(state.not_before);
        let used = state.known.saturating_sub(from) as f64 / state.bucket.interval as f64;
        let ahead = (used * bucket.interval as f64) as u64;
        state.known = state.known.min(from).saturating_add(ahead);
        state.bucket = bucket;
        let known = state.known;
        let Some(store) = store else {
            return;
        };
        // The lease at the old rate is returned.
        let (mut shared, leased) = (state.shared(known), state.leased);
        let written = store.update(|others| {
            if others.arrival != leased {
                shared.arrival = shared.arrival.max(state.in_own_intervals(others, now));
            }
            (Some(shared), ())
        });
        state.note(written);
        state.leased = known;
    }

    /// Stores the API's limit for later users of the bucket.
    pub(super) fn announce(&self, limit: &str) {
        let mut kept = self.lock();
        let Kept { state, store, .. } = &mut *kept;
        if let Some(store) = store {
            state.note(store.announce(limit));
        }
    }

    /// Updates the API's clock. Time that only the wall clock shows counts as far as the API's clock has
    /// advanced.
    pub(super) fn observe_date(&self, date: UnixNanos) {
        let mut kept = self.lock();
        let Kept { state, store, .. } = &mut *kept;
        let now = state.clock.now();
        let before = state.heard.replace((date, now));
        let unproven = std::mem::take(&mut state.unproven);
        let Some((then, at)) = before else {
            return;
        };
        let by_api = date.saturating_sub(then);
        let believed = unproven.min(by_api.saturating_sub(now.saturating_sub(at)));
        if believed == 0 {
            return;
        }
        state.known = state.known.saturating_sub(believed);
        state.not_before = state.not_before.saturating_sub(believed);
        let mut exact = state.shared(state.known);
        let Some(store) = store else {
            return;
        };
        let written = store.update(|shared| {
            exact.arrival = shared.arrival.saturating_sub(believed);
            exact.not_before = shared.not_before.saturating_sub(believed);
            (Some(exact), ())
        });
        state.note(written);
        state.leased = state.known;
    }

    /// Returns the number of requests in the bucket at `now`.
    pub(super) fn level(&self, now: UnixNanos) -> f64 {
        let kept = self.lock();
        kept.state.bucket.level(kept.state.known, now)
    }

    /// Takes as much from this bucket as `other` lacks. `other` refills at the same rate and is at least as
    /// large.
    pub(super) fn begin_like(&self, other: &GcraState) {
        let known = other.lock().state.known;
        let state = &mut self.lock().state;
        let empty = state.bucket.interval.saturating_mul(state.bucket.depth);
        state.known = known.min(state.clock.now().saturating_add(empty));
    }

    /// Takes one request, or returns the time until one is available.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let mut kept = self.lock();
        let Kept { state, gcra, store } = &mut *kept;
        let now = state.clock.now();
        state.known = state.sane(state.known, now);
        if state.sane(state.leased, now) < state.leased {
            // The lease dates from before the clock was set back, so its value is unknown.
            state.leased = 0;
        }
        let next = gcra.take(state.known, now)?;
        let Some(store) = store.as_mut().filter(|_| next > state.leased) else {
            state.known = next;
            return Ok(());
        };
        let lease = state.lease();
        let asked = store.update(|shared| {
            state.learn(shared, now);
            if now < state.not_before {
                // Another process received a hold.
                let later = state.not_before.saturating_add(state.bucket.tolerance());
                if let Err(wait) = gcra.take(later, now) {
                    return (state.fixed(shared), Err(wait));
                }
            }
            match gcra.take(state.known, now) {
                Err(wait) => (state.fixed(shared), Err(wait)),
                Ok(next) => {
                    state.known = next;
                    let leased = state.known.saturating_add(lease);
                    (Some(state.shared(leased)), Ok(leased))
                }
            }
        });
        match asked {
            Ok(leased) => {
                state.leased = leased?.min(MOST);
                Ok(())
            }
            Err(error) => {
                // The caller checks the error before the permit.
                state.error = Some(error);
                Ok(())
            }
        }
    }
}

impl Drop for Kept {
    /// Returns unused requests to the bucket, unless another process took some in the meantime.
    fn drop(&mut self) {
        let Kept { state, store, .. } = self;
        let Some(store) = store else {
            return;
        };
        let exact = state.shared(state.known);
        let leased = state.leased;
        // The run has ended, and a slightly low bucket is harmless.
        let _ = store.update(|shared| {
            let ours = shared.arrival == leased && exact.arrival < leased;
            let given_back = SharedQuota {
                arrival: exact.arrival,
                ..shared
            };
            (ours.then_some(given_back), ())
        });
    }
}

#[cfg(test)]
mod tests;
