//! The simulation of an API that a target file describes: records in memory, sign-in, errors, rate-limit
//! headers, search and pages. Target authors use it for dry runs. The target file is parsed independently of
//! the rest of the crate, so that a mistake there shows.

mod description;
mod filter;
mod http;
mod lists;
mod records;
mod variation;

pub use description::Description;
pub(in crate::sandbox) use http::{error, rate_headers, routes};
pub(in crate::sandbox) use records::Records;
pub use variation::Variation;

/// The path below which the API is served.
pub const PATH: &str = "/target";
