// SPDX-License-Identifier: GPL-2.0

//! poolmon

use clap::Parser;
use poolmon::{cli::Cli, output};
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            // The status says it too, if nobody can be told: eprintln! would panic.
            let line = output::printable(&error.to_string());
            let _ = writeln!(io::stderr(), "poolmon: {line}");
            ExitCode::from(error.status())
        }
    }
}
