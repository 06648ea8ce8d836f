//! The screen writes to a terminal whose width may change.

use std::io;
use std::sync::{Mutex, PoisonError};

use console::Term;
use indicatif::TermLike;

use crate::model::visible;

/// Standard error as a terminal that may change its width at any time. What was drawn for a wider
/// window stands on several lines after it has become narrower; all of them are taken away before the
/// next drawing.
#[derive(Debug)]
pub(super) struct Screen {
    term: Term,
    drawn: Mutex<usize>,
}

impl Screen {
    pub(super) fn new() -> Screen {
        Screen {
            term: Term::buffered_stderr(),
            drawn: Mutex::default(),
        }
    }

    /// The width of the window in columns; a usual width if unknown.
    pub(super) fn columns() -> usize {
        Term::stderr()
            .size_checked()
            .map_or(80, |(_, columns)| usize::from(columns))
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from(Screen::columns()).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.term.write_line(&visible(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // A line that is filled up with spaces is as wide as the window, and breaks in a narrower one.
        if text.bytes().all(|byte| byte == b' ') {
            return self.term.write_str("\x1b[K");
        }
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        *drawn = console::measure_text_width(text).max(1);
        self.term.write_str(&visible(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let above = lines_above(std::mem::take(&mut *drawn), Screen::columns());
        if above > 0 {
            self.term.move_cursor_up(above)?;
        }
        self.term.write_str("\r\x1b[J")
    }

    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}

/// Lines above the last of those on which a text of `drawn` columns stands.
fn lines_above(drawn: usize, columns: usize) -> usize {
    drawn.saturating_sub(1) / columns.max(1)
}

#[cfg(test)]
mod tests {
    use super::lines_above;

    #[test]
    fn output_for_a_wider_window_wraps_onto_several_lines() {
        assert_eq!(lines_above(0, 80), 0);
        assert_eq!(lines_above(80, 80), 0);
        assert_eq!(lines_above(81, 80), 1);
        assert_eq!(lines_above(118, 40), 2);
    }
}
