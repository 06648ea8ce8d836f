//! Parses spreadsheet number formats to determine the displayed text.

use super::mark::CellMark;

/// A number format of a spreadsheet (ECMA-376, part 1, section 18.8.31). Only unambiguous parts are
/// interpreted.
#[derive(Debug, Clone, Default)]
pub(super) struct NumberFormat {
    sections: Vec<Section>,
}

type Comparison = fn(&f64, &f64) -> bool;

/// The format of numbers of a certain sign or size.
#[derive(Debug, Clone, Default)]
struct Section {
    /// The comparison with a number that a value must pass.
    condition: Option<(Comparison, f64)>,
    tokens: Vec<Token>,
    shows: Parts,
}

/// The elements of a section besides digits and literal text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Parts {
    date: bool,
    time: bool,
    percent: bool,
    /// The value without a digit format.
    value: bool,
    /// An exponent or a fraction, which does not change the value.
    look: bool,
    point: bool,
    /// Thousands separators, and scaling by thousands.
    thousands: bool,
    scale: bool,
    text: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A digit placeholder: `0` always shows a digit, `?` shows a space in its place.
    Digit(char),
    /// The value.
    Value,
    Literal(String),
}

/// A number as the cell displays it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) mark: Option<CellMark>,
}

/// The number from which a spreadsheet does not store all digits.
const LONG: f64 = 1e15;

impl NumberFormat {
    /// Parses a format code.
    pub(super) fn of(code: &str) -> NumberFormat {
        let mut sections = Vec::new();
        let mut rest = code;
        loop {
            let (section, more) = Section::of(rest);
            sections.push(section);
            match more {
                Some(more) => rest = more,
                None => return NumberFormat { sections },
            }
        }
    }

    /// Whether the format shows a date, and whether it shows a time of day.
    pub(super) fn shows_date_and_time(&self) -> (bool, bool) {
        let first = self.sections.first();
        first.map_or((false, false), |first| (first.shows.date, first.shows.time))
    }

    /// Whether the format shows numbers and text unchanged, so that it can be ignored.
    pub(super) fn is_general(&self) -> bool {
        matches!(&self.sections[..], [only] if only.condition.is_none()
            && (only.shows.value || only.shows.text)
            && matches!(only.tokens[..], [Token::Value]))
    }

    /// Formats a number: with the digits that the format adds, or as the plain value if only its notation
    /// differs.
    pub(super) fn show(&self, value: f64) -> Shown {
        let plain = plain(value);
        let as_it_is = |mark| Shown {
            text: plain.clone(),
            mark,
        };
        let is_long = value.abs() >= LONG;
        let Some((section, has_sign)) = self.section_for(value) else {
            return as_it_is(is_long.then_some(CellMark::LongNumber));
        };
        let shows = section.shows;
        if shows.percent {
            let text = format!("{} %", self::plain(round(value * 100.0)));
            return Shown {
                text,
                mark: Some(CellMark::Percentage),
            };
        }
        if is_long {
            return as_it_is(Some(CellMark::LongNumber));
        }
        if shows.date || shows.time || shows.scale {
            return as_it_is(Some(CellMark::ShownOtherwise));
        }
        let is_amount = |section: &Section| {
            section.shows.point || section.shows.thousands || section.shows.look
        };
        let is_shown = section
            .tokens
            .iter()
            .any(|token| matches!(token, Token::Digit(_) | Token::Value));
        if !is_shown {
            return as_it_is(Some(CellMark::ShownOtherwise));
        }
        if shows.value {
            let text = section.with_value(&plain);
            let mark = (text != plain).then_some(CellMark::Formatted);
            return Shown { text, mark };
        }
        if !shows.look && rounded(value, section.decimals()) != value {
            return as_it_is(Some(CellMark::ShownOtherwise));
        }
        // An amount is sent as a plain number.
        if is_amount(section) || self.sections.first().is_some_and(is_amount) {
            return as_it_is(None);
        }
        let digits = self::plain(value.abs());
        let mut text = section.filled(&digits);
        // A format without a required digit shows nothing for 0.
        if text.is_empty() {
            return as_it_is(Some(CellMark::ShownOtherwise));
        }
        if value < 0.0 && has_sign {
            text.insert(0, '-');
        }
        let mark = (text != plain).then_some(CellMark::Formatted);
        Shown { text, mark }
    }

    /// Whether the section for text omits the text.
    pub(super) fn hides_text(&self) -> bool {
        matches!(&self.sections[..], [_, _, _, text] if !text.shows.text && !text.shows.value)
    }

    /// The displayed form of a text, if it differs.
    pub(super) fn show_text(&self, text: &str) -> Option<String> {
        // Text is formatted by the fourth section, or by a single section with a text placeholder.
        let of_text = match &self.sections[..] {
            [.., last] if last.shows.text => last,
            _ => return None,
        };
        let shown = of_text.with_value(text);
        (shown != text).then_some(shown)
    }

    /// The section that applies to a value, and whether it requires a minus sign.
    fn section_for(&self, value: f64) -> Option<(&Section, bool)> {
        // If the only section is for text, numbers are shown unchanged.
        let numbers: &[Section] = match &self.sections[..] {
            [numbers @ .., last] if last.shows.text => numbers,
            all => all,
        };
        let [first, ..] = numbers else {
            return None;
        };
        if numbers.iter().any(|section| section.condition.is_some()) {
            let fits = |section: &&Section| {
                section
                    .condition
                    .is_none_or(|(holds, other)| holds(&value, &other))
            };
            return numbers.iter().find(fits).map(|section| (section, true));
        }
        Some(match numbers {
            [_, _, zero, ..] if value == 0.0 => (zero, false),
            [_, negative, ..] if value < 0.0 => (negative, false),
            _ => (first, true),
        })
    }
}

/// The code of a built-in format, which a workbook does not declare (ECMA-376, part 1, section 18.8.30).
pub(super) fn built_in(id: u16) -> Option<&'static str> {
    Some(match id {
        0 => "General",
        1 => "0",
        2 => "0.00",
        3 => "#,##0",
        4 => "#,##0.00",
        // ECMA-376-1 (section 18.8.30) does not define 5 to 8 and 41 to 44; these are Excel's. 37 to 40 follow
        // [MS-OI29500].
        5 | 6 | 41 | 42 => "#,##0_)",
        7 | 8 | 43 | 44 => "#,##0.00_)",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 => "# ?/?",
        13 => "# ??/??",
        14..=17 | 27..=31 | 34..=36 | 50..=58 => "yyyy-mm-dd",
        18..=21 | 32 | 33 | 45..=47 => "hh:mm:ss",
        22 => "yyyy-mm-dd hh:mm",
        37 | 38 => "#,##0_);(#,##0)",
        39 | 40 => "#,##0.00_);(#,##0.00)",
        48 => "##0.0E+0",
        49 => "@",
        _ => return None,
    })
}

impl Section {
    /// Parses the first section of a code. Returns it and the rest.
    fn of(code: &str) -> (Section, Option<&str>) {
        let mut section = Section::default();
        let mut chars = code.char_indices().peekable();
        let mut after_digit = false;
        let mut pending_comma = false;
        while let Some((at, c)) = chars.next() {
            let rest = &code[at..];
            let lower = c.to_ascii_lowercase();
            match lower {
                ';' => {
                    section.shows.scale |= pending_comma;
                    return (section, code.get(at + 1..));
                }
                '"' => {
                    let text: String = chars
                        .by_ref()
                        .map(|(_, c)| c)
                        .take_while(|c| *c != '"')
                        .collect();
                    section.literal(&text);
                }
                '\\' | '!' => {
                    if let Some((_, c)) = chars.next() {
                        section.literal(c.encode_utf8(&mut [0; 4]));
                    }
                }
                // Space of a character's width, or a fill character.
                '_' | '*' => {
                    chars.next();
                }
                '[' => {
                    let inner: String = chars
                        .by_ref()
                        .map(|(_, c)| c)
                        .take_while(|c| *c != ']')
                        .collect();
                    section.bracket(&inner);
                }
                '0' | '#' | '?' => {
                    if pending_comma {
                        section.shows.thousands = true;
                        pending_comma = false;
                    }
                    section.tokens.push(Token::Digit(c));
                    after_digit = true;
                    continue;
                }
                ',' if after_digit => {
                    pending_comma = true;
                    continue;
                }
                '.' if !section.shows.date && !section.shows.time => {
                    section.shows.scale |= std::mem::take(&mut pending_comma);
                    section.shows.point = true;
                    section.tokens.push(Token::Literal(".".into()));
                    continue;
                }
                '%' => section.shows.percent = true,
                '@' => {
                    section.shows.text = true;
                    section.tokens.push(Token::Value);
                }
                '/' if after_digit => section.shows.look = true,
                'e' if after_digit && rest[1..].starts_with(['+', '-']) => {
                    section.shows.look = true
                }
                'g' if rest
                    .get(..7)
                    .is_some_and(|word| word.eq_ignore_ascii_case("general")) =>
                {
                    chars.nth(5);
                    section.value();
                }
                'a' if ["am/pm", "a/p"].iter().any(|word| {
                    rest.get(..word.len())
                        .is_some_and(|head| head.eq_ignore_ascii_case(word))
                }) =>
                {
                    section.shows.time = true;
                    let length = if rest.get(1..2).is_some_and(|next| next == "/") {
                        3
                    } else {
                        5
                    };
                    chars.nth(length - 2);
                }
                'y' | 'd' | 'e' | 'b' | 'g' => section.shows.date = true,
                'h' | 's' => section.shows.time = true,
                // A minute next to hours or seconds, and otherwise a month.
                'm' => {
                    let before = section.shows.time;
                    let behind = rest.trim_start_matches(['m', 'M']);
                    let behind = behind.trim_start_matches([':', '.', ' ']);
                    let is_minute = before || behind.starts_with(['s', 'S', 'h', 'H']);
                    match is_minute && !rest[1..].starts_with("mm") {
                        true => section.shows.time = true,
                        false => section.shows.date = true,
                    }
                    while chars.next_if(|(_, c)| matches!(c, 'm' | 'M')).is_some() {}
                }
                _ => section.literal(c.encode_utf8(&mut [0; 4])),
            }
            if pending_comma {
                section.shows.scale = true;
                pending_comma = false;
            }
            after_digit = false;
        }
        section.shows.scale |= pending_comma;
        (section, None)
    }

    fn literal(&mut self, text: &str) {
        match self.tokens.last_mut() {
            Some(Token::Literal(last)) => last.push_str(text),
            _ => self.tokens.push(Token::Literal(text.to_owned())),
        }
    }

    fn value(&mut self) {
        self.shows.value = true;
        self.tokens.push(Token::Value);
    }

    /// Parses a bracketed element: a condition, currency, duration or color.
    fn bracket(&mut self, inner: &str) {
        if let Some(currency) = inner.strip_prefix('$') {
            let sign = currency.split('-').next().unwrap_or_default();
            if !sign.is_empty() {
                self.literal(sign);
            }
            return;
        }
        let lower = inner.to_ascii_lowercase();
        let is_duration = ['h', 'm', 's']
            .iter()
            .any(|unit| !lower.is_empty() && lower.chars().all(|c| c == *unit));
        if is_duration {
            self.shows.time = true;
            return;
        }
        const SIGNS: [(&str, Comparison); 6] = [
            ("<=", f64::le),
            (">=", f64::ge),
            ("<>", f64::ne),
            ("<", f64::lt),
            (">", f64::gt),
            ("=", f64::eq),
        ];
        for (sign, comparison) in SIGNS {
            if let Some(number) = inner.strip_prefix(sign) {
                self.condition = number
                    .trim()
                    .parse()
                    .ok()
                    .map(|number| (comparison, number));
                return;
            }
        }
    }

    /// The displayed form of a text value.
    fn with_value(&self, value: &str) -> String {
        let mut text = String::new();
        for token in &self.tokens {
            match token {
                Token::Literal(literal) => text.push_str(literal),
                Token::Value => text.push_str(value),
                Token::Digit(_) => {}
            }
        }
        text
    }

    /// The number of decimal places.
    fn decimals(&self) -> u32 {
        let tokens = self.tokens.iter();
        let behind = tokens.skip_while(|token| **token != Token::Literal(".".into()));
        if !self.shows.point {
            return 0;
        }
        behind
            .filter(|token| matches!(token, Token::Digit(_)))
            .count() as u32
    }

    /// Fills digits into the placeholders from the right. Surplus digits precede the first one.
    fn filled(&self, digits: &str) -> String {
        let mut left: Vec<char> = digits.chars().filter(char::is_ascii_digit).collect();
        if left == ['0'] {
            // Only a required placeholder shows a zero.
            left.clear();
        }
        let places = |token: &Token| matches!(token, Token::Digit(_));
        let first = self.tokens.iter().position(places);
        let mut reversed = Vec::new();
        for (index, token) in self.tokens.iter().enumerate().rev() {
            match token {
                Token::Literal(text) => reversed.extend(text.chars().rev()),
                Token::Value => {}
                Token::Digit(place) => {
                    match (left.pop(), place) {
                        (Some(digit), _) => reversed.push(digit),
                        (None, '0') => reversed.push('0'),
                        (None, '?') => reversed.push(' '),
                        (None, _) => {}
                    }
                    if first == Some(index) {
                        reversed.extend(left.drain(..).rev());
                    }
                }
            }
        }
        let text: String = reversed.into_iter().rev().collect();
        text.trim().to_owned()
    }
}

/// Formats a number in digits without an exponent, with the precision of a spreadsheet.
pub(super) fn plain(value: f64) -> String {
    // Rust prints the shortest representation that identifies the number.
    round(value).to_string()
}

/// Rounds a number to the 15 significant digits that a spreadsheet displays. Whole numbers are unchanged.
fn round(value: f64) -> f64 {
    if value.fract() == 0.0 || !value.is_finite() {
        return value;
    }
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// Rounds a number to this number of decimals.
fn rounded(value: f64, decimals: u32) -> f64 {
    let decimals = decimals as usize;
    let near = format!("{:.decimals$}", round(value));
    // A difference only in the sixteenth digit is ignored.
    match near.parse::<f64>() {
        Ok(near) if near == round(value) => value,
        Ok(near) => near,
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CellMark::{Formatted, LongNumber, Percentage, ShownOtherwise};

    fn show(code: &str, value: f64) -> (String, Option<CellMark>) {
        let shown = NumberFormat::of(code).show(value);
        (shown.text, shown.mark)
    }

    #[test]
    fn digits_and_text_that_a_format_adds_are_shown() {
        for (code, value, text) in [
            ("0000", 184.0, "0184"),
            ("00000", 184.0, "00184"),
            ("000000-0000", 1_004_022_388.0, "100402-2388"),
            ("00000000\\-0000", 201_004_022_388.0, "20100402-2388"),
            ("### ##", 26131.0, "261 31"),
            ("000\\ 00", 26131.0, "261 31"),
            ("000\" \"00;@", 1131.0, "011 31"),
            ("\"E-\"0000", 17.0, "E-0017"),
            ("\"E-\"General", 17.0, "E-17"),
            ("0000-00", 1_234_567.0, "12345-67"),
            ("00\"x\";-00\"y\"", -7.0, "-07y"),
            ("0000", -7.0, "-0007"),
            ("0;(0)", -7.0, "(7)"),
            ("0;-0;\"none\"0", 0.0, "none0"),
            (
                "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####",
                5_551_234.0,
                "555-1234",
            ),
            (
                "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####",
                8_005_551_234.0,
                "(800) 555-1234",
            ),
            ("[Red][$-41D]0000", 5.0, "0005"),
            ("_(0000_)", 5.0, "0005"),
            ("*-0000", 5.0, "0005"),
        ] {
            assert_eq!(show(code, value), (text.into(), Some(Formatted)), "{code}");
        }
    }

    #[test]
    fn a_format_that_changes_only_the_notation_keeps_the_number() {
        for (code, value, text) in [
            ("General", 201_004_022_388.0, "201004022388"),
            ("GENERAL", 1.5, "1.5"),
            ("0", 184.0, "184"),
            ("@", 184.0, "184"),
            ("\"E-\"@", 17.0, "17"),
            ("#", 184.0, "184"),
            ("#,##0", 12345.0, "12345"),
            ("#,##0.00", 12345.0, "12345"),
            ("#,##0.00\\ \"kr\"", 12.5, "12.5"),
            ("0.00", 184.25, "184.25"),
            ("0.00E+00", 201_004_022_388.0, "201004022388"),
            ("# ?/?", 0.5, "0.5"),
            (
                "_-* #,##0_-;\\-* #,##0_-;_-* \"-\"??_-;_-@_-",
                12345.0,
                "12345",
            ),
            ("_-* #,##0_-;\\-* #,##0_-;_-* \"-\"??_-;_-@_-", 0.0, "0"),
            ("#,##0;(#,##0)", -5.0, "-5"),
            ("General", 0.1 + 0.2, "0.3"),
        ] {
            assert_eq!(show(code, value), (text.into(), None), "{code}");
        }
    }

    #[test]
    fn percentages_long_and_altered_numbers_are_marked() {
        for (code, value, text, mark) in [
            ("0%", 0.5, "50 %", Percentage),
            ("0.00%", 0.125, "12.5 %", Percentage),
            (
                "General",
                1.234_567_890_123_456_7e17,
                "123456789012345660",
                LongNumber,
            ),
            ("0", 1e15, "1000000000000000", LongNumber),
            ("0", 184.5, "184.5", ShownOtherwise),
            ("0.0", 184.25, "184.25", ShownOtherwise),
            ("0,", 184_000.0, "184000", ShownOtherwise),
            (";;;", 184.0, "184", ShownOtherwise),
            ("#", 0.0, "0", ShownOtherwise),
            ("### ##", 0.0, "0", ShownOtherwise),
            ("\"Anna\"", 5.0, "5", ShownOtherwise),
        ] {
            assert_eq!(show(code, value), (text.into(), Some(mark)), "{code}");
        }
    }

    #[test]
    fn built_in_formats_have_the_specified_decimals() {
        for (id, decimals) in [
            (37, 0),
            (38, 0),
            (39, 2),
            (40, 2),
            (42, 0),
            (44, 2),
            (5, 0),
            (8, 2),
        ] {
            let format = NumberFormat::of(built_in(id).unwrap());
            assert_eq!(format.sections[0].decimals(), decimals, "{id}");
        }
    }

    #[test]
    fn date_and_time_formats_are_distinguished() {
        for (code, date, time) in [
            ("yyyy-mm-dd", true, false),
            ("d-mmm", true, false),
            ("mm-dd-yy", true, false),
            ("[$-41D]d mmmm yyyy", true, false),
            ("hh:mm", false, true),
            ("h:mm AM/PM", false, true),
            ("[h]:mm:ss", false, true),
            ("mm:ss", false, true),
            ("mmss.0", false, true),
            ("m/d/yy h:mm", true, true),
            ("yyyy\\-mm\\-dd\\ hh:mm", true, true),
            ("0000", false, false),
            ("0 \"dagar\"", false, false),
        ] {
            let found = NumberFormat::of(code).shows_date_and_time();
            assert_eq!(found, (date, time), "{code}");
        }
    }

    #[test]
    fn the_text_section_adds_literals() {
        let show = |code: &str| NumberFormat::of(code).show_text("17");
        assert_eq!(show("\"E-\"@").as_deref(), Some("E-17"));
        assert_eq!(show("0;-0;0;\"E-\"@").as_deref(), Some("E-17"));
        assert_eq!(show("0;-0;0;@"), None);
        assert_eq!(show("@"), None);
        assert_eq!(show("0000"), None);
        for (code, hides) in [
            (";;;", true),
            ("0;-0;0;\"x\"", true),
            ("0;-0;0;@", false),
            ("0;-0;0", false),
            ("@", false),
        ] {
            assert_eq!(NumberFormat::of(code).hides_text(), hides, "{code}");
        }
        assert!(NumberFormat::of("General").is_general());
        assert!(NumberFormat::of("@").is_general());
        assert!(!NumberFormat::of("0000").is_general());
    }

    proptest::proptest! {
        /// Parsing and formatting never panic.
        #[test]
        fn no_format_code_causes_a_panic(code in "([0#?,.;@%/Ee+_*\\\\\\[\\]$<>=a-zåÅ \"-]|General|AM/PM){0,16}", value in proptest::num::f64::ANY) {
            let format = NumberFormat::of(&code);
            format.show(value);
            format.show_text("x");
            format.shows_date_and_time();
        }
    }
}
