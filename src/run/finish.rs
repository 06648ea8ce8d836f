//! Finishing writes the results and the summary of a run.

use super::context::Ended;
use super::error::RunError;
use super::planned::{columns_of, understood};
use super::prepare::Release;
use super::reading::Reading;
use super::settings::{Settings, to_json};
use super::under_way::{Run, Setup};
use crate::events::{Observer, Plan, RunEvent};
use crate::journal::{Journal, Recorded, RunState, State, Writer};
use crate::log;
use crate::model::{Code, Fact, Held, RowState};
use crate::read::Input;
use crate::report::{
    Like, Reported, ResultPaths, ResultsOf, UnplacedResults, write_before, write_html,
    write_results,
};
use crate::send::Stop;

/// Rows of a run that are indexed while it sends: so few that no outcome waits for long.
const FEW: u64 = 50_000;

/// What is done of a run's end while it still sends.
#[derive(Default)]
pub(super) struct DoneMeanwhile {
    /// The results: each row as soon as it was known its outcome.
    written: Option<UnplacedResults>,
    /// Whether there is what later runs search its rows by.
    is_indexed: bool,
}

/// A run whose end is prepared while it sends.
pub(super) struct Meanwhile<'a> {
    run: i64,
    rows: u64,
    input: &'a Input,
    state: &'a State,
    paths: &'a ResultPaths,
    recorded: Recorded,
}

impl<'a> Meanwhile<'a> {
    /// A run whose outcomes `writer` records; none where its results must wait for its end.
    pub(super) fn of(setup: &Setup<'a>, run: i64, writer: &Writer) -> Option<Meanwhile<'a>> {
        let paths = &setup.settings.delivery.paths;
        let may_begin = setup.slice.is_none() && paths.may_take_long();
        may_begin.then(|| Meanwhile {
            run,
            rows: setup.prepared.survey.rows,
            input: &setup.prepared.input,
            state: &setup.context.state,
            paths,
            recorded: writer.recorded(),
        })
    }

    /// Does what can be done, and returns once the run sends no more. What fails is tried again then.
    pub(super) fn work(&self) -> DoneMeanwhile {
        let mut done = DoneMeanwhile::default();
        if let Err(error) = self.work_into(&mut done) {
            log::debug(&Fact::new(Code::RunResultsLater).because_of(error.fact()));
        }
        done
    }

    fn work_into(&self, done: &mut DoneMeanwhile) -> Result<(), RunError> {
        let mut journal = Journal::open(self.state)?;
        // Everything that comes before the first request goes first.
        self.recorded.wait_for(&journal, self.run, (1, 1))?;
        // A database has one connection for all that this process does, and others may hold the index.
        if self.rows <= FEW && self.state.database().is_none() {
            self.recorded.wait_for_plan();
            journal.index_own(self.run)?;
            done.is_indexed = true;
        }
        let of = ResultsOf {
            journal: &journal,
            run: self.run,
            held: None,
            recorded: Some(&self.recorded),
            restored: (&[], ""),
        };
        done.written = Some(write_results(self.input, of, self.paths)?);
        Ok(())
    }
}

impl Run<'_> {
    /// Records that a guard holds it, and ends.
    pub(super) fn hold(mut self, why: Held) -> Result<Ended, RunError> {
        self.journal.hold(self.id, &why)?;
        self.finish(
            Some(Stop::Held { why }),
            RunState::Held,
            DoneMeanwhile::default(),
        )
    }

    /// Writes the results and the run's figures, but for what was done while it was in progress.
    pub(super) fn finish(
        mut self,
        stop: Option<Stop>,
        state: RunState,
        done: DoneMeanwhile,
    ) -> Result<Ended, RunError> {
        if self.setup.slice.is_some() {
            return self.conclude(stop, state);
        }
        let (prepared, paths) = (self.setup.prepared, &self.setup.settings.delivery.paths);
        let held = match &stop {
            Some(Stop::Held { why }) => Some(why.to_string()),
            _ => None,
        };
        let of = ResultsOf {
            journal: &self.journal,
            run: self.id,
            held: held.as_deref(),
            recorded: None,
            restored: (&[], ""),
        };
        let written = match done.written {
            Some(written) => written,
            None => write_results(&prepared.input, of, paths)?,
        };
        let written = written.place()?;
        // A run that was stopped has rows that nobody has come to yet; any other has an outcome of
        // every row, whatever it is.
        let accounted = if stop.is_some() {
            written.states.total()
        } else {
            self.journal.recorded(self.id, 1, u64::MAX)?
        };
        if accounted != prepared.survey.rows {
            return Err(RunError::Unaccounted {
                expected: prepared.survey.rows,
                found: accounted,
            });
        }
        if stop.is_some() {
            self.note_rate()?;
        }
        let mut summary = self.summary(written.states, stop.as_ref());
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
        // Nothing is known of what records held that nobody has read.
        let reading = Reading::of(prepared, &self.setup.settings.delivery);
        if reading.look_up().is_some() {
            summary.before = write_before(&self.journal, self.id, spec, &paths.before, like)?;
        }
        let placing = paths.placing(&paths.report);
        let report = write_html(
            &self.journal,
            self.id,
            &Reported {
                summary: &summary,
                lines: &written.lines,
                timeline: &written.timeline,
                classes: &written.classes,
                header: prepared.input.header(),
                why: stop.as_ref().map(Stop::for_person),
                release: self
                    .setup
                    .settings
                    .roster
                    .release
                    .as_ref()
                    .map(Release::in_words),
                is_played: self.setup.settings.sandbox,
                journal_flag: &self.setup.context.journal_flag,
            },
            &paths.report,
            placing,
        )?;
        summary.report = Some(report.clone());
        let json = to_json(&summary.clone().anywhere())?;
        // Where this fails, the next run that needs it does it.
        let settled = self
            .journal
            .settle(self.id, summary.finished_at, done.is_indexed);
        if let Err(error) = settled {
            log::warn(&Fact::new(Code::RunNotIndexed).because_of(error.fact()));
        }
        // A process that continues the run may replace what it has written, and nothing else.
        let mut settings = self.setup.settings.clone();
        // A note was added to them while the plan was shown.
        settings.deeds = Settings::of(&self.journal.run(Some(self.name()))?)?.deeds;
        let paths = &mut settings.delivery.paths;
        paths.note_written(&written, &report, summary.before.as_deref());
        let mut stored = self.setup.storable(settings.clone())?;
        // The records of the API mark more rows than the roster does. A run that goes on reads their edits again.
        if state == RunState::Finished && !stored.roster.read.mends.is_empty() {
            let withheld = self.journal.rows_in(self.id, &[RowState::Withheld])?;
            prepared.forget_edits(&mut stored.roster.read.mends, &withheld);
        }
        let has_removed = stored.roster.read.mends != settings.roster.read.mends;
        // A run that has ended holds none of them, even if this process dies here.
        self.journal.set_settings(self.id, &stored.to_json()?)?;
        self.journal
            .end(self.id, state, summary.finished_at, &json)?;
        if has_removed {
            self.journal.give_room_back(false)?;
        }
        self.setup
            .tracker
            .on_event(&RunEvent::Finished(Box::new(summary.clone())));
        Ok(Ended {
            summary,
            stop,
            paths: settings.delivery.paths,
        })
    }

    /// Notes the rate in force in the plan, for the process that continues: the API may have announced it
    /// since.
    fn note_rate(&mut self) -> Result<(), RunError> {
        let (rate, _) = self.setup.tools.pacer.quota();
        let (plan, _) = self.journal.plan(self.id)?;
        let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
        if let Some(mut plan) = plan.filter(|plan| plan.rate != rate.to_string()) {
            plan.rate = rate.to_string();
            plan.rate_is_guess = false;
            self.journal.set_plan(self.id, &to_json(&plan)?, 0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
