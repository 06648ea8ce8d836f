//! The `rosterpatch` program. The implementation is in the library.

use std::process::ExitCode;

// With the allocator of glibc an import takes a fifth more CPU time (docs/internals/performance.md).
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rosterpatch::cli::main()
}
