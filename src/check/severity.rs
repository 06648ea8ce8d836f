//! Each problem code has a severity.

use crate::l10n::{Messages, say};

/// What a check's finding means for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A program changed the cell, and what it held is certain: it is put back and reported.
    Restored,
    /// The cell looks unusual, but the API may well take it: it is sent as it stands, and told.
    Doubtful,
    /// Invalid, but doubtful in a field for which the API takes any text.
    InvalidUnlessFreeText,
    /// The API would refuse the row, or the cell was damaged on its way here: the row is not sent.
    Invalid,
}

use Severity::{Doubtful, Invalid, InvalidUnlessFreeText, Restored};

/// One thing that a check can find.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    /// Its code.
    pub code: &'static str,
    /// What it means for the row.
    pub severity: Severity,
    /// A cell with it; none where a cell cannot show it.
    pub example: &'static str,
    /// What was found.
    pub(crate) what: fn(&Messages) -> String,
    /// What to do about it.
    pub(crate) remedy: fn(&Messages) -> String,
}

impl Severity {
    /// The severity in a word or two, in the language that the program speaks.
    pub fn in_words(self) -> String {
        match self {
            Restored => say().severity_restored(),
            Doubtful => say().severity_doubtful(),
            InvalidUnlessFreeText => say().severity_invalid_unless_free_text(),
            Invalid => say().severity_invalid(),
        }
    }
}

macro_rules! findings {
    ($($severity:ident $code:literal $what:ident $example:literal $remedy:ident;)*) => {
        /// Every code that a check gives, what it means for the row, and what was found. A code that stands
        /// twice has the milder meaning where one reading is certain, or where one cell has the finding
        /// alone.
        pub const SEVERITIES: &[Finding] = &[
            $(Finding {
                code: $code,
                severity: $severity,
                example: $example,
                what: Messages::$what,
                remedy: Messages::$remedy,
            },)*
        ];
    };
}

findings! {
    Restored "text.formula" what_text_formula_restored "=\"0184\"" remedy_restored;
    Restored "text.apostrophe" what_text_apostrophe_restored "'0184" remedy_restored;
    Restored "text.decimal_zero" what_text_decimal_zero_restored "184.0" remedy_restored;
    Restored "text.invisible_character" what_text_invisible_character_restored "20100402<U+200B>-2388" remedy_restored;
    Restored "text.lookalike_character" what_text_lookalike_character_restored "20100402–2388" remedy_restored;
    Restored "cell.number_format" what_cell_number_format "184, 0184" remedy_restored;
    Restored "cell.before_midnight" what_cell_before_midnight "" remedy_restored;
    Restored "identity_number.temporary" what_identity_number_temporary_restored "20150101-TF01" remedy_restored;
    Restored "identity_number.leading_zero" what_identity_number_leading_zero_restored "904022388" remedy_restored;
    Restored "phone.leading_zero" what_phone_leading_zero "701740605" remedy_restored;
    Restored "phone.leading_plus" what_phone_leading_plus "46701740605" remedy_restored;
    Restored "municipality_code.leading_zero" what_municipality_code_leading_zero "184" remedy_restored;
    Restored "date.day_month_order" what_date_day_month_order_restored "25/12/2010" remedy_restored;
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
    Doubtful "identity_number.test" what_identity_number_test "20170101-2393" remedy_look;
    Doubtful "identity_number.birth_date" what_identity_number_birth_date "20100402-2388, 2010-04-03" remedy_look;
    Doubtful "identity_number.gender" what_identity_number_gender "20100402-2388, Man" remedy_look;
    Doubtful "phone.several" what_phone_several "0411-123 45/6" remedy_look;
    Doubtful "phone.no_prefix" what_phone_no_prefix "846500400" remedy_look;
    Doubtful "phone.unusual_length" what_phone_unusual_length "08-465" remedy_look;
    Doubtful "phone.character" what_phone_character "070-174 06 05 x" remedy_look;
    Doubtful "postal_code.unusual" what_postal_code_unusual "169 567" remedy_look;
    Doubtful "municipality_code.unknown" what_municipality_code_unknown "0199" remedy_look;
    InvalidUnlessFreeText "email.no_at" what_email_no_at "anna.example.se" remedy_value;
    InvalidUnlessFreeText "email.no_domain" what_email_no_domain "anna@" remedy_value;
    InvalidUnlessFreeText "email.no_local_part" what_email_no_local_part "@example.se" remedy_value;
    InvalidUnlessFreeText "email.no_top_level_domain" what_email_no_top_level_domain "anna@example" remedy_value;
    InvalidUnlessFreeText "email.display_name" what_email_display_name "Anna <anna@example.se>" remedy_value;
    InvalidUnlessFreeText "email.several" what_email_several "a@example.se;b@example.se" remedy_value;
    InvalidUnlessFreeText "email.format" what_email_format "anna b@example.se" remedy_value;
    InvalidUnlessFreeText "eppn.no_at" what_eppn_no_at "asali0402" remedy_value;
    InvalidUnlessFreeText "eppn.no_local_identifier" what_eppn_no_local_identifier "@example.se" remedy_value;
    InvalidUnlessFreeText "eppn.space" what_eppn_space "asa li@example.se" remedy_value;
    InvalidUnlessFreeText "eppn.domain" what_eppn_domain "asali@example" remedy_value;
    Invalid "row.too_few_cells" what_row_too_few_cells "" remedy_cells;
    Invalid "row.too_many_cells" what_row_too_many_cells "" remedy_cells;
    Invalid "row.divided" what_row_divided "" remedy_cells;
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
    Invalid "uuid.format" what_uuid_format "10482" remedy_value;
    Invalid "identity_number.format" what_identity_number_format "2010-0402" remedy_value;
    Invalid "identity_number.check_digit" what_identity_number_check_digit "20100402-2389" remedy_value;
    Invalid "identity_number.date" what_identity_number_date "20100231-2388" remedy_value;
    Invalid "identity_number.future" what_identity_number_future "20990402-2388" remedy_value;
    Invalid "identity_number.temporary" what_identity_number_temporary "20150101-TF01" remedy_value;
    Invalid "identity_number.leading_zero" what_identity_number_leading_zero "904022388" remedy_as_text;
    Invalid "identity_number.scientific" what_identity_number_scientific "2,01912E+11" remedy_as_text;
    Invalid "date.format" what_date_format "2 april 2010" remedy_value;
    Invalid "date.no_such_day" what_date_no_such_day "2010-02-30" remedy_value;
    Invalid "date.future" what_date_future "2099-01-01" remedy_value;
    Invalid "date.day_month_order" what_date_day_month_order "02/03/2010" remedy_value;
    Invalid "date.serial_number" what_date_serial_number "40270" remedy_as_text;
    Invalid "date.scientific" what_date_scientific "2,01004E+07" remedy_as_text;
    Invalid "phone.scientific" what_phone_scientific "4,67017E+10" remedy_as_text;
    Invalid "postal_code.scientific" what_postal_code_scientific "1,6956E+04" remedy_as_text;
    Invalid "phone.length" what_phone_length "070-174" remedy_as_text;
    Invalid "postal_code.format" what_postal_code_format "1695" remedy_value;
    Invalid "municipality_code.format" what_municipality_code_format "Solna" remedy_value;
    Invalid "municipality_code.county" what_municipality_code_county "0284" remedy_value;
    Invalid "country.unknown" what_country_unknown "Svealand" remedy_value;
    Invalid "choice.unknown" what_choice_unknown "Okänt" remedy_value;
    Invalid "list.separator" what_list_separator "a@x.se, b@x.se" remedy_separator;
    Invalid "boolean.unknown" what_boolean_unknown "kanske" remedy_value;
    Invalid "integer.format" what_integer_format "1,5" remedy_value;
    Invalid "integer.scientific" what_integer_scientific "1E+05" remedy_as_text;
}

/// Whether a cell with this finding is sent all the same, in a field that takes any text or not.
pub(super) fn is_doubt(code: &str, free_text: bool) -> bool {
    SEVERITIES
        .iter()
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
    use crate::l10n::{Language, in_language};

    #[test]
    fn every_code_of_a_check_stands_in_the_table_and_the_readme_has_it_all() {
        let known: Vec<&str> = SEVERITIES.iter().map(|finding| finding.code).collect();
        let sources = [
            include_str!("boolean.rs"),
            include_str!("cell.rs"),
            include_str!("choice.rs"),
            include_str!("identity.rs"),
            include_str!("escapes.rs"),
            include_str!("leftovers.rs"),
            include_str!("restored.rs"),
            include_str!("country.rs"),
            include_str!("date.rs"),
            include_str!("email.rs"),
            include_str!("eppn.rs"),
            include_str!("identity_number.rs"),
            include_str!("integer.rs"),
            include_str!("municipality_code.rs"),
            include_str!("phone.rs"),
            include_str!("postal_code.rs"),
            include_str!("row.rs"),
            include_str!("text.rs"),
            include_str!("uuid.rs"),
            include_str!("workbook_cell.rs"),
        ];
        let code = regex::Regex::new(r#""([a-z_]+\.[a-z_]+)""#).unwrap();
        let sources = sources.map(|text| text.split("#[cfg(test)]").next().unwrap());
        for found in sources.iter().flat_map(|text| code.captures_iter(text)) {
            if !found[1].ends_with(".txt") {
                assert!(known.contains(&&found[1]), "{}", &found[1]);
            }
        }
        let lines: Vec<String> = SEVERITIES
            .iter()
            .map(|finding| {
                let english = in_language(Language::English);
                let (code, what) = (finding.code, (finding.what)(english));
                let word = match finding.severity {
                    Restored => english.severity_restored(),
                    Doubtful => english.severity_doubtful(),
                    InvalidUnlessFreeText => english.severity_invalid_unless_free_text(),
                    Invalid => english.severity_invalid(),
                };
                format!("| `{code}` | {word} | {what} |")
            })
            .collect();
        let readme = include_str!("../../README.md");
        assert!(
            readme.contains(&lines.join("\n")),
            "the README's table is to be:\n{}",
            lines.join("\n")
        );
    }

    #[test]
    fn the_code_and_the_field_decide_what_is_doubtful() {
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
