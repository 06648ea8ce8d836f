//! Invalid input files and invalid rows: each gives a clear error or a problem of its row, never a panic or a
//! changed value.

use crate::harness::{Folder, identity_number, plain_id, plain_roster, stderr, stdout};

fn refused(folder: &Folder, name: &str) -> String {
    let output = folder.run(&format!("import {name} --target meitner --sandbox"));
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{name}: {text}");
    assert!(text.contains(name), "the file is named: {text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(
        !folder.path("state/journal.sqlite").exists(),
        "no run was begun"
    );
    text
}

#[test]
fn unsupported_file_formats_are_refused_by_name() {
    let folder = Folder::new();
    for (name, content, expected) in [
        ("empty.csv", &b""[..], "is empty"),
        ("blank.csv", b"\n \n\n", "is empty"),
        ("list.pdf", b"%PDF-1.7 xxxxxxx", "PDF"),
        ("list.zip", b"PK\x03\x04xxxxxx", "ZIP"),
        ("old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "old Office"),
        ("page.csv", b"<!DOCTYPE html><html>", "web page"),
        ("binary.csv", &[0, 1, 2, 3, 0, 0, 7, 0], "binary"),
        (
            "twice.csv",
            b"id,First name, id \n1,2,3\n",
            "columns 1 and 3",
        ),
        (
            "columns.csv",
            b"id,Personnumer,first_name,last_name\n1,2,3,4\n",
            "did you mean",
        ),
        (
            "open.csv",
            b"id,identity_number,first_name,last_name\n1,2,\"An,4\n5,6,7,8\n",
            "opens on line 2",
        ),
        (
            "stray.csv",
            b"id,identity_number,first_name,last_name\n1,2,\"An,4\n5,6,7\",8\n9,9,9,9\n",
            "lines 2 to 3",
        ),
    ] {
        folder.write(name, content);
        let text = refused(&folder, name);
        assert!(text.contains(expected), "{name}: {text}");
    }
    assert!(refused(&folder, "nowhere.csv").contains("cannot read"));
}

/// Imports a roster with one bad row between two valid ones. Returns the code and message of the bad row.
fn one_bad_row(bad: &[u8]) -> (String, String) {
    let folder = Folder::new();
    let good = plain_roster(2);
    let lines: Vec<&str> = good.lines().collect();
    let mut content = format!("{}\n{}\n", lines[0], lines[1]).into_bytes();
    content.extend_from_slice(bad);
    content.extend_from_slice(format!("\n{}\n", lines[2]).as_bytes());
    folder.write("r.csv", &content);
    let output = folder.run("import r.csv --target meitner --sandbox --max-invalid 100%");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let results = std::fs::read(folder.path("r.results.csv")).unwrap();
    let rows: Vec<csv::ByteRecord> = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(&results[..])
        .into_byte_records()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 3);
    let states: Vec<&[u8]> = rows.iter().map(|row| &row[5]).collect();
    assert_eq!(states, [&b"unchanged"[..], b"invalid", b"unchanged"]);
    // The results contain the cells of the bad row unchanged.
    let mut before = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bad);
    let before = before.byte_records().next().unwrap().unwrap();
    for (index, cell) in before.iter().take(4).enumerate() {
        assert_eq!(&rows[1][index], cell);
    }
    let text = |index: usize| String::from_utf8(rows[1][index].to_vec()).unwrap();
    (text(7), text(8))
}

#[test]
fn a_bad_row_does_not_affect_other_rows() {
    let id = plain_id(9);
    let number = identity_number(9);
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (
            format!("{id},{number},Åsa").into(),
            "row.too_few_cells",
            "3 cells",
        ),
        (
            format!("{id},{number},Åsa,Ek,x,y").into(),
            "row.too_many_cells",
            "6 cells",
        ),
        (
            format!("{id},{number},Å\0sa,Ek").into(),
            "text.nul",
            "first_name: ",
        ),
        (
            format!("{id},{number},Å\u{8}sa,Ek").into(),
            "text.control_character",
            "U+0008",
        ),
        (
            format!("{id},{number},,Ek").into(),
            "required.empty",
            "first_name",
        ),
        (
            [format!("{id},{number},").as_bytes(), b"\xC5sa,Ek"].concat(),
            "text.undecodable",
            "0xC5",
        ),
        (
            format!("{id},{number},{},Ek", "x".repeat(10 * 1024 * 1024)).into(),
            "text.too_long",
            "10485760",
        ),
        (
            b"x,20100402-2389,\xC3\x85sa,".to_vec(),
            "uuid.format",
            "identity_number: the check digit",
        ),
    ];
    for (bad, code, text) in cases {
        let (found, message) = one_bad_row(&bad);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn all_problems_of_a_row_are_reported() {
    let (_, message) = one_bad_row(b"x,20100402-2389,,");
    for field in ["id: ", "identity_number: ", "first_name: ", "last_name: "] {
        assert!(message.contains(field), "{field} not in {message}");
    }
}

#[test]
fn the_second_occurrence_of_a_unique_value_is_invalid() {
    let folder = Folder::new();
    let (a, b) = (identity_number(1), identity_number(2));
    let compact = a.replace('-', "");
    let text = format!(
        "id,identity_number,first_name,last_name,email_address1\n\
         {},{a},Åsa,Ek,asa@example.se\n\
         {},{compact},Bo,Ek,\n\
         {},{b},Cy,Ek,ASA@example.se\n\
         {},{},Di,Ek,\n",
        plain_id(1),
        plain_id(2),
        plain_id(3),
        plain_id(1).to_uppercase(),
        identity_number(4),
    );
    folder.write("r.csv", text);
    let output = folder.run("import r.csv --target meitner --sandbox --max-invalid 100%");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let codes: Vec<String> = folder.csv("r.results.csv", b',')[1..]
        .iter()
        .map(|row| row[8].clone())
        .collect();
    assert_eq!(
        codes,
        [
            "",
            "identity_number.duplicate",
            "email.duplicate",
            "uuid.duplicate"
        ]
    );
}

#[test]
fn an_invalid_command_line_exits_with_2() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    for arguments in [
        "import",
        "import r.csv --sandbox",
        "import r.csv --target meitner --sandbox --rate fast",
        "import r.csv --target meitner --sandbox --share 120%",
        "import r.csv --target meitner --sandbox --timeout soon",
        "import r.csv --target meitner --sandbox --rows 5-1",
        "import r.csv --target meitner --sandbox --map id",
        "import r.csv --target meitner --sandbox --delimiter ab",
        "import r.csv --target meitner --sandbox --concurrency 0",
        "import r.csv --target meitner --env nowhere",
        "sandbox --listen 0.0.0.0:1",
    ] {
        let output = folder.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments}: {}",
            stderr(&output)
        );
    }
    assert_eq!(
        folder
            .run("import r.csv --target mietner --sandbox")
            .status
            .code(),
        Some(1)
    );
}

/// Returns an OpenDocument spreadsheet with one sheet of these rows.
fn opendocument(rows: &str) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content
        xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
        xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
        xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
        <table:table table:name="Elever">{rows}</table:table>
        </office:spreadsheet></office:body></office:document-content>"#
    );
    let manifest = r#"<?xml version="1.0"?><manifest:manifest
        xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"#;
    for (name, text) in [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_str()),
        ("META-INF/manifest.xml", manifest),
    ] {
        archive.start_file(name, stored).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_spreadsheet_that_declares_a_huge_size_is_refused_before_expansion() {
    let cell = |text: &str| {
        format!(
            r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#
        )
    };
    let row =
        |cells: &str, more: &str| format!("<table:table-row {more}>{cells}</table:table-row>");
    let header: String = ["id", "identity_number", "first_name", "last_name"]
        .map(cell)
        .concat();
    let folder = Folder::new();
    let many = "table:number-rows-repeated=\"1000000\"";
    let wide = r#"<table:table-cell table:number-columns-repeated="16000" office:value-type="string"><text:p>x</text:p></table:table-cell>"#;
    let number = r#"<table:table-cell office:value-type="float" office:value="7"/>"#;
    for (name, rows, expected) in [
        (
            "far.ods",
            row(&header, "") + &row(&cell("x"), many),
            "far below",
        ),
        (
            "numbers.ods",
            row(&header, "") + &row(number, many),
            "far below",
        ),
        (
            "wide.ods",
            row(&(header.clone() + wide), ""),
            "columns; delete",
        ),
    ] {
        folder.write(name, opendocument(&rows));
        let text = refused(&folder, name);
        assert!(text.contains(expected), "{name}: {text}");
    }
    let students: String = plain_roster(2)
        .lines()
        .map(|line| row(&line.split(',').map(cell).collect::<String>(), ""))
        .collect();
    let empty = r#"<table:table-cell table:number-columns-repeated="16384"/>"#;
    folder.write("fine.ods", opendocument(&(students + &row(empty, many))));
    let output = folder.run("check fine.ods --target meitner");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("OpenDocument spreadsheet, sheet \"Elever\""));
}
