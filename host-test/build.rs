//! Tells the harness which commit it is built from.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=FLOWSCORE_COMMIT");
    // HEAD names a branch or a commit; the branch's own file changes with each commit.
    for path in ["../.git/HEAD", "../.git/logs/HEAD"] {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let given = std::env::var("FLOWSCORE_COMMIT").ok();
    let commit = given.or_else(head).unwrap_or_else(|| "unknown commit".into());
    println!("cargo::rustc-env=FLOWSCORE_COMMIT={commit}");
}

/// The commit that is checked out, of which the sources may differ. None outside a repository, as in a published crate.
fn head() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|commit| output.status.success() && !commit.is_empty())
}
