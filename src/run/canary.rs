use serde_json::Value as Json;
use tokio::sync::watch;

use super::error::RunError;
use super::prepare::Prepared;
use crate::check::Checker;
use crate::journal::Journal;
use crate::model::{Call, Change, RowState};
use crate::plan::LookUp;
use crate::send::{Fetched, Reread, Stop, StopRequest, Transport};

/// Reads single records back, and compares them with what was sent.
pub(super) struct Reader<'a> {
    checker: &'a Checker,
    look_up: LookUp,
}

impl Reread for Reader<'_> {
    fn path(&self, call: &Call) -> Option<String> {
        let id = self.checker.spec().id_in(&call.path)?;
        Some(self.look_up.read(&id)?.path)
    }

    fn holds(&self, call: &Call, record: &Json) -> bool {
        self.lacking(call, record).is_none()
    }
}

impl<'a> Reader<'a> {
    /// A reader of the target's records; none where single ones cannot be read.
    pub(super) fn new(prepared: &'a Prepared) -> Option<Reader<'a>> {
        let spec = prepared.checker.spec();
        let look_up = LookUp::new(spec, spec.key_field()?)?;
        look_up.read("x").is_some().then_some(Reader {
            checker: &prepared.checker,
            look_up,
        })
    }

    /// The first of a call's changes that the record does not hold.
    fn lacking<'c>(&self, call: &'c Call, record: &Json) -> Option<&'c Change> {
        let spec = self.checker.spec();
        call.changes.iter().find(|change| {
            spec.field(&change.field).is_some_and(|index| {
                let pointer = &spec.fields[index].pointer;
                let held = record.pointer(pointer).unwrap_or(&Json::Null);
                *held != change.to && self.checker.normalised(index, held) != change.to
            })
        })
    }

    /// Reads the records back that the first calls have changed. Returns why the run must stop,
    /// if one of them does not hold what was sent.
    pub(super) async fn look_after(
        &self,
        transport: &Transport<'_>,
        journal: &Journal,
        run: i64,
        calls: &[Call],
        mut asked: watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, RunError> {
        tokio::select! {
            biased;
            Ok(_) = asked.wait_for(|request| *request > StopRequest::None) => Ok(Some(Stop::Asked)),
            compared = self.compare(transport, journal, run, calls) => compared,
        }
    }

    async fn compare(
        &self,
        transport: &Transport<'_>,
        journal: &Journal,
        run: i64,
        calls: &[Call],
    ) -> Result<Option<Stop>, RunError> {
        let (_never, never) = watch::channel(false);
        for call in calls {
            let row = call.at.row;
            let outcomes = journal.outcomes(run, row, row)?;
            let updated = outcomes
                .first()
                .is_some_and(|outcome| outcome.state == RowState::Updated);
            let Some(path) = self.path(call).filter(|_| updated) else {
                return Ok(Some(Stop::Canary {
                    why: format!("row {row} was not updated"),
                }));
            };
            let record = match transport.fetch(&path, None, &never).await? {
                Fetched::Json(record) => record,
                Fetched::NoJson | Fetched::Halted => Json::Null,
                Fetched::Stopped(stop) => return Ok(Some(stop)),
            };
            if let Some(change) = self.lacking(call, &record) {
                let field = &change.field;
                return Ok(Some(Stop::Canary {
                    why: format!("row {row} does not hold the {field} that was sent"),
                }));
            }
        }
        Ok(None)
    }
}
