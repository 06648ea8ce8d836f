/// What a check's finding means for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A spreadsheet changed the cell, and what it held can be told for certain: it is put back,
    /// and told.
    Restored,
    /// The cell looks unusual, but the API may well take it: it is sent as it stands, and told.
    Doubtful,
    /// Invalid, but doubtful in a field for which the API takes any text.
    InvalidUnlessFreeText,
    /// The API would refuse the row, or the cell was damaged on its way here: the row is not sent.
    Invalid,
}

use Severity::{Doubtful, Invalid, InvalidUnlessFreeText, Restored};

/// Every code that a check gives, what it means for the row, and what was found. A code that stands
/// twice is restored where only one reading is possible, and invalid where none is certain.
pub const SEVERITIES: &[(&str, Severity, &str)] = &[
    ("text.formula", Restored, "text as a formula, `=\"0184\"`"),
    (
        "identity_number.leading_zero",
        Restored,
        "nine digits whose check digit agrees once a 0 is put before them",
    ),
    (
        "phone.leading_zero",
        Restored,
        "a Swedish mobile number without its first 0",
    ),
    (
        "phone.leading_plus",
        Restored,
        "a Swedish mobile number without its +",
    ),
    (
        "municipality_code.leading_zero",
        Restored,
        "three digits that lack a leading 0",
    ),
    (
        "date.day_month_order",
        Restored,
        "day before month, where nothing else can be meant",
    ),
    (
        "row.trailing_cells",
        Restored,
        "empty cells at the end of a row, left out of many rows",
    ),
    (
        "text.invisible_character",
        Doubtful,
        "a character that nobody sees",
    ),
    (
        "text.strange_letters",
        Doubtful,
        "letters that may come from a wrong encoding, `Bjšrn`",
    ),
    (
        "text.quotes",
        Doubtful,
        "quotes around the value, `'Anna'`, `”Anna”`",
    ),
    (
        "row.unended",
        Doubtful,
        "the last row of a file without a line end at its end",
    ),
    ("text.line_break", Doubtful, "a line break"),
    (
        "identity_number.test",
        Doubtful,
        "one of the numbers that Skatteverket keeps for tests, in production",
    ),
    (
        "phone.no_prefix",
        Doubtful,
        "a telephone number with neither 0 nor + in front",
    ),
    (
        "phone.unusual_length",
        Doubtful,
        "a telephone number with too few or too many digits",
    ),
    (
        "phone.character",
        Doubtful,
        "a telephone number with a letter or another sign in it",
    ),
    (
        "postal_code.unusual",
        Doubtful,
        "not of the form of a Swedish postal code",
    ),
    (
        "municipality_code.unknown",
        Doubtful,
        "not one of the 290 municipalities",
    ),
    ("email.no_at", InvalidUnlessFreeText, "no @"),
    (
        "email.no_domain",
        InvalidUnlessFreeText,
        "nothing after the @",
    ),
    (
        "email.no_local_part",
        InvalidUnlessFreeText,
        "nothing before the @",
    ),
    (
        "email.no_top_level_domain",
        InvalidUnlessFreeText,
        "no top-level domain such as .se",
    ),
    (
        "email.display_name",
        InvalidUnlessFreeText,
        "a name around the address",
    ),
    ("email.several", InvalidUnlessFreeText, "several addresses"),
    (
        "email.format",
        InvalidUnlessFreeText,
        "not an e-mail address",
    ),
    ("eppn.no_at", InvalidUnlessFreeText, "no @"),
    (
        "eppn.no_local_identifier",
        InvalidUnlessFreeText,
        "nothing before the @",
    ),
    ("eppn.space", InvalidUnlessFreeText, "a space"),
    ("eppn.domain", InvalidUnlessFreeText, "no proper domain"),
    (
        "row.too_few_cells",
        Invalid,
        "fewer cells than the header has",
    ),
    (
        "row.too_many_cells",
        Invalid,
        "more cells than the header has",
    ),
    (
        "row.divided",
        Invalid,
        "a part of a row that a line break divides",
    ),
    (
        "row.truncated",
        Invalid,
        "the last row of a file that ends within it",
    ),
    (
        "row.text_after_quote",
        Invalid,
        "text behind a closing quote, `\"Anna \\\"Ann\\\" M\"`",
    ),
    ("row.header", Invalid, "the header once more"),
    (
        "row.part_of_object",
        Invalid,
        "part of something that the API replaces as a whole",
    ),
    (
        "required.empty",
        Invalid,
        "an empty cell in a column that every row needs",
    ),
    (
        "null.not_allowed",
        Invalid,
        "`<null>` for a field that cannot be cleared",
    ),
    (
        "guarded.not_allowed",
        Invalid,
        "a value that gives rights, without `--allow`",
    ),
    (
        "length.too_long",
        Invalid,
        "more characters than the API takes",
    ),
    (
        "length.too_short",
        Invalid,
        "fewer characters than the API takes",
    ),
    (
        "pattern.mismatch",
        Invalid,
        "not of the form that the API takes",
    ),
    ("text.too_long", Invalid, "more than 10,000 bytes in a cell"),
    ("text.formula", Invalid, "a formula in place of its value"),
    (
        "text.spreadsheet_error",
        Invalid,
        "a spreadsheet's error such as `#N/A`, or `####`",
    ),
    (
        "text.scientific",
        Invalid,
        "a long number cut short, `2,01912E+11`",
    ),
    (
        "text.mojibake",
        Invalid,
        "text that was read in the wrong encoding, `Ã¥` for `å`",
    ),
    (
        "text.undecodable",
        Invalid,
        "bytes that are not text in the file's encoding",
    ),
    (
        "text.replacement_character",
        Invalid,
        "�, which a conversion left in place of a letter",
    ),
    ("text.nul", Invalid, "a NUL byte"),
    ("text.control_character", Invalid, "a control character"),
    (
        "text.dots",
        Invalid,
        "`.` or `..` in a key, which would name another address",
    ),
    ("uuid.format", Invalid, "not a UUID"),
    ("identity_number.format", Invalid, "not an identity number"),
    (
        "identity_number.check_digit",
        Invalid,
        "a wrong check digit, where the number is not temporary",
    ),
    ("identity_number.date", Invalid, "a day that does not exist"),
    (
        "identity_number.future",
        Invalid,
        "a day of birth after today",
    ),
    (
        "identity_number.temporary",
        Invalid,
        "letters in the last four places of a number that is not marked as temporary",
    ),
    (
        "identity_number.leading_zero",
        Invalid,
        "nine digits, and no 0 in front makes the check digit right",
    ),
    (
        "identity_number.scientific",
        Invalid,
        "a number cut short by a spreadsheet",
    ),
    ("date.format", Invalid, "not a date"),
    ("date.no_such_day", Invalid, "a day that does not exist"),
    (
        "date.future",
        Invalid,
        "a day after today in a field of the past",
    ),
    (
        "date.day_month_order",
        Invalid,
        "a date that can be read in two ways, `02/03/2010`",
    ),
    (
        "date.serial_number",
        Invalid,
        "a date as a spreadsheet stores it, `40270`",
    ),
    (
        "date.scientific",
        Invalid,
        "a number cut short by a spreadsheet",
    ),
    (
        "phone.scientific",
        Invalid,
        "a number cut short by a spreadsheet",
    ),
    (
        "postal_code.scientific",
        Invalid,
        "a number cut short by a spreadsheet",
    ),
    (
        "phone.length",
        Invalid,
        "a Swedish mobile number that has lost digits",
    ),
    (
        "postal_code.format",
        Invalid,
        "a postal code that has lost digits, where the file has a country and the row names no other",
    ),
    ("municipality_code.format", Invalid, "not four digits"),
    (
        "municipality_code.county",
        Invalid,
        "the first two digits are no county",
    ),
    ("country.unknown", Invalid, "not a country"),
    ("choice.unknown", Invalid, "not one of the field's choices"),
    ("boolean.unknown", Invalid, "neither true nor false"),
    ("integer.format", Invalid, "not a whole number"),
    (
        "integer.scientific",
        Invalid,
        "a number cut short by a spreadsheet",
    ),
];

/// Whether a cell with this finding is sent all the same, in a field that takes any text or not.
pub(super) fn is_doubt(code: &str, free_text: bool) -> bool {
    SEVERITIES
        .iter()
        .filter(|(known, ..)| *known == code)
        .any(|(_, severity, _)| match severity {
            Doubtful => true,
            InvalidUnlessFreeText => free_text,
            Restored | Invalid => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_check_stands_in_the_table_and_the_readme_has_it_all() {
        let known: Vec<&str> = SEVERITIES.iter().map(|(code, ..)| *code).collect();
        let sources = [
            include_str!("boolean.rs"),
            include_str!("cell.rs"),
            include_str!("choice.rs"),
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
        ];
        let code = regex::Regex::new(r#""([a-z_]+\.[a-z_]+)""#).unwrap();
        for found in sources.iter().flat_map(|text| code.captures_iter(text)) {
            if !found[1].ends_with(".se") && !found[1].ends_with(".txt") {
                assert!(known.contains(&&found[1]), "{}", &found[1]);
            }
        }
        let lines: Vec<String> = SEVERITIES
            .iter()
            .map(|(code, severity, what)| {
                let word = match severity {
                    Restored => "restored",
                    Doubtful => "doubtful",
                    InvalidUnlessFreeText => "invalid; doubtful where any text is taken",
                    Invalid => "invalid",
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
}
