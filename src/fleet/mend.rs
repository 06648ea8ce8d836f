//! Repair of lost jobs and of entries whose worker expired.

use super::queue::{SCHEMA, add_job, queue_for};
use crate::journal::{ANSWERS_STAND, Database, JournalError, cell};

/// Adds a job for each open entry that has lost its job. The queue itself releases the jobs of expired
/// workers. Returns the number of lost jobs.
pub(super) fn mend(database: &Database) -> Result<u64, JournalError> {
    database.change(|tables| {
        // Completes jobs that a batch replaced and that exhausted their attempts.
        let retired = format!(
            "SELECT count(*) FROM {SCHEMA}.complete_jobs(ARRAY(
                 SELECT id FROM {SCHEMA}.jobs
                 WHERE key IS NULL AND locked_by IS NULL AND attempts >= max_attempts))"
        );
        tables.rows(&retired, &[])?;
        // Jobs that failed are retried soon, because the queue's own backoff grows to hours.
        let sooner = format!(
            "SELECT count(*) FROM {SCHEMA}.reschedule_jobs(ARRAY(
                 SELECT job.id FROM {SCHEMA}.jobs AS job
                 JOIN queued ON job.key = 'file ' || queued.id AND queued.due < now()
                 WHERE job.locked_by IS NULL AND job.last_error IS NOT NULL
                 AND job.run_at > now() + interval '1 minute'), now() + interval '30 seconds')"
        );
        tables.rows(&sooner, &[])?;
        // The cached answers have expired.
        tables.execute(
            "DELETE FROM answer WHERE run IN (SELECT run FROM answer GROUP BY run
                                              HAVING max(at) <= now() - make_interval(secs => $1))",
            &[&ANSWERS_STAND.as_secs_f64()],
        )?;
        // No worker holds the job of these entries.
        let left = format!(
            "UPDATE queued SET state = 'waiting', owner = NULL WHERE state = 'running'
             AND NOT EXISTS (SELECT 1 FROM {SCHEMA}.jobs AS job
                             WHERE job.key = 'file ' || queued.id AND job.locked_by IS NOT NULL)"
        );
        tables.execute(&left, &[])?;
        // A state change and its job are committed in one transaction, so an entry without a job has lost it.
        // SKIP LOCKED lets only one of several workers repair it.
        let lost = format!(
            "SELECT id, account, profile FROM queued
             WHERE state IN ('waiting', 'running')
             AND NOT EXISTS (SELECT 1 FROM {SCHEMA}.jobs AS job
                             WHERE job.key = 'file ' || queued.id
                             AND (job.locked_by IS NOT NULL OR job.attempts < job.max_attempts))
             FOR UPDATE SKIP LOCKED"
        );
        let lost = tables.rows(&lost, &[])?;
        for row in &lost {
            let id: i64 = cell(row, 0)?;
            let account: Option<String> = cell(row, 1)?;
            let profile: Option<String> = cell(row, 2)?;
            let queue = queue_for(account.as_deref(), profile.as_deref());
            add_job(tables, id, &queue, 0.0)?;
        }
        Ok(lost.len() as u64)
    })
}
