//! Rows that turn one person into another: listed first, held, and approved row by row.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use rosterpatch::sandbox::Sandbox;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::harness::{
    Folder, identity_number, import_of, plain_id, plain_roster, sandbox_holding, stderr, stdout,
};

/// Five pupils called Åsa Ek, and a roster that makes the second and the fifth another person and marries the
/// third.
pub fn school(folder: &Folder) -> (Arc<Sandbox>, String, oneshot::Sender<()>) {
    let held = sandbox_holding(&plain_roster(5), Duration::ZERO);
    folder.write("r.csv", roster());
    held
}

pub fn roster() -> String {
    let mut text = plain_roster(5);
    for (row, name) in [(2, "Kim,Ström"), (3, "Åsa,Holm"), (5, "Olle,Lind")] {
        let number = identity_number(row);
        text = text.replace(&format!("{number},Åsa,Ek"), &format!("{number},{name}"));
    }
    text
}

fn run_of(output: &Output) -> String {
    let summary: Json = serde_json::from_str(&stdout(output)).unwrap();
    summary["run"].as_str().unwrap().to_owned()
}

const NAMES: [&str; 7] = ["Åsa", "Ek", "Kim", "Ström", "Olle", "Lind", "Holm"];

#[test]
fn rows_that_turn_one_person_into_another_are_approved_by_number() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let held = folder.with_sandbox(&import);
    assert_eq!(held.status.code(), Some(4), "{}", stderr(&held));
    assert_eq!(sandbox.requests("update"), 0);
    let run = run_of(&held);
    let log = stderr(&held);
    let why = "2 rows would turn one person into another";
    assert!(
        log.contains(why) && log.contains("rows 3, 6 of the spreadsheet"),
        "{log}"
    );
    assert!(
        log.contains(&format!("rosterpatch approve {run} --rows 2,5")),
        "{log}"
    );
    // Standard error is no terminal here: it names rows and no persons.
    for name in NAMES {
        assert!(!log.contains(name), "{name}: {log}");
    }
    let summary: Json = serde_json::from_str(&stdout(&held)).unwrap();
    assert_eq!(summary["identity_changes"], 2);
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    let persons = report.lines().find(|line| line.contains("Kim Ström"));
    let persons = persons.unwrap_or_else(|| panic!("{report}"));
    assert!(persons.contains("Åsa Ek"), "{persons}");
    assert!(report.contains(&format!("rosterpatch approve {run} --rows 2,5")));

    let shown = stdout(&folder.run(&format!("show {run}")));
    assert!(
        shown.contains(&format!("approve {run} --rows 2,5")),
        "{shown}"
    );
    let approve = |rows: &[&str]| {
        let mut arguments = vec!["approve", &run];
        arguments.extend(rows);
        folder.with_sandbox(&arguments)
    };
    for (rows, why) in [
        (&[][..], "--rows 2,5"),
        (&["--rows", "2-3"], "row 3 (import_row) needs no approval"),
        (&["--rows", "9"], "row 9 (import_row) needs no approval"),
        (&["--rows", "two"], "two"),
    ] {
        let refused = approve(rows);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{rows:?}: {said}");
        assert!(said.contains(why), "{rows:?}: {said}");
        assert!(folder.runs().contains("held"));
    }
    let approved = approve(&["--rows", "5"]);
    assert_eq!(sandbox.requests("update"), 2, "{}", stderr(&approved));
    let rows = folder.csv("r.results.csv", b',');
    let column = |name: &str| rows[0].iter().position(|other| other == name).unwrap();
    let of = |row: usize, name: &str| rows[row][column(name)].clone();
    let states: Vec<String> = (1..=5).map(|row| of(row, "import_status")).collect();
    let unchanged = "unchanged";
    assert_eq!(
        states,
        [unchanged, "not_sent", "updated", unchanged, "updated"]
    );
    assert_eq!(of(2, "import_error_code"), "identity.changed");
    assert_eq!(of(2, "import_record_id"), plain_id(2));
    assert_eq!(of(5, "import_matched_by"), "id");
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    for (person, state) in [("Kim Ström", "not_sent"), ("Olle Lind", "updated")] {
        let line = report.lines().find(|line| line.contains(person));
        assert!(line.is_some_and(|line| line.contains(state)), "{person}");
    }
}

#[test]
fn none_of_the_rows_is_approved_where_that_is_said() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let run = run_of(&folder.with_sandbox(&import));
    folder.with_sandbox(&["approve", &run, "--rows", "none"]);
    assert_eq!(sandbox.requests("update"), 1);
}

#[test]
fn a_plan_lists_the_persons_first() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = school(&folder);
    let place = ["--target", "meitner", "--base-url", &base_url];
    let mut plan = vec!["plan", "r.csv", "--out", "plan.csv"];
    plan.extend(place);
    let planned = folder.with_sandbox(&plan);
    assert_eq!(planned.status.code(), Some(4), "{}", stderr(&planned));
    let told = stdout(&planned);
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text}: {told}"));
    let heading = at("Rows that turn one person into another");
    assert!(heading < at("row 3: Åsa Ek"), "{told}");
    assert!(at("row 6: Åsa Ek") < at("Holm"), "{told}");
    let rows = folder.csv("plan.csv", b',');
    let numbers: Vec<&str> = rows[1..].iter().map(|row| &*row[0]).collect();
    assert_eq!(numbers, ["2", "2", "5", "5", "3"]);
}

#[test]
fn the_config_allows_so_many_of_these_rows() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    folder.write("rosterpatch.toml", "max_identity_changes = 1\n");
    let output = folder.with_sandbox(&import_of(&base_url));
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("--max-identity-changes is 1"));
    folder.write("rosterpatch.toml", "max_identity_changes = 2\n");
    let output = folder.with_sandbox(&import_of(&base_url));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(sandbox.requests("update"), 3);
}

#[test]
fn a_sweep_puts_a_file_with_such_rows_into_held_and_names_nobody() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    std::fs::create_dir(folder.path("inbox")).unwrap();
    folder.write("inbox/r.csv", roster());
    let mut sweep = vec!["sweep", "inbox", "--settle", "0s", "--yes"];
    sweep.extend(["--target", "meitner", "--base-url", &base_url]);
    let output = folder.with_sandbox(&sweep);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(folder.path("inbox/held/r.csv").exists());
    assert_eq!(sandbox.requests("update"), 0);
    let log = stderr(&output) + &stdout(&output);
    for name in NAMES {
        assert!(!log.contains(name), "{name}: {log}");
    }
}

#[test]
fn a_further_key_finds_the_rows_that_the_first_one_does_not() {
    let folder = Folder::new();
    let seed = format!(
        "id,identity_number,external_source_id,first_name,last_name\n\
         {},{},E-1,Åsa,Ek\n{},{},E-2,Åsa,Ek\n",
        plain_id(1),
        identity_number(1),
        plain_id(2),
        identity_number(2)
    );
    let (sandbox, base_url, _stop) = sandbox_holding(&seed, Duration::ZERO);
    let roster = format!(
        "identity_number,external_source_id,first_name,last_name\n\
         {},E-1,Åsa,Berg\n{},E-2,Åsa,Ek\n{},E-9,Åsa,Ek\n",
        identity_number(1),
        identity_number(7),
        identity_number(9)
    );
    folder.write("r.csv", roster);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--key", "identity_number,external_source_id"]);
    import.extend(["--max-invalid", "100%"]);
    let output = folder.with_sandbox(&import);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(sandbox.requests("update"), 2);
    let rows = folder.csv("r.results.csv", b',');
    let found: Vec<&[String]> = rows[1..].iter().map(|row| &row[row.len() - 2..]).collect();
    assert_eq!(found[0], [plain_id(1).as_str(), "identity_number"]);
    assert_eq!(found[1], [plain_id(2).as_str(), "external_source_id"]);
    assert_eq!(found[2], ["", ""]);
}
