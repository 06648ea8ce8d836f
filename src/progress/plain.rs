//! Progress as plain lines, without a terminal.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::lock;
use super::words::{lines, rows_line};
use crate::clock::{Clock, UnixNanos};
use crate::events::{Observer, RunEvent};
use crate::model::visible;

/// An observer that writes plain lines: at the start, for each tenth of the rows or every ten minutes, and at
/// the end.
#[derive(Debug)]
pub struct PlainLines {
    clock: Arc<dyn Clock>,
    spoke: Mutex<Spoke>,
    detail: bool,
    prefix: fn() -> String,
}

/// When the last line was written, and the tenths completed by then.
#[derive(Debug, Default)]
struct Spoke {
    at: UnixNanos,
    tenths: u64,
}

/// The maximum time between two progress lines, in nanoseconds.
const EVERY: u64 = 600_000_000_000;

impl PlainLines {
    /// Creates the observer. Each line starts with `prefix`. `detail` reports every retry.
    pub fn new(clock: Arc<dyn Clock>, detail: bool, prefix: fn() -> String) -> PlainLines {
        PlainLines {
            clock,
            spoke: Mutex::default(),
            detail,
            prefix,
        }
    }

    /// Returns whether a line is due after `done` of `all`, and records it as written.
    fn is_due(&self, done: u64, all: u64) -> bool {
        let mut spoke = lock(&self.spoke);
        let now = self.clock.now();
        let tenths = (done * 10).checked_div(all).unwrap_or(10);
        let is_due = tenths > spoke.tenths || now.saturating_sub(spoke.at) >= EVERY;
        if is_due {
            *spoke = Spoke { at: now, tenths };
        }
        is_due
    }

    /// Writes a line to standard error. A closed reader does not fail the run.
    fn say(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{}{}", (self.prefix)(), visible(line));
    }

    /// Restarts the interval, as if a line had just been written after `done` of `all`.
    fn begin(&self, done: u64, all: u64) {
        let mut spoke = lock(&self.spoke);
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

    /// Advances the clock.
    fn pass(clock: &VirtualClock, seconds: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(clock.sleep(Duration::from_secs(seconds)));
    }

    #[test]
    fn a_line_is_due_for_each_tenth_and_after_ten_minutes() {
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
