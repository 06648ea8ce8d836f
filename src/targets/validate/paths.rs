//! Every path and JSON pointer in a target file must have the right form.

use super::super::places::{Found, Place};
use super::super::pointer::selecting;

/// A path is put behind the base address as it stands.
pub(super) fn must_begin_with_slash(found: &mut Found<'_>, place: Place, what: &str, path: &str) {
    if !path.starts_with('/') {
        found.add(
            place,
            format!("the {what} \"{path}\" must begin with a slash: \"/{path}\""),
        );
    }
}

/// A JSON pointer is empty or begins with a slash (RFC 6901). Only those of fields select from lists.
pub(super) fn must_be_pointer(found: &mut Found<'_>, place: Place, pointer: &str) {
    if !pointer.is_empty() {
        must_begin_with_slash(found, place, "JSON pointer", pointer);
    }
    if let Some(token) = selecting(pointer) {
        let message = format!(
            "the JSON pointer \"{pointer}\" selects elements of a list with \"{token}\", which only the pointer of a field can"
        );
        found.add(place, message);
    }
}
