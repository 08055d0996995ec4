//! What a `.wasm` artifact says of itself.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use wasmparser::{Encoding, Parser, Payload};

use crate::plugin::{Limits, Plugin};

/// Custom sections with plain text that say what an artifact is (WebAssembly tool conventions).
const DESCRIPTIONS: [&str; 5] = ["version", "licenses", "source", "description", "authors"];

/// What an artifact says of itself.
#[derive(Debug, Default)]
pub struct Artifact {
    /// Whether it is a component; else it is a core module.
    pub component: bool,
    /// Size in bytes.
    pub size: usize,
    /// What it needs from its host.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
    /// Its descriptions, by name.
    pub descriptions: Vec<(String, String)>,
    /// The formats that the plugin names, if the artifact is one that the harness can load.
    pub formats: Vec<String>,
    /// How long loading took. The first time that includes its compilation, whose result is kept for the next.
    pub loading: Option<Duration>,
}

impl Artifact {
    /// Reads the outermost level of a component or core module.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut artifact = Artifact { size: bytes.len(), ..Artifact::default() };
        let mut depth = 0u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding, .. } if depth == 0 => artifact.component = encoding == Encoding::Component,
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        artifact.imports.push(format!("{}/{}", import.module, import.name));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        artifact.exports.push(format!("{} ({:?})", export.name, export.kind).to_lowercase());
                    }
                }
                Payload::ComponentImportSection(imports) => {
                    for import in imports {
                        artifact.imports.push(import?.name.name.to_string());
                    }
                }
                Payload::ComponentExportSection(exports) => {
                    for export in exports {
                        artifact.exports.push(export?.name.name.to_string());
                    }
                }
                Payload::CustomSection(section) if DESCRIPTIONS.contains(&section.name()) => {
                    let text = String::from_utf8_lossy(section.data()).into_owned();
                    artifact.descriptions.push((section.name().to_owned(), text));
                }
                _ => {}
            }
        }
        let started = Instant::now();
        if let Some(plugin) = artifact.component.then(|| Plugin::from_bytes(bytes, Limits::default()).ok()).flatten() {
            artifact.loading = Some(started.elapsed());
            artifact.formats = plugin.describe()?.formats;
        }
        Ok(artifact)
    }

    /// All of it as one JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        let descriptions = self.descriptions.iter().map(|(name, text)| (name.clone(), text.clone().into()));
        let mut object: serde_json::Map<_, _> = descriptions.collect();
        object.insert("kind".into(), self.kind().into());
        object.insert("size".into(), self.size.into());
        object.insert("imports".into(), self.imports.clone().into());
        object.insert("exports".into(), self.exports.clone().into());
        object.insert("formats".into(), self.formats.clone().into());
        object.into()
    }

    fn kind(&self) -> &'static str {
        if self.component { "component" } else { "core module" }
    }

    /// All of it as text.
    pub fn print(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "{}, {:.1} KB", self.kind(), self.size as f64 / 1000.0)?;
        for (name, text) in &self.descriptions {
            writeln!(out, "  {name}: {text}")?;
        }
        for (title, names, none) in [
            ("imports", &self.imports, "nothing: it cannot reach files, network, clock, randomness or environment"),
            ("exports", &self.exports, "nothing"),
            ("formats", &self.formats, "not told"),
        ] {
            writeln!(out, "{title}:")?;
            if names.is_empty() {
                writeln!(out, "  {none}")?;
            }
            for name in names {
                writeln!(out, "  {name}")?;
            }
        }
        Ok(())
    }
}
