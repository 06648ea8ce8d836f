//! Finds contradictions in a target file.

use self::idle::validate_idle;
use self::lookup::validate_lookup;
use self::paths::{must_be_declared, must_be_pointer, must_begin_with_slash};
use super::field::{self, FieldSpec, Kind};
use super::mistake::{Mistake, SECRET_KEYS};
use super::placeholders::placeholders;
use super::places::{Found, Place};
use super::sign_in::SignIn;
use super::spec::TargetSpec;

/// Finds contradictions in a syntactically valid target.
pub(super) fn validate(spec: &TargetSpec, text: &str) -> Vec<Mistake> {
    let mut found = Found::new(text);
    for (index, field) in spec.fields.iter().enumerate() {
        let start = field.name.span().start;
        let name = field.name();
        let earlier = &spec.fields[..index];
        if earlier.iter().any(|other| other.name() == name) {
            let message = format!("the field \"{name}\" is declared twice");
            found.add(Place::Field(start, "name"), message);
            continue;
        }
        if let Some((alias, other)) = shared_alias(field, earlier) {
            let message = format!(
                "\"{alias}\" is a header of \"{name}\" and of \"{other}\", so a column of that name could be either"
            );
            found.add(Place::Field(start, "aliases"), message);
        }
        validate_field(spec, field, &mut |key, message| {
            found.add(Place::Field(start, key), message);
        });
    }
    validate_addresses(spec, &mut found);
    validate_secrets(spec, &mut found);
    validate_update(spec, &mut found);
    validate_answers(spec, &mut found);
    if !(1e-3..=1e9).contains(&spec.quota.requests) {
        found.add(
            Place::Key("quota", "requests"),
            "quota.requests must lie between a thousandth and a thousand million",
        );
    }
    if spec.quota.burst == 0 {
        found.add(Place::Key("quota", "burst"), "quota.burst must be above 0");
    }
    validate_lookup(spec, &mut found);
    validate_person(spec, &mut found);
    validate_renumbering(spec, &mut found);
    validate_known(spec, &mut found);
    validate_protected(spec, &mut found);
    validate_idle(spec, &mut found);
    found.mistakes
}

/// A header that matches both a field and an earlier one, with the earlier field's name.
fn shared_alias<'a>(field: &FieldSpec, earlier: &'a [FieldSpec]) -> Option<(String, &'a str)> {
    let headers = |field: &FieldSpec| {
        let aliases = field.aliases.values().flatten();
        let names = aliases.map(|alias| alias.trim().to_lowercase());
        names
            .chain([field.name().to_lowercase()])
            .collect::<Vec<_>>()
    };
    let own = headers(field);
    earlier.iter().find_map(|other| {
        let theirs = headers(other);
        let shared = own.iter().find(|header| theirs.contains(header))?;
        Some((shared.clone(), other.name()))
    })
}

fn validate_known(spec: &TargetSpec, found: &mut Found<'_>) {
    let Some(known) = &spec.known else {
        return;
    };
    if spec.is_readable() {
        let message = "[known] has no effect: [lookup] lists or finds the records themselves";
        found.add(Place::Key("known", ""), message);
    }
    if known.page_size == 0 {
        let message = "known.page_size must be above 0";
        found.add(Place::Key("known", "page_size"), message);
    }
    must_begin_with_slash(found, Place::Key("known", "list"), "path", &known.list);
    let place = Place::Key("known", "list");
    must_be_declared(found, spec, place, "known.list", &known.list, None);
    for (key, pointer) in [("records", &known.records), ("total", &known.total)] {
        must_be_pointer(found, Place::Key("known", key), pointer);
    }
    for (name, pointer) in &known.fields {
        must_be_pointer(found, Place::Key("known", "fields"), pointer);
        if !spec.path_fields().any(|other| other == name) {
            let message =
                format!("known.fields holds \"{name}\", which is no field of the update's path");
            found.add(Place::Key("known", "fields"), message);
        }
    }
    let key = spec.key_name();
    if let Some(key) = key.filter(|key| !known.fields.contains_key(*key)) {
        let message = format!("known.fields must say where {key} stands in an entry");
        found.add(Place::Key("known", "fields"), message);
    }
}

fn validate_person(spec: &TargetSpec, found: &mut Found<'_>) {
    let fields = spec.person.iter().flat_map(super::person::Person::fields);
    for (key, name) in fields {
        let is_sent = |index: usize| spec.fields[index].place == super::field::Place::Body;
        if !spec.field(name).is_some_and(is_sent) {
            let message =
                format!("person.{key} is \"{name}\", which is no field in the body of an update");
            found.add(Place::Key("person", key), message);
        }
    }
}

fn validate_renumbering(spec: &TargetSpec, found: &mut Found<'_>) {
    let Some(own) = &spec.renumbering else {
        return;
    };
    let place = |key| Place::Key("renumbering", key);
    if spec.person.is_none() {
        let message = "renumbering needs [person], which names the fields that must agree";
        found.add(place(""), message);
    }
    let key_field = |name: &String| {
        let of = spec.lookup.iter().flat_map(|lookup| &lookup.keys);
        of.into_iter().any(|key| key == name)
    };
    for (key, name, kind) in [
        ("number", &own.number, Kind::IdentityNumber),
        ("temporary", &own.temporary, Kind::Boolean),
    ] {
        let field = spec.field_named(name);
        if field.is_none_or(|field| field.kind != kind || field.place != super::field::Place::Body)
        {
            let word = kind.as_str();
            let message = format!(
                "renumbering.{key} is \"{name}\", which is no {word} in the body of an update"
            );
            found.add(place(key), message);
        }
    }
    if !key_field(&own.number) {
        let message = "renumbering.number must be one of lookup.keys";
        found.add(place("number"), message);
    }
    if own.by.is_empty() {
        found.add(place("by"), "renumbering.by must name a field");
    }
    for name in own.by.iter().filter(|name| !key_field(name)) {
        let message = format!("renumbering.by has \"{name}\", which is none of lookup.keys");
        found.add(place("by"), message);
    }
}

fn validate_protected(spec: &TargetSpec, found: &mut Found<'_>) {
    let Some(protected) = &spec.protected else {
        return;
    };
    if spec.lookup.is_none() {
        let message = "there is no [lookup], so no record is read to see whether it is protected";
        found.add(Place::Key("protected", "pointer"), message);
    }
    if protected.pointer.path().is_empty() {
        let message =
            "protected.pointer must name a member of the record, such as /securityMarking";
        found.add(Place::Key("protected", "pointer"), message);
    }
    if protected.values.iter().all(|value| value.trim().is_empty()) {
        let message = "protected.values must hold the values that mark a protected person";
        found.add(Place::Key("protected", "values"), message);
    }
}

fn validate_addresses(spec: &TargetSpec, found: &mut Found<'_>) {
    let mut wrong = |message: String| found.add_secret(Place::Key("environments", ""), message);
    if spec.environments.is_empty() {
        wrong("[environments] holds no address".into());
    }
    for (name, address) in &spec.environments {
        for unknown in placeholders(address).filter(|name| !spec.variables.contains_key(*name)) {
            wrong(format!(
                "the address of {name} asks for {{{unknown}}}, and there is no [variables.{unknown}]"
            ));
        }
        if address.contains('@') {
            wrong(format!(
                "the address of {name} holds a user name or a password; credentials belong in the environment"
            ));
        }
        if !address.starts_with("https://") && !is_of_this_machine(address) {
            wrong(format!(
                "the address of {name} must begin with https://; plain http is for this machine alone"
            ));
        }
    }
}

/// Whether an address uses plain HTTP to this machine.
fn is_of_this_machine(address: &str) -> bool {
    let here = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
    let mut rest = here.iter().filter_map(|host| address.strip_prefix(host));
    rest.any(|rest| rest.is_empty() || rest.starts_with([':', '/']))
}

/// Checks that sign-ins contain only names of environment variables, and that headers contain no secret.
fn validate_secrets(spec: &TargetSpec, found: &mut Found<'_>) {
    if spec.sign_in.is_empty() {
        found.add(Place::Key("", "sign_in"), "there is no [[sign_in]]");
    }
    for way in &spec.sign_in {
        validate_oauth(spec, way, found);
    }
    let mut names = spec.sign_in.iter().flat_map(|way| way.variables());
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    if !names.all(is_name) {
        found.add_secret(
            Place::Key("sign_in", ""),
            "a sign-in holds something that is no name of an environment variable, such as MY_API_TOKEN; a secret never stands in a target file".to_owned(),
        );
    }
    for name in spec.headers.keys() {
        let lower = name.to_ascii_lowercase();
        if SECRET_KEYS.iter().any(|word| lower.contains(word)) {
            found.add_secret(
                Place::Key("", "headers"),
                format!(
                    "the header {name} looks like a secret, and none may stand in a target file; use [[sign_in]] with kind = \"headers\""
                ),
            );
        }
    }
}

/// Checks the token endpoint. The client secret is sent there, so its host may not contain variables.
fn validate_oauth(spec: &TargetSpec, way: &SignIn, found: &mut Found<'_>) {
    let SignIn::Oauth {
        token_path,
        token_url,
        ..
    } = way
    else {
        return;
    };
    if let Some(path) = token_path {
        let place = Place::Key("sign_in", "token_path");
        must_begin_with_slash(found, place, "path", path);
    }
    let url = Place::Key("sign_in", "token_url");
    match (token_path, token_url) {
        (Some(_), Some(_)) => found.add(
            url,
            "token_path and token_url are both set; keep token_url if the token endpoint is on another host than the API",
        ),
        (None, None) => found.add(
            Place::Key("sign_in", ""),
            "an oauth sign-in needs token_path, or token_url if the token endpoint is on another host than the API",
        ),
        _ => {}
    }
    if let Some(address) = token_url {
        let host = address.split('/').nth(2).unwrap_or_default();
        let message = if !address.starts_with("https://") && !is_of_this_machine(address) {
            "token_url must begin with https://; the client secret is sent there"
        } else if host.is_empty() || host.contains(['{', '}']) {
            "token_url must name its host in full, without variables: the client secret is sent there"
        } else if address.contains(['@', '?', '#']) {
            "token_url must not have a user name, a query or a fragment; the client credentials are sent in the form body"
        } else {
            ""
        };
        if !message.is_empty() {
            found.add_secret(url, message.to_owned());
        }
    }
    for text in way.templates() {
        let place = Place::Key("sign_in", "");
        must_be_declared(found, spec, place, "an oauth sign-in", text, None);
    }
}

fn validate_update(spec: &TargetSpec, found: &mut Found<'_>) {
    let path = &spec.update.path;
    must_begin_with_slash(found, Place::Key("update", "path"), "path", path);
    for name in placeholders(path) {
        match spec.field_named(name) {
            None if spec.variables.contains_key(name) => {}
            None => found.add(
                Place::Key("update", "path"),
                format!("update.path asks for {{{name}}}, and no field has that name"),
            ),
            Some(field) if field.place != field::Place::Path => found.add(
                Place::Field(field.name.span().start, "in"),
                format!("the field \"{name}\" stands in update.path, so it needs in = \"path\""),
            ),
            Some(_) => {}
        }
    }
    must_be_pointer(found, Place::Key("update", "body"), &spec.update.body);
    for name in &spec.update.keep {
        if spec.field(name).is_none() {
            let message = format!("update.keep holds \"{name}\", and no field has that name");
            found.add(Place::Key("update", "keep"), message);
        }
    }
    let key = placeholders(path).last();
    if key.is_none_or(|name| spec.variables.contains_key(name)) {
        found.add(
            Place::Key("update", "path"),
            "update.path names no field, so every row would change the same record; put the key in it, as in \"/student/{id}\"",
        );
    }
    for pointer in &spec.update.whole {
        if spec.fields_below(pointer).next().is_none() {
            found.add(
                Place::Key("update", "whole"),
                format!("update.whole names \"{pointer}\", and no field stands there"),
            );
        } else {
            must_be_pointer(found, Place::Key("update", "whole"), pointer);
        }
    }
}

fn validate_answers(spec: &TargetSpec, found: &mut Found<'_>) {
    let answers = &spec.answers;
    for (key, pointer) in [
        ("code", Some(&answers.code)),
        ("message", Some(&answers.message)),
        ("fields", answers.fields.as_ref()),
        ("request_id", Some(&answers.request_id)),
        ("record", Some(&answers.record)),
    ] {
        let pointer = pointer.map_or("", String::as_str);
        must_be_pointer(found, Place::Key("answers", key), pointer);
    }
    let lists = [
        ("retry", &answers.retry),
        ("reject", &answers.reject),
        ("stop", &answers.stop),
    ];
    for (index, (key, list)) in lists.iter().enumerate() {
        for status in list.iter() {
            let earlier = &lists[..index];
            let message = if (200..300).contains(status) {
                format!("answers lists {status}, but every 2xx is success, always")
            } else if !(300..600).contains(status) {
                format!("answers lists {status}, which is no status of an error")
            } else if earlier.iter().any(|(_, other)| other.contains(status)) {
                format!("answers lists {status} twice")
            } else {
                continue;
            };
            found.add(Place::Key("answers", key), message);
        }
    }
}

/// Checks a field. `wrong` receives the key at fault and the message.
fn validate_field(
    spec: &TargetSpec,
    field: &FieldSpec,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let name = field.name();
    if let Some(pattern) = &field.pattern
        && let Err(error) = regex::Regex::new(pattern)
    {
        let message = format!("the pattern of \"{name}\" is no regular expression: {error}");
        wrong("pattern", message);
    }
    for value in &field.guarded {
        if field.value_kind() == Kind::Choice && !field.choices.contains(value) {
            wrong(
                "guarded",
                format!("\"{name}\" guards \"{value}\", which is not among its choices"),
            );
        }
    }
    if field.constant.is_some() && (field.required || field.default.is_some() || field.read_only) {
        wrong(
            "constant",
            format!(
                "\"{name}\" is constant, so it is neither required nor read-only and has no default"
            ),
        );
    }
    validate_place(spec, field, wrong);
    validate_references(spec, field, wrong);
    if (field.value_kind() == Kind::Choice) == field.choices.is_empty() {
        wrong(
            "choices",
            format!("the field \"{name}\" needs choices exactly when its kind is \"choice\""),
        );
    }
    let of_words = field.words.values().flat_map(|words| words.keys());
    let of_synonyms = field.synonyms.keys().map(|choice| ("synonyms", choice));
    for (key, choice) in of_synonyms.chain(of_words.map(|choice| ("words", choice))) {
        if !field.choices.contains(choice) {
            wrong(
                key,
                format!(
                    "the field \"{name}\" has words for \"{choice}\", which is not among its choices"
                ),
            );
        }
    }
}

/// Checks the field's position in the body or in the update's path.
fn validate_place(
    spec: &TargetSpec,
    field: &FieldSpec,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let name = field.name();
    match field.place {
        field::Place::Body if !field.pointer.as_str().starts_with('/') => {
            let pointer = match field.pointer.as_str() {
                "" => name,
                pointer => pointer,
            };
            wrong(
                "pointer",
                format!(
                    "the field \"{name}\" goes into the body, so it needs a pointer such as \"/{pointer}\""
                ),
            );
        }
        field::Place::Path if !placeholders(&spec.update.path).any(|other| other == name) => {
            wrong(
                "in",
                format!(
                    "the field \"{name}\" has in = \"path\", but update.path has no {{{name}}}"
                ),
            );
        }
        field::Place::Body => {
            let own = &field.pointer;
            let clash = spec.fields.iter().find(|other| {
                other.place == field::Place::Body
                    && other.name() != name
                    && own.clashes(&other.pointer)
                    // The mistake is reported for the outer of the two fields.
                    && !own.is_below(other.pointer.path())
            });
            if let Some(other) = clash {
                wrong(
                    "pointer",
                    format!(
                        "the pointer \"{own}\" of \"{name}\" and \"{}\" of \"{}\" cannot both be filled",
                        other.pointer,
                        other.name()
                    ),
                );
            }
        }
        field::Place::Path => {}
    }
}

/// Checks the field's references to other fields.
fn validate_references(
    spec: &TargetSpec,
    field: &FieldSpec,
    wrong: &mut dyn FnMut(&'static str, String),
) {
    let name = field.name();
    let number = (Kind::IdentityNumber, "an identity_number");
    for (key, other, of, (own, word)) in [
        (
            "country_from",
            &field.country_from,
            Kind::Country,
            (Kind::PostalCode, "a postal_code"),
        ),
        ("born_from", &field.born_from, Kind::Date, number),
        ("temporary_if", &field.temporary_if, Kind::Boolean, number),
    ] {
        let Some(other) = other else { continue };
        let fits = spec
            .field_named(other)
            .is_some_and(|other| other.kind == of);
        if field.kind != own || !fits {
            let of = of.as_str();
            let message =
                format!("{key} of \"{name}\" must name a {of} field, and \"{name}\" be {word}");
            wrong(key, message);
        }
    }
    if let Some(from) = &field.gender_from {
        let is_identity = field.kind == Kind::IdentityNumber;
        let other = spec.field_named(&from.field);
        let has = |choice: &String| other.is_some_and(|other| other.choices.contains(choice));
        if !(is_identity && has(&from.women) && has(&from.men)) {
            wrong(
                "gender_from",
                format!(
                    "gender_from of \"{name}\" must name a choice field and two of its choices, and \"{name}\" be an identity_number"
                ),
            );
        }
    }
}

mod idle;
mod lookup;
mod paths;
#[cfg(test)]
mod tests;
