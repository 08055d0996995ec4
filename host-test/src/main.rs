//! The binary `flowscore`.

mod command;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, Parser, Subcommand};
use command::backtest::BacktestArgs;
use command::check_config::CheckConfigArgs;
use command::completions::CompletionsArgs;
use command::decode::DecodeArgs;
use command::demo::DemoArgs;
use command::discover_schema::DiscoverSchemaArgs;
#[cfg(feature = "network")]
use command::feedback::FeedbackArgs;
use command::generate::GenerateArgs;
use command::init::InitArgs;
use command::inspect::InspectArgs;
#[cfg(feature = "network")]
use command::kinesis::KinesisArgs;
use command::log::LogArgs;
use command::man::ManArgs;
#[cfg(feature = "network")]
use command::multilang::MultilangArgs;
use command::report::ReportArgs;
use command::run::RunArgs;
#[cfg(feature = "network")]
use command::s3::S3Args;
use command::series::SeriesArgs;
#[cfg(feature = "network")]
use command::serve::ServeArgs;
#[cfg(feature = "network")]
use command::top::TopArgs;

/// Version, commit, and the digest of the built-in component, as registries write it.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("FLOWSCORE_COMMIT"));
    format!("{version} ({commit}, component sha256:{})", flowscore_artifacts::COMPONENT_DIGEST)
});

/// Decodes VPC Flow Logs and detects sudden spikes and drops, in a sandboxed WebAssembly component
#[derive(Parser)]
#[command(name = "flowscore", version = VERSION.as_str(), propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(DemoArgs),
    Run(RunArgs),
    #[cfg(feature = "network")]
    Kinesis(KinesisArgs),
    #[cfg(feature = "network")]
    S3(S3Args),
    Backtest(BacktestArgs),
    Decode(DecodeArgs),
    Series(SeriesArgs),
    #[cfg(feature = "network")]
    Serve(ServeArgs),
    #[cfg(feature = "network")]
    Multilang(MultilangArgs),
    #[cfg(feature = "network")]
    Top(TopArgs),
    #[cfg(feature = "network")]
    Feedback(FeedbackArgs),
    Generate(GenerateArgs),
    Report(ReportArgs),
    DiscoverSchema(DiscoverSchemaArgs),
    Init(InitArgs),
    CheckConfig(CheckConfigArgs),
    Inspect(InspectArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

impl Command {
    /// Whether it runs until it is told to stop, and what it tells goes to a log.
    fn is_long_running(&self) -> bool {
        #[cfg(feature = "network")]
        return matches!(self, Command::Kinesis(_) | Command::S3(_) | Command::Serve(_) | Command::Multilang(_));
        #[cfg(not(feature = "network"))]
        false
    }
}

fn main() -> ExitCode {
    // One implementation of TLS for all clients and servers; they look for it here.
    #[cfg(feature = "network")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Cli { log, command } = Cli::parse();
    log.begin(command.is_long_running());
    let result = match command {
        Command::Demo(args) => args.run(),
        Command::Run(args) => args.run(),
        #[cfg(feature = "network")]
        Command::Kinesis(args) => args.run(),
        #[cfg(feature = "network")]
        Command::S3(args) => args.run(),
        Command::Backtest(args) => args.run(),
        Command::Decode(args) => args.run(),
        Command::Generate(args) => args.run(),
        Command::Report(args) => args.run(),
        Command::DiscoverSchema(args) => args.run(),
        Command::Series(args) => args.run(),
        #[cfg(feature = "network")]
        Command::Serve(args) => args.run(),
        #[cfg(feature = "network")]
        Command::Multilang(args) => args.run(),
        #[cfg(feature = "network")]
        Command::Top(args) => args.run(),
        #[cfg(feature = "network")]
        Command::Feedback(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::CheckConfig(args) => args.run(),
        Command::Inspect(args) => args.run(),
        Command::Completions(args) => args.run(Cli::command()),
        Command::Man(args) => args.run(Cli::command()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = command::exit_code(&error);
            if code != 0 {
                tracing::error!("{error:#}");
            }
            ExitCode::from(code)
        }
    }
}
