//! The component as an OCI artifact: pushed to a registry and pulled from it by `wkg`, as docs/release.md shows.

use std::path::Path;
use std::process::{Command, Output};

use flowscore_artifacts::{COMPONENT, COMPONENT_DIGEST, FLUENT_BIT};

use crate::services;

/// `wkg oci …` for a registry without TLS.
fn wkg(host: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(services::wkg());
    command.arg("oci").args(arguments).env("WKG_OCI_INSECURE", host).env_remove("RUST_BACKTRACE");
    // Nobody's credentials are wanted here.
    command.env("DOCKER_CONFIG", env!("CARGO_TARGET_TMPDIR")).output().unwrap()
}

/// What must succeed: its standard output and error.
fn succeeded(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn the_artifacts_come_back_from_a_registry_by_digest_as_they_were_pushed() {
    let directory = services::empty_directory("oci");
    let Some(registry) = services::registry(&directory) else { return };
    let host = registry.url.strip_prefix("http://").unwrap();
    for (name, bytes) in [("flowscore", COMPONENT), ("flowscore-fluentbit", FLUENT_BIT)] {
        let file = directory.join(format!("{name}.wasm"));
        std::fs::write(&file, bytes).unwrap();
        let repository = format!("{host}/flowscore/{name}");
        let tag = format!("{repository}:{}", env!("CARGO_PKG_VERSION"));
        let pushed = succeeded(&wkg(host, &["push", &tag, path(&file)]));
        let digest = pushed.lines().find_map(|line| line.strip_prefix("digest: ")).unwrap().to_owned();
        assert!(digest.starts_with("sha256:"), "{pushed}");

        for reference in [tag, format!("{repository}@{digest}")] {
            let back = directory.join("back.wasm");
            succeeded(&wkg(host, &["pull", "--output", path(&back), &reference]));
            assert!(std::fs::read(&back).unwrap() == bytes, "{reference} has other bytes");
        }

        // Another digest is another artifact, which is not there.
        let other = format!("{repository}@sha256:{}", "0".repeat(64));
        let refused = wkg(host, &["pull", "--output", path(&directory.join("other.wasm")), &other]);
        assert!(!refused.status.success() && !directory.join("other.wasm").exists());
    }

    // The manifest names the component by the digest that SHA256SUMS and `flowscore --version` tell.
    let manifests = walk(&directory.join("data")).into_iter().filter(|bytes| bytes.starts_with(b"{"));
    let manifests: Vec<serde_json::Value> = manifests.filter_map(|bytes| serde_json::from_slice(&bytes).ok()).collect();
    let component = format!("sha256:{COMPONENT_DIGEST}");
    let layer = manifests.iter().map(|manifest| &manifest["layers"][0]).find(|layer| layer["digest"] == *component);
    let layer = layer.unwrap_or_else(|| panic!("no manifest with {component}: {manifests:?}"));
    assert_eq!(layer["mediaType"], "application/wasm");
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The contents of all small files below a directory.
fn walk(directory: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.append(&mut walk(&entry.path()));
        } else if entry.metadata().unwrap().len() < 10_000 {
            found.push(std::fs::read(entry.path()).unwrap());
        }
    }
    found
}
