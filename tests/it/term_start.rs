//! The start of a term: a roster of a whole school, with protected persons, new identity numbers, rows with the number
//! of another pupil and records that were edited by hand, imported by a process that is killed again and again.

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

/// Pupils.
const PUPILS: usize = 1200;

/// Pupils who are protected: three by a word that says so, and three by one that is not understood.
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

/// Rows that have the number of the next one of them.
const SWAPPED: [usize; 3] = [10, 11, 12];

/// Dissimilar first names, so that a row with another pupil's number has another first name too.
const NAMES: [&str; 8] = [
    "Åsa", "Kim", "Olle", "Fatima", "Gustav", "Beatrice", "Ivar", "Märta",
];

fn is_protected(row: usize) -> bool {
    PROTECTED.iter().any(|(protected, _)| *protected == row)
}

/// Whether the last name of a pupil was changed by hand since it was last written: of 25 of them.
fn is_edited(row: usize) -> bool {
    row == 7 || row.is_multiple_of(48) && row < PUPILS
}

fn first_name(row: usize) -> &'static str {
    NAMES[row % NAMES.len()]
}

/// The number of a pupil before the roster brings another one.
fn old_number(row: usize) -> String {
    match RENUMBERED.iter().position(|renumbered| *renumbered == row) {
        Some(at) => format!("{}-TF0{at}", &identity_number(row)[..8]),
        None => identity_number(row),
    }
}

/// What the roster says of a protected pupil: the name, the number and the id in another system.
fn secrets(row: usize) -> [String; 4] {
    [
        format!("Hemlig{row}a"),
        format!("Hemligsson{row}e"),
        identity_number(row),
        format!("S-{row}-hemlig"),
    ]
}

/// The register: all pupils have this last name.
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

/// A roster of these pupils in which they have this last name, and `number` of each of them.
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
                // A pupil under a new number has the same name.
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

/// The texts that stand for a value in a file: as it is, without a hyphen, and as a JSON string has it.
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

/// The first of these values that bytes contain.
fn found_in(bytes: &[u8], values: &[Vec<u8>]) -> Option<String> {
    let mut values = values.iter();
    let found = values.find(|value| memchr::memmem::find(bytes, value).is_some())?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// Asserts that no file below a folder contains one of the values, and no column of a database: as bytes, with what
/// stands in freed pages, and as values.
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

/// Every value of every column of every table of a database, with its place.
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

/// A folder whose program keeps its temporary files there too.
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
fn a_school_begins_its_term() {
    let latency = Duration::from_millis(15);
    let (sandbox, base_url, _stop) = sandbox_holding(&register(), latency);
    // Each request is judged on its way, where the vendor's SDK is installed.
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
    // Only what the API announces limits it.
    let rate = ["--rate", "unlimited", "--format", "json"];
    let import = [&import[..], &rate].concat();
    let school = School::new();
    let is_known = |row: usize| !RENUMBERED.contains(&row);
    school
        .0
        .write("r.csv", roster("Alm", is_known, identity_number));
    school.run(&import, 0);

    // The office corrects some names.
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

    // Record by record.
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

    // File by file and table by table, for what the roster says of the protected pupils.
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
