//! Recognizes the totals and row counts that stand below the rows of a roster.

/// Whether a row is a total or a row count: `(3 rows affected)`, `Antal elever: 150`, or `Summa` beside
/// numbers. Letters stand in its first filled cell only.
pub fn is_total<'a>(cells: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut filled = cells
        .map(<[u8]>::trim_ascii)
        .filter(|cell| !cell.is_empty());
    let Some(first) = filled.next() else {
        return false;
    };
    let has_letters = |cell: &[u8]| {
        cell.iter()
            .any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
    };
    (is_count(first) || begins_with_total(first)) && !filled.any(has_letters)
}

/// Whether a cell is a row count that a program prints: `(3 rows affected)`, `3 rows selected.`, `150 elever`.
fn is_count(text: &[u8]) -> bool {
    const COUNTED: [&str; 6] = ["row", "rad", "record", "elev", "pupil", "student"];
    let text = text.strip_prefix(b"(").unwrap_or(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let word = text[digits..].strip_prefix(b" ").unwrap_or_default();
    let begins = |begin: &&str| {
        let own = word.get(..begin.len());
        own.is_some_and(|own| own.eq_ignore_ascii_case(begin.as_bytes()))
    };
    digits > 0 && COUNTED.iter().any(begins)
}

/// Whether the first word of a cell names a total.
fn begins_with_total(text: &[u8]) -> bool {
    const TOTALS: [&str; 9] = [
        "summa",
        "delsumma",
        "slutsumma",
        "totalsumma",
        "totalt",
        "total",
        "antal",
        "sum",
        "count",
    ];
    let is_letter = |byte: &&u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let word = &text[..text.iter().take_while(is_letter).count()];
    TOTALS
        .iter()
        .any(|total| word.eq_ignore_ascii_case(total.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::is_total;

    #[test]
    fn totals_and_row_counts_are_recognized_by_their_first_words() {
        for (row, expected) in [
            ("(3 rows affected)", true),
            ("1 rad.", true),
            ("150 elever", true),
            ("Antal elever: 150", true),
            ("Summa", true),
            (";;Summa:;150", true),
            ("TOTALT;25;24", true),
            ("Total=3", true),
            // Part of an address, and persons.
            ("2 tr", false),
            ("Summagatan 3", false),
            ("Sum;Anna;Ek", false),
            ("Antal;Åsa", false),
            ("150", false),
            ("elever", false),
            (" ; ", false),
        ] {
            assert_eq!(
                is_total(row.split(';').map(str::as_bytes)),
                expected,
                "{row}"
            );
        }
    }
}
