//! Fields inside lists, against a server whose PATCH replaces whole lists, as Microsoft Graph and SCIM do.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value as Json, json};

use crate::harness::{Folder, Seen, Server, respond, stderr};

const TARGET: &str = r#"name = "people"
title = "People"
record = "person"
environments.production = "https://api.example.se"
sign_in = [{ kind = "bearer", token = "API_TOKEN" }]
answers = { retry = [429], reject = [422], stop = [401] }
quota = { requests = 1000000, per = "s", burst = 1000 }

[update]
method = "PATCH"
path = "/people/{id}"
idempotent = true
merges = true

[lookup]
keys = ["id"]
read = "/people/{id}"
list = "/people"
records = "/value"
total = "/total"
trust_total = true
page_size = 100
paging = { kind = "next", pointer = "/next" }

[[fields]]
name = "id"
kind = "text"
in = "path"

[[fields]]
name = "work_email"
kind = "email"
pointer = "/emails[type=work]/value"
nullable = true

[[fields]]
name = "home_email"
kind = "email"
pointer = "/emails[type=home]/value"
nullable = true

[[fields]]
name = "tags"
kind = "list"
items = "text"
pointer = "/tags"

[[fields]]
name = "groups"
kind = "list"
items = "text"
pointer = "/groups[]/id"
mode = "remove"

[[fields]]
name = "courses"
kind = "list"
items = "text"
pointer = "/courses"
mode = "replace"
separator = "|"
"#;

type Records = Arc<Mutex<Vec<Json>>>;

fn people() -> Vec<Json> {
    vec![
        json!({
            "id": "1",
            "name": "Ek",
            "emails": [
                {"type": "home", "value": "h1@x.se", "primary": true},
                {"type": "other", "value": "o1@x.se", "note": {"by": "hand"}},
                {"type": "work", "value": "w1@x.se", "verified": "2026-01-01"},
            ],
            "tags": ["old", "kept"],
            "groups": [{"id": "g1", "name": "One"}, {"id": "g2", "name": "Two"}],
        }),
        json!({"id": "2", "name": "Al", "tags": [], "groups": null}),
        json!({
            "id": "3",
            "name": "Bo",
            "emails": [{"type": "work", "value": "a@x.se"}, {"type": "work", "value": "b@x.se"}],
        }),
    ]
}

/// Serves an API whose updates change only the members in the body.
fn api(records: &Records) -> Server {
    let records = records.clone();
    Server::start(move |seen| answer(&records, seen))
}

fn answer(records: &Records, seen: &Seen) -> Response<Body> {
    let mut records = records.lock().unwrap();
    let path = seen.path.split('?').next().unwrap();
    let Some(id) = path.strip_prefix("/people/") else {
        let answer = json!({"value": *records, "total": records.len(), "next": null});
        return respond(200, &[], &answer.to_string());
    };
    let record = records.iter_mut().find(|record| record["id"] == id);
    let record = record.unwrap();
    if seen.method == "PATCH" {
        let body: Json = serde_json::from_str(&seen.body).unwrap();
        for (name, value) in body.as_object().unwrap() {
            record[name] = value.clone();
        }
    }
    respond(200, &[], &record.to_string())
}

struct Scene {
    folder: Folder,
    records: Records,
    server: Server,
}

impl Scene {
    fn new() -> Scene {
        let folder = Folder::new();
        let path = folder.write("people.toml", TARGET);
        crate::harness::make_private(&path);
        let records: Records = Arc::new(Mutex::new(people()));
        let server = api(&records);
        Scene {
            folder,
            records,
            server,
        }
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut program = self.folder.program();
        let output = program
            .args(arguments)
            .env("API_TOKEN", "x")
            .output()
            .unwrap();
        (output.status.code(), stderr(&output))
    }

    fn import(&self, roster: &str, more: &[&str]) -> (Option<i32>, String) {
        self.folder.write("r.csv", roster);
        let to = ["import", "r.csv", "--target", "people.toml", "--yes"];
        let at = ["--max-invalid", "100%", "--base-url", &self.server.base_url];
        self.run(&[&to[..], &at[..], more].concat())
    }

    fn person(&self, position: usize) -> Json {
        self.records.lock().unwrap()[position].clone()
    }

    fn updates(&self) -> usize {
        let seen = self.server.seen();
        seen.iter().filter(|seen| seen.method == "PATCH").count()
    }

    /// Undoes the first run.
    fn undo(&self) {
        let runs = self.folder.runs();
        let first = runs.lines().last().unwrap();
        let run = first.split_whitespace().next().unwrap();
        let (code, told) = self.run(&["undo", run, "--yes"]);
        assert_eq!(code, Some(0), "{runs} {told}");
    }
}

#[test]
fn one_list_element_is_changed_and_restored() {
    let scene = Scene::new();
    let roster = "id,work_email,home_email\n1,new@x.se,home@x.se\n2,two@x.se,\n3,c@x.se,\n";
    let (code, told) = scene.import(roster, &[]);
    assert_eq!(code, Some(3), "{told}");
    // One request changes both elements and keeps the others.
    assert_eq!(scene.updates(), 2);
    let mut expected = people();
    expected[0]["emails"][0]["value"] = json!("home@x.se");
    expected[0]["emails"][2]["value"] = json!("new@x.se");
    expected[1]["emails"] = json!([{"type": "work", "value": "two@x.se"}]);
    assert_eq!(*scene.records.lock().unwrap(), expected);
    let results = scene.folder.csv("r.results.csv", b',');
    let wrong = results[3].join(" ");
    assert!(wrong.contains("lookup.several_elements"), "{wrong}");
    // A second import changes nothing.
    scene.import(roster, &[]);
    assert_eq!(scene.updates(), 2);
    scene.undo();
    expected = people();
    expected[1]["emails"] = json!([]);
    assert_eq!(*scene.records.lock().unwrap(), expected);
}

#[test]
fn clearing_a_list_element_keeps_the_others() {
    let scene = Scene::new();
    scene.records.lock().unwrap()[0]["emails"][2]
        .as_object_mut()
        .unwrap()
        .remove("verified");
    let before = scene.person(0);
    let (code, told) = scene.import("id,work_email,home_email\n1,<null>,<null>\n", &[]);
    assert_eq!(code, Some(0), "{told}");
    let mut expected = before;
    let emails = expected["emails"].as_array_mut().unwrap();
    emails.remove(2);
    emails[0].as_object_mut().unwrap().remove("value");
    assert_eq!(scene.person(0), expected);
}

#[test]
fn a_list_is_never_replaced_without_reading_it() {
    let scene = Scene::new();
    let (code, told) = scene.import("id,work_email\n1,new@x.se\n", &["--blind"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("an update replaces the whole list that contains work_email"),
        "{told}"
    );
    assert_eq!(scene.updates(), 0);
    // The record is read even with options that otherwise skip the look-up.
    let (code, told) = scene.import("id,work_email\n1,new@x.se\n", &["--all", "--no-undo"]);
    assert_eq!(code, Some(0), "{told}");
    let mut expected = people();
    expected[0]["emails"][2]["value"] = json!("new@x.se");
    assert_eq!(*scene.records.lock().unwrap(), expected);
}

#[test]
fn list_values_are_added_removed_and_restored() {
    let scene = Scene::new();
    let roster = "id,tags,groups,courses\n1,new;kept,g1,Ma|Sv\n2,\"a\nb\",g9,Ma\n";
    let (code, told) = scene.import(roster, &[]);
    assert_eq!(code, Some(0), "{told}");
    let mut expected = people();
    expected[0]["tags"] = json!(["old", "kept", "new"]);
    expected[0]["groups"] = json!([{"id": "g2", "name": "Two"}]);
    expected[0]["courses"] = json!(["Ma", "Sv"]);
    expected[1]["tags"] = json!(["a", "b"]);
    expected[1]["courses"] = json!(["Ma"]);
    assert_eq!(*scene.records.lock().unwrap(), expected);
    // The order and repetition of values in a set do not count as a difference.
    let again = "id,tags,groups,courses\n1,kept;new;new,g1,Sv|Ma\n2,b;a,,Ma\n";
    let (_, told) = scene.import(again, &[]);
    assert!(told.contains("2 unchanged"), "{told}");
    // Another client changes a different field meanwhile.
    scene.records.lock().unwrap()[1]["name"] = json!("Alm");
    scene.undo();
    let mut expected = people();
    expected[0]["courses"] = json!([]);
    expected[1]["courses"] = json!([]);
    expected[1]["name"] = json!("Alm");
    // The API adds the names of groups itself.
    expected[0]["groups"] = json!([{"id": "g1"}, {"id": "g2", "name": "Two"}]);
    assert_eq!(*scene.records.lock().unwrap(), expected);
}

#[test]
fn replacing_a_whole_list_needs_no_look_up() {
    let scene = Scene::new();
    let (code, told) = scene.import("id,courses\n1,Ma|Sv\n", &["--blind"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(scene.person(0)["courses"], json!(["Ma", "Sv"]));
    let (code, told) = scene.import("id,tags\n1,new\n", &["--blind"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the whole list that contains tags"), "{told}");
}

#[test]
fn the_simulated_api_supports_lists() {
    let scene = Scene::new();
    let roster = "id,work_email,tags,groups,courses\n\
        1,a@x.se,x;y,g1,Ma\n2,b@x.se,x,g1;g2,Sv|Ma\n3,c@x.se,,,\n";
    scene.folder.write("r.csv", roster);
    let run = |command: &[&str]| {
        scene.run(&[command, &["--target", "people.toml", "--sandbox"]].concat())
    };
    let (code, told) = run(&["import", "r.csv", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("updated"), "{told}");
}

#[test]
fn a_change_to_the_list_after_the_plan_is_not_overwritten() {
    for (changes, is_refused) in [
        (
            json!({"type": "other", "value": "o1@x.se", "note": "since"}),
            true,
        ),
        (
            json!({"type": "other", "value": "o1@x.se", "note": {"by": "hand"}}),
            false,
        ),
    ] {
        let mut people = people();
        people[0]["version"] = json!(1);
        let records: Records = Arc::new(Mutex::new(people));
        let (of_server, change) = (records.clone(), changes.clone());
        // It changes when the record is read for the update.
        let server = Server::start(move |seen| {
            if seen.path == "/people/1" && seen.method == "GET" {
                let mut records = of_server.lock().unwrap();
                records[0]["emails"][1] = change.clone();
            }
            answer(&of_server, seen)
        });
        let scene = Scene {
            records,
            server,
            ..Scene::new()
        };
        let versioned = TARGET.replace("merges = true", "merges = true\nif_match = \"/version\"");
        scene.folder.write("people.toml", versioned);
        let (code, told) = scene.import("id,work_email\n1,new@x.se\n", &[]);
        assert_eq!(code, Some(if is_refused { 3 } else { 0 }), "{told}");
        assert_eq!(scene.updates(), usize::from(!is_refused), "{told}");
        assert_eq!(scene.person(0)["emails"][1], changes);
    }
}
