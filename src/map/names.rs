use std::collections::HashMap;

use crate::l10n::Language;
use crate::read::fold_header;
use crate::targets::{FieldSpec, TargetSpec};

/// A header by which a field is found, and the others: those in the language that is spoken first,
/// where it is not English.
pub(super) fn headers_for(field: &FieldSpec, spoken: Language) -> (String, Vec<String>) {
    let is_spoken = |language: &str| spoken != Language::English && language == spoken.code();
    let mut names: Vec<String> = Vec::new();
    let own = field
        .aliases
        .iter()
        .filter(|(language, _)| is_spoken(language));
    names.extend(own.flat_map(|(_, names)| names.clone()));
    names.push(field.name().to_owned());
    let others = field
        .aliases
        .iter()
        .filter(|(language, _)| !is_spoken(language));
    names.extend(others.flat_map(|(_, names)| names.clone()));
    let first = names.remove(0);
    (first, names)
}

/// Every header that is understood, folded, and its field. A field's own name goes before any
/// other field's aliases.
pub(super) fn known_names(spec: &TargetSpec) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for (index, field) in spec.fields.iter().enumerate() {
        names.insert(fold_header(field.name()), index);
    }
    for (index, field) in spec.fields.iter().enumerate() {
        for name in field.other_names() {
            names.entry(fold_header(&name)).or_insert(index);
        }
    }
    names
}

/// The known name that `header` is likely a misspelling of.
pub(super) fn nearest(header: &str, names: &HashMap<String, usize>) -> Option<(String, usize)> {
    let folded = fold_header(header);
    if folded.chars().count() < 4 {
        return None;
    }
    names
        .iter()
        .map(|(name, field)| (strsim::damerau_levenshtein(&folded, name), name, field))
        .filter(|(distance, name, _)| *distance <= 1 + name.chars().count() / 8)
        .min_by_key(|(distance, name, _)| (*distance, name.len(), (*name).clone()))
        .map(|(_, name, field)| {
            let mut letters = name.chars();
            let capital = letters.next().map(char::to_uppercase).into_iter().flatten();
            (capital.chain(letters).collect(), *field)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lacking_column_is_named_in_the_language_that_is_spoken_first() {
        let spec = crate::targets::load("meitner").unwrap();
        let headers = |name: &str, language| {
            let (first, others) = headers_for(&spec.fields[spec.field(name).unwrap()], language);
            format!("{first}: {}", others.join(", "))
        };
        assert_eq!(
            headers("last_name", Language::English),
            "last_name: Last name, Surname, Family name, Efternamn"
        );
        assert_eq!(
            headers("last_name", Language::Swedish),
            "Efternamn: last_name, Last name, Surname, Family name"
        );
        let spec = crate::targets::load("pathwright").unwrap();
        let email = &spec.fields[spec.field("member_id").unwrap()];
        let expected = ("member_id".to_owned(), Vec::new());
        assert_eq!(headers_for(email, Language::Swedish), expected);
    }

    #[test]
    fn a_fields_own_name_is_its_own_whatever_others_are_called() {
        let mut spec = crate::targets::load("meitner").unwrap();
        let (first, last) = (spec.field("first_name"), spec.field("last_name"));
        let aliases = vec!["Last_Name".to_owned(), "Namn".to_owned()];
        spec.fields[first.unwrap()]
            .aliases
            .insert("sv".to_owned(), aliases);
        let names = known_names(&spec);
        assert_eq!(names.get("last_name").copied(), last);
        assert_eq!(names.get("namn").copied(), first);
        assert_eq!(
            names.get("external.sourceid").copied(),
            spec.field("external_source_id")
        );
    }

    #[test]
    fn a_header_is_taken_for_a_misspelling_only_if_little_is_wrong() {
        let known = ["personnummer", "personnr", "land", "landskod", "kön", "ort"];
        let known = known.iter().zip(0..);
        let names = known
            .map(|(name, index)| ((*name).to_owned(), index))
            .collect();
        for (header, expected) in [
            ("Personnumer", Some(("Personnummer", 0))),
            // One letter of eight may be wrong, and one in any case; two that change places are one.
            ("Persnnumer", Some(("Personnummer", 0))),
            ("Persnnume", None),
            (" LADN ", Some(("Land", 2))),
            ("Lxnx", None),
            ("lanskdo", Some(("Landskod", 3))),
            ("Ortt", Some(("Ort", 5))),
            // Too short for a misspelling.
            ("Kon", None),
            ("", None),
            ("Klass", None),
        ] {
            let found = nearest(header, &names);
            let found = found.as_ref().map(|(name, field)| (&**name, *field));
            assert_eq!(found, expected, "{header}");
        }
    }
}
