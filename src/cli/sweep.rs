use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::args::{CommonArgs, Format, OutputArgs, SweepArgs};
use super::assemble::{Asked, Assembled, assemble};
use super::config::Config;
use super::interrupt::StopSignal;
use super::job::Job;
use super::{exit_of, import, logging, settings, terminal, whole_text};
use crate::clock::{Clock, SystemClock};
use crate::events::Watch;
use crate::inbox::{Inbox, Lying, Place};
use crate::journal::Journal;
use crate::model::{Exit, Summary};
use crate::report::{count_of, human_duration};
use crate::run::RunError;

/// `rosterpatch sweep INBOX`.
pub(super) fn run(common: &CommonArgs, args: &SweepArgs) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (watch, bar) = terminal::watcher(common, clock.clone());
    logging::start(common, bar);
    let stop = StopSignal::new();
    stop.listen();
    let sweep = Sweep::new(common, args, clock, watch.as_ref(), &stop)?;
    let settle = sweep.settle;
    let mut seen = sweep.inbox_files()?;
    if seen.values().any(|lying| !lying.ready) && !settle.is_zero() {
        // A file that someone is still writing looks another one after a while.
        wait(settle, &stop);
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

/// One folder, and how its files are imported.
pub(super) struct Sweep<'a> {
    args: &'a SweepArgs,
    config: Config,
    clock: Arc<dyn Clock>,
    watch: &'a dyn Watch,
    stop: &'a StopSignal,
    inbox: Inbox,
    state: PathBuf,
    pub(super) settle: Duration,
    pub(super) interval: Duration,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(
        common: &CommonArgs,
        args: &'a SweepArgs,
        clock: Arc<dyn Clock>,
        watch: &'a dyn Watch,
        stop: &'a StopSignal,
    ) -> Result<Sweep<'a>> {
        let config = Config::load(common)?;
        let time = |flag: &str, given: Option<String>, usual: &str| {
            settings::duration(flag, given.as_deref().unwrap_or(usual))
        };
        let settle = config.or(&args.settle, |layer| &layer.settle);
        let interval = config.or(&args.interval, |layer| &layer.interval);
        Ok(Sweep {
            settle: time("--settle", settle, "5s")?,
            interval: time("--interval", interval, "30s")?,
            state: settings::state_folder(&config, common)?,
            inbox: Inbox::at(&args.inbox),
            args,
            config,
            clock,
            watch,
            stop,
        })
    }

    /// The files that lie in the inbox.
    pub(super) fn inbox_files(&self) -> Result<HashMap<String, Lying>> {
        let folder = self.args.inbox.display();
        let files = self.inbox.lying();
        files.with_context(|| format!("cannot read the folder {folder}"))
    }

    /// Goes on with what was taken and not brought to an end, and takes the files that lie as they
    /// lay in `seen`, or say that they are whole. `seen` is brought up to date. Returns the worst
    /// of the files' exit codes, if there were any.
    pub(super) fn once(&self, seen: &mut HashMap<String, Lying>) -> Result<Option<Exit>> {
        let mut worst = None;
        for file in self.inbox.taken()? {
            if self.stop.is_asked() {
                return Ok(worst);
            }
            worst = worse(worst, self.file(&file));
        }
        let now = self.inbox_files()?;
        let mut whole: Vec<&String> = now
            .iter()
            .filter(|(name, lying)| {
                lying.ready || self.settle.is_zero() || seen.get(*name) == Some(*lying)
            })
            .map(|(name, _)| name)
            .collect();
        whole.sort();
        for name in whole {
            if self.stop.is_asked() {
                break;
            }
            let claimed = self.inbox.claim(name);
            let claimed = claimed.with_context(|| {
                format!("cannot take {name} out of {}", self.args.inbox.display())
            })?;
            // Otherwise someone else was quicker.
            if let Some(file) = claimed {
                worst = worse(worst, self.file(&file));
            }
        }
        *seen = now;
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
        let config = match self.config.profile() {
            Some(_) => self.config.clone(),
            None => match self.config.profile_of(name)? {
                Some(profile) => self.config.with_profile(profile)?,
                None => self.config.clone(),
            },
        };
        let output = OutputArgs {
            results: None,
            failed: None,
            report: None,
            before: None,
            format: self.args.format,
        };
        let asked = Asked {
            file,
            roster: &self.args.options,
            delivery: &self.args.delivery,
            output: &output,
            holds: true,
        };
        let mut assembled = assemble(&config, self.state.clone(), &asked, &self.clock, self.watch)?;
        // It was dealt with and moved away while the lock was waited for.
        if !file.is_file() {
            return Ok(None);
        }
        if !self.args.again
            && let Some(run) = self.imported_before(&assembled)?
        {
            return self.duplicate(file, name, &run).map(Some);
        }
        let start = import::start(&mut assembled, false, "import", None)?;
        let job = Job {
            config: &config,
            clock: self.clock.clone(),
            watch: self.watch,
            stop: self.stop,
            state: self.state.clone(),
            credentials: assembled.credentials.clone(),
            agreed: true,
        };
        let ended = job.send(&assembled.prepared, &assembled.settings, start)?;
        self.tell(name, &ended.summary);
        Ok(Some(ended.summary.exit_code))
    }

    /// The run that has imported this very content already.
    fn imported_before(&self, assembled: &Assembled) -> Result<Option<String>> {
        let prepared = &assembled.prepared;
        let run = Journal::open(&self.state)?.finished_before(
            prepared.input.sha256().map_err(RunError::from)?,
            &prepared.checker.spec().name,
            &assembled.settings.delivery.client.base_url,
        )?;
        Ok(run.map(|run| run.name))
    }

    fn duplicate(&self, file: &Path, name: &str, run: &str) -> Result<Exit> {
        let today = settings::today(self.clock.timestamp()).to_string();
        let moved = self.inbox.archive(file, &[], Place::Done, &today)?;
        let to = moved.last().map_or(file, |(_, to)| to.as_path());
        match self.args.format {
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

    /// Moves a file that cannot be imported out of the way, with a report that says why.
    fn put_aside(&self, file: &Path, why: &str) -> Result<()> {
        let report = file.with_extension("error.txt");
        std::fs::write(&report, format!("{why}\n"))?;
        let today = settings::today(self.clock.timestamp()).to_string();
        self.inbox.archive(file, &[report], Place::Failed, &today)?;
        Ok(())
    }

    /// One line a file on standard output, or one object.
    fn tell(&self, name: &str, summary: &Summary) {
        match self.args.format {
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
    matches!(
        error.downcast_ref::<RunError>(),
        Some(RunError::Read(_) | RunError::Map { .. } | RunError::Key { .. })
    )
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
