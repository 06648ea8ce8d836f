//! Workbooks that the program writes, opened by LibreOffice and openpyxl.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use crate::harness::{Folder, office, read_csv, repository, stderr};
use crate::machine::installed;

/// Runs the openpyxl judge on workbooks, or returns `None` with a printed reason if it is not installed.
fn judge(arguments: &[&Path], what: &str, input: &Json) -> Option<Json> {
    let python = installed("JUDGES_PYTHON")?;
    let script = repository().join("tests/judges/workbook.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(what)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap_or(Json::Null))
}

/// Writes the Swedish sample as a workbook of text cells.
fn sample_workbook(folder: &Folder) {
    let sample = folder.sample("elever-2026-ht.csv");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(read_csv(&sample, b';')) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    book.save(folder.path("elever.xlsx")).unwrap();
}

const IMPORT: &str = "--target meitner --sandbox --lang sv";

#[test]
fn a_workbook_roster_gets_workbook_results() {
    let folder = Folder::new();
    sample_workbook(&folder);
    let output = folder.run(&format!("import elever.xlsx {IMPORT}"));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(!folder.path("elever.results.csv").exists());
    let output = folder.run(&format!("import elever-2026-ht.csv {IMPORT}"));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let as_csv = folder.csv("elever-2026-ht.results.csv", b';');

    let Some(found) = judge(&[&folder.path("elever.results.xlsx")], "look", &Json::Null) else {
        return;
    };
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), as_csv.len());
    let header = &as_csv[0];
    // The sandbox omits records by a hash of the file, which differs here.
    let is_drawn = |name: &str| name.starts_with("import_") && name != "import_line";
    for (number, (row, expected)) in rows.iter().zip(&as_csv).enumerate() {
        for (column, expected) in expected.iter().enumerate() {
            // A workbook has no short rows.
            if is_drawn(&header[column]) || number == 500 {
                continue;
            }
            let cell = row[column].as_str().unwrap_or_default();
            assert_eq!(cell, expected, "row {number}, {}", header[column]);
        }
    }
    assert_eq!(found["kinds"], json!(["s"]), "text stays text");
    assert_eq!(found["frozen"], "A2");
    assert!(found["filter"].as_str().unwrap().starts_with("A1:AD"));
    let notes = found["notes"].as_array().unwrap();
    assert!(notes.contains(&json!([
        376,
        "Kön",
        "”Okänt” är inte något av Kvinna, Man, Annat"
    ])));
    let colored: Vec<u64> = found["colored"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_u64().unwrap())
        .collect();
    let status = header.iter().position(|name| name == "import_status");
    let failed: Vec<u64> = (1..)
        .zip(rows)
        .filter(|(_, row)| {
            let status = row[status.unwrap()].as_str().unwrap();
            ["invalid", "rejected", "failed"].contains(&status)
        })
        .map(|(number, _)| number)
        .collect();
    assert!(failed.len() >= 10, "{failed:?}");
    assert_eq!(colored, failed);
}

#[test]
fn a_corrected_failed_workbook_can_be_imported() {
    let folder = Folder::new();
    sample_workbook(&folder);
    folder.run(&format!("import elever.xlsx {IMPORT} --outcome first"));
    let failed = folder.path("elever.failed.xlsx");
    let Some(found) = judge(&[&failed], "look", &Json::Null) else {
        return;
    };
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows[0][0], "import_row", "the outcome stands first");
    assert_eq!(rows[0][13], "Elev-ID");
    let line = |wanted: &str| {
        let row = rows.iter().position(|row| row[9] == wanted);
        row.unwrap() + 1
    };
    let mended = folder.path("mended.xlsx");
    judge(
        &[&failed, &mended],
        "mend",
        &json!([
            ["Mobil", line("168"), "070-174 06 05"],
            ["Kön", line("376"), "Kvinna"]
        ]),
    );
    let output = folder.run(&format!("retry mended.xlsx {IMPORT}"));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let found = judge(&[&folder.path("mended.results.xlsx")], "look", &Json::Null);
    let found = found.unwrap();
    let rows = found["rows"].as_array().unwrap();
    let of = |name: &str| {
        let header = rows[0].as_array().unwrap();
        header.iter().position(|cell| cell == name).unwrap()
    };
    for row in &rows[1..] {
        let is_mended = ["168", "376"].contains(&row[of("import_line")].as_str().unwrap());
        let status = row[of("import_status")].as_str().unwrap();
        let succeeded = ["updated", "unchanged"].contains(&status);
        assert!(succeeded || !is_mended, "{row}");
    }
}

#[test]
fn a_workbook_saved_by_libreoffice_can_be_imported() {
    if office().is_none() {
        return;
    }
    let folder = Folder::new();
    sample_workbook(&folder);
    let output = folder.run(&format!(
        "import elever-2026-ht.csv {IMPORT} --results out.xlsx --failed out.failed.xlsx"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    folder.rewritten_by_office("out.failed.xlsx", "xlsx");
    let failed = folder.csv_of_workbook("out.failed.xlsx");
    assert_eq!(failed.len(), 18, "the header and seventeen rows");
    let output = folder.run(&format!(
        "retry office-out/out.failed.xlsx {IMPORT} --results again.csv"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let again = folder.csv("again.csv", b';');
    assert_eq!(again.len(), failed.len(), "{}", stderr(&output));
}
