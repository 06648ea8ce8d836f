//! This module simulates Pathwright's school members, following its public documentation and the errors of
//! the framework that it appears to use (Django REST framework).

mod http;
mod members;

pub(super) use http::{nothing, routes};
pub(super) use members::{Members, seed};

/// The path below which the API is served.
pub(super) const PATH: &str = "/api/public";

/// The name, method and path of the update in its target file.
pub(super) const IDENTITY: (&str, &str, &str) = (
    "pathwright",
    "PATCH",
    "/member/{integration}/{external_id}/",
);
