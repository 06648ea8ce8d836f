//! An active run owns its record in the journal.

use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};

use super::connection::Connection;
use super::context::{Batch, Context, Start};
use super::error::RunError;
use super::prepare::Prepared;
use super::progress::Tracker;
use super::settings::{Settings, absolute, to_json};
use crate::events::Plan;
use crate::journal::{Journal, JournalError, NewRun, RunLock, RunRecord, RunState};
use crate::model::Code;
use crate::send::{Stats, Transport};

/// The inputs of a run and the connection to the API.
#[derive(Clone, Copy)]
pub(super) struct Setup<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) settings: &'a Settings,
    pub(super) context: &'a Context<'a>,
    pub(super) connection: &'a Connection,
    pub(super) transport: &'a Transport<'a>,
    pub(super) stats: &'a Stats,
    pub(super) tracker: &'a Tracker<'a>,
    /// Rows that are sent first and read back.
    pub(super) canary: Option<u64>,
    /// The limits of this batch, if the run is processed in batches.
    pub(super) batch: Option<Batch>,
}

/// A run with a record in the journal. Each step consumes it, so that no step is repeated or out of order.
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
    /// The last planned row, if the others are planned while the run sends.
    pub(super) planned_to: Option<u64>,
    /// Keeps the run from being pruned while it is in progress.
    pub(super) _lock: Option<RunLock>,
}

/// A run that has begun.
pub(super) enum Begun<'a> {
    /// It is to be planned.
    New(Run<'a>),
    /// It was planned before.
    Planned(Run<'a>, Box<Plan>),
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
                // The lock precedes the record. Another name is used only if this one is taken.
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

    /// Begins a run in a temporary journal.
    pub(super) fn begin_in(self, mut journal: Journal) -> Result<Run<'a>, RunError> {
        let record = self.record()?;
        let (id, _) = journal.begin(&record)?;
        Ok(self.run(journal, id, record, None))
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

    /// Takes over an interrupted run, with its plan if it was planned.
    fn take_over(self, mut journal: Journal, known: RunRecord) -> Result<Begun<'a>, RunError> {
        let lock = RunLock::share(&self.context.state, &known.name)?;
        // Another process may have ended the run since.
        let now = journal.run(Some(&known.name))?;
        let why = match now.state {
            RunState::Undone => Some(Code::WhyUndone),
            RunState::Declined => Some(Code::WhyDeclined),
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
        // If this process crashes, the next one needs the pauses so far.
        let mut kept = Settings::of(&now)?;
        kept.pauses = self.settings.pauses;
        kept.audit_log.clone_from(&self.settings.audit_log);
        journal.set_settings(known.id, &to_json(&kept)?)?;
        let (plan, lookups) = journal.plan(known.id)?;
        if known.state == RunState::Planning {
            journal.clear(known.id)?;
            // Planning may take many batches, and the run is visible meanwhile.
            if self.batch.is_some() {
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

impl Run<'_> {
    /// The run's name.
    pub(super) fn name(&self) -> &str {
        &self.record.name
    }
}

/// Returns the stored plan of a run; `None` if there is none or this version cannot read it.
pub fn stored_plan(journal: &Journal, run: i64) -> Result<Option<Plan>, JournalError> {
    let (plan, _) = journal.plan(run)?;
    Ok(plan.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Returns a run's name: its start time in UTC and three letters that distinguish runs of the same second.
pub fn run_name(started_at: Timestamp, random: &mut impl Rng) -> String {
    // Without vowels, the letters form no words.
    const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
    let time = started_at.strftime("%Y%m%d-%H%M%S");
    let letters: String = (0..3)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect();
    format!("{time}-{letters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_moment_and_three_letters_by_chance() {
        let began = "2026-08-20T18:00:00.9Z".parse().unwrap();
        let name = |seed| run_name(began, &mut SmallRng::seed_from_u64(seed));
        let first = name(1);
        let letters = first.strip_prefix("20260820-180000-").unwrap();
        assert_eq!(letters.len(), 3);
        assert!(!letters.contains(['a', 'e', 'i', 'o', 'u', 'y']), "{first}");
        assert!((2..9).any(|seed| name(seed) != first));
    }
}
