//! Guards that hold a run before it sends, and checks that stop a failing run.

use rosterpatch::model::{Exit, seconds_between};
use rosterpatch::plan::{Guards, Threshold};
use rosterpatch::send::Stop;
use serde_json::json;

use crate::harness::{
    CREDENTIALS, Folder, LibraryRun, RECORD, Server, plain_id, plain_roster, respond, stderr,
    stdout,
};

fn ok() -> Server {
    Server::start(|_| respond(200, &[], RECORD))
}

#[test]
fn a_run_with_too_many_invalid_rows_is_held_and_can_be_approved() {
    let folder = Folder::new();
    let mut text = plain_roster(7);
    text.push_str("x,,,\ny,,,\nz,,,\n");
    folder.write("r.csv", &text);
    let server = ok();
    let import = |arguments: &[&str]| {
        folder
            .program()
            .args(["import", "r.csv", "--target", "plain.toml", "--yes"])
            .args(["--base-url", &server.base_url, "--format", "json"])
            .args(arguments)
            .envs(CREDENTIALS)
            .output()
            .unwrap()
    };
    let output = import(&[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("3 of 10 rows are invalid"), "{text}");
    assert!(server.seen().is_empty());
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&summary["exit_code"], &summary["not_sent"]),
        (&json!(4), &json!(7))
    );
    let name = summary["run"].as_str().unwrap();
    assert!(
        text.contains(&format!("rosterpatch approve {name}")),
        "{text}"
    );
    assert!(folder.runs().contains("held"));
    let resumed = folder.run(&format!("resume {name}"));
    assert_eq!(resumed.status.code(), Some(1));

    let approve = || {
        folder
            .program()
            .args(["approve", name])
            .envs(CREDENTIALS)
            .output()
            .unwrap()
    };
    // An approval is refused if the file has changed.
    let same = std::fs::read(folder.path("r.csv")).unwrap();
    folder.write("r.csv", plain_roster(9));
    let output = approve();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("has changed"));
    folder.write("r.csv", same);
    let output = approve();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 7);
    // The duration of the run does not include the wait for approval.
    let page = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    for text in [
        stdout(&output),
        stdout(&folder.run(&format!("show {name}"))),
        page,
    ] {
        assert!(text.contains("held for "), "{text}");
    }
    let shown = folder.run(&format!("show {name} --format json"));
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).unwrap();
    let seconds = |name: &str| shown[name].as_f64().unwrap();
    let moment = |name: &str| shown[name].as_str().unwrap().parse().unwrap();
    let whole = seconds_between(moment("started_at"), moment("finished_at"));
    assert!(seconds("held_s") > 0.0, "{shown}");
    let apart = (seconds("duration_s") + seconds("held_s") - whole).abs();
    assert!(apart < 0.001, "{shown}");
    // The run has ended.
    assert_eq!(approve().status.code(), Some(1));
    let output = import(&["--max-invalid", "30%", "--all"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn a_file_that_lost_its_rows_is_held() {
    let folder = Folder::new();
    let server = ok();
    let mut run = LibraryRun::new();
    run.guards = Guards::default();
    run.all = true;
    folder.write("r.csv", plain_roster(20));
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    for (rows, held) in [(0, true), (9, true), (10, false)] {
        folder.write("r.csv", plain_roster(rows));
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        let is_held = ended.summary.exit_code == Exit::Held;
        assert_eq!(is_held, held, "{rows}: {:?}", ended.stop);
    }
    assert_eq!(server.seen().len(), 30);
}

#[test]
fn a_run_that_would_change_too_much_is_held() {
    let folder = Folder::new();
    let server = ok();
    let mut run = LibraryRun::new();
    run.guards.max_changes = Some(Threshold::Rows(4));
    run.all = true;
    folder.write("r.csv", plain_roster(5));
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.exit_code, Exit::Held);
    assert_eq!(ended.summary.states.not_sent, 5);
    assert!(server.seen().is_empty());
    // Rows without a known previous value do not count as changes.
    run.all = false;
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 5);
    // Rows that were delivered with other values do.
    folder.write("r.csv", plain_roster(5).replace("Åsa", "Eva"));
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.exit_code, Exit::Held);
    run.guards.max_changes = Some(Threshold::Percent(100.0));
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 5);
}

#[test]
fn the_same_error_on_the_first_twenty_rows_stops_the_run() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(60));
    let server = Server::start(|_| {
        respond(
            404,
            &[],
            r#"{"error":{"code":"NotFound","message":"student not found"}}"#,
        )
    });
    let mut run = LibraryRun::new();
    run.sender.concurrency = 1;
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.exit_code, Exit::Interrupted);
    let Some(Stop::Failing { error, .. }) = &ended.stop else {
        panic!("{:?}", ended.stop);
    };
    assert_eq!(error, "HTTP 404 NotFound");
    let told = ended.stop.as_ref().unwrap().for_person();
    assert!(told.ends_with(": student not found"), "{told}");
    assert_eq!(ended.summary.states.rejected, 20);
    assert_eq!(ended.summary.states.not_sent, 40);
    assert_eq!(server.seen().len(), 20);
}

#[test]
fn a_long_wait_reports_its_end_time() {
    use rosterpatch::events::{Observer, RunEvent};
    use std::sync::{Arc, Mutex};
    struct Keeper(Arc<Mutex<Vec<String>>>);
    impl Observer for Keeper {
        fn on_event(&self, event: &RunEvent) {
            if let RunEvent::Waiting { until, .. } = event {
                self.0.lock().unwrap().push(until.to_string());
            }
        }
    }
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    let server = Server::start(|seen| match seen.before {
        0 => respond(503, &[("Retry-After", "3600")], "{}"),
        _ => respond(200, &[], RECORD),
    });
    let told = Arc::default();
    let mut run = LibraryRun::new();
    run.observer = Box::new(Keeper(Arc::clone(&told)));
    run.sender.concurrency = 1;
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 1);
    assert_eq!(ended.summary.duration_s.round(), 3600.0);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "once, not again and again: {told:?}");
    assert!(told[0].starts_with("2026-08-20T19:00:00"), "{told:?}");
}

#[test]
fn a_canary_that_does_not_read_back_what_was_sent_stops_the_run() {
    for (holds, sent, code) in [(true, 6, Exit::Success), (false, 2, Exit::Interrupted)] {
        let folder = Folder::new();
        let mut text = "id,first_name\n".to_owned();
        for row in 1..=6 {
            text.push_str(&format!("{},Åsa\n", plain_id(row)));
        }
        folder.write("r.csv", text);
        let student = |row: usize, name: &str| json!({"id": plain_id(row), "identityNumber": "x", "firstName": name, "lastName": "Ek"});
        let server = Server::start(move |seen| match seen.method.as_str() {
            "POST" => {
                let all: Vec<_> = (1..=6).map(|row| student(row, "Anna")).collect();
                respond(
                    200,
                    &[],
                    &json!({"data": all, "pagination": {"total": 6}}).to_string(),
                )
            }
            // The API did not apply the update of row 2.
            "GET" => {
                let row: usize = seen.path[seen.path.len() - 2..].parse().unwrap();
                let name = if holds || row != 2 { "Åsa" } else { "Anna" };
                respond(200, &[], &student(row, name).to_string())
            }
            _ => respond(200, &[], RECORD),
        });
        let mut run = LibraryRun::new();
        run.target = Some("meitner".into());
        run.canary = Some(2);
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        assert_eq!(ended.summary.exit_code, code);
        let patches = server
            .seen()
            .iter()
            .filter(|seen| seen.method == "PATCH")
            .count();
        assert_eq!(patches, sent);
        if let Some(stop) = ended.stop {
            assert!(
                stop.to_string()
                    .contains("row 3 does not have the first_name"),
                "{stop}"
            );
        }
    }
}

#[test]
fn a_canary_is_refused_if_records_cannot_be_read() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = ok();
    let mut run = LibraryRun::new();
    run.canary = Some(1);
    let error = run.import(&folder, "r.csv", &server.base_url).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    assert!(server.seen().is_empty());
}

#[test]
fn old_runs_are_pruned_with_their_undo_values() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3).replace("Åsa", "Gunhild-Unik"));
    let server = ok();
    folder.import_to("r.csv", &server.base_url, &[], &[]);
    let journal = || std::fs::read(folder.path("state/journal.sqlite")).unwrap();
    let known = |bytes: &[u8]| bytes.windows(12).any(|part| part == b"Gunhild-Unik");
    let kept = folder.run("runs prune --older-than 1h");
    assert!(
        stdout(&kept).contains("0 runs deleted"),
        "{}",
        stdout(&kept)
    );
    assert!(known(&journal()));
    let gone = folder.run("runs prune --older-than 0s");
    assert!(stdout(&gone).contains("1 run deleted"), "{}", stdout(&gone));
    assert!(!known(&journal()), "not just no longer found");
    assert_eq!(folder.runs(), "");
}
