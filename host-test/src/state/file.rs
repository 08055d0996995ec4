//! What the store does not do for a state in a file.

use std::io;
use std::path::Path;

/// Takes a file that was just made from all but its owner.
pub(super) fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Removes what writers of a file have left behind that were killed: object_store writes `file#1`, `file#2`, … and gives the
/// whole one the name. The caller is the file's only writer.
pub(super) fn remove_unfinished(file: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    for entry in parent.read_dir()? {
        let entry = entry?;
        let is_unfinished = entry
            .file_name()
            .to_str()
            .and_then(|found| found.strip_prefix(name)?.strip_prefix('#'))
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        if is_unfinished {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
