use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::args::{ReportArgs, ShowArgs};
use crate::cli::config::Config;
use crate::cli::front::print_summary;
use crate::cli::options::GeneralOptions;
use crate::cli::values::Time;
use crate::cli::{settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::journal::{Journal, RunLock, RunRecord, RunState};
use crate::model::{Exit, Summary, with_causes};
use crate::read::Input;
use crate::report::{ResultPaths, count_of, write_html, write_results};
use crate::run::Settings;

/// `rosterpatch runs`: the newest first.
pub(in crate::cli) fn list(common: &GeneralOptions) -> Result<Exit> {
    let folder = settings::state_folder(&Config::load(common)?, common)?;
    let mut exit = Exit::Success;
    for run in Journal::open(&folder)?.all_runs()? {
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                terminal::error(&with_causes(&error));
                exit = Exit::CannotDo;
                continue;
            }
        };
        let counts = match summary(&run) {
            Ok(summary) => {
                let some = summary
                    .states
                    .each()
                    .into_iter()
                    .filter(|(_, count)| *count > 0);
                let some: Vec<String> = some
                    .map(|(state, count)| format!("{count} {state}"))
                    .collect();
                some.join(", ")
            }
            Err(_) => "no figures: it did not come to its end".into(),
        };
        terminal::out(&format!(
            "{:<22} {:<12} {:<11} {}: {counts}\n",
            run.name,
            state_of(&run, &folder),
            run.target,
            run.file
        ));
    }
    Ok(exit)
}

/// `rosterpatch runs prune --older-than 90d`.
pub(in crate::cli) fn prune(common: &GeneralOptions, older_than: &Time) -> Result<Exit> {
    let age = jiff::SignedDuration::try_from(older_than.length)?;
    let now = SystemClock.timestamp();
    let moment = now.checked_sub(age)?;
    let folder = settings::state_folder(&Config::load(common)?, common)?;
    let pruned = Journal::open(&folder)?.prune(&folder, moment, now)?;
    let forgotten = count_of(pruned.forgotten as u64, "run");
    terminal::out(&format!("{forgotten} forgotten\n"));
    if pruned.left > 0 {
        let left = count_of(pruned.left as u64, "run");
        terminal::out(&format!(
            "{left} left, since another process is at work on them\n"
        ));
    }
    if pruned.damaged > 0 {
        let damaged = count_of(pruned.damaged as u64, "run");
        terminal::error(&format!(
            "{damaged} left: how old a run is cannot be told from a damaged record; `rosterpatch runs` says what is damaged"
        ));
        return Ok(Exit::CannotDo);
    }
    Ok(Exit::Success)
}

/// How far a run has come: one that was under way, and that nobody holds, died.
fn state_of(run: &RunRecord, folder: &Path) -> &'static str {
    let open = matches!(run.state, RunState::Running | RunState::Planning);
    let is_held = || RunLock::is_held(folder, &run.name).unwrap_or(true);
    if open && !is_held() {
        RunState::Interrupted.as_str()
    } else {
        run.state.as_str()
    }
}

/// `rosterpatch show RUN`.
pub(in crate::cli) fn show(common: &GeneralOptions, args: &ShowArgs) -> Result<Exit> {
    let run = open(common)?.run(args.run.as_deref())?;
    print_summary(args.format, &summary(&run)?);
    Ok(Exit::Success)
}

/// `rosterpatch report RUN`: the results from the journal and the input.
pub(in crate::cli) fn report(common: &GeneralOptions, args: &ReportArgs) -> Result<Exit> {
    let journal = open(common)?;
    let run = journal.run(args.run.as_deref())?;
    if run.file == "-" {
        bail!(
            "the run {} read standard input, which is gone; its results were written when it ended",
            run.name
        );
    }
    let input = Input::open(Path::new(&run.file), &Settings::of(&run)?.roster.read)?;
    if input.sha256()? != run.sha256 {
        bail!(
            "{} has changed since the run {}, so its results cannot be put beside it; restore the old file",
            run.file,
            run.name
        );
    }
    let mut paths = ResultPaths::beside(Path::new(&run.file));
    settings::named(&args.files).replace(&mut paths);
    let written = write_results(&input, &journal, run.id, &paths)?;
    let mut summary = summary(&run)?;
    summary.states = written.states;
    summary.results = Some(written.results);
    summary.failed_rows = written.failed;
    summary.new_rows = written.new;
    summary.report = Some(write_html(
        &journal,
        run.id,
        &summary,
        &paths.report,
        paths.placing(&paths.report),
    )?);
    print_summary(args.output.format, &summary);
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
    let text = run.summary.as_deref().with_context(|| {
        format!(
            "the run {} did not come to its end, so there are no figures",
            run.name
        )
    })?;
    serde_json::from_str(text).with_context(|| {
        format!(
            "the journal's figures of the run {} cannot be read",
            run.name
        )
    })
}
