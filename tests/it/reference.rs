//! The generated parts of docs/reference match the program.
//!
//! A generated part is between `<!-- begin: NAME -->` and `<!-- end: NAME -->`. With `UPDATE_DOCS=1`, the
//! tests rewrite outdated parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, Command};
use rosterpatch::l10n::{Language, in_scope};
use rosterpatch::map::RESULT_COLUMNS;
use rosterpatch::model::{Exit, RowState, StateCounts};
use rosterpatch::report::{RUN_METRICS, explanations};
use rosterpatch::targets::Kind;
use serde_json::Value;

use crate::harness::{Folder, repository, stdout};

/// Compares a generated part with the page, or rewrites it.
fn compare(page: &str, name: &str, generated: &str) {
    let path = repository().join("docs/reference").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        format!("<!-- begin: {name} -->\n"),
        format!("<!-- end: {name} -->\n"),
    );
    let start = text
        .find(&begin)
        .unwrap_or_else(|| panic!("{page}: no {begin}"))
        + begin.len();
    let stop = text
        .find(&end)
        .unwrap_or_else(|| panic!("{page}: no {end}"));
    let generated = format!("\n{}\n\n", generated.trim());
    if text[start..stop] == generated {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{}{generated}{}", &text[..start], &text[stop..]);
        std::fs::write(path, text).unwrap();
        return;
    }
    panic!(
        "docs/reference/{page}: `{name}` is stale. Run `UPDATE_DOCS=1 cargo test --test it -- reference::`. It is to be:\n{generated}"
    );
}

/// Returns a Markdown table.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n", header.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(header.len()));
    for row in rows {
        assert_eq!(row.len(), header.len(), "{row:?}");
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// Escapes the program's text for a Markdown table, without HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut in_code = false;
    for character in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        in_code ^= character == '`';
        match character {
            '|' => escaped.push_str("\\|"),
            '<' | '*' | '[' if !in_code => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Returns the help of an argument, with its default and possible values.
fn help_of(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let mut text = escaped(&help.map_or(String::new(), ToString::to_string));
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| code(value.get_name()))
        .collect();
    let takes_values = arg.get_action().takes_values();
    if takes_values && !arg.is_hide_possible_values_set() && !values.is_empty() {
        let _ = write!(text, ": {}", values.join(", "));
    }
    let defaults = arg.get_default_values();
    if takes_values && !arg.is_hide_default_value_set() && !defaults.is_empty() {
        let defaults: Vec<_> = defaults
            .iter()
            .map(|value| code(&value.to_string_lossy()))
            .collect();
        let _ = write!(text, " (default: {})", defaults.join(", "));
    }
    // The help shows the default in brackets.
    match text.rsplit_once(" \\[default: ") {
        Some((text, default)) => {
            format!("{text} (default: {})", default.trim_end_matches(']'))
        }
        None => text,
    }
}

/// Returns an argument as it is written on the command line.
fn name_of(arg: &Arg) -> String {
    let values: Vec<String> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| name.to_string())
        .collect();
    let values = match arg.get_action().takes_values() && !values.is_empty() {
        true => format!(" {}", values.join(" ")),
        false => String::new(),
    };
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => code(&format!("-{short}, --{long}{values}")),
        (None, Some(long)) => code(&format!("--{long}{values}")),
        _ => code(values.trim()),
    }
}

/// Returns every command with its name; subcommands follow their parent.
fn commands() -> Vec<(String, Command)> {
    fn collect(command: &Command, name: &str, found: &mut Vec<(String, Command)>) {
        for sub in command.get_subcommands() {
            if sub.get_name() == "help" || sub.is_hide_set() {
                continue;
            }
            let name = format!("{name} {}", sub.get_name()).trim().to_owned();
            found.push((name.clone(), sub.clone()));
            collect(sub, &name, found);
        }
    }
    let mut root = rosterpatch::cli::command().disable_help_subcommand(true);
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

/// Returns the options that a command's help shows, except the global ones.
fn options_of(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        !arg.is_hide_set()
            && !arg.is_global_set()
            && !["help", "version"].contains(&arg.get_id().as_str())
    })
}

#[test]
fn the_commands_page_matches_the_program() {
    let commands = commands();
    // Options of several commands are described once, by heading.
    let mut takers: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    let key = |arg: &Arg| (name_of(arg), help_of(arg));
    for (name, command) in &commands {
        for arg in options_of(command).filter(|arg| arg.get_help_heading().is_some()) {
            takers.entry(key(arg)).or_default().push(name);
        }
    }
    let is_shared = |arg: &Arg| {
        arg.get_help_heading().is_some()
            && takers.get(&key(arg)).is_some_and(|names| names.len() > 2)
    };
    let mut text = String::new();
    let mut shared: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for (name, command) in &commands {
        let about = command.get_long_about().or(command.get_about());
        let about = escaped(&about.map_or(String::new(), ToString::to_string));
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").to_owned();
        let _ = writeln!(text, "## {name}\n\n{about}.\n\n```text\n{usage}\n```\n");
        let own: Vec<Vec<String>> = options_of(command)
            .filter(|arg| !is_shared(arg))
            .map(|arg| vec![name_of(arg), help_of(arg)])
            .collect();
        if !own.is_empty() {
            let _ = writeln!(text, "{}", table(&["argument", "meaning"], own));
        }
        let mut headings: Vec<&str> = Vec::new();
        for arg in options_of(command).filter(|arg| is_shared(arg)) {
            let heading = arg.get_help_heading().unwrap();
            if !headings.contains(&heading) {
                headings.push(heading);
            }
            let group = match shared.iter_mut().find(|(known, _)| known == heading) {
                Some(group) => group,
                None => {
                    shared.push((heading.to_owned(), Vec::new()));
                    shared.last_mut().unwrap()
                }
            };
            let names: Vec<String> = takers[&key(arg)].iter().map(|name| code(name)).collect();
            let row = vec![name_of(arg), help_of(arg), names.join(", ")];
            if !group.1.contains(&row) {
                group.1.push(row);
            }
        }
        if !headings.is_empty() {
            let links: Vec<String> = headings
                .iter()
                .map(|heading| format!("[{heading}](#{})", heading.to_lowercase()))
                .collect();
            let _ = writeln!(text, "Shared options: {}.\n", links.join(", "));
        }
    }
    let _ = writeln!(text, "## Shared options\n");
    for (heading, rows) in shared {
        let rows = table(&["option", "meaning", "commands"], rows);
        let _ = writeln!(text, "### {heading}\n\n{rows}");
    }
    let mut root = rosterpatch::cli::command();
    root.build();
    let general = root
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .map(|arg| vec![name_of(arg), help_of(arg)]);
    let _ = writeln!(
        text,
        "### General\n\nEvery command takes these options.\n\n{}",
        table(&["option", "meaning"], general)
    );
    compare("commands.md", "commands", &text);
}

#[test]
fn the_exit_codes_page_matches_the_program() {
    let rows = Exit::ALL
        .into_iter()
        .map(|exit| vec![code(&exit.code().to_string()), escaped(exit.meaning())]);
    compare(
        "exit-codes.md",
        "exit codes",
        &table(&["code", "meaning"], rows),
    );
}

#[test]
fn the_problem_codes_page_matches_the_program() {
    let all = in_scope(Language::English, explanations);
    let (cells, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.severity.is_some());
    let of_cells = cells.iter().map(|one| {
        let severity = one.severity.clone().unwrap();
        vec![
            code(&one.code),
            severity,
            escaped(&one.what),
            escaped(&one.remedy),
        ]
    });
    compare(
        "problem-codes.md",
        "cells",
        &table(&["code", "severity", "found", "what to do"], of_cells),
    );
    let remedies = |is_of_row: bool| {
        others
            .iter()
            .filter(|one| one.is_of_row == is_of_row && !one.code.ends_with(".duplicate"))
            .map(|one| vec![code(&one.code), escaped(&one.what), escaped(&one.remedy)])
            .collect::<Vec<_>>()
    };
    let mut rows = remedies(true);
    let duplicate = others
        .iter()
        .find(|one| one.code.ends_with(".duplicate"))
        .unwrap();
    rows.push(vec![
        code("KIND.duplicate"),
        escaped(&duplicate.what),
        escaped(&duplicate.remedy),
    ]);
    // A code that a row can have is described with its remedy, regardless of its prefix.
    for code in [
        "identity.changed",
        "conflict.kept",
        "renumber.disagrees",
        "record.changed",
    ] {
        assert!(
            rows.iter().any(|row| row[0] == format!("`{code}`")),
            "{code}"
        );
    }
    compare(
        "problem-codes.md",
        "rows",
        &table(&["code", "meaning", "what to do"], rows),
    );
    let rows: Vec<Vec<String>> = remedies(false)
        .into_iter()
        .map(|mut row| {
            row.truncate(2);
            row
        })
        .collect();
    compare(
        "problem-codes.md",
        "runs and files",
        &table(&["code", "meaning"], rows),
    );
}

#[test]
fn the_settings_page_matches_the_program() {
    let folder = Folder::new();
    let schema: Value =
        serde_json::from_str(&stdout(&folder.run("targets schema config"))).unwrap();
    let in_force = stdout(&folder.run("config"));
    let default_of = |name: &str| {
        let line = in_force
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name))?;
        let rest = line[name.len()..].trim_start();
        Some(rest.split("  ").next().unwrap().to_owned())
    };
    let commands = commands();
    let flag_of = |name: &str| {
        let long = name.replace('_', "-");
        let mut args = commands
            .iter()
            .flat_map(|(_, command)| command.get_arguments());
        args.find(|arg| arg.get_long() == Some(&long) && !arg.is_hide_set())
    };
    let mut rows = Vec::new();
    let mut tables = Vec::new();
    for (name, property) in schema["properties"].as_object().unwrap() {
        let described = escaped(property["description"].as_str().unwrap_or_default());
        if property["type"] == "object" || name == "notify" {
            let described = described.trim_end_matches('.').to_owned();
            tables.push(vec![code(&format!("[{name}]")), described]);
            continue;
        }
        let meaning = match flag_of(name) {
            Some(flag) if name != "metrics" => {
                let help = help_of(flag);
                help.split(" (default: ").next().unwrap().to_owned()
            }
            _ => described.trim_end_matches('.').to_owned(),
        };
        let default = match name.as_str() {
            "state" => "the user's state folder".to_owned(),
            _ => default_of(name).unwrap_or_else(|| "none".to_owned()),
        };
        rows.push(vec![code(name), meaning, escaped(&default)]);
    }
    for (name, property) in schema["$defs"]["Notify"]["properties"].as_object().unwrap() {
        let described = escaped(property["description"].as_str().unwrap());
        let described = described.trim_end_matches('.').to_owned();
        rows.push(vec![
            code(&format!("notify.{name}")),
            described,
            "none".to_owned(),
        ]);
    }
    let text = format!(
        "{}\n{}",
        table(&["key", "meaning", "default"], rows),
        table(&["table", "holds"], tables)
    );
    compare("config.md", "keys", &text);
}

/// Returns the type of a schema member.
fn type_of(member: &Value) -> String {
    if let Some(name) = member["$ref"].as_str() {
        return match name.rsplit('/').next().unwrap() {
            "count" => "integer".to_owned(),
            "moment" => "time (RFC 3339, UTC)".to_owned(),
            other => other.to_owned(),
        };
    }
    if let Some(values) = member["enum"].as_array() {
        let values: Vec<String> = values
            .iter()
            .map(|value| code(value.as_str().unwrap_or("null")))
            .collect();
        return values.join(", ");
    }
    match &member["type"] {
        Value::Array(types) => {
            let types: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
            types.join(" or ")
        }
        of_one => of_one.as_str().unwrap_or("any").to_owned(),
    }
}

#[test]
fn the_json_page_matches_the_schemas() {
    let summary: Value = serde_json::from_str(include_str!("schemas/summary.json")).unwrap();
    let required = summary["required"].as_array().unwrap();
    let rows = summary["properties"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, member)| {
            let always = match required.iter().any(|required| required == name) {
                true => "always",
                false => "sometimes",
            };
            let meaning = member["description"].as_str();
            let meaning = meaning.unwrap_or_else(|| panic!("describe {name} in summary.json"));
            vec![
                code(name),
                type_of(member),
                always.to_owned(),
                meaning.to_owned(),
            ]
        });
    let text = table(&["member", "type", "present", "meaning"], rows);
    compare("json.md", "summary", &text);

    let progress: Value = serde_json::from_str(include_str!("schemas/progress.json")).unwrap();
    let rows = progress["oneOf"].as_array().unwrap().iter().map(|event| {
        let members = event["properties"].as_object().unwrap();
        let name = members["event"]["const"].as_str().unwrap();
        let meaning = event["description"].as_str();
        let meaning = meaning.unwrap_or_else(|| panic!("describe {name} in progress.json"));
        let others: Vec<String> = members
            .keys()
            .filter(|name| *name != "event")
            .map(|name| code(name))
            .collect();
        vec![code(name), meaning.to_owned(), others.join(", ")]
    });
    let text = table(&["event", "meaning", "members"], rows);
    compare("json.md", "progress", &text);
}

#[test]
fn the_progress_schema_lists_every_state() {
    let progress: Value = serde_json::from_str(include_str!("schemas/progress.json")).unwrap();
    let mut events = progress["oneOf"].as_array().unwrap().iter();
    let row = events.find(|event| event["properties"]["event"]["const"] == "row");
    let listed = &row.unwrap()["properties"]["state"]["enum"];
    let states: Vec<&str> = RowState::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(*listed, Value::from(states));
}

#[test]
fn the_help_of_a_retry_names_every_state_that_it_can_select() {
    let (_, retry) = commands()
        .into_iter()
        .find(|(name, _)| name == "retry")
        .unwrap();
    let only = retry.get_arguments().find(|arg| arg.get_id() == "only");
    let english = only.unwrap().get_help().unwrap().to_string();
    let swedish = include_str!("../../src/l10n/help/sv.ftl").lines();
    let swedish = swedish.filter_map(|line| line.strip_prefix("help-retry--only = "));
    for help in swedish.chain([english.as_str()]) {
        let (_, named) = help.split_once(": ").unwrap();
        let states = RowState::ALL.iter().filter(|state| state.can_be_retried());
        let states: Vec<&str> = states.map(|state| state.as_str()).collect();
        assert_eq!(named, states.join(", "));
    }
}

#[test]
fn the_metrics_page_matches_the_program() {
    let page = |part, metrics: &[(&str, bool, &str)]| {
        let rows = metrics.iter().map(|(name, counts, about)| {
            let kind = if *counts { "counter" } else { "gauge" };
            vec![code(name), kind.to_owned(), escaped(about)]
        });
        let text = table(&["metric", "type", "meaning"], rows);
        compare("metrics.md", part, &text);
    };
    page("runs", RUN_METRICS);
    #[cfg(feature = "postgres")]
    page("queue", rosterpatch::fleet::QUEUE_METRICS);
}

/// Returns the first cells of the rows of the table below a heading.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/reference").join(page)).unwrap();
    let below = text.split(heading).nth(1).unwrap();
    let below = below.split("\n#").next().unwrap();
    below
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_results_page_lists_every_column_and_state() {
    assert_eq!(first_cells("results.md", "## Columns"), RESULT_COLUMNS);
    let states = StateCounts::default().each();
    let states = states.map(|(state, _)| state.to_string());
    assert_eq!(first_cells("results.md", "## States"), states);
}

/// Returns the names of all members that a schema declares.
fn members(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            for (name, part) in object {
                if name == "properties" {
                    found.extend(part.as_object().unwrap().keys().cloned());
                }
                members(part, found);
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| members(part, found)),
        _ => {}
    }
}

#[test]
fn the_target_format_page_lists_every_key() {
    let folder = Folder::new();
    let schema: Value =
        serde_json::from_str(&stdout(&folder.run("targets schema target"))).unwrap();
    let mut keys = Vec::new();
    members(&schema, &mut keys);
    let page = repository().join("docs/reference/target-format.md");
    let page = std::fs::read_to_string(page).unwrap();
    let word = |key: &str| regex::Regex::new(&format!(r"\b{key}\b")).unwrap();
    keys.retain(|key| !word(key).is_match(&page));
    assert!(keys.is_empty(), "the page does not have {keys:?}");
}

#[test]
fn the_target_format_page_lists_every_kind() {
    let mut listed = first_cells("target-format.md", "\n| kind | accepts | sends |");
    let mut kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    listed.sort_unstable();
    kinds.sort_unstable();
    assert_eq!(listed, kinds);
}
