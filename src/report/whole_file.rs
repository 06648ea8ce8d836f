//! Files that are written atomically: complete under their name, or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::error::ReportError;
use super::unnamed::{named, temporary, unnamed_in};
use crate::l10n::say;
use crate::log;
use crate::model::{Code, Fact};
use crate::safe_fs::{canonical, for_system, identity, is_held_open, let_others_read};

/// A file that is written atomically: it is created without a name, or under a temporary name if the file
/// system requires one, then synced and renamed. An unnamed file leaves nothing behind if the process is
/// killed. Only the owner can read it, because it may contain personal data.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    placing: Placing,
    file: BufWriter<Target>,
}

/// What happens to an existing file at the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placing {
    /// The existing file is replaced, because the user named the path.
    Replace,
    /// The existing file is replaced only if it has this mark. Otherwise the new file gets a number.
    Beside(Option<Mark>),
}

/// The identity and state of a file, which change if the file is replaced or edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    device: u64,
    number: u64,
    bytes: u64,
    modified: Option<u128>,
}

impl Mark {
    /// Returns the mark of the file at `path`, or `None` if there is none.
    pub fn of(path: &Path) -> Option<Mark> {
        let metadata = std::fs::symlink_metadata(path).ok()?;
        let since = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let (device, number) = identity(path)?;
        Some(Mark {
            device,
            number,
            bytes: metadata.len(),
            modified: since.map(|since| since.as_nanos()),
        })
    }
}

#[derive(Debug)]
enum Target {
    Unnamed(File),
    Beside(NamedTempFile),
    /// Standard output or a pipe, which cannot be replaced.
    Stream(Stream),
}

#[derive(Debug)]
enum Stream {
    Output,
    #[cfg(unix)]
    Pipe(File),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Unnamed(file) => file.write(bytes),
            Target::Beside(file) => file.write(bytes),
            Target::Stream(Stream::Output) => io::stdout().write(bytes),
            #[cfg(unix)]
            Target::Stream(Stream::Pipe(file)) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Unnamed(file) => file.flush(),
            Target::Beside(file) => file.flush(),
            Target::Stream(Stream::Output) => io::stdout().flush(),
            #[cfg(unix)]
            Target::Stream(Stream::Pipe(file)) => file.flush(),
        }
    }
}

impl WholeFile {
    /// Creates a file that replaces `path` in [`WholeFile::finish`]. `-` is standard output.
    ///
    /// # Errors
    /// Fails if the folder cannot be written to, or the path is neither a file nor a pipe with a reader.
    pub fn create(path: &Path) -> Result<WholeFile, ReportError> {
        WholeFile::create_as(path, Placing::Replace)
    }

    /// Creates a file. `placing` decides what happens to an existing file.
    pub fn create_as(path: &Path, placing: Placing) -> Result<WholeFile, ReportError> {
        let begun = |path: PathBuf, target| WholeFile {
            path,
            placing: placing.clone(),
            file: BufWriter::with_capacity(256 * 1024, target),
        };
        if path == Path::new("-") {
            return Ok(begun(path.to_owned(), Target::Stream(Stream::Output)));
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            return Err(ReportError::NoFolder {
                path: path.to_owned(),
                folder: folder.to_owned(),
            });
        }
        // If the user named a link, its destination is replaced and the link stays.
        let named = path;
        let path = match placing {
            Placing::Replace => crate::safe_fs::place_of(path).map_err(ReportError::write(path))?,
            Placing::Beside(_) => path.to_owned(),
        };
        if placing == Placing::Replace
            && let Ok(there) = std::fs::metadata(&path)
            && !there.is_file()
        {
            let stream = stream_at(&path, &there).map_err(ReportError::write(&path))?;
            return Ok(begun(path, Target::Stream(stream)));
        }
        let target = match unnamed_in(folder_of(&path)) {
            Ok(file) => Target::Unnamed(file),
            Err(_) => {
                let file = temporary(folder_of(&path));
                // The name of the temporary file would be confusing.
                let file = file.map_err(|error| ReportError::write(named)(error.kind().into()));
                Target::Beside(file?)
            }
        };
        Ok(begun(path, target))
    }

    /// Writes a text to `path`, replacing an existing file.
    pub fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
        let mut file = WholeFile::create(path)?;
        file.put(text.as_bytes())?;
        file.finish()?;
        Ok(())
    }

    /// Checks that a file can be written at `path`, without leaving a file there.
    pub fn probe(path: &Path, placing: Placing) -> Result<(), ReportError> {
        // A pipe is not opened, because closing it would end the input of its reader.
        if placing == Placing::Replace && is_pipe(path) {
            let there = std::fs::metadata(path);
            let checked = there.and_then(|there| Ok(crate::safe_fs::refuse_foreign(&there)?));
            return checked.map_err(ReportError::write(path));
        }
        WholeFile::create_as(path, placing).map(drop)
    }

    /// Returns whether a file at `path` stays unnamed until it is finished, so that a killed process leaves
    /// nothing.
    pub(super) fn is_unnamed_at(path: &Path) -> bool {
        // A link may be written at its destination.
        let path = canonical(path).unwrap_or_else(|_| path.to_owned());
        unnamed_in(folder_of(&path)).is_ok()
    }

    /// Syncs the file and moves it to its path. Returns the path, with a number if another file exists there
    /// or another program holds it open.
    ///
    /// # Errors
    /// Fails if the file cannot be written or renamed. Nothing is left behind then.
    pub fn finish(self) -> Result<PathBuf, ReportError> {
        let path = self.path;
        let explain = ReportError::write(&path);
        let target = self
            .file
            .into_inner()
            .map_err(|error| explain(error.into_error()))?;
        let file = match target {
            Target::Beside(file) => file,
            Target::Unnamed(file) => {
                file.sync_all().map_err(explain)?;
                named(file, folder_of(&path)).map_err(explain)?
            }
            Target::Stream(mut stream) => {
                let flushed = match &mut stream {
                    Stream::Output => io::stdout().flush(),
                    #[cfg(unix)]
                    Stream::Pipe(file) => file.flush(),
                };
                flushed.map_err(explain)?;
                return Ok(path);
            }
        };
        file.as_file().sync_all().map_err(explain)?;
        let own = match &self.placing {
            Placing::Replace => true,
            Placing::Beside(mark) => mark.is_some() && *mark == Mark::of(&path),
        };
        let placed = if own {
            match file.persist(for_system(&path).map_err(explain)?) {
                Ok(_) => path.clone(),
                Err(refused) if is_held_open(&path) => {
                    let placed = beside(refused.file, &path).map_err(explain)?;
                    log::warn(&Fact::new(Code::ReportHeldOpen).at_path(&placed));
                    placed
                }
                Err(refused) => return Err(explain(refused.error)),
            }
        } else {
            beside(file, &path).map_err(explain)?
        };
        // The folder is synced so that the new name is durable. Not every file system supports it; the
        // content is durable already.
        if let Ok(folder) = File::open(folder_of(&placed)) {
            let _ = folder.sync_all();
        }
        Ok(placed)
    }

    /// Lets every account read the file. The mode is set on the handle, because the path may lead to another
    /// file.
    pub(super) fn share(&self) -> Result<(), ReportError> {
        let shared = match self.file.get_ref() {
            Target::Unnamed(file) => let_others_read(file),
            Target::Beside(file) => let_others_read(file.as_file()),
            Target::Stream(_) => Ok(()),
        };
        shared.map_err(ReportError::write(&self.path))
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), ReportError> {
        let written = self.file.write_all(bytes);
        written.map_err(ReportError::write(&self.path))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Links a finished file to its path or to a numbered path, atomically and without replacing a file.
fn beside(mut file: NamedTempFile, path: &Path) -> io::Result<PathBuf> {
    for number in 1..MOST {
        let name = numbered(path, number);
        match file.persist_noclobber(for_system(&name)?) {
            Ok(_) => return Ok(name),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                file = refused.file;
            }
            Err(refused) => return Err(refused.error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The maximum number of files with one base name.
const MOST: u32 = 100_000;

/// Returns a path with a number before its extension, from 2 on: `r.results-2.csv`.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number < 2 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    // An existing number is replaced.
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = bare
        .strip_suffix('-')
        .filter(|bare| !bare.is_empty())
        .unwrap_or(&stem);
    match path.extension() {
        Some(ending) => {
            path.with_file_name(format!("{stem}-{number}.{}", ending.to_string_lossy()))
        }
        None => path.with_file_name(format!("{stem}-{number}")),
    }
}

/// Opens a writable path that is not a file: a pipe with a reader, or the null device.
#[cfg(unix)]
fn stream_at(path: &Path, there: &std::fs::Metadata) -> io::Result<Stream> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let kind = there.file_type();
    let is_nowhere = path == Path::new("/dev/null");
    if !kind.is_fifo() && !is_nowhere {
        return Err(io::Error::other(say().report_not_a_file()));
    }
    // Opening must not block on a pipe without a reader, because that would also delay signals.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .custom_flags(nonblocking)
        .open(path)
        .map_err(|_| io::Error::other(say().report_no_reader()))?;
    let opened = file.metadata()?;
    if opened.file_type().is_fifo() {
        crate::safe_fs::refuse_foreign(&opened)?;
    }
    // Writes may block on a slow reader.
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty())?;
    Ok(Stream::Pipe(file))
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|there| there.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_path: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn stream_at(_path: &Path, _there: &std::fs::Metadata) -> io::Result<Stream> {
    Err(io::Error::other(say().report_no_file()))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, placing: Placing, text: &str) -> PathBuf {
        let mut file = WholeFile::create_as(path, placing).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap()
    }

    #[test]
    fn a_file_is_replaced_completely_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        std::fs::write(&path, "old").unwrap();
        let mut half = WholeFile::create(&path).unwrap();
        half.write_all(b"ne").unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "a process that is killed now leaves nothing behind"
        );
        drop(half);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(write(&path, Placing::Replace, "new"), path);
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_private_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        write(&path, Placing::Replace, "linked");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn only_its_own_result_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.results.csv");
        let own = write(&path, Placing::Beside(None), "one");
        assert_eq!(own, path);
        let mark = Mark::of(&path);
        // The run that wrote the file may replace it.
        assert_eq!(write(&path, Placing::Beside(mark), "two"), path);
        // The file has been edited or belongs to another run.
        let mark = Mark::of(&path);
        std::fs::write(&path, "edited").unwrap();
        let other = write(&path, Placing::Beside(mark), "three");
        assert_eq!(other, folder.path().join("r.results-2.csv"));
        let third = write(&other, Placing::Beside(None), "four");
        assert_eq!(
            third,
            folder
                .path()
                .join("r.results.csv")
                .with_file_name("r.results-3.csv")
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"edited");
    }

    #[cfg(unix)]
    #[test]
    fn pipes_without_a_reader_and_devices_are_refused_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/full"), folder.path()] {
            assert!(WholeFile::create(path).is_err(), "{}", path.display());
        }
    }
}
