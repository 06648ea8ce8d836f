//! Pointers address values in JSON records.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// The position of a field's value in a record.
///
/// A JSON pointer (RFC 6901) that can also select elements of a list: `/emails[type=work]/value` addresses a
/// member of the element whose `type` is `work`, and `/groups[]/id` the list of the `id` of every element. It
/// is parsed once, when the target file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub struct Pointer {
    text: String,
    /// The members up to the value or to the first list with a selector.
    path: Vec<String>,
    /// The steps from that list to the value.
    within: Vec<Step>,
    /// The error in the text, if it is invalid.
    wrong: Option<String>,
}

/// A step from a list to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A member of an object.
    Member(String),
    /// The element whose member `by` equals `is`.
    Element { by: String, is: Json },
    /// Every element.
    Each,
}

/// The reason why a value cannot be read from a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// This number of elements match, and at most one may.
    Several(usize),
    /// The value in place of the list is not a list.
    NoList,
}

impl From<&str> for Pointer {
    fn from(text: &str) -> Pointer {
        let mut pointer = Pointer {
            text: text.to_owned(),
            ..Pointer::default()
        };
        for token in text.split('/').skip(1) {
            let (name, selected) = match selection(token) {
                Ok(parts) => parts,
                Err(wrong) => {
                    pointer.wrong.get_or_insert(wrong);
                    (token, None)
                }
            };
            let name = unescape(name);
            match pointer.within.is_empty() {
                true => pointer.path.push(name),
                false => pointer.within.push(Step::Member(name)),
            }
            pointer.within.extend(selected);
        }
        if matches!(
            pointer.within.last(),
            Some(Step::Element { .. } | Step::Each)
        ) {
            let wrong = "it selects elements of a list, so it must end in a member of them, as in /emails[type=work]/value";
            pointer.wrong.get_or_insert(wrong.to_owned());
        }
        let mut each = pointer
            .within
            .iter()
            .skip_while(|step| **step != Step::Each);
        if each.any(|step| *step == Step::Each) && each.any(|step| !matches!(step, Step::Member(_)))
        {
            let wrong = "nothing can be selected within every element";
            pointer.wrong.get_or_insert(wrong.to_owned());
        }
        let mut pairs = pointer.within.windows(2);
        if pairs.any(
            |pair| matches!(pair, [Step::Element { by, .. }, Step::Member(name)] if by == name),
        ) {
            let wrong = "it names the member by which the element is selected";
            pointer.wrong.get_or_insert(wrong.to_owned());
        }
        pointer
    }
}

impl From<String> for Pointer {
    fn from(text: String) -> Pointer {
        Pointer::from(&*text)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pointer {
    /// The pointer as written in the target file.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The error in the pointer, for the author of the target file.
    pub(super) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// The members up to the value or to the list with a selector.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Whether the pointer selects elements of a list. Updates must contain the whole list.
    pub fn is_in_list(&self) -> bool {
        !self.within.is_empty()
    }

    /// Whether the pointer selects every element, so that the value is a list.
    pub(super) fn selects_each(&self) -> bool {
        self.within.contains(&Step::Each)
    }

    /// The members up to the object that contains the value or its list. Empty for a member of the record
    /// itself.
    pub fn object(&self) -> &[String] {
        self.path.split_last().map_or(&[], |(_, object)| object)
    }

    /// Whether the value is nested in the object at this path.
    pub fn is_below(&self, object: &[String]) -> bool {
        self.path.len() > object.len() && self.path.starts_with(object)
    }

    /// The value's names in the API's documentation: the dotted path and its last member. List elements have
    /// only the dotted path, because the last member names many values.
    pub fn names(&self) -> Vec<String> {
        let dotted = self.text.trim_start_matches('/').replace('/', ".");
        let last = match self.is_in_list() {
            true => None,
            false => self.text.rsplit('/').next().map(str::to_owned),
        };
        let names = [Some(dotted), last].into_iter().flatten();
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Returns the value in a record or in the body of an update.
    ///
    /// Returns `None` if the member or list does not exist, and null if the list has no matching element: a
    /// body with that list clears the value.
    ///
    /// # Errors
    /// Fails if the element is ambiguous.
    pub fn get<'a>(&self, record: &'a Json) -> Result<Option<Cow<'a, Json>>, Unclear> {
        match self.stem_in(record) {
            Some(list) if self.is_in_list() => {
                let found = get_within(list, &self.within)?;
                Ok(Some(found.unwrap_or(Cow::Owned(Json::Null))))
            }
            found => Ok(found.map(Cow::Borrowed)),
        }
    }

    /// Returns the value, or the whole list with the selector.
    pub fn stem_in<'a>(&self, record: &'a Json) -> Option<&'a Json> {
        walk(record, &self.path)
    }

    /// Sets the value. Missing objects and elements are created.
    ///
    /// Null removes the element's member, and the element if only the member of the selector remains.
    pub fn set(&self, record: &mut Json, value: Json) {
        let mut place = record;
        for name in &self.path {
            place = member(place, name);
        }
        set_within(place, &self.within, value);
    }

    /// Sets the value in the whole list with the selector.
    pub fn set_in_list(&self, list: &mut Json, value: Json) {
        set_within(list, &self.within, value);
    }

    /// Removes the value, the element if only the member of the selector remains, and all objects and lists
    /// on the path that become empty.
    pub fn remove_with_empty(&self, record: &mut Json) {
        self.remove(record);
        let end = match self.is_in_list() {
            true => self.path.len(),
            false => self.object().len(),
        };
        for end in (1..=end).rev() {
            let is_empty = match walk(record, &self.path[..end]) {
                Some(Json::Object(members)) => members.is_empty(),
                Some(Json::Array(items)) => items.is_empty() && end == self.path.len(),
                Some(inner) => inner.is_null(),
                None => false,
            };
            if is_empty {
                remove(record, &self.path[..end]);
            }
        }
    }

    /// Removes the value.
    pub fn remove(&self, record: &mut Json) {
        match self.is_in_list() {
            true => {
                if let Some(list) = walk_mut(record, &self.path) {
                    remove_within(list, &self.within);
                }
            }
            false => remove(record, &self.path),
        }
    }

    /// Whether both values cannot be written: one contains the other, or they may be the same.
    pub(super) fn clashes(&self, other: &Pointer) -> bool {
        let mut own = self.steps();
        let mut theirs = other.steps();
        loop {
            let (Some(own), Some(theirs)) = (own.next(), theirs.next()) else {
                return true;
            };
            match (own, theirs) {
                (Step::Member(own), Step::Member(theirs)) if own != theirs => return false,
                (Step::Element { by, is }, Step::Element { by: of, is: other })
                    if by == of && is != other =>
                {
                    return false;
                }
                (own, theirs) if own != theirs => return true,
                (Step::Each, _) => return true,
                _ => {}
            }
        }
    }

    fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        let path = self.path.iter().cloned().map(Step::Member);
        path.chain(self.within.iter().cloned())
    }
}

/// The part of a JSON pointer that selects list elements, if it has one.
pub(super) fn selecting(pointer: &str) -> Option<&str> {
    let mut tokens = pointer.split('/').skip(1);
    tokens.find(|token| matches!(selection(token), Ok((_, Some(_)))))
}

/// Splits a token into its name and its selector.
fn selection(token: &str) -> Result<(&str, Option<Step>), String> {
    let Some((name, rest)) = token.split_once('[') else {
        return Ok((token, None));
    };
    let Some(inner) = rest.strip_suffix(']') else {
        return Err(format!(
            "the [ of \"{token}\" has no ]; a / in a selector is written ~1"
        ));
    };
    if name.is_empty() {
        return Err(format!("\"{token}\" does not name a list"));
    }
    if inner.is_empty() {
        return Ok((name, Some(Step::Each)));
    }
    let (by, is) = inner
        .split_once('=')
        .filter(|(by, is)| !by.is_empty() && !is.is_empty() && !inner.contains("]["))
        .ok_or_else(|| {
            format!("[{inner}] must select elements by one member, as in [type=work]")
        })?;
    let is = unescape(is);
    let is = match serde_json::from_str(&is) {
        Ok(value @ (Json::Bool(_) | Json::Number(_) | Json::String(_))) => value,
        Err(_) if !is.starts_with('"') => Json::from(is),
        Ok(Json::Null | Json::Array(_) | Json::Object(_)) | Err(_) => {
            return Err(format!(
                "[{inner}] must select by a text, a number, true or false; a text that looks otherwise is quoted, as in [{by}=\"1\"]"
            ));
        }
    };
    let by = unescape(by);
    Ok((name, Some(Step::Element { by, is })))
}

/// Unescapes a reference token of a JSON pointer (RFC 6901, section 4).
fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn walk<'a>(record: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(record, |value, token| match value {
        Json::Object(members) => members.get(token),
        Json::Array(items) => items.get(token.parse::<usize>().ok()?),
        _ => None,
    })
}

fn walk_mut<'a>(record: &'a mut Json, path: &[String]) -> Option<&'a mut Json> {
    path.iter().try_fold(record, |value, token| match value {
        Json::Object(members) => members.get_mut(token),
        Json::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Returns a member of an object. Both are created if they do not exist.
fn member<'a>(place: &'a mut Json, name: &str) -> &'a mut Json {
    if !place.is_object() {
        *place = Json::Object(Map::new());
    }
    &mut place[name]
}

/// Takes the elements out of a list. Any other value has no elements.
fn take_elements(place: &mut Json) -> Vec<Json> {
    match place.take() {
        Json::Array(items) => items,
        _ => Vec::new(),
    }
}

fn is_selected(element: &Json, by: &str, is: &Json) -> bool {
    element.get(by) == Some(is)
}

/// Whether an element has only the member of the selector.
fn is_bare(element: &Json, by: &str) -> bool {
    let members = element.as_object();
    members.is_some_and(|members| members.keys().all(|name| name == by))
}

fn get_within<'a>(held: &'a Json, steps: &[Step]) -> Result<Option<Cow<'a, Json>>, Unclear> {
    let items = || match held {
        Json::Array(items) => Ok(&items[..]),
        Json::Null => Ok(&[][..]),
        _ => Err(Unclear::NoList),
    };
    match steps {
        [] => Ok(Some(Cow::Borrowed(held))),
        [Step::Member(name), rest @ ..] => match held.get(name) {
            Some(inner) => get_within(inner, rest),
            None => Ok(None),
        },
        [Step::Element { by, is }, rest @ ..] => {
            let items = items()?;
            let mut selected = items.iter().filter(|item| is_selected(item, by, is));
            match (selected.next(), selected.count()) {
                (None, _) => Ok(None),
                (Some(element), 0) => get_within(element, rest),
                (Some(_), others) => Err(Unclear::Several(1 + others)),
            }
        }
        [Step::Each, rest @ ..] => {
            let mut values = Vec::new();
            for item in items()? {
                let value = get_within(item, rest)?;
                values.extend(value.filter(|value| !value.is_null()).map(Cow::into_owned));
            }
            Ok(Some(Cow::Owned(Json::Array(values))))
        }
    }
}

fn set_within(place: &mut Json, steps: &[Step], value: Json) {
    match steps {
        [] => *place = value,
        [Step::Member(name)] if value.is_null() => {
            if let Json::Object(members) = place {
                members.shift_remove(name);
            }
        }
        [Step::Member(name), rest @ ..] => {
            let is_cleared = value.is_null();
            if is_cleared && place.get(name).is_none() {
                return;
            }
            set_within(member(place, name), rest, value);
            if let Json::Object(members) = place
                && is_cleared
                && members[name] == Json::Object(Map::new())
            {
                members.shift_remove(name);
            }
        }
        [Step::Element { by, is }, rest @ ..] => {
            let mut items = take_elements(place);
            let position = items.iter().position(|item| is_selected(item, by, is));
            match position {
                Some(position) => {
                    let is_cleared = value.is_null();
                    set_within(&mut items[position], rest, value);
                    if is_cleared && is_bare(&items[position], by) {
                        items.remove(position);
                    }
                }
                None if value.is_null() => {}
                None => {
                    let mut element = Json::Object(Map::new());
                    element[by] = is.clone();
                    set_within(&mut element, rest, value);
                    items.push(element);
                }
            }
            *place = Json::Array(items);
        }
        [Step::Each, rest @ ..] => {
            let items = take_elements(place);
            *place = Json::Array(with_values(items, rest, value));
        }
    }
}

/// Updates elements to hold these values in order. An element that already holds a value keeps its other
/// members; an element that holds none keeps its position.
fn with_values(items: Vec<Json>, steps: &[Step], values: Json) -> Vec<Json> {
    let Json::Array(values) = values else {
        return with_values(items, steps, Json::Array(Vec::new()));
    };
    let held = |item: &Json| match get_within(item, steps) {
        Ok(Some(value)) if !value.is_null() => Some(value.into_owned()),
        _ => None,
    };
    let mut left: Vec<(Option<Json>, Option<Json>)> = items
        .into_iter()
        .map(|item| (held(&item), Some(item)))
        .collect();
    let mut elements: Vec<Json> = values
        .into_iter()
        .map(|value| {
            let mut same = left
                .iter_mut()
                .filter(|(held, _)| held.as_ref() == Some(&value));
            let known = same.find_map(|(_, item)| item.take());
            known.unwrap_or_else(|| {
                let mut element = Json::Null;
                set_within(&mut element, steps, value);
                element
            })
        })
        .collect();
    for (position, (held, item)) in left.into_iter().enumerate() {
        if let (None, Some(item)) = (held, item) {
            elements.insert(position.min(elements.len()), item);
        }
    }
    elements
}

fn remove(record: &mut Json, path: &[String]) {
    let Some((name, path)) = path.split_last() else {
        return;
    };
    if let Some(Json::Object(members)) = walk_mut(record, path) {
        members.shift_remove(name);
    }
}

fn remove_within(place: &mut Json, steps: &[Step]) {
    match (place, steps) {
        (Json::Array(items), [Step::Element { by, is }, rest @ ..]) => {
            items.retain_mut(|item| {
                let is_selected = is_selected(item, by, is);
                if is_selected {
                    remove_within(item, rest);
                }
                !(is_selected && is_bare(item, by))
            });
        }
        (Json::Array(items), [Step::Each, rest @ ..]) => {
            items.retain_mut(|item| {
                remove_within(item, rest);
                *item != Json::Object(Map::new())
            });
        }
        (Json::Object(members), [Step::Member(name)]) => {
            members.shift_remove(name);
        }
        (Json::Object(members), [Step::Member(name), rest @ ..]) => {
            if let Some(inner) = members.get_mut(name) {
                remove_within(inner, rest);
                if *inner == Json::Object(Map::new()) {
                    members.shift_remove(name);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
