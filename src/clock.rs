//! The clock through which the program reads the time and waits. It is passed in, so that tests can control
//! time with [`VirtualClock`].

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

/// Nanoseconds since the Unix epoch.
pub type UnixNanos = u64;

/// Identifies one boot of the machine.
pub type Boot = Arc<str>;

/// A future that completes at its deadline.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of time, and a way to wait.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current time in nanoseconds since the Unix epoch. This is a wall clock and may be set back.
    fn now(&self) -> UnixNanos;

    /// Waits until `deadline`. Returns at once if it has passed.
    fn sleep_until(&self, deadline: UnixNanos) -> Sleep<'_>;

    /// The boot id and the nanoseconds since that boot, suspended time included. Users cannot set this clock.
    /// Returns `None` if the system has no such clock; the caller then uses [`Clock::now`].
    fn since_boot(&self) -> Option<(Boot, u64)> {
        None
    }

    /// The current time as a timestamp with millisecond precision.
    fn timestamp(&self) -> Timestamp {
        i64::try_from(self.now() / 1_000_000)
            .ok()
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Waits for the duration `time`.
    fn sleep(&self, time: Duration) -> Sleep<'_> {
        self.sleep_until(self.now().saturating_add(nanos(time)))
    }
}

/// Converts a duration to whole nanoseconds, saturating at `u64::MAX`.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg(target_os = "linux")]
    fn since_boot(&self) -> Option<(Boot, u64)> {
        static BOOT: std::sync::OnceLock<Option<Boot>> = std::sync::OnceLock::new();
        let read = || {
            let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
            Some(Boot::from(id.trim()))
        };
        let boot = BOOT.get_or_init(read).clone()?;
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).ok()?;
        let part = u64::try_from(time.tv_nsec).ok()?;
        Some((boot, seconds.checked_mul(1_000_000_000)?.checked_add(part)?))
    }

    fn now(&self) -> UnixNanos {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map(nanos)
            .unwrap_or(0)
    }

    /// The monotonic timer is used, so that setting the wall clock does not change the wait.
    fn sleep(&self, time: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(time))
    }

    fn sleep_until(&self, deadline: UnixNanos) -> Sleep<'_> {
        Box::pin(async move {
            // The monotonic timer stops while a laptop is suspended, and the wall clock may be set. Short
            // sleeps bound the error.
            const SLICE: u64 = 30_000_000_000;
            loop {
                let now = self.now();
                if now >= deadline {
                    return;
                }
                tokio::time::sleep(Duration::from_nanos((deadline - now).min(SLICE))).await;
            }
        })
    }
}

/// A clock that stands still until all its users wait, and then jumps to the earliest deadline. A run of
/// hours takes seconds in a test, and its timestamps are exact.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    state: Arc<Mutex<VirtualState>>,
}

#[derive(Debug)]
struct VirtualState {
    now: UnixNanos,
    sleepers: BTreeSet<(UnixNanos, u64)>,
    wakers: Vec<Waker>,
    next_id: u64,
}

impl VirtualClock {
    /// Creates a clock that is set to `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        let now = u64::try_from(start.as_nanosecond()).unwrap_or(0);
        VirtualClock {
            state: Arc::new(Mutex::new(VirtualState {
                now,
                sleepers: BTreeSet::new(),
                wakers: Vec::new(),
                next_id: 0,
            })),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VirtualState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixNanos {
        self.lock().now
    }

    fn sleep_until(&self, deadline: UnixNanos) -> Sleep<'_> {
        let id = {
            let mut state = self.lock();
            state.next_id += 1;
            let id = state.next_id;
            state.sleepers.insert((deadline, id));
            id
        };
        Box::pin(VirtualSleep {
            clock: self,
            deadline,
            id,
            yields: 0,
        })
    }
}

struct VirtualSleep<'a> {
    clock: &'a VirtualClock,
    deadline: UnixNanos,
    id: u64,
    yields: u32,
}

impl Future for VirtualSleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.now >= self.deadline {
            return Poll::Ready(());
        }
        // Time advances only after every other ready task has run, and only to the earliest deadline.
        const YIELDS: u32 = 4;
        if state.sleepers.first() == Some(&(self.deadline, self.id)) {
            if self.yields >= YIELDS {
                state.now = self.deadline;
                for waker in state.wakers.drain(..) {
                    waker.wake();
                }
                return Poll::Ready(());
            }
            drop(state);
            self.yields += 1;
            context.waker().wake_by_ref();
        } else {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for VirtualSleep<'_> {
    fn drop(&mut self) {
        let mut state = self.clock.lock();
        state.sleepers.remove(&(self.deadline, self.id));
        for waker in state.wakers.drain(..) {
            waker.wake();
        }
    }
}
