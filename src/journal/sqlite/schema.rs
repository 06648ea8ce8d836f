//! The versioned schema of the SQLite journal, with migrations.

use rusqlite::Connection;

/// The format of the journal. It is raised with every change that older versions cannot read.
pub(super) const VERSION: i64 = 1;

/// The application id that marks a journal of rosterpatch: "rost"
/// (<https://sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION: i64 = 0x726F_7374;

/// Format 1: narrow rows in the order of the file. The row number is part of the key, so that every write is
/// an append. A sending run writes no index that only `undo` or `retry` needs.
///
/// `planned` has the fingerprints of a row's cells and its request; it has no changes if nothing was read,
/// since the body has them. `facts` is JSON (`RowFacts`). `changed` is the id of a `field_set`. `sending` has
/// the row up to which a run may have made requests. `row_key` and `delivered` are written in order when a
/// run ends. `boot` has the time of each boot on a clock that users cannot set. `arrival` lists the files
/// that were dropped into inboxes.
const TABLES: &str = "
CREATE TABLE run (
    id               INTEGER PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,
    command          TEXT NOT NULL,
    state            TEXT NOT NULL,
    target           TEXT NOT NULL,
    base_url         TEXT NOT NULL,
    file             TEXT NOT NULL,
    sha256           TEXT NOT NULL,
    settings         TEXT NOT NULL,
    started_at       INTEGER NOT NULL,
    finished_at      INTEGER,
    summary          TEXT,
    plan             TEXT,
    held             TEXT,
    planned_requests INTEGER NOT NULL DEFAULT 0,
    is_indexed       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_by_file ON run (file);

CREATE TABLE planned (
    id          INTEGER PRIMARY KEY,
    line        INTEGER,
    changed     INTEGER,
    key         INTEGER,
    cells       BLOB,
    path        TEXT,
    body        BLOB,
    fingerprint BLOB,
    name        TEXT,
    note        TEXT,
    changes     TEXT,
    facts       TEXT
) STRICT;

CREATE TABLE field_set (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES run (id),
    names       TEXT NOT NULL
) STRICT;

CREATE TABLE outcome (
    id          INTEGER PRIMARY KEY,
    state       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    http_status INTEGER,
    error_code  TEXT,
    error       TEXT,
    request_id  TEXT
) STRICT;

CREATE TABLE warning (
    run         INTEGER NOT NULL REFERENCES run (id),
    row         INTEGER NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE sending (
    run         INTEGER PRIMARY KEY REFERENCES run (id),
    account     TEXT NOT NULL,
    since       INTEGER NOT NULL DEFAULT 0,
    reach       INTEGER NOT NULL DEFAULT 0,
    is_merged   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE row_key (
    run         INTEGER NOT NULL REFERENCES run (id),
    key         INTEGER NOT NULL,
    row         INTEGER NOT NULL,
    PRIMARY KEY (run, key, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivered (
    account     TEXT NOT NULL,
    record      TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (account, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE quota (
    account     TEXT PRIMARY KEY,
    arrival     INTEGER NOT NULL,
    interval    INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    held_at     INTEGER NOT NULL,
    steady      INTEGER NOT NULL DEFAULT 0,
    wall        INTEGER NOT NULL DEFAULT 0,
    api_date    INTEGER NOT NULL DEFAULT 0,
    dated_at    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE boot (
    id          TEXT PRIMARY KEY,
    began       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE arrival (
    inbox       TEXT NOT NULL,
    name        TEXT NOT NULL,
    stamp       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    fate        TEXT NOT NULL,
    path        TEXT NOT NULL,
    run         TEXT,
    why         TEXT,
    PRIMARY KEY (inbox, name, stamp)
) STRICT, WITHOUT ROWID;
CREATE INDEX arrival_by_time ON arrival (at);
";

/// The migrations from each format to the next.
const STEPS: [&str; VERSION as usize] = [TABLES];

/// The result of [`prepare`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The journal has this format.
    Ready,
    /// The journal has a newer format and is unchanged.
    Newer(i64),
    /// The tables are another program's, or from before the first release.
    Foreign,
}

/// Creates the tables in an empty file, and migrates older tables.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<Found> {
    // If two processes open a new journal at once, the second waits until it exists.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let is_empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if !is_empty && number("PRAGMA application_id")? != APPLICATION {
        return Ok(Found::Foreign);
    }
    let format = number("PRAGMA user_version")?;
    if format > VERSION {
        return Ok(Found::Newer(format));
    }
    let Ok(done) = usize::try_from(format) else {
        return Ok(Found::Foreign);
    };
    for step in STEPS.get(done..).unwrap_or_default() {
        transaction.execute_batch(step)?;
    }
    if format < VERSION {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(Found::Ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_created_once_and_newer_or_foreign_tables_stay_unchanged() {
        let mut own = Connection::open_in_memory().unwrap();
        assert_eq!(prepare(&mut own).unwrap(), Found::Ready);
        assert_eq!(prepare(&mut own).unwrap(), Found::Ready);
        let newer = VERSION + 1;
        own.pragma_update(None, "user_version", newer).unwrap();
        assert_eq!(prepare(&mut own).unwrap(), Found::Newer(newer));

        let mut other = Connection::open_in_memory().unwrap();
        other
            .execute_batch("CREATE TABLE bookmark (x); PRAGMA user_version = 1")
            .unwrap();
        assert_eq!(prepare(&mut other).unwrap(), Found::Foreign);
        let tables: i64 = other
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 1);
    }
}
