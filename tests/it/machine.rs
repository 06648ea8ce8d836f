//! What the machine that runs the tests has, and what it lacks.

use std::ffi::OsString;

/// Reports that the calling test is skipped, or a part of it: on standard error, and to `tests/run`, which
/// lists at its end what was skipped.
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
        // One write a line: tests run at the same time.
        let line = format!("{why}\t{test}\n");
        list.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// What `tests/run` found or installed for the tests, by the variable that names it. Without it the
/// calling test is skipped, for the reason that `tests/run` gives in `NAME_MISSING`.
pub fn installed(name: &str) -> Option<OsString> {
    let found = std::env::var_os(name);
    if found.is_none() {
        let why = std::env::var(format!("{name}_MISSING"));
        skipped(&why.unwrap_or_else(|_| format!("{name} is not set; tests/run sets it")));
    }
    found
}

/// Whether there is such a command. Without it the calling test is skipped.
pub fn has_command(name: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !is_there {
        skipped(&format!("no {name}: apt-get install {package}"));
    }
    is_there
}

/// Whether the tests are run by root.
pub fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }
    #[cfg(not(unix))]
    false
}

/// Whether another account, by its number, can enter a folder. If not, the calling test is skipped: the folders
/// above it may be closed by a umask of 077.
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
