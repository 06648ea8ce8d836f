/// Whether a file of this name may be taken from a folder: not one that is still being written,
/// that an office program holds, or that is hidden.
pub fn may_be_taken(name: &str) -> bool {
    let lower = name.to_lowercase();
    let unfinished = [".part", ".tmp", ".crdownload", ".filepart", ".ready"];
    !lower.starts_with('.')
        && !lower.starts_with("~$")
        && !lower.contains(".~lock")
        && !unfinished.iter().any(|ending| lower.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::may_be_taken;

    #[test]
    fn unfinished_and_hidden_files_are_left() {
        for name in ["elever.csv", "Elever 2026.CSV", "part.csv"] {
            assert!(may_be_taken(name), "{name}");
        }
        for name in [
            "elever.csv.part",
            "x.TMP",
            "~$elever.xlsx",
            ".~lock.elever.csv#",
            ".hidden",
            "elever.csv.ready",
        ] {
            assert!(!may_be_taken(name), "{name}");
        }
    }
}
