//! A planned run has an outcome or a call of each row in the journal.

use super::earlier_runs::EarlierRuns;
use super::estimate::add_estimate;
use super::previous_runs::since_last;
use super::row_planner::PlanContext;
use super::totals::{AskedRow, plan_of};
use crate::events::Plan;
use crate::journal::{Stage, Writer};
use crate::run::active_run::Run;
use crate::run::error::RunError;
use crate::run::planning::lookup::answer_cache::AnswerCache;
use crate::run::planning::snapshot::state::SnapshotConfig;
use crate::run::settings::to_json;
use crate::send::Stop;
use crate::targets::Paging;

/// A run that has been planned.
pub struct PlannedRun<'a> {
    pub run: Run<'a>,
    pub plan: Plan,
    /// Why planning ended early, if it did.
    pub stop: Option<Stop>,
    /// Rows with conflicts to decide.
    pub asked: Vec<AskedRow>,
}

/// Plans all rows into the journal.
pub fn plan(run: Run<'_>) -> Result<PlannedRun<'_>, RunError> {
    let earlier = EarlierRuns::of(&run)?;
    plan_after(run, earlier)
}

/// Plans all rows into the journal with the given facts of earlier runs.
pub(super) fn plan_after(run: Run<'_>, earlier: EarlierRuns) -> Result<PlannedRun<'_>, RunError> {
    let Run {
        setup, journal, id, ..
    } = run;
    let delivery = &setup.settings.delivery;
    // The address of a next page may expire, so one batch reads all pages if each page names the next one.
    let spec = setup.prepared.checker.spec();
    let of_records = spec.lookup.iter().filter_map(|how| how.paging.as_ref());
    let of_keys = spec.known.iter().map(|how| &how.paging);
    let is_numbered = of_records.chain(of_keys).all(Paging::is_counted);
    let answers = match setup.batch.filter(|_| is_numbered) {
        Some(batch) => {
            setup.connection.pacer.set_patience(Some(batch.patience));
            let clock = setup.context.clock.as_ref();
            let whose = (id, setup.connection.account.as_str());
            Some(AnswerCache::of(
                whose,
                &*earlier.journal,
                batch,
                (setup.stats, clock),
            )?)
        }
        None => None,
    };
    let snapshot = SnapshotConfig::of(&setup);
    let writer = Writer::start(journal, id, Stage::Planning)?;
    let context = PlanContext {
        prepared: setup.prepared,
        delivery,
        transport: setup.transport,
        answers: answers.as_ref(),
        writer: &writer,
        earlier,
        run: id,
        place: &setup.connection.place,
        snapshot: snapshot.as_ref(),
        chooses: setup.context.chooses && setup.context.agree.is_some(),
        digest_key: setup.context.credentials.key_for("conflicts"),
        clock: setup.context.clock.as_ref(),
        observer: setup.tracker,
    };
    let planned = context.run(setup.context.stop.clone());
    let mut run = Run {
        journal: writer.close()?,
        ..run
    };
    let mut planned = planned?;
    if planned.stop.as_ref().is_some_and(Stop::disproves_plan) {
        // The rows that the disproved plan recorded are discarded too.
        run.journal.clear(id)?;
        planned.forget_rows();
    }
    let uncounted = match &answers {
        None => setup.stats.requests(),
        Some(answers) => answers.conclude(&*run.journal, planned.stop.is_none())?,
    };
    let mut plan = plan_of(setup.prepared, delivery, &planned);
    plan.token_url = setup.context.credentials.token_url().map(str::to_owned);
    plan.lookups = run.lookups_before + setup.stats.requests();
    plan.since = since_last(&run.journal, (id, &run.record), setup.settings)?;
    add_estimate(&setup, &mut plan);
    let json = to_json(&plan)?;
    run.journal.set_plan(id, &json, uncounted)?;
    Ok(PlannedRun {
        run,
        plan,
        stop: planned.stop,
        asked: planned.asked,
    })
}
