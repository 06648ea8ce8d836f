//! An observer for unattended output without cells, headers and API texts.

use crate::events::{Observer, Plan, RunEvent, UnmappedColumn};
use crate::l10n::Message;

/// An observer for output to logs or cron mail. It removes cells, headers and the API's words from events and
/// passes them on.
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
            }),
            RunEvent::Unmapped(columns) => {
                let bare = |column: &UnmappedColumn| UnmappedColumn {
                    header: None,
                    ..column.clone()
                };
                let bare = columns.iter().map(bare).collect();
                self.0.on_event(&RunEvent::Unmapped(bare));
            }
            RunEvent::Stopping { fact, .. } => self.0.on_event(&RunEvent::Stopping {
                why: Message::verbatim(fact.in_words()),
                fact: fact.clone(),
            }),
            // A plan contains the roster's headers and example rows.
            RunEvent::Planned(plan) => self.0.on_event(&RunEvent::Planned(Box::new(Plan {
                columns: Default::default(),
                noticed: Vec::new(),
                examples: Vec::new(),
                persons: Vec::new(),
                problems: Vec::new(),
                conflict_examples: Vec::new(),
                ..(**plan).clone()
            }))),
            other => self.0.on_event(other),
        }
    }
}
