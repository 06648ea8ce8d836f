//! A rate is a number of requests per period.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::l10n::say;
use crate::targets::RateUnit;

/// A number of requests per period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The number of requests.
    pub requests: f64,
    /// The period.
    pub per: RateUnit,
}

/// One request per nanosecond: as fast as responses arrive, unless the API reports a limit.
const UNLIMITED: Rate = Rate {
    requests: 1e9,
    per: RateUnit::Second,
};

const UNLIMITED_TEXT: &str = "unlimited";

/// The reason why a rate is invalid.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", say().rate_unclear(.0.as_str()))]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError(text.to_owned());
        if text == UNLIMITED_TEXT {
            return Ok(UNLIMITED);
        }
        let (requests, unit) = text.split_once('/').ok_or_else(error)?;
        let requests: f64 = requests.trim().parse().map_err(|_| error())?;
        let per = match unit.trim() {
            "s" => RateUnit::Second,
            "m" => RateUnit::Minute,
            "h" => RateUnit::Hour,
            "d" => RateUnit::Day,
            _ => return Err(error()),
        };
        let rate = Rate { requests, per };
        // Allows one request per year to one per nanosecond.
        let sane = Duration::from_nanos(1)..=Duration::from_secs(366 * 86_400);
        if sane.contains(&rate.interval()) {
            Ok(rate)
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == UNLIMITED {
            return f.write_str(UNLIMITED_TEXT);
        }
        let a_second = self.requests / self.per.seconds() as f64;
        // A rate of millions per hour is hard to read.
        if self.per != RateUnit::Second && a_second >= 10.0 {
            write!(f, "{}/s", (a_second * 100.0).round() / 100.0)
        } else {
            write!(f, "{}/{}", self.requests, self.per.letter())
        }
    }
}

impl Rate {
    /// Returns the time per request, or [`Duration::MAX`] for a rate of zero.
    pub fn interval(&self) -> Duration {
        Duration::try_from_secs_f64(self.per.seconds() as f64 / self.requests)
            .unwrap_or(Duration::MAX)
    }

    /// Returns whether a bucket of `burst` at this rate can be represented: it fills within a century, and
    /// gains at most one request per nanosecond.
    pub fn is_sane_with(&self, burst: NonZeroU32) -> bool {
        const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
        let interval = self.interval();
        interval >= Duration::from_nanos(1)
            && interval
                .checked_mul(burst.get())
                .is_some_and(|full| full <= CENTURY)
    }

    /// Returns the part of the rate given by `share`.
    pub fn part(&self, share: f64) -> Rate {
        Rate {
            requests: self.requests * share,
            per: self.per,
        }
    }
}

/// The quota of a run: the target's, the user's settings, and the API's rate-limit headers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// The rate of the target.
    pub own: Rate,
    /// The number of requests that a full bucket of the target allows at once.
    pub own_burst: u32,
    /// The user's rate. It replaces the target's, and rate-limit headers can only lower it.
    pub ceiling: Option<Rate>,
    /// The user's burst.
    pub burst: Option<NonZeroU32>,
    /// The share of the quota to use, above 0 and at most 1.
    pub share: f64,
}

impl Pace {
    /// Creates the quota of a target, without limits of the user.
    pub fn of(own: Rate, own_burst: u32) -> Pace {
        Pace {
            own,
            own_burst,
            ceiling: None,
            burst: None,
            share: 1.0,
        }
    }

    /// Returns the API's rate and the depth of its bucket, given the limit in its headers. All processes
    /// share it, regardless of their own limits.
    pub(super) fn shared(&self, announced: Option<Rate>) -> (Rate, NonZeroU32) {
        let rate = announced.unwrap_or_else(|| match self.ceiling {
            // The user knows that the API allows more than the target file states.
            Some(ceiling) if ceiling.interval() < self.own.interval() => ceiling,
            _ => self.own,
        });
        (rate, whole(self.depth(announced)))
    }

    /// Returns the rate and depth after the user's rate and share.
    pub(super) fn limited(&self, announced: Option<Rate>) -> (Rate, NonZeroU32) {
        let mut rate = self.shared(announced).0;
        let mut depth = self.depth(announced);
        if let Some(ceiling) = self.ceiling {
            if ceiling.interval() >= rate.interval() {
                rate = ceiling;
            }
            // A bucket deeper than a period's requests would not be that rate, unless it is requested.
            let burst = self.deep_burst().map_or(0.0, f64::from);
            depth = depth.min(rate.requests.ceil().max(burst));
        }
        (rate.part(self.share), whole(depth * self.share))
    }

    /// Returns the current rate and burst, given the limit in the API's headers.
    pub fn in_force(&self, announced: Option<Rate>) -> (Rate, NonZeroU32) {
        let (rate, depth) = self.limited(announced);
        (rate, self.burst.map_or(depth, |burst| burst.min(depth)))
    }

    /// Returns a burst of more than one period's requests, which is part of the user's rate.
    fn deep_burst(&self) -> Option<u32> {
        let requests = self.ceiling?.requests.ceil();
        let burst = self.burst?.get();
        (f64::from(burst) > requests).then_some(burst)
    }

    /// Returns the identity of the user's rate and share, if any. Processes with the same settings share a
    /// bucket. A bucket has one depth, so a deep burst has a separate one.
    pub(super) fn limit_name(&self) -> Option<String> {
        let is_limited = self.ceiling.is_some() || self.share < 1.0;
        let name = match self.ceiling {
            Some(rate) => format!("{} of {}/{}", self.share, rate.requests, rate.per.letter()),
            None => self.share.to_string(),
        };
        let name = match self.deep_burst() {
            Some(burst) => format!("{name}, {burst} at once"),
            None => name,
        };
        is_limited.then_some(name)
    }

    /// Returns whether the buckets can be represented: see [`Rate::is_sane_with`].
    pub(super) fn is_sane(&self, announced: Option<Rate>) -> bool {
        [self.shared(announced), self.limited(announced)]
            .iter()
            .all(|(rate, depth)| rate.is_sane_with(*depth))
    }

    /// Returns the depth of the API's bucket, which grows with its rate.
    fn depth(&self, announced: Option<Rate>) -> f64 {
        let ratio = announced.map_or(1.0, |announced| {
            self.own.interval().as_secs_f64() / announced.interval().as_secs_f64()
        });
        f64::from(self.own_burst) * ratio
    }
}

/// Rounds a depth to whole requests, at least one.
fn whole(depth: f64) -> NonZeroU32 {
    let whole = depth.floor().clamp(1.0, f64::from(u32::MAX));
    NonZeroU32::new(whole as u32).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(
            "1500/h".parse::<Rate>().unwrap().interval(),
            Duration::from_millis(2400)
        );
        assert_eq!(
            "0.5/s".parse::<Rate>().unwrap().interval(),
            Duration::from_secs(2)
        );
        assert_eq!(
            "1500/h".parse::<Rate>().unwrap().part(0.8).to_string(),
            "1200/h"
        );
        let unlimited: Rate = "unlimited".parse().unwrap();
        assert_eq!(unlimited.to_string(), "unlimited");
        assert!(unlimited.is_sane_with(NonZeroU32::MAX));
        for bad in [
            "1500", "0/h", "-1/h", "1/w", "x/h", "inf/s", "NaN/s", "1e-9/d",
        ] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_announced_limit_replaces_the_targets_and_is_capped_by_the_users() {
        let rate = |text: &str| text.parse::<Rate>().unwrap();
        let mut pace = Pace::of(rate("1500/h"), 1500);
        let in_force = |pace: &Pace, announced: Option<&str>| {
            let (rate, burst) = pace.in_force(announced.map(rate));
            (rate.to_string(), burst.get())
        };
        assert_eq!(in_force(&pace, None), ("1500/h".into(), 1500));
        assert_eq!(in_force(&pace, Some("5000/h")), ("5000/h".into(), 5000));
        assert_eq!(in_force(&pace, Some("300/h")), ("300/h".into(), 300));
        pace.share = 0.8;
        assert_eq!(in_force(&pace, Some("5000/h")), ("4000/h".into(), 4000));
        pace.share = 1.0;
        pace.ceiling = Some(rate("1000/h"));
        assert_eq!(in_force(&pace, None), ("1000/h".into(), 1000));
        assert_eq!(in_force(&pace, Some("5000/h")), ("1000/h".into(), 1000));
        assert_eq!(in_force(&pace, Some("500/h")), ("500/h".into(), 500));
        pace.burst = NonZeroU32::new(3);
        assert_eq!(in_force(&pace, Some("5000/h")), ("1000/h".into(), 3));
        pace.ceiling = Some(rate("1/h"));
        assert_eq!(in_force(&pace, None), ("1/h".into(), 3));
        pace.burst = None;
        assert_eq!(in_force(&pace, None), ("1/h".into(), 1));
    }

    #[test]
    fn a_deep_burst_has_a_separate_bucket() {
        let name = |burst: u32| {
            let pace = Pace {
                ceiling: Some("100/h".parse().unwrap()),
                burst: NonZeroU32::new(burst),
                ..Pace::of("1500/h".parse().unwrap(), 1500)
            };
            (pace.limit_name(), pace.limited(None).1.get())
        };
        let shallow = name(0);
        assert_eq!(shallow.1, 100);
        assert_eq!(name(5), shallow);
        assert_eq!(name(100), shallow);
        let deep = name(101);
        assert_eq!(deep.1, 101);
        assert_ne!(deep.0, shallow.0);
        assert_ne!(name(1000).0, deep.0);
    }

    #[test]
    fn rates_between_one_per_year_and_one_per_nanosecond_are_parsed() {
        let seconds = |text: &str| text.parse::<Rate>().map(|rate| rate.interval().as_secs());
        for (text, expected) in [
            ("1/s", 1),
            ("1/m", 60),
            ("1/h", 3600),
            ("1/d", 86_400),
            (" 1 / d ", 86_400),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert!("0.00274/d".parse::<Rate>().is_ok());
        assert!("0.0027/d".parse::<Rate>().is_err());
        assert!("1e9/s".parse::<Rate>().is_ok());
        assert!("3e9/s".parse::<Rate>().is_err());
    }

    #[test]
    fn large_rates_are_shown_per_second() {
        let shown = |text: &str| text.parse::<Rate>().unwrap().to_string();
        for (text, expected) in [
            ("1500/h", "1500/h"),
            ("36000/h", "10/s"),
            ("35999/h", "35999/h"),
            ("1000000/h", "277.78/s"),
            ("600/m", "10/s"),
            ("12.345/s", "12.345/s"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bucket_that_would_take_more_than_a_century_to_fill_is_refused() {
        let rate: Rate = "1/d".parse().unwrap();
        let sane = |burst| rate.is_sane_with(NonZeroU32::new(burst).unwrap());
        assert!(sane(36_600) && !sane(36_601));
        let fast = Rate {
            requests: 3e9,
            per: RateUnit::Second,
        };
        assert!(!fast.is_sane_with(NonZeroU32::MIN));
    }

    #[test]
    fn limits_of_a_command_do_not_change_the_shared_bucket() {
        let rate = |text: &str| text.parse::<Rate>().unwrap();
        let usual = Pace::of(rate("1500/h"), 1500);
        let shared = |pace: Pace, announced: Option<&str>| {
            let (rate, depth) = pace.shared(announced.map(rate));
            (rate.to_string(), depth.get())
        };
        for limited in [
            Pace {
                share: 0.1,
                ..usual
            },
            Pace {
                ceiling: Some(rate("300/h")),
                ..usual
            },
            Pace {
                burst: NonZeroU32::new(7),
                ..usual
            },
            Pace {
                burst: NonZeroU32::new(9000),
                ..usual
            },
        ] {
            for (announced, depth) in [(None, 1500), (Some("5000/h"), 5000)] {
                let text = announced.unwrap_or("1500/h").to_owned();
                assert_eq!(shared(limited, announced), (text, depth), "{limited:?}");
            }
        }
        // The user may set a higher rate than the target file if the API reports no limit.
        let faster = Pace {
            ceiling: Some(rate("5/s")),
            ..usual
        };
        assert_eq!(shared(faster, None), ("5/s".into(), 1500));
        assert_eq!(shared(faster, Some("300/h")), ("300/h".into(), 300));
        assert_eq!(faster.in_force(None).1.get(), 5);
        let beyond = Pace {
            burst: NonZeroU32::new(9000),
            ..usual
        };
        assert_eq!(beyond.in_force(None).1.get(), 1500, "a burst only limits");
    }

    #[test]
    fn a_user_rate_equal_to_the_apis_has_the_depth_of_its_period() {
        let rate = |text: &str| text.parse::<Rate>().unwrap();
        let depth = |ceiling: &str| {
            let pace = Pace {
                ceiling: Some(rate(ceiling)),
                ..Pace::of(rate("36000/h"), 36_000)
            };
            pace.limited(None).1.get()
        };
        for (ceiling, expected) in [
            ("9/s", 9),
            ("10/s", 10),
            ("11/s", 11),
            ("600/m", 600),
            ("36000/h", 36_000),
        ] {
            assert_eq!(depth(ceiling), expected, "{ceiling}");
        }
    }

    #[test]
    fn only_a_limit_has_a_name() {
        let rate = |text: &str| text.parse::<Rate>().unwrap();
        let name = |ceiling: Option<&str>, share: f64| {
            let pace = Pace {
                own: rate("1500/h"),
                own_burst: 1500,
                ceiling: ceiling.map(rate),
                burst: NonZeroU32::new(7),
                share,
            };
            pace.limit_name()
        };
        assert_eq!(name(None, 1.0), None);
        let names = [
            name(None, 0.5),
            name(None, 0.4),
            name(Some("36000/h"), 1.0),
            // An equally fast rate with a bucket of a tenth of a second.
            name(Some("10/s"), 1.0),
            name(Some("10/s"), 0.5),
        ];
        for (number, one) in names.iter().enumerate() {
            assert!(one.is_some());
            assert!(!names[..number].contains(one), "{one:?}");
        }
    }
}
