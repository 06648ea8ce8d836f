//! The waits between attempts.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The limits of the waits between attempts.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Backoff {
    /// The maximum wait before the second attempt.
    pub first: Duration,
    /// The maximum of all waits.
    pub most: Duration,
}

impl Default for Backoff {
    /// Doubles from one second to thirty.
    fn default() -> Self {
        Backoff {
            first: Duration::from_secs(1),
            most: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// Returns the wait after attempt number `attempt` (from 1): a random time up to the exponential step
    /// ("full jitter"), so that failed requests are not retried at the same time.
    pub fn wait(&self, attempt: u32, random: &mut impl Rng) -> Duration {
        let doublings = 2u32
            .checked_pow(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let most = self.first.saturating_mul(doublings).min(self.most);
        most.mul_f64(random.random_range(0.0..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_with_full_jitter() {
        let backoff = Backoff::default();
        let mut random = SmallRng::seed_from_u64(7);
        for (attempt, most) in [(1, 1), (2, 2), (3, 4), (6, 30), (u32::MAX, 30)] {
            let most = Duration::from_secs(most);
            let waits: Vec<Duration> = (0..500)
                .map(|_| backoff.wait(attempt, &mut random))
                .collect();
            assert!(waits.iter().all(|wait| *wait <= most));
            assert!(waits.iter().any(|wait| *wait > most.mul_f64(0.9)));
            assert!(waits.iter().any(|wait| *wait < most.mul_f64(0.1)));
        }
    }
}
