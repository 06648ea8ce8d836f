//! Writes keys into filters and paths of queries, and refuses keys that cannot be written safely.

use crate::targets::Query;

/// Returns the filter for the records with one of `keys`, before it is percent-encoded.
pub(super) fn filter(query: &Query, keys: &[&str]) -> String {
    let one = |key: &&str| query.template().replace(Query::KEY, &escaped(query, key));
    let all: Vec<String> = keys.iter().map(one).collect();
    let all = all.join(query.between.as_deref().unwrap_or_default());
    match &query.around {
        Some(around) => around.replace(Query::FILTER, &all),
        None => all,
    }
}

/// Returns a key with the escapes of the query applied.
pub(super) fn escaped(query: &Query, key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for c in key.chars() {
        match query.escape.get(&c) {
            Some(written) => text.push_str(written),
            None => text.push(c),
        }
    }
    text
}

/// Returns the character of a key that the filter could interpret as syntax, if there is one.
pub(super) fn unwritable<'k>(query: &Query, key: &'k str) -> Option<&'k str> {
    let around = query.around.as_deref().unwrap_or_default();
    let between = query.between.as_deref().unwrap_or_default();
    let template = query.template();
    // The parameter contains only the percent-encoded key.
    let is_alone = template == Query::KEY && around.is_empty() && between.is_empty();
    let syntax = Syntax {
        is_free: is_alone,
        ..Syntax::of((template, Query::KEY), (between, around), Some(query))
    };
    syntax.unwritable(key)
}

/// Returns the part of a key that cannot be part of a path, if there is one.
///
/// `mark` is the key's placeholder in `path`. Slashes are percent-encoded, but clients resolve dot segments
/// even if they are encoded.
pub(super) fn unwritable_in<'k>(
    path: &str,
    mark: &str,
    query: Option<&Query>,
    key: &'k str,
) -> Option<&'k str> {
    let mut segments = path.split(['/', '?']);
    let is_segment = segments.any(|segment| segment == mark);
    if is_segment && matches!(key, "." | "..") {
        return Some(key);
    }
    let syntax = Syntax::of((path, mark), ("", ""), query);
    Syntax {
        is_free: !syntax.is_quoted,
        ..syntax
    }
    .unwritable(key)
}

/// The syntax around a key.
struct Syntax<'a> {
    /// Whether every character except control characters can be written.
    is_free: bool,
    /// Whether the key is enclosed in quotation marks.
    is_quoted: bool,
    /// The text before and after the key.
    texts: Vec<&'a str>,
    /// The text between keys.
    between: &'a str,
    /// Whether a backslash between the quotation marks is literal.
    has_plain_backslash: bool,
    query: Option<&'a Query>,
}

impl<'a> Syntax<'a> {
    fn of(
        (template, mark): (&'a str, &str),
        (between, around): (&'a str, &'a str),
        query: Option<&'a Query>,
    ) -> Syntax<'a> {
        let parts: Vec<&str> = template.split(mark).collect();
        let quotes = parts.windows(2).map(|beside| {
            let before = beside[0].chars().next_back().filter(|c| is_quote(*c));
            before.filter(|before| beside[1].starts_with(*before))
        });
        let quotes: Vec<Option<char>> = quotes.collect();
        // OData and SQL double the quotation mark; others escape it with a backslash.
        let doubles = |quote: &Option<char>| {
            let escape =
                quote.and_then(|quote| query?.escape.get(&quote).map(|written| (quote, written)));
            escape.is_some_and(|(quote, written)| *written == format!("{quote}{quote}"))
        };
        Syntax {
            is_free: false,
            is_quoted: quotes.iter().all(Option::is_some),
            has_plain_backslash: quotes.iter().all(doubles),
            texts: parts.into_iter().chain([between, around]).collect(),
            between,
            query,
        }
    }

    fn unwritable<'k>(&self, key: &'k str) -> Option<&'k str> {
        if key.is_empty() {
            return Some(key);
        }
        let mut characters = key.char_indices();
        let (start, c) = characters.find(|(start, c)| !self.can_write(*c, *start == 0))?;
        Some(&key[start..start + c.len_utf8()])
    }

    fn can_write(&self, c: char, is_first: bool) -> bool {
        if self
            .query
            .is_some_and(|query| query.escape.contains_key(&c))
        {
            return true;
        }
        if c.is_control() {
            return false;
        }
        if self.is_free {
            return true;
        }
        if self.is_quoted {
            return match c {
                '\\' => self.has_plain_backslash,
                c => !is_quote(c) || !self.texts.iter().any(|text| text.contains(c)),
            };
        }
        match c {
            '-' | '+' => !is_first && !self.between.contains(c),
            '.' | '_' | '@' => !self.between.contains(c),
            c => c.is_alphanumeric(),
        }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`')
}

#[cfg(test)]
mod tests;
