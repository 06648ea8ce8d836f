use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value as Json;

use super::csv_file::CsvFile;
use super::error::ReportError;
use super::results::inert;
use super::text::{count_of, human_duration, human_number};
use super::whole_file::Placing;
use crate::events::Plan;
use crate::journal::Journal;
use crate::targets::TargetSpec;

/// Writes every change that a run is to make as CSV, one a line: `row,key,field,from,to`.
///
/// # Errors
/// When the file cannot be written or the journal not read.
pub fn write_changes(
    journal: &Journal,
    run: i64,
    spec: &TargetSpec,
    path: &Path,
) -> Result<(), ReportError> {
    let mut file = CsvFile::create(path, Placing::Replace)?;
    file.write(["row", "key", "field", "from", "to"])?;
    journal.each_call::<ReportError>(run, |call, _| {
        for change in &*spec.changes_of(&call) {
            let from = change.from.as_ref().map_or(String::new(), text_of);
            file.write([
                &*call.at.row.to_string(),
                &inert(&call.key),
                &change.field,
                &inert(&from),
                &inert(&text_of(&change.to)),
            ])?;
        }
        Ok(true)
    })?;
    file.finish()?;
    Ok(())
}

fn text_of(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The lines that say a plan to a person: counts, fields, requests, time. No personal data.
pub fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", plan.target, plan.base_url)];
    let mut counts = format!("{}: {} to send", count_of(plan.rows, "row"), plan.to_send);
    for (count, what) in [
        (plan.unchanged, "unchanged"),
        (plan.invalid, "invalid"),
        (plan.left_out, "left out"),
    ] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(counts, ", {count} {what}");
        }
    }
    lines.push(counts);
    if plan.empty_rows > 0 {
        let rows = count_of(plan.empty_rows, "empty row");
        lines.push(format!("{rows} passed over"));
    }
    for (code, count) in &plan.repairs {
        lines.push(format!(
            "{count} cells restored that a spreadsheet had changed: {code}"
        ));
    }
    for (code, count) in &plan.doubts {
        lines.push(format!(
            "{}, which the API may well take: {code}",
            count_of(*count, "doubtful value")
        ));
    }
    if !plan.how.is_empty() {
        lines.push(match plan.lookups {
            0 => plan.how.clone(),
            lookups => format!("{}: {}", plan.how, count_of(lookups, "request")),
        });
    }
    if !plan.fields.is_empty() {
        let mut fields: Vec<&(String, u64)> = plan.fields.iter().collect();
        fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, count)| format!("{name} {}", human_number(*count)))
            .collect();
        lines.push(format!("fields to change: {}", fields.join(", ")));
    }
    let mut time = format!("{} at {}", count_of(plan.to_send, "request"), plan.rate);
    if plan.at_once > 0 && plan.to_send > plan.at_once {
        let _ = write!(time, ", {} of them at once", human_number(plan.at_once));
    }
    let _ = write!(time, ": {}", human_duration(plan.estimate_s));
    if let Some(finish) = plan.estimated_finish.filter(|_| plan.estimate_s >= 60.0) {
        let finish = finish.to_zoned(jiff::tz::TimeZone::system());
        let _ = write!(time, ", until {}", finish.strftime("%H:%M on %Y-%m-%d"));
    }
    lines.push(time);
    lines
}

/// The first few changes and invalid rows of a plan, one a line. Personal data: for the person at the terminal,
/// and for no log.
pub fn example_lines(plan: &Plan) -> Vec<String> {
    let shown = |value: &Json| match text_of(value) {
        text if text.is_empty() => "(nothing)".to_owned(),
        text => format!("\"{text}\""),
    };
    let mut lines: Vec<String> = plan
        .examples
        .iter()
        .map(|example| {
            let change = &example.change;
            let from = change
                .from
                .as_ref()
                .map_or(String::new(), |from| format!("{} becomes ", shown(from)));
            let to = shown(&change.to);
            format!("  row {}, {}: {from}{to}", example.row, change.field)
        })
        .collect();
    if !plan.problems.is_empty() {
        lines.push("invalid, and not sent:".into());
        lines.extend(plan.problems.iter().map(|problem| format!("  {problem}")));
    }
    lines
}
