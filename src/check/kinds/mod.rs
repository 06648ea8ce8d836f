//! The kinds of cells, one file per kind. The tables in this file dispatch to them.

mod boolean;
mod choice;
mod country;
pub(super) mod date;
mod email;
mod eppn;
pub(super) mod identity_number;
mod integer;
mod municipality_code;
mod phone;
mod postal_code;
mod text;
mod uuid;

pub(super) use choice::Choices;

use identity_number::Marked;
use jiff::civil::Date;

use super::cell::Form;
use super::checker::Checker;
use super::column::Column;
use super::fault::{Checked, Fault};
use super::leftovers;
use super::severity::Finding;
use crate::model::Value;
use crate::targets::{FieldSpec, Kind, Notation, Place};

/// The findings of a kind, in addition to those of all cells.
pub(super) fn findings_of(kind: Kind) -> &'static [Finding] {
    match kind {
        Kind::Text | Kind::List => &[],
        Kind::Uuid => uuid::FINDINGS,
        Kind::IdentityNumber => identity_number::FINDINGS,
        Kind::Date => date::FINDINGS,
        Kind::Choice => choice::FINDINGS,
        Kind::Boolean => boolean::FINDINGS,
        Kind::Email => email::FINDINGS,
        Kind::Phone => phone::FINDINGS,
        Kind::PostalCode => postal_code::FINDINGS,
        Kind::Country => country::FINDINGS,
        Kind::MunicipalityCode => municipality_code::FINDINGS,
        Kind::Eppn => eppn::FINDINGS,
        Kind::Integer => integer::FINDINGS,
    }
}

/// The form of a field's cells. `is_key` states whether the field can find a record.
pub(super) fn form_of(field: &FieldSpec, is_key: bool) -> Form {
    let kind = field.value_kind();
    let identifies = is_key || field.unique || field.place == Place::Path;
    match kind.notation() {
        Notation::Words if kind == Kind::Text && field.lines => Form::Lines,
        Notation::Words if kind == Kind::Text && identifies => Form::Key,
        Notation::Words => Form::Words,
        Notation::Number => Form::Number,
        Notation::Code => Form::Code,
    }
}

/// Whether a plain cell of this kind can be rewritten, so that its length differs from its value's.
pub(super) fn is_rewritten(kind: Kind) -> bool {
    match kind {
        Kind::Boolean | Kind::Choice | Kind::Phone | Kind::Country | Kind::IdentityNumber => true,
        Kind::Text
        | Kind::Uuid
        | Kind::Date
        | Kind::Email
        | Kind::PostalCode
        | Kind::MunicipalityCode
        | Kind::Eppn
        | Kind::Integer
        | Kind::List => false,
    }
}

/// Whether a cell of a column without a known header looks like this kind. Kinds that many texts fit are not
/// recognized.
pub(super) fn is_of_kind(kind: Kind, text: &str, today: Date) -> bool {
    match kind {
        Kind::Uuid => uuid::is_normal(text),
        Kind::IdentityNumber => {
            // Shorter ones are excluded: any nine digits may be a number without its leading zero.
            text.len() >= 10
                && identity_number::check(text, Marked::Unknown, today, &mut None).is_ok()
        }
        Kind::Email => text.contains('@') && email::check(text).is_ok(),
        Kind::Phone => phone::plain_mobile(text).is_some(),
        Kind::PostalCode => postal_code::is_normal(text),
        Kind::Date => date::plain_date(text).is_some(),
        Kind::MunicipalityCode => municipality_code::is_known(text),
        Kind::Text
        | Kind::Choice
        | Kind::Boolean
        | Kind::Country
        | Kind::Eppn
        | Kind::Integer
        | Kind::List => false,
    }
}

impl Checker {
    /// Whether a cell is plain for its kind and needs no repair, doubt or message. If so, `into` receives its
    /// value, which equals the value of the full check.
    #[inline(always)]
    pub(super) fn plain_of_kind<'a>(
        &self,
        kind: Kind,
        column: &Column,
        text: &'a str,
        into: &mut Option<Value<'a>>,
    ) -> bool {
        let as_it_stands = match kind {
            Kind::Text => {
                let is_key = column.form == Form::Key;
                text::is_plain(text) && !(is_key && leftovers::is_written_number(text.as_bytes()))
            }
            Kind::Uuid => uuid::is_normal(text),
            Kind::IdentityNumber => {
                let number = identity_number::plain(text, self.options.today);
                let is_sent = |number: &Value<'_>| {
                    !(self.options.production && identity_number::is_for_tests(&number.as_text()))
                };
                return put(into, number.filter(is_sent));
            }
            Kind::Date => date::plain_date(text)
                .is_some_and(|date| !column.glance.is_past || date <= self.options.today),
            Kind::Email | Kind::Eppn => email::is_plain(text),
            Kind::PostalCode => postal_code::is_normal(text),
            Kind::MunicipalityCode => municipality_code::is_known(text),
            Kind::Country if text == "SWE" => true,
            Kind::Boolean => return put(into, boolean::read(text).map(Value::Bool)),
            Kind::Choice => {
                let choices = column.choices.as_ref();
                return put(into, choices.and_then(|choices| choices.as_written(text)));
            }
            Kind::Phone if self.spec.region.is_some() => {
                return put(into, phone::plain_mobile(text));
            }
            Kind::Country => {
                let sweden = (text == "Sverige").then_some(country::SWEDEN);
                return put(into, sweden.map(Value::Rewritten));
            }
            Kind::Phone | Kind::Integer | Kind::List => false,
        };
        if as_it_stands {
            *into = Some(Value::Text(text));
        }
        as_it_stands
    }

    /// The doubt about a valid value, if there is one.
    pub(super) fn second_thought(&self, field: &FieldSpec, value: &Value<'_>) -> Option<Fault> {
        match field.value_kind() {
            Kind::IdentityNumber if self.options.production => {
                identity_number::doubt(&value.as_text())
            }
            Kind::MunicipalityCode => municipality_code::doubt(&value.as_text()),
            _ => None,
        }
    }

    /// Checks text by its field's kind. `other` returns the text of another field's cell.
    pub(super) fn of_kind<'a>(
        &self,
        field: &FieldSpec,
        choices: Option<&Choices>,
        cell: &'a str,
        other: &dyn Fn(&str) -> Option<String>,
        repaired: &mut Option<&'static str>,
    ) -> Checked<'a> {
        let today = self.options.today;
        match field.value_kind() {
            Kind::Text if field.lines => Ok(Value::Text(cell)),
            Kind::Text => text::check(cell),
            Kind::Uuid => uuid::check(cell),
            Kind::IdentityNumber => {
                let marked = match field.temporary_if.as_deref().map(other) {
                    None => Marked::Not,
                    Some(None) => Marked::Unknown,
                    Some(Some(text)) if boolean::read(&text) == Some(true) => Marked::Temporary,
                    Some(Some(_)) => Marked::Not,
                };
                identity_number::check(cell, marked, today, repaired)
            }
            Kind::Date => date::check(cell, field.past.then_some(today), repaired),
            Kind::Choice => match choices {
                Some(choices) => choices.check(cell),
                None => text::check(cell),
            },
            Kind::Boolean => boolean::check(cell),
            Kind::Email => email::check(cell),
            Kind::Phone => phone::check(cell, self.spec.region, repaired),
            Kind::PostalCode => match postal_code::check(cell) {
                Err(fault) => {
                    // Foreign codes have other formats.
                    let country = field.country_from.as_deref().and_then(other);
                    let country = country
                        .as_deref()
                        .and_then(|text| country::check(text).ok());
                    match country {
                        Some(country) if country.as_text() != "SWE" => text::check(cell),
                        // The code may be Danish or Norwegian, with four digits, because the file states no
                        // country.
                        None if !self.has_country(field) => {
                            Err(postal_code::perhaps_foreign(fault))
                        }
                        _ => Err(fault),
                    }
                }
                checked => checked,
            },
            Kind::Country => country::check(cell),
            Kind::MunicipalityCode => municipality_code::check(cell, repaired),
            Kind::Eppn => eppn::check(cell),
            Kind::Integer => integer::check(cell),
            // A list of lists is refused when the target file is loaded.
            Kind::List => text::check(cell),
        }
    }

    fn has_country(&self, field: &FieldSpec) -> bool {
        let country = field.country_from.as_deref();
        let country = country.and_then(|name| self.spec.field(name));
        country.is_some_and(|country| self.map.column(country).is_some())
    }
}

/// Stores a value, if there is one. Returns whether there is.
#[inline(always)]
fn put<'a>(into: &mut Option<Value<'a>>, value: Option<Value<'a>>) -> bool {
    let is_one = value.is_some();
    if is_one {
        *into = value;
    }
    is_one
}
