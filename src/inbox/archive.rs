//! The archive of an inbox: one folder per outcome.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::folder::{FAILED, Inbox, PROCESSING, own_folder};
use super::index::{self, Archived, Index, is_index};
use super::names::{numbered_name, short};
use crate::safe_fs::{FileKind, Folder};

/// The folder to which a processed file moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFolder {
    /// Every row succeeded, or the file had been imported before.
    Done,
    /// Some rows succeeded.
    Partial,
    /// No row was sent.
    Failed,
    /// A guard holds the run.
    Held,
}

/// A planned move of a file and its output files.
#[derive(Debug)]
pub struct Moves {
    from: Folder,
    to: Folder,
    /// Whether the destination is a date folder.
    is_dated: bool,
    /// The file's own paths, before and after the move.
    own: (PathBuf, PathBuf),
    /// Absolute source and destination paths. The file itself is last.
    pub paths: Vec<(PathBuf, PathBuf)>,
}

impl Moves {
    /// The file's path before and after the move.
    pub fn own(&self) -> (&Path, &Path) {
        (&self.own.0, &self.own.1)
    }

    /// The path of an output file after the move. A file that is not written yet follows the roster.
    pub fn to(&self, path: &Path) -> PathBuf {
        let from = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if let Some((_, to)) = self.paths.iter().find(|(known, _)| *known == from) {
            return to.clone();
        }
        let (own, new) = self.own();
        match (from.file_name(), new.parent()) {
            (Some(name), Some(new)) if from.parent() == own.parent() => new.join(name),
            _ => path.to_owned(),
        }
    }
}

/// The result of [`Inbox::expire`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub files: u64,
    /// Files from other programs. They are kept, and each is reported once.
    pub foreign: Vec<PathBuf>,
}

impl Inbox {
    /// Plans the move of a claimed or held file with its output files. If a name is taken at the destination,
    /// all files get the same number. `date` is the name of the date folder.
    pub fn places(
        &self,
        file: &Path,
        beside: &[PathBuf],
        place: ArchiveFolder,
        date: &str,
    ) -> io::Result<Moves> {
        let root = self.open()?;
        let to = match place {
            ArchiveFolder::Done => root.private("done")?.private(date)?,
            ArchiveFolder::Partial => root.private("partial")?.private(date)?,
            ArchiveFolder::Failed => root.private(FAILED)?.private(date)?,
            ArchiveFolder::Held => root.private("held")?,
        };
        let file = std::path::absolute(file)?;
        let folder = file.parent().unwrap_or(&file);
        let from = Folder::open(folder)?;
        let own = name_of(&file);
        let mut names: Vec<String> = Vec::new();
        for path in beside {
            if std::path::absolute(path)?.parent() == Some(folder) {
                names.push(name_of(path));
            }
        }
        if own_folder(&file).is_some() {
            let inside = from.names()?.into_iter();
            names.extend(inside.filter_map(|name| name.into_string().ok()));
        }
        let mut all = Vec::new();
        for name in names {
            let is_file = from
                .look(&name)?
                .is_some_and(|look| look.kind == FileKind::File);
            if name != own && is_file {
                all.push(name);
            }
        }
        all.sort();
        all.dedup();
        all.push(own.clone());
        let mut number = 1;
        while taken(&to, all.iter().map(|name| numbered_name(name, number)))? {
            number += 1;
        }
        let path = |name: String| {
            let new = to.path().join(numbered_name(&name, number));
            (folder.join(name), new)
        };
        let is_dated = place != ArchiveFolder::Held;
        let own = path(own);
        let paths = all.into_iter().map(path).collect();
        Ok(Moves {
            own,
            from,
            to,
            is_dated,
            paths,
        })
    }

    /// Locks the archive for this process until the result is dropped, so that planned destinations stay
    /// free.
    pub fn alone(&self) -> io::Result<File> {
        self.open()?.private(PROCESSING)?.lock()
    }

    /// Executes planned moves. The file itself moves last, so an interrupted move can be repeated.
    ///
    /// # Errors
    /// Fails if a file cannot be moved or its destination has been taken. That file and those after it stay
    /// where they were.
    pub fn put(&self, moves: &Moves) -> io::Result<()> {
        if moves.is_dated {
            let last = moves.paths.len().saturating_sub(1);
            let kind = |at: usize| match at == last {
                true => Archived::Roster,
                false => Archived::Output,
            };
            let files = moves.paths.iter().enumerate();
            let files: Vec<_> = files.map(|(at, (_, to))| (name_of(to), kind(at))).collect();
            index::list(&moves.to, &files)?;
        }
        for (from, to) in &moves.paths {
            moves.from.rename(name_of(from), &moves.to, name_of(to))?;
        }
        let own = moves.paths.last().and_then(|(file, _)| own_folder(file));
        if let Some(own) = own
            && let Some(processing) = self.open()?.private_if_there(PROCESSING)?
        {
            let _ = processing.remove_folder(own);
        }
        Ok(())
    }

    /// Removes rosters and output files archived before the given dates. Held files and files from other
    /// programs are kept.
    pub fn expire(&self, rosters: Option<Date>, results: Option<Date>) -> io::Result<Removed> {
        let _alone = self.alone()?;
        let root = self.open()?;
        let mut removed = Removed::default();
        for place in ["done", "partial", FAILED] {
            let Some(days) = root.private_if_there(place)? else {
                continue;
            };
            for name in days.names()? {
                // Folders with other names belong to other programs.
                let day = name.to_str().and_then(|name| name.parse::<Date>().ok());
                let is_own = |day: &Date| name.to_str() == Some(&*day.to_string());
                let Some(day) = day.filter(is_own) else {
                    continue;
                };
                let is_past = |limit: Option<Date>| limit.is_some_and(|limit| day < limit);
                if !is_past(rosters) && !is_past(results) {
                    continue;
                }
                let Some(folder) = days.private_if_there(&name)? else {
                    continue;
                };
                let known = Index::of(&folder)?;
                let (mut left, mut foreign) = (false, Vec::new());
                for file in folder.names()?.into_iter().filter(|file| !is_index(file)) {
                    let look = folder.look(&file)?;
                    let is_file = look.is_some_and(|look| look.kind == FileKind::File);
                    let kind = known.kind(&file);
                    let is_due = match kind {
                        Some(Archived::Roster) => is_past(rosters),
                        Some(Archived::Output) => is_past(results),
                        Some(Archived::Foreign) | None => false,
                    };
                    if is_due && is_file {
                        folder.remove_file(&file)?;
                        removed.files += 1;
                        continue;
                    }
                    left = true;
                    if kind.is_none() {
                        removed.foreign.push(folder.path().join(&file));
                        foreign.push((file.to_string_lossy().into_owned(), Archived::Foreign));
                    }
                }
                index::list(&folder, &foreign)?;
                if !left {
                    index::remove(&folder)?;
                    days.remove_folder(&name)?;
                }
            }
        }
        Ok(removed)
    }

    /// Writes a private report `NAME.error.txt` beside a claimed file, with the reason why it cannot be
    /// imported.
    pub fn explain(&self, file: &Path, why: &str) -> io::Result<()> {
        let folder = Folder::open(file.parent().unwrap_or(file))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{}.error.txt", short(&stem, 200));
        let mut report = match folder.create(&name) {
            // The report is from a killed process.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder.remove_file(&name)?;
                folder.create(&name)?
            }
            created => created?,
        };
        report.write_all(format!("{why}\n").as_bytes())
    }
}

/// Returns whether any of these names exists.
fn taken(folder: &Folder, names: impl Iterator<Item = String>) -> io::Result<bool> {
    for name in names {
        if folder.look(name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates an inbox with these files.
    fn inbox(files: &[&str]) -> (tempfile::TempDir, Inbox) {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let inbox = Inbox::at(folder.path());
        (folder, inbox)
    }

    fn targets(root: &Path, moves: &Moves) -> Vec<String> {
        let target = |(_, to): &(PathBuf, PathBuf)| {
            to.strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        };
        moves.paths.iter().map(target).collect()
    }

    #[test]
    fn each_outcome_has_a_folder_with_dates_except_held() {
        let (folder, inbox) = inbox(&["held/a.csv"]);
        let file = folder.path().join("held/a.csv");
        for (place, expected) in [
            (ArchiveFolder::Done, "done/2026-08-20/a.csv"),
            (ArchiveFolder::Failed, "failed/2026-08-20/a.csv"),
            // The name of the file is taken there.
            (ArchiveFolder::Held, "held/a-2.csv"),
        ] {
            let moves = inbox.places(&file, &[], place, "2026-08-20").unwrap();
            assert_eq!(targets(folder.path(), &moves), [expected]);
        }
    }

    #[test]
    fn a_held_file_moves_with_its_output_files_only() {
        let (folder, inbox) = inbox(&[
            "held/b.csv",
            "held/b.results.csv",
            "held/a.failed.csv",
            "held/other.csv",
            "elsewhere/b.report.html",
        ]);
        let root = folder.path();
        std::fs::create_dir(root.join("held/folder")).unwrap();
        let beside = [
            "held/b.results.csv",
            "held/b.csv",
            "held/a.failed.csv",
            "held/b.results.csv",
            "held/missing.csv",
            "held/folder",
            "elsewhere/b.report.html",
        ];
        let beside = beside.map(|name| root.join(name));
        let file = root.join("held/b.csv");
        let moves = inbox
            .places(&file, &beside, ArchiveFolder::Done, "day")
            .unwrap();
        let names = ["a.failed.csv", "b.results.csv", "b.csv"];
        assert_eq!(
            targets(root, &moves),
            names.map(|name| format!("done/day/{name}"))
        );
        inbox.put(&moves).unwrap();
        for name in names {
            let moved = std::fs::read_to_string(root.join("done/day").join(name));
            assert_eq!(moved.unwrap(), format!("held/{name}"));
        }
        assert!(root.join("held/other.csv").exists());
        assert!(root.join("elsewhere/b.report.html").exists());
    }

    #[test]
    fn an_occupied_destination_is_not_overwritten_and_the_file_stays() {
        let (folder, inbox) = inbox(&["held/a.csv", "held/a.results.csv"]);
        let root = folder.path();
        let file = root.join("held/a.csv");
        let beside = [root.join("held/a.results.csv")];
        let moves = inbox
            .places(&file, &beside, ArchiveFolder::Done, "day")
            .unwrap();
        let taken = root.join("done/day/a.results.csv");
        std::fs::write(&taken, "another").unwrap();
        assert!(inbox.put(&moves).is_err());
        assert_eq!(std::fs::read_to_string(&taken).unwrap(), "another");
        assert!(file.exists() && beside[0].exists());
        // Planned again, both get the first number that is free for both.
        let moves = inbox
            .places(&file, &beside, ArchiveFolder::Done, "day")
            .unwrap();
        let expected = ["done/day/a.results-2.csv", "done/day/a-2.csv"];
        assert_eq!(targets(root, &moves), expected);
        inbox.put(&moves).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn files_of_other_programs_stay_archived_and_are_reported_once() {
        let (folder, inbox) = inbox(&["held/a.new.csv", "held/a.new.results.csv"]);
        let root = folder.path();
        let beside = [root.join("held/a.new.results.csv")];
        let file = root.join("held/a.new.csv");
        let moves = inbox
            .places(&file, &beside, ArchiveFolder::Done, "2026-08-01")
            .unwrap();
        inbox.put(&moves).unwrap();
        let day = root.join("done/2026-08-01");
        // Simulates a process that was killed while it wrote a line.
        let mut index = std::fs::OpenOptions::new();
        let mut index = index.append(true).open(day.join(".rosterpatch")).unwrap();
        index
            .write_all(b"{\"name\":\"mine.csv\",\"kind\":\"ros")
            .unwrap();
        let others = [day.join("mine.csv"), day.join("mine.results.csv")];
        others
            .iter()
            .for_each(|path| std::fs::write(path, "").unwrap());
        let later = Some(Date::constant(2026, 9, 1));
        let mut removed = inbox.expire(later, None).unwrap();
        removed.foreign.sort();
        assert_eq!((removed.files, &removed.foreign[..]), (1, &others[..]));
        // A roster may have the name of an output file.
        assert!(!day.join("a.new.csv").exists());
        assert!(day.join("a.new.results.csv").exists());
        let removed = inbox.expire(later, later).unwrap();
        assert_eq!((removed.files, removed.foreign), (1, Vec::new()));
        assert!(others.iter().all(|path| path.exists()));
        for path in &others {
            std::fs::remove_file(path).unwrap();
        }
        inbox.expire(later, later).unwrap();
        assert!(!day.exists());
    }

    #[test]
    fn only_one_process_at_a_time_writes_to_the_archive() {
        let (folder, inbox) = inbox(&["a.csv"]);
        let alone = inbox.alone().unwrap();
        let other = File::open(folder.path().join(PROCESSING)).unwrap();
        assert!(other.try_lock().is_err());
        drop(alone);
        assert!(other.try_lock().is_ok());
    }

    #[test]
    fn the_latest_reason_is_written_beside_the_file() {
        let (folder, inbox) = inbox(&["held/elever.v2.csv"]);
        let file = folder.path().join("held/elever.v2.csv");
        let report = folder.path().join("held/elever.v2.error.txt");
        for why in ["the header is missing", "empty"] {
            inbox.explain(&file, why).unwrap();
            let told = std::fs::read_to_string(&report).unwrap();
            assert_eq!(told, format!("{why}\n"));
        }
        std::fs::remove_file(&report).unwrap();
        std::fs::create_dir(&report).unwrap();
        assert!(
            inbox.explain(&file, "empty").is_err(),
            "it cannot be written"
        );
    }
}
