//! The component in other hosts than ours: the examples in Python and JavaScript, as their first lines say to start them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flowscore_artifacts::COMPONENT;

use crate::serve::server::{get, post};
use crate::services::{self, empty_directory, flowscore, is_installed};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hosts").join(name).canonicalize().unwrap()
}

/// A program with these bytes as its standard input.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    output
}

/// A host tells of the sample, byte by byte, what our own tells, and what is wrong with a configuration.
fn tells_the_same(host: impl Fn(&str) -> Command) {
    let lines = std::fs::read(example("../payloads.txt")).unwrap();
    let expected = fed(&mut flowscore(&["run", "--stats", "json"]), &lines);
    let output = fed(&mut host(""), &lines);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(output.stdout == expected.stdout, "other events than ours");
    assert!(output.stdout.windows(16).any(|part| part == b"\"type\":\"anomaly\""));
    let stats: serde_json::Value = serde_json::from_slice(&expected.stderr).unwrap();
    assert_eq!(
        said.trim(),
        format!("{} records in {} payloads, {} anomalies", stats["records"], stats["payloads"], stats["anomalies"])
    );
    let wrong = fed(&mut host(r#"{"mode":"words"}"#), b"");
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && said.contains("one of \"window\", \"record\""), "{said}");
}

#[test]
fn a_program_in_python_tells_what_ours_does() {
    if !is_installed("wasmtime for Python", &services::directory().join("wasmtime")) {
        return;
    }
    let component = empty_directory("host-component").join("flowscore.wasm");
    std::fs::write(&component, COMPONENT).unwrap();
    tells_the_same(|config| {
        let mut command = Command::new(services::directory().join("moto/bin/python"));
        command.arg(example("host.py")).arg(&component).arg(config);
        command
    });
}

#[test]
fn a_program_in_javascript_tells_what_ours_does() {
    let jco = services::directory().join("node_modules/@bytecodealliance/jco/dist/jco.js");
    if !is_installed("jco", &jco) {
        return;
    }
    let directory = empty_directory("host-jco");
    let component = directory.join("flowscore.wasm");
    std::fs::write(&component, COMPONENT).unwrap();
    let module = directory.join("flowscore");
    let made = Command::new("node").arg(&jco).arg("transpile").arg(&component).arg("--out-dir").arg(&module).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8(made.stderr).unwrap());
    tells_the_same(|config| {
        let mut command = Command::new("node");
        command.arg(example("host.mjs")).arg(module.join("flowscore.js")).arg(config);
        command
    });
}

/// Composed with a component that speaks HTTP, and served by another one's server.
#[tokio::test(flavor = "multi_thread")]
async fn an_http_service_of_two_components_tells_what_ours_does() {
    let Some(wac) = services::wac() else { return };
    let jco = services::directory().join("node_modules/@bytecodealliance/jco/dist/jco.js");
    if !is_installed("jco", &jco) {
        return;
    }
    let directory = empty_directory("host-proxy");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/proxy");
    let manifest = example("../proxy/Cargo.toml");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "--release", "--target", "wasm32-wasip2", "--manifest-path"]).arg(manifest);
    let built = build.arg("--target-dir").arg(&target).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8(built.stderr).unwrap());
    let (component, composed) = (directory.join("flowscore.wasm"), directory.join("composed.wasm"));
    std::fs::write(&component, COMPONENT).unwrap();
    let mut plug = Command::new(wac);
    plug.arg("plug").arg(target.join("wasm32-wasip2/release/flowscore_proxy.wasm")).arg("--plug").arg(&component);
    let plugged = plug.arg("--output").arg(&composed).output().unwrap();
    assert!(plugged.status.success(), "{}", String::from_utf8(plugged.stderr).unwrap());

    let Some(service) = services::jco_serve(&jco, &composed) else { return };
    let lines = std::fs::read(example("../payloads.txt")).unwrap();
    let expected = fed(&mut flowscore(&["run", "--stats", "none"]), &lines);
    let answer = post(&service.url, &[], lines).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.as_bytes() == expected.stdout, "other events than ours");
    assert_eq!(get(&service.url).await.status, 405);
}
