//! Every shipped target against an API that differs from its target file: an import behaves correctly, or
//! stops and names a setting. It never reports an existing person as missing, and never changes another
//! record.

use std::sync::Arc;
use std::time::Duration;

use rosterpatch::clock::SystemClock;
use rosterpatch::sandbox::{Description, Sandbox, SandboxOptions, TARGET_PATH, Variation};
use rosterpatch::targets::{self, FieldSpec, Kind, TargetSpec};
use serde_json::Value as Json;

use crate::harness::{
    Folder, LibraryRun, identity_number, plain_id, repository, seed_of, serve_sandbox_at,
};

const ROWS: usize = 60;

/// Returns the built-in targets and the samples.
fn shipped() -> Vec<String> {
    let built_in = targets::BUILT_IN.iter().map(|(name, _)| (*name).to_owned());
    let samples = std::fs::read_dir(repository().join("samples/targets")).unwrap();
    let samples = samples.map(|entry| entry.unwrap().path().display().to_string());
    let samples: Vec<String> = samples.filter(|path| path.ends_with(".toml")).collect();
    assert!(!samples.is_empty());
    built_in.chain(samples).collect()
}

/// Writes a built-in target whose records can only be listed, once for each kind of paging.
fn listed_only(folder: &Folder) -> Vec<String> {
    let text = targets::BUILT_IN[0].1;
    let (head, changes) = text.split_once("[lookup.changes]").unwrap();
    let fields = changes.find("[[fields]]").unwrap();
    let text = [head, &changes[fields..]].concat();
    let lines = text.lines().filter(|line| !line.starts_with("search"));
    let text = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("trust_total = true\n", "");
    let usual = "paging = { kind = \"offset\", limit = \"limit\", offset = \"offset\" }";
    assert!(text.contains(usual));
    let kinds = [
        ("offset", usual),
        ("page", "paging = { kind = \"page\", parameter = \"page\" }"),
        ("next", "paging = { kind = \"next\", pointer = \"/next\" }"),
        ("link", "paging = { kind = \"link\" }"),
        (
            "cursor",
            "paging = { kind = \"cursor\", pointer = \"/cursor\", parameter = \"from\" }",
        ),
    ];
    let write = |(name, paging): (&str, &str)| {
        let text = text.replace(usual, paging);
        let text = text.replace("name = \"meitner\"", &format!("name = \"listed-{name}\""));
        let path = folder.write(&format!("{name}.toml"), text);
        path.display().to_string()
    };
    kinds.into_iter().map(write).collect()
}

/// Returns a cell of a row; unique fields get different values in each row.
fn cell(field: &FieldSpec, row: usize) -> String {
    let own = field.unique || field.place == targets::Place::Path;
    match field.kind {
        Kind::Uuid => plain_id(row),
        Kind::IdentityNumber => identity_number(row),
        Kind::Email | Kind::Eppn => format!("p{row}@example.se"),
        Kind::Integer => row.to_string(),
        Kind::Choice => {
            let mut choices = field.choices.iter();
            let usual = |choice: &&String| !field.guarded.contains(choice);
            choices.find(usual).cloned().unwrap_or_default()
        }
        Kind::Boolean => "false".to_owned(),
        Kind::Text if own => format!("T{row:05}"),
        _ if field.example.is_empty() => "Example".to_owned(),
        _ => field.example.clone(),
    }
}

/// Returns a roster with every field of a target, except fields that another one contradicts.
fn roster_for(spec: &TargetSpec) -> String {
    let named = |name: &str| {
        spec.fields.iter().any(|other| {
            other.born_from.as_deref() == Some(name)
                || other
                    .gender_from
                    .as_ref()
                    .is_some_and(|from| from.field == name)
        })
    };
    let fields: Vec<&FieldSpec> = spec
        .fields
        .iter()
        .filter(|field| !field.read_only && field.constant.is_none() && !named(field.name()))
        // Values of these fields must be allowed by an option.
        .filter(|field| field.guarded.is_empty() || field.kind == Kind::Choice)
        .collect();
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(names).unwrap();
    for row in 1..=ROWS {
        let cells = fields.iter().map(|field| cell(field, row));
        csv.write_record(cells).unwrap();
    }
    String::from_utf8(csv.into_inner().unwrap()).unwrap()
}

/// Collects the values of a record by pointer.
fn members(record: &Json, place: String, found: &mut Vec<(String, String)>) {
    match record {
        Json::Object(members) => {
            for (name, value) in members {
                self::members(value, format!("{place}/{name}"), found);
            }
        }
        Json::Null => {}
        leaf => found.push((place, leaf.to_string())),
    }
}

/// Returns the values of each record without nulls: null and absent mean the same.
fn values(records: &Json) -> Vec<(String, Vec<(String, String)>)> {
    let records = records.as_object().unwrap().iter();
    let of = |(key, record): (&String, &Json)| {
        let mut found = Vec::new();
        members(record, String::new(), &mut found);
        (key.clone(), found)
    };
    records.map(of).collect()
}

struct Outcome {
    stop: Option<String>,
    states: String,
    invalid: Vec<String>,
    before: Json,
    after: Json,
}

fn import(target: &str, vary: Vec<Variation>, key: Option<&str>) -> Outcome {
    let folder = Folder::new();
    let spec = targets::load(target).unwrap();
    let mut roster = roster_for(&spec);
    if let Some(key) = key {
        // Without the other key columns.
        let mut rows = csv::Reader::from_reader(roster.as_bytes());
        let header = rows.headers().unwrap().clone();
        let keys: Vec<&str> = spec
            .keys()
            .iter()
            .map(|key| spec.fields[*key].name())
            .collect();
        let kept: Vec<usize> = (0..header.len())
            .filter(|at| &header[*at] == key || !keys.contains(&&header[*at]))
            .collect();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(kept.iter().map(|at| &header[*at]))
            .unwrap();
        for row in rows.records() {
            let row = row.unwrap();
            csv.write_record(kept.iter().map(|at| &row[*at])).unwrap();
        }
        let narrow = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        folder.write("r.csv", &narrow);
    } else {
        folder.write("r.csv", &roster);
    }
    let options = SandboxOptions {
        depth: 1e9,
        interval: Duration::from_nanos(1),
        vary,
        ..SandboxOptions::default()
    };
    // The comparison uses the normalized value.
    roster = roster.replace("16956", "169 56");
    let api = Description::parse(&targets::text(target).unwrap()).unwrap();
    let sandbox = Sandbox::playing(&options, api, &seed_of(&roster), Arc::new(SystemClock));
    let sandbox = Arc::new(sandbox);
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), TARGET_PATH);
    let before = sandbox.any_records();
    let variables = spec.variables.keys();
    let run = LibraryRun {
        target: Some(target.to_owned()),
        variables: variables
            .filter(|name| spec.field(name).is_none())
            .map(|name| (name.clone(), "x".to_owned()))
            .collect(),
        ..LibraryRun::new()
    };
    let ended = run.import(&folder, "r.csv", &base_url).unwrap();
    let results = folder.csv("r.results.csv", b',');
    let code = results[0]
        .iter()
        .position(|name| name == "import_error_code");
    let code = code.unwrap();
    let invalid = results[1..].iter().map(|row| row[code].clone());
    Outcome {
        stop: ended.stop.map(|stop| stop.for_person()),
        states: format!("{:?}", ended.summary.states),
        invalid: invalid.filter(|code| !code.is_empty()).collect(),
        before,
        after: sandbox.any_records(),
    }
}

#[test]
fn an_api_that_differs_from_its_target_file_never_corrupts_data() {
    let folder = Folder::new();
    let (shipped, listed) = (shipped(), listed_only(&folder));
    std::thread::scope(|scope| {
        for target in &shipped {
            scope.spawn(|| vary(target, true));
        }
        for target in &listed {
            scope.spawn(|| vary(target, false));
        }
    });
}

/// Imports to a target under every variation, and also by another key if `by_others` is set.
fn vary(target: &str, by_others: bool) {
    let spec = targets::load(target).unwrap();
    let usual = import(target, Vec::new(), None);
    assert_eq!(usual.stop, None, "{target}");
    assert_eq!(usual.invalid, Vec::<String>::new(), "{target}");
    let expected = values(&usual.after);
    assert_eq!(expected.len(), ROWS, "{target}");
    assert_ne!(values(&usual.before), expected, "{target}: nothing to do");
    let others = spec
        .keys()
        .into_iter()
        .filter(|_| by_others && spec.is_readable());
    let others = others.map(|key| spec.fields[key].name()).skip(1).take(1);
    let keys: Vec<Option<&str>> = std::iter::once(None).chain(others.map(Some)).collect();
    let described = |one: &Variation| !one.is_of_built_in();
    let all = Variation::ALL.into_iter().map(|(variation, _)| variation);
    for variation in all.filter(described) {
        for key in &keys {
            let name = format!("{} {variation} by {key:?}", spec.name);
            let got = import(target, vec![variation], *key);
            assert_eq!(got.invalid, Vec::<String>::new(), "{name}: {:?}", got.stop);
            let (before, after) = (values(&got.before), values(&got.after));
            let unnamed = |records: &[(String, Vec<(String, String)>)]| -> Vec<_> {
                let all = records.iter().flat_map(|(_, values)| values);
                let own = all.filter(|(place, _)| place.contains("Unnamed"));
                own.cloned().collect()
            };
            assert_eq!(unnamed(&after), unnamed(&before), "{name}");
            match &got.stop {
                Some(why) => {
                    assert!(why.contains("lookup."), "{name}: {why}");
                    assert_eq!(before, after, "{name}: {why}");
                }
                None => {
                    let named: Vec<_> = after
                        .iter()
                        .map(|(key, values)| {
                            let mut values = values.clone();
                            values.retain(|(place, _)| !place.contains("Unnamed"));
                            (key.clone(), values)
                        })
                        .collect();
                    assert_eq!(named, expected, "{name}: {}", got.states);
                }
            }
        }
    }
}
