//! Bytes looked at eight at a time: cells are short and many.

/// A one in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The high bit of each byte of a word.
const HIGH: u64 = 0x80 * EACH;

/// Whether a byte is an ASCII letter, digit or space, or one of the marks of names, addresses and numbers:
/// `' , - . / : ;`. What programs leave in place of a letter or a value has other ones.
pub(super) const IS_ORDINARY: [bool; 256] = {
    let mut is_ordinary = [false; 256];
    let mut byte = 0;
    while byte < is_ordinary.len() {
        is_ordinary[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b' ' | b'\'' | b',' | b'-' | b'.' | b'/' | b':' | b';'
            );
        byte += 1;
    }
    is_ordinary
};

/// Whether all bytes are ordinary.
#[inline]
pub(super) fn is_ordinary(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else {
        return match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
                ordinary_in(u64::from(first) << 32 | u64::from(last)) == HIGH
            }
            _ => bytes.iter().all(|byte| IS_ORDINARY[usize::from(*byte)]),
        };
    };
    // Some bytes of the last word are looked at twice.
    let mut all = ordinary_in(u64::from_le_bytes(*last));
    for word in bytes.as_chunks::<8>().0 {
        all &= ordinary_in(u64::from_le_bytes(*word));
    }
    all == HIGH
}

/// The high bit of each byte that is ordinary.
#[inline]
fn ordinary_in(word: u64) -> u64 {
    let low = word & !HIGH;
    let lower_case = low | (0x20 * EACH);
    // Of bytes below 0x80; no carry leaves a byte.
    let from = |bytes: u64, least: u8| bytes + u64::from(0x80 - least) * EACH;
    let is = |wanted: u8| !((low ^ (u64::from(wanted) * EACH)) + 0x7F * EACH);
    let letters = from(lower_case, b'a') & !from(lower_case, b'z' + 1);
    // From the comma to the semicolon.
    let digits = from(low, b',') & !from(low, b';' + 1);
    (letters | digits | is(b' ') | is(b'\'')) & !word & HIGH
}

/// Hands on every byte that is no ASCII letter or digit, with its place, until `goes_on` says no. Returns
/// whether it never did.
#[inline]
pub(super) fn marks(bytes: &[u8], mut goes_on: impl FnMut(usize, u8) -> bool) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    // Filled up with digits, which are no marks.
    let last = rest
        .iter()
        .rev()
        .fold(u64::from(b'0') * EACH, |word, byte| {
            word << 8 | u64::from(*byte)
        });
    for index in 0..=words.len() {
        let word = words
            .get(index)
            .map_or(last, |word| u64::from_le_bytes(*word));
        let mut found = marks_in(word);
        while found != 0 {
            let place = found.trailing_zeros() as usize / 8;
            if !goes_on(index * 8 + place, word.to_le_bytes()[place]) {
                return false;
            }
            found &= found - 1;
        }
    }
    true
}

/// The high bit of each byte that is no ASCII letter or digit.
#[inline]
fn marks_in(word: u64) -> u64 {
    let low = word & !HIGH;
    let lower_case = low | (0x20 * EACH);
    // Of bytes below 0x80; no carry leaves a byte.
    let from = |bytes: u64, least: u8| bytes + u64::from(0x80 - least) * EACH;
    let letters = from(lower_case, b'a') & !from(lower_case, b'z' + 1);
    let digits = from(low, b'0') & !from(low, b'9' + 1);
    (!(letters | digits) | word) & HIGH
}

/// What digits of ASCII stand for, if all bytes are digits. All are looked at, and not one after the other
/// until one is none.
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn eight_bytes_at_a_time_or_one_is_the_same(bytes in proptest::collection::vec(0u8.., 0..40)) {
            let each_is = bytes.iter().all(|byte| IS_ORDINARY[usize::from(*byte)]);
            proptest::prop_assert_eq!(is_ordinary(&bytes), each_is);
            let mut found = Vec::new();
            marks(&bytes, |place, byte| {
                found.push((place, byte));
                true
            });
            let each = bytes.iter().copied().enumerate();
            let expected: Vec<_> = each.filter(|(_, byte)| !byte.is_ascii_alphanumeric()).collect();
            proptest::prop_assert_eq!(found, expected);
        }

        #[test]
        fn ordinary_bytes_are_known_at_every_place(text in "[ -~]{0,40}|[a-zA-Z0-9 ',./:;-]{0,40}") {
            let each_is = text.bytes().all(|byte| IS_ORDINARY[usize::from(byte)]);
            proptest::prop_assert_eq!(is_ordinary(text.as_bytes()), each_is);
        }
    }
}
