//! Gives access to a file's bytes, with checks that depend on its origin.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::ReadError;
use crate::model::hex;
use crate::safe_fs::{self, Bounded, Named, Refusal};

/// The origin of a file name, which determines how far the file is trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The command line: links are followed, and a FIFO is read to its end.
    #[default]
    Named,
    /// A page of the console: links are followed, and only regular files are opened.
    Page,
    /// An inbox that other accounts may write to: links are not followed, and other accounts cannot replace a
    /// folder of the path.
    Dropped,
}

/// The maximum number of bytes read from a stream, or from a file of a page or an inbox: four times the size
/// of a roster with a million rows.
const MOST: u64 = 1024 * 1024 * 1024;

/// Reads all bytes of a file. Fails if it is too large.
pub fn content_of(path: &Path, origin: Origin) -> Result<Vec<u8>, ReadError> {
    let source = Source::open(path, false, origin)?;
    source.content().map_err(ReadError::io(path))
}

/// Creates an unnamed file in the folder for temporary files.
pub(super) fn temporary() -> io::Result<File> {
    tempfile::tempfile().map_err(|_| Refusal::NoTemporary.into())
}

/// Converts an error of writing a copy. A full disk is not a fault of the copied file.
pub(super) fn of_temporary(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::NoTemporary.into(),
        _ => error,
    }
}

/// The bytes of a file, which can be read repeatedly and concurrently. The file is kept open, so replacing it
/// has no effect.
#[derive(Debug)]
pub(super) struct Source {
    file: Arc<File>,
    size: u64,
    sha256: OnceLock<String>,
}

impl Source {
    /// Opens the file at `path`, or standard input. Standard input and, with `copy`, files are first copied
    /// to an unnamed file, which other accounts cannot change and which disappears with this process.
    pub(super) fn open(path: &Path, copy: bool, origin: Origin) -> Result<Source, ReadError> {
        let io = ReadError::io(path);
        if path == Path::new("-") {
            return Source::copied(safe_fs::standard_input(), MOST).map_err(io);
        }
        let opened = match origin {
            Origin::Named => safe_fs::open(path),
            Origin::Page => safe_fs::open_file(path).map(Named::File),
            Origin::Dropped => safe_fs::open_in_shared_folder(path).map(Named::File),
        };
        match opened.map_err(io)? {
            // A stream can be read only once.
            Named::Stream(stream) => Source::copied(stream, MOST).map_err(io),
            Named::File(file) if copy => {
                let before = safe_fs::FileInfo::at(&file).map_err(io)?;
                let most = match origin {
                    Origin::Named => MOST.max(before.size),
                    Origin::Page | Origin::Dropped => MOST,
                };
                if before.size > most {
                    return Err(io(Refusal::TooLarge { most }.into()));
                }
                let source = Source::copied(&file, most).map_err(io)?;
                // A file that was changed during the copy may mix two versions.
                let after = safe_fs::FileInfo::at(&file).map_err(io)?;
                if (before.size, before.modified) != (after.size, after.modified) {
                    return Err(ReadError::Changed {
                        path: path.to_owned(),
                    });
                }
                Ok(source)
            }
            Named::File(file) => Source::of(file).map_err(io),
        }
    }

    /// Creates a source with the output of `write` in an unnamed file.
    pub(super) fn written<E: From<io::Error>>(
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
    ) -> Result<Source, E> {
        let file = temporary()?;
        let mut writer = BufWriter::new(&file);
        write(&mut writer)?;
        writer.flush().map_err(of_temporary)?;
        drop(writer);
        Ok(Source::of(file)?)
    }

    fn copied(from: impl Read, most: u64) -> io::Result<Source> {
        Source::written(|to| {
            // The reader is unbuffered, so that `io::copy` can copy a file within the kernel.
            let copied = io::copy(&mut from.take(most.saturating_add(1)), to);
            match copied.map_err(of_temporary)? {
                copied if copied > most => Err(Refusal::TooLarge { most }.into()),
                _ => Ok(()),
            }
        })
    }

    fn of(file: File) -> io::Result<Source> {
        Ok(Source {
            size: file.metadata()?.len(),
            file: Arc::new(file),
            sha256: OnceLock::new(),
        })
    }

    /// Creates an independent reader that begins at byte `at`.
    pub(super) fn reader(&self, at: u64) -> SourceReader {
        SourceReader {
            file: self.file.clone(),
            at,
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether the file's length has changed since it was opened.
    pub(super) fn has_changed(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() != self.size)
    }

    /// Reads all bytes.
    pub(super) fn content(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Bounded::new(self.reader(0), MOST).read_to_end(&mut content)?;
        Ok(content)
    }

    /// The SHA-256 of the bytes in hexadecimal, computed on first use.
    pub(super) fn sha256(&self) -> io::Result<&str> {
        if let Some(known) = self.sha256.get() {
            return Ok(known);
        }
        let mut hash = Sha256::new();
        let mut reader = self.reader(0);
        let mut chunk = vec![0; 256 * 1024];
        loop {
            let read = reader.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
        }
        Ok(self.sha256.get_or_init(|| hex(&hash.finalize())))
    }
}

/// A reader of a [`Source`] with its own position. It repeats interrupted reads.
#[derive(Debug)]
pub(super) struct SourceReader {
    file: Arc<File>,
    at: u64,
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            #[cfg(unix)]
            let result = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at);
            #[cfg(windows)]
            let result = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.at);
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}
