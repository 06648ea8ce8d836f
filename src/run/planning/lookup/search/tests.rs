//! Tests of `run/planning/lookup/search`.

use serde_json::{Value as Json, json};

use crate::l10n::say;
use crate::model::Code;
use crate::run::tests::{Api, Asked, Desk, SCHOOL, spec_of};
use crate::send::Stop;

/// The school with these settings in place of its search and its list.
fn school(lookup: &str) -> String {
    let (head, rest) = SCHOOL.split_once("[lookup]").unwrap();
    let (_, fields) = rest.split_once("[[fields]]").unwrap();
    format!("{head}[lookup]\n{lookup}\n[[fields]]{fields}")
}

const READ: &str = "keys = []\nread = \"/pupil/{id}\"";

const PAGES: &str = "records = \"/data\"\npage_size = 3\npaging = { kind = \"offset\", limit = \"limit\", offset = \"offset\" }";

/// Pupils found by a filter with two addresses per request.
fn by_filter(more: &str) -> String {
    let query = r#"
[[lookup.query]]
key = "email"
path = "/pupils"
parameter = "filter"
filter = 'email eq "{key}"'
between = " or "
escape = { '"' = '\"' }
most = 2
"#;
    school(&format!(
        "keys = [\"email\"]\nread = \"/pupil/{{id}}\"\n{PAGES}\n{more}{query}"
    ))
}

/// Pupils found by a path with one address per request.
fn by_path() -> String {
    let query = "[[lookup.query]]\nkey = \"email\"\npath = \"/pupil/by:{key}\"";
    school(&format!(
        "keys = [\"email\"]\nread = \"/pupil/{{id}}\"\n{query}"
    ))
}

fn pupil(number: usize) -> Json {
    json!({"id": format!("p{number}"), "name": "Åsa", "email": format!("p{number}@example.se")})
}

fn pupils(count: usize) -> Vec<Json> {
    (1..=count).map(pupil).collect()
}

fn by_email(rows: usize) -> String {
    let rows = (1..=rows).map(|row| format!("p{row}@example.se,Åsa\n"));
    "email,name\n".to_owned() + &rows.collect::<String>()
}

/// Returns the keys in a filter, as a server would parse it.
fn keys_in(path: &str) -> Vec<String> {
    let (_, query) = path.split_once('?').unwrap();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, filter) = pairs.find(|(name, _)| *name == "filter").unwrap();
    let text = percent_encoding::percent_decode_str(filter)
        .decode_utf8()
        .unwrap();
    let terms = text.split(" or ");
    let keys = terms.map(|term| {
        let key = term
            .strip_prefix("email eq \"")
            .unwrap()
            .strip_suffix('"')
            .unwrap();
        key.replace("\\\"", "\"").to_lowercase()
    });
    keys.collect()
}

fn page_of(asked: &Asked, found: &[Json]) -> (u16, Json) {
    let (_, passed) = asked.path.rsplit_once("offset=").unwrap();
    let page = found.iter().skip(passed.parse().unwrap()).take(3);
    (
        200,
        json!({"total": found.len(), "data": page.collect::<Vec<_>>()}),
    )
}

/// A server that finds pupils by a filter, and lists them without one.
fn filtering(count: usize) -> Api {
    Api::answering(move |asked| {
        if let Some(id) = asked.path.strip_prefix("/pupil/") {
            let found = pupils(count).into_iter().find(|pupil| pupil["id"] == id);
            let Some(mut pupil) = found else {
                return (404, json!({}));
            };
            for (name, value) in asked.body.as_object().into_iter().flatten() {
                pupil[name] = value.clone();
            }
            return (200, pupil);
        }
        let found = match asked.path.contains("filter=") {
            true => {
                let keys = keys_in(&asked.path);
                let is_asked = |pupil: &Json| {
                    let email = pupil["email"].as_str().unwrap().to_lowercase();
                    keys.contains(&email)
                };
                pupils(count).into_iter().filter(is_asked).collect()
            }
            false => pupils(count),
        };
        page_of(asked, &found)
    })
}

fn stopped(desk: &mut Desk, api: &Api) -> Code {
    match desk.import(api).unwrap().stop.unwrap() {
        Stop::LookUp { cause, .. } => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_are_read_one_by_one_without_a_search_or_a_listing() {
    let api = filtering(3);
    let roster = "id,name\np1,Åsa\np2,Bo\np9,Cy\n";
    let mut desk = Desk::at(&school(READ), roster);
    desk.import(&api).unwrap();
    assert_eq!(
        desk.states(),
        ["unchanged", "updated", "invalid lookup.not_found"]
    );
    let mut asked = api.asked();
    asked.sort();
    assert_eq!(
        asked,
        [
            "GET /pupil/p1",
            "GET /pupil/p2",
            "GET /pupil/p9",
            "PATCH /pupil/p2"
        ],
        "none is read twice"
    );
    let pupils = spec_of(SCHOOL).records_name();
    assert_eq!(desk.how(), say().how_looked_up(pupils, 1));
    assert_eq!(desk.plan(desk.run().id).lookups, 3);
}

#[test]
fn a_single_record_is_used_only_if_it_has_the_key() {
    let of = |status: u16, body: Json| {
        let api = Api::answering(move |_| (status, body.clone()));
        let mut desk = Desk::at(&by_path(), &by_email(1));
        desk.import(&api).unwrap().stop.map_or_else(
            || desk.states(),
            |stop| match stop {
                Stop::LookUp { cause, why, .. } => {
                    assert!(!why.to_string().contains("example.se"), "{why}");
                    vec![cause.to_string()]
                }
                other => panic!("{other:?}"),
            },
        )
    };
    assert_eq!(of(200, pupil(1)), ["unchanged"]);
    assert_eq!(of(404, json!({})), ["invalid lookup.not_found"]);
    assert_eq!(of(410, json!({})), ["invalid lookup.not_found"]);
    assert_eq!(of(200, pupil(2)), ["invalid lookup.other_key"]);
    assert_eq!(of(200, json!({"id": "p1"})), ["invalid lookup.other_key"]);
    assert_eq!(of(400, json!({})), ["invalid lookup.refused"]);
    for body in [
        json!({"email": "p1@example.se"}),
        json!([pupil(1)]),
        Json::Null,
        json!(404),
    ] {
        assert_eq!(of(200, body), ["api.no_record"]);
    }
    assert_eq!(
        of(422, json!({})),
        ["api.answered"],
        "not in answers.reject"
    );
    assert_eq!(of(500, json!({})), ["api.answered"]);
}

#[test]
fn keys_are_queried_together_and_compared_in_any_spelling() {
    let api = filtering(5);
    let mut desk = Desk::at(&by_filter(""), &by_email(5));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"; 5]);
    let asked = api.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(
        asked[0],
        "GET /pupils?filter=email%20eq%20%22p1%40example.se%22%20or%20email%20eq%20%22p2%40example.se%22&limit=3&offset=0"
    );
    let pupils = spec_of(SCHOOL).records_name();
    assert_eq!(desk.how(), say().how_looked_up(pupils, 2));
}

#[test]
fn the_cheaper_of_query_and_list_is_taken() {
    // Six records are two pages, and four rows are two queries.
    let target = by_filter("total = \"/total\"\nlist = \"/pupils\"\n");
    let api = filtering(6);
    let mut desk = Desk::at(&target, &by_email(4));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"; 4]);
    assert!(
        api.asked().iter().all(|asked| !asked.contains("filter")),
        "{:?}",
        api.asked()
    );
    let api = filtering(7);
    let mut desk = Desk::at(&target, &by_email(4));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"; 4]);
    let queries = api
        .asked()
        .iter()
        .filter(|asked| asked.contains("filter"))
        .count();
    assert_eq!((queries, api.asked().len()), (2, 3));
}

#[test]
fn an_ignored_filter_stops_the_run_without_missing_rows() {
    let ignoring = |count: usize| Api::answering(move |asked| page_of(asked, &pupils(count)));
    let mut desk = Desk::at(&by_filter("total = \"/total\"\n"), &by_email(2));
    assert_eq!(stopped(&mut desk, &ignoring(9)), Code::ApiUnasked);
    // Without a total, and with pages that have at most as many records as there are keys.
    let small = |asked: &Asked| {
        let (_, passed) = asked.path.rsplit_once("offset=").unwrap();
        let passed: usize = passed.parse().unwrap();
        (
            200,
            json!({"data": pupils(9).into_iter().skip(passed).take(1).collect::<Vec<_>>()}),
        )
    };
    let mut desk = Desk::at(
        &by_filter(""),
        "email,name\np8@example.se,Åsa\np9@example.se,Åsa\n",
    );
    assert_eq!(stopped(&mut desk, &Api::answering(small)), Code::ApiUnasked);
    assert!(desk.states().is_empty());
}

#[test]
fn partial_matches_are_read_until_every_key_is_found() {
    let target = by_filter("")
        .replace("most = 2\n", "partial = true\n")
        .replace("between = \" or \"\n", "");
    let api = Api::answering(move |asked| page_of(asked, &pupils(7)));
    let mut desk = Desk::at(
        &target,
        "email,name\np7@example.se,Åsa\nnone@example.se,Åsa\n",
    );
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged", "invalid lookup.not_found"]);
}

#[test]
fn a_key_that_would_change_the_filter_is_not_sent() {
    let target = by_filter("").replace("escape = { '\"' = '\\\"' }\n", "");
    let target = target.replace("kind = \"email\"", "kind = \"text\"");
    let api = filtering(2);
    let roster = "email,name\n\"x\"\" or email pr or \"\"\",Åsa\np1@example.se,Åsa\nx\\,Åsa\n";
    let mut desk = Desk::at(&target, roster);
    desk.import(&api).unwrap();
    assert_eq!(
        desk.states(),
        [
            "invalid lookup.unwritable",
            "unchanged",
            "invalid lookup.unwritable"
        ]
    );
    assert_eq!(api.asked().len(), 1);
    // In a path, no key leads to another path.
    let target = by_path()
        .replace("by:{key}", "{key}")
        .replace("kind = \"email\"", "kind = \"text\"");
    let api = filtering(2);
    let mut desk = Desk::at(&target, "email,name\n..,Åsa\n");
    desk.import(&api).unwrap();
    assert!(
        desk.states()[0].starts_with("invalid"),
        "{:?}",
        desk.states()
    );
    assert!(api.asked().is_empty());
}

#[test]
fn a_query_that_omits_an_existing_record_stops_the_run() {
    let query = "[[lookup.query]]\nkey = \"id\"\npath = \"/pupils\"\nparameter = \"ids\"";
    let target = school(&format!(
        "keys = []\nread = \"/pupil/{{id}}\"\n{PAGES}\n{query}"
    ));
    let api = Api::answering(|asked| match asked.path.starts_with("/pupil/") {
        true => (200, pupil(1)),
        false => (200, json!({"data": []})),
    });
    let mut desk = Desk::at(&target, "id,name\np1,Åsa\n");
    let stop = desk.import(&api).unwrap().stop.unwrap();
    assert!(
        stop.to_string().contains("lookup.query.filter = '{key}'"),
        "{stop}"
    );
}

#[test]
fn two_records_with_one_key_make_the_row_invalid() {
    let twin = json!({"id": "p9", "name": "Bo", "email": "p1@example.se"});
    let api = Api::answering(move |asked| page_of(asked, &[pupil(1), twin.clone()]));
    let mut desk = Desk::at(&by_filter(""), &by_email(1));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["invalid lookup.several"]);
}
