//! Tests of `run/planning/retried_rows`.

use std::cell::Cell;

use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::journal::RowMark;
use crate::model::{Outcome, Problem, RowAt};

/// Returns cells as fingerprints of a field and its value.
fn cells(fields: &[(u32, &str)]) -> Vec<u8> {
    let mut cells = Vec::new();
    for (name, value) in fields {
        let mut text = vec![0];
        text.extend(value.bytes());
        cells.extend(name.to_le_bytes());
        cells.extend((xxh3_64(&text) as u32).to_le_bytes());
    }
    cells
}

/// Returns the cells of a row whose second cell lost its type.
fn looked_right(value: &str) -> Vec<u8> {
    let mut cells = cells(&[(1, "Åsa"), (2, value)]);
    cells.extend(2_u32.to_le_bytes());
    cells.extend((xxh3_64(b"\x01\0kind") as u32).to_le_bytes());
    cells
}

/// Returns a row to look up, with these cells.
fn task(fields: &[(u32, &str)]) -> RowTask {
    RowTask {
        mark: RowMark {
            at: RowAt::FIRST,
            key: 7,
            cells: cells(fields),
            ..RowMark::default()
        },
        is_released: false,
        damaged: None,
        lost_kind: None,
        has_surplus: false,
        what: NextStep::LookUp {
            key: "p1".into(),
            others: Vec::new(),
            values: Vec::new(),
        },
    }
}

fn settled(code: &str) -> NextStep {
    NextStep::Settled(Outcome {
        error_code: code.to_owned(),
        ..Outcome::of(1, RowState::NotSent, jiff::Timestamp::UNIX_EPOCH)
    })
}

fn past(run: i64, state: Option<RowState>, fields: &[(u32, &str)]) -> PastRow {
    PastRow {
        run,
        cells: cells(fields),
        state,
        error_code: String::new(),
        problems: Vec::new(),
    }
}

fn why(run: i64, code: &str) -> Problem {
    Problem::of_row(code.to_owned(), Message::verbatim(format!("why {run}")))
}

fn hint(code: &str, hint: Message) -> Problem {
    Problem::of_row(code.to_owned(), hint)
}

fn refused(run: i64, code: &str, fields: &[(u32, &str)]) -> PastRow {
    PastRow {
        error_code: code.to_owned(),
        problems: vec![why(run, code)],
        ..past(run, Some(RowState::Invalid), fields)
    }
}

/// Returns the earlier state of a row in a file with as many rows as the first one.
fn of(task: &RowTask, history: &[PastRow]) -> Option<EarlierState> {
    earlier_state(task, history, &[], || Ok(false))
        .ok()
        .unwrap()
}

const OLD: &[(u32, &str)] = &[(1, "Åsa"), (2, "Lund")];
const NEW: &[(u32, &str)] = &[(1, "Åsa"), (2, "Umeå")];

#[test]
fn a_row_is_unchanged_if_the_newest_success_delivered_the_same_values() {
    let unchanged = Some((RowState::Unchanged, String::new(), Vec::new()));
    for success in [RowState::Updated, RowState::Unchanged] {
        assert_eq!(of(&task(OLD), &[past(1, Some(success), OLD)]), unchanged);
    }
    // A row that failed since does not count, and neither does one that was undone before.
    let history = [
        past(3, Some(RowState::Failed), NEW),
        past(2, Some(RowState::Updated), NEW),
        past(1, Some(RowState::Updated), OLD),
    ];
    assert_eq!(
        of(&task(OLD), &history),
        None,
        "the record holds what is new"
    );
    assert_eq!(of(&task(NEW), &history), unchanged);
    for other in [
        RowState::Failed,
        RowState::Rejected,
        RowState::NotSent,
        RowState::Unknown,
    ] {
        assert_eq!(
            of(&task(OLD), &[past(1, Some(other), OLD)]),
            None,
            "{other}"
        );
    }
    assert_eq!(
        of(&task(OLD), &[past(1, None, OLD)]),
        None,
        "it was open still"
    );
    // A removed column is no change. An added column is one.
    assert_eq!(
        of(&task(&OLD[..1]), &[past(1, Some(RowState::Updated), OLD)]),
        unchanged
    );
    assert_eq!(
        of(&task(OLD), &[past(1, Some(RowState::Updated), &OLD[..1])]),
        None
    );
}

#[test]
fn earlier_runs_settle_only_valid_rows_with_a_key() {
    assert!(has_earlier_state(&task(OLD)));
    let mut one = task(OLD);
    one.what = settled("text.too_long");
    assert!(
        !has_earlier_state(&one),
        "what is wrong with it is wrong now"
    );
    one.what = settled(LEFT_OUT);
    assert!(
        has_earlier_state(&one),
        "it may be left out because it succeeded"
    );
    one.mark.key = 0;
    assert!(
        !has_earlier_state(&one),
        "rows without a key are no one row"
    );
}

#[test]
fn an_omitted_row_keeps_its_reason_unless_it_succeeded() {
    let mut one = task(OLD);
    one.what = settled(LEFT_OUT);
    let done = past(1, Some(RowState::Updated), OLD);
    assert_eq!(of(&one, &[done]).unwrap().0, RowState::Unchanged);
    let cut = refused(1, TOO_FEW, OLD);
    assert_eq!(of(&one, &[cut]), None);
}

#[test]
fn only_rows_in_the_selected_states_are_resent() {
    let judged = |last: Option<RowState>, only: &[RowState]| {
        let history = [past(1, last, NEW)];
        earlier_state(&task(OLD), &history, only, || Ok(false))
            .ok()
            .unwrap()
    };
    let left_out = |state: RowState| {
        let why = hint(LEFT_OUT, message::row_was_other_state(state.message()));
        Some((RowState::NotSent, LEFT_OUT.to_owned(), vec![why]))
    };
    use RowState::{Failed, NotSent, Rejected, Unknown};
    assert_eq!(judged(Some(Failed), &[]), None, "nothing is asked for");
    assert_eq!(judged(Some(Failed), &[Rejected, Failed]), None);
    assert_eq!(judged(Some(Failed), &[Rejected]), left_out(Failed));
    // Without a response, the row counts as failed. An open row counts as not sent.
    assert_eq!(judged(Some(Unknown), &[Failed]), None);
    assert_eq!(judged(Some(Unknown), &[NotSent]), left_out(Failed));
    assert_eq!(judged(None, &[NotSent]), None);
    assert_eq!(judged(None, &[Failed]), left_out(NotSent));
    let unseen = |only: &[RowState]| {
        earlier_state(&task(OLD), &[], only, || Ok(false))
            .ok()
            .unwrap()
    };
    assert_eq!(unseen(&[NotSent]), None);
    assert_eq!(unseen(&[Failed]), left_out(NotSent));
}

#[test]
fn a_duplicate_stays_invalid_in_a_partial_file() {
    let duplicate = refused(1, "uuid.duplicate", OLD);
    let judged = |row: &RowTask, history: &[PastRow], is_part| {
        earlier_state(row, history, &[], || Ok(is_part))
            .ok()
            .unwrap()
    };
    let so = hint("uuid.duplicate", message::row_was_so());
    let told = |why: Problem| {
        Some((
            RowState::Invalid,
            "uuid.duplicate".to_owned(),
            vec![why, so.clone()],
        ))
    };
    let history = [duplicate.clone()];
    assert_eq!(
        judged(&task(OLD), &history, true),
        told(why(1, "uuid.duplicate"))
    );
    assert_eq!(
        judged(&task(OLD), &history, false),
        None,
        "the check sees all rows"
    );
    assert_eq!(
        judged(&task(NEW), &history, true),
        None,
        "it says something else"
    );
    // Repeated messages are shown once.
    let again = PastRow {
        problems: vec![why(1, "uuid.duplicate"), so.clone()],
        ..duplicate.clone()
    };
    assert_eq!(
        judged(&task(OLD), &[again], true),
        told(why(1, "uuid.duplicate"))
    );
    // A run that left the row out does not change its state. A run with another result does.
    let left_out = refused(2, LEFT_OUT, OLD);
    assert_eq!(
        judged(&task(OLD), &[left_out, duplicate.clone()], true),
        told(why(1, "uuid.duplicate"))
    );
    let other = refused(2, "text.too_long", OLD);
    assert_eq!(judged(&task(OLD), &[other, duplicate], true), None);
}

#[test]
fn the_completeness_of_a_file_matters_only_for_duplicates() {
    let looked = Cell::new(0);
    let is_part = || {
        looked.set(looked.get() + 1);
        Ok(true)
    };
    let _ = earlier_state(
        &task(OLD),
        &[past(1, Some(RowState::Failed), OLD)],
        &[],
        is_part,
    );
    assert_eq!(looked.get(), 0);
}

#[test]
fn a_truncated_row_stays_invalid_until_it_is_completed() {
    let blank = &[(1, "Åsa"), (2, "")];
    let history = [refused(1, TOO_FEW, &OLD[..1])];
    let fill_in = hint(TOO_FEW, message::row_fill_in());
    let cut = Some((
        RowState::Invalid,
        TOO_FEW.to_owned(),
        vec![why(1, TOO_FEW), fill_in.clone()],
    ));
    assert_eq!(of(&task(blank), &history), cut);
    assert_eq!(of(&task(OLD), &history), None, "somebody has filled it in");
    let mut released = task(blank);
    released.is_released = true;
    assert_eq!(
        of(&released, &history),
        None,
        "somebody says that it was so"
    );
    // The hint is given once.
    let again = [PastRow {
        problems: vec![why(1, TOO_FEW), fill_in],
        ..history[0].clone()
    }];
    assert_eq!(of(&task(blank), &again), cut);
    // Later runs that left the row out or found another problem do not change its state. One that sent it
    // does.
    let mut since = vec![refused(3, LEFT_OUT, blank), refused(2, "id.taken", blank)];
    since.extend(history.clone());
    assert_eq!(of(&task(blank), &since), cut);
    let sent = [past(2, Some(RowState::Updated), NEW), history[0].clone()];
    assert_eq!(of(&task(blank), &sent), None);
    let before = [history[0].clone(), past(0, Some(RowState::Updated), NEW)];
    assert_eq!(
        of(&task(blank), &before),
        cut,
        "it was cut after it had been sent"
    );
    // Both messages within one run.
    let both = [
        refused(1, TOO_FEW, &OLD[..1]),
        past(1, Some(RowState::Updated), NEW),
    ];
    assert_eq!(of(&task(blank), &both), cut);
}

#[test]
fn a_row_with_extra_cells_stays_invalid_while_it_has_them() {
    let history = [refused(1, TOO_MANY, OLD)];
    let mut row = task(OLD);
    assert_eq!(of(&row, &history), None, "they were taken away");
    row.has_surplus = true;
    let surplus = Some((
        RowState::Invalid,
        TOO_MANY.to_owned(),
        vec![why(1, TOO_MANY)],
    ));
    assert_eq!(of(&row, &history), surplus);
    row.mark.cells = cells(NEW);
    assert_eq!(of(&row, &history), None, "somebody has moved them");
}

#[test]
fn a_truncated_row_is_recognized_by_the_file_alone() {
    let mut row = task(OLD);
    row.damaged = Some(TOO_FEW);
    let cut = Some((
        RowState::Invalid,
        TOO_FEW.to_owned(),
        vec![hint(TOO_FEW, message::row_was_cut())],
    ));
    assert_eq!(of(&row, &[]), cut);
    assert_eq!(of(&row, &[refused(1, "text.too_long", NEW)]), cut);
    // The earlier row is known, and the cells were filled in since.
    assert_eq!(of(&row, &[refused(1, TOO_FEW, &OLD[..1])]), None);
    row.damaged = None;
    assert_eq!(of(&row, &[]), None);
    // A part of a row that was divided by a line break is unchanged, or corrected.
    let divided = refused(1, "row.divided", OLD);
    assert_eq!(of(&row, &[divided]).unwrap().1, "row.divided");
    assert_eq!(of(&row, &[refused(1, "row.divided", NEW)]), None);
}

#[test]
fn a_cell_that_lost_its_type_stays_invalid_until_it_is_changed() {
    let history = [PastRow {
        cells: looked_right("Lund"),
        ..refused(1, "cell.date", &[])
    }];
    let correct = hint("cell.date", message::row_correct_cell());
    let wrong = Some((
        RowState::Invalid,
        "cell.date".to_owned(),
        vec![why(1, "cell.date"), correct],
    ));
    assert_eq!(of(&task(OLD), &history), wrong);
    let other = task(&[(1, "Bo"), (2, "Lund")]);
    assert_eq!(of(&other, &history), wrong, "another cell was changed");
    for is_released in [false, true] {
        let mut changed = task(NEW);
        changed.is_released = is_released;
        assert_eq!(of(&changed, &history), None);
    }
    let mut released = task(OLD);
    released.is_released = true;
    assert_eq!(of(&released, &history), None, "its error code was emptied");
}

#[test]
fn a_cell_that_lost_its_type_is_recognized_by_the_file_alone() {
    let mut row = task(OLD);
    row.lost_kind = Some("cell.date");
    let lost = Some((
        RowState::Invalid,
        "cell.date".to_owned(),
        vec![hint("cell.date", message::row_lost_kind())],
    ));
    assert_eq!(of(&row, &[]), lost);
    assert_eq!(of(&row, &[refused(1, "text.too_long", NEW)]), lost);
    // The earlier row is known, and the cell was changed since.
    let known = PastRow {
        cells: looked_right("Umeå"),
        ..refused(1, "cell.date", &[])
    };
    assert_eq!(of(&row, &[known]), None);
}
