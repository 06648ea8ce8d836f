use std::collections::HashMap;

use crate::l10n::Language;
use crate::read::fold_header;
use crate::targets::{FieldSpec, TargetSpec};

/// A header by which a field is found, and the others: those in the language that is spoken first,
/// where it is not English.
pub(super) fn headers_for(field: &FieldSpec) -> (String, Vec<String>) {
    let spoken = Language::spoken();
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
