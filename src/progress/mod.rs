//! Progress output of a run on standard error: a bar on a terminal, plain lines, JSON lines or log events
//! otherwise.

mod bar;
mod json;
mod log;
mod plain;
mod screen;
mod ticker;
mod unwatched;
mod words;

pub use bar::Bar;
pub use json::JsonLines;
pub use log::LogEvents;
pub use plain::PlainLines;
pub use unwatched::Unwatched;
pub use words::{lines, time_left};

use std::sync::{Mutex, MutexGuard, PoisonError};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
