//! The journal opens a store and adds operations that all stores share.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use jiff::Timestamp;

use super::error::JournalError;
use super::lock::RunLock;
use super::postgres::Database;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::records::{Pruned, RunRecord, Which};
use super::run_state::RunState;
use super::snapshot::{has_snapshots, prune_snapshots};
use super::sql::{Engine, Sql, Value, Wrong};
use super::sqlite::Sqlite;
use super::state::{Place, State};
use super::store::Store;
use crate::l10n::message;
use crate::model::{Call, DAMAGED, Pending, Problem, RowState, Standing};

/// The open journal: a [`Store`], the statements that all stores share, and the operations that build on them.
pub struct Journal(Opened);

/// An open store.
enum Opened {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

/// Evaluates an expression with the store of a journal.
macro_rules! with_store {
    ($journal:expr, $store:ident => $do:expr) => {
        match $journal {
            Opened::Sqlite($store) => $do,
            #[cfg(feature = "postgres")]
            Opened::Postgres($store) => $do,
        }
    };
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

impl Deref for Journal {
    type Target = dyn Store;

    fn deref(&self) -> &(dyn Store + 'static) {
        with_store!(&self.0, store => store)
    }
}

impl DerefMut for Journal {
    fn deref_mut(&mut self) -> &mut (dyn Store + 'static) {
        with_store!(&mut self.0, store => store)
    }
}

impl Journal {
    /// Opens the journal. In a folder, it is created if missing; a database must have been migrated.
    pub fn open(state: &State) -> Result<Journal, JournalError> {
        Ok(Journal(match state.place() {
            Place::Folder(folder) => Opened::Sqlite(Sqlite::open(folder)?),
            Place::Database(database) => open_database(database)?,
        }))
    }

    /// Copies a consistent snapshot of a folder's journal to another folder. Returns the runs in the copy.
    /// Rows that its unfinished runs have not sent are in doubt there, as after a crash. Fails if the state
    /// is a database.
    pub fn back_up(state: &State, to: &Path) -> Result<Vec<RunRecord>, JournalError> {
        match state.place() {
            Place::Folder(folder) => Journal(Opened::Sqlite(Sqlite::back_up(folder, to)?)).runs(),
            Place::Database(_) => Err(JournalError::NoBackup),
        }
    }

    /// Creates a private journal that is deleted with this process, for plans that are only displayed.
    pub fn temporary() -> Result<Journal, JournalError> {
        Ok(Journal(Opened::Sqlite(Sqlite::temporary()?)))
    }

    /// Reads in one transaction, from one snapshot.
    pub(super) fn look<T: Send>(
        &self,
        read: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        with_store!(&self.0, store => store.look(read))
    }

    /// Changes tables atomically, unless another process has taken over.
    pub(super) fn step<T: Send>(
        &self,
        change: impl FnOnce(&mut dyn Sql) -> Result<T, Wrong> + Send,
    ) -> Result<T, JournalError> {
        with_store!(&self.0, store => store.step(change))
    }

    /// Executes one statement that changes rows.
    pub(super) fn put(&self, sql: &str, values: &[Value<'_>]) -> Result<(), JournalError> {
        self.step(|tables| tables.change(sql, values).map(|_| ()))
    }

    /// Returns the first `most` calls without an outcome for rows after `after`, in row order. A row with a
    /// damaged call is recorded as failed and skipped.
    pub fn calls_left(
        &self,
        run: i64,
        after: u64,
        most: usize,
    ) -> Result<Vec<Pending>, JournalError> {
        let mut after = after;
        loop {
            let (calls, damaged) = self.calls_left_after(run, after, most)?;
            for (row, why) in &damaged {
                let name = self.name_of(run).unwrap_or_else(|_| run.to_string());
                let why = message::journal_damaged_row(*row, name, why);
                self.set_damaged(run, *row, &Problem::of_row(DAMAGED, why))?;
            }
            match damaged.last() {
                Some((row, _)) if calls.is_empty() => after = *row,
                _ => return Ok(calls),
            }
        }
    }

    /// Returns the error for a damaged row.
    fn damaged_row(&self, run: i64, row: u64, why: &str) -> JournalError {
        JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_else(|_| run.to_string()),
            row,
            why: why.to_owned(),
        }
    }

    /// Calls `each` with every call of a run and the state of its row, in row order, until it returns false.
    /// Damaged calls are skipped; [`Journal::damaged`] returns them.
    pub fn each_call<E: From<JournalError>>(
        &self,
        run: i64,
        each: impl FnMut(Call, Option<RowState>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_call_after(run, 0, each)
    }

    /// Like [`Journal::each_call`], for the rows after `row`.
    pub fn each_call_after<E: From<JournalError>>(
        &self,
        run: i64,
        row: u64,
        mut each: impl FnMut(Call, Option<RowState>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_record((run, row), Which::All, |_, record| match record {
            Ok((call, state)) => each(call, state),
            Err(_) => Ok(true),
        })
    }

    /// Returns the first `most` calls for rows after `after` that were not made or whose outcome is unknown.
    pub fn open_calls(&self, run: i64, after: u64, most: usize) -> Result<Vec<Call>, JournalError> {
        let mut calls = Vec::new();
        self.each_call_after::<JournalError>(run, after, |call, state| {
            let is_open =
                |state: RowState| matches!(state.standing(), Standing::Open | Standing::InDoubt);
            if state.is_none_or(is_open) {
                calls.push(call);
            }
            Ok(calls.len() < most)
        })?;
        Ok(calls)
    }

    /// Like [`Journal::each_call`], for calls that changed, or may have changed, a record whose previous
    /// values are known.
    pub fn each_change<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(Call) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_record((run, 0), Which::Changed, |_, record| match record {
            Ok((call, Some(state))) if state.may_have_changed() => each(call),
            _ => Ok(true),
        })
    }

    fn each_record<E: From<JournalError>>(
        &self,
        (run, mut after): (i64, u64),
        which: Which,
        mut each: impl FnMut(u64, Result<(Call, Option<RowState>), String>) -> Result<bool, E>,
    ) -> Result<(), E> {
        const PAGE: usize = 256;
        loop {
            let records = self.calls_after(run, after, which, PAGE)?;
            let Some((last, _)) = records.last() else {
                return Ok(());
            };
            after = *last;
            for (row, record) in records {
                if !each(row, record)? {
                    return Ok(());
                }
            }
        }
    }

    /// Returns the errors of a run's damaged rows.
    pub fn damaged(&self, run: i64) -> Result<Vec<JournalError>, JournalError> {
        let mut damaged = self.damaged_outcomes(run)?;
        self.each_record((run, 0), Which::All, |row, record| {
            if let Err(why) = record {
                damaged.entry(row).or_insert(why);
            }
            Ok::<bool, JournalError>(true)
        })?;
        let damaged = damaged.into_iter();
        Ok(damaged
            .map(|(row, why)| self.damaged_row(run, row, &why))
            .collect())
    }

    /// Merges the deliveries of earlier runs of `account` that have not been merged. Returns whether any
    /// delivery can be trusted: none can while another run, which holds its lock in `state`, may be sending.
    pub fn merge_delivered(
        &mut self,
        state: &State,
        account: &str,
        own: i64,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        for (run, name) in self.unmerged(account, own)? {
            if RunLock::is_held(state, &name)? {
                return Ok(false);
            }
            self.merge_run(run, now)?;
        }
        self.has_delivered(account)
    }

    /// Deletes runs that began before `moment` with their stored values, and deliveries from before it. Runs
    /// whose lock in `state` is held are kept. A run whose process died is deleted.
    pub fn prune(
        &mut self,
        state: &State,
        moment: Timestamp,
        now: Timestamp,
    ) -> Result<Pruned, JournalError> {
        self.forget_for_good()?;
        let mut pruned = Pruned::default();
        let mut runs = Vec::new();
        for run in self.all_runs()? {
            match run {
                Ok(run) => runs.push(run),
                Err(_) => pruned.damaged += 1,
            }
        }
        for run in runs.iter().filter(|run| run.started_at < moment) {
            match RunLock::take(state, &run.name)? {
                Some(_) if !self.may_be_forgotten(run.id)? => pruned.left += 1,
                None => pruned.left += 1,
                Some(_alone) => {
                    // Its deliveries are kept.
                    self.merge_run(run.id, now)?;
                    self.forget(run.id)?;
                    pruned.forgotten += 1;
                }
            }
        }
        self.forget_delivered(moment)?;
        if has_snapshots(state) {
            prune_snapshots(state, moment)?;
        }
        let mut under_way = false;
        for run in runs.iter().filter(|run| run.started_at >= moment) {
            let open = matches!(run.state, RunState::Planning | RunState::Running);
            under_way |= open && RunLock::is_held(state, &run.name)?;
        }
        self.give_room_back(pruned.left == 0 && !under_way)?;
        Ok(pruned)
    }
}

#[cfg(feature = "postgres")]
fn open_database(database: &Database) -> Result<Opened, JournalError> {
    Ok(Opened::Postgres(Postgres::open(database)?))
}

#[cfg(not(feature = "postgres"))]
fn open_database(database: &Database) -> Result<Opened, JournalError> {
    match *database {}
}
