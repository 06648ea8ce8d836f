use super::identity_number::Marked;
use super::row::Checker;
use super::{date, email, identity_number, municipality_code, phone, postal_code, uuid};
use crate::read::{Cell, Table};
use crate::targets::Kind;

/// What the cells of a column that is no field look like, by samples.
#[derive(Debug, Clone, Default)]
pub(super) struct Holding {
    /// Cells that hold something.
    filled: u64,
    /// How many of them are of each kind.
    alike: [u64; KINDS.len()],
}

/// The kinds that cells are known by.
const KINDS: [Kind; 7] = [
    Kind::Uuid,
    Kind::IdentityNumber,
    Kind::Email,
    Kind::Phone,
    Kind::PostalCode,
    Kind::Date,
    Kind::MunicipalityCode,
];

/// Rows of a table that are looked at.
const SAMPLES: usize = 32;

impl Holding {
    /// What the columns of a table hold that are no fields.
    pub(super) fn of_columns(table: &Table, checker: &Checker) -> Vec<(usize, Holding)> {
        let mut holdings: Vec<(usize, Holding)> = checker
            .map
            .unknown_at()
            .map(|position| (position - 1, Holding::default()))
            .collect();
        if holdings.is_empty() {
            return holdings;
        }
        for row in table.rows().take(SAMPLES) {
            for (column, holding) in &mut holdings {
                if let Some(Cell::Text(text)) = row.cell(*column) {
                    holding.add(text.trim(), checker);
                }
            }
        }
        holdings
    }

    fn add(&mut self, text: &str, checker: &Checker) {
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        let today = checker.options.today;
        for (alike, kind) in self.alike.iter_mut().zip(KINDS) {
            let is = match kind {
                Kind::Uuid => uuid::is_normal(text),
                Kind::IdentityNumber => {
                    text.bytes().filter(u8::is_ascii_digit).count() >= 8
                        && text.len() >= 10
                        && identity_number::check(text, Marked::Unknown, today, &mut None).is_ok()
                }
                Kind::Email => text.contains('@') && email::check(text).is_ok(),
                Kind::Phone => phone::plain_mobile(text).is_some(),
                Kind::PostalCode => postal_code::is_normal(text),
                Kind::Date => date::plain_date(text).is_some(),
                Kind::MunicipalityCode => municipality_code::is_known(text),
                _ => false,
            };
            *alike += u64::from(is);
        }
    }

    pub(super) fn append(&mut self, next: Holding) {
        self.filled += next.filled;
        for (own, next) in self.alike.iter_mut().zip(next.alike) {
            *own += next;
        }
    }

    /// The kind that nine of ten cells are of.
    pub(super) fn kind(&self) -> Option<Kind> {
        let mut kinds = self.alike.iter().zip(KINDS);
        let found = kinds.find(|(alike, _)| self.filled > 0 && **alike * 10 >= self.filled * 9);
        found.map(|(_, kind)| kind)
    }
}
