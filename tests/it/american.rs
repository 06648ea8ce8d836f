//! An American school imports to the second built-in target, whose records cannot be read.

use std::process::Output;
use std::sync::Arc;

use rosterpatch::clock::{Clock, SystemClock};
use rosterpatch::sandbox::{Sandbox, SandboxOptions};

use crate::harness::{Folder, repository, serve_sandbox_at, stderr, stdout};

/// Returns a sandbox of members with these ids; the first part of each pair is the kind of link.
fn members(ids: &[(&str, &str)]) -> Arc<Sandbox> {
    let rows: Vec<Vec<(String, String)>> = ids
        .iter()
        .map(|(integration, id)| {
            vec![
                ("integration".to_owned(), (*integration).to_owned()),
                ("external_id".to_owned(), (*id).to_owned()),
            ]
        })
        .collect();
    let options = SandboxOptions {
        depth: 1e9,
        interval: std::time::Duration::from_nanos(1),
        ..SandboxOptions::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Arc::new(Sandbox::holding(&options, &rows, clock))
}

fn run(folder: &Folder, base_url: &str, token: &str, arguments: &str) -> Output {
    let common = ["--target", "pathwright", "--base-url", base_url];
    folder
        .program()
        .args(arguments.split(' '))
        .args(common)
        .env("PATHWRIGHT_API_TOKEN", token)
        .output()
        .unwrap()
}

#[test]
fn the_sample_succeeds_with_one_command() {
    let folder = Folder::new();
    folder.sample("members.csv");
    let output = folder.run("import members.csv --target pathwright --sandbox");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("7 updated"), "{}", stdout(&output));
}

#[test]
fn unlinked_ids_are_reported_before_sending() {
    let folder = Folder::new();
    let sandbox = members(&[("external", "E-1"), ("external", "E-2"), ("saml2", "E-3")]);
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), "/api/public");
    folder.write("r.csv", "Student ID,First Name\nE-1,Ann\ne-2,Bob\nE-3,Cy\n");
    let plan = run(
        &folder,
        &base_url,
        "sandbox",
        "plan r.csv --max-invalid 50%",
    );
    let told = stdout(&plan);
    assert!(
        told.contains("the API has no member with the key \"E-3\""),
        "{told}"
    );
    assert!(told.contains("link these members first"), "{told}");
    assert_eq!(sandbox.requests("update"), 0);
    assert_eq!(sandbox.requests("list"), 1, "one request a page");

    let import = run(
        &folder,
        &base_url,
        "sandbox",
        "import r.csv --yes --max-invalid 50%",
    );
    assert_eq!(import.status.code(), Some(3), "{}", stderr(&import));
    let new = folder.csv("r.new.csv", b',');
    // An id that differs only in case may exist, so it is sent; this API rejects it as unknown.
    assert_eq!((new.len(), &*new[1][0], &*new[2][0]), (3, "e-2", "E-3"));
    assert_eq!(sandbox.requests("update"), 2);

    let blind = run(
        &folder,
        &base_url,
        "sandbox",
        "import r.csv --yes --blind --all --fresh",
    );
    assert_eq!(blind.status.code(), Some(3), "{}", stderr(&blind));
    assert_eq!(sandbox.requests("list"), 2, "the import listed once");
    assert_eq!(sandbox.requests("update"), 5);
}

#[test]
fn ids_are_not_rejected_if_the_list_has_no_link_of_their_kind() {
    let folder = Folder::new();
    let sandbox = members(&[("external", "E-1")]);
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), "/api/public");
    folder.write("r.csv", "NameID,First Name\na@example.com,Ann\n");
    let plan = run(
        &folder,
        &base_url,
        "sandbox",
        "plan r.csv --var integration=saml2",
    );
    assert_eq!(plan.status.code(), Some(0), "{}", stdout(&plan));
    assert!(stdout(&plan).contains("1  to send"), "{}", stdout(&plan));
}

#[test]
fn an_undo_restores_delivered_values_and_reports_deleted_ones() {
    let folder = Folder::new();
    let sandbox = members(&["E-1", "E-2", "E-3"].map(|id| ("external", id)));
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), "/api/public");
    let import = |rows: &str| {
        let header = "Student ID,First Name,Last Name\n";
        folder.write("r.csv", format!("{header}{rows}"));
        let output = run(&folder, &base_url, "sandbox", "import r.csv --yes");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    let held = |id: &str| {
        let dump = sandbox.members();
        let member = &dump[format!("external/{id}")];
        format!("{} {}", member["first_name"], member["last_name"])
    };
    import("E-1,Ann,Lee\nE-2,Bob,Ray\nE-3,Cy,Ek\n");
    import("E-1,Anna,Lee\nE-2,Rob,Roy\nE-3,Si,Ek\n");
    let runs = folder.runs();
    let wrong = runs.split_whitespace().next().unwrap();
    assert_eq!(held("E-1"), r#""Anna" "Lee""#);
    let forget = folder.run("history E-2 --forget");
    assert_eq!(forget.status.code(), Some(0), "{}", stderr(&forget));
    // A damaged call in an older run counts as an unknown delivery and does not block the other rows.
    let damage = "UPDATE planned SET changes = '[{' WHERE id & 255 = 3 AND id >> 32 = 1";
    let journal = rusqlite::Connection::open(folder.path("state/journal.sqlite")).unwrap();
    assert_eq!(journal.execute(damage, []).unwrap(), 1);
    let undo = folder
        .program()
        .args(["undo", wrong, "--yes", "--results", "o.csv"])
        .env("PATHWRIGHT_API_TOKEN", "sandbox")
        .output()
        .unwrap();
    assert_eq!(undo.status.code(), Some(3), "{}", stderr(&undo));
    assert_eq!(held("E-1"), r#""Ann" "Lee""#);
    assert_eq!(held("E-2"), r#""Rob" "Roy""#);
    assert_eq!(held("E-3"), r#""Si" "Ek""#);
    let results = std::fs::read_to_string(folder.path("o.csv")).unwrap();
    let row = |id: &str| results.lines().find(|line| line.contains(id)).unwrap();
    assert!(row("E-1").contains("not read from the API"), "{results}");
    assert!(row("E-2").contains("undo.unknown"), "{results}");
    assert!(row("E-2").contains("last_name"), "{results}");
    assert!(row("E-3").contains("undo.unknown"), "{results}");
}

#[test]
fn the_doctor_verifies_the_token() {
    let folder = Folder::new();
    let (base_url, _stop) = serve_sandbox_at(members(&[("external", "E-1")]), "/api/public");
    for (token, code) in [("sandbox", 0), ("wrong", 6)] {
        let output = run(&folder, &base_url, token, "doctor");
        assert_eq!(output.status.code(), Some(code), "{}", stdout(&output));
    }
}

#[test]
fn a_column_of_name_ids_is_recognised() {
    let folder = Folder::new();
    folder.write("r.csv", "NameID,First Name\na@example.com,Ann\n");
    let check = folder.run("check r.csv --target pathwright");
    let told = stderr(&check);
    assert!(told.contains("--var integration=saml2"), "{told}");
    let check = folder.run("check r.csv --target pathwright --var integration=saml2");
    assert!(!stderr(&check).contains("--var"), "{}", stderr(&check));
}

#[test]
fn a_misspelled_header_stops_an_unattended_run() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        "Student ID,First Name,Phone Numbr\nE-1,Ann,8645550123\n",
    );
    let (base_url, _stop) = serve_sandbox_at(members(&[("external", "E-1")]), "/api/public");
    let output = run(&folder, &base_url, "sandbox", "import r.csv --yes");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    folder.write("rosterpatch.toml", "map = { \"Phone Numbr\" = \"\" }\n");
    let output = run(&folder, &base_url, "sandbox", "import r.csv --yes");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_template_with_english_headers_uses_commas_and_is_valid() {
    let folder = Folder::new();
    let output = folder.run("template --target pathwright --headers en --example");
    let text = stdout(&output);
    assert!(text.contains("First name,Last name"), "{text}");
    assert!(!text.contains('Å') && !text.contains(".se"), "{text}");
    folder.write("t.csv", text);
    let check = folder.run("check t.csv --target pathwright");
    assert_eq!(check.status.code(), Some(0), "{}", stdout(&check));
}

#[test]
fn an_estimated_rate_is_marked_as_estimated() {
    let folder = Folder::new();
    folder.write("r.csv", "Student ID,First Name\nE-1,Ann\n");
    let (base_url, _stop) = serve_sandbox_at(members(&[("external", "E-1")]), "/api/public");
    let plan = run(&folder, &base_url, "sandbox", "plan r.csv");
    assert!(
        stdout(&plan).contains("60/m (estimated)"),
        "{}",
        stdout(&plan)
    );
    let plan = run(&folder, &base_url, "sandbox", "plan r.csv --rate 30/m");
    assert!(!stdout(&plan).contains("estimated"), "{}", stdout(&plan));
    let shown = stdout(&folder.run("targets show pathwright"));
    assert!(shown.contains("(estimated)"), "{shown}");
}

#[test]
fn the_sandbox_of_a_built_in_target_is_seeded_from_a_file() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new();
    let file = repository().join("samples/members.csv");
    let mut command = folder.command();
    command
        .args([
            "sandbox",
            "--target",
            "pathwright",
            "--listen",
            "127.0.0.1:0",
            "--seed",
        ])
        .arg(file)
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines
        .map_while(Result::ok)
        .find(|line| line.contains("records"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        told.as_deref()
            .is_some_and(|told| told.contains("# 7 records")),
        "{told:?}"
    );
}
