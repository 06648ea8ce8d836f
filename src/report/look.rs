//! Width, colour and escaping of printed text.

use anstyle::{AnsiColor, Style};

/// The layout of printed text: the width of the terminal, and whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The width in columns, or `None` if lines are not wrapped, as in a pipe.
    pub width: Option<usize>,
    /// Whether colours are used.
    pub color: bool,
}

/// The meaning of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Heading,
    /// An old value or a failure.
    Old,
    /// A new value or a success.
    New,
    /// A warning.
    Warning,
    /// Secondary information.
    Aside,
}

impl Look {
    /// Formats `text` in a tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let text = &*for_terminal(text);
        if !self.color {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Heading => Style::new().bold(),
            Tone::Old => AnsiColor::Red.on_default(),
            Tone::New => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Aside => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Wraps `text` into lines in a tone, the first after `indent`, the others after as many spaces. Control
    /// characters become spaces, because the text may come from a roster or an API.
    pub fn lines(self, tone: Option<Tone>, indent: &str, text: &str) -> Vec<String> {
        let text = &*for_terminal(text);
        let painted = |line: &str| match tone {
            None => line.to_owned(),
            Some(tone) => self.paint(tone, line),
        };
        let Some(width) = self.width else {
            return vec![painted(&format!("{indent}{text}"))];
        };
        let rest = " ".repeat(indent.chars().count());
        // Paths and addresses that do not fit are left to the terminal to wrap, so that they can be copied.
        let options = textwrap::Options::new(width.max(40))
            .initial_indent(indent)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(text, options);
        lines.iter().map(|line| painted(line)).collect()
    }
}

/// Replaces control characters with spaces.
pub fn for_terminal(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look {
        width: None,
        color: false,
    };

    #[test]
    fn long_text_wraps_within_the_window_with_a_hanging_indent() {
        let look = Look {
            width: Some(40),
            color: false,
        };
        let lines = look.lines(None, "  - ", &"åäö ".repeat(20));
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.chars().count() <= 40));
        assert!(lines[0].starts_with("  - å") && lines[1].starts_with("    å"));
        assert_eq!(PLAIN.lines(None, "", &"x ".repeat(99)).len(), 1);
    }

    #[test]
    fn terminal_control_sequences_are_not_written() {
        let lines = PLAIN.lines(None, "", "a\u{1b}[2Jb\u{9b}c\nd");
        assert_eq!(lines, ["a [2Jb c d"]);
    }

    #[test]
    fn a_colour_is_reset_at_the_end_of_each_line() {
        let look = Look {
            width: None,
            color: true,
        };
        let red = look.paint(Tone::Old, "x");
        assert_eq!(red, "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(PLAIN.paint(Tone::Old, "x"), "x");
    }
}
