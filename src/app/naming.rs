//! Rows are named by the person and the class that they are about.

use crate::map::class_column;
use crate::run::Prepared;

/// The columns that name a row.
pub struct Naming {
    names: Vec<usize>,
    class: Option<usize>,
}

/// Cells that stand for a name where no column holds one.
const CELLS: usize = 2;

impl Naming {
    /// The columns of a roster.
    pub fn of(prepared: &Prepared) -> Naming {
        let map = prepared.checker.map();
        let spec = prepared.checker.spec();
        let names = spec.name_fields().into_iter();
        Naming {
            names: names.filter_map(|field| map.column(field)).collect(),
            class: class_column(prepared.input.header()),
        }
    }

    /// The column that holds the class.
    pub fn class_column(&self) -> Option<usize> {
        self.class
    }

    /// The person's name, or the first cells of the row.
    pub fn name(&self, cells: &[String]) -> String {
        let named = self.names.iter().filter_map(|column| cells.get(*column));
        let named: Vec<&str> = named
            .map(|cell| cell.trim())
            .filter(|cell| !cell.is_empty())
            .collect();
        if !named.is_empty() {
            return named.join(" ");
        }
        let cells = cells.iter().map(|cell| cell.trim());
        let cells = cells.filter(|cell| !cell.is_empty() && !is_identifier(cell));
        cells.take(CELLS).collect::<Vec<_>>().join(" ")
    }

    /// The class; empty where the roster has none.
    pub fn class(&self, cells: &[String]) -> String {
        let cell = self.class.and_then(|column| cells.get(column));
        cell.map_or(String::new(), |cell| cell.trim().to_owned())
    }
}

/// Whether a word is a UUID.
pub fn is_identifier(word: &str) -> bool {
    // Other notations of a UUID have another length.
    word.len() == 36 && uuid::Uuid::try_parse(word).is_ok()
}
