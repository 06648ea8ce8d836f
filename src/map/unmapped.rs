use super::columns::ColumnMap;
use super::names::{known_names, nearest, within};
use crate::targets::{FieldSpec, TargetSpec};

/// A column that is no field, and that may have been meant for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// The column, by position.
    pub column: usize,
    /// Its header.
    pub header: String,
    /// The field, by position.
    pub field: usize,
    /// The field's name.
    pub name: String,
    /// What tells it.
    pub why: Likeness,
}

/// What tells that a column may have been meant for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Its header is a misspelling or an abbreviation of the field's.
    Spelling,
    /// Its header holds the words of the field's.
    Words,
    /// Its cells hold what the field's do.
    Cells,
}

impl ColumnMap {
    /// The columns that may have been meant for a field which has none. `holds` says which field a
    /// column's cells are like; it is asked where the header says nothing.
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
                header: header.to_owned(),
                field,
                name: FieldSpec::name(&spec.fields[field]).to_owned(),
                why,
            })
        };
        self.unknown_columns().filter_map(of).collect()
    }
}
