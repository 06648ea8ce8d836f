use std::io::Write;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::words::{counts, lines};
use crate::events::{Observer, RunEvent};
use crate::model::StateCounts;

/// A bar with rows, rate, time left and counts by state, for a terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    states: Mutex<StateCounts>,
    detail: bool,
}

impl Bar {
    /// A bar on standard error. With `detail`, every retry is told too.
    pub fn new(detail: bool) -> Bar {
        // Nothing is drawn before there is something to count.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // What cannot be written is not drawn.
            let _ = write!(out, "{:.0}/s", state.per_sec());
        };
        bar.set_style(
            ProgressStyle::with_template(
                "{bar:20} {pos}/{len} sent, {rate}, {eta} left: {wide_msg}",
            )
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", rate),
        );
        Bar {
            bar,
            states: Mutex::default(),
            detail,
        }
    }

    /// The bar itself, for log lines that must not tear it.
    pub fn handle(&self) -> ProgressBar {
        self.bar.clone()
    }

    fn say(&self, event: &RunEvent) {
        self.bar.suspend(|| {
            for line in lines(event) {
                // Watching cannot fail a run, even when nobody reads any more.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
    }
}

impl Observer for Bar {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::RowDone { state, sent, .. } => {
                let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
                states.add(*state, 1);
                self.bar.set_message(counts(&states));
                self.bar.inc(u64::from(*sent));
            }
            RunEvent::Retrying { .. } if !self.detail => {}
            RunEvent::Started {
                to_send, settled, ..
            } => {
                self.say(event);
                *self.states.lock().unwrap_or_else(PoisonError::into_inner) = *settled;
                self.bar.set_length(*to_send);
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.reset();
            }
            RunEvent::Finished(_) => self.bar.abandon(),
            _ => self.say(event),
        }
    }
}
