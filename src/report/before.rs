use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use csv::Writer;
use serde_json::Value as Json;

use super::error::ReportError;
use super::whole_file::WholeFile;
use crate::journal::Journal;
use crate::model::{Change, RowState};
use crate::targets::TargetSpec;

/// Writes what a run replaced as a roster that can be imported: the records it updated, by the id
/// that the target itself finds them by, with the values that they had before. A cell is empty
/// where the run left the field alone, and `<null>` where there was nothing. Returns the path, or
/// nothing where the run replaced nothing that is known.
///
/// # Errors
/// When the file cannot be written or the journal not read.
pub fn write_before(
    journal: &Journal,
    run: i64,
    spec: &TargetSpec,
    path: &Path,
) -> Result<Option<PathBuf>, ReportError> {
    let mut changed: BTreeSet<usize> = BTreeSet::new();
    journal.each_call::<ReportError>(run, |call, state| {
        if state == Some(RowState::Updated) {
            changed.extend(
                call.changes
                    .iter()
                    .filter(|change| change.from.is_some())
                    .filter_map(|change| spec.field(&change.field)),
            );
        }
        Ok(())
    })?;
    let Some(key) = spec.key_field().filter(|_| !changed.is_empty()) else {
        return Ok(None);
    };
    let mut writer = Writer::from_writer(WholeFile::create(path)?);
    let explain = |error: csv::Error| ReportError::Write {
        path: path.to_owned(),
        source: error.into(),
    };
    let columns = || std::iter::once(&key).chain(&changed);
    writer
        .write_record(columns().map(|field| spec.fields[*field].name()))
        .map_err(explain)?;
    journal.each_call::<ReportError>(run, |call, state| {
        let Some(id) = spec
            .id_in(&call.path)
            .filter(|_| state == Some(RowState::Updated))
        else {
            return Ok(());
        };
        let of = |field: &usize| -> Option<&Change> {
            let name = spec.fields[*field].name();
            call.changes.iter().find(|change| change.field == name)
        };
        let cells = changed
            .iter()
            .map(|field| of(field).and_then(|change| change.from.as_ref()))
            .map(|value| value.map_or(String::new(), cell));
        writer
            .write_record(std::iter::once(id).chain(cells))
            .map_err(explain)
    })?;
    let file = writer.into_inner().map_err(|error| ReportError::Write {
        path: path.to_owned(),
        source: error.into_error(),
    })?;
    Ok(Some(file.finish()?))
}

fn cell(value: &Json) -> String {
    match value {
        Json::Null => "<null>".into(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Writes what a run was to send for these rows as a roster that can be imported: for rows that
/// were not delivered, and whose file is gone.
///
/// # Errors
/// When the file cannot be written or the journal not read.
pub fn write_rest(
    journal: &Journal,
    run: i64,
    spec: &TargetSpec,
    rows: &[u64],
    path: &Path,
) -> Result<(), ReportError> {
    let mut fields: BTreeSet<usize> = BTreeSet::new();
    let asked = |row: u64| rows.binary_search(&row).is_ok();
    journal.each_call::<ReportError>(run, |call, _| {
        if asked(call.at.row) {
            fields.extend(
                call.changes
                    .iter()
                    .filter_map(|change| spec.field(&change.field)),
            );
        }
        Ok(())
    })?;
    let places: Vec<&str> = spec.path_fields().collect();
    let mut writer = Writer::from_writer(WholeFile::create(path)?);
    let explain = |error: csv::Error| ReportError::Write {
        path: path.to_owned(),
        source: error.into(),
    };
    let names = fields.iter().map(|field| spec.fields[*field].name());
    let of_path = places
        .iter()
        .copied()
        .filter(|name| spec.field(name).is_some());
    writer.write_record(of_path.chain(names)).map_err(explain)?;
    journal.each_call::<ReportError>(run, |call, _| {
        if !asked(call.at.row) {
            return Ok(());
        }
        let of_path = places
            .iter()
            .filter(|name| spec.field(name).is_some())
            .map(|name| spec.value_in(&call.path, name).unwrap_or_default());
        let cells = fields.iter().map(|field| {
            let name = spec.fields[*field].name();
            let change = call.changes.iter().find(|change| change.field == name);
            change.map_or(String::new(), |change| cell(&change.to))
        });
        writer.write_record(of_path.chain(cells)).map_err(explain)
    })?;
    let file = writer.into_inner().map_err(|error| ReportError::Write {
        path: path.to_owned(),
        source: error.into_error(),
    })?;
    file.finish()?;
    Ok(())
}
