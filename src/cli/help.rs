//! The Swedish help of commands and options.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command};

/// The Swedish texts by key. The English texts are the doc comments of the declarations.
struct Catalogue(BTreeMap<String, &'static str>);

impl Catalogue {
    fn new() -> Catalogue {
        let mut texts = BTreeMap::new();
        let mut message = "";
        for line in include_str!("../l10n/help/sv.ftl").lines() {
            let Some((name, text)) = line.split_once(" = ") else {
                continue;
            };
            let key = match name.trim_start().strip_prefix('.') {
                Some(attribute) => format!("{message}.{attribute}"),
                None => {
                    message = name;
                    name.to_owned()
                }
            };
            texts.insert(key, text);
        }
        Catalogue(texts)
    }

    /// Returns a text. A test detects if there is none.
    fn get(&self, key: &str) -> &'static str {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// Returns the key of an option: its own in this command, or that of several commands.
    fn key_of(&self, command: &str, arg: &Arg) -> String {
        let name = arg.get_long().unwrap_or(arg.get_id().as_str());
        let own = format!("{command}--{name}");
        match self.0.contains_key(&own) {
            true => own,
            false => format!("help--{name}"),
        }
    }

    fn heading(&self, arg: &Arg) -> &'static str {
        match arg.get_help_heading() {
            Some(heading) => self.get(&heading_key(heading)),
            None if arg.is_positional() => self.get("heading-arguments"),
            None => self.get("heading-options"),
        }
    }

    /// Returns an argument with its help in Swedish.
    fn argument(&self, command: &str, arg: Arg) -> Arg {
        let heading = self.heading(&arg);
        let arg = arg.help_heading(heading);
        if arg.is_hide_set() {
            return arg;
        }
        let key = self.key_of(command, &arg);
        let help = self.get(&key);
        let default = arg
            .get_help()
            .and_then(|help| default_of(&help.to_string()));
        let translated = self.0.get(&format!("{key}.default"));
        let default = translated.map(|text| (*text).to_owned()).or(default);
        let whole = |text: &str| match &default {
            Some(default) => format!("{text} [annars: {default}]"),
            None => text.to_owned(),
        };
        let long = self.0.get(&format!("{key}.long")).copied().unwrap_or(help);
        let has_long = arg.get_long_help().is_some();
        let arg = arg.help(whole(help));
        match has_long {
            true => arg.long_help(whole(long)),
            false => arg,
        }
    }

    /// Returns a command with its help in Swedish. `key` is that of the command.
    fn command(&self, key: &str, command: Command) -> Command {
        let general = self.get("heading-general");
        let usage = self.get("heading-usage");
        let mut command = command
            .mut_args(|arg| self.argument(key, arg))
            .about(self.get(key))
            .help_template(format!(
                "{{about-with-newline}}\n{usage}: {{usage}}\n\n{{all-args}}{{after-help}}"
            ))
            .subcommand_help_heading(self.get("heading-commands"))
            .subcommand_value_name(self.get("value-command"))
            .disable_help_flag(true)
            .disable_help_subcommand(true)
            .arg(
                Arg::new("help")
                    .short('h')
                    .long("help")
                    .action(ArgAction::Help)
                    .help(self.get("help--help"))
                    .help_heading(general),
            );
        if key == ROOT {
            command = command.disable_version_flag(true).arg(
                Arg::new("version")
                    .short('V')
                    .long("version")
                    .action(ArgAction::Version)
                    .help(self.get("help--version"))
                    .help_heading(general),
            );
        }
        command.mut_subcommands(|sub| {
            let key = format!("{key}-{}", sub.get_name());
            self.command(&key, sub)
        })
    }
}

/// The key of the program itself.
const ROOT: &str = "help";

fn heading_key(heading: &str) -> String {
    format!("heading-{}", heading.to_lowercase())
}

/// Returns a command line with its help in Swedish.
pub(super) fn in_swedish(command: Command) -> Command {
    let catalogue = Catalogue::new();
    let command = catalogue.command(ROOT, command);
    super::man::with_examples(command, catalogue.get("heading-example"))
}

/// Returns the default at the end of a help text.
fn default_of(help: &str) -> Option<String> {
    let (_, default) = help.rsplit_once(" [default: ")?;
    default.strip_suffix(']').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::command;
    use super::*;

    /// Collects the keys of a command and its options.
    fn keys(catalogue: &Catalogue, key: &str, command: &Command, found: &mut BTreeSet<String>) {
        found.insert(key.to_owned());
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let key = catalogue.key_of(key, arg);
            let short = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let long = arg.get_long_help().map(ToString::to_string);
            if long.is_some_and(|long| long != short) {
                found.insert(format!("{key}.long"));
            }
            let has_words = default_of(&short).is_some_and(|default| default.contains(' '));
            let translated = format!("{key}.default");
            if has_words || catalogue.0.contains_key(&translated) {
                assert!(default_of(&short).is_some(), "{key} has no default");
                found.insert(translated);
            }
            found.insert(key);
            found.extend(arg.get_help_heading().map(heading_key));
        }
        for sub in command.get_subcommands() {
            keys(catalogue, &format!("{key}-{}", sub.get_name()), sub, found);
        }
    }

    #[test]
    fn every_command_and_option_has_a_swedish_text_and_none_is_unused() {
        let catalogue = Catalogue::new();
        let mut found: BTreeSet<String> = [
            "heading-usage",
            "heading-commands",
            "heading-arguments",
            "heading-options",
            "heading-example",
            "value-command",
            "help--help",
            "help--version",
        ]
        .map(str::to_owned)
        .into();
        keys(&catalogue, ROOT, &command(), &mut found);
        let known: BTreeSet<String> = catalogue.0.keys().cloned().collect();
        let missing: Vec<&String> = found.difference(&known).collect();
        let idle: Vec<&String> = known.difference(&found).collect();
        assert!(
            missing.is_empty() && idle.is_empty(),
            "missing {missing:#?}, idle {idle:#?}"
        );
    }

    #[test]
    fn defaults_are_shown_after_translated_help_texts() {
        let command = in_swedish(command());
        let check = command.find_subcommand("check").unwrap();
        let sheet = check
            .get_arguments()
            .find(|arg| arg.get_long() == Some("sheet"));
        let help = sheet.and_then(Arg::get_help).unwrap().to_string();
        assert_eq!(help, "Bladet i en arbetsbok [annars: det första synliga]");
        let example = check.get_after_help().unwrap().to_string();
        assert!(
            example.starts_with("Exempel:\n  rosterpatch check "),
            "{example}"
        );
    }
}
