//! The PostgreSQL connection reconnects and runs transactions.

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

/// A connection that is made again when it was lost. What was in progress when it was is not tried again:
/// nobody knows whether it was done.
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
    /// Whether the server is still there, as far as is known: one that was not heard of for a while is
    /// asked, before anything is begun.
    fn is_there(&mut self) -> bool {
        const WHILE: Duration = Duration::from_secs(2);
        let is_fresh = self.used.elapsed() < WHILE;
        self.used = Instant::now();
        !self.client.is_closed() && (is_fresh || self.client.is_valid(WHILE).is_ok())
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> StoreError {
        // Its own words are "db error"; what the server says is below.
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
        StoreError::words(words)
            .numbered(number)
            .of_system(io.map(IoError::from))
    }
}

/// That a process has begun what is called so, as the last one so far: once another one has, it may
/// change nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// What was begun.
    pub name: String,
    /// How often it was begun until then.
    pub epoch: i64,
}

/// Where runs are recorded, and the queue beside it, are schemas of their own. The server notices soon when
/// this machine is gone, so that what was locked here is free again, and waits for no transaction that
/// is not gone on with (postgresql.org/docs/current/runtime-config-connection.html).
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

/// Does something that waits. The client waits in a runtime of its own, which is not to be done in
/// another's thread.
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

    /// Whether the connection was lost.
    pub(super) fn is_lost(&self) -> bool {
        apart(|| {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            !open.as_mut().is_some_and(Open::is_there)
        })
    }

    /// Reads tables as they are at one moment.
    pub(super) fn read<T: Send>(
        &self,
        read: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, Wrong> {
        self.step(IsolationLevel::RepeatableRead, &[], read)
    }

    /// Reads or changes tables in one step, unless another process has begun since what `fences` stand
    /// for.
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

    /// Does something that is no transaction, by this very session.
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

/// The journal's tables within one step.
pub struct Tables<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut HashMap<String, Statement>,
}

type Values<'a> = [&'a (dyn ToSql + Sync)];

impl Tables<'_> {
    /// Nothing is changed by a process that was taken for dead: whoever takes over waits until this step is
    /// done, and every later one fails here.
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

    /// Rows.
    pub fn rows(&mut self, sql: &str, values: &Values<'_>) -> Result<Vec<Row>, Wrong> {
        let statement = self.statement(sql)?;
        Ok(self.transaction.query(&statement, values)?)
    }

    /// The first row, if there is any.
    pub fn first(&mut self, sql: &str, values: &Values<'_>) -> Result<Option<Row>, Wrong> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// The only row of those that always have one.
    ///
    /// # Errors
    /// When the database refuses, or there is none.
    pub fn one(&mut self, sql: &str, values: &Values<'_>) -> Result<Row, Wrong> {
        let statement = self.statement(sql)?;
        Ok(self.transaction.query_one(&statement, values)?)
    }

    /// Changes rows, and returns how many.
    pub fn execute(&mut self, sql: &str, values: &Values<'_>) -> Result<u64, Wrong> {
        let statement = self.statement(sql)?;
        Ok(self.transaction.execute(&statement, values)?)
    }

    /// Runs several statements without values.
    pub fn batch(&mut self, sql: &str) -> Result<(), Wrong> {
        Ok(self.transaction.batch_execute(sql)?)
    }
}

/// A column of a row.
///
/// # Errors
/// When it holds something else.
pub fn cell<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Wrong> {
    Ok(row.try_get(column)?)
}

/// A connection that others hold too.
pub(super) type Shared = Arc<Connection>;
