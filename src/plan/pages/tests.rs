//! Tests of `plan/pages`.

use serde_json::json;

use super::*;
use crate::plan::tests::look_up as registry;
use crate::targets::Lookup;

const AT: (&str, &str) = ("https://api.example.se/v1", "/people?page=1");

fn by_next(how: &mut Lookup) {
    how.total = "/count".to_owned();
    how.paging = Some(Paging::Next {
        pointer: "/next".to_owned(),
    });
}

#[test]
fn records_and_totals_are_read_at_the_targets_pointers() {
    let look_up = registry(|how| how.total = "/count".to_owned());
    let page = |answer: Json| look_up.page(answer, None, AT).unwrap();
    let two = page(json!({"data": [{}, {}], "count": 5}));
    assert_eq!((two.records.len(), two.total), (2, Some(5)));
    for total in [json!(null), json!("5"), json!(-1)] {
        let page = page(json!({"data": [{}, {}], "count": total}));
        assert_eq!(page.total, None, "{total}");
    }
    // Without the setting there is no total.
    let look_up = registry(|_| ());
    assert_eq!(
        look_up.page(json!({"data": []}), None, AT).unwrap().total,
        None
    );
    let error = look_up
        .page(json!({"data": {"a": 1}}), None, AT)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the response has no list of records at /data"
    );
    assert_eq!(error.code(), Code::ApiNoList);
}

fn below(next: &str, at: (&str, &str)) -> Result<Named, LookUpError> {
    registry(by_next).below(next, at)
}

fn at(path: &str) -> Result<Named, LookUpError> {
    Ok(Named::At(path.to_owned()))
}

#[test]
fn a_next_page_is_relative_to_the_page_that_names_it() {
    for (next, expected) in [
        ("https://api.example.se/v1/people?page=2", "/people?page=2"),
        (
            "https://API.example.se:443/v1/people?page=2",
            "/people?page=2",
        ),
        ("//api.example.se/v1/people?page=2", "/people?page=2"),
        ("/v1/people?page=2", "/people?page=2"),
        ("people?page=2", "/people?page=2"),
        ("?page=2", "?page=2"),
        ("./more/2#top", "/more/2"),
        ("https://api.example.se/v1?cursor=b", "?cursor=b"),
        ("/v1/people?after=%C3%A5%2Fb", "/people?after=%C3%A5%2Fb"),
        // An API behind a proxy may not know that the request uses TLS.
        ("http://api.example.se/v1/people?page=2", "/people?page=2"),
    ] {
        let expected = match next {
            "?page=2" => "/people?page=2",
            _ => expected,
        };
        assert_eq!(below(next, AT), at(expected), "{next}");
    }
    let root = ("https://api.example.se", "/people");
    assert_eq!(below("people?page=2", root), at("/people?page=2"));
}

#[test]
fn a_next_page_outside_the_api_is_refused() {
    for next in [
        "https://elsewhere.example.se/v1/people?page=2",
        "//elsewhere.example.se/v1/people",
        // Host names that only start like the API's.
        "https://api.example.se.example.org/v1/x",
        "https://api.example.se@example.org/v1/x",
        "https://user@api.example.se/v1/x",
        "https://user:word@api.example.se/v1/x",
        "https://api.example.se:8443/v1/x",
        "http://api.example.se:8080/v1/x",
        "ftp://api.example.se/v1/x",
        "https://api.example.se/v10/x",
        "/people",
        "../../people",
        "\\\\elsewhere.example.se\\v1",
        "https://",
    ] {
        let error = below(next, AT).unwrap_err();
        assert_eq!(error.code(), Code::ApiNextPage, "{next}");
        let told = error.to_string();
        assert!(!told.contains("user") && !told.contains("page=2"), "{told}");
    }
    let plain = ("http://127.0.0.1:8787/v1", "/people");
    assert!(below("https://127.0.0.1:8787/v1/people", plain).is_err());
    assert!(below("http://127.0.0.1/v1/people", plain).is_err());
    assert!(below("http://127.0.0.1:8787/v1/people?2", plain).is_ok());
    // An address that cannot be parsed is not shown.
    for next in ["https://", "https://[::1/v1", "//:0:0"] {
        let error = below(next, AT).unwrap_err();
        assert!(matches!(error, LookUpError::NoAddress { .. }), "{error}");
    }
    let told = below("https://u:w@elsewhere.example.se/v1/x?a=secret", AT).unwrap_err();
    let told = told.to_string();
    assert!(told.contains("https://elsewhere.example.se/v1/x"), "{told}");
}

#[test]
fn the_next_page_member_may_be_an_address_null_or_absent() {
    let look_up = registry(by_next);
    let next = |answer: Json| look_up.page(answer, None, AT).map(|page| page.next);
    for (answer, expected) in [
        (json!({"data": []}), Named::Unsaid),
        (json!({"data": [], "next": null}), Named::Nothing),
        (json!({"data": [], "next": ""}), Named::Nothing),
        (json!({"data": [], "next": false}), Named::Nothing),
        (
            json!({"data": [], "next": "people?page=2"}),
            Named::At("/people?page=2".to_owned()),
        ),
    ] {
        assert_eq!(next(answer.clone()), Ok(expected), "{answer}");
    }
    for odd in [json!(2), json!({"href": "/v1/people?page=2"}), json!(true)] {
        let error = next(json!({"data": [], "next": odd})).unwrap_err();
        assert_eq!(error.code(), Code::ApiNextPage);
        assert!(error.to_string().contains("\"/next\""), "{error}");
    }
}

#[test]
fn a_link_header_names_the_next_page_or_none() {
    let look_up = registry(|how| how.paging = Some(Paging::Link {}));
    let page = |link: Option<&str>| look_up.page(json!({"data": []}), link, AT);
    let next = "<https://api.example.se/v1/people?after=b>; rel=\"next\"";
    let named = page(Some(next)).unwrap();
    assert_eq!(named.next, Named::At("/people?after=b".to_owned()));
    assert_eq!(
        page(Some("</v1>; rel=\"self\"")).unwrap().next,
        Named::Nothing
    );
    assert_eq!(page(None).unwrap().next, Named::Unsaid);
    let elsewhere = page(Some("<https://elsewhere.example.se/>; rel=next"));
    assert_eq!(elsewhere.unwrap_err().code(), Code::ApiNextPage);
    for malformed in ["https://api.example.se/v1/people?after=b; rel=next", "<x"] {
        let error = page(Some(malformed)).unwrap_err();
        assert_eq!(error.code(), Code::ApiNextPage, "{malformed}");
        assert!(error.to_string().contains("kind = \"link\""), "{error}");
    }
    // The header is also detected with other kinds of paging.
    let counted = registry(|_| ());
    let page = counted.page(json!({"data": []}), Some(next), AT).unwrap();
    assert!(page.is_linked && page.next == Named::Unsaid);
}

#[test]
fn a_cursor_may_be_a_string_or_a_number() {
    let look_up = registry(|how| {
        how.paging = Some(Paging::Cursor {
            pointer: "/next".to_owned(),
            parameter: Some("after".to_owned()),
            body: None,
        });
    });
    let next = |answer: Json| look_up.page(answer, None, AT).map(|page| page.next);
    let cursor = |text: &str| Ok(Named::Cursor(text.to_owned()));
    for (answer, expected) in [
        (json!({"data": []}), Ok(Named::Unsaid)),
        (json!({"data": [], "next": null}), Ok(Named::Nothing)),
        (json!({"data": [], "next": ""}), Ok(Named::Nothing)),
        (json!({"data": [], "next": "å/b="}), cursor("å/b=")),
        (json!({"data": [], "next": 7}), cursor("7")),
    ] {
        assert_eq!(next(answer.clone()), expected, "{answer}");
    }
    let error = next(json!({"data": [], "next": {"a": 1}})).unwrap_err();
    assert_eq!(error.code(), Code::ApiNextPage);
}
