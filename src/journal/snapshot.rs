//! A snapshot stores fingerprints of an API's records between runs, without their values.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::TransactionBehavior::{self, Deferred, Immediate};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::error::JournalError;
use super::files::{make_private_file, make_private_folder};
use super::lock::RunLock;
use super::state::State;

/// The name of the file beside the journal.
const FILE: &str = "snapshots.sqlite3";

/// The format of the file. A file of another format is emptied, because everything in it can be read again.
const FORMAT: i64 = 1;

/// The id of a mark that covers all records.
const ANY: &str = "";

/// `snapshot` has a row for each place from the start of its listing; it is complete once `listed_at` is set.
/// `mark` has the records that a run is about to change, by the address of the API; a snapshot considers the
/// marks after `seen`.
const TABLES: &str = "
CREATE TABLE snapshot (
    id          INTEGER PRIMARY KEY,
    place       TEXT NOT NULL UNIQUE,
    address     TEXT NOT NULL,
    used_at     INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    listed_at   INTEGER,
    as_of       INTEGER,
    newest      INTEGER,
    page        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE record (
    snapshot    INTEGER NOT NULL,
    id          TEXT NOT NULL,
    prints      BLOB NOT NULL,
    PRIMARY KEY (snapshot, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE holder (
    snapshot    INTEGER NOT NULL,
    field       INTEGER NOT NULL,
    print       INTEGER NOT NULL,
    id          TEXT NOT NULL,
    PRIMARY KEY (snapshot, field, print, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    address     TEXT NOT NULL,
    id          TEXT NOT NULL,
    run         TEXT NOT NULL
) STRICT;
CREATE INDEX mark_by_address ON mark (address, seq);
";

/// The tables of a run's working copy.
const COPY: &str = "
CREATE TEMP TABLE known (id TEXT PRIMARY KEY, prints BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE held (
    field INTEGER NOT NULL, print INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (field, print, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.held_by_id ON held (id);
CREATE TEMP TABLE marked (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// Empties the working copy.
const EMPTY: &str = "DELETE FROM temp.known; DELETE FROM temp.held; DELETE FROM temp.marked;";

/// The time of a snapshot, by the API's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// When all records were listed.
    pub listed_at: Timestamp,
    /// The snapshot includes all changes before this time.
    pub as_of: Timestamp,
    /// The latest change of a record in the snapshot.
    pub newest: Timestamp,
    /// The next page of the list to compare.
    pub page: u64,
}

/// The fingerprints of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFingerprints {
    /// The id of the record.
    pub id: String,
    /// Keyed hashes of the fields.
    pub prints: Vec<u8>,
    /// Keyed hashes of the keys and of the unique values, by field.
    pub holds: Vec<(usize, i64)>,
}

/// The records of a place: a target, an address and an account.
///
/// This process works on a private copy. The stored snapshot is replaced as a whole, in one transaction.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    path: PathBuf,
    place: String,
    address: String,
    /// The last mark that this copy accounts for once it is saved.
    seen: i64,
}

impl Snapshot {
    /// Opens the snapshot of a place with an empty working copy. Returns `None` if the journal is in a
    /// database, because other machines would not mark their changes, or while a run may change any record.
    pub fn open(
        state: &State,
        (place, address): (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Snapshot>, JournalError> {
        if state.database().is_some() {
            return Ok(None);
        }
        let (connection, path) = connect(state.folder())?;
        let explain = JournalError::of_records(&path);
        connection.execute_batch(COPY).map_err(explain)?;
        let Some(seen) = accounted(&connection, state, address, &path)? else {
            return Ok(None);
        };
        // From now on, marks are kept for this place.
        connection
            .execute(
                "INSERT INTO snapshot (place, address, used_at, seen) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (place) DO UPDATE SET used_at = excluded.used_at",
                params![place, address, now.as_microsecond(), seen],
            )
            .map_err(explain)?;
        Ok(Some(Snapshot {
            connection,
            path,
            place: place.to_owned(),
            address: address.to_owned(),
            seen,
        }))
    }

    /// Loads the stored snapshot into the working copy, and returns its time. Returns `None` if no complete
    /// snapshot is stored.
    pub fn load(&self) -> Result<Option<SnapshotMeta>, JournalError> {
        self.in_one(Deferred, |connection| {
            let found = connection
                .query_row(
                    "SELECT id, listed_at, as_of, newest, page, seen FROM snapshot
                     WHERE place = ?1 AND listed_at IS NOT NULL",
                    [&self.place],
                    |row| {
                        let numbers = [row.get(1)?, row.get(2)?, row.get(3)?];
                        let (page, seen) = (row.get(4)?, row.get::<_, i64>(5)?);
                        Ok((row.get::<_, i64>(0)?, numbers, page, seen))
                    },
                )
                .optional()?;
            connection.execute_batch(EMPTY)?;
            let Some((id, numbers, page, seen)) = found else {
                return Ok(None);
            };
            let [Ok(listed_at), Ok(as_of), Ok(newest)] = numbers.map(Timestamp::from_microsecond)
            else {
                return Ok(None);
            };
            connection.execute(
                "INSERT INTO temp.known SELECT id, prints FROM record WHERE snapshot = ?1",
                [id],
            )?;
            connection.execute(
                "INSERT INTO temp.held SELECT field, print, id FROM holder WHERE snapshot = ?1",
                [id],
            )?;
            connection.execute(
                "INSERT INTO temp.marked SELECT DISTINCT id FROM mark WHERE address = ?1 AND seq > ?2",
                params![self.address, seen],
            )?;
            Ok(Some(SnapshotMeta {
                listed_at,
                as_of,
                newest,
                page,
            }))
        })
    }

    /// Empties the working copy.
    pub fn clear(&self) -> Result<(), JournalError> {
        self.connection
            .execute_batch(EMPTY)
            .map_err(JournalError::of_records(&self.path))
    }

    /// Adds records to the working copy, replacing records with the same id.
    pub fn put(&self, records: &[RecordFingerprints]) -> Result<(), JournalError> {
        self.in_one(Deferred, |connection| {
            for record in records {
                forget(connection, &record.id)?;
                connection
                    .prepare_cached("INSERT INTO temp.known VALUES (?1, ?2)")?
                    .execute(params![record.id, record.prints])?;
                let mut hold = connection
                    .prepare_cached("INSERT OR IGNORE INTO temp.held VALUES (?1, ?2, ?3)")?;
                for (field, print) in &record.holds {
                    hold.execute(params![field, print, record.id])?;
                }
            }
            Ok(())
        })
    }

    /// Removes a record from the working copy. Returns whether it was there.
    pub fn remove(&self, id: &str) -> Result<bool, JournalError> {
        self.in_one(Deferred, |connection| forget(connection, id))
    }

    /// Returns the hashes of a record's fields, if the working copy has it.
    pub fn prints(&self, id: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.connection
            .prepare_cached("SELECT prints FROM temp.known WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
            .map_err(JournalError::of_records(&self.path))
    }

    /// Returns the ids of the records with this value in a field, in order.
    pub fn holders(&self, field: usize, print: i64) -> Result<Vec<String>, JournalError> {
        self.texts(
            "SELECT id FROM temp.held WHERE field = ?1 AND print = ?2 ORDER BY id",
            params![field, print],
        )
    }

    /// Counts the records of the working copy.
    pub fn records(&self) -> Result<u64, JournalError> {
        self.connection
            .query_row("SELECT count(*) FROM temp.known", [], |row| row.get(0))
            .map_err(JournalError::of_records(&self.path))
    }

    /// Returns the ids of the records that runs may have changed between the time of the loaded snapshot and
    /// the time of loading it.
    pub fn marked(&self) -> Result<Vec<String>, JournalError> {
        self.texts("SELECT id FROM temp.marked ORDER BY id", [])
    }

    /// Stores the working copy in place of the stored snapshot, unless the place was deleted or a newer
    /// snapshot was stored meanwhile. After an error, the stored snapshot is unchanged.
    pub fn save(&self, taken: &SnapshotMeta) -> Result<(), JournalError> {
        self.in_one(Immediate, |connection| {
            let moments = [taken.listed_at, taken.as_of, taken.newest];
            let [listed_at, as_of, newest] = moments.map(Timestamp::as_microsecond);
            // The marks that a newer snapshot accounts for may have been deleted.
            let id = connection.query_row(
                "SELECT id FROM snapshot WHERE place = ?1 AND seen <= ?2",
                params![self.place, self.seen],
                |row| row.get::<_, i64>(0),
            );
            let Some(id) = id.optional()? else {
                return Ok(());
            };
            connection.execute(
                "UPDATE snapshot SET listed_at = ?2, as_of = ?3, newest = ?4, page = ?5, seen = ?6
                 WHERE id = ?1",
                params![id, listed_at, as_of, newest, taken.page, self.seen],
            )?;
            connection.execute("DELETE FROM record WHERE snapshot = ?1", [id])?;
            connection.execute("DELETE FROM holder WHERE snapshot = ?1", [id])?;
            connection.execute(
                "INSERT INTO record SELECT ?1, id, prints FROM temp.known",
                [id],
            )?;
            connection.execute(
                "INSERT INTO holder SELECT ?1, field, print, id FROM temp.held",
                [id],
            )?;
            Ok(())
        })
    }

    /// Deletes the stored snapshot, because it cannot be trusted.
    pub fn discard(&self) -> Result<(), JournalError> {
        self.in_one(Immediate, |connection| {
            connection.execute(
                "UPDATE snapshot SET listed_at = NULL WHERE place = ?1",
                [&self.place],
            )?;
            for table in ["record", "holder"] {
                connection.execute(
                    &format!(
                        "DELETE FROM {table}
                         WHERE snapshot = (SELECT id FROM snapshot WHERE place = ?1)"
                    ),
                    [&self.place],
                )?;
            }
            Ok(())
        })
    }

    fn texts(&self, sql: &str, of: impl rusqlite::Params) -> Result<Vec<String>, JournalError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(of, |row| row.get(0))?.collect())
            .map_err(JournalError::of_records(&self.path))
    }

    /// Runs `work` in one transaction.
    fn in_one<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        in_one(&self.connection, behavior, work).map_err(JournalError::of_records(&self.path))
    }
}

/// Returns whether the state has snapshots of any records.
pub fn has_snapshots(state: &State) -> bool {
    state.database().is_none() && state.folder().join(FILE).exists()
}

/// Marks records that `run` is about to change at `address`. Snapshots do not trust them until they are read
/// again. If the records cannot be marked, all snapshots are removed, and the reason is returned. After an
/// error, nothing may be sent.
pub fn mark_records(
    state: &State,
    (address, run): (&str, &str),
    ids: &[String],
) -> Result<Option<JournalError>, JournalError> {
    // An empty list would delete marks and restart their numbers.
    if ids.is_empty() {
        return Ok(None);
    }
    with_file(state, |connection, path| {
        let seen = accounted(connection, state, address, path)?;
        in_one(connection, Immediate, |connection| {
            // Every snapshot has seen these marks.
            connection.execute(
                "DELETE FROM mark WHERE address = ?1 AND seq <= min(?2, (
                     SELECT coalesce(min(seen), ?2) FROM snapshot WHERE address = ?1))",
                params![address, seen.unwrap_or(0)],
            )?;
            let mut mark =
                connection.prepare("INSERT INTO mark (address, id, run) VALUES (?1, ?2, ?3)")?;
            for id in ids {
                mark.execute(params![address, id, run])?;
            }
            Ok(())
        })
        .map_err(JournalError::of_records(path))
    })
}

/// Invalidates the snapshots of the records at `address`, and prevents new ones while `run` is in progress,
/// because it changes records that are not known beforehand. After an error, nothing may be sent.
pub fn forget_snapshots(
    state: &State,
    (address, run): (&str, &str),
) -> Result<Option<JournalError>, JournalError> {
    let removed = mark_records(state, (address, run), &[ANY.to_owned()])?;
    if removed.is_some() {
        return Ok(removed);
    }
    with_file(state, |connection, path| {
        forget_where(connection, "address = ?1", params![address])
            .map_err(JournalError::of_records(path))
    })
}

/// Deletes the snapshots that were not used since `moment`.
pub fn prune_snapshots(
    state: &State,
    moment: Timestamp,
) -> Result<Option<JournalError>, JournalError> {
    with_file(state, |connection, path| {
        forget_where(connection, "used_at < ?1", params![moment.as_microsecond()])
            .map_err(JournalError::of_records(path))
    })
}

/// Runs `work` with the file. If that fails, removes the file and returns the reason. Does nothing for a
/// journal in a database, which has no snapshots.
fn with_file(
    state: &State,
    work: impl FnOnce(&Connection, &Path) -> Result<(), JournalError>,
) -> Result<Option<JournalError>, JournalError> {
    if state.database().is_some() {
        return Ok(None);
    }
    let folder = state.folder();
    let done = connect(folder).and_then(|(connection, path)| work(&connection, &path));
    let Err(error) = done else {
        return Ok(None);
    };
    let path = folder.join(FILE);
    match std::fs::remove_file(&path) {
        Ok(()) => {
            // SQLite's journal of the file.
            let _ = std::fs::remove_file(folder.join(format!("{FILE}-journal")));
            Ok(Some(error))
        }
        Err(_) => Err(error),
    }
}

/// Opens the file and creates or replaces its tables.
fn connect(folder: &Path) -> Result<(Connection, PathBuf), JournalError> {
    let path = folder.join(FILE);
    let explain = JournalError::folder(&path);
    make_private_folder(folder).map_err(explain)?;
    make_private_file(&path).map_err(explain)?;
    let prepared = Connection::open(&path).and_then(|connection| {
        connection.busy_timeout(Duration::from_secs(60))?;
        connection.execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
        )?;
        in_one(&connection, Immediate, |connection| {
            let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if format != FORMAT {
                for table in ["snapshot", "record", "holder", "mark"] {
                    connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
                }
                connection.execute_batch(TABLES)?;
                connection.pragma_update(None, "user_version", FORMAT)?;
            }
            Ok(())
        })?;
        Ok(connection)
    });
    let connection = prepared.map_err(JournalError::of_records(&path))?;
    Ok((connection, path))
}

/// Returns the last mark at `address` that a new snapshot can ignore, because the runs that made it and all
/// earlier marks have ended. Returns `None` while a run may change any record.
fn accounted(
    connection: &Connection,
    state: &State,
    address: &str,
    path: &Path,
) -> Result<Option<i64>, JournalError> {
    let read = || {
        let last = "SELECT coalesce(max(seq), 0) FROM mark WHERE address = ?1";
        let last: i64 = connection.query_row(last, [address], |row| row.get(0))?;
        let mut runs = connection.prepare_cached(
            "SELECT run, min(seq), min(id) = ?2 FROM mark WHERE address = ?1 GROUP BY run",
        )?;
        let runs = runs.query_map(params![address, ANY], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok((
            last,
            runs.collect::<rusqlite::Result<Vec<(String, i64, bool)>>>()?,
        ))
    };
    let (mut seen, runs) = read().map_err(JournalError::of_records(path))?;
    for (run, first, is_any) in runs {
        if RunLock::is_held(state, &run)? {
            if is_any {
                return Ok(None);
            }
            seen = seen.min(first - 1);
        }
    }
    Ok(Some(seen))
}

fn forget_where(
    connection: &Connection,
    which: &str,
    of: impl rusqlite::Params + Copy,
) -> rusqlite::Result<()> {
    in_one(connection, Immediate, |connection| {
        for table in ["record", "holder"] {
            let sql = format!(
                "DELETE FROM {table} WHERE snapshot IN (SELECT id FROM snapshot WHERE {which})"
            );
            connection.execute(&sql, of)?;
        }
        // A run that is listing now cannot store its snapshot either.
        connection.execute(&format!("DELETE FROM snapshot WHERE {which}"), of)?;
        Ok(())
    })
}

/// Removes a record from the working copy. Returns whether it was there.
fn forget(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM temp.known WHERE id = ?1")?
        .execute([id])?;
    connection
        .prepare_cached("DELETE FROM temp.held WHERE id = ?1")?
        .execute([id])?;
    Ok(removed > 0)
}

/// Runs `work` in one transaction.
fn in_one<T>(
    connection: &Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = Transaction::new_unchecked(connection, behavior)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: (&str, &str) = ("place", "address");

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn taken(page: u64) -> SnapshotMeta {
        SnapshotMeta {
            listed_at: moment(100),
            as_of: moment(90),
            newest: moment(80),
            page,
        }
    }

    fn record(id: &str, print: u8) -> RecordFingerprints {
        RecordFingerprints {
            id: id.to_owned(),
            prints: vec![print; 8],
            holds: vec![(1, i64::from(print))],
        }
    }

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(&folder.path().join("state"));
        (folder, state)
    }

    fn open(state: &State) -> Snapshot {
        Snapshot::open(state, PLACE, moment(100)).unwrap().unwrap()
    }

    fn marked(state: &State) -> Vec<String> {
        let snapshot = open(state);
        snapshot.load().unwrap();
        snapshot.marked().unwrap()
    }

    fn mark(state: &State, run: &str, ids: &[&str]) {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        mark_records(state, ("address", run), &ids).unwrap();
    }

    #[test]
    fn a_snapshot_is_replaced_atomically() {
        let (_folder, state) = state();
        let first = open(&state);
        assert_eq!(first.load().unwrap(), None);
        first.put(&[record("a", 1), record("b", 2)]).unwrap();
        // Nothing is stored before the snapshot is complete.
        assert_eq!(open(&state).load().unwrap(), None);
        first.save(&taken(0)).unwrap();
        let second = open(&state);
        assert_eq!(second.load().unwrap(), Some(taken(0)));
        assert_eq!(second.prints("b").unwrap(), Some(vec![2; 8]));
        assert_eq!(second.holders(1, 2).unwrap(), ["b"]);
        second.put(&[record("b", 3)]).unwrap();
        assert!(second.remove("a").unwrap());
        assert!(!second.remove("a").unwrap());
        assert!(second.holders(1, 2).unwrap().is_empty());
        // The stored snapshot is kept until then.
        let third = open(&state);
        third.load().unwrap();
        assert_eq!(third.records().unwrap(), 2);
        second.save(&taken(1)).unwrap();
        assert_eq!(third.load().unwrap(), Some(taken(1)));
        assert_eq!(
            (third.records().unwrap(), third.prints("a").unwrap()),
            (1, None)
        );
        third.discard().unwrap();
        assert_eq!(open(&state).load().unwrap(), None);
        // Another place has a separate snapshot.
        second.save(&taken(2)).unwrap();
        let other = Snapshot::open(&state, ("other", "address"), moment(100));
        assert_eq!(other.unwrap().unwrap().load().unwrap(), None);
    }

    #[test]
    fn marks_last_until_the_record_is_read_after_the_run() {
        let (_folder, state) = state();
        let before = open(&state);
        before.put(&[record("a", 1), record("b", 2)]).unwrap();
        before.save(&taken(0)).unwrap();
        let under_way = RunLock::share(&state, "run").unwrap();
        mark(&state, "run", &["b"]);
        assert_eq!(marked(&state), ["b"]);
        // A record that is read during the run may change again.
        let during = open(&state);
        during.load().unwrap();
        during.save(&taken(1)).unwrap();
        assert_eq!(marked(&state), ["b"]);
        // A snapshot that was opened before the run ended keeps the mark too.
        let early = open(&state);
        drop(under_way);
        early.save(&taken(2)).unwrap();
        assert_eq!(marked(&state), ["b"]);
        let after = open(&state);
        // Marked after this snapshot started to read.
        mark(&state, "next", &["a"]);
        after.save(&taken(3)).unwrap();
        assert_eq!(marked(&state), ["a"]);
    }

    #[test]
    fn the_newer_of_two_interleaved_snapshots_wins_and_both_keep_marks() {
        let (_folder, state) = state();
        let first = open(&state);
        first.put(&[record("a", 1)]).unwrap();
        first.save(&taken(0)).unwrap();
        mark(&state, "run", &["a"]);
        let older = open(&state);
        older.load().unwrap();
        mark(&state, "next", &["b"]);
        let newer = open(&state);
        newer.load().unwrap();
        newer.save(&taken(1)).unwrap();
        // Saving removes the marks that all stored snapshots account for.
        mark(&state, "last", &["c"]);
        assert_eq!(older.marked().unwrap(), ["a"]);
        assert_eq!(newer.marked().unwrap(), ["a", "b"]);
        older.save(&taken(2)).unwrap();
        assert_eq!(open(&state).load().unwrap(), Some(taken(1)));
        assert_eq!(marked(&state), ["c"]);
        // A run without changes does not advance the numbers.
        mark(&state, "none", &[]);
        open(&state).save(&taken(3)).unwrap();
        assert_eq!(open(&state).load().unwrap(), Some(taken(3)));
    }

    #[test]
    fn no_snapshot_is_stored_while_a_run_may_change_any_record() {
        let (_folder, state) = state();
        let listing = open(&state);
        listing.put(&[record("a", 1)]).unwrap();
        let under_way = RunLock::share(&state, "run").unwrap();
        forget_snapshots(&state, ("address", "run")).unwrap();
        listing.save(&taken(0)).unwrap();
        assert!(
            Snapshot::open(&state, PLACE, moment(100))
                .unwrap()
                .is_none()
        );
        drop(under_way);
        assert_eq!(open(&state).load().unwrap(), None);
    }

    #[test]
    fn a_snapshot_file_that_cannot_be_marked_is_removed() {
        let (_folder, state) = state();
        open(&state).save(&taken(0)).unwrap();
        let path = state.folder().join(FILE);
        std::fs::write(
            &path,
            "no database at all, and long enough to be read as one",
        )
        .unwrap();
        assert!(Snapshot::open(&state, PLACE, moment(100)).is_err());
        mark(&state, "run", &["a"]);
        assert!(!path.exists());
        assert_eq!(open(&state).load().unwrap(), None);
    }

    #[test]
    fn unused_snapshots_are_pruned() {
        let (_folder, state) = state();
        open(&state).save(&taken(0)).unwrap();
        prune_snapshots(&state, moment(100)).unwrap();
        assert!(open(&state).load().unwrap().is_some());
        prune_snapshots(&state, moment(101)).unwrap();
        assert_eq!(open(&state).load().unwrap(), None);
    }
}
