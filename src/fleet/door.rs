//! The front end of a worker: its profiles, and the reports that it receives.

use std::path::Path;
use std::time::Duration;

use crate::app::{AppError, Notifications, Session, Wanted};
use crate::model::{Fact, Summary};
use crate::send::Credentials;
use crate::targets::TargetSpec;

/// A worker's access to its profiles and their secrets, which are not stored in the queue.
pub trait FleetDoor: Sync {
    /// Returns how to import a file according to a profile, and the recipients of notifications.
    ///
    /// # Errors
    /// Fails if the profile is not configured on this machine.
    fn wanted<'a>(
        &'a self,
        session: &'a Session,
        file: &Path,
        profile: Option<&str>,
    ) -> Result<(Wanted<'a>, Notifications), AppError>;

    /// Returns the credentials of a profile and the recipients of notifications.
    ///
    /// # Errors
    /// Fails if the credentials are not available on this machine.
    fn credentials(
        &self,
        profile: Option<&str>,
        spec: &TargetSpec,
    ) -> Result<(Credentials, Notifications), AppError>;

    /// The recipients of notifications about a profile's files.
    fn notifications(&self, profile: Option<&str>) -> Notifications;

    /// Receives the outcome of a batch.
    fn heard(&self, what: Heard<'_>);
}

/// The outcome of a batch.
#[derive(Debug)]
pub enum Heard<'a> {
    /// The rest of the file is scheduled.
    Later {
        /// The path of the file.
        file: &'a str,
        /// The name of the run, once it has begun.
        run: Option<&'a str>,
        /// The delay until the next batch.
        after: Duration,
        /// The reason for the delay, if it is a failure.
        why: Option<&'a Fact>,
    },
    /// The run has ended or requires action.
    Ended {
        /// The path of the file.
        file: &'a str,
        /// The summary of the run, if it has one.
        summary: Option<&'a Summary>,
        /// The reason if the run did not finish.
        why: Option<&'a Fact>,
    },
}
