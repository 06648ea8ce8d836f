use compact_str::CompactString;

use super::fault::{Checked, Fault};
use crate::model::Value;

/// A Swedish postal code, normalised to `NNN NN`: five digits, the first of which is not 0
/// (PostNord). A country prefix (`SE-169 56`) is dropped.
pub(super) fn check(text: &str) -> Checked<'_> {
    let bytes = text.as_bytes();
    if let [b'1'..=b'9', b, c, b' ', d, e] = bytes
        && [b, c, d, e].into_iter().all(u8::is_ascii_digit)
    {
        return Ok(Value::Text(text));
    }
    let bare = text
        .strip_prefix("SE")
        .or_else(|| text.strip_prefix('S'))
        .unwrap_or(text);
    let mut digits = CompactString::default();
    for c in bare.chars() {
        match c {
            '0'..='9' => {
                if digits.len() == 3 {
                    digits.push(' ');
                }
                digits.push(c);
            }
            ' ' | '\u{A0}' | '-' => {}
            _ => return Err(fault(text)),
        }
    }
    if digits.len() != 6 || digits.starts_with('0') {
        return Err(fault(text));
    }
    Ok(Value::Rewritten(digits))
}

fn fault(text: &str) -> Fault {
    Fault::new(
        "postal_code.format",
        format!("\"{text}\" is not a postal code of five digits, such as 169 56"),
    )
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn postal_codes() {
        for same in ["169 56", "16956", "SE-169 56", "S-16956", "169\u{A0}56"] {
            assert_eq!(check(same).unwrap().as_text(), "169 56", "{same}");
        }
        for bad in ["1695", "169 567", "ABC", "012 34", "1,6956E+04"] {
            assert_eq!(check(bad).unwrap_err().code, "postal_code.format", "{bad}");
        }
    }
}
