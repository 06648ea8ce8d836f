use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::Ready;
use super::session::Session;
use crate::journal::{Journal, RunRecord};
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
        return Ok(Start::New(command));
    };
    // What another version of the program meant cannot be the same either.
    let earlier = Settings::of(&record).ok();
    let earlier = earlier.filter(|earlier| earlier.mean_the_same(&ready.settings));
    let Some(earlier) = earlier.filter(|_| !fresh) else {
        if !fresh {
            tracing::warn!(run = %record.name, "an interrupted run of this file had other settings; this one takes its place");
        }
        // What it had still to send is as old as its plan.
        ready.settings.replaces = Some(record.name);
        return Ok(Start::New(command));
    };
    tracing::warn!(run = %record.name, "going on with a run that was interrupted; --fresh starts anew");
    let paths = &mut ready.settings.delivery.paths;
    *paths = earlier.delivery.paths;
    named.replace(paths);
    Ok(Start::Resume(Box::new(record)))
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
/// `way` leads another command to the run: its name, and the journal where it is not the usual one.
pub fn way_on(ended: &Ended, is_played: bool, way: &str) -> Option<String> {
    let stop = ended.stop.as_ref()?;
    let on = match stop {
        Stop::Held { .. } if is_played => {
            "import the file again, with that guard set higher".to_owned()
        }
        _ if is_played => "import the file again".to_owned(),
        Stop::Held { .. } => format!("look at it and, if it is right: rosterpatch approve {way}"),
        _ => format!("go on with: rosterpatch resume {way}"),
    };
    Some(format!("{}; {}{on}", stop.for_person(), hint(stop)))
}

fn hint(stop: &Stop) -> &'static str {
    match stop {
        stop if stop.may_not_read() => {
            "if these credentials may write and not read, --blind sends without reading; else check them and "
        }
        Stop::Refused { .. } => "check the credentials in the environment and ",
        Stop::Unreachable => "check the address and the network and ",
        Stop::Failing { .. } => "find out what is wrong and ",
        Stop::Canary { .. } => "find out what the API makes of the rows and ",
        Stop::LookUp { .. } | Stop::Asked | Stop::Held { .. } => "",
    }
}
