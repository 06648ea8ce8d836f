//! Estimates the duration of a run.

use std::time::Duration;

/// The known state of the rate limit and the response times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Road {
    /// Requests that the rate limit allows immediately.
    pub level: f64,
    /// The interval between requests after the burst is used up.
    pub interval: Duration,
    /// The time until the first request, if the API requested a wait.
    pub wait: Duration,
    /// The average seconds per request at the current concurrency; `None` before the first response.
    pub pace: Option<f64>,
}

impl Road {
    /// The minimum duration of `requests` requests. Returns `None` if neither the rate limit nor response
    /// times allow an estimate.
    pub fn time_for(&self, requests: f64) -> Option<Duration> {
        if requests <= 0.0 {
            return Some(Duration::ZERO);
        }
        let paced = (requests - self.level).max(0.0) * self.interval.as_secs_f64();
        let answered = self.pace.map(|pace| requests * pace);
        if answered.is_none() && paced < 1.0 && self.wait.is_zero() {
            return None;
        }
        let seconds = paced.max(answered.unwrap_or(0.0));
        let time = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Some(self.wait.saturating_add(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_is_sent_at_once_and_the_rest_at_the_rate_limit() {
        let road = Road {
            level: 1500.0,
            interval: Duration::from_millis(2400),
            wait: Duration::ZERO,
            pace: None,
        };
        assert_eq!(road.time_for(0.0), Some(Duration::ZERO));
        assert_eq!(road.time_for(500.0), None, "nobody has answered yet");
        let hour = Duration::from_secs(3600);
        assert_eq!(road.time_for(3000.0), Some(hour));
        let held = Road { wait: hour, ..road };
        assert_eq!(held.time_for(3000.0), Some(hour * 2));
        let slow = Road {
            pace: Some(4.0),
            ..road
        };
        assert_eq!(slow.time_for(3000.0), Some(Duration::from_secs(12_000)));
    }

    #[test]
    fn without_rate_limit_or_response_times_there_is_no_estimate() {
        let seconds = Duration::from_secs;
        let road = Road {
            level: 10.0,
            interval: seconds(1),
            wait: Duration::ZERO,
            pace: None,
        };
        assert_eq!(road.time_for(10.0), None);
        assert_eq!(road.time_for(10.5), None, "less than a second of waiting");
        assert_eq!(road.time_for(11.0), Some(seconds(1)));
        // Spare burst capacity does not reduce the wait.
        let waiting = Road {
            wait: seconds(5),
            ..road
        };
        assert_eq!(waiting.time_for(1.0), Some(seconds(5)));
        assert_eq!(waiting.time_for(0.0), Some(Duration::ZERO));
        let answered = Road {
            pace: Some(0.5),
            ..road
        };
        assert_eq!(answered.time_for(4.0), Some(seconds(2)));
        assert_eq!(
            answered.time_for(30.0),
            Some(seconds(20)),
            "the quota is slower"
        );
        let never = Road {
            pace: Some(f64::MAX),
            ..waiting
        };
        assert_eq!(never.time_for(2.0), Some(Duration::MAX));
    }
}
