//! The file page, which shows how a roster is read.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::console::desk::Desk;
use crate::console::page::{Frame, Made, Trouble, go_to, html, page};
use crate::l10n::{Argument, message, number, say};
use crate::read::{Charset, encodings};

#[derive(Template)]
#[template(path = "file.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    /// The reason why the file cannot be read.
    wrong: Option<String>,
    /// A warning that the file has no rows.
    without_rows: Option<String>,
    description: String,
    encodings: Vec<(String, String, bool)>,
    delimiters: Vec<(&'static str, String, bool)>,
    sheets: Vec<(String, bool)>,
    /// Whether the user must choose, because nothing could be read.
    must_choose: bool,
    /// The row of the header; `None` if it is not known which sheet to read.
    header_line: Option<u64>,
    /// Whether the file has the results of an earlier run.
    is_of_results: bool,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    count: Option<String>,
}

pub(in crate::console) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    page(desk, |desk| made(desk)).await
}

fn made(desk: &Desk) -> Made {
    let mut frame = Frame::of(desk, "file", say().console_file_title());
    let opened = desk.opened();
    let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
    let read = &opened.roster.read;
    let look = opened.look.as_ref();
    let found = look.ok();
    let is_asked = !opened.which_sheet().is_empty();
    if is_asked {
        frame.title = say().console_sheet_title();
    }
    let is_workbook = is_asked || found.is_some_and(|look| !look.sheets.is_empty());
    let encoding = found.map_or("", |look| &look.encoding);
    let mut labels: Vec<&str> = encodings().map(Charset::label).collect();
    if !encoding.is_empty() && !labels.contains(&encoding) {
        labels.push(encoding);
    }
    let delimiter = found
        .and_then(|look| look.delimiter)
        .or(read.delimiter)
        .unwrap_or(b';');
    let sheets = found.map_or(opened.which_sheet(), |look| &look.sheets);
    let sheet = |name: &String| {
        let chosen = read.sheet.as_ref();
        let first = found.and_then(|look| look.sheets.first());
        (name.clone(), !is_asked && chosen.or(first) == Some(name))
    };
    let unanswered = opened.checked.as_ref().err().filter(|_| is_asked);
    Ok(html(&Page {
        frame,
        wrong: look.err().or(unanswered).map(|why| opened.in_words(why)),
        without_rows: opened.without_rows(),
        must_choose: found.is_none() || is_asked,
        description: found.map_or(String::new(), |look| look.description.to_string()),
        encodings: match is_workbook {
            true => Vec::new(),
            false => labels
                .into_iter()
                .map(|label| (label.to_owned(), label.to_owned(), label == encoding))
                .collect(),
        },
        delimiters: match is_workbook {
            true => Vec::new(),
            false => delimiters()
                .map(|(name, byte, word)| (name, word, byte == delimiter))
                .into(),
        },
        sheets: sheets.iter().map(sheet).collect(),
        header_line: match found {
            Some(look) => Some(look.header_line),
            None => Some(read.header_row.unwrap_or(1)).filter(|_| !is_asked),
        },
        is_of_results: opened
            .checked
            .as_ref()
            .is_ok_and(|checked| checked.prepared.checker.map().is_of_results()),
        header: found.map_or(Vec::new(), |look| look.header.clone()),
        rows: found.map_or(Vec::new(), |look| look.rows.clone()),
        count: found.and_then(|look| look.count).map(number),
    }))
}

/// Returns the delimiters to choose from: the name, the byte and the label.
fn delimiters() -> [(&'static str, u8, String); 4] {
    [
        ("semicolon", b';', say().console_semicolon()),
        ("comma", b',', say().console_comma()),
        ("tab", b'\t', say().console_tab()),
        ("pipe", b'|', say().console_pipe()),
    ]
}

#[derive(Deserialize)]
pub(in crate::console) struct Correction {
    encoding: Option<String>,
    delimiter: Option<String>,
    sheet: Option<String>,
    header_row: Option<String>,
}

pub(in crate::console) async fn correct(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<Correction>,
) -> Response {
    page(desk, move |desk| {
        let mut opened = desk.opened();
        let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
        let found = opened.look.as_ref().ok();
        let is_asked = !opened.which_sheet().is_empty();
        let read = &mut opened.roster.read;
        let before = read.clone();
        // Detected values stay detected, so that only doubtful ones are set.
        let found_encoding = found.map(|look| look.encoding.clone());
        let encoding = said.encoding.filter(|label| !label.is_empty());
        if encoding.is_some() && encoding != found_encoding {
            read.encoding = encoding;
        }
        let mut known = delimiters().into_iter();
        let delimiter = known.find(|(name, ..)| said.delimiter.as_deref() == Some(name));
        let delimiter = delimiter.map(|(_, byte, _)| byte);
        if delimiter.is_some() && delimiter != found.and_then(|look| look.delimiter) {
            read.delimiter = delimiter;
        }
        let first = found.and_then(|look| look.sheets.first());
        let first = first.filter(|_| !is_asked);
        let sheet = said.sheet.filter(|name| !name.is_empty());
        if sheet.is_some() && sheet.as_ref() != read.sheet.as_ref().or(first) {
            read.sheet = sheet;
        }
        // The page does not ask for the row before the sheet is chosen.
        if let Some(text) = said.header_row.as_deref().map(str::trim) {
            let wrong = |_| Trouble::Wrong(say().console_no_number(text));
            let row: Option<u64> = match text {
                "" => None,
                text => Some(text.parse().map_err(wrong)?),
            };
            if row != found.map(|look| look.header_line) {
                read.header_row = row;
            }
        }
        let is_other = read.encoding != before.encoding
            || read.delimiter != before.delimiter
            || read.sheet != before.sheet
            || read.header_row != before.header_row;
        if is_other {
            // Row numbers may have changed.
            let mends = std::mem::take(&mut read.mends);
            let edited = mends.rows() as u64;
            if edited > 0 {
                let edited =
                    message::console_edits_of_other_reading(edited, Argument::grouped(edited));
                opened.notice = Some(edited);
            }
            opened.renew();
        }
        opened.read()?;
        go_to("/file")
    })
    .await
}
