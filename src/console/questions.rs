//! Questions about columns that may belong to a field, by their headers, cells or earlier decisions.

use super::opened::Opened;
use crate::app::DecidedColumn;
use crate::map::{Likeness, PROTECTED, column_names, field_named, guesses};
use crate::read::fold_header;
use crate::targets::{Kind, TargetSpec};

/// A column that is neither read nor left out until the user decides.
pub(super) struct Question {
    pub(super) column: usize,
    pub(super) why: Why,
}

pub(super) enum Why {
    /// The header resembles these fields.
    Header(Vec<usize>),
    /// The cells look like values of this field.
    Cells(usize),
    /// The decision for another file: the field, if the column was sent, and those that it resembles.
    Earlier(DecidedColumn, Option<usize>, Vec<usize>),
}

impl Why {
    /// The fields to which the column may belong, the likeliest first.
    pub(super) fn fields(&self) -> Vec<usize> {
        match self {
            Why::Header(fields) => fields.clone(),
            Why::Cells(field) => vec![*field],
            Why::Earlier(_, Some(field), _) => vec![*field],
            Why::Earlier(_, None, like) => like.clone(),
        }
    }
}

/// Returns the decision about a column: the name of a field, or an empty name if it is left out.
pub(super) fn decided_of<'a>(opened: &'a Opened, header: &str) -> Option<&'a str> {
    let decided = opened.roster.map.overrides.iter().rev();
    let mut decided = decided.filter(|(column, _)| fold_header(column) == fold_header(header));
    decided.next().map(|(_, field)| field.as_str())
}

/// The unanswered questions about the columns of a roster.
pub(super) fn questions(opened: &Opened) -> Vec<Question> {
    let Ok(look) = &opened.look else {
        return Vec::new();
    };
    // A retried run has already answered the questions.
    if opened.again.is_some() {
        return Vec::new();
    }
    let spec = &opened.spec;
    let names = column_names(&look.header);
    let guesses = guesses(&look.header, spec);
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for (column, (header, guess)) in names.iter().zip(&guesses).enumerate() {
        let field = match decided_of(opened, header) {
            Some(name) => field_named(spec, name).ok(),
            None => guess.field,
        };
        taken.extend(field.map(|field| (column, field)));
    }
    let unmapped = match &opened.checked {
        Ok(checked) => &checked.prepared.unmapped[..],
        Err(_) => &[],
    };
    let mut questions = Vec::new();
    for (column, (header, guess)) in names.iter().zip(&guesses).enumerate() {
        if decided_of(opened, header).is_some() || guess.is_protected {
            continue;
        }
        let is_free = |field: usize| {
            let declared = &spec.fields[field];
            let is_written = !declared.read_only && declared.constant.is_none();
            is_written && taken.iter().all(|(of, own)| *own != field || *of == column)
        };
        let found = unmapped.iter().find(|one| one.column == column);
        let by_cells = || {
            let kind = match found {
                Some(found) => Some(spec.fields[found.field].kind),
                // The missing field may be the one that the cells belong to.
                None if opened.checked.is_err() => look.kinds.get(column).copied().flatten(),
                None => None,
            };
            Some(Why::Cells(free_of(spec, kind?, is_free)?))
        };
        let by_header = || {
            let found = found.filter(|found| found.why != Likeness::Cells);
            let mut fields = guess.near.clone();
            if fields.is_empty() {
                fields.extend(found.map(|found| found.field));
            }
            fields.retain(|field| is_free(*field));
            (!fields.is_empty()).then_some(Why::Header(fields))
        };
        let why = match guess.field {
            Some(_) => None,
            None => by_header().or_else(by_cells),
        };
        let earlier = || {
            let header = &look.header[column];
            let earlier = opened.memory.of(header)?;
            let field = match &*earlier.field {
                "" => None,
                // A column that marks protected persons is recognized by its header.
                PROTECTED if spec.field(PROTECTED).is_none() => return None,
                name => Some(field_named(spec, name).ok()?),
            };
            let like = why.as_ref().map_or(Vec::new(), Why::fields);
            let is_usual = field == guess.field && why.is_none();
            let is_possible = field.is_none_or(is_free);
            (!is_usual && is_possible).then(|| Why::Earlier(earlier.clone(), field, like))
        };
        let Some(why) = earlier().or(why) else {
            continue;
        };
        // A field is offered for one column only.
        taken.extend(why.fields().into_iter().map(|field| (column, field)));
        questions.push(Question { column, why });
    }
    questions
}

/// Returns the first free field of a kind.
fn free_of(spec: &TargetSpec, kind: Kind, is_free: impl Fn(usize) -> bool) -> Option<usize> {
    (0..spec.fields.len()).find(|field| spec.fields[*field].kind == kind && is_free(*field))
}
