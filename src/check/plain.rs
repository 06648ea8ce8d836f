//! Recognizes plain cells, which need no repair: ordinary ASCII, and names in western European letters.

use super::leftovers;

/// A printable ASCII character other than letters, digits, space and `' , - . / : ;`, which occur in names,
/// addresses and numbers. Placeholders and damage contain it.
const SIGN: u8 = 1;
/// The second byte of Å Ä Æ É Ö Ø or Ü in UTF-8.
const CAPITAL: u8 = 2;
/// The lead byte 0xC3, or the second byte of å ä æ é ö ø or ü.
const SMALL: u8 = 4;
/// Any other byte.
const FOREIGN: u8 = 8;

/// The class of each byte of UTF-8. Ordinary ASCII has none.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 0,
            b' ' | b'\'' | b',' | b'-' | b'.' | b'/' | b':' | b';' => 0,
            b' '..=b'~' => SIGN,
            0x84 | 0x85 | 0x86 | 0x89 | 0x96 | 0x98 | 0x9C => CAPITAL,
            0xC3 | 0xA4 | 0xA5 | 0xA6 | 0xA9 | 0xB6 | 0xB8 | 0xBC => SMALL,
            _ => FOREIGN,
        };
        byte += 1;
    }
    classes
};

/// The classes of all bytes. The loop has no early exit, because most cells are plain.
#[inline]
fn classes(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0, |classes, byte| classes | CLASSES[usize::from(*byte)])
}

/// Converts ASCII digits to numbers. Returns `None` if any byte is not a digit. The loop has no early exit,
/// so the compiler vectorizes it.
#[inline]
pub(super) fn digits<const N: usize>(bytes: [u8; N]) -> Option<[u8; N]> {
    let mut digits = bytes;
    let mut none = false;
    for digit in &mut digits {
        *digit = digit.wrapping_sub(b'0');
        none |= *digit > 9;
    }
    (!none).then_some(digits)
}

/// Whether a text consists of printable ASCII and the letters of the Nordic countries and Germany, which are
/// rare in wrongly decoded text.
#[inline]
pub(super) fn is_western(text: &str) -> bool {
    classes(text.as_bytes()) & FOREIGN == 0
}

/// Whether a cell is ordinary ASCII and begins and ends like a value. Most cells do.
#[inline]
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    classes(bytes) == 0 && has_plain_ends(bytes)
}

/// Whether a cell has no surrounding spaces or special signs, does not end in `.0`, and is not a placeholder.
#[inline]
pub(super) fn has_plain_ends(bytes: &[u8]) -> bool {
    let [first, .., before, last] = bytes else {
        return bytes.iter().all(u8::is_ascii_alphanumeric) && leftovers::is_not_begun(bytes);
    };
    if *last == b' ' || *last == b'0' && ends_in_zeros(*before, bytes) {
        return false;
    }
    if (first.is_ascii_digit() || last.is_ascii_digit()) && leftovers::is_date(bytes) {
        return false;
    }
    // A text that begins with another character needs the full check.
    (first.is_ascii_alphanumeric() || *first >= 0x80) && leftovers::is_not_begun(bytes)
}

/// Whether all decimals of a text that ends in a zero are zeros.
#[inline]
fn ends_in_zeros(before: u8, bytes: &[u8]) -> bool {
    match before {
        b'.' | b',' => true,
        b'0' => {
            let mut digits = bytes.iter().rev().skip_while(|byte| **byte == b'0');
            matches!(digits.next(), Some(b'.' | b','))
        }
        _ => false,
    }
}

/// Whether a text consists of ordinary ASCII and western letters, with capital letters only where names have
/// them, and begins and ends like a value.
#[inline]
pub(super) fn is_plain_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let classes = classes(bytes);
    classes & (SIGN | FOREIGN) == 0
        && !(classes & CAPITAL != 0 && has_late_capital(bytes))
        && has_plain_ends(bytes)
}

/// Whether a western capital beyond ASCII follows two small letters or stands between two: `BjÜrn` and
/// `AndrÄ` are Mac Roman read as CP850. `SvÖ` is an abbreviation.
#[inline]
pub(super) fn has_late_capital(bytes: &[u8]) -> bool {
    let is_small = |byte: u8| matches!(byte, b'a'..=b'z' | 0xA0..=0xBF);
    bytes.windows(4).any(|four| match *four {
        [before, 0xC3, 0x80..=0x9E, behind] => is_small(before) && is_small(behind),
        [first, second, 0xC3, 0x80..=0x9E] => is_small(first) && is_small(second),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_cells_have_plain_first_and_last_characters() {
        for text in ["a", "ab", "a b", "a10", "a.1", "Åab", "10"] {
            assert!(has_plain_ends(text.as_bytes()), "{text}");
        }
        for text in [
            "-", "a-", "NA", "ab ", "1.0", "1,0", "a.0", "-ab", "'ab", "NULL", " ab",
        ] {
            assert!(!has_plain_ends(text.as_bytes()), "{text}");
        }
    }
}
