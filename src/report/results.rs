use std::io::Write;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Terminator, WriterBuilder};
use encoding_rs::UTF_8;
use serde::{Deserialize, Serialize};

use super::csv_file::CsvFile;
use super::error::ReportError;
use super::whole_file::{Mark, Placing, WholeFile, numbered};
use crate::journal::Journal;
use crate::map::RESULT_COLUMNS;
use crate::model::{LEFT_OUT, Outcome, RowState, StateCounts};
use crate::read::{Cell, Input, Table, fold_header};

/// Code of a row whose record was looked for and not found.
pub const NOT_FOUND: &str = "lookup.not_found";

/// Where the files about a run go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultPaths {
    /// Every row and what became of it.
    pub results: PathBuf,
    /// The rows that did not succeed.
    pub failed: PathBuf,
    /// The HTML report.
    pub report: PathBuf,
    /// What was replaced, as a roster.
    pub before: PathBuf,
    /// The rows whose record was not found. Empty in a run of an earlier version, which wrote none.
    #[serde(default)]
    pub new: PathBuf,
    /// Whether the failed file is written even if every row succeeded: when its path was given,
    /// what is there must not be taken for this run's.
    pub failed_always: bool,
    /// The paths that somebody named: what is there is replaced.
    #[serde(default)]
    pub named: Vec<PathBuf>,
    /// The files that are this run's own, and as it left them: they may be replaced too.
    #[serde(default)]
    pub own: Vec<(PathBuf, Mark)>,
}

impl ResultPaths {
    /// Paths beside `input`: `NAME.results.csv`, `NAME.failed.csv`, `NAME.report.html`,
    /// `NAME.before.csv`, `NAME.new.csv`. Where one of them is there already, all get the same number, so that they stay together and
    /// no old file is lost. Standard input's go to the working folder.
    pub fn beside(input: &Path) -> ResultPaths {
        let (folder, name) = if input == Path::new("-") {
            (PathBuf::new(), "stdin".to_owned())
        } else {
            let folder = input.parent().unwrap_or(Path::new("")).to_owned();
            let stem = input.file_stem().unwrap_or_default();
            (folder, short(&stem.to_string_lossy()).to_owned())
        };
        let numbered = |number: u32| {
            let suffix = if number == 1 {
                String::new()
            } else {
                format!("-{number}")
            };
            let path =
                |kind: &str, ending: &str| folder.join(format!("{name}.{kind}{suffix}.{ending}"));
            ResultPaths {
                results: path("results", "csv"),
                failed: path("failed", "csv"),
                report: path("report", "html"),
                before: path("before", "csv"),
                new: path("new", "csv"),
                failed_always: false,
                named: Vec::new(),
                own: Vec::new(),
            }
        };
        let free = |paths: &ResultPaths| !paths.all().into_iter().any(|path| path.exists());
        (1..u32::MAX)
            .map(numbered)
            .find(free)
            .unwrap_or_else(|| numbered(u32::MAX))
    }
}

impl ResultPaths {
    /// All of the paths.
    pub fn all(&self) -> [&PathBuf; 5] {
        [
            &self.results,
            &self.failed,
            &self.report,
            &self.before,
            &self.new,
        ]
    }

    /// Has `change` change every path, wherever it stands.
    pub fn change_each(&mut self, mut change: impl FnMut(&mut PathBuf)) {
        for path in [
            &mut self.results,
            &mut self.failed,
            &mut self.report,
            &mut self.before,
            &mut self.new,
        ] {
            // A run of an earlier version has no name for one of them.
            if !path.as_os_str().is_empty() {
                change(path);
            }
        }
        self.named.iter_mut().for_each(&mut change);
        self.own.iter_mut().for_each(|(path, _)| change(path));
    }

    /// What becomes of a file that is at one of the paths already.
    pub fn placing(&self, path: &Path) -> Placing {
        if self.named.iter().any(|named| named == path) {
            return Placing::Replace;
        }
        let own = self.own.iter().find(|(own, _)| own == path);
        Placing::Beside(own.map(|(_, mark)| mark.clone()))
    }

    /// The same paths, with the results' name taken for this run in one step that no other can come
    /// between, and with another number where somebody has one of the names already. What was taken
    /// is given back when the claim is dropped, if nothing was written there.
    ///
    /// # Errors
    /// When no file can be made in the folder.
    pub fn claim(&self) -> Result<(ResultPaths, Claim), ReportError> {
        let mut paths = self.clone();
        if self.placing(&self.results) == Placing::Replace {
            return Ok((paths, Claim(None)));
        }
        let is_named = |path: &Path| self.named.iter().any(|named| named == path);
        for number in 1..MOST {
            paths = self.clone();
            paths.change_each(|path| {
                if !is_named(path) {
                    *path = numbered(path, number);
                }
            });
            let others = paths.all();
            let others = others.iter().filter(|path| !is_named(path));
            if others
                .into_iter()
                .any(|path| path.symlink_metadata().is_ok())
            {
                continue;
            }
            match new_private_file(&paths.results) {
                Ok(()) => {
                    let path = paths.results.clone();
                    let mark = Mark::of(&path);
                    paths.own = mark
                        .clone()
                        .map(|mark| (path.clone(), mark))
                        .into_iter()
                        .collect();
                    return Ok((paths, Claim(mark.map(|mark| (path, mark)))));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                // Where no file can be made, the probe tells it best.
                Err(_) => {
                    self.probe()?;
                    return Ok((paths, Claim(None)));
                }
            }
        }
        Ok((paths, Claim(None)))
    }

    /// Takes note that these files were written, where they were.
    pub fn note_written(&mut self, written: &Written, report: &Path, before: Option<&Path>) {
        // What this run wrote when it was held or interrupted, and has no need of any more.
        for (path, mark) in self.own.drain(..) {
            let is_left = (written.failed.is_none() && path == self.failed)
                || (written.new.is_none() && path == self.new);
            if is_left && Mark::of(&path) == Some(mark) {
                // A file that cannot be removed is in nobody's way.
                let _ = std::fs::remove_file(&path);
            }
        }
        let places = [
            (Some(written.results.as_path()), &mut self.results),
            (written.failed.as_deref(), &mut self.failed),
            (Some(report), &mut self.report),
            (before, &mut self.before),
            (written.new.as_deref(), &mut self.new),
        ];
        for (place, path) in places {
            let Some(place) = place else {
                continue;
            };
            // A path that somebody named may lead elsewhere by a link; it stays as it was named.
            if !self.named.contains(path) {
                *path = place.to_owned();
                let mark = Mark::of(place);
                self.own.extend(mark.map(|mark| (place.to_owned(), mark)));
            }
        }
    }

    /// Finds out whether all of them can be written, before anything is done that they are to tell
    /// of.
    ///
    /// # Errors
    /// When one of them cannot.
    pub fn probe(&self) -> Result<(), ReportError> {
        for path in self.all() {
            if !path.as_os_str().is_empty() {
                WholeFile::probe(path, self.placing(path))?;
            }
        }
        Ok(())
    }
}

/// A name that was taken for a run; given back when this is dropped, as long as nothing was written
/// there.
#[derive(Debug)]
pub struct Claim(Option<(PathBuf, Mark)>);

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((path, mark)) = self.0.take()
            && Mark::of(&path) == Some(mark)
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Numbers that are tried for a free name.
const MOST: u32 = 100_000;

/// Bytes of a name that are kept, so that what is put behind it fits into a file system's 255.
const NAME: usize = 200;

/// The beginning of a name that is so long that nothing fits behind it.
fn short(name: &str) -> &str {
    let mut end = name.len().min(NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Makes a file that only its owner may read, unless there is one.
fn new_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows by state, counted while writing.
    pub states: StateCounts,
    /// The results file.
    pub results: PathBuf,
    /// The file of rows that did not succeed, where there were any.
    pub failed: Option<PathBuf>,
    /// The file of rows whose record was not found, where there were any.
    pub new: Option<PathBuf>,
}

/// Writes the results file, and the failed file if any row did not succeed: the input's columns
/// as they were, then what became of the row, in the input's order. Rows whose record was not found
/// are written once more, in the input's own columns alone: what somebody has to create first.
///
/// # Errors
/// When a file cannot be written, or the input or the journal cannot be read.
pub fn write_results(
    input: &Input,
    journal: &Journal,
    run: i64,
    paths: &ResultPaths,
) -> Result<Written, ReportError> {
    let layout = Layout::of(input);
    let mut results = begin(paths, &paths.results, input, &layout)?;
    let mut failed: Option<CsvFile> = None;
    if paths.failed_always {
        failed = Some(begin(paths, &paths.failed, input, &layout)?);
    }
    let mut new: Option<CsvFile> = None;
    if paths.named.contains(&paths.new) && paths.new.is_file() {
        // What an earlier run left there must not be taken for this one's.
        new = Some(begin_with(paths, &paths.new, input, &layout, &[])?);
    }
    let mut states = StateCounts::default();
    input.scan(
        |table| layout.cells(table),
        |rows: Vec<Cells>| -> Result<bool, ReportError> {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                return Ok(true);
            };
            let mut outcomes = journal
                .outcomes(run, first.row, last.row)?
                .into_iter()
                .peekable();
            let warnings = journal.warnings(run, first.row, last.row)?;
            let mut warnings = warnings.into_iter().peekable();
            for cells in &rows {
                let warning = warnings.next_if(|(row, _)| *row == cells.row);
                let warning = warning.map_or(String::new(), |(_, text)| text);
                let outcome = outcomes.next_if(|outcome| outcome.row == cells.row);
                let state = outcome
                    .as_ref()
                    .map_or(RowState::NotSent, |outcome| final_state(outcome.state));
                let left_out = outcome.as_ref().is_some_and(|o| o.error_code == LEFT_OUT);
                states.add(state, 1);
                let record = cells.with(outcome.as_ref(), &warning);
                results.write(&record)?;
                if !state.succeeded() && !left_out {
                    let sheet = match &mut failed {
                        Some(sheet) => sheet,
                        none => none.insert(begin(paths, &paths.failed, input, &layout)?),
                    };
                    sheet.write(&record)?;
                }
                if outcome.as_ref().is_some_and(was_not_found) && !paths.new.as_os_str().is_empty()
                {
                    let sheet = match &mut new {
                        Some(sheet) => sheet,
                        none => none.insert(begin_with(paths, &paths.new, input, &layout, &[])?),
                    };
                    sheet.write(&cells.kept)?;
                }
            }
            Ok(true)
        },
    )?;
    Ok(Written {
        states,
        results: results.finish()?,
        failed: failed.map(CsvFile::finish).transpose()?,
        new: new.map(CsvFile::finish).transpose()?,
    })
}

/// Whether the API has no record for a row: none was found, or the update was answered so.
fn was_not_found(outcome: &Outcome) -> bool {
    outcome.error_code == NOT_FOUND
        || (outcome.state == RowState::Rejected && outcome.http_status == Some(404))
}

/// Begins a file in the input's dialect, with its header and ours.
fn begin(
    paths: &ResultPaths,
    path: &Path,
    input: &Input,
    layout: &Layout,
) -> Result<CsvFile, ReportError> {
    begin_with(paths, path, input, layout, &RESULT_COLUMNS)
}

/// The same, with these columns behind the input's.
fn begin_with(
    paths: &ResultPaths,
    path: &Path,
    input: &Input,
    layout: &Layout,
    columns: &[&str],
) -> Result<CsvFile, ReportError> {
    let dialect = input.dialect();
    let mut file = WholeFile::create_as(path, paths.placing(path))?;
    if dialect.wants_mark() {
        let explain = file.explain();
        file.write_all("\u{FEFF}".as_bytes()).map_err(explain)?;
    }
    let terminator = if dialect.crlf {
        Terminator::CRLF
    } else {
        Terminator::Any(b'\n')
    };
    let mut builder = WriterBuilder::new();
    builder
        .delimiter(dialect.delimiter)
        .terminator(terminator)
        .flexible(true);
    let mut sheet = CsvFile::over(&builder, file, path);
    let kept = layout.kept.iter().map(|&column| &*input.header()[column]);
    sheet.write(kept.chain(columns.iter().copied()))?;
    Ok(sheet)
}

/// Which of the input's columns are kept: all but those of an earlier results file.
struct Layout {
    kept: Vec<usize>,
    /// Columns before those that a spreadsheet added for rows with too many cells.
    width: usize,
    /// Where a results file says which line a row came from.
    line: Option<usize>,
    is_utf8: bool,
}

/// One row's cells as they are written back.
struct Cells {
    row: u64,
    /// The line that a spreadsheet shows for it, in the file that it came from first.
    line: String,
    kept: ByteRecord,
    /// Cells beyond the header's, which go behind everything.
    surplus: Vec<Vec<u8>>,
}

impl Layout {
    fn of(input: &Input) -> Layout {
        let header = input.header();
        let ours = |name: &String| RESULT_COLUMNS.contains(&fold_header(name).as_str());
        let width = if header.iter().any(ours) {
            let named = header.iter().rposition(|name| !name.trim().is_empty());
            named.map_or(0, |last| last + 1)
        } else {
            header.len()
        };
        Layout {
            kept: (0..width)
                .filter(|column| !ours(&header[*column]))
                .collect(),
            width,
            line: header
                .iter()
                .position(|name| fold_header(name) == "import_line"),
            is_utf8: input.dialect().encoding == UTF_8,
        }
    }

    fn cells(&self, table: &Table) -> Vec<Cells> {
        table
            .rows()
            .map(|row| {
                let mut kept = ByteRecord::new();
                for &column in &self.kept {
                    match row.cell(column) {
                        None => kept.push_field(b""),
                        // What did not decode is written as it stood where the file was UTF-8,
                        // and marked where it was not.
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
                let known = self.line.and_then(|column| row.cell(column));
                let known = known.and_then(|cell| std::str::from_utf8(cell.bytes()).ok());
                let line = known
                    .and_then(|text| text.trim().parse::<u64>().ok())
                    .unwrap_or(row.at.sheet_row);
                Cells {
                    row: row.at.row,
                    line: line.to_string(),
                    kept,
                    surplus,
                }
            })
            .collect()
    }
}

impl Cells {
    fn with(&self, outcome: Option<&Outcome>, warning: &str) -> ByteRecord {
        let mut record = self.kept.clone();
        record.push_field(self.row.to_string().as_bytes());
        match outcome {
            None => {
                record.push_field(RowState::NotSent.as_str().as_bytes());
                for _ in 4..RESULT_COLUMNS.len() {
                    record.push_field(b"");
                }
            }
            Some(outcome) => {
                let status = outcome
                    .http_status
                    .map_or(String::new(), |status| status.to_string());
                let unseen = outcome.state == RowState::Unknown;
                let state = final_state(outcome.state);
                let (code, error) = if unseen {
                    ("network.unknown", UNSEEN)
                } else {
                    (&*outcome.error_code, &*outcome.error)
                };
                for text in [
                    state.as_str(),
                    &status,
                    code,
                    error,
                    &outcome.changed,
                    &outcome.attempts.to_string(),
                    &outcome.request_id,
                    &outcome
                        .finished_at
                        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
                        .to_string(),
                ] {
                    record.push_field(inert(text).as_bytes());
                }
            }
        }
        record.push_field(self.line.as_bytes());
        record.push_field(inert(warning).as_bytes());
        for cell in &self.surplus {
            record.push_field(cell);
        }
        record
    }
}

const UNSEEN: &str = "the request was sent and the run ended before an answer came; the API may have made the change";

/// The state in which a row is reported: a request that was sent, and whose answer nobody waited
/// for, is not known to have arrived.
fn final_state(state: RowState) -> RowState {
    match state {
        RowState::Unknown => RowState::Failed,
        state => state,
    }
}

/// Text that no spreadsheet takes for a formula (OWASP, CSV injection).
pub(super) fn inert(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_added_to_all_three_rather_than_an_old_file_lost() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("elever.v2.csv");
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let first = ResultPaths::beside(&input);
        assert_eq!(name(&first.results), "elever.v2.results.csv");
        assert_eq!(name(&first.report), "elever.v2.report.html");
        std::fs::write(&first.failed, "").unwrap();
        let second = ResultPaths::beside(&input);
        assert_eq!(name(&second.results), "elever.v2.results-2.csv");
        assert_eq!(name(&second.failed), "elever.v2.failed-2.csv");
    }

    #[test]
    fn no_cell_of_ours_is_a_formula() {
        assert_eq!(inert("=1+1"), "'=1+1");
        assert_eq!(inert("-x"), "'-x");
        assert_eq!(inert("Conflict"), "Conflict");
    }
}
