//! Simulated APIs of the console live as long as the console.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::{AppError, Played};

/// The APIs that are played for as long as the console lasts, one for each file: what was sent there can be
/// gone on with and put back until then.
#[derive(Default)]
pub(super) struct PlayedApis {
    all: Mutex<Vec<Kept>>,
}

/// An API that is played for one file.
struct Kept {
    file: PathBuf,
    base_url: String,
    _keeper: Box<dyn Any + Send>,
}

impl PlayedApis {
    /// The API that is played for `file`, which is begun where there is none yet.
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

    /// Their addresses.
    pub(super) fn addresses(&self) -> Vec<String> {
        let all = self.lock();
        all.iter().map(|kept| kept.base_url.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
