//! Decodes a file to UTF-8 while it is read.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult};

use super::charset::Charset;

/// Marks input that cannot be decoded. The byte is never valid UTF-8, so the checks find the cell, and no
/// replacement can be mistaken for the cell's text.
const UNDECODABLE: u8 = 0xFF;

/// Decodes bytes of an encoding to UTF-8. UTF-8 input is passed through unchanged, valid or not, so that
/// invalid bytes can be reported.
pub(super) struct Decode<R> {
    inner: R,
    decoder: Option<Decoding>,
    input: Vec<u8>,
    input_at: usize,
    input_end: usize,
    ended: bool,
    pushed_back: Vec<u8>,
}

/// The decoding of text that is not UTF-8.
enum Decoding {
    Web(Decoder),
    /// A table of the characters of the bytes from 0x80.
    Page(&'static [char; 128]),
}

impl<R: Read> Decode<R> {
    /// Creates a decoder. `inner` must be positioned after any byte order mark.
    pub(super) fn new(inner: R, charset: Charset) -> Self {
        let decoder = match charset {
            _ if charset.is_utf8() => None,
            Charset::Web(encoding) => {
                Some(Decoding::Web(encoding.new_decoder_without_bom_handling()))
            }
            Charset::Page(page) => Some(Decoding::Page(&page.high)),
        };
        Decode {
            inner,
            input: vec![0; if decoder.is_some() { 64 * 1024 } else { 0 }],
            decoder,
            input_at: 0,
            input_end: 0,
            ended: false,
            pushed_back: Vec::new(),
        }
    }

    /// Appends decoded text to `out` until it holds `target` bytes or the input ends. Returns whether the
    /// input has ended.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, target: usize) -> io::Result<bool> {
        out.append(&mut self.pushed_back);
        if self.decoder.is_none() {
            let missing = target.saturating_sub(out.len());
            let read = (&mut self.inner).take(missing as u64).read_to_end(out)?;
            return Ok(read < missing);
        }
        while out.len() < target && !self.ended {
            if self.input_at == self.input_end {
                self.input_at = 0;
                self.input_end = self.inner.read(&mut self.input)?;
            }
            self.decode_some(out);
        }
        Ok(self.ended)
    }

    /// Pushes back text. The next [`Self::fill`] returns it first.
    pub(super) fn push_back(&mut self, text: Vec<u8>) {
        self.pushed_back = text;
    }

    fn decode_some(&mut self, out: &mut Vec<u8>) {
        let last = self.input_end == 0;
        let input = &self.input[self.input_at..self.input_end];
        let decoder = match &mut self.decoder {
            None => return,
            Some(Decoding::Web(decoder)) => decoder,
            Some(Decoding::Page(high)) => {
                for &byte in input {
                    match byte.checked_sub(0x80) {
                        None => out.push(byte),
                        Some(at) => {
                            let letter = high[usize::from(at)];
                            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                    }
                }
                self.input_at = self.input_end;
                self.ended = last;
                return;
            }
        };
        let start = out.len();
        let room = decoder
            .max_utf8_buffer_length_without_replacement(input.len())
            .unwrap_or(input.len() * 3 + 16);
        out.resize(start + room, 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(input, &mut out[start..], last);
        out.truncate(start + written);
        self.input_at += read;
        match result {
            DecoderResult::Malformed(_, _) => out.push(UNDECODABLE),
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
        }
    }
}
