//! The before file holds replaced values as a roster.

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

/// How a roster of the program's own is written.
#[derive(Debug, Clone)]
pub struct Like<'a> {
    /// The replacement of a value.
    pub placing: Placing,
    /// Its delimiter and mark.
    pub dialect: Dialect,
    /// The headers of fields by their names, where they have others.
    pub headers: Option<&'a BTreeMap<String, String>>,
}

impl Like<'_> {
    /// One of commas and the fields' own names.
    pub fn ours(placing: Placing) -> Like<'static> {
        Like {
            placing,
            dialect: Dialect::PLAIN,
            headers: None,
        }
    }

    fn header<'b>(&'b self, name: &'b str) -> &'b str {
        // A header is read as it stands, so that one which is no safe cell stays the field's own.
        let known = self.headers.and_then(|headers| headers.get(name));
        let known = known.filter(|header| is_safe(header));
        known.map_or(name, String::as_str)
    }
}

/// Writes what a run replaced as a roster that can be imported: the records it updated, by the id
/// that the target itself finds them by, with the values that they had before. A cell is empty
/// where the run left the field alone, and `<null>` where there was nothing. Returns the path, or
/// nothing where the run replaced nothing that is known. What was empty and cannot be cleared is left
/// out, or the roster could not be imported, and so is a list that no cell puts back.
///
/// # Errors
/// When the file cannot be written or the journal not read.
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

/// Writes the same of the calls that `each` hands out, as often as it is asked: their changes are from what
/// was delivered before.
///
/// # Errors
/// If the file cannot be written, or `each` fails.
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

/// What a field held before a change, if a roster can put it back.
fn before<'a>(spec: &TargetSpec, change: &'a Change) -> Option<Cow<'a, Json>> {
    let field = spec.field(&change.field).map(|index| &spec.fields[index]);
    let can_be_cleared = || field.is_some_and(|field| field.nullable);
    // An empty cell would leave the field as it is.
    let from = change
        .from
        .as_ref()
        .map(|from| match (from, from.as_str()) {
            (Json::Array(items), _) if items.is_empty() => &Json::Null,
            (_, Some("")) => &Json::Null,
            _ => from,
        });
    let from = from.filter(|from| !from.is_null() || can_be_cleared())?;
    // A row that adds to a list, or removes from it, does not put it back.
    let is_put_back = |field: &FieldSpec| match from {
        Json::Array(items) => field.mode() == ListMode::Replace && field.cell_of(items).is_some(),
        _ => !field.is_list() || field.mode() == ListMode::Replace,
    };
    Some(Cow::Borrowed(from)).filter(|_| field.is_none_or(is_put_back))
}

/// Writes the records of the calls that `each` hands out as a roster that names them and says nothing else: to
/// undo them. Returns nothing where there are none.
///
/// # Errors
/// When the file cannot be written, or `each` fails.
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

/// The fields that name a record in the update's path.
fn places_of(spec: &TargetSpec) -> Vec<&str> {
    let places = spec.path_fields();
    places.filter(|name| spec.field(name).is_some()).collect()
}

/// Their values for a call's record.
fn names_in<'a>(
    spec: &'a TargetSpec,
    call: &'a Call,
    places: &'a [&str],
) -> impl Iterator<Item = String> + 'a {
    let value = |name: &&str| spec.value_in(&call.path, name).unwrap_or_default();
    places.iter().map(value)
}

/// Writes what a run was to send for these rows as a roster that can be imported: for rows that
/// were not delivered, and whose file is gone. Returns where it is, or nothing where there are none.
///
/// # Errors
/// When the file cannot be written or the journal not read.
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

/// What the row of a change said: of a list, the values that it was to add or to remove. It is unknown what
/// was to be removed from a list of which nothing was kept.
fn said<'a>(spec: &TargetSpec, change: &'a Change) -> Option<Cow<'a, Json>> {
    let field = spec.field(&change.field).map(|index| &spec.fields[index]);
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

/// Writes one side of the changes of the calls that `each` hands out, as often as it is asked, as a
/// roster: what names the record in the update's path, and every field that any of them changes.
/// Nothing where there is no such field.
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
        // There are no others to look for.
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
        // A roster whose column a row needs must have a value in it: what the call sent along was
        // the record's own.
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
