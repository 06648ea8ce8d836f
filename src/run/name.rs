use jiff::Timestamp;
use rand::{Rng, RngExt};

/// A run's name: when it began, in UTC, and three letters that tell apart what began in the same
/// second.
pub fn run_name(started_at: Timestamp, random: &mut impl Rng) -> String {
    // No vowels, so that no word comes out.
    const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
    let time = started_at.strftime("%Y%m%d-%H%M%S");
    let letters: String = (0..3)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect();
    format!("{time}-{letters}")
}
