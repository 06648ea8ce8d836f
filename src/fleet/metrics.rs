//! Queue metrics as a Prometheus textfile.

use std::path::Path;

use super::queue::database_of;
use crate::app::AppError;
use crate::journal::{State, Wrong, cell};
use crate::report::{WholeFile, metric_label, metrics, put_metric};

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
    for (place, metric) in QUEUE_METRICS.iter().enumerate() {
        let samples = samples.iter();
        let samples =
            samples.map(|(profile, numbers)| (metric_label("profile", profile), numbers[place]));
        put_metric(&mut text, *metric, samples);
    }
    let written = WholeFile::write_text(path, &text);
    written.map_err(|error| AppError::Run(error.into()))
}

/// The metrics of the queue: name, whether it is a counter, and description.
pub const QUEUE_METRICS: &[(&str, bool, &str)] = metrics! {
    gauge "rosterpatch_queue_due" "Files with a batch that can run now."
    gauge "rosterpatch_queue_waiting" "Files that wait for their quota or for a pause to end."
    gauge "rosterpatch_queue_running" "Files with a batch in progress."
    gauge "rosterpatch_queue_late" "Files with a batch that has been due for more than a minute."
    gauge "rosterpatch_queue_held" "Files that a guard holds."
    gauge "rosterpatch_queue_stopped" "Files that stopped and need attention."
    counter "rosterpatch_queue_requests_total" "Requests of completed batches."
    counter "rosterpatch_queue_throttled_total" "Requests that the API rejected with a rate limit."
};
