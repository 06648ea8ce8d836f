//! Storage for edited cells beside the journal until the roster is sent.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::error::{Action, AppError};
use crate::journal::make_private_folder;
use crate::model::hex;
use crate::read::{Cells, Input, Mends};
use crate::report::WholeFile;
use crate::run::RunError;

/// The folder beside the journal for edited cells. Retention removes old files.
pub(super) const MENDS: &str = "mends";

/// Edited cells of one roster, in a separate file beside the journal, so that edits survive the process.
#[derive(Debug, Clone)]
pub struct KeptMends {
    path: PathBuf,
}

impl KeptMends {
    /// Locates the edits of a roster. The name depends on the content and on the encoding, delimiter, header
    /// row and sheet, because they determine the row numbers. `run` is the retried run, if any.
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

    /// Reads the stored edits, or returns `None` if there are none.
    pub fn read(&self) -> Result<Option<Mends>, AppError> {
        let failed = Action::Read.failed(&self.path);
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Replaces the stored edits with `mends`.
    pub fn keep(&self, mends: &Mends) -> Result<(), AppError> {
        let failed = Action::Write.failed(&self.path);
        let text = serde_json::to_string(mends).map_err(|error| failed(error.into()))?;
        if let Some(folder) = self.path.parent() {
            make_private_folder(folder).map_err(failed)?;
        }
        Ok(WholeFile::write_text(&self.path, &text)?)
    }
}

/// Removes stored edits of any roster: rows with the number and cells of one in `edited`, and rows with a
/// cell in `keys`. Returns the number of removed rows.
pub(super) fn forget_edited(
    state: &Path,
    edited: &[(u64, Cells)],
    keys: &[String],
) -> Result<u64, AppError> {
    let mut count = 0;
    for file in std::fs::read_dir(state.join(MENDS)).into_iter().flatten() {
        let path = file.map_err(Action::ReadFolder.failed(state))?.path();
        let kept = KeptMends { path };
        let Some(mut mends) = kept.read()? else {
            continue;
        };
        let before = mends.rows();
        mends.keep_rows(|row, cells| {
            let is_edited = edited.iter().any(|(of, own)| *of == row && own == cells);
            !is_edited && !cells.values().any(|cell| keys.contains(cell))
        });
        if mends.rows() < before {
            count += (before - mends.rows()) as u64;
            kept.keep(&mends)?;
        }
    }
    Ok(count)
}

/// Removes edits that were last written before `moment`.
pub fn forget_mends(state: &Path, moment: Timestamp) -> Result<(), AppError> {
    let Ok(files) = std::fs::read_dir(state.join(MENDS)) else {
        return Ok(());
    };
    for file in files.flatten() {
        let written = file.metadata().and_then(|metadata| metadata.modified());
        let is_old = written.is_ok_and(|written| written < std::time::SystemTime::from(moment));
        if is_old {
            std::fs::remove_file(file.path()).map_err(Action::Remove.failed(&file.path()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::Scene;
    use crate::read::ReadOptions;

    fn mends() -> Mends {
        serde_json::from_value(serde_json::json!({ "2": { "1": "Eva" } })).unwrap()
    }

    #[test]
    fn edits_are_found_by_the_content_and_the_reading_options() {
        let scene = Scene::new();
        let file = scene.write("r.csv", "id;name\n1;Bo\n2;Bo\n");
        let state = scene.session.state.folder();
        let kept = |delimiter: u8, sheet: Option<&str>, run: Option<&str>| {
            let options = ReadOptions {
                delimiter: Some(delimiter),
                ..ReadOptions::default()
            };
            let input = Input::open(&file, &options).unwrap();
            KeptMends::of(state, &input, sheet, run).unwrap()
        };
        let own = kept(b';', None, None);
        assert_eq!(own.read().unwrap(), None);
        own.keep(&mends()).unwrap();
        assert_eq!(kept(b';', None, None).read().unwrap(), Some(mends()));
        for other in [
            kept(b',', None, None),
            kept(b';', Some("Blad1"), None),
            kept(b';', None, Some("first")),
        ] {
            assert_eq!(other.read().unwrap(), None);
        }
        scene.write("r.csv", "id;name\n1;Bo\n2;Bo\n3;Bo\n");
        assert_eq!(kept(b';', None, None).read().unwrap(), None);

        // An unreadable file is an error: treating it as empty would overwrite it.
        std::fs::write(&own.path, "no JSON").unwrap();
        assert!(matches!(own.read(), Err(AppError::File { .. })));
        std::fs::remove_file(&own.path).unwrap();
        std::fs::create_dir(&own.path).unwrap();
        assert!(matches!(own.read(), Err(AppError::File { .. })));
    }

    #[test]
    fn edits_older_than_the_given_time_are_removed() {
        let scene = Scene::new();
        let state = scene.session.state.folder();
        let second = |second: i64| Timestamp::from_second(second).unwrap();
        for (name, at) in [("old", 999), ("same", 1_000), ("new", 1_001)] {
            let path = scene.write(&format!("state/{MENDS}/{name}.json"), "[]");
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(second(at).into()).unwrap();
        }
        forget_mends(state, second(1_000)).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(state.join(MENDS))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["new.json", "same.json"]);
    }
}
