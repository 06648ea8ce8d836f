use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ticker::Ticker;
use super::words::{lines, time_left};
use crate::clock::{Clock, SystemClock};
use crate::events::{Observer, Progress, RunEvent};
use crate::l10n::{number, say};

/// A bar with rows sent, the time at which it will be done and counts by state, for a terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    known: Arc<Mutex<Known>>,
    ticker: Mutex<Option<Ticker>>,
    detail: bool,
}

/// What the bar shows.
#[derive(Debug, Default)]
struct Known {
    progress: Progress,
    is_stopping: bool,
}

/// How often the bar is drawn anew while nothing happens.
const TICK: Duration = Duration::from_millis(500);

impl Bar {
    /// A bar on standard error. With `detail`, every retry is told too.
    pub fn new(detail: bool) -> Bar {
        // Nothing is drawn before there is something to count.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let known: Arc<Mutex<Known>> = Arc::default();
        // What does not fit into the window is cut off at its end.
        bar.set_style(
            ProgressStyle::with_template("{bar:16} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Bar {
            bar,
            known,
            ticker: Mutex::default(),
            detail,
        }
    }

    /// The bar itself, for log lines that must not tear it.
    pub fn handle(&self) -> ProgressBar {
        self.bar.clone()
    }

    fn say(&self, event: &RunEvent) {
        self.bar.suspend(|| {
            for line in lines(event, SystemClock.timestamp()) {
                // Watching cannot fail a run, even when nobody reads any more.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
    }

    fn show(&self, progress: &Progress) {
        let text = {
            let mut known = lock(&self.known);
            known.progress = progress.clone();
            text_of(&known)
        };
        self.bar.set_message(text);
        self.bar.set_position(progress.sent);
    }

    /// Draws the bar anew now and then: the time that is left grows shorter while nothing happens.
    fn tick(&self) {
        let (bar, known) = (self.bar.clone(), self.known.clone());
        let draw = move || bar.set_message(text_of(&lock(&known)));
        *lock(&self.ticker) = Some(Ticker::start(TICK, draw));
    }

    /// Takes the bar away.
    fn end(&self) {
        *lock(&self.ticker) = None;
        self.bar.finish_and_clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands behind the bar: first what matters most, since a narrow window cuts the end off.
fn text_of(known: &Known) -> String {
    let progress = &known.progress;
    let (sent, all) = (number(progress.sent), number(progress.to_send));
    let mut parts = vec![say().progress_bar(sent, all)];
    if !known.is_stopping {
        parts.extend(time_left(progress, SystemClock.timestamp()));
    }
    parts.push(progress.states.in_words());
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

impl Observer for Bar {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::RowDone { .. } => {}
            RunEvent::Progress(progress) => self.show(progress),
            RunEvent::Retrying { .. } if !self.detail => {}
            RunEvent::Started { progress, .. } => {
                lock(&self.known).is_stopping = false;
                self.say(event);
                self.bar.set_length(progress.to_send);
                self.show(progress);
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.reset();
                self.bar.set_position(progress.sent);
                self.tick();
            }
            RunEvent::Stopping { .. } => {
                lock(&self.known).is_stopping = true;
                self.say(event);
            }
            // The figures that follow say all that it said.
            RunEvent::Finished(_) | RunEvent::BrokeOff => self.end(),
            _ => self.say(event),
        }
    }
}
