//! Sessions: the clock, observer, state and stop signal that all runs of a process share.

use std::sync::Arc;

use super::error::AppError;
use super::stop::StopSignal;
use crate::clock::{Clock, SystemClock};
use crate::events::Observer;
use crate::journal::State;
use crate::run::{Actor, Author, Context, Settings};
use crate::send::Credentials;

/// The resources that all runs of a process share: clock, observer, state folder and stop signal.
pub struct Session {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The observer of all runs.
    pub observer: Box<dyn Observer>,
    /// The state folder or database, where runs are recorded.
    pub state: State,
    /// The option that leads another command to the state, such as ` --state DIR`. Empty for the default
    /// state.
    pub journal_flag: String,
    /// The account that executes the runs.
    pub author: Author,
    /// The signal that stops runs.
    pub stop: StopSignal,
    /// Addresses of simulated APIs that outlive a single run. Runs to these addresses can be resumed and
    /// undone.
    pub played: Vec<String>,
}

/// The minimum number of file descriptors that a run needs.
#[cfg(unix)]
const FILES: usize = 24;

impl Session {
    /// Creates a session that records its runs in `state`.
    ///
    /// # Errors
    /// Fails if the limit of open files is too low for a run.
    pub fn new(observer: Box<dyn Observer>, state: State) -> Result<Session, AppError> {
        refuse_too_few_files()?;
        Ok(Session {
            clock: Arc::new(SystemClock),
            observer,
            state,
            journal_flag: String::new(),
            author: Author {
                actor: Actor::here(),
                note: None,
            },
            stop: StopSignal::new(),
            played: Vec::new(),
        })
    }

    /// Returns the context of a run that is not confirmed.
    pub fn context(&self, credentials: &Credentials) -> Context<'_> {
        Context {
            clock: self.clock.clone(),
            seed: rand::random(),
            credentials: credentials.clone(),
            state: self.state.clone(),
            journal_flag: self.journal_flag.clone(),
            observer: self.observer.as_ref(),
            agree: None,
            chooses: false,
            author: self.author.clone(),
            stop: self.stop.receiver(),
        }
    }

    /// Returns whether the settings point to a simulated API that no longer exists.
    pub fn has_lost(&self, settings: &Settings) -> bool {
        settings.sandbox && !self.played.contains(&settings.delivery.client.base_url)
    }
}

/// Refuses to start if the limit of open files would make a run fail halfway.
fn refuse_too_few_files() -> Result<(), AppError> {
    #[cfg(unix)]
    {
        // The root folder exists in every environment; /dev may be missing in a container.
        let open = |_| std::fs::File::open("/");
        let files: std::io::Result<Vec<std::fs::File>> = (0..FILES).map(open).collect();
        files.map_err(AppError::TooFewFiles)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::app::tests::Scene;

    #[test]
    fn only_a_stopped_simulated_api_counts_as_lost() {
        let mut scene = Scene::new();
        let mut settings = scene.settings("r.csv");
        assert!(!scene.session.has_lost(&settings));
        settings.sandbox = true;
        assert!(scene.session.has_lost(&settings));
        scene.session.played = vec!["http://127.0.0.1:2".into()];
        assert!(scene.session.has_lost(&settings));
        scene.session.played.push("http://127.0.0.1:1".into());
        assert!(!scene.session.has_lost(&settings));
        settings.sandbox = false;
        assert!(!scene.session.has_lost(&settings));
    }
}
