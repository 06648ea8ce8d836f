//! The morning after: results files come back from Excel and LibreOffice, fixed or not.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::harness::{
    CREDENTIALS, Folder, Server, identity_number, office, plain_id, plain_roster, respond, stderr,
};

/// Ten students, semicolons and a mark as Excel writes them, of whom row 3 fails the checks, row 5
/// is refused until its name is fixed, and row 7 cannot be delivered the first times.
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
fn an_untouched_failed_file_sends_only_what_did_not_succeed() {
    let (folder, server) = first_run();
    let output = retry(&folder, &["r.failed.csv"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(
        states(&folder, "r.results-2.csv"),
        ["invalid", "rejected", "updated"]
    );
    assert_eq!(server.seen().len(), 11);
    // The results of a retry can be retried: what succeeded meanwhile is left alone.
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
    // And the first results, with all ten rows, have nothing left to send: but for the two that
    // say there what was wrong.
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
fn results_that_excel_has_been_at_are_known_again() {
    let (folder, server) = first_run();
    // Windows-1252, no mark, rows sorted another way, one deleted, one column moved, one taken
    // away, one added, the results' columns half gone and edited, leading zeros eaten.
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
    // Sorted from nine down: three rows are sent, and nothing else.
    let states = states(&folder, "efter excel.results.csv");
    let sent: Vec<usize> = (0..9)
        .filter(|index| states[*index] == "updated")
        .map(|index| 9 - index)
        .collect();
    assert_eq!(sent, [7, 5, 3], "{states:?}");
    assert_eq!(server.seen().len(), 12);
}

#[test]
fn a_row_that_succeeded_is_sent_again_only_if_it_was_edited() {
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
    // Row 1 was updated and is edited now: as it stands, it was never sent, nor did it fail.
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
fn rows_that_failed_because_of_the_api_are_retried_without_a_file() {
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
fn results_that_libreoffice_has_written_anew_are_retried() {
    if office().is_none() {
        return;
    }
    let (folder, server) = first_run();
    let convert = |from: &str, to: &str| folder.rewritten_by_office(from, to);
    // Opened and saved as a workbook, where numbers lose their zeros.
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
    // As the other workbooks that it writes; nothing is left to send but what the API refused.
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
fn what_succeeded_elsewhere_has_not_succeeded_here() {
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
fn a_value_that_went_there_and_back_is_sent_back() {
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
fn a_row_that_had_anothers_id_is_not_valid_for_standing_alone() {
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
    // With an id of its own it is sent.
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
    // The other run knows the same rows, and is newer; but this file is not its.
    retry(&folder, &["a.failed.csv", "--max-attempts", "1"]);
    assert_eq!((fails.seen().len(), works.seen().len()), (6, 3));
}

#[test]
fn a_retry_beside_a_live_run_sends_its_own_rows_and_a_live_run_is_not_retried() {
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
            // An answer that begins, and ends when somebody says so.
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
fn a_retry_of_a_run_leaves_out_what_its_user_left_out() {
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
