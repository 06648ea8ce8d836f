//! Run metrics as a Prometheus textfile.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;

use super::error::ReportError;
use super::whole_file::WholeFile;
use crate::model::{Exit, Summary};

/// The outcome of one file, for monitoring.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The name of the target. Empty if unknown.
    pub target: &'a str,
    /// The profile in use. Empty if there is none.
    pub profile: &'a str,
    /// The inbox of the file. Empty if it did not come from an inbox.
    pub inbox: &'a str,
    /// The exit code.
    pub exit: Exit,
    /// The end of the import.
    pub at: Timestamp,
    /// The summary, or `None` if the file was not imported.
    pub summary: Option<&'a Summary>,
}

/// Series by family and labels.
type Series = BTreeMap<&'static str, BTreeMap<String, f64>>;

/// Lists metrics, each as its type, its name and its description.
macro_rules! metrics {
    (@ counter) => { true };
    (@ gauge) => { false };
    ($($kind:ident $name:literal $help:literal)*) => {
        &[$(($name, metrics!(@ $kind), $help)),*]
    };
}
#[cfg(feature = "postgres")]
pub(crate) use metrics;

/// The metrics of runs and inboxes: name, whether it is a counter, and description.
pub const RUN_METRICS: &[(&str, bool, &str)] = metrics! {
    counter "rosterpatch_files_total" "Files by exit code."
    counter "rosterpatch_rows_total" "Rows by state."
    counter "rosterpatch_requests_total" "Requests."
    gauge "rosterpatch_run_rows" "Rows of the last run by state."
    gauge "rosterpatch_run_requests" "Requests of the last run."
    gauge "rosterpatch_run_retries" "Retries of the last run."
    gauge "rosterpatch_run_throttled" "Rate-limited requests of the last run."
    gauge "rosterpatch_run_conflicts" "Values that were changed since they were last written, in the last run."
    gauge "rosterpatch_run_conflicts_kept" "Conflicts in which the last run kept the changed value."
    gauge "rosterpatch_run_duration_seconds" "Duration of the last run, without the time that it was held or interrupted."
    gauge "rosterpatch_run_finished_timestamp_seconds" "When the last file was finished."
    gauge "rosterpatch_run_exit_code" "Exit code of the last file."
    gauge "rosterpatch_inbox_files" "Files of an inbox that are held, waiting or not processed."
    gauge "rosterpatch_inbox_oldest_timestamp_seconds" "When the oldest of them arrived."
};

/// The maximum size of a textfile in bytes.
const MOST: u64 = 4 * 1024 * 1024;

/// Adds the outcome of a file to a Prometheus textfile atomically. Series of other profiles and folders are
/// unchanged. The file contains no personal data and is readable by all accounts. The caller must hold a
/// lock.
pub fn write_metrics(path: &Path, sample: &Sample<'_>) -> Result<(), ReportError> {
    change(path, |series| add(series, sample))
}

/// The files of an inbox with one fate that were not imported.
#[derive(Debug, Clone, Copy)]
pub struct InboxCount {
    /// The fate, as in the journal.
    pub fate: &'static str,
    /// The number of files.
    pub files: u64,
    /// The arrival of the oldest file.
    pub oldest: Option<Timestamp>,
}

/// Writes the number of files of an inbox that were not imported, and the arrival of the oldest. Other series
/// are unchanged.
pub fn write_inbox_metrics(
    path: &Path,
    inbox: &str,
    all: &[InboxCount],
) -> Result<(), ReportError> {
    change(path, |series| {
        for lying in all {
            let inbox = metric_label("inbox", inbox);
            let labels = format!("{inbox},{}", metric_label("fate", lying.fate));
            let files = series.entry("rosterpatch_inbox_files").or_default();
            files.insert(labels.clone(), lying.files as f64);
            let oldest = series
                .entry("rosterpatch_inbox_oldest_timestamp_seconds")
                .or_default();
            match lying.oldest {
                Some(at) => oldest.insert(labels, at.as_millisecond() as f64 / 1000.0),
                None => oldest.remove(&labels),
            };
        }
    })
}

fn change(path: &Path, change: impl FnOnce(&mut Series)) -> Result<(), ReportError> {
    let text = match crate::safe_fs::read_file(path, MOST) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        // An unreadable file is not replaced, because that would reset all counters.
        read => read.map_err(ReportError::write(path))?,
    };
    let mut series = known(&String::from_utf8_lossy(&text));
    change(&mut series);
    let mut file = WholeFile::create(path)?;
    file.put(text_of(&series).as_bytes())?;
    file.share()?;
    file.finish()?;
    Ok(())
}

/// Parses the series of a file that this program wrote.
fn known(text: &str) -> Series {
    let mut series = Series::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once('{') else {
            continue;
        };
        let Some((labels, value)) = rest.rsplit_once("} ") else {
            continue;
        };
        let family = RUN_METRICS.iter().find(|(family, ..)| *family == name);
        if let (Some((family, ..)), Ok(value)) = (family, value.parse()) {
            let family = series.entry(family).or_default();
            family.insert(labels.to_owned(), value);
        }
    }
    series
}

fn add(series: &mut Series, sample: &Sample<'_>) {
    let own = [
        metric_label("target", sample.target),
        metric_label("profile", sample.profile),
        metric_label("inbox", sample.inbox),
    ]
    .join(",");
    let code = sample.exit.code();
    let by_code = format!("{own},exit_code=\"{code}\"");
    let mut put = |family: &'static str, labels: String, value: f64, counts: bool| {
        let held = series.entry(family).or_default().entry(labels).or_default();
        *held = if counts { *held + value } else { value };
    };
    put("rosterpatch_files_total", by_code, 1.0, true);
    let at = sample.at.as_millisecond() as f64 / 1000.0;
    put(
        "rosterpatch_run_finished_timestamp_seconds",
        own.clone(),
        at,
        false,
    );
    put(
        "rosterpatch_run_exit_code",
        own.clone(),
        f64::from(code),
        false,
    );
    let Some(summary) = sample.summary else {
        return;
    };
    for (state, rows) in summary.states.each() {
        let labels = format!("{own},state=\"{state}\"");
        put("rosterpatch_rows_total", labels.clone(), rows as f64, true);
        put("rosterpatch_run_rows", labels, rows as f64, false);
    }
    let requests = summary.requests as f64;
    put("rosterpatch_requests_total", own.clone(), requests, true);
    for (family, value) in [
        ("rosterpatch_run_requests", requests),
        ("rosterpatch_run_retries", summary.retries as f64),
        ("rosterpatch_run_throttled", summary.throttled as f64),
        ("rosterpatch_run_conflicts", summary.conflicts as f64),
        (
            "rosterpatch_run_conflicts_kept",
            summary.conflicts_kept as f64,
        ),
        ("rosterpatch_run_duration_seconds", summary.duration_s),
    ] {
        put(family, own.clone(), value, false);
    }
}

fn text_of(series: &Series) -> String {
    let mut text = String::new();
    for &(name, counts, help) in RUN_METRICS {
        if let Some(family) = series.get(name).filter(|family| !family.is_empty()) {
            put_metric(&mut text, (name, counts, help), family);
        }
    }
    text
}

/// Appends a metric and its samples, each with labels and a value, in Prometheus' text format
/// (prometheus.io/docs/instrumenting/exposition_formats).
pub fn put_metric<L: Display, V: Display>(
    text: &mut String,
    (name, counts, help): (&str, bool, &str),
    samples: impl IntoIterator<Item = (L, V)>,
) {
    let kind = if counts { "counter" } else { "gauge" };
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    for (labels, value) in samples {
        text.push_str(&format!("{name}{{{labels}}} {value}\n"));
    }
}

/// Returns a label with an escaped value.
pub fn metric_label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{}\"", value.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_metrics_have_the_number_of_files_and_the_oldest_arrival() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.prom");
        let lying = |files, oldest| InboxCount {
            fate: "held",
            files,
            oldest,
        };
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        write_inbox_metrics(&path, "/in", &[lying(2, Some(at))]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("rosterpatch_inbox_files{inbox=\"/in\",fate=\"held\"} 2\n"));
        let oldest =
            "rosterpatch_inbox_oldest_timestamp_seconds{inbox=\"/in\",fate=\"held\"} 1700000000\n";
        assert!(text.contains(oldest), "{text}");
        write_inbox_metrics(&path, "/in", &[lying(0, None)]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("rosterpatch_inbox_files{inbox=\"/in\",fate=\"held\"} 0\n"));
        assert!(!text.contains("oldest"), "{text}");
    }

    #[test]
    fn an_unreadable_metrics_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.prom");
        let text = "# a comment that is too long\n".repeat(MOST as usize / 20);
        std::fs::write(&path, &text).unwrap();
        assert!(write_inbox_metrics(&path, "/in", &[]).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn counters_increase_and_series_of_other_inboxes_are_unchanged() {
        let sample = |inbox, exit| Sample {
            target: "meitner",
            profile: "a\"b",
            inbox,
            exit,
            at: Timestamp::UNIX_EPOCH,
            summary: None,
        };
        let mut series = Series::new();
        add(&mut series, &sample("/in/one", Exit::Success));
        add(&mut series, &sample("/in/two", Exit::CannotDo));
        let mut series = known(&text_of(&series));
        add(&mut series, &sample("/in/two", Exit::CannotDo));
        let text = text_of(&series);
        for line in [
            "rosterpatch_files_total{target=\"meitner\",profile=\"a\\\"b\",inbox=\"/in/one\",exit_code=\"0\"} 1",
            "rosterpatch_files_total{target=\"meitner\",profile=\"a\\\"b\",inbox=\"/in/two\",exit_code=\"1\"} 2",
        ] {
            assert!(text.lines().any(|other| other == line), "{text}");
        }
    }
}
