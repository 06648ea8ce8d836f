//! Checks the form of paths and JSON pointers in a target file.

use super::super::placeholders::placeholders;
use super::super::places::{Found, Place};
use super::super::pointer::selecting;
use super::super::spec::TargetSpec;

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

/// Checks that `text`, which `what` holds, asks only for declared variables and for the field `own`.
pub(super) fn must_be_declared(
    found: &mut Found<'_>,
    spec: &TargetSpec,
    place: Place,
    what: &str,
    text: &str,
    own: Option<&str>,
) {
    let is_known = |name: &&str| Some(*name) == own || spec.variables.contains_key(*name);
    for unknown in placeholders(text).filter(|name| !is_known(name)) {
        let message =
            format!("{what} asks for {{{unknown}}}, and there is no [variables.{unknown}]");
        found.add(place, message);
    }
}

/// The keys that are set.
pub(super) fn those_set<const N: usize>(
    keys: [(&'static str, bool); N],
) -> impl Iterator<Item = &'static str> {
    keys.into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(key, _)| key)
}
