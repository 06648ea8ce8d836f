//! File signatures identify files that are not rosters.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::l10n::say;
use crate::model::Code;

/// A file signature.
enum Begins {
    /// These bytes at the start.
    Bytes(&'static [u8]),
    /// These bytes at an offset.
    At(usize, &'static [u8]),
    /// This text, in any case, optionally after space and a byte order mark.
    Text(&'static str),
    /// These two characters, optionally separated by space.
    Signs(char, char),
}

use Begins::{At, Bytes, Signs, Text};

/// The signatures of other file formats. The first match applies.
const SIGNATURES: &[(Begins, Code)] = &[
    (Bytes(b"PK\x03\x04"), Code::KindZip),
    (Bytes(b"PK\x05\x06"), Code::KindZip),
    (Bytes(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), Code::KindOle),
    (Bytes(b"%PDF"), Code::KindPdf),
    (Bytes(b"\x1F\x8B"), Code::KindGzip),
    (Bytes(b"BZh"), Code::KindArchive),
    (Bytes(b"\xFD7zXZ\0"), Code::KindArchive),
    (Bytes(b"7z\xBC\xAF\x27\x1C"), Code::KindArchive),
    (Bytes(b"Rar!\x1A\x07"), Code::KindArchive),
    (Bytes(b"\x28\xB5\x2F\xFD"), Code::KindArchive),
    (At(257, b"ustar"), Code::KindArchive),
    (Bytes(b"\x89PNG"), Code::KindPicture),
    (Bytes(b"\xFF\xD8\xFF"), Code::KindPicture),
    (Bytes(b"GIF8"), Code::KindPicture),
    (Bytes(b"II*\0"), Code::KindPicture),
    (Bytes(b"MM\0*"), Code::KindPicture),
    (At(8, b"WEBP"), Code::KindPicture),
    (At(4, b"ftyphei"), Code::KindPicture),
    (Bytes(b"SQLite format 3\0"), Code::KindDatabase),
    (At(4, b"Standard Jet DB"), Code::KindDatabase),
    (At(4, b"Standard ACE DB"), Code::KindDatabase),
    (Text("{\\rtf"), Code::KindRichText),
    (Text("<!doctype html"), Code::KindWebPage),
    (Text("<html"), Code::KindWebPage),
    (Text("<head"), Code::KindWebPage),
    (Text("<body"), Code::KindWebPage),
    (Text("<meta"), Code::KindWebPage),
    (Text("<style"), Code::KindWebPage),
    (Text("<table"), Code::KindWebPage),
    (Text("<div"), Code::KindWebPage),
    (Text("<?xml"), Code::KindXml),
    (Text("<!doctype"), Code::KindXml),
    (Text("<!--"), Code::KindXml),
    (Text("<Workbook"), Code::KindXml),
    (Signs('{', '"'), Code::KindJson),
    (Signs('[', '{'), Code::KindJson),
];

/// The format of a file that is not a roster, by its first bytes.
pub(super) fn kind_of(start: &[u8]) -> Option<Code> {
    let text = text_of(start);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    let fits = |begins: &Begins| match begins {
        Bytes(bytes) => start.starts_with(bytes),
        At(place, bytes) => start
            .get(*place..)
            .is_some_and(|rest| rest.starts_with(bytes)),
        Text(word) => text
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word)),
        Signs(first, second) => text
            .strip_prefix(*first)
            .is_some_and(|rest| rest.trim_start().starts_with(*second)),
    };
    let (_, kind) = SIGNATURES.iter().find(|(begins, _)| fits(begins))?;
    Some(match kind {
        Code::KindXml => kind_of_xml(text),
        kind => *kind,
    })
}

/// The format of an XML document.
fn kind_of_xml(text: &str) -> Code {
    let has = |word: &str| text.to_ascii_lowercase().contains(word);
    if has("urn:schemas-microsoft-com:office:spreadsheet") {
        Code::KindXmlSpreadsheet
    } else if has("<html") {
        Code::KindWebPage
    } else {
        Code::KindXml
    }
}

/// Decodes the first bytes as text for the signature search.
fn text_of(start: &[u8]) -> Cow<'_, str> {
    let start = start.get(..4096).unwrap_or(start);
    match Encoding::for_bom(start) {
        Some((encoding, length)) => encoding.decode(&start[length..]).0,
        None => String::from_utf8_lossy(start),
    }
}

/// Whether bytes are binary. Text may contain a few NUL bytes from a faulty export.
pub(super) fn is_binary(start: &[u8]) -> bool {
    let nuls = start.iter().filter(|&&byte| byte == 0).count();
    nuls * 50 > start.len()
}

/// Instructions for obtaining a roster from a file of this format.
pub(super) fn fix_for(kind: Code) -> String {
    match kind {
        Code::KindZip => say().fix_unpack_or_save(),
        Code::KindGzip | Code::KindArchive => say().fix_unpack(),
        Code::KindOle | Code::KindXlsb | Code::KindXmlSpreadsheet => say().fix_save(),
        Code::KindWebPage => say().fix_save_or_export(),
        Code::KindPassword => say().fix_password(),
        Code::KindNumbers => say().fix_numbers(),
        _ => say().fix_export(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_not_rosters_are_identified() {
        let utf_16: Vec<u8> = "\u{FEFF}<html>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let tar = [&[b'a'; 257][..], b"ustar"].concat();
        for (start, kind) in [
            (&b"%PDF-1.7"[..], Code::KindPdf),
            (b"PK\x03\x04\x14", Code::KindZip),
            (b" <!DOCTYPE html>", Code::KindWebPage),
            (b"\xEF\xBB\xBF\r\n<table border=1>", Code::KindWebPage),
            (&utf_16, Code::KindWebPage),
            (b"<?xml version='1.0'?><html>", Code::KindWebPage),
            (
                b"<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">",
                Code::KindXmlSpreadsheet,
            ),
            (b"<?xml version=\"1.0\"?><elever/>", Code::KindXml),
            (b"{\n  \"elever\": []", Code::KindJson),
            (b"[ {\"id\": 1}]", Code::KindJson),
            (b"{\\rtf1\\ansi", Code::KindRichText),
            (b"\x1F\x8B\x08", Code::KindGzip),
            (b"7z\xBC\xAF\x27\x1C", Code::KindArchive),
            (&tar, Code::KindArchive),
            (b"\xFF\xD8\xFF\xE0", Code::KindPicture),
            (b"GIF89a", Code::KindPicture),
            (b"RIFF\0\0\0\0WEBP", Code::KindPicture),
        ] {
            assert_eq!(kind_of(start), Some(kind), "{}", start.escape_ascii());
        }
        for roster in [
            "Förnamn;Efternamn",
            "[id];[namn]",
            "{id};namn",
            "id,name\n1,<html>",
            "BZ;x",
        ] {
            assert_eq!(kind_of(roster.as_bytes()), None, "{roster}");
        }
        assert!(is_binary(&[0, 1, 2, 3]) && !is_binary(b"F\xF6rnamn;Efternamn"));
    }
}
