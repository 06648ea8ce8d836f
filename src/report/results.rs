//! The results file: every row with its outcome.

use std::path::Path;

use csv::ByteRecord;

use super::classes::Classes;
use super::error::ReportError;
use super::result_paths::{ResultPaths, Written};
use super::row_end::{RowEnd, final_state};
use super::safe_cell::{Reader, safe_cell};
use super::sheet_file::SheetFile;
use super::timeline::Timeline;
use crate::journal::{Journal, Recorded};
use crate::l10n::{Message, say};
use crate::map::{RESULT_COLUMNS, ResultColumn, class_column};
use crate::model::{
    Code, LEFT_OUT, Lines, OVERWRITTEN, Outcome, Problem, RowState, Standing, StateCounts,
};
use crate::read::{Cell, Input, Table, fold_header};

/// The code of a row whose record was not found.
pub const NOT_FOUND: &str = "lookup.not_found";

/// The run whose results are written.
#[derive(Debug, Clone, Copy)]
pub struct ResultsOf<'a> {
    /// The journal.
    pub journal: &'a Journal,
    /// The id of the run.
    pub run: i64,
    /// Why rows without an outcome are not sent, if a guard holds the run or a person declined it.
    pub unsent: Option<Unsent<'a>>,
    /// The progress of a run that is still recording. Each row is awaited then.
    pub recorded: Option<&'a Recorded>,
    /// The sorted rows whose records were restored, and the note for each.
    pub restored: (&'a [u64], &'a str),
}

/// Why the rows of a run are not sent.
#[derive(Debug, Clone, Copy)]
pub enum Unsent<'a> {
    /// A guard holds the run, for this reason.
    Held(&'a str),
    /// A person declined it.
    Declined,
}

/// Writes the results file, the failed file and the file of new rows: the input's columns followed by the
/// outcome of each row, in input order. Rows whose record was not found are also written to the file of new
/// rows, with the input's columns only, because their records must be created first. The files get their
/// names in [`UnplacedResults::place`].
///
/// # Errors
/// Fails if a file cannot be written, or the input or the journal cannot be read.
pub fn write_results(
    input: &Input,
    of: ResultsOf<'_>,
    paths: &ResultPaths,
) -> Result<UnplacedResults, ReportError> {
    let ResultsOf { journal, run, .. } = of;
    let layout = Layout::of(input, paths.outcome_first);
    let mut results = begin(paths, &paths.results, input, &layout)?;
    let mut failed: Option<SheetFile> = None;
    if paths.failed_always {
        failed = Some(begin(paths, &paths.failed, input, &layout)?);
    }
    let mut new: Option<SheetFile> = None;
    if paths.named.contains(&paths.new) && paths.new.is_file() {
        // An old file at a named path is replaced even without rows, so that it is not mistaken for this
        // run's.
        new = Some(begin_with(paths, &paths.new, input, &layout, &[])?);
    }
    let mut states = StateCounts::default();
    let mut lines = Lines::default();
    let mut timeline = Timeline::default();
    let mut classes = Classes::default();
    let unsent = of.unsent.map(|unsent| match unsent {
        Unsent::Held(why) => (Code::RunHeld, say().row_not_sent_because(why)),
        Unsent::Declined => {
            let why = say().run_was_declined();
            (Code::RunDeclined, say().row_not_sent_because(why))
        }
    });
    input.scan(
        |table| layout.cells(table),
        |rows: Vec<Cells>| -> Result<bool, ReportError> {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                return Ok(true);
            };
            if let Some(recorded) = of.recorded {
                recorded.wait_for(journal, run, (first.row, last.row))?;
            }
            let mut outcomes = journal
                .outcomes(run, first.row, last.row)?
                .into_iter()
                .peekable();
            let warnings = journal.warnings(run, first.row, last.row)?;
            let mut warnings = warnings.into_iter().peekable();
            let facts = journal.facts(run, first.row, last.row)?;
            let mut facts = facts.into_iter().peekable();
            for cells in rows {
                let warning = warnings.next_if(|(row, _)| *row == cells.row);
                let mut warning = warning.map_or(Vec::new(), |(_, problems)| problems);
                let (restored, note) = of.restored;
                if restored.binary_search(&cells.row).is_ok() {
                    warning.push(Problem::of_row("", Message::verbatim(note)));
                }
                let mut outcome = outcomes.next_if(|outcome| outcome.row == cells.row);
                if let Some(outcome) = outcome.as_mut().filter(|outcome| is_doubtful(outcome)) {
                    // The row succeeded, so its problems are warnings.
                    warning.append(&mut outcome.problems);
                } else if let Some(outcome) = outcome.as_mut().filter(|it| it.state.succeeded()) {
                    // An overwritten change is a warning too.
                    let is_lost = |problem: &mut Problem| problem.code == OVERWRITTEN;
                    warning.extend(outcome.problems.extract_if(.., is_lost));
                }
                let state = outcome
                    .as_ref()
                    .map_or(RowState::NotSent, |outcome| final_state(outcome.state));
                let left_out = outcome.as_ref().is_some_and(|o| o.error_code == LEFT_OUT);
                states.add(state, 1);
                lines.note(cells.row, cells.line);
                if let Some(column) = layout.class {
                    let class = cells.kept.get(column).unwrap_or_default();
                    // A protected person's class is not counted.
                    let class = if state == RowState::Withheld {
                        &[][..]
                    } else {
                        class
                    };
                    classes.note(cells.row, &String::from_utf8_lossy(class), state);
                }
                outcome.iter().for_each(|outcome| timeline.note(outcome));
                if outcome.as_ref().is_some_and(was_not_found) && !paths.new.as_os_str().is_empty()
                {
                    let sheet = match &mut new {
                        Some(sheet) => sheet,
                        none => none.insert(begin_with(paths, &paths.new, input, &layout, &[])?),
                    };
                    sheet.write(&cells.kept, state, &[])?;
                }
                let facts = facts.next_if(|(row, _)| *row == cells.row);
                let end = RowEnd {
                    row: cells.row,
                    line: cells.line,
                    outcome: outcome.as_ref(),
                    warning: &Problem::join(&warning),
                    unsent: unsent.as_ref().map(|(code, why)| (*code, &**why)),
                    facts: facts.map(|(_, facts)| facts).unwrap_or_default(),
                };
                let record = cells.with(&end, &layout);
                let problems = outcome
                    .as_ref()
                    .map_or(&[][..], |outcome| &outcome.problems);
                results.write(&record, state, problems)?;
                if !state.succeeded() && state.standing() != Standing::Left && !left_out {
                    let sheet = match &mut failed {
                        Some(sheet) => sheet,
                        none => none.insert(begin(paths, &paths.failed, input, &layout)?),
                    };
                    sheet.write(&record, state, problems)?;
                }
            }
            Ok(true)
        },
    )?;
    Ok(UnplacedResults {
        states,
        lines,
        timeline,
        classes,
        results,
        failed,
        new,
    })
}

/// Complete output files that are not moved to their paths yet.
pub struct UnplacedResults {
    states: StateCounts,
    lines: Lines,
    timeline: Timeline,
    classes: Classes,
    results: SheetFile,
    failed: Option<SheetFile>,
    new: Option<SheetFile>,
}

impl UnplacedResults {
    /// Moves the files to their paths.
    pub fn place(self) -> Result<Written, ReportError> {
        Ok(Written {
            states: self.states,
            lines: self.lines,
            timeline: self.timeline,
            classes: self.classes,
            results: self.results.finish()?,
            failed: self.failed.map(SheetFile::finish).transpose()?,
            new: self.new.map(SheetFile::finish).transpose()?,
        })
    }
}

/// Returns whether the API has no record for a row, according to the look-up or to the update.
fn was_not_found(outcome: &Outcome) -> bool {
    outcome.error_code == NOT_FOUND
        || (outcome.state == RowState::Rejected && outcome.http_status == Some(404))
}

/// Returns whether a row succeeded although the response does not confirm every change.
fn is_doubtful(outcome: &Outcome) -> bool {
    outcome.state == RowState::Updated && outcome.error_code == Code::AnswerNotApplied.as_str()
}

/// Creates a file in the input's dialect, with the input's header and the result columns.
fn begin(
    paths: &ResultPaths,
    path: &Path,
    input: &Input,
    layout: &Layout,
) -> Result<SheetFile, ReportError> {
    begin_with(paths, path, input, layout, RESULT_COLUMNS)
}

/// Creates a file with `columns` after or before the input's columns.
fn begin_with(
    paths: &ResultPaths,
    path: &Path,
    input: &Input,
    layout: &Layout,
    columns: &[&str],
) -> Result<SheetFile, ReportError> {
    let kept = layout.kept.iter().map(|&column| &*input.header()[column]);
    let (header, outcome): (Vec<&str>, _) = if layout.outcome_first {
        (
            columns.iter().copied().chain(kept).collect(),
            0..columns.len(),
        )
    } else {
        let before = layout.kept.len();
        let header = kept.chain(columns.iter().copied()).collect();
        (header, before..before + columns.len())
    };
    let placing = paths.placing(path);
    SheetFile::create(path, placing, input.dialect(), (header, outcome))
}

/// The columns of the input that are kept. Those of an earlier results file are dropped.
struct Layout {
    kept: Vec<usize>,
    /// The column that holds classes, among those that are kept.
    class: Option<usize>,
    /// The number of columns without those that were added for surplus cells.
    width: usize,
    /// The column of a results file with the original row number.
    line: Option<usize>,
    is_utf8: bool,
    /// Whether the result columns precede the roster's columns.
    outcome_first: bool,
}

/// The cells of one row as they are written back.
struct Cells {
    row: u64,
    /// The spreadsheet row number in the original file.
    line: u64,
    kept: ByteRecord,
    /// Cells beyond the header's width, which are written last.
    surplus: Vec<Vec<u8>>,
}

impl Layout {
    fn of(input: &Input, outcome_first: bool) -> Layout {
        let header = input.header();
        let ours = |name: &String| RESULT_COLUMNS.contains(&fold_header(name).as_str());
        let width = if header.iter().any(ours) {
            let named = header.iter().rposition(|name| !name.trim().is_empty());
            named.map_or(0, |last| last + 1)
        } else {
            header.len()
        };
        let kept: Vec<usize> = (0..width)
            .filter(|column| !ours(&header[*column]))
            .collect();
        let class = class_column(header);
        Layout {
            class: class.and_then(|class| kept.iter().position(|column| *column == class)),
            kept,
            width,
            line: header
                .iter()
                .position(|name| fold_header(name) == "import_line"),
            is_utf8: input.dialect().encoding.is_utf8(),
            outcome_first,
        }
    }

    fn cells(&self, table: &Table) -> Vec<Cells> {
        table
            .rows()
            .map(|row| {
                // The capacity includes short result columns.
                let fields = self.kept.len() + RESULT_COLUMNS.len();
                let mut kept = ByteRecord::with_capacity(row.bytes() + 256, fields);
                for &column in &self.kept {
                    match row.cell(column) {
                        None => kept.push_field(b""),
                        // Undecodable cells of a UTF-8 file are written unchanged. In other encodings,
                        // invalid bytes are replaced.
                        Some(Cell::Undecodable(bytes)) if !self.is_utf8 => {
                            kept.push_field(String::from_utf8_lossy(bytes).as_bytes());
                        }
                        Some(cell) => kept.push_field(cell.bytes()),
                    }
                }
                let mut surplus: Vec<Vec<u8>> = (self.width..row.len())
                    .filter_map(|column| Some(row.cell(column)?.bytes().to_vec()))
                    .collect();
                while surplus.last().is_some_and(Vec::is_empty) {
                    surplus.pop();
                }
                Cells {
                    row: row.at.row,
                    line: row.first_place(self.line).sheet_row,
                    kept,
                    surplus,
                }
            })
            .collect()
    }
}

impl Cells {
    /// Clears the roster's cells of a row about a protected person.
    fn empty(&mut self) {
        self.kept = self.kept.iter().map(|_| b"").collect();
        self.surplus.clear();
    }

    /// Returns the row's record with the result columns after or before its cells.
    fn with(mut self, end: &RowEnd<'_>, layout: &Layout) -> ByteRecord {
        if end
            .outcome
            .is_some_and(|outcome| outcome.state == RowState::Withheld)
        {
            self.empty();
        }
        let mut record = match layout.outcome_first {
            true => ByteRecord::new(),
            false => std::mem::take(&mut self.kept),
        };
        for column in ResultColumn::ALL {
            record.push_field(inert(&end.cell(*column)).as_bytes());
        }
        if layout.outcome_first {
            record.extend(&self.kept);
        }
        for cell in &self.surplus {
            record.push_field(cell);
        }
        record
    }
}

/// Escapes generated text that is written beside the input's cells.
fn inert(text: &str) -> std::borrow::Cow<'_, str> {
    safe_cell(text, Reader::Person)
}

#[cfg(test)]
mod tests;
