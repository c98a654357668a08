// SPDX-License-Identifier: GPL-2.0

//! poolmon

use clap::Parser;
use poolmon::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("poolmon: {error}");
            ExitCode::from(error.status())
        }
    }
}
