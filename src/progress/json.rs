//! Progress events as JSON lines.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::lock;
use super::ticker::Ticker;
use crate::clock::{Clock, SystemClock};
use crate::events::{Attempt, Observer, Progress, RunEvent, UnmappedColumn};
use crate::model::visible;

/// An observer that writes one JSON object per event and line to standard error.
#[derive(Debug, Default)]
pub struct JsonLines {
    known: Arc<Mutex<Progress>>,
    /// The thread that reports the progress while rows are sent.
    ticker: Mutex<Option<Ticker>>,
}

/// The interval between two progress objects.
const EVERY: Duration = Duration::from_secs(1);

impl JsonLines {
    fn know(&self, progress: &Progress) {
        lock(&self.known).clone_from(progress);
    }

    /// Reports the progress of the run, now and every second.
    fn start(&self, progress: &Progress) {
        self.know(progress);
        write(&of_progress(progress));
        let known = self.known.clone();
        let tell = move || write(&of_progress(&lock(&known)));
        *lock(&self.ticker) = Some(Ticker::start(EVERY, tell));
    }

    fn end(&self) {
        *lock(&self.ticker) = None;
    }
}

fn of_progress(progress: &Progress) -> Value {
    let now = SystemClock.timestamp();
    let left = progress
        .finish
        .map(|finish| (finish.as_millisecond() - now.as_millisecond()).max(0) as f64 / 1000.0);
    json!({
        "event": "progress", "done": progress.done, "rows": progress.rows,
        "sent": progress.sent, "to_send": progress.to_send,
        "left_s": left, "finish": progress.finish, "waiting_for": progress.waiting_for,
    })
}

/// Writes an object. A closed reader does not fail the run.
fn write(object: &Value) {
    let _ = writeln!(std::io::stderr(), "{}", visible(&object.to_string()));
}

impl Observer for JsonLines {
    fn on_event(&self, event: &RunEvent) {
        let object = match event {
            RunEvent::Reading {
                file,
                format,
                columns,
                unknown_at,
                ..
            } => {
                let dialect = format.to_string();
                json!({"event": "reading", "file": file, "dialect": dialect, "columns": columns, "unknown": unknown_at})
            }
            RunEvent::Unmapped(columns) => {
                let column =
                    |column: &UnmappedColumn| json!({"column": column.at, "field": column.field});
                let columns: Vec<Value> = columns.iter().map(column).collect();
                json!({"event": "unmapped", "columns": columns})
            }
            RunEvent::Withheld(lines) => json!({"event": "withheld", "lines": lines}),
            RunEvent::Planned(plan) => json!({
                "event": "planned", "rows": plan.rows, "invalid": plan.invalid,
                "left_out": plan.left_out, "to_send": plan.to_send, "rate": plan.rate,
                "estimated_s": plan.estimate_s,
            }),
            RunEvent::LookedUp { done, of } => {
                json!({"event": "looked_up", "done": done, "of": of})
            }
            RunEvent::Started { run, progress } => json!({
                "event": "started", "run": run, "rows": progress.rows,
                "to_send": progress.to_send, "sent": progress.sent, "settled": progress.states,
            }),
            RunEvent::RowDone {
                row, line, state, ..
            } => {
                json!({"event": "row", "row": row, "line": line, "state": state})
            }
            RunEvent::Read { .. } | RunEvent::DryRunEnded | RunEvent::Paused { .. } => return,
            RunEvent::Progress(progress) => return self.know(progress),
            RunEvent::BrokeOff => return self.end(),
            RunEvent::Retrying {
                row,
                line,
                attempt,
                wait,
                why,
            } => {
                json!({"event": "retrying", "row": row, "line": line, "attempt": attempt, "wait_s": wait.as_secs_f64(), "why": why.to_string()})
            }
            RunEvent::Waiting { until, status, .. } => {
                let why = Attempt::Answered(*status).to_string();
                json!({"event": "waiting", "until": until, "why": why})
            }
            RunEvent::Stopping { fact, .. } => {
                json!({"event": "stopping", "why": fact.in_words(), "code": fact.code()})
            }
            RunEvent::Finished(summary) => {
                self.end();
                json!({"event": "finished", "summary": summary.facts()})
            }
        };
        write(&object);
        if let RunEvent::Started { progress, .. } = event {
            self.start(progress);
        }
    }
}
