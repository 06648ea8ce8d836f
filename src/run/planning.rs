use tokio::sync::{mpsc, watch};
use xxhash_rust::xxh3::Xxh3;

use super::error::RunError;
use super::prepare::Prepared;
use super::settings::Delivery;
use crate::check::{CheckedRow, Checker, Survey};
use crate::clock::Clock;
use crate::events::Plan;
use crate::journal::{JournalError, Writer};
use crate::model::{Call, Outcome, Problem, RowAt, RowState, StateCounts};
use crate::plan::{Planner, Selection};
use crate::read::{Input, ReadError, Table};
use crate::report::LEFT_OUT;
use crate::send::{SendError, Stop, StopRequest};

/// What planning came to.
pub(super) struct Planned {
    /// Rows that need no request, by state, and the others as not sent.
    pub(super) states: StateCounts,
    /// Calls to make.
    pub(super) to_send: u64,
    /// Why planning ended early, if it did.
    pub(super) stop: Option<Stop>,
}

/// Reads the rows once more, in a thread of its own, and records of each what is to be done: its
/// outcome where it needs no request, and its call where it does.
pub(super) fn plan_rows(
    prepared: &Prepared,
    delivery: &Delivery,
    writer: &Writer,
    clock: &dyn Clock,
    mut asked: watch::Receiver<StopRequest>,
) -> Result<Planned, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SendError::Runtime)?;
    let maker = ItemMaker {
        checker: &prepared.checker,
        survey: &prepared.survey,
        planner: Planner::new(prepared.checker.spec().clone(), delivery.variables.clone()),
        selection: &delivery.selection,
        clock,
    };
    std::thread::scope(|scope| {
        let (items, mut receiver) = mpsc::channel(256);
        let reader = scope.spawn(move || maker.make(&prepared.input, &items));
        let planned = runtime.block_on(async {
            let mut planned = Planned {
                states: StateCounts::default(),
                to_send: 0,
                stop: None,
            };
            loop {
                tokio::select! {
                    biased;
                    Ok(_) = asked.wait_for(|request| *request > StopRequest::None) => {
                        planned.stop = Some(Stop::Asked);
                        receiver.close();
                        break;
                    }
                    item = receiver.recv() => match item {
                        None => break,
                        Some(item) => planned.take(item, writer).await?,
                    },
                }
            }
            writer.flush().await?;
            Ok::<Planned, JournalError>(planned)
        });
        drop(receiver);
        match reader.join() {
            Ok(read) => read?,
            Err(_) => return Err(RunError::Died),
        }
        Ok(planned?)
    })
}

impl Planned {
    async fn take(&mut self, item: Item, writer: &Writer) -> Result<(), JournalError> {
        writer.content(item.at, item.key, item.cells).await?;
        match item.what {
            What::Settled(outcome) => {
                self.states.add(outcome.state, 1);
                writer.settle(outcome).await
            }
            What::Call(call) => {
                self.states.add(RowState::NotSent, 1);
                self.to_send += 1;
                writer.plan(call).await
            }
        }
    }
}

/// A row, and what is to be done about it.
struct Item {
    at: RowAt,
    /// Fingerprints of the row's key and of all its cells.
    key: i64,
    cells: i64,
    what: What,
}

enum What {
    Settled(Outcome),
    Call(Call),
}

/// Makes an item of every row.
struct ItemMaker<'a> {
    checker: &'a Checker,
    survey: &'a Survey,
    planner: Planner,
    selection: &'a Selection,
    clock: &'a dyn Clock,
}

impl ItemMaker<'_> {
    fn make(&self, input: &Input, items: &mpsc::Sender<Item>) -> Result<(), ReadError> {
        let mut left = self.selection.limit.unwrap_or(u64::MAX);
        input.scan(
            |table| self.of_table(table),
            |made: Vec<Item>| {
                for mut item in made {
                    if matches!(item.what, What::Call(_)) {
                        if left == 0 {
                            let why = "beyond the number of rows asked for";
                            item.what = What::Settled(self.left_out(item.at.row, why));
                        }
                        left = left.saturating_sub(1);
                    }
                    // Whoever took the items is gone, and has said why.
                    if items.blocking_send(item).is_err() {
                        return Ok(false);
                    }
                }
                Ok(true)
            },
        )
    }

    fn of_table(&self, table: &Table) -> Vec<Item> {
        let rows = table.rows();
        rows.map(|row| self.of_row(self.checker.check(&row)))
            .collect()
    }

    fn of_row(&self, mut row: CheckedRow<'_>) -> Item {
        let (key, cells) = fingerprints(&row, self.survey.key());
        Item {
            at: row.at,
            key,
            cells,
            what: self.what(&mut row),
        }
    }

    fn what(&self, row: &mut CheckedRow<'_>) -> What {
        let number = row.at.row;
        if !self.selection.holds(number) {
            return What::Settled(self.left_out(number, "not among the rows asked for"));
        }
        if let Some(other) = self.survey.superseded_by(number) {
            let why = format!("row {other} has the same key and is sent in its place");
            return What::Settled(self.left_out(number, &why));
        }
        self.survey.add_duplicate_problems(self.checker, row);
        if !row.is_valid() {
            return What::Settled(self.invalid(number, &row.problems));
        }
        What::Call(self.planner.call(row))
    }

    /// A row that nobody wants to be sent.
    fn left_out(&self, row: u64, why: &str) -> Outcome {
        self.settled(row, RowState::NotSent, LEFT_OUT, why.to_owned())
    }

    fn invalid(&self, row: u64, problems: &[Problem]) -> Outcome {
        let code = problems.first().map_or("", |problem| &problem.code);
        self.settled(row, RowState::Invalid, code, Problem::join(problems))
    }

    fn settled(&self, row: u64, state: RowState, code: &str, error: String) -> Outcome {
        Outcome {
            row,
            state,
            http_status: None,
            error_code: code.to_owned(),
            error,
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at: self.clock.timestamp(),
        }
    }
}

/// Fingerprints of a row's key and of everything it says, by which it is known again in a file
/// that a spreadsheet has written anew: of the normalised values, and of what is wrong as it
/// stands.
pub(super) fn fingerprints(row: &CheckedRow<'_>, key: Option<usize>) -> (i64, i64) {
    let mut cells = Xxh3::new();
    for (field, value) in row.values.iter().enumerate() {
        if let Some(value) = value {
            cells.update(&field.to_le_bytes());
            cells.update(value.as_text().as_bytes());
            cells.update(&[0xFF]);
        }
    }
    for problem in &row.problems {
        cells.update(problem.field.as_bytes());
        cells.update(problem.value.as_bytes());
        cells.update(&[0xFE]);
    }
    let value = key.and_then(|field| row.values.get(field)?.as_ref());
    let key = value.map_or(0, |value| {
        xxhash_rust::xxh3::xxh3_64(value.as_text().as_bytes())
    });
    (key.cast_signed(), cells.digest().cast_signed())
}

/// The figures of a plan.
pub(super) fn plan_of(prepared: &Prepared, delivery: &Delivery, planned: &Planned) -> Plan {
    let survey = &prepared.survey;
    Plan {
        target: prepared.checker.spec().title.clone(),
        base_url: delivery.client.base_url.clone(),
        rows: survey.rows,
        empty_rows: survey.empty_rows,
        invalid: planned.states.invalid,
        left_out: planned.states.not_sent - planned.to_send,
        to_send: planned.to_send,
        settled: StateCounts {
            not_sent: planned.states.not_sent - planned.to_send,
            ..planned.states
        },
        estimate_s: 0.0,
        rate: String::new(),
        repairs: survey
            .repairs
            .iter()
            .map(|(code, count)| ((*code).to_owned(), *count))
            .collect(),
    }
}
