//! The description of a target file as text.

use std::fmt::Write;

use crate::targets::{FieldSpec, Lookup, Place, SignIn, TargetSpec};

/// Describes a target file as text.
pub fn target_text(spec: &TargetSpec) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: {}\n", spec.name, spec.title);
    for (name, address) in &spec.environments {
        let _ = writeln!(text, "{name:<12} {address}");
    }
    let _ = writeln!(
        text,
        "{:<12} {} {}, one {} a request{}",
        "update",
        spec.update.method.as_str(),
        spec.update.path,
        spec.record,
        if spec.update.idempotent {
            ", may be sent again"
        } else {
            ""
        }
    );
    let _ = writeln!(
        text,
        "{:<12} {} requests / {}, at most {} at once{}",
        "quota",
        spec.quota.requests,
        spec.quota.per.letter(),
        spec.quota.burst,
        if spec.quota.guess { " (estimated)" } else { "" }
    );
    write_access(&mut text, spec);
    write_fields(&mut text, spec);
    text
}

/// Appends the requirements for access and the error format.
fn write_access(text: &mut String, spec: &TargetSpec) {
    for (name, variable) in &spec.variables {
        let default = variable
            .default
            .as_ref()
            .map_or("needed".into(), |d| format!("else {d}"));
        let _ = writeln!(
            text,
            "{:<12} --var {name}=…, {default}: {}",
            "variable", variable.about
        );
    }
    for way in &spec.sign_in {
        let kind = match way {
            SignIn::Headers { .. } => "headers",
            SignIn::Bearer { .. } => "bearer token",
            SignIn::Token { .. } => "token",
            SignIn::Basic { .. } => "HTTP Basic",
            SignIn::Oauth { .. } => "OAuth 2.0 client credentials",
        };
        let endpoint = way
            .token_endpoint()
            .map(|endpoint| format!(" at {endpoint}"));
        let _ = writeln!(
            text,
            "{:<12} {kind}{}, from {}",
            "sign-in",
            endpoint.unwrap_or_default(),
            way.variables().join(" and ")
        );
    }
    if let Some(known) = &spec.known {
        let _ = writeln!(text, "{:<12} of keys, by GET {}", "list", known.list);
    }
    match &spec.lookup {
        Some(lookup) => {
            let _ = writeln!(text, "{:<12} by {}", "look-up", lookup.keys.join(", "));
            for request in requests_of(lookup) {
                let _ = writeln!(text, "{:<12} {request}", "");
            }
        }
        None => {
            let _ = writeln!(text, "{:<12} none", "look-up");
        }
    }
    for (name, statuses) in [
        ("retried", &spec.answers.retry),
        ("rejected", &spec.answers.reject),
        ("stop a run", &spec.answers.stop),
    ] {
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let _ = writeln!(text, "{name:<12} {}", statuses.join(", "));
    }
    for (name, value) in &spec.headers {
        let _ = writeln!(text, "{:<12} {name}: {value}", "header");
    }
}

/// Returns the requests that read records, with their results.
fn requests_of(lookup: &Lookup) -> Vec<String> {
    let of = |verb: &str, path: &Option<String>, finds: &str| {
        path.as_ref().map(|path| format!("{verb} {path}: {finds}"))
    };
    let queries = lookup.query.iter().map(|query| {
        let (path, key, most) = (&query.path, query.key(), query.most());
        match &query.parameter {
            Some(parameter) => {
                let mark = if path.contains('?') { '&' } else { '?' };
                format!("GET {path}{mark}{parameter}=…: by {key}, {most} a request")
            }
            None => format!("GET {path}: by {key}, one record"),
        }
    });
    let list = of("GET", &lookup.list, "all records");
    let search = of("POST", &lookup.search, "by any key");
    let read = of("GET", &lookup.read, "one record");
    let others = [search, list, read].into_iter().flatten();
    queries.chain(others).collect()
}

fn write_fields(text: &mut String, spec: &TargetSpec) {
    let _ = writeln!(
        text,
        "\n{:<28} {:<18} {:<30} also found as",
        "field", "kind", ""
    );
    for field in &spec.fields {
        let aliases: Vec<&str> = field
            .aliases
            .values()
            .flatten()
            .map(String::as_str)
            .collect();
        let _ = writeln!(
            text,
            "{:<28} {:<18} {:<30} {}",
            field.name(),
            field.kind.as_str(),
            traits_of(field),
            aliases.join(", ")
        );
    }
}

fn traits_of(field: &FieldSpec) -> String {
    let mut traits = Vec::new();
    if field.place == Place::Path {
        traits.push("in the path".to_owned());
    }
    for (holds, word) in [
        (field.required, "required"),
        (field.nullable, "can be cleared"),
        (field.unique, "unique"),
        (field.read_only, "read-only"),
    ] {
        if holds {
            traits.push(word.to_owned());
        }
    }
    if !field.choices.is_empty() {
        traits.push(format!("one of {}", field.choices.join("/")));
    }
    if !field.guarded.is_empty() {
        traits.push(format!("guarded {}", field.guarded.join("/")));
    }
    for (word, value) in [
        ("constant", &field.constant),
        ("else", &field.default),
        ("of the form", &field.pattern),
    ] {
        if let Some(value) = value {
            traits.push(format!("{word} {value}"));
        }
    }
    for (word, length) in [
        ("at least", field.min_length),
        ("at most", field.max_length),
    ] {
        if let Some(length) = length {
            traits.push(format!("{word} {length} characters"));
        }
    }
    if !field.pointer.as_str().is_empty() {
        traits.push(format!("at {}", field.pointer.as_str()));
    }
    traits.join(", ")
}
