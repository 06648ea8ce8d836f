//! Tests of `targets/validate/lookup`.

use crate::targets::validate::tests::{MEMBERS, mistakes_in};

/// The members target, with look-ups that only use GET: by id and by two other keys.
fn members() -> String {
    let (head, rest) = MEMBERS.split_once("[lookup]").unwrap();
    let (_, fields) = rest.split_once("[[fields]]").unwrap();
    format!("{head}{LOOKUP}\n[[fields]]{fields}")
}

const LOOKUP: &str = r#"[lookup]
keys = ["pin", "zip"]
read = "/members/{id}"
records = "/data"
page_size = 20
paging = { kind = "page", parameter = "page" }

[[lookup.query]]
key = "pin"
path = "/{kind}/members?all=1"
parameter = "q"
filter = 'pin eq "{key}"'
between = " or "
around = "type:x {filter}"
escape = { '"' = '\"', '\' = '\\' }
most = 15

[[lookup.query]]
key = "zip"
path = "/members/zip:{key}"
"#;

fn are_refused(cases: &[(&str, &str, &str, &str)]) {
    assert_eq!(mistakes_in(&members()), []);
    for (from, to, place, reason) in cases {
        assert_eq!(members().matches(from).count(), 1, "{from}");
        let expected = [((*place).to_owned(), (*reason).to_owned())];
        assert_eq!(
            mistakes_in(&members().replace(from, to)),
            expected,
            "{from} → {to}"
        );
    }
}

const PAGED: &str =
    "records = \"/data\"\npage_size = 20\npaging = { kind = \"page\", parameter = \"page\" }\n";

#[test]
fn any_single_lookup_request_makes_records_readable() {
    let (head, _) = LOOKUP.split_once("\n[[lookup.query]]").unwrap();
    let by_read = head
        .replace("keys = [\"pin\", \"zip\"]", "keys = []")
        .replace(PAGED, "");
    assert_eq!(mistakes_in(&members().replace(LOOKUP, &by_read)), []);
    let by_query = by_read.replace(
        "read = \"/members/{id}\"",
        "[[lookup.query]]\nkey = \"id\"\npath = \"/members/{key}\"",
    );
    assert_eq!(mistakes_in(&members().replace(LOOKUP, &by_query)), []);
    let listed = LOOKUP.replace("read =", "list = \"/members\"\nread =");
    assert_eq!(mistakes_in(&members().replace(LOOKUP, &listed)), []);
}

#[test]
fn a_key_that_no_request_finds_is_refused() {
    are_refused(&[
        (
            "read = \"/members/{id}\"\n",
            "",
            "[lookup]",
            "no request finds a record by \"id\", the key in update.path: add lookup.read or a [[lookup.query]] with key = \"id\"",
        ),
        (
            "keys = [\"pin\", \"zip\"]",
            "keys = [\"pin\", \"zip\", \"note\"]",
            "keys = [\"pin\", \"zip\", \"note\"]",
            "lookup.keys holds \"note\", and no request finds a record by it: add a [[lookup.query]] with key = \"note\"",
        ),
        (
            "key = \"zip\"",
            "key = \"zap\"",
            "key = \"zap\"",
            "lookup.query has the key \"zap\", and no field has that name",
        ),
        (
            "keys = [\"pin\", \"zip\"]",
            "keys = [\"pin\"]",
            "key = \"zip\"",
            "lookup.query has the key \"zip\", which is neither in lookup.keys nor the key in update.path",
        ),
    ]);
}

#[test]
fn a_query_with_a_setting_that_contradicts_another_is_refused() {
    are_refused(&[
        (
            "filter = 'pin eq \"{key}\"'",
            "filter = 'pin pr'",
            "filter = 'pin pr'",
            "the filter 'pin pr' has no {key}, so every request would find the same records",
        ),
        (
            "around = \"type:x {filter}\"",
            "around = \"type:x\"",
            "around = \"type:x\"",
            "around is 'type:x' and has no {filter}, so no key would be sent",
        ),
        (
            "around = \"type:x {filter}\"",
            "around = \"{kind}:x {filter}\"",
            "around = \"{kind}:x {filter}\"",
            "around holds {kind}, and variables stand only in the path of a lookup.query",
        ),
        (
            "\nmost = 15\n",
            "\n",
            "between = \" or \"",
            "between has no effect without most above 1: each request has one key",
        ),
        (
            "\nmost = 15\n",
            "\nmost = 1\n",
            "between = \" or \"",
            "between has no effect without most above 1: each request has one key",
        ),
        (
            "between = \" or \"\n",
            "",
            "most = 15",
            "most above 1 needs between, the text that joins the keys",
        ),
        ("most = 15", "most = 0", "most = 0", "most must be above 0"),
        (
            "'\\' = '\\\\' }",
            "'\\' = '\\' }",
            "escape = { '\"' = '\\\"', '\\' = '\\' }",
            "escape writes \\ as itself, so it could end the key",
        ),
        (
            "parameter = \"q\"",
            "parameter = \"page\"",
            "parameter = \"page\"",
            "the path or lookup.paging sets the parameter page too",
        ),
        (
            "parameter = \"q\"",
            "parameter = \"all\"",
            "parameter = \"all\"",
            "the path or lookup.paging sets the parameter all too",
        ),
        (
            "parameter = \"q\"",
            "parameter = \"q&r\"",
            "parameter = \"q&r\"",
            "parameter = \"q&r\" is not the name of a query parameter; percent-encode all but letters and digits",
        ),
        (
            "parameter = \"q\"",
            "parameter = \"token\"",
            "parameter = \"token\"",
            "the query parameter token looks like a secret, and secrets in the query string are not supported; use [[sign_in]] if the API also takes it in a header",
        ),
        (
            "/members?all=1\"",
            "/members/{key}\"",
            "parameter = \"q\"",
            "the key stands in the path and in a parameter; remove one of them",
        ),
        (
            "path = \"/members/zip:{key}\"",
            "path = \"/members\"",
            "path = \"/members\"",
            "the key stands nowhere: put {key} into the path if the answer is one record, or set parameter if it is a list of records",
        ),
        (
            "path = \"/members/zip:{key}\"",
            "path = \"/{org}/zip:{key}\"",
            "path = \"/{org}/zip:{key}\"",
            "the path asks for {org}, and there is no [variables.org]",
        ),
        (
            "path = \"/members/zip:{key}\"",
            "path = \"members/zip:{key}\"",
            "path = \"members/zip:{key}\"",
            "the path \"members/zip:{key}\" must begin with a slash: \"/members/zip:{key}\"",
        ),
        (
            "path = \"/members/zip:{key}\"",
            "path = \"/members/zip:{key}\"\npartial = true",
            "partial = true",
            "partial has no effect without parameter",
        ),
        (
            "path = \"/members/zip:{key}\"",
            "path = \"/members/zip:{key}\"\nmost = 2",
            "most = 2",
            "most has no effect without parameter",
        ),
    ]);
    let text = members();
    let twice = text.replace("key = \"zip\"\n", "key = \"pin\"\n");
    let told = mistakes_in(&twice);
    assert!(
        told.iter()
            .any(|(_, told)| told == "\"pin\" has two queries, of which only the first is used"),
        "{told:?}"
    );
    let searched = text.replace("read = ", "search = \"/search\"\nread = ");
    let told = mistakes_in(&searched);
    let reason = "lookup.query has no effect with lookup.search, which finds records by any key";
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|(_, told)| told == reason), "{told:?}");
    let named = text.replace(
        "[variables.kind]",
        "[variables.key]\nabout = \"x\"\n[variables.kind]",
    );
    let told = mistakes_in(&named);
    assert!(
        told.iter()
            .all(|(_, told)| told.starts_with("[variables.key] cannot")),
        "{told:?}"
    );
}

#[test]
fn page_settings_are_required_for_lists_and_refused_elsewhere() {
    let one = LOOKUP
        .split_once("\n[[lookup.query]]\nkey = \"zip\"")
        .unwrap();
    let by_one = one.0.split_once("\n[[lookup.query]]").unwrap().0.to_owned()
        + "\n[[lookup.query]]\nkey = \"zip\""
        + one.1;
    let by_one = by_one.replace("\"pin\", ", "");
    let told = mistakes_in(&members().replace(LOOKUP, &by_one));
    let keys: Vec<&str> = told
        .iter()
        .map(|(_, told)| told.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        keys,
        ["lookup.records", "lookup.page_size", "lookup.paging"]
    );
    let told = mistakes_in(&members().replace(PAGED, ""));
    let expected = ["records", "page_size", "paging"].map(|key| {
        let reason = "an answer to lookup.list, lookup.search or a lookup.query with a parameter is a list of records";
        ("[lookup]".to_owned(), format!("[lookup] needs {key}: {reason}"))
    });
    assert_eq!(told, expected);
}

#[test]
fn change_searches_require_the_settings_of_a_snapshot() {
    let text = crate::targets::text("meitner").unwrap();
    assert_eq!(mistakes_in(&text), []);
    let whole = "[lookup.changes]";
    for (from, to, place, reason) in [
        ("list = \"/student\"\n", "", whole, "lookup.list"),
        ("trust_total = true\n", "", "", ""),
        (
            "total = \"/pagination/total\"\n# The total of a list or a search counts the records of all pages.\ntrust_total = true\n",
            "",
            whole,
            "lookup.total",
        ),
        (
            "keys = [\"id\", ",
            "keys = [",
            whole,
            "the key in update.path",
        ),
        (
            "moments = [\"/meta/updatedAt\", \"/meta/createdAt\"]",
            "moments = []",
            whole,
            "names no moment",
        ),
        (
            "filter = \"/filter/greaterThan\"",
            "filter = \"\"",
            whole,
            "is empty",
        ),
        (
            "id = \"/resourceID\"",
            "id = \"resourceID\"",
            whole,
            "must begin with a slash",
        ),
        (
            "search = \"/audit-event/_search\"",
            "search = \"/{org}/_search\"",
            whole,
            "there is no [variables.org]",
        ),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        let found = mistakes_in(&text.replace(from, to));
        match reason {
            "" => assert_eq!(found, [], "{from}"),
            _ => {
                let is_it = |(at, why): &(String, String)| at == place && why.contains(reason);
                assert!(found.iter().any(is_it), "{from} → {to}: {found:?}");
            }
        }
    }
}
