//! Normalizes cells before the check of their field's kind.

use std::borrow::Cow;

use super::ascii::{IS_ORDINARY, is_ordinary};
use super::characters::{self, Odd, odd};
use super::escapes;
use super::fault::{Fault, Notes};
use super::leftovers::{self, NoValue, QuestionMark};
use crate::l10n::message;
use crate::read::{Mojibake, mojibake};

/// The maximum number of characters in a cell. No field of a person is longer; a longer cell results from a
/// misplaced quotation mark or another file's content.
pub(super) const LONGEST: usize = 10_000;

/// The content of a cell, independent of its field's kind.
#[derive(Debug, PartialEq)]
pub(super) enum Content<'a> {
    /// Empty or whitespace only.
    Empty,
    /// `<null>`, which clears the field.
    Clear,
    /// Text without surrounding space, unless a formula makes the space part of the text.
    Text(&'a str),
    /// Restored text, which differs from the cell.
    Restored(String),
}

/// The notation of a field's cells, which determines how unusual characters are interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Digits. A number that a program wrote as `184.0` is read as 184.
    Number,
    /// Text that identifies a record.
    Key,
    /// A word or an address that is mostly ASCII.
    Code,
    /// A name or other free text on one line.
    Words,
    /// Text of several lines, in which every character may be intended.
    Lines,
}

impl Form {
    /// Whether a character that resembles an ASCII character is always replaced with it.
    fn is_strict(self) -> bool {
        matches!(self, Form::Number | Form::Key | Form::Code)
    }
}

/// Checks a cell regardless of its kind: whether it is text, and whether a program damaged it. `notes`
/// receives repairs and doubts.
#[inline]
pub(super) fn content<'a>(
    text: &'a str,
    form: Form,
    notes: &mut Notes,
) -> Result<Content<'a>, Fault> {
    if text.is_empty() {
        return Ok(Content::Empty);
    }
    if text.len() > LONGEST {
        return Err(Fault::new(
            "text.too_long",
            message::cell_too_long(text.len(), LONGEST),
        ));
    }
    let bytes = text.as_bytes();
    if is_plain(bytes) && !(form == Form::Key && leftovers::is_written_number(bytes)) {
        return Ok(Content::Text(text));
    }
    with_care(text, form, notes)
}

/// Checks a cell that may contain any character.
#[inline(never)]
fn with_care<'a>(text: &'a str, form: Form, notes: &mut Notes) -> Result<Content<'a>, Fault> {
    let spaced = text.trim();
    let mut text = spaced.trim_matches(characters::is_padding);
    if text.len() < spaced.len() {
        notes.restored.push("text.invisible_character");
    }
    if text.is_empty() {
        return Ok(Content::Empty);
    }
    if text.eq_ignore_ascii_case("<null>") {
        return Ok(Content::Clear);
    }
    if let Some(inner) = without_apostrophe(text, form, notes) {
        text = inner;
        if text.is_empty() {
            return Ok(Content::Empty);
        }
        if text.eq_ignore_ascii_case("<null>") {
            return Ok(Content::Clear);
        }
    }
    if text.starts_with('#') || text.starts_with("Err:") {
        refuse_spreadsheet_error(text)?;
    }
    if !is_western(text) || has_late_capital(text.as_bytes()) {
        refuse_damage(text, notes)?;
    }
    let read = match text.strip_prefix('=') {
        None => Cow::Borrowed(text),
        Some(formula) => match quoted(formula) {
            // Spreadsheets keep text from becoming a number with a formula such as ="0184".
            Some(inner) => {
                notes.restored.push("text.formula");
                inner
            }
            None => return Err(Fault::new("text.formula", message::cell_formula(text))),
        },
    };
    let read = in_form(read, form, notes);
    if read.is_empty() {
        return Ok(Content::Empty);
    }
    if form != Form::Lines {
        refuse_leftovers(&read, form, notes)?;
    }
    Ok(match read {
        Cow::Borrowed(text) => Content::Text(text),
        Cow::Owned(text) => Content::Restored(text),
    })
}

/// The value after the apostrophe that marks a cell as text in spreadsheets and that some programs export.
/// Returns `None` if the apostrophe may belong to a name.
fn without_apostrophe<'a>(text: &'a str, form: Form, notes: &mut Notes) -> Option<&'a str> {
    let inner = text.strip_prefix('\'')?;
    let inner = match inner.strip_suffix('\'') {
        // The apostrophes may be part of a name.
        Some(quoted) if form == Form::Words && !quoted.is_empty() => {
            notes
                .doubts
                .push(Fault::new("text.quotes", message::cell_quotes(text)));
            return None;
        }
        Some(quoted) => quoted,
        None => inner,
    };
    let inner = inner.trim_matches(characters::is_padding);
    // If another apostrophe follows, the first one may be part of the value.
    if inner.starts_with('\'') || inner.ends_with('\'') {
        notes
            .doubts
            .push(Fault::new("text.quotes", message::cell_quotes(text)));
        return None;
    }
    let mut letters = inner.chars();
    let first = letters.next();
    // Names such as 's-Gravenhage, 't Hooft and 'T HOOFT begin with an apostrophe.
    let is_particle = letters
        .next()
        .is_none_or(|second| matches!(second, ' ' | '-'));
    let is_name = match form {
        Form::Lines => return None,
        Form::Words => first.is_some_and(|c| c.is_lowercase() || c.is_alphabetic() && is_particle),
        Form::Number | Form::Key | Form::Code => false,
    };
    if is_name {
        let doubt = Fault::new("text.apostrophe", message::cell_apostrophe(text));
        notes.doubts.push(doubt);
        return None;
    }
    notes.restored.push("text.apostrophe");
    Some(inner)
}

/// Converts a value to its field's form: replaces lookalike characters, and removes the `.0` that programs
/// append to whole numbers in columns with gaps.
fn in_form<'a>(text: Cow<'a, str>, form: Form, notes: &mut Notes) -> Cow<'a, str> {
    if form != Form::Lines
        && text
            .chars()
            .any(|c| characters::odd(c) == Some(Odd::Foreign))
    {
        let named = characters::named(&text).unwrap_or_default();
        let message = message::cell_foreign_character(named);
        notes
            .doubts
            .push(Fault::new("text.foreign_character", message));
    }
    if !form.is_strict() {
        if form == Form::Words {
            doubt_characters(&text, notes);
            if let Some(meant) = leftovers::of_seven_bits(&text) {
                let message = message::cell_strange_letters(&*text, meant);
                notes
                    .doubts
                    .push(Fault::new("text.strange_letters", message));
            }
            if whole_number(&text).is_some() {
                let doubt = Fault::new("text.decimal_zero", message::cell_decimal_zero(&*text));
                notes.doubts.push(doubt);
            }
        }
        return text;
    }
    let mut text = text;
    let (plain, dropped, replaced) = characters::plain(&text);
    if dropped || replaced {
        if dropped {
            notes.restored.push("text.invisible_character");
        }
        if replaced {
            notes.restored.push("text.lookalike_character");
        }
        text = Cow::Owned(plain.trim().to_owned());
    }
    if characters::mixes_scripts(&text) {
        notes.doubts.push(lookalike(&text));
    }
    if form == Form::Key && leftovers::is_date(text.as_bytes()) {
        let doubt = Fault::new("text.date", message::cell_date_perhaps(&*text));
        notes.doubts.push(doubt);
    }
    if matches!(form, Form::Number | Form::Key)
        && let Some(whole) = whole_number(&text).map(str::len)
    {
        notes.restored.push("text.decimal_zero");
        text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..whole]),
            Cow::Owned(mut text) => {
                text.truncate(whole);
                Cow::Owned(text)
            }
        };
    } else if form == Form::Key
        && notes.doubts.is_empty()
        && leftovers::is_written_number(text.as_bytes())
    {
        let doubt = Fault::new("text.number", message::cell_number_perhaps(&*text));
        notes.doubts.push(doubt);
    }
    text
}

/// Returns the whole number of `184.0`, `184,00` or `184.000000`, or `None` for other text. Three zeros, as
/// in `1.000`, may be a thousands group.
fn whole_number(text: &str) -> Option<&str> {
    const THOUSAND: usize = 3;
    let zeros = text.len() - text.trim_end_matches('0').len();
    let whole = &text[..text.len() - zeros];
    let whole = whole
        .strip_suffix(['.', ','])
        .filter(|_| zeros > 0 && zeros != THOUSAND)?;
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(whole)
}

/// Reports a doubt about a name with invisible or lookalike characters.
fn doubt_characters(text: &str, notes: &mut Notes) {
    if text.is_ascii() {
        return;
    }
    let (mut invisible, mut alike) = (false, false);
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match odd(c) {
            Some(Odd::Invisible) => invisible = true,
            // A dash between numbers, or with space around it, is good typography.
            Some(Odd::Like('-')) => {
                let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
                alike |= is_letter(before) && is_letter(characters.peek().copied());
            }
            Some(Odd::Like(_)) => alike = true,
            Some(Odd::Joiner | Odd::Foreign) | None => {}
        }
        before = Some(c);
    }
    // A person can have names in two alphabets, but each name uses one.
    alike |= text
        .split(|c: char| !c.is_alphabetic())
        .any(characters::mixes_scripts);
    let named = || characters::named(text).unwrap_or_default();
    if invisible {
        let message = message::cell_invisible_character(named());
        notes
            .doubts
            .push(Fault::new("text.invisible_character", message));
    } else if alike {
        notes.doubts.push(lookalike(text));
    }
}

/// Reports a lookalike character or a letter of a lookalike alphabet.
fn lookalike(text: &str) -> Fault {
    let named = characters::named(text).unwrap_or_default();
    Fault::new(
        "text.lookalike_character",
        message::cell_lookalike_character(named),
    )
}

/// Finds placeholders that programs write for missing values or letters.
fn refuse_leftovers(text: &str, form: Form, notes: &mut Notes) -> Result<(), Fault> {
    if leftovers::is_object(text) {
        return Err(Fault::new("text.object", message::cell_object(text)));
    }
    if let Some(meant) = escapes::unescaped(text) {
        return Err(escaped(text, &meant));
    }
    if has_quotes_around(text) {
        let doubt = Fault::new("text.quotes", message::cell_quotes(text));
        notes.doubts.push(doubt);
    }
    let is_address = form == Form::Code && text.contains('@');
    let is_text = is_address || matches!(form, Form::Words | Form::Key);
    if is_text && let Some(mark) = leftovers::question_mark(text) {
        let message = match mark {
            QuestionMark::Within => message::cell_question_mark(text),
            QuestionMark::AtEdge => message::cell_question_mark_edge(text),
        };
        notes.doubts.push(Fault::new("text.question_mark", message));
    }
    match leftovers::no_value(text) {
        None => Ok(()),
        // Other kinds reject these words themselves.
        Some(_) if !is_text => Ok(()),
        Some(NoValue::Certain) => Err(no_value(text)),
        Some(NoValue::Word(_)) if form == Form::Key => Err(no_value(text)),
        Some(NoValue::Word(_) | NoValue::Name(_) | NoValue::Phrase | NoValue::Mark) => {
            let doubt = Fault::new("text.no_value", message::cell_no_value_perhaps(text));
            notes.doubts.push(doubt);
            Ok(())
        }
    }
}

/// The problem of a placeholder for a missing value.
pub(super) fn no_value(text: &str) -> Fault {
    Fault::new("text.no_value", message::cell_no_value(text))
}

fn escaped(text: &str, meant: &str) -> Fault {
    Fault::new("text.escape", message::cell_escape(text, meant))
}

/// Whether a text consists of printable ASCII and the letters of the Nordic countries and Germany, which are
/// rare in wrongly decoded text.
#[inline]
pub(super) fn is_western(text: &str) -> bool {
    text.bytes().all(|byte| IS_WESTERN[usize::from(byte)])
}

/// Whether a byte of UTF-8 is ordinary ASCII or part of a western European letter.
const IS_WESTERN_NAME: [bool; 256] = {
    let mut is_western_name = IS_ORDINARY;
    let mut byte = 0x80;
    while byte < is_western_name.len() {
        is_western_name[byte] = IS_WESTERN[byte];
        byte += 1;
    }
    is_western_name
};

/// Whether a byte of UTF-8 is printable ASCII, the lead byte 0xC3, or the second byte of Å Ä Æ É Ö Ø Ü or å ä
/// æ é ö ø ü.
const IS_WESTERN: [bool; 256] = {
    let mut is_western = [false; 256];
    let mut byte = 0;
    while byte < is_western.len() {
        is_western[byte] = matches!(
            byte as u8,
            b' '..=b'~'
                | 0xC3
                | 0x84
                | 0x85
                | 0x86
                | 0x89
                | 0x96
                | 0x98
                | 0x9C
                | 0xA4
                | 0xA5
                | 0xA6
                | 0xA9
                | 0xB6
                | 0xB8
                | 0xBC
        );
        byte += 1;
    }
    is_western
};

/// Whether a cell is ordinary ASCII and begins and ends like a value. Most cells do.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    is_ordinary(bytes) && has_plain_ends(bytes)
}

/// Whether a cell has no surrounding spaces or special signs, does not end in `.0`, and is not a placeholder.
#[inline]
pub(super) fn has_plain_ends(bytes: &[u8]) -> bool {
    let [first, .., before, last] = bytes else {
        return bytes.iter().all(u8::is_ascii_alphanumeric) && leftovers::is_not_begun(bytes);
    };
    if *last == b' ' || *last == b'0' && ends_in_zeros(*before, bytes) {
        return false;
    }
    if (first.is_ascii_digit() || last.is_ascii_digit()) && leftovers::is_date(bytes) {
        return false;
    }
    // A text that begins with another character needs the full check.
    (first.is_ascii_alphanumeric() || *first >= 0x80) && leftovers::is_not_begun(bytes)
}

/// Whether all decimals of a text that ends in a zero are zeros.
#[inline]
fn ends_in_zeros(before: u8, bytes: &[u8]) -> bool {
    match before {
        b'.' | b',' => true,
        b'0' => {
            let mut digits = bytes.iter().rev().skip_while(|byte| **byte == b'0');
            matches!(digits.next(), Some(b'.' | b','))
        }
        _ => false,
    }
}

/// Whether a text consists of western letters and ordinary ASCII, with capital letters only where names have
/// them.
#[inline]
pub(super) fn is_western_name(text: &str) -> bool {
    text.bytes().all(|byte| IS_WESTERN_NAME[usize::from(byte)])
        && !has_late_capital(text.as_bytes())
}

/// Whether a western capital beyond ASCII follows two small letters or stands between two: `BjÜrn` and
/// `AndrÄ` are Mac Roman read as CP850. `SvÖ` is an abbreviation.
#[inline]
fn has_late_capital(bytes: &[u8]) -> bool {
    let is_small = |byte: u8| matches!(byte, b'a'..=b'z' | 0xA0..=0xBF);
    bytes.windows(4).any(|four| match *four {
        [before, 0xC3, 0x80..=0x9E, behind] => is_small(before) && is_small(behind),
        [first, second, 0xC3, 0x80..=0x9E] => is_small(first) && is_small(second),
        _ => false,
    })
}

/// The text of a formula that is only a string: `"0184"`, or `""&" x"`, with which rosterpatch preserves
/// space at the ends of a value.
fn quoted(formula: &str) -> Option<Cow<'_, str>> {
    let exact = formula.strip_prefix("\"\"&");
    let inner = exact.unwrap_or(formula);
    let inner = inner.strip_prefix('"')?.strip_suffix('"')?;
    let inner = match exact {
        Some(_) => inner,
        None => inner.trim_matches(characters::is_padding),
    };
    if !inner.contains('"') {
        return Some(inner.into());
    }
    // Two quotation marks within the string stand for one.
    let is_whole = !inner.replace("\"\"", "").contains('"');
    is_whole.then(|| inner.replace("\"\"", "\"").into())
}

/// Finds damage from conversions. `notes` receives possible damage.
fn refuse_damage(text: &str, notes: &mut Notes) -> Result<(), Fault> {
    // U+FFFD in UTF-8, read as Windows-1252, ISO 8859-15, Windows-1250, Windows-1257, Mac Roman, CP850,
    // CP852, CP437, Windows-1251, KOI8-R and CP866, and as Windows-1252 twice.
    const REPLACED: [&str; 12] = [
        "ï¿½",
        "ï¿œ",
        "ďż˝",
        "ļæ½",
        "ÔøΩ",
        "´┐¢",
        "´┐Ż",
        "∩┐╜",
        "пїЅ",
        "О©╫",
        "я┐╜",
        "Ã¯Â¿Â½",
    ];
    if let Some(shown) = REPLACED.iter().find(|shown| text.contains(**shown)) {
        return Err(Fault::new(
            "text.replacement_character",
            message::cell_replacement_character(text, *shown),
        ));
    }
    let wrong = mojibake(text);
    // A text of western letters only may be an abbreviation.
    if let Some(Mojibake {
        repaired,
        is_certain: true,
    }) = &wrong
        && !is_western(text)
    {
        return Err(Fault::new(
            "text.mojibake",
            message::cell_mojibake(text, repaired.as_str()),
        ));
    }
    refuse_characters(text)?;
    if let Some(wrong) = wrong {
        let message = message::cell_strange_letters(text, wrong.repaired);
        notes
            .doubts
            .push(Fault::new("text.strange_letters", message));
    }
    Ok(())
}

/// Whether a value is enclosed in quotation marks that CSV readers do not remove.
fn has_quotes_around(text: &str) -> bool {
    let mut chars = text.chars();
    let (Some(first), Some(last)) = (chars.next(), chars.next_back()) else {
        return false;
    };
    let closing = match first {
        '"' | '`' | '´' => return last == first || first == '`' && last == '\'',
        '“' => "”“",
        '”' => "”",
        '„' => "“”",
        '‘' | '’' => "’",
        '‚' => "‘’",
        '»' => "«»",
        '«' => "»",
        '›' => "‹›",
        '‹' => "›",
        _ => return false,
    };
    closing.contains(last)
}

/// Refuses error values of spreadsheets.
fn refuse_spreadsheet_error(text: &str) -> Result<(), Fault> {
    // English and Swedish error values in any case, and those of other languages that do not end in a
    // punctuation mark.
    const SPREADSHEET_ERRORS: [&str; 30] = [
        "#N/A",
        "#N/A!",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#BUSY!",
        "#GETTING_DATA",
        "#ERROR!",
        "#SAKNAS!",
        "#REFERENS!",
        "#VÄRDEFEL!",
        "#NAMN?",
        "#DIVISION/0!",
        "#OGILTIGT!",
        "#SKÄRNING!",
        "#FÄLT!",
        "#HÄMTAR_DATA",
        "#NV",
        "#I/T",
        "#N/D",
        "#N/B",
        "#Н/Д",
    ];
    // LibreOffice displays other errors as a number.
    let is_numbered = text
        .strip_prefix("Err:")
        .is_some_and(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()));
    let in_capitals = text.to_uppercase();
    // All others are a capitalized word and a punctuation mark, such as #BEZUG! and #NOM?
    let is_capital = |c: char| c.is_uppercase() || matches!(c, '/' | '0' | '_' | '.');
    let word = text
        .strip_prefix('#')
        .and_then(|text| text.strip_suffix(['!', '?']));
    let is_word = word.is_some_and(|word| word.chars().count() > 1 && word.chars().all(is_capital));
    if is_numbered || is_word || SPREADSHEET_ERRORS.contains(&&*in_capitals) {
        return Err(Fault::new(
            "text.spreadsheet_error",
            message::cell_spreadsheet_error(text),
        ));
    }
    if text.starts_with("###") && text.bytes().all(|byte| byte == b'#') {
        return Err(Fault::new("text.spreadsheet_error", message::cell_hashes()));
    }
    Ok(())
}

/// Refuses a text with a character that no value contains.
fn refuse_characters(text: &str) -> Result<(), Fault> {
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => {}
            '\0' => {
                return Err(Fault::new("text.nul", message::cell_nul()));
            }
            '\u{FFFD}' => {
                return Err(Fault::new(
                    "text.replacement_character",
                    message::cell_replacement_character(text, "\u{FFFD}"),
                ));
            }
            // Windows-1252 leaves five bytes unassigned; they decode to these.
            '\u{80}'..='\u{9F}' => {
                return Err(Fault::new(
                    "text.undecodable",
                    message::cell_unassigned_byte(format!("{:02X}", u32::from(c))),
                ));
            }
            c if c.is_control() => {
                return Err(Fault::new(
                    "text.control_character",
                    message::cell_control_character(format!("{:04X}", u32::from(c))),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The problem of a cell whose bytes are not text.
pub(super) fn undecodable(bytes: &[u8]) -> Fault {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) => error.valid_up_to(),
    };
    let byte = bytes.get(valid).copied().unwrap_or_default();
    Fault::new(
        "text.undecodable",
        message::cell_undecodable(format!("{byte:02X}"), valid + 1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::kinds::form_of;
    use crate::check::sample::target;
    use crate::targets::{Kind, Place};

    fn look(text: &str) -> Result<Content<'_>, &'static str> {
        content(text, Form::Words, &mut Notes::default()).map_err(|fault| fault.code)
    }

    /// The value of a cell, and the codes of its repairs and doubts.
    fn seen(text: &str, form: Form) -> (String, Vec<&'static str>, Vec<&'static str>) {
        let mut notes = Notes::default();
        let text = match content(text, form, &mut notes) {
            Ok(Content::Text(text)) => text.to_owned(),
            Ok(Content::Restored(text)) => text,
            Ok(Content::Empty) => "EMPTY".to_owned(),
            Ok(Content::Clear) => "CLEAR".to_owned(),
            Err(fault) => fault.code.to_owned(),
        };
        let doubts = notes.doubts.iter().map(|fault| fault.code).collect();
        (text, notes.restored, doubts)
    }

    /// All cells of up to five elements. A value must round-trip, or importing the results would change it.
    #[test]
    fn values_round_trip_through_results() {
        const MARKS: [&str; 11] = [
            "'", "\"", "=", " ", "\u{200B}", "\u{A0}", "0", "\u{F6}", "<null>", "\"\"&", "184.0",
        ];
        let mut cells = vec![String::new()];
        let mut longest = cells.clone();
        for _ in 0..5 {
            longest = longest
                .iter()
                .flat_map(|cell| MARKS.map(|mark| format!("{cell}{mark}")))
                .collect();
            cells.extend_from_slice(&longest);
        }
        for form in [Form::Number, Form::Key, Form::Code, Form::Words] {
            for cell in &cells {
                let read = match content(cell, form, &mut Notes::default()) {
                    Ok(Content::Text(text)) => text.to_owned(),
                    Ok(Content::Restored(text)) => text,
                    Ok(Content::Empty | Content::Clear) | Err(_) => continue,
                };
                let is_marked = read.starts_with(['=', '\''])
                    || read == "<null>"
                    || read.trim_matches(characters::is_padding) != read;
                let written = match is_marked {
                    // Results store this value as a formula that returns its text.
                    true => format!("=\"\"&\"{}\"", read.replace('"', "\"\"")),
                    false => read.clone(),
                };
                let again = content(&written, form, &mut Notes::default());
                let same = match &again {
                    Ok(Content::Text(text)) => *text == read,
                    Ok(Content::Restored(text)) => *text == read,
                    _ => false,
                };
                assert!(same, "{form:?} {cell:?} is {read:?}, then {again:?}");
            }
        }
    }

    #[test]
    fn a_changed_value_is_restored_if_the_original_is_unambiguous() {
        let apostrophe = ["text.apostrophe"].as_slice();
        let invisible = ["text.invisible_character"].as_slice();
        let alike = ["text.lookalike_character"].as_slice();
        let decimal = ["text.decimal_zero"].as_slice();
        let foreign = ["text.foreign_character"].as_slice();
        for (text, form, expected, restored, doubts) in [
            ("'0184", Form::Key, "0184", apostrophe, [].as_slice()),
            (
                "'+46701740605",
                Form::Number,
                "+46701740605",
                apostrophe,
                &[],
            ),
            (
                "'a@x.example.se",
                Form::Code,
                "a@x.example.se",
                apostrophe,
                &[],
            ),
            ("'Anna", Form::Words, "Anna", apostrophe, &[]),
            ("'Åsa'", Form::Words, "'Åsa'", &[], &["text.quotes"]),
            (
                "'''",
                Form::Key,
                "'''",
                &[],
                &["text.quotes", "text.no_value"],
            ),
            ("''0184", Form::Key, "''0184", &[], &["text.quotes"]),
            ("'0184'", Form::Key, "0184", apostrophe, &[]),
            ("'3 Skolgatan", Form::Words, "3 Skolgatan", apostrophe, &[]),
            ("'", Form::Words, "EMPTY", apostrophe, &[]),
            (
                "'s-Gravenhage",
                Form::Words,
                "'s-Gravenhage",
                &[],
                apostrophe,
            ),
            ("'t Hooft", Form::Words, "'t Hooft", &[], apostrophe),
            ("'T HOOFT", Form::Words, "'T HOOFT", &[], apostrophe),
            ("'anna", Form::Words, "'anna", &[], apostrophe),
            ("'quoted' text", Form::Lines, "'quoted' text", &[], &[]),
            ("O'Neill", Form::Words, "O'Neill", &[], &[]),
            ("184.0", Form::Key, "184", decimal, &[]),
            ("184,0", Form::Number, "184", decimal, &[]),
            ("+4722123456.0", Form::Number, "+4722123456", decimal, &[]),
            ("184.0", Form::Words, "184.0", &[], decimal),
            ("1.184.0", Form::Key, "1.184.0", &[], &["text.number"]),
            ("12 345", Form::Key, "12 345", &[], &["text.number"]),
            ("12\u{A0}345", Form::Key, "12 345", alike, &["text.number"]),
            ("50 %", Form::Key, "50 %", &[], &["text.number"]),
            ("12 345", Form::Words, "12 345", &[], &[]),
            ("12 345", Form::Number, "12 345", &[], &[]),
            ("-.0", Form::Key, "-.0", &[], &[]),
            ("x.0", Form::Key, "x.0", &[], &[]),
            (" 184.", Form::Key, "184.", &[], &[]),
            (" 184,", Form::Number, "184,", &[], &[]),
            ("''", Form::Words, "EMPTY", apostrophe, &[]),
            (" Åsa ", Form::Words, "Åsa", &[], &[]),
            ("\u{FEFF}Anna", Form::Words, "Anna", invisible, &[]),
            ("Å\n\tsa", Form::Lines, "Å\n\tsa", &[], &[]),
            (
                "Storgatan 1\u{2013}B",
                Form::Words,
                "Storgatan 1\u{2013}B",
                &[],
                &[],
            ),
            ("184.50", Form::Key, "184.50", &[], &["text.number"]),
            ("184.00", Form::Key, "184", decimal, &[]),
            ("184,000000", Form::Number, "184", decimal, &[]),
            ("1.000", Form::Key, "1.000", &[], &["text.number"]),
            ("10", Form::Key, "10", &[], &[]),
            ("E-100", Form::Key, "E-100", &[], &[]),
            ("3-apr", Form::Key, "3-apr", &[], &["text.date"]),
            ("2026-03-01", Form::Key, "2026-03-01", &[], &["text.date"]),
            ("3-apr", Form::Words, "3-apr", &[], &[]),
            (
                "Bj|rn",
                Form::Words,
                "Bj|rn",
                &[],
                &["text.strange_letters"],
            ),
            ("\u{410}nna", Form::Words, "\u{410}nna", &[], alike),
            (
                "\u{430}@x.example.se",
                Form::Code,
                "\u{430}@x.example.se",
                &[],
                alike,
            ),
            (
                "\u{410}\u{43D}\u{43D}\u{430} Ek",
                Form::Words,
                "\u{410}\u{43D}\u{43D}\u{430} Ek",
                &[],
                &[],
            ),
            ("Anna\u{2028}Ek", Form::Words, "Anna\u{2028}Ek", &[], alike),
            (
                "\u{202A}b@x.example.se\u{202C}",
                Form::Code,
                "b@x.example.se",
                invisible,
                &[],
            ),
            (
                "20100402\u{200B}-4137",
                Form::Number,
                "20100402-4137",
                invisible,
                &[],
            ),
            ("\u{2066}Anna\u{2069}", Form::Words, "Anna", invisible, &[]),
            ("\u{1D400}nna", Form::Words, "\u{1D400}nna", &[], alike),
            ("\u{1D400}1", Form::Key, "A1", alike, &[]),
            ("Anna\tEk", Form::Words, "Anna\tEk", &[], foreign),
            ("12\t34", Form::Key, "12\t34", &[], foreign),
            (
                "Anna \u{1F600}",
                Form::Words,
                "Anna \u{1F600}",
                &[],
                foreign,
            ),
            (
                "\u{E001}nna@x.se",
                Form::Code,
                "\u{E001}nna@x.se",
                &[],
                foreign,
            ),
            ("\u{2605}1", Form::Number, "\u{2605}1", &[], foreign),
            ("\u{1F600}\t", Form::Lines, "\u{1F600}", &[], &[]),
            ("An\u{200B}na", Form::Words, "An\u{200B}na", &[], invisible),
            (
                "20100402\u{2014}5118",
                Form::Number,
                "20100402-5118",
                alike,
                &[],
            ),
            ("E\u{2013}10482", Form::Key, "E-10482", alike, &[]),
            ("26\u{202F}131", Form::Number, "26 131", alike, &[]),
            ("\u{FF11}\u{FF18}\u{FF14}", Form::Number, "184", alike, &[]),
            (
                "Anna\u{2013}Karin",
                Form::Words,
                "Anna\u{2013}Karin",
                &[],
                alike,
            ),
            (
                "Anna\u{A0}Karin",
                Form::Words,
                "Anna\u{A0}Karin",
                &[],
                alike,
            ),
            (
                "Storgatan 1\u{2013}3",
                Form::Words,
                "Storgatan 1\u{2013}3",
                &[],
                &[],
            ),
            (
                "\u{645}\u{200C}\u{646}",
                Form::Words,
                "\u{645}\u{200C}\u{646}",
                &[],
                &[],
            ),
        ] {
            let (found, put_back, unusual) = seen(text, form);
            assert_eq!(found, expected, "{text:?}");
            assert_eq!(put_back, restored, "{text:?}");
            assert_eq!(unusual, doubts, "{text:?}");
        }
    }

    #[test]
    fn placeholders_are_doubtful_or_invalid() {
        let no_value = ["text.no_value"].as_slice();
        let question_mark = ["text.question_mark"].as_slice();
        let strange = ["text.strange_letters"].as_slice();
        for (text, form, expected, doubts) in [
            ("NULL", Form::Words, "NULL", no_value),
            ("Null", Form::Words, "Null", no_value),
            ("nan", Form::Words, "nan", no_value),
            ("undefined", Form::Words, "undefined", no_value),
            ("N/A", Form::Words, "N/A", no_value),
            ("-", Form::Words, "-", no_value),
            ("-", Form::Key, "-", no_value),
            ("Saknas", Form::Words, "Saknas", no_value),
            ("okänd", Form::Key, "okänd", no_value),
            ("n.a.", Form::Words, "n.a.", no_value),
            ("DBNull", Form::Words, "DBNull", no_value),
            ("null@example.se", Form::Code, "null@example.se", no_value),
            ("(tom)", Form::Words, "text.no_value", &[]),
            ("b'Anna'", Form::Words, "text.object", &[]),
            (
                "s?ren@example.se",
                Form::Code,
                "s?ren@example.se",
                question_mark,
            ),
            ("Anna_x000D_", Form::Words, "text.escape", &[]),
            ("Sï¿½ren", Form::Words, "text.replacement_character", &[]),
            ("#BEZUG!", Form::Words, "text.spreadsheet_error", &[]),
            ("#I/T", Form::Words, "text.spreadsheet_error", &[]),
            ("#VÆRDI!", Form::Words, "text.spreadsheet_error", &[]),
            ("#1!", Form::Words, "#1!", &[]),
            ("#A!", Form::Words, "#A!", &[]),
            ("#Å?", Form::Number, "#Å?", &[]),
            ("#ÅÄ?", Form::Words, "text.spreadsheet_error", &[]),
            ("#hurra!", Form::Words, "#hurra!", &[]),
            ("#saknas!", Form::Words, "text.spreadsheet_error", &[]),
            ("#Ref!", Form::Words, "text.spreadsheet_error", &[]),
            ("#N/B", Form::Words, "text.spreadsheet_error", &[]),
            // A capital after small letters results from a wrong encoding more often than from an
            // abbreviation.
            ("AndrÄ", Form::Words, "AndrÄ", strange),
            (" BjÜrn", Form::Words, "BjÜrn", strange),
            ("ANDRÄ", Form::Words, "ANDRÄ", &[]),
            ("McÉwan", Form::Words, "McÉwan", &[]),
            ("AnnaÖberg", Form::Words, "AnnaÖberg", &[]),
            ("3bÄ", Form::Words, "3bÄ", &[]),
            ("SvÖ", Form::Words, "SvÖ", &[]),
            ("NULL", Form::Key, "text.no_value", &[]),
            ("NULL", Form::Number, "NULL", &[]),
            ("-", Form::Code, "-", &[]),
            ("##", Form::Words, "##", no_value),
            ("###a", Form::Words, "###a", &[]),
            ("Err:50", Form::Words, "Err:50", &[]),
            ("Err:abc", Form::Words, "Err:abc", &[]),
            ("(null)", Form::Words, "text.no_value", &[]),
            ("\\N", Form::Words, "text.no_value", &[]),
            ("[object Object]", Form::Words, "text.object", &[]),
            ("System.Object[]", Form::Key, "text.object", &[]),
            (
                "System.Collections.Hashtable",
                Form::Words,
                "text.object",
                &[],
            ),
            ("S&ouml;ren", Form::Words, "text.escape", &[]),
            ("S\\u00f6ren", Form::Words, "text.escape", &[]),
            ("S%C3%B6ren", Form::Words, "text.escape", &[]),
            ("S?derlund", Form::Words, "S?derlund", question_mark),
            ("Malm?", Form::Words, "Malm?", question_mark),
            ("Who? &ouml; NULL", Form::Lines, "Who? &ouml; NULL", &[]),
            ("Err:502", Form::Words, "text.spreadsheet_error", &[]),
            ("#n/a", Form::Words, "text.spreadsheet_error", &[]),
        ] {
            let (found, restored, unusual) = seen(text, form);
            assert_eq!((&*found, &*restored), (expected, [].as_slice()), "{text:?}");
            assert_eq!(unusual, doubts, "{text:?}");
        }
    }

    #[test]
    fn content_is_classified_regardless_of_the_kind() {
        assert_eq!(look(""), Ok(Content::Empty));
        assert_eq!(look(" \u{A0}\u{FEFF}"), Ok(Content::Empty));
        assert_eq!(look("<null>"), Ok(Content::Clear));
        assert_eq!(look("<NULL>"), Ok(Content::Clear));
        assert_eq!(look(" Åsa "), Ok(Content::Text("Åsa")));
        assert_eq!(look("a b"), Ok(Content::Text("a b")));
        assert_eq!(look("=\"0184\""), Ok(Content::Text("0184")));
        assert_eq!(look("=\" 0184 \""), Ok(Content::Text("0184")));
        assert_eq!(look("=\"\"&\"\t=1 \""), Ok(Content::Text("\t=1 ")));
        assert_eq!(look("=\"\"&\"\""), Ok(Content::Empty));
        assert_eq!(look("=\"<null>\""), Ok(Content::Text("<null>")));
        let unquoted = Content::Restored("=A(\"x\")".into());
        assert_eq!(look("=\"=A(\"\"x\"\")\""), Ok(unquoted));
        assert_eq!(
            look("Ântônio Ãlvares"),
            Ok(Content::Text("Ântônio Ãlvares"))
        );
        for (bad, code) in [
            ("=A1+B1", "text.formula"),
            ("=\"a\"&\"b\"", "text.formula"),
            ("=\"a\"\"", "text.formula"),
            ("=\"\"&A1", "text.formula"),
            ("#N/A", "text.spreadsheet_error"),
            ("#SAKNAS!", "text.spreadsheet_error"),
            ("########", "text.spreadsheet_error"),
            ("An\0na", "text.nul"),
            ("An\u{7}na", "text.control_character"),
            ("\u{81}sa", "text.undecodable"),
            ("\u{FFFD}sa", "text.replacement_character"),
            ("Ã…sa", "text.mojibake"),
            ("LindstrÃ¶m", "text.mojibake"),
        ] {
            assert_eq!(look(bad), Err(code), "{bad}");
        }
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(look(&long), Err("text.too_long"));
        assert_eq!(look(&long[1..]), Ok(Content::Text(&long[1..])));
        for (bytes, place) in [(b"\xE5sa", "position 1"), (b"as\xE5", "position 3")] {
            let fault = undecodable(bytes);
            let told = fault.message.to_string();
            assert!(told.contains("0xE5") && told.contains(place), "{told}");
        }
    }

    #[test]
    fn a_replacement_character_is_found_in_any_encoding() {
        for text in [
            "Sï¿½ren",
            "Sï¿œren",
            "Sďż˝ren",
            "Sļæ½ren",
            "SÔøΩren",
            "S´┐¢ren",
            "S´┐Żren",
            "S∩┐╜ren",
            "SпїЅren",
            "SО©╫ren",
            "Sя┐╜ren",
            "SÃ¯Â¿Â½ren",
        ] {
            assert_eq!(look(text), Err("text.replacement_character"), "{text}");
        }
    }

    #[test]
    fn the_field_determines_the_form_of_its_cells() {
        let plain = target(&[("x", "kind = \"text\"")]);
        let mut field = plain.fields[1].clone();
        assert_eq!(form_of(&field, false), Form::Words);
        assert_eq!(form_of(&field, true), Form::Key);
        assert_eq!(
            form_of(&plain.fields[0], false),
            Form::Key,
            "unique, and in the path"
        );
        field.unique = true;
        assert_eq!(form_of(&field, false), Form::Key);
        field.unique = false;
        field.place = Place::Path;
        assert_eq!(form_of(&field, false), Form::Key);
        field.lines = true;
        assert_eq!(form_of(&field, false), Form::Lines);
        field.kind = Kind::Phone;
        assert_eq!(form_of(&field, true), Form::Number);
        field.kind = Kind::Email;
        assert_eq!(form_of(&field, true), Form::Code);
        let strict = [Form::Number, Form::Key, Form::Code].map(Form::is_strict);
        assert_eq!(strict, [true; 3]);
        assert!(!Form::Words.is_strict() && !Form::Lines.is_strict());
    }

    #[test]
    fn plain_cells_have_plain_first_and_last_characters() {
        for text in ["a", "ab", "a b", "a10", "a.1", "Åab", "10"] {
            assert!(has_plain_ends(text.as_bytes()), "{text}");
        }
        for text in [
            "-", "a-", "NA", "ab ", "1.0", "1,0", "a.0", "-ab", "'ab", "NULL", " ab",
        ] {
            assert!(!has_plain_ends(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn quotes_around_a_value_are_recognized_in_pairs() {
        for text in [
            "\"a\"", "`a`", "`a'", "´a´", "“a”", "“a“", "”a”", "„a“", "„a”", "‘a’", "’a’", "‚a‘",
            "‚a’", "»a«", "»a»", "«a»", "›a‹", "›a›", "‹a›",
        ] {
            assert!(has_quotes_around(text), "{text}");
        }
        for text in [
            "a", "\"", "\"a", "\"a'", "'a'", "`a´", "´a'", "“a\"", "”a“", "‘a‘", "«a«", "‹a‹", "aa",
        ] {
            assert!(!has_quotes_around(text), "{text}");
        }
    }
}
