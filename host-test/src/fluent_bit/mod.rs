//! The core module for Fluent Bit, called as Fluent Bit calls it.
//!
//! Fluent Bit copies the tag and the record, each with a zero at its end, into memory that it gets from the module's
//! `malloc`; calls the filter function with both, their lengths and the record's time; copies the text at the address that
//! comes back; and gives the memory back with `free`. When there is no memory for a record it calls all the same, with the
//! address 0. A trap costs the record, and the instance goes on.

mod wasi;

use std::fmt;
use std::path::Path;

use wasmtime::{Config, Engine, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc};

use crate::plugin::cache;

pub use wasi::Directory;

/// The module that the build script made.
pub const BUILT_IN: &[u8] = flowscore_artifacts::FLUENT_BIT;

/// The filter function's name.
pub const FUNCTION: &str = "flowscore_filter";

/// The module could not be loaded, or a call trapped.
#[derive(Debug)]
pub struct ModuleError(String);

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ModuleError {}

impl From<wasmtime::Error> for ModuleError {
    fn from(error: wasmtime::Error) -> Self {
        ModuleError(format!("{error:#}"))
    }
}

type Result<T> = std::result::Result<T, ModuleError>;

/// The module, compiled.
#[derive(Clone, Debug)]
pub struct FluentBit {
    engine: Engine,
    module: Module,
}

/// What an instance has from its host.
struct Host {
    wasi: wasi::Wasi,
    limits: StoreLimits,
}

impl FluentBit {
    /// Compiles the built-in module.
    pub fn built_in() -> Result<Self> {
        FluentBit::from_bytes(BUILT_IN)
    }

    /// Compiles another build of the module. What Fluent Bit's runtime lacks is switched off here, too.
    pub fn from_bytes(module: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_relaxed_simd(false).wasm_simd(false).wasm_tail_call(false).consume_fuel(true).cache(cache());
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, module)?;
        Ok(FluentBit { engine, module })
    }

    /// An instance that may use these directories (Fluent Bit's `accessible_paths`) and so much memory.
    pub fn instance(&self, directories: &[Directory], memory: usize) -> Result<Instance> {
        let limits = StoreLimitsBuilder::new().memory_size(memory).build();
        let mut store = Store::new(&self.engine, Host { wasi: wasi::Wasi::new(directories), limits });
        store.limiter(|host| &mut host.limits);
        store.set_fuel(u64::MAX)?;
        let mut linker = Linker::new(&self.engine);
        wasi::add_to_linker(&mut linker, |host: &mut Host| &mut host.wasi)?;
        let instance = linker.instantiate(&mut store, &self.module)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or_else(|| ModuleError("no memory".into()))?;
        let initialize: TypedFunc<(), ()> = instance.get_typed_func(&mut store, "_initialize")?;
        initialize.call(&mut store, ())?;
        Ok(Instance {
            malloc: instance.get_typed_func(&mut store, "malloc")?,
            free: instance.get_typed_func(&mut store, "free")?,
            filter: instance.get_typed_func(&mut store, FUNCTION)?,
            memory,
            store,
        })
    }
}

type Filter = TypedFunc<(u32, u32, u32, u32, u32, u32), u32>;

/// An instance, as each filter section of a Fluent Bit configuration has one.
pub struct Instance {
    store: Store<Host>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    filter: Filter,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

impl Instance {
    /// Filters one record with a time in epoch seconds; `None` if it does not go on.
    pub fn filter(&mut self, tag: &str, seconds: u32, record: &[u8]) -> Result<Option<Vec<u8>>> {
        let tag_address = self.duplicate(tag.as_bytes())?;
        let record_address = self.duplicate(record)?;
        let lengths = (tag.len() as u32, record.len() as u32);
        let answer = self.call((tag_address, lengths.0, seconds, 0, record_address, lengths.1));
        for address in [tag_address, record_address] {
            if address != 0 {
                self.free.call(&mut self.store, address)?;
            }
        }
        answer
    }

    /// Calls the filter function with these arguments as they are: addresses may be any.
    pub fn call(&mut self, arguments: (u32, u32, u32, u32, u32, u32)) -> Result<Option<Vec<u8>>> {
        let address = self.filter.call(&mut self.store, arguments)? as usize;
        let memory = self.memory.data(&self.store);
        let text = memory.get(address..).unwrap_or_default();
        let length = text.iter().position(|byte| *byte == 0);
        let length = length.ok_or_else(|| ModuleError(format!("no text that ends is at address {address}")))?;
        // As in Fluent Bit, null is an empty text if nothing but zeros is there, and an empty text is no record.
        Ok(text.get(..length).filter(|text| !text.is_empty()).map(<[u8]>::to_vec))
    }

    /// Copies bytes, and a zero after them, into the module's memory; 0 if there is no room.
    fn duplicate(&mut self, bytes: &[u8]) -> Result<u32> {
        let address = self.malloc.call(&mut self.store, bytes.len() as u32 + 1)?;
        if address != 0 {
            let memory = self.memory.data_mut(&mut self.store);
            let place = memory.get_mut(address as usize..).and_then(|rest| rest.get_mut(..=bytes.len()));
            let place = place.ok_or_else(|| ModuleError(format!("malloc gave {address}, which is outside memory")))?;
            let (text, zero) = place.split_at_mut(bytes.len());
            text.copy_from_slice(bytes);
            zero.fill(0);
        }
        Ok(address)
    }

    /// What the instance has written to standard error.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.store.data().wasi.errors).into_owned()
    }

    /// Instructions executed so far.
    pub fn instructions(&self) -> u64 {
        u64::MAX - self.store.get_fuel().unwrap_or(u64::MAX)
    }

    /// Bytes of memory it holds.
    pub fn memory(&self) -> usize {
        self.memory.data_size(&self.store)
    }
}

/// A directory under the name that the module knows it by, which in Fluent Bit is its path.
impl From<&Path> for Directory {
    fn from(path: &Path) -> Self {
        Directory { name: path.display().to_string(), path: path.to_owned() }
    }
}
