//! The Meitner Directory API's students, as its public documentation describes them.

mod filter;
mod http;
mod seed;
mod students;
mod validate;

pub(super) use http::{nothing, routes};
pub(super) use seed::{copy, seed};
pub(super) use students::Students;
