//! Shared SQL for the steps of a sending run.

use jiff::Timestamp;

use super::{Row, Sql, Wrong, ends_of, open_states};
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;
use crate::journal::row_id::id_of;

/// Returns the row up to which requests of a run may have been made. Rows with an outcome are not affected.
pub(super) fn reach_of(sql: &mut dyn Sql, run: i64) -> Result<u64, Wrong> {
    let reach = "SELECT coalesce(max(reach), 0) FROM sending WHERE run = ?1";
    sql.one(reach, &[run.into()], |row| row.get(0))
}

impl Journal {
    /// Prepares an interrupted run for resuming: its rows that were not sent are open again. Returns the
    /// number of requests made for its rows.
    pub fn reopen(&mut self, run: i64) -> Result<u64, JournalError> {
        let ends = ends_of(run);
        self.step(|sql| {
            let reach = reach_of(sql, run)?;
            let began = "SELECT started_at FROM run WHERE id = ?1";
            let began: i64 = sql.one(began, &[run.into()], |row| row.get(0))?;
            // Requests that may have been made when the process died.
            sql.change(
                "INSERT INTO outcome (id, state, attempts, at)
                 SELECT id, 'unknown', 1, ?3
                 FROM planned WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.id = planned.id)",
                &[ends[0], id_of(run, reach).into(), began.into()],
            )?;
            // A backup sets the largest reach, which also covers rows that are not planned yet.
            let reset = "UPDATE sending SET reach = 0 WHERE run = ?1 AND reach < 4294967295";
            sql.change(reset, &[run.into()])?;
            let requests = sql.one(
                "SELECT coalesce(sum(attempts), 0) FROM outcome WHERE id > ?1 AND id <= ?2",
                &ends,
                |row| row.get(0),
            )?;
            // A row keeps its number of attempts: a request refused for missing credentials counts too.
            let open = format!(
                "UPDATE outcome SET state = 'open' WHERE id > ?1 AND id <= ?2 AND state IN {}
                 AND id IN (SELECT id FROM planned WHERE id > ?1 AND id <= ?2 AND path IS NOT NULL)",
                open_states()
            );
            sql.change(&open, &ends)?;
            sql.change(
                "UPDATE run SET state = 'running', finished_at = NULL, is_indexed = false WHERE id = ?1",
                &[run.into()],
            )?;
            Ok(requests)
        })
    }

    /// Records that a run starts or resumes sending. Its deliveries to records that cannot be read are stored
    /// for `account`.
    pub fn begin_sending(
        &mut self,
        run: i64,
        account: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let known = "SELECT account FROM sending WHERE run = ?1";
        let name = |row: &dyn Row| row.get::<String>(0);
        let before = self.look(|sql| sql.any(known, &[run.into()], name))?;
        let is_another = before.is_some_and(|before| before != account);
        if is_another {
            // The earlier requests belong to another account.
            self.merge_run(run, now)?;
        }
        let since = if is_another { now.as_microsecond() } else { 0 };
        self.put(
            "INSERT INTO sending (run, account) VALUES (?1, ?2)
             ON CONFLICT (run) DO UPDATE SET account = excluded.account, is_merged = false,
                 since = CASE WHEN sending.since > ?3 THEN sending.since ELSE ?3 END",
            &[run.into(), account.into(), since.into()],
        )
    }

    /// Indexes a run's rows for later runs, after all of them are planned: in order, and in batches if the run
    /// is long. The run counts as indexed only after it has ended.
    pub fn index_own(&self, run: i64) -> Result<(), JournalError> {
        for (first, last) in self.slices(run)? {
            self.put(
                "INSERT INTO row_key (run, key, row)
                 SELECT ?1, key, id & 4294967295 FROM planned
                 WHERE id > ?2 AND id <= ?3 AND key IS NOT NULL ORDER BY key, id
                 ON CONFLICT DO NOTHING",
                &[run.into(), first.into(), last.into()],
            )?;
        }
        Ok(())
    }

    /// Records a finished run's deliveries, and indexes its rows unless `is_indexed`.
    pub fn settle(
        &mut self,
        run: i64,
        now: Timestamp,
        is_indexed: bool,
    ) -> Result<(), JournalError> {
        self.merge_run(run, now)?;
        if !is_indexed {
            self.index_own(run)?;
        }
        let set = "UPDATE run SET is_indexed = true WHERE id = ?1";
        self.put(set, &[run.into()])
    }
}
