use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::model::{Code, Fact};

/// Something in a TOML file that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
    /// Whether the line may hold a secret, and is not shown.
    pub is_secret: bool,
}

impl Mistake {
    /// A mistake at a place.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake {
            span,
            message: message.into(),
            help: None,
            is_secret: false,
        }
    }
}

/// All that is wrong in a TOML file, each with its line.
#[derive(Debug)]
pub struct Mistakes {
    origin: String,
    text: String,
    /// In the order of the file.
    pub list: Vec<Mistake>,
}

/// Columns of a text for no particular window.
const COLUMNS: usize = 100;

impl Mistakes {
    /// What is wrong in `text`, which messages call `origin`.
    pub fn new(origin: &str, text: &str, mut list: Vec<Mistake>) -> Mistakes {
        list.sort_by_key(|mistake| mistake.span.start);
        Mistakes {
            origin: origin.to_owned(),
            text: text.to_owned(),
            list,
        }
    }

    /// What messages call the file.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The same for logs and notifications, under a code: how many there are, and where the first one is.
    pub fn fact(&self, code: Code) -> Fact {
        let fact = Fact::new(code).with_count(self.list.len() as u64);
        match self.list.first() {
            Some(first) => fact.at_line(self.line_of(first) as u64),
            None => fact,
        }
    }

    /// Every mistake with its line and a mark below it, for a window of `columns`, in colour or not.
    pub fn shown(&self, columns: Option<usize>, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.term_width(columns.unwrap_or(COLUMNS));
        let shown = self.list.iter().map(|mistake| {
            let group = Level::ERROR.primary_title(&mistake.message);
            if mistake.is_secret {
                let line = self.line_of(mistake);
                let note = format!(
                    "line {line} of {}, which is not shown since it may hold a secret",
                    self.origin
                );
                let mut group = group.element(Level::NOTE.message(note));
                if let Some(help) = &mistake.help {
                    group = group.element(Level::HELP.message(help));
                }
                return renderer.render(&[group]);
            }
            let snippet = Snippet::source(&self.text)
                .path(&self.origin)
                .annotation(AnnotationKind::Primary.span(self.marked(mistake)));
            let mut group = group.element(snippet);
            if let Some(help) = &mistake.help {
                group = group.element(Level::HELP.message(help));
            }
            renderer.render(&[group])
        });
        shown.collect::<Vec<_>>().join("\n\n")
    }

    /// What is marked: the place, as far as it is on one line.
    fn marked(&self, mistake: &Mistake) -> Range<usize> {
        let Range { start, end } = mistake.span.clone();
        let start = self.text.floor_char_boundary(start);
        let end = self.text.ceil_char_boundary(end);
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.find('\n').unwrap_or(rest.len());
        start..end.clamp(start, start + line)
    }

    /// The line of a mistake, from 1.
    pub fn line_of(&self, mistake: &Mistake) -> usize {
        let before = self.text.get(..mistake.span.start).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(None, false))
    }
}

impl std::error::Error for Mistakes {}

/// The first character: where what concerns the whole file is shown.
fn first(text: &str) -> Range<usize> {
    0..text.chars().next().map_or(0, char::len_utf8)
}

/// Tables in which somebody may have put a secret where its variable's name belongs, and keys that are
/// called like one.
const SECRET_TABLES: [&str; 4] = ["sign_in", "headers", "credentials", "notify"];
const SECRET_KEYS: [&str; 6] = [
    "token",
    "secret",
    "password",
    "key",
    "authorization",
    "cookie",
];

/// Whether the line at `place` may hold a secret: by its table, or by what it is called.
fn may_be_secret(text: &str, place: usize) -> bool {
    let start = text.floor_char_boundary(place);
    let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let name = line.split('=').next().unwrap_or_default().to_lowercase();
    let is_header = line.trim_start().starts_with('[');
    if line.contains("://") && line.contains('@') || line.contains("password=") {
        return true;
    }
    if !line.contains('=') && !is_header {
        return false;
    }
    let header = text[..line_start]
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['));
    // What is wrong within a table may be told at its header.
    let header = if is_header { Some(line.trim()) } else { header };
    let is_in = |table: &&str| {
        let names = header.unwrap_or_default().trim_matches(['[', ']', ' ']);
        names.split('.').any(|name| name.trim() == *table) || name.trim() == *table
    };
    SECRET_TABLES.iter().any(is_in) || SECRET_KEYS.iter().any(|key| name.contains(key))
}

/// Mistakes of one file that are told; after so many it is probably another kind of file.
const MOST: usize = 20;

/// Reads what `text` says, and all that is wrong with how it says it: what TOML does not allow, keys
/// and values that are not known. What could be read is there too, as if the mistakes were not.
pub fn read_toml<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Mistake>) {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let whole = first(text);
        let mistake = |error: &toml::de::Error| {
            let span = error.span().unwrap_or(whole.clone());
            Mistake {
                is_secret: may_be_secret(text, span.start),
                ..Mistake::new(span, error.message())
            }
        };
        return (None, errors.iter().take(MOST).map(mistake).collect());
    }
    let mut found: Vec<Mistake> = Vec::new();
    // Tables from which something was taken out, by where they stand; the file itself is `0..0`.
    let mut damaged: Vec<Range<usize>> = Vec::new();
    while found.len() < MOST {
        let error = match T::deserialize(toml::de::Deserializer::from(table.clone())) {
            Ok(value) => return (Some(value), found),
            Err(error) => error,
        };
        let span = error.span().filter(|span| !span.is_empty());
        // What was taken out of a table is missing there, and has been told.
        let place = span.clone().unwrap_or(0..0);
        let lacks_key = error.message().starts_with("missing field");
        let is_known = lacks_key && damaged.contains(&place);
        if !is_known {
            let place = span.clone().unwrap_or(first(text));
            let is_secret = may_be_secret(text, place.start);
            let mut mistake = in_words(text, place, error.message());
            if is_secret && mistake.help.is_none() {
                // The parser quotes what it found.
                "this is not what stands here".clone_into(&mut mistake.message);
            }
            // A table's header holds none, and says which table it is.
            let shown = text.get(mistake.span.start..).unwrap_or_default();
            mistake.is_secret = is_secret && !shown.starts_with('[');
            found.push(mistake);
        }
        let Some(span) = span else { break };
        match remove(table.get_mut(), 0..0, &span, lacks_key) {
            Some(of) => damaged.extend(of),
            None => break,
        }
    }
    (None, found)
}

/// A mistake in the words of somebody who writes such files, from those of the parser.
fn in_words(text: &str, span: Range<usize>, message: &str) -> Mistake {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let line_start = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
    let header = text[line_start..].lines().next().unwrap_or_default().trim();
    let is_table = header.starts_with('[') && !header.starts_with("[[");
    match *quoted {
        [found, ref known @ ..] if message.starts_with("unknown field") => Mistake {
            help: help(found, known),
            ..Mistake::new(span, format!("there is no key \"{found}\" here"))
        },
        [found, ref known @ ..] if message.starts_with("unknown variant") => Mistake {
            help: help(found, known),
            ..Mistake::new(span, format!("\"{found}\" is not one of the values here"))
        },
        [name] if message.starts_with("missing field") => Mistake {
            help: Some(format!("write `{name} = …`")),
            ..Mistake::new(span, format!("the key \"{name}\" is missing"))
        },
        _ if message.contains("expected a sequence") && is_table => Mistake {
            help: Some(format!("write `[{header}]`: there can be several")),
            ..Mistake::new(
                line_start..line_start + header.len(),
                format!("{header} is one table, and a list of tables is expected"),
            )
        },
        _ => Mistake::new(span, message.to_owned()),
    }
}

/// Words that other tools have for values of ours.
const SYNONYMS: [(&str, &str); 12] = [
    ("string", "text"),
    ("str", "text"),
    ("bool", "boolean"),
    ("int", "integer"),
    ("number", "integer"),
    ("enum", "choice"),
    ("select", "choice"),
    ("guid", "uuid"),
    ("mail", "email"),
    ("tel", "phone"),
    ("zip", "postal_code"),
    ("personnummer", "identity_number"),
];

/// What was probably meant, or what there is.
fn help(found: &str, known: &[&str]) -> Option<String> {
    if known.is_empty() {
        return None;
    }
    let synonym = SYNONYMS.iter().find(|(other, _)| *other == found);
    let synonym = synonym
        .map(|(_, own)| *own)
        .filter(|own| known.contains(own));
    let distance = |word: &str| strsim::damerau_levenshtein(found, word);
    let nearest = known.iter().min_by_key(|word| distance(word));
    let nearest = nearest.filter(|word| distance(word) <= 1.max(found.chars().count() / 3));
    Some(match synonym.or(nearest.copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", known.join(", ")),
    })
}

/// Takes out the entry whose key or value stands at `span`, or the element of a list, also where that is the
/// place of the whole list with `element`: a list of tables stands where its first table does. Returns
/// whether there was one and, of an entry, where the table stands that lacks it now.
fn remove(
    table: &mut DeTable<'_>,
    own: Range<usize>,
    span: &Range<usize>,
    element: bool,
) -> Option<Option<Range<usize>>> {
    let is_there = |key: &Spanned<_>, value: &Spanned<DeValue<'_>>| {
        let is_list = element && value.get_ref().is_array();
        key.span() == *span || value.span() == *span && !is_list
    };
    let found = table.iter().find(|(key, value)| is_there(key, value));
    if let Some(key) = found.map(|(key, _)| key.clone()) {
        table.remove(&key);
        return Some(Some(own));
    }
    table
        .iter_mut()
        .find_map(|(_, value)| remove_in(value, span, element))
}

fn remove_in(
    value: &mut Spanned<DeValue<'_>>,
    span: &Range<usize>,
    element: bool,
) -> Option<Option<Range<usize>>> {
    let place = value.span();
    match value.get_mut() {
        DeValue::Table(table) => remove(table, place, span, element),
        DeValue::Array(array) => {
            if array.iter().any(|element| element.span() == *span) {
                let mut left = DeArray::new();
                for element in array.iter().filter(|element| element.span() != *span) {
                    left.push(Spanned::clone(element));
                }
                *array = left;
                return Some(None);
            }
            array
                .iter_mut()
                .find_map(|value| remove_in(value, span, element))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong is looked at")]
    struct File {
        name: String,
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong is looked at")]
    struct Part {
        size: u8,
        text: String,
    }

    #[test]
    fn a_table_that_lacks_a_key_hides_no_mistake_of_the_others() {
        let text = "[[parts]]\nsize = 1\n[[parts]]\nsize = 2\ntext = true\n";
        let (_, mistakes) = read_toml::<File>(text);
        let messages: Vec<&str> = mistakes.iter().map(|mistake| &*mistake.message).collect();
        assert_eq!(
            messages,
            [
                "the key \"text\" is missing",
                "invalid type: boolean `true`, expected a string",
                "the key \"name\" is missing",
            ]
        );
    }
}
