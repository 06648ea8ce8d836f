use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::args::CommonArgs;
use super::config::Config;
use super::interrupt::StopSignal;
use super::job::Job;
use super::{logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Watch;
use crate::send::Credentials;

/// What every command that sends begins with: a clock, someone who watches, the config, the folder
/// of the journal, and an ear for signals.
pub(super) struct Opening {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) watch: Box<dyn Watch>,
    pub(super) config: Config,
    pub(super) state: PathBuf,
    pub(super) stop: StopSignal,
}

impl Opening {
    pub(super) fn of(common: &CommonArgs) -> Result<Opening> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (watch, bar) = terminal::watcher(common, clock.clone());
        logging::start(common, bar);
        let config = Config::load(common)?;
        Ok(Opening {
            state: settings::state_folder(&config, common)?,
            stop: StopSignal::new(),
            clock,
            watch,
            config,
        })
    }

    /// A job with `config`, which may be that of an earlier run.
    pub(super) fn job<'a>(
        &'a self,
        config: &'a Config,
        credentials: Credentials,
        agreed: bool,
    ) -> Job<'a> {
        Job {
            config,
            clock: self.clock.clone(),
            watch: self.watch.as_ref(),
            stop: &self.stop,
            state: self.state.clone(),
            credentials,
            agreed,
        }
    }
}
