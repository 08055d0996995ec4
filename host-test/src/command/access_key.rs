//! The access key of `serve`, as it stands in a file.

use std::path::Path;

use host_test::usage::Usage;

/// The text of the file.
pub(crate) fn read(path: &Path) -> Result<String, Usage> {
    std::fs::read_to_string(path)
        .map_err(|error| Usage(format!("cannot read the access key {}: {error}", path.display())))
}

/// The key that is shown to a process that asks for one.
pub(crate) fn shown(path: Option<&Path>) -> Result<Option<String>, Usage> {
    path.map(|path| read(path).map(|key| key.trim().to_owned())).transpose()
}
