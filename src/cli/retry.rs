use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::args::RetryArgs;
use super::assemble::{Asked, Assembled, assemble_with};
use super::config::Config;
use super::job::hold;
use super::opening::Opening;
use super::options::{GeneralOptions, RosterOptions};
use super::{Usage, import, settings};
use crate::journal::{Journal, RunRecord, RunState};
use crate::model::{Exit, RowState};
use crate::plan::{Selection, Threshold};
use crate::report::ResultPaths;
use crate::run::{Retries, RunError, Settings, find_runs, prepare};

/// `rosterpatch retry RESULTS` and `rosterpatch retry --run RUN`.
pub(super) fn run(common: &GeneralOptions, args: &RetryArgs) -> Result<Exit> {
    let opening = Opening::of(common)?;
    let mut config = opening.config.clone();
    let only = states(&args.only)?;
    let mut assembled = match (&args.file, &args.run) {
        (Some(results), _) => of_file(common, &opening, &mut config, args, results, only)?,
        (None, Some(run)) => of_run(common, &opening, &mut config, args, run, only)?,
        (None, None) => return Err(Usage("retry which file, or which --run?".into()).into()),
    };
    let fresh = args.start.fresh;
    let start = import::start(&opening.state, &mut assembled, fresh, "retry", &args.files)?;
    let agreed = args.start.yes || args.place.sandbox;
    let job = opening.job(&config, assembled.credentials.clone(), agreed);
    job.run(
        &assembled.prepared,
        &assembled.settings,
        start,
        args.output.format,
    )
}

/// The states that `--only` names.
fn states(words: &[String]) -> Result<Vec<RowState>> {
    let known = [
        RowState::Invalid,
        RowState::Rejected,
        RowState::Failed,
        RowState::NotSent,
    ];
    words
        .iter()
        .map(|word| {
            let state = word
                .trim()
                .parse()
                .ok()
                .filter(|state| known.contains(state));
            state.ok_or_else(|| {
                Usage(format!(
                    "--only takes invalid, rejected, failed and not_sent, not \"{word}\""
                ))
                .into()
            })
        })
        .collect()
}

/// Settings of a run, with what the command line says otherwise.
fn as_before(config: &Config, args: &RetryArgs, record: &RunRecord) -> Result<Settings> {
    let mut run_settings = Settings::of(record)?;
    let spec = run_settings.spec()?;
    let connection = config.fill(&args.connection);
    let delivery = &mut run_settings.delivery;
    let said = &args.quota;
    if said.rate.is_some() || said.share.is_some() || said.burst.is_some() {
        let quota = config.fill(said);
        delivery.pace = settings::pace(&quota, settings::own_quota(&spec))?;
    }
    delivery.sender = settings::sender(&connection);
    delivery.client.timeout = connection.timeout().0.length;
    if args.connection.ca_cert.is_some() {
        delivery.client.ca_certificates = settings::ca_certificates(&connection)?;
    }
    if let Some(time) = &args.connection.trust_for {
        delivery.trust_for = time.length;
    }
    delivery.all = connection.all;
    delivery.blind |= args.place.blind;
    delivery.canary = args.canary.canary.map(u64::from);
    delivery.guards = settings::guards(&config.fill(&args.guards));
    run_settings.roster.sparse = !delivery.blind;
    run_settings.roster.check.strict |= args.roster.strict.unwrap_or(false);
    if args.guards.max_invalid.is_none() {
        // Of rows that did not succeed, many may still be wrong.
        delivery.guards.max_invalid = Threshold::Percent(100.0);
    }
    Ok(run_settings)
}

fn of_file(
    common: &GeneralOptions,
    opening: &Opening,
    config: &mut Config,
    args: &RetryArgs,
    results: &Path,
    only: Vec<RowState>,
) -> Result<Assembled> {
    let (state, watch) = (&opening.state, opening.watch.as_ref());
    if results != Path::new("-") {
        // Before anything is said of what it might hold.
        std::fs::metadata(results).with_context(|| format!("cannot read {}", results.display()))?;
    }
    let options = config.fill(&args.roster);
    let asked = settings::roster(config, results, &options, opening.clock.timestamp());
    let find = |place: Option<(&str, &str)>| -> Result<Vec<RunRecord>> {
        let journal = Journal::open(state)?;
        match &args.of {
            Some(name) => {
                let run = journal.run(Some(name))?;
                if run.command == "undo" {
                    return Err(RunError::Plan(format!(
                        "the run {name} put back what another had changed, and no roster's rows are its own"
                    ))
                    .into());
                }
                let is_here = place.is_none_or(|place| place == (&*run.target, &*run.base_url));
                Ok(is_here.then_some(run).into_iter().collect())
            }
            // It is read once, and that is for later.
            None if results == Path::new("-") => Ok(Vec::new()),
            None => Ok(find_runs(
                &journal,
                results,
                &asked.read,
                &asked.map,
                place,
            )?),
        }
    };
    let mut found = find(None)?;
    let mut elsewhere =
        args.place.sandbox || args.place.base_url.is_some() || args.place.env.is_some();
    // Another value of a variable may be another address.
    elsewhere |= !args.connection.var.is_empty();
    if args.roster.target.is_some() {
        // Naming the target that the run had, maybe by the environment, is no other place.
        let (_, text) = settings::target_and_text(args.roster.target.as_deref())?;
        found.retain(|run| Settings::of(run).is_ok_and(|run| run.target == text));
        elsewhere |= found.is_empty();
    }
    let record = if elsewhere {
        None
    } else {
        the_one(found.clone())?
    };
    let Some(record) = record else {
        let known = found.first().and_then(|run| Settings::of(run).ok());
        let before = known.clone();
        let asked = Asked {
            file: results.to_owned(),
            roster: args.roster.clone(),
            selection: args.selection.clone(),
            place: args.place.clone(),
            connection: args.connection.clone(),
            quota: args.quota.clone(),
            guards: args.guards.clone(),
            canary: args.canary.clone(),
            files: args.files.clone(),
            holds: true,
            known_target: known.map(|settings| settings.target),
        };
        return assemble_with(opening, config, &asked, |target, settings| {
            if args.guards.max_invalid.is_none() {
                settings.delivery.guards.max_invalid = Threshold::Percent(100.0);
            }
            // What became of the rows elsewhere says nothing of here.
            let place = (target, &*settings.delivery.client.base_url);
            let run = the_one(find(Some(place))?)?.map(|run| run.name);
            if run.is_none() && args.of.is_none() {
                tracing::warn!(
                    "no run in the journal knows these rows, so every one of them is looked at"
                );
            }
            if let Some(before) = before {
                understand_as_before(settings, before, &args.roster);
            }
            settings.roster.check.recalls = run.is_some();
            settings.roster.map.of_results = true;
            settings.delivery.retries = Some(Retries { run, only });
            Ok(())
        });
    };
    tracing::info!(run = %record.name, "these are rows of an earlier run");
    *config = Config::of_run(common, &Settings::of(&record)?)?;
    let mut run_settings = as_before(config, args, &record)?;
    if run_settings.sandbox {
        return Err(RunError::Plan(format!(
            "these rows are of the run {}, and the sandbox that it sent to is gone; say --sandbox, or where they are to go",
            record.name
        ))
        .into());
    }
    run_settings.roster.file = results.to_owned();
    run_settings.roster.read = asked.read.clone();
    run_settings.roster.read.copy = true;
    run_settings
        .roster
        .map
        .overrides
        .extend(asked.map.overrides.clone());
    run_settings.roster.key = asked.key.clone().or(run_settings.roster.key);
    run_settings.delivery.paths = settings::paths(&args.files, results, state)?;
    run_settings.delivery.selection = settings::selection(&args.selection);
    let allowed = &mut run_settings.roster.check.allowed;
    allowed.extend(args.roster.allow.iter().cloned());
    run_settings.roster.check.recalls = true;
    run_settings.roster.map.of_results = true;
    run_settings.delivery.retries = Some(Retries {
        run: Some(record.name),
        only,
    });
    run_settings.delivery.undoes = None;
    run_settings.inbox = None;
    run_settings.dropped_as = None;
    let spec = Arc::new(run_settings.spec()?);
    settings::refuse_idle_allowances(&run_settings.roster, &spec)?;
    let credentials = settings::credentials(config, &spec)?;
    let lock = hold(state, results)?;
    let prepared = prepare(&run_settings.roster, spec, rand::random(), watch)?;
    Ok(Assembled::of(prepared, run_settings, credentials, lock))
}

/// What the columns mean and how strict the checks are stays as it was in the run that made the
/// file, wherever its rows go now, but for what the command line says.
fn understand_as_before(settings: &mut Settings, before: Settings, asked: &RosterOptions) {
    let (now, was) = (&mut settings.roster, before.roster);
    let mut overrides = was.map.overrides;
    overrides.extend(std::mem::take(&mut now.map.overrides));
    now.map.overrides = overrides;
    if asked.key.is_none() {
        now.key = was.key;
    }
    if asked.empty.is_none() {
        now.check.empty = was.check.empty;
    }
    if asked.duplicates.is_none() {
        now.duplicates = was.duplicates;
    }
    now.check.strict |= was.check.strict;
    settings.delivery.blind |= before.delivery.blind;
    now.sparse = !settings.delivery.blind;
    for (name, value) in before.delivery.variables {
        settings.delivery.variables.entry(name).or_insert(value);
    }
}

/// The only one of these runs, if there is any.
fn the_one(mut runs: Vec<RunRecord>) -> Result<Option<RunRecord>> {
    if runs.len() > 1 {
        let runs = runs.iter();
        let runs = runs.map(|run| format!("{} ({}, {})", run.name, run.target, run.base_url));
        return Err(RunError::Ambiguous {
            runs: runs.collect(),
        }
        .into());
    }
    Ok(runs.pop())
}

/// The rows of a run that failed for no fault of their own, from the file that it read.
fn of_run(
    common: &GeneralOptions,
    opening: &Opening,
    config: &mut Config,
    args: &RetryArgs,
    name: &str,
    only: Vec<RowState>,
) -> Result<Assembled> {
    let (state, watch) = (&opening.state, opening.watch.as_ref());
    let journal = Journal::open(state)?;
    let record = journal.run(Some(name))?;
    let refuse = |why: &str| RunError::Plan(format!("the run {name} cannot be tried again: {why}"));
    if !matches!(record.state, RunState::Finished) {
        return Err(refuse("it has not come to its end; `resume` goes on with it").into());
    }
    *config = Config::of_run(common, &Settings::of(&record)?)?;
    let mut run_settings = as_before(config, args, &record)?;
    run_settings.inbox = None;
    run_settings.dropped_as = None;
    run_settings.roster.check.recalls = false;
    if run_settings.sandbox {
        return Err(refuse("the sandbox that it sent to is gone").into());
    }
    let only = if only.is_empty() {
        vec![RowState::Failed, RowState::NotSent]
    } else {
        only
    };
    let rows = journal.rows_in(record.id, &only)?;
    if rows.is_empty() {
        return Err(refuse("none of its rows is in such a state").into());
    }
    let file = run_settings.roster.file.clone();
    let lock = hold(state, &file)?;
    let spec = Arc::new(run_settings.spec()?);
    let credentials = settings::credentials(config, &spec)?;
    run_settings.delivery.paths = ResultPaths::beside(&file);
    settings::replace_paths(&mut run_settings.delivery.paths, &args.files);
    let is_there = file.is_file()
        && crate::read::Input::open(&file, &run_settings.roster.read)
            .and_then(|input| Ok(input.sha256()? == record.sha256))
            .unwrap_or(false);
    if is_there {
        run_settings.delivery.selection = Selection {
            rows: rows.iter().map(|row| *row..=*row).collect(),
            limit: None,
        };
    } else {
        // The file is gone or another one; the journal knows what was to be sent.
        let path = run_settings
            .delivery
            .paths
            .results
            .with_extension("retry.csv");
        let placing = crate::report::Placing::Beside(None);
        let path = crate::report::write_rest(&journal, record.id, &spec, &rows, &path, placing)?
            .ok_or_else(|| refuse("what it was to send is not known"))?;
        run_settings.roster.file = path;
        run_settings.roster.read = crate::read::ReadOptions {
            delimiter: Some(b','),
            encoding: Some("utf-8".into()),
            ..Default::default()
        };
        run_settings.roster.map = Default::default();
        run_settings.roster.key = None;
        run_settings.roster.sparse = true;
        // An empty cell is here a field that the row did not change.
        run_settings.roster.check.empty = crate::check::EmptyCell::Keep;
        run_settings.delivery.selection = Selection::default();
    }
    run_settings.roster.read.copy = true;
    run_settings.delivery.retries = Some(Retries {
        run: Some(record.name),
        only: Vec::new(),
    });
    let prepared = prepare(&run_settings.roster, spec, rand::random(), watch)?;
    Ok(Assembled::of(prepared, run_settings, credentials, lock))
}
