//! Parses `Link` headers (RFC 8288).

/// A `Link` header that cannot be parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Returns the target of the first link with `rel="next"`, which may be a relative reference.
///
/// No maintained crate parses the header in full: APIs send commas in addresses and several relations in one
/// link.
///
/// # Errors
/// Fails if parsing fails before a next page is found.
pub(super) fn next_of(header: &str) -> Result<Option<&str>, Malformed> {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(None);
        }
        let target = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let (target, after) = target.ok_or(Malformed)?;
        let (is_next, after) = parameters(after);
        if is_next {
            return Ok(Some(target.trim()));
        }
        rest = after;
    }
}

/// Parses the parameters of a link. Returns whether it leads to the next page, and the rest of the header.
fn parameters(text: &str) -> (bool, &str) {
    let (mut rest, mut relation, mut is_of_other) = (text, None, false);
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else {
            break;
        };
        let after = after.trim_start();
        let end = after
            .find([';', ',', '=', ' ', '\t'])
            .unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(value) => value_of(value.trim_start()),
            None => (String::new(), after),
        };
        match name.to_ascii_lowercase().as_str() {
            // Only the first `rel` parameter counts (section 3.3).
            "rel" => relation = relation.or(Some(value)),
            // The link belongs to another resource (section 3.2).
            "anchor" => is_of_other = true,
            _ => {}
        }
        rest = after;
    }
    let relation = relation.unwrap_or_default();
    let mut names = relation.split_ascii_whitespace();
    let is_next = names.any(|name| name.eq_ignore_ascii_case("next"));
    (is_next && !is_of_other, rest)
}

/// Parses a parameter's value, a token or a quoted string. Returns it and the rest of the header.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (value.trim().to_owned(), after);
    };
    let (mut value, mut is_escaped) = (String::new(), false);
    for (place, c) in quoted.char_indices() {
        match c {
            _ if is_escaped => {
                value.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return (value, &quoted[place + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_the_next_page_is_found_among_others() {
        for (header, expected) in [
            (
                "<https://h/u?page=2>; rel=\"next\"",
                Some("https://h/u?page=2"),
            ),
            ("<https://h/u?page=2>;rel=next", Some("https://h/u?page=2")),
            (
                "</u?page=2> ; REL = \"Next\" ; title=\"a, b; c\"",
                Some("/u?page=2"),
            ),
            (
                "<https://h/u?p=1,2;x>; rel=\"self\", <https://h/u?p=3,4;x>; rel=\"next\"",
                Some("https://h/u?p=3,4;x"),
            ),
            (
                "<https://h/1>; title=\"say \\\"rel=next\\\", <x>\"; rel=\"prev\", <https://h/3>; rel=\"last next\"",
                Some("https://h/3"),
            ),
            ("<?after>; rel=\"next\"", Some("?after")),
            ("<https://h/2>; rel=\"prev\"; rel=\"next\"", None),
            ("<https://h/2>; rel=\"next\"; anchor=\"#other\"", None),
            ("<https://h/2>; rel=\"nextish\"", None),
            ("<https://h/2>; title=next", None),
            ("<https://h/2>", None),
            ("<https://h/2>; rel=\"next", Some("https://h/2")),
            (", ,<a>;rel=first,, <b>;foo;rel=next", Some("b")),
            ("", None),
            (" , ", None),
        ] {
            assert_eq!(next_of(header), Ok(expected), "{header}");
        }
    }

    #[test]
    fn a_malformed_link_header_is_an_error() {
        for header in [
            "https://h/2; rel=next",
            "<https://h/2; rel=next",
            "<https://h/1>; rel=first; a b; rel=next",
            "<https://h/1>; rel=prev, https://h/2; rel=next",
            "next",
        ] {
            assert_eq!(next_of(header), Err(Malformed), "{header}");
        }
    }
}
