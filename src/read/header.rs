//! Compares headers without regard to case, space and invisible characters.

use unicode_normalization::UnicodeNormalization;

/// Normalizes a header for comparison: removes surrounding space and invisible characters, collapses inner
/// space and folds case.
pub fn fold_header(header: &str) -> String {
    header
        .split(|c: char| c.is_whitespace() || c == '\u{A0}')
        .map(|word| {
            word.chars()
                .filter(|&c| !is_invisible(c))
                .collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .nfc()
        .collect::<String>()
        .to_lowercase()
}

/// Whether a character is invisible: control characters, and the zero-width and directional characters of
/// Unicode's general category Cf. Text copied from web pages often contains them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::fold_header;

    #[test]
    fn headers_are_compared_by_their_visible_text() {
        assert_eq!(fold_header("\u{FEFF} Förnamn\u{200B}\u{A0}"), "förnamn");
        assert_eq!(fold_header("Fo\u{308}rnamn"), "förnamn");
        assert_eq!(fold_header("E-post \t 2"), "e-post 2");
        assert_eq!(fold_header(" \u{200B} "), "");
    }
}
