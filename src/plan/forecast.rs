use std::time::Duration;

/// The shortest time in which `requests` can be made where `at_once` go without waiting and one
/// more every `interval`.
pub fn shortest_time(requests: u64, at_once: u64, interval: Duration) -> Duration {
    let paced = requests.saturating_sub(at_once);
    Duration::try_from_secs_f64(interval.as_secs_f64() * paced as f64).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_goes_at_once_and_the_rest_at_the_quotas_pace() {
        let interval = Duration::from_millis(2400);
        assert_eq!(shortest_time(500, 1500, interval), Duration::ZERO);
        assert_eq!(
            shortest_time(3000, 1500, interval),
            Duration::from_secs(3600)
        );
    }
}
