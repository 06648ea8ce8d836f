//! Which room may know which other: imports point one way, so that a reader can follow a row
//! through the house without walking back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::harness::repository;

/// Each room, and the rooms whose items it may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("l10n", &[]),
    ("model", &["l10n"]),
    ("safe_fs", &["model"]),
    ("clock", &[]),
    ("log", &["model"]),
    ("events", &["l10n", "model"]),
    ("targets", &["l10n", "model", "safe_fs"]),
    ("read", &["l10n", "model", "safe_fs"]),
    ("map", &["l10n", "model", "targets", "read"]),
    ("check", &["l10n", "model", "targets", "read", "map"]),
    ("plan", &["l10n", "model", "targets", "check"]),
    ("journal", &["l10n", "model", "safe_fs", "clock"]),
    (
        "send",
        &[
            "l10n", "log", "model", "safe_fs", "targets", "journal", "events", "clock",
        ],
    ),
    (
        "report",
        &[
            "l10n", "log", "model", "targets", "safe_fs", "read", "map", "check", "events",
            "journal",
        ],
    ),
    ("progress", &["l10n", "model", "events", "report", "clock"]),
    (
        "run",
        &[
            "l10n", "log", "model", "safe_fs", "targets", "read", "map", "check", "plan", "send",
            "journal", "events", "report", "clock",
        ],
    ),
    ("inbox", &["safe_fs"]),
    (
        "app",
        &[
            "l10n", "log", "model", "safe_fs", "targets", "read", "map", "check", "plan", "send",
            "journal", "events", "run", "report", "inbox", "clock",
        ],
    ),
    (
        "fleet",
        &[
            "l10n", "log", "model", "targets", "read", "send", "journal", "events", "run",
            "report", "inbox", "app",
        ],
    ),
    (
        "console",
        &[
            "l10n", "model", "targets", "safe_fs", "read", "map", "send", "journal", "events",
            "run", "report", "progress", "app", "fleet",
        ],
    ),
    ("sandbox", &["clock"]),
    (
        "cli",
        &[
            "l10n", "log", "model", "safe_fs", "targets", "read", "map", "check", "plan", "send",
            "journal", "events", "run", "report", "progress", "sandbox", "clock", "app", "fleet",
            "console",
        ],
    ),
    ("main", &["cli"]),
];

#[test]
fn imports_point_one_way() {
    let source = repository().join("src");
    let mut wrong = Vec::new();
    let mut rooms = BTreeSet::new();
    let mut used_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for room in MAY_USE {
        used_by.insert(room.0.to_owned(), BTreeSet::new());
    }
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
            used_by
                .entry(room.to_owned())
                .or_default()
                .insert(used.clone());
            if used != room && !may.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", below.display()));
            }
        }
    }
    for (room, may) in MAY_USE {
        for permitted in *may {
            if !used_by[*room].contains(*permitted) {
                wrong.push(format!("{room} may use {permitted}, and does not"));
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

#[test]
fn the_page_about_the_architecture_has_every_room() {
    let page = repository().join("docs/internals/architecture.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeSet<&str> = rows
        .filter_map(|row| row.split('`').next())
        .map(|name| name.trim_end_matches(".rs"))
        .collect();
    let rooms: BTreeSet<&str> = MAY_USE.iter().map(|(room, _)| *room).collect();
    assert_eq!(told, rooms);
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
                    .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
                    .collect();
                assert!(!name.is_empty(), "write out each crate:: path: {line}");
                used.insert(name);
            }
        }
    }
    used
}

#[test]
fn every_file_states_its_purpose_in_its_first_line() {
    for file in files(&repository().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let purpose = first.strip_prefix("//! ").unwrap_or_default();
        assert!(
            purpose.split(' ').count() > 2,
            "{}: begin the file with a `//!` sentence about its purpose, not {first:?}",
            file.display()
        );
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return found;
    }
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

/// No two files of a room import each other, directly or through others: each can be read after
/// those that it builds on. An item that a module re-exports counts as an import of the file that defines it.
#[test]
fn no_files_of_a_room_import_each_other_in_a_circle() {
    let source = repository().join("src");
    let mut circles = Vec::new();
    for (room, _) in MAY_USE {
        let imports = imports(&source.join(room));
        for start in imports.keys() {
            if let Some(way) = way_back(&imports, start) {
                circles.push(format!("{room}: {}", way.join(" → ")));
            }
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn an_import_of_a_re_exported_item_is_one_of_its_file() {
    let imports = imports(&repository().join("src/sandbox"));
    // `use super::meitner`, and then `meitner::routes`, which `meitner/mod.rs` re-exports.
    let of_server = &imports["server"];
    assert!(of_server.contains("meitner::http"), "{of_server:?}");
    // `use super::any::Records`
    let of_state = &imports["state"];
    assert!(of_state.contains("any::records"), "{of_state:?}");
}

/// What the file of a module names.
struct Module {
    /// Paths, from the folder of its room on.
    paths: Vec<Vec<String>>,
    /// What it imports, by the name that this has there.
    names: BTreeMap<String, Vec<String>>,
    /// A `mod.rs`, which gathers others.
    gathers: bool,
}

type Modules = BTreeMap<Vec<String>, Module>;

/// The files of a room, each with those that it imports, but for each `mod.rs`.
fn imports(room: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut modules = Modules::new();
    let mut named = Vec::new();
    for file in files(room) {
        let own = module_of(file.strip_prefix(room).unwrap());
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        named.push((own.clone(), paths(&flat(code.parse().unwrap()))));
        let module = Module {
            paths: Vec::new(),
            names: BTreeMap::new(),
            gathers: file.ends_with("mod.rs"),
        };
        modules.insert(own, module);
    }
    let room = room.file_name().unwrap().to_str().unwrap();
    for (own, paths) in named {
        for (alias, path) in paths {
            if let Some(path) = from_room(&path, room, &own, &modules) {
                let module = modules.get_mut(&own).unwrap();
                module.paths.push(path.clone());
                module.names.extend(alias.map(|alias| (alias, path)));
            }
        }
    }
    let mut imports = BTreeMap::new();
    for (own, module) in modules.iter().filter(|(_, module)| !module.gathers) {
        let found = module
            .paths
            .iter()
            .filter_map(|path| defining(path, &modules));
        let found = found.filter(|file| file != own).map(|file| file.join("::"));
        imports.insert(own.join("::"), found.collect());
    }
    imports
}

/// A file's path in its room as a module: `meitner/http.rs` is `meitner::http`, `mod.rs` is its folder.
fn module_of(below: &Path) -> Vec<String> {
    let parts = below.with_extension("");
    let mut parts: Vec<String> = parts
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The paths in code, `a::{b, c}` as `a::b` and `a::c`; one of a `use` with the name that it gives.
fn paths(words: &[String]) -> Vec<(Option<String>, Vec<String>)> {
    let mut found: Vec<(Option<String>, Vec<String>)> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut braces: Vec<Vec<String>> = Vec::new();
    let mut is_use = false;
    for (at, word) in words.iter().enumerate() {
        let goes_on = words[at + 1..].starts_with(&[":".to_owned(), ":".to_owned()]);
        let is_behind_path = words[..at].ends_with(&[":".to_owned(), ":".to_owned()]);
        match word.as_str() {
            "use" => is_use = true,
            ";" => is_use = false,
            "{" if is_behind_path => braces.push(path.clone()),
            "{" => braces.push(Vec::new()),
            "}" => drop(braces.pop()),
            "as" if is_use => found.last_mut().unwrap().0 = Some(words[at + 1].clone()),
            word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                if !is_behind_path {
                    path = braces.last().cloned().unwrap_or_default();
                }
                if word != "self" || path.is_empty() {
                    path.push(word.to_owned());
                }
                if !goes_on && at > 0 && words[at - 1] != "as" {
                    found.push((path.last().cloned().filter(|_| is_use), path.clone()));
                }
            }
            _ => {}
        }
    }
    found
}

/// A path as it is from the folder of a room on, if it leads there.
fn from_room(
    path: &[String],
    room: &str,
    own: &[String],
    modules: &Modules,
) -> Option<Vec<String>> {
    let first = path[0].as_str();
    let child = [own, &path[..1]].concat();
    let (base, rest) = match first {
        "crate" if path.get(1).is_some_and(|second| second == room) => (Vec::new(), &path[2..]),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let rest = &path[ups..];
            // `pub(super)` names no item.
            rest.first()?;
            (own[..own.len().checked_sub(ups)?].to_vec(), rest)
        }
        "self" => (own.to_vec(), &path[1..]),
        _ if modules.contains_key(&child) => (child, &path[1..]),
        _ => (modules[own].names.get(first)?.clone(), &path[1..]),
    };
    Some([base.as_slice(), rest].concat())
}

/// The module whose file defines what a path leads to, through what others re-export.
fn defining(path: &[String], modules: &Modules) -> Option<Vec<String>> {
    let depth = (0..=path.len()).rfind(|depth| modules.contains_key(&path[..*depth]))?;
    let module = &modules[&path[..depth]];
    match path.get(depth).and_then(|name| module.names.get(name)) {
        Some(elsewhere) if !elsewhere.starts_with(&path[..=depth]) => {
            defining(&[elsewhere, &path[depth + 1..]].concat(), modules)
        }
        _ if module.gathers => None,
        _ => Some(path[..depth].to_vec()),
    }
}

/// A way from a file back to itself.
fn way_back(imports: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut ways: Vec<Vec<String>> = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in imports.get(way.last().unwrap()).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(next.clone());
            if next == start {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn the_core_knows_no_api_by_name() {
    let source = repository().join("src");
    for file in files(&source) {
        let below = file.strip_prefix(&source).unwrap();
        // The sandbox plays the APIs; the list of built-in files names them; tests use them.
        let may = ["load.rs", "tests.rs"]
            .iter()
            .any(|name| below.ends_with(name));
        if below.starts_with("sandbox") || below.starts_with("cli") || may {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        // What is said about the code may give an example.
        let lines = code.lines().map(str::trim_start);
        let code: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
        let code = code.join("\n").to_lowercase();
        for name in ["meitner", "pathwright"] {
            assert!(!code.contains(name), "{} names {name}", below.display());
        }
    }
}

/// The layout of the queue's private tables may change with any release of its crate.
#[test]
fn no_private_table_of_the_queue_is_named() {
    let needle = ["_priv", "ate_"].concat();
    for path in files(&repository().join("src")) {
        let code = std::fs::read_to_string(&path).unwrap();
        // Functions such as make_private_folder are no tables.
        let named = code
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .find(|word| word.starts_with(&needle));
        assert_eq!(named, None, "{}", path.display());
    }
}

#[test]
fn tests_start_the_program_by_the_harness_alone() {
    // It gives the program its language, its home and its temporary folder, and finds it in any path.
    for path in files(&repository().join("tests/it")) {
        if path.ends_with("harness.rs") || path.ends_with("architecture.rs") {
            continue;
        }
        let code = std::fs::read_to_string(&path).unwrap();
        for word in [
            "cargo_bin",
            "CARGO_BIN_EXE",
            "env!(\"CARGO_MANIFEST_DIR",
            "new(\"kill\")",
        ] {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
}

/// What a line of the log may have, by name: numbers, codes, paths and moments. Whatever else is to be said
/// there is a code of its own.
const LOGGED: &[&str] = &[
    "attempt",
    "cause",
    "code",
    "column",
    "columns",
    "count",
    "database_error",
    "dialect",
    "done",
    "duration_s",
    "estimate_s",
    "exit_code",
    "failed",
    "fault",
    "file",
    "ignored",
    "invalid",
    "io_error",
    "last_line",
    "left_out",
    "line",
    "lookups",
    "most",
    "most_percent",
    "names",
    "not_sent",
    "of",
    "other_column",
    "path",
    "rate",
    "rejected",
    "requests",
    "row",
    "rows",
    "run",
    "sent",
    "status",
    "to_send",
    "unchanged",
    "until",
    "updated",
    "verdict",
    "wait_s",
];

/// Files that write lines of the log; every other one goes through `log.rs`, whose functions take facts.
const LOGGING: [&str; 5] = [
    "app/job.rs",
    "cli/logging.rs",
    "log.rs",
    "progress/log.rs",
    "send/transport.rs",
];

/// Files whose output machines and other users read.
const FOR_MACHINES: [&str; 8] = [
    "app/notify.rs",
    "fleet/metrics.rs",
    "log.rs",
    "model/fact.rs",
    "progress/json.rs",
    "progress/log.rs",
    "report/metrics.rs",
    "send/transport.rs",
];

/// What is for persons: names of functions that render an error, and of what holds cells and headers.
const FOR_PERSONS: [&str; 10] = [
    "Mistakes",
    "description",
    "examples",
    "for_person",
    "message",
    "noticed",
    "problems",
    "sheet",
    "unknown",
    "with_causes",
];

#[test]
fn what_machines_read_is_built_from_facts() {
    let source = repository().join("src");
    let mut wrong = Vec::new();
    let (mut lines, mut declaring) = (0, BTreeSet::new());
    for file in files(&source) {
        let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let tokens: TokenStream = code.parse().unwrap();
        let tokens = flat(tokens);
        let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
        if words.contains(&"tracing") && !LOGGING.contains(&name) {
            wrong.push(format!("{name} logs, and log.rs does that"));
        }
        for three in words.windows(4) {
            if three == ["Declared", ":", ":", "name"] {
                declaring.insert(name.to_owned());
            }
        }
        for start in 0..words.len().saturating_sub(5) {
            let [a, b, c, macro_name, mark, open] = words[start..start + 6] else {
                continue;
            };
            let is_macro = [a, b, c, mark, open] == ["tracing", ":", ":", "!", "("];
            let writes = macro_name == "event"
                || ["error", "warn", "info", "debug", "trace"]
                    .iter()
                    .any(|level| macro_name.strip_suffix("_span").unwrap_or(macro_name) == *level);
            if is_macro && writes {
                lines += 1;
                for fault in faults_of_line(&words[start + 6..]) {
                    wrong.push(format!("{name}: {fault}"));
                }
            }
        }
        if FOR_MACHINES.contains(&name) {
            for word in words.iter().filter(|word| FOR_PERSONS.contains(word)) {
                wrong.push(format!("{name} has {word}, which is for persons"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines > 8, "the lines of the log are found: {lines}");
    // A name is declared where a target's file is read, and where the command line is.
    let declaring: Vec<&str> = declaring.iter().map(String::as_str).collect();
    assert_eq!(
        declaring,
        ["cli/usage.rs", "model/declared.rs", "targets/field.rs"]
    );
}

/// A stream of tokens without nesting: what groups them is a token too.
fn flat(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                found.push(open.to_owned());
                found.extend(flat(group.stream()));
                found.push(close.to_owned());
            }
            other => found.push(other.to_string()),
        }
    }
    found
}

/// What is wrong with the arguments of a line of the log, from behind its `(` on.
fn faults_of_line(words: &[&str]) -> Vec<String> {
    let mut arguments: Vec<Vec<&str>> = vec![Vec::new()];
    let mut depth = 0;
    for word in words {
        match *word {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => break,
            ")" | "]" | "}" => depth -= 1,
            "," if depth == 0 => {
                arguments.push(Vec::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(word);
    }
    let mut faults = Vec::new();
    for argument in arguments.iter().filter(|argument| !argument.is_empty()) {
        let all = argument.join(" ");
        match argument.as_slice() {
            // The level, and the sentence of a code, which has no argument.
            ["tracing", ..] => {}
            ["\"{}\""] => {}
            ["fact", ".", "code", "(", ")", ".", "sentence", "(", ")"] => {}
            [text] if text.starts_with('"') => {
                if text.contains('{') {
                    faults.push(format!("the message {text} has an argument"));
                }
            }
            ["?" | "%", name, ..] | [name, ..] if LOGGED.contains(name) => {
                let renders = ["!", "with_causes", "to_string", "for_person", "in_words"];
                if argument.iter().any(|word| renders.contains(word)) {
                    faults.push(format!("{all} makes a text"));
                }
            }
            _ => faults.push(format!("{all} is no field of the log")),
        }
    }
    faults
}

#[test]
fn a_line_of_the_log_with_a_text_of_others_is_found() {
    let faults = |line: &str| {
        let tokens: TokenStream = line.parse().unwrap();
        let tokens = flat(tokens);
        let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
        faults_of_line(&words).len()
    };
    for (line, wrong) in [
        ("row, attempt = made, ?verdict, \"answered\"", 0),
        ("%error, \"{}\", say().log_webhook()", 2),
        ("error = with_causes(&error), \"it failed\"", 1),
        ("why, \"stopping\"", 1),
        ("found = %header, \"reading\"", 1),
        ("path = %format!(\"{cell}\"), \"reading\"", 1),
        ("\"row {cell}\"", 1),
    ] {
        assert_eq!(faults(line), wrong, "{line}");
    }
}

/// Modules that handle files of other accounts.
const OF_OTHERS: &[&str] = &["inbox", "read", "app", "console", "fleet"];

/// Files of these modules that open, make or move something by its path, and why they may.
const BY_PATH: &[(&str, &str)] = &[
    ("app/backup.rs", "the state folder and its copy"),
    ("app/column_memory.rs", "the state folder"),
    ("app/dropped.rs", "the state folder"),
    ("app/mends.rs", "the state folder"),
    ("app/scene.rs", "a temporary folder of a unit test"),
    ("app/spool.rs", "the state folder"),
    ("app/session.rs", "the root folder"),
    ("console/page.rs", "a temporary folder of this process"),
];

#[test]
fn files_of_other_accounts_are_opened_by_safe_fs_alone() {
    let source = repository().join("src");
    let mut found = BTreeSet::new();
    for module in OF_OTHERS {
        for file in files(&source.join(module)) {
            let below = file.strip_prefix(&source).unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let is_test = below.ends_with("/tests.rs") || below.contains("/tests/");
            if !is_test && opens_by_path(code) {
                found.insert(below.to_owned());
            }
        }
    }
    let permitted: BTreeSet<String> = BY_PATH.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(found, permitted);
}

/// Whether code calls the standard library, or another crate, with a path of a file.
fn opens_by_path(code: &str) -> bool {
    let lines = code.lines().map(str::trim_start);
    let mut lines = lines.filter(|line| !line.starts_with("//"));
    lines.any(|line| {
        let calls_fs = line.match_indices("fs::").any(|(at, _)| {
            let before = &line[..at];
            let is_std = before.ends_with("std::") || !before.ends_with(['_', ':']);
            let rest = &line[at + 4..];
            let is_call = rest.starts_with(|c: char| c.is_ascii_lowercase());
            is_std
                && is_call
                && !before.ends_with("os::unix::")
                && !before.ends_with("os::windows::")
        });
        let opens = [
            "File::open",
            "File::create",
            "File::options",
            "OpenOptions",
            "DirBuilder",
        ];
        // `CompoundFile::open` takes an open file.
        let is_called = |call: &&str| {
            let mut found = line.match_indices(*call);
            found.any(|(at, _)| !line[..at].ends_with(char::is_alphanumeric))
        };
        calls_fs || opens.iter().any(is_called)
    })
}

#[test]
fn what_opens_by_a_path_is_found() {
    for code in [
        "let text = std::fs::read_to_string(path)?;",
        ".map(std::fs::canonicalize)",
        "fs::rename(a, b)",
        "let file = File::open(path)?;",
        "std::fs::File::options().write(true).open(&path)",
    ] {
        assert!(opens_by_path(code), "{code}");
    }
    for code in [
        "use std::fs::File;",
        "// std::fs::read(path)",
        "safe_fs::open(path)",
        "crate::safe_fs::open_file(path)",
        "std::os::unix::fs::FileExt::read_at(&file, buffer, at)",
        "pub file: std::fs::File,",
        "cfb::CompoundFile::open(file)",
    ] {
        assert!(!opens_by_path(code), "{code}");
    }
}

#[test]
fn each_row_of_the_trust_model_has_a_test() {
    let page = std::fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let (_, trust) = page.split_once("\n## Trust\n").unwrap();
    let (trust, _) = trust.split_once("\n## ").unwrap();
    let mut tests = String::new();
    for folder in ["tests/it", "src/send"] {
        for path in files(&repository().join(folder)) {
            tests += &std::fs::read_to_string(path).unwrap();
        }
    }
    let rows: Vec<&str> = trust
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    assert!(rows.len() > 15, "{rows:?}");
    // The row of the command line has no test: its author starts the program.
    for row in rows
        .iter()
        .skip(2)
        .filter(|row| !row.contains("command line,"))
    {
        let test = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let name = test.trim_matches('`').rsplit("::").next().unwrap();
        let declared = format!("fn {name}()");
        assert!(tests.contains(&declared), "{row}");
    }
}
