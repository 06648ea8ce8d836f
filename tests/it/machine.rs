//! Checks for optional programs and permissions on the machine that runs the tests.

use std::ffi::OsString;

/// Reports that the calling test, or a part of it, is skipped: on standard error, and in the list that
/// `tests/run` prints.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("?");
    eprintln!("{test} is skipped: {why}");
    if let Some(list) = std::env::var_os("ROSTERPATCH_TEST_SKIPPED") {
        use std::io::Write;
        let list = std::fs::File::options()
            .append(true)
            .create(true)
            .open(list);
        // A single write per line, because tests run in parallel.
        let line = format!("{why}\t{test}\n");
        list.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// Returns the path in an environment variable that `tests/run` sets for an installed program. Without it,
/// reports the calling test as skipped, with the reason in `NAME_MISSING`.
pub fn installed(name: &str) -> Option<OsString> {
    let found = std::env::var_os(name);
    if found.is_none() {
        let why = std::env::var(format!("{name}_MISSING"));
        skipped(&why.unwrap_or_else(|_| format!("{name} is not set; tests/run sets it")));
    }
    found
}

/// Returns whether a command is in PATH. Without it, reports the calling test as skipped.
pub fn has_command(name: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !is_there {
        skipped(&format!("no {name}: apt-get install {package}"));
    }
    is_there
}

/// Returns whether the tests run as root.
pub fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }
    #[cfg(not(unix))]
    false
}

/// Returns whether another account can enter a folder. If not, reports the calling test as skipped: a umask
/// of 077 may have closed the folders above it.
pub fn can_enter(account: u32, folder: &std::path::Path) -> bool {
    let id = account.to_string();
    let entered = std::process::Command::new("setpriv")
        .args([
            "--reuid",
            &id,
            "--regid",
            &id,
            "--clear-groups",
            "test",
            "-x",
        ])
        .arg(folder)
        .status();
    let can = entered.is_ok_and(|status| status.success());
    if !can {
        skipped("no other account can enter the folder of the tests");
    }
    can
}
