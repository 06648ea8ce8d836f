//! Whole files appear under their name complete or not at all.

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

/// A file that appears under its name whole or not at all: written in its folder without any name, or
/// under a temporary one where the file system knows no other way, synced, and renamed. Without a name
/// it leaves nothing behind where the process dies. Readable by its owner alone, since it may hold
/// personal data.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    placing: Placing,
    file: BufWriter<Target>,
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placing {
    /// It is replaced: somebody named it.
    Replace,
    /// It is replaced only if it is the one with this mark; else it stays, and the new one gets a
    /// number.
    Beside(Option<Mark>),
}

/// What tells a file from any other, and from itself once somebody has changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    device: u64,
    number: u64,
    bytes: u64,
    modified: Option<u128>,
}

impl Mark {
    /// The mark of the file at `path`; none where there is none.
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
    /// Standard output, or a pipe that somebody reads: nothing can be put in its place.
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
    /// Begins a file that is to be called `path`, in place of whatever has that name. What is there
    /// already stays until [`WholeFile::finish`]. `-` is standard output.
    ///
    /// # Errors
    /// When the folder cannot be written to, or what is there is neither a file nor a pipe that
    /// somebody reads.
    pub fn create(path: &Path) -> Result<WholeFile, ReportError> {
        WholeFile::create_as(path, Placing::Replace)
    }

    /// The same; `placing` says what becomes of a file that is there already.
    ///
    /// # Errors
    /// As for [`WholeFile::create`].
    pub fn create_as(path: &Path, placing: Placing) -> Result<WholeFile, ReportError> {
        let explain = |source: io::Error| ReportError::Write {
            path: path.to_owned(),
            // The temporary file's own name would only confuse.
            source: source.kind().into(),
        };
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
        // A link stays what it is; what it points to is replaced, where somebody named it.
        let path = match placing {
            Placing::Replace => {
                crate::safe_fs::place_of(path).map_err(|source| ReportError::Write {
                    path: path.to_owned(),
                    source,
                })?
            }
            Placing::Beside(_) => path.to_owned(),
        };
        if placing == Placing::Replace
            && let Ok(there) = std::fs::metadata(&path)
            && !there.is_file()
        {
            let stream = stream_at(&path, &there).map_err(|source| ReportError::Write {
                path: path.clone(),
                source,
            })?;
            return Ok(begun(path, Target::Stream(stream)));
        }
        let target = match unnamed_in(folder_of(&path)) {
            Ok(file) => Target::Unnamed(file),
            Err(_) => {
                let file = temporary(folder_of(&path));
                Target::Beside(file.map_err(explain)?)
            }
        };
        Ok(begun(path, target))
    }

    /// Writes a text to `path`, in place of whatever has that name.
    pub fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
        let mut file = WholeFile::create(path)?;
        let explain = file.explain();
        file.write_all(text.as_bytes()).map_err(explain)?;
        file.finish()?;
        Ok(())
    }

    /// Finds out whether a file can be written at `path`, and leaves nothing there.
    ///
    /// # Errors
    /// As for [`WholeFile::create`].
    pub fn probe(path: &Path, placing: Placing) -> Result<(), ReportError> {
        // A pipe that is opened and closed has ended for its reader.
        if placing == Placing::Replace && is_pipe(path) {
            let there = std::fs::metadata(path);
            let checked = there.and_then(|there| Ok(crate::safe_fs::refuse_foreign(&there)?));
            return checked.map_err(|source| ReportError::Write {
                path: path.to_owned(),
                source,
            });
        }
        WholeFile::create_as(path, placing).map(drop)
    }

    /// Whether a file at `path` has no name until it is finished, so that it may take as long as it likes.
    pub(super) fn is_unnamed_at(path: &Path) -> bool {
        // One that is a link may be written where that leads.
        let path = canonical(path).unwrap_or_else(|_| path.to_owned());
        unnamed_in(folder_of(&path)).is_ok()
    }

    /// Puts the file in its place. Returns where that is: its path, or the same with a number where
    /// another file has it or another program has the file there open.
    ///
    /// # Errors
    /// When it cannot be written to its end or renamed; nothing is left behind then.
    pub fn finish(self) -> Result<PathBuf, ReportError> {
        let path = self.path;
        let explain = |source| ReportError::Write {
            path: path.clone(),
            source,
        };
        let target = self
            .file
            .into_inner()
            .map_err(|error| explain(error.into_error()))?;
        let file = match target {
            Target::Beside(file) => file,
            Target::Unnamed(file) => {
                file.sync_all().map_err(&explain)?;
                named(file, folder_of(&path)).map_err(&explain)?
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
        file.as_file().sync_all().map_err(&explain)?;
        let own = match &self.placing {
            Placing::Replace => true,
            Placing::Beside(mark) => mark.is_some() && *mark == Mark::of(&path),
        };
        let placed = if own {
            match file.persist(for_system(&path).map_err(&explain)?) {
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
        // The new name lives in the folder, so that must reach the disk too. Not every file
        // system lets a folder be synced; the file itself is safe by now.
        if let Ok(folder) = File::open(folder_of(&placed)) {
            let _ = folder.sync_all();
        }
        Ok(placed)
    }

    /// Lets every account read the file. On the handle: what its path leads to may be another file by then.
    pub(super) fn share(&self) -> io::Result<()> {
        match self.file.get_ref() {
            Target::Unnamed(file) => let_others_read(file),
            Target::Beside(file) => let_others_read(file.as_file()),
            Target::Stream(_) => Ok(()),
        }
    }

    pub(super) fn explain(&self) -> impl Fn(io::Error) -> ReportError + use<> {
        let path = self.path.clone();
        move |source| ReportError::Write {
            path: path.clone(),
            source,
        }
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

/// Gives a finished file its name, or the same with a number: whichever nobody has, in one step that
/// nobody can come between.
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

/// Files of one name that may lie beside each other.
const MOST: u32 = 100_000;

/// A path with a number before its ending, from 2 on: `r.results-2.csv`.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number < 2 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    // One that has a number already gets the next one in its place.
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

/// What can be written to and is no file: a pipe that somebody reads, or nowhere.
#[cfg(unix)]
fn stream_at(path: &Path, there: &std::fs::Metadata) -> io::Result<Stream> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let kind = there.file_type();
    let is_nowhere = path == Path::new("/dev/null");
    if !kind.is_fifo() && !is_nowhere {
        return Err(io::Error::other(say().report_not_a_file()));
    }
    // Without waiting: a pipe that nobody reads would hold everything up, signals too.
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
    // From here on a slow reader is waited for.
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
    fn a_file_is_whole_or_as_it_was() {
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
    fn a_file_is_its_owners_alone() {
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
        // Again, by the one who wrote it.
        assert_eq!(write(&path, Placing::Beside(mark), "two"), path);
        // Somebody has edited it since, or it is another's.
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
    fn a_pipe_that_nobody_reads_and_a_device_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/full"), folder.path()] {
            assert!(WholeFile::create(path).is_err(), "{}", path.display());
        }
    }
}
