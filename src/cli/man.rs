//! The manual pages consist of the help texts, examples, exit codes and files. They are in English, as usual
//! for administrators' tools.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Args;
use crate::model::Exit;

/// The examples: the name of a command, and below it, indented, each description with its command lines. The
/// first line of the first example is in the command's help.
const EXAMPLES: &str = include_str!("examples.txt");

/// Returns the descriptions and the lines of a command's examples.
fn examples_of(command: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut examples: Vec<(&str, Vec<&str>)> = Vec::new();
    let own = EXAMPLES.lines().skip_while(|line| *line != command).skip(1);
    for line in own.take_while(|line| line.starts_with(' ')) {
        match (line.strip_prefix("    "), examples.last_mut()) {
            (Some(line), Some((_, lines))) => lines.push(line),
            _ => examples.push((line.trim(), Vec::new())),
        }
    }
    examples
}

const FILES: [(&str, &str); 5] = [
    (
        "rosterpatch.toml",
        "Settings and profiles, in the working folder; else in the user's config folder ($XDG_CONFIG_HOME/rosterpatch).",
    ),
    (
        "$XDG_STATE_HOME/rosterpatch/journal.sqlite",
        "The journal of every run, readable by its owner alone; --state or ROSTERPATCH_STATE name another folder.",
    ),
    (
        "NAME.results.csv, NAME.failed.csv",
        "The outcome of every row, and the rows that did not succeed, beside the roster; .xlsx if the roster is a workbook.",
    ),
    (
        "NAME.report.html",
        "The report of a run, to print or forward.",
    ),
    (
        "NAME.before.csv, NAME.new.csv",
        "The replaced values, as a roster; rows whose record was not found.",
    ),
];

/// Returns the commands that have a page, by the page's name: `rosterpatch`, `rosterpatch-check` and so on.
pub(super) fn pages() -> Vec<(String, Command)> {
    let mut root = Args::command();
    root.build();
    let mut pages = vec![("rosterpatch".to_owned(), root.clone())];
    for command in root.get_subcommands() {
        if command.get_name() != "help" {
            let name = format!("rosterpatch-{}", command.get_name());
            pages.push((name, command.clone()));
        }
    }
    pages
}

/// Adds an example to the help of each command. `word` is its heading.
pub(super) fn with_examples(command: Command, word: &str) -> Command {
    command.mut_subcommands(|sub| {
        let examples = examples_of(sub.get_name());
        match examples.first().and_then(|(_, lines)| lines.first()) {
            Some(line) => sub.after_help(format!("{word}:\n  {line}")),
            None => sub,
        }
    })
}

/// Writes a page in roff format.
pub(super) fn write(page: &str, command: &Command, to: &mut impl Write) -> io::Result<()> {
    let command = command.clone().display_name(page.to_owned());
    let usage = command.clone().render_usage().to_string();
    let own = page.strip_prefix("rosterpatch-").unwrap_or(page);
    let man = Man::new(command).title(page.to_uppercase());
    man.render_title(to)?;
    man.render_name_section(to)?;
    section(to, "SYNOPSIS")?;
    writeln!(to, "{}", escaped(usage.trim_start_matches("Usage: ")))?;
    man.render_description_section(to)?;
    man.render_options_section(to)?;
    if ["rosterpatch", "runs", "targets", "database"].contains(&own) {
        man.render_subcommands_section(to)?;
    }
    section(to, "EXIT STATUS")?;
    for exit in Exit::ALL {
        entry(to, &exit.code().to_string(), exit.meaning())?;
    }
    section(to, "FILES")?;
    for (name, text) in FILES {
        entry(to, name, text)?;
    }
    section(to, "EXAMPLES")?;
    for (what, lines) in examples_of(own) {
        writeln!(to, ".PP\n{}\n.PP\n.RS 4\n.nf", escaped(what))?;
        for line in lines {
            writeln!(to, "{}", escaped(line))?;
        }
        writeln!(to, ".fi\n.RE")?;
    }
    section(to, "SEE ALSO")?;
    let others = pages().into_iter().map(|(name, _)| name);
    let others: Vec<String> = others
        .filter(|name| name != page)
        .map(|name| format!("\\fB{}\\fR(1)", escaped(&name)))
        .collect();
    writeln!(to, "{}", others.join(",\n"))
}

fn section(to: &mut impl Write, name: &str) -> io::Result<()> {
    writeln!(to, ".SH {name}")
}

fn entry(to: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(to, ".TP\n\\fB{}\\fR\n{}", escaped(name), escaped(text))
}

/// Escapes a line for roff: hyphens can be copied, and no line is a request.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_valid_examples() {
        let commands: Vec<String> = pages()
            .into_iter()
            .map(|(page, _)| page.trim_start_matches("rosterpatch-").to_owned())
            .collect();
        let with: Vec<&str> = EXAMPLES
            .lines()
            .filter(|line| !line.starts_with(' '))
            .collect();
        for command in &commands {
            assert!(with.contains(&command.as_str()), "{command}");
        }
        assert_eq!(with.len(), commands.len());
        for (_, lines) in with.iter().flat_map(|command| examples_of(command)) {
            for line in lines {
                let line = line.split(" > ").next().unwrap();
                let start = line.find("rosterpatch").unwrap();
                let parsed = Args::command().try_get_matches_from(line[start..].split(' '));
                assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
            }
        }
    }
}
