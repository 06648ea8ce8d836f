//! The JSON encoding of a call's changes in the journal.

use memchr::memmem;
use serde::de::Error;
use serde_json::Value as Json;

use crate::l10n::say;
use crate::model::{Call, Change};

/// The prefix of the compact encoding: a list with the previous value and the position of the new value in
/// the body, for each field of the call's set. The full encoding is a list of `[field, from, to]`.
const SHORT: char = '~';

/// Encodes the changes of a call. Returns `None` if no previous value is known: the changes cannot be undone
/// then, and the body has the new values.
pub(super) fn kept(call: &Call) -> Result<Option<String>, serde_json::Error> {
    if call.changes.iter().all(|change| change.from.is_none()) {
        return Ok(None);
    }
    if let Some(short) = short(call)? {
        return Ok(Some(short));
    }
    let changes = call.changes.iter();
    let listed: Vec<_> = changes
        .map(|change| (&change.field, &change.from, &change.to))
        .collect();
    serde_json::to_string(&listed).map(Some)
}

/// Encodes the changes compactly, or returns `None` if they do not match the fields or the body of the call.
fn short(call: &Call) -> Result<Option<String>, serde_json::Error> {
    let fields = call.changes.iter().map(|change| &*change.field);
    if !fields.eq(call.changed.split(' ')) {
        return Ok(None);
    }
    let mut kept = String::with_capacity(32 * call.changes.len());
    kept.push(SHORT);
    let mut kept = kept.into_bytes();
    let mut to = Vec::new();
    // Most fields have the same order in the body as in the list.
    let mut after = 0;
    for change in &call.changes {
        to.clear();
        serde_json::to_writer(&mut to, &change.to)?;
        let place = place_of(&to, &call.body, after).or_else(|| place_of(&to, &call.body, 0));
        let (Some(place), Some(from)) = (place, &change.from) else {
            return Ok(None);
        };
        after = place + to.len();
        kept.push(if kept.len() == 1 { b'[' } else { b',' });
        serde_json::to_writer(&mut kept, from)?;
        kept.push(b',');
        serde_json::to_writer(&mut kept, &place)?;
    }
    kept.push(b']');
    Ok(String::from_utf8(kept).ok())
}

/// Returns the position of a value in a body, from `after` on.
fn place_of(value: &[u8], body: &[u8], mut after: usize) -> Option<usize> {
    let finder = memmem::Finder::new(value);
    loop {
        let place = after + finder.find(body.get(after..)?)?;
        // A value is followed by a delimiter. A member name is followed by a colon.
        if matches!(body.get(place + value.len()), Some(b',' | b'}' | b']')) {
            return Some(place);
        }
        after = place + 1;
    }
}

/// Decodes the changes of a call with these field names and this body.
pub(super) fn changes_of(
    text: &str,
    names: &str,
    body: &[u8],
) -> Result<Vec<Change>, serde_json::Error> {
    let Some(short) = text.strip_prefix(SHORT) else {
        return serde_json::from_str(text);
    };
    let unclear = || serde_json::Error::custom(say().journal_changes_unclear());
    let pairs: Vec<Json> = serde_json::from_str(short)?;
    let (pairs, rest) = pairs.as_chunks::<2>();
    if names.is_empty() || !rest.is_empty() || names.split(' ').count() != pairs.len() {
        return Err(unclear());
    }
    let changes = names.split(' ').zip(pairs).map(|(field, [from, place])| {
        let place = place.as_u64().and_then(|place| usize::try_from(place).ok());
        let value = place.and_then(|place| body.get(place..)).unwrap_or(b"");
        let mut values = serde_json::Deserializer::from_slice(value).into_iter::<Json>();
        Ok(Change {
            field: field.to_owned(),
            from: Some(from.clone()),
            to: values.next().ok_or_else(unclear)??,
        })
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn call(fields: &[(&str, Json, Json)], body: &str) -> Call {
        let names: Vec<&str> = fields.iter().map(|(name, ..)| *name).collect();
        let change = |(field, from, to): &(&str, Json, Json)| Change {
            field: (*field).to_owned(),
            from: Some(from.clone()),
            to: to.clone(),
        };
        Call {
            body: body.as_bytes().to_vec(),
            changed: names.join(" "),
            changes: fields.iter().map(change).collect(),
            ..Call::default()
        }
    }

    #[test]
    fn new_values_in_the_body_are_not_stored_again() {
        let fields = [
            ("first", json!("Åsa"), json!("Bo")),
            ("city", json!(null), json!("first")),
            ("age", json!(4), json!(5)),
            ("last", json!(["x", 1]), json!(null)),
        ];
        let body = r#"{"first":"Bo","last":null,"age":5,"address":{"city":"first"}}"#;
        let call = call(&fields, body);
        let kept = kept(&call).unwrap().unwrap();
        assert_eq!(kept, r#"~["Åsa",9,null,52,4,32,["x",1],21]"#);
        let read = changes_of(&kept, &call.changed, &call.body).unwrap();
        assert_eq!(read, call.changes);
        // Changes that differ from the call are encoded in full.
        let long = r#"[["first","Åsa","Bo"]]"#;
        assert_eq!(changes_of(long, "", b"").unwrap(), call.changes[..1]);
        // Damaged encodings are errors.
        for (text, names, body) in [
            ("~[1,9]", "first last", body),
            ("~[1,9]", "", body),
            ("~[1]", "first", body),
            ("~[1,900]", "first", body),
            ("~[1,2]", "first", "{x"),
            ("~[1,\"a\"]", "first", body),
            ("~", "first", body),
        ] {
            assert!(changes_of(text, names, body.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn new_values_missing_from_the_body_are_stored() {
        let fields = [("first", json!("Åsa"), json!("Bo"))];
        for (body, changed) in [
            (r#"{"first":"B"}"#, "first"),
            (r#"{"Bo":"B"}"#, "first"),
            (r#"{"first":"Bo"}"#, "first last"),
        ] {
            let mut call = call(&fields, body);
            call.changed = changed.to_owned();
            let kept = kept(&call).unwrap().unwrap();
            assert_eq!(kept, r#"[["first","Åsa","Bo"]]"#);
            let read = changes_of(&kept, &call.changed, &call.body).unwrap();
            assert_eq!(read, call.changes);
        }
        let mut unknown = call(&fields, "{}");
        unknown.changes[0].from = None;
        assert_eq!(super::kept(&unknown).unwrap(), None);
    }

    fn value() -> impl Strategy<Value = Json> {
        prop_oneof![
            "[a\"\\\\:,}å]{0,4}".prop_map(Json::from),
            any::<i8>().prop_map(Json::from),
            any::<bool>().prop_map(Json::from),
            Just(Json::Null),
            proptest::collection::vec("[a,]{0,2}", 0..3).prop_map(Json::from),
        ]
    }

    proptest! {
        #[test]
        fn every_encoded_change_is_decoded_unchanged(
            values in proptest::collection::vec((value(), value()), 1..6),
            order in any::<u8>(),
        ) {
            let names = ["a", "b", "c", "d", "e"];
            let fields: Vec<_> = names.into_iter().zip(values)
                .map(|(name, (from, to))| (name, from, to)).collect();
            let mut members: Vec<String> = fields.iter()
                .map(|(name, _, to)| format!("\"{name}\":{to}")).collect();
            let turn = usize::from(order) % members.len();
            members.rotate_left(turn);
            let call = call(&fields, &format!("{{{}}}", members.join(",")));
            let kept = kept(&call).unwrap().unwrap();
            prop_assert!(kept.starts_with(SHORT));
            prop_assert_eq!(changes_of(&kept, &call.changed, &call.body).unwrap(), call.changes);
        }
    }
}
