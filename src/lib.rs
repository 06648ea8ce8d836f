//! Updates a school's directory API from a CSV or Excel roster, within the API's rate limit, and records the
//! outcome of every row.
//!
//! A row passes through [`read`] → [`map`] → [`check`] → [`plan`] → [`send`] → [`journal`] → [`report`].
//! [`run`] coordinates these stages; [`targets`] describes the API.

#![warn(missing_docs)]
// User input and network data must never cause a panic.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod app;
pub mod check;
pub mod cli;
pub mod clock;
pub mod console;
pub mod events;
#[cfg(feature = "postgres")]
pub mod fleet;
#[cfg(not(feature = "postgres"))]
#[path = "fleet/absent.rs"]
pub mod fleet;
mod inbox;
pub mod journal;
pub mod l10n;
pub mod log;
pub mod map;
pub mod model;
pub mod plan;
pub mod progress;
pub mod read;
pub mod report;
pub mod run;
pub mod safe_fs;
pub mod sandbox;
pub mod send;
pub mod targets;
