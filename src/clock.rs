//! The one clock. Every room that asks for the time or waits is handed one, so that a test can
//! own time: see [`VirtualClock`].

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

/// Nanoseconds since the Unix epoch.
pub type UnixNanos = u64;

/// The name of one start of a machine: none is like any other.
pub type Boot = Arc<str>;

/// A future that ends when a moment has come.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What tells the time and waits.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment, in nanoseconds since the Unix epoch. A wall clock: it may step.
    fn now(&self) -> UnixNanos;

    /// Waits until `deadline`. Returns at once if it has passed.
    fn sleep_until(&self, deadline: UnixNanos) -> Sleep<'_>;

    /// The time since this machine was started, sleep included, and the name of that start: time that
    /// nobody can set. None where there is no such clock, and then [`Clock::now`] is believed.
    fn since_boot(&self) -> Option<(Boot, u64)> {
        None
    }

    /// The present moment as a timestamp, to the millisecond: what records and people need.
    fn timestamp(&self) -> Timestamp {
        i64::try_from(self.now() / 1_000_000)
            .ok()
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Waits for `time`.
    fn sleep(&self, time: Duration) -> Sleep<'_> {
        self.sleep_until(self.now().saturating_add(nanos(time)))
    }
}

/// A duration in whole nanoseconds, at most `u64::MAX` of them.
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

    /// A time is a time, whatever the clock is set to meanwhile.
    fn sleep(&self, time: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(time))
    }

    fn sleep_until(&self, deadline: UnixNanos) -> Sleep<'_> {
        Box::pin(async move {
            // In slices, because the wall clock may be set, and because a laptop may sleep: the
            // monotonic timer underneath stands still meanwhile.
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

/// A clock that stands still until everyone who shares it waits, and then jumps to the earliest
/// moment that anyone waits for. A run of hours takes seconds, and its times are exact.
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
    /// A clock that stands at `start`.
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
        // Everyone else who can continue continues first; only then does time move, and only to the
        // earliest deadline.
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
