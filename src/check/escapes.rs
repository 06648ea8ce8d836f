//! Decodes letters that a program escaped: HTML entities, JSON and URL escapes, quoted-printable and others.

use std::sync::LazyLock;

use regex::Regex;

/// The most likely original of a text with escaped letters. Returns `None` if the text contains no escapes.
pub(super) fn unescaped(text: &str) -> Option<String> {
    static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)
            &\#(?P<decimal>[0-9]{2,7});
            | &\#[xX](?P<hex>[0-9A-Fa-f]{2,6});
            | &(?P<entity>[A-Za-z][A-Za-z0-9]{1,9});
            | \\u(?P<unicode>[0-9A-Fa-f]{4})
            | \\u\{(?P<point>[0-9A-Fa-f]{1,6})\}
            | \\U(?P<long>[0-9A-Fa-f]{8})
            | _x(?P<xml>[0-9A-Fa-f]{4})_
            | \\x(?P<byte>[0-9A-Fa-f]{2})
            | \\(?P<octal>[2-3][0-7]{2})
            | (?P<percent>(%[0-9A-Fa-f]{2})+)
            | (?P<quoted>(=[0-9A-F]{2})+|(=[0-9a-f]{2}){2,})
            | (?P<controls>(\\[nrt])+)
            | (?P<tag></?(br|p|div|span|td)\s*/?>)
            ",
        )
        .ok()
    });
    let escape = ESCAPE.as_ref()?;
    if !text.contains(['&', '\\', '%', '=', '<', '_']) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let (mut end, mut found) = (0, false);
    for captures in escape.captures_iter(text) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        let of = |name: &str| captures.name(name).map(|group| group.as_str());
        let number = |digits: &str, base: u32| u32::from_str_radix(digits, base).ok();
        // "a_x0041_b" may be intended.
        let is_letter = |c: char| !c.is_ascii() && c.is_alphabetic();
        let is_meant = |digits: &str| {
            let c = number(digits, 16).and_then(char::from_u32);
            c.is_some_and(|c| !is_letter(c) && !c.is_control() && c != ' ')
        };
        if of("xml").is_some_and(is_meant) {
            continue;
        }
        let hex = ["hex", "unicode", "point", "long", "xml"]
            .into_iter()
            .find_map(of);
        let character = match (of("decimal"), hex, of("entity")) {
            (Some(digits), ..) => number(digits, 10).and_then(char::from_u32),
            (_, Some(digits), _) => number(digits, 16).and_then(char::from_u32),
            (.., Some(name)) => entity(name),
            _ => None,
        };
        let mut decoded = Vec::new();
        if let Some(c) = character {
            decoded.extend(c.to_string().bytes());
        } else if let Some(digits) = of("byte") {
            decoded.extend(number(digits, 16).map(|byte| byte as u8));
        } else if let Some(digits) = of("octal") {
            decoded.extend(number(digits, 8).and_then(|byte| u8::try_from(byte).ok()));
        } else if let Some(pairs) = of("percent").or(of("quoted")) {
            let digits = pairs.split(['%', '=']).filter(|pair| !pair.is_empty());
            decoded.extend(digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
            // "100%25" and "a=41" may be intended.
            if !text_of(&decoded).chars().all(is_letter) && decoded != b" " {
                continue;
            }
        }
        if let Some(controls) = of("controls") {
            // "AD\nisse" may be intended.
            let behind = text[whole.end()..].chars().next();
            let goes_on = behind.is_some_and(|c| c.is_lowercase() || c == '\\');
            if goes_on && !controls.starts_with("\\r\\n") {
                continue;
            }
            decoded.push(b' ');
        } else if of("tag").is_some() {
            decoded.push(b' ');
        }
        if decoded.is_empty() {
            continue;
        }
        found = true;
        bytes.extend_from_slice(&text.as_bytes()[end..whole.start()]);
        bytes.extend(decoded);
        end = whole.end();
    }
    if !found {
        return None;
    }
    bytes.extend_from_slice(&text.as_bytes()[end..]);
    Some(text_of(&bytes).trim().to_owned())
}

/// Decodes bytes as UTF-8, or otherwise as Windows-1252.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

/// The character of an HTML entity (HTML, 13.5) for Latin-1 or markup.
fn entity(name: &str) -> Option<char> {
    const LATIN_1: [&str; 96] = [
        "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf",
        "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
        "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
        "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave",
        "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve",
        "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc",
        "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring",
        "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc",
        "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash",
        "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
    ];
    let other = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "hellip" => '…',
        "scaron" => 'š',
        "Scaron" => 'Š',
        _ => {
            let place = LATIN_1.iter().position(|known| *known == name)?;
            return char::from_u32(0xA0 + u32::try_from(place).ok()?);
        }
    };
    Some(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_letters_are_decoded() {
        for text in [
            "S&ouml;ren",
            "S&#246;ren",
            "S&#xF6;ren",
            "S\\u00f6ren",
            "S\\xf6ren",
            "S\\xc3\\xb6ren",
            "S%C3%B6ren",
            "S%F6ren",
            "S=C3=B6ren",
            "S=c3=b6ren",
            "S_x00F6_ren",
            "S\\u{f6}ren",
            "S\\U000000f6ren",
            "S&ouml;ren<br/>",
            "S\\u00f6ren\\r\\n",
            "S\\303\\266ren",
        ] {
            assert_eq!(unescaped(text).as_deref(), Some("Sören"), "{text}");
        }
        assert_eq!(unescaped("S\\u00F6derlund").as_deref(), Some("Söderlund"));
        assert_eq!(unescaped("Anna\\nEk").as_deref(), Some("Anna Ek"));
        assert_eq!(unescaped("Bygg &amp; Co").as_deref(), Some("Bygg & Co"));
        assert_eq!(unescaped("Anna%20Maria").as_deref(), Some("Anna Maria"));
        for text in [
            "AT&T;",
            "Bygg & Co",
            "100%",
            "100%25",
            "a=41",
            "x=A1",
            "50%AB",
            "C:\\users",
            "R&D",
            "a\\b",
            "AD\\nisse",
            "C:\\temp",
            "_x_",
            "a_x0041_b",
            "a=e5",
            "<img src=x>",
        ] {
            assert_eq!(unescaped(text), None, "{text}");
        }
    }

    #[test]
    fn markup_and_latin_1_entities_are_decoded() {
        for (name, c) in [
            ("amp", '&'),
            ("lt", '<'),
            ("gt", '>'),
            ("quot", '"'),
            ("apos", '\''),
            ("ndash", '–'),
            ("mdash", '—'),
            ("lsquo", '‘'),
            ("rsquo", '’'),
            ("ldquo", '“'),
            ("rdquo", '”'),
            ("hellip", '…'),
            ("scaron", 'š'),
            ("Scaron", 'Š'),
            ("nbsp", '\u{A0}'),
            ("Auml", 'Ä'),
            ("yuml", 'ÿ'),
        ] {
            assert_eq!(entity(name), Some(c), "{name}");
        }
        assert_eq!(entity("T"), None);
    }
}
