use std::ops::Range;

use super::field::FieldSpec;
use super::mistake::Mistake;

/// Where in a target file something stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The field whose name stands at this byte: its line with this key, or its name.
    Field(usize, &'static str),
    /// The first line that sets this key below this table; the empty name is the file's top.
    Key(&'static str, &'static str),
}

impl Place {
    fn span(self, text: &str) -> Range<usize> {
        match self {
            Place::Field(position, key) => {
                let block = text[..position].rfind("[[").unwrap_or(0);
                let end = text[position..].find("\n[").map(|end| position + end);
                let of_key = line_with(text, block..end.unwrap_or(text.len()), key);
                of_key.unwrap_or_else(|| {
                    let line = text[position..].find('\n').unwrap_or(text.len() - position);
                    position..position + line
                })
            }
            Place::Key(table, key) => {
                let mut start = 0;
                let mut below = table.is_empty();
                for line in text.split_inclusive('\n') {
                    let bare = line.trim();
                    let span = || trimmed(text, start..start + line.len());
                    if bare.starts_with('[') {
                        below = bare.trim_matches(['[', ']']) == table;
                        if below && key.is_empty() {
                            return span();
                        }
                    }
                    if below && is_set(bare, key) {
                        return span();
                    }
                    start += line.len();
                }
                0..text.find('\n').unwrap_or(text.len())
            }
        }
    }
}

/// Where in a target's `text` a key of a field stands; its name, where it has no such key.
pub fn place_of(text: &str, field: &FieldSpec, key: &'static str) -> Range<usize> {
    Place::Field(field.name.span().start, key).span(text)
}

fn is_set(line: &str, key: &str) -> bool {
    line.split_once('=')
        .is_some_and(|(name, _)| name.trim() == key)
}

fn line_with(text: &str, within: Range<usize>, key: &str) -> Option<Range<usize>> {
    let mut start = within.start;
    for line in text[within].split_inclusive('\n') {
        if is_set(line.trim(), key) {
            return Some(trimmed(text, start..start + line.len()));
        }
        start += line.len();
    }
    None
}

/// A stretch without the space around it.
fn trimmed(text: &str, within: Range<usize>) -> Range<usize> {
    let line = &text[within.clone()];
    let start = within.start + (line.len() - line.trim_start().len());
    start..start + line.trim().len()
}

/// What was found, and where.
pub(super) struct Found<'a> {
    text: &'a str,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Found<'a> {
    /// Nothing, yet, of what is wrong in `text`.
    pub(super) fn new(text: &'a str) -> Found<'a> {
        Found {
            text,
            mistakes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, place: Place, message: impl Into<String>) {
        let span = place.span(self.text);
        self.mistakes.push(Mistake::new(span, message));
    }

    pub(super) fn add_secret(&mut self, place: Place, message: String) {
        self.add(place, message);
        if let Some(mistake) = self.mistakes.last_mut() {
            mistake.is_secret = true;
        }
    }
}
