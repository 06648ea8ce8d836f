//! Locates keys in a target file.

use std::ops::Range;

use super::field::FieldSpec;
use super::mistake::Mistake;

/// The position of a setting in a target file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The field whose name starts at this byte: the line with this key, or the field's name.
    Field(usize, &'static str),
    /// A table and a key. An empty table is the top level of the file; an empty key is the table itself.
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
            Place::Key(table, key) => key_place(text, table, key),
        }
    }
}

/// The position of a field's key in a target's `text`, or of the field's name if the key is missing.
pub fn place_of(text: &str, field: &FieldSpec, key: &'static str) -> Range<usize> {
    Place::Field(field.name.span().start, key).span(text)
}

/// The line that sets a key, as `[table]`, `key = …` or `table.key = …`. Falls back to the first line of the
/// table, and then to the first line of the file.
fn key_place(text: &str, table: &str, key: &str) -> Range<usize> {
    let sought = path_of(table, key);
    let top = sought.split('.').next().unwrap_or_default();
    let (mut start, mut header, mut of_table) = (0, "", None);
    for line in text.split_inclusive('\n') {
        let span = trimmed(text, start..start + line.len());
        start += line.len();
        let bare = line.trim();
        let found = match (header_of(bare), bare.split_once('=')) {
            (Some(name), _) => {
                header = name;
                name.to_owned()
            }
            (None, Some((name, _))) => path_of(header, name.trim()),
            (None, None) => continue,
        };
        if found == sought {
            return span;
        }
        if found.split('.').next() == Some(top) {
            of_table.get_or_insert(span);
        }
    }
    of_table.unwrap_or(0..text.find('\n').unwrap_or(text.len()))
}

/// Joins a table and a key with a dot if both are present.
fn path_of(table: &str, key: &str) -> String {
    let names = [table, key].map(str::trim);
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    names.join(".")
}

/// The name of the table that a header line opens.
fn header_of(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('[')?.split_once(']')?;
    Some(name.trim_start_matches('[').trim())
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

/// Shrinks a range to exclude surrounding space.
fn trimmed(text: &str, within: Range<usize>) -> Range<usize> {
    let line = &text[within.clone()];
    let start = within.start + (line.len() - line.trim_start().len());
    start..start + line.trim().len()
}

/// Collects mistakes with their positions.
pub(super) struct Found<'a> {
    text: &'a str,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Found<'a> {
    /// Creates an empty collection for `text`.
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

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
\u{FEFF}name = \"é\"
headers.Accept = \"a=b\"
quota.burst = 10
# update = 1
answers = { retry = [] }

[ variables.school ] # one of several
about = \"name = x\"
default = \"a\"

[lookup]
keys = [
  \"id\",
]
  page_size  =  50

[lookup.paging]
kind = \"next\"

[[sign_in]]
kind = \"bearer\"

[[fields]]
kind = \"text\"
name = \"first\"
aliases.en = [\"One\"]

[fields.synonyms]
a = [\"b\"]

[[fields]]
name = \"second\"
kind = \"choice\"";

    #[test]
    fn a_key_is_found_in_every_notation_of_its_table() {
        let text = FILE.trim_start_matches('\u{FEFF}');
        for (table, key, line) in [
            ("", "name", "name = \"é\""),
            ("quota", "burst", "quota.burst = 10"),
            ("quota", "requests", "quota.burst = 10"),
            ("", "headers", "headers.Accept = \"a=b\""),
            ("answers", "stop", "answers = { retry = [] }"),
            ("variables.school", "about", "about = \"name = x\""),
            (
                "variables.school",
                "",
                "[ variables.school ] # one of several",
            ),
            ("variables", "", "[ variables.school ] # one of several"),
            ("lookup", "page_size", "page_size  =  50"),
            ("lookup", "paging", "[lookup.paging]"),
            ("lookup", "total", "[lookup]"),
            ("sign_in", "kind", "kind = \"bearer\""),
            ("sign_in", "", "[[sign_in]]"),
            // A missing key is reported at the first line of the file.
            ("update", "path", "name = \"é\""),
            ("", "update", "name = \"é\""),
            ("", "kind", "name = \"é\""),
        ] {
            let span = Place::Key(table, key).span(text);
            assert_eq!(&text[span], line, "{table}.{key}");
        }
        assert_eq!(Place::Key("", "name").span(""), 0..0);
        assert_eq!(Place::Key("", "name").span("x"), 0..1);
    }

    #[test]
    fn a_fields_key_is_found_only_in_the_fields_own_table() {
        for (name, key, line) in [
            ("first", "kind", "kind = \"text\""),
            ("first", "name", "name = \"first\""),
            // The key is missing here, although its siblings and its table exist.
            ("first", "a", "\"first\""),
            ("first", "aliases", "\"first\""),
            ("second", "kind", "kind = \"choice\""),
            ("second", "aliases.en", "\"second\""),
        ] {
            let position = FILE.find(&format!("\"{name}\"")).unwrap();
            let span = Place::Field(position, key).span(FILE);
            assert_eq!(&FILE[span], line, "{name}.{key}");
        }
        let last = FILE.find("\"choice\"").unwrap();
        let span = Place::Field(last, "pointer").span(FILE);
        assert_eq!(&FILE[span], "\"choice\"");
    }
}
