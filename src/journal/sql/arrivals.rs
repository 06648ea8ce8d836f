//! Shared SQL for the files that arrive in inboxes.

use jiff::Timestamp;

use super::{Row, Wrong, damaged};
use crate::journal::arrival::{Arrival, Fate};
use crate::journal::error::JournalError;
use crate::journal::facade::Journal;

impl Journal {
    /// Records the fate of a file. The arrival time of a known file is kept.
    pub fn record_arrival(&self, arrival: &Arrival) -> Result<(), JournalError> {
        let why = arrival.why.as_ref();
        let why = why.and_then(|why| serde_json::to_string(why).ok());
        self.put(
            "INSERT INTO arrival (inbox, name, stamp, at, fate, path, run, why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (inbox, name, stamp) DO UPDATE SET
                 fate = excluded.fate, path = excluded.path, run = excluded.run, why = excluded.why",
            &[
                (&arrival.inbox).into(),
                (&arrival.name).into(),
                (&arrival.stamp).into(),
                arrival.at.into(),
                arrival.fate.as_str().into(),
                (&arrival.path).into(),
                arrival.run.as_deref().into(),
                why.as_deref().into(),
            ],
        )
    }

    /// Returns the files that arrived at `since` or later, newest first.
    pub fn arrivals(&self, since: Timestamp) -> Result<Vec<Arrival>, JournalError> {
        let mut arrivals = self.look(|sql| {
            sql.all(
                "SELECT inbox, name, stamp, at, fate, path, run, why FROM arrival WHERE at >= ?1",
                &[since.into()],
                arrival,
            )
        })?;
        // Sorted here, because the database sorts text by its locale.
        arrivals.sort_by(|a, b| {
            let by_name = (&a.inbox, &a.name, &a.stamp).cmp(&(&b.inbox, &b.name, &b.stamp));
            b.at.cmp(&a.at).then(by_name)
        });
        Ok(arrivals)
    }

    /// Deletes the entry of a file that no longer exists.
    pub fn forget_arrival(&self, arrival: &Arrival) -> Result<(), JournalError> {
        self.put(
            "DELETE FROM arrival WHERE inbox = ?1 AND name = ?2 AND stamp = ?3",
            &[
                (&arrival.inbox).into(),
                (&arrival.name).into(),
                (&arrival.stamp).into(),
            ],
        )
    }

    /// Deletes the entries of files that arrived before `before`.
    pub fn forget_arrivals(&self, before: Timestamp) -> Result<(), JournalError> {
        self.put("DELETE FROM arrival WHERE at < ?1", &[before.into()])
    }
}

fn arrival(row: &dyn Row) -> Result<Arrival, Wrong> {
    let fate: String = row.get(4)?;
    let why: Option<String> = row.maybe(7)?;
    let why = why.map(|why| serde_json::from_str(&why)).transpose();
    Ok(Arrival {
        inbox: row.get(0)?,
        name: row.get(1)?,
        stamp: row.get(2)?,
        at: row.get(3)?,
        fate: Fate::of_word(&fate).ok_or_else(|| damaged("arrival: fate"))?,
        path: row.get(5)?,
        run: row.maybe(6)?,
        why: why.map_err(|_| damaged("arrival: why"))?,
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
            let store = Journal::temporary().unwrap();
            store.put(good, &[]).unwrap();
            store.put(damage, &[]).unwrap();
            assert_eq!(store.arrivals(Timestamp::MIN).is_ok(), is_read, "{damage}");
        }
    }
}
