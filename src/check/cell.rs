use std::borrow::Cow;

use crate::l10n::say;

use super::ascii::is_printable;
use super::fault::Fault;
use crate::read::{Mojibake, mojibake};

/// Characters that a cell may have. No field of a person is longer; what is, is another file's
/// content or a quote gone wrong.
pub(super) const LONGEST: usize = 10_000;

/// What a cell holds before its field's kind is asked.
#[derive(Debug, PartialEq)]
pub(super) enum Content<'a> {
    /// Nothing, or nothing but space.
    Empty,
    /// `<null>`: the field is to be cleared.
    Clear,
    /// Text, without surrounding space but where a formula says that it is a part of it.
    Text(&'a str),
    /// Text with quotes in it, out of a formula that doubles them.
    Unquoted(String),
}

/// Looks at a cell as any kind of cell must be looked at: is it text at all, and did something on
/// its way here damage it? `repaired` and `doubt` say what was put back, and what is unusual.
#[inline]
pub(super) fn content<'a>(
    text: &'a str,
    repaired: &mut Option<&'static str>,
    doubt: &mut Option<Fault>,
) -> Result<Content<'a>, Fault> {
    if text.is_empty() {
        return Ok(Content::Empty);
    }
    if text.len() > LONGEST {
        return Err(Fault::new(
            "text.too_long",
            say().cell_too_long(text.len(), LONGEST),
        ));
    }
    if is_plain(text.as_bytes()) {
        return Ok(Content::Text(text));
    }
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}'));
    if text.is_empty() {
        return Ok(Content::Empty);
    }
    if text.eq_ignore_ascii_case("<null>") {
        return Ok(Content::Clear);
    }
    if !text.starts_with(['=', '#', '\'', '"']) && is_western(text) {
        return Ok(Content::Text(text));
    }
    *doubt = damage(text)?;
    match text.strip_prefix('=') {
        None => Ok(Content::Text(text)),
        Some(formula) => match quoted(formula) {
            // ="0184" is how text is kept from becoming a number.
            Some(inner) => {
                *repaired = Some("text.formula");
                Ok(match inner {
                    Cow::Borrowed("") => Content::Empty,
                    Cow::Borrowed(inner) => Content::Text(inner),
                    Cow::Owned(inner) => Content::Unquoted(inner),
                })
            }
            None => Err(Fault::new("text.formula", say().cell_formula(text))),
        },
    }
}

/// Whether no character needs a second look: printable ASCII, and the letters of the Nordic countries and
/// Germany, which wrongly decoded text seldom has.
#[inline]
pub(super) fn is_western(text: &str) -> bool {
    text.bytes().all(|byte| IS_WESTERN[usize::from(byte)])
}

/// Whether a byte of UTF-8 is of such a character: the lead byte 0xC3, and those of Å Ä Æ É Ö Ø Ü and å ä æ é
/// ö ø ü behind it.
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

/// Whether a cell is printable ASCII that begins and ends with neither space nor a sign that
/// means something. Most cells are.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    is_printable(bytes, None) && has_plain_ends(bytes)
}

/// Whether a cell begins and ends with neither space nor a sign that means something.
#[inline]
pub(super) fn has_plain_ends(bytes: &[u8]) -> bool {
    !matches!(
        bytes.first(),
        Some(b' ' | b'=' | b'#' | b'<' | b'\'' | b'"')
    ) && bytes.last() != Some(&b' ')
}

/// The text that a formula is, where it is nothing but one: `"0184"`, or `""&" x"`, with which the program
/// keeps the space at a value's ends that another one's padding is not.
fn quoted(formula: &str) -> Option<Cow<'_, str>> {
    let exact = formula.strip_prefix("\"\"&");
    let inner = exact.unwrap_or(formula);
    let inner = inner.strip_prefix('"')?.strip_suffix('"')?;
    let inner = if exact.is_some() { inner } else { inner.trim() };
    if !inner.contains('"') {
        return Some(inner.into());
    }
    // Two quotes within the text are one of it.
    let is_whole = !inner.replace("\"\"", "").contains('"');
    is_whole.then(|| inner.replace("\"\"", "\"").into())
}

/// Finds what a conversion on the file's way here broke, and returns what it may have broken.
fn damage(text: &str) -> Result<Option<Fault>, Fault> {
    refuse_spreadsheet_error(text)?;
    let wrong = mojibake(text);
    if let Some(Mojibake {
        repaired,
        is_certain: true,
    }) = &wrong
    {
        return Err(Fault::new(
            "text.mojibake",
            say().cell_mojibake(text, repaired.as_str()),
        ));
    }
    let doubt = damaged_character(text)?;
    let strange = wrong.map(|wrong| {
        Fault::new(
            "text.strange_letters",
            say().cell_strange_letters(text, wrong.repaired),
        )
    });
    let quotes =
        has_quotes_around(text).then(|| Fault::new("text.quotes", say().cell_quotes(text)));
    Ok(doubt.or(strange).or(quotes))
}

/// Whether a value stands between quotes that no CSV reader takes away.
fn has_quotes_around(text: &str) -> bool {
    let mut chars = text.chars();
    let (Some(first), Some(last)) = (chars.next(), chars.next_back()) else {
        return false;
    };
    let closing = match first {
        '\'' | '"' | '`' | '´' => return last == first || first == '`' && last == '\'',
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

/// What a spreadsheet shows in the place of a value.
fn refuse_spreadsheet_error(text: &str) -> Result<(), Fault> {
    const SPREADSHEET_ERRORS: [&str; 12] = [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#SAKNAS!",
        "#REFERENS!",
        "#VÄRDEFEL!",
        "#NAMN?",
        "#DIVISION/0!",
    ];
    if text.starts_with('#') && SPREADSHEET_ERRORS.contains(&text) {
        return Err(Fault::new(
            "text.spreadsheet_error",
            say().cell_spreadsheet_error(text),
        ));
    }
    if text.starts_with("###") && text.bytes().all(|byte| byte == b'#') {
        return Err(Fault::new("text.spreadsheet_error", say().cell_hashes()));
    }
    Ok(())
}

/// A character that stands in no value: an error, or a doubt where it can be sent.
fn damaged_character(text: &str) -> Result<Option<Fault>, Fault> {
    let mut doubt = None;
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => {}
            '\0' => {
                return Err(Fault::new("text.nul", say().cell_nul()));
            }
            '\u{FFFD}' => {
                return Err(Fault::new(
                    "text.replacement_character",
                    say().cell_replacement_character(text, "\u{FFFD}"),
                ));
            }
            // Windows-1252 leaves five bytes unassigned; they decode to these.
            '\u{80}'..='\u{9F}' => {
                return Err(Fault::new(
                    "text.undecodable",
                    say().cell_unassigned_byte(format!("{:02X}", u32::from(c))),
                ));
            }
            '\u{AD}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'
            | '\u{FEFF}' => {
                doubt = Some(Fault::new(
                    "text.invisible_character",
                    say().cell_invisible_character(format!("{:04X}", u32::from(c))),
                ));
            }
            c if c.is_control() => {
                return Err(Fault::new(
                    "text.control_character",
                    say().cell_control_character(format!("{:04X}", u32::from(c))),
                ));
            }
            _ => {}
        }
    }
    Ok(doubt)
}

/// That a cell's bytes are no text.
pub(super) fn undecodable(bytes: &[u8]) -> Fault {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) => error.valid_up_to(),
    };
    let byte = bytes.get(valid).copied().unwrap_or_default();
    Fault::new(
        "text.undecodable",
        say().cell_undecodable(format!("{byte:02X}"), valid + 1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Result<Content<'_>, &'static str> {
        content(text, &mut None, &mut None).map_err(|fault| fault.code)
    }

    #[test]
    fn an_invisible_character_is_doubtful() {
        let mut doubt = None;
        let found = content("Ås\u{200B}a", &mut None, &mut doubt);
        assert_eq!(found, Ok(Content::Text("Ås\u{200B}a")));
        assert_eq!(doubt.unwrap().code, "text.invisible_character");
    }

    #[test]
    fn cells_before_their_kind() {
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
        let unquoted = Content::Unquoted("=A(\"x\")".into());
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
        let long = "x".repeat(10 * 1024 * 1024);
        assert_eq!(look(&long), Err("text.too_long"));
        let fault = undecodable(b"\xE5sa");
        assert!(fault.message.contains("0xE5") && fault.message.contains("position 1"));
    }
}
