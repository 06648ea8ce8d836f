//! The SQLite store holds an open journal file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::schema::{self, Found};
use super::witness::Witness;
use crate::journal::error::{JournalError, StoreAction, StoreError};
use crate::journal::files::{make_private_file, make_private_folder, refuse_network};
use crate::journal::store::{AnswerStore, Rosters};
use crate::safe_fs::{Identity, check_private, for_system, identity};

/// The journal's file, open.
#[derive(Debug)]
pub struct Sqlite {
    pub(super) connection: Connection,
    path: PathBuf,
    /// Which file the path led to when it was opened, where that can be told.
    identity: Option<Identity>,
    /// Reads the journal as another process would, while a run is written.
    pub(super) witness: Option<Witness>,
}

pub(super) const FILE: &str = "journal.sqlite";

/// Prepared statements that a connection keeps: more than a run uses in turn.
const STATEMENTS: usize = 64;

/// What SQLite keeps beside it (sqlite.org/tempfiles.html), and reads as a part of it.
const SIDE_FILES: [&str; 3] = [
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "journal.sqlite-journal",
];

/// Whether nobody waits for another process any more.
static NO_WAITING: AtomicBool = AtomicBool::new(false);

/// Has nobody in this process wait any longer for another one that holds the journal: for a user who
/// asked twice for a stop.
pub fn stop_waiting() {
    NO_WAITING.store(true, Ordering::Relaxed);
}

/// Waits a little for another process that holds the journal, and returns whether to try again: for
/// half a minute, unless someone asks for a stop.
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
    /// Opens the journal in `folder`, and makes both where they are not there yet: the folder for
    /// its owner alone, and the file too.
    ///
    /// # Errors
    /// When the folder cannot be used, the file is no journal, or a newer program wrote it.
    pub fn open(folder: &Path) -> Result<Sqlite, JournalError> {
        let explain = |source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        };
        make_private_folder(folder).map_err(explain)?;
        let path = folder.join(FILE);
        make_private_file(&path).map_err(explain)?;
        for file in SIDE_FILES {
            check_private(&folder.join(file)).map_err(explain)?;
        }
        let opening = |source: rusqlite::Error| JournalError::Sqlite {
            action: StoreAction::Open,
            path: path.clone(),
            source: source.into(),
        };
        refuse_network(folder)?;
        // One at a time: SQLite does not wait for another process that turns the write-ahead log on
        // in a new file (sqlite.org/wal.html, section 5).
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
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(opening)?;
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(opening)?;
        connection
            .pragma_update(None, "foreign_keys", "ON")
            .map_err(opening)?;
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

    /// A journal with complete tables whose file no other process replaces.
    pub(super) fn of(connection: Connection, path: PathBuf) -> Sqlite {
        Sqlite {
            connection,
            path,
            identity: None,
            witness: None,
        }
    }

    /// A journal that nobody else sees and that is gone with this process: for a plan that is
    /// only looked at.
    pub fn temporary() -> Result<Sqlite, JournalError> {
        let path = PathBuf::from("(temporary)");
        let opening = |source: rusqlite::Error| JournalError::Sqlite {
            action: StoreAction::Open,
            path: path.clone(),
            source: source.into(),
        };
        // SQLite's name for a database of one connection, in a file that it removes itself.
        let mut connection = Connection::open("").map_err(opening)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        schema::prepare(&mut connection).map_err(opening)?;
        Ok(Sqlite::of(connection, path))
    }

    pub(super) fn into_parts(self) -> (Connection, PathBuf) {
        (self.connection, self.path)
    }

    /// Whether the file that is written to is still the one that the path leads to: a record in
    /// a file that was deleted is none.
    pub(super) fn is_in_place(&self) -> bool {
        self.identity.is_none() || self.identity == identity(&self.path)
    }

    pub(super) fn explain(
        &self,
        action: StoreAction,
    ) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.path.clone();
        move |source| JournalError::Sqlite {
            action,
            path: path.clone(),
            source: source.into(),
        }
    }

    pub(super) fn refused(&self, action: StoreAction, source: StoreError) -> JournalError {
        JournalError::Sqlite {
            action,
            path: self.path.clone(),
            source,
        }
    }
}
