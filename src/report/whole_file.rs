use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ReportError;

/// A file that appears under its name whole or not at all: written beside its place under a
/// temporary name, synced, and renamed. Readable by its owner alone, since it may hold personal
/// data.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    file: BufWriter<Target>,
}

#[derive(Debug)]
enum Target {
    Beside(NamedTempFile),
    /// A device or a pipe, such as /dev/stdout, which nothing can be put in the place of.
    Device(std::fs::File),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Beside(file) => file.write(bytes),
            Target::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Beside(file) => file.flush(),
            Target::Device(file) => file.flush(),
        }
    }
}

impl WholeFile {
    /// Begins a file that is to be called `path`. What is there already stays until
    /// [`WholeFile::finish`].
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(path: &Path) -> Result<WholeFile, ReportError> {
        let explain = |source: io::Error| ReportError::Write {
            path: path.to_owned(),
            // The temporary file's own name would only confuse.
            source: source.kind().into(),
        };
        let folder = folder_of(path);
        if !folder.is_dir() {
            return Err(ReportError::NoFolder {
                path: path.to_owned(),
                folder: folder.to_owned(),
            });
        }
        // A link stays what it is; what it points to is replaced.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = match std::fs::metadata(&path) {
            Ok(there) if there.is_dir() => {
                return Err(explain(io::ErrorKind::IsADirectory.into()));
            }
            Ok(there) if !there.is_file() => {
                let device = std::fs::OpenOptions::new().write(true).open(&path);
                Target::Device(device.map_err(explain)?)
            }
            _ => Target::Beside(
                tempfile::Builder::new()
                    .prefix(".rosterpatch-")
                    .suffix(".tmp")
                    .tempfile_in(folder_of(&path))
                    .map_err(explain)?,
            ),
        };
        Ok(WholeFile {
            path,
            file: BufWriter::with_capacity(256 * 1024, file),
        })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When it cannot be written to its end or renamed; nothing is left behind then.
    pub fn finish(self) -> Result<PathBuf, ReportError> {
        let path = self.path;
        let explain = |source| ReportError::Write {
            path: path.clone(),
            source,
        };
        let file = self
            .file
            .into_inner()
            .map_err(|error| explain(error.into_error()))?;
        let Target::Beside(file) = file else {
            return Ok(path);
        };
        file.as_file().sync_all().map_err(explain)?;
        file.persist(&path).map_err(|error| explain(error.error))?;
        // The new name lives in the folder, so that must reach the disk too. Not every file
        // system lets a folder be synced; the file itself is safe by now.
        if let Ok(folder) = std::fs::File::open(folder_of(&path)) {
            let _ = folder.sync_all();
        }
        Ok(path)
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        std::fs::write(&path, "old").unwrap();
        let mut half = WholeFile::create(&path).unwrap();
        half.write_all(b"ne").unwrap();
        drop(half);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let mut whole = WholeFile::create(&path).unwrap();
        whole.write_all(b"new").unwrap();
        whole.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
