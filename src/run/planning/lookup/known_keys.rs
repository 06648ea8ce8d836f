//! Known keys show which records the API holds.

use std::collections::HashSet;

use crate::targets::TargetSpec;

/// The keys that the API lists.
#[derive(Default)]
pub enum KnownKeys {
    /// The list has not been requested.
    #[default]
    Unasked,
    /// The list cannot be read, or is not to be.
    Unlisted,
    /// The list is complete.
    Listed(Keys),
}

/// A complete list of keys.
#[derive(Default)]
pub struct Keys {
    /// Paths of the records that they name, in lower case: whether the API ignores case is not known.
    paths: HashSet<String>,
    /// The values in these paths besides the key, such as each kind of link.
    scopes: HashSet<Vec<Option<String>>>,
}

impl Keys {
    pub fn add(&mut self, spec: &TargetSpec, path: &str) {
        self.scopes.insert(scope(spec, path));
        self.paths.insert(path.to_lowercase());
    }

    /// Whether the list proves that no record has this path. An API may leave all keys of a kind out of its
    /// list, so a path of a kind that the list lacks proves nothing.
    pub fn lacks(&self, spec: &TargetSpec, path: &str) -> bool {
        self.scopes.contains(&scope(spec, path)) && !self.paths.contains(&path.to_lowercase())
    }
}

/// The values in a path beside the key.
fn scope(spec: &TargetSpec, path: &str) -> Vec<Option<String>> {
    let key = spec.key_name();
    let others = spec.path_fields().filter(|name| Some(*name) != key);
    others.map(|name| spec.value_in(path, name)).collect()
}
