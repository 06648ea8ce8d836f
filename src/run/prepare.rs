use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use crate::check::{CheckOptions, Checker, DuplicatePolicy, Survey, survey};
use crate::events::{RunEvent, Watch};
use crate::map::{ColumnMap, MapOptions};
use crate::model::{Problem, RowAt};
use crate::read::{Input, ReadError, ReadOptions};
use crate::targets::TargetSpec;

/// A roster, and how it is to be understood.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Roster {
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// What the user says of the file.
    pub read: ReadOptions,
    /// What the user says of its columns.
    pub map: MapOptions,
    /// The field that finds the record, if the user named one.
    pub key: Option<String>,
    /// How its cells are checked.
    pub check: CheckOptions,
    /// What is done with rows that have the same key.
    pub duplicates: DuplicatePolicy,
}

/// A roster that was read and checked from its first row to its last. Nothing has been sent.
#[derive(Debug)]
pub struct Prepared {
    /// The file.
    pub input: Input,
    /// Checks its rows.
    pub checker: Checker,
    /// What the whole file showed.
    pub survey: Survey,
}

/// Reads, maps and checks every row.
///
/// # Errors
/// When the file cannot be read, its header not be mapped, or it has no rows.
pub fn prepare(
    roster: &Roster,
    spec: Arc<TargetSpec>,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Prepared, RunError> {
    let input = Input::open(&roster.file, &roster.read)?;
    let map_error = |source| RunError::Map {
        file: roster.file.display().to_string(),
        line: input.header_line(),
        source,
    };
    let map = ColumnMap::new(input.header(), &spec, &roster.map).map_err(map_error)?;
    let key = spec.key_field();
    if let Some(name) = &roster.key {
        let asked = crate::map::field_named(&spec, name).map_err(map_error)?;
        if Some(asked) != key {
            return Err(RunError::Key {
                field: name.clone(),
                key: key.map_or("", |key| spec.fields[key].name()).to_owned(),
            });
        }
    }
    watch.see(&RunEvent::Reading {
        file: roster.file.display().to_string(),
        dialect: input.description(),
        columns: map.width(),
        unknown: map.unknown().map(String::from).collect(),
        of_results: map.is_of_results(),
        near_misses: map.near_misses(&spec),
    });
    let checker = Checker::new(spec, Arc::new(map), roster.check.clone());
    let survey = survey(&input, &checker, key, roster.duplicates, seed)?;
    if survey.rows == 0 {
        return Err(ReadError::NoRows {
            path: roster.file.clone(),
        }
        .into());
    }
    Ok(Prepared {
        input,
        checker,
        survey,
    })
}

/// Reads the rows once more, and hands every problem to `each`, in the file's order.
///
/// # Errors
/// When the file cannot be read, or `each` fails.
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
                    survey.add_duplicate_problems(checker, &mut checked);
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
