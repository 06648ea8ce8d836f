//! The first command of the README, and the files that it writes.

use std::fmt::Write;

use rosterpatch::map::RESULT_COLUMNS;

use crate::harness::{Folder, read_csv, stderr, stdout};

const SAMPLE: &str = "elever-2026-ht.csv";

fn import_sample() -> (Folder, std::process::Output) {
    let folder = Folder::new();
    folder.sample(SAMPLE);
    let output = folder.run(&format!("import {SAMPLE} --target meitner --sandbox"));
    (folder, output)
}

#[test]
fn the_sample_gives_the_expected_outcome_for_each_row() {
    let (folder, output) = import_sample();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let rows = folder.csv("elever-2026-ht.results.csv", b';');
    let header = &rows[0];
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let mut outcome = String::new();
    let (mut updated, mut unchanged) = (0, 0);
    for row in &rows[1..] {
        let cell = |name: &str| row[column(name)].as_str();
        if cell("import_status") == "updated" {
            updated += 1;
            assert_eq!(cell("import_http_status"), "200");
            assert_eq!(cell("import_error"), "");
            assert!(!cell("import_changed").is_empty());
            continue;
        }
        if cell("import_status") == "unchanged" {
            unchanged += 1;
            assert_eq!(cell("import_attempts"), "0");
            assert_eq!(cell("import_changed"), "");
            continue;
        }
        writeln!(
            outcome,
            "{} {} {} {} | {}",
            cell("import_row"),
            cell("import_status"),
            cell("import_http_status"),
            cell("import_error_code"),
            cell("import_error"),
        )
        .unwrap();
        assert_eq!(
            cell("import_request_id").is_empty(),
            cell("import_status") == "invalid"
        );
    }
    writeln!(outcome, "and {updated} updated, {unchanged} unchanged").unwrap();
    insta::assert_snapshot!(outcome);
}

#[test]
fn the_results_keep_every_input_cell_in_order() {
    let (folder, _) = import_sample();
    let input = folder.csv(SAMPLE, b';');
    let results = folder.csv("elever-2026-ht.results.csv", b';');
    assert_eq!(input.len(), results.len());
    let width = input[0].len();
    for (number, (before, after)) in input.iter().zip(&results).enumerate() {
        // A short row is padded, so that the results columns keep their positions.
        let mut before = before.clone();
        before.resize(width, String::new());
        assert_eq!(before, after[..width], "row {number}");
        if number > 0 {
            assert_eq!(after[width], number.to_string());
        }
    }
    assert_eq!(results[0][width..], *RESULT_COLUMNS);
    let bytes = std::fs::read(folder.path("elever-2026-ht.results.csv")).unwrap();
    assert!(
        bytes.starts_with("\u{FEFF}".as_bytes()),
        "the input had a mark"
    );
    let failed = folder.csv("elever-2026-ht.failed.csv", b';');
    let unsuccessful: Vec<_> = results
        .iter()
        .skip(1)
        .filter(|row| !matches!(row[width + 1].as_str(), "updated" | "unchanged"))
        .cloned()
        .collect();
    assert_eq!(failed[1..], unsuccessful);
}

#[test]
fn the_clean_sample_succeeds_for_all_rows() {
    let folder = Folder::new();
    folder.sample("students-clean.csv");
    let output = folder.run("import students-clean.csv --target meitner --sandbox --format json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!folder.path("students-clean.failed.csv").exists());
    let bytes = std::fs::read(folder.path("students-clean.results.csv")).unwrap();
    assert!(
        !bytes.starts_with("\u{FEFF}".as_bytes()),
        "the input had no mark"
    );
    let report = std::fs::read_to_string(folder.path("students-clean.report.html")).unwrap();
    assert!(report.contains("50 rows"));

    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let keys: Vec<&str> = summary
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "run",
            "target",
            "base_url",
            "file",
            "sha256",
            "dialect",
            "columns",
            "rows",
            "updated",
            "unchanged",
            "invalid",
            "rejected",
            "failed",
            "not_sent",
            "withheld",
            "requests",
            "lookups",
            "retries",
            "throttled",
            "started_at",
            "finished_at",
            "duration_s",
            "results",
            "failed_rows",
            "report",
            "before",
            "warnings",
            "held",
            "identity_changes",
            "renumbered",
            "exit_code"
        ]
    );
    assert_eq!(summary["rows"], 50);
    let count = |what: &str| summary[what].as_u64().unwrap();
    assert_eq!(count("updated") + count("unchanged"), 50);
    // A single search returns all fifty records, and only rows that differ are sent.
    assert_eq!(count("lookups"), 1);
    assert_eq!(count("requests"), 1 + count("updated"));
    assert_eq!(summary["exit_code"], 0);
    assert_eq!(summary["failed_rows"], serde_json::Value::Null);
}

#[test]
fn importing_a_results_file_replaces_its_results_columns() {
    let folder = Folder::new();
    folder.sample("students-clean.csv");
    folder.run("import students-clean.csv --target meitner --sandbox");
    let output = folder
        .run("import students-clean.results.csv --target meitner --sandbox --results again.csv");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let first = folder.csv("students-clean.results.csv", b',');
    let again = folder.csv("again.csv", b',');
    assert_eq!(first[0], again[0]);
    assert!(
        !stderr(&output).contains("import_row"),
        "our own columns are no strangers"
    );
}

#[test]
fn an_existing_results_file_is_never_overwritten() {
    let folder = Folder::new();
    folder.sample("students-clean.csv");
    folder.write("students-clean.results.csv", "precious");
    folder.run("import students-clean.csv --target meitner --sandbox");
    assert_eq!(
        std::fs::read(folder.path("students-clean.results.csv")).unwrap(),
        b"precious"
    );
    assert_eq!(
        read_csv(&folder.path("students-clean.results-2.csv"), b',').len(),
        51
    );
}

#[cfg(unix)]
#[test]
fn files_with_personal_data_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = import_sample();
    let mode = |name: &str| {
        std::fs::metadata(folder.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    for name in [
        "elever-2026-ht.results.csv",
        "elever-2026-ht.failed.csv",
        "elever-2026-ht.report.html",
        "state/journal.sqlite",
    ] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(mode("state"), 0o700);
}
