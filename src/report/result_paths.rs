//! The paths of a run's output files and their reservation.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::classes::Classes;
use super::error::ReportError;
use super::sheet_file::{MOST_ROWS, is_workbook};
use super::timeline::Timeline;
use super::whole_file::{Mark, Placing, WholeFile, numbered};
use crate::journal::{JournalError, RosterLock, State};
use crate::l10n::{number, say};
use crate::model::{Lines, StateCounts};
use crate::safe_fs::canonical;

/// The paths of a run's output files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultPaths {
    /// The results file, with every row and its outcome.
    pub results: PathBuf,
    /// The file with unsuccessful rows.
    pub failed: PathBuf,
    /// The HTML report.
    pub report: PathBuf,
    /// The roster with the replaced values.
    pub before: PathBuf,
    /// The file with rows whose record was not found. Empty for a run of an earlier version.
    #[serde(default)]
    pub new: PathBuf,
    /// Whether the failed file is written even if every row succeeded. Set if its path was given, so that an
    /// old file is not mistaken for this run's.
    pub failed_always: bool,
    /// Whether the result columns precede the roster's columns.
    #[serde(default)]
    pub outcome_first: bool,
    /// The paths that the user named. Existing files there are replaced.
    #[serde(default)]
    pub named: Vec<PathBuf>,
    /// The files that this run wrote, with their state at that time. They may be replaced too.
    #[serde(default)]
    pub own: Vec<(PathBuf, Mark)>,
}

impl ResultPaths {
    /// Returns paths beside `input`: `NAME.results.csv`, `NAME.failed.csv`, `NAME.report.html`,
    /// `NAME.before.csv` and `NAME.new.csv`. The first two are workbooks if the input is one. If a file
    /// exists, all paths get the same number, so that they stay together and no old file is lost. For
    /// standard input, the folder is the working folder.
    pub fn beside(input: &Path) -> ResultPaths {
        let (folder, name) = if input == Path::new("-") {
            (PathBuf::new(), "stdin".to_owned())
        } else {
            let folder = input.parent().unwrap_or(Path::new("")).to_owned();
            let stem = input.file_stem().unwrap_or_default();
            (folder, short(&stem.to_string_lossy()).to_owned())
        };
        let ending = input.extension().unwrap_or_default().to_ascii_lowercase();
        let is_workbook = ["xlsx", "xlsm", "xls", "ods"]
            .iter()
            .any(|one| *one == ending);
        let rows = if is_workbook { "xlsx" } else { "csv" };
        let numbered = |number: u32| {
            let suffix = if number == 1 {
                String::new()
            } else {
                format!("-{number}")
            };
            let path =
                |kind: &str, ending: &str| folder.join(format!("{name}.{kind}{suffix}.{ending}"));
            ResultPaths {
                results: path("results", rows),
                failed: path("failed", rows),
                outcome_first: false,
                report: path("report", "html"),
                before: path("before", "csv"),
                new: path("new", "csv"),
                failed_always: false,
                named: Vec::new(),
                own: Vec::new(),
            }
        };
        let free = |paths: &ResultPaths| !paths.all().into_iter().any(|path| path.exists());
        (1..u32::MAX)
            .map(numbered)
            .find(free)
            .unwrap_or_else(|| numbered(u32::MAX))
    }
}

impl ResultPaths {
    /// Returns all paths.
    pub fn all(&self) -> [&PathBuf; 5] {
        [
            &self.results,
            &self.failed,
            &self.report,
            &self.before,
            &self.new,
        ]
    }

    /// The same paths, mutable.
    pub fn all_mut(&mut self) -> [&mut PathBuf; 5] {
        [
            &mut self.results,
            &mut self.failed,
            &mut self.report,
            &mut self.before,
            &mut self.new,
        ]
    }

    /// Applies `change` to every path, including those in `named` and `own`.
    pub fn change_each(&mut self, mut change: impl FnMut(&mut PathBuf)) {
        for path in self.all_mut() {
            // A run of an earlier version has no path for new rows.
            if !path.as_os_str().is_empty() {
                change(path);
            }
        }
        self.named.iter_mut().for_each(&mut change);
        self.own.iter_mut().for_each(|(path, _)| change(path));
    }

    /// Returns whether an existing file at one of the paths is replaced.
    pub fn placing(&self, path: &Path) -> Placing {
        if self.named.iter().any(|named| named == path) {
            return Placing::Replace;
        }
        let own = self.own.iter().find(|(own, _)| own == path);
        Placing::Beside(own.map(|(_, mark)| mark.clone()))
    }

    /// Reserves the results' path for this process, with another number if the path is reserved or a file
    /// exists. The reservation is a lock in the state folder, so a killed process leaves no file behind.
    pub fn claim(&self, state: &State) -> Result<(ResultPaths, Option<Claim>), ReportError> {
        let mut take = |path: &Path| RosterLock::take_here(state, path);
        self.claim_by(&mut take)
    }

    /// Like `claim`. `take` locks a path, or returns `None` if another process has locked it.
    fn claim_by(
        &self,
        take: &mut dyn FnMut(&Path) -> Result<Option<RosterLock>, JournalError>,
    ) -> Result<(ResultPaths, Option<Claim>), ReportError> {
        if self.placing(&self.results) == Placing::Replace {
            return Ok((self.clone(), None));
        }
        let is_named = |path: &Path| self.named.iter().any(|named| named == path);
        for number in 1..MOST {
            let mut paths = self.clone();
            paths.change_each(|path| {
                if !is_named(path) {
                    *path = numbered(path, number);
                }
            });
            let is_taken = |path: &&PathBuf| !is_named(path) && path.symlink_metadata().is_ok();
            if paths.all().iter().any(is_taken) {
                continue;
            }
            let lock = take(&in_its_folder(&paths.results))?;
            // The previous holder of the lock may just have written its files.
            if let Some(lock) = lock.filter(|_| !paths.all().iter().any(is_taken)) {
                return Ok((paths, Some(Claim(lock))));
            }
        }
        Ok((self.clone(), None))
    }

    /// Returns whether the output files may be written during the whole run. Workbooks would stay in memory,
    /// readers of a stream expect a complete file, and a named temporary file would be left behind by a
    /// killed process.
    pub fn may_take_long(&self) -> bool {
        let is_file = |path: &Path| path.metadata().map_or(true, |there| there.is_file());
        let paths = [&self.results, &self.failed, &self.new].into_iter();
        let mut paths = paths.filter(|path| !path.as_os_str().is_empty());
        paths.all(|path| {
            let is_plain = !is_workbook(path) && path != Path::new("-") && is_file(path);
            is_plain && WholeFile::is_unnamed_at(path)
        })
    }

    /// Records the files that were written, with their paths.
    pub fn note_written(&mut self, written: &Written, report: &Path, before: Option<&Path>) {
        // Files that this run wrote when it was held or interrupted, and no longer needs, are removed.
        for (path, mark) in self.own.drain(..) {
            let is_left = (written.failed.is_none() && path == self.failed)
                || (written.new.is_none() && path == self.new);
            if is_left && Mark::of(&path) == Some(mark) {
                // A file that cannot be removed is harmless.
                let _ = std::fs::remove_file(&path);
            }
        }
        let places = [
            (Some(written.results.as_path()), &mut self.results),
            (written.failed.as_deref(), &mut self.failed),
            (Some(report), &mut self.report),
            (before, &mut self.before),
            (written.new.as_deref(), &mut self.new),
        ];
        for (place, path) in places {
            let Some(place) = place else {
                continue;
            };
            // A path that the user named stays as given, even if it is a link.
            if !self.named.contains(path) {
                *path = place.to_owned();
                let mark = Mark::of(place);
                self.own.extend(mark.map(|mark| (place.to_owned(), mark)));
            }
        }
    }

    /// Checks that all files can be written, before any row is sent.
    ///
    /// # Errors
    /// Fails if a file cannot be written, or is a workbook that cannot hold this number of rows.
    pub fn probe(&self, rows: u64) -> Result<(), ReportError> {
        for path in self.all() {
            if rows > MOST_ROWS && is_workbook(path) {
                let why = say().report_too_large(number(MOST_ROWS));
                return Err(ReportError::write(path)(std::io::Error::other(why)));
            }
            if !path.as_os_str().is_empty() {
                WholeFile::probe(path, self.placing(path))?;
            }
        }
        Ok(())
    }
}

/// The reservation of the results' path by this process.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "held until it is dropped")] RosterLock);

/// Returns an absolute path with a canonical folder, so that all processes lock the same path. The file need
/// not exist.
fn in_its_folder(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| canonical(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// The maximum number that is tried for a free name.
const MOST: u32 = 100_000;

/// The maximum length of a base name in bytes, so that suffixes fit into the 255 bytes of common file
/// systems.
const NAME: usize = 200;

/// Truncates a base name that is too long for a suffix.
fn short(name: &str) -> &str {
    let mut end = name.len().min(NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// The result of writing the output files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The rows by state, counted while writing.
    pub states: StateCounts,
    /// The spreadsheet row number of each row.
    pub lines: Lines,
    /// The times at which sent rows ended.
    pub timeline: Timeline,
    /// The rows by class.
    pub classes: Classes,
    /// The path of the results file.
    pub results: PathBuf,
    /// The file with unsuccessful rows, if there were any.
    pub failed: Option<PathBuf>,
    /// The file with rows whose record was not found, if there were any.
    pub new: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_rows_for_a_workbook_are_refused_before_sending() {
        let folder = tempfile::tempdir().unwrap();
        let of_csv = ResultPaths::beside(&folder.path().join("r.csv"));
        let of_workbook = ResultPaths::beside(&folder.path().join("r.xlsx"));
        assert!(of_workbook.probe(MOST_ROWS).is_ok());
        assert!(of_workbook.probe(MOST_ROWS + 1).is_err());
        assert!(of_csv.probe(MOST_ROWS + 1).is_ok());
    }

    #[test]
    fn files_written_by_the_previous_holder_of_a_name_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(&folder.path().join("state"));
        let paths = ResultPaths::beside(&folder.path().join("r.csv"));
        let mut first = true;
        let mut take = |path: &Path| {
            // Another run ends between the check of the path and its lock.
            if std::mem::take(&mut first) {
                std::fs::write(&paths.report, "another run's").unwrap();
            }
            RosterLock::take_here(&state, path)
        };
        let (claimed, claim) = paths.claim_by(&mut take).unwrap();
        assert!(claim.is_some());
        assert_eq!(claimed.report, folder.path().join("r.report-2.html"));
    }

    #[test]
    fn all_paths_get_a_number_if_an_old_file_exists() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("elever.v2.csv");
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let first = ResultPaths::beside(&input);
        assert_eq!(name(&first.results), "elever.v2.results.csv");
        assert_eq!(name(&first.report), "elever.v2.report.html");
        std::fs::write(&first.failed, "").unwrap();
        let second = ResultPaths::beside(&input);
        assert_eq!(name(&second.results), "elever.v2.results-2.csv");
        assert_eq!(name(&second.failed), "elever.v2.failed-2.csv");
    }
}
