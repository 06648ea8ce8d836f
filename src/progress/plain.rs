use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::words::{counts, lines};
use crate::clock::{Clock, UnixNanos};
use crate::events::{Observer, RunEvent};
use crate::model::StateCounts;
use crate::report::human_duration;

/// Plain lines, a few a minute: for a log, or a terminal that cannot draw.
#[derive(Debug)]
pub struct PlainLines {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    detail: bool,
}

#[derive(Debug, Default)]
struct State {
    rows: u64,
    to_send: u64,
    sent: u64,
    states: StateCounts,
    began: UnixNanos,
    spoke: UnixNanos,
}

/// Nanoseconds between two lines about how far a run has come.
const EVERY: u64 = 10_000_000_000;

impl PlainLines {
    /// Lines on standard error. With `detail`, every retry is told too.
    pub fn new(clock: Arc<dyn Clock>, detail: bool) -> PlainLines {
        PlainLines {
            clock,
            state: Mutex::default(),
            detail,
        }
    }

    fn row_done(&self, event: &RunEvent) {
        let RunEvent::RowDone {
            state: row_state,
            sent,
            ..
        } = event
        else {
            return;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.states.add(*row_state, 1);
        state.sent += u64::from(*sent);
        let now = self.clock.now();
        let done = state.states.total();
        if now.saturating_sub(state.spoke) < EVERY && done < state.rows {
            return;
        }
        state.spoke = now;
        let seconds = now.saturating_sub(state.began) as f64 / 1e9;
        let mut line = format!("{done} of {} rows: {}", state.rows, counts(&state.states));
        let to_go = state.to_send.saturating_sub(state.sent);
        if to_go > 0 && state.sent > 0 {
            let left = seconds / state.sent as f64 * to_go as f64;
            line.push_str(&format!("; {} left", human_duration(left)));
        }
        say(&line);
    }
}

/// Writes a line to standard error, and lives on if nobody reads it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Observer for PlainLines {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::RowDone { .. } => return self.row_done(event),
            RunEvent::Retrying { .. } if !self.detail => return,
            RunEvent::Started {
                rows,
                to_send,
                settled,
                ..
            } => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                let now = self.clock.now();
                *state = State {
                    rows: *rows,
                    to_send: *to_send,
                    states: *settled,
                    began: now,
                    spoke: now,
                    ..State::default()
                };
            }
            _ => {}
        }
        lines(event).iter().for_each(|line| say(line));
    }
}
