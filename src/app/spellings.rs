//! The spellings of a key by which a person is found.

/// Returns the spellings of a key in rosters and APIs: as given, and for a number also without separators.
pub(super) fn spellings(key: &str) -> Vec<String> {
    let key = key.trim();
    let mut spellings = vec![key.to_owned()];
    let bare: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | ' ' | '+'))
        .collect();
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    // Swedish identity numbers are also searched with a century and with a hyphen.
    let whole = match bare.len() {
        10 if is_number => ["19", "20"]
            .map(|century| format!("{century}{bare}"))
            .to_vec(),
        12 if is_number => vec![bare.clone()],
        _ => Vec::new(),
    };
    for number in whole {
        spellings.push(format!("{}-{}", &number[..8], &number[8..]));
        spellings.push(number);
    }
    if is_number && bare != key {
        spellings.push(bare);
    }
    spellings
}

/// Returns the spellings by which a person is searched: also an identity number without its century.
pub(super) fn searched(key: &str) -> Vec<String> {
    let mut searched = spellings(key);
    let is_whole =
        |text: &&String| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole: Vec<String> = searched.iter().filter(is_whole).cloned().collect();
    for number in whole {
        // A plus sign stands for a hundred years or more.
        let (day, last) = (&number[2..8], &number[8..]);
        let short = ["", "-", "+"].map(|mark| format!("{day}{mark}{last}"));
        searched.extend(short);
    }
    searched.sort();
    searched.dedup();
    searched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_is_found_in_all_its_spellings() {
        let found = |key: &str| {
            let mut spellings = spellings(key);
            spellings.sort();
            spellings
        };
        let ten = [
            "191004022388",
            "19100402-2388",
            "201004022388",
            "20100402-2388",
        ];
        let with = |own: &[&str]| {
            let mut all: Vec<String> = own.iter().chain(&ten).map(|key| (*key).into()).collect();
            all.sort();
            all
        };
        assert_eq!(found("1004022388"), with(&["1004022388"]));
        assert_eq!(found(" 100402-2388 "), with(&["100402-2388", "1004022388"]));
        let twelve = ["20100402-2388", "201004022388"];
        assert_eq!(spellings("20100402-2388")[0], "20100402-2388");
        for key in twelve {
            let spellings = spellings(key);
            assert!(
                twelve
                    .iter()
                    .all(|twelve| spellings.iter().any(|key| key == twelve))
            );
            assert!(!spellings.iter().any(|key| key.starts_with("19")));
        }
        // A telephone number loses its separators and gets no century.
        assert_eq!(found("+46 70-123 45"), ["+46 70-123 45", "467012345"]);
        // Keys that are not numbers are unchanged, regardless of their length.
        for key in ["E-10482", "abcdefghij", "abcdefghijkl", "a-b", "-", ""] {
            assert_eq!(spellings(key), [key]);
        }
    }
}
