//! Cells and headers that spreadsheets and other programs changed: the original value is restored and
//! reported, or the row is not sent.

use serde_json::Value;

use crate::harness::{
    Folder, RECORD, Server, identity_number, import_of, plain_id, plain_roster, respond, stderr,
    stdout,
};

/// Imports rows and returns the request bodies by row number, and the results.
fn imported(header: &str, rows: &[String], arguments: &[&str]) -> (Vec<Value>, Vec<Vec<String>>) {
    let folder = Folder::new();
    folder.write("r.csv", format!("{header}\n{}\n", rows.join("\n")));
    let server = Server::start(|_| respond(200, &[], RECORD));
    let mut all = import_of(&server.base_url).to_vec();
    all.extend(["--blind", "--concurrency", "1", "--max-invalid", "100%"]);
    all.extend(arguments);
    let output = folder.send(&all);
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        stderr(&output)
    );
    let bodies = server.seen().into_iter();
    let bodies = bodies.map(|seen| serde_json::from_str(&seen.body).unwrap());
    (bodies.collect(), folder.csv("r.results.csv", b';'))
}

/// Returns a column of a results file by its header, without the header.
fn column(results: &[Vec<String>], name: &str) -> Vec<String> {
    let at = results[0].iter().position(|header| header == name).unwrap();
    results[1..].iter().map(|row| row[at].clone()).collect()
}

#[test]
fn values_changed_by_a_program_are_restored_sent_and_reported() {
    for (header, cell, pointer, sent, code) in [
        (
            "external_source_id",
            "184.0",
            "/external/sourceID",
            "184",
            "184.0",
        ),
        (
            "external_source_id",
            "'0184",
            "/external/sourceID",
            "0184",
            "apostrophe",
        ),
        (
            "postal_code",
            "26131.0",
            "/address/postalCode",
            "261 31",
            "26131.0",
        ),
        (
            "phone_number1",
            "+4722123456.0",
            "/phoneNumber1",
            "+4722123456",
            "decimals",
        ),
        (
            "phone_number1",
            "\u{202A}+46701740605\u{202C}",
            "/phoneNumber1",
            "+46701740605",
            "U+202A LEFT-TO-RIGHT EMBEDDING",
        ),
        (
            "email_address1",
            "a\u{200B}@x.example.se",
            "/emailAddress1",
            "a@x.example.se",
            "U+200B ZERO WIDTH SPACE",
        ),
    ] {
        let row = format!("{};{};Åsa;Ek;{cell}", plain_id(1), identity_number(1));
        let header = format!("id;identity_number;first_name;last_name;{header}");
        let (bodies, results) = imported(&header, &[row], &[]);
        assert_eq!(
            bodies[0].pointer(pointer),
            Some(&Value::from(sent)),
            "{cell}"
        );
        let warning = &column(&results, "import_warning")[0];
        assert!(warning.contains(code), "{cell}: {warning}");
    }
}

#[test]
fn a_null_word_is_sent_once_with_a_warning_and_refused_if_repeated() {
    let row = |number: usize, last: &str, city: &str| {
        let (id, identity) = (plain_id(number), identity_number(number));
        format!("{id};{identity};Åsa;{last};{city}")
    };
    let header = "id;identity_number;first_name;last_name;postal_city";
    for (rows, states) in [
        (vec![row(1, "NULL", "Solna")], vec!["updated"]),
        (vec![row(1, "NULL", "NULL")], vec!["invalid"]),
        (
            vec![
                row(1, "NULL", "Solna"),
                row(2, "Ek", "Solna"),
                row(3, "Ek", "NULL"),
            ],
            vec!["invalid", "updated", "invalid"],
        ),
        // Siblings share a last name.
        (
            vec![row(1, "Null", "Solna"), row(2, "Null", "Solna")],
            vec!["updated", "updated"],
        ),
        (vec![row(1, "S?derlund", "Solna")], vec!["updated"]),
        (
            vec![row(1, "S?derlund", "Solna"), row(2, "Ek", "Malm?")],
            vec!["invalid", "invalid"],
        ),
        (vec![row(1, "S&ouml;derlund", "Solna")], vec!["invalid"]),
    ] {
        let (bodies, results) = imported(header, &rows, &[]);
        assert_eq!(column(&results, "import_status"), states, "{rows:?}");
        let sent = states.iter().filter(|state| **state == "updated").count();
        assert_eq!(bodies.len(), sent, "{rows:?}");
        // Each occurrence has a warning or an error.
        let warnings = column(&results, "import_warning");
        let errors = column(&results, "import_error");
        let is_reported = |place: usize| {
            let cells = rows[place].contains("NULL")
                || rows[place].contains("Null")
                || rows[place].contains(['?', '&']);
            !cells || !warnings[place].is_empty() || !errors[place].is_empty()
        };
        assert!((0..rows.len()).all(is_reported), "{warnings:?} {errors:?}");
    }
}

#[test]
fn a_temporary_identity_number_is_recognized_by_its_form() {
    let header = "id;identity_number;first_name;last_name;gender";
    let row = |gender: &str| vec![format!("{};20150101-TF01;Åsa;Ek;{gender}", plain_id(1))];
    let (bodies, results) = imported(header, &row("Kvinna"), &[]);
    assert_eq!(bodies[0]["identityTemporary"], true);
    let warning = &column(&results, "import_warning")[0];
    assert!(warning.contains("temporary"), "{warning}");
    assert!(!warning.contains("gender"), "{warning}");
    let (_, results) = imported(header, &row("Man"), &[]);
    let warning = &column(&results, "import_warning")[0];
    assert!(warning.contains("does not match"), "{warning}");
    // The `identity_temporary` cell contradicts the form of the number.
    let header = "id;identity_number;first_name;last_name;identity_temporary";
    let (bodies, results) = imported(header, &row("nej"), &[]);
    assert!(bodies.is_empty());
    assert_eq!(
        column(&results, "import_error_code"),
        ["identity_number.temporary"]
    );
}

#[test]
fn a_misspelled_header_stops_an_import_with_yes() {
    let folder = Folder::new();
    let roster = plain_roster(1).replace("last_name\n", "last_name,Phone Numbr,Epost mor,Klass\n");
    let roster = roster.replace(",Ek\n", ",Ek,0701740605,a@x.example.se,7A\n");
    folder.write("r.csv", roster);
    let server = Server::start(|_| respond(200, &[], RECORD));
    let import = |more: &[&str]| {
        let mut all = import_of(&server.base_url).to_vec();
        all.push("--blind");
        all.extend(more);
        folder.send(&all)
    };
    let refused = import(&[]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    let text = stderr(&refused);
    assert!(text.contains("--map \"Phone Numbr=\""), "{text}");
    assert!(server.seen().is_empty());
    // `--map` resolves one column; another column that resembles a field is only a warning.
    let ignored = import(&["--map", "Phone Numbr="]);
    assert_eq!(ignored.status.code(), Some(0), "{}", stderr(&ignored));
    assert!(
        stderr(&ignored).contains("\"Epost mor\" is not imported and resembles email_address1")
    );
    assert!(!stderr(&ignored).contains("\"Klass\" is not imported"));
    let body = |place: usize| server.seen()[place].body.clone();
    assert!(!body(0).contains("+46701740605"), "{}", body(0));
    let taken = import(&["--map", "Phone Numbr=phone_number1", "--fresh"]);
    assert_eq!(taken.status.code(), Some(0), "{}", stderr(&taken));
    assert!(body(1).contains("+46701740605"), "{}", body(1));
}

#[test]
fn plan_and_check_report_restored_values_with_an_example() {
    let folder = Folder::new();
    let roster = plain_roster(2).replace("last_name\n", "last_name,external_source_id\n");
    folder.write(
        "r.csv",
        roster
            .replace(",Ek\n", ",Ek,'0184\n")
            .replacen("'0184", "'0185", 1),
    );
    for command in [
        "check r.csv --target meitner",
        "plan r.csv --target meitner --sandbox",
    ] {
        let shown = stdout(&folder.run(command));
        for part in [
            "text.apostrophe",
            "row 2, external_source_id: \"'0185\" → \"0185\"",
        ] {
            assert!(shown.contains(part), "{command}: {part} not in {shown}");
        }
    }
}

#[test]
fn a_code_is_explained_in_both_languages() {
    let folder = Folder::new();
    let english = stdout(&folder.run("explain text.no_value"));
    let swedish = stdout(&folder.run("explain text.no_value --lang sv"));
    assert!(english.contains("What to do: ") && swedish.contains("Gör så här: "));
    let all = stdout(&folder.run("explain"));
    for code in [
        "phone.several",
        "lookup.not_found",
        "http.STATUS",
        "email.duplicate",
    ] {
        assert!(all.contains(code), "{code} not in {all}");
    }
    let unknown = folder.run("explain phone.lenght");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("phone.length"));
}
