//! Parsing of filters in the format of a target file.

use super::description::Query;

/// Returns the keys in a filter, or `None` if it does not follow the target file.
pub(super) fn keys_in(query: &Query, filter: &str) -> Option<Vec<String>> {
    let (before, after) = query.around.split_once("{filter}")?;
    let mut rest = filter.strip_prefix(before)?.strip_suffix(after)?;
    let mut keys = Vec::new();
    loop {
        let (key, end) = key_of(query, &query.filter, rest)?;
        keys.push(key);
        if end.is_empty() {
            return Some(keys);
        }
        rest = end
            .strip_prefix(&*query.between)
            .filter(|_| !query.between.is_empty())?;
    }
}

/// Returns the key in a text that matches `template` as a whole.
pub(super) fn key_in(query: &Query, template: &str, text: &str) -> Option<String> {
    let (key, end) = key_of(query, template, text)?;
    end.is_empty().then_some(key)
}

/// Returns a key at the start of a text, and the text after its term.
fn key_of<'a>(query: &Query, template: &str, text: &'a str) -> Option<(String, &'a str)> {
    let (before, after) = template.split_once("{key}")?;
    let mut rest = text.strip_prefix(before)?;
    let mut key = String::new();
    loop {
        let mut escapes = query.escape.iter();
        let escaped = escapes.find_map(|(c, written)| Some((c, rest.strip_prefix(&**written)?)));
        if let Some((c, left)) = escaped {
            key.push(*c);
            rest = left;
            continue;
        }
        let end = rest.strip_prefix(after);
        let is_end = |end: &&str| {
            end.is_empty() || !query.between.is_empty() && end.starts_with(&*query.between)
        };
        match end {
            Some(end) if is_end(&end) => return (!key.is_empty()).then_some((key, end)),
            // An unescaped terminator cannot be part of the key.
            Some(_) if !after.is_empty() => return None,
            _ => {}
        }
        let c = rest.chars().next()?;
        key.push(c);
        rest = &rest[c.len_utf8()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed_in_the_format_of_the_target_file() {
        let query: Query = toml::from_str(
            r#"
            key = "email"
            path = "/users"
            parameter = "filter"
            filter = 'userName eq "{key}"'
            between = " or "
            around = "({filter})"
            escape = { '"' = '\"', '\' = '\\' }
            "#,
        )
        .unwrap();
        let filter = r#"(userName eq "a@b.se" or userName eq "x\" or \\y")"#;
        let expected = vec!["a@b.se".to_owned(), "x\" or \\y".to_owned()];
        assert_eq!(keys_in(&query, filter), Some(expected));
        for wrong in [
            "",
            "()",
            r#"(userName eq "a" and userName eq "b")"#,
            r#"(userName eq "a" or )"#,
            r#"(userName eq "")"#,
            r#"(userName eq "a\")"#,
        ] {
            assert_eq!(keys_in(&query, wrong), None, "{wrong}");
        }
        assert_eq!(
            key_in(&query, "/users/by:{key}", "/users/by:a b").as_deref(),
            Some("a b")
        );
        assert_eq!(key_in(&query, "/users/by:{key}", "/users/a"), None);
    }
}
