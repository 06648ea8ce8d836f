//! The HTML report in Chromium, with accessibility checks by axe-core. `tests/run` installs both.

use std::path::Path;
use std::process::Command;

use rosterpatch::console::avoided_in;
use rosterpatch::l10n::Language;
use serde_json::Value as Json;

use crate::harness::{Folder, plain_roster, repository, stderr};
use crate::machine::installed;

/// Returns what the browser script found in a report, or `None` with a printed reason if no browser is
/// installed.
fn opened(report: &Path) -> Option<Json> {
    opened_with(report, &[])
}

fn opened_with(report: &Path, options: &[&str]) -> Option<Json> {
    installed("CHROMIUM")?;
    let script = repository().join("tests/browser/report.js");
    let output = Command::new("node")
        .arg(script)
        .arg(report)
        .args(options)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let found: Json = serde_json::from_slice(&output.stdout).unwrap();
    for nothing in ["errors", "barriers", "overflow"] {
        let found = found[nothing].as_array().unwrap();
        assert!(
            found.is_empty(),
            "{}: {nothing}: {found:?}",
            report.display()
        );
    }
    let page = format!("file://{}", report.display());
    for request in found["requests"].as_array().unwrap() {
        assert_eq!(request, &page, "nothing is asked of anybody");
    }
    Some(found)
}

#[test]
fn the_sample_report_filters_sorts_and_is_accessible_in_both_languages() {
    for (language, wrong, class) in [
        ("en", "Rows to review", "By class"),
        ("sv", "Rader att titta på", "Per klass"),
    ] {
        let folder = Folder::new();
        folder.sample("elever-2026-ht.csv");
        let import = "import elever-2026-ht.csv --target meitner --sandbox --lang";
        let output = folder.run(&format!("{import} {language}"));
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let Some(found) = opened(&folder.path("elever-2026-ht.report.html")) else {
            return;
        };
        assert!(found["text"].as_str().unwrap().contains(wrong), "{found}");
        // A principal gets the classes and the rows to correct, without codes, paths or commands.
        let plain = found["plain"].as_str().unwrap();
        for part in [class, "9B", "43"] {
            assert!(plain.contains(part), "{part}: {plain}");
        }
        let spoken = match language {
            "sv" => Language::Swedish,
            _ => Language::English,
        };
        let avoided = avoided_in(plain, spoken);
        assert!(avoided.is_empty(), "{plain}: {avoided:?}");
        let place = folder.path("").display().to_string();
        assert!(
            !plain.contains("rosterpatch") && !plain.contains(&place),
            "{plain}"
        );
        let command = found["command"].as_str().unwrap();
        assert!(
            command.starts_with("rosterpatch retry elever-2026-ht.failed.csv --sandbox"),
            "{command}"
        );
        assert_eq!(found["rows"], 17);
        assert_eq!(found["unsorted"], "43");
        assert_eq!(found["sorted"]["first"], "501");
        assert_eq!(found["sorted"]["by"], "descending");
        assert_eq!(found["code"], "lookup.not_found");
        assert_eq!(found["ofCode"], 3);
        assert_eq!(found["ofNothing"], 0);
    }
}

#[test]
fn reports_of_a_held_run_and_of_one_row_are_complete_pages() {
    let folder = Folder::new();
    folder.write("one.csv", plain_roster(1));
    let output = folder.run("import one.csv --target meitner --sandbox --all");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let Some(found) = opened(&folder.path("one.report.html")) else {
        return;
    };
    assert_eq!(found["command"], Json::Null, "nothing is left to do");

    folder.write("none.csv", plain_roster(0));
    let output = folder.run("import none.csv --target meitner --sandbox");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    opened(&folder.path("none.report.html"));

    folder.write("held.csv", plain_roster(9).replace("Ek", ""));
    let output = folder.run("import held.csv --target meitner --sandbox");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let found = opened(&folder.path("held.report.html")).unwrap();
    let text = found["text"].as_str().unwrap();
    assert!(text.contains("Held before anything was sent"), "{text}");
    let plain = found["plain"].as_str().unwrap();
    assert!(
        plain.contains("more than the limit of 20\u{a0}%"),
        "{plain}"
    );
}

#[test]
fn a_report_of_a_hundred_thousand_rows_stays_small() {
    let folder = Folder::new();
    folder.write("many.csv", plain_roster(100_000).replace("Ek", ""));
    let output =
        folder.run("import many.csv --target meitner --sandbox --max-invalid 100% --blind");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let report = folder.path("many.report.html");
    let bytes = std::fs::metadata(&report).unwrap().len();
    assert!(bytes < 5_000_000, "{bytes}");
    let Some(found) = opened_with(&report, &["quick"]) else {
        return;
    };
    println!("{bytes} bytes, opened in {} ms", found["opened_ms"]);
    assert_eq!(found["rows"], 5_000);
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.contains("And 95,000 more"), "the file has them all");
}
