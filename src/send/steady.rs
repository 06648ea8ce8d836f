//! Steady time measures quotas independently of the wall clock.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, UnixNanos};
use crate::journal::{JournalError, QuotaStore};

/// The monotonic clock of the machine, with which quotas are measured. Setting the wall clock neither fills a
/// bucket nor delays requests. All processes of a machine use the same clock.
#[derive(Debug, Clone)]
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    /// The start of the machine, or `None` without a monotonic clock; the wall clock is used then.
    began: Option<u64>,
}

impl Steady {
    /// The clock shared by all processes that use `store`, or this process's own.
    pub(super) fn open(
        store: Option<&mut QuotaStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Steady, JournalError> {
        let began = match (clock.since_boot(), store) {
            (None, _) => None,
            (Some((_, since)), None) => Some(clock.now().saturating_sub(since)),
            (Some((boot, since)), Some(store)) => Some(store.began(&boot, since, clock.now())?),
        };
        Ok(Steady { clock, began })
    }

    /// Returns the current time.
    pub(super) fn now(&self) -> UnixNanos {
        match (self.began, self.clock.since_boot()) {
            (Some(began), Some((_, since))) => began.saturating_add(since),
            _ => self.clock.now(),
        }
    }

    /// Returns the current time of the wall clock.
    pub(super) fn wall(&self) -> UnixNanos {
        self.clock.now()
    }

    /// Converts a wall-clock time near the present, at the same distance from now.
    pub(super) fn at(&self, moment: UnixNanos) -> UnixNanos {
        let (wall, now) = (self.clock.now(), self.now());
        if moment >= wall {
            now.saturating_add(moment - wall)
        } else {
            now.saturating_sub(wall - moment)
        }
    }

    /// Waits for `time`.
    pub(super) async fn sleep(&self, time: Duration) {
        self.clock.sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Boot, Sleep};

    /// A clock whose wall time is set an hour after the machine was started.
    #[derive(Debug)]
    struct Set(std::sync::atomic::AtomicU64);

    impl Clock for Set {
        fn now(&self) -> UnixNanos {
            self.0.load(std::sync::atomic::Ordering::Relaxed)
        }

        fn sleep_until(&self, _: UnixNanos) -> Sleep<'_> {
            Box::pin(std::future::ready(()))
        }

        fn since_boot(&self) -> Option<(Boot, u64)> {
            Some(("a".into(), 3600))
        }
    }

    #[test]
    fn setting_the_wall_clock_does_not_change_waits() {
        let clock = Arc::new(Set(1_000_000.into()));
        let steady = Steady::open(None, clock.clone()).unwrap();
        assert_eq!(steady.now(), 1_000_000);
        clock
            .0
            .store(7_000_000, std::sync::atomic::Ordering::Relaxed);
        assert_eq!((steady.now(), steady.wall()), (1_000_000, 7_000_000));
        assert_eq!(steady.at(7_000_050), 1_000_050);
        assert_eq!(steady.at(7_000_000), 1_000_000);
        assert_eq!(steady.at(6_999_900), 999_900);
    }
}
