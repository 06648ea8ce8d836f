use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::{Clock, SystemClock};
use crate::events::{Observer, Progress, RunEvent};

/// One JSON object a line for each event, on standard error: for programs.
#[derive(Debug, Default)]
pub struct JsonLines {
    /// How far the run has come; none where nothing is sent.
    known: Arc<Mutex<Option<Progress>>>,
}

/// Time between two objects that say how far the run has come.
const EVERY: Duration = Duration::from_secs(1);

impl JsonLines {
    /// Takes note of how far the run has come, and tells it each second from now on.
    fn start(&self, progress: &Progress) {
        self.know(Some(progress.clone()));
        write(&of_progress(progress));
        let known = Arc::downgrade(&self.known);
        // It ends with the run, or with whoever observes it.
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(EVERY);
                let Some(known) = known.upgrade() else {
                    return;
                };
                match &*known.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(progress) => write(&of_progress(progress)),
                    None => return,
                }
            }
        });
    }

    fn know(&self, progress: Option<Progress>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = progress;
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

/// Nobody reading any more is no reason to fail a run.
fn write(object: &Value) {
    let _ = writeln!(std::io::stderr(), "{object}");
}

impl Observer for JsonLines {
    fn on_event(&self, event: &RunEvent) {
        let object = match event {
            RunEvent::Reading {
                file,
                dialect,
                columns,
                unknown,
                ..
            } => {
                json!({"event": "reading", "file": file, "dialect": dialect, "columns": columns, "unknown": unknown})
            }
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
            RunEvent::Progress(progress) => return self.know(Some((**progress).clone())),
            RunEvent::Retrying {
                row,
                line,
                attempt,
                wait,
                why,
            } => {
                json!({"event": "retrying", "row": row, "line": line, "attempt": attempt, "wait_s": wait.as_secs_f64(), "why": why})
            }
            RunEvent::Waiting { until, why, .. } => {
                json!({"event": "waiting", "until": until, "why": why})
            }
            RunEvent::Stopping { why } => json!({"event": "stopping", "why": why}),
            RunEvent::Finished(summary) => {
                self.know(None);
                json!({"event": "finished", "summary": summary})
            }
        };
        write(&object);
        if let RunEvent::Started { progress, .. } = event {
            self.start(progress);
        }
    }
}
