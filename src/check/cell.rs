//! Normalizes cells before the check of their field's kind.

use std::borrow::Cow;

use super::characters::{self, Odd, odd};
use super::escapes;
use super::fault::{Fault, Notes, refuse};
use super::leftovers::{self, NoValue, QuestionMark};
use super::plain::{has_late_capital, is_plain, is_western};
use crate::l10n::message;
use crate::read::{Mojibake, has_adjacent, mojibake};

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
        return refuse("text.too_long", message::cell_too_long(text.len(), LONGEST));
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
            None => return refuse("text.formula", message::cell_formula(text)),
        },
    };
    let read = in_form(read, form, notes);
    if read.is_empty() {
        return Ok(Content::Empty);
    }
    // Without the character that was replaced, damage may be evident.
    if let Cow::Owned(restored) = &read {
        refuse_damage(restored, &mut Notes::default())?;
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
            notes.doubt("text.quotes", message::cell_quotes(text));
            return None;
        }
        Some(quoted) => quoted,
        None => inner,
    };
    let inner = inner.trim_matches(characters::is_padding);
    // If another apostrophe follows, the first one may be part of the value.
    if inner.starts_with('\'') || inner.ends_with('\'') {
        notes.doubt("text.quotes", message::cell_quotes(text));
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
        notes.doubt("text.apostrophe", message::cell_apostrophe(text));
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
        notes.doubt("text.foreign_character", message);
    }
    if !form.is_strict() {
        if form == Form::Words {
            doubt_characters(&text, notes);
            if let Some(meant) = leftovers::of_seven_bits(&text) {
                let message = message::cell_strange_letters(&*text, meant);
                notes.doubt("text.strange_letters", message);
            }
            if whole_number(&text).is_some() {
                notes.doubt("text.decimal_zero", message::cell_decimal_zero(&*text));
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
        notes.doubt("text.date", message::cell_date_perhaps(&*text));
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
        notes.doubt("text.number", message::cell_number_perhaps(&*text));
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
        notes.doubt("text.invisible_character", message);
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
        return refuse("text.object", message::cell_object(text));
    }
    if let Some(meant) = escapes::unescaped(text) {
        return refuse("text.escape", message::cell_escape(text, meant));
    }
    if has_quotes_around(text) {
        notes.doubt("text.quotes", message::cell_quotes(text));
    }
    let is_address = form == Form::Code && text.contains('@');
    let is_text = is_address || matches!(form, Form::Words | Form::Key);
    if is_text && let Some(mark) = leftovers::question_mark(text) {
        let message = match mark {
            QuestionMark::Within => message::cell_question_mark(text),
            QuestionMark::AtEdge => message::cell_question_mark_edge(text),
        };
        notes.doubt("text.question_mark", message);
    }
    match leftovers::no_value(text) {
        None => Ok(()),
        // Other kinds reject these words themselves.
        Some(_) if !is_text => Ok(()),
        Some(NoValue::Certain) => Err(no_value(text)),
        Some(NoValue::Word(_)) if form == Form::Key => Err(no_value(text)),
        Some(NoValue::Word(_) | NoValue::Name(_) | NoValue::Phrase | NoValue::Mark) => {
            notes.doubt("text.no_value", message::cell_no_value_perhaps(text));
            Ok(())
        }
    }
}

/// The problem of a placeholder for a missing value.
pub(super) fn no_value(text: &str) -> Fault {
    Fault::new("text.no_value", message::cell_no_value(text))
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
    if has_adjacent(text)
        && let Some(shown) = REPLACED.iter().find(|shown| text.contains(**shown))
    {
        return refuse(
            "text.replacement_character",
            message::cell_replacement_character(text, *shown),
        );
    }
    let wrong = mojibake(text);
    // A text of western letters only may be an abbreviation.
    if let Some(Mojibake {
        repaired,
        is_certain: true,
    }) = &wrong
        && !is_western(text)
    {
        return refuse(
            "text.mojibake",
            message::cell_mojibake(text, repaired.as_str()),
        );
    }
    refuse_characters(text)?;
    if let Some(wrong) = wrong {
        let message = message::cell_strange_letters(text, wrong.repaired);
        notes.doubt("text.strange_letters", message);
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
        return refuse(
            "text.spreadsheet_error",
            message::cell_spreadsheet_error(text),
        );
    }
    if text.starts_with("###") && text.bytes().all(|byte| byte == b'#') {
        return refuse("text.spreadsheet_error", message::cell_hashes());
    }
    Ok(())
}

/// Refuses a text with a character that no value contains.
fn refuse_characters(text: &str) -> Result<(), Fault> {
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => {}
            '\0' => {
                return refuse("text.nul", message::cell_nul());
            }
            '\u{FFFD}' => {
                return refuse(
                    "text.replacement_character",
                    message::cell_replacement_character(text, "\u{FFFD}"),
                );
            }
            // Windows-1252 leaves five bytes unassigned; they decode to these.
            '\u{80}'..='\u{9F}' => {
                return refuse(
                    "text.undecodable",
                    message::cell_unassigned_byte(format!("{:02X}", u32::from(c))),
                );
            }
            c if c.is_control() => {
                return refuse(
                    "text.control_character",
                    message::cell_control_character(format!("{:04X}", u32::from(c))),
                );
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
mod tests;
