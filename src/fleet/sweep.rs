//! Sweeps that add inbox files to the shared queue and archive completed ones.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::desk::QueueDesk;
use super::entry::EntryState;
use super::queue::{database_of, enqueue, why_of};
use crate::app::{
    AppError, Session, Sweep, SweepOptions, Swept, Told, archive_failed, archive_file, fate_of,
    place_of, report_again,
};
use crate::inbox::ArchiveFolder;
use crate::journal::{Fate, Journal, JournalError, RunState, cell};
use crate::model::{Code, Exit, Fact, Summary, hex};
use crate::read::{Origin, content_of};
use crate::report::ResultPaths;
use crate::run::{AuditEntry, RunError, Settings, absolute, to_json};

/// The queue entry of a file.
struct Known {
    state: EntryState,
    run: Option<String>,
    why: Option<Fact>,
}

/// What became of a claimed file.
enum Outcome {
    Enqueued(i64),
    Waiting,
    Held(String, Fact),
    /// The run has ended, and the file and its results were archived.
    Ended(Box<Summary>),
    Failed(Fact),
}

/// Adds the files in a folder to the queue, including those that arrive in the meantime, and archives files
/// with their results after their runs have ended.
pub fn sweep_into_queue(
    session: &Session,
    options: SweepOptions,
    desk: &QueueDesk<'_>,
) -> Result<Swept, AppError> {
    database_of(&session.state)?;
    // A file that stays in `processing` is checked once per sweep.
    let settled: RefCell<HashSet<(PathBuf, String)>> = RefCell::default();
    let process = |sweep: &Sweep<'_>, file: &Path, known: (&str, &str)| {
        let seen = (file.to_owned(), known.1.to_owned());
        match settled.borrow_mut().insert(seen) {
            true => settle(sweep, desk, file, known),
            false => Ok(None),
        }
    };
    let sweep = Sweep::new(session, desk.desk, options)?;
    sweep.processed_by(&process).run()
}

/// Adds a claimed file to the queue, or archives it if its run has ended. Records and reports the outcome.
fn settle(
    sweep: &Sweep<'_>,
    desk: &QueueDesk<'_>,
    file: &Path,
    known: (&str, &str),
) -> Result<Option<Exit>, AppError> {
    let outcome = one(sweep, desk, file, known).unwrap_or_else(|error| {
        // An invalid file is moved aside. An error of one file does not stop the others.
        match error.is_of_file() {
            true => put_aside(sweep, file, known.0, error.fact(), Some(error.exit())),
            false => Outcome::Failed(error.fact()),
        }
    });
    let record = |fate, path: &Path, run, why| sweep.record(known, fate, path, run, why);
    let told = |what: Told<'_>| sweep.desk.told(known.0, what);
    Ok(match outcome {
        Outcome::Enqueued(id) => {
            record(Fate::Waiting, file, None, None)?;
            told(Told::Enqueued(id));
            None
        }
        Outcome::Waiting => {
            record(Fate::Waiting, file, None, None)?;
            told(Told::Queued);
            None
        }
        Outcome::Held(run, why) => {
            let named = (!run.is_empty()).then_some(&*run);
            record(Fate::Held, file, named, Some(&why))?;
            told(Told::Held {
                run: &run,
                why: &why,
            });
            Some(Exit::Held)
        }
        Outcome::Ended(summary) => {
            let (fate, path) = (fate_of(&summary), Path::new(&summary.file));
            record(fate, path, Some(&summary.run), None)?;
            told(Told::PutAway(&summary));
            Some(summary.exit_code)
        }
        Outcome::Failed(why) => {
            let fate = match file.is_file() {
                true => Fate::Waiting,
                false => Fate::Failed,
            };
            record(fate, why.path().unwrap_or(file), None, Some(&why))?;
            told(Told::NotImported(&why));
            Some(Exit::CannotDo)
        }
    })
}

fn one(
    sweep: &Sweep<'_>,
    desk: &QueueDesk<'_>,
    file: &Path,
    (name, stamp): (&str, &str),
) -> Result<Outcome, AppError> {
    let session = sweep.session;
    let profile = (desk.profile_of)(name)?;
    let Some(known) = known(session, file)? else {
        sweep.refuse_older((name, stamp))?;
        let entry = AuditEntry::of(&session.author, "sweep", session.clock.timestamp());
        let dropped = (file, Origin::Dropped);
        let enqueued = enqueue(&session.state, dropped, profile.as_deref(), &entry)?;
        return Ok(Outcome::Enqueued(enqueued.id));
    };
    let why = known.why.unwrap_or(Fact::new(Code::QueueUnknown));
    match (known.state, known.run) {
        (EntryState::Waiting | EntryState::Running, _) => Ok(Outcome::Waiting),
        // The worker has sent the notification.
        (EntryState::Failed, _) => Ok(put_aside(sweep, file, name, why, None)),
        (_, Some(run)) if is_in(session, &run, RunState::Undone)? => {
            let file = absolute(file).display().to_string();
            Err(RunError::Undone { run, file }.into())
        }
        (_, Some(run)) if is_in(session, &run, RunState::Declined)? => {
            let why = Fact::new(Code::WhyDeclined);
            Ok(put_aside(sweep, file, name, why, None))
        }
        (EntryState::Finished, Some(run)) => ended(sweep, file, &run, desk.outcome_first),
        (_, run) => Ok(Outcome::Held(run.unwrap_or_default(), why)),
    }
}

/// Moves a file that is not imported to `failed`, and sends a notification with this exit code.
fn put_aside(sweep: &Sweep<'_>, file: &Path, name: &str, why: Fact, exit: Option<Exit>) -> Outcome {
    let moved = archive_failed(sweep.session, &sweep.inbox, file, &why)
        .and_then(|to| mark_archived(sweep.session, file).map(|()| to));
    match moved {
        Ok(to) => {
            let moved = why.at_path(&to);
            if let Some(exit) = exit {
                sweep.notify(name, &to, exit, &moved);
            }
            Outcome::Failed(moved)
        }
        Err(trouble) => {
            sweep.desk.told(name, Told::NotImported(&why));
            Outcome::Failed(trouble.fact())
        }
    }
}

/// Whether a run is in this state. A run that was pruned is in none.
fn is_in(session: &Session, run: &str, state: RunState) -> Result<bool, AppError> {
    match Journal::open(&session.state)?.run(Some(run)) {
        Ok(record) => Ok(record.state == state),
        Err(JournalError::NoRun { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns the queue entry of a file with this name and content, if any.
fn known(session: &Session, file: &Path) -> Result<Option<Known>, AppError> {
    let content = content_of(file, Origin::Dropped)?;
    let sha256 = hex(&Sha256::digest(&content));
    let name = absolute(file).display().to_string();
    let database = database_of(&session.state)?;
    Ok(database.change(|tables| {
        let row = tables.first(
            "SELECT state, run_name, why FROM queued
             WHERE file = $1 AND sha256 = $2 AND NOT is_put_away ORDER BY id DESC LIMIT 1",
            &[&name, &sha256],
        )?;
        let known = |row| {
            Ok(Known {
                state: EntryState::of(cell(&row, 0)?),
                run: cell(&row, 1)?,
                why: why_of(cell(&row, 2)?),
            })
        };
        row.map(known).transpose()
    })?)
}

/// Writes the results of a run beside its file and archives all of them.
fn ended(
    sweep: &Sweep<'_>,
    file: &Path,
    run: &str,
    outcome_first: bool,
) -> Result<Outcome, AppError> {
    let session = sweep.session;
    let mut journal = Journal::open(&session.state)?;
    let record = journal.run(Some(run))?;
    let mut settings = Settings::of(&record)?;
    settings.roster.file = file.to_owned();
    settings.roster.read.origin = Origin::Dropped;
    let mut paths = ResultPaths::beside(file);
    paths.outcome_first = outcome_first;
    let mut summary = report_again(&journal, &record, &settings, &paths, &session.journal_flag)?;
    let beside: Vec<PathBuf> = paths.all().into_iter().cloned().collect();
    let place = place_of(fate_of(&summary)).unwrap_or(ArchiveFolder::Failed);
    let moved = archive_file(session, &sweep.inbox, file, &beside, place)?;
    mark_archived(session, file)?;
    summary.paths_mut().for_each(|path| *path = moved.to(path));
    summary.file = moved.own().1.display().to_string();
    let json = to_json(&summary)?;
    journal.moved(record.id, &summary.file, &record.settings, &json)?;
    Ok(Outcome::Ended(Box::new(summary)))
}

/// Marks the queue entry of a file as archived, so that the same file gets a new entry if it arrives again.
fn mark_archived(session: &Session, file: &Path) -> Result<(), AppError> {
    let name = absolute(file).display().to_string();
    database_of(&session.state)?.change(|tables| {
        tables.execute(
            "UPDATE queued SET is_put_away = true WHERE file = $1",
            &[&name],
        )
    })?;
    Ok(())
}
