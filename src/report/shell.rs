//! The request of a row as a curl command.

use crate::model::{Call, Method, in_quotes};
use crate::targets::{SignIn, TargetSpec};

/// Returns the request of a row as a curl command for the first sign-in method. Secrets are replaced by
/// environment variables, which `variable` maps from the target's variable names.
pub fn curl_text(
    call: &Call,
    spec: &TargetSpec,
    base_url: &str,
    variable: impl Fn(&str) -> String,
) -> String {
    let mut lines = Vec::new();
    let address = format!("{}{}", base_url.trim_end_matches('/'), call.path);
    let method: Method = spec.update.method;
    let header =
        |name: &str, value: &str| format!("--header {}", in_quotes(&format!("{name}: {value}")));
    // The shell expands variables in double quotes; values from the file are quoted separately.
    let value = |name: &str| format!("\"${{{}}}\"", named(&variable(name)));
    let secret = |name: &str, word: &str, from: &str| {
        let fixed = format!("{name}: {word}").replace('\'', "'\\''");
        format!("--header '{fixed}'{}", value(from))
    };
    let mut arguments = vec![format!(
        "curl --request {} {}",
        method.as_str(),
        in_quotes(&address)
    )];
    match spec.sign_in.first() {
        None => {}
        Some(SignIn::Headers { headers }) => {
            arguments.extend(headers.iter().map(|(name, from)| secret(name, "", from)));
        }
        Some(SignIn::Bearer { token }) => {
            arguments.push(secret("Authorization", "Bearer ", token));
        }
        Some(SignIn::Token { word, token }) => {
            arguments.push(secret("Authorization", &format!("{word} "), token));
        }
        Some(SignIn::Basic { username, password }) => {
            let password = password.as_deref().map(value);
            arguments.push(format!(
                "--user {}:{}",
                value(username),
                password.unwrap_or_default()
            ));
        }
        Some(
            way @ SignIn::Oauth {
                scope,
                audience,
                client_id,
                client_secret,
                ..
            },
        ) => {
            let host = address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            let endpoint = way.token_endpoint().unwrap_or_default();
            let endpoint = match endpoint.starts_with('/') {
                true => format!("{host}{endpoint}"),
                false => endpoint.to_owned(),
            };
            let more = [("scope", scope), ("audience", audience)];
            let more = more.map(|(name, text)| {
                let text = text.as_ref();
                let data =
                    |text| format!("--data-urlencode {} ", in_quotes(&format!("{name}={text}")));
                text.map(data).unwrap_or_default()
            });
            lines.push(format!(
                "# ACCESS_TOKEN: curl --data grant_type=client_credentials --data client_id={} \
                 --data client_secret={} {}{}",
                value(client_id),
                value(client_secret),
                more.concat(),
                in_quotes(&endpoint)
            ));
            arguments.push("--header \"Authorization: Bearer ${ACCESS_TOKEN}\"".to_owned());
        }
    }
    arguments.extend(spec.headers.iter().map(|(name, value)| header(name, value)));
    arguments.push(header("Content-Type", &spec.update.content_type));
    let body = String::from_utf8_lossy(&call.body);
    arguments.push(format!("--data-raw {}", in_quotes(&body)));
    lines.push(arguments.join(" \\\n  "));
    lines.join("\n")
}

/// Returns the name of an environment variable, or a placeholder if it is not a valid name and may be the
/// secret itself.
fn named(name: &str) -> &str {
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match is_name && !name.is_empty() {
        true => name,
        false => "SECRET",
    }
}
