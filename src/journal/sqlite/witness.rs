//! A second connection verifies that the journal can be read.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// Reads the journal on a separate connection as another program would, because the writing connection still
/// sees its cached pages after the file is damaged.
#[derive(Debug)]
pub(super) struct Witness {
    connection: Connection,
    run: i64,
    name: String,
}

impl Witness {
    /// Returns a witness of a run, or `None` if there is no file that another program could read.
    pub(super) fn of(journal: &Connection, run: i64) -> Option<Witness> {
        let path = journal.path().filter(|path| !path.is_empty())?;
        // The witness must read the run from the file and not from the log. A concurrent reader may delay
        // part of the checkpoint until a later one.
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
