//! Parsing of search filters in the simulated Meitner API.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// A parsed search filter.
#[derive(Debug)]
pub(super) struct Filter {
    conditions: Vec<Condition>,
    any: bool,
}

#[derive(Debug)]
enum Condition {
    Compare {
        operator: Operator,
        field: &'static Field,
        with: Json,
    },
    Nested(Filter),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equals,
    NotEquals,
    GreaterThan,
    SmallerThan,
    GreaterOrEqual,
    SmallerOrEqual,
    Contains,
    NotContains,
    Like,
    NotLike,
    Null,
    NotNull,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Holds {
    Id,
    Text,
    Gender,
    Boolean,
    Date,
    Moment,
}

/// A field that filters can name, and the operators it supports besides `equals` and `notEquals`.
#[derive(Debug)]
pub(super) struct Field {
    path: &'static [&'static str],
    holds: Holds,
    ordered: bool,
    listed: bool,
    like: bool,
    nullable: bool,
}

/// The fields that filters can name.
pub(super) type Fields = &'static [Field];

const fn field(
    path: &'static [&'static str],
    holds: Holds,
    [ordered, listed, like, nullable]: [bool; 4],
) -> Field {
    Field {
        path,
        holds,
        ordered,
        listed,
        like,
        nullable,
    }
}

/// A text that can be null, with the operators that the description has for it.
const fn text(path: &'static [&'static str]) -> Field {
    field(path, Holds::Text, [NO, YES, YES, YES])
}

const YES: bool = true;
const NO: bool = false;

/// The fields of students in the vendor's description, each with support for comparison, lists, `like` and
/// `null`.
pub(super) const OF_STUDENTS: &[Field] = &[
    field(&["id"], Holds::Id, [NO, YES, NO, NO]),
    field(&["meta", "createdAt"], Holds::Moment, [YES, NO, NO, NO]),
    field(&["meta", "createdBy"], Holds::Text, [NO, YES, NO, YES]),
    field(&["meta", "updatedAt"], Holds::Moment, [YES, NO, NO, YES]),
    field(&["meta", "updatedBy"], Holds::Text, [NO, YES, NO, YES]),
    text(&["external", "sourceID"]),
    text(&["external", "source"]),
    field(&["gender"], Holds::Gender, [NO, YES, NO, YES]),
    field(&["identityNumber"], Holds::Text, [NO, YES, YES, NO]),
    field(&["identityTemporary"], Holds::Boolean, [NO, YES, NO, NO]),
    field(&["firstName"], Holds::Text, [NO, YES, YES, NO]),
    field(&["lastName"], Holds::Text, [NO, YES, YES, NO]),
    field(&["dateOfBirth"], Holds::Date, [YES, YES, NO, YES]),
    text(&["address", "postalAddress"]),
    text(&["address", "postalCode"]),
    text(&["address", "postalCity"]),
    text(&["address", "countryCode"]),
    text(&["address", "municipalityCode"]),
    text(&["emailAddress1"]),
    text(&["emailAddress2"]),
    text(&["phoneNumber1"]),
    text(&["phoneNumber2"]),
    text(&["eduPersonPrincipalName"]),
];

/// The fields of deletions in the vendor's description.
pub(super) const OF_DELETIONS: &[Field] = &[
    field(&["id"], Holds::Id, [NO, YES, NO, NO]),
    field(&["meta", "createdAt"], Holds::Moment, [YES, NO, NO, NO]),
    field(&["meta", "updatedAt"], Holds::Moment, [YES, NO, NO, YES]),
    field(&["timestamp"], Holds::Moment, [YES, NO, NO, NO]),
    field(&["resource"], Holds::Text, [NO, YES, NO, NO]),
    field(&["resourceID"], Holds::Id, [NO, YES, NO, NO]),
    field(&["type"], Holds::Text, [NO, YES, NO, NO]),
];

/// Objects of the description that contain fields.
const OBJECTS: [&str; 3] = ["meta", "external", "address"];

/// The maximum number of values in a list of `contains`.
const LONGEST_LIST: usize = 100;

impl Filter {
    /// Parses the body of a search. The error names what is not in the description.
    pub(super) fn of_body(body: &Json, fields: Fields) -> Result<Filter, String> {
        let Json::Object(members) = body else {
            return Err("the body must be an object".into());
        };
        if let Some(other) = members.keys().find(|name| *name != "filter") {
            return Err(format!("unknown member {other}"));
        }
        let filter = members.get("filter").ok_or("filter is required")?;
        Filter::parse(filter, fields)
    }

    /// Removes comparisons with times.
    pub(super) fn ignore_moments(&mut self) {
        self.conditions.retain_mut(|condition| match condition {
            Condition::Compare { field, .. } => field.holds != Holds::Moment,
            Condition::Nested(filter) => {
                filter.ignore_moments();
                true
            }
        });
    }

    fn parse(filter: &Json, fields: Fields) -> Result<Filter, String> {
        let Json::Object(object) = filter else {
            return Err("filter must be an object".into());
        };
        let any = object
            .get("orCondition")
            .ok_or("orCondition is required")?
            .as_bool()
            .ok_or("orCondition must be a boolean")?;
        let mut conditions = Vec::new();
        for (name, value) in object {
            match name.as_str() {
                "orCondition" => {}
                "nestedFilters" => {
                    let nested = value.as_array().ok_or("nestedFilters must be a list")?;
                    for filter in nested {
                        conditions.push(Condition::Nested(Filter::parse(filter, fields)?));
                    }
                }
                name => {
                    let operator = operator(name)?;
                    compare_all((operator, fields), &mut Vec::new(), value, &mut conditions)
                        .map_err(|why| format!("{name}: {why}"))?;
                }
            }
        }
        Ok(Filter { conditions, any })
    }

    pub(super) fn matches(&self, student: &Map<String, Json>) -> bool {
        let holds = |condition: &Condition| match condition {
            Condition::Nested(filter) => filter.matches(student),
            Condition::Compare {
                operator,
                field,
                with,
            } => operator.holds(field, at(student, field.path), with),
        };
        if self.any && !self.conditions.is_empty() {
            self.conditions.iter().any(holds)
        } else {
            self.conditions.iter().all(holds)
        }
    }
}

fn operator(name: &str) -> Result<Operator, String> {
    Ok(match name {
        "equals" => Operator::Equals,
        "notEquals" => Operator::NotEquals,
        "greaterThan" => Operator::GreaterThan,
        "smallerThan" => Operator::SmallerThan,
        "greaterOrEqual" => Operator::GreaterOrEqual,
        "smallerOrEqual" => Operator::SmallerOrEqual,
        "contains" => Operator::Contains,
        "notContains" => Operator::NotContains,
        "like" => Operator::Like,
        "notLike" => Operator::NotLike,
        "null" => Operator::Null,
        "notNull" => Operator::NotNull,
        other => return Err(format!("unknown operator {other}")),
    })
}

/// Parses the operands of an operator: fields by name, including those in nested objects. Null groups,
/// objects and values are ignored.
fn compare_all<'a>(
    (operator, fields): (Operator, Fields),
    path: &mut Vec<&'a str>,
    value: &'a Json,
    conditions: &mut Vec<Condition>,
) -> Result<(), String> {
    let Json::Object(members) = value else {
        return if value.is_null() {
            Ok(())
        } else {
            Err("must be an object of fields".into())
        };
    };
    for (name, with) in members {
        path.push(name);
        let known = fields.iter().find(|field| field.path == path.as_slice());
        match known.filter(|field| operator.knows(field)) {
            Some(field) if !with.is_null() => {
                operator
                    .check(field, with)
                    .map_err(|why| format!("{}: {why}", path.join(".")))?;
                conditions.push(Condition::Compare {
                    operator,
                    field,
                    with: with.clone(),
                });
            }
            Some(_) => {}
            None if path.len() == 1 && OBJECTS.contains(&name.as_str()) => {
                compare_all((operator, fields), path, with, conditions)?;
            }
            None => return Err(format!("unknown field {}", path.join("."))),
        }
        path.pop();
    }
    Ok(())
}

fn at<'a>(student: &'a Map<String, Json>, path: &[&str]) -> &'a Json {
    let mut names = path.iter();
    let first = names.next().and_then(|name| student.get(*name));
    names.fold(first.unwrap_or(&Json::Null), |value, name| {
        value.get(*name).unwrap_or(&Json::Null)
    })
}

impl Holds {
    fn check(self, value: &Json) -> Result<(), String> {
        let is = |fits: fn(&str) -> bool| value.as_str().is_some_and(fits);
        let (fits, expected) = match self {
            Holds::Id => (is(|text| Uuid::try_parse(text).is_ok()), "a UUID"),
            Holds::Text => (value.is_string(), "a string"),
            Holds::Gender => (
                is(|text| ["Female", "Male", "Other"].contains(&text)),
                "Female, Male or Other",
            ),
            Holds::Boolean => (value.is_boolean(), "a boolean"),
            Holds::Date => (is(|text| text.parse::<Date>().is_ok()), "a date"),
            Holds::Moment => (
                is(|text| text.parse::<Timestamp>().is_ok()),
                "a date and time",
            ),
        };
        match fits {
            true => Ok(()),
            false => Err(format!("must be {expected}")),
        }
    }
}

impl Operator {
    /// Returns whether the description lists the field for this operator.
    fn knows(self, field: &Field) -> bool {
        match self {
            Operator::Equals | Operator::NotEquals => true,
            Operator::GreaterThan
            | Operator::SmallerThan
            | Operator::GreaterOrEqual
            | Operator::SmallerOrEqual => field.ordered,
            Operator::Contains | Operator::NotContains => field.listed,
            Operator::Like | Operator::NotLike => field.like,
            Operator::Null | Operator::NotNull => field.nullable,
        }
    }

    fn check(self, field: &Field, with: &Json) -> Result<(), String> {
        match self {
            Operator::Contains | Operator::NotContains => {
                let values = with.as_array().ok_or("must be a list")?;
                if values.len() > LONGEST_LIST {
                    return Err(format!("a list may hold {LONGEST_LIST} values"));
                }
                values.iter().try_for_each(|value| field.holds.check(value))
            }
            Operator::Null | Operator::NotNull => Holds::Boolean.check(with),
            _ => field.holds.check(with),
        }
    }

    fn holds(self, field: &Field, found: &Json, with: &Json) -> bool {
        let ordered = |wanted: &[Ordering]| {
            compare(field, found, with).is_some_and(|ordering| wanted.contains(&ordering))
        };
        let equals =
            |with: &Json| found == with || compare(field, found, with) == Some(Ordering::Equal);
        let listed = || with.as_array().is_some_and(|list| list.iter().any(equals));
        let asked = with == &Json::Bool(true);
        match self {
            Operator::Equals => equals(with),
            Operator::NotEquals => !equals(with),
            Operator::GreaterThan => ordered(&[Ordering::Greater]),
            Operator::SmallerThan => ordered(&[Ordering::Less]),
            Operator::GreaterOrEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
            Operator::SmallerOrEqual => ordered(&[Ordering::Less, Ordering::Equal]),
            Operator::Contains => listed(),
            Operator::NotContains => !listed(),
            Operator::Like => like(found, with),
            Operator::NotLike => !like(found, with),
            Operator::Null => found.is_null() == asked,
            Operator::NotNull => found.is_null() != asked,
        }
    }
}

fn compare(field: &Field, found: &Json, with: &Json) -> Option<Ordering> {
    let (found, with) = (found.as_str()?, with.as_str()?);
    match field.holds {
        Holds::Moment => {
            let (found, with) = (found.parse::<Timestamp>(), with.parse::<Timestamp>());
            Some(found.ok()?.cmp(&with.ok()?))
        }
        Holds::Id => Some(found.to_lowercase().cmp(&with.to_lowercase())),
        _ => Some(found.cmp(with)),
    }
}

/// Returns whether a text matches a pattern in which `%` stands for any text. A pattern without `%` matches
/// anywhere. Case is ignored.
fn like(found: &Json, pattern: &Json) -> bool {
    let (Some(found), Some(pattern)) = (found.as_str(), pattern.as_str()) else {
        return false;
    };
    let (found, pattern) = (found.to_lowercase(), pattern.to_lowercase());
    if !pattern.contains('%') {
        return found.contains(&pattern);
    }
    let parts: Vec<&str> = pattern.split('%').collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    let Some(mut rest) = found.strip_prefix(first) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
