//! The rows page, which lists faults.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::attention::attention;
use super::checked;
use super::lines::{Cell, Lines, Row, Tab, words_of};
use super::suggest::suggested;
use crate::app::AppError;
use crate::console::desk::Desk;
use crate::console::job::Job;
use crate::console::opened::Checked;
use crate::console::page::{Frame, Made, Trouble, download, fragment, go_to, html, page, written};
use crate::l10n::{Language, number, say};
use crate::report::write_roster;
use crate::run::{SeenRow, restores_a_value};
use crate::targets::Kind;

#[derive(Template)]
#[template(path = "problems.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    left: Left,
    edition: String,
    rows: Vec<Row>,
    tab: Tab,
    counts: Counts,
    /// A note that cells were edited in an earlier session.
    mended_before: Option<String>,
    /// A note that a run in progress, or one that was sent, lacks these corrections.
    sent_without: Option<String>,
    /// The last replacement in several rows, which can be undone.
    bulk: Option<String>,
    alike: Vec<ShownAlike>,
    search: String,
    is_part: bool,
    /// The reason why there are no rows.
    nothing: String,
    found: String,
    /// The first rows of the previous and the next page.
    before: Option<String>,
    after: Option<String>,
    /// Whether the rows belong to a run that is retried.
    is_again: bool,
    /// Why the review does not send the row, if the row itself has no fault.
    reviewed: Option<String>,
    is_of_review: bool,
}

impl Page {
    /// Returns whether the page shows a tab, and not rows found by a search.
    fn is_in(&self, tab: &Tab) -> bool {
        !self.is_part && *tab == self.tab
    }
}

/// A value that is invalid in several rows, and can be replaced in all of them.
struct ShownAlike {
    column: usize,
    header: String,
    value: String,
    count: usize,
    choices: Vec<(String, bool)>,
    suggested: String,
}

/// The number of rows left to correct.
#[derive(Template)]
#[template(path = "left.html", config = ".askama.toml")]
pub(super) struct Left {
    rows: u64,
    text: String,
    valid: String,
}

/// The cells of a row without a line.
#[derive(Template)]
#[template(path = "others.html", config = ".askama.toml")]
struct Others {
    row: u64,
    line: u64,
    others: Vec<Cell>,
}

pub(super) type Counts = [(Tab, String); 4];

/// The maximum number of rows on a page.
const ROWS: usize = 50;

/// The maximum number of shown values that are invalid in several rows.
const ALIKE: usize = 8;

#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    tab: String,
    /// A row that is shown with all cells.
    row: Option<u64>,
    #[serde(default)]
    from: usize,
}

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    // Input that was sent before the request is included.
    drop(desk.turn.lock().await);
    page(desk, move |desk| made(desk, &asked)).await
}

fn made(desk: &Desk, asked: &Asked) -> Made {
    let frame = Frame::of(desk, "problems", say().console_problems_title());
    let job = desk.job();
    let opened = desk.opened();
    let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
    let Ok(checked) = &opened.checked else {
        return go_to("/columns");
    };
    if opened.without_rows().is_some() {
        return go_to("/file");
    }
    let tab = Tab::named(&asked.tab);
    let search = asked.q.trim();
    let found = match (search, asked.row) {
        ("", Some(row)) => vec![row],
        ("", None) => rows_of(checked, tab)?,
        (text, _) => checked.search(text)?,
    };
    let from = asked.from.min(found.len());
    let to = (from + ROWS).min(found.len());
    let link = |from: usize| match search {
        "" => format!("/problems?tab={}&from={from}", tab.name()),
        text => format!("/problems?q={}&from={from}", escaped(text)),
    };
    let lines = Lines::of(&desk.base, opened, checked);
    let shown = found.get(from..to).unwrap_or_default();
    let rows: Vec<Row> = with_partners(checked, shown, tab)?
        .iter()
        .map(|(seen, shared)| lines.row(seen, tab, shared, asked.row.is_some()))
        .collect();
    let partners = (rows.len() - shown.len().min(rows.len())) as u64;
    let is_part = !search.is_empty() || asked.row.is_some();
    let job = job.filter(|job| job.is_of(opened));
    let review = job.as_ref().filter(|job| !job.has_sent());
    let review = review.zip(asked.row);
    let is_valid = rows
        .iter()
        .all(|row| row.whole.is_empty() && row.cells.iter().all(|cell| cell.fault.is_empty()));
    let reviewed = match review {
        Some((job, row))
            if is_valid && !(job.is_stale(opened) && rows.iter().any(|row| row.is_mended)) =>
        {
            reviewed(job, row)?
        }
        _ => None,
    };
    let is_of_review = review.is_some();
    let own = job.filter(|job| job.has_sent() && job.is_stale(opened));
    Ok(html(&Page {
        left: left(checked),
        edition: opened.edition.clone(),
        mended_before: (checked.mended_before > 0).then(|| {
            let rows = checked.mended_before as u64;
            say().console_mended_before(rows, number(rows))
        }),
        sent_without: own.map(|_| say().console_sent_without()),
        bulk: opened.bulk.as_ref().map(|bulk| {
            let rows = bulk.cells.len() as u64;
            let (from, to) = (bulk.from.as_str(), bulk.to.as_str());
            say().console_bulk_done(rows, bulk.header.as_str(), from, to, number(rows))
        }),
        rows,
        tab,
        counts: counts(checked),
        alike: match tab == Tab::Faulty && !is_part {
            true => alike(checked),
            false => Vec::new(),
        },
        search: search.to_owned(),
        is_part,
        nothing: match (is_part, tab) {
            (true, _) => say().console_nothing_found(),
            (_, Tab::Faulty) => say().console_nothing_wrong(),
            (_, Tab::Changed) => say().console_nothing_changed(),
            (_, Tab::Restored) => say().console_nothing_restored(),
            (_, Tab::Doubtful) => say().console_nothing_doubtful(),
        },
        found: match found.len() {
            0 => String::new(),
            all => {
                let (from, to) = (number(from as u64 + 1), number(to as u64));
                let shown = say().console_shown(from, to, number(all as u64));
                let shown = match partners {
                    0 => shown,
                    _ => say().console_shown_with(partners, shown, number(partners)),
                };
                let is_all = tab == Tab::Faulty && !is_part && opened.again.is_none();
                match is_all && all as u64 > checked.left {
                    true => format!("{shown}. {}", say().console_shown_changed()),
                    false => shown,
                }
            }
        },
        before: (from > 0).then(|| link(from.saturating_sub(ROWS))),
        after: (to < found.len()).then(|| link(to)),
        is_again: opened.again.is_some(),
        reviewed,
        is_of_review,
        frame,
    }))
}

/// Returns why the review does not send a row.
fn reviewed(job: &Job, row: u64) -> Result<Option<String>, AppError> {
    let Some((journal, run)) = job.journal()? else {
        return Ok(None);
    };
    let mut outcomes = journal.unsuccessful(run, usize::MAX)?;
    outcomes.retain(|outcome| outcome.row == row);
    let roster = job.prepared.get().map(Arc::as_ref);
    let why = attention(&journal, run, roster, &outcomes)?.pop();
    Ok(why.map(|one| say().console_found_in_review(one.why)))
}

/// Counts the rows to correct, the changed rows, and the restored and doubtful values.
pub(super) fn counts(checked: &Checked) -> Counts {
    let survey = &checked.prepared.survey;
    Tab::ALL.map(|tab| {
        let count = match tab {
            Tab::Faulty => checked.left,
            Tab::Changed => checked.prepared.input.mends().rows() as u64,
            Tab::Restored => survey
                .restored
                .iter()
                .filter(|(code, _)| restores_a_value(code))
                .map(|(_, group)| group.count)
                .sum(),
            Tab::Doubtful => survey.doubts.values().map(|group| group.count).sum(),
        };
        (tab, number(count))
    })
}

fn rows_of(checked: &Checked, tab: Tab) -> Result<Vec<u64>, AppError> {
    Ok(match tab {
        Tab::Faulty => checked.faulty.clone(),
        Tab::Changed => checked.prepared.input.mends().numbers().collect(),
        Tab::Restored => checked.rows_noticed(true)?,
        Tab::Doubtful => checked.rows_noticed(false)?,
    })
}

/// Percent-encodes a text for an address.
pub(super) fn escaped(text: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

/// The columns in which another row has the same value, each with that row.
pub(super) type Shared = Vec<(usize, u64)>;

/// Reads rows, each with the columns in which another row has the same value, and that row. A row whose value is repeated
/// comes before the first row that repeats it.
fn with_partners(
    checked: &Checked,
    rows: &[u64],
    tab: Tab,
) -> Result<Vec<(SeenRow, Shared)>, AppError> {
    let map = checked.prepared.checker.map();
    let survey = &checked.prepared.survey;
    let mut order: Vec<u64> = Vec::new();
    let mut shared: HashMap<u64, Shared> = HashMap::new();
    for row in rows {
        if tab == Tab::Faulty {
            for (field, other) in survey.repeated_by(*row) {
                if let Some(column) = map.column(field) {
                    shared.entry(other).or_default().push((column, *row));
                }
                if !order.contains(&other) {
                    order.push(other);
                }
            }
        }
        if !order.contains(row) {
            order.push(*row);
        }
    }
    let mut numbers = order.clone();
    numbers.sort_unstable();
    let seen = checked.rows(&numbers)?;
    let mut seen: HashMap<u64, SeenRow> = seen.into_iter().map(|row| (row.at.row, row)).collect();
    let in_order = order.iter().filter_map(|row| {
        let columns = shared.remove(row).unwrap_or_default();
        Some((seen.remove(row)?, columns))
    });
    Ok(in_order.collect())
}

/// Returns values that are invalid in several rows and may have a common correction. Numbers and addresses of
/// persons are excluded.
fn alike(checked: &Checked) -> Vec<ShownAlike> {
    let checker = &checked.prepared.checker;
    let shown = checked.alike.iter().filter_map(|alike| {
        if alike.value.trim().is_empty() {
            return None;
        }
        let fields = checker.spec().fields.iter().enumerate();
        let mut fields =
            fields.filter(|(index, _)| checker.map().column(*index) == Some(alike.column));
        let (index, field) = fields.next()?;
        let language = checker.map().language_of(field, alike.column);
        let language = language.or(Some(Language::spoken().code()));
        let is_valid = |value: &serde_json::Value| checker.judge(index, value).is_ok();
        let suggested = suggested((field, language), &alike.value, &alike.problem, is_valid);
        let is_damaged = suggested.is_some() && field.kind == Kind::Text;
        if field.unique || !(field.kind.is_for_many() || is_damaged) {
            return None;
        }
        let choices = words_of(field, language).into_iter().map(|word| {
            let is = suggested.as_ref() == Some(&word);
            (word, is)
        });
        Some(ShownAlike {
            column: alike.column,
            header: alike.header.clone(),
            value: alike.value.clone(),
            count: alike.rows.len(),
            choices: choices.collect(),
            suggested: suggested.unwrap_or_default(),
        })
    });
    shown.take(ALIKE).collect()
}

pub(super) fn left(checked: &Checked) -> Left {
    let survey = &checked.prepared.survey;
    let rows = checked.left;
    let mut valid = vec![say().console_valid(number(survey.valid()), number(survey.rows))];
    let (withheld, skipped) = (survey.withheld.len() as u64, survey.skipped);
    if withheld > 0 {
        valid.push(say().console_rows_protected(withheld, number(withheld)));
    }
    if skipped > 0 {
        valid.push(say().console_rows_skipped(skipped, number(skipped)));
    }
    Left {
        rows,
        text: match rows {
            0 => say().console_none_left(),
            rows => say().console_left(rows, number(rows)),
        },
        valid: valid.join(" "),
    }
}

/// Shows the cells of a row that have no line on the page, even if they would have one now: a duplicate cell
/// would be sent twice.
pub(in crate::console) async fn whole(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
    Query(said): Query<HashMap<String, String>>,
) -> Response {
    fragment(desk, move |desk| {
        let opened = desk.opened();
        let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
        let checked = checked(opened)?;
        let row = asked.row.ok_or(Trouble::Nothing)?;
        let seen = checked.row(row)?.ok_or(Trouble::Nothing)?;
        let shared = shared_columns(checked, row);
        let lines = Lines::of(&desk.base, opened, checked);
        let row = lines.row(&seen, Tab::named(&asked.tab), &shared, true);
        let mut others = row.cells;
        others.extend(row.others);
        others.retain(|cell| !said.contains_key(&format!("s{}", cell.column)));
        others.sort_by_key(|cell| cell.column);
        Ok(html(&Others {
            row: row.row,
            line: row.line,
            others,
        }))
    })
    .await
}

/// Returns the columns in which another row repeats a value of this row, with that row.
pub(super) fn shared_columns(checked: &Checked, row: u64) -> Shared {
    let survey = &checked.prepared.survey;
    let map = checked.prepared.checker.map();
    let others = survey.sharing(row).into_iter();
    let repeated = others.flat_map(|other| {
        let own = survey.repeated_by(other).filter(|(_, of)| *of == row);
        own.map(|(field, _)| (field, other)).collect::<Vec<_>>()
    });
    repeated
        .filter_map(|(field, other)| Some((map.column(field)?, other)))
        .collect()
}

#[derive(Deserialize)]
pub(in crate::console) struct Ending {
    #[serde(rename = "as")]
    ending: String,
}

/// Serves the roster with the edits, as a file.
pub(in crate::console) async fn file(
    State(desk): State<Arc<Desk>>,
    Query(wanted): Query<Ending>,
) -> Response {
    page(desk, move |desk| {
        let opened = desk.opened();
        let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
        let checked = checked(opened)?;
        let ending = if wanted.ending == "xlsx" {
            "xlsx"
        } else {
            "csv"
        };
        let input = &checked.prepared.input;
        let bytes = written(ending, |path| Ok(write_roster(input, path)?))?;
        let stem = std::path::Path::new(&opened.name).file_stem();
        let stem = stem.unwrap_or_default().to_string_lossy();
        Ok(download(&format!("{stem}.mended.{ending}"), bytes))
    })
    .await
}
