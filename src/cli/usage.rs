//! What is wrong with a command line, in the language that is spoken.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::l10n::say;

/// A mistake of the command line in one sentence, and what to do; none where the parser's own words are
/// all that is known.
pub(in crate::cli) fn in_words(error: &clap::Error) -> Option<String> {
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

fn text_of(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(several) => several.join(", "),
        other => other.to_string(),
    }
}
