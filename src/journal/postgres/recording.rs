//! Records the entries of a writer in one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::{Tables, Wrong, cell};
use super::store::{Postgres, signed, text};
use crate::journal::changes::kept;
use crate::journal::entries::{
    Entry, PlannedRow, PlannedWhat, RowMark, RunFieldSets, facts_text, filled, last_segment,
};
use crate::journal::error::StoreError;
use crate::journal::record::Stage;
use crate::journal::row_id::id_of;
use crate::journal::store::Recording;
use crate::l10n::say;
use crate::model::{Call, Outcome, Problem, RowState};

/// The lease: how long a process may send after it last verified that no other process has taken over. A
/// process that takes over waits longer than this.
const LEASE: Duration = Duration::from_secs(5);

impl Recording for Postgres {
    fn begin_writing(&mut self, run: i64, _stage: Stage) {
        let began = self.read(|tables| {
            let row = tables.one(
                "SELECT (extract(epoch FROM started_at) * 1000000)::bigint FROM run WHERE id = $1",
                &[&run],
            )?;
            cell(&row, 0)
        });
        self.began = began.unwrap_or(0);
    }

    fn write(
        &mut self,
        place: &mut RunFieldSets,
        entries: &mut dyn Iterator<Item = &Entry>,
    ) -> Result<(), StoreError> {
        let group = Group::of(place.run, entries, self.began);
        let connection = self.database().connection();
        let connection = connection.map_err(|error| StoreError::words(error.to_string()))?;
        let written = connection.change(&self.fences, |tables| group.write(tables, place));
        written.map_err(|wrong| match wrong {
            Wrong::Refused(refusal) => refusal,
            Wrong::TakenOver => StoreError::words(say().journal_taken_over()),
        })
    }

    fn end_writing(&mut self) {}

    fn lease(&self) -> Option<Duration> {
        Some(LEASE)
    }
}

/// Entries grouped by table, so that each table is written once.
#[derive(Default)]
struct Group<'a> {
    rows: BTreeMap<i64, &'a PlannedRow>,
    outcomes: BTreeMap<i64, Written>,
    reach: Option<u64>,
    has_left: bool,
}

/// The columns of an outcome.
struct Written {
    state: &'static str,
    at: i64,
    attempts: i32,
    http_status: Option<i32>,
    error_code: Option<String>,
    error: Option<String>,
    request_id: Option<String>,
}

impl Written {
    fn of(outcome: &Outcome) -> Written {
        Written {
            state: outcome.state.as_str(),
            at: outcome.finished_at.as_microsecond(),
            attempts: i32::try_from(outcome.attempts).unwrap_or(i32::MAX),
            http_status: outcome.http_status.map(i32::from),
            error_code: filled(&outcome.error_code).map(text),
            error: filled(&Problem::to_stored(&outcome.problems)).map(text),
            request_id: filled(&outcome.request_id).map(text),
        }
    }

    fn in_doubt(attempts: u32, at: i64) -> Written {
        Written {
            state: RowState::Unknown.as_str(),
            at,
            attempts: i32::try_from(attempts).unwrap_or(i32::MAX),
            http_status: None,
            error_code: None,
            error: None,
            request_id: None,
        }
    }
}

impl<'a> Group<'a> {
    /// Groups entries. Of several for one row, the last one counts.
    fn of(run: i64, entries: &mut dyn Iterator<Item = &'a Entry>, began: i64) -> Group<'a> {
        let mut group = Group::default();
        for entry in entries {
            match entry {
                Entry::Flush => {}
                Entry::Planned(rows) => {
                    for row in rows {
                        let id = id_of(run, row.mark.at.row);
                        if let PlannedWhat::Settled(outcome) = &row.what {
                            group.outcomes.insert(id, Written::of(outcome));
                        }
                        group.rows.insert(id, row);
                    }
                }
                Entry::Outcome(outcome) => {
                    let id = id_of(run, outcome.row);
                    group.outcomes.insert(id, Written::of(outcome));
                }
                Entry::Reach(row) => group.reach = group.reach.max(Some(*row)),
                Entry::Attempt(row, attempts) => {
                    let written = Written::in_doubt(*attempts, began);
                    group.outcomes.insert(id_of(run, *row), written);
                }
                Entry::Left(rows) => {
                    group.has_left = true;
                    for (row, attempts) in rows {
                        let written = Written::in_doubt(*attempts, began);
                        group.outcomes.insert(id_of(run, *row), written);
                    }
                }
            }
        }
        group
    }

    fn write(&self, tables: &mut Tables<'_>, place: &mut RunFieldSets) -> Result<(), Wrong> {
        if !self.rows.is_empty() {
            self.write_rows(tables, place)?;
        }
        if !self.outcomes.is_empty() {
            self.write_outcomes(tables)?;
        }
        if let Some(reach) = self.reach {
            tables.execute(
                "UPDATE sending SET reach = greatest(reach, $2) WHERE run = $1",
                &[&place.run, &signed(reach)],
            )?;
        }
        if self.has_left {
            tables.execute("UPDATE sending SET reach = 0 WHERE run = $1", &[&place.run])?;
        }
        Ok(())
    }

    fn write_rows(&self, tables: &mut Tables<'_>, place: &mut RunFieldSets) -> Result<(), Wrong> {
        let all = || self.rows.values();
        let calls: Vec<Option<&Call>> = all()
            .map(|row| match &row.what {
                PlannedWhat::Call(call) => Some(call.as_ref()),
                PlannedWhat::Settled(_) => None,
            })
            .collect();
        let mut changed: Vec<Option<i64>> = Vec::with_capacity(calls.len());
        let mut changes: Vec<Option<String>> = Vec::with_capacity(calls.len());
        for call in &calls {
            changed.push(match call {
                Some(call) => Some(number_of(tables, place, &call.changed)?),
                None => None,
            });
            let told = |why: serde_json::Error| StoreError::words(why.to_string());
            let kept = call.map(kept).transpose().map_err(told)?;
            changes.push(kept.flatten());
        }
        let facts: Vec<Option<String>> = all()
            .map(|row| Ok(facts_text(&row.mark.facts)?.map(|facts| text(&facts))))
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|why| StoreError::words(why.to_string()))?;
        let ids: Vec<i64> = self.rows.keys().copied().collect();
        let mark = || all().map(|row| &row.mark);
        let lines: Vec<i64> = mark().map(|mark| signed(mark.at.sheet_row)).collect();
        let keys: Vec<i64> = mark().map(|mark| mark.key).collect();
        let cells: Vec<&[u8]> = mark().map(|mark| mark.cells.as_slice()).collect();
        let paths: Vec<Option<String>> = calls.iter().map(|c| c.map(|c| text(&c.path))).collect();
        let bodies: Vec<Option<&[u8]>> = calls.iter().map(|c| c.map(|c| &c.body[..])).collect();
        let prints: Vec<Option<&[u8]>> = calls
            .iter()
            .map(|call| call.and_then(|call| call.fingerprint.as_ref().map(|print| &print[..])))
            .collect();
        let names: Vec<Option<String>> = calls
            .iter()
            .map(|call| {
                let own = call.filter(|call| last_segment(&call.path) != call.key);
                own.map(|call| text(&call.key))
            })
            .collect();
        let notes: Vec<Option<String>> = calls
            .iter()
            .map(|call| call.and_then(|call| filled(&Problem::to_stored(&call.note)).map(text)))
            .collect();
        tables.execute(
            "INSERT INTO planned (id, line, changed, key, cells, path, body, fingerprint, name, note, changes,
                                  facts)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[],
                                  $6::text[], $7::bytea[], $8::bytea[], $9::text[], $10::text[],
                                  $11::text[], $12::text[])
             ON CONFLICT (id) DO UPDATE SET line = excluded.line, changed = excluded.changed,
                 key = excluded.key, cells = excluded.cells, path = excluded.path,
                 body = excluded.body, fingerprint = excluded.fingerprint, name = excluded.name,
                 note = excluded.note, changes = excluded.changes, facts = excluded.facts",
            &[
                &ids, &lines, &changed, &keys, &cells, &paths, &bodies, &prints, &names, &notes,
                &changes, &facts,
            ],
        )?;
        let doubtful = || mark().filter(|mark| !mark.warning.is_empty());
        let rows: Vec<i64> = doubtful()
            .map(|mark: &RowMark| signed(mark.at.row))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = doubtful()
            .map(|mark| text(&Problem::to_stored(&mark.warning)))
            .collect();
        tables.execute(
            "INSERT INTO warning SELECT $1, * FROM unnest($2::bigint[], $3::text[])
             ON CONFLICT (run, row) DO UPDATE SET text = excluded.text",
            &[&place.run, &rows, &texts],
        )?;
        Ok(())
    }

    fn write_outcomes(&self, tables: &mut Tables<'_>) -> Result<(), Wrong> {
        let all = || self.outcomes.values();
        let ids: Vec<i64> = self.outcomes.keys().copied().collect();
        let states: Vec<&str> = all().map(|one| one.state).collect();
        let ats: Vec<i64> = all().map(|one| one.at).collect();
        let attempts: Vec<i32> = all().map(|one| one.attempts).collect();
        let statuses: Vec<Option<i32>> = all().map(|one| one.http_status).collect();
        let codes: Vec<Option<&str>> = all().map(|one| one.error_code.as_deref()).collect();
        let errors: Vec<Option<&str>> = all().map(|one| one.error.as_deref()).collect();
        let requests: Vec<Option<&str>> = all().map(|one| one.request_id.as_deref()).collect();
        tables.execute(
            "INSERT INTO outcome (id, state, at, attempts, http_status, error_code, error, request_id)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[],
                                  $5::integer[], $6::text[], $7::text[], $8::text[])
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, at = excluded.at,
                 attempts = excluded.attempts, http_status = excluded.http_status,
                 error_code = excluded.error_code, error = excluded.error,
                 request_id = excluded.request_id",
            &[
                &ids, &states, &ats, &attempts, &statuses, &codes, &errors, &requests,
            ],
        )?;
        Ok(())
    }
}

/// Returns the number of a field set.
fn number_of(tables: &mut Tables<'_>, place: &mut RunFieldSets, names: &str) -> Result<i64, Wrong> {
    let run = place.run;
    place.field_set(names, || {
        let row = tables.one(
            "INSERT INTO field_set (run, names) VALUES ($1, $2) RETURNING id",
            &[&run, &names],
        )?;
        cell(&row, 0)
    })
}
