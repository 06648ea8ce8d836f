//! Tests of `run/planning/totals`.

use serde_json::json;

use super::*;
use crate::l10n::Message;
use crate::model::{Change, Problem};
use crate::run::tests::{Api, Desk, spec_of, unreadable};

fn call(row: u64, changes: &[(&str, Option<&str>, &str)]) -> Call {
    let changes: Vec<Change> = changes
        .iter()
        .map(|(field, from, to)| Change {
            field: (*field).to_owned(),
            from: from.map(|from| json!(from)),
            to: json!(to),
        })
        .collect();
    let names: Vec<&str> = changes.iter().map(|change| &*change.field).collect();
    Call {
        at: RowAt {
            row,
            sheet_row: row + 1,
            ..RowAt::FIRST
        },
        key: String::new(),
        path: String::new(),
        body: Vec::new(),
        changed: names.join(" "),
        changes,
        fingerprint: None,
        note: Vec::new(),
    }
}

fn lines(planned: &PlanTotals) -> Vec<u64> {
    planned
        .examples
        .iter()
        .map(|example| example.line)
        .collect()
}

#[test]
fn the_fields_of_all_calls_are_counted() {
    let prepared = Desk::new("id,name,email\n").prepared();
    let mut planned = PlanTotals::default();
    let both = [("name", None, "Åsa"), ("email", None, "a@b.se")];
    for changes in [&both[..], &both, &both[..1], &both, &[]] {
        planned.note_call(&prepared.checker, &call(1, changes));
    }
    let fields: Vec<(String, u64)> = planned.fields().into_iter().collect();
    assert_eq!(fields, [("email".to_owned(), 3), ("name".to_owned(), 4)]);
    assert_eq!((planned.to_send, planned.states.not_sent), (5, 5));
    assert!(PlanTotals::default().fields().is_empty());
}

#[test]
fn the_first_five_changes_are_shown_with_roster_values() {
    let prepared = Desk::new("id,Namn,email\n").prepared();
    let mut planned = PlanTotals::default();
    let checker = &prepared.checker;
    let idle = call(1, &[("name", Some("Åsa"), "Åsa")]);
    assert!(planned.show(checker, &idle), "there is room");
    assert!(
        lines(&planned).is_empty(),
        "what stays as it is shows nothing"
    );
    let two = |row| {
        call(
            row,
            &[("name", Some("A"), "Åsa"), ("email", None, "a@b.se")],
        )
    };
    assert!(planned.show(checker, &two(1)));
    assert!(planned.show(checker, &two(2)));
    assert!(!planned.show(checker, &two(3)), "there is no more room");
    assert_eq!(lines(&planned), [2, 2, 3, 3, 4]);
    assert!(!planned.show(checker, &two(4)));
    assert_eq!(lines(&planned), [2, 2, 3, 3, 4]);
    let [name, email, ..] = &planned.examples[..] else {
        unreachable!()
    };
    assert_eq!(name.column, "Namn");
    assert_eq!((name.from.as_deref(), &*name.to), (Some("A"), "Åsa"));
    assert_eq!((&*email.column, email.from.as_deref()), ("email", None));
}

#[test]
fn the_first_five_invalid_rows_are_shown() {
    let mut planned = PlanTotals::default();
    let outcome = |state, error: &str| Outcome {
        problems: Problem::in_these_words(error),
        ..Outcome::of(1, state, jiff::Timestamp::UNIX_EPOCH)
    };
    planned.note_problem(RowAt::FIRST, &outcome(RowState::NotSent, "left out"));
    assert!(planned.problems.is_empty());
    for row in 1..=6 {
        let at = RowAt {
            row,
            sheet_row: row + 1,
            ..RowAt::FIRST
        };
        planned.note_problem(at, &outcome(RowState::Invalid, "wrong"));
    }
    let shown = (2..=6).map(|line| RowProblems {
        line,
        problems: Problem::in_these_words("wrong"),
    });
    assert_eq!(planned.problems, shown.collect::<Vec<_>>());
}

/// Seven rows that are sent and six that are invalid.
fn roster() -> String {
    let mut text = "id,name,email,unknown\n".to_owned();
    for row in 1..=13 {
        let email = if row % 2 == 0 { "nonsense" } else { "a@b.se" };
        text.push_str(&format!("p{row},Åsa,{row}{email},x\n"));
    }
    text + ",,,\n"
}

#[test]
fn a_plan_from_the_file_alone_equals_the_actual_one() {
    let api = Api::answering(|_| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), &roster());
    let made = desk.dry_run(&api).unwrap().plan;
    assert_eq!((made.rows, made.to_send, made.invalid), (13, 7, 6));
    // The journal stores no localized text.
    let kept = serde_json::to_value(&made).unwrap();
    let wrong = &kept["problems"][0]["problems"][0];
    assert_eq!(wrong["code"], "email.no_at", "{wrong}");
    assert!(wrong["message"]["key"].is_string(), "{wrong}");
    let prepared = desk.prepared();
    let delivery = &desk.settings.delivery;
    let policy = ReadPolicy::of(&prepared, delivery);
    let predicted = PlanTotals::predicted(&prepared, &policy, desk.clock.as_ref()).unwrap();
    assert_eq!(predicted.states.not_sent, 7);
    let plan = plan_of(&prepared, delivery, &predicted);
    let told = |plan: &Plan| {
        json!([
            plan.target,
            plan.base_url,
            plan.rows,
            plan.empty_rows,
            plan.invalid,
            plan.unchanged,
            plan.left_out,
            plan.to_send,
            plan.settled,
            plan.how,
            plan.fields,
            plan.columns,
            plan.examples,
            plan.problems,
            plan.repairs,
            plan.doubts,
        ])
    };
    assert_eq!(told(&plan), told(&made));
    let mut blind = Desk::new(&roster());
    blind.delivery().blind = true;
    let prepared = blind.prepared();
    let policy = ReadPolicy::of(&prepared, &blind.settings.delivery);
    let predicted = PlanTotals::predicted(&prepared, &policy, blind.clock.as_ref()).unwrap();
    assert_eq!(predicted.how, policy.nothing_read());
}

#[test]
fn a_plan_counts_rows_and_changes() {
    let roster =
        "id,Namn,email\np1,\"=\"\"Bo\"\"\",b@b.se\n,,\np2,A\u{ad}sa,a@b.se\np3,Cy,nonsense\n";
    let desk = Desk::new(roster);
    let prepared = desk.prepared();
    let mut planned = PlanTotals::of(Message::verbatim("searched"));
    planned.note_call(&prepared.checker, &call(1, &[("name", None, "Bo")]));
    planned.states.add(RowState::NotSent, 3);
    planned.states.add(RowState::Invalid, 4);
    planned.states.add(RowState::Unchanged, 5);
    let wrong = RowProblems {
        line: 9,
        problems: Problem::in_these_words("wrong"),
    };
    planned.problems.push(wrong.clone());
    let plan = plan_of(&prepared, &desk.settings.delivery, &planned);
    assert_eq!(
        (&*plan.target, &*plan.base_url),
        ("The school", "http://127.0.0.1:1")
    );
    assert_eq!((plan.rows, plan.empty_rows), (3, 1));
    assert_eq!(
        (plan.invalid, plan.unchanged, plan.left_out, plan.to_send),
        (4, 5, 3, 1)
    );
    let settled = StateCounts {
        not_sent: 3,
        invalid: 4,
        unchanged: 5,
        ..StateCounts::default()
    };
    assert_eq!(plan.settled, settled, "those that need a request are not");
    assert_eq!(plan.how.to_string(), "searched");
    assert_eq!(plan.columns["name"], "Namn");
    assert_eq!(plan.fields, [("name".to_owned(), 1)]);
    assert_eq!(plan.examples.len(), 1);
    assert_eq!(plan.problems, [wrong]);
    assert_eq!(plan.repairs, [("text.formula".to_owned(), 1)]);
    assert_eq!(plan.doubts, [("text.invisible_character".to_owned(), 1)]);
    let noticed = plan.noticed.iter();
    let noticed: Vec<(&str, u64, u64, &str)> = noticed
        .map(|one| (&*one.code, one.count, one.line, &*one.column))
        .collect();
    assert_eq!(
        noticed,
        [
            ("text.formula", 1, 2, "Namn"),
            ("text.invisible_character", 1, 4, "Namn")
        ]
    );
}

#[test]
fn a_plan_counts_hidden_rows_of_a_workbook() {
    for (skips_hidden, rows) in [(false, 2), (true, 1)] {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (row, cells) in (0..).zip([["id", "name"], ["p1", "Åsa"], ["p2", "Bo"]]) {
            sheet.write_row(row, 0, cells).unwrap();
        }
        sheet.set_row_hidden(1).unwrap();
        let mut desk = Desk::new("");
        desk.put_workbook(book);
        desk.settings.roster.read.skip_hidden = skips_hidden;
        let prepared = desk.prepared();
        let plan = plan_of(&prepared, desk.delivery(), &PlanTotals::default());
        assert_eq!(
            (plan.rows, plan.hidden_rows, plan.skips_hidden),
            (rows, 1, skips_hidden)
        );
    }
}

#[test]
fn examples_without_records_show_rows_with_changes() {
    let target = unreadable().replace("required = true\nexample = \"Åsa\"", "example = \"Åsa\"");
    let rows: String = (1..=EXAMPLES).map(|row| format!("p{row},\n")).collect();
    let desk = Desk::at(&target, &format!("id,name\n{rows}p9,Åsa\n"));
    let prepared = desk.prepared();
    assert_eq!(prepared.survey.invalid, 0);
    let policy = ReadPolicy::of(&prepared, &desk.settings.delivery);
    let predicted = PlanTotals::predicted(&prepared, &policy, desk.clock.as_ref()).unwrap();
    assert_eq!(lines(&predicted), [7]);
}

#[test]
fn fields_are_named_by_the_headers_of_the_roster() {
    let prepared = Desk::new("id,Namn\np1,Åsa\n").prepared();
    let columns = columns_of(&prepared);
    let columns: Vec<(&str, &str)> = columns
        .iter()
        .map(|(field, header)| (field.as_str(), header.as_str()))
        .collect();
    assert_eq!(columns, [("id", "id"), ("name", "Namn")]);
}

#[test]
fn headers_are_kept_if_they_map_to_their_field_by_default() {
    let headers = [
        ("name", "Namn"),
        ("email", "Postadress"),
        ("city", "street"),
    ];
    let headers = headers.map(|(field, header)| (field.to_owned(), header.to_owned()));
    let kept = understood(&spec_of(crate::run::tests::SCHOOL), headers.into());
    let kept: Vec<(String, String)> = kept.into_iter().collect();
    assert_eq!(kept, [("name".to_owned(), "Namn".to_owned())]);
}
