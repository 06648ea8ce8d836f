//! Jobs that plan or send a run in the background.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::door::Door;
use super::first::FirstPeople;
use super::live::{End, Live, Phase};
use super::opened::{Opened, named};
use super::played::PlayedApis;
use super::since::Since;
use super::words::{error_in_words, held_in_words, stop_in_words, system_name};
use crate::app::{
    Action, AppError, Decisions, GoOn, Job as AppJob, NamedPaths, Selection, Session, Wanted,
    begin, decide, go_on, ready, refuse_undone, resumed, undone,
};
use crate::events::Plan;
use crate::journal::{Journal, RunRecord};
use crate::l10n::{message, say};
use crate::model::{Exit, Summary, with_causes};
use crate::run::{Consent, Prepared, Proposal, Roster, RunError, Settings, Start, to_json};
use crate::safe_fs::Folder;
use crate::send::{Stop, StopRequest};

/// The task of a job.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// Imports the open roster, if the file is unchanged since it was opened.
    Import {
        /// The interpretation of the roster.
        roster: Box<Roster>,
        /// The target.
        target: Option<String>,
        /// The SHA-256 digest of the opened file.
        sha256: String,
        /// Whether to start over instead of resuming an interrupted run of the same file.
        fresh: bool,
    },
    /// Resends rows of a run.
    Retry {
        /// The settings, with the rows.
        settings: Box<Settings>,
        /// The SHA-256 digest of the opened file.
        sha256: String,
    },
    /// Resumes an interrupted run.
    Resume(String),
    /// Releases a run that a guard holds.
    Approve {
        /// The run.
        run: String,
        /// The ticked rows, among the rows that require individual approval.
        ticked: Option<Vec<RangeInclusive<u64>>>,
        /// The number of rows to send and read back before the others.
        first: Option<u64>,
    },
    /// Restores the values that a run changed.
    Undo {
        /// The run.
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
    /// The digests of the changes.
    pub(super) calls: BTreeSet<[u8; 32]>,
    /// The number of rows to send and read back before the others.
    pub(super) first: Option<u64>,
}

/// Returns the digests of the changes of a run in these rows: the records, and their values before and after. Damaged
/// changes are left out: they are not sent.
///
/// # Errors
/// Fails if the journal cannot be read.
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

/// The resources of a job.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) door: &'a dyn Door,
    pub(super) played: &'a PlayedApis,
}

/// A job in its own thread.
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
    /// Whether the plan was discarded.
    is_discarded: AtomicBool,
    /// Whether the run is an undo, or continues one.
    is_undo: AtomicBool,
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

    /// Returns whether the job has ended.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.live.seen().phase, Phase::Ended(_))
    }

    /// Returns whether the job ends within this time.
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
    ///
    /// # Errors
    /// Fails if the journal or the roster cannot be read.
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
    ///
    /// # Errors
    /// Fails if the journal or the roster cannot be read.
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

    /// Deletes the run of a plan that was discarded before it was complete. Nothing was sent.
    ///
    /// # Errors
    /// Fails if the journal cannot be written.
    fn forget(&self, summary: &Summary) -> Result<(), AppError> {
        let mut journal = Journal::open(&self.session.state)?;
        let run = journal.run(Some(&summary.run))?;
        journal.forget(run.id)?;
        let written = [
            &summary.results,
            &summary.failed_rows,
            &summary.new_rows,
            &summary.before,
            &summary.report,
        ];
        for path in written.into_iter().flatten() {
            remove(path).map_err(Action::Write.failed(path))?;
        }
        Ok(())
    }

    /// Runs the job to its end.
    pub(super) fn work(&self, means: Means<'_>) {
        let end = match self.done(means) {
            Ok(end) => end,
            Err(AppError::Run(RunError::Declined)) => End::default(),
            Err(error) => {
                let error = Some(Arc::new(error));
                End {
                    error,
                    ..End::default()
                }
            }
        };
        let end = match &end.summary {
            // The job was stopped before the plan was complete.
            Some(summary) if self.was_discarded() => End {
                error: self.forget(summary).err().map(Arc::new),
                ..End::default()
            },
            _ => end,
        };
        self.live.change(|seen| {
            if let Some(summary) = &end.summary {
                seen.run = Some(summary.run.clone());
            }
            seen.phase = Phase::Ended(Box::new(end));
        });
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

    fn done<'a>(&'a self, means: Means<'a>) -> Result<End, AppError> {
        match &self.task {
            Task::Import {
                roster,
                target,
                sha256,
                fresh,
            } => {
                let wanted = means
                    .door
                    .wanted(&self.session, &roster.file, target.as_deref())?;
                let wanted = understood(wanted, roster);
                self.import(means, wanted, (sha256, *fresh))
            }
            Task::Retry { settings, sha256 } => {
                let wanted = means.door.again((**settings).clone())?;
                self.retry(means, wanted, sha256)
            }
            Task::Undo {
                run: name, rows, ..
            } => {
                let named = NamedPaths::default();
                let undone = undone(&self.session, name, rows.as_ref(), &named)?;
                let Some(settings) = undone.settings.clone() else {
                    return Err(AppError::Front(message::cli_nothing_to_undo(name.as_str())));
                };
                let file = settings.roster.file.clone();
                let sent = means.door.again(settings);
                let sent =
                    sent.and_then(|wanted| self.send(means, wanted, |_| Ok(Start::New("undo"))));
                let is_declined = match &sent {
                    Ok(_) => self.was_discarded(),
                    Err(AppError::Run(RunError::Declined)) => true,
                    Err(error) => error.exit() == Exit::Usage,
                };
                if is_declined {
                    // The file contains personal data, and nothing was restored. A file that cannot be
                    // removed is harmless.
                    let _ = remove(&file);
                }
                let mut end = sent?;
                end.damaged = undone.damaged.into();
                Ok(end)
            }
            Task::Resume(name) => self.gone_on(means, name, (GoOn::Resume, None, None)),
            Task::Approve { run, ticked, first } => {
                self.gone_on(means, run, (GoOn::Approve, ticked.as_deref(), *first))
            }
        }
    }

    fn import<'a>(
        &self,
        means: Means<'a>,
        wanted: Wanted<'a>,
        (sha256, fresh): (&str, bool),
    ) -> Result<End, AppError> {
        let mut unfinished = None;
        let end = self.send(means, wanted, |ready| {
            refuse_other(ready, sha256)?;
            let named = NamedPaths::default();
            // The user who confirms the plan decides about rows that were undone before.
            let start = match begin(&self.session, ready, fresh, "import", &named) {
                Err(AppError::Run(RunError::Undone { .. })) => Start::New("import"),
                start => start?,
            };
            if let Start::Resume(record) = &start {
                unfinished = Some(record.name.clone());
                return Err(RunError::Declined.into());
            }
            Ok(start)
        });
        match (end, unfinished) {
            (Err(AppError::Run(RunError::Declined)), Some(name)) => Ok(End {
                unfinished: Some(name),
                ..End::default()
            }),
            (end, _) => end,
        }
    }

    fn retry<'a>(
        &self,
        means: Means<'a>,
        wanted: Wanted<'a>,
        sha256: &str,
    ) -> Result<End, AppError> {
        self.send(means, wanted, |ready| {
            refuse_other(ready, sha256)?;
            let named = NamedPaths::default();
            refuse_undone(&self.session, ready)?;
            // With later corrections, it is a different run than an interrupted one.
            begin(&self.session, ready, true, "retry", &named)
        })
    }

    fn gone_on(
        &self,
        means: Means<'_>,
        name: &str,
        (how, ticked, first): (GoOn, Option<&[RangeInclusive<u64>]>, Option<u64>),
    ) -> Result<End, AppError> {
        let paths = NamedPaths::default();
        let (record, settings): (RunRecord, Settings) =
            resumed(&self.session, Some(name), how, &paths)?;
        let wanted = means.door.again(settings)?;
        self.send(means, wanted, |ready| {
            let start = go_on(&self.session, &record, how, ready)?;
            if first.is_some() {
                ready.settings.delivery.canary = first;
            }
            if how == GoOn::Approve {
                let decisions = Decisions {
                    rows: ticked,
                    conflicts: None,
                    asks_later: true,
                };
                decide(&self.session, &record, &mut ready.settings, decisions)?;
            }
            Ok(start)
        })
    }

    /// Sends the run, after asking where confirmation is required.
    fn send<'a>(
        &self,
        means: Means<'a>,
        mut wanted: Wanted<'a>,
        start: impl FnOnce(&mut crate::app::Ready) -> Result<Start, AppError>,
    ) -> Result<End, AppError> {
        if let Some(play) = wanted.play.take() {
            let file = wanted.settings.roster.file.clone();
            wanted.play = Some(Box::new(move |prepared| {
                means.played.of(&file, || play(prepared))
            }));
        }
        let mut ready = ready(&self.session, wanted)?;
        // Only this job sets it.
        let _ = self.prepared.set(ready.prepared.clone());
        let start = start(&mut ready)?;
        let undoes = &ready.settings.delivery.undoes;
        self.is_undo.store(undoes.is_some(), Ordering::Relaxed);
        let notifications = means.door.notifications();
        // A run that was stopped during planning is planned again, and asks.
        let is_approved = matches!(start, Start::Approve(_));
        let agreed = is_approved && !ready.settings.delivery.edits.asks();
        // The plan of an approved run was shown before, so only its conflicts are decided.
        let ask = |proposal: &Proposal<'_>| match is_approved && proposal.conflicts.is_empty() {
            true => Consent::from(true),
            false => self.ask(proposal),
        };
        let job = AppJob {
            chooses: true,
            session: &self.session,
            notifications: &notifications,
            credentials: ready.credentials.clone(),
            agree: (!agreed).then_some(&ask),
        };
        let ended = job.send(&ready.prepared, &ready.settings, start)?;
        Ok(End {
            stop: ended.stop,
            summary: Some(ended.summary),
            ..End::default()
        })
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
    fn ask(&self, proposal: &Proposal<'_>) -> Consent {
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

fn remove(path: &Path) -> std::io::Result<()> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Folder::open(folder)?.remove_file(name),
        _ => Ok(()),
    }
}

/// Refuses a file that has changed since it was opened.
fn refuse_other(ready: &crate::app::Ready, sha256: &str) -> Result<(), AppError> {
    let found = ready.prepared.input.sha256().map_err(RunError::from)?;
    match found == sha256 {
        true => Ok(()),
        false => Err(AppError::Front(message::console_file_changed())),
    }
}

/// Applies the console's interpretation of a roster to the settings.
fn understood<'a>(wanted: Wanted<'a>, roster: &Roster) -> Wanted<'a> {
    let mut wanted = wanted;
    let settings = &mut wanted.settings;
    let copy = settings.roster.read.copy;
    settings.roster = Roster {
        sparse: settings.roster.sparse,
        ..roster.clone()
    };
    settings.roster.read.copy = copy;
    wanted
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
