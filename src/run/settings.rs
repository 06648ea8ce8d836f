//! Settings of a run are stored in the journal for later processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::to_value;

use super::audit_log::AuditEntry;
use super::error::RunError;
use super::prepare::Roster;
use crate::journal::{RunRecord, RunState};
use crate::l10n::say;
use crate::model::{RowState, Summary};
use crate::plan::{ConflictPolicy, EditRules, Guards, SavedPlan, Selection};
use crate::read::Origin;
use crate::report::ResultPaths;
use crate::safe_fs::canonical;
use crate::send::{Backoff, ClientOptions, Pace, SenderOptions};
use crate::targets::{self, TargetSpec};

/// The settings of a run as stored in the journal, for resuming it. They hold no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// The text of the file that describes the target.
    pub target: String,
    /// The roster.
    pub roster: Roster,
    /// Where and how it is delivered.
    pub delivery: Delivery,
    /// Whether the API was simulated in the process that ran it.
    #[serde(default)]
    pub sandbox: bool,
    /// The inbox of the file, if it came from one. The run archives the file from there.
    pub inbox: Option<PathBuf>,
    /// The file's name in the inbox: the archive may add a number.
    pub dropped_as: Option<String>,
    /// The path of the file before archiving. A file that is still there is not archived yet.
    pub moving_from: Option<PathBuf>,
    /// Its file in the shared queue, if it came from there.
    pub queued: Option<Queued>,
    /// The interrupted run of the same file that this run replaces.
    pub replaces: Option<String>,
    /// The config file, by which a resumed run finds its credentials.
    pub config: Option<PathBuf>,
    /// The profile.
    pub profile: Option<String>,
    /// The time in which no process worked on it.
    #[serde(default)]
    pub pauses: Pauses,
    /// The accounts that started and resumed the run.
    #[serde(default, rename = "deeds")]
    pub audit_log: Vec<AuditEntry>,
}

/// The time between a run's beginning and its end in which no process worked on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// Milliseconds in which a guard held it.
    held_ms: i64,
    /// Milliseconds in which it was interrupted.
    idle_ms: i64,
    /// When the process started that resumed it last.
    since: Option<Timestamp>,
}

impl Pauses {
    /// The pauses of a run that a process resumes `now`, by its last outcome. A run in the queue is idle from the
    /// time at which its batch was `due`.
    ///
    /// The time between the last outcome and a crash counts as idle.
    pub fn of(
        run: &RunRecord,
        last: Option<Timestamp>,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Pauses {
        let known = Settings::of(run).map(|settings| settings.pauses);
        let mut pauses = known.unwrap_or_default();
        let due = due.filter(|_| run.finished_at.is_none());
        let worked_until = pauses
            .worked_until(run, last)
            .max(due.unwrap_or(Timestamp::MIN));
        let length = (now.as_millisecond() - worked_until.as_millisecond()).max(0);
        match run.state {
            RunState::Held => pauses.held_ms += length,
            _ => pauses.idle_ms += length,
        }
        pauses.since = Some(now);
        pauses
    }

    /// The last moment at which a process is known to have worked on a run, by its last outcome.
    pub fn worked_until(&self, run: &RunRecord, last: Option<Timestamp>) -> Timestamp {
        let known = [run.finished_at, self.since, last].into_iter().flatten();
        known.fold(run.started_at, Timestamp::max)
    }

    /// Sets the times in a run's summary.
    pub fn divide(&self, summary: &mut Summary) {
        summary.held_s = self.held_ms as f64 / 1000.0;
        summary.idle_s = self.idle_ms as f64 / 1000.0;
        let whole = summary.finished_at.as_millisecond() - summary.started_at.as_millisecond();
        let worked = (whole - self.held_ms - self.idle_ms).max(0);
        summary.duration_s = worked as f64 / 1000.0;
    }
}

/// A file in the shared queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Its number in the queue.
    pub id: i64,
    /// The file's path where it was enqueued.
    pub file: String,
    /// The commands for it in the queue. A batch adds them to those of the run.
    #[serde(skip)]
    pub audit_log: Vec<AuditEntry>,
}

/// Where and how a roster is delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// The address and the time-out.
    pub client: ClientOptions,
    /// The quota to keep to.
    pub pace: Pace,
    /// Concurrency, attempts, waits.
    pub sender: SenderOptions,
    /// Values for the variables of the target's paths.
    pub variables: BTreeMap<String, String>,
    /// The selected rows.
    pub selection: Selection,
    /// The approved rows among those that turn one person into another, each with the digest of the approved change;
    /// `None` before an approval.
    pub approved: Option<BTreeMap<u64, String>>,
    /// The decisions about conflicts with the policy `ask`, by the digest of the conflict.
    #[serde(default)]
    pub decided: BTreeMap<String, ConflictPolicy>,
    /// Where the results go.
    pub paths: ResultPaths,
    /// Whether every valid row is sent, even without a difference.
    #[serde(default)]
    pub all: bool,
    /// Whether earlier values are not kept, so that the run cannot be undone.
    #[serde(default)]
    pub no_undo: bool,
    /// Whether no records are read: every valid row is sent, unless the same values were delivered before.
    #[serde(default)]
    pub blind: bool,
    /// The guards that can hold the run.
    #[serde(default)]
    pub guards: Guards,
    /// The rules for which values of records the roster overwrites.
    #[serde(default)]
    pub edits: EditRules,
    /// Rows that are sent first and read back.
    pub canary: Option<u64>,
    /// How long a delivery to a record that cannot be read is trusted.
    #[serde(default)]
    pub trust_for: Duration,
    /// The age of a snapshot at which all records are listed again; `None` if snapshots are not used.
    pub relist: Option<Duration>,
    /// The saved plan that the run must match. A resumed run has none.
    #[serde(skip)]
    pub expected: Option<Arc<SavedPlan>>,
    /// The retry that this run performs.
    pub retries: Option<Retries>,
    /// The run to undo.
    pub undoes: Option<String>,
    /// The rows of that run that this one restores; all if none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_rows: Option<Selection>,
}

impl Delivery {
    /// The delivery to an address, with the default guards and one request at a time.
    pub fn new(base_url: String, pace: Pace, paths: ResultPaths) -> Delivery {
        Delivery {
            client: ClientOptions {
                base_url,
                timeout: Duration::from_secs(45),
                ca_certificates: None,
            },
            pace,
            sender: SenderOptions {
                concurrency: 1,
                max_attempts: 1,
                backoff: Backoff::default(),
                grace: Duration::from_secs(10),
            },
            variables: BTreeMap::new(),
            selection: Selection::default(),
            approved: None,
            decided: BTreeMap::new(),
            paths,
            all: false,
            no_undo: false,
            blind: false,
            guards: Guards::default(),
            edits: EditRules::default(),
            canary: None,
            trust_for: Duration::ZERO,
            relist: None,
            expected: None,
            retries: None,
            undoes: None,
            undo_rows: None,
        }
    }
}

/// Returns the absolute path. Standard input stays `-`.
pub fn absolute(path: &Path) -> PathBuf {
    if path == Path::new("-") {
        return path.to_owned();
    }
    // Different names of a file get the same path.
    canonical(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// The calendar day where the program runs.
pub fn today(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::system()).date()
}

/// A record as JSON for the journal.
pub fn to_json<T: Serialize>(record: &T) -> Result<String, RunError> {
    serde_json::to_string(record).map_err(RunError::Unwritable)
}

/// The rows that a run retries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Retries {
    /// The run, if the journal has it.
    pub run: Option<String>,
    /// Only rows in these states; empty for all rows that did not succeed.
    pub only: Vec<RowState>,
}

impl Settings {
    /// The settings of a roster that came from no inbox and no queue.
    pub fn new(target: String, roster: Roster, delivery: Delivery) -> Settings {
        Settings {
            target,
            roster,
            delivery,
            sandbox: false,
            inbox: None,
            dropped_as: None,
            moving_from: None,
            queued: None,
            replaces: None,
            config: None,
            profile: None,
            pauses: Pauses::default(),
            audit_log: Vec::new(),
        }
    }

    /// The settings of a run in the journal.
    pub fn of(run: &RunRecord) -> Result<Settings, RunError> {
        serde_json::from_str(&run.settings).map_err(|_| RunError::Settings {
            run: run.name.clone(),
        })
    }

    /// The settings as they are kept in the journal.
    pub fn to_json(&self) -> Result<String, RunError> {
        let mut kept = self.clone();
        let mut odd = None;
        // The process that resumes the run may have another working directory.
        let mut keep = |path: &mut PathBuf| {
            *path = absolute(path);
            if path.to_str().is_none() {
                odd = Some(path.clone());
            }
        };
        for path in [&mut kept.inbox, &mut kept.config].into_iter().flatten() {
            keep(path);
        }
        keep(&mut kept.roster.file);
        kept.delivery.paths.change_each(&mut keep);
        match odd {
            Some(path) => Err(RunError::NotText { path }),
            None => to_json(&kept),
        }
    }

    /// The target that they describe.
    pub fn spec(&self) -> Result<TargetSpec, RunError> {
        let spec = targets::parse(&say().run_its_target(), &self.target)?;
        Ok(spec.with_variables(&self.delivery.variables))
    }

    /// The original name of the roster, also after archiving.
    pub fn name(&self) -> String {
        let own = || {
            let name = self.roster.file.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        self.dropped_as.clone().unwrap_or_else(own)
    }

    /// Whether these settings are for an edition of the same roster for the same place: name, address and profile are
    /// equal.
    pub fn is_of_the_same_roster(&self, other: &Settings) -> bool {
        let place = |settings: &Settings| {
            let address = settings.delivery.client.base_url.trim_end_matches('/');
            (address.to_owned(), settings.profile.clone())
        };
        self.name() == other.name() && place(self) == place(other)
    }

    /// Whether a run with `other` settings would send the same calls and may therefore resume this run. Rate and
    /// paths of results may differ.
    pub fn mean_the_same(&self, other: &Settings) -> bool {
        let meaning = |settings: &Settings| {
            let mut roster = settings.roster.clone();
            // The date of the run does not count.
            roster.check.today = jiff::civil::Date::default();
            roster.file = "".into();
            roster.read.origin = Origin::default();
            // The pattern names every setting, so that the compiler leads here from a new one.
            let Delivery {
                variables,
                selection,
                all,
                blind,
                edits,
                undoes,
                retries,
                client: _,
                pace: _,
                sender: _,
                approved: _,
                decided: _,
                paths: _,
                no_undo: _,
                guards: _,
                canary: _,
                trust_for: _,
                relist: _,
                expected: _,
                undo_rows: _,
            } = &settings.delivery;
            [
                to_value(&settings.target),
                to_value(&roster),
                to_value(variables),
                to_value(selection),
                to_value(all),
                to_value(blind),
                to_value(edits),
                to_value(undoes),
                to_value(retries),
            ]
            .map(Result::ok)
        };
        meaning(self) == meaning(other)
    }
}

#[cfg(test)]
impl Settings {
    /// Returns the settings of an import in a unit test, to an address without a server.
    pub(crate) fn of_test(target: &str, file: PathBuf) -> Settings {
        use crate::check::CheckOptions;
        use crate::model::Threshold;

        let pace = Pace::of("1000/s".parse().unwrap(), 1000);
        let paths = ResultPaths::beside(&file);
        let mut delivery = Delivery::new("http://127.0.0.1:1".into(), pace, paths);
        delivery.sender.concurrency = 2;
        delivery.sender.max_attempts = 2;
        delivery.guards.max_invalid = Threshold::Percent(100.0);
        delivery.guards.max_shrink = Threshold::Percent(100.0);
        let roster = Roster::of(file, CheckOptions::new(jiff::civil::date(2026, 8, 20)));
        Settings::new(target.to_owned(), roster, delivery)
    }
}

#[cfg(test)]
mod tests;
