//! Unit tests of `check::cell`.

use super::*;
use crate::check::kinds::form_of;
use crate::check::tests::target;
use crate::targets::{Kind, Place};

fn look(text: &str) -> Result<Content<'_>, &'static str> {
    content(text, Form::Words, &mut Notes::default()).map_err(|fault| fault.code)
}

/// The value of a cell, and the codes of its repairs and doubts.
fn seen(text: &str, form: Form) -> (String, Vec<&'static str>, Vec<&'static str>) {
    let mut notes = Notes::default();
    let text = match content(text, form, &mut notes) {
        Ok(Content::Text(text)) => text.to_owned(),
        Ok(Content::Restored(text)) => text,
        Ok(Content::Empty) => "EMPTY".to_owned(),
        Ok(Content::Clear) => "CLEAR".to_owned(),
        Err(fault) => fault.code.to_owned(),
    };
    let doubts = notes.doubts.iter().map(|fault| fault.code).collect();
    (text, notes.restored, doubts)
}

/// Returns all texts of up to `most` of these marks.
fn texts_of(marks: &[&str], most: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut longest = texts.clone();
    for _ in 0..most {
        longest = longest
            .iter()
            .flat_map(|text| marks.iter().map(move |mark| format!("{text}{mark}")))
            .collect();
        texts.extend_from_slice(&longest);
    }
    texts
}

proptest::proptest! {
    /// A value that is accepted is accepted again, unchanged, when it is read from the results.
    #[test]
    fn accepted_text_is_accepted_again(
        parts in proptest::collection::vec(
            proptest::prop_oneof![
                "\\PC",
                "[ -~\u{A1}-\u{17F}]{1,2}",
                "[\u{A0}\u{2011}\u{FF10}-\u{FF19}\u{200B}]",
            ],
            0..6,
        ),
    ) {
        for form in [Form::Number, Form::Key, Form::Code, Form::Words] {
            let (text, ..) = seen(&parts.concat(), form);
            let written = match text.starts_with(['=', '\'', '#']) {
                true => format!("=\"\"&\"{}\"", text.replace('"', "\"\"")),
                false => text.clone(),
            };
            proptest::prop_assert_eq!(seen(&written, form).0, text, "{:?}", form);
        }
    }
}

/// A value must round-trip, or importing the results would change it: all cells of up to four marks, and of up to
/// five that formulas consist of.
#[test]
fn values_round_trip_through_results() {
    const MARKS: [&str; 11] = [
        "'", "\"", "=", "\"\"&", "0", " ", "\u{200B}", "\u{A0}", "\u{F6}", "<null>", "184.0",
    ];
    let mut cells = texts_of(&MARKS, 4);
    cells.extend(texts_of(&MARKS[..6], 5));
    for form in [Form::Number, Form::Key, Form::Code, Form::Words] {
        for cell in &cells {
            let read = match content(cell, form, &mut Notes::default()) {
                Ok(Content::Text(text)) => text.to_owned(),
                Ok(Content::Restored(text)) => text,
                Ok(Content::Empty | Content::Clear) | Err(_) => continue,
            };
            let is_marked = read.starts_with(['=', '\''])
                || read == "<null>"
                || read.trim_matches(characters::is_padding) != read;
            let written = match is_marked {
                // Results store this value as a formula that returns its text.
                true => format!("=\"\"&\"{}\"", read.replace('"', "\"\"")),
                false => read.clone(),
            };
            let again = content(&written, form, &mut Notes::default());
            let same = match &again {
                Ok(Content::Text(text)) => *text == read,
                Ok(Content::Restored(text)) => *text == read,
                _ => false,
            };
            assert!(same, "{form:?} {cell:?} is {read:?}, then {again:?}");
        }
    }
}

#[test]
fn a_changed_value_is_restored_if_the_original_is_unambiguous() {
    let apostrophe = ["text.apostrophe"].as_slice();
    let invisible = ["text.invisible_character"].as_slice();
    let alike = ["text.lookalike_character"].as_slice();
    let decimal = ["text.decimal_zero"].as_slice();
    let foreign = ["text.foreign_character"].as_slice();
    for (text, form, expected, restored, doubts) in [
        ("'0184", Form::Key, "0184", apostrophe, [].as_slice()),
        (
            "'+46701740605",
            Form::Number,
            "+46701740605",
            apostrophe,
            &[],
        ),
        (
            "'a@x.example.se",
            Form::Code,
            "a@x.example.se",
            apostrophe,
            &[],
        ),
        ("'Anna", Form::Words, "Anna", apostrophe, &[]),
        ("'Åsa'", Form::Words, "'Åsa'", &[], &["text.quotes"]),
        (
            "'''",
            Form::Key,
            "'''",
            &[],
            &["text.quotes", "text.no_value"],
        ),
        ("''0184", Form::Key, "''0184", &[], &["text.quotes"]),
        ("'0184'", Form::Key, "0184", apostrophe, &[]),
        ("'3 Skolgatan", Form::Words, "3 Skolgatan", apostrophe, &[]),
        ("'", Form::Words, "EMPTY", apostrophe, &[]),
        (
            "'s-Gravenhage",
            Form::Words,
            "'s-Gravenhage",
            &[],
            apostrophe,
        ),
        ("'t Hooft", Form::Words, "'t Hooft", &[], apostrophe),
        ("'T HOOFT", Form::Words, "'T HOOFT", &[], apostrophe),
        ("'anna", Form::Words, "'anna", &[], apostrophe),
        ("'quoted' text", Form::Lines, "'quoted' text", &[], &[]),
        ("O'Neill", Form::Words, "O'Neill", &[], &[]),
        ("184.0", Form::Key, "184", decimal, &[]),
        ("184,0", Form::Number, "184", decimal, &[]),
        ("+4722123456.0", Form::Number, "+4722123456", decimal, &[]),
        ("184.0", Form::Words, "184.0", &[], decimal),
        ("1.184.0", Form::Key, "1.184.0", &[], &["text.number"]),
        ("12 345", Form::Key, "12 345", &[], &["text.number"]),
        ("12\u{A0}345", Form::Key, "12 345", alike, &["text.number"]),
        ("50 %", Form::Key, "50 %", &[], &["text.number"]),
        ("12 345", Form::Words, "12 345", &[], &[]),
        ("12 345", Form::Number, "12 345", &[], &[]),
        ("-.0", Form::Key, "-.0", &[], &[]),
        ("x.0", Form::Key, "x.0", &[], &[]),
        (" 184.", Form::Key, "184.", &[], &[]),
        (" 184,", Form::Number, "184,", &[], &[]),
        ("''", Form::Words, "EMPTY", apostrophe, &[]),
        (" Åsa ", Form::Words, "Åsa", &[], &[]),
        ("\u{FEFF}Anna", Form::Words, "Anna", invisible, &[]),
        ("Å\n\tsa", Form::Lines, "Å\n\tsa", &[], &[]),
        (
            "Storgatan 1\u{2013}B",
            Form::Words,
            "Storgatan 1\u{2013}B",
            &[],
            &[],
        ),
        ("184.50", Form::Key, "184.50", &[], &["text.number"]),
        ("184.00", Form::Key, "184", decimal, &[]),
        ("184,000000", Form::Number, "184", decimal, &[]),
        ("1.000", Form::Key, "1.000", &[], &["text.number"]),
        ("10", Form::Key, "10", &[], &[]),
        ("E-100", Form::Key, "E-100", &[], &[]),
        ("3-apr", Form::Key, "3-apr", &[], &["text.date"]),
        ("2026-03-01", Form::Key, "2026-03-01", &[], &["text.date"]),
        ("3-apr", Form::Words, "3-apr", &[], &[]),
        (
            "Bj|rn",
            Form::Words,
            "Bj|rn",
            &[],
            &["text.strange_letters"],
        ),
        ("\u{410}nna", Form::Words, "\u{410}nna", &[], alike),
        (
            "\u{430}@x.example.se",
            Form::Code,
            "\u{430}@x.example.se",
            &[],
            alike,
        ),
        (
            "\u{410}\u{43D}\u{43D}\u{430} Ek",
            Form::Words,
            "\u{410}\u{43D}\u{43D}\u{430} Ek",
            &[],
            &[],
        ),
        ("Anna\u{2028}Ek", Form::Words, "Anna\u{2028}Ek", &[], alike),
        (
            "\u{202A}b@x.example.se\u{202C}",
            Form::Code,
            "b@x.example.se",
            invisible,
            &[],
        ),
        (
            "20100402\u{200B}-4137",
            Form::Number,
            "20100402-4137",
            invisible,
            &[],
        ),
        ("\u{2066}Anna\u{2069}", Form::Words, "Anna", invisible, &[]),
        ("\u{1D400}nna", Form::Words, "\u{1D400}nna", &[], alike),
        ("\u{1D400}1", Form::Key, "A1", alike, &[]),
        ("Anna\tEk", Form::Words, "Anna\tEk", &[], foreign),
        ("12\t34", Form::Key, "12\t34", &[], foreign),
        (
            "Anna \u{1F600}",
            Form::Words,
            "Anna \u{1F600}",
            &[],
            foreign,
        ),
        (
            "\u{E001}nna@x.se",
            Form::Code,
            "\u{E001}nna@x.se",
            &[],
            foreign,
        ),
        ("\u{2605}1", Form::Number, "\u{2605}1", &[], foreign),
        ("\u{1F600}\t", Form::Lines, "\u{1F600}", &[], &[]),
        ("An\u{200B}na", Form::Words, "An\u{200B}na", &[], invisible),
        (
            "20100402\u{2014}5118",
            Form::Number,
            "20100402-5118",
            alike,
            &[],
        ),
        ("E\u{2013}10482", Form::Key, "E-10482", alike, &[]),
        ("26\u{202F}131", Form::Number, "26 131", alike, &[]),
        ("\u{FF11}\u{FF18}\u{FF14}", Form::Number, "184", alike, &[]),
        (
            "Anna\u{2013}Karin",
            Form::Words,
            "Anna\u{2013}Karin",
            &[],
            alike,
        ),
        (
            "Anna\u{A0}Karin",
            Form::Words,
            "Anna\u{A0}Karin",
            &[],
            alike,
        ),
        (
            "Storgatan 1\u{2013}3",
            Form::Words,
            "Storgatan 1\u{2013}3",
            &[],
            &[],
        ),
        (
            "\u{645}\u{200C}\u{646}",
            Form::Words,
            "\u{645}\u{200C}\u{646}",
            &[],
            &[],
        ),
    ] {
        let (found, put_back, unusual) = seen(text, form);
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(put_back, restored, "{text:?}");
        assert_eq!(unusual, doubts, "{text:?}");
    }
}

#[test]
fn placeholders_are_doubtful_or_invalid() {
    let no_value = ["text.no_value"].as_slice();
    let question_mark = ["text.question_mark"].as_slice();
    let strange = ["text.strange_letters"].as_slice();
    for (text, form, expected, doubts) in [
        ("NULL", Form::Words, "NULL", no_value),
        ("Null", Form::Words, "Null", no_value),
        ("nan", Form::Words, "nan", no_value),
        ("undefined", Form::Words, "undefined", no_value),
        ("N/A", Form::Words, "N/A", no_value),
        ("-", Form::Words, "-", no_value),
        ("-", Form::Key, "-", no_value),
        ("Saknas", Form::Words, "Saknas", no_value),
        ("okänd", Form::Key, "okänd", no_value),
        ("n.a.", Form::Words, "n.a.", no_value),
        ("DBNull", Form::Words, "DBNull", no_value),
        ("null@example.se", Form::Code, "null@example.se", no_value),
        ("(tom)", Form::Words, "text.no_value", &[]),
        ("b'Anna'", Form::Words, "text.object", &[]),
        (
            "s?ren@example.se",
            Form::Code,
            "s?ren@example.se",
            question_mark,
        ),
        ("Anna_x000D_", Form::Words, "text.escape", &[]),
        ("Sï¿½ren", Form::Words, "text.replacement_character", &[]),
        ("#BEZUG!", Form::Words, "text.spreadsheet_error", &[]),
        ("#I/T", Form::Words, "text.spreadsheet_error", &[]),
        ("#VÆRDI!", Form::Words, "text.spreadsheet_error", &[]),
        ("#1!", Form::Words, "#1!", &[]),
        ("#A!", Form::Words, "#A!", &[]),
        ("#Å?", Form::Number, "#Å?", &[]),
        ("#ÅÄ?", Form::Words, "text.spreadsheet_error", &[]),
        ("#hurra!", Form::Words, "#hurra!", &[]),
        ("#saknas!", Form::Words, "text.spreadsheet_error", &[]),
        ("#Ref!", Form::Words, "text.spreadsheet_error", &[]),
        ("#N/B", Form::Words, "text.spreadsheet_error", &[]),
        // A capital after small letters results from a wrong encoding more often than from an
        // abbreviation.
        ("AndrÄ", Form::Words, "AndrÄ", strange),
        (" BjÜrn", Form::Words, "BjÜrn", strange),
        ("ANDRÄ", Form::Words, "ANDRÄ", &[]),
        ("McÉwan", Form::Words, "McÉwan", &[]),
        ("AnnaÖberg", Form::Words, "AnnaÖberg", &[]),
        ("3bÄ", Form::Words, "3bÄ", &[]),
        ("SvÖ", Form::Words, "SvÖ", &[]),
        ("NULL", Form::Key, "text.no_value", &[]),
        ("NULL", Form::Number, "NULL", &[]),
        ("-", Form::Code, "-", &[]),
        ("##", Form::Words, "##", no_value),
        ("###a", Form::Words, "###a", &[]),
        ("Err:50", Form::Words, "Err:50", &[]),
        ("Err:abc", Form::Words, "Err:abc", &[]),
        ("(null)", Form::Words, "text.no_value", &[]),
        ("\\N", Form::Words, "text.no_value", &[]),
        ("[object Object]", Form::Words, "text.object", &[]),
        ("System.Object[]", Form::Key, "text.object", &[]),
        (
            "System.Collections.Hashtable",
            Form::Words,
            "text.object",
            &[],
        ),
        ("S&ouml;ren", Form::Words, "text.escape", &[]),
        ("S\\u00f6ren", Form::Words, "text.escape", &[]),
        ("S%C3%B6ren", Form::Words, "text.escape", &[]),
        ("S?derlund", Form::Words, "S?derlund", question_mark),
        ("Malm?", Form::Words, "Malm?", question_mark),
        ("Who? &ouml; NULL", Form::Lines, "Who? &ouml; NULL", &[]),
        ("Err:502", Form::Words, "text.spreadsheet_error", &[]),
        ("#n/a", Form::Words, "text.spreadsheet_error", &[]),
    ] {
        let (found, restored, unusual) = seen(text, form);
        assert_eq!((&*found, &*restored), (expected, [].as_slice()), "{text:?}");
        assert_eq!(unusual, doubts, "{text:?}");
    }
}

#[test]
fn content_is_classified_regardless_of_the_kind() {
    assert_eq!(look(""), Ok(Content::Empty));
    assert_eq!(look(" \u{A0}\u{FEFF}"), Ok(Content::Empty));
    assert_eq!(look("<null>"), Ok(Content::Clear));
    assert_eq!(look("<NULL>"), Ok(Content::Clear));
    assert_eq!(look(" Åsa "), Ok(Content::Text("Åsa")));
    assert_eq!(look("a b"), Ok(Content::Text("a b")));
    assert_eq!(look("=\"0184\""), Ok(Content::Text("0184")));
    assert_eq!(look("=\" 0184 \""), Ok(Content::Text("0184")));
    assert_eq!(look("=\"\"&\"\t=1 \""), Ok(Content::Text("\t=1 ")));
    assert_eq!(look("=\"\"&\"\""), Ok(Content::Empty));
    assert_eq!(look("=\"<null>\""), Ok(Content::Text("<null>")));
    let unquoted = Content::Restored("=A(\"x\")".into());
    assert_eq!(look("=\"=A(\"\"x\"\")\""), Ok(unquoted));
    assert_eq!(
        look("Ântônio Ãlvares"),
        Ok(Content::Text("Ântônio Ãlvares"))
    );
    for (bad, code) in [
        ("=A1+B1", "text.formula"),
        ("=\"a\"&\"b\"", "text.formula"),
        ("=\"a\"\"", "text.formula"),
        ("=\"\"&A1", "text.formula"),
        ("#N/A", "text.spreadsheet_error"),
        ("#SAKNAS!", "text.spreadsheet_error"),
        ("########", "text.spreadsheet_error"),
        ("An\0na", "text.nul"),
        ("An\u{7}na", "text.control_character"),
        ("\u{81}sa", "text.undecodable"),
        ("\u{FFFD}sa", "text.replacement_character"),
        ("Ã…sa", "text.mojibake"),
        ("LindstrÃ¶m", "text.mojibake"),
    ] {
        assert_eq!(look(bad), Err(code), "{bad}");
    }
    // A no-break space does not hide damage from fields in which it is replaced.
    for text in ["²\u{1E8D0} A", "²\u{1E8D0}\u{A0}A"] {
        let code = content(text, Form::Code, &mut Notes::default()).map_err(|fault| fault.code);
        assert_eq!(code, Err("text.mojibake"), "{text}");
    }
    let long = "x".repeat(LONGEST + 1);
    assert_eq!(look(&long), Err("text.too_long"));
    assert_eq!(look(&long[1..]), Ok(Content::Text(&long[1..])));
    for (bytes, place) in [(b"\xE5sa", "position 1"), (b"as\xE5", "position 3")] {
        let fault = undecodable(bytes);
        let told = fault.message.to_string();
        assert!(told.contains("0xE5") && told.contains(place), "{told}");
    }
}

#[test]
fn a_replacement_character_is_found_in_any_encoding() {
    for text in [
        "Sï¿½ren",
        "Sï¿œren",
        "Sďż˝ren",
        "Sļæ½ren",
        "SÔøΩren",
        "S´┐¢ren",
        "S´┐Żren",
        "S∩┐╜ren",
        "SпїЅren",
        "SО©╫ren",
        "Sя┐╜ren",
        "SÃ¯Â¿Â½ren",
    ] {
        assert_eq!(look(text), Err("text.replacement_character"), "{text}");
    }
}

#[test]
fn the_field_determines_the_form_of_its_cells() {
    let plain = target(&[("x", "kind = \"text\"")]);
    let mut field = plain.fields[1].clone();
    assert_eq!(form_of(&field, false), Form::Words);
    assert_eq!(form_of(&field, true), Form::Key);
    assert_eq!(
        form_of(&plain.fields[0], false),
        Form::Key,
        "unique, and in the path"
    );
    field.unique = true;
    assert_eq!(form_of(&field, false), Form::Key);
    field.unique = false;
    field.place = Place::Path;
    assert_eq!(form_of(&field, false), Form::Key);
    field.lines = true;
    assert_eq!(form_of(&field, false), Form::Lines);
    field.kind = Kind::Phone;
    assert_eq!(form_of(&field, true), Form::Number);
    field.kind = Kind::Email;
    assert_eq!(form_of(&field, true), Form::Code);
    let strict = [Form::Number, Form::Key, Form::Code].map(Form::is_strict);
    assert_eq!(strict, [true; 3]);
    assert!(!Form::Words.is_strict() && !Form::Lines.is_strict());
}

#[test]
fn quotes_around_a_value_are_recognized_in_pairs() {
    for text in [
        "\"a\"", "`a`", "`a'", "´a´", "“a”", "“a“", "”a”", "„a“", "„a”", "‘a’", "’a’", "‚a‘",
        "‚a’", "»a«", "»a»", "«a»", "›a‹", "›a›", "‹a›",
    ] {
        assert!(has_quotes_around(text), "{text}");
    }
    for text in [
        "a", "\"", "\"a", "\"a'", "'a'", "`a´", "´a'", "“a\"", "”a“", "‘a‘", "«a«", "‹a‹", "aa",
    ] {
        assert!(!has_quotes_around(text), "{text}");
    }
}
