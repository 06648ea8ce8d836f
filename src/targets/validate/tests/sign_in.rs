//! Tests of the validation of addresses and of secrets.

use super::*;

#[test]
fn an_unsafe_or_incomplete_address_is_refused() {
    are_taken(&[
        ("http://localhost:8080/api", "http://localhost"),
        ("http://localhost:8080/api", "http://127.0.0.1:80"),
        ("http://localhost:8080/api", "http://[::1]/api"),
    ]);
    let plain =
        "the address of test must begin with https://; plain http is for this machine alone";
    let place = "[environments]";
    for elsewhere in [
        "http://api.example.se",
        "http://localhost.example.se",
        "http://127.0.0.10",
        "http://[::1].example.se",
        "ftp://localhost",
        "api.example.se",
        "",
    ] {
        are_refused(&[("http://localhost:8080/api", elsewhere, place, plain)]);
    }
    are_refused(&[
        (
            "{school}.example.se",
            "{city}.example.se",
            place,
            "the address of production asks for {city}, and there is no [variables.city]",
        ),
        (
            "https://{school}.example.se",
            "https://user:hunter2@{school}.example.se",
            place,
            "the address of production holds a user name or a password; credentials belong in the environment",
        ),
        (
            "production = \"https://{school}.example.se\"\ntest = \"http://localhost:8080/api\"",
            "",
            place,
            "[environments] holds no address",
        ),
    ]);
}

#[test]
fn a_secret_or_a_missing_sign_in_is_refused() {
    let name = "a sign-in holds something that is no name of an environment variable, such as MY_API_TOKEN; a secret never stands in a target file";
    for (from, secret) in [
        ("\"CLIENT_SECRET_2\"", "\"hunter2\""),
        ("\"CLIENT_SECRET_2\"", "\"2_SECRET\""),
        ("\"CLIENT_SECRET_2\"", "\"\""),
        ("\"CLIENT_ID\"", "\"CLIENT-ID\""),
        ("\"CLIENT_ID\"", "\"KLIENT_Ä\""),
    ] {
        are_refused(&[(from, secret, "[[sign_in]]", name)]);
    }
    for header in [
        "Authorization",
        "Set-Cookie",
        "X-API-KEY",
        "X-Auth-Token",
        "Client-Secret",
        "password",
    ] {
        let line = format!("{header} =");
        let reason = format!(
            "the header {header} looks like a secret, and none may stand in a target file; use [[sign_in]] with kind = \"headers\""
        );
        are_refused(&[("Accept =", &line, "[headers]", &reason)]);
    }
    are_refused(&[
        (
            "token_path = \"/token\"",
            "token_path = \"token\"",
            "token_path = \"token\"",
            "the path \"token\" must begin with a slash: \"/token\"",
        ),
        (
            "[[sign_in]]\nkind = \"oauth\"\ntoken_path = \"/token\"\nclient_id = \"CLIENT_ID\"\nclient_secret = \"CLIENT_SECRET_2\"\n",
            "[sign_in]\n",
            "[sign_in]",
            "[sign_in] is one table, and a list of tables is expected",
        ),
    ]);
    let start = MEMBERS.find("[[sign_in]]").unwrap();
    let end = MEMBERS.find("[update]").unwrap();
    let none = format!("sign_in = []\n{}{}", &MEMBERS[..start], &MEMBERS[end..]);
    let expected = (
        "sign_in = []".to_owned(),
        "there is no [[sign_in]]".to_owned(),
    );
    assert_eq!(mistakes_in(&none), [expected]);
}

#[test]
fn a_line_that_may_hold_a_secret_is_numbered_and_not_shown() {
    for (from, to, line) in [
        ("https://{school}", "https://u:hunter2@{school}", 8),
        ("CLIENT_SECRET_2", "hunter2", 18),
        ("Accept = \"application/json\"", "X-Token = \"hunter2\"", 5),
    ] {
        let text = MEMBERS.replace(from, to);
        let told = parse("members.toml", &text).unwrap_err().to_string();
        assert!(!told.contains("hunter2"), "{told}");
        let place = format!("line {line} of members.toml, which is not shown");
        assert!(told.contains(&place), "{told}");
    }
}

#[test]
fn a_token_url_must_name_its_host_in_full() {
    let path = "token_path = \"/token\"";
    let url = |address: &str| format!("token_url = \"{address}\"");
    let host =
        "token_url must name its host in full, without variables: the client secret is sent there";
    let more = "token_url must not have a user name, a query or a fragment; the client credentials are sent in the form body";
    let plain = "token_url must begin with https://; the client secret is sent there";
    for (address, reason) in [
        ("https://{school}.example.se/token", host),
        ("https://", host),
        ("https:///token", host),
        ("http://login.example.se/token", plain),
        ("login.example.se/token", plain),
        ("https://u:p@login.example.se/token", more),
        ("https://login.example.se/token?secret=x", more),
        ("https://login.example.se/token#x", more),
    ] {
        let line = url(address);
        are_refused(&[(path, &line, &line, reason)]);
    }
    are_taken(&[
        (path, &url("https://login.example.se/{school}/token")),
        (path, &url("http://127.0.0.1:9/token")),
        (
            path,
            &format!("{path}\nscope = \"a b\"\naudience = \"https://{{school}}.example.se\""),
        ),
    ]);
    let both = format!("{path}\n{}", url("https://login.example.se/token"));
    are_refused(&[
        (
            path,
            &both,
            &url("https://login.example.se/token"),
            "token_path and token_url are both set; keep token_url if the token endpoint is on another host than the API",
        ),
        (
            path,
            "",
            "[[sign_in]]",
            "an oauth sign-in needs token_path, or token_url if the token endpoint is on another host than the API",
        ),
    ]);
}
