//! Checks the form of paths and JSON pointers in a target file.

use super::super::places::{Found, Place};
use super::super::pointer::selecting;

/// Checks that a path begins with a slash, because it is appended to the base address.
pub(super) fn must_begin_with_slash(found: &mut Found<'_>, place: Place, what: &str, path: &str) {
    if !path.starts_with('/') {
        found.add(
            place,
            format!("the {what} \"{path}\" must begin with a slash: \"/{path}\""),
        );
    }
}

/// Checks that a JSON pointer is empty or begins with a slash (RFC 6901). Only pointers of fields may have
/// selectors.
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
