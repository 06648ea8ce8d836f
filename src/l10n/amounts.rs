//! Formatting of numbers and durations for the current language.

use super::language::{Language, spoken};
use super::{in_language, say};

/// Formats a number with a thousands separator: `12,044`, or `12 044` with a no-break space.
pub fn number(number: u64) -> String {
    number_in(number, spoken())
}

/// Formats a number for `language`.
pub(super) fn number_in(number: u64, language: Language) -> String {
    let digits = number.to_string();
    let mark = in_language(language).thousands_mark();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(&mark);
        }
        text.push(digit);
    }
    text
}

/// Formats a duration in seconds with its two largest units.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return say().time_unknown();
    }
    if seconds < 10.0 {
        let tenths = (seconds * 10.0).round() as u64;
        return say().time_tenths((tenths / 10).to_string(), (tenths % 10).to_string());
    }
    let whole = seconds.round() as u64;
    let (days, hours) = (whole / 86_400, whole % 86_400 / 3_600);
    let (minutes, rest) = (whole % 3_600 / 60, whole % 60);
    let [d, h, m, s] = [days, hours, minutes, rest].map(|part| part.to_string());
    match (days, hours, minutes) {
        (0, 0, 0) => say().time_seconds(s),
        (0, 0, _) => say().time_minutes(m, s),
        (0, _, _) => say().time_hours(h, m),
        _ => say().time_days(d, h),
    }
}

/// Defines functions that format a count with its noun in the right plural form.
macro_rules! amounts {
    ($($name:ident: $message:ident, $example:literal;)*) => { $(
        #[doc = concat!("Formats a count: `", $example, "`.")]
        pub(crate) fn $name(count: u64) -> String {
            say().$message(count, number(count))
        }
    )* };
}

amounts! {
    rows: amount_rows, "12,044 rows";
    empty_rows: amount_empty_rows, "3 empty rows";
    hidden_rows: amount_hidden_rows, "3 hidden rows";
    columns: amount_columns, "24 columns";
    cells: amount_cells, "3 cells";
    problems: amount_problems, "20 problems";
    doubtful_values: amount_doubtful_values, "2 doubtful values";
    conflicts: amount_conflicts, "2 conflicts";
    requests: amount_requests, "485 requests";
    records: amount_records, "485 records";
    runs: amount_runs, "1 run";
    times: amount_times, "4 times";
    files: amount_files, "14 files";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (59.0, "59 s"),
            (61.0, "1 min 1 s"),
            (48_000.0, "13 h 20 min"),
            (90_000.0, "1 d 1 h"),
            (f64::NAN, "an unknown time"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn numbers_have_a_thousands_separator() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (12_044, "12,044"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(number(count), text);
        }
        assert_eq!(rows(1), "1 row");
        assert_eq!(rows(12_044), "12,044 rows");
    }
}
