//! An inbox lists, claims and locks the files of a folder.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::names::{LONG, Named, escaped, folder_name, named, numbered_folder, numbered_name};
use crate::safe_fs::{FileInfo, FileKind, Folder, Refusal};

/// A folder into which other accounts drop files, with the places where they go from there:
/// `processing/NAME/` during the import, then `done/DATE/`, `failed/DATE/` or `held/`. Only this account
/// can write to these.
#[derive(Debug, Clone)]
pub struct Inbox {
    root: PathBuf,
}

/// A file as it lies in the inbox: whether it is whole shows when it is looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    look: FileInfo,
    /// Whether a marker beside it, `NAME.ready`, says that it is whole.
    pub ready: bool,
}

impl Lying {
    /// When it was modified, in seconds and nanoseconds since the epoch.
    pub fn modified(&self) -> (i64, i64) {
        self.look.modified
    }

    /// Its size and modification time, by which it is told from the next file of its name.
    pub fn stamp(&self) -> String {
        stamp(&self.look)
    }
}

/// The size and modification time of a file.
fn stamp(look: &FileInfo) -> String {
    let (seconds, nanoseconds) = look.modified;
    format!("{seconds}.{nanoseconds:09}:{}", look.size)
}

/// The size and modification time of a file that was taken; empty if it is not there any more.
pub fn stamp_of(file: &Path) -> String {
    let folder = file.parent().map(Folder::open).and_then(Result::ok);
    let look = folder
        .zip(file.file_name())
        .map(|(folder, name)| folder.look(name));
    let look = look.and_then(Result::ok).flatten();
    look.as_ref().map(stamp).unwrap_or_default()
}

/// When the file with this stamp was modified, in seconds and nanoseconds since the epoch.
pub fn modified_in(stamp: &str) -> Option<(i64, i64)> {
    let (seconds, nanoseconds) = stamp.split_once(':')?.0.split_once('.')?;
    Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

/// The entries of the inbox.
#[derive(Debug, Default)]
pub struct Entries {
    /// The files that may be taken, by name.
    pub files: HashMap<String, Lying>,
    /// The entries that stay.
    pub others: Vec<Other>,
}

/// The files that were taken and not brought to an end.
#[derive(Debug, Default)]
pub struct Taken {
    /// The files, the oldest first.
    pub files: Vec<PathBuf>,
    /// The entries that are no files and were moved to `failed`.
    pub others: Vec<SetAside>,
}

/// An entry of `processing` that is no file, and was moved to `failed`.
#[derive(Debug)]
pub struct SetAside {
    /// Its name.
    pub name: String,
    /// Why it is not imported.
    pub why: io::Error,
    /// Its size and modification time.
    pub stamp: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// An entry that is not imported.
#[derive(Debug)]
pub struct Other {
    /// Its name; bytes that are no text are escaped.
    pub name: String,
    /// Why.
    pub why: io::Error,
    /// Whether its name is a roster's, so that somebody expects it to be imported.
    pub is_roster: bool,
    /// Its size and modification time.
    pub stamp: String,
}

/// The folder of the files that are being imported.
pub(super) const PROCESSING: &str = "processing";

/// The folder of the files that could not be imported.
pub(super) const FAILED: &str = "failed";

impl Inbox {
    /// The inbox at `root`.
    pub fn at(root: &Path) -> Inbox {
        Inbox {
            root: root.to_owned(),
        }
    }

    pub(super) fn open(&self) -> io::Result<Folder> {
        Folder::open(&self.root)
    }

    /// The files that may be taken, and the entries that stay. Hidden names, markers and, for an hour,
    /// names of unfinished uploads are passed over.
    ///
    /// # Errors
    /// When the folder cannot be read, or other accounts can rename what lies in it.
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
                // Another process has taken it meanwhile.
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

    /// Takes a file that lies as it lay in `as_seen`: moves it into a folder of its own below
    /// `processing`. Nothing if it has changed since, or if another process has taken it or is working on
    /// one of the same name.
    ///
    /// # Errors
    /// When the folders cannot be written to, or what was moved is not the file that was seen. It is back
    /// in the inbox then, or in `failed` if the name was taken again.
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
                    // What cannot be removed is removed by a later sweep.
                    let _ = processing.remove_folder(&own);
                }
                return Ok(taken?.then(|| folder.path().join(name)));
            }
            // The process that made it is at work there, or died between two steps a while ago.
            if folder.look(name)?.is_some() || is_fresh(&folder) {
                return Ok(None);
            }
            if processing.remove_folder(&own).is_ok() {
                return Ok(None);
            }
            // What is left of an earlier one does no harm.
        }
        Ok(None)
    }

    /// The files that were taken and not brought to an end, by name: the process that took them is still at
    /// work, or died. What is no file is moved to `failed`.
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
            // Another process may have removed it meanwhile.
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

/// Moves a file into its own folder, and looks at what was moved there: other accounts cannot change the
/// entry from then on.
fn take(root: &Folder, folder: &Folder, name: &str, as_seen: &Lying) -> io::Result<bool> {
    match root.look(name)? {
        None => return Ok(false),
        Some(now) if now == as_seen.look => {}
        Some(now) => {
            now.refuse_other_than_one_file()?;
            return Ok(false);
        }
    }
    // The marker goes first: left behind, it would vouch for the next file of that name.
    let _ = root.remove_file(marker(name));
    match root.rename(name, folder, name) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(root.explain_not_moved(error)),
    }
    keep(root, folder, name, &as_seen.look)
}

/// Whether what was moved into a file's own folder is the file that was seen. What is not goes back to the
/// inbox, or to `failed` if something else has its name there by now.
fn keep(root: &Folder, folder: &Folder, name: &str, as_seen: &FileInfo) -> io::Result<bool> {
    let moved = folder.open_file(name).and_then(|file| FileInfo::at(&file));
    let why = match moved {
        Ok(look) if look == *as_seen => return Ok(true),
        // It is being written; the next sweep finds it whole.
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

/// Moves an entry into `failed` under a free name, and returns its path there.
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

/// The names that the file of a folder below `processing` may have, the likeliest first.
fn names_of_file(folder: &Folder, own: &str) -> io::Result<Vec<String>> {
    // A number tells apart what has the same name.
    let bare = own.rsplit_once('~').map_or("", |(name, _)| name);
    if !own.starts_with(LONG) {
        let names = [own, bare].into_iter().filter(|name| !name.is_empty());
        return Ok(names.map(str::to_owned).collect());
    }
    // The file's name does not fit in the folder's name.
    let inside = folder.names()?.into_iter();
    let names = inside.filter_map(|name| name.into_string().ok());
    let fits = |name: &String| [own, bare].contains(&folder_name(name).as_str()) || name == own;
    Ok(names.filter(fits).collect())
}

fn marker(name: &str) -> String {
    format!("{name}.ready")
}

/// Files of one name that may have been left behind.
const MOST: u32 = 1000;

/// Whether a file was modified within the last hour.
fn is_recent(look: &FileInfo) -> bool {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    now.abs_diff(look.modified.0.unsigned_abs()) < 3600
}

/// Whether a folder was made, or something in it changed, within the last minute.
fn is_fresh(folder: &Folder) -> bool {
    let modified = folder.modified().ok();
    let age = modified.and_then(|modified| modified.elapsed().ok());
    age.is_none_or(|age| age < std::time::Duration::from_secs(60))
}

/// The folder that a file has to itself below `processing`, if it lies in one.
pub(super) fn own_folder(file: &Path) -> Option<&OsStr> {
    let folder = file.parent()?;
    let is_own = folder.parent()?.ends_with(PROCESSING);
    folder.file_name().filter(|_| is_own)
}

#[cfg(test)]
mod tests;
