//! The `[person]` table of a target file names the fields that identify a person.

use schemars::JsonSchema;
use serde::Deserialize;

/// The fields that identify the person of a record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The field with the first name.
    pub first_name: String,
    /// The field with the last name.
    pub last_name: String,
    /// The field with the date of birth.
    pub birth_date: Option<String>,
    /// The field with a number that begins with the date of birth as `YYYYMMDD`.
    pub number: Option<String>,
}

impl Person {
    /// The fields' names, by key in the target file.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let others = [("birth_date", &self.birth_date), ("number", &self.number)];
        let others = others
            .into_iter()
            .filter_map(|(key, field)| Some((key, field.as_deref()?)));
        let names = [
            ("first_name", &*self.first_name),
            ("last_name", &*self.last_name),
        ];
        names.into_iter().chain(others)
    }
}
