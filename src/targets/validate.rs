use super::field::{self, FieldSpec, Kind};
use super::spec::{TargetSpec, placeholders};

/// A mistake: where it stands, and what it is.
pub(super) type Mistake = (Place, String);

/// Where in a target file something stands.
pub(super) enum Place {
    /// At this byte.
    At(usize),
    /// At the first line that sets this key below this table; the empty name is the file's top.
    Key(&'static str, &'static str),
}

impl Place {
    /// The line, from 1.
    pub(super) fn line(&self, text: &str) -> usize {
        match self {
            Place::At(position) => text
                .get(..*position)
                .map_or(1, |before| before.matches('\n').count() + 1),
            Place::Key(table, key) => {
                let mut below = table.is_empty();
                for (index, line) in text.lines().enumerate() {
                    let line = line.trim();
                    if line.starts_with('[') {
                        below = line.trim_matches(['[', ']']) == *table;
                        if below && key.is_empty() {
                            return index + 1;
                        }
                    }
                    let name = line.split('=').next().unwrap_or_default().trim();
                    if below && name == *key && line.contains('=') {
                        return index + 1;
                    }
                }
                1
            }
        }
    }
}

/// Finds what in a well-formed target does not fit together.
pub(super) fn validate(spec: &TargetSpec) -> Result<(), Mistake> {
    for (index, field) in spec.fields.iter().enumerate() {
        let at = Place::At(field.name.span().start);
        let name = field.name();
        let earlier = &spec.fields[..index];
        if earlier.iter().any(|other| other.name() == name) {
            return Err((at, format!("the field \"{name}\" is declared twice")));
        }
        validate_field(spec, field).map_err(|message| (at, message))?;
    }
    validate_addresses(spec)?;
    validate_secrets(spec)?;
    validate_update(spec)?;
    validate_answers(spec)?;
    let quota = |key, message: &str| Err((Place::Key("quota", key), message.to_owned()));
    if !(1e-3..=1e9).contains(&spec.quota.requests) {
        return quota(
            "requests",
            "quota.requests must lie between a thousandth and a thousand million",
        );
    }
    if spec.quota.burst == 0 {
        return quota("burst", "quota.burst must be above 0");
    }
    if let Some(lookup) = &spec.lookup {
        if let Some(key) = lookup.keys.iter().find(|key| spec.field(key).is_none()) {
            return Err((
                Place::Key("lookup", "keys"),
                format!("lookup.keys holds \"{key}\", and no field has that name"),
            ));
        }
        if lookup.page_size == 0 {
            let message = "lookup.page_size must be above 0".to_owned();
            return Err((Place::Key("lookup", "page_size"), message));
        }
    }
    Ok(())
}

fn validate_addresses(spec: &TargetSpec) -> Result<(), Mistake> {
    let wrong = |message: String| Err((Place::Key("environments", ""), message));
    if spec.environments.is_empty() {
        return wrong("[environments] holds no address".into());
    }
    for (name, address) in &spec.environments {
        if let Some(unknown) =
            placeholders(address).find(|name| !spec.variables.contains_key(*name))
        {
            return wrong(format!(
                "the address of {name} asks for {{{unknown}}}, and there is no [variables.{unknown}]"
            ));
        }
        if address.contains('@') {
            return wrong(format!(
                "the address of {name} holds a user name or a password; credentials belong in the environment"
            ));
        }
        let here = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        if !address.starts_with("https://") && !here.iter().any(|h| address.starts_with(h)) {
            return wrong(format!(
                "the address of {name} must begin with https://; plain http is for this machine alone"
            ));
        }
    }
    Ok(())
}

/// Only names of environment variables stand where a secret is used, and no header is a secret.
fn validate_secrets(spec: &TargetSpec) -> Result<(), Mistake> {
    if spec.sign_in.is_empty() {
        return Err((Place::Key("", "name"), "there is no [[sign_in]]".into()));
    }
    for name in spec.sign_in.iter().flat_map(|way| way.variables()) {
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !is_name {
            return Err((
                Place::Key("sign_in", ""),
                "a sign-in holds something that is no name of an environment variable, such as MY_API_TOKEN; a secret never stands in a target file".into(),
            ));
        }
    }
    for name in spec.headers.keys() {
        let lower = name.to_ascii_lowercase();
        let words = [
            "authorization",
            "cookie",
            "key",
            "token",
            "secret",
            "password",
        ];
        if words.iter().any(|word| lower.contains(word)) {
            return Err((
                Place::Key("", "headers"),
                format!(
                    "the header {name} looks like a secret, and none may stand in a target file; use [[sign_in]] with kind = \"headers\""
                ),
            ));
        }
    }
    Ok(())
}

fn validate_update(spec: &TargetSpec) -> Result<(), Mistake> {
    let wrong = |key, message: String| Err((Place::Key("update", key), message));
    for name in placeholders(&spec.update.path) {
        match spec.field(name).map(|index| &spec.fields[index]) {
            None if spec.variables.contains_key(name) => {}
            None => {
                return wrong(
                    "path",
                    format!("update.path asks for {{{name}}}, and no field has that name"),
                );
            }
            Some(field) if field.place != field::Place::Path => {
                return Err((
                    Place::At(field.name.span().start),
                    format!(
                        "the field \"{name}\" stands in update.path, so it needs in = \"path\""
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(name) = spec
        .update
        .keep
        .iter()
        .find(|name| spec.field(name).is_none())
    {
        let message = format!("update.keep holds \"{name}\", and no field has that name");
        return wrong("keep", message);
    }
    if spec.key_field().is_none() {
        return wrong(
            "path",
            "update.path names no field, so every row would change the same record; put the key in it, as in \"/student/{id}\"".into(),
        );
    }
    for pointer in &spec.update.whole {
        if spec.fields_below(pointer).next().is_none() {
            return wrong(
                "whole",
                format!("update.whole names \"{pointer}\", and no field stands there"),
            );
        }
    }
    Ok(())
}

fn validate_answers(spec: &TargetSpec) -> Result<(), Mistake> {
    let lists = [
        ("retry", &spec.answers.retry),
        ("reject", &spec.answers.reject),
        ("stop", &spec.answers.stop),
    ];
    for (index, (key, list)) in lists.iter().enumerate() {
        let wrong = |message: String| Err((Place::Key("answers", key), message));
        for status in list.iter() {
            if (200..300).contains(status) {
                return wrong(format!(
                    "answers lists {status}, but every 2xx is success, always"
                ));
            }
            if !(300..600).contains(status) {
                return wrong(format!(
                    "answers lists {status}, which is no status of an error"
                ));
            }
            if lists[..index]
                .iter()
                .any(|(_, other)| other.contains(status))
            {
                return wrong(format!("answers lists {status} twice"));
            }
        }
    }
    Ok(())
}

fn validate_field(spec: &TargetSpec, field: &FieldSpec) -> Result<(), String> {
    let name = field.name();
    if let Some(pattern) = &field.pattern
        && let Err(error) = regex::Regex::new(pattern)
    {
        return Err(format!(
            "the pattern of \"{name}\" is no regular expression: {error}"
        ));
    }
    if let Some(value) = field
        .guarded
        .iter()
        .find(|value| field.kind == Kind::Choice && !field.choices.contains(value))
    {
        return Err(format!(
            "\"{name}\" guards \"{value}\", which is not among its choices"
        ));
    }
    if field.constant.is_some() && (field.required || field.default.is_some() || field.read_only) {
        return Err(format!(
            "\"{name}\" is constant, so it is neither required nor read-only and has no default"
        ));
    }
    validate_place(spec, field)?;
    validate_references(spec, field)?;
    if (field.kind == Kind::Choice) == field.choices.is_empty() {
        return Err(format!(
            "the field \"{name}\" needs choices exactly when its kind is \"choice\""
        ));
    }
    let words = field.words.values().flat_map(|words| words.keys());
    for choice in field.synonyms.keys().chain(words) {
        if !field.choices.contains(choice) {
            return Err(format!(
                "the field \"{name}\" has words for \"{choice}\", which is not among its choices"
            ));
        }
    }
    Ok(())
}

/// Where the field goes: into the body, or into the update's path.
fn validate_place(spec: &TargetSpec, field: &FieldSpec) -> Result<(), String> {
    let name = field.name();
    match field.place {
        field::Place::Body if !field.pointer.starts_with('/') => {
            return Err(format!(
                "the field \"{name}\" goes into the body, so it needs a pointer such as \"/{name}\""
            ));
        }
        field::Place::Path if !placeholders(&spec.update.path).any(|other| other == name) => {
            return Err(format!(
                "the field \"{name}\" has in = \"path\", but update.path has no {{{name}}}"
            ));
        }
        field::Place::Body => {
            let own = &field.pointer;
            let clash = spec.fields.iter().find(|other| {
                other.place == field::Place::Body
                    && other.name() != name
                    && (other.pointer == *own || other.pointer.starts_with(&format!("{own}/")))
            });
            if let Some(other) = clash {
                return Err(format!(
                    "the pointer \"{own}\" of \"{name}\" and \"{}\" of \"{}\" cannot both be filled",
                    other.pointer,
                    other.name()
                ));
            }
        }
        field::Place::Path => {}
    }
    Ok(())
}

/// The other fields that it names.
fn validate_references(spec: &TargetSpec, field: &FieldSpec) -> Result<(), String> {
    let name = field.name();
    if let Some(other) = &field.country_from {
        let fits = spec
            .field(other)
            .is_some_and(|index| spec.fields[index].kind == Kind::Country);
        if field.kind != Kind::PostalCode || !fits {
            return Err(format!(
                "country_from of \"{name}\" must name a country field, and \"{name}\" be a postal_code"
            ));
        }
    }
    if let Some(other) = &field.temporary_if {
        let fits = spec
            .field(other)
            .is_some_and(|index| spec.fields[index].kind == Kind::Boolean);
        if field.kind != Kind::IdentityNumber || !fits {
            return Err(format!(
                "temporary_if of \"{name}\" must name a boolean field, and \"{name}\" be an identity_number"
            ));
        }
    }
    Ok(())
}
