//! The summary of a run as text.

use crate::l10n::{
    columns, conflicts, doubtful_values, duration, number, requests, rows, say, times,
};
use crate::model::{Held, Standing, Summary, word_of};

use super::look::{Look, Tone};

pub(super) fn pauses_in_words(summary: &Summary) -> Vec<String> {
    let held = |seconds| say().summary_was_held(duration(seconds));
    let idle = |seconds| say().summary_was_idle(duration(seconds));
    let held = (summary.held_s > 0.0).then(|| held(summary.held_s));
    let idle = (summary.idle_s > 0.0).then(|| idle(summary.idle_s));
    held.into_iter().chain(idle).collect()
}

/// Returns the decided conflicts of a run, if any.
pub(super) fn conflicts_in_words(summary: &Summary) -> Option<String> {
    let is_asked = matches!(summary.held_by, Some(Held::Conflicts { .. }));
    let (all, kept) = (summary.conflicts, summary.conflicts_kept);
    let told = || say().summary_conflicts(conflicts(all), number(all - kept), number(kept));
    (all > 0 && !is_asked).then(told)
}

/// Returns the summary of a run, which may be an undo, as text. `more` are additional labelled facts.
pub fn summary_text(
    summary: &Summary,
    is_undo: bool,
    more: &[(String, String)],
    look: Look,
) -> String {
    let (file, target) = (summary.file.as_str(), summary.target.as_str());
    let (address, time) = (summary.base_url.as_str(), duration(summary.duration_s));
    let mut first = vec![match summary.dialect.is_empty() && summary.rows == 0 {
        // The number of rows is unknown before the run is planned.
        true => say().summary_first_unread(file, target, address, time),
        false => say().summary_first(rows(summary.rows), file, target, address, time),
    }];
    // The journal does not store the dialect of a run that did not end.
    if !summary.dialect.is_empty() {
        let dialect = match &summary.sheet {
            Some(sheet) => say().dialect_workbook(summary.dialect.as_str(), sheet.as_str()),
            None => summary.dialect.clone(),
        };
        first.push(say().summary_read_as(
            dialect,
            columns(summary.columns as u64),
            rows(summary.rows),
        ));
    }
    let mut lines: Vec<String> = first
        .iter()
        .flat_map(|line| look.lines(None, "", line))
        .collect();
    lines.extend(pauses_in_words(summary));
    let some = summary.states.each().into_iter();
    for (state, count) in some.filter(|(_, count)| *count > 0) {
        let line = format!("  {:>7} {}", number(count), word_of(state, count, is_undo));
        lines.push(match state.standing() {
            Standing::Changed => look.paint(Tone::New, &line),
            Standing::Same | Standing::Left => line,
            Standing::Open | Standing::InDoubt => look.paint(Tone::Warning, &line),
            Standing::Faulty => look.paint(Tone::Old, &line),
        });
    }
    let (made, again) = (requests(summary.requests), number(summary.retries));
    lines.push(match summary.dialect.is_empty() && summary.throttled == 0 {
        // The journal does not store how often the API throttled a run that did not end.
        true => say().summary_requests_known(made, again),
        false => say().summary_requests(made, again, times(summary.throttled)),
    });
    if summary.warnings > 0 {
        lines.push(say().summary_warnings(doubtful_values(summary.warnings)));
    }
    lines.extend(conflicts_in_words(summary));
    if summary.field_refused > 0 {
        let refused = rows(summary.field_refused);
        let advice = say().summary_field_refused(refused, say().remedy_answer_field_refused());
        lines.extend(look.lines(Some(Tone::Warning), "", &advice));
    }
    if let Some(why) = &summary.held {
        lines.extend(look.lines(Some(Tone::Warning), "", &say().summary_held(why.as_str())));
    }
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    let run = Some(summary.run.clone()).filter(|run| !run.is_empty());
    let more = more.iter().cloned();
    let mut named = vec![(say().summary_run(), run)];
    named.extend(more.map(|(name, value)| (name, Some(value))));
    named.extend([
        (say().summary_results(), summary.results.as_ref().map(shown)),
        (
            say().summary_failed(),
            summary.failed_rows.as_ref().map(shown),
        ),
        (say().summary_report(), summary.report.as_ref().map(shown)),
        (say().summary_before(), summary.before.as_ref().map(shown)),
        (say().summary_new(), summary.new_rows.as_ref().map(shown)),
    ]);
    named.retain(|(_, value)| value.is_some());
    let width = named.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0).max(8);
    for (name, value) in named {
        if let Some(value) = value {
            lines.push(format!("{name:<width$} {value}"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}
