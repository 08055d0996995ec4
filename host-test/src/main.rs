//! The binary `flowscore`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host_test::command::check_config::CheckConfigArgs;
use host_test::command::decode::DecodeArgs;
use host_test::command::demo::DemoArgs;
use host_test::command::discover_schema::DiscoverSchemaArgs;
use host_test::command::exit_code;
use host_test::command::generate::GenerateArgs;
use host_test::command::inspect::InspectArgs;
use host_test::command::kinesis::KinesisArgs;
use host_test::command::multilang::MultilangArgs;
use host_test::command::report::ReportArgs;
use host_test::command::run::RunArgs;
use host_test::command::series::SeriesArgs;
use host_test::command::serve::ServeArgs;

/// Decodes VPC Flow Logs and detects sudden spikes and drops, in a sandboxed WebAssembly component
#[derive(Parser)]
#[command(name = "flowscore", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(DemoArgs),
    Run(RunArgs),
    Kinesis(KinesisArgs),
    Decode(DecodeArgs),
    Series(SeriesArgs),
    Serve(ServeArgs),
    Multilang(MultilangArgs),
    Generate(GenerateArgs),
    Report(ReportArgs),
    DiscoverSchema(DiscoverSchemaArgs),
    CheckConfig(CheckConfigArgs),
    Inspect(InspectArgs),
}

fn main() -> ExitCode {
    // One implementation of TLS for all clients and servers; they look for it here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Cli::parse().command {
        Command::Demo(args) => args.run(),
        Command::Run(args) => args.run(),
        Command::Kinesis(args) => args.run(),
        Command::Decode(args) => args.run(),
        Command::Generate(args) => args.run(),
        Command::Report(args) => args.run(),
        Command::DiscoverSchema(args) => args.run(),
        Command::Series(args) => args.run(),
        Command::Serve(args) => args.run(),
        Command::Multilang(args) => args.run(),
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
