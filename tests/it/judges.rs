//! Conformance checks against independent software: the vendor's SDK as a client of the sandbox and as a
//! validator of the program's requests, and a real application of the framework behind the other API.
//! `tests/run` installs them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rosterpatch::clock::{Clock, SystemClock};
use rosterpatch::sandbox::{Faults, Sandbox, SandboxOptions};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use crate::harness::{
    Folder, identity_number, plain_id, plain_roster, repository, seed_of, serve_sandbox, stderr,
    stdout,
};
use crate::machine::installed;

/// Returns the Python that has the judges, or `None` with a printed reason if they are not installed.
pub(crate) fn python() -> Option<PathBuf> {
    installed("JUDGES_PYTHON").map(PathBuf::from)
}

fn script(name: &str) -> PathBuf {
    repository().join("tests/judges").join(name)
}

#[test]
fn prometheus_can_parse_the_metrics() {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    folder.write("rosterpatch.toml", "metrics = \"r.prom\"\n");
    let output = folder.run("import r.csv --target meitner --sandbox");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = "import sys\n\
        from prometheus_client.parser import text_string_to_metric_families as read\n\
        for family in read(open(sys.argv[1]).read()):\n\
        \x20   assert family.documentation and family.type in ('gauge', 'counter'), family\n\
        \x20   for sample in family.samples:\n\
        \x20       print(sample.name, sorted(sample.labels.items()), sample.value)\n";
    let judged = Command::new(python)
        .args(["-c", read])
        .arg(folder.path("r.prom"))
        .output()
        .unwrap();
    assert!(judged.status.success(), "{}", stderr(&judged));
    let told = stdout(&judged);
    assert!(told.contains("('target', 'meitner')"), "{told}");
    assert!(told.lines().count() > 5, "{told}");
}

/// A judge process that serves on a free port until it is dropped.
pub(crate) struct Judge {
    child: Child,
    pub(crate) address: String,
}

impl Judge {
    pub(crate) fn start(python: &Path, name: &str, argument: &str, input: &str) -> Judge {
        let mut child = Command::new(python)
            .arg(script(name))
            .args(argument.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let mut port = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut port).unwrap();
        Judge {
            child,
            address: format!("http://127.0.0.1:{}", port.trim()),
        }
    }

    pub(crate) fn ask(&self, path: &str) -> Json {
        self.request(|client, address| client.get(format!("{address}{path}")))
    }

    /// Makes a change as another client.
    pub(crate) fn change(&self, path: &str, change: &Json) {
        let change = change.to_string();
        self.request(|client, address| client.post(format!("{address}{path}")).body(change));
    }

    fn request(
        &self,
        make: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> Json {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = rosterpatch::send::client_builder()
                .no_proxy()
                .build()
                .unwrap();
            let request = make(&client, &self.address);
            let body = request.send().await.unwrap().bytes().await.unwrap();
            serde_json::from_slice(&body).unwrap()
        })
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a sandbox seeded with this roster, its base URL, and a sender that stops it when dropped.
fn sandbox(text: &str, options: SandboxOptions) -> (Arc<Sandbox>, String, oneshot::Sender<()>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sandbox = Arc::new(Sandbox::holding(&options, &seed_of(text), clock));
    let (base_url, stop) = serve_sandbox(sandbox.clone());
    (sandbox, base_url, stop)
}

/// Sandbox options without a quota.
fn unlimited() -> SandboxOptions {
    SandboxOptions {
        depth: 1e9,
        interval: Duration::from_nanos(1),
        ..SandboxOptions::default()
    }
}

const HEADER: &str = "id,identity_number,first_name,last_name,external_source_id,gender,\
    date_of_birth,postal_address,postal_code,postal_city,country_code,municipality_code,\
    email_address1,email_address2,phone_number1,phone_number2,edu_person_principal_name\n";

/// Returns the line of a student with every field set.
fn line(row: usize, first: &str, street: &str) -> String {
    format!(
        "{},{},{first},Ek{row},E-{row},Female,2010-04-02,{street} {row},169 56,Solna,SWE,0184,\
         e{row}@x.se,p{row}@x.se,+4670174060{},+4684650046,p{row}@edu.x.se\n",
        plain_id(row),
        identity_number(row),
        row % 10
    )
}

fn roster(rows: std::ops::RangeInclusive<usize>, first: &str, street: &str) -> String {
    let lines: String = rows.map(|row| line(row, first, street)).collect();
    format!("{HEADER}{lines}")
}

#[test]
fn the_vendors_sdk_works_with_the_sandbox() {
    let Some(python) = python() else {
        return;
    };
    let students = roster(1..=5, "Åsa", "Skolgatan");
    let (_one, base_url, _stop) = sandbox(&students, unlimited());
    let empty = SandboxOptions {
        depth: 1.0,
        interval: Duration::from_secs(3600),
        ..SandboxOptions::default()
    };
    let (full, full_url, _stop) = sandbox(&students, empty);
    let used = Command::new(&python)
        .args(["-c", "import sys, httpx; httpx.Client(trust_env=False).get(sys.argv[1] + '/student', headers={'Client-ID': 'sandbox', 'Client-Secret': 'sandbox'})", &full_url])
        .status()
        .unwrap();
    assert!(used.success() && full.requests("list") == 1);
    let faults: Faults = "500=100%".parse().unwrap();
    let (_faulty, faulty_url, _stop) = sandbox(
        &students,
        SandboxOptions {
            faults,
            ..unlimited()
        },
    );
    let output = Command::new(&python)
        .arg(script("meitner_client.py"))
        .args([&base_url, &full_url, &faulty_url])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        stdout(&output),
        stderr(&output)
    );
    for part in [
        "searched",
        "updated and cleared",
        "409",
        "429",
        "500",
        "OAuth",
    ] {
        assert!(stdout(&output).contains(part), "{}", stdout(&output));
    }
}

/// Runs the program with credentials that both judges accept.
fn program(folder: &Folder, arguments: &[&str], oauth: bool) -> Output {
    let id = if oauth {
        "MEITNER_CLIENT_ID"
    } else {
        "MEITNER_CLIENT_CREDENTIALS"
    };
    folder
        .program()
        .args(arguments)
        .env(id, "sandbox")
        .env("MEITNER_CLIENT_SECRET", "sandbox")
        .env("PATHWRIGHT_API_TOKEN", "sandbox")
        .output()
        .unwrap()
}

#[test]
fn the_vendors_sdk_accepts_every_request_of_the_program() {
    let Some(python) = python() else {
        return;
    };
    let before = roster(1..=120, "Åsa", "Skolgatan");
    let (sandbox, base_url, _stop) = sandbox(&before, unlimited());
    let origin = base_url.strip_suffix("/directory/v1").unwrap();
    let judge = Judge::start(&python, "meitner_proxy.py", origin, "");
    let address = format!("{}/directory/v1", judge.address);
    let folder = Folder::new();
    let run = |arguments: &[&str], oauth: bool, code: i32| {
        let output = program(&folder, arguments, oauth);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        serde_json::from_str::<Json>(&stdout(&output)).unwrap_or_default()
    };
    let common = [
        "--target",
        "meitner",
        "--base-url",
        &address,
        "--yes",
        "--format",
        "json",
    ];
    let import = |file: &str, more: &[&str], code: i32| {
        run(
            &[&["import", file], &common[..], more].concat(),
            false,
            code,
        )
    };
    // A few rows by each key are searched for. The columns are few, so that the record supplies the rest.
    let keys = [
        ("id", plain_id(7)),
        ("identity_number", identity_number(7)),
        ("external_source_id", "E-7".to_owned()),
        ("email_address1", "e7@x.se".to_owned()),
        ("edu_person_principal_name", "p7@edu.x.se".to_owned()),
    ];
    for (number, (key, value)) in keys.iter().enumerate() {
        let file = format!("{key}.csv");
        folder.write(&file, format!("{key},postal_city\n{value},Ort{number}\n"));
        import(&file, &["--key", key], 0);
        let student = &sandbox.students()[plain_id(7)];
        assert_eq!(student["address"]["postalCity"], format!("Ort{number}"));
    }
    // All rows: the register is listed. With a canary, cleared values, and a rejected row that is fixed and
    // resent.
    let mut all = roster(1..=121, "Bo", "Nygatan");
    all = all.replace("p3@x.se", "<null>").replace("Bo,Ek5,", ",Ek5,");
    all = all.replace("e9@x.se", "e10@x.se");
    folder.write("all.csv", all);
    let summary = import("all.csv", &["--canary", "3"], 3);
    assert_eq!(summary["invalid"], 4, "{summary}");
    let failed = std::fs::read_to_string(folder.path("all.failed.csv")).unwrap();
    folder.write(
        "failed.csv",
        failed
            .replace(",,Ek5,", ",Bo,Ek5,")
            .replace("p121@", "q121@"),
    );
    run(&["retry", "failed.csv", "--yes"], true, 3);
    run(
        &["undo", summary["run"].as_str().unwrap(), "--yes"],
        true,
        0,
    );
    import("all.csv", &["--blind", "--fresh"], 3);

    let verdicts = judge.ask("/_verdicts");
    let verdicts = verdicts.as_array().unwrap();
    let of = |method: &str, part: &str| {
        let is_one =
            |one: &&Json| one["method"] == method && one["path"].as_str().unwrap().contains(part);
        verdicts.iter().filter(is_one).count()
    };
    for (method, part, least) in [
        ("POST", "_search", 5),
        ("GET", "/student?limit", 3),
        ("GET", "/student/0000", 3),
        ("PATCH", "/student/0000", 300),
    ] {
        assert!(
            of(method, part) >= least,
            "{method} {part}: {}",
            of(method, part)
        );
    }
    let refused: Vec<&Json> = verdicts
        .iter()
        .filter(|one| one["complaints"] != json!([]))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn both_integrations_import_twice_into_a_real_django_application() {
    let Some(python) = python() else {
        return;
    };
    let folder = Folder::new();
    for integration in ["external", "saml2"] {
        let id = |row: usize| match integration {
            "saml2" => format!("m{row}@skolan.example.se"),
            _ => format!("E-{row}"),
        };
        let members: String = (1..=40)
            .map(|row| format!("{integration} {}\n", id(row)))
            .collect();
        let judge = Judge::start(&python, "pathwright_app.py", "10/s", &members);
        let mut text = "external_id,first_name,last_name,salutation,phone_number,Roll\n".to_owned();
        for row in 1..=41 {
            // The framework's serializer rejects one name, and the last member does not exist.
            let first = if row == 40 {
                "x".repeat(31)
            } else {
                "Åsa".into()
            };
            let id = id(row);
            text.push_str(&format!(
                "{id},{first},Ek{row},Dr,070-174 06 {row:02},Elev\n"
            ));
        }
        let file = format!("{integration}.csv");
        folder.write(&file, text);
        let address = format!("{}/api/public", judge.address);
        let variables = format!("integration={integration}");
        let arguments = [
            "import",
            &file,
            "--target",
            "pathwright",
            "--base-url",
            &address,
            "--yes",
            "--var",
            &variables,
            "--format",
            "json",
            "--rate",
            "1000/s",
        ];
        let output = program(&folder, &arguments, false);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(summary["updated"], 39, "{summary}");
        assert_eq!(summary["rejected"], 1, "{summary}");
        // The missing member is reported before anything is sent.
        assert_eq!(summary["invalid"], 1, "{summary}");
        let new = folder.csv(&format!("{integration}.new.csv"), b',');
        assert_eq!(new[1][0], id(41));
        assert!(judge.ask("/_store")["counts"]["listed"].as_u64() >= Some(1));
        assert!(summary["throttled"].as_u64().unwrap() >= 1, "{summary}");
        let results = folder.csv(&format!("{integration}.results.csv"), b',');
        let column = results[0]
            .iter()
            .position(|name| name == "import_error")
            .unwrap();
        let errors: Vec<&str> = results[1..].iter().map(|row| &*row[column]).collect();
        assert!(
            errors
                .iter()
                .any(|error| error.contains("no more than 30 characters")),
            "{errors:?}"
        );
        let store = judge.ask("/_store");
        assert_eq!(store["counts"]["patched"], 39);
        let member = &store["members"][format!("{integration}/{}", id(7))];
        assert_eq!(
            *member,
            json!({"first_name": "Åsa", "last_name": "Ek7", "membership": {"membership_type": "student"},
                   "profile": {"salutation": "Dr.", "phone_number": "070-174 06 07"}})
        );
        // A second import resends nothing.
        let output = program(&folder, &arguments, false);
        let summary: Json = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(
            (&summary["updated"], &summary["unchanged"]),
            (&json!(0), &json!(39))
        );
        assert_eq!(judge.ask("/_store")["counts"]["patched"], 39);
    }
}

#[test]
fn openssl_accepts_connections_by_tls_1_2_and_1_3() {
    let Some(python) = python() else { return };
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for (version, name) in [("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")] {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(20));
        let root = folder.write("root.pem", made.cert.pem());
        folder.write("key.pem", made.signing_key.serialize_pem());
        let argument = format!("{}:{version}", folder.path("").display());
        let judge = Judge::start(&python, "tls_server.py", &argument, "");
        let port = judge.address.rsplit(':').next().unwrap();
        let url = format!("https://localhost:{port}");
        let root = root.display().to_string();
        let output = folder.import_to("r.csv", &url, &["--ca-cert", &root], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let log = std::fs::read_to_string(folder.path(&format!("{version}.log"))).unwrap();
        assert_eq!(log.lines().count(), 20);
        assert!(log.lines().all(|line| line.starts_with(name)), "{log}");
    }
}

/// Imports a roster of members to the application, with these extra arguments.
fn members(folder: &Folder, judge: &Judge, arguments: &[&str]) -> (Option<i32>, String) {
    let address = format!("{}/api/public", judge.address);
    let common = ["--target", "pathwright", "--base-url", &address, "--yes"];
    let common = [&common[..], &["--rate", "1000/s", "--burst", "100"]].concat();
    let output = program(folder, &[arguments, &common[..]].concat(), false);
    (output.status.code(), stderr(&output))
}

#[test]
fn a_value_that_the_api_does_not_apply_is_reported() {
    let Some(python) = python() else { return };
    let row = "E-1,Anna,Solna,student\n";
    let text = format!("external_id,first_name,location,membership_type\n{row}");
    for version in ["ignores-membership", "old-member"] {
        let version = format!("1000/s {version}");
        let judge = Judge::start(&python, "pathwright_app.py", &version, "external E-1\n");
        let folder = Folder::new();
        folder.write("r.csv", &text);
        let results = || {
            let (code, told) = members(&folder, &judge, &["import", "r.csv", "--results", "o.csv"]);
            assert_eq!(code, Some(3), "{version}: {told}");
            std::fs::read_to_string(folder.path("o.csv")).unwrap()
        };
        // The rejection is not remembered: the row is sent and rejected again.
        for _ in 0..2 {
            let results = results();
            assert!(
                results.contains("rejected,200,answer.not_applied"),
                "{results}"
            );
            assert!(results.contains("membership_type"), "{results}");
        }
        assert!(judge.ask("/_store")["counts"]["patched"].as_u64() >= Some(2));
    }
}

#[test]
fn resume_can_leave_out_a_column_that_the_school_may_not_change() {
    let Some(python) = python() else { return };
    let ids: String = (1..=60).map(|row| format!("saml2 E-{row}\n")).collect();
    let judge = Judge::start(&python, "pathwright_app.py", "1000/s no-sso", &ids);
    let folder = Folder::new();
    let rows = (1..=60).map(|row| format!("E-{row},Anna,a{row}@x.se\n"));
    let text: String = std::iter::once("NameID,First name,Email Address\n".to_owned())
        .chain(rows)
        .collect();
    folder.write("r.csv", text);
    let import = ["import", "r.csv", "--var", "integration=saml2"];
    let (code, told) = members(&folder, &judge, &import);
    assert_eq!(code, Some(5), "{told}");
    assert_eq!(told.matches("Email Address=").count(), 1, "{told}");
    let (_, way) = told.split_once("rosterpatch resume ").unwrap();
    let run = way.split_whitespace().next().unwrap();
    let resume = [
        "resume",
        run,
        "--map",
        "Email Address=",
        "--yes",
        "--rate",
        "1000/s",
    ];
    let output = program(&folder, &resume, false);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let store = judge.ask("/_store");
    let counts = &store["counts"];
    assert_eq!(
        counts["patched"].as_u64().unwrap() + counts["refused"].as_u64().unwrap(),
        60
    );
    assert_eq!(
        store["members"]["saml2/E-60"],
        json!({"first_name": "Anna"})
    );
}

#[test]
fn rows_rejected_for_a_restricted_field_give_advice_on_its_column() {
    let Some(python) = python() else { return };
    let ids: String = (1..=5).map(|row| format!("saml2 E-{row}\n")).collect();
    let judge = Judge::start(&python, "pathwright_app.py", "1000/s no-sso", &ids);
    let folder = Folder::new();
    let rows = (1..=5).map(|row| format!("E-{row},Anna,a{row}@x.se\n"));
    let text: String = std::iter::once("NameID,First name,Email Address\n".to_owned())
        .chain(rows)
        .collect();
    folder.write("r.csv", text);
    let address = format!("{}/api/public", judge.address);
    let import = [
        "import",
        "r.csv",
        "--target",
        "pathwright",
        "--var",
        "integration=saml2",
        "--base-url",
        &address,
        "--yes",
    ];
    let output = program(&folder, &import, false);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let figures = String::from_utf8(output.stdout).unwrap();
    let figures = figures.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        figures.contains(
            "5 rows rejected for a field that only some accounts may change. Leave its column out"
        ),
        "{figures}"
    );
}
