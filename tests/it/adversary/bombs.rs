//! Decompression bombs: workbooks that are small as files and large in memory.

use std::io::Write;
use std::path::Path;

use super::rows::check_within;
use crate::harness::Folder;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const KINDS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The text of a workbook part, as pieces with their repeat counts.
type Pieces<'a> = Vec<(&'a str, usize)>;

/// Writes an archive of these parts, uncompressed; the reader behaves the same for both.
fn archive(path: &Path, parts: &[(&str, Pieces<'_>)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, pieces) in parts {
        archive.start_file(*name, stored).unwrap();
        for (text, times) in pieces {
            let lot = text.repeat(4096);
            for _ in 0..times / 4096 {
                archive.write_all(lot.as_bytes()).unwrap();
            }
            archive
                .write_all(text.repeat(times % 4096).as_bytes())
                .unwrap();
        }
    }
    archive.finish().unwrap();
}

/// Writes a workbook with a header and one row, in which `part` replaces its counterpart.
fn workbook<'a>(path: &Path, part: &'a str, pieces: Pieces<'a>) {
    let sheet = format!(
        "<worksheet xmlns=\"{MAIN}\"><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>id</t></is></c></row>\
         <row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>x</t></is></c></row></sheetData></worksheet>"
    );
    let rels = format!(
        "<Relationships xmlns=\"{KINDS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let book_rels = format!(
        "<Relationships xmlns=\"{KINDS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let texts = format!("<sst xmlns=\"{MAIN}\"></sst>");
    let styles = format!("<styleSheet xmlns=\"{MAIN}\"></styleSheet>");
    let mut parts: Vec<(&str, Pieces<'_>)> = vec![
        ("_rels/.rels", vec![(&rels, 1)]),
        ("xl/workbook.xml", vec![(&book, 1)]),
        ("xl/_rels/workbook.xml.rels", vec![(&book_rels, 1)]),
        ("xl/sharedStrings.xml", vec![(&texts, 1)]),
        ("xl/styles.xml", vec![(&styles, 1)]),
        ("xl/worksheets/sheet1.xml", vec![(&sheet, 1)]),
    ];
    parts.retain(|(name, _)| *name != part);
    parts.push((part, pieces));
    archive(path, &parts);
}

/// A hundred megabytes, in pieces of a kilobyte.
const MANY: usize = 100_000;

/// The memory limit of the program, in megabytes.
const MEGABYTES: usize = 80;

#[test]
fn no_part_of_a_workbook_exhausts_the_memory() {
    let folder = Folder::new();
    let kilobyte = "x".repeat(1024);
    let noise = format!("{kilobyte}<!-- -->");
    let sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>id</t></is></c></row>";
    let cell = "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>";
    let end = "</t></is></c></row></sheetData></worksheet>";
    let bombs: [(&str, &str, Pieces<'_>); 16] = [
        (
            "comment",
            "xl/worksheets/sheet1.xml",
            vec![
                (sheet, 1),
                ("<!--", 1),
                (&kilobyte, MANY),
                ("--></sheetData></worksheet>", 1),
            ],
        ),
        (
            "comment of >",
            "xl/worksheets/sheet1.xml",
            vec![
                (sheet, 1),
                ("<!--", 1),
                (">>>>>>>>", 64 * MANY),
                ("--></sheetData></worksheet>", 1),
            ],
        ),
        (
            "instruction",
            "xl/worksheets/sheet1.xml",
            vec![
                (sheet, 1),
                ("<?a ", 1),
                (&kilobyte, MANY),
                ("?></sheetData></worksheet>", 1),
            ],
        ),
        (
            "doctype",
            "xl/worksheets/sheet1.xml",
            vec![
                ("<!DOCTYPE a [", 1),
                (&kilobyte, MANY),
                ("]>", 1),
                (sheet, 1),
            ],
        ),
        (
            "attribute",
            "xl/worksheets/sheet1.xml",
            vec![
                (sheet, 1),
                ("<row a=\"", 1),
                (&kilobyte, MANY),
                ("\"/></sheetData></worksheet>", 1),
            ],
        ),
        (
            "cdata",
            "xl/worksheets/sheet1.xml",
            vec![
                (sheet, 1),
                (cell, 1),
                ("<![CDATA[", 1),
                (&kilobyte, MANY),
                ("]]>", 1),
                (end, 1),
            ],
        ),
        (
            "text",
            "xl/worksheets/sheet1.xml",
            vec![(sheet, 1), (cell, 1), (&kilobyte, MANY), (end, 1)],
        ),
        (
            "text in pieces",
            "xl/worksheets/sheet1.xml",
            vec![(sheet, 1), (cell, 1), (&noise, MANY), (end, 1)],
        ),
        (
            "text after the end",
            "xl/worksheets/sheet1.xml",
            vec![
                (sheet, 1),
                ("</sheetData></worksheet>", 1),
                (&kilobyte, MANY),
            ],
        ),
        (
            "shared text",
            "xl/sharedStrings.xml",
            vec![
                ("<sst><si><t>", 1),
                (&kilobyte, MANY),
                ("</t></si></sst>", 1),
            ],
        ),
        (
            "shared text in pieces",
            "xl/sharedStrings.xml",
            vec![("<sst><si><t>", 1), (&noise, MANY), ("</t></si></sst>", 1)],
        ),
        (
            "room for shared texts",
            "xl/sharedStrings.xml",
            vec![("<sst uniqueCount=\"99999999999999\"></sst>", 1)],
        ),
        (
            "names of sheets",
            "xl/workbook.xml",
            vec![
                ("<workbook><sheets><sheet name=\"", 1),
                (&kilobyte, MANY),
                ("\"/></sheets></workbook>", 1),
            ],
        ),
        (
            "styles",
            "xl/styles.xml",
            vec![
                ("<styleSheet><fonts>", 1),
                ("<font/>", 2_000_000),
                ("</fonts></styleSheet>", 1),
            ],
        ),
        (
            "other sheets",
            "xl/_rels/workbook.xml.rels",
            vec![
                ("<Relationships>", 1),
                (&kilobyte, MANY),
                ("</Relationships>", 1),
            ],
        ),
        ("a picture", "xl/media/image1.png", vec![(&kilobyte, MANY)]),
    ];
    for (name, part, pieces) in bombs {
        workbook(&folder.path("w.xlsx"), part, pieces);
        let (code, told) = check_within(MEGABYTES, &folder, "w.xlsx");
        assert_eq!(code, Some(1), "{name}: {told}");
        assert!(
            told.contains("w.xlsx") && !told.contains("panicked"),
            "{name}: {told}"
        );
        assert!(
            told.contains(part) || told.contains("MiB"),
            "{name}: {told}"
        );
    }
}

/// Writes an OpenDocument spreadsheet with a header and these rows.
fn opendocument(path: &Path, rows: Pieces<'_>) {
    let begin = "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"A\">\
                 <table:table-row><table:table-cell office:value-type=\"string\"><text:p>id</text:p></table:table-cell></table:table-row>";
    let end = "</table:table></office:spreadsheet></office:body></office:document-content>";
    let mut pieces = vec![(begin, 1)];
    pieces.extend(rows);
    pieces.push((end, 1));
    let kind = "application/vnd.oasis.opendocument.spreadsheet";
    let parts = [
        ("mimetype", vec![(kind, 1)]),
        ("META-INF/manifest.xml", vec![("<manifest/>", 1)]),
        ("content.xml", pieces),
    ];
    archive(path, &parts);
}

#[test]
fn no_opendocument_spreadsheet_exhausts_the_memory() {
    let folder = Folder::new();
    let kilobyte = "x".repeat(1024);
    let noise = format!("{kilobyte}<!-- -->");
    let cell = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>";
    let end = "</text:p></table:table-cell></table:table-row>";
    let often = "<table:table-row table:number-rows-repeated=\"9900\"><table:table-cell \
                 table:number-columns-repeated=\"999\" office:value-type=\"string\">\
                 <text:p>x</text:p></table:table-cell></table:table-row>";
    for (name, rows) in [
        ("comment", vec![("<!--", 1), (&*kilobyte, MANY), ("-->", 1)]),
        ("text", vec![(cell, 1), (&kilobyte, MANY), (end, 1)]),
        ("text in pieces", vec![(cell, 1), (&noise, MANY), (end, 1)]),
        ("repeated cells", vec![(often, 1)]),
    ] {
        opendocument(&folder.path("w.ods"), rows);
        let (code, told) = check_within(MEGABYTES, &folder, "w.ods");
        assert_eq!(code, Some(1), "{name}: {told}");
        assert!(
            told.contains("w.ods") && !told.contains("panicked"),
            "{name}: {told}"
        );
    }
    // Repeated cells as in an ordinary short list are accepted.
    let row = "<table:table-row><table:table-cell table:number-columns-repeated=\"3\"/><table:table-cell \
               office:value-type=\"string\"><text:p>x</text:p></table:table-cell></table:table-row>";
    opendocument(&folder.path("w.ods"), vec![(row, 500)]);
    let (_, told) = check_within(MEGABYTES, &folder, "w.ods");
    assert!(!told.contains("cannot read the workbook"), "{told}");
}

#[test]
fn false_sizes_in_an_archive_are_detected() {
    let folder = Folder::new();
    let kilobyte = "x".repeat(1024);
    let path = folder.path("w.xlsx");
    let pieces = vec![
        ("<worksheet><!--", 1),
        (&*kilobyte, MANY),
        ("--></worksheet>", 1),
    ];
    workbook(&path, "xl/worksheets/sheet1.xml", pieces);
    let mut bytes = std::fs::read(&path).unwrap();
    let large = u32::try_from(1024 * MANY + 30).unwrap().to_le_bytes();
    // A central directory entry has the compressed and then the uncompressed size after its signature.
    let mut found = 0;
    for at in memchr::memmem::find_iter(&bytes.clone(), b"PK\x01\x02") {
        if bytes[at + 24..at + 28] == large {
            bytes[at + 24..at + 28].copy_from_slice(&2000u32.to_le_bytes());
            found += 1;
        }
    }
    assert_eq!(found, 1);
    std::fs::write(&path, bytes).unwrap();
    let (code, told) = check_within(MEGABYTES, &folder, "w.xlsx");
    assert_eq!(code, Some(1), "{told}");
}

/// Writes an .xls workbook of one sheet with these records, whose cells share one text, and with this many
/// entries for it.
fn old_workbook(path: &Path, text: &str, entries: usize, records: &[(u16, Vec<u8>)]) {
    let mut globals = Vec::new();
    let mut sheet = Vec::new();
    let put = |into: &mut Vec<u8>, kind: u16, bytes: &[u8]| {
        into.extend(kind.to_le_bytes());
        into.extend(u16::try_from(bytes.len()).unwrap().to_le_bytes());
        into.extend(bytes);
    };
    let begin = |kind: u8| [0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    put(&mut sheet, 0x0809, &begin(0x10));
    for (kind, bytes) in records {
        put(&mut sheet, *kind, bytes);
    }
    put(&mut sheet, 0x000A, &[]);
    put(&mut globals, 0x0809, &begin(5));
    let length = u16::try_from(text.len()).unwrap();
    let mut shared = [1u32.to_le_bytes(), 1u32.to_le_bytes()].concat();
    shared.extend(length.to_le_bytes());
    shared.push(0);
    // A long text continues in further records.
    let (here, there) = text.as_bytes().split_at(text.len().min(8000));
    shared.extend(here);
    put(&mut globals, 0x00FC, &shared);
    for piece in there.chunks(8000) {
        put(&mut globals, 0x003C, &[&[0], piece].concat());
    }
    let sheets_at = globals.len() + entries * (4 + 9) + 4;
    for entry in 0..entries {
        let mut bytes = u32::try_from(sheets_at).unwrap().to_le_bytes().to_vec();
        bytes.extend([0, 0, 1, 0, b'A' + u8::try_from(entry % 26).unwrap()]);
        put(&mut globals, 0x0085, &bytes);
    }
    put(&mut globals, 0x000A, &[]);
    globals.extend(sheet);
    let mut compound = cfb::create(path).unwrap();
    let mut stream = compound.create_stream("/Workbook").unwrap();
    stream.write_all(&globals).unwrap();
}

/// Returns the record of a cell with the shared text.
fn shared_at(row: u16, column: u16) -> (u16, Vec<u8>) {
    let place = [row, column, 0].map(u16::to_le_bytes).concat();
    (0x00FD, [place, 0u32.to_le_bytes().to_vec()].concat())
}

#[test]
fn no_xls_workbook_exhausts_the_memory() {
    let folder = Folder::new();
    let path = folder.path("w.xls");
    let some = vec![shared_at(0, 0), shared_at(1, 0)];
    old_workbook(&path, "id", 1, &some);
    let (_, told) = check_within(MEGABYTES, &folder, "w.xls");
    assert!(!told.contains("cannot read the workbook"), "{told}");
    assert!(told.contains("w.xls"), "{told}");

    let long = "x".repeat(60_000);
    let many: Vec<_> = (0..10_000).map(|row| shared_at(row, 0)).collect();
    let dimensions = |rows: u32, columns: u16| {
        let rows = [0, rows].map(u32::to_le_bytes).concat();
        let columns = [0, columns, 0].map(u16::to_le_bytes).concat();
        (0x0200, [rows, columns].concat())
    };
    for (name, text, entries, records) in [
        (
            "far corners",
            "id",
            1,
            vec![shared_at(0, 0), shared_at(65_535, 255)],
        ),
        (
            "further ones",
            "id",
            1,
            vec![shared_at(0, 0), shared_at(65_535, 65_535)],
        ),
        (
            "room",
            "id",
            1,
            vec![dimensions(u32::MAX, u16::MAX), shared_at(0, 0)],
        ),
        ("one text often", &*long, 1, many.clone()),
        ("one sheet often", "id", 60, many),
        ("half a cell", "id", 1, vec![(0x00FD, vec![0])]),
        ("half a number", "id", 1, vec![(0x0203, vec![0; 5])]),
        ("half a formula", "id", 1, vec![(0x0006, vec![0; 3])]),
    ] {
        old_workbook(&path, text, entries, &records);
        let (code, told) = check_within(MEGABYTES, &folder, "w.xls");
        assert_eq!(code, Some(1), "{name}: {told}");
        assert!(told.contains("w.xls"), "{name}: {told}");
    }
}
