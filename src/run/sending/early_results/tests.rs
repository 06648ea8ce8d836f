//! Tests of `run/sending/early_results`.

use serde_json::json;

use super::*;
use crate::journal::Stage;
use crate::run::active_run::{Begun, Run};
use crate::run::context::{Batch, Start};
use crate::run::import::with_setup;
use crate::run::planning::approval::agree;
use crate::run::planning::planned_run::plan;
use crate::run::sending::send::send;
use crate::run::tests::{Api, Desk, unreadable};

/// Returns the results that a run writes while it sends.
fn done(change: impl FnOnce(&mut Desk), batch: Option<Batch>) -> (EarlyResults, bool) {
    let api = Api::answering(|_| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\np2,Bo\n");
    change(&mut desk);
    let done = desk.with(&api, |prepared, settings, context| {
        with_setup((prepared, settings, context), batch, |setup| {
            let Begun::New(run) = setup.begin(Start::New("import"))? else {
                panic!("it is a new one");
            };
            Ok(send(agree(plan(run)?.run)?)?.early)
        })
    });
    // Without unnamed files, nothing is written before the end.
    (done.unwrap(), desk.settings.delivery.paths.may_take_long())
}

#[test]
fn results_are_written_and_rows_indexed_while_a_run_sends() {
    let (done, may_be) = done(|_| (), None);
    assert_eq!((done.written.is_some(), done.is_indexed), (may_be, may_be));
}

#[test]
fn a_workbook_of_results_waits_for_the_end() {
    let workbook = |desk: &mut Desk| desk.delivery().paths.results.set_extension("xlsx");
    let (done, _) = done(|desk| assert!(workbook(desk)), None);
    assert!(done.written.is_none() && !done.is_indexed);
}

#[test]
fn only_few_rows_are_indexed_while_a_run_sends() {
    for (rows, are_few) in [(FEW, true), (FEW + 1, false)] {
        let api = Api::answering(|_| panic!("nothing is sent"));
        let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\n");
        let may_be = desk.settings.delivery.paths.may_take_long();
        let is_indexed = desk.with(&api, |prepared, settings, context| {
            with_setup((prepared, settings, context), None, |setup| {
                let Begun::New(run) = setup.begin(Start::New("import"))? else {
                    panic!("it is a new one");
                };
                let Run { id, journal, .. } = plan(run)?.run;
                let writer = Writer::start(journal, id, Stage::Sending)?;
                let early = EarlyWriter::of(&setup, id, &writer);
                // The writer has ended.
                writer.close()?;
                let early = early.map(|own| EarlyWriter { rows, ..own });
                Ok(early.is_some_and(|own| own.work().is_indexed))
            })
        });
        assert_eq!(is_indexed.unwrap(), may_be && are_few, "{rows}");
    }
}

#[test]
fn a_batch_writes_no_results() {
    let batch = Batch {
        rows: 5,
        patience: std::time::Duration::ZERO,
        retries_before: 0,
        throttled_before: 0,
        late: std::time::Duration::ZERO,
    };
    let (done, _) = done(|_| (), Some(batch));
    assert!(done.written.is_none() && !done.is_indexed);
}
