//! Plans the calls for valid rows and estimates their duration. This module sends nothing.

mod body;
mod call;
mod changes;
mod difference;
mod edits;
mod forecast;
mod guards;
mod identity;
mod link;
mod lookup;
mod pages;
mod query_text;
mod renumber;
mod saved;
mod selection;
mod walk;

pub use crate::model::{Threshold, ThresholdError};
pub use body::{BodyShape, lists_of, unnamed};
pub use call::{Planner, can_do_without, field_print, without};
pub use changes::moment_at;
pub use difference::{Difference, Left, Values, explained};
pub use edits::{ConflictPolicy, EditRules, Kept};
pub use forecast::Road;
pub use guards::{Guards, RenumberMode};
pub use identity::{changes_person, persons, plain_letters};
pub use lookup::{LookUp, Question};
pub use pages::{LookUpError, Page};
pub use renumber::{Disagreement, Renumber, left_temporary};
pub use saved::{SAVED_PLAN, SavedPlan, digest};
pub use selection::{Selection, SelectionError};
pub use walk::Walk;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::check::{CheckOptions, Checker};
    use crate::map::{ColumnMap, MapOptions};
    use crate::plan::LookUp;
    use crate::targets::{Lookup, TargetSpec};

    /// A target with a field of each kind that planning handles differently.
    const REGISTRY: &str = r#"
name = "registry"
title = "A registry"
record = "person"
region = "SE"
environments.production = "https://api.example.se"
variables.group = { about = "the group" }
variables.year = { about = "the year" }
sign_in = [{ kind = "bearer", token = "API_TOKEN" }]
answers = { retry = [429], reject = [422], stop = [401] }
quota = { requests = 60, per = "m", burst = 10 }

[update]
method = "PATCH"
path = "/{year}/groups/{group}/people/{id}/"
idempotent = true
keep = ["temporary"]

[lookup]
keys = ["mobile"]
id = "/uuid"
read = "/people/{id}"
search = "/people/search?fields=all"
list = "/people"
records = "/data"
page_size = 2
paging = { kind = "page", parameter = "page" }

[[fields]]
name = "group"
kind = "text"
in = "path"

[[fields]]
name = "id"
kind = "text"
in = "path"

[[fields]]
name = "surname"
pointer = "/surname"
kind = "text"
required = true

[[fields]]
name = "mobile"
pointer = "/mobile"
kind = "phone"
nullable = true

[[fields]]
name = "nickname"
pointer = "/nickname"
kind = "text"

[[fields]]
name = "temporary"
pointer = "/temporary"
kind = "boolean"

[[fields]]
name = "points"
pointer = "/points"
kind = "integer"
nullable = true

[[fields]]
name = "street"
pointer = "/address/street"
kind = "text"
nullable = true

[[fields]]
name = "city"
pointer = "/address/city"
kind = "text"
nullable = true

[[fields]]
name = "verified"
pointer = "/address/verified"
kind = "boolean"
read_only = true
"#;

    pub(super) fn registry() -> Arc<TargetSpec> {
        registry_with("", "")
    }

    /// The registry target with additional lines in `[update]` and additional fields.
    pub(super) fn registry_with(update: &str, fields: &str) -> Arc<TargetSpec> {
        let text = REGISTRY.replace("[lookup]", &format!("{update}\n[lookup]")) + fields;
        Arc::new(crate::targets::parse("registry.toml", &text).unwrap())
    }

    /// Look-ups by the field `mobile`, with settings modified by `change`.
    pub(super) fn look_up(change: impl Fn(&mut Lookup)) -> LookUp {
        let mut spec = (*registry()).clone();
        change(spec.lookup.as_mut().unwrap());
        let key = spec.field("mobile").unwrap();
        LookUp::new(&Arc::new(spec), key).unwrap()
    }

    /// A checker for a file that has a column for each of these fields.
    pub(super) fn checker(spec: &Arc<TargetSpec>, columns: &[&str]) -> Checker {
        let header: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        let options = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let map = ColumnMap::new(&header, spec, &options).unwrap();
        let options = CheckOptions::new("2026-08-01".parse().unwrap());
        Checker::new(spec.clone(), Arc::new(map), options)
    }
}
