//! Edits of rows and cells on the rows page.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::checked;
use super::lines::{Lines, Row, Tab};
use super::problems::{Counts, Left, counts, left, shared_columns};
use crate::app::AppError;
use crate::console::desk::Desk;
use crate::console::opened::{Bulk, Checked, Opened};
use crate::console::page::{Frame, Made, Trouble, fragment, go_to, html, page};
use crate::l10n::{Argument, message, say};

/// The changes in an edited row and in the rows that share a value with it, as fragments that replace parts
/// of the page.
#[derive(Template)]
#[template(path = "row_news.html", config = ".askama.toml")]
struct RowNews {
    frame: Frame,
    rows: Vec<Row>,
    left: Left,
    counts: Counts,
}

/// A row that was skipped, or is as in the file again, which replaces the row on the page.
#[derive(Template)]
#[template(path = "row_back.html", config = ".askama.toml")]
struct RowBack {
    frame: Frame,
    row: Row,
    /// The rows that shared or share a value with it.
    rows: Vec<Row>,
    left: Left,
    counts: Counts,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct InTab {
    #[serde(default)]
    tab: String,
}

/// Checks a row as edited in the browser, and returns its current faults.
pub(in crate::console) async fn mend(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<InTab>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    fragment(desk, move |desk| {
        let row = row_of(&said)?;
        let mut opened = desk.opened();
        let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
        opened.refuse_other(&said)?;
        // A row that had the same value may be valid now.
        let mut others = opened.sharing(row);
        take_typed(opened, &said)?;
        others.extend(opened.sharing(row));
        let checked = checked(opened)?;
        let tab = Tab::named(&asked.tab);
        let lines = Lines::of(&desk.base, opened, checked);
        let mut rows = Vec::new();
        for number in std::iter::once(row).chain(others) {
            let seen = checked.row(number)?.ok_or(Trouble::Nothing)?;
            rows.push(lines.row(&seen, tab, &shared_columns(checked, number), true));
        }
        // A fault in a cell that is not on the page is shown with the row.
        let first = rows.first_mut().ok_or(Trouble::Nothing)?;
        let hidden = first.cells.iter().filter(|cell| {
            let is_shown = said.contains_key(&format!("s{}", cell.column));
            !is_shown && !cell.fault.is_empty()
        });
        let hidden: Vec<String> = hidden
            .map(|cell| format!("{}: {}", cell.header, cell.fault))
            .collect();
        if !hidden.is_empty() {
            let own = Some(first.whole.clone()).filter(|whole| !whole.is_empty());
            first.whole = own
                .into_iter()
                .chain(hidden)
                .collect::<Vec<_>>()
                .join(" · ");
        }
        Ok(html(&RowNews {
            frame: Frame::around(desk, Some(opened), "problems", String::new()),
            rows,
            left: left(checked),
            counts: counts(checked),
        }))
    })
    .await
}

/// Stores the cells of a page's rows as edited in the browser.
pub(super) fn take_typed(
    opened: &mut Opened,
    said: &HashMap<String, String>,
) -> Result<(), AppError> {
    let Ok(checked) = &opened.checked else {
        return Ok(());
    };
    let mut typed: BTreeMap<u64, Vec<(usize, &String)>> = BTreeMap::new();
    for (name, text) in said {
        let place = name
            .strip_prefix('r')
            .and_then(|place| place.split_once('c'));
        let Some((Ok(row), Ok(column))) = place.map(|(row, column)| (row.parse(), column.parse()))
        else {
            continue;
        };
        typed.entry(row).or_default().push((column, text));
    }
    let rows: Vec<u64> = typed.keys().copied().collect();
    let mut changed = Vec::new();
    for seen in checked.rows(&rows)? {
        let width = checked.prepared.input.header().len().max(seen.cells.len());
        // A page that was open before the row was skipped may still send its cells.
        if checked.prepared.input.mends().skips(seen.at.row) {
            continue;
        }
        for (column, text) in typed.remove(&seen.at.row).unwrap_or_default() {
            let known = seen.cells.get(column).map_or("", String::as_str);
            let has_lines = has_lines(checked, column);
            let Some(new) = typed_in(known, text, has_lines).filter(|_| column < width) else {
                continue;
            };
            let before = seen.before.get(&column);
            let is_as_before = before.is_some_and(|cell| typed_in(cell, text, has_lines).is_none());
            changed.push((seen.at.row, column, (!is_as_before).then_some(new)));
        }
    }
    match changed.is_empty() {
        true => Ok(()),
        false => opened.mend(&changed),
    }
}

/// Returns whether the field of a column may have several lines.
fn has_lines(checked: &Checked, column: usize) -> bool {
    let checker = &checked.prepared.checker;
    let mut fields = checker.spec().fields.iter().enumerate();
    fields.any(|(index, field)| field.lines && checker.map().column(index) == Some(column))
}

/// Returns the new text of a cell that contains `known`, or `None` if it is unchanged. Browsers remove line
/// breaks from single-line fields (HTML, 4.10.5.1.2), and send those of multi-line fields as CRLF (HTML,
/// 4.10.22.4).
fn typed_in(known: &str, text: &str, has_lines: bool) -> Option<String> {
    if !has_lines {
        return (known.replace(['\r', '\n'], "") != text).then(|| text.to_owned());
    }
    let plain = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    let text = plain(text);
    if plain(known) == text {
        return None;
    }
    Some(match known.contains("\r\n") {
        true => text.replace('\n', "\r\n"),
        false => text,
    })
}

/// Returns the number of the row that a form is about.
fn row_of(said: &HashMap<String, String>) -> Result<u64, Trouble> {
    let text = said.get("row").map_or("", String::as_str);
    let number = text.parse();
    number.map_err(|_| Trouble::Wrong(say().console_no_number(text)))
}

/// Removes the edits of a row, or of all rows.
pub(in crate::console) async fn take_back(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<InTab>,
    headers: HeaderMap,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    page(desk, move |desk| {
        if said.get("row").is_some_and(|row| row == "all") {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            opened.refuse_other(&said)?;
            opened.take_back(None)?;
            return go_to("/problems");
        }
        replaced(desk, &asked, &headers, &said, |opened, row| {
            opened.take_back(Some(row))
        })
    })
    .await
}

pub(in crate::console) async fn skip(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<InTab>,
    headers: HeaderMap,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    page(desk, move |desk| {
        replaced(desk, &asked, &headers, &said, Opened::skip)
    })
    .await
}

/// Changes a row, and returns it for the page with the changes in the rows that share a value with it.
fn replaced(
    desk: &Desk,
    asked: &InTab,
    headers: &HeaderMap,
    said: &HashMap<String, String>,
    change: impl FnOnce(&mut Opened, u64) -> Result<(), AppError>,
) -> Made {
    let row = row_of(said)?;
    let tab = Tab::named(&asked.tab);
    let mut opened = desk.opened();
    let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
    opened.refuse_other(said)?;
    let mut others = opened.sharing(row);
    change(opened, row)?;
    others.extend(opened.sharing(row));
    if let (true, Ok(checked)) = (headers.contains_key("hx-request"), &opened.checked) {
        let lines = Lines::of(&desk.base, opened, checked);
        let of = |row: u64, is_whole: bool| -> Result<Row, Trouble> {
            let seen = checked.row(row)?.ok_or(Trouble::Nothing)?;
            Ok(lines.row(&seen, tab, &shared_columns(checked, row), is_whole))
        };
        return Ok(html(&RowBack {
            frame: Frame::around(desk, Some(opened), "problems", String::new()),
            row: of(row, false)?,
            rows: others
                .into_iter()
                .map(|row| of(row, true))
                .collect::<Result<_, _>>()?,
            left: left(checked),
            counts: counts(checked),
        }));
    }
    go_to(&format!("/problems?tab={}", tab.name()))
}

#[derive(Deserialize)]
pub(in crate::console) struct MendAlike {
    column: usize,
    value: String,
    to: String,
    edition: String,
}

/// Replaces a value that is invalid in several rows of a column.
pub(in crate::console) async fn mend_alike(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<MendAlike>,
) -> Response {
    page(desk, move |desk| {
        let mut opened = desk.opened();
        let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
        if said.edition != opened.edition {
            return Err(Trouble::Wrong(say().console_other_file()));
        }
        let checked = checked(opened)?;
        let value = said.value.replace("\r\n", "\n");
        let wanted = checked.alike.iter().find(|alike| {
            alike.column == said.column && alike.value.replace("\r\n", "\n") == value
        });
        let Some(alike) = wanted else {
            return go_to("/problems");
        };
        let bulk = Bulk::of(alike, said.to, checked.prepared.input.mends());
        opened.mend_in_bulk(bulk)?;
        go_to("/problems")
    })
    .await
}

/// Undoes the last replacement in several rows, in cells that were not edited since.
pub(in crate::console) async fn undo_alike(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        let mut opened = desk.opened();
        let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
        opened.refuse_other(&said)?;
        let rows = opened.undo_bulk()? as u64;
        let undone = message::console_bulk_undone(rows, Argument::grouped(rows));
        opened.notice = Some(undone);
        go_to("/problems")
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::typed_in;

    #[test]
    fn lines_stay_lines_and_what_is_not_edited_is_not_changed() {
        for (known, typed, has_lines, expected) in [
            ("a\nb", "a\r\nb", true, None),
            ("a\r\nb", "a\r\nb", true, None),
            ("a\nb", "a\r\nc", true, Some("a\nc")),
            ("a\r\nb", "a\r\nc", true, Some("a\r\nc")),
            ("a", "a\r\nb", true, Some("a\nb")),
            ("a\nb", "ab", false, None),
            ("a", "b", false, Some("b")),
        ] {
            let found = typed_in(known, typed, has_lines);
            assert_eq!(found.as_deref(), expected, "{known:?}, {typed:?}");
        }
    }
}
