//! Simulated APIs, which exist as long as the console.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::{AppError, Played};

/// The simulated APIs of the console, one per file. Runs against them can be continued and undone until the
/// console ends.
#[derive(Default)]
pub(super) struct PlayedApis {
    all: Mutex<Vec<Kept>>,
}

/// The simulated API of one file.
struct Kept {
    file: PathBuf,
    base_url: String,
    _keeper: Box<dyn Any + Send>,
}

impl PlayedApis {
    /// Returns the simulated API of `file`, and starts it if necessary.
    pub(super) fn of(
        &self,
        file: &Path,
        play: impl FnOnce() -> Result<Played, AppError>,
    ) -> Result<Played, AppError> {
        let mut all = self.lock();
        let known = all.iter().find(|kept| kept.file == file);
        let base_url = match known {
            Some(kept) => kept.base_url.clone(),
            None => {
                let played = play()?;
                let base_url = played.base_url.clone();
                all.push(Kept {
                    file: file.to_owned(),
                    base_url: played.base_url,
                    _keeper: played.keeper,
                });
                base_url
            }
        };
        Ok(Played {
            base_url,
            keeper: Box::new(()),
        })
    }

    /// Returns the addresses of all simulated APIs.
    pub(super) fn addresses(&self) -> Vec<String> {
        let all = self.lock();
        all.iter().map(|kept| kept.base_url.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
