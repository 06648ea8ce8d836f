use std::path::Path;

use super::error::TargetError;
use super::field::{FieldSpec, Kind, Place};
use super::spec::{TargetSpec, placeholders};

/// The built-in targets: name and file.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("meitner", include_str!("meitner.toml")),
    ("pathwright", include_str!("pathwright.toml")),
];

/// The target called `name`: a built-in one or, when the name ends in `.toml` or holds a path
/// separator, the one that file describes.
///
/// # Errors
/// When there is no such target, its file cannot be read, or the file has a mistake; each names
/// the file, and a mistake its line and key.
pub fn load(name: &str) -> Result<TargetSpec, TargetError> {
    parse(name, &text(name)?)
}

/// The text of the file that describes the target called `name`.
///
/// # Errors
/// When there is no such target or its file cannot be read.
pub fn text(name: &str) -> Result<String, TargetError> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        return Ok((*text).to_owned());
    }
    if name.ends_with(".toml") || name.contains(std::path::MAIN_SEPARATOR) {
        let path = Path::new(name);
        return std::fs::read_to_string(path).map_err(|source| TargetError::Read {
            path: path.to_owned(),
            source,
        });
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(built_in, _)| *built_in).collect();
    Err(TargetError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
    })
}

/// Reads a target from the text of its file; `origin` is what messages call the file.
///
/// # Errors
/// When the text has a mistake; the error names the file, and the mistake's line and key.
pub fn parse(origin: &str, text: &str) -> Result<TargetSpec, TargetError> {
    let spec: TargetSpec = toml::from_str(text).map_err(|error| TargetError::Syntax {
        origin: origin.to_owned(),
        message: error.to_string(),
    })?;
    validate(&spec).map_err(|(position, message)| TargetError::Meaning {
        origin: origin.to_owned(),
        line: text
            .get(..position)
            .map_or(1, |before| before.matches('\n').count() + 1),
        message,
    })?;
    Ok(spec)
}

/// A mistake: the byte of the file at which it stands, and what it is.
type Mistake = (usize, String);

fn validate(spec: &TargetSpec) -> Result<(), Mistake> {
    for (index, field) in spec.fields.iter().enumerate() {
        let at = field.name.span().start;
        let name = field.name();
        if spec.fields[..index]
            .iter()
            .any(|other| other.name() == name)
        {
            return Err((at, format!("the field \"{name}\" is declared twice")));
        }
        validate_field(spec, field).map_err(|message| (at, message))?;
    }
    let top = |message: String| (0, message);
    for template in spec.environments.values() {
        if let Some(name) = placeholders(template).find(|name| !spec.variables.contains_key(*name))
        {
            return Err(top(format!(
                "an address asks for {{{name}}}, and there is no [variables.{name}]"
            )));
        }
    }
    for name in placeholders(&spec.update.path) {
        if spec.field(name).is_none() && spec.variables.contains_key(name) {
            continue;
        }
        match spec.field(name).map(|index| &spec.fields[index]) {
            None => {
                return Err(top(format!(
                    "update.path asks for {{{name}}}, and no field has that name"
                )));
            }
            Some(field) if field.place != Place::Path => {
                return Err((
                    field.name.span().start,
                    format!(
                        "the field \"{name}\" stands in update.path, so it needs in = \"path\""
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    if spec.key_field().is_none() {
        return Err(top(
            "update.path names no field, so every row would change the same record; put the key in it, as in \"/student/{id}\"".into(),
        ));
    }
    if !(spec.quota.requests > 0.0 && spec.quota.requests.is_finite()) || spec.quota.burst == 0 {
        return Err(top("quota.requests and quota.burst must be above 0".into()));
    }
    for pointer in &spec.update.whole {
        if spec.fields_below(pointer).next().is_none() {
            return Err(top(format!(
                "update.whole names \"{pointer}\", and no field stands there"
            )));
        }
    }
    let burst = std::num::NonZeroU32::new(spec.quota.burst);
    if spec.quota.requests < 1e-3 || spec.quota.requests > 1e9 || burst.is_none() {
        return Err(top(
            "quota.requests must lie between a thousandth and a thousand million".into(),
        ));
    }
    if spec.sign_in.is_empty() {
        return Err(top("there is no [[sign_in]]".into()));
    }
    if spec.environments.is_empty() {
        return Err(top("[environments] holds no address".into()));
    }
    let statuses = [
        &spec.answers.retry,
        &spec.answers.reject,
        &spec.answers.stop,
    ];
    for (index, list) in statuses.iter().enumerate() {
        for status in list.iter() {
            if (200..300).contains(status) {
                return Err(top(format!(
                    "answers lists {status}, but every 2xx is success, always"
                )));
            }
            if statuses[..index].iter().any(|other| other.contains(status)) {
                return Err(top(format!("answers lists {status} twice")));
            }
        }
    }
    if let Some(lookup) = &spec.lookup {
        for key in &lookup.keys {
            if spec.field(key).is_none() {
                return Err(top(format!(
                    "lookup.keys holds \"{key}\", and no field has that name"
                )));
            }
        }
        if lookup.page_size == 0 {
            return Err(top("lookup.page_size must be above 0".into()));
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
    match field.place {
        Place::Body if !field.pointer.starts_with('/') => {
            return Err(format!(
                "the field \"{name}\" goes into the body, so it needs a pointer such as \"/{name}\""
            ));
        }
        Place::Path if !placeholders(&spec.update.path).any(|other| other == name) => {
            return Err(format!(
                "the field \"{name}\" has in = \"path\", but update.path has no {{{name}}}"
            ));
        }
        Place::Body => {
            let own = &field.pointer;
            let clash = spec.fields.iter().find(|other| {
                other.place == Place::Body
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
        Place::Path => {}
    }
    if (field.kind == Kind::Choice) == field.choices.is_empty() {
        return Err(format!(
            "the field \"{name}\" needs choices exactly when its kind is \"choice\""
        ));
    }
    for choice in field.synonyms.keys() {
        if !field.choices.contains(choice) {
            return Err(format!(
                "the field \"{name}\" has synonyms for \"{choice}\", which is not among its choices"
            ));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(from: &str, to: &str) -> String {
        let text = BUILT_IN[0].1;
        assert!(text.contains(from), "{from}");
        parse("x.toml", &text.replacen(from, to, 1))
            .expect_err("a mistake")
            .to_string()
    }

    #[test]
    fn every_built_in_target_is_without_mistakes() {
        for (name, _) in BUILT_IN {
            let spec = load(name).unwrap();
            assert_eq!(spec.name, *name);
            assert!(spec.key_field().is_some());
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_key() {
        let unknown = broken("nullable = true", "nulable = true");
        assert!(unknown.contains("nulable"), "{unknown}");
        assert!(unknown.contains("line"), "{unknown}");
        let twice = broken("name = \"first_name\"", "name = \"last_name\"");
        assert!(twice.contains("declared twice"), "{twice}");
        assert!(twice.contains("line "), "{twice}");
        assert!(broken("{id}\"\n#", "{uuid}\"\n#").contains("no {id}"));
        assert!(broken("retry = [429,", "retry = [200, 429,").contains("200"));
        assert!(broken("/firstName", "/lastName").contains("cannot both"));
        assert!(broken("kind = \"uuid\"", "kind = \"guid\"").contains("guid"));
    }

    #[test]
    fn an_unknown_target_names_the_known_ones() {
        let text = load("mietner").unwrap_err().to_string();
        assert!(
            text.contains("mietner") && text.contains("meitner"),
            "{text}"
        );
    }
}
