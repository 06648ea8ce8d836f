//! Opens, migrates and changes a PostgreSQL journal.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postgres::Config;
use sha2::{Digest, Sha256};

use super::connection::{Connection, Fence, Tables, Wrong, cell};
use super::schema;
use crate::journal::entries::encoded_segment;
use crate::journal::error::{JournalError, StoreAction, StoreError};
use crate::l10n::say;
use crate::model::hex;

/// A database with a journal, and one connection that all clones share: a writing thread waits for a reading
/// one.
#[derive(Clone)]
pub struct Database {
    address: String,
    /// The address with its password.
    whole: String,
    config: Config,
    place: String,
    fences: Vec<Fence>,
    connection: Arc<Mutex<Option<Arc<Connection>>>>,
}

/// How long a server may be silent before the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same settings for other clients that connect by the address.
const TIMES: &str = "connect_timeout=10&tcp_user_timeout=10&keepalives_idle=5&keepalives_interval=3\
     &keepalives_retries=2";

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.place).finish()
    }
}

impl Database {
    /// Parses an address such as `postgres://USER@HOST/DATABASE`, with this `password` if it has none. Does
    /// not connect.
    pub fn at(address: &str, password: Option<&str>) -> Result<Database, JournalError> {
        if !is_clear(address) {
            let why = say().journal_address_unclear();
            return Err(JournalError::Address { why });
        }
        // Certificates are always verified if TLS is required.
        let given = address.to_owned();
        let known = address
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let address = known.as_str();
        let mut config: Config = address.parse().map_err(|error: postgres::Error| {
            // The parser's message may quote a password.
            let why = error.to_string();
            JournalError::Address { why }
        })?;
        let mut whole = address.to_owned();
        // Other clients with this address should notice a lost server as soon.
        let joint = if address.contains('?') { '&' } else { '?' };
        whole.push(joint);
        whole.push_str(TIMES);
        if config.get_options().is_none() {
            whole.push_str("&options=-c%20idle_in_transaction_session_timeout%3D10s");
        }
        if let Some(password) = password.filter(|_| config.get_password().is_none()) {
            config.password(password);
            let password = encoded_segment(password);
            whole.push_str(&format!("&password={password}"));
        }
        config
            .application_name("rosterpatch")
            .connect_timeout(PATIENCE)
            .tcp_user_timeout(PATIENCE)
            .keepalives_idle(PATIENCE / 2)
            .keepalives_interval(PATIENCE / 4)
            .keepalives_retries(2);
        let hosts = config.get_hosts().iter().map(|host| match host {
            postgres::config::Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            postgres::config::Host::Unix(path) => path.display().to_string(),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        let name = config.get_dbname().or(config.get_user());
        let port = config.get_ports().first().filter(|port| **port != 5432);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let user = config.get_user().map(|user| format!("{user}@"));
        let (user, name) = (user.unwrap_or_default(), name.unwrap_or_default());
        let place = format!("postgres://{user}{hosts}{port}/{name}");
        Ok(Database {
            address: given,
            whole,
            config,
            place,
            fences: Vec::new(),
            connection: Arc::default(),
        })
    }

    /// Returns the server and the database, without a password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the address with its password and the timeouts for a silent server.
    pub fn with_password(&self) -> &str {
        &self.whole
    }

    /// Returns the address as given, which may contain a password.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the database with a separate connection, whose changes fail once another process holds newer
    /// fencing tokens than `fences`.
    pub(in crate::journal) fn fenced(&self, fences: Vec<Fence>) -> Database {
        Database {
            fences,
            connection: Arc::default(),
            ..self.clone()
        }
    }

    pub(super) fn fences(&self) -> &[Fence] {
        &self.fences
    }

    /// Returns the advisory lock key for a name.
    pub(super) fn key_of(name: &str) -> i64 {
        let hash = Sha256::digest(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        i64::from_be_bytes(first)
    }

    /// Returns an identifier of this database.
    pub(super) fn identity(&self) -> String {
        hex(&Sha256::digest(self.address.as_bytes())[..16])
    }

    pub(super) fn explain(&self, action: StoreAction, why: impl Into<StoreError>) -> JournalError {
        JournalError::Database {
            action,
            place: self.place.clone(),
            source: why.into(),
        }
    }

    /// Returns the shared connection.
    pub(super) fn connection(&self) -> Result<Arc<Connection>, JournalError> {
        let mut kept = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = kept.as_ref() {
            return Ok(connection.clone());
        }
        let connection = self.connect()?;
        self.refuse_other(&connection)?;
        let connection = Arc::new(connection);
        *kept = Some(connection.clone());
        Ok(connection)
    }

    /// Refuses a database without a journal, or with another format.
    fn refuse_other(&self, connection: &Connection) -> Result<(), JournalError> {
        let found = connection.change(&[], schema::found);
        let found = found.map_err(|wrong| self.told(StoreAction::Open, wrong))?;
        match found.cmp(&schema::VERSION) {
            Ordering::Greater => Err(self.newer(found)),
            Ordering::Equal => Ok(()),
            Ordering::Less => Err(JournalError::NotMigrated {
                place: self.place.clone(),
            }),
        }
    }

    fn newer(&self, found: i64) -> JournalError {
        JournalError::Newer {
            path: self.place.clone().into(),
            found,
            known: schema::VERSION,
        }
    }

    /// Opens a new connection, regardless of the journal's format.
    pub(super) fn connect(&self) -> Result<Connection, JournalError> {
        Connection::open(&self.config).map_err(|error| self.explain(StoreAction::Open, error))
    }

    /// Creates the journal's tables, or migrates older ones. Returns the formats before and after. Fails if a
    /// newer version's journal is there.
    pub fn migrate(&self) -> Result<(i64, i64), JournalError> {
        let before = schema::migrate(&self.connect()?);
        let before = before.map_err(|wrong| self.told(StoreAction::Migrate, wrong))?;
        if before > schema::VERSION {
            return Err(self.newer(before));
        }
        Ok((before, schema::VERSION))
    }

    /// Changes tables in one transaction. Fails with [`JournalError::TakenOver`] if another process has taken
    /// over.
    pub fn change<T: Send>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        let connection = self.connection()?;
        let changed = connection.change(&self.fences, change);
        changed.map_err(|wrong| self.told(StoreAction::Write, wrong))
    }

    /// Converts a failed change to an error.
    pub(super) fn told(&self, action: StoreAction, wrong: Wrong) -> JournalError {
        match wrong {
            Wrong::TakenOver => JournalError::TakenOver,
            Wrong::Refused(refusal) => self.explain(action, refusal),
        }
    }

    /// Takes a new fencing token for `name`, which invalidates earlier ones.
    pub fn begin(&self, name: &str) -> Result<Fence, JournalError> {
        self.change(|tables| count_up(tables, name))
    }
}

/// Returns whether the password in an address is unambiguous: unencoded special characters in it would make a
/// part of it appear as the server name, which is shown.
fn is_clear(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (user, place) = rest.split_once('@').unwrap_or(("", rest));
    let place = place.split('?').next().unwrap_or_default();
    let hosts = place.split('/').next().unwrap_or_default();
    let has_port = |host: &str| {
        let name_end = host.rfind(']').map_or(0, |end| end + 1);
        let port = host[name_end..]
            .split_once(':')
            .map_or("", |(_, port)| port);
        port.bytes().all(|byte| byte.is_ascii_digit())
    };
    !user.contains(['/', '?', '#']) && !place.contains('@') && hosts.split(',').all(has_port)
}

/// Takes a new fencing token for `name`, which invalidates earlier ones after the commit.
pub fn count_up(tables: &mut Tables<'_>, name: &str) -> Result<Fence, Wrong> {
    let row = tables.one(
        "INSERT INTO claim (name, epoch) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET epoch = claim.epoch + 1 RETURNING epoch",
        &[&name],
    )?;
    Ok(Fence {
        name: name.to_owned(),
        epoch: cell(&row, 0)?,
    })
}
