//! The sandbox simulates the built-in APIs according to their documentation, and any other API according to
//! its target file. It is an HTTP server over TCP with sign-in, rate limits and errors. It shares no wire
//! types with the rest of the crate, so that a mistake cannot cancel out on both sides.

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

use serde_json::{Map, Value};

pub use any::{Description, PATH as TARGET_PATH, Variation};
pub use faults::{Faults, FaultsError};
pub use server::serve;
pub use simulation::Simulation;
pub use state::{Sandbox, SandboxOptions};

/// A roster row as field names and normalized text, from which the sandbox creates a record.
pub type SeedRow = Vec<(String, String)>;

/// Returns the text of a field in a row.
fn text_in<'a>(row: &'a SeedRow, name: &str) -> Option<&'a str> {
    let cell = row.iter().find(|(field, _)| field == name);
    cell.map(|(_, text)| text.as_str())
}

/// Merges `change` into an object as in RFC 7396, except that null is stored as a value.
fn merge(into: &mut Map<String, Value>, change: &Map<String, Value>) {
    for (name, value) in change {
        match (into.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The client id, client secret and token that the sandbox accepts.
pub const SECRET: &str = "sandbox";

/// A client id with read access only.
pub const READ_ONLY: &str = "sandbox-readonly";

/// A client id with write access only.
pub const WRITE_ONLY: &str = "sandbox-writeonly";
