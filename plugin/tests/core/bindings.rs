//! The code between `wit/` and the component's shell, which is generated.
//!
//! After a change in `wit/`: `UPDATE_BINDINGS=1 cargo test -p flowscore --test core bindings`.

use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_bindgen_rust::Opts;

#[test]
fn the_bindings_say_what_the_wit_package_says() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(here.join("../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    let mut files = Files::default();
    let options = Opts { format: true, ..Opts::default() };
    options.build().generate(&mut resolve, world, &mut files).unwrap();
    let (_, generated) = files.iter().next().expect("one file of bindings");

    let path = here.join("src/component/bindings.rs");
    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    assert!(
        std::fs::read(&path).is_ok_and(|kept| kept == generated),
        "src/component/bindings.rs is not what wit/ says: UPDATE_BINDINGS=1 cargo test -p flowscore --test core bindings"
    );
}
