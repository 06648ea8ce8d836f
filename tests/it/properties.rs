//! Property tests of the checks: accepted values are accepted again unchanged, and the request body equals
//! the cells.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rosterpatch::check::{CheckOptions, CheckedRow, Checker};
use rosterpatch::map::{ColumnMap, MapOptions};
use rosterpatch::plan::Planner;
use rosterpatch::read::{Input, ReadError, ReadOptions};
use rosterpatch::targets::{self, Place, TargetSpec};

/// Parsed once, because a debug build takes longer for it than for a case.
fn spec() -> Arc<TargetSpec> {
    static SPEC: LazyLock<Arc<TargetSpec>> =
        LazyLock::new(|| Arc::new(targets::load("meitner").unwrap()));
    Arc::clone(&SPEC)
}

/// Returns the row's values by field and its request body, or `None` if a cell has a problem.
fn checked(
    cells: &[(String, String)],
) -> Option<(Vec<Option<serde_json::Value>>, serde_json::Value)> {
    let spec = spec();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .from_path(file.path())
        .unwrap();
    writer
        .write_record(cells.iter().map(|(name, _)| name))
        .unwrap();
    writer
        .write_record(cells.iter().map(|(_, cell)| cell))
        .unwrap();
    writer.flush().unwrap();
    let options = ReadOptions {
        delimiter: Some(b';'),
        ..ReadOptions::default()
    };
    let input = Input::open(file.path(), &options).ok()?;
    let map = ColumnMap::new(input.header(), &spec, &MapOptions::default()).unwrap();
    let today = jiff::civil::date(2026, 8, 1);
    let checker = Checker::new(spec.clone(), Arc::new(map), CheckOptions::new(today));
    let planner = Planner::new(spec, Default::default());
    let mut found = None;
    let _ = input.scan(
        |table| {
            let row = table.rows().next()?;
            let checked = checker.check(&row);
            checked.is_valid().then(|| {
                let values: Vec<_> = checked
                    .values
                    .iter()
                    .map(|value| value.as_ref().map(|v| v.to_json()))
                    .collect();
                let body = serde_json::from_slice(&planner.call(&checked, "").body).unwrap();
                (values, body)
            })
        },
        |result| {
            found = result;
            Ok::<bool, ReadError>(true)
        },
    );
    found
}

fn base() -> Vec<(String, String)> {
    [
        ("id", "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11"),
        ("identity_number", "20100402-2388"),
        ("first_name", "Åsa"),
        ("last_name", "Ek"),
    ]
    .map(|(name, cell)| (name.to_owned(), cell.to_owned()))
    .into()
}

fn with(field: &str, cell: &str) -> Vec<(String, String)> {
    let mut cells = base();
    cells.retain(|(name, _)| name != field);
    cells.push((field.to_owned(), cell.to_owned()));
    cells
}

/// Generates text that resembles the values of fields.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{6,8}[-+ ]?[0-9TF]{4}",
        "(19|20)[0-9]{2}[-/.]?[01]?[0-9][-/.]?[0-3]?[0-9]",
        "[0-3]?[0-9][./][01]?[0-9][./]20[01][0-9]",
        "(\\+46|0046|0|46|)(7[02369]|8)[ -]?[0-9]{3}[ -]?[0-9]{2} ?[0-9]{2}",
        "(SE-|S-|)[1-9][0-9]{2} ?[0-9]{2}",
        "[0-2]?[0-9]{3}",
        "[a-zåäö.]{1,8}@[a-z]{1,6}\\.(se|com|x)",
        "(Kvinna|man|K|Annat|Female|SANT|falskt|Ja|nej|1|0)",
        "(Sverige|SE|swe|Norge|NOR|Tyskland|Finland|XX)",
        "[{]?[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[}]?",
        "\\PC{0,12}",
        "[ a-zåäöÅÄÖ'-]{1,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn accepted_values_are_accepted_again_unchanged(index in 0usize..18, cell in cell()) {
        let spec = spec();
        let field = &spec.fields[index % spec.fields.len()];
        if let Some((values, body)) = checked(&with(field.name(), &cell))
            && let Some(value) = &values[index % spec.fields.len()]
        {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => "<null>".to_owned(),
                other => other.to_string(),
            };
            // Values with these first characters are written to files as a formula that contains only text.
            let cell = match text.starts_with(['\'', '=', '#']) {
                true => format!("=\"\"&\"{}\"", text.replace('"', "\"\"")),
                false => text.clone(),
            };
            let again = checked(&with(field.name(), &cell));
            prop_assert_eq!(again.as_ref().map(|(values, _)| values), Some(&values), "{}", text);
            if field.place == Place::Body {
                prop_assert_eq!(body.pointer(field.pointer.as_str()), Some(value));
            }
        }
    }

    #[test]
    fn the_request_body_contains_exactly_the_rows_values(fields in prop::collection::vec((0usize..18, cell()), 0..6)) {
        let spec = spec();
        let mut cells = base();
        for (index, cell) in fields {
            let name = spec.fields[index % spec.fields.len()].name().to_owned();
            if !cells.iter().any(|(other, _)| *other == name) {
                cells.push((name, cell));
            }
        }
        let Some((values, body)) = checked(&cells) else {
            return Ok(());
        };
        let mut leaves = 0;
        for (field, value) in spec.fields.iter().zip(&values) {
            if field.place == Place::Body {
                prop_assert_eq!(body.pointer(field.pointer.as_str()), value.as_ref());
                leaves += usize::from(value.is_some());
            }
        }
        prop_assert_eq!(count_leaves(&body), leaves);
    }
}

fn count_leaves(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::Object(map) => map.values().map(count_leaves).sum(),
        _ => 1,
    }
}

/// Checks a file's rows in one reused row and, for comparison, each in a new one.
fn checked_twice(target: &str, text: &str) -> Vec<(String, String)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let options = ReadOptions {
        delimiter: Some(b';'),
        ..ReadOptions::default()
    };
    let input = Input::open(file.path(), &options).unwrap();
    let spec = Arc::new(targets::load(target).unwrap());
    let options = MapOptions {
        sparse: true,
        ..MapOptions::default()
    };
    let map = ColumnMap::new(input.header(), &spec, &options).unwrap();
    let today = jiff::civil::date(2026, 8, 1);
    let checker = Checker::new(spec, Arc::new(map), CheckOptions::new(today));
    let mut found = Vec::new();
    input
        .scan(
            |table| {
                let mut reused = CheckedRow::default();
                let pair = |row| {
                    checker.check_into(&row, &mut reused);
                    (format!("{reused:?}"), format!("{:?}", checker.check(&row)))
                };
                table.rows().map(pair).collect::<Vec<_>>()
            },
            |pairs| {
                found.extend(pairs);
                Ok::<bool, ReadError>(true)
            },
        )
        .unwrap();
    found
}

proptest! {
    /// Rows are checked in place, so a row must not keep a value of an earlier one.
    #[test]
    fn no_row_keeps_values_of_an_earlier_row(
        rows in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![
                    Just(""), Just("<null>"), Just("Åsa"), Just("20100402-2388"), Just("070-174 06 10"),
                    Just("Kvinna"), Just("true"), Just("a@example.se"), Just("0184"), Just("#N/A"),
                    Just("0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11"), Just("admin"),
                ],
                6..9,
            ),
            1..8,
        )
    ) {
        for (target, header) in [
            ("meitner", "id;identity_number;first_name;gender;identity_temporary;phone_number1;email_address1;municipality_code"),
            ("pathwright", "external_id;first_name;last_name;email;membership_type;language;a;b"),
        ] {
            let rows: Vec<String> = rows.iter().map(|cells| cells.join(";")).collect();
            let text = format!("{header}\nx;;;;;;;\n{}\n", rows.join("\n"));
            for (reused, own) in checked_twice(target, &text) {
                prop_assert_eq!(reused, own);
            }
        }
    }
}
