//! Plain lines report progress without a terminal.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::words::{lines, rows_line};
use crate::clock::{Clock, UnixNanos};
use crate::events::{Observer, RunEvent};
use crate::model::visible;

/// Plain lines: one at the beginning, one at most each tenth of the way and each ten minutes, and one
/// at the end. For a log, or a terminal that cannot draw.
#[derive(Debug)]
pub struct PlainLines {
    clock: Arc<dyn Clock>,
    spoke: Mutex<Spoke>,
    detail: bool,
    /// What each line begins with.
    prefix: fn() -> String,
}

/// When a line was written last, and how many tenths of the way had been gone by then.
#[derive(Debug, Default)]
struct Spoke {
    at: UnixNanos,
    tenths: u64,
}

/// Nanoseconds between two lines about how far a run has come, where it comes slowly.
const EVERY: u64 = 600_000_000_000;

impl PlainLines {
    /// Lines on standard error, each after `prefix`. With `detail`, every retry is reported too.
    pub fn new(clock: Arc<dyn Clock>, detail: bool, prefix: fn() -> String) -> PlainLines {
        PlainLines {
            clock,
            spoke: Mutex::default(),
            detail,
            prefix,
        }
    }

    /// Whether a line is due after `done` of `all`; then it counts as said.
    fn is_due(&self, done: u64, all: u64) -> bool {
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let tenths = (done * 10).checked_div(all).unwrap_or(10);
        let is_due = tenths > spoke.tenths || now.saturating_sub(spoke.at) >= EVERY;
        if is_due {
            *spoke = Spoke { at: now, tenths };
        }
        is_due
    }

    /// Writes a line to standard error, and lives on if nobody reads it.
    fn say(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{}{}", (self.prefix)(), visible(line));
    }

    /// Begins to count again, as if a line had just been written after `done` of `all`.
    fn begin(&self, done: u64, all: u64) {
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        *spoke = Spoke {
            at: self.clock.now(),
            tenths: (done * 10).checked_div(all).unwrap_or(10),
        };
    }
}

impl Observer for PlainLines {
    fn on_event(&self, event: &RunEvent) {
        let now = self.clock.timestamp();
        match event {
            RunEvent::Progress(progress) => {
                if self.is_due(progress.sent, progress.to_send) {
                    self.say(&rows_line(progress, now));
                }
            }
            RunEvent::LookedUp { done, of } if !self.is_due(*done, *of) => {}
            RunEvent::Retrying { .. } if !self.detail => {}
            _ => {
                match event {
                    RunEvent::Reading { .. } => self.begin(0, 1),
                    RunEvent::Started { progress, .. } => {
                        self.begin(progress.sent, progress.to_send);
                    }
                    _ => {}
                }
                lines(event, now).iter().for_each(|line| self.say(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::VirtualClock;

    /// Lets so many seconds pass.
    fn pass(clock: &VirtualClock, seconds: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(clock.sleep(Duration::from_secs(seconds)));
    }

    #[test]
    fn a_line_is_due_at_most_each_tenth_and_each_ten_minutes() {
        let start = "2026-08-20T18:00:00Z".parse().unwrap();
        let clock = Arc::new(VirtualClock::starting_at(start));
        let plain = PlainLines::new(clock.clone(), false, String::new);
        plain.begin(0, 1_000);
        let due = (1..=1_000)
            .filter(|done| plain.is_due(*done, 1_000))
            .count();
        assert_eq!(due, 10);

        plain.begin(0, 1_000_000);
        pass(&clock, 599);
        assert!(!plain.is_due(1, 1_000_000));
        pass(&clock, 1);
        assert!(plain.is_due(2, 1_000_000));
        assert!(!plain.is_due(3, 1_000_000));
    }
}
