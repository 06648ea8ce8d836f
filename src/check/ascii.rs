//! Recognizes plain ASCII cells.

/// Whether a byte is an ASCII letter, digit, space, or one of `' , - . / : ;`, which occur in names,
/// addresses and numbers. Placeholders and damage contain other characters.
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
    bytes.iter().all(|byte| IS_ORDINARY[usize::from(*byte)])
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
