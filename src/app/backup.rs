//! Backups: copies of the state folder with the rosters that unfinished runs need.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::column_memory::COLUMNS;
use super::dropped::DROPPED;
use super::error::{Action, AppError};
use super::mends::MENDS;
use super::paths::leads_into;
use super::spool::{can_go_on, kept};
use crate::journal::{Journal, RunRecord, State, make_private_file, make_private_folder};
use crate::l10n::say;
use crate::model::hex;
use crate::run::Settings;

/// The contents of a backup.
#[derive(Debug, Default)]
pub struct BackedUp {
    pub runs: u64,
    /// The number of files besides the journal.
    pub files: u64,
    /// The name and roster path of each unfinished run whose roster could not be copied.
    pub without_roster: Vec<(String, PathBuf)>,
}

/// Copies the state atomically to the new folder `out`.
///
/// # Errors
/// Fails if the state is a database, there is no journal, `out` exists or lies in the state folder, or a file
/// cannot be copied.
pub fn back_up(state: &State, out: &Path) -> Result<BackedUp, AppError> {
    let shown = out.display().to_string();
    if leads_into(state.folder(), out) {
        return Err(AppError::Usage(say().backup_in_state(shown)));
    }
    if out.symlink_metadata().is_ok() {
        return Err(AppError::Usage(say().backup_exists(shown)));
    }
    let failed = Action::Write.failed(out);
    let whole = std::path::absolute(out).map_err(failed)?;
    let beside = whole.parent().unwrap_or(&whole);
    let partial = tempfile::Builder::new()
        .prefix(".rosterpatch-backup-")
        .tempdir_in(beside)
        .map_err(failed)?;
    let folder = partial.path().join("state");
    make_private_folder(&folder).map_err(failed)?;
    let runs = Journal::back_up(state, &folder)?;
    let copy = State::in_folder(&folder);
    let mut done = BackedUp {
        runs: runs.len() as u64,
        ..BackedUp::default()
    };
    for name in [DROPPED, MENDS, COLUMNS] {
        done.files += copy_folder(&state.folder().join(name), &folder.join(name))?;
    }
    for run in &runs {
        let Some(roster) = roster_of(run) else {
            continue;
        };
        let mut files = keep_roster(&copy, run, &roster)?;
        if files.is_none() {
            // The state was itself restored from a backup.
            files = keep_roster(&copy, run, &kept(state, &run.sha256, &roster))?;
        }
        match files {
            Some(files) => done.files += files,
            None => done.without_roster.push((run.name.clone(), roster)),
        }
    }
    std::fs::rename(&folder, &whole).map_err(failed)?;
    Ok(done)
}

/// Returns the roster that a run needs to resume, or `None` if the run cannot resume.
fn roster_of(run: &RunRecord) -> Option<PathBuf> {
    if !can_go_on(run) {
        return None;
    }
    let settings = Settings::of(run).ok()?;
    let file = settings.roster.file;
    // A sandbox ends with its process, and standard input cannot be read again.
    (!settings.sandbox && file != Path::new("-")).then_some(file)
}

/// Copies the roster of a run into a copied state unless it is already there. Returns the number of copied
/// files, or `None` if the roster has changed since the run read it.
fn keep_roster(copy: &State, run: &RunRecord, roster: &Path) -> Result<Option<u64>, AppError> {
    let to = kept(copy, &run.sha256, roster);
    if to.exists() {
        return Ok(Some(0));
    }
    let Ok(mut from) = crate::safe_fs::open_file(roster) else {
        return Ok(None);
    };
    let failed = Action::Write.failed(&to);
    make_private_folder(to.parent().unwrap_or(&to)).map_err(failed)?;
    let sha256 = copy_bytes(&mut from, &to).map_err(failed)?;
    if sha256 != run.sha256 {
        std::fs::remove_file(&to).map_err(failed)?;
        return Ok(None);
    }
    Ok(Some(1))
}

/// Copies a folder recursively. Returns the number of files.
fn copy_folder(from: &Path, to: &Path) -> Result<u64, AppError> {
    let read = Action::ReadFolder.failed(from);
    let entries = match std::fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(read)?,
    };
    make_private_folder(to).map_err(Action::Write.failed(to))?;
    let mut files = 0;
    for entry in entries {
        let entry = entry.map_err(read)?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(read)?;
        if kind.is_dir() {
            files += copy_folder(&path, &copy)?;
        } else if kind.is_file() {
            let mut file = match File::open(&path) {
                // A concurrent run removed the file when it ended.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(Action::Read.failed(&path))?,
            };
            copy_bytes(&mut file, &copy).map_err(Action::Write.failed(&copy))?;
            files += 1;
        }
    }
    Ok(files)
}

/// Copies a file to a new private file. Returns the SHA-256 digest of its content.
fn copy_bytes(from: &mut File, to: &Path) -> io::Result<String> {
    make_private_file(to)?;
    let mut copy = File::options().write(true).open(to)?;
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        sha256.update(&buffer[..length]);
        copy.write_all(&buffer[..length])?;
    }
    copy.sync_all()?;
    Ok(hex(&sha256.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, planned, roster};
    use crate::journal::{RunState, Stage, Writer};
    use crate::model::RowState;

    #[test]
    fn a_restored_state_without_the_roster_is_backed_up_with_its_copy() {
        let scene = Scene::new();
        let file = scene.write("r.csv", &roster(3));
        let settings = scene.settings("r.csv");
        let run = scene.run("first", RunState::Interrupted, &settings);
        let (first, second) = (scene.path("first"), scene.path("second"));
        back_up(&scene.session.state, &first).unwrap();
        std::fs::remove_file(&file).unwrap();
        let done = back_up(&State::in_folder(&first), &second).unwrap();
        assert_eq!((done.files, done.without_roster), (1, vec![]));
        assert!(kept(&State::in_folder(&second), &run.sha256, &file).is_file());
    }

    #[test]
    fn rows_that_a_run_may_still_send_are_in_doubt_in_its_backup() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(3));
        let settings = scene.settings("r.csv");
        let updated = Some(RowState::Updated);
        let [running, interrupted] = [RunState::Running, RunState::Interrupted].map(|state| {
            let run = scene.run(state.as_str(), RunState::Running, &settings);
            scene
                .journal()
                .begin_sending(run.id, "account", run.started_at)
                .unwrap();
            scene.rows(&run, &[updated, Some(RowState::NotSent), None]);
            scene.journal().set_state(run.id, state).unwrap();
            run
        });
        let over = scene.finished("over", 1, &settings);
        let out = scene.path("copy");
        let done = back_up(&scene.session.state, &out).unwrap();
        assert_eq!((done.runs, done.files), (3, 1));

        let mut copy = Journal::open(&State::in_folder(&out)).unwrap();
        for run in [&running, &interrupted] {
            copy.reopen(run.id).unwrap();
            let writer = Writer::start(copy, run.id, Stage::Planning).unwrap();
            writer.plan_blocking(vec![planned(4, None)]).unwrap();
            copy = writer.close().unwrap();
            let left = copy.calls_left(run.id, 0, 9).unwrap();
            let left = left
                .iter()
                .map(|call| (call.row, call.attempts, call.doubtful));
            assert_eq!(
                left.collect::<Vec<_>>(),
                [2, 3, 4].map(|row| (row, 1, true))
            );
        }
        assert_eq!(copy.states(over.id).unwrap().updated, 1);
        // The original journal is unchanged.
        let left = scene.journal().calls_left(running.id, 0, 9).unwrap();
        assert_eq!(left.iter().filter(|call| call.doubtful).count(), 0);
    }
}
