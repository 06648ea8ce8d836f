use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::args::Format;
use super::{Usage, import, interrupt, settings, terminal};
use crate::clock::Clock;
use crate::events::{Plan, Watch};
use crate::journal::RosterLock;
use crate::model::Exit;
use crate::report::{count_of, example_lines};
use crate::run::{Context, Prepared, RunError, Settings, Start};
use crate::send::{Credentials, Stop};

/// What every command that sends has in common: who watches, what is agreed to, how it ends.
pub(super) struct Job {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) watch: Box<dyn Watch>,
    /// The folder of the journal.
    pub(super) state: PathBuf,
    pub(super) credentials: Credentials,
    /// Whether nobody is to be asked.
    pub(super) agreed: bool,
    pub(super) format: Format,
}

impl Job {
    /// Sends, prints the figures and, if it ended early, the way on.
    pub(super) fn run(
        self,
        prepared: &Prepared,
        settings: &Settings,
        start: Start,
    ) -> Result<Exit> {
        // A signal at the question has its usual effect.
        let stop = interrupt::StopSignal::new();
        let is_resumed = !matches!(start, Start::New(_));
        if is_resumed {
            stop.listen();
        }
        let context = Context {
            clock: self.clock,
            seed: rand::random(),
            credentials: self.credentials,
            state: self.state.clone(),
            watch: self.watch.as_ref(),
            agree: &|plan| {
                let agrees = self.agreed || agree(plan);
                if !is_resumed {
                    stop.listen();
                }
                agrees
            },
            stop: stop.receiver(),
        };
        let ended =
            crate::run::import(prepared, settings, start, &context).map_err(
                |error| match error {
                    RunError::Declined if !terminal::can_ask() => anyhow::Error::new(Usage(
                        "nothing was sent: without a terminal to ask on, an import needs --yes"
                            .into(),
                    )),
                    other => other.into(),
                },
            )?;
        import::print_summary(self.format, &ended.summary);
        if let Some(stop) = &ended.stop {
            let on = if let Stop::Held { .. } = stop {
                let state = settings::way_to_state(&self.state);
                let run = &ended.summary.run;
                format!("look at the plan and, if it is right: rosterpatch approve {run}{state}")
            } else if settings.sandbox {
                "import the file again".to_owned()
            } else {
                let state = settings::way_to_state(&self.state);
                format!(
                    "go on with: rosterpatch resume {}{state}",
                    ended.summary.run
                )
            };
            terminal::error(&format!("{stop}; {}{on}", hint(stop)));
        }
        Ok(ended.summary.exit_code)
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
        Stop::Refused { .. } => "check the credentials in the environment and ",
        Stop::Unreachable => "check the address and the network and ",
        Stop::Failing { .. } => "find out what is wrong and ",
        Stop::Canary { .. } => "find out what the API makes of the rows and ",
        Stop::LookUp { .. } | Stop::Asked | Stop::Held { .. } => "",
    }
}
