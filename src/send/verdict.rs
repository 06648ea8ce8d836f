//! The verdict on an attempt.

use super::answer::{Answer, Fault};
use crate::targets::TargetSpec;

/// The consequence of an attempt for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The API accepted the request.
    Accept,
    /// The request is retried.
    Retry,
    /// The API refuses the row.
    Reject,
    /// The row cannot be delivered.
    Fail,
    /// The run must stop, because every further row would have the same result.
    Stop,
}

/// Returns the verdict on a response or its absence: a pure function of the target, the response, and whether
/// attempts are left.
///
/// `repeatable` is whether a request that the API may have carried out can be resent: a look-up, or an update
/// if the target is idempotent.
/// or an update that the target calls idempotent.
pub fn verdict(
    spec: &TargetSpec,
    result: Result<&Answer, &Fault>,
    repeatable: bool,
    attempts_left: bool,
) -> Verdict {
    let retry = |otherwise| {
        if attempts_left {
            Verdict::Retry
        } else {
            otherwise
        }
    };
    match result {
        Ok(answer) if answer.sign_in_refused || answer.foreign.is_some() => Verdict::Stop,
        Ok(answer) => match answer.status {
            200..300 => Verdict::Accept,
            403 if answer.is_throttled() => retry(Verdict::Fail),
            status if spec.answers.retry.contains(&status) => retry(Verdict::Fail),
            status if spec.answers.stop.contains(&status) => Verdict::Stop,
            status if spec.answers.reject.contains(&status) => Verdict::Reject,
            // Statuses that the target file does not list: a client error rejects the row, any other is a
            // transport failure.
            400..500 => Verdict::Reject,
            _ => Verdict::Fail,
        },
        // The request was not sent.
        Err(Fault::Connect(_)) => retry(Verdict::Fail),
        // The API may have carried out the request.
        Err(Fault::TimeOut | Fault::Lost) if repeatable => retry(Verdict::Fail),
        Err(Fault::TimeOut | Fault::Lost) => Verdict::Fail,
        // The page would exceed the limit again.
        Err(Fault::TooLarge) => Verdict::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::Trouble;

    #[test]
    fn each_response_has_its_verdict() {
        let spec = crate::targets::load("meitner").unwrap();
        let of = |status: u16, left: bool| {
            let answer = Answer {
                status,
                ..Answer::default()
            };
            verdict(&spec, Ok(&answer), true, left)
        };
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(status, true), Verdict::Accept, "{status}");
            assert_eq!(of(status, false), Verdict::Accept, "{status}");
        }
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(of(status, true), Verdict::Retry, "{status}");
            assert_eq!(of(status, false), Verdict::Fail, "{status}");
        }
        for status in [400, 404, 405, 409, 418, 422] {
            assert_eq!(of(status, true), Verdict::Reject, "{status}");
        }
        for status in [401, 403] {
            assert_eq!(of(status, true), Verdict::Stop, "{status}");
        }
        let throttled = |status, left| {
            let answer = Answer {
                status,
                asks_to_wait: true,
                ..Answer::default()
            };
            verdict(&spec, Ok(&answer), true, left)
        };
        assert_eq!(throttled(403, true), Verdict::Retry);
        assert_eq!(throttled(403, false), Verdict::Fail);
        assert_eq!(throttled(401, true), Verdict::Stop);
        for status in [100, 302, 501, 599] {
            assert_eq!(of(status, true), Verdict::Fail, "{status}");
        }
        let foreign = Answer {
            status: 200,
            foreign: Some(crate::model::Code::AnswerHtml),
            ..Answer::default()
        };
        assert_eq!(verdict(&spec, Ok(&foreign), true, true), Verdict::Stop);
        let refused = Answer {
            status: 404,
            sign_in_refused: true,
            ..Answer::default()
        };
        assert_eq!(verdict(&spec, Ok(&refused), true, true), Verdict::Stop);
        for fault in [
            Fault::Connect(Trouble::Refused),
            Fault::TimeOut,
            Fault::Lost,
        ] {
            assert_eq!(verdict(&spec, Err(&fault), true, true), Verdict::Retry);
            assert_eq!(verdict(&spec, Err(&fault), true, false), Verdict::Fail);
        }
        let once = |fault: Fault| verdict(&spec, Err(&fault), false, true);
        assert_eq!(once(Fault::Connect(Trouble::Refused)), Verdict::Retry);
        assert_eq!(once(Fault::TimeOut), Verdict::Fail);
        assert_eq!(once(Fault::Lost), Verdict::Fail);
        // An oversized response may follow an update that was applied.
        for (repeatable, left) in [(true, true), (true, false), (false, true)] {
            let too_large = verdict(&spec, Err(&Fault::TooLarge), repeatable, left);
            assert_eq!(too_large, Verdict::Fail);
        }
    }

    #[test]
    fn statuses_of_the_target_file_take_precedence_over_their_class() {
        let mut spec = crate::targets::load("meitner").unwrap();
        spec.answers.reject.push(507);
        spec.answers.stop.push(402);
        spec.answers.retry.push(408);
        for (status, expected) in [
            (507, Verdict::Reject),
            (402, Verdict::Stop),
            (408, Verdict::Retry),
            (508, Verdict::Fail),
            (410, Verdict::Reject),
        ] {
            let answer = Answer {
                status,
                ..Answer::default()
            };
            assert_eq!(
                verdict(&spec, Ok(&answer), true, true),
                expected,
                "{status}"
            );
        }
    }
}
