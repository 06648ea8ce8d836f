//! Test fixture: a journal with one run.

use jiff::Timestamp;

use crate::journal::{
    Journal, NewRun, PlannedRow, PlannedWhat, Record, RowMark, RunState, Stage, Writer,
};
use crate::model::{Call, Outcome, Problem, RowAt, RowFacts, RowState};

/// The journal's records of a row.
#[derive(Default)]
pub(super) struct Held {
    pub(super) row: u64,
    pub(super) warning: &'static str,
    pub(super) facts: RowFacts,
    pub(super) call: Option<Call>,
    pub(super) outcome: Option<Outcome>,
}

/// Returns the outcome of a row after one request.
pub(super) fn outcome(row: u64, state: RowState) -> Outcome {
    Outcome {
        http_status: Some(200),
        attempts: 1,
        request_id: format!("id-{row}"),
        ..Outcome::of(
            row,
            state,
            Timestamp::from_second(row.cast_signed()).unwrap(),
        )
    }
}

/// Creates a journal of a run with these rows. Returns it with the id of the run.
pub(super) fn journal_of(rows: Vec<Held>) -> (Journal, i64) {
    let mut journal = Journal::temporary().unwrap();
    let (run, _) = journal
        .begin(&NewRun {
            name: "run".into(),
            command: "import",
            target: "t".into(),
            base_url: "b".into(),
            file: "/r.csv".into(),
            sha256: "abc".into(),
            settings: "{}".into(),
            started_at: Timestamp::UNIX_EPOCH,
            queued: None,
        })
        .unwrap();
    let mut answers = Vec::new();
    let mut planned = Vec::new();
    for held in rows {
        let what = match (held.call, held.outcome) {
            (Some(call), answer) => {
                answers.extend(answer);
                PlannedWhat::Call(Box::new(call))
            }
            (None, Some(outcome)) => PlannedWhat::Settled(outcome),
            (None, None) => continue,
        };
        planned.push(PlannedRow {
            mark: RowMark {
                at: RowAt {
                    row: held.row,
                    ..RowAt::default()
                },
                key: 0,
                cells: Vec::new(),
                warning: Problem::in_these_words(held.warning),
                facts: held.facts,
            },
            what,
        });
    }
    let writer = Writer::start(journal, run, Stage::Planning).unwrap();
    writer.plan(planned).unwrap();
    let mut journal = writer.close().unwrap();
    journal.set_state(run, RunState::Running).unwrap();
    journal
        .begin_sending(run, "account", Timestamp::UNIX_EPOCH)
        .unwrap();
    let writer = Writer::start(journal, run, Stage::Sending).unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        for answer in answers {
            writer.intent(answer.row, 1).await.unwrap();
            writer.outcome(answer).await.unwrap();
        }
        writer.flush().await.unwrap();
    });
    (writer.close().unwrap(), run)
}

/// Returns the cells of a CSV file, row by row.
pub(super) fn rows_of(path: &std::path::Path, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true);
    let mut reader = reader.delimiter(delimiter).from_path(path).unwrap();
    let cells = |record: csv::ByteRecord| {
        let cells = record.iter().map(String::from_utf8_lossy);
        cells.map(|cell| cell.into_owned()).collect()
    };
    reader
        .byte_records()
        .map(|record| cells(record.unwrap()))
        .collect()
}
