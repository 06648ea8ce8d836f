//! Records are looked up first, only differences are sent, and a run can be undone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rosterpatch::clock::SystemClock;
use rosterpatch::events::{Observer, Plan, RunEvent};
use rosterpatch::model::Exit;
use rosterpatch::sandbox::{Sandbox, SandboxOptions, SeedRow};
use serde_json::{Value as Json, json};

use crate::harness::{
    Folder, LibraryRun, OF_SANDBOX, RECORD, Seen, Server, identity_number, import_of, plain_id,
    plain_roster, respond, sandbox_holding, seed_of, serve_sandbox, stderr, stdout,
};
use crate::machine::has_command;

/// Returns a roster with every column of a student; `street` returns the address of a row.
fn roster(rows: usize, street: impl Fn(usize) -> String) -> String {
    let mut text = "id,identity_number,first_name,last_name,external_source_id,postal_address,\
                    postal_code,postal_city,phone_number1,email_address1\n"
        .to_owned();
    for row in 1..=rows {
        text.push_str(&format!(
            "{},{},Åsa,Ek,E-{row},{},169 56,Solna,+4670{row:07},e{row}@example.se\n",
            plain_id(row),
            identity_number(row),
            street(row)
        ));
    }
    text
}

/// Returns a sandbox that holds exactly the rows of `text`.
fn holding(text: &str, run: &LibraryRun) -> Arc<Sandbox> {
    let rows: Vec<SeedRow> = seed_of(text);
    let options = SandboxOptions {
        depth: 1e9,
        interval: std::time::Duration::from_nanos(1),
        ..SandboxOptions::default()
    };
    Arc::new(Sandbox::holding(&options, &rows, run.clock.clone()))
}

fn by_look_up() -> LibraryRun {
    let mut run = LibraryRun::new();
    run.target = Some("meitner".into());
    run.rate = "100000/s".parse().unwrap();
    run.burst = 100_000;
    run
}

/// Returns the students without the server's own metadata.
fn students(sandbox: &Sandbox) -> Json {
    let mut all = sandbox.students();
    for student in all.as_object_mut().unwrap().values_mut() {
        student.as_object_mut().unwrap().remove("meta");
    }
    all
}

fn requests(sandbox: &Sandbox, kind: &str) -> u64 {
    sandbox.stats()["requests"][kind].as_u64().unwrap_or(0)
}

#[test]
fn only_the_300_differing_rows_of_20_000_are_sent() {
    let folder = Folder::new();
    let before = roster(20_000, |row| format!("Skolgatan {row}"));
    let run = by_look_up();
    let sandbox = holding(&before, &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let changed = |row: usize| row.is_multiple_of(66) && row <= 300 * 66;
    folder.write(
        "r.csv",
        roster(20_000, |row| {
            let mark = if changed(row) { " B" } else { "" };
            format!("Skolgatan {row}{mark}")
        }),
    );
    let ended = run.import(&folder, "r.csv", &base_url).unwrap();
    let states = ended.summary.states;
    assert_eq!((states.updated, states.unchanged), (300, 19_700));
    assert_eq!(requests(&sandbox, "update"), 300);
    let lookups = requests(&sandbox, "list") + requests(&sandbox, "search");
    assert!(lookups <= 405, "{lookups}");
    assert_eq!(ended.summary.requests, 300 + lookups);
    assert_eq!(ended.summary.lookups, lookups);

    // A second import of the same file sends nothing.
    let again = run.import(&folder, "r.csv", &base_url).unwrap();
    assert_eq!(again.summary.states.unchanged, 20_000);
    assert_eq!(requests(&sandbox, "update"), 300);
}

#[test]
fn a_small_register_is_listed_and_a_large_one_is_searched() {
    // The register has 600 students.
    let all = roster(600, |row| format!("Skolgatan {row}"));
    for (rows, listed, searched) in [(600, 12, 0), (40, 0, 1), (200, 1, 4)] {
        let folder = Folder::new();
        let run = by_look_up();
        let sandbox = holding(&all, &run);
        let (base_url, _stop) = serve_sandbox(sandbox.clone());
        folder.write("r.csv", roster(rows, |row| format!("Skolgatan {row}")));
        let ended = run.import(&folder, "r.csv", &base_url).unwrap();
        assert_eq!(ended.summary.states.unchanged, rows as u64);
        let made = (requests(&sandbox, "list"), requests(&sandbox, "search"));
        assert_eq!(made, (listed, searched), "{rows} rows");
    }
}

#[test]
fn records_are_found_by_any_look_up_key() {
    let all = roster(60, |row| format!("Skolgatan {row}"));
    for (column, value, unknown) in [
        ("identity_number", identity_number(7), identity_number(999)),
        ("external_source_id", "E-7".into(), "E-999".into()),
        (
            "email_address1",
            "e7@example.se".into(),
            "x@example.se".into(),
        ),
        ("id", plain_id(7), plain_id(999)),
    ] {
        let folder = Folder::new();
        let run = by_look_up();
        let sandbox = holding(&all, &run);
        let (base_url, _stop) = serve_sandbox(sandbox.clone());
        // The file has a key and one other column.
        let text = format!("{column},phone_number1\n{value},070-999 88 77\n{unknown},070-1\n");
        folder.write("r.csv", text.replace("070-1\n", "070-999 88 66\n"));
        let before = students(&sandbox);
        let ended = run.import(&folder, "r.csv", &base_url).unwrap();
        assert_eq!(ended.summary.states.updated, 1, "{column}");
        let results = folder.csv("r.results.csv", b',');
        assert_eq!(results[1][7], "phone_number1", "import_changed");
        assert_eq!(results[2][3..6], ["invalid", "", "lookup.not_found"]);
        let told = &results[2][6];
        assert!(
            told.contains("no student has") && told.contains(&unknown),
            "{told}"
        );
        // Only that column of that student has changed.
        let mut expected = before;
        expected[plain_id(7)]["phoneNumber1"] = json!("+46709998877");
        assert_eq!(students(&sandbox), expected, "{column}");
    }
}

#[test]
fn fields_required_in_every_update_come_from_the_record() {
    let folder = Folder::new();
    folder.write("r.csv", format!("id,postal_code\n{},111 22\n", plain_id(1)));
    let record = json!({
        "id": plain_id(1), "identityNumber": "20100402-T001", "firstName": "Åsa", "lastName": "Ek",
        "identityTemporary": true, "external": {"source": "x", "sourceID": "E-1"},
        "address": {"postalAddress": "Skolgatan 1", "postalCode": "169 56", "postalCity": "Solna",
                    "countryCode": null, "municipalityCode": "0184"},
        "phoneNumber1": "+46701740605", "meta": {"createdAt": "2026-01-01T00:00:00Z"},
    });
    let server = Server::start(move |seen| answer_with(seen, std::slice::from_ref(&record)));
    let ended = by_look_up()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert_eq!(ended.summary.states.updated, 1);
    let seen = server.seen();
    let patch = seen.iter().find(|seen| seen.method == "PATCH").unwrap();
    assert_eq!(
        serde_json::from_str::<Json>(&patch.body).unwrap(),
        json!({
            "identityNumber": "20100402-T001", "firstName": "Åsa", "lastName": "Ek",
            "identityTemporary": true,
            "address": {"postalAddress": "Skolgatan 1", "postalCode": "111 22",
                        "postalCity": "Solna", "municipalityCode": "0184"},
        })
    );
}

/// Answers a search with these records, and other requests with an empty success.
fn answer_with(seen: &Seen, records: &[Json]) -> axum::http::Response<axum::body::Body> {
    if seen.method != "POST" {
        return respond(200, &[], RECORD);
    }
    let body =
        json!({"data": records, "pagination": {"offset": 0, "limit": 50, "total": records.len()}});
    respond(200, &[], &body.to_string())
}

#[test]
fn a_key_that_matches_two_records_is_reported() {
    let folder = Folder::new();
    folder.write("r.csv", "external_source_id,first_name\nE-1,Åsa\n");
    let student = |row: usize| json!({"id": plain_id(row), "external": {"sourceID": "E-1"}});
    let both = [student(1), student(2)];
    let server = Server::start(move |seen| answer_with(seen, &both));
    by_look_up()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    let results = folder.csv("r.results.csv", b',');
    assert_eq!(results[1][3..6], ["invalid", "", "lookup.several"]);
    assert!(results[1][6].contains("2 students have"), "{results:?}");
    assert!(server.seen().iter().all(|seen| seen.method == "POST"));
}

#[test]
fn a_failed_look_up_stops_the_run_before_sending() {
    let folder = Folder::new();
    folder.write("r.csv", roster(200, |row| format!("Skolgatan {row} B")));
    let run = by_look_up();
    let sandbox = holding(&roster(600, |row| format!("Skolgatan {row}")), &run);
    let all = sandbox.students();
    let records: Vec<Json> = all.as_object().unwrap().values().cloned().collect();
    let asked = Mutex::new(0);
    let server = Server::start(move |seen| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        match *asked {
            1 => {
                let body = json!({"data": records[..50], "pagination": {"total": 600}});
                respond(200, &[], &body.to_string())
            }
            2 => {
                let body: Json = serde_json::from_str(&seen.body).unwrap();
                let keys = &body["filter"]["contains"]["id"];
                let found: Vec<&Json> = records
                    .iter()
                    .filter(|record| keys.as_array().unwrap().contains(&record["id"]))
                    .collect();
                let body = json!({"data": found, "pagination": {"total": found.len()}});
                respond(200, &[], &body.to_string())
            }
            _ => respond(500, &[], "{}"),
        }
    });
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.exit_code, Exit::Refused);
    assert_eq!(ended.summary.states.not_sent, 200);
    assert!(server.seen().iter().all(|seen| seen.method != "PATCH"));
    // Once the API has recovered, the run resumes from its plan.
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let mut again = by_look_up();
    again.clock = Arc::new(SystemClock);
    let ended = again.import(&folder, "r.csv", &base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 200);
}

#[test]
fn changes_after_planning_are_overwritten_only_in_planned_fields() {
    // As documented: the roster wins in its own columns; other fields are sent as they were read.
    let folder = Folder::new();
    let before = roster(2, |row| format!("Skolgatan {row}"));
    folder.write(
        "r.csv",
        format!("id,phone_number1\n{},0709998877\n", plain_id(1)),
    );
    let run = by_look_up();
    let sandbox = holding(&before, &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    // Another import changes the same student after the look-up.
    let other = Folder::new();
    other.write(
        "o.csv",
        format!(
            "id,phone_number1,postal_city\n{},0701112233,Umeå\n",
            plain_id(1)
        ),
    );
    struct Meanwhile {
        folder: Folder,
        base_url: String,
    }
    impl Observer for Meanwhile {
        fn on_event(&self, event: &RunEvent) {
            if matches!(event, RunEvent::Planned(_)) {
                let run = by_look_up();
                run.import(&self.folder, "o.csv", &self.base_url).unwrap();
            }
        }
    }
    let mut run = by_look_up();
    run.observer = Box::new(Meanwhile {
        folder: other,
        base_url: base_url.clone(),
    });
    let ended = run.import(&folder, "r.csv", &base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 1);
    let student = &students(&sandbox)[plain_id(1)];
    assert_eq!(student["phoneNumber1"], "+46709998877");
    assert_eq!(student["address"]["postalCity"], "Umeå");
}

/// Runs the program against a sandbox in this process.
fn program(folder: &Folder, base_url: &str, arguments: &[&str]) -> std::process::Output {
    folder
        .program()
        .args(arguments)
        .args(if arguments[0] == "undo" {
            vec!["--yes"]
        } else {
            vec!["--target", "meitner", "--base-url", base_url]
        })
        .envs(OF_SANDBOX)
        .output()
        .unwrap()
}

#[test]
fn an_import_followed_by_its_undo_restores_every_record() {
    let folder = Folder::new();
    let before = roster(120, |row| format!("Skolgatan {row}"));
    let run = LibraryRun {
        clock: Arc::new(SystemClock),
        ..by_look_up()
    };
    let sandbox = holding(&before, &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let was = students(&sandbox);
    let mut text = roster(120, |row| format!("Nygatan {}", row % 60));
    // One telephone number is cleared.
    text = text.replace("+46700000003", "<null>");
    folder.write("r.csv", &text);
    let output = program(&folder, &base_url, &["import", "r.csv", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_ne!(students(&sandbox), was);
    // The replaced values are in a file that can be imported.
    let replaced = folder.csv("r.before.csv", b',');
    assert_eq!(replaced[0], ["id", "postal_address", "phone_number1"]);
    assert_eq!(replaced.len(), 121);
    // Text that a spreadsheet neither runs as a formula nor converts to a number.
    let phone = "=\"+46700000003\"";
    assert_eq!(replaced[3], [&*plain_id(3), "Skolgatan 3", phone]);
    assert_eq!(replaced[4], [&*plain_id(4), "Skolgatan 4", ""]);

    let listed = folder.runs();
    let name = listed.split_whitespace().next().unwrap().to_owned();
    let output = program(&folder, &base_url, &["undo", &name]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(students(&sandbox), was);
    assert_eq!(requests(&sandbox, "update"), 240);
    // A second undo sends nothing.
    let output = program(&folder, &base_url, &["undo", &name]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(requests(&sandbox, "update"), 240);
}

#[test]
fn a_repeated_undo_still_checks_for_later_changes() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&plain_roster(1), Duration::ZERO);
    let import = |first: &str| {
        folder.write("r.csv", plain_roster(1).replace("Åsa", first));
        let output = folder.send(&import_of(&base_url));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    let newest = || {
        let listed = folder.runs();
        listed.split(' ').next().unwrap().to_owned()
    };
    import("Bo");
    let output = folder.send(&["undo", &newest(), "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let undo = newest();
    // Simulate an undo whose only request was not delivered, followed by a change of the record.
    let journal = rusqlite::Connection::open(folder.path("state/journal.sqlite")).unwrap();
    let failed = "UPDATE outcome SET state = 'failed' WHERE id >> 32 = (SELECT max(id) FROM run)";
    assert_eq!(journal.execute(failed, []).unwrap(), 1);
    drop(journal);
    import("Cai");
    let output = folder.send(&["retry", "--run", &undo, "--yes"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(sandbox.students()[plain_id(1)]["firstName"], "Cai");
}

#[test]
fn an_undo_keeps_later_changes() {
    let folder = Folder::new();
    let run = LibraryRun {
        clock: Arc::new(SystemClock),
        ..by_look_up()
    };
    let sandbox = holding(&roster(3, |row| format!("Skolgatan {row}")), &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    folder.write(
        "r.csv",
        roster(3, |row| format!("Nygatan {row}")).replace("+467000000", "+467000009"),
    );
    program(&folder, &base_url, &["import", "r.csv", "--yes"]);
    let listed = folder.runs();
    let name = listed.split_whitespace().next().unwrap().to_owned();
    // Another import changes the address of one student and all fields of another.
    folder.write(
        "since.csv",
        format!(
            "id,postal_address,phone_number1\n{},Annangatan 1,\n{},Annangatan 2,0701112233\n",
            plain_id(1),
            plain_id(2)
        ),
    );
    program(&folder, &base_url, &["import", "since.csv", "--yes"]);
    let output = program(&folder, &base_url, &["undo", &name]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let results = folder.csv("r.undo.results.csv", b',');
    let column = |name: &str| results[0].iter().position(|other| other == name).unwrap();
    let (status, error) = (column("import_status"), column("import_error"));
    assert_eq!(results[1][status], "updated");
    assert!(
        results[1][error].contains("changed postal_address after the run"),
        "{results:?}"
    );
    assert_eq!(results[2][status], "invalid");
    assert!(results[2][error].contains("phone_number1"), "{results:?}");
    assert_eq!((&*results[3][status], &*results[3][error]), ("updated", ""));
    let now = students(&sandbox);
    let of = |row: usize| &now[plain_id(row)];
    assert_eq!(of(1)["address"]["postalAddress"], "Annangatan 1");
    assert_eq!(of(1)["phoneNumber1"], "+46700000001");
    assert_eq!(of(2)["phoneNumber1"], "+46701112233");
    assert_eq!(of(3)["address"]["postalAddress"], "Skolgatan 3");
}

#[test]
fn a_plan_lists_every_change_and_makes_none() {
    let folder = Folder::new();
    let run = LibraryRun {
        clock: Arc::new(SystemClock),
        ..by_look_up()
    };
    let sandbox = holding(&roster(60, |row| format!("Skolgatan {row}")), &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let mut text = roster(60, |row| {
        let street = if row <= 3 { "=Nygatan" } else { "Skolgatan" };
        format!("{street} {row}")
    });
    text = text.replace("=Nygatan", "Nygatan");
    folder.write("r.csv", text);
    let output = program(
        &folder,
        &base_url,
        &["plan", "r.csv", "--out", "changes.csv"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    for part in [
        "         3  to send\n        57  unchanged\n        60  rows\n",
        "Fields that change\n         3  postal_address\n",
        "row 3, postal_address\n  - Skolgatan 2\n  + Nygatan 2\n",
        "3 requests at",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    let changes = folder.csv("changes.csv", b',');
    assert_eq!(changes[0], ["row", "key", "field", "from", "to", "line"]);
    assert_eq!(
        changes[2],
        [
            "2",
            &plain_id(2),
            "postal_address",
            "Skolgatan 2",
            "Nygatan 2",
            "3"
        ]
    );
    assert_eq!(changes.len(), 4);
    assert_eq!(requests(&sandbox, "update"), 0);
    assert_eq!(folder.runs(), "", "a plan is no run");

    let output = program(&folder, &base_url, &["plan", "r.csv", "--format", "json"]);
    let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(summary["to_send"], 3);
    assert_eq!(summary["not_sent"], 3, "as the text says");
    assert_eq!(summary["unchanged"], 57);
    assert_eq!(summary["fields"]["postal_address"], 3);
    assert_eq!(summary["held"], Json::Null);
    assert!(summary["estimated_finish"].is_string() && summary["estimated_s"].is_number());
}

/// Stores the plan of a run.
struct Keeper(Arc<Mutex<Option<Plan>>>);

impl Observer for Keeper {
    fn on_event(&self, event: &RunEvent) {
        if let RunEvent::Planned(plan) = event {
            *self.0.lock().unwrap() = Some(Plan::clone(plan));
        }
    }
}

#[test]
fn the_forecast_is_accurate_to_five_percent() {
    for (quota, rows) in [("60/m", 400), ("1500/h", 1700), ("2/s", 600)] {
        let folder = Folder::new();
        folder.write("r.csv", roster(rows, |row| format!("Nygatan {row}")));
        let mut run = by_look_up();
        // The target file's quota is wrong; the sandbox's headers contain the right one.
        run.rate = "3000/h".parse().unwrap();
        run.burst = 3000;
        run.sender.concurrency = 1;
        let rate: rosterpatch::send::Rate = quota.parse().unwrap();
        let options = SandboxOptions {
            depth: rate.requests,
            interval: rate.interval(),
            ..SandboxOptions::default()
        };
        let rows: Vec<SeedRow> = seed_of(&roster(rows, |row| format!("Skolgatan {row}")));
        let sandbox = Arc::new(Sandbox::holding(&options, &rows, run.clock.clone()));
        let (base_url, _stop) = serve_sandbox(sandbox.clone());
        let plan = Arc::new(Mutex::new(None));
        run.observer = Box::new(Keeper(plan.clone()));
        let ended = run.import(&folder, "r.csv", &base_url).unwrap();
        let plan = plan.lock().unwrap().clone().unwrap();
        let finish = plan.estimated_finish.unwrap();
        let began = finish.as_second() as f64 - plan.estimate_s;
        let took = ended.summary.finished_at.as_second() as f64 - began;
        let error = (plan.estimate_s - took).abs() / took;
        assert!(error < 0.05, "{quota}: {} and was {took}", plan.estimate_s);
        assert_eq!(ended.summary.throttled, 0, "{quota}");
    }
}

#[test]
fn deliveries_to_an_unreadable_api_are_not_resent() {
    let folder = Folder::new();
    let mut run = LibraryRun::new();
    run.trust_for = std::time::Duration::from_secs(30 * 86_400);
    let server = Server::start(|seen| {
        if seen.path.ends_with('3') {
            return respond(422, &[], "{}");
        }
        respond(200, &[], RECORD)
    });
    folder.write("r.csv", crate::harness::plain_roster(5));
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(first.summary.states.updated, 4);
    // Only the rejected row is sent again.
    let second = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(second.summary.states.unchanged, 4);
    assert_eq!(server.seen().len(), 6);
    // A row with new values is sent.
    folder.write(
        "r.csv",
        crate::harness::plain_roster(5).replacen("Åsa", "Åsa-Maria", 1),
    );
    let third = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(third.summary.states.updated, 1);
    assert_eq!(third.summary.states.unchanged, 3);
    // After a month the delivery is no longer trusted, and `--all` ignores it.
    run.all = true;
    let all = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(all.summary.states.updated, 4);
    run.all = false;
    run.trust_for = std::time::Duration::ZERO;
    let later: jiff::Timestamp = "2026-10-20T18:00:00Z".parse().unwrap();
    run.clock = Arc::new(rosterpatch::clock::VirtualClock::starting_at(later));
    let old = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(old.summary.states.unchanged, 0);
}

#[test]
fn a_lost_response_of_a_non_idempotent_update_is_read_from_the_record() {
    for (carried_out, expected) in [(true, "updated"), (false, "failed")] {
        let folder = Folder::new();
        let text = rosterpatch::targets::text("meitner").unwrap();
        folder.write(
            "once.toml",
            text.replace("idempotent = true", "idempotent = false"),
        );
        folder.write("r.csv", format!("id,first_name\n{},Åsa\n", plain_id(1)));
        let student = |name: &str| json!({"id": plain_id(1), "identityNumber": "x", "firstName": name, "lastName": "Ek"});
        let server = Server::start(move |seen| match seen.method.as_str() {
            "PATCH" => {
                // The connection closes before the response starts.
                panic!("no answer");
            }
            "GET" => {
                let name = if carried_out { "Åsa" } else { "Anna" };
                respond(200, &[], &student(name).to_string())
            }
            _ => answer_with(seen, &[student("Anna")]),
        });
        let mut run = by_look_up();
        run.target = Some(folder.path("once.toml").display().to_string());
        run.import(&folder, "r.csv", &server.base_url).unwrap();
        let results = folder.csv("r.results.csv", b',');
        assert_eq!(results[1][3], expected, "{results:?}");
        let patches = server
            .seen()
            .iter()
            .filter(|seen| seen.method == "PATCH")
            .count();
        assert_eq!(patches, 1);
    }
}

#[test]
fn a_record_on_two_pages_is_counted_once() {
    let folder = Folder::new();
    folder.write("r.csv", format!("id,first_name\n{},Åsa\n", plain_id(1)));
    let student =
        json!({"id": plain_id(1), "identityNumber": "x", "firstName": "Anna", "lastName": "Ek"});
    let twice = [student.clone(), student];
    let server = Server::start(move |seen| answer_with(seen, &twice));
    let ended = by_look_up()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert_eq!(ended.summary.states.updated, 1);
}

#[test]
fn a_complete_row_sent_without_undo_reads_nothing() {
    let folder = Folder::new();
    let full = |row: u64, temporary: &str| {
        let roster = crate::harness::plain_roster(3);
        let line = roster.lines().nth(row as usize).unwrap().to_owned();
        format!("{line},{temporary}\n")
    };
    let header = "id,identity_number,first_name,last_name,identity_temporary\n";
    let seed = crate::harness::plain_roster(3);
    let (sandbox, base_url, _stop) = crate::harness::sandbox_holding(&seed, Duration::ZERO);
    let import = |arguments: &[&str]| {
        let own = crate::harness::import_of(&base_url);
        let output = folder.send(&[&own[..], arguments, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
        let counts = ["requests", "lookups"].map(|name| summary[name].as_u64().unwrap());
        (counts, stderr(&output))
    };
    let rows = |third: &str| format!("{header}{}{}{}", full(1, "false"), full(2, "false"), third);
    folder.write("r.csv", rows(&full(3, "true")).replace("Åsa", "Bo"));
    let (counts, told) = import(&["--all", "--no-undo"]);
    assert_eq!(counts, [3, 0]);
    assert!(told.contains("nothing is read (--all"), "{told}");
    let run = folder.runs();
    let undo = folder.send(&["undo", run.split(' ').next().unwrap(), "--yes"]);
    assert_eq!(undo.status.code(), Some(1));
    assert!(stderr(&undo).contains("--no-undo"), "{}", stderr(&undo));

    // A row without a field that its omission might reset is read first.
    folder.write("r.csv", rows(&full(3, "")).replace("Åsa", "Eva"));
    let (counts, _) = import(&["--all", "--no-undo"]);
    assert_eq!(counts, [4, 1]);
    let third = &sandbox.students()[crate::harness::plain_id(3)];
    // The number is permanent, so the mark of a temporary one is removed.
    assert_eq!(third["identityTemporary"], false, "{third}");
    assert_eq!(third["firstName"], "Eva");
    // Without `--all`, the record is read for comparison.
    folder.write("r.csv", rows(&full(3, "false")).replace("Åsa", "Eva"));
    let (counts, _) = import(&["--no-undo"]);
    assert_eq!(counts, [1, 1]);
    assert!(!folder.path("r.before.csv").exists());
}

#[test]
fn a_delivery_is_not_trusted_after_a_later_unanswered_request() {
    let folder = Folder::new();
    let mut run = LibraryRun::new();
    run.trust_for = std::time::Duration::from_secs(30 * 86_400);
    folder.write("r.csv", crate::harness::plain_roster(1));
    let server = Server::start(|seen| {
        let is_lost = seen.body.contains("Bo");
        respond(if is_lost { 500 } else { 200 }, &[], RECORD)
    });
    run.sender.max_attempts = 1;
    let first = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(first.summary.states.updated, 1);
    // Simulate a crash before the first run was finished.
    let journal = || rusqlite::Connection::open(folder.path("state/journal.sqlite")).unwrap();
    journal()
        .execute_batch("UPDATE sending SET is_merged = 0; DELETE FROM delivered")
        .unwrap();
    folder.write(
        "r.csv",
        crate::harness::plain_roster(1).replace("Åsa", "Bo"),
    );
    let second = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(second.summary.states.updated, 0, "{:?}", second.summary);
    // After the unanswered request, the first run's delivery is no longer trusted.
    let later: jiff::Timestamp = "2026-08-21T18:00:00Z".parse().unwrap();
    run.clock = Arc::new(rosterpatch::clock::VirtualClock::starting_at(later));
    folder.write("r.csv", crate::harness::plain_roster(1));
    let third = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(
        third.summary.states.updated, 1,
        "{:?} {:?}",
        second.summary, third.summary
    );
    let fourth = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(fourth.summary.states.unchanged, 1);
}

#[test]
fn a_saved_plan_is_sent_unchanged_or_not_at_all() {
    let folder = Folder::new();
    let run = LibraryRun {
        clock: Arc::new(SystemClock),
        ..by_look_up()
    };
    let sandbox = holding(&roster(20, |row| format!("Skolgatan {row}")), &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let text = roster(20, |row| {
        let street = if row <= 3 { "Nygatan" } else { "Skolgatan" };
        format!("{street} {row}")
    });
    folder.write("r.csv", &text);
    let output = program(&folder, &base_url, &["plan", "r.csv", "--save", "p.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let saved = std::fs::read_to_string(folder.path("p.json")).unwrap();
    assert!(!saved.contains("Nygatan"), "nobody's values stand in it");

    // Another import changes the record of the second row.
    folder.write(
        "other.csv",
        roster(20, |row| {
            let street = if row == 2 { "Storgatan" } else { "Skolgatan" };
            format!("{street} {row}")
        }),
    );
    let output = program(&folder, &base_url, &["import", "other.csv", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let before = students(&sandbox);
    let with_plan = ["import", "r.csv", "--plan", "p.json"];
    let output = program(&folder, &base_url, &with_plan);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("for 1 row (3)"),
        "{}",
        stderr(&output)
    );
    assert_eq!(students(&sandbox), before, "nothing was sent");

    // Applying a saved plan asks for no confirmation.
    program(&folder, &base_url, &["plan", "r.csv", "--save", "p.json"]);
    let output = program(&folder, &base_url, &with_plan);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let now = students(&sandbox);
    assert_eq!(now[plain_id(2)]["address"]["postalAddress"], "Nygatan 2");

    folder.write("r.csv", text.replace("Nygatan 3", "Nygatan 33"));
    let output = program(&folder, &base_url, &with_plan);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("not the one that was planned"), "{told}");
    folder.write("p.json", "{}");
    let output = program(&folder, &base_url, &with_plan);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn a_saved_plan_takes_precedence_over_an_interrupted_run() {
    let folder = Folder::new();
    let refusing = Server::start(|seen| match seen.method.as_str() {
        "PATCH" => respond(401, &[], "{}"),
        _ => respond(200, &[], r#"{"data":[],"pagination":{"total":0}}"#),
    });
    folder.write("r.csv", roster(5, |row| format!("Nygatan {row}")));
    let blind = |more: &[&str]| {
        let arguments = [&["import", "r.csv", "--blind"], more].concat();
        program(&folder, &refusing.base_url, &arguments)
    };
    assert_eq!(blind(&["--yes"]).status.code(), Some(6));
    folder.write(
        "p.json",
        format!(
            r#"{{"version":1,"target":"meitner","address":"{}","sha256":"another","rows":{{}}}}"#,
            refusing.base_url
        ),
    );
    let before = refusing.seen().len();
    let output = blind(&["--plan", "p.json"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert_eq!(refusing.seen().len(), before, "nothing was sent");
}

#[test]
fn plan_and_check_never_overwrite_the_roster() {
    let folder = Folder::new();
    let text = roster(3, |row| format!("Nygatan {row}"));
    folder.write("r.csv", &text);
    for command in [
        "plan r.csv --target meitner --sandbox --save r.csv",
        "plan r.csv --target meitner --sandbox --out ./r.csv",
        "check r.csv --target meitner --problems r.csv",
        "import r.csv --target meitner --sandbox --results x.xls",
    ] {
        let output = folder.run(command);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{command}: {}",
            stderr(&output)
        );
        let now = std::fs::read_to_string(folder.path("r.csv")).unwrap();
        assert_eq!(now, text, "{command}");
    }
}

#[test]
fn a_request_is_shown_as_curl_without_secrets() {
    let folder = Folder::new();
    let run = LibraryRun {
        clock: Arc::new(SystemClock),
        ..by_look_up()
    };
    let sandbox = holding(&roster(5, |row| format!("Skolgatan {row}")), &run);
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    folder.write(
        "r.csv",
        roster(5, |row| {
            match row {
                2 => "O'Briens väg \"2\"".replace('"', "\"\""),
                row => format!("Skolgatan {row}"),
            }
            .replace("O'Briens väg \"\"2\"\"", "O'Briens väg $HOME")
        }),
    );
    let show = |row: &str| {
        let output = program(
            &folder,
            &base_url,
            &["plan", "r.csv", "--show-request", row],
        );
        (output.status.code(), stdout(&output), stderr(&output))
    };
    let (code, shown, told) = show("2");
    assert_eq!(code, Some(0), "{told}");
    assert!(
        shown.contains("row 3"),
        "by the spreadsheet's number too: {shown}"
    );
    assert!(!shown.contains("sandbox\n") && shown.contains("${MEITNER_CLIENT_SECRET}"));
    let (code, none, _) = show("1");
    assert_eq!(
        (code, none.as_str()),
        (
            Some(0),
            "# nothing would be sent for row 2 (import_row 1)\n"
        )
    );
    assert_eq!(show("6").0, Some(2));

    // curl sends the request that is shown.
    if !has_command("curl", "curl") {
        return;
    }
    let output = folder
        .command_by("sh")
        .args([
            "-c",
            &format!("{} --silent --show-error --fail", shown.trim_end()),
        ])
        .envs(OF_SANDBOX)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let now = students(&sandbox);
    assert_eq!(
        now[plain_id(2)]["address"]["postalAddress"],
        "O'Briens väg $HOME"
    );
}
