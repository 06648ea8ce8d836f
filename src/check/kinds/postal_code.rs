//! Postal code cells: normalized to five digits with a space.

use compact_str::CompactString;

use crate::check::fault::{Checked, Fault, is_scientific, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Doubtful "postal_code.unusual" what_postal_code_unusual "169 567" remedy_look;
    Invalid "postal_code.scientific" what_postal_code_scientific "1,6956E+04" remedy_as_text;
    Invalid "postal_code.format" what_postal_code_format "1695" remedy_value;
}

/// Checks a Swedish postal code and normalizes it to `NNN NN`: five digits, the first of which is not 0
/// (PostNord). A country prefix such as in `SE-169 56` is dropped.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    if is_normal(text) {
        return Ok(Value::Text(text));
    }
    if is_scientific(text) {
        return refuse("postal_code.scientific", message::number_cut_short(text));
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
            ' ' | '-' => {}
            _ => return Err(fault("postal_code.unusual", text)),
        }
    }
    // All Swedish codes have five digits, so a shorter one has lost some.
    if digits.len() < 6 {
        return Err(fault("postal_code.format", text));
    }
    if digits.len() > 6 || digits.starts_with('0') {
        return Err(fault("postal_code.unusual", text));
    }
    Ok(Value::Rewritten(digits))
}

/// Whether the text is a code in normal form.
#[inline]
pub(in crate::check) fn is_normal(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [
            b'1'..=b'9',
            b'0'..=b'9',
            b'0'..=b'9',
            b' ',
            b'0'..=b'9',
            b'0'..=b'9'
        ]
    )
}

/// Makes the fault doubtful if the code may be foreign.
pub(in crate::check) fn perhaps_foreign(fault: Fault) -> Fault {
    if fault.code == "postal_code.format" {
        Fault::new("postal_code.unusual", fault.into_inner().message)
    } else {
        fault
    }
}

fn fault(code: &'static str, text: &str) -> Fault {
    Fault::new(code, message::postal_code_format(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postal_codes_are_normalized() {
        for same in ["169 56", "16956", "SE-169 56", "S-16956"] {
            assert_eq!(check(same).unwrap().as_text(), "169 56", "{same}");
        }
        for (bad, code) in [
            ("1695", "postal_code.format"),
            ("169 567", "postal_code.unusual"),
            ("ABC", "postal_code.unusual"),
            ("012 34", "postal_code.unusual"),
        ] {
            assert_eq!(check(bad).unwrap_err().code, code, "{bad}");
        }
        let cut = check("1,6956E+04").unwrap_err();
        assert_eq!(cut.code, "postal_code.scientific");
    }

    #[test]
    fn a_short_code_may_be_foreign() {
        let code = |text| perhaps_foreign(check(text).unwrap_err()).code;
        assert_eq!(code("1695"), "postal_code.unusual");
        assert_eq!(code("1,6956E+04"), "postal_code.scientific");
    }
}
