//! Any API that a target's file describes, as that file says it behaves: records in memory by key, its
//! sign-in, errors, quota headers, search and pages. For whoever writes a target, to rehearse it. The
//! file is read here again, so that a mistake in how the rest of the crate reads it shows.

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

/// The path below which it is served.
pub const PATH: &str = "/target";
