//! Pathwright's school members, as its public documentation describes them, with the errors of
//! the framework whose paging and slashes it shows (Django REST framework).

mod http;
mod members;

pub(super) use http::{nothing, routes};
pub(super) use members::{Members, seed};

/// The path below which it is served.
pub(super) const PATH: &str = "/api/public";

/// The name, method and path of the update in its target file.
pub(super) const IDENTITY: (&str, &str, &str) = (
    "pathwright",
    "PATCH",
    "/member/{integration}/{external_id}/",
);
