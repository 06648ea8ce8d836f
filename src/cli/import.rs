use std::path::Path;

use anyhow::Result;

use super::args::ImportArgs;
use super::assemble::{Asked, Assembled, assemble};
use super::opening::Opening;
use super::options::{FileOptions, Format, GeneralOptions};
use super::{Usage, settings, terminal};
use crate::journal::{Journal, RunRecord};
use crate::model::{Exit, Summary};
use crate::report::summary_text;
use crate::run::{RunError, Settings, Start, absolute};

/// `rosterpatch import FILE`.
pub(super) fn run(common: &GeneralOptions, args: &ImportArgs) -> Result<Exit> {
    let opening = Opening::of(common)?;
    if args.dry_run {
        let file = args.file.display();
        return Err(Usage(format!(
            "`rosterpatch plan {file}` says what an import would send, and sends nothing"
        ))
        .into());
    }
    let asked = Asked {
        file: args.file.clone(),
        roster: args.roster.clone(),
        selection: args.selection.clone(),
        place: args.place.clone(),
        connection: args.connection.clone(),
        quota: args.quota.clone(),
        guards: args.guards.clone(),
        canary: args.canary.clone(),
        files: args.files.clone(),
        holds: true,
        known_target: None,
    };
    let mut assembled = assemble(&opening, &opening.config, &asked)?;
    let fresh = args.start.fresh;
    let start = start(&opening.state, &mut assembled, fresh, "import", &args.files)?;
    let agreed = args.start.yes || args.place.sandbox;
    let job = opening.job(&opening.config, assembled.credentials.clone(), agreed);
    job.run(
        &assembled.prepared,
        &assembled.settings,
        start,
        args.output.format,
    )
}

/// Where a run of this file begins: where an earlier one with the same settings was interrupted, or
/// at its beginning.
pub(super) fn start(
    state: &Path,
    assembled: &mut Assembled,
    fresh: bool,
    command: &'static str,
    files: &FileOptions,
) -> Result<Start> {
    let unfinished = unfinished(state, assembled)?.filter(|record| record.command == command);
    let Some(record) = unfinished else {
        return Ok(Start::New(command));
    };
    // What another version of the program meant cannot be the same either.
    let earlier = Settings::of(&record).ok();
    let earlier = earlier.filter(|earlier| earlier.mean_the_same(&assembled.settings));
    let Some(earlier) = earlier.filter(|_| !fresh) else {
        if !fresh {
            tracing::warn!(run = %record.name, "an interrupted run of this file had other settings; this one takes its place");
        }
        // What it had still to send is as old as its plan.
        assembled.settings.replaces = Some(record.name);
        return Ok(Start::New(command));
    };
    tracing::warn!(run = %record.name, "going on with a run that was interrupted; --fresh starts anew");
    let paths = &mut assembled.settings.delivery.paths;
    *paths = earlier.delivery.paths;
    settings::replace_paths(paths, files);
    Ok(Start::Resume(Box::new(record)))
}

/// The run of this very file that was interrupted, if there is one.
fn unfinished(state: &Path, assembled: &Assembled) -> Result<Option<RunRecord>> {
    let path = assembled.prepared.input.path();
    let file = absolute(path);
    let prepared = &assembled.prepared;
    Ok(Journal::open(state)?.unfinished(
        &file.display().to_string(),
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &assembled.settings.delivery.client.base_url,
    )?)
}

/// The run's figures on standard output.
pub(super) fn print_summary(format: Format, summary: &Summary) {
    match format {
        Format::Text => terminal::out(&summary_text(summary)),
        Format::Json => {
            let json = serde_json::to_string_pretty(summary).unwrap_or_default();
            terminal::out(&format!("{json}\n"));
        }
    }
}
