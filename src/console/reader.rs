//! The language of a request: the one chosen in the browser, or else that of the process.

use axum::extract::Request;
use axum::http::{HeaderValue, header};

use crate::l10n::Language;

/// The cookie with the chosen language.
const COOKIE: &str = "language";

/// Returns the language of the response, and the cookie if the request chooses the language.
pub(super) fn language_of(request: &Request, base: &str) -> (Language, Option<HeaderValue>) {
    let query = request.uri().query().unwrap_or_default();
    if let Some(chosen) = named(query.split('&')) {
        let code = chosen.code();
        let cookie = format!("{COOKIE}={code}; Path={base}; HttpOnly; SameSite=Strict");
        return (chosen, HeaderValue::from_str(&cookie).ok());
    }
    let cookies = request.headers().get_all(header::COOKIE);
    let cookies = cookies.iter().filter_map(|value| value.to_str().ok());
    let kept = named(cookies.flat_map(|cookies| cookies.split(';')));
    (kept.unwrap_or_else(Language::spoken), None)
}

fn named<'a>(mut pairs: impl Iterator<Item = &'a str>) -> Option<Language> {
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        if name != COOKIE {
            return None;
        }
        value.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_holds_for_the_browser_that_made_it() {
        let of = |uri: &str, cookie: &str| {
            let request = Request::builder().uri(uri).header("cookie", cookie);
            let request = request.body(axum::body::Body::empty()).unwrap();
            let (language, kept) = language_of(&request, "/base");
            let kept = kept.map(|cookie| cookie.to_str().unwrap().to_owned());
            (language, kept.unwrap_or_default())
        };
        let swedish = "language=sv; Path=/base; HttpOnly; SameSite=Strict";
        for (uri, cookie, expected) in [
            ("/?language=sv", "", (Language::Swedish, swedish)),
            (
                "/?a=b&language=sv",
                "language=en",
                (Language::Swedish, swedish),
            ),
            ("/", "a=b; language=sv", (Language::Swedish, "")),
            ("/", "language=en", (Language::English, "")),
            ("/", "", (Language::English, "")),
            ("/?language=fi", "language=sv", (Language::Swedish, "")),
        ] {
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(of(uri, cookie), expected, "{uri} {cookie}");
        }
    }
}
