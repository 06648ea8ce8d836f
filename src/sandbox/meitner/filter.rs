use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

/// A search filter that was understood.
#[derive(Debug)]
pub(super) struct Filter {
    conditions: Vec<Condition>,
    any: bool,
}

#[derive(Debug)]
enum Condition {
    Compare {
        operator: Operator,
        path: String,
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

/// Values that one list of `contains` may hold here. How many the real API takes is not known;
/// whoever sends a page's worth is safe.
const LONGEST_LIST: usize = 100;

impl Filter {
    /// Reads a filter object, or says what in it is not understood.
    pub(super) fn parse(filter: &Json) -> Result<Filter, String> {
        let Json::Object(object) = filter else {
            return Err("filter must be an object".into());
        };
        let mut conditions = Vec::new();
        let mut any = false;
        for (name, value) in object {
            match name.as_str() {
                "orCondition" => {
                    any = value.as_bool().ok_or("orCondition must be a boolean")?;
                }
                "nestedFilters" => {
                    let nested = value.as_array().ok_or("nestedFilters must be a list")?;
                    for filter in nested {
                        conditions.push(Condition::Nested(Filter::parse(filter)?));
                    }
                }
                name => conditions.extend(comparisons(operator(name)?, value)?),
            }
        }
        Ok(Filter { conditions, any })
    }

    pub(super) fn matches(&self, student: &Map<String, Json>) -> bool {
        let holds = |condition: &Condition| match condition {
            Condition::Nested(filter) => filter.matches(student),
            Condition::Compare {
                operator,
                path,
                with,
            } => operator.holds(at(student, path), with),
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

fn comparisons(operator: Operator, value: &Json) -> Result<Vec<Condition>, String> {
    let compare = |path: &str, with: &Json| Condition::Compare {
        operator,
        path: path.to_owned(),
        with: with.clone(),
    };
    let Json::Object(fields) = value else {
        // null and notNull may name their fields in a list.
        let names = value
            .as_array()
            .filter(|_| matches!(operator, Operator::Null | Operator::NotNull));
        return names
            .and_then(|names| {
                names
                    .iter()
                    .map(|name| Some(compare(name.as_str()?, &Json::Bool(true))))
                    .collect()
            })
            .ok_or_else(|| "an operator holds an object of fields".into());
    };
    for with in fields.values() {
        let lists = matches!(operator, Operator::Contains | Operator::NotContains);
        match with {
            Json::Array(values) if lists && values.len() > LONGEST_LIST => {
                return Err(format!("a list may hold {LONGEST_LIST} values"));
            }
            Json::Array(_) if lists => {}
            Json::Array(_) | Json::Object(_) => return Err("a value must be a single one".into()),
            _ if lists => return Err("contains takes a list".into()),
            _ => {}
        }
    }
    Ok(fields
        .iter()
        .map(|(path, with)| compare(path, with))
        .collect())
}

fn at<'a>(student: &'a Map<String, Json>, path: &str) -> &'a Json {
    let mut parts = path.split('.');
    let first = parts
        .next()
        .and_then(|name| student.get(name))
        .unwrap_or(&Json::Null);
    parts.fold(first, |value, name| value.get(name).unwrap_or(&Json::Null))
}

impl Operator {
    fn holds(self, found: &Json, with: &Json) -> bool {
        let ordered = |wanted: &[Ordering]| {
            compare(found, with).is_some_and(|ordering| wanted.contains(&ordering))
        };
        match self {
            Operator::Equals => found == with,
            Operator::NotEquals => found != with,
            Operator::GreaterThan => ordered(&[Ordering::Greater]),
            Operator::SmallerThan => ordered(&[Ordering::Less]),
            Operator::GreaterOrEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
            Operator::SmallerOrEqual => ordered(&[Ordering::Less, Ordering::Equal]),
            Operator::Contains => with.as_array().is_some_and(|list| list.contains(found)),
            Operator::NotContains => with.as_array().is_some_and(|list| !list.contains(found)),
            Operator::Like => like(found, with),
            Operator::NotLike => !like(found, with),
            Operator::Null => found.is_null() == (with != &Json::Bool(false)),
            Operator::NotNull => found.is_null() != (with != &Json::Bool(false)),
        }
    }
}

fn compare(found: &Json, with: &Json) -> Option<Ordering> {
    match (found, with) {
        (Json::String(found), Json::String(with)) => Some(found.cmp(with)),
        (Json::Number(found), Json::Number(with)) => found.as_f64()?.partial_cmp(&with.as_f64()?),
        _ => None,
    }
}

/// Whether a text holds a pattern, in which `%` stands for any text; without one the pattern may
/// stand anywhere. Case does not matter.
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operator() {
        let student = json!({
            "firstName": "Åsa", "gender": "Female", "emailAddress2": null,
            "external": {"sourceID": "E-7"}, "dateOfBirth": "2010-04-02",
        });
        let student = student.as_object().unwrap();
        let holds = |filter: Json| Filter::parse(&filter).unwrap().matches(student);
        for (filter, expected) in [
            (json!({}), true),
            (json!({"equals": {"gender": "Female"}}), true),
            (json!({"notEquals": {"gender": "Female"}}), false),
            (json!({"greaterThan": {"dateOfBirth": "2010-04-01"}}), true),
            (json!({"smallerThan": {"dateOfBirth": "2010-04-02"}}), false),
            (
                json!({"greaterOrEqual": {"dateOfBirth": "2010-04-02"}}),
                true,
            ),
            (
                json!({"smallerOrEqual": {"dateOfBirth": "2010-04-02"}}),
                true,
            ),
            (
                json!({"contains": {"external.sourceID": ["E-6", "E-7"]}}),
                true,
            ),
            (
                json!({"notContains": {"external.sourceID": ["E-6", "E-7"]}}),
                false,
            ),
            (json!({"like": {"firstName": "å%a"}}), true),
            (json!({"like": {"firstName": "s"}}), true),
            (json!({"notLike": {"firstName": "%x%"}}), true),
            (json!({"null": {"emailAddress2": true}}), true),
            (json!({"notNull": ["emailAddress2"]}), false),
            (
                json!({"equals": {"gender": "Male", "firstName": "Åsa"}}),
                false,
            ),
            (
                json!({"equals": {"gender": "Male", "firstName": "Åsa"}, "orCondition": true}),
                true,
            ),
            (
                json!({"equals": {"firstName": "Åsa"}, "nestedFilters": [
                    {"equals": {"gender": "Male"}, "notNull": ["dateOfBirth"], "orCondition": true}
                ]}),
                true,
            ),
        ] {
            assert_eq!(holds(filter.clone()), expected, "{filter}");
        }
        for bad in [
            json!([]),
            json!({"is": {"gender": "Male"}}),
            json!({"contains": {"id": "x"}}),
            json!({"equals": "x"}),
            json!({"contains": {"id": vec!["x"; 101]}}),
        ] {
            assert!(Filter::parse(&bad).is_err(), "{bad}");
        }
    }
}
