//! The command line: arguments taken literally, resolved once into settings, one file a command.
//! The only room that prints, and that knows the environment.

mod args;
mod assemble;
mod check;
mod config;
mod import;
mod interrupt;
mod job;
mod logging;
mod opening;
mod options;
mod packagers;
mod plan;
mod resume;
mod retry;
mod runs;
mod sandbox;
mod settings;
mod show_config;
mod sweep;
mod targets;
mod tell;
mod template;
mod terminal;
mod undo;
mod values;
mod watch;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, ColorChoice, CommandFactory, FromArgMatches};

use crate::model::Exit;
use crate::run::RunError;
use args::{Args, Command, RunsArgs, RunsCommand};

/// Runs the program on the process's arguments. Returns its exit code.
pub fn main() -> ExitCode {
    let args = {
        let matches = Args::command().color(color(std::env::args())).get_matches();
        refuse_misplaced(&matches);
        Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    };
    let result = match &args.command {
        Command::Check(check) => check::run(&args.common, check),
        Command::Template(template) => template::run(&args.common, template),
        Command::Targets(targets) => targets::run(targets),
        Command::Import(import) => import::run(&args.common, import),
        Command::Plan(plan) => plan::run(&args.common, plan),
        Command::Retry(retry) => retry::run(&args.common, retry),
        Command::Sweep(sweep) => sweep::run(&args.common, sweep),
        Command::Watch(watch) => watch::run(&args.common, watch),
        Command::Config(config) => show_config::run(&args.common, config),
        Command::Resume(resume) => resume::run(&args.common, resume),
        Command::Approve(approve) => resume::approve(&args.common, approve),
        Command::Undo(undo) => undo::run(&args.common, undo),
        Command::Runs(RunsArgs { command: None }) => runs::list(&args.common),
        Command::Runs(RunsArgs {
            command: Some(RunsCommand::Prune { older_than }),
        }) => runs::prune(&args.common, older_than),
        Command::Show(show) => runs::show(&args.common, show),
        Command::Report(report) => runs::report(&args.common, report),
        Command::Sandbox(sandbox) => sandbox::run(&args.common, sandbox),
        Command::Completions { shell } => packagers::completions(*shell),
        Command::Man => packagers::man(),
    };
    let exit = result.unwrap_or_else(|error| {
        terminal::error(&whole_text(&error));
        exit_of(&error)
    });
    if let Some(why) = terminal::unwritten() {
        terminal::error(&format!("cannot write to standard output: {why}"));
        if exit == Exit::Success {
            return ExitCode::from(Exit::CannotDo.code());
        }
    }
    ExitCode::from(exit.code())
}

/// Refuses a target on the command line where a run is tried again, which went to its own. One in the
/// environment is for whoever names none.
fn refuse_misplaced(matches: &ArgMatches) {
    let Some(("retry", retry)) = matches.subcommand() else {
        return;
    };
    if retry.contains_id("run") && retry.value_source("target") == Some(ValueSource::CommandLine) {
        let why = "the argument '--run <RUN>' cannot be used with '--target <NAME|FILE.toml>'";
        Args::command()
            .error(clap::error::ErrorKind::ArgumentConflict, why)
            .exit();
    }
}

/// Whether help and errors of the command line have colours: it must be known before they are
/// parsed.
fn color(arguments: impl Iterator<Item = String>) -> ColorChoice {
    let arguments: Vec<String> = arguments.collect();
    let value = arguments.iter().enumerate().find_map(|(index, argument)| {
        match argument.strip_prefix("--color") {
            Some("") => arguments.get(index + 1).map(String::as_str),
            Some(value) => value.strip_prefix('='),
            None => None,
        }
    });
    match value {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// An error and its causes, each said once: many already tell their cause.
fn whole_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

/// A mistake in how the program was called, beyond what the parser of arguments can see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(error) = error.downcast_ref::<RunError>() {
        return error.exit();
    }
    if error.is::<Usage>() {
        return Exit::Usage;
    }
    if error.is::<crate::send::SignInError>() {
        return Exit::Refused;
    }
    Exit::CannotDo
}
