//! Row identifiers combine a run and a row number.

/// Returns the key of a row in `planned` and `outcome`. The keys of a run are contiguous and in row order.
pub(super) fn id_of(run: i64, row: u64) -> i64 {
    (run << 32) | i64::try_from(row).unwrap_or(ROWS).min(ROWS)
}

/// Returns the row number of a key.
pub(super) fn row_of(id: i64) -> u64 {
    (id & ROWS).unsigned_abs()
}

/// The maximum number of rows of a run.
const ROWS: i64 = (1 << 32) - 1;
