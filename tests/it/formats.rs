//! The requests and responses that a target file describes, against a real server: bodies, sign-in, rate
//! limits, and what a success must contain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::harness::{Folder, LibraryRun, RECORD, Server, respond, stderr, stdout};

/// A target of users whose records cannot be read.
const USERS: &str = r#"
name = "users"
title = "Users"
record = "user"
environments.production = "https://api.example.com/v1"

[[sign_in]]
kind = "bearer"
token = "USERS_TOKEN"

[update]
method = "PATCH"
path = "/users/{id}"
idempotent = true

[answers]
message = "/message"
retry = [429, 500, 502, 503, 504]
reject = [400, 404, 409, 422]
stop = [401, 403]

[quota]
requests = 100000
per = "h"
burst = 100000

[[fields]]
name = "id"
kind = "text"
in = "path"
required = true
unique = true

[[fields]]
name = "name"
pointer = "/name"
kind = "text"

[[fields]]
name = "city"
pointer = "/city"
kind = "text"
"#;

/// Returns a folder with the changed target and a roster of `rows` users.
fn users(changes: &[(&str, &str)], rows: usize) -> Folder {
    let folder = Folder::new();
    let mut text = USERS.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    folder.write("users.toml", text);
    let rows: String = (1..=rows)
        .map(|row| format!("{row},N{row},Lund\n"))
        .collect();
    folder.write("r.csv", format!("id,name,city\n{rows}"));
    folder
}

/// Runs the program with every credential set.
fn program(folder: &Folder, base_url: &str, arguments: &[&str]) -> std::process::Output {
    let to = ["--target", "users.toml", "--base-url", base_url];
    let mut program = folder.program();
    program.args(arguments).args(to);
    for name in ["USERS_TOKEN", "USERS_ID", "USERS_SECRET"] {
        program.env(name, format!("the-{}", name.to_lowercase()));
    }
    program.output().unwrap()
}

fn import(folder: &Folder, base_url: &str, more: &[&str]) -> std::process::Output {
    program(
        folder,
        base_url,
        &[&["import", "r.csv", "--yes"], more].concat(),
    )
}

fn states(folder: &Folder) -> Vec<String> {
    let rows = folder.csv("r.results.csv", b',');
    let at = rows[0].iter().position(|name| name == "import_status");
    let state = |row: &Vec<String>| row[at.unwrap()].clone();
    rows[1..].iter().map(state).collect()
}

fn by_library(folder: &Folder) -> LibraryRun {
    let mut run = LibraryRun::new();
    run.target = Some(folder.path("users.toml").display().to_string());
    run
}

#[test]
fn a_rate_limit_is_waited_for_in_every_header_format() {
    for (status, value) in [
        (429, "20"),
        (429, "20.0"),
        (429, "19.5"),
        (429, "20s"),
        (403, "20"),
        (403, "20.0"),
        (503, "20.0"),
    ] {
        let folder = users(&[], 8);
        let limited = Arc::new(AtomicUsize::new(0));
        let counted = limited.clone();
        let server = Server::start(move |seen| {
            if seen.path.ends_with("/6") && seen.before == 0 {
                counted.fetch_add(1, Ordering::SeqCst);
                return respond(status, &[("Retry-After", value)], r#"{"message":"slow"}"#);
            }
            respond(200, &[], "{}")
        });
        let run = by_library(&folder);
        let began = run.clock.now();
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        assert_eq!(ended.summary.states.updated, 8, "{status} {value}");
        assert_eq!(limited.load(Ordering::SeqCst), 1);
        let seconds = (run.clock.now() - began) / 1_000_000_000;
        assert_eq!(seconds, 20, "{status} {value}");
    }
}

#[test]
fn an_unreadable_rate_limit_is_reported_once() {
    for value in ["soon", "-1", "172800"] {
        let folder = users(&[], 4);
        let server = Server::start(move |_| {
            respond(429, &[("Retry-After", value)], r#"{"message":"slow"}"#)
        });
        let output = import(&folder, &server.base_url, &["--max-attempts", "1"]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let told = stderr(&output);
        assert_eq!(told.matches("Retry-After").count(), 1, "{value}: {told}");
        assert!(!told.contains(value) || value == "-1", "{told}");
    }
}

#[test]
fn a_success_without_the_record_stops_the_run() {
    let expects = ("[answers]", "[answers]\nexpects = \"record\"");
    let page = "<!doctype html><title>Sign in to Contoso</title><p>Password";
    for (status, body, part) in [
        (200, page, "an HTML page"),
        (200, "", "an empty body"),
        (204, "", "an empty body"),
        (200, "OK", "not JSON"),
        (202, r#"{"job":"queued"}"#, "JSON without the record"),
        (
            200,
            r#"{"message":"city is read-only"}"#,
            "JSON without the record",
        ),
    ] {
        let folder = users(&[expects], 20);
        let server = Server::start(move |_| respond(status, &[], body));
        let output = import(&folder, &server.base_url, &[]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(6), "{told}");
        assert!(told.contains(part), "{part} not in {told}");
        assert!(told.contains(&format!("HTTP {status}")), "{told}");
        if body == page {
            assert!(told.contains("Sign in to Contoso"), "{told}");
        }
        if body.contains("read-only") {
            assert!(told.contains("city is read-only"), "{told}");
        }
        assert_eq!(states(&folder), vec!["not_sent"; 20], "{body}");
        assert_eq!(server.seen().len(), 1, "it is not sent to again");
    }
    // A page in response to an update that expects no content.
    let nothing = ("[answers]", "[answers]\nexpects = \"no_content\"");
    let folder = users(&[nothing], 20);
    let server = Server::start(move |_| respond(200, &[], r#"{"id":"1"}"#));
    let output = import(&folder, &server.base_url, &[]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("204 No Content"),
        "{}",
        stderr(&output)
    );
    let folder = users(&[nothing], 20);
    let server = Server::start(move |_| respond(204, &[], ""));
    let output = import(&folder, &server.base_url, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(states(&folder), vec!["updated"; 20]);
    // With the record, or without the setting, the row is updated.
    for (changes, body) in [(&[expects][..], RECORD), (&[], page)] {
        let folder = users(changes, 20);
        let server = Server::start(move |_| respond(200, &[], body));
        let output = import(&folder, &server.base_url, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(states(&folder), vec!["updated"; 20]);
    }
}

/// Changes that move the token endpoint to another server.
fn at_another_host(token_server: &str) -> [(&'static str, String); 2] {
    let way = format!(
        "kind = \"oauth\"\ntoken_url = \"{token_server}/{{tenant}}/token\"\nscope = \"{{tenant}}.read write\"\naudience = \"https://api.example.com/\"\nclient_id = \"USERS_ID\"\nclient_secret = \"USERS_SECRET\""
    );
    [
        ("kind = \"bearer\"\ntoken = \"USERS_TOKEN\"", way),
        (
            "record = \"user\"",
            "record = \"user\"\nvariables.tenant = { about = \"the tenant\" }".to_owned(),
        ),
    ]
}

#[test]
fn a_token_endpoint_at_another_host_is_used_and_shown() {
    let tokens =
        Server::start(|_| respond(200, &[], r#"{"access_token":"t-1","expires_in":3600}"#));
    let api = Server::start(|_| respond(200, &[], "{}"));
    let changes = at_another_host(&tokens.base_url);
    let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (*from, &**to)).collect();
    let folder = users(&changes, 3);
    let address = format!("{}/acme/token", tokens.base_url);

    let doctor = program(&folder, &api.base_url, &["doctor", "--var", "tenant=acme"]);
    assert!(stdout(&doctor).contains(&address), "{}", stdout(&doctor));
    let plan = program(
        &folder,
        &api.base_url,
        &["plan", "r.csv", "--var", "tenant=acme"],
    );
    let told = format!("{}{}", stdout(&plan), stderr(&plan));
    assert!(told.contains(&address), "{told}");
    let shown = folder.run("targets show users.toml");
    let template = format!("{}/{{tenant}}/token", tokens.base_url);
    assert!(stdout(&shown).contains(&template), "{}", stdout(&shown));

    let output = import(&folder, &api.base_url, &["--var", "tenant=acme"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let asked = tokens.seen();
    let asked = asked.last().unwrap();
    assert_eq!((&*asked.method, &*asked.path), ("POST", "/acme/token"));
    let form: Vec<&str> = asked.body.split('&').collect();
    for part in [
        "grant_type=client_credentials",
        "client_id=the-users_id",
        "client_secret=the-users_secret",
        "scope=acme.read+write",
        "audience=https%3A%2F%2Fapi.example.com%2F",
    ] {
        assert!(form.contains(&part), "{part} not in {form:?}");
    }
    for seen in api.seen().iter().filter(|seen| seen.method == "PATCH") {
        assert_eq!(seen.headers["authorization"], "Bearer t-1");
        let said = format!("{seen:?}");
        assert!(!said.contains("users_secret"), "{said}");
    }
    // The simulated API also serves the token endpoint, so no request leaves this machine.
    let before = tokens.seen().len();
    let output = folder.run("import r.csv --target users.toml --sandbox --var tenant=acme");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(tokens.seen().len(), before);

    let output = import(&folder, &api.base_url, &[]);
    assert_ne!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("--var tenant="),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_servers_error_text_is_shown_and_not_logged() {
    let refusal = json!({
        "error": "invalid_client",
        "error_description": "The\u{202e} secret\u{1b}[2J of\nthis client the-users_secret has expired",
    });
    let tokens = Server::start(move |_| respond(401, &[], &refusal.to_string()));
    let api = Server::start(|_| respond(200, &[], "{}"));
    let changes = at_another_host(&tokens.base_url);
    let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (*from, &**to)).collect();
    let folder = users(&changes, 3);
    let output = import(&folder, &api.base_url, &["--var", "tenant=acme"]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let told = stderr(&output);
    for part in [
        "HTTP 401 invalid_client",
        "\\u202e",
        "of this client",
        "has expired",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    assert!(
        !told.contains("users_secret") && !told.contains("\u{1b}[2J"),
        "{told}"
    );
    assert!(api.seen().is_empty());
    let logged = program(
        &folder,
        &api.base_url,
        &[
            "import",
            "r.csv",
            "--yes",
            "--fresh",
            "--progress",
            "none",
            "-q",
            "--log-format",
            "json",
            "--var",
            "tenant=acme",
        ],
    );
    for line in stderr(&logged).lines().filter(|line| line.starts_with('{')) {
        assert!(!line.contains("expired"), "{line}");
    }
}

#[test]
fn a_search_refused_with_403_or_404_shows_the_servers_message() {
    let lookup = "[lookup]\nkeys = [\"id\"]\nsearch = \"/users/search\"\nrecords = \"/data\"\npage_size = 50\npaging = { kind = \"page\", parameter = \"page\" }\n\n[quota]\n";
    for (status, body) in [
        (
            403,
            json!({"message": "This key lacks the scope users.read"}),
        ),
        (
            404,
            json!({"title": "Not Found", "detail": "This key lacks the scope users.read"}),
        ),
        (
            403,
            json!({"error": {"message": "This key lacks the scope users.read"}}),
        ),
    ] {
        let folder = users(&[("[quota]\n", lookup)], 3);
        let server = Server::start(move |_| respond(status, &[], &body.to_string()));
        let output = import(&folder, &server.base_url, &[]);
        assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(
            told.contains("lacks the scope users.read"),
            "{status}: {told}"
        );
    }
}

#[test]
fn a_request_body_has_the_targets_envelope_and_media_type() {
    let update = (
        "idempotent = true",
        "idempotent = true\ncontent_type = \"application/scim+json\"\nbody = \"/Operations/0/value\"\nbody_members = { schemas = [\"urn:x\"], Operations = [{ op = \"replace\" }] }",
    );
    let answers = (
        "[answers]",
        "[answers]\nexpects = \"record\"\nrecord = \"/user\"",
    );
    let folder = users(&[update, answers], 1);
    let server = Server::start(|_| respond(200, &[], r#"{"user":{"name":"N1"}}"#));
    let shown = program(
        &folder,
        &server.base_url,
        &["plan", "r.csv", "--show-request", "1"],
    );
    assert!(
        stdout(&shown).contains("Content-Type: application/scim+json"),
        "{}",
        stderr(&shown)
    );
    let output = import(&folder, &server.base_url, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = &server.seen()[0];
    assert_eq!(seen.headers["content-type"], "application/scim+json");
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    let expected = json!({
        "schemas": ["urn:x"],
        "Operations": [{"op": "replace", "value": {"name": "N1", "city": "Lund"}}],
    });
    assert_eq!(body, expected);
    // The simulated API reads the same request and sends the same response.
    let output = folder.run("import r.csv --target users.toml --sandbox");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// A look-up of users, by list and one by one.
const LOOKUP: &str = r#"[lookup]
keys = ["id"]
list = "/users"
read = "/users/{id}"
records = "/data"
total = "/total"
trust_total = true
page_size = 50
paging = { kind = "page", parameter = "page" }

[quota]
"#;

/// An API with one user and a version that each update increments.
struct Held {
    user: Value,
    version: u64,
    bodies: Vec<Value>,
    refused: usize,
}

/// Serves one user. `meanwhile` can change the user; it receives the number of reads so far.
fn holding(
    user: Value,
    meanwhile: impl Fn(usize, &mut Value) -> bool + Send + Sync + 'static,
) -> (Server, Arc<std::sync::Mutex<Held>>) {
    let held = Arc::new(std::sync::Mutex::new(Held {
        user,
        version: 1,
        bodies: Vec::new(),
        refused: 0,
    }));
    let of_server = held.clone();
    let server = Server::start(move |seen| {
        let mut held = of_server.lock().unwrap();
        if seen.method == "GET" && !seen.path.starts_with("/users/") {
            let data = match seen.path.contains("page=1") {
                true => vec![held.user.clone()],
                false => Vec::new(),
            };
            let page = json!({"data": data, "total": 1});
            return respond(200, &[], &page.to_string());
        }
        if seen.method == "GET" {
            let answer = held.user.to_string();
            let tag = format!("\"v{}\"", held.version);
            let reads = seen.before;
            let mut user = held.user.clone();
            if meanwhile(reads, &mut user) {
                held.user = user;
                held.version += 1;
            }
            return respond(200, &[("ETag", &tag)], &answer);
        }
        let current = format!("\"v{}\"", held.version);
        if let Some(named) = seen.headers.get("if-match")
            && named != current.as_str()
        {
            held.refused += 1;
            return respond(412, &[], r#"{"message":"changed"}"#);
        }
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        held.bodies.push(body.clone());
        if seen.method == "PUT" {
            held.user = body;
        } else {
            merge(&mut held.user, &body);
        }
        held.version += 1;
        respond(200, &[], &held.user.to_string())
    });
    (server, held)
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[test]
fn a_put_keeps_unmapped_members_and_can_be_undone() {
    let user = json!({"id": "1", "name": "Anna", "city": "Lund", "roles": ["a", {"b": 1}], "meta": {"by": "x"}});
    let put = (
        "method = \"PATCH\"",
        "method = \"PUT\"\nread_only = [\"/meta\"]",
    );
    let folder = users(&[put, ("[quota]\n", LOOKUP)], 1);
    let (server, held) = holding(user, |_, _| false);
    let output = import(&folder, &server.base_url, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let whole =
        |name: &str| json!({"id": "1", "name": name, "city": "Lund", "roles": ["a", {"b": 1}]});
    assert_eq!(held.lock().unwrap().bodies, [whole("N1")]);
    let name = folder.runs().split_whitespace().next().unwrap().to_owned();
    let mut program = folder.program();
    let output = program
        .args(["undo", &name, "--yes"])
        .env("USERS_TOKEN", "the-token")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(held.lock().unwrap().user, whole("Anna"));
    let output = import(&folder, &server.base_url, &["--blind", "--fresh"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));

    // Without a way to read records, the target is refused unless it declares that nothing is erased.
    let folder = users(&[("method = \"PATCH\"", "method = \"PUT\"")], 1);
    let shown = folder.run("targets show users.toml");
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        stderr(&shown).contains("update.replaces = false"),
        "{}",
        stderr(&shown)
    );
    let folder = users(
        &[("method = \"PATCH\"", "method = \"PUT\"\nreplaces = false")],
        1,
    );
    assert_eq!(folder.run("targets show users.toml").status.code(), Some(0));
}

#[test]
fn a_merging_api_receives_only_differences() {
    let pointers = [
        ("\"/name\"", "\"/profile/name\""),
        (
            "\"/city\"\nkind = \"text\"",
            "\"/profile/city\"\nkind = \"text\"\nnullable = true",
        ),
    ];
    let user = json!({"id": "1", "profile": {"name": "Anna", "city": "Lund"}});
    for (setting, roster, expected) in [
        (
            "",
            "1,Bo,Lund\n",
            json!({"profile": {"name": "Bo", "city": "Lund"}}),
        ),
        (
            "\nmerges = true",
            "1,Bo,Lund\n",
            json!({"profile": {"name": "Bo"}}),
        ),
        (
            "\nmerges = true",
            "1,Anna,<null>\n",
            json!({"profile": {"city": null}}),
        ),
        (
            "\nmerges = true\nclear = \"empty\"",
            "1,Anna,<null>\n",
            json!({"profile": {"city": ""}}),
        ),
    ] {
        let update = format!("idempotent = true{setting}");
        let changes = [
            pointers[0],
            pointers[1],
            ("idempotent = true", &*update),
            ("[quota]\n", LOOKUP),
        ];
        let folder = users(&changes, 1);
        folder.write("r.csv", format!("id,name,city\n{roster}"));
        let (server, held) = holding(user.clone(), |_, _| false);
        let output = import(&folder, &server.base_url, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(held.lock().unwrap().bodies, [expected], "{setting}");
        // The field is cleared: a second import of the same file sends nothing.
        import(&folder, &server.base_url, &["--fresh"]);
        assert_eq!(held.lock().unwrap().bodies.len(), 1, "{setting}");
    }
}

#[test]
fn a_record_that_changes_before_the_update_is_compared_again() {
    let user = || json!({"id": "1", "name": "Anna", "city": "Lund", "note": "a"});
    for (setting, of_version) in [("etag", false), ("/version", true)] {
        let update = format!("idempotent = true\nif_match = \"{setting}\"");
        let changes = [("idempotent = true", &*update), ("[quota]\n", LOOKUP)];
        // No change; a change of another member; the same value; and a change of the roster's field.
        for (case, changed, state, sent) in [
            ("nobody", None, "updated", 1),
            ("another", Some(("note", "b")), "updated", 1),
            ("the same", Some(("name", "N1")), "updated", 0),
            ("the field", Some(("name", "Eva")), "failed", 0),
        ] {
            let folder = users(&changes, 1);
            let (server, held) = holding(user(), move |reads, user| {
                let Some((name, value)) = changed.filter(|_| reads == 0) else {
                    return false;
                };
                user[name] = json!(value);
                true
            });
            if of_version {
                // The version is a member of the record; the server's ETag has the same text.
                held.lock().unwrap().user["version"] = json!("v1");
            }
            let output = import(&folder, &server.base_url, &[]);
            let held = held.lock().unwrap();
            if of_version && case != "nobody" {
                continue;
            }
            assert_eq!(states(&folder), [state], "{case}: {}", stderr(&output));
            assert_eq!(held.bodies.len(), sent, "{case}");
            let refused = usize::from(changed.is_some());
            assert_eq!(held.refused, refused, "{case}");
            if state == "failed" {
                let rows = folder.csv("r.results.csv", b',');
                assert!(
                    rows[1].iter().any(|cell| cell == "record.changed"),
                    "{rows:?}"
                );
                assert_eq!(held.user["name"], "Eva");
            }
        }
    }
}
