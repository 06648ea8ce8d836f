//! The manual pages consist of the help texts, examples, exit codes and files. They are in English, as usual
//! for administrators' tools.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Args;
use crate::model::Exit;

/// Examples of each command, with a description. The first line of the first one is in its help.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "rosterpatch",
        &[
            (
                "Try it on a simulated API, without credentials:",
                "rosterpatch import elever.csv --target meitner --sandbox",
            ),
            (
                "See what an import would change, then import:",
                "rosterpatch plan elever.csv --target meitner\nrosterpatch import elever.csv --target meitner",
            ),
            (
                "Retry failed rows after correcting them:",
                "rosterpatch retry elever.failed.csv",
            ),
        ],
    ),
    (
        "enqueue",
        &[(
            "Queue a roster with the settings of a profile:",
            "rosterpatch enqueue elever.csv --profile ekskolan",
        )],
    ),
    (
        "work",
        &[(
            "Run a worker that processes four batches at a time:",
            "rosterpatch work --concurrency 4 --state postgres://db.example.org/rosterpatch",
        )],
    ),
    (
        "queue",
        &[
            (
                "List all files, including those whose runs have ended:",
                "rosterpatch queue --all",
            ),
            ("Remove a file:", "rosterpatch queue --remove 12"),
        ],
    ),
    (
        "database",
        &[(
            "Update the tables for a new version:",
            "rosterpatch database migrate --state postgres://db.example.org/rosterpatch",
        )],
    ),
    (
        "check",
        &[(
            "Check a roster and write every problem to a file:",
            "rosterpatch check elever.csv --target meitner --problems problems.csv",
        )],
    ),
    (
        "plan",
        &[
            (
                "Try it on a simulated API, without credentials:",
                "rosterpatch plan elever.csv --target meitner --sandbox",
            ),
            (
                "See what would change, with every change in a file:",
                "rosterpatch plan elever.csv --target meitner --out changes.csv",
            ),
            (
                "Save the plan, and send exactly that:",
                "rosterpatch plan elever.csv --target meitner --save plan.json\nrosterpatch import elever.csv --target meitner --plan plan.json",
            ),
        ],
    ),
    (
        "import",
        &[
            (
                "Try it on a simulated API, without credentials:",
                "rosterpatch import elever.csv --target meitner --sandbox",
            ),
            (
                "From a script, without a question:",
                "rosterpatch import elever.csv --target meitner --yes --progress plain",
            ),
            (
                "Send ten rows first, and continue only if they read back as sent:",
                "rosterpatch import elever.csv --target meitner --canary 10",
            ),
        ],
    ),
    (
        "approve",
        &[(
            "Release a run that a guard holds:",
            "rosterpatch approve 20261122-214547-pnb",
        )],
    ),
    (
        "decline",
        &[(
            "Close a run that a guard holds:",
            "rosterpatch decline 20261122-214547-pnb",
        )],
    ),
    (
        "undo",
        &[
            (
                "Restore the values that a run changed:",
                "rosterpatch undo 20261122-214547-pnb",
            ),
            (
                "Only in some rows:",
                "rosterpatch undo 20261122-214547-pnb --rows 3,17-20",
            ),
        ],
    ),
    (
        "retry",
        &[
            (
                "Retry rows of a run on the simulated API:",
                "rosterpatch retry elever.results.csv --sandbox",
            ),
            (
                "Retry failed rows from a results file:",
                "rosterpatch retry elever.results.csv",
            ),
            (
                "Only those that could not be delivered, without a file:",
                "rosterpatch retry --run 20261122-214547-pnb --only failed,not_sent",
            ),
        ],
    ),
    (
        "sweep",
        &[
            (
                "Try it on a simulated API, without credentials:",
                "rosterpatch sweep inbox --target meitner --sandbox",
            ),
            (
                "In a crontab, each night at two:",
                "0 2 * * * rosterpatch sweep /srv/inbox --profile skola-a --log-format json",
            ),
        ],
    ),
    (
        "watch",
        &[(
            "In a systemd service:",
            "rosterpatch watch /srv/inbox --interval 1m --log-format json",
        )],
    ),
    (
        "config",
        &[(
            "Print the settings of a profile and where each comes from:",
            "rosterpatch config --profile skola-a",
        )],
    ),
    (
        "resume",
        &[("Resume the newest interrupted run:", "rosterpatch resume")],
    ),
    (
        "runs",
        &[
            ("The last five runs:", "rosterpatch runs --limit 5"),
            (
                "Delete runs older than a school year:",
                "rosterpatch runs prune --older-than 400d",
            ),
        ],
    ),
    (
        "show",
        &[(
            "Print the figures of the newest run as JSON:",
            "rosterpatch show --format json",
        )],
    ),
    (
        "report",
        &[(
            "Write the results of the newest run again, to other files:",
            "rosterpatch report --results again.xlsx --report again.html",
        )],
    ),
    (
        "backup",
        &[(
            "Back up the state, and restore it by naming the copy:",
            "rosterpatch backup --out /backup/monday\nrosterpatch runs --state /backup/monday",
        )],
    ),
    (
        "template",
        &[(
            "A roster to start from, for a Swedish spreadsheet:",
            "rosterpatch template --target meitner --headers sv --example > mall.csv",
        )],
    ),
    (
        "targets",
        &[
            (
                "Show the fields, sign-in and quota of an API:",
                "rosterpatch targets show meitner",
            ),
            (
                "Start a target file:",
                "rosterpatch targets show meitner --toml > my-api.toml\nrosterpatch targets schema > target.schema.json",
            ),
            (
                "Test it against the API, with the key of an existing record:",
                "rosterpatch targets test my-api.toml --key 201004022384",
            ),
        ],
    ),
    (
        "open",
        &[
            (
                "Check, correct and send a roster in the browser:",
                "rosterpatch open elever.xlsx --target meitner",
            ),
            (
                "Try the console with the sandbox, without starting a browser:",
                "rosterpatch open elever.csv --target meitner --sandbox --no-browser",
            ),
        ],
    ),
    (
        "history",
        &[
            (
                "List the changes of one record:",
                "rosterpatch history 201004022384",
            ),
            (
                "Write the changes to a file, for a data subject request:",
                "rosterpatch history anna.ek@example.se --out anna.csv",
            ),
        ],
    ),
    (
        "explain",
        &[
            (
                "Explain a code from the results:",
                "rosterpatch explain identity_number.check_digit",
            ),
            ("Every code:", "rosterpatch explain"),
        ],
    ),
    (
        "doctor",
        &[(
            "Check the setup before an import:",
            "rosterpatch doctor --target meitner",
        )],
    ),
    (
        "sandbox",
        &[(
            "Simulate both APIs with faults:",
            "rosterpatch sandbox --seed elever.csv --faults 500=2%,reset=1%",
        )],
    ),
    (
        "completions",
        &[(
            "For bash:",
            "rosterpatch completions bash > ~/.local/share/bash-completion/completions/rosterpatch",
        )],
    ),
    (
        "man",
        &[(
            "Write a page for each command, for a package:",
            "rosterpatch man --out /usr/local/share/man/man1",
        )],
    ),
];

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
        let found = EXAMPLES.iter().find(|(name, _)| *name == sub.get_name());
        let line = found.and_then(|(_, examples)| examples.first()?.1.lines().next());
        match line {
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
    let examples = EXAMPLES.iter().find(|(name, _)| *name == own);
    for (what, command) in examples.map_or(&[][..], |(_, examples)| examples) {
        writeln!(to, ".PP\n{}\n.PP\n.RS 4\n.nf", escaped(what))?;
        for line in command.lines() {
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
        let with: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        for command in &commands {
            assert!(with.contains(&command.as_str()), "{command}");
        }
        assert_eq!(with.len(), commands.len());
        for example in EXAMPLES.iter().flat_map(|(_, examples)| *examples) {
            for line in example.1.lines() {
                let line = line.split(" > ").next().unwrap();
                let start = line.find("rosterpatch").unwrap();
                let parsed = Args::command().try_get_matches_from(line[start..].split(' '));
                assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
            }
        }
    }
}
