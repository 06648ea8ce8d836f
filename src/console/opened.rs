use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::door::Door;
use crate::app::AppError;
use crate::events::Unobserved;
use crate::l10n::say;
use crate::model::{Outcome, hex, with_causes};
use crate::read::{Input, Mends, ReadError};
use crate::run::{Prepared, Roster, RunError, SeenRow, Settings, prepare, rows_seen};
use crate::targets::TargetSpec;

/// The roster that is on the desk: how it is read, what its columns are taken for, and what was mended
/// in it.
pub(super) struct Opened {
    /// Tells this way to read this file from any other: a page that was made of another one is too old.
    pub(super) edition: String,
    /// The name by which a person knows the file.
    pub(super) name: String,
    pub(super) roster: Roster,
    pub(super) target: Option<String>,
    pub(super) spec: Arc<TargetSpec>,
    /// What the file looks like, or why it cannot be read.
    pub(super) look: Result<FileLook, String>,
    /// The rows, checked, or why their columns are not understood.
    pub(super) checked: Result<Checked, String>,
    /// The run whose rows are tried again, if they are.
    pub(super) again: Option<Again>,
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
}

/// Rows that were checked.
pub(super) struct Checked {
    pub(super) prepared: Prepared,
    /// The rows that need somebody, in the file's order.
    pub(super) faulty: Vec<SeenRow>,
}

/// A run whose rows are tried again.
pub(super) struct Again {
    /// The run's settings, with the rows that are meant.
    pub(super) settings: Settings,
    /// What became of those rows the last time.
    pub(super) outcomes: HashMap<u64, Outcome>,
}

/// Rows of a file that are shown before it is understood.
const SAMPLE: usize = 5;

impl Opened {
    /// Opens a file as it would be understood without being told anything.
    ///
    /// # Errors
    /// When no API is known for it.
    pub(super) fn open(
        door: &dyn Door,
        file: &Path,
        name: String,
        target: Option<String>,
    ) -> Result<Opened, AppError> {
        let (spec, roster) = door.roster(file, target.as_deref())?;
        Ok(Opened::of(name, target, spec, roster, None))
    }

    /// Opens the rows of a run that did not succeed.
    pub(super) fn again(name: String, spec: TargetSpec, again: Again) -> Opened {
        let roster = again.settings.roster.clone();
        Opened::of(name, None, Arc::new(spec), roster, Some(again))
    }

    fn of(
        name: String,
        target: Option<String>,
        spec: Arc<TargetSpec>,
        roster: Roster,
        again: Option<Again>,
    ) -> Opened {
        let mut opened = Opened {
            edition: String::new(),
            name,
            target,
            spec,
            roster,
            look: Err(String::new()),
            checked: Err(String::new()),
            again,
        };
        // So that a file that is written meanwhile is still the one that was looked at.
        opened.roster.read.copy = true;
        opened.renew();
        opened.read();
        opened
    }

    /// Has pages that were made before be too old.
    pub(super) fn renew(&mut self) {
        self.edition = hex(&rand::random::<[u8; 8]>());
    }

    /// Refuses what a page sends that was made of another file, or of another way to read it.
    pub(super) fn refuse_other(&self, said: &HashMap<String, String>) -> Result<(), AppError> {
        match said.get("edition") {
            Some(edition) if *edition == self.edition => Ok(()),
            _ => Err(AppError::Front(say().console_other_file())),
        }
    }

    /// Reads and checks it all, as the roster's settings say now.
    pub(super) fn read(&mut self) {
        self.look = look_at(&self.roster).map_err(|error| with_causes(&error));
        self.checked = self.check().map_err(|error| with_causes(&error));
    }

    fn check(&self) -> Result<Checked, RunError> {
        let prepared = prepare(&self.roster, self.spec.clone(), rand::random(), &Unobserved)?;
        let mut checked = Checked {
            prepared,
            faulty: Vec::new(),
        };
        checked.find(self.again.as_ref())?;
        Ok(checked)
    }

    /// Puts texts in the places of cells: by row number and column.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn mend(&mut self, cells: &[(u64, usize, String)]) -> Result<(), AppError> {
        let Ok(checked) = &mut self.checked else {
            return Ok(());
        };
        let mends = &mut self.roster.read.mends;
        for (row, column, text) in cells {
            mends.set(*row, *column, text.clone());
        }
        checked.mend(mends.clone(), self.again.as_ref())
    }

    /// Takes back what was mended in a row.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn take_back(&mut self, row: u64) -> Result<(), AppError> {
        let Ok(checked) = &mut self.checked else {
            return Ok(());
        };
        let mends = &mut self.roster.read.mends;
        mends.take_back(row);
        checked.mend(mends.clone(), self.again.as_ref())
    }
}

impl Checked {
    fn mend(&mut self, mends: Mends, again: Option<&Again>) -> Result<(), AppError> {
        self.prepared.mend(mends)?;
        Ok(self.find(again)?)
    }

    /// Finds the rows that need somebody: those that are wrong, and those that were mended, so that they
    /// do not vanish from under whoever mends them.
    fn find(&mut self, again: Option<&Again>) -> Result<(), RunError> {
        let mends = self.prepared.input.mends();
        let wanted = |row: u64, is_wrong: bool| match again {
            // Rows of a file that was made of them have other numbers.
            Some(again) if !again.outcomes.is_empty() => again.outcomes.contains_key(&row),
            Some(_) => true,
            None => is_wrong || mends.of(row).is_some(),
        };
        let found = rows_seen(&self.prepared, |row, checked| {
            wanted(row.at.row, !checked.is_valid())
        });
        self.faulty = found?;
        Ok(())
    }

    /// Rows that have problems still.
    pub(super) fn left(&self) -> usize {
        let wrong = self.faulty.iter().filter(|row| !row.problems.is_empty());
        wrong.count()
    }

    /// A row, whether or not anything is wrong with it.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn row(&self, row: u64) -> Result<Option<SeenRow>, ReadError> {
        let found = self.faulty.binary_search_by_key(&row, |seen| seen.at.row);
        if let Ok(index) = found {
            return Ok(self.faulty.get(index).cloned());
        }
        let mut seen = rows_seen(&self.prepared, |raw, _| raw.at.row == row)?;
        Ok(seen.pop())
    }

    /// The rows in which any cell holds `text`, whatever its case.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(super) fn search(&self, text: &str) -> Result<Vec<SeenRow>, ReadError> {
        let wanted = text.trim().to_lowercase();
        rows_seen(&self.prepared, |row, _| {
            row.cells().any(|cell| {
                let text = String::from_utf8_lossy(cell.bytes());
                text.to_lowercase().contains(&wanted)
            })
        })
    }

    /// Values that are wrong in the same column of several rows, the most frequent first.
    pub(super) fn alike(&self) -> Vec<Alike> {
        let map = self.prepared.checker.map();
        let mut counts: BTreeMap<(String, String), Alike> = BTreeMap::new();
        for row in &self.faulty {
            for problem in row.problems.iter().filter(|one| !one.column.is_empty()) {
                let header = self.prepared.input.header();
                let column = (0..header.len()).find(|at| map.header(*at) == problem.column);
                let Some(column) = column else { continue };
                let value = row.cells.get(column).cloned().unwrap_or_default();
                let key = (problem.column.clone(), value.clone());
                let alike = counts.entry(key).or_insert_with(|| Alike {
                    column,
                    header: problem.column.clone(),
                    value,
                    message: problem.message.clone(),
                    rows: Vec::new(),
                });
                if alike.rows.last() != Some(&row.at.row) {
                    alike.rows.push(row.at.row);
                }
            }
        }
        let mut several: Vec<Alike> = counts
            .into_values()
            .filter(|alike| alike.rows.len() > 1)
            .collect();
        several.sort_by_key(|alike| std::cmp::Reverse(alike.rows.len()));
        several
    }
}

/// A value that is wrong in several rows.
pub(super) struct Alike {
    pub(super) column: usize,
    pub(super) header: String,
    pub(super) value: String,
    pub(super) message: String,
    pub(super) rows: Vec<u64>,
}

/// What a file looks like.
fn look_at(roster: &Roster) -> Result<FileLook, ReadError> {
    let input = Input::open(&roster.file, &roster.read)?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    input.scan(
        |table| {
            let rows = table.rows().take(SAMPLE);
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
            Ok::<bool, ReadError>(rows.len() < SAMPLE)
        },
    )?;
    rows.truncate(SAMPLE);
    let is_workbook = !input.sheets().is_empty();
    Ok(FileLook {
        description: input.description(),
        encoding: input.dialect().encoding.name().to_owned(),
        delimiter: (!is_workbook).then_some(input.dialect().delimiter),
        header: input.header().to_vec(),
        header_line: input.header_line(),
        sheets: input.sheets().to_vec(),
        rows,
    })
}
