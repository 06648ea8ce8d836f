//! The files that were dropped into inboxes, in SQLite.

use jiff::Timestamp;
use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::outcomes::Moment;
use super::store::Sqlite;
use crate::journal::arrival::{Arrival, Fate};
use crate::journal::error::{Action, JournalError};
use crate::journal::store::Arrivals;

impl Arrivals for Sqlite {
    fn record_arrival(&self, arrival: &Arrival) -> Result<(), JournalError> {
        let why = arrival.why.as_ref();
        let why = why.and_then(|why| serde_json::to_string(why).ok());
        self.connection
            .execute(
                "INSERT INTO arrival (inbox, name, stamp, at, fate, path, run, why)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT DO UPDATE SET
                     fate = excluded.fate, path = excluded.path, run = excluded.run, why = excluded.why",
                params![
                    arrival.inbox,
                    arrival.name,
                    arrival.stamp,
                    Moment(arrival.at),
                    arrival.fate.as_str(),
                    arrival.path,
                    arrival.run,
                    why,
                ],
            )
            .map(|_| ())
            .map_err(self.explain(Action::Write))
    }

    fn arrivals(&self, since: Timestamp) -> Result<Vec<Arrival>, JournalError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT inbox, name, stamp, at, fate, path, run, why FROM arrival
                     WHERE at >= ?1 ORDER BY at DESC, inbox, name, stamp",
                )?
                .query_map([Moment(since)], arrival)?
                .collect::<rusqlite::Result<Vec<Arrival>>>()
        };
        read().map_err(self.explain(Action::Read))
    }

    fn forget_arrival(&self, arrival: &Arrival) -> Result<(), JournalError> {
        self.connection
            .execute(
                "DELETE FROM arrival WHERE inbox = ?1 AND name = ?2 AND stamp = ?3",
                [&arrival.inbox, &arrival.name, &arrival.stamp],
            )
            .map(|_| ())
            .map_err(self.explain(Action::Write))
    }

    fn forget_arrivals(&self, before: Timestamp) -> Result<(), JournalError> {
        self.connection
            .execute("DELETE FROM arrival WHERE at < ?1", [Moment(before)])
            .map(|_| ())
            .map_err(self.explain(Action::Prune))
    }
}

fn arrival(row: &Row<'_>) -> rusqlite::Result<Arrival> {
    let fate: String = row.get(4)?;
    let why: Option<String> = row.get(7)?;
    let damaged = |column, what: &str| FromSqlConversionFailure(column, Type::Text, what.into());
    Ok(Arrival {
        inbox: row.get(0)?,
        name: row.get(1)?,
        stamp: row.get(2)?,
        at: row.get::<_, Moment>(3)?.0,
        fate: Fate::of(&fate).ok_or_else(|| damaged(4, "fate"))?,
        path: row.get(5)?,
        run: row.get(6)?,
        why: why
            .map(|why| serde_json::from_str(&why).map_err(|_| damaged(7, "why")))
            .transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_arrival_is_an_error() {
        let good = "INSERT INTO arrival VALUES ('/in', 'a.csv', '1.0:1', 5, 'done', '/in/a.csv', NULL, NULL)";
        for (damage, is_read) in [
            ("UPDATE arrival SET at = 6", true),
            ("UPDATE arrival SET at = 9223372036854775807", false),
            ("UPDATE arrival SET fate = 'eaten'", false),
            ("UPDATE arrival SET why = '{\"code\":\"no.such\"}'", false),
        ] {
            let store = Sqlite::temporary().unwrap();
            store.connection.execute(good, []).unwrap();
            store.connection.execute(damage, []).unwrap();
            assert_eq!(store.arrivals(Timestamp::MIN).is_ok(), is_read, "{damage}");
        }
    }
}
