//! Records that are found with GET, by a filter or one by one, against a SCIM server in Python.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;

use crate::harness::{Folder, repository, stderr};
use crate::machine::has_command;

const ROWS: usize = 250;

/// A Python HTTP server with SCIM users, stopped on drop.
struct Scim {
    child: Child,
    address: String,
}

impl Scim {
    /// Starts a server with one user per row. Returns `None` with a printed reason if Python is not
    /// installed.
    fn start() -> Option<Scim> {
        if !has_command("python3", "python3") {
            return None;
        }
        let mut child = Command::new("python3")
            .arg(repository().join("tests/judges/scim_server.py"))
            .arg(ROWS.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut port).unwrap();
        Some(Scim {
            child,
            address: format!("http://127.0.0.1:{}", port.trim()),
        })
    }

    fn ask(&self, path: &str) -> Json {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let url = format!("{}{path}", self.address);
            let client = rosterpatch::send::client_builder()
                .no_proxy()
                .build()
                .unwrap();
            let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
            serde_json::from_slice(&body).unwrap()
        })
    }

    /// Returns the number of requests so far that start with this text.
    fn asked(&self, start: &str) -> usize {
        let log = self.ask("/_log");
        let log = log.as_array().unwrap().iter();
        log.filter(|asked| asked.as_str().unwrap().starts_with(start))
            .count()
    }

    /// Returns the number of users with this name.
    fn named(&self, name: &str) -> usize {
        let users = self.ask("/_users");
        let users = users.as_object().unwrap().values();
        users.filter(|user| user["displayName"] == name).count()
    }
}

impl Drop for Scim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TARGET: &str = r#"
name = "scim"
title = "Users"
record = "user"
environments.production = "https://scim.example.se/scim/v2"
sign_in = [{ kind = "bearer", token = "SCIM_TOKEN" }]
update = { method = "PATCH", path = "/Users/{id}", idempotent = true }
answers = { message = "/detail", retry = [429, 503], reject = [400, 404, 409], stop = [401, 403] }
quota = { requests = 1000000, per = "h", burst = 100000 }

[lookup]
read = "/Users/{id}"
LOOKUP

[[fields]]
name = "id"
kind = "text"
in = "path"
unique = true

[[fields]]
name = "user_name"
pointer = "/userName"
kind = "text"
unique = true

[[fields]]
name = "display_name"
pointer = "/displayName"
kind = "text"
"#;

const READ: &str = "keys = []";

const QUERY: &str = r#"
keys = ["user_name"]
total = "/totalResults"
records = "/Resources"
page_size = 20
paging = { kind = "offset", limit = "count", offset = "startIndex", first = 1 }

[[lookup.query]]
key = "user_name"
path = "/Users"
parameter = "filter"
filter = 'userName eq "{key}"'
between = " or "
escape = { '"' = '\"', '\' = '\\' }
most = 15
"#;

struct Desk {
    folder: Folder,
    scim: Scim,
}

impl Desk {
    fn new(scim: Scim, lookup: &str, header: &str, key: impl Fn(usize) -> String) -> Desk {
        let folder = Folder::new();
        folder.write("scim.toml", TARGET.replace("LOOKUP", lookup));
        let desk = Desk { folder, scim };
        desk.write(header, key, "Bo");
        desk
    }

    fn write(&self, header: &str, key: impl Fn(usize) -> String, name: &str) {
        let rows: String = (1..=ROWS)
            .map(|row| format!("{},{name}\n", key(row)))
            .collect();
        self.folder
            .write("r.csv", format!("{header},display_name\n{rows}"));
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut program = self.folder.program();
        program.args(arguments).env("SCIM_TOKEN", "t");
        program.output().unwrap()
    }

    fn import(&self) -> (Option<i32>, Json) {
        let address = format!("{}/scim/v2", self.scim.address);
        let output = self.run(&[
            "import",
            "r.csv",
            "--target",
            "scim.toml",
            "--yes",
            "--format",
            "json",
            "--base-url",
            &address,
        ]);
        let summary = serde_json::from_slice(&output.stdout);
        (
            output.status.code(),
            summary.unwrap_or_else(|_| panic!("{}", stderr(&output))),
        )
    }

    /// Imports the roster, retries its failed rows, and undoes the import.
    fn goes_round(&self, lookups: usize) {
        let (code, summary) = self.import();
        assert_eq!(code, Some(3), "{summary}");
        assert_eq!(
            (&summary["updated"], &summary["failed"]),
            (&245.into(), &5.into())
        );
        assert_eq!(summary["lookups"], lookups, "{summary}");
        assert_eq!(self.scim.named("Bo"), 245);
        let first = summary["run"].as_str().unwrap().to_owned();
        let before = self.scim.asked("GET");
        let output = self.run(&["retry", "--run", &first, "--yes", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let retried: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(retried["updated"], 5, "{retried}");
        assert!(
            self.scim.asked("GET") - before <= 5,
            "only these are looked up again"
        );
        assert_eq!(self.scim.named("Bo"), ROWS);
        // A second import finds no difference.
        let (code, summary) = self.import();
        assert_eq!(
            (code, &summary["unchanged"]),
            (Some(0), &ROWS.into()),
            "{summary}"
        );
        let output = self.run(&["undo", &first, "--yes"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!((self.scim.named("Åsa"), self.scim.named("Bo")), (245, 5));
    }
}

#[test]
fn users_found_one_by_one_are_imported_retried_and_undone() {
    let Some(scim) = Scim::start() else { return };
    let desk = Desk::new(scim, READ, "id", |row| format!("u-{row}"));
    desk.goes_round(ROWS);
    assert_eq!(desk.scim.asked("GET /scim/v2/Users?"), 0);
}

/// Returns the user name of a row as a CSV cell.
fn user_name(row: usize) -> String {
    match row {
        7 => "\"o\"\"brien\\7\"".to_owned(),
        row => format!("user{row}@example.se"),
    }
}

#[test]
fn users_found_by_a_filter_are_imported_retried_and_undone() {
    let Some(scim) = Scim::start() else { return };
    let desk = Desk::new(scim, QUERY, "user_name", user_name);
    desk.goes_round(ROWS.div_ceil(15));
}

#[test]
fn the_list_is_read_if_it_takes_fewer_requests_than_filters() {
    let Some(scim) = Scim::start() else { return };
    let listed = QUERY.replace("keys =", "list = \"/Users\"\nkeys =");
    let desk = Desk::new(scim, &listed, "user_name", user_name);
    // 250 users take 13 pages of 20, or 17 requests with 15 keys each.
    desk.goes_round(13);
}

#[test]
fn a_missing_user_is_reported_and_the_others_are_updated() {
    let Some(scim) = Scim::start() else { return };
    let desk = Desk::new(scim, QUERY, "user_name", |row| match row {
        20 => "gone@example.se".to_owned(),
        row => user_name(row),
    });
    let (code, summary) = desk.import();
    assert_eq!(
        (code, &summary["invalid"]),
        (Some(3), &1.into()),
        "{summary}"
    );
    let rows = desk.folder.csv("r.results.csv", b',');
    assert_eq!(rows[20][3..6], ["invalid", "", "lookup.not_found"]);
    assert_eq!(desk.scim.named("Bo"), 244);
}
