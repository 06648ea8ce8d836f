//! An opened roster holds its dialect, columns and edited cells.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::door::Door;
use super::words::columns_in_words;
use crate::app::{AppError, ColumnMemory, KeptMends};
use crate::events::Unobserved;
use crate::l10n::say;
use crate::map::{PROTECTED, protected_columns};
use crate::model::{Outcome, Problem, RowState, hex, with_causes};
use crate::read::{Input, Mends, Origin, ReadError, Withholding, fold_header};
use crate::run::{
    Prepared, Roster, RunError, SeenRow, Settings, each_row_seen, prepare, row_numbers, rows_seen,
};
use crate::targets::{Kind, TargetSpec};

/// The roster that is on the desk: how it is read, what its columns are taken for, and what was mended
/// in it.
pub(super) struct Opened {
    /// Tells this way to read this file from any other: a page that was made of another one is too old.
    pub(super) edition: String,
    /// Identifies the file on the desk, however it is read.
    pub(super) id: String,
    /// Identifies what is read and edited now: a plan of another revision is not sent.
    pub(super) revision: String,
    /// What was done a moment ago, in words, for the next page.
    pub(super) notice: Option<String>,
    /// The folder of the journal.
    state: crate::journal::State,
    /// The name by which a person knows the file.
    pub(super) name: String,
    pub(super) roster: Roster,
    pub(super) target: Option<String>,
    pub(super) spec: Arc<TargetSpec>,
    /// What the file looks like, or why it cannot be read.
    pub(super) look: Result<FileLook, String>,
    /// The rows, checked, or why their columns are not understood.
    pub(super) checked: Result<Checked, String>,
    /// Decisions about columns of other files for the same target.
    pub(super) memory: Option<ColumnMemory>,
    /// The sheets from which a person must choose before the rows can be checked.
    pub(super) which_sheet: Vec<String>,
    /// The run whose rows are tried again, if they are.
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
    /// The rows, each with what had been typed in the cell before.
    pub(super) cells: Vec<(u64, Option<String>)>,
}

impl Bulk {
    /// Replaces the value of `alike` with `to`.
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

/// What the program noticed in a valid row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noticed {
    Restored,
    Doubtful,
}

/// What a file looks like before anything is known of its columns.
pub(super) struct FileLook {
    /// Its encoding and delimiter, or its sheet.
    pub(super) description: String,
    pub(super) encoding: String,
    pub(super) delimiter: Option<u8>,
    pub(super) header: Vec<String>,
    pub(super) header_line: u64,
    pub(super) sheets: Vec<String>,
    /// The first few rows.
    pub(super) rows: Vec<Vec<String>>,
    /// What the cells of each column are, by its first rows.
    pub(super) kinds: Vec<Option<Kind>>,
}

/// Rows that were checked.
pub(super) struct Checked {
    pub(super) prepared: Prepared,
    /// The numbers of the rows that need somebody, in the file's order.
    pub(super) faulty: Vec<u64>,
    /// How many of them have problems still, or would only be refused again.
    pub(super) left: u64,
    /// Values that are wrong in the same column of several rows, the most frequent first.
    pub(super) alike: Vec<Alike>,
    /// Where what was mended is kept.
    kept: KeptMends,
    /// Rows whose cells were changed an earlier time.
    pub(super) mended_before: usize,
}

/// A run whose rows are tried again.
pub(super) struct Again {
    /// The run's name.
    pub(super) run: String,
    /// The run's settings, with the rows that are meant.
    pub(super) settings: Settings,
    /// What became of those rows the last time.
    pub(super) outcomes: HashMap<u64, Outcome>,
}

impl Again {
    /// What became of a row the last time, where nothing was changed in it since.
    pub(super) fn stands(&self, row: u64, mends: &Mends) -> Option<&Outcome> {
        let before = self.settings.roster.read.mends.of(row);
        let outcome = self.outcomes.get(&row);
        outcome.filter(|_| mends.of(row) == before)
    }

    /// Whether a row would only be refused again.
    fn is_in_vain(&self, row: u64, mends: &Mends) -> bool {
        let refused = [RowState::Invalid, RowState::Rejected];
        let outcome = self.stands(row, mends);
        outcome.is_some_and(|outcome| refused.contains(&outcome.state))
    }
}

/// A text in which a file has its name in place of its path.
pub(super) fn named(text: String, file: &Path, name: &str) -> String {
    text.replace(&file.display().to_string(), name)
}

/// Rows of a file that are shown before it is understood.
const SAMPLE: usize = 5;

/// Rows by which it is known what a column holds.
const KNOWN_BY: usize = 32;

impl Opened {
    /// Opens a file as it would be understood without being told anything. What is mended in it is kept in
    /// the folder `state`.
    ///
    /// # Errors
    /// When no API is known for it, or what was mended in it before cannot be read.
    pub(super) fn open(
        (door, state): (&dyn Door, &crate::journal::State),
        file: &Path,
        name: String,
        target: Option<String>,
    ) -> Result<Opened, AppError> {
        let (spec, roster) = door.roster(file, target.as_deref())?;
        Opened::of(state, name, target, (spec, roster), None)
    }

    /// Opens the file of a run that was not sent, as the run understood it.
    ///
    /// # Errors
    /// When what was mended in it before cannot be read.
    pub(super) fn held(
        state: &crate::journal::State,
        name: String,
        target: Option<String>,
        (spec, roster): (TargetSpec, Roster),
    ) -> Result<Opened, AppError> {
        Opened::of(state, name, target, (Arc::new(spec), roster), None)
    }

    /// Opens the rows of a run that did not succeed.
    pub(super) fn again(
        state: &crate::journal::State,
        name: String,
        spec: TargetSpec,
        again: Again,
    ) -> Result<Opened, AppError> {
        let roster = again.settings.roster.clone();
        Opened::of(state, name, None, (Arc::new(spec), roster), Some(again))
    }

    fn of(
        state: &crate::journal::State,
        name: String,
        target: Option<String>,
        (spec, roster): (Arc<TargetSpec>, Roster),
        again: Option<Again>,
    ) -> Result<Opened, AppError> {
        let mut opened = Opened {
            edition: String::new(),
            id: unique(),
            revision: String::new(),
            notice: None,
            state: state.to_owned(),
            name,
            target,
            spec,
            roster,
            look: Err(String::new()),
            checked: Err(String::new()),
            memory: None,
            which_sheet: Vec::new(),
            again,
            bulk: None,
        };
        // So that a file that is written meanwhile is still the one that was looked at.
        opened.roster.read.copy = true;
        // A run's own file may come from an inbox.
        if opened.roster.read.origin == Origin::Named {
            opened.roster.read.origin = Origin::Page;
        }
        opened.memory = Some(ColumnMemory::read(state.folder(), &opened.spec.name)?);
        opened.renew();
        opened.read()?;
        Ok(opened)
    }

    /// Has pages that were made before be too old.
    pub(super) fn renew(&mut self) {
        self.edition = unique();
        self.bulk = None;
    }

    /// Refuses what a page sends that was made of another file, or of another way to read it.
    pub(super) fn refuse_other(&self, said: &HashMap<String, String>) -> Result<(), AppError> {
        match said.get("edition") {
            Some(edition) if *edition == self.edition => Ok(()),
            _ => Err(AppError::Front(say().console_other_file())),
        }
    }

    /// Reads and checks it all, as the roster's settings say now, with what was mended in it before.
    ///
    /// # Errors
    /// When what was mended cannot be read. That the file cannot be is no error: its page says so.
    pub(super) fn read(&mut self) -> Result<(), AppError> {
        self.revision = unique();
        self.look = look_at(&self.roster).map_err(|error| self.told(&error));
        self.which_sheet.clear();
        self.checked = match self.check() {
            Ok(checked) => Ok(checked),
            Err(AppError::Run(RunError::Read(ReadError::SeveralSheets { sheets, .. }))) => {
                let why = say().console_which_sheet(sheets.join(", "));
                self.which_sheet = sheets;
                Err(why)
            }
            Err(AppError::Run(error)) => {
                let why = match &error {
                    RunError::Map { source, .. } => columns_in_words(source, &self.spec),
                    _ => None,
                };
                Err(why.unwrap_or_else(|| self.told(&error)))
            }
            Err(error) => return Err(error),
        };
        // Only the whole file shows which rows are about a protected person.
        if let (Ok(look), Ok(checked)) = (&mut self.look, &self.checked)
            && checked.prepared.input.withholding().is_possible()
        {
            look.rows = first_rows(&checked.prepared.input).map_err(RunError::from)?;
            look.rows.truncate(SAMPLE);
        }
        Ok(())
    }

    /// An error as the page shows it: with the file's name, and not with where an upload is stored.
    fn told(&self, error: &(dyn std::error::Error + 'static)) -> String {
        named(with_causes(error), &self.roster.file, &self.name)
    }

    fn check(&mut self) -> Result<Checked, AppError> {
        let spec = self.spec.clone();
        let mut prepared = prepare(&self.roster, spec, rand::random(), &Unobserved)?;
        let run = self.again.as_ref().map(|again| again.run.as_str());
        if prepared.input.sheets().len() > 1 && self.roster.read.sheet.is_none() {
            // The page shows the chosen sheet and offers the others.
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

    /// Puts texts in the places of cells, by row number and column, and keeps them.
    ///
    /// # Errors
    /// When the file can no longer be read, or the texts not be kept.
    pub(super) fn mend(&mut self, cells: &[(u64, usize, String)]) -> Result<(), AppError> {
        self.change(|mends| {
            for (row, column, text) in cells {
                mends.set(*row, *column, text.clone());
            }
        })
    }

    /// Replaces a value in several rows, and remembers how to undo it.
    ///
    /// # Errors
    /// When the file can no longer be read, or the texts not be kept.
    pub(super) fn mend_in_bulk(&mut self, bulk: Bulk) -> Result<(), AppError> {
        self.change(|mends| {
            for (row, _) in &bulk.cells {
                mends.set(*row, bulk.column, bulk.to.clone());
            }
        })?;
        self.bulk = Some(bulk);
        Ok(())
    }

    /// Undoes the last replacement in the cells that were not changed since. Returns their number.
    ///
    /// # Errors
    /// When the file can no longer be read, or the texts not be kept.
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

    /// Takes back what was mended: in a row, or in all of them.
    ///
    /// # Errors
    /// When the file can no longer be read.
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
        let stored = checked.prepared.storable(mends).map_err(RunError::from)?;
        checked.kept.keep(&stored)?;
        checked.find(self.again.as_ref())?;
        Ok(())
    }
}

impl Checked {
    /// Finds the rows that need somebody: those that are wrong, and those that were mended, so that they
    /// do not vanish from under whoever mends them.
    fn find(&mut self, again: Option<&Again>) -> Result<(), ReadError> {
        let mends = self.prepared.input.mends();
        let wanted = |row: u64, is_wrong: bool| match again {
            // Rows of a file that was made of them have other numbers.
            Some(again) if !again.outcomes.is_empty() => again.outcomes.contains_key(&row),
            Some(_) => true,
            None => is_wrong || mends.of(row).is_some(),
        };
        let (mut faulty, mut left) = (Vec::new(), 0);
        let mut alike = AlikeValues::default();
        each_row_seen(
            &self.prepared,
            |row, checked| wanted(row.at.row, !checked.is_valid()),
            |row| {
                faulty.push(row.at.row);
                let in_vain = again.is_some_and(|again| again.is_in_vain(row.at.row, mends));
                left += u64::from(in_vain || !row.problems.is_empty());
                alike.add(&self.prepared, &row);
            },
        )?;
        (self.faulty, self.left, self.alike) = (faulty, left, alike.several());
        Ok(())
    }

    /// Rows by their numbers, in order.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn rows(&self, numbers: &[u64]) -> Result<Vec<SeenRow>, ReadError> {
        rows_seen(&self.prepared, |row, _| {
            numbers.binary_search(&row.at.row).is_ok()
        })
    }

    /// A row, whether or not anything is wrong with it.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn row(&self, row: u64) -> Result<Option<SeenRow>, ReadError> {
        Ok(self.rows(&[row])?.pop())
    }

    /// The numbers of the rows in which something was restored, or is doubtful.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn rows_with(&self, noticed: Noticed) -> Result<Vec<u64>, ReadError> {
        let mut numbers = Vec::new();
        each_row_seen(
            &self.prepared,
            |_, checked| {
                !match noticed {
                    Noticed::Restored => &checked.restored,
                    Noticed::Doubtful => &checked.doubts,
                }
                .is_empty()
            },
            |row| numbers.push(row.at.row),
        )?;
        Ok(numbers)
    }

    /// The numbers of the rows in which any cell holds `text`, whatever its case.
    ///
    /// # Errors
    /// When the file can no longer be read.
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

/// A value that is wrong in several rows.
pub(super) struct Alike {
    pub(super) column: usize,
    pub(super) header: String,
    pub(super) value: String,
    pub(super) problem: Problem,
    pub(super) rows: Vec<u64>,
}

/// Values that are wrong, by column and text, as they are found.
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

    /// Those that stand in more than one row, the most frequent first.
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

/// An identifier that no other page has.
fn unique() -> String {
    hex(&rand::random::<[u8; 8]>())
}

/// The cells of the first rows.
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

/// What a file looks like.
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
    let mut rows = first_rows(&input)?;
    let kinds = (0..input.header().len()).map(|column| {
        let cells = rows.iter().filter_map(|row| Some(&**row.get(column)?));
        roster.kind_of(cells)
    });
    let kinds = kinds.collect();
    rows.truncate(SAMPLE);
    Ok(FileLook {
        kinds,
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
    use crate::journal::State;
    use crate::map::MapOptions;
    use crate::read::ReadOptions;
    use crate::targets::load;

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
