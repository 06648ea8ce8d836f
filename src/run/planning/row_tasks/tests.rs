//! Tests of `run/planning/row_tasks`.

use super::*;
use crate::check::{DuplicatePolicy, EmptyCell};
use crate::run::planning::read_policy::ReadPolicy;
use crate::run::planning::row_fingerprints::*;
use crate::run::tests::{Desk, school_with, unreadable};

fn tasks(desk: &Desk) -> Vec<RowTask> {
    let prepared = desk.prepared();
    let policy = ReadPolicy::of(&prepared, &desk.settings.delivery);
    let planner = policy.planner();
    let builder = policy.builder(&planner, desk.clock.as_ref());
    let (sender, mut receiver) = mpsc::channel(100);
    builder.build(&prepared.input, &sender).unwrap();
    let mut tasks = Vec::new();
    while let Ok(made) = receiver.try_recv() {
        tasks.extend(made);
    }
    tasks
}

/// Returns the task of each row.
fn what(desk: &Desk) -> Vec<String> {
    let tasks = tasks(desk).into_iter();
    let words = tasks.map(|task| match task.what {
        NextStep::Settled(outcome) if outcome.error_code == LEFT_OUT => {
            assert_eq!(
                (outcome.row, outcome.state),
                (task.mark.at.row, RowState::NotSent)
            );
            format!("left out: {}", outcome.error())
        }
        NextStep::Settled(outcome) => {
            assert_eq!(
                (outcome.row, outcome.state),
                (task.mark.at.row, RowState::Invalid)
            );
            assert!(!outcome.problems.is_empty());
            outcome.error_code
        }
        NextStep::Call(call) => format!("send {}", call.path),
        NextStep::LookUp { key, values, .. } => {
            assert!(values.iter().any(Option::is_some));
            format!("look up {key}")
        }
    });
    words.collect()
}

const ROSTER: &str = "id,name,email\np1,Åsa,a@b.se\np2,Bo,nonsense\n\np3,Cy,c@b.se\np4,Di,d@b.se\n";

#[test]
fn rows_are_looked_up_only_if_records_are_readable() {
    let looked_up = [
        "look up p1",
        "email.not_an_address",
        "look up p3",
        "look up p4",
    ];
    let found = what(&Desk::new(ROSTER));
    assert_eq!(found[0], looked_up[0]);
    assert!(found[1].starts_with("email."), "{}", found[1]);
    assert_eq!(found[2..], looked_up[2..]);
    let sent = what(&Desk::at(&unreadable(), ROSTER));
    assert_eq!(sent[0], "send /pupil/p1");
    assert!(sent[1].starts_with("email."));
    assert_eq!(sent[2..], ["send /pupil/p3", "send /pupil/p4"]);
}

#[test]
fn only_selected_rows_are_sent() {
    let out = format!("left out: {}", message::row_not_asked_for());
    let mut desk = Desk::new(ROSTER);
    desk.delivery().selection = "2-3".parse().unwrap();
    let found = what(&desk);
    assert_eq!(
        (&found[0], &*found[2], &found[3]),
        (&out, "look up p3", &out)
    );
    desk.delivery().selection.rows.clear();
    // The spreadsheet counts the header and the empty line.
    desk.delivery().selection.lines = vec![5..=5];
    assert_eq!(what(&desk)[2], "look up p3");
    assert_eq!(what(&desk)[1], out);
}

#[test]
fn a_limit_counts_the_rows_that_would_be_sent() {
    let beyond = format!("left out: {}", message::row_beyond_limit());
    for (limit, last) in [(2, [beyond.as_str()]), (3, ["look up p4"])] {
        let mut desk = Desk::new(ROSTER);
        desk.delivery().selection.limit = Some(limit);
        let found = what(&desk);
        assert_eq!((&*found[0], &*found[2]), ("look up p1", "look up p3"));
        assert!(found[1].starts_with("email."), "it stays invalid");
        assert_eq!(found[3..], last);
    }
    let mut none = Desk::new(ROSTER);
    none.delivery().selection.limit = Some(0);
    assert_eq!(what(&none)[0], beyond);
}

#[test]
fn of_rows_with_one_key_one_is_sent_and_the_others_are_not() {
    let mut desk = Desk::new("id,name\np1,Åsa\np2,Bo\np1,Asa\n");
    assert_eq!(what(&desk), ["look up p1", "look up p2", "text.duplicate"]);
    desk.settings.roster.duplicates = DuplicatePolicy::Last;
    let superseded = format!("left out: {}", message::row_superseded(4));
    assert_eq!(what(&desk), [&*superseded, "look up p2", "look up p1"]);
}

#[test]
fn an_undo_finds_records_by_key_only() {
    let mut desk = Desk::new("id,name,email\np1,Åsa,nonsense\n,Bo,nonsense\n");
    assert!(what(&desk).iter().all(|code| !code.starts_with("look up")));
    desk.delivery().undoes = Some("r".into());
    let found = what(&desk);
    assert_eq!(found[0], "look up p1");
    assert!(
        !found[1].starts_with("look up"),
        "it names no record: {}",
        found[1]
    );
}

#[test]
fn deliveries_to_readable_records_are_not_trusted_later() {
    let fingerprints = |desk: &Desk| -> Vec<bool> {
        let tasks = tasks(desk).into_iter();
        let calls = tasks.filter_map(|task| match task.what {
            NextStep::Call(call) => Some(call.fingerprint.is_some()),
            _ => None,
        });
        calls.collect()
    };
    let roster = "id,name,role\np1,Åsa,x\np2,Bo,\n";
    assert_eq!(fingerprints(&Desk::at(&unreadable(), roster)), [true, true]);
    let mut desk = Desk::new(roster);
    (desk.delivery().all, desk.delivery().no_undo) = (true, true);
    assert_eq!(
        fingerprints(&desk),
        [false],
        "one says enough, and the other is looked up"
    );
    assert_eq!(what(&desk), ["send /pupil/p1", "look up p2"]);
}

/// Returns the key and the cells of a file's rows.
fn marks(roster: &str, empty: EmptyCell) -> Vec<(i64, Vec<u8>)> {
    let mut desk = Desk::new(roster);
    desk.settings.roster.check.empty = empty;
    let marks = tasks(&desk).into_iter();
    marks.map(|task| (task.mark.key, task.mark.cells)).collect()
}

/// Returns the key and the cells of a file's only row.
fn mark(roster: &str) -> (i64, Vec<u8>) {
    marks(roster, EmptyCell::Keep).remove(0)
}

#[test]
fn a_row_is_recognized_by_its_key_and_content() {
    let (key, cells) = mark("id,name,city\np1,Åsa,Lund\n");
    let (again, moved) = mark("city,Namn,id\nLund,Åsa,p1\n");
    assert_eq!(key, again);
    assert!(says_the_same(&moved, &cells) && says_the_same(&cells, &moved));
    let (other, other_cells) = mark("id,name,city\np2,Åsa,Umeå\n");
    assert_ne!(key, other);
    assert!(!says_the_same(&other_cells, &cells));
    // A removed column does not change the row. An added column does.
    let (_, fewer) = mark("id,name\np1,Åsa\n");
    assert!(says_the_same(&fewer, &cells));
    assert!(!says_the_same(&cells, &fewer));
    // The same text in another field differs.
    let (_, street) = mark("id,name,street\np1,Åsa,Lund\n");
    assert!(!says_the_same(&street, &cells));
}

#[test]
fn a_row_without_a_key_has_none() {
    let roster = "id,name\n,Åsa\n";
    assert_eq!(mark(roster).0, 0);
    assert!(![0, 1, -1].contains(&mark("id,name\np1,Åsa\n").0));
}

#[test]
fn the_problems_of_a_row_are_part_of_its_fingerprint() {
    let (_, wrong) = mark("id,name,email\np1,Åsa,nonsense\n");
    let (_, other) = mark("id,name,email\np1,Åsa,rubbish\n");
    assert!(says_the_same(
        &wrong,
        &mark("id,name,email\np1,Åsa,nonsense\n").1
    ));
    assert!(!says_the_same(&other, &wrong));
    // The same text may be valid in another field.
    let target = school_with("kind = \"email\"", "kind = \"text\"");
    let right = tasks(&Desk::at(&target, "id,name,email\np1,Åsa,nonsense\n")).remove(0);
    assert!(!says_the_same(&wrong, &right.mark.cells));
}

#[test]
fn a_cleared_cell_differs_from_an_empty_one() {
    let of = |city: &str| {
        let roster = format!("id,name,street\np1,Åsa,{city}\n");
        marks(&roster, EmptyCell::Clear).remove(0).1
    };
    assert!(!says_the_same(&of("<null>"), &of("")));
    assert!(says_the_same(&of(""), &of("")));
    // A missing cell equals a blank one. A cleared cell differs.
    let (_, short) = mark("id,name\np1,Åsa\n");
    assert!(is_as_it_was(&of(""), &short));
    assert!(!is_as_it_was(&of("<null>"), &short));
    assert!(!is_as_it_was(&of("Storgatan"), &short));
}

#[test]
fn a_truncated_row_is_recognized_in_its_results() {
    let (key, cut) = mark("id,name,city\np1,Åsa\n");
    let (again, filled) = mark("id,name,city\np1,Åsa,\n");
    assert_eq!(key, again);
    assert_ne!(key, 0);
    assert!(is_as_it_was(&filled, &cut));
    let task = tasks(&Desk::new("id,name,city\np1,Åsa,Lund,more\n")).remove(0);
    assert!(task.has_surplus);
}

#[test]
fn a_cell_that_lost_its_type_is_recognized_while_unchanged() {
    let of = |fields: &[(u32, &str)]| -> Vec<u8> {
        let of = |(name, text): &(u32, &str)| {
            let print = fingerprint(*text == LOST_KIND, text, &mut Vec::new());
            [name.to_le_bytes(), print.to_le_bytes()].concat()
        };
        fields.iter().flat_map(of).collect()
    };
    let (name, lost) = ((1, "Åsa"), (2, LOST_KIND));
    let date = of(&[name, (2, "2010-04-02"), lost]);
    let empty = of(&[name, (2, ""), lost]);
    for (now, is_date, is_empty) in [
        (&[name, (2, "2010-04-02")][..], true, false),
        (&[name, (2, "2010-04-02"), lost], true, false),
        (&[(1, "Bo"), (2, "2010-04-02")], true, false),
        (&[name, (2, "2010-04-03")], false, false),
        (&[name, (2, "")], false, true),
        (&[name], false, true),
    ] {
        assert_eq!(still_looks_right(&of(now), &date), is_date, "{now:?}");
        assert_eq!(still_looks_right(&of(now), &empty), is_empty, "{now:?}");
    }
    let two = of(&[(1, "TRUE"), (1, LOST_KIND), (2, "2010-04-02"), lost]);
    let one_is_changed = of(&[(1, "x"), (2, "2010-04-02")]);
    assert!(still_looks_right(&one_is_changed, &two));
    let both_are = of(&[(1, "x"), (2, "2010-04-03")]);
    assert!(!still_looks_right(&both_are, &two));
    let none = of(&[name]);
    assert!(!still_looks_right(&none, &none));
}
