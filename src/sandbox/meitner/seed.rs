//! Creation of students from a roster.

use std::collections::HashSet;

use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::students::Students;
use crate::sandbox::{SeedRow, text_in};

/// The member of a student for each field, independent of the target file.
const PLACES: &[(&str, &str)] = &[
    ("identity_number", "identityNumber"),
    ("first_name", "firstName"),
    ("last_name", "lastName"),
    ("external_source_id", "external.sourceID"),
    ("gender", "gender"),
    ("identity_temporary", "identityTemporary"),
    ("date_of_birth", "dateOfBirth"),
    ("postal_address", "address.postalAddress"),
    ("postal_code", "address.postalCode"),
    ("postal_city", "address.postalCity"),
    ("country_code", "address.countryCode"),
    ("municipality_code", "address.municipalityCode"),
    ("email_address1", "emailAddress1"),
    ("email_address2", "emailAddress2"),
    ("phone_number1", "phoneNumber1"),
    ("phone_number2", "phoneNumber2"),
    ("edu_person_principal_name", "eduPersonPrincipalName"),
];

/// The number of rows from which some students are missing and some values collide.
const ENOUGH: usize = 100;
const MISSING: usize = 3;

/// Creates students that could precede the roster.
pub(in crate::sandbox) fn seed(rows: &[SeedRow], seed: u64, now: Timestamp) -> Students {
    let mut students = Students::default();
    let mut random = SmallRng::seed_from_u64(seed);
    let known: Vec<(String, Map<String, Json>)> = rows
        .iter()
        .enumerate()
        .filter_map(|(number, row)| record(number, row, &mut random))
        .collect();
    let mut fates: Vec<Fate> = vec![Fate::Present; known.len()];
    if known.len() >= ENOUGH {
        fates[..MISSING].fill(Fate::Missing);
        fates[MISSING] = Fate::NumberTaken;
        fates[MISSING + 1] = Fate::EmailTaken;
        fates.shuffle(&mut random);
    }
    let mut seen = HashSet::new();
    for ((id, mut student), fate) in known.into_iter().zip(fates) {
        let is_first = seen.insert(id.clone());
        match fate {
            Fate::Missing => continue,
            Fate::Present => make_older(&mut student, &mut random),
            Fate::NumberTaken => {
                let other = other_holding(&student, &["identityNumber"], &mut random);
                // Another student may already hold the value. The seed then does without the collision.
                let _ = students.insert(&random_id(&mut random), other, now);
                student.insert("identityNumber".into(), json!("20100101-T001"));
                student.insert("identityTemporary".into(), json!(true));
            }
            Fate::EmailTaken => {
                let other = other_holding(&student, &["emailAddress1"], &mut random);
                let _ = students.insert(&random_id(&mut random), other, now);
                student.insert("emailAddress1".into(), Json::Null);
            }
        }
        // A later row with the same id may describe another person.
        if is_first {
            let _ = students.insert(&id, student, now);
        }
    }
    students
}

/// Creates students with the values of the roster.
pub(in crate::sandbox) fn copy(rows: &[SeedRow], now: Timestamp) -> Students {
    let mut students = Students::default();
    let mut random = SmallRng::seed_from_u64(1);
    let mut seen = HashSet::new();
    for (number, row) in rows.iter().enumerate() {
        if let Some((id, student)) = record(number, row, &mut random)
            && seen.insert(id.clone())
        {
            // The API refuses a student whose number or address another student holds.
            let _ = students.insert(&id, student, now);
        }
    }
    students
}

/// Returns the student of a row, with placeholders for required values that the row lacks, or `None` if the
/// row has no key.
fn record(
    number: usize,
    row: &SeedRow,
    random: &mut SmallRng,
) -> Option<(String, Map<String, Json>)> {
    const KEYS: [&str; 5] = [
        "id",
        "identity_number",
        "external_source_id",
        "email_address1",
        "edu_person_principal_name",
    ];
    let value = |name: &str| text_in(row, name);
    KEYS.iter().find_map(|key| value(key))?;
    let id = match value("id") {
        Some(id) => Uuid::try_parse(id).ok()?.hyphenated().to_string(),
        None => random_id(random),
    };
    let mut student = student(row);
    if value("identity_number").is_none() {
        let (day, serial) = (1 + number / 1000 % 28, number % 1000);
        let text = format!("201001{day:02}-T{serial:03}");
        student.insert("identityNumber".into(), json!(text));
        student.insert("identityTemporary".into(), json!(true));
    }
    for (field, name, stand_in) in [
        ("first_name", "firstName", "Namn"),
        ("last_name", "lastName", "Namnsson"),
    ] {
        if value(field).is_none() {
            student.insert(name.into(), json!(stand_in));
        }
    }
    Some((id, student))
}

#[derive(Clone, Copy)]
enum Fate {
    Present,
    Missing,
    NumberTaken,
    EmailTaken,
}

fn student(row: &SeedRow) -> Map<String, Json> {
    let mut student = Map::new();
    student.insert("identityTemporary".into(), json!(false));
    student.insert("external".into(), json!({"source": "sandbox"}));
    student.insert("address".into(), json!({}));
    for (field, place) in PLACES {
        let value = match (text_in(row, field), *field) {
            (None | Some(""), "identity_temporary") => json!(false),
            (None | Some(""), _) => Json::Null,
            (Some(text), "identity_temporary") => json!(text == "true"),
            (Some(text), _) => json!(text),
        };
        match place.split_once('.') {
            None => {
                student.insert((*place).into(), value);
            }
            Some((object, member)) => {
                if let Some(Json::Object(object)) = student.get_mut(object) {
                    object.insert(member.into(), value);
                }
            }
        }
    }
    student
}

/// Changes the address or telephone number of six in ten students.
fn make_older(student: &mut Map<String, Json>, random: &mut SmallRng) {
    match random.random_range(0..10) {
        0..4 => {}
        4..8 => {
            if let Some(Json::Object(address)) = student.get_mut("address") {
                let number = random.random_range(1..60);
                address.insert(
                    "postalAddress".into(),
                    json!(format!("Gamla vägen {number}")),
                );
            }
        }
        _ => {
            // The Swedish numbering plan reserves these numbers for fiction.
            let number = random.random_range(5..100);
            student.insert(
                "phoneNumber1".into(),
                json!(format!("+467017406{number:02}")),
            );
        }
    }
}

/// Returns another student that holds values of this one. It has the same first name and date of birth, so
/// that a row that matches it does not look like a change of person.
fn other_holding(
    student: &Map<String, Json>,
    fields: &[&str],
    random: &mut SmallRng,
) -> Map<String, Json> {
    let mut other = Map::new();
    let number = student.get("identityNumber").and_then(Json::as_str);
    let born = number.and_then(|number| number.get(..8));
    let born = born.unwrap_or("19990101");
    let number = format!("{born}-T{:03}", random.random_range(0..1000));
    other.insert("identityNumber".into(), json!(number));
    other.insert("identityTemporary".into(), json!(true));
    other.insert("lastName".into(), json!("Elev"));
    for field in ["firstName"].iter().chain(fields) {
        if let Some(value) = student.get(*field) {
            other.insert((*field).into(), value.clone());
        }
    }
    other
}

fn random_id(random: &mut SmallRng) -> String {
    uuid::Builder::from_random_bytes(random.random())
        .into_uuid()
        .hyphenated()
        .to_string()
}
