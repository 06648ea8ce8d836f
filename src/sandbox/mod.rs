//! Both APIs on this machine, as their documentation says they behave, or any other as its file says:
//! a real HTTP server over TCP with sign-in, quota and errors. It shares no wire type with the rest of the crate, so that
//! a mistake cannot hide by being made on both sides.

mod any;
mod bucket;
mod faults;
mod meitner;
mod pathwright;
mod server;
mod simulation;
mod state;
mod stats;
mod wire;

pub use any::{Description, PATH as TARGET_PATH, Variation};
pub use faults::{Faults, FaultsError};
pub use server::serve;
pub use simulation::Simulation;
pub use state::{Sandbox, SandboxOptions};

/// A row of a roster, as field names and their normalised text: what the sandbox's records are
/// made from.
pub type SeedRow = Vec<(String, String)>;

/// The client id, the client secret and the token that the sandbox takes.
pub const SECRET: &str = "sandbox";

/// A client id that may read and not write.
pub const READ_ONLY: &str = "sandbox-readonly";

/// A client id that may write and not read.
pub const WRITE_ONLY: &str = "sandbox-writeonly";
