//! Resolution of output paths. Paths that would replace an input are refused.

use std::path::{Path, PathBuf};

use super::dropped::DROPPED;
use super::error::AppError;
use crate::l10n::say;
use crate::report::ResultPaths;
use crate::safe_fs::{canonical, is_one_file};

/// The output paths that the user named.
#[derive(Debug, Clone, Default)]
pub struct NamedPaths {
    /// The results file, with every row and its outcome.
    pub results: Option<PathBuf>,
    /// The file with unsuccessful rows.
    pub failed: Option<PathBuf>,
    /// The HTML report.
    pub report: Option<PathBuf>,
    /// The file with the replaced values.
    pub before: Option<PathBuf>,
    /// The file with rows whose record was not found.
    pub new: Option<PathBuf>,
}

/// The options that name the paths, in the order of [`ResultPaths::all`].
const FLAGS: [&str; 5] = ["--results", "--failed", "--report", "--before", "--new"];

impl NamedPaths {
    /// Returns the output paths for a roster. Paths that are not named lie beside it.
    ///
    /// # Errors
    /// Fails if two paths are equal, or one is the roster or lies in the state folder.
    pub fn for_roster(&self, roster: &Path, state: &Path) -> Result<ResultPaths, AppError> {
        let mut paths = ResultPaths::beside(&without_kind(roster));
        self.replace(&mut paths)?;
        refuse_collisions(&paths, roster, state)?;
        Ok(paths)
    }

    /// The named paths, in the order of [`FLAGS`].
    fn each(&self) -> [&Option<PathBuf>; 5] {
        let NamedPaths {
            results,
            failed,
            report,
            before,
            new,
        } = self;
        [results, failed, report, before, new]
    }

    /// Refuses paths with an extension that the option does not support.
    pub fn refuse_kinds(&self) -> Result<(), AppError> {
        for (flag, named) in FLAGS.into_iter().zip(self.each()) {
            if let Some(named) = named {
                refuse_kind(flag, named)?;
            }
        }
        Ok(())
    }

    /// Replaces the paths that the user named.
    ///
    /// # Errors
    /// Fails if an extension is not supported by its option.
    pub fn replace(&self, paths: &mut ResultPaths) -> Result<(), AppError> {
        self.refuse_kinds()?;
        for (path, named) in paths.all_mut().into_iter().zip(self.each()) {
            if let Some(named) = named {
                path.clone_from(named);
            }
        }
        paths
            .named
            .extend(self.each().into_iter().flatten().cloned());
        paths.failed_always |= self.failed.is_some();
        Ok(())
    }
}

/// Strips the suffix of a results or failed file: `r.failed-2.csv` becomes `r.csv`, so that the output files
/// of a retry get the same base name and a new number.
fn without_kind(path: &Path) -> PathBuf {
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
        return path.to_owned();
    };
    let Some((name, kind)) = stem.rsplit_once('.') else {
        return path.to_owned();
    };
    let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit());
    if ["results", "failed"].contains(&kind.trim_end_matches('-')) {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!("{name}.{ending}"))
    } else {
        path.to_owned()
    }
}

/// Refuses output files that would replace the roster or each other.
fn refuse_collisions(paths: &ResultPaths, roster: &Path, state: &Path) -> Result<(), AppError> {
    let same = |a: &Path, b: &Path| a == b && a != Path::new("-") || is_one_file(a, b);
    for (flag, path) in FLAGS.into_iter().zip(paths.all()) {
        refuse_in_place_of(flag, path, roster, state)?;
    }
    let all = paths.all();
    for (index, one) in all.iter().enumerate() {
        if all[..index].iter().any(|other| same(one, other)) {
            let path = one.display().to_string();
            return Err(AppError::Usage(say().file_two_are_one(path)));
        }
    }
    Ok(())
}

/// Refuses a path of the option `flag` that would replace the roster or lies in the state folder.
pub fn refuse_in_place_of(
    flag: &str,
    path: &Path,
    roster: &Path,
    state: &Path,
) -> Result<(), AppError> {
    let shown = path.display().to_string();
    if path != Path::new("-") && path == roster || is_one_file(path, roster) {
        return Err(AppError::Usage(say().file_replaces_roster(flag, shown)));
    }
    let state = real(state).unwrap_or_else(|| state.to_owned());
    let is_inside =
        |path: PathBuf| path.starts_with(&state) && !path.starts_with(state.join(DROPPED));
    if real(path).is_some_and(is_inside) {
        return Err(AppError::Usage(say().file_in_state_folder(flag, shown)));
    }
    Ok(())
}

/// Refuses an extension that the option `flag` does not support. Spreadsheet programs report a damaged file
/// if text has the extension of a workbook.
pub fn refuse_kind(flag: &str, path: &Path) -> Result<(), AppError> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let shown = path.display().to_string();
    let holds_no_rows = matches!(flag, "--report" | "--save");
    if holds_no_rows && (ending == "xlsx" || is_other_workbook(&ending)) {
        let kind = if flag == "--report" { ".html" } else { ".json" };
        return Err(AppError::Usage(say().file_no_workbook(flag, shown, kind)));
    }
    if is_other_workbook(&ending) {
        return Err(AppError::Usage(say().file_other_workbook(flag, shown)));
    }
    Ok(())
}

/// Returns whether the extension is that of a workbook format that rosterpatch cannot write.
fn is_other_workbook(ending: &std::ffi::OsStr) -> bool {
    const KINDS: [&str; 9] = [
        "xls", "xlsm", "xlsb", "xlt", "xltx", "xltm", "ods", "fods", "ots",
    ];
    KINDS.iter().any(|kind| *kind == ending)
}

/// Returns whether a path resolves to a location in `folder`.
pub(super) fn leads_into(folder: &Path, path: &Path) -> bool {
    let folder = real(folder).unwrap_or_else(|| folder.to_owned());
    real(path).is_some_and(|path| path.starts_with(&folder))
}

/// Resolves a path. The last component need not exist.
fn real(path: &Path) -> Option<PathBuf> {
    canonical(path).ok().or_else(|| {
        let path = std::path::absolute(path).ok()?;
        let folder = path.parent()?;
        let folder = canonical(folder).unwrap_or_else(|_| folder.to_owned());
        Some(folder.join(path.file_name()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::Scene;

    fn named(results: &str) -> NamedPaths {
        NamedPaths {
            results: Some(results.into()),
            ..NamedPaths::default()
        }
    }

    /// Returns whether `refuse_kind` refuses the name.
    fn is_refused(flag: &str, name: &str) -> bool {
        refuse_kind(flag, Path::new(name)).is_err()
    }

    #[test]
    fn output_extensions_are_accepted_only_if_supported() {
        for flag in ["--results", "--failed", "--before", "--new"] {
            for name in ["r.csv", "r.xlsx", "r.XLSX", "r", "-"] {
                assert!(!is_refused(flag, name), "{flag} {name}");
            }
            for name in ["r.xls", "r.ODS", "r.xlsm"] {
                assert!(is_refused(flag, name), "{flag} {name}");
            }
        }
        // Reports and saved plans are not tables, so no workbook extension is accepted.
        for flag in ["--report", "--save"] {
            assert!(!is_refused(flag, "r.html"));
            assert!(is_refused(flag, "r.xlsx") && is_refused(flag, "r.ods"));
        }
        // The error names the alternative.
        for (flag, kind) in [("--report", ".html"), ("--save", ".json")] {
            let why = refuse_kind(flag, Path::new("r.xlsx")).unwrap_err();
            assert!(why.to_string().contains(kind), "{why}");
        }
        for kinds in [
            named("r.ods"),
            NamedPaths {
                report: Some("r.xlsx".into()),
                ..NamedPaths::default()
            },
        ] {
            assert!(kinds.refuse_kinds().is_err());
            let mut paths = ResultPaths::beside(Path::new("r.csv"));
            assert!(kinds.replace(&mut paths).is_err());
        }
    }

    #[test]
    fn a_named_path_replaces_the_default_path() {
        let mut paths = ResultPaths::beside(Path::new("r.csv"));
        named("out.csv").replace(&mut paths).unwrap();
        assert_eq!(paths.results, Path::new("out.csv"));
        assert_eq!(paths.named, [Path::new("out.csv")]);
        assert_eq!(paths.failed, Path::new("r.failed.csv"));
        assert!(!paths.failed_always);
        let failed = NamedPaths {
            failed: Some("bad.csv".into()),
            ..NamedPaths::default()
        };
        failed.replace(&mut paths).unwrap();
        // The failed file is always written, so that an old one cannot be mistaken for this run's.
        assert!(paths.failed_always);
        NamedPaths::default().replace(&mut paths).unwrap();
        assert!(paths.failed_always);
    }

    #[test]
    fn output_files_of_a_results_file_use_the_name_of_its_roster() {
        for (path, roster) in [
            ("in/r.failed.csv", "in/r.csv"),
            ("r.failed-2.csv", "r.csv"),
            ("r.results-13.xlsx", "r.xlsx"),
            ("r.new.csv", "r.new.csv"),
            ("r.csv", "r.csv"),
            ("klass.7.csv", "klass.7.csv"),
        ] {
            assert_eq!(without_kind(Path::new(path)), Path::new(roster));
        }
    }

    #[cfg(unix)]
    #[test]
    fn output_files_do_not_replace_the_roster_each_other_or_state_files() {
        let scene = Scene::new();
        let roster = scene.write("r.csv", "id,name\n");
        let state = scene.session.state.folder();
        std::fs::create_dir_all(state.join(DROPPED)).unwrap();
        let at = |named: &NamedPaths| named.for_roster(&roster, state);
        let to = |path: &Path| at(&named(path.to_str().unwrap()));
        assert!(at(&NamedPaths::default()).is_ok());
        assert!(to(&scene.path("out.csv")).is_ok());
        assert!(to(&roster).is_err());
        assert!(to(&state.join("out.csv")).is_err());
        // The results of an uploaded file lie beside it in the state folder.
        assert!(to(&state.join(DROPPED).join("out.csv")).is_ok());
        // Links to the roster are recognized.
        let link = scene.path("link.csv");
        std::os::unix::fs::symlink(&roster, &link).unwrap();
        assert!(to(&link).is_err());
        let hard = scene.path("hard.csv");
        std::fs::hard_link(&roster, &hard).unwrap();
        assert!(to(&hard).is_err());

        let two = |one: &Path, other: &Path| {
            at(&NamedPaths {
                failed: Some(other.to_owned()),
                ..named(one.to_str().unwrap())
            })
        };
        let (one, other) = (scene.write("one.csv", ""), scene.write("other.csv", ""));
        assert!(two(&one, &other).is_ok());
        assert!(two(&one, &one).is_err());
        let new = scene.path("new.csv");
        assert!(two(&new, &new).is_err());
        std::os::unix::fs::symlink(&one, scene.path("to-one.csv")).unwrap();
        assert!(two(&one, &scene.path("to-one.csv")).is_err());
        // Two outputs may share standard output or a device.
        assert!(two(Path::new("-"), Path::new("-")).is_ok());
        let nowhere = Path::new("/dev/null");
        assert!(two(nowhere, &other).is_ok());
        assert!(!is_one_file(nowhere, nowhere));
        // Standard input cannot be replaced.
        let from_input = |named: &NamedPaths| named.for_roster(Path::new("-"), state);
        assert!(from_input(&named("-")).is_ok());
    }
}
