use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::error::AppError;
use crate::journal::make_private_folder;
use crate::model::hex;
use crate::read::{Input, Mends};
use crate::report::WholeFile;
use crate::run::RunError;

/// The folder beside the journal of cells that somebody changed, until they are as old as what is forgotten.
const MENDS: &str = "mends";

/// Cells of one roster that somebody changed, in a file of their own beside the journal: what was typed in
/// an hour outlives the process.
#[derive(Debug, Clone)]
pub struct KeptMends {
    path: PathBuf,
}

impl KeptMends {
    /// Where those of a roster are kept, as it is read here: rows have other numbers where its sheet, its
    /// delimiter or its header is another. `run` is the run whose rows are tried again, if they are.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn of(
        state: &Path,
        input: &Input,
        sheet: Option<&str>,
        run: Option<&str>,
    ) -> Result<KeptMends, AppError> {
        let dialect = input.dialect();
        let sha256 = input.sha256().map_err(RunError::from)?;
        let way = (
            sha256,
            dialect.encoding.label(),
            dialect.delimiter,
            input.header_line(),
            sheet,
            run,
        );
        let name = hex(&Sha256::digest(format!("{way:?}").as_bytes())[..16]);
        Ok(KeptMends {
            path: state.join(MENDS).join(name).with_extension("json"),
        })
    }

    /// What is kept; nothing where nothing is.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn read(&self) -> Result<Option<Mends>, AppError> {
        let failed = |source| AppError::File {
            action: "read",
            path: self.path.clone(),
            source,
        };
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Keeps `mends` in place of what was kept.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep(&self, mends: &Mends) -> Result<(), AppError> {
        let failed = |source| AppError::File {
            action: "take",
            path: self.path.clone(),
            source,
        };
        let text = serde_json::to_string(mends).map_err(|error| failed(error.into()))?;
        if let Some(folder) = self.path.parent() {
            make_private_folder(folder).map_err(failed)?;
        }
        Ok(WholeFile::write_text(&self.path, &text)?)
    }
}

/// Forgets changed cells that were last written before `moment`.
///
/// # Errors
/// When a file cannot be removed.
pub fn forget_mends(state: &Path, moment: Timestamp) -> Result<(), AppError> {
    let Ok(files) = std::fs::read_dir(state.join(MENDS)) else {
        return Ok(());
    };
    for file in files.flatten() {
        let written = file.metadata().and_then(|metadata| metadata.modified());
        let is_old = written.is_ok_and(|written| written < std::time::SystemTime::from(moment));
        if is_old {
            std::fs::remove_file(file.path()).map_err(|source| AppError::File {
                action: "put-away",
                path: file.path(),
                source,
            })?;
        }
    }
    Ok(())
}
