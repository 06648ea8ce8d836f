use rusqlite::Connection;

use crate::journal::row_id::{id_of, row_of};

/// The journal's format. Raised with every change that an older program could not read.
pub(super) const VERSION: i64 = 8;

/// Format 1.
const RUNS: &str = "
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

/// Format 2: a run's plan.
const PLANS: &str = "
ALTER TABLE run ADD COLUMN plan TEXT;
ALTER TABLE run ADD COLUMN held TEXT;
ALTER TABLE run ADD COLUMN planned_requests INTEGER NOT NULL DEFAULT 0;
CREATE INDEX run_by_file ON run (file);
";

/// Format 3: what a run is going to send, what was delivered where a target cannot be read, and
/// what is left of the quota. A journal of format 2 may have had other tables of these names.
const CALLS: &str = "
DROP TABLE IF EXISTS call;
DROP TABLE IF EXISTS content;
DROP TABLE IF EXISTS delivered;
DROP TABLE IF EXISTS quota;

CREATE TABLE call (
    run         INTEGER NOT NULL REFERENCES run (id),
    row         INTEGER NOT NULL,
    line        INTEGER NOT NULL,
    method      TEXT NOT NULL,
    path        TEXT NOT NULL,
    body        BLOB NOT NULL,
    changed     TEXT NOT NULL,
    changes     TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT,
    note        TEXT NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_by_path ON call (run, path);

CREATE TABLE content (
    run         INTEGER NOT NULL REFERENCES run (id),
    row         INTEGER NOT NULL,
    key         INTEGER NOT NULL,
    cells       BLOB NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_by_key ON content (key);

CREATE TABLE delivered (
    account     TEXT NOT NULL,
    record      TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (account, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE quota (
    account     TEXT PRIMARY KEY,
    arrival     INTEGER NOT NULL,
    interval    INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    held_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Format 4: what was doubtful about a row, where anything was.
const WARNINGS: &str = "
CREATE TABLE warning (
    run         INTEGER NOT NULL REFERENCES run (id),
    row         INTEGER NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
";

/// Format 5: time that nobody can set. Where each start of the machine lies in it, and of each
/// quota when it was last written in it, by the wall clock, and by the API's own.
const TIMES: &str = "
CREATE TABLE boot (
    id          TEXT PRIMARY KEY,
    began       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE quota ADD COLUMN steady INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quota ADD COLUMN wall INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quota ADD COLUMN api_date INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quota ADD COLUMN dated_at INTEGER NOT NULL DEFAULT 0;
";

/// Format 6: narrow records in the file's order. A row's number is a part of its key, so that every
/// write is an append, and nothing is kept by which only an undo or another try searches.
///
/// `planned` is what a row says, by fingerprints, and what is to be sent for it; of what it changes
/// nothing where nothing was read, since that is the body. `changed` is the number of a `field_set`.
/// `sending` is the row up to which the requests of a run may have been made. `row_key`, and what was `delivered`, are written in order when a run ends.
const NARROW: &str = "
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
    changes     TEXT
) STRICT;

CREATE TABLE field_set (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES run (id),
    names       TEXT NOT NULL
) STRICT;

CREATE TABLE outcome (
    id          INTEGER PRIMARY KEY,
    state       TEXT NOT NULL,
    at          ANY NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    http_status INTEGER,
    error_code  TEXT,
    error       TEXT,
    request_id  TEXT
) STRICT;

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
ALTER TABLE run ADD COLUMN is_indexed INTEGER NOT NULL DEFAULT 0;

INSERT INTO field_set (run, names) SELECT DISTINCT run, changed FROM call;
CREATE INDEX temp_field_set ON field_set (run, names);
INSERT INTO planned
    SELECT (run << 32) + row, line,
           (SELECT id FROM field_set WHERE field_set.run = call.run AND names = call.changed),
           content.key, cells, path, body, unhex(fingerprint), call.key, nullif(note, ''),
           CASE WHEN instr(changes, '\"from\":') THEN changes END
    FROM content LEFT JOIN call USING (run, row) ORDER BY 1;
DROP INDEX temp_field_set;
INSERT INTO row_key SELECT run, key, row FROM content ORDER BY 1, 2, 3;
UPDATE run SET is_indexed = 1 WHERE state NOT IN ('planning', 'running');
INSERT INTO outcome
    SELECT (run << 32) + row, state,
           coalesce(CAST(round((julianday(at) - 2440587.5) * 86400000) AS INTEGER) * 1000, at),
           attempts, http_status, nullif(error_code, ''), nullif(error, ''), nullif(request_id, '')
    FROM row ORDER BY 1;
DROP TABLE call;
DROP TABLE content;
DROP TABLE row;

ALTER TABLE delivered RENAME TO delivered_before;
CREATE TABLE delivered (
    account     TEXT NOT NULL,
    record      TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (account, record)
) STRICT, WITHOUT ROWID;
INSERT INTO delivered
    SELECT account, record, unhex(fingerprint), CAST(round((julianday(at) - 2440587.5) * 86400000) AS INTEGER) * 1000
    FROM delivered_before WHERE unhex(fingerprint) IS NOT NULL AND julianday(at) IS NOT NULL;
DROP TABLE delivered_before;
";

/// Format 7: of changes only what a record held is kept, and where in the body stands what it is to hold. What
/// was kept before is read as it is.
const SHORT_CHANGES: &str = "";

/// Format 8: the files that were dropped into inboxes.
const ARRIVALS: &str = "
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

/// What leads from each format to the next.
const STEPS: [&str; VERSION as usize] = [
    RUNS,
    PLANS,
    CALLS,
    WARNINGS,
    TIMES,
    NARROW,
    SHORT_CHANGES,
    ARRIVALS,
];

/// The keys of a run's rows, in slices: above the first of each pair, and up to the second.
pub(super) fn slices(connection: &Connection, run: i64) -> rusqlite::Result<Vec<(i64, i64)>> {
    const ROWS_A_SLICE: usize = 250_000;
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(id) FROM planned WHERE id > ?1 AND id <= ?2")?
        .query_row([id_of(run, 0), id_of(run, u64::MAX)], |row| row.get(0))?;
    let rows = last.map_or(0, row_of);
    let firsts = (0..rows).step_by(ROWS_A_SLICE);
    Ok(firsts
        .map(|first| (id_of(run, first), id_of(run, first + ROWS_A_SLICE as u64)))
        .collect())
}

/// Makes the tables where there are none, and brings older ones to this format. Returns the
/// format that the journal has then: a newer one is left as it is.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    // Two processes may open a new journal at once: the second waits, and finds it made.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if let Some(steps) = STEPS.get(done..).filter(|steps| !steps.is_empty()) {
        for step in steps {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(found.max(VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_journal_is_brought_to_this_format_and_a_newer_one_is_left_alone() {
        for (version, made) in [
            (1, RUNS.to_owned()),
            (2, format!("{RUNS}{PLANS}CREATE TABLE quota (x);")),
        ] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&made).unwrap();
            connection
                .pragma_update(None, "user_version", version)
                .unwrap();
            assert_eq!(prepare(&mut connection).unwrap(), VERSION);
            assert_eq!(prepare(&mut connection).unwrap(), VERSION);
            connection
                .prepare("SELECT arrival, interval, planned.fingerprint, cells FROM quota, planned")
                .unwrap();
        }

        let mut newer = Connection::open_in_memory().unwrap();
        newer
            .pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        assert_eq!(prepare(&mut newer).unwrap(), VERSION + 1);
        let tables: i64 = newer
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }
}
