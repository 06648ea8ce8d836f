//! Jobs that plan or send a run in the background.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::first::FirstPeople;
use super::live::{End, Live, Phase};
use super::opened::{Opened, named};
use super::since::Since;
use super::words::{error_in_words, held_in_words, stop_in_words, system_name};
use crate::app::{AppError, Selection, Session};
use crate::events::Plan;
use crate::journal::Journal;
use crate::l10n::{message, say};
use crate::model::with_causes;
use crate::run::{Consent, Prepared, Proposal, Roster, Settings, to_json};
use crate::send::{Stop, StopRequest};

#[derive(Debug, Clone)]
pub(super) enum Task {
    /// Imports the open roster, if the file is unchanged since it was opened.
    Import {
        roster: Box<Roster>,
        target: Option<String>,
        /// The SHA-256 digest of the opened file.
        sha256: String,
        /// Whether to start over instead of resuming an interrupted run of the same file.
        fresh: bool,
    },
    /// Resends rows of a run.
    Retry {
        settings: Box<Settings>,
        /// The SHA-256 digest of the opened file.
        sha256: String,
    },
    Resume(String),
    /// Releases a run that a guard holds.
    Approve {
        run: String,
        /// The ticked rows, among the rows that require individual approval.
        ticked: Option<Vec<RangeInclusive<u64>>>,
        /// The number of rows to send and read back before the others.
        first: Option<u64>,
    },
    /// Restores the values that a run changed.
    Undo {
        run: String,
        /// The rows to restore, or `None` for all.
        rows: Option<Selection>,
        /// The changes that were confirmed when the rows were chosen.
        agreed: Option<Agreed>,
    },
}

/// Changes that the user confirmed before they are planned again. They are sent if the new plan has the same ones.
#[derive(Debug, Clone)]
pub(super) struct Agreed {
    pub(super) calls: BTreeSet<[u8; 32]>,
    /// The number of rows to send and read back before the others.
    pub(super) first: Option<u64>,
}

/// Returns the digests of the changes of a run in these rows: the records, and their values before and after. Damaged
/// changes are left out: they are not sent.
pub(super) fn digests(
    journal: &Journal,
    run: i64,
    rows: impl Fn(u64) -> bool,
) -> Result<BTreeSet<[u8; 32]>, AppError> {
    let mut digests = BTreeSet::new();
    journal.each_call_after::<AppError>(run, 0, |call, _| {
        if rows(call.at.row) {
            let values = (&call.path, &call.key, &call.body, &call.changes);
            digests.insert(Sha256::digest(to_json(&values)?).into());
        }
        Ok(true)
    })?;
    Ok(digests)
}

pub(super) struct Job {
    pub(super) task: Task,
    /// The name of the file for the reader.
    pub(super) file: String,
    /// The open file and its revision, for a job that starts from a file.
    of: Option<Revision>,
    pub(super) live: Arc<Live>,
    pub(super) session: Session,
    /// The roster after it was read, from which the pages take names.
    pub(super) prepared: OnceLock<Arc<Prepared>>,
    /// The people who are new or missing since the last roster.
    since: OnceLock<Option<Since>>,
    answer: SyncSender<Consent>,
    asked: Mutex<Receiver<Consent>>,
    /// The number of rows to send and read back first, or 0.
    first: AtomicU64,
    first_people: OnceLock<FirstPeople>,
    is_discarded: AtomicBool,
    /// Whether the run is an undo, or continues one.
    pub(super) is_undo: AtomicBool,
    /// The rows of the undone run that the user left out of an undo.
    left_out: Mutex<BTreeSet<u64>>,
}

/// One revision of an open file: its content and edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision {
    id: String,
    revision: String,
}

impl From<&Opened> for Revision {
    fn from(opened: &Opened) -> Revision {
        Revision {
            id: opened.id.clone(),
            revision: opened.revision.clone(),
        }
    }
}

/// The interval of the checks for a stop while the job waits for an answer.
const LOOK: Duration = Duration::from_millis(200);

impl Job {
    /// Creates a job that has not started.
    pub(super) fn new(
        task: Task,
        (file, of): (String, Option<Revision>),
        live: Arc<Live>,
        session: Session,
    ) -> Job {
        let is_undo = matches!(task, Task::Undo { .. });
        let (answer, asked) = mpsc::sync_channel(1);
        Job {
            task,
            file,
            of,
            live,
            session,
            prepared: OnceLock::new(),
            since: OnceLock::new(),
            answer,
            asked: Mutex::new(asked),
            first: AtomicU64::new(0),
            first_people: OnceLock::new(),
            is_discarded: AtomicBool::new(false),
            is_undo: AtomicBool::new(is_undo),
            left_out: Mutex::default(),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.live.seen().phase, Phase::Ended(_))
    }

    pub(super) fn ends_within(&self, most: Duration) -> bool {
        let began = std::time::Instant::now();
        while !self.has_ended() {
            if began.elapsed() > most {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Returns whether the job is working and not waiting for the user.
    pub(super) fn is_at_work(&self) -> bool {
        !matches!(self.live.seen().phase, Phase::Ended(_) | Phase::Asking(..))
    }

    /// Marks a job that panicked as ended.
    pub(super) fn broke(&self) {
        let end = End {
            error: Some(Arc::new(AppError::Front(message::console_broke()))),
            ..End::default()
        };
        self.live
            .change(|seen| seen.phase = Phase::Ended(Box::new(end)));
    }

    /// Answers the question of the job with yes. Returns whether the answer was accepted.
    pub(super) fn answer(&self, consent: Consent) -> bool {
        let mut is_taken = false;
        self.live.change(|seen| {
            // Only the first answer counts.
            if matches!(seen.phase, Phase::Asking(..)) {
                if let Consent::Yes {
                    first: Some(first), ..
                } = &consent
                {
                    self.first.store(*first, Ordering::Relaxed);
                }
                is_taken = self.answer.try_send(consent).is_ok();
                // A page that is loaded before the job continues must not show the plan again.
                if is_taken {
                    seen.start_sending();
                }
            }
        });
        is_taken
    }

    /// Returns whether anything was sent, or may have been.
    pub(super) fn has_sent(&self) -> bool {
        match self.live.seen().phase {
            Phase::Reading | Phase::LookingUp(..) | Phase::Asking(..) => false,
            Phase::Sending => true,
            Phase::Ended(end) => end.summary.is_some(),
        }
    }

    /// Returns the number of rows to send and read back before the others.
    pub(super) fn first(&self) -> Option<u64> {
        match &self.task {
            Task::Approve { first, .. } => *first,
            _ => Some(self.first.load(Ordering::Relaxed)).filter(|first| *first > 0),
        }
    }

    /// Returns the people of the first `count` rows, if the job has planned them.
    pub(super) fn first_people(&self, count: u64) -> Result<Option<&FirstPeople>, AppError> {
        if let Some(people) = self.first_people.get() {
            return Ok(Some(people));
        }
        let (Some((journal, run)), Some(prepared)) = (self.journal()?, self.prepared.get()) else {
            return Ok(None);
        };
        let people = FirstPeople::of(&journal, run, prepared, count)?;
        Ok(Some(self.first_people.get_or_init(|| people)))
    }

    /// Returns the people who are new or missing since the last roster.
    pub(super) fn since(&self, plan: &Plan) -> Result<Option<Since>, AppError> {
        if let Some(since) = self.since.get() {
            return Ok(since.clone());
        }
        let Some((journal, run)) = self.journal()? else {
            return Ok(None);
        };
        let since = Since::of(&journal, run, plan, self.prepared.get().map(Arc::as_ref))?;
        Ok(self.since.get_or_init(|| since).clone())
    }

    /// Returns whether the run is an undo.
    pub(super) fn is_undo(&self) -> bool {
        self.is_undo.load(Ordering::Relaxed)
    }

    /// Returns whether the job continues an earlier run.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self.task, Task::Resume(_) | Task::Approve { .. })
    }

    /// Returns whether the job belongs to this file.
    pub(super) fn is_of(&self, opened: &Opened) -> bool {
        self.of.as_ref().is_some_and(|of| of.id == opened.id)
    }

    /// Returns whether rows or columns were changed after the job started.
    pub(super) fn is_stale(&self, opened: &Opened) -> bool {
        self.of
            .as_ref()
            .is_some_and(|of| *of != Revision::from(opened))
    }

    /// Discards or declines the plan, if nothing was sent. Returns whether the job has ended or is about to.
    pub(super) fn discard(&self) -> bool {
        // A run that was approved before is sent without a question.
        let asks = !self.goes_on();
        let mut is_discarded = false;
        self.live.change(|seen| {
            is_discarded = match seen.phase {
                Phase::Ended(_) => true,
                Phase::Sending => false,
                Phase::Asking(..) => {
                    self.answer.try_send(Consent::No).is_ok() || self.was_discarded()
                }
                Phase::Reading | Phase::LookingUp(..) if asks => {
                    self.session.stop.ask(StopRequest::Finish);
                    true
                }
                Phase::Reading | Phase::LookingUp(..) => false,
            };
            if is_discarded {
                self.is_discarded.store(true, Ordering::Relaxed);
            }
        });
        is_discarded
    }

    /// Returns the rows of the undone run that the user left out of an undo.
    pub(super) fn left_out(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the plan was discarded or declined.
    pub(super) fn was_discarded(&self) -> bool {
        self.is_discarded.load(Ordering::Relaxed)
    }

    /// Returns why the job ended early, and the reasons for the IT department if they are technical.
    pub(super) fn why(&self, end: &End) -> (Vec<String>, Option<String>) {
        let system = self.prepared.get();
        let system = system.map(|prepared| system_name(prepared.checker.spec()));
        let system = system.unwrap_or_else(|| say().console_the_system());
        let damaged = end.damaged.iter().map(|one| (one.to_string(), None));
        let error = end.error.as_ref();
        let error = error.map(|error| error_in_words(error, self.told(with_causes(error))));
        let stop = end.stop.as_ref().map(|stop| match stop {
            Stop::Held { why } => (held_in_words(why), None),
            stop => stop_in_words(stop.fact().code(), stop.for_person(), &system),
        });
        let (texts, technical): (Vec<String>, Vec<Option<String>>) =
            damaged.chain(error).chain(stop).unzip();
        (texts, technical.into_iter().flatten().next())
    }

    /// Returns an error with the name of the file instead of the path of an upload.
    fn told(&self, text: String) -> String {
        let file = match &self.task {
            Task::Import { roster, .. } => &roster.file,
            Task::Retry { settings, .. } => &settings.roster.file,
            Task::Resume(_) | Task::Approve { .. } | Task::Undo { .. } => return text,
        };
        named(text, file, &self.file)
    }

    /// Returns the consent to a plan that has exactly the changes that were confirmed before.
    fn agreed(&self, proposal: &Proposal<'_>) -> Option<Consent> {
        let Task::Undo {
            agreed: Some(agreed),
            ..
        } = &self.task
        else {
            return None;
        };
        let planned = || -> Result<_, AppError> {
            let journal = Journal::open(&self.session.state)?;
            let run = journal.run(Some(proposal.run))?.id;
            digests(&journal, run, |_| true)
        };
        // Without a comparison, the user is asked.
        let is_same = planned().is_ok_and(|planned| planned == agreed.calls);
        (is_same && proposal.conflicts.is_empty()).then(|| Consent::Yes {
            first: agreed.first,
            kept: BTreeSet::new(),
            note: None,
        })
    }

    /// Shows the plan, and waits for an answer or a stop. A plan that was confirmed before is sent.
    pub(super) fn ask(&self, proposal: &Proposal<'_>) -> Consent {
        let mut agreed = self.agreed(proposal);
        self.live.change(|seen| {
            seen.run = Some(proposal.run.to_owned());
            let conflicts = proposal.conflicts.iter().map(|&found| found.clone());
            seen.plan = Some(Arc::new(proposal.plan.clone()));
            // A plan that was discarded in the meantime is not sent.
            agreed = agreed.take().filter(|_| !self.was_discarded());
            match &agreed {
                Some(Consent::Yes { first, .. }) => {
                    self.first
                        .store(first.unwrap_or_default(), Ordering::Relaxed);
                    seen.start_sending();
                }
                _ => {
                    let plan = Box::new(proposal.plan.clone());
                    seen.phase = Phase::Asking(plan, conflicts.collect());
                }
            }
        });
        if let Some(agreed) = agreed {
            return agreed;
        }
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if self.was_discarded() {
            return Consent::No;
        }
        loop {
            match asked.recv_timeout(LOOK) {
                // The answer has changed the phase already.
                Ok(consent) => return consent,
                Err(mpsc::RecvTimeoutError::Timeout) if !self.session.stop.is_asked() => {}
                Err(_) => return Consent::No,
            }
        }
    }

    /// Returns the journal, and the number of this job's run in it.
    pub(super) fn journal(&self) -> Result<Option<(Journal, i64)>, AppError> {
        let Some(name) = self.live.seen().run else {
            return Ok(None);
        };
        let journal = Journal::open(&self.session.state)?;
        let run = journal.run(Some(&name))?.id;
        Ok(Some((journal, run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::desk::desk;
    use crate::events::Unobserved;

    #[test]
    fn a_plan_that_is_declined_is_never_shown_as_being_sent() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let session = desk.session(Box::new(Unobserved)).unwrap();
        let task = Task::Resume("run".into());
        let job = Job::new(task, ("r.csv".into(), None), Live::new(), session);
        let plan = Plan::default();
        let proposal = Proposal {
            run: "run",
            plan: &plan,
            conflicts: &[],
        };
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| job.ask(&proposal));
            while !matches!(job.live.seen().phase, Phase::Asking(..)) {
                std::thread::yield_now();
            }
            assert!(job.discard());
            assert_eq!(asking.join().unwrap(), Consent::No);
        });
        assert!(matches!(job.live.seen().phase, Phase::Asking(..)));
    }
}
