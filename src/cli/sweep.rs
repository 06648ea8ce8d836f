use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::args::SweepArgs;
use super::assemble::{Asked, Assembled, assemble};
use super::interrupt::StopSignal;
use super::job::place_of;
use super::opening::Opening;
use super::options::{FileOptions, Format, GeneralOptions};
use super::{exit_of, import, settings, terminal, whole_text};
use crate::inbox::{Inbox, Lying, Place, short};
use crate::journal::{Journal, RunRecord};
use crate::model::{Exit, Summary};
use crate::report::{ReportError, count_of, human_duration};
use crate::run::{RunError, Settings, is_last_of_its_name};

/// `rosterpatch sweep INBOX`.
pub(super) fn run(common: &GeneralOptions, args: &SweepArgs) -> Result<Exit> {
    let opening = Opening::of(common)?;
    opening.stop.listen();
    let sweep = Sweep::new(&opening, args)?;
    let mut seen = HashMap::new();
    let lying = sweep.look(&mut seen)?;
    if lying.values().any(|lying| !lying.ready) {
        // A file that someone is still writing looks another one after a while.
        wait(sweep.settle, &opening.stop);
    }
    Ok(sweep.once(&mut seen)?.unwrap_or(Exit::Success))
}

/// Waits, unless someone asks for a stop.
pub(super) fn wait(time: Duration, stop: &StopSignal) {
    let began = std::time::Instant::now();
    while began.elapsed() < time && !stop.is_asked() {
        let left = time.saturating_sub(began.elapsed());
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}

/// The files of a folder as they lie there, and since when they have been seen to.
pub(super) type Seen = HashMap<String, (Lying, Instant)>;

/// One folder, and how its files are imported.
pub(super) struct Sweep<'a> {
    opening: &'a Opening,
    args: &'a SweepArgs,
    inbox: Inbox,
    pub(super) settle: Duration,
    pub(super) interval: Duration,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(opening: &'a Opening, args: &'a SweepArgs) -> Result<Sweep<'a>> {
        let options = opening.config.fill(&args.inbox);
        Ok(Sweep {
            settle: options.settle().length,
            interval: options.interval().length,
            inbox: Inbox::at(&args.folder),
            opening,
            args,
        })
    }

    /// The files that lie in the inbox; `seen` is brought up to date.
    pub(super) fn look(&self, seen: &mut Seen) -> Result<HashMap<String, Lying>> {
        let folder = self.args.folder.display();
        let files = self.inbox.lying();
        let files = files.with_context(|| format!("cannot read the folder {folder}"))?;
        seen.retain(|name, (lying, _)| files.get(name) == Some(lying));
        for (name, lying) in &files {
            let now = || (lying.clone(), Instant::now());
            seen.entry(name.clone()).or_insert_with(now);
        }
        Ok(files)
    }

    /// Goes on with what was taken and not brought to an end, and takes the files that have lain
    /// unchanged long enough, or say that they are whole. Returns the worst of the files' exit
    /// codes, if there were any.
    pub(super) fn once(&self, seen: &mut Seen) -> Result<Option<Exit>> {
        let mut worst = None;
        for file in self.inbox.taken()? {
            if self.opening.stop.is_asked() {
                return Ok(worst);
            }
            worst = worse(worst, self.file(&file));
        }
        let files = self.look(seen)?;
        let mut names: Vec<&String> = files.keys().collect();
        names.sort();
        for name in names {
            if self.opening.stop.is_asked() {
                break;
            }
            let lying = &files[name];
            let settled = seen
                .get(name)
                .is_some_and(|(_, since)| since.elapsed() >= self.settle);
            if !lying.ready && !settled {
                continue;
            }
            match self.inbox.claim(name, lying) {
                Ok(Some(file)) => worst = worse(worst, self.file(&file)),
                // Someone else was quicker, or it has changed since.
                Ok(None) => {}
                Err(error) => {
                    let inbox = self.args.folder.display();
                    terminal::error(&format!("{name}: cannot be taken out of {inbox}: {error}"));
                    worst = worse(worst, Some(Exit::CannotDo));
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
                let exit = exit_of(&error);
                if exit == Exit::Busy || !file.is_file() {
                    return None;
                }
                terminal::error(&format!("{name}: {}", whole_text(&error)));
                // What is wrong with the file will be wrong tomorrow; it makes room for the next.
                if is_of_file(&error)
                    && let Err(error) = self.put_aside(file, &whole_text(&error))
                {
                    terminal::error(&format!("{name}: {}", whole_text(&error)));
                }
                Some(exit)
            }
        }
    }

    fn import(&self, file: &Path, name: &str) -> Result<Option<Exit>> {
        let config = match self.opening.config.profile() {
            Some(_) => self.opening.config.clone(),
            None => match self.opening.config.profile_of(name)? {
                Some(profile) => self.opening.config.with_profile(profile)?,
                None => self.opening.config.clone(),
            },
        };
        let args = self.args;
        let asked = Asked {
            file: file.to_owned(),
            roster: args.roster.clone(),
            selection: args.selection.clone(),
            place: args.place.clone(),
            connection: args.connection.clone(),
            quota: args.quota.clone(),
            guards: args.guards.clone(),
            canary: args.canary.clone(),
            holds: true,
            ..Asked::default()
        };
        let mut assembled = assemble(self.opening, &config, &asked)?;
        // It was dealt with and moved away while the lock was waited for.
        if !file.is_file() {
            return Ok(None);
        }
        assembled.settings.inbox = Some(self.args.folder.clone());
        assembled.settings.dropped_as = Some(name.to_owned());
        let job = self
            .opening
            .job(&config, assembled.credentials.clone(), true);
        if let Some(record) = self.imported_before(&assembled)? {
            let summary = record.summary.as_deref().unwrap_or_default();
            // What another version of the program meant is no reason to leave a file alone.
            if let (Ok(settings), Ok(mut summary)) = (
                Settings::of(&record),
                serde_json::from_str::<Summary>(summary),
            ) {
                // It was imported from here, and only not put away any more.
                let own = crate::run::absolute(file);
                if record.file == own.display().to_string() {
                    job.archive(&settings, &mut summary)?;
                    self.tell(name, &summary);
                    return Ok(Some(summary.exit_code));
                }
                let moving_from = settings.moving_from.as_deref();
                if moving_from.map(crate::run::absolute).as_deref() == Some(&own) {
                    let place = place_of(summary.exit_code).unwrap_or(Place::Failed);
                    self.put_away(file, place)?;
                    self.tell(name, &summary);
                    return Ok(Some(summary.exit_code));
                }
                let states = &summary.states;
                let journal = Journal::open(&self.opening.state)?;
                let is_last = is_last_of_its_name(&journal, &record)?;
                let is_whole = is_last
                    && summary.exit_code != Exit::Held
                    && states.failed + states.not_sent == 0
                    && settings.mean_the_same(&assembled.settings);
                if is_whole && !self.args.inbox.again {
                    return self.duplicate(file, name, &record.name).map(Some);
                }
            }
        }
        let start = import::start(
            &self.opening.state,
            &mut assembled,
            self.args.start.fresh,
            "import",
            &FileOptions::default(),
        )?;
        let ended = job.send(&assembled.prepared, &assembled.settings, start)?;
        self.tell(name, &ended.summary);
        Ok(Some(ended.summary.exit_code))
    }

    /// The newest run of this very content that came to its end, or is held.
    fn imported_before(&self, assembled: &Assembled) -> Result<Option<RunRecord>> {
        let prepared = &assembled.prepared;
        Ok(Journal::open(&self.opening.state)?.finished_before(
            prepared.input.sha256().map_err(RunError::from)?,
            &prepared.checker.spec().name,
            &assembled.settings.delivery.client.base_url,
        )?)
    }

    fn duplicate(&self, file: &Path, name: &str, run: &str) -> Result<Exit> {
        let to = self.put_away(file, Place::Done)?;
        match self.args.output.format {
            Format::Text => terminal::out(&format!(
                "{name}: a duplicate of what the run {run} imported, so nothing was sent: {}\n",
                to.display()
            )),
            Format::Json => {
                let line = serde_json::json!({
                    "file": to, "duplicate_of": run, "requests": 0, "exit_code": 0,
                });
                terminal::out(&format!("{line}\n"));
            }
        }
        Ok(Exit::Success)
    }

    /// Moves a file out of the way, with what lies beside it. Returns where it is then.
    fn put_away(&self, file: &Path, place: Place) -> Result<PathBuf> {
        let today = settings::today(self.opening.clock.timestamp()).to_string();
        let _alone = self.inbox.alone()?;
        let moves = self.inbox.places(file, &[], place, &today)?;
        self.inbox.put(&moves)?;
        Ok(moves
            .last()
            .map_or_else(|| file.to_owned(), |(_, to)| to.clone()))
    }

    /// Moves a file that cannot be imported out of the way, with a report that says why.
    fn put_aside(&self, file: &Path, why: &str) -> Result<()> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let report = file.with_file_name(format!("{}.error.txt", short(&stem, 200)));
        std::fs::write(&report, format!("{why}\n"))?;
        self.put_away(file, Place::Failed)?;
        Ok(())
    }

    /// One line a file on standard output, or one object.
    fn tell(&self, name: &str, summary: &Summary) {
        match self.args.output.format {
            Format::Json => {
                let line = serde_json::to_string(summary).unwrap_or_default();
                terminal::out(&format!("{line}\n"));
            }
            Format::Text => {
                let states = summary.states.each();
                let states = states.iter().filter(|(_, count)| *count > 0);
                let states: Vec<String> = states
                    .map(|(state, count)| format!("{count} {state}"))
                    .collect();
                terminal::out(&format!(
                    "{name}: {}, {} in {}: {}\n",
                    states.join(", "),
                    count_of(summary.requests, "request"),
                    human_duration(summary.duration_s),
                    summary.file
                ));
            }
        }
    }
}

/// Whether the file is at fault, and not what is around it.
fn is_of_file(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<RunError>() {
        Some(RunError::Read(_) | RunError::Map { .. } | RunError::Key { .. }) => true,
        // Its results cannot be named: its own name is too long.
        Some(RunError::Report(ReportError::Write { source, .. })) => {
            source.kind() == std::io::ErrorKind::InvalidFilename
        }
        _ => false,
    }
}

/// The worse of two exit codes, in the order 1, 6, 4, 3, 5, 0.
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
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_code_is_the_sweeps() {
        let order = [
            Exit::CannotDo,
            Exit::Refused,
            Exit::Held,
            Exit::RowsFailed,
            Exit::Interrupted,
            Exit::Success,
        ];
        for (index, worst) in order.iter().enumerate() {
            for other in &order[index..] {
                assert_eq!(worse(Some(*other), Some(*worst)), Some(*worst));
                assert_eq!(worse(Some(*worst), Some(*other)), Some(*worst));
            }
        }
        assert_eq!(worse(None, None), None);
    }
}
