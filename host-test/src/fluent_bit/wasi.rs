//! WASI preview 1, as much of it as the module imports: the streams, and files in directories that were opened for it.
//!
//! The crate that has all of it needs wasmtime with its asynchronous half, which would be compiled for nothing else. An
//! import that is missing here fails the instantiation, so the module cannot come to need more unnoticed.
//!
//! Source: "WASI preview 1" (`wasi_snapshot_preview1.witx`): signatures, error numbers, layouts of `fdstat`, `filestat`
//! and `prestat`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use wasmtime::{Caller, Extern, Linker, Result};

const MODULE: &str = "wasi_snapshot_preview1";
/// The first descriptor after the standard streams.
const FIRST: u32 = 3;

/// Error numbers.
mod errno {
    pub(super) const SUCCESS: i32 = 0;
    pub(super) const ACCESS: i32 = 2;
    pub(super) const BADF: i32 = 8;
    pub(super) const EXIST: i32 = 20;
    pub(super) const FAULT: i32 = 21;
    pub(super) const INVAL: i32 = 28;
    pub(super) const IO: i32 = 29;
    pub(super) const NOENT: i32 = 44;
    pub(super) const NOTCAPABLE: i32 = 76;
}

/// File types.
const CHARACTER_DEVICE: u8 = 2;
const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;

/// A directory that is opened for the module.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The name that the module knows it by.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The state of one instance's WASI.
#[derive(Debug, Default)]
pub(super) struct Wasi {
    directories: Vec<Directory>,
    /// Open files; their descriptors follow those of the directories.
    files: Vec<Option<File>>,
    /// What was written to standard output and error.
    pub(super) errors: Vec<u8>,
}

/// What a descriptor is.
enum Descriptor<'a> {
    Stream,
    Directory,
    File(&'a mut File),
}

impl Wasi {
    pub(super) fn new(directories: &[Directory]) -> Self {
        Wasi { directories: directories.to_vec(), ..Wasi::default() }
    }

    fn descriptor(&mut self, number: u32) -> Option<Descriptor<'_>> {
        let Some(index) = number.checked_sub(FIRST) else { return Some(Descriptor::Stream) };
        let index = index as usize;
        if index < self.directories.len() {
            return Some(Descriptor::Directory);
        }
        let file = self.files.get_mut(index - self.directories.len())?;
        file.as_mut().map(Descriptor::File)
    }

    fn directory(&self, number: u32) -> Option<&Directory> {
        self.directories.get(number.checked_sub(FIRST)? as usize)
    }

    /// The place of a path in an opened directory, which it must not leave.
    fn place(&self, directory: u32, path: &[u8]) -> std::result::Result<PathBuf, i32> {
        let directory = self.directory(directory).ok_or(errno::BADF)?;
        let path = Path::new(std::str::from_utf8(path).map_err(|_| errno::INVAL)?);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if is_inside { Ok(directory.path.join(path)) } else { Err(errno::NOTCAPABLE) }
    }

    fn open(&mut self, directory: u32, path: &[u8], flags: u32, rights: u64) -> std::result::Result<u32, i32> {
        let place = self.place(directory, path)?;
        let has = |flag: u32| flags & flag != 0;
        // Rights 1 and 6: fd_read and fd_write; flags: create, (directory), exclusive, truncate.
        let mut options = OpenOptions::new();
        options.read(rights & 1 << 1 != 0).write(rights & 1 << 6 != 0);
        options.create(has(1)).create_new(has(1) && has(4)).truncate(has(8));
        let file = options.open(place).map_err(|error| number(&error))?;
        self.files.push(Some(file));
        Ok(FIRST + (self.directories.len() + self.files.len() - 1) as u32)
    }
}

fn number(error: &std::io::Error) -> i32 {
    match error.kind() {
        ErrorKind::NotFound => errno::NOENT,
        ErrorKind::PermissionDenied => errno::ACCESS,
        ErrorKind::AlreadyExists => errno::EXIST,
        ErrorKind::InvalidInput => errno::INVAL,
        _ => errno::IO,
    }
}

/// Links what the module imports; `wasi` finds its state in the store's.
pub(super) fn add_to_linker<T: 'static>(linker: &mut Linker<T>, wasi: fn(&mut T) -> &mut Wasi) -> Result<()> {
    let l = linker;
    l.func_wrap(MODULE, "environ_sizes_get", move |mut c: Caller<'_, T>, count: u32, size: u32| {
        code(write_words(&mut c, count, &[0]).and_then(|()| write_words(&mut c, size, &[0])))
    })?;
    l.func_wrap(MODULE, "environ_get", |_: Caller<'_, T>, _: u32, _: u32| errno::SUCCESS)?;
    l.func_wrap(MODULE, "proc_exit", |_: Caller<'_, T>, status: u32| -> Result<()> {
        Err(wasmtime::Error::msg(format!("the module has ended itself with status {status}")))
    })?;
    l.func_wrap(MODULE, "fd_prestat_get", move |mut c: Caller<'_, T>, fd: u32, at: u32| {
        let length = wasi(c.data_mut()).directory(fd).map(|directory| directory.name.len() as u32);
        code(length.ok_or(errno::BADF).and_then(|length| write_words(&mut c, at, &[0, length])))
    })?;
    l.func_wrap(MODULE, "fd_prestat_dir_name", move |mut c: Caller<'_, T>, fd: u32, at: u32, length: u32| {
        let name = wasi(c.data_mut()).directory(fd).map(|directory| directory.name.clone().into_bytes());
        code(name.ok_or(errno::BADF).and_then(|name| {
            let name = name.get(..length as usize).ok_or(errno::INVAL)?;
            write(&mut c, at, name)
        }))
    })?;
    l.func_wrap(MODULE, "fd_fdstat_get", move |mut c: Caller<'_, T>, fd: u32, at: u32| {
        let kind = match wasi(c.data_mut()).descriptor(fd) {
            None => return errno::BADF,
            Some(Descriptor::Stream) => CHARACTER_DEVICE,
            Some(Descriptor::Directory) => DIRECTORY,
            Some(Descriptor::File(_)) => REGULAR_FILE,
        };
        let mut stat = [0xff; 24];
        stat[..8].copy_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
        code(write(&mut c, at, &stat))
    })?;
    l.func_wrap(MODULE, "fd_filestat_get", move |mut c: Caller<'_, T>, fd: u32, at: u32| {
        let size = match wasi(c.data_mut()).descriptor(fd) {
            Some(Descriptor::File(file)) => file.metadata().map_or(0, |metadata| metadata.len()),
            Some(_) => 0,
            None => return errno::BADF,
        };
        let mut stat = [0; 64];
        stat[16] = REGULAR_FILE;
        stat[32..40].copy_from_slice(&size.to_le_bytes());
        code(write(&mut c, at, &stat))
    })?;
    l.func_wrap(MODULE, "fd_close", move |mut c: Caller<'_, T>, fd: u32| {
        let wasi = wasi(c.data_mut());
        let index = fd.checked_sub(FIRST).and_then(|index| (index as usize).checked_sub(wasi.directories.len()));
        match index.and_then(|index| wasi.files.get_mut(index)).and_then(Option::take) {
            Some(_) => errno::SUCCESS,
            None => errno::BADF,
        }
    })?;
    l.func_wrap(MODULE, "fd_sync", move |mut c: Caller<'_, T>, fd: u32| match wasi(c.data_mut()).descriptor(fd) {
        Some(Descriptor::File(file)) => file.sync_data().map_or_else(|error| number(&error), |()| errno::SUCCESS),
        _ => errno::BADF,
    })?;
    l.func_wrap(MODULE, "fd_datasync", |_: Caller<'_, T>, _: u32| errno::SUCCESS)?;
    l.func_wrap(MODULE, "fd_read", move |mut c: Caller<'_, T>, fd: u32, vectors: u32, count: u32, at: u32| {
        code(vectors_of(&mut c, vectors, count).and_then(|vectors| {
            let mut total = 0;
            for (address, length) in vectors {
                let mut bytes = Vec::new();
                let Some(Descriptor::File(file)) = wasi(c.data_mut()).descriptor(fd) else { return Err(errno::BADF) };
                file.take(length.into()).read_to_end(&mut bytes).map_err(|error| number(&error))?;
                write(&mut c, address, &bytes)?;
                total += bytes.len() as u32;
            }
            write_words(&mut c, at, &[total])
        }))
    })?;
    l.func_wrap(MODULE, "fd_write", move |mut c: Caller<'_, T>, fd: u32, vectors: u32, count: u32, at: u32| {
        code(vectors_of(&mut c, vectors, count).and_then(|vectors| {
            let mut total = 0;
            for (address, length) in vectors {
                let bytes = read(&mut c, address, length)?;
                let wasi = wasi(c.data_mut());
                match wasi.descriptor(fd) {
                    Some(Descriptor::File(file)) => file.write_all(&bytes).map_err(|error| number(&error))?,
                    Some(Descriptor::Stream) => wasi.errors.extend_from_slice(&bytes),
                    _ => return Err(errno::BADF),
                }
                total += length;
            }
            write_words(&mut c, at, &[total])
        }))
    })?;
    l.func_wrap(
        MODULE,
        "path_open",
        #[allow(clippy::too_many_arguments, reason = "as the specification has it")]
        move |mut c: Caller<'_, T>,
              directory: u32,
              _: u32,
              path: u32,
              length: u32,
              flags: u32,
              rights: u64,
              _: u64,
              _: u32,
              at: u32| {
            code(read(&mut c, path, length).and_then(|path| {
                let file = wasi(c.data_mut()).open(directory, &path, flags, rights)?;
                write_words(&mut c, at, &[file])
            }))
        },
    )?;
    l.func_wrap(
        MODULE,
        "path_rename",
        move |mut c: Caller<'_, T>, from: u32, old: u32, old_length: u32, to: u32, new: u32, new_length: u32| {
            let paths = read(&mut c, old, old_length).and_then(|old| Ok((old, read(&mut c, new, new_length)?)));
            code(paths.and_then(|(old, new)| {
                let wasi = wasi(c.data_mut());
                let (old, new) = (wasi.place(from, &old)?, wasi.place(to, &new)?);
                fs::rename(old, new).map_err(|error| number(&error))
            }))
        },
    )?;
    Ok(())
}

fn code(result: std::result::Result<(), i32>) -> i32 {
    result.err().unwrap_or(errno::SUCCESS)
}

fn memory<'a, T: 'static>(caller: &'a mut Caller<'_, T>) -> std::result::Result<&'a mut [u8], i32> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory.data_mut(caller)),
        _ => Err(errno::FAULT),
    }
}

fn read<T: 'static>(caller: &mut Caller<'_, T>, address: u32, length: u32) -> std::result::Result<Vec<u8>, i32> {
    let start = address as usize;
    memory(caller)?.get(start..start + length as usize).map(<[u8]>::to_vec).ok_or(errno::FAULT)
}

fn write<T: 'static>(caller: &mut Caller<'_, T>, address: u32, bytes: &[u8]) -> std::result::Result<(), i32> {
    let start = address as usize;
    memory(caller)?.get_mut(start..start + bytes.len()).ok_or(errno::FAULT)?.copy_from_slice(bytes);
    Ok(())
}

fn write_words<T: 'static>(caller: &mut Caller<'_, T>, at: u32, words: &[u32]) -> std::result::Result<(), i32> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    write(caller, at, &bytes)
}

/// Addresses and lengths of a list of buffers.
fn vectors_of<T: 'static>(
    caller: &mut Caller<'_, T>,
    address: u32,
    count: u32,
) -> std::result::Result<Vec<(u32, u32)>, i32> {
    let bytes = read(caller, address, count.saturating_mul(8))?;
    let word =
        |bytes: &[u8], at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok().map(u32::from_le_bytes));
    bytes
        .chunks_exact(8)
        .map(|pair| Some((word(pair, 0)?, word(pair, 4)?)))
        .map(|pair| pair.ok_or(errno::FAULT))
        .collect()
}
