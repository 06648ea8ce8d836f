//! Line ends are counted in text.

use memchr::memchr_iter;

/// Line ends in `text[from..to]`: line feeds, and carriage returns that no line feed follows. A
/// file may have both kinds, when it was put together from two.
pub(super) fn count(text: &[u8], from: usize, to: usize) -> u64 {
    let part = &text[from..to];
    let feeds = memchr_iter(b'\n', part).count();
    let lone = memchr_iter(b'\r', part)
        .filter(|at| text.get(from + at + 1) != Some(&b'\n'))
        .count();
    (feeds + lone) as u64
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn every_kind_of_line_end_is_one() {
        assert_eq!(count(b"a\nb\r\nc\rd\r\r\n", 0, 11), 5);
        // The line feed that makes the carriage return one with it lies beyond the part.
        assert_eq!(count(b"a\r\nb", 0, 2), 0);
        assert_eq!(count(b"a\r", 0, 2), 1);
    }
}
