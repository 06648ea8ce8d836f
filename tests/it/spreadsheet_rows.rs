//! Rows are identified by their spreadsheet row number in all output and in all options.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use rosterpatch::app::dossier;
use rosterpatch::clock::{Clock, SystemClock};
use rosterpatch::plan::Selection;
use rosterpatch::read::{Input, ReadError, ReadOptions, Table};
use rosterpatch::sandbox::{Sandbox, SandboxOptions};

use crate::harness::{Folder, LibraryRun, stdout};

const HEADER: [&str; 4] = ["external_id", "First\nName", "bio", "location"];

fn members(rows: &[Option<String>]) -> Vec<Vec<String>> {
    let member = |(index, bio): (usize, &Option<String>)| match bio {
        None => Vec::new(),
        Some(bio) => vec![
            format!("E-{index}"),
            format!("Ann{}", "x".repeat(index + 1)),
            bio.clone(),
            "Oakwood".to_owned(),
        ],
    };
    rows.iter().enumerate().map(member).collect()
}

fn write_csv(folder: &Folder, rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| format!("\"{cell}\"")).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    folder.write("r.csv", text);
    "r.csv".to_owned()
}

fn write_workbook(folder: &Folder, rows: &[Vec<String>]) -> String {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (number, row) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(row) {
            sheet.write_string(number, column, cell).unwrap();
        }
    }
    workbook.save(folder.path("r.xlsx")).unwrap();
    "r.xlsx".to_owned()
}

fn sandbox(rows: &[Vec<String>]) -> Arc<Sandbox> {
    let seed: Vec<Vec<(String, String)>> = rows
        .iter()
        .filter(|row| row.len() == HEADER.len())
        .map(|row| vec![("external_id".to_owned(), row[0].clone())])
        .collect();
    let options = SandboxOptions {
        depth: 1e9,
        interval: std::time::Duration::from_nanos(1),
        ..SandboxOptions::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Arc::new(Sandbox::holding(&options, &seed, clock))
}

fn lines_in_results(path: &Path) -> Vec<String> {
    let input = Input::open(path, &ReadOptions::default()).unwrap();
    let header = input.header().iter();
    let column = header.clone().position(|name| name == "import_line");
    let mut lines = Vec::new();
    let of_table = |table: &Table| {
        let cells = table.rows().filter_map(|row| row.cell(column?));
        let texts = cells.map(|cell| String::from_utf8_lossy(cell.bytes()).into_owned());
        texts.collect::<Vec<_>>()
    };
    let add = |some| {
        lines.extend(some);
        Ok::<bool, ReadError>(true)
    };
    input.scan(of_table, add).unwrap();
    lines
}

fn run() -> LibraryRun {
    let mut run = LibraryRun::new();
    run.target = Some("pathwright".into());
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn results_history_and_selection_use_the_same_row_numbers(
        titles in proptest::collection::vec(proptest::option::of("[a-z]{1,3}(\n[a-z]{1,2})?"), 0..3),
        bios in proptest::collection::vec(
            proptest::option::weighted(0.8, "[a-z]{1,4}(\n[a-z]{1,4}){0,3}"), 2..7),
        chosen in 0usize..7,
        is_workbook in proptest::bool::ANY,
    ) {
        let people = members(&bios);
        let named: Vec<usize> = (0..people.len()).filter(|index| !people[*index].is_empty()).collect();
        prop_assume!(!named.is_empty());
        let title = |title: &Option<String>| title.iter().cloned().collect::<Vec<String>>();
        let mut rows: Vec<Vec<String>> = titles.iter().map(title).collect();
        rows.push(HEADER.map(String::from).to_vec());
        let above = rows.len() + 1;
        rows.extend(people.clone());

        let folder = Folder::new();
        let file = match is_workbook {
            true => write_workbook(&folder, &rows),
            false => write_csv(&folder, &rows),
        };
        let sandbox = sandbox(&rows);
        let (base_url, _stop) = crate::harness::serve_sandbox_at(sandbox.clone(), "/api/public");

        // Selecting one row by its number updates exactly that member.
        let one = named[chosen % named.len()];
        let mut first = run();
        first.selection = Selection {
            lines: vec![(above + one) as u64..=(above + one) as u64],
            ..Selection::default()
        };
        first.import(&folder, &file, &base_url).unwrap();
        let all = sandbox.members();
        for index in &named {
            let name = &all[format!("external/E-{index}")]["first_name"];
            prop_assert_eq!(name == &people[*index][1], *index == one, "{}", all);
        }

        // The results, the changes and the history show the same numbers for all rows.
        run().import(&folder, &file, &base_url).unwrap();
        let results = file.replace("r.", "r.results.");
        let lines = lines_in_results(&folder.path(&results));
        prop_assert_eq!(lines.len(), named.len());
        for (line, index) in lines.iter().zip(&named) {
            let number = (above + index) as u64;
            prop_assert_eq!(line, &number.to_string());
            let told = dossier(&folder.state(), &format!("E-{index}"), true).unwrap();
            prop_assert!(!told.records.is_empty());
            for record in &told.records {
                prop_assert_eq!(record.line, number, "{}", record.run);
            }
        }
    }
}

#[test]
fn plan_output_uses_spreadsheet_row_numbers() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        "external_id,first_name,bio,salutation\nE-1,Ann,\"a\nb\nc\",Dr.\n\nE-2,Bob,\"d\ne\",Duke\nE-3,Cy,f,Dr.\n",
    );
    let check = folder.run("check r.csv --target pathwright --problems p.csv");
    assert!(stdout(&check).contains("row 4"), "{}", stdout(&check));
    assert_eq!(folder.csv("p.csv", b',')[1][..2], ["2", "4"]);
    let plan = folder.run("plan r.csv --target pathwright --sandbox --out c.csv");
    assert!(stdout(&plan).contains("row 2"), "{}", stdout(&plan));
    let changes = folder.csv("c.csv", b',');
    let line = changes[0].iter().position(|name| name == "line").unwrap();
    let of = |key: &str| &changes.iter().find(|row| row[1] == key).unwrap()[line];
    assert_eq!((&**of("E-1"), &**of("E-3")), ("2", "5"));
    let shown = folder.run("plan r.csv --target pathwright --sandbox --show-request 3");
    assert!(
        stdout(&shown).contains("row 5 (import_row 3)"),
        "{}",
        stdout(&shown)
    );
}
