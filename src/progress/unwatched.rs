use crate::events::{Observer, RunEvent};

/// Passes events on to an observer whose lines others read: the mail of cron, the system's log. What stands in
/// a roster and what an API says are left out.
pub struct Unwatched(pub Box<dyn Observer>);

impl Observer for Unwatched {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::Reading {
                file,
                format,
                columns,
                unknown_at,
                of_results,
                ..
            } => self.0.on_event(&RunEvent::Reading {
                file: file.clone(),
                dialect: format.to_string(),
                format: *format,
                columns: *columns,
                unknown: unknown_at.iter().map(usize::to_string).collect(),
                unknown_at: unknown_at.clone(),
                of_results: *of_results,
                near_misses: Vec::new(),
            }),
            RunEvent::Stopping { fact, .. } => self.0.on_event(&RunEvent::Stopping {
                why: fact.in_words(),
                fact: fact.clone(),
            }),
            other => self.0.on_event(other),
        }
    }
}
