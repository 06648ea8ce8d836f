use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::AppError;
use crate::journal::{Journal, RunRecord, State, make_private_folder};
use crate::l10n::say;
use crate::read::Origin;
use crate::run::{Prepared, RunError, Settings};

/// The folder, below this machine's own, for files that came from the database.
const SPOOL: &str = "spool";

/// What tells those that are looked at, and that a slice is not at work on.
const SEEN: &str = "seen";

/// Puts a file that the database keeps onto this machine, below its own folder, by its name; `own` tells
/// those apart who forget it by themselves.
///
/// # Errors
/// When the database cannot be read, or no longer has the file.
pub fn spool(state: &State, sha256: &str, file: &str, own: &str) -> Result<PathBuf, AppError> {
    let path = spooled(state, sha256, file, own);
    let folder = path.parent().unwrap_or(state.folder());
    if path.is_file() {
        return Ok(path);
    }
    let content = Journal::open(state)?.roster(sha256)?;
    let content = content.ok_or_else(|| AppError::Front(say().fleet_roster_gone(file)))?;
    let failed = |source| AppError::File {
        action: "write",
        path: path.clone(),
        source,
    };
    make_private_folder(folder).map_err(failed)?;
    let mut whole = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    whole.write_all(&content).map_err(failed)?;
    whole.as_file().sync_all().map_err(failed)?;
    whole.persist(&path).map_err(|error| failed(error.error))?;
    Ok(path)
}

/// Where a file that came from the database lies on this machine.
pub fn spooled(state: &State, sha256: &str, file: &str, own: &str) -> PathBuf {
    let name = Path::new(file).file_name().unwrap_or_default();
    let content = sha256.get(..32).unwrap_or(sha256);
    let folder = state.folder().join(SPOOL).join(format!("{content}-{own}"));
    folder.join(name)
}

/// Has the file of a run that another machine may have made lie on this one, and its settings lead to it.
/// Returns the name that it had where it came from, where it came from the database.
///
/// # Errors
/// When the database cannot be read, or no longer has the file.
pub fn at_hand(
    state: &State,
    run: &RunRecord,
    settings: &mut Settings,
) -> Result<Option<PathBuf>, AppError> {
    let is_here = settings.queued.is_none() && settings.roster.file.is_file();
    if state.database().is_none() || is_here || run.file == "-" {
        return Ok(None);
    }
    settings.roster.file = spool(state, &run.sha256, &run.file, SEEN)?;
    settings.roster.read.origin = Origin::Named;
    Ok(Some(PathBuf::from(&run.file)))
}

/// Keeps a file in the database, where the journal lies in one, so that every machine has it.
///
/// # Errors
/// When the file can no longer be read, or the database refuses.
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

/// Forgets what came from the database to be looked at; what a slice is at work on stays.
pub fn forget_spool(state: &State) {
    let folders = std::fs::read_dir(state.folder().join(SPOOL))
        .into_iter()
        .flatten();
    for folder in folders.flatten() {
        if folder.file_name().to_string_lossy().ends_with(SEEN) {
            // Where it cannot be removed now, it is the next time.
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

/// Forgets one file that came from the database.
pub fn forget_spooled(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = std::fs::remove_dir_all(folder);
    }
}
