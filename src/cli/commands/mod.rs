//! The commands, with one module per command.

pub(super) mod backup;
pub(super) mod check;
pub(super) mod decline;
pub(super) mod doctor;
pub(super) mod explain;
#[cfg(feature = "postgres")]
pub(super) mod fleet;
#[cfg(not(feature = "postgres"))]
#[path = "fleet_absent.rs"]
pub(super) mod fleet;
pub(super) mod history;
pub(super) mod import;
pub(super) mod open;
pub(super) mod packagers;
pub(super) mod plan;
pub(super) mod resume;
pub(super) mod retry;
pub(super) mod runs;
pub(super) mod sandbox;
pub(super) mod show_config;
pub(super) mod sweep;
pub(super) mod target_test;
pub(super) mod targets;
pub(super) mod template;
pub(super) mod undo;
