//! Headers are compared without case, space and invisible characters.

use unicode_normalization::UnicodeNormalization;

/// A header as it is compared: surrounding space and invisible characters gone, space within
/// folded, case folded.
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

/// Characters that take no room on a screen: what copying from web pages and other programs
/// leaves behind. Zero-width and directional characters of Unicode's general category Cf, and
/// control characters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::fold_header;

    #[test]
    fn headers_are_compared_by_what_a_person_sees() {
        assert_eq!(fold_header("\u{FEFF} Förnamn\u{200B}\u{A0}"), "förnamn");
        assert_eq!(fold_header("Fo\u{308}rnamn"), "förnamn");
        assert_eq!(fold_header("E-post \t 2"), "e-post 2");
        assert_eq!(fold_header(" \u{200B} "), "");
    }
}
