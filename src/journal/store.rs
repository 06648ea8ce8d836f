use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::error::JournalError;
use super::schema;
use crate::model::{DAMAGED, Outcome, RowState};

/// The journal's file, open.
#[derive(Debug)]
pub struct Journal {
    pub(super) connection: Connection,
    path: PathBuf,
    /// Which file the path led to when it was opened, where that can be told.
    identity: Option<Identity>,
}

/// A file's device and number.
type Identity = (u64, u64);

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Being planned: nothing has been sent.
    Planning,
    /// Under way, or its process died.
    Running,
    /// Stopped before its end; it can be resumed.
    Interrupted,
    /// Held by a guard before anything was sent; it can be approved.
    Held,
    /// Never brought to its end: a later run of the same file took its place.
    Replaced,
    /// At its end.
    Finished,
}

impl RunState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Planning => "planning",
            RunState::Running => "running",
            RunState::Interrupted => "interrupted",
            RunState::Held => "held",
            RunState::Replaced => "replaced",
            RunState::Finished => "finished",
        }
    }
}

impl FromStr for RunState {
    type Err = String;

    fn from_str(text: &str) -> Result<RunState, String> {
        let all = [
            RunState::Planning,
            RunState::Running,
            RunState::Interrupted,
            RunState::Held,
            RunState::Replaced,
            RunState::Finished,
        ];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a run's state"))
    }
}

/// A run as it begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its name, unique in the journal.
    pub name: String,
    /// The command that makes it.
    pub command: &'static str,
    /// The target's name.
    pub target: String,
    /// The address that requests go to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How it was asked for, as JSON: what going on with it needs. Holds no secret.
    pub settings: String,
    /// When it begins.
    pub started_at: Timestamp,
}

/// A run as the journal knows it.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number in the journal.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The command that made it.
    pub command: String,
    /// How far it has come.
    pub state: RunState,
    /// The target's name.
    pub target: String,
    /// The address that requests went to.
    pub base_url: String,
    /// The input file.
    pub file: String,
    /// SHA-256 of the input, in hexadecimal.
    pub sha256: String,
    /// How it was asked for, as JSON.
    pub settings: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub finished_at: Option<Timestamp>,
    /// Its figures, as JSON, once it has ended.
    pub summary: Option<String>,
    /// Why a guard held it, if one did.
    pub held: Option<String>,
}

const FILE: &str = "journal.sqlite";

/// Whether nobody waits for another process any more.
static NO_WAITING: AtomicBool = AtomicBool::new(false);

/// Has nobody in this process wait any longer for another one that holds the journal: for whoever
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

impl Journal {
    /// Opens the journal in `folder`, and makes both where they are not there yet: the folder for
    /// its owner alone, and the file too.
    ///
    /// # Errors
    /// When the folder cannot be used, the file is no journal, or a newer program wrote it.
    pub fn open(folder: &Path) -> Result<Journal, JournalError> {
        make_private_folder(folder).map_err(|source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        let path = folder.join(FILE);
        make_private_file(&path).map_err(|source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        let opening = |source| JournalError::Sqlite {
            action: "open",
            path: path.clone(),
            source,
        };
        refuse_network(folder)?;
        refuse_strangers(folder, &path)?;
        // One at a time: SQLite does not wait for another process that turns the write-ahead log on
        // in a new file (sqlite.org/wal.html, section 5).
        let alone = folder.join("opening.lock");
        let explain = |source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        };
        make_private_file(&alone).map_err(explain)?;
        let alone = std::fs::File::open(alone).map_err(explain)?;
        alone.lock().map_err(explain)?;
        let mut connection = Connection::open(&path).map_err(opening)?;
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
        let found = schema::prepare(&mut connection).map_err(opening)?;
        if found > schema::VERSION {
            return Err(JournalError::Newer {
                path,
                found,
                known: schema::VERSION,
            });
        }
        let identity = identity(&path);
        Ok(Journal {
            connection,
            path,
            identity,
        })
    }

    /// A journal that nobody else sees and that is gone with this process: for a plan that is
    /// only looked at.
    ///
    /// # Errors
    /// When SQLite cannot make a temporary file.
    pub fn temporary() -> Result<Journal, JournalError> {
        let path = PathBuf::from("(temporary)");
        let opening = |source| JournalError::Sqlite {
            action: "open",
            path: path.clone(),
            source,
        };
        // SQLite's name for a database of one connection, in a file that it removes itself.
        let mut connection = Connection::open("").map_err(opening)?;
        schema::prepare(&mut connection).map_err(opening)?;
        Ok(Journal {
            connection,
            path,
            identity: None,
        })
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
        action: &'static str,
    ) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.path.clone();
        move |source| JournalError::Sqlite {
            action,
            path: path.clone(),
            source,
        }
    }

    /// Records that a run begins, with its plan to be made. Returns its number, and its name: the one asked for, with a
    /// number behind it where another run has that already.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn begin(&mut self, run: &NewRun) -> Result<(i64, String), JournalError> {
        let explain = self.explain("write");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&explain)?;
        let mut name = run.name.clone();
        let mut number = 1;
        while transaction
            .query_row("SELECT 1 FROM run WHERE name = ?1", [&name], |_| Ok(()))
            .optional()
            .map_err(&explain)?
            .is_some()
        {
            number += 1;
            name = format!("{}-{number}", run.name);
        }
        transaction
            .execute(
                "INSERT INTO run (name, command, state, target, base_url, file, sha256, settings, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    name,
                    run.command,
                    RunState::Planning.as_str(),
                    run.target,
                    run.base_url,
                    run.file,
                    run.sha256,
                    run.settings,
                    run.started_at.to_string(),
                ],
            )
            .map_err(&explain)?;
        let id = transaction.last_insert_rowid();
        transaction.commit().map_err(&explain)?;
        Ok((id, name))
    }

    /// Records that a run has ended, with its figures as JSON.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn end(
        &mut self,
        run: i64,
        state: RunState,
        finished_at: Timestamp,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.connection
            .execute(
                "UPDATE run SET state = ?2, finished_at = ?3, summary = ?4 WHERE id = ?1",
                params![run, state.as_str(), finished_at.to_string(), summary],
            )
            .map_err(self.explain("write"))?;
        Ok(())
    }

    /// The run called `name`, or the newest one.
    ///
    /// # Errors
    /// When there is no such run, or the journal cannot be read.
    pub fn run(&self, name: Option<&str>) -> Result<RunRecord, JournalError> {
        let query = format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE ?1 IS NULL OR name = ?1 ORDER BY id DESC LIMIT 1"
        );
        let with_name = |row: &Row<'_>| Ok((row.get::<_, String>(1)?, run_record(row)));
        let (run, record) = self
            .connection
            .query_row(&query, [name], with_name)
            .optional()
            .map_err(self.explain("read"))?
            .ok_or_else(|| JournalError::NoRun {
                name: name.unwrap_or("newest").to_owned(),
            })?;
        record.map_err(|source| JournalError::DamagedRun { run, source })
    }

    /// All runs whose records can be read, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        Ok(self
            .all_runs()?
            .into_iter()
            .filter_map(Result::ok)
            .collect())
    }

    /// All runs, the newest first, and in the place of one whose record is damaged what is wrong
    /// with it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn all_runs(&self) -> Result<Vec<Result<RunRecord, JournalError>>, JournalError> {
        let explain = self.explain("read");
        let query = format!("SELECT {RUN_COLUMNS} FROM run ORDER BY id DESC");
        let mut statement = self.connection.prepare(&query).map_err(&explain)?;
        let mut rows = statement.query([]).map_err(&explain)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(&explain)? {
            let name = || row.get::<_, String>(1).unwrap_or_else(|_| "?".into());
            runs.push(run_record(row).map_err(|source| JournalError::DamagedRun {
                run: name(),
                source,
            }));
        }
        Ok(runs)
    }

    /// How many of a run's rows have an outcome.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn recorded(&self, run: i64) -> Result<u64, JournalError> {
        self.connection
            .query_row(
                "SELECT count(*) FROM row WHERE run = ?1 AND state NOT IN ('open', ?2)",
                params![run, RowState::Unknown.as_str()],
                |row| row.get(0),
            )
            .map_err(self.explain("read"))
    }

    /// The recorded outcomes of a run's rows from `first` to `last`, in row order. One that is
    /// damaged is a failure that says so.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outcomes(&self, run: i64, first: u64, last: u64) -> Result<Vec<Outcome>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, state, http_status, error_code, error, changed, attempts, request_id, at
                 FROM row WHERE run = ?1 AND row BETWEEN ?2 AND ?3 AND state <> 'open' ORDER BY row",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map(params![run, first, last], whole_outcome)
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }
}

impl Journal {
    /// The rows of a run whose outcome is damaged, and what is wrong with it.
    pub(super) fn damaged_outcomes(&self, run: i64) -> Result<BTreeMap<u64, String>, JournalError> {
        let explain = self.explain("read");
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, state, http_status, error_code, error, changed, attempts, request_id, at
                 FROM row WHERE run = ?1 AND state <> 'open'",
            )
            .map_err(&explain)?;
        let mut rows = statement.query([run]).map_err(&explain)?;
        let mut damaged = BTreeMap::new();
        while let Some(row) = rows.next().map_err(&explain)? {
            if let Err(why) = outcome(row) {
                damaged.insert(row.get(0).map_err(&explain)?, why.to_string());
            }
        }
        Ok(damaged)
    }

    /// What was doubtful about a run's rows from `first` to `last`, in row order, where anything was.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn warnings(
        &self,
        run: i64,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, String)>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, text FROM warning WHERE run = ?1 AND row BETWEEN ?2 AND ?3 ORDER BY row",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map(params![run, first, last], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }

    /// The body that a run was to send for a row; empty where there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn body(&self, run: i64, row: u64) -> Result<Vec<u8>, JournalError> {
        self.connection
            .prepare_cached("SELECT body FROM call WHERE run = ?1 AND row = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![run, row], |row| row.get(0))
                    .optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(self.explain("read"))
    }

    /// The first `most` rows of a run, in row order, that the API does not hold as they stand.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unsuccessful(&self, run: i64, most: usize) -> Result<Vec<Outcome>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT row, state, http_status, error_code, error, changed, attempts, request_id, at
                 FROM row WHERE run = ?1 AND state IN ('invalid', 'rejected', 'failed')
                 ORDER BY row LIMIT ?2",
            )
            .map_err(self.explain("read"))?;
        statement
            .query_map(params![run, most], whole_outcome)
            .and_then(Iterator::collect)
            .map_err(self.explain("read"))
    }
}

pub(super) const RUN_COLUMNS: &str = "id, name, command, state, target, base_url, file, sha256, settings, started_at, finished_at, summary, held";

pub(super) fn run_record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        command: row.get(2)?,
        state: row.get(3)?,
        target: row.get(4)?,
        base_url: row.get(5)?,
        file: row.get(6)?,
        sha256: row.get(7)?,
        settings: row.get(8)?,
        started_at: row.get(9)?,
        finished_at: row.get(10)?,
        summary: row.get(11)?,
        held: row.get(12)?,
    })
}

/// A row's outcome, or that its record is damaged: then nobody knows what became of it, and the rows
/// around it are none the worse.
fn whole_outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    outcome(row).or_else(|why| {
        Ok(Outcome {
            row: row.get(0)?,
            state: RowState::Failed,
            http_status: None,
            error_code: DAMAGED.into(),
            error: format!(
                "the journal's record of this row is damaged ({why}), so it is not known what became of it"
            ),
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at: Timestamp::UNIX_EPOCH,
        })
    })
}

fn outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    Ok(Outcome {
        row: row.get(0)?,
        state: row.get(1)?,
        http_status: row.get(2)?,
        error_code: row.get(3)?,
        error: row.get(4)?,
        changed: row.get(5)?,
        attempts: row.get(6)?,
        request_id: row.get(7)?,
        finished_at: row.get(8)?,
    })
}

impl FromSql for RunState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(told)
    }
}

impl FromSql for RowState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(told)
    }
}

fn told(why: String) -> FromSqlError {
    FromSqlError::Other(why.into())
}

impl ToSql for RunState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl ToSql for RowState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}

/// Refuses a journal that other users of the machine could change or read, or that a link leads to:
/// whoever can write there says what is sent.
#[cfg(unix)]
fn refuse_strangers(folder: &Path, path: &Path) -> Result<(), JournalError> {
    use std::os::unix::fs::PermissionsExt;
    let explain = |source| JournalError::Folder {
        path: folder.to_owned(),
        source,
    };
    let refuse = |path: &Path, why| {
        Err(JournalError::Strangers {
            path: path.to_owned(),
            why,
        })
    };
    let file = std::fs::symlink_metadata(path).map_err(explain)?;
    if file.is_symlink() {
        return refuse(
            path,
            "is a link; name the folder that it leads to with --state",
        );
    }
    if file.permissions().mode() & 0o077 != 0 {
        return refuse(
            path,
            "is open to other users of this machine; chmod 600 closes it",
        );
    }
    let folder_mode = std::fs::metadata(folder)
        .map_err(explain)?
        .permissions()
        .mode();
    if folder_mode & 0o022 != 0 {
        return refuse(
            folder,
            "can be changed by other users of this machine; chmod 700 closes it",
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_strangers(_folder: &Path, _path: &Path) -> Result<(), JournalError> {
    Ok(())
}

/// Refuses a folder on a network file system: SQLite's write-ahead log shares memory between
/// processes and locks files, and neither can be relied on there (sqlite.org/wal.html).
#[cfg(target_os = "linux")]
fn refuse_network(folder: &Path) -> Result<(), JournalError> {
    // The magic numbers of statfs(2): NFS, SMB, CIFS, SMB 2, AFS, 9P, Ceph.
    const NETWORK: [u32; 7] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x5346_414F,
        0x0102_1997,
        0x00C3_6400,
    ];
    match rustix::fs::statfs(folder) {
        Ok(system) if NETWORK.contains(&(system.f_type as u32)) => Err(JournalError::Network {
            path: folder.to_owned(),
        }),
        // What cannot be told is left to SQLite.
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_folder: &Path) -> Result<(), JournalError> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
pub(super) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Makes a file for its owner alone, where there is none. One that is there is not opened: whoever
/// closes a database's file lets go of every lock that the process has on it
/// (sqlite.org/howtocorrupt.html, section 2.2).
///
/// SQLite gives its side files the main file's permissions, so making that one private is enough.
pub(super) fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
