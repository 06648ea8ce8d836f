//! Canonical paths without the verbatim prefix of Windows.

use std::io;
use std::path::{Path, PathBuf};

/// Returns the absolute path of an existing file or folder, with all links resolved.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    Ok(plain(std::fs::canonicalize(path)?))
}

#[cfg(not(windows))]
fn plain(path: PathBuf) -> PathBuf {
    path
}

/// Removes the verbatim prefix: `\\?\C:\a` becomes `C:\a`, and `\\?\UNC\server\share\a` becomes `\\server\share\a`. Keeps
/// it for names such as `aux` and `a.`, which need it.
#[cfg(windows)]
fn plain(path: PathBuf) -> PathBuf {
    use std::path::{Component, Prefix};
    let mut parts = path.components();
    let Some(Component::Prefix(prefix)) = parts.next() else {
        return path;
    };
    let mut short = match prefix.kind() {
        Prefix::VerbatimDisk(letter) => PathBuf::from(format!("{}:", char::from(letter))),
        Prefix::VerbatimUNC(server, share) => {
            let mut start = std::ffi::OsString::from(r"\\");
            start.push(server);
            start.push(r"\");
            start.push(share);
            PathBuf::from(start)
        }
        _ => return path,
    };
    short.push(parts.as_path());
    match std::path::absolute(&short) {
        Ok(same) if same == short => short,
        _ => path,
    }
}

/// Returns a path for libraries that pass it to the system unchanged. Outside Windows, the path needs no
/// prefix.
#[cfg(not(windows))]
pub fn for_system(path: &Path) -> io::Result<PathBuf> {
    Ok(path.to_owned())
}

/// Returns an absolute path with the verbatim prefix, for libraries that pass the path to the system
/// unchanged. Without the prefix, the system refuses more than 260 characters. The standard library adds the
/// prefix itself. Fails if the current folder is unknown.
#[cfg(windows)]
pub fn for_system(path: &Path) -> io::Result<PathBuf> {
    use std::path::{Component, Prefix};
    let path = std::path::absolute(path)?;
    let mut parts = path.components();
    let mut start = match parts.next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::Disk(letter) => PathBuf::from(format!(r"\\?\{}:", char::from(letter))),
            Prefix::UNC(server, share) => {
                let mut start = std::ffi::OsString::from(r"\\?\UNC\");
                start.push(server);
                start.push(r"\");
                start.push(share);
                PathBuf::from(start)
            }
            _ => return Ok(path),
        },
        _ => return Ok(path),
    };
    start.push(parts.as_path());
    Ok(start)
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_path_has_no_prefix_unless_a_name_needs_it() {
        for (path, expected) in [
            (r"\\?\C:\a\r.csv", r"C:\a\r.csv"),
            (r"\\?\C:\", r"C:\"),
            (r"\\?\UNC\server\share\r.csv", r"\\server\share\r.csv"),
            (r"\\?\C:\a.\r.csv", r"\\?\C:\a.\r.csv"),
            (r"C:\a", r"C:\a"),
        ] {
            assert_eq!(plain(path.into()).to_str(), Some(expected));
        }
        for (path, expected) in [
            (r"C:\a\r.csv", r"\\?\C:\a\r.csv"),
            (r"\\server\share\r.csv", r"\\?\UNC\server\share\r.csv"),
            (r"\\?\C:\a", r"\\?\C:\a"),
        ] {
            let path = for_system(Path::new(path)).unwrap();
            assert_eq!(path.to_str(), Some(expected));
        }
        let long = format!(r"C:\{}\r.csv", "x".repeat(400));
        assert_eq!(plain(format!(r"\\?\{long}").into()).to_str(), Some(&*long));
    }
}
