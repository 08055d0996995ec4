//! The demo goes without the network, and shares what it compiles with the tests, which do not.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The features of each dependency, as cargo tells them: one set for each time that it is compiled.
fn features(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--offline", "--prefix", "none", "--format", "{p}|{f}"]).args(arguments);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut features: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()) {
        let (package, set) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        // A package with a path is one of ours, which are small.
        if !package.contains('/') {
            features.entry(package.to_owned()).or_default().insert(set.trim_end_matches(" (*)").to_owned());
        }
    }
    features
}

#[test]
fn the_demo_and_the_tests_compile_each_dependency_once() {
    // What a build script needs is compiled apart from what the program needs.
    for (of_demo, of_tests) in [("normal", "normal,dev"), ("normal,build", "normal,build,dev")] {
        let demo = features(&["--package", "host-test", "--no-default-features", "--edges", of_demo]);
        let tests = features(&["--workspace", "--edges", of_tests]);
        for (package, sets) in demo {
            let Some(shared) = tests.get(&package) else { panic!("the tests do not need {package}, the demo does") };
            for set in sets {
                assert!(
                    shared.contains(&set),
                    "{package} is compiled twice: for the demo with the features {set:?}, for the tests with {shared:?}. Name \
                     the missing features in the Cargo.toml of the harness or its artifacts, where those of other packages \
                     stand"
                );
            }
        }
    }
}
