//! Escaping of output cells against formula injection.

use std::borrow::Cow;

use crate::check::is_padding;

/// The reader of a cell besides spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Person,
    /// rosterpatch, which reads the file as a roster and must find the same value.
    Program,
}

/// Escapes a cell against formula injection (OWASP, CSV injection). For a person, an apostrophe is prefixed.
/// For the program, the cell becomes a formula with a constant text, which the checks decode: `="-5"`, or
/// `=""&" x"` if the text starts or ends with space.
pub(super) fn safe_cell(text: &str, reader: Reader) -> Cow<'_, str> {
    match reader {
        Reader::Person if is_run(text) => format!("'{text}").into(),
        Reader::Program if has_space_at_its_ends(text) => {
            format!("=\"\"&\"{}\"", text.replace('"', "\"\"")).into()
        }
        Reader::Program if is_run(text) || means_something_else(text) => {
            format!("=\"{}\"", text.replace('"', "\"\"")).into()
        }
        Reader::Person | Reader::Program => text.into(),
    }
}

/// Returns whether a text needs no escaping against formulas.
pub(super) fn is_safe(text: &str) -> bool {
    !is_run(text)
}

/// Returns whether a spreadsheet may evaluate a text as a formula: it starts with a formula sign, which may
/// be full-width or follow padding, or with a tab or line break.
fn is_run(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start_matches(is_padding)
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Returns whether the checks would trim a text.
fn has_space_at_its_ends(text: &str) -> bool {
    text.starts_with(is_padding) || text.ends_with(is_padding)
}

/// Returns whether the checks would change the meaning of a text: the word that clears a field, a spreadsheet
/// error, or an apostrophe that marks text.
fn means_something_else(text: &str) -> bool {
    text.eq_ignore_ascii_case("<null>") || text.starts_with(['#', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_cells_are_escaped_against_formulas() {
        for bad in [
            "=1+1",
            "+1",
            "-1",
            "@x",
            "\t=1",
            "\r=1",
            "\n=1",
            "\n",
            " =1",
            "\u{FEFF}=1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
        ] {
            assert_eq!(safe_cell(bad, Reader::Person), format!("'{bad}"));
            let kept = safe_cell(bad, Reader::Program);
            assert!(kept.starts_with("=\"") && kept.ends_with('"'), "{kept}");
        }
        for good in ["", "Åsa", "a=1", "1-2", "Conflict", "O'Neill"] {
            assert_eq!(safe_cell(good, Reader::Person), good);
            assert_eq!(safe_cell(good, Reader::Program), good);
        }
        let quoted = safe_cell("=HYPERLINK(\"x\")", Reader::Program);
        assert_eq!(quoted, "=\"=HYPERLINK(\"\"x\"\")\"");
    }

    #[test]
    fn escaped_cells_are_read_back_as_the_same_text() {
        for (text, cell) in [
            // Space at the start or end would be trimmed.
            (" x", "=\"\"&\" x\""),
            ("x ", "=\"\"&\"x \""),
            ("x\u{200B}", "=\"\"&\"x\u{200B}\""),
            ("\u{FEFF}x", "=\"\"&\"\u{FEFF}x\""),
            (" \"x\"", "=\"\"&\" \"\"x\"\"\""),
            // A keyword would be read as another value.
            ("<null>", "=\"<null>\""),
            ("<NULL>", "=\"<NULL>\""),
            ("#N/A", "=\"#N/A\""),
            // An apostrophe would be read as the marker of text.
            ("'Anna", "=\"'Anna\""),
            ("\u{200E}x", "=\"\"&\"\u{200E}x\""),
        ] {
            assert_eq!(safe_cell(text, Reader::Program), cell);
            assert_eq!(
                safe_cell(text, Reader::Person),
                text,
                "it is text for a person"
            );
        }
        for plain in ["a b", "<nil>", "null", "x#", "a\u{200B}b"] {
            assert_eq!(safe_cell(plain, Reader::Program), plain);
        }
    }

    #[test]
    fn headers_are_unsafe_only_if_a_spreadsheet_may_evaluate_them() {
        assert!(is_safe("Personnummer") && is_safe("") && is_safe("#1"));
        assert!(!is_safe("=1") && !is_safe("\tx") && !is_safe(" @x"));
    }
}
