//! Live pages follow the progress of a job.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::events::{FoundConflict, Observer, Plan, Progress, RunEvent};
use crate::model::Summary;

/// How far a job has come, as its pages show it.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// What it is doing.
    pub(super) phase: Phase,
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

/// What a job is doing.
#[derive(Debug, Clone, Default)]
pub(super) enum Phase {
    /// The file is read and checked: so many bytes of so many.
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
                live.change(|seen| seen.phase = Phase::LookingUp(*done, *of));
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
            | RunEvent::Read { .. }
            | RunEvent::Planned(_)
            | RunEvent::Looked
            | RunEvent::Finished(_)
            | RunEvent::BrokeOff => {}
        }
    }
}
