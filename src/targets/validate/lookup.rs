//! Finds contradictions in `[lookup]`.

use super::super::lookup::{Changes, Lookup, Paging};
use super::super::placeholders::placeholders;
use super::super::places::{Found, Place};
use super::super::query::Query;
use super::super::spec::TargetSpec;
use super::idle::{refused_path, refused_query};
use super::paths::{must_be_declared, must_be_pointer, must_begin_with_slash, those_set};

pub(super) fn validate_lookup(spec: &TargetSpec, found: &mut Found<'_>) {
    let Some(lookup) = &spec.lookup else {
        return;
    };
    for key in lookup.keys.iter().filter(|key| spec.field(key).is_none()) {
        found.add(
            Place::Key("lookup", "keys"),
            format!("lookup.keys holds \"{key}\", and no field has that name"),
        );
    }
    if lookup.page_size == Some(0) {
        let message = "lookup.page_size must be above 0";
        found.add(Place::Key("lookup", "page_size"), message);
    }
    let key = spec.key_name();
    for (name, path, own) in [
        ("read", &lookup.read, key),
        ("search", &lookup.search, None),
        ("list", &lookup.list, None),
    ] {
        let Some(path) = path else {
            continue;
        };
        let place = Place::Key("lookup", name);
        must_begin_with_slash(found, place, "path", path);
        if name == "read" && own.is_none() {
            continue;
        }
        if let Some(key) = own
            && !placeholders(path).any(|other| other == key)
        {
            let message =
                format!("lookup.{name} reads one record, so its path must contain {{{key}}}");
            found.add(place, message);
        }
        must_be_declared(found, spec, place, &format!("lookup.{name}"), path, own);
    }
    for (key, pointer) in [
        ("id", &lookup.id),
        ("total", &lookup.total),
        ("search_filter", &lookup.search_filter),
    ] {
        must_be_pointer(found, Place::Key("lookup", key), pointer);
    }
    if let Some(pointer) = &lookup.records {
        must_be_pointer(found, Place::Key("lookup", "records"), pointer);
    }
    if lookup.trust_total && lookup.total.is_empty() {
        let message = "lookup.trust_total has no effect without lookup.total";
        found.add(Place::Key("lookup", "trust_total"), message);
    }
    if let Some(paging) = &lookup.paging {
        validate_paging(lookup, paging, found);
    }
    validate_pages(lookup, found);
    for query in &lookup.query {
        let start = query.key.span().start;
        validate_query(spec, lookup, query, &mut |key, message| {
            found.add(Place::Field(start, key), message);
        });
    }
    validate_keys(spec, lookup, found);
    if let Some(changes) = &lookup.changes {
        validate_changes(spec, lookup, changes, found);
    }
}

/// Finds mistakes in the searches for changes, and settings that a snapshot requires.
fn validate_changes(spec: &TargetSpec, lookup: &Lookup, changes: &Changes, found: &mut Found<'_>) {
    let own = spec.key_name();
    for (is_there, needs) in [
        (
            lookup.list.is_some(),
            "lookup.list, the list that is not read again",
        ),
        (
            lookup.search.is_some(),
            "lookup.search, which finds the records of rows that differ",
        ),
        (
            !lookup.total.is_empty(),
            "lookup.total, which proves that no record is missing",
        ),
        (
            lookup.paging.as_ref().is_some_and(Paging::is_counted),
            "a lookup.paging of kind \"offset\" or \"page\": each run compares another page of the list",
        ),
        (
            own.is_some_and(|own| lookup.keys.iter().any(|key| key == own)),
            "the key in update.path in lookup.keys",
        ),
    ] {
        if !is_there {
            found.add(
                Place::Key("lookup", "changes"),
                format!("[lookup.changes] needs {needs}"),
            );
        }
    }
    for path in lookup.paths_of_changes() {
        let place = Place::Key("lookup", "changes");
        must_begin_with_slash(found, place, "path", path);
        must_be_declared(found, spec, place, "lookup.changes", path, None);
        if let Some(message) = refused_path(path).or_else(|| refused_query(path)) {
            found.add_secret(place, message);
        }
    }
    if changes.moments.is_empty() {
        let message = "lookup.changes.moments names no moment of a record";
        found.add(Place::Key("lookup", "changes"), message);
    }
    let deleted = changes.deleted.iter();
    let of_deleted = deleted.flat_map(|deleted| [&deleted.moment, &deleted.id]);
    for pointer in changes
        .moments
        .iter()
        .chain([&changes.filter])
        .chain(of_deleted)
    {
        let place = Place::Key("lookup", "changes");
        match &**pointer {
            "" => found.add(place, "a pointer in [lookup.changes] is empty"),
            pointer => must_be_pointer(found, place, pointer),
        }
    }
}

/// Finds paging settings that are missing or unused.
fn validate_pages(lookup: &Lookup, found: &mut Found<'_>) {
    if !lookup.finds_any() {
        return;
    }
    if !lookup.has_lists() {
        for key in those_set([
            ("records", lookup.records.is_some()),
            ("total", !lookup.total.is_empty()),
            ("trust_total", lookup.trust_total),
            ("page_size", lookup.page_size.is_some()),
            ("paging", lookup.paging.is_some()),
        ]) {
            let message = format!(
                "lookup.{key} has no effect without lookup.list, lookup.search or a lookup.query with a parameter"
            );
            found.add(Place::Key("lookup", key), message);
        }
        return;
    }
    for key in those_set([
        ("records", lookup.records.is_none()),
        ("page_size", lookup.page_size.is_none()),
        ("paging", lookup.paging.is_none()),
    ]) {
        let message = format!(
            "[lookup] needs {key}: an answer to lookup.list, lookup.search or a lookup.query with a parameter is a list of records"
        );
        found.add(Place::Key("lookup", ""), message);
    }
}

/// Finds keys by which no request finds records.
fn validate_keys(spec: &TargetSpec, lookup: &Lookup, found: &mut Found<'_>) {
    if lookup.search.is_some() || lookup.list.is_some() || !lookup.finds_any() {
        return;
    }
    // A misspelt key has its own message.
    let mut queries = lookup.query.iter();
    if queries.any(|query| spec.field(query.key()).is_none()) {
        return;
    }
    let own = spec.key_name();
    let is_found =
        |name: &str| lookup.query_by(name).is_some() || Some(name) == own && lookup.read.is_some();
    if let Some(own) = own.filter(|own| !is_found(own)) {
        let message = format!(
            "no request finds a record by \"{own}\", the key in update.path: add lookup.read or a [[lookup.query]] with key = \"{own}\""
        );
        found.add(Place::Key("lookup", ""), message);
    }
    let others = lookup.keys.iter().filter(|name| Some(name.as_str()) != own);
    for name in others.filter(|name| spec.field(name).is_some() && !is_found(name)) {
        let message = format!(
            "lookup.keys holds \"{name}\", and no request finds a record by it: add a [[lookup.query]] with key = \"{name}\""
        );
        found.add(Place::Key("lookup", "keys"), message);
    }
}

/// Finds mistakes in a query. `wrong` receives the key at fault and the message.
fn validate_query(
    spec: &TargetSpec,
    lookup: &Lookup,
    query: &Query,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let name = query.key();
    let own = spec.key_name();
    if spec.field(name).is_none() {
        let message = format!("lookup.query has the key \"{name}\", and no field has that name");
        wrong("key", message);
    } else if Some(name) != own && !lookup.keys.iter().any(|key| key == name) {
        let message = format!(
            "lookup.query has the key \"{name}\", which is neither in lookup.keys nor the key in update.path"
        );
        wrong("key", message);
    }
    if lookup.search.is_some() {
        let message =
            "lookup.query has no effect with lookup.search, which finds records by any key";
        wrong("key", message.to_owned());
    }
    let first = lookup.query_by(name);
    if first.is_some_and(|first| !std::ptr::eq(first, query)) {
        let message = format!("\"{name}\" has two queries, of which only the first is used");
        wrong("key", message);
    }
    validate_query_path(spec, lookup, query, wrong);
    if query.parameter.is_none() {
        for key in those_set([
            ("filter", query.filter.is_some()),
            ("between", query.between.is_some()),
            ("around", query.around.is_some()),
            ("most", query.most.is_some()),
            ("partial", query.partial),
        ]) {
            wrong(key, format!("{key} has no effect without parameter"));
        }
        return;
    }
    let template = query.template();
    if !template.contains(Query::KEY) {
        let message = format!(
            "the filter '{template}' has no {{key}}, so every request would find the same records"
        );
        wrong("filter", message);
    }
    let texts = [
        ("filter", Some(template)),
        ("around", query.around.as_deref()),
    ];
    for (key, text) in texts {
        let mut names = placeholders(text.unwrap_or_default());
        if let Some(variable) =
            names.find(|name| *name != "key" && spec.variables.contains_key(*name))
        {
            let message = format!(
                "{key} holds {{{variable}}}, and variables stand only in the path of a lookup.query"
            );
            wrong(key, message);
        }
    }
    if let Some(around) = &query.around
        && !around.contains(Query::FILTER)
    {
        let message =
            format!("around is '{around}' and has no {{filter}}, so no key would be sent");
        wrong("around", message);
    }
    match (query.most, query.between.as_deref()) {
        (Some(0), _) => wrong("most", "most must be above 0".to_owned()),
        (None | Some(1), Some(_)) => {
            let message = "between has no effect without most above 1: each request has one key";
            wrong("between", message.to_owned());
        }
        (Some(2..), None | Some("")) => {
            let message = "most above 1 needs between, the text that joins the keys";
            wrong("most", message.to_owned());
        }
        _ => {}
    }
}

fn validate_query_path(
    spec: &TargetSpec,
    lookup: &Lookup,
    query: &Query,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let path = &query.path;
    if !path.starts_with('/') {
        wrong(
            "path",
            format!("the path \"{path}\" must begin with a slash: \"/{path}\""),
        );
    }
    if let Some(message) = refused_path(path).or_else(|| refused_query(path)) {
        wrong("path", message);
    }
    if spec.variables.contains_key("key") {
        let message =
            "[variables.key] cannot be used with lookup.query, whose {key} is a row's key";
        wrong("path", message.to_owned());
    }
    for unknown in
        placeholders(path).filter(|name| *name != "key" && !spec.variables.contains_key(*name))
    {
        let message =
            format!("the path asks for {{{unknown}}}, and there is no [variables.{unknown}]");
        wrong("path", message);
    }
    match (&query.parameter, path.contains(Query::KEY)) {
        (None, false) => wrong(
            "path",
            "the key stands nowhere: put {key} into the path if the answer is one record, or set parameter if it is a list of records".to_owned(),
        ),
        (Some(_), true) => wrong(
            "parameter",
            "the key stands in the path and in a parameter; remove one of them".to_owned(),
        ),
        _ => {}
    }
    let Some(parameter) = &query.parameter else {
        return;
    };
    let (_, constant) = path.split_once('?').unwrap_or_default();
    let of_path = constant
        .split('&')
        .filter_map(|pair| pair.split('=').next());
    let of_paging = lookup.paging.iter().flat_map(Paging::parameters);
    if let Some(message) = not_a_parameter(parameter) {
        wrong(
            "parameter",
            format!("parameter = \"{parameter}\" {message}"),
        );
    } else if let Some(message) = refused_query(&format!("?{parameter}=")) {
        wrong("parameter", message);
    } else if of_path
        .chain(of_paging.map(|(_, name)| name))
        .any(|other| other == parameter)
    {
        let message = format!("the path or lookup.paging sets the parameter {parameter} too");
        wrong("parameter", message);
    }
    let same = query
        .escape
        .iter()
        .find(|(c, text)| **text == c.to_string());
    if let Some((c, _)) = same {
        wrong(
            "escape",
            format!("escape writes {c} as itself, so it could end the key"),
        );
    }
}

fn validate_paging(lookup: &Lookup, paging: &Paging, found: &mut Found<'_>) {
    let place = || Place::Key("lookup", "paging");
    for (key, name) in paging.parameters() {
        if let Some(message) = not_a_parameter(name) {
            found.add(
                place(),
                format!("lookup.paging.{key} = \"{name}\" {message}"),
            );
        }
    }
    if let Paging::Offset { first, .. } | Paging::Page { first, .. } = paging
        && *first > 1
    {
        found.add(place(), "lookup.paging.first must be 0 or 1");
    }
    if let Paging::Cursor {
        parameter, body, ..
    } = paging
    {
        let wrong = match (parameter, body) {
            (_, Some(_)) if lookup.search.is_none() => {
                "lookup.paging.body has no effect without lookup.search"
            }
            (None, Some(_)) if lookup.list.is_some() => {
                "lookup.paging needs a parameter: lookup.list has no body that could hold the cursor"
            }
            (None, None) => {
                "lookup.paging needs a parameter or a body that holds the cursor of the next request"
            }
            _ => "",
        };
        if !wrong.is_empty() {
            found.add(place(), wrong);
        }
        if let Some(body) = body {
            match &**body {
                "" => found.add(
                    place(),
                    "lookup.paging.body is empty, and must point to a member of the body",
                ),
                body => must_be_pointer(found, place(), body),
            }
        }
    }
    if let Paging::Next { pointer } | Paging::Cursor { pointer, .. } = paging {
        match &**pointer {
            "" => found.add(
                place(),
                "lookup.paging.pointer is empty, and must point to a member of the answer",
            ),
            pointer => must_be_pointer(found, place(), pointer),
        }
    }
}

/// The reason why `name` is refused as a query parameter, if it is. Names are sent without encoding.
fn not_a_parameter(name: &str) -> Option<&'static str> {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-._~$[]@:!*'()%".contains(c);
    if name.is_empty() {
        return Some("is empty, and must name a query parameter");
    }
    (!name.chars().all(is_safe)).then_some(
        "is not the name of a query parameter; percent-encode all but letters and digits",
    )
}

#[cfg(test)]
mod tests;
