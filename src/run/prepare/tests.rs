//! Tests of `run/prepare`.

use super::*;
use crate::run::tests::{Desk, unreadable};

#[test]
fn the_number_of_rows_is_limited_by_the_journal() {
    assert!(refuse_too_many(Path::new("r.csv"), MOST_ROWS).is_ok());
    let error = refuse_too_many(Path::new("r.csv"), MOST_ROWS + 1).unwrap_err();
    assert!(error.to_string().contains("r.csv"), "{error}");
}

#[test]
fn required_columns_may_be_missing_if_records_are_readable() {
    let roster = "id,email\np1,a@b.se\n";
    let mut desk = Desk::new(roster);
    let prepared = desk.prepared();
    assert_eq!((prepared.survey.rows, prepared.survey.invalid), (1, 0));
    desk.settings.roster.sparse = false;
    assert!(matches!(desk.try_prepare(), Err(RunError::Map { .. })));
    let never = Desk::at(&unreadable(), roster);
    assert!(matches!(never.try_prepare(), Err(RunError::Map { .. })));
    // A row may lack its id if another key finds the record.
    let mut desk = Desk::new("email,id,name\na@b.se,,Åsa\n");
    assert_eq!(desk.prepared().survey.invalid, 1);
    desk.settings.roster.key = Some("email".into());
    assert_eq!(desk.prepared().survey.invalid, 0);
}

#[test]
fn records_are_found_by_the_best_key_that_the_file_has() {
    let key = |roster: &str| {
        let prepared = Desk::new(roster).prepared();
        let key = prepared.survey.key().unwrap();
        prepared.checker.spec().fields[key].name().to_owned()
    };
    assert_eq!(key("email,id,name\na@b.se,p1,Åsa\n"), "id");
    assert_eq!(key("email,name\na@b.se,Åsa\n"), "email");
}

#[test]
fn a_named_key_must_be_a_key_with_a_column() {
    let asked = |name: &str, roster: &str, sparse| {
        let mut desk = Desk::new(roster);
        desk.settings.roster.key = Some(name.to_owned());
        desk.settings.roster.sparse = sparse;
        match desk.try_prepare() {
            Ok(prepared) => {
                let key = prepared.survey.key().unwrap();
                Ok(prepared.checker.spec().fields[key].name().to_owned())
            }
            Err(RunError::Key { field, known }) => {
                assert_eq!(field, name);
                Err(known
                    .iter()
                    .map(|key| key.as_str().to_owned())
                    .collect::<Vec<_>>())
            }
            Err(other) => panic!("{other}"),
        }
    };
    let roster = "id,name,email\np1,Åsa,a@b.se\n";
    assert_eq!(asked("email", roster, true), Ok("email".into()));
    assert_eq!(asked("id", roster, true), Ok("id".into()));
    assert_eq!(asked("id", roster, false), Ok("id".into()));
    assert_eq!(
        asked("email", roster, false),
        Err(vec!["id".into()]),
        "nothing is read"
    );
    assert_eq!(
        asked("name", roster, true),
        Err(vec!["id".into(), "email".into()])
    );
    assert_eq!(
        asked("email", "id,name\np1,Åsa\n", true),
        Err(vec!["id".into()])
    );
}

#[test]
fn a_file_without_rows_is_refused() {
    assert!(refuse_empty(&Desk::new("id,name\np1,Åsa\n").prepared()).is_ok());
    let error = refuse_empty(&Desk::new("id,name\n").prepared()).unwrap_err();
    assert!(matches!(error, RunError::Read(ReadError::NoRows { .. })));
}

const ROSTER: &str =
    "id,name,email\np1,Åsa,a@b.se\np2,Bo,nonsense\n\np3,Cy,c@b.se\np3,Di,rubbish\n";

#[test]
fn corrected_cells_are_checked_again() {
    let mut prepared = Desk::new(ROSTER).prepared();
    assert_eq!(prepared.survey.invalid, 2);
    let mut mends = Mends::default();
    mends.set(2, 2, "b@b.se".into());
    prepared.mend(mends).unwrap();
    assert_eq!(prepared.survey.invalid, 1);
}

#[test]
fn problems_are_reported_with_their_rows_in_file_order() {
    let prepared = Desk::new(ROSTER).prepared();
    let mut seen = Vec::new();
    let each = |at: RowAt, problem: &Problem| {
        seen.push((at.row, at.sheet_row, problem.field.clone()));
        Ok::<(), RunError>(())
    };
    row_problems(&prepared, each).unwrap();
    let seen: Vec<(u64, u64, &str)> = seen
        .iter()
        .map(|(row, line, field)| (*row, *line, &**field))
        .collect();
    assert_eq!(seen, [(2, 3, "email"), (4, 6, "email"), (4, 6, "id")]);
    let broken = row_problems(&prepared, |_, _| Err(RunError::Died));
    assert!(matches!(broken, Err(RunError::Died)));
}

#[test]
fn requested_rows_are_returned_with_all_problems() {
    let prepared = Desk::new(ROSTER).prepared();
    let seen = rows_seen(&prepared, |_, checked| !checked.problems.is_empty()).unwrap();
    let rows: Vec<(u64, usize)> = seen
        .iter()
        .map(|row| (row.at.row, row.problems.len()))
        .collect();
    assert_eq!(rows, [(2, 1), (4, 2)]);
    assert_eq!(seen[0].cells, ["p2", "Bo", "nonsense"]);
    let named = |row: &RawRow<'_>| row.cells().any(|cell| cell.bytes() == b"p3");
    assert_eq!(row_numbers(&prepared, named).unwrap(), [3, 4]);
}

#[test]
fn a_column_that_resembles_a_field_is_reported_with_its_position() {
    let told = |roster: &str| {
        let desk = Desk::new(roster);
        desk.prepared();
        let events = desk.watched.events().into_iter();
        let columns = events.filter_map(|event| match event {
            RunEvent::Unmapped(columns) => Some(columns),
            _ => None,
        });
        let words = columns.map(|columns| {
            let columns = columns.iter();
            columns
                .map(|one| format!("{} {}", one.at, one.field.as_str()))
                .collect::<Vec<_>>()
        });
        words.collect::<Vec<_>>()
    };
    assert_eq!(told("id,name,stret\np1,Åsa,S\n"), [["3 street"]]);
    assert!(told("id,name,street\np1,Åsa,S\n").is_empty());
}

#[test]
fn a_workbook_with_several_rosters_requires_a_sheet() {
    let refused = |headers: [[&str; 2]; 2], named: Option<&str>| {
        let mut book = rust_xlsxwriter::Workbook::new();
        for (number, header) in (1..).zip(headers) {
            let sheet = book.add_worksheet();
            sheet.set_name(format!("Class {number}")).unwrap();
            sheet.write_row(0, 0, header).unwrap();
            sheet.write_row(1, 0, ["p1", "Åsa"]).unwrap();
        }
        let mut desk = Desk::new("");
        desk.put_workbook(book);
        desk.settings.roster.read.sheet = named.map(str::to_owned);
        match desk.try_prepare() {
            Ok(_) => Vec::new(),
            Err(RunError::Read(ReadError::SeveralSheets { sheets, .. })) => sheets,
            Err(other) => panic!("{other}"),
        }
    };
    let (roster, other) = (["id", "name"], ["Term", "Room"]);
    assert_eq!(refused([roster, roster], None), ["Class 1", "Class 2"]);
    assert_eq!(refused([other, roster], None), ["Class 2"]);
    assert!(refused([roster, other], None).is_empty());
    assert!(refused([roster, roster], Some("Class 2")).is_empty());
}

#[test]
fn an_edit_releases_no_row_about_a_protected_person() {
    let roster = "id,name,email,Skyddad\np1,Åsa,a@b.se,Ja\np2,Bo,A@B.se,\np3,Cy,c@b.se,\np4,Di\n\
                  p5,Ek,e@b.se,\np1,Fi,f@b.se,\n";
    let empty = |prepared: &Prepared| {
        let is_empty = |row: &RawRow<'_>| row.cells().all(|cell| cell.bytes().is_empty());
        row_numbers(prepared, is_empty).unwrap()
    };
    let mut prepared = Desk::new(roster).prepared();
    // Any key may be empty. The damaged row counts too.
    assert_eq!(empty(&prepared), [1, 2, 4, 6]);
    assert_eq!(prepared.survey.withheld, [2, 3, 7]);
    for (row, column, text, withheld) in [
        (1, 3, "Nej", &[2, 3, 7][..]),
        (1, 0, "p9", &[2, 3, 7]),
        (2, 2, "b@b.se", &[2, 3, 7]),
        (4, 1, "Dan", &[2, 3, 7]),
        (3, 3, "Ja", &[2, 3, 4, 7]),
        (5, 0, "p1", &[2, 3, 6, 7]),
    ] {
        let mut mends = Mends::default();
        mends.set(row, column, text.into());
        prepared.mend(mends).unwrap();
        assert_eq!(prepared.survey.withheld, withheld, "{row} {text}");
        assert!(
            [1, 2, 4, 6]
                .iter()
                .all(|row| empty(&prepared).contains(row))
        );
    }
}
