//! Batches: sending a bounded number of rows of a queued file.

use std::path::Path;
use std::time::Duration;

use super::decisions::{Failure, Step, failure, may_pass, state_after, step};
use super::door::{FleetDoor, Heard};
use super::entry::EntryState;
use super::queue::{
    Claimed, Waiting, begin_batch, database_of, end, later, look, move_to, not_here, queue_of,
};
use crate::app::{
    AppError, Notifications, Session, Wanted, forget_copies, forget_spooled, ready,
    refuse_misspelt, refuse_undone, spool, spooled,
};
use crate::events::Unobserved;
use crate::journal::{CopyLock, Journal, JournalError, RunRecord, State};
use crate::log;
use crate::model::{Code, Exit, Fact, Summary};
use crate::read::Origin;
use crate::run::{
    Batch, BatchEnd, BatchUsage, Context, Queued, RunError, Settings, Start, import_batch,
    quota_account,
};
use crate::send::Stop;

/// The maximum number of rows that a batch sends.
const ROWS: usize = 500;

/// The maximum time that a batch waits for its rate limit before it leaves the rest for later.
const PATIENCE: Duration = Duration::from_secs(2);

/// The delay in seconds before a file is offered again that a worker could not begin.
const SOON: f64 = 10.0;

/// The delay in seconds before a retry after a temporary failure.
const PAUSE: f64 = 300.0;

/// The context of a worker that processes a batch.
pub(super) struct Worker<'a> {
    pub(super) door: &'a dyn FleetDoor,
    pub(super) state: &'a State,
    pub(super) session: &'a (dyn Fn(State) -> Result<Session, AppError> + Sync),
    pub(super) owner: &'a str,
}

/// The parameters for importing a queued file.
struct Plan<'a> {
    wanted: Wanted<'a>,
    notifications: Notifications,
    record: Option<RunRecord>,
}

impl Worker<'_> {
    /// Processes a batch of the file `id` from `queue`. The entry is queued again or has ended when this
    /// returns `Ok`. An error means that another process holds the lease or the database is unavailable, and
    /// that the job must be fetched again.
    pub(super) fn process_batch(
        &self,
        id: i64,
        queue: &str,
        claimed: &Claimed,
    ) -> Result<(), AppError> {
        let database = database_of(self.state)?;
        let Some(found) = look(database, id, claimed)? else {
            return Ok(());
        };
        match self.account_of(&found) {
            Err(error) if failure(&error) == Failure::OfTheJournal => Err(error),
            // The profile may be configured on another machine, or later on this one.
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

    /// Returns the rate limit that a file counts against.
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
        // The new fencing token shuts out an expired worker that processed this file.
        let begun = begin_batch(database, found, account, self.owner)?;
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
                    self.leave(
                        &session,
                        &waiting,
                        BatchUsage::default(),
                        (PAUSE, Some(&why)),
                    )
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

    /// Returns how to import the file. A run that has begun keeps its settings.
    fn plan<'a>(
        &'a self,
        session: &'a Session,
        waiting: &Waiting,
        file: &Path,
    ) -> Result<Plan<'a>, AppError> {
        let profile = waiting.profile.as_deref();
        let known = match &waiting.run {
            Some(name) => match Journal::open(self.state)?.run(Some(name)) {
                // The run was pruned, so the file starts over.
                Err(JournalError::NoRun { .. }) => None,
                known => Some(known?),
            },
            None => None,
        };
        let (mut wanted, notifications) = match &known {
            // The original name is used: output files and messages do not refer to the local copy.
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
            audit_log: waiting.audit_log.clone(),
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
                let told = (BatchUsage::default(), summary_of(&record), None);
                return self.ended(session, waiting, told, &notifications);
            }
            (Step::Hold, Some(record)) => {
                let summary = summary_of(&record);
                let held = summary.as_ref().and_then(|summary| summary.held_by.clone());
                let why = held.map_or(Fact::new(Code::RunHeld), |why| Stop::Held { why }.fact());
                let told = (BatchUsage::default(), summary, Some(why));
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
            // The local copy is truncated or has other content, and is fetched again.
            let why = Fact::new(Code::QueueOtherContent).at_path(Path::new(&waiting.file));
            return self.leave(session, waiting, BatchUsage::default(), (PAUSE, Some(&why)));
        }
        let context = Context {
            observer: &Unobserved,
            ..session.context(&ready.credentials)
        };
        let batch = Batch {
            rows: ROWS,
            patience: PATIENCE,
            retries_before: waiting.retries.unsigned_abs(),
            throttled_before: waiting.throttled.unsigned_abs(),
            late: Duration::try_from_secs_f64(waiting.late_s).unwrap_or_default(),
        };
        let (ended, done) = import_batch(&ready.prepared, &ready.settings, start, batch, &context)?;
        match ended {
            BatchEnd::Later(after) => {
                self.leave(session, waiting, done, (after.as_secs_f64(), None))
            }
            BatchEnd::Ended(ended) => match ended.stop {
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

    /// Schedules the remaining rows for a later batch.
    fn leave(
        &self,
        session: &Session,
        waiting: &Waiting,
        done: BatchUsage,
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

    /// Ends the queue entry and sends notifications.
    fn ended(
        &self,
        session: &Session,
        waiting: &Waiting,
        (done, summary, why): (BatchUsage, Option<Summary>, Option<Fact>),
        notifications: &Notifications,
    ) -> Result<(), AppError> {
        let exit = summary
            .as_ref()
            .map_or(Exit::CannotDo, |summary| summary.exit_code);
        let (database, state) = (database_of(&session.state)?, state_after(exit));
        end(database, waiting, state, exit, done, why.as_ref())?;
        let withheld = summary
            .as_ref()
            .map_or(0, |summary| summary.states.withheld);
        if let Some(summary) = &summary {
            notifications.send(session, None, summary, why.as_ref());
        }
        self.door.heard(Heard::Ended {
            file: &waiting.file,
            summary: summary.as_ref(),
            why: why.as_ref(),
        });
        if state == EntryState::Finished && withheld > 0 {
            let forgotten = forget_copies(&session.state, &waiting.sha256, &waiting.file);
            // The entry has ended already, so a failed cleanup is only logged.
            if let Err(error) = forgotten {
                log::warn(&Fact::new(Code::RunNotTidied).because_of(error.fact()));
            }
        }
        Ok(())
    }

    /// Ends the queue entry of a file that no machine can import.
    fn failed(
        &self,
        session: &Session,
        waiting: &Waiting,
        error: &AppError,
    ) -> Result<(), AppError> {
        let why = why(session, waiting, error);
        let (database, state) = (database_of(&session.state)?, EntryState::Failed);
        let done = BatchUsage::default();
        end(database, waiting, state, error.exit(), done, Some(&why))?;
        let profile = waiting.profile.as_deref();
        let notifications = self.door.notifications(profile);
        notifications.failed(session, Path::new(&waiting.file), None, error);
        self.door.heard(Heard::Ended {
            file: &waiting.file,
            summary: None,
            why: Some(&why),
        });
        Ok(())
    }
}

/// Returns the reason why a file could not be imported, with the enqueued path in place of the local copy's.
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

/// Returns the suffix that identifies this process's copy of a file.
fn own(waiting: &Waiting) -> String {
    format!("{}-{}", waiting.id, std::process::id())
}

/// Returns whether a file already waits in the queue of its rate limit.
fn is_there(waiting: &Waiting, queue: &str, account: &str) -> bool {
    waiting.account.as_deref() == Some(account) && queue == queue_of(account)
}

/// Returns the summary of a run, if it has one.
fn summary_of(record: &RunRecord) -> Option<Summary> {
    serde_json::from_str(record.summary.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster};
    use crate::journal::RunState;
    use crate::read::ReadError;

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
            audit_log: Vec::new(),
        }
    }

    #[test]
    fn a_file_begins_only_in_the_queue_of_its_rate_limit() {
        let waiting = waiting();
        assert!(is_there(&waiting, &queue_of("a"), "a"));
        // The credentials have changed, or the file was moved and an old job is left.
        assert!(!is_there(&waiting, &queue_of("b"), "b"));
        assert!(!is_there(&waiting, &queue_of("b"), "a"));
        assert!(!is_there(&waiting, &queue_of("a"), "b"));
    }

    #[test]
    fn errors_name_the_enqueued_file_and_not_the_local_copy() {
        let scene = Scene::new();
        let waiting = waiting();
        let own = own(&waiting);
        // The suffix contains the entry's id, because two entries may have the same content.
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
    fn a_run_without_a_stored_summary_has_none() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        let run = scene.run("first", RunState::Running, &settings);
        assert_eq!(summary_of(&run), None);
        let run = scene.finished("second", 2, &settings);
        assert_eq!(summary_of(&run).unwrap().states.updated, 2);
    }
}
