use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words::{counts, lines};
use crate::events::{RunEvent, Watch};
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
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template(
                "{bar:32} {pos}/{len} rows, {per_sec}, {eta} left  {wide_msg}",
            )
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
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
}

impl Watch for Bar {
    fn see(&self, event: &RunEvent) {
        match event {
            RunEvent::RowDone { state, .. } => {
                let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
                states.add(*state, 1);
                self.bar.set_message(counts(&states));
                self.bar.inc(1);
            }
            RunEvent::Retrying { .. } if !self.detail => {}
            RunEvent::Started { rows, .. } => {
                self.bar
                    .suspend(|| lines(event).iter().for_each(|line| eprintln!("{line}")));
                self.bar.reset();
                self.bar.set_length(*rows);
            }
            RunEvent::Finished(_) => self.bar.finish(),
            _ => self
                .bar
                .suspend(|| lines(event).iter().for_each(|line| eprintln!("{line}"))),
        }
    }
}
