//! Undo: restoring the values that a run replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::derive::of_our_own;
use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::hold;
use super::runs::undone_rows;
use super::session::Session;
use crate::check::EmptyCell;
use crate::journal::{Journal, JournalError, RosterLock, RunLock, RunState, State};
use crate::model::{Call, Change, Code, RowState};
use crate::plan::{Guards, Selection, Threshold};
use crate::report::{Like, Placing, ReportError, ResultPaths, write_delivered, write_updated};
use crate::run::{Deliveries, RunError, Settings, stored_plan, understood};
use crate::targets::{FieldSpec, Place, TargetSpec};

/// A prepared undo. It locks the undone run, so that the run is neither resumed nor pruned.
pub struct Undone {
    /// The settings, or `None` if the run changed nothing.
    pub settings: Option<Settings>,
    /// The damaged journal records of the run, which cannot be restored.
    pub damaged: Vec<JournalError>,
    /// The id of the run if it changed nothing and could still be resumed: the undo closes it.
    open: Option<i64>,
    _held: RunLock,
    /// The lock that keeps the run from being resumed.
    _roster: RosterLock,
}

impl Undone {
    /// Returns whether the run changed nothing and could still be resumed.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Closes a run that changed nothing, so that it cannot be resumed.
    pub fn close(&self, state: &State) -> Result<(), AppError> {
        let Some(run) = self.open else {
            return Ok(());
        };
        let mut journal = Journal::open(state)?;
        journal.take_over(run)?;
        Ok(journal.set_state(run, RunState::Undone)?)
    }
}

/// Prepares the undo of a run: writes the replaced values as a roster beside the run's, and returns the
/// settings to import it. The run stays unchanged until the undo is confirmed.
///
/// # Errors
/// Fails if the replaced values are unknown, the run is in progress, or its sandbox is gone.
pub fn undone(
    session: &Session,
    name: &str,
    rows: Option<&Selection>,
    paths: &NamedPaths,
) -> Result<Undone, AppError> {
    paths.refuse_kinds()?;
    let journal = Journal::open(&session.state)?;
    let record = journal.run(Some(name))?;
    let mut settings = Settings::of(&record)?;
    let spec = Arc::new(settings.spec()?);
    let refuse = |why| RunError::NotUndoable {
        run: name.to_owned(),
        why,
    };
    if session.has_lost(&settings) {
        return Err(refuse(Code::WhySandboxGone).into());
    }
    if settings.delivery.blind {
        return Err(refuse(Code::WhyBlind).into());
    }
    if settings.delivery.no_undo {
        return Err(refuse(Code::WhyNoUndo).into());
    }
    let roster = match record.file.as_str() {
        // Standard input is locked by its content.
        "-" => RosterLock::take(
            &session.state,
            Path::new(&format!("content {}", record.sha256)),
        )?,
        file => match hold(&session.state, Path::new(file)) {
            Err(AppError::Run(RunError::Busy { .. })) => None,
            lock => lock?,
        },
    };
    let Some(roster) = roster else {
        return Err(refuse(Code::WhyIsRunning).into());
    };
    // The lock keeps the values from being removed: without them, the run would look unchanged.
    let is_under_way = RunLock::is_held(&session.state, name)?;
    let held = RunLock::share(&session.state, name)?;
    // The run may have continued since it was read.
    let record = journal.run(Some(name))?;
    if let Some(why) = why_not(record.state, settings.queued.is_some(), is_under_way) {
        return Err(refuse(why).into());
    }
    if settings.queued.take().is_some() {
        // The folder of a queued run is on another machine.
        let own = settings.roster.file.file_name().unwrap_or_default();
        settings.roster.file = own.into();
    }
    let damaged = journal.damaged(record.id)?;
    let restored = undone_rows(&journal, &record)?;
    let is_meant =
        |row: u64| !restored.contains(&row) && rows.is_none_or(|rows| rows.holds(row, row));
    // Without previous values to restore, the roster lists only the updated records.
    let name_of_roster = beside(&settings.roster.file);
    let own = Placing::Beside(None);
    // The columns have the headers of the original roster, if they are mapped automatically.
    let headers = stored_plan(&journal, record.id)?.map(|plan| understood(&spec, plan.columns));
    let like = Like {
        headers: headers.as_ref(),
        ..Like::ours(own.clone())
    };
    let written = if !spec.is_readable() {
        write_earlier(&journal, record.id, &is_meant, &spec, &name_of_roster, like)?
    } else {
        let each = |each: &mut dyn FnMut(Call) -> Result<bool, ReportError>| {
            journal.each_change::<ReportError>(record.id, |call| match is_meant(call.at.row) {
                true => each(call),
                false => Ok(true),
            })
        };
        match write_delivered(&spec, &name_of_roster, like, each)? {
            None => write_updated(&spec, &name_of_roster, own, each)?,
            written => written,
        }
    };
    if written.is_none() {
        let why = match rows {
            _ if !restored.is_empty() && (rows.is_some() || !spec.is_readable()) => {
                Some(Code::WhyRestored)
            }
            _ if !spec.is_readable() => Some(Code::WhyUnreadable),
            Some(_) => Some(Code::WhyNotChanged),
            None => None,
        };
        if let Some(why) = why {
            return Err(refuse(why).into());
        }
    }
    if let Some(roster) = &written {
        settings.roster = of_our_own(&settings.roster, roster.clone());
        // An empty cell means no change, because the roster may list records only.
        settings.roster.check.empty = EmptyCell::Keep;
        let key = spec.key_field();
        settings.roster.key = key.map(|key| spec.fields[key].name().to_owned());
        settings.inbox = None;
        settings.dropped_as = None;
        let delivery = &mut settings.delivery;
        delivery.selection = Selection::default();
        delivery.paths = ResultPaths::beside(roster);
        paths.replace(&mut delivery.paths)?;
        delivery.all = false;
        delivery.no_undo = false;
        delivery.canary = None;
        delivery.undoes = Some(name.to_owned());
        delivery.undo_rows = rows.cloned();
        delivery.retries = None;
        delivery.approved = None;
        delivery.decided.clear();
        delivery.guards = Guards {
            max_invalid: Threshold::Percent(100.0),
            ..Guards::default()
        };
    }
    let could_go_on = matches!(
        record.state,
        RunState::Planning | RunState::Running | RunState::Interrupted
    );
    let is_open = written.is_none() && could_go_on && damaged.is_empty();
    Ok(Undone {
        settings: written.map(|_| settings),
        open: is_open.then_some(record.id),
        damaged,
        _held: held,
        _roster: roster,
    })
}

/// Writes a roster with the values delivered by earlier runs to the updated records, for targets that cannot
/// be read. A cell is empty if no earlier value is known. Returns `None` if none is known at all.
fn write_earlier(
    journal: &Journal,
    run: i64,
    is_meant: &dyn Fn(u64) -> bool,
    spec: &TargetSpec,
    path: &Path,
    like: Like<'_>,
) -> Result<Option<PathBuf>, AppError> {
    let deliveries = Deliveries::of(journal, run)?;
    let mut is_known = false;
    journal.each_call::<AppError>(run, |call, state| {
        if state.is_some_and(RowState::may_have_changed)
            && is_meant(call.at.row)
            && let Some(delivered) = deliveries.to(journal, spec, &call.path)?
        {
            is_known |= !delivered.changes.is_empty() || !delivered.changed_since.is_empty();
        }
        Ok(!is_known)
    })?;
    if !is_known {
        return Ok(None);
    }
    let each = |each: &mut dyn FnMut(Call) -> Result<bool, ReportError>| {
        journal.each_call::<ReportError>(run, |mut call, state| {
            let was_sent = state.is_some_and(RowState::may_have_changed);
            if !was_sent || !is_meant(call.at.row) {
                return Ok(true);
            }
            let Some(delivered) = deliveries.to(journal, spec, &call.path)? else {
                return Ok(true);
            };
            let unknown = delivered.unknown.into_iter().map(|field| Change {
                field,
                from: None,
                to: Json::Null,
            });
            // Fields that every update requires need a column, except path parameters, which the key covers.
            let in_body = |field: &&FieldSpec| field.required && field.place == Place::Body;
            let needed = spec.fields.iter().filter(in_body);
            let needed = needed.filter_map(|field| {
                let value = field.pointer.get(&delivered.record).ok()??.into_owned();
                Some(Change {
                    field: field.name().to_owned(),
                    from: Some(value.clone()),
                    to: value,
                })
            });
            let needed: Vec<Change> = needed.collect();
            call.changes = delivered.changes;
            call.changes.extend(delivered.changed_since);
            call.changes.extend(unknown);
            call.changes.extend(needed);
            each(call)
        })
    };
    Ok(write_delivered(spec, path, like, each)?)
}

/// Returns why a run in `state` cannot be undone, or `None` if it can. `is_queued` means that workers process
/// it, `is_under_way` that a process is executing it.
fn why_not(state: RunState, is_queued: bool, is_under_way: bool) -> Option<Code> {
    match state {
        // An undone run can be undone again to restore the remaining values.
        RunState::Finished | RunState::Replaced | RunState::Undone => None,
        RunState::Held => Some(Code::WhyIsHeld),
        RunState::Declined => Some(Code::WhyDeclined),
        // A queued run is continued by workers.
        RunState::Running | RunState::Planning if is_queued => Some(Code::WhyIsRunning),
        RunState::Interrupted | RunState::Running | RunState::Planning => {
            is_under_way.then_some(Code::WhyIsRunning)
        }
    }
}

/// Returns a path beside the roster with the suffix `.undo.csv`.
fn beside(roster: &Path) -> PathBuf {
    if roster == Path::new("-") {
        return "stdin.undo.csv".into();
    }
    let stem = roster.file_stem().unwrap_or_default().to_string_lossy();
    roster.with_file_name(format!("{stem}.undo.csv"))
}

#[cfg(test)]
mod tests;
