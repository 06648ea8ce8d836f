//! Loads built-in targets and target files.

use std::path::Path;

use super::error::TargetError;
use super::mistake::{Mistakes, read_toml};
use super::spec::TargetSpec;
use super::validate::validate;

/// The built-in targets: name and content of the file.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("meitner", include_str!("meitner.toml")),
    ("pathwright", include_str!("pathwright.toml")),
    ("scim", include_str!("scim.toml")),
];

/// Loads the target `name`: a built-in target, or a file if the name ends in `.toml` or contains a path
/// separator.
///
/// # Errors
/// Fails if the target does not exist or its file is unreadable or has mistakes. The error states the file,
/// and the line and key of each mistake.
pub fn load(name: &str) -> Result<TargetSpec, TargetError> {
    parse(name, &text(name)?)
}

/// The content of the target file `name`.
pub fn text(name: &str) -> Result<String, TargetError> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        return Ok((*text).to_owned());
    }
    if name.ends_with(".toml") || name.contains(std::path::MAIN_SEPARATOR) {
        let path = Path::new(name);
        return crate::safe_fs::read_text(path).map_err(|source| TargetError::Read {
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

/// Parses a target file. `origin` is the file's name in messages.
///
/// # Errors
/// Fails if the text has mistakes. The error states the line and key of each.
pub fn parse(origin: &str, text: &str) -> Result<TargetSpec, TargetError> {
    let (spec, mut mistakes) = read_toml::<TargetSpec>(text);
    if let Some(spec) = &spec {
        // A misspelt key is not also reported as missing.
        let is_of_another = |message: &str| {
            let helps = mistakes
                .iter()
                .filter_map(|mistake| mistake.help.as_deref());
            let mut meant = helps.filter_map(|help| help.split('`').nth(1));
            meant.any(|key| message.contains(key))
        };
        let mut more = validate(spec, text);
        more.retain(|mistake| !is_of_another(&mistake.message));
        mistakes.extend(more);
    }
    match spec {
        Some(spec) if mistakes.is_empty() => Ok(spec),
        _ => Err(TargetError::Mistakes {
            mistakes: Mistakes::new(origin, text, mistakes),
        }),
    }
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
    fn the_built_in_targets_have_no_mistakes() {
        for (name, _) in BUILT_IN {
            let spec = load(name).unwrap();
            assert_eq!(spec.name, *name);
            assert!(spec.key_field().is_some());
        }
    }

    #[test]
    fn a_mistake_is_reported_with_its_line_and_key() {
        let unknown = broken("nullable = true", "nulable = true");
        assert!(unknown.contains("nulable"), "{unknown}");
        assert!(unknown.contains("did you mean `nullable`?"), "{unknown}");
        let twice = broken("name = \"first_name\"", "name = \"last_name\"");
        assert!(twice.contains("declared twice"), "{twice}");
        assert!(twice.contains(" --> x.toml:"), "{twice}");
        assert!(broken("{id}\"\n#", "{uuid}\"\n#").contains("no {id}"));
        assert!(broken("retry = [429,", "retry = [200, 429,").contains("200"));
        assert!(broken("/firstName", "/lastName").contains("cannot both"));
        assert!(broken("kind = \"uuid\"", "kind = \"guid\"").contains("guid"));
        let line_of = |part: &str| {
            let before = BUILT_IN[0].1.split(part).next().unwrap();
            format!("x.toml:{}:1", before.matches('\n').count() + 1)
        };
        for (from, to) in [
            ("requests = 1500", "requests = 0"),
            ("burst = 1500", "burst = 0"),
            ("reject = [400,", "reject = [429,"),
            ("retry = [429,", "retry = [9999,"),
            ("page_size = 50", "page_size = 0"),
            ("path = \"/student/{id}\"", "path = \"/student/\""),
        ] {
            let text = broken(from, to);
            assert!(text.contains(&line_of(from)), "{from}: {text}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_without_their_consequences() {
        let mut text = BUILT_IN[0].1.to_owned();
        for (from, to) in [
            ("method = \"PATCH\"", "methd = \"PATCH\""),
            ("kind = \"text\"", "kind = \"string\""),
            ("nullable = true", "nulable = true"),
        ] {
            text = text.replacen(from, to, 1);
        }
        let told = parse("x.toml", &text).unwrap_err().to_string();
        for part in ["method", "text", "nullable"] {
            let help = format!("did you mean `{part}`?");
            assert!(told.contains(&help), "{help} not in {told}");
        }
        assert_eq!(told.matches("error: ").count(), 3, "{told}");

        let mut text = BUILT_IN[0].1.to_owned();
        for (from, to) in [
            ("path = \"/student/{id}\"", "path = \"student/{id}\""),
            ("search = \"/", "search = \""),
            ("records = \"/", "records = \""),
            ("\"E-post\"", "\"Mobil\""),
            ("burst = 1500", "burst = 0"),
        ] {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        let told = parse("x.toml", &text).unwrap_err().to_string();
        for part in [
            "\"student/{id}\" must begin with a slash",
            "\"mobil\" is a header of",
            "quota.burst must be above 0",
        ] {
            assert!(told.contains(part), "{part} not in {told}");
        }
        assert_eq!(told.matches("error: ").count(), 5, "{told}");
    }

    #[test]
    fn a_table_in_place_of_a_list_is_reported_with_the_list_syntax() {
        let text = "name = \"x\"\n[sign_in]\nkind = \"bearer\"\ntoken = \"X\"\n";
        let told = parse("x.toml", text).unwrap_err().to_string();
        assert!(told.contains("write `[[sign_in]]`"), "{told}");
        assert!(told.contains(" --> x.toml:2:1"), "{told}");
    }

    #[test]
    fn a_secret_in_a_target_file_is_refused() {
        for (from, to) in [
            (
                "Client-ID = \"MEITNER_CLIENT_CREDENTIALS\"",
                "Client-ID = \"sk-live-1\"",
            ),
            (
                "client_secret = \"MEITNER_CLIENT_SECRET\"",
                "client_secret = \"hunter2\"",
            ),
            (
                "record = \"student\"",
                "record = \"student\"\nheaders = { Authorization = \"Bearer x\" }",
            ),
            (
                "record = \"student\"",
                "record = \"student\"\nheaders = { X-Api-Key = \"x\" }",
            ),
            ("https://api.meitner.se", "https://u:p@api.meitner.se"),
            ("https://api.meitner.se", "http://api.meitner.se"),
        ] {
            let text = broken(from, to);
            assert!(
                !text.contains("hunter2") && !text.contains("sk-live"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unsupported_sign_in_is_refused() {
        for (from, to) in [
            ("kind = \"headers\"", "kind = \"jwt\""),
            ("kind = \"headers\"", "kind = \"query\""),
            (
                "kind = \"oauth\"",
                "kind = \"oauth\"\nprivate_key = \"KEY\"",
            ),
            ("kind = \"oauth\"", "kind = \"oauth\"\nassertion = \"KEY\""),
        ] {
            let told = broken(from, to);
            assert!(
                told.contains(
                    "JWT, AWS Signature) and secrets in the query string are not supported"
                ),
                "{told}"
            );
        }
        for (from, to, part) in [
            (
                "method = \"PATCH\"",
                "method = \"PATCH\"\ncontent_type = \"application/x-www-form-urlencoded\"",
                "form bodies and XML are not supported",
            ),
            (
                "list = \"/student\"",
                "list = \"/student?api_key=1\"",
                "secrets in the query string are not supported",
            ),
        ] {
            let told = broken(from, to);
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        for (from, to) in [
            ("client_secret = \"MEITNER", "client_secrt = \"sk-live-1"),
            (
                "client_secret = \"MEITNER_CLIENT_SECRET\"",
                "client_secret = 4711471147",
            ),
            (
                "client_secret = \"MEITNER_CLIENT_SECRET\"",
                "client_secret = hunter2",
            ),
            (
                "record = \"student\"",
                "record = \"student\"\napi_token = \"sk-live-2\"",
            ),
        ] {
            let text = broken(from, to);
            for secret in ["sk-live", "4711471147", "hunter2"] {
                assert!(!text.contains(secret), "{text}");
            }
            assert!(text.contains("x.toml"), "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_in_a_target_file_is_ignored() {
        let told = parse("x.toml", "\u{FEFF}name = \"x\"\n")
            .unwrap_err()
            .to_string();
        assert!(told.contains("is missing"), "{told}");
    }

    #[test]
    fn an_unknown_target_error_lists_the_built_in_targets() {
        let text = load("mietner").unwrap_err().to_string();
        assert!(
            text.contains("mietner") && text.contains("meitner"),
            "{text}"
        );
    }

    #[test]
    fn a_target_name_with_a_path_or_extension_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my-api");
        std::fs::write(&path, BUILT_IN[0].1).unwrap();
        assert_eq!(load(path.to_str().unwrap()).unwrap().name, "meitner");
        let absent = load("no-such-target.toml").unwrap_err();
        assert!(matches!(absent, TargetError::Read { .. }), "{absent}");
    }
}
