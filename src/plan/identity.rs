//! Detects changes that replace the person of a record with another.

use serde_json::Value as Json;
use strsim::jaro_winkler;
use unicode_normalization::UnicodeNormalization;

use crate::model::Change;
use crate::targets::TargetSpec;

/// The minimum Jaro-Winkler similarity of two spellings of one name.
const SAME_NAME: f64 = 0.88;

/// Whether `changes` to `record` would replace one person with another: two or more of first name, last name
/// and date of birth change to dissimilar values. Setting a value that the record lacks does not count.
pub fn changes_person(spec: &TargetSpec, record: &Json, changes: &[Change]) -> bool {
    let Some(person) = &spec.person else {
        return false;
    };
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let of = |field: &str| {
        let change = changes.iter().find(|change| change.field == field)?;
        let (from, to) = (text(change.from.as_ref()?), text(&change.to));
        (!from.is_empty() && !to.is_empty()).then_some((from, to))
    };
    // An unchanged value is the same before and after.
    let both = |field: &str| {
        of(field).unwrap_or_else(|| {
            let own = spec.field_named(field);
            let held = own.and_then(|own| own.pointer.get(record).ok().flatten());
            let held = held.map_or(String::new(), |held| text(&held));
            (held.clone(), held)
        })
    };
    let (first, last) = (both(&person.first_name), both(&person.last_name));
    let whole = |one: &str, other: &str| format!("{one} {other}");
    let is_one = is_similar(&whole(&first.0, &last.0), &whole(&first.1, &last.1));
    let differs = |(from, to): &(String, String)| !is_one && !is_similar(from, to);
    let date = person.birth_date.as_deref().and_then(of);
    let number = person.number.as_deref().and_then(of);
    let born = date.is_some_and(|(from, to)| from != to)
        || number.is_some_and(|(from, to)| {
            let born = (born_of(&from), born_of(&to));
            born.0.is_some() && born.1.is_some() && born.0 != born.1
        });
    [differs(&first), differs(&last), born]
        .iter()
        .filter(|differs| **differs)
        .count()
        >= 2
}

/// The persons of a record before and after `changes`: names, date of birth and identity number.
pub fn persons(spec: &TargetSpec, record: &Json, changes: &[Change]) -> (String, String) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for name in spec.person.iter().flat_map(|person| person.fields()) {
        let field = spec.field_named(name.1);
        let held = field.and_then(|field| field.pointer.get(record).ok().flatten());
        let held = held.map_or(Json::Null, |held| held.into_owned());
        let to = changes.iter().find(|change| change.field == name.1);
        let to = to.map_or_else(|| held.clone(), |change| change.to.clone());
        for (value, texts) in [(held, &mut before), (to, &mut after)] {
            let text = value.as_str().unwrap_or_default();
            texts.extend((!text.is_empty()).then(|| text.to_owned()));
        }
    }
    (before.join(" "), after.join(" "))
}

/// The date at the beginning of an identity number. The day of a coordination number is reduced by 60.
fn born_of(number: &str) -> Option<u32> {
    let date: u32 = number.get(..8)?.parse().ok()?;
    Some(if date % 100 > 60 { date - 60 } else { date })
}

/// The date at the beginning of an identity number, if it can be a birth date.
pub(super) fn plausible_birth(number: &str) -> Option<u32> {
    let date = born_of(number)?;
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let is_date = (1900..2100).contains(&year) && (1..=12).contains(&month);
    (is_date && (1..=31).contains(&day)).then_some(date)
}

/// Whether two texts are the same name: each word of the shorter text matches a word of the other, in any
/// order.
pub(super) fn is_similar(one: &str, other: &str) -> bool {
    // Fast path, because most rows do not change a name.
    if one == other {
        return true;
    }
    let (one, other) = (words(one), words(other));
    let (few, many) = match one.len() <= other.len() {
        true => (one, other),
        false => (other, one),
    };
    if few.is_empty() {
        return many.is_empty();
    }
    let mut left = many;
    few.iter().all(|word| {
        let like = left.iter().position(|other| is_one_word(word, other));
        like.map(|at| left.swap_remove(at)).is_some()
    })
}

fn is_one_word(one: &str, other: &str) -> bool {
    let is_initial =
        |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    one == other
        || is_initial(one, other)
        || is_initial(other, one)
        || jaro_winkler(&sounds(one), &sounds(other)) >= SAME_NAME
        || jaro_winkler(one, other) >= SAME_NAME
}

/// A text in lower case, without accents and apostrophes.
pub fn plain_letters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.to_lowercase().nfkd() {
        match letter {
            'ø' => plain.push('o'),
            'æ' => plain.push_str("ae"),
            'ß' => plain.push_str("ss"),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'þ' => plain.push_str("th"),
            '\'' | '’' | '`' => {}
            other if unicode_normalization::char::is_combining_mark(other) => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The words of a name in lower case, without accents.
fn words(name: &str) -> Vec<String> {
    let plain = plain_letters(name);
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A phonetic form of a word, independent of its transliteration: `Youssef` and `Yusuf` are equal.
fn sounds(word: &str) -> String {
    const LIKE: [(&str, &str); 17] = [
        ("ph", "f"),
        ("ck", "k"),
        ("kh", "k"),
        ("ch", "k"),
        ("th", "t"),
        ("dh", "d"),
        ("gh", "g"),
        ("ae", "a"),
        ("oe", "o"),
        ("ou", "u"),
        ("oo", "u"),
        ("ee", "i"),
        ("x", "ks"),
        ("c", "k"),
        ("w", "v"),
        ("z", "s"),
        ("q", "k"),
    ];
    let mut text = word.to_owned();
    for (from, to) in LIKE {
        text = text.replace(from, to);
    }
    let text = text.replace(['y', 'j'], "i");
    let mut letters: Vec<char> = Vec::new();
    for letter in text.chars() {
        // Short vowels have several spellings.
        let letter = match letter {
            'e' => 'i',
            'o' => 'u',
            other => other,
        };
        if letters.last() != Some(&letter) {
            letters.push(letter);
        }
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_similar_and_names_of_two_people_are_not() {
        for (one, other) in [
            ("Åsa", "Aasa"),
            ("Håkan", "Hakan"),
            ("Youssef", "Yusuf"),
            ("Mohammed", "Muhamad"),
            ("Aleksandra", "Alexandra"),
            ("Christina", "Kristina"),
            ("Anna Maria", "Maria Anna"),
            ("Anna", "Anna Karin"),
            ("Lindström-Ek", "Ek Lindström"),
            ("Sjöberg", "Sjoeberg"),
            ("O'Neill", "ONeill"),
            ("A.", "Anna"),
        ] {
            assert!(is_similar(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("Anna", "Erik"),
            ("Emil", "Emma"),
            ("Karlsson", "Andersson"),
            ("Lindström", "Berg"),
            ("Anna Karin", "Erik Johan"),
        ] {
            assert!(!is_similar(one, other), "{one} {other}");
        }
    }

    #[test]
    fn two_changed_identifying_fields_change_the_person() {
        let spec = crate::targets::load("meitner").unwrap();
        let record = json!({
            "firstName": "Åsa", "lastName": "Ek", "dateOfBirth": "2010-04-02",
            "identityNumber": "20100402-2388",
        });
        let change = |field: &str, from: &str, to: &str| Change {
            field: field.to_owned(),
            from: Some(json!(from)),
            to: json!(to),
        };
        let first = || change("first_name", "Åsa", "Erik");
        let last = || change("last_name", "Ek", "Lindström");
        let born = || change("date_of_birth", "2010-04-02", "2011-05-03");
        let number = |to: &str| change("identity_number", "20100402-2388", to);
        let other = number("20110503-2385");
        let is_other = |changes: &[Change]| changes_person(&spec, &record, changes);
        assert!(is_other(&[first(), last()]));
        assert!(is_other(&[first(), born()]));
        assert!(is_other(&[last(), born()]));
        assert!(is_other(&[last(), other.clone()]), "by the number");
        for one in [first(), last(), born(), other] {
            assert!(!is_other(std::slice::from_ref(&one)), "{one:?}");
        }
        // The same date as in a coordination number, and swapped names.
        assert!(!is_other(&[first(), number("20100462-2388")]));
        let swapped = [
            change("first_name", "Åsa", "Ek"),
            change("last_name", "Ek", "Asa"),
        ];
        assert!(!is_other(&swapped));
        let none = Change {
            from: Some(Json::Null),
            ..born()
        };
        assert!(!is_other(&[first(), none]), "the record had no date");
        let mut silent = spec.clone();
        silent.person = None;
        assert!(!changes_person(&silent, &record, &[first(), last()]));
    }
}
