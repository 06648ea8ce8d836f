//! The files that were dropped into inboxes, in PostgreSQL.

use jiff::Timestamp;
use postgres::Row;

use super::connection::{Wrong, cell};
use super::store::{Postgres, text};
use crate::journal::arrival::{Arrival, Fate};
use crate::journal::error::{JournalError, Refusal};
use crate::journal::store::Arrivals;

impl Arrivals for Postgres {
    fn record_arrival(&self, arrival: &Arrival) -> Result<(), JournalError> {
        let why = arrival.why.as_ref();
        let why = why.and_then(|why| serde_json::to_string(why).ok());
        self.set(
            "INSERT INTO arrival (inbox, name, stamp, at, fate, path, run, why)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (inbox, name, stamp) DO UPDATE SET
                 fate = excluded.fate, path = excluded.path, run = excluded.run, why = excluded.why",
            &[
                &text(&arrival.inbox),
                &text(&arrival.name),
                &arrival.stamp,
                &arrival.at.as_microsecond(),
                &arrival.fate.as_str(),
                &text(&arrival.path),
                &arrival.run,
                &why,
            ],
        )
    }

    fn arrivals(&self, since: Timestamp) -> Result<Vec<Arrival>, JournalError> {
        self.read(|tables| {
            let rows = tables.rows(
                "SELECT inbox, name, stamp, at, fate, path, run, why FROM arrival
                 WHERE at >= $1 ORDER BY at DESC, inbox COLLATE \"C\", name COLLATE \"C\", stamp",
                &[&since.as_microsecond()],
            )?;
            rows.iter().map(arrival).collect()
        })
    }

    fn forget_arrival(&self, arrival: &Arrival) -> Result<(), JournalError> {
        self.set(
            "DELETE FROM arrival WHERE inbox = $1 AND name = $2 AND stamp = $3",
            &[&text(&arrival.inbox), &text(&arrival.name), &arrival.stamp],
        )
    }

    fn forget_arrivals(&self, before: Timestamp) -> Result<(), JournalError> {
        self.set(
            "DELETE FROM arrival WHERE at < $1",
            &[&before.as_microsecond()],
        )
    }
}

fn arrival(row: &Row) -> Result<Arrival, Wrong> {
    let fate: String = cell(row, 4)?;
    let why: Option<String> = cell(row, 7)?;
    let damaged = |what: &str| Wrong::Refused(Refusal::words(format!("arrival: {what}")));
    Ok(Arrival {
        inbox: cell(row, 0)?,
        name: cell(row, 1)?,
        stamp: cell(row, 2)?,
        at: Timestamp::from_microsecond(cell(row, 3)?).map_err(|_| damaged("at"))?,
        fate: Fate::of(&fate).ok_or_else(|| damaged("fate"))?,
        path: cell(row, 5)?,
        run: cell(row, 6)?,
        why: why
            .map(|why| serde_json::from_str(&why).map_err(|_| damaged("why")))
            .transpose()?,
    })
}
