//! Values of a roster and texts of an API are never in output for machines, mail or other users: the JSON
//! log, the text log of unattended commands, progress, webhooks, commands, metrics and `error.txt`.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::harness::{
    CREDENTIALS, Folder, OF_SANDBOX, RECORD, Seen, Server, identity_number, plain_id, plain_roster,
    respond, sandbox_holding, stderr, stdout,
};

const FIRST: &str = "Ottilivera";
const LAST: &str = "Qvarnsjövinge";
const STREET: &str = "Videkullsgatan 4711";
const MAIL: &str = "ottilivera@hemkanarie.example";
const TOKEN: &str = "tok9f8e7d6c5b4a39281706";
/// An API's error code that has the form of a code but is a name.
const CODE: &str = "Kanariequist";

fn number() -> String {
    identity_number(777)
}

/// Asserts that a text contains none of the canary values; `what` names its source.
fn hold_nothing(text: &str, what: &str) {
    let number = number();
    let short = number.replace('-', "");
    for canary in [
        FIRST,
        LAST,
        "Qvarnsj",
        STREET,
        "Videkulls",
        MAIL,
        "hemkanarie",
        TOKEN,
        CODE,
        &number,
        &short,
    ] {
        assert!(!text.contains(canary), "{canary} in {what}: {text}");
    }
}

/// Returns the row of a person whose data must not leak.
fn person(row: usize) -> String {
    format!(
        "{},{},{FIRST},{LAST},{STREET},{MAIL}",
        plain_id(row),
        number()
    )
}

const HEADER: &str = "id,identity_number,first_name,last_name,postal_address,email_address1";

/// A folder with every kind of notification: a webhook, a command and metrics.
struct Told {
    folder: Folder,
    hook: Server,
}

impl Told {
    fn new() -> Told {
        let folder = Folder::new();
        let hook = Server::start(|_| respond(200, &[], RECORD));
        std::fs::create_dir(folder.path("inbox")).unwrap();
        folder.write(
            "rosterpatch.toml",
            format!(
                "metrics = \"run.prom\"\n[notify]\nurl = \"{}\"\ncommand = [\"sh\", \"-c\", \"cat >> told.jsonl; echo >> told.jsonl\"]\n",
                hook.base_url
            ),
        );
        Told { folder, hook }
    }

    fn run(&self, arguments: &[&str], credentials: [(&str, &str); 2]) -> Output {
        self.folder
            .program()
            .args(arguments)
            .envs(credentials)
            .output()
            .unwrap()
    }

    /// Runs a command with a machine-readable log and asserts that nothing leaks. Returns the codes of its
    /// errors.
    fn silent(&self, arguments: &[&str], credentials: [(&str, &str); 2]) -> Vec<String> {
        let mut codes = Vec::new();
        for more in [&["-v"][..], &["--progress", "json"]] {
            let all = [arguments, &["--log-format", "json"], more].concat();
            let output = self.run(&all, credentials);
            let told = stderr(&output);
            hold_nothing(&told, &format!("standard error of {all:?}"));
            for line in told.lines() {
                let line: Json = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
                if line["level"] == "ERROR" {
                    codes.push(line["code"].as_str().unwrap().to_owned());
                }
            }
        }
        self.look();
        codes
    }

    /// Asserts that the notifications leak nothing.
    fn look(&self) {
        for seen in self.hook.seen() {
            hold_nothing(&seen.body, "a webhook");
        }
        for name in ["told.jsonl", "run.prom"] {
            let text = std::fs::read_to_string(self.folder.path(name)).unwrap_or_default();
            hold_nothing(&text, name);
        }
        hold_no_errors(&self.folder.path("inbox"));
    }

    fn was_told(&self) -> String {
        self.hook.seen().iter().map(|seen| &*seen.body).collect()
    }
}

/// Asserts that no `error.txt` below a folder leaks anything.
fn hold_no_errors(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hold_no_errors(&path);
        } else if path.to_string_lossy().ends_with(".error.txt") {
            let text = std::fs::read_to_string(&path).unwrap();
            hold_nothing(&text, &path.display().to_string());
            assert!(text.contains('['), "it has its code: {text}");
        }
    }
}

/// Writes malformed rosters with personal data at the point of the error. Returns their names and problem
/// codes.
fn files(folder: &Folder) -> Vec<(&'static str, Option<&'static str>)> {
    let roster = format!("{HEADER}\n{}\n", person(1));
    let write = |name: &str, text: String| folder.write(name, text);
    write("headerless.csv", format!("{}\n{}\n", person(1), person(2)));
    write(
        "title.csv",
        format!("{FIRST} {LAST},{},,,,\n{roster}", number()),
    );
    write(
        "unknown.csv",
        plain_roster(2)
            .replace("last_name\n", &format!("last_name,{LAST} {MAIL}\n"))
            .replace("Ek\n", "Ek,x\n"),
    );
    write(
        "near.csv",
        format!(
            "id,identity_number,first_name,last_name,{TOKEN}\n{}\n",
            person(1)
        ),
    );
    write(
        "twice.csv",
        format!("id,{LAST},{LAST},first_name\n{}\n", person(1)),
    );
    write(
        "bytes.csv",
        format!("id,{LAST}\u{1},{FIRST}\n\u{0}{}\n", person(1)),
    );
    write(
        "cell.csv",
        format!("{HEADER}\n{LAST},{FIRST},{TOKEN},\u{1}{LAST},{STREET},{MAIL} {MAIL}\n"),
    );
    write(
        "long.csv",
        format!(
            "{HEADER}\n{}\n",
            person(1).replace(LAST, &LAST.repeat(2_000))
        ),
    );
    write(
        "longheader.csv",
        format!("{}\n{}\n", MAIL.repeat(20_000), person(1)),
    );
    write(
        "quote.csv",
        format!("{HEADER}\n\"{}\n{}\n", person(1), person(2)),
    );
    write(
        "stray.csv",
        format!(
            "{HEADER}\n\"{}\n{}\n{}\",,,,,\n",
            person(1),
            person(2),
            person(3)
        ),
    );
    write(
        "results.csv",
        format!(
            "{HEADER},import_status,{LAST}\n{},updated,{MAIL}\n",
            person(1)
        ),
    );
    write(
        "page.csv",
        format!("<!doctype html><title>{FIRST} {LAST}</title>{MAIL}"),
    );
    write(
        "cells.csv",
        format!("{HEADER}\n{},{MAIL},{TOKEN}\n{FIRST}\n", person(1)),
    );
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name(format!("{FIRST} {LAST}")).unwrap();
    for (column, header) in HEADER.split(',').enumerate() {
        let column = u16::try_from(column).unwrap();
        sheet.write(0, column, header).unwrap();
        let value = person(1);
        let value = value.split(',').nth(column.into()).unwrap();
        sheet.write(1, column, value).unwrap();
    }
    book.save(folder.path("sheet.xlsx")).unwrap();
    vec![
        ("headerless.csv", Some("map.missing")),
        ("title.csv", None),
        ("unknown.csv", None),
        ("near.csv", None),
        ("twice.csv", Some("read.duplicate_header")),
        ("bytes.csv", None),
        ("cell.csv", None),
        ("long.csv", None),
        ("longheader.csv", Some("read.header_too_long")),
        ("quote.csv", Some("read.unclosed_quote")),
        ("stray.csv", None),
        ("results.csv", Some("map.result_column")),
        ("page.csv", Some("read.not_csv")),
        ("cells.csv", None),
        ("sheet.xlsx", None),
    ]
}

#[test]
fn file_contents_are_in_no_log_and_no_notification() {
    let told = Told::new();
    let server = Server::start(|_| respond(200, &[], RECORD));
    for (name, code) in files(&told.folder) {
        let place = ["--target", "plain.toml", "--base-url", &server.base_url];
        let sheet = match name {
            "sheet.xlsx" => vec!["--sheet", "Elever"],
            _ => Vec::new(),
        };
        for command in [&["import", "--yes"][..], &["plan"], &["check"]] {
            let place = if command == ["check"] {
                &place[..2]
            } else {
                &place
            };
            let codes = told.silent(
                &[&[command[0], name], &command[1..], place].concat(),
                CREDENTIALS,
            );
            if let Some(code) = code {
                assert_eq!(codes, [code, code], "{command:?} {name}");
            }
            if !sheet.is_empty() {
                let named = [&[command[0], name], &command[1..], place, &sheet].concat();
                let codes = told.silent(&named, CREDENTIALS);
                assert_eq!(codes, ["read.no_sheet", "read.no_sheet"]);
            }
        }
    }
    let all = told.was_told();
    for part in ["map.missing", "\"code\":\"read.no_sheet\"", "first_name"] {
        assert!(all.contains(part), "{part} not in {all}");
    }
}

#[test]
fn unattended_text_output_contains_no_file_contents() {
    for format in ["text", "json"] {
        let told = Told::new();
        let server = Server::start(|_| respond(200, &[], RECORD));
        let names = files(&told.folder);
        for (name, _) in &names {
            let to = told.folder.path("inbox").join(name);
            std::fs::rename(told.folder.path(name), to).unwrap();
        }
        let output = told.run(
            &[
                "sweep",
                "inbox",
                "--settle",
                "0s",
                "--target",
                "plain.toml",
                "--base-url",
                &server.base_url,
                "--log-format",
                format,
                "--format",
                "json",
                "-v",
            ],
            CREDENTIALS,
        );
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let all = stderr(&output);
        hold_nothing(&all, "the log");
        assert!(all.contains("map.missing"), "{all}");
        hold_nothing(&stdout(&output), "the figures");
        told.look();
        assert!(!told.was_told().is_empty());
        let day = std::fs::read_dir(told.folder.path("inbox/failed")).unwrap();
        let day = day.flatten().next().unwrap().path();
        let why = std::fs::read_to_string(day.join("headerless.error.txt")).unwrap();
        for part in ["row 1", "first_name", "[map.missing]", "rosterpatch check"] {
            assert!(why.contains(part), "{part} not in {why}");
        }
    }
}

#[test]
fn a_watch_reports_no_file_contents() {
    let told = Told::new();
    let server = Server::start(|_| respond(200, &[], RECORD));
    let child = told
        .folder
        .command()
        .args(["watch", "inbox", "--settle", "0s", "--interval", "100ms"])
        .args(["--target", "plain.toml", "--base-url", &server.base_url])
        .envs(CREDENTIALS)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    told.folder
        .write("inbox/headerless.csv", format!("{}\n", person(1)));
    let failed = told.folder.path("inbox/failed");
    let began = Instant::now();
    let is_there = || {
        let days = std::fs::read_dir(&failed).into_iter().flatten().flatten();
        let mut files = days.flat_map(|day| std::fs::read_dir(day.path()).into_iter().flatten());
        files.any(|file| file.is_ok_and(|file| file.file_name() == "headerless.csv"))
    };
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
    crate::harness::signal(child.id(), "TERM");
    let output = child.wait_with_output().unwrap();
    let errors = stderr(&output);
    hold_nothing(&errors, "the watch");
    assert!(errors.contains("[map.missing]"), "{errors}");
    told.look();
}

/// Returns responses with personal data in every place where an API can put it.
fn answers() -> Vec<(u16, String)> {
    let words = format!("{FIRST} {LAST} ({}, {MAIL}, {STREET}) {TOKEN}", number());
    let body = json!({"error": {"code": CODE, "message": words, "requestID": TOKEN}}).to_string();
    let mut all: Vec<(u16, String)> = [400, 401, 403, 404, 409, 422, 500]
        .into_iter()
        .map(|status| (status, body.clone()))
        .collect();
    let page = format!("<html><title>{FIRST} {LAST}</title><p>{words}</p></html>");
    all.extend([(403, page.clone()), (502, page.clone()), (200, page)]);
    all.push((200, json!({"data": words}).to_string()));
    all.push((
        200,
        json!({"data": [{"id": words, "identityNumber": words}], "pagination": {"total": words}})
            .to_string(),
    ));
    all
}

fn place(server: &Server) -> [&str; 4] {
    ["--base-url", &server.base_url, "--max-attempts", "1"]
}

#[test]
fn api_messages_are_in_no_log_and_no_notification() {
    for (status, body) in answers() {
        let told = Told::new();
        told.folder
            .write("r.csv", format!("{HEADER}\n{}\n", person(1)));
        let server = Server::start(move |_| respond(status, &[], &body));
        for target in ["meitner", "plain.toml"] {
            let to = [&["--target", target], &place(&server)[..]].concat();
            told.silent(&[&["plan", "r.csv"], &to[..]].concat(), CREDENTIALS);
            let import = [&["import", "r.csv", "--yes", "--fresh"], &to[..]].concat();
            let codes = told.silent(&import, CREDENTIALS);
            if matches!(status, 401 | 403) {
                assert_eq!(codes, ["api.refused", "api.refused"], "{target} {status}");
            }
            // In a swept folder, where the log is mailed.
            told.folder
                .write("inbox/r.csv", format!("{HEADER}\n{}\n", person(1)));
            let sweep = [
                &["sweep", "inbox", "--settle", "0s", "--again"][..],
                &to[..],
            ]
            .concat();
            let output = told.run(&sweep, CREDENTIALS);
            hold_nothing(&stderr(&output), "a sweep's text");
            told.silent(&["resume", "--yes"], CREDENTIALS);
            if told.folder.path("r.results.csv").exists() {
                told.silent(
                    &[&["retry", "r.results.csv", "--yes"], &to[..]].concat(),
                    CREDENTIALS,
                );
            }
        }
        told.look();
        assert!(!told.was_told().is_empty());
    }
}

#[test]
fn token_endpoint_responses_are_in_no_log_and_no_message() {
    let words = format!("{FIRST} {LAST} {TOKEN}");
    for (status, body) in [
        (400, json!({"error": CODE, "error_description": words})),
        (401, json!({"error": words})),
        (200, json!({"access_token": "", "token_type": words})),
        (200, json!({"access_token": TOKEN, "token_type": words})),
        (200, json!({"access_token": TOKEN, "expires_in": words})),
        (500, json!(words)),
    ] {
        let told = Told::new();
        told.folder
            .write("r.csv", format!("{HEADER}\n{}\n", person(1)));
        let body = body.to_string();
        let server = Server::start(move |_: &Seen| respond(status, &[], &body));
        let oauth = [
            ("MEITNER_CLIENT_ID", TOKEN),
            ("MEITNER_CLIENT_SECRET", TOKEN),
        ];
        let to = [&["--target", "meitner"], &place(&server)[..]].concat();
        told.silent(&[&["plan", "r.csv"], &to[..]].concat(), oauth);
        told.silent(&[&["import", "r.csv", "--yes"], &to[..]].concat(), oauth);
        told.look();
    }
}

#[test]
fn changed_and_restored_values_are_in_no_log_and_no_notification() {
    let told = Told::new();
    let before = format!("{HEADER}\n{}\n", person(1));
    let (_sandbox, base_url, _stop) = sandbox_holding(&before, Duration::ZERO);
    told.folder.write("r.csv", before.replace(FIRST, "Åsa"));
    let to = ["--target", "meitner", "--base-url", &base_url];
    told.silent(&[&["plan", "r.csv"], &to[..]].concat(), OF_SANDBOX);
    let canary = [&["import", "r.csv", "--yes", "--canary", "1"], &to[..]].concat();
    told.silent(&canary, OF_SANDBOX);
    let shown = stdout(&told.folder.run("runs --format json"));
    let runs: Vec<Json> = serde_json::from_str(&shown).unwrap();
    let run = runs.last().unwrap()["run"].as_str().unwrap().to_owned();
    told.silent(&["undo", &run, "--yes"], OF_SANDBOX);
    told.silent(&["undo", "20100402-2388", "--yes"], OF_SANDBOX);
    // A search term may be a person's name.
    for arguments in [
        vec!["history", LAST],
        vec!["show", LAST],
        vec!["resume", MAIL],
        vec!["import", "r.csv", LAST],
        vec!["import", "r.csv", "--rate", TOKEN],
        vec!["import", "r.csv", "--target", TOKEN],
        vec!["check", "r.csv", "--target", "meitner", "--key", LAST],
        vec![
            "check",
            "r.csv",
            "--target",
            "meitner",
            "--map",
            "Qvarnsjövinge=id",
        ],
        vec!["--lang", LAST, "runs"],
        vec![LAST],
    ] {
        let all = [&arguments[..], &["--log-format", "json"]].concat();
        let output = told.run(&all, OF_SANDBOX);
        hold_nothing(&stderr(&output), &format!("{arguments:?}"));
        for line in stderr(&output).lines() {
            let _: Json = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        }
    }
    told.look();
}

#[test]
fn a_manually_mapped_header_is_in_no_output_of_a_sweep() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("inbox")).unwrap();
    let roster = plain_roster(9).replace("first_name", "Canary header");
    folder.write("inbox/r.csv", roster);
    let before = plain_roster(9).replace("Åsa", "Bo");
    let (_sandbox, base_url, _stop) = sandbox_holding(&before, Duration::ZERO);
    let mapped = ["--map", "Canary header=first_name", "--base-url", &base_url];
    let sweep = ["sweep", "inbox", "--target", "meitner", "--settle", "0s"];
    let output = folder.with_sandbox(&[&sweep[..], &mapped].concat());
    let told = format!("{}{}", stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("to send"), "the plan is printed: {told}");
    assert!(!told.contains("Canary"), "{told}");
}
