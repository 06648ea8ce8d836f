//! The variables of a target, and the addresses and paths that they stand in.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::field::Place;
use super::lookup::Lookup;
use super::spec::TargetSpec;

/// All characters but the unreserved ones of RFC 3986, section 2.3: what is encoded in a value that
/// fills one path segment.
pub const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A variable of a target's addresses, paths and sign-in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it stands for, for messages.
    pub about: String,
    /// Its value where none is given.
    pub default: Option<String>,
}

impl TargetSpec {
    /// Fills the variables into the paths of look-ups and into the sign-in. In the update's path, a
    /// variable is the default of the field with its name. A row can override it, and [`TargetSpec::address`] fills those of an address.
    pub fn with_variables(mut self, values: &BTreeMap<String, String>) -> TargetSpec {
        for (name, value) in values {
            if let Some(field) = self.field(name) {
                let field = &mut self.fields[field];
                let is_open = field.place == Place::Path && field.constant.is_none();
                if is_open && field.default.is_none() {
                    field.default = Some(value.clone());
                }
            }
            let mark = format!("{{{name}}}");
            let encoded = utf8_percent_encode(value, SEGMENT).to_string();
            if let Some(how) = &mut self.lookup {
                let paths = [&mut how.read, &mut how.search, &mut how.list];
                for path in paths.into_iter().flatten() {
                    *path = path.replace(&mark, &encoded);
                }
            }
            for way in &mut self.sign_in {
                for text in way.templates_mut() {
                    // In an address or a path, a value fills one segment.
                    let is_place = text.starts_with('/') || text.starts_with("http");
                    let value = if is_place { &encoded } else { value };
                    *text = text.replace(&mark, value);
                }
            }
        }
        self
    }

    /// The name and the description of a variable that the update's path or a look-up needs and
    /// `values` lacks.
    pub fn lacks(&self, values: &BTreeMap<String, String>) -> Option<(&str, &str)> {
        let lookup = self.lookup.iter().flat_map(Lookup::paths);
        let names = lookup
            .chain([&self.update.path])
            .flat_map(|path| placeholders(path));
        let mut lacking = names.filter(|name| {
            self.variables.contains_key(*name)
                && !values.contains_key(*name)
                && self.field(name).is_none()
        });
        let name = lacking.next()?;
        Some((name, self.variables.get(name)?.about.as_str()))
    }

    /// The values of all variables that the addresses and paths need.
    ///
    /// # Errors
    /// When a value is given for a variable that does not exist.
    pub fn variable_values(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, String> {
        if let Some(unknown) = given
            .keys()
            .find(|name| !self.variables.contains_key(*name))
        {
            let known: Vec<&str> = self.variables.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none".into()
            } else {
                known.join(", ")
            };
            return Err(format!(
                "{} has no variable \"{unknown}\"; it has {known}",
                self.name
            ));
        }
        let value = |(name, variable): (&String, &Variable)| {
            let value = given.get(name).or(variable.default.as_ref())?;
            Some((name.clone(), value.clone()))
        };
        Ok(self.variables.iter().filter_map(value).collect())
    }

    /// An address with its variables put in.
    ///
    /// # Errors
    /// When a variable has no value, or one that no address may hold.
    pub fn address(
        &self,
        template: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        let mut address = template.to_owned();
        for name in placeholders(template) {
            let about = self
                .variables
                .get(name)
                .map_or("", |variable| &variable.about);
            let value = values
                .get(name)
                .ok_or_else(|| format!("say --var {name}=…: {about}"))?;
            let fits = !value.is_empty()
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
                && !value.starts_with('.');
            if !fits {
                return Err(format!(
                    "\"{value}\" cannot stand in an address for {name}: {about}"
                ));
            }
            address = address.replace(&format!("{{{name}}}"), value);
        }
        Ok(address)
    }
}

/// The names between braces in a path.
pub fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::load;

    fn values(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }

    #[test]
    fn a_variable_has_the_given_value_or_its_default() {
        let spec = load("pathwright").unwrap();
        let of = |given: &[(&str, &str)]| spec.variable_values(&values(given));
        assert_eq!(of(&[]), Ok(values(&[("integration", "external")])));
        let both = [("integration", "saml2"), ("school", "oakwood")];
        assert_eq!(of(&both), Ok(values(&both)));
        assert_eq!(
            of(&[("city", "x")]),
            Err("pathwright has no variable \"city\"; it has integration, school".to_owned())
        );
        let none = load("meitner")
            .unwrap()
            .variable_values(&values(&[("city", "x")]));
        assert_eq!(
            none,
            Err("meitner has no variable \"city\"; it has none".to_owned())
        );
    }

    #[test]
    fn an_address_takes_only_values_that_cannot_lead_elsewhere() {
        let spec = load("pathwright").unwrap();
        let template = &spec.environments["production"];
        let about = &spec.variables["school"].about;
        let address = |school: &str| spec.address(template, &values(&[("school", school)]));
        for school in ["oakwood", "Oak-wood_2.x"] {
            let expected = format!("https://{school}.pathwright.com/api/public");
            assert_eq!(address(school), Ok(expected));
        }
        for school in ["", ".", ".oakwood", "a/b", "a b", "a@b", "a:b", "å", "a#"] {
            let expected = format!("\"{school}\" cannot stand in an address for school: {about}");
            assert_eq!(address(school), Err(expected));
        }
        assert_eq!(
            spec.address(template, &BTreeMap::new()),
            Err(format!("say --var school=…: {about}"))
        );
        assert_eq!(
            spec.address("https://api.example.se/{", &BTreeMap::new()),
            Ok("https://api.example.se/{".to_owned())
        );
    }
}
