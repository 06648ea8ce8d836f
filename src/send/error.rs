//! Errors that prevent sending.

use thiserror::Error;

use super::credentials::SignInError;
use crate::journal::JournalError;
use crate::l10n::say;
use crate::model::{Code, Fact};

/// The reason why sending cannot begin or continue.
#[derive(Debug, Error)]
pub enum SendError {
    /// The journal cannot be written. Nothing is sent without a record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The credentials are missing or unusable.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The base address is not allowed.
    #[error("{}", say().address_unusable(url.as_str(), why.as_str()))]
    Address {
        /// The address.
        url: String,
        /// The reason.
        why: String,
    },
    /// The HTTP client cannot be created.
    #[error("{}", say().client_failed(.0.as_str()))]
    Client(String),
    /// The network runtime cannot be created.
    #[error("{}", say().network_failed())]
    Runtime(#[source] std::io::Error),
}

impl SendError {
    /// Returns the error for logs and notifications.
    pub fn fact(&self) -> Fact {
        match self {
            SendError::Journal(error) => error.fact(),
            SendError::SignIn(error) => error.fact(),
            SendError::Address { .. } => Fact::new(Code::SendAddress),
            SendError::Client(_) => Fact::new(Code::SendClient),
            SendError::Runtime(source) => Fact::new(Code::SendRuntime).with_io(source),
        }
    }
}
