//! Preparation reads, maps and checks the whole roster.

use std::collections::{BTreeMap, HashSet};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::audit_log::Actor;
use super::error::RunError;
use crate::check::{
    CheckOptions, CheckedRow, Checker, DuplicatePolicy, EmptyCell, Survey, kind_of_cells, survey,
};
use crate::events::{Observer, RunEvent, UnmappedColumn};
use crate::l10n::say;
use crate::map::{ColumnMap, MapError, MapOptions, ResultColumn, Unmapped};
use crate::model::{Problem, RowAt, RowState};
use crate::read::{Input, MOST_ROWS, Mends, RawRow, ReadError, ReadOptions, Withholding};
use crate::targets::{Kind, TargetSpec};

/// A roster and the options for reading it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Roster {
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// The user's options for the file.
    pub read: ReadOptions,
    /// The user's options for its columns.
    pub map: MapOptions,
    /// The field that finds the record, if the user named one.
    pub key: Option<String>,
    /// How its cells are checked.
    pub check: CheckOptions,
    /// The treatment of rows with the same key.
    pub duplicates: DuplicatePolicy,
    /// Whether the file may omit columns, if records can be read.
    #[serde(default)]
    pub sparse: bool,
    /// The decision to send rows about protected persons; without it they are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
}

impl Roster {
    /// Creates a roster that is read with the default options, may lack columns and has each key once.
    pub fn of(file: PathBuf, check: CheckOptions) -> Roster {
        Roster {
            file,
            read: ReadOptions::default(),
            map: MapOptions::default(),
            key: None,
            check,
            duplicates: DuplicatePolicy::Error,
            sparse: true,
            release: None,
        }
    }

    /// What the cells of a column are, if most of them are of one kind.
    pub fn kind_of<'a>(&self, cells: impl Iterator<Item = &'a str>) -> Option<Kind> {
        kind_of_cells(cells, self.check.today)
    }
}

/// The decision to send rows about protected persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The reason.
    pub reason: String,
    /// The account that decided.
    #[serde(flatten)]
    pub actor: Actor,
}

impl Release {
    /// The account and the reason, as a message.
    pub fn in_words(&self) -> String {
        say().run_released(
            self.actor.account.as_str(),
            self.actor.machine.as_str(),
            self.reason.as_str(),
        )
    }
}

/// A roster that was read and checked from its first row to its last. Nothing has been sent.
#[derive(Debug)]
pub struct Prepared {
    /// The file.
    pub input: Input,
    /// Checks its rows.
    pub checker: Checker,
    /// The result of the check of all rows.
    pub survey: Survey,
    /// The columns that are not imported and may have been meant to be.
    pub unmapped: Vec<Unmapped>,
    /// Whether rows about protected persons are sent.
    is_released: bool,
}

impl Prepared {
    /// Replaces cells of the file with these, and checks every row again.
    pub fn mend(&mut self, mends: Mends) -> Result<(), RunError> {
        self.input.mend(mends);
        if !self.is_released {
            withhold(&mut self.input, &self.checker)?;
        }
        self.survey = self.survey.again(&self.input, &self.checker)?;
        Ok(())
    }

    /// The edited cells that may be stored. For rows about protected persons these are only the cells of the marking
    /// column.
    pub fn storable(&self, mends: &Mends) -> Result<Mends, ReadError> {
        let mut stored = mends.clone();
        if !mends.is_empty() {
            let is_meant = |row: &RawRow<'_>, checked: &CheckedRow<'_>| {
                checked.is_withheld && mends.of(row.at.row).is_some()
            };
            let columns = &self.input.withholding().columns;
            each_row_seen(self, is_meant, |row| {
                stored.take_back_but(row.at.row, columns);
            })?;
        }
        Ok(stored)
    }

    /// Removes the edits of these rows about protected persons, except the mark itself.
    pub fn forget_edits(&self, mends: &mut Mends, rows: &[u64]) {
        let columns = &self.input.withholding().columns;
        for row in rows {
            mends.take_back_but(*row, columns);
        }
    }
}

/// Reads, maps and checks every row.
pub fn prepare(
    roster: &Roster,
    spec: Arc<TargetSpec>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Prepared, RunError> {
    let Mapped {
        input,
        checker,
        key,
    } = map_roster(roster, spec)?;
    let map = checker.map();
    observer.on_event(&RunEvent::Reading {
        file: roster.file.display().to_string(),
        dialect: input.description().to_string(),
        format: input.format(),
        columns: map.width(),
        unknown: map.unknown().map(String::from).collect(),
        unknown_at: map.unknown_at().collect(),
        of_results: map.is_of_results(),
    });
    let of = input.size();
    let told = |done: u64| {
        let done = done.min(of);
        observer.on_event(&RunEvent::Read { done, of });
    };
    let survey = survey(&input, &checker, key, roster.duplicates, seed, &told);
    // The progress display ends even if reading fails.
    told(of);
    let survey = survey?;
    refuse_too_many(input.path(), survey.rows)?;
    if !survey.withheld.is_empty() {
        observer.on_event(&RunEvent::Withheld(survey.withheld.clone()));
    }
    let (map, spec) = (checker.map(), checker.spec());
    let holds =
        |column: usize, is_free: &dyn Fn(usize) -> bool| survey.held_in(column, spec, is_free);
    let unmapped = map.unmapped(spec, holds);
    if !unmapped.is_empty() {
        let columns = unmapped.iter().map(|one| UnmappedColumn {
            at: one.column + 1,
            header: Some(one.header.clone()),
            field: spec.fields[one.field].declared(),
        });
        observer.on_event(&RunEvent::Unmapped(columns.collect()));
    }
    Ok(Prepared {
        input,
        checker,
        survey,
        unmapped,
        is_released: roster.release.is_some(),
    })
}

/// Refuses to clear values if no column can be cleared.
fn refuse_idle_clear(spec: &TargetSpec, map: &ColumnMap, empty: EmptyCell) -> Result<(), RunError> {
    let fields = spec.fields.iter().enumerate();
    let clearable = fields.filter(|(_, field)| field.nullable && field.default.is_none());
    let clearable: Vec<_> = clearable.collect();
    let any = clearable
        .iter()
        .any(|(index, _)| map.column(*index).is_some());
    if empty == EmptyCell::Keep || any {
        return Ok(());
    }
    let names: Vec<&str> = clearable.iter().map(|(_, field)| field.name()).collect();
    Err(RunError::NothingToClear {
        target: spec.name.clone(),
        columns: match names.is_empty() {
            true => say().run_no_fields(),
            false => names.join(", "),
        },
    })
}

/// A roster whose columns are known, and whose rows about protected persons are empty.
struct Mapped {
    input: Input,
    checker: Checker,
    /// The field that finds the record, by position.
    key: Option<usize>,
}

/// Opens a roster to show or copy its rows. The cells of rows about protected persons are empty.
pub fn open(roster: &Roster, spec: Arc<TargetSpec>) -> Result<Input, RunError> {
    Ok(map_roster(roster, spec)?.input)
}

fn map_roster(roster: &Roster, spec: Arc<TargetSpec>) -> Result<Mapped, RunError> {
    let mut input = Input::open(&roster.file, &roster.read)?;
    let header_line = input.header_line();
    let map_error = |source| RunError::Map {
        file: roster.file.display().to_string(),
        line: header_line,
        source: Box::new(source),
    };
    let sparse = roster.sparse && spec.is_readable();
    let map_options = MapOptions {
        sparse,
        is_released: roster.release.is_some(),
        ..roster.map.clone()
    };
    let map = ColumnMap::new(input.header(), &spec, &map_options);
    refuse_other_sheets(&input, &spec, &map_options, map.is_ok())?;
    let map = map.map_err(map_error)?;
    let mut other_keys = Vec::new();
    let key = match &roster.key {
        Some(names) => {
            for name in names.split(',').map(str::trim) {
                let key = asked_key(name, &spec, &map, sparse, &map_error)?;
                if !other_keys.contains(&key) {
                    other_keys.push(key);
                }
            }
            // Further keys are tried for rows that the first key does not find.
            Some(other_keys.remove(0))
        }
        None => {
            let mut keys = spec.keys().into_iter();
            let has_column = |key: &usize| map.column(*key).is_some();
            if sparse {
                keys.find(has_column)
            } else {
                keys.next()
            }
        }
    };
    let options = CheckOptions {
        sparse_key: key.filter(|_| sparse),
        other_keys,
        ..roster.check.clone()
    };
    refuse_idle_clear(&spec, &map, options.empty)?;
    let checker = Checker::new(spec, Arc::new(map), options);
    if roster.release.is_none() {
        withhold(&mut input, &checker)?;
    }
    Ok(Mapped {
        input,
        checker,
        key,
    })
}

/// Empties the cells of rows about protected persons. A mark in one row protects the person in all rows with the same
/// key.
fn withhold(input: &mut Input, checker: &Checker) -> Result<(), ReadError> {
    input.withhold(Withholding::default());
    let map = checker.map();
    let marked = Withholding {
        columns: map.protected().to_vec(),
        state: map
            .result_column(ResultColumn::Status)
            .map(|column| (column, RowState::Withheld.as_str())),
        kept: map.result_columns(),
        rows: Arc::default(),
    };
    if !marked.is_possible() {
        return Ok(());
    }
    let keys = checker.spec().keys();
    // Hashes of each row's keys.
    let mut protected = HashSet::new();
    let mut others = Vec::new();
    let of_row = |row: &RawRow<'_>| {
        let checked = checker.check(row);
        let hash = |key: &usize| {
            let value = checked.values.get(*key)?.as_ref()?;
            let text = value.as_text().to_lowercase();
            (!text.is_empty()).then(|| xxh3_64(format!("{key}/{text}").as_bytes()))
        };
        let hashes: Vec<u64> = keys.iter().filter_map(hash).collect();
        (row.at.row, marked.holds(row), hashes)
    };
    // Edits can add protected persons but not remove them.
    let mends = input.mends().clone();
    let is_mended = !mends.is_empty();
    for mends in iter::once(Mends::default()).chain(is_mended.then_some(mends)) {
        input.mend(mends);
        input.scan(
            |table| table.rows().map(|row| of_row(&row)).collect::<Vec<_>>(),
            |rows| {
                for (row, is_marked, hashes) in rows {
                    match is_marked {
                        true => protected.extend(hashes),
                        false => others.push((row, hashes)),
                    }
                }
                Ok::<bool, ReadError>(true)
            },
        )?;
    }
    let is_protected = |(row, hashes): &(u64, Vec<u64>)| {
        let is_one = hashes.iter().any(|hash| protected.contains(hash));
        is_one.then_some(*row)
    };
    let rows = others.iter().filter_map(is_protected).collect();
    input.withhold(Withholding {
        rows: Arc::new(rows),
        ..marked
    });
    Ok(())
}

/// Refuses a workbook in which a visible sheet besides the first fits the target, if no sheet was named. `first_fits`
/// states whether the first sheet fits.
fn refuse_other_sheets(
    input: &Input,
    spec: &TargetSpec,
    options: &MapOptions,
    first_fits: bool,
) -> Result<(), ReadError> {
    let others = input.other_sheets();
    let others = others.filter(|(_, header)| ColumnMap::new(header, spec, options).is_ok());
    let mut sheets: Vec<String> = others.map(|(name, _)| name.to_owned()).collect();
    if sheets.is_empty() {
        return Ok(());
    }
    let first = input.sheet_name().filter(|_| first_fits);
    sheets.splice(0..0, first.map(str::to_owned));
    Err(ReadError::SeveralSheets {
        path: input.path().to_owned(),
        sheets,
    })
}

/// Refuses a file with more rows than the journal can distinguish.
fn refuse_too_many(path: &Path, rows: u64) -> Result<(), ReadError> {
    if rows <= MOST_ROWS {
        return Ok(());
    }
    Err(ReadError::TooManyRows {
        path: path.to_owned(),
        rows,
    })
}

/// The field by which the user wants records to be found.
fn asked_key(
    name: &str,
    spec: &TargetSpec,
    map: &ColumnMap,
    sparse: bool,
    map_error: &impl Fn(MapError) -> RunError,
) -> Result<usize, RunError> {
    let asked = crate::map::field_named(spec, name).map_err(map_error)?;
    let keys = if sparse {
        spec.keys()
    } else {
        spec.key_field().into_iter().collect()
    };
    if keys.contains(&asked) && (map.column(asked).is_some() || !sparse) {
        return Ok(asked);
    }
    let known = keys
        .iter()
        .filter(|key| map.column(**key).is_some())
        .map(|key| spec.fields[*key].declared());
    Err(RunError::Key {
        field: name.to_owned(),
        known: known.collect(),
    })
}

/// Refuses a file without rows.
pub fn refuse_empty(prepared: &Prepared) -> Result<(), RunError> {
    if prepared.survey.rows > 0 {
        return Ok(());
    }
    Err(ReadError::NoRows {
        path: prepared.input.path().to_owned(),
    }
    .into())
}

/// Reads the rows again, and passes every problem to `each`, in the file's order.
pub fn row_problems<E: From<ReadError>>(
    prepared: &Prepared,
    mut each: impl FnMut(RowAt, &Problem) -> Result<(), E>,
) -> Result<(), E> {
    let (checker, survey) = (&prepared.checker, &prepared.survey);
    prepared.input.scan(
        |table| {
            table
                .rows()
                .map(|row| {
                    let mut checked = checker.check(&row);
                    survey.add_problems_of_others(checker, &mut checked);
                    (row.at, checked.problems)
                })
                .filter(|(_, problems)| !problems.is_empty())
                .collect::<Vec<_>>()
        },
        |rows| {
            for (at, problems) in rows {
                for problem in &problems {
                    each(at, problem)?;
                }
            }
            Ok(true)
        },
    )
}

/// A row as it is shown to a person.
#[derive(Debug, Clone)]
pub struct SeenRow {
    /// Its position.
    pub at: RowAt,
    /// Its cells as text, lossily decoded.
    pub cells: Vec<String>,
    /// Its edited cells as they are in the file, by column.
    pub before: BTreeMap<usize, String>,
    /// Whether the user skipped it or emptied its cells.
    pub is_skipped: bool,
    /// Its errors.
    pub problems: Vec<Problem>,
    /// Its warnings.
    pub doubts: Vec<Problem>,
    /// Its restored values.
    pub restored: Vec<Problem>,
}

/// Reads the rows again, and passes the `wanted` rows to `each`, in the file's order.
pub fn each_row_seen(
    prepared: &Prepared,
    wanted: impl Fn(&RawRow<'_>, &CheckedRow<'_>) -> bool + Sync,
    mut each: impl FnMut(SeenRow),
) -> Result<(), ReadError> {
    let (checker, survey) = (&prepared.checker, &prepared.survey);
    prepared.input.scan(
        |table| {
            let see = |row: RawRow<'_>| {
                let mut checked = checker.check(&row);
                survey.add_problems_of_others(checker, &mut checked);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                wanted(&row, &checked).then(|| SeenRow {
                    at: checked.at,
                    cells: row.cells().map(|cell| text(cell.bytes())).collect(),
                    before: row
                        .before()
                        .map(|(column, cell)| (column, text(cell)))
                        .collect(),
                    is_skipped: checked.is_skipped,
                    problems: checked.problems,
                    doubts: checked.doubts,
                    restored: checked.restored,
                })
            };
            table.rows().filter_map(see).collect::<Vec<_>>()
        },
        |rows| {
            rows.into_iter().for_each(&mut each);
            Ok::<bool, ReadError>(true)
        },
    )
}

/// Reads the rows again, and returns the `wanted` rows in the file's order.
pub fn rows_seen(
    prepared: &Prepared,
    wanted: impl Fn(&RawRow<'_>, &CheckedRow<'_>) -> bool + Sync,
) -> Result<Vec<SeenRow>, ReadError> {
    let mut seen = Vec::new();
    each_row_seen(prepared, wanted, |row| seen.push(row))?;
    Ok(seen)
}

/// Reads the rows again without checking them, and returns the numbers of the `wanted` rows in the file's order.
pub fn row_numbers(
    prepared: &Prepared,
    wanted: impl Fn(&RawRow<'_>) -> bool + Sync,
) -> Result<Vec<u64>, ReadError> {
    let mut numbers = Vec::new();
    prepared.input.scan(
        |table| {
            let rows = table.rows().filter(|row| wanted(row));
            rows.map(|row| row.at.row).collect::<Vec<u64>>()
        },
        |found| {
            numbers.extend(found);
            Ok::<bool, ReadError>(true)
        },
    )?;
    Ok(numbers)
}

#[cfg(test)]
mod tests;
