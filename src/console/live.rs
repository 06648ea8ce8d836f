//! Live pages follow the progress of a job.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::events::{FoundConflict, Observer, Plan, Progress, RunEvent};
use crate::model::Summary;

/// How far a job has come, as its pages show it.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// What it is doing.
    pub(super) phase: Phase,
    /// How far reading has come, before anything is sent.
    pub(super) part: Option<Part>,
    /// What the console asked about last: what is sent, once it is agreed to.
    pub(super) plan: Option<Arc<Plan>>,
    /// The run's name, once it has one.
    pub(super) run: Option<String>,
    /// How far sending has come.
    pub(super) progress: Progress,
    /// Whether it waits for somebody to go on.
    pub(super) is_paused: bool,
    /// Why it is stopping, if it is.
    pub(super) stopping: Option<String>,
    /// The last waits and retries, each with its moment.
    pub(super) notices: VecDeque<(RunEvent, jiff::Timestamp)>,
}

/// How much of a file or of its records has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) done: u64,
    pub(super) of: u64,
    /// What was done when the first news came, and when that was.
    first: (u64, Instant),
}

impl Part {
    /// The time that the rest takes at the pace so far, if there is one.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let (first, began) = self.first;
        let done = self.done.checked_sub(first).filter(|done| *done > 0)?;
        let left = self.of.saturating_sub(self.done);
        let seconds = now.duration_since(began).as_secs_f64() * left as f64 / done as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// What a job is doing.
#[derive(Debug, Clone, Default)]
pub(super) enum Phase {
    /// The file is read and checked.
    #[default]
    Reading,
    /// Records are read: so many of so many.
    LookingUp(u64, u64),
    /// The console asks whether to send this, and what to do about these conflicts.
    Asking(Box<Plan>, Arc<[FoundConflict]>),
    /// It is sent.
    Sending,
    /// It is over.
    Ended(Box<End>),
}

/// How a job ended.
#[derive(Debug, Clone, Default)]
pub(super) struct End {
    /// The run's figures, where there was one.
    pub(super) summary: Option<Summary>,
    /// Why it ended early, if it did.
    pub(super) why: Option<String>,
    /// Why it could not be done.
    pub(super) error: Option<String>,
    /// A run of the same file that was interrupted, and can be gone on with.
    pub(super) unfinished: Option<String>,
}

impl End {
    /// Whether it was declined: there is nothing to report.
    pub(super) fn is_nothing(&self) -> bool {
        self.summary.is_none()
            && self.why.is_none()
            && self.error.is_none()
            && self.unfinished.is_none()
    }
}

/// Watches a job for its pages.
#[derive(Debug)]
pub(super) struct Live {
    seen: Mutex<Seen>,
    version: watch::Sender<u64>,
}

/// Lines of what was said lately.
const NOTICES: usize = 5;

impl Live {
    pub(super) fn new() -> Arc<Live> {
        Arc::new(Live {
            seen: Mutex::default(),
            version: watch::Sender::new(0),
        })
    }

    /// How far it has come.
    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Where news arrives: a number that grows.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Changes what is seen, and tells whoever looks.
    pub(super) fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.version.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Takes note of how much has been read at the moment `now`.
    fn follow(&mut self, (done, of): (u64, u64), now: Instant) {
        match &mut self.part {
            Some(part) if part.of == of && part.done <= done => part.done = done,
            part => {
                let first = (done, now);
                *part = Some(Part { done, of, first });
            }
        }
    }

    fn note(&mut self, event: RunEvent) {
        self.notices.push_front((event, jiff::Timestamp::now()));
        self.notices.truncate(NOTICES);
    }
}

/// An observer for a session of its own.
#[derive(Debug)]
pub(super) struct Watching(pub(super) Arc<Live>);

impl Observer for Watching {
    fn on_event(&self, event: &RunEvent) {
        let live = &self.0;
        match event {
            RunEvent::LookedUp { done, of } => {
                live.change(|seen| {
                    seen.phase = Phase::LookingUp(*done, *of);
                    seen.follow((*done, *of), Instant::now());
                });
            }
            RunEvent::Read { done, of } => {
                live.change(|seen| seen.follow((*done, *of), Instant::now()));
            }
            RunEvent::Started { run, progress } => live.change(|seen| {
                seen.phase = Phase::Sending;
                seen.run = Some(run.clone());
                seen.progress = (**progress).clone();
            }),
            RunEvent::Progress(progress) => {
                live.change(|seen| seen.progress = (**progress).clone())
            }
            RunEvent::Paused { is_paused } => live.change(|seen| seen.is_paused = *is_paused),
            RunEvent::Retrying { .. } | RunEvent::Waiting { .. } => {
                live.change(|seen| seen.note(event.clone()));
            }
            RunEvent::Stopping { why, .. } => live.change(|seen| seen.stopping = Some(why.clone())),
            // Each row alone would be too much to tell; how far the run has come says it.
            RunEvent::RowDone { state, sent, .. } => {
                let mut seen = live.lock();
                seen.progress.sent += u64::from(*sent);
                seen.progress.done += 1;
                seen.progress.states.add(*state, 1);
            }
            RunEvent::Reading { .. }
            | RunEvent::Unmapped(_)
            | RunEvent::Withheld(_)
            | RunEvent::Planned(_)
            | RunEvent::DryRunEnded
            | RunEvent::Finished(_)
            | RunEvent::BrokeOff => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_estimated_by_the_pace_since_the_first_news() {
        let mut seen = Seen::default();
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        seen.follow((100, 1_000), began);
        assert_eq!(seen.part.unwrap().left(after(1)), None);
        seen.follow((400, 1_000), after(3));
        assert_eq!(
            seen.part.unwrap().left(after(3)),
            Some(Duration::from_secs(6))
        );
        // Other work has its own pace.
        seen.follow((1, 50), after(4));
        assert_eq!(seen.part.unwrap().left(after(5)), None);
        seen.follow((26, 50), after(9));
        assert_eq!(
            seen.part.unwrap().left(after(9)),
            Some(Duration::from_micros(4_800_000))
        );
    }
}
