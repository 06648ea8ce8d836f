//! A small target and roster for the tests of the checks.

use std::sync::Arc;

use super::{CheckOptions, CheckedRow, Checker};
use crate::map::{ColumnMap, MapOptions};
use crate::model::Problem;
use crate::read::{Input, RawRow, ReadError, ReadOptions, Table};
use crate::targets::TargetSpec;

/// A target without fields.
const TARGET: &str = r#"
name = "club"
title = "A club"
record = "member"
region = "SE"
environments.production = "https://api.example.se"
sign_in = [{ kind = "bearer", token = "API_TOKEN" }]
answers = { retry = [429], reject = [422], stop = [401] }
quota = { requests = 60, per = "m", burst = 10 }

[update]
method = "PATCH"
idempotent = true

[[fields]]
name = "id"
kind = "text"
in = "path"
unique = true
"#;

/// Builds a target with the field `id` and others, each given by its name and its other keys in TOML. The API
/// replaces `/address` as a whole.
pub(super) fn target(fields: &[(&str, &str)]) -> Arc<TargetSpec> {
    let mut path = "/members/{id}".to_owned();
    let (mut text, mut whole) = (String::new(), "");
    for (name, keys) in fields {
        if keys.contains("in = \"path\"") {
            path += &format!("/{{{name}}}");
        }
        if keys.contains("/address/") {
            whole = "whole = [\"/address\"]";
        }
        let pointer = match keys.contains("pointer") {
            true => String::new(),
            false => format!("pointer = \"/{name}\"\n"),
        };
        text += &format!("\n[[fields]]\nname = \"{name}\"\n{pointer}{keys}\n");
    }
    let update = format!("idempotent = true\npath = \"{path}\"\n{whole}");
    let text = TARGET.replace("idempotent = true", &update) + &text;
    Arc::new(crate::targets::parse("club.toml", &text).unwrap())
}

/// Loads a built-in target.
pub(super) fn built_in(name: &str) -> Arc<TargetSpec> {
    Arc::new(crate::targets::load(name).unwrap())
}

/// A roster and its checker.
pub(super) struct Roster {
    pub(super) input: Input,
    pub(super) checker: Checker,
    _folder: tempfile::TempDir,
}

impl Roster {
    /// Opens a roster with default options. Records are read first, so the file requires only a key column.
    pub(super) fn of(spec: &Arc<TargetSpec>, text: &str) -> Roster {
        Roster::with(spec, text, |_| {})
    }

    /// Opens a roster with other options.
    pub(super) fn with(
        spec: &Arc<TargetSpec>,
        text: &str,
        set: impl FnOnce(&mut CheckOptions),
    ) -> Roster {
        Roster::open(spec, text.as_bytes(), set)
    }

    /// Opens a workbook.
    pub(super) fn of_bytes(spec: &Arc<TargetSpec>, bytes: &[u8]) -> Roster {
        Roster::open(spec, bytes, |_| {})
    }

    fn open(spec: &Arc<TargetSpec>, bytes: &[u8], set: impl FnOnce(&mut CheckOptions)) -> Roster {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roster.csv");
        std::fs::write(&path, bytes).unwrap();
        let input = Input::open(&path, &ReadOptions::default()).unwrap();
        let map = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let map = ColumnMap::new(input.header(), spec, &map).unwrap();
        let mut options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
        set(&mut options);
        Roster {
            checker: Checker::new(spec.clone(), Arc::new(map), options),
            input,
            _folder: folder,
        }
    }

    /// Calls `look` for each table of rows.
    pub(super) fn tables<T: Send>(&self, look: impl Fn(&Table) -> T + Sync) -> Vec<T> {
        let mut all = Vec::new();
        self.input
            .scan(look, |found| {
                all.push(found);
                Ok::<bool, ReadError>(true)
            })
            .unwrap();
        all
    }

    /// Checks each row and calls `look` for it.
    pub(super) fn each<T: Send>(
        &self,
        look: impl Fn(&RawRow<'_>, CheckedRow<'_>) -> T + Sync,
    ) -> Vec<T> {
        let of = |row: RawRow<'_>| look(&row, self.checker.check(&row));
        let all = self.tables(|table| table.rows().map(of).collect::<Vec<T>>());
        all.into_iter().flatten().collect()
    }

    /// Returns the findings of each row: the codes of its problems, its doubts with the prefix `?`, and its
    /// repairs with the prefix `~`.
    pub(super) fn found(&self) -> Vec<String> {
        self.each(|_, row| {
            let named = |mark: &str, found: &[Problem]| -> Vec<String> {
                found
                    .iter()
                    .map(|one| format!("{mark}{}", one.code))
                    .collect()
            };
            let all = [
                named("", &row.problems),
                named("?", &row.doubts),
                named("~", &row.restored),
            ];
            all.concat().join(" ")
        })
    }

    /// Returns the values of each row, by field: `-` for no value, `null` for a cleared field.
    pub(super) fn values(&self) -> Vec<String> {
        self.each(|_, row| {
            let values = row.values.iter().map(|value| match value {
                None => "-".to_owned(),
                Some(value) => value.to_json().to_string(),
            });
            values.collect::<Vec<_>>().join(" ")
        })
    }
}
