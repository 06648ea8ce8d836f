//! Run names consist of their start time and three letters.

use jiff::Timestamp;
use rand::{Rng, RngExt};

/// Returns a run's name: its start time in UTC and three letters that distinguish runs of the same second.
pub fn run_name(started_at: Timestamp, random: &mut impl Rng) -> String {
    // Without vowels, the letters form no words.
    const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
    let time = started_at.strftime("%Y%m%d-%H%M%S");
    let letters: String = (0..3)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect();
    format!("{time}-{letters}")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn a_name_is_the_moment_and_three_letters_by_chance() {
        let began = "2026-08-20T18:00:00.9Z".parse().unwrap();
        let name = |seed| run_name(began, &mut SmallRng::seed_from_u64(seed));
        let first = name(1);
        let letters = first.strip_prefix("20260820-180000-").unwrap();
        assert_eq!(letters.len(), 3);
        assert!(!letters.contains(['a', 'e', 'i', 'o', 'u', 'y']), "{first}");
        assert!((2..9).any(|seed| name(seed) != first));
    }
}
