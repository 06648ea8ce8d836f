//! Terminal input and output, with detection of lost output.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::options::GeneralOptions;
use super::values::{ColorWhen, LogFormat, ProgressKind};
use crate::app::AppError;
use crate::clock::SystemClock;
use crate::events::{Observer, Unobserved};
use crate::l10n::say;
use crate::model::{Fact, visible};
use crate::progress::{Bar, JsonLines, LogEvents, PlainLines};
use crate::read::{Charset, Likely, ReadError};
use crate::report::Look;
use crate::run::RunError;

/// The first error of writing to standard output.
static UNWRITTEN: OnceLock<std::io::Error> = OnceLock::new();

/// Enables escape sequences for colours on the Windows console, if supported.
pub(super) fn prepare() {
    #[cfg(windows)]
    for console in [
        winapi_util::console::Console::stdout(),
        winapi_util::console::Console::stderr(),
    ] {
        // Output that is not a console needs no setup.
        let _ = console.and_then(|mut console| console.set_virtual_terminal_processing(true));
    }
}

/// Writes to standard output. A closed pipe is ignored; see [`unwritten`] for other errors.
pub(super) fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(visible(text).as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        // Only the first error is kept.
        let _ = UNWRITTEN.set(error);
    }
}

/// Writes a line to standard output, as [`out`] does.
pub(super) fn line(text: &str) {
    out(&format!("{text}\n"));
}

/// Returns the error of writing to standard output, if output was lost.
pub(super) fn unwritten() -> Option<&'static std::io::Error> {
    UNWRITTEN.get()
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    let time = super::logging::time();
    let _ = writeln!(std::io::stderr(), "{time}{}", visible(text));
}

/// Writes an error to standard error as text, or as a fact if the log format is JSON.
pub(super) fn error(text: &str, fact: &Fact) {
    if super::logging::is_for_programs() {
        super::logging::error(fact);
    } else {
        note(&format!("rosterpatch: {text}"));
    }
}

/// Writes an error of an unattended command to a log or cron mail, without content of a roster.
pub(super) fn unwatched_error(name: &str, fact: &Fact) {
    let text = format!("{name}: {}", fact.in_words());
    match fact.path() {
        Some(_) => error(&text, fact),
        None => error(&text, &fact.clone().at_path(Path::new(name))),
    }
}

/// Returns the layout of text on standard output.
pub(super) fn look(common: &GeneralOptions) -> Look {
    look_of(common, &console::Term::stdout())
}

/// Returns the layout of text on standard error.
pub(super) fn error_look(common: &GeneralOptions) -> Look {
    look_of(common, &console::Term::stderr())
}

fn look_of(common: &GeneralOptions, stream: &console::Term) -> Look {
    let is_terminal = stream.is_term();
    // NO_COLOR counts only if it is not empty (no-color.org).
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    let size = stream.size_checked().filter(|_| is_terminal);
    Look {
        width: size.map(|(_, columns)| usize::from(columns)),
        color: match common.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => is_terminal && !no_color && !is_dumb,
        },
    }
}

/// Returns whether standard output is a terminal.
pub(super) fn shows_out() -> bool {
    std::io::stdout().is_terminal()
}

pub(super) fn shows_errors() -> bool {
    std::io::stderr().is_terminal()
}

pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question. Only an explicit yes counts as consent.
pub(super) fn ask(question: &str) -> bool {
    answer(question) == Some(true)
}

/// Asks a question. Returns `None` if the input ends without an answer.
pub(super) fn answer(question: &str) -> Option<bool> {
    let answer = entered(&format!(
        "{} {}",
        visible(question),
        say().front_ask_ending()
    ))?;
    let answer = answer.to_lowercase();
    Some(matches!(answer.as_str(), "y" | "yes" | "j" | "ja"))
}

/// Returns the line that the user enters, without surrounding space, or `None` if the input ends.
fn entered(question: &str) -> Option<String> {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{question} ");
    let _ = stderr.flush();
    let mut line = String::new();
    let length = std::io::stdin().lock().read_line(&mut line).ok()?;
    (length > 0).then(|| line.trim().to_owned())
}

/// Runs `work` on a roster, and again with the sheet that the user chooses if several are possible.
pub(super) fn choosing_sheet<T>(
    mut work: impl FnMut(Option<String>) -> Result<T, AppError>,
) -> Result<T, AppError> {
    match work(None) {
        Err(AppError::Run(RunError::Read(ReadError::SeveralSheets { path, sheets })))
            if can_ask() =>
        {
            match chosen(&sheets) {
                Some(sheet) => work(Some(sheet)),
                None => Err(RunError::from(ReadError::SeveralSheets { path, sheets }).into()),
            }
        }
        done => done,
    }
}

/// Asks for one of the sheets by number.
fn chosen(sheets: &[String]) -> Option<String> {
    for (number, sheet) in (1..).zip(sheets) {
        note(&format!("{number:>4}  {sheet}"));
    }
    sheets.get(ask_number(&say().front_which_sheet())?).cloned()
}

/// Asks for one of the likely encodings of a file. Returns `None` if none is chosen.
pub(super) fn ask_encoding(path: &Path, likely: &[Likely]) -> Option<Charset> {
    note(&say().read_ask_encoding(path.display().to_string()));
    for (number, one) in (1..).zip(likely) {
        let words = one.word.as_str();
        note(&format!("{number:>4}  {words}  ({})", one.charset.name()));
    }
    Some(likely.get(ask_number(&say().read_ask_which())?)?.charset)
}

/// Asks for a number from 1 on. Returns it as an index from 0 on.
fn ask_number(question: &str) -> Option<usize> {
    let number: usize = entered(question)?.parse().ok()?;
    number.checked_sub(1)
}

/// Returns the observer of a run, and its bar, above which log lines are printed.
pub(super) fn observer(
    common: &GeneralOptions,
) -> (Box<dyn Observer>, Option<indicatif::ProgressBar>) {
    let kind = match common.progress {
        _ if common.quiet => ProgressKind::None,
        // A JSON log must not contain progress lines for people.
        ProgressKind::Auto if common.log_format == LogFormat::Json => {
            return (Box::new(LogEvents::new(common.verbose)), None);
        }
        ProgressKind::Auto if std::io::stderr().is_terminal() => ProgressKind::Bar,
        ProgressKind::Auto => ProgressKind::Plain,
        kind => kind,
    };
    match kind {
        ProgressKind::Bar => {
            let bar = Bar::new(common.verbose, error_look(common).color);
            let handle = bar.handle();
            (Box::new(bar), Some(handle))
        }
        ProgressKind::Json => (Box::new(JsonLines::default()), None),
        ProgressKind::None => (Box::new(Unobserved), None),
        ProgressKind::Plain | ProgressKind::Auto => (
            Box::new(PlainLines::new(
                Arc::new(SystemClock),
                common.verbose,
                super::logging::time,
            )),
            None,
        ),
    }
}
