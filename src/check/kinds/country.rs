//! Country cells: normalized to ISO 3166-1 alpha-3 codes.

use std::collections::HashMap;
use std::sync::LazyLock;

use compact_str::CompactString;

use crate::check::fault::{Checked, refuse};
use crate::check::severity::declare_findings;
use crate::l10n::message;
use crate::model::Value;

declare_findings! {
    Invalid "country.unknown" what_country_unknown "Svealand" remedy_value;
}

/// Swedish names by ISO 3166-1 alpha-2 code, one per line: `SE Sverige`.
const SWEDISH: &str = include_str!("countries_sv.txt");

/// Common English names besides those of the standard, by alpha-2 code.
const ENGLISH: &[(&str, &str)] = &[
    ("BO", "Bolivia"),
    ("CD", "DR Congo"),
    ("CZ", "Czech Republic"),
    ("GB", "United Kingdom"),
    ("GB", "Great Britain"),
    ("GB", "UK"),
    ("IR", "Iran"),
    ("KP", "North Korea"),
    ("KR", "South Korea"),
    ("LA", "Laos"),
    ("MD", "Moldova"),
    ("NL", "Netherlands"),
    ("PS", "Palestine"),
    ("RU", "Russia"),
    ("SY", "Syria"),
    ("TR", "Turkey"),
    ("TW", "Taiwan"),
    ("TZ", "Tanzania"),
    ("US", "United States"),
    ("VE", "Venezuela"),
    ("VN", "Vietnam"),
];

static NAMES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    let bare = |name: &'static str| name.split(" (").next().unwrap_or(name);
    let mut same: HashMap<&str, usize> = HashMap::new();
    for country in rust_iso3166::ALL {
        *same.entry(bare(country.name)).or_default() += 1;
    }
    for country in rust_iso3166::ALL {
        names.insert(country.name.to_lowercase(), country.alpha3);
        // "Bolivia" for "Bolivia (Plurinational State of)", but not "Korea", which is ambiguous.
        let name = bare(country.name);
        if same.get(name) == Some(&1) {
            names.insert(name.to_lowercase(), country.alpha3);
        }
    }
    let swedish = SWEDISH.lines().filter_map(|line| line.split_once(' '));
    for (alpha2, name) in swedish.chain(ENGLISH.iter().copied()) {
        if let Some(country) = rust_iso3166::from_alpha2(alpha2) {
            names.insert(name.to_lowercase(), country.alpha3);
        }
    }
    names
});

/// The code of the most common country.
pub(in crate::check) const SWEDEN: CompactString = CompactString::const_new("SWE");

/// Checks a country and normalizes it to its ISO 3166-1 alpha-3 code. Alpha-2 codes and Swedish and English
/// names are accepted in any case.
pub(in crate::check) fn check(text: &str) -> Checked<'_> {
    if text == "SWE" {
        // Fast path for most rows.
        return Ok(Value::Text(text));
    }
    if text.len() == 3 && rust_iso3166::from_alpha3(text).is_some() {
        return Ok(Value::Text(text));
    }
    if text == "Sverige" {
        return Ok(Value::Rewritten(SWEDEN));
    }
    let upper = CompactString::new(text).to_uppercase();
    let by_code = match upper.len() {
        2 => rust_iso3166::from_alpha2(&upper),
        3 => rust_iso3166::from_alpha3(&upper),
        _ => None,
    };
    let alpha3 = by_code
        .map(|country| country.alpha3)
        .or_else(|| NAMES.get(&text.to_lowercase()).copied());
    match alpha3 {
        Some(alpha3) => Ok(Value::Rewritten(alpha3.into())),
        None => refuse("country.unknown", message::country_unknown(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_recognized_by_code_and_name() {
        for (text, code) in [
            ("SWE", "SWE"),
            ("swe", "SWE"),
            ("SE", "SWE"),
            ("se", "SWE"),
            ("Sverige", "SWE"),
            ("SVERIGE", "SWE"),
            ("Sweden", "SWE"),
            ("Österrike", "AUT"),
            ("Tyskland", "DEU"),
            ("USA", "USA"),
            ("United States", "USA"),
            ("Nederländerna", "NLD"),
        ] {
            assert_eq!(check(text).unwrap().as_text(), code, "{text}");
        }
        assert_eq!(check("NOR"), Ok(Value::Text("NOR")));
        // The part in parentheses is optional, except where it distinguishes two countries.
        assert_eq!(check("Micronesia").unwrap().as_text(), "FSM");
        for bad in ["XX", "XYZ", "Svealand", "1", "Korea"] {
            assert_eq!(check(bad).unwrap_err().code, "country.unknown", "{bad}");
        }
    }

    #[test]
    fn swedish_country_names_are_complete_and_unambiguous() {
        let mut seen = HashMap::new();
        for line in SWEDISH.lines() {
            let (alpha2, name) = line.split_once(' ').unwrap();
            let country = rust_iso3166::from_alpha2(alpha2).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(check(name).unwrap().as_text(), country.alpha3, "{name}");
            assert_eq!(seen.insert(name.to_lowercase(), alpha2), None, "{name}");
        }
    }
}
