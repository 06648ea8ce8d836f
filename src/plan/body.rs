use serde_json::{Map, Value as Json};

use crate::model::Value;
use crate::targets::{Place, TargetSpec};

/// How a target's fields lie in its JSON body: worked out once, from their pointers.
#[derive(Debug, Clone)]
pub struct BodyShape {
    root: Vec<(String, Node)>,
}

#[derive(Debug, Clone)]
enum Node {
    Field(usize),
    Object(Vec<(String, Node)>),
}

impl BodyShape {
    /// The shape of `spec`'s body.
    pub fn of(spec: &TargetSpec) -> BodyShape {
        let mut root = Vec::new();
        for (index, field) in spec.fields.iter().enumerate() {
            if field.place == Place::Body {
                let path: Vec<String> = field.pointer.split('/').skip(1).map(unescape).collect();
                insert(&mut root, &path, index);
            }
        }
        BodyShape { root }
    }

    /// The body with the fields that `values` has, each typed; an object none of whose fields is
    /// there is left out.
    pub fn build(&self, values: &[Option<Value<'_>>]) -> Json {
        Json::Object(object(&self.root, values))
    }
}

fn insert(nodes: &mut Vec<(String, Node)>, path: &[String], field: usize) {
    let [name, rest @ ..] = path else {
        return;
    };
    if rest.is_empty() {
        nodes.push((name.clone(), Node::Field(field)));
        return;
    }
    let known = nodes
        .iter()
        .position(|(other, node)| other == name && matches!(node, Node::Object(_)));
    let position = known.unwrap_or_else(|| {
        nodes.push((name.clone(), Node::Object(Vec::new())));
        nodes.len() - 1
    });
    if let Some((_, Node::Object(children))) = nodes.get_mut(position) {
        insert(children, rest, field);
    }
}

fn object(nodes: &[(String, Node)], values: &[Option<Value<'_>>]) -> Map<String, Json> {
    let mut map = Map::new();
    for (name, node) in nodes {
        match node {
            Node::Field(index) => {
                if let Some(Some(value)) = values.get(*index) {
                    map.insert(name.clone(), value.to_json());
                }
            }
            Node::Object(children) => {
                let inner = object(children, values);
                if !inner.is_empty() {
                    map.insert(name.clone(), Json::Object(inner));
                }
            }
        }
    }
    map
}

/// A reference token of a JSON pointer (RFC 6901, section 4).
fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_row_has_stands_in_the_body_nested_and_typed() {
        let spec = crate::targets::load("meitner").unwrap();
        let shape = BodyShape::of(&spec);
        let mut values = vec![None; spec.fields.len()];
        let mut set = |name: &str, value| values[spec.field(name).unwrap()] = Some(value);
        set("id", Value::Text("not in the body"));
        set("identity_number", Value::Text("20100402-2388"));
        set("external_source_id", Value::Text("E-1"));
        set("identity_temporary", Value::Bool(false));
        set("postal_code", Value::Rewritten("169 56".into()));
        set("municipality_code", Value::Null);
        let body = shape.build(&values);
        assert_eq!(
            body.to_string(),
            r#"{"identityNumber":"20100402-2388","external":{"sourceID":"E-1"},"identityTemporary":false,"address":{"postalCode":"169 56","municipalityCode":null}}"#
        );
    }
}
