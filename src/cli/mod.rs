//! The command line parses arguments and resolves them into settings. Each command has a module. This is the
//! only layer that prints and that reads the environment.

mod args;
mod commands;
mod config;
mod desktop;
mod fleet_args;
mod front;
mod group;
mod help;
mod local_sandbox;
mod logging;
mod man;
mod options;
mod settings;
mod terminal;
mod usage;
mod values;
mod wanted;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, ColorChoice, CommandFactory, FromArgMatches};

use crate::app::AppError;
use crate::journal::JournalError;
use crate::l10n::say;
use crate::l10n::{self, Language};
use crate::model::{Code, Exit, Fact, with_causes};
use crate::read::{Likely, ReadError};
use crate::report::ReportError;
use crate::run::RunError;
use crate::targets::{Mistakes, TargetError};
use args::{Args, Command, RunsArgs, RunsCommand};
use commands::{
    backup, check, decline, doctor, explain, fleet, history, import, open, packagers, plan, resume,
    retry, runs, sandbox, show_config, sweep, targets, template, undo,
};
use options::GeneralOptions;
use values::{ColorWhen, Label};

/// Returns the declaration of the command line, for manuals and references.
pub fn command() -> clap::Command {
    man::with_examples(Args::command(), "Example")
}

/// Runs the program on the process's arguments. Returns its exit code.
pub fn main() -> ExitCode {
    terminal::prepare();
    let is_desktop = desktop::is_start();
    let exit = run_as_asked(is_desktop);
    if is_desktop && exit != ExitCode::SUCCESS {
        desktop::wait_for_reader();
    }
    exit
}

/// Runs the program on the process's arguments, or on those implied by a start from the desktop.
fn run_as_asked(is_desktop: bool) -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let words: Vec<String> = given
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    if value_of("--log-format", &words) == Some("json") {
        logging::for_programs();
    }
    if let Err(why) = speak_as_asked(&words) {
        return wrong_usage(&why, &Fact::new(Code::UsageLanguage));
    }
    // The journal, logs and reports store names as text.
    if let Some(odd) = given.iter().find(|argument| argument.to_str().is_none()) {
        let why = say().cli_not_text(format!("{odd:?}"));
        return wrong_usage(&why, &Fact::new(Code::UsageNotText));
    }
    let is_command = |word: &str| command().find_subcommand(word).is_some();
    let words = desktop::meant(words, is_desktop, is_command);
    let mut args = match parsed(&words) {
        Ok(args) => args,
        Err(error) if !error.use_stderr() => error.exit(),
        // Without arguments, a short hint is printed instead of the full help.
        Err(_) if words.len() < 2 => {
            terminal::note(&say().cli_start());
            return ExitCode::from(Exit::Usage.code());
        }
        // The parser's own messages are in English and formatted for a terminal.
        Err(error) if logging::is_for_programs() || Language::spoken() != Language::English => {
            let text = usage::in_words(&error);
            let text = text.unwrap_or_else(|| usage::of_parser(&error, false));
            return wrong_usage(&text, &usage::fact(&error));
        }
        Err(error) => {
            let look = terminal::error_look(&GeneralOptions {
                color: color(&words),
                ..GeneralOptions::default()
            });
            terminal::note(&usage::of_parser(&error, look.color));
            return ExitCode::from(Exit::Usage.code());
        }
    };
    let mut ended = run(&args);
    // An unclear encoding is asked for, and the command is repeated with the answer.
    while let Err(error) = &ended {
        match args.command.roster().zip(encoding_in_doubt(error)) {
            Some((roster, (path, likely))) if terminal::can_ask() => {
                let Some(charset) = terminal::ask_encoding(path, likely) else {
                    break;
                };
                roster.encoding = Some(Label(charset.label().to_owned()));
            }
            _ => break,
        }
        ended = run(&args);
    }
    let exit = ended.unwrap_or_else(|error| {
        tell(&error, &args);
        exit_of(&error)
    });
    if let Some(why) = terminal::unwritten() {
        let fact = Fact::new(Code::Stdout).with_io(why);
        terminal::error(&say().front_stdout(why.to_string()), &fact);
        if exit == Exit::Success {
            return ExitCode::from(Exit::CannotDo.code());
        }
    }
    ExitCode::from(exit.code())
}

fn wrong_usage(why: &str, fact: &Fact) -> ExitCode {
    terminal::error(why, fact);
    ExitCode::from(Exit::Usage.code())
}

fn parsed(words: &[String]) -> Result<Args, clap::Error> {
    let mut command = command().color(match color(words) {
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
        ColorWhen::Auto => ColorChoice::Auto,
    });
    if Language::spoken() == Language::Swedish {
        command = help::in_swedish(command);
    }
    let matches = command.try_get_matches_from(words)?;
    refuse_misplaced(&matches)?;
    Args::from_arg_matches(&matches)
}

/// Selects the language from the option, the environment or the locale (POSIX: LC_ALL, LC_MESSAGES, LANG; on
/// Windows, if none is set, the language of the account). It must be known before the arguments are parsed,
/// because usage errors and help depend on it.
fn speak_as_asked(words: &[String]) -> Result<(), String> {
    let asked = value_of("--lang", words).map(str::to_owned);
    let asked = asked.or_else(|| set("ROSTERPATCH_LANG"));
    let language = match asked {
        Some(code) => code.parse()?,
        None => {
            let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
            #[cfg(windows)]
            let locale = locale.or_else(sys_locale::get_locale);
            Language::of_locale(&locale.unwrap_or_default())
        }
    };
    l10n::speak(language);
    Ok(())
}

/// Returns an environment variable that is set and not empty.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the value of an option before the arguments are parsed.
fn value_of<'a>(option: &str, arguments: &'a [String]) -> Option<&'a str> {
    let mut found = arguments
        .iter()
        .enumerate()
        .filter_map(|(index, argument)| match argument.strip_prefix(option)? {
            "" => arguments.get(index + 1).map(String::as_str),
            value => value.strip_prefix('='),
        });
    found.next()
}

fn run(args: &Args) -> anyhow::Result<Exit> {
    report_large_files()?;
    crate::read::start_workers().map_err(AppError::TooFewThreads)?;
    let common = &args.common;
    Ok(match &args.command {
        Command::Check(check) => check::run(common, check)?,
        Command::Template(template) => template::run(common, template)?,
        Command::Targets(targets) => targets::run(common, targets)?,
        Command::Import(import) => import::run(common, import)?,
        Command::Plan(plan) => plan::run(common, plan)?,
        Command::Retry(retry) => retry::run(common, retry)?,
        Command::Sweep(sweep) => sweep::run(common, sweep)?,
        Command::Watch(watch) => sweep::watch_on(common, watch)?,
        Command::Config(config) => show_config::run(common, config)?,
        Command::Resume(resume) => resume::run(common, resume)?,
        Command::Decline(decline) => decline::run(common, decline)?,
        Command::Approve(approve) => resume::approve(common, approve)?,
        Command::Undo(undo) => undo::run(common, undo)?,
        Command::Runs(list @ RunsArgs { command: None, .. }) => runs::list(common, list)?,
        Command::Runs(RunsArgs {
            command: Some(RunsCommand::Prune { older_than }),
            ..
        }) => runs::prune(common, older_than.as_ref())?,
        Command::Show(show) => runs::show(common, show)?,
        Command::Backup(backup) => backup::run(common, backup)?,
        Command::Report(report) => runs::report(common, report)?,
        Command::History(history) => history::run(common, history)?,
        Command::Open(open) => open::run(common, open)?,
        Command::Explain(args) => explain::run(args)?,
        Command::Doctor(doctor) => doctor::run(common, doctor)?,
        Command::Sandbox(sandbox) => sandbox::run(common, sandbox)?,
        Command::Enqueue(enqueue) => fleet::put(common, enqueue)?,
        Command::Work(work) => fleet::at_work(common, work)?,
        Command::Queue(queue) => fleet::list(common, queue)?,
        Command::Database { command } => fleet::database(common, command)?,
        Command::Completions { shell } => packagers::completions(*shell)?,
        Command::Man(which) => packagers::man(which)?,
    })
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail like one to a full disk. Without a handler,
/// the signal SIGXFSZ would end the process without a message.
fn report_large_files() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let signal = rustix::process::Signal::XFSZ.as_raw();
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    Ok(())
}

/// Refuses `--target` for `retry --run`, because the run has its own target. A target in the environment is
/// ignored.
fn refuse_misplaced(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(("retry", retry)) = matches.subcommand() else {
        return Ok(());
    };
    if retry.contains_id("run") && retry.value_source("target") == Some(ValueSource::CommandLine) {
        let why = say().cli_run_with_target();
        return Err(Args::command().error(clap::error::ErrorKind::ArgumentConflict, why));
    }
    Ok(())
}

/// Returns whether help and usage errors have colours. This must be known before the arguments are parsed.
fn color(words: &[String]) -> ColorWhen {
    match value_of("--color", words) {
        Some("always") => ColorWhen::Always,
        Some("never") => ColorWhen::Never,
        _ => ColorWhen::Auto,
    }
}

/// Prints an error. Mistakes in a file are shown with their lines, laid out for the terminal.
fn tell(error: &anyhow::Error, args: &Args) {
    let text = with_causes(error.as_ref());
    match mistakes_of(error) {
        Some(mistakes) if !logging::is_for_programs() => {
            let look = terminal::error_look(&args.common);
            let first = text.lines().next().unwrap_or_default();
            let shown = mistakes.shown(look.width, look.color);
            terminal::error(&format!("{first}\n{shown}"), &fact_of(error));
        }
        _ => terminal::error(&text, &fact_of(error)),
    }
}

/// Returns the mistakes in a file if they caused the error.
fn mistakes_of(error: &anyhow::Error) -> Option<&Mistakes> {
    if let Some(AppError::Config { mistakes }) = error.downcast_ref() {
        return Some(mistakes);
    }
    let of_run = match error.downcast_ref() {
        Some(AppError::Run(of_run)) => Some(of_run),
        _ => error.downcast_ref(),
    };
    let of_target = match of_run {
        Some(RunError::Target(of_target)) => Some(of_target),
        _ => error.downcast_ref(),
    };
    match of_target {
        Some(TargetError::Mistakes { mistakes }) => Some(mistakes),
        _ => None,
    }
}

/// Returns the file whose encoding must be chosen and the likely encodings, if they caused the error.
fn encoding_in_doubt(error: &anyhow::Error) -> Option<(&Path, &[Likely])> {
    let of_run = match error.downcast_ref() {
        Some(AppError::Run(of_run)) => Some(of_run),
        _ => error.downcast_ref(),
    };
    match of_run? {
        RunError::Read(ReadError::UnknownEncoding { path, likely }) if !likely.is_empty() => {
            Some((path, likely))
        }
        _ => None,
    }
}

/// Returns an error as a fact for logs. Of errors of other crates, only the code is logged.
fn fact_of(error: &anyhow::Error) -> Fact {
    if let Some(error) = error.downcast_ref::<AppError>() {
        return error.fact();
    }
    if let Some(error) = error.downcast_ref::<RunError>() {
        return error.fact();
    }
    if let Some(error) = error.downcast_ref::<JournalError>() {
        return error.fact();
    }
    if let Some(error) = error.downcast_ref::<ReadError>() {
        return error.fact();
    }
    if let Some(error) = error.downcast_ref::<ReportError>() {
        return error.fact();
    }
    if let Some(error) = error.downcast_ref::<TargetError>() {
        return error.fact();
    }
    match error.downcast_ref::<std::io::Error>() {
        Some(io) => Fact::new(Code::NotDone).with_io(io),
        None => Fact::new(Code::NotDone),
    }
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(error) = error.downcast_ref::<AppError>() {
        return error.exit();
    }
    let run = error.downcast_ref::<RunError>();
    run.map_or(Exit::CannotDo, RunError::exit)
}
