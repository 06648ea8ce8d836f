//! Formula injection, and output files whose extension promises a workbook.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::harness::{
    Folder, OF_SANDBOX, identity_number, office, plain_id, plain_roster, sandbox_holding, stderr,
    stdout,
};

/// Values of records that a spreadsheet would run as formulas or cannot store unchanged.
const HELD: [&str; 16] = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    " =1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "=HYPERLINK(\"http://x.example\";\"y\")",
    "=\"0184\"",
    "padded ",
    "<null>",
    "#N/A",
    "\u{A0}",
];

/// Returns a roster whose records have these values as addresses.
fn held() -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "id",
        "identity_number",
        "first_name",
        "last_name",
        "postal_address",
    ];
    writer.write_record(header).unwrap();
    for (index, street) in HELD.iter().enumerate() {
        let (id, number) = (plain_id(index + 1), identity_number(index + 1));
        writer
            .write_record([&*id, &number, "Åsa", "Ek", street])
            .unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// Returns a roster that gives all records the same address.
fn wanted() -> String {
    let rows = (1..=HELD.len()).map(|row| format!("{},Nygatan 1\n", plain_id(row)));
    format!("id,postal_address\n{}", rows.collect::<String>())
}

/// Returns the formulas that LibreOffice finds in comma-separated files if it evaluates them.
fn formulas(folder: &Folder, names: &[&str]) -> Option<Vec<(String, String)>> {
    let output = Command::new(office()?)
        .args(["--headless", "--norestore"])
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.path("office").display()
        ))
        .arg("--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,0,true")
        .args(["--convert-to", "fods", "--outdir", "office-out"])
        .args(names)
        .current_dir(folder.path(""))
        .env("HOME", folder.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mut found = Vec::new();
    for name in names {
        let shown = Path::new("office-out").join(name).with_extension("fods");
        let text = std::fs::read_to_string(folder.path("").join(shown)).unwrap();
        for part in text.split("table:formula=\"").skip(1) {
            let formula = part.split('"').next().unwrap();
            let formula = formula.replace("&quot;", "\"").replace("&amp;", "&");
            found.push((
                (*name).to_owned(),
                formula.strip_prefix("of:").unwrap().to_owned(),
            ));
        }
    }
    Some(found)
}

/// Returns whether a formula consists only of a text.
fn is_a_text(formula: &str) -> bool {
    let inner = formula.strip_prefix("=\"\"&").or(formula.strip_prefix('='));
    let inner = inner.and_then(|inner| inner.strip_prefix('"')?.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.replace("\"\"", "").contains('"'))
}

#[test]
fn output_cells_are_escaped_against_formula_injection() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = sandbox_holding(&held(), Duration::ZERO);
    folder.write("r.csv", wanted());
    let send = |arguments: &str| {
        let mut program = folder.program();
        program.args(arguments.split(' ')).envs(OF_SANDBOX);
        program.output().unwrap()
    };
    let there = format!("--target meitner --base-url {base_url}");
    let output = send(&format!("plan r.csv {there} --out plan.csv"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = send(&format!("import r.csv {there} --yes"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    folder.run(&format!("history {} --out history.csv", plain_id(1)));
    folder.write("bad.csv", held().replace(",Åsa,", ",=A1,"));
    folder.run("check bad.csv --target meitner --problems problems.csv");
    let template = folder.run("template --target meitner --example");
    folder.write("template.csv", template.stdout);

    folder.write("control.csv", "a\n=1+1\n");
    let names = [
        "r.before.csv",
        "plan.csv",
        "history.csv",
        "problems.csv",
        "template.csv",
        "control.csv",
    ];
    if let Some(found) = formulas(&folder, &names) {
        let control = ("control.csv".to_owned(), "=1+1".to_owned());
        assert!(
            found.contains(&control),
            "the judge sees formulas: {found:?}"
        );
        for (name, formula) in found.iter().filter(|one| **one != control) {
            assert!(is_a_text(formula), "{name}: {formula}");
            assert!(
                ["r.before.csv", "template.csv"].contains(&&**name),
                "{name}"
            );
        }
        assert!(found.iter().any(|(name, _)| name == "r.before.csv"));
    }

    let street =
        |row: usize| sandbox.students()[&plain_id(row)]["address"]["postalAddress"].clone();
    assert_eq!(street(1), "Nygatan 1");
    let output = send(&format!("import r.before.csv {there} --yes"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for (index, held) in HELD.iter().enumerate() {
        assert_eq!(street(index + 1), *held, "{held:?}");
    }
}

#[test]
fn only_one_module_writes_csv_output() {
    let source = crate::harness::repository().join("src");
    let mut folders = vec![source.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let uses = ["csv::Writer", "WriterBuilder", "csv_core::Writer"];
            if uses.iter().any(|name| text.contains(name)) {
                found.push(path.strip_prefix(&source).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    // `sheet_rows.rs` writes an unnamed file that only the reader uses.
    assert_eq!(found, ["read/sheet_rows.rs", "report/csv_file.rs"]);
}

#[test]
fn a_file_named_as_a_workbook_is_a_workbook() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    folder.write("bad.csv", plain_roster(2).replace("Åsa", "=A1"));
    let state = "--target meitner --sandbox";
    let is_workbook =
        |name: &str| std::fs::read(folder.path(name)).is_ok_and(|b| b.starts_with(b"PK"));
    for flag in ["--results", "--failed", "--before", "--new", "--report"] {
        for ending in ["ods", "xls", "xlsm", "XLSB", "fods"] {
            let name = format!("x.{ending}");
            let output = folder.run(&format!("import r.csv {state} {flag} {name}"));
            assert_eq!(output.status.code(), Some(2), "{flag} {name}");
            let told = stderr(&output);
            assert!(told.contains(flag) && told.contains(&name), "{told}");
            assert!(!folder.path(&name).exists(), "{flag} {name}");
        }
    }
    let output = folder.run(&format!("import r.csv {state} --report x.xlsx"));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains(".html"), "{}", stderr(&output));

    // A change, so that there is something to write.
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), Duration::ZERO);
    let there = format!("--target meitner --base-url {base_url}");
    folder.write("new.csv", plain_roster(3).replace("Åsa", "Bo"));
    let named = "--results a.xlsx --failed b.xlsx --before c.xlsx --new d.xlsx";
    let run = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        folder.with_sandbox(&arguments)
    };
    let output = run(&format!(
        "plan new.csv {there} --max-invalid 100% --out e.xlsx"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = run(&format!(
        "import new.csv {there} {named} --max-invalid 100% --yes --format json"
    ));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let name = summary["run"].as_str().unwrap();
    folder.run(&format!("history {} --out f.xlsx", plain_id(1)));
    folder.run("check bad.csv --target meitner --problems g.xlsx");
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        assert!(is_workbook(&format!("{name}.xlsx")), "{name}.xlsx");
    }
    let output = run(&format!("import c.xlsx {there} --yes"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    for command in [
        format!("plan new.csv {there} --out x.ods"),
        format!("plan new.csv {there} --save x.xlsx"),
        format!("history {} --out x.xls", plain_id(1)),
        "check bad.csv --target meitner --problems x.ods".to_owned(),
        format!("report {name} --failed x.ods"),
        format!("undo {name} --yes --results x.ods"),
        "retry a.xlsx --yes --before x.ods".to_owned(),
    ] {
        let output = run(&command);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{command}: {told}");
        for name in ["x.ods", "x.xls", "x.xlsx", "new.undo.csv"] {
            assert!(!folder.path(name).exists(), "{command}");
        }
    }
}
