//! Listing and claiming the files of an inbox.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::names::{LONG, Named, escaped, folder_name, named, numbered_folder, numbered_name};
use crate::safe_fs::{FileInfo, FileKind, Folder, Refusal};

/// A folder into which other accounts put files. During the import, a file is in `processing/NAME/`;
/// afterwards it moves to `done/DATE/`, `partial/DATE/`, `failed/DATE/` or `held/`. Only this account can
/// write to these folders.
#[derive(Debug, Clone)]
pub struct Inbox {
    root: PathBuf,
}

/// A file in the inbox with its metadata. An unchanged file in a later pass is considered complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    look: FileInfo,
    /// Whether a marker file `NAME.ready` declares the file complete.
    pub ready: bool,
}

impl Lying {
    /// Returns the modification time in seconds and nanoseconds since the epoch.
    pub fn modified(&self) -> (i64, i64) {
        self.look.modified
    }

    /// Returns the size and modification time, which distinguish files with the same name.
    pub fn stamp(&self) -> String {
        stamp(&self.look)
    }
}

/// Formats the size and modification time of a file.
fn stamp(look: &FileInfo) -> String {
    let (seconds, nanoseconds) = look.modified;
    format!("{seconds}.{nanoseconds:09}:{}", look.size)
}

/// Returns the size and modification time of a claimed file, or an empty string if it no longer exists.
pub fn stamp_of(file: &Path) -> String {
    let folder = file.parent().map(Folder::open).and_then(Result::ok);
    let look = folder
        .zip(file.file_name())
        .map(|(folder, name)| folder.look(name));
    let look = look.and_then(Result::ok).flatten();
    look.as_ref().map(stamp).unwrap_or_default()
}

/// Returns the modification time in a stamp, in seconds and nanoseconds since the epoch.
pub fn modified_in(stamp: &str) -> Option<(i64, i64)> {
    let (seconds, nanoseconds) = stamp.split_once(':')?.0.split_once('.')?;
    Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

/// The entries of the inbox.
#[derive(Debug, Default)]
pub struct Entries {
    /// Files that can be claimed, by name.
    pub files: HashMap<String, Lying>,
    /// Entries that stay in the inbox.
    pub others: Vec<Other>,
}

/// Claimed files whose import is not finished.
#[derive(Debug, Default)]
pub struct Taken {
    /// The files, oldest first.
    pub files: Vec<PathBuf>,
    /// Entries that are not regular files and were moved to `failed`.
    pub others: Vec<SetAside>,
}

/// An entry of `processing` that is not a regular file and was moved to `failed`.
#[derive(Debug)]
pub struct SetAside {
    pub name: String,
    pub why: io::Error,
    /// The size and modification time.
    pub stamp: String,
    pub path: PathBuf,
}

/// An entry that is not imported.
#[derive(Debug)]
pub struct Other {
    /// The name. Invalid UTF-8 is escaped.
    pub name: String,
    pub why: io::Error,
    /// Whether the name is that of a roster, so that users expect an import.
    pub is_roster: bool,
    /// The size and modification time.
    pub stamp: String,
}

/// The folder for files that are being imported.
pub(super) const PROCESSING: &str = "processing";

/// The folder for files that could not be imported.
pub(super) const FAILED: &str = "failed";

impl Inbox {
    /// Creates an inbox at `root`.
    pub fn at(root: &Path) -> Inbox {
        Inbox {
            root: root.to_owned(),
        }
    }

    pub(super) fn open(&self) -> io::Result<Folder> {
        Folder::open(&self.root)
    }

    /// Lists the files that can be claimed and the entries that stay. Hidden files and markers are skipped,
    /// and unfinished uploads for one hour.
    ///
    /// # Errors
    /// Fails if the folder cannot be read, or other accounts can rename its entries.
    pub fn entries(&self) -> io::Result<Entries> {
        let root = self.open()?;
        let mut entries = Entries::default();
        for name in root.names()? {
            let shown = name.to_string_lossy();
            let is_named = named(&shown);
            if is_named == Named::Passed {
                continue;
            }
            let look = match root.look(&name) {
                // Another process has claimed the file.
                Ok(None) => continue,
                Ok(Some(look)) => Ok(look),
                Err(error) => Err(error),
            };
            let stamp = look.as_ref().map(stamp).unwrap_or_default();
            let why = match (look, name.to_str()) {
                (Err(error), _) => error,
                (Ok(look), _) if is_named == Named::Unfinished => {
                    if is_recent(&look) {
                        continue;
                    }
                    Refusal::Unfinished.into()
                }
                (Ok(look), _) if is_named == Named::Other => match look.kind {
                    FileKind::File => Refusal::NotARoster.into(),
                    kind => Refusal::NotAFile { kind }.into(),
                },
                (Ok(_), None) => Refusal::NotUtf8.into(),
                (Ok(look), Some(name)) => match look.refuse_other_than_one_file() {
                    Ok(()) => {
                        let ready = root.look(marker(name))?.is_some();
                        entries.files.insert(name.to_owned(), Lying { look, ready });
                        continue;
                    }
                    Err(why) => why.into(),
                },
            };
            entries.others.push(Other {
                name: escaped(&name),
                why,
                is_roster: is_named == Named::Roster,
                stamp,
            });
        }
        entries
            .others
            .sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Claims a file that is unchanged since `as_seen`: moves it into a separate folder below `processing`.
    /// Returns `None` if it has changed, or another process has claimed it or is processing a file of the
    /// same name.
    ///
    /// # Errors
    /// Fails if the folders cannot be written to, or the moved file is not the one in `as_seen`. It is then
    /// moved back to the inbox, or to `failed` if the name is taken.
    pub fn claim(&self, name: &str, as_seen: &Lying) -> io::Result<Option<PathBuf>> {
        let root = self.open()?;
        let processing = root.private(PROCESSING)?;
        for number in 1..=MOST {
            let own = numbered_folder(name, number);
            let is_new = match processing.make_folder(&own) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error),
            };
            let Some(folder) = processing.private_if_there(&own)? else {
                return Ok(None);
            };
            if is_new {
                let taken = take(&root, &folder, name, as_seen);
                if !matches!(taken, Ok(true)) {
                    // If the removal fails, a later sweep removes the folder.
                    let _ = processing.remove_folder(&own);
                }
                return Ok(taken?.then(|| folder.path().join(name)));
            }
            // The process that created the folder is using it, or was killed between two steps.
            if folder.look(name)?.is_some() || is_fresh(&folder) {
                return Ok(None);
            }
            if processing.remove_folder(&own).is_ok() {
                return Ok(None);
            }
            // The remains of an earlier file are harmless: the next number is tried.
        }
        Ok(None)
    }

    /// Returns the claimed files that are not archived, oldest first. Their process is still running or was
    /// killed. Entries that are not regular files are moved to `failed`.
    pub fn taken(&self) -> io::Result<Taken> {
        let (mut files, mut others) = (Vec::new(), Vec::new());
        let root = self.open()?;
        let Some(processing) = root.private_if_there(PROCESSING)? else {
            return Ok(Taken::default());
        };
        for own in processing.names()? {
            let is_folder = processing
                .look(&own)?
                .is_some_and(|look| look.kind == FileKind::Folder);
            if !is_folder {
                continue;
            }
            // Another process may have removed the folder.
            let Some(folder) = processing.private_if_there(&own)? else {
                continue;
            };
            let own = own.to_string_lossy().into_owned();
            for name in names_of_file(&folder, &own)? {
                let Some(look) = folder.look(&name)? else {
                    continue;
                };
                match look.refuse_other_than_one_file() {
                    Ok(()) => {
                        let file = folder.path().join(&name);
                        files.push((look.modified, file));
                    }
                    Err(why) => {
                        let path = set_aside(&root, &folder, &name)?;
                        let _ = processing.remove_folder(&own);
                        others.push(SetAside {
                            name,
                            why: why.into(),
                            stamp: stamp(&look),
                            path,
                        });
                    }
                }
                break;
            }
        }
        files.sort();
        let files = files.into_iter();
        Ok(Taken {
            files: files.map(|(_, file)| file).collect(),
            others,
        })
    }
}

/// Moves a file into its own folder and checks it there, where other accounts can no longer replace it.
fn take(root: &Folder, folder: &Folder, name: &str, as_seen: &Lying) -> io::Result<bool> {
    match root.look(name)? {
        None => return Ok(false),
        Some(now) if now == as_seen.look => {}
        Some(now) => {
            now.refuse_other_than_one_file()?;
            return Ok(false);
        }
    }
    // The marker is removed first: otherwise it would apply to the next file of this name.
    let _ = root.remove_file(marker(name));
    match root.rename(name, folder, name) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(root.explain_not_moved(error)),
    }
    keep(root, folder, name, &as_seen.look)
}

/// Returns whether the moved file is the one that was seen. Otherwise it is moved back to the inbox, or to
/// `failed` if its name is taken.
fn keep(root: &Folder, folder: &Folder, name: &str, as_seen: &FileInfo) -> io::Result<bool> {
    let moved = folder.open_file(name).and_then(|file| FileInfo::at(&file));
    let why = match moved {
        Ok(look) if look == *as_seen => return Ok(true),
        // The file is still being written. A later pass claims it.
        Ok(_) => None,
        Err(why) => Some(why),
    };
    match (folder.rename(name, root, name), why) {
        (Ok(()), None) => Ok(false),
        (Ok(()), Some(why)) => Err(why),
        (Err(_), why) => {
            set_aside(root, folder, name)?;
            Err(why.unwrap_or_else(|| Refusal::Swapped.into()))
        }
    }
}

/// Moves an entry to `failed` under a free name. Returns its path there.
fn set_aside(root: &Folder, from: &Folder, name: &str) -> io::Result<PathBuf> {
    let failed = root.private(FAILED)?;
    for number in 1..=MOST {
        let free = numbered_name(name, number);
        match from.rename(name, &failed, &free) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            moved => return moved.map(|()| failed.path().join(free)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Returns the possible names of the file in a folder below `processing`, the most likely first.
fn names_of_file(folder: &Folder, own: &str) -> io::Result<Vec<String>> {
    // Folders for files with the same name are numbered.
    let bare = own.rsplit_once('~').map_or("", |(name, _)| name);
    if !own.starts_with(LONG) {
        let names = [own, bare].into_iter().filter(|name| !name.is_empty());
        return Ok(names.map(str::to_owned).collect());
    }
    // The name of the file is too long for the folder's name.
    let inside = folder.names()?.into_iter();
    let names = inside.filter_map(|name| name.into_string().ok());
    let fits = |name: &String| [own, bare].contains(&folder_name(name).as_str()) || name == own;
    Ok(names.filter(fits).collect())
}

fn marker(name: &str) -> String {
    format!("{name}.ready")
}

/// The maximum number of folders per file name.
const MOST: u32 = 1000;

/// Returns whether a file was modified within the last hour.
fn is_recent(look: &FileInfo) -> bool {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    now.abs_diff(look.modified.0.unsigned_abs()) < 3600
}

/// Returns whether a folder was modified within the last minute.
fn is_fresh(folder: &Folder) -> bool {
    let modified = folder.modified().ok();
    let age = modified.and_then(|modified| modified.elapsed().ok());
    age.is_none_or(|age| age < std::time::Duration::from_secs(60))
}

/// Returns the name of the folder below `processing` that contains only this file, if any.
pub(super) fn own_folder(file: &Path) -> Option<&OsStr> {
    let folder = file.parent()?;
    let is_own = folder.parent()?.ends_with(PROCESSING);
    folder.file_name().filter(|_| is_own)
}

#[cfg(test)]
mod tests;
