//! Quotes text for messages and shell commands.

/// Quotes a text for a POSIX shell, unless it is safe without quotes.
pub fn in_quotes(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::in_quotes;

    #[test]
    fn a_quoted_text_is_one_shell_word() {
        assert_eq!(in_quotes("a/b-1.failed.csv"), "a/b-1.failed.csv");
        assert_eq!(in_quotes("min lista.csv"), "'min lista.csv'");
        assert_eq!(in_quotes("it's.csv"), "'it'\\''s.csv'");
        assert_eq!(in_quotes("$HOME"), "'$HOME'");
    }
}
