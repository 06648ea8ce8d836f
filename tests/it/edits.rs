//! Changes made in the API since the last run: conflicts, protected fields, and fields that are filled only
//! if empty.

use std::time::Duration;

use rosterpatch::sandbox::Sandbox;
use serde_json::Value as Json;

use crate::console::{Console, hidden, status};
use crate::harness::{Folder, plain_roster, read_csv, sandbox_holding, stderr, stdout};

/// Returns a roster of `rows` students with this last name.
fn named(name: &str, rows: usize) -> String {
    plain_roster(rows).replace("Ek", name)
}

/// Returns the last names in the sandbox, in order.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let students = sandbox.students();
    let students = students.as_object().unwrap().values();
    let name = |student: &Json| student["lastName"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = students.map(name).collect();
    names.sort();
    names
}

/// Imports a roster from a separate folder, so that other journals do not know the change.
fn by_hand(roster: &str, base_url: &str) {
    let folder = Folder::new();
    folder.write("r.csv", roster);
    let output = folder.with_sandbox(&crate::harness::import_of(base_url));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Returns a folder whose run wrote three names, of which one was then edited by hand.
fn edited() -> (
    Folder,
    std::sync::Arc<Sandbox>,
    String,
    tokio::sync::oneshot::Sender<()>,
) {
    let folder = Folder::new();
    let (sandbox, base_url, stop) = sandbox_holding(&named("Ek", 3), Duration::ZERO);
    folder.write("r.csv", named("Alm", 3));
    let output = folder.with_sandbox(&crate::harness::import_of(&base_url));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    by_hand(&named("Gran", 1), &base_url);
    folder.write("r.csv", named("Lind", 3));
    (folder, sandbox, base_url, stop)
}

fn json(output: &std::process::Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

/// Returns the path of the results file in a run's summary.
fn results(folder: &Folder, summary: &Json) -> std::path::PathBuf {
    folder.path(summary["results"].as_str().unwrap())
}

#[test]
fn a_conflict_is_counted_and_listed_with_its_three_values() {
    let (folder, sandbox, base_url, _stop) = edited();
    let place = ["--target", "meitner", "--base-url", &base_url];
    let planned = folder.with_sandbox(&[&["plan", "r.csv"][..], &place].concat());
    let text = stdout(&planned);
    for part in ["1 conflict", "Alm", "Gran", "Lind"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let import = [
        &crate::harness::import_of(&base_url)[..],
        &["--format", "json"],
    ]
    .concat();
    let output = folder.with_sandbox(&import);
    // The log contains no values.
    assert!(!stderr(&output).contains("Gran"), "{}", stderr(&output));
    let summary = json(&output);
    assert_eq!(
        (&summary["conflicts"], &summary["updated"]),
        (&1.into(), &3.into())
    );
    assert_eq!(names(&sandbox), ["Lind"; 3]);
    let rows = read_csv(&results(&folder, &summary), b',');
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    let warning = &rows[1][column("import_warning")];
    for value in ["Alm", "Gran", "Lind"] {
        assert!(warning.contains(value), "{warning}");
    }
    assert_eq!(rows[2][column("import_warning")], "");
    let run = summary["run"].as_str().unwrap();
    assert!(stdout(&folder.run(&format!("show {run}"))).contains("1 conflict"));
}

#[test]
fn a_run_that_asks_is_held_until_a_person_decides() {
    let (folder, sandbox, base_url, _stop) = edited();
    let import = crate::harness::import_of(&base_url);
    let ask = [&import[..], &["--conflicts", "ask", "--format", "json"]].concat();
    let output = folder.with_sandbox(&ask);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let summary = json(&output);
    assert_eq!(summary["held_by"]["guard"], "conflicts");
    let run = summary["run"].as_str().unwrap();
    assert!(
        stderr(&output).contains("--conflicts theirs"),
        "{}",
        stderr(&output)
    );
    assert_eq!(names(&sandbox), ["Alm", "Alm", "Gran"]);
    let rows = std::fs::read_to_string(results(&folder, &summary)).unwrap();
    assert!(rows.contains("Gran"), "{rows}");

    // An approval without a decision is rejected.
    for (more, code) in [
        (&[][..], 2),
        (&["--conflicts", "ask"], 2),
        (&["--conflicts", "ours"], 2),
    ] {
        let output = folder.with_sandbox(&[&["approve", run][..], more].concat());
        assert_eq!(
            output.status.code(),
            Some(code),
            "{more:?} {}",
            stderr(&output)
        );
    }
    assert_eq!(names(&sandbox), ["Alm", "Alm", "Gran"]);
    let output =
        folder.with_sandbox(&["approve", run, "--conflicts", "theirs", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary = json(&output);
    assert_eq!(
        (&summary["conflicts"], &summary["conflicts_kept"]),
        (&1.into(), &1.into())
    );
    assert_eq!(names(&sandbox), ["Gran", "Lind", "Lind"]);
    let rows = read_csv(&results(&folder, &summary), b',');
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    assert_eq!(rows[1][column("import_status")], "unchanged");
    assert_eq!(rows[1][column("import_error_code")], "conflict.kept");
}

#[test]
fn a_profile_sets_the_conflict_policy_of_each_field() {
    let (folder, sandbox, base_url, _stop) = edited();
    let import = |config: &str| {
        folder.write("rosterpatch.toml", config);
        folder.with_sandbox(
            &[
                &crate::harness::import_of(&base_url)[..],
                &["--profile", "x"],
            ]
            .concat(),
        )
    };
    for (config, code, said) in [
        (
            "[profile.x.conflicts]\nlast_nam = 'theirs'\n",
            2,
            "last_nam",
        ),
        ("[profile.x]\nprotect = ['nothing']\n", 2, "nothing"),
        ("[profile.x]\nfill = ['id']\n", 2, "\"id\""),
        (
            "[profile.x.conflicts]\nlast_name = 'mine'\n",
            1,
            "roster, theirs, ask",
        ),
        ("[profile.x]\nconflicts = 3\n", 1, "table of fields"),
    ] {
        let output = import(config);
        assert_eq!(output.status.code(), Some(code), "{config}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    let output = import("[profile.x.conflicts]\nlast_name = 'theirs'\n");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(names(&sandbox), ["Gran", "Lind", "Lind"]);
    folder.write("r.csv", named("Berg", 3));
    let output = import(
        "conflicts = 'theirs'\nprotect = ['first_name']\n[profile.x]\nprotect = ['last_name']\n",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(names(&sandbox), ["Gran", "Lind", "Lind"]);
    let rows = std::fs::read_to_string(folder.path("r.results-3.csv")).unwrap();
    assert_eq!(rows.matches("field.protected").count(), 3, "{rows}");
    let shown = stdout(&folder.run("config --profile x"));
    assert!(
        shown.contains("theirs") && shown.contains("last_name"),
        "{shown}"
    );
}

#[test]
fn conflicts_are_decided_row_by_row_in_the_console() {
    let (folder, sandbox, base_url, _stop) = edited();
    by_hand(&named("Gran", 2), &base_url);
    let arguments = ["r.csv", "--target", "meitner", "--base-url", &base_url];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let edition = hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    console.post(&cookie, "/plan", &format!("edition={edition}"));
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    for part in ["name=\"row-1\"", "name=\"row-2\"", "Alm", "Gran", "Lind"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let run = hidden(&page, "run").to_owned();
    let answer = |more: &str| {
        let form = format!("run={run}&consent=all{more}");
        console.post(&cookie, "/plan/answer", &form)
    };
    // Nothing is sent before a choice is made.
    assert_ne!(status(&answer("")), 303);
    assert_eq!(names(&sandbox), ["Alm", "Gran", "Gran"]);
    let sent = answer("&conflicts=rows&row-1=roster&row-2=theirs");
    assert_eq!(status(&sent), 303, "{sent}");
    console.once(&cookie, "/run", ">Ended<");
    assert_eq!(names(&sandbox), ["Gran", "Lind", "Lind"]);
}

/// Returns the first and last names in the sandbox, in the order of the roster.
fn both_names(sandbox: &Sandbox) -> Vec<String> {
    let students = sandbox.students();
    let ids = (1..=3).map(crate::harness::plain_id);
    let name = |student: &Json| {
        let of = |name: &str| student[name].as_str().unwrap().to_owned();
        format!("{} {}", of("firstName"), of("lastName"))
    };
    ids.map(|id| name(&students[id])).collect()
}

#[test]
fn a_decision_covers_only_the_conflicts_that_were_shown() {
    let (folder, sandbox, base_url, _stop) = edited();
    let import = crate::harness::import_of(&base_url);
    let ask = [&import[..], &["--conflicts", "ask", "--format", "json"]].concat();
    let summary = json(&folder.with_sandbox(&ask));
    let run = summary["run"].as_str().unwrap();
    // Meanwhile another record is edited, which creates a conflict that was not shown.
    by_hand(&named("Gran", 2), &base_url);
    let approve = |policy: &str| folder.with_sandbox(&["approve", run, "--conflicts", policy]);
    let output = approve("theirs");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert_eq!(both_names(&sandbox), ["Åsa Gran", "Åsa Gran", "Åsa Alm"]);
    let output = approve("roster");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(both_names(&sandbox), ["Åsa Gran", "Åsa Lind", "Åsa Lind"]);
}

#[test]
fn a_retry_asks_about_its_conflicts_again() {
    let (folder, sandbox, base_url, _stop) = edited();
    // A row that fails until it is corrected.
    folder.write("r.csv", named("Lind", 3).replacen("Åsa,Lind", ",Lind", 1));
    let import = crate::harness::import_of(&base_url);
    let more = [
        "--conflicts",
        "ask",
        "--format",
        "json",
        "--max-invalid",
        "100%",
    ];
    by_hand(&named("Gran", 2), &base_url);
    let summary = json(&folder.with_sandbox(&[&import[..], &more].concat()));
    let run = summary["run"].as_str().unwrap();
    let output =
        folder.with_sandbox(&["approve", run, "--conflicts", "theirs", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let path = results(&folder, &json(&output));
    let corrected = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, corrected.replacen(",,Lind", ",Åsa,Lind", 1)).unwrap();
    let retried = folder.with_sandbox(&["retry", path.to_str().unwrap(), "--yes"]);
    assert_eq!(retried.status.code(), Some(4), "{}", stderr(&retried));
    assert!(
        stderr(&retried).contains("--conflicts theirs"),
        "{}",
        stderr(&retried)
    );
    assert_eq!(both_names(&sandbox)[0], "Åsa Gran");
}

/// Returns a held run with an identity change in a row whose record was also edited by hand, and with a
/// conflict in another row.
fn held_for_both() -> (
    Folder,
    std::sync::Arc<Sandbox>,
    String,
    tokio::sync::oneshot::Sender<()>,
    String,
) {
    let (folder, sandbox, base_url, stop) = edited();
    by_hand(&named("Gran", 2), &base_url);
    folder.write(
        "r.csv",
        named("Lind", 3).replacen("Åsa,Lind", "Kim,Ström", 1),
    );
    let import = crate::harness::import_of(&base_url);
    let ask = [&import[..], &["--conflicts", "ask", "--format", "json"]].concat();
    let output = folder.with_sandbox(&ask);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let run = json(&output)["run"].as_str().unwrap().to_owned();
    (folder, sandbox, base_url, stop, run)
}

#[test]
fn rows_and_conflicts_can_be_decided_in_one_command_or_two() {
    let (rows, theirs) = (&["--rows", "1"][..], &["--conflicts", "theirs"][..]);
    let both = &["--rows", "1", "--conflicts", "theirs"][..];
    for commands in [
        vec![both],
        vec![rows, theirs],
        vec![theirs, rows],
        vec![rows, both],
        // The second decision replaces the first.
        vec![&["--conflicts", "roster"], both],
    ] {
        let (folder, sandbox, _url, _stop, run) = held_for_both();
        let before = sandbox.requests("update");
        // Without either option, nothing is approved.
        let output = folder.with_sandbox(&["approve", &run]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        for (number, command) in commands.iter().enumerate() {
            assert_eq!(sandbox.requests("update"), before, "{commands:?}");
            let output = folder.with_sandbox(&[&["approve", &run][..], command].concat());
            let code = match number + 1 == commands.len() {
                true => 0,
                false => 4,
            };
            assert_eq!(
                output.status.code(),
                Some(code),
                "{commands:?} {}",
                stderr(&output)
            );
        }
        let names = ["Kim Gran", "Åsa Gran", "Åsa Lind"];
        assert_eq!(both_names(&sandbox), names, "{commands:?}");
    }
}

#[test]
fn rows_and_conflicts_can_be_decided_in_the_console() {
    let (folder, sandbox, base_url, _stop, run) = held_for_both();
    let console = Console::open(&folder, &["--target", "meitner", "--base-url", &base_url]);
    let cookie = console.enter();
    console.post(&cookie, &format!("/runs/{run}/do"), "what=approve&row=1");
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    assert!(
        page.contains("name=\"row-1\"") && page.contains("name=\"row-2\""),
        "{page}"
    );
    let form = format!("run={run}&consent=all&conflicts=theirs");
    console.post(&cookie, "/plan/answer", &form);
    console.once(&cookie, "/run", ">Ended<");
    assert_eq!(both_names(&sandbox), ["Kim Gran", "Åsa Gran", "Åsa Lind"]);
}

#[test]
fn the_console_asks_about_conflicts_of_a_run_started_elsewhere() {
    for (config, asks) in [("", true), ("conflicts = \"roster\"\n", false)] {
        let (folder, sandbox, base_url, _stop) = edited();
        folder.write("rosterpatch.toml", config);
        // The row of the edited record fails until it is corrected.
        folder.write("r.csv", named("Lind", 3).replacen("Åsa,Lind", ",Lind", 1));
        let import = crate::harness::import_of(&base_url);
        let more = ["--format", "json", "--max-invalid", "100%"];
        let output = folder.with_sandbox(&[&import[..], &more].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let run = json(&output)["run"].as_str().unwrap().to_owned();
        let console = Console::open(&folder, &["--target", "meitner", "--base-url", &base_url]);
        let cookie = console.enter();
        console.post(&cookie, &format!("/runs/{run}/do"), "what=mend");
        let edition = || hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
        let form = format!("edition={}&row=1&r1c2=%C3%85sa", edition());
        console.post(&cookie, "/problems/row", &form);
        console.post(&cookie, "/plan", &format!("edition={}", edition()));
        let page = console.once(&cookie, "/plan", "name=\"consent\"");
        assert_eq!(page.contains("name=\"row-1\""), asks, "{config} {page}");
        if asks {
            let form = format!("run={}&consent=all&conflicts=theirs", hidden(&page, "run"));
            console.post(&cookie, "/plan/answer", &form);
            console.once(&cookie, "/run", ">Ended<");
            assert_eq!(both_names(&sandbox)[0], "Åsa Gran");
        }
    }
}

#[test]
fn a_run_held_on_the_command_line_asks_in_the_console() {
    let (folder, sandbox, base_url, _stop) = edited();
    let import = crate::harness::import_of(&base_url);
    let more = ["--format", "json", "--max-changes", "1"];
    let output = folder.with_sandbox(&[&import[..], &more].concat());
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let run = json(&output)["run"].as_str().unwrap().to_owned();
    let console = Console::open(&folder, &["--target", "meitner", "--base-url", &base_url]);
    let cookie = console.enter();
    console.post(&cookie, &format!("/runs/{run}/do"), "what=approve");
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    assert!(page.contains("name=\"row-1\""), "{page}");
    let form = format!("run={run}&consent=all&conflicts=theirs");
    console.post(&cookie, "/plan/answer", &form);
    console.once(&cookie, "/run", ">Ended<");
    assert_eq!(both_names(&sandbox), ["Åsa Gran", "Åsa Lind", "Åsa Lind"]);
}

#[test]
fn a_profile_asks_about_the_conflicts_of_one_field() {
    let (folder, sandbox, base_url, _stop) = edited();
    folder.write("r.csv", named("Lind", 3).replace("Åsa", "Asta"));
    folder.write(
        "rosterpatch.toml",
        "[profile.x.conflicts]\nfirst_name = 'roster'\nlast_name = 'ask'\n",
    );
    let import = crate::harness::import_of(&base_url);
    let more = ["--profile", "x", "--format", "json"];
    let output = folder.with_sandbox(&[&import[..], &more].concat());
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let summary = json(&output);
    assert_eq!(summary["held_by"]["guard"], "conflicts", "{summary}");
    let run = summary["run"].as_str().unwrap();
    let output = folder.with_sandbox(&["approve", run, "--conflicts", "theirs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        both_names(&sandbox),
        ["Asta Gran", "Asta Lind", "Asta Lind"]
    );
}
