//! Builds the plugin for WebAssembly, so that plain `cargo run` and `cargo test` need no other command.
//!
//! The crate `flowscore` (folder `plugin`) is compiled twice, and the results are left for others in the target directory:
//!
//! - for `wasm32-unknown-unknown`, which has no imports to offer, so none can creep in, and wrapped as a component:
//!   `target/flowscore.wasm`, also built into the harness;
//! - for `wasm32-wasip1`, as a core module for Fluent Bit: `target/flowscore-fluentbit.wasm`. Its runtime has neither SIMD nor
//!   tail calls.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use wasm_encoder::{Component, CustomSection, ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};
use wit_component::ComponentEncoder;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TARGET: &str = "wasm32-unknown-unknown";
const FLUENT_BIT_TARGET: &str = "wasm32-wasip1";

fn main() {
    if let Err(error) = build() {
        println!("cargo::error={error}");
        std::process::exit(1);
    }
}

fn build() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let workspace = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    for path in ["plugin/src", "plugin/Cargo.toml", "wit", "Cargo.toml", "Cargo.lock"] {
        // Relative to this package, so that a target directory that was copied along with the sources stays right.
        println!("cargo::rerun-if-changed=../../{path}");
    }
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is not inside a target directory")?.to_path_buf();

    add_target(TARGET)?;
    add_target(FLUENT_BIT_TARGET)?;
    // Each takes one core for most of its time, and neither waits for the other: each has a target directory of its own.
    let (module, fluent_bit) = std::thread::scope(|scope| {
        let compile = |triple, feature, flags| {
            let module = compile(&workspace, &target, triple, feature, flags).map_err(|error| error.to_string())?;
            fs::read(&module).map_err(|error| format!("cannot read {}: {error}", module.display()))
        };
        let fluent_bit = scope.spawn(move || compile(FLUENT_BIT_TARGET, "fluent-bit", FLUENT_BIT_FLAGS));
        let module = compile(TARGET, "component", FLAGS);
        (module, fluent_bit.join().unwrap_or_else(|_| Err("the thread that compiles for Fluent Bit ended".into())))
    });
    let component = encode(&module?)?;
    println!("cargo::rustc-env=FLOWSCORE_COMPONENT_DIGEST={:x}", Sha256::digest(&component));
    for (name, artifact) in [("flowscore.wasm", component), ("flowscore-fluentbit.wasm", finish(&fluent_bit?)?)] {
        fs::write(out.join(name), &artifact)?;
        fs::write(target.join(name), &artifact)?;
    }
    Ok(())
}

/// Adds a Rust target that is not installed, which rustup may be told not to do by itself.
fn add_target(target: &str) -> Result<()> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output()?.stdout;
    let installed = Path::new(String::from_utf8(sysroot)?.trim()).join("lib/rustlib").join(target).join("lib").exists();
    if installed {
        return Ok(());
    }
    println!("cargo::warning=the Rust target {target} is not installed: adding it with `rustup target add {target}`");
    let added = Command::new("rustup").args(["target", "add", target]).status();
    if added.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!(
        "the Rust target {target} is missing and could not be added. Run `rustup target add {target}`, or install the \
         standard library of that target with whatever installed this Rust"
    )
    .into())
}

/// References between functions take as many bytes as they need and are not padded to five for a later linker.
const COMPRESS: &str = "-Clink-arg=--compress-relocations";

/// Compiler flags of the component. A function is copied into its callers up to a smaller size than LLVM's usual one (225): some tens of
/// KB less, and as fast (docs/decisions.md).
const FLAGS: &[&str] = &["-Ctarget-feature=+simd128", "-Cllvm-args=-inline-threshold=125", COMPRESS];

/// Compiler flags of the module for Fluent Bit, which interprets it: a call costs as much as some twenty instructions there,
/// so nearly all that a record needs becomes one function.
const FLUENT_BIT_FLAGS: &[&str] =
    &["-Cllvm-args=-inline-threshold=1000", "-Cllvm-args=-inlinehint-threshold=6000", COMPRESS];

/// Compiles the plugin and returns the path of the core module.
fn compile(workspace: &Path, target: &Path, triple: &str, feature: &str, flags: &[&str]) -> Result<PathBuf> {
    let directory = target.join("plugin");
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut flags = flags.join("\x1f");
    if let Some(home) = cargo_home() {
        // Messages name files of dependencies, which should not tell whose machine this is.
        flags += &format!("\x1f--remap-path-prefix={}/registry/src/=", home.display());
    }
    let output = Command::new(cargo)
        .current_dir(workspace)
        .args(["build", "--package", "flowscore", "--lib", "--profile", "plugin", "--target", triple])
        .args(["--features", feature, "--target-dir"])
        .arg(directory.join(feature))
        // Flags and wrappers of the build around this one are meant for the machine it runs on.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .output()?;
    if !output.status.success() {
        return Err(
            format!("building the plugin for {triple} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into()
        );
    }
    Ok(directory.join(feature).join(triple).join("plugin/flowscore.wasm"))
}

/// Where cargo keeps the sources of dependencies.
fn cargo_home() -> Option<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

/// What the artifacts are, in the custom sections that the WebAssembly tool conventions name for this.
const DESCRIPTIONS: [(&str, &str); 4] = [
    ("version", env!("CARGO_PKG_VERSION")),
    ("licenses", env!("CARGO_PKG_LICENSE")),
    ("source", env!("CARGO_PKG_REPOSITORY")),
    ("description", "Decodes VPC Flow Logs and scores them for sudden spikes and drops"),
];

/// Wraps a core module as a component (the interface is in a section that `wit-bindgen` left in the module) and writes
/// into it what it is.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default().validate(true).debug_names(false).module(module)?.encode()?;
    let mut finished = Component::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(&component) {
        let payload = payload?;
        // Names of instances and types inside, which serve debuggers only, take 4 KB.
        let is_names = matches!(&payload, Payload::CustomSection(section) if section.name() == "component-name");
        if depth == 0
            && !is_names
            && let Some((id, range)) = payload.as_section()
        {
            let data = component.get(range).ok_or("a section lies outside the component")?;
            finished.section(&RawSection { id, data });
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    for (name, value) in DESCRIPTIONS {
        finished.section(&CustomSection { name: name.into(), data: value.as_bytes().into() });
    }
    Ok(finished.finish())
}

/// Gives the functions that lend the host memory the names under which Fluent Bit's runtime looks for them. In the source
/// they cannot have them: there they are those of the C library's own allocator.
fn finish(module: &[u8]) -> Result<Vec<u8>> {
    let mut finished = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(exports) = payload {
            let mut renamed = ExportSection::new();
            for export in exports {
                let export = export?;
                let kind = match export.kind {
                    ExternalKind::Func => ExportKind::Func,
                    ExternalKind::Memory => ExportKind::Memory,
                    // An exported heap base, for example, would make the runtime ignore `malloc`.
                    _ => continue,
                };
                let name = export.name.strip_prefix("flowscore_").filter(|name| matches!(*name, "malloc" | "free"));
                renamed.export(name.unwrap_or(export.name), kind, export.index);
            }
            finished.section(&renamed);
        } else if let Some((id, range)) = payload.as_section() {
            let data = module.get(range).ok_or("a section lies outside the module")?;
            finished.section(&RawSection { id, data });
        }
    }
    for (name, value) in DESCRIPTIONS {
        finished.section(&CustomSection { name: name.into(), data: value.as_bytes().into() });
    }
    Ok(finished.finish())
}
