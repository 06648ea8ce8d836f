//! Checks the examples and defaults of a target's fields.

use super::checker::Checker;
use super::fault::Fault;
use super::severity::is_doubt;

/// Checks of the target's own values.
impl Checker {
    /// The fields whose example or default their own kind or limits reject: position, key and message.
    pub fn refused_examples(&self) -> Vec<(usize, &'static str, String)> {
        let mut refused = Vec::new();
        for column in &self.columns {
            let field = &self.spec.fields[column.field];
            let default = field.default.as_deref().unwrap_or_default();
            for (key, text) in [
                ("example", field.example.trim()),
                ("default", default.trim()),
            ] {
                if text.is_empty() {
                    continue;
                }
                let choices = column.choices.as_ref();
                let value = self.of_kind(field, choices, text, &|_| None, &mut None);
                let checked = value.and_then(|value| self.within_limits(column, field, &value));
                let Err(fault) = checked.map_err(Fault::into_inner) else {
                    continue;
                };
                // A guarded value is valid.
                if fault.code != "guarded.not_allowed" && !is_doubt(fault.code, field.free_text) {
                    refused.push((column.field, key, fault.message.to_string()));
                }
            }
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use crate::check::tests::{Roster, target};

    #[test]
    fn refused_examples_and_defaults_are_reported() {
        let spec = target(&[
            ("mail", "kind = \"email\"\nexample = \"anna@\""),
            (
                "age",
                "kind = \"integer\"\nexample = \"7\"\ndefault = \"x\"",
            ),
            (
                "code",
                "kind = \"text\"\nmax_length = 3\nexample = \"abcd\"",
            ),
            // Doubtful, guarded and empty examples are not refused.
            ("phone", "kind = \"phone\"\nexample = \"846500400\""),
            (
                "role",
                "kind = \"text\"\nguarded = [\"admin\"]\nexample = \"admin\"",
            ),
            ("name", "kind = \"text\"\nexample = \" \""),
        ]);
        let names: Vec<&str> = spec.fields.iter().map(|field| field.name()).collect();
        let names = names.join(";");
        let roster = Roster::of(&spec, &format!("{names}\n{names}\n"));
        let refused = roster.checker.refused_examples();
        let found: Vec<_> = refused.iter().map(|(at, key, _)| (*at, *key)).collect();
        assert_eq!(found, [(1, "example"), (2, "default"), (3, "example")]);
        assert!(refused[0].2.contains("anna@"), "{}", refused[0].2);
    }
}
