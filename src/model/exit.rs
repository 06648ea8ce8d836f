//! Exit codes, a stable interface for scripts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The exit codes of the program, a stable interface for scripts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every row is updated or unchanged; for `check` and `plan`, valid.
    #[default]
    Success = 0,
    /// The command failed: unreadable file, unknown column, invalid config, full disk.
    CannotDo = 1,
    /// The command line is invalid.
    Usage = 2,
    /// The command completed, and some rows are invalid, rejected or failed.
    RowsFailed = 3,
    /// A guard holds the run; nothing was sent.
    Held = 4,
    /// Interrupted or stopped early; `resume` continues.
    Interrupted = 5,
    /// The API refused the credentials or could not be reached.
    Refused = 6,
    /// Another process is working with this file or folder.
    Busy = 7,
}

impl Exit {
    /// Every exit code, in order.
    pub const ALL: [Exit; 8] = [
        Exit::Success,
        Exit::CannotDo,
        Exit::Usage,
        Exit::RowsFailed,
        Exit::Held,
        Exit::Interrupted,
        Exit::Refused,
        Exit::Busy,
    ];

    /// The meaning of the code, for the documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Success => {
                "Every row is updated, unchanged, withheld, not selected or not approved. For check and plan: every row is valid."
            }
            Exit::CannotDo => {
                "The command failed: unreadable file, unknown column, invalid config, full disk."
            }
            Exit::Usage => {
                "The command line is invalid, or a question must be answered with an option (--yes, --encoding, --map, --rows)."
            }
            Exit::RowsFailed => "The run finished. Some rows are invalid, rejected or failed.",
            Exit::Held => "A guard holds the run. Nothing was sent; approve releases it.",
            Exit::Interrupted => "The run was interrupted or stopped early. resume continues it.",
            Exit::Refused => "The API refused the credentials or could not be reached.",
            Exit::Busy => "Another process is using this file or folder.",
        }
    }

    /// The process's numeric exit status.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl<'de> Deserialize<'de> for Exit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u8::deserialize(deserializer)?;
        Exit::ALL
            .into_iter()
            .find(|exit| exit.code() == code)
            .ok_or_else(|| serde::de::Error::custom(format!("no exit code: {code}")))
    }
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}
