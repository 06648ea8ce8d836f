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
    /// When the job began, and then when the last news of reading came.
    read_at: Option<Instant>,
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
    /// When the work began: with the news before that.
    began: Instant,
}

impl Part {
    /// The time that the rest takes at the pace so far, if there is one.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let (first, at) = self.first;
        // Work that goes on began with a part done, so that the first news says less than those after it.
        let (done, took) = match self.done.saturating_sub(first) {
            0 => (self.done, at.duration_since(self.began)),
            since => (since, now.duration_since(at)),
        };
        if done == 0 || took.is_zero() {
            return None;
        }
        let left = self.of.saturating_sub(self.done);
        let seconds = took.as_secs_f64() * left as f64 / done as f64;
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
            seen: Mutex::new(Seen {
                read_at: Some(Instant::now()),
                ..Seen::default()
            }),
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
        let began = self.read_at.replace(now).unwrap_or(now);
        match &mut self.part {
            Some(part) if part.of == of && part.done <= done => part.done = done,
            part => {
                let first = (done, now);
                *part = Some(Part {
                    done,
                    of,
                    first,
                    began,
                });
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
            | RunEvent::Looked
            | RunEvent::Finished(_)
            | RunEvent::BrokeOff => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_estimated_by_the_pace_from_the_first_news_on() {
        let mut seen = Seen::default();
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        // Without knowing when it began, the first news has no pace.
        seen.follow((100, 1_000), began);
        assert_eq!(seen.part.unwrap().left(after(1)), None);
        seen.follow((400, 1_000), after(3));
        assert_eq!(
            seen.part.unwrap().left(after(3)),
            Some(Duration::from_secs(6))
        );
        // Other work has its own pace, from its first news.
        seen.follow((1, 50), after(4));
        assert_eq!(
            seen.part.unwrap().left(after(5)),
            Some(Duration::from_secs(49))
        );
        seen.follow((26, 50), after(9));
        assert_eq!(
            seen.part.unwrap().left(after(9)),
            Some(Duration::from_micros(4_800_000))
        );
    }
}
