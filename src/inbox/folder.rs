use std::collections::HashMap;
use std::fs::File;
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

    /// Takes a file that lies as it lay in `as_seen`: moves it into a folder of its own below
    /// `processing`. Nothing if it has changed since, if someone else has taken it, or is at work on
    /// one of the same name.
    ///
    /// # Errors
    /// When the folders cannot be written to.
    pub fn claim(&self, name: &str, as_seen: &Lying) -> io::Result<Option<PathBuf>> {
        let processing = self.root.join("processing");
        make_private(&processing)?;
        for number in 1..=MOST {
            let folder = processing.join(numbered_folder(name, number));
            match std::fs::create_dir(&folder) {
                Ok(()) => return self.take(name, as_seen, &folder),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                // The process that made it is at work there, or died between two steps a while ago.
                Err(_) if folder.join(name).exists() || is_fresh(&folder) => return Ok(None),
                Err(_) if std::fs::remove_dir(&folder).is_ok() => return Ok(None),
                // What is left of an earlier one does no harm.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    fn take(&self, name: &str, as_seen: &Lying, folder: &Path) -> io::Result<Option<PathBuf>> {
        let from = self.root.join(name);
        let taken = folder.join(name);
        let moved = std::fs::metadata(&from).and_then(|metadata| {
            let same =
                metadata.len() == as_seen.size && metadata.modified().ok() == as_seen.modified;
            if same {
                // The marker goes first: left behind, it would vouch for the next file of that name.
                let _ = std::fs::remove_file(self.marker(name));
                std::fs::rename(&from, &taken)?;
            }
            Ok(same)
        });
        match moved {
            Ok(true) => Ok(Some(taken)),
            other => {
                let _ = std::fs::remove_dir(folder);
                match other {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => Ok(None),
                }
            }
        }
    }

    /// The files that were taken and not brought to an end, by name: the process that took them is still at
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
            let own = folder.file_name().to_string_lossy().into_owned();
            // A number tells apart what has the same name.
            let bare = own.rsplit_once('~').map_or("", |(name, _)| name);
            let candidates = [folder.path().join(&own), folder.path().join(bare)];
            if let Some(file) = candidates.into_iter().find(|file| file.is_file()) {
                files.push(file);
            } else if own.starts_with(LONG) {
                // A folder whose name could not hold the file's.
                let inside = std::fs::read_dir(folder.path())?.flatten();
                let fits = |name: &str| folder_name(name) == own || folder_name(name) == bare;
                files.extend(
                    inside
                        .filter(|entry| fits(&entry.file_name().to_string_lossy()))
                        .map(|entry| entry.path()),
                );
            }
        }
        files.sort();
        Ok(files)
    }

    /// Where a file that was taken, or held, and all that was written beside it belong: from and to,
    /// the file itself last, all from as absolute paths. Where something of one of those names is there already, all get a
    /// number. `date` names the day's folder.
    ///
    /// # Errors
    /// When a folder cannot be made or read.
    pub fn places(
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
        let file = std::path::absolute(file)?;
        let mut all: Vec<PathBuf> = Vec::new();
        for path in beside {
            all.push(std::path::absolute(path)?);
        }
        if let Some(own) = own_folder(&file) {
            for entry in std::fs::read_dir(own)? {
                all.push(entry?.path());
            }
        }
        all.retain(|path| *path != file && path.is_file());
        all.sort();
        all.dedup();
        all.push(file);
        let numbered = |number: u32| -> Vec<PathBuf> {
            let target = |path: &PathBuf| {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                folder.join(match (number, name.rsplit_once('.')) {
                    (1, _) => name,
                    (number, Some((stem, ending))) => {
                        let room = LONGEST.saturating_sub(ending.len() + 12);
                        format!("{}-{number}.{ending}", short(stem, room))
                    }
                    (number, None) => format!("{}-{number}", short(&name, LONGEST - 12)),
                })
            };
            all.iter().map(target).collect()
        };
        let targets = (1..u32::MAX)
            .map(numbered)
            .find(|targets| !targets.iter().any(|target| target.exists()))
            .unwrap_or_else(|| numbered(u32::MAX));
        Ok(all.into_iter().zip(targets).collect())
    }

    /// Keeps every other process from putting anything away as long as what this returns lives, so
    /// that a place that was found free is free still.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn alone(&self) -> io::Result<File> {
        let processing = self.root.join("processing");
        make_private(&processing)?;
        // The folder itself is locked, where a folder can be: nothing more lies in it then.
        let lock = File::open(&processing).or_else(|_| {
            let path = self.root.join(".rosterpatch.lock");
            File::options().create(true).append(true).open(path)
        })?;
        lock.lock()?;
        Ok(lock)
    }

    /// Moves what [`Inbox::places`] found a place for. As long as the file itself, the last of them,
    /// lies where it was, it is not dealt with.
    ///
    /// # Errors
    /// When something cannot be moved, or somebody has put something else there meanwhile; it and
    /// what comes after it stay where they were.
    pub fn put(&self, moves: &[(PathBuf, PathBuf)]) -> io::Result<()> {
        for (from, to) in moves {
            rename_without_replacing(from, to)?;
        }
        if let Some(own) = moves.last().and_then(|(file, _)| own_folder(file)) {
            let _ = std::fs::remove_dir(own);
        }
        Ok(())
    }
}

/// Files of one name that may have been left behind in `processing`.
const MOST: u32 = 1000;

/// Whether a folder was made, or something in it changed, within the last minute.
fn is_fresh(folder: &Path) -> bool {
    let modified = std::fs::metadata(folder).and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| modified.elapsed().ok());
    age.is_none_or(|age| age < std::time::Duration::from_secs(60))
}

/// Bytes that a file's name may have (POSIX, NAME_MAX of every common file system).
const LONGEST: usize = 255;

/// What begins the name of a folder for a file whose own name leaves no room for a number.
const LONG: &str = "long-";

/// The name of a file's folder below `processing`.
fn folder_name(name: &str) -> String {
    if name.len() + 12 <= LONGEST {
        return name.to_owned();
    }
    format!("{LONG}{:016x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
}

/// The beginning of a name, in so many bytes.
pub fn short(name: &str, most: usize) -> &str {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Renames a file unless there is one of the new name, in one step where the system has one.
fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            // Not every file system can; there the lock alone keeps others away.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}

fn numbered_folder(name: &str, number: u32) -> String {
    let name = folder_name(name);
    match number {
        1 => name,
        number => format!("{name}~{number}"),
    }
}

/// The folder that a file has to itself below `processing`, if it lies in one.
fn own_folder(file: &Path) -> Option<&Path> {
    let folder = file.parent()?;
    folder.parent()?.ends_with("processing").then_some(folder)
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
mod tests;
