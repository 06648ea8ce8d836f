use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::config::Config;
use super::interrupt::StopSignal;
use super::options::Format;
use super::tell::tell;
use super::{Usage, import, settings, terminal};
use crate::clock::Clock;
use crate::events::{Plan, Watch};
use crate::inbox::{Inbox, Place};
use crate::journal::{Journal, RosterLock};
use crate::model::{Exit, Summary};
use crate::report::{count_of, example_lines};
use crate::run::{Context, Ended, Prepared, RunError, Settings, Start, absolute};
use crate::send::{Credentials, Stop};

/// What every command that sends has in common: who watches, what is agreed to, who is told.
pub(super) struct Job<'a> {
    pub(super) config: &'a Config,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) watch: &'a dyn Watch,
    pub(super) stop: &'a StopSignal,
    /// The folder of the journal.
    pub(super) state: PathBuf,
    pub(super) credentials: Credentials,
    /// Whether nobody is to be asked.
    pub(super) agreed: bool,
}

impl Job<'_> {
    /// Sends, prints the figures and, if it ended early, the way on.
    pub(super) fn run(
        &self,
        prepared: &Prepared,
        settings: &Settings,
        start: Start,
        format: Format,
    ) -> Result<Exit> {
        let ended = self.send(prepared, settings, start)?;
        import::print_summary(format, &ended.summary);
        Ok(ended.summary.exit_code)
    }

    /// Sends, moves a file of an inbox to where it belongs, tells whoever is to be told, and says
    /// the way on if the run ended early.
    pub(super) fn send(
        &self,
        prepared: &Prepared,
        settings: &Settings,
        start: Start,
    ) -> Result<Ended> {
        let span = tracing::info_span!("run", file = %prepared.input.path().display(), run = tracing::field::Empty);
        let _in_span = span.enter();
        // A signal at the question has its usual effect.
        if self.agreed || !matches!(start, Start::New(_)) {
            self.stop.listen();
        }
        let context = Context {
            clock: self.clock.clone(),
            seed: rand::random(),
            credentials: self.credentials.clone(),
            state: self.state.clone(),
            watch: self.watch,
            agree: &|plan| {
                let agrees = self.agreed || agree(plan);
                self.stop.listen();
                agrees
            },
            stop: self.stop.receiver(),
        };
        let mut ended = crate::run::import(prepared, settings, start, &context).map_err(
            |error| match error {
                RunError::Declined if !terminal::can_ask() => anyhow::Error::new(Usage(
                    "nothing was sent: without a terminal to ask on, an import needs --yes".into(),
                )),
                other => other.into(),
            },
        )?;
        let mut settings = settings.clone();
        settings.delivery.paths = ended.paths.clone();
        self.archive(&settings, &mut ended.summary)?;
        tell(self.config, &ended.summary);
        if let Some(stop) = &ended.stop {
            let run = &ended.summary.run;
            let way = settings::way_to(run, &self.state);
            let on = match stop {
                Stop::Held { .. } if settings.sandbox => {
                    "import the file again, with that guard set higher".to_owned()
                }
                _ if settings.sandbox => "import the file again".to_owned(),
                Stop::Held { .. } => {
                    format!("look at it and, if it is right: rosterpatch approve {way}")
                }
                _ => format!("go on with: rosterpatch resume {way}"),
            };
            terminal::error(&format!("{}; {}{on}", stop.for_person(), hint(stop)));
        }
        Ok(ended)
    }

    /// Moves a file of an inbox, and what was written beside it, to where it belongs after its run,
    /// and has the journal know; nothing where the run is to be gone on with, or its file was not
    /// dropped into a folder.
    pub(super) fn archive(&self, settings: &Settings, summary: &mut Summary) -> Result<()> {
        let (Some(inbox), Some(place)) = (&settings.inbox, place_of(summary.exit_code)) else {
            return Ok(());
        };
        let inbox = Inbox::at(inbox);
        // What was asked for elsewhere stays there.
        let own = settings.roster.file.parent().map(absolute);
        let beside: Vec<PathBuf> = settings
            .delivery
            .paths
            .all()
            .into_iter()
            .filter(|path| path.parent().map(absolute) == own)
            .cloned()
            .collect();
        let today = settings::today(self.clock.timestamp()).to_string();
        let _alone = inbox.alone()?;
        let moved = inbox.places(&settings.roster.file, &beside, place, &today)?;
        let Some((own, new)) = moved.last() else {
            return Ok(());
        };
        let to = |path: &Path| {
            let from = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            match moved.iter().find(|(known, _)| *known == from) {
                Some((_, to)) => to.clone(),
                // What was not written would be written beside the file.
                None => match (from.file_name(), new.parent()) {
                    (Some(name), Some(new)) if from.parent() == own.parent() => new.join(name),
                    _ => path.to_owned(),
                },
            }
        };
        let mut settings = settings.clone();
        settings.moving_from = Some(own.clone());
        settings.roster.file = to(&settings.roster.file);
        settings.delivery.paths.change_each(|path| *path = to(path));
        for path in [
            &mut summary.results,
            &mut summary.failed_rows,
            &mut summary.report,
            &mut summary.before,
            &mut summary.new_rows,
        ]
        .into_iter()
        .flatten()
        {
            *path = to(path);
        }
        summary.file = settings.roster.file.display().to_string();
        let mut journal = Journal::open(&self.state)?;
        let run = journal.run(Some(&summary.run))?.id;
        let json = serde_json::to_string(summary)?;
        // Its folder is there already, and leads to the same place by one name.
        let file = match settings.roster.file.parent().map(std::fs::canonicalize) {
            Some(Ok(folder)) => folder.join(settings.roster.file.file_name().unwrap_or_default()),
            _ => std::path::absolute(&settings.roster.file)?,
        };
        let file = file.display().to_string();
        // The journal first: a file that lies still where it was taken is known by that.
        journal.moved(run, &file, &settings.to_json(), &json)?;
        inbox.put(&moved)?;
        settings.moving_from = None;
        Ok(journal.moved(run, &file, &settings.to_json(), &json)?)
    }
}

/// Where a file of an inbox goes after a run that ended so; nowhere if it is to be gone on with.
pub(super) fn place_of(exit: Exit) -> Option<Place> {
    match exit {
        Exit::Success => Some(Place::Done),
        Exit::RowsFailed => Some(Place::Failed),
        Exit::Held => Some(Place::Held),
        Exit::CannotDo | Exit::Usage | Exit::Interrupted | Exit::Refused | Exit::Busy => None,
    }
}

/// Holds the roster for this process. Standard input is nobody else's anyway.
pub(super) fn hold(state: &Path, roster: &Path) -> Result<Option<RosterLock>> {
    if roster == Path::new("-") {
        return Ok(None);
    }
    match RosterLock::take(state, roster)? {
        Some(lock) => Ok(Some(lock)),
        None => Err(RunError::Busy {
            file: roster.to_owned(),
        }
        .into()),
    }
}

/// Holds what was read from standard input for this process, by its content.
pub(super) fn hold_content(state: &Path, prepared: &Prepared) -> Result<RosterLock> {
    let content = prepared.input.sha256().map_err(RunError::from)?;
    let file = prepared.input.path().to_owned();
    let lock = RosterLock::take(state, Path::new(&format!("content {content}")))?;
    lock.ok_or_else(|| RunError::Busy { file }.into())
}

fn agree(plan: &Plan) -> bool {
    if !terminal::can_ask() {
        return false;
    }
    for line in example_lines(plan) {
        terminal::note(&line);
    }
    terminal::ask(&format!(
        "Change {} at {}, {}?",
        count_of(plan.to_send, "record"),
        plan.base_url,
        plan.target
    ))
}

fn hint(stop: &Stop) -> &'static str {
    match stop {
        stop if stop.may_not_read() => {
            "if these credentials may write and not read, --blind sends without reading; else check them and "
        }
        Stop::Refused { .. } => "check the credentials in the environment and ",
        Stop::Unreachable => "check the address and the network and ",
        Stop::Failing { .. } => "find out what is wrong and ",
        Stop::Canary { .. } => "find out what the API makes of the rows and ",
        Stop::LookUp { .. } | Stop::Asked | Stop::Held { .. } => "",
    }
}
