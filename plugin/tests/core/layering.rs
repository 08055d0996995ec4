//! Which module may import which: the list in the documentation of the crate, read from there and held against the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file, without comments and without unit tests, which may look up and down.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The modules of the crate that a file's paths begin with. `depth` is the number of modules that the file is inside of.
fn imported(code: &str, depth: usize) -> Vec<&str> {
    let name_at = |at: usize| {
        let rest = &code[at..];
        &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())]
    };
    let mut found: Vec<_> = code.match_indices("crate::").map(|(at, path)| name_at(at + path.len())).collect();
    let to_the_root = "super::".repeat(depth);
    found.extend(code.match_indices(&to_the_root).map(|(at, path)| name_at(at + path.len())));
    found
}

/// The layers from the bottom up. Modules of one layer know nothing of each other.
fn layers() -> Vec<Vec<String>> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let list = lines.filter(|line| line.contains('→')).collect::<Vec<_>>().join(" ");
    let layer =
        |layer: &str| layer.split(',').map(|module| module.trim().to_owned()).filter(|m| !m.is_empty()).collect();
    list.split('→').map(layer).filter(|layer: &Vec<_>| !layer.is_empty()).collect()
}

#[test]
fn each_module_imports_only_from_the_layers_below_it() {
    let layers = layers();
    let place = |module: &str| layers.iter().position(|layer| layer.iter().any(|known| known == module));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).unwrap().with_extension("");
        let parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        let module = parts[0];
        if module == "lib" || parts.last().is_some_and(|part| ["tests", "bindings"].contains(part)) {
            continue;
        }
        let layer = place(module).unwrap_or_else(|| panic!("src/lib.rs does not name the layer of `{module}`"));
        let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
        for other in imported(&code(&path), depth) {
            if other != module && place(other).is_some_and(|other| other >= layer) {
                wrong.push(format!("{} imports `{other}`", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these imports do not go down the list of src/lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn the_harness_library_never_imports_its_command_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-test/src");
    let of_library = |path: &PathBuf| {
        let inside = path.strip_prefix(&root).unwrap();
        inside != Path::new("main.rs") && !inside.starts_with("command")
    };
    for path in sources(&root).into_iter().filter(of_library) {
        for name in ["command::", "mod command", "clap::"] {
            assert!(!code(&path).contains(name), "{} names `{name}`", path.display());
        }
    }
}
