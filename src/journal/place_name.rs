//! Parses the location of a journal on the command line.

/// The kind of a journal's location on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceName {
    /// A folder.
    Folder,
    /// A database address, with its scheme in lower case.
    Address(String),
    /// An unsupported database address, reduced to the parts that cannot contain a secret.
    Unsupported(String),
}

/// The supported schemes of database addresses.
const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// Schemes of other database addresses, which are recognized even without `//`.
const OTHERS: [&str; 8] = [
    "jdbc",
    "mariadb",
    "mongodb",
    "mssql",
    "mysql",
    "redis",
    "sqlite",
    "sqlserver",
];

/// The keywords of libpq connection strings such as `host=h password=p`
/// (postgresql.org/docs/current/libpq-connect.html).
const WORDS: [&str; 17] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "service",
    "servicefile",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslrootcert",
    "options",
    "connect_timeout",
    "application_name",
];

impl PlaceName {
    /// Classifies a text. A folder whose name looks like an address must be written with `./`.
    pub fn of(text: &str) -> PlaceName {
        let text = text.trim();
        if text.starts_with(['/', '.', '~']) {
            return PlaceName::Folder;
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let scheme = scheme.to_lowercase();
            if SCHEMES.contains(&scheme.as_str()) {
                return PlaceName::Address(format!("{scheme}://{rest}"));
            }
            let bare = scheme.strip_prefix("jdbc:").unwrap_or(&scheme);
            let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            let scheme = if bare.chars().all(is_scheme) {
                &scheme
            } else {
                "…"
            };
            return PlaceName::Unsupported(format!("{scheme}://…"));
        }
        if let Some(word) = word_of_libpq(text) {
            return PlaceName::Unsupported(format!("{word}=…"));
        }
        match text.split_once(':') {
            Some((scheme, rest)) => {
                let scheme = scheme.to_lowercase();
                let is_scheme = SCHEMES.iter().chain(&OTHERS).any(|known| *known == scheme);
                match is_scheme {
                    true => PlaceName::Unsupported(format!("{scheme}:…")),
                    // A user and a password without a scheme.
                    false if rest.contains('@') => PlaceName::Unsupported("…:…@…".to_owned()),
                    false => PlaceName::Folder,
                }
            }
            None => PlaceName::Folder,
        }
    }
}

/// Returns the first libpq keyword in a text that is followed by `=`.
fn word_of_libpq(text: &str) -> Option<&'static str> {
    let before = text.match_indices('=').map(|(at, _)| text[..at].trim_end());
    let mut names = before.filter_map(|before| before.split_whitespace().next_back());
    names.find_map(|name| {
        WORDS
            .into_iter()
            .find(|word| word.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_classified_and_unsupported_ones_shown_safely() {
        for folder in [
            "state",
            "/var/lib/rosterpatch",
            "./host=a",
            "../x://y",
            "C:\\state",
            "backup:2026",
            "skola=ek",
            "anna@ek.se",
        ] {
            assert_eq!(PlaceName::of(folder), PlaceName::Folder, "{folder}");
        }
        for (address, scheme) in [
            ("Postgres://u:secret@h/db", "postgres"),
            ("POSTGRESQL://u:secret@h/db", "postgresql"),
            (" postgres://u:secret@h/db", "postgres"),
        ] {
            let expected = format!("{scheme}://u:secret@h/db");
            assert_eq!(PlaceName::of(address), PlaceName::Address(expected));
        }
        for (other, shown) in [
            ("mysql://u:secret@h/db", "mysql://…"),
            ("postgresql+ssl://u:secret@h/db", "postgresql+ssl://…"),
            (
                "jdbc:postgresql://h/db?password=secret",
                "jdbc:postgresql://…",
            ),
            ("u:secret://h", "…://…"),
            ("host=h password=secret", "host=…"),
            ("password = secret", "password=…"),
            ("PASSWORD=secret", "password=…"),
            ("x=1 password=secret", "password=…"),
            ("postgres:u:secret@h", "postgres:…"),
            ("u:secret@h/db", "…:…@…"),
        ] {
            let found = PlaceName::of(other);
            assert_eq!(found, PlaceName::Unsupported(shown.to_owned()), "{other}");
        }
    }
}
