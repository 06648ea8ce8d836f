//! Output on a pseudo-terminal of a given width, created by `script`.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::cell_kinds::two_sheets;
use crate::harness::{
    Folder, OF_SANDBOX, identity_number, plain_id, plain_roster, program_path, sandbox_holding,
    stderr, stdout,
};

/// Returns the output of a command on a terminal with this many columns. ESC is shown as `␛`.
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

/// Returns a roster with a changed address, a row with a long address, and an invalid row.
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
fn plan_and_check_fit_the_terminal_with_and_without_color() {
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

/// Returns a line without color escapes.
fn plain(line: &str) -> String {
    let colors = regex::Regex::new("␛\\[[0-9;]*m").unwrap();
    colors.replace_all(line, "").into_owned()
}

/// Ctrl-D, which ends the input.
const END: &str = "\u{4}";

/// Runs a command on a terminal with this input. Returns the exit code and the output.
fn answered(folder: &Folder, arguments: &str, typed: &str) -> (Option<i32>, String) {
    let mut script = folder.command_by("script");
    let mut child = script
        .args(["--quiet", "--return", "--echo", "never", "--command"])
        .arg(format!("exec \"$PROGRAM\" {arguments} --progress none"))
        .arg("/dev/null")
        .env("PROGRAM", program_path())
        .envs(OF_SANDBOX)
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    // The program may end before it has read the whole input.
    let _ = keyboard.write_all(typed.as_bytes());
    drop(keyboard);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), stdout(&output).replace('\r', ""))
}

/// Returns a column of the results.
fn column(folder: &Folder, file: &str, header: &str) -> Vec<String> {
    let rows = folder.csv(file, b';');
    let at = rows[0].iter().position(|name| name == header).unwrap();
    rows[1..].iter().map(|row| row[at].clone()).collect()
}

#[test]
fn a_terminal_asks_which_of_several_sheets_to_read() {
    let question = "which sheet is the roster?";
    let folder = Folder::new();
    folder.write("two.xlsx", two_sheets(|_, _| {}));
    folder.write(
        "one.xlsx",
        two_sheets(|_, second| {
            second.set_hidden(true);
        }),
    );
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(3), Duration::ZERO);
    let to = format!("--target meitner --base-url {base_url}");
    for command in ["check", "plan"] {
        let to = match command {
            "check" => "--target meitner",
            _ => &to,
        };
        let (code, text) = answered(&folder, &format!("{command} two.xlsx {to}"), "2\n");
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("1  2025\n   2  2026\n"), "{text}");
        assert!(text.contains(question), "{text}");
        for refused in [END, "\n", "3\n", "0\n", "2026\n"] {
            let (code, text) = answered(&folder, &format!("{command} two.xlsx {to}"), refused);
            assert_eq!(code, Some(2), "{refused:?}: {text}");
            assert!(text.contains("choose one with --sheet"), "{text}");
        }
        for more in ["one.xlsx", "two.xlsx --sheet 2025"] {
            let (code, text) = answered(&folder, &format!("{command} {more} {to}"), END);
            assert_eq!(code, Some(0), "{text}");
            assert!(!text.contains(question), "{text}");
        }
        let output = folder.with_sandbox(
            &format!("{command} two.xlsx {to}")
                .split(' ')
                .collect::<Vec<_>>(),
        );
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(
            !told.contains(question) && told.contains("choose one with --sheet"),
            "{told}"
        );
    }
    let import = format!("import two.xlsx {to} --results out.csv");
    let (code, text) = answered(&folder, &import, END);
    assert_eq!(code, Some(2), "{text}");
    assert!(!folder.path("out.csv").exists());
    let (code, text) = answered(&folder, &import, "2\ny\n");
    assert_eq!(code, Some(0), "{text}");
    let sent = column(&folder, "out.csv", "external_source_id");
    assert_eq!(sent, ["2026-1", "2026-2", "2026-3"]);
}

#[test]
fn a_terminal_asks_for_an_ambiguous_encoding() {
    let question = "How should it be read?";
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
    let mut roster = b"id;identity_number;first_name;last_name\r\n".to_vec();
    for (row, name) in [(1, &b"Andr\x8e"[..]), (2, b"M\x9fller")] {
        roster.extend(format!("{};{};", plain_id(row), identity_number(row)).bytes());
        roster.extend(name);
        roster.extend(b";Ek\r\n");
    }
    folder.write("mac.csv", roster);
    folder.write("utf-8.csv", plain_roster(2));
    let import = format!("import mac.csv --target meitner --base-url {base_url} --results out.csv");
    for command in ["check mac.csv --target meitner", &import] {
        for refused in [END, "\n", "9\n", "macintosh\n"] {
            let (code, text) = answered(&folder, command, refused);
            assert_eq!(code, Some(2), "{refused:?}: {text}");
            assert!(text.contains(question), "{text}");
            assert!(text.contains("--encoding macintosh"), "{text}");
        }
        let output = folder.with_sandbox(&command.split(' ').collect::<Vec<_>>());
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            !told.contains(question) && told.contains("--encoding macintosh"),
            "{told}"
        );
    }
    assert!(!folder.path("out.csv").exists());
    let (_, text) = answered(&folder, "check mac.csv --target meitner", END);
    let offered = text.lines().find(|line| line.contains("(Mac OS Roman)"));
    let offered = offered.unwrap_or_else(|| panic!("{text}"));
    let number = offered.split_whitespace().next().unwrap();
    let (code, text) = answered(&folder, &import, &format!("{number}\ny\n"));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        column(&folder, "out.csv", "first_name"),
        ["André", "Müller"]
    );
    for file in ["utf-8.csv", "mac.csv --encoding macintosh"] {
        let (code, text) = answered(&folder, &format!("check {file} --target meitner"), END);
        assert_eq!(code, Some(0), "{text}");
        assert!(!text.contains(question), "{text}");
    }
}

#[test]
fn a_terminal_asks_about_a_column_that_resembles_a_field() {
    let question = "Import it as email_address1?";
    let folder = Folder::new();
    let mut lines: Vec<String> = (1..)
        .zip(plain_roster(5).lines().skip(1))
        .map(|(row, line)| format!("{line},elev{row}@example.se"))
        .collect();
    // Makes sure that there is something to send after every answer.
    lines[0] = lines[0].replace(",Ek,", ",Lind,");
    let header = plain_roster(0).lines().next().unwrap().to_owned();
    lines.insert(0, format!("{header},Kolumn 5"));
    folder.write("r.csv", lines.join("\n") + "\n");
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(5), Duration::ZERO);
    let place = format!("--target meitner --base-url {base_url}");
    let import = format!("import r.csv {place} --results out.csv");
    let changed = || {
        let rows = folder.csv("out.csv", b',');
        let at = rows[0].iter().position(|name| name == "import_changed");
        rows[1][at.unwrap()].clone()
    };

    // Input that ends at the first question answers nothing: nothing is planned, and nothing is remembered.
    for _ in 0..2 {
        let (code, text) = answered(&folder, &import, END);
        assert!(text.contains(question), "{text}");
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("nothing was sent"), "{text}");
        assert!(
            !text.contains("Change ") && !text.contains("in r.csv"),
            "{text}"
        );
    }
    let (code, text) = answered(&folder, &import, &format!("y\n{END}"));
    assert!(text.contains(question), "{text}");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Change 5"), "{text}");
    assert!(!folder.path("out.csv").exists(), "{text}");
    let (code, text) = answered(&folder, &import, "n\ny\n");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(changed(), "last_name");
    // The question about the same header in another file mentions the last decision.
    let asked_of_next = || {
        folder.write("next.csv", lines.join("\n") + "\n");
        let import = import.replace("r.csv", "next.csv");
        let (_, text) = answered(&folder, &import, END);
        assert!(text.contains(question), "{text}");
        text
    };
    let text = asked_of_next();
    assert!(
        text.contains("you ignored the column with this header, in r.csv"),
        "{text}"
    );
    // Without a terminal, the question is a warning, and the column is not imported.
    let output = folder.with_sandbox(
        &format!("{import} --yes --fresh --progress plain")
            .split(' ')
            .collect::<Vec<_>>(),
    );
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        !told.contains(question) && told.contains("is not imported and resembles email_address1"),
        "{told}"
    );
    assert_eq!(changed(), "");
    for more in [
        "--yes",
        "--map=Kolumn\\ 5=",
        "--map=Kolumn\\ 5=phone_number2",
    ] {
        let (_, text) = answered(&folder, &format!("{import} --fresh {more}"), END);
        assert!(!text.contains(question), "{text}");
    }
    let (code, text) = answered(&folder, &format!("{import} --fresh"), "y\ny\n");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(changed(), "email_address1");
    let text = asked_of_next();
    let before = "you imported the column with this header as email_address1, from r.csv";
    assert!(text.contains(before), "{text}");
}
