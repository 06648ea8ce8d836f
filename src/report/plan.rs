//! Plans as files of changes and as log lines.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::check::hidden_note;
use super::error::ReportError;
use super::look::{Tone, for_terminal};
use super::safe_cell::Reader;
use super::sheet_file::SheetFile;
use super::whole_file::Placing;
use crate::check::what_was_restored;
use crate::events::{ConflictCounts, Plan};
use crate::journal::Journal;
use crate::l10n::{
    Messages, cells, clock_time, conflicts, doubtful_values, duration, empty_rows, local_time,
    number, records, requests, rows, say,
};
use crate::model::{Call, KnownBefore};
use crate::read::Dialect;
use crate::targets::TargetSpec;

/// Writes every planned change, one per line, as CSV in the roster's dialect or as a workbook:
/// `row,key,field,from,to,line`. The rows `first` precede the others.
pub fn write_changes(
    journal: &Journal,
    run: i64,
    (spec, dialect): (&TargetSpec, Dialect),
    first: &[u64],
    path: &Path,
) -> Result<(), ReportError> {
    let header = ["row", "key", "field", "from", "to", "line"];
    let as_it_is = (Placing::Replace, dialect);
    let mut file = SheetFile::of_ours(path, as_it_is, header, Reader::Person)?;
    let mut write = |call: &Call| -> Result<(), ReportError> {
        for change in &*spec.changes_of(call) {
            let field = spec.field_named(&change.field);
            let text_of = |value: &Json| match field {
                Some(field) => field.in_words(value, None),
                None => text_of(value),
            };
            let from = change.from.as_ref().map_or(String::new(), text_of);
            let (row, to) = (call.at.row.to_string(), text_of(&change.to));
            let line = call.at.sheet_row.to_string();
            let cells = [&*row, &call.key, &change.field, &from, &to, &line];
            file.write_ours(cells, Reader::Person)?;
        }
        Ok(())
    };
    let is_first = |call: &Call| first.binary_search(&call.at.row).is_ok();
    for passes_first in [true, false] {
        if passes_first && first.is_empty() {
            continue;
        }
        journal.each_call::<ReportError>(run, |call, _| {
            if is_first(&call) == passes_first {
                write(&call)?;
            }
            Ok(true)
        })?;
    }
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

/// Returns a plan as log lines at the time `now`: counts, fields, requests and duration, without personal
/// data.
pub fn plan_lines(plan: &Plan, now: Timestamp) -> Vec<String> {
    let first = say().plan_first(plan.target.as_str(), plan.base_url.as_str());
    let mut counts = vec![say().plan_counts(rows(plan.rows), number(plan.to_send))];
    let phrase = |(count, word, _)| format!("{count} {word}");
    counts.extend(not_sent(plan).into_iter().map(phrase));
    let mut lines = vec![first, counts.join(", ")];
    lines.extend(notes(plan));
    let fields = fields(plan);
    if !fields.is_empty() {
        let field = |(name, count): &(String, u64)| format!("{name} {}", number(*count));
        let fields: Vec<String> = fields.iter().map(field).collect();
        lines.push(say().plan_fields(fields.join(", ")));
    }
    lines.push(time_line(plan, now));
    lines
}

/// Returns the rows that are not sent: their number, the reason and its tone.
pub fn not_sent(plan: &Plan) -> Vec<(String, String, Option<Tone>)> {
    let reasons = [
        (
            plan.unchanged,
            Messages::state_unchanged as fn(&Messages, u64) -> String,
            None,
        ),
        (plan.invalid, Messages::state_invalid, Some(Tone::Old)),
        (plan.left_out, Messages::plan_left_out, Some(Tone::Warning)),
        (plan.settled.withheld, Messages::state_withheld, None),
    ];
    let some = reasons.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, word, tone)| (number(count), word(say(), count), tone))
        .collect()
}

/// Returns the changed fields by their headers, the most frequent first.
pub fn fields(plan: &Plan) -> Vec<(String, u64)> {
    let named = |(name, count): &(String, u64)| {
        let column = plan.columns.get(name).unwrap_or(name);
        (for_terminal(column), *count)
    };
    let mut fields: Vec<(String, u64)> = plan.fields.iter().map(named).collect();
    fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    fields
}

/// Returns notes on how the plan was made.
pub fn notes(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(url) = &plan.token_url {
        notes.push(say().plan_token(url.as_str()));
    }
    if plan.empty_rows > 0 {
        notes.push(say().check_passed_over(empty_rows(plan.empty_rows)));
    }
    notes.extend(hidden_note(plan.hidden_rows, plan.skips_hidden));
    for (code, count) in &plan.repairs {
        let what = what_was_restored(code).to_string();
        notes.push(say().plan_restored(cells(*count), what, code.as_str()));
    }
    for (code, count) in &plan.doubts {
        notes.push(say().plan_doubts(doubtful_values(*count), code.as_str()));
    }
    if plan.renumbered > 0 {
        notes.push(say().plan_renumbered(rows(plan.renumbered)));
    }
    let ConflictCounts {
        overwritten,
        kept,
        asked,
    } = plan.conflicts;
    let lines = [
        (
            overwritten,
            say().plan_conflicts_overwritten(conflicts(overwritten)),
        ),
        (kept, say().plan_conflicts_kept(conflicts(kept))),
        (asked, say().plan_conflicts_asked(conflicts(asked))),
    ];
    let some = lines.into_iter().filter(|(count, _)| *count > 0);
    notes.extend(some.map(|(_, line)| line));
    if plan.are_last_delivered {
        notes.push(say().plan_last_delivered());
    }
    if let Some(relisted) = &plan.relisted {
        notes.push(relisted.why.to_string());
    }
    let how = match &plan.known {
        Some(known) => how_known(known),
        None => plan.how.to_string(),
    };
    if !how.is_empty() {
        notes.push(match plan.lookups {
            0 => how,
            lookups => say().plan_lookups(how, requests(lookups)),
        });
    }
    notes
}

/// Returns the age of data that the plan took from the snapshot of an earlier run.
fn how_known(known: &KnownBefore) -> String {
    let age = known.read_at.duration_since(known.listed_at).as_secs_f64();
    say().plan_known(
        records(known.records),
        duration(age.max(0.0)),
        local_time(known.read_at),
        number(known.changed),
        number(known.deleted),
        number(known.read),
        number(known.compared),
    )
}

/// Returns the number of requests and the duration of a plan.
pub fn time_line(plan: &Plan, now: Timestamp) -> String {
    let to_make = plan.requests_for(plan.to_send);
    let rate = match plan.rate_is_guess {
        true => say().rate_guessed(plan.rate.as_str()),
        false => plan.rate.clone(),
    };
    let (sent, rate) = (requests(to_make), rate.as_str());
    let time = duration(plan.estimate_s);
    let mut line = if plan.at_once > 0 && to_make > plan.at_once {
        say().plan_time_at_once(sent, rate, number(plan.at_once), time)
    } else {
        say().plan_time(sent, rate, time)
    };
    if let Some(finish) = plan.estimated_finish.filter(|_| plan.estimate_s >= 60.0) {
        line.push_str(&say().plan_until(clock_time(finish, now)));
    }
    line
}
