//! The start of a term: a roster of a whole school, with persons who are protected and records that were edited
//! by hand, imported by a process that is killed again and again.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;

use crate::harness::{
    Folder, OF_SANDBOX, Started, import_of, plain_id, plain_roster, sandbox_holding, signal,
    stderr, wait_until,
};
use crate::protected::assert_no_secret;

/// Pupils.
const PUPILS: usize = 1200;

/// Pupils who are protected: three by a word that says so, and three by one that is not understood.
const PROTECTED: [(usize, &str); 6] = [
    (1, "Ja"),
    (250, "vet ej"),
    (600, "Sekretess"),
    (601, "se bilaga"),
    (999, "x"),
    (1200, "Ja"),
];

fn is_protected(row: usize) -> bool {
    PROTECTED.iter().any(|(protected, _)| *protected == row)
}

/// Whether the last name of a pupil was changed by hand since it was last written: of 25 of them.
fn is_edited(row: usize) -> bool {
    row == 7 || row.is_multiple_of(48) && row < PUPILS
}

/// A roster in which the pupils have this last name. The protected ones have another, which must be found
/// nowhere.
fn roster(name: &str) -> String {
    let plain = plain_roster(PUPILS);
    let mut lines = plain.lines();
    let mut text = format!("{},Sekretessmarkering\n", lines.next().unwrap());
    for (index, line) in lines.enumerate() {
        let mark = PROTECTED.iter().find(|(row, _)| *row == index + 1);
        let (name, mark) = mark.map_or((name, "Nej"), |(_, mark)| ("Hemligsson", *mark));
        text.push_str(&format!("{},{mark}\n", line.replace("Ek", name)));
    }
    text
}

#[test]
fn a_school_begins_its_term() {
    let folder = Folder::new();
    let latency = Duration::from_millis(15);
    let (sandbox, base_url, _stop) = sandbox_holding(&plain_roster(PUPILS), latency);
    // Only what the API announces limits it.
    let rate = ["--rate", "unlimited"];
    let import = [&import_of(&base_url)[..], &rate].concat();
    folder.write("r.csv", roster("Alm"));
    let first = folder.with_sandbox(&import);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));

    // The office corrects some names.
    let edited = (1..=PUPILS).filter(|row| is_edited(*row));
    assert_eq!(edited.count(), 25);
    let office = Folder::new();
    let plain = plain_roster(PUPILS).replace("Ek", "Gran");
    let corrected = plain.lines().enumerate();
    let corrected = corrected.filter(|(row, _)| *row == 0 || is_edited(*row));
    let corrected: Vec<&str> = corrected.map(|(_, line)| line).collect();
    office.write("r.csv", corrected.join("\n") + "\n");
    let output = office.with_sandbox(&import);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    folder.write("r.csv", roster("Lind"));
    let before = sandbox.requests("update");
    let start = |arguments: &[&str]| {
        let mut command = folder.command();
        command.args(arguments).envs(OF_SANDBOX);
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        Started(silent.spawn().unwrap())
    };
    for kill in 1..=10_u64 {
        let mut process = match kill {
            1 => start(&[&import[..], &["--conflicts", "theirs"]].concat()),
            _ => start(&[&["resume", "--yes"], &rate[..]].concat()),
        };
        let sent = || sandbox.requests("update") - before;
        wait_until("more rows are sent", || sent() >= 100 * kill);
        signal(process.0.id(), "KILL");
        process.0.wait().unwrap();
    }
    let resume = [&["resume", "--yes", "--format", "json"], &rate[..]].concat();
    let output = folder.with_sandbox(&resume);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Json = serde_json::from_slice(&output.stdout).unwrap();
    let figures = [
        "rows",
        "updated",
        "unchanged",
        "withheld",
        "conflicts",
        "conflicts_kept",
    ];
    let figures = figures.map(|name| summary[name].as_u64().unwrap());
    assert_eq!(figures, [1200, 1169, 25, 6, 25, 25], "{summary}");

    // Record by record.
    let students = sandbox.students();
    let students: BTreeMap<&str, &str> = students
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, student)| (&**id, student["lastName"].as_str().unwrap()))
        .collect();
    assert_eq!(students.len(), PUPILS);
    for row in 1..=PUPILS {
        let name = match row {
            row if is_protected(row) => "Ek",
            row if is_edited(row) => "Gran",
            _ => "Lind",
        };
        assert_eq!(students[&*plain_id(row)], name, "row {row}");
    }
    // And file by file, the tables of the journal among them.
    assert_no_secret(&folder.path(""), &["r.csv"]);
    let rows = crate::harness::read_csv(&folder.path(summary["results"].as_str().unwrap()), b',');
    let status = rows[0].iter().position(|cell| cell == "import_status");
    assert_eq!(rows.len(), PUPILS + 1);
    for (row, cells) in rows.iter().enumerate().skip(1) {
        let expected = match row {
            row if is_protected(row) => "withheld",
            row if is_edited(row) => "unchanged",
            _ => "updated",
        };
        assert_eq!(cells[status.unwrap()], expected, "row {row}");
    }
}
