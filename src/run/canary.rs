use serde_json::Value as Json;
use tokio::sync::watch;

use super::error::RunError;
use super::prepare::Prepared;
use crate::journal::Journal;
use crate::model::{Call, RowState};
use crate::plan::LookUp;
use crate::send::{Stop, Transport};

/// Reads the records back that the first calls have changed, and compares them with what was sent.
/// Returns why the run must stop, if one of them does not hold it.
pub(super) async fn read_back(
    prepared: &Prepared,
    transport: &Transport<'_>,
    journal: &Journal,
    run: i64,
    calls: &[Call],
) -> Result<Option<Stop>, RunError> {
    let checker = &prepared.checker;
    let spec = checker.spec();
    let Some(look_up) = spec.key_field().and_then(|key| LookUp::new(spec, key)) else {
        return Ok(None);
    };
    let (_never, never) = watch::channel(false);
    for call in calls {
        let row = call.at.row;
        let outcomes = journal.outcomes(run, row, row)?;
        let updated = outcomes
            .first()
            .is_some_and(|outcome| outcome.state == RowState::Updated);
        let question = spec.id_in(&call.path).and_then(|id| look_up.read(&id));
        let Some(question) = question.filter(|_| updated) else {
            return Ok(Some(Stop::Canary {
                why: format!("row {row} was not updated"),
            }));
        };
        let record = match transport.fetch(&question.path, None, &never).await? {
            Ok(record) => record.unwrap_or(Json::Null),
            Err(stop) => return Ok(Some(stop)),
        };
        for change in &call.changes {
            let Some(index) = spec.field(&change.field) else {
                continue;
            };
            let held = record
                .pointer(&spec.fields[index].pointer)
                .unwrap_or(&Json::Null);
            if *held != change.to && checker.normalised(index, held) != change.to {
                return Ok(Some(Stop::Canary {
                    why: format!("row {row} does not hold the {} that was sent", change.field),
                }));
            }
        }
    }
    Ok(None)
}
