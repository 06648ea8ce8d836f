//! The severity of each problem code.

use super::kinds::findings_of;
use crate::l10n::{Messages, say};
use crate::targets::Kind;

/// The consequence of a finding for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A program changed the cell, and its original value is certain. It is restored and reported.
    Restored,
    /// The cell is unusual, but the API may accept it. It is sent unchanged and reported.
    Doubtful,
    /// Invalid, or doubtful in a field for which the API accepts any text.
    InvalidUnlessFreeText,
    /// The API would reject the value, or the cell is damaged. The row is not sent.
    Invalid,
}

use Severity::{Doubtful, Invalid, InvalidUnlessFreeText, Restored};

/// A finding of the checks.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    /// The finding's code.
    pub code: &'static str,
    /// The consequence for the row.
    pub severity: Severity,
    /// An example cell; empty if a single cell cannot show the finding.
    pub example: &'static str,
    /// The description of the finding.
    pub(crate) what: fn(&Messages) -> String,
    /// The remedy.
    pub(crate) remedy: fn(&Messages) -> String,
}

impl Severity {
    /// The severity in the interface language.
    pub fn in_words(self) -> String {
        match self {
            Restored => say().severity_restored(),
            Doubtful => say().severity_doubtful(),
            InvalidUnlessFreeText => say().severity_invalid_unless_free_text(),
            Invalid => say().severity_invalid(),
        }
    }
}

/// Declares the findings of the checks in one file: for each the severity, the code, the meaning, an example
/// cell and the remedy. A code that is listed twice has the milder severity if one reading is certain, or if
/// only one cell has the finding.
macro_rules! declare_findings {
    ($($severity:ident $code:literal $what:ident $example:literal $remedy:ident;)*) => {
        /// The findings of these checks.
        pub(in crate::check) const FINDINGS: &[$crate::check::severity::Finding] = &[
            $($crate::check::severity::Finding {
                code: $code,
                severity: $crate::check::severity::Severity::$severity,
                example: $example,
                what: $crate::l10n::Messages::$what,
                remedy: $crate::l10n::Messages::$remedy,
            },)*
        ];
    };
}
pub(super) use declare_findings;

declare_findings! {
    Restored "text.formula" what_text_formula_restored "=\"0184\"" remedy_restored;
    Restored "text.apostrophe" what_text_apostrophe_restored "'0184" remedy_restored;
    Restored "text.decimal_zero" what_text_decimal_zero_restored "184.0" remedy_restored;
    Restored "text.invisible_character" what_text_invisible_character_restored "20100402<U+200B>-2388" remedy_restored;
    Restored "text.lookalike_character" what_text_lookalike_character_restored "20100402–2388" remedy_restored;
    Restored "cell.number_format" what_cell_number_format "184, 0184" remedy_restored;
    Restored "cell.before_midnight" what_cell_before_midnight "" remedy_restored;
    Restored "row.trailing_cells" what_row_trailing_cells "" remedy_restored;
    Doubtful "text.invisible_character" what_text_invisible_character "20100402<U+200B>-2388" remedy_look;
    Doubtful "text.lookalike_character" what_text_lookalike_character "20100402–2388" remedy_look;
    Doubtful "text.foreign_character" what_text_foreign_character "Anna ☺" remedy_look;
    Doubtful "text.apostrophe" what_text_apostrophe "'t Hooft" remedy_look;
    Doubtful "text.decimal_zero" what_text_decimal_zero "184.0" remedy_look;
    Doubtful "text.no_value" what_text_no_value_doubtful "NULL" remedy_program;
    Doubtful "text.question_mark" what_text_question_mark_doubtful "S?derlund" remedy_export;
    Doubtful "text.strange_letters" what_text_strange_letters "Bjšrn" remedy_export;
    Doubtful "text.date" what_text_date "3-apr" remedy_as_text;
    Doubtful "text.number" what_text_number "12 345" remedy_as_text;
    Doubtful "text.quotes" what_text_quotes "”Anna”" remedy_look;
    Doubtful "text.line_break" what_text_line_break "Storgatan 1<U+000A>Solna" remedy_look;
    Doubtful "list.separator" what_list_separator "7A, 7B" remedy_separator;
    Doubtful "cell.shown_otherwise" what_cell_shown_otherwise "184.5, 185" remedy_look;
    Invalid "row.too_few_cells" what_row_too_few_cells "" remedy_cells;
    Invalid "row.too_many_cells" what_row_too_many_cells "" remedy_cells;
    Invalid "row.divided" what_row_divided "" remedy_cells;
    Invalid "row.note" what_row_note "" remedy_row;
    Invalid "row.truncated" what_row_truncated "" remedy_export;
    Invalid "row.concealed" what_row_concealed "" remedy_cells;
    Invalid "row.text_after_quote" what_row_text_after_quote "\"Anna \\\"Ann\\\" M\"" remedy_quotes;
    Invalid "row.header" what_row_header "" remedy_row;
    Invalid "row.part_of_object" what_row_part_of_object "" remedy_value;
    Invalid "required.empty" what_required_empty "" remedy_value;
    Invalid "null.not_allowed" what_null_not_allowed "<null>" remedy_value;
    Invalid "guarded.not_allowed" what_guarded_not_allowed "admin" remedy_allow;
    Invalid "length.too_long" what_length_too_long "" remedy_value;
    Invalid "length.too_short" what_length_too_short "" remedy_value;
    Invalid "pattern.mismatch" what_pattern_mismatch "" remedy_value;
    Invalid "text.too_long" what_text_too_long "" remedy_value;
    Invalid "text.formula" what_text_formula "=A1+B1" remedy_as_text;
    Invalid "text.spreadsheet_error" what_text_spreadsheet_error "#N/A" remedy_as_text;
    Invalid "cell.formula_without_result" what_cell_formula_without_result "=A1&B1" remedy_calculate;
    Invalid "cell.merged" what_cell_merged "" remedy_unmerge;
    Invalid "cell.date" what_cell_date "2026-03-01" remedy_as_text;
    Invalid "cell.time" what_cell_time "10:15" remedy_as_text;
    Invalid "cell.percentage" what_cell_percentage "50 %" remedy_as_text;
    Invalid "cell.boolean" what_cell_boolean "TRUE" remedy_as_text;
    Invalid "cell.long_number" what_cell_long_number "2010040223880010" remedy_as_text;
    Invalid "text.scientific" what_text_scientific "2,01912E+11" remedy_as_text;
    Invalid "text.mojibake" what_text_mojibake "LindstrÃ¶m" remedy_export;
    Invalid "text.undecodable" what_text_undecodable "" remedy_export;
    Invalid "text.replacement_character" what_text_replacement_character "Lindstr�m" remedy_export;
    Invalid "text.no_value" what_text_no_value "NULL" remedy_program;
    Invalid "text.object" what_text_object "[object Object]" remedy_program;
    Invalid "text.escape" what_text_escape "S&ouml;ren" remedy_program;
    Invalid "text.question_mark" what_text_question_mark "S?derlund" remedy_export;
    Invalid "text.nul" what_text_nul "" remedy_export;
    Invalid "text.control_character" what_text_control_character "" remedy_export;
    Invalid "text.dots" what_text_dots ".." remedy_value;
    Invalid "list.separator" what_list_separator "a@x.se, b@x.se" remedy_separator;
}

/// All codes of the checks with severity and meaning: first those of any cell or row, then those of each
/// kind.
pub fn findings() -> impl Iterator<Item = &'static Finding> + Clone {
    let of_kinds = Kind::ALL.iter().flat_map(|kind| findings_of(*kind));
    FINDINGS.iter().chain(of_kinds)
}

/// Whether a cell with this finding is sent. `free_text` states whether the API accepts any text in its
/// field.
pub(super) fn is_doubt(code: &str, free_text: bool) -> bool {
    findings()
        .filter(|finding| finding.code == code)
        .any(|finding| match finding.severity {
            Doubtful => true,
            InvalidUnlessFreeText => free_text,
            Restored | Invalid => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_check_is_declared() {
        let known: Vec<&str> = findings().map(|finding| finding.code).collect();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check");
        let files = ["", "kinds"].map(|of| std::fs::read_dir(folder.join(of)).unwrap());
        let paths = files.into_iter().flatten().map(|file| file.unwrap().path());
        let sources: Vec<String> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .filter(|path| !path.ends_with("tests.rs"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let code = regex::Regex::new(r#""([a-z_]+\.[a-z_]+)""#).unwrap();
        let sources = sources
            .iter()
            .map(|text| text.split("#[cfg(test)]").next().unwrap());
        for found in sources.flat_map(|text| code.captures_iter(text)) {
            if !found[1].ends_with(".txt") {
                assert!(known.contains(&&found[1]), "{}", &found[1]);
            }
        }
    }

    #[test]
    fn the_code_and_the_field_determine_what_is_doubtful() {
        for (code, free_text, is) in [
            ("text.no_value", false, true),
            ("email.format", true, true),
            ("email.format", false, false),
            ("text.mojibake", true, false),
            ("text.formula", true, false),
        ] {
            assert_eq!(is_doubt(code, free_text), is, "{code}");
        }
    }

    #[test]
    fn each_severity_has_its_own_name() {
        let all = [Restored, Doubtful, InvalidUnlessFreeText, Invalid];
        let words: std::collections::BTreeSet<String> = all.map(Severity::in_words).into();
        assert_eq!(words.len(), all.len(), "{words:?}");
    }
}
