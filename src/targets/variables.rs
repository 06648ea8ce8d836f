//! Fills in the variables of a target's addresses, paths and sign-in.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::field::Place;
use super::lookup::Lookup;
use super::placeholders::placeholders;
use super::spec::{TargetSpec, Variable};

/// The characters to percent-encode in a path segment: all except the unreserved characters of RFC 3986,
/// section 2.3.
pub const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl TargetSpec {
    /// Fills the variables into the paths of look-ups and into the sign-in. In the update's path, a variable
    /// is the default of the field with its name, which a row can override. [`TargetSpec::address`] fills in
    /// the variables of an address.
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
            for path in self.lookup.iter_mut().flat_map(Lookup::paths_mut) {
                *path = path.replace(&mark, &encoded);
            }
            if let Some(known) = &mut self.known {
                known.list = known.list.replace(&mark, &encoded);
            }
            for way in &mut self.sign_in {
                for text in way.templates_mut() {
                    // In an address or a path, a value becomes one segment.
                    let is_place = text.starts_with('/') || text.starts_with("http");
                    let value = if is_place { &encoded } else { value };
                    *text = text.replace(&mark, value);
                }
            }
        }
        self
    }

    /// The name and description of a variable that the update path or a look-up requires and `values` lacks.
    pub fn lacks(&self, values: &BTreeMap<String, String>) -> Option<(&str, &str)> {
        let lookup = self
            .lookup
            .iter()
            .flat_map(|how| how.paths().chain(how.paths_of_changes()));
        let known = self.known.iter().map(|known| &known.list);
        let names = lookup
            .chain(known)
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

    /// The values of all variables that the addresses and paths require.
    ///
    /// # Errors
    /// Fails if a value is given for an unknown variable.
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
            Some((name.clone(), self.within_host(name, value)))
        };
        Ok(self.variables.iter().filter_map(value).collect())
    }

    /// Extracts a variable's value from a host name or an address on that host: `oakwood` from
    /// `https://oakwood.pathwright.com/library`.
    fn within_host(&self, name: &str, value: &str) -> String {
        let mark = format!("://{{{name}}}");
        let value = value.trim();
        let host = value.split_once("://").map_or(value, |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        let within = self.environments.values().find_map(|address| {
            let (_, rest) = address.split_once(&mark)?;
            let ending = rest.split('/').next().filter(|ending| !ending.is_empty())?;
            let at = host.len().checked_sub(ending.len())?;
            let (part, found) = host.split_at_checked(at)?;
            (found.eq_ignore_ascii_case(ending) && !part.is_empty()).then_some(part)
        });
        within.unwrap_or(value).to_owned()
    }

    /// Fills the variables into an address.
    ///
    /// # Errors
    /// Fails if a variable has no value, or a value that an address must not contain.
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
        for school in [
            "oakwood.pathwright.com",
            "https://oakwood.pathwright.com/",
            "http://oakwood.Pathwright.com/library?x=1",
            " oakwood ",
        ] {
            let given = of(&[("school", school)]).unwrap();
            assert_eq!(given["school"], "oakwood", "{school}");
        }
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

    /// A target whose paths, token endpoint and scope contain variables.
    const TARGET: &str = r#"
name = "school"
title = "School"
record = "student"
environments = { production = "https://api.example/{city}" }
update = { method = "PATCH", path = "/{school}/student/{id}", idempotent = true }
answers = { retry = [503], reject = [400], stop = [401] }

[variables.city]
about = "the city"

[variables.school]
about = "the school"

[variables.tenant]
about = "the tenant"

[[sign_in]]
kind = "oauth"
token_path = "/{tenant}/token"
scope = "read {tenant}"
client_id = "ID"
client_secret = "SECRET"

[quota]
requests = 1
per = "s"
burst = 1

[lookup]
keys = ["id"]
list = "/{tenant}/student"
records = "/data"
page_size = 1
paging = { kind = "page", parameter = "page" }

[[fields]]
name = "id"
kind = "text"
in = "path"

[[fields]]
name = "name"
pointer = "/name"
kind = "text"
"#;

    #[test]
    fn a_value_is_encoded_in_a_path_and_not_in_a_scope() {
        let mut spec = crate::targets::parse("school.toml", TARGET).unwrap();
        let values = values(&[("tenant", "a b")]);
        let texts = |spec: &TargetSpec| -> Vec<String> {
            let signs_in = spec.sign_in.iter().flat_map(|way| way.templates());
            signs_in.cloned().collect()
        };
        let of_tenant = spec.clone().with_variables(&values);
        assert_eq!(texts(&of_tenant), ["/a%20b/token", "read a b"]);
        let lists = of_tenant.lookup.unwrap().list;
        assert_eq!(lists.as_deref(), Some("/a%20b/student"));
        // A token endpoint on another host.
        if let crate::targets::SignIn::Oauth {
            token_path,
            token_url,
            ..
        } = &mut spec.sign_in[0]
        {
            *token_path = None;
            *token_url = Some("https://login.example/{tenant}".to_owned());
        }
        let of_tenant = spec.with_variables(&values);
        assert_eq!(
            texts(&of_tenant),
            ["https://login.example/a%20b", "read a b"]
        );
    }

    #[test]
    fn a_path_variable_without_a_value_is_reported() {
        let spec = crate::targets::parse("school.toml", TARGET).unwrap();
        let lacks = |given: &[(&str, &str)]| {
            let lacking = spec.lacks(&values(given));
            lacking.map(|(name, about)| (name.to_owned(), about.to_owned()))
        };
        let (school, tenant) = (("school", "1"), ("tenant", "2"));
        let lacking = |name: &str, about: &str| Some((name.to_owned(), about.to_owned()));
        assert_eq!(lacks(&[school]), lacking("tenant", "the tenant"));
        assert_eq!(lacks(&[tenant]), lacking("school", "the school"));
        // A missing variable of an address has its own message, and fields are not variables.
        assert_eq!(lacks(&[school, tenant]), None);
    }

    #[test]
    fn an_address_refuses_values_that_change_the_host() {
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
