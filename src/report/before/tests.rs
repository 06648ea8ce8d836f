//! Unit tests of `report::before`.

use serde_json::json;

use super::super::tests::{Held, journal_of, outcome, rows_of};
use super::*;

type Rows = Option<Vec<Vec<String>>>;

/// A request that changes these fields and also sends the required ones.
fn call(row: u64, changes: &[(&str, Option<Json>, Json)]) -> Call {
    let change = |(field, from, to): &(&str, Option<Json>, Json)| Change {
        field: (*field).into(),
        from: from.clone(),
        to: to.clone(),
    };
    let names: Vec<&str> = changes.iter().map(|(field, ..)| *field).collect();
    Call {
        key: format!("key-{row}"),
        path: format!("/student/id%20{row}"),
        body: json!({
            "firstName": "sent along",
            "lastName": "also sent",
            "gender": "Other",
            "address": { "postalCity": "Solna" },
        })
        .to_string()
        .into_bytes(),
        changed: names.join(" "),
        changes: changes.iter().map(change).collect(),
        ..Call::default()
    }
}

fn held(row: u64, state: RowState, changes: &[(&str, Option<Json>, Json)]) -> Held {
    Held {
        row,
        call: Some(call(row, changes)),
        outcome: Some(outcome(row, state)),
        ..Held::default()
    }
}

fn updated(row: u64, changes: &[(&str, Option<Json>, Json)]) -> Held {
    held(row, RowState::Updated, changes)
}

fn meitner() -> TargetSpec {
    crate::targets::load("meitner").unwrap()
}

/// Returns a temporary folder and a path in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.before.csv");
    (folder, path)
}

fn read(written: Option<PathBuf>) -> Rows {
    written.map(|path| rows_of(&path, b','))
}

fn before(rows: Vec<Held>) -> Rows {
    let (_folder, path) = place();
    let (journal, run) = journal_of(rows);
    let like = Like::ours(Placing::Replace);
    read(write_before(&journal, run, &meitner(), &path, like).unwrap())
}

fn cells(rows: &[&[&str]]) -> Rows {
    let row = |row: &&[&str]| row.iter().map(|&cell| cell.to_owned()).collect();
    Some(rows.iter().map(row).collect())
}

#[test]
fn replaced_values_can_be_imported_again() {
    let rows = before(vec![
        updated(1, &[("postal_city", Some(json!("Åre")), json!("Solna"))]),
        updated(
            2,
            &[
                ("gender", Some(Json::Null), json!("Male")),
                ("postal_city", Some(json!("")), json!("Solna")),
            ],
        ),
        updated(
            3,
            &[("identity_temporary", Some(json!(true)), json!(false))],
        ),
        // A cell that a spreadsheet would evaluate is escaped.
        updated(4, &[("postal_city", Some(json!("=1+1")), json!("Solna"))]),
        // The response is unknown, so the value may have been replaced.
        held(
            5,
            RowState::Unknown,
            &[("gender", Some(json!("Male")), json!("Other"))],
        ),
        // These rows replaced nothing.
        held(
            6,
            RowState::Rejected,
            &[("gender", Some(json!("Male")), json!("Other"))],
        ),
        held(
            7,
            RowState::Failed,
            &[("gender", Some(json!("Male")), json!("Other"))],
        ),
    ]);
    let expected = cells(&[
        &["id", "gender", "identity_temporary", "postal_city"],
        &["id 1", "", "", "Åre"],
        &["id 2", "<null>", "", "<null>"],
        &["id 3", "", "true", ""],
        &["id 4", "", "", "=\"=1+1\""],
        &["id 5", "Male", "", ""],
    ]);
    assert_eq!(rows, expected);
}

#[test]
fn a_required_column_contains_the_value_that_was_sent_along() {
    let rows = before(vec![
        updated(1, &[("first_name", Some(json!("Eva")), json!("Ewa"))]),
        // The required first name has the record's value; the optional gender is empty.
        updated(2, &[("last_name", Some(json!("Ek")), json!("Eek"))]),
        updated(3, &[("gender", Some(json!("Male")), json!("Other"))]),
    ]);
    let expected = cells(&[
        &["id", "first_name", "last_name", "gender"],
        &["id 1", "Eva", "also sent", ""],
        &["id 2", "sent along", "Ek", ""],
        &["id 3", "sent along", "also sent", "Male"],
    ]);
    assert_eq!(rows, expected);
}

#[test]
fn fields_that_were_empty_and_cannot_be_cleared_are_omitted() {
    let rows = before(vec![
        updated(
            1,
            &[
                ("external_source_id", Some(Json::Null), json!("E-1")),
                ("gender", Some(json!("Male")), json!("Other")),
            ],
        ),
        updated(2, &[("external_source_id", Some(json!("")), json!("E-2"))]),
    ]);
    let expected = cells(&[&["id", "gender"], &["id 1", "Male"], &["id 2", ""]]);
    assert_eq!(rows, expected);
    let only = before(vec![updated(
        1,
        &[("external_source_id", Some(Json::Null), json!("E-1"))],
    )]);
    assert_eq!(only, None, "no column is left");
}

#[test]
fn no_file_is_written_if_no_replaced_value_is_known() {
    assert_eq!(before(vec![]), None);
    assert_eq!(
        before(vec![updated(1, &[("gender", None, json!("Other"))])]),
        None
    );
}

#[test]
fn the_file_has_the_headers_and_the_dialect_of_the_imported_roster() {
    let (_folder, path) = place();
    let (journal, run) = journal_of(vec![updated(
        1,
        &[
            ("gender", Some(json!("Male")), json!("Other")),
            ("postal_city", Some(json!("Åre")), json!("Solna")),
        ],
    )]);
    let headers = [
        ("id", "Elev-ID"),
        ("gender", "=Kön"),
        ("first_name", "Namn"),
    ];
    let headers = headers.map(|(field, header)| (field.to_owned(), header.to_owned()));
    let headers = BTreeMap::from(headers);
    let like = Like {
        dialect: Dialect {
            delimiter: b';',
            ..Dialect::PLAIN
        },
        headers: Some(&headers),
        ..Like::ours(Placing::Replace)
    };
    let written = write_before(&journal, run, &meitner(), &path, like).unwrap();
    let rows = rows_of(&written.unwrap(), b';');
    // Headers are not unescaped when they are read, so an unsafe header is replaced by the field name.
    assert_eq!(rows[0], ["Elev-ID", "gender", "postal_city"]);
    assert_eq!(rows[1], ["id 1", "Male", "Åre"]);
}

#[test]
fn restorable_records_are_listed_by_id_only() {
    let updated_of = |rows: Vec<Held>| {
        let (_folder, path) = place();
        let (journal, run) = journal_of(rows);
        let spec = meitner();
        read(
            write_updated(&spec, &path, Placing::Replace, |each| {
                journal.each_change::<ReportError>(run, each)
            })
            .unwrap(),
        )
    };
    let change = [("gender", Some(json!("Male")), json!("Other"))];
    let rows = updated_of(vec![
        updated(1, &change),
        held(2, RowState::Rejected, &change),
        updated(3, &[("gender", None, json!("Other"))]),
        updated(4, &change),
    ]);
    assert_eq!(rows, cells(&[&["id"], &["id 1"], &["id 4"]]));
    assert_eq!(updated_of(vec![held(2, RowState::Rejected, &change)]), None);
}

#[test]
fn the_rest_of_a_run_contains_the_planned_values_of_these_rows() {
    let rest = |rows: &[u64]| {
        let (_folder, path) = place();
        let (journal, run) = journal_of(vec![
            updated(1, &[("gender", Some(json!("Male")), json!("Other"))]),
            held(
                2,
                RowState::Failed,
                &[("gender", Some(json!("Male")), Json::Null)],
            ),
            Held {
                outcome: None,
                ..held(
                    3,
                    RowState::NotSent,
                    &[("postal_city", None, json!("Solna"))],
                )
            },
        ]);
        let spec = meitner();
        read(write_rest(&journal, run, &spec, rows, &path, Placing::Replace).unwrap())
    };
    let both = cells(&[
        &["id", "gender", "postal_city"],
        &["id 2", "<null>", ""],
        &["id 3", "", "Solna"],
    ]);
    assert_eq!(rest(&[2, 3, 9]), both);
    assert_eq!(rest(&[1]), cells(&[&["id", "gender"], &["id 1", "Other"]]));
    assert_eq!(rest(&[]), None);
}

/// Returns the target with its postal city as a list of this mode.
fn with_list(mode: ListMode) -> TargetSpec {
    let mut spec = meitner();
    let city = spec.field("postal_city").unwrap();
    let field = &mut spec.fields[city];
    field.kind = crate::targets::Kind::List;
    field.items = Some(crate::targets::Kind::Text);
    field.mode = Some(mode);
    spec
}

#[test]
fn a_list_is_written_as_a_row_that_produces_it() {
    let list = |values: &[&str]| json!(values);
    // Each case has the list mode, the list before and after, and the expected cells for the previous values
    // and for the row. Without a cell, no roster is written.
    for (mode, from, to, was, said) in [
        (
            ListMode::Replace,
            Some(list(&["a", "b"])),
            list(&["c"]),
            Some("a;b"),
            Some("c"),
        ),
        (
            ListMode::Replace,
            Some(list(&[])),
            list(&["c"]),
            Some("<null>"),
            Some("c"),
        ),
        (
            ListMode::Replace,
            Some(list(&["a"])),
            list(&[]),
            Some("a"),
            Some("<null>"),
        ),
        // The value contains the separator, so no cell can restore it.
        (
            ListMode::Replace,
            Some(list(&["a;b"])),
            list(&["c"]),
            None,
            Some("c"),
        ),
        (ListMode::Replace, None, list(&["c"]), None, Some("c")),
        (
            ListMode::Add,
            Some(list(&["a", "b"])),
            list(&["a", "b", "c"]),
            None,
            Some("c"),
        ),
        (
            ListMode::Add,
            Some(Json::Null),
            list(&["c"]),
            None,
            Some("c"),
        ),
        (ListMode::Add, None, list(&["a", "c"]), None, Some("a;c")),
        (
            ListMode::Add,
            Some(list(&["a"])),
            list(&[]),
            None,
            Some("<null>"),
        ),
        (
            ListMode::Remove,
            Some(list(&["a", "b"])),
            list(&["a"]),
            None,
            Some("b"),
        ),
        // Without the previous list, the values to remove are unknown.
        (ListMode::Remove, None, list(&["a"]), None, None),
    ] {
        let spec = with_list(mode);
        let changes = [("postal_city", from.clone(), to.clone())];
        let mut held = updated(1, &changes);
        let sent = json!({"address": {"postalCity": to}});
        held.call.as_mut().unwrap().body = sent.to_string().into_bytes();
        let (_folder, path) = place();
        let (journal, run) = journal_of(vec![held]);
        let ours = || Like::ours(Placing::Replace);
        let cell = |rows: Rows| rows.map(|rows| rows[1][1].clone());
        let before = cell(read(
            write_before(&journal, run, &spec, &path, ours()).unwrap(),
        ));
        assert_eq!(before.as_deref(), was, "{mode:?} {from:?} {to}");
        let placing = Placing::Replace;
        let rest = write_rest(&journal, run, &spec, &[1], &path, placing).unwrap();
        assert_eq!(cell(read(rest)).as_deref(), said, "{mode:?} {from:?} {to}");
    }
}
