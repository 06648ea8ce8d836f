//! Which room may know which other: imports point one way, so that a reader can follow a row
//! through the house without walking back.

use std::collections::BTreeSet;
use std::path::Path;

/// Each room, and the rooms whose items it may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("events", &["model"]),
    ("targets", &["model"]),
    ("read", &["model", "targets"]),
    ("map", &["model", "targets", "read"]),
    ("check", &["model", "targets", "read", "map"]),
    (
        "plan",
        &["model", "targets", "read", "map", "check", "clock"],
    ),
    ("journal", &["model", "targets", "clock"]),
    ("send", &["model", "targets", "journal", "events", "clock"]),
    (
        "report",
        &[
            "model", "targets", "read", "map", "check", "events", "journal",
        ],
    ),
    (
        "progress",
        &["model", "events", "journal", "report", "clock"],
    ),
    (
        "run",
        &[
            "model", "targets", "read", "map", "check", "plan", "send", "journal", "events",
            "report", "clock",
        ],
    ),
    ("inbox", &["model"]),
    ("sandbox", &["clock"]),
    (
        "cli",
        &[
            "model", "targets", "read", "map", "check", "plan", "send", "journal", "events", "run",
            "report", "progress", "inbox", "sandbox", "clock",
        ],
    ),
    ("main", &["cli"]),
];

#[test]
fn imports_point_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut rooms = BTreeSet::new();
    for file in files(&source) {
        let below = file.strip_prefix(&source).unwrap();
        let first = below.iter().next().unwrap().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        rooms.insert(room.to_owned());
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!(
                "{}: a room that the table does not know",
                below.display()
            ));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        // A unit test may build what it needs from anywhere.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for used in used_rooms(code) {
            if used != room && !may.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        rooms.len(),
        MAY_USE.len(),
        "a room of the table is gone: {rooms:?}"
    );
}

/// The rooms named in paths that begin with `crate::` or `rosterpatch::`, comments aside.
fn used_rooms(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for line in code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for prefix in ["crate::", "rosterpatch::"] {
            for part in line.split(prefix).skip(1) {
                let name: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                assert!(!name.is_empty(), "write out each crate:: path: {line}");
                used.insert(name);
            }
        }
    }
    used
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_core_knows_no_api_by_name() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&source) {
        let below = file.strip_prefix(&source).unwrap();
        // The sandbox plays the APIs; the list of built-in files names them.
        if below.starts_with("sandbox") || below.starts_with("cli") || below.ends_with("load.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap()
            .to_lowercase();
        for name in ["meitner", "pathwright"] {
            assert!(!code.contains(name), "{} names {name}", below.display());
        }
    }
}
