//! The queue stores files and schedules their batches in PostgreSQL.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::entry::GoesOn;
use crate::app::AppError;
use crate::journal::{
    Database, Fence, JournalError, State, Tables, Wrong, cell, count_up, damaged,
};
use crate::l10n::say;
use crate::model::{Code, Fact, hex};
use crate::read::{Origin, content_of};
use crate::run::{AuditEntry, BatchUsage};

/// The queue's schema: a well-kept queue's, beside ours.
pub(super) const SCHEMA: &str = "rosterpatch_queue";

/// What a job is called that does a slice of a file.
pub(super) const TASK: &str = "slice";

/// The database of a journal.
///
/// # Errors
/// When it lies in a folder, which no other machine sees.
pub fn database_of(state: &State) -> Result<&Database, AppError> {
    state
        .database()
        .ok_or_else(|| AppError::Usage(say().fleet_needs_database()))
}

/// A file in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// Its number there.
    pub id: i64,
    /// Whether it waited there already, with this content.
    pub is_known: bool,
}

/// Puts a file into the queue, with its content, so that any machine can import it as `profile` says. Its run
/// stores the `deed`. A file that waits already adds it only if it has a note.
///
/// # Errors
/// When the file cannot be read, or the database refuses.
pub fn enqueue(
    state: &State,
    (file, origin): (&Path, Origin),
    profile: Option<&str>,
    deed: &AuditEntry,
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
            if deed.note.is_some() {
                add_deed(tables, id, deed)?;
            }
            return Ok(Enqueued { id, is_known: true });
        };
        let id = cell(&row, 0)?;
        add_deed(tables, id, deed)?;
        add_job(tables, id, &first_queue(profile), 0.0)?;
        let is_known = false;
        Ok(Enqueued { id, is_known })
    })?;
    Ok(enqueued)
}

/// Stores a command for a file.
fn add_deed(tables: &mut Tables<'_>, id: i64, deed: &AuditEntry) -> Result<(), Wrong> {
    let row = tables.one("SELECT deeds FROM queued WHERE id = $1 FOR UPDATE", &[&id])?;
    let mut deeds = deeds_of(cell(&row, 0)?)?;
    deeds.push(deed.clone());
    let json = serde_json::to_string(&deeds).map_err(|_| damaged("the column queued.deeds"))?;
    tables.execute("UPDATE queued SET deeds = $2 WHERE id = $1", &[&id, &json])?;
    Ok(())
}

/// The commands for a file, as stored.
fn deeds_of(json: &str) -> Result<Vec<AuditEntry>, Wrong> {
    serde_json::from_str(json).map_err(|_| damaged("the column queued.deeds"))
}

/// The queue in which a file waits until a worker has found out whose quota it draws on.
pub(super) fn first_queue(profile: Option<&str>) -> String {
    format!("profile {}", profile.unwrap_or_default())
}

/// The queue of all that draw on one quota.
pub(super) fn queue_of(account: &str) -> String {
    format!("quota {account}")
}

/// Schedules a batch of a file in so many seconds, replacing a waiting one.
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

/// The key of a file's job: a file has one job that may still be done.
fn key_of(id: i64) -> String {
    format!("file {id}")
}

/// Removes the job of a file. If a worker holds the job, it is not run again.
fn remove_job(tables: &mut Tables<'_>, id: i64) -> Result<(), Wrong> {
    let sql = format!("SELECT id FROM {SCHEMA}.remove_job($1)");
    tables.rows(&sql, &[&key_of(id)]).map(|_| ())
}

/// A file of the queue as a slice finds it.
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
    /// For how many seconds it was due before the slice began.
    pub(super) late_s: f64,
    /// The worker's id, unique for each batch.
    pub(super) owner: String,
    /// The job of the slice.
    pub(super) claimed: Claimed,
    /// The commands for it.
    pub(super) deeds: Vec<AuditEntry>,
}

/// A job and the worker that fetched it. If the worker's lease expires, another worker may hold the job.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) job: i64,
    pub(super) worker: String,
}

/// Locks a file, and refuses a job that another worker holds by now. The file is locked before its job, as
/// by all who change both; the opposite order could deadlock. The worker that takes the job over waits here
/// until this step is done.
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

/// Ends the job of a slice, with the next one in its place, if any: no other worker fetches it after this
/// step. The queue completes a job without asking who holds it, so a job that the worker could complete after
/// its lease has expired must have an end that no other worker shares. Replacing or removing the job locks
/// it, so its holder is looked for after that.
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

/// The file of a job, if it waits for one.
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
        deeds: deeds_of(cell(row, 8)?)?,
        late_s,
        owner,
        claimed: claimed.clone(),
    })
}

/// Begins a slice of a file that waits in the queue of its quota: with the file as it is now, and what
/// keeps whoever did a slice for this quota before from changing anything more. Nothing where there is
/// nothing to be done, or an older file draws on the same quota and goes first.
pub(super) fn begin_slice(
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
            // A moment after that one, so that it is found first.
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

/// Puts a file into the queue of the quota that it draws on.
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

/// Leaves a file to other workers that this one cannot begin. It stays due, so that metrics show that no worker
/// takes it.
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

/// The queue in which a file waits.
pub(super) fn queue_for(account: Option<&str>, profile: Option<&str>) -> String {
    match account {
        Some(account) => queue_of(account),
        None => first_queue(profile),
    }
}

/// Why a file waits or has ended, as it is kept: others than the roster's owner read it there.
fn kept(why: &Fact) -> Option<String> {
    serde_json::to_string(why).ok()
}

/// Why a file waits or has ended, as it was kept; another version may have kept it otherwise.
pub(super) fn why_of(kept: Option<String>) -> Option<Fact> {
    kept.map(|kept| {
        let fact = serde_json::from_str(&kept);
        fact.unwrap_or_else(|_| Fact::new(Code::QueueUnknown))
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Leaves the rest of a file for later.
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

/// Ends a file's way through the queue; one whose guard was lifted meanwhile continues.
pub(super) fn end(
    database: &Database,
    waiting: &Waiting,
    state: &str,
    exit_code: i32,
    done: BatchUsage,
    why: Option<&Fact>,
) -> Result<(), JournalError> {
    database.change(|tables| {
        let row = tables.first(
            // An approval is of one plan: a run that is held again waits for another.
            "UPDATE queued SET state = $2, exit_code = $3, why = $4, owner = NULL, ended_at = now(),
                    is_approved = is_approved AND NOT ($2 = 'held' AND $9),
                    requests = requests + $5, retries = retries + $6, throttled = throttled + $7
             WHERE id = $1 AND state = 'running' AND owner = $8
             RETURNING is_approved AND state = 'held'",
            &[
                &waiting.id,
                &state,
                &exit_code,
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

/// Has a run that a guard holds go on in the queue. The run stores the `deed`.
pub fn approve(state: &State, id: i64, deed: &AuditEntry) -> Result<GoesOn, AppError> {
    goes_on(state, id, true, deed)
}

/// Has a run that was stopped go on in the queue. The run stores the `deed`.
///
/// # Errors
/// When the database refuses, or the queue does not know it any more.
pub fn put_back(state: &State, id: i64, deed: &AuditEntry) -> Result<GoesOn, AppError> {
    goes_on(state, id, false, deed)
}

fn goes_on(state: &State, id: i64, approves: bool, deed: &AuditEntry) -> Result<GoesOn, AppError> {
    let known = database_of(state)?.change(|tables| {
        let goes_on = again(tables, id, approves)?;
        if goes_on.is_some() {
            add_deed(tables, id, deed)?;
        }
        Ok(goes_on)
    })?;
    known.ok_or_else(|| AppError::Front(say().fleet_unknown(id)))
}

/// Takes a file out of the queue. A slice of it that is being done is the last one: it may record nothing
/// more, and its requests in progress are in doubt. `resume` returns a file whose run has begun to the queue.
///
/// # Errors
/// When the database refuses, or no such file waits.
pub fn remove(state: &State, id: i64) -> Result<(), AppError> {
    let database = database_of(state)?;
    let why = Fact::new(Code::QueueRemoved);
    let known = database.change(|tables| {
        let row = tables.first(
            "SELECT account, state FROM queued
             WHERE id = $1 AND state IN ('waiting', 'running', 'held', 'stopped') FOR UPDATE",
            &[&id],
        )?;
        let Some(row) = row else {
            return Ok(false);
        };
        // Another file's slice for the same quota continues.
        let is_running = cell::<&str>(&row, 1)? == "running";
        if let Some(account) = cell::<Option<String>>(&row, 0)?.filter(|_| is_running) {
            count_up(tables, &queue_of(&account))?;
        }
        tables.execute(
            "UPDATE queued SET state = 'stopped', owner = NULL, ended_at = now(), why = $2
             WHERE id = $1",
            &[&id, &kept(&why)],
        )?;
        // The API's answers for its plan are no longer needed.
        tables.execute(
            "DELETE FROM answer WHERE run = (SELECT run FROM queued WHERE id = $1)",
            &[&id],
        )?;
        remove_job(tables, id)?;
        Ok(true)
    })?;
    match known {
        true => Ok(()),
        false => Err(AppError::Front(say().fleet_unknown(id))),
    }
}

/// Returns a file to the queue. A batch in progress continues by itself; an approval is stored.
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
    fn files_of_one_quota_share_a_queue_and_before_that_those_of_one_profile() {
        let queue = queue_for(Some("a"), Some("school"));
        assert_eq!(queue, queue_for(Some("a"), None));
        assert_ne!(queue, queue_for(Some("b"), Some("school")));
        let first = queue_for(None, Some("school"));
        assert_ne!(first, queue_for(None, Some("other")));
        assert_ne!(first, queue_for(None, None));
        // A profile that is called like a quota's hash is no quota.
        assert_ne!(queue_for(None, Some("a")), queue);
    }

    #[test]
    fn why_a_file_waits_is_kept_and_what_another_version_kept_is_said_to_be_unknown() {
        let fact = Fact::new(Code::QueueRemoved).with_count(3);
        assert_eq!(why_of(kept(&fact)), Some(fact));
        assert_eq!(why_of(None), None);
        let other = why_of(Some("{}".into())).unwrap();
        assert_eq!(other.code(), Code::QueueUnknown);
    }

    #[test]
    fn a_number_that_the_database_cannot_hold_is_the_largest_that_it_can() {
        assert_eq!(signed(7), 7);
        assert_eq!(signed(u64::MAX), i64::MAX);
    }
}
