//! The `rosterpatch` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    rosterpatch::cli::main()
}
