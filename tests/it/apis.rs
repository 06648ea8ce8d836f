//! Conformance with the vendors' documentation: their examples, their searches, and what may be sent. See
//! also `judges.rs`.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use rosterpatch::model::Exit;
use rosterpatch::sandbox::Sandbox;
use serde_json::{Value as Json, json};

use crate::harness::{
    Folder, LibraryRun, RECORD, Server, identity_number, import_of, plain_id, plain_roster,
    respond, sandbox_holding, stderr, stdout,
};

/// The update example in the vendor's documentation, as a roster's header and row.
const MEITNER: [(&str, &str); 18] = [
    ("id", "123e4567-e89b-12d3-a456-426614174000"),
    ("identityNumber", "20191216-1234"),
    ("firstName", "Lise"),
    ("lastName", "Meitner"),
    ("external.sourceID", "12345678"),
    ("gender", "Female"),
    ("identityTemporary", "true"),
    ("dateOfBirth", "2019-12-16"),
    ("address.postalAddress", "Dalvägen 14"),
    ("address.postalCode", "169 56"),
    ("address.postalCity", "Solna"),
    ("address.countryCode", "SWE"),
    ("address.municipalityCode", "0184"),
    ("emailAddress1", "lise@meitner.se"),
    ("emailAddress2", "lise@gmail.com"),
    ("phoneNumber1", "+46701234567"),
    ("phoneNumber2", "example"),
    ("eduPersonPrincipalName", "kalko@edu.goteborg.se"),
];

/// The body of that update, as the vendor's SDK sends it.
const MEITNER_BODY: &str = r#"{"identityNumber":"20191216-1234","firstName":"Lise","lastName":"Meitner","external":{"sourceID":"12345678"},"gender":"Female","identityTemporary":true,"dateOfBirth":"2019-12-16","address":{"postalAddress":"Dalvägen 14","postalCode":"169 56","postalCity":"Solna","countryCode":"SWE","municipalityCode":"0184"},"emailAddress1":"lise@meitner.se","emailAddress2":"lise@gmail.com","phoneNumber1":"+46701234567","phoneNumber2":"example","eduPersonPrincipalName":"kalko@edu.goteborg.se"}"#;

/// The example member in Pathwright's documentation.
const PATHWRIGHT: [(&str, &str); 9] = [
    ("external_id", "some_account@gsuite.example.com"),
    ("first_name", "Test"),
    ("last_name", "Student"),
    ("email", "test@example.com"),
    ("profile.salutation", "Mr."),
    ("profile.bio", "A short biographical piece!"),
    ("profile.location", "Greenville, SC"),
    ("profile.phone_number", "8645550123"),
    ("membership.membership_type", "admin"),
];

const PATHWRIGHT_BODY: &str = r#"{"first_name":"Test","last_name":"Student","email":"test@example.com","profile":{"salutation":"Mr.","bio":"A short biographical piece!","location":"Greenville, SC","phone_number":"8645550123"},"membership":{"membership_type":"admin"}}"#;

fn roster(cells: &[(&str, &str)]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(cells.iter().map(|(name, _)| name))
        .unwrap();
    writer
        .write_record(cells.iter().map(|(_, cell)| cell))
        .unwrap();
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// Runs the program with the sandbox's credentials.
fn program(folder: &Folder, arguments: &[&str]) -> Output {
    program_as(folder, "sandbox", arguments)
}

fn program_as(folder: &Folder, client: &str, arguments: &[&str]) -> Output {
    folder
        .program()
        .args(arguments)
        .env("MEITNER_CLIENT_CREDENTIALS", client)
        .env("MEITNER_CLIENT_SECRET", "sandbox")
        .env("PATHWRIGHT_API_TOKEN", "sandbox")
        .output()
        .unwrap()
}

/// Serves a sandbox seeded with this roster.
fn holding(text: &str) -> (Arc<Sandbox>, String, tokio::sync::oneshot::Sender<()>) {
    sandbox_holding(text, Duration::ZERO)
}

/// Returns a column of a results file by its name.
fn column(folder: &Folder, file: &str, name: &str) -> Vec<String> {
    let rows = folder.csv(file, b',');
    let place = rows[0].iter().position(|other| other == name).unwrap();
    rows[1..].iter().map(|row| row[place].clone()).collect()
}

#[test]
fn documented_examples_are_valid_and_sent_as_documented() {
    let folder = Folder::new();
    for (target, cells, path, body, more) in [
        (
            "meitner",
            &MEITNER[..],
            "/student/123e4567-e89b-12d3-a456-426614174000",
            MEITNER_BODY,
            &["--blind"][..],
        ),
        (
            "pathwright",
            &PATHWRIGHT[..],
            "/member/external/some_account%40gsuite.example.com/",
            PATHWRIGHT_BODY,
            &["--var", "school=oakwood", "--blind"][..],
        ),
    ] {
        folder.write("r.csv", roster(cells));
        let common = [
            "r.csv",
            "--target",
            target,
            "--allow",
            "membership_type=admin",
        ];
        let common = if target == "meitner" {
            &common[..3]
        } else {
            &common[..]
        };
        let output = program(&folder, &[&["check", "--format", "json"], common].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(
            (&summary["invalid"], &summary["problems"]),
            (&json!(0), &json!(0))
        );

        let server = Server::start(|_| respond(200, &[], RECORD));
        let address = ["--yes", "--base-url", &server.base_url];
        let output = program(&folder, &[&["import"], common, &address, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let seen = &server.seen()[0];
        assert_eq!((&*seen.method, &*seen.path), ("PATCH", path));
        assert_eq!(seen.body, body);
    }
}

#[test]
fn foreign_telephone_numbers_are_kept_unchanged() {
    let folder = Folder::new();
    let text = "external_id,phone_number\n1,(864) 555-0123\n2,020 7946 0958\n3,\"8,64555E+09\"\n";
    folder.write("r.csv", text);
    let output = program(&folder, &["check", "r.csv", "--target", "pathwright"]);
    let told = stdout(&output);
    assert!(told.contains("2 of 3 rows valid"), "{told}");
    assert!(told.contains("phone.scientific"), "{told}");
    assert!(!told.contains("doubtful"), "{told}");
}

#[test]
fn doubtful_values_are_sent_unchanged_and_reported() {
    let folder = Folder::new();
    let header =
        "id,identity_number,first_name,last_name,municipality_code,phone_number1,email_address2";
    let mut text = format!("{header}\n");
    let cells = ["0199,,", "0184,846500400,", "0184,,ring mamma", "0184,,"];
    for (index, cells) in cells.into_iter().enumerate() {
        let row = index + 1;
        text.push_str(&format!(
            "{},{},Åsa,Ek,{cells}\n",
            plain_id(row),
            identity_number(row)
        ));
    }
    folder.write("r.csv", &text);
    let (sandbox, base_url, _stop) = holding(&plain_roster(4));
    let arguments = [
        "r.csv",
        "--target",
        "meitner",
        "--base-url",
        &base_url,
        "--yes",
    ];
    let output = program(
        &folder,
        &[&["import", "--format", "json"], &arguments[..]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(summary["warnings"], 3);
    let plan = "1 doubtful value, which the API probably accepts: phone.no_prefix";
    assert!(stderr(&output).contains(plan), "{}", stderr(&output));
    let students = sandbox.students();
    assert_eq!(students[plain_id(1)]["address"]["municipalityCode"], "0199");
    assert_eq!(students[plain_id(2)]["phoneNumber1"], "846500400");
    assert_eq!(students[plain_id(3)]["emailAddress2"], "ring mamma");
    let warnings = column(&folder, "r.results.csv", "import_warning");
    for (warning, part) in warnings.iter().zip([
        "municipality_code: \"0199\"",
        "phone_number1: \"846500400\"",
        "email_address2: \"ring mamma\"",
    ]) {
        assert!(warning.contains(part), "{warning}");
    }
    assert_eq!(warnings[3], "");
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    assert!(report.contains("3 doubtful values"), "{report}");

    let told = stdout(&program(
        &folder,
        &["check", "r.csv", "--target", "meitner"],
    ));
    for code in [
        "municipality_code.unknown",
        "phone.no_prefix",
        "email.no_at",
    ] {
        assert!(told.contains(code), "{told}");
    }
    let output = program(
        &folder,
        &["check", "r.csv", "--target", "meitner", "--strict"],
    );
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stdout(&output).contains("1 of 4 rows valid"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn reserved_test_numbers_are_doubtful_only_in_production() {
    let folder = Folder::new();
    let id = plain_id(1);
    folder.write(
        "r.csv",
        format!("id,identity_number,first_name,last_name\n{id},20170101-2393,Åsa,Ek\n"),
    );
    for (more, told) in [
        (&[][..], true),
        (&["--env", "staging"][..], false),
        (&["--base-url", "http://127.0.0.1:1"][..], false),
        (&["--sandbox"][..], false),
    ] {
        let arguments = [&["check", "r.csv", "--target", "meitner"], more].concat();
        let output = program(&folder, &arguments);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            stdout(&output).contains("identity_number.test"),
            told,
            "{more:?}"
        );
    }
}

#[test]
fn a_search_that_ignores_its_filter_stops_the_run_early() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        plain_roster(120).replace("id,", "external_source_id,"),
    );
    // A server that ignores the filter: every search returns the whole register.
    let records: Vec<Json> = (1..=50)
        .map(|row| json!({"id": plain_id(row), "external": {"sourceID": format!("E-{row}")}}))
        .collect();
    let server = Server::start(move |_| {
        let body = json!({"data": records, "pagination": {"total": 5000}});
        respond(200, &[], &body.to_string())
    });
    let arguments = [
        "import",
        "r.csv",
        "--target",
        "meitner",
        "--yes",
        "--key",
        "external_source_id",
    ];
    let output = program(
        &folder,
        &[&arguments[..], &["--base-url", &server.base_url]].concat(),
    );
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("ignores the search filter"), "{told}");
    // At most one count request, and one request for each concurrent search.
    let seen = server.seen();
    assert!(seen.len() <= 4, "{}", seen.len());
    assert!(seen.iter().all(|seen| seen.method != "PATCH"));
    let search = seen.iter().find(|seen| seen.method == "POST").unwrap();
    let body: Json = serde_json::from_str(&search.body).unwrap();
    assert_eq!(body["filter"]["orCondition"], false);
    assert!(body["filter"]["contains"]["external"]["sourceID"].is_array());
}

#[test]
fn records_are_also_found_by_principal_name() {
    let folder = Folder::new();
    let seed = "id,identity_number,first_name,last_name,edu_person_principal_name\n";
    let line = |row: usize| {
        format!(
            "{},{},Åsa,Ek,E{row}@x.se\n",
            plain_id(row),
            identity_number(row)
        )
    };
    let (sandbox, base_url, _stop) = holding(&format!("{seed}{}{}", line(1), line(2)));
    folder.write("r.csv", "EPPN,first_name\nE2@x.se,Bo\n");
    let arguments = import_of(&base_url);
    let output = program(&folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(sandbox.students()[plain_id(2)]["firstName"], "Bo");
}

#[test]
fn an_undo_sends_nothing_that_the_api_would_reject() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = holding(&plain_roster(2));
    let mut text = "id,first_name,external_source_id\n".to_owned();
    text.push_str(&format!(
        "{},Bo,E-1\n{},Åsa,E-2\n",
        plain_id(1),
        plain_id(2)
    ));
    folder.write("r.csv", text);
    let address = ["--base-url", &base_url, "--yes"];
    let import = |file: &str| {
        let arguments = ["import", file, "--target", "meitner", "--format", "json"];
        program(&folder, &[&arguments[..], &address].concat())
    };
    let output = import("r.csv");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
    let output = program(
        &folder,
        &["undo", summary["run"].as_str().unwrap(), "--yes"],
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let student = &sandbox.students()[plain_id(1)];
    assert_eq!(
        student["firstName"], "Åsa",
        "the rest of the row is put back"
    );
    assert_eq!(student["external"]["sourceID"], "E-1");
    let status = column(&folder, "r.undo.results.csv", "import_status");
    assert_eq!(status, ["updated", "invalid"]);
    let codes = column(&folder, "r.undo.results.csv", "import_error_code");
    assert_eq!(codes[1], "undo.cannot_be_cleared");
    assert_eq!(sandbox.stats()["answers"]["422"], Json::Null);

    // The written file of previous values is a valid roster.
    let output = import("r.before.csv");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Returns a roster of three rows with addresses, and a copy whose second row lost its last cells.
fn cut_short() -> (String, String) {
    let header = "id,identity_number,first_name,last_name,postal_address,postal_city\n";
    let line = |row: usize| {
        format!(
            "{},{},Åsa,Ek,Skolgatan {row},Solna\n",
            plain_id(row),
            identity_number(row)
        )
    };
    let whole = format!("{header}{}{}{}", line(1), line(2), line(3));
    let cut = whole.replace(",Skolgatan 2,Solna", "");
    (whole, cut)
}

#[test]
fn a_row_with_too_few_cells_stays_invalid_until_it_is_edited() {
    let folder = Folder::new();
    let (whole, cut) = cut_short();
    let (sandbox, base_url, _stop) = holding(&whole);
    let city = |sandbox: &Sandbox| sandbox.students()[plain_id(2)]["address"]["postalCity"].clone();
    let address = ["--base-url", &base_url, "--yes", "--max-invalid", "100%"];
    folder.write("r.csv", cut);
    let arguments = ["import", "r.csv", "--target", "meitner"];
    program(&folder, &[&arguments[..], &address].concat());
    assert_eq!(
        column(&folder, "r.failed.csv", "import_error_code"),
        ["row.too_few_cells"]
    );

    // Unedited, the row stays invalid: with its journal, with an empty journal, and as a plain import.
    let clear = [
        "--empty",
        "clear",
        "--target",
        "meitner",
        "--results",
        "o.csv",
        "--failed",
        "f.csv",
    ];
    for command in [
        &["retry", "r.failed.csv"][..],
        &["retry", "r.failed.csv", "--state", "other"],
        &["import", "r.failed.csv"],
    ] {
        let output = program(&folder, &[command, &clear, &address].concat());
        assert_eq!(
            output.status.code(),
            Some(3),
            "{command:?}: {}",
            stderr(&output)
        );
        assert_eq!(
            column(&folder, "o.csv", "import_error_code"),
            ["row.too_few_cells"]
        );
        assert_eq!(city(&sandbox), "Solna", "{command:?}");
    }
    // Edited: filling one cell, or clearing one explicitly, makes the row valid.
    let text = std::fs::read_to_string(folder.path("r.failed.csv")).unwrap();
    folder.write(
        "fixed.csv",
        text.replace("Åsa,Ek,,,", "Åsa,Ek,Nygatan 2,<null>,"),
    );
    let output = program(&folder, &[&["retry", "fixed.csv"], &address[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(city(&sandbox), Json::Null);
    let street = &sandbox.students()[plain_id(2)]["address"]["postalAddress"];
    assert_eq!(street, "Nygatan 2");
}

#[test]
fn a_row_with_too_many_cells_stays_invalid_after_a_spreadsheet_saves_it() {
    let folder = Folder::new();
    let (whole, _) = cut_short();
    let (_sandbox, base_url, _stop) = holding(&whole);
    let address = ["--base-url", &base_url, "--yes", "--max-invalid", "100%"];
    folder.write(
        "r.csv",
        whole.replace("Skolgatan 2,", "Skolgatan 2,c/o Ek,"),
    );
    let arguments = ["import", "r.csv", "--target", "meitner"];
    program(&folder, &[&arguments[..], &address].concat());
    let rows = folder.csv("r.failed.csv", b',');
    // A spreadsheet pads the header to the length of the longest row.
    let save = |name: &str, surplus: &str| {
        let mut text = format!("{},\n", rows[0].join(","));
        let mut row = rows[1].clone();
        row[19] = surplus.to_owned();
        row[8..]
            .iter_mut()
            .for_each(|cell| *cell = cell.replace([',', '"'], " "));
        text.push_str(&format!("{}\n", row.join(",")));
        folder.write(name, text);
    };
    assert_eq!((rows[0].len(), rows[1].len()), (19, 20));
    save("same.csv", &rows[1][19]);
    save("fixed.csv", "");
    let run = |file| program(&folder, &[&["retry", file], &address[..]].concat());
    let output = run("same.csv");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(
        column(&folder, "same.results.csv", "import_error_code"),
        ["row.too_many_cells"]
    );
    let output = run("fixed.csv");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn write_only_credentials_are_enough_for_a_blind_import() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = holding(&plain_roster(3));
    folder.write("r.csv", plain_roster(3).replace("Åsa", "Bo"));
    let run = |more: &[&str]| {
        let arguments = [
            "import",
            "r.csv",
            "--target",
            "meitner",
            "--base-url",
            &base_url,
        ];
        let more = [&arguments[..], &["--yes"], more].concat();
        program_as(&folder, "sandbox-writeonly", &more)
    };
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("--blind sends without reading"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("HTTP 403"), "{}", stderr(&output));

    let output = run(&["--blind", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stderr(&output);
    for part in [
        "nothing is read (--blind)",
        "cannot be undone",
        "identity_temporary",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&summary["updated"], &summary["lookups"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(sandbox.students()[plain_id(1)]["firstName"], "Bo");
    let undo = program(
        &folder,
        &["undo", summary["run"].as_str().unwrap(), "--yes"],
    );
    assert_eq!(undo.status.code(), Some(1));
    assert!(stderr(&undo).contains("--blind"), "{}", stderr(&undo));

    // Delivered values are remembered, as for an API whose records cannot be read.
    let output = run(&["--blind"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(sandbox.requests("update"), 3);
    // The file must contain the fields that every update requires.
    folder.write("r.csv", "id,first_name\n1,Bo\n");
    let output = run(&["--blind"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("identity_number"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_api_that_fails_every_first_attempt_does_not_stall_the_run() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(60));
    let server =
        Server::start(|seen| respond(if seen.before == 0 { 500 } else { 200 }, &[], RECORD));
    let run = LibraryRun::new();
    let start = run.clock.now();
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    let seconds = (run.clock.now() - start) as f64 / 1e9;
    assert_eq!(
        (ended.summary.exit_code, ended.summary.states.updated),
        (Exit::Success, 60)
    );
    assert_eq!(server.seen().len(), 120);
    assert!(seconds < 20.0, "{seconds}");
}

#[test]
fn an_api_outage_reduces_the_rate_below_one_request_a_second() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2000));
    let run = LibraryRun::new();
    let clock = run.clock.clone();
    let start = clock.now();
    let late = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let (counted, told) = (late.clone(), clock.clone());
    // Each error message differs, so that the repeated-error guard does not stop the run.
    let server = Server::start_forgetful(move |seen| {
        let seconds = (told.now() - start) / 1_000_000_000;
        if (60..360).contains(&seconds) {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        let why = format!("{{\"error\": {{\"message\": \"down {}\"}}}}", seen.before);
        respond(503, &[], &why)
    });
    run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert!(
        clock.now() - start > 360_000_000_000,
        "it went on for a while"
    );
    let late = late.load(std::sync::atomic::Ordering::SeqCst);
    assert!(late < 300, "{late} requests in five minutes");
}

#[test]
fn a_retry_finds_its_run_or_asks_for_it() {
    let folder = Folder::new();
    let taken = plain_roster(3).replace("Åsa", "Bo");
    folder.write("r.csv", taken.replace(&identity_number(2), "20100402-2389"));
    let (one, one_url, _stop) = holding(&plain_roster(3));
    let (other, other_url, _stop) = holding(&plain_roster(3));
    let import = |more: &[&str]| {
        let arguments = [
            "import",
            "r.csv",
            "--target",
            "meitner",
            "--max-invalid",
            "100%",
            "--yes",
        ];
        let output = program(&folder, &[&arguments[..], more].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    };
    let retry = |more: &[&str]| {
        // Compared with the other run's record, the change of the last name is an identity change.
        let arguments = ["retry", "moved.csv", "--yes", "--max-identity-changes", "1"];
        program(&folder, &[&arguments[..], more].concat())
    };
    import(&["--base-url", &one_url]);
    import(&[
        "--sandbox",
        "--results",
        "sandbox.csv",
        "--failed",
        "sandbox.failed.csv",
    ]);
    let failed = std::fs::read_to_string(folder.path("r.failed.csv")).unwrap();
    let fixed = failed.replace("20100402-2389", &identity_number(2));
    folder.write("moved.csv", fixed);
    let output = retry(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(one.students()[plain_id(2)]["firstName"], "Bo");

    // With two candidate runs, the retry refuses to guess.
    import(&[
        "--base-url",
        &other_url,
        "--results",
        "o.csv",
        "--failed",
        "of.csv",
    ]);
    std::fs::remove_file(folder.path("moved.results.csv")).unwrap();
    let text = std::fs::read_to_string(folder.path("moved.csv")).unwrap();
    folder.write("moved.csv", text.replace("Ek", "Ekman"));
    let output = retry(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("--of RUN"), "{told}");
    assert!(
        told.contains(&one_url) && told.contains(&other_url),
        "{told}"
    );
    let listed = folder.runs();
    let name = listed.split(' ').next().unwrap();
    let output = retry(&["--of", name]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(other.students()[plain_id(2)]["lastName"], "Ekman");
    assert_eq!(one.students()[plain_id(2)]["lastName"], "Ek");

    // A retry to another address uses the target of the known run.
    let (third, third_url, _stop) = holding(&plain_roster(3));
    let output = retry(&["--base-url", &third_url]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(third.students()[plain_id(2)]["lastName"], "Ekman");
}

#[test]
fn rows_without_a_record_are_written_to_a_separate_roster() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = holding(&plain_roster(2));
    let text = plain_roster(4)
        .replace("last_name", "last_name,Klass")
        .replace("Ek\n", "Ek,5A\n");
    folder.write("r.csv", &text);
    let arguments = [
        "import",
        "r.csv",
        "--target",
        "meitner",
        "--base-url",
        &base_url,
        "--yes",
    ];
    let output = program(
        &folder,
        &[&arguments[..], &["--max-invalid", "100%"]].concat(),
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).contains("r.new.csv"), "{}", stdout(&output));
    let new = folder.csv("r.new.csv", b',');
    assert_eq!(
        new[0],
        ["id", "identity_number", "first_name", "last_name", "Klass"]
    );
    assert_eq!(new[1..], folder.csv("r.csv", b',')[3..]);

    // A file named with `--new` is replaced, so it contains no rows of an earlier run.
    let named = ["--all", "--new", "r.new.csv"];
    folder.write("r.csv", plain_roster(2));
    let output = program(&folder, &[&arguments[..], &named].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(folder.csv("r.new.csv", b',').len(), 1);
}

#[test]
fn the_failed_file_of_a_held_run_is_removed_after_all_rows_succeed() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = holding(&plain_roster(3));
    folder.write("r.csv", plain_roster(3).replace("Åsa", "Bo"));
    let arguments = ["import", "r.csv", "--target", "meitner", "--yes"];
    let more = ["--max-changes", "1", "--base-url", &base_url];
    let output = program(&folder, &[&arguments[..], &more].concat());
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert_eq!(folder.csv("r.failed.csv", b',').len(), 4);
    let listed = folder.runs();
    let run = listed.split(' ').next().unwrap();
    let output = program(&folder, &["approve", run, "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!folder.path("r.failed.csv").exists());
}

#[test]
fn workbook_rows_are_identified_by_their_spreadsheet_row_numbers() {
    let folder = Folder::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["Elev-ID", "Personnummer", "Förnamn", "Efternamn", "Kl\nass"]
        .iter()
        .enumerate()
    {
        sheet.write(0, column as u16, *name).unwrap();
    }
    for row in 1..=3_u32 {
        sheet.write(row, 0, plain_id(row as usize)).unwrap();
        sheet.write(row, 1, identity_number(row as usize)).unwrap();
        sheet.write(row, 2, "Å\nsa").unwrap();
        sheet
            .write(row, 3, if row == 3 { "#N/A" } else { "Ek" })
            .unwrap();
    }
    book.save(folder.path("r.xlsx")).unwrap();
    let output = folder.run("check r.xlsx --target meitner --problems p.csv");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).contains("row 4, "), "{}", stdout(&output));
    let problems = folder.csv("p.csv", b';');
    let place = |line: &Vec<String>| [line[0].clone(), line[1].clone()];
    assert!(
        problems.iter().any(|line| place(line) == ["3", "4"]),
        "{problems:?}"
    );
}

#[test]
fn a_value_held_by_another_record_is_reported_before_sending() {
    let folder = Folder::new();
    let line = |row: usize, email: usize| {
        let (id, number) = (plain_id(row), identity_number(row));
        format!("{id},{number},Åsa,Ek,e{email}@x.se\n")
    };
    let header = "id,identity_number,first_name,last_name,email_address1\n";
    let all: String = (1..=60).map(|row| line(row, row)).collect();
    let (sandbox, base_url, _stop) = holding(&format!("{header}{all}"));
    // Row 2 takes a value that another record keeps. Row 4 takes the value that row 5 gives up, and row 5
    // takes a new value.
    let mut text = format!(
        "{header}{}{}{}{}",
        line(2, 60),
        line(4, 5),
        line(5, 500),
        line(6, 6)
    );
    text.push_str(&(7..=58).map(|row| line(row, row)).collect::<String>());
    folder.write("r.csv", text);
    let arguments = [
        "r.csv",
        "--target",
        "meitner",
        "--base-url",
        &base_url,
        "--yes",
    ];
    let plan = program(&folder, &[&["plan"], &arguments[..]].concat());
    assert!(
        stdout(&plan).contains("  2  to send\n        53  unchanged\n         1  invalid\n"),
        "{}",
        stdout(&plan)
    );
    let output = program(&folder, &[&["import"], &arguments[..]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let codes = column(&folder, "r.results.csv", "import_error_code");
    assert_eq!(codes[0], "lookup.taken");
    let why = &column(&folder, "r.results.csv", "import_error")[0];
    assert!(why.contains(&plain_id(60)) && !why.contains("Ek"), "{why}");
    assert_eq!(
        sandbox.students()[plain_id(5)]["emailAddress1"],
        "e500@x.se"
    );
}

#[test]
fn a_truncated_row_is_not_sent_by_any_sequence_of_retries() {
    let (whole, cut) = cut_short();
    let (here, base_url, _stop) = holding(&whole);
    let (there, elsewhere, _stop_there) = holding(&whole);
    let street =
        |sandbox: &Sandbox| sandbox.students()[plain_id(2)]["address"]["postalAddress"].clone();
    let clear = ["--empty", "clear", "--yes", "--max-invalid", "100%"];
    let target = ["--target", "meitner", "--base-url"];
    let imported = || {
        let folder = Folder::new();
        folder.write("r.csv", &cut);
        folder.write("whole.csv", &whole);
        for (file, address) in [("r.csv", &base_url), ("whole.csv", &elsewhere)] {
            let import = ["import", file];
            program(
                &folder,
                &[&import[..], &clear, &target, &[address]].concat(),
            );
        }
        folder
    };
    let retry = |folder: &Folder, file: &str, more: &[&str]| {
        let more = [&["retry", file][..], &clear[..], more].concat();
        let output = program(folder, &more);
        (output.status.code(), stderr(&output))
    };
    let is_whole = || {
        assert_eq!(
            (street(&here), street(&there)),
            ("Skolgatan 2".into(), "Skolgatan 2".into())
        )
    };

    // After a retry that excluded the row, and one in strict mode.
    let folder = imported();
    retry(&folder, "r.failed.csv", &["--rows", "9"]);
    retry(&folder, "r.failed.csv", &["--strict"]);
    assert_eq!(retry(&folder, "r.failed.csv", &[]).0, Some(3));
    is_whole();
    // To an API where the record is known and was never truncated.
    let there = [&target[..], &[&*elsewhere]].concat();
    let (code, told) = retry(&folder, "r.failed.csv", &there);
    assert_eq!(code, Some(3), "{told}");
    is_whole();
    // The advice in the message releases the row.
    let text = std::fs::read_to_string(folder.path("r.failed.csv")).unwrap();
    folder.write("released.csv", text.replace("row.too_few_cells", ""));
    let here_too = [&target[..], &[&*base_url]].concat();
    let (code, told) = retry(&folder, "released.csv", &here_too);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(street(&here), Json::Null);
}

#[test]
fn surplus_cells_stay_invalid_after_the_results_columns_are_removed() {
    let folder = Folder::new();
    let (whole, _) = cut_short();
    let (_sandbox, base_url, _stop) = holding(&whole);
    let address = ["--base-url", &base_url, "--yes", "--max-invalid", "100%"];
    let text = whole.replace("Skolgatan 2,", "Skolgatan 2,lgh 3,");
    folder.write("r.csv", &text);
    let arguments = ["import", "r.csv", "--target", "meitner"];
    program(&folder, &[&arguments[..], &address].concat());
    folder.write("bare.csv", text.replace("postal_city\n", "postal_city,\n"));
    let output = program(&folder, &[&["retry", "bare.csv"], &address[..]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(
        column(&folder, "bare.results.csv", "import_status"),
        ["unchanged", "invalid", "unchanged"]
    );
}

#[test]
fn a_row_without_cells_for_unnamed_columns_is_complete() {
    let folder = Folder::new();
    let text = plain_roster(2).replacen('\n', ",,\n", 1);
    let (_sandbox, base_url, _stop) = holding(&plain_roster(2));
    folder.write("r.csv", text);
    let output = program(&folder, &import_of(&base_url));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_blind_delivery_is_not_trusted_after_another_run_changed_the_record() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = holding(&plain_roster(1));
    let import = |first: &str, more: &[&str]| {
        folder.write("r.csv", plain_roster(1).replace("Åsa", first));
        let arguments = import_of(&base_url);
        let output = program(&folder, &[&arguments[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        sandbox.students()[plain_id(1)]["firstName"].clone()
    };
    assert_eq!(import("Bo", &["--blind"]), "Bo");
    assert_eq!(import("Cai", &[]), "Cai");
    assert_eq!(import("Bo", &["--blind"]), "Bo");
    assert_eq!(sandbox.requests("update"), 3);
    assert_eq!(import("Bo", &["--blind"]), "Bo");
    assert_eq!(sandbox.requests("update"), 3);
}

#[test]
fn a_retry_sends_only_to_the_api_of_its_run() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let server = Server::start(|_| respond(422, &[], "{}"));
    let import = |file: &str, to: &[&str]| {
        let arguments = ["import", file, "--target", "meitner", "--yes", "--blind"];
        program(&folder, &[&arguments[..], to].concat())
    };
    import("r.csv", &["--base-url", &server.base_url]);
    let seen = server.seen().len();
    // A target in the environment, such as in a crontab, must match the run's target.
    let output = folder
        .program()
        .args(["retry", "r.failed.csv", "--yes"])
        .envs([
            ("ROSTERPATCH_TARGET", "meitner"),
            ("MEITNER_CLIENT_CREDENTIALS", "sandbox"),
            ("MEITNER_CLIENT_SECRET", "sandbox"),
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 2 * seen);

    // A sandbox's failed file is never sent to a real API, even if another run knows one of its rows.
    let more = plain_roster(5)
        .replacen(&plain_id(5), &plain_id(6), 1)
        .replace("Ek\n", "\n");
    folder.write("played.csv", more.replace("Åsa,", "Åsa,<null>"));
    let output = import("played.csv", &["--sandbox", "--max-invalid", "100%"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = program(&folder, &["retry", "played.failed.csv", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("use --sandbox"),
        "{}",
        stderr(&output)
    );
    assert_eq!(server.seen().len(), 2 * seen);
}

#[test]
fn a_retry_to_another_address_keeps_the_column_mapping_of_its_run() {
    let folder = Folder::new();
    let (whole, _) = cut_short();
    let (there, elsewhere, _stop) = holding(&whole);
    let (_here, base_url, _stop_here) = holding(&plain_roster(0));
    let text = whole
        .replace("postal_address", "Bostad")
        .replace("Skolgatan", "Nygatan");
    folder.write("r.csv", text);
    let import = [
        "import",
        "r.csv",
        "--target",
        "meitner",
        "--yes",
        "--map",
        "Bostad=postal_address",
    ];
    let output = program(
        &folder,
        &[
            &import[..],
            &["--max-invalid", "100%", "--base-url", &base_url],
        ]
        .concat(),
    );
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = program(
        &folder,
        &["retry", "r.failed.csv", "--yes", "--base-url", &elsewhere],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        there.students()[plain_id(2)]["address"]["postalAddress"],
        "Nygatan 2"
    );
}
