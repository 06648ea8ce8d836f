//! The start of a term: the roster of a whole school with protected persons, renumberings, identity changes
//! and manually edited records, imported by a process that is killed repeatedly.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rusqlite::types::ValueRef;
use serde_json::{Value as Json, json};

use crate::harness::{
    Folder, OF_SANDBOX, Started, identity_number, plain_id, sandbox_holding, signal, stderr,
    wait_until,
};
use crate::judges::{Judge, python};

/// The number of pupils.
const PUPILS: usize = 1200;

/// Protected pupils: three with a recognized mark, and three with an unrecognized one.
const PROTECTED: [(usize, &str); 6] = [
    (1, "Ja"),
    (250, "vet ej"),
    (600, "Sekretessmarkering"),
    (601, "se bilaga"),
    (999, "x"),
    (1200, "Ja"),
];

/// Pupils who had a temporary number.
const RENUMBERED: [usize; 4] = [100, 500, 700, 1100];

/// Rows in a cycle, each with the number of the next.
const SWAPPED: [usize; 3] = [10, 11, 12];

/// Dissimilar first names, so that a row with another pupil's number also has another first name.
const NAMES: [&str; 8] = [
    "Åsa", "Kim", "Olle", "Fatima", "Gustav", "Beatrice", "Ivar", "Märta",
];

fn is_protected(row: usize) -> bool {
    PROTECTED.iter().any(|(protected, _)| *protected == row)
}

/// Returns whether the last name of a pupil was edited by hand since the last run; true for 25 of them.
fn is_edited(row: usize) -> bool {
    row == 7 || row.is_multiple_of(48) && row < PUPILS
}

fn first_name(row: usize) -> &'static str {
    NAMES[row % NAMES.len()]
}

/// Returns the number of a pupil before the renumbering.
fn old_number(row: usize) -> String {
    match RENUMBERED.iter().position(|renumbered| *renumbered == row) {
        Some(at) => format!("{}-TF0{at}", &identity_number(row)[..8]),
        None => identity_number(row),
    }
}

/// Returns the values of a protected pupil's row: the names, the number and the external id.
fn secrets(row: usize) -> [String; 4] {
    [
        format!("Hemlig{row}a"),
        format!("Hemligsson{row}e"),
        identity_number(row),
        format!("S-{row}-hemlig"),
    ]
}

/// Returns the register, in which all pupils have the same last name.
fn register() -> String {
    let mut text =
        "id,identity_number,identity_temporary,external_source_id,first_name,last_name\n"
            .to_owned();
    for row in 1..=PUPILS {
        let is_temporary = RENUMBERED.contains(&row);
        let (id, number, name) = (plain_id(row), old_number(row), first_name(row));
        text += &format!("{id},{number},{is_temporary},E-{row},{name},Ek\n");
    }
    text
}

/// Returns a roster of the pupils that match `rows`, with this last name and the numbers that `number`
/// returns.
fn roster(name: &str, rows: impl Fn(usize) -> bool, number: impl Fn(usize) -> String) -> String {
    let header = "identity_number,external_source_id,first_name,last_name,Sekretessmarkering";
    let mut text = format!("{header}\n");
    for row in (1..=PUPILS).filter(|row| rows(*row)) {
        let mark = PROTECTED.iter().find(|(protected, _)| *protected == row);
        text += &match mark {
            Some((_, mark)) => {
                let [first, last, number, outer] = secrets(row);
                format!("{number},{outer},{first},{last},{mark}\n")
            }
            None => {
                // A renumbered pupil keeps the name.
                let name = if RENUMBERED.contains(&row) {
                    "Ek"
                } else {
                    name
                };
                let (number, first) = (number(row), first_name(row));
                format!("{number},E-{row},{first},{name},Nej\n")
            }
        };
    }
    text
}

/// Returns the encodings of a value in files: unchanged, without a hyphen, as a JSON string, and as UTF-16.
fn forms(value: &str) -> BTreeSet<Vec<u8>> {
    let utf16 = |value: &str| value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let forms = [
        value.to_owned(),
        value.replace('-', ""),
        value.to_lowercase(),
    ];
    let forms = forms
        .iter()
        .flat_map(|form| [form.clone().into_bytes(), utf16(form)]);
    forms.collect()
}

/// Returns the first of these values that the bytes contain.
fn found_in(bytes: &[u8], values: &[Vec<u8>]) -> Option<String> {
    let mut values = values.iter();
    let found = values.find(|value| memchr::memmem::find(bytes, value).is_some())?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// Asserts that no file below a folder and no database column contains one of the values. Returns the number
/// of databases.
fn assert_holds_none(folder: &Path, but: &[&str], values: &[Vec<u8>]) -> usize {
    let mut databases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            databases += assert_holds_none(&path, but, values);
            continue;
        }
        if but.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(found_in(&bytes, values), None, "{}", path.display());
        if bytes.starts_with(b"SQLite format 3\0") {
            databases += 1;
            let cells = cells_of(&path);
            assert!(!cells.is_empty(), "{}", path.display());
            for (place, cell) in cells {
                assert_eq!(found_in(&cell, values), None, "{place}");
            }
        }
    }
    databases
}

/// Returns every value in every table of a database, with its table and column.
fn cells_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    let database = rusqlite::Connection::open(path).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    let mut cells = Vec::new();
    for table in names("SELECT name FROM sqlite_master WHERE type = 'table'") {
        let mut statement = database
            .prepare(&format!("SELECT * FROM \"{table}\""))
            .unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let cell = match row.get_ref(column).unwrap() {
                    ValueRef::Null | ValueRef::Real(_) => continue,
                    ValueRef::Integer(number) => number.to_string().into_bytes(),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                };
                cells.push((format!("{} {table}.{column}", path.display()), cell));
            }
        }
    }
    cells
}

/// A folder that is also the program's temporary folder.
struct School(Folder);

impl School {
    fn new() -> School {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("temporary")).unwrap();
        School(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command();
        command.args(arguments).envs(OF_SANDBOX);
        command.env("TMPDIR", self.0.path("temporary"));
        command
    }

    fn run(&self, arguments: &[&str], code: i32) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        output
    }
}

fn figures(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_term_start_import_survives_kills_and_protects_personal_data() {
    let latency = Duration::from_millis(15);
    let (sandbox, base_url, _stop) = sandbox_holding(&register(), latency);
    // If the vendor's SDK is installed, a proxy validates each request with it.
    let origin = base_url.strip_suffix("/directory/v1").unwrap();
    let judge = python().map(|python| Judge::start(&python, "meitner_proxy.py", origin, ""));
    let address = match &judge {
        Some(judge) => format!("{}/directory/v1", judge.address),
        None => base_url.clone(),
    };
    let import = [
        "import",
        "r.csv",
        "--target",
        "meitner",
        "--base-url",
        &address,
        "--yes",
    ];
    // The only rate limit is the one that the API announces.
    let rate = ["--rate", "unlimited", "--format", "json"];
    let import = [&import[..], &rate].concat();
    let school = School::new();
    let is_known = |row: usize| !RENUMBERED.contains(&row);
    school
        .0
        .write("r.csv", roster("Alm", is_known, identity_number));
    school.run(&import, 0);

    // The school office edits some names by hand.
    assert_eq!((1..=PUPILS).filter(|row| is_edited(*row)).count(), 25);
    let office = School::new();
    office
        .0
        .write("r.csv", roster("Gran", is_edited, identity_number));
    office.run(&import, 0);

    let number = |row: usize| match SWAPPED.iter().position(|swapped| *swapped == row) {
        Some(at) => identity_number(SWAPPED[(at + 1) % SWAPPED.len()]),
        None => identity_number(row),
    };
    school.0.write("r.csv", roster("Lind", |_| true, number));
    let before = sandbox.requests("update");
    let held = school.run(&[&import[..], &["--conflicts", "ask"]].concat(), 4);
    assert_eq!(sandbox.requests("update"), before);
    let summary = figures(&held);
    let counts = ["identity_changes", "renumbered", "conflicts", "withheld"];
    let counts = counts.map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [3, 4, 25, 6], "{summary}");
    let run = summary["run"].as_str().unwrap();

    let approved = RENUMBERED.map(|row| row.to_string()).join(",");
    let approve = ["approve", run, "--rows", &approved, "--conflicts", "theirs"];
    for kill in 1..=10_u64 {
        let arguments = match kill {
            1 => [&approve[..], &rate].concat(),
            _ => [&["resume", "--yes"], &rate[..]].concat(),
        };
        let mut command = school.command(&arguments);
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Started(silent.spawn().unwrap());
        let sent = || sandbox.requests("update") - before;
        wait_until("more rows are sent", || sent() >= 100 * kill);
        signal(process.0.id(), "KILL");
        process.0.wait().unwrap();
    }
    let output = school.run(&[&["resume", "--yes"], &rate[..]].concat(), 0);
    let summary = figures(&output);
    let names = [
        "rows",
        "updated",
        "unchanged",
        "not_sent",
        "withheld",
        "conflicts",
        "conflicts_kept",
    ];
    let counts = names.map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [1200, 1166, 25, 3, 6, 25, 25], "{summary}");

    // Check each record.
    let students = sandbox.students();
    assert_eq!(students.as_object().unwrap().len(), PUPILS);
    for row in 1..=PUPILS {
        let student = &students[plain_id(row)];
        let last = match row {
            row if is_protected(row) || RENUMBERED.contains(&row) => "Ek",
            row if SWAPPED.contains(&row) => "Alm",
            row if is_edited(row) => "Gran",
            _ => "Lind",
        };
        let expected = json!([
            first_name(row),
            last,
            identity_number(row),
            false,
            format!("E-{row}"),
        ]);
        let found = json!([
            student["firstName"],
            student["lastName"],
            student["identityNumber"],
            student["identityTemporary"] == true,
            student["external"]["sourceID"],
        ]);
        assert_eq!(found, expected, "row {row}");
    }
    let rows = crate::harness::read_csv(&school.0.path(summary["results"].as_str().unwrap()), b',');
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    assert_eq!(rows.len(), PUPILS + 1);
    for (row, cells) in rows.iter().enumerate().skip(1) {
        let expected = match row {
            row if is_protected(row) => ("withheld", "row.protected"),
            row if SWAPPED.contains(&row) => ("not_sent", "identity.changed"),
            row if is_edited(row) => ("unchanged", "conflict.kept"),
            _ => ("updated", ""),
        };
        let found = (
            &*cells[column("import_status")],
            &*cells[column("import_error_code")],
        );
        assert_eq!(found, expected, "row {row}");
    }

    // Search each file and table for the values of the protected pupils.
    let secrets = PROTECTED.iter().flat_map(|(row, _)| secrets(*row));
    let forms: Vec<Vec<u8>> = secrets.flat_map(|secret| forms(&secret)).collect();
    let roster = std::fs::read(school.0.path("r.csv")).unwrap();
    assert_ne!(found_in(&roster, &forms), None);
    for folder in [&school, &office] {
        let databases = assert_holds_none(&folder.0.path(""), &["r.csv"], &forms);
        assert!(databases > 0 || folder.0.state().database().is_some());
    }
    let Some(judge) = judge else { return };
    let verdicts = judge.ask("/_verdicts");
    let verdicts = verdicts.as_array().unwrap();
    let is_update = |one: &&Json| one["method"] == "PATCH";
    assert!(verdicts.iter().filter(is_update).count() > 2 * 1166);
    for verdict in verdicts {
        assert_eq!(verdict["complaints"], json!([]), "{verdict}");
        let bytes = verdict.to_string().into_bytes();
        assert_eq!(found_in(&bytes, &forms), None, "{verdict}");
    }
}
