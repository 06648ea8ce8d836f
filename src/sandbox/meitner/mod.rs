//! The Meitner Directory API's students, as its public documentation and the vendor's published
//! description have them. Where those are silent, this is what is done here, and why:
//!
//! - Stricter: members that the description does not have are refused, in a body and in a filter.
//!   The real server may ignore them; a client that relies on either is found out here.
//! - Stricter: an identity number that is not temporary must have the right check digit, a name must
//!   not be empty, a country is three capitals, a municipality four digits, an e-mail address and an
//!   EPPN have an @ and a domain. The description has no patterns; a real register has rules.
//! - Stricter: `contains` takes 100 values, and a page 100 records. How many the real server takes
//!   is not known, and a client that asks for a page's worth is safe.
//! - Stricter: no two students may have the same EPPN. The description calls it globally unique.
//! - Unknown: what is wrong with a body is answered with 422, as a server made from the description
//!   does, and with 400 only where it is not JSON. Which of the two the real server uses where is not
//!   known; the client treats them alike.
//! - Unknown: objects in an update are merged member by member, and what an update leaves out stays
//!   as it was, `identityTemporary` too. The client sends what makes both readings the same.
//! - Unknown: a group, an object or a value that is null in a filter is as if it were not there, and
//!   `like` takes `%` for any text.
//! - Unknown: `updatedAt` moves with every change, and is set from the beginning; `/audit-event` lists each
//!   deletion at once and for good. `Variation` has servers that differ in this.
//! - Laxer: the token endpoint takes any client of the sandbox's, and its requests cost no quota.

mod filter;
mod http;
mod seed;
mod students;
mod validate;

pub(super) use http::{nothing, routes};
pub(super) use seed::{copy, seed};
pub(super) use students::Students;

/// The path below which it is served.
pub(super) const PATH: &str = "/directory/v1";

/// The name, method and path of the update in its target file.
pub(super) const IDENTITY: (&str, &str, &str) = ("meitner", "PATCH", "/student/{id}");
