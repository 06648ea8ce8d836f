//! A session holds the clock, observer, state folder and stop signal that all runs share.

use std::sync::Arc;

use super::error::AppError;
use super::stop::StopSignal;
use crate::clock::{Clock, SystemClock};
use crate::events::Observer;
use crate::journal::State;
use crate::run::{Actor, Author, Settings};

/// What everything that sends has in common: a clock, an observer, the folder of the journal, and
/// when it is to stop.
pub struct Session {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Observes runs.
    pub observer: Box<dyn Observer>,
    /// Where runs are recorded.
    pub state: State,
    /// What leads another command to that folder, such as ` --state DIR`; nothing where it finds it by
    /// itself.
    pub journal_flag: String,
    /// The account that works on the runs.
    pub author: Author,
    /// Signals that runs must stop.
    pub stop: StopSignal,
    /// Addresses of APIs that are played for longer than one run: what was sent there can be gone on with
    /// and restored as long as they are.
    pub played: Vec<String>,
}

/// Files, connections and signals that a run has open at least.
#[cfg(unix)]
const FILES: usize = 24;

impl Session {
    /// A session that records its runs in `state`.
    ///
    /// # Errors
    /// When the process may open too few files to bring a run to its end.
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

    /// Whether a run with these settings went to an API that was played, and is gone.
    pub fn has_lost(&self, settings: &Settings) -> bool {
        settings.sandbox && !self.played.contains(&settings.delivery.client.base_url)
    }
}

/// Refuses to begin what would fail half way for want of open files.
fn refuse_too_few_files() -> Result<(), AppError> {
    #[cfg(unix)]
    {
        // A root folder with nothing but the program has no /dev.
        let open = |_| std::fs::File::open("/");
        let files: std::io::Result<Vec<std::fs::File>> = (0..FILES).map(open).collect();
        files.map_err(AppError::TooFewFiles)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::app::scene::Scene;

    #[test]
    fn only_an_api_that_was_played_and_is_no_more_is_lost() {
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
