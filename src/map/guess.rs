//! Guesses the field that a header names.

use std::collections::{HashMap, HashSet};

use super::names::{
    SpelledNames, is_other_form, is_protected, known_names, name_key, nearest, within,
};
use super::result_column::is_ours;
use crate::read::fold_header;
use crate::targets::{FieldSpec, TargetSpec};

/// The meaning that a column's header suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The field, by position, that the header names.
    pub field: Option<usize>,
    /// Whether the header is another form of the field's name: abbreviated, with a slash, or with a word such
    /// as `elevens`.
    pub is_other_form: bool,
    /// The fields that the header may name or misspell, if it is not certain.
    pub near: Vec<usize>,
    /// Whether the column marks protected persons.
    pub is_protected: bool,
}

/// The columns whose headers mark protected persons.
pub fn protected_columns(header: &[String]) -> Vec<usize> {
    let columns = header.iter().enumerate();
    let marks = columns.filter(|(_, name)| is_protected(&name_key(name)));
    marks.map(|(column, _)| column).collect()
}

/// Guesses the meaning of each column from its header.
pub fn guesses(header: &[String], spec: &TargetSpec) -> Vec<Guess> {
    let names = known_names(spec);
    let mut guesses = named_fields(header, &names);
    let taken: HashSet<usize> = guesses.iter().filter_map(|guess| guess.field).collect();
    let is_free = |field: usize| !taken.contains(&field);
    for (name, guess) in header.iter().zip(&mut guesses) {
        if guess.field.is_none() && guess.near.is_empty() && may_name_a_field(name) {
            let near = nearest(name, &names).or_else(|| within(name, &names, is_free));
            guess.near.extend(near.map(|(_, field)| field));
        }
    }
    guesses
}

/// Whether a header may name a field in a form that is not known.
fn may_name_a_field(header: &str) -> bool {
    !fold_header(header).is_empty() && !is_ours(header) && !is_protected(&name_key(header))
}

/// The field that each header names.
pub(super) fn named_fields(header: &[String], names: &HashMap<String, usize>) -> Vec<Guess> {
    let exact: Vec<Option<usize>> = header
        .iter()
        .map(|name| names.get(&name_key(name)).copied())
        .collect();
    let is_free = |field: &usize| !exact.contains(&Some(*field));
    let spelled = SpelledNames::of(names);
    let others: Vec<(Vec<usize>, bool)> = header
        .iter()
        .zip(&exact)
        .map(|(name, exact)| {
            if exact.is_some() || !may_name_a_field(name) {
                return (Vec::new(), false);
            }
            let (fields, is_certain) = spelled.in_other_form(name);
            (fields.into_iter().filter(is_free).collect(), is_certain)
        })
        .collect();
    let certain = |(fields, is_certain): &(Vec<usize>, bool)| match (&fields[..], is_certain) {
        ([field], true) => Some(*field),
        _ => None,
    };
    // Of two columns in other forms, either may be meant.
    let is_only = |field: &usize| {
        others
            .iter()
            .filter_map(certain)
            .filter(|own| own == field)
            .count()
            == 1
    };
    let columns = header.iter().zip(&exact).zip(&others);
    columns
        .map(|((name, exact), other)| {
            let other_form = certain(other).filter(is_only);
            Guess {
                field: exact.or(other_form),
                is_other_form: other_form.is_some(),
                near: match other_form {
                    Some(_) => Vec::new(),
                    None => other.0.clone(),
                },
                is_protected: exact.is_none() && is_protected(&name_key(name)),
            }
        })
        .collect()
}

/// The language code of the alias that equals `header`. Returns `None` for the field's own or API name.
pub fn language_of<'a>(field: &'a FieldSpec, header: &str) -> Option<&'a str> {
    let key = name_key(header);
    let is_it = |name: &String| name_key(name) == key;
    let mut languages = field.aliases.iter();
    let found = languages.find(|(_, names)| names.iter().any(is_it));
    let mut names = field.other_names().chain([field.name().to_owned()]);
    if found.is_none() && !names.any(|name| name_key(&name) == key) {
        let mut languages = field.aliases.iter();
        let other = languages.find(|(_, names)| is_other_form(header, names));
        return other.map(|(language, _)| language.as_str());
    }
    found.map(|(language, _)| language.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{ColumnMap, MapOptions};
    use crate::targets;

    #[test]
    fn a_guess_matches_exact_and_misspelt_headers() {
        let header = ["Postnummer", "Personnumer", "", "import_row", "Klass"];
        let mut spec = targets::load("meitner").unwrap();
        // A result column is not treated as a misspelling.
        let aliases = vec!["Import rows".to_owned()];
        let gender = spec.field("gender").unwrap();
        spec.fields[gender].aliases.insert("en".to_owned(), aliases);
        let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
        let guess = |field, near: Option<usize>| Guess {
            field,
            is_other_form: false,
            near: near.into_iter().collect(),
            is_protected: false,
        };
        assert_eq!(
            guesses(&header, &spec),
            [
                guess(spec.field("postal_code"), None),
                guess(None, spec.field("identity_number")),
                guess(None, None),
                guess(None, None),
                guess(None, None),
            ]
        );
        let options = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let header = ["id", "Köön", "Klass", "E-postt"].map(String::from);
        let map = ColumnMap::new(&header, &spec, &options).unwrap();
        let near = guesses(&header, &spec).into_iter();
        assert_eq!(
            near.map(|guess| guess.near.first().copied())
                .collect::<Vec<_>>(),
            [
                None,
                spec.field("gender"),
                None,
                spec.field("email_address1")
            ]
        );
        assert_eq!(map.unknown_at().collect::<Vec<_>>(), [2, 3, 4]);
        // A header that contains a field's words suggests the field, unless another column holds it.
        let near = |header: &[&str]| {
            let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
            guesses(&header, &spec)
                .last()
                .unwrap()
                .near
                .first()
                .copied()
        };
        assert_eq!(near(&["id", "Efternamn mor"]), spec.field("last_name"));
        assert_eq!(near(&["Efternamn", "Efternamn mor"]), None);
    }

    #[test]
    fn headers_in_other_forms_are_mapped_if_only_one_field_and_one_column_fit() {
        let spec = targets::load("meitner").unwrap();
        let options = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let mapped = |header: &[&str], overrides: &[(&str, &str)]| {
            let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
            let own = |(column, field): &(&str, &str)| (column.to_string(), field.to_string());
            let options = MapOptions {
                overrides: overrides.iter().map(own).collect(),
                ..options.clone()
            };
            let map = ColumnMap::new(&header, &spec, &options).unwrap();
            let column = |name: &str| map.column(spec.field(name).unwrap());
            let near = guesses(&header, &spec).last().unwrap().near.clone();
            let near: Vec<&str> = near.iter().map(|at| spec.fields[*at].name()).collect();
            (column("email_address1"), near.join(" "))
        };
        assert_eq!(
            mapped(&["id", "Elevens e-post"], &[]),
            (Some(1), String::new())
        );
        let emails = "email_address1".to_owned();
        assert_eq!(
            mapped(&["id", "E-post elev", "Elevens mejl"], &[]),
            (None, emails)
        );
        let first = (Some(1), String::new());
        assert_eq!(mapped(&["id", "E-post", "Elevens mejl"], &[]), first);
        let decided = [("Konto", "email_address1")];
        assert_eq!(mapped(&["id", "Konto", "Elevens mejl"], &decided), first);
        let both = "external_source_id".to_owned();
        assert_eq!(mapped(&["id", "Elevnummer / Id"], &[]), (None, both));
        let gender = &spec.fields[spec.field("gender").unwrap()];
        assert_eq!(language_of(gender, "Elevens kön"), Some("sv"));
        assert_eq!(language_of(gender, "gender"), None);
    }
}
