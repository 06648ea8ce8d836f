//! A second connection verifies that the journal can be read.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// Reads the journal as the next program will: by a connection of its own, since the one that writes
/// continues seeing the pages that it holds in memory, whatever becomes of the file.
#[derive(Debug)]
pub(super) struct Witness {
    connection: Connection,
    run: i64,
    name: String,
}

impl Witness {
    /// A witness of a run; none where there is no file that another program could read.
    pub(super) fn of(journal: &Connection, run: i64) -> Option<Witness> {
        let path = journal.path().filter(|path| !path.is_empty())?;
        // What is in the log is read from there, so the run has to be in the file itself. A process that
        // reads meanwhile may keep a part of the log from it: that comes with a later one.
        let moved = "PRAGMA wal_checkpoint(PASSIVE)";
        journal.query_row(moved, [], |_| Ok(())).ok()?;
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

    pub(super) fn sees_the_run(&self) -> bool {
        name_of(&self.connection, self.run).is_ok_and(|name| name == self.name)
    }
}

fn name_of(connection: &Connection, run: i64) -> rusqlite::Result<String> {
    connection
        .prepare_cached("SELECT name FROM run WHERE id = ?1")?
        .query_row([run], |row| row.get(0))
}
