//! Guesses the encoding of a file from its words.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::LazyLock;

use super::charset::Charset;
use super::plausible::{Looks, is_letter, looks};

/// The maximum number of distinct words that are examined. It suffices to determine the encoding.
const MOST_WORDS: usize = 4_000;

/// The maximum length of a word in bytes.
const LONGEST: usize = 64;

/// The maximum number of encodings that are suggested for a file.
const MOST_LIKELY: usize = 3;

/// The default encoding of files that are not UTF-8.
pub(super) const USUAL: &str = "windows-1252";

/// Other encodings that such files may have, the most likely first.
const OTHERS: [&str; 28] = [
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
    "x-mac-icelandic",
    "cp861",
    "cp860",
    "cp863",
    "iso-8859-4",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-16",
    "windows-1251",
    "koi8-r",
    "ibm866",
    "iso-8859-5",
    "windows-1253",
    "windows-1255",
    "windows-1256",
    "iso-8859-7",
    "hp-roman8",
];

/// The number of these encodings that are considered even if the words are plausible in the default encoding.
const LIKELY: usize = 9;

/// The encodings that rosters may have, the most likely first.
pub fn encodings() -> impl Iterator<Item = Charset> {
    let labels = ["utf-8", USUAL, "utf-16le", "utf-16be"];
    let labels = labels.into_iter().chain(OTHERS);
    labels.filter_map(Charset::for_label)
}

/// A single-byte encoding with its character table.
pub(super) struct Coder {
    pub(super) charset: Charset,
    high: [char; 128],
}

impl Coder {
    pub(super) fn of(label: &str) -> Option<Coder> {
        let charset = Charset::for_label(label)?;
        let high = charset.high()?;
        Some(Coder { charset, high })
    }

    /// Decodes bytes.
    pub(super) fn decode(&self, bytes: &[u8]) -> String {
        let char_of = |byte: &u8| match byte.checked_sub(0x80) {
            None => char::from(*byte),
            Some(high) => self.high[usize::from(high)],
        };
        bytes.iter().map(char_of).collect()
    }

    /// Encodes a text. Returns `None` if a character is not in the encoding.
    pub(super) fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let byte_of = |c: char| match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => Some(byte),
            _ => {
                let at = self
                    .high
                    .iter()
                    .position(|high| *high == c && c != '\u{FFFD}')?;
                u8::try_from(at + 0x80).ok()
            }
        };
        text.chars().map(byte_of).collect()
    }
}

/// The default encoding, and the alternatives.
static CODERS: LazyLock<(Option<Coder>, Vec<Coder>)> = LazyLock::new(|| {
    let others = OTHERS.iter().filter_map(|label| Coder::of(label));
    (Coder::of(USUAL), others.collect())
});

/// All encodings that a file may have.
pub(super) fn coders() -> impl Iterator<Item = &'static Coder> {
    let (usual, others) = &*CODERS;
    usual.iter().chain(others)
}

/// Distinct words of a file that are not valid UTF-8.
#[derive(Debug, Default)]
pub(super) struct Words(HashSet<Vec<u8>>);

/// A possible encoding of a file, with a word of the file decoded by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    /// The encoding.
    pub charset: Charset,
    /// The decoded word.
    pub word: String,
}

impl Words {
    /// Reads words up to the maximum number.
    pub(super) fn read(mut from: impl Read) -> io::Result<Words> {
        let mut words = Words::default();
        let mut buffer = vec![0; 64 * 1024];
        let mut word = Vec::with_capacity(LONGEST + 1);
        while words.0.len() < MOST_WORDS {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            for &byte in &buffer[..read] {
                if (byte.is_ascii_alphanumeric() || byte == b'\'' || !byte.is_ascii())
                    && word.len() < LONGEST
                {
                    word.push(byte);
                } else {
                    words.add(&mut word, byte == b' ');
                }
            }
        }
        words.add(&mut word, false);
        Ok(words)
    }

    /// Adds a word if its encoding is ambiguous. `goes_on` states that another word follows.
    fn add(&mut self, word: &mut Vec<u8>, goes_on: bool) {
        if !word.is_ascii() && std::str::from_utf8(word).is_err() && !self.0.contains(word) {
            if goes_on {
                word.push(b' ');
            }
            self.0.insert(std::mem::take(word));
        }
        word.clear();
    }

    /// The encoding of the words. If it is ambiguous, returns the possible encodings.
    ///
    /// Each word is decoded with the default encoding and with each alternative. If an alternative is at
    /// least as plausible for the words that differ, the user must decide.
    pub(super) fn verdict(&self) -> Result<Charset, Vec<Likely>> {
        let (Some(usual), others) = &*CODERS else {
            return Err(Vec::new());
        };
        let mut words: Vec<&Vec<u8>> = self.0.iter().collect();
        words.sort_unstable();
        let read: Vec<(&[u8], String, Looks)> = words
            .into_iter()
            .map(|word| {
                let text = usual.decode(word);
                let seen = looks(&text);
                (word.as_slice(), text, seen)
            })
            .collect();
        // A rare encoding is not clearly better than the default if the default is plausible for all words.
        let makes_sense = read.iter().all(|(_, _, seen)| *seen >= Looks::Known);
        let most = if makes_sense { LIKELY } else { others.len() };
        let mut likely: Vec<(i64, Likely)> = Vec::new();
        for other in others.iter().take(most) {
            let (mut gain, mut makes_sense) = (0, false);
            let mut best: Option<(i64, String)> = None;
            for (word, text, seen) in &read {
                let instead = other.decode(word);
                if instead == *text {
                    continue;
                }
                let looks = instead_looks(&instead, text);
                // Names begin with these letters much more often than with their counterparts in other
                // encodings.
                let begins = i64::from(text.starts_with(['Å', 'Ä', 'Ö']));
                let gained = looks.weight() - seen.weight() - begins;
                gain += gained;
                makes_sense |= looks >= Looks::Known;
                if best.as_ref().is_none_or(|(most, _)| gained > *most) {
                    best = Some((gained, instead));
                }
            }
            let is_told =
                |(_, one): &(i64, Likely)| Some(&one.word) == best.as_ref().map(|(_, word)| word);
            if gain >= 0
                && makes_sense
                && !likely.iter().any(is_told)
                && let Some((_, word)) = best
            {
                let charset = other.charset;
                let word = word.trim_end().to_owned();
                likely.push((gain, Likely { charset, word }));
            }
        }
        // The sort is stable, so the more likely of equal encodings stays first.
        likely.sort_by_key(|(gain, _)| std::cmp::Reverse(*gain));
        let mut likely: Vec<Likely> = likely.into_iter().map(|(_, one)| one).collect();
        likely.truncate(MOST_LIKELY);
        // The suggestion of the default encoding shows the same word.
        if let Some(first) = likely.first() {
            let is_it = |(word, ..): &&(&[u8], String, Looks)| {
                Coder::of(first.charset.label())
                    .is_some_and(|coder| coder.decode(word).trim_end() == first.word)
            };
            let as_usual = read
                .iter()
                .find(is_it)
                .map(|(_, text, _)| text.trim_end().to_owned());
            likely.extend(as_usual.map(|word| Likely {
                charset: usual.charset,
                word,
            }));
        }
        let broken = read
            .iter()
            .filter(|(_, _, seen)| *seen == Looks::Broken)
            .count();
        match likely.is_empty() && broken * 4 <= read.len() {
            true => Ok(usual.charset),
            false => Err(likely),
        }
    }
}

/// The plausibility of a word in an alternative encoding. Punctuation counts less than letters, because
/// letters of another encoding often decode to punctuation.
fn instead_looks(word: &str, usual: &str) -> Looks {
    let seen = looks(word);
    // Names begin with capital letters: Škoda is more likely than äkoda.
    if word.starts_with(char::is_lowercase) && usual.starts_with(char::is_uppercase) {
        return seen.min(Looks::Odd);
    }
    // Turkish has few other letters beyond ASCII: Guðrún is more likely than Guğrún.
    let is_turkish = |c: char| matches!(c, 'Ğ' | 'ğ' | 'İ' | 'ı' | 'Ş' | 'ş');
    let is_in_turkish = |c: char| c.is_ascii() || is_turkish(c) || "ÇçÖöÜüÂâÎîÛû’".contains(c);
    if word.contains(is_turkish) && !word.chars().all(is_in_turkish) {
        return seen.min(Looks::Odd);
    }
    let has_letter = word.chars().any(|c| !c.is_ascii() && is_letter(c));
    seen.min(if has_letter {
        Looks::Familiar
    } else {
        Looks::Odd
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(label: &str, text: &str) -> Result<&'static str, Vec<String>> {
        let bytes = Coder::of(label).unwrap().encode(text).unwrap();
        verdict_of(&bytes)
    }

    fn verdict_of(bytes: &[u8]) -> Result<&'static str, Vec<String>> {
        let found = Words::read(bytes).unwrap().verdict();
        let names = |all: Vec<Likely>| {
            all.into_iter()
                .map(|one| one.charset.label().to_owned())
                .collect()
        };
        found.map(Charset::label).map_err(names)
    }

    #[test]
    fn the_default_encoding_is_detected_by_letters_and_punctuation() {
        let mut asked = Vec::new();
        for text in [
            "Åsa Öberg",
            "André",
            "Peña;García",
            "François",
            "Zoë Müller",
            "Strauß",
            "BJÖRN ÅKE",
            "He ran the “best” bakery",
            "wait… what",
            "Acme™ Inc",
            "100 €",
            "€5",
            "Škoda club",
            "O’Brien",
            "don’t",
            "Peter’s school",
            "2019–2021",
            "run — walk",
            "• first",
            "naïve café",
            "well known—though late",
            "‘quoted’ words",
            "Söderström’s",
            "Çelik",
            "Íñigo",
            "Ångström",
            "Örjan",
            "Örn",
            "Göran",
            "Malmö",
            "Zoë",
            "José",
            "Guðrún",
            "Guðmundur",
            "Sigurður",
            "Þórdís",
            "Úlfur",
            "Øre",
            "Brontë",
        ] {
            asked.extend(
                verdict("windows-1252", text)
                    .err()
                    .map(|others| (text, others)),
            );
        }
        assert_eq!(asked, Vec::new());
    }

    #[test]
    fn punctuation_in_a_bio_suggests_no_implausible_encoding() {
        let coder = Coder::of("windows-1252").unwrap();
        for mark in [
            "“best”",
            "wait…",
            "Acme™",
            "€5",
            "100 €",
            "Škoda",
            "Smith’s",
        ] {
            for name in ["Ann", "Peña", "García", "José", "Zoë", "Renée"] {
                let text = format!("E-1,{name},Runs the {mark} club\r\nE-2,Bob,Plays chess\r\n");
                let bytes = coder.encode(&text).unwrap();
                let verdict = Words::read(&bytes[..]).unwrap().verdict();
                assert_eq!(verdict.map(Charset::label), Ok("windows-1252"), "{text}");
            }
        }
        // Suggestions for a file in another encoding never contain implausible words.
        for label in ["macintosh", "cp850", "cp437"] {
            for text in ["Peña,“best”", "José,García", "Renée,Zoë"] {
                let Some(bytes) = Coder::of(label).unwrap().encode(text) else {
                    continue;
                };
                for one in Words::read(&bytes[..]).unwrap().verdict().unwrap_err() {
                    let is_usual = one.charset.label() == USUAL;
                    assert!(
                        is_usual || looks(&one.word) > Looks::Broken,
                        "{text}: {one:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_alternative_encoding_always_requires_a_decision() {
        let mut silent = Vec::new();
        for label in ["macintosh", "cp850", "cp437", "cp865", "x-mac-icelandic"] {
            for text in [
                "Åsa",
                "Öberg",
                "Källström",
                "Andr\u{e9}",
                "M\u{fc}ller",
                "Peña",
                "Möller",
                "Renée",
                "BJÖRN",
                "Günther",
                "Álvaro",
                "García",
                "Jörg",
                "François",
                "Málaga",
                "Muñoz",
            ] {
                let Some(bytes) = Coder::of(label).unwrap().encode(text) else {
                    continue;
                };
                if verdict_of(&bytes).is_ok() {
                    silent.push((label, text));
                }
            }
        }
        for (label, text) in [
            ("macintosh", "Søren"),
            ("cp865", "Søren"),
            ("macintosh", "Ærø"),
            ("cp850", "Øystein"),
            ("iso-8859-15", "Šimek"),
            ("iso-8859-15", "Sœur"),
            ("windows-1250", "Łukasz"),
            ("windows-1250", "Dvořák"),
            ("windows-1254", "Şahin"),
            ("cp852", "Łukasz"),
            ("cp861", "Þór"),
            ("cp860", "João"),
            ("cp863", "Hélène"),
            ("windows-1251", "Анна"),
            ("windows-1253", "Γιώργος"),
            ("x-mac-icelandic", "Hermóður"),
            ("koi8-r", "Иванов"),
            ("iso-8859-10", "Čohkka"),
        ] {
            if verdict(label, text).is_ok() {
                silent.push((label, text));
            }
        }
        assert_eq!(silent, Vec::new());
        // EBCDIC and Shift JIS.
        assert_eq!(
            verdict_of(b"\xC1\x95\x95\x81\x6B\xD3\x89\x95\x84\x25\xC2\x96\x6B\xC5\x92"),
            Err(vec![])
        );
        assert!(verdict_of(b"\x93\x63\x92\x86,\x91\xBE\x98\x59").is_err());
    }

    #[test]
    fn the_first_suggested_encoding_is_the_right_one() {
        for (label, text) in [
            ("macintosh", "Åsa Öberg;Müller;Björn"),
            ("cp850", "Åsa Öberg;Müller;André"),
            ("windows-1250", "Łukasz;Świątek;Wójcik"),
            ("macintosh", "Peña;José;Muñoz"),
        ] {
            assert_eq!(verdict(label, text).unwrap_err()[0], label, "{text}");
        }
    }
}
