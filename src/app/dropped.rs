use std::path::{Path, PathBuf};

use super::error::AppError;
use crate::journal::{Journal, RosterLock, State, make_private_file, make_private_folder};
use crate::l10n::say;
use crate::model::hex;

/// The folder beside the journal of files that were handed in, and not named where they lie. Their results
/// lie beside them.
pub const DROPPED: &str = "dropped";

/// A file that was handed in.
#[derive(Debug)]
pub struct Dropped {
    /// Where it lies.
    pub path: PathBuf,
    /// What its bytes are written to.
    pub file: std::fs::File,
    /// As long as this is held, it is not forgotten.
    pub held: RosterLock,
}

/// A new file for its owner alone, in a folder of its own beside the journal, by the name that it was
/// handed in with.
///
/// # Errors
/// When it has no name, or there is no room for it.
pub fn dropped(state: &State, name: &str) -> Result<Dropped, AppError> {
    // A browser sends a name, and no path; whoever else may send anything.
    let name = Path::new(name).file_name().unwrap_or_default();
    if name.is_empty() {
        return Err(AppError::Usage(say().console_no_file()));
    }
    let folder = state
        .folder()
        .join(DROPPED)
        .join(hex(&rand::random::<[u8; 8]>()));
    let path = folder.join(name);
    let make = || {
        make_private_file(&path)?;
        std::fs::File::options().write(true).open(&path)
    };
    let failed = |source| AppError::File {
        action: "take",
        path: path.clone(),
        source,
    };
    make_private_folder(&folder).map_err(failed)?;
    let held = RosterLock::wait(state, &folder)?;
    let file = make().map_err(failed)?;
    Ok(Dropped { path, file, held })
}

/// Removes files that were handed in, that nobody is looking at and that no run of the journal goes by any
/// more, with what was written beside them.
///
/// # Errors
/// When the journal cannot be read, or a folder not be removed.
pub fn forget_dropped(state: &State) -> Result<(), AppError> {
    let place = state.folder().join(DROPPED);
    let Ok(folders) = std::fs::read_dir(&place) else {
        return Ok(());
    };
    let runs = Journal::open(state)?.runs()?;
    let place = place.canonicalize().unwrap_or(place);
    for folder in folders.flatten() {
        let folder = place.join(folder.file_name());
        let is_used = runs
            .iter()
            .any(|run| Path::new(&run.file).starts_with(&folder));
        if is_used {
            continue;
        }
        if let Some(_alone) = RosterLock::take_here(state, &folder)? {
            std::fs::remove_dir_all(&folder).map_err(|source| AppError::File {
                action: "put-away",
                path: folder.clone(),
                source,
            })?;
        }
    }
    Ok(())
}
