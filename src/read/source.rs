use crate::l10n::say;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::model::hex;
use sha2::{Digest, Sha256};

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
    /// copied first into a file without a name, which nobody else can change and which is gone
    /// with this process, however it ends.
    pub(super) fn open(path: &Path, copy: bool) -> io::Result<Source> {
        if path == Path::new("-") {
            return Source::copied(io::stdin().lock());
        }
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                say().read_is_folder(),
            ));
        }
        // A pipe can be read once only.
        if copy || !file.metadata()?.is_file() {
            Source::copied(file)
        } else {
            Source::of(file)
        }
    }

    /// A source of what `write` writes, in a file without a name.
    pub(super) fn written<E: From<io::Error>>(
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
    ) -> Result<Source, E> {
        let file = tempfile::tempfile()?;
        let mut writer = BufWriter::new(&file);
        write(&mut writer)?;
        writer.flush()?;
        drop(writer);
        Ok(Source::of(file)?)
    }

    fn copied(mut from: impl Read) -> io::Result<Source> {
        Source::written(|to| {
            io::copy(&mut from, to)?;
            Ok(())
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
