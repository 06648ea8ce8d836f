use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::events::{Observer, RunEvent};
use crate::model::StateCounts;

/// A handful of log events a run, with stable keys: for a log that a program reads.
#[derive(Debug, Default)]
pub struct LogEvents {
    states: Mutex<StateCounts>,
    detail: bool,
}

impl LogEvents {
    /// Log events. With `detail`, every retry is told too.
    pub fn new(detail: bool) -> LogEvents {
        LogEvents {
            states: Mutex::default(),
            detail,
        }
    }
}

fn seconds(time: &Duration) -> f64 {
    time.as_secs_f64()
}

impl Observer for LogEvents {
    fn on_event(&self, event: &RunEvent) {
        let states = || self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::Reading {
                file,
                dialect,
                columns,
                unknown,
                ..
            } => {
                let left_alone = unknown.join(", ");
                tracing::info!(file, dialect, columns, left_alone, "reading");
            }
            RunEvent::LookedUp { done, of } => {
                if self.detail {
                    tracing::info!(done, of, "looking up");
                }
            }
            RunEvent::Planned(plan) => tracing::info!(
                rows = plan.rows,
                to_send = plan.to_send,
                unchanged = plan.unchanged,
                invalid = plan.invalid,
                left_out = plan.left_out,
                lookups = plan.lookups,
                rate = plan.rate,
                estimate_s = plan.estimate_s,
                "planned"
            ),
            RunEvent::Started { run, progress } => {
                *states() = progress.states;
                tracing::Span::current().record("run", run);
                let (rows, to_send, sent) = (progress.rows, progress.to_send, progress.sent);
                tracing::info!(rows, to_send, sent, "started");
            }
            RunEvent::Read { .. }
            | RunEvent::Looked
            | RunEvent::Paused { .. }
            | RunEvent::Progress(_)
            | RunEvent::BrokeOff => {}
            RunEvent::RowDone { state, .. } => states().add(*state, 1),
            RunEvent::Retrying {
                row,
                line,
                attempt,
                wait,
                why,
            } => {
                if self.detail {
                    let wait_s = seconds(wait);
                    tracing::info!(row, line, attempt, wait_s, why, "retrying");
                }
            }
            RunEvent::Waiting { until, wait, why } => {
                tracing::info!(%until, wait_s = seconds(wait), why, "waiting");
            }
            RunEvent::Stopping { why } => {
                let so_far = states().in_words();
                tracing::warn!(why, so_far, "stopping");
            }
            RunEvent::Finished(summary) => {
                let states = &summary.states;
                tracing::info!(
                    updated = states.updated,
                    unchanged = states.unchanged,
                    invalid = states.invalid,
                    rejected = states.rejected,
                    failed = states.failed,
                    not_sent = states.not_sent,
                    requests = summary.requests,
                    duration_s = summary.duration_s,
                    exit_code = summary.exit_code.code(),
                    "finished"
                );
            }
        }
    }
}
