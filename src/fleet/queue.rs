//! Storage of queued files and scheduling of their batches in PostgreSQL.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::entry::{EntryState, GoesOn};
use crate::app::{AppError, GoOn};
use crate::journal::{
    Database, Fence, JournalError, State, Tables, Wrong, cell, count_up, damaged,
};
use crate::l10n::{message, say};
use crate::model::{Code, Exit, Fact, hex};
use crate::read::{Origin, content_of};
use crate::run::{AuditEntry, BatchUsage};

/// The database schema of graphile_worker, beside the journal's.
pub(super) const SCHEMA: &str = "rosterpatch_queue";

/// The name of the task that processes a batch.
pub(super) const TASK: &str = "slice";

/// Returns the database of a journal.
///
/// # Errors
/// Fails if the journal is a folder, which other machines cannot reach.
pub fn database_of(state: &State) -> Result<&Database, AppError> {
    state
        .database()
        .ok_or_else(|| AppError::Usage(say().fleet_needs_database()))
}

/// The result of adding a file to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The id of the entry.
    pub id: i64,
    /// Whether the queue already had an open entry with this content.
    pub is_known: bool,
}

/// Adds a file with its content to the queue, so that any machine can import it according to `profile`. The
/// run stores the `entry`. If the file is already queued, the entry is added only if it has a note.
pub fn enqueue(
    state: &State,
    (file, origin): (&Path, Origin),
    profile: Option<&str>,
    entry: &AuditEntry,
) -> Result<Enqueued, AppError> {
    let database = database_of(state)?;
    let content = content_of(file, origin)?;
    let sha256 = hex(&Sha256::digest(&content));
    let name = crate::run::absolute(file).display().to_string();
    let enqueued = database.change(|tables| {
        tables.execute(
            "INSERT INTO roster (sha256, content) VALUES ($1, $2)
             ON CONFLICT (sha256) DO UPDATE SET kept_at = now()",
            &[&sha256, &content],
        )?;
        let row = tables.first(
            "INSERT INTO queued (file, sha256, profile, state) VALUES ($1, $2, $3, 'waiting')
             ON CONFLICT (sha256, file, coalesce(profile, '')) WHERE state IN ('waiting', 'running')
             DO NOTHING RETURNING id",
            &[&name, &sha256, &profile],
        )?;
        let Some(row) = row else {
            let row = tables.one(
                "SELECT id FROM queued WHERE sha256 = $1 AND file = $2
                 AND profile IS NOT DISTINCT FROM $3 AND state IN ('waiting', 'running')",
                &[&sha256, &name, &profile],
            )?;
            let id = cell(&row, 0)?;
            if entry.note.is_some() {
                add_entry(tables, id, entry)?;
            }
            return Ok(Enqueued { id, is_known: true });
        };
        let id = cell(&row, 0)?;
        add_entry(tables, id, entry)?;
        add_job(tables, id, &first_queue(profile), 0.0)?;
        let is_known = false;
        Ok(Enqueued { id, is_known })
    })?;
    Ok(enqueued)
}

/// Stores a command for an entry.
fn add_entry(tables: &mut Tables<'_>, id: i64, entry: &AuditEntry) -> Result<(), Wrong> {
    let row = tables.one("SELECT deeds FROM queued WHERE id = $1 FOR UPDATE", &[&id])?;
    let mut audit_log = audit_log_of(cell(&row, 0)?)?;
    audit_log.push(entry.clone());
    let json = serde_json::to_string(&audit_log).map_err(|_| damaged("the column queued.deeds"))?;
    tables.execute("UPDATE queued SET deeds = $2 WHERE id = $1", &[&id, &json])?;
    Ok(())
}

/// Parses the stored commands of an entry.
fn audit_log_of(json: &str) -> Result<Vec<AuditEntry>, Wrong> {
    serde_json::from_str(json).map_err(|_| damaged("the column queued.deeds"))
}

/// Returns the queue for a file whose rate limit is not known yet.
pub(super) fn first_queue(profile: Option<&str>) -> String {
    format!("profile {}", profile.unwrap_or_default())
}

/// Returns the queue shared by all files with one rate limit.
pub(super) fn queue_of(account: &str) -> String {
    format!("quota {account}")
}

/// Schedules the next batch of a file in `seconds`, replacing a waiting one.
pub(super) fn add_job(
    tables: &mut Tables<'_>,
    id: i64,
    queue: &str,
    seconds: f64,
) -> Result<(), Wrong> {
    let sql = format!(
        "SELECT id FROM {SCHEMA}.add_job('{TASK}', json_build_object('id', $1::bigint, 'queue', $2::text),
                                         $2::text, now() + make_interval(secs => $3), job_key => $4)"
    );
    tables.rows(&sql, &[&id, &queue, &seconds, &key_of(id)])?;
    Ok(())
}

/// Returns the key of a file's job. A file has at most one open job.
fn key_of(id: i64) -> String {
    format!("file {id}")
}

/// Removes the job of a file. If a worker holds the job, it does not run again.
fn remove_job(tables: &mut Tables<'_>, id: i64) -> Result<(), Wrong> {
    let sql = format!("SELECT id FROM {SCHEMA}.remove_job($1)");
    tables.rows(&sql, &[&key_of(id)]).map(|_| ())
}

/// A queue entry as read at the start of a batch.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) file: String,
    pub(super) sha256: String,
    pub(super) profile: Option<String>,
    pub(super) account: Option<String>,
    pub(super) run: Option<String>,
    pub(super) is_approved: bool,
    pub(super) retries: i64,
    pub(super) throttled: i64,
    /// For how many seconds the batch was due before it began.
    pub(super) late_s: f64,
    /// The worker's id, unique for each batch.
    pub(super) owner: String,
    /// The job of the batch.
    pub(super) claimed: Claimed,
    /// The commands for the entry.
    pub(super) audit_log: Vec<AuditEntry>,
}

/// A job and the worker that fetched it. If the worker's lease expires, another worker may hold the job.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) job: i64,
    pub(super) worker: String,
}

/// Locks an entry and checks that this worker still holds its job. Entries are always locked before jobs, to
/// prevent deadlocks. A worker that takes the job over waits here until the transaction ends.
fn lock(tables: &mut Tables<'_>, id: i64, claimed: &Claimed) -> Result<(), Wrong> {
    tables.first("SELECT 1 FROM queued WHERE id = $1 FOR UPDATE", &[&id])?;
    is_ours(tables, claimed)
}

fn is_ours(tables: &mut Tables<'_>, claimed: &Claimed) -> Result<(), Wrong> {
    let sql = format!("SELECT 1 FROM {SCHEMA}.jobs WHERE id = $1 AND locked_by = $2");
    match tables.first(&sql, &[&claimed.job, &claimed.worker])? {
        Some(_) => Ok(()),
        None => Err(Wrong::TakenOver),
    }
}

/// Replaces the job of a batch with the next one, if any, or removes it. The queue completes jobs without
/// checking the lease, so a worker with an expired lease could otherwise complete a job that another worker
/// has taken over. Replacing or removing locks the job, so its holder is checked afterwards.
fn end_job(
    tables: &mut Tables<'_>,
    id: i64,
    claimed: &Claimed,
    next: Option<(&str, f64)>,
) -> Result<(), Wrong> {
    match next {
        Some((queue, seconds)) => add_job(tables, id, queue, seconds)?,
        None => remove_job(tables, id)?,
    }
    is_ours(tables, claimed)
}

/// Reads the entry of a job, or removes the job if the entry is closed.
pub(super) fn look(
    database: &Database,
    id: i64,
    claimed: &Claimed,
) -> Result<Option<Waiting>, JournalError> {
    database.change(|tables| {
        lock(tables, id, claimed)?;
        let row = tables.first(
            "SELECT file, sha256, profile, account, run_name, is_approved, retries, throttled, deeds
             FROM queued WHERE id = $1 AND state IN ('waiting', 'running')",
            &[&id],
        )?;
        match row {
            Some(row) => waiting(id, &row, (String::new(), 0.0), claimed).map(Some),
            None => end_job(tables, id, claimed, None).map(|()| None),
        }
    })
}

fn waiting(
    id: i64,
    row: &postgres::Row,
    (owner, late_s): (String, f64),
    claimed: &Claimed,
) -> Result<Waiting, Wrong> {
    Ok(Waiting {
        id,
        file: cell(row, 0)?,
        sha256: cell(row, 1)?,
        profile: cell(row, 2)?,
        account: cell(row, 3)?,
        run: cell(row, 4)?,
        is_approved: cell(row, 5)?,
        retries: cell(row, 6)?,
        throttled: cell(row, 7)?,
        audit_log: audit_log_of(cell(row, 8)?)?,
        late_s,
        owner,
        claimed: claimed.clone(),
    })
}

/// Begins a batch of an entry in the queue of its rate limit. Returns the current entry and a fencing token
/// that shuts out earlier workers of this rate limit, or `None` if there is nothing to do or an older file
/// with the same rate limit comes first.
pub(super) fn begin_batch(
    database: &Database,
    found: &Waiting,
    account: &str,
    owner: &str,
) -> Result<Option<(Waiting, Fence)>, JournalError> {
    let (id, claimed) = (found.id, &found.claimed);
    let name = queue_of(account);
    database.change(|tables| {
        lock(tables, id, claimed)?;
        let older = tables.first(
            "SELECT greatest(extract(epoch FROM due - now()), 0)::float8 + 1 FROM queued
             WHERE account = $1 AND id < $2 AND state IN ('waiting', 'running') ORDER BY id LIMIT 1",
            &[&account, &id],
        )?;
        if let Some(older) = older {
            // The job runs shortly after that of the older file.
            let seconds: f64 = cell(&older, 0)?;
            end_job(tables, id, claimed, Some((&name, seconds)))?;
            tables.execute(
                "UPDATE queued SET due = now() + make_interval(secs => $2) WHERE id = $1",
                &[&id, &seconds],
            )?;
            return Ok(None);
        }
        let row = tables.first(
            "UPDATE queued SET state = 'running', owner = $2 || '/' || (slices + 1), slices = slices + 1
             WHERE id = $1 AND state IN ('waiting', 'running')
             RETURNING file, sha256, profile, account, run_name, is_approved, retries, throttled, deeds,
                       owner, greatest(extract(epoch FROM now() - due), 0)::float8",
            &[&id, &owner],
        )?;
        let Some(row) = row else {
            return end_job(tables, id, claimed, None).map(|()| None);
        };
        let begun = waiting(id, &row, (cell(&row, 9)?, cell(&row, 10)?), claimed)?;
        Ok(Some((begun, count_up(tables, &name)?)))
    })
}

/// Moves an entry to the queue of its rate limit.
pub(super) fn move_to(
    database: &Database,
    found: &Waiting,
    account: &str,
) -> Result<(), JournalError> {
    let (id, claimed) = (found.id, &found.claimed);
    database.change(|tables| {
        lock(tables, id, claimed)?;
        tables.execute(
            "UPDATE queued SET account = $2, state = 'waiting', owner = NULL, due = now() WHERE id = $1",
            &[&id, &account],
        )?;
        end_job(tables, id, claimed, Some((&queue_of(account), 0.0)))
    })
}

/// Leaves an entry that this worker cannot begin to other workers. It stays due, so that metrics show that no
/// worker takes it.
pub(super) fn not_here(
    database: &Database,
    waiting: &Waiting,
    seconds: f64,
    why: &Fact,
) -> Result<(), JournalError> {
    let queue = queue_for(waiting.account.as_deref(), waiting.profile.as_deref());
    let claimed = &waiting.claimed;
    database.change(|tables| {
        lock(tables, waiting.id, claimed)?;
        tables.execute(
            "UPDATE queued SET state = 'waiting', owner = NULL, why = $2 WHERE id = $1",
            &[&waiting.id, &kept(why)],
        )?;
        end_job(tables, waiting.id, claimed, Some((&queue, seconds)))
    })
}

/// Returns the queue in which an entry waits.
pub(super) fn queue_for(account: Option<&str>, profile: Option<&str>) -> String {
    match account {
        Some(account) => queue_of(account),
        None => first_queue(profile),
    }
}

/// Serializes the reason why an entry waits or has ended. Accounts other than the roster's owner can read it.
fn kept(why: &Fact) -> Option<String> {
    serde_json::to_string(why).ok()
}

/// Parses a stored reason. An unreadable one from another version becomes an unknown reason.
pub(super) fn why_of(kept: Option<String>) -> Option<Fact> {
    kept.map(|kept| {
        let fact = serde_json::from_str(&kept);
        fact.unwrap_or_else(|_| Fact::new(Code::QueueUnknown))
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Schedules the remaining rows of a file for a later batch.
pub(super) fn later(
    database: &Database,
    waiting: &Waiting,
    done: BatchUsage,
    seconds: f64,
    why: Option<&Fact>,
) -> Result<(), JournalError> {
    let queue = queue_for(waiting.account.as_deref(), waiting.profile.as_deref());
    database.change(|tables| {
        let own = tables.execute(
            "UPDATE queued SET state = 'waiting', owner = NULL, why = $3,
                    due = now() + make_interval(secs => $2),
                    requests = requests + $4, retries = retries + $5, throttled = throttled + $6
             WHERE id = $1 AND state = 'running' AND owner = $7",
            &[
                &waiting.id,
                &seconds,
                &why.and_then(kept),
                &signed(done.requests),
                &signed(done.retries),
                &signed(done.throttled),
                &waiting.owner,
            ],
        )?;
        if own == 0 {
            return Err(Wrong::TakenOver);
        }
        let next = Some((&*queue, seconds));
        end_job(tables, waiting.id, &waiting.claimed, next)
    })
}

/// Ends an entry. An entry that was approved in the meantime continues.
pub(super) fn end(
    database: &Database,
    waiting: &Waiting,
    state: EntryState,
    exit: Exit,
    done: BatchUsage,
    why: Option<&Fact>,
) -> Result<(), JournalError> {
    database.change(|tables| {
        let row = tables.first(
            // An approval covers one plan: a run that is held again needs another.
            "UPDATE queued SET state = $2, exit_code = $3, why = $4, owner = NULL, ended_at = now(),
                    is_approved = is_approved AND NOT ($2 = 'held' AND $9),
                    requests = requests + $5, retries = retries + $6, throttled = throttled + $7
             WHERE id = $1 AND state = 'running' AND owner = $8
             RETURNING is_approved AND state = 'held'",
            &[
                &waiting.id,
                &state.as_str(),
                &i32::from(exit.code()),
                &why.and_then(kept),
                &signed(done.requests),
                &signed(done.retries),
                &signed(done.throttled),
                &waiting.owner,
                &waiting.is_approved,
            ],
        )?;
        let Some(row) = row else {
            return Err(Wrong::TakenOver);
        };
        end_job(tables, waiting.id, &waiting.claimed, None)?;
        match cell(&row, 0)? {
            true => again(tables, waiting.id, true).map(|_| ()),
            false => Ok(()),
        }
    })
}

/// Queues a stopped run again, or a held run as approved. The run stores the `entry`.
///
/// # Errors
/// Fails if the queue has no entry with this id or the database cannot be written.
pub fn put_back(state: &State, id: i64, how: GoOn, entry: &AuditEntry) -> Result<GoesOn, AppError> {
    let known = database_of(state)?.change(|tables| {
        let goes_on = again(tables, id, how == GoOn::Approve)?;
        if goes_on.is_some() {
            add_entry(tables, id, entry)?;
        }
        Ok(goes_on)
    })?;
    known.ok_or_else(|| AppError::Front(message::fleet_unknown(id)))
}

/// Removes an entry from the queue. A batch in progress can record nothing more, and its requests in progress
/// are in doubt. `resume` queues a run that has begun again.
///
/// # Errors
/// Fails if there is no such entry or the database cannot be written.
pub fn remove(state: &State, id: i64) -> Result<(), AppError> {
    let why = kept(&Fact::new(Code::QueueRemoved));
    match take_out(state, id, EntryState::Stopped, (why, None))? {
        true => Ok(()),
        false => Err(AppError::Front(message::fleet_unknown(id))),
    }
}

/// Ends the entry of a declined run, unless a worker has ended it.
pub fn end_declined(state: &State, id: i64) -> Result<(), AppError> {
    let exit_code = i32::from(Exit::RowsFailed.code());
    take_out(state, id, EntryState::Finished, (None, Some(exit_code)))?;
    Ok(())
}

/// Takes an entry out of the queue: no worker continues it. Returns whether it was open.
fn take_out(
    state: &State,
    id: i64,
    ends_as: EntryState,
    (why, exit_code): (Option<String>, Option<i32>),
) -> Result<bool, AppError> {
    let was_open = database_of(state)?.change(|tables| {
        let row = tables.first(
            "SELECT account, state FROM queued
             WHERE id = $1 AND state IN ('waiting', 'running', 'held', 'stopped') FOR UPDATE",
            &[&id],
        )?;
        let Some(row) = row else {
            return Ok(false);
        };
        // A batch of another file with the same rate limit continues.
        let is_running = cell::<&str>(&row, 1)? == "running";
        if let Some(account) = cell::<Option<String>>(&row, 0)?.filter(|_| is_running) {
            count_up(tables, &queue_of(&account))?;
        }
        tables.execute(
            "UPDATE queued SET state = $2, owner = NULL, ended_at = now(), why = $3,
                               exit_code = coalesce($4, exit_code)
             WHERE id = $1",
            &[&id, &ends_as.as_str(), &why, &exit_code],
        )?;
        // The cached answers for its plan are no longer needed.
        tables.execute(
            "DELETE FROM answer WHERE run = (SELECT run FROM queued WHERE id = $1)",
            &[&id],
        )?;
        remove_job(tables, id)?;
        Ok(true)
    })?;
    Ok(was_open)
}

/// Queues an entry again. A batch in progress continues anyway; an approval is stored.
fn again(tables: &mut Tables<'_>, id: i64, approves: bool) -> Result<Option<GoesOn>, Wrong> {
    let row = tables.first(
        "UPDATE queued SET is_approved = is_approved OR $2 WHERE id = $1
         RETURNING account, profile, state",
        &[&id, &approves],
    )?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (account, profile): (Option<String>, Option<String>) = (cell(&row, 0)?, cell(&row, 1)?);
    let goes_on = match cell::<&str>(&row, 2)? {
        "running" => return Ok(Some(GoesOn::AsBefore)),
        "waiting" => GoesOn::AsBefore,
        _ => GoesOn::Again,
    };
    tables.execute(
        "UPDATE queued SET state = 'waiting', due = now(), why = NULL, ended_at = NULL WHERE id = $1",
        &[&id],
    )?;
    let queue = queue_for(account.as_deref(), profile.as_deref());
    add_job(tables, id, &queue, 0.0)?;
    Ok(Some(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_share_a_queue_by_rate_limit_or_else_by_profile() {
        let queue = queue_for(Some("a"), Some("school"));
        assert_eq!(queue, queue_for(Some("a"), None));
        assert_ne!(queue, queue_for(Some("b"), Some("school")));
        let first = queue_for(None, Some("school"));
        assert_ne!(first, queue_for(None, Some("other")));
        assert_ne!(first, queue_for(None, None));
        // A profile whose name equals the hash of a rate limit has a separate queue.
        assert_ne!(queue_for(None, Some("a")), queue);
    }

    #[test]
    fn a_stored_reason_is_restored_and_an_unreadable_one_is_unknown() {
        let fact = Fact::new(Code::QueueRemoved).with_count(3);
        assert_eq!(why_of(kept(&fact)), Some(fact));
        assert_eq!(why_of(None), None);
        let other = why_of(Some("{}".into())).unwrap();
        assert_eq!(other.code(), Code::QueueUnknown);
    }

    #[test]
    fn numbers_beyond_the_database_range_saturate() {
        assert_eq!(signed(7), 7);
        assert_eq!(signed(u64::MAX), i64::MAX);
    }
}
