//! What the detector is worth, measured natively: labelled series, real traffic with injected changes, and simulations.
//!
//! ```text
//! cargo run --profile plugin -p flowscore --example evaluate -- [--data DIR] [traffic] [links] [wsd] [kpi] [nab] [simulated] [steps] [--each]
//! ```
//!
//! `DIR` (default `../shared` beside the workspace) holds one folder for each set; a set that is not there is skipped
//! with a message. Each set is reported whole and split into the series of even and of odd rank, so that one half can be
//! kept back while constants are chosen with the other. Figures of one configuration: the default one.

mod data;
mod labelled;
mod nab;
mod random;
mod simulated;
mod traffic;

use std::error::Error;
use std::path::{Path, PathBuf};

/// A result whose error is told to the user.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SETS: [&str; 7] = ["traffic", "links", "wsd", "kpi", "nab", "simulated", "steps"];

fn main() -> Result<()> {
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let mut wanted = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--each" => {} // one line for each series besides
            "--data" => folder = PathBuf::from(arguments.next().ok_or("--data needs a folder")?),
            name if SETS.contains(&name) => wanted.push(argument),
            _ => return Err(format!("unknown argument {argument}; sets are {}", SETS.join(", ")).into()),
        }
    }
    for set in SETS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == set) {
            continue;
        }
        let report = match set {
            "traffic" => traffic::report(&folder)?,
            "links" => traffic::report_links(&folder)?,
            "nab" => nab::report(&folder)?,
            "steps" => Some(simulated::steps()),
            "simulated" => Some(simulated::report()),
            labelled => labelled::report(&folder, labelled)?,
        };
        print(&report.unwrap_or_else(|| format!("{set}: skipped, no data in {}", folder.display())));
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the report is what this program is for")]
fn print(report: &str) {
    println!("{report}");
}
