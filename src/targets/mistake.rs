//! Reports mistakes in TOML files with their lines.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::model::{Code, Fact};

/// A mistake in a TOML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The position in bytes.
    pub span: Range<usize>,
    /// The message.
    pub message: String,
    /// The suggested correction, if there is one.
    pub help: Option<String>,
    /// Whether the line may contain a secret. It is then not shown.
    pub is_secret: bool,
}

impl Mistake {
    /// Creates a mistake at a position.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake {
            span,
            message: message.into(),
            help: None,
            is_secret: false,
        }
    }
}

/// The mistakes of a TOML file, with its text.
#[derive(Debug)]
pub struct Mistakes {
    origin: String,
    text: String,
    /// The mistakes in the order of the file.
    pub list: Vec<Mistake>,
}

/// The number of columns if the width of the terminal is unknown.
const COLUMNS: usize = 100;

impl Mistakes {
    /// Creates the list of mistakes in `text`. Messages name the file `origin`.
    pub fn new(origin: &str, text: &str, mut list: Vec<Mistake>) -> Mistakes {
        list.sort_by_key(|mistake| mistake.span.start);
        Mistakes {
            origin: origin.to_owned(),
            text: text.to_owned(),
            list,
        }
    }

    /// The name of the file in messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The mistakes for logs and notifications: the code, their number, and the first line.
    pub fn fact(&self, code: Code) -> Fact {
        let fact = Fact::new(code).with_count(self.list.len() as u64);
        match self.list.first() {
            Some(first) => fact.at_line(self.line_of(first) as u64),
            None => fact,
        }
    }

    /// Renders all mistakes with their marked lines, for a terminal of `columns` columns, with or without
    /// color.
    pub fn shown(&self, columns: Option<usize>, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.term_width(columns.unwrap_or(COLUMNS));
        let shown = self.list.iter().map(|mistake| {
            let title = Level::ERROR.primary_title(&mistake.message);
            let mut group = if mistake.is_secret {
                let line = self.line_of(mistake);
                title.element(Level::NOTE.message(format!(
                    "line {line} of {}, which is not shown since it may hold a secret",
                    self.origin
                )))
            } else {
                let snippet = Snippet::source(&self.text).path(&self.origin);
                let marked = AnnotationKind::Primary.span(self.marked(mistake));
                title.element(snippet.annotation(marked))
            };
            if let Some(help) = &mistake.help {
                group = group.element(Level::HELP.message(help));
            }
            renderer.render(&[group])
        });
        shown.collect::<Vec<_>>().join("\n\n")
    }

    /// The part of the text to mark, limited to one line.
    fn marked(&self, mistake: &Mistake) -> Range<usize> {
        let Range { start, end } = mistake.span.clone();
        let start = self.text.floor_char_boundary(start);
        let end = self.text.ceil_char_boundary(end);
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.find('\n').unwrap_or(rest.len());
        start..end.clamp(start, start + line)
    }

    /// The line number of a mistake, from 1.
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

/// The first character, which marks mistakes that concern the whole file.
fn first(text: &str) -> Range<usize> {
    0..text.chars().next().map_or(0, char::len_utf8)
}

/// Tables in which a secret may have been written in place of its variable's name, and parts of keys that
/// suggest a secret.
const SECRET_TABLES: [&str; 4] = ["sign_in", "headers", "credentials", "notify"];
pub(super) const SECRET_KEYS: [&str; 6] = [
    "token",
    "secret",
    "password",
    "key",
    "authorization",
    "cookie",
];

/// Whether the line at `place` may contain a secret, judged by its table, its key or its content.
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
    // A mistake within a table may be reported at the table's header.
    let header = if is_header { Some(line.trim()) } else { header };
    let is_in = |table: &&str| {
        let names = header.unwrap_or_default().trim_matches(['[', ']', ' ']);
        names.split('.').any(|name| name.trim() == *table) || name.trim() == *table
    };
    SECRET_TABLES.iter().any(is_in) || SECRET_KEYS.iter().any(|key| name.contains(key))
}

/// The maximum number of mistakes reported. A file with more is probably not a target file.
const MOST: usize = 20;

/// Parses `text` and collects all mistakes: invalid TOML, unknown keys and unknown values. The value is
/// returned if the rest of the file can be parsed without the mistakes.
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
    // The spans of tables from which an entry was removed; the file itself is `0..0`.
    let mut damaged: Vec<Range<usize>> = Vec::new();
    while found.len() < MOST {
        let error = match T::deserialize(toml::de::Deserializer::from(table.clone())) {
            Ok(value) => return (Some(value), found),
            Err(error) => error,
        };
        let span = error.span().filter(|span| !span.is_empty());
        // The value removed from this table has already been reported.
        let place = span.clone().unwrap_or(0..0);
        let lacks_key = error.message().starts_with("missing field");
        let is_known = lacks_key && damaged.contains(&place);
        if !is_known {
            let place = span.clone().unwrap_or(first(text));
            let is_secret = may_be_secret(text, place.start);
            let mut mistake = in_words(text, place, error.message());
            if is_secret && mistake.help.is_none() {
                // The parser's message quotes the value.
                "this is not what stands here".clone_into(&mut mistake.message);
            }
            // A table's header contains no secret and identifies the table.
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

/// Translates the parser's message for authors of target files.
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

/// The unsupported sign-in methods.
const BEYOND: &str = "signed requests and tokens (JWT, AWS Signature) and secrets in the query string are not supported";

/// Names that other tools use for values of target files.
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

/// Suggests the most similar name, or lists the known names.
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
        None if known.contains(&"oauth") || known.contains(&"client_secret") => {
            format!("there are {}; {BEYOND}", known.join(", "))
        }
        None => format!("there are {}", known.join(", ")),
    })
}

/// Removes the entry or list element at `span`. With `element`, a list at that span also matches, because a
/// list of tables has the span of its first table. Returns whether anything was removed and, for an entry,
/// the span of its table.
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
        inner: Part,
        #[serde(default)]
        parts: Vec<Part>,
        #[serde(default)]
        words: Vec<String>,
        #[serde(default)]
        token: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong is looked at")]
    struct Part {
        size: u8,
        text: String,
    }

    /// The marked part, message and help of each mistake in a text.
    fn told(text: &str) -> Vec<(String, String, Option<String>)> {
        let (_, list) = read_toml::<File>(text);
        let mistakes = Mistakes::new("x.toml", text, list);
        let list = mistakes.list.iter().map(|mistake| {
            let marked = text[mistakes.marked(mistake)].to_owned();
            (marked, mistake.message.clone(), mistake.help.clone())
        });
        list.collect()
    }

    fn entry(marked: &str, message: &str, help: Option<&str>) -> (String, String, Option<String>) {
        let help = help.map(str::to_owned);
        (marked.to_owned(), message.to_owned(), help)
    }

    const WHOLE: &str = "name = \"x\"\n[inner]\nsize = 1\ntext = \"\"\n";

    #[test]
    fn consequences_of_a_mistake_are_not_reported() {
        assert!(read_toml::<File>(WHOLE).0.is_some());
        let text = "name = 1\n[inner]\nsize = 256\ntext = \"\"\n[[parts]]\nsize = 1\n[[parts]]\nsize = 2\ntext = true\n";
        let expected = [
            entry("1", "invalid type: integer `1`, expected a string", None),
            entry("256", "invalid value: integer `256`, expected u8", None),
            entry(
                "[[parts]]",
                "the key \"text\" is missing",
                Some("write `text = …`"),
            ),
            entry(
                "true",
                "invalid type: boolean `true`, expected a string",
                None,
            ),
        ];
        assert_eq!(told(text), expected);

        // A list in place of a single table.
        let list = WHOLE.replace("[inner]", "[[inner]]");
        let found = told(&format!("{list}[[inner]]\nsize = 1\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        // A table removed from a list does not explain why a sibling key is missing.
        let found = told("[inner]\nsize = 1\ntext = \"\"\n[[parts]]\nsize = 1\n");
        let missing = |key: &str| format!("the key \"{key}\" is missing");
        let messages: Vec<&str> = found.iter().map(|(_, message, _)| &**message).collect();
        assert_eq!(messages, [missing("name"), missing("text")]);
    }

    #[test]
    fn a_mistake_in_a_list_does_not_discard_the_other_items() {
        let text = format!("words = [\"a\", 1, \"b\", [2]]\n{WHOLE}");
        let (file, mistakes) = read_toml::<File>(&text);
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert_eq!(file.unwrap().words, ["a", "b"]);
    }

    #[test]
    fn an_unknown_or_missing_key_has_a_suggestion() {
        for (text, expected) in [
            (
                WHOLE.replace("name", "nmae"),
                entry(
                    "nmae",
                    "there is no key \"nmae\" here",
                    Some("did you mean `name`?"),
                ),
            ),
            (
                WHOLE.replace("size = 1", "size = 1\ncolour = 2"),
                entry(
                    "colour",
                    "there is no key \"colour\" here",
                    Some("there are size, text"),
                ),
            ),
            (
                WHOLE.replace("size = 1\n", ""),
                entry(
                    "[inner]",
                    "the key \"size\" is missing",
                    Some("write `size = …`"),
                ),
            ),
            (
                WHOLE.replace("name = \"x\"\n", ""),
                entry("[", "the key \"name\" is missing", Some("write `name = …`")),
            ),
            (
                format!("{WHOLE}[parts]\nsize = 1\n"),
                entry(
                    "[parts]",
                    "[parts] is one table, and a list of tables is expected",
                    Some("write `[[parts]]`: there can be several"),
                ),
            ),
            (
                WHOLE.replace("name = \"x\"", "name = \"x\"\nwords = \"a\""),
                entry(
                    "\"a\"",
                    "invalid type: string \"a\", expected a sequence",
                    None,
                ),
            ),
        ] {
            assert_eq!(told(&text), [expected], "{text}");
        }
    }

    #[test]
    fn the_number_of_reported_mistakes_is_limited() {
        let keys = |amount: usize| -> String {
            let keys = (0..amount).map(|index| format!("other{index} = 1\n"));
            keys.chain([WHOLE.to_owned()]).collect()
        };
        assert_eq!(told(&keys(19)).len(), 19);
        assert_eq!(told(&keys(21)).len(), 20);
        let lines: String = (0..21).map(|index| format!("a{index};b\n")).collect();
        assert_eq!(told(&lines).len(), 20);
    }

    #[test]
    fn a_value_that_may_be_secret_is_not_quoted() {
        let text = format!("token = 4711\n{WHOLE}");
        let (_, mistakes) = read_toml::<File>(&text);
        assert_eq!(mistakes[0].message, "this is not what stands here");
        assert!(mistakes[0].is_secret);
        let syntax = "name = \"x\"\ntoken = hunter2\n";
        let (_, mistakes) = read_toml::<File>(syntax);
        let shown = Mistakes::new("x.toml", syntax, mistakes).to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("line 2 of x.toml"), "{shown}");
    }

    #[test]
    fn table_key_or_value_mark_a_line_as_possibly_secret() {
        // The position is the boundary between the two parts of the text.
        for (before, after) in [
            ("[[sign_in]]\nkind = \"x\"\nwor", "d = \"x\"\n"),
            ("[profile.a.credentials]\n", "x = \"y\""),
            ("[ headers ]\nAccept =", " \"y\""),
            ("[notify]\n", "url = \"y\""),
            ("[[sign", "_in]]\n"),
            ("", "api_token = \"x\""),
            ("a = 1\n", "PASSWORD = \"x\""),
            ("[quota]\n", "\"X-Api-Key\" = 1"),
            ("state = ", "\"postgres://u:p@host/db\""),
            ("state = ", "\"host=h password=p\""),
            ("a = [\n\"", "https://u:p@host\",\n]"),
        ] {
            let text = format!("{before}{after}");
            assert!(may_be_secret(&text, before.len()), "{text}");
        }
        for (before, after) in [
            ("", "name = \"x\""),
            ("[sign_in]\nkind = \"x\"\n[quota]\nbur", "st = 0\n"),
            ("[quota]\n", "burst = 0\n[sign_in]\n"),
            ("[[fie", "lds]]\n"),
            ("[assignments]\n", "a = 1"),
            ("a = ", "\"https://host\""),
            ("a = ", "\"u@host\""),
            ("a = ", "\"token\""),
            ("words = [\n", "  \"secret\",\n]"),
        ] {
            let text = format!("{before}{after}");
            assert!(!may_be_secret(&text, before.len()), "{text}");
        }
    }

    #[test]
    fn a_suggestion_is_the_most_similar_name_or_the_whole_list() {
        let known = ["text", "integer", "choice", "identity_number"];
        for (found, expected) in [
            ("string", "did you mean `text`?"),
            ("personnummer", "did you mean `identity_number`?"),
            ("choise", "did you mean `choice`?"),
            // A distance of one per three letters is allowed, and at least one.
            ("choxxe", "did you mean `choice`?"),
            ("chxxxe", "there are text, integer, choice, identity_number"),
            ("tex", "did you mean `text`?"),
            // Another tool's name for a value that is not among these.
            ("bool", "there are text, integer, choice, identity_number"),
        ] {
            assert_eq!(help(found, &known).as_deref(), Some(expected), "{found}");
        }
        assert_eq!(
            help("a", &["b", "cc"]).as_deref(),
            Some("did you mean `b`?")
        );
        assert_eq!(help("a", &[]), None);
    }

    #[test]
    fn mistakes_are_shown_in_file_order_each_within_one_line() {
        let text = "första = 1\nandra = 2\n";
        let at = |part: &str| {
            let start = text.find(part).unwrap();
            start..start + part.len()
        };
        let mut second = Mistake::new(at("andra = 2"), "second");
        second.help = Some("write it".to_owned());
        // From the middle of a character to the next line.
        let first = Mistake::new(2..at("andra").end, "first");
        let mistakes = Mistakes::new("x.toml", text, vec![second, first]);
        let marked = |index: usize| &text[mistakes.marked(&mistakes.list[index])];
        assert_eq!((marked(0), marked(1)), ("örsta = 1", "andra = 2"));
        assert_eq!(mistakes.line_of(&mistakes.list[1]), 2);
        let beyond = Mistake::new(text.len() + 5..text.len() + 9, "beyond");
        assert_eq!(mistakes.marked(&beyond).start, text.len());

        let shown = mistakes.shown(None, false);
        let place = |part: &str| {
            shown
                .find(part)
                .unwrap_or_else(|| panic!("{part}: {shown}"))
        };
        assert!(place("error: first") < place("x.toml:1:2"), "{shown}");
        assert!(place("x.toml:1:2") < place("error: second"), "{shown}");
        assert!(place("x.toml:2:1") < place("help: write it"), "{shown}");
        assert!(!shown.contains('\u{1b}') && mistakes.shown(None, true).contains('\u{1b}'));
        let fact = mistakes.fact(Code::TargetMistakes);
        assert_eq!(
            (fact.numbers().count, fact.numbers().line),
            (Some(2), Some(1))
        );
        let none = Mistakes::new("x.toml", text, Vec::new()).fact(Code::TargetMistakes);
        assert_eq!((none.numbers().count, none.numbers().line), (Some(0), None));
    }

    #[test]
    fn a_hidden_line_keeps_its_help_and_long_lines_fit_the_width() {
        let text = format!("token = \"hunter2\"\na = \"{}\" # end\n", "x".repeat(300));
        let secret = Mistake {
            help: Some("write its variable's name".to_owned()),
            is_secret: true,
            ..Mistake::new(8..17, "a secret")
        };
        let end = text.find("# end").unwrap();
        let long = Mistake::new(end..end + 5, "too long");
        let mistakes = Mistakes::new("x.toml", &text, vec![secret, long]);
        let shown = mistakes.shown(Some(60), false);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("help: write its variable's name"), "{shown}");
        let longest = |columns| {
            let shown = mistakes.shown(columns, false);
            let lines = shown.lines().filter(|line| line.contains("xxx"));
            lines.map(|line| line.chars().count()).max().unwrap()
        };
        assert!(longest(Some(60)) <= 60, "{shown}");
        assert!(longest(Some(60)) < longest(Some(200)));
    }
}
