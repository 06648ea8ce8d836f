//! The `runs`, `show` and `report` commands, which read past runs from the journal.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::app::{
    AppError, ListedRun, Next, UnsuccessfulRow, arrived_within, at_hand, expire, forget_dropped,
    forget_mends, forget_spool, inboxes_of, is_rehearsal, listed, report_again, unsuccessful,
};
use crate::cli::args::{ReportArgs, RunsArgs, ShowArgs};
use crate::cli::config::Config;
use crate::cli::front::{print_json, print_summary};
use crate::cli::options::GeneralOptions;
use crate::cli::values::{Format, Time};
use crate::cli::{settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::fleet::{QueueEntry, place_of};
use crate::journal::{Journal, JournalError, RunRecord, RunState, State};
use crate::l10n::{files, local_time, number, runs, say};
use crate::model::{Code, Exit, Fact, Held, Standing, with_causes};
use crate::report::{ResultPaths, for_terminal, summary_text};
use crate::run::Settings;

/// Runs `rosterpatch runs`, which lists the newest first.
pub(in crate::cli) fn list(common: &GeneralOptions, args: &RunsArgs) -> Result<Exit> {
    let state = settings::state(&Config::load(common)?, common)?;
    let journal = Journal::open(&state)?;
    if let Some(since) = &args.since {
        return list_files(&journal, &state, since, args.format);
    }
    let mut exit = Exit::Success;
    let mut rows = Vec::new();
    let runs = journal.all_runs()?;
    let is_shown = |run: &Result<RunRecord, JournalError>| {
        args.rehearsals || run.as_ref().map_or(true, |run| !is_rehearsal(run))
    };
    let is_empty = runs.is_empty();
    for run in runs.into_iter().filter(is_shown).take(args.limit) {
        match run.map_err(anyhow::Error::from).and_then(|run| {
            let row = listed(&journal, &run, &state)?;
            Ok((run, row))
        }) {
            Ok(run) => rows.push(run),
            Err(error) => {
                terminal::error(
                    &with_causes(error.as_ref()),
                    &Fact::new(Code::JournalDamagedRun),
                );
                exit = Exit::CannotDo;
            }
        }
    }
    match args.format {
        Format::Json => {
            let rows: Vec<&ListedRun> = rows.iter().map(|(_, row)| row).collect();
            print_json(&rows, true);
        }
        Format::Text if rows.is_empty() && exit == Exit::Success => {
            let none = match is_empty {
                true => say().runs_none(),
                false => say().runs_only_rehearsals(),
            };
            terminal::note(&none);
        }
        Format::Text => terminal::out(&table(&rows)),
    }
    Ok(exit)
}

/// Runs `rosterpatch runs --since 1d`, which lists the files that arrived, with a command for each that
/// requires action.
fn list_files(journal: &Journal, state: &State, since: &Time, format: Format) -> Result<Exit> {
    let age = jiff::SignedDuration::try_from(since.length)?;
    let files = arrived_within(journal, state, age)?;
    if format == Format::Json {
        print_json(&files, true);
        return Ok(Exit::Success);
    }
    if files.is_empty() {
        terminal::note(&say().runs_no_files());
    }
    for file in &files {
        terminal::line(&say().runs_arrived(
            local_time(file.arrived_at),
            file.name.as_str(),
            file.fate.in_words(),
            file.file.as_str(),
        ));
        if let Some(why) = &file.why {
            terminal::line(&format!("    {}", why.in_words()));
        }
        let flag = settings::journal_flag_for_others(state);
        let command = file.next.as_ref().map(|next| match next {
            // `show` lists what has to be decided before the approval.
            Next::Approve(run) if file.why.as_ref().is_some_and(Fact::asks_a_person) => {
                format!("rosterpatch show {run}{flag}")
            }
            Next::Approve(run) => format!("rosterpatch approve {run}{flag}"),
            Next::Retry(path) => {
                let path = crate::model::in_quotes(&path.display().to_string());
                format!("rosterpatch retry {path}{flag}")
            }
        });
        if let Some(command) = command {
            terminal::line(&format!("    {}", settings::as_owner(state, &command)));
        }
    }
    Ok(Exit::Success)
}

/// Formats the runs as lines below a header.
fn table(runs: &[(RunRecord, ListedRun)]) -> String {
    let line = |cells: [&str; 7]| {
        let [run, started, state, rows, to_mend, account, file] = cells;
        format!(
            "{run:<22} {started:<16} {state:<12} {rows:>7} {to_mend:>9}  {account:<10} {file}\n"
        )
    };
    let mut text = line([
        &say().runs_run(),
        &say().runs_started(),
        &say().runs_state(),
        &say().runs_rows(),
        &say().runs_to_mend(),
        &say().runs_account(),
        &say().runs_file(),
    ]);
    for (run, listed) in runs {
        let states = &listed.summary.states;
        let file = match &listed.undoes {
            Some(undone) => say().summary_undoes(undone.as_str()),
            None => {
                let name = Path::new(&run.file).file_name();
                let name = name.map_or(run.file.clone().into(), |name| name.to_string_lossy());
                match listed.rehearsal {
                    true => format!("{name} ({}, {})", run.target, say().runs_rehearsal()),
                    false => format!("{name} ({})", run.target),
                }
            }
        };
        text.push_str(&line([
            &run.name,
            &local_time(run.started_at),
            &listed.state_in_words(),
            &number(states.total()),
            &number(states.unsuccessful()),
            &for_terminal(listed.account()),
            &file,
        ]));
    }
    text
}

/// Runs `rosterpatch runs prune --older-than 90d`.
pub(in crate::cli) fn prune(common: &GeneralOptions, older_than: Option<&Time>) -> Result<Exit> {
    let now = SystemClock.timestamp();
    let config = Config::load(common)?;
    let state = settings::state(&config, common)?;
    let retention = settings::retention(&config);
    if retention.is_limited() {
        let expired = expire(&state, &inboxes_of(&state)?, retention, now)?;
        terminal::line(&say().runs_expired(files(expired.files), runs(expired.runs)));
    }
    let Some(older_than) = older_than else {
        if !retention.is_limited() {
            return Err(AppError::Usage(say().runs_no_age()).into());
        }
        return Ok(Exit::Success);
    };
    let age = jiff::SignedDuration::try_from(older_than.length)?;
    let moment = now.checked_sub(age)?;
    let pruned = Journal::open(&state)?.prune(&state, moment, now)?;
    Journal::open(&state)?.forget_arrivals(moment)?;
    forget_dropped(&state)?;
    forget_spool(&state)?;
    forget_mends(state.folder(), moment)?;
    terminal::line(&say().runs_forgotten(runs(pruned.forgotten as u64)));
    if pruned.left > 0 {
        terminal::line(&say().runs_left(pruned.left as u64, runs(pruned.left as u64)));
    }
    if pruned.damaged > 0 {
        let fact = Fact::new(Code::JournalDamaged).with_count(pruned.damaged as u64);
        terminal::error(&say().runs_damaged(runs(pruned.damaged as u64)), &fact);
        return Ok(Exit::CannotDo);
    }
    Ok(Exit::Success)
}

/// The JSON output of `show`: a run, its position in the shared queue, and its unsuccessful rows.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    listed: ListedRun,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<QueueEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unsuccessful: Vec<UnsuccessfulRow>,
}

/// Runs `rosterpatch show RUN`.
pub(in crate::cli) fn show(common: &GeneralOptions, args: &ShowArgs) -> Result<Exit> {
    let place = settings::state(&Config::load(common)?, common)?;
    let journal = Journal::open(&place)?;
    let run = journal.run(args.run.as_deref())?;
    let mut listed = listed(&journal, &run, &place)?;
    let queued = place_of(&place, &run, &mut listed)?;
    match args.format {
        Format::Json => {
            let shown = Shown {
                listed,
                queued,
                unsuccessful: unsuccessful(&journal, run.id)?,
            };
            print_json(&shown, true);
        }
        Format::Text => {
            let state = listed.state;
            let words = match listed.rehearsal {
                true => format!("{} ({})", listed.state_in_words(), say().runs_rehearsal()),
                false => listed.state_in_words(),
            };
            let mut more = vec![(say().summary_state(), words)];
            if let Some(stop) = &listed.summary.stop {
                more.push((say().summary_stopped(), stop.message.to_string()));
            }
            if let Some(entry) = &queued {
                more.push((say().summary_queue(), entry.in_words()));
            }
            if state == RunState::Interrupted {
                more.push((say().summary_progress(), how_far(&journal, &run, &listed)?));
            }
            if let Some(finish) = listed.summary.estimated_finish {
                more.push((say().summary_ready(), local_time(finish)));
            }
            terminal::out(&summary_text(
                &listed.summary,
                listed.undoes.is_some(),
                &more,
                terminal::look(common),
            ));
            if let Some(undone) = &listed.undoes {
                terminal::line(&say().summary_undoes(undone.as_str()));
            }
            if !listed.undone_by.is_empty() {
                terminal::line(&say().summary_undone_by(listed.undone_by.join(", ")));
            }
            for entry in &listed.audit_log {
                terminal::line(&for_terminal(&entry.in_words()));
            }
            if let Some(release) = &listed.release {
                terminal::line(&for_terminal(&release.in_words()));
            }
            let way = settings::way_to(&run.name, &place);
            let is_played = Settings::of(&run).is_ok_and(|settings| settings.sandbox);
            let on = match state {
                RunState::Held if is_played => Some(say().on_higher_guard()),
                RunState::Interrupted if is_played => Some(say().on_import_again()),
                RunState::Held => {
                    let held = listed.summary.held_by.as_ref();
                    Some(match (held.and_then(Held::rows_to_approve), held) {
                        (Some(rows), _) => say().on_approve_rows(way, rows),
                        (None, Some(Held::Conflicts { .. })) => say().on_approve_conflicts(way),
                        (None, _) => say().summary_release(way),
                    })
                }
                RunState::Interrupted => Some(say().on_resume(way)),
                _ => None,
            };
            if let Some(on) = on {
                terminal::line(&on);
            }
        }
    }
    Ok(Exit::Success)
}

/// Describes the progress of an interrupted run.
fn how_far(journal: &Journal, run: &RunRecord, listed: &ListedRun) -> Result<String> {
    let (summary, states) = (&listed.summary, &listed.summary.states);
    let at = local_time(summary.finished_at);
    Ok(match journal.plan(run.id)?.0 {
        Some(_) => {
            let done = states.total() - states.of(Standing::Open);
            say().summary_came_to(number(done), crate::l10n::rows(summary.rows), at)
        }
        None => say().summary_planning(at),
    })
}

/// Runs `rosterpatch report RUN`, which rebuilds the results from the journal and the input.
pub(in crate::cli) fn report(common: &GeneralOptions, args: &ReportArgs) -> Result<Exit> {
    let place = settings::state(&Config::load(common)?, common)?;
    let journal = Journal::open(&place)?;
    let run = journal.run(args.run.as_deref())?;
    if run.file == "-" {
        bail!(say().runs_stdin_gone(run.name));
    }
    let mut run_settings = Settings::of(&run)?;
    run_settings.roster.file = run.file.clone().into();
    let from = at_hand(&place, &run, &mut run_settings)?;
    let named = from.as_deref().and_then(Path::file_name).map(Path::new);
    let mut paths = ResultPaths::beside(named.unwrap_or(Path::new(&run.file)));
    paths.outcome_first = settings::is_outcome_first(&Config::load(common)?, &args.layout);
    settings::named(&args.files).replace(&mut paths)?;
    let flag = settings::journal_flag(&place);
    let summary = report_again(&journal, &run, &run_settings, &paths, &flag)?;
    let is_undo = run_settings.delivery.undoes.is_some();
    print_summary(
        args.output.format,
        &summary,
        is_undo,
        terminal::look(common),
    );
    tell_damage(&journal, run.id)
}

/// Prints damaged journal records of a run's rows. With any, the exit code is that of a failure.
fn tell_damage(journal: &Journal, run: i64) -> Result<Exit> {
    let mut exit = Exit::Success;
    for damage in journal.damaged(run)? {
        terminal::error(&damage.to_string(), &damage.fact());
        exit = Exit::CannotDo;
    }
    Ok(exit)
}
