//! Tests of `targets/validate/idle`.

use crate::targets::validate::tests::{MEMBERS, are_refused, are_taken, mistakes_in};

#[test]
fn a_setting_without_effect_is_refused() {
    let headers = "[headers]";
    are_refused(&[
        (
            "Accept =",
            "Content-Type =",
            headers,
            "the header Content-Type cannot be set here: set update.content_type",
        ),
        (
            "Accept =",
            "content-type =",
            headers,
            "the header content-type cannot be set here: set update.content_type",
        ),
        (
            "Accept =",
            "Host =",
            headers,
            "the header Host cannot be set here: the client takes the host from the address",
        ),
        (
            "Accept =",
            "\"A B\" =",
            headers,
            "\"A B\" is not a valid header name",
        ),
        (
            "\"application/json\"",
            "\"a\\nb\"",
            headers,
            "the value of the header Accept has a character that is not allowed in headers",
        ),
        (
            "Accept = \"application/json\"",
            "Accept = \"application/json\"\naccept = \"text/plain\"",
            headers,
            "the header accept is set twice, in different case",
        ),
        (
            "[update]",
            "[[sign_in]]\nkind = \"headers\"\nheaders = { accept = \"KEY\" }\n[update]",
            headers,
            "the header Accept is set by a sign-in, which replaces this value",
        ),
        (
            "[update]",
            "[[sign_in]]\nkind = \"headers\"\nheaders = { Content-Type = \"KEY\" }\n[update]",
            "[[sign_in]]",
            "the header Content-Type cannot be set here: set update.content_type",
        ),
        (
            "[update]",
            "[[sign_in]]\nkind = \"headers\"\nheaders = {}\n[update]",
            "[[sign_in]]",
            "this sign-in sends no header",
        ),
        (
            "token_path = \"/token\"",
            "token_path = \"/{tenant}/token\"",
            "[[sign_in]]",
            "an oauth sign-in asks for {tenant}, and there is no [variables.tenant]",
        ),
        (
            "[variables.kind]",
            "[variables.unused]\nabout = \"x\"\n[variables.kind]",
            "[variables.school]",
            "[variables.unused] has no effect: no address, path or sign-in contains {unused}",
        ),
        (
            "[update]",
            "[[sign_in]]\nkind = \"headers\"\nheaders = { A = \"CLIENT_ID\", B = \"CLIENT_SECRET_2\", C = \"C\" }\n[update]",
            "[[sign_in]]",
            "the sign-in from CLIENT_ID and CLIENT_SECRET_2 and C is never used: an earlier one needs no variables beyond these",
        ),
        (
            "keep = [\"temporary\"]",
            "keep = [\"id\"]",
            "keep = [\"id\"]",
            "update.keep holds \"id\", which is in the path and is always sent",
        ),
        (
            "/{kind}/members/{id}\"",
            "/{kind}/members/{id}#x\"",
            "path = \"/{kind}/members/{id}#x\"",
            "the path \"/{kind}/members/{id}#x\" has a fragment, which is never sent",
        ),
        (
            "/{kind}/members/{id}\"",
            "/{kind}/members/{id}/}\"",
            "path = \"/{kind}/members/{id}/}\"",
            "the braces in the path \"/{kind}/members/{id}/}\" do not match",
        ),
        (
            "read = \"/members/{id}\"",
            "read = \"/members\"",
            "read = \"/members\"",
            "lookup.read reads one record, so its path must contain {id}",
        ),
        (
            "list = \"/members\"",
            "list = \"/members?fields=all&API_KEY={kind}\"",
            "list = \"/members?fields=all&API_KEY={kind}\"",
            "the query parameter API_KEY looks like a secret, and secrets in the query string are not supported; use [[sign_in]] if the API also takes it in a header",
        ),
        (
            "list = \"/members\"",
            "list = \"/{org}/members\"",
            "list = \"/{org}/members\"",
            "lookup.list asks for {org}, and there is no [variables.org]",
        ),
        (
            "search = \"/members/search\"\n",
            "",
            "search_filter = \"/filter\"",
            "lookup.search_filter has no effect without lookup.search",
        ),
        (
            "keys = [\"id\"]",
            "keys = [\"title\"]",
            "keys = [\"title\"]",
            "lookup.keys holds \"title\", which has no column in any file",
        ),
        (
            "in = \"path\"",
            "in = \"path\"\nnullable = true",
            "nullable = true",
            "the field \"id\" is in the path, so it cannot have nullable",
        ),
        (
            "in = \"path\"",
            "in = \"path\"\ndefault = \"1\"",
            "default = \"1\"",
            "the field \"id\" is in the path, so it cannot have default",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/addressee\"\nread_only = true\nrequired = true",
            "required = true",
            "required has no effect on \"note\", which is read-only",
        ),
        (
            "constant = \"x\"",
            "constant = \"x\"\nunique = true",
            "unique = true",
            "unique has no effect on \"title\", which is constant and has no column",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/addressee\"\npast = true",
            "past = true",
            "past of \"note\" has no effect: it is for date, and the kind is text",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/addressee\"\nfree_text = true",
            "free_text = true",
            "free_text of \"note\" has no effect: it is for email and eppn, and the kind is text",
        ),
        (
            "kind = \"country\"\n",
            "kind = \"country\"\nlines = true\n",
            "lines = true",
            "lines of \"country\" has no effect: it is for text, and the kind is country",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/addressee\"\nmin_length = 5\nmax_length = 4",
            "min_length = 5",
            "\"note\" has min_length 5 and max_length 4, so no value fits",
        ),
    ]);
    for element in ["/class/0", "/class/12/name", "/0", "/class/-"] {
        let line = format!("pointer = \"{element}\"");
        let token = element.split('/').find(|token| {
            !token.is_empty() && token.chars().all(|c| c.is_ascii_digit() || c == '-')
        });
        let reason = format!(
            "the pointer \"{element}\" of \"note\" names the element {} of a list, and elements are not written by position; select it by a member, as in \"/emails[type=work]/value\", or make the field read_only",
            token.unwrap()
        );
        are_refused(&[("pointer = \"/addressee\"", &line, &line, &reason)]);
        are_taken(&[(
            "pointer = \"/addressee\"",
            &format!("{line}\nread_only = true"),
        )]);
    }
    are_taken(&[
        (
            "pointer = \"/addressee\"",
            "pointer = \"/addressee\"\nmin_length = 4\nmax_length = 4",
        ),
        ("pointer = \"/addressee\"", "pointer = \"/class/a1\""),
        ("pointer = \"/addressee\"", "pointer = \"/a~1b~0\""),
        ("list = \"/members\"", "list = \"/{kind}/members\""),
    ]);
    are_refused(&[(
        "pointer = \"/addressee\"",
        "pointer = \"/a~b\"",
        "pointer = \"/a~b\"",
        "the JSON pointer \"/a~b\" has a ~ that is neither ~0 nor ~1",
    )]);
}

#[test]
fn the_scheme_of_a_token_sign_in_is_one_ascii_word() {
    let way = |word: &str| {
        format!("[[sign_in]]\nkind = \"token\"\nword = \"{word}\"\ntoken = \"T\"\n[update]")
    };
    for word in ["", "To ken", "Tökén"] {
        let reason = "the word of a token sign-in must be one word of ASCII characters";
        are_refused(&[("[update]", &way(word), "[[sign_in]]", reason)]);
    }
    are_taken(&[("[update]", &way("Token"))]);
}

#[test]
fn contradictory_update_settings_are_refused() {
    let (method, put) = ("method = \"PATCH\"", "method = \"PUT\"");
    let line = "if_match = \"version\"";
    are_refused(&[
        (
            method,
            &format!("{method}\n{line}"),
            line,
            "update.if_match is \"version\"; it must be \"etag\" or a JSON pointer into the record such as \"/meta/version\"",
        ),
        (
            method,
            &format!("{method}\nmerges = true"),
            "whole = [\"/address\"]",
            "update.whole contradicts update.merges, which sends parts of objects",
        ),
        (
            method,
            &format!("{method}\nread_only = [\"/meta\"]"),
            "read_only = [\"/meta\"]",
            "update.read_only has no effect: only a PUT that replaces the record sends what no field names",
        ),
    ]);
    for version in ["etag", "/meta/version"] {
        are_taken(&[(method, &format!("{method}\nif_match = \"{version}\""))]);
    }
    are_taken(&[("whole = [\"/address\"]", "merges = true")]);
    let kept = "keep = [\"temporary\"]\nwhole = [\"/address\"]";
    let of_put = |line: &str| mistakes_in(&MEMBERS.replace(method, put).replace(kept, line));
    let line = "read_only = [\"meta\"]";
    let reason = "the JSON pointer \"meta\" must begin with a slash: \"/meta\"";
    assert_eq!(of_put(line), [(line.to_owned(), reason.to_owned())]);
    assert_eq!(of_put("read_only = [\"/meta\"]"), []);
}

#[test]
fn answers_record_is_refused_if_no_response_is_read() {
    let record = "code = \"/code\"\nrecord = \"/data\"";
    are_taken(&[("code = \"/code\"", record)]);
    let text = MEMBERS
        .replace("read = \"/members/{id}\"\n", "")
        .replace("code = \"/code\"", record);
    let reason = "answers.record has no effect without lookup.read or an answers.expects that contains the record";
    assert_eq!(
        mistakes_in(&text),
        [("record = \"/data\"".to_owned(), reason.to_owned())]
    );
    let expected = format!("{record}\nexpects = \"record\"");
    assert_eq!(mistakes_in(&text.replace(record, &expected)), []);
}

#[test]
fn quota_headers_without_effect_are_refused() {
    let quota = |lines: &str| format!("burst = 1\n\n[quota.headers]\n{lines}");
    for (lines, place, reason) in [
        (
            "draft = true\nlimit = \"X-L\"",
            "limit = \"X-L\"",
            "quota.headers.limit has no effect with draft = true, which reads RateLimit and RateLimit-Policy",
        ),
        (
            "draft = false",
            "[quota.headers]",
            "[quota.headers] names no header, so it has no effect",
        ),
        (
            "reset = \"X-R\"",
            "reset = \"X-R\"",
            "quota.headers.reset has no effect without quota.headers.remaining",
        ),
        (
            "remaining = \"X-R\"\nreset_unit = \"epoch-seconds\"",
            "reset_unit = \"epoch-seconds\"",
            "quota.headers.reset_unit has no effect without quota.headers.reset",
        ),
        (
            "limit = \"X L\"",
            "limit = \"X L\"",
            "\"X L\" is not a valid header name",
        ),
    ] {
        are_refused(&[("burst = 1", &quota(lines), place, reason)]);
    }
    are_taken(&[
        ("burst = 1", &quota("limit = \"X-L\"")),
        ("burst = 1", &quota("draft = true")),
    ]);
}

#[test]
fn an_update_body_must_be_json_and_sets_each_member_once() {
    let method = "method = \"PATCH\"";
    for kind in [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/xml",
        "application/soap+xml",
        "json",
        "",
    ] {
        let line = format!("content_type = \"{kind}\"");
        let reason = format!(
            "update.content_type is \"{kind}\", and updates are sent as JSON: application/json or another type that ends in +json; form bodies and XML are not supported"
        );
        are_refused(&[(method, &format!("{method}\n{line}"), &line, &reason)]);
    }
    for kind in [
        "application/scim+json",
        "application/merge-patch+json; charset=utf-8",
    ] {
        are_taken(&[(method, &format!("{method}\ncontent_type = \"{kind}\""))]);
    }
    let line = "body_members = { title = \"x\" }";
    are_refused(&[(
        method,
        &format!("{method}\n{line}"),
        line,
        "update.body_members sets \"title\", which the field \"title\" sets too",
    )]);
    are_taken(&[(method, &format!("{method}\nbody = \"/user\"\n{line}"))]);
    are_refused(&[(
        method,
        &format!("{method}\nbody = \"user\""),
        "body = \"user\"",
        "the JSON pointer \"user\" must begin with a slash: \"/user\"",
    )]);
}

#[test]
fn keep_and_whole_are_refused_for_a_put_that_replaces_the_record() {
    let patch = "method = \"PATCH\"";
    let put = "method = \"PUT\"";
    let kept = "keep = [\"temporary\"]\nwhole = [\"/address\"]";
    let reason = |key: &str| {
        format!("update.{key} has no effect: a PUT that replaces the record sends all of it")
    };
    for (key, line) in [
        ("keep", "keep = [\"temporary\"]"),
        ("whole", "whole = [\"/address\"]"),
    ] {
        let text = MEMBERS.replace(patch, put).replace(kept, line);
        assert_eq!(mistakes_in(&text), [(line.to_owned(), reason(key))]);
    }
    are_taken(&[(patch, &format!("{put}\nreplaces = false"))]);
}

#[test]
fn a_lookup_without_a_request_and_an_unused_cursor_parameter_are_refused() {
    let (read, search, filter, list) = (
        "read = \"/members/{id}\"\n",
        "search = \"/members/search\"\n",
        "search_filter = \"/filter\"\n",
        "list = \"/members\"\n",
    );
    let without = |lines: &[&str]| {
        let text = MEMBERS.replace("keep = [\"temporary\"]\n", "");
        lines.iter().fold(text, |text, line| text.replace(line, ""))
    };
    let reason =
        "[lookup] has no effect without lookup.read, lookup.query, lookup.search or lookup.list";
    assert_eq!(
        mistakes_in(&without(&[read, search, filter, list])),
        [("[lookup]".to_owned(), reason.to_owned())]
    );
    let next = "paging = { kind = \"next\", pointer = \"/next\" }";
    let cursor =
        "paging = { kind = \"cursor\", pointer = \"/next\", parameter = \"a\", body = \"/a\" }";
    let reason = "lookup.paging.parameter has no effect without lookup.list: a search repeats the cursor in lookup.paging.body";
    assert_eq!(
        mistakes_in(&without(&[list]).replace(next, cursor)),
        [(cursor.to_owned(), reason.to_owned())]
    );
    assert_eq!(mistakes_in(&without(&[]).replace(next, cursor)), []);
    let reason = "lookup.paging.body has no effect without lookup.search";
    assert_eq!(
        mistakes_in(&without(&[search, filter]).replace(next, cursor)),
        [(cursor.to_owned(), reason.to_owned())]
    );
    let in_body = cursor.replace("parameter = \"a\", ", "");
    assert_eq!(mistakes_in(&without(&[list]).replace(next, &in_body)), []);
}

#[test]
fn list_selectors_are_refused_where_they_cannot_be_written() {
    let addressee = "pointer = \"/addressee\"";
    let work = "pointer = \"/emails[type=work]/value\"";
    let home = "pointer = \"/emails[type=home]/value\"";
    let second = |pointer: &str| {
        format!("{work}\n\n[[fields]]\nname = \"second\"\nkind = \"text\"\n{pointer}")
    };
    are_taken(&[
        (addressee, work),
        (addressee, "pointer = \"/address/lines[n=1]/text\""),
        (addressee, &format!("{work}\nread_only = true")),
        (addressee, &format!("{work}\nunique = true")),
        (addressee, &second(home)),
        (addressee, &second("pointer = \"/emails[type=work]/label\"")),
    ]);
    are_refused(&[
        (
            addressee,
            "pointer = \"/emails[type=work]\"",
            "pointer = \"/emails[type=work]\"",
            "the pointer \"/emails[type=work]\" of \"note\" is refused: it selects elements of a list, so it must end in a member of them, as in /emails[type=work]/value",
        ),
        (
            addressee,
            "pointer = \"/emails[type=work]/0\"",
            "pointer = \"/emails[type=work]/0\"",
            "the pointer \"/emails[type=work]/0\" of \"note\" names the element 0 of a list, and elements are not written by position; select it by a member, as in \"/emails[type=work]/value\", or make the field read_only",
        ),
        (
            "in = \"path\"\naliases",
            "in = \"path\"\npointer = \"/ids[type=own]/value\"\naliases",
            "pointer = \"/ids[type=own]/value\"",
            "the field \"id\" is in the path, so its pointer cannot select from a list",
        ),
        (
            "message = \"/message\"",
            "message = \"/errors[n=1]/text\"",
            "message = \"/errors[n=1]/text\"",
            "the JSON pointer \"/errors[n=1]/text\" selects elements of a list with \"errors[n=1]\", which only the pointer of a field can",
        ),
        (
            "keep = [\"temporary\"]",
            "keep = [\"temporary\"]\nif_match = \"/meta[n=1]/version\"",
            "if_match = \"/meta[n=1]/version\"",
            "update.if_match is \"/meta[n=1]/version\"; it must be \"etag\" or a JSON pointer into the record such as \"/meta/version\"",
        ),
    ]);
    let with = |changes: &[(&str, &str)]| {
        let mut text = MEMBERS.to_owned();
        for (from, to) in changes {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text = text.replace(from, to);
        }
        let messages = mistakes_in(&text).into_iter();
        messages.map(|(_, message)| message).collect::<Vec<_>>()
    };
    assert_eq!(
        with(&[(addressee, work), ("keys = [\"id\"]", "keys = [\"note\"]")]),
        [
            "lookup.keys holds \"note\", which is in a list, and lookup.search finds no record by an element of a list"
        ]
    );
    assert_eq!(
        with(&[
            (addressee, work),
            ("whole = [\"/address\"]", "whole = [\"/emails[type=work]\"]")
        ]),
        [
            "the JSON pointer \"/emails[type=work]\" selects elements of a list with \"emails[type=work]\", which only the pointer of a field can"
        ]
    );
    let primary = second("pointer = \"/emails[primary=true]/label\"");
    assert_eq!(
        with(&[(addressee, &primary)]),
        [
            "the pointer \"/emails[type=work]/value\" of \"note\" and \"/emails[primary=true]/label\" of \"second\" cannot both be filled",
            "the pointer \"/emails[primary=true]/label\" of \"second\" and \"/emails[type=work]/value\" of \"note\" cannot both be filled",
        ]
    );
    let blind = with(&[
        (addressee, work),
        ("search = \"/members/search\"\n", ""),
        ("search_filter = \"/filter\"\n", ""),
        ("list = \"/members\"\n", ""),
        ("read = \"/members/{id}\"\n", ""),
    ]);
    assert!(
        blind.contains(&"the pointer \"/emails[type=work]/value\" of \"note\" selects from a list, which an update must contain as a whole, so it needs a look-up such as lookup.read or lookup.list".to_owned()),
        "{blind:?}"
    );
}

#[test]
fn list_settings_are_required_for_lists_and_refused_elsewhere() {
    let addressee = "kind = \"text\"\npointer = \"/addressee\"";
    let list = "kind = \"list\"\nitems = \"text\"\npointer = \"/tags\"";
    are_taken(&[
        (addressee, list),
        (
            addressee,
            "kind = \"list\"\nitems = \"email\"\npointer = \"/groups[]/id\"\nfree_text = true",
        ),
        (
            addressee,
            "kind = \"list\"\nitems = \"choice\"\nchoices = [\"a\"]\nguarded = [\"a\"]\npointer = \"/tags\"\nseparator = \"|\"\nmode = \"remove\"",
        ),
        (
            addressee,
            "kind = \"list\"\nitems = \"text\"\npointer = \"/custom[name=class]/values\"\nmode = \"replace\"",
        ),
        (
            addressee,
            "kind = \"list\"\nitems = \"text\"\npointer = \"/tags\"\nread_only = true",
        ),
    ]);
    let refused = |field: &str, place: &str, reason: &str| {
        are_refused(&[(addressee, field, place, reason)]);
    };
    let tags = |keys: &str| format!("{list}\n{keys}");
    for (key, value) in [("items", "text"), ("separator", ","), ("mode", "add")] {
        let line = format!("{key} = \"{value}\"");
        refused(
            &format!("{addressee}\n{line}"),
            &line,
            &format!("{key} of \"note\" has no effect: it is for list, and the kind is text"),
        );
    }
    refused(
        "kind = \"text\"\npointer = \"/groups[]/id\"",
        "pointer = \"/groups[]/id\"",
        "the pointer \"/groups[]/id\" of \"note\" selects every element, so its kind must be \"list\"",
    );
    refused(
        "kind = \"list\"\nitems = \"text\"\npointer = \"/groups[]/ids[]/id\"",
        "pointer = \"/groups[]/ids[]/id\"",
        "the pointer \"/groups[]/ids[]/id\" of \"note\" is refused: nothing can be selected within every element",
    );
    refused(
        "kind = \"list\"\npointer = \"/tags\"",
        "kind = \"list\"",
        "the field \"note\" is a list, so it needs the kind of its values, as in items = \"text\"",
    );
    refused(
        "kind = \"list\"\nitems = \"list\"\npointer = \"/tags\"",
        "items = \"list\"",
        "the values of \"note\" cannot be lists",
    );
    refused(
        &tags("unique = true"),
        "unique = true",
        "unique of \"note\" has no effect on a list",
    );
    refused(
        &tags("lines = true"),
        "lines = true",
        "lines of \"note\" has no effect on a list",
    );
    refused(
        &tags("read_only = true\nmode = \"add\""),
        "mode = \"add\"",
        "mode has no effect on \"note\", which is read-only",
    );
    refused(
        &tags("past = true"),
        "past = true",
        "past of \"note\" has no effect: it is for date, and the kind is text",
    );
    let with = |changes: &[(&str, &str)]| {
        let mut text = MEMBERS.to_owned();
        for (from, to) in changes {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text = text.replace(from, to);
        }
        let messages = mistakes_in(&text).into_iter();
        messages.map(|(_, message)| message).collect::<Vec<_>>()
    };
    assert_eq!(
        with(&[(addressee, list), ("keys = [\"id\"]", "keys = [\"note\"]")]),
        ["lookup.keys holds \"note\", which has many values, and a record is found by one"]
    );
    let in_path = "kind = \"text\"\nin = \"path\"\naliases";
    let message = "the field \"id\" is in the path, so it cannot be a list";
    let found = with(&[(
        in_path,
        "kind = \"list\"\nitems = \"text\"\nin = \"path\"\naliases",
    )]);
    assert_eq!(found, [message]);
    let unread = [
        ("search = \"/members/search\"\n", ""),
        ("search_filter = \"/filter\"\n", ""),
        ("list = \"/members\"\n", ""),
        ("read = \"/members/{id}\"\n", ""),
    ];
    let message = "the list \"note\" is read before values are added or removed, so it needs a look-up such as lookup.read or lookup.list, or mode = \"replace\"";
    for (field, is_refused) in [
        (list.to_owned(), true),
        (tags("mode = \"remove\""), true),
        (tags("mode = \"replace\""), false),
        (tags("read_only = true"), false),
    ] {
        let found = with(&[&[(addressee, &*field)], &unread[..]].concat());
        assert_eq!(
            found.contains(&message.to_owned()),
            is_refused,
            "{field}: {found:?}"
        );
    }
}
