//! Columns at fault are derived from the error of a row.

use std::ops::Range;

/// The columns at fault, by what the row's error says of each by its header, and what it says.
pub(super) fn faults(
    header: &[String],
    outcome: &Range<usize>,
    error: &str,
) -> Vec<(usize, String)> {
    // Where a clause may begin: of those that begin with a header, the rest belongs to the one before.
    let starts = error.match_indices("; ").map(|(end, _)| end + 2);
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for start in std::iter::once(0).chain(starts) {
        let clause = &error[start..];
        let mut best: Option<(usize, usize)> = None;
        for (column, name) in header.iter().enumerate() {
            if name.is_empty() || outcome.contains(&column) {
                continue;
            }
            let Some(text) = clause.strip_prefix(name.as_str()).and_then(text_behind) else {
                continue;
            };
            // Of two headers of which one begins with the other, the longer one is meant.
            if best.is_none_or(|(_, other)| header[other].len() < name.len()) {
                best = Some((error.len() - text.len(), column));
            }
        }
        if let Some((text, column)) = best
            && found.iter().all(|(_, _, other)| *other != column)
        {
            found.push((start, text, column));
        }
    }
    let ends = found.iter().skip(1).map(|(start, ..)| start - 2);
    let ends: Vec<usize> = ends.chain([error.len()]).collect();
    let faults = found.iter().zip(ends);
    faults
        .map(|((_, text, column), end)| {
            let said = error.get(*text..end).unwrap_or_default();
            (*column, said.to_owned())
        })
        .collect()
}

/// What a clause says behind its header, and behind the API's own name for it where the API speaks.
fn text_behind(rest: &str) -> Option<&str> {
    if let Some(text) = rest.strip_prefix(": ") {
        return Some(text);
    }
    let (name, text) = rest.strip_prefix(" (")?.split_once("): ")?;
    (!name.contains("; ")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(header: &[&str], error: &str) -> Vec<(usize, String)> {
        let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
        faults(&header, &(9..10), error)
    }

    #[test]
    fn each_fault_is_of_the_column_that_the_error_names() {
        let header = ["Förnamn", "Mobil", "Mobil (arbete)"];
        let error = "Mobil: \"07\" is too short; look again; Förnamn (firstName): bad";
        assert_eq!(
            found(&header, error),
            [
                (1, "\"07\" is too short; look again".to_owned()),
                (0, "bad".to_owned())
            ]
        );
        assert_eq!(found(&header, "no Mobil: here"), []);
        assert_eq!(
            found(&header, "Mobil (arbete): bad; Mobil: worse"),
            [(2, "bad".to_owned()), (1, "worse".to_owned())]
        );
        assert_eq!(
            found(&["A", "B"], "A (x; B: y (z): w"),
            [(1, "y (z): w".to_owned())]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_error_is_too_strange(error in "[AB;: ()å]{0,24}") {
            for (column, said) in found(&["A", "A (B)", "B", "å"], &error) {
                proptest::prop_assert!(column < 4 && error.contains(&said));
            }
        }
    }
}
