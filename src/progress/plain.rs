use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::words::{lines, rows_line};
use crate::clock::{Clock, UnixNanos};
use crate::events::{Observer, RunEvent};

/// Plain lines, a few a minute: for a log, or a terminal that cannot draw.
#[derive(Debug)]
pub struct PlainLines {
    clock: Arc<dyn Clock>,
    spoke: Mutex<UnixNanos>,
    detail: bool,
}

/// Nanoseconds between two lines about how far a run has come.
const EVERY: u64 = 10_000_000_000;

impl PlainLines {
    /// Lines on standard error. With `detail`, every retry is told too.
    pub fn new(clock: Arc<dyn Clock>, detail: bool) -> PlainLines {
        PlainLines {
            clock,
            spoke: Mutex::default(),
            detail,
        }
    }

    /// Whether so long has passed since the last line that another is due; then it counts as said.
    fn is_due(&self, at_once: bool) -> bool {
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let is_due = at_once || now.saturating_sub(*spoke) >= EVERY;
        if is_due {
            *spoke = now;
        }
        is_due
    }
}

/// Writes a line to standard error, and lives on if nobody reads it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Observer for PlainLines {
    fn on_event(&self, event: &RunEvent) {
        let now = self.clock.timestamp();
        match event {
            RunEvent::Progress(progress) => {
                if self.is_due(progress.done == progress.rows) {
                    say(&rows_line(progress, now));
                }
            }
            RunEvent::Retrying { .. } if !self.detail => {}
            _ => {
                if matches!(event, RunEvent::Started { .. }) {
                    self.is_due(true);
                }
                lines(event, now).iter().for_each(|line| say(line));
            }
        }
    }
}
