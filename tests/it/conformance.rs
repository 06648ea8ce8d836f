//! The conformance suite for targets. Each test runs for the built-in targets and for an invented one that
//! exists only as a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use rosterpatch::clock::SystemClock;
use rosterpatch::model::{RowState, with_causes};
use rosterpatch::sandbox::{Sandbox, SandboxOptions, SeedRow};
use rosterpatch::targets::{self, Place, TargetSpec};
use serde_json::Value as Json;

use crate::harness::{
    Folder, LibraryRun, RECORD, Seen, Server, read_csv, repository, respond, serve_sandbox_at,
};

/// A target and the values that are specific to it.
struct Subject {
    target: String,
    /// The path at which the sandbox serves the target; `None` for the invented one.
    sandbox: Option<&'static str>,
    /// The header that signs a request, and its value if every secret is `sandbox`.
    signature: (&'static str, &'static str),
    /// The columns and cells of a row that sets every field.
    cells: &'static [(&'static str, &'static str)],
    /// The method, path and body of the request for this row.
    request: (&'static str, &'static str, &'static str),
    /// The headers of a 429 that asks for a wait of seven seconds at 2026-08-20T18:00:00Z.
    throttle: &'static [(&'static str, &'static str)],
    /// An error body, and the message, code and request id that are read from it.
    error: (&'static str, &'static str, &'static str, &'static str),
}

fn subjects() -> Vec<Subject> {
    let invented = repository().join("samples/targets/skolkort.toml");
    vec![
        Subject {
            target: "meitner".into(),
            sandbox: Some("/directory/v1"),
            signature: ("client-secret", "sandbox"),
            cells: &[
                ("id", "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11"),
                ("identity_number", "20100402-2388"),
                ("first_name", "Åsa"),
                ("last_name", "Ek"),
                ("identity_temporary", "Nej"),
                ("postal_code", "16956"),
                ("municipality_code", "<null>"),
                ("email_address1", ""),
            ],
            request: (
                "PATCH",
                "/student/0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11",
                r#"{"identityNumber":"20100402-2388","firstName":"Åsa","lastName":"Ek","identityTemporary":false,"address":{"postalCode":"169 56","municipalityCode":null}}"#,
            ),
            throttle: &[
                ("RateLimit-Limit", "1500"),
                ("RateLimit-Remaining", "0"),
                ("RateLimit-Reset", "1787248807000"),
            ],
            error: (
                r#"{"error":{"code":"Conflict","message":"identityNumber is taken","requestID":"r-1"}}"#,
                "identityNumber is taken",
                "Conflict",
                "r-1",
            ),
        },
        Subject {
            target: "pathwright".into(),
            sandbox: Some("/api/public"),
            signature: ("authorization", "Token sandbox"),
            cells: &[
                ("external_id", "åsa/ek+1 #2?%@x.se"),
                ("integration", "saml2"),
                ("first_name", "Åsa"),
                ("salutation", "Dr"),
                ("phone_number", "070-174 06 05"),
                ("membership_type", "Elev"),
                ("bio", ""),
            ],
            request: (
                "PATCH",
                "/member/saml2/%C3%A5sa%2Fek%2B1%20%232%3F%25%40x.se/",
                r#"{"first_name":"Åsa","profile":{"salutation":"Dr.","phone_number":"070-174 06 05"},"membership":{"membership_type":"student"}}"#,
            ),
            throttle: &[("Retry-After", "Thu, 20 Aug 2026 18:00:07 GMT")],
            error: (
                r#"{"first_name":["This field may not be blank."],"profile":{"salutation":["\"Sir\" is not a valid choice."]}}"#,
                "first_name: This field may not be blank.; profile.salutation: \"Sir\" is not a valid choice.",
                "",
                "",
            ),
        },
        Subject {
            target: invented.display().to_string(),
            sandbox: None,
            signature: ("authorization", "Bearer sandbox"),
            cells: &[
                ("card_id", "0010482"),
                ("holder", "Åsa Ek"),
                ("code", "<null>"),
                ("limit", "200"),
                ("level", "Elev"),
            ],
            request: (
                "PUT",
                "/cards/10482",
                r#"{"holder":{"name":"Åsa Ek","code":null},"limit":200,"active":true,"level":"pupil","source":"roster"}"#,
            ),
            throttle: &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "7")],
            error: (
                r#"{"errors":[{"holder":"is too long"},{"limit":["must be positive"]}],"trace":"t-9"}"#,
                "holder: is too long; limit: must be positive",
                "",
                "t-9",
            ),
        },
    ]
}

impl Subject {
    fn spec(&self) -> TargetSpec {
        targets::load(&self.target).unwrap()
    }

    fn roster(&self, folder: &Folder, cells: &[(&str, &str)]) {
        let mut writer = csv::Writer::from_path(folder.path("r.csv")).unwrap();
        writer
            .write_record(cells.iter().map(|(name, _)| name))
            .unwrap();
        writer
            .write_record(cells.iter().map(|(_, cell)| cell))
            .unwrap();
        writer.flush().unwrap();
    }

    /// Returns the required cells, replaced and extended by `more`.
    fn needed_and(
        &self,
        more: &[(&'static str, &'static str)],
    ) -> Vec<(&'static str, &'static str)> {
        let spec = self.spec();
        let is_needed = |name: &str| spec.fields[spec.field(name).unwrap()].required;
        let mut cells: Vec<_> = self
            .cells
            .iter()
            .filter(|(name, _)| is_needed(name) && !more.iter().any(|(other, _)| other == name))
            .copied()
            .collect();
        cells.extend(more);
        cells
    }

    /// Like [`Self::needed_and`], with all members of an object that the target replaces as a whole.
    fn whole_and(
        &self,
        more: &[(&'static str, &'static str)],
    ) -> Vec<(&'static str, &'static str)> {
        let mut cells = self.needed_and(more);
        let spec = self.spec();
        for field in spec
            .update
            .whole
            .iter()
            .flat_map(|pointer| spec.fields_below(pointer))
        {
            let name = spec.fields[field].name();
            if !cells.iter().any(|(other, _)| *other == name) {
                cells.extend(self.cells.iter().filter(|(other, _)| *other == name));
            }
        }
        cells
    }

    fn run(&self) -> LibraryRun {
        let mut run = LibraryRun::new();
        // Other tests cover the look-ups of an import.
        if !self.spec().is_readable() {
            run.target = Some(self.target.clone());
        }
        if self.target == "pathwright" {
            run.variables = BTreeMap::from([("school".into(), "oakwood".into())]);
            run.blind = true;
        }
        run
    }

    /// Imports these cells to a server with this answer. Returns the state of the row, its results from
    /// `import_http_status` on, and the requests.
    fn import(
        &self,
        cells: &[(&str, &str)],
        answer: impl Fn(&Seen) -> axum::http::Response<axum::body::Body> + Send + Sync + 'static,
    ) -> (String, Vec<String>, Vec<Seen>) {
        let folder = Folder::new();
        self.roster(&folder, cells);
        let server = Server::start(answer);
        let ended = self
            .run()
            .import(&folder, "r.csv", &server.base_url)
            .unwrap();
        let row = read_csv(ended.summary.results.as_ref().unwrap(), b',').remove(1);
        let state = row[cells.len() + 1].clone();
        (state, row[cells.len() + 2..].to_vec(), server.seen())
    }
}

#[test]
fn a_row_is_sent_as_the_request_that_the_api_documents() {
    for subject in subjects() {
        let (state, _, seen) = subject.import(subject.cells, |_| respond(200, &[], RECORD));
        assert_eq!(state, "updated", "{}", subject.target);
        let (method, path, body) = subject.request;
        assert_eq!(
            (seen[0].method.as_str(), seen[0].path.as_str()),
            (method, path)
        );
        assert_eq!(seen[0].body, body);
        assert_eq!(seen[0].headers["content-type"], "application/json");
        assert_eq!(seen[0].headers[subject.signature.0], subject.signature.1);
        for (name, value) in &subject.spec().headers {
            assert_eq!(seen[0].headers[name.as_str()], value.as_str());
        }
    }
}

#[test]
fn any_2xx_is_success_with_any_body() {
    let expects = |subject: &Subject| subject.spec().answers.expects.is_some();
    for subject in subjects().into_iter().filter(|subject| !expects(subject)) {
        for (status, body) in [
            (200, "{}"),
            (201, ""),
            (202, "<html>"),
            (204, ""),
            (200, "\u{0}"),
        ] {
            let (state, _, seen) =
                subject.import(subject.cells, move |_| respond(status, &[], body));
            assert_eq!((state.as_str(), seen.len()), ("updated", 1), "{status}");
        }
    }
}

#[test]
fn each_status_code_has_its_verdict() {
    for subject in subjects() {
        let answers = subject.spec().answers;
        for status in [
            400, 401, 403, 404, 405, 409, 418, 422, 429, 500, 501, 502, 503, 504, 302,
        ] {
            let (state, _, seen) = subject.import(subject.cells, move |_| respond(status, &[], ""));
            let (expected, requests) = if answers.retry.contains(&status) {
                (RowState::Failed, 5)
            } else if answers.stop.contains(&status) {
                (RowState::NotSent, 1)
            } else if (400..500).contains(&status) {
                (RowState::Rejected, 1)
            } else {
                (RowState::Failed, 1)
            };
            let target = &subject.target;
            assert_eq!(
                (state.as_str(), seen.len()),
                (expected.as_str(), requests),
                "{target} {status}"
            );
        }
    }
}

#[test]
fn an_error_is_reported_with_the_apis_message() {
    for subject in subjects() {
        let (body, message, code, request_id) = subject.error;
        let (state, cells, _) = subject.import(subject.cells, move |_| respond(400, &[], body));
        assert_eq!(state, "rejected");
        let code = if code.is_empty() { "http.400" } else { code };
        assert_eq!((&*cells[0], &*cells[1], &*cells[2]), ("400", code, message));
        assert_eq!(cells[5], request_id);
        for (odd, told) in [
            (
                "<html><title>502</title> Bad <b>Gateway</b></html>",
                "502 Bad Gateway",
            ),
            ("", "HTTP 400, with an empty body"),
            ("[]", "[]"),
        ] {
            let (state, cells, _) = subject.import(subject.cells, move |_| respond(400, &[], odd));
            assert_eq!((state.as_str(), cells[2].as_str()), ("rejected", told));
        }
    }
}

#[test]
fn the_wait_of_a_429_follows_the_targets_headers() {
    for subject in subjects() {
        let folder = Folder::new();
        subject.roster(&folder, subject.cells);
        let throttle = subject.throttle;
        let server = Server::start(move |seen| match seen.before {
            0 => respond(429, throttle, "{}"),
            _ => respond(200, &[], RECORD),
        });
        let run = subject.run();
        let start = run.clock.now();
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        assert_eq!(ended.summary.states.updated, 1);
        let waited = run.clock.now() - start;
        assert!(
            (7_000_000_000..7_200_000_000).contains(&waited),
            "{}: {waited}",
            subject.target
        );
    }
}

#[test]
fn null_clears_only_clearable_fields() {
    for subject in subjects() {
        for field in &subject.spec().fields {
            if field.read_only || field.constant.is_some() || field.place == Place::Path {
                continue;
            }
            let name: &'static str = field.name().to_owned().leak();
            let cells = subject.whole_and(&[(name, "<null>")]);
            let (state, results, seen) = subject.import(&cells, |_| respond(200, &[], RECORD));
            if field.nullable {
                assert_eq!(state, "updated", "{name}: {}", results[2]);
                let body: Json = serde_json::from_str(&seen[0].body).unwrap();
                assert_eq!(
                    body.pointer(field.pointer.as_str()),
                    Some(&Json::Null),
                    "{name}"
                );
            } else {
                assert_eq!(
                    (state.as_str(), results[1].as_str()),
                    ("invalid", "null.not_allowed")
                );
            }
        }
    }
}

/// Returns the API's record after importing a roster with these cells.
fn held_after(subject: &Subject, cells: &[(&'static str, &'static str)]) -> Json {
    let folder = Folder::new();
    subject.roster(&folder, cells);
    let Some(path) = subject.sandbox else {
        // The invented API stores the request body as it is.
        let server = Server::start(|seen| respond(200, &[], &seen.body));
        let ended = subject
            .run()
            .import(&folder, "r.csv", &server.base_url)
            .unwrap();
        assert_eq!(ended.summary.states.updated, 1, "{cells:?}");
        return serde_json::from_str(&server.seen()[0].body).unwrap();
    };
    // A record with only the required fields.
    let seed: SeedRow = subject
        .needed_and(&[])
        .iter()
        .chain(cells.iter().filter(|(name, _)| *name == "integration"))
        .map(|(name, cell)| (name.to_string(), cell.to_string()))
        .collect();
    let options = SandboxOptions::default();
    let seeds = std::slice::from_ref(&seed);
    let sandbox = Arc::new(Sandbox::new(&options, seeds, Arc::new(SystemClock)));
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), path);
    let ended = subject.run().import(&folder, "r.csv", &base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 1, "{cells:?}");
    let records = match path {
        "/directory/v1" => sandbox.students(),
        _ => sandbox.members(),
    };
    records
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone()
}

#[test]
fn every_field_survives_a_round_trip() {
    for subject in subjects() {
        for field in &subject.spec().fields {
            if field.read_only || field.place == Place::Path || field.example.is_empty() {
                continue;
            }
            let name: &'static str = field.name().to_owned().leak();
            let example: &'static str = field.example.clone().leak();
            let mut more = vec![(name, example)];
            if name == "email" {
                // The email address can change only for members with single sign-on.
                more.push(("integration", "saml2"));
            }
            let record = held_after(&subject, &subject.whole_and(&more));
            let held = record.pointer(field.pointer.as_str()).unwrap();
            let text = held
                .as_str()
                .map_or_else(|| held.to_string(), str::to_owned);
            assert_eq!(text, example, "{name}");
        }
    }
}

#[test]
fn every_rate_limit_header_format_is_waited_for() {
    let invented = targets::text(&subjects()[2].target).unwrap();
    let (head, rest) = invented.split_once("[quota.headers]").unwrap();
    let fields = &rest[rest.find("[[fields]]").unwrap()..];
    let with = |headers: &str| format!("{head}[quota.headers]\n{headers}\n{fields}");
    let names = "limit = \"X-L\"\nremaining = \"X-R\"\nreset = \"X-T\"\n";
    type Headers = &'static [(&'static str, &'static str)];
    let cases: [(String, Headers); 6] = [
        (with("draft = true"), &[("RateLimit", "\"p\";r=0;t=7")]),
        (
            with("draft = true"),
            &[("RateLimit", "limit=9, remaining=0, reset=7")],
        ),
        (
            with("draft = true"),
            &[
                ("RateLimit", "\"p\";r=0"),
                ("RateLimit-Policy", "\"p\";q=9;w=7"),
            ],
        ),
        (
            with(&format!("{names}reset_unit = \"epoch-seconds\"")),
            &[("X-R", "0"), ("X-T", "1787248807")],
        ),
        (with(names), &[("X-R", "0"), ("X-T", "7")]),
        (with("limit = \"X-L\""), &[("Retry-After", "7")]),
    ];
    for (target, throttle) in cases {
        let folder = Folder::new();
        folder.write("t.toml", target);
        subjects()[2].roster(&folder, subjects()[2].cells);
        let server = Server::start(move |seen| match seen.before {
            0 => respond(429, throttle, "{}"),
            _ => respond(200, &[], RECORD),
        });
        let mut run = LibraryRun::new();
        run.target = Some(folder.path("t.toml").display().to_string());
        let start = run.clock.now();
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        assert_eq!(ended.summary.states.updated, 1);
        let waited = run.clock.now() - start;
        assert!(
            (7_000_000_000..7_200_000_000).contains(&waited),
            "{throttle:?}: {waited}"
        );
    }
}

#[test]
fn basic_authentication_is_used_if_its_variable_is_set() {
    let subject = &subjects()[1];
    let folder = Folder::new();
    let cells = subject.needed_and(&[("first_name", "Åsa")]);
    subject.roster(&folder, &cells);
    let seed: SeedRow = vec![("external_id".into(), cells[0].1.into())];
    let options = SandboxOptions::default();
    let sandbox = Arc::new(Sandbox::new(&options, &[seed], Arc::new(SystemClock)));
    let (base_url, _stop) = serve_sandbox_at(sandbox, "/api/public");
    let mut run = subject.run();
    run.credentials = Some(vec!["PATHWRIGHT_BASIC_TOKEN"]);
    let ended = run.import(&folder, "r.csv", &base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 1);
}

#[test]
fn refused_credentials_stop_the_run_at_once() {
    for subject in subjects() {
        let (name, value) = subject.signature;
        let (state, cells, seen) = subject.import(subject.cells, move |seen| {
            let good = seen.headers.get(name).is_some_and(|found| found == "other");
            assert!(seen.headers[name] == value);
            respond(if good { 200 } else { 401 }, &[], RECORD)
        });
        assert_eq!(
            (state.as_str(), cells[0].as_str(), seen.len()),
            ("not_sent", "401", 1)
        );
    }
}

#[test]
fn a_value_that_grants_permissions_must_be_allowed_explicitly() {
    for (position, field, value) in [(1, "membership_type", "admin"), (2, "level", "staff")] {
        let subject = &subjects()[position];
        for (allowed, expected) in [
            (vec![], "invalid"),
            (vec![(field, value)], "updated"),
            (vec![(field, "x")], "invalid"),
        ] {
            let folder = Folder::new();
            subject.roster(&folder, &subject.whole_and(&[(field, value)]));
            let server = Server::start(|_| respond(200, &[], RECORD));
            let mut run = subject.run();
            run.allowed = allowed
                .iter()
                .map(|(f, v)| (f.to_string(), v.to_string()))
                .collect();
            let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
            let row = read_csv(ended.summary.results.as_ref().unwrap(), b',').remove(1);
            assert!(row.contains(&expected.to_owned()), "{row:?}");
            assert_eq!(server.seen().len(), usize::from(expected == "updated"));
        }
    }
}

#[test]
fn read_only_fields_are_refused() {
    let subject = &subjects()[1];
    for column in ["id", "links"] {
        let folder = Folder::new();
        subject.roster(&folder, &subject.needed_and(&[(column, "1")]));
        let error = subject
            .run()
            .import(&folder, "r.csv", "http://127.0.0.1:9")
            .unwrap_err();
        let text = with_causes(&error);
        assert!(text.contains("read-only in"), "{text}");
    }
}

#[test]
fn limits_and_patterns_of_a_field_are_enforced() {
    let subject = &subjects()[2];
    for (field, cell, code) in [
        (
            "holder",
            "Xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "length.too_long",
        ),
        ("code", "ab123", "pattern.mismatch"),
        ("code", "AB1234", "pattern.mismatch"),
        ("limit", "1,5", "integer.format"),
    ] {
        let (state, cells, seen) = subject.import(&subject.needed_and(&[(field, cell)]), |_| {
            respond(200, &[], RECORD)
        });
        assert_eq!(
            (state.as_str(), cells[1].as_str(), seen.len()),
            ("invalid", code, 0)
        );
    }
    let (state, cells, _) = subject.import(&subject.needed_and(&[]), |_| respond(200, &[], RECORD));
    assert_eq!(
        (state.as_str(), cells[1].as_str()),
        ("invalid", "row.part_of_object")
    );
    assert!(cells[2].contains("has no code"), "{}", cells[2]);
    let (_, _, seen) = subject.import(
        &subject.needed_and(&[("active", "Nej"), ("code", "AB123")]),
        |_| respond(200, &[], RECORD),
    );
    let body: Json = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(
        (&body["active"], &body["source"]),
        (&Json::Bool(false), &"roster".into())
    );
}
