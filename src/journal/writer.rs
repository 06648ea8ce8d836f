//! The writer records intents and outcomes on a thread of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot};

use super::entries::{Entry, PlannedRow, PlannedWhat, RunFieldSets};
use super::error::JournalError;
use super::facade::Journal;
use super::record::{Record, Stage};
use super::recorded::Recorded;
use crate::clock::{Clock, SystemClock};
use crate::model::{Outcome, RowState};

/// Writes one run's plan, intents and outcomes from a thread of its own.
///
/// A run that sends says a window of rows ahead which requests may be made, in one commit, so that
/// none waits for a commit of its own; after a crash those of them without an outcome are in doubt.
/// Outcomes are committed in groups, off the path: at most [`Writer::MOST_IN_MEMORY`] rows may be
/// answered and not yet durable, and none for longer than [`Writer::LONGEST_IN_MEMORY`] and the time
/// that the disk takes for a commit.
#[derive(Debug)]
pub struct Writer {
    entries: mpsc::Sender<Waiting>,
    is_strict: bool,
    shared: Arc<Shared>,
    durable: AsyncMutex<mpsc::UnboundedReceiver<Durable>>,
    /// The plan's rows that were handed over last, until they are written.
    planned: Mutex<Option<oneshot::Receiver<Written>>>,
    /// Requests in progress, and how many were made for each row.
    under_way: Mutex<BTreeMap<u64, u32>>,
    recorded: Recorded,
    thread: JoinHandle<Journal>,
}

/// What both sides see.
#[derive(Debug)]
struct Shared {
    /// When the journal was last known to be this process's, in nanoseconds of [`awake`].
    confirmed: AtomicU64,
    /// For how long that is believed; none where nobody could take it over.
    lease: Option<Duration>,
    /// The last row of which it is durable that a request may be made for it.
    reach: AtomicU64,
    /// Outcomes that wait to be written.
    waiting: AtomicIsize,
    /// Somebody waits, or much does.
    urgent: Notify,
}

impl Shared {
    fn confirm(&self, at: Duration) {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(at, Ordering::Release);
    }

    /// Whether the journal may have been taken over since it was last written to.
    fn is_stale(&self) -> bool {
        let confirmed = Duration::from_nanos(self.confirmed.load(Ordering::Acquire));
        self.lease
            .is_some_and(|lease| awake().saturating_sub(confirmed) > lease)
    }
}

/// The result of writing; later callers receive the same error.
type Written = Result<(), String>;

/// Rows whose outcome is durable, or why none will be any more.
type Durable = Result<Vec<(u64, RowState)>, String>;

/// An entry, and who is told when it is durable.
type Waiting = (Entry, Option<oneshot::Sender<Written>>);

/// Outcomes that are worth a commit.
const GROUP: usize = 512;

impl Record for Writer {
    async fn intent(&self, row: u64, attempt: u32) -> Result<(), JournalError> {
        if self.is_strict || attempt > 1 {
            // A window tells of first attempts only.
            self.write(Entry::Attempt(row, attempt)).await?;
        } else {
            self.reach(row).await?;
        }
        lock(&self.under_way).insert(row, attempt);
        Ok(())
    }

    async fn outcome(&self, outcome: Outcome) -> Result<(), JournalError> {
        let row = outcome.row;
        let entry = Entry::Outcome(Box::new(outcome));
        let (done, durable) = self.is_strict.then(oneshot::channel).unzip();
        self.put(entry, done).await?;
        // Only now: one that is dropped before is in doubt.
        lock(&self.under_way).remove(&row);
        let waiting = self.shared.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_strict || waiting >= GROUP as isize {
            self.shared.urgent.notify_one();
        }
        match durable {
            Some(durable) => settled(durable).await,
            None => Ok(()),
        }
    }

    async fn durable(&self) -> Result<Vec<(u64, RowState)>, JournalError> {
        match self.durable.lock().await.recv().await {
            Some(durable) => durable.map_err(JournalError::Broken),
            None => Err(JournalError::Closed),
        }
    }

    async fn flush(&self) -> Result<(), JournalError> {
        self.write(Entry::Flush).await
    }
}

impl Writer {
    /// Rows that may be answered and not yet durable: those that wait, and those in the commit.
    pub const MOST_IN_MEMORY: usize = 2 * 1024;

    /// How long an outcome waits at most before it is written.
    pub const LONGEST_IN_MEMORY: Duration = Duration::from_millis(5);

    /// A writer of run number `run`.
    ///
    /// # Errors
    /// When the process may start no further thread.
    pub fn start(journal: Journal, run: i64, stage: Stage) -> Result<Writer, JournalError> {
        let (entries, receiver) = mpsc::channel(Writer::MOST_IN_MEMORY / 2);
        let (tell, durable) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            confirmed: AtomicU64::new(u64::try_from(awake().as_nanos()).unwrap_or(0)),
            lease: journal.lease(),
            reach: AtomicU64::new(0),
            waiting: AtomicIsize::new(0),
            urgent: Notify::new(),
        });
        let recorded = Recorded::default();
        let work = Work {
            journal,
            place: RunFieldSets::new(run),
            stage,
            shared: shared.clone(),
            recorded: recorded.clone(),
            tell,
            broken: None,
        };
        let over = Over(recorded.clone());
        let run = move || {
            let _over = over;
            work.run(receiver)
        };
        let thread = std::thread::Builder::new().spawn(run);
        let thread = thread.map_err(|error| JournalError::Broken(error.to_string()))?;
        Ok(Writer {
            entries,
            is_strict: stage == Stage::StrictSending,
            shared,
            durable: AsyncMutex::new(durable),
            planned: Mutex::default(),
            under_way: Mutex::default(),
            recorded,
            thread,
        })
    }

    /// Reports this thread's progress to other threads.
    pub fn recorded(&self) -> Recorded {
        self.recorded.clone()
    }

    /// Waits until the rows that were handed to [`Writer::plan`] last are written, so that no more than
    /// two lots are in memory.
    pub async fn room(&self) -> Result<(), JournalError> {
        let before = lock(&self.planned).take();
        match before {
            None => Ok(()),
            Some(before) => settled(before).await,
        }
    }

    /// Records what rows say, what is to be sent for them, and the outcome of those for which nothing
    /// is, without waiting for the disk; [`Record::flush`] waits for all of it.
    ///
    /// # Errors
    /// When nothing can be recorded any more.
    pub fn plan(&self, rows: Vec<PlannedRow>) -> Result<(), JournalError> {
        let (done, written) = oneshot::channel();
        self.entries
            .try_send((Entry::Planned(rows), Some(done)))
            .map_err(|_| JournalError::Closed)?;
        self.handed_over(written);
        Ok(())
    }

    /// The same on a thread that may wait, with [`Writer::room`] before it.
    pub fn plan_blocking(&self, rows: Vec<PlannedRow>) -> Result<(), JournalError> {
        self.room_blocking()?;
        let (done, written) = oneshot::channel();
        self.entries
            .blocking_send((Entry::Planned(rows), Some(done)))
            .map_err(|_| JournalError::Closed)?;
        self.handed_over(written);
        Ok(())
    }

    /// Rows of the plan are on their way, and somebody will wait for them.
    fn handed_over(&self, written: oneshot::Receiver<Written>) {
        *lock(&self.planned) = Some(written);
        self.shared.urgent.notify_one();
    }

    /// [`Writer::room`] on a thread that may wait.
    pub fn room_blocking(&self) -> Result<(), JournalError> {
        let before = lock(&self.planned).take();
        match before {
            None => Ok(()),
            Some(before) => settled_blocking(before),
        }
    }

    /// Records that requests may be made for all rows up to `row`. Returns when that is durable.
    ///
    /// # Errors
    /// When it could not be recorded: none of the requests may be made.
    async fn reach(&self, row: u64) -> Result<(), JournalError> {
        let is_known = row <= self.shared.reach.load(Ordering::Acquire);
        if is_known && !self.shared.is_stale() {
            return Ok(());
        }
        self.write(Entry::Reach(row)).await
    }

    /// The same on a thread that may wait.
    ///
    /// # Errors
    /// When it could not be recorded: none of the requests may be made.
    pub fn reach_blocking(&self, row: u64) -> Result<(), JournalError> {
        let (done, durable) = oneshot::channel();
        self.entries
            .blocking_send((Entry::Reach(row), Some(done)))
            .map_err(|_| JournalError::Closed)?;
        self.shared.urgent.notify_one();
        settled_blocking(durable)
    }

    async fn put(
        &self,
        entry: Entry,
        done: Option<oneshot::Sender<Written>>,
    ) -> Result<(), JournalError> {
        let sent = self.entries.send((entry, done)).await;
        sent.map_err(|_| JournalError::Closed)
    }

    async fn write(&self, entry: Entry) -> Result<(), JournalError> {
        let (done, durable) = oneshot::channel();
        self.put(entry, Some(done)).await?;
        self.shared.urgent.notify_one();
        settled(durable).await
    }

    /// Ends the thread, and gives the journal back. Rows for which a request was made and of which
    /// nothing is known are recorded as that, and no other is in doubt any more.
    ///
    /// # Errors
    /// When the thread has died.
    pub fn close(self) -> Result<Journal, JournalError> {
        if self.shared.reach.load(Ordering::Acquire) > 0 {
            let left = std::mem::take(&mut *lock(&self.under_way));
            let left = Entry::Left(left.into_iter().collect());
            // Where nothing can be written any more, they are in doubt by what was written before.
            let _ = self.entries.blocking_send((left, None));
        }
        self.shared.urgent.notify_one();
        drop(self.entries);
        self.thread.join().map_err(|_| JournalError::Closed)
    }
}

/// Waits until an entry is durable.
async fn settled(written: oneshot::Receiver<Written>) -> Result<(), JournalError> {
    written
        .await
        .map_err(|_| JournalError::Closed)?
        .map_err(JournalError::Broken)
}

/// The same on a thread that may wait.
fn settled_blocking(written: oneshot::Receiver<Written>) -> Result<(), JournalError> {
    written
        .blocking_recv()
        .map_err(|_| JournalError::Closed)?
        .map_err(JournalError::Broken)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reports the end of the writer thread, however it ends.
struct Over(Recorded);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The thread that writes.
struct Work {
    journal: Journal,
    stage: Stage,
    place: RunFieldSets,
    shared: Arc<Shared>,
    recorded: Recorded,
    tell: mpsc::UnboundedSender<Durable>,
    /// After a failed write nothing later may be called durable: a gap in the record is no record.
    broken: Option<String>,
}

impl Work {
    fn run(mut self, entries: mpsc::Receiver<Waiting>) -> Journal {
        self.journal.begin_writing(self.place.run, self.stage);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.work(entries)),
            Err(error) => drop(self.tell.send(Err(error.to_string()))),
        }
        self.journal.end_writing();
        self.journal
    }

    async fn work(&mut self, mut entries: mpsc::Receiver<Waiting>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = entries.recv().await {
            group.push(first);
            if group.iter().all(|(_, done)| done.is_none()) {
                tokio::select! {
                    () = tokio::time::sleep(Writer::LONGEST_IN_MEMORY) => {}
                    () = self.shared.urgent.notified() => {}
                }
            }
            while group.len() < Writer::MOST_IN_MEMORY / 2
                && let Ok(entry) = entries.try_recv()
            {
                group.push(entry);
            }
            if self.broken.is_none() {
                let asked_at = awake();
                let mut all = group.iter().map(|(entry, _)| entry);
                let written = self.journal.write(&mut self.place, &mut all);
                self.broken = written.err().map(|error| error.to_string());
                match &self.broken {
                    // No request may be made any more, whatever was recorded beforehand.
                    Some(_) => self.shared.reach.store(0, Ordering::Release),
                    None => self.shared.confirm(asked_at),
                }
            }
            self.answer(group.drain(..));
        }
    }

    /// Reports the result to all waiting threads.
    fn answer(&self, group: impl Iterator<Item = Waiting>) {
        let (mut rows, mut waiting) = (Vec::new(), Vec::new());
        let (mut planned, mut settled) = (0, 0);
        for (entry, done) in group {
            match entry {
                Entry::Outcome(outcome) => rows.push((outcome.row, outcome.state)),
                Entry::Planned(rows) => {
                    let is_settled =
                        |row: &&PlannedRow| matches!(row.what, PlannedWhat::Settled(_));
                    planned += rows.len();
                    settled += rows.iter().filter(is_settled).count();
                }
                Entry::Reach(row) if self.broken.is_none() => {
                    self.shared.reach.fetch_max(row, Ordering::Release);
                }
                _ => {}
            }
            waiting.extend(done);
        }
        // A row may be written before it is counted, so that there are fewer than none for a moment.
        self.shared
            .waiting
            .fetch_sub(rows.len() as isize, Ordering::Relaxed);
        settled += rows.len();
        if self.broken.is_none() && planned + settled > 0 {
            self.recorded.add(planned, settled);
        }
        let told = match &self.broken {
            Some(why) => self.tell.send(Err(why.clone())),
            None if rows.is_empty() => Ok(()),
            None => self.tell.send(Ok(rows)),
        };
        // Nobody may be listening any more.
        drop(told);
        for done in waiting {
            // The one who waited may have given up; the record stands all the same.
            let _ = done.send(self.broken.clone().map_or(Ok(()), Err));
        }
    }
}

/// Time that continues while the process is frozen and while the machine sleeps.
fn awake() -> Duration {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    match SystemClock.since_boot() {
        Some((_, nanos)) => Duration::from_nanos(nanos),
        None => BEGAN.get_or_init(std::time::Instant::now).elapsed(),
    }
}
