//! Tests of `plan/walk`.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::Code;
use crate::plan::tests::look_up as registry;
use crate::targets::Lookup;

/// A server of records numbered from 1, as a function from a path to a page.
type Server<'a> = &'a dyn Fn(&str) -> Page;

/// The value of a numeric query parameter.
fn number(path: &str, name: &str) -> Option<u64> {
    let (_, query) = path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(other, _)| *other == name)?;
    value.parse().ok()
}

fn page(ids: impl IntoIterator<Item = u64>, total: Option<u64>) -> Page {
    Page {
        records: ids.into_iter().map(|id| json!({"uuid": id})).collect(),
        total,
        ..Page::default()
    }
}

/// Requests all pages. Returns the paths and the number of records listed.
fn gone(mut walk: Walk<'_>, server: Server<'_>) -> (Vec<String>, Result<u64, LookUpError>) {
    let (mut paths, mut next) = (Vec::new(), walk.first());
    while let Some(question) = next {
        assert!(paths.len() < 500, "it never ends");
        if let Err(error) = walk.add(&server(&question.path)) {
            paths.push(question.path);
            return (paths, Err(error));
        }
        paths.push(question.path);
        next = match walk.next() {
            Ok(next) => next,
            Err(error) => return (paths, Err(error)),
        };
    }
    let listed = walk.listed();
    (paths, Ok(listed))
}

fn by_offset(first: u8) -> impl Fn(&mut Lookup) {
    move |how| {
        how.total = "/count".to_owned();
        how.page_size = Some(50);
        how.paging = Some(Paging::Offset {
            limit: "limit".to_owned(),
            offset: "offset".to_owned(),
            first,
        });
    }
}

fn by_page(first: u8) -> impl Fn(&mut Lookup) {
    move |how| {
        how.total = "/count".to_owned();
        how.page_size = Some(50);
        how.paging = Some(Paging::Page {
            parameter: "page".to_owned(),
            first,
        });
    }
}

fn by_next(how: &mut Lookup) {
    how.page_size = Some(50);
    how.paging = Some(Paging::Next {
        pointer: "/next".to_owned(),
    });
}

/// The ids of at most `most` of `of` records after the first `from`.
fn part(of: u64, from: u64, most: u64) -> impl Iterator<Item = u64> {
    from + 1..=of.min(from + most)
}

/// A server whose offsets start at `first` and whose pages have at most `cap` records.
fn offsets(
    of: u64,
    first: u64,
    cap: u64,
    total: fn(u64, u64) -> Option<u64>,
) -> impl Fn(&str) -> Page {
    move |path| {
        let passed = number(path, "offset").unwrap().saturating_sub(first);
        let most = number(path, "limit").unwrap().min(cap);
        let ids: Vec<u64> = part(of, passed, most).collect();
        let own = ids.len() as u64;
        page(ids, total(own, of))
    }
}

/// A server with pages of `size` records whose page numbers start at `first`.
fn pages(of: u64, first: u64, size: u64) -> impl Fn(&str) -> Page {
    move |path| {
        let number = number(path, "page").unwrap().saturating_sub(first);
        page(part(of, number * size, size), Some(of))
    }
}

#[test]
fn all_pages_are_read_despite_wrong_totals_and_capped_pages() {
    let totals: [fn(u64, u64) -> Option<u64>; 5] = [
        |_, all| Some(all),
        |own, _| Some(own),
        |_, _| None,
        // The total counts pages or something else.
        |_, all| Some(all.div_ceil(50)),
        |_, _| Some(0),
    ];
    for (kind, total) in totals.into_iter().enumerate() {
        for of in [0, 1, 20, 49, 50, 51, 100, 240] {
            for cap in [7, 20, 50, 100] {
                let look_up = registry(by_offset(0));
                let (paths, listed) = gone(look_up.list(), &offsets(of, 0, cap, total));
                assert_eq!(listed, Ok(of), "total {kind}, cap {cap}: {paths:?}");
            }
        }
    }
    // The server determines the page size.
    for of in [0, 1, 50, 100, 240] {
        for size in [20, 50, 100] {
            let look_up = registry(by_page(1));
            let (paths, listed) = gone(look_up.list(), &pages(of, 1, size));
            assert_eq!(listed, Ok(of), "{size} a page: {paths:?}");
        }
    }
}

#[test]
fn a_further_page_is_requested_only_if_it_may_exist() {
    let asked = |of, total: fn(u64, u64) -> Option<u64>, trust| {
        let look_up = registry(|how| {
            by_offset(0)(how);
            how.trust_total = trust;
        });
        let (paths, listed) = gone(look_up.list(), &offsets(of, 0, 50, total));
        assert_eq!(listed, Ok(of));
        paths.len()
    };
    let all = |_: u64, all: u64| Some(all);
    assert_eq!(asked(120, all, false), 3);
    assert_eq!(asked(100, all, false), 2, "the last page is full");
    // A total that equals the page's number of records may count that page only.
    assert_eq!(asked(50, all, false), 2);
    assert_eq!(asked(50, all, true), 1);
    assert_eq!(asked(20, all, false), 2);
    assert_eq!(asked(20, all, true), 1);
    assert_eq!(asked(0, all, false), 1);
    // Without a total, a short page may have been capped.
    assert_eq!(asked(120, |_, _| None, false), 4);
}

#[test]
fn the_first_page_has_the_number_in_the_target_file() {
    let first = |change: &dyn Fn(&mut Lookup)| registry(change).list().first().unwrap().path;
    assert_eq!(first(&by_offset(0)), "/people?limit=50&offset=0");
    assert_eq!(first(&by_offset(1)), "/people?limit=50&offset=1");
    assert_eq!(first(&by_page(0)), "/people?page=0");
    assert_eq!(first(&by_page(1)), "/people?page=1");
    assert_eq!(first(&by_next), "/people");
    // The parameter is appended to the path's query.
    let look_up = registry(by_page(1));
    let search = look_up.search(&["a"]).first().unwrap().path;
    assert_eq!(search, "/people/search?fields=all&page=1");
    for number in [0, 1] {
        let look_up = registry(by_offset(number));
        let all = |_: u64, all: u64| Some(all);
        let server = offsets(240, number.into(), 50, all);
        assert_eq!(gone(look_up.list(), &server).1, Ok(240));
        let look_up = registry(by_page(number));
        assert_eq!(
            gone(look_up.list(), &pages(240, number.into(), 50)).1,
            Ok(240)
        );
    }
}

#[test]
fn a_wrong_paging_setting_is_an_error_or_loses_no_record() {
    let all = |_: u64, all: u64| Some(all);
    let told = |change: &dyn Fn(&mut Lookup), server: Server<'_>| {
        let look_up = registry(change);
        let (_, listed) = gone(look_up.list(), server);
        let error = listed.unwrap_err();
        (error.code(), error.to_string())
    };
    // The API counts from 1 and treats 0 as 1: pages overlap by a record, and none is lost.
    for of in [51, 240, 250] {
        let look_up = registry(by_offset(0));
        let (_, listed) = gone(look_up.list(), &offsets(of, 1, 50, all));
        assert_eq!(listed, Ok(of));
    }
    // The API counts from 0: the first record is skipped.
    let (code, text) = told(&by_offset(1), &offsets(240, 0, 50, all));
    assert_eq!(code, Code::ApiIncomplete, "{text}");
    assert!(text.contains("239 of 240"), "{text}");
    assert!(text.contains("lookup.paging.offset = \"offset\""), "{text}");
    assert!(text.contains("first"), "{text}");
    let (code, text) = told(&by_page(1), &pages(240, 0, 50));
    assert_eq!(code, Code::ApiIncomplete, "{text}");
    assert!(text.contains("190 of 240"), "{text}");
    let (code, text) = told(&by_page(0), &pages(240, 1, 50));
    assert_eq!(code, Code::ApiSamePage, "{text}");
    assert!(text.contains("page 2"), "{text}");
    // The parameter is misnamed, so the API ignores it.
    for total in [Some(240), Some(50), None] {
        let (code, text) = told(&by_offset(0), &|_| page(1..=50, total));
        assert_eq!(code, Code::ApiSamePage, "{total:?}: {text}");
    }
    // The parameter counts records instead of pages, so pages overlap.
    let overlapping = |path: &str| {
        let from = number(path, "page").unwrap() - 1;
        page(part(240, from, 50), Some(240))
    };
    let (paths, listed) = gone(registry(by_page(1)).list(), &overlapping);
    assert_eq!((paths.len(), listed), (191, Ok(240)), "slow and complete");
    let stuck = |path: &str| {
        let from = number(path, "page").unwrap().min(3) - 1;
        page(part(240, from, 50), Some(240))
    };
    let (code, _) = told(&by_page(1), &stuck);
    assert_eq!(code, Code::ApiSamePage);
    let ending = |path: &str| match number(path, "page").unwrap() {
        1 => page(1..=50, Some(100)),
        2 => page(41..=90, Some(100)),
        _ => page([], Some(100)),
    };
    let (code, text) = told(&by_page(1), &ending);
    assert_eq!(code, Code::ApiIncomplete);
    assert!(
        text.contains("90 of 100") && text.contains("10 of them"),
        "{text}"
    );
}

#[test]
fn a_list_that_ends_before_its_total_is_an_error() {
    let look_up = registry(by_offset(0));
    let (paths, listed) = gone(look_up.list(), &|path| {
        page(part(30, number(path, "offset").unwrap(), 20), Some(240))
    });
    assert_eq!(paths.len(), 3, "{paths:?}");
    let error = listed.unwrap_err().to_string();
    assert!(error.contains("30 of 240"), "{error}");
    assert!(!error.contains("of them"), "none is on two pages: {error}");
    // A record that is added during listing does not count as missing.
    let (_, listed) = gone(look_up.list(), &|path| {
        let passed = number(path, "offset").unwrap();
        match passed {
            0 => page(1..=50, Some(70)),
            _ => page((50..=70).filter(|id| id + 1 > passed), Some(71)),
        }
    });
    assert_eq!(listed, Ok(70), "one was added before the second page");
    let (paths, listed) = gone(
        look_up.list(),
        &|path| match number(path, "offset").unwrap() {
            0 => page(1..=50, Some(60)),
            _ => page(51..=62, Some(62)),
        },
    );
    assert_eq!((paths.len(), listed), (2, Ok(62)), "the total grew");
}

#[test]
fn an_empty_page_does_not_end_a_list_below_its_total() {
    let look_up = registry(by_offset(0));
    let (_, listed) = gone(look_up.list(), &|_| page([], Some(7)));
    assert!(listed.unwrap_err().to_string().contains("0 of 7"));
    let (paths, listed) = gone(look_up.list(), &|_| page([], Some(0)));
    assert_eq!((paths.len(), listed), (1, Ok(0)));
}

#[test]
fn a_missing_page_ends_a_counted_list_that_may_be_complete() {
    let look_up = registry(by_page(1));
    let mut walk = look_up.list();
    assert!(!walk.is_past_the_end(), "the first page must be there");
    walk.add(&page(1..=50, Some(50))).unwrap();
    assert!(walk.next().unwrap().is_some());
    assert_eq!(walk.total(), None, "it may count the page alone");
    assert!(walk.is_past_the_end());
    assert_eq!(walk.total(), Some(50));
    assert_eq!(walk.next(), Ok(None));
    let mut walk = look_up.list();
    walk.add(&page(1..=50, Some(51))).unwrap();
    assert!(!walk.is_past_the_end(), "one more is there");
    let named = registry(by_next);
    let mut walk = named.list();
    walk.add(&page(1..=50, None)).unwrap();
    assert!(!walk.is_past_the_end());
}

#[test]
fn pages_are_requested_ahead_if_the_total_proves_that_they_follow() {
    let ahead = |first: Page, most| {
        let look_up = registry(by_offset(0));
        let mut walk = look_up.list();
        walk.add(&first).unwrap();
        let questions = walk.ahead(most).unwrap();
        assert_eq!(questions.first(), walk.next().unwrap().as_ref());
        let offsets = questions
            .iter()
            .map(|question| number(&question.path, "offset"));
        offsets.flatten().collect::<Vec<_>>()
    };
    assert_eq!(ahead(page(1..=50, Some(240)), 8), [50, 100, 150, 200]);
    assert_eq!(ahead(page(1..=50, Some(240)), 2), [50, 100]);
    assert_eq!(ahead(page(1..=50, Some(100)), 8), [50]);
    assert_eq!(ahead(page(1..=50, Some(240)), 0), [50]);
    assert_eq!(ahead(page(1..=50, Some(u64::MAX)), 3).len(), 3);
    // A short page, no total, or a total that may count the page only.
    assert_eq!(ahead(page(1..=20, Some(240)), 8), [20]);
    assert_eq!(ahead(page(1..=50, None), 8), [50]);
    assert_eq!(ahead(page(1..=50, Some(50)), 8), [50]);
    let look_up = registry(by_page(1));
    let mut walk = look_up.list();
    walk.add(&page(1..=50, Some(240))).unwrap();
    let paths: Vec<String> = walk
        .ahead(3)
        .unwrap()
        .into_iter()
        .map(|one| one.path)
        .collect();
    assert_eq!(
        paths,
        ["/people?page=2", "/people?page=3", "/people?page=4"]
    );
}

/// A page that names the next page.
fn naming(ids: impl IntoIterator<Item = u64>, next: Named) -> Page {
    Page {
        next,
        ..page(ids, None)
    }
}

fn at(path: &str) -> Named {
    Named::At(path.to_owned())
}

#[test]
fn pages_that_name_the_next_one_are_read_until_none_is_named() {
    let look_up = registry(by_next);
    let (paths, listed) = gone(look_up.list(), &|path| match path {
        "/people" => naming(1..=50, at("/people?after=50")),
        // Pages can be short or empty if the API hides records.
        "/people?after=50" => naming([], at("/people?after=100")),
        "/people?after=100" => naming(101..=103, at("/people?after=150")),
        _ => naming(151..=200, Named::Nothing),
    });
    assert_eq!((paths.len(), listed), (4, Ok(103)));
    // Some APIs omit the member on the last page.
    let (_, listed) = gone(look_up.list(), &|path| match path {
        "/people" => naming(1..=50, at("/people?after=50")),
        _ => naming(51..=100, Named::Unsaid),
    });
    assert_eq!(listed, Ok(100));
    let (_, listed) = gone(look_up.list(), &|_| naming(1..=49, Named::Unsaid));
    assert_eq!(listed, Ok(49));
}

#[test]
fn a_full_first_page_without_a_next_page_is_an_error() {
    let look_up = registry(by_next);
    let (_, listed) = gone(look_up.list(), &|_| naming(1..=50, Named::Unsaid));
    let error = listed.unwrap_err();
    assert_eq!(error.code(), Code::ApiIncomplete);
    assert!(error.to_string().contains("pointer = \"/next\""), "{error}");
    let (_, listed) = gone(look_up.list(), &|_| naming(1..=50, Named::Nothing));
    assert_eq!(listed, Ok(50), "null is the end");
    let counted = |total| {
        move |_: &str| Page {
            total: Some(total),
            ..naming(1..=50, Named::Unsaid)
        }
    };
    let trusting = registry(|how| {
        by_next(how);
        how.trust_total = true;
    });
    assert_eq!(gone(trusting.list(), &counted(50)).1, Ok(50));
    // The total may count that page only.
    let (_, listed) = gone(look_up.list(), &counted(50));
    assert_eq!(listed.unwrap_err().code(), Code::ApiIncomplete);
    let (_, listed) = gone(look_up.list(), &counted(51));
    assert!(listed.unwrap_err().to_string().contains("50 of 51"));
}

#[test]
fn repeated_and_circular_pages_are_errors() {
    let look_up = registry(by_next);
    for (server, read) in [
        // The same page at new addresses, the same address, and an endless series of addresses.
        (
            (&|path: &str| naming(1..=3, at(&format!("{path}x")))) as Server<'_>,
            2,
        ),
        (&|_| naming([], at("/people?after=1")), 2),
        (&|path| naming([], at(&format!("{path}x"))), 101),
    ] {
        let (paths, listed) = gone(look_up.list(), server);
        assert_eq!(listed.unwrap_err().code(), Code::ApiSamePage);
        assert_eq!(paths.len(), read);
    }
    // Without an id, whole records are compared.
    let look_up = registry(|how| {
        by_offset(0)(how);
        how.id = "/none".into();
    });
    let mut walk = look_up.list();
    walk.add(&page([7, 8], None)).unwrap();
    walk.add(&page([8, 9], None)).unwrap();
    assert_eq!(walk.listed(), 3);
    assert!(walk.add(&page([7, 9], None)).is_err());
}

#[test]
fn records_with_the_same_numeric_ids_are_the_same() {
    let look_up = registry(by_offset(0));
    let mut walk = look_up.list();
    let read_at = |time: &str| Page {
        records: vec![json!({"uuid": 7, "readAt": time})],
        ..Page::default()
    };
    walk.add(&read_at("09:00")).unwrap();
    assert!(walk.add(&read_at("09:01")).is_err());
}

#[test]
fn a_short_page_with_its_total_ends_a_search() {
    let look_up = registry(by_offset(0));
    let keys: Vec<String> = (1..=50).map(|key| key.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let after = |page: Page| {
        let mut walk = look_up.search(&keys);
        walk.add(&page).unwrap();
        walk.next().map(|next| next.is_some())
    };
    assert_eq!(after(page(1..=30, Some(30))), Ok(false));
    // A full page, a capped page, and a page without a total.
    assert_eq!(after(page(1..=50, Some(50))), Ok(true));
    assert_eq!(after(page(1..=30, Some(40))), Ok(true));
    assert_eq!(after(page(1..=30, None)), Ok(true));
    assert_eq!(after(page([], None)), Ok(false));
    // Several records may have one key.
    let twins = |page: Page| {
        let mut walk = look_up.search(&keys);
        walk.add(&page).unwrap();
        walk.may_hold_twins()
    };
    assert!(twins(page(1..=50, Some(51))));
    assert!(!twins(page(1..=50, Some(50))));
    assert!(!twins(page(1..=30, Some(51))));
    assert!(!twins(page(1..=50, None)));
    let mut walk = look_up.search(&keys);
    walk.add(&page(1..=50, Some(100))).unwrap();
    walk.add(&page(51..=100, Some(100))).unwrap();
    assert!(!walk.may_hold_twins(), "the last page is full");
    assert!(twins(naming(1..=50, at("/people/search?page=2"))));
    assert!(!twins(naming(1..=30, at("/people/search?page=2"))));
    assert!(!twins(naming(1..=50, Named::Nothing)));
}

#[test]
fn every_page_of_a_search_is_requested_with_its_body() {
    let look_up = registry(by_offset(0));
    let keys = ["1", "2"];
    let mut walk = look_up.search(&keys);
    let first = walk.first().unwrap();
    walk.add(&page(1..=50, Some(60))).unwrap();
    let next = walk.next().unwrap().unwrap();
    assert_eq!(next.body, first.body);
    assert_eq!(next.body, Some(json!({"mobile": ["1", "2"]})));
    assert_ne!(next.path, first.path);
    let mut listed = look_up.list();
    listed.add(&page(1..=50, Some(60))).unwrap();
    assert_eq!(listed.next().unwrap().unwrap().body, None::<Json>);
}

#[test]
fn a_cursor_is_repeated_in_a_parameter_or_in_the_body() {
    let by = |parameter: Option<&str>, body: Option<&str>| {
        registry(|how| {
            how.paging = Some(Paging::Cursor {
                pointer: "/next".to_owned(),
                parameter: parameter.map(str::to_owned),
                body: body.map(str::to_owned),
            });
        })
    };
    let cursor = || naming(1..=2, Named::Cursor("a/b=".to_owned()));
    let next = |mut walk: Walk<'_>| {
        walk.add(&cursor()).unwrap();
        walk.next().unwrap().unwrap()
    };
    let look_up = by(Some("after"), None);
    assert_eq!(look_up.list().first().unwrap().path, "/people");
    assert_eq!(next(look_up.list()).path, "/people?after=a%2Fb%3D");
    let search = next(look_up.search(&["1"]));
    assert_eq!(search.path, "/people/search?fields=all&after=a%2Fb%3D");
    assert_eq!(search.body, Some(json!({"mobile": ["1"]})));
    let look_up = by(Some("after"), Some("/page/cursor"));
    assert_eq!(next(look_up.list()).path, "/people?after=a%2Fb%3D");
    let search = next(look_up.search(&["1"]));
    assert_eq!(search.path, "/people/search?fields=all");
    let body = json!({"mobile": ["1"], "page": {"cursor": "a/b="}});
    assert_eq!(search.body, Some(body));
    // A cursor that never changes would never end the iteration.
    let mut walk = look_up.list();
    walk.add(&cursor()).unwrap();
    assert!(
        walk.add(&naming(3..=4, Named::Cursor("a/b=".to_owned())))
            .is_err()
    );
}

#[test]
fn an_unfollowed_link_to_a_next_page_is_an_error() {
    let linked = |records: u64, total| Page {
        is_linked: true,
        ..page(1..=records, total)
    };
    let last = |look_up: &LookUp, page: Page| {
        let mut walk = look_up.list();
        walk.add(&page).unwrap();
        walk.next()
    };
    let named = registry(by_next);
    assert_eq!(last(&named, linked(3, None)), Err(LookUpError::Linked));
    assert_eq!(
        last(&named, linked(3, Some(3))),
        Err(LookUpError::Linked),
        "the total may count the page alone"
    );
    let trusting = registry(|how| {
        by_next(how);
        how.trust_total = true;
    });
    assert_eq!(last(&trusting, linked(3, Some(3))), Ok(None));
    let counted = registry(by_offset(0));
    assert_eq!(last(&counted, linked(0, None)), Err(LookUpError::Linked));
    let followed = registry(|how| how.paging = Some(Paging::Link {}));
    assert_eq!(last(&followed, linked(1, None)), Ok(None));
}
