//! Settings of a run are stored in the journal for later processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deeds::Deed;
use super::error::RunError;
use super::prepare::Roster;
use crate::journal::{RunRecord, RunState};
use crate::l10n::say;
use crate::model::{RowState, Summary};
use crate::plan::{ConflictPolicy, EditRules, Guards, SavedPlan, Selection};
use crate::read::Origin;
use crate::report::ResultPaths;
use crate::safe_fs::canonical;
use crate::send::{ClientOptions, Pace, SenderOptions};
use crate::targets::{self, TargetSpec};

/// All that a run was requested, as it is kept in the journal: what continuing it needs. Holds
/// no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// The text of the file that describes the target.
    pub target: String,
    /// The roster.
    pub roster: Roster,
    /// Where and how it is delivered.
    pub delivery: Delivery,
    /// Whether the API was played inside the process, and so is gone with it.
    #[serde(default)]
    pub sandbox: bool,
    /// The folder that the file was dropped into, if it came that way: where it goes from there is
    /// this run's doing.
    #[serde(default)]
    pub inbox: Option<PathBuf>,
    /// The name under which it was dropped there: in the archive it may have got a number.
    #[serde(default)]
    pub dropped_as: Option<String>,
    /// Where the file lies while it is being put away: one that still lies there is not yet.
    #[serde(default)]
    pub moving_from: Option<PathBuf>,
    /// Its file in the queue, if it waited there for any machine.
    #[serde(default)]
    pub queued: Option<Queued>,
    /// An interrupted run of the same file whose place this one takes.
    #[serde(default)]
    pub replaces: Option<String>,
    /// The config file, and the profile in it that was used: what continuing the run needs for
    /// its credentials.
    #[serde(default)]
    pub config: Option<PathBuf>,
    /// The profile.
    #[serde(default)]
    pub profile: Option<String>,
    /// The time in which nothing was done for it.
    #[serde(default)]
    pub pauses: Pauses,
    /// The accounts that started and resumed the run.
    #[serde(default)]
    pub deeds: Vec<Deed>,
}

/// The time between a run's beginning and its end in which no process worked on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// Milliseconds in which a guard held it.
    held_ms: i64,
    /// Milliseconds in which it was interrupted.
    idle_ms: i64,
    /// When the process began that continued it last.
    since: Option<Timestamp>,
}

impl Pauses {
    /// The pauses of a run with which a process continues `now`, by its last outcome. A run in the queue goes
    /// on between two slices: it is idle from the moment at which it was `due`.
    ///
    /// Nothing tells how long a process lived on that died without recording an outcome.
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

    /// Puts the times of a run into its figures, by when it began and ended.
    pub fn divide(&self, summary: &mut Summary) {
        summary.held_s = self.held_ms as f64 / 1000.0;
        summary.idle_s = self.idle_ms as f64 / 1000.0;
        let whole = summary.finished_at.as_millisecond() - summary.started_at.as_millisecond();
        let worked = (whole - self.held_ms - self.idle_ms).max(0);
        summary.duration_s = worked as f64 / 1000.0;
    }
}

/// A file in the queue of many machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Its number there.
    pub id: i64,
    /// The file as it was called where it was enqueued.
    pub file: String,
    /// The commands for it in the queue. A batch adds them to those of the run.
    #[serde(skip)]
    pub deeds: Vec<Deed>,
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
    /// Which rows are requested.
    pub selection: Selection,
    /// The approved rows among those that turn one person into another, each with the digest of the approved change;
    /// `None` before an approval.
    #[serde(default)]
    pub approved: Option<BTreeMap<u64, String>>,
    /// The decisions about conflicts with the policy `ask`, by the digest of the conflict.
    #[serde(default)]
    pub decided: BTreeMap<String, ConflictPolicy>,
    /// Where the results go.
    pub paths: ResultPaths,
    /// Whether every valid row is sent, also one whose record holds what it says.
    #[serde(default)]
    pub all: bool,
    /// Whether what records held before is not kept, so that nothing can be undone.
    #[serde(default)]
    pub no_undo: bool,
    /// Whether nothing is read: every valid row is sent, unless the same was delivered before.
    #[serde(default)]
    pub blind: bool,
    /// What holds the run before anything is sent.
    #[serde(default)]
    pub guards: Guards,
    /// The rules for which values of records the roster overwrites.
    #[serde(default)]
    pub edits: EditRules,
    /// Rows that are sent first and read back.
    #[serde(default)]
    pub canary: Option<u64>,
    /// For how long a record that cannot be read is believed to hold what was delivered to it.
    #[serde(default)]
    pub trust_for: Duration,
    /// The age at which all records are listed again, where a snapshot of an earlier run is used; none where
    /// each run reads all that it needs.
    #[serde(default)]
    pub relist: Option<Duration>,
    /// What is to be sent, and nothing else. A run with one begins again, and is held to it when it is
    /// planned; one that continues has none.
    #[serde(skip)]
    pub expected: Option<Arc<SavedPlan>>,
    /// What this run tries again.
    #[serde(default)]
    pub retries: Option<Retries>,
    /// The run that this one undoes.
    #[serde(default)]
    pub undoes: Option<String>,
    /// The rows of that run that this one restores; all if none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_rows: Option<Selection>,
}

/// A path that leads to the same place from any folder. Standard input is a place of its own.
pub fn absolute(path: &Path) -> PathBuf {
    if path == Path::new("-") {
        return path.to_owned();
    }
    // The same file by another name is the same file.
    canonical(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// The calendar day where the program runs.
pub fn today(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::system()).date()
}

/// A record as JSON for the journal.
///
/// # Errors
/// When it cannot be written so.
pub fn to_json<T: Serialize>(record: &T) -> Result<String, RunError> {
    serde_json::to_string(record).map_err(RunError::Unwritable)
}

/// What a run tries again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Retries {
    /// The run, where the journal knows it.
    pub run: Option<String>,
    /// Only rows that ended in one of these states; none means all that did not succeed.
    pub only: Vec<RowState>,
}

impl Settings {
    /// The settings of a run in the journal.
    ///
    /// # Errors
    /// When another version of the program wrote them, and they cannot be understood.
    pub fn of(run: &RunRecord) -> Result<Settings, RunError> {
        serde_json::from_str(&run.settings).map_err(|_| RunError::Settings {
            run: run.name.clone(),
        })
    }

    /// The settings as they are kept in the journal.
    ///
    /// # Errors
    /// When a path in them is not UTF-8.
    pub fn to_json(&self) -> Result<String, RunError> {
        let mut kept = self.clone();
        let mut odd = None;
        // The process that continues it may be in another folder.
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
    ///
    /// # Errors
    /// When this version of the program does not understand its file.
    pub fn spec(&self) -> Result<TargetSpec, RunError> {
        let spec = targets::parse(&say().run_its_target(), &self.target)?;
        Ok(spec.with_variables(&self.delivery.variables))
    }

    /// The name by which its maker knows the roster, also after it was put away.
    pub fn name(&self) -> String {
        let own = || {
            let name = self.roster.file.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        self.dropped_as.clone().unwrap_or_else(own)
    }

    /// Whether a run with these settings brings another edition of the same roster to the same place:
    /// the same name, target, address and profile.
    pub fn is_of_the_same_roster(&self, other: &Settings) -> bool {
        let place = |settings: &Settings| {
            let address = settings.delivery.client.base_url.trim_end_matches('/');
            (address.to_owned(), settings.profile.clone())
        };
        self.name() == other.name() && place(self) == place(other)
    }

    /// Whether a run with `other` settings would send the same and may therefore resume this one. How fast it goes
    /// and where its results go is another matter.
    pub fn mean_the_same(&self, other: &Settings) -> bool {
        let meaning = |settings: &Settings| {
            let mut roster = settings.roster.clone();
            // The day on which a run began does not make it another.
            roster.check.today = jiff::civil::Date::default();
            roster.file = "".into();
            roster.read.origin = Origin::default();
            let delivery = &settings.delivery;
            serde_json::to_value((
                &settings.target,
                &roster,
                &delivery.variables,
                &delivery.selection,
                delivery.all,
                delivery.blind,
                &delivery.edits,
                &delivery.undoes,
                &delivery.retries,
            ))
            .ok()
        };
        meaning(self) == meaning(other)
    }
}

#[cfg(test)]
impl Settings {
    /// Returns the settings of an import in a unit test, to an address without a server.
    pub(crate) fn of_test(target: &str, file: PathBuf) -> Settings {
        use crate::check::{CheckOptions, DuplicatePolicy};
        use crate::map::MapOptions;
        use crate::model::Threshold;
        use crate::read::ReadOptions;
        use crate::send::Backoff;

        Settings {
            target: target.to_owned(),
            delivery: Delivery {
                client: ClientOptions {
                    base_url: "http://127.0.0.1:1".into(),
                    timeout: Duration::from_secs(45),
                    ca_certificates: None,
                },
                pace: Pace {
                    own: "1000/s".parse().unwrap(),
                    own_burst: 1000,
                    ceiling: None,
                    burst: None,
                    share: 1.0,
                },
                sender: SenderOptions {
                    concurrency: 2,
                    max_attempts: 2,
                    backoff: Backoff::default(),
                    grace: Duration::from_secs(10),
                },
                variables: Default::default(),
                selection: Selection::default(),
                approved: None,
                decided: BTreeMap::new(),
                paths: ResultPaths::beside(&file),
                all: false,
                no_undo: false,
                blind: false,
                guards: Guards {
                    max_invalid: Threshold::Percent(100.0),
                    max_changes: None,
                    max_shrink: Threshold::Percent(100.0),
                    max_identity_changes: 0,
                    renumber: Default::default(),
                },
                edits: EditRules::default(),
                canary: None,
                trust_for: Duration::ZERO,
                relist: None,
                expected: None,
                retries: None,
                undoes: None,
                undo_rows: None,
            },
            roster: Roster {
                file,
                read: ReadOptions::default(),
                map: MapOptions::default(),
                key: None,
                check: CheckOptions::new(jiff::civil::date(2026, 8, 20)),
                duplicates: DuplicatePolicy::Error,
                sparse: true,
                release: None,
            },
            sandbox: false,
            inbox: None,
            dropped_as: None,
            moving_from: None,
            queued: None,
            replaces: None,
            config: None,
            profile: None,
            pauses: Default::default(),
            deeds: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
