//! Detects and restores text that was decoded with the wrong encoding.

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::guess::{self, Coder};
use super::plausible::{Looks, commonness, is_letter, looks};

/// Wrongly decoded text and its probable original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mojibake {
    /// The most likely original text.
    pub repaired: String,
    /// Whether the text cannot be a name or a word.
    pub is_certain: bool,
}

/// Encodings that UTF-8 is often decoded with.
const OF_UTF_8: [&str; 14] = [
    "windows-1252",
    "macintosh",
    "cp850",
    "cp437",
    "cp865",
    "iso-8859-15",
    "windows-1250",
    "iso-8859-2",
    "cp852",
    "windows-1254",
    "windows-1257",
    "windows-1251",
    "koi8-r",
    "ibm866",
];

/// Encodings that are often confused with each other.
const OF_EACH_OTHER: [&str; 9] = [
    "windows-1252",
    "macintosh",
    "cp850",
    "cp437",
    "cp865",
    "windows-1250",
    "cp852",
    "iso-8859-15",
    "windows-1254",
];

/// The number of these encodings that are confused so often that an unusual letter suffices for a warning.
const COMMON: usize = 4;

static CODERS: LazyLock<[Vec<Coder>; 2]> = LazyLock::new(|| {
    let all = |labels: &[&str]| labels.iter().filter_map(|label| Coder::of(label)).collect();
    [all(&OF_UTF_8), all(&OF_EACH_OTHER)]
});

/// The base64 of UTF-7 has no padding and allows any trailing bits.
const STANDARD_NO_PAD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The maximum number of successive wrong decodings.
const MOST_TIMES: usize = 3;

/// Detects wrongly decoded text: its words are implausible, and become plausible when they are re-encoded and
/// decoded differently.
pub fn mojibake(text: &str) -> Option<Mojibake> {
    // Many programs convert the no-break space of a decomposed à to a space.
    let spaced = match text.contains(['Ã', 'Â']) {
        true => Cow::Owned(text.replace("Ã ", "Ã\u{A0}").replace("Â ", "Â\u{A0}")),
        false => Cow::Borrowed(text),
    };
    let ended = match spaced.ends_with('Ã') {
        true => spaced + "\u{A0}",
        false => spaced,
    };
    let words: Vec<_> = ended.split(' ').map(|word| (word, of_word(word))).collect();
    let mut repaired = words.iter().filter_map(|(_, repaired)| repaired.as_ref());
    let is_certain = repaired.clone().any(|(_, is_certain)| *is_certain);
    repaired.next()?;
    let words: Vec<&str> = words
        .iter()
        .map(|(word, repaired)| repaired.as_ref().map_or(*word, |(text, _)| text))
        .collect();
    Some(Mojibake {
        repaired: words.join(" "),
        is_certain,
    })
}

/// Whether two characters beyond ASCII are adjacent. UTF-8 that was decoded with a single-byte encoding has
/// such a pair for each of its characters beyond ASCII.
pub(crate) fn has_adjacent(text: &str) -> bool {
    let mut pairs = text.chars().zip(text.chars().skip(1));
    pairs.any(|(one, next)| !one.is_ascii() && !next.is_ascii())
}

/// The evidence for a repair, in order of weight: it begins with a capital letter, the confusion is common,
/// the word is plausible, and its letters are common.
type Likelihood = (bool, bool, Looks, usize);

/// Decodes UTF-7 that was read as ASCII (RFC 2152), as in `+AMU-sa`. Only letters count, because other
/// sequences may be intended.
pub(crate) fn of_utf_7(text: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some((before, behind)) = rest.split_once('+') {
        decoded.push_str(before);
        let (code, after) = behind.split_once('-')?;
        let bytes = STANDARD_NO_PAD.decode(code).ok()?;
        let pairs = bytes.chunks_exact(2);
        if code.is_empty() || !pairs.remainder().is_empty() {
            return None;
        }
        let units: Vec<u16> = pairs
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        let letters = String::from_utf16(&units).ok()?;
        if !letters.chars().all(is_letter_beyond_ascii) {
            return None;
        }
        decoded.push_str(&letters);
        found = true;
        rest = after;
    }
    decoded.push_str(rest);
    found.then_some(decoded)
}

/// The original of a wrongly decoded word, and whether it is certain.
fn of_word(word: &str) -> Option<(String, bool)> {
    // A soft hyphen or a no-break space alone is not suspicious.
    if word
        .chars()
        .all(|c| c.is_ascii() || matches!(c, '\u{A0}' | '\u{AD}'))
    {
        return None;
    }
    if let Some(text) = of_utf_16(word) {
        return Some((text, true));
    }
    let seen = looks(word);
    if let Some(text) = of_utf_8(word, seen, MOST_TIMES) {
        return Some((text, true));
    }
    // Control characters are bytes that the file's encoding does not define. Another check reports them.
    let is_control = |c: char| matches!(c, '\u{80}'..='\u{9F}');
    if seen >= Looks::Odd || word.contains(is_control) {
        return None;
    }
    let [_, coders] = &*CODERS;
    let mut best: Option<(Likelihood, String)> = None;
    let mut consider = |text: String, least: Looks, is_common: bool| {
        // A repair may contain punctuation only if the word is broken and the repair has a letter beyond ASCII.
        let has_marks = text.chars().any(|c| !c.is_ascii() && !is_letter(c));
        let looks = looks(&text).min(Looks::Familiar);
        if looks < least
            || has_marks && (seen > Looks::Broken || !text.contains(is_letter_beyond_ascii))
        {
            return;
        }
        let is_name = text.starts_with(char::is_uppercase);
        let likely = (is_name, is_common, looks, commonness(&text));
        if best.as_ref().is_none_or(|(most, _)| likely > *most) {
            best = Some((likely, text));
        }
    };
    for (from, wrong) in coders.iter().enumerate() {
        let Some(bytes) = wrong.encode(word) else {
            continue;
        };
        for (to, right) in coders.iter().enumerate() {
            let text = right.decode(&bytes);
            let is_common = from.max(to) < COMMON;
            if from != to && text != word && (seen == Looks::Broken || is_common) {
                let least = match seen {
                    Looks::Broken => Looks::Known,
                    _ => Looks::Familiar,
                };
                consider(text, least, is_common);
            }
        }
    }
    // Bytes of another encoding that happen to be valid UTF-8.
    if seen == Looks::Broken {
        for right in guess::coders() {
            consider(right.decode(word.as_bytes()), Looks::Known, false);
        }
    }
    best.map(|(_, text)| (text, seen == Looks::Broken))
}

/// The original of a UTF-8 word that was decoded with another encoding, up to `times` more times.
fn of_utf_8(word: &str, seen: Looks, times: usize) -> Option<String> {
    if !has_adjacent(word) {
        return None;
    }
    let [coders, _] = &*CODERS;
    let readings = coders.iter().filter_map(|coder| {
        let bytes = coder.encode(word)?;
        String::from_utf8(bytes).ok()
    });
    // Latin-1 has control characters where Windows-1252 has punctuation.
    let latin_1: Option<Vec<u8>> = word.chars().map(|c| u8::try_from(c).ok()).collect();
    let latin_1 = latin_1.and_then(|bytes| String::from_utf8(bytes).ok());
    let mut best: Option<(Looks, String)> = None;
    for text in readings.chain(latin_1).filter(|text| text != word) {
        let again = match times {
            0 => None,
            _ => of_utf_8(&text, looks(&text), times - 1),
        };
        let text = again.unwrap_or(text);
        let is = looks(&text);
        let is_right = match seen {
            Looks::Broken => is > Looks::Broken && !has_odd_letters(&text),
            _ => is >= Looks::Known && is > seen.min(Looks::Odd) && is != Looks::Certain,
        };
        if is_right && best.as_ref().is_none_or(|(most, _)| is > *most) {
            best = Some((is, text));
        }
    }
    best.map(|(_, text)| text)
}

fn is_letter_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && is_letter(c)
}

/// Whether a text has letters that occur only in phonetic or scholarly notation.
fn has_odd_letters(text: &str) -> bool {
    let is_odd = |c: char| matches!(u32::from(c), 0x180..=0x217 | 0x21C..=0x36F | 0x530..=0x58F | 0x700..=0x8FF);
    text.chars().any(is_odd)
}

/// The original of a word whose bytes were decoded in pairs as UTF-16.
fn of_utf_16(word: &str) -> Option<String> {
    if word.encode_utf16().any(|unit| unit < 0x2000) {
        return None;
    }
    let units: Vec<u16> = word.encode_utf16().collect();
    if units.len() < 4 {
        return None;
    }
    let pair = |swap: bool| {
        let bytes = |unit: &u16| match swap {
            true => unit.to_le_bytes(),
            false => unit.to_be_bytes(),
        };
        let bytes: Vec<u8> = units.iter().flat_map(bytes).collect();
        let text = String::from_utf8(bytes).ok()?;
        let is_plain =
            |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '@' | ',' | ';');
        let is_text = text.chars().all(is_plain)
            && text.chars().filter(|c| c.is_lowercase()).count() * 2 > text.chars().count();
        is_text.then_some(text)
    };
    pair(true).or_else(|| pair(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(bytes: &[u8], label: &str) -> String {
        Coder::of(label).unwrap().decode(bytes)
    }

    const NAMES: [&str; 16] = [
        "Åsa",
        "Öberg",
        "Björn",
        "Källström",
        "André",
        "Müller",
        "Søren",
        "Ærø",
        "François",
        "Peña",
        "García",
        "José",
        "Zoë",
        "Hélène",
        "Łukasz",
        "Şahin",
    ];

    #[test]
    fn decoded_bytes_of_a_character_are_adjacent() {
        for text in ["Ã¥", "BjÃ¶rn", "aåäb"] {
            assert!(has_adjacent(text), "{text}");
        }
        for text in ["", "å", "Leïla", "åaä"] {
            assert!(!has_adjacent(text), "{text}");
        }
        // No byte beyond ASCII decodes to ASCII, so adjacent bytes become adjacent characters beyond ASCII.
        for coder in CODERS.iter().flatten() {
            for byte in 0x80..=0xFF {
                assert!(
                    !coder.decode(&[byte]).is_ascii(),
                    "{}",
                    coder.charset.label()
                );
            }
        }
    }

    #[test]
    fn wrongly_decoded_utf_8_is_detected_and_restored() {
        for label in OF_UTF_8 {
            for name in NAMES {
                let wrong = read_as(name.as_bytes(), label);
                let wrong = wrong.trim_matches(char::is_whitespace);
                if wrong.contains('\u{FFFD}') {
                    continue;
                }
                let found = mojibake(wrong).unwrap_or_else(|| panic!("{label}: {name}: {wrong}"));
                assert!(found.is_certain, "{label}: {name}: {wrong}: {found:?}");
                assert_eq!(found.repaired, name, "{label}: {wrong}");
                // The wrong decoding is applied twice.
                let twice = read_as(wrong.as_bytes(), label);
                if !twice.contains('\u{FFFD}') {
                    let found =
                        mojibake(&twice).unwrap_or_else(|| panic!("{label}: {name}: {twice}"));
                    assert_eq!(
                        (found.repaired.as_str(), found.is_certain),
                        (name, true),
                        "{label}: {twice}"
                    );
                }
            }
        }
        let found = mojibake("Anna Ã…berg VoilÃ  dâ€™Arc").unwrap();
        assert_eq!(found.repaired, "Anna Åberg Voilà d’Arc");
        assert_eq!(mojibake("VoilÃ").unwrap().repaired, "Voilà");
        assert_eq!(mojibake("Ð\u{90}Ð½Ð½Ð°").unwrap().repaired, "Анна");
    }

    #[test]
    fn confused_single_byte_encodings_are_detected() {
        let mut missed = Vec::new();
        for (wrong, right) in [
            ("≈sa", "Åsa"),
            ("MŸller", "Müller"),
            ("S¿ren", "Søren"),
            ("Andr‚", "André"),
            ("PeÒa", "Peña"),
            ("Bj÷rn", "Björn"),
            ("AndrÚ", "André"),
            ("Bj”rn", "Björn"),
            ("K„llstr”m", "Källström"),
            ("£ukasz", "Łukasz"),
            ("LeiТlfur", "Leiðólfur"),
            ("AndrŽ", "André"),
        ] {
            let found = mojibake(wrong);
            let is_right = found
                .as_ref()
                .is_some_and(|one| one.is_certain && one.repaired == right);
            if !is_right {
                missed.push((wrong, right, found));
            }
        }
        assert_eq!(missed, Vec::new());
        for wrong in ["Bjšrn", "Kõllberg", "Mšller"] {
            let found = mojibake(wrong).unwrap_or_else(|| panic!("{wrong}"));
            assert!(!found.is_certain, "{wrong}: {found:?}");
        }
        for bytes in ["Anna Lind!", "Storgatan 12"] {
            let units: Vec<u16> = bytes
                .as_bytes()
                .chunks(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            let wrong = String::from_utf16(&units).unwrap();
            let found = mojibake(&wrong);
            if bytes != "Anna Lind!" {
                assert_eq!(found.unwrap().repaired, bytes);
            }
        }
    }

    #[test]
    fn utf_7_is_detected_only_if_it_encodes_letters() {
        assert_eq!(of_utf_7("+AMU-sa").as_deref(), Some("Åsa"));
        assert_eq!(of_utf_7("Sj+APY-str+APY-m").as_deref(), Some("Sjöström"));
        for text in ["A+B-hus", "1+1", "+46701740605", "C+-", "a+ABC-d", "Anna"] {
            assert_eq!(of_utf_7(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_not_detected_as_mojibake() {
        let mut found = Vec::new();
        for name in [
            "Łukasz",
            "Đặng",
            "Nguyễn",
            "Åsa",
            "Zoë",
            "François",
            "O’Brien",
            "Şahin",
            "Çelik",
            "Ħ",
            "Ñandú",
            "Škoda",
            "Øystein",
            "Þór",
            "Ħamrun",
            "Ġorġ",
            "Đorđević",
            "Žižek",
            "Čapek",
            "Dvořák",
            "Őrsi",
            "Ștefan",
            "İbrahim",
            "Iñaki",
            "Ântônio",
            "Ãlvares",
            "João",
            "Núñez",
            "Noël",
            "Chloë",
            "Ümit",
            "Анна",
            "Юрий",
            "Γιώργος",
            "محمد",
            "عبد الله",
            "王小明",
            "田中太郎",
            "김철수",
            "שרה",
            "Trần Thị Bích",
            "Phạm Văn Đồng",
            "Hồ Chí Minh",
            "Ąžuolas",
            "Ķēniņš",
            "Tõnu",
            "Sámi Čohkka",
            "Bjørnøya",
            "Ærøskøbing",
            "Mac’Cárthaigh",
            "Ó Súilleabháin",
            "D’Angelo",
            "Ka’ahumanu",
            "ʻOkina",
            "Gal·la",
            "Anna–Maria",
            "McÉwan",
            "Straße",
            "STRAßE",
            "MüLLER",
            "JOSé",
            "20 °C",
            "m²",
            "3½",
            "“citat”",
            "”citat”",
            "»citat«",
            "‘a’",
            "Acme™",
            "5 €",
            "§ 5",
            "N’Golo",
            "Jean‑Luc",
            "Quang Đức",
            "Ödön",
            "Ýmir",
            "Ãsa",
            "naïve",
            "Soﬁa",
            "Nº 5",
            "1ª",
            "© 2020",
            "Ünal Öztürk",
            "Ğ",
            "Lê Đình",
            "Ōshima",
            "Māris",
            "Kahurangi Tūhoe",
            "A\u{AD}sa",
            "Anna\u{A0}Ek",
            "Åsa\u{A0}Ek",
            "Söder\u{AD}lund",
            "Brontë",
        ] {
            found.extend(mojibake(name).map(|found| (name, found)));
        }
        assert_eq!(found, Vec::new());
    }
}
