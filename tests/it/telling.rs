//! Reports and output formats: held runs, unreachable APIs, JSON documents, progress, and files for
//! spreadsheets.

use std::time::Duration;

use rosterpatch::journal::{Journal, NewRun};
use serde_json::Value as Json;

use crate::harness::{
    Folder, RECORD, Server, import_of, plain_id, plain_roster, respond, sandbox_holding, stderr,
    stdout,
};

fn holds(schema: &str, document: &Json) {
    let schema: Json = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(document)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?} in {document:#}");
}

const SUMMARY: &str = include_str!("schemas/summary.json");
const SWEEP: &str = include_str!("schemas/sweep.json");
const NOT_IMPORTED: &str = include_str!("schemas/not_imported.json");
const PROGRESS: &str = include_str!("schemas/progress.json");

/// Returns a roster whose third row is invalid.
fn with_a_bad_row(rows: usize) -> String {
    plain_roster(rows).replace(&plain_id(3), "10486")
}

#[test]
fn each_commands_json_output_matches_its_schema() {
    let folder = Folder::new();
    folder.write("r.csv", with_a_bad_row(6).replace("Åsa", "Bo"));
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(6), Duration::ZERO);
    let json = |arguments: &[&str], code: i32| -> Json {
        let output = folder.with_sandbox(&[arguments, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let place = ["--target", "meitner", "--base-url", &base_url];
    let there = |command: &'static str, more: &[&'static str]| -> Vec<&str> {
        let mut all = vec![command, "r.csv"];
        all.extend(more);
        all.extend(place);
        all
    };
    let check = json(&["check", "r.csv", "--target", "meitner"], 3);
    assert_eq!(
        (&check["not_sent"], &check["problems"]),
        (&5.into(), &1.into())
    );
    let plan = json(&there("plan", &[]), 3);
    assert_eq!(
        (&plan["to_send"], &plan["not_sent"]),
        (&5.into(), &5.into())
    );
    assert_eq!(plan["fields"], serde_json::json!({"first_name": 5}));
    let held_plan = json(&there("plan", &["--max-invalid", "0"]), 4);
    let held = json(&there("import", &["--yes", "--max-invalid", "0"]), 4);
    let why = "1 of 6 rows are invalid, more than --max-invalid 0 allows";
    assert_eq!(
        (&held_plan["held"], &held["held"]),
        (&why.into(), &why.into())
    );
    let shown = json(&["show"], 0);
    assert_eq!(
        (&shown["held"], &shown["state"]),
        (&why.into(), &"held".into())
    );
    let row = &shown["unsuccessful"][0];
    assert_eq!((&row["row"], &row["state"]), (&3.into(), &"invalid".into()));
    let problem = &row["problems"][0];
    let said = ["code", "column", "field"].map(|name| &problem[name]);
    assert_eq!(said, ["uuid.format", "id", "id"]);
    assert_eq!(problem["args"], serde_json::json!({"text": "10486"}));
    assert!(
        problem["args"].is_object() && problem["text"] != "",
        "{problem}"
    );
    let run = held["run"].as_str().unwrap();
    let approved = json(&["approve", run], 3);
    let retried = json(&["retry", "r.failed.csv", "--yes"], 3);
    let undone = json(&["undo", run, "--yes"], 0);
    let report = json(&["report", run], 0);
    for document in [
        &check, &plan, &held_plan, &held, &shown, &approved, &retried, &undone, &report,
    ] {
        holds(SUMMARY, document);
    }
    let runs = json(&["runs"], 0);
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[0]["undoes"], run);
    assert_eq!(runs[2]["state"], "undone");
    assert_eq!(runs[2]["undone_by"], serde_json::json!([undone["run"]]));
    runs.iter().for_each(|run| holds(SUMMARY, run));
    // A run whose process died has figures too.
    let mut journal = Journal::open(&folder.state()).unwrap();
    let dead = NewRun {
        name: "20260820-180000-dead".to_owned(),
        command: "import",
        target: "meitner".to_owned(),
        base_url: base_url.clone(),
        file: "r.csv".to_owned(),
        sha256: held["sha256"].as_str().unwrap().to_owned(),
        settings: "{}".to_owned(),
        started_at: "2026-08-20T18:00:00Z".parse().unwrap(),
        queued: None,
    };
    journal.begin(&dead).unwrap();
    let dead = json(&["show", &dead.name], 0);
    assert_eq!(dead["state"], "interrupted");
    holds(SUMMARY, &dead);
    let newest = json(&["runs", "--limit", "1"], 0);
    assert_eq!(newest.as_array().unwrap().len(), 1);

    std::fs::create_dir(folder.path("inbox")).unwrap();
    folder.write("inbox/s.csv", plain_roster(6).replace("Åsa", "Eva"));
    let mut sweep = vec!["sweep", "inbox", "--settle", "0s"];
    sweep.extend(place);
    sweep.extend(["--format", "json"]);
    let swept = stdout(&folder.with_sandbox(&sweep));
    let lines: Vec<Json> = swept
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [file, closing] = &lines[..] else {
        panic!("{swept}")
    };
    holds(SUMMARY, file);
    holds(SWEEP, closing);
}

#[test]
fn each_progress_line_matches_its_schema() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(4));
    let server = Server::start(|seen| match seen.before {
        0 => respond(503, &[("Retry-After", "0")], "{}"),
        _ => respond(200, &[], RECORD),
    });
    let mut arguments = import_of(&server.base_url).to_vec();
    arguments.extend(["--blind", "--progress", "json"]);
    let output = folder.send(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines: Vec<Json> = stderr(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.iter().for_each(|line| holds(PROGRESS, line));
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((of("started"), of("row"), of("finished")), (1, 4, 1));
    assert!(of("progress") >= 1);
    let row = lines.iter().find(|line| line["event"] == "row").unwrap();
    assert_eq!(row["line"].as_u64(), row["row"].as_u64().map(|row| row + 1));
}

#[test]
fn a_held_run_reports_its_reason_in_every_output() {
    let folder = Folder::new();
    folder.write("r.csv", with_a_bad_row(6).replace("Åsa", "Bo"));
    folder.write(
        "rosterpatch.toml",
        "[notify]\ncommand = [\"sh\", \"-c\", \"cat > told.json\"]\n",
    );
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(6), Duration::ZERO);
    let mut arguments = import_of(&base_url).to_vec();
    arguments.extend(["--max-invalid", "0"]);
    let output = folder.with_sandbox(&arguments);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let why = "1 of 6 rows are invalid, more than --max-invalid 0 allows";
    let told: Json =
        serde_json::from_slice(&std::fs::read(folder.path("told.json")).unwrap()).unwrap();
    assert_eq!(told["held"], why);
    let shown = stdout(&folder.run("show"));
    assert!(
        shown.contains(why) && shown.contains("rosterpatch approve 2"),
        "{shown}"
    );
    let results = folder.csv("r.results.csv", b',');
    let row = results.iter().find(|row| row[0] == plain_id(1)).unwrap();
    assert_eq!(
        row[4..9],
        ["1", "not_sent", "", "run.held", &format!("not sent: {why}")]
    );
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    assert!(report.contains(why), "{report}");
}

#[test]
fn an_unreachable_api_is_explained_without_advice_to_resume() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let elsewhere = Server::start(|_| respond(404, &[], "<html>Not Found</html>"));
    for (address, parts) in [
        (
            format!("http://127.0.0.1:{port}"),
            [
                format!("http://127.0.0.1:{port}"),
                "connection refused".into(),
            ],
        ),
        (
            "https://nobody.invalid/v1".into(),
            [
                "https://nobody.invalid/v1".into(),
                "the host does not exist".into(),
            ],
        ),
        (
            elsewhere.base_url.clone(),
            ["HTTP 404".into(), "/student/_search".into()],
        ),
    ] {
        let mut arguments = import_of(&address).to_vec();
        arguments.extend(["--max-attempts", "1"]);
        let output = folder.send(&arguments);
        assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
        let told = stderr(&output);
        for part in parts {
            assert!(told.contains(&part), "{part} not in {told}");
        }
        assert!(!told.contains("resume"), "{told}");
    }
}

#[test]
fn errors_are_json_lines_with_log_format_json() {
    let folder = Folder::new();
    folder.write("bad.csv", "namn\nÅsa\n");
    for (arguments, code) in [
        ("import nowhere.csv --target meitner --sandbox", 1),
        ("import bad.csv --target meitner --sandbox", 1),
        ("import bad.csv --target meitner --no-such-flag", 2),
        ("show nobody", 1),
        ("plan bad.csv --target nowhere.toml", 1),
    ] {
        let output = folder.run(&format!("{arguments} --log-format json"));
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let mut errors = 0;
        for line in stderr(&output).lines() {
            let line: Json = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            errors += u32::from(line["level"] == "ERROR");
        }
        assert_eq!(errors, 1, "{arguments}: {}", stderr(&output));
    }
}

#[test]
fn an_unreadable_file_is_counted_and_reported() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("inbox")).unwrap();
    folder.write(
        "rosterpatch.toml",
        "target = \"meitner\"\nmetrics = \"run.prom\"\n[notify]\ncommand = [\"sh\", \"-c\", \"cat >> told.jsonl; echo >> told.jsonl\"]\n",
    );
    folder.write("inbox/list.csv", "%PDF-1.7 no list");
    folder.write("inbox/names.csv", "namn\nÅsa\n");
    let output = folder.send(&[
        "sweep",
        "inbox",
        "--settle",
        "0s",
        "--base-url",
        "http://127.0.0.1:1",
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let printed: Vec<Json> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [list, names, closing] = &printed[..] else {
        panic!("{printed:?}")
    };
    holds(SWEEP, closing);
    for (object, file) in [(list, "list.csv"), (names, "names.csv")] {
        holds(NOT_IMPORTED, object);
        assert_eq!(object["file"], file);
        let path = object["path"].as_str().unwrap();
        assert!(std::path::Path::new(path).is_file(), "{object}");
    }
    assert_eq!(names["code"], "map.no_key");
    let told = std::fs::read_to_string(folder.path("told.jsonl")).unwrap();
    let told: Vec<Json> = told
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0]["exit_code"], 1);
    assert!(
        told[0]["error"].as_str().unwrap().contains("PDF"),
        "{told:?}"
    );
    let metrics = std::fs::read_to_string(folder.path("run.prom")).unwrap();
    let inbox = folder.path("inbox").canonicalize().unwrap();
    let labels = format!(
        "target=\"meitner\",profile=\"\",inbox=\"{}\"",
        inbox.display()
    );
    let line = format!("rosterpatch_files_total{{{labels},exit_code=\"1\"}} 2");
    assert!(metrics.contains(&line), "{metrics}");
    // A manual import is counted as an outcome too.
    let output = folder.send(&[
        "import",
        "nowhere.csv",
        "--yes",
        "--base-url",
        "http://127.0.0.1:1",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let told = std::fs::read_to_string(folder.path("told.jsonl")).unwrap();
    assert!(told.contains("nowhere.csv"), "{told}");
}

#[test]
fn the_header_is_found_below_a_title_or_at_header_row() {
    let folder = Folder::new();
    let list = plain_roster(3);
    folder.write(
        "title.csv",
        format!("Elevlista ht 2026,,,\nSkolan,,,\n,,,\n{list}"),
    );
    let output = folder.run("check title.csv --target meitner --format json");
    let found: Json = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&found["rows"], &found["not_sent"]), (&3.into(), &3.into()));
    // As Swedish Excel saves it, with a title line that has fewer cells.
    let swedish = format!("Elevlista, ht 2026\n\n{}", list.replace(',', ";"));
    folder.write("excel.csv", swedish.replace('\n', "\r\n"));
    for more in ["", " --header-row 3"] {
        let output = folder.run(&format!("check excel.csv --target meitner{more}"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let told = stdout(&output);
        assert!(
            told.contains("semicolon, header on line 3, 4 columns, 3 rows"),
            "{told}"
        );
    }
    folder.write(
        "two.csv",
        format!("Lista,Elever,2026\na,b,c\n{}", with_a_bad_row(3)),
    );
    let output = folder.run("check two.csv --target meitner");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let output = folder.run("check two.csv --target meitner --header-row 3");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("row 6, id:"),
        "{}",
        stdout(&output)
    );
    let output = folder.run("check two.csv --target meitner --header-row 99");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("no line 99"),
        "{}",
        stderr(&output)
    );
    // A list with one column has no title line.
    folder.write("ids.csv", "id\n".to_owned() + &plain_id(1) + "\n");
    let output = folder.run("check ids.csv --target meitner");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn output_files_have_the_format_of_the_roster() {
    let folder = Folder::new();
    let swedish = with_a_bad_row(8).replace(',', ";").replace("Åsa", "Bo");
    let bytes = [
        b"\xEF\xBB\xBF".to_vec(),
        swedish.replace('\n', "\r\n").into_bytes(),
    ]
    .concat();
    folder.write("r.csv", bytes);
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(8), Duration::ZERO);
    folder.run("check r.csv --target meitner --problems p.csv");
    let there = ["--target", "meitner", "--base-url", &base_url];
    folder.send(&[&["plan", "r.csv", "--out", "c.csv"][..], &there].concat());
    let output = folder.send(&import_of(&base_url));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    for name in ["p.csv", "c.csv", "r.before.csv", "r.results.csv"] {
        let text = std::fs::read_to_string(folder.path(name)).unwrap();
        let first = text.lines().next().unwrap();
        assert!(
            first.starts_with('\u{FEFF}') && first.contains(';'),
            "{name}: {first}"
        );
        assert!(text.contains("\r\n"), "{name}");
    }
}

#[test]
fn a_swedish_template_has_valid_swedish_cells() {
    let folder = Folder::new();
    let template = stdout(&folder.run("template --target meitner --headers sv --example"));
    for part in ["Kön", "Kvinna", "Nej", "Sverige"] {
        assert!(template.contains(part), "{part} not in {template}");
    }
    folder.write("t.csv", template);
    let output = folder.run("check t.csv --target meitner");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn an_api_message_is_shown_with_the_rosters_column_name() {
    let folder = Folder::new();
    let roster = plain_roster(2).replace("first_name,last_name", "Förnamn,Efternamn");
    folder.write("r.csv", roster);
    let body =
        r#"{"error":{"code":"UnprocessableEntity","message":"firstName must have a letter"}}"#;
    let server = Server::start(move |_| respond(422, &[], body));
    let mut arguments = import_of(&server.base_url).to_vec();
    arguments.push("--blind");
    folder.send(&arguments);
    let results = folder.csv("r.results.csv", b',');
    assert_eq!(results[1][8], "Förnamn (firstName) must have a letter");
}

#[test]
fn a_report_keeps_the_examples_in_messages() {
    let folder = Folder::new();
    let roster = plain_roster(2).replace(&crate::harness::identity_number(1), "191");
    folder.write("r.csv", roster);
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
    folder.send(&import_of(&base_url));
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    assert!(
        report.contains("not an identity number such as 20100402-2388"),
        "{report}"
    );
    assert!(!report.contains("191\""), "{report}");
    // The part for a principal says in words that a value is hidden.
    assert!(report.contains("(value not shown)"), "{report}");
}

#[test]
fn a_report_has_a_column_for_protected_persons_only_if_there_are_any() {
    for (mark, has_column) in [("Ja", true), ("Nej", false)] {
        let folder = Folder::new();
        let roster = plain_roster(2).replace("last_name", "last_name,Klass,Sekretessmarkering");
        let roster = roster.replacen("Ek\n", "Ek,7A,Nej\n", 1);
        folder.write(
            "r.csv",
            roster.replacen("Ek\n", &format!("Ek,7A,{mark}\n"), 1),
        );
        let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
        folder.send(&import_of(&base_url));
        let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
        assert!(report.contains("<td>7A</td>"), "{report}");
        let column = ">Protected persons, not sent</th>";
        assert_eq!(report.contains(column), has_column, "{report}");
    }
}

#[test]
fn rows_are_selected_by_spreadsheet_row_number() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(6).replace("Åsa", "Bo"));
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(6), Duration::ZERO);
    let mut arguments = import_of(&base_url).to_vec();
    arguments.extend(["--lines", "3-4,7"]);
    let output = folder.with_sandbox(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let results = folder.csv("r.results.csv", b',');
    let updated = results.iter().filter(|row| row[5] == "updated");
    let lines: Vec<&str> = updated.map(|row| &*row[13]).collect();
    assert_eq!(lines, ["3", "4", "7"]);
}

#[test]
fn replaced_values_have_the_headers_of_the_roster() {
    let folder = Folder::new();
    let header = "id,identity_number,first_name,last_name";
    let roster = plain_roster(2).replace("Åsa", "Bo");
    folder.write(
        "r.csv",
        roster.replace(header, "Elev-ID,Personnummer,Förnamn,Efternamn"),
    );
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
    let send = |arguments: &[&str]| {
        let output = folder.with_sandbox(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    send(&import_of(&base_url));
    assert_eq!(folder.csv("r.before.csv", b',')[0], ["Elev-ID", "Förnamn"]);
    let run = folder.runs();
    send(&["undo", run.split(' ').next().unwrap(), "--yes"]);
    let undone = folder.csv("r.undo.results.csv", b',');
    assert_eq!(undone[0][1], "Förnamn");
    assert_eq!(undone[1][3], "updated");
}
