//! An open SQLite journal.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::schema::{self, Found};
use super::witness::Witness;
use crate::journal::error::{JournalError, StoreAction};
use crate::journal::files::{make_private_file, make_private_folder, refuse_network};
use crate::journal::store::{AnswerStore, Rosters};
use crate::safe_fs::{Identity, check_private, for_system, identity};

/// The open journal file.
#[derive(Debug)]
pub struct Sqlite {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// The identity of the opened file, if the system provides one.
    identity: Option<Identity>,
    /// Reads the journal as another process would, while a run writes to it.
    pub(super) witness: Option<Witness>,
}

pub(super) const FILE: &str = "journal.sqlite";

/// The number of cached prepared statements, more than a run uses alternately.
const STATEMENTS: usize = 64;

/// SQLite's side files (sqlite.org/tempfiles.html), which it reads as part of the journal.
const SIDE_FILES: [&str; 3] = [
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "journal.sqlite-journal",
];

/// Whether this process no longer waits for other processes.
static NO_WAITING: AtomicBool = AtomicBool::new(false);

/// Stops all waiting for other processes that hold the journal, after a user's second stop request.
pub fn stop_waiting() {
    NO_WAITING.store(true, Ordering::Relaxed);
}

/// SQLite's busy handler: waits for another process that holds the journal, for up to half a minute or until
/// a stop request. Returns whether to retry.
fn wait_for_others(tries: i32) -> bool {
    const STEP: Duration = Duration::from_millis(10);
    if NO_WAITING.load(Ordering::Relaxed) || tries > 3_000 {
        return false;
    }
    std::thread::sleep(STEP);
    true
}

impl Rosters for Sqlite {}

impl AnswerStore for Sqlite {}

impl Sqlite {
    /// Opens the journal in `folder`. A missing folder or file is created for this account only. Fails if the
    /// file is not a journal, or if a newer version wrote it.
    pub fn open(folder: &Path) -> Result<Sqlite, JournalError> {
        let explain = JournalError::folder(folder);
        make_private_folder(folder).map_err(explain)?;
        let path = folder.join(FILE);
        make_private_file(&path).map_err(explain)?;
        for file in SIDE_FILES {
            check_private(&folder.join(file)).map_err(explain)?;
        }
        let opening = JournalError::sqlite(StoreAction::Open, &path);
        refuse_network(folder)?;
        // One process at a time, because SQLite does not wait for another process that enables the
        // write-ahead log of a new file (sqlite.org/wal.html, section 5).
        let alone = folder.join("opening.lock");
        make_private_file(&alone).map_err(explain)?;
        let alone = std::fs::File::open(alone).map_err(explain)?;
        alone.lock().map_err(explain)?;
        let file = for_system(&path).map_err(explain)?;
        let mut connection = Connection::open(file).map_err(opening)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection
            .busy_handler(Some(wait_for_others))
            .map_err(opening)?;
        for (pragma, value) in [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("foreign_keys", "ON"),
        ] {
            connection
                .pragma_update(None, pragma, value)
                .map_err(opening)?;
        }
        match schema::prepare(&mut connection).map_err(opening)? {
            Found::Ready => {}
            Found::Newer(found) => {
                return Err(JournalError::Newer {
                    path,
                    found,
                    known: schema::VERSION,
                });
            }
            Found::Foreign => return Err(JournalError::Foreign { path }),
        }
        let identity = identity(&path);
        Ok(Sqlite {
            identity,
            ..Sqlite::of(connection, path)
        })
    }

    /// Returns a journal with complete tables whose file no other process replaces.
    pub(super) fn of(connection: Connection, path: PathBuf) -> Sqlite {
        Sqlite {
            connection,
            path,
            identity: None,
            witness: None,
        }
    }

    /// Creates a private journal that is deleted with this process, for plans that are only displayed.
    pub fn temporary() -> Result<Sqlite, JournalError> {
        let path = PathBuf::from("(temporary)");
        let opening = JournalError::sqlite(StoreAction::Open, &path);
        // An empty name makes SQLite use a private temporary file that it deletes itself.
        let mut connection = Connection::open("").map_err(opening)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        schema::prepare(&mut connection).map_err(opening)?;
        Ok(Sqlite::of(connection, path))
    }

    /// Returns whether the path still leads to the open file, because records in a deleted file would be
    /// lost.
    pub(super) fn is_in_place(&self) -> bool {
        self.identity.is_none() || self.identity == identity(&self.path)
    }

    pub(super) fn explain(
        &self,
        action: StoreAction,
    ) -> impl Fn(rusqlite::Error) -> JournalError + Copy {
        JournalError::sqlite(action, &self.path)
    }
}
