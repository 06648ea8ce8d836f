//! The open roster and the current job, shared by all pages.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::door::Door;
use super::job::{Job, Revision, Task};
use super::live::{Live, Watching};
use super::opened::Opened;
use super::played::PlayedApis;
use super::work::Work;
use crate::app::{AppError, Session};
use crate::events::Observer;
use crate::journal::{RosterLock, RunRecord};
use crate::l10n::{message, say};
use crate::run::Settings;
use crate::send::StopRequest;

/// The maximum wait for a discarded plan, whose current request may finish.
const DISCARDING: Duration = Duration::from_secs(60);

/// The shared state of all pages: the open roster and the current job.
pub(super) struct Desk {
    pub(super) door: Box<dyn Door>,
    pub(super) state: crate::journal::State,
    /// The path of all pages.
    pub(super) base: String,
    opened: Mutex<Option<Opened>>,
    /// A file that was named and whose target is unknown.
    pending: Mutex<Option<PathBuf>>,
    job: Mutex<Option<Arc<Job>>>,
    /// Locks on uploaded files, which prevent their deletion.
    held: Mutex<Vec<RosterLock>>,
    played: PlayedApis,
    touched: Mutex<Instant>,
    /// Serializes changes to rows in the order of their input.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub(super) fn new(door: Box<dyn Door>, state: crate::journal::State, base: String) -> Desk {
        Desk {
            door,
            state,
            base,
            opened: Mutex::default(),
            pending: Mutex::default(),
            job: Mutex::default(),
            held: Mutex::default(),
            played: PlayedApis::default(),
            touched: Mutex::new(Instant::now()),
            turn: Arc::default(),
        }
    }

    /// Opens a roster. An unconfirmed plan of the previous one is discarded.
    pub(super) fn put(&self, mut opened: Opened) {
        if let Some(job) = self.job().filter(|job| !job.has_ended())
            && job.discard()
        {
            opened.notice = Some(message::console_plan_discarded(job.file.as_str()));
        }
        self.clear_job();
        *lock(&self.opened) = Some(opened);
    }

    /// Remembers a file that cannot be opened yet.
    pub(super) fn set_pending(&self, file: PathBuf) {
        *lock(&self.pending) = Some(file);
    }

    /// Returns the file that could not be opened yet.
    pub(super) fn pending(&self) -> Option<PathBuf> {
        lock(&self.pending).clone()
    }

    pub(super) fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        lock(&self.opened)
    }

    /// Prevents the deletion of an uploaded file until the console ends.
    pub(super) fn hold(&self, held: RosterLock) {
        lock(&self.held).push(held);
    }

    /// Returns the current job, or the last one.
    pub(super) fn job(&self) -> Option<Arc<Job>> {
        lock(&self.job).clone()
    }

    pub(super) fn clear_job(&self) {
        let mut job = lock(&self.job);
        if job.as_ref().is_some_and(|job| job.has_ended()) {
            *job = None;
        }
    }

    /// Creates a session that knows the APIs simulated here.
    pub(super) fn session(&self, observer: Box<dyn Observer>) -> Result<Session, AppError> {
        let mut session = self.door.session(observer)?;
        session.played = self.played.addresses();
        // The server handles signals. A session that also did would leave a thread behind.
        session.stop.leave_signals();
        Ok(session)
    }

    /// Simulates the API from now on. An unconfirmed plan is discarded, and the rows of a real run that were
    /// opened to be sent again are closed.
    ///
    /// # Errors
    /// Fails while a job is sending.
    pub(super) fn rehearse(&self) -> Result<(), AppError> {
        let mut current = self.without_job()?;
        *current = None;
        self.door.rehearse();
        drop(current);
        self.opened().take_if(|opened| opened.again.is_some());
        Ok(())
    }

    /// Discards an unconfirmed plan, and prevents that another job starts.
    fn without_job(&self) -> Result<MutexGuard<'_, Option<Arc<Job>>>, AppError> {
        let busy = || AppError::Front(message::console_busy());
        if let Some(job) = self.job()
            && (!job.discard() || !job.ends_within(DISCARDING))
        {
            return Err(busy());
        }
        let current = lock(&self.job);
        // Another job may have started in the meantime.
        match current.as_ref().is_some_and(|job| !job.has_ended()) {
            true => Err(busy()),
            false => Ok(current),
        }
    }

    /// Starts a job in its own thread. An unconfirmed plan is replaced.
    ///
    /// # Errors
    /// Fails while another job is sending.
    pub(super) fn start(
        self: &Arc<Desk>,
        task: Task,
        of: (String, Option<Revision>),
        note: Option<String>,
    ) -> Result<(), AppError> {
        let mut current = self.without_job()?;
        let live = Live::new();
        let mut session = self.session(Box::new(Watching(live.clone())))?;
        session.author.note = note;
        let job = Arc::new(Job::new(task, of, live, session));
        let desk = self.clone();
        let started = job.clone();
        let work = move || {
            let work = Work {
                job: &job,
                door: desk.door.as_ref(),
                played: &desk.played,
            };
            let run = std::panic::AssertUnwindSafe(|| work.run());
            // A job that panics has also ended, so that others can start.
            if std::panic::catch_unwind(run).is_err() {
                job.broke();
            }
        };
        let thread = std::thread::Builder::new().spawn(work);
        thread.map_err(AppError::TooFewThreads)?;
        *current = Some(started);
        Ok(())
    }

    /// Returns whether the API at this address is simulated here.
    fn plays(&self, base_url: &str) -> bool {
        let addresses = self.played.addresses();
        addresses.iter().any(|address| address == base_url)
    }

    /// Returns whether a run used a simulated API that no longer exists.
    pub(super) fn has_lost(&self, run: &RunRecord) -> bool {
        Settings::of(run).is_ok_and(|settings| {
            settings.sandbox && !self.plays(&settings.delivery.client.base_url)
        })
    }

    /// Returns why a run can only be looked at here: its simulated API no longer exists, or it used the real
    /// one, to which a rehearsal sends nothing.
    pub(super) fn out_of_reach(&self, run: &RunRecord) -> Option<String> {
        if self.has_lost(run) {
            return Some(say().console_rehearsal_over());
        }
        let is_real = || Settings::of(run).is_ok_and(|settings| !settings.sandbox);
        (self.door.plays() && is_real()).then(|| say().console_not_rehearsed())
    }

    /// Asks the current job to stop. Returns whether there is one.
    pub(super) fn stop(&self, request: StopRequest) -> bool {
        match self.job().filter(|job| !job.has_ended()) {
            Some(job) => {
                job.session.stop.ask(request);
                true
            }
            None => false,
        }
    }

    pub(super) fn touch(&self) {
        *lock(&self.touched) = Instant::now();
    }

    /// Returns the time without a visit and without a job in progress.
    pub(super) fn idle(&self) -> Duration {
        if self.job().is_some_and(|job| job.is_at_work()) {
            self.touch();
        }
        lock(&self.touched).elapsed()
    }
}

#[cfg(test)]
impl Desk {
    /// Returns the time of the last visit.
    pub(super) fn touched(&self) -> Instant {
        *lock(&self.touched)
    }
}

#[cfg(test)]
pub(super) use tests::desk;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::{Notifications, Wanted};
    use crate::check::{CheckOptions, DuplicatePolicy};
    use crate::console::live::Phase;
    use crate::events::Unobserved;
    use crate::map::MapOptions;
    use crate::read::ReadOptions;
    use crate::run::{Consent, Roster, Settings};
    use crate::targets::TargetSpec;

    /// A door behind which whatever is asked for breaks.
    struct Broken(crate::journal::State);

    impl Door for Broken {
        fn session(&self, observer: Box<dyn Observer>) -> Result<Session, AppError> {
            Session::new(observer, self.0.clone())
        }

        fn plays(&self) -> bool {
            true
        }

        fn rehearse(&self) {}

        fn target(&self) -> Option<String> {
            None
        }

        fn sign_in(&self, _: Option<&Path>, _: Option<&str>) -> Option<String> {
            None
        }

        fn roster(&self, _: &Path, _: Option<&str>) -> Result<(Arc<TargetSpec>, Roster), AppError> {
            panic!("no roster")
        }

        fn wanted<'a>(
            &self,
            _: &'a Session,
            _: &Path,
            _: Option<&str>,
        ) -> Result<Wanted<'a>, AppError> {
            panic!("nothing is wanted")
        }

        fn again(&self, _: Settings) -> Result<Wanted<'static>, AppError> {
            panic!("nothing again")
        }

        fn apply(&self, _: &mut Settings) -> Result<(), AppError> {
            panic!("nothing otherwise")
        }

        fn notifications(&self) -> Notifications {
            Notifications::default()
        }

        fn profile_of(&self, _: &str) -> Option<String> {
            None
        }

        fn keep_columns(
            &self,
            _: (&str, &str),
            _: Option<&str>,
            _: &[(String, String)],
            _: &[String],
        ) -> Result<PathBuf, AppError> {
            panic!("nothing is kept")
        }
    }

    /// A desk behind whose door everything breaks.
    pub(in crate::console) fn desk(state: &Path) -> Arc<Desk> {
        let state = crate::journal::State::in_folder(state);
        let door = Box::new(Broken(state.clone()));
        Arc::new(Desk::new(door, state, String::new()))
    }

    fn import() -> Task {
        Task::Import {
            roster: Box::new(Roster {
                file: "r.csv".into(),
                read: ReadOptions::default(),
                map: MapOptions::default(),
                key: None,
                check: CheckOptions::new(jiff::civil::date(2026, 8, 17)),
                duplicates: DuplicatePolicy::default(),
                sparse: false,
                release: None,
            }),
            target: None,
            sha256: String::new(),
            fresh: false,
        }
    }

    #[test]
    fn a_job_that_panics_ends_and_another_can_start() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        for _ in 0..2 {
            desk.start(import(), ("r.csv".into(), None), None).unwrap();
            let job = desk.job().unwrap();
            while !job.has_ended() {
                std::thread::yield_now();
            }
            let Phase::Ended(end) = job.live.seen().phase else {
                unreachable!()
            };
            assert!(end.error.unwrap().to_string().contains("stopped the run"));
        }
    }

    #[test]
    fn an_unconfirmed_plan_does_not_keep_the_console_alive_and_a_sending_run_blocks_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let session = desk.session(Box::new(Unobserved)).unwrap();
        let job = Arc::new(Job::new(
            import(),
            ("r.csv".into(), None),
            Live::new(),
            session,
        ));
        *lock(&desk.job) = Some(job.clone());
        for (phase, is_at_work) in [
            (Phase::Reading, true),
            (Phase::LookingUp(1, 2), true),
            (Phase::Asking(Box::default(), [].into()), false),
            (Phase::Sending, true),
        ] {
            job.live.change(|seen| seen.phase = phase);
            let long_ago = Instant::now().checked_sub(Duration::from_secs(60));
            *lock(&desk.touched) = long_ago.unwrap();
            assert_eq!(desk.idle() < Duration::from_secs(60), is_at_work);
        }
        // What is being sent is waited for.
        assert!(desk.start(import(), ("r.csv".into(), None), None).is_err());
    }

    #[test]
    fn a_discarded_plan_is_declined_and_accepts_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let job = |task| {
            let session = desk.session(Box::new(Unobserved)).unwrap();
            Job::new(task, ("r.csv".into(), None), Live::new(), session)
        };
        let yes = || Consent::Yes {
            first: None,
            kept: Default::default(),
            note: None,
        };
        let asking = Phase::Asking(Box::default(), [].into());
        let in_phase = |job: &Job, phase: &Phase| {
            job.live.change(|seen| seen.phase = phase.clone());
        };
        // Nothing of it can be sent after that.
        let discarded = job(import());
        in_phase(&discarded, &asking);
        assert!(discarded.discard() && discarded.discard());
        assert!(!discarded.answer(yes()));
        // What was agreed to first is sent.
        let agreed = job(import());
        in_phase(&agreed, &asking);
        assert!(agreed.answer(yes()));
        assert!(matches!(agreed.live.seen().phase, Phase::Sending));
        assert!(!agreed.discard());
        // A plan that is being made is stopped, and what was approved before is not.
        for (task, is_discarded) in [(import(), true), (Task::Resume("run".into()), false)] {
            let job = job(task);
            in_phase(&job, &Phase::LookingUp(1, 2));
            assert_eq!(job.discard(), is_discarded);
            assert_eq!(job.session.stop.is_asked(), is_discarded);
        }
    }
}
