use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, UnixNanos};
use crate::journal::{JournalError, QuotaStore};

/// Time that nobody can set, in which a quota is reckoned: a step of the wall clock neither fills a
/// bucket nor holds anyone up. All processes of a machine count in the same one.
#[derive(Debug, Clone)]
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    /// When the machine was started; none where there is no such clock, and then the wall clock is
    /// believed.
    began: Option<u64>,
}

impl Steady {
    /// The time that the processes which share `store` count in, or this one's own.
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

    /// The present moment.
    pub(super) fn now(&self) -> UnixNanos {
        match (self.began, self.clock.since_boot()) {
            (Some(began), Some((_, since))) => began.saturating_add(since),
            _ => self.clock.now(),
        }
    }

    /// The present moment by the wall clock.
    pub(super) fn wall(&self) -> UnixNanos {
        self.clock.now()
    }

    /// A moment of the wall clock's that lies near: as far from now as it does there.
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
