use std::path::Path;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::check::repair;
use super::csv_file::CsvFile;
use super::error::ReportError;
use super::look::inert as inert_on_terminal;
use super::results::inert;
use super::whole_file::Placing;
use crate::events::Plan;
use crate::journal::Journal;
use crate::l10n::{
    Messages, cells, clock_time, doubtful_values, duration, empty_rows, number, requests, rows, say,
};
use crate::read::Dialect;
use crate::targets::TargetSpec;

/// Writes every change that a run is to make as CSV in the roster's dialect, one a line:
/// `row,key,field,from,to`.
///
/// # Errors
/// When the file cannot be written or the journal not read.
pub fn write_changes(
    journal: &Journal,
    run: i64,
    (spec, dialect): (&TargetSpec, Dialect),
    path: &Path,
) -> Result<(), ReportError> {
    let mut file = CsvFile::create(path, Placing::Replace, dialect)?;
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

/// The lines that say a plan to a person at the moment `now`: counts, fields, requests, time. No
/// personal data.
pub fn plan_lines(plan: &Plan, now: Timestamp) -> Vec<String> {
    let first = say().plan_first(plan.target.as_str(), plan.base_url.as_str());
    let mut lines = vec![first, count_line(plan)];
    if plan.empty_rows > 0 {
        lines.push(say().check_passed_over(empty_rows(plan.empty_rows)));
    }
    for (code, count) in &plan.repairs {
        lines.push(say().plan_restored(cells(*count), repair(code), code.as_str()));
    }
    for (code, count) in &plan.doubts {
        lines.push(say().plan_doubts(doubtful_values(*count), code.as_str()));
    }
    if !plan.how.is_empty() {
        lines.push(match plan.lookups {
            0 => plan.how.clone(),
            lookups => say().plan_lookups(plan.how.as_str(), requests(lookups)),
        });
    }
    if !plan.fields.is_empty() {
        let mut fields: Vec<&(String, u64)> = plan.fields.iter().collect();
        fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, count)| {
                let column = plan.columns.get(name).unwrap_or(name);
                format!("{} {}", inert_on_terminal(column), number(*count))
            })
            .collect();
        lines.push(say().plan_fields(fields.join(", ")));
    }
    lines.push(time_line(plan, now));
    lines
}

fn count_line(plan: &Plan) -> String {
    let mut counts = vec![say().plan_counts(rows(plan.rows), number(plan.to_send))];
    for (count, phrase) in [
        (
            plan.unchanged,
            Messages::state_unchanged as fn(&Messages, u64, String) -> String,
        ),
        (plan.invalid, Messages::state_invalid),
        (plan.left_out, Messages::plan_left_out),
    ] {
        if count > 0 {
            counts.push(phrase(say(), count, number(count)));
        }
    }
    counts.join(", ")
}

pub(super) fn time_line(plan: &Plan, now: Timestamp) -> String {
    let (sent, rate) = (requests(plan.to_send), plan.rate.as_str());
    let time = duration(plan.estimate_s);
    let mut line = if plan.at_once > 0 && plan.to_send > plan.at_once {
        say().plan_time_at_once(sent, rate, number(plan.at_once), time)
    } else {
        say().plan_time(sent, rate, time)
    };
    if let Some(finish) = plan.estimated_finish.filter(|_| plan.estimate_s >= 60.0) {
        line.push_str(&say().plan_until(clock_time(finish, now)));
    }
    line
}
