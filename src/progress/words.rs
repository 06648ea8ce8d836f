use crate::events::{Plan, RunEvent};
use crate::model::StateCounts;
use crate::report::{OF_RESULTS, count_of, human_duration};

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
                    "left alone, no field of the target: {}",
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

fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", plan.target, plan.base_url)];
    let mut counts = format!("{}: {} to send", count_of(plan.rows, "row"), plan.to_send);
    if plan.invalid > 0 {
        counts.push_str(&format!(", {} invalid", plan.invalid));
    }
    if plan.left_out > 0 {
        counts.push_str(&format!(", {} left out", plan.left_out));
    }
    lines.push(counts);
    if plan.empty_rows > 0 {
        lines.push(format!(
            "{} passed over",
            count_of(plan.empty_rows, "empty row")
        ));
    }
    for (code, count) in &plan.repairs {
        lines.push(format!(
            "{count} cells restored that a spreadsheet had changed: {code}"
        ));
    }
    lines.push(format!(
        "{} at {}: at least {}",
        count_of(plan.to_send, "request"),
        plan.rate,
        human_duration(plan.estimate_s)
    ));
    lines
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
