use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::JournalError;
use super::lock::RunLock;
use super::outcomes::Moment;
use super::schema::slices;
use super::store::Journal;
use crate::model::Fingerprint;

/// What was last delivered to records that cannot be read.
impl Journal {
    /// Takes account of what the runs of `account` have delivered that have not come to an end, or
    /// never will. Returns whether anything can be believed to be delivered: nothing can while another
    /// run is under way, as `folder`'s locks tell, which may be about to send something else.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn merge_delivered(
        &mut self,
        folder: &Path,
        account: &str,
        own: i64,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let explain = self.explain("write");
        let runs: Vec<(i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT run, name FROM sending JOIN run ON run.id = run
                 WHERE account = ?1 AND is_merged = 0 AND run <> ?2 ORDER BY run",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(params![account, own], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
            })
            .map_err(&explain)?;
        for (run, name) in runs {
            if RunLock::is_held(folder, &name)? {
                return Ok(false);
            }
            self.merge_run(run, now)?;
        }
        self.connection
            .prepare_cached("SELECT 1 FROM delivered WHERE account = ?1")
            .and_then(|mut statement| statement.exists([account]))
            .map_err(&explain)
    }

    /// Takes account of what a run has delivered, unless that was done before. A long run is gone
    /// through in slices, so that others can write in between.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn merge_run(&mut self, run: i64, now: Timestamp) -> Result<(), JournalError> {
        let explain = self.explain("write");
        let sending: Option<(String, i64, bool)> = self
            .connection
            .prepare_cached("SELECT account, since, is_merged FROM sending WHERE run = ?1")
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                statement.query_row([run], row).optional()
            })
            .map_err(&explain)?;
        let Some((account, since, false)) = sending else {
            return Ok(());
        };
        for ends in slices(&self.connection, run).map_err(&explain)? {
            self.in_one_step(|transaction| merge(transaction, (run, ends), &account, since, now))?;
        }
        self.in_one_step(|transaction| {
            transaction.execute("UPDATE sending SET is_merged = 1 WHERE run = ?1", [run])?;
            Ok(())
        })
    }

    /// The fingerprint of what was last delivered to the record at `path`, and when.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn delivered(
        &self,
        account: &str,
        path: &str,
    ) -> Result<Option<(Fingerprint, Timestamp)>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT fingerprint, at FROM delivered
                 WHERE account = ?1 AND record = ?2 AND fingerprint <> x''",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([account, path], |row| {
                        Ok((row.get(0)?, row.get::<_, Moment>(1)?.0))
                    })
                    .optional()
            })
            .map_err(self.explain("read"))
    }
}

/// Takes account of what a run has delivered to some of its rows' records, in the records' order, since
/// it did so for this account. A record to which a request was made with another end than this holds
/// nobody knows what; and what a run that reads sends to it replaces what one that does not had
/// delivered: an empty fingerprint stands for both, as of `now`, so that an older run which is taken
/// account of later does not bring back what it delivered. Where two runs delivered different things
/// and the clock was set in between, nobody knows either which came last.
fn merge(
    connection: &Connection,
    (run, (first, last)): (i64, (i64, i64)),
    account: &str,
    since: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let any = connection
        .prepare_cached(
            "SELECT 1 FROM delivered WHERE account = ?1
             UNION ALL SELECT 1 FROM sending WHERE account = ?1 AND run <> ?2 AND is_merged = 0",
        )?
        .exists(params![account, run])?;
    if any {
        connection
            .prepare_cached(
                "INSERT INTO delivered
                 SELECT ?1, path, x'', ?5 FROM planned LEFT JOIN outcome ON outcome.id = planned.id
                 WHERE planned.id > ?2 AND planned.id <= ?3 AND path IS NOT NULL
                   AND (attempts > 0 OR (state IS NULL AND (planned.id & 4294967295) <=
                        (SELECT reach FROM sending WHERE run = ?4)))
                   AND NOT (state IS 'updated' AND fingerprint IS NOT NULL)
                 ORDER BY path
                 ON CONFLICT DO UPDATE SET fingerprint = x'', at = excluded.at",
            )?
            .execute(params![account, first, last, run, Moment(now)])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO delivered
             SELECT ?1, path, fingerprint, at FROM planned JOIN outcome ON outcome.id = planned.id
             WHERE planned.id > ?2 AND planned.id <= ?3 AND typeof(at) = 'integer' AND at >= ?4
               AND state = 'updated' AND fingerprint IS NOT NULL
             ORDER BY path, planned.id
             ON CONFLICT DO UPDATE SET at = max(excluded.at, delivered.at), fingerprint = CASE
                 WHEN excluded.at > delivered.at THEN excluded.fingerprint
                 WHEN delivered.fingerprint = x'' THEN x''
                 WHEN excluded.at = delivered.at THEN excluded.fingerprint
                 WHEN excluded.fingerprint = delivered.fingerprint THEN excluded.fingerprint
                 ELSE x'' END",
        )?
        .execute(params![account, first, last, since])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::NewRun;
    use crate::journal::schema::id_of;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A run whose process died after it delivered `print` to `/x` at this second, or that has no
    /// answer where there is none.
    fn delivers(journal: &mut Journal, account: &str, print: u8, second: Option<i64>) -> i64 {
        let run = NewRun {
            name: "run".into(),
            command: "import",
            target: "t".into(),
            base_url: "b".into(),
            file: "f".into(),
            sha256: String::new(),
            settings: "{}".into(),
            started_at: at(1),
        };
        let (run, _) = journal.begin(&run).unwrap();
        journal.begin_sending(run, account, at(1)).unwrap();
        let id = id_of(run, 1);
        let connection = &journal.connection;
        let planned = "INSERT INTO planned (id, key, path, fingerprint) VALUES (?1, 1, '/x', ?2)";
        connection
            .execute(planned, params![id, [print; 16]])
            .unwrap();
        let (state, second) = match second {
            Some(second) => ("updated", second),
            None => ("unknown", 1),
        };
        let outcome = "INSERT INTO outcome (id, state, at, attempts) VALUES (?1, ?2, ?3, 1)";
        connection
            .execute(outcome, params![id, state, Moment(at(second))])
            .unwrap();
        run
    }

    fn believed(journal: &mut Journal, folder: &Path, account: &str) -> Option<u8> {
        journal
            .merge_delivered(folder, account, 0, at(1_000))
            .unwrap();
        let delivered = journal.delivered(account, "/x").unwrap();
        delivered.map(|(print, _)| print[0])
    }

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        (folder, journal)
    }

    #[test]
    fn what_may_not_hold_any_more_is_not_believed() {
        let (folder, mut journal) = journal();
        let folder = folder.path();
        delivers(&mut journal, "a", 1, Some(100));
        assert_eq!(believed(&mut journal, folder, "a"), Some(1));
        // A newer one counts; one from before a clock that was set back leaves it open.
        delivers(&mut journal, "a", 2, Some(200));
        assert_eq!(believed(&mut journal, folder, "a"), Some(2));
        delivers(&mut journal, "a", 3, Some(150));
        assert_eq!(believed(&mut journal, folder, "a"), None);
        delivers(&mut journal, "a", 4, Some(300));
        assert_eq!(believed(&mut journal, folder, "a"), Some(4));
        // A request without an answer may have been carried out, and is taken account of once.
        delivers(&mut journal, "a", 5, None);
        assert_eq!(believed(&mut journal, folder, "a"), None);
        delivers(&mut journal, "a", 6, Some(2_000));
        assert_eq!(believed(&mut journal, folder, "a"), Some(6));
        assert_eq!(believed(&mut journal, folder, "a"), Some(6));
    }

    #[test]
    fn what_was_sent_for_another_account_is_its_own() {
        let (folder, mut journal) = journal();
        let folder = folder.path();
        let run = delivers(&mut journal, "a", 1, Some(100));
        journal.begin_sending(run, "b", at(500)).unwrap();
        assert_eq!(believed(&mut journal, folder, "b"), None);
        assert_eq!(believed(&mut journal, folder, "a"), Some(1));
    }

    #[test]
    fn a_run_that_is_forgotten_leaves_what_it_left_open() {
        let (folder, mut journal) = journal();
        let folder = folder.path();
        delivers(&mut journal, "a", 1, Some(1_500));
        assert_eq!(believed(&mut journal, folder, "a"), Some(1));
        delivers(&mut journal, "a", 2, None);
        journal.prune(folder, at(1_400), at(2_000)).unwrap();
        assert!(journal.runs().unwrap().is_empty());
        assert_eq!(believed(&mut journal, folder, "a"), None);
    }

    #[test]
    fn nothing_is_believed_while_another_run_may_be_sending() {
        let (folder, mut journal) = journal();
        let folder = folder.path();
        delivers(&mut journal, "a", 1, Some(100));
        let name = journal.run(None).unwrap().name;
        let live = RunLock::share(folder, &name).unwrap();
        assert!(!journal.merge_delivered(folder, "a", 0, at(200)).unwrap());
        drop(live);
        assert!(journal.merge_delivered(folder, "a", 0, at(200)).unwrap());
    }
}
