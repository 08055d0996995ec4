//! What is told on standard error: how much, and in which form.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

#[cfg(feature = "network")]
use host_test::monitor::otlp::Layer as Exported;
#[cfg(not(feature = "network"))]
use tracing_subscriber::layer::Identity as Exported;

/// How much is told, and in which form.
#[derive(Args)]
pub(crate) struct LogArgs {
    /// Tell only warnings and errors on standard error: no progress, no summary
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell more on standard error; twice: also what the libraries tell
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Form of what the long-running commands tell on standard error
    #[arg(long, value_enum, global = true, default_value = "text", value_name = "FORM")]
    log_format: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line of text, with the time
    Text,
    /// A JSON object a line: timestamp, level, fields.message, target
    Json,
}

static QUIET: AtomicBool = AtomicBool::new(false);

/// Whether summaries and progress are left out.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Tells a person how it went, unless they want it quiet.
pub(crate) fn tell(message: fmt::Arguments<'_>) {
    if !is_quiet() {
        eprintln!("{message}");
    }
}

impl LogArgs {
    /// Begins to tell. A command that runs for long says when each thing happened.
    pub(crate) fn begin(&self, is_long_running: bool) {
        QUIET.store(self.quiet, Ordering::Relaxed);
        let (level, libraries) = match (self.quiet, self.verbose) {
            (true, _) => (Level::WARN, Level::ERROR),
            (false, 0) => (Level::INFO, Level::ERROR),
            (false, 1) => (Level::DEBUG, Level::WARN),
            (false, _) => (Level::TRACE, Level::DEBUG),
        };
        let levels = tracing_subscriber::filter::Targets::new()
            .with_default(libraries)
            .with_target("host_test", level)
            .with_target("flowscore", level);
        let builder = tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(Level::TRACE);
        use tracing_subscriber::layer::SubscriberExt as _;
        use tracing_subscriber::util::SubscriberInitExt as _;
        // A second subscriber in one process would be a mistake of the program, and no reason to end it.
        let exported = Exported::default();
        let _ = match self.log_format {
            Form::Text => {
                builder.event_format(Line { is_long_running }).finish().with(levels).with(exported).try_init()
            }
            Form::Json => builder.json().finish().with(levels).with(exported).try_init(),
        };
    }
}

/// `2026-01-12T08:30:00.000000Z WARN flowscore: message`; without time and level where a person waits for the command.
struct Line {
    is_long_running: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if self.is_long_running {
            SystemTime.format_time(&mut writer)?;
            write!(writer, " {} ", event.metadata().level())?;
        }
        write!(writer, "flowscore: ")?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
