use std::io::Write;

use serde_json::json;

use crate::events::{Observer, RunEvent};

/// One JSON object a line for each event, on standard error: for programs.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLines;

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
            RunEvent::Started {
                run,
                rows,
                to_send,
                settled,
            } => {
                json!({"event": "started", "run": run, "rows": rows, "to_send": to_send, "settled": settled})
            }
            RunEvent::RowDone { row, state, .. } => {
                json!({"event": "row", "row": row, "state": state})
            }
            RunEvent::Retrying {
                row,
                attempt,
                wait,
                why,
            } => {
                json!({"event": "retrying", "row": row, "attempt": attempt, "wait_s": wait.as_secs_f64(), "why": why})
            }
            RunEvent::Waiting { until, why, .. } => {
                json!({"event": "waiting", "until": until, "why": why})
            }
            RunEvent::Stopping { why } => json!({"event": "stopping", "why": why}),
            RunEvent::Finished(summary) => json!({"event": "finished", "summary": summary}),
        };
        // Nobody reading any more is no reason to fail a run.
        let _ = writeln!(std::io::stderr(), "{object}");
    }
}
