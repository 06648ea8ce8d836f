use std::path::{Path, PathBuf};
use std::time::Duration;

use super::queue::{Done, Waiting, begin_slice, database_of, end, later, move_to, queue_of};
use crate::app::{AppError, Notifications, Session, Wanted, forget_spooled, ready, spool};
use crate::events::Unobserved;
use crate::journal::{Journal, JournalError, RosterLock, RunRecord, RunState, State};
use crate::l10n::say;
use crate::model::{Exit, Summary, with_causes};
use crate::report::ReportError;
use crate::run::{
    Consent, Context, Queued, RunError, Settings, Slice, Sliced, Start, import_slice, quota_account,
};
use crate::send::{Credentials, SendError, Stop};
use crate::targets::TargetSpec;

/// Rows that a slice sends at most.
const ROWS: usize = 500;

/// The longest that a slice waits for its quota before it leaves the rest for later.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long after a failure that may pass a file is tried again.
const PAUSE: f64 = 300.0;

/// What a worker knows of its profiles: secrets are not in the queue.
pub trait FleetDoor: Sync {
    /// How a file is imported as a profile says, and who is told of it.
    ///
    /// # Errors
    /// When that cannot be known here.
    fn wanted<'a>(
        &'a self,
        session: &'a Session,
        file: &Path,
        profile: Option<&str>,
    ) -> Result<(Wanted<'a>, Notifications), AppError>;

    /// The credentials of a profile, and who is told of its runs.
    ///
    /// # Errors
    /// When they are not here.
    fn credentials(
        &self,
        profile: Option<&str>,
        spec: &TargetSpec,
    ) -> Result<(Credentials, Notifications), AppError>;

    /// Hears what became of a slice.
    fn heard(&self, what: Heard<'_>);
}

/// What became of a slice.
#[derive(Debug)]
pub enum Heard<'a> {
    /// There is more to do.
    Later {
        /// The file.
        file: &'a str,
        /// Its run, once it has begun.
        run: Option<&'a str>,
        /// How much later.
        after: Duration,
        /// What kept it, where something did.
        why: Option<&'a str>,
    },
    /// The run has ended, or somebody has to see to it.
    Ended(&'a Ended),
}

/// The end of a file's way through the queue.
#[derive(Debug)]
pub struct Ended {
    /// The file.
    pub file: String,
    /// Its run's figures, where it came to any.
    pub summary: Option<Box<Summary>>,
    /// Why it ended, where it did not come to its end.
    pub why: Option<String>,
}

/// What a slice needs of the worker that does it.
pub(super) struct Worker<'a> {
    pub(super) door: &'a dyn FleetDoor,
    pub(super) state: &'a State,
    pub(super) session: &'a (dyn Fn(State) -> Result<Session, AppError> + Sync),
    pub(super) owner: &'a str,
}

/// Whether another process has taken over, or the database is away: then nothing can be recorded here.
fn is_of_the_journal(error: &AppError) -> bool {
    match error {
        AppError::Run(RunError::Broken { .. }) => true,
        AppError::Run(
            RunError::Journal(error)
            | RunError::Send(SendError::Journal(error))
            | RunError::Report(ReportError::Journal(error)),
        ) => !matches!(
            error,
            JournalError::NoRun { .. } | JournalError::DamagedRun { .. }
        ),
        _ => false,
    }
}

/// How a run in the queue is imported.
struct Plan<'a> {
    wanted: Wanted<'a>,
    notifications: Notifications,
    record: Option<RunRecord>,
}

impl Worker<'_> {
    /// Does a slice of file number `id`, which waits in `queue`. Whatever becomes of it, it is in the queue
    /// again or has ended there when this returns; an error means that another process has taken it over,
    /// or that the database is away, and that it has to be looked for again.
    pub(super) fn slice(&self, id: i64, queue: &str) -> Result<(), AppError> {
        let database = database_of(self.state)?;
        let Some(waiting) = begin_slice(database, id, self.owner)? else {
            return Ok(());
        };
        match self.attempt(&waiting, queue) {
            Err(error) if is_of_the_journal(&error) => Err(error),
            Err(error) => self.failed(&waiting, &error),
            Ok(()) => Ok(()),
        }
    }

    fn attempt(&self, waiting: &Waiting, queue: &str) -> Result<(), AppError> {
        let file = spool(self.state, &waiting.sha256, &waiting.file)?;
        let bare = (self.session)(self.state.clone())?;
        let plan = self.plan(&bare, waiting, &file)?;
        let (settings, credentials) = (&plan.wanted.settings, &plan.wanted.credentials);
        let spec = &plan.wanted.spec;
        let account = quota_account(settings, spec, credentials, bare.clock.clone())?;
        if waiting.account.as_deref() != Some(&account) || queue != queue_of(&account) {
            return Ok(move_to(database_of(self.state)?, waiting.id, &account)?);
        }
        // From here on whoever did this before, and was taken for dead, may change nothing more.
        let fence = database_of(self.state)?.begin(&queue_of(&account))?;
        let session = (self.session)(self.state.fenced(vec![fence]))?;
        let held = RosterLock::take(&session.state, Path::new(&format!("queued {}", waiting.id)))?;
        let Some(_held) = held else {
            let why = say().fleet_still_held();
            return self.leave(&session, waiting, Done::default(), (20.0, Some(&why)));
        };
        self.import(&session, waiting, plan, file)
    }

    /// How the file is imported: as its run was asked for, once it has begun.
    fn plan<'a>(
        &'a self,
        session: &'a Session,
        waiting: &Waiting,
        file: &Path,
    ) -> Result<Plan<'a>, AppError> {
        let profile = waiting.profile.as_deref();
        let known = match &waiting.run {
            Some(name) => Some(Journal::open(self.state)?.run(Some(name))?),
            None => None,
        };
        let (mut wanted, notifications) = match &known {
            // Nothing is written beside it, and nobody finds what lies in the spool.
            None => self
                .door
                .wanted(session, Path::new(&waiting.file), profile)?,
            Some(record) => {
                let settings = Settings::of(record)?;
                let mut told = Notifications::default();
                let wanted = Wanted::again(settings, |spec| {
                    let (credentials, notifications) = self.door.credentials(profile, spec)?;
                    told = notifications;
                    Ok(credentials)
                })?;
                (wanted, told)
            }
        };
        wanted.holds = false;
        wanted.settings.roster.file = file.to_owned();
        wanted.settings.roster.read.copy = false;
        wanted.settings.dropped_as = Path::new(&waiting.file)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        wanted.settings.queued = Some(Queued {
            id: waiting.id,
            file: waiting.file.clone(),
        });
        Ok(Plan {
            wanted,
            notifications,
            record: known,
        })
    }

    fn import(
        &self,
        session: &Session,
        waiting: &Waiting,
        plan: Plan<'_>,
        file: PathBuf,
    ) -> Result<(), AppError> {
        let start = match plan.record {
            None => Start::New("import"),
            Some(record) => match record.state {
                RunState::Finished | RunState::Replaced => {
                    // Its end was recorded, and not here yet.
                    return self.ended(session, waiting, Done::default(), record.summary, None);
                }
                RunState::Held if !waiting.is_approved => {
                    let why = record.held.clone();
                    return self.ended(session, waiting, Done::default(), record.summary, why);
                }
                RunState::Held => Start::Approve(Box::new(record)),
                RunState::Planning if waiting.is_approved => Start::Approve(Box::new(record)),
                _ => Start::Resume(Box::new(record)),
            },
        };
        let Wanted {
            spec,
            settings,
            credentials,
            ..
        } = plan.wanted;
        let ready = ready(
            session,
            Wanted {
                spec,
                settings,
                credentials,
                holds: false,
                play: None,
            },
        )?;
        let context = Context {
            clock: session.clock.clone(),
            seed: rand::random(),
            credentials: ready.credentials.clone(),
            state: session.state.clone(),
            journal_flag: session.journal_flag.clone(),
            observer: &Unobserved,
            agree: &|_| Consent::Yes,
            stop: session.stop.receiver(),
        };
        let slice = Slice {
            rows: ROWS,
            patience: PATIENCE,
            retries_before: waiting.retries.unsigned_abs(),
            throttled_before: waiting.throttled.unsigned_abs(),
        };
        let (sliced, made) =
            import_slice(&ready.prepared, &ready.settings, start, slice, &context)?;
        let done = Done {
            requests: made.requests,
            retries: made.retries,
            throttled: made.throttled,
        };
        match sliced {
            Sliced::Later(after) => self.leave(session, waiting, done, (after.as_secs_f64(), None)),
            Sliced::Ended(ended) => {
                let passes = matches!(
                    ended.stop,
                    Some(Stop::Unreachable { .. } | Stop::Failing { .. } | Stop::LookUp { .. })
                );
                if let Some(stop) = ended.stop.as_ref().filter(|_| passes) {
                    let why = stop.to_string();
                    return self.leave(session, waiting, done, (PAUSE, Some(&why)));
                }
                let inbox = None;
                plan.notifications.send(session, inbox, &ended.summary);
                let why = ended.stop.as_ref().map(ToString::to_string);
                let json = serde_json::to_string(&ended.summary).ok();
                self.ended(session, waiting, done, json, why)?;
                forget_spooled(&file);
                Ok(())
            }
        }
    }

    /// Leaves the rest for later.
    fn leave(
        &self,
        session: &Session,
        waiting: &Waiting,
        done: Done,
        (after, why): (f64, Option<&str>),
    ) -> Result<(), AppError> {
        later(database_of(&session.state)?, waiting, done, after, why)?;
        self.door.heard(Heard::Later {
            file: &waiting.file,
            run: waiting.run.as_deref(),
            after: Duration::from_secs_f64(after),
            why,
        });
        Ok(())
    }

    fn ended(
        &self,
        session: &Session,
        waiting: &Waiting,
        done: Done,
        summary: Option<String>,
        why: Option<String>,
    ) -> Result<(), AppError> {
        let summary = summary.and_then(|json| serde_json::from_str::<Summary>(&json).ok());
        let exit = summary
            .as_ref()
            .map_or(Exit::CannotDo, |summary| summary.exit_code);
        let state = match exit {
            Exit::Success | Exit::RowsFailed => "finished",
            Exit::Held => "held",
            _ => "stopped",
        };
        let code = i32::from(exit.code());
        end(
            database_of(&session.state)?,
            waiting.id,
            state,
            code,
            done,
            why.as_deref(),
        )?;
        self.door.heard(Heard::Ended(&Ended {
            file: waiting.file.clone(),
            summary: summary.map(Box::new),
            why,
        }));
        Ok(())
    }

    /// What cannot be read by anybody has ended; anything else may be there on another machine, or soon.
    fn failed(&self, waiting: &Waiting, error: &AppError) -> Result<(), AppError> {
        let database = database_of(self.state)?;
        let why = with_causes(error);
        if let AppError::Run(RunError::Read(_) | RunError::Map { .. } | RunError::Key { .. }) =
            error
        {
            let code = i32::from(error.exit().code());
            end(
                database,
                waiting.id,
                "failed",
                code,
                Done::default(),
                Some(&why),
            )?;
            self.door.heard(Heard::Ended(&Ended {
                file: waiting.file.clone(),
                summary: None,
                why: Some(why),
            }));
            return Ok(());
        }
        later(database, waiting, Done::default(), PAUSE, Some(&why))?;
        self.door.heard(Heard::Later {
            file: &waiting.file,
            run: waiting.run.as_deref(),
            after: Duration::from_secs_f64(PAUSE),
            why: Some(&why),
        });
        Ok(())
    }
}
