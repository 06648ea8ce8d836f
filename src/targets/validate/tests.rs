//! Tests of `targets/validate`.

mod fields;
mod sign_in;

use crate::targets::error::TargetError;
use crate::targets::load::parse;

/// A valid target that uses every setting that validation checks.
pub(super) const MEMBERS: &str = r##"name = "members"
title = "Members"
record = "member"

[headers]
Accept = "application/json"

[environments]
production = "https://{school}.example.se"
test = "http://localhost:8080/api"

[variables.school]
about = "the school"

[variables.kind]
about = "what the ids are"

[[sign_in]]
kind = "oauth"
token_path = "/token"
client_id = "CLIENT_ID"
client_secret = "CLIENT_SECRET_2"

[update]
method = "PATCH"
path = "/{kind}/members/{id}"
idempotent = true
keep = ["temporary"]
whole = ["/address"]

[answers]
code = "/code"
message = "/message"
fields = "/errors"
request_id = "/request"
retry = [429, 599]
reject = [300, 422]
stop = [401]

[quota]
requests = 60
per = "m"
burst = 1

[lookup]
keys = ["id"]
id = "/id"
read = "/members/{id}"
search = "/members/search"
search_filter = "/filter"
list = "/members"
records = "/data"
total = "/total"
page_size = 1
paging = { kind = "next", pointer = "/next" }

[[fields]]
name = "id"
kind = "text"
in = "path"
aliases.en = ["Member ID"]

[[fields]]
name = "pin"
kind = "identity_number"
pointer = "/pin"
temporary_if = "temporary"

[[fields]]
name = "temporary"
kind = "boolean"
pointer = "/temporary"

[[fields]]
name = "level"
kind = "choice"
pointer = "/level"
choices = ["high", "low"]
guarded = ["high"]
synonyms = { low = ["l"] }
words = { sv = { low = "låg" } }

[[fields]]
name = "title"
kind = "text"
pointer = "/title"
constant = "x"

[[fields]]
name = "zip"
kind = "postal_code"
pointer = "/address/zip"
country_from = "country"
pattern = "[0-9 ]+"

[[fields]]
name = "country"
kind = "country"
pointer = "/address/country"
guarded = ["SWE"]

[[fields]]
name = "note"
kind = "text"
pointer = "/addressee"
"##;

/// The mistakes after `from` is replaced with `to`, each with the text at its position.
fn mistakes(from: &str, to: &str) -> Vec<(String, String)> {
    assert_eq!(MEMBERS.matches(from).count(), 1, "{from}");
    mistakes_in(&MEMBERS.replace(from, to))
}

pub(super) fn mistakes_in(text: &str) -> Vec<(String, String)> {
    match parse("members.toml", text) {
        Ok(_) => Vec::new(),
        Err(TargetError::Mistakes { mistakes }) => {
            let told = mistakes.list.into_iter();
            told.map(|mistake| (text[mistake.span].to_owned(), mistake.message))
                .collect()
        }
        Err(other) => panic!("{other}"),
    }
}

/// Each case: the replaced text, its replacement, the reported position and the message.
pub(super) fn are_refused(cases: &[(&str, &str, &str, &str)]) {
    for (from, to, place, reason) in cases {
        let expected = [((*place).to_owned(), (*reason).to_owned())];
        assert_eq!(mistakes(from, to), expected, "{from} → {to}");
    }
}

pub(super) fn are_taken(cases: &[(&str, &str)]) {
    for (from, to) in cases {
        assert_eq!(mistakes(from, to), [], "{from} → {to}");
    }
}

#[test]
fn person_fields_must_be_sent_in_updates() {
    let text = crate::targets::text("meitner").unwrap();
    for (from, to) in [
        ("birth_date = \"date_of_birth\"", "birth_date = \"born\""),
        ("number = \"identity_number\"", "number = \"id\""),
    ] {
        let text = text.replace(from, to);
        let error = crate::targets::parse("x.toml", &text).unwrap_err();
        assert!(error.to_string().contains("person."), "{error}");
    }
}

#[test]
fn an_update_path_must_identify_one_record() {
    let no_key = "update.path names no field, so every row would change the same record; put the key in it, as in \"/student/{id}\"";
    are_refused(&[
        (
            "path = \"/{kind}/members/{id}\"",
            "path = \"{kind}/members/{id}\"",
            "path = \"{kind}/members/{id}\"",
            "the path \"{kind}/members/{id}\" must begin with a slash: \"/{kind}/members/{id}\"",
        ),
        (
            "/{kind}/members/{id}\"",
            "/{city}/members/{id}\"",
            "path = \"/{city}/members/{id}\"",
            "update.path asks for {city}, and no field has that name",
        ),
        (
            "/{kind}/members/{id}\"",
            "/{kind}/{title}/{id}\"",
            "\"title\"",
            "the field \"title\" stands in update.path, so it needs in = \"path\"",
        ),
        (
            "/{kind}/members/{id}\"",
            "/{id}/members/{kind}\"",
            "path = \"/{id}/members/{kind}\"",
            no_key,
        ),
        (
            "keep = [\"temporary\"]",
            "keep = [\"temporary\", \"city\"]",
            "keep = [\"temporary\", \"city\"]",
            "update.keep holds \"city\", and no field has that name",
        ),
        (
            "whole = [\"/address\"]",
            "whole = [\"/address\", \"/addr\"]",
            "whole = [\"/address\", \"/addr\"]",
            "update.whole names \"/addr\", and no field stands there",
        ),
    ]);
    let path = "path = \"/members\"";
    let found = mistakes("path = \"/{kind}/members/{id}\"", path);
    assert_eq!(
        found,
        [
            (
                "[variables.school]".to_owned(),
                "[variables.kind] has no effect: no address, path or sign-in contains {kind}"
                    .to_owned()
            ),
            (path.to_owned(), no_key.to_owned()),
            (
                "in = \"path\"".to_owned(),
                "the field \"id\" has in = \"path\", but update.path has no {id}".to_owned()
            ),
        ]
    );
}

#[test]
fn status_lists_must_be_disjoint_and_contain_only_errors() {
    let success = |status| format!("answers lists {status}, but every 2xx is success, always");
    let none = |status| format!("answers lists {status}, which is no status of an error");
    for (status, reason) in [
        (200, success(200)),
        (299, success(299)),
        (199, none(199)),
        (0, none(0)),
        (600, none(600)),
        (429, "answers lists 429 twice".to_owned()),
        (422, "answers lists 422 twice".to_owned()),
    ] {
        let line = format!("stop = [{status}]");
        are_refused(&[("stop = [401]", &line, &line, &reason)]);
    }
    are_refused(&[(
        "reject = [300, 422]",
        "reject = [599]",
        "reject = [599]",
        "answers lists 599 twice",
    )]);
    are_taken(&[("fields = \"/errors\"", "fields = \"\"")]);
}

#[test]
fn a_pointer_or_path_without_a_leading_slash_is_refused() {
    for (key, what, text) in [
        ("code", "JSON pointer", "/code"),
        ("message", "JSON pointer", "/message"),
        ("fields", "JSON pointer", "/errors"),
        ("request_id", "JSON pointer", "/request"),
        ("id", "JSON pointer", "/id"),
        ("records", "JSON pointer", "/data"),
        ("total", "JSON pointer", "/total"),
        ("search_filter", "JSON pointer", "/filter"),
        ("read", "path", "/members/{id}"),
        ("search", "path", "/members/search"),
        ("list", "path", "/members"),
    ] {
        let bare = &text[1..];
        let from = format!("\n{key} = \"{text}\"");
        let to = format!("{key} = \"{bare}\"");
        let reason = format!("the {what} \"{bare}\" must begin with a slash: \"{text}\"");
        are_refused(&[(&from, &format!("\n{to}"), &to, &reason)]);
    }
    are_refused(&[(
        "pointer = \"/next\" }",
        "pointer = \"next\" }",
        "paging = { kind = \"next\", pointer = \"next\" }",
        "the JSON pointer \"next\" must begin with a slash: \"/next\"",
    )]);
}

#[test]
fn rate_limits_out_of_range_are_refused() {
    are_taken(&[
        ("requests = 60", "requests = 0.001"),
        ("requests = 60", "requests = 1e9"),
    ]);
    for requests in ["0", "0.0009", "-1", "1.1e9", "nan", "inf"] {
        let line = format!("requests = {requests}");
        let reason = "quota.requests must lie between a thousandth and a thousand million";
        are_refused(&[("requests = 60", &line, &line, reason)]);
    }
    are_refused(&[
        (
            "burst = 1",
            "burst = 0",
            "burst = 0",
            "quota.burst must be above 0",
        ),
        (
            "page_size = 1",
            "page_size = 0",
            "page_size = 0",
            "lookup.page_size must be above 0",
        ),
        (
            "keys = [\"id\"]",
            "keys = [\"id\", \"city\"]",
            "keys = [\"id\", \"city\"]",
            "lookup.keys holds \"city\", and no field has that name",
        ),
    ]);
}

#[test]
fn paging_without_a_usable_parameter_or_pointer_is_refused() {
    let line = "paging = { kind = \"next\", pointer = \"/next\" }";
    let paging = |to: &str| format!("paging = {{ {to} }}");
    for (to, reason) in [
        (
            "kind = \"page\", parameter = \"page\", first = 2",
            "lookup.paging.first must be 0 or 1",
        ),
        (
            "kind = \"offset\", limit = \"n\", offset = \"from\", first = 7",
            "lookup.paging.first must be 0 or 1",
        ),
        (
            "kind = \"page\", parameter = \"\"",
            "lookup.paging.parameter = \"\" is empty, and must name a query parameter",
        ),
        (
            "kind = \"offset\", limit = \"n&x\", offset = \"from\"",
            "lookup.paging.limit = \"n&x\" is not the name of a query parameter; percent-encode all but letters and digits",
        ),
        (
            "kind = \"offset\", limit = \"n\", offset = \"a b\"",
            "lookup.paging.offset = \"a b\" is not the name of a query parameter; percent-encode all but letters and digits",
        ),
        (
            "kind = \"next\", pointer = \"\"",
            "lookup.paging.pointer is empty, and must point to a member of the answer",
        ),
    ] {
        are_refused(&[(line, &paging(to), &paging(to), reason)]);
    }
    let cursor = "kind = \"cursor\", pointer = \"/next\"";
    for (more, reason) in [
        (
            "",
            "lookup.paging needs a parameter or a body that holds the cursor of the next request",
        ),
        (
            ", body = \"/cursor\"",
            "lookup.paging needs a parameter: lookup.list has no body that could hold the cursor",
        ),
        (
            ", parameter = \"a\", body = \"cursor\"",
            "the JSON pointer \"cursor\" must begin with a slash: \"/cursor\"",
        ),
        (
            ", parameter = \"a\", body = \"\"",
            "lookup.paging.body is empty, and must point to a member of the body",
        ),
        (
            ", parameter = \"a=b\"",
            "lookup.paging.parameter = \"a=b\" is not the name of a query parameter; percent-encode all but letters and digits",
        ),
    ] {
        let to = paging(&format!("{cursor}{more}"));
        are_refused(&[(line, &to, &to, reason)]);
    }
    are_taken(&[
        (line, &paging("kind = \"link\"")),
        (
            line,
            &paging(&format!("{cursor}, parameter = \"pageToken\"")),
        ),
        (
            line,
            &paging(&format!(
                "{cursor}, parameter = \"a\", body = \"/page/cursor\""
            )),
        ),
        (
            line,
            &paging("kind = \"page\", parameter = \"page[number]\", first = 0"),
        ),
        (
            line,
            &paging("kind = \"offset\", limit = \"$top\", offset = \"$skip\", first = 1"),
        ),
    ]);
    let trust = "total = \"/total\"\ntrust_total = true";
    are_taken(&[("total = \"/total\"", trust)]);
    are_refused(&[(
        "total = \"/total\"",
        "trust_total = true",
        "trust_total = true",
        "lookup.trust_total has no effect without lookup.total",
    )]);
}

#[test]
fn renumbering_fields_must_have_the_right_kind() {
    let text = crate::targets::text("meitner").unwrap();
    for (from, to, why) in [
        (
            "number = \"identity_number\"\ntemporary",
            "number = \"gender\"\ntemporary",
            "renumbering.number is \"gender\"",
        ),
        (
            "temporary = \"identity_temporary\"",
            "temporary = \"first_name\"",
            "renumbering.temporary is \"first_name\"",
        ),
        (
            "by = [\"external_source_id\"]",
            "by = [\"first_name\"]",
            "renumbering.by has \"first_name\"",
        ),
        (
            "by = [\"external_source_id\"]",
            "by = []",
            "must name a field",
        ),
    ] {
        let text = text.replacen(from, to, 1);
        let error = crate::targets::parse("x.toml", &text).unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
    let (without, _) = text.split_once("[person]").unwrap();
    let error = crate::targets::parse("x.toml", without).unwrap_err();
    assert!(
        error.to_string().contains("renumbering needs [person]"),
        "{error}"
    );
}
