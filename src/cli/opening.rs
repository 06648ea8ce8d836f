use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::config::Config;
use super::interrupt::StopSignal;
use super::job::Job;
use super::options::GeneralOptions;
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

/// Files, connections and signals that a run has open at least.
const FILES: usize = 24;

/// Refuses to begin what would fail half way for want of open files.
fn refuse_too_few_files() -> Result<()> {
    #[cfg(unix)]
    {
        let open = |_| std::fs::File::open("/dev/null");
        let files: std::io::Result<Vec<std::fs::File>> = (0..FILES).map(open).collect();
        files.context(
            "this process may open too few files (ulimit -n); nothing was begun, and 64 are enough",
        )?;
    }
    Ok(())
}

impl Opening {
    pub(super) fn of(common: &GeneralOptions) -> Result<Opening> {
        refuse_too_few_files()?;
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
