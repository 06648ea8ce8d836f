//! Requests to end or pause a run, and the reasons why sending stopped.

use super::answer::Answer;
use crate::l10n::{Message, message};
use crate::model::{Code, Fact, Held, Stopped, is_code, visible};

/// A request to stop or pause a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    /// No request.
    None,
    /// Sends no new row until the request is withdrawn.
    Pause,
    /// Lets requests in progress finish.
    Finish,
    /// Cancels requests in progress.
    Now,
}

/// The reason why sending ended before its last row.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The API refused the credentials.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The API's error code, if it is well-formed.
        code: String,
        /// The API's message, without quoted values: for the user's terminal, not for logs.
        message: String,
        /// Whether the request only read.
        reading: bool,
    },
    /// A successful response does not come from the API: it lacks the expected content.
    Foreign {
        /// The HTTP status.
        status: u16,
        /// What the response contains instead.
        what: Code,
        /// A description of the response without quotations from it: for the user's terminal, not for logs.
        message: String,
    },
    /// The API does not respond.
    Unreachable {
        /// The requested address.
        address: String,
        /// The reason.
        why: Message,
        /// The reason as a code.
        cause: Code,
        /// Whether the API responded earlier in this run.
        was_reached: bool,
    },
    /// Almost every row ends in the same error.
    Failing {
        /// The HTTP status.
        status: u16,
        /// The status and the error code.
        error: String,
        /// The API's message, without quoted values: for the user's terminal, not for logs.
        message: String,
        /// The header of the column that only some accounts may change, if the error is about it.
        column: Option<String>,
    },
    /// A guard holds the run before anything is sent.
    Held {
        /// The reason.
        why: Held,
    },
    /// The first rows do not contain the values that were sent.
    Canary {
        /// The finding, for the user's terminal.
        why: Message,
        /// The finding, for logs.
        fact: Fact,
    },
    /// Records could not be read, so nothing could be planned.
    LookUp {
        /// The reason, for the user's terminal.
        why: Message,
        /// The reason as a code.
        cause: Code,
        /// The status, if the API responded with an error.
        status: Option<u16>,
        /// The API's message, without quoted values: for the user's terminal, not for logs.
        message: String,
    },
    /// The batch is complete, or the quota is used up. The run continues later.
    Due {
        /// The delay until the run continues.
        after: std::time::Duration,
    },
    /// The user requested the stop.
    Asked,
}

impl Stop {
    /// Creates the stop for records that could not be read for another reason than an error of the API.
    pub fn unreadable(why: Message, cause: Code) -> Stop {
        Stop::LookUp {
            why,
            cause,
            status: None,
            message: String::new(),
        }
    }

    /// Returns whether the credentials may allow updates but not reads.
    pub fn may_not_read(&self) -> bool {
        matches!(
            self,
            Stop::Refused {
                status: 403,
                reading: true,
                ..
            } | Stop::LookUp {
                status: Some(403 | 404),
                ..
            }
        )
    }

    /// Returns whether the stop invalidates the plan, because records may have been reported as missing.
    pub fn disproves_plan(&self) -> bool {
        let cause = match self {
            Stop::LookUp { cause, .. } => Some(*cause),
            _ => None,
        };
        cause == Some(Code::ApiIncomplete)
    }

    /// Returns the stop for a response that refuses the credentials or does not come from the API.
    pub(super) fn refused(answer: Answer, body: &[u8], reading: bool) -> Stop {
        if let Some(what) = answer.foreign {
            return Stop::Foreign {
                status: answer.status,
                what,
                message: answer.said(body),
            };
        }
        let message = answer.said(body);
        let code = Some(answer.code).filter(|code| is_code(code));
        Stop::Refused {
            status: answer.status,
            code: code.unwrap_or_default(),
            message,
            reading: reading && !answer.sign_in_refused,
        }
    }

    /// Returns the reason for logs and notifications. Of the API's response, it contains only the status.
    pub fn fact(&self) -> Fact {
        match self {
            Stop::Refused { status, .. } => Fact::new(Code::ApiRefused).with_status(*status),
            Stop::Foreign { status, what, .. } => Fact::new(Code::ApiForeign)
                .because(*what)
                .with_status(*status),
            Stop::Unreachable { cause, .. } => Fact::new(Code::ApiUnreachable).because(*cause),
            Stop::Failing { status, .. } => Fact::new(Code::ApiFailing).with_status(*status),
            Stop::Held { why } => Fact::new(Code::RunHeld).because_of(why.fact()),
            Stop::Canary { fact, .. } => fact.clone(),
            Stop::LookUp { cause, status, .. } => {
                let fact = Fact::new(Code::ApiLookup).because(*cause);
                match status {
                    Some(status) => fact.with_status(*status),
                    None => fact,
                }
            }
            Stop::Due { .. } => Fact::new(Code::StopDue),
            Stop::Asked => Fact::new(Code::StopAsked),
        }
    }

    /// The reason for the reader, without text from the API except its code.
    pub(super) fn reason(&self) -> Message {
        match self {
            Stop::Refused { status, code, .. } => {
                message::stop_refused(status_and_code(*status, code))
            }
            Stop::Foreign { status, what, .. } => message::stop_foreign(*status, what.message()),
            Stop::Unreachable { address, why, .. } => {
                message::stop_unreachable(address, why.clone())
            }
            Stop::Failing { error, .. } => message::stop_failing(error),
            Stop::Held { why } => message::stop_held(why.to_string()),
            Stop::Canary { why, .. } => message::stop_canary(why.clone()),
            Stop::LookUp { why, .. } => message::stop_lookup(why.clone()),
            Stop::Due { .. } => message::stop_due(),
            Stop::Asked => message::stop_asked(),
        }
    }

    /// Returns the part that the summary stores, or `None` for a guard, which is stored separately.
    pub fn kept(&self) -> Option<Stopped> {
        match self {
            Stop::Held { .. } => None,
            stop => Some(Stopped {
                code: stop.fact().code(),
                message: stop.reason(),
            }),
        }
    }

    /// Returns the reason for the user's terminal, with the API's message.
    pub fn for_person(&self) -> String {
        match self {
            Stop::Refused { message, .. }
            | Stop::Foreign { message, .. }
            | Stop::Failing { message, .. }
            | Stop::LookUp { message, .. }
                if !message.is_empty() =>
            {
                format!("{self}: {}", visible(message))
            }
            other => other.to_string(),
        }
    }
}

/// Formats a status with its error code, if the code is well-formed.
pub(super) fn status_and_code(status: u16, code: &str) -> String {
    let own = format!("http.{status}");
    if is_code(code) && code != own {
        format!("HTTP {status} {code}")
    } else {
        format!("HTTP {status}")
    }
}

/// Formats the reason without the API's message. [`Stop::fact`] is for logs.
impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.reason().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str, of_sign_in: bool) -> Stop {
        let answer = Answer {
            status: 403,
            code: code.into(),
            message: message.into(),
            sign_in_refused: of_sign_in,
            ..Answer::default()
        };
        Stop::refused(answer, br#"{"name":"Anna Ek"}"#, true)
    }

    #[test]
    fn a_refused_read_may_mean_that_credentials_only_write() {
        let look_up = |status| Stop::LookUp {
            why: Message::default(),
            cause: Code::ApiAnswered,
            status,
            message: String::new(),
        };
        assert!(refused("", "", false).may_not_read());
        assert!(look_up(Some(403)).may_not_read());
        assert!(look_up(Some(404)).may_not_read());
        // The sign-in failed before anything was read.
        assert!(!refused("", "", true).may_not_read());
        assert!(!look_up(Some(500)).may_not_read());
        assert!(!look_up(None).may_not_read());
        assert!(!Stop::Asked.may_not_read());
    }

    #[test]
    fn the_apis_message_reaches_only_the_terminal_without_values() {
        let stop = refused("Forbidden", "no rights to Anna Ek here", false);
        let told = "the API refused the credentials (HTTP 403 Forbidden)";
        assert_eq!(stop.to_string(), told);
        let person = stop.for_person();
        assert!(person.starts_with(&format!("{told}: no rights to ")));
        assert!(!person.contains("Anna"), "{person}");
        // Without a message, or with JSON instead, nothing is added.
        assert_eq!(refused("Forbidden", "", false).for_person(), told);
        let json = refused("Forbidden", "{\"name\":\"x\"}", false);
        assert_eq!(json.for_person(), told);
        assert_eq!(Stop::Asked.for_person(), Stop::Asked.to_string());
    }

    #[test]
    fn only_well_formed_codes_are_shown_with_the_status() {
        for (code, told) in [
            ("Taken", "HTTP 409 Taken"),
            ("http.409", "HTTP 409"),
            ("a whole sentence", "HTTP 409"),
            ("", "HTTP 409"),
        ] {
            assert_eq!(status_and_code(409, code), told);
        }
        let Stop::Refused { code, .. } = refused("Anna Ek 20010101", "", false) else {
            panic!("it is refused");
        };
        assert_eq!(code, "");
    }
}
