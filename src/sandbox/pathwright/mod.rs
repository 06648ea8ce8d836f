//! Pathwright's school members, as its public documentation describes them, with the errors of
//! the framework whose paging and slashes it shows (Django REST framework).

mod http;
mod members;

pub(super) use http::{nothing, routes};
pub(super) use members::{Members, seed};
