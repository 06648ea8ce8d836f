//! UUID cells: normalized to lower case with hyphens.

use crate::check::fault::{Checked, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Invalid "uuid.format" what_uuid_format "10482" remedy_value;
}

/// Checks a UUID (RFC 9562) and normalizes it to lower case with hyphens. Braces, capital letters and the
/// form without hyphens are accepted.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    if is_normal(text) {
        return Ok(Value::Text(text));
    }
    let Ok(uuid) = ::uuid::Uuid::try_parse(text) else {
        return refuse("uuid.format", message::uuid_format(text));
    };
    let mut buffer = ::uuid::Uuid::encode_buffer();
    let normal: &str = uuid.hyphenated().encode_lower(&mut buffer);
    Ok(Value::Rewritten(normal.into()))
}

/// Whether the text is a UUID in normal form.
#[inline]
pub(in crate::check) fn is_normal(text: &str) -> bool {
    let Ok(bytes) = <&[u8; 36]>::try_from(text.as_bytes()) else {
        return false;
    };
    let is_digit = |byte: &u8| byte.is_ascii_digit() | matches!(byte, b'a'..=b'f');
    // Counting without an early exit lets the compiler vectorize the loop.
    let digits = bytes
        .iter()
        .map(|byte| u8::from(is_digit(byte)))
        .sum::<u8>();
    digits == 32 && [8, 13, 18, 23].iter().all(|place| bytes[*place] == b'-')
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn uuids_are_normalized() {
        let normal = "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11";
        for same in [
            normal,
            "0B8C2F1E-5D1C-4B55-9C0A-2F6A1F0C7E11",
            "{0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11}",
            "0b8c2f1e5d1c4b559c0a2f6a1f0c7e11",
        ] {
            assert_eq!(check(same).unwrap().as_text(), normal);
        }
        for bad in [
            "0b8c2f1e-5d1c-4b55-9c0a",
            "10482",
            "0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e1g",
            "0b8c2f1e5-d1c-4b55-9c0a-2f6a1f0c7e11",
        ] {
            assert_eq!(check(bad).unwrap_err().code, "uuid.format", "{bad}");
        }
    }
}
