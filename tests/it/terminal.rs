//! What a terminal shows: a real one, made by `script`, of a given width.

use std::time::Duration;

use crate::harness::{Folder, OF_SANDBOX, plain_roster, program_path, sandbox_holding};

/// What a command writes to a terminal of so many columns, escapes as `␛`.
fn on_terminal(folder: &Folder, columns: u16, color: bool, arguments: &str) -> String {
    let command = format!("stty cols {columns} rows 50; exec \"$PROGRAM\" {arguments}");
    let mut script = folder.command_by("script");
    script
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("PROGRAM", program_path())
        .envs(OF_SANDBOX)
        .env("TERM", "xterm");
    if !color {
        script.env("NO_COLOR", "1");
    }
    let output = script.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.replace("\r\n", "\n").replace('\u{1b}', "␛")
}

/// The roster and the sandbox that both languages show: an address that changes, a row whose address is
/// long, and one that is invalid.
fn roster() -> String {
    let mut lines: Vec<String> = plain_roster(12)
        .lines()
        .map(|line| format!("{line},Skolgatan 2"))
        .collect();
    lines[0] = "Elev-ID,Personnummer,Förnamn,Efternamn,Gatuadress".to_owned();
    lines[2] = lines[2].replace("Skolgatan 2", &"Östra Långgatan ".repeat(8));
    lines[4] = lines[4].replace("Skolgatan 2", "Ã…gatan 1");
    lines.join("\n") + "\n"
}

#[test]
fn a_plan_and_a_check_fit_their_terminal_in_colour_and_without() {
    let folder = Folder::new();
    folder.write("elever.csv", roster());
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(12), Duration::ZERO);
    let mut told = String::new();
    for language in ["en", "sv"] {
        for (columns, color) in [(80, true), (120, true), (80, false)] {
            for command in ["check", "plan"] {
                let to = match command {
                    "plan" => format!("--progress none --base-url {base_url}"),
                    _ => String::new(),
                };
                let arguments =
                    format!("{command} elever.csv --target meitner --lang {language} {to}");
                let text = on_terminal(&folder, columns, color, &arguments);
                let text = text.replace(&base_url, "http://127.0.0.1:8787/directory/v1");
                for line in text.lines() {
                    assert!(
                        plain(line).chars().count() <= usize::from(columns),
                        "{line}"
                    );
                }
                assert_eq!(text.contains('␛'), color, "{text}");
                told.push_str(&format!(
                    "$ {command}, {language}, {columns} columns, colour: {color}\n{text}\n"
                ));
            }
        }
    }
    let times = regex::Regex::new(r"\d+[.,]\d s").unwrap();
    insta::assert_snapshot!("on_a_terminal", times.replace_all(&told, "N s"));
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let colors = regex::Regex::new("␛\\[[0-9;]*m").unwrap();
    colors.replace_all(line, "").into_owned()
}
