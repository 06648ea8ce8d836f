//! Character encodings and their labels.

use std::sync::LazyLock;

use encoding_rs::{Encoding, UTF_8};
use oem_cp::code_table as oem;

/// The encoding of a file: UTF-8, another encoding of the WHATWG Encoding Standard, or a legacy encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// An encoding of the WHATWG Encoding Standard.
    Web(&'static Encoding),
    /// A DOS code page, or the code page of a localized Mac OS.
    Page(&'static CodePage),
}

/// A single-byte encoding whose first 128 characters are ASCII.
#[derive(PartialEq, Eq)]
pub struct CodePage {
    /// The label for `--encoding`.
    label: &'static str,
    /// Alternative labels.
    aliases: &'static [&'static str],
    /// The display name.
    name: &'static str,
    /// The characters of the bytes from 0x80.
    pub(super) high: [char; 128],
}

impl std::fmt::Debug for CodePage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.label)
    }
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Charset = Charset::Web(UTF_8);

    /// The encoding with this label, if there is one.
    pub fn for_label(label: &str) -> Option<Charset> {
        if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
            return Some(Charset::Web(encoding));
        }
        let label = label.trim().to_ascii_lowercase();
        let is_it = |page: &&'static CodePage| {
            page.label == label || page.aliases.contains(&label.as_str())
        };
        PAGES.iter().find(is_it).map(Charset::Page)
    }

    /// The encoding's label for [`Charset::for_label`].
    pub fn label(self) -> &'static str {
        match self {
            Charset::Web(encoding) => encoding.name(),
            Charset::Page(page) => page.label,
        }
    }

    /// The display name.
    pub fn name(self) -> &'static str {
        match self {
            // The WHATWG name is "windows-1252"; the usual spelling has a capital letter.
            Charset::Web(encoding) if encoding == encoding_rs::WINDOWS_1252 => "Windows-1252",
            Charset::Web(encoding) if encoding == encoding_rs::MACINTOSH => "Mac OS Roman",
            Charset::Web(encoding) => encoding.name(),
            Charset::Page(page) => page.name,
        }
    }

    /// Whether the encoding is UTF-8.
    pub fn is_utf8(self) -> bool {
        self == Charset::UTF_8
    }

    /// The characters of the bytes from 0x80, if the encoding has one byte per character.
    pub(super) fn high(self) -> Option<[char; 128]> {
        match self {
            Charset::Page(page) => Some(page.high),
            Charset::Web(encoding) if encoding.is_single_byte() => {
                let high = |index: usize| {
                    let byte = [u8::try_from(index + 0x80).unwrap_or_default()];
                    let (text, _) = encoding.decode_without_bom_handling(&byte);
                    text.chars().next().unwrap_or('\u{FFFD}')
                };
                Some(std::array::from_fn(high))
            }
            Charset::Web(_) => None,
        }
    }
}

/// The DOS code page with this number, and its characters from 0x80.
macro_rules! dos {
    ($number:literal, $high:expr $(, $alias:literal)*) => {
        CodePage {
            label: concat!("cp", $number),
            aliases: &[$number, concat!("ibm", $number), concat!("cp-", $number) $(, $alias)*],
            name: concat!("DOS code page ", $number),
            high: $high,
        }
    };
}

/// Encodings that are missing from the WHATWG Encoding Standard but still occur in rosters.
static PAGES: LazyLock<[CodePage; 9]> = LazyLock::new(|| {
    [
        // cp858 has the euro sign in place of the dotless i, as does Windows.
        dos!(
            "850",
            oem::DECODING_TABLE_CP858,
            "cp858",
            "858",
            "ibm858",
            "ibm00858"
        ),
        dos!("437", oem::DECODING_TABLE_CP437),
        dos!("865", oem::DECODING_TABLE_CP865),
        dos!("852", oem::DECODING_TABLE_CP852),
        dos!("860", oem::DECODING_TABLE_CP860),
        dos!("861", oem::DECODING_TABLE_CP861),
        dos!("863", oem::DECODING_TABLE_CP863),
        CodePage {
            label: "hp-roman8",
            aliases: &["hp_roman8", "roman8", "r8"],
            name: "HP Roman-8",
            high: hp_roman_8(),
        },
        CodePage {
            label: "x-mac-icelandic",
            aliases: &["mac-icelandic", "mac_iceland", "maciceland"],
            name: "Mac OS Icelandic",
            high: mac_icelandic(),
        },
    ]
});

/// The encoding hp-roman8 (RFC 1345). The bytes below 0xA0 are control characters.
fn hp_roman_8() -> [char; 128] {
    const LETTERS: &str = "\u{A0}ÀÂÈÊËÎÏ´ˋˆ¨˜ÙÛ₤¯Ýý°ÇçÑñ¡¿¤£¥§ƒ¢âêôûáéóúàèòùäëöüÅîØÆåíøæÄìÖÜÉïßÔÁÃãÐðÍÌÓÒÕõŠšÚŸÿÞþ·µ¶¾—¼½ªº«■»±";
    let mut letters = LETTERS.chars();
    std::array::from_fn(|index| match u32::try_from(index) {
        Ok(index) if index < 0x20 => char::from_u32(index + 0x80).unwrap_or('\u{FFFD}'),
        _ => letters.next().unwrap_or('\u{FFFD}'),
    })
}

/// Mac OS Icelandic, which differs from Mac OS Roman in six letters (Unicode Consortium,
/// VENDORS/APPLE/ICELAND.TXT).
fn mac_icelandic() -> [char; 128] {
    let mut high = Charset::Web(encoding_rs::MACINTOSH)
        .high()
        .unwrap_or(['\u{FFFD}'; 128]);
    for (byte, letter) in [
        (0xA0, 'Ý'),
        (0xDC, 'Ð'),
        (0xDD, 'ð'),
        (0xDE, 'Þ'),
        (0xDF, 'þ'),
        (0xE0, 'ý'),
    ] {
        high[byte - 0x80] = letter;
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_round_trip_through_their_labels() {
        for label in [
            "utf-8",
            "macintosh",
            "cp850",
            "IBM850",
            "858",
            "cp865",
            "mac_iceland",
        ] {
            let charset = Charset::for_label(label).unwrap();
            assert_eq!(Charset::for_label(charset.label()), Some(charset));
        }
        assert_eq!(Charset::for_label("klingon"), None);
    }

    #[test]
    fn code_pages_decode_the_vendors_letters() {
        let letter = |label, byte: usize| {
            let high = Charset::for_label(label).unwrap().high().unwrap();
            high[byte - 0x80]
        };
        assert_eq!(letter("cp850", 0x86), 'å');
        assert_eq!(letter("cp865", 0x9B), 'ø');
        assert_eq!(letter("cp861", 0x95), 'þ');
        assert_eq!(letter("macintosh", 0x8C), 'å');
        assert_eq!(letter("x-mac-icelandic", 0xDF), 'þ');
        assert_eq!(letter("windows-1252", 0x81), '\u{81}');
    }
}
