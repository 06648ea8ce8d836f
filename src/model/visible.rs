//! Escapes control characters before text is printed.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes control characters for terminals and line-based logs, as `\u001b`. Names and cells are untrusted
/// and could control the terminal or reorder the text. The program's own color sequences and line endings are
/// kept. The escapes are valid within JSON strings.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(is_obeyed) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let kept = length_of_color(rest).or(rest.starts_with("\r\n").then_some(2));
        if let Some(length) = kept {
            shown.push_str(&rest[..length]);
            rest = &rest[length..];
        } else if let Some(c) = rest.chars().next() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
            rest = &rest[c.len_utf8()..];
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Whether a character is a C0 or C1 control other than line feed and tab, or a bidirectional control
/// (Unicode Standard Annex 9).
fn is_obeyed(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The length of a color sequence at the start of a text: bold, dim, underline, or a foreground color that is
/// legible on any background.
fn length_of_color(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let (codes, _) = codes.split_once('m')?;
    let is_shown = |code: &str| {
        matches!(
            code.parse(),
            Ok(0_u8 | 1 | 2 | 4 | 22 | 24 | 31..=36 | 39 | 91..=97)
        )
    };
    codes.split(';').all(is_shown).then_some(codes.len() + 3)
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn terminal_control_sequences_are_shown_and_colors_are_kept() {
        for (text, shown) in [
            ("Åsa\tEk\r\n", "Åsa\tEk\r\n"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}[1;31mred", "\u{1b}[1;31mred"),
            ("\u{1b}[8mhidden", "\\u001b[8mhidden"),
            ("\u{1b}[31;8m", "\\u001b[31;8m"),
            ("\u{1b}[m", "\\u001b[m"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{1b}[2J", "\\u001b[2J"),
            ("\u{9b}2J", "\\u009b2J"),
            ("a\rb", "a\\u000db"),
            ("a\u{202e}b\u{2066}", "a\\u202eb\\u2066"),
            ("\u{7f}\u{0}", "\\u007f\\u0000"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn escapes_keep_the_meaning_of_a_json_string() {
        let text = "a\u{1b}[2J\u{9b}\u{202e}b";
        let json = serde_json::to_string(text).unwrap();
        let read: String = serde_json::from_str(&visible(&json)).unwrap();
        assert_eq!(read, text);
    }
}
