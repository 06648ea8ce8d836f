use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use super::error::ReportError;
use super::results::inert;
use super::text::{count_of, human_number};
use crate::check::{Checker, ProblemGroup, Survey};
use crate::model::{Problem, RowAt};
use crate::read::Input;

/// What is said of a file with our own columns.
pub const OF_RESULTS: &str =
    "this is a results file of an earlier run: its import_ columns are left out and written anew";

/// What a check found, for a person: what was read, what the columns became, and what is wrong,
/// grouped, the most frequent first.
pub fn check_text(input: &Input, checker: &Checker, survey: &Survey) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}: {}, {}, {}",
        input.path().display(),
        input.description(),
        count_of(checker.map().width() as u64, "column"),
        count_of(survey.rows, "row")
    );
    text.push_str(&columns_text(checker));
    if checker.map().is_of_results() {
        let _ = writeln!(text, "\n{OF_RESULTS}");
    }
    if survey.empty_rows > 0 {
        let _ = writeln!(
            text,
            "\n{} passed over",
            count_of(survey.empty_rows, "empty row")
        );
    }
    if !survey.repairs.is_empty() {
        text.push_str("\nrestored, because a spreadsheet had changed it\n");
        for (code, count) in &survey.repairs {
            let _ = writeln!(
                text,
                "  {:>7}  {code}: {}",
                human_number(*count),
                repair(code)
            );
        }
    }
    if !survey.doubts.is_empty() {
        text.push_str("\ndoubtful, and sent as it stands (--strict makes it invalid)\n");
        groups_text(&mut text, &survey.doubts);
    }
    let valid = survey.rows - survey.invalid;
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    let _ = write!(
        text,
        "{} of {} valid",
        human_number(valid),
        count_of(survey.rows, "row")
    );
    if survey.problems == 0 {
        text.push_str("; nothing is wrong\n");
        return text;
    }
    let _ = writeln!(
        text,
        "; {} in the other {}",
        count_of(survey.problems, "problem"),
        human_number(survey.invalid)
    );
    text.push('\n');
    groups_text(&mut text, &survey.groups);
    text.push_str("--problems FILE.csv writes them all\n");
    text
}

/// What was found, by code, the most frequent first, each with its first rows.
fn groups_text(text: &mut String, groups: &BTreeMap<Cow<'static, str>, ProblemGroup>) {
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    for (code, group) in groups {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:>7}  {code}", human_number(group.count));
        for (at, problem) in &group.first {
            let _ = writeln!(
                text,
                "         {}: {}",
                place(*at, problem),
                problem.message
            );
        }
        if group.count > group.first.len() as u64 {
            text.push_str("         …\n");
        }
        text.push('\n');
    }
}

fn columns_text(checker: &Checker) -> String {
    let (map, spec) = (checker.map(), checker.spec());
    let mut text = "\ncolumns\n".to_owned();
    let near = map.near_misses(spec);
    for column in 0..map.width() {
        let field = (0..spec.fields.len()).find(|field| map.column(*field) == Some(column));
        let header = map.header(column);
        let became = match field {
            Some(field) => spec.fields[field].name().to_owned(),
            None => match near.iter().find(|(found, _)| found == header) {
                Some((_, meant)) => format!("(ignored; did you mean \"{meant}\"?)"),
                None => "(ignored)".to_owned(),
            },
        };
        let header = if header.is_empty() {
            "(no header)"
        } else {
            header
        };
        let _ = writeln!(text, "  {header:<28} {became}");
    }
    text
}

fn place(at: RowAt, problem: &Problem) -> String {
    let mut place = format!("row {}", at.row);
    if at.line > 0 {
        let _ = write!(place, ", line {}", at.line);
    }
    if !problem.column.is_empty() {
        let _ = write!(place, ", {}", problem.column);
    }
    place
}

/// What a repair did, in words.
fn repair(code: &str) -> &'static str {
    match code {
        "municipality_code.leading_zero" => "a lost 0 put back before three digits",
        "identity_number.leading_zero" => "a lost 0 put back before nine digits",
        "phone.leading_zero" => "a lost 0 put back before a mobile number",
        "phone.leading_plus" => "a lost + put back before 46",
        "date.day_month_order" => "day-month order brought to YYYY-MM-DD",
        "text.formula" => "the text taken out of =\"…\"",
        _ => "brought back to what it was",
    }
}

/// Writes problems as CSV, one a line: `row,line,column,field,code,message,value`. `problems`
/// hands each one over.
///
/// # Errors
/// When `out` cannot be written to, or `problems` fails.
pub fn write_problems<W: Write>(
    out: W,
    problems: impl FnOnce(
        &mut dyn FnMut(RowAt, &Problem) -> Result<(), ReportError>,
    ) -> Result<(), ReportError>,
) -> Result<W, ReportError> {
    let failed = |source: std::io::Error| ReportError::Write {
        path: "problems".into(),
        source,
    };
    let mut writer = csv::Writer::from_writer(out);
    writer
        .write_record(["row", "line", "column", "field", "code", "message", "value"])
        .map_err(|error| failed(error.into()))?;
    problems(&mut |at, problem| {
        writer
            .write_record([
                &*at.row.to_string(),
                &at.line.to_string(),
                &problem.column,
                &problem.field,
                &problem.code,
                &inert(&problem.message),
                &inert(&problem.value),
            ])
            .map_err(|error| failed(error.into()))
    })?;
    writer
        .into_inner()
        .map_err(|error| failed(error.into_error()))
}
