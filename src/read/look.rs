//! Detects the encoding of a file in one pass.

use std::io::{self, Read};
use std::path::Path;

use encoding_rs::Encoding;
use rayon::prelude::*;

use super::charset::Charset;
use super::dialect::{Evidence, utf16_without_mark};
use super::error::ReadError;
use super::guess::Words;
use super::signatures::{is_binary, kind_of};
use super::source::Source;
use crate::model::Code;

/// The results of a pass over a file's bytes.
pub(super) struct Look {
    /// The first bytes of the file.
    pub(super) start: Vec<u8>,
    evidence: Evidence,
}

/// The number of bytes per unit of parallel work.
const CHUNK: usize = 1024 * 1024;

impl Look {
    /// Reads only the first bytes.
    pub(super) fn at_start(source: &Source) -> io::Result<Look> {
        let mut start = Vec::new();
        source.reader(0).take(64 * 1024).read_to_end(&mut start)?;
        Ok(Look {
            start,
            evidence: Evidence::default(),
        })
    }

    /// Reads all bytes in parallel. The pieces may divide a character, whose halves are joined again.
    fn through(&mut self, source: &Source) -> io::Result<()> {
        let pieces = usize::try_from(source.size())
            .unwrap_or(usize::MAX)
            .div_ceil(CHUNK);
        let group = rayon::current_num_threads().max(1) * 2;
        // A clone of an empty vector has no capacity.
        let buffer = || Vec::with_capacity(CHUNK);
        let mut buffers: Vec<Vec<u8>> = std::iter::repeat_with(buffer)
            .take(group.min(pieces))
            .collect();
        for first in (0..pieces).step_by(group) {
            let found: Vec<io::Result<Evidence>> = buffers
                .par_iter_mut()
                .enumerate()
                .map(|(index, buffer)| {
                    buffer.clear();
                    let at = ((first + index) * CHUNK) as u64;
                    source.reader(at).take(CHUNK as u64).read_to_end(buffer)?;
                    Ok(Evidence::of(buffer))
                })
                .collect();
            for evidence in found {
                self.evidence.append(evidence?);
            }
        }
        Ok(())
    }

    /// The file's encoding, and the length of its byte order mark.
    pub(super) fn encoding(
        mut self,
        source: &Source,
        path: &Path,
        forced: Option<Charset>,
    ) -> Result<(Charset, u64), ReadError> {
        if let Some(kind) = kind_of(&self.start) {
            return Err(ReadError::of_kind(path, kind));
        }
        let marked =
            Encoding::for_bom(&self.start).map(|(found, length)| (Charset::Web(found), length));
        let length = marked.map_or(0, |(_, length)| length as u64);
        if let Some(encoding) = forced.or(marked.map(|(encoding, _)| encoding)) {
            // The byte order mark of an encoding other than the requested one is not skipped.
            let own = marked.is_some_and(|(found, _)| found == encoding);
            return Ok((encoding, if own { length } else { 0 }));
        }
        if let Some(encoding) = utf16_without_mark(&self.start) {
            return Ok((Charset::Web(encoding), 0));
        }
        if is_binary(&self.start) {
            return Err(ReadError::of_kind(path, Code::KindBinary));
        }
        let io = ReadError::io(path);
        self.through(source).map_err(io)?;
        if self.evidence.is_utf8() {
            return Ok((Charset::UTF_8, 0));
        }
        let words = Words::read(source.reader(0)).map_err(io)?;
        match words.verdict() {
            Ok(charset) => Ok((charset, 0)),
            Err(likely) => Err(ReadError::UnknownEncoding {
                path: path.to_owned(),
                likely,
            }),
        }
    }
}
