//! The door gives the console settings, credentials and the config file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::{AppError, Notifications, Session, Wanted};
use crate::events::Observer;
use crate::run::{Roster, Settings};
use crate::targets::TargetSpec;

/// What whoever opens the console knows and it does not: settings, credentials, the config file.
pub trait Door: Send + Sync {
    /// A session for one run.
    ///
    /// # Errors
    /// Fails if the process may open too few files.
    fn session(&self, observer: Box<dyn Observer>) -> Result<Session, AppError>;

    /// Whether the API is played on this machine, so that nothing real is changed.
    fn plays(&self) -> bool;

    /// Plays the API from now on, until the console ends.
    fn rehearse(&self);

    /// The API that was asked for, if one was.
    fn target(&self) -> Option<String>;

    /// Why signing in to the API is not possible, if it is not: for those who look after the computer. Without
    /// a file it is not known where the credentials depend on it.
    fn sign_in(&self, file: Option<&Path>, target: Option<&str>) -> Option<String>;

    /// A roster as it would be understood, and the API that it is for.
    ///
    /// # Errors
    /// Fails if no API is known, or its file cannot be understood.
    fn roster(
        &self,
        file: &Path,
        target: Option<&str>,
    ) -> Result<(Arc<TargetSpec>, Roster), AppError>;

    /// What is wanted of a roster.
    ///
    /// # Errors
    /// Fails if anything is missing that can be known without reading the roster.
    fn wanted<'a>(
        &self,
        session: &'a Session,
        file: &Path,
        target: Option<&str>,
    ) -> Result<Wanted<'a>, AppError>;

    /// What is wanted of a run that is derived from another one.
    ///
    /// # Errors
    /// Fails if its target cannot be understood, or its credentials are not there.
    fn again(&self, settings: Settings) -> Result<Wanted<'static>, AppError>;

    /// Applies the options to a retry of a run.
    ///
    /// # Errors
    /// When root certificates cannot be read.
    fn apply(&self, run: &mut Settings) -> Result<(), AppError>;

    /// Who is told of runs.
    fn notifications(&self) -> Notifications;

    /// The profile of the config file that applies to a file of this name, if one does.
    fn profile_of(&self, name: &str) -> Option<String>;

    /// Keeps what the columns of files are taken for, and the API if one was chosen, for next time: in the profile
    /// that applies to the name, or in a new one for files whose names fit the pattern. Those that are `usual` need no
    /// word. Returns the file that it is kept in.
    ///
    /// # Errors
    /// Fails if the pattern does not fit the name, or the file cannot be written.
    fn keep_columns(
        &self,
        name_and_pattern: (&str, &str),
        target: Option<&str>,
        columns: &[(String, String)],
        usual: &[String],
    ) -> Result<PathBuf, AppError>;
}
