use std::io::Write;
use std::path::{Path, PathBuf};

use askama::Template;

use super::error::ReportError;
use super::text::{count_of, human_duration};
use super::whole_file::{Placing, WholeFile};
use crate::journal::Journal;
use crate::model::{Outcome, Summary, is_code, redacted};

/// Rows that are listed; the failed file has them all.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "report.html", config = ".askama.toml")]
struct Page<'a> {
    summary: &'a Summary,
    bars: Vec<Bar>,
    rows: Vec<Outcome>,
    more: u64,
    duration: String,
    doubtful: String,
}

/// One state in the bar that shows how the rows are divided.
struct Bar {
    state: &'static str,
    count: u64,
    /// Where it begins and how wide it is, in thousandths.
    start: u64,
    width: u64,
}

/// Writes a run's report as one HTML file that needs nothing else: no script, no network.
///
/// # Errors
/// When the file cannot be written or the journal not read.
pub fn write_html(
    journal: &Journal,
    run: i64,
    summary: &Summary,
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
        more: all.saturating_sub(rows.len() as u64),
        rows,
        duration: human_duration(summary.duration_s),
        doubtful: count_of(summary.warnings, "doubtful value"),
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
