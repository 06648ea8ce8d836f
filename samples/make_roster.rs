//! Writes a roster of synthetic people. The same seed gives the same roster:
//!
//! ```text
//! cargo run --release --example make-roster -- --rows 20000 --bad 1% --seed 7 > elever.csv
//! ```
//!
//! Up to 50,000 rows, the identity numbers are from the range that Skatteverket reserves for tests. Telephone
//! numbers are from the range that PTS reserves for fiction.

use std::collections::HashSet;
use std::io::{BufWriter, Write};

use clap::{Parser, ValueEnum};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Write a roster of synthetic people to standard output.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// The number of rows; more than two million rows would exhaust the identity numbers
    #[arg(long, default_value_t = 500, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=2_000_000))]
    pub rows: usize,
    /// The number of invalid rows, absolute or as a share such as 2%
    #[arg(long, default_value = "0")]
    pub bad: String,
    /// The random seed; the same seed gives the same roster
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The format of the file
    #[arg(long, value_enum, default_value_t = Style::Swedish)]
    pub style: Style,
}

/// The format of a roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// Semicolons, a byte-order mark, and Swedish headers and words, as in Swedish Excel
    Swedish,
    /// Commas, and the API's names and words
    English,
}

const SWEDISH: [&str; 17] = [
    "Elev-ID",
    "Personnummer",
    "Förnamn",
    "Efternamn",
    "Elevnummer",
    "Kön",
    "Tillfälligt personnummer",
    "Födelsedatum",
    "Gatuadress",
    "Postnummer",
    "Postort",
    "Land",
    "Kommunkod",
    "E-post",
    "Mobil",
    "EPPN",
    "Klass",
];

const ENGLISH: [&str; 17] = [
    "id",
    "identity_number",
    "first_name",
    "last_name",
    "external_source_id",
    "gender",
    "identity_temporary",
    "date_of_birth",
    "postal_address",
    "postal_code",
    "postal_city",
    "country_code",
    "municipality_code",
    "email_address1",
    "phone_number1",
    "edu_person_principal_name",
    "class",
];

const GIRLS: [&str; 24] = [
    "Alice",
    "Åsa",
    "Astrid",
    "Elsa",
    "Märta",
    "Freja",
    "Maja",
    "Signe",
    "Wilma",
    "Linnéa",
    "Saga",
    "Ebba",
    "Anna-Karin",
    "Fatima",
    "Amina",
    "Leïla",
    "Noor",
    "Zeynep",
    "Ylva",
    "Tuva",
    "Öykü",
    "Bärbel",
    "Chloé",
    "Ingrid",
];
const BOYS: [&str; 24] = [
    "Noah",
    "Åke",
    "Björn",
    "Göran",
    "Liam",
    "Hugo",
    "Örjan",
    "Elias",
    "Adam",
    "Måns",
    "Sixten",
    "Karl-Johan",
    "Ali",
    "Mohammed",
    "Yusuf",
    "Emil",
    "Olle",
    "Pär",
    "Torbjörn",
    "André",
    "José",
    "Håkan",
    "Nils",
    "Viggo",
];
const SURNAMES: [&str; 28] = [
    "Andersson",
    "Åkesson",
    "Öberg",
    "Lindström",
    "Sjögren",
    "Björk",
    "Nyström",
    "af Klintberg",
    "von Essen",
    "Ek Lindqvist",
    "Hassan",
    "Ahmed Ali",
    "Nguyen",
    "Kovač",
    "Müller",
    "Løkke",
    "Bergström-Öst",
    "Dahlgren",
    "Ängquist",
    "Hägg",
    "Söderlund",
    "de la Cruz",
    "O'Brien",
    "Wång",
    "Högberg",
    "Zetterström",
    "Malmö Persson",
    "Ståhl",
];
const STREETS: [&str; 12] = [
    "Storgatan",
    "Skolgatan",
    "Björkvägen",
    "Ängsstigen",
    "Östra Långgatan",
    "Kyrkvägen",
    "Råsundavägen",
    "Hagalundsgatan",
    "Åsögatan",
    "Södra vägen",
    "Prästgårdsgärdet",
    "Näckrosvägen",
];
const TOWNS: [(&str, &str, &str); 8] = [
    ("169 56", "Solna", "0184"),
    ("172 31", "Sundbyberg", "0183"),
    ("191 50", "Sollentuna", "0163"),
    ("753 20", "Uppsala", "0380"),
    ("211 45", "Malmö", "1280"),
    ("411 05", "Göteborg", "1480"),
    ("931 30", "Skellefteå", "2482"),
    ("261 31", "Landskrona", "1282"),
];

/// Writes the roster to `out`.
pub fn write(options: &Options, out: &mut impl Write) -> csv::Result<()> {
    let swedish = options.style == Style::Swedish;
    let mut random = SmallRng::seed_from_u64(options.seed);
    if swedish {
        out.write_all("\u{FEFF}".as_bytes())?;
    }
    let mut writer = csv::WriterBuilder::new()
        .delimiter(if swedish { b';' } else { b',' })
        .terminator(if swedish {
            csv::Terminator::CRLF
        } else {
            csv::Terminator::Any(b'\n')
        })
        .flexible(true)
        .from_writer(out);
    writer.write_record(if swedish { SWEDISH } else { ENGLISH })?;

    let bad = bad_rows(&options.bad, options.rows)?;
    let mut people = People::new(options.rows);
    let mut previous_id = String::new();
    for row in 0..options.rows {
        let mut cells = people.next(&mut random, options.style);
        let id = cells[0].clone();
        // Spread the invalid rows evenly over the roster, not starting with the first row.
        if bad > 0 && (row + 1) * bad / options.rows > row * bad / options.rows {
            let number = row * bad / options.rows;
            spoil(&mut cells, number, &previous_id);
        }
        writer.write_record(&cells)?;
        previous_id = id;
    }
    writer.flush()?;
    Ok(())
}

fn bad_rows(text: &str, rows: usize) -> std::io::Result<usize> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent
            .parse::<f64>()
            .ok()
            .map(|p| (rows as f64 * p / 100.0).round()),
        None => text.parse::<u32>().ok().map(f64::from),
    };
    let wrong = || {
        let text = format!("--bad takes a number or a share such as 2%, not \"{text}\"");
        std::io::Error::new(std::io::ErrorKind::InvalidInput, text)
    };
    Ok((number.ok_or_else(wrong)? as usize).min(rows))
}

/// Makes a row invalid, in one of twelve ways by turns.
fn spoil(cells: &mut Vec<String>, number: usize, previous_id: &str) {
    match number % 12 {
        // A temporary number has no check digit.
        0 if ["SANT", "true"].contains(&cells[6].as_str()) => cells[1] = "20121399-T001".into(),
        0 => {
            // A mistyped last digit.
            let last = cells[1].pop().and_then(|c| c.to_digit(10)).unwrap_or(0);
            cells[1].push(char::from_digit((last + 1) % 10, 10).unwrap_or('0'));
        }
        1 => cells[13] = "förnamn.efternamn@".into(),
        2 => cells[3].clear(),
        3 => cells[14] = "070-174".into(),
        4 => cells[9] = "1695".into(),
        5 => cells[11] = "Svealand".into(),
        6 => cells[0] = format!("1048{number}"),
        7 => cells[12] = "9999".into(),
        8 => cells[5] = "Okänt".into(),
        9 => cells[7] = "2012-02-30".into(),
        10 => cells[0] = previous_id.to_owned(),
        _ => cells.truncate(5),
    }
}

struct People {
    identity_numbers: HashSet<(Date, u16)>,
    tests_only: bool,
    made: usize,
}

impl People {
    fn new(rows: usize) -> People {
        People {
            identity_numbers: HashSet::new(),
            tests_only: rows <= 50_000,
            made: 0,
        }
    }

    fn next(&mut self, random: &mut SmallRng, style: Style) -> Vec<String> {
        self.made += 1;
        let number = self.made;
        let swedish = style == Style::Swedish;
        let girl = random.random_bool(0.5);
        let names = if girl { &GIRLS } else { &BOYS };
        let first = names[random.random_range(0..names.len())];
        let last = SURNAMES[random.random_range(0..SURNAMES.len())];
        let temporary = random.random_range(0..40) == 0;
        let coordination = !temporary && random.random_range(0..40) == 0;
        let (birth, serial) = self.birth(girl, random);
        let identity_number = identity_number(birth, serial, temporary, coordination);
        let compact = swedish && !temporary && random.random_range(0..10) == 0;
        let gender = match (random.random_range(0..200) == 0, girl, swedish) {
            (true, _, true) => "Annat",
            (true, _, false) => "Other",
            (false, true, true) => "Kvinna",
            (false, true, false) => "Female",
            (false, false, true) => "Man",
            (false, false, false) => "Male",
        };
        let truth = match (temporary, swedish) {
            (true, true) => "SANT",
            (false, true) => "FALSKT",
            (true, false) => "true",
            (false, false) => "false",
        };
        // People with a protected address have no address in a roster.
        let protected = random.random_range(0..25) == 0;
        let street = STREETS[random.random_range(0..STREETS.len())];
        let door = ["", " A", " B", ", lgh 1102"][random.random_range(0..4usize)];
        let house = random.random_range(1..90);
        let (code, town, municipality) = TOWNS[random.random_range(0..TOWNS.len())];
        let at_home = |text: String| if protected { String::new() } else { text };
        let phone = 605 + random.random_range(0..95);
        let login = format!("{}.{}{number}", ascii(first), ascii(last));
        let id = uuid::Builder::from_random_bytes(random.random()).into_uuid();
        vec![
            id.hyphenated().to_string(),
            if compact {
                identity_number.replace('-', "")
            } else {
                identity_number
            },
            first.into(),
            last.into(),
            format!("E-{number:05}"),
            gender.into(),
            truth.into(),
            birth.to_string(),
            at_home(format!("{street} {house}{door}")),
            at_home(code.into()),
            at_home(town.into()),
            at_home(if swedish { "Sverige" } else { "SWE" }.into()),
            at_home(municipality.into()),
            format!("{login}@elev.example.se"),
            if swedish {
                format!("070-174 {:02} {:02}", phone / 100, phone % 100)
            } else {
                format!("+46701740{phone}")
            },
            format!("{}{number}@example.se", &ascii(first)[..2]),
            format!(
                "{}{}",
                random.random_range(1..10),
                ["A", "B", "C"][random.random_range(0..3usize)]
            ),
        ]
    }

    /// Returns an unused day of birth and birth number. The birth number is even for girls and odd for boys.
    fn birth(&mut self, girl: bool, random: &mut SmallRng) -> (Date, u16) {
        loop {
            let day = date(2007, 1, 1).saturating_add(random.random_range(0..4600i64).days());
            let from = if self.tests_only { 980 } else { 0 };
            let half = random.random_range(from / 2..500);
            let serial = half * 2 + u16::from(!girl);
            if self.identity_numbers.insert((day, serial)) {
                return (day, serial);
            }
        }
    }
}

fn identity_number(birth: Date, serial: u16, temporary: bool, coordination: bool) -> String {
    let day = birth.day() + if coordination { 60 } else { 0 };
    let (year, month) = (birth.year(), birth.month());
    if temporary {
        return format!("{year}{month:02}{day:02}-T{serial:03}");
    }
    let nine = format!("{:02}{month:02}{day:02}{serial:03}", year % 100);
    let sum: u32 = nine
        .chars()
        .enumerate()
        .filter_map(|(place, c)| {
            let product = c.to_digit(10)? * if place % 2 == 0 { 2 } else { 1 };
            Some(product / 10 + product % 10)
        })
        .sum();
    format!(
        "{year}{month:02}{day:02}-{serial:03}{}",
        (10 - sum % 10) % 10
    )
}

/// Converts a name to ASCII for logins: lower-case letters without accents.
fn ascii(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter_map(|c| match c {
            'a'..='z' => Some(c),
            'å' | 'ä' => Some('a'),
            'ö' | 'ø' => Some('o'),
            'é' | 'ï' => Some('e'),
            'ü' => Some('u'),
            'č' => Some('c'),
            _ => None,
        })
        .collect()
}

#[allow(dead_code, reason = "benchmarks and tests use this file as a module")]
fn main() -> csv::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write(&Options::parse(), &mut out)?;
    out.flush()?;
    Ok(())
}
