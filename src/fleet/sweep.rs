use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::queue::{database_of, enqueue, why_of};
use super::swept::SweptFile;
use crate::app::{
    AppError, Arrivals, Session, Tally, fate_of, not_processed, place_of, report_again, set_aside,
    wait, worse,
};
use crate::inbox::{Entries, Inbox, Lying, Other, Place, stamp_of};
use crate::journal::{Fate, Journal, JournalError, RunState, cell};
use crate::model::{Code, Exit, Fact, hex};
use crate::read::{Origin, content_of};
use crate::report::ResultPaths;
use crate::run::{RunError, Settings, absolute, to_json, today};

/// What is known of a file in the queue.
struct Known {
    state: String,
    run: Option<String>,
    why: Option<Fact>,
}

/// Puts the files that lie in a folder into the queue, once, and puts those away whose runs have ended
/// since, with their results. `profile_of` says how a file of a name is imported, and `told` hears what
/// became of each. Returns the worst of the exit codes of what has ended.
///
/// # Errors
/// When the folder cannot be read or written to, or the database refuses.
pub fn sweep_into_queue(
    session: &Session,
    folder: &Path,
    settle: Duration,
    outcome_first: bool,
    profile_of: &dyn Fn(&str) -> Result<Option<String>, AppError>,
    told: &dyn Fn(&str, &SweptFile),
) -> Result<(Exit, Tally), AppError> {
    database_of(&session.state)?;
    let inbox = Inbox::at(folder);
    let failed = |action: &'static str| {
        let path = folder.to_owned();
        move |source| AppError::File {
            action,
            path: path.clone(),
            source,
        }
    };
    let seen = inbox.entries().map_err(failed("read-folder"))?.files;
    if may_grow(&seen) {
        wait(settle, &session.stop);
    }
    let Entries { files: now, others } = inbox.entries().map_err(failed("read-folder"))?;
    let mut arrivals = Arrivals::read(session, folder)?;
    let mut worst = None;
    // What stays in the folder is reported once, and leads to the exit code of a row that failed.
    let mut stays =
        |arrivals: &mut Arrivals<'_>, (name, stamp): (&str, &str), is_roster: bool, why: Fact| {
            if arrivals.stays(name, stamp, &why)? {
                told(name, &SweptFile::Failed(why));
            }
            worst = worse(worst, is_roster.then_some(Exit::RowsFailed));
            Ok::<(), AppError>(())
        };
    for Other {
        name,
        why,
        is_roster,
        stamp,
    } in others
    {
        stays(
            &mut arrivals,
            (&name, &stamp),
            is_roster,
            not_processed(&why),
        )?;
    }
    let unchanged = now
        .iter()
        .filter(|(name, lying)| seen.get(*name) == Some(*lying));
    let mut oldest_first: Vec<_> = unchanged.collect();
    oldest_first.sort_by_key(|(name, lying)| (lying.modified(), *name));
    for (name, lying) in oldest_first {
        let stamp = lying.stamp();
        let file = (name.as_str(), stamp.as_str());
        if let Err(error) = profile_of(name) {
            stays(&mut arrivals, file, true, error.fact())?;
        } else if let Err(why) = inbox.claim(name, lying) {
            stays(&mut arrivals, file, true, not_processed(&why))?;
        }
    }
    arrivals.forget_gone()?;
    let taken = inbox.taken().map_err(failed("read-folder"))?;
    for entry in &taken.others {
        let why = set_aside(entry);
        let known = (entry.name.as_str(), entry.stamp.as_str());
        arrivals.ended(known, Fate::Failed, &entry.path, None, Some(&why))?;
        told(&entry.name, &SweptFile::Failed(why));
        worst = worse(worst, Some(Exit::RowsFailed));
    }
    for file in taken.files {
        if session.stop.is_asked() {
            break;
        }
        let stamp = stamp_of(&file);
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let swept = profile_of(&name)
            .and_then(|profile| one(session, &inbox, &file, profile.as_deref(), outcome_first));
        // One file's trouble is not the others'.
        let swept = swept.unwrap_or_else(|error| SweptFile::Failed(error.fact()));
        let exit = match &swept {
            SweptFile::Ended(summary) => Some(summary.exit_code),
            SweptFile::Held { .. } => Some(Exit::Held),
            SweptFile::Failed(_) => Some(Exit::CannotDo),
            SweptFile::Enqueued(_) | SweptFile::Waiting => None,
        };
        worst = worse(worst, exit);
        record(&mut arrivals, (&name, &stamp), &file, &swept)?;
        told(&name, &swept);
    }
    Ok((worst.unwrap_or(Exit::Success), arrivals.tally))
}

/// Whether any of these files may still be written to: no marker says that it is whole.
fn may_grow(files: &HashMap<String, Lying>) -> bool {
    files.values().any(|lying| !lying.ready)
}

/// Records the fate of a file, as far as it is known.
fn record(
    arrivals: &mut Arrivals<'_>,
    known: (&str, &str),
    file: &Path,
    swept: &SweptFile,
) -> Result<(), AppError> {
    match swept {
        SweptFile::Enqueued(_) | SweptFile::Waiting => {
            arrivals.ended(known, Fate::Waiting, file, None, None)
        }
        SweptFile::Held { run, why } => {
            let run = (!run.is_empty()).then_some(run.as_str());
            arrivals.ended(known, Fate::Held, file, run, Some(why))
        }
        SweptFile::Ended(summary) => {
            let path = Path::new(&summary.file);
            arrivals.ended(known, fate_of(summary), path, Some(&summary.run), None)
        }
        SweptFile::Failed(why) => {
            let fate = if file.is_file() {
                Fate::Waiting
            } else {
                Fate::Failed
            };
            let path = why.path().unwrap_or(file);
            arrivals.ended(known, fate, path, None, Some(why))
        }
    }
}

fn one(
    session: &Session,
    inbox: &Inbox,
    file: &Path,
    profile: Option<&str>,
    outcome_first: bool,
) -> Result<SweptFile, AppError> {
    let Some(known) = known(session, file)? else {
        let enqueued = enqueue(&session.state, (file, Origin::Dropped), profile)?;
        return Ok(SweptFile::Enqueued(enqueued.id));
    };
    let why = known.why.unwrap_or(Fact::new(Code::QueueUnknown));
    match (known.state.as_str(), known.run) {
        ("waiting" | "running", _) => Ok(SweptFile::Waiting),
        ("failed", _) => put_aside(session, inbox, file, why),
        (_, Some(run)) if is_undone(session, &run)? => {
            let file_name = absolute(file).display().to_string();
            let error = RunError::Undone {
                run,
                file: file_name,
            };
            put_aside(session, inbox, file, error.fact())
        }
        ("finished", Some(run)) => ended(session, inbox, file, &run, outcome_first),
        (_, run) => Ok(SweptFile::Held {
            run: run.unwrap_or_default(),
            why,
        }),
    }
}

/// Moves a file that is not imported out of the way, with a report that says why.
fn put_aside(
    session: &Session,
    inbox: &Inbox,
    file: &Path,
    why: Fact,
) -> Result<SweptFile, AppError> {
    let name = file.file_name().unwrap_or_default();
    let beside = why.clone().at_path(Path::new(name));
    let explained = inbox.explain(file, &beside.in_words());
    explained.map_err(|source| AppError::File {
        action: "write-why",
        path: file.to_owned(),
        source,
    })?;
    let moved = put(session, inbox, file, &[], Place::Failed)?;
    let path = moved.last().map_or(file, |(_, to)| to);
    Ok(SweptFile::Failed(why.at_path(path)))
}

/// Whether a run was undone. One that was forgotten since was not.
fn is_undone(session: &Session, run: &str) -> Result<bool, AppError> {
    match Journal::open(&session.state)?.run(Some(run)) {
        Ok(record) => Ok(record.state == RunState::Undone),
        Err(JournalError::NoRun { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What the queue knows of a file, where it knows any of this name and content.
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
                state: cell(&row, 0)?,
                run: cell(&row, 1)?,
                why: why_of(cell(&row, 2)?),
            })
        };
        row.map(known).transpose()
    })?)
}

/// Writes the results of a run beside its file, and puts all of it away.
fn ended(
    session: &Session,
    inbox: &Inbox,
    file: &Path,
    run: &str,
    outcome_first: bool,
) -> Result<SweptFile, AppError> {
    let mut journal = Journal::open(&session.state)?;
    let record = journal.run(Some(run))?;
    let mut settings = Settings::of(&record)?;
    settings.roster.file = file.to_owned();
    settings.roster.read.origin = Origin::Dropped;
    let mut paths = ResultPaths::beside(file);
    paths.outcome_first = outcome_first;
    let mut summary = report_again(&journal, &record, &settings, &paths, &session.journal_flag)?;
    let beside: Vec<PathBuf> = paths.all().into_iter().cloned().collect();
    let place = place_of(fate_of(&summary)).unwrap_or(Place::Failed);
    let moved = put(session, inbox, file, &beside, place)?;
    let to = |path: &PathBuf| {
        let from = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let moved = moved.iter().find(|(known, _)| *known == from);
        moved.map_or(path.clone(), |(_, to)| to.clone())
    };
    for path in [
        &mut summary.results,
        &mut summary.failed_rows,
        &mut summary.report,
        &mut summary.new_rows,
    ]
    .into_iter()
    .flatten()
    {
        *path = to(path);
    }
    if let Some((_, own)) = moved.last() {
        summary.file = own.display().to_string();
    }
    let json = to_json(&summary).map_err(AppError::from)?;
    let kept = record.settings.clone();
    journal.moved(record.id, &summary.file, &kept, &json)?;
    Ok(SweptFile::Ended(Box::new(summary)))
}

/// Puts a file away, with what was written beside it. Returns from where to where.
fn put(
    session: &Session,
    inbox: &Inbox,
    file: &Path,
    beside: &[PathBuf],
    place: Place,
) -> Result<Vec<(PathBuf, PathBuf)>, AppError> {
    let failed = |source| AppError::File {
        action: "put-away",
        path: file.to_owned(),
        source,
    };
    let today = today(session.clock.timestamp()).to_string();
    let _alone = inbox.alone().map_err(failed)?;
    let name = absolute(file).display().to_string();
    let moves = inbox.places(file, beside, place, &today).map_err(failed)?;
    inbox.put(&moves).map_err(failed)?;
    // Dropped again, it is another one.
    database_of(&session.state)?.change(|tables| {
        tables.execute(
            "UPDATE queued SET is_put_away = true WHERE file = $1",
            &[&name],
        )
    })?;
    Ok(moves.paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_grow_until_a_marker_says_that_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let lying = || Inbox::at(folder.path()).entries().unwrap().files;
        let write = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        assert!(!may_grow(&lying()));
        write("a.csv");
        assert!(may_grow(&lying()));
        write("a.csv.ready");
        assert!(!may_grow(&lying()));
        write("b.csv");
        assert!(may_grow(&lying()));
    }
}
