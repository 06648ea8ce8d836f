//! A progress bar on a terminal.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lock;
use super::screen::Screen;
use super::ticker::Ticker;
use super::words::{lines, time_done, time_left};
use crate::clock::{Clock, SystemClock};
use crate::events::{Observer, Progress, RunEvent};
use crate::l10n::{number, say};
use crate::model::visible;
use crate::report::{Look, plan_overview};

/// A progress bar on standard error for reading the file, reading records and sending rows, with the
/// estimated finish and counts by state.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    known: Arc<Mutex<Known>>,
    ticker: Mutex<Option<Ticker>>,
    detail: bool,
    color: bool,
}

/// The data that the bar shows.
#[derive(Debug, Default)]
struct Known {
    progress: Progress,
    is_stopping: bool,
}

/// How often the bar is redrawn without events.
const TICK: Duration = Duration::from_millis(500);

/// The width of the bar and the percentage in columns.
const BEFORE: usize = 22;

impl Bar {
    /// Creates a bar. `detail` reports every retry, and `color` enables colours in the plan.
    pub fn new(detail: bool, color: bool) -> Bar {
        // The bar stays hidden until there is something to count.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let known: Arc<Mutex<Known>> = Arc::default();
        bar.set_style(
            ProgressStyle::with_template("{bar:16} {percent:>3}% {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Bar {
            bar,
            known,
            ticker: Mutex::default(),
            detail,
            color,
        }
    }

    /// Returns the underlying bar, so that log lines can be printed above it.
    pub fn handle(&self) -> ProgressBar {
        self.bar.clone()
    }

    fn say(&self, event: &RunEvent) {
        let now = SystemClock.timestamp();
        let lines = match event {
            RunEvent::Planned(plan) => {
                let look = Look {
                    width: Some(Screen::columns()),
                    color: self.color,
                };
                plan_overview(plan, now, look)
            }
            _ => lines(event, now),
        };
        self.bar.suspend(|| {
            for line in lines {
                // A closed standard error must not fail the run.
                let _ = writeln!(std::io::stderr(), "{}", visible(&line));
            }
        });
    }

    /// Draws the progress of reading the file or the records.
    fn show_reading(&self, text: String, done: u64, of: u64) {
        self.bar
            .set_message(fitting(&[vec![text]], Screen::columns()));
        self.bar.set_length(of);
        self.bar.set_position(done);
        self.draw();
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

    /// Shows the bar if it is hidden and standard error is a terminal.
    fn draw(&self) {
        if self.bar.is_hidden() && std::io::stderr().is_terminal() {
            let screen = Box::new(Screen::new());
            self.bar
                .set_draw_target(ProgressDrawTarget::term_like(screen));
            self.bar.reset();
        }
    }

    /// Hides the bar while there is nothing to count.
    fn hide(&self) {
        self.bar.finish_and_clear();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Redraws the bar periodically, because the remaining time decreases without events.
    fn tick(&self) {
        let (bar, known) = (self.bar.clone(), self.known.clone());
        let draw = move || bar.set_message(text_of(&lock(&known)));
        *lock(&self.ticker) = Some(Ticker::start(TICK, draw));
    }

    /// Hides the bar permanently.
    fn end(&self) {
        *lock(&self.ticker) = None;
        self.hide();
    }
}

/// Returns the text after the bar, with the most important parts first.
fn text_of(known: &Known) -> String {
    let progress = &known.progress;
    let (sent, all) = (number(progress.sent), number(progress.to_send));
    let mut parts = vec![vec![say().progress_bar(sent, all)]];
    if !known.is_stopping {
        let now = SystemClock.timestamp();
        let forms = [time_left(progress, now), time_done(progress, now)];
        parts.push(forms.into_iter().flatten().collect());
    }
    let phrases = progress.states.phrases(progress.is_undo).into_iter();
    parts.extend(phrases.map(|(_, phrase)| vec![phrase]));
    fitting(&parts, Screen::columns())
}

/// Joins the parts that fit into a window of `columns`, each in its first form that fits. If none fits, the
/// first part is truncated.
fn fitting(parts: &[Vec<String>], columns: usize) -> String {
    // The last column stays free, because some terminals wrap the cursor after it.
    let room = columns.saturating_sub(BEFORE + 1);
    let mut text = String::new();
    for forms in parts.iter().filter(|forms| !forms.is_empty()) {
        let with = |form: &String| match &*text {
            "" => form.clone(),
            text => format!("{text}; {form}"),
        };
        let fits = |text: &String| console::measure_text_width(text) <= room;
        match forms.iter().map(with).find(fits) {
            Some(longer) => text = longer,
            None if text.is_empty() => {
                return console::truncate_str(&forms[0], room, "…").into_owned();
            }
            None => break,
        }
    }
    text
}

impl Observer for Bar {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::RowDone { .. } => {}
            RunEvent::Read { done, of } if done >= of => self.hide(),
            RunEvent::DryRunEnded => self.hide(),
            RunEvent::Read { done, of } => {
                self.show_reading(say().progress_read(), *done, *of);
            }
            RunEvent::LookedUp { done, of } => {
                let text = say().progress_looked_up(number(*done), number(*of));
                self.show_reading(text, *done, *of);
            }
            RunEvent::Planned(_) => {
                self.hide();
                self.say(event);
            }
            RunEvent::Progress(progress) => self.show(progress),
            RunEvent::Retrying { .. } if !self.detail => {}
            RunEvent::Started { progress, .. } => {
                lock(&self.known).is_stopping = false;
                self.hide();
                self.say(event);
                self.bar.set_length(progress.to_send);
                self.show(progress);
                self.draw();
                self.bar.set_position(progress.sent);
                self.tick();
            }
            RunEvent::Stopping { .. } => {
                lock(&self.known).is_stopping = true;
                self.say(event);
            }
            // The final summary contains the same information.
            RunEvent::Finished(_) | RunEvent::BrokeOff => self.end(),
            _ => self.say(event),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_narrow_window_drops_the_last_parts_first() {
        let forms = |forms: &[&str]| forms.iter().map(|&form| form.to_owned()).collect();
        let parts: [Vec<String>; 4] = [
            forms(&["12 of 34 sent"]),
            forms(&["waiting for quota; done about 18:32", "done about 18:32"]),
            forms(&[]),
            forms(&["12 updated"]),
        ];
        assert_eq!(
            fitting(&parts, 120),
            "12 of 34 sent; waiting for quota; done about 18:32; 12 updated"
        );
        assert_eq!(fitting(&parts, 60), "12 of 34 sent; done about 18:32");
        assert_eq!(fitting(&parts, 40), "12 of 34 sent");
        assert_eq!(fitting(&parts, 30), "12 of …");
    }
}
