use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::error::JournalError;
use super::store::Journal;
use crate::model::{Call, Outcome, RowAt, RowState};

/// Where a run's intents and outcomes are recorded.
pub trait Record: Sync {
    /// Records that a request for `row` is about to leave, the `attempt`th for it. Returns when
    /// that is durable.
    ///
    /// # Errors
    /// When it could not be recorded: the request must not be made.
    fn intent(
        &self,
        row: u64,
        attempt: u32,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Records what became of a row. Returns when that is durable.
    ///
    /// # Errors
    /// When it could not be recorded: the row does not count as done.
    fn outcome(&self, outcome: Outcome) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// Writes one run's plan, intents and outcomes from a thread of its own. Whatever waits while one
/// commit is on its way to the disk goes into the next one together: a group commit.
#[derive(Debug)]
pub struct Writer {
    entries: mpsc::Sender<Waiting>,
    thread: JoinHandle<Journal>,
}

/// Whose entries they are.
#[derive(Debug)]
struct Place {
    run: i64,
    account: String,
}

#[derive(Debug)]
enum Entry {
    Intent {
        row: u64,
        attempt: u32,
        at: Timestamp,
    },
    Outcome(Box<Outcome>),
    Call(Box<Call>),
    Content {
        at: RowAt,
        key: i64,
        cells: Vec<u8>,
    },
    Warning {
        row: u64,
        text: String,
    },
    Flush,
}

/// Entries that may wait; beyond it the writers wait too.
const QUEUE: usize = 1024;

/// How long a commit waits for others that are about to write.
const GATHER: Duration = Duration::from_millis(1);

/// Entries in one commit.
const GROUP: usize = 512;

impl Record for Writer {
    async fn intent(&self, row: u64, attempt: u32, at: Timestamp) -> Result<(), JournalError> {
        self.write(Entry::Intent { row, attempt, at }).await
    }

    async fn outcome(&self, outcome: Outcome) -> Result<(), JournalError> {
        self.write(Entry::Outcome(Box::new(outcome))).await
    }
}

impl Writer {
    /// A writer of run number `run`.
    ///
    /// What is delivered to records that cannot be read is remembered for `account`.
    pub fn start(journal: Journal, run: i64, account: &str) -> Writer {
        let (entries, receiver) = mpsc::channel(QUEUE);
        let place = Place {
            run,
            account: account.to_owned(),
        };
        let thread = std::thread::spawn(move || work(journal, &place, receiver));
        Writer { entries, thread }
    }

    /// Records what became of a row for which nothing is sent, without waiting for the disk;
    /// [`Writer::flush`] waits for all of them.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn settle(&self, outcome: Outcome) -> Result<(), JournalError> {
        self.put(Entry::Outcome(Box::new(outcome))).await
    }

    /// Records a call that is to be made, without waiting for the disk.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn plan(&self, call: Call) -> Result<(), JournalError> {
        self.put(Entry::Call(Box::new(call))).await
    }

    /// Records fingerprints of a row's key and of its cells, by which a row is known again in
    /// another file, without waiting for the disk.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn content(&self, at: RowAt, key: i64, cells: Vec<u8>) -> Result<(), JournalError> {
        self.put(Entry::Content { at, key, cells }).await
    }

    /// Records what is doubtful about a row, without waiting for the disk.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn warn(&self, row: u64, text: String) -> Result<(), JournalError> {
        self.put(Entry::Warning { row, text }).await
    }

    /// Returns when all that was written before is durable.
    ///
    /// # Errors
    /// When any of it could not be recorded.
    pub async fn flush(&self) -> Result<(), JournalError> {
        self.write(Entry::Flush).await
    }

    async fn put(&self, entry: Entry) -> Result<(), JournalError> {
        let sent = self.entries.send((entry, None)).await;
        sent.map_err(|_| JournalError::Closed)
    }

    async fn write(&self, entry: Entry) -> Result<(), JournalError> {
        let (done, durable) = oneshot::channel();
        let sent = self.entries.send((entry, Some(done))).await;
        sent.map_err(|_| JournalError::Closed)?;
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

/// Reads the journal as the next program will: by a connection of its own, since the one that writes
/// goes on seeing the pages that it holds in memory, whatever becomes of the file.
struct Witness {
    connection: Connection,
    run: i64,
    name: String,
}

impl Witness {
    /// A witness of a run; none where there is no file that another program could read.
    fn of(journal: &Journal, run: i64) -> Option<Witness> {
        let path = journal.connection.path().filter(|path| !path.is_empty())?;
        // What is in the log is read from there, so the run has to be in the file itself. A process that
        // reads meanwhile may keep a part of the log from it: that comes with a later one.
        let moved = "PRAGMA wal_checkpoint(PASSIVE)";
        journal.connection.query_row(moved, [], |_| Ok(())).ok()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).ok()?;
        connection.busy_timeout(Duration::from_secs(30)).ok()?;
        let name = name_of(&connection, run).ok()?;
        Some(Witness {
            connection,
            run,
            name,
        })
    }

    fn sees_the_run(&self) -> bool {
        name_of(&self.connection, self.run).is_ok_and(|name| name == self.name)
    }
}

fn name_of(connection: &Connection, run: i64) -> rusqlite::Result<String> {
    connection
        .prepare_cached("SELECT name FROM run WHERE id = ?1")?
        .query_row([run], |row| row.get(0))
}

/// An entry, and who is told when it is durable.
type Waiting = (Entry, Option<oneshot::Sender<Result<(), String>>>);

fn work(mut journal: Journal, place: &Place, mut entries: mpsc::Receiver<Waiting>) -> Journal {
    // After a failed write nothing later may be called durable: a gap in the record is no record.
    let mut broken: Option<String> = None;
    let witness = Witness::of(&journal, place.run);
    while let Some(first) = entries.blocking_recv() {
        let mut group = vec![first];
        gather(&mut entries, &mut group);
        if group.len() < GROUP && group.iter().any(|(_, done)| done.is_some()) {
            // A task that is about to write goes into the same commit: it costs more than the wait.
            std::thread::sleep(GATHER);
            gather(&mut entries, &mut group);
        }
        if broken.is_none() {
            broken = commit(&mut journal, witness.as_ref(), place, &group).err();
        }
        for (_, done) in group {
            if let Some(done) = done {
                // The one who waited may have given up; the record stands all the same.
                let _ = done.send(broken.clone().map_or(Ok(()), Err));
            }
        }
    }
    journal
}

/// Takes what waits, as much as goes into one commit.
fn gather(entries: &mut mpsc::Receiver<Waiting>, group: &mut Vec<Waiting>) {
    while group.len() < GROUP {
        match entries.try_recv() {
            Ok(entry) => group.push(entry),
            Err(_) => return,
        }
    }
}

fn commit(
    journal: &mut Journal,
    witness: Option<&Witness>,
    place: &Place,
    group: &[Waiting],
) -> Result<(), String> {
    if !journal.is_in_place() {
        return Err("its file was deleted or replaced while the run was under way".into());
    }
    if witness.is_some_and(|witness| !witness.sees_the_run()) {
        return Err(
            "its file was overwritten while the run was under way; what was sent until then has \
             no record, and `rosterpatch plan` shows what still differs"
                .into(),
        );
    }
    let mut written = || -> rusqlite::Result<()> {
        let transaction = journal
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (entry, _) in group {
            write(&transaction, place, entry)?;
        }
        transaction.commit()
    };
    written().map_err(|error| error.to_string())
}

fn write(transaction: &Transaction<'_>, place: &Place, entry: &Entry) -> rusqlite::Result<()> {
    let Place { run, account } = place;
    match entry {
        Entry::Flush => {}
        Entry::Intent { row, attempt, at } => {
            let state = RowState::Unknown.as_str();
            transaction
                .prepare_cached(
                    "INSERT INTO row (run, row, state, attempts, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (run, row) DO UPDATE SET state = ?3, attempts = ?4, at = ?5",
                )?
                .execute(params![run, row, state, attempt, at.to_string()])?;
            // Until the answer comes, nobody knows what the record holds; and what a run that reads
            // sends to it replaces what one that does not had delivered.
            if *attempt == 1 {
                transaction
                    .prepare_cached(
                        "DELETE FROM delivered WHERE account = ?1 AND record =
                         (SELECT path FROM call WHERE run = ?2 AND row = ?3)",
                    )?
                    .execute(params![account, run, row])?;
            }
        }
        Entry::Outcome(outcome) => write_outcome(transaction, place, outcome)?,
        Entry::Call(call) => write_call(transaction, *run, call)?,
        Entry::Warning { row, text } => {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO warning VALUES (?1, ?2, ?3)")?
                .execute(params![run, row, text])?;
        }
        Entry::Content { at, key, cells } => {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO content VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![run, at.row, key, cells])?;
        }
    }
    Ok(())
}

fn write_outcome(
    transaction: &Transaction<'_>,
    place: &Place,
    outcome: &Outcome,
) -> rusqlite::Result<()> {
    let Place { run, account } = place;
    transaction
        .prepare_cached(
            "INSERT INTO row
             (run, row, state, http_status, error_code, error, changed, attempts, request_id, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (run, row) DO UPDATE SET
             state = ?3, http_status = ?4, error_code = ?5, error = ?6, changed = ?7,
             attempts = ?8, request_id = ?9, at = ?10",
        )?
        .execute(params![
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
    if outcome.state == RowState::Updated {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO delivered
                 SELECT ?1, path, fingerprint, ?4 FROM call
                 WHERE run = ?2 AND row = ?3 AND fingerprint IS NOT NULL",
            )?
            .execute(params![
                account,
                run,
                outcome.row,
                outcome.finished_at.to_string()
            ])?;
    }
    Ok(())
}

fn write_call(transaction: &Transaction<'_>, run: i64, call: &Call) -> rusqlite::Result<()> {
    let changes = serde_json::to_string(&call.changes)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO call VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            run,
            call.at.row,
            call.at.line,
            call.method.as_str(),
            call.path,
            call.body,
            call.changed,
            changes,
            call.key,
            call.fingerprint,
            call.note,
        ])?;
    Ok(())
}
