//! The open roster: its dialect, columns and edited cells.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::words::columns_in_words;
use crate::app::{AppError, ColumnMemory, KeptMends};
use crate::events::Unobserved;
use crate::journal::State;
use crate::l10n::{Message, message, say};
use crate::map::{PROTECTED, protected_columns};
use crate::model::{Outcome, Problem, RowState, hex, with_causes};
use crate::read::{FileDescription, Input, Mends, Origin, ReadError, Withholding, fold_header};
use crate::run::{
    Prepared, Roster, RunError, SeenRow, Settings, each_row_seen, prepare, restores_a_value,
    row_numbers, rows_seen,
};
use crate::targets::{Kind, TargetSpec};

/// The open roster: how it is read, the fields of its columns, and the edited cells.
pub(super) struct Opened {
    /// Identifies the file and the way it is read. Pages of another edition are outdated.
    pub(super) edition: String,
    /// Identifies the open file, independent of the way it is read.
    pub(super) id: String,
    /// Identifies the current content and edits. A plan of another revision is not sent.
    pub(super) revision: String,
    /// The result of the last action, for the next page.
    pub(super) notice: Option<Message>,
    state: State,
    /// The name of the file for the user.
    pub(super) name: String,
    pub(super) roster: Roster,
    pub(super) target: Option<String>,
    pub(super) spec: Arc<TargetSpec>,
    /// The appearance of the file, or the reason why it cannot be read.
    pub(super) look: Result<FileLook, RunError>,
    /// The checked rows, or the reason why the columns are not understood.
    pub(super) checked: Result<Checked, RunError>,
    /// Decisions about columns of other files for the same target.
    pub(super) memory: ColumnMemory,
    /// The run whose rows are resent.
    pub(super) again: Option<Again>,
    /// The last replacement of a value in several rows.
    pub(super) bulk: Option<Bulk>,
}

/// A value that was replaced in several rows.
pub(super) struct Bulk {
    pub(super) column: usize,
    pub(super) header: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The rows, each with the earlier edit of the cell.
    pub(super) cells: Vec<(u64, Option<String>)>,
}

impl Bulk {
    pub(super) fn of(alike: &Alike, to: String, mends: &Mends) -> Bulk {
        let before = |row: &u64| {
            let typed = mends.of(*row).and_then(|cells| cells.get(&alike.column));
            (*row, typed.cloned())
        };
        Bulk {
            column: alike.column,
            header: alike.header.clone(),
            from: alike.value.clone(),
            to,
            cells: alike.rows.iter().map(before).collect(),
        }
    }
}

/// The appearance of a file before its columns are known.
pub(super) struct FileLook {
    /// The encoding and delimiter, or the sheet.
    pub(super) description: FileDescription,
    pub(super) encoding: String,
    pub(super) delimiter: Option<u8>,
    pub(super) header: Vec<String>,
    pub(super) header_line: u64,
    pub(super) sheets: Vec<String>,
    /// The number of rows, if the whole file can be read.
    pub(super) count: Option<u64>,
    pub(super) rows: Vec<Vec<String>>,
    /// The kind of each column, according to its first rows.
    pub(super) kinds: Vec<Option<Kind>>,
}

pub(super) struct Checked {
    pub(super) prepared: Prepared,
    /// The numbers of the rows to review: those with faults, then the others, each in the order of the file.
    pub(super) faulty: Vec<u64>,
    /// The number of rows that still have problems or would be refused again.
    pub(super) left: u64,
    /// Invalid values in the same column of several rows, the most frequent first.
    pub(super) alike: Vec<Alike>,
    /// The store of the edited cells.
    kept: KeptMends,
    /// The number of rows that were edited in an earlier session.
    pub(super) mended_before: usize,
}

/// A run whose rows are resent.
pub(super) struct Again {
    pub(super) run: String,
    /// The settings of the run, with the selected rows.
    pub(super) settings: Settings,
    pub(super) outcomes: HashMap<u64, Outcome>,
}

impl Again {
    /// Returns the last outcome of a row that was not edited since.
    pub(super) fn stands(&self, row: u64, mends: &Mends) -> Option<&Outcome> {
        let before = self.settings.roster.read.mends.of(row);
        let outcome = self.outcomes.get(&row);
        outcome.filter(|_| mends.of(row) == before)
    }

    /// Returns whether a row would be refused again.
    fn is_in_vain(&self, row: u64, mends: &Mends) -> bool {
        let refused = [RowState::Invalid, RowState::Rejected];
        let outcome = self.stands(row, mends);
        outcome.is_some_and(|outcome| refused.contains(&outcome.state))
    }
}

pub(super) fn named(text: String, file: &Path, name: &str) -> String {
    text.replace(&file.display().to_string(), name)
}

/// The number of rows in a preview.
const SAMPLE: usize = 5;

/// The number of rows that determine the kind of a column.
const KNOWN_BY: usize = 32;

impl Opened {
    /// Opens a file. Edits are stored in the folder `state`. `again` is the run whose rows are resent.
    pub(super) fn of(
        state: &State,
        name: String,
        target: Option<String>,
        (spec, roster): (Arc<TargetSpec>, Roster),
        again: Option<Again>,
    ) -> Result<Opened, AppError> {
        // They are replaced as soon as the file is read.
        let unread = || {
            let path = roster.file.clone();
            RunError::Read(ReadError::Empty { path })
        };
        let mut opened = Opened {
            edition: String::new(),
            id: unique(),
            revision: String::new(),
            notice: None,
            state: state.to_owned(),
            name,
            target,
            look: Err(unread()),
            checked: Err(unread()),
            roster,
            memory: ColumnMemory::read(state.folder(), &spec.name)?,
            spec,
            again,
            bulk: None,
        };
        // A copy stays the same if the file is changed in the meantime.
        opened.roster.read.copy = true;
        // The file of the run may be in an inbox.
        if opened.roster.read.origin == Origin::Named {
            opened.roster.read.origin = Origin::Page;
        }
        opened.renew();
        opened.read()?;
        Ok(opened)
    }

    /// Marks all existing pages as outdated.
    pub(super) fn renew(&mut self) {
        self.edition = unique();
        self.bulk = None;
    }

    /// Refuses input from a page of another file or edition.
    pub(super) fn refuse_other(&self, said: &HashMap<String, String>) -> Result<(), AppError> {
        match said.get("edition") {
            Some(edition) if *edition == self.edition => Ok(()),
            _ => Err(AppError::Front(message::console_other_file())),
        }
    }

    /// Reads and checks the file with the current settings and the stored edits. A file that cannot be read
    /// is no error: its page shows the reason.
    pub(super) fn read(&mut self) -> Result<(), AppError> {
        self.revision = unique();
        self.look = look_at(&self.roster).map_err(RunError::from);
        self.checked = match self.check() {
            Ok(checked) => Ok(checked),
            Err(AppError::Run(error)) => Err(error),
            Err(error) => return Err(error),
        };
        // Rows about protected persons are known only after the whole file was read.
        if let (Ok(look), Ok(checked)) = (&mut self.look, &self.checked)
            && checked.prepared.input.withholding().is_possible()
        {
            look.rows = first_rows(&checked.prepared.input).map_err(RunError::from)?;
            look.rows.truncate(SAMPLE);
        }
        Ok(())
    }

    /// Returns the sheets of which the user must choose one before the rows can be checked.
    pub(super) fn which_sheet(&self) -> &[String] {
        match &self.checked {
            Err(RunError::Read(ReadError::SeveralSheets { sheets, .. })) => sheets,
            Err(RunError::Read(ReadError::EmptySheet { sheets, .. })) if sheets.len() > 1 => sheets,
            _ => &[],
        }
    }

    /// Returns why the file cannot be read or checked, with its name instead of the path of an upload.
    pub(super) fn in_words(&self, error: &RunError) -> String {
        let words = match error {
            RunError::Read(ReadError::SeveralSheets { sheets, .. }) => {
                Some(say().console_which_sheet(sheets.join(", ")))
            }
            RunError::Read(ReadError::EmptySheet { sheet, sheets, .. }) => {
                let why = say().console_sheet_empty(sheet.as_str());
                Some(format!("{why} {}", other_choice(sheets)))
            }
            RunError::Map { source, .. } => columns_in_words(source, &self.spec),
            _ => None,
        };
        words.unwrap_or_else(|| named(with_causes(error), &self.roster.file, &self.name))
    }

    /// Returns a warning if the roster has a header and no rows.
    pub(super) fn without_rows(&self) -> Option<String> {
        let checked = self.checked.as_ref().ok()?;
        if checked.prepared.survey.rows > 0 {
            return None;
        }
        let input = &checked.prepared.input;
        let why = match input.sheet_name() {
            Some(sheet) => say().console_sheet_no_rows(sheet),
            None => say().console_file_no_rows(),
        };
        Some(format!("{why} {}", other_choice(input.sheets())))
    }

    fn check(&mut self) -> Result<Checked, AppError> {
        let spec = self.spec.clone();
        let mut prepared = prepare(&self.roster, spec, rand::random(), &Unobserved)?;
        let run = self.again.as_ref().map(|again| again.run.as_str());
        if prepared.input.sheets().len() > 1 && self.roster.read.sheet.is_none() {
            // The page shows the selected sheet and offers the others.
            self.roster.read.sheet = prepared.input.sheet_name().map(str::to_owned);
        }
        let sheet = self.roster.read.sheet.as_deref();
        let kept = KeptMends::of(self.state.folder(), &prepared.input, sheet, run)?;
        let mut mended_before = 0;
        if let Some(mends) = kept.read()? {
            mended_before = mends.rows();
            prepared.mend(mends.clone())?;
            self.roster.read.mends = mends;
        }
        let mut checked = Checked {
            prepared,
            faulty: Vec::new(),
            left: 0,
            alike: Vec::new(),
            kept,
            mended_before,
        };
        checked.find(self.again.as_ref())?;
        Ok(checked)
    }

    /// Stores the edits of cells, by row number and column. A cell without a text is as in the file again.
    pub(super) fn mend(&mut self, cells: &[(u64, usize, Option<String>)]) -> Result<(), AppError> {
        self.change(|mends| {
            for (row, column, text) in cells {
                match text {
                    Some(text) => mends.set(*row, *column, text.clone()),
                    None => mends.take_back_cell(*row, *column),
                }
            }
        })
    }

    /// Skips a row, and removes its edits.
    pub(super) fn skip(&mut self, row: u64) -> Result<(), AppError> {
        self.change(|mends| mends.skip(row))
    }

    /// Returns the other rows that share a unique value with a row.
    pub(super) fn sharing(&self, row: u64) -> Vec<u64> {
        match &self.checked {
            Ok(checked) => checked.prepared.survey.sharing(row),
            Err(_) => Vec::new(),
        }
    }

    /// Replaces a value in several rows, and stores how to undo it.
    pub(super) fn mend_in_bulk(&mut self, bulk: Bulk) -> Result<(), AppError> {
        self.change(|mends| {
            for (row, _) in &bulk.cells {
                mends.set(*row, bulk.column, bulk.to.clone());
            }
        })?;
        self.bulk = Some(bulk);
        Ok(())
    }

    /// Undoes the last replacement in cells that were not edited since. Returns their number.
    pub(super) fn undo_bulk(&mut self) -> Result<usize, AppError> {
        let Some(bulk) = self.bulk.take() else {
            return Ok(0);
        };
        let mut undone = 0;
        self.change(|mends| {
            for (row, before) in bulk.cells {
                let typed = mends.of(row).and_then(|cells| cells.get(&bulk.column));
                if typed != Some(&bulk.to) {
                    continue;
                }
                undone += 1;
                match before {
                    Some(text) => mends.set(row, bulk.column, text),
                    None => mends.take_back_cell(row, bulk.column),
                }
            }
        })?;
        Ok(undone)
    }

    /// Removes the edits of one row, or all edits.
    pub(super) fn take_back(&mut self, row: Option<u64>) -> Result<(), AppError> {
        if let (None, Ok(checked)) = (row, &mut self.checked) {
            checked.mended_before = 0;
        }
        self.change(|mends| match row {
            Some(row) => mends.take_back(row),
            None => *mends = Mends::default(),
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut Mends)) -> Result<(), AppError> {
        let Ok(checked) = &mut self.checked else {
            return Ok(());
        };
        self.revision = unique();
        let mends = &mut self.roster.read.mends;
        change(mends);
        checked.prepared.mend(mends.clone())?;
        let stored = checked.prepared.storable(mends)?;
        checked.kept.keep(&stored)?;
        checked.find(self.again.as_ref())?;
        Ok(())
    }
}

impl Checked {
    /// Finds the rows to review: invalid rows, and edited rows, which stay visible while the user edits them.
    fn find(&mut self, again: Option<&Again>) -> Result<(), ReadError> {
        let mends = self.prepared.input.mends();
        let wanted = |row: u64, is_wrong: bool| match again {
            // The rows of a derived file have other numbers.
            Some(again) if !again.outcomes.is_empty() => again.outcomes.contains_key(&row),
            Some(_) => true,
            None => is_wrong || mends.of(row).is_some(),
        };
        let (mut faulty, mut others) = (Vec::new(), Vec::new());
        let mut alike = AlikeValues::default();
        each_row_seen(
            &self.prepared,
            |row, checked| wanted(row.at.row, !checked.is_valid()),
            |row| {
                let in_vain = again.is_some_and(|again| again.is_in_vain(row.at.row, mends));
                match in_vain || !row.problems.is_empty() {
                    true => faulty.push(row.at.row),
                    false => others.push(row.at.row),
                }
                alike.add(&self.prepared, &row);
            },
        )?;
        self.left = faulty.len() as u64;
        faulty.append(&mut others);
        (self.faulty, self.alike) = (faulty, alike.several());
        Ok(())
    }

    /// Returns rows by their numbers, in order.
    pub(super) fn rows(&self, numbers: &[u64]) -> Result<Vec<SeenRow>, ReadError> {
        rows_seen(&self.prepared, |row, _| {
            numbers.binary_search(&row.at.row).is_ok()
        })
    }

    pub(super) fn row(&self, row: u64) -> Result<Option<SeenRow>, ReadError> {
        Ok(self.rows(&[row])?.pop())
    }

    /// Returns the numbers of the rows with restored values, or of those with doubtful ones.
    pub(super) fn rows_noticed(&self, is_restored: bool) -> Result<Vec<u64>, ReadError> {
        let mut numbers = Vec::new();
        each_row_seen(
            &self.prepared,
            |_, checked| match is_restored {
                true => checked
                    .restored
                    .iter()
                    .any(|one| restores_a_value(&one.code)),
                false => !checked.doubts.is_empty(),
            },
            |row| numbers.push(row.at.row),
        )?;
        Ok(numbers)
    }

    /// Returns the numbers of the rows in which a cell contains `text`, ignoring case.
    pub(super) fn search(&self, text: &str) -> Result<Vec<u64>, ReadError> {
        let wanted = text.trim().to_lowercase();
        row_numbers(&self.prepared, |row| {
            row.cells().any(|cell| {
                let text = String::from_utf8_lossy(cell.bytes());
                text.to_lowercase().contains(&wanted)
            })
        })
    }
}

/// A value that is invalid in several rows.
pub(super) struct Alike {
    pub(super) column: usize,
    pub(super) header: String,
    pub(super) value: String,
    pub(super) problem: Problem,
    pub(super) rows: Vec<u64>,
}

/// Collects invalid values by column and text.
#[derive(Default)]
struct AlikeValues(HashMap<(usize, String), Alike>);

impl AlikeValues {
    fn add(&mut self, prepared: &Prepared, row: &SeenRow) {
        let map = prepared.checker.map();
        let width = prepared.input.header().len();
        for problem in row.problems.iter().filter(|one| !one.column.is_empty()) {
            let column = (0..width).find(|at| map.header(*at) == problem.column);
            let Some(column) = column else { continue };
            let value = row.cells.get(column).cloned().unwrap_or_default();
            let alike = self.0.entry((column, value.clone()));
            let alike = alike.or_insert_with(|| Alike {
                column,
                header: problem.column.clone(),
                value,
                problem: problem.clone(),
                rows: Vec::new(),
            });
            if alike.rows.last() != Some(&row.at.row) {
                alike.rows.push(row.at.row);
            }
        }
    }

    /// Returns the values in more than one row, the most frequent first.
    fn several(self) -> Vec<Alike> {
        let all = self.0.into_values();
        let mut several: Vec<Alike> = all.filter(|alike| alike.rows.len() > 1).collect();
        several.sort_by(|one, other| {
            let order = |alike: &Alike| (std::cmp::Reverse(alike.rows.len()), alike.column);
            order(one)
                .cmp(&order(other))
                .then_with(|| one.value.cmp(&other.value))
        });
        several
    }
}

/// Returns what can be done about a sheet or a file without rows.
fn other_choice(sheets: &[String]) -> String {
    match sheets {
        [_, _, ..] => say().console_choose_sheet(),
        _ => say().console_choose_file(),
    }
}

fn unique() -> String {
    hex(&rand::random::<[u8; 8]>())
}

fn first_rows(input: &Input) -> Result<Vec<Vec<String>>, ReadError> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    input.scan(
        |table| {
            let rows = table.rows().take(KNOWN_BY);
            let text = |row: crate::read::RawRow<'_>| {
                let cells = row.cells();
                cells
                    .map(|cell| String::from_utf8_lossy(cell.bytes()).into_owned())
                    .collect()
            };
            rows.map(text).collect::<Vec<Vec<String>>>()
        },
        |some| {
            rows.extend(some);
            Ok::<bool, ReadError>(rows.len() < KNOWN_BY)
        },
    )?;
    rows.truncate(KNOWN_BY);
    Ok(rows)
}

fn look_at(roster: &Roster) -> Result<FileLook, ReadError> {
    let mut input = Input::open(&roster.file, &roster.read)?;
    let mut columns = protected_columns(input.header());
    let declared = roster.map.overrides.iter();
    let declared = declared.filter(|(_, field)| field == PROTECTED);
    columns.extend(declared.filter_map(|(name, _)| {
        let is_it = |header: &String| fold_header(header) == fold_header(name);
        input.header().iter().position(is_it)
    }));
    input.withhold(Withholding {
        columns,
        ..Withholding::default()
    });
    let is_workbook = !input.sheets().is_empty();
    let mut count = 0;
    let counted = input.scan(
        |table| table.len() as u64,
        |rows| {
            count += rows;
            Ok::<bool, ReadError>(true)
        },
    );
    let mut rows = first_rows(&input)?;
    let kinds = (0..input.header().len()).map(|column| {
        let cells = rows.iter().filter_map(|row| Some(&**row.get(column)?));
        roster.kind_of(cells)
    });
    let kinds = kinds.collect();
    rows.truncate(SAMPLE);
    Ok(FileLook {
        kinds,
        count: counted.is_ok().then_some(count),
        description: input.description(),
        encoding: input.dialect().encoding.label().to_owned(),
        delimiter: (!is_workbook).then_some(input.dialect().delimiter),
        header: input.header().to_vec(),
        header_line: input.header_line(),
        sheets: input.sheets().to_vec(),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CheckOptions, DuplicatePolicy};
    use crate::map::MapOptions;
    use crate::read::ReadOptions;
    use crate::targets::load;
    use State;

    #[test]
    fn the_first_rows_show_nothing_of_protected_persons() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.csv");
        let text = "external_id,first_name,mark\n1,Hemlig,Ja\n2,Anna,Nej\n1,Hemlig,\n";
        for (header, overrides) in [
            ("Protected", Vec::new()),
            ("mark", vec![("mark".to_owned(), PROTECTED.to_owned())]),
        ] {
            std::fs::write(&file, text.replace("mark", header)).unwrap();
            let roster = Roster {
                file: file.clone(),
                read: ReadOptions::default(),
                map: MapOptions {
                    overrides,
                    ..MapOptions::default()
                },
                key: None,
                check: CheckOptions::new(jiff::civil::date(2026, 8, 17)),
                duplicates: DuplicatePolicy::Error,
                sparse: true,
                release: None,
            };
            let spec = Arc::new(load("pathwright").unwrap());
            let state = State::in_folder(folder.path());
            let opened = Opened::of(&state, "r".into(), None, (spec, roster), None).unwrap();
            let rows = opened.look.unwrap().rows;
            let names: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
            assert_eq!(
                names,
                ["", "Anna", ""],
                "{header}: {:?}",
                opened.checked.err()
            );
        }
    }
}
