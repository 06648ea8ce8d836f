//! Compares headers with field names and aliases.

use std::collections::{BTreeSet, HashMap};

use crate::l10n::Language;
use crate::read::fold_header;
use crate::targets::{FieldSpec, TargetSpec};

/// The preferred header for a field, and the other headers that match it. Headers in the interface language
/// come first unless that is English.
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

/// Normalizes a header for comparison. Spaces, underscores and hyphens are equivalent.
pub(crate) fn name_key(header: &str) -> String {
    let is_separator =
        |c: char| matches!(c, ' ' | '_' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let folded = fold_header(header);
    let words = folded.split(is_separator).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Maps every recognized header, normalized, to its field. A field's own name takes precedence over aliases
/// of other fields.
pub(super) fn known_names(spec: &TargetSpec) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for (index, field) in spec.fields.iter().enumerate() {
        names.insert(name_key(field.name()), index);
    }
    for (index, field) in spec.fields.iter().enumerate() {
        for name in field.other_names() {
            names.entry(name_key(&name)).or_insert(index);
        }
    }
    names
}

/// The parts of a header between slashes, spelled out: as they are, and without words such as `elevens`.
fn forms(header: &str) -> Vec<[String; 2]> {
    const OWNERS: [&str; 10] = [
        "elev",
        "elevens",
        "elever",
        "eleven",
        "barnets",
        "student",
        "students",
        "student's",
        "pupil",
        "pupil's",
    ];
    let part = |part: &str| {
        let key = name_key(&part.replace(['(', ')', '[', ']', ':'], " "));
        let words = key.split(' ').filter(|word| !OWNERS.contains(word));
        let bare = words.collect::<Vec<_>>().join(" ");
        [spelled_out(&key), spelled_out(&bare)]
    };
    header.split('/').map(part).collect()
}

/// Whether a header names a field in another form: `Pers.nr`, `Elevens e-post` or `Tilltalsnamn/Förnamn`.
pub(super) fn is_other_form(header: &str, names: &[String]) -> bool {
    let names = names.iter().map(|name| spelled_out(&name_key(name)));
    let names: BTreeSet<String> = names.collect();
    let is_name = |forms: &[String; 2]| forms.iter().any(|form| names.contains(form));
    forms(header).iter().all(is_name)
}

/// The fields of names that are spelled out.
pub(super) struct SpelledNames(HashMap<String, BTreeSet<usize>>);

impl SpelledNames {
    pub(super) fn of(names: &HashMap<String, usize>) -> SpelledNames {
        let mut spelled: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for (name, field) in names {
            spelled.entry(spelled_out(name)).or_default().insert(*field);
        }
        SpelledNames(spelled)
    }

    /// The fields that a header names in other forms, and whether there is no doubt about them: each part of
    /// the header names the same field.
    pub(super) fn in_other_form(&self, header: &str) -> (Vec<usize>, bool) {
        let of_part = |forms: &[String; 2]| forms.iter().find_map(|form| self.0.get(form));
        let parts: Vec<Option<&BTreeSet<usize>>> = forms(header).iter().map(of_part).collect();
        let mut fields: Vec<usize> = Vec::new();
        for field in parts.iter().flatten().copied().flatten() {
            if !fields.contains(field) {
                fields.push(*field);
            }
        }
        let is_certain = fields.len() == 1 && parts.iter().all(Option::is_some);
        (fields, is_certain)
    }
}

/// The name that `header` most likely misspells or abbreviates.
pub(super) fn nearest(header: &str, names: &HashMap<String, usize>) -> Option<(String, usize)> {
    let key = name_key(header);
    if key.chars().count() < 3 {
        return None;
    }
    let whole = spelled_out(&key);
    let distance = |name: &String| match spelled_out(name) == whole {
        true => 0,
        // Short words are similar to many other words.
        false if key.chars().count() < 4 => usize::MAX,
        false => strsim::damerau_levenshtein(&key, name),
    };
    names
        .iter()
        .map(|(name, field)| (distance(name), name, field))
        .filter(|(distance, name, _)| *distance <= 1 + name.chars().count() / 8)
        .min_by_key(|(distance, name, _)| (*distance, name.len(), (*name).clone()))
        .map(|(_, name, field)| (in_capitals(name), *field))
}

/// The column that holds classes, if a header says so.
pub fn class_column(header: &[String]) -> Option<usize> {
    const CLASSES: [&str; 8] = [
        "klass",
        "class",
        "klasser",
        "grupp",
        "group",
        "skolklass",
        "mentorsgrupp",
        "undervisningsgrupp",
    ];
    let mut header = header.iter();
    header.position(|name| CLASSES.contains(&&*fold_header(name)))
}

/// The name of the protection marking in `--map`.
pub const PROTECTED: &str = "protected";

/// Whether a header, normalized by [`name_key`], names the marking of protected persons. Misspellings match.
/// `securityMarking` is the name in SS 12000.
pub(super) fn is_protected(key: &str) -> bool {
    const PARTS: [&str; 9] = [
        "sekretess",
        "skyddad",
        "skyddsmarkering",
        "kvarskriv",
        "securitymarking",
        "security marking",
        "secrecy",
        "protected",
        "confidential",
    ];
    const WHOLE: [&str; 5] = [
        "sekretessmarkering",
        "skyddade personuppgifter",
        "skyddad identitet",
        "skyddad folkbokföring",
        "security marking",
    ];
    const MISTAKES: usize = 2;
    PARTS.iter().any(|part| key.contains(part))
        || WHOLE
            .iter()
            .any(|name| strsim::damerau_levenshtein(name, key) <= MISTAKES)
}

/// The longest name whose words all occur in `header`, as in `Epost elev`.
pub(super) fn within(
    header: &str,
    names: &HashMap<String, usize>,
    is_free: impl Fn(usize) -> bool,
) -> Option<(String, usize)> {
    const SHORTEST: usize = 4;
    let bare = header.replace(['(', ')', '[', ']', ':', '.', ',', '/'], " ");
    let padded = format!(" {} ", name_key(&bare));
    names
        .iter()
        .filter(|(name, field)| {
            name.chars().count() >= SHORTEST
                && padded.contains(&format!(" {name} "))
                && is_free(**field)
        })
        .max_by_key(|(name, field)| (name.len(), std::cmp::Reverse(**field)))
        .map(|(name, field)| (in_capitals(name), *field))
}

/// Expands common abbreviations in a name and removes its separators.
fn spelled_out(name: &str) -> String {
    const ABBREVIATIONS: [(&str, &str); 10] = [
        ("persnr", "personnummer"),
        ("pers", "person"),
        ("nr", "nummer"),
        ("num", "nummer"),
        ("number", "nummer"),
        ("adr", "adress"),
        ("address", "adress"),
        ("tel", "telefon"),
        ("tfn", "telefon"),
        ("mob", "mobil"),
    ];
    let words = name.split([' ', '.']).filter(|word| !word.is_empty());
    let whole = words.map(|word| {
        let ending = ABBREVIATIONS.iter().find_map(|(short, long)| {
            let stem = word.strip_suffix(short)?;
            Some(format!("{stem}{long}"))
        });
        ending.unwrap_or_else(|| word.to_owned())
    });
    whole.collect()
}

fn in_capitals(name: &str) -> String {
    let mut letters = name.chars();
    let capital = letters.next().map(char::to_uppercase).into_iter().flatten();
    capital.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_headers_are_equivalent() {
        for header in [
            "first_name",
            "First Name",
            "FIRST-NAME",
            " first  name ",
            "first\u{2013}name",
        ] {
            assert_eq!(name_key(header), "first name", "{header:?}");
        }
    }

    #[test]
    fn abbreviated_and_misspelt_headers_match_a_field() {
        let spec = crate::targets::load("meitner").unwrap();
        let names = known_names(&spec);
        let field = |found: Option<(String, usize)>| {
            found.map(|(_, field)| spec.fields[field].name().to_owned())
        };
        for (header, expected) in [
            ("Elevnr", Some("external_source_id")),
            ("Elev-nr.", Some("external_source_id")),
            ("Personnumer", Some("identity_number")),
            ("Fornamn", Some("first_name")),
            ("Mobiltel", Some("phone_number1")),
            ("Tel", Some("phone_number2")),
            ("Kod", None),
            ("Epostadress", Some("email_address1")),
            ("Klass", None),
            ("Skolenhet", None),
            ("Lärare", None),
            ("Startdatum", None),
        ] {
            assert_eq!(
                field(nearest(header, &names)).as_deref(),
                expected,
                "{header}"
            );
        }
        for (header, expected) in [
            ("Epost elev", Some("email_address1")),
            ("Elevens e-post", Some("email_address1")),
            ("Förnamn (elev)", Some("first_name")),
            ("Klass", None),
        ] {
            let found = within(header, &names, |_| true);
            assert_eq!(field(found).as_deref(), expected, "{header}");
        }
        assert_eq!(within("Epost elev", &names, |_| false), None);
    }

    #[test]
    fn a_header_in_another_form_names_its_field_or_both() {
        let spec = crate::targets::load("meitner").unwrap();
        let spelled = SpelledNames::of(&known_names(&spec));
        let (number, id) = ("external_source_id", "id");
        for (header, expected, is_certain) in [
            ("Pers.nr", &["identity_number"][..], true),
            ("Persnr", &["identity_number"], true),
            ("Personnr", &["identity_number"], true),
            ("Elevens personnummer", &["identity_number"], true),
            ("E-post elev", &["email_address1"], true),
            ("Elevens e-post", &["email_address1"], true),
            ("E-post (elev)", &["email_address1"], true),
            ("Elevnr", &[number], true),
            ("Elev-nr.", &[number], true),
            ("Tilltalsnamn/Förnamn", &["first_name"], true),
            ("Mob.nr", &["phone_number1"], true),
            ("Tel. elev", &["phone_number2"], true),
            ("Post nr", &["postal_code"], true),
            // Either field may be meant, or the other part of the header.
            ("Elevnummer / Id", &[number, id], false),
            ("E-post/Konto", &["email_address1"], false),
            // Values of another person, and no field.
            ("E-post vårdnadshavare", &[], false),
            ("Förnamn (mentor)", &[], false),
            ("Elev", &[], false),
            ("Klass", &[], false),
            ("/", &[], false),
        ] {
            let (fields, certain) = spelled.in_other_form(header);
            let fields: Vec<&str> = fields.iter().map(|at| spec.fields[*at].name()).collect();
            assert_eq!((&*fields, certain), (expected, is_certain), "{header}");
        }
    }

    #[test]
    fn markings_of_protected_persons_are_recognized() {
        for header in [
            "Sekretessmarkering",
            "Sekretessmarkering (J/N)",
            "Sekretes-markering",
            "Skyddade personuppgifter",
            "Skyddad identitet",
            "Skyddad ID",
            "Skyddad_folkbokföring",
            "securityMarking",
            "security_marking",
            "Protected identity",
        ] {
            assert!(is_protected(&name_key(header)), "{header}");
        }
        for header in ["Skyddsombud", "Personnummer", "Sektion", "Class", "Notes"] {
            assert!(!is_protected(&name_key(header)), "{header}");
        }
    }

    #[test]
    fn headers_in_the_interface_language_are_suggested_first() {
        let spec = crate::targets::load("meitner").unwrap();
        let headers = |name: &str, language| {
            let (first, others) = headers_for(&spec.fields[spec.field(name).unwrap()], language);
            format!("{first}: {}", others.join(", "))
        };
        assert_eq!(
            headers("last_name", Language::English),
            "last_name: Last name, Surname, Family name, Last, Legal last name, Efternamn"
        );
        assert_eq!(
            headers("last_name", Language::Swedish),
            "Efternamn: last_name, Last name, Surname, Family name, Last, Legal last name"
        );
        let spec = crate::targets::load("pathwright").unwrap();
        let email = &spec.fields[spec.field("member_id").unwrap()];
        let expected = ("member_id".to_owned(), Vec::new());
        assert_eq!(headers_for(email, Language::Swedish), expected);
    }

    #[test]
    fn each_header_of_a_built_in_target_finds_its_own_field() {
        for (target, _) in crate::targets::BUILT_IN {
            let spec = crate::targets::load(target).unwrap();
            let names = known_names(&spec);
            for (index, field) in spec.fields.iter().enumerate() {
                for header in field.aliases.values().flatten() {
                    let found = names.get(&name_key(header));
                    assert_eq!(found, Some(&index), "{target}: {header}");
                }
            }
        }
    }

    #[test]
    fn headers_of_american_systems_match_fields() {
        for (target, headers) in [
            (
                "pathwright",
                &[
                    ("Phone Number", "phone_number"),
                    ("Cell Phone", "phone_number"),
                    ("Mobile Phone", "phone_number"),
                    ("Membership Type", "membership_type"),
                    ("Family Name", "last_name"),
                    ("Legal Last Name", "last_name"),
                    ("First", "first_name"),
                    ("Work Email", "email"),
                    ("Work Contact: Work Email", "email"),
                    ("Email - Primary Work", "email"),
                    ("Biography", "bio"),
                    ("Prefix", "salutation"),
                    ("Employee ID", "external_id"),
                    ("Employee #", "external_id"),
                    ("Associate ID", "external_id"),
                ][..],
            ),
            (
                "meitner",
                &[
                    ("Phone Number", "phone_number1"),
                    ("Cell Phone", "phone_number1"),
                    ("Mobile-Phone", "phone_number1"),
                    ("First", "first_name"),
                    ("Family Name", "last_name"),
                    ("Work Email", "email_address1"),
                    ("Identity number", "identity_number"),
                    ("DOB", "date_of_birth"),
                ],
            ),
        ] {
            let spec = crate::targets::load(target).unwrap();
            let names = known_names(&spec);
            for (header, field) in headers {
                let found = names.get(&name_key(header)).copied();
                assert_eq!(found, spec.field(field), "{target}: {header}");
            }
        }
    }

    #[test]
    fn a_fields_own_name_takes_precedence_over_aliases() {
        let mut spec = crate::targets::load("meitner").unwrap();
        let (first, last) = (spec.field("first_name"), spec.field("last_name"));
        let aliases = vec!["Last_Name".to_owned(), "Namn".to_owned()];
        spec.fields[first.unwrap()]
            .aliases
            .insert("sv".to_owned(), aliases);
        let names = known_names(&spec);
        assert_eq!(names.get("last name").copied(), last);
        assert_eq!(names.get("namn").copied(), first);
        assert_eq!(
            names.get("external.sourceid").copied(),
            spec.field("external_source_id")
        );
    }

    #[test]
    fn a_misspelt_header_matches_only_within_the_edit_distance() {
        let known = ["personnummer", "personnr", "land", "landskod", "kön", "ort"];
        let known = known.iter().zip(0..);
        let names = known
            .map(|(name, index)| ((*name).to_owned(), index))
            .collect();
        for (header, expected) in [
            ("Personnumer", Some(("Personnummer", 0))),
            // A distance of one per eight letters is allowed, and at least one. A transposition counts as
            // one.
            ("Persnnumer", Some(("Personnummer", 0))),
            ("Persnnume", None),
            (" LADN ", Some(("Land", 2))),
            ("Lxnx", None),
            ("lanskdo", Some(("Landskod", 3))),
            ("Ortt", Some(("Ort", 5))),
            // The header is too short to be compared.
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
