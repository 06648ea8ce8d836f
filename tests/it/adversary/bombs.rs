//! Workbooks that are small as files and would be large in memory.

use std::io::Write;
use std::path::Path;

use super::rows::check;
use crate::harness::Folder;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const KINDS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// What a part of a workbook holds: text, with pieces that are repeated.
type Pieces<'a> = Vec<(&'a str, usize)>;

/// Writes an archive of these parts. That they are not compressed makes no difference to what reads them.
fn archive(path: &Path, parts: &[(&str, Pieces<'_>)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, pieces) in parts {
        archive.start_file(*name, stored).unwrap();
        for (text, times) in pieces {
            let lot = text.repeat(if *times > 4096 { 4096 } else { *times });
            let lots = times.div_ceil(4096);
            for _ in 0..lots {
                archive.write_all(lot.as_bytes()).unwrap();
            }
        }
    }
    archive.finish().unwrap();
}

/// A workbook of a header and one row, with `part` in place of its own.
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

#[test]
fn no_construct_of_a_workbook_is_held_in_memory_whatever_its_size() {
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
        let (most, code, told) = check(&folder, "w.xlsx");
        assert_eq!(code, 1, "{name}: {told}");
        assert!(
            told.contains("w.xlsx") && !told.contains("panicked"),
            "{name}: {told}"
        );
        assert!(
            told.contains(part) || told.contains("MiB"),
            "{name}: {told}"
        );
        assert!(most < 80, "{name}: {most} MiB: {told}");
    }
}
