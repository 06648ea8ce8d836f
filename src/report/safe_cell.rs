//! Output cells are escaped against formula injection.

use std::borrow::Cow;

use crate::check::is_padding;

/// The reader of a cell besides spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A person.
    Person,
    /// This program, which takes the file for a roster and must find the same value in it.
    Program,
}

/// A cell's text in a form that no spreadsheet runs as a formula (OWASP, CSV injection). For a person an
/// apostrophe stands before it. For the program it is a formula that is nothing but its text, which the
/// checks take out again: `="-5"`, and `=""&" x"` where space at its ends is a part of it.
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

/// Whether a cell of this text is safe as it stands.
pub(super) fn is_safe(text: &str) -> bool {
    !is_run(text)
}

/// Whether a spreadsheet may run a cell of this text: it begins with a sign that begins a formula, also in
/// the width of East Asian letters, or with one of the controls that are passed over before it.
fn is_run(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start_matches(is_padding)
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Whether a check takes something away from the ends of a cell of this text.
fn has_space_at_its_ends(text: &str) -> bool {
    text.starts_with(is_padding) || text.ends_with(is_padding)
}

/// Whether a check gives a cell with this text another meaning: the word that clears a field, a spreadsheet error, or
/// text after an apostrophe that marks it as text.
fn means_something_else(text: &str) -> bool {
    text.eq_ignore_ascii_case("<null>") || text.starts_with(['#', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_ours_is_a_formula() {
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
    fn the_program_finds_the_same_text_in_a_cell_that_a_check_would_change() {
        for (text, cell) in [
            // A space at an end would be taken away.
            (" x", "=\"\"&\" x\""),
            ("x ", "=\"\"&\"x \""),
            ("x\u{200B}", "=\"\"&\"x\u{200B}\""),
            ("\u{FEFF}x", "=\"\"&\"\u{FEFF}x\""),
            (" \"x\"", "=\"\"&\" \"\"x\"\"\""),
            // A word would be taken for another value.
            ("<null>", "=\"<null>\""),
            ("<NULL>", "=\"<NULL>\""),
            ("#N/A", "=\"#N/A\""),
            // The check would read an apostrophe as the mark of text.
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
    fn only_a_text_that_a_spreadsheet_may_run_is_no_safe_header() {
        assert!(is_safe("Personnummer") && is_safe("") && is_safe("#1"));
        assert!(!is_safe("=1") && !is_safe("\tx") && !is_safe(" @x"));
    }
}
