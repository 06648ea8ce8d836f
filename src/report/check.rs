//! The result of a check as text and as a problems file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::error::ReportError;
use super::look::{Look, Tone, for_terminal};
use super::safe_cell::Reader;
use super::sheet_file::SheetFile;
use super::whole_file::Placing;
use crate::check::{Checker, FirstProblem, ProblemGroup, Survey};
use crate::l10n::{columns, empty_rows, hidden_rows, number, problems, rows, say};
use crate::map::Unmapped;
use crate::model::{Problem, RowAt};
use crate::read::{Dialect, Input};

/// Returns the result of a check as text: the input, the mapping of columns, and the problems grouped by
/// code, the most frequent first.
pub fn check_text(
    input: &Input,
    checker: &Checker,
    survey: &Survey,
    unmapped: &[Unmapped],
    look: Look,
) -> String {
    let first = say().check_first(
        input.path().display().to_string(),
        input.description().to_string(),
        columns(checker.map().width() as u64),
        rows(survey.rows),
    );
    let mut lines = look.lines(None, "", &first);
    lines.extend([
        String::new(),
        look.paint(Tone::Heading, &say().check_columns()),
    ]);
    lines.extend(column_lines(checker, unmapped));
    if checker.map().is_of_results() {
        lines.push(String::new());
        lines.extend(look.lines(None, "", &say().of_results()));
    }
    if survey.empty_rows > 0 {
        let passed_over = say().check_passed_over(empty_rows(survey.empty_rows));
        lines.extend([String::new(), passed_over]);
    }
    if let Some(note) = hidden_note(input.hidden_rows(), input.skips_hidden()) {
        lines.push(String::new());
        lines.extend(look.lines(None, "", &note));
    }
    lines.push(String::new());
    if !survey.restored.is_empty() {
        lines.extend(look.lines(Some(Tone::Heading), "", &say().check_restored()));
        lines.extend(group_lines(
            &survey.restored,
            Tone::New,
            checker,
            input,
            look,
        ));
    }
    if !survey.doubts.is_empty() {
        lines.extend(look.lines(Some(Tone::Heading), "", &say().check_doubtful()));
        lines.extend(group_lines(
            &survey.doubts,
            Tone::Warning,
            checker,
            input,
            look,
        ));
    }
    if !survey.withheld.is_empty() {
        lines.extend(look.lines(None, "", &withheld_rows(&survey.withheld)));
        lines.push(String::new());
    }
    let valid = number(survey.valid());
    if survey.problems == 0 {
        let text = say().check_all_valid(valid, rows(survey.rows));
        lines.extend(look.lines(Some(Tone::New), "", &text));
    } else {
        let text = say().check_some_valid(
            survey.invalid,
            valid,
            rows(survey.rows),
            problems(survey.problems),
            number(survey.invalid),
        );
        lines.extend(look.lines(Some(Tone::Heading), "", &text));
        lines.push(String::new());
        lines.extend(group_lines(&survey.groups, Tone::Old, checker, input, look));
        lines.push(say().check_problems_option());
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Returns the problems by code, the most frequent first, each with its first rows.
fn group_lines(
    groups: &BTreeMap<Cow<'static, str>, ProblemGroup>,
    tone: Tone,
    checker: &Checker,
    input: &Input,
    look: Look,
) -> Vec<String> {
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    let mut lines = Vec::new();
    for (code, group) in groups {
        let heading = format!("{:>7}  {code}", number(group.count));
        lines.push(look.paint(tone, &heading));
        for first in &group.first {
            let problem = &first.problem;
            let text = format!("{}: {}", place(first.at, problem), problem.message);
            lines.extend(look.lines(None, "         ", &text));
            lines.extend(row_lines(first, checker, input, look));
        }
        if group.count > group.first.len() as u64 {
            lines.push("         …".to_owned());
        }
        lines.push(String::new());
    }
    lines
}

/// Returns the row of a problem with its cell marked. Only for terminals, because other output may be logged
/// and must not contain whole rows.
fn row_lines(first: &FirstProblem, checker: &Checker, input: &Input, look: Look) -> Vec<String> {
    let map = checker.map();
    let column = (0..map.width()).find(|column| map.header(*column) == first.problem.column);
    let (Some(width), Some(column)) = (look.width, column) else {
        return Vec::new();
    };
    let delimiter = char::from(input.dialect().delimiter);
    let (mut row, mut marked) = (String::new(), 0..0);
    for (index, cell) in first.cells.iter().enumerate() {
        if index > 0 {
            row.push(delimiter);
        }
        let start = row.len();
        row.extend(cell.chars().map(|c| if c.is_control() { ' ' } else { c }));
        if index == column {
            marked = start..row.len();
        }
    }
    if row.is_empty() {
        return Vec::new();
    }
    let line = usize::try_from(first.at.sheet_row).unwrap_or(usize::MAX);
    let snippet = Snippet::source(&row)
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(marked));
    let renderer = if look.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    const INDENT: usize = 9;
    let renderer = renderer.term_width(width.saturating_sub(INDENT).max(40));
    let shown = renderer.render(&[Group::with_level(Level::ERROR).element(snippet)]);
    let lines = shown.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{:INDENT$}{line}", "")).collect()
}

fn column_lines(checker: &Checker, unmapped: &[Unmapped]) -> Vec<String> {
    let (map, spec) = (checker.map(), checker.spec());
    let line = |column: usize| {
        let field = (0..spec.fields.len()).find(|field| map.column(*field) == Some(column));
        let header = map.header(column);
        let became = match field {
            Some(field) => spec.fields[field].name().to_owned(),
            None => match unmapped.iter().find(|one| one.column == column) {
                Some(one) => say().check_ignored_meant(one.name.as_str(), one.header.as_str()),
                None if map.protected().contains(&column) => say().check_protected(),
                None => say().check_ignored(),
            },
        };
        let header = if header.is_empty() {
            say().check_no_header()
        } else {
            header.to_owned()
        };
        let header = for_terminal(&header);
        format!("  {header:<28} {became}")
    };
    (0..map.width()).map(line).collect()
}

/// Returns the position of a problem, with the row number and the header of the spreadsheet.
fn place(at: RowAt, problem: &Problem) -> String {
    if problem.column.is_empty() {
        say().place_row(at.sheet_row)
    } else {
        say().place_cell(at.sheet_row, problem.column.as_str())
    }
}

/// Returns the number of rows about protected persons with their first row numbers.
pub fn withheld_rows(lines: &[u64]) -> String {
    const SHOWN: usize = 20;
    let mut named: Vec<String> = lines.iter().take(SHOWN).map(|line| number(*line)).collect();
    if lines.len() > SHOWN {
        named.push("…".to_owned());
    }
    say().rows_withheld(rows(lines.len() as u64), named.join(", "))
}

/// Returns the line about hidden rows of a workbook, if any.
pub(super) fn hidden_note(hidden: u64, skips: bool) -> Option<String> {
    (hidden > 0).then(|| match skips {
        true => say().check_hidden_skipped(hidden_rows(hidden)),
        false => say().check_hidden_read(hidden_rows(hidden)),
    })
}

/// Writes problems as CSV in the roster's dialect or as a workbook, one per line:
/// `row,line,column,field,code,message,value`. `problems` passes on each one.
pub fn write_problems(
    path: &Path,
    dialect: Dialect,
    problems: impl FnOnce(
        &mut dyn FnMut(RowAt, &Problem) -> Result<(), ReportError>,
    ) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let header = ["row", "line", "column", "field", "code", "message", "value"];
    let as_it_is = (Placing::Replace, dialect);
    let mut file = SheetFile::of_ours(path, as_it_is, header, Reader::Person)?;
    problems(&mut |at, problem| {
        let cells = [
            &*at.row.to_string(),
            &at.sheet_row.to_string(),
            &problem.column,
            &problem.field,
            &problem.code,
            &problem.message.to_string(),
            &problem.value,
        ];
        file.write_ours(cells, Reader::Person)
    })?;
    file.finish()?;
    Ok(())
}
