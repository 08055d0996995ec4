//! The binary `flowscore`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host_test::command::{check_config::CheckConfigArgs, exit_code, inspect::InspectArgs, series::SeriesArgs};

/// Decodes VPC Flow Logs and detects sudden spikes and drops, in a sandboxed WebAssembly component
#[derive(Parser)]
#[command(name = "flowscore", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Series(SeriesArgs),
    CheckConfig(CheckConfigArgs),
    Inspect(InspectArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Series(args) => args.run(),
        Command::CheckConfig(args) => args.run(),
        Command::Inspect(args) => args.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = exit_code(&error);
            if code != 0 {
                eprintln!("flowscore: {error:#}");
            }
            ExitCode::from(code)
        }
    }
}
