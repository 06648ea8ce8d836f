use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

use super::error::JournalError;
use super::store::Journal;
use crate::model::{Outcome, RowState};

/// Writes one run's intents and outcomes from a thread of its own. Whatever waits while one
/// commit is on its way to the disk goes into the next one together: a group commit.
#[derive(Debug)]
pub struct Writer {
    entries: mpsc::Sender<Waiting>,
    thread: JoinHandle<Journal>,
}

#[derive(Debug)]
enum Entry {
    Intent {
        row: u64,
        attempt: u32,
        at: Timestamp,
    },
    Outcome(Box<Outcome>),
    Flush,
}

/// Entries that may wait; beyond it whoever writes waits too.
const QUEUE: usize = 1024;

/// Entries in one commit.
const GROUP: usize = 512;

impl Writer {
    /// A writer of run number `run`.
    pub fn start(journal: Journal, run: i64) -> Writer {
        let (entries, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::spawn(move || work(journal, run, receiver));
        Writer { entries, thread }
    }

    /// Records that a request for `row` is about to leave. Returns when that is durable.
    ///
    /// # Errors
    /// When it could not be recorded: the request must not be made.
    pub async fn intent(&self, row: u64, attempt: u32, at: Timestamp) -> Result<(), JournalError> {
        self.write(Entry::Intent { row, attempt, at }).await
    }

    /// Records what became of a row. Returns when that is durable.
    ///
    /// # Errors
    /// When it could not be recorded: the row does not count as done.
    pub async fn outcome(&self, outcome: Outcome) -> Result<(), JournalError> {
        self.write(Entry::Outcome(Box::new(outcome))).await
    }

    /// Records what became of a row for which nothing was sent, without waiting for the disk;
    /// [`Writer::flush`] waits for all of them.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn settle(&self, outcome: Outcome) -> Result<(), JournalError> {
        let entry = Entry::Outcome(Box::new(outcome));
        self.entries
            .send((entry, None))
            .await
            .map_err(|_| JournalError::Closed)
    }

    /// Returns when all that was written before is durable.
    ///
    /// # Errors
    /// When any of it could not be recorded.
    pub async fn flush(&self) -> Result<(), JournalError> {
        self.write(Entry::Flush).await
    }

    async fn write(&self, entry: Entry) -> Result<(), JournalError> {
        let (done, durable) = oneshot::channel();
        self.entries
            .send((entry, Some(done)))
            .await
            .map_err(|_| JournalError::Closed)?;
        durable
            .await
            .map_err(|_| JournalError::Closed)?
            .map_err(JournalError::Broken)
    }

    /// Ends the thread, and gives the journal back.
    ///
    /// # Errors
    /// When the thread has died.
    pub fn close(self) -> Result<Journal, JournalError> {
        drop(self.entries);
        self.thread.join().map_err(|_| JournalError::Closed)
    }
}

/// An entry, and whoever waits for it to be durable.
type Waiting = (Entry, Option<oneshot::Sender<Result<(), String>>>);

fn work(mut journal: Journal, run: i64, mut entries: mpsc::Receiver<Waiting>) -> Journal {
    // After a failed write nothing later may be called durable: a gap in the record is no record.
    let mut broken: Option<String> = None;
    while let Some(first) = entries.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            match entries.try_recv() {
                Ok(entry) => group.push(entry),
                Err(_) => break,
            }
        }
        if broken.is_none() {
            broken = commit(&mut journal.connection, run, &group)
                .err()
                .map(|e| e.to_string());
        }
        for (_, done) in group {
            if let Some(done) = done {
                // Whoever waited may have given up; the record stands all the same.
                let _ = done.send(broken.clone().map_or(Ok(()), Err));
            }
        }
    }
    journal
}

fn commit(connection: &mut Connection, run: i64, group: &[Waiting]) -> rusqlite::Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut intend = transaction.prepare_cached(
            "INSERT INTO row (run, row, state, attempts, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (run, row) DO UPDATE SET state = ?3, attempts = ?4, at = ?5",
        )?;
        let mut settle = transaction.prepare_cached(
            "INSERT OR REPLACE INTO row
             (run, row, state, http_status, error_code, error, changed, attempts, request_id, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for (entry, _) in group {
            match entry {
                Entry::Flush => {}
                Entry::Intent { row, attempt, at } => {
                    let state = RowState::Unknown.as_str();
                    intend.execute(params![run, row, state, attempt, at.to_string()])?;
                }
                Entry::Outcome(outcome) => {
                    settle.execute(params![
                        run,
                        outcome.row,
                        outcome.state.as_str(),
                        outcome.http_status,
                        outcome.error_code,
                        outcome.error,
                        outcome.changed,
                        outcome.attempts,
                        outcome.request_id,
                        outcome.finished_at.to_string(),
                    ])?;
                }
            }
        }
    }
    transaction.commit()
}
