//! The `rosterpatch` program. The implementation is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    rosterpatch::cli::main()
}
