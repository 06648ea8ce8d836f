use crate::events::RunEvent;
use crate::model::StateCounts;
use crate::report::{OF_RESULTS, human_duration, plan_lines};

/// The lines that say an event to a person; none for what only moves a counter.
pub(super) fn lines(event: &RunEvent) -> Vec<String> {
    match event {
        RunEvent::Reading {
            file,
            dialect,
            columns,
            unknown,
            of_results,
            near_misses,
        } => {
            let mut lines = vec![format!("reading {file}: {dialect}, {columns} columns")];
            if !unknown.is_empty() {
                lines.push(format!(
                    "columns ignored, not fields of the target: {}",
                    unknown.join(", ")
                ));
            }
            if *of_results {
                lines.push(OF_RESULTS.to_owned());
            }
            for (found, meant) in near_misses {
                lines.push(format!("\"{found}\": did you mean \"{meant}\"?"));
            }
            lines
        }
        RunEvent::Planned(plan) => plan_lines(plan),
        RunEvent::LookedUp { done, of } => vec![format!("{done} of {of} looked up")],
        RunEvent::Started { run, .. } => vec![format!("run {run}")],
        RunEvent::RowDone { .. } | RunEvent::Finished(_) => Vec::new(),
        RunEvent::Retrying {
            row,
            attempt,
            wait,
            why,
        } => vec![format!(
            "{}: {why} on attempt {attempt}; again in {}",
            row.map_or("look-up".into(), |row| format!("row {row}")),
            human_duration(wait.as_secs_f64())
        )],
        RunEvent::Waiting { until, wait, why } => vec![format!(
            "nothing is sent until {} ({}): {why}",
            until
                .to_zoned(jiff::tz::TimeZone::system())
                .strftime("%H:%M:%S"),
            human_duration(wait.as_secs_f64())
        )],
        RunEvent::Stopping { why } => {
            vec![format!("stopping: {why}; requests under way may finish")]
        }
    }
}

/// The states that any row is in, with their counts.
pub(super) fn counts(states: &StateCounts) -> String {
    let some: Vec<String> = states
        .each()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    some.join(", ")
}
