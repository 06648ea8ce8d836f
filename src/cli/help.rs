//! The Swedish help texts of the options.

use clap::{Arg, ArgAction, Command};

use super::help_texts::{DEFAULTS, HEADINGS, SWEDISH};

/// Returns a command with its help in Swedish.
pub(in crate::cli) fn in_swedish(command: Command) -> Command {
    let is_root = command.get_name() == "rosterpatch";
    let mut command = translated(command)
        .help_template("{about-with-newline}\nAnvändning: {usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("Kommandon")
        .subcommand_value_name("KOMMANDO")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("Visa hjälp (kort med -h, hela med --help)")
                .help_heading("Allmänt"),
        );
    if is_root {
        command = command.disable_version_flag(true).arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Visa version")
                .help_heading("Allmänt"),
        );
    }
    command.mut_subcommands(in_swedish)
}

fn translated(command: Command) -> Command {
    let about = command.get_about().map(|text| swedish(&text.to_string()));
    let long_about = command
        .get_long_about()
        .map(|text| swedish(&text.to_string()));
    let after = command
        .get_after_help()
        .map(|text| text.to_string().replace("Example:", "Exempel:"));
    let mut command = command.mut_args(|arg| {
        let help = arg.get_help().map(|text| swedish(&text.to_string()));
        let long_help = arg.get_long_help().map(|text| swedish(&text.to_string()));
        let heading = match arg.get_help_heading() {
            Some(heading) => HEADINGS
                .iter()
                .find(|(known, _)| *known == heading)
                .map_or("Flaggor", |(_, swedish)| *swedish),
            None if arg.is_positional() => "Argument",
            None => "Flaggor",
        };
        let mut arg = arg.help_heading(heading);
        if let Some(help) = help {
            arg = arg.help(help);
        }
        if let Some(help) = long_help {
            arg = arg.long_help(help);
        }
        arg
    });
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    if let Some(after) = after {
        command = command.after_help(after);
    }
    command
}

/// Returns the translation of a help text with its default, or the English text if there is none, which a
/// test detects.
fn swedish(english: &str) -> String {
    let (text, default) = match english.rsplit_once(" [default: ") {
        Some((text, default)) => (text, default.strip_suffix(']')),
        None => (english, None),
    };
    let of = |table: &[(&str, &'static str)], text: &str| {
        let found = table.iter().find(|(known, _)| *known == text);
        found.map(|(_, swedish)| *swedish)
    };
    let swedish = of(SWEDISH, text).unwrap_or(text);
    match default {
        None => swedish.to_owned(),
        Some(default) => {
            let default = of(DEFAULTS, default).unwrap_or(default);
            format!("{swedish} [annars: {default}]")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::super::args::Args;
    use super::*;

    /// Collects every help text without its default.
    fn texts(command: &Command, found: &mut BTreeSet<String>) {
        let mut add = |text: String| {
            let text = match text.rsplit_once(" [default: ") {
                Some((text, _)) => text.to_owned(),
                None => text,
            };
            found.insert(text);
        };
        let about = [command.get_about(), command.get_long_about()];
        about
            .into_iter()
            .flatten()
            .for_each(|text| add(text.to_string()));
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let help = [arg.get_help(), arg.get_long_help()];
            help.into_iter()
                .flatten()
                .for_each(|text| add(text.to_string()));
            if let Some(heading) = arg.get_help_heading() {
                assert!(
                    HEADINGS.iter().any(|(known, _)| *known == heading),
                    "{heading}"
                );
            }
        }
        command
            .get_subcommands()
            .for_each(|command| texts(command, found));
    }

    #[test]
    fn every_help_text_has_a_swedish_translation_and_none_is_unused() {
        let mut found = BTreeSet::new();
        texts(&Args::command(), &mut found);
        let known: BTreeSet<String> = SWEDISH.iter().map(|(text, _)| (*text).to_owned()).collect();
        let missing: Vec<&String> = found.difference(&known).collect();
        let idle: Vec<&String> = known.difference(&found).collect();
        assert!(
            missing.is_empty() && idle.is_empty(),
            "missing {missing:#?}, idle {idle:#?}"
        );
    }

    #[test]
    fn defaults_are_shown_after_translated_help_texts() {
        assert_eq!(
            swedish("The sheet of a workbook [default: the first visible]"),
            "Bladet i en arbetsbok [annars: det första synliga]"
        );
    }
}
