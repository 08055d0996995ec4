//! The directories that the host has opened for the module (WASI preview 1: `fd_prestat_get`, `fd_prestat_dir_name`).
//!
//! The standard library opens files in them by path, but does not say which there are.

use std::path::PathBuf;

/// The first descriptor that may be a directory: 0 to 2 are the standard streams.
const FIRST: u32 = 3;
/// The longest name that is read.
const LONGEST: u32 = 1 << 16;

/// What `fd_prestat_get` fills in: the kind (0 is a directory), and the length of its name.
#[repr(C)]
#[derive(Default)]
struct Prestat {
    kind: u8,
    name_length: u32,
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_prestat_get(descriptor: u32, prestat: *mut Prestat) -> u16;
    fn fd_prestat_dir_name(descriptor: u32, name: *mut u8, length: u32) -> u16;
}

/// The directories in the host's order, under the names it gives them.
pub(super) fn directories() -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for descriptor in FIRST.. {
        let mut prestat = Prestat::default();
        // SAFETY: the host writes one `Prestat`, whose layout is that of the specification.
        if unsafe { fd_prestat_get(descriptor, &raw mut prestat) } != 0 {
            break;
        }
        if prestat.kind != 0 || prestat.name_length > LONGEST {
            continue;
        }
        let mut name = vec![0; prestat.name_length as usize];
        // SAFETY: the host writes at most as many bytes as it is told there is room for.
        if unsafe { fd_prestat_dir_name(descriptor, name.as_mut_ptr(), prestat.name_length) } != 0 {
            continue;
        }
        // Some hosts count the zero at the end of a C string.
        while name.last() == Some(&0) {
            name.pop();
        }
        if let Ok(name) = String::from_utf8(name) {
            directories.push(PathBuf::from(name));
        }
    }
    directories
}
