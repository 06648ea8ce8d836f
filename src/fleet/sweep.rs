//! Sweeps that add inbox files to the shared queue and archive completed ones.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::queue::{database_of, enqueue, why_of};
use super::swept::{QueueDesk, SweptFile};
use crate::app::{
    Action, AppError, Arrivals, Awaited, Session, SweepOptions, Swept, archive_failed,
    archive_file, fate_of, not_processed, place_of, report_again, set_aside, wait, worse,
};
use crate::inbox::{ArchiveFolder, Entries, Inbox, Lying, stamp_of};
use crate::journal::{Fate, Journal, JournalError, RunState, cell};
use crate::model::{Code, Exit, Fact, hex};
use crate::read::{Origin, content_of};
use crate::report::ResultPaths;
use crate::run::{AuditEntry, RunError, Settings, absolute, to_json};

/// The queue entry of a file.
struct Known {
    state: String,
    run: Option<String>,
    why: Option<Fact>,
}

/// Adds the files in a folder to the queue, including those that arrive in the meantime, and archives files
/// with their results after their runs have ended.
///
/// # Errors
/// Fails if the folder cannot be read or written to, or the database cannot be used.
pub fn sweep_into_queue(
    session: &Session,
    options: &SweepOptions,
    desk: &QueueDesk<'_>,
) -> Result<Swept, AppError> {
    database_of(&session.state)?;
    let mut sweep = QueueSweep {
        session,
        options,
        desk,
        inbox: Inbox::at(&options.folder),
        arrivals: Arrivals::read(session, &options.folder)?,
        settled: HashSet::new(),
        worst: None,
    };
    let mut waited_for = Awaited::default();
    loop {
        sweep.settle()?;
        let has_more = sweep.take(&mut waited_for)?;
        if !has_more || session.stop.is_asked() {
            break;
        }
    }
    let notifications = (desk.notifications_of)("");
    if notifications.metrics.is_some() {
        notifications.lying(session, &options.folder, &sweep.arrivals.lying()?);
    }
    Ok(Swept {
        exit: sweep.worst.unwrap_or(Exit::Success),
        tally: sweep.arrivals.take_tally().0,
    })
}

struct QueueSweep<'a> {
    session: &'a Session,
    options: &'a SweepOptions,
    desk: &'a QueueDesk<'a>,
    inbox: Inbox,
    arrivals: Arrivals<'a>,
    /// The files of `processing` that this sweep has checked, by path and stamp.
    settled: HashSet<(PathBuf, String)>,
    /// The worst exit code so far.
    worst: Option<Exit>,
}

impl QueueSweep<'_> {
    /// Claims unchanged files, oldest first. Returns whether the folder has to be read again.
    fn take(&mut self, waited_for: &mut Awaited) -> Result<bool, AppError> {
        let failed = Action::ReadFolder.failed(&self.options.folder);
        let seen = self.inbox.entries().map_err(&failed)?;
        let is_news = waited_for.add(&seen);
        if is_news && may_grow(&seen.files) {
            wait(self.options.settle, &self.session.stop);
        }
        let Entries { files: now, others } = self.inbox.entries().map_err(&failed)?;
        self.arrivals.refresh()?;
        for other in others {
            let why = not_processed(&other.why);
            self.stays((&other.name, &other.stamp), other.is_roster, &why)?;
        }
        let unchanged = now
            .iter()
            .filter(|(name, lying)| seen.files.get(*name) == Some(*lying));
        let mut oldest_first: Vec<_> = unchanged.collect();
        oldest_first.sort_by_key(|(name, lying)| (lying.modified(), *name));
        let mut has_taken = false;
        for (name, lying) in oldest_first {
            let file = (name.as_str(), &*lying.stamp());
            if let Err(error) = (self.desk.profile_of)(name) {
                self.stays(file, true, &error.fact())?;
                continue;
            }
            match self.inbox.claim(name, lying) {
                Ok(taken) => has_taken |= taken.is_some(),
                Err(why) => self.stays(file, true, &not_processed(&why))?,
            }
        }
        self.arrivals.forget_gone()?;
        Ok(has_taken || is_news)
    }

    /// Reports an entry that stays in the folder, once. If it looks like a roster, the exit code is that of a
    /// failed row.
    fn stays(
        &mut self,
        (name, stamp): (&str, &str),
        is_roster: bool,
        why: &Fact,
    ) -> Result<(), AppError> {
        let exit = is_roster.then_some(Exit::RowsFailed);
        self.worst = worse(self.worst, exit);
        if self.arrivals.stays(name, stamp, why)? {
            (self.desk.told)(name, &SweptFile::Failed(why.clone()));
            if let Some(exit) = exit {
                self.notify(name, &self.options.folder.join(name), exit, why);
            }
        }
        Ok(())
    }

    fn notify(&self, name: &str, file: &Path, exit: Exit, why: &Fact) {
        let notifications = (self.desk.notifications_of)(name);
        let inbox = Some(self.options.folder.as_path());
        notifications.not_imported(self.session, file, inbox, exit, why);
    }

    /// Adds claimed files to the queue, and archives those whose runs have ended.
    fn settle(&mut self) -> Result<(), AppError> {
        let taken = self
            .inbox
            .taken()
            .map_err(Action::ReadFolder.failed(&self.options.folder))?;
        for entry in &taken.others {
            let why = set_aside(entry);
            let known = (entry.name.as_str(), entry.stamp.as_str());
            let exit = Exit::RowsFailed;
            self.arrivals
                .ended(known, Fate::Failed, &entry.path, None, Some(&why))?;
            self.notify(&entry.name, &entry.path, exit, &why);
            (self.desk.told)(&entry.name, &SweptFile::Failed(why));
            self.worst = worse(self.worst, Some(exit));
        }
        for file in taken.files {
            if self.session.stop.is_asked() {
                break;
            }
            let stamp = stamp_of(&file);
            if !self.settled.insert((file.clone(), stamp.clone())) {
                continue;
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let swept = self.one(&file, (&name, &stamp)).unwrap_or_else(|error| {
                // An invalid file is moved aside. An error of one file does not stop the others.
                match error.is_of_file() {
                    true => self.put_aside(&file, &name, error.fact(), Some(error.exit())),
                    false => SweptFile::Failed(error.fact()),
                }
            });
            let exit = match &swept {
                SweptFile::Ended(summary) => Some(summary.exit_code),
                SweptFile::Held { .. } => Some(Exit::Held),
                SweptFile::Failed(_) => Some(Exit::CannotDo),
                SweptFile::Enqueued(_) | SweptFile::Waiting => None,
            };
            self.worst = worse(self.worst, exit);
            record(&mut self.arrivals, (&name, &stamp), &file, &swept)?;
            (self.desk.told)(&name, &swept);
        }
        Ok(())
    }

    fn one(&self, file: &Path, (name, stamp): (&str, &str)) -> Result<SweptFile, AppError> {
        let (session, inbox) = (self.session, &self.inbox);
        let profile = (self.desk.profile_of)(name)?;
        let Some(known) = known(session, file)? else {
            let is_meant = self.options.again || self.options.fresh;
            if self.arrivals.is_older(name, stamp) && !is_meant {
                return Err(AppError::Older);
            }
            let entry = AuditEntry::of(&session.author, "sweep", session.clock.timestamp());
            let dropped = (file, Origin::Dropped);
            let enqueued = enqueue(&session.state, dropped, profile.as_deref(), &entry)?;
            return Ok(SweptFile::Enqueued(enqueued.id));
        };
        let why = known.why.unwrap_or(Fact::new(Code::QueueUnknown));
        match (known.state.as_str(), known.run) {
            ("waiting" | "running", _) => Ok(SweptFile::Waiting),
            // The worker has sent the notification.
            ("failed", _) => Ok(self.put_aside(file, name, why, None)),
            (_, Some(run)) if is_in(session, &run, RunState::Undone)? => {
                let file_name = absolute(file).display().to_string();
                let error = RunError::Undone {
                    run,
                    file: file_name,
                };
                Err(error.into())
            }
            (_, Some(run)) if is_in(session, &run, RunState::Declined)? => {
                Ok(self.put_aside(file, name, Fact::new(Code::WhyDeclined), None))
            }
            ("finished", Some(run)) => ended(session, inbox, file, &run, self.desk.outcome_first),
            (_, run) => Ok(SweptFile::Held {
                run: run.unwrap_or_default(),
                why,
            }),
        }
    }

    /// Moves a file that is not imported to `failed`, and sends a notification with this exit code.
    fn put_aside(&self, file: &Path, name: &str, why: Fact, exit: Option<Exit>) -> SweptFile {
        match put_aside(self.session, &self.inbox, file, &why) {
            Ok(moved) => {
                if let Some(exit) = exit {
                    self.notify(name, moved.path().unwrap_or(file), exit, &moved);
                }
                SweptFile::Failed(moved)
            }
            Err(trouble) => {
                (self.desk.told)(name, &SweptFile::Failed(why));
                SweptFile::Failed(trouble.fact())
            }
        }
    }
}

/// Returns whether any of these files may still be written to, because it has no marker.
fn may_grow(files: &HashMap<String, Lying>) -> bool {
    files.values().any(|lying| !lying.ready)
}

/// Records the fate of a file, if known.
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

/// Archives a file that is not imported in `failed`. Returns the reason with the new path.
fn put_aside(session: &Session, inbox: &Inbox, file: &Path, why: &Fact) -> Result<Fact, AppError> {
    let to = archive_failed(session, inbox, file, why)?;
    mark_archived(session, file)?;
    Ok(why.clone().at_path(&to))
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
                state: cell(&row, 0)?,
                run: cell(&row, 1)?,
                why: why_of(cell(&row, 2)?),
            })
        };
        row.map(known).transpose()
    })?)
}

/// Writes the results of a run beside its file and archives all of them.
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
    let place = place_of(fate_of(&summary)).unwrap_or(ArchiveFolder::Failed);
    let moved = archive_file(session, inbox, file, &beside, place)?;
    mark_archived(session, file)?;
    summary.paths_mut().for_each(|path| *path = moved.to(path));
    summary.file = moved.own().1.display().to_string();
    let json = to_json(&summary).map_err(AppError::from)?;
    let kept = record.settings.clone();
    journal.moved(record.id, &summary.file, &kept, &json)?;
    Ok(SweptFile::Ended(Box::new(summary)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_grow_unless_a_ready_marker_exists() {
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
