//! The `rosterpatch` program. The implementation is in the library.

use std::process::ExitCode;

// With musl's allocator, imports use 1.4 times the CPU (docs/internals/performance.md).
#[cfg(all(target_env = "musl", target_pointer_width = "64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    rosterpatch::cli::main()
}
