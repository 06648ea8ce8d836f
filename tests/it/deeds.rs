//! Who began, resumed or approved a run, where and why.

use std::time::Duration;

use serde_json::Value as Json;

use crate::harness::{Folder, import_of, plain_roster, sandbox_holding, stderr, stdout};

#[test]
fn a_run_records_who_made_it_and_why_and_every_place_shows_it() {
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
    // A note is a reason.
    let empty = folder.with_sandbox(&[&import[..], &["--note", ""]].concat());
    assert_eq!(empty.status.code(), Some(2));
}
