//! The origin of a file decides how far it is trusted.

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
    /// The user, on the command line: links are followed, and a FIFO is read to its end.
    #[default]
    Named,
    /// The user, in a page of the console: links are followed, and only a regular file is opened.
    Page,
    /// An account that can write to an inbox: no link is followed, and other accounts cannot replace a
    /// folder on the way.
    Dropped,
}

/// Bytes that are read of a stream, or of a file from a page or an inbox: four times a roster of a
/// million rows.
const MOST: u64 = 1024 * 1024 * 1024;

/// All bytes of a file.
///
/// # Errors
/// When it cannot be read, or is too large.
pub fn content_of(path: &Path, origin: Origin) -> Result<Vec<u8>, ReadError> {
    let source = Source::open(path, false, origin)?;
    source.content().map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Creates an unnamed file in the folder for temporary files.
pub(super) fn temporary() -> io::Result<File> {
    tempfile::tempfile().map_err(|_| Refusal::NoTemporary.into())
}

/// Converts an error of writing a copy: a full disk is not a fault of the copied file.
pub(super) fn of_temporary(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::NoTemporary.into(),
        _ => error,
    }
}

/// A file's bytes, to be read as often as needed, from several places at once. It holds the file
/// open, so that another one put in its place changes nothing.
#[derive(Debug)]
pub(super) struct Source {
    file: Arc<File>,
    size: u64,
    sha256: OnceLock<String>,
}

impl Source {
    /// The file at `path`, or standard input. With `copy`, and for standard input, its bytes are
    /// copied first into a file without a name, which no other account can change and which is gone
    /// with this process, however it ends.
    pub(super) fn open(path: &Path, copy: bool, origin: Origin) -> Result<Source, ReadError> {
        let io = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        if path == Path::new("-") {
            return Source::copied(safe_fs::standard_input(), MOST).map_err(io);
        }
        let opened = match origin {
            Origin::Named => safe_fs::open(path),
            Origin::Page => safe_fs::open_file(path).map(Named::File),
            Origin::Dropped => safe_fs::open_in_shared_folder(path).map(Named::File),
        };
        match opened.map_err(io)? {
            // It can be read once only.
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
                // What was written meanwhile may be half of one edition and half of another.
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

    /// A source of what `write` writes, in a file without a name.
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
            // As it is, a file is copied by the kernel.
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

    /// A reader of its own that begins at byte `at`.
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

    /// Whether the file has another length now than when it was opened.
    pub(super) fn has_changed(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() != self.size)
    }

    /// All of its bytes.
    pub(super) fn content(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Bounded::new(self.reader(0), MOST).read_to_end(&mut content)?;
        Ok(content)
    }

    /// SHA-256 of the bytes, in hexadecimal; worked out when first asked for.
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

/// Reads a [`Source`] from a place of its own.
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
