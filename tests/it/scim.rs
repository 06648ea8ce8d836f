//! SCIM 2.0 against independent servers: scim2-server, and a Django application with django-scim2.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::harness::{Folder, repository, stderr, stdout};
use crate::judges::{Judge, python};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Returns a person with unmapped members, and with addresses and numbers of several types.
fn person(row: usize) -> Json {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": format!("u{row}"),
        "externalId": format!("E-{row}"),
        "name": {"givenName": "Åsa", "familyName": format!("Ek{row}"), "middleName": "M"},
        "nickName": "Å",
        "emails": [
            {"value": format!("home{row}@x.se"), "type": "home"},
            {"value": format!("u{row}@x.se"), "type": "work", "primary": true},
        ],
        "phoneNumbers": [
            {"value": format!("+4670174{row:04}"), "type": "mobile"},
            {"value": "+4684650047", "type": "fax"},
        ],
        "active": true,
        ENTERPRISE: {"department": "Språk", "employeeNumber": row.to_string()},
    })
}

fn people(rows: usize) -> String {
    let lines = (1..=rows).map(|row| format!("{}\n", person(row)));
    lines.collect()
}

fn held(judge: &Judge, name: &str) -> Json {
    let mut person = judge.ask("/_store")["people"][name].clone();
    if let Json::Object(members) = &mut person {
        members.remove("id");
        members.remove("meta");
    }
    person
}

/// Returns the requests with this method, and whether each had `If-Match`.
fn requests(judge: &Judge, method: &str) -> Vec<bool> {
    let store = judge.ask("/_store");
    let made = store["requests"].as_array().unwrap().iter();
    let made = made.filter(|one| one["method"] == method);
    made.map(|one| one["if_match"].is_string()).collect()
}

struct Client<'a> {
    folder: &'a Folder,
    base_url: String,
    target: &'a str,
}

impl Client<'_> {
    fn run(&self, arguments: &[&str], code: i32) -> Json {
        let output = self
            .folder
            .program()
            .args(arguments)
            .env("SCIM_TOKEN", "sandbox")
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        serde_json::from_str(&stdout(&output)).unwrap_or_default()
    }

    fn send(&self, command: &str, file: &str, more: &[&str], code: i32) -> Json {
        let common = [
            command,
            file,
            "--target",
            self.target,
            "--base-url",
            &self.base_url,
            "--rate",
            "unlimited",
            "--yes",
            "--format",
            "json",
        ];
        self.run(&[&common[..], more].concat(), code)
    }
}

fn start(python: &Path, options: &str, rows: usize) -> Judge {
    Judge::start(python, "scim2_app.py", options, &people(rows))
}

fn client<'a>(folder: &'a Folder, judge: &Judge) -> Client<'a> {
    Client {
        folder,
        base_url: format!("{}/v2", judge.address),
        target: "scim",
    }
}

#[test]
fn an_import_and_its_undo_change_only_the_fields_of_the_roster() {
    let Some(python) = python() else { return };
    for options in ["etag,50", "50"] {
        let judge = start(&python, options, 12);
        let folder = Folder::new();
        let client = client(&folder, &judge);
        // The user names differ in case. The second to last name is taken, and the last user does not exist.
        let mut roster = "user_name,first_name,email,mobile,phone,department,title\n".to_owned();
        for row in 1..=10 {
            roster.push_str(&format!(
                "U{row},Bo,new{row}@x.se,<null>,+4684650046,\"Ma \"\"1\"\"\",Lärare\n"
            ));
        }
        roster.push_str("none\"\\,Bo,none@x.se,,,,\n");
        folder.write("r.csv", roster);
        let plan = client.send("plan", "r.csv", &[], 3);
        assert_eq!(
            (&plan["to_send"], &plan["invalid"]),
            (&json!(10), &json!(1))
        );
        assert_eq!(held(&judge, "u3"), person(3));
        let summary = client.send("import", "r.csv", &[], 3);
        assert_eq!(summary["updated"], 10, "{summary}");
        let mut expected = person(3);
        expected["name"]["givenName"] = "Bo".into();
        expected["emails"][1]["value"] = "new3@x.se".into();
        expected["phoneNumbers"] = json!([
            {"value": "+4684650047", "type": "fax"},
            {"value": "+4684650046", "type": "work"},
        ]);
        expected["title"] = "Lärare".into();
        expected[ENTERPRISE]["department"] = "Ma \"1\"".into();
        assert_eq!(held(&judge, "u3"), expected);
        assert_eq!(held(&judge, "u11"), person(11));
        assert_eq!(requests(&judge, "PATCH"), [options != "50"; 10]);
        // The service holds the values that were sent.
        let again = client.send("import", "r.csv", &["--fresh"], 3);
        assert_eq!(
            (&again["updated"], &again["unchanged"]),
            (&json!(0), &json!(10))
        );
        // Another client changes a person, and the undo keeps that change.
        judge.change("/_store", &json!({"userName": "u4", "title": "Rektor"}));
        let run = summary["run"].as_str().unwrap();
        client.run(&["undo", run, "--yes", "--rate", "unlimited"], 0);
        let mut before = person(3);
        let numbers = before["phoneNumbers"].as_array_mut().unwrap();
        numbers.reverse();
        assert_eq!(held(&judge, "u3"), before);
        assert_eq!(
            held(&judge, "u4")["title"],
            "Rektor",
            "not the run's any more"
        );
        assert_eq!(held(&judge, "u4")["name"]["givenName"], "Åsa");
    }
}

#[test]
fn a_rejected_row_can_be_corrected_and_resent() {
    let Some(python) = python() else { return };
    let judge = start(&python, "etag,50", 5);
    let folder = Folder::new();
    let client = client(&folder, &judge);
    folder.write("r.csv", "external_id,user_name\nE-1,u2\nE-3,anna\n");
    let key = ["--key", "external_id"];
    let summary = client.send("import", "r.csv", &key, 3);
    assert_eq!(
        (&summary["updated"], &summary["rejected"]),
        (&json!(1), &json!(1))
    );
    let results = folder.csv("r.results.csv", b',');
    let code = results[0]
        .iter()
        .position(|name| name == "import_error_code");
    assert_eq!(results[1][code.unwrap()], "uniqueness");
    let failed = std::fs::read_to_string(folder.path("r.failed.csv")).unwrap();
    folder.write("r.failed.csv", failed.replace("E-1,u2,", "E-1,bo,"));
    client.run(&["retry", "r.failed.csv", "--yes"], 0);
    assert_eq!(held(&judge, "bo")["externalId"], "E-1");
    // Access is not granted or removed without permission.
    folder.write("a.csv", "email,active\nu4@x.se,false\nu5@x.se,true\n");
    client.send("import", "a.csv", &["--max-invalid", "100%"], 3);
    assert_eq!(held(&judge, "u4")["active"], true);
    let allowed = [
        "--fresh",
        "--allow",
        "active=false",
        "--allow",
        "active=true",
    ];
    let summary = client.send("import", "a.csv", &allowed, 0);
    assert_eq!(
        (&summary["updated"], &summary["unchanged"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(held(&judge, "u4")["active"], false);
}

#[test]
fn thousands_of_records_are_listed_in_pages() {
    let Some(python) = python() else { return };
    let judge = start(&python, "etag,400", 4000);
    let folder = Folder::new();
    let client = client(&folder, &judge);
    let mut roster = "user_name,first_name\n".to_owned();
    for row in 1..=4000 {
        let name = if row % 100 == 0 { "Bo" } else { "Åsa" };
        roster.push_str(&format!("u{row},{name}\n"));
    }
    folder.write("r.csv", roster);
    let summary = client.send("import", "r.csv", &[], 0);
    let counts = (&summary["updated"], &summary["unchanged"]);
    assert_eq!(counts, (&json!(40), &json!(3960)), "{summary}");
    // 40 pages, and each record that is updated.
    assert_eq!(requests(&judge, "GET").len(), 80);
}

#[test]
fn a_service_without_a_usable_patch_is_updated_by_put() {
    let Some(python) = python() else { return };
    let person = |row: usize| {
        json!({"username": format!("u{row}"), "first_name": "Åsa", "last_name": format!("Ek{row}"),
               "email": format!("u{row}@x.se"), "scim_external_id": format!("E-{row}"), "is_active": row != 3})
    };
    let lines: String = (1..=120).map(|row| format!("{}\n", person(row))).collect();
    let judge = Judge::start(&python, "django_scim_app.py", "", &lines);
    let folder = Folder::new();
    let target = repository().join("samples/targets/scim-put.toml");
    let target = target.display().to_string();
    let client = Client {
        folder: &folder,
        base_url: format!("{}/scim/v2", judge.address),
        target: &target,
    };
    let mut roster = "user_name,first_name,email\n".to_owned();
    for row in 1..=120 {
        let name = if row % 40 == 3 { "Bo" } else { "Åsa" };
        roster.push_str(&format!("u{row},{name},u{row}@x.se\n"));
    }
    folder.write("r.csv", roster.replace("u7@x.se", "new7@x.se"));
    let summary = client.send("import", "r.csv", &[], 0);
    let counts = (&summary["updated"], &summary["unchanged"]);
    assert_eq!(counts, (&json!(4), &json!(116)), "{summary}");
    let held = |name: &str| judge.ask("/_store")["people"][name].clone();
    let third = json!({"first_name": "Bo", "last_name": "Ek3", "email": "u3@x.se",
                       "external_id": "E-3", "is_active": false, "shoe_size": 38});
    assert_eq!(held("u3"), third);
    assert_eq!(held("u7")["email"], "new7@x.se");
    assert_eq!(requests(&judge, "PUT"), [false; 4]);
    let run = summary["run"].as_str().unwrap();
    client.run(&["undo", run, "--yes", "--rate", "unlimited"], 0);
    assert_eq!(held("u3")["first_name"], "Åsa");
    assert_eq!(held("u7")["email"], "u7@x.se");
}
