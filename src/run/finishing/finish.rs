//! Finishing writes the results, the report and the summary of a run.

use std::time::Duration;

use jiff::Timestamp;

use super::summary::summary;
use crate::events::{Observer, RunEvent};
use crate::journal::RunState;
use crate::log;
use crate::model::{Code, Fact, Held, RowState};
use crate::report::{Like, Reported, ResultsOf, Unsent, write_before, write_html, write_results};
use crate::run::active_run::{Run, stored_plan};
use crate::run::context::{BatchEnd, Ended};
use crate::run::error::RunError;
use crate::run::planning::read_policy::ReadPolicy;
use crate::run::planning::totals::{columns_of, understood};
use crate::run::prepare::Release;
use crate::run::sending::early_results::EarlyResults;
use crate::run::sending::send::Sent;
use crate::run::settings::{Settings, to_json};
use crate::send::Stop;

/// Ends a run that a guard holds.
pub fn hold(mut run: Run<'_>, why: Held) -> Result<Ended, RunError> {
    run.journal.hold(run.id, &why)?;
    finish(
        run,
        Some(Stop::Held { why }),
        RunState::Held,
        EarlyResults::default(),
    )
}

/// Finishes a run whose sending is over.
pub fn finish_sent(sent: Sent<'_>) -> Result<Ended, RunError> {
    let Sent { run, ended, early } = sent;
    let name = run.name().to_owned();
    let ended = match ended {
        Ok(stop) => finish_after(run, stop, early),
        // The outcomes until then can still be reported.
        Err(error) => {
            return match finish_after(run, Some(Stop::Asked), early) {
                Ok(ended) => Err(RunError::Broken {
                    source: Box::new(error),
                    results: ended.summary.results.unwrap_or_default(),
                }),
                Err(_) => Err(error),
            };
        }
    };
    ended.map_err(|error| match error {
        RunError::Report(_) => RunError::NotReported {
            run: name,
            source: Box::new(error),
        },
        other => other,
    })
}

/// Finishes a run as interrupted if it was stopped.
fn finish_after(run: Run<'_>, stop: Option<Stop>, early: EarlyResults) -> Result<Ended, RunError> {
    let state = match stop {
        None => RunState::Finished,
        Some(_) => RunState::Interrupted,
    };
    finish(run, stop, state, early)
}

/// Leaves the rest of a run to another batch, or ends the run.
pub fn end_batch(sent: Sent<'_>) -> Result<BatchEnd, RunError> {
    let ended = match sent.ended? {
        Some(Stop::Due { after }) => return Ok(BatchEnd::Later(after)),
        Some(Stop::Asked) => return Ok(BatchEnd::Later(Duration::ZERO)),
        stop => finish_after(sent.run, stop, EarlyResults::default())?,
    };
    Ok(BatchEnd::Ended(Box::new(ended)))
}

/// Writes the results, the report and the summary of a run, except for the parts that are done early.
pub fn finish(
    mut run: Run<'_>,
    stop: Option<Stop>,
    state: RunState,
    early: EarlyResults,
) -> Result<Ended, RunError> {
    if run.setup.batch.is_some() {
        return conclude(run, stop, state);
    }
    let (prepared, paths) = (run.setup.prepared, &run.setup.settings.delivery.paths);
    let held = match &stop {
        Some(Stop::Held { why }) => Some(why.to_string()),
        _ => None,
    };
    let of = ResultsOf {
        journal: &run.journal,
        run: run.id,
        unsent: held.as_deref().map(Unsent::Held),
        recorded: None,
        restored: (&[], ""),
    };
    let written = match early.written {
        Some(written) => written,
        None => write_results(&prepared.input, of, paths)?,
    };
    let written = written.place()?;
    // Only a stopped run has rows without an outcome.
    let accounted = if stop.is_some() {
        written.states.total()
    } else {
        run.journal.recorded(run.id, 1, u64::MAX)?
    };
    if accounted != prepared.survey.rows {
        return Err(RunError::Unaccounted {
            expected: prepared.survey.rows,
            found: accounted,
        });
    }
    if stop.is_some() {
        note_rate(&mut run)?;
    }
    let mut summary = summary(&run, written.states, stop.as_ref());
    summary.results = Some(written.results.clone());
    summary.failed_rows.clone_from(&written.failed);
    summary.new_rows.clone_from(&written.new);
    let spec = prepared.checker.spec();
    let headers = understood(spec, columns_of(prepared));
    let like = Like {
        placing: paths.placing(&paths.before),
        dialect: prepared.input.dialect(),
        headers: Some(&headers),
    };
    // Only records that were read have earlier values.
    let policy = ReadPolicy::of(prepared, &run.setup.settings.delivery);
    if policy.look_up().is_some() {
        summary.before = write_before(&run.journal, run.id, spec, &paths.before, like)?;
    }
    let placing = paths.placing(&paths.report);
    let report = write_html(
        &run.journal,
        run.id,
        &Reported {
            summary: &summary,
            lines: &written.lines,
            timeline: &written.timeline,
            classes: &written.classes,
            header: prepared.input.header(),
            why: stop.as_ref().map(Stop::for_person),
            release: run
                .setup
                .settings
                .roster
                .release
                .as_ref()
                .map(Release::in_words),
            is_played: run.setup.settings.sandbox,
            is_undo: run.setup.settings.delivery.undoes.is_some(),
            spec,
            journal_flag: &run.setup.context.journal_flag,
        },
        &paths.report,
        placing,
    )?;
    summary.report = Some(report.clone());
    let json = to_json(&summary.clone().anywhere())?;
    settle(&mut run, summary.finished_at, early.is_indexed);
    // A process that resumes the run may replace the files of this run only.
    let mut settings = run.setup.settings.clone();
    // A note was added to them while the plan was shown.
    settings.audit_log = Settings::of(&run.journal.run(Some(run.name()))?)?.audit_log;
    let paths = &mut settings.delivery.paths;
    paths.note_written(&written, &report, summary.before.as_deref());
    let mut stored = run.setup.storable(settings.clone())?;
    // Records may mark more rows as protected than the roster does. A run that is resumed needs the edits.
    if state == RunState::Finished && !stored.roster.read.mends.is_empty() {
        let withheld = run.journal.rows_in(run.id, &[RowState::Withheld])?;
        prepared.forget_edits(&mut stored.roster.read.mends, &withheld);
    }
    let has_removed = stored.roster.read.mends != settings.roster.read.mends;
    // An ended run has no such edits, even after a crash here.
    run.journal.set_settings(run.id, &stored.to_json()?)?;
    run.journal.end(run.id, state, summary.finished_at, &json)?;
    if has_removed {
        run.journal.give_room_back(false)?;
    }
    run.setup
        .tracker
        .on_event(&RunEvent::Finished(Box::new(summary.clone())));
    Ok(Ended {
        summary,
        stop,
        paths: settings.delivery.paths,
    })
}

/// Stores the current rate in the plan, for the process that resumes the run. The API may have announced it since.
fn note_rate(run: &mut Run<'_>) -> Result<(), RunError> {
    let (rate, _) = run.setup.connection.pacer.quota();
    let plan = stored_plan(&run.journal, run.id)?;
    if let Some(mut plan) = plan.filter(|plan| plan.rate != rate.to_string()) {
        plan.rate = rate.to_string();
        plan.rate_is_guess = false;
        run.journal.set_plan(run.id, &to_json(&plan)?, 0)?;
    }
    Ok(())
}

/// Records the summary of a run in batches. It writes no files: each machine can write them from the journal.
fn conclude(mut run: Run<'_>, stop: Option<Stop>, state: RunState) -> Result<Ended, RunError> {
    let rows = run.setup.prepared.survey.rows;
    let mut states = run.journal.states(run.id)?;
    if stop.is_some() {
        let open = rows.saturating_sub(states.total());
        states.add(RowState::NotSent, open);
    } else {
        let found = run.journal.recorded(run.id, 1, u64::MAX)?;
        if found != rows {
            return Err(RunError::Unaccounted {
                expected: rows,
                found,
            });
        }
    }
    let mut summary = summary(&run, states, stop.as_ref());
    if let Some(batch) = run.setup.batch {
        summary.retries += batch.retries_before;
        summary.throttled += batch.throttled_before;
    }
    let json = to_json(&summary.clone().anywhere())?;
    settle(&mut run, summary.finished_at, false);
    run.journal.end(run.id, state, summary.finished_at, &json)?;
    let event = RunEvent::Finished(Box::new(summary.clone()));
    run.setup.tracker.on_event(&event);
    Ok(Ended {
        summary,
        stop,
        paths: run.setup.settings.delivery.paths.clone(),
    })
}

/// Indexes the rows of a run for later runs. If that fails, the next run that needs the index builds it.
fn settle(run: &mut Run<'_>, at: Timestamp, is_indexed: bool) {
    if let Err(error) = run.journal.settle(run.id, at, is_indexed) {
        log::warn(&Fact::new(Code::RunNotIndexed).because_of(error.fact()));
    }
}
