//! Validation of student updates.

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

/// Validates an update body against the described fields and types. The error names the problem.
pub(super) fn update(body: &Json) -> Result<&Map<String, Json>, String> {
    let Json::Object(body) = body else {
        return Err("the body must be an object".into());
    };
    for required in ["identityNumber", "firstName", "lastName"] {
        if !body.contains_key(required) {
            return Err(format!("{required} is required"));
        }
    }
    for (name, value) in body {
        match name.as_str() {
            "identityNumber" | "firstName" | "lastName" => string(name, value, false)?,
            "external" => {
                members(name, value, &["sourceID"], false)?;
                if value.get("sourceID").is_none() {
                    return Err("external.sourceID is required".into());
                }
            }
            "identityTemporary" => {
                if !value.is_boolean() {
                    return Err(format!("{name} must be a boolean"));
                }
            }
            "address" => members(
                name,
                value,
                &[
                    "postalAddress",
                    "postalCode",
                    "postalCity",
                    "countryCode",
                    "municipalityCode",
                ],
                true,
            )?,
            "gender"
            | "dateOfBirth"
            | "emailAddress1"
            | "emailAddress2"
            | "phoneNumber1"
            | "phoneNumber2"
            | "eduPersonPrincipalName" => string(name, value, true)?,
            _ => return Err(format!("unknown field {name}")),
        }
    }
    values(body)?;
    Ok(body)
}

fn string(name: &str, value: &Json, nullable: bool) -> Result<(), String> {
    match (value, nullable) {
        (Json::String(_), _) | (Json::Null, true) => Ok(()),
        (_, true) => Err(format!("{name} must be a string or null")),
        (_, false) => Err(format!("{name} must be a string")),
    }
}

fn members(name: &str, value: &Json, known: &[&str], nullable: bool) -> Result<(), String> {
    let Json::Object(object) = value else {
        return Err(format!("{name} must be an object"));
    };
    for (member, value) in object {
        let path = format!("{name}.{member}");
        if !known.contains(&member.as_str()) {
            return Err(format!("unknown field {path}"));
        }
        string(&path, value, nullable)?;
    }
    Ok(())
}

fn values(body: &Map<String, Json>) -> Result<(), String> {
    let text = |pointer: &str| {
        let mut parts = pointer.split('.');
        let first = body.get(parts.next()?)?;
        let value = match parts.next() {
            Some(member) => first.get(member)?,
            None => first,
        };
        value.as_str()
    };
    let refuse = |what: &str| Err(what.to_owned());
    let temporary = body.get("identityTemporary") == Some(&Json::Bool(true));
    if text("identityNumber").is_some_and(|number| !is_identity_number(number, temporary)) {
        return refuse("identityNumber is not valid");
    }
    for name in ["firstName", "lastName"] {
        if text(name).is_some_and(|name| name.trim().is_empty()) {
            return Err(format!("{name} must not be empty"));
        }
    }
    if text("gender").is_some_and(|gender| !["Female", "Male", "Other"].contains(&gender)) {
        return refuse("gender must be Female, Male or Other");
    }
    let is_date = |date: &str| date.len() == 10 && date.parse::<Date>().is_ok();
    if text("dateOfBirth").is_some_and(|date| !is_date(date)) {
        return refuse("dateOfBirth is not a date");
    }
    let is_upper = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if text("address.countryCode").is_some_and(|code| !is_upper(code)) {
        return refuse("address.countryCode is not an ISO 3166-1 alpha-3 code");
    }
    let is_code = |code: &str| code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
    if text("address.municipalityCode").is_some_and(|code| !is_code(code)) {
        return refuse("address.municipalityCode has not four digits");
    }
    for name in ["emailAddress1", "eduPersonPrincipalName"] {
        let is_address = |text: &str| {
            text.split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        };
        if text(name).is_some_and(|value| !is_address(value)) {
            return Err(format!("{name} is not valid"));
        }
    }
    Ok(())
}

fn is_identity_number(number: &str, temporary: bool) -> bool {
    let Some((date, last)) = number.split_once('-') else {
        return false;
    };
    let shape = date.len() == 8
        && last.len() == 4
        && date.bytes().all(|byte| byte.is_ascii_digit())
        && last.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !shape {
        return false;
    }
    if temporary {
        return true;
    }
    let mut sum = 0;
    for (position, c) in date[2..].chars().chain(last.chars()).enumerate() {
        let Some(digit) = c.to_digit(10) else {
            return false;
        };
        let weighted = if position % 2 == 0 { digit * 2 } else { digit };
        sum += weighted % 10 + weighted / 10;
    }
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_outside_the_description_are_refused() {
        let good = json!({
            "identityNumber": "20100402-2388", "firstName": "Åsa", "lastName": "Ek",
            "address": {"postalCode": null}, "external": {"sourceID": "1"},
        });
        assert!(update(&good).is_ok());
        for (name, value) in [
            ("id", json!("x")),
            ("firstName", json!(null)),
            ("identityTemporary", json!("true")),
            ("identityTemporary", json!(null)),
            ("external", json!({"source": "x"})),
            ("external", json!({})),
            ("external", json!({"sourceID": null})),
            ("external", json!(null)),
            ("address", json!({"street": "x"})),
            ("address", json!(null)),
            ("gender", json!(1)),
            ("identityNumber", json!("20100402-2389")),
            ("gender", json!("Kvinna")),
            ("dateOfBirth", json!("20100402")),
            ("address", json!({"countryCode": "SE"})),
            ("emailAddress1", json!("anna@")),
        ] {
            let mut body = good.clone();
            body[name] = value;
            assert!(update(&body).is_err(), "{body}");
        }
        assert!(update(&json!({})).is_err());
        assert!(update(&json!([])).is_err());
    }
}
