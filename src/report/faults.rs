use std::ops::Range;

/// The columns at fault, by what the row's error says of each by its header, and what it says.
pub(super) fn faults(
    header: &[String],
    outcome: &Range<usize>,
    error: &str,
) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for (column, name) in header.iter().enumerate() {
        if name.is_empty() || outcome.contains(&column) {
            continue;
        }
        for (start, _) in error.match_indices(name.as_str()) {
            let begins = start == 0 || error[..start].ends_with("; ");
            let rest = &error[start + name.len()..];
            // With the API's own name behind it where the API speaks.
            let text = match rest
                .strip_prefix(" (")
                .and_then(|rest| rest.split_once("): "))
            {
                Some((_, text)) => Some(text),
                None => rest.strip_prefix(": "),
            };
            if let Some(text) = text.filter(|_| begins) {
                found.push((start, error.len() - text.len(), column));
                break;
            }
        }
    }
    found.sort_unstable();
    let ends = found.iter().skip(1).map(|(start, ..)| start - 2);
    let ends: Vec<usize> = ends.chain([error.len()]).collect();
    let faults = found.iter().zip(ends);
    faults
        .map(|((_, text, column), end)| (*column, error[*text..end].to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_of_the_column_that_the_error_names() {
        let header = ["Förnamn", "Mobil", "import_error"].map(String::from);
        let error = "Mobil: \"07\" is too short; look again; Förnamn (firstName): bad";
        assert_eq!(
            faults(&header, &(2..3), error),
            [
                (1, "\"07\" is too short; look again".to_owned()),
                (0, "bad".to_owned())
            ]
        );
        assert_eq!(faults(&header, &(2..3), "no Mobil: here"), []);
    }
}
