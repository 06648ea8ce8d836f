//! Declares enums whose values each have a word.

/// Declares an enum with the word of each value, which stands for it in files, in the journal and in options.
macro_rules! worded {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$own:meta])* $value:ident = $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        $vis enum $name {
            $($(#[$own])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            /// Every value, in the order of the declaration.
            $vis const ALL: [$name; [$($word),*].len()] = [$($name::$value),*];

            /// Returns the value's word.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $word,)*
                }
            }

            /// Returns the value with this word.
            $vis fn of_word(word: &str) -> Option<$name> {
                $name::ALL.into_iter().find(|value| value.as_str() == word)
            }
        }
    };
}
pub(crate) use worded;
