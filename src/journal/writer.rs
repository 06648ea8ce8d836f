//! The writer records intents and outcomes on a separate thread.

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

/// Writes a run's plan, intents and outcomes from a separate thread.
///
/// A sending run records intents for a window of rows in one commit, so that no request waits for a separate
/// commit. After a crash, rows of the window without an outcome are in doubt. Outcomes are committed in
/// groups, and no request waits for them: at most [`Writer::MOST_IN_MEMORY`] rows are acknowledged and not
/// yet durable, and none for longer than [`Writer::LONGEST_IN_MEMORY`] plus the duration of a commit.
#[derive(Debug)]
pub struct Writer {
    entries: mpsc::Sender<Waiting>,
    is_strict: bool,
    shared: Arc<Shared>,
    durable: AsyncMutex<mpsc::UnboundedReceiver<Durable>>,
    /// The result of the last planned rows that were sent to the thread.
    planned: Mutex<Option<oneshot::Receiver<Written>>>,
    /// The requests in progress, with the number of attempts for each row.
    under_way: Mutex<BTreeMap<u64, u32>>,
    recorded: Recorded,
    thread: JoinHandle<Journal>,
}

/// The state that the thread shares with callers.
#[derive(Debug)]
struct Shared {
    /// When this process was last known to own the journal, in nanoseconds of [`awake`].
    confirmed: AtomicU64,
    /// How long that is valid; `None` if no other process can take over the journal.
    lease: Option<Duration>,
    /// The last row whose intent is durable.
    reach: AtomicU64,
    /// The number of outcomes waiting to be written.
    waiting: AtomicIsize,
    /// Wakes the thread if a caller waits or many entries are queued.
    urgent: Notify,
}

impl Shared {
    fn confirm(&self, at: Duration) {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(at, Ordering::Release);
    }

    /// Returns whether another process may have taken over the journal since the last write.
    fn is_stale(&self) -> bool {
        let confirmed = Duration::from_nanos(self.confirmed.load(Ordering::Acquire));
        self.lease
            .is_some_and(|lease| awake().saturating_sub(confirmed) > lease)
    }
}

/// The result of writing; later callers receive the same error.
type Written = Result<(), String>;

/// Rows whose outcome is durable, or the error after which none will be.
type Durable = Result<Vec<(u64, RowState)>, String>;

/// An entry, and the channel that receives its result.
type Waiting = (Entry, Option<oneshot::Sender<Written>>);

/// The number of outcomes that triggers a commit.
const GROUP: usize = 512;

impl Record for Writer {
    async fn intent(&self, row: u64, attempt: u32) -> Result<(), JournalError> {
        if self.is_strict || attempt > 1 {
            // The window contains only first attempts.
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
        // Removed only here, because an outcome whose call was cancelled earlier leaves the row in doubt.
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
    /// The maximum number of rows that are acknowledged and not yet durable: those in the queue and those in
    /// the commit.
    pub const MOST_IN_MEMORY: usize = 2 * 1024;

    /// The maximum time for which an outcome waits to be written.
    pub const LONGEST_IN_MEMORY: Duration = Duration::from_millis(20);

    /// Starts a writer for the run with this number. Fails if no thread can be started.
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

    /// Returns a handle with which other threads can follow the progress.
    pub fn recorded(&self) -> Recorded {
        self.recorded.clone()
    }

    /// Waits until the rows of the last [`Writer::plan`] are written, which limits the memory to two batches.
    pub async fn room(&self) -> Result<(), JournalError> {
        let before = lock(&self.planned).take();
        match before {
            None => Ok(()),
            Some(before) => settled(before).await,
        }
    }

    /// Records planned rows: their marks, their calls, and the outcomes of rows with nothing to send. Does
    /// not wait for the disk; [`Record::flush`] does. Fails if the writer has ended.
    pub fn plan(&self, rows: Vec<PlannedRow>) -> Result<(), JournalError> {
        let (done, written) = oneshot::channel();
        self.entries
            .try_send((Entry::Planned(rows), Some(done)))
            .map_err(|_| JournalError::Closed)?;
        self.handed_over(written);
        Ok(())
    }

    /// Like [`Writer::plan`], for threads that may block; includes [`Writer::room`].
    pub fn plan_blocking(&self, rows: Vec<PlannedRow>) -> Result<(), JournalError> {
        self.room_blocking()?;
        let (done, written) = oneshot::channel();
        self.entries
            .blocking_send((Entry::Planned(rows), Some(done)))
            .map_err(|_| JournalError::Closed)?;
        self.handed_over(written);
        Ok(())
    }

    /// Stores the receiver for [`Writer::room`] and wakes the thread.
    fn handed_over(&self, written: oneshot::Receiver<Written>) {
        *lock(&self.planned) = Some(written);
        self.shared.urgent.notify_one();
    }

    /// Like [`Writer::room`], for threads that may block.
    pub fn room_blocking(&self) -> Result<(), JournalError> {
        let before = lock(&self.planned).take();
        match before {
            None => Ok(()),
            Some(before) => settled_blocking(before),
        }
    }

    /// Records the intent of requests for all rows up to `row`, and returns once it is durable. After an
    /// error, none of the requests may be made.
    async fn reach(&self, row: u64) -> Result<(), JournalError> {
        let is_known = row <= self.shared.reach.load(Ordering::Acquire);
        if is_known && !self.shared.is_stale() {
            return Ok(());
        }
        self.write(Entry::Reach(row)).await
    }

    /// Records the intent of requests for all rows up to `row`, on a thread that may block. After an error,
    /// none of the requests may be made.
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

    /// Ends the thread and returns the journal. Rows with a request in progress are recorded as unknown; no
    /// other row stays in doubt. Fails if the thread has panicked.
    pub fn close(self) -> Result<Journal, JournalError> {
        if self.shared.reach.load(Ordering::Acquire) > 0 {
            let left = std::mem::take(&mut *lock(&self.under_way));
            let left = Entry::Left(left.into_iter().collect());
            // If this write fails, the earlier intents leave the rows in doubt.
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

/// Like [`settled`], for threads that may block.
fn settled_blocking(written: oneshot::Receiver<Written>) -> Result<(), JournalError> {
    written
        .blocking_recv()
        .map_err(|_| JournalError::Closed)?
        .map_err(JournalError::Broken)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks the writer thread as ended, even if it panics.
struct Over(Recorded);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The state of the writer thread.
struct Work {
    journal: Journal,
    stage: Stage,
    place: RunFieldSets,
    shared: Arc<Shared>,
    recorded: Recorded,
    tell: mpsc::UnboundedSender<Durable>,
    /// The first write error. No later entry may count as durable, because the record would have a gap.
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
                    // No further request may be made, even with a recorded intent.
                    Some(_) => self.shared.reach.store(0, Ordering::Release),
                    None => self.shared.confirm(asked_at),
                }
            }
            self.answer(group.drain(..));
        }
    }

    /// Reports the result of a commit to all waiting threads.
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
        // The counter can be negative for a moment, because a row may be written before it is counted.
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
        // The receiver may be gone.
        drop(told);
        for done in waiting {
            // The waiting caller may have been cancelled; the entry is recorded anyway.
            let _ = done.send(self.broken.clone().map_or(Ok(()), Err));
        }
    }
}

/// Returns a monotonic time that also advances while the process or the machine is suspended.
fn awake() -> Duration {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    match SystemClock.since_boot() {
        Some((_, nanos)) => Duration::from_nanos(nanos),
        None => BEGAN.get_or_init(std::time::Instant::now).elapsed(),
    }
}
