//! Schema discovery: what a stream holds, from a bounded sample of its records.
//!
//! The retired service's discovery read a random sample, failed under load, and gave types too narrow for the data that
//! came later. Here the sample is chosen by a rule (`Sampler`), so the same stream gives the same answer, in memory and
//! time that do not grow with it; types are generous (64-bit integers, ids and addresses as text). The three views it
//! reported, raw, processed and parsed, are kept.
//!
//! Records are read as a scorer without configuration reads them. What it cannot read is recognised by its look
//! (`flow_shape`, `csv_shape`), and a configuration is suggested only after a scorer has run the sample by it (`trial`).

mod analysis;
mod collect;
mod column;
mod columns;
mod configuration;
mod counters;
mod csv_shape;
mod flow_shape;
mod guess;
mod kept;
mod layout;
mod mapping;
mod report;
mod sample;
mod shape;
mod trial;

pub use collect::discover_schema;

/// What the records of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// VPC flow log lines, or their fields as JSON members or under a CSV header.
    VpcFlowLog,
    /// JSON objects.
    Json,
    /// Delimited text.
    Csv,
    /// Lines of no known structure.
    Text,
    /// There was nothing to look at.
    Unknown,
}

impl Format {
    /// The name in the report.
    const fn name(self) -> &'static str {
        match self {
            Format::VpcFlowLog => "vpc_flow_log",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Text => "text",
            Format::Unknown => "unknown",
        }
    }
}
