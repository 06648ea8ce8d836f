//! The stored API responses of a run that is planned in batches.

use super::connection::cell;
use super::store::{Postgres, signed};
use crate::journal::error::JournalError;
use crate::journal::sql::FORGET_ANSWERS;
use crate::journal::store::{ANSWERS_STAND, AnswerStore};

impl AnswerStore for Postgres {
    fn keeps_answers(&self) -> bool {
        true
    }

    fn keep_answers(
        &self,
        run: i64,
        answers: &[(i64, &str)],
        requests: u64,
    ) -> Result<(), JournalError> {
        let (questions, contents): (Vec<i64>, Vec<&str>) = answers.iter().copied().unzip();
        self.change(|tables| {
            tables.execute(
                "INSERT INTO answer (run, question, content)
                 SELECT $1, * FROM unnest($2::bigint[], $3::text[])
                 ON CONFLICT (run, question) DO UPDATE SET content = excluded.content, at = now()",
                &[&run, &questions, &contents],
            )?;
            tables.execute(
                "UPDATE run SET planned_requests = planned_requests + $2 WHERE id = $1",
                &[&run, &signed(requests)],
            )
        })
        .map(|_| ())
    }

    fn questions(&self, run: i64) -> Result<Vec<i64>, JournalError> {
        self.change(|tables| {
            tables.execute(
                "DELETE FROM answer WHERE run = $1
                 AND (SELECT max(at) FROM answer WHERE run = $1)
                     <= now() - make_interval(secs => $2)",
                &[&run, &ANSWERS_STAND.as_secs_f64()],
            )?;
            let rows = tables.rows("SELECT question FROM answer WHERE run = $1", &[&run])?;
            rows.iter().map(|row| cell(row, 0)).collect()
        })
    }

    fn answer(&self, run: i64, question: i64) -> Result<Option<String>, JournalError> {
        self.read(|tables| {
            let row = tables.first(
                "SELECT content FROM answer WHERE run = $1 AND question = $2",
                &[&run, &question],
            )?;
            row.map(|row| cell(&row, 0)).transpose()
        })
    }

    fn forget_answers(&self, run: i64) -> Result<(), JournalError> {
        self.set(FORGET_ANSWERS, &[&run])
    }
}
