use std::io::Write;
use std::path::{Path, PathBuf};

use askama::Template;

use super::error::ReportError;
use super::whole_file::{Placing, WholeFile};
use crate::journal::Journal;
use crate::l10n::{
    Language, Messages, doubtful_values, duration, local_time, number, requests, rows as amount,
    say, times,
};
use crate::model::{Lines, Outcome, RowState, Summary, is_code, redacted};

/// Rows that are listed; the failed file has them all.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "report.html", config = ".askama.toml")]
struct Page<'a> {
    summary: &'a Summary,
    bars: Vec<Bar>,
    rows: Vec<Listed>,
    more: Option<String>,
    doubtful: String,
    why: Option<String>,
    say: &'static Messages,
    lang: &'static str,
}

/// One row that somebody has to look at.
struct Listed {
    /// The number that the spreadsheet shows beside it.
    line: u64,
    outcome: Outcome,
}

/// One state in the bar that shows how the rows are divided.
struct Bar {
    state: RowState,
    count: u64,
    /// Where it begins and how wide it is, in thousandths.
    start: u64,
    width: u64,
}

impl Page<'_> {
    /// What the run was, on one line.
    fn line(&self) -> String {
        let summary = self.summary;
        self.say.html_line(
            amount(summary.rows),
            summary.target.as_str(),
            summary.base_url.as_str(),
            summary.run.as_str(),
            local_time(summary.started_at),
            duration(summary.duration_s),
        )
    }

    /// The requests that it made.
    fn requests(&self) -> String {
        let summary = self.summary;
        self.say.html_requests(
            requests(summary.requests),
            number(summary.retries),
            times(summary.throttled),
        )
    }
}

/// Writes a run's report as one HTML file that needs nothing else: no script, no network.
///
/// # Errors
/// When the file cannot be written or the journal not read.
pub fn write_html(
    journal: &Journal,
    run: i64,
    (summary, lines): (&Summary, &Lines),
    path: &Path,
    placing: Placing,
) -> Result<PathBuf, ReportError> {
    let mut rows = journal.unsuccessful(run, LISTED)?;
    for row in &mut rows {
        // A report is sent around, and the results file beside it has everything.
        let body = journal.body(run, row.row)?;
        row.error = redacted(&row.error, &body);
        if row.http_status.is_some() && !is_code(&row.error_code) {
            row.error_code = "…".into();
        }
    }
    let listed = |outcome: Outcome| Listed {
        line: lines.line_of(outcome.row),
        outcome,
    };
    let rows: Vec<Listed> = rows.into_iter().map(listed).collect();
    let all = summary.states.unsuccessful();
    let total = summary.rows.max(1);
    let mut start = 0;
    let bars = summary
        .states
        .each()
        .into_iter()
        .map(|(state, count)| {
            let width = count * 1000 / total;
            let bar = Bar {
                state,
                count,
                start,
                width,
            };
            start += width;
            bar
        })
        .collect();
    let page = Page {
        summary,
        bars,
        more: Some(all.saturating_sub(rows.len() as u64))
            .filter(|more| *more > 0)
            .map(|more| say().html_more(number(more))),
        rows,
        doubtful: doubtful_values(summary.warnings),
        why: summary.held.clone(),
        say: say(),
        lang: Language::spoken().code(),
    };
    let text = page.render().map_err(|error| ReportError::Template {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let mut file = WholeFile::create_as(path, placing)?;
    let explain = file.explain();
    file.write_all(text.as_bytes()).map_err(explain)?;
    file.finish()
}
