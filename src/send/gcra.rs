//! The generic cell rate algorithm (GCRA).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use super::rate::Rate;
use crate::clock::UnixNanos;

/// governor's GCRA as a function of the arrival time and the current time, so that processes can share the
/// arrival time.
#[derive(Debug)]
pub(super) struct Gcra {
    limiter: RateLimiter<NotKeyed, Arrival, Moment, NoOpMiddleware<Duration>>,
    arrival: Arrival,
    moment: Moment,
}

/// The lateness in nanoseconds at which a request is still counted from its due time. Every wait overshoots
/// by one or two milliseconds, which a fast rate would lose. The value is below a hundredth of a second, so
/// that no second has a hundredth more requests than the rate.
const LATENESS: u64 = 8_000_000;

impl Gcra {
    pub(super) fn new(rate: Rate, burst: std::num::NonZeroU32) -> Gcra {
        let interval = rate.interval().max(Duration::from_nanos(1));
        // A quota only requires a positive interval.
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_hour(std::num::NonZeroU32::MIN))
            .allow_burst(burst);
        let (arrival, moment) = (Arrival::default(), Moment::default());
        Gcra {
            limiter: RateLimiter::new(quota, arrival.clone(), moment.clone()),
            arrival,
            moment,
        }
    }

    /// Takes one request at `now` from the bucket with this arrival time; 0 is a full, unused bucket. Returns
    /// the new arrival time, or the time to wait.
    pub(super) fn take(&self, arrival: u64, now: UnixNanos) -> Result<u64, Duration> {
        let is_late = arrival < now && now - arrival <= LATENESS;
        let at = if is_late { arrival } else { now };
        self.arrival.0.store(arrival, Ordering::Relaxed);
        self.moment.0.store(at, Ordering::Relaxed);
        match self.limiter.check() {
            Ok(()) => Ok(self.arrival.0.load(Ordering::Relaxed)),
            Err(refused) => Err(refused.wait_time_from(Duration::from_nanos(now))),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Arrival(Arc<AtomicU64>);

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let known = self.0.load(Ordering::Relaxed);
        let (granted, next) = decide(Some(Nanos::from(known)))?;
        self.0.store(next.as_u64(), Ordering::Relaxed);
        Ok(granted)
    }
}

/// A clock that returns a given time. The limiter counts from its first reading, which is zero, so all its
/// times count from the Unix epoch.
#[derive(Debug, Clone, Default)]
struct Moment(Arc<AtomicU64>);

impl Clock for Moment {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::nanos;

    /// Simulates requests of a client that waits as long as required, plus `late` nanoseconds.
    fn made(rate: &str, late: u64, seconds: u64) -> Vec<u64> {
        let gcra = Gcra::new(rate.parse().unwrap(), std::num::NonZeroU32::MIN);
        let start = 1_000_000_000_000;
        let (mut now, mut arrival, mut made) = (start, 0, Vec::new());
        while now < start + seconds * 1_000_000_000 {
            match gcra.take(arrival, now) {
                Ok(next) => {
                    arrival = next;
                    made.push(now - start);
                }
                Err(wait) => now += nanos(wait) + late,
            }
        }
        made
    }

    #[test]
    fn lateness_is_compensated_within_a_hundredth_of_the_rate() {
        for (rate, a_second) in [("5/s", 5), ("50/s", 50), ("500/s", 500), ("5000/s", 5000)] {
            for late in [0, 1_100_000, 2_300_000] {
                let made = made(rate, late, 20);
                let mean = made.len() as f64 / 20.0 / a_second as f64;
                assert!((0.99..=1.011).contains(&mean), "{rate} {late}: {mean}");
                let most = (a_second / 100).max(2) + a_second;
                for (first, last) in made.iter().zip(&made[most..]) {
                    assert!(last - first >= 1_000_000_000, "{rate} {late}");
                }
            }
        }
    }

    #[test]
    fn requests_unused_long_ago_are_not_compensated() {
        let gcra = Gcra::new("500/s".parse().unwrap(), std::num::NonZeroU32::MIN);
        let arrival = gcra.take(0, 1_000_000_000).unwrap();
        let now = 2_000_000_000;
        let arrival = gcra.take(arrival, now).unwrap();
        assert_eq!(gcra.take(arrival, now), Err(Duration::from_millis(2)));
    }

    #[test]
    fn a_slightly_late_request_counts_from_its_due_time() {
        let gcra = Gcra::new("1/s".parse().unwrap(), std::num::NonZeroU32::MIN);
        let second = 1_000_000_000;
        let arrival = 10 * second;
        for (late, counted) in [
            (1, 0),
            (LATENESS, 0),
            (LATENESS + 1, LATENESS + 1),
            (second, second),
        ] {
            let next = gcra.take(arrival, arrival + late).unwrap();
            assert_eq!(next, arrival + counted + second, "{late}");
        }
    }
}
