//! Uploaded files, which are stored beside the journal until no run needs them.

use std::path::{Path, PathBuf};

use super::error::{Action, AppError};
use super::runs::figures_of;
use super::spool::forget_copies;
use crate::journal::{
    Journal, RosterLock, RunState, State, make_private_file, make_private_folder,
};
use crate::l10n::say;
use crate::log;
use crate::model::{Code, Fact, hex};
use crate::safe_fs::canonical;

/// The folder beside the journal for uploaded files and their results.
pub const DROPPED: &str = "dropped";

/// An uploaded file.
#[derive(Debug)]
pub struct Dropped {
    pub path: PathBuf,
    /// The open file, to which the content is written.
    pub file: std::fs::File,
    /// Prevents the removal of the file while it is held.
    pub held: RosterLock,
}

/// Creates a private file with the uploaded name, in a new folder beside the journal.
///
/// # Errors
/// Fails if the name is empty or the file cannot be created.
pub fn dropped(state: &State, name: &str) -> Result<Dropped, AppError> {
    // A browser sends a name without a path; other clients may send anything.
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
    let failed = Action::StoreUpload.failed(&path);
    make_private_folder(&folder).map_err(failed)?;
    let held = RosterLock::wait(state, &folder)?;
    let file = make().map_err(failed)?;
    Ok(Dropped { path, file, held })
}

/// Removes an uploaded file with rows about protected persons once its run has ended. Its output files
/// remain; those rows are empty in them. Files outside the upload folder are kept.
pub(super) fn forget_protected(state: &State, file: &Path) -> Result<(), AppError> {
    if is_dropped(state, file) && file.is_file() {
        std::fs::remove_file(file).map_err(Action::Remove.failed(file))?;
        log::warn(&Fact::new(Code::RunRosterRemoved).at_path(file));
    }
    Ok(())
}

/// Returns whether a file is in the upload folder.
pub fn is_dropped(state: &State, file: &Path) -> bool {
    let place = state.folder().join(DROPPED);
    let place = canonical(&place).unwrap_or(place);
    let file = canonical(file).unwrap_or_else(|_| file.to_owned());
    file.starts_with(&place) || file.starts_with(state.folder().join(DROPPED))
}

/// Removes uploaded files, with their results, that no process has open and no run in the journal refers to.
pub fn forget_dropped(state: &State) -> Result<(), AppError> {
    let runs = Journal::open(state)?.runs()?;
    // A process that was killed after its run did not remove them.
    for run in runs.iter().filter(|run| run.state == RunState::Finished) {
        if figures_of(run).is_ok_and(|summary| summary.states.withheld > 0) {
            forget_protected(state, Path::new(&run.file))?;
            forget_copies(state, &run.sha256, &run.file)?;
        }
    }
    let place = state.folder().join(DROPPED);
    let Ok(folders) = std::fs::read_dir(&place) else {
        return Ok(());
    };
    let place = canonical(&place).unwrap_or(place);
    for folder in folders.flatten() {
        let folder = place.join(folder.file_name());
        let is_used = runs
            .iter()
            .any(|run| Path::new(&run.file).starts_with(&folder));
        if is_used {
            continue;
        }
        if let Some(_alone) = RosterLock::take_here(state, &folder)? {
            std::fs::remove_dir_all(&folder).map_err(Action::Remove.failed(&folder))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::app::tests::Scene;
    use crate::journal::RunState;

    #[test]
    fn an_uploaded_file_is_kept_while_it_is_open_or_a_run_refers_to_it() {
        let scene = Scene::new();
        let state = &scene.session.state;
        let put = |name: &str| {
            let mut dropped = dropped(state, name).unwrap();
            dropped.file.write_all(b"id,name\n1,Bo\n").unwrap();
            dropped
        };
        let (looked_at, of_run, left) = (put("a.csv"), put("b.csv"), put("../../c.csv"));
        // Path components of an uploaded name are discarded.
        assert!(left.path.starts_with(state.folder().join(DROPPED)));
        assert_eq!(left.path.file_name().unwrap(), "c.csv");
        let mut settings = scene.settings("r.csv");
        settings.roster.file = of_run.path.clone();
        scene.run("first", RunState::Finished, &settings);
        let paths = [&looked_at.path, &of_run.path, &left.path].map(Clone::clone);
        drop((of_run, left));
        forget_dropped(state).unwrap();
        assert_eq!(paths.map(|path| path.exists()), [true, true, false]);
        drop(looked_at);
        for nameless in ["", "..", "/"] {
            assert!(dropped(state, nameless).is_err());
        }
    }

    #[test]
    fn an_upload_that_cannot_be_stored_names_the_upload_and_its_path() {
        let scene = Scene::new();
        let state = &scene.session.state;
        std::fs::create_dir_all(state.folder()).unwrap();
        std::fs::write(state.folder().join(DROPPED), "no folder").unwrap();
        let error = dropped(state, "a.csv").unwrap_err().to_string();
        assert!(
            error.starts_with("cannot store the uploaded file as /"),
            "{error}"
        );
        assert!(error.ends_with("/a.csv"), "{error}");
    }
}
