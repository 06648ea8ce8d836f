use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use thiserror::Error;

use crate::clock::{Clock, UnixNanos, nanos};
use crate::targets::RateUnit;

/// Requests a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many requests.
    pub requests: f64,
    /// In what time.
    pub per: RateUnit,
}

/// Why a rate cannot be understood.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("\"{0}\" is not a rate such as 1500/h; the unit is s, m, h or d, and the number above 0")]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError(text.to_owned());
        let (requests, unit) = text.split_once('/').ok_or_else(error)?;
        let requests: f64 = requests.trim().parse().map_err(|_| error())?;
        let per = match unit.trim() {
            "s" => RateUnit::Second,
            "m" => RateUnit::Minute,
            "h" => RateUnit::Hour,
            "d" => RateUnit::Day,
            _ => return Err(error()),
        };
        let rate = Rate { requests, per };
        // A request a year is the least that means anything, and one a nanosecond the most.
        let sane = requests > 0.0
            && requests.is_finite()
            && (Duration::from_nanos(1)..=Duration::from_secs(366 * 86_400))
                .contains(&rate.interval());
        if sane { Ok(rate) } else { Err(error()) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, self.per.letter())
    }
}

impl Rate {
    /// The time in which one request comes back.
    pub fn interval(&self) -> Duration {
        Duration::try_from_secs_f64(self.per.seconds() as f64 / self.requests)
            .unwrap_or(Duration::MAX)
    }

    /// Whether a bucket of `burst` that fills at this rate can be reckoned with: it is full again
    /// within a century, and gains a request no oftener than every nanosecond.
    pub fn is_sane_with(&self, burst: NonZeroU32) -> bool {
        const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
        let interval = self.interval();
        interval >= Duration::from_nanos(1)
            && interval
                .checked_mul(burst.get())
                .is_some_and(|full| full <= CENTURY)
    }

    /// The part of the rate that `share` leaves.
    pub fn part(&self, share: f64) -> Rate {
        Rate {
            requests: self.requests * share,
            per: self.per,
        }
    }
}

/// Hands out permits to make a request, one after another, in the order in which they were asked
/// for, at the quota's pace (governor's GCRA), and none before a moment that the API has set.
#[derive(Debug)]
pub struct Pacer {
    limiter: RateLimiter<NotKeyed, Arrival, LimiterClock, NoOpMiddleware<Duration>>,
    arrival: Arrival,
    /// Nanoseconds by which a full bucket runs ahead: its depth less one, in intervals.
    tolerance: u64,
    clock: Arc<dyn Clock>,
    not_before: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

impl Pacer {
    /// A pacer with a full bucket of `burst` requests that fills at `rate`.
    pub fn new(rate: Rate, burst: NonZeroU32, clock: Arc<dyn Clock>) -> Pacer {
        let interval = rate.interval().max(Duration::from_nanos(1));
        // An interval above zero is all that a quota asks for.
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_hour(NonZeroU32::MIN))
            .allow_burst(burst);
        let arrival = Arrival::default();
        let limiter_clock = LimiterClock::new(clock.clone());
        Pacer {
            limiter: RateLimiter::new(quota, arrival.clone(), limiter_clock),
            arrival,
            tolerance: nanos(interval).saturating_mul(u64::from(burst.get()) - 1),
            clock,
            not_before: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Waits for the next permit. Every attempt takes one, a row's first and its last alike.
    pub async fn permit(&self) {
        let _turn = self.turn.lock().await;
        loop {
            let now = self.clock.now();
            let not_before = self.not_before.load(Ordering::Relaxed);
            if now < not_before {
                self.clock.sleep_until(not_before).await;
                continue;
            }
            match self.limiter.check() {
                Ok(()) => return,
                Err(refused) => {
                    let wait = refused.wait_time_from(Duration::from_nanos(now));
                    self.clock.sleep(wait.max(Duration::from_nanos(1))).await;
                }
            }
        }
    }

    /// Lets nobody make a request before `moment`, and then one at a time, since the bucket that
    /// the API was asked too much of is empty. A moment earlier than the one that holds changes
    /// nothing. Returns whether it did.
    pub fn hold_until(&self, moment: UnixNanos) -> bool {
        self.arrival.raise(moment.saturating_add(self.tolerance));
        self.not_before.fetch_max(moment, Ordering::Relaxed) < moment
    }
}

/// The limiter's state: its theoretical arrival time, in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Default)]
struct Arrival(Arc<AtomicU64>);

impl Arrival {
    fn raise(&self, to: u64) {
        self.0.fetch_max(to, Ordering::Relaxed);
    }
}

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut known = self.0.load(Ordering::Relaxed);
        loop {
            let state = (known > 0).then(|| Nanos::from(known));
            let (granted, next) = decide(state)?;
            match self.0.compare_exchange_weak(
                known,
                next.as_u64(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(granted),
                Err(other) => known = other,
            }
        }
    }
}

/// The program's clock as governor reads it.
#[derive(Debug)]
struct LimiterClock {
    clock: Arc<dyn Clock>,
    started: AtomicBool,
}

impl LimiterClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        LimiterClock {
            clock,
            started: AtomicBool::new(false),
        }
    }
}

impl governor::clock::Clock for LimiterClock {
    type Instant = Duration;

    /// The limiter counts from its first reading, so that one is zero, and all its moments are
    /// moments since the Unix epoch.
    fn now(&self) -> Duration {
        if self.started.swap(true, Ordering::Relaxed) {
            Duration::from_nanos(self.clock.now())
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    fn moments(rate: &str, burst: u32, permits: usize) -> Vec<f64> {
        let clock = Arc::new(VirtualClock::starting_at(
            "2026-08-01T12:00:00Z".parse().unwrap(),
        ));
        let start = clock.now();
        let pacer = Pacer::new(
            rate.parse().unwrap(),
            NonZeroU32::new(burst).unwrap(),
            clock.clone(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut moments = Vec::new();
            for _ in 0..permits {
                pacer.permit().await;
                moments.push((clock.now() - start) as f64 / 1e9);
            }
            moments
        })
    }

    #[test]
    fn permits_come_at_the_quotas_pace_after_the_burst() {
        let all = moments("1500/h", 10, 110);
        assert!(all[..10].iter().all(|moment| *moment == 0.0));
        for (index, moment) in all[10..].iter().enumerate() {
            let expected = 2.4 * (index + 1) as f64;
            assert!((moment - expected).abs() < 1e-3, "{index}: {moment}");
        }
        // A rate that is no whole number of requests is kept exactly.
        let last = *moments("0.5/s", 1, 11).last().unwrap();
        assert!((last - 20.0).abs() < 1e-3, "{last}");
    }

    #[test]
    fn nobody_goes_before_a_moment_that_was_set() {
        let clock = Arc::new(VirtualClock::starting_at(
            "2026-08-01T12:00:00Z".parse().unwrap(),
        ));
        let pacer = Pacer::new(
            "100/s".parse().unwrap(),
            NonZeroU32::new(9).unwrap(),
            clock.clone(),
        );
        let later = clock.now() + 3_600_000_000_000;
        assert!(pacer.hold_until(later));
        assert!(!pacer.hold_until(later - 1));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(pacer.permit());
        assert_eq!(clock.now(), later);
        // One at a time, not a herd.
        runtime.block_on(pacer.permit());
        assert_eq!(clock.now(), later + 10_000_000);
    }

    #[test]
    fn rates() {
        assert_eq!(
            "1500/h".parse::<Rate>().unwrap().interval(),
            Duration::from_millis(2400)
        );
        assert_eq!(
            "0.5/s".parse::<Rate>().unwrap().interval(),
            Duration::from_secs(2)
        );
        assert_eq!(
            "1500/h".parse::<Rate>().unwrap().part(0.8).to_string(),
            "1200/h"
        );
        for bad in [
            "1500", "0/h", "-1/h", "1/w", "x/h", "inf/s", "NaN/s", "1e-9/d",
        ] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
