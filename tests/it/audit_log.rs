//! The journal records who started, resumed or approved a run, on which machine and why.

use std::time::Duration;

use serde_json::Value as Json;

use crate::harness::{
    Folder, identity_number, import_of, plain_roster, sandbox_holding, stderr, stdout,
};

#[test]
fn a_run_records_and_shows_its_account_command_and_note() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(3), Duration::ZERO);
    folder.write("r.csv", plain_roster(3).replace("Ek", "Alm"));
    let import = import_of(&base_url);
    let more = ["--max-changes", "1", "--note", "terminsstart"];
    let held = folder.with_sandbox(&[&import[..], &more].concat());
    assert_eq!(held.status.code(), Some(4), "{}", stderr(&held));
    let runs =
        || -> Json { serde_json::from_slice(&folder.run("runs --format json").stdout).unwrap() };
    let run = runs()[0]["run"].as_str().unwrap().to_owned();
    let approve = ["approve", &run, "--note", "rektorn har godkänt"];
    let sent = folder.with_sandbox(&approve);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    let deeds = runs()[0]["deeds"].clone();
    let of = |name: &str| -> Vec<&str> {
        let deeds = deeds.as_array().unwrap().iter();
        deeds.map(|deed| deed[name].as_str().unwrap()).collect()
    };
    assert_eq!(of("command"), ["import", "approve"]);
    assert_eq!(of("note"), ["terminsstart", "rektorn har godkänt"]);
    let (account, machine) = (of("account")[0], of("machine")[0]);
    assert!(!account.is_empty() && !machine.is_empty(), "{deeds}");
    assert!(stdout(&folder.run("runs")).contains(account));
    for command in [format!("show {run}"), "history Alm".to_owned()] {
        let text = stdout(&folder.run(&command));
        for part in [account, machine, "terminsstart", "rektorn har godkänt"] {
            assert!(text.contains(part), "{command}: {part} not in {text}");
        }
    }
    // An empty note is rejected.
    let empty = folder.with_sandbox(&[&import[..], &["--note", ""]].concat());
    assert_eq!(empty.status.code(), Some(2));
}

#[test]
fn stored_data_about_a_person_can_be_exported_and_removed() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
    folder.write("r.csv", plain_roster(2).replace("Ek", "Alm"));
    let import = import_of(&base_url);
    assert_eq!(folder.with_sandbox(&import).status.code(), Some(0));
    let elsewhere = Folder::new();
    elsewhere.write("r.csv", plain_roster(2).replace("Ek", "Granlund"));
    assert_eq!(elsewhere.with_sandbox(&import).status.code(), Some(0));
    // This run changes nothing; its conflict is recorded.
    folder.write("r.csv", plain_roster(2).replace("Ek", "Lind"));
    let output = folder.with_sandbox(&[&import[..], &["--conflicts", "theirs"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let key = identity_number(1);
    for file in ["all.json", "all.csv"] {
        let output = folder.run(&format!("history {key} --out {file}"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = std::fs::read_to_string(folder.path(file)).unwrap();
        for part in [
            "Alm",
            "Granlund",
            "Lind",
            "r.csv",
            "r.results-2.csv",
            "unchanged",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        // The export does not contain the other person's row.
        assert!(!text.contains(&identity_number(2)), "{text}");
    }
    let held = || -> Json {
        folder.run(&format!("history {key} --out all.json"));
        serde_json::from_slice(&std::fs::read(folder.path("all.json")).unwrap()).unwrap()
    };
    assert_eq!(held()["rows"].as_array().unwrap().len(), 2);
    let forgotten = folder.run(&format!("history {key} --forget"));
    assert_eq!(forgotten.status.code(), Some(0), "{}", stderr(&forgotten));
    let left = held();
    assert!(!left["rows"].to_string().contains("Granlund"), "{left}");
    assert!(!left["records"].to_string().contains("Alm"), "{left}");
}

#[test]
fn sweep_and_prune_apply_the_retention_limits() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
    std::fs::create_dir(folder.path("in")).unwrap();
    folder.write("in/r.csv", plain_roster(2).replace("Ek", "Alm"));
    let sweep = || {
        let arguments = [
            "sweep",
            "in",
            "--target",
            "meitner",
            "--base-url",
            &base_url,
        ];
        folder.with_sandbox(&[&arguments[..], &["--yes", "--settle", "0s"]].concat())
    };
    let swept = sweep();
    assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    // No retention limit is configured yet.
    assert_eq!(folder.run("runs prune").status.code(), Some(2));
    let day = |name: &str| folder.path("in/done").join(name);
    let today = std::fs::read_dir(folder.path("in/done"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    std::fs::rename(today.path(), day("2020-01-01")).unwrap();
    assert!(day("2020-01-01/r.csv").is_file());
    folder.write(
        "rosterpatch.toml",
        "[retention]\nrosters = '30d'\nresults = '30d'\n",
    );
    let swept = sweep();
    assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    assert!(!day("2020-01-01").exists());
    let history = || stdout(&folder.run("history Alm"));
    assert!(history().contains("Alm"));
    folder.write("rosterpatch.toml", "[retention]\nvalues = '0s'\n");
    let pruned = folder.run("runs prune");
    assert_eq!(pruned.status.code(), Some(0), "{}", stderr(&pruned));
    assert!(stdout(&pruned).contains("1 run"), "{}", stdout(&pruned));
    assert!(!history().contains("Alm"), "{}", history());
    assert!(folder.runs().contains("finished"), "{}", folder.runs());
}
