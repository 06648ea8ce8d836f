//! The journal's records of inbox files: which were reported, and which was imported last.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::error::AppError;
use super::runs::listed;
use super::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::inbox::{ArchiveFolder, modified_in};
use crate::journal::{Arrival, Fate, Journal, JournalError, RunState, State};
use crate::model::{Code, Exit, Fact, Refusal, Summary, worded};
use crate::report::InboxCount;
use crate::run::absolute;

worded! {
    /// The reason why an entry stays in an inbox, in the order of the closing line of a sweep.
    #[derive(PartialOrd, Ord)]
    pub enum Stay {
        /// The name matches the patterns of no profile.
        NoProfile = "no_profile",
        /// The name matches the patterns of several profiles.
        SeveralProfiles = "several_profiles",
        /// The name does not have the extension of a roster.
        NotARoster = "not_a_roster",
        /// The upload is incomplete.
        Unfinished = "unfinished_upload",
        /// The name is not valid UTF-8.
        NotUtf8 = "not_utf8",
        /// The entry is not a regular file.
        NotAFile = "not_a_file",
        /// Any other reason.
        Other = "other",
    }
}

impl Stay {
    fn of(why: &Fact) -> Stay {
        match (why.code(), why.refusal()) {
            (Code::InboxNoProfile, _) => Stay::NoProfile,
            (Code::ConfigSeveralProfiles, _) => Stay::SeveralProfiles,
            (_, Some(Refusal::NotARoster)) => Stay::NotARoster,
            (_, Some(Refusal::Unfinished)) => Stay::Unfinished,
            (_, Some(Refusal::NotUtf8)) => Stay::NotUtf8,
            (_, Some(Refusal::NotAFile { .. })) => Stay::NotAFile,
            _ => Stay::Other,
        }
    }
}

/// Counts of the fates of a sweep's files, and of the reasons why files stay in the inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Fates by name and stamp, so that files with the same name are counted separately.
    fates: BTreeMap<(String, String), Fate>,
    stays: BTreeMap<(String, String), Stay>,
}

impl Tally {
    fn add(&mut self, (name, stamp): (&str, &str), fate: Fate, why: Option<&Fact>) {
        let file = (name.to_owned(), stamp.to_owned());
        // An entry that changes while it stays is counted once.
        self.stays.retain(|(stays, _), _| stays != name);
        self.fates
            .retain(|(other, _), fate| other != name || *fate != Fate::NotProcessed);
        if let (Fate::NotProcessed, Some(why)) = (fate, why) {
            self.stays.insert(file.clone(), Stay::of(why));
        }
        self.fates.insert(file, fate);
    }

    /// Returns the number of files.
    pub fn files(&self) -> u64 {
        self.fates.len() as u64
    }

    /// Returns each fate with the number of its files.
    pub fn fates(&self) -> impl Iterator<Item = (Fate, u64)> + '_ {
        let count = |fate| self.fates.values().filter(|own| **own == fate).count() as u64;
        Fate::ALL.into_iter().map(move |fate| (fate, count(fate)))
    }

    /// Returns each reason why files stay in the inbox, with the number of files.
    pub fn reasons(&self) -> impl Iterator<Item = (Stay, u64)> + '_ {
        let count = |reason| self.stays.values().filter(|own| **own == reason).count() as u64;
        Stay::ALL
            .into_iter()
            .map(move |reason| (reason, count(reason)))
    }
}

/// The files of one inbox as recorded in the journal.
pub struct Arrivals<'a> {
    session: &'a Session,
    inbox: PathBuf,
    /// Entries that stay in the inbox, by name and stamp.
    stays: HashMap<(String, String), Arrival>,
    /// The modification time of the newest imported file of each name.
    newest: HashMap<String, (i64, i64)>,
    seen: BTreeSet<(String, String)>,
    /// Files that this process has recorded as waiting, each with the code of the reason.
    waiting: BTreeMap<(String, String), Option<Code>>,
    /// Fates since the last call of `take_tally`.
    tally: Tally,
    /// Whether anything was recorded since the last call of `take_tally`.
    has_news: bool,
}

impl<'a> Arrivals<'a> {
    /// Reads the records of the files in `inbox` from the journal.
    pub fn read(session: &'a Session, inbox: &Path) -> Result<Arrivals<'a>, AppError> {
        let mut arrivals = Arrivals {
            session,
            inbox: absolute(inbox),
            stays: HashMap::new(),
            newest: HashMap::new(),
            seen: BTreeSet::new(),
            waiting: BTreeMap::new(),
            tally: Tally::default(),
            has_news: false,
        };
        arrivals.refresh()?;
        Ok(arrivals)
    }

    /// Reads the records again, to include those of other processes.
    pub fn refresh(&mut self) -> Result<(), AppError> {
        let inbox = self.inbox.display().to_string();
        let known = Journal::open(&self.session.state)?.arrivals(Timestamp::MIN)?;
        self.stays.clear();
        self.newest.clear();
        self.seen.clear();
        for arrival in known.into_iter().filter(|known| known.inbox == inbox) {
            self.note(arrival);
        }
        Ok(())
    }

    /// Adds a record of the journal.
    fn note(&mut self, arrival: Arrival) {
        match arrival.fate {
            Fate::NotProcessed => {
                let key = (arrival.name.clone(), arrival.stamp.clone());
                self.stays.insert(key, arrival);
            }
            // A failed file was not imported, so it does not count as the newest.
            Fate::Failed => {}
            Fate::Done | Fate::Partial | Fate::Held | Fate::Duplicate | Fate::Waiting => {
                if let Some(modified) = modified_in(&arrival.stamp) {
                    let newest = self.newest.entry(arrival.name).or_insert(modified);
                    *newest = modified.max(*newest);
                }
            }
        }
    }

    /// Returns whether a file is older than the last imported file of the same name.
    pub fn is_older(&self, name: &str, stamp: &str) -> bool {
        let newest = self.newest.get(name);
        modified_in(stamp)
            .zip(newest)
            .is_some_and(|(own, newest)| own < *newest)
    }

    /// Takes the fates since the last call, and whether any was recorded in the journal.
    pub fn take_tally(&mut self) -> (Tally, bool) {
        let has_news = std::mem::take(&mut self.has_news);
        (std::mem::take(&mut self.tally), has_news)
    }

    /// Counts a file that still waits. Returns false if this process has not recorded it as waiting yet.
    pub fn still_waits(&mut self, (name, stamp): (&str, &str)) -> bool {
        let file = (name.to_owned(), stamp.to_owned());
        let is_known = self.waiting.contains_key(&file);
        if is_known {
            self.tally.add((name, stamp), Fate::Waiting, None);
        }
        is_known
    }

    /// Returns whether this process has recorded a file as waiting for this reason.
    pub fn waits_because(&self, (name, stamp): (&str, &str), why: &Fact) -> bool {
        let file = (name.to_owned(), stamp.to_owned());
        self.waiting.get(&file) == Some(&Some(why.code()))
    }

    /// Records an entry that stays in the inbox. Returns whether the journal had no record of it or another
    /// reason.
    pub fn stays(&mut self, name: &str, stamp: &str, why: &Fact) -> Result<bool, AppError> {
        self.tally.add((name, stamp), Fate::NotProcessed, Some(why));
        let key = (name.to_owned(), stamp.to_owned());
        self.seen.insert(key.clone());
        // Only the code is compared: the journal does not store all arguments of a reason.
        let known = self.stays.get(&key).and_then(|known| known.why.as_ref());
        if known.is_some_and(|known| known.code() == why.code()) {
            return Ok(false);
        }
        let path = self.inbox.join(name);
        self.write((name, stamp), Fate::NotProcessed, &path, None, Some(why))?;
        Ok(true)
    }

    /// Records the fate of a claimed file.
    pub fn ended(
        &mut self,
        (name, stamp): (&str, &str),
        fate: Fate,
        path: &Path,
        run: Option<&str>,
        why: Option<&Fact>,
    ) -> Result<(), AppError> {
        self.tally.add((name, stamp), fate, None);
        let file = (name.to_owned(), stamp.to_owned());
        match fate {
            Fate::Waiting => self.waiting.insert(file, why.map(Fact::code)),
            _ => self.waiting.remove(&file),
        };
        self.write((name, stamp), fate, path, run, why)
    }

    fn write(
        &mut self,
        (name, stamp): (&str, &str),
        fate: Fate,
        path: &Path,
        run: Option<&str>,
        why: Option<&Fact>,
    ) -> Result<(), AppError> {
        let arrival = Arrival {
            inbox: self.inbox.display().to_string(),
            name: name.to_owned(),
            stamp: stamp.to_owned(),
            at: self.session.clock.timestamp(),
            fate,
            path: path.display().to_string(),
            run: run.map(str::to_owned),
            why: why.cloned(),
        };
        Journal::open(&self.session.state)?.record_arrival(&arrival)?;
        self.has_news = true;
        self.note(arrival);
        Ok(())
    }

    /// Counts the files that were not imported, by fate, with the time of the oldest.
    pub fn lying(&self) -> Result<Vec<InboxCount>, AppError> {
        let state = &self.session.state;
        let inbox = self.inbox.display().to_string();
        let journal = Journal::open(state)?;
        let mut all = arrived(&journal, state, Timestamp::MIN)?;
        // A file that was deleted manually no longer waits. Entries that this sweep saw are kept without a
        // check: their names may not be valid UTF-8, and links may be dangling.
        all.retain(|file| {
            let is_there = || Path::new(&file.file).exists();
            file.inbox == inbox && (file.fate == Fate::NotProcessed || is_there())
        });
        let fates = [Fate::Held, Fate::Waiting, Fate::NotProcessed];
        let of = |fate| all.iter().filter(move |file| file.fate == fate);
        let lying = |fate: Fate| InboxCount {
            fate: fate.as_str(),
            files: of(fate).count() as u64,
            oldest: of(fate).map(|file| file.arrived_at).min(),
        };
        Ok(fates.into_iter().map(lying).collect())
    }

    /// Deletes the records of entries that stayed in the inbox and no longer exist.
    pub fn forget_gone(&mut self) -> Result<(), AppError> {
        let gone: Vec<_> = self
            .stays
            .keys()
            .filter(|key| !self.seen.contains(key))
            .cloned()
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let journal = Journal::open(&self.session.state)?;
        for key in gone {
            if let Some(arrival) = self.stays.remove(&key) {
                journal.forget_arrival(&arrival)?;
            }
        }
        Ok(())
    }
}

/// Returns the fate of a file whose run ended with this summary.
pub fn fate_of(summary: &Summary) -> Fate {
    let states = &summary.states;
    match summary.exit_code {
        Exit::Success => Fate::Done,
        Exit::RowsFailed if states.updated + states.unchanged > 0 => Fate::Partial,
        Exit::RowsFailed => Fate::Failed,
        Exit::Held => Fate::Held,
        Exit::CannotDo | Exit::Usage | Exit::Interrupted | Exit::Refused | Exit::Busy => {
            Fate::Waiting
        }
    }
}

/// Returns the folder to which a file moves after its import, or `None` if a sweep will resume the run.
pub fn place_of(fate: Fate) -> Option<ArchiveFolder> {
    match fate {
        Fate::Done | Fate::Duplicate => Some(ArchiveFolder::Done),
        Fate::Partial => Some(ArchiveFolder::Partial),
        Fate::Failed => Some(ArchiveFolder::Failed),
        Fate::Held => Some(ArchiveFolder::Held),
        Fate::Waiting | Fate::NotProcessed => None,
    }
}

/// The action that a file requires from a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Review and approve the run with this name.
    Approve(String),
    /// Correct the rows in this results file and retry them.
    Retry(PathBuf),
}

/// A file that arrived in an inbox, with its fate according to its run.
#[derive(Debug, Serialize)]
pub struct Arrived {
    /// When the file was first seen.
    pub arrived_at: Timestamp,
    pub name: String,
    pub inbox: String,
    pub fate: Fate,
    /// The current path.
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Fact>,
    /// Why the file requires action, as text: why it was not imported, what holds its run, or how its rows
    /// ended.
    #[serde(skip)]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

impl Arrived {
    /// Returns whether the file stays unfinished until a user acts.
    pub fn needs_person(&self) -> bool {
        match self.fate {
            Fate::Held | Fate::Partial | Fate::Failed | Fate::NotProcessed => true,
            Fate::Done | Fate::Duplicate | Fate::Waiting => false,
        }
    }
}

/// Returns the files that arrived within `age`, newest first.
pub fn arrived_within(
    journal: &Journal,
    state: &State,
    age: SignedDuration,
) -> Result<Vec<Arrived>, AppError> {
    let since = SystemClock.timestamp().checked_sub(age);
    arrived(journal, state, since.unwrap_or(Timestamp::MIN))
}

/// Returns the files that arrived at `since` or later, newest first.
pub(super) fn arrived(
    journal: &Journal,
    state: &State,
    since: Timestamp,
) -> Result<Vec<Arrived>, AppError> {
    let one = |arrival: Arrival| {
        let mut arrived = Arrived {
            arrived_at: arrival.at,
            name: arrival.name,
            inbox: arrival.inbox,
            fate: arrival.fate,
            file: arrival.path,
            run: arrival.run,
            reason: arrival.why.as_ref().map(Fact::sentence),
            why: arrival.why,
            next: None,
        };
        let Some(name) = arrived.run.as_deref() else {
            return Ok(arrived);
        };
        let run = match journal.run(Some(name)) {
            Ok(run) => run,
            // The run was pruned.
            Err(JournalError::NoRun { .. }) => return Ok(arrived),
            Err(error) => return Err(error.into()),
        };
        if arrived.fate != Fate::Duplicate {
            arrived.file = run.file.clone();
        }
        let listed = listed(journal, &run, state)?;
        // The fate of a duplicate does not depend on the run.
        if arrived.fate != Fate::Duplicate {
            arrived.fate = match listed.state {
                RunState::Held => Fate::Held,
                RunState::Finished => fate_of(&listed.summary),
                RunState::Running | RunState::Planning | RunState::Interrupted => Fate::Waiting,
                RunState::Declined => Fate::Failed,
                RunState::Replaced | RunState::Undone => arrived.fate,
            };
        }
        let summary = &listed.summary;
        if listed.state == RunState::Declined {
            arrived.why = None;
            arrived.reason = summary.stop.as_ref().map(|stop| stop.message.to_string());
            return Ok(arrived);
        }
        let (reason, next) = match arrived.fate {
            Fate::Held => (summary.held.clone(), Some(Next::Approve(run.name))),
            Fate::Partial | Fate::Failed => {
                let rows = summary.failed_rows.as_ref().or(summary.results.as_ref());
                let reason = summary.states.in_words(false);
                (Some(reason), rows.cloned().map(Next::Retry))
            }
            Fate::Done | Fate::Duplicate | Fate::Waiting | Fate::NotProcessed => (None, None),
        };
        arrived.reason = arrived.reason.or(reason);
        arrived.next = next;
        Ok(arrived)
    };
    journal.arrivals(since)?.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::Scene;
    use crate::model::{FileKind, StateCounts};

    const STAMP: &str = "7.000000000:1";

    #[test]
    fn skipped_entries_are_counted_by_reason() {
        let io = |refusal: Refusal| Fact::new(Code::FileIo).with_io(&refusal.into());
        let reasons = [
            Fact::new(Code::InboxNoProfile),
            Fact::new(Code::ConfigSeveralProfiles),
            io(Refusal::NotARoster),
            io(Refusal::Unfinished),
            io(Refusal::NotUtf8),
            io(Refusal::NotAFile {
                kind: FileKind::Pipe,
            }),
            io(Refusal::Stopped),
        ];
        let mut tally = Tally::default();
        for (name, why) in (0..).zip(&reasons) {
            let name = format!("{name}.csv");
            tally.add((&name, STAMP), Fate::NotProcessed, Some(why));
        }
        let counted = |tally: &Tally| tally.reasons().collect::<Vec<_>>();
        assert_eq!(counted(&tally), Stay::ALL.map(|stay| (stay, 1)));
        assert_eq!(
            Stay::ALL.map(Stay::as_str),
            [
                "no_profile",
                "several_profiles",
                "not_a_roster",
                "unfinished_upload",
                "not_utf8",
                "not_a_file",
                "other"
            ]
        );
        // An entry that changes is counted once, and an imported file no longer counts as staying.
        tally.add(("0.csv", "8.0:2"), Fate::NotProcessed, Some(&reasons[1]));
        tally.add(("2.csv", STAMP), Fate::Done, None);
        assert_eq!(tally.files(), 7);
        let few = [0, 2, 0, 1, 1, 1, 1];
        assert_eq!(
            counted(&tally),
            Stay::ALL.into_iter().zip(few).collect::<Vec<_>>()
        );
    }

    #[test]
    fn inbox_records_of_other_processes_are_read_and_stale_ones_removed() {
        let scene = Scene::new();
        let session = &scene.session;
        let inbox = scene.path("in");
        let why = Fact::new(Code::InboxNoProfile);
        let read = |name: &str| Arrivals::read(session, &scene.path(name)).unwrap();
        let mut first = read("in");
        assert!(first.stays("other.txt", STAMP, &why).unwrap());
        scene.write("in/held.csv", "");
        for name in ["held.csv", "gone.csv"] {
            first
                .ended((name, STAMP), Fate::Held, &inbox.join(name), None, None)
                .unwrap();
        }
        assert!(read("elsewhere").stays("x.txt", STAMP, &why).unwrap());

        let mut other = read("in");
        assert!(!other.stays("other.txt", STAMP, &why).unwrap());
        assert!(other.is_older("held.csv", "6.000000000:1"));
        assert!(!other.is_older("held.csv", STAMP));
        // A file that was deleted manually no longer waits.
        let lying = other.lying().unwrap();
        let lying: Vec<_> = lying
            .iter()
            .map(|lying| (lying.fate, lying.files, lying.oldest.is_some()))
            .collect();
        assert_eq!(
            lying,
            [
                ("held", 1, true),
                ("waiting", 0, false),
                ("not_processed", 1, true)
            ]
        );
        let within = |hours| {
            let age = SignedDuration::from_hours(hours);
            arrived_within(&scene.journal(), &session.state, age).unwrap()
        };
        assert_eq!(within(1).len(), 4);
        assert!(within(-1).is_empty());
        other.forget_gone().unwrap();
        assert_eq!(within(1).len(), 4, "it was seen again");
        read("in").forget_gone().unwrap();
        assert_eq!(within(1).len(), 3);
        assert!(other.inbox.ends_with("in"));
    }

    #[test]
    fn a_file_has_the_fate_of_its_run_unless_it_is_a_duplicate() {
        let scene = Scene::new();
        let run = scene.finished("first", 1, &scene.settings("a.csv"));
        let mut arrivals = Arrivals::read(&scene.session, &scene.path("in")).unwrap();
        for (name, fate) in [("copy.csv", Fate::Duplicate), ("a.csv", Fate::Waiting)] {
            let path = scene.path("in").join(name);
            arrivals
                .ended((name, STAMP), fate, &path, Some("first"), None)
                .unwrap();
        }
        let found = arrived(&scene.journal(), &scene.session.state, Timestamp::MIN).unwrap();
        let of = |name: &str| {
            let file = found.iter().find(|file| file.name == name).unwrap();
            (file.fate, file.file.clone())
        };
        let copy = scene.path("in/copy.csv").display().to_string();
        assert_eq!(of("copy.csv"), (Fate::Duplicate, copy));
        assert_eq!(of("a.csv"), (Fate::Done, run.file));
    }

    #[test]
    fn a_file_requires_action_unless_it_is_imported_or_its_run_continues() {
        let scene = Scene::new();
        for (fate, expected) in [
            (Fate::Done, false),
            (Fate::Duplicate, false),
            (Fate::Waiting, false),
            (Fate::Held, true),
            (Fate::Partial, true),
            (Fate::Failed, true),
            (Fate::NotProcessed, true),
        ] {
            let file = Arrived {
                arrived_at: Timestamp::UNIX_EPOCH,
                name: String::new(),
                inbox: String::new(),
                fate,
                file: scene.path("in").display().to_string(),
                run: None,
                why: None,
                reason: None,
                next: None,
            };
            assert_eq!(file.needs_person(), expected, "{fate:?}");
        }
    }

    #[test]
    fn a_file_is_archived_by_fate_once_its_run_cannot_resume() {
        let scene = Scene::new();
        let run = scene.finished("first", 1, &scene.settings("a.csv"));
        let summary: Summary = serde_json::from_str(run.summary.as_deref().unwrap()).unwrap();
        let of = |exit_code, updated, unchanged, invalid| {
            let states = StateCounts {
                updated,
                unchanged,
                invalid,
                ..StateCounts::default()
            };
            fate_of(&Summary {
                exit_code,
                states,
                ..summary.clone()
            })
        };
        for (exit, updated, unchanged, invalid, fate, place) in [
            (
                Exit::Success,
                2,
                0,
                0,
                Fate::Done,
                Some(ArchiveFolder::Done),
            ),
            (
                Exit::RowsFailed,
                1,
                0,
                1,
                Fate::Partial,
                Some(ArchiveFolder::Partial),
            ),
            (
                Exit::RowsFailed,
                0,
                1,
                1,
                Fate::Partial,
                Some(ArchiveFolder::Partial),
            ),
            (
                Exit::RowsFailed,
                0,
                0,
                2,
                Fate::Failed,
                Some(ArchiveFolder::Failed),
            ),
            (Exit::Held, 0, 0, 2, Fate::Held, Some(ArchiveFolder::Held)),
            (Exit::Interrupted, 1, 0, 1, Fate::Waiting, None),
            (Exit::Refused, 1, 0, 1, Fate::Waiting, None),
            (Exit::CannotDo, 0, 0, 0, Fate::Waiting, None),
            (Exit::Busy, 0, 0, 0, Fate::Waiting, None),
        ] {
            assert_eq!(of(exit, updated, unchanged, invalid), fate, "{exit:?}");
            assert_eq!(place_of(fate), place, "{fate:?}");
        }
    }
}
