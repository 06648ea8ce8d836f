//! Repairs restore lost jobs and release queues of expired workers.

use super::queue::{SCHEMA, add_job, queue_for};
use crate::journal::{ANSWERS_STAND, Database, JournalError, cell};

/// Has each file that waits have a job again, and frees queues that nobody works at: a process that was
/// taken for dead may have ended another's job, which ends it in the queue and leaves the queue taken.
/// Returns how many were mended.
pub(super) fn mend(database: &Database) -> Result<u64, JournalError> {
    database.change(|tables| {
        // Those that a slice has replaced and did not come to end.
        let retired = format!(
            "DELETE FROM {SCHEMA}._private_jobs AS job
             WHERE key IS NULL AND locked_by IS NULL AND attempts >= max_attempts
             AND (payload ->> 'id') IS NOT NULL"
        );
        tables.execute(&retired, &[])?;
        // What failed for want of the database is not put off for hours, as the queue would.
        let sooner = format!(
            "UPDATE {SCHEMA}._private_jobs SET run_at = now() + interval '30 seconds'
             WHERE locked_by IS NULL AND last_error IS NOT NULL
             AND run_at > now() + interval '1 minute'
             AND EXISTS (SELECT 1 FROM queued WHERE queued.id = (payload ->> 'id')::bigint AND due < now())"
        );
        tables.execute(&sooner, &[])?;
        // Nobody believes it any more.
        tables.execute(
            "DELETE FROM answer WHERE run IN (SELECT run FROM answer GROUP BY run
                                              HAVING max(at) <= now() - make_interval(secs => $1))",
            &[&ANSWERS_STAND.as_secs_f64()],
        )?;
        // Nobody is at it any more.
        let left = format!(
            "UPDATE queued SET state = 'waiting', owner = NULL WHERE state = 'running'
             AND NOT EXISTS (SELECT 1 FROM {SCHEMA}._private_jobs AS job
                             WHERE (job.payload ->> 'id')::bigint = queued.id
                             AND job.locked_by IS NOT NULL)"
        );
        tables.execute(&left, &[])?;
        let free = format!(
            "UPDATE {SCHEMA}._private_job_queues AS queue SET locked_by = NULL, locked_at = NULL
             WHERE locked_by IS NOT NULL AND locked_at < now() - interval '1 minute'
             AND NOT EXISTS (SELECT 1 FROM {SCHEMA}._private_jobs AS job
                             WHERE job.job_queue_id = queue.id AND job.locked_by IS NOT NULL)"
        );
        let mut mended = tables.execute(&free, &[])?;
        // Whoever changes a file's state adds its job in the same step, so that one without is lost. Two
        // workers that look at once would both see it; the second finds it locked.
        let lost = format!(
            "SELECT id, account, profile FROM queued
             WHERE state IN ('waiting', 'running')
             AND NOT EXISTS (SELECT 1 FROM {SCHEMA}._private_jobs AS job
                             WHERE (job.payload ->> 'id')::bigint = queued.id
                             AND (job.locked_by IS NOT NULL OR job.attempts < job.max_attempts))
             FOR UPDATE SKIP LOCKED"
        );
        for row in tables.rows(&lost, &[])? {
            let id: i64 = cell(&row, 0)?;
            let account: Option<String> = cell(&row, 1)?;
            let profile: Option<String> = cell(&row, 2)?;
            let queue = queue_for(account.as_deref(), profile.as_deref());
            add_job(tables, id, &queue, 0.0)?;
            mended += 1;
        }
        Ok(mended)
    })
}
