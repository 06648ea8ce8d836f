//! Logging writes lines to standard error in the chosen format.

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

use super::options::{GeneralOptions, LogFormat};
use crate::clock::Clock;
use crate::model::{Fact, visible};

/// Whether the log is for programs: then every line of standard error is JSON.
static IS_FOR_PROGRAMS: AtomicBool = AtomicBool::new(false);

/// Whether the log is for programs.
pub(in crate::cli) fn is_for_programs() -> bool {
    IS_FOR_PROGRAMS.load(Ordering::Relaxed)
}

/// Whether each line of standard error begins with the time: for an unattended command whose lines go to a
/// file. A terminal shows when a line comes, and journald keeps the time of each.
static HAS_TIMES: AtomicBool = AtomicBool::new(false);

/// The time that a line for people begins with, where lines have one.
pub(in crate::cli) fn time() -> String {
    if !HAS_TIMES.load(Ordering::Relaxed) {
        return String::new();
    }
    let now = crate::clock::SystemClock.timestamp();
    let zoned = now.to_zoned(jiff::tz::TimeZone::system());
    format!("{} ", zoned.strftime("%Y-%m-%dT%H:%M:%S%:z"))
}

/// Begins each line with the time, unless a terminal or journald reads it.
pub(in crate::cli) fn with_times() {
    let is_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let has_times = !is_journal && !std::io::stderr().is_terminal();
    HAS_TIMES.store(has_times, Ordering::Relaxed);
}

/// Takes note that the log is for programs, before the arguments are parsed: their errors belong there.
pub(in crate::cli) fn for_programs() {
    IS_FOR_PROGRAMS.store(true, Ordering::Relaxed);
}

/// Writes an error into the log that is for programs, also where it has not begun.
pub(in crate::cli) fn error(fact: &Fact) {
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
    // Nobody may be reading any more.
    let line = line.unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "{}", visible(&line));
}

/// Sends the program's log lines to standard error, around the bar if there is one. Only this crate's log lines:
/// those of libraries might contain addresses or headers.
pub(in crate::cli) fn start(common: &GeneralOptions, bar: Option<ProgressBar>) {
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
        // Between lines for people, the time of some would stand out.
        LogFormat::Text => layer.with_target(false).without_time().boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let own = Targets::new().with_target("rosterpatch", level);
    // A second start in one process keeps the first.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(own))
        .try_init();
}

/// The time in the form of the other lines.
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
        // A line comes whole, and what it says may be a file's name.
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
