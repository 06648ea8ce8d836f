//! The tracker forwards events with progress and an estimate.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::check::Survey;
use crate::clock::{Clock, UnixNanos};
use crate::events::{Observer, Plan, Progress, RunEvent, WaitingFor};
use crate::model::StateCounts;
use crate::plan::Road;
use crate::send::{Pacer, Rate, Stats};

/// Observes a run for another observer, and adds progress and an estimate, which is computed as in the plan.
pub(super) struct Tracker<'a> {
    observer: &'a dyn Observer,
    clock: &'a dyn Clock,
    pacer: &'a Pacer,
    stats: &'a Stats,
    survey: &'a Survey,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rows: u64,
    to_send: u64,
    sent: u64,
    states: StateCounts,
    is_undo: bool,
    /// The time and requests when this process started to send, and the rows that it sent since.
    began: Mark,
    sent_here: u64,
    reported_at: UnixNanos,
    /// Recent request counts with their times.
    marks: VecDeque<Mark>,
    is_sending: bool,
    /// The rate when the run was planned or stopped: this process may not have received it from the API yet.
    known: Option<Rate>,
    /// The rate, if it is estimated.
    guess: Option<Rate>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    at: UnixNanos,
    requests: u64,
}

/// Nanoseconds between two progress events.
const EVERY: u64 = 1_000_000_000;

/// The number of recent counts, and the requests between the first and the last of them that make a pace reliable.
const MARKS: usize = 64;
const ENOUGH: u64 = 20;

impl<'a> Tracker<'a> {
    pub(super) fn new(
        observer: &'a dyn Observer,
        clock: &'a dyn Clock,
        pacer: &'a Pacer,
        stats: &'a Stats,
        survey: &'a Survey,
    ) -> Tracker<'a> {
        Tracker {
            observer,
            clock,
            pacer,
            stats,
            survey,
            state: Mutex::default(),
        }
    }

    /// Reports the start of sending, or of an undo if `is_undo`, with the rows that are already in a final state.
    pub(super) fn start(&self, run: &str, plan: &Plan, states: StateCounts, is_undo: bool) {
        let rows = self.survey.rows;
        let sent = states.total().saturating_sub(plan.settled.total());
        let now = self.clock.now();
        let progress = {
            let mut state = self.lock();
            *state = State {
                rows,
                to_send: plan.to_send,
                sent,
                states,
                is_undo,
                began: self.mark(now),
                reported_at: now,
                is_sending: true,
                known: plan.rate.parse().ok(),
                guess: plan.rate.parse().ok().filter(|_| plan.rate_is_guess),
                ..State::default()
            };
            self.progress(&mut state, now)
        };
        self.observer.on_event(&RunEvent::Started {
            run: run.to_owned(),
            progress: Box::new(progress),
        });
    }

    /// The quota and bucket for an estimate, with the seconds that a request takes.
    pub(super) fn road(&self, pace: Option<f64>) -> Road {
        let (rate, _) = self.pacer.quota();
        let (level, wait) = self.pacer.level();
        Road {
            level: level.floor(),
            interval: rate.interval(),
            wait,
            pace,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, at: UnixNanos) -> Mark {
        let requests = self.stats.requests();
        Mark { at, requests }
    }

    fn progress(&self, state: &mut State, now: UnixNanos) -> Progress {
        let mark = self.mark(now);
        state.note(mark);
        // The observed pace is more accurate than the quota, which others may draw on, and the latency, which may
        // change.
        let road = self.road(observed(&state.marks));
        let now = self.clock.timestamp();
        state.progress(mark.requests, self.pacer.quota(), road, now)
    }

    /// Reports the progress of the run if a second has passed or `at_once`.
    fn report_progress(&self, at_once: bool) {
        let now = self.clock.now();
        let progress = {
            let mut state = self.lock();
            if !state.must_report(now, at_once) {
                return;
            }
            state.reported_at = now;
            self.progress(&mut state, now)
        };
        self.observer
            .on_event(&RunEvent::Progress(Box::new(progress)));
    }
}

impl State {
    /// Records a request count with its time.
    fn note(&mut self, mark: Mark) {
        self.marks.push_back(mark);
        if self.marks.len() > MARKS {
            self.marks.pop_front();
        }
    }

    /// Whether to report progress: a second after the last event, `at_once`, and with the last row.
    fn must_report(&self, now: UnixNanos, at_once: bool) -> bool {
        let is_due = now.saturating_sub(self.reported_at) >= EVERY;
        let is_last = self.states.total() == self.rows;
        self.is_sending && (is_due || at_once || is_last)
    }

    /// The progress after so many requests of this process, with an estimate from the quota and the `road`.
    fn progress(
        &self,
        requests: u64,
        (mut rate, burst): (Rate, u32),
        mut road: Road,
        now: Timestamp,
    ) -> Progress {
        let is_first = requests == self.began.requests;
        let slower = |known: &Rate| is_first && known.interval() > rate.interval();
        if let Some(known) = self.known.filter(slower) {
            // The bucket of a slower rate is smaller, with the same usage.
            let part = rate.interval().as_secs_f64() / known.interval().as_secs_f64();
            road.level = (road.level - f64::from(burst) * (1.0 - part)).max(0.0);
            road.interval = known.interval();
            rate = known;
        }
        let to_go = self.to_send.saturating_sub(self.sent);
        let waiting_for = if to_go == 0 {
            None
        } else if !road.wait.is_zero() {
            Some(WaitingFor::RetryAfter)
        } else {
            (road.level < 1.0).then_some(WaitingFor::Quota)
        };
        let requests = requests.saturating_sub(self.began.requests);
        // Rows may need more than one request.
        let each = match self.sent_here {
            0 => 1.0,
            sent => (requests as f64 / sent as f64).max(1.0),
        };
        let left = road.time_for(to_go as f64 * each);
        let finish = left.and_then(|left| now.checked_add(left).ok());
        Progress {
            done: self.states.total(),
            rows: self.rows,
            sent: self.sent,
            to_send: self.to_send,
            states: self.states,
            is_undo: self.is_undo,
            finish,
            rate: rate.to_string(),
            // The API's headers have not corrected it.
            rate_is_guess: self.guess == Some(rate),
            waiting_for,
        }
    }
}

/// The seconds per request of the latest requests; `None` if there are too few.
fn observed(marks: &VecDeque<Mark>) -> Option<f64> {
    let (first, last) = (marks.front()?, marks.back()?);
    let requests = last.requests.saturating_sub(first.requests);
    let seconds = last.at.saturating_sub(first.at) as f64 / 1e9;
    (requests >= ENOUGH && seconds > 0.0).then_some(seconds / requests as f64)
}

impl Observer for Tracker<'_> {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::RowDone {
                row, state, sent, ..
            } => {
                {
                    let mut own = self.lock();
                    own.states.add(*state, 1);
                    own.sent += u64::from(*sent);
                    own.sent_here += u64::from(*sent);
                }
                self.observer.on_event(&RunEvent::RowDone {
                    row: *row,
                    line: self.survey.line_of(*row),
                    state: *state,
                    sent: *sent,
                });
                self.report_progress(false);
            }
            RunEvent::Retrying {
                row,
                attempt,
                wait,
                why,
                ..
            } => self.observer.on_event(&RunEvent::Retrying {
                row: *row,
                line: row.map(|row| self.survey.line_of(row)),
                attempt: *attempt,
                wait: *wait,
                why: *why,
            }),
            RunEvent::Waiting { .. } => {
                // The pace before a wait does not predict the pace after it.
                self.lock().marks.clear();
                self.observer.on_event(event);
                self.report_progress(true);
            }
            RunEvent::Paused { .. } => {
                // A pause distorts the pace.
                self.lock().marks.clear();
                self.observer.on_event(event);
            }
            RunEvent::Finished(_) => {
                self.lock().is_sending = false;
                self.observer.on_event(event);
            }
            other => self.observer.on_event(other),
        }
    }
}

/// The progress display ends with the run, even if the run fails.
impl Drop for Tracker<'_> {
    fn drop(&mut self) {
        if self.lock().is_sending {
            self.observer.on_event(&RunEvent::BrokeOff);
        }
    }
}

#[cfg(test)]
mod tests;
