use thiserror::Error;

use super::credentials::SignInError;
use crate::journal::JournalError;

/// Why sending cannot begin or go on.
#[derive(Debug, Error)]
pub enum SendError {
    /// The journal cannot be written, and nothing is sent without a record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The credentials are not there.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The base address is not one that may be sent to.
    #[error("the address {url} cannot be used: {why}")]
    Address {
        /// The address.
        url: String,
        /// Why.
        why: &'static str,
    },
    /// The HTTP client cannot be made.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
    /// A runtime for the network cannot be made.
    #[error("cannot set up the network: {0}")]
    Runtime(std::io::Error),
}
