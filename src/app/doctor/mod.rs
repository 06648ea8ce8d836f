//! Checks of the machine, the target and the credentials before an import.

mod api;
mod diagnosis;
mod local;

pub use api::{Asking, Examined, of_api};
pub(super) use api::{client, not_of_api, of_fault, of_refusal, pacer};
pub use diagnosis::{Diagnosis, Health};
pub use local::{of_metrics, of_notify, of_state};
