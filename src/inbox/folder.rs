use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::names::may_be_taken;

/// A folder into which others drop files, with the places where they go from there:
/// `processing/NAME/` while a file is being imported, then `done/DATE/`, `failed/DATE/` or `held/`.
#[derive(Debug, Clone)]
pub struct Inbox {
    root: PathBuf,
}

/// A file as it lies in the inbox: whether it is whole shows when it is looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    size: u64,
    modified: Option<SystemTime>,
    /// Whether a marker beside it, `NAME.ready`, says that it is whole.
    pub ready: bool,
}

/// Where a file goes when it has been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Every row succeeded, or the file had been imported before.
    Done,
    /// Some rows did not succeed, or the file cannot be read.
    Failed,
    /// A guard holds it.
    Held,
}

impl Inbox {
    /// The inbox at `root`.
    pub fn at(root: &Path) -> Inbox {
        Inbox {
            root: root.to_owned(),
        }
    }

    /// The inbox whose `processing` or `held` folder `file` lies in, if it does.
    pub fn of(file: &Path) -> Option<Inbox> {
        let folder = file.parent()?;
        if folder.file_name()? == "held" {
            return Some(Inbox::at(folder.parent()?));
        }
        let processing = folder.parent()?;
        (processing.file_name()? == "processing")
            .then(|| Inbox::at(processing.parent().unwrap_or(Path::new(""))))
    }

    /// The files that may be taken, by name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn lying(&self) -> io::Result<HashMap<String, Lying>> {
        let mut all = HashMap::new();
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                // A name that is no text cannot stand in a results file either.
                continue;
            };
            // What is gone meanwhile was taken by someone else.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() && may_be_taken(&name) {
                let lying = Lying {
                    size: metadata.len(),
                    modified: metadata.modified().ok(),
                    ready: self.marker(&name).exists(),
                };
                all.insert(name, lying);
            }
        }
        Ok(all)
    }

    fn marker(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.ready"))
    }

    /// Takes a file: moves it into a folder of its own below `processing`. Nothing if someone else
    /// has taken it, or is at work on one of the same name.
    ///
    /// # Errors
    /// When the folders cannot be written to.
    pub fn claim(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let folder = self.root.join("processing").join(name);
        std::fs::create_dir_all(self.root.join("processing"))?;
        match std::fs::create_dir(&folder) {
            Ok(()) => {}
            // Whoever made it is at work there, or died between two steps.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let _ = std::fs::remove_dir(&folder);
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let taken = folder.join(name);
        match std::fs::rename(self.root.join(name), &taken) {
            Ok(()) => {
                // The marker has said what it had to say.
                let _ = std::fs::remove_file(self.marker(name));
                Ok(Some(taken))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let _ = std::fs::remove_dir(&folder);
                Ok(None)
            }
            Err(error) => {
                let _ = std::fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// The files that were taken and not brought to an end, by name: whoever took them is still at
    /// work, or died.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn taken(&self) -> io::Result<Vec<PathBuf>> {
        let folders = match std::fs::read_dir(self.root.join("processing")) {
            Ok(folders) => folders,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for folder in folders {
            let folder = folder?;
            let file = folder.path().join(folder.file_name());
            if file.is_file() {
                files.push(file);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Moves a file that was taken, or held, and all that was written beside it, to where it
    /// belongs; where something of that name is there already, all get a number. `date` names the
    /// day's folder. Returns where each of them went.
    ///
    /// # Errors
    /// When something cannot be moved; what was not moved stays where it was.
    pub fn archive(
        &self,
        file: &Path,
        beside: &[PathBuf],
        place: Place,
        date: &str,
    ) -> io::Result<Vec<(PathBuf, PathBuf)>> {
        let folder = match place {
            Place::Done => self.root.join("done").join(date),
            Place::Failed => self.root.join("failed").join(date),
            Place::Held => self.root.join("held"),
        };
        make_private(&folder)?;
        let own = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut all: Vec<PathBuf> = beside
            .iter()
            .filter(|path| path.is_file())
            .cloned()
            .collect();
        all.retain(|path| path != file);
        // The roster last: as long as it lies there, it is not dealt with.
        all.push(file.to_owned());
        let numbered = |number: u32| -> Vec<PathBuf> {
            let target = |path: &PathBuf| {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                folder.join(match (number, name.rsplit_once('.')) {
                    (1, _) => name,
                    (number, Some((stem, ending))) => format!("{stem}-{number}.{ending}"),
                    (number, None) => format!("{name}-{number}"),
                })
            };
            all.iter().map(target).collect()
        };
        let targets = (1..u32::MAX)
            .map(numbered)
            .find(|targets| !targets.iter().any(|target| target.exists()))
            .unwrap_or_else(|| numbered(u32::MAX));
        let mut moved = Vec::new();
        for (from, to) in all.into_iter().zip(targets) {
            std::fs::rename(&from, &to)?;
            moved.push((from, to));
        }
        // Only the folder of this one file, and only if nothing is left in it.
        if own
            .parent()
            .is_some_and(|parent| parent.ends_with("processing"))
        {
            let _ = std::fs::remove_dir(&own);
        }
        Ok(moved)
    }
}

/// Makes a folder that only its owner may look into: results hold personal data.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_and_goes_where_it_belongs() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::at(folder.path());
        let write = |name: &str| std::fs::write(folder.path().join(name), name).unwrap();
        write("a.csv");
        write("a.csv.ready");
        write("b.csv.part");
        let lying = inbox.lying().unwrap();
        assert_eq!(lying.len(), 1);
        assert!(lying["a.csv"].ready);
        let taken = inbox.claim("a.csv").unwrap().unwrap();
        assert_eq!(inbox.claim("a.csv").unwrap(), None);
        assert!(!folder.path().join("a.csv.ready").exists());
        assert_eq!(inbox.taken().unwrap(), std::slice::from_ref(&taken));
        assert_eq!(Inbox::of(&taken).unwrap().root, folder.path());

        let results = taken.with_file_name("a.results.csv");
        std::fs::write(&results, "").unwrap();
        let moved = inbox
            .archive(&taken, &[results], Place::Done, "2026-08-20")
            .unwrap();
        assert_eq!(moved[1].1, folder.path().join("done/2026-08-20/a.csv"));
        assert!(inbox.taken().unwrap().is_empty());
        assert!(!folder.path().join("processing/a.csv").exists());
        // Another one of that name gets a number, and so does what belongs to it.
        write("a.csv");
        let taken = inbox.claim("a.csv").unwrap().unwrap();
        let results = taken.with_file_name("a.results.csv");
        std::fs::write(&results, "").unwrap();
        let moved = inbox
            .archive(&taken, &[results], Place::Done, "2026-08-20")
            .unwrap();
        let names: Vec<_> = moved
            .iter()
            .map(|(_, to)| to.file_name().unwrap())
            .collect();
        assert_eq!(names, ["a.results-2.csv", "a-2.csv"]);
    }

    #[test]
    fn a_folder_that_a_dead_process_left_empty_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::at(folder.path());
        std::fs::write(folder.path().join("a.csv"), "").unwrap();
        std::fs::create_dir_all(folder.path().join("processing/a.csv")).unwrap();
        assert_eq!(inbox.claim("a.csv").unwrap(), None, "this time");
        assert!(inbox.claim("a.csv").unwrap().is_some(), "the next time");
    }
}
