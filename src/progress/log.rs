//! Progress as log events with stable keys.

use std::sync::Mutex;
use std::time::Duration;

use super::lock;
use crate::events::{Attempt, Observer, RunEvent, UnmappedColumn};
use crate::model::StateCounts;

/// An observer that writes a few log events with stable keys per run.
#[derive(Debug, Default)]
pub struct LogEvents {
    states: Mutex<StateCounts>,
    detail: bool,
}

impl LogEvents {
    /// Creates the observer. `detail` reports every retry.
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
        let states = || lock(&self.states);
        match event {
            RunEvent::Reading {
                file,
                format,
                columns,
                unknown_at,
                ..
            } => {
                let ignored = unknown_at.len();
                tracing::info!(file, dialect = %format, columns, ignored, "reading");
            }
            RunEvent::Unmapped(columns) => {
                for UnmappedColumn { at, field, .. } in columns {
                    tracing::warn!(column = at, names = field.as_str(), "unmapped");
                }
            }
            RunEvent::Withheld(lines) => tracing::info!(rows = lines.len(), "protected persons"),
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
            | RunEvent::DryRunEnded
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
                    let (status, cause) = match why {
                        Attempt::Answered(status) => (Some(*status), None),
                        Attempt::Unanswered(cause) => (None, Some(cause.as_str())),
                    };
                    let wait_s = seconds(wait);
                    tracing::info!(row, line, attempt, wait_s, status, cause, "retrying");
                }
            }
            RunEvent::Waiting {
                until,
                wait,
                status,
            } => {
                tracing::info!(%until, wait_s = seconds(wait), status, "waiting");
            }
            RunEvent::Stopping { fact, .. } => {
                let StateCounts {
                    updated,
                    unchanged,
                    invalid,
                    rejected,
                    failed,
                    not_sent: _,
                    withheld: _,
                } = *states();
                tracing::warn!(
                    code = fact.code().as_str(),
                    cause = fact.cause().map(|cause| cause.as_str()),
                    status = fact.numbers().status,
                    line = fact.numbers().line,
                    updated,
                    unchanged,
                    invalid,
                    rejected,
                    failed,
                    "stopping"
                );
            }
            RunEvent::Finished(summary) => {
                let StateCounts {
                    updated,
                    unchanged,
                    invalid,
                    rejected,
                    failed,
                    not_sent,
                    withheld,
                } = summary.states;
                tracing::info!(
                    updated,
                    unchanged,
                    invalid,
                    rejected,
                    failed,
                    not_sent,
                    withheld,
                    requests = summary.requests,
                    duration_s = summary.duration_s,
                    exit_code = summary.exit_code.code(),
                    "finished"
                );
            }
        }
    }
}
