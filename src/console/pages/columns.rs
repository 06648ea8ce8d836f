//! The columns page maps columns to fields.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;

use crate::console::desk::Desk;
use crate::console::opened::Opened;
use crate::console::page::{Frame, Made, Trouble, go_to, html, page};
use crate::console::words::system_name;
use crate::l10n::{Language, say};
use crate::map::{PROTECTED, column_names, field_named, guesses};
use crate::read::fold_header;
use crate::targets::TargetSpec;

#[derive(Template)]
#[template(path = "columns.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    /// Why the columns are not understood.
    wrong: Option<String>,
    columns: Vec<Column>,
    edition: String,
    target: String,
}

/// One column of the roster.
struct Column {
    index: usize,
    header: String,
    samples: Vec<String>,
    /// Fields to choose from: the value, the name, and whether it is this one.
    fields: Vec<(String, String, bool)>,
    is_left_out: bool,
    /// What marks protected persons is not offered to be left out.
    is_protected: bool,
    /// What it may have been meant for.
    near: Option<String>,
}

/// Cells of a column that are shown.
const SAMPLES: usize = 3;

pub(in crate::console) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    page(desk, |desk| made(desk)).await
}

fn made(desk: &Desk) -> Made {
    let frame = Frame::of(desk, "columns", say().console_columns_title());
    let opened = desk.opened();
    let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
    let Ok(look) = &opened.look else {
        return go_to("/file");
    };
    if !opened.which_sheet.is_empty() {
        return go_to("/file");
    }
    let spec = &opened.spec;
    let guesses = guesses(&look.header, spec);
    let checked = opened.checked.as_ref().ok();
    // By what its cells hold.
    let unmapped = |column: usize| {
        let mut unmapped = checked?.prepared.unmapped.iter();
        let found = unmapped.find(|one| one.column == column)?;
        Some(found.field)
    };
    let names = column_names(&look.header);
    // One without a header is shown where it is or may be a field.
    let is_shown = |index: usize| {
        !look.header[index].trim().is_empty()
            || unmapped(index).is_some()
            || said_of(opened, &names[index]).is_some()
    };
    let mut columns: Vec<Column> = names
        .iter()
        .zip(&guesses)
        .enumerate()
        .filter(|(index, _)| is_shown(*index))
        .map(|(index, (header, guess))| {
            let said = said_of(opened, header);
            let chosen = match said {
                Some(field) => field_named(spec, field).ok(),
                None => guess.field,
            };
            let is_protected = guess.is_protected || said == Some(PROTECTED) && chosen.is_none();
            let samples = look.rows.iter().filter_map(|row| row.get(index));
            let samples = samples.filter(|cell| !cell.trim().is_empty());
            Column {
                index,
                header: header.clone(),
                samples: samples.take(SAMPLES).cloned().collect(),
                fields: fields(spec, chosen),
                is_left_out: chosen.is_none() && !is_protected,
                is_protected,
                near: guess
                    .near
                    .or_else(|| unmapped(index))
                    .filter(|_| chosen.is_none() && said_of(opened, header).is_none())
                    .map(|near| name_of(spec, near)),
            }
        })
        .collect();
    // What is doubtful first, then what is left out; the rest in the file's order.
    columns.sort_by_key(|column| (column.near.is_none(), !column.is_left_out, column.index));
    Ok(html(&Page {
        frame,
        wrong: opened.checked.as_ref().err().cloned(),
        columns,
        edition: opened.edition.clone(),
        target: system_name(spec),
    }))
}

/// What somebody said that a column is: a field's name, or nothing for one that is left out.
fn said_of<'a>(opened: &'a Opened, header: &str) -> Option<&'a str> {
    let said = opened.roster.map.overrides.iter().rev();
    let mut said = said.filter(|(column, _)| fold_header(column) == fold_header(header));
    said.next().map(|(_, field)| field.as_str())
}

/// The fields that a column can be for.
fn fields(spec: &TargetSpec, chosen: Option<usize>) -> Vec<(String, String, bool)> {
    let fields = spec.fields.iter().enumerate();
    let writable = fields.filter(|(_, field)| !field.read_only && field.constant.is_none());
    writable
        .map(|(index, field)| {
            let name = field.name().to_owned();
            (name, name_of(spec, index), chosen == Some(index))
        })
        .collect()
}

/// A field as a person calls it: by its first alias in the language that is spoken.
pub(super) fn name_of(spec: &TargetSpec, field: usize) -> String {
    let field = &spec.fields[field];
    let aliases = field.aliases.get(Language::spoken().code());
    match aliases.and_then(|aliases| aliases.first()) {
        Some(alias) => alias.clone(),
        None => field.name().to_owned(),
    }
}

pub(in crate::console) async fn choose(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            opened.refuse_other(&said)?;
            let Ok(look) = &opened.look else {
                return go_to("/file");
            };
            let guesses = guesses(&look.header, &opened.spec);
            let (mut overrides, mut usual) = (Vec::new(), Vec::new());
            for (index, (header, guess)) in column_names(&look.header)
                .into_iter()
                .zip(&guesses)
                .enumerate()
            {
                let Some(chosen) = said.get(&format!("c{index}")) else {
                    continue;
                };
                let own = match guess.is_protected {
                    true => Some(PROTECTED),
                    false => guess.field.map(|field| opened.spec.fields[field].name()),
                };
                if own.unwrap_or_default() != chosen {
                    overrides.push((header, chosen.clone()));
                } else {
                    usual.push(header);
                }
            }
            opened.roster.map.overrides = overrides.clone();
            opened.read()?;
            if said.contains_key("keep") && opened.checked.is_ok() {
                let (name, target) = (opened.name.as_str(), opened.target.as_deref());
                let path = desk.door.keep_columns(name, target, &overrides, &usual)?;
                opened.notice = Some(
                    say().console_kept(path.file_name().unwrap_or_default().to_string_lossy()),
                );
            }
            if opened.checked.is_ok() {
                return go_to("/problems");
            }
        }
        made(desk)
    })
    .await
}
