use super::connection::cell;
use super::store::Postgres;
use crate::journal::error::JournalError;
use crate::journal::store::Rosters;

impl Rosters for Postgres {
    fn keep_roster(
        &self,
        sha256: &str,
        content: &mut (dyn FnMut() -> std::io::Result<Vec<u8>> + Send),
    ) -> Result<(), JournalError> {
        let is_kept = self.read(|tables| {
            let row = tables.one(
                "SELECT EXISTS (SELECT 1 FROM roster WHERE sha256 = $1)",
                &[&sha256],
            )?;
            cell::<bool>(&row, 0)
        })?;
        if is_kept {
            return Ok(());
        }
        let content = content().map_err(|source| JournalError::Folder {
            path: "-".into(),
            source,
        })?;
        self.set(
            "INSERT INTO roster (sha256, content) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&sha256, &content],
        )
    }

    fn roster(&self, sha256: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.read(|tables| {
            let row = tables.first("SELECT content FROM roster WHERE sha256 = $1", &[&sha256])?;
            row.map(|row| cell(&row, 0)).transpose()
        })
    }
}
