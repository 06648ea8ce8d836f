//! A console job plans or sends a run in the background.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::door::Door;
use super::live::{End, Live, Phase};
use super::opened::{Opened, named};
use super::played::PlayedApis;
use super::since::Since;
use crate::app::Naming;
use crate::app::{
    Action, AppError, Decisions, FieldNames, GoOn, Job as AppJob, NamedPaths, Selection, Session,
    Wanted, begin, decide, go_on, ready, refuse_undone, resumed, undone,
};
use crate::events::Plan;
use crate::journal::{Journal, JournalError, RunRecord};
use crate::l10n::{Language, say};
use crate::model::{Exit, Summary, with_causes};
use crate::run::{Consent, Prepared, Proposal, Roster, RunError, Settings, Start, rows_seen};
use crate::safe_fs::Folder;
use crate::send::{Stop, StopRequest};

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// The roster on the desk is imported, if it is still the file that was looked at.
    Import {
        /// How it is understood.
        roster: Box<Roster>,
        /// The API.
        target: Option<String>,
        /// SHA-256 of the file that was looked at.
        sha256: String,
        /// Whether an interrupted run of the same file is left.
        fresh: bool,
    },
    /// Rows of a run are tried again.
    Retry {
        /// How, and which rows.
        settings: Box<Settings>,
        /// SHA-256 of the file that was looked at.
        sha256: String,
    },
    /// An interrupted run goes on.
    Resume(String),
    /// A run that a guard holds is released.
    Approve {
        /// The run.
        run: String,
        /// The ticked rows, among the rows that require individual approval.
        ticked: Option<Vec<RangeInclusive<u64>>>,
        /// How many rows are sent and read back before the others, if so.
        first: Option<u64>,
    },
    /// What a run changed is put back.
    Undo {
        /// The run.
        run: String,
        /// The rows of the run that are put back, if not all.
        rows: Option<Selection>,
    },
}

/// What a job is done with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) door: &'a dyn Door,
    pub(super) played: &'a PlayedApis,
}

/// A job in a thread of its own.
pub(super) struct Job {
    pub(super) task: Task,
    /// The name of the file that it is about, for a person.
    pub(super) file: String,
    /// The file on the desk and the revision of it that this is done with, for a job that begins with one.
    of: Option<Revision>,
    pub(super) live: Arc<Live>,
    pub(super) session: Session,
    /// The roster, once it is read: what its pages take words from.
    pub(super) prepared: OnceLock<Arc<Prepared>>,
    /// Who is new or missing since the last roster, once it was looked up.
    since: OnceLock<Option<Since>>,
    answer: SyncSender<Consent>,
    asked: Mutex<Receiver<Consent>>,
    /// How many rows are sent and read back first; 0 for none.
    first: AtomicU64,
    /// The people of these rows, each with what changes.
    first_persons: [OnceLock<Vec<(String, String)>>; 2],
    /// Whether its plan is not to be sent.
    is_discarded: AtomicBool,
    /// The rows of the undone run that a person left out of an undo.
    left_out: Mutex<BTreeSet<u64>>,
}

/// A file on the desk, as it was read and edited at one time.
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

/// Time between two looks for a stop while somebody is asked.
const LOOK: Duration = Duration::from_millis(200);

impl Job {
    /// A job that has not begun.
    pub(super) fn new(
        task: Task,
        (file, of): (String, Option<Revision>),
        live: Arc<Live>,
        session: Session,
    ) -> Job {
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
            first_persons: Default::default(),
            is_discarded: AtomicBool::new(false),
            left_out: Mutex::default(),
        }
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.live.seen().phase, Phase::Ended(_))
    }

    /// Whether it ends within this time.
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

    /// Whether something is being done for which nobody needs to be there.
    pub(super) fn is_at_work(&self) -> bool {
        !matches!(self.live.seen().phase, Phase::Ended(_) | Phase::Asking(..))
    }

    /// Has it be over, though it did not come to its end.
    pub(super) fn broke(&self) {
        let end = End {
            error: Some(say().console_broke()),
            ..End::default()
        };
        self.live
            .change(|seen| seen.phase = Phase::Ended(Box::new(end)));
    }

    /// Answers what the job asks. Returns whether the answer is taken.
    pub(super) fn answer(&self, consent: Consent) -> bool {
        let mut is_taken = false;
        self.live.change(|seen| {
            // A second answer to one question is none.
            if matches!(seen.phase, Phase::Asking(..)) {
                if let Consent::Yes {
                    first: Some(first), ..
                } = &consent
                {
                    self.first.store(*first, Ordering::Relaxed);
                }
                let is_yes = matches!(consent, Consent::Yes { .. });
                is_taken = self.answer.try_send(consent).is_ok();
                // A page that is asked for before the job goes on does not show the plan again.
                if is_taken && is_yes {
                    seen.phase = Phase::Sending;
                    let plan = seen.plan.as_deref();
                    seen.progress.rows = plan.map_or(0, |plan| plan.rows);
                    seen.progress.to_send = plan.map_or(0, |plan| plan.to_send);
                }
            }
        });
        is_taken
    }

    /// Whether something of it has been sent, or may have been.
    pub(super) fn has_sent(&self) -> bool {
        match self.live.seen().phase {
            Phase::Reading | Phase::LookingUp(..) | Phase::Asking(..) => false,
            Phase::Sending => true,
            Phase::Ended(end) => end.summary.is_some(),
        }
    }

    /// How many rows are sent and read back before the others, if so.
    pub(super) fn first(&self) -> Option<u64> {
        match &self.task {
            Task::Approve { first, .. } => *first,
            _ => Some(self.first.load(Ordering::Relaxed)).filter(|first| *first > 0),
        }
    }

    /// The people of the rows that are sent first, each with what changes.
    ///
    /// # Errors
    /// When the journal or the roster cannot be read.
    pub(super) fn first_persons(&self, count: u64) -> Result<Vec<(String, String)>, AppError> {
        // Fields are named in the reader's language.
        let stored = &self.first_persons[Language::spoken() as usize];
        if let Some(persons) = stored.get() {
            return Ok(persons.clone());
        }
        let (Some((journal, run)), Some(prepared)) = (self.journal()?, self.prepared.get()) else {
            return Ok(Vec::new());
        };
        let record = journal.runs()?.into_iter().find(|record| record.id == run);
        let words = record.and_then(|record| FieldNames::of(&journal, &record));
        let mut calls = Vec::new();
        journal.each_call_after::<JournalError>(run, 0, |call, _| {
            let changes = words
                .as_ref()
                .map_or(Vec::new(), |words| words.changes(&call));
            let texts = changes
                .iter()
                .map(|one| format!("{} {}", one.label, one.to));
            calls.push((call.at, texts.collect::<Vec<_>>().join(", ")));
            Ok((calls.len() as u64) < count)
        })?;
        let seen = rows_seen(prepared, |raw, _| {
            calls.iter().any(|(at, _)| at.row == raw.at.row)
        });
        let seen = seen.map_err(RunError::from)?;
        let naming = Naming::of(prepared);
        let named = calls.into_iter().map(|(at, changes)| {
            let seen = seen.iter().find(|seen| seen.at.row == at.row);
            let name = seen.map_or(String::new(), |seen| naming.name(&seen.cells));
            (name, changes)
        });
        let persons: Vec<(String, String)> = named.collect();
        let _ = stored.set(persons.clone());
        Ok(persons)
    }

    /// Who is new or missing since the last roster.
    ///
    /// # Errors
    /// When the journal or the roster cannot be read.
    pub(super) fn since(&self, plan: &Plan) -> Result<Option<Since>, AppError> {
        if let Some(since) = self.since.get() {
            return Ok(since.clone());
        }
        let Some((journal, run)) = self.journal()? else {
            return Ok(None);
        };
        let since = Since::of(&journal, run, plan, self.prepared.get().map(Arc::as_ref))?;
        let _ = self.since.set(since.clone());
        Ok(since)
    }

    /// Whether it goes on with an earlier run.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self.task, Task::Resume(_) | Task::Approve { .. })
    }

    /// Whether it is done with this file.
    pub(super) fn is_of(&self, opened: &Opened) -> bool {
        self.of.as_ref().is_some_and(|of| of.id == opened.id)
    }

    /// Whether its rows or columns were changed since it began.
    pub(super) fn is_stale(&self, opened: &Opened) -> bool {
        self.of
            .as_ref()
            .is_some_and(|of| *of != Revision::from(opened))
    }

    /// Discards its plan, if nothing of it has been sent. Returns whether it has ended or is about to.
    pub(super) fn discard(&self) -> bool {
        // What was agreed to before is sent without a question.
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

    /// The rows of the undone run that a person left out of an undo.
    pub(super) fn left_out(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_discarded(&self) -> bool {
        self.is_discarded.load(Ordering::Relaxed)
    }

    /// Forgets the run of a plan that was discarded before it was complete: nothing of it was sent.
    ///
    /// # Errors
    /// When the journal cannot be written.
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

    /// Does it, to its end.
    pub(super) fn work(&self, means: Means<'_>) {
        let end = match self.done(means) {
            Ok(end) => end,
            Err(AppError::Run(RunError::Declined)) => End::default(),
            Err(error) => End {
                error: Some(self.told(with_causes(&error))),
                ..End::default()
            },
        };
        let end = match &end.summary {
            // Stopped before it was complete.
            Some(summary) if self.was_discarded() => End {
                error: self.forget(summary).err().map(|error| with_causes(&error)),
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

    /// An error with the file's name, and not with where an upload is stored.
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
            Task::Undo { run: name, rows } => {
                let named = NamedPaths::default();
                let undone = undone(&self.session, name, rows.as_ref(), &named)?;
                let Some(settings) = undone.settings.clone() else {
                    return Err(AppError::Front(say().cli_nothing_to_undo(name.as_str())));
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
                    // It holds personal data, and nothing was restored. A file that stays does no harm.
                    let _ = remove(&file);
                }
                let mut end = sent?;
                if !undone.damaged.is_empty() {
                    end.error = Some(undone.damaged.join("\n"));
                }
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
            // The person who looks at the plan decides about rows that were put back before.
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
            // What was mended since makes it another run than one that was interrupted.
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

    /// Sends what is wanted, and asks first where somebody is to be asked.
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
        // Nobody else sets it.
        let _ = self.prepared.set(ready.prepared.clone());
        let start = start(&mut ready)?;
        let notifications = means.door.notifications();
        // A run that was stopped before it was planned to its end is planned anew, and asks.
        let is_approved = matches!(start, Start::Approve(_));
        let agreed = is_approved && !ready.settings.delivery.edits.asks();
        // The plan of a run that is approved was shown; only its conflicts are to be decided.
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
        let why = ended.stop.as_ref().map(Stop::for_person);
        Ok(End {
            why,
            summary: Some(ended.summary),
            ..End::default()
        })
    }

    /// Shows the plan, and waits for an answer, or for a stop.
    fn ask(&self, proposal: &Proposal<'_>) -> Consent {
        self.live.change(|seen| {
            seen.run = Some(proposal.run.to_owned());
            let conflicts = proposal.conflicts.iter().map(|&found| found.clone());
            seen.plan = Some(Arc::new(proposal.plan.clone()));
            seen.phase = Phase::Asking(Box::new(proposal.plan.clone()), conflicts.collect());
        });
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if self.was_discarded() {
            return Consent::No;
        }
        loop {
            match asked.recv_timeout(LOOK) {
                Ok(consent) => {
                    self.live.change(|seen| seen.phase = Phase::Sending);
                    return consent;
                }
                Err(mpsc::RecvTimeoutError::Timeout) if !self.session.stop.is_asked() => {}
                Err(_) => return Consent::No,
            }
        }
    }

    /// The journal, and the number in it of the run that this job makes.
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

/// Refuses a file that is not the one that was looked at.
fn refuse_other(ready: &crate::app::Ready, sha256: &str) -> Result<(), AppError> {
    let found = ready.prepared.input.sha256().map_err(RunError::from)?;
    match found == sha256 {
        true => Ok(()),
        false => Err(AppError::Front(say().console_file_changed())),
    }
}

/// What is wanted of a roster, as the console understands it.
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
