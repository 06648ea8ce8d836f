//! Architecture rules: module imports point one way, machine-readable output contains only facts, and other
//! accounts' files are opened only by `safe_fs`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::harness::repository;

/// Each module and the modules that it may import.
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
        // Unit tests may import any module.
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
fn the_architecture_page_describes_every_module() {
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

/// Returns the modules named in paths that begin with `crate::` or `rosterpatch::`, comments excluded.
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

/// An item that a module re-exports counts as an import of the file that defines it.
#[test]
fn no_module_has_an_import_cycle() {
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

/// The phases of a run, in order. A phase may import the phases before it.
const PHASES: &[&str] = &["planning", "sending", "finishing"];

#[test]
fn a_phase_of_a_run_imports_only_earlier_phases() {
    let imports = imports(&repository().join("src/run"));
    let phase_of = |file: &str| {
        let first = file.split("::").next().unwrap();
        PHASES.iter().position(|phase| *phase == first)
    };
    let mut seen = BTreeSet::new();
    for (file, used) in &imports {
        let own = phase_of(file);
        seen.extend(own);
        // The modules that all phases share import none; the conductor and tests import all.
        let is_free = file == "import" || file.ends_with("tests") || file.contains("::tests::");
        for other in used.iter().filter(|_| !is_free) {
            let is_earlier =
                phase_of(other).is_none_or(|other| own.is_some_and(|own| other <= own));
            assert!(is_earlier, "{file} imports {other}");
        }
    }
    assert_eq!(seen.len(), PHASES.len());
}

#[test]
fn importing_a_re_export_counts_as_importing_its_defining_file() {
    let imports = imports(&repository().join("src/sandbox"));
    // `use super::meitner`, then `meitner::routes`, which `meitner/mod.rs` re-exports.
    let of_server = &imports["server"];
    assert!(of_server.contains("meitner::http"), "{of_server:?}");
    // `use super::any::Records`
    let of_state = &imports["state"];
    assert!(of_state.contains("any::records"), "{of_state:?}");
}

/// The paths in a module's file.
struct Module {
    /// Paths relative to the folder of the top-level module.
    paths: Vec<Vec<String>>,
    /// Imported items, by their local name.
    names: BTreeMap<String, Vec<String>>,
    /// Whether the file is a `mod.rs`.
    gathers: bool,
}

type Modules = BTreeMap<Vec<String>, Module>;

/// Returns the imports of each file in a top-level module. A `mod.rs` has no entry.
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

/// Converts a file's path to a module path: `meitner/http.rs` to `meitner::http`, `mod.rs` to its folder.
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

/// Returns the paths in code, with `a::{b, c}` expanded to `a::b` and `a::c`. Paths of a `use` carry their
/// local name.
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

/// Converts a path to one relative to the top-level module, if it leads there.
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

/// Returns the module whose file defines the item of a path, following re-exports.
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

/// Returns a cycle of imports that starts and ends at a file.
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

/// Public types that several files define, of which a build compiles one.
const ALTERNATIVES: &[&str] = &["Database", "Fence", "Folder"];

#[test]
fn no_two_public_types_share_a_name() {
    let source = repository().join("src");
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files(&source) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in code.lines().filter_map(|line| line.strip_prefix("pub ")) {
            let (kind, rest) = line.split_once(' ').unwrap_or_default();
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            if ["struct", "enum", "trait"].contains(&kind) {
                let below = file.strip_prefix(&source).unwrap().display().to_string();
                defined.entry(name.to_owned()).or_default().push(below);
            }
        }
    }
    assert!(defined.len() > 200, "{}", defined.len());
    defined.retain(|name, files| files.len() > 1 && !ALTERNATIVES.contains(&name.as_str()));
    assert!(defined.is_empty(), "{defined:?}");
}

#[test]
fn the_core_knows_no_api_by_name() {
    let source = repository().join("src");
    for file in files(&source) {
        let below = file.strip_prefix(&source).unwrap();
        // The sandbox simulates the APIs, `load.rs` lists the built-in files, and tests use them.
        let may = ["load.rs", "tests.rs"]
            .iter()
            .any(|name| below.ends_with(name));
        if below.starts_with("sandbox") || below.starts_with("cli") || may {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        // Comments may name an API as an example.
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
fn no_private_table_of_the_queue_is_used() {
    let needle = ["_priv", "ate_"].concat();
    for path in files(&repository().join("src")) {
        let code = std::fs::read_to_string(&path).unwrap();
        // Functions such as `make_private_folder` are not tables.
        let named = code
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .find(|word| word.starts_with(&needle));
        assert_eq!(named, None, "{}", path.display());
    }
}

#[test]
fn tests_start_the_program_only_through_the_harness() {
    // The harness sets the program's language, home and temporary folder, and finds it in any path.
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

/// The fields allowed in log lines: numbers, codes, paths and timestamps. Other information needs its own
/// code.
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
    "withheld",
];

/// The files that write log lines. All others use `log.rs`, whose functions take facts.
const LOGGING: [&str; 5] = [
    "app/job.rs",
    "cli/logging.rs",
    "log.rs",
    "progress/log.rs",
    "send/transport.rs",
];

/// The files whose output is read by machines and by other users.
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

/// Names that must not appear in machine-readable output: functions that render an error, and types that hold
/// cells or headers.
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
fn machine_readable_output_is_built_from_facts() {
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
    // These names are declared in the target file reader and in the command line parser.
    let declaring: Vec<&str> = declaring.iter().map(String::as_str).collect();
    assert_eq!(
        declaring,
        ["cli/usage.rs", "model/declared.rs", "targets/field.rs"]
    );
}

/// Flattens a token stream; group delimiters become tokens.
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

/// Returns the faults in the arguments of a log line, given the tokens after its `(`.
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
            // The level, and the sentence of a code, which takes no argument.
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
fn log_lines_with_external_text_are_detected() {
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

/// Files of these modules that open, create or move a file by its path, with the reason.
const BY_PATH: &[(&str, &str)] = &[
    ("app/backup.rs", "the state folder and its copy"),
    ("app/column_memory.rs", "the state folder"),
    ("app/dropped.rs", "the state folder"),
    ("app/mends.rs", "the state folder"),
    ("app/spool.rs", "the state folder"),
    ("app/session.rs", "the root folder"),
    ("console/page.rs", "a temporary folder of this process"),
];

#[test]
fn files_of_other_accounts_are_opened_only_by_safe_fs() {
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

/// Returns whether code passes a path to a file function of the standard library or another crate.
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
fn opening_a_file_by_its_path_is_detected() {
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
    // The command line row has no test, because its author starts the program.
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
