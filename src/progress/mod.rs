//! How a run looks while it continues: a bar on a terminal, plain lines or JSON elsewhere. To
//! standard error, always.

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
