//! A console job plans or sends a run in the background.

use std::ops::RangeInclusive;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::door::Door;
use super::live::{End, Live, Phase};
use super::played::PlayedApis;
use crate::app::{
    AppError, Decisions, GoOn, Job as AppJob, NamedPaths, Session, Wanted, begin, decide, go_on,
    ready, refuse_undone, resumed, undone,
};
use crate::journal::{Journal, RunRecord};
use crate::l10n::say;
use crate::model::with_causes;
use crate::run::{Consent, Prepared, Proposal, Roster, RunError, Settings, Start};
use crate::send::Stop;

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
    },
    /// What a run changed is put back.
    Undo(String),
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
    pub(super) live: Arc<Live>,
    pub(super) session: Session,
    /// The roster, once it is read: what its pages take words from.
    pub(super) prepared: OnceLock<Arc<Prepared>>,
    answer: SyncSender<Consent>,
    asked: Mutex<Receiver<Consent>>,
}

/// Time between two looks for a stop while somebody is asked.
const LOOK: Duration = Duration::from_millis(200);

impl Job {
    /// A job that has not begun.
    pub(super) fn new(task: Task, file: String, live: Arc<Live>, session: Session) -> Job {
        let (answer, asked) = mpsc::sync_channel(1);
        Job {
            task,
            file,
            live,
            session,
            prepared: OnceLock::new(),
            answer,
            asked: Mutex::new(asked),
        }
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.live.seen().phase, Phase::Ended(_))
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

    /// Answers what the job asks.
    pub(super) fn answer(&self, consent: Consent) {
        // A second answer to one question is none.
        if matches!(self.live.seen().phase, Phase::Asking(..)) {
            let _ = self.answer.try_send(consent);
        }
    }

    /// Does it, to its end.
    pub(super) fn work(&self, means: Means<'_>) {
        let end = match self.done(means) {
            Ok(end) => end,
            Err(AppError::Run(RunError::Declined)) => End::default(),
            Err(error) => End {
                error: Some(with_causes(&error)),
                ..End::default()
            },
        };
        self.live.change(|seen| {
            if let Some(summary) = &end.summary {
                seen.run = Some(summary.run.clone());
            }
            seen.phase = Phase::Ended(Box::new(end));
        });
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
            Task::Undo(name) => {
                let undone = undone(&self.session, name, &NamedPaths::default())?;
                let Some(settings) = undone.settings.clone() else {
                    return Err(AppError::Front(say().cli_nothing_to_undo(name.as_str())));
                };
                let wanted = means.door.again(settings)?;
                let mut end = self.send(means, wanted, |_| Ok(Start::New("undo")))?;
                if !undone.damaged.is_empty() {
                    end.error = Some(undone.damaged.join("\n"));
                }
                Ok(end)
            }
            Task::Resume(name) => self.gone_on(means, name, (GoOn::Resume, None)),
            Task::Approve { run, ticked } => {
                self.gone_on(means, run, (GoOn::Approve, ticked.as_deref()))
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
        (how, ticked): (GoOn, Option<&[RangeInclusive<u64>]>),
    ) -> Result<End, AppError> {
        let paths = NamedPaths::default();
        let (record, settings): (RunRecord, Settings) =
            resumed(&self.session, Some(name), how, &paths)?;
        let wanted = means.door.again(settings)?;
        self.send(means, wanted, |ready| {
            let start = go_on(&self.session, &record, how, ready)?;
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
            seen.phase = Phase::Asking(Box::new(proposal.plan.clone()), conflicts.collect());
        });
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
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
