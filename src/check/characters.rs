//! Invisible and lookalike characters. Text copied from web pages, documents and contact lists often contains
//! them. One table serves all kinds of cells.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The interpretation of an unusual character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// An invisible character without meaning.
    Invisible,
    /// A joiner of letters in some scripts. Names need it; other values do not.
    Joiner,
    /// A lookalike of this ASCII character.
    Like(char),
    /// A character that no value contains: a tab, a symbol, or a private-use character.
    Foreign,
}

/// The interpretation of a character, or `None` if it is ordinary.
pub(super) fn odd(c: char) -> Option<Odd> {
    Some(match c {
        '\t' => Odd::Foreign,
        ..'\u{A0}' => return None,
        '\u{200C}' | '\u{200D}' => Odd::Joiner,
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{180E}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}' => Odd::Invisible,
        '\u{A0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{3000}' => Odd::Like(' '),
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{207B}'
        | '\u{2212}'
        | '\u{2E3A}'
        | '\u{FE58}'
        | '\u{FE63}' => Odd::Like('-'),
        // The fullwidth forms of ASCII are in the same order.
        '\u{FF01}'..='\u{FF5E}' => Odd::Like(char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)),
        // Mathematical letters and digits.
        '\u{2102}'..='\u{2138}' | '\u{1D400}'..='\u{1D7FF}' => match formula_letter(c) {
            Some(letter) => Odd::Like(letter),
            None if c < '\u{1D400}' => return None,
            None => Odd::Foreign,
        },
        // Circled letters, symbols and emoji, and private-use characters.
        '\u{2460}'..='\u{24FF}'
        | '\u{2600}'..='\u{27BF}'
        | '\u{2B00}'..='\u{2BFF}'
        | '\u{E000}'..='\u{F8FF}'
        | '\u{1F000}'..='\u{1FAFF}'
        | '\u{F0000}'.. => Odd::Foreign,
        _ => return None,
    })
}

/// The ASCII letter or digit of a mathematical symbol.
fn formula_letter(c: char) -> Option<char> {
    let mut letters = std::iter::once(c).nfkc();
    let letter = letters.next().filter(char::is_ascii_alphanumeric);
    letter.filter(|_| letters.next().is_none())
}

/// Whether a character is insignificant at the ends of a value: whitespace or an invisible character.
pub(crate) fn is_padding(c: char) -> bool {
    c.is_whitespace() || odd(c) == Some(Odd::Invisible)
}

/// Replaces lookalike characters with their ASCII counterparts and drops invisible ones. Also returns whether
/// any character was dropped, and whether any was replaced.
pub(super) fn plain(text: &str) -> (Cow<'_, str>, bool, bool) {
    let (mut dropped, mut replaced) = (false, false);
    let stays = |c: char| matches!(odd(c), None | Some(Odd::Foreign));
    if text.is_ascii() || text.chars().all(stays) {
        return (Cow::Borrowed(text), dropped, replaced);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match odd(c) {
            None | Some(Odd::Foreign) => plain.push(c),
            Some(Odd::Like(other)) => {
                replaced = true;
                plain.push(other);
            }
            Some(Odd::Invisible | Odd::Joiner) => dropped = true,
        }
    }
    (Cow::Owned(plain), dropped, replaced)
}

/// Whether a text mixes Latin letters with Greek or Cyrillic ones, which look alike.
pub(super) fn mixes_scripts(text: &str) -> bool {
    let is_other = |c: char| matches!(c, '\u{370}'..='\u{3FF}' | '\u{400}'..='\u{52F}');
    let is_latin = |c: char| c.is_alphabetic() && c < '\u{250}';
    !text.is_ascii() && text.contains(is_other) && text.contains(is_latin)
}

/// The distinct invisible and lookalike characters of a value, such as `U+200B ZERO WIDTH SPACE`.
pub(super) fn named(text: &str) -> Option<String> {
    const MOST: usize = 5;
    if text.is_ascii() && !text.contains('\t') {
        return None;
    }
    let mut found: Vec<String> = Vec::new();
    for c in text.chars().filter(|c| is_unclear(*c)) {
        let name = match name(c) {
            "" => format!("U+{:04X}", u32::from(c)),
            name => format!("U+{:04X} {name}", u32::from(c)),
        };
        if !found.contains(&name) {
            found.push(name);
        }
        if found.len() == MOST {
            break;
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

/// Whether a reader may confuse or overlook a character: it is in the table, or it is a letter or digit of a
/// script that resembles Latin.
fn is_unclear(c: char) -> bool {
    odd(c).is_some()
        || matches!(c, '\u{370}'..='\u{3FF}' | '\u{400}'..='\u{52F}')
        || !c.is_ascii() && c.is_numeric()
}

/// The Unicode name of a character in the table; empty for letters and digits.
fn name(c: char) -> &'static str {
    match c {
        '\t' => "TAB",
        '\u{A0}' => "NO-BREAK SPACE",
        '\u{AD}' => "SOFT HYPHEN",
        '\u{34F}' => "COMBINING GRAPHEME JOINER",
        '\u{61C}' => "ARABIC LETTER MARK",
        '\u{115F}' => "HANGUL CHOSEONG FILLER",
        '\u{1160}' => "HANGUL JUNGSEONG FILLER",
        '\u{1680}' => "OGHAM SPACE MARK",
        '\u{180E}' => "MONGOLIAN VOWEL SEPARATOR",
        '\u{2000}' => "EN QUAD",
        '\u{2001}' => "EM QUAD",
        '\u{2002}' => "EN SPACE",
        '\u{2003}' => "EM SPACE",
        '\u{2004}' => "THREE-PER-EM SPACE",
        '\u{2005}' => "FOUR-PER-EM SPACE",
        '\u{2006}' => "SIX-PER-EM SPACE",
        '\u{2007}' => "FIGURE SPACE",
        '\u{2008}' => "PUNCTUATION SPACE",
        '\u{2009}' => "THIN SPACE",
        '\u{200A}' => "HAIR SPACE",
        '\u{200B}' => "ZERO WIDTH SPACE",
        '\u{200C}' => "ZERO WIDTH NON-JOINER",
        '\u{200D}' => "ZERO WIDTH JOINER",
        '\u{200E}' => "LEFT-TO-RIGHT MARK",
        '\u{200F}' => "RIGHT-TO-LEFT MARK",
        '\u{2010}' => "HYPHEN",
        '\u{2011}' => "NON-BREAKING HYPHEN",
        '\u{2012}' => "FIGURE DASH",
        '\u{2013}' => "EN DASH",
        '\u{2014}' => "EM DASH",
        '\u{2015}' => "HORIZONTAL BAR",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{2029}' => "PARAGRAPH SEPARATOR",
        '\u{202A}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202B}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202C}' => "POP DIRECTIONAL FORMATTING",
        '\u{202D}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202E}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{202F}' => "NARROW NO-BREAK SPACE",
        '\u{2043}' => "HYPHEN BULLET",
        '\u{205F}' => "MEDIUM MATHEMATICAL SPACE",
        '\u{2060}' => "WORD JOINER",
        '\u{2061}' => "FUNCTION APPLICATION",
        '\u{2062}' => "INVISIBLE TIMES",
        '\u{2063}' => "INVISIBLE SEPARATOR",
        '\u{2064}' => "INVISIBLE PLUS",
        '\u{2066}' => "LEFT-TO-RIGHT ISOLATE",
        '\u{2067}' => "RIGHT-TO-LEFT ISOLATE",
        '\u{2068}' => "FIRST STRONG ISOLATE",
        '\u{2069}' => "POP DIRECTIONAL ISOLATE",
        '\u{207B}' => "SUPERSCRIPT MINUS",
        '\u{2212}' => "MINUS SIGN",
        '\u{2102}'..='\u{2138}' | '\u{1D400}'..='\u{1D7FF}' => "MATHEMATICAL LETTER",
        '\u{2460}'..='\u{24FF}' => "ENCLOSED CHARACTER",
        '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' => "SYMBOL",
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'.. => "PRIVATE USE CHARACTER",
        '\u{2E3A}' => "TWO-EM DASH",
        '\u{3000}' => "IDEOGRAPHIC SPACE",
        '\u{3164}' => "HANGUL FILLER",
        '\u{FE00}'..='\u{FE0F}' => "VARIATION SELECTOR",
        '\u{FE58}' => "SMALL EM DASH",
        '\u{FE63}' => "SMALL HYPHEN-MINUS",
        '\u{FEFF}' => "ZERO WIDTH NO-BREAK SPACE",
        '\u{FF0D}' => "FULLWIDTH HYPHEN-MINUS",
        '\u{FF01}'..='\u{FF5E}' => "FULLWIDTH FORM",
        '\u{FFA0}' => "HALFWIDTH HANGUL FILLER",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_characters_are_dropped_or_replaced() {
        for (text, expected, dropped, replaced) in [
            ("\u{202A}+46701740605\u{202C}", "+46701740605", true, false),
            ("2010\u{AD}0402", "20100402", true, false),
            ("a\u{2066}b\u{2069}\u{FEFF}\u{200D}", "ab", true, false),
            (
                "1\u{2013}2\u{2014}3\u{2212}4\u{FF0D}5",
                "1-2-3-4-5",
                false,
                true,
            ),
            ("169\u{A0}56\u{202F}\u{3000}", "169 56  ", false, true),
            ("\u{FF11}\u{FF21}\u{FF20}", "1A@", false, true),
            ("\u{1D400}nn\u{1D7CF} \u{211D}", "Ann1 R", false, true),
            (
                "a\tb\u{E000}\u{1F600}\u{2116}",
                "a\tb\u{E000}\u{1F600}\u{2116}",
                false,
                false,
            ),
            ("Åsa é", "Åsa é", false, false),
        ] {
            let found = plain(text);
            assert_eq!(found, (expected.into(), dropped, replaced), "{text:?}");
            let is_new = matches!(found.0, Cow::Owned(_));
            assert_eq!(is_new, dropped || replaced, "{text:?}");
        }
    }

    #[test]
    fn mixed_alphabets_are_found() {
        for text in ["P\u{430}ul", "\u{3B1}b", "\u{400}\u{C5}", "\u{52F}\u{24F}"] {
            assert!(mixes_scripts(text), "{text:?}");
        }
        // Letters of the International Phonetic Alphabet do not count as Latin.
        for text in [
            "Paul",
            "Åsa",
            "\u{430}\u{3B1}",
            "\u{430}1",
            "\u{430}\u{250}",
        ] {
            assert!(!mixes_scripts(text), "{text:?}");
        }
    }

    #[test]
    fn invisible_characters_are_named() {
        assert_eq!(
            named("a\u{200B}b\u{200B}").as_deref(),
            Some("U+200B ZERO WIDTH SPACE")
        );
        assert_eq!(named("a@ex\u{430}mple.se").as_deref(), Some("U+0430"));
        assert_eq!(named("Åsa Öberg 1"), None);
        assert_eq!(named("\u{3A9} x\u{B2}").as_deref(), Some("U+03A9, U+00B2"));
        let many = named("\u{A0}\u{AD}\u{200B}\u{200E}\u{2010}\u{2013}").unwrap();
        assert_eq!(many.split(", ").count(), 5, "{many}");
        assert_eq!(name('\u{FF0D}'), "FULLWIDTH HYPHEN-MINUS");
        // Each character of the table has a name.
        let nameless = |c: &char| odd(*c).is_some() && name(*c).is_empty();
        let plane = ('\u{A0}'..'\u{FFF0}').filter(nameless);
        let bare: Vec<char> = plane
            .filter(|c| !matches!(c, '\u{206A}'..='\u{206F}'))
            .collect();
        assert!(bare.is_empty(), "{bare:?}");
    }
}
