//! Unit tests of `check::survey`.

use super::*;
use crate::check::tests::{Roster, built_in, target};

const CLUB: [(&str, &str); 3] = [
    ("name", "kind = \"text\""),
    ("mail", "kind = \"email\"\nunique = true"),
    ("points", "kind = \"integer\""),
];

fn surveyed(roster: &Roster, policy: DuplicatePolicy) -> Survey {
    survey(&roster.input, &roster.checker, Some(0), policy, 7, &|_| {}).unwrap()
}

/// Returns the count of each code.
fn counts(groups: &Groups) -> Vec<(&str, u64)> {
    let counts = groups.iter().map(|(code, group)| (&**code, group.count));
    counts.collect()
}

#[test]
fn rows_that_share_a_unique_value_are_listed() {
    let text =
        "id;name;mail;points\n1;A;a@b.se;\n2;B;x@b.se;\n3;C;a@b.se;\n4;D;a@b.se;\n1;E;e@b.se;\n";
    let roster = Roster::of(&target(&CLUB), text);
    let found = surveyed(&roster, DuplicatePolicy::Error);
    let sharing: Vec<Vec<u64>> = (1..=5).map(|row| found.sharing(row)).collect();
    assert_eq!(
        sharing,
        [vec![3, 4, 5], vec![], vec![1, 4], vec![1, 3], vec![1]]
    );
    assert_eq!(found.repeated_by(4).collect::<Vec<_>>(), [(2, 1)]);
    // A superseded row is not a problem.
    let found = surveyed(&roster, DuplicatePolicy::Last);
    assert_eq!(found.sharing(5), Vec::<u64>::new());
}

#[test]
fn rows_and_findings_are_counted() {
    let text = "id;name;mail;points\n\
        1;Anna;a@b.se;\n\
        ;;;\n\
        2;'Bo;x@;\n\
        3;Malm?;x@;y\n\
        4;'Eva;;7\n\
        5;;x@;\n\
        6;;x@;\n\
        7;;x@;\n\
        8;;x@;\n";
    let roster = Roster::of(&target(&CLUB), text);
    let ends = std::sync::Mutex::new(Vec::new());
    let report = |end| ends.lock().unwrap().push(end);
    let key = Some(0);
    let found = survey(
        &roster.input,
        &roster.checker,
        key,
        DuplicatePolicy::Error,
        7,
        &report,
    );
    let found = found.unwrap();
    assert_eq!(*ends.lock().unwrap(), [text.len() as u64]);
    let rows = (
        found.rows,
        found.empty_rows,
        found.invalid,
        found.superseded,
    );
    assert_eq!(rows, (8, 1, 6, 0));
    assert_eq!((found.problems, found.warnings), (7, 1));
    assert_eq!(
        counts(&found.groups),
        [("email.no_domain", 6), ("integer.format", 1)]
    );
    assert_eq!(counts(&found.doubts), [("text.question_mark", 1)]);
    assert_eq!(counts(&found.restored), [("text.apostrophe", 2)]);
    assert_eq!(found.filled, [2, 2, 1, 1]);
    let lines: Vec<u64> = found.first_invalid.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5, 7, 8, 9], "the first five");
    let both = Problem::join(&found.first_invalid[1].1);
    assert!(both.contains("mail") && both.contains("points"), "{both}");
    let first: Vec<_> = found.groups["email.no_domain"]
        .first
        .iter()
        .map(|first| (first.at.row, first.at.sheet_row, first.cells.join("|")))
        .collect();
    assert_eq!(
        first,
        [
            (2, 4, "2|'Bo|x@|".to_owned()),
            (3, 5, "3|Malm?|x@|y".to_owned()),
            (5, 7, "5||x@|".to_owned()),
        ]
    );
    assert_eq!(
        (found.key(), found.line_of(4), found.lines().line_of(5)),
        (Some(0), 6, 7)
    );
    assert!(!found.has_repetitions());
    let again = found.again(&roster.input, &roster.checker).unwrap();
    assert_eq!((again.rows, again.problems, again.key()), (8, 7, Some(0)));
}

#[test]
fn a_long_cell_is_kept_shortened() {
    let long = "a".repeat(1025);
    let roster = Roster::of(&target(&CLUB), &format!("id;name;mail\n1;{long};x@\n"));
    let found = surveyed(&roster, DuplicatePolicy::Error);
    assert_eq!(found.groups["email.no_domain"].first[0].cells[1], long[1..]);
}

#[test]
fn the_policy_determines_which_duplicates_are_sent() {
    let text = "id;mail;points\n1;a@b.se;\n2;c@d.se;\n1;A@b.se;x\n1;c@d.se;\n3;C@D.se;\n";
    let roster = Roster::of(&target(&CLUB), text);
    let (id, mail) = (("text.duplicate", 2), ("email.duplicate", 3));
    for (policy, expected, of_rows) in [
        (
            DuplicatePolicy::Error,
            (3, 0, vec![mail, ("integer.format", 1), id]),
            [None, None, None, None, None],
        ),
        // Row 3 is invalid, so row 4 is the duplicate of row 1. Superseded rows do not count as
        // duplicates.
        (
            DuplicatePolicy::First,
            (2, 1, vec![("email.duplicate", 1), ("integer.format", 1)]),
            [None, None, None, Some(1), None],
        ),
        (
            DuplicatePolicy::Last,
            (3, 1, vec![("email.duplicate", 2), ("integer.format", 1)]),
            [Some(4), None, None, None, None],
        ),
    ] {
        let found = surveyed(&roster, policy);
        let counted = (found.invalid, found.superseded, counts(&found.groups));
        assert_eq!(counted, expected, "{policy:?}");
        assert_eq!(
            found.problems,
            expected.2.iter().map(|(_, count)| count).sum::<u64>()
        );
        assert!(found.has_repetitions());
        let superseded = [1, 2, 3, 4, 5].map(|row| found.superseded_by(row));
        assert_eq!(superseded, of_rows, "{policy:?}");
    }
}

#[test]
fn problems_caused_by_other_rows_are_added() {
    let text = "id;name;mail\n1;NULL;a@b.se\n2;Bo;A@b.se\n1;NULL;\n";
    let roster = Roster::of(&target(&CLUB), text);
    let others = |policy| {
        let found = surveyed(&roster, policy);
        roster.each(|_, mut row| {
            found.add_problems_of_others(&roster.checker, &mut row);
            let problems = row.problems.iter();
            problems
                .map(|one| format!("{} {} {}", one.field, one.code, one.value))
                .collect::<Vec<_>>()
                .join(", ")
        })
    };
    assert_eq!(
        others(DuplicatePolicy::Error),
        [
            "name text.no_value NULL",
            "mail email.duplicate A@b.se",
            "id text.duplicate 1, name text.no_value NULL",
        ]
    );
    assert_eq!(
        others(DuplicatePolicy::First),
        ["name text.no_value NULL", "", "name text.no_value NULL"]
    );
    let found = surveyed(&roster, DuplicatePolicy::Error);
    let first = &found.groups["email.duplicate"].first[0];
    assert_eq!((first.at.row, first.at.sheet_row), (2, 3));
    assert_eq!(
        (&*first.problem.column, &*first.problem.field),
        ("mail", "mail")
    );
    assert_eq!(first.problem.message, message::row_duplicate(2));
}

#[test]
fn repeated_doubts_in_a_file_are_problems() {
    let spec = target(&CLUB);
    for (names, expected, invalid) in [
        (&["NULL"][..], "?text.no_value", 0),
        (&["NULL", "NULL"], "text.no_value 2", 2),
        (&["NULL", "nan"], "?text.no_value", 0),
        (&["Null", "Null"], "?text.no_value", 0),
        (&["-", "-"], "?text.no_value", 0),
        (&["S?derlund"], "?text.question_mark", 0),
        (&["Malm?", "Vem?"], "?text.question_mark", 0),
        (&["S?derlund", "Malm?"], "text.question_mark 2", 2),
        (
            &["S?derlund", "Bj?rk", "Malm?", "A"],
            "text.question_mark 3",
            3,
        ),
        (
            &["S?derlund", "NULL"],
            "?text.no_value ?text.question_mark",
            0,
        ),
    ] {
        let mut text = "id;name\n".to_owned();
        for (row, name) in names.iter().enumerate() {
            text += &format!("{row};{name}\n");
        }
        let found = surveyed(&Roster::of(&spec, &text), DuplicatePolicy::Error);
        let wrong = found.groups.iter();
        let wrong = wrong.map(|(code, group)| format!("{code} {}", group.count));
        let doubts = found.doubts.keys().map(|code| format!("?{code}"));
        let all: Vec<String> = wrong.chain(doubts).collect();
        assert_eq!(all.join(" "), expected, "{names:?}");
        assert_eq!(
            (found.invalid, found.problems),
            (invalid, invalid),
            "{names:?}"
        );
        assert_eq!(found.has_repetitions(), invalid > 0, "{names:?}");
        if let Some(group) = found.groups.get("text.no_value") {
            assert_eq!(
                group.first[0].problem.message,
                message::cell_no_value("NULL")
            );
        }
    }
}

#[test]
fn addresses_ignore_case_and_ids_do_not() {
    let text = "id;mail\na;Ärla@b.se\nA;ärla@b.se\nb;a@b.SE\nc;A@B.se\nd;\ne;\n";
    let roster = Roster::of(&target(&CLUB), text);
    let found = surveyed(&roster, DuplicatePolicy::Error);
    assert_eq!(counts(&found.groups), [("email.duplicate", 2)]);
}

#[test]
fn ids_are_duplicates_only_with_the_same_path() {
    let spec = built_in("pathwright");
    let key = spec.field("external_id");
    let text = "external_id;integration\n1;external\n1;saml2\n1;external\n2;saml2\n";
    let roster = Roster::of(&spec, text);
    let policy = DuplicatePolicy::Error;
    let found = survey(&roster.input, &roster.checker, key, policy, 7, &|_| {}).unwrap();
    let duplicates: Vec<_> = found
        .duplicates
        .all()
        .map(|(row, field, _)| (row, field))
        .collect();
    assert_eq!(duplicates, [(3, key.unwrap())]);
    // Without a key, the field is unique like any other.
    let found = survey(&roster.input, &roster.checker, None, policy, 7, &|_| {}).unwrap();
    assert_eq!((found.invalid, found.key()), (2, None));
}

#[test]
fn an_unmapped_column_is_matched_to_a_free_field_of_its_kind() {
    let mut text = "id;name;what;other\n".to_owned();
    for row in 0..10 {
        text += &format!("{row};Anna;a{row}@b.se;Anna\n");
    }
    let spec = target(&CLUB);
    let found = surveyed(&Roster::of(&spec, &text), DuplicatePolicy::Error);
    let mail = spec.field("mail");
    assert_eq!(found.held_in(2, &spec, &|_| true), mail);
    assert_eq!(found.held_in(2, &spec, &|field| Some(field) != mail), None);
    assert_eq!(found.held_in(3, &spec, &|_| true), None);
    assert_eq!(found.held_in(1, &spec, &|_| true), None);
}

#[test]
fn results_of_row_ranges_are_joined_in_file_order() {
    let text = "id;name;mail;what\n\
        1;'Anna;x@;2010-04-02\n2;'Anna;x@;\n3;NULL;y@z.se;\n4;'Anna;x@;x\n5;NULL;;2010-04-02\n6;A;x@;\n7;A;x@;\n8;A;x@;\n";
    let roster = Roster::of(&target(&CLUB), text);
    let unique = Unique::all(&roster.checker, Some(0));
    let of = || {
        roster
            .tables(|table| Stretch::of(table, &roster.checker, &unique, 7))
            .remove(0)
    };
    assert_eq!(of().first_invalid.len(), 5);
    let mut total = of();
    total.append(of());
    assert_eq!(
        (total.rows, total.problems, total.invalid.count()),
        (16, 12, 6)
    );
    assert_eq!(total.filled, [4, 4, 2, 0]);
    assert_eq!(total.first_invalid.len(), 5);
    let group = &total.groups["email.no_domain"];
    let first: Vec<u64> = group.first.iter().map(|first| first.at.row).collect();
    assert_eq!((group.count, first), (12, vec![1, 1, 2]));
    assert_eq!(total.restored["text.apostrophe"].count, 6);
    let (_, (suspects, rows)) = total.suspects.first_key_value().unwrap();
    assert_eq!((suspects.count, rows.count()), (4, 2));
    assert_eq!(total.seen.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(total.seen[0][0].len(), 8);
    assert_eq!(total.holdings.len(), 1);
    assert_eq!(total.holdings[0].1.kind(), None);
}
