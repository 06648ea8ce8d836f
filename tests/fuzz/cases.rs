//! What must hold for any input whatever. The fuzzers call these with bytes of their own making,
//! and the ordinary tests with the bytes that were kept.

use std::io::Write;
use std::sync::Arc;

use rosterpatch::check::{CheckOptions, Checker, DuplicatePolicy, survey};
use rosterpatch::map::{ColumnMap, MapOptions};
use rosterpatch::plan::Planner;
use rosterpatch::read::{Input, ReadError, ReadOptions};
use rosterpatch::targets;

/// Reads, maps, checks and plans a file of these bytes: it may be refused, but nothing panics,
/// rows are numbered without a gap, and what the checks accept they accept again unchanged.
pub fn roster(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file");
    let Ok(input) = Input::open(file.path(), &ReadOptions::default()) else {
        return;
    };
    let mut next = 1;
    let mut offset = 0;
    let numbered = input.scan(
        |table| table.rows().map(|row| row.at).collect::<Vec<_>>(),
        |rows| {
            for at in rows {
                assert_eq!(at.row, next);
                assert!(at.offset >= offset && at.line >= at.row);
                (next, offset) = (next + 1, at.offset);
            }
            Ok::<bool, ReadError>(true)
        },
    );
    let spec = Arc::new(targets::load("meitner").expect("the built-in target"));
    // Whatever the header says, the first columns are taken for fields.
    let overrides = input
        .header()
        .iter()
        .zip(&spec.fields)
        .filter(|(name, _)| !name.trim().is_empty())
        .map(|(name, field)| (name.clone(), field.name().to_owned()))
        .collect();
    let Ok(map) = ColumnMap::new(
        input.header(),
        &spec,
        &MapOptions {
            overrides,
            sparse: false,
            of_results: false,
        },
    ) else {
        return;
    };
    let options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
    let checker = Checker::new(spec.clone(), Arc::new(map), options);
    let found = survey(
        &input,
        &checker,
        spec.key_field(),
        DuplicatePolicy::Error,
        7,
    );
    assert_eq!(found.is_ok(), numbered.is_ok());
    let planner = Planner::new(spec.clone(), Default::default());
    let again = |table: &rosterpatch::read::Table| {
        for row in table.rows() {
            let checked = checker.check(&row);
            for (field, value) in spec.fields.iter().zip(&checked.values) {
                let Some(value) = value else {
                    continue;
                };
                let json = value.to_json();
                assert!(
                    json.is_null() || !value.as_text().is_empty(),
                    "{}",
                    field.name()
                );
            }
            if checked.is_valid() {
                let call = planner.call(&checked, "");
                assert!(!call.path.contains(['?', '#', ' ']));
                assert!(!call.body.is_empty());
            }
        }
    };
    let _ = input.scan(again, |()| Ok::<bool, ReadError>(true));
}

/// Reads a target file of this text: it may be refused, but nothing panics, and what is accepted
/// can be shown.
pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match targets::parse("fuzz.toml", text) {
        Ok(spec) => {
            assert!(spec.key_field().is_some());
            assert!(rosterpatch::report::target_text(&spec).contains(&spec.name));
        }
        Err(error) => assert!(error.to_string().contains("fuzz.toml")),
    }
}
