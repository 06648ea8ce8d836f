//! Logging to standard error as text or JSON.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, filter::Targets, fmt};

use super::options::GeneralOptions;
use super::values::LogFormat;
use crate::clock::Clock;
use crate::model::{Fact, visible};

/// Whether the log format is JSON. Every line on standard error is then JSON.
static IS_FOR_PROGRAMS: AtomicBool = AtomicBool::new(false);

/// Returns whether the log format is JSON.
pub(super) fn is_for_programs() -> bool {
    IS_FOR_PROGRAMS.load(Ordering::Relaxed)
}

/// Whether each line on standard error starts with the time, for unattended commands whose output goes to a
/// file. Terminals show lines immediately, and journald records the time itself.
static HAS_TIMES: AtomicBool = AtomicBool::new(false);

/// Returns the time prefix of a line, or an empty string if lines have none.
pub(super) fn time() -> String {
    if !HAS_TIMES.load(Ordering::Relaxed) {
        return String::new();
    }
    let now = crate::clock::SystemClock.timestamp();
    let zoned = now.to_zoned(jiff::tz::TimeZone::system());
    format!("{} ", zoned.strftime("%Y-%m-%dT%H:%M:%S%:z"))
}

/// Enables the time prefix, unless a terminal or journald reads the lines.
pub(super) fn with_times() {
    let is_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let has_times = !is_journal && !std::io::stderr().is_terminal();
    HAS_TIMES.store(has_times, Ordering::Relaxed);
}

/// Selects the JSON format before the arguments are parsed, so that usage errors are logged in it.
pub(super) fn for_programs() {
    IS_FOR_PROGRAMS.store(true, Ordering::Relaxed);
}

/// Writes an error to the JSON log, even if logging has not started.
pub(super) fn error(fact: &Fact) {
    if tracing::dispatcher::has_been_set() {
        crate::log::error(fact);
        return;
    }
    #[derive(Serialize)]
    struct Line<'a> {
        timestamp: Timestamp,
        level: &'static str,
        message: String,
        #[serde(flatten)]
        fact: &'a Fact,
        target: &'static str,
    }
    let line = serde_json::to_string(&Line {
        timestamp: crate::clock::SystemClock.timestamp(),
        level: "ERROR",
        message: fact.code().sentence(),
        fact,
        target: "rosterpatch",
    });
    // A closed standard error is ignored.
    let line = line.unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "{}", visible(&line));
}

/// Starts logging to standard error, above the bar if there is one. Only this crate's lines are logged,
/// because those of libraries could contain addresses or headers.
pub(super) fn start(common: &GeneralOptions, bar: Option<ProgressBar>) {
    let is_json = common.log_format == LogFormat::Json;
    IS_FOR_PROGRAMS.store(is_json, Ordering::Relaxed);
    let level = match (common.quiet, common.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, true) => LevelFilter::DEBUG,
        _ if common.log_format == LogFormat::Json => LevelFilter::INFO,
        _ => LevelFilter::WARN,
    };
    let writer = AroundBar { bar };
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    let layer: Box<dyn Layer<_> + Send + Sync> = match common.log_format {
        LogFormat::Text if HAS_TIMES.load(Ordering::Relaxed) => {
            layer.with_target(false).with_timer(OwnTime).boxed()
        }
        // Other lines on a terminal have no time either.
        LogFormat::Text => layer.with_target(false).without_time().boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let own = Targets::new().with_target("rosterpatch", level);
    // A second start in the same process has no effect.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(own))
        .try_init();
}

/// Formats the time as in all other lines.
struct OwnTime;

impl FormatTime for OwnTime {
    fn format_time(&self, line: &mut Writer<'_>) -> std::fmt::Result {
        line.write_str(time().trim_end())
    }
}

#[derive(Clone)]
struct AroundBar {
    bar: Option<ProgressBar>,
}

impl Write for AroundBar {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Each write is a complete line. It may contain a file name, so control characters are escaped.
        let text = String::from_utf8_lossy(bytes);
        let write = || std::io::stderr().write_all(visible(&text).as_bytes());
        match &self.bar {
            Some(bar) => bar.suspend(write)?,
            None => write()?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for AroundBar {
    type Writer = AroundBar;

    fn make_writer(&'a self) -> AroundBar {
        self.clone()
    }
}
