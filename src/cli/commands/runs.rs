use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Serialize, Serializer};

use crate::cli::args::{ReportArgs, RunsArgs, ShowArgs};
use crate::cli::config::Config;
use crate::cli::front::{print_json, print_summary};
use crate::cli::options::{Format, GeneralOptions};
use crate::cli::values::Time;
use crate::cli::{settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Plan;
use crate::journal::{Journal, RunLock, RunRecord, RunState};
use crate::l10n::{local_time, number, runs, say};
use crate::model::{Exit, RowState, Summary, with_causes};
use crate::read::Input;
use crate::report::{Reported, ResultPaths, summary_text, write_html, write_results};
use crate::run::Settings;

/// A run in a list: its figures, how far it has come, and what it put back if it is an undo.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    summary: Summary,
    #[serde(serialize_with = "as_word")]
    state: RunState,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<String>,
}

fn as_word<S: Serializer>(state: &RunState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

/// `rosterpatch runs`: the newest first.
pub(in crate::cli) fn list(common: &GeneralOptions, args: &RunsArgs) -> Result<Exit> {
    let folder = settings::state_folder(&Config::load(common)?, common)?;
    let journal = Journal::open(&folder)?;
    let mut exit = Exit::Success;
    let mut listed = Vec::new();
    for run in journal.all_runs()?.into_iter().take(args.limit) {
        match run.map_err(anyhow::Error::from).and_then(|run| {
            let row = listed_run(&journal, &run, &folder)?;
            Ok((run, row))
        }) {
            Ok(run) => listed.push(run),
            Err(error) => {
                terminal::error(&with_causes(error.as_ref()));
                exit = Exit::CannotDo;
            }
        }
    }
    match args.format {
        Format::Json => {
            let rows: Vec<&Listed> = listed.iter().map(|(_, row)| row).collect();
            print_json(&rows, true);
        }
        Format::Text if listed.is_empty() && exit == Exit::Success => {
            terminal::note(&say().runs_none());
        }
        Format::Text => terminal::out(&table(&listed)),
    }
    Ok(exit)
}

/// Everything that is shown of a run.
fn listed_run(journal: &Journal, run: &RunRecord, folder: &Path) -> Result<Listed> {
    let state = state_of(run, folder);
    let mut summary = match &run.summary {
        Some(_) => summary(run)?,
        None => of_a_dead_run(journal, run)?,
    };
    // What it had come to when it stopped the last time is older than what its rows say.
    if matches!(state, RunState::Running | RunState::Interrupted) {
        summary.states = journal.states(run.id)?;
        let open = summary.rows.saturating_sub(summary.states.total());
        summary.states.add(RowState::NotSent, open);
    }
    let undoes = Settings::of(run)
        .ok()
        .and_then(|settings| settings.delivery.undoes);
    Ok(Listed {
        summary,
        state,
        undoes,
    })
}

/// What is known of a run that came to no figures of its own: its process died.
fn of_a_dead_run(journal: &Journal, run: &RunRecord) -> Result<Summary> {
    let plan = journal.plan(run.id)?.0;
    let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
    let states = journal.states(run.id)?;
    let ended = run.finished_at.unwrap_or(run.started_at);
    let file = (String::new(), 0);
    let times = (run.started_at, ended);
    let summary = Summary::of_no_run(
        &run.target,
        run.file.clone(),
        file,
        &run.sha256,
        states,
        times,
    );
    Ok(Summary {
        run: run.name.clone(),
        base_url: run.base_url.clone(),
        rows: plan.map_or(states.total(), |plan| plan.rows),
        exit_code: Exit::Interrupted,
        ..summary
    })
}

/// The runs as lines below a header.
fn table(runs: &[(RunRecord, Listed)]) -> String {
    let line = |cells: [&str; 6]| {
        let [run, started, state, rows, to_mend, file] = cells;
        format!("{run:<22} {started:<16} {state:<11} {rows:>7} {to_mend:>9}  {file}\n")
    };
    let mut text = line([
        &say().runs_run(),
        &say().runs_started(),
        &say().runs_state(),
        &say().runs_rows(),
        &say().runs_to_mend(),
        &say().runs_file(),
    ]);
    for (run, listed) in runs {
        let states = &listed.summary.states;
        let file = match &listed.undoes {
            Some(undone) => say().summary_undoes(undone.as_str()),
            None => {
                let name = Path::new(&run.file).file_name();
                let name = name.map_or(run.file.clone().into(), |name| name.to_string_lossy());
                format!("{name} ({})", run.target)
            }
        };
        text.push_str(&line([
            &run.name,
            &local_time(run.started_at),
            &listed.state.in_words(),
            &number(states.total()),
            &number(states.unsuccessful()),
            &file,
        ]));
    }
    text
}

/// `rosterpatch runs prune --older-than 90d`.
pub(in crate::cli) fn prune(common: &GeneralOptions, older_than: &Time) -> Result<Exit> {
    let age = jiff::SignedDuration::try_from(older_than.length)?;
    let now = SystemClock.timestamp();
    let moment = now.checked_sub(age)?;
    let folder = settings::state_folder(&Config::load(common)?, common)?;
    let pruned = Journal::open(&folder)?.prune(&folder, moment, now)?;
    let forgotten = say().runs_forgotten(runs(pruned.forgotten as u64));
    terminal::out(&format!("{forgotten}\n"));
    if pruned.left > 0 {
        let left = say().runs_left(pruned.left as u64, runs(pruned.left as u64));
        terminal::out(&format!("{left}\n"));
    }
    if pruned.damaged > 0 {
        terminal::error(&say().runs_damaged(runs(pruned.damaged as u64)));
        return Ok(Exit::CannotDo);
    }
    Ok(Exit::Success)
}

/// How far a run has come: one that was under way, and that nobody holds, died.
fn state_of(run: &RunRecord, folder: &Path) -> RunState {
    let open = matches!(run.state, RunState::Running | RunState::Planning);
    let is_held = || RunLock::is_held(folder, &run.name).unwrap_or(true);
    if open && !is_held() {
        RunState::Interrupted
    } else {
        run.state
    }
}

/// `rosterpatch show RUN`.
pub(in crate::cli) fn show(common: &GeneralOptions, args: &ShowArgs) -> Result<Exit> {
    let folder = settings::state_folder(&Config::load(common)?, common)?;
    let journal = Journal::open(&folder)?;
    let run = journal.run(args.run.as_deref())?;
    let listed = listed_run(&journal, &run, &folder)?;
    match args.format {
        Format::Json => print_json(&listed, true),
        Format::Text if run.summary.is_none() => bail!(say().runs_no_figures(run.name)),
        Format::Text => {
            let state = listed.state;
            let more = [(say().summary_state(), state.in_words())];
            terminal::out(&summary_text(
                &listed.summary,
                &more,
                terminal::look(common),
            ));
            if let Some(undone) = &listed.undoes {
                terminal::out(&format!("{}\n", say().summary_undoes(undone.as_str())));
            }
            let way = settings::way_to(&run.name, &folder);
            let is_played = Settings::of(&run).is_ok_and(|settings| settings.sandbox);
            let on = match state {
                RunState::Held if is_played => Some(say().on_higher_guard()),
                RunState::Interrupted if is_played => Some(say().on_import_again()),
                RunState::Held => Some(say().summary_release(way)),
                RunState::Interrupted => Some(say().on_resume(way)),
                _ => None,
            };
            if let Some(on) = on {
                terminal::out(&format!("{on}\n"));
            }
        }
    }
    Ok(Exit::Success)
}

/// `rosterpatch report RUN`: the results from the journal and the input.
pub(in crate::cli) fn report(common: &GeneralOptions, args: &ReportArgs) -> Result<Exit> {
    let journal = open(common)?;
    let run = journal.run(args.run.as_deref())?;
    if run.file == "-" {
        bail!(say().runs_stdin_gone(run.name));
    }
    let input = Input::open(Path::new(&run.file), &Settings::of(&run)?.roster.read)?;
    if input.sha256()? != run.sha256 {
        bail!(say().runs_file_changed(run.file, run.name));
    }
    let mut paths = ResultPaths::beside(Path::new(&run.file));
    paths.outcome_first = settings::is_outcome_first(&Config::load(common)?, &args.layout);
    settings::named(&args.files).replace(&mut paths);
    let mut summary = summary(&run)?;
    let written = write_results(&input, &journal, run.id, &paths, summary.held.as_deref())?;
    let lines = written.lines;
    summary.states = written.states;
    summary.results = Some(written.results);
    summary.failed_rows = written.failed;
    summary.new_rows = written.new;
    summary.report = Some(write_html(
        &journal,
        run.id,
        &Reported {
            summary: &summary,
            lines: &lines,
            header: input.header(),
            why: None,
            is_played: Settings::of(&run)?.sandbox,
            journal_flag: &settings::journal_flag(&settings::state_folder(
                &Config::load(common)?,
                common,
            )?),
        },
        &paths.report,
        paths.placing(&paths.report),
    )?);
    print_summary(args.output.format, &summary, terminal::look(common));
    tell_damage(&journal, run.id)
}

/// Says what is damaged of what the journal holds of a run's rows. It could not be done in full where
/// anything is.
fn tell_damage(journal: &Journal, run: i64) -> Result<Exit> {
    let mut exit = Exit::Success;
    for damage in journal.damaged(run)? {
        terminal::error(&damage.to_string());
        exit = Exit::CannotDo;
    }
    Ok(exit)
}

fn open(common: &GeneralOptions) -> Result<Journal> {
    let folder = settings::state_folder(&Config::load(common)?, common)?;
    Ok(Journal::open(&folder)?)
}

fn summary(run: &RunRecord) -> Result<Summary> {
    let text = run.summary.as_deref();
    let text = text.with_context(|| say().runs_no_figures(run.name.as_str()))?;
    serde_json::from_str(text).with_context(|| say().runs_unreadable(run.name.as_str()))
}
