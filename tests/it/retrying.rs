//! Retrying failed rows: results files that Excel or LibreOffice saved, edited or not.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::harness::{
    CREDENTIALS, Folder, Server, identity_number, office, plain_id, plain_roster, respond, stderr,
};

/// Imports ten students in Excel's format, with semicolons and a byte-order mark. Row 3 is invalid, row 5 is
/// rejected until its name is fixed, and row 7 fails on the first attempts.
fn first_run() -> (Folder, Server) {
    let folder = Folder::new();
    let mut text = "\u{FEFF}id;Personnummer;Förnamn;Efternamn;Kommunkod\r\n".to_owned();
    for row in 1..=10 {
        let number = if row == 3 {
            "20100402-2389".into()
        } else {
            identity_number(row)
        };
        text.push_str(&format!("{};{number};Åsa;Ek;0184\r\n", plain_id(row)));
    }
    folder.write("r.csv", text);
    let server = Server::start(|seen| {
        if seen.path.ends_with("05") && !seen.body.contains("Fixed") {
            return respond(422, &[], r#"{"error":{"message":"no such name"}}"#);
        }
        if seen.path.ends_with("07") && seen.before < 1 {
            return respond(500, &[], "{}");
        }
        respond(200, &[], "{}")
    });
    let output = folder.import_to("r.csv", &server.base_url, &["--max-attempts", "1"], &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 9);
    (folder, server)
}

fn retry(folder: &Folder, arguments: &[&str]) -> Output {
    folder
        .program()
        .args(["retry", "--yes"])
        .args(arguments)
        .envs(CREDENTIALS)
        .output()
        .unwrap()
}

fn states(folder: &Folder, name: &str) -> Vec<String> {
    let rows = folder.csv(name, b';');
    let column = rows[0]
        .iter()
        .position(|name| name == "import_status")
        .unwrap();
    rows[1..].iter().map(|row| row[column].clone()).collect()
}

#[test]
fn a_retry_resends_only_failed_rows() {
    let (folder, server) = first_run();
    let output = retry(&folder, &["r.failed.csv"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(
        states(&folder, "r.results-2.csv"),
        ["invalid", "rejected", "updated"]
    );
    assert_eq!(server.seen().len(), 11);
    // The results of a retry can be retried; rows that have succeeded meanwhile are not resent.
    let text = std::fs::read_to_string(folder.path("r.failed-2.csv")).unwrap();
    folder.write(
        "again.csv",
        text.replace("20100402-2389", &identity_number(3))
            .replace("Åsa;Ek;0184;2", "Fixed;Ek;0184;2"),
    );
    let output = retry(&folder, &["again.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(states(&folder, "again.results.csv"), ["updated", "updated"]);
    assert_eq!(server.seen().len(), 13);
    // In the first results file, only the two rows that are still wrong remain.
    let output = retry(
        &folder,
        &["r.results.csv", "--results", "all.csv", "--failed", "f.csv"],
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let all = states(&folder, "all.csv");
    assert_eq!(
        all.iter().filter(|state| *state == "unchanged").count(),
        8,
        "{all:?}"
    );
    assert_eq!(server.seen().len(), 14, "the refused one once more");
}

#[test]
fn results_saved_by_excel_are_recognized() {
    let (folder, server) = first_run();
    // Windows-1252, no byte-order mark, rows reordered, one row deleted, one column moved, one removed and
    // one added, results columns incomplete and edited, leading zeros lost.
    let rows = folder.csv("r.results.csv", b';');
    let mut mangled =
        "Anteckning;Efternamn;id;Kommunkod;import_status;Personnummer;Förnamn\r\n".to_owned();
    for row in rows[1..].iter().rev().filter(|row| !row[0].ends_with("10")) {
        let number = if row[0].ends_with("03") {
            identity_number(3)
        } else {
            row[1].clone()
        };
        let first = if row[0].ends_with("05") {
            "Fixed"
        } else {
            "Åsa"
        };
        mangled.push_str(&format!(";Ek;{};184;updated;{number};{first}\r\n", row[0]));
    }
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&mangled);
    folder.write("efter excel.csv", bytes);
    let output = retry(&folder, &["efter excel.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // The rows are in descending order, and exactly three are sent.
    let states = states(&folder, "efter excel.results.csv");
    let sent: Vec<usize> = (0..9)
        .filter(|index| states[*index] == "updated")
        .map(|index| 9 - index)
        .collect();
    assert_eq!(sent, [7, 5, 3], "{states:?}");
    assert_eq!(server.seen().len(), 12);
}

#[test]
fn a_successful_row_is_resent_only_if_it_was_edited() {
    let (folder, server) = first_run();
    let text = std::fs::read_to_string(folder.path("r.results.csv")).unwrap();
    let edited = text.replacen("Åsa;Ek", "Åsa-Maria;Ek", 1);
    folder.write("r.results.csv", edited);
    let output = retry(&folder, &["r.results.csv", "--only", "failed"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let seen = server.seen();
    let last: Vec<&str> = seen[9..]
        .iter()
        .map(|seen| &seen.path[seen.path.len() - 2..])
        .collect();
    // Row 1 is edited after its update, so its new values have neither been sent nor failed.
    assert_eq!(last, ["07"]);
    let output = retry(&folder, &["r.results.csv", "--results", "b.csv"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let seen = server.seen();
    let last: Vec<&str> = seen[10..]
        .iter()
        .map(|seen| &seen.path[seen.path.len() - 2..])
        .collect();
    assert_eq!(last, ["01", "05"]);
}

#[test]
fn failed_rows_can_be_retried_without_a_file() {
    for file_is_there in [true, false] {
        let (folder, server) = first_run();
        let name = folder.runs();
        let name = name.split_whitespace().next().unwrap().to_owned();
        if !file_is_there {
            std::fs::remove_file(folder.path("r.csv")).unwrap();
        }
        let output = retry(&folder, &["--run", &name, "--results", "rest.csv"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let seen = server.seen();
        assert_eq!(seen.len(), 10);
        assert!(seen[9].path.ends_with("07"));
        assert_eq!(
            seen[9].body,
            seen.iter()
                .find(|seen| seen.path.ends_with("07"))
                .unwrap()
                .body
        );
        let none = retry(&folder, &["--run", &name, "--only", "not_sent"]);
        assert_eq!(none.status.code(), Some(1));
        assert!(
            stderr(&none).contains("no rows in such a state"),
            "{}",
            stderr(&none)
        );
    }
}

#[test]
fn results_saved_by_libreoffice_are_retried() {
    if office().is_none() {
        return;
    }
    let (folder, server) = first_run();
    let convert = |from: &str, to: &str| folder.rewritten_by_office(from, to);
    // Saved as a workbook, numbers lose their leading zeros.
    convert("r.results.csv", "xlsx");
    let output = retry(
        &folder,
        &["office-out/r.results.xlsx", "--results", "out.csv"],
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let seen = server.seen();
    let last: Vec<&str> = seen[9..]
        .iter()
        .map(|seen| &seen.path[seen.path.len() - 2..])
        .collect();
    assert_eq!(last, ["05", "07"], "{}", stderr(&output));
    // In LibreOffice's other workbook formats, only the rejected row remains to be sent.
    for (kind, filter) in [("ods", "ods"), ("xls", "xls:MS Excel 97")] {
        convert("r.results.csv", filter);
        let file = format!("office-out/r.results.{kind}");
        let output = retry(&folder, &[&file, "--results", "out.csv"]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let results = folder.csv("out.csv", b';');
        assert_eq!(
            results.len(),
            folder.csv("r.results.csv", b';').len(),
            "{kind}"
        );
    }
}

#[test]
fn a_retry_does_not_clear_fields_that_the_row_did_not_change() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        format!(
            "id;Personnummer;Förnamn;Efternamn;Mobil\n{};{};Åsa;Ek;070-174 06 05\n{};{};Åsa;Ek;\n",
            plain_id(1),
            identity_number(1),
            plain_id(2),
            identity_number(2)
        ),
    );
    let server = Server::start(|seen| respond(if seen.before < 1 { 500 } else { 200 }, &[], "{}"));
    let arguments = [
        "--max-attempts",
        "1",
        "--empty",
        "clear",
        "--delimiter",
        ";",
    ];
    folder.import_to("r.csv", &server.base_url, &arguments, &[]);
    let name = folder.runs();
    let name = name.split_whitespace().next().unwrap().to_owned();
    std::fs::remove_file(folder.path("r.csv")).unwrap();
    let output = retry(&folder, &["--run", &name]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = server.seen();
    for row in 1..=2 {
        let bodies: Vec<&str> = seen
            .iter()
            .filter(|seen| seen.path.ends_with(&plain_id(row)))
            .map(|seen| seen.body.as_str())
            .collect();
        assert_eq!(bodies.len(), 2);
        assert_eq!(bodies[0], bodies[1], "the same request again");
    }
}

#[test]
fn success_at_one_address_does_not_count_at_another() {
    let (folder, server) = first_run();
    let other = Server::start(|_| respond(200, &[], "{}"));
    let output = retry(
        &folder,
        &[
            "r.results.csv",
            "--target",
            "plain.toml",
            "--base-url",
            &other.base_url,
        ],
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(other.seen().len(), 9, "all but the invalid one");
    assert_eq!(server.seen().len(), 9);
}

#[test]
fn a_value_that_returns_to_an_earlier_one_is_sent_again() {
    let folder = Folder::new();
    let server = Server::start(|_| respond(200, &[], "{}"));
    let row = |name: &str| {
        format!(
            "id,identity_number,first_name,last_name\n{},{},{name},Ek\n",
            plain_id(1),
            identity_number(1)
        )
    };
    for name in ["One", "Two"] {
        folder.write("r.csv", row(name));
        folder.import_to("r.csv", &server.base_url, &[], &[]);
    }
    folder.write("r.csv", row("One"));
    let output = retry(&folder, &["r.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[2].body.contains("One"));
}

#[test]
fn a_duplicate_row_stays_invalid_if_it_is_retried_alone() {
    let folder = Folder::new();
    let text = crate::harness::plain_roster(6);
    let extra = format!("{},{},Någon,Annan\n", plain_id(2), identity_number(99));
    folder.write("r.csv", text + &extra);
    let server = Server::start(|_| respond(200, &[], "{}"));
    folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(server.seen().len(), 6);
    let output = retry(&folder, &["r.failed.csv"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 6, "it would overwrite another student");
    let results = folder.csv("r.results-2.csv", b',');
    assert_eq!(results[1][5], "invalid");
    assert!(
        results[1][8].contains("row 3 has the same value"),
        "{results:?}"
    );
    // With a unique id, the row is sent.
    let fixed = std::fs::read_to_string(folder.path("r.failed.csv")).unwrap();
    folder.write("r.failed.csv", fixed.replace(&plain_id(2), &plain_id(99)));
    let output = retry(&folder, &["r.failed.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 7);
}

#[test]
fn results_belong_to_the_run_that_wrote_them() {
    let folder = Folder::new();
    folder.write("a.csv", crate::harness::plain_roster(3));
    folder.write("b.csv", crate::harness::plain_roster(3));
    let fails = Server::start(|_| respond(500, &[], "{}"));
    let works = Server::start(|_| respond(200, &[], "{}"));
    folder.import_to("a.csv", &fails.base_url, &["--max-attempts", "1"], &[]);
    folder.import_to("b.csv", &works.base_url, &[], &[]);
    // A newer run has the same rows, but did not write this file.
    retry(&folder, &["a.failed.csv", "--max-attempts", "1"]);
    assert_eq!((fails.seen().len(), works.seen().len()), (6, 3));
}

#[test]
fn a_retry_runs_beside_another_run_but_not_of_a_live_run() {
    let folder = Folder::new();
    folder.write("a.csv", plain_roster(3));
    let roster = plain_roster(6);
    let lines: Vec<&str> = roster.lines().collect();
    folder.write("b.csv", [&lines[..1], &lines[4..]].concat().join("\n"));
    let answers = Arc::new(AtomicU16::new(500));
    let (given, b_rows) = (answers.clone(), [4, 5, 6].map(plain_id));
    let (go_on, may_go_on) = tokio::sync::watch::channel(false);
    let server = Server::start(move |seen| {
        if b_rows.iter().any(|id| seen.path.ends_with(id)) {
            // The response body ends only when the test releases it.
            let mut may_go_on = may_go_on.clone();
            let rest = futures_util::stream::once(async move {
                let _ = may_go_on.wait_for(|go_on| *go_on).await;
                Ok::<_, std::io::Error>("{}")
            });
            return respond(200, &[], "").map(|_| axum::body::Body::from_stream(rest));
        }
        respond(given.load(Ordering::SeqCst), &[], "{}")
    });
    let once = ["--max-attempts", "1"];
    let output = folder.import_to("a.csv", &server.base_url, &once, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    answers.store(200, Ordering::SeqCst);

    let before = server.seen().len();
    std::thread::scope(|scope| {
        let live = scope.spawn(|| folder.import_to("b.csv", &server.base_url, &[], &[]));
        while server.seen().len() == before {
            assert!(!live.is_finished(), "{:?}", live.join());
            std::thread::yield_now();
        }
        let runs = folder.runs();
        let name = |line: &str| line.split(' ').next().unwrap().to_owned();
        let live_run = runs.lines().find(|line| line.contains("running")).map(name);
        let refused = retry(&folder, &["--run", &live_run.unwrap()]);
        assert_eq!(refused.status.code(), Some(7), "{}", stderr(&refused));
        let output = retry(&folder, &["a.failed.csv"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        go_on.send_replace(true);
        let ended = live.join().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    });
    let paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    for row in 1..=6 {
        let sent = paths.iter().filter(|path| path.ends_with(&plain_id(row)));
        assert_eq!(sent.count(), if row <= 3 { 2 } else { 1 }, "{row}");
    }
}

#[test]
fn a_retry_keeps_the_row_selection_of_its_run() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(30));
    let answers = Arc::new(AtomicU16::new(500));
    let given = answers.clone();
    let server = Server::start(move |_| respond(given.load(Ordering::SeqCst), &[], "{}"));
    let limits = ["--limit", "1", "--max-attempts", "1"];
    let output = folder.import_to("r.csv", &server.base_url, &limits, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let listed = folder.runs();
    let run = listed.split(' ').next().unwrap();
    answers.store(200, Ordering::SeqCst);
    let before = server.seen().len();
    let output = folder.send(&["retry", "--run", run, "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len() - before, 1);
}
