use rusqlite::Connection;

/// The journal's format. Raised with every change that an older program could not read.
pub(super) const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE run (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    command     TEXT NOT NULL,
    state       TEXT NOT NULL,
    target      TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    file        TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    settings    TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    summary     TEXT
) STRICT;

CREATE TABLE row (
    run         INTEGER NOT NULL REFERENCES run (id),
    row         INTEGER NOT NULL,
    state       TEXT NOT NULL,
    http_status INTEGER,
    error_code  TEXT NOT NULL DEFAULT '',
    error       TEXT NOT NULL DEFAULT '',
    changed     TEXT NOT NULL DEFAULT '',
    attempts    INTEGER NOT NULL DEFAULT 0,
    request_id  TEXT NOT NULL DEFAULT '',
    at          TEXT NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables where there are none. Returns the format found.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    // Two processes may open a new journal at once: the second waits, and finds it made.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(if found == 0 { VERSION } else { found })
}
