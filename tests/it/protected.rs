//! Rows of protected persons are never in a request, a file or a database table.

use std::path::Path;

use crate::console::{Console, hidden, status};
use crate::harness::{Folder, stderr, stdout};

/// A text in the cells of protected rows.
const SECRET: &str = "Hemligsson";

/// Returns a roster whose second, fourth and last rows are protected, the last because it is about the same
/// person as the second.
fn roster() -> String {
    let plain = crate::harness::plain_roster(5);
    let mut lines: Vec<String> = plain.lines().map(str::to_owned).collect();
    let marks = ["Sekretessmarkering", "Nej", "Ja", "Ingen", "vet ej", ""];
    for (line, mark) in lines.iter_mut().zip(marks) {
        line.push_str(&format!(",{mark}"));
    }
    for line in [2, 4] {
        lines[line] = lines[line].replace("Ek", SECRET);
    }
    let again = lines[2].replace(",Ja", ",").replace("Åsa", "Eva");
    lines.push(again);
    lines.join("\n") + "\n"
}

pub fn assert_no_secret(folder: &Path, but: &[&str]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_secret(&path, but);
        } else if !but.iter().any(|name| path.ends_with(name)) {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(SECRET.len())
                .any(|text| text == SECRET.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn protected_rows_are_withheld_everywhere() {
    let folder = Folder::new();
    folder.write("r.csv", roster());
    let before = crate::harness::plain_roster(5).replace("Åsa", "Bo");
    let (sandbox, base_url, _stop) =
        crate::harness::sandbox_holding(&before, std::time::Duration::ZERO);
    let place = ["--target", "meitner", "--base-url", &base_url];
    let run = |command: &[&str]| {
        let output = folder.with_sandbox(&[command, &place].concat());
        for text in [stdout(&output), stderr(&output)] {
            assert!(!text.contains(SECRET), "{text}");
        }
        output
    };
    let checked = folder.with_sandbox(&["check", "r.csv", "--target", "meitner"]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    assert!(
        stdout(&checked).contains("3 rows about protected persons"),
        "{}",
        stdout(&checked)
    );
    let planned = run(&["plan", "r.csv"]);
    assert!(
        stdout(&planned).contains("3  withheld"),
        "{}",
        stdout(&planned)
    );
    let output = run(&["import", "r.csv", "--yes", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains(": 3, 5, 7"), "{}", stderr(&output));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["withheld"], &summary["updated"]),
        (&3.into(), &3.into())
    );
    assert_eq!(sandbox.requests("update"), 3);
    let students = sandbox.students().to_string();
    assert!(!students.contains(SECRET), "{students}");

    let rows = folder.csv("r.results.csv", b',');
    assert_eq!(rows[2][..5], ["", "", "", "", ""]);
    assert_eq!(rows[2][6], "withheld");
    let run_name = folder.runs().split(' ').next().unwrap().to_owned();
    assert_eq!(
        folder.with_sandbox(&["report", &run_name]).status.code(),
        Some(0)
    );
    assert!(!folder.path("r.failed.csv").exists());
    assert_no_secret(&folder.path(""), &["r.csv"]);

    // A retry of a results file keeps its protected rows withheld, although their cells are empty.
    let again = run(&[
        "retry",
        "r.results.csv",
        "--only",
        "invalid,not_sent",
        "--yes",
    ]);
    assert_ne!(again.status.code(), Some(3), "{}", stderr(&again));
    assert_eq!(sandbox.requests("update"), 3);
}

#[test]
fn a_protection_mark_is_ignored_only_for_a_recorded_reason() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        roster().lines().take(6).collect::<Vec<_>>().join("\n"),
    );
    let before = crate::harness::plain_roster(5).replace("Ek", "Bo");
    let (sandbox, base_url, _stop) =
        crate::harness::sandbox_holding(&before, std::time::Duration::ZERO);
    let import = |more: &[&str]| {
        let place = [
            "import",
            "r.csv",
            "--yes",
            "--target",
            "meitner",
            "--base-url",
            &base_url,
        ];
        folder.with_sandbox(&[&place, more].concat())
    };
    for field in ["", "postal_city"] {
        let refused = import(&["--map", &format!("Sekretessmarkering={field}")]);
        assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
        assert!(
            stderr(&refused).contains("--release-protected"),
            "{}",
            stderr(&refused)
        );
    }
    let sent = import(&["--release-protected", "samtycke finns"]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert_eq!(sandbox.requests("update"), 5);
    let run_name = folder.runs().split(' ').next().unwrap().to_owned();
    let shown = stdout(&folder.with_sandbox(&["show", &run_name]));
    assert!(shown.contains("samtycke finns"), "{shown}");
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    assert!(report.contains("samtycke finns"));
}

#[test]
fn a_record_marked_as_protected_is_never_updated() {
    let folder = Folder::new();
    let marked =
        "[protected]\npointer = \"/external/sourceID\"\nvalues = [\"Skyddad\"]\n\n[lookup]";
    let target = crate::any_target::own_target(&[("[lookup]", marked)]);
    folder.write("own.toml", &target);
    let roster = crate::harness::plain_roster(4);
    let marks = ["external_source_id", "a", "skyddad", "c", "d"];
    let seed = roster.lines().zip(marks);
    let seed: Vec<String> = seed.map(|(line, mark)| format!("{line},{mark}")).collect();
    let sandbox = crate::any_target::playing(&target, &(seed.join("\n") + "\n"));
    let path = rosterpatch::sandbox::TARGET_PATH;
    let (base_url, _stop) = crate::harness::serve_sandbox_at(sandbox.clone(), path);
    let mut lines: Vec<String> = roster.lines().map(str::to_owned).collect();
    for line in [2, 3] {
        lines[line] = lines[line].replace("Ek", SECRET);
    }
    // A warning may quote the cell.
    lines[2] = lines[2].replace(SECRET, &format!("'{SECRET}' ”{SECRET}”"));
    let third = SECRET.to_owned() + "-Ek";
    lines[3] = lines[3].replace(SECRET, &third);
    folder.write("r.csv", lines.join("\n") + "\n");
    let before = sandbox.any_records();
    let place = ["--target", "own.toml", "--base-url", &base_url];
    let run = |command: &[&str]| folder.with_sandbox(&[command, &place].concat());
    let blind = run(&["import", "r.csv", "--yes", "--blind"]);
    assert_eq!(blind.status.code(), Some(2), "{}", stderr(&blind));
    // The record is read before sending even if all rows are sent and no undo values are kept.
    let sent = run(&[
        "import",
        "r.csv",
        "--yes",
        "--all",
        "--no-undo",
        "--format",
        "json",
    ]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    let summary: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!(
        (&summary["withheld"], &summary["updated"]),
        (&1.into(), &3.into())
    );
    let after = sandbox.any_records();
    let id = crate::harness::plain_id(2);
    assert_eq!(after[&id], before[&id]);
    assert_eq!(after[&crate::harness::plain_id(3)]["lastName"], *third);
    let rows = folder.csv("r.results.csv", b',');
    assert_eq!(rows[2][..4], ["", "", "", ""]);
    assert_eq!(
        (&*rows[2][5], &*rows[2][7]),
        ("withheld", "record.protected")
    );
    assert!(!rows[2].concat().contains(SECRET), "{:?}", rows[2]);
}

#[test]
fn the_console_deletes_copies_and_edits_of_protected_rows() {
    let folder = Folder::new();
    let before = crate::harness::plain_roster(5).replace("Åsa", "Bo");
    let (sandbox, base_url, _stop) =
        crate::harness::sandbox_holding(&before, std::time::Duration::ZERO);
    let arguments = ["--target", "meitner", "--base-url", &base_url];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let host = console.host();
    let headers = format!(
        "Host: {host}\r\nOrigin: http://{host}\r\n{cookie}\
         Content-Type: multipart/form-data; boundary=x\r\n"
    );
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"r.csv\"\r\n\r\n{}\r\n--x--\r\n",
        roster()
    );
    let answer = console.ask("POST", &console.at("/drop"), &headers, &body);
    assert_eq!(status(&answer), 303, "{answer}");
    let edition = || hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    // A cell of a protected row, of a row that the edit marks as protected, and of an ordinary row.
    for (row, cells) in [
        (2, "r2c3=Ny+Hemligsson"),
        (1, "r1c3=Hemligsson&r1c4=Ja"),
        (3, "r3c2=Ny"),
    ] {
        let form = format!("edition={}&row={row}&{cells}", edition());
        console.post(&cookie, "/problems/row", &form);
    }
    let kept = || {
        let files = std::fs::read_dir(folder.path("state/mends")).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.collect::<String>()
    };
    assert!(!kept().contains(SECRET), "{}", kept());
    // The mark is kept, because the next plan would send the row otherwise.
    assert!(kept().contains("Ja") && kept().contains("Ny"), "{}", kept());
    console.post(&cookie, "/plan", &format!("edition={}", edition()));
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let run = hidden(&page, "run").to_owned();
    console.post(&cookie, "/plan/answer", &format!("run={run}&consent=all"));
    console.once(&cookie, "/run", ">Ended<");
    assert_eq!(sandbox.requests("update"), 2);
    assert_no_secret(&folder.path(""), &[]);
    let page = console.get(&cookie, &format!("/runs/{run}"));
    assert!(page.contains("was removed after its run"), "{page}");
    assert!(!page.contains("value=\"mend\""), "{page}");
}

#[test]
fn the_console_deletes_edits_of_a_row_whose_record_is_protected() {
    let folder = Folder::new();
    let marked =
        "[protected]\npointer = \"/external/sourceID\"\nvalues = [\"Skyddad\"]\n\n[lookup]";
    let target = crate::any_target::own_target(&[("[lookup]", marked)]);
    folder.write("own.toml", &target);
    let roster = crate::harness::plain_roster(3);
    let marks = ["external_source_id", "a", "skyddad", "c"];
    let seed = roster.lines().zip(marks);
    let seed: Vec<String> = seed.map(|(line, mark)| format!("{line},{mark}")).collect();
    let sandbox = crate::any_target::playing(&target, &(seed.join("\n") + "\n"));
    let path = rosterpatch::sandbox::TARGET_PATH;
    let (base_url, _stop) = crate::harness::serve_sandbox_at(sandbox.clone(), path);
    folder.write("r.csv", &roster);
    let arguments = ["r.csv", "--target", "own.toml", "--base-url", &base_url];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let edition = || hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    for (row, cells) in [(2, "r2c3=Ny+Hemligsson"), (3, "r3c3=Nytt")] {
        let form = format!("edition={}&row={row}&{cells}", edition());
        console.post(&cookie, "/problems/row", &form);
    }
    console.post(&cookie, "/plan", &format!("edition={}", edition()));
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let run = hidden(&page, "run").to_owned();
    console.post(&cookie, "/plan/answer", &format!("run={run}&consent=all"));
    let page = console.once(&cookie, "/run", ">Ended<");
    assert!(page.contains("1 protected person"), "{page}");
    let files = std::fs::read_dir(folder.path("state/mends")).unwrap();
    let kept: String = files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(kept.contains("Nytt"), "{kept}");
    assert_no_secret(&folder.path(""), &[]);
}

#[test]
fn sweep_archives_a_roster_with_its_protected_rows_unchanged() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("in")).unwrap();
    folder.write("in/r.csv", roster());
    let before = crate::harness::plain_roster(5).replace("Åsa", "Bo");
    let (_sandbox, base_url, _stop) =
        crate::harness::sandbox_holding(&before, std::time::Duration::ZERO);
    let place = ["--target", "meitner", "--base-url", &base_url];
    let swept = [&["sweep", "in", "--yes", "--settle", "0s"][..], &place].concat();
    let output = folder.with_sandbox(&swept);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_no_secret(&folder.path(""), &["r.csv"]);
}
