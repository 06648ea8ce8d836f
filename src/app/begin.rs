use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::Ready;
use super::session::Session;
use crate::journal::{Journal, RunRecord, RunState};
use crate::l10n::say;
use crate::log;
use crate::model::{Code, Fact, Held};
use crate::run::{Ended, RunError, Settings, Start, absolute};
use crate::send::Stop;

/// Where a run of this file begins: where an earlier one with the same settings was interrupted, or
/// at its beginning.
///
/// # Errors
/// When the journal cannot be read.
pub fn begin(
    session: &Session,
    ready: &mut Ready,
    fresh: bool,
    command: &'static str,
    named: &NamedPaths,
) -> Result<Start, AppError> {
    let unfinished = unfinished(session, ready)?.filter(|record| record.command == command);
    let Some(record) = unfinished else {
        if !fresh {
            refuse_undone(session, ready)?;
        }
        return Ok(Start::New(command));
    };
    // A copy of the file may have been imported and undone since.
    let journal = Journal::open(&session.state)?;
    if let Some(last) = last_of_content(&journal, ready)?.filter(|last| last.id > record.id)
        && last.state == RunState::Undone
        && !fresh
    {
        return Err(RunError::Undone {
            run: last.name,
            file: last.file,
        }
        .into());
    }
    // What another version of the program meant cannot be the same either.
    let earlier = Settings::of(&record).ok();
    if earlier
        .as_ref()
        .is_some_and(|earlier| earlier.queued.is_some())
    {
        // It goes on by itself.
        let file = record.file.into();
        return Err(RunError::Busy { file }.into());
    }
    let earlier = earlier.filter(|earlier| earlier.mean_the_same(&ready.settings));
    let Some(earlier) = earlier.filter(|_| !fresh) else {
        if !fresh {
            log::warn(&Fact::new(Code::RunTakesItsPlace).in_run(&record.name));
        }
        // What it had still to send is as old as its plan.
        ready.settings.replaces = Some(record.name);
        return Ok(Start::New(command));
    };
    log::warn(&Fact::new(Code::RunGoesOn).in_run(&record.name));
    // What is known of its first rows so that they can be undone is known of all, or of none.
    ready.settings.delivery.no_undo = earlier.delivery.no_undo;
    let paths = &mut ready.settings.delivery.paths;
    *paths = earlier.delivery.paths;
    named.replace(paths)?;
    Ok(Start::Resume(Box::new(record)))
}

/// Refuses rows whose last run was undone: the last run of this content, or the one that is retried. Sending
/// them again would bring back what a person put back.
///
/// # Errors
/// When that run was undone, or the journal cannot be read.
pub fn refuse_undone(session: &Session, ready: &Ready) -> Result<(), AppError> {
    let journal = Journal::open(&session.state)?;
    let delivery = &ready.settings.delivery;
    if delivery.undoes.is_some() {
        return Ok(());
    }
    let retried = delivery.retries.as_ref();
    let record = match retried.and_then(|retries| retries.run.as_deref()) {
        Some(name) => Some(journal.run(Some(name))?),
        None => last_of_content(&journal, ready)?,
    };
    match record.filter(|record| record.state == RunState::Undone) {
        None => Ok(()),
        Some(undone) => Err(RunError::Undone {
            run: undone.name,
            file: undone.file,
        }
        .into()),
    }
}

/// The newest run of this very content that came to its end, is held, or was undone.
pub(super) fn last_of_content(
    journal: &Journal,
    ready: &Ready,
) -> Result<Option<RunRecord>, AppError> {
    let prepared = &ready.prepared;
    Ok(journal.finished_before(
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &ready.settings.delivery.client.base_url,
    )?)
}

/// The run of this very file that was interrupted, if there is one.
fn unfinished(session: &Session, ready: &Ready) -> Result<Option<RunRecord>, AppError> {
    let path = ready.prepared.input.path();
    let file = absolute(path);
    let prepared = &ready.prepared;
    Ok(Journal::open(&session.state)?.unfinished(
        &file.display().to_string(),
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &ready.settings.delivery.client.base_url,
    )?)
}

/// What a person is told of a run that ended early: why, and the way on. Nothing of one that did not.
/// `way` leads another command to the run: its name, and the journal where it is not the usual one. `words` say
/// why: with the API's words at a terminal, without them in a log.
pub fn way_on(
    ended: &Ended,
    is_played: bool,
    way: &str,
    words: fn(&Stop) -> String,
) -> Option<String> {
    let stop = ended.stop.as_ref()?;
    let on = match stop {
        Stop::Held { why: Held::NoRows } => say().on_export_again(),
        Stop::Held { .. } if is_played => say().on_higher_guard(),
        _ if is_played => say().on_import_again(),
        Stop::Held { .. } => say().on_approve(way),
        // Going on with it would go to the same address by the same target, and fail again.
        Stop::LookUp { .. }
        | Stop::Unreachable {
            was_reached: false, ..
        } => say().on_again(),
        _ => say().on_resume(way),
    };
    Some(format!("{}; {}", words(stop), hint(stop, on)))
}

fn hint(stop: &Stop, on: String) -> String {
    match stop {
        stop if stop.may_not_read() => say().on_no_read(on),
        Stop::Refused { .. } => say().on_credentials(on),
        Stop::Unreachable {
            was_reached: false, ..
        } => say().on_address(on),
        Stop::Unreachable { .. } => say().on_network(on),
        Stop::Failing { .. } | Stop::LookUp { .. } => say().on_wrong(on),
        Stop::Canary { .. } => say().on_canary(on),
        Stop::Asked | Stop::Due { .. } | Stop::Held { .. } => on,
    }
}
