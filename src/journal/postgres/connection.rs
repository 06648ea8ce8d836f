//! A PostgreSQL connection that reconnects and runs transactions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres::types::{FromSql, ToSql};
use postgres::{Client, Config, IsolationLevel, Row, Statement, Transaction};

use crate::journal::error::StoreError;
pub(super) use crate::journal::sql::Wrong;
use crate::model::{DatabaseError, IoError};

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

/// A connection that reconnects after it was lost. The interrupted transaction is not retried, because it may
/// have been committed.
pub(super) struct Connection {
    config: Config,
    open: Mutex<Option<Open>>,
}

struct Open {
    client: Client,
    used: Instant,
    statements: HashMap<String, Statement>,
}

impl Open {
    /// Returns whether the server still responds. It is queried only if the connection was idle for a while.
    fn is_there(&mut self) -> bool {
        const WHILE: Duration = Duration::from_secs(2);
        let is_fresh = self.used.elapsed() < WHILE;
        self.used = Instant::now();
        !self.client.is_closed() && (is_fresh || self.client.is_valid(WHILE).is_ok())
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> StoreError {
        // The error's own text is "db error"; the server's message is in its source.
        let words = match error.as_db_error() {
            Some(told) => format!("{} ({})", told.message(), told.code().code()),
            None => {
                let cause = std::error::Error::source(&error);
                cause.map_or(error.to_string(), |cause| format!("{error}: {cause}"))
            }
        };
        let number = error.as_db_error();
        let number = number.and_then(|told| DatabaseError::sql_state(told.code().code()));
        let cause = std::error::Error::source(&error);
        let io = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
        StoreError {
            words,
            number,
            io: io.map(IoError::from),
        }
    }
}

/// A fencing token. Once another process takes a newer one of the same name, this process cannot change
/// anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The name of the token.
    pub name: String,
    /// The number of times that it was taken.
    pub epoch: i64,
}

/// The session settings. The journal and the queue have separate schemas. With these timeouts, the server
/// soon notices that this machine is gone and releases its locks, and it ends abandoned transactions
/// (postgresql.org/docs/current/runtime-config-connection.html).
const SESSION: &str = "SET search_path TO rosterpatch;
    SET TimeZone TO 'UTC';
    SET lock_timeout TO '30s';
    SET idle_in_transaction_session_timeout TO '10s';
    SET tcp_keepalives_idle TO 5;
    SET tcp_keepalives_interval TO 5;
    SET tcp_keepalives_count TO 2;";

fn connect(config: &Config) -> Result<Open, StoreError> {
    let mut client = match config.get_ssl_mode() {
        postgres::config::SslMode::Disable => config.connect(postgres::NoTls)?,
        _ => config.connect(super::tls::connector()?)?,
    };
    client.batch_execute(SESSION)?;
    Ok(Open {
        client,
        used: Instant::now(),
        statements: HashMap::new(),
    })
}

/// Runs blocking work outside any async runtime: the client blocks on its own runtime, which panics inside
/// another one.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if tokio::runtime::Handle::try_current().is_err() {
        return work();
    }
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

impl Connection {
    pub(super) fn open(config: &Config) -> Result<Connection, StoreError> {
        let open = apart(|| connect(config))?;
        Ok(Connection {
            config: config.clone(),
            open: Mutex::new(Some(open)),
        })
    }

    /// Returns whether the connection was lost.
    pub(super) fn is_lost(&self) -> bool {
        apart(|| {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            !open.as_mut().is_some_and(Open::is_there)
        })
    }

    /// Reads tables in one transaction, from one snapshot.
    pub(super) fn read<T: Send>(
        &self,
        read: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, Wrong> {
        self.step(IsolationLevel::RepeatableRead, &[], read)
    }

    /// Reads or changes tables in one transaction, unless another process has newer fencing tokens than
    /// `fences`.
    pub(super) fn change<T: Send>(
        &self,
        fences: &[Fence],
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, Wrong> {
        self.step(IsolationLevel::ReadCommitted, fences, change)
    }

    fn step<T: Send>(
        &self,
        level: IsolationLevel,
        fences: &[Fence],
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, Wrong> {
        apart(|| {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if !open.as_mut().is_some_and(Open::is_there) {
                *open = None;
                *open = Some(connect(&self.config)?);
            }
            let Some(Open {
                client, statements, ..
            }) = open.as_mut()
            else {
                return Err(Wrong::Refused(StoreError::words(String::new())));
            };
            let mut tables = Tables {
                transaction: client.build_transaction().isolation_level(level).start()?,
                statements,
            };
            tables.check(fences)?;
            let done = change(&mut tables)?;
            tables.transaction.commit()?;
            Ok(done)
        })
    }

    /// Runs work on this session outside a transaction.
    pub(super) fn plainly<T: Send>(
        &self,
        work: impl FnOnce(&mut Client) -> Result<T, postgres::Error> + Send,
    ) -> Result<T, StoreError> {
        apart(|| {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            match open.as_mut() {
                Some(open) => Ok(work(&mut open.client)?),
                None => Err(StoreError::words(String::new())),
            }
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let open = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        apart(move || drop(open));
    }
}

/// The journal's tables within one transaction.
pub struct Tables<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut HashMap<String, Statement>,
}

type Values<'a> = [&'a (dyn ToSql + Sync)];

impl Tables<'_> {
    /// Checks the fencing tokens, so that a process whose lease has expired changes nothing. The share lock
    /// makes a process that takes over wait for this transaction; later transactions fail here.
    fn check(&mut self, fences: &[Fence]) -> Result<(), Wrong> {
        for fence in fences {
            let row = self.first(
                "SELECT epoch FROM claim WHERE name = $1 FOR SHARE",
                &[&fence.name],
            )?;
            let epoch: Option<i64> = row.map(|row| cell(&row, 0)).transpose()?;
            if epoch != Some(fence.epoch) {
                return Err(Wrong::TakenOver);
            }
        }
        Ok(())
    }

    pub(super) fn statement(&mut self, sql: &str) -> Result<Statement, Wrong> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        // The shared statements have SQLite placeholders.
        let statement = self.transaction.prepare(&sql.replace('?', "$"))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Returns the rows of a query.
    pub fn rows(&mut self, sql: &str, values: &Values<'_>) -> Result<Vec<Row>, Wrong> {
        let statement = self.statement(sql)?;
        Ok(self.transaction.query(&statement, values)?)
    }

    /// Returns the first row, if there is one.
    pub fn first(&mut self, sql: &str, values: &Values<'_>) -> Result<Option<Row>, Wrong> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// Returns the row of a query that always returns exactly one.
    pub fn one(&mut self, sql: &str, values: &Values<'_>) -> Result<Row, Wrong> {
        let statement = self.statement(sql)?;
        Ok(self.transaction.query_one(&statement, values)?)
    }

    /// Changes rows, and returns their number.
    pub fn execute(&mut self, sql: &str, values: &Values<'_>) -> Result<u64, Wrong> {
        let statement = self.statement(sql)?;
        Ok(self.transaction.execute(&statement, values)?)
    }

    /// Runs several statements without values.
    pub fn batch(&mut self, sql: &str) -> Result<(), Wrong> {
        Ok(self.transaction.batch_execute(sql)?)
    }
}

/// Returns a column of a row. Fails if it has another type.
pub fn cell<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Wrong> {
    Ok(row.try_get(column)?)
}

/// A connection that is shared within the process.
pub(super) type Shared = Arc<Connection>;
