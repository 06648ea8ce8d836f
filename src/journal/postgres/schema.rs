//! The versioned schema of the PostgreSQL journal, with migrations.

use super::connection::{Connection, Tables, Wrong, cell};

/// The format of the journal. It is raised with every change that older versions cannot read.
pub(super) const VERSION: i64 = 1;

/// Format 1: the tables of the SQLite journal, and others. `claim` has the fencing tokens, `roster` the files
/// for all machines, `deeds` the commands for a queued file as JSON, and `answer` the API's responses while a
/// run is planned in batches.
const TABLES: &str = "
CREATE TABLE run (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text NOT NULL UNIQUE,
    command          text NOT NULL,
    state            text NOT NULL,
    target           text NOT NULL,
    base_url         text NOT NULL,
    file             text NOT NULL,
    sha256           text NOT NULL,
    settings         text NOT NULL,
    started_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    summary          text,
    plan             text,
    held             text,
    planned_requests bigint NOT NULL DEFAULT 0,
    is_indexed       boolean NOT NULL DEFAULT false
);
CREATE INDEX run_by_file ON run (file);
CREATE INDEX run_by_content ON run (sha256);

CREATE TABLE planned (
    id          bigint PRIMARY KEY,
    line        bigint,
    changed     bigint,
    key         bigint,
    cells       bytea,
    path        text,
    body        bytea,
    fingerprint bytea,
    name        text,
    note        text,
    changes     text,
    facts       text
);

CREATE TABLE field_set (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         bigint NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    names       text NOT NULL
);
CREATE INDEX field_set_by_run ON field_set (run);

CREATE TABLE outcome (
    id          bigint PRIMARY KEY,
    state       text NOT NULL,
    at          bigint NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    http_status integer,
    error_code  text,
    error       text,
    request_id  text
);

CREATE TABLE warning (
    run         bigint NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    row         bigint NOT NULL,
    text        text NOT NULL,
    PRIMARY KEY (run, row)
);

CREATE TABLE sending (
    run         bigint PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    account     text NOT NULL,
    since       bigint NOT NULL DEFAULT 0,
    reach       bigint NOT NULL DEFAULT 0,
    is_merged   boolean NOT NULL DEFAULT false
);
CREATE INDEX sending_by_account ON sending (account) WHERE NOT is_merged;

CREATE TABLE row_key (
    run         bigint NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key         bigint NOT NULL,
    row         bigint NOT NULL,
    PRIMARY KEY (key, run, row)
);
CREATE INDEX row_key_by_run ON row_key (run);

CREATE TABLE delivered (
    account     text NOT NULL,
    record      text NOT NULL,
    fingerprint bytea NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (account, record)
);

CREATE TABLE quota (
    account     text PRIMARY KEY,
    arrival     bigint NOT NULL,
    interval    bigint NOT NULL,
    not_before  bigint NOT NULL,
    held_at     bigint NOT NULL,
    steady      bigint NOT NULL,
    wall        bigint NOT NULL,
    api_date    bigint NOT NULL,
    dated_at    bigint NOT NULL,
    announced   text,
    announced_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE claim (
    name        text PRIMARY KEY,
    epoch       bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE roster (
    sha256      text PRIMARY KEY,
    content     bytea NOT NULL,
    kept_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE queued (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file        text NOT NULL,
    sha256      text NOT NULL,
    profile     text,
    account     text,
    run         bigint REFERENCES run (id) ON DELETE SET NULL,
    run_name    text,
    state       text NOT NULL,
    due         timestamptz NOT NULL DEFAULT now(),
    enqueued_at timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    exit_code   integer,
    why         text,
    slices      bigint NOT NULL DEFAULT 0,
    requests    bigint NOT NULL DEFAULT 0,
    retries     bigint NOT NULL DEFAULT 0,
    throttled   bigint NOT NULL DEFAULT 0,
    is_approved boolean NOT NULL DEFAULT false,
    is_put_away boolean NOT NULL DEFAULT false,
    owner       text,
    deeds       text NOT NULL DEFAULT '[]'
);
CREATE INDEX queued_open ON queued (due) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX queued_once ON queued (sha256, file, coalesce(profile, ''))
    WHERE state IN ('waiting', 'running');

CREATE TABLE answer (
    run         bigint NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    question    bigint NOT NULL,
    content     text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, question)
);

CREATE TABLE arrival (
    inbox       text NOT NULL,
    name        text NOT NULL,
    stamp       text NOT NULL,
    at          bigint NOT NULL,
    fate        text NOT NULL,
    path        text NOT NULL,
    run         text,
    why         text,
    PRIMARY KEY (inbox, name, stamp)
);
CREATE INDEX arrival_by_time ON arrival (at);
";

/// The migrations from each format to the next.
const STEPS: [&str; VERSION as usize] = [TABLES];

/// Returns the format of the journal, or 0 if there is none.
pub(super) fn found(tables: &mut Tables<'_>) -> Result<i64, Wrong> {
    let there = tables.one("SELECT to_regclass('rosterpatch.version') IS NOT NULL", &[])?;
    if !cell::<bool>(&there, 0)? {
        return Ok(0);
    }
    let row = tables.first("SELECT format FROM rosterpatch.version", &[])?;
    row.map_or(Ok(0), |row| cell(&row, 0))
}

/// Creates or migrates the tables. Returns the format before.
pub(super) fn migrate(connection: &Connection) -> Result<i64, Wrong> {
    connection.change(&[], |tables| {
        // One process at a time, because two machines may be set up at once.
        tables.batch("SELECT pg_advisory_xact_lock(7163004415937781)")?;
        let before = found(tables)?;
        let done = usize::try_from(before).unwrap_or(usize::MAX);
        if let Some(steps) = STEPS.get(done..).filter(|steps| !steps.is_empty()) {
            tables.batch(
                "CREATE SCHEMA IF NOT EXISTS rosterpatch;
                 CREATE TABLE IF NOT EXISTS rosterpatch.version (format bigint NOT NULL);",
            )?;
            for step in steps {
                tables.batch(step)?;
            }
            tables.batch(&format!(
                "DELETE FROM version; INSERT INTO version VALUES ({VERSION});"
            ))?;
        }
        Ok(before)
    })
}
