//! Pointers into lists: `/emails[type=work]/value` selects a member of one element, `/groups[]/id` of each.

use serde_json::{Map, Value};

/// A step of a pointer.
enum Step {
    Member(String),
    /// Selects the element whose member has this value.
    Element(String, Value),
    Each,
}

/// Parses a pointer (RFC 6901, section 4) with element selectors.
fn steps(pointer: &str) -> Vec<Step> {
    let plain = |text: &str| text.replace("~1", "/").replace("~0", "~");
    let mut steps = Vec::new();
    for token in pointer.split('/').skip(1) {
        let (name, selector) = match token
            .strip_suffix(']')
            .and_then(|token| token.split_once('['))
        {
            Some((name, selector)) => (name, Some(selector)),
            None => (token, None),
        };
        steps.push(Step::Member(plain(name)));
        match selector.map(|selector| selector.split_once('=')) {
            Some(Some((by, is))) => {
                let is = plain(is);
                let is = serde_json::from_str(&is).unwrap_or(Value::String(is));
                steps.push(Step::Element(plain(by), is));
            }
            Some(None) => steps.push(Step::Each),
            None => {}
        }
    }
    steps
}

/// Returns the pointer of the list that a selector applies to.
pub(super) fn list_of(pointer: &str) -> Option<&str> {
    let (list, _) = pointer.split_once('[')?;
    Some(list)
}

/// Returns the value at a pointer, if any. A selector of all elements returns a list.
pub(super) fn at(record: &Value, pointer: &str) -> Option<Value> {
    found(record, &steps(pointer))
}

fn found(held: &Value, steps: &[Step]) -> Option<Value> {
    match steps {
        [] => Some(held.clone()),
        [Step::Member(name), rest @ ..] => found(held.get(name)?, rest),
        [Step::Element(by, is), rest @ ..] => {
            let mut items = held.as_array()?.iter();
            found(items.find(|item| item.get(by) == Some(is))?, rest)
        }
        [Step::Each, rest @ ..] => {
            let items = held.as_array()?.iter();
            Some(items.filter_map(|item| found(item, rest)).collect())
        }
    }
}

/// Sets the value at a pointer. Missing objects, lists and elements are created.
pub(super) fn put(whole: &mut Value, pointer: &str, value: Value) {
    put_at(whole, &steps(pointer), value);
}

fn put_at(place: &mut Value, steps: &[Step], value: Value) {
    match steps {
        [] => *place = value,
        [Step::Member(name), rest @ ..] => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            put_at(&mut place[name], rest, value);
        }
        [Step::Element(by, is), rest @ ..] => {
            let mut items = place.as_array().cloned().unwrap_or_default();
            let known = items.iter_mut().find(|item| item.get(by) == Some(is));
            match known {
                Some(item) => put_at(item, rest, value),
                None => {
                    let mut item = Value::Object(Map::new());
                    item[by] = is.clone();
                    put_at(&mut item, rest, value);
                    items.push(item);
                }
            }
            *place = Value::Array(items);
        }
        [Step::Each, rest @ ..] => {
            let values = value.as_array().cloned().unwrap_or_default();
            let items = values.into_iter().map(|value| {
                let mut item = Value::Null;
                put_at(&mut item, rest, value);
                item
            });
            *place = items.collect();
        }
    }
}
