//! A batch sends a bounded number of rows of a queued file.

use std::path::Path;
use std::time::Duration;

use super::queue::{
    Claimed, Waiting, begin_slice, database_of, end, later, look, move_to, not_here, queue_of,
};
use crate::app::{
    AppError, Notifications, Session, Wanted, forget_copies, forget_spooled, ready,
    refuse_misspelt, refuse_undone, spool, spooled,
};
use crate::events::Unobserved;
use crate::journal::{CopyLock, Journal, JournalError, RunRecord, RunState, State};
use crate::log;
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

    /// The recipients of notifications about a profile's files.
    fn notifications(&self, profile: Option<&str>) -> Notifications;

    /// Receives the outcome of a batch.
    fn heard(&self, what: Heard<'_>);
}

/// The outcome of a slice.
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
    /// Why it ended, where it did not end.
    pub why: Option<Fact>,
}

/// What a slice needs of the worker that does it.
pub(super) struct Worker<'a> {
    pub(super) door: &'a dyn FleetDoor,
    pub(super) state: &'a State,
    pub(super) session: &'a (dyn Fn(State) -> Result<Session, AppError> + Sync),
    pub(super) owner: &'a str,
}

/// What a failure means for the file of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Another process has taken over, or the database is away: nothing can be recorded here.
    OfTheJournal,
    /// The roster is at fault, and will be on any machine: its way through the queue has ended.
    OfTheFile,
    /// It may be otherwise on another machine, or soon.
    MayPass,
}

fn failure(error: &AppError) -> Failure {
    match error {
        AppError::Run(RunError::Broken { .. }) => Failure::OfTheJournal,
        AppError::Run(
            RunError::Journal(error)
            | RunError::Send(SendError::Journal(error))
            | RunError::Report(ReportError::Journal(error)),
        ) => match error {
            JournalError::NoRun { .. } | JournalError::DamagedRun { .. } => Failure::MayPass,
            _ => Failure::OfTheJournal,
        },
        AppError::Run(RunError::Read(ReadError::Io { .. })) => Failure::MayPass,
        AppError::Run(
            RunError::Read(_)
            | RunError::Map { .. }
            | RunError::Key { .. }
            | RunError::Undone { .. },
        )
        | AppError::RosterGone { .. } => Failure::OfTheFile,
        _ => Failure::MayPass,
    }
}

/// What a slice does with a file's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Begins it.
    Begin,
    /// Goes on with it.
    Resume,
    /// Sends what a guard held.
    Approve,
    /// Records in the queue that it has ended.
    End,
    /// Records in the queue that a guard holds it.
    Hold,
}

/// What is to be done with a run that has come to this state, if it has begun; `is_approved` says whether
/// somebody has released it since a guard held it.
fn step(state: Option<RunState>, is_approved: bool) -> Step {
    match state {
        None => Step::Begin,
        // Its end was recorded, and not in the queue yet.
        Some(RunState::Finished | RunState::Replaced | RunState::Undone | RunState::Declined) => {
            Step::End
        }
        Some(RunState::Held) if is_approved => Step::Approve,
        Some(RunState::Held) => Step::Hold,
        // It is planned again after it was released.
        Some(RunState::Planning) if is_approved => Step::Approve,
        Some(RunState::Planning | RunState::Running | RunState::Interrupted) => Step::Resume,
    }
}

/// Whether what stopped a run may be over in a while: an address that does not answer may, later.
fn may_pass(stop: &Stop) -> bool {
    matches!(
        stop,
        Stop::Unreachable { .. } | Stop::Foreign { .. } | Stop::LookUp { .. }
    )
}

/// The state in the queue of a file whose run ended with this code.
fn state_after(exit: Exit) -> &'static str {
    match exit {
        Exit::Success | Exit::RowsFailed => "finished",
        Exit::Held => "held",
        _ => "stopped",
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
            Err(error) if failure(&error) == Failure::OfTheJournal => Err(error),
            // It may be known on another machine, or soon.
            Err(error) => {
                let why = error.fact();
                not_here(database, &found, SOON, &why)?;
                self.tell_later(&found, SOON, Some(&why));
                Ok(())
            }
            Ok(account) if is_there(&found, queue, &account) => self.begin(&found, &account),
            Ok(account) => Ok(move_to(database, &found, &account)?),
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

    fn begin(&self, found: &Waiting, account: &str) -> Result<(), AppError> {
        let database = database_of(self.state)?;
        // From here on whoever did this before, and was taken for dead, may change nothing more.
        let begun = begin_slice(database, found, account, self.owner)?;
        let Some((waiting, fence)) = begun else {
            return Ok(());
        };
        let session = (self.session)(self.state.fenced(vec![fence]))?;
        match self.attempt(&session, &waiting) {
            Err(error) => match failure(&error) {
                Failure::OfTheJournal => Err(error),
                Failure::OfTheFile => self.failed(&session, &waiting, &error),
                Failure::MayPass => {
                    let why = why(&session, &waiting, &error);
                    self.leave(&session, &waiting, Made::default(), (PAUSE, Some(&why)))
                }
            },
            Ok(()) => Ok(()),
        }
    }

    fn attempt(&self, session: &Session, waiting: &Waiting) -> Result<(), AppError> {
        let _lock = CopyLock::share(&session.state, std::process::id())?;
        let file = spool(
            &session.state,
            &waiting.sha256,
            &waiting.file,
            &own(waiting),
        )?;
        let plan = self.plan(session, waiting, &file);
        let done = plan.and_then(|plan| self.import(session, waiting, plan));
        forget_spooled(&file);
        done
    }

    /// How the file is imported: as its run was requested, once it has begun.
    fn plan<'a>(
        &'a self,
        session: &'a Session,
        waiting: &Waiting,
        file: &Path,
    ) -> Result<Plan<'a>, AppError> {
        let profile = waiting.profile.as_deref();
        let known = match &waiting.run {
            Some(name) => match Journal::open(self.state)?.run(Some(name)) {
                // It was forgotten: it begins again.
                Err(JournalError::NoRun { .. }) => None,
                known => Some(known?),
            },
            None => None,
        };
        let (mut wanted, notifications) = match &known {
            // No files are written beside it, and users do not look into the spool.
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
            deeds: waiting.deeds.clone(),
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
        let state = record.as_ref().map(|record| record.state);
        let start = match (step(state, waiting.is_approved), record) {
            (Step::Begin, _) | (_, None) => Start::New("import"),
            (Step::Resume, Some(record)) => Start::Resume(Box::new(record)),
            (Step::Approve, Some(record)) => Start::Approve(Box::new(record)),
            (Step::End, Some(record)) => {
                let told = (Made::default(), summary_of(&record), None);
                return self.ended(session, waiting, told, &notifications);
            }
            (Step::Hold, Some(record)) => {
                let summary = summary_of(&record);
                let held = summary.as_ref().and_then(|summary| summary.held_by.clone());
                let why = held.map_or(Fact::new(Code::RunHeld), |why| Stop::Held { why }.fact());
                let told = (Made::default(), summary, Some(why));
                return self.ended(session, waiting, told, &notifications);
            }
        };
        let ready = ready(session, wanted)?;
        if matches!(start, Start::New(_)) {
            refuse_undone(session, &ready)?;
            refuse_misspelt(&ready)?;
        }
        let content = ready.prepared.input.sha256().map_err(RunError::from)?;
        if content != waiting.sha256 {
            // What lies here is cut, or another one; it is fetched again.
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
            chooses: false,
            author: session.author.clone(),
            stop: session.stop.receiver(),
        };
        let slice = Slice {
            rows: ROWS,
            patience: PATIENCE,
            retries_before: waiting.retries.unsigned_abs(),
            throttled_before: waiting.throttled.unsigned_abs(),
            late: Duration::try_from_secs_f64(waiting.late_s).unwrap_or_default(),
        };
        let (sliced, done) =
            import_slice(&ready.prepared, &ready.settings, start, slice, &context)?;
        match sliced {
            Sliced::Later(after) => self.leave(session, waiting, done, (after.as_secs_f64(), None)),
            Sliced::Ended(ended) => match ended.stop {
                Some(stop) if may_pass(&stop) => {
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
        let code = i32::from(exit.code());
        let database = database_of(&session.state)?;
        end(
            database,
            waiting,
            state_after(exit),
            code,
            done,
            why.as_ref(),
        )?;
        let is_over = state_after(exit) == "finished";
        let withheld = summary
            .as_ref()
            .map_or(0, |summary| summary.states.withheld);
        if let Some(summary) = &summary {
            notifications.send(session, None, summary, why.as_ref());
        }
        self.door.heard(Heard::Ended(&Ended {
            file: waiting.file.clone(),
            summary: summary.map(Box::new),
            why,
        }));
        if is_over && withheld > 0 {
            let forgotten = forget_copies(&session.state, &waiting.sha256, &waiting.file);
            // The file has ended in the queue already.
            if let Err(error) = forgotten {
                log::warn(&Fact::new(Code::RunNotTidied).because_of(error.fact()));
            }
        }
        Ok(())
    }

    /// Ends the way through the queue of a file that cannot be imported anywhere.
    fn failed(
        &self,
        session: &Session,
        waiting: &Waiting,
        error: &AppError,
    ) -> Result<(), AppError> {
        let why = why(session, waiting, error);
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

/// Why a file could not be imported, about the file as it was enqueued: nobody knows the copy that was read here.
fn why(session: &Session, waiting: &Waiting, error: &AppError) -> Fact {
    let why = error.fact();
    let copy = spooled(
        &session.state,
        &waiting.sha256,
        &waiting.file,
        &own(waiting),
    );
    match why.path() == Some(copy.as_path()) {
        true => why.at_path(Path::new(&waiting.file)),
        false => why,
    }
}

/// The identity of this process's copy of a file.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::{Scene, roster};
    use crate::l10n::Message;
    use crate::map::MapError;
    use crate::send::SignInError;

    fn waiting() -> Waiting {
        Waiting {
            id: 7,
            file: "/school/r.csv".into(),
            sha256: "ab".repeat(32),
            profile: None,
            account: Some("a".into()),
            run: None,
            is_approved: false,
            retries: 0,
            throttled: 0,
            late_s: 0.0,
            owner: "m:1/1".into(),
            claimed: Claimed {
                job: 1,
                worker: "w".into(),
            },
            deeds: Vec::new(),
        }
    }

    #[test]
    fn only_what_is_wrong_with_the_roster_itself_ends_a_file_for_good() {
        let path = || std::path::PathBuf::from("r.csv");
        let unreadable = || ReadError::Io {
            path: path(),
            source: std::io::Error::other("share away"),
        };
        let of_the_file: [RunError; 4] = [
            ReadError::Empty { path: path() }.into(),
            RunError::Map {
                file: "r.csv".into(),
                line: 1,
                source: Box::new(MapError::ResultColumn {
                    column: "x".into(),
                    at: 1,
                }),
            },
            RunError::Key {
                field: "x".into(),
                known: vec![],
            },
            RunError::Undone {
                run: "first".into(),
                file: "r.csv".into(),
            },
        ];
        for error in of_the_file {
            assert_eq!(failure(&error.into()), Failure::OfTheFile);
        }
        let gone = AppError::RosterGone {
            file: "r.csv".into(),
        };
        assert_eq!(failure(&gone), Failure::OfTheFile);
        let no_run = || JournalError::NoRun {
            name: "first".into(),
        };
        let passing: [AppError; 6] = [
            unreadable().into(),
            no_run().into(),
            RunError::Settings {
                run: "first".into(),
            }
            .into(),
            RunError::Send(SendError::Journal(no_run())).into(),
            SignInError::Empty {
                variable: "KEY".into(),
            }
            .into(),
            AppError::Usage(String::new()),
        ];
        for error in passing {
            assert_eq!(failure(&error), Failure::MayPass, "{error}");
        }
    }

    #[test]
    fn a_worker_with_an_expired_lease_or_no_database_records_nothing() {
        let broken = RunError::Broken {
            source: Box::new(RunError::Died),
            results: "r.results.csv".into(),
        };
        let of_the_journal: [RunError; 4] = [
            broken,
            JournalError::TakenOver.into(),
            RunError::Send(SendError::Journal(JournalError::TakenOver)),
            RunError::Report(ReportError::Journal(JournalError::TakenOver)),
        ];
        for error in of_the_journal {
            assert_eq!(failure(&error.into()), Failure::OfTheJournal);
        }
    }

    #[test]
    fn what_a_guard_holds_is_sent_once_it_is_approved_and_not_because_a_worker_died() {
        use RunState::{Finished, Held, Interrupted, Planning, Replaced, Running, Undone};
        for is_approved in [false, true] {
            let step = |state| step(state, is_approved);
            assert_eq!(step(None), Step::Begin);
            for over in [Finished, Replaced, Undone] {
                assert_eq!(step(Some(over)), Step::End);
            }
            for under_way in [Running, Interrupted] {
                assert_eq!(step(Some(under_way)), Step::Resume);
            }
        }
        assert_eq!(step(Some(Held), false), Step::Hold);
        assert_eq!(step(Some(Held), true), Step::Approve);
        // A worker died while it planned: its guards look again, unless somebody has approved.
        assert_eq!(step(Some(Planning), false), Step::Resume);
        assert_eq!(step(Some(Planning), true), Step::Approve);
    }

    #[test]
    fn an_api_that_is_away_is_tried_again_and_one_that_refuses_is_not() {
        let unreachable = Stop::Unreachable {
            address: String::new(),
            why: Message::default(),
            cause: Code::QueueAway,
            was_reached: false,
        };
        let look_up = Stop::LookUp {
            why: Message::default(),
            cause: Code::QueueAway,
            status: Some(500),
            message: String::new(),
        };
        let refused = Stop::Refused {
            status: 401,
            code: String::new(),
            message: String::new(),
            reading: false,
        };
        let failing = Stop::Failing {
            status: 500,
            error: String::new(),
            message: String::new(),
            column: None,
        };
        for (stop, passes) in [
            (unreachable, true),
            (look_up, true),
            (refused, false),
            (failing, false),
            (Stop::Asked, false),
        ] {
            assert_eq!(may_pass(&stop), passes, "{stop:?}");
        }
    }

    #[test]
    fn a_run_that_came_to_its_end_is_finished_and_any_other_needs_somebody() {
        for (exit, state) in [
            (Exit::Success, "finished"),
            (Exit::RowsFailed, "finished"),
            (Exit::Held, "held"),
            (Exit::Refused, "stopped"),
            (Exit::Interrupted, "stopped"),
            (Exit::CannotDo, "stopped"),
        ] {
            assert_eq!(state_after(exit), state);
        }
    }

    #[test]
    fn a_file_begins_only_in_the_queue_of_its_own_quota() {
        let waiting = waiting();
        assert!(is_there(&waiting, &queue_of("a"), "a"));
        // Its credentials are others now, or it was moved and an old job is left.
        assert!(!is_there(&waiting, &queue_of("b"), "b"));
        assert!(!is_there(&waiting, &queue_of("b"), "a"));
        assert!(!is_there(&waiting, &queue_of("a"), "b"));
    }

    #[test]
    fn what_is_wrong_is_told_of_the_file_as_it_was_enqueued() {
        let scene = Scene::new();
        let waiting = waiting();
        let own = own(&waiting);
        // Another slice of this process may have the same content from another file.
        assert!(own.starts_with("7-") && own.len() > 2, "{own}");
        let copy = spooled(&scene.session.state, &waiting.sha256, &waiting.file, &own);
        let told = |path: &Path| {
            let path = path.to_owned();
            let fact = why(&scene.session, &waiting, &ReadError::Empty { path }.into());
            fact.path().unwrap().to_owned()
        };
        assert_eq!(told(&copy), Path::new("/school/r.csv"));
        assert_eq!(told(Path::new("/other.csv")), Path::new("/other.csv"));
    }

    #[test]
    fn the_figures_of_a_run_that_came_to_none_are_none() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        let run = scene.run("first", RunState::Running, &settings);
        assert_eq!(summary_of(&run), None);
        let run = scene.finished("second", 2, &settings);
        assert_eq!(summary_of(&run).unwrap().states.updated, 2);
    }
}
