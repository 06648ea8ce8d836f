//! Finds unmapped columns that resemble fields.

use super::columns::{ColumnMap, column_names};
use super::error::MapError;
use super::names::{known_names, nearest, within};
use crate::targets::{FieldSpec, TargetSpec};

/// An unmapped column that resembles a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// The column, by position.
    pub column: usize,
    /// The column's header, or its letters without a header.
    pub header: String,
    /// The field, by position.
    pub field: usize,
    /// The field's name.
    pub name: String,
    /// The kind of resemblance.
    pub why: Likeness,
}

/// The resemblance between a column and a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The header is a misspelling or an abbreviation of the field's name.
    Spelling,
    /// The header contains the words of the field's name.
    Words,
    /// The cells resemble values of the field.
    Cells,
}

impl ColumnMap {
    /// The unmapped columns that resemble a writable field without a column. `holds` returns the field that a
    /// column's cells resemble; it is called if the header matches no field.
    pub fn unmapped(
        &self,
        spec: &TargetSpec,
        holds: impl Fn(usize, &dyn Fn(usize) -> bool) -> Option<usize>,
    ) -> Vec<Unmapped> {
        let names = known_names(spec);
        let is_free = |field: usize| {
            let declared = &spec.fields[field];
            let is_written = !declared.read_only && declared.constant.is_none();
            is_written && self.column(field).is_none()
        };
        let columns = column_names(self.headers());
        let of = |column: usize| {
            let header = self.header(column);
            let spelled = nearest(header, &names).filter(|(_, field)| is_free(*field));
            let (field, why) = match spelled {
                Some((_, field)) => (field, Likeness::Spelling),
                None => match within(header, &names, is_free) {
                    Some((_, field)) => (field, Likeness::Words),
                    None => (holds(column, &is_free)?, Likeness::Cells),
                },
            };
            Some(Unmapped {
                column,
                header: columns[column].clone(),
                field,
                name: FieldSpec::name(&spec.fields[field]).to_owned(),
                why,
            })
        };
        self.free_columns().filter_map(of).collect()
    }
}

/// Checks that no header misspells a field's name. An unattended import would silently skip its column.
pub fn none_misspelt(unmapped: &[Unmapped]) -> Result<(), MapError> {
    let mut misspelt = unmapped
        .iter()
        .filter(|one| one.why == Likeness::Spelling)
        .peekable();
    let Some(first) = misspelt.peek() else {
        return Ok(());
    };
    Err(MapError::Misspelt {
        at: first.column + 1,
        columns: misspelt
            .map(|one| (one.header.clone(), one.name.clone()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapOptions;
    use crate::targets;

    #[test]
    fn unmapped_columns_match_only_free_writable_fields() {
        let with = |change: fn(&mut FieldSpec)| {
            let mut spec = targets::load("meitner").unwrap();
            let of = |name| spec.field(name).unwrap();
            let (gender, email) = (of("gender"), of("email_address1"));
            change(&mut spec.fields[gender]);
            let header = [
                "id",
                "Personnummer",
                "Förnamn",
                "Efternamn",
                "E-postt",
                "Gender mor",
                "Förnamm",
                "Efternamn mor",
                "Spalt",
                "Klass",
                "",
            ];
            let header = header.map(str::to_owned);
            let map = ColumnMap::new(&header, &spec, &MapOptions::default()).unwrap();
            let holds = |column: usize, is_free: &dyn Fn(usize) -> bool| {
                assert!(!is_free(spec.field("first_name").unwrap()));
                (matches!(&*header[column], "Spalt" | "") && is_free(gender)).then_some(gender)
            };
            let unmapped = map.unmapped(&spec, holds);
            let emails = Unmapped {
                column: 4,
                header: "E-postt".into(),
                field: email,
                name: "email_address1".into(),
                why: Likeness::Spelling,
            };
            assert_eq!(unmapped[0], emails);
            let others = unmapped[1..].iter();
            others
                .map(|one| (one.header.clone(), one.field == gender, one.why))
                .collect::<Vec<_>>()
        };
        let offered = [
            ("Gender mor".to_owned(), true, Likeness::Words),
            ("Spalt".to_owned(), true, Likeness::Cells),
            ("K".to_owned(), true, Likeness::Cells),
        ];
        assert_eq!(with(|_| ()), offered);
        assert_eq!(with(|field| field.read_only = true), []);
        assert_eq!(with(|field| field.constant = Some("Other".into())), []);
    }
}
