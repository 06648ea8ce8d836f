use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::archive::{archive, place_of};
use super::begin::{begin, last_of_content};
use super::error::AppError;
use super::job::Job;
use super::notify::Notifications;
use super::paths::NamedPaths;
use super::ready::{Ready, Wanted, ready};
use super::session::Session;
use super::stop::StopSignal;
use crate::inbox::{Entries, Inbox, Lying, Other, Place};
use crate::journal::{Journal, RunState};
use crate::model::{Exit, Fact, Summary};
use crate::read::Origin;
use crate::run::{Ended, Settings, absolute, is_last_of_its_name, today};

/// The front door of a sweep: it says how a file is imported, and hears what became of it.
pub trait Desk {
    /// How the file is imported that was dropped as `name`, and who is told of it.
    ///
    /// # Errors
    /// When that cannot be known.
    fn wanted(&self, file: &Path, name: &str) -> Result<(Wanted<'_>, Notifications), AppError>;

    /// Who is told of a file that was dropped as `name` and could not be imported.
    fn notifications(&self, name: &str) -> Notifications;

    /// Hears what became of the file that was dropped as `name`.
    fn told(&self, name: &str, what: Told<'_>);
}

/// What became of a file of an inbox.
#[derive(Debug)]
pub enum Told<'a> {
    /// It was imported.
    Ended(&'a Ended, &'a Settings),
    /// It had been imported before, and was put away only now.
    PutAway(&'a Summary),
    /// It is a duplicate of what a run imported, and lies there now.
    Duplicate {
        /// The run.
        run: &'a str,
        /// Where it lies.
        to: &'a Path,
    },
    /// It could not be imported.
    Failed(&'a AppError),
}

/// How a folder is swept.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// The folder.
    pub folder: PathBuf,
    /// How long a file must lie unchanged.
    pub settle: Duration,
    /// How often the folder is looked at, where it is watched.
    pub interval: Duration,
    /// Whether files are taken that were imported before.
    pub again: bool,
    /// Whether unfinished runs of a file are begun anew.
    pub fresh: bool,
}

/// The files of a folder as they lie there, and since when.
pub(super) type Seen = HashMap<String, (Lying, Instant)>;

/// One folder, and how its files are imported.
pub struct Sweep<'a> {
    session: &'a Session,
    desk: &'a dyn Desk,
    pub(super) options: SweepOptions,
    inbox: Inbox,
    /// The entries of the last look that could not be taken, so that a watch reports each once.
    reported: RefCell<HashSet<String>>,
}

impl<'a> Sweep<'a> {
    /// A sweep of a folder.
    pub fn new(session: &'a Session, desk: &'a dyn Desk, options: SweepOptions) -> Sweep<'a> {
        Sweep {
            inbox: Inbox::at(&options.folder),
            reported: RefCell::default(),
            session,
            desk,
            options,
        }
    }

    /// Imports the files that lie in the folder, once. Returns the worst of their exit codes.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn run(&self) -> Result<Exit, AppError> {
        let mut seen = HashMap::new();
        let entries = self.look(&mut seen)?;
        if entries.files.values().any(|lying| !lying.ready) {
            // A file that someone is still writing will look different then.
            wait(self.options.settle, &self.session.stop);
        }
        Ok(self.once(&mut seen)?.unwrap_or(Exit::Success))
    }

    /// The entries of the inbox; `seen` is brought up to date.
    pub(super) fn look(&self, seen: &mut Seen) -> Result<Entries, AppError> {
        let entries = self.inbox.entries().map_err(self.failed("read-folder"))?;
        let files = &entries.files;
        seen.retain(|name, (lying, _)| files.get(name) == Some(lying));
        for (name, lying) in files {
            let now = || (lying.clone(), Instant::now());
            seen.entry(name.clone()).or_insert_with(now);
        }
        Ok(entries)
    }

    /// Reports a file that cannot be taken, unless the last look found it so too. It stays where it is.
    fn not_taken(&self, Other { name, why }: Other) -> Option<Exit> {
        match self.reported.borrow_mut().insert(name.clone()) {
            true => self.report(&name, why),
            false => Some(Exit::CannotDo),
        }
    }

    fn report(&self, name: &str, why: std::io::Error) -> Option<Exit> {
        let error = self.failed("take")(why);
        self.desk.told(name, Told::Failed(&error));
        let (file, inbox) = (self.options.folder.join(name), &self.options.folder);
        let notifications = self.desk.notifications(name);
        notifications.failed(self.session, &file, Some(inbox), &error);
        Some(error.exit())
    }

    fn failed(&self, action: &'static str) -> impl Fn(std::io::Error) -> AppError + use<> {
        let path = self.options.folder.clone();
        move |source| AppError::File {
            action,
            path: path.clone(),
            source,
        }
    }

    /// Goes on with what was taken and not brought to an end, and takes the files that have lain
    /// unchanged long enough, or say that they are whole. Returns the worst of the files' exit
    /// codes, if there were any.
    pub(super) fn once(&self, seen: &mut Seen) -> Result<Option<Exit>, AppError> {
        let mut worst = None;
        let taken = self.inbox.taken().map_err(self.failed("read-folder"))?;
        for Other { name, why } in taken.others {
            worst = worse(worst, self.report(&name, why));
        }
        for file in taken.files {
            if self.session.stop.is_asked() {
                return Ok(worst);
            }
            worst = worse(worst, self.file(&file));
        }
        let Entries { files, others } = self.look(seen)?;
        let is_there = |name: &String| {
            files.contains_key(name) || others.iter().any(|other| other.name == *name)
        };
        self.reported.borrow_mut().retain(is_there);
        for other in others {
            worst = worse(worst, self.not_taken(other));
        }
        let mut names: Vec<&String> = files.keys().collect();
        names.sort();
        for name in names {
            if self.session.stop.is_asked() {
                break;
            }
            let lying = &files[name];
            let lain = seen.get(name).map(|(_, since)| since.elapsed());
            if !may_be_taken(lying.ready, lain, self.options.settle) {
                continue;
            }
            match self.inbox.claim(name, lying) {
                Ok(Some(file)) => worst = worse(worst, self.file(&file)),
                // Someone else was quicker, or it has changed since.
                Ok(None) => {}
                Err(why) => {
                    let name = name.clone();
                    worst = worse(worst, self.not_taken(Other { name, why }));
                }
            }
        }
        Ok(worst)
    }

    /// Imports one file that was taken. Nothing if someone else has it.
    fn file(&self, file: &Path) -> Option<Exit> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        match self.import(file, &name) {
            Ok(exit) => exit,
            Err(error) => {
                let exit = error.exit();
                if exit == Exit::Busy || !file.is_file() {
                    return None;
                }
                self.desk.told(&name, Told::Failed(&error));
                let notifications = self.desk.notifications(&name);
                let inbox = Some(self.options.folder.as_path());
                notifications.failed(self.session, file, inbox, &error);
                // What is wrong with the file will be wrong tomorrow; it makes room for the next.
                if error.is_of_file()
                    && let Err(error) = self.put_aside(file, &error.fact())
                {
                    self.desk.told(&name, Told::Failed(&error));
                }
                Some(exit)
            }
        }
    }

    fn import(&self, file: &Path, name: &str) -> Result<Option<Exit>, AppError> {
        let (mut wanted, notifications) = self.desk.wanted(file, name)?;
        wanted.settings.roster.read.origin = Origin::Dropped;
        let mut ready = ready(self.session, wanted)?;
        // It was dealt with and moved away while the lock was waited for.
        if !file.is_file() {
            return Ok(None);
        }
        ready.settings.inbox = Some(self.options.folder.clone());
        ready.settings.dropped_as = Some(name.to_owned());
        if let Some(exit) = self.imported_before(file, name, &ready)? {
            return Ok(Some(exit));
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
            session: self.session,
            notifications: &notifications,
            credentials: ready.credentials.clone(),
            agree: None,
        };
        let ended = job.send(&ready.prepared, &ready.settings, start)?;
        self.desk.told(name, Told::Ended(&ended, &ready.settings));
        Ok(Some(ended.summary.exit_code))
    }

    /// Puts a file away that has been imported before, and returns how that ended; nothing if it is
    /// to be imported now.
    fn imported_before(
        &self,
        file: &Path,
        name: &str,
        ready: &Ready,
    ) -> Result<Option<Exit>, AppError> {
        let journal = Journal::open(&self.session.state)?;
        let record = last_of_content(&journal, ready)?;
        // Beginning it says that it was undone, unless it is begun anew.
        let Some(record) = record.filter(|record| record.state != RunState::Undone) else {
            return Ok(None);
        };
        let summary = record.summary.as_deref().unwrap_or_default();
        // What another version of the program meant is no reason to put a file aside.
        let (Ok(settings), Ok(mut summary)) = (
            Settings::of(&record),
            serde_json::from_str::<Summary>(summary),
        ) else {
            return Ok(None);
        };
        let own = absolute(file);
        let moving_from = settings.moving_from.as_deref().map(absolute);
        // It was imported from here, and only not put away any more.
        if record.file == own.display().to_string() {
            archive(self.session, &settings, &mut summary)?;
        } else if moving_from.as_ref() == Some(&own) {
            let place = place_of(summary.exit_code).unwrap_or(Place::Failed);
            self.put_away(file, place)?;
        } else {
            let is_known = is_whole(&summary)
                && is_last_of_its_name(&journal, &record)?
                && settings.mean_the_same(&ready.settings);
            if !is_known || self.options.again {
                return Ok(None);
            }
            let to = &self.put_away(file, Place::Done)?;
            let run = &record.name;
            self.desk.told(name, Told::Duplicate { run, to });
            return Ok(Some(Exit::Success));
        }
        self.desk.told(name, Told::PutAway(&summary));
        Ok(Some(summary.exit_code))
    }

    /// Moves a file out of the way, with what lies beside it. Returns where it is then.
    fn put_away(&self, file: &Path, place: Place) -> Result<PathBuf, AppError> {
        let failed = self.failed("put-away-in");
        let today = today(self.session.clock.timestamp()).to_string();
        let _alone = self.inbox.alone().map_err(&failed)?;
        let moves = self.inbox.places(file, &[], place, &today);
        let moves = moves.map_err(&failed)?;
        self.inbox.put(&moves).map_err(&failed)?;
        Ok(moves
            .paths
            .last()
            .map_or_else(|| file.to_owned(), |(_, to)| to.clone()))
    }

    /// Moves a file that cannot be imported out of the way, with a report that says why.
    fn put_aside(&self, file: &Path, why: &Fact) -> Result<(), AppError> {
        let explained = self.inbox.explain(file, &why.in_words());
        explained.map_err(self.failed("write-why"))?;
        self.put_away(file, Place::Failed)?;
        Ok(())
    }
}

/// Whether a file is whole: a marker says so, or it has lain unchanged for so long.
fn may_be_taken(is_ready: bool, lain: Option<Duration>, settle: Duration) -> bool {
    is_ready || lain.is_some_and(|lain| lain >= settle)
}

/// Whether a run brought all of its file, so that the same file again has nothing new.
fn is_whole(summary: &Summary) -> bool {
    let states = &summary.states;
    summary.exit_code != Exit::Held && states.failed == 0 && states.not_sent == 0
}

/// Waits, unless someone asks for a stop.
pub fn wait(time: Duration, stop: &StopSignal) {
    let began = Instant::now();
    while began.elapsed() < time && !stop.is_asked() {
        let left = time.saturating_sub(began.elapsed());
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}

/// The worse of two exit codes, in the order 1, 6, 4, 3, 5, 0.
pub fn worse(one: Option<Exit>, other: Option<Exit>) -> Option<Exit> {
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
