//! The shared queue with a worker inside the test process: the outcome of each file, and events between the
//! steps of a batch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rosterpatch::app::{
    AppError, Desk, GoOn, Notifications, Session, StopSignal, SweepOptions, Swept, Tally, Told,
    Wanted, at_hand, forget_dropped, listed,
};
use rosterpatch::check::CheckOptions;
use rosterpatch::events::Unobserved;
use rosterpatch::fleet::{
    EntryState, FleetDoor, GoesOn, Heard, QueueDesk, QueueEntry, enqueue, listed_queue, migrate,
    place_of, put_back, remove, sweep_into_queue, work, write_queue_metrics,
};
use rosterpatch::journal::{Fate, Journal, JournalError, RunState, State, cell};
use rosterpatch::model::{Code, Exit};
use rosterpatch::read::Origin;
use rosterpatch::run::{Actor, AuditEntry, Author, Roster, RunError, Settings};
use rosterpatch::send::{Credentials, StopRequest};
use rosterpatch::targets::{self, TargetSpec};

use crate::harness::{Folder, Server, plain_roster, respond, settings_of, wait_until};
use crate::postgres::shared;

/// A callback that runs when a worker asks how to import a queued file.
type Meanwhile = dyn Fn(&State) -> Result<(), AppError> + Send + Sync;

/// The worker's entry point, which also records its reports.
struct Door {
    target: PathBuf,
    base_url: String,
    meanwhile: Box<Meanwhile>,
    /// The name of each reported file, with the reason for its delay or end.
    heard: Mutex<Vec<(String, Option<Code>)>>,
    state: State,
    /// The number of jobs that another worker could still fetch, at the end of each batch.
    unended: Mutex<Vec<i64>>,
}

/// Returns different credentials for each profile, which give each profile a separate quota.
fn credentials_of(profile: Option<&str>, spec: &TargetSpec) -> Credentials {
    Credentials::find(spec, |_| Some(profile.unwrap_or("none").into())).unwrap()
}

/// Returns a command of an account on another machine.
fn deed(command: &str) -> AuditEntry {
    let author = Author {
        actor: Actor {
            account: "anna".into(),
            machine: "kontoret".into(),
        },
        note: None,
    };
    AuditEntry::of(&author, command, jiff::Timestamp::UNIX_EPOCH)
}

/// Returns the last component of a path.
fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

impl FleetDoor for Door {
    fn wanted<'a>(
        &'a self,
        session: &'a Session,
        file: &Path,
        profile: Option<&str>,
    ) -> Result<(Wanted<'a>, Notifications), AppError> {
        (self.meanwhile)(&session.state)?;
        let spec = targets::load(self.target.to_str().unwrap()).unwrap();
        let wanted = Wanted {
            credentials: credentials_of(profile, &spec),
            spec: Arc::new(spec),
            settings: settings_of(
                self.target.to_str().unwrap(),
                &self.base_url,
                Roster::of(
                    file.to_owned(),
                    CheckOptions::new(jiff::civil::date(2026, 8, 17)),
                ),
            ),
            holds: true,
            play: None,
        };
        Ok((wanted, Notifications::default()))
    }

    fn credentials(
        &self,
        profile: Option<&str>,
        spec: &TargetSpec,
    ) -> Result<(Credentials, Notifications), AppError> {
        Ok((credentials_of(profile, spec), Notifications::default()))
    }

    fn notifications(&self, _: Option<&str>) -> Notifications {
        Notifications::default()
    }

    fn heard(&self, what: Heard<'_>) {
        let (file, why) = match what {
            Heard::Later { file, why, .. } => (file, why.map(|why| why.code())),
            Heard::Ended { file, why, .. } => (file, why.map(|why| why.code())),
        };
        let mut heard = self.heard.lock().unwrap();
        heard.push((name_of(file), why));
        let unended = self.state.database().unwrap().change(|tables| {
            let sql = "SELECT count(*) FROM rosterpatch_queue.jobs
                       WHERE locked_by IS NOT NULL AND attempts < max_attempts";
            cell(&tables.one(sql, &[])?, 0)
        });
        self.unended.lock().unwrap().push(unended.unwrap());
    }
}

/// A queue in a new database, and an API for its files.
struct Queue {
    folder: Folder,
    state: State,
    api: Server,
}

impl Queue {
    /// Creates a queue whose API responds with `status`. Returns `None` if PostgreSQL is not installed.
    fn new(status: u16) -> Option<Queue> {
        let cluster = shared()?;
        let folder = Folder::new();
        let state = State::in_database(&cluster.database(), None, &folder.path("local")).unwrap();
        Some(Queue {
            api: Server::start(move |_| respond(status, &[], "{}")),
            folder,
            state,
        })
    }

    fn session(&self) -> Session {
        Session::new(Box::new(Unobserved), self.state.clone()).unwrap()
    }

    fn put(&self, name: &str, text: &str, profile: Option<&str>) -> i64 {
        let file = self.folder.write(name, text);
        let enqueued = enqueue(
            &self.state,
            (&file, Origin::Named),
            profile,
            &deed("enqueue"),
        )
        .unwrap();
        assert!(!enqueued.is_known);
        enqueued.id
    }

    fn entry(&self, id: i64) -> QueueEntry {
        let all = listed_queue(&self.state, true).unwrap();
        all.into_iter().find(|entry| entry.id == id).unwrap()
    }

    /// Returns the quota account of a file, which no command prints.
    fn account(&self, id: i64) -> Option<String> {
        let account = self.state.database().unwrap().change(|tables| {
            cell(
                &tables.one("SELECT account FROM queued WHERE id = $1", &[&id])?,
                0,
            )
        });
        account.unwrap()
    }

    fn door(&self) -> Door {
        Door {
            target: self.folder.path("plain.toml"),
            base_url: self.api.base_url.clone(),
            meanwhile: Box::new(|_| Ok(())),
            heard: Mutex::default(),
            state: self.state.clone(),
            unended: Mutex::default(),
        }
    }

    /// Runs a worker until the condition holds and returns its reports.
    fn work_until(
        &self,
        door: Door,
        what: &str,
        is_so: impl FnMut() -> bool,
    ) -> Vec<(String, Option<Code>)> {
        let door = Arc::new(door);
        let ticked = Arc::new(AtomicBool::new(false));
        let stop = StopSignal::new();
        let worker = {
            let (door, ticked, stop) = (door.clone(), ticked.clone(), stop.shared());
            let mut session = self.session();
            session.stop = stop.shared();
            let make = move |state: State| {
                let mut session = Session::new(Box::new(Unobserved), state)?;
                session.stop = stop.shared();
                Ok(session)
            };
            let tick = move || ticked.store(true, Ordering::SeqCst);
            std::thread::spawn(move || work(&session, door, Arc::new(make), 1, Arc::new(tick)))
        };
        // Stops the worker even if the test fails.
        struct Asks(StopSignal);
        impl Drop for Asks {
            fn drop(&mut self) {
                self.0.ask(StopRequest::Finish);
            }
        }
        let asks = Asks(stop);
        wait_until(what, is_so);
        drop(asks);
        worker.join().unwrap().unwrap();
        assert!(ticked.load(Ordering::SeqCst), "it ticks");
        let door = Arc::into_inner(door).unwrap();
        let unended = door.unended.into_inner().unwrap();
        assert!(unended.iter().all(|jobs| *jobs == 0), "{unended:?}");
        door.heard.into_inner().unwrap()
    }

    fn has_ended(&self, id: i64) -> bool {
        let state = self.entry(id).state;
        !matches!(state, EntryState::Waiting | EntryState::Running)
    }

    /// Returns the number of updates that the API received.
    fn updates(&self) -> usize {
        let seen = self.api.seen();
        seen.iter().filter(|seen| seen.method == "PATCH").count()
    }
}

/// Returns a roster of eight students, one without a name, which the invalid-rows guard holds.
fn held_roster() -> String {
    plain_roster(8).replacen("Åsa,Ek", ",", 1)
}

#[test]
fn a_file_joins_the_queue_of_its_quota_and_is_sent_in_batches() {
    let Some(queue) = Queue::new(200) else { return };
    let long = queue.put("long.csv", &plain_roster(501), Some("a"));
    let short = queue.put("short.csv", &plain_roster(3), Some("b"));
    let broken = queue.put("broken.csv", "no,header\n1,2\n", Some("a"));
    let again = (&*queue.folder.path("long.csv"), Origin::Named);
    let again = enqueue(&queue.state, again, Some("a"), &deed("enqueue")).unwrap();
    assert_eq!((again.id, again.is_known), (long, true));
    assert_eq!(
        put_back(&queue.state, long, GoOn::Resume, &deed("resume")).unwrap(),
        GoesOn::AsBefore
    );
    assert_eq!(listed_queue(&queue.state, false).unwrap().len(), 3);
    let heard = queue.work_until(queue.door(), "the end of all", || {
        [long, short, broken].iter().all(|id| queue.has_ended(*id))
    });
    for (id, state, slices, requests) in [
        (long, EntryState::Finished, 2, 501),
        (short, EntryState::Finished, 1, 3),
        (broken, EntryState::Failed, 1, 0),
    ] {
        let entry = queue.entry(id);
        assert_eq!(entry.state, state, "{entry:?}");
        assert_eq!((entry.slices, entry.requests), (slices, requests));
        assert_eq!(entry.why.is_some(), state == EntryState::Failed);
    }
    assert_eq!(queue.updates(), 504);
    let accounts = [long, short, broken].map(|id| queue.account(id).unwrap());
    assert_ne!(accounts[0], accounts[1]);
    assert_eq!(accounts[0], accounts[2]);
    let told = |name: &str| heard.iter().filter(|(file, _)| file == name).count();
    assert_eq!((told("long.csv"), told("short.csv")), (2, 1));
    assert_eq!(told("broken.csv"), 1);
    assert!(listed_queue(&queue.state, false).unwrap().is_empty());
    let metrics = queue.folder.path("queue.prom");
    write_queue_metrics(&queue.state, &metrics).unwrap();
    let text = std::fs::read_to_string(metrics).unwrap();
    for line in [
        "rosterpatch_queue_requests_total{profile=\"a\"} 501",
        "rosterpatch_queue_requests_total{profile=\"b\"} 3",
        "rosterpatch_queue_stopped{profile=\"a\"} 1",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(
        put_back(&queue.state, 99, GoOn::Approve, &deed("approve")).is_err()
            && remove(&queue.state, 99).is_err()
    );
}

#[test]
fn migrate_returns_the_formats_before_and_after() {
    let Some(cluster) = shared() else { return };
    let folder = Folder::new();
    let address = cluster.address(&cluster.empty_database());
    let state = State::in_database(&address, None, &folder.path("local")).unwrap();
    let (before, after) = migrate(&state).unwrap();
    assert!(before == 0 && after > 0, "{before} {after}");
    assert_eq!(migrate(&state).unwrap(), (after, after));
}

#[test]
fn a_job_locked_by_another_worker_changes_nothing() {
    let Some(queue) = Queue::new(200) else { return };
    let id = queue.put("r.csv", &plain_roster(3), None);
    let was_asked = Arc::new(AtomicBool::new(false));
    let asked = was_asked.clone();
    let mut door = queue.door();
    door.meanwhile = Box::new(move |state| {
        state.database().unwrap().change(|tables| {
            tables.execute(
                "UPDATE rosterpatch_queue._private_jobs SET locked_by = 'another'",
                &[],
            )
        })?;
        asked.store(true, Ordering::SeqCst);
        Ok(())
    });
    let heard = queue.work_until(door, "a question", || was_asked.load(Ordering::SeqCst));
    let entry = queue.entry(id);
    assert_eq!((entry.state, entry.slices), (EntryState::Waiting, 0));
    assert_eq!(queue.account(id), None);
    assert_eq!(heard, []);
}

#[test]
fn a_job_that_another_worker_fetched_during_the_batch_is_not_ended() {
    let Some(queue) = Queue::new(200) else { return };
    let id = queue.put("r.csv", &plain_roster(3), None);
    let mut door = queue.door();
    door.meanwhile = Box::new(move |state| {
        if listed_queue(state, true)?.remove(0).state == EntryState::Running {
            state.database().unwrap().change(|tables| {
                tables.execute(
                    "UPDATE rosterpatch_queue._private_jobs SET locked_by = 'another'",
                    &[],
                )
            })?;
        }
        Ok(())
    });
    let heard = queue.work_until(door, "its updates", || queue.updates() == 3);
    let entry = queue.entry(id);
    assert_eq!((entry.state, entry.requests), (EntryState::Running, 0));
    assert_eq!(heard, []);
    let held = queue.state.database().unwrap().change(|tables| {
        let sql = "SELECT count(*) FROM rosterpatch_queue.jobs
                   WHERE key = 'file ' || $1::bigint AND locked_by = 'another'";
        cell::<i64>(&tables.one(sql, &[&id])?, 0)
    });
    assert_eq!(held.unwrap(), 1);
}

#[test]
fn a_file_removed_during_its_batch_sends_nothing() {
    let Some(queue) = Queue::new(200) else { return };
    let id = queue.put("r.csv", &plain_roster(3), None);
    let mut door = queue.door();
    door.meanwhile = Box::new(move |state| {
        let entry = listed_queue(state, true)?.remove(0);
        match entry.state {
            EntryState::Running => remove(state, id),
            _ => Ok(()),
        }
    });
    let heard = queue.work_until(door, "its end", || queue.has_ended(id));
    let entry = queue.entry(id);
    assert_eq!(entry.state, EntryState::Stopped);
    assert_eq!(entry.code, Some(Code::QueueRemoved));
    assert_eq!(queue.updates(), 0);
    assert_eq!(heard, []);
    // A file that is put back into the queue starts again.
    assert_eq!(
        put_back(&queue.state, id, GoOn::Resume, &deed("resume")).unwrap(),
        GoesOn::Again
    );
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    assert_eq!(queue.entry(id).state, EntryState::Finished);
    assert_eq!(queue.updates(), 3);
}

#[test]
fn an_approval_releases_a_file_even_before_it_is_held() {
    let Some(queue) = Queue::new(200) else { return };
    let id = queue.put("held.csv", &held_roster(), None);
    let heard = queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    let entry = queue.entry(id);
    assert_eq!(entry.state, EntryState::Held);
    assert_eq!(heard.len(), 1);
    let journal = Journal::open(&queue.state).unwrap();
    let run = journal.run(entry.run.as_deref()).unwrap();
    let mut shown = listed(&journal, &run, &queue.state).unwrap();
    let place = place_of(&queue.state, &run, &mut shown).unwrap();
    assert_eq!(place.unwrap().id, id);
    assert_eq!(queue.updates(), 0);
    assert_eq!(
        put_back(&queue.state, id, GoOn::Approve, &deed("approve")).unwrap(),
        GoesOn::Again
    );
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    let entry = queue.entry(id);
    assert_eq!(entry.state, EntryState::Finished, "{entry:?}");
    assert_eq!(entry.exit_code, Some(i32::from(Exit::RowsFailed.code())));
    assert_eq!(queue.updates(), 7);

    // This file is approved during planning, before a guard holds it.
    let early = queue.put("early.csv", &held_roster(), Some("a"));
    let mut door = queue.door();
    let goes_on = Arc::new(Mutex::new(None));
    let seen = goes_on.clone();
    door.meanwhile = Box::new(move |state| {
        let entries = listed_queue(state, true)?;
        let running = entries
            .iter()
            .any(|entry| entry.id == early && entry.state == EntryState::Running);
        if running {
            *seen.lock().unwrap() = Some(put_back(state, early, GoOn::Approve, &deed("approve"))?);
        }
        Ok(())
    });
    queue.work_until(door, "its end", || {
        queue.entry(early).state == EntryState::Finished
    });
    assert_eq!(*goes_on.lock().unwrap(), Some(GoesOn::AsBefore));
    assert_eq!(queue.updates(), 14);
}

#[test]
fn a_queued_run_records_the_account_and_machine_of_each_command() {
    let Some(queue) = Queue::new(200) else { return };
    let id = queue.put("held.csv", &held_roster(), None);
    let again = |note: Option<&str>| {
        let file = queue.folder.path("held.csv");
        let mut deed = deed("enqueue");
        deed.note = note.map(str::to_owned);
        enqueue(&queue.state, (&file, Origin::Named), None, &deed).unwrap()
    };
    assert!(again(Some("terminsstart")).is_known && again(None).is_known);
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    put_back(&queue.state, id, GoOn::Approve, &deed("approve")).unwrap();
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    let journal = Journal::open(&queue.state).unwrap();
    let run = journal.run(queue.entry(id).run.as_deref()).unwrap();
    let shown = listed(&journal, &run, &queue.state).unwrap();
    let entries = shown.audit_log.iter();
    let entries = entries.map(|entry| {
        (
            &*entry.command,
            &*entry.actor.machine,
            entry.note.as_deref(),
        )
    });
    let own = Actor::here().machine;
    assert_eq!(
        entries.collect::<Vec<_>>(),
        [
            ("enqueue", "kontoret", None),
            ("enqueue", "kontoret", Some("terminsstart")),
            ("work", &own, None),
            ("approve", "kontoret", None),
        ]
    );
    assert_eq!(shown.account(), "anna");
}

#[test]
fn a_roster_copy_with_protected_rows_is_removed_after_its_run() {
    let Some(queue) = Queue::new(200) else { return };
    let marked: Vec<String> = held_roster()
        .lines()
        .zip(
            ["Sekretessmarkering", "Nej", "Ja"]
                .into_iter()
                .chain(std::iter::repeat("")),
        )
        .map(|(line, mark)| format!("{line},{mark}\n"))
        .collect();
    let id = queue.put("marked.csv", &marked.concat(), None);
    let copies = || {
        let count = queue
            .state
            .database()
            .unwrap()
            .change(|tables| cell::<i64>(&tables.one("SELECT count(*) FROM roster", &[])?, 0));
        count.unwrap()
    };
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    assert_eq!((queue.entry(id).state, copies()), (EntryState::Held, 1));
    put_back(&queue.state, id, GoOn::Approve, &deed("approve")).unwrap();
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    let entry = queue.entry(id);
    assert_eq!(
        (entry.state, copies()),
        (EntryState::Finished, 0),
        "{entry:?}"
    );
    // The original roster is still readable in its place.
    let journal = Journal::open(&queue.state).unwrap();
    let run = journal.run(entry.run.as_deref()).unwrap();
    let mut settings = Settings::of(&run).unwrap();
    assert_eq!(at_hand(&queue.state, &run, &mut settings).unwrap(), None);
    let file = queue.folder.path("marked.csv");
    assert_eq!(settings.roster.file, file);
    std::fs::remove_file(file).unwrap();
    let gone = at_hand(&queue.state, &run, &mut settings).unwrap_err();
    assert!(matches!(gone, AppError::RosterGone { .. }), "{gone}");
    // The copy of a roster without protected rows is kept for other machines.
    let id = queue.put("r.csv", &plain_roster(3), None);
    queue.work_until(queue.door(), "its end", || queue.has_ended(id));
    assert_eq!(copies(), 1);
    // Simulate a worker that died after the run without removing the copy.
    let database = queue.state.database().unwrap();
    let lost = "UPDATE run SET summary = replace(summary, '\"withheld\":0', '\"withheld\":1')";
    assert!(database.change(|tables| tables.execute(lost, &[])).unwrap() > 0);
    forget_dropped(&queue.state).unwrap();
    assert_eq!(copies(), 0);
}

#[test]
fn a_worker_without_the_profile_of_a_file_leaves_it_to_others() {
    let Some(queue) = Queue::new(200) else { return };
    let id = queue.put("r.csv", &plain_roster(3), None);
    let mut door = queue.door();
    door.meanwhile = Box::new(|_| Err(AppError::Usage("no such profile here".into())));
    let heard = queue.work_until(door, "a reason", || queue.entry(id).why.is_some());
    let entry = queue.entry(id);
    assert_eq!((entry.state, entry.slices), (EntryState::Waiting, 0));
    assert!(!entry.is_ahead, "it stays due: {entry:?}");
    assert_eq!(heard, [("r.csv".to_owned(), entry.code)]);

    // A worker whose lease has expired records nothing.
    let lost = queue.put("lost.csv", &plain_roster(2), None);
    let was_asked = Arc::new(AtomicBool::new(false));
    let asked = was_asked.clone();
    let mut door = queue.door();
    door.meanwhile = Box::new(move |_| {
        asked.store(true, Ordering::SeqCst);
        Err(RunError::from(JournalError::TakenOver).into())
    });
    let heard = queue.work_until(door, "a question", || was_asked.load(Ordering::SeqCst));
    assert_eq!(heard, []);
    assert!(queue.entry(lost).why.is_none());
}

#[test]
fn an_unreachable_api_is_retried_later_and_a_refusal_stops_the_file() {
    let Some(queue) = Queue::new(401) else { return };
    let away = queue.put("away.csv", &plain_roster(3), None);
    let mut door = queue.door();
    door.base_url = "http://127.0.0.1:1".into();
    let heard = queue.work_until(door, "a reason", || queue.entry(away).why.is_some());
    let entry = queue.entry(away);
    assert_eq!(entry.state, EntryState::Waiting, "{entry:?}");
    assert!(entry.is_ahead && entry.run.is_some(), "{entry:?}");
    assert_eq!(heard, [("away.csv".to_owned(), entry.code)]);
    let refused = queue.put("refused.csv", &plain_roster(4), None);
    let heard = queue.work_until(queue.door(), "its end", || queue.has_ended(refused));
    let entry = queue.entry(refused);
    assert_eq!(entry.state, EntryState::Stopped, "{entry:?}");
    assert_eq!(heard, [("refused.csv".to_owned(), entry.code)]);
}

/// Returns the number of files for each outcome of a sweep.
fn told_of(tally: &Tally) -> Vec<(Fate, u64)> {
    tally.fates().filter(|(_, files)| *files > 0).collect()
}

/// A desk that passes reports on and imports no file.
struct Noting<'a>(&'a dyn Fn(&str, &Told<'_>));

impl Desk for Noting<'_> {
    fn may_take(&self, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    fn wanted(&self, _: &Path, _: &str) -> Result<(Wanted<'_>, Notifications), AppError> {
        unreachable!("workers import the files")
    }

    fn account(&self, _: &str) -> u64 {
        0
    }

    fn notifications(&self, _: &str) -> Notifications {
        Notifications::default()
    }

    fn told(&self, name: &str, what: Told<'_>) {
        self.0(name, &what);
    }
}

/// Sweeps the inbox into the queue.
fn swept(queue: &Queue, told: &dyn Fn(&str, &Told<'_>)) -> Swept {
    let options = SweepOptions {
        folder: queue.folder.path("inbox"),
        settle: Duration::ZERO,
        interval: Duration::ZERO,
        again: false,
        fresh: false,
    };
    let desk = QueueDesk {
        desk: &Noting(told),
        profile_of: &|_| Ok(None),
        outcome_first: false,
    };
    sweep_into_queue(&queue.session(), options, &desk).unwrap()
}

#[test]
fn a_file_that_cannot_be_moved_is_reported_with_both_reasons() {
    let Some(queue) = Queue::new(200) else { return };
    std::fs::create_dir(queue.folder.path("inbox")).unwrap();
    let inbox = queue.folder.path("inbox").canonicalize().unwrap();
    let newer = format!(
        "INSERT INTO arrival (inbox, name, stamp, at, fate, path)
         VALUES ('{}', 'a.csv', '9999999999.000000000:1', 1, 'done', '')",
        inbox.display()
    );
    let database = queue.state.database().unwrap();
    let known = database.change(|tables| tables.execute(&newer, &[]));
    assert_eq!(known.unwrap(), 1);
    queue.folder.write("inbox/a.csv", plain_roster(1));
    queue.folder.write("inbox/a.csv.ready", "");
    // A file occupies the name of the folder for failed files.
    queue.folder.write("inbox/failed", "");
    let told = Mutex::new(Vec::new());
    let hear = |name: &str, what: &Told<'_>| match what {
        Told::NotImported(why) if name == "a.csv" => told.lock().unwrap().push(why.code()),
        _ => {}
    };
    let swept = swept(&queue, &hear);
    assert_eq!(swept.exit, Exit::CannotDo);
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], Code::InboxOlder);
    assert_ne!(told[1], Code::InboxOlder);
}

#[test]
fn a_sweep_archives_files_whose_runs_have_ended() {
    let Some(queue) = Queue::new(200) else { return };
    let folder = queue.folder.path("inbox");
    std::fs::create_dir(&folder).unwrap();
    let drop = |name: &str, text: &str| {
        queue.folder.write(&format!("inbox/{name}"), text);
        // With a marker file, the file is taken without settling.
        queue.folder.write(&format!("inbox/{name}.ready"), "");
    };
    drop("done.csv", &plain_roster(3));
    drop("undone.csv", &plain_roster(4));
    drop("held.csv", &held_roster());
    drop("broken.csv", "no,header\n1,2\n");
    let sweep = || {
        let told = Mutex::new(BTreeMap::new());
        let hear = |name: &str, what: &Told<'_>| {
            let text = match what {
                Told::Enqueued(_) => "enqueued".to_owned(),
                Told::Queued => "waiting".to_owned(),
                Told::Held { run, why } => format!("held {run} {}", why.code()),
                Told::PutAway(summary) => {
                    let results = summary.results.as_ref().unwrap();
                    assert!(results.is_file() && Path::new(&summary.file).is_file());
                    assert!(results.to_str().unwrap().ends_with(".results.csv"));
                    assert_eq!(results.parent(), Path::new(&summary.file).parent());
                    "ended".to_owned()
                }
                Told::NotImported(why) => {
                    assert!(why.path().unwrap().is_file(), "{why:?}");
                    format!("failed {}", why.code())
                }
                Told::Ended(..) | Told::Duplicate { .. } => unreachable!(),
            };
            told.lock().unwrap().insert(name.to_owned(), text);
        };
        let swept = swept(&queue, &hear);
        (swept.exit, swept.tally, told.into_inner().unwrap())
    };
    let (exit, _, told) = sweep();
    assert_eq!(exit, Exit::Success);
    assert!(told.len() == 4 && told.values().all(|told| told == "enqueued"));
    let (_, tally, told) = sweep();
    assert!(told.len() == 4 && told.values().all(|told| told == "waiting"));
    assert_eq!(told_of(&tally), [(Fate::Waiting, 4)]);
    queue.work_until(queue.door(), "the end of all", || {
        listed_queue(&queue.state, true)
            .unwrap()
            .iter()
            .all(|entry| queue.has_ended(entry.id))
    });
    let entries = listed_queue(&queue.state, true).unwrap();
    let run_of = |name: &str| {
        let mut entries = entries.iter();
        let entry = entries.find(|entry| entry.file.ends_with(&format!("/{name}")));
        entry.unwrap().run.clone().unwrap()
    };
    let mut journal = Journal::open(&queue.state).unwrap();
    let undone = journal.run(Some(&run_of("undone.csv"))).unwrap();
    journal.set_state(undone.id, RunState::Undone).unwrap();
    let (exit, tally, told) = sweep();
    assert_eq!(exit, Exit::CannotDo);
    assert_eq!(told["done.csv"], "ended");
    assert_eq!(told["undone.csv"], "failed run.undone");
    assert!(told["broken.csv"].starts_with("failed "), "{told:?}");
    let run = run_of("held.csv");
    assert!(
        told["held.csv"].starts_with(&format!("held {run} ")),
        "{told:?}"
    );
    assert_eq!(told_of(&tally).len(), 3, "{tally:?}");
    // The journal links the held file to its run.
    let arrivals = queue.state.database().unwrap().change(|tables| {
        let rows = tables.rows("SELECT name, run FROM arrival ORDER BY name", &[])?;
        let known = |row| Ok((cell::<String>(row, 0)?, cell::<Option<String>>(row, 1)?));
        rows.iter().map(known).collect::<Result<Vec<_>, _>>()
    });
    let held = ("held.csv".to_owned(), Some(run));
    assert!(arrivals.unwrap().contains(&held));
    let left = std::fs::read_dir(folder.join("processing")).unwrap();
    assert_eq!(left.count(), 1, "the held file");
    // The same file can be dropped again.
    drop("done.csv", &plain_roster(3));
    assert_eq!(sweep().2["done.csv"], "enqueued");
}
