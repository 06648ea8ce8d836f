//! This module simulates the students of the Meitner Directory API, following its public documentation and
//! the vendor's published description. Where those are silent, the simulation behaves as follows:
//!
//! - Stricter: members that are not in the description are refused, in bodies and filters. The real server
//!   may ignore them; the simulation exposes a client that relies on either.
//! - Stricter: an identity number that is not temporary needs a correct check digit. A name must not be
//!   empty, a country has three capital letters, a municipality has four digits, and an e-mail address or
//!   EPPN has an @ and a domain. The description has no patterns, but a real register has rules.
//! - Stricter: `contains` accepts 100 values, and a page has at most 100 records. The limits of the real
//!   server are unknown; a client that stays below these is safe.
//! - Stricter: no two students may have the same EPPN. The description calls it globally unique.
//! - Unknown: an invalid body gets status code 422, as from a server generated from the description, and 400
//!   only if it is not JSON. It is unknown which of the two the real server uses; the client treats them
//!   alike.
//! - Unknown: objects in an update are merged member by member, and omitted members stay unchanged,
//!   `identityTemporary` included. The client sends bodies for which both interpretations agree.
//! - Unknown: a null group, object or value in a filter is ignored, and `%` in `like` stands for any text.
//! - Unknown: `updatedAt` changes with every update and is always set; `/audit-event` lists each deletion
//!   immediately and permanently. `Variation` has servers that differ in this.
//! - Laxer: the token endpoint accepts every client of the sandbox, and token requests do not count against
//!   the rate limit.

mod filter;
mod http;
mod seed;
mod students;
mod validate;

pub(super) use http::{nothing, routes};
pub(super) use seed::{copy, seed};
pub(super) use students::Students;

/// The path below which the API is served.
pub(super) const PATH: &str = "/directory/v1";

/// The name, method and path of the update in its target file.
pub(super) const IDENTITY: (&str, &str, &str) = ("meitner", "PATCH", "/student/{id}");
