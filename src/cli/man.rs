//! The manual pages: what the options say of themselves, with examples, exit codes and files. English, as
//! manual pages of programs for administrators are.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Args;
use crate::model::Exit;

/// Examples of each command, each with what it does.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "rosterpatch",
        &[
            (
                "Try it on a sandbox of its own, without credentials:",
                "rosterpatch import elever.csv --target meitner --sandbox",
            ),
            (
                "See what an import would change, then import:",
                "rosterpatch plan elever.csv --target meitner\nrosterpatch import elever.csv --target meitner",
            ),
            (
                "Import again what failed, once it is mended:",
                "rosterpatch retry elever.failed.csv",
            ),
        ],
    ),
    (
        "enqueue",
        &[(
            "Have any of the workers import a roster, as a profile says:",
            "rosterpatch enqueue elever.csv --profile ekskolan --state postgres://rosterpatch@db.example.org/rosterpatch",
        )],
    ),
    (
        "work",
        &[(
            "Import what waits in the queue, four slices at a time:",
            "rosterpatch work --concurrency 4 --state postgres://rosterpatch@db.example.org/rosterpatch",
        )],
    ),
    (
        "queue",
        &[
            (
                "See what waits, what is being imported, and what has ended:",
                "rosterpatch queue --all",
            ),
            ("Take a file out of it:", "rosterpatch queue --remove 12"),
        ],
    ),
    (
        "database",
        &[(
            "Make the tables of a new version:",
            "rosterpatch database migrate --state postgres://rosterpatch@db.example.org/rosterpatch",
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
                "See what would change, with every change in a file:",
                "rosterpatch plan elever.csv --target meitner --out changes.csv",
            ),
            (
                "Keep the plan, and send exactly that:",
                "rosterpatch plan elever.csv --target meitner --save plan.json\nrosterpatch import elever.csv --target meitner --plan plan.json",
            ),
        ],
    ),
    (
        "import",
        &[
            (
                "From a script, where nobody can be asked:",
                "rosterpatch import elever.csv --target meitner --yes --progress plain",
            ),
            (
                "Send ten rows first, and go on only if the API holds them:",
                "rosterpatch import elever.csv --target meitner --canary 10",
            ),
        ],
    ),
    (
        "approve",
        &[(
            "Release a run that a guard held:",
            "rosterpatch approve 20261122-214547-pnb",
        )],
    ),
    (
        "undo",
        &[(
            "Put back what a run changed:",
            "rosterpatch undo 20261122-214547-pnb",
        )],
    ),
    (
        "retry",
        &[
            (
                "Import again the rows of a results file that did not succeed:",
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
        &[(
            "In a crontab, each night at two:",
            "0 2 * * * rosterpatch sweep /srv/inbox --profile skola-a --log-format json",
        )],
    ),
    (
        "watch",
        &[(
            "In a service of systemd:",
            "rosterpatch watch /srv/inbox --interval 1m --log-format json",
        )],
    ),
    (
        "config",
        &[(
            "See which settings hold for a profile, and where they come from:",
            "rosterpatch config --profile skola-a",
        )],
    ),
    (
        "resume",
        &[(
            "Go on with the newest interrupted run:",
            "rosterpatch resume",
        )],
    ),
    (
        "runs",
        &[
            ("The last five runs:", "rosterpatch runs --limit 5"),
            (
                "Forget what is older than a school year:",
                "rosterpatch runs prune --older-than 400d",
            ),
        ],
    ),
    (
        "show",
        &[(
            "The newest run's figures, for a program:",
            "rosterpatch show --format json",
        )],
    ),
    (
        "report",
        &[(
            "Write the newest run's results again, elsewhere:",
            "rosterpatch report --results again.xlsx --report again.html",
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
                "All that is known of an API:",
                "rosterpatch targets show meitner",
            ),
            (
                "Begin a target file of your own:",
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
                "Look at a roster in the browser, mend it, and send it from there:",
                "rosterpatch open elever.xlsx --target meitner",
            ),
            (
                "Try the console out with the sandbox, without starting a browser:",
                "rosterpatch open elever.csv --target meitner --sandbox --no-browser",
            ),
        ],
    ),
    (
        "history",
        &[
            (
                "Who changed this, and when:",
                "rosterpatch history 201004022384",
            ),
            (
                "The same as a file, for somebody who asks what is held of them:",
                "rosterpatch history anna.ek@example.se --out anna.csv",
            ),
        ],
    ),
    (
        "explain",
        &[
            (
                "What a code in the results means, and what to do about it:",
                "rosterpatch explain identity_number.check_digit",
            ),
            ("Every code:", "rosterpatch explain"),
        ],
    ),
    (
        "doctor",
        &[(
            "Find out before the evening of the import:",
            "rosterpatch doctor --target meitner",
        )],
    ),
    (
        "sandbox",
        &[(
            "Both APIs on this machine, failing now and then:",
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
        "What became of every row, and the rows that did not succeed, beside the roster; .xlsx where the roster was a workbook.",
    ),
    ("NAME.report.html", "The report of a run, to send around."),
    (
        "NAME.before.csv, NAME.new.csv",
        "What was replaced, as a roster; rows whose record was not found.",
    ),
];

/// The commands that have a page, by the page's name: `rosterpatch`, `rosterpatch-check` and so on.
pub(in crate::cli) fn pages() -> Vec<(String, Command)> {
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

/// Writes a page.
pub(in crate::cli) fn write(page: &str, command: &Command, to: &mut impl Write) -> io::Result<()> {
    // The examples have a section of their own.
    let command = command.clone().after_help("").display_name(page.to_owned());
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

/// A line as roff takes it literally: hyphens that can be copied, and no line that is a request.
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
    fn every_command_has_examples_and_every_example_is_of_a_command() {
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
