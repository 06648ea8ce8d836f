//! A stop request ends or pauses a run.

use super::answer::Answer;
use crate::l10n::{Message, message};
use crate::model::{Code, Fact, Held, Stopped, is_code, visible};

/// Whether someone has asked for a run to stop, or to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    /// Nobody has.
    None,
    /// No new row is sent until this is taken back.
    Pause,
    /// Requests in progress may finish.
    Finish,
    /// At once.
    Now,
}

/// Why sending ended before its last row.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The API refused the credentials.
    Refused {
        /// HTTP status.
        status: u16,
        /// The API's own code, if it has the shape of one.
        code: String,
        /// The API's message, without what it may quote: for the person who asked, and for no log.
        message: String,
        /// Whether something was to be read, and not to be changed.
        reading: bool,
    },
    /// A success was not the API's: it does not contain what the API's would.
    Foreign {
        /// HTTP status.
        status: u16,
        /// What came.
        what: Code,
        /// A description of the response without quotations from it: for the user's terminal, not for logs.
        message: String,
    },
    /// Nobody answered.
    Unreachable {
        /// The address that was tried.
        address: String,
        /// Why.
        why: Message,
        /// The same as a code.
        cause: Code,
        /// Whether anybody had answered there before.
        was_reached: bool,
    },
    /// Nearly every row ends in the same error.
    Failing {
        /// HTTP status.
        status: u16,
        /// Status and code.
        error: String,
        /// The API's message, without what it may quote: for the person who asked, and for no log.
        message: String,
        /// The header of the column that only some accounts may change, if the error is about it.
        column: Option<String>,
    },
    /// A guard holds the run before anything is sent.
    Held {
        /// Why.
        why: Held,
    },
    /// The first rows do not hold what was sent.
    Canary {
        /// What was found, for the person who asked.
        why: Message,
        /// The same for logs.
        fact: Fact,
    },
    /// What the API holds could not be read, so nothing could be planned.
    LookUp {
        /// Why, for the person who asked.
        why: Message,
        /// The same as a code.
        cause: Code,
        /// The answer's status, if it was that.
        status: Option<u16>,
        /// The API's message, without what it may quote: for the person who asked, and for no log.
        message: String,
    },
    /// It has had its share for now, or its quota is used up: it continues later.
    Due {
        /// So much later.
        after: std::time::Duration,
    },
    /// Someone asked for it.
    Asked,
}

impl Stop {
    /// Whether the credentials may be such as may write and not read.
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

    /// Whether what was planned before it does not hold: records may have been taken for missing.
    pub fn disproves_plan(&self) -> bool {
        let cause = match self {
            Stop::LookUp { cause, .. } => Some(*cause),
            _ => None,
        };
        cause == Some(Code::ApiIncomplete)
    }

    /// The stop that an answer calls for which refuses the credentials, or is not the API's.
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

    /// The same for logs and notifications: of what an API says, its status alone.
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
    fn reason(&self) -> Message {
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

    /// The part that a run's figures store; `None` for a guard, which is stored separately.
    pub fn kept(&self) -> Option<Stopped> {
        match self {
            Stop::Held { .. } => None,
            stop => Some(Stopped {
                code: stop.fact().code(),
                message: stop.reason(),
            }),
        }
    }

    /// What is told to the person who asked for the run, on their own terminal: the API's words too.
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

/// A status, and the code that came with it if it has the shape of one.
pub(super) fn status_and_code(status: u16, code: &str) -> String {
    let own = format!("http.{status}");
    if is_code(code) && code != own {
        format!("HTTP {status} {code}")
    } else {
        format!("HTTP {status}")
    }
}

/// For the person who asked, without the API's own words but for its code; [`Stop::fact`] is for logs.
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
    fn credentials_may_be_such_as_may_write_and_not_read() {
        let look_up = |status| Stop::LookUp {
            why: Message::default(),
            cause: Code::ApiAnswered,
            status,
            message: String::new(),
        };
        assert!(refused("", "", false).may_not_read());
        assert!(look_up(Some(403)).may_not_read());
        assert!(look_up(Some(404)).may_not_read());
        // Nobody got as far as reading.
        assert!(!refused("", "", true).may_not_read());
        assert!(!look_up(Some(500)).may_not_read());
        assert!(!look_up(None).may_not_read());
        assert!(!Stop::Asked.may_not_read());
    }

    #[test]
    fn the_apis_words_are_for_the_person_who_asked_and_quote_no_row() {
        let stop = refused("Forbidden", "no rights to Anna Ek here", false);
        let told = "the API refused the credentials (HTTP 403 Forbidden)";
        assert_eq!(stop.to_string(), told);
        let person = stop.for_person();
        assert!(person.starts_with(&format!("{told}: no rights to ")));
        assert!(!person.contains("Anna"), "{person}");
        // Without words, or with JSON in their place, nothing is added.
        assert_eq!(refused("Forbidden", "", false).for_person(), told);
        let json = refused("Forbidden", "{\"name\":\"x\"}", false);
        assert_eq!(json.for_person(), told);
        assert_eq!(Stop::Asked.for_person(), Stop::Asked.to_string());
    }

    #[test]
    fn a_code_is_told_where_it_is_one_and_says_more_than_the_status() {
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
