//! Detects placeholders that programs write for missing values or letters: words for "no value", names of
//! objects, and question marks.

use std::sync::LazyLock;

use regex::Regex;

/// The certainty that a word stands for "no value".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoValue {
    /// The word has no other meaning.
    Certain,
    /// A program's placeholder or a person's name. The same word in several cells is a placeholder.
    Word(&'static str),
    /// A word written like a name, which several persons of a family may have.
    Name(&'static str),
    /// A word that users write, such as `saknas`. Repetition does not make it certain.
    Phrase,
    /// A punctuation mark such as `-`.
    Mark,
}

/// Placeholders in the spelling of programs.
const WORDS: [&str; 27] = [
    "NULL",
    "null",
    "nan",
    "NaN",
    "NAN",
    "None",
    "NONE",
    "none",
    "undefined",
    "Undefined",
    "UNDEFINED",
    "nil",
    "NIL",
    "N/A",
    "n/a",
    "N/a",
    "NA",
    "NaT",
    "nul",
    "NUL",
    "n.a.",
    "N.A.",
    "n/d",
    "N/D",
    "DBNull",
    "NoneType",
    "#EMPTY",
];

/// Words that users write for a missing value, in lower case.
const PHRASES: [&str; 10] = [
    "saknas",
    "okänd",
    "okänt",
    "tomt",
    "ej angivet",
    "missing",
    "unknown",
    "empty",
    // Google Sheets displays these while it calculates a cell.
    "loading...",
    "läser in...",
];

/// Placeholders in parentheses or brackets.
const BRACKETED: [&str; 7] = ["null", "nil", "none", "nan", "undefined", "blank", "unset"];

/// The same words in the spelling of names.
const NAMES: [&str; 5] = ["Null", "Nan", "Nil", "Na", "Nul"];

/// Placeholders that are never names, in lower case.
const CERTAIN: [&str; 6] = ["\\n", "\\\\n", "<na>", "[]", "{}", "$null"];

/// Classifies a text that stands for "no value". Returns `None` for any other text.
pub(super) fn no_value(text: &str) -> Option<NoValue> {
    const LONGEST: usize = 40;
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    // Fast path: most texts are not as long as a phrase and do not begin with a listed word.
    if let Some(first) = text.bytes().next().filter(u8::is_ascii_alphanumeric) {
        let word = text.split([' ', ',', '@']).next().unwrap_or_default();
        let mut words = WORDS.iter().chain(&NAMES);
        let mut phrases = PHRASES.iter();
        // Characters are counted, because the Kelvin sign has more bytes than its lower-case k.
        let is_like = |phrase: &&str| {
            phrase.bytes().next() == Some(first.to_ascii_lowercase())
                && phrase.chars().count() == text.chars().count()
        };
        if !words.any(|known| *known == word) && !phrases.any(is_like) {
            return None;
        }
    }
    // A placeholder may be the local part of an address, as in undefined@example.se.
    let word = text.split_once('@').map_or(text, |(local, _)| local);
    if let Some(word) = WORDS.iter().find(|known| **known == word) {
        return Some(NoValue::Word(word));
    }
    if let Some(name) = NAMES.iter().find(|name| **name == text) {
        return Some(NoValue::Name(name));
    }
    let is_one_of = |words: &[&str], text: &str| {
        let text = text.to_lowercase();
        words.contains(&&*text)
    };
    if is_one_of(&CERTAIN, text) {
        return Some(NoValue::Certain);
    }
    // Within a formula, <null> is ordinary text.
    if let Some(inner) = within_brackets(text).filter(|_| !text.eq_ignore_ascii_case("<null>"))
        // Tom is a name, but (tom) is Swedish Excel's placeholder.
        && (is_one_of(&BRACKETED, inner) || is_one_of(&PHRASES, inner) || inner == "tom")
    {
        return Some(NoValue::Certain);
    }
    if is_one_of(&PHRASES, text) {
        return Some(NoValue::Phrase);
    }
    // Several placeholders may be joined, as in "undefined undefined".
    let mut words = text
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .peekable();
    if words.peek().is_some() && words.all(|word| WORDS.contains(&word)) {
        return Some(NoValue::Certain);
    }
    (!text.chars().any(char::is_alphanumeric)).then_some(NoValue::Mark)
}

/// Returns the text within the brackets that enclose the whole text.
fn within_brackets(text: &str) -> Option<&str> {
    let pairs = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>')];
    let of = |(open, close)| text.strip_prefix(open)?.strip_suffix(close);
    pairs.into_iter().find_map(of)
}

/// Whether a text is the string representation of an object: `[object Object]`, `System.Object[]`.
pub(super) fn is_object(text: &str) -> bool {
    static OBJECT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?x)
            \[object\x20[A-Z]\w*\]                              # JavaScript
            | ^(System|Microsoft)(\.[A-Z][\w`]*)+(\[[\w.,\x20]*\])?$  # .NET
            | ^@\{\w+=.*\}$                                     # PowerShell
            | ^<.*\bobject\x20at\x200x[0-9A-Fa-f]+>$            # Python
            | ^[bu]('.*'|".*")$                                # a text or bytes
            | ^\[('.*'|".*")\]$ | ^\(('.*'|".*"),.*\)$         # a list or a tuple of texts
            | ^\{["']\w+["']:.*\}$                             # JSON
            | ^(Some|Just|Optional)\(.*\)$                     # Rust, Haskell, Swift
            | ^\[?L?[a-z]\w*(\.\w+)+;?@[0-9a-f]{5,8}$           # Java
            | ^(HASH|ARRAY|SCALAR|CODE)\(0x[0-9a-f]+\)$         # Perl
            | ^\#<[A-Z]\w*(::\w+)*(:0x[0-9a-f]+.*)?>$           # Ruby
            "#,
        )
        .ok()
    });
    (text.contains(['[', '.', '{', '(', '<'])
        || ["b'", "b\"", "u'"]
            .iter()
            .any(|begin| text.starts_with(begin)))
        && OBJECT.as_ref().is_some_and(|object| object.is_match(text))
}

/// Whether a text is a number with thousands separators, decimals or a percent sign.
#[inline]
pub(super) fn is_written_number(bytes: &[u8]) -> bool {
    let may_be = matches!(bytes, [b'0'..=b'9' | b'+' | b'-', ..]);
    may_be && !bytes.iter().all(u8::is_ascii_alphanumeric) && has_separators(bytes)
}

#[inline(never)]
fn has_separators(bytes: &[u8]) -> bool {
    let digits = match bytes {
        [b'+' | b'-', digits @ ..] => digits,
        digits => digits,
    };
    let whole = digits.strip_suffix(b"%").map(<[u8]>::trim_ascii_end);
    let number = whole.unwrap_or(digits);
    let is_separator = |byte: &u8| matches!(byte, b' ' | b'.' | b',' | b'\'');
    let parts: Vec<&[u8]> = number.split(is_separator).collect();
    let is_digits = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if !parts.iter().all(is_digits) {
        return false;
    }
    let (Some((last, groups)), Some(first)) = (parts.split_last(), parts.first()) else {
        return false;
    };
    if groups.is_empty() {
        return whole.is_some();
    }
    let has_decimals = matches!(number[number.len() - last.len() - 1], b'.' | b',');
    let is_grouped = first.len() <= 3 && groups[1..].iter().all(|part| part.len() == 3);
    (has_decimals && groups.len() == 1) || is_grouped && (has_decimals || last.len() == 3)
}

/// Whether a text is a date or time as a spreadsheet displays it after converting `3-4` or `MAR1`.
#[inline]
pub(super) fn is_date(bytes: &[u8]) -> bool {
    let is_mark = |byte: &u8| matches!(byte, b'-' | b':');
    let may_be = match bytes {
        [b'0'..=b'9', rest @ ..] => rest.iter().take(4).any(is_mark),
        [_, _, _, mark, ..] => *mark == b'-',
        _ => false,
    };
    // Fast path: the first characters rule out most numbers.
    may_be && is_day_or_time(bytes)
}

#[inline(never)]
fn is_day_or_time(bytes: &[u8]) -> bool {
    const MONTHS: [&[u8; 3]; 15] = [
        b"jan", b"feb", b"mar", b"apr", b"maj", b"may", b"jun", b"jul", b"aug", b"sep", b"okt",
        b"oct", b"nov", b"dec", b"dez",
    ];
    let number = |part: &[u8], most: u16| {
        let text = std::str::from_utf8(part).ok();
        let is_number = part.iter().all(u8::is_ascii_digit);
        is_number && text.is_some_and(|text| text.parse::<u16>().is_ok_and(|n| n <= most))
    };
    let month = |part: &[u8]| MONTHS.iter().any(|name| part.eq_ignore_ascii_case(*name));
    let day = |part: &[u8]| part.len() <= 2 && number(part, 31);
    let year = |part: &[u8]| matches!(part.len(), 2 | 4) && number(part, 2100);
    let parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'-').collect();
    match parts[..] {
        [one, two] => month(one) && year(two) || day(one) && month(two),
        [one, two, three] => {
            day(one) && month(two) && year(three)
                || one.len() == 4 && year(one) && two.len() == 2 && number(two, 12) && day(three)
        }
        [one] => {
            let parts: Vec<&[u8]> = one.split(|byte| *byte == b':').collect();
            let is_pair = |part: &&[u8]| part.len() == 2 && number(part, 59);
            matches!(parts.len(), 2 | 3)
                && parts[0].len() <= 2
                && number(parts[0], 24)
                && parts[1..].iter().all(is_pair)
        }
        _ => false,
    }
}

/// Replaces the ASCII characters that share their codes with å, ä and ö in Sweden's 7-bit character set (SEN
/// 85 02 00): `Bj|rn`. Returns `None` if the characters may be intended.
pub(super) fn of_seven_bits(text: &str) -> Option<String> {
    let letter = |c: char| {
        Some(match c {
            '}' => 'å',
            '{' => 'ä',
            '|' => 'ö',
            ']' => 'Å',
            '[' => 'Ä',
            '\\' => 'Ö',
            _ => return None,
        })
    };
    let is_pair =
        |open: char, close: char| text.find(open).is_some_and(|at| text[at..].contains(close));
    if !text.contains(|c| letter(c).is_some()) || is_pair('{', '}') || is_pair('[', ']') {
        return None;
    }
    let characters: Vec<char> = text.chars().collect();
    let mut meant = String::with_capacity(text.len() + 4);
    for (at, c) in characters.iter().enumerate() {
        let Some(letter) = letter(*c) else {
            meant.push(*c);
            continue;
        };
        let before = at.checked_sub(1).map(|at| characters[at]);
        let behind = characters.get(at + 1).copied();
        let is_small = |c: Option<char>| c.is_some_and(char::is_lowercase);
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic());
        let fits = if letter.is_lowercase() {
            is_letter(before) && !behind.is_some_and(char::is_uppercase)
        } else {
            !is_letter(before) && is_small(behind)
        };
        if !fits {
            return None;
        }
        meant.push(letter);
    }
    Some(meant)
}

/// The position of a question mark that replaces a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuestionMark {
    /// Between two letters: `S?derlund`.
    Within,
    /// At the beginning or end of a word: `?sa`, `Malm?`.
    AtEdge,
}

/// Finds a question mark that a conversion left in place of a letter.
pub(super) fn question_mark(text: &str) -> Option<QuestionMark> {
    if !text.contains('?') || text.contains("://") {
        return None;
    }
    let mut at_edge = None;
    let characters: Vec<char> = text.chars().collect();
    for (place, _) in characters.iter().enumerate().filter(|(_, c)| **c == '?') {
        let before = characters[..place].iter().rev().find(|c| **c != '?');
        let behind = characters[place..].iter().find(|c| **c != '?');
        let is_letter = |c: Option<&char>| c.is_some_and(|c| c.is_alphabetic());
        match (is_letter(before), is_letter(behind)) {
            (true, true) => return Some(QuestionMark::Within),
            (false, false) => {}
            _ => at_edge = Some(QuestionMark::AtEdge),
        }
    }
    at_edge
}

/// Fast path: whether a text is no placeholder. The text must be ordinary ASCII (see
/// [`super::plain::is_plain`]) except for western European letters.
#[inline]
pub(super) fn is_not_begun(bytes: &[u8]) -> bool {
    !may_begin(bytes) || !is_placeholder(bytes)
}

/// The beginnings of object names that consist of ordinary ASCII (see [`is_object`]), and of errors.
const OBJECTS: [&str; 5] = ["System.", "Microsoft.", "Err:", "b'", "u'"];

/// The first three bytes of all placeholders that begin with a letter: for each pair of first bytes, a bit for
/// each third byte. All are modulo 32, which ignores case.
const BEGINNINGS: [u32; 1024] = {
    let lists: [&[&str]; 4] = [&WORDS, &NAMES, &PHRASES, &OBJECTS];
    let mut beginnings = [0; 1024];
    let mut list = 0;
    while list < lists.len() {
        let mut word = 0;
        while word < lists[list].len() {
            let bytes = lists[list][word].as_bytes();
            beginnings[pair(bytes[0], bytes[1])] |= match bytes {
                [_, _, third, ..] => bit(*third),
                // Nothing follows, or another word, or the rest of an address.
                [_, b'A'..=b'Z' | b'a'..=b'z'] => bit(b' ') | bit(b',') | bit(b'@'),
                _ => u32::MAX,
            };
            word += 1;
        }
        list += 1;
    }
    beginnings
};

#[inline]
const fn pair(first: u8, second: u8) -> usize {
    first as usize % 32 * 32 + second as usize % 32
}

#[inline]
const fn bit(third: u8) -> u32 {
    1 << (third % 32)
}

/// Whether a text begins like a placeholder.
#[inline]
fn may_begin(bytes: &[u8]) -> bool {
    match *bytes {
        [first, second, third, ..] => BEGINNINGS[pair(first, second)] & bit(third) != 0,
        [first, second] => BEGINNINGS[pair(first, second)] & bit(b' ') != 0,
        _ => false,
    }
}

#[inline(never)]
fn is_placeholder(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        OBJECTS.iter().any(|object| text.starts_with(object)) || no_value(text).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatted_numbers_are_distinguished_from_keys() {
        for text in [
            "12 345",
            "12,345",
            "12.345",
            "1'234'567",
            "184,50",
            "184.5",
            "50%",
            "50 %",
            "-1 234",
            "+1 234,5",
            "1.234,50",
            "1.184.0",
            "1.000",
        ] {
            assert!(is_written_number(text.as_bytes()), "{text}");
        }
        for text in [
            "184", "7A", "2026-1", "169 56", "1 23", "1234 567", "1.2.3", "12 345 A", "1..2", ".5",
            "184,", "+", "%", "-", "1,5%%", "Anna 12",
        ] {
            assert!(!is_written_number(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn placeholders_are_classified() {
        for (text, expected) in [
            ("NULL", Some(NoValue::Word("NULL"))),
            ("nan", Some(NoValue::Word("nan"))),
            ("N/A", Some(NoValue::Word("N/A"))),
            ("Null", Some(NoValue::Name("Null"))),
            ("(null)", Some(NoValue::Certain)),
            ("\\N", Some(NoValue::Certain)),
            ("<NA>", Some(NoValue::Certain)),
            ("undefined undefined", Some(NoValue::Certain)),
            ("NULL, NULL", Some(NoValue::Certain)),
            ("", None),
            (",", Some(NoValue::Mark)),
            ("undefined@example.se", Some(NoValue::Word("undefined"))),
            ("n.a.", Some(NoValue::Word("n.a."))),
            ("DBNull", Some(NoValue::Word("DBNull"))),
            ("(tom)", Some(NoValue::Certain)),
            ("<unset>", Some(NoValue::Certain)),
            ("(Saknas)", Some(NoValue::Certain)),
            ("Saknas", Some(NoValue::Phrase)),
            ("Okänd", Some(NoValue::Phrase)),
            ("O\u{212A}ÄND", Some(NoValue::Phrase)),
            ("un\u{212A}nown", Some(NoValue::Phrase)),
            ("(Tom)", None),
            ("<null>", None),
            ("Tom", None),
            ("Nan.Ek@example.se", None),
            ("-", Some(NoValue::Mark)),
            (&"-".repeat(40), Some(NoValue::Mark)),
            (&"-".repeat(41), None),
            ("???", Some(NoValue::Mark)),
            ("Nilsson", None),
            ("Nina", None),
            ("NULLmeyer", None),
            ("None Svensson", None),
        ] {
            assert_eq!(no_value(text), expected, "{text}");
        }
    }

    #[test]
    fn object_representations_are_recognized() {
        for text in [
            "[object Object]",
            "System.Object[]",
            "System.Collections.Hashtable",
            "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection",
            "@{Name=Anna}",
            "<__main__.Person object at 0x7f3a2c1d>",
            "java.lang.Object@1b2c3d4e",
            "HASH(0x55d0c8)",
            "#<Person:0x000055>",
            "b'Anna'",
            "u'Anna'",
            "['Anna']",
            "[\"Anna\", \"Karin\"]",
            "('Anna',)",
            "{\"name\": \"Anna\"}",
            "Optional(\"Anna\")",
        ] {
            assert!(is_object(text), "{text}");
        }
        for text in [
            "Anna",
            "anna@example.se",
            "System",
            "St. Mary (Hill)",
            "S:t Eriksg. 3",
            "(\"Ann\")",
            "Anna (\"Ann\")",
            "O'Neill",
            "b'",
        ] {
            assert!(!is_object(text), "{text}");
        }
    }

    #[test]
    fn converted_dates_and_times_are_recognized() {
        for text in [
            "2026-03-01",
            "3-apr",
            "03-APR",
            "mar-26",
            "10:15",
            "9:05:00",
            "1-maj-2026",
            "31-dec-26",
            "31-mar-2026",
            "23:59",
        ] {
            assert!(is_date(text.as_bytes()), "{text}");
        }
        for text in [
            "E-10482",
            "1-2",
            "Dec-1",
            "2026-13-01",
            "10:75",
            "mar-1a",
            "Mar-Lena",
            "7:1",
            "12345",
            "a:b",
            "a-mar",
            "-mar",
            "1-",
            "1-2-3",
            "32-mar",
            "001-mar",
            "1x-mar",
            "mar-+1",
            "mar-026",
            "1-xyz-2026",
            "1x-mar-2026",
            "1-mar-202",
            "26-03-01",
            "2026-3-01",
            "2026-xx-01",
            "2026-03-32",
            "9999-03-01",
            "1234-5-6",
            "1-2-3-4",
            "12:x",
            "25:00",
            "001:30",
            "9:5:00",
            "1:02:03:04",
        ] {
            assert!(!is_date(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn letters_of_the_7_bit_character_set_are_recognized() {
        for (text, meant) in [
            ("Bj|rn", "Björn"),
            ("K{llstr|m", "Källström"),
            ("H}kan", "Håkan"),
            ("]sa", "Åsa"),
            ("\\rjan", "Örjan"),
            ("Anna [berg", "Anna Äberg"),
            ("Malm|", "Malmö"),
        ] {
            assert_eq!(of_seven_bits(text).as_deref(), Some(meant), "{text}");
        }
        for text in [
            "Anna|Karin",
            "Anna [Ann] Ek",
            "{Anna}",
            "AD\\anna",
            "a | b",
            "Anna",
            "7|8",
        ] {
            assert_eq!(of_seven_bits(text), None, "{text}");
        }
    }

    #[test]
    fn question_marks_in_place_of_letters_are_found() {
        for (text, expected) in [
            ("S?derlund", Some(QuestionMark::Within)),
            ("Bj??rk", Some(QuestionMark::Within)),
            ("?sa", Some(QuestionMark::AtEdge)),
            ("Malm?", Some(QuestionMark::AtEdge)),
            ("Box 12 ?", None),
            ("Anna", None),
            ("https://example.se/?a=b", None),
        ] {
            assert_eq!(question_mark(text), expected, "{text}");
        }
    }

    #[test]
    fn the_prefix_filter_rules_out_ordinary_text() {
        for text in [
            "NA",
            "Na",
            "nan",
            "nil",
            "nul",
            "NaT",
            "N/A",
            "null",
            "none",
            "undefined",
            "NULL NULL",
            "null,null",
            "undefined undefined",
            "System.Object",
            "Microsoft.Exchange",
            "Err:502",
            "b'Anna'",
            "u'Anna'",
        ] {
            assert!(!is_not_begun(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "Nina",
            "Ulla",
            "None Svensson",
            "NULLmeyer",
            "Nathalie",
            "Sven",
            "Martin",
            "Erik",
            "Oskar",
            "Okända",
            "Tomas",
            "Tove",
            "Daniel",
            "DBNullsson",
            "Bo",
            "Anna",
        ] {
            assert!(is_not_begun(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn few_names_begin_like_a_placeholder() {
        for text in [
            "Sara", "Mikael", "Emma", "Oskar", "Tove", "Nora", "Nadja", "Na", "Bo", "A",
        ] {
            let is_short = text == "Na";
            assert_eq!(may_begin(text.as_bytes()), is_short, "{text}");
        }
        for text in ["Nilsson", "Emppu", "nA,", "NA x", "uG", "b'A", "undefined@"] {
            assert!(may_begin(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_placeholder_passes_the_prefix_filter() {
        for word in WORDS.iter().chain(&NAMES).chain(&PHRASES) {
            let (lower, upper) = (word.to_lowercase(), word.to_uppercase());
            let capital: String = upper.chars().take(1).chain(lower.chars().skip(1)).collect();
            assert!(no_value(word).is_some(), "{word}");
            for phrase in [&lower, &upper, &capital] {
                let is_one = no_value(phrase).is_some();
                assert!(is_one || !PHRASES.contains(word), "{phrase}");
            }
            for word in [*word, &lower, &upper, &capital] {
                for text in [
                    word.to_owned(),
                    format!("{word} {word}"),
                    format!("{word},NULL"),
                    format!("{word}@example.se"),
                ] {
                    let is_one = no_value(&text).is_some() && text.starts_with(char::is_alphabetic);
                    assert!(!is_one || !is_not_begun(text.as_bytes()), "{text}");
                }
            }
        }
    }
}
