use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use super::error::ReportError;
use super::whole_file::WholeFile;
use crate::model::Summary;

/// Writes a run's figures as a Prometheus textfile, whole or not at all, for a collector of another
/// user to read: it holds no personal data.
///
/// # Errors
/// When the file cannot be written.
pub fn write_metrics(
    path: &Path,
    summary: &Summary,
    profile: Option<&str>,
) -> Result<(), ReportError> {
    let labels = format!(
        "target=\"{}\",profile=\"{}\"",
        escape(&summary.target),
        escape(profile.unwrap_or_default())
    );
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut family = |name: &str, help: &str, values: &[(String, f64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (more, value) in values {
            let _ = writeln!(text, "{name}{{{labels}{more}}} {value}");
        }
    };
    let states: Vec<(String, f64)> = summary
        .states
        .each()
        .into_iter()
        .map(|(state, rows)| (format!(",state=\"{state}\""), rows as f64))
        .collect();
    family(
        "rosterpatch_run_rows",
        "Rows of the last run by state.",
        &states,
    );
    let finished = summary.finished_at.as_millisecond() as f64 / 1000.0;
    for (name, help, value) in [
        (
            "requests",
            "Requests of the last run.",
            summary.requests as f64,
        ),
        ("retries", "Requests made again.", summary.retries as f64),
        (
            "throttled",
            "Answers that said to slow down.",
            summary.throttled as f64,
        ),
        (
            "duration_seconds",
            "Time that the last run took.",
            summary.duration_s,
        ),
        (
            "finished_timestamp_seconds",
            "When the last run ended.",
            finished,
        ),
        (
            "exit_code",
            "Exit code of the last run.",
            f64::from(summary.exit_code.code()),
        ),
    ] {
        let name = format!("rosterpatch_run_{name}");
        family(&name, help, &[(String::new(), value)]);
    }
    let mut file = WholeFile::create(path)?;
    let explain = file.explain();
    file.write_all(text.as_bytes()).map_err(explain)?;
    let path = file.finish()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, readable).map_err(|source| ReportError::Write {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

/// A label's value (the Prometheus exposition format).
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
