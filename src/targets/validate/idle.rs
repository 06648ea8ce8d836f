//! Finds settings of a target file that have no effect or that cannot be sent.

use std::collections::HashSet;

use reqwest::header::{HeaderName, HeaderValue};

use super::super::answers::Expects;
use super::super::field::{self, FieldSpec, Kind};
use super::super::lookup::Paging;
use super::super::placeholders::placeholders;
use super::super::places::{Found, Place};
use super::super::pointer::{Pointer, selecting};
use super::super::sign_in::SignIn;
use super::super::spec::TargetSpec;
use super::super::update::ETAG;
use super::paths::those_set;
use crate::model::Method;

/// Headers that the HTTP client sets, each with the setting to use instead or the reason.
const OWN_HEADERS: &[(&str, &str)] = &[
    ("content-type", "set update.content_type"),
    ("accept-encoding", "the client negotiates compression"),
    ("connection", "the client manages its connections"),
    ("content-length", "the client counts the body"),
    ("host", "the client takes the host from the address"),
    ("transfer-encoding", "the client frames the body"),
    ("te", "the client frames the body"),
    ("upgrade", "the client manages its connections"),
];

/// Finds settings that have no effect or that cannot be sent.
pub(super) fn validate_idle(spec: &TargetSpec, found: &mut Found<'_>) {
    validate_headers(spec, found);
    validate_sign_in(spec, found);
    validate_variables(spec, found);
    validate_update(spec, found);
    validate_answers(spec, found);
    validate_quota(spec, found);
    validate_lookup(spec, found);
    for field in &spec.fields {
        let start = field.name.span().start;
        validate_field(spec, field, &mut |key, message| {
            found.add(Place::Field(start, key), message);
        });
    }
}

/// The reason why a header of a target file cannot be sent, if it cannot.
fn refused_header(name: &str) -> Option<String> {
    if name.parse::<HeaderName>().is_err() {
        return Some(format!("\"{name}\" is not a valid header name"));
    }
    let own = OWN_HEADERS
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name));
    own.map(|(_, instead)| format!("the header {name} cannot be set here: {instead}"))
}

fn validate_headers(spec: &TargetSpec, found: &mut Found<'_>) {
    let mut seen = HashSet::new();
    for (name, value) in &spec.headers {
        let of_sign_in = spec.sign_in.iter().any(|way| match way {
            SignIn::Headers { headers } => {
                headers.keys().any(|other| other.eq_ignore_ascii_case(name))
            }
            _ => false,
        });
        let message = if let Some(message) = refused_header(name) {
            message
        } else if HeaderValue::from_str(value).is_err() {
            format!("the value of the header {name} has a character that is not allowed in headers")
        } else if of_sign_in {
            format!("the header {name} is set by a sign-in, which replaces this value")
        } else if !seen.insert(name.to_ascii_lowercase()) {
            format!("the header {name} is set twice, in different case")
        } else {
            continue;
        };
        found.add_secret(Place::Key("", "headers"), message);
    }
}

fn validate_sign_in(spec: &TargetSpec, found: &mut Found<'_>) {
    for (index, way) in spec.sign_in.iter().enumerate() {
        let message = match way {
            SignIn::Headers { headers } if headers.is_empty() => {
                Some("this sign-in sends no header".to_owned())
            }
            SignIn::Headers { headers } => headers.keys().find_map(|name| refused_header(name)),
            SignIn::Token { word, .. }
                if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Some("the word of a token sign-in must be one word of ASCII characters".to_owned())
            }
            _ => None,
        };
        if let Some(message) = message {
            found.add_secret(Place::Key("sign_in", ""), message);
        }
        let own = way.variables();
        let is_shadowed = spec.sign_in[..index].iter().any(|earlier| {
            let needed = earlier.variables();
            needed.iter().all(|name| own.contains(name))
        });
        if is_shadowed {
            let message = format!(
                "the sign-in from {} is never used: an earlier one needs no variables beyond these",
                own.join(" and ")
            );
            found.add_secret(Place::Key("sign_in", ""), message);
        }
    }
}

/// Finds variables that are not used in addresses, paths and sign-ins, and addresses to which no path can be
/// appended.
fn validate_variables(spec: &TargetSpec, found: &mut Found<'_>) {
    let lookup = spec.lookup.as_ref();
    let texts = spec
        .environments
        .values()
        .chain([&spec.update.path])
        .chain(lookup.into_iter().flat_map(|how| how.paths()))
        .chain(spec.known.iter().map(|known| &known.list))
        .chain(spec.sign_in.iter().flat_map(SignIn::templates));
    let used: HashSet<&str> = texts.flat_map(|text| placeholders(text)).collect();
    // An unknown name may be a misspelt variable, which has its own message.
    let is_known = |name: &&str| spec.variables.contains_key(*name) || spec.field(name).is_some();
    let are_known = used.iter().all(is_known) && !spec.environments.is_empty();
    for name in spec.variables.keys() {
        if are_known && !used.contains(name.as_str()) {
            found.add(
                Place::Key("variables", ""),
                format!(
                    "[variables.{name}] has no effect: no address, path or sign-in contains {{{name}}}"
                ),
            );
        }
    }
    for (name, address) in &spec.environments {
        if address.contains(['?', '#']) {
            found.add_secret(
                Place::Key("environments", ""),
                format!(
                    "the address of {name} has a query or a fragment; paths are appended to it"
                ),
            );
        }
    }
}

fn validate_update(spec: &TargetSpec, found: &mut Found<'_>) {
    if let Some(message) = refused_query(&spec.update.path) {
        found.add_secret(Place::Key("update", "path"), message);
    }
    if let Some(message) = refused_path(&spec.update.path) {
        found.add(Place::Key("update", "path"), message);
    }
    if let Some(message) = refused_media_type(&spec.update.content_type) {
        found.add(Place::Key("update", "content_type"), message);
    }
    if spec.update.body.is_empty() {
        for name in spec.update.body_members.keys() {
            let own = |field: &&FieldSpec| field.pointer.path().first() == Some(name);
            if let Some(field) = spec.fields.iter().find(own) {
                let message = format!(
                    "update.body_members sets \"{name}\", which the field \"{}\" sets too",
                    field.name()
                );
                found.add(Place::Key("update", "body_members"), message);
            }
        }
    }
    let update = &spec.update;
    if let Some(version) = &update.if_match {
        let place = Place::Key("update", "if_match");
        if version != ETAG && (!version.starts_with('/') || selecting(version).is_some()) {
            let message = format!(
                "update.if_match is \"{version}\"; it must be \"{ETAG}\" or a JSON pointer into the record such as \"/meta/version\""
            );
            found.add(place, message);
        }
        if spec.lookup.as_ref().is_none_or(|how| how.read.is_none()) {
            let message =
                "update.if_match needs lookup.read: the record is read before each update";
            found.add(place, message);
        }
        if spec
            .headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("if-match"))
        {
            let message = "update.if_match sets If-Match, which [headers] sets too";
            found.add(place, message);
        }
    }
    if update.if_match_optional && update.if_match.is_none() {
        let message = "update.if_match_optional has no effect without update.if_match";
        found.add(Place::Key("update", "if_match_optional"), message);
    }
    let is_put = update.method == Method::Put;
    if update.merges && is_put && update.replaces {
        let message = "update.merges contradicts a PUT that replaces the record; set update.replaces = false if the API keeps what the body leaves out";
        found.add(Place::Key("update", "merges"), message);
    }
    if update.merges && !update.whole.is_empty() {
        let message = "update.whole contradicts update.merges, which sends parts of objects";
        found.add(Place::Key("update", "whole"), message);
    }
    if !is_put && !update.replaces {
        let message = "update.replaces has no effect: only a PUT replaces the record";
        found.add(Place::Key("update", "replaces"), message);
    }
    if !spec.erases() && !update.read_only.is_empty() {
        let message = "update.read_only has no effect: only a PUT that replaces the record sends what no field names";
        found.add(Place::Key("update", "read_only"), message);
    }
    for pointer in &update.read_only {
        let message = if !pointer.starts_with('/') {
            format!("the JSON pointer \"{pointer}\" must begin with a slash: \"/{pointer}\"")
        } else if let Some(wrong) = Pointer::from(&**pointer).wrong() {
            format!("the JSON pointer \"{pointer}\" is refused: {wrong}")
        } else {
            continue;
        };
        found.add(Place::Key("update", "read_only"), message);
    }
    if spec.erases() && !spec.is_readable() {
        found.add(
            Place::Key("update", "method"),
            "a PUT that replaces the record needs a request in [lookup]: unless the record is read, what the roster leaves out is erased; set update.replaces = false if the API keeps what the body leaves out",
        );
    }
    if spec.erases() {
        for key in those_set([
            ("keep", !update.keep.is_empty()),
            ("whole", !update.whole.is_empty()),
        ]) {
            let message = format!(
                "update.{key} has no effect: a PUT that replaces the record sends all of it"
            );
            found.add(Place::Key("update", key), message);
        }
    }
    for name in &spec.update.keep {
        let Some(field) = spec.field_named(name) else {
            continue;
        };
        let message = if field.place == field::Place::Path {
            format!("update.keep holds \"{name}\", which is in the path and is always sent")
        } else if field.read_only {
            format!("update.keep holds \"{name}\", which is read-only and is never sent")
        } else {
            continue;
        };
        found.add(Place::Key("update", "keep"), message);
    }
    if !spec.update.keep.is_empty() && !spec.is_readable() {
        let message = "update.keep has no effect without a request in [lookup]: no record is read";
        found.add(Place::Key("update", "keep"), message);
    }
}

/// Query parameters that usually hold a secret.
const SECRET_PARAMETERS: &[&str] = &[
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth_token",
    "client_secret",
    "key",
    "password",
    "secret",
    "sig",
    "signature",
    "token",
];

/// The reason why a path's query is refused, if it is. Servers and proxies log addresses, so addresses must
/// not contain a secret.
pub(super) fn refused_query(path: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    let name = names.find(|name| {
        SECRET_PARAMETERS
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(name))
    })?;
    Some(format!(
        "the query parameter {name} looks like a secret, and secrets in the query string are not supported; use [[sign_in]] if the API also takes it in a header"
    ))
}

/// The reason why a path is refused, if it is: a fragment, which is never sent, or unmatched braces.
pub(super) fn refused_path(path: &str) -> Option<String> {
    if path.contains('#') {
        return Some(format!(
            "the path \"{path}\" has a fragment, which is never sent"
        ));
    }
    let mut is_open = false;
    for c in path.chars() {
        if matches!((c, is_open), ('{', true) | ('}', false)) {
            is_open = true;
            break;
        }
        is_open = match c {
            '{' => true,
            '}' => false,
            _ => is_open,
        };
    }
    is_open.then(|| format!("the braces in the path \"{path}\" do not match"))
}

/// The reason why a media type is refused, if it is. Bodies are always JSON.
fn refused_media_type(text: &str) -> Option<String> {
    if HeaderValue::from_str(text).is_err() {
        return Some(format!(
            "\"{}\" is not a valid media type",
            text.escape_debug()
        ));
    }
    let kind = text.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    if kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json") {
        return None;
    }
    Some(format!(
        "update.content_type is \"{text}\", and updates are sent as JSON: application/json or another type that ends in +json; form bodies and XML are not supported"
    ))
}

fn validate_answers(spec: &TargetSpec, found: &mut Found<'_>) {
    let reads_one = spec.lookup.as_ref().is_some_and(|how| how.read.is_some());
    let is_answered = !matches!(spec.answers.expects, None | Some(Expects::NoContent));
    if !spec.answers.record.is_empty() && !is_answered && !reads_one {
        let message = "answers.record has no effect without lookup.read or an answers.expects that contains the record";
        found.add(Place::Key("answers", "record"), message);
    }
}

fn validate_quota(spec: &TargetSpec, found: &mut Found<'_>) {
    let Some(headers) = &spec.quota.headers else {
        return;
    };
    let names = [
        ("limit", &headers.limit),
        ("remaining", &headers.remaining),
        ("reset", &headers.reset),
    ];
    for (key, name) in names.into_iter().filter(|(_, name)| !name.is_empty()) {
        let place = Place::Key("quota.headers", key);
        if headers.draft {
            let message = format!(
                "quota.headers.{key} has no effect with draft = true, which reads RateLimit and RateLimit-Policy"
            );
            found.add(place, message);
        } else if name.parse::<HeaderName>().is_err() {
            found.add(place, format!("\"{name}\" is not a valid header name"));
        }
    }
    if headers.draft {
        return;
    }
    if names.iter().all(|(_, name)| name.is_empty()) {
        let message = "[quota.headers] names no header, so it has no effect";
        found.add(Place::Key("quota.headers", ""), message);
    } else if !headers.reset.is_empty() && headers.remaining.is_empty() {
        let message = "quota.headers.reset has no effect without quota.headers.remaining";
        found.add(Place::Key("quota.headers", "reset"), message);
    }
    if headers.reset.is_empty() && headers.reset_unit != Default::default() {
        let message = "quota.headers.reset_unit has no effect without quota.headers.reset";
        found.add(Place::Key("quota.headers", "reset_unit"), message);
    }
}

fn validate_lookup(spec: &TargetSpec, found: &mut Found<'_>) {
    let Some(lookup) = &spec.lookup else {
        return;
    };
    if lookup.search.is_none() {
        for key in those_set([
            ("search_filter", !lookup.search_filter.is_empty()),
            ("search_body", !lookup.search_body.is_empty()),
            ("search_names", lookup.search_names != Default::default()),
        ]) {
            let message = format!("lookup.{key} has no effect without lookup.search");
            found.add(Place::Key("lookup", key), message);
        }
    }
    for (key, path) in [
        ("read", &lookup.read),
        ("search", &lookup.search),
        ("list", &lookup.list),
    ] {
        if let Some(message) = path.as_deref().and_then(refused_query) {
            found.add_secret(Place::Key("lookup", key), message);
        }
    }
    if !spec.is_readable() {
        let message = "[lookup] has no effect without lookup.read, lookup.query, lookup.search or lookup.list";
        found.add(Place::Key("lookup", ""), message);
    }
    if let Some(Paging::Cursor {
        parameter: Some(_),
        body: Some(_),
        ..
    }) = &lookup.paging
        && lookup.list.is_none()
        && lookup.search.is_some()
    {
        let message = "lookup.paging.parameter has no effect without lookup.list: a search repeats the cursor in lookup.paging.body";
        found.add(Place::Key("lookup", "paging"), message);
    }
    for name in &lookup.keys {
        let field = spec.field_named(name);
        if field.is_some_and(|field| field.read_only || field.constant.is_some()) {
            let message = format!("lookup.keys holds \"{name}\", which has no column in any file");
            found.add(Place::Key("lookup", "keys"), message);
        }
        let Some(pointer) = field
            .filter(|field| field.place == field::Place::Body)
            .map(|field| &field.pointer)
        else {
            continue;
        };
        let is_list = field.is_some_and(FieldSpec::is_list);
        let reason = if is_list || pointer.selects_each() {
            "has many values, and a record is found by one"
        } else if pointer.is_in_list() && lookup.search.is_some() {
            "is in a list, and lookup.search finds no record by an element of a list"
        } else {
            continue;
        };
        let message = format!("lookup.keys holds \"{name}\", which {reason}");
        found.add(Place::Key("lookup", "keys"), message);
    }
}

/// Finds settings of a field that have no effect. `wrong` receives the key at fault and the message.
fn validate_field(
    spec: &TargetSpec,
    field: &FieldSpec,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let name = field.name();
    if let Some(message) = refused_pointer(spec, field) {
        wrong("pointer", message);
    }
    if field.place == field::Place::Path {
        let is_key = spec.key_name() == Some(name);
        for key in those_set([
            ("nullable", field.nullable),
            ("read_only", field.read_only),
            ("only_some_accounts", field.only_some_accounts),
            ("default", is_key && field.default.is_some()),
            ("constant", is_key && field.constant.is_some()),
        ]) {
            let message = format!("the field \"{name}\" is in the path, so it cannot have {key}");
            wrong(key, message);
        }
    }
    if field.read_only {
        for key in those_set([
            ("required", field.required),
            ("nullable", field.nullable),
            ("default", field.default.is_some()),
            ("guarded", !field.guarded.is_empty()),
            ("only_some_accounts", field.only_some_accounts),
        ]) {
            let message = format!("{key} has no effect on \"{name}\", which is read-only");
            wrong(key, message);
        }
    }
    if field.constant.is_some() {
        for key in those_set([
            ("unique", field.unique),
            ("nullable", field.nullable),
            ("guarded", !field.guarded.is_empty()),
            ("pattern", field.pattern.is_some()),
            ("aliases", !field.aliases.is_empty()),
        ]) {
            let message =
                format!("{key} has no effect on \"{name}\", which is constant and has no column");
            wrong(key, message);
        }
    }
    validate_list(spec, field, wrong);
    let kind = field.value_kind();
    let takes_any = matches!(kind, Kind::Email | Kind::Eppn);
    for (key, is_set, of) in [
        (
            "lines",
            field.lines && kind != Kind::Text && !field.is_list(),
            "text",
        ),
        ("past", field.past && kind != Kind::Date, "date"),
        ("free_text", field.free_text && !takes_any, "email and eppn"),
    ] {
        if is_set {
            let message = format!(
                "{key} of \"{name}\" has no effect: it is for {of}, and the kind is {}",
                kind.as_str()
            );
            wrong(key, message);
        }
    }
    if let (Some(least), Some(most)) = (field.min_length, field.max_length)
        && least > most
    {
        let message =
            format!("\"{name}\" has min_length {least} and max_length {most}, so no value fits");
        wrong("min_length", message);
    }
}

/// Finds contradictions in the settings of a list field, and list settings in other fields.
fn validate_list(
    spec: &TargetSpec,
    field: &FieldSpec,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let name = field.name();
    if !field.is_list() {
        for key in those_set([
            ("items", field.items.is_some()),
            ("separator", field.separator.is_some()),
            ("mode", field.mode.is_some()),
        ]) {
            let kind = field.kind.as_str();
            let message = format!(
                "{key} of \"{name}\" has no effect: it is for list, and the kind is {kind}"
            );
            wrong(key, message);
        }
        if field.pointer.selects_each() {
            let message = format!(
                "the pointer \"{}\" of \"{name}\" selects every element, so its kind must be \"list\"",
                field.pointer
            );
            wrong("pointer", message);
        }
        return;
    }
    match field.items {
        None => wrong(
            "kind",
            format!(
                "the field \"{name}\" is a list, so it needs the kind of its values, as in items = \"text\""
            ),
        ),
        Some(Kind::List) => wrong("items", format!("the values of \"{name}\" cannot be lists")),
        Some(_) => {}
    }
    if field.place == field::Place::Path {
        wrong(
            "kind",
            format!("the field \"{name}\" is in the path, so it cannot be a list"),
        );
    }
    for key in those_set([("unique", field.unique), ("lines", field.lines)]) {
        wrong(key, format!("{key} of \"{name}\" has no effect on a list"));
    }
    if field.read_only && field.mode.is_some() {
        let message = format!("mode has no effect on \"{name}\", which is read-only");
        wrong("mode", message);
    }
    if field.needs_record() && !field.pointer.is_in_list() && !spec.is_readable() {
        let message = format!(
            "the list \"{name}\" is read before values are added or removed, so it needs a look-up such as lookup.read or lookup.list, or mode = \"replace\""
        );
        wrong(if field.mode.is_some() { "mode" } else { "kind" }, message);
    }
}

/// The reason why a field cannot be written at its pointer, if it cannot.
fn refused_pointer(spec: &TargetSpec, field: &FieldSpec) -> Option<String> {
    let pointer = field.pointer.as_str();
    let name = field.name();
    if let Some(wrong) = field.pointer.wrong() {
        return Some(format!(
            "the pointer \"{pointer}\" of \"{name}\" is refused: {wrong}"
        ));
    }
    let mut escapes = pointer.split('~').skip(1);
    if escapes.any(|rest| !rest.starts_with(['0', '1'])) {
        return Some(format!(
            "the JSON pointer \"{pointer}\" has a ~ that is neither ~0 nor ~1"
        ));
    }
    let is_in_list = field.pointer.is_in_list();
    if field.place != field::Place::Body {
        return is_in_list.then(|| {
            format!("the field \"{name}\" is in the path, so its pointer cannot select from a list")
        });
    }
    if field.read_only {
        return None;
    }
    if is_in_list && !spec.is_readable() {
        return Some(format!(
            "the pointer \"{pointer}\" of \"{name}\" selects from a list, which an update must contain as a whole, so it needs a look-up such as lookup.read or lookup.list"
        ));
    }
    let is_of_list = |token: &&str| {
        *token == "-" || !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit())
    };
    let element = pointer.split('/').skip(1).find(is_of_list)?;
    Some(format!(
        "the pointer \"{pointer}\" of \"{name}\" names the element {element} of a list, and elements are not written by position; select it by a member, as in \"/emails[type=work]/value\", or make the field read_only"
    ))
}

#[cfg(test)]
mod tests;
