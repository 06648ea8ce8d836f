//! The problems page shows invalid rows and accepts corrections.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::app::AppError;
use crate::console::desk::Desk;
use crate::console::opened::{Again, Alike, Checked, Opened};
use crate::console::page::{Frame, Made, Trouble, download, fragment, go_to, html, page, written};
use crate::l10n::{Messages, number, say};
use crate::read::Mends;
use crate::report::write_roster;
use crate::run::SeenRow;

#[derive(Template)]
#[template(path = "problems.html", config = ".askama.toml")]
struct Page<'a> {
    frame: Frame,
    /// Where columns were kept a moment ago.
    kept: Option<String>,
    left: Left,
    edition: String,
    header: Vec<String>,
    rows: Vec<Row>,
    /// Whether any of them has cells beyond the last column.
    has_surplus: bool,
    /// That cells are as somebody changed them an earlier time.
    mended_before: Option<String>,
    alike: Vec<&'a Alike>,
    /// What was restored and what is doubtful, by kind.
    noticed: Vec<Noticed>,
    /// What was searched for.
    search: String,
    /// Whether only rows are shown that were asked for.
    is_part: bool,
    found: String,
    /// Where the pages before and after this one begin.
    before: Option<String>,
    after: Option<String>,
    /// Whether the rows are those of a run that are tried again.
    is_again: bool,
}

/// The restored or doubtful values of a kind.
struct Noticed {
    code: String,
    count: String,
    /// The first of them.
    example: String,
}

/// What is left to mend.
#[derive(Template)]
#[template(path = "left.html", config = ".askama.toml")]
struct Left {
    rows: u64,
    text: String,
    valid: String,
}

/// A row in the grid.
#[derive(Template)]
#[template(path = "row.html", config = ".askama.toml")]
struct Row {
    base: String,
    say: &'static Messages,
    edition: String,
    row: u64,
    line: u64,
    cells: Vec<Cell>,
    /// Cells beyond the last column, to be emptied or moved.
    surplus: Vec<Cell>,
    /// What is wrong with the row as a whole, and what became of it the last time.
    whole: String,
    is_mended: bool,
}

struct Cell {
    column: usize,
    header: String,
    value: String,
    /// Whether its field holds several lines.
    has_lines: bool,
    fault: String,
    doubt: String,
}

/// What changed in a row that somebody types in, as fragments that replace what stands there.
#[derive(Template)]
#[template(path = "row_news.html", config = ".askama.toml")]
struct RowNews {
    row: Row,
    left: Left,
}

/// A row as it stands again in the file, in place of what stood there.
#[derive(Template)]
#[template(path = "row_back.html", config = ".askama.toml")]
struct RowBack {
    row: Row,
    left: Left,
}

/// Cells of a page, so that it stays small with however many columns; and rows at most.
const CELLS: usize = 550;
const ROWS: usize = 25;

/// Values that are wrong in several rows and that are shown at once.
const ALIKE: usize = 8;

#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    q: String,
    /// The code of the restored or doubtful values whose rows are shown.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: usize,
}

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    page(desk, move |desk| made(desk, &asked)).await
}

fn made(desk: &Desk, asked: &Asked) -> Made {
    let frame = Frame::of(desk, "problems", say().console_problems_title());
    let mut opened = desk.opened();
    let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
    let kept = opened.kept.take();
    let Ok(checked) = &opened.checked else {
        return go_to("/columns");
    };
    let found;
    let rows = match (asked.q.trim(), &*asked.kind) {
        ("", "") => &checked.faulty,
        ("", kind) => {
            found = checked.rows_with(kind)?;
            &found
        }
        (text, _) => {
            found = checked.search(text)?;
            &found
        }
    };
    let survey = &checked.prepared.survey;
    let noticed = survey.restored.iter().chain(&survey.doubts);
    let noticed = noticed.filter_map(|(code, group)| {
        let first = group.first.first()?;
        let place = say().place_cell(first.at.sheet_row, first.problem.column.as_str());
        Some(Noticed {
            code: code.to_string(),
            count: number(group.count),
            example: say().plan_problem(place, first.problem.message.to_string()),
        })
    });
    let header = checked.prepared.input.header();
    let most = (CELLS / header.len().max(1)).clamp(1, ROWS);
    let from = asked.from.min(rows.len());
    let to = (from + most).min(rows.len());
    let link = |from: usize| match asked.q.is_empty() {
        true if asked.kind.is_empty() => format!("/problems?from={from}"),
        true => format!("/problems?kind={}&from={from}", escaped(&asked.kind)),
        false => {
            format!("/problems?q={}&from={from}", escaped(&asked.q))
        }
    };
    let shown = checked.rows(rows.get(from..to).unwrap_or_default())?;
    let shown: Vec<Row> = shown
        .iter()
        .map(|row| row_of(&desk.base, opened, checked, row))
        .collect();
    let most_alike = checked.alike.iter().take(ALIKE);
    Ok(html(&Page {
        kept,
        left: left(checked),
        edition: opened.edition.clone(),
        header: header.to_vec(),
        has_surplus: shown.iter().any(|row| !row.surplus.is_empty()),
        mended_before: (checked.mended_before > 0).then(|| {
            let rows = checked.mended_before as u64;
            say().console_mended_before(rows, number(rows))
        }),
        rows: shown,
        noticed: noticed.collect(),
        alike: match asked.q.is_empty() {
            true => most_alike.collect(),
            false => Vec::new(),
        },
        search: asked.q.clone(),
        is_part: !asked.q.is_empty() || !asked.kind.is_empty(),
        found: match rows.len() {
            0 => String::new(),
            all => say().console_shown(
                number(from as u64 + 1),
                number(to as u64),
                number(all as u64),
            ),
        },
        before: (from > 0).then(|| link(from.saturating_sub(most))),
        after: (to < rows.len()).then(|| link(to)),
        is_again: opened.again.is_some(),
        frame,
    }))
}

/// A text as it stands in an address.
fn escaped(text: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

fn left(checked: &Checked) -> Left {
    let survey = &checked.prepared.survey;
    let rows = checked.left;
    Left {
        rows,
        text: match rows {
            0 => say().console_none_left(),
            rows => say().console_left(rows, number(rows)),
        },
        valid: say().console_valid(number(survey.valid()), number(survey.rows)),
    }
}

fn row_of(base: &str, opened: &Opened, checked: &Checked, seen: &SeenRow) -> Row {
    let input = &checked.prepared.input;
    let map = checked.prepared.checker.map();
    let of = |problems: &[crate::model::Problem], column: usize| {
        let here = problems
            .iter()
            .filter(|problem| !problem.column.is_empty() && problem.column == map.header(column));
        let messages: Vec<String> = here.map(|problem| problem.message.to_string()).collect();
        messages.join("; ")
    };
    let cells = input
        .header()
        .iter()
        .enumerate()
        .map(|(column, header)| Cell {
            column,
            header: header.clone(),
            value: seen.cells.get(column).cloned().unwrap_or_default(),
            has_lines: has_lines(checked, column),
            fault: of(&seen.problems, column),
            doubt: match (of(&seen.doubts, column), of(&seen.restored, column)) {
                (doubt, restored) if doubt.is_empty() || restored.is_empty() => doubt + &restored,
                (doubt, restored) => format!("{doubt}; {restored}"),
            },
        });
    let mut whole: Vec<String> = seen
        .problems
        .iter()
        .filter(|problem| problem.column.is_empty())
        .map(|problem| problem.message.to_string())
        .collect();
    whole.extend(
        opened
            .again
            .as_ref()
            .and_then(|again| last_time(again, input.mends(), seen)),
    );
    let surplus = seen.cells.iter().enumerate().skip(input.header().len());
    let changed = input.mends().of(seen.at.row);
    let surplus = surplus
        .filter(|(column, cell)| {
            let is_changed = changed.is_some_and(|cells| cells.contains_key(column));
            is_changed || !cell.trim().is_empty()
        })
        .map(|(column, cell)| Cell {
            column,
            header: say().console_surplus(),
            value: cell.clone(),
            has_lines: false,
            fault: String::new(),
            doubt: String::new(),
        });
    Row {
        base: base.to_owned(),
        say: say(),
        edition: opened.edition.clone(),
        row: seen.at.row,
        line: seen.at.sheet_row,
        cells: cells.collect(),
        surplus: surplus.collect(),
        whole: whole.join("; "),
        is_mended: input.mends().of(seen.at.row).is_some(),
    }
}

/// What became of a row in the run that is tried again; nothing where it was changed since, or the check
/// says it anyway.
fn last_time(again: &Again, mends: &Mends, seen: &SeenRow) -> Option<String> {
    let outcome = again.stands(seen.at.row, mends)?;
    let is_told = seen
        .problems
        .iter()
        .any(|problem| outcome.problems.iter().any(|one| one.is_same(problem)));
    let text = format!("{}: {}", outcome.state.in_words(), outcome.error());
    (!is_told && !outcome.problems.is_empty()).then_some(text)
}

/// Takes a row as it stands in the browser, checks it, and answers with what is wrong with it now.
pub(in crate::console) async fn mend(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    fragment(desk, move |desk| {
        let row: u64 = number_in(&said, "row")?;
        let mut opened = desk.opened();
        let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
        opened.refuse_other(&said)?;
        take_typed(opened, &said)?;
        let Ok(checked) = &opened.checked else {
            return Err(Trouble::Nothing);
        };
        let seen = checked.row(row)?.ok_or(Trouble::Nothing)?;
        Ok(html(&RowNews {
            row: row_of(&desk.base, opened, checked, &seen),
            left: left(checked),
        }))
    })
    .await
}

/// Takes the cells of a page's rows as they stand in the browser.
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
        for (column, text) in typed.remove(&seen.at.row).unwrap_or_default() {
            let known = seen.cells.get(column).map_or("", String::as_str);
            if let Some(text) = typed_in(known, text, has_lines(checked, column))
                && column < width
            {
                changed.push((seen.at.row, column, text));
            }
        }
    }
    match changed.is_empty() {
        true => Ok(()),
        false => opened.mend(&changed),
    }
}

/// Whether a column's field holds several lines.
fn has_lines(checked: &Checked, column: usize) -> bool {
    let checker = &checked.prepared.checker;
    let mut fields = checker.spec().fields.iter().enumerate();
    fields.any(|(index, field)| field.lines && checker.map().column(index) == Some(column))
}

/// What was typed in a cell that holds `known`; nothing where it is unchanged. A browser's field for one line
/// has no line breaks (HTML, 4.10.5.1.2), and one for several lines sends each as CRLF (HTML, 4.10.22.4).
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

fn number_in<T: std::str::FromStr>(
    said: &HashMap<String, String>,
    name: &str,
) -> Result<T, Trouble> {
    let text = said.get(name).map_or("", String::as_str);
    let number = text.parse();
    number.map_err(|_| Trouble::Wrong(say().console_no_number(text)))
}

/// Has a row stand as it does in the file.
pub(in crate::console) async fn take_back(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        let row = match said.get("row").map(String::as_str) {
            Some("all") => None,
            _ => Some(number_in(&said, "row")?),
        };
        {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            opened.refuse_other(&said)?;
            opened.take_back(row)?;
            if let (Some(row), true, Ok(checked)) =
                (row, headers.contains_key("hx-request"), &opened.checked)
            {
                let seen = checked.row(row)?.ok_or(Trouble::Nothing)?;
                return Ok(html(&RowBack {
                    row: row_of(&desk.base, opened, checked, &seen),
                    left: left(checked),
                }));
            }
        }
        go_to("/problems")
    })
    .await
}

#[derive(Deserialize)]
pub(in crate::console) struct MendAlike {
    column: usize,
    value: String,
    to: String,
    edition: String,
}

/// Puts one value in the place of another wherever that is wrong in a column.
pub(in crate::console) async fn mend_alike(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<MendAlike>,
) -> Response {
    page(desk, move |desk| {
        {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            if said.edition != opened.edition {
                return Err(Trouble::Wrong(say().console_other_file()));
            }
            let Ok(checked) = &opened.checked else {
                return Err(Trouble::Nothing);
            };
            let value = said.value.replace("\r\n", "\n");
            let rows = checked.alike.iter().filter(|alike| {
                alike.column == said.column && alike.value.replace("\r\n", "\n") == value
            });
            let cells: Vec<(u64, usize, String)> = rows
                .flat_map(|alike| &alike.rows)
                .map(|row| (*row, said.column, said.to.clone()))
                .collect();
            opened.mend(&cells)?;
        }
        go_to("/problems")
    })
    .await
}

#[derive(Deserialize)]
pub(in crate::console) struct Kind {
    #[serde(rename = "as")]
    ending: String,
}

/// The roster with what was mended in it, as a file.
pub(in crate::console) async fn file(
    State(desk): State<Arc<Desk>>,
    Query(kind): Query<Kind>,
) -> Response {
    page(desk, move |desk| {
        let opened = desk.opened();
        let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
        let Ok(checked) = &opened.checked else {
            return Err(Trouble::Nothing);
        };
        let ending = if kind.ending == "xlsx" { "xlsx" } else { "csv" };
        let input = &checked.prepared.input;
        let bytes = written(ending, |path| Ok(write_roster(input, path)?))?;
        let stem = std::path::Path::new(&opened.name).file_stem();
        let stem = stem.unwrap_or_default().to_string_lossy();
        Ok(download(&format!("{stem}.mended.{ending}"), bytes))
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
