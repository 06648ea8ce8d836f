//! Makes a function of each message of the catalogues beside it, so that a key, an argument or a
//! translation that is missing fails the build.

use std::path::Path;
use std::process::ExitCode;

use fluent_typed::{BuildOptions, FtlOutputOptions, LintLevel, try_build_from_locales_folder};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=src/l10n/build.rs");
    let Some(out) = std::env::var_os("OUT_DIR") else {
        eprintln!("cargo sets OUT_DIR for a build script");
        return ExitCode::FAILURE;
    };
    let place = |name: &str| Path::new(&out).join(name).display().to_string();
    let options = BuildOptions::default()
        .with_locales_folder("src/l10n/messages")
        .with_output_file_path(&place("messages.rs"))
        .with_ftl_output(FtlOutputOptions::single_file(&place("messages.ftl")))
        .with_prefix("")
        .with_lint_level(LintLevel::Deny)
        .without_bidi_isolation()
        .without_format();
    match try_build_from_locales_folder(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
