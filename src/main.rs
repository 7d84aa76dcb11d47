//! The binary `guichet`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    guichet::cli::main()
}
