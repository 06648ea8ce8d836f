//! Row identifiers combine a run and a row number.

/// The key of a run's row in `planned` and `outcome`: rows of a run stand together, in order.
pub(super) fn id_of(run: i64, row: u64) -> i64 {
    (run << 32) | i64::try_from(row).unwrap_or(ROWS).min(ROWS)
}

/// The row that has this key.
pub(super) fn row_of(id: i64) -> u64 {
    (id & ROWS).unsigned_abs()
}

/// Rows that a run can have.
const ROWS: i64 = (1 << 32) - 1;
