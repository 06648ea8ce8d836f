//! Usage errors in the current language.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::l10n::say;
use crate::model::{Code, Declared, Fact};
use crate::send::shown_address;

/// Returns a usage error as one sentence with a remedy, or `None` if only the parser's message is available.
pub(super) fn in_words(error: &clap::Error) -> Option<String> {
    let of = |kind: ContextKind| error.get(kind).map(text_of);
    let argument = || of(ContextKind::InvalidArg);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => say().usage_unknown_argument(argument()?),
        ErrorKind::InvalidSubcommand => {
            say().usage_unknown_command(of(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingSubcommand => say().usage_no_command(),
        ErrorKind::MissingRequiredArgument => say().usage_missing(argument()?),
        ErrorKind::ArgumentConflict => match of(ContextKind::PriorArg) {
            Some(other) => say().usage_conflict(argument()?, other),
            None => return None,
        },
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = of(ContextKind::InvalidValue).unwrap_or_default();
            let value = shown_address(&value);
            match std::error::Error::source(error) {
                Some(why) => say().usage_value_because(value, argument()?, why.to_string()),
                None => match of(ContextKind::ValidValue) {
                    Some(known) => say().usage_value_of(value, argument()?, known),
                    None => say().usage_value(value, argument()?),
                },
            }
        }
        _ => return None,
    };
    let meant = of(ContextKind::SuggestedArg).or_else(|| of(ContextKind::SuggestedSubcommand));
    let meant = meant.map_or(String::new(), |meant| say().usage_meant(meant));
    Some(format!("{what}{meant}; {}", say().usage_help()))
}

/// Returns the parser's message in English, with or without colours.
pub(super) fn of_parser(error: &clap::Error, color: bool) -> String {
    let text = match color {
        true => error.render().ansi().to_string(),
        false => error.render().to_string(),
    };
    let value = error.get(ContextKind::InvalidValue).map(text_of);
    let value = value.filter(|value| !value.is_empty());
    let shown = value.map_or(text.clone(), |value| {
        text.replace(&value, &shown_address(&value))
    });
    shown.trim_end().to_owned()
}

fn text_of(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(several) => several.join(", "),
        other => other.to_string(),
    }
}

/// Returns a usage error as a fact for logs: the kind of the mistake, and the option if it is known. Other
/// arguments are omitted because they may contain secrets or personal data.
pub(super) fn fact(error: &clap::Error) -> Fact {
    let code = match error.kind() {
        ErrorKind::UnknownArgument => Code::UsageUnknownArgument,
        ErrorKind::InvalidSubcommand => Code::UsageUnknownCommand,
        ErrorKind::MissingSubcommand => Code::UsageNoCommand,
        ErrorKind::MissingRequiredArgument => Code::UsageMissing,
        ErrorKind::ArgumentConflict => Code::UsageConflict,
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => Code::UsageValue,
        _ => Code::UsageWrong,
    };
    let written = error.get(ContextKind::InvalidArg).map(text_of);
    let written = written.unwrap_or_default();
    let long = written
        .trim_start_matches("--")
        .split([' ', '=', ','])
        .next()
        .unwrap_or_default();
    let command = super::args::Args::command();
    Fact::new(code).with_names(option_of(&command, long).map(|name| Declared::name(&name)))
}

/// Returns the option with this name, of the program or of any command.
fn option_of(command: &clap::Command, long: &str) -> Option<String> {
    let mut own = command.get_arguments().filter_map(clap::Arg::get_long);
    if let Some(own) = own.find(|own| *own == long) {
        return Some(format!("--{own}"));
    }
    command
        .get_subcommands()
        .find_map(|below| option_of(below, long))
}
