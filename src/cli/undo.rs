use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::args::OneRunArgs;
use super::config::Config;
use super::job::hold;
use super::opening::Opening;
use super::options::GeneralOptions;
use super::{Usage, runs, settings, terminal};
use crate::journal::{Journal, RunLock, RunState};
use crate::map::MapOptions;
use crate::model::Exit;
use crate::plan::{Guards, Selection, Threshold};
use crate::read::ReadOptions;
use crate::report::{Placing, ResultPaths, write_before, write_updated};
use crate::run::{RunError, Settings, Start, prepare};

/// `rosterpatch undo RUN`.
pub(super) fn run(common: &GeneralOptions, args: &OneRunArgs) -> Result<Exit> {
    let name = &args.run;
    if !args.yes && !terminal::can_ask() {
        return Err(Usage("without a terminal to ask on, an undo needs --yes".into()).into());
    }
    let opening = Opening::of(common)?;
    let journal = Journal::open(&opening.state)?;
    let record = journal.run(Some(name))?;
    let mut run_settings = Settings::of(&record)?;
    let spec = Arc::new(run_settings.spec()?);
    let refuse = |why: &str| RunError::Plan(format!("the run {name} cannot be undone: {why}"));
    if run_settings.sandbox {
        return Err(refuse("the sandbox that it sent to is gone").into());
    }
    if run_settings.delivery.blind {
        let why = "it was sent with --blind, so what it replaced is not known";
        return Err(refuse(why).into());
    }
    if !spec.is_readable() {
        let why = "the target's records cannot be read, so what it replaced is not known";
        return Err(refuse(why).into());
    }
    // Forgotten meanwhile, it would look as if it had changed nothing.
    let is_under_way = RunLock::is_held(&opening.state, name)?;
    let _held = RunLock::share(&opening.state, name)?;
    journal.run(Some(name))?;
    match record.state {
        RunState::Finished | RunState::Interrupted | RunState::Replaced => {}
        // Its process died.
        RunState::Running | RunState::Planning if !is_under_way => {}
        state => {
            let why = format!("it is {}", state.as_str());
            return Err(refuse(&why).into());
        }
    }
    // What it replaced, as a roster of its own beside the run's; or the records at least, where there
    // was nothing before that a roster could say.
    let name_of_roster = beside(&run_settings.roster.file);
    let own = Placing::Beside(None);
    let written = match write_before(&journal, record.id, &spec, &name_of_roster, own.clone())? {
        None => write_updated(&journal, record.id, &spec, &name_of_roster, own)?,
        written => written,
    };
    let damage = runs::tell_damage(&journal, record.id)?;
    let Some(roster) = written else {
        terminal::error(&format!(
            "the run {name} changed nothing, so there is nothing to undo"
        ));
        return Ok(damage);
    };
    drop(journal);
    let config = Config::of_run(common, &run_settings)?;
    let credentials = settings::credentials(&config, &spec)?;
    let _lock = hold(&opening.state, &roster)?;
    run_settings.roster.file.clone_from(&roster);
    run_settings.roster.read = ReadOptions {
        copy: true,
        delimiter: Some(b','),
        encoding: Some("utf-8".into()),
        ..ReadOptions::default()
    };
    run_settings.roster.map = MapOptions::default();
    run_settings.roster.key = spec
        .key_field()
        .map(|key| spec.fields[key].name().to_owned());
    run_settings.roster.sparse = true;
    run_settings.inbox = None;
    run_settings.dropped_as = None;
    let delivery = &mut run_settings.delivery;
    delivery.selection = Selection::default();
    delivery.paths = ResultPaths::beside(&roster);
    settings::replace_paths(&mut delivery.paths, &args.files);
    delivery.all = false;
    delivery.canary = None;
    delivery.undoes = Some(name.clone());
    delivery.retries = None;
    delivery.guards = Guards {
        max_invalid: Threshold::Percent(100.0),
        ..Guards::default()
    };
    let prepared = prepare(
        &run_settings.roster,
        spec,
        rand::random(),
        opening.watch.as_ref(),
    )?;
    let job = opening.job(&config, credentials, args.yes);
    let start = Start::New("undo");
    let exit = job.run(&prepared, &run_settings, start, args.output.format)?;
    // A row that could not be read was not put back.
    Ok(if exit == Exit::Success { damage } else { exit })
}

/// A name beside the roster: `NAME.undo.csv`.
fn beside(roster: &Path) -> PathBuf {
    if roster == Path::new("-") {
        return "stdin.undo.csv".into();
    }
    let stem = roster.file_stem().unwrap_or_default().to_string_lossy();
    roster.with_file_name(format!("{stem}.undo.csv"))
}
