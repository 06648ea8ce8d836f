//! Figures of a run are computed for its summary.

use crate::events::{ConflictCounts, Plan};
use crate::journal::FailureKind;
use crate::log;
use crate::model::{Code, Exit, Held, RowState, StateCounts, Summary};
use crate::run::active_run::Run;
use crate::send::Stop;

impl Run<'_> {
    /// The run's figures as they are now, with its rows in these states.
    pub(in crate::run) fn summary(&self, states: StateCounts, stop: Option<&Stop>) -> Summary {
        let finished_at = self.setup.context.clock.timestamp();
        let record = &self.record;
        let prepared = self.setup.prepared;
        let held = match stop {
            Some(Stop::Held { why }) => Some(why.clone()),
            _ => None,
        };
        let (not_applied, field_refused) = self.remarkable();
        let conflicts = self.conflicts();
        let mut summary = Summary {
            run: record.name.clone(),
            target: record.target.clone(),
            base_url: record.base_url.clone(),
            file: match &self.setup.settings.queued {
                Some(queued) => queued.file.clone(),
                None => prepared.input.path().display().to_string(),
            },
            sha256: record.sha256.clone(),
            dialect: prepared.input.format().to_string(),
            sheet: prepared.input.sheet_name().map(str::to_owned),
            columns: prepared.checker.map().width(),
            rows: prepared.survey.rows,
            states,
            requests: self.before + self.setup.stats.requests(),
            lookups: self.lookups_before + self.setup.stats.lookups(),
            retries: self.setup.stats.retries(),
            throttled: self.setup.stats.throttled(),
            started_at: record.started_at,
            finished_at,
            duration_s: 0.0,
            held_s: 0.0,
            idle_s: 0.0,
            results: None,
            failed_rows: None,
            report: None,
            before: None,
            new_rows: None,
            warnings: prepared.survey.warnings + not_applied,
            field_refused,
            conflicts: conflicts.total(),
            conflicts_kept: conflicts.kept,
            held: held.as_ref().map(Held::to_string),
            identity_changes: match &held {
                Some(Held::IdentityChanges { count, .. }) => *count,
                Some(Held::Renumbering { changed, .. }) => *changed,
                _ => 0,
            },
            renumbered: self.renumbered(),
            held_by: held,
            stop: stop.and_then(Stop::kept),
            fields: None,
            to_send: None,
            estimated_s: None,
            estimated_finish: None,
            snapshot: None,
            problems: None,
            exit_code: exit_of(stop, &states),
        };
        self.setup.settings.pauses.divide(&mut summary);
        summary
    }

    /// Rows that give a person another identity number.
    fn renumbered(&self) -> u64 {
        let plan = self.journal.plan(self.id).ok().and_then(|(plan, _)| plan);
        let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
        plan.map_or(0, |plan| plan.renumbered)
    }
}

impl Run<'_> {
    /// The conflicts of the plan.
    fn conflicts(&self) -> ConflictCounts {
        let plan = self.journal.plan(self.id).map(|(plan, _)| plan);
        let plan = plan.unwrap_or_else(|error| {
            log::warn(&error.fact());
            None
        });
        let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
        plan.map_or(ConflictCounts::default(), |plan| plan.conflicts)
    }

    /// Rows that succeeded although the API's answer does not show all that was sent, and rows that the API
    /// rejected for a field that only some accounts may change.
    fn remarkable(&self) -> (u64, u64) {
        let kinds = self.journal.kinds(self.id).unwrap_or_else(|error| {
            log::warn(&error.fact());
            Vec::new()
        });
        let count = |is_counted: &dyn Fn(&FailureKind) -> bool| -> u64 {
            let counted = kinds.iter().filter(|kind| is_counted(kind));
            counted.map(|kind| kind.rows).sum()
        };
        let refused = Code::AnswerFieldRefused.as_str();
        (
            count(&|kind| kind.state == RowState::Updated),
            count(&|kind| kind.code == refused),
        )
    }
}

fn exit_of(stop: Option<&Stop>, states: &StateCounts) -> Exit {
    match stop {
        Some(
            Stop::Refused { .. }
            | Stop::Foreign { .. }
            | Stop::Unreachable { .. }
            | Stop::LookUp { .. },
        ) => Exit::Refused,
        Some(Stop::Asked | Stop::Due { .. } | Stop::Failing { .. } | Stop::Canary { .. }) => {
            Exit::Interrupted
        }
        Some(Stop::Held { .. }) => Exit::Held,
        None => states.exit(),
    }
}
