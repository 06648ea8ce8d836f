//! The index of an archive folder, which lists the files that rosterpatch put there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::safe_fs::Folder;

/// The file name of the index.
const NAME: &str = ".rosterpatch";

/// The maximum size of an index. Files listed beyond it count as files of other programs.
const MOST_BYTES: u64 = 16 << 20;

/// The origin of a file in an archive folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Archived {
    /// A roster.
    Roster,
    /// An output file.
    Output,
    /// A file of another program that was reported.
    Foreign,
}

/// A line of the index.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    kind: Archived,
}

/// The listed files of a folder, by name.
pub(super) struct Index(BTreeMap<String, Archived>);

impl Index {
    /// Reads the index of a folder. Unreadable lines are ignored.
    pub(super) fn of(folder: &Folder) -> io::Result<Index> {
        let mut text = Vec::new();
        match folder.look(NAME)? {
            None => {}
            Some(_) => {
                let file = folder.open_file(NAME)?;
                file.take(MOST_BYTES).read_to_end(&mut text)?;
            }
        }
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        Ok(Index(lines.map(|line| (line.name, line.kind)).collect()))
    }

    /// Returns the origin of a file, if it is listed.
    pub(super) fn kind(&self, name: &OsStr) -> Option<Archived> {
        self.0.get(&*name.to_string_lossy()).copied()
    }
}

/// Returns whether a name is that of the index.
pub(super) fn is_index(name: &OsStr) -> bool {
    name == NAME
}

/// Adds files to the index of a folder. The index is durable when this returns.
pub(super) fn list(folder: &Folder, files: &[(String, Archived)]) -> io::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    // A killed process may have left a line without its line break.
    let mut text = vec![b'\n'];
    for (name, kind) in files {
        let name = name.clone();
        serde_json::to_writer(&mut text, &Line { name, kind: *kind })?;
        text.push(b'\n');
    }
    let mut file = folder.append(NAME)?;
    file.write_all(&text)?;
    file.sync_all()
}

/// Removes the index of a folder, if any.
pub(super) fn remove(folder: &Folder) -> io::Result<()> {
    match folder.look(NAME)? {
        Some(_) => folder.remove_file(NAME),
        None => Ok(()),
    }
}
