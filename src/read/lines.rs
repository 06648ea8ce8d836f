//! Counts line endings.

use memchr::memchr_iter;

/// The number of line endings in `text[from..to]`: line feeds, and carriage returns without a following line
/// feed. A file may contain both kinds.
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
    fn each_kind_of_line_ending_counts_once() {
        assert_eq!(count(b"a\nb\r\nc\rd\r\r\n", 0, 11), 5);
        // The line feed of the CRLF lies beyond the part.
        assert_eq!(count(b"a\r\nb", 0, 2), 0);
        assert_eq!(count(b"a\r", 0, 2), 1);
    }
}
