//! Typed workbook cells, unusual but valid workbooks, and hidden sheets and rows.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::process::{Command, Stdio};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use serde_json::{Value as Json, json};

use crate::harness::{
    Folder, identity_number, office, plain_id, plain_roster, repository, stderr, stdout,
};
use crate::machine::{has_command, installed};

const HEADER: [&str; 5] = [
    "id",
    "identity_number",
    "first_name",
    "last_name",
    "external_source_id",
];

/// Maps the last column to a field that an empty cell can clear.
const CLEARING: &str = "--empty clear --map external_source_id=postal_address";

/// Returns the expected first four cells of a row.
fn person(row: u32) -> [String; 4] {
    let number = row as usize;
    [
        plain_id(number),
        identity_number(number),
        "Åsa".into(),
        "Ek".into(),
    ]
}

/// Writes the last cell of a row.
type Writer<'a> = &'a dyn Fn(&mut Worksheet, u32);

/// Writes a header, and one row for each writer of a last cell.
fn fill(sheet: &mut Worksheet, cells: &[Writer<'_>]) {
    for (column, name) in (0..).zip(HEADER) {
        sheet.write_string(0, column, name).unwrap();
    }
    for (row, cell) in (1..).zip(cells) {
        for (column, text) in (0..).zip(person(row)) {
            sheet.write_string(row, column, text).unwrap();
        }
        cell(sheet, row);
    }
}

/// Returns, for each row, the problem code of its last cell or the value that is sent.
fn told(folder: &Folder, file: &str, more: &str) -> BTreeMap<u64, String> {
    let output = folder.run(format!(
        "import {file} --target meitner --sandbox --blind --all --fresh --max-invalid 100% --results out.csv {more}"
    ).trim_end());
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{file}: {}",
        stderr(&output)
    );
    let rows = folder.csv("out.csv", b';');
    let at = |name: &str| {
        rows[0]
            .iter()
            .position(|cell| cell.trim_start_matches('\u{FEFF}') == name)
            .unwrap()
    };
    let (last, status) = (at("external_source_id"), at("import_status"));
    let (code, error) = (at("import_error_code"), at("import_error"));
    let (line, warning) = (at("import_line"), at("import_warning"));
    rows[1..]
        .iter()
        .map(|row| {
            let what = match &*row[status] {
                "updated" if row[warning].is_empty() => row[last].clone(),
                "updated" if row[warning].ends_with("number format") => {
                    format!("{} (as shown)", row[last])
                }
                "updated" => format!("{} ({})", row[last], row[warning]),
                _ => {
                    // The message names the cell by its spreadsheet reference.
                    let name = format!("E{}", row[line]);
                    assert!(row[error].contains(&name), "{}", row[error]);
                    row[code].clone()
                }
            };
            (row[line].parse().unwrap(), what)
        })
        .collect()
}

#[test]
fn values_converted_by_a_spreadsheet_are_sent_as_displayed_or_refused() {
    let folder = Folder::new();
    let with = |code: &str| Format::new().set_num_format(code);
    let number = |value: f64, code: &'static str| {
        move |sheet: &mut Worksheet, row: u32| {
            let format = Format::new().set_num_format(code);
            sheet
                .write_number_with_format(row, 4, value, &format)
                .unwrap();
        }
    };
    let (zeros, postal, person) = (
        number(184.0, "0000"),
        number(26131.0, "000\\ 00"),
        number(1_004_022_388.0, "000000\\-0000"),
    );
    let (amount, plain, percent) = (
        number(12345.0, "#,##0"),
        number(201_004_022_388.0, "General"),
        number(0.5, "0%"),
    );
    let (rounded, long) = (number(184.5, "0"), number(1_234_567_890_123_456.0, "0"));
    let date = |sheet: &mut Worksheet, row: u32| {
        let day = ExcelDateTime::from_ymd(2026, 3, 1).unwrap();
        sheet
            .write_with_format(row, 4, day, &with("d\\-mmm"))
            .unwrap();
    };
    let time = |sheet: &mut Worksheet, row: u32| {
        let time = ExcelDateTime::from_hms(10, 15, 0).unwrap();
        sheet
            .write_with_format(row, 4, time, &with("hh:mm"))
            .unwrap();
    };
    let truth = |sheet: &mut Worksheet, row: u32| {
        sheet.write_boolean(row, 4, true).unwrap();
    };
    let error = |sheet: &mut Worksheet, row: u32| {
        let formula = Formula::new("=NA()").set_result("#N/A");
        sheet.write_formula(row, 4, formula).unwrap();
    };
    let text = |sheet: &mut Worksheet, row: u32| {
        sheet.write_string(row, 4, "0184").unwrap();
    };
    let expected: [(Writer<'_>, &str); 13] = [
        (&zeros, "0184 (as shown)"),
        (&postal, "261 31 (as shown)"),
        (&person, "100402-2388 (as shown)"),
        (&amount, "12345"),
        (&plain, "201004022388"),
        (&text, "0184"),
        (&percent, "cell.percentage"),
        (
            &rounded,
            "184.5 (external_source_id: cell E9 contains the number 184.5 but displays another; check which is right, and type it as text)",
        ),
        (&long, "cell.long_number"),
        (&date, "cell.date"),
        (&time, "cell.time"),
        (&truth, "cell.boolean"),
        (&error, "text.spreadsheet_error"),
    ];
    let mut book = Workbook::new();
    let cells: Vec<_> = expected.iter().map(|(cell, _)| *cell).collect();
    fill(book.add_worksheet(), &cells);
    book.save(folder.path("kinds.xlsx")).unwrap();
    let expected: BTreeMap<u64, String> = (2..)
        .zip(expected)
        .map(|(row, (_, what))| (row, what.to_owned()))
        .collect();
    assert_eq!(told(&folder, "kinds.xlsx", ""), expected);
    let output = folder.run("check kinds.xlsx --target meitner");
    assert!(
        stdout(&output).contains("cell.number_format"),
        "restored cells are reported: {}",
        stdout(&output)
    );
    if office().is_none() {
        return;
    }
    // The same workbook, saved by LibreOffice.
    for kind in ["ods", "xls", "xlsx"] {
        folder.rewritten_by_office("kinds.xlsx", kind);
        let found = told(&folder, &format!("office-out/kinds.{kind}"), "");
        assert_eq!(found, expected, "{kind}");
    }
}

/// Writes a workbook with openpyxl, one of these cells per row. Returns `None` if openpyxl is not installed.
fn by_openpyxl(folder: &Folder, name: &str, cells: &[(&str, Json, &str)]) -> Option<()> {
    merged_by_openpyxl(folder, name, cells, &[])
}

/// Like [`by_openpyxl`], with these ranges merged.
fn merged_by_openpyxl(
    folder: &Folder,
    name: &str,
    cells: &[(&str, Json, &str)],
    ranges: &[&str],
) -> Option<()> {
    let python = installed("JUDGES_PYTHON")?;
    let mut child = Command::new(python)
        .arg(repository().join("tests/judges/workbook_kinds.py"))
        .arg(folder.path(name))
        .args(ranges)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let rows: Vec<Json> = (1..)
        .zip(cells)
        .map(|(row, (kind, value, format))| json!([person(row), kind, value, format]))
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(Json::from(rows).to_string().as_bytes())
        .unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    Some(())
}

#[test]
fn cells_by_openpyxl_are_read_as_libreoffice_shows_them() {
    let folder = Folder::new();
    let cells = [
        ("number", json!(184), "0000"),
        ("number", json!(184), "00000000"),
        ("number", json!(26131), "000 00"),
        ("number", json!(26131), "### ##"),
        ("number", json!(1_004_022_388), "000000-0000"),
        ("number", json!(201_004_022_388_u64), "00000000-0000"),
        ("number", json!(17), "\"E-\"0000"),
        ("number", json!(17), "\"E-\"@"),
        ("number", json!(17), "\"E-\"General"),
        ("number", json!(-7), "0000"),
        ("number", json!(-7), "0;(0)"),
        ("number", json!(0), "00;00;\"inget\"0"),
        (
            "number",
            json!(5_551_234),
            "[<=9999999]###-####;(###) ###-####",
        ),
        (
            "number",
            json!(8_005_551_234_u64),
            "[<=9999999]###-####;(###) ###-####",
        ),
        ("number", json!(1_234_567), "0000-00"),
        ("number", json!(184), "General"),
        ("number", json!(184), "@"),
        ("text", json!("17"), "\"E-\"@"),
        ("text", json!("0184"), "@"),
    ];
    if by_openpyxl(&folder, "shown.xlsx", &cells).is_none() || office().is_none() {
        return;
    }
    let shown = folder.csv_of_workbook("shown.xlsx");
    for (row, text) in told(&folder, "shown.xlsx", "") {
        let index = usize::try_from(row).unwrap() - 1;
        let text = text.strip_suffix(" (as shown)").unwrap_or(&text);
        assert_eq!(text, shown[index][4], "{:?}", cells[index - 1]);
    }
}

#[test]
fn an_uncalculated_formula_is_not_an_empty_cell() {
    let folder = Folder::new();
    // openpyxl writes formulas without a cached value; rust_xlsxwriter writes 0 and requests a recalculation.
    let formula = |sheet: &mut Worksheet, row: u32| {
        sheet.write_formula(row, 4, "=VLOOKUP(A2,A1:B2,2)").unwrap();
    };
    let calculated = |sheet: &mut Worksheet, row: u32| {
        let formula = Formula::new("=\"E-\"&1").set_result("E-1");
        sheet.write_formula(row, 4, formula).unwrap();
    };
    let empty = |_: &mut Worksheet, _: u32| {};
    let mut book = Workbook::new();
    fill(book.add_worksheet(), &[&formula, &calculated, &empty]);
    book.save(folder.path("zero.xlsx")).unwrap();
    let code = "cell.formula_without_result".to_owned();
    let expected = BTreeMap::from([(2, code.clone()), (3, "E-1".into()), (4, String::new())]);
    for more in ["", CLEARING] {
        assert_eq!(told(&folder, "zero.xlsx", more), expected, "{more}");
    }
    // The cell of the results file stays invalid until it is corrected.
    let output = folder.run(&format!(
        "retry out.csv --sandbox --target meitner --results again.csv --fresh --yes {CLEARING}"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let again = folder.csv("again.csv", b';');
    let row = again.iter().find(|row| row.contains(&plain_id(1))).unwrap();
    assert!(
        row.contains(&code) && row.contains(&"invalid".to_owned()),
        "{row:?}"
    );
    if by_openpyxl(&folder, "none.xlsx", &[("formula", json!("=A2&\"x\""), "")]).is_some() {
        assert_eq!(
            told(&folder, "none.xlsx", CLEARING),
            BTreeMap::from([(2, code)])
        );
    }
}

#[test]
fn a_cell_inside_a_merged_range_is_not_an_empty_cell() {
    let folder = Folder::new();
    let merged = "cell.merged".to_owned();
    let expected = BTreeMap::from([
        (2, "7A".into()),
        (3, merged.clone()),
        (4, merged.clone()),
        (5, "7B".into()),
        (6, String::new()),
        (7, merged.clone()),
        (8, "0184 (as shown)".into()),
        (9, merged.clone()),
    ]);
    let cells = [
        ("text", json!("7A"), ""),
        ("text", json!(null), ""),
        ("text", json!(null), ""),
        ("text", json!("7B"), ""),
        ("text", json!(null), ""),
        ("text", json!(null), ""),
        ("number", json!(184), "0000"),
        ("text", json!(null), ""),
    ];
    let ranges = ["E2:E4", "D7:E7", "E8:E9"];
    let judge = |file: &str| {
        for more in ["", CLEARING] {
            assert_eq!(told(&folder, file, more), expected, "{file} {more}");
        }
        let rows = folder.csv("out.csv", b';');
        let says = |line: u64| {
            rows.iter()
                .find(|row| row.contains(&plain_id(line as usize - 1)))
        };
        let why = says(3).unwrap().concat();
        for part in ["cell E3 ", "\"7A\" is stored in E2 only", "unmerge"] {
            assert!(why.contains(part), "{file}: {why}");
        }
        let why = says(9).unwrap().concat();
        assert!(why.contains("\"0184\" is stored in E8"), "{file}: {why}");
        let why = says(7).unwrap().concat();
        assert!(why.contains("\"Ek\" is stored in D7"), "{file}: {why}");
    };
    if merged_by_openpyxl(&folder, "merged.xlsx", &cells, &ranges).is_none() {
        return;
    }
    judge("merged.xlsx");
    // The cell of the results file stays invalid until it is corrected.
    let output = folder.run(&format!(
        "retry out.csv --sandbox --target meitner --results again.csv --fresh --yes {CLEARING}"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let again = folder.csv("again.csv", b';');
    let row = again.iter().find(|row| row.contains(&plain_id(2))).unwrap();
    assert!(
        row.contains(&merged) && row.contains(&"invalid".to_owned()),
        "{row:?}"
    );
    if office().is_none() {
        return;
    }
    for kind in ["ods", "xls"] {
        folder.rewritten_by_office("merged.xlsx", kind);
        judge(&format!("office-out/merged.{kind}"));
    }
}

#[test]
fn merged_cells_in_titles_unmapped_columns_and_empty_rows_are_ignored() {
    let folder = Folder::new();
    let plain = Format::new();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet
        .merge_range(0, 0, 1, 6, "Elever 2026", &plain)
        .unwrap();
    for (column, name) in (0..).zip(HEADER) {
        sheet.write_string(3, column, name).unwrap();
    }
    sheet.write_string(3, 6, "anteckning").unwrap();
    for row in [4, 5, 6, 9] {
        for (column, text) in (0..).zip(person(row)) {
            sheet.write_string(row, column, text).unwrap();
        }
        sheet.write_string(row, 6, "x").unwrap();
    }
    sheet.merge_range(4, 6, 5, 6, "ny", &plain).unwrap();
    sheet.write_string(5, 6, "x").unwrap();
    for column in 0..5 {
        sheet
            .merge_range(9, column, 11, column, "", &plain)
            .unwrap();
    }
    for (column, text) in (0..).zip(person(9)) {
        sheet.write_string(9, column, text).unwrap();
    }
    sheet.write_string(9, 4, "7B").unwrap();
    // A merged range without text is displayed as empty.
    sheet.merge_range(5, 4, 6, 4, "", &plain).unwrap();
    book.save(folder.path("titled.xlsx")).unwrap();
    let expected = BTreeMap::from([
        (5, String::new()),
        (6, String::new()),
        (7, String::new()),
        (10, "7B".into()),
    ]);
    assert_eq!(told(&folder, "titled.xlsx", ""), expected);
    if office().is_none() {
        return;
    }
    for kind in ["ods", "xls"] {
        folder.rewritten_by_office("titled.xlsx", kind);
        let found = told(&folder, &format!("office-out/titled.{kind}"), "");
        assert_eq!(found, expected, "{kind}");
    }
}

/// Returns a workbook of two sheets with the same header and rows. `hide` can hide a sheet or rows.
pub fn two_sheets(hide: impl Fn(&mut Worksheet, &mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let mut sheets = ["2025", "2026"].map(|year| {
        let mut sheet = Worksheet::new();
        sheet.set_name(year).unwrap();
        let cell = move |sheet: &mut Worksheet, row: u32| {
            sheet.write_string(row, 4, format!("{year}-{row}")).unwrap();
        };
        fill(&mut sheet, &[&cell, &cell, &cell]);
        sheet
    });
    let [first, second] = &mut sheets;
    hide(first, second);
    for sheet in sheets {
        book.push_worksheet(sheet);
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn a_hidden_sheet_is_skipped_and_two_visible_sheets_need_a_choice() {
    let folder = Folder::new();
    let only = |year: &str| {
        (2..)
            .zip(1..=3)
            .map(|(line, row)| (line, format!("{year}-{row}")))
            .collect::<BTreeMap<u64, _>>()
    };
    let hidden = two_sheets(|first, second| {
        first.set_hidden(true);
        second.set_active(true);
    });
    folder.write("hidden.xlsx", hidden);
    assert_eq!(told(&folder, "hidden.xlsx", ""), only("2026"));
    assert_eq!(told(&folder, "hidden.xlsx", "--sheet 2025"), only("2025"));
    let very = two_sheets(|first, second| {
        first.set_very_hidden(true);
        second.set_active(true);
    });
    folder.write("very.xlsx", very);
    assert_eq!(told(&folder, "very.xlsx", ""), only("2026"));

    folder.write("two.xlsx", two_sheets(|_, _| {}));
    for command in ["check", "plan", "import"] {
        let more = match command {
            "check" => "",
            _ => " --sandbox --blind",
        };
        let output = folder.run(&format!("{command} two.xlsx --target meitner{more}"));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(
            told.contains("--sheet") && told.contains("2025, 2026"),
            "{told}"
        );
    }
    assert_eq!(told(&folder, "two.xlsx", "--sheet 2026"), only("2026"));
    // Sheets before the roster: an empty one, or one with other columns.
    let behind = |title: Option<&str>| {
        let mut book = Workbook::new();
        let first = book.add_worksheet();
        if let Some(title) = title {
            first.write_string(0, 0, title).unwrap();
        }
        let id = |sheet: &mut Worksheet, row: u32| {
            sheet.write_string(row, 4, format!("2026-{row}")).unwrap();
        };
        fill(
            book.add_worksheet().set_name("2026").unwrap(),
            &[&id, &id, &id],
        );
        book.save_to_buffer().unwrap()
    };
    folder.write("empty.xlsx", behind(None));
    assert_eq!(told(&folder, "empty.xlsx", ""), only("2026"));
    folder.write("notes.xlsx", behind(Some("Anteckningar")));
    let output = folder.run("check notes.xlsx --target meitner");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let why = stderr(&output);
    assert!(why.contains("a matching header: 2026;"), "{why}");
    if office().is_some() {
        for kind in ["ods", "xls"] {
            folder.rewritten_by_office("hidden.xlsx", kind);
            assert_eq!(
                told(&folder, &format!("office-out/hidden.{kind}"), ""),
                only("2026"),
                "{kind}"
            );
        }
    }
}

#[test]
fn hidden_rows_are_reported_and_excluded_on_request() {
    let folder = Folder::new();
    let rows = two_sheets(|first, second| {
        first.set_row_hidden(2).unwrap();
        second.set_hidden(true);
    });
    folder.write("rows.xlsx", rows);
    let all = BTreeMap::from([
        (2, "2025-1".to_owned()),
        (3, "2025-2".into()),
        (4, "2025-3".into()),
    ]);
    let seen = BTreeMap::from([(2, "2025-1".to_owned()), (4, "2025-3".into())]);
    let mut files = vec!["rows.xlsx".to_owned()];
    if office().is_some() {
        for kind in ["ods", "xls"] {
            folder.rewritten_by_office("rows.xlsx", kind);
            files.push(format!("office-out/rows.{kind}"));
        }
    }
    for file in files {
        assert_eq!(told(&folder, &file, ""), all, "{file}");
        assert_eq!(told(&folder, &file, "--skip-hidden"), seen, "{file}");
        let said =
            |more: &str| stdout(&folder.run(&format!("check {file} --target meitner{more}")));
        assert!(
            said("").contains("1 hidden row read"),
            "{file}: {}",
            said("")
        );
        let skipped = said(" --skip-hidden");
        assert!(
            skipped.contains("1 hidden row left out") && !skipped.contains("empty row"),
            "{file}: {skipped}"
        );
    }
    folder.write("c.toml", "target = \"meitner\"\nskip_hidden = true\n");
    let output = folder.run("check rows.xlsx --config c.toml");
    assert!(
        stdout(&output).contains("left out"),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
}

/// Returns the workbook with its parts renamed or rewritten by `change`.
fn rewritten(workbook: &[u8], change: impl Fn(&str, String) -> (String, String)) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let (name, text) = change(&name, text);
        to.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        to.write_all(text.as_bytes()).unwrap();
    }
    to.finish().unwrap().into_inner()
}

#[test]
fn unusual_but_valid_workbooks_are_read() {
    let folder = Folder::new();
    let zeros = |sheet: &mut Worksheet, row: u32| {
        let format = Format::new().set_num_format("0000");
        sheet
            .write_number_with_format(row, 4, 184, &format)
            .unwrap();
    };
    let rich = |sheet: &mut Worksheet, row: u32| {
        let (plain, bold) = (Format::new(), Format::new().set_bold());
        sheet
            .write_rich_string(row, 4, &[(&plain, "E-"), (&bold, "17")])
            .unwrap();
    };
    let escaped = |sheet: &mut Worksheet, row: u32| {
        sheet.write_string(row, 4, "a_x0041_b").unwrap();
    };
    let mut book = Workbook::new();
    fill(book.add_worksheet(), &[&zeros, &rich, &escaped]);
    let book = book.save_to_buffer().unwrap();
    let expected = BTreeMap::from([
        (2, "0184 (as shown)".to_owned()),
        (3, "E-17".into()),
        (4, "a_x0041_b".into()),
    ]);
    let numbered = |text: String| {
        let mut text = text;
        for name in ["workbook", "styles", "sharedStrings"] {
            text = text.replace(&format!("{name}.xml"), &format!("{name}22.xml"));
        }
        text.replace("sheet1.xml", "sheet22.xml")
    };
    let strict = |text: String| {
        text.replace(
            "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            "http://purl.oclc.org/ooxml/spreadsheetml/main",
        )
        .replace(
            "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            "http://purl.oclc.org/ooxml/officeDocument/relationships",
        )
    };
    let phonetic = |text: String| {
        text.replace(
            "</si>",
            "<rPh sb=\"0\" eb=\"1\"><t>x</t></rPh><phoneticPr fontId=\"1\"/></si>",
        )
    };
    type Change<'a> = &'a dyn Fn(&str, String) -> (String, String);
    let ways: [(&str, Change<'_>); 7] = [
        ("as it is", &|name, text| (name.into(), text)),
        ("backslashes", &|name, text| (name.replace('/', "\\"), text)),
        ("capitals", &|name, text| (name.to_uppercase(), text)),
        ("numbered", &|name, text| {
            (numbered(name.into()), numbered(text))
        }),
        ("absolute", &|name, text| {
            (
                name.into(),
                text.replace("Target=\"", "Target=\"/xl/")
                    .replace("/xl/xl/", "/xl/")
                    .replace("/xl/docProps", "/docProps"),
            )
        }),
        ("strict", &|name, text| (name.into(), strict(text))),
        ("phonetic", &|name, text| (name.into(), phonetic(text))),
    ];
    for (way, change) in ways {
        folder.write("w.xlsx", rewritten(&book, change));
        assert_eq!(told(&folder, "w.xlsx", ""), expected, "{way}");
    }
    let (way, moved) = ("in another folder", |name: &str, text: String| {
        let move_all = |text: String| text.replace("xl/", "bok/");
        (move_all(name.into()), move_all(text))
    });
    folder.write("w.xlsx", rewritten(&book, moved));
    assert_eq!(told(&folder, "w.xlsx", ""), expected, "{way}");
}

#[test]
fn files_of_another_format_are_refused_by_name() {
    let folder = Folder::new();
    folder.write(
        "r.xlsx",
        two_sheets(|_, second| {
            second.set_hidden(true);
        }),
    );
    let zip = |parts: &[(&str, &str)]| {
        let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            to.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            to.write_all(text.as_bytes()).unwrap();
        }
        to.finish().unwrap().into_inner()
    };
    let main = |part: &str| {
        format!(
            "<Relationships><Relationship Id=\"r\" Type=\"http://x/relationships/officeDocument\" Target=\"{part}\"/></Relationships>"
        )
    };
    let compound = |stream: &str| {
        let path = folder.path("compound");
        let mut compound = cfb::create(&path).unwrap();
        compound
            .create_stream(format!("/{stream}"))
            .unwrap()
            .write_all(b"x")
            .unwrap();
        compound.flush().unwrap();
        drop(compound);
        std::fs::read(path).unwrap()
    };
    let (word, slides, binary) = (
        main("word/document.xml"),
        main("ppt/presentation.xml"),
        main("xl/workbook.bin"),
    );
    for (name, content, what) in [
        ("a.xlsx", compound("EncryptedPackage"), "password-protected"),
        ("b.doc", compound("WordDocument"), "a Word document"),
        ("c.docx", zip(&[("_rels/.rels", &word), ("word/document.xml", "<w:document/>")]), "a Word document"),
        ("d.pptx", zip(&[("_rels/.rels", &slides), ("ppt/presentation.xml", "<p:presentation/>")]), "a presentation"),
        ("e.xlsb", zip(&[("_rels/.rels", &binary), ("xl/workbook.bin", "x")]), "binary Excel workbook"),
        ("f.numbers", zip(&[("Index/Document.iwa", "x")]), "Numbers"),
        ("g.odt", zip(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "<x/>")]), "OpenDocument"),
        ("h.zip", zip(&[("elever.csv", "id\n1\n")]), "ZIP"),
        ("i.xls", b"<html><table><tr><td>id</td></tr></table></html>".to_vec(), "a web page"),
        ("j.xls", b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>".to_vec(), "Excel 2003"),
        ("k.xml", b"<?xml version=\"1.0\"?><elever/>".to_vec(), "XML"),
        ("l.json", b"[{\"id\": 1}]".to_vec(), "JSON"),
        ("m.gz", b"\x1F\x8B\x08\0".to_vec(), "gzip"),
        ("n.rtf", b"{\\rtf1}".to_vec(), "RTF"),
        ("o.jpg", b"\xFF\xD8\xFF\xE0".to_vec(), "image"),
    ] {
        folder.write(name, content);
        let output = folder.run(&format!("check {name} --target meitner"));
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(told.contains(what) && told.contains(name), "{name}: {told}");
        // A retry reports the same reason, and not a missing target.
        let output = folder.run(&format!("retry {name}"));
        assert!(stderr(&output).contains(what), "{name}: {}", stderr(&output));
    }
    folder.write(
        "mac.csv",
        "id;förnamn\n1;Åsa Öberg\n"
            .replace('ö', "\u{1}")
            .replace('Å', "\u{2}")
            .replace('Ö', "\u{3}")
            .bytes()
            .map(|b| match b {
                1 => 0x9A,
                2 => 0x81,
                3 => 0x85,
                b => b,
            })
            .collect::<Vec<u8>>(),
    );
    let output = folder.run("retry mac.csv");
    assert!(
        stderr(&output).contains("--encoding"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_exported_plan_has_the_spreadsheet_row_numbers() {
    let folder = Folder::new();
    let roster = plain_roster(3).replace(",Åsa,Ek\n", ",Åsa,\"Ek\nLund\"\n");
    folder.write("r.csv", format!("Elever\n\n{roster}"));
    let output = folder.run("plan r.csv --target meitner --sandbox --blind --out changes.csv");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = folder.csv("changes.csv", b',');
    let at = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    let mut numbers: Vec<(String, String)> = rows[1..]
        .iter()
        .map(|row| (row[at("row")].clone(), row[at("line")].clone()))
        .collect();
    numbers.dedup();
    let expected = [("1", "4"), ("2", "5"), ("3", "6")];
    assert_eq!(
        numbers,
        expected.map(|(row, line)| (row.into(), line.into()))
    );
}

#[test]
fn opendocument_cells_are_read_by_their_value_types() {
    let folder = Folder::new();
    let text = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let header: String = HEADER.map(text).concat();
    let cells = [
        (
            "<table:table-cell table:formula=\"of:=[.A2]\"/>",
            "cell.formula_without_result",
        ),
        (
            "<table:table-cell table:formula=\"of:=[.A2]\" office:value-type=\"float\" office:value=\"0\"/>",
            "cell.formula_without_result",
        ),
        (
            "<table:table-cell office:value-type=\"float\" office:value=\"184\"><text:p>0184</text:p></table:table-cell>",
            "0184 (as shown)",
        ),
        (
            "<table:table-cell office:value-type=\"date\" office:date-value=\"2026-03-01\"><text:p>1 mars</text:p></table:table-cell>",
            "cell.date",
        ),
        (
            "<table:table-cell office:value-type=\"string\"><office:annotation><text:p>note</text:p></office:annotation><text:p>a<text:s text:c=\"2\"/>&lt;b&#229;</text:p></table:table-cell>",
            "a  <b\u{e5}",
        ),
        (
            "<table:table-cell table:formula=\"of:=x\" office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"><text:p>#NAME?</text:p></table:table-cell>",
            "text.spreadsheet_error",
        ),
    ];
    let rows: String = (1..)
        .zip(cells)
        .map(|(row, (cell, _))| {
            format!(
                "<table:table-row>{}{cell}</table:table-row>",
                person(row).map(|cell| text(&cell)).concat()
            )
        })
        .collect();
    let content = format!(
        "<office:document-content><office:automatic-styles><style:style style:name=\"ta9\"><style:table-properties table:display=\"false\"/></style:style></office:automatic-styles><office:body><office:spreadsheet><table:table table:name=\"Dolt\" table:style-name=\"ta9\"><table:table-row>{}</table:table-row></table:table><table:table table:name=\"A &amp; B\"><table:table-row>{header}</table:table-row><table:table-row-group table:display=\"false\">{rows}</table:table-row-group></table:table></office:spreadsheet></office:body></office:document-content>",
        text("x")
    );
    let write = |name: &str, manifest: &str| {
        let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (part, text) in [
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", manifest),
            ("content.xml", &content),
        ] {
            to.start_file(part, zip::write::SimpleFileOptions::default())
                .unwrap();
            to.write_all(text.as_bytes()).unwrap();
        }
        folder.write(name, to.finish().unwrap().into_inner());
    };
    write("k.ods", "<manifest:manifest/>");
    let expected: BTreeMap<u64, String> = (2..)
        .zip(cells)
        .map(|(row, (_, what))| (row, what.to_owned()))
        .collect();
    assert_eq!(told(&folder, "k.ods", CLEARING), expected);
    let said = stdout(&folder.run("check k.ods --target meitner"));
    assert!(
        said.contains("sheet \"A & B\"") && said.contains("6 hidden rows read"),
        "{said}"
    );
    write(
        "closed.ods",
        "<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>",
    );
    let output = folder.run("check closed.ods --target meitner");
    assert!(
        stderr(&output).contains("password-protected"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn sheetjs_workbooks_read_the_same_in_every_format() {
    let Some(modules) = installed("SHEETJS") else {
        return;
    };
    if !has_command("node", "nodejs") {
        return;
    }
    let folder = Folder::new();
    let cells = [
        ("number", json!(184), "0000", "0184 (as shown)"),
        ("number", json!(26131), "000 00", "261 31 (as shown)"),
        ("number", json!(184), "", "184"),
        ("text", json!("0184"), "", "0184"),
        ("boolean", json!(true), "", "cell.boolean"),
        ("number", json!(0.5), "0%", "cell.percentage"),
        ("date", json!(46_000), "yyyy-mm-dd", "cell.date"),
        ("date", json!(0.4375), "hh:mm", "cell.time"),
        (
            "number",
            json!(1_234_567_890_123_456_789_u64),
            "0",
            "cell.long_number",
        ),
    ];
    let rows: Vec<Json> = (1..)
        .zip(&cells)
        .map(|(row, (kind, value, format, _))| json!([person(row), kind, value, format]))
        .collect();
    let expected: BTreeMap<u64, String> = (2..)
        .zip(&cells)
        .map(|(row, (.., told))| (row, (*told).to_owned()))
        .collect();
    for kind in ["xlsx", "xls"] {
        let file = format!("sheetjs.{kind}");
        let mut child = Command::new("node")
            .arg(repository().join("tests/judges/sheetjs.cjs"))
            .arg(folder.path(&file))
            .env("NODE_PATH", &modules)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = Json::from(rows.clone()).to_string();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success());
        assert_eq!(told(&folder, &file, ""), expected, "{kind}");
    }
}
