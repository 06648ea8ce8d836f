//! Rosters as spreadsheets and student information systems export them, in any encoding and delimiter.

use std::io::Write;
use std::path::Path;

use encoding_rs::WINDOWS_1252;
use rosterpatch::read::{Input, ReadError, ReadOptions};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use crate::harness::{
    CREDENTIALS, Folder, Server, identity_number, plain_id, repository, respond, stderr, stdout,
};
use crate::machine::installed;

/// Returns the cells of every row as bytes, read by the importer's reader.
fn cells(path: &Path) -> Vec<Vec<Vec<u8>>> {
    let input = Input::open(path, &ReadOptions::default()).unwrap();
    let mut rows: Vec<Vec<Vec<u8>>> = vec![
        input
            .header()
            .iter()
            .map(|name| name.clone().into_bytes())
            .collect(),
    ];
    input
        .scan(
            |table| {
                table
                    .rows()
                    .map(|row| {
                        row.cells()
                            .map(|cell| cell.bytes().to_vec())
                            .collect::<Vec<_>>()
                    })
                    .collect::<Vec<_>>()
            },
            |found| {
                rows.extend(found);
                Ok::<bool, ReadError>(true)
            },
        )
        .unwrap();
    rows
}

const HEADER: &str = "Elev-ID;Personnummer;Förnamn;Efternamn;Gatuadress";

fn roster() -> String {
    format!(
        "{HEADER}\r\n{};{};Åsa;Öberg;\"Väg 1; lgh 2\"\r\n",
        plain_id(1),
        identity_number(1)
    )
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        })
        .collect()
}

#[test]
fn every_encoding_and_delimiter_gives_the_same_rows() {
    let text = roster();
    let tabs = text.replace(';', "\t").replace("1\t lgh", "1; lgh");
    let commas = text.replace(';', ",").replace("1, lgh", "1; lgh");
    let pipes = text.replace(';', "|").replace("1| lgh", "1; lgh");
    let mark = "\u{FEFF}";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("utf-8", text.clone().into(), "UTF-8, semicolon"),
        (
            "mark",
            format!("{mark}{text}").into(),
            "UTF-8 with BOM, semicolon",
        ),
        (
            "1252",
            WINDOWS_1252.encode(&text).0.into(),
            "Windows-1252, semicolon",
        ),
        (
            "utf-16le",
            utf16(&format!("{mark}{tabs}"), false),
            "UTF-16LE, tab",
        ),
        (
            "utf-16be",
            utf16(&format!("{mark}{tabs}"), true),
            "UTF-16BE, tab",
        ),
        ("bare utf-16le", utf16(&tabs, false), "UTF-16LE, tab"),
        ("comma", commas.into(), "UTF-8, comma"),
        ("pipe", pipes.into(), "UTF-8, pipe"),
        ("sep", format!("sep=;\r\n{text}").into(), "UTF-8, semicolon"),
        ("lf", text.replace("\r\n", "\n").into(), "UTF-8, semicolon"),
        ("cr", text.replace("\r\n", "\r").into(), "UTF-8, semicolon"),
        ("no end", text.trim_end().into(), "UTF-8, semicolon"),
        (
            "blank lines",
            text.replace("\r\n", "\r\n\r\n;;;;\r\n").into(),
            "UTF-8, semicolon",
        ),
    ];
    let folder = Folder::new();
    let expected: Vec<Vec<Vec<u8>>> = vec![
        HEADER
            .split(';')
            .map(|name| name.as_bytes().to_vec())
            .collect(),
        [
            &plain_id(1),
            &identity_number(1),
            "Åsa",
            "Öberg",
            "Väg 1; lgh 2",
        ]
        .into_iter()
        .map(|cell| cell.as_bytes().to_vec())
        .collect(),
    ];
    for (name, bytes, said) in cases {
        let path = folder.write(&format!("{name}.csv"), bytes);
        let input = Input::open(&path, &ReadOptions::default()).unwrap();
        assert_eq!(input.description().to_string(), said, "{name}");
        assert_eq!(cells(&path), expected, "{name}");
    }
}

#[test]
fn non_utf8_letters_are_sent_and_the_results_have_a_bom() {
    let folder = Folder::new();
    folder.write("r.csv", WINDOWS_1252.encode(&roster()).0);
    let server = Server::start(|_| respond(200, &[], "{}"));
    let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        server.seen()[0]
            .body
            .contains("\"firstName\":\"Åsa\",\"lastName\":\"Öberg\"")
    );
    let results = std::fs::read_to_string(folder.path("r.results.csv")).unwrap();
    assert!(results.starts_with("\u{FEFF}Elev-ID;"));
    assert!(results.contains(";Åsa;Öberg;\"Väg 1; lgh 2\";1;updated;200;"));
}

#[test]
fn an_ambiguous_encoding_must_be_specified() {
    let folder = Folder::new();
    // "Åsa Öberg" in Mac OS Roman.
    let text = roster().replace("Förnamn", "First name");
    let mac: Vec<u8> = text
        .chars()
        .map(|c| match c {
            'Å' => 0x81,
            'Ö' => 0x85,
            'ä' => 0x8A,
            c => c as u8,
        })
        .collect();
    folder.write("mac.csv", mac);
    let output = folder.run("check mac.csv --target meitner");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--encoding macintosh"),
        "{}",
        stderr(&output)
    );
    let output = folder.run("check mac.csv --target meitner --encoding macintosh");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stderr(&output),
        stdout(&output)
    );
}

/// Returns the problem codes of a file with these rows below a five-column header.
fn codes(rows: &str) -> Vec<(String, String)> {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        format!("id,identity_number,first_name,last_name,postal_address\n{rows}"),
    );
    let output = folder.run("check r.csv --target meitner --problems p.csv");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let problems = folder.csv("p.csv", b',');
    let rows = problems.iter().skip(1);
    rows.map(|row| (row[1].clone(), row[4].clone())).collect()
}

#[test]
fn truncated_joined_or_misquoted_rows_are_not_sent() {
    let row = |number: usize, rest: &str| {
        format!("{},{},{rest}", plain_id(number), identity_number(number))
    };
    let good = row(9, "Bo,Ek,Väg 1\n");
    let header = "id,identity_number,first_name,last_name,postal_address\n";
    for (rows, expected) in [
        (
            row(1, "Åsa,Ek,Väg 1\nlgh 2\n") + &good,
            &[("2", "row.divided"), ("3", "row.divided")][..],
        ),
        (
            row(1, "\"Anna \\\"Ann\\\" M\",Ek,x\n") + &good,
            &[("2", "row.text_after_quote")],
        ),
        (
            good.clone() + header + &row(1, "Åsa,Ek,x\n"),
            &[("3", "row.header")],
        ),
        (good.clone() + &row(1, "Åsa,Ek"), &[("3", "row.truncated")]),
        (row(1, "√Ösa,Ek,x\n") + &good, &[("2", "text.mojibake")]),
    ] {
        let found = codes(&rows);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(line, code)| (&**line, &**code))
            .collect();
        assert_eq!(found, expected, "{rows}");
    }
}

#[test]
fn a_retry_of_the_results_keeps_format_problems_of_a_row() {
    let row = |number: usize, rest: &str| {
        format!("{},{},{rest}", plain_id(number), identity_number(number))
    };
    let header = "id,identity_number,first_name,last_name,postal_address\n";
    for (rows, code) in [
        (row(1, "Åsa,Ek,Väg 1\nlgh 2\n"), "row.divided"),
        (
            row(1, "\"Anna \\\"Ann\\\" M\",Ek,x\n"),
            "row.text_after_quote",
        ),
        (row(1, "Åsa,Ek"), "row.truncated"),
        (row(1, "Åsa,Ek,x\n") + header, "row.header"),
    ] {
        let folder = Folder::new();
        folder.write(
            "r.csv",
            format!("{header}{}{rows}", row(9, "Bo,Ek,Väg 1\n")),
        );
        folder.run("import r.csv --target meitner --sandbox --blind --yes --max-invalid 100%");
        let checked = folder.run("check r.failed.csv --target meitner --problems p.csv");
        assert_eq!(checked.status.code(), Some(3), "{rows}");
        let found = folder.csv("p.csv", b',');
        assert!(found.iter().skip(1).all(|row| row[4] == code), "{found:?}");
    }
}

#[test]
fn undecodable_bytes_are_a_problem_of_their_row() {
    let folder = Folder::new();
    let text = format!(
        "id,identity_number,first_name,last_name\n{},{},Åsaåäö,Ek\n",
        plain_id(1),
        identity_number(1)
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(format!("{},{},B", plain_id(2), identity_number(2)).as_bytes());
    bytes.extend_from_slice(b"\xE5,Ek\n");
    folder.write("r.csv", bytes);
    let output = folder.run("check r.csv --target meitner --problems p.csv");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let problems = folder.csv("p.csv", b',');
    assert_eq!(
        problems[0],
        ["row", "line", "column", "field", "code", "message", "value"]
    );
    assert_eq!(
        problems[1][..5],
        ["2", "3", "first_name", "first_name", "text.undecodable"]
    );
    assert!(problems[1][5].contains("0xE5"));
    assert_eq!(problems.len(), 2);
    // A byte that is undefined in Windows-1252.
    let mut bytes = WINDOWS_1252
        .encode("id;personnummer;förnamn;efternamn\n")
        .0
        .into_owned();
    bytes.extend_from_slice(format!("{};{};\u{e5}", plain_id(1), identity_number(1)).as_bytes());
    let at = bytes.len() - 2;
    bytes.truncate(at);
    bytes.extend_from_slice(b"\x81\xE5\xE4;Ek\n");
    folder.write("w.csv", bytes);
    let output =
        folder.run("check w.csv --target meitner --encoding windows-1252 --problems w-p.csv");
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}{}",
        stderr(&output),
        stdout(&output)
    );
    assert!(folder.csv("w-p.csv", b';')[1][5].contains("0x81"));
}

fn workbook(folder: &Folder) {
    let mut book = Workbook::new();
    let other = book.add_worksheet();
    other.set_name("Kontakter").unwrap();
    other.write(0, 0, "inget").unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Elever").unwrap();
    let header = [
        "Elev-ID",
        "Personnummer",
        "Förnamn",
        "Efternamn",
        "Födelsedatum",
        "Kommunkod",
        "Mobil",
        "Tillfälligt personnummer",
        "E-post",
    ];
    for (column, name) in header.into_iter().enumerate() {
        sheet.write(1, column as u16, name).unwrap();
    }
    let date = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write(2, 0, plain_id(1)).unwrap();
    // A number, which spreadsheets make of twelve digits.
    sheet
        .write(
            2,
            1,
            identity_number(1).replace('-', "").parse::<f64>().unwrap(),
        )
        .unwrap();
    sheet.write(2, 2, "Åsa").unwrap();
    sheet
        .write_formula(
            2,
            3,
            rust_xlsxwriter::Formula::new("=\"E\"&\"k\"").set_result("Ek"),
        )
        .unwrap();
    sheet
        .write_with_format(2, 4, ExcelDateTime::from_ymd(2010, 4, 2).unwrap(), &date)
        .unwrap();
    sheet.write(2, 5, 184).unwrap();
    sheet.write(2, 6, 701740605).unwrap();
    sheet.write(2, 7, false).unwrap();
    sheet.write(4, 0, plain_id(2)).unwrap();
    sheet.write(4, 1, identity_number(2)).unwrap();
    sheet.write(4, 2, "Bo").unwrap();
    sheet.write(4, 3, "Ek").unwrap();
    sheet
        .write_formula(
            4,
            8,
            rust_xlsxwriter::Formula::new("=VLOOKUP(1,A1:B2,2)").set_result("#N/A"),
        )
        .unwrap();
    book.save(folder.path("elever.xlsx")).unwrap();
}

#[test]
fn a_workbook_is_read_like_a_csv_file() {
    let folder = Folder::new();
    workbook(&folder);
    let server = Server::start(|_| respond(200, &[], "{}"));
    let output = folder
        .program()
        .args([
            "import",
            "elever.xlsx",
            "--sheet",
            "Elever",
            "--target",
            "plain.toml",
            "--yes",
            "--max-invalid",
            "100%",
            "--results",
            "elever.results.csv",
        ])
        .args(["--base-url", &server.base_url])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("Excel workbook, sheet \"Elever\""));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].body,
        format!(
            r#"{{"identityNumber":"{}","firstName":"Åsa","lastName":"Ek","identityTemporary":false,"dateOfBirth":"2010-04-02","address":{{"municipalityCode":"0184"}},"phoneNumber1":"+46701740605"}}"#,
            identity_number(1)
        )
    );
    let results = folder.csv("elever.results.csv", b';');
    assert_eq!(results.len(), 3);
    assert_eq!(
        results[2][9..14],
        [
            "2",
            "invalid",
            "",
            "text.spreadsheet_error",
            "E-post: cell I5 contains the spreadsheet error #N/A; correct the formula or type the value"
        ]
    );

    let output = folder.run("check elever.xlsx --target meitner");
    assert!(
        stderr(&output).contains("a matching header: Elever;"),
        "the first sheet is no roster: {}",
        stderr(&output)
    );
    let output = folder.run("check elever.xlsx --target meitner --sheet Elver");
    assert!(
        stderr(&output).contains("Kontakter, Elever"),
        "{}",
        stderr(&output)
    );
    folder.sample("students-clean.csv");
    let output = folder.run("check students-clean.csv --target meitner --sheet Elever");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_roster_can_be_read_from_standard_input() {
    let folder = Folder::new();
    let roster = std::fs::read(repository().join("samples/students-clean.csv")).unwrap();
    let output = folder
        .program()
        .args(["import", "-", "--target", "meitner", "--sandbox"])
        .write_stdin(roster)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(folder.csv("stdin.results.csv", b',').len(), 51);
}

#[test]
fn block_boundaries_do_not_affect_how_rows_are_split() {
    let folder = Folder::new();
    let path = folder.path("r.csv");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let mut expected = 0;
    writeln!(out, "a;b;c").unwrap();
    for row in 0..60_000 {
        match row % 7 {
            0 => writeln!(out, "{row};\"två\nrader \"\"x\"\" {row}\";5\" rör").unwrap(),
            _ => writeln!(out, "{row};å{row};\"c;\"").unwrap(),
        }
        expected += 1;
    }
    drop(out);
    let ours = cells(&path);
    let theirs: Vec<Vec<Vec<u8>>> = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(b';')
        .from_path(&path)
        .unwrap()
        .byte_records()
        .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
        .collect();
    assert_eq!(ours.len(), expected + 1);
    assert_eq!(ours, theirs);
}

/// Each case of the npm package csv-spectrum, installed by `tests/run`, has a CSV file and its cells as JSON.
#[test]
fn the_csv_spectrum_corpus_is_read_correctly() {
    let Some(folder) = installed("CSV_SPECTRUM") else {
        return;
    };
    let folder = Path::new(&folder);
    let mut read = 0;
    for entry in std::fs::read_dir(folder.join("csvs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let json = std::fs::read_to_string(folder.join(format!("json/{name}.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let json = match json {
            serde_json::Value::Array(rows) => rows,
            row => vec![row],
        };
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        let rows = cells(&path);
        let header: Vec<String> = rows[0].iter().map(text).collect();
        assert_eq!(rows.len() - 1, json.len(), "{name}");
        for (row, object) in rows[1..].iter().zip(&json) {
            for (column, cell) in header.iter().zip(row) {
                // The corpus contradicts itself here: the CSV and the JSON have different numbers.
                if text(cell) == "2095257564" && object[column] == "1234567890" {
                    continue;
                }
                assert_eq!(
                    Some(text(cell).as_str()),
                    object[column].as_str(),
                    "{name}, {column}"
                );
            }
            assert_eq!(row.len(), object.as_object().unwrap().len(), "{name}");
        }
        read += 1;
    }
    assert!(read >= 10, "the corpus has more than {read} cases");
}

#[test]
fn an_encoding_is_detected_correctly_or_must_be_specified() {
    let Some(python) = installed("JUDGES_PYTHON") else {
        return;
    };
    let folder = Folder::new();
    let written = std::process::Command::new(python)
        .arg(repository().join("tests/judges/encodings.py"))
        .arg(folder.path(""))
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", stderr(&written));
    let files: Vec<serde_json::Value> = serde_json::from_slice(&written.stdout).unwrap();
    assert!(files.len() > 100, "{} files", files.len());
    let (mut right, mut asked) = (0, 0);
    for file in &files {
        let name = file["file"].as_str().unwrap();
        let output = folder.run(&format!(
            "plan {name} --target meitner --sandbox --blind --max-invalid 100% --out plan.csv"
        ));
        if matches!(output.status.code(), Some(1 | 2)) {
            // UTF-8 and the Swedish Windows encodings are read without a question.
            let encoding = file["encoding"].as_str().unwrap();
            let is_usual =
                ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"].contains(&encoding);
            assert!(!is_usual, "{name}: {}", stderr(&output));
            asked += 1;
            continue;
        }
        let rows = folder.csv("plan.csv", b';');
        let field = rows[0].iter().position(|cell| cell == "field").unwrap();
        let to = rows[0].iter().position(|cell| cell == "to").unwrap();
        let sent: Vec<&str> = rows[1..]
            .iter()
            .filter(|row| &row[field] == "first_name")
            .map(|row| row[to].as_str())
            .collect();
        let names: Vec<&str> = file["names"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        // Every row that is sent has a right name; the others were reported.
        for name_sent in &sent {
            assert!(names.contains(name_sent), "{name}: {name_sent:?} is sent");
        }
        right += 1;
        std::fs::remove_file(folder.path("plan.csv")).unwrap();
    }
    assert!(
        right > 20 && asked > 20,
        "{right} right, {asked} asked about"
    );
}
