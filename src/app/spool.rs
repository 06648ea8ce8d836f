//! Local copies of rosters from the database or a backup.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::{Action, AppError};
use crate::journal::{CopyLock, Journal, RunRecord, State, make_private_folder};
use crate::log;
use crate::model::{Code, Fact};
use crate::read::Origin;
use crate::run::{Prepared, RunError, Settings};
use crate::safe_fs::for_system;

/// The local folder for files copied from the database.
const SPOOL: &str = "spool";

/// The suffix of copies for viewing, which batches do not use.
const SEEN: &str = "seen";

/// The suffix of copies from a backup.
const KEPT: &str = "kept";

/// Copies a file from the database to this machine under its own name. `own` is the suffix of the folder.
///
/// # Errors
/// Fails if the database cannot be read or has no copy of the file.
pub fn spool(state: &State, sha256: &str, file: &str, own: &str) -> Result<PathBuf, AppError> {
    let path = spooled(state, sha256, file, own);
    let folder = path.parent().unwrap_or(state.folder());
    if path.is_file() {
        return Ok(path);
    }
    let content = Journal::open(state)?.roster(sha256)?;
    let file = file.to_owned();
    let content = content.ok_or(AppError::RosterGone { file })?;
    let failed = Action::Write.failed(&path);
    make_private_folder(folder).map_err(failed)?;
    let mut whole =
        tempfile::NamedTempFile::new_in(for_system(folder).map_err(failed)?).map_err(failed)?;
    whole.write_all(&content).map_err(failed)?;
    whole.as_file().sync_all().map_err(failed)?;
    let place = for_system(&path).map_err(failed)?;
    whole.persist(place).map_err(|error| failed(error.error))?;
    Ok(path)
}

/// Returns the local path for a file copied from the database.
pub fn spooled(state: &State, sha256: &str, file: &str, own: &str) -> PathBuf {
    let name = Path::new(file).file_name().unwrap_or_default();
    let content = shortened(sha256);
    let folder = state.folder().join(SPOOL).join(format!("{content}-{own}"));
    folder.join(name)
}

fn shortened(sha256: &str) -> &str {
    sha256.get(..32).unwrap_or(sha256)
}

/// Returns the path at which a backup stores the roster of a run.
pub(super) fn kept(state: &State, sha256: &str, file: &Path) -> PathBuf {
    spooled(state, sha256, &file.display().to_string(), KEPT)
}

/// Returns whether a resumable run needs the backup copy in the folder with this name.
fn is_kept_for(runs: &[RunRecord], folder: &str) -> bool {
    let of = |run: &RunRecord| folder == format!("{}-{KEPT}", shortened(&run.sha256));
    runs.iter().any(|run| can_go_on(run) && of(run))
}

/// Returns whether a run can still continue.
pub(super) fn can_go_on(run: &RunRecord) -> bool {
    !run.state.is_over()
}

/// Makes the roster of a run available on this machine and points `settings` to it. Returns the original path
/// if a copy from the database or a backup is used.
///
/// # Errors
/// Fails if the database cannot be read or has no copy of the file.
pub fn at_hand(
    state: &State,
    run: &RunRecord,
    settings: &mut Settings,
) -> Result<Option<PathBuf>, AppError> {
    let is_here = settings.queued.is_none() && settings.roster.file.is_file();
    if is_here || run.file == "-" {
        return Ok(None);
    }
    let original = PathBuf::from(&run.file);
    if state.database().is_none() {
        let copy = kept(state, &run.sha256, &settings.roster.file);
        if !copy.is_file() {
            return Ok(None);
        }
        settings.roster.file = copy;
        // The original is not in an inbox of this machine, so nothing is archived.
        settings.inbox = None;
    } else {
        settings.roster.file = match spool(state, &run.sha256, &run.file, SEEN) {
            // The database copy was removed because it contained rows about protected persons.
            Err(AppError::RosterGone { .. }) if original.is_file() => {
                settings.roster.file = original;
                return Ok(None);
            }
            copy => copy?,
        };
    }
    settings.roster.read.origin = Origin::Named;
    Ok(Some(original))
}

/// Stores a roster in the database, if the journal is one, so that every machine can read it.
pub(super) fn keep(state: &State, prepared: &Prepared) -> Result<(), AppError> {
    let file = prepared.input.path();
    if state.database().is_none() || file == Path::new("-") {
        return Ok(());
    }
    let input = &prepared.input;
    let sha256 = input.sha256().map_err(RunError::from)?;
    let journal = Journal::open(state)?;
    Ok(journal.keep_roster(sha256, &mut || {
        input.content().map_err(std::io::Error::other)
    })?)
}

/// Removes the copies of a roster of an ended run with rows about protected persons: in the database, and
/// local copies for viewing or from a backup.
pub fn forget_copies(state: &State, sha256: &str, file: &str) -> Result<(), AppError> {
    let journal = Journal::open(state)?;
    if journal.forget_roster(sha256)? {
        log::warn(&Fact::new(Code::RunRosterRemoved).at_path(Path::new(file)));
    }
    forget_dead_copies(state)?;
    forget_spooled(&spooled(state, sha256, file, SEEN));
    let copy = kept(state, sha256, Path::new(file));
    let folder = copy.parent().and_then(Path::file_name).unwrap_or_default();
    let folder = folder.to_string_lossy();
    if copy.is_file() && !is_kept_for(&journal.runs()?, &folder) {
        forget_spooled(&copy);
    }
    Ok(())
}

/// The folders of copies with their names.
fn spooled_folders(state: &State) -> impl Iterator<Item = (PathBuf, String)> {
    let folders = std::fs::read_dir(state.folder().join(SPOOL));
    let folders = folders.into_iter().flatten().flatten();
    folders.map(|folder| {
        let name = folder.file_name().to_string_lossy().into_owned();
        (folder.path(), name)
    })
}

/// Removes copies for viewing, backup copies that no unfinished run needs, and copies left by ended
/// processes. The file of a batch in progress is kept.
pub fn forget_spool(state: &State) -> Result<(), AppError> {
    let runs = Journal::open(state)?.runs()?;
    forget_dead_copies(state)?;
    for (path, name) in spooled_folders(state) {
        if name.ends_with(SEEN) || name.ends_with(KEPT) && !is_kept_for(&runs, &name) {
            // If the removal fails, the next call tries again.
            let _ = std::fs::remove_dir_all(path);
        }
    }
    Ok(())
}

/// Removes the copies of batches whose process ended before it removed them.
pub fn forget_dead_copies(state: &State) -> Result<(), AppError> {
    for (path, name) in spooled_folders(state) {
        let process = name.rsplit('-').next().and_then(|id| id.parse().ok());
        let Some(process) = process else {
            continue;
        };
        if let Some(_lock) = CopyLock::take(state, process)? {
            // If the removal fails, the next call tries again.
            let _ = std::fs::remove_dir_all(path);
        }
    }
    Ok(())
}

/// Removes a copy and its folder.
pub fn forget_spooled(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = std::fs::remove_dir_all(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ready::ready;
    use crate::app::tests::{Scene, roster, wanted};
    use crate::journal::RunState;

    #[test]
    fn copies_are_separated_by_batch_and_content() {
        let scene = Scene::new();
        let state = &scene.session.state;
        let at = |sha256: &str, own: &str| spooled(state, sha256, "/school/r.csv", own);
        let (one, other) = ("a".repeat(64), "b".repeat(64));
        let path = at(&one, "1-2");
        assert_eq!(path.file_name().unwrap(), "r.csv");
        assert!(path.starts_with(state.folder().join(SPOOL)));
        assert_ne!(path, at(&other, "1-2"));
        assert_ne!(path, at(&one, "2-2"));
        // Digests shorter than usual are also kept apart and stay inside the folder.
        assert!(at("abc", "1").starts_with(state.folder().join(SPOOL)));
    }

    #[test]
    fn copies_for_viewing_are_removed_while_copies_in_use_are_kept() {
        let scene = Scene::new();
        let state = &scene.session.state;
        let put = |own: &str| {
            let path = spooled(state, "abc", "r.csv", own);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "id").unwrap();
            path
        };
        let (seen, at_work, dead) = (put(SEEN), put("7-1"), put("7-2"));
        let lock = CopyLock::share(state, 1).unwrap();
        assert_eq!(spool(state, "abc", "r.csv", SEEN).unwrap(), seen);
        forget_spool(state).unwrap();
        assert!(!seen.exists() && at_work.exists() && !dead.exists());
        // A journal in a folder stores no copies, so the missing file is an error.
        assert!(spool(state, "abc", "r.csv", SEEN).is_err());
        drop(lock);
        forget_dead_copies(state).unwrap();
        assert!(!at_work.parent().unwrap().exists());
    }

    #[test]
    fn a_folder_journal_stores_no_copies_of_rosters() {
        let scene = Scene::new();
        let file = scene.write("r.csv", &roster(1));
        let mut settings = scene.settings("r.csv");
        let run = scene.run("first", RunState::Finished, &settings);
        std::fs::remove_file(&file).unwrap();
        let from = at_hand(&scene.session.state, &run, &mut settings).unwrap();
        assert_eq!((from, settings.roster.file), (None, file));
        scene.write("r.csv", &roster(1));
        let ready = ready(&scene.session, wanted(scene.settings("r.csv"))).unwrap();
        keep(&scene.session.state, &ready.prepared).unwrap();
    }

    #[test]
    fn a_backup_copy_replaces_a_missing_roster_until_no_run_needs_it() {
        let scene = Scene::new();
        let state = &scene.session.state;
        let file = scene.write("r.csv", &roster(1));
        let mut settings = scene.settings("r.csv");
        settings.inbox = Some(scene.path("in"));
        let run = scene.run("first", RunState::Interrupted, &settings);
        let copy = kept(state, &run.sha256, &file);
        let of_none = kept(state, &"0".repeat(64), &file);
        for path in [&copy, &of_none] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::copy(&file, path).unwrap();
        }
        // The original is preferred to the copy.
        assert_eq!(at_hand(state, &run, &mut settings).unwrap(), None);
        std::fs::remove_file(&file).unwrap();
        let from = at_hand(state, &run, &mut settings).unwrap();
        assert_eq!(from, Some(file));
        assert_eq!((settings.roster.file, settings.inbox), (copy.clone(), None));
        forget_spool(state).unwrap();
        assert!(copy.exists() && !of_none.exists());
        let sha256 = run.sha256.clone();
        let name = copy.display().to_string();
        forget_copies(state, &sha256, &name).unwrap();
        assert!(copy.exists());
        let end = || {
            let ended = scene.journal().set_state(run.id, RunState::Finished);
            ended.unwrap();
        };
        end();
        forget_copies(state, &sha256, &name).unwrap();
        assert!(!copy.exists());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(&copy, "id").unwrap();
        forget_spool(state).unwrap();
        assert!(!copy.exists());
    }
}
