//! Scores words by the plausibility of their letters.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;

/// The plausibility of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Looks {
    /// A symbol within the word or a capital letter in its middle, as in wrongly decoded text.
    Broken,
    /// A combination of letters that does not occur in the lists of names and words.
    Strange,
    /// A punctuation mark in a permitted but unusual position.
    Odd,
    /// Letters in positions that occur in some European language.
    Known,
    /// Letters in positions that occur in a language of western or northern Europe.
    Familiar,
    /// An English contraction, a possessive, or a single punctuation mark.
    Certain,
}

impl Looks {
    /// The plausibility as a number for sums. A broken word outweighs several plausible ones.
    pub(super) fn weight(self) -> i64 {
        match self {
            Looks::Broken => -8,
            Looks::Strange => 0,
            Looks::Odd => 2,
            Looks::Known => 3,
            Looks::Familiar => 4,
            Looks::Certain => 6,
        }
    }
}

/// The contexts of letters beyond ASCII in European names and words. Each line of the file holds a letter,
/// then each preceding letter with its following letters; those after a slash occur only in eastern European
/// languages, Icelandic, Irish and Turkish. `^` is the beginning of a word and `$` its end.
static TRIPLES: LazyLock<HashMap<[char; 3], Looks>> = LazyLock::new(|| {
    let mut triples = HashMap::new();
    for line in include_str!("letters.txt").lines() {
        let mut parts = line.split(' ');
        let Some(letter) = parts.next().and_then(|part| part.chars().next()) else {
            continue;
        };
        for part in parts {
            let mut behind = part.chars();
            let Some(before) = behind.next() else {
                continue;
            };
            let mut looks = Looks::Familiar;
            for next in behind {
                match next {
                    '/' => looks = Looks::Known,
                    _ => {
                        triples.insert([before, letter, next], looks);
                    }
                }
            }
        }
    }
    triples
});

/// The number of familiar contexts of each letter.
static PLACES: LazyLock<HashMap<char, usize>> = LazyLock::new(|| {
    let mut places = HashMap::new();
    for ([_, letter, _], looks) in TRIPLES.iter() {
        *places.entry(*letter).or_default() += usize::from(*looks == Looks::Familiar);
    }
    places
});

/// The plausibility of a word. The word contains no space, except one at its end if another word follows.
pub(super) fn looks(word: &str) -> Looks {
    let chars: Vec<char> = word.chars().collect();
    let mut worst = Looks::Certain;
    for at in 0..chars.len() {
        let sign = chars[at];
        if sign.is_ascii() {
            continue;
        }
        worst = worst.min(match is_letter(sign) {
            true => letter_looks(&chars, at),
            false => mark_looks(&chars, at),
        });
        if worst == Looks::Broken {
            break;
        }
    }
    worst
}

/// Whether a character is part of a word. Some characters that Unicode classifies as letters are used as
/// symbols.
pub(super) fn is_letter(c: char) -> bool {
    is_combining_mark(c)
        || c.is_alphabetic() && !matches!(c, 'ª' | 'º' | 'ƒ' | 'ˆ' | 'µ' | '\u{2BB}' | '\u{2BC}')
}

/// The letters before and after the character at `at`, if any.
fn beside(chars: &[char], at: usize) -> (Option<char>, Option<char>) {
    let letter = |c: &&char| is_letter(**c);
    let before = at.checked_sub(1).and_then(|before| chars.get(before));
    (
        before.filter(letter).copied(),
        chars.get(at + 1).filter(letter).copied(),
    )
}

fn letter_looks(chars: &[char], at: usize) -> Looks {
    let letter = chars[at];
    let (before, next) = beside(chars, at);
    let script = script(letter);
    if [before, next]
        .iter()
        .flatten()
        .any(|other| self::script(*other) != script)
    {
        return Looks::Broken;
    }
    if before.is_none() && next.is_none() {
        // A single letter has no context.
        return Looks::Strange;
    }
    if script != Script::Latin {
        return Looks::Known;
    }
    if let Some(before) = before.filter(|_| letter.is_uppercase()) {
        let in_capitals = before.is_uppercase() && !next.is_some_and(char::is_lowercase);
        // A name that continues another one, as in McÉwan and DeÁngelis.
        let head: String = chars[..at]
            .iter()
            .rev()
            .take_while(|c| is_letter(**c))
            .collect();
        let head: String = head.chars().rev().collect();
        let goes_on = ["Mc", "Mac", "De", "Di", "Du", "La", "Le", "Van", "Fitz"];
        if !in_capitals && !goes_on.contains(&head.as_str()) {
            return Looks::Broken;
        }
    }
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let triple = [
        before.map_or('^', lower),
        lower(letter),
        next.map_or('$', lower),
    ];
    TRIPLES.get(&triple).copied().unwrap_or(Looks::Strange)
}

/// The plausibility of a non-letter at its position.
fn mark_looks(chars: &[char], at: usize) -> Looks {
    let mark = chars[at];
    if matches!(mark, '\u{80}'..='\u{9F}' | '\u{FFFD}') {
        return Looks::Broken;
    }
    if mark.is_whitespace() {
        return Looks::Odd;
    }
    match beside(chars, at) {
        (Some(before), Some(next)) => between_letters(chars, at, before, next),
        (None, Some(_)) => match mark {
            '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '‘' => Looks::Familiar,
            '’' | '…' | '–' | '—' | '•' | '©' | '¿' | '¡' | '°' | 'º' | '×' | '\u{2BB}'
            | '\u{2BC}' => Looks::Odd,
            _ if is_common(mark) => Looks::Broken,
            _ => Looks::Strange,
        },
        (Some(_), None) => match mark {
            '…' if !is_french_a(&chars[..at]) => Looks::Certain,
            '“' | '”' | '’' | '»' | '«' | '›' | '…' | '™' | '®' => Looks::Familiar,
            '‘' | '‹' | '–' | '—' | '©' | '°' | '²' | '³' | '¹' | 'ª' | 'º' | '´' => {
                Looks::Odd
            }
            _ if is_common(mark) => Looks::Broken,
            _ => Looks::Strange,
        },
        (None, None) => match mark {
            '“' | '”' | '„' | '’' | '‘' | '»' | '«' | '…' | '–' | '—' | '•' | '€' | '£' | '™'
            | '®' | '©' | '°' | '²' | '³' | '½' | '¼' | '¾' | '±' | '×' | '§' | '·' | '‰' | 'º'
            | 'ª' => Looks::Certain,
            _ => Looks::Strange,
        },
    }
}

/// Whether a final à makes a French word: là, voilà, delà, déjà.
fn is_french_a(before: &[char]) -> bool {
    let word: String = before.iter().rev().take(3).rev().collect();
    let word = word.to_lowercase();
    word == "l"
        || ["oil", "del", "éj", "dej"]
            .iter()
            .any(|end| word.ends_with(end))
}

/// The number of contexts of the rarest letter beyond ASCII in a text.
pub(super) fn commonness(text: &str) -> usize {
    let letters = text.chars().filter(|c| !c.is_ascii() && is_letter(*c));
    let places = letters.map(|c| {
        let c = c.to_lowercase().next().unwrap_or(c);
        PLACES.get(&c).copied().unwrap_or_default()
    });
    places.min().unwrap_or_default()
}

fn between_letters(chars: &[char], at: usize, before: char, next: char) -> Looks {
    let letters =
        |rest: &mut dyn Iterator<Item = &char>| rest.take_while(|c| is_letter(**c)).count();
    let left = letters(&mut chars[..at].iter().rev());
    let right = letters(&mut chars[at + 1..].iter());
    let ending: String = chars[at + 1..].iter().take(right).collect();
    let goes_on = chars.last() == Some(&' ');
    match chars[at] {
        // An apostrophe before a capital letter, as in O’Brien and l’Été.
        '’' | '‘' | '´' | '\u{2BB}' | '\u{2BC}' if next.is_uppercase() => Looks::Familiar,
        '’' => match ending.as_str() {
            "t" if before == 'n' => Looks::Certain,
            "s" if goes_on && left > 1 => Looks::Certain,
            "ll" | "re" | "ve" => Looks::Certain,
            "s" | "t" | "m" | "d" => Looks::Familiar,
            _ => Looks::Odd,
        },
        '‘' | '´' | '\u{2BB}' | '\u{2BC}' => Looks::Odd,
        '\u{2010}' | '\u{2011}' | '\u{200C}' | '\u{200D}' => Looks::Familiar,
        '·' if before.eq_ignore_ascii_case(&'l') && next.eq_ignore_ascii_case(&'l') => {
            Looks::Familiar
        }
        '–' | '—' if left.min(right) > 3 => Looks::Certain,
        '–' | '—' if left.min(right) > 1 => Looks::Familiar,
        '…' => Looks::Odd,
        mark if is_common(mark) => Looks::Broken,
        _ => Looks::Strange,
    }
}

/// Whether a symbol occurs in single-byte encodings, so that a wrongly decoded letter may have become it.
fn is_common(mark: char) -> bool {
    matches!(u32::from(mark), 0x80..=0xBF | 0xD7 | 0xF7 | 0x192 | 0x2C6 | 0x2C7 | 0x2D8..=0x2DD
        | 0x2017..=0x2044 | 0x20A0..=0x20BF | 0x2100..=0x214F | 0x2190..=0x22FF | 0x2300..=0x23FF
        | 0x2500..=0x25FF | 0xF8FF)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Han,
    /// Other scripts by Unicode block. Combining accents count as Latin because they occur with any letter.
    Other(u32),
}

fn script(c: char) -> Script {
    match u32::from(c) {
        0..=0x36F | 0x1D00..=0x1EFF | 0x2C60..=0x2C7F | 0xA720..=0xA7FF | 0xFB00..=0xFB06 => {
            Script::Latin
        }
        0x370..=0x3FF | 0x1F00..=0x1FFF | 0x2126 => Script::Greek,
        0x400..=0x52F | 0x2DE0..=0x2DFF | 0xA640..=0xA69F => Script::Cyrillic,
        0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Script::Han,
        // Arabic spans several consecutive blocks.
        0x600..=0x8FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF => Script::Other(0x600),
        other => Script::Other(other & !0x7F),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_prose_are_plausible() {
        for word in [
            "Åsa",
            "Zoë",
            "François",
            "Müller",
            "MÜLLER",
            "Øystein",
            "Peña",
            "García",
            "l’Été",
        ] {
            assert!(looks(word) >= Looks::Known, "{word}: {:?}", looks(word));
        }
        for word in [
            "O’Brien",
            "“best”",
            "Acme™",
            "don’t",
            "Peter’s ",
            "€",
            "2019–2021",
            "McÉwan",
        ] {
            assert!(looks(word) > Looks::Broken, "{word}: {:?}", looks(word));
        }
        for word in [
            "MŸller",
            "S¿ren",
            "Andr‚",
            "√Ösa",
            "├àsa",
            "≈sa",
            "PeÒa",
            "Bj÷rn",
            "£ukasz",
            "LeiТlfur",
        ] {
            assert_eq!(looks(word), Looks::Broken, "{word}");
        }
        assert_eq!(looks("Bjšrn"), Looks::Strange);
    }
}
