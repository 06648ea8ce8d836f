//! A canary reads the first updated records back before the run continues.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;
use tokio::sync::watch;

use super::applied::sent_fields;
use crate::check::{Checker, Survey};
use crate::journal::{Journal, JournalError};
use crate::l10n::{message, say};
use crate::model::{Change, Code, Fact, Pending, RowState};
use crate::plan::{LookUp, lists_of, unnamed};
use crate::run::error::RunError;
use crate::run::prepare::Prepared;
use crate::send::{Fetched, Judged, Reread, Stop, StopRequest, Transport};
use crate::targets::FieldSpec;

/// Reads single records back, and compares them with the sent values.
pub struct RecordReader<'a> {
    checker: &'a Checker,
    survey: &'a Survey,
    look_up: LookUp,
    /// The journal and the run, if the values read at planning are compared too.
    planned: Option<(Mutex<Journal>, i64)>,
}

impl Reread for RecordReader<'_> {
    fn path(&self, call: &Pending) -> Option<String> {
        let id = self.checker.spec().id_in(&call.path)?;
        Some(self.look_up.read(&id)?.path)
    }

    fn holds(&self, call: &Pending, record: &Json) -> bool {
        self.lacking(&call.body, self.record_in(record)).is_none()
    }

    fn judge(&self, call: &Pending, answer: &Json) -> Judged {
        let record = self.record_in(answer);
        if self.lacking(&call.body, record).is_none() {
            return Judged::Holds;
        }
        let spec = self.checker.spec();
        let Ok(body) = serde_json::from_slice::<Json>(&call.body) else {
            return Judged::Stands;
        };
        let Some(sent) = spec.sent_in(&body) else {
            return Judged::Stands;
        };
        let (changed, changes) = self.planned_for(call.row);
        for (index, field, to) in sent_fields(spec, sent).filter(|(_, field, _)| !field.read_only) {
            let to = &*to;
            let Ok(held) = field.pointer.get(record) else {
                return Judged::Changed(self.checker.name_of(index).to_string());
            };
            let held = &*held.unwrap_or(Cow::Owned(Json::Null));
            let is_changed = changed.iter().any(|name| name == field.name());
            let change = changes.iter().find(|change| change.field == field.name());
            let before = match change {
                Some(change) => change.from.as_ref(),
                // An unchanged field is sent as read. A changed field without a change record was not read.
                None => Some(to).filter(|_| !is_changed),
            };
            let is = |other: &Json| self.checker.is_same(index, held, other);
            if before.is_some_and(|before| !is(before) && !is(to)) {
                return Judged::Changed(self.checker.name_of(index).to_string());
            }
        }
        let is_same = match spec.erases() {
            true => unnamed(spec, record) == unnamed(spec, sent),
            // The other elements of each list are sent as read.
            false => {
                let sent = lists_of(spec, sent, sent);
                unnamed(spec, &lists_of(spec, record, &sent)) == unnamed(spec, &sent)
            }
        };
        match is_same {
            true => Judged::Stands,
            false => Judged::Changed(say().record_other()),
        }
    }

    fn record_in<'a>(&self, answer: &'a Json) -> &'a Json {
        let record = self.checker.spec().record_in(answer);
        record.unwrap_or(&Json::Null)
    }
}

impl<'a> RecordReader<'a> {
    /// Returns a reader of single records; `None` if the target has none.
    pub fn new(prepared: &'a Prepared) -> Option<RecordReader<'a>> {
        let spec = prepared.checker.spec();
        let look_up = LookUp::new(spec, spec.key_field()?)?;
        look_up.read("x").is_some().then_some(RecordReader {
            checker: &prepared.checker,
            survey: &prepared.survey,
            look_up,
            planned: None,
        })
    }

    /// Adds the journal, for comparison with the values read at planning.
    pub fn comparing(self, journal: Journal, run: i64) -> RecordReader<'a> {
        RecordReader {
            planned: Some((Mutex::new(journal), run)),
            ..self
        }
    }

    /// The fields that a row's call changes, and the changes that were kept.
    fn planned_for(&self, row: u64) -> (Vec<String>, Vec<Change>) {
        let mut found = Default::default();
        if let Some((journal, run)) = &self.planned {
            let journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            // An error counts as no kept changes.
            let _ = journal.each_call_after::<JournalError>(*run, row - 1, |call, _| {
                if call.at.row == row {
                    let changed = call.changed.split(' ').map(str::to_owned);
                    found = (changed.collect(), call.changes);
                }
                Ok(false)
            });
        }
        found
    }

    /// The first field that was sent and that the record does not hold.
    fn lacking(&self, body: &[u8], record: &Json) -> Option<usize> {
        let spec = self.checker.spec();
        let body: Json = serde_json::from_slice(body).ok()?;
        let sent = spec.sent_in(&body)?;
        let lacks = |(index, field, to): &(usize, &FieldSpec, Cow<'_, Json>)| {
            let Ok(held) = field.pointer.get(record) else {
                return true;
            };
            let held = held.unwrap_or(Cow::Owned(Json::Null));
            let is_cleared = **to == "" && held.is_null();
            !is_cleared && !self.checker.is_same(*index, &held, to)
        };
        sent_fields(spec, sent).find(lacks).map(|(index, ..)| index)
    }

    /// Reads back the records that the first calls changed. Returns why the run must stop, if a record lacks a sent
    /// value.
    pub(super) async fn look_after(
        &self,
        transport: &Transport<'_>,
        journal: &Journal,
        run: i64,
        calls: &[Pending],
        mut asked: watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, RunError> {
        tokio::select! {
            biased;
            Ok(_) = asked.wait_for(|request| *request > StopRequest::Pause) => Ok(Some(Stop::Asked)),
            compared = self.compare(transport, journal, run, calls) => compared,
        }
    }

    async fn compare(
        &self,
        transport: &Transport<'_>,
        journal: &Journal,
        run: i64,
        calls: &[Pending],
    ) -> Result<Option<Stop>, RunError> {
        let (_never, never) = watch::channel(false);
        for call in calls {
            let row = call.row;
            let line = self.survey.line_of(row);
            let outcomes = journal.outcomes(run, row, row)?;
            let updated = outcomes
                .first()
                .is_some_and(|outcome| outcome.state == RowState::Updated);
            let Some(path) = self.path(call).filter(|_| updated) else {
                return Ok(Some(Stop::Canary {
                    why: message::canary_not_updated(line),
                    fact: Fact::new(Code::CanaryNotUpdated).at_row(row).at_line(line),
                }));
            };
            let record = match transport.fetch(&path, None, &never).await? {
                Fetched::Json(answer) => self.record_in(&answer).clone(),
                Fetched::NoJson | Fetched::Halted => Json::Null,
                Fetched::Stopped(stop) => return Ok(Some(stop)),
            };
            if let Some(field) = self.lacking(&call.body, &record) {
                return Ok(Some(Stop::Canary {
                    why: message::canary_not_held(line, self.checker.name_of(field)),
                    fact: Fact::new(Code::CanaryNotHeld)
                        .at_row(row)
                        .at_line(line)
                        .with_names([self.checker.spec().fields[field].declared()]),
                }));
            }
        }
        Ok(None)
    }
}
