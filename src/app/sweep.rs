//! Sweeps, which import the files of an inbox once, oldest first.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::archive::{archive, archive_failed, archive_file};
use super::arrivals::{Arrivals, Tally, fate_of, place_of};
use super::begin::{begin, last_of_content};
use super::error::{Action, AppError};
use super::job::Job;
use super::notify::{Notifications, is_same_refusal, is_unreachable};
use super::paths::NamedPaths;
use super::ready::{Ready, Wanted, ready, refuse_misspelt};
use super::session::Session;
use super::stop::StopSignal;
use crate::inbox::{ArchiveFolder, Entries, Inbox, Lying, Other, SetAside, stamp_of};
use crate::journal::{Fate, Journal, RunState};
use crate::model::{Code, Exit, Fact, Standing, Summary};
use crate::read::Origin;
use crate::run::{Ended, Settings, absolute, is_last_of_its_name};
use crate::send::Stop;

/// The front end of a sweep, which decides how a file is imported and reports the fate of each file.
pub trait Desk {
    /// Reads the configuration again if it has changed. Called before each pass.
    fn refresh(&self) {}

    /// Refuses a file that no configuration covers. A refused file stays in the inbox.
    fn may_take(&self, name: &str) -> Result<(), AppError>;

    /// Returns how to import the file that arrived as `name`, and the recipients of notifications.
    fn wanted(&self, file: &Path, name: &str) -> Result<(Wanted<'_>, Notifications), AppError>;

    /// Returns a value that changes with the credentials or the settings for the file `name`.
    fn account(&self, name: &str) -> u64;

    /// Returns the recipients of notifications if the file `name` cannot be imported.
    fn notifications(&self, name: &str) -> Notifications;

    /// Reports the fate of the file that arrived as `name`.
    fn told(&self, name: &str, what: Told<'_>);

    /// Reports the outcome of a pass of `watch` that recorded anything.
    fn passed(&self, _swept: &Swept) {}
}

/// The fate of an inbox file, as reported to the front end.
#[derive(Debug)]
pub enum Told<'a> {
    /// The file was imported.
    Ended(&'a Ended, &'a Settings),
    /// The file had been imported before, here or by a worker, and was only archived now.
    PutAway(&'a Summary),
    /// The file was added to the shared queue under this id.
    Enqueued(i64),
    /// The file waits in the shared queue.
    Queued,
    /// A guard holds the run of a queued file, or it stopped and requires action.
    Held {
        /// The name of the run.
        run: &'a str,
        /// The reason.
        why: &'a Fact,
    },
    /// The file is a duplicate of an imported one.
    Duplicate {
        /// The run that imported the original.
        run: &'a str,
        /// The current path of the file.
        to: &'a Path,
    },
    /// The file was not imported.
    NotImported(&'a Fact),
}

/// The result of a sweep.
#[derive(Debug)]
pub struct Swept {
    /// The worst exit code of all files.
    pub exit: Exit,
    /// The fates of the files.
    pub tally: Tally,
}

/// Options of a sweep.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// The path of the inbox.
    pub folder: PathBuf,
    /// How long a file must be unchanged before it is claimed.
    pub settle: Duration,
    /// The interval between passes of `watch`.
    pub interval: Duration,
    /// Whether files are imported again that were imported before.
    pub again: bool,
    /// Whether unfinished runs of a file start over.
    pub fresh: bool,
}

/// The files of an inbox with their metadata, and when each was first seen unchanged.
pub(super) type Seen = HashMap<String, (Lying, Instant)>;

/// Processes a claimed file with its name and stamp in place of an import. Returns its exit code, if it has one.
pub type Process<'a> =
    dyn Fn(&Sweep<'_>, &Path, (&str, &str)) -> Result<Option<Exit>, AppError> + 'a;

/// A sweep of one inbox.
pub struct Sweep<'a> {
    pub(crate) session: &'a Session,
    pub(crate) desk: &'a dyn Desk,
    pub(crate) options: SweepOptions,
    pub(crate) inbox: Inbox,
    process: Option<&'a Process<'a>>,
    arrivals: RefCell<Arrivals<'a>>,
    /// Accounts that the API refused or could not be reached with.
    refused: RefCell<HashMap<u64, Refused>>,
}

/// An account that is paused because nothing can be sent with it.
#[derive(Debug, Clone)]
struct Refused {
    /// The number of consecutive refusals.
    times: u32,
    /// The end of the pause.
    until: Instant,
    /// The reason of the last refusal.
    why: Fact,
}

/// Returns the backoff before `watch` tries an account again. Refused credentials are tried at most once an
/// hour, to avoid a lockout. An unreachable API is tried sooner.
fn pause_after(times: u32, is_reachable: bool) -> Duration {
    if is_reachable {
        return Duration::from_secs(3600);
    }
    let seconds = 30_u64.saturating_mul(1 << times.saturating_sub(1).min(5));
    Duration::from_secs(seconds.min(600))
}

/// The result of one pass over an inbox.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// The worst exit code, or `None` if there were no files.
    worst: Option<Exit>,
    /// Whether any file was claimed.
    has_taken: bool,
    /// Whether any file waits because its account is refused.
    is_refused: bool,
}

impl Pass {
    fn add(&mut self, exit: Option<Exit>) {
        self.worst = worse(self.worst, exit);
        self.is_refused |= exit == Some(Exit::Refused);
    }
}

impl<'a> Sweep<'a> {
    /// Creates a sweep of the folder in `options`.
    pub fn new(
        session: &'a Session,
        desk: &'a dyn Desk,
        options: SweepOptions,
    ) -> Result<Sweep<'a>, AppError> {
        Ok(Sweep {
            inbox: Inbox::at(&options.folder),
            arrivals: RefCell::new(Arrivals::read(session, &options.folder)?),
            refused: RefCell::default(),
            session,
            desk,
            options,
            process: None,
        })
    }

    /// Processes each claimed file with `process` and imports none.
    pub fn processed_by(mut self, process: &'a Process<'a>) -> Sweep<'a> {
        self.process = Some(process);
        self
    }

    /// Imports the files in the inbox, including those that arrive in the meantime.
    pub fn run(&self) -> Result<Swept, AppError> {
        let mut seen = HashMap::new();
        let mut worst = None;
        let mut waited_for = Awaited::default();
        loop {
            let entries = self.look(&mut seen)?;
            // A file that is still being written changes during this wait.
            let is_news = waited_for.add(&entries);
            if is_news && entries.files.values().any(|lying| !lying.ready) {
                wait(self.options.settle, &self.session.stop);
            }
            let pass = self.once(&mut seen)?;
            worst = worse(worst, pass.worst);
            let is_over = !pass.has_taken && !is_news;
            if is_over || self.session.stop.is_asked() {
                break;
            }
        }
        Ok(Swept {
            exit: worst.unwrap_or(Exit::Success),
            tally: self.arrivals.borrow_mut().take_tally().0,
        })
    }

    /// Makes one pass of `watch` and reports its outcome. Returns whether any account is refused.
    pub(super) fn pass(&self, seen: &mut Seen) -> Result<bool, AppError> {
        let pass = self.once(seen);
        let (tally, has_news) = self.arrivals.borrow_mut().take_tally();
        let Pass {
            worst, is_refused, ..
        } = pass?;
        if has_news {
            let exit = worst.unwrap_or(Exit::Success);
            self.desk.passed(&Swept { exit, tally });
        }
        Ok(is_refused)
    }

    /// Returns the entries of the inbox and updates `seen`.
    pub(super) fn look(&self, seen: &mut Seen) -> Result<Entries, AppError> {
        let entries = self
            .inbox
            .entries()
            .map_err(Action::ReadFolder.failed(&self.options.folder))?;
        let files = &entries.files;
        seen.retain(|name, (lying, _)| files.get(name) == Some(lying));
        for (name, lying) in files {
            let now = || (lying.clone(), Instant::now());
            seen.entry(name.clone()).or_insert_with(now);
        }
        Ok(entries)
    }

    /// Reports an entry that stays in the inbox, once per reason.
    fn stays(
        &self,
        (name, stamp): (&str, &str),
        is_roster: bool,
        why: &Fact,
    ) -> Result<Option<Exit>, AppError> {
        let is_news = self.arrivals.borrow_mut().stays(name, stamp, why)?;
        let exit = is_roster.then_some(Exit::RowsFailed);
        if is_news {
            self.desk.told(name, Told::NotImported(why));
            if let Some(exit) = exit {
                self.notify(name, &self.options.folder.join(name), exit, why);
            }
        }
        Ok(exit)
    }

    /// Sends the notifications about a file that was not imported.
    pub fn notify(&self, name: &str, file: &Path, exit: Exit, why: &Fact) {
        let inbox = Some(self.options.folder.as_path());
        let notifications = self.desk.notifications(name);
        notifications.not_imported(self.session, file, inbox, exit, why);
    }

    /// Resumes unfinished files, then claims files that have been unchanged long enough or have a ready
    /// marker, oldest first.
    pub(super) fn once(&self, seen: &mut Seen) -> Result<Pass, AppError> {
        let mut pass = Pass::default();
        self.desk.refresh();
        self.arrivals.borrow_mut().refresh()?;
        let taken = self
            .inbox
            .taken()
            .map_err(Action::ReadFolder.failed(&self.options.folder))?;
        for other in &taken.others {
            pass.add(self.set_aside(other)?);
        }
        for file in taken.files {
            if self.session.stop.is_asked() {
                return Ok(pass);
            }
            let stamp = stamp_of(&file);
            pass.add(self.file(&file, &stamp)?);
        }
        let Entries { files, others } = self.look(seen)?;
        for other in &others {
            pass.add(self.other(other)?);
        }
        let mut oldest_first: Vec<(&String, &Lying)> = files.iter().collect();
        oldest_first.sort_by_key(|(name, lying)| (lying.modified(), *name));
        for (name, lying) in oldest_first {
            if self.session.stop.is_asked() {
                return Ok(pass);
            }
            let stamp = lying.stamp();
            if let Err(error) = self.desk.may_take(name) {
                let stays = self.stays((name, &stamp), true, &error.fact())?;
                pass.add(stays);
                continue;
            }
            let lain = seen.get(name).map(|(_, since)| since.elapsed());
            if !may_be_taken(lying.ready, lain, self.options.settle) {
                continue;
            }
            match self.inbox.claim(name, lying) {
                Ok(Some(file)) => {
                    pass.has_taken = true;
                    pass.add(self.file(&file, &stamp)?);
                }
                // Another process claimed the file, or it has changed.
                Ok(None) => {}
                Err(why) => {
                    let why = not_processed(&why);
                    pass.add(self.stays((name, &stamp), true, &why)?);
                }
            }
        }
        self.arrivals.borrow_mut().forget_gone()?;
        let notifications = self.desk.notifications("");
        if notifications.metrics.is_some() {
            let lying = self.arrivals.borrow().lying()?;
            notifications.lying(self.session, &self.options.folder, &lying);
        }
        Ok(pass)
    }

    /// Reports an entry of `processing` that is not a regular file.
    fn set_aside(&self, entry: &SetAside) -> Result<Option<Exit>, AppError> {
        let why = Fact::new(Code::InboxSetAside).at_path(&entry.path);
        let why = why.with_io(&entry.why);
        let known = (entry.name.as_str(), entry.stamp.as_str());
        self.record(known, Fate::Failed, &entry.path, None, Some(&why))?;
        self.desk.told(&entry.name, Told::NotImported(&why));
        self.notify(&entry.name, &entry.path, Exit::RowsFailed, &why);
        Ok(Some(Exit::RowsFailed))
    }

    fn other(&self, other: &Other) -> Result<Option<Exit>, AppError> {
        let why = not_processed(&other.why);
        self.stays((&other.name, &other.stamp), other.is_roster, &why)
    }

    /// Processes one claimed file. Returns `None` if another process has locked it.
    fn file(&self, file: &Path, stamp: &str) -> Result<Option<Exit>, AppError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if let Some(process) = self.process {
            return process(self, file, (&name, stamp));
        }
        let account = self.desk.account(&name);
        let known = self.refused.borrow().get(&account).cloned();
        if let Some(refused) = &known
            && Instant::now() < refused.until
        {
            let known = (&*name, stamp);
            // A file that was tried before keeps its own reason, which has been reported.
            if !self.arrivals.borrow_mut().still_waits(known) {
                let why = Fact::new(Code::InboxWaits).because_of(refused.why.clone());
                self.record(known, Fate::Waiting, file, None, Some(&why))?;
                self.desk.told(&name, Told::NotImported(&why));
            }
            return Ok(Some(Exit::Refused));
        }
        let known = known.map(|refused| refused.why);
        match self.import(file, (&name, stamp), known.as_ref()) {
            Ok(Some((exit, why))) => {
                self.remember(account, exit, why.as_ref());
                Ok(Some(exit))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                let exit = error.exit();
                if exit == Exit::Busy || !file.is_file() {
                    return Ok(None);
                }
                let fact = error.fact();
                self.remember(account, exit, Some(&fact));
                // An error of the file is permanent, so the file is moved aside.
                let aside = error
                    .is_of_file()
                    .then(|| archive_failed(self.session, &self.inbox, file, &fact));
                // An error while moving one file does not stop the others.
                let (fate, path, trouble) = match aside {
                    Some(Ok(path)) => (Fate::Failed, path, None),
                    Some(Err(trouble)) => (Fate::Waiting, file.to_owned(), Some(trouble.fact())),
                    None => (Fate::Waiting, file.to_owned(), None),
                };
                let fact = match fact.path() {
                    Some(_) => fact.at_path(&path),
                    None => fact,
                };
                let is_known =
                    |known: &Fact| exit == Exit::Refused && is_same_refusal(known, Some(&fact));
                let is_reported = known.as_ref().is_some_and(is_known)
                    || fate == Fate::Waiting
                        && self.arrivals.borrow().waits_because((&name, stamp), &fact);
                self.record((&name, stamp), fate, &path, None, Some(&fact))?;
                if !is_reported {
                    for why in trouble.iter().chain([&fact]) {
                        self.desk.told(&name, Told::NotImported(why));
                    }
                    // A usage error concerns every file, so it is printed and not sent as a notification.
                    if error.is_of_file() || exit != Exit::Usage {
                        self.notify(&name, &path, exit, &fact);
                    }
                }
                Ok(Some(exit))
            }
        }
    }

    /// Records whether an account can be used.
    fn remember(&self, account: u64, exit: Exit, why: Option<&Fact>) {
        let mut refused = self.refused.borrow_mut();
        if exit != Exit::Refused {
            refused.remove(&account);
            return;
        }
        let times = refused.get(&account).map_or(0, |refused| refused.times) + 1;
        let pause = pause_after(times, !why.is_some_and(is_unreachable));
        let until = Instant::now() + pause;
        let why = why.cloned().unwrap_or(Fact::new(Code::ApiRefused));
        refused.insert(account, Refused { times, until, why });
    }

    /// Records the fate of a claimed file.
    pub fn record(
        &self,
        (name, stamp): (&str, &str),
        fate: Fate,
        path: &Path,
        run: Option<&str>,
        why: Option<&Fact>,
    ) -> Result<(), AppError> {
        let mut arrivals = self.arrivals.borrow_mut();
        arrivals.ended((name, stamp), fate, path, run, why)
    }

    /// Refuses a file that is older than the last imported file of the same name, unless all files are imported.
    pub fn refuse_older(&self, (name, stamp): (&str, &str)) -> Result<(), AppError> {
        let is_older = self.arrivals.borrow().is_older(name, stamp);
        match is_older && !self.options.again && !self.options.fresh {
            true => Err(AppError::Older),
            false => Ok(()),
        }
    }

    fn import(
        &self,
        file: &Path,
        (name, stamp): (&str, &str),
        known_refusal: Option<&Fact>,
    ) -> Result<Option<(Exit, Option<Fact>)>, AppError> {
        self.refuse_older((name, stamp))?;
        let (mut wanted, mut notifications) = self.desk.wanted(file, name)?;
        notifications.known_refusal = known_refusal.cloned();
        wanted.settings.roster.read.origin = Origin::Dropped;
        let mut ready = ready(self.session, wanted)?;
        refuse_misspelt(&ready)?;
        // Another process archived the file while this one waited for the lock.
        if !file.is_file() {
            return Ok(None);
        }
        ready.settings.inbox = Some(self.options.folder.clone());
        ready.settings.dropped_as = Some(name.to_owned());
        if let Some(exit) = self.imported_before(file, (name, stamp), &ready)? {
            return Ok(Some((exit, None)));
        }
        let named = NamedPaths::default();
        let start = begin(
            self.session,
            &mut ready,
            self.options.fresh,
            "import",
            &named,
        )?;
        let job = Job {
            chooses: false,
            session: self.session,
            notifications: &notifications,
            credentials: ready.credentials.clone(),
            agree: None,
        };
        let ended = job.send(&ready.prepared, &ready.settings, start)?;
        let summary = &ended.summary;
        let (fate, run) = (fate_of(summary), Some(summary.run.as_str()));
        let why = ended.stop.as_ref().map(Stop::fact);
        let path = Path::new(&summary.file);
        self.record((name, stamp), fate, path, run, why.as_ref())?;
        if !(summary.exit_code == Exit::Refused && notifications.has_reported(why.as_ref())) {
            self.desk.told(name, Told::Ended(&ended, &ready.settings));
        }
        Ok(Some((summary.exit_code, why)))
    }

    /// Archives a file that was imported before and returns the result, or `None` if the file must be
    /// imported now.
    fn imported_before(
        &self,
        file: &Path,
        (name, stamp): (&str, &str),
        ready: &Ready,
    ) -> Result<Option<Exit>, AppError> {
        let journal = Journal::open(&self.session.state)?;
        let record = last_of_content(&journal, ready)?;
        // For an undone run, `begin` reports that it was undone, unless `fresh` is set.
        let Some(record) = record.filter(|record| record.state != RunState::Undone) else {
            return Ok(None);
        };
        let summary = record.summary.as_deref().unwrap_or_default();
        // Settings of another program version that cannot be parsed do not fail the file.
        let (Ok(settings), Ok(mut summary)) = (Settings::of(&record), Summary::of_stored(summary))
        else {
            return Ok(None);
        };
        let own = absolute(file);
        let moving_from = settings.moving_from.as_deref().map(absolute);
        // The file was imported under this path but not archived.
        if record.file == own.display().to_string() {
            archive(self.session, &settings, &mut summary)?;
        } else if moving_from.as_ref() == Some(&own) {
            let place = place_of(fate_of(&summary)).unwrap_or(ArchiveFolder::Failed);
            self.put_away(file, place)?;
        } else {
            let is_known = is_whole(&summary)
                && is_last_of_its_name(&journal, &record)?
                && settings.mean_the_same(&ready.settings)
                // The credentials of another profile may belong to another school.
                && settings.profile == ready.settings.profile;
            if !is_known || self.options.again {
                return Ok(None);
            }
            let to = &self.put_away(file, ArchiveFolder::Done)?;
            let run = &record.name;
            self.record((name, stamp), Fate::Duplicate, to, Some(run), None)?;
            self.desk.told(name, Told::Duplicate { run, to });
            return Ok(Some(Exit::Success));
        }
        let path = Path::new(&summary.file);
        let (fate, run) = (fate_of(&summary), Some(record.name.as_str()));
        self.record((name, stamp), fate, path, run, None)?;
        self.desk.told(name, Told::PutAway(&summary));
        Ok(Some(summary.exit_code))
    }

    /// Archives a file. Returns its new path.
    fn put_away(&self, file: &Path, place: ArchiveFolder) -> Result<PathBuf, AppError> {
        let moved = archive_file(self.session, &self.inbox, file, &[], place)?;
        Ok(moved.own().1.to_owned())
    }
}

/// Returns the fact for an entry that stays in the inbox.
fn not_processed(why: &std::io::Error) -> Fact {
    Fact::new(Code::InboxNotProcessed).with_io(why)
}

/// Tracks the files that a sweep has waited for: once each, and at most ten times for a file that is still
/// growing.
#[derive(Debug, Default)]
struct Awaited {
    stamps: HashSet<(String, String)>,
    times: HashMap<String, u32>,
}

impl Awaited {
    /// Adds the files of the inbox. Returns whether the sweep must wait for any of them.
    fn add(&mut self, entries: &Entries) -> bool {
        let mut is_news = false;
        for (name, lying) in &entries.files {
            if self.stamps.insert((name.clone(), lying.stamp())) {
                let times = self.times.entry(name.clone()).or_default();
                *times += 1;
                is_news |= *times <= 10;
            }
        }
        is_news
    }
}

/// Returns whether a file is complete: it has a ready marker, or it has been unchanged for `settle`.
fn may_be_taken(is_ready: bool, lain: Option<Duration>, settle: Duration) -> bool {
    is_ready || lain.is_some_and(|lain| lain >= settle)
}

/// Returns whether a run completed its file, so that a copy of the file has nothing new.
fn is_whole(summary: &Summary) -> bool {
    let states = &summary.states;
    summary.exit_code != Exit::Held && states.failed == 0 && states.of(Standing::Open) == 0
}

/// Waits for `time` or until a stop is requested.
fn wait(time: Duration, stop: &StopSignal) {
    let began = Instant::now();
    while began.elapsed() < time && !stop.is_asked() {
        let left = time.saturating_sub(began.elapsed());
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}

/// Returns the worse of two exit codes, in the order 1, 6, 4, 3, 5, 0.
fn worse(one: Option<Exit>, other: Option<Exit>) -> Option<Exit> {
    let rank = |exit: &Exit| match exit {
        Exit::CannotDo | Exit::Usage => 0,
        Exit::Refused => 1,
        Exit::Held => 2,
        Exit::RowsFailed => 3,
        Exit::Interrupted | Exit::Busy => 4,
        Exit::Success => 5,
    };
    let usage_is_no_file = |exit| {
        if exit == Exit::Usage {
            Exit::CannotDo
        } else {
            exit
        }
    };
    one.into_iter()
        .chain(other.map(usage_is_no_file))
        .min_by_key(rank)
}

#[cfg(test)]
mod tests;
