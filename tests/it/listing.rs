//! Paged listings: rosterpatch finds every record, or stops and reports no row as missing.

use std::process::Output;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value as Json, json};

use crate::harness::{Folder, Seen, Server, respond, stderr};

/// A target with a list of records and a read of single records.
const TARGET: &str = r#"
name = "club"
title = "A club's members"
record = "member"
environments.production = "https://club.example.se/v2"
sign_in = [{ kind = "bearer", token = "CLUB_TOKEN" }]
update = { method = "PATCH", path = "/members/{number}", idempotent = true }
answers = { message = "/why", retry = [429, 503], reject = [404, 422], stop = [401, 403] }
quota = { requests = 1000000, per = "h", burst = 100000 }

[lookup]
keys = ["number"]
id = "/number"
LOOKUP

[[fields]]
name = "number"
kind = "text"
in = "path"
required = true
unique = true

[[fields]]
name = "town"
pointer = "/town"
kind = "text"
"#;

/// The number of members on the server.
const MEMBERS: usize = 240;

fn member(number: usize) -> Json {
    json!({"number": number.to_string(), "town": "Lund"})
}

fn members(from: usize, most: usize) -> Vec<Json> {
    (from + 1..=MEMBERS.min(from.saturating_add(most)))
        .map(member)
        .collect()
}

/// Returns a number in the query of a request.
fn asked(seen: &Seen, name: &str) -> Option<usize> {
    let (_, query) = seen.path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(other, _)| *other == name)?.1.parse().ok()
}

/// Serves members; `list` answers the requests for pages.
fn club(list: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| {
        let path = seen.path.split('?').next().unwrap_or_default();
        let Some(number) = path.strip_prefix("/v2/members/") else {
            return list(seen);
        };
        match number.parse() {
            Ok(number @ 1..=MEMBERS) => respond(200, &[], &member(number).to_string()),
            _ => respond(404, &[], r#"{"why": "no such member"}"#),
        }
    })
}

fn page(body: Json) -> Response<Body> {
    respond(200, &[], &body.to_string())
}

/// Imports members 1 to `last` with a new town.
fn import(server: &Server, lookup: &str, last: usize) -> (Folder, Output) {
    let folder = Folder::new();
    folder.write("club.toml", TARGET.replace("LOOKUP", lookup));
    let rows: String = (1..=last).map(|row| format!("{row},Malmö\n")).collect();
    folder.write("r.csv", format!("number,town\n{rows}"));
    let output = folder
        .program()
        .args(["import", "r.csv", "--target", "club.toml", "--yes"])
        .args(["--base-url", &format!("{}/v2", server.base_url)])
        .args(["--max-invalid", "100%", "--format", "json"])
        .env("CLUB_TOKEN", "t")
        .output()
        .unwrap();
    (folder, output)
}

/// Asserts that every member is updated after this many look-up requests.
fn all_are_updated(server: &Server, lookup: &str, lookups: usize) {
    let (_folder, output) = import(server, lookup, MEMBERS);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["updated"], MEMBERS, "{summary}");
    assert_eq!(summary["lookups"], lookups, "{summary}");
    let seen = server.seen();
    let changed = seen.iter().filter(|seen| seen.method == "PATCH").count();
    assert_eq!(changed, MEMBERS);
}

/// Asserts that the run stops, names the setting to correct, sends nothing and reports no row as missing.
fn is_stopped(server: &Server, lookup: &str, told: &[&str]) {
    let (folder, output) = import(server, lookup, MEMBERS);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    for part in told {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(server.seen().iter().all(|seen| seen.method == "GET"));
    assert!(!folder.path("r.new.csv").exists());
    for row in folder.csv("r.results.csv", b',').iter().skip(1) {
        assert_eq!(row[3], "not_sent", "{row:?}");
    }
}

const OFFSET: &str = r#"
read = "/members/{number}"
list = "/members"
records = "/items"
total = "/count"
page_size = 50
paging = { kind = "offset", limit = "most", offset = "skip" }
"#;

const PAGE: &str = r#"
read = "/members/{number}"
list = "/members"
records = "/items"
total = "/count"
page_size = 20
paging = { kind = "page", parameter = "sheet" }
"#;

#[test]
fn a_total_that_counts_the_page_does_not_end_the_list() {
    for (cap, lookups) in [(50, 6), (30, 9), (1000, 6)] {
        let server = club(move |seen| {
            let most = asked(seen, "most").unwrap().min(cap);
            let items = members(asked(seen, "skip").unwrap(), most);
            page(json!({"count": items.len(), "items": items}))
        });
        all_are_updated(&server, OFFSET, lookups);
    }
}

#[test]
fn a_total_that_counts_pages_does_not_end_the_list() {
    let server = club(|seen| {
        let items = members(asked(seen, "skip").unwrap(), 50);
        page(json!({"count": MEMBERS.div_ceil(50), "items": items}))
    });
    all_are_updated(&server, OFFSET, 6);
}

#[test]
fn a_list_without_a_total_ends_at_a_page_without_a_record() {
    let without_total = OFFSET.replace("total = \"/count\"\n", "");
    for (cap, lookups) in [(50, 6), (100, 6), (30, 9)] {
        let server = club(move |seen| {
            let most = asked(seen, "most").unwrap().min(cap);
            page(json!({"items": members(asked(seen, "skip").unwrap(), most)}))
        });
        all_are_updated(&server, &without_total, lookups);
    }
}

#[test]
fn numbered_pages_can_have_any_size() {
    for size in [100, 20, 7, 240, 1000] {
        let server = club(move |seen| {
            let number = asked(seen, "sheet").unwrap();
            page(json!({"count": MEMBERS, "items": members((number - 1) * size, size)}))
        });
        // A total equal to the page size may be the count of the page.
        let lookups = match size {
            240 | 1000 => 2,
            size => MEMBERS.div_ceil(size),
        };
        all_are_updated(&server, PAGE, lookups);
    }
}

#[test]
fn a_wrong_first_number_stops_the_run_unless_no_record_is_skipped() {
    let from_0 = || {
        club(|seen| {
            let number = asked(seen, "sheet").unwrap();
            page(json!({"count": MEMBERS, "items": members(number * 100, 100)}))
        })
    };
    let setting = "lookup.paging.parameter = \"sheet\"";
    is_stopped(&from_0(), PAGE, &["140 of 240", setting, "first"]);
    let named = PAGE.replace("\"sheet\"", "\"sheet\", first = 0");
    all_are_updated(&from_0(), &named, 3);

    let from_1 = || {
        club(|seen| {
            let skip = asked(seen, "skip").unwrap().max(1) - 1;
            let items = members(skip, asked(seen, "most").unwrap());
            page(json!({"count": MEMBERS, "items": items}))
        })
    };
    // Pages that overlap by one member skip none.
    all_are_updated(&from_1(), OFFSET, 5);
    let named = OFFSET.replace("\"skip\"", "\"skip\", first = 1");
    all_are_updated(&from_1(), &named, 5);
    let server = club(|seen| {
        let items = members(asked(seen, "skip").unwrap(), 50);
        page(json!({"count": MEMBERS, "items": items}))
    });
    is_stopped(&server, &named, &["239 of 240", "\"skip\"", "first"]);
}

#[test]
fn a_list_that_repeats_its_first_page_stops_the_run() {
    for total in [json!(240), json!(50), Json::Null] {
        let server = club(move |_| page(json!({"count": total, "items": members(0, 50)})));
        is_stopped(
            &server,
            OFFSET,
            &["page 2", "lookup.paging.offset = \"skip\""],
        );
    }
}

#[test]
fn a_missing_member_that_exists_stops_the_run() {
    // The list ends early, and its total counts only the members in it.
    let server = club(|seen| {
        let skip = asked(seen, "skip").unwrap();
        let items = members(skip, 100_usize.saturating_sub(skip).min(50));
        page(json!({"count": 100, "items": items}))
    });
    let told = ["the member of row 102", "lookup.paging.offset = \"skip\""];
    is_stopped(&server, OFFSET, &told);
    let read = server.seen();
    let read = read
        .iter()
        .filter(|seen| seen.path.starts_with("/v2/members/"));
    assert!((1..=20).contains(&read.count()));
}

#[test]
fn twenty_missing_members_are_requested_before_rows_are_reported_as_missing() {
    let server = club(|seen| {
        let items = members(asked(seen, "skip").unwrap(), 50);
        page(json!({"count": MEMBERS, "items": items}))
    });
    let (folder, output) = import(&server, OFFSET, MEMBERS + 30);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let summary: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["updated"], &summary["invalid"]),
        (&json!(240), &json!(30))
    );
    assert_eq!(summary["lookups"], 5 + 20, "{summary}");
    assert_eq!(folder.csv("r.new.csv", b',').len(), 31);
}

/// Serves members with a link to the next page. The first page is `/v2/members`.
fn named(next: impl Fn(usize) -> Response<Body> + Send + Sync + 'static) -> Server {
    club(move |seen| next(asked(seen, "after").unwrap_or(0)))
}

/// Returns the lookup settings of a list whose responses link the next page.
fn paged_by(paging: &str) -> String {
    let (rest, _) = OFFSET.split_once("total").unwrap();
    format!("{rest}page_size = 50\npaging = {{ {paging} }}\n")
}

#[test]
fn next_pages_are_followed_by_address_link_header_and_cursor() {
    let by_next = paged_by("kind = \"next\", pointer = \"/links/next\"");
    for form in ["/v2/members?after=", "members?after=", "?after="] {
        let server = named(move |after| {
            let items = members(after, 50);
            let end = after + items.len();
            let next = (end < MEMBERS).then(|| format!("{form}{end}"));
            page(json!({"items": items, "links": {"next": next}}))
        });
        all_are_updated(&server, &by_next, 5);
    }

    let linked = || {
        named(|after| {
            let items = members(after, 50);
            let end = after + items.len();
            let relation = if end < MEMBERS { "next" } else { "prev" };
            let link = format!("</v2/members?after={end}&x=1,2>; rel=\"{relation}\"");
            respond(
                200,
                &[("Link", &link)],
                &json!({"items": items}).to_string(),
            )
        })
    };
    all_are_updated(&linked(), &paged_by("kind = \"link\""), 5);
    // A Link header is reported even if another kind of paging is configured.
    is_stopped(&linked(), &by_next, &["kind = \"link\""]);

    let server = named(|after| {
        let items = members(after, 50);
        let end = after + items.len();
        match end < MEMBERS {
            true => page(json!({"items": items, "more": end})),
            false => page(json!({"items": items})),
        }
    });
    let cursor = paged_by("kind = \"cursor\", pointer = \"/more\", parameter = \"after\"");
    all_are_updated(&server, &cursor, 5);
}

#[test]
fn a_missing_or_circular_next_page_stops_the_run() {
    let by_next = paged_by("kind = \"next\", pointer = \"/next\"");
    let told = "lookup.paging.pointer = \"/next\"";
    let unnamed = named(|_| page(json!({"items": members(0, 50)})));
    is_stopped(&unnamed, &by_next, &["first page is full", told]);
    let object = named(|_| page(json!({"items": members(0, 50), "next": {"after": 50}})));
    is_stopped(&object, &by_next, &[told]);
    // Empty pages that link to each other.
    let circle = named(|after| page(json!({"items": [], "next": format!("?after={}", 1 - after)})));
    is_stopped(&circle, &by_next, &["page 3", told]);
    let malformed = named(|after| {
        let items = json!({"items": members(after, 50)}).to_string();
        let link = format!("/v2/members?after={}; rel=next", after + 50);
        respond(200, &[("Link", &link)], &items)
    });
    is_stopped(
        &malformed,
        &paged_by("kind = \"link\""),
        &["kind = \"link\""],
    );
}

#[test]
fn a_page_that_does_not_exist_ends_the_list_unless_the_total_is_higher() {
    let ending_at = |end: usize| {
        club(move |seen| {
            let skip = asked(seen, "skip").unwrap();
            match skip < end {
                true => page(json!({"count": MEMBERS, "items": members(skip, 50)})),
                false => respond(404, &[], r#"{"why": "no such page"}"#),
            }
        })
    };
    let without_total = OFFSET.replace("total = \"/count\"\n", "");
    all_are_updated(&ending_at(MEMBERS), &without_total, 6);
    is_stopped(&ending_at(100), OFFSET, &["no such page"]);
}

#[test]
fn a_next_page_at_another_host_is_not_requested() {
    let elsewhere = Server::start(|_| respond(200, &[], "{}"));
    let next = format!("{}/v2/members?after=50", elsewhere.base_url);
    let server = named(move |after| page(json!({"items": members(after, 50), "next": next})));
    let lookup = OFFSET.replace(
        "kind = \"offset\", limit = \"most\", offset = \"skip\"",
        "kind = \"next\", pointer = \"/next\"",
    );
    is_stopped(&server, &lookup, &[&elsewhere.base_url, "credentials"]);
    assert!(elsewhere.seen().is_empty());
}
