//! The journal opens a store and adds operations that all stores share.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use jiff::Timestamp;

use super::error::JournalError;
use super::lock::RunLock;
use super::postgres::open_store;
use super::records::{Pruned, RunRecord, Which};
use super::run_state::RunState;
use super::snapshot::{has_snapshots, prune_snapshots};
use super::sqlite::Sqlite;
use super::state::{Place, State};
use super::store::{Calls, Store};
use crate::l10n::message;
use crate::model::{Call, DAMAGED, Pending, Problem, RowState};

/// The journal, open: what it can do is what a [`Store`] can, and what follows from that.
pub struct Journal(Box<dyn Store>);

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

impl Deref for Journal {
    type Target = dyn Store;

    fn deref(&self) -> &(dyn Store + 'static) {
        self.0.as_ref()
    }
}

impl DerefMut for Journal {
    fn deref_mut(&mut self) -> &mut (dyn Store + 'static) {
        self.0.as_mut()
    }
}

impl Journal {
    /// Opens the journal. In a folder it is made where there is none yet; a database is left as it is.
    ///
    /// # Errors
    /// When the folder or the database cannot be used, what is there is no journal, or a newer program
    /// wrote it.
    pub fn open(state: &State) -> Result<Journal, JournalError> {
        Ok(Journal(match state.place() {
            Place::Folder(folder) => Box::new(Sqlite::open(folder)?),
            Place::Database(database) => open_store(database)?,
        }))
    }

    /// Copies the journal of a folder, as it is at one moment, into another folder. Returns the runs in the copy; the
    /// rows that its unfinished runs have still to send are in doubt there, as after a crash.
    ///
    /// # Errors
    /// When the state is a database, or the folder has no journal or it cannot be copied.
    pub fn back_up(state: &State, to: &Path) -> Result<Vec<RunRecord>, JournalError> {
        match state.place() {
            Place::Folder(folder) => Sqlite::back_up(folder, to),
            Place::Database(_) => Err(JournalError::NoBackup),
        }
    }

    /// A journal that nobody else sees and that is gone with this process: for a plan that is
    /// only looked at.
    pub fn temporary() -> Result<Journal, JournalError> {
        Ok(Journal(Box::new(Sqlite::temporary()?)))
    }

    /// The first `most` calls of a run for rows after `after` that have no outcome yet, in row
    /// order. A row whose call is damaged is recorded as failed, and the next ones follow.
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

    /// The error of a damaged row.
    fn damaged_row(&self, run: i64, row: u64, why: &str) -> JournalError {
        JournalError::DamagedRow {
            run: self.name_of(run).unwrap_or_else(|_| run.to_string()),
            row,
            why: why.to_owned(),
        }
    }

    /// Hands every call of a run to `each`, in row order, with the state of its row, if it has one, until
    /// that returns false. Calls that are damaged are passed over; [`Journal::damaged`] tells them.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_call<E: From<JournalError>>(
        &self,
        run: i64,
        each: impl FnMut(Call, Option<RowState>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_call_after(run, 0, each)
    }

    /// The same for the rows after `row`.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
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

    /// The first `most` calls of a run for rows after `after` that were not made, or may not have been.
    pub fn open_calls(&self, run: i64, after: u64, most: usize) -> Result<Vec<Call>, JournalError> {
        let mut calls = Vec::new();
        self.each_call_after::<JournalError>(run, after, |call, state| {
            if matches!(state, None | Some(RowState::Unknown | RowState::NotSent)) {
                calls.push(call);
            }
            Ok(calls.len() < most)
        })?;
        Ok(calls)
    }

    /// The same for those calls alone that have changed a record, or may have, of which it is known what
    /// it held before.
    ///
    /// # Errors
    /// When the journal cannot be read, or `each` fails.
    pub fn each_change<E: From<JournalError>>(
        &self,
        run: i64,
        mut each: impl FnMut(Call) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.each_record((run, 0), Which::Changed, |_, record| match record {
            Ok((call, Some(RowState::Updated | RowState::Unknown))) => each(call),
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
            let records = Calls::calls_after(self.0.as_ref(), run, after, which, PAGE)?;
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

    /// What is damaged of what is held of a run's rows.
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

    /// Takes account of what the runs of `account` have delivered that have not come to an end, or
    /// never will. Returns whether anything can be believed to be delivered: nothing can while another
    /// run is in progress, as the locks of `state` tell, which may be about to send something else.
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

    /// Forgets runs that began before `moment`, with all that was kept of their records, and what was
    /// delivered before it; but for runs that somebody is working on, or reads, as the locks of `state`
    /// tell. A run whose process died is forgotten like any other.
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
                    // What it has sent is not to be forgotten with it.
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
