use std::fmt::Write;

use crate::model::Summary;

/// A run's figures for a person.
pub fn summary_text(summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} of {} to {} ({}) in {}",
        count_of(summary.rows, "row"),
        summary.file,
        summary.target,
        summary.base_url,
        human_duration(summary.duration_s)
    );
    let _ = writeln!(
        text,
        "read as {}, {}, {}",
        summary.dialect,
        count_of(summary.columns as u64, "column"),
        count_of(summary.rows, "row")
    );
    for (state, count) in summary.states.each() {
        if count > 0 {
            let _ = writeln!(text, "  {count:>7} {state}");
        }
    }
    let _ = writeln!(
        text,
        "{}, {} of them retries; asked to slow down {}",
        count_of(summary.requests, "request"),
        summary.retries,
        count_of(summary.throttled, "time")
    );
    if summary.warnings > 0 {
        let _ = writeln!(
            text,
            "{}: the column import_warning has them",
            count_of(summary.warnings, "doubtful value")
        );
    }
    if !summary.run.is_empty() {
        let _ = writeln!(text, "run      {}", summary.run);
    }
    let files = [
        ("results", &summary.results),
        ("failed", &summary.failed_rows),
        ("report", &summary.report),
        ("before", &summary.before),
        ("new", &summary.new_rows),
    ];
    for (name, path) in files {
        if let Some(path) = path {
            let _ = writeln!(text, "{name:<8} {}", path.display());
        }
    }
    text
}

/// A time in seconds, as a person says it: the two largest units that matter.
pub fn human_duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "an unknown time".into();
    }
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (days, hours) = (whole / 86_400, whole % 86_400 / 3_600);
    let (minutes, rest) = (whole % 3_600 / 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// So many of something, such as `12,044 rows` or `1 row`.
pub fn count_of(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", human_number(number))
}

/// A number with its thousands set apart: `12,044`.
pub fn human_number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{count_of, human_duration, human_number};

    #[test]
    fn times_as_people_say_them() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (59.0, "59 s"),
            (61.0, "1 min 1 s"),
            (48_000.0, "13 h 20 min"),
            (90_000.0, "1 d 1 h"),
        ] {
            assert_eq!(human_duration(seconds), text);
        }
    }

    #[test]
    fn numbers_with_their_thousands_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (12_044, "12,044"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(human_number(number), text);
        }
        assert_eq!(count_of(1, "row"), "1 row");
        assert_eq!(count_of(12_044, "row"), "12,044 rows");
    }
}
