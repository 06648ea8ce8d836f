//! Option groups are declared once and generate the flags, the settings of the config file and the output of
//! `config`.

use std::str::FromStr;

/// Declares groups of options. `settings` are also in the config file. Each has its type, its default
/// (`= "…"` is a value, `| "…"` is a description, `=> "…"` is a description for `config` only) and its flag
/// attributes. The first doc line is the short help.
macro_rules! groups {
    ($(
        $(#[doc = $about:literal])*
        $group:ident, $heading:literal {
            settings { $(
                #[doc = $doc:literal] $(#[doc = $more:literal])*
                $field:ident: $type:ty
                    $(= $default:literal)? $(| $words:literal)? $(=> $silent:literal)?
                    $([$($arg:tt)*])?;
            )* }
            flags { $( $(#[$meta:meta])* $flag:ident: $flag_type:ty; )* }
        }
    )*) => {
        $(
            $(#[doc = $about])*
            #[derive(Debug, Clone, Default, Args)]
            #[command(next_help_heading = $heading)]
            pub(super) struct $group {
                $(
                    #[arg(
                        long,
                        help = concat!(
                            $doc
                            $(, " [default: ", $default, "]")?
                            $(, " [default: ", $words, "]")?
                        ).trim_start(),
                        long_help = concat!(
                            $doc
                            $(, $more)*
                            $(, " [default: ", $default, "]")?
                            $(, " [default: ", $words, "]")?
                        ).trim_start(),
                        $($($arg)*)?
                    )]
                    pub(super) $field: Option<$type>,
                )*
                $( $(#[$meta])* pub(super) $flag: $flag_type, )*
            }

            impl Group for $group {
                #[allow(unused_variables, unused_mut)]
                fn or(mut self, layer: &Layer) -> Self {
                    $( if self.$field.is_none() { self.$field = layer.$field.clone(); } )*
                    self
                }

                fn settings(&self) -> Vec<Setting> {
                    vec![$( Setting {
                        name: stringify!($field),
                        said: self.$field.as_ref().map(Shown::shown),
                        in_layer: |layer| layer.$field.as_ref().map(Shown::shown),
                        default: concat!($($default)? $($words)? $($silent)?),
                    }, )*]
                }
            }

            #[allow(dead_code)]
            impl $group {
                $( $(
                    /// Returns the given value or the default.
                    pub(super) fn $field(&self) -> $type {
                        self.$field.clone().unwrap_or_else(|| usual($default))
                    }
                )? )*
            }
        )*

        impl Layer {
            /// Returns the names of all settings that have an option.
            #[cfg(test)]
            fn names() -> Vec<&'static str> {
                vec![$( $( stringify!($field), )* )*]
            }
        }

        /// The settings of a config file or a profile. They contain no secrets.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(title = "The config file of rosterpatch")]
        pub(super) struct Layer {
            $( $(
                #[doc = $doc]
                #[serde(default, deserialize_with = "from_config")]
                #[schemars(with = "Option<Written>")]
                pub(super) $field: Option<$type>,
            )* )*
            /// A Prometheus textfile that is updated after each run.
            pub(super) metrics: Option<PathBuf>,
            /// Notifications of each run.
            pub(super) notify: Option<Notify>,
            /// The policy for values that people changed since the last run wrote them: one for all fields, or a
            /// table of fields, in which `default` stands for all others.
            #[serde(default)]
            pub(super) conflicts: ConflictRules,
            /// Fields that are never overwritten once they have a value.
            #[serde(default)]
            pub(super) protect: Vec<String>,
            /// Fields that are set only if they are empty.
            #[serde(default)]
            pub(super) fill: Vec<String>,
            /// How long sweep keeps archived rosters, results, and values in the journal.
            pub(super) retention: Option<RetentionTimes>,
            /// Patterns of the inbox files that belong to a profile.
            #[serde(default)]
            pub(super) files: Vec<String>,
            /// Variables of the target's addresses.
            #[serde(default)]
            pub(super) var: BTreeMap<String, String>,
            /// Columns and their fields; an empty field ignores the column.
            #[serde(default)]
            pub(super) map: BTreeMap<String, String>,
            /// Environment variables that hold the credentials, by the target's names for them.
            #[serde(default)]
            pub(super) credentials: BTreeMap<String, String>,
            /// Profiles by name. A profile cannot contain profiles.
            #[serde(default)]
            pub(super) profile: BTreeMap<String, Layer>,
        }
    };
}

pub(super) use groups;

/// Parses a default, which is written as on the command line.
pub(super) fn usual<T: FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(value) => value,
        Err(_) => unreachable!("the default {text} is read by a test"),
    }
}
