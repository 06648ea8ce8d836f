//! The result of a look-up.

use serde_json::Value as Json;

use super::answer::{Answer, Fault};
use super::stop::{Stop, status_and_code};
use super::verdict::Verdict;
use crate::clock::UnixNanos;
use crate::l10n::{Message, message};
use crate::model::Code;

/// The result of a look-up.
#[derive(Debug)]
pub enum Fetched {
    /// The JSON in the response.
    Json(Json),
    /// The response is successful but contains something else.
    NoJson,
    /// The run was halted before the response.
    Halted,
    /// There is no response. The run must stop, because nothing can be planned.
    Stopped(Stop),
}

/// The relevant response headers.
#[derive(Debug, Default)]
pub struct Beside {
    /// The version of the record (RFC 9110, section 8.8.3).
    pub(super) etag: Option<String>,
    /// The address of the next page (RFC 8288).
    pub link: Option<String>,
    /// The API's clock.
    pub date: Option<UnixNanos>,
}

/// Returns the reason why a look-up without a response stops the run. `sent` is the request body, and
/// `unreachable` creates the stop for an API that does not respond.
pub(super) fn why_stopped(
    verdict: Verdict,
    last: Result<(Answer, Option<Json>), Fault>,
    sent: Option<&[u8]>,
    unreachable: impl Fn(Message, Code) -> Stop,
) -> Stop {
    match last {
        Ok((answer, _)) if verdict == Verdict::Stop => {
            Stop::refused(answer, sent.unwrap_or_default(), true)
        }
        Ok((answer, _)) => Stop::LookUp {
            why: Message::verbatim(status_and_code(answer.status, &answer.code)),
            cause: Code::ApiAnswered,
            status: Some(answer.status),
            message: answer.said(sent.unwrap_or_default()),
        },
        Err(fault @ (Fault::Connect(_) | Fault::TimeOut)) => {
            unreachable(fault.message(), fault.cause())
        }
        Err(Fault::TooLarge) => {
            Stop::unreadable(message::stop_page_too_large(), Code::ApiPageTooLarge)
        }
        Err(fault) => Stop::unreadable(Message::verbatim(fault.code().to_string()), fault.cause()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::Trouble;

    #[test]
    fn a_look_up_without_a_response_stops_the_run_with_its_reason() {
        let stop = |verdict, last| {
            why_stopped(verdict, last, None, |why, cause| Stop::Unreachable {
                address: String::new(),
                why,
                cause,
                was_reached: false,
            })
        };
        let answered = |status| {
            let answer = Answer {
                status,
                ..Answer::default()
            };
            Ok((answer, None))
        };
        let refused = stop(Verdict::Stop, answered(403));
        assert!(matches!(refused, Stop::Refused { reading: true, .. }));
        let failed = stop(Verdict::Fail, answered(500));
        assert!(matches!(
            failed,
            Stop::LookUp {
                status: Some(500),
                cause: Code::ApiAnswered,
                ..
            }
        ));
        for fault in [Fault::Connect(Trouble::Refused), Fault::TimeOut] {
            let silent = stop(Verdict::Fail, Err(fault));
            assert!(matches!(silent, Stop::Unreachable { .. }), "{fault:?}");
        }
        for (fault, expected) in [
            (Fault::TooLarge, Code::ApiPageTooLarge),
            (Fault::Lost, Code::NetworkLost),
        ] {
            let Stop::LookUp { cause, status, .. } = stop(Verdict::Fail, Err(fault)) else {
                panic!("{fault:?}");
            };
            assert_eq!((cause, status), (expected, None));
        }
    }
}
