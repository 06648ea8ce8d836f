//! Tests of `run/planning/lookup/records`.

use serde_json::{Value as Json, json};

use crate::events::RunEvent;
use crate::l10n::say;
use crate::model::Code;
use crate::run::tests::{Api, Asked, Desk, held, school_with};
use crate::send::Stop;

/// Returns pupils p1, p2 and so on, each with a unique name and address.
fn pupils(count: usize) -> Json {
    let pupil = |number: usize| {
        json!({
            "id": format!("p{number}"),
            "name": "Åsa",
            "email": format!("P{number}@example.se"),
        })
    };
    (1..=count).map(pupil).collect()
}

/// Returns a roster of the first pupils, without changes.
fn roster(rows: usize) -> String {
    let rows = (1..=rows).map(|row| format!("p{row},Åsa\n"));
    "id,name\n".to_owned() + &rows.collect::<String>()
}

fn unchanged(desk: &Desk, rows: usize) {
    assert_eq!(desk.states(), vec!["unchanged"; rows]);
}

const FIRST: &str = "GET /pupils?limit=3&offset=0";
const SEARCH: &str = "POST /search?limit=3&offset=0";

fn without_search() -> String {
    let search = "search = \"/search\"\nsearch_filter = \"/filter\"\n";
    school_with(search, "")
}

fn without_total() -> String {
    school_with("total = \"/total\"\n", "")
}

#[test]
fn rows_of_one_search_are_looked_up_without_counting_the_records() {
    let (api, mut desk) = (Api::holding(pupils(9)), Desk::new(&roster(3)));
    desk.import(&api).unwrap();
    unchanged(&desk, 3);
    assert_eq!(api.asked(), [SEARCH]);
    assert_eq!(desk.how(), say().how_looked_up(say_pupils(), 3));
}

fn say_pupils() -> String {
    crate::run::tests::spec_of(crate::run::tests::SCHOOL).records_name()
}

#[test]
fn all_records_are_listed_if_that_takes_no_more_requests() {
    let (api, mut desk) = (Api::holding(pupils(6)), Desk::new(&roster(4)));
    desk.import(&api).unwrap();
    unchanged(&desk, 4);
    assert_eq!(api.asked(), [FIRST, "GET /pupils?limit=3&offset=3"]);
    assert_eq!(desk.how(), say().how_listed("6", say_pupils(), 3, "4"));
    // With one record more, looking up the rows takes fewer requests.
    let (api, mut desk) = (Api::holding(pupils(7)), Desk::new(&roster(4)));
    desk.import(&api).unwrap();
    unchanged(&desk, 4);
    assert_eq!(api.asked(), [FIRST, SEARCH, SEARCH]);
    assert_eq!(
        desk.how(),
        say().how_searched("4", say_pupils(), 3, "2", "7")
    );
}

#[test]
fn only_rows_that_can_be_sent_count_as_look_ups() {
    let mut desk = Desk::new("id,name\np1,Åsa\np1,Åsa\np2,\np3,Åsa\np4,Åsa\n");
    desk.settings.roster.duplicates = crate::check::DuplicatePolicy::Last;
    let api = Api::holding(pupils(4));
    desk.import(&api).unwrap();
    assert_eq!(
        api.asked(),
        [SEARCH],
        "one is invalid, and one repeats another"
    );
    let mut desk = Desk::new(&roster(5));
    desk.delivery().selection.limit = Some(3);
    let api = Api::holding(pupils(4));
    desk.import(&api).unwrap();
    assert_eq!(api.asked(), [SEARCH], "no more are asked for");
}

#[test]
fn a_target_may_have_only_a_list_or_only_a_search() {
    let (api, mut desk) = (
        Api::holding(pupils(9)),
        Desk::at(&without_search(), &roster(1)),
    );
    desk.import(&api).unwrap();
    unchanged(&desk, 1);
    let pages = [3, 6].map(|passed| format!("GET /pupils?limit=3&offset={passed}"));
    let mut asked = api.asked();
    asked.sort();
    assert_eq!(asked, [FIRST, &*pages[0], &*pages[1]], "two at a time");
    let target = school_with("list = \"/pupils\"\n", "");
    let (api, mut desk) = (Api::holding(pupils(4)), Desk::at(&target, &roster(4)));
    desk.import(&api).unwrap();
    unchanged(&desk, 4);
    assert_eq!(api.asked(), [SEARCH, SEARCH]);
}

#[test]
fn an_api_without_a_total_is_searched_or_listed_to_the_last_page() {
    let (api, mut desk) = (
        Api::holding(pupils(4)),
        Desk::at(&without_total(), &roster(4)),
    );
    desk.import(&api).unwrap();
    unchanged(&desk, 4);
    assert_eq!(api.asked()[..2], [FIRST, SEARCH]);
    let many = say().how_searched("4", say_pupils(), 3, "2", say().how_many());
    assert_eq!(desk.how(), many);
    let target = without_search().replace("total = \"/total\"\n", "");
    let (api, mut desk) = (Api::holding(pupils(7)), Desk::at(&target, &roster(7)));
    desk.import(&api).unwrap();
    unchanged(&desk, 7);
    // The API may cap pages, so only a page without a record is the last.
    let pages = [3, 6, 7].map(|passed| format!("GET /pupils?limit=3&offset={passed}"));
    assert_eq!(api.asked(), [FIRST, &*pages[0], &*pages[1], &*pages[2]]);
    assert_eq!(desk.how(), say().how_listed("7", say_pupils(), 3, "7"));
}

#[test]
fn capped_pages_lose_no_record() {
    let records = pupils(7);
    let api = Api::answering(move |asked| {
        let passed: usize = asked.path.rsplit('=').next().unwrap().parse().unwrap();
        let most = if passed == 0 { 3 } else { 2 };
        let page: Vec<&Json> = records
            .as_array()
            .unwrap()
            .iter()
            .skip(passed)
            .take(most)
            .collect();
        (200, json!({"total": 7, "data": page}))
    });
    let mut desk = Desk::at(&without_search(), &roster(7));
    desk.delivery().sender.concurrency = 1;
    desk.import(&api).unwrap();
    unchanged(&desk, 7);
    let pages = [3, 5].map(|passed| format!("GET /pupils?limit=3&offset={passed}"));
    assert_eq!(api.asked(), [FIRST, &*pages[0], &*pages[1]]);
}

#[test]
fn as_many_pages_are_requested_at_once_as_the_concurrency_allows() {
    let (api, mut desk) = (
        Api::holding(pupils(20)),
        Desk::at(&without_search(), &roster(20)),
    );
    desk.delivery().sender.concurrency = 2;
    desk.import(&api).unwrap();
    unchanged(&desk, 20);
    assert_eq!(api.asked().len(), 7);
}

#[test]
fn a_record_on_two_pages_counts_once() {
    let api = Api::answering(|asked| {
        let page = match asked.path.ends_with("=0") {
            true => json!([
                {"id": "p1", "name": "Åsa"}, {"id": "p2", "name": "Bo"}, {"id": "p3", "name": "C"},
            ]),
            false => json!([{"id": "p3", "name": "Cy"}, {"id": "p4", "name": "D"}]),
        };
        // A record was added before them in the meantime.
        let total = if asked.path.ends_with("=0") { 4 } else { 5 };
        (200, json!({"total": total, "data": page}))
    });
    let mut desk = Desk::at(&without_search(), "id,name\np1,Åsa\np2,Bo\np3,Cy\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"; 3], "it is what it was last");
}

fn stopped(desk: &mut Desk, api: &Api) -> Code {
    match desk.import(api).unwrap().stop.unwrap() {
        Stop::LookUp { cause, .. } => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endless_listing_is_stopped() {
    let records = pupils(3);
    let api = Api::answering(move |_| (200, json!({"total": 99, "data": records})));
    let mut desk = Desk::at(&without_search(), &roster(1));
    desk.delivery().sender.concurrency = 1;
    assert_eq!(stopped(&mut desk, &api), Code::ApiSamePage);
    assert_eq!(api.asked().len(), 2);
}

#[test]
fn an_answer_without_a_list_stops_the_run() {
    let api = Api::answering(|_| (200, json!({"data": 7})));
    assert_eq!(stopped(&mut Desk::new(&roster(1)), &api), Code::ApiNoList);
}

#[test]
fn a_refused_look_up_is_reported_with_its_path() {
    let api = Api::answering(|_| (404, json!({"message": "no such page"})));
    let stop = Desk::new(&roster(1)).import(&api).unwrap().stop.unwrap();
    let Stop::LookUp { why, status, .. } = stop else {
        panic!("{stop:?}")
    };
    assert_eq!(status, Some(404));
    let why = why.to_string();
    assert!(why.contains("/search") && !why.contains("limit"), "{why}");
}

#[test]
fn an_api_that_ignores_the_filter_stops_the_run() {
    // The total is larger, or is missing while more records follow.
    for total in [json!(9), Json::Null] {
        let answers = move |_: &Asked| {
            let page = pupils(3);
            (200, json!({"total": total, "data": page}))
        };
        let mut desk = Desk::new(&roster(1));
        assert_eq!(
            stopped(&mut desk, &Api::answering(answers)),
            Code::ApiUnasked
        );
    }
}

#[test]
fn several_records_with_one_key_make_the_row_invalid() {
    let mut records = pupils(1);
    for number in 2..=4 {
        let mut twin = records[0].clone();
        twin["id"] = json!(format!("p{number}"));
        records.as_array_mut().unwrap().push(twin);
    }
    let api = Api::holding(records);
    let mut desk = Desk::new("email,name\np1@example.se,Åsa\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["invalid lookup.several"]);
    assert_eq!(
        api.asked(),
        [SEARCH, "POST /search?limit=3&offset=3"],
        "all of them are seen"
    );
}

#[test]
fn keys_are_compared_in_any_spelling() {
    // E-mail addresses ignoring case, by search and by listing.
    for rows in [2, 4] {
        let mut text = "email,name\n".to_owned();
        for row in 1..=rows {
            text.push_str(&format!("p{row}@example.se,Bo\n"));
        }
        let (api, mut desk) = (Api::holding(pupils(rows)), Desk::new(&text));
        desk.import(&api).unwrap();
        assert_eq!(desk.states(), vec!["updated"; rows], "{:?}", api.asked());
    }
    // A number in the record matches text in the file.
    for target in [crate::run::tests::SCHOOL.to_owned(), without_search()] {
        let api = Api::holding(json!([{"id": 7, "name": "Åsa"}]));
        let mut desk = Desk::at(&target, "id,name\n7,Åsa\n");
        desk.import(&api).unwrap();
        unchanged(&desk, 1);
    }
    // Other text is compared exactly.
    let api = Api::holding(json!([{"id": "P1", "name": "Åsa"}]));
    let mut desk = Desk::new("id,name\np1,Åsa\n");
    assert_eq!(
        stopped_or_states(&mut desk, &api),
        ["invalid lookup.not_found"]
    );
}

fn stopped_or_states(desk: &mut Desk, api: &Api) -> Vec<String> {
    desk.import(api).unwrap();
    desk.states()
}

#[test]
fn a_record_that_was_not_listed_is_searched_for() {
    let answer = held(pupils(4));
    let api = Api::answering(move |asked| match asked.path.starts_with("/pupils") {
        // The last record was added later.
        true => {
            let (_, mut page) = answer(asked);
            page["total"] = json!(3);
            (200, page)
        }
        false => answer(asked),
    });
    let target = school_with(
        "total = \"/total\"",
        "total = \"/total\"\ntrust_total = true",
    );
    let mut desk = Desk::at(&target, &roster(4));
    desk.import(&api).unwrap();
    unchanged(&desk, 4);
    assert_eq!(api.asked(), [FIRST, SEARCH]);
}

#[test]
fn rows_are_looked_up_in_batches_of_the_maximum_size() {
    let target = school_with("list = \"/pupils\"\n", "");
    for concurrency in [1, 8] {
        let (api, mut desk) = (Api::holding(pupils(12)), Desk::at(&target, &roster(12)));
        desk.delivery().sender.concurrency = concurrency;
        desk.import(&api).unwrap();
        unchanged(&desk, 12);
        assert_eq!(api.asked().len(), 4);
    }
}

#[test]
fn refused_credentials_cost_one_request() {
    let target = school_with("list = \"/pupils\"\n", "");
    let api = Api::answering(|_| (401, json!({})));
    let mut desk = Desk::at(&target, &roster(12));
    desk.delivery().sender.concurrency = 8;
    let ended = desk.import(&api).unwrap();
    assert!(matches!(
        ended.stop,
        Some(Stop::Refused { status: 401, .. })
    ));
    assert_eq!(api.asked().len(), 1);
}

#[test]
fn long_look_ups_report_progress() {
    let told = |rate: &str, target: &str| {
        let (api, mut desk) = (Api::holding(pupils(9)), Desk::at(target, &roster(9)));
        let pace = &mut desk.delivery().pace;
        (pace.own, pace.own_burst) = (rate.parse().unwrap(), 1);
        desk.delivery().sender.concurrency = 1;
        desk.dry_run(&api).unwrap();
        let events = desk.watched.events().into_iter();
        let told = events.filter_map(|event| match event {
            RunEvent::LookedUp { done, of } => Some((done, of)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    // Of three pages, the first arrives immediately.
    assert_eq!(told("1/s", crate::run::tests::SCHOOL), [(6, 9), (9, 9)]);
    let searched = school_with("list = \"/pupils\"\n", "");
    let rows = told("1/s", &searched);
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|(done, of)| (1..=9).contains(done) && *of == 9)
    );
    assert!(told("1000/s", crate::run::tests::SCHOOL).is_empty());
}

/// The school with a list that lacks the records after the first `listed` ones.
fn hiding(listed: usize, records: usize) -> Api {
    let (short, whole) = (held(pupils(listed)), held(pupils(records)));
    Api::answering(move |asked| match asked.path.starts_with("/pupils") {
        true => short(asked),
        false => whole(asked),
    })
}

fn asked_for_one(api: &Api) -> usize {
    let asked = api.asked();
    asked
        .iter()
        .filter(|asked| asked.starts_with("GET /pupil/"))
        .count()
}

#[test]
fn a_record_that_is_missing_from_the_list_and_exists_stops_the_run() {
    let api = hiding(4, 5);
    let mut desk = Desk::at(&without_search(), &roster(5));
    let ended = desk.import(&api).unwrap();
    let Some(Stop::LookUp { why, cause, .. }) = &ended.stop else {
        panic!("{:?}", ended.stop);
    };
    assert_eq!(*cause, Code::ApiIncomplete);
    let setting = "lookup.paging.offset = \"offset\"";
    let why = why.to_string();
    assert!(why.contains("row 6") && why.contains(setting), "{why}");
    assert!(!why.contains("p5"), "the key is not shown: {why}");
    assert_eq!(ended.summary.new_rows, None);
    assert_eq!(ended.summary.states.not_sent, 5);
    assert!(desk.states().is_empty(), "{:?}", desk.states());
    assert_eq!(asked_for_one(&api), 1);
}

#[test]
fn rows_reported_before_a_list_proves_incomplete_are_withdrawn() {
    let api = hiding(12, 13);
    let mut desk = Desk::at(
        &without_search(),
        &("id,name\nx1,Åsa\n".to_owned() + &roster(13)[8..]),
    );
    let ended = desk.import(&api).unwrap();
    assert!(ended.stop.is_some());
    // The first record does not exist, and its row is planned before the thirteenth.
    assert_eq!(asked_for_one(&api), 2);
    assert!(desk.states().is_empty(), "{:?}", desk.states());
    assert_eq!(ended.summary.states.not_sent, 14);
    let rows = desk.dry_run(&hiding(12, 13)).unwrap();
    assert_eq!((rows.plan.invalid, rows.plan.unchanged), (0, 0));
    assert!(rows.plan.problems.is_empty() && rows.stop.is_some());
}

#[test]
fn twenty_records_at_most_are_read_before_rows_are_reported_as_missing() {
    for missing in [1, 19, 20, 21, 50] {
        let rows: String = (1..=missing).map(|row| format!("x{row},Åsa\n")).collect();
        let mut desk = Desk::at(&without_search(), &format!("id,name\n{rows}"));
        let api = Api::holding(pupils(4));
        let ended = desk.import(&api).unwrap();
        assert_eq!(ended.stop, None);
        assert_eq!(desk.states(), vec!["invalid lookup.not_found"; missing]);
        assert_eq!(asked_for_one(&api), missing.min(20));
        // The plan counts these requests.
        assert_eq!(desk.plan(desk.run().id).lookups, api.asked().len() as u64);
    }
}

#[test]
fn a_search_that_omits_an_existing_record_stops_the_run() {
    let (nothing, whole) = (held(pupils(0)), held(pupils(2)));
    let api = Api::answering(move |asked| match asked.method.as_str() {
        "POST" => nothing(asked),
        _ => whole(asked),
    });
    let mut desk = Desk::new(&roster(2));
    let stop = desk.import(&api).unwrap().stop.unwrap();
    assert!(stop.to_string().contains("lookup.search_filter"), "{stop}");
}

#[test]
fn a_failed_read_of_a_record_is_reported_without_its_key() {
    let whole = held(pupils(2));
    let api = Api::answering(move |asked| match asked.path.starts_with("/pupil/") {
        true => (501, json!({})),
        false => whole(asked),
    });
    let mut desk = Desk::at(&without_search(), "id,name\nx9,Åsa\n");
    let stop = desk.import(&api).unwrap().stop.unwrap().to_string();
    assert!(
        stop.contains("/pupil/{id}") && !stop.contains("x9"),
        "{stop}"
    );
}

#[test]
fn only_the_record_with_the_rows_key_proves_that_it_exists() {
    // The path has the id, and the roster has the e-mail address.
    let mut desk = Desk::new("email,name\nnobody@example.se,Åsa\n");
    let api = Api::holding(pupils(2));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["invalid lookup.not_found"]);
    assert_eq!(api.asked(), [SEARCH]);
    // A refusal, another record, and a response without a record prove nothing.
    for (status, body) in [
        (403, json!({})),
        (404, json!({})),
        (405, json!({})),
        (410, json!({})),
        (422, json!({})),
        (200, json!({"id": "p1"})),
        (200, json!({"error": "no such pupil"})),
        (200, json!([])),
        (200, json!(null)),
    ] {
        let whole = held(pupils(2));
        let answer = body.clone();
        let api = Api::answering(move |asked| match asked.path.starts_with("/pupil/") {
            true => (status, answer.clone()),
            false => whole(asked),
        });
        let mut desk = Desk::at(&without_search(), "id,name\nx9,Åsa\n");
        desk.import(&api).unwrap();
        assert_eq!(
            desk.states(),
            ["invalid lookup.not_found"],
            "{status} {body}"
        );
    }
    // A server error stops the run.
    let whole = held(pupils(2));
    let api = Api::answering(move |asked| match asked.path.starts_with("/pupil/") {
        true => (500, json!({})),
        false => whole(asked),
    });
    let mut desk = Desk::at(&without_search(), "id,name\nx9,Åsa\n");
    assert_eq!(stopped(&mut desk, &api), Code::ApiAnswered);
}

#[test]
fn a_short_page_among_concurrent_requests_loses_no_record() {
    let whole = held(pupils(12));
    let api = Api::answering(move |asked| {
        let (status, mut page) = whole(asked);
        if asked.path.ends_with("offset=3") {
            page["data"].as_array_mut().unwrap().truncate(2);
        }
        (status, page)
    });
    let mut desk = Desk::at(&without_search(), &roster(12));
    assert_eq!(desk.import(&api).unwrap().stop, None);
    unchanged(&desk, 12);
}

#[test]
fn a_record_that_is_read_alone_is_found_in_its_envelope() {
    let api = || {
        let (short, whole) = (held(pupils(4)), held(pupils(5)));
        Api::answering(move |asked| match asked.path.starts_with("/pupil/") {
            true => {
                let (status, record) = whole(asked);
                (status, json!({"pupil": record}))
            }
            false => short(asked),
        })
    };
    let enveloped = without_search().replace("[answers]", "[answers]\nrecord = \"/pupil\"");
    let mut desk = Desk::at(&enveloped, &roster(5));
    assert_eq!(stopped(&mut desk, &api()), Code::ApiIncomplete);
    // A record at another location proves nothing.
    let mut desk = Desk::at(&without_search(), &roster(5));
    assert_eq!(desk.import(&api()).unwrap().stop, None);
}

#[test]
fn an_incomplete_list_stops_the_run_unless_a_search_finds_the_records() {
    let api = || {
        let whole = held(pupils(8));
        Api::answering(move |asked| match asked.path.starts_with("/pupils") {
            // The last page lacks a record that the total counts.
            true => {
                let (status, mut page) = whole(asked);
                page["data"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|record| record["id"] != "p8");
                (status, page)
            }
            false => whole(asked),
        })
    };
    let mut desk = Desk::at(&without_search(), &roster(8));
    assert_eq!(stopped(&mut desk, &api()), Code::ApiIncomplete);
    let mut desk = Desk::new(&roster(8));
    desk.import(&api()).unwrap();
    unchanged(&desk, 8);
}

#[test]
fn a_search_ends_once_every_key_is_found() {
    let target = school_with("total = \"/total\"\n", "");
    let (api, mut desk) = (Api::holding(pupils(9)), Desk::at(&target, &roster(3)));
    desk.import(&api).unwrap();
    unchanged(&desk, 3);
    assert_eq!(api.asked(), [SEARCH], "a full page without a total");
    // A missing record may be on the next page.
    let (api, mut desk) = (Api::holding(pupils(1)), Desk::at(&target, &roster(2)));
    desk.import(&api).unwrap();
    let asked = api.asked();
    assert_eq!(asked[..2], [SEARCH, "POST /search?limit=3&offset=1"]);
}

#[test]
fn a_page_that_does_not_exist_ends_a_list_that_may_be_complete() {
    let api = || {
        let whole = held(pupils(3));
        Api::answering(move |asked| match asked.path.ends_with("offset=3") {
            true => (404, json!({"code": "invalid_page"})),
            false => whole(asked),
        })
    };
    let mut desk = Desk::at(&without_search(), &roster(3));
    desk.import(&api()).unwrap();
    unchanged(&desk, 3);
    let whole = held(pupils(4));
    let api = Api::answering(move |asked| match asked.path.ends_with("offset=3") {
        true => (404, json!({})),
        false => whole(asked),
    });
    let mut desk = Desk::at(&without_search(), &roster(3));
    assert_eq!(stopped(&mut desk, &api), Code::ApiAnswered);
}
