//! A run in progress owns its record in the journal.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::answers::KeptAnswers;
use super::basis::SnapshotOf;
use super::context::{Context, Slice, Start};
use super::delivered::Deliveries;
use super::error::RunError;
use super::name::run_name;
use super::past::{rows_last_time, since_last};
use super::planned::{AskedRow, plan_of};
use super::prepare::Prepared;
use super::progress::Tracker;
use super::saved::saved_plan;
use super::settings::{Retries, Settings, absolute, to_json};
use super::tools::Tools;
use super::work::Planning;
use crate::events::Plan;
use crate::journal::{
    Journal, JournalError, NewRun, RunLock, RunRecord, RunState, Stage, Writer, account_of,
    forget_snapshots, has_snapshots, mark_records,
};
use crate::log;
use crate::model::{Code, Fact, Held, StateCounts};
use crate::send::{Rate, Stats, Stop, Transport};
use crate::targets::Paging;

/// How records are hashed in a snapshot: changed with what is hashed.
const FORMAT: &str = "1";

/// What a run is made of.
#[derive(Clone, Copy)]
pub(super) struct Setup<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) settings: &'a Settings,
    pub(super) context: &'a Context<'a>,
    pub(super) tools: &'a Tools,
    pub(super) transport: &'a Transport<'a>,
    pub(super) stats: &'a Stats,
    pub(super) tracker: &'a Tracker<'a>,
    /// Rows that are sent first and read back.
    pub(super) canary: Option<u64>,
    /// How much of it is done before it makes room, where it is done in slices.
    pub(super) slice: Option<Slice>,
}

/// A run that has a record in the journal. Each step takes it and gives it back, so that none is
/// taken twice or out of order.
pub(super) struct Run<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) journal: Journal,
    pub(super) id: i64,
    pub(super) record: NewRun,
    /// Requests made before this process took the run over, and how many of them read records.
    pub(super) before: u64,
    pub(super) lookups_before: u64,
    /// Whether this process began it.
    pub(super) is_new: bool,
    /// The last row that is planned, where the rest is planned as it sends.
    pub(super) planned_to: Option<u64>,
    /// It is not pruned while it is in progress.
    pub(super) _lock: Option<RunLock>,
}

/// What earlier runs tell of a run's rows.
pub(super) struct Past {
    /// The journal, to be read beside the one that is written to.
    journal: Journal,
    undone: Option<i64>,
    deliveries: Option<Deliveries>,
    retried: Option<i64>,
    retries_beside: bool,
    /// Whether anything can be believed to be delivered to records that cannot be read.
    pub(super) has_delivered: bool,
}

/// A run that has begun.
pub(super) enum Begun<'a> {
    /// It is to be planned.
    New(Run<'a>),
    /// It was planned before.
    Planned(Run<'a>, Box<Plan>),
}

/// A run that has been planned.
pub(super) struct Planned<'a> {
    pub(super) run: Run<'a>,
    pub(super) plan: Plan,
    /// Why planning ended early, if it did.
    pub(super) stop: Option<Stop>,
    /// Rows with conflicts to decide.
    pub(super) asked: Vec<AskedRow>,
}

impl<'a> Setup<'a> {
    /// Begins a run, or takes one over.
    pub(super) fn begin(self, start: Start) -> Result<Begun<'a>, RunError> {
        let state = &self.context.state;
        let mut journal = Journal::open(state)?;
        match start {
            Start::New(command) => {
                let mut record = self.record()?;
                record.command = command;
                // Before anyone can see it; it gets another name only where this one is taken.
                let first = RunLock::share(state, &record.name)?;
                let (id, name) = journal.begin(&record)?;
                let lock = if name == record.name {
                    first
                } else {
                    RunLock::share(state, &name)?
                };
                record.name = name;
                Ok(Begun::New(self.run(journal, id, record, Some(lock))))
            }
            Start::Resume(record) => self.take_over(journal, *record),
            Start::Approve(mut record) => {
                record.state = RunState::Planning;
                self.take_over(journal, *record)
            }
        }
    }

    /// Begins a run in a journal of its own, which is gone with it.
    pub(super) fn begin_in(self, mut journal: Journal) -> Result<Run<'a>, RunError> {
        let record = self.record()?;
        let (id, _) = journal.begin(&record)?;
        Ok(self.run(journal, id, record, None))
    }

    /// The snapshot that a run may use, and that it may make for later ones; none where it must read what it
    /// needs, or where nothing tells what changed.
    fn snapshot(&self) -> Option<SnapshotOf> {
        let (settings, context, tools) = (self.settings, self.context, self.tools);
        let delivery = &settings.delivery;
        let how = self.prepared.checker.spec().lookup.as_ref()?;
        let compares = !delivery.all && delivery.undoes.is_none() && self.slice.is_none();
        // A sandbox in this process is gone with it.
        if how.changes.is_none() || !compares || settings.sandbox {
            return None;
        }
        let of = [
            FORMAT,
            &settings.target,
            settings.profile.as_deref().unwrap_or_default(),
            &tools.account,
            &tools.place,
        ];
        Some(SnapshotOf {
            state: context.state.clone(),
            place: account_of(tools.client.address(), of.join("\0").as_bytes()),
            address: tools.address(),
            key: context.credentials.key_for("snapshot"),
            relist: delivery.relist?,
        })
    }

    fn run(self, journal: Journal, id: i64, record: NewRun, lock: Option<RunLock>) -> Run<'a> {
        Run {
            setup: self,
            journal,
            id,
            record,
            before: 0,
            lookups_before: 0,
            is_new: true,
            planned_to: None,
            _lock: lock,
        }
    }

    /// Takes an interrupted run over, with its plan, if it had come so far.
    fn take_over(self, mut journal: Journal, known: RunRecord) -> Result<Begun<'a>, RunError> {
        let lock = RunLock::share(&self.context.state, &known.name)?;
        // Another process may have brought it to an end since it was looked up.
        let now = journal.run(Some(&known.name))?;
        let why = match now.state {
            RunState::Undone => Some(Code::WhyUndone),
            RunState::Finished => Some(Code::WhyEnded),
            RunState::Replaced => Some(Code::WhyReplaced),
            _ => None,
        };
        if let Some(why) = why {
            let run = known.name;
            return Err(RunError::NotResumable { run, why });
        }
        let mut record = self.record()?;
        record.name = known.name;
        record.started_at = known.started_at;
        journal.take_over(known.id)?;
        // Where this process dies too, the next one knows of the pauses so far.
        let mut kept = Settings::of(&now)?;
        kept.pauses = self.settings.pauses;
        kept.deeds.clone_from(&self.settings.deeds);
        journal.set_settings(known.id, &to_json(&kept)?)?;
        let (plan, lookups) = journal.plan(known.id)?;
        if known.state == RunState::Planning {
            journal.clear(known.id)?;
            // Planning may take many batches, and the run is visible meanwhile.
            if self.slice.is_some() {
                journal.begin_again(known.id)?;
            }
        }
        let mut run = self.run(journal, known.id, record, Some(lock));
        run.is_new = false;
        (run.lookups_before, run.before) = (lookups, lookups);
        if known.state == RunState::Planning {
            return Ok(Begun::New(run));
        }
        run.before += run.journal.reopen(run.id)?;
        match plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok()) {
            Some(plan) => {
                if plan.is_ahead {
                    let planned = run.journal.rows_of(run.id)?;
                    let is_short = planned < self.prepared.survey.rows;
                    run.planned_to = is_short.then_some(planned);
                }
                Ok(Begun::Planned(run, Box::new(plan)))
            }
            None => Err(RunError::Settings {
                run: run.record.name,
            }),
        }
    }

    /// Settings as stored: without the edits of rows about protected persons.
    pub(super) fn storable(self, mut settings: Settings) -> Result<Settings, RunError> {
        let mends = &mut settings.roster.read.mends;
        *mends = self.prepared.storable(mends)?;
        Ok(settings)
    }

    fn record(self) -> Result<NewRun, RunError> {
        let started_at = self.context.clock.timestamp();
        let mut random = SmallRng::seed_from_u64(self.context.seed);
        Ok(NewRun {
            name: run_name(started_at, &mut random),
            command: "import",
            target: self.prepared.checker.spec().name.clone(),
            base_url: self.settings.delivery.client.base_url.clone(),
            file: match &self.settings.queued {
                Some(queued) => queued.file.clone(),
                None => absolute(self.prepared.input.path()).display().to_string(),
            },
            sha256: self.prepared.input.sha256()?.to_owned(),
            settings: self.storable(self.settings.clone())?.to_json()?,
            started_at,
            queued: self.settings.queued.as_ref().map(|queued| queued.id),
        })
    }
}

impl<'a> Run<'a> {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.record.name
    }

    /// Rows that are in their last state, by state.
    pub(super) fn states(&self) -> Result<StateCounts, RunError> {
        Ok(self.journal.states(self.id)?)
    }

    /// The run's number in the journal, and the journal.
    pub(super) fn into_journal(self) -> (i64, Journal) {
        (self.id, self.journal)
    }

    /// What earlier runs tell of this one's rows.
    pub(super) fn past(&self) -> Result<Past, RunError> {
        let (setup, id) = (self.setup, self.id);
        let delivery = &setup.settings.delivery;
        let mut journal = Journal::open(&setup.context.state)?;
        let undone = match &delivery.undoes {
            None => None,
            Some(name) => Some(journal.run(Some(name))?.id),
        };
        let retried = match &delivery.retries {
            Some(Retries {
                run: Some(name), ..
            }) => Some(journal.run(Some(name))?.id),
            _ => None,
        };
        let is_readable = setup.prepared.checker.spec().is_readable();
        let deliveries = match undone {
            Some(run) if is_readable => {
                journal.index_changes(run)?;
                None
            }
            Some(run) => Some(Deliveries::of(&journal, run)?),
            None => None,
        };
        let state = &setup.context.state;
        let mut retries_beside = false;
        if retried.is_some() {
            for other in journal.index_rows(id)? {
                retries_beside |= RunLock::is_held(state, &other)?;
            }
        }
        let has_delivered = journal.merge_delivered(
            state,
            &setup.tools.place,
            id,
            setup.context.clock.timestamp(),
        )?;
        Ok(Past {
            journal,
            undone,
            deliveries,
            retried,
            retries_beside,
            has_delivered,
        })
    }

    /// Plans all rows into the journal.
    pub(super) fn plan(self) -> Result<Planned<'a>, RunError> {
        let past = self.past()?;
        self.plan_by(past)
    }

    /// The same by what earlier runs tell.
    pub(super) fn plan_by(self, past: Past) -> Result<Planned<'a>, RunError> {
        let Run {
            setup, journal, id, ..
        } = self;
        let delivery = &setup.settings.delivery;
        // Where each page names the next one, that address may be good for a moment only: then all are read
        // by one slice, however long it takes.
        let spec = setup.prepared.checker.spec();
        let of_records = spec.lookup.iter().filter_map(|how| how.paging.as_ref());
        let of_keys = spec.known.iter().map(|how| &how.paging);
        let is_numbered = of_records.chain(of_keys).all(Paging::is_counted);
        let answers = match setup.slice.filter(|_| is_numbered) {
            Some(slice) => {
                setup.tools.pacer.set_patience(Some(slice.patience));
                let clock = setup.context.clock.as_ref();
                let whose = (id, setup.tools.account.as_str());
                Some(KeptAnswers::of(
                    whose,
                    &*past.journal,
                    slice,
                    (setup.stats, clock),
                )?)
            }
            None => None,
        };
        let snapshot = setup.snapshot();
        let writer = Writer::start(journal, id, Stage::Planning)?;
        let planning = Planning {
            prepared: setup.prepared,
            delivery,
            transport: setup.transport,
            answers: answers.as_ref(),
            writer: &writer,
            past: past.journal,
            has_delivered: past.has_delivered,
            run: id,
            place: &setup.tools.place,
            undone: past.undone,
            snapshot: snapshot.as_ref(),
            deliveries: past.deliveries,
            retried: past.retried,
            retries_beside: past.retries_beside,
            chooses: setup.context.chooses && setup.context.agree.is_some(),
            digest_key: setup.context.credentials.key_for("conflicts"),
            clock: setup.context.clock.as_ref(),
            observer: setup.tracker,
        };
        let planned = planning.run(setup.context.stop.clone());
        let mut run = Run {
            journal: writer.close()?,
            ..self
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
        run.forecast(&mut plan);
        let json = to_json(&plan)?;
        run.journal.set_plan(id, &json, uncounted)?;
        Ok(Planned {
            run,
            plan,
            stop: planned.stop,
            asked: planned.asked,
        })
    }

    /// Marks the records that this run is about to change, before the first request leaves: until they are
    /// read again, no snapshot is believed about them.
    pub(super) fn mark_records(&self) -> Result<(), RunError> {
        /// If a run changes more, all records are listed again.
        const MOST: usize = 50_000;
        let setup = self.setup;
        let spec = setup.prepared.checker.spec();
        let state = &setup.context.state;
        let has_changes = spec
            .lookup
            .as_ref()
            .is_some_and(|how| how.changes.is_some());
        if setup.settings.sandbox || !(has_changes || has_snapshots(state)) {
            return Ok(());
        }
        let address = setup.tools.address();
        let whose = (address.as_str(), self.name());
        let mut ids = Vec::new();
        let mut are_known = self.planned_to.is_none();
        self.journal.each_call::<JournalError>(self.id, |call, _| {
            match spec.id_in(&call.path) {
                Some(id) if ids.len() < MOST => ids.push(id),
                _ => are_known = false,
            }
            Ok(are_known)
        })?;
        let removed = match are_known {
            true => mark_records(state, whose, &ids)?,
            false => forget_snapshots(state, whose)?,
        };
        if let Some(error) = removed {
            log::warn(&Fact::new(Code::RunNoSnapshot).because_of(error.fact()));
        }
        Ok(())
    }

    /// Adds the estimated duration to the plan, from the quota and the bucket as known now, and no faster than
    /// responses so far.
    pub(super) fn forecast(&self, plan: &mut Plan) {
        let (rate, burst) = self.setup.tools.pacer.quota();
        let concurrency = self.setup.settings.delivery.sender.concurrency;
        let pace = pace_of(self.setup.transport.latency(), concurrency);
        let road = self.setup.tracker.road(pace);
        plan.rate = rate.to_string();
        let pace = &self.setup.settings.delivery.pace;
        let quota = &self.setup.prepared.checker.spec().quota;
        let own = Rate {
            requests: quota.requests,
            per: quota.per,
        };
        let is_own = pace.ceiling.is_none() && pace.own == own;
        plan.rate_is_guess = quota.guess && is_own && pace.in_force(None).0 == rate;
        plan.at_once = (road.level as u64).min(u64::from(burst));
        let requests = plan.requests_for(plan.to_send) as f64;
        let time = road.time_for(requests).unwrap_or_default();
        let seconds = time.as_secs_f64();
        plan.estimate_s = seconds;
        let time = jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        plan.estimated_finish = self.setup.context.clock.timestamp().checked_add(time).ok();
    }

    /// Why a guard holds this plan, if one does, by what the journal in the state folder knows of the
    /// last one.
    pub(super) fn held(&self, plan: &Plan) -> Result<Option<Held>, RunError> {
        let setup = self.setup;
        let journal = Journal::open(&setup.context.state)?;
        let last = rows_last_time(&journal, &self.record.target, setup.settings)?;
        let guards = &setup.settings.delivery.guards;
        let held = guards.reason(plan.rows, plan.invalid, plan.to_send - plan.resent, last);
        Ok(held.or_else(|| self.held_by_row(plan)))
    }

    /// Why the run is held for rows that require individual approval, if it is. Approving the run as a whole does not
    /// cover them.
    pub(super) fn held_by_row(&self, plan: &Plan) -> Option<Held> {
        let guards = &self.setup.settings.delivery.guards;
        let lines = self.setup.prepared.survey.lines();
        guards.by_row(&plan.identity_rows, &plan.renumber_rows, lines)
    }

    /// Why the run is held for conflicts to decide, if it is. Approving the run as a whole does not decide them.
    pub(super) fn held_for_conflicts(&self, plan: &Plan) -> Option<Held> {
        let context = self.setup.context;
        let is_asked = context.chooses && context.agree.is_some();
        let count = plan.conflicts.asked;
        (count > 0 && !is_asked).then_some(Held::Conflicts { count })
    }

    /// Applies a decision about conflicts to the plan: in the `kept` rows the fields in conflict keep their values.
    pub(super) fn decided(
        mut self,
        plan: &mut Plan,
        asked: Vec<AskedRow>,
        kept: &BTreeSet<u64>,
    ) -> Result<Run<'a>, RunError> {
        if asked.is_empty() {
            return Ok(self);
        }
        let mut rows = Vec::new();
        for row in asked {
            let (number, fields) = (row.kept.mark.at.row, row.conflicts.len() as u64);
            plan.conflicts.asked -= fields;
            // A row with an outcome for another reason is not sent, regardless of the decision.
            if self.journal.recorded(self.id, number, number)? > 0 {
                continue;
            }
            if !kept.contains(&number) {
                plan.conflicts.overwritten += fields;
                continue;
            }
            plan.conflicts.kept += fields;
            row.count_kept(plan);
            rows.push(row.kept);
        }
        let writer = Writer::start(self.journal, self.id, Stage::Planning)?;
        writer.plan_blocking(rows)?;
        writer.room_blocking()?;
        self.journal = writer.close()?;
        self.forecast(plan);
        self.journal.set_plan(self.id, &to_json(plan)?, 0)?;
        Ok(self)
    }

    /// Stores the note of the person who approves the plan, with the command that showed it.
    pub(super) fn note(&mut self, note: String) -> Result<(), RunError> {
        let mut settings = Settings::of(&self.journal.run(Some(self.name()))?)?;
        if let Some(deed) = settings.deeds.last_mut() {
            deed.note = Some(note);
        }
        Ok(self.journal.set_settings(self.id, &to_json(&settings)?)?)
    }

    /// What is different from the plan that the run is held to, if it is held to one.
    pub(super) fn differs(&self) -> Result<Option<String>, RunError> {
        let setup = self.setup;
        let Some(expected) = &setup.settings.delivery.expected else {
            return Ok(None);
        };
        let now = saved_plan(&self.journal, self.id, setup.prepared, setup.settings)?;
        Ok(expected.difference(&now, setup.prepared.survey.lines()))
    }

    /// Forgets a new run that was not agreed to. One that an earlier process began stays as it was, to be
    /// resumed.
    pub(super) fn decline(mut self) -> Result<(), RunError> {
        if self.is_new {
            self.journal.forget(self.id)?;
        }
        Ok(())
    }

    /// Records that it is in progress, in place of the run that it replaces. A run that it undoes is
    /// closed first: nothing may continue it while its changes are restored, or after.
    pub(super) fn agreed(mut self) -> Result<Run<'a>, RunError> {
        if let Some(name) = &self.setup.settings.delivery.undoes {
            let undone = self.journal.run(Some(name))?;
            self.journal.take_over(undone.id)?;
            self.journal.set_state(undone.id, RunState::Undone)?;
        }
        self.journal.set_state(self.id, RunState::Running)?;
        if let Some(name) = &self.setup.settings.replaces {
            let old = self.journal.run(Some(name))?;
            if old.state != RunState::Undone {
                self.journal.set_state(old.id, RunState::Replaced)?;
            }
        }
        Ok(self)
    }
}

/// Seconds that a request takes where answers take `latency` and so many are in progress; none where no answer
/// has come yet.
fn pace_of(latency: f64, concurrency: usize) -> Option<f64> {
    let pace = latency / concurrency.max(1) as f64;
    (pace > 0.0).then_some(pace)
}

#[cfg(test)]
mod tests;
