//! The before file: replaced values as a roster.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use serde_json::Value as Json;

use super::error::ReportError;
use super::safe_cell::{Reader, is_safe, safe_cell};
use super::sheet_file::SheetFile;
use super::whole_file::Placing;
use crate::journal::Journal;
use crate::model::{Call, Change, RowState};
use crate::read::Dialect;
use crate::targets::{FieldSpec, ListMode, TargetSpec};

/// The format of a generated roster.
#[derive(Debug, Clone)]
pub struct Like<'a> {
    /// Whether an existing file is replaced.
    pub placing: Placing,
    /// The delimiter, and whether the file has a byte order mark.
    pub dialect: Dialect,
    /// Headers that differ from the field names, by field.
    pub headers: Option<&'a BTreeMap<String, String>>,
}

impl Like<'_> {
    /// Returns the default format: commas, and field names as headers.
    pub fn ours(placing: Placing) -> Like<'static> {
        Like {
            placing,
            dialect: Dialect::PLAIN,
            headers: None,
        }
    }

    fn header<'b>(&'b self, name: &'b str) -> &'b str {
        // Headers are not unescaped when they are read, so an unsafe header is replaced by the field name.
        let known = self.headers.and_then(|headers| headers.get(name));
        let known = known.filter(|header| is_safe(header));
        known.map_or(name, String::as_str)
    }
}

/// Writes the values that a run replaced as an importable roster: the updated records by id, with their
/// previous values. A cell is empty if the run did not change the field, and `<null>` if the field had no
/// value. Empty values of fields that cannot be cleared are omitted, as are lists that no cell can restore.
/// Returns the path, or `None` if no replaced values are known.
///
/// # Errors
/// Fails if the file cannot be written or the journal cannot be read.
pub fn write_before(
    journal: &Journal,
    run: i64,
    spec: &TargetSpec,
    path: &Path,
    like: Like<'_>,
) -> Result<Option<PathBuf>, ReportError> {
    let each = |each: &mut dyn FnMut(Call) -> Result<bool, ReportError>| {
        journal.each_change::<ReportError>(run, each)
    };
    let candidates = journal.fields_changed(run)?;
    write_roster(spec, candidates, (path, like), each, |change| {
        before(spec, change)
    })
}

/// Writes the same roster for the requests from `each`, whose changes start from previously delivered values.
/// `each` is called more than once.
pub fn write_delivered(
    spec: &TargetSpec,
    path: &Path,
    like: Like<'_>,
    each: impl Fn(&mut dyn FnMut(Call) -> Result<bool, ReportError>) -> Result<(), ReportError>,
) -> Result<Option<PathBuf>, ReportError> {
    let names = spec.fields.iter().map(|field| field.name().to_owned());
    write_roster(spec, names.collect(), (path, like), each, |change| {
        before(spec, change)
    })
}

/// Returns the value of a field before a change, if a roster can restore it.
fn before<'a>(spec: &TargetSpec, change: &'a Change) -> Option<Cow<'a, Json>> {
    let field = spec.field_named(&change.field);
    let can_be_cleared = || field.is_some_and(|field| field.nullable);
    // An empty cell means no change, so an empty value becomes null.
    let from = change
        .from
        .as_ref()
        .map(|from| match (from, from.as_str()) {
            (Json::Array(items), _) if items.is_empty() => &Json::Null,
            (_, Some("")) => &Json::Null,
            _ => from,
        });
    let from = from.filter(|from| !from.is_null() || can_be_cleared())?;
    // A row that adds to a list or removes from it cannot restore the list.
    let is_put_back = |field: &FieldSpec| match from {
        Json::Array(items) => field.mode() == ListMode::Replace && field.cell_of(items).is_some(),
        _ => !field.is_list() || field.mode() == ListMode::Replace,
    };
    Some(Cow::Borrowed(from)).filter(|_| field.is_none_or(is_put_back))
}

/// Writes the ids of the records that a run updated and whose previous values are known as a roster for an
/// undo. Returns `None` if there are none.
pub fn write_updated(
    spec: &TargetSpec,
    path: &Path,
    placing: Placing,
    each: impl Fn(&mut dyn FnMut(Call) -> Result<bool, ReportError>) -> Result<(), ReportError>,
) -> Result<Option<PathBuf>, ReportError> {
    let places = places_of(spec);
    let mut file = None;
    each(&mut |call| {
        let file = match &mut file {
            Some(file) => file,
            none => {
                let as_it_is = (placing.clone(), Dialect::PLAIN);
                none.insert(SheetFile::of_ours(
                    path,
                    as_it_is,
                    &places,
                    Reader::Program,
                )?)
            }
        };
        file.write_ours(names_in(spec, &call, &places), Reader::Program)?;
        Ok(true)
    })?;
    file.map(SheetFile::finish).transpose()
}

/// Returns the fields in the update's path, which identify a record.
fn places_of(spec: &TargetSpec) -> Vec<&str> {
    let places = spec.path_fields();
    places.filter(|name| spec.field(name).is_some()).collect()
}

/// Returns the values of these fields for the record of a request.
fn names_in<'a>(
    spec: &'a TargetSpec,
    call: &'a Call,
    places: &'a [&str],
) -> impl Iterator<Item = String> + 'a {
    let value = |name: &&str| spec.value_in(&call.path, name).unwrap_or_default();
    places.iter().map(value)
}

/// Writes the planned values of undelivered rows as an importable roster, for runs whose file is gone.
/// Returns the path, or `None` if there are none.
pub fn write_rest(
    journal: &Journal,
    run: i64,
    spec: &TargetSpec,
    rows: &[u64],
    path: &Path,
    placing: Placing,
) -> Result<Option<PathBuf>, ReportError> {
    let each = |each: &mut dyn FnMut(Call) -> Result<bool, ReportError>| {
        journal.each_call::<ReportError>(run, |call, _| {
            if rows.binary_search(&call.at.row).is_err() {
                return Ok(true);
            }
            each(call)
        })
    };
    let candidates = journal.fields_changed(run)?;
    write_roster(
        spec,
        candidates,
        (path, Like::ours(placing)),
        each,
        |change| said(spec, change),
    )
}

/// Returns the value that the row of a change contained. For a list with the mode add or remove, these are
/// the added or removed values. The values to remove are unknown if the previous list was not stored.
fn said<'a>(spec: &TargetSpec, change: &'a Change) -> Option<Cow<'a, Json>> {
    let field = spec.field_named(&change.field);
    let (Some(field), Json::Array(to)) = (field, &change.to) else {
        return Some(Cow::Borrowed(&change.to));
    };
    let Some(from) = &change.from else {
        let is_known = field.mode() != ListMode::Remove;
        return is_known.then_some(Cow::Borrowed(&change.to));
    };
    let from = from.as_array().map_or(&[][..], Vec::as_slice);
    let only = |of: &[Json], others: &[Json]| {
        let rest = of.iter().filter(|item| !others.contains(item));
        rest.cloned().collect::<Vec<_>>()
    };
    let values = match field.mode() {
        ListMode::Add => only(to, from),
        ListMode::Remove => only(from, to),
        ListMode::Replace => to.clone(),
    };
    Some(Cow::Owned(Json::Array(values)))
}

/// Writes one side of the changes of the requests from `each` as a roster: the fields in the update's path,
/// and every changed field. `each` is called twice. Returns `None` if there is no changed field.
fn write_roster(
    spec: &TargetSpec,
    candidates: Vec<String>,
    (path, like): (&Path, Like<'_>),
    each: impl Fn(&mut dyn FnMut(Call) -> Result<bool, ReportError>) -> Result<(), ReportError>,
    side: impl for<'a> Fn(&'a Change) -> Option<Cow<'a, Json>>,
) -> Result<Option<PathBuf>, ReportError> {
    let candidates: BTreeSet<usize> = candidates
        .iter()
        .filter_map(|name| spec.field(name))
        .collect();
    let most = candidates.len();
    let mut fields: BTreeSet<usize> = BTreeSet::new();
    each(&mut |call| {
        let changes = spec.changes_of(&call);
        let known = changes.iter().filter(|change| side(change).is_some());
        fields.extend(known.filter_map(|change| spec.field(&change.field)));
        // The scan ends once all candidates are found.
        Ok(fields.len() < most)
    })?;
    if fields.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = fields
        .iter()
        .map(|field| spec.fields[*field].name())
        .collect();
    let places = places_of(spec);
    let header = places.iter().chain(&names).map(|name| like.header(name));
    let as_it_is = (like.placing.clone(), like.dialect);
    let mut file = SheetFile::of_ours(path, as_it_is, header, Reader::Program)?;
    each(&mut |call| {
        // A required column needs a value in every row. The request sent the record's own value along.
        let changes = spec.changes_of(&call);
        let changed = |field: usize| {
            let name = spec.fields[field].name();
            changes.iter().find(|change| change.field == name)
        };
        let needed = |field: usize| spec.fields[field].required;
        let sent: Json = match fields
            .iter()
            .any(|field| needed(*field) && changed(*field).is_none())
        {
            true => serde_json::from_slice(&call.body).unwrap_or_default(),
            false => Json::Null,
        };
        let own = |field: usize| {
            let pointer = &spec.fields[field].pointer;
            needed(field)
                .then(|| pointer.get(spec.sent_in(&sent)?).ok()?)
                .flatten()
        };
        let cells = fields.iter().map(|field| {
            let value = match changed(*field) {
                Some(change) => side(change),
                None => own(*field),
            };
            value.map_or(String::new(), |value| cell(&spec.fields[*field], &value))
        });
        let mut record = ByteRecord::new();
        for name in names_in(spec, &call, &places) {
            record.push_field(safe_cell(&name, Reader::Program).as_bytes());
        }
        record.extend(cells);
        file.write(&record, RowState::Updated, &[])?;
        Ok(true)
    })?;
    Ok(Some(file.finish()?))
}

fn cell(field: &FieldSpec, value: &Json) -> String {
    match value {
        Json::Null => "<null>".into(),
        Json::Array(items) if items.is_empty() => "<null>".into(),
        Json::Array(items) => {
            let text = field.cell_of(items).unwrap_or_default();
            safe_cell(&text, Reader::Program).into_owned()
        }
        Json::String(text) => safe_cell(text, Reader::Program).into_owned(),
        other => safe_cell(&other.to_string(), Reader::Program).into_owned(),
    }
}

#[cfg(test)]
mod tests;
