//! Queue metrics as a Prometheus textfile.

use std::fmt::Write as _;
use std::path::Path;

use super::queue::database_of;
use crate::app::AppError;
use crate::journal::{State, Wrong, cell};

/// Writes a Prometheus textfile about the queue, by profile.
pub fn write_queue_metrics(state: &State, path: &Path) -> Result<(), AppError> {
    let database = database_of(state)?;
    let samples = database.change(|tables| {
        let rows = tables.rows(
            "SELECT coalesce(profile, ''),
                    count(*) FILTER (WHERE state = 'waiting' AND due <= now()),
                    count(*) FILTER (WHERE state = 'waiting' AND due > now()),
                    count(*) FILTER (WHERE state = 'running'),
                    count(*) FILTER (WHERE state = 'waiting' AND due < now() - interval '1 minute'),
                    count(*) FILTER (WHERE state = 'held'),
                    count(*) FILTER (WHERE state IN ('stopped', 'failed') AND NOT is_put_away),
                    sum(requests)::bigint, sum(throttled)::bigint
             FROM queued GROUP BY 1 ORDER BY 1",
            &[],
        )?;
        let sample = |row| {
            let numbers = (1..9).map(|column| cell::<i64>(row, column));
            Ok::<_, Wrong>((
                cell::<String>(row, 0)?,
                numbers.collect::<Result<Vec<_>, _>>()?,
            ))
        };
        rows.iter().map(sample).collect::<Result<Vec<_>, _>>()
    })?;
    let mut text = String::new();
    for (place, (name, kind, about)) in QUEUE_METRICS.iter().enumerate() {
        let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}");
        for (profile, numbers) in &samples {
            let profile = profile
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = writeln!(text, "{name}{{profile=\"{profile}\"}} {}", numbers[place]);
        }
    }
    let written = crate::report::WholeFile::write_text(path, &text);
    written.map_err(|error| AppError::Run(error.into()))
}

/// The metrics of the queue: name, type and description
/// (prometheus.io/docs/instrumenting/exposition_formats).
pub const QUEUE_METRICS: [(&str, &str, &str); 8] = [
    (
        "rosterpatch_queue_due",
        "gauge",
        "Files with a batch that can run now.",
    ),
    (
        "rosterpatch_queue_waiting",
        "gauge",
        "Files that wait for their quota or for a pause to end.",
    ),
    (
        "rosterpatch_queue_running",
        "gauge",
        "Files with a batch in progress.",
    ),
    (
        "rosterpatch_queue_late",
        "gauge",
        "Files with a batch that has been due for more than a minute.",
    ),
    (
        "rosterpatch_queue_held",
        "gauge",
        "Files that a guard holds.",
    ),
    (
        "rosterpatch_queue_stopped",
        "gauge",
        "Files that stopped and need attention.",
    ),
    (
        "rosterpatch_queue_requests_total",
        "counter",
        "Requests of completed batches.",
    ),
    (
        "rosterpatch_queue_throttled_total",
        "counter",
        "Requests that the API rejected with a rate limit.",
    ),
];
