//! A terminal whose width may change while a line is redrawn.

use std::io;
use std::sync::Mutex;

use console::Term;
use indicatif::TermLike;

use super::lock;
use crate::model::visible;

/// Standard error as a terminal whose width may change. When the window becomes narrower, the drawn line
/// wraps; all its parts are cleared before the next drawing.
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

    /// Returns the width of the window in columns, or 80 if unknown.
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
        // Clears the line instead: padding to the window's width would wrap once the window becomes narrower.
        if text.bytes().all(|byte| byte == b' ') {
            return self.term.write_str("\x1b[K");
        }
        let mut drawn = lock(&self.drawn);
        *drawn = console::measure_text_width(text).max(1);
        self.term.write_str(&visible(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut drawn = lock(&self.drawn);
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

/// Returns the number of wrapped lines above the last one of a text with `drawn` columns.
fn lines_above(drawn: usize, columns: usize) -> usize {
    drawn.saturating_sub(1) / columns.max(1)
}

#[cfg(test)]
mod tests {
    use super::lines_above;

    #[test]
    fn lines_wider_than_the_window_wrap() {
        assert_eq!(lines_above(0, 80), 0);
        assert_eq!(lines_above(80, 80), 0);
        assert_eq!(lines_above(81, 80), 1);
        assert_eq!(lines_above(118, 40), 2);
    }
}
