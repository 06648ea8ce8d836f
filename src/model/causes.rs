//! Joins an error and its causes into one line.

use std::error::Error;
use std::io;

use crate::l10n::say;

/// Joins the messages of an error and all its causes. No error type of this crate includes its cause's
/// message.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = in_words(error);
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&in_words(cause));
        next = cause.source();
    }
    text
}

/// Whether a Windows error code means that another program holds the file open or has locked a part of it
/// (`ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`).
pub(super) fn is_held_open(number: Option<i32>) -> bool {
    cfg!(windows) && matches!(number, Some(32 | 33))
}

/// The error's message. Common operating system errors are translated into the interface language.
fn in_words(error: &(dyn Error + 'static)) -> String {
    let io = error.downcast_ref::<io::Error>();
    if io.is_some_and(|io| is_held_open(io.raw_os_error())) {
        return say().cause_held_open();
    }
    match io
        .filter(|io| io.raw_os_error().is_some())
        .map(io::Error::kind)
    {
        Some(io::ErrorKind::NotFound) => say().cause_not_found(),
        Some(io::ErrorKind::PermissionDenied) => say().cause_denied(),
        Some(io::ErrorKind::StorageFull) => say().cause_full(),
        _ => error.to_string(),
    }
}
