use serde_json::json;

use super::*;
use crate::plan::tests::look_up as registry;
use crate::targets::Lookup;

const AT: (&str, &str) = ("https://api.example.se/v1", "/people?page=1");

fn by_next(how: &mut Lookup) {
    how.total = "/count".to_owned();
    how.paging = Paging::Next {
        pointer: "/next".to_owned(),
    };
}

#[test]
fn an_answer_is_read_where_the_target_says() {
    let look_up = registry(|how| how.total = "/count".to_owned());
    let page = |answer: Json| look_up.page(answer, None, AT).unwrap();
    let two = page(json!({"data": [{}, {}], "count": 5}));
    assert_eq!((two.records.len(), two.total), (2, Some(5)));
    for total in [json!(null), json!("5"), json!(-1)] {
        let page = page(json!({"data": [{}, {}], "count": total}));
        assert_eq!(page.total, None, "{total}");
    }
    // No total is said, whatever the answer as a whole is.
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
        "its answer has no list of records at /data"
    );
    assert_eq!(error.code(), Code::ApiNoList);
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
        // Behind a proxy an API may not know that it is asked with TLS.
        ("http://api.example.se/v1/people?page=2", "/people?page=2"),
    ] {
        let expected = match next {
            "?page=2" => "/people?page=2",
            _ => expected,
        };
        assert_eq!(below(next, AT).as_deref(), Ok(expected), "{next}");
    }
    let root = ("https://api.example.se", "/people");
    assert_eq!(
        below("people?page=2", root).as_deref(),
        Ok("/people?page=2")
    );
}

#[test]
fn credentials_go_to_no_next_page_elsewhere() {
    for next in [
        "https://elsewhere.example.se/v1/people?page=2",
        "//elsewhere.example.se/v1/people",
        // Names that only begin like the API's own.
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
    let told = below("https://u:w@elsewhere.example.se/v1/x?a=secret", AT).unwrap_err();
    let told = told.to_string();
    assert!(told.contains("https://elsewhere.example.se/v1/x"), "{told}");
}

#[test]
fn a_page_names_the_next_one_or_none_or_says_nothing() {
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
fn a_link_header_names_the_next_page_or_says_that_there_is_none() {
    let look_up = registry(|how| how.paging = Paging::Link {});
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
    // Whatever the file says, it is noticed.
    let counted = registry(|_| ());
    let page = counted.page(json!({"data": []}), Some(next), AT).unwrap();
    assert!(page.is_linked && page.next == Named::Unsaid);
}

#[test]
fn a_cursor_is_a_text_or_a_number() {
    let look_up = registry(|how| {
        how.paging = Paging::Cursor {
            pointer: "/next".to_owned(),
            parameter: Some("after".to_owned()),
            body: None,
        };
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
