//! Exit codes are a stable interface for scripts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The exit codes of the program: a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every row is updated or unchanged; for `check` and `plan`, valid.
    Success = 0,
    /// It could not be done: unreadable file, unknown column, bad config, no disk.
    CannotDo = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Done, and some rows are invalid, rejected or failed.
    RowsFailed = 3,
    /// Held by a guard; nothing was sent.
    Held = 4,
    /// Interrupted or stopped early; `resume` goes on.
    Interrupted = 5,
    /// The API refused the credentials or could not be reached.
    Refused = 6,
    /// Another process is at work on this file or folder.
    Busy = 7,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl<'de> Deserialize<'de> for Exit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u8::deserialize(deserializer)?;
        let all = [
            Exit::Success,
            Exit::CannotDo,
            Exit::Usage,
            Exit::RowsFailed,
            Exit::Held,
            Exit::Interrupted,
            Exit::Refused,
            Exit::Busy,
        ];
        all.into_iter()
            .find(|exit| exit.code() == code)
            .ok_or_else(|| serde::de::Error::custom(format!("no exit code: {code}")))
    }
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}
