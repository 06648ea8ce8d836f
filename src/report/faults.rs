//! Assignment of problems to the columns of a results file.

use std::ops::Range;

use crate::model::Problem;

/// Returns the columns with problems, each once, and the problems of each. `outcome` is the range of the
/// result columns.
pub(super) fn faults(
    header: &[String],
    outcome: &Range<usize>,
    problems: &[Problem],
) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for problem in problems.iter().filter(|one| !one.column.is_empty()) {
        let mut columns = header.iter().enumerate();
        let is_it = |(column, name): &(usize, &String)| {
            **name == problem.column && !outcome.contains(column)
        };
        let Some((column, _)) = columns.find(is_it) else {
            continue;
        };
        let message = problem.message.to_string();
        match found.iter_mut().find(|(other, _)| *other == column) {
            Some((_, text)) => {
                text.push_str("; ");
                text.push_str(&message);
            }
            None => found.push((column, message)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::l10n::Message;

    #[test]
    fn faults_are_assigned_to_the_columns_of_their_problems() {
        let header = ["Förnamn", "Mobil", "import_error", "Mobil (arbete)"].map(str::to_owned);
        let of = |column: &str, message: &str| Problem {
            column: column.to_owned(),
            ..Problem::of_row("x.y", Message::verbatim(message))
        };
        let problems = [
            of("Mobil (arbete)", "too short; look again"),
            of("Förnamn", "bad"),
            of("import_error", "ours"),
            of("", "of the row"),
            of("Förnamn", "worse"),
            of("Namn", "not here"),
        ];
        assert_eq!(
            faults(&header, &(2..3), &problems),
            [
                (3, "too short; look again".to_owned()),
                (0, "bad; worse".to_owned())
            ]
        );
    }
}
