use std::path::Path;
use std::time::Duration;

use super::queue::{
    Claimed, Waiting, begin_slice, database_of, end, later, look, move_to, not_here, queue_of,
};
use crate::app::{
    AppError, Notifications, Session, Wanted, forget_spooled, ready, refuse_undone, spool, spooled,
};
use crate::events::Unobserved;
use crate::journal::{Journal, JournalError, RunRecord, RunState, State};
use crate::model::{Code, Exit, Fact, Summary};
use crate::read::{Origin, ReadError};
use crate::report::ReportError;
use crate::run::{
    Context, Made, Queued, RunError, Settings, Slice, Sliced, Start, import_slice, quota_account,
};
use crate::send::{Credentials, SendError, Stop};
use crate::targets::TargetSpec;

/// Rows that a slice sends at most.
const ROWS: usize = 500;

/// The longest that a slice waits for its quota before it leaves the rest for later.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long after one worker could not begin a file any of them looks at it again, in seconds.
const SOON: f64 = 10.0;

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

    /// Who is told of a profile's files.
    fn notifications(&self, profile: Option<&str>) -> Notifications;

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
        why: Option<&'a Fact>,
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
    pub why: Option<Fact>,
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
    pub(super) fn slice(&self, id: i64, queue: &str, claimed: &Claimed) -> Result<(), AppError> {
        let database = database_of(self.state)?;
        let Some(found) = look(database, id, claimed)? else {
            return Ok(());
        };
        match self.account_of(&found) {
            Err(error) if is_of_the_journal(&error) => Err(error),
            // It may be known on another machine, or soon.
            Err(error) => {
                let why = error.fact();
                not_here(database, &found, claimed, SOON, &why)?;
                self.tell_later(&found, SOON, Some(&why));
                Ok(())
            }
            Ok(account) if is_there(&found, queue, &account) => self.begin(id, claimed, &account),
            Ok(account) => Ok(move_to(database, id, claimed, &account)?),
        }
    }

    /// The quota that a file draws on.
    fn account_of(&self, found: &Waiting) -> Result<String, AppError> {
        let session = (self.session)(self.state.clone())?;
        let Plan { wanted, .. } = self.plan(&session, found, Path::new(&found.file))?;
        let clock = session.clock.clone();
        Ok(quota_account(
            &wanted.settings,
            &wanted.spec,
            &wanted.credentials,
            clock,
        )?)
    }

    fn begin(&self, id: i64, claimed: &Claimed, account: &str) -> Result<(), AppError> {
        let database = database_of(self.state)?;
        // From here on whoever did this before, and was taken for dead, may change nothing more.
        let begun = begin_slice(database, id, claimed, account, self.owner)?;
        let Some((waiting, fence)) = begun else {
            return Ok(());
        };
        let session = (self.session)(self.state.fenced(vec![fence]))?;
        match self.attempt(&session, &waiting) {
            Err(error) if is_of_the_journal(&error) => Err(error),
            Err(error) => self.failed(&session, &waiting, &error),
            Ok(()) => Ok(()),
        }
    }

    fn attempt(&self, session: &Session, waiting: &Waiting) -> Result<(), AppError> {
        let file = spool(
            &session.state,
            &waiting.sha256,
            &waiting.file,
            &own(waiting),
        )?;
        let plan = self.plan(session, waiting, &file)?;
        let done = self.import(session, waiting, plan);
        forget_spooled(&file);
        done
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
            Some(name) => match Journal::open(self.state)?.run(Some(name)) {
                // It was forgotten: it begins anew.
                Err(JournalError::NoRun { .. }) => None,
                known => Some(known?),
            },
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
        wanted.settings.roster.read.origin = Origin::Named;
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

    fn import(&self, session: &Session, waiting: &Waiting, plan: Plan<'_>) -> Result<(), AppError> {
        let Plan {
            wanted,
            notifications,
            record,
        } = plan;
        let start = match record {
            None => Start::New("import"),
            Some(record) => match record.state {
                RunState::Finished | RunState::Replaced | RunState::Undone => {
                    // Its end was recorded, and not here yet.
                    let told = (Made::default(), summary_of(&record), None);
                    return self.ended(session, waiting, told, &notifications);
                }
                RunState::Held if !waiting.is_approved => {
                    let summary = summary_of(&record);
                    let held = summary.as_ref().and_then(|summary| summary.held_by);
                    let why =
                        held.map_or(Fact::new(Code::RunHeld), |why| Stop::Held { why }.fact());
                    let told = (Made::default(), summary, Some(why));
                    return self.ended(session, waiting, told, &notifications);
                }
                RunState::Held => Start::Approve(Box::new(record)),
                RunState::Planning if waiting.is_approved => Start::Approve(Box::new(record)),
                _ => Start::Resume(Box::new(record)),
            },
        };
        let ready = ready(session, wanted)?;
        if matches!(start, Start::New(_)) {
            refuse_undone(session, &ready)?;
        }
        let content = ready.prepared.input.sha256().map_err(RunError::from)?;
        if content != waiting.sha256 {
            // What lies here is cut, or another one; it is fetched anew.
            let why = Fact::new(Code::QueueOtherContent).at_path(Path::new(&waiting.file));
            return self.leave(session, waiting, Made::default(), (PAUSE, Some(&why)));
        }
        let context = Context {
            clock: session.clock.clone(),
            seed: rand::random(),
            credentials: ready.credentials.clone(),
            state: session.state.clone(),
            journal_flag: session.journal_flag.clone(),
            observer: &Unobserved,
            agree: None,
            stop: session.stop.receiver(),
        };
        let slice = Slice {
            rows: ROWS,
            patience: PATIENCE,
            retries_before: waiting.retries.unsigned_abs(),
            throttled_before: waiting.throttled.unsigned_abs(),
        };
        let (sliced, done) =
            import_slice(&ready.prepared, &ready.settings, start, slice, &context)?;
        match sliced {
            Sliced::Later(after) => self.leave(session, waiting, done, (after.as_secs_f64(), None)),
            Sliced::Ended(ended) => match ended.stop {
                // An address that does not answer may, later.
                Some(stop @ (Stop::Unreachable { .. } | Stop::LookUp { .. })) => {
                    let why = stop.fact();
                    self.leave(session, waiting, done, (PAUSE, Some(&why)))
                }
                stop => {
                    let why = stop.as_ref().map(Stop::fact);
                    let told = (done, Some(ended.summary), why);
                    self.ended(session, waiting, told, &notifications)
                }
            },
        }
    }

    /// Leaves the rest for later.
    fn leave(
        &self,
        session: &Session,
        waiting: &Waiting,
        done: Made,
        (after, why): (f64, Option<&Fact>),
    ) -> Result<(), AppError> {
        later(database_of(&session.state)?, waiting, done, after, why)?;
        self.tell_later(waiting, after, why);
        Ok(())
    }

    fn tell_later(&self, waiting: &Waiting, after: f64, why: Option<&Fact>) {
        self.door.heard(Heard::Later {
            file: &waiting.file,
            run: waiting.run.as_deref(),
            after: Duration::from_secs_f64(after),
            why,
        });
    }

    /// Ends the file's way through the queue, and tells those who are to be told.
    fn ended(
        &self,
        session: &Session,
        waiting: &Waiting,
        (done, summary, why): (Made, Option<Summary>, Option<Fact>),
        notifications: &Notifications,
    ) -> Result<(), AppError> {
        let exit = summary
            .as_ref()
            .map_or(Exit::CannotDo, |summary| summary.exit_code);
        let state = match exit {
            Exit::Success | Exit::RowsFailed => "finished",
            Exit::Held => "held",
            _ => "stopped",
        };
        let code = i32::from(exit.code());
        let database = database_of(&session.state)?;
        end(database, waiting, state, code, done, why.as_ref())?;
        if let Some(summary) = &summary {
            notifications.send(session, None, summary);
        }
        self.door.heard(Heard::Ended(&Ended {
            file: waiting.file.clone(),
            summary: summary.map(Box::new),
            why,
        }));
        Ok(())
    }

    /// What cannot be read by anybody has ended; anything else may be there on another machine, or soon.
    fn failed(
        &self,
        session: &Session,
        waiting: &Waiting,
        error: &AppError,
    ) -> Result<(), AppError> {
        let mut why = error.fact();
        // Nobody knows the copy that was read here.
        let copy = spooled(
            &session.state,
            &waiting.sha256,
            &waiting.file,
            &own(waiting),
        );
        if why.path() == Some(copy.as_path()) {
            why = why.at_path(Path::new(&waiting.file));
        }
        let is_unreadable = match error {
            AppError::Run(RunError::Read(ReadError::Io { .. })) => false,
            AppError::Run(
                RunError::Read(_)
                | RunError::Map { .. }
                | RunError::Key { .. }
                | RunError::Undone { .. },
            ) => true,
            _ => false,
        };
        if !is_unreadable {
            return self.leave(session, waiting, Made::default(), (PAUSE, Some(&why)));
        }
        let code = i32::from(error.exit().code());
        let database = database_of(&session.state)?;
        let done = Made::default();
        end(database, waiting, "failed", code, done, Some(&why))?;
        let profile = waiting.profile.as_deref();
        let notifications = self.door.notifications(profile);
        notifications.failed(session, Path::new(&waiting.file), None, error);
        self.door.heard(Heard::Ended(&Ended {
            file: waiting.file.clone(),
            summary: None,
            why: Some(why),
        }));
        Ok(())
    }
}

/// What tells this process's copy of a file from others.
fn own(waiting: &Waiting) -> String {
    format!("{}-{}", waiting.id, std::process::id())
}

/// Whether a file waits in the queue of its quota already.
fn is_there(waiting: &Waiting, queue: &str, account: &str) -> bool {
    waiting.account.as_deref() == Some(account) && queue == queue_of(account)
}

/// A run's figures, where it came to any.
fn summary_of(record: &RunRecord) -> Option<Summary> {
    serde_json::from_str(record.summary.as_deref()?).ok()
}
