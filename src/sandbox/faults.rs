//! Fault injection into responses.

use std::str::FromStr;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use thiserror::Error;

/// Injected faults with their rates: `500=2%,stall=0.5%:60s`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    each: Vec<(Fault, f64)>,
}

/// An injected fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// An error of the API. The request is not executed.
    Status {
        status: u16,
        /// The value of the `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// The connection is reset before the request is executed.
    Reset,
    /// The connection is closed before the request is executed.
    Close,
    /// The connection is idle for this time and then closed.
    Stall(Duration),
    /// The response is delayed by this time.
    Slow(Duration),
    /// The request is executed, and the body of the response is truncated halfway.
    Truncate,
    /// The response is not valid HTTP. The request is not executed.
    Garbage,
    /// A proxy's error page replaces the response. The request is not executed.
    Html,
    /// The request is executed, and the connection is closed without a response.
    LostAnswer,
}

impl Fault {
    /// Returns the name of the fault in options and counts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Fault::Status { .. } => "status",
            Fault::Reset => "reset",
            Fault::Close => "close",
            Fault::Stall(_) => "stall",
            Fault::Slow(_) => "slow",
            Fault::Truncate => "truncate",
            Fault::Garbage => "garbage",
            Fault::Html => "html",
            Fault::LostAnswer => "lost-answer",
        }
    }
}

/// The error of an invalid list of faults.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "\"{0}\" is no fault such as 500=2%, 503=1%:retry-after=2, reset=1%, stall=0.5%:60s, slow=5%:800ms, truncate=1%, garbage=1%, html=1%, lost-answer=1% or close=2%"
)]
pub struct FaultsError(String);

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let parts = text.split(',').map(str::trim);
        let each: Vec<(Fault, f64)> = parts
            .map(|part| one(part).ok_or_else(|| FaultsError(part.to_owned())))
            .collect::<Result<_, _>>()?;
        if each.iter().map(|(_, part)| part).sum::<f64>() > 1.0 {
            return Err(FaultsError(format!("{text}: more than 100% in all")));
        }
        Ok(Faults { each })
    }
}

/// Parses `name=rate%` or `name=rate%:parameter`.
fn one(text: &str) -> Option<(Fault, f64)> {
    let (name, rest) = text.split_once('=')?;
    let (part, parameter) = match rest.split_once(':') {
        Some((part, parameter)) => (part, Some(parameter)),
        None => (rest, None),
    };
    let part: f64 = part.strip_suffix('%')?.parse().ok()?;
    let part = (0.0..=100.0).contains(&part).then_some(part / 100.0)?;
    let time = |default: Duration| match parameter {
        None => Some(default),
        Some(text) => {
            let time: jiff::SignedDuration = text.parse().ok()?;
            Duration::try_from(time).ok()
        }
    };
    let fault = match name {
        "stall" => Fault::Stall(time(Duration::from_secs(60))?),
        "slow" => Fault::Slow(time(Duration::from_millis(800))?),
        name => {
            let fault = match name {
                "reset" => Fault::Reset,
                "close" => Fault::Close,
                "truncate" => Fault::Truncate,
                "garbage" => Fault::Garbage,
                "html" => Fault::Html,
                "lost-answer" => Fault::LostAnswer,
                status => {
                    let status = status.parse().ok()?;
                    let retry_after = match parameter {
                        None => None,
                        Some(text) => Some(text.strip_prefix("retry-after=")?.parse().ok()?),
                    };
                    let fault = Fault::Status {
                        status,
                        retry_after,
                    };
                    return (400..600).contains(&status).then_some((fault, part));
                }
            };
            if parameter.is_some() {
                return None;
            }
            fault
        }
    };
    Some((fault, part))
}

/// Draws faults reproducibly from a seed.
#[derive(Debug)]
pub(super) struct Draw {
    faults: Faults,
    random: SmallRng,
}

impl Draw {
    pub(super) fn new(faults: Faults, seed: u64) -> Draw {
        Draw {
            faults,
            random: SmallRng::seed_from_u64(seed),
        }
    }

    /// Returns the fault of the next request, if any.
    pub(super) fn next(&mut self) -> Option<Fault> {
        if self.faults.each.is_empty() {
            return None;
        }
        let mut left: f64 = self.random.random_range(0.0..1.0);
        for (fault, part) in &self.faults.each {
            if left < *part {
                return Some(*fault);
            }
            left -= part;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_occur_at_the_requested_rates() {
        let faults: Faults =
            "500=2%,503=1%:retry-after=2,stall=0.5%:60s,slow=5%:800ms,lost-answer=1%"
                .parse()
                .unwrap();
        assert_eq!(
            faults.each[1].0,
            Fault::Status {
                status: 503,
                retry_after: Some(2)
            }
        );
        assert_eq!(faults.each[2].0, Fault::Stall(Duration::from_secs(60)));
        let drawn = |seed| {
            let mut draw = Draw::new(faults.clone(), seed);
            (0..10_000).map(|_| draw.next()).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let all = drawn(1);
        let slow = all
            .iter()
            .filter(|fault| matches!(fault, Some(Fault::Slow(_))))
            .count();
        assert!((400..600).contains(&slow), "{slow}");
    }

    #[test]
    fn an_invalid_fault_is_refused() {
        for bad in [
            "",
            "500",
            "500=2",
            "200=1%",
            "reset=1%:3",
            "stall=1%:x",
            "500=1%:2",
            "nap=1%",
            "500=101%",
            "500=-1%",
            "500=60%,503=60%",
        ] {
            assert!(bad.parse::<Faults>().is_err(), "{bad}");
        }
    }
}
