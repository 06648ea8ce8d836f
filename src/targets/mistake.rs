//! Mistakes in TOML files are reported with their lines.

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

    /// The name of the file in messages.
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

    /// The marked part: the position, limited to one line.
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

/// Parses `text`, and collects all mistakes: invalid TOML, unknown keys and unknown values. What could be read is
/// there too, as if the mistakes were not.
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
        // A value removed from its table was already reported.
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

/// What a way to sign in cannot be.
const BEYOND: &str = "signed requests and tokens (JWT, AWS Signature) and secrets in the query string are not supported";

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
        None if known.contains(&"oauth") || known.contains(&"client_secret") => {
            format!("there are {}; {BEYOND}", known.join(", "))
        }
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

    /// What is wrong in a text, each with the place that is marked and the help.
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
    fn what_follows_from_a_mistake_is_not_told_again() {
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

        // A list where one table is meant.
        let list = WHOLE.replace("[inner]", "[[inner]]");
        let found = told(&format!("{list}[[inner]]\nsize = 1\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        // A list that has lost a table is not the reason why a key beside it is missing.
        let found = told("[inner]\nsize = 1\ntext = \"\"\n[[parts]]\nsize = 1\n");
        let missing = |key: &str| format!("the key \"{key}\" is missing");
        let messages: Vec<&str> = found.iter().map(|(_, message, _)| &**message).collect();
        assert_eq!(messages, [missing("name"), missing("text")]);
    }

    #[test]
    fn a_mistake_within_a_list_is_told_and_the_rest_of_the_list_is_read() {
        let text = format!("words = [\"a\", 1, \"b\", [2]]\n{WHOLE}");
        let (file, mistakes) = read_toml::<File>(&text);
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert_eq!(file.unwrap().words, ["a", "b"]);
    }

    #[test]
    fn a_key_that_is_unknown_or_missing_comes_with_what_to_write() {
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
    fn a_file_of_another_kind_is_told_by_its_first_mistakes_alone() {
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
    fn a_line_may_hold_a_secret_by_its_table_its_key_or_its_value() {
        // The place is where the two parts of the text meet.
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
    fn a_suggestion_is_the_nearest_word_or_the_whole_list() {
        let known = ["text", "integer", "choice", "identity_number"];
        for (found, expected) in [
            ("string", "did you mean `text`?"),
            ("personnummer", "did you mean `identity_number`?"),
            ("choise", "did you mean `choice`?"),
            // One letter in three may be wrong, and one in any case.
            ("choxxe", "did you mean `choice`?"),
            ("chxxxe", "there are text, integer, choice, identity_number"),
            ("tex", "did you mean `text`?"),
            // Another tool's word for a value that is not one of these.
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
    fn mistakes_are_shown_in_the_order_of_the_file_each_on_one_line_of_it() {
        let text = "första = 1\nandra = 2\n";
        let at = |part: &str| {
            let start = text.find(part).unwrap();
            start..start + part.len()
        };
        let mut second = Mistake::new(at("andra = 2"), "second");
        second.help = Some("write it".to_owned());
        // From the middle of a letter to the next line.
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
    fn a_hidden_mistake_still_says_what_to_do_and_a_long_line_fits_the_window() {
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
