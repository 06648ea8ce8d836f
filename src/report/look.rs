//! A look defines the width, colour and escaping of printed text.

use anstyle::{AnsiColor, Style};

/// How text is laid out for where it is read: a terminal of some width, in colour or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; none where lines are not to be broken, as in a pipe.
    pub width: Option<usize>,
    /// Whether there are colours.
    pub color: bool,
}

/// The meaning of a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Heading,
    /// What is there now, or went wrong.
    Old,
    /// What will be there, or went well.
    New,
    /// What wants a look.
    Warning,
    /// What can be passed over.
    Aside,
}

impl Look {
    /// `text` in a tone.
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

    /// `text` in lines that fit, each in a tone; the first behind `indent`, the others behind as many
    /// spaces. A control character, which a terminal would obey, becomes a space: the text may be a
    /// roster's or an API's.
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
        // A path or an address that does not fit is better broken by the terminal than by us: then it
        // can still be copied.
        let options = textwrap::Options::new(width.max(40))
            .initial_indent(indent)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(text, options);
        lines.iter().map(|line| painted(line)).collect()
    }
}

/// A text without what a terminal would obey.
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
    fn a_long_text_stays_within_the_window_and_under_its_beginning() {
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
    fn a_colour_ends_with_its_line() {
        let look = Look {
            width: None,
            color: true,
        };
        let red = look.paint(Tone::Old, "x");
        assert_eq!(red, "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(PLAIN.paint(Tone::Old, "x"), "x");
    }
}
