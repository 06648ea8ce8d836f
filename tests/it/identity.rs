//! Identity changes, where a row turns one person into another: listed first, held, and approved row by row.

use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use rosterpatch::clock::{Clock, Sleep, SystemClock};
use rosterpatch::sandbox::Sandbox;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::harness::{
    Folder, Started, identity_number, import_of, plain_id, plain_roster, sandbox_by,
    sandbox_holding, stderr, stdout, wait_until,
};

/// Returns a sandbox of five pupils named Åsa Ek. The roster makes rows 2 and 5 another person, and changes
/// the last name in row 3.
pub fn school(folder: &Folder) -> (Arc<Sandbox>, String, oneshot::Sender<()>) {
    let held = sandbox_holding(&plain_roster(5), Duration::ZERO);
    folder.write("r.csv", roster());
    held
}

pub fn roster() -> String {
    let mut text = plain_roster(5);
    for (row, name) in [(2, "Kim,Ström"), (3, "Åsa,Holm"), (5, "Olle,Lind")] {
        let number = identity_number(row);
        text = text.replace(&format!("{number},Åsa,Ek"), &format!("{number},{name}"));
    }
    text
}

fn run_of(output: &Output) -> String {
    let summary: Json = serde_json::from_str(&stdout(output)).unwrap();
    summary["run"].as_str().unwrap().to_owned()
}

const NAMES: [&str; 7] = ["Åsa", "Ek", "Kim", "Ström", "Olle", "Lind", "Holm"];

#[test]
fn identity_changes_are_approved_by_row_number() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let held = folder.with_sandbox(&import);
    assert_eq!(held.status.code(), Some(4), "{}", stderr(&held));
    assert_eq!(sandbox.requests("update"), 0);
    let run = run_of(&held);
    let log = stderr(&held);
    let why = "2 rows would turn one person into another";
    assert!(
        log.contains(why) && log.contains("rows 3, 6 of the spreadsheet"),
        "{log}"
    );
    assert!(
        log.contains(&format!("rosterpatch approve {run} --rows 2,5")),
        "{log}"
    );
    // Standard error is not a terminal here, so it contains row numbers but no names.
    for name in NAMES {
        assert!(!log.contains(name), "{name}: {log}");
    }
    let summary: Json = serde_json::from_str(&stdout(&held)).unwrap();
    assert_eq!(summary["identity_changes"], 2);
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    // The report can be forwarded, so it contains row numbers but no names.
    for name in NAMES {
        assert!(!report.contains(name), "{name}: {report}");
    }
    for line in [3, 6] {
        let cell = format!("<td class=\"n\">{line}</td>");
        assert!(report.contains(&cell), "{report}");
    }
    assert!(report.contains(&format!("rosterpatch approve {run} --rows 2,5")));

    let shown = stdout(&folder.run(&format!("show {run}")));
    assert!(
        shown.contains(&format!("approve {run} --rows 2,5")),
        "{shown}"
    );
    let approve = |rows: &[&str]| {
        let mut arguments = vec!["approve", &run];
        arguments.extend(rows);
        folder.with_sandbox(&arguments)
    };
    for (rows, why) in [
        (&[][..], "--rows 2,5"),
        (&["--rows", "2-3"], "row 3 (import_row) needs no approval"),
        (&["--rows", "9"], "row 9 (import_row) needs no approval"),
        (&["--rows", "two"], "two"),
    ] {
        let refused = approve(rows);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{rows:?}: {said}");
        assert!(said.contains(why), "{rows:?}: {said}");
        assert!(folder.runs().contains("held"));
    }
    let approved = approve(&["--rows", "5"]);
    assert_eq!(sandbox.requests("update"), 2, "{}", stderr(&approved));
    let rows = folder.csv("r.results.csv", b',');
    let column = |name: &str| rows[0].iter().position(|other| other == name).unwrap();
    let of = |row: usize, name: &str| rows[row][column(name)].clone();
    let states: Vec<String> = (1..=5).map(|row| of(row, "import_status")).collect();
    let unchanged = "unchanged";
    assert_eq!(
        states,
        [unchanged, "not_sent", "updated", unchanged, "updated"]
    );
    assert_eq!(of(2, "import_error_code"), "identity.changed");
    assert_eq!(of(2, "import_record_id"), plain_id(2));
    assert_eq!(of(5, "import_matched_by"), "id");
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    for (number, state) in [(3, "not_sent"), (6, "updated")] {
        let cell = format!("<td class=\"n\">{number}</td>");
        let line = report.lines().find(|line| line.contains(&cell));
        assert!(line.is_some_and(|line| line.contains(state)), "{number}");
    }
    // The approval covered only that plan, so a retry asks again and the row stays retryable.
    let retried = folder.with_sandbox(&["retry", "r.results.csv", "--only", "not_sent", "--yes"]);
    assert_eq!(retried.status.code(), Some(4), "{}", stderr(&retried));
    assert!(
        stderr(&retried).contains("--rows 2"),
        "{}",
        stderr(&retried)
    );
}

#[test]
fn approving_no_rows_sends_the_other_rows() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let run = run_of(&folder.with_sandbox(&import));
    folder.with_sandbox(&["approve", &run, "--rows", "none"]);
    assert_eq!(sandbox.requests("update"), 1);
}

#[test]
fn a_plan_lists_identity_changes_first() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = school(&folder);
    let place = ["--target", "meitner", "--base-url", &base_url];
    let mut plan = vec!["plan", "r.csv", "--out", "plan.csv"];
    plan.extend(place);
    let planned = folder.with_sandbox(&plan);
    assert_eq!(planned.status.code(), Some(4), "{}", stderr(&planned));
    let told = stdout(&planned);
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text}: {told}"));
    let heading = at("Rows that turn one person into another");
    assert!(heading < at("row 3: Åsa Ek"), "{told}");
    assert!(at("row 6: Åsa Ek") < at("Holm"), "{told}");
    let rows = folder.csv("plan.csv", b',');
    let numbers: Vec<&str> = rows[1..].iter().map(|row| &*row[0]).collect();
    assert_eq!(numbers, ["2", "2", "5", "5", "3"]);
}

#[test]
fn the_config_file_can_allow_a_number_of_identity_changes() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    folder.write("rosterpatch.toml", "max_identity_changes = 1\n");
    let output = folder.with_sandbox(&import_of(&base_url));
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("more than --max-identity-changes 1 allows"));
    folder.write("rosterpatch.toml", "max_identity_changes = 2\n");
    let output = folder.with_sandbox(&import_of(&base_url));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(sandbox.requests("update"), 3);
}

#[test]
fn a_sweep_holds_a_file_with_identity_changes_and_logs_no_names() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = school(&folder);
    std::fs::create_dir(folder.path("inbox")).unwrap();
    folder.write("inbox/r.csv", roster());
    let mut sweep = vec!["sweep", "inbox", "--settle", "0s", "--yes"];
    sweep.extend(["--target", "meitner", "--base-url", &base_url]);
    let output = folder.with_sandbox(&sweep);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(folder.path("inbox/held/r.csv").exists());
    assert_eq!(sandbox.requests("update"), 0);
    let log = stderr(&output) + &stdout(&output);
    for name in NAMES {
        assert!(!log.contains(name), "{name}: {log}");
    }
}

#[test]
fn a_second_key_finds_rows_that_the_first_does_not() {
    let folder = Folder::new();
    let seed = format!(
        "id,identity_number,external_source_id,first_name,last_name\n\
         {},{},E-1,Åsa,Ek\n{},{},E-2,Åsa,Ek\n",
        plain_id(1),
        identity_number(1),
        plain_id(2),
        identity_number(2)
    );
    let (sandbox, base_url, _stop) = sandbox_holding(&seed, Duration::ZERO);
    let roster = format!(
        "identity_number,external_source_id,first_name,last_name\n\
         {},E-1,Åsa,Berg\n{},E-2,Åsa,Ek\n{},E-9,Åsa,Ek\n",
        identity_number(1),
        identity_number(7),
        identity_number(9)
    );
    folder.write("r.csv", roster);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--key", "identity_number,external_source_id"]);
    import.extend(["--max-invalid", "100%"]);
    let output = folder.with_sandbox(&import);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(sandbox.requests("update"), 2);
    let rows = folder.csv("r.results.csv", b',');
    let found: Vec<&[String]> = rows[1..].iter().map(|row| &row[row.len() - 2..]).collect();
    assert_eq!(found[0], [plain_id(1).as_str(), "identity_number"]);
    assert_eq!(found[1], [plain_id(2).as_str(), "external_source_id"]);
    assert_eq!(found[2], ["", ""]);
}

/// Writes the roster and returns the seed: three pupils with temporary numbers. The roster has two of them
/// under personal numbers: one matches by the id in another system, the other only by name and date of birth.
fn renumbered(folder: &Folder) -> String {
    let header = "id,identity_number,identity_temporary,external_source_id,first_name,last_name";
    let mut seed = format!("{header}\n");
    let mut roster =
        "identity_number,external_source_id,first_name,last_name,phone_number1\n".to_owned();
    for (row, temporary, outer) in [(1, "20100101-TF01", "E-1"), (2, "20100101-TF02", "")] {
        let name = ["Åsa,Ek", "Kim,Bo"][row - 1];
        seed += &format!("{},{temporary},true,{outer},{name}\n", plain_id(row));
        roster += &format!("{},{outer},{name},\n", identity_number(row));
    }
    for row in 3..=60 {
        let names = format!("N{row},Ek");
        let number = identity_number(row);
        seed += &format!("{},{number},false,E-{row},{names}\n", plain_id(row));
        roster += &format!("{number},E-{row},{names},\n");
    }
    folder.write("r.csv", roster);
    seed
}

/// The clock of a sandbox that delays every response after the first update, until the client has been
/// killed.
#[derive(Debug, Default)]
struct AfterOneUpdate {
    sandbox: OnceLock<Weak<Sandbox>>,
    is_killed: AtomicBool,
}

impl Clock for AfterOneUpdate {
    fn now(&self) -> u64 {
        SystemClock.now()
    }

    fn sleep_until(&self, _: u64) -> Sleep<'_> {
        let sandbox = self.sandbox.get().and_then(Weak::upgrade);
        let has_one = sandbox.is_some_and(|sandbox| sandbox.requests("update") > 0);
        match has_one && !self.is_killed.load(Ordering::SeqCst) {
            true => Box::pin(std::future::pending()),
            false => Box::pin(std::future::ready(())),
        }
    }
}

#[test]
fn a_renumbering_is_sent_after_its_row_is_approved() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&renumbered(&folder), Duration::ZERO);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let held = folder.with_sandbox(&import);
    let log = stderr(&held);
    assert_eq!(held.status.code(), Some(4), "{log}");
    let summary: Json = serde_json::from_str(&stdout(&held)).unwrap();
    assert_eq!(
        (&summary["renumbered"], &summary["identity_changes"]),
        (&2.into(), &0.into())
    );
    assert_eq!(summary["held_by"]["guard"], "renumbering");
    assert!(
        log.contains("2 rows would give a person another identity number"),
        "{log}"
    );
    assert!(!log.contains("Åsa") && !log.contains("Kim"), "{log}");
    // Nor is it a record to create.
    assert!(!folder.path("r.new.csv").exists());
    let report = std::fs::read_to_string(folder.path("r.report.html")).unwrap();
    let line = |text: &str| {
        report
            .lines()
            .find(|line| line.contains(text))
            .unwrap_or_default()
    };
    let proposed = line("by name and date of birth only");
    assert!(!proposed.is_empty(), "{report}");
    assert_eq!(report.matches("by name and date of birth only").count(), 1);
    assert!(
        !report.contains("Åsa") && !report.contains("Kim"),
        "{report}"
    );
    let run = run_of(&held);
    let output = folder.with_sandbox(&["approve", &run, "--rows", "1"]);
    assert_eq!(sandbox.requests("update"), 1, "{}", stderr(&output));
    let rows = folder.csv("r.results.csv", b',');
    let column = |name: &str| rows[0].iter().position(|other| other == name).unwrap();
    let of = |row: usize, name: &str| rows[row][column(name)].clone();
    assert_eq!(of(1, "import_status"), "updated");
    assert_eq!(
        of(1, "import_changed"),
        "identity_number identity_temporary"
    );
    assert_eq!(of(1, "import_matched_by"), "external_source_id");
    assert_eq!(of(2, "import_error_code"), "renumber.unapproved");
    assert_eq!(of(3, "import_status"), "unchanged");
    // The new number is found from now on, and the record is no longer marked as temporary.
    let again = folder.with_sandbox(&[&import[..], &["--renumber", "off"]].concat());
    let summary: Json = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!(
        (&summary["unchanged"], &summary["invalid"]),
        (&59.into(), &1.into())
    );
    // An undo restores the number and the mark.
    let undone = folder.with_sandbox(&["undo", &run, "--yes"]);
    assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));
    let mut plan = vec!["plan", "r.csv", "--renumber", "approve", "--format", "json"];
    plan.extend(["--target", "meitner", "--base-url", &base_url]);
    let summary: Json = serde_json::from_str(&stdout(&folder.with_sandbox(&plan))).unwrap();
    assert_eq!(summary["renumbered"], 2);
    assert_eq!(summary["fields"]["identity_temporary"], 2);
}

#[test]
fn a_sweep_holds_a_file_with_a_renumbering_until_it_is_approved() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&renumbered(&folder), Duration::ZERO);
    std::fs::create_dir(folder.path("inbox")).unwrap();
    std::fs::rename(folder.path("r.csv"), folder.path("inbox/r.csv")).unwrap();
    let mut sweep = vec![
        "sweep", "inbox", "--settle", "0s", "--yes", "--format", "json",
    ];
    sweep.extend(["--target", "meitner", "--base-url", &base_url]);
    let output = folder.with_sandbox(&sweep);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(folder.path("inbox/held/r.csv").exists());
    assert_eq!(sandbox.requests("update"), 0);
    let log = stderr(&output) + &stdout(&output);
    for name in ["Åsa", "Kim", "TF01", "TF02"] {
        assert!(!log.contains(name), "{name}: {log}");
    }
    let run = folder.runs().split(' ').next().unwrap().to_owned();
    folder.with_sandbox(&["approve", &run, "--rows", "1"]);
    assert_eq!(sandbox.requests("update"), 1);
    assert!(!folder.path("inbox/held/r.csv").exists());
    let student = &sandbox.students()[plain_id(1)];
    assert_eq!(student["identityNumber"], identity_number(1));
    assert_eq!(student["identityTemporary"], false);
}

#[test]
fn two_rows_that_match_one_record_by_different_keys_are_refused() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&renumbered(&folder), Duration::ZERO);
    // The pupil has one row under each number.
    let roster = std::fs::read_to_string(folder.path("r.csv")).unwrap();
    let lines = roster.lines().filter(|line| !line.contains("Kim,Bo"));
    let lines: Vec<&str> = lines
        .chain(["20100101-TF01,,Åsa,Ek,+46701740605\n"])
        .collect();
    folder.write("r.csv", lines.join("\n"));
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--key", "identity_number,external_source_id"]);
    import.extend(["--renumber", "approve", "--max-invalid", "100%"]);
    let output = folder.with_sandbox(&import);
    let rows = folder.csv("r.results.csv", b',');
    let column = |name: &str| rows[0].iter().position(|other| other == name).unwrap();
    let of = |row: usize, name: &str| rows[row][column(name)].clone();
    assert_eq!(
        of(1, "import_error_code"),
        "text.duplicate",
        "{}",
        stderr(&output)
    );
    assert!(
        of(1, "import_error").contains("row 61 "),
        "{}",
        of(1, "import_error")
    );
    assert_eq!(of(1, "import_record_id"), plain_id(1));
    assert_eq!(of(60, "import_status"), "updated");
    let student = &sandbox.students()[plain_id(1)];
    assert_eq!(student["identityNumber"], "20100101-TF01");
}

#[test]
fn a_renumbering_resumes_after_a_kill() {
    let folder = Folder::new();
    let clock = Arc::new(AfterOneUpdate::default());
    let latency = Duration::from_nanos(1);
    let (sandbox, base_url, _stop) = sandbox_by(&renumbered(&folder), latency, clock.clone());
    clock.sandbox.set(Arc::downgrade(&sandbox)).unwrap();
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let run = run_of(&folder.with_sandbox(&import));
    let mut command = folder.command();
    let approve = ["approve", &run, "--rows", "1,2", "--concurrency", "1"];
    command.args(approve).envs(crate::harness::OF_SANDBOX);
    let mut process = Started(command.stderr(std::process::Stdio::null()).spawn().unwrap());
    wait_until("an update is sent", || sandbox.requests("update") > 0);
    // The second update has no response, so the run has not ended.
    process.kill().unwrap();
    process.wait().unwrap();
    clock.is_killed.store(true, Ordering::SeqCst);
    let resumed = folder.with_sandbox(&["resume", &run, "--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let rows = folder.csv("r.results.csv", b',');
    let column = |name: &str| rows[0].iter().position(|other| other == name).unwrap();
    for row in [1, 2] {
        assert_eq!(rows[row][column("import_status")], "updated", "{row}");
        assert!(rows[row][column("import_changed")].contains("identity_temporary"));
    }
}
