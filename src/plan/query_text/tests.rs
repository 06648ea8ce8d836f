//! Tests of `plan/query_text`.

use super::*;

fn query(settings: &str) -> Query {
    toml::from_str(&format!("key = \"email\"\npath = \"/users\"\n{settings}")).unwrap()
}

const SCIM: &str = r#"
parameter = "filter"
filter = 'userName eq "{key}"'
between = " or "
escape = { '"' = '\"', '\' = '\\' }
most = 2
"#;

const ODATA: &str = r#"
parameter = "$filter"
filter = "'{key}'"
between = ","
around = "mail in ({filter})"
escape = { "'" = "''" }
most = 15
"#;

#[test]
fn keys_are_escaped_joined_and_enclosed() {
    let scim = query(SCIM);
    assert_eq!(
        filter(&scim, &["a@b.se", "o\"x\\y"]),
        r#"userName eq "a@b.se" or userName eq "o\"x\\y""#
    );
    let odata = query(ODATA);
    assert_eq!(
        filter(&odata, &["o'brien@b.se", "a\\b"]),
        r"mail in ('o''brien@b.se','a\b')"
    );
    let alone = query("parameter = \"email\"");
    assert_eq!(filter(&alone, &["a b&c=d"]), "a b&c=d");
}

#[test]
fn a_key_that_could_end_its_quotation_is_refused() {
    let odata = query(ODATA);
    for key in ["o'brien", "a\\b", "a,b", "x) or (y", "å \"b\""] {
        assert_eq!(unwritable(&odata, key), None, "{key}");
    }
    assert_eq!(unwritable(&odata, "a\nb"), Some("\n"));
    assert_eq!(unwritable(&odata, ""), Some(""));
    let unescaped = query(&ODATA.replace("escape = { \"'\" = \"''\" }", ""));
    assert_eq!(unwritable(&unescaped, "o'brien"), Some("'"));
    assert_eq!(unwritable(&unescaped, "a\\"), Some("\\"));
    // Only the quotation mark has an escape, which a preceding backslash would neutralize.
    let half = query(&SCIM.replace(", '\\' = '\\\\'", ""));
    assert_eq!(unwritable(&half, "x\" or \"1"), None);
    assert_eq!(unwritable(&half, "x\\"), Some("\\"));
    assert_eq!(unwritable(&query(SCIM), "x\\\""), None);
    // The filter contains another quotation mark.
    let nested = query("parameter = \"q\"\nfilter = '''\"name:'{key}'\"'''");
    assert_eq!(unwritable(&nested, "a\"b"), Some("\""));
}

#[test]
fn an_unquoted_key_may_not_contain_filter_syntax() {
    let search =
        query("parameter = \"query\"\nfilter = \"email:{key}\"\naround = \"type:user {filter}\"");
    for key in ["a.b_c-d+e@example.se", "20100402-1234", "åsa1"] {
        assert_eq!(unwritable(&search, key), None, "{key}");
    }
    for (key, part) in [
        ("a b", " "),
        ("a,b", ","),
        ("o'brien", "'"),
        ("x*", "*"),
        ("a:b", ":"),
        ("(a)", "("),
        ("-a", "-"),
    ] {
        assert_eq!(unwritable(&search, key), Some(part), "{key}");
    }
    let listed = query("parameter = \"ids\"\nbetween = \"-\"\nmost = 2");
    assert_eq!(unwritable(&listed, "a-b"), Some("-"));
    // The parameter contains only the key.
    let alone = query("parameter = \"email\"");
    assert_eq!(unwritable(&alone, "x' or (a:b) & \"c\"\\*"), None);
    assert_eq!(unwritable(&alone, "a\tb"), Some("\t"));
}

#[test]
fn a_dot_segment_as_key_is_refused_in_a_path() {
    let of = |path: &str, key: &'static str| {
        let query = query("");
        unwritable_in(path, Query::KEY, Some(&query), key)
    };
    for key in [".", ".."] {
        assert_eq!(of("/users/{key}", key), Some(key));
        assert_eq!(of("/users/{key}?all=1", key), Some(key));
        assert_eq!(of("/users/sis:{key}", key), None);
    }
    assert_eq!(of("/users/{key}", ""), Some(""));
    assert_eq!(of("/users/{key}", "a/../b c?'\"\\"), None);
    assert_eq!(of("/users('{key}')", "o'brien"), Some("'"));
    let odata = query("escape = { \"'\" = \"''\" }");
    let key = "o'brien";
    assert_eq!(
        unwritable_in("/users('{key}')", Query::KEY, Some(&odata), key),
        None
    );
    assert_eq!(
        unwritable_in("/users('{id}')", "{id}", None, key),
        Some("'")
    );
}
