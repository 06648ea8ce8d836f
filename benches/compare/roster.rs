//! The roster and its requests.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use serde_json::{Map, Value as Json};

#[path = "../../samples/make_roster.rs"]
mod make_roster;

use make_roster::{Options, Style};

/// Writes a roster in the API's format whose rows are all valid.
pub fn write(rows: &str, path: &str) {
    let options = Options {
        rows: rows.parse().expect("a number of rows"),
        bad: "0".into(),
        seed: 3,
        style: Style::English,
    };
    let mut out = BufWriter::new(File::create(path).expect("a roster"));
    make_roster::write(&options, &mut out).expect("a roster");
}

/// The position of each column in the body, in the order of the API's documentation.
const BODY: [(&str, &str, Option<&str>); 15] = [
    ("identity_number", "identityNumber", None),
    ("first_name", "firstName", None),
    ("last_name", "lastName", None),
    ("external_source_id", "external", Some("sourceID")),
    ("gender", "gender", None),
    ("identity_temporary", "identityTemporary", None),
    ("date_of_birth", "dateOfBirth", None),
    ("postal_address", "address", Some("postalAddress")),
    ("postal_code", "address", Some("postalCode")),
    ("postal_city", "address", Some("postalCity")),
    ("country_code", "address", Some("countryCode")),
    ("municipality_code", "address", Some("municipalityCode")),
    ("email_address1", "emailAddress1", None),
    ("phone_number1", "phoneNumber1", None),
    ("edu_person_principal_name", "eduPersonPrincipalName", None),
];

/// The path and body of each row's request, in row order.
pub struct Requests {
    reader: csv::Reader<File>,
    record: csv::StringRecord,
    id: usize,
    /// The index of each column of `BODY`.
    columns: Vec<Option<usize>>,
}

impl Requests {
    pub fn of(roster: &Path) -> Requests {
        let mut reader = csv::Reader::from_path(roster).expect("the roster");
        let header = reader.headers().expect("its header").clone();
        let column = |name: &str| header.iter().position(|other| other == name);
        Requests {
            id: column("id").expect("an id"),
            columns: BODY.map(|(name, ..)| column(name)).to_vec(),
            record: csv::StringRecord::new(),
            reader,
        }
    }
}

impl Iterator for Requests {
    type Item = (String, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.reader.read_record(&mut self.record).expect("a row") {
            return None;
        }
        let mut body = Map::new();
        for ((name, outer, inner), column) in BODY.iter().zip(&self.columns) {
            let text = column.map_or("", |column| &self.record[column]);
            if text.is_empty() {
                continue;
            }
            let value = match (*name, text) {
                ("identity_temporary", text) => Json::Bool(text == "true"),
                (_, text) => Json::String(text.to_owned()),
            };
            match inner {
                None => body.insert((*outer).to_owned(), value),
                Some(inner) => body
                    .entry(*outer)
                    .or_insert_with(|| Json::Object(Map::new()))
                    .as_object_mut()
                    .and_then(|object| object.insert((*inner).to_owned(), value)),
            };
        }
        let body = serde_json::to_vec(&body).expect("JSON");
        Some((format!("/student/{}", &self.record[self.id]), body))
    }
}
