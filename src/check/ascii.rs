//! Bytes looked at eight at a time: cells are short and many.

/// A one in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The high bit of each byte of a word.
const HIGH: u64 = 0x80 * EACH;

/// Whether all bytes are printable ASCII, and none of them is `not`.
#[inline]
pub(super) fn is_printable(bytes: &[u8], not: Option<u8>) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else {
        let is_fine = |byte: &u8| matches!(byte, b' '..=b'~') && Some(*byte) != not;
        return bytes.iter().all(is_fine);
    };
    let found_in = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        unprintable_in(word) | not.map_or(0, |not| maybe_in(word, not))
    };
    // Some bytes of the last word are looked at twice.
    let mut found = found_in(last);
    for word in bytes.as_chunks::<8>().0 {
        found |= found_in(word);
    }
    found == 0
}

/// The high bit of each byte that is below space, is DEL, or is not ASCII. A byte behind such a one may
/// have it too.
#[inline]
fn unprintable_in(word: u64) -> u64 {
    let below_space = word.wrapping_sub(0x20 * EACH);
    let above_tilde = word.wrapping_add(EACH);
    (below_space | above_tilde | word) & HIGH
}

/// Nothing, if no byte of an ASCII word is `wanted`.
#[inline]
fn maybe_in(word: u64, wanted: u8) -> u64 {
    let difference = word ^ (u64::from(wanted) * EACH);
    difference.wrapping_sub(EACH) & !difference & HIGH
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
            let is_fine = |byte: &u8| matches!(byte, b' '..=b'~');
            proptest::prop_assert_eq!(is_printable(&bytes, None), bytes.iter().all(is_fine));
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
        fn a_sign_is_found_wherever_it_stands(text in "[ -~]{0,40}") {
            proptest::prop_assert_eq!(is_printable(text.as_bytes(), Some(b'+')), !text.contains('+'));
        }
    }
}
