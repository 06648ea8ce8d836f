//! The progress of a job, for its pages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::app::AppError;
use crate::events::{FoundConflict, Observer, Plan, Progress, RunEvent};
use crate::journal::JournalError;
use crate::l10n::Message;
use crate::model::Summary;
use crate::send::Stop;

#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) phase: Phase,
    /// The progress of reading, before anything is sent.
    pub(super) part: Option<Part>,
    /// The time of the last progress report, or the start of the job.
    read_at: Option<Instant>,
    /// The plan that the console presented last, and sends after confirmation.
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) run: Option<String>,
    pub(super) progress: Progress,
    pub(super) is_paused: bool,
    /// The reason why the run is stopping.
    pub(super) stopping: Option<Message>,
    /// The last waits and retries, with their times.
    pub(super) notices: VecDeque<(RunEvent, jiff::Timestamp)>,
}

/// The progress of reading a file or its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) done: u64,
    pub(super) of: u64,
    /// The first progress report and its time.
    first: (u64, Instant),
    /// The time of the previous progress report, at which this work began.
    began: Instant,
}

impl Part {
    /// Returns the estimated time left, at the pace so far.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let (first, at) = self.first;
        // The first report of resumed work includes earlier progress, so later reports are more accurate.
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

#[derive(Debug, Clone, Default)]
pub(super) enum Phase {
    #[default]
    Reading,
    /// Reads records: the number read, and the total.
    LookingUp(u64, u64),
    /// Asks whether to send the plan, and how to decide the conflicts.
    Asking(Box<Plan>, Arc<[FoundConflict]>),
    Sending,
    /// The job has ended.
    Ended(Box<End>),
}

#[derive(Debug, Clone, Default)]
pub(super) struct End {
    /// The summary of the run, if there was one.
    pub(super) summary: Option<Summary>,
    /// The reason for an early end.
    pub(super) stop: Option<Stop>,
    pub(super) error: Option<Arc<AppError>>,
    /// The damaged journal records of the undone run, which were not restored.
    pub(super) damaged: Arc<[JournalError]>,
    /// An interrupted run of the same file, which can be resumed.
    pub(super) unfinished: Option<String>,
}

impl End {
    /// Returns whether the plan was declined, so that there is nothing to report.
    pub(super) fn is_nothing(&self) -> bool {
        self.summary.is_none() && self.error.is_none() && self.unfinished.is_none()
    }
}

/// Watches a job for its pages.
#[derive(Debug)]
pub(super) struct Live {
    seen: Mutex<Seen>,
    version: watch::Sender<u64>,
}

/// The number of recent messages.
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

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Returns a counter that increases with each change.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Changes the progress and notifies all pages.
    pub(super) fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.version.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    pub(super) fn start_sending(&mut self) {
        self.phase = Phase::Sending;
        let plan = self.plan.as_deref();
        self.progress.rows = plan.map_or(0, |plan| plan.rows);
        self.progress.to_send = plan.map_or(0, |plan| plan.to_send);
    }

    /// Records the progress of reading at the time `now`.
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

/// An observer for one session.
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
            // Single rows are omitted. The progress counts them.
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
    fn the_time_left_is_estimated_from_the_pace_since_the_work_began() {
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
