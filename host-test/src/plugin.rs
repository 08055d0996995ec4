//! The plugin, loaded and ready to be called.
//!
//! A [`Plugin`] is the compiled component; [`Scorer`], [`Decoder`] and [`Series`] are instances of it, each in a store of
//! its own: they share no memory, and one that runs into a limit harms no other.
//!
//! The component imports nothing, so nothing is linked: it cannot read a file, open a socket, tell the time or see the
//! environment. What is left to limit is memory and time, and [`Limits`] does.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Cache, CacheConfig, Config, Engine, ResourceLimiter, Store, Trap};

use crate::bindings::exports::flowscore::transform::scoring;
use crate::bindings::{Plugin as Bindings, PluginPre};

pub use crate::bindings::exports::flowscore::transform::decoding::{Decoded, Outcome};
pub use crate::bindings::exports::flowscore::transform::description::Info;
pub use crate::bindings::exports::flowscore::transform::scoring::{
    Alert, Direction, Failed, GivenUp, IncidentState, Judgement, Place, Point, RestoreError, Scored, SeriesMode,
    Severity, Totals, Verdict,
};
pub use crate::bindings::exports::flowscore::transform::types::{
    ConfigError, Counts, Failure, Payload, UnwrappedParam, UnwrappedResult,
};

/// The component that the build script made, part of every build of the harness.
pub const BUILT_IN: &[u8] = flowscore_artifacts::COMPONENT;

/// Bytes of a snapshot that go over at once.
const PIECE: u32 = 8 << 20;

/// How often the clock that deadlines are measured with moves on.
const TICK: Duration = Duration::from_millis(20);

/// What an instance of the plugin may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Memory in bytes: linear memory, of which a plugin may have several, and tables together. An instance that wants more fails the call, and only that instance. The default of 4 GiB is
    /// all that there can be, and room for the largest configuration that the plugin accepts; a usual one takes some
    /// ten megabytes.
    pub memory: usize,
    /// Time for one call. The default of 30 s is far above what a batch of any sensible size takes. None: a call is never stopped,
    /// and the compiled code does not ask whether it should be, which saves a seventh of its time (docs/performance.md).
    pub deadline: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { memory: 4 << 30, deadline: Some(Duration::from_secs(30)) }
    }
}

/// What went wrong with the plugin itself; a bad record never shows here.
#[derive(Debug)]
pub enum PluginError {
    /// The file could not be read.
    Read(PathBuf, std::io::Error),
    /// The bytes are not a component that has the hooks of `flowscore:transform`.
    Load(String),
    /// The configuration was refused.
    Config(ConfigError),
    /// The snapshot was refused.
    Restore(RestoreError),
    /// A call used up its time.
    Deadline(Duration),
    /// A call trapped; the instance is lost.
    Trap(String),
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PluginError::Read(path, error) => write!(f, "cannot read the plugin {}: {error}", path.display()),
            PluginError::Load(reason) => write!(f, "not a usable flowscore component: {reason}"),
            PluginError::Config(error) => write!(f, "{}", ConfigProblem(error)),
            PluginError::Restore(RestoreError::Config(error)) => write!(f, "{}", ConfigProblem(error)),
            PluginError::Restore(
                RestoreError::Version(reason) | RestoreError::Corrupt(reason) | RestoreError::Mismatch(reason),
            ) => write!(f, "the snapshot cannot be used: {reason}"),
            PluginError::Deadline(limit) => write!(f, "the plugin was stopped: a call took longer than {limit:?}"),
            PluginError::Trap(reason) => write!(f, "the plugin was stopped: {reason}"),
        }
    }
}

impl std::error::Error for PluginError {}

/// A refused configuration as one line.
struct ConfigProblem<'a>(&'a ConfigError);

impl fmt::Display for ConfigProblem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfigError { path, value, allowed } = self.0;
        if path.is_empty() {
            write!(f, "configuration: {allowed}")
        } else {
            write!(f, "configuration: {path} is {value}, and must be {allowed}")
        }
    }
}

type Result<T> = std::result::Result<T, PluginError>;

/// A compiled component.
#[derive(Clone)]
pub struct Plugin {
    engine: Engine,
    bindings: PluginPre<Memory>,
    limits: Limits,
    _clock: Option<Arc<Clock>>,
}

/// Moves the engine's epoch on, so that deadlines come; ends with the last plugin of the engine.
struct Clock(Arc<AtomicBool>);

impl Clock {
    fn start(engine: &Engine) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (engine, seen) = (engine.weak(), ended.clone());
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        });
        Clock(ended)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Plugin {
    /// The built-in component.
    pub fn built_in(limits: Limits) -> Result<Self> {
        Plugin::from_bytes(BUILT_IN, limits)
    }

    /// Another build of the component.
    pub fn from_file(path: &Path, limits: Limits) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| PluginError::Read(path.into(), error))?;
        Plugin::from_bytes(&bytes, limits).map_err(|error| match error {
            PluginError::Load(reason) => PluginError::Load(format!("{}: {reason}", path.display())),
            error => error,
        })
    }

    /// Compiles a component, or takes the result of an earlier compilation from the user's cache directory.
    pub fn from_bytes(component: &[u8], limits: Limits) -> Result<Self> {
        let load = |error: wasmtime::Error| PluginError::Load(format!("{error:#}").replace('\n', " "));
        let mut config = Config::new();
        config.epoch_interruption(limits.deadline.is_some()).cache(cache());
        let engine = Engine::new(&config).map_err(load)?;
        let component = Component::new(&engine, component).map_err(load)?;
        let linker = Linker::new(&engine);
        let bindings = PluginPre::new(linker.instantiate_pre(&component).map_err(load)?).map_err(load)?;
        let clock = limits.deadline.map(|_| Arc::new(Clock::start(&engine)));
        Ok(Plugin { engine, bindings, limits, _clock: clock })
    }

    /// What the plugin says of itself.
    pub fn describe(&self) -> Result<Info> {
        let mut instance = self.instantiate()?;
        instance.call(|bindings, store| bindings.flowscore_transform_description().call_describe(store))
    }

    /// Checks a configuration: the one in force, with every default filled in.
    pub fn check_config(&self, config: &str) -> Result<String> {
        let mut instance = self.instantiate()?;
        instance
            .call(|b, store| b.flowscore_transform_description().call_check_config(store, config))?
            .map_err(PluginError::Config)
    }

    /// A scorer by the text of a configuration; the empty text means the defaults.
    pub fn scorer(&self, config: &str) -> Result<Scorer> {
        let mut instance = self.instantiate()?;
        let resource = instance
            .call(|b, store| b.flowscore_transform_scoring().scorer().call_create(store, config))?
            .map_err(PluginError::Config)?;
        Ok(Scorer { instance, resource })
    }

    /// A scorer that goes on from a snapshot.
    pub fn restore(&self, config: &str, snapshot: &[u8]) -> Result<Scorer> {
        let mut instance = self.instantiate()?;
        let bytes = instance.call(|b, store| b.flowscore_transform_scoring().snapshot().call_constructor(store))?;
        for piece in snapshot.chunks(PIECE as usize) {
            instance.call(|b, store| b.flowscore_transform_scoring().snapshot().call_write(store, bytes, piece))?;
        }
        let resource = instance
            .call(|b, store| b.flowscore_transform_scoring().scorer().call_restore(store, config, bytes))?
            .map_err(PluginError::Restore)?;
        Ok(Scorer { instance, resource })
    }

    /// A decoder by the text of a configuration.
    pub fn decoder(&self, config: &str) -> Result<Decoder> {
        let mut instance = self.instantiate()?;
        let resource = instance
            .call(|b, store| b.flowscore_transform_decoding().decoder().call_create(store, config))?
            .map_err(PluginError::Config)?;
        Ok(Decoder { instance, resource })
    }

    /// An answerer by the text of a configuration.
    pub fn answerer(&self, config: &str) -> Result<Answerer> {
        let mut instance = self.instantiate()?;
        let resource = instance
            .call(|b, store| b.flowscore_transform_answering().answerer().call_create(store, config))?
            .map_err(PluginError::Config)?;
        Ok(Answerer { instance, resource })
    }

    /// A scorer of one series by the text of a configuration.
    pub fn series(&self, mode: SeriesMode, config: &str) -> Result<Series> {
        let mut instance = self.instantiate()?;
        let resource = instance
            .call(|b, store| b.flowscore_transform_scoring().series().call_create(store, mode, config))?
            .map_err(PluginError::Config)?;
        Ok(Series { instance, resource })
    }

    /// What a sample of payloads holds, as JSON text.
    pub fn discover_schema(&self, sample: &[Payload<'_>]) -> Result<String> {
        let mut instance = self.instantiate()?;
        instance.call(|b, store| b.flowscore_transform_decoding().call_discover_schema(store, sample))
    }

    fn instantiate(&self) -> Result<Instance> {
        let mut store = Store::new(&self.engine, Memory { limit: self.limits.memory, used: 0, tables: 0 });
        store.limiter(|memory| memory);
        // What a call returns is bounded by the component; this is for one that is not ours.
        store.set_hostcall_fuel(self.limits.memory);
        store.set_epoch_deadline(ticks(self.limits.deadline));
        let bindings = self.bindings.instantiate(&mut store).map_err(|error| explain(&error, self.limits.deadline))?;
        Ok(Instance { store, bindings, deadline: self.limits.deadline })
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn ticks(deadline: Option<Duration>) -> u64 {
    // One more, since the first tick may come at once. Without a deadline nobody asks.
    deadline.map_or(0, |deadline| (deadline.as_millis() / TICK.as_millis()) as u64 + 1)
}

/// Compiled components are kept in the user's cache directory; without one, each start compiles anew (some seconds).
pub(crate) fn cache() -> Option<Cache> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .filter(|path| path.is_absolute())?;
    let mut config = CacheConfig::new();
    config.with_directory(base.join("flowscore"));
    Cache::new(config).ok()
}

fn explain(error: &wasmtime::Error, deadline: Option<Duration>) -> PluginError {
    match (error.downcast_ref::<Trap>(), deadline) {
        (Some(Trap::Interrupt), Some(deadline)) => PluginError::Deadline(deadline),
        (Some(trap), _) => PluginError::Trap(trap.to_string()),
        (None, _) => PluginError::Trap(format!("{error:#}")),
    }
}

/// Bytes of an element of a table, at most.
const ELEMENT: usize = 16;

/// The memory of an instance: what it may have and what it has, over all of its memories and tables.
struct Memory {
    limit: usize,
    /// Bytes of linear memory.
    used: usize,
    /// Bytes of tables.
    tables: usize,
}

impl Memory {
    fn left(&self) -> usize {
        self.limit.saturating_sub(self.used + self.tables)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let granted = more <= self.left() && maximum.is_none_or(|maximum| desired <= maximum);
        if granted {
            self.used += more;
        }
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current).saturating_mul(ELEMENT);
        let granted = more <= self.left() && maximum.is_none_or(|maximum| desired <= maximum);
        if granted {
            self.tables += more;
        }
        Ok(granted)
    }
}

struct Instance {
    store: Store<Memory>,
    bindings: Bindings,
    deadline: Option<Duration>,
}

impl Instance {
    fn call<T>(&mut self, function: impl FnOnce(&Bindings, &mut Store<Memory>) -> wasmtime::Result<T>) -> Result<T> {
        self.store.set_epoch_deadline(ticks(self.deadline));
        function(&self.bindings, &mut self.store).map_err(|error| explain(&error, self.deadline))
    }

    /// Lets the instance free a resource.
    fn release(&mut self, resource: ResourceAny) -> Result<()> {
        self.store.set_epoch_deadline(ticks(self.deadline));
        resource.resource_drop(&mut self.store).map_err(|error| explain(&error, self.deadline))
    }
}

/// Decodes and scores, and learns from what it sees.
pub struct Scorer {
    instance: Instance,
    resource: ResourceAny,
}

impl Scorer {
    fn call<T>(
        &mut self,
        function: impl FnOnce(scoring::GuestScorer<'_>, &mut Store<Memory>, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T> {
        let resource = self.resource;
        self.instance.call(|b, store| function(b.flowscore_transform_scoring().scorer(), store, resource))
    }

    /// Decodes and scores a batch of payloads, as far as the events of one call go: see [`Scored::taken`] and
    /// [`Scored::more`]. [`Scoring`](crate::batch::Scoring) sees to both.
    pub fn transform(&mut self, batch: &[Payload<'_>]) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_transform(store, this, batch))
    }

    /// The same, where [`Decoder::unwrap`] has undone the layers around some of the payloads.
    pub fn transform_unwrapped(&mut self, batch: &[(Payload<'_>, Option<UnwrappedParam<'_>>)]) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_transform_unwrapped(store, this, batch))
    }

    /// More of what the call before could not give as a whole.
    pub fn proceed(&mut self) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_proceed(store, this))
    }

    /// Counts and tells a payload that is given up.
    pub fn give_up(&mut self, payload: GivenUp<'_>) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_give_up(store, this, payload))
    }

    /// Scores records that were decoded before: newline-delimited JSON.
    pub fn score(&mut self, records: &[u8]) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_score(store, this, records))
    }

    /// Takes up what a person says of an incident or a group, by its id; how many series did.
    pub fn feedback(&mut self, id: &str, judgement: Judgement) -> Result<u32> {
        self.call(|scorer, store, this| scorer.call_feedback(store, this, id, judgement))
    }

    /// Tells the time, in milliseconds since the Unix epoch.
    pub fn tick(&mut self, now: i64) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_tick(store, this, now))
    }

    /// Closes what is open at the end of a finite input.
    pub fn finish(&mut self) -> Result<Scored> {
        self.call(|scorer, store, this| scorer.call_finish(store, this))
    }

    /// Everything learned so far.
    pub fn snapshot(&mut self) -> Result<Vec<u8>> {
        let snapshot = self.call(|scorer, store, this| scorer.call_snapshot(store, this))?;
        let size =
            self.instance.call(|b, store| b.flowscore_transform_scoring().snapshot().call_size(store, snapshot))?;
        let mut bytes = Vec::with_capacity(size as usize);
        while (bytes.len() as u64) < size {
            let offset = bytes.len() as u64;
            let piece = self.instance.call(|b, store| {
                b.flowscore_transform_scoring().snapshot().call_read(store, snapshot, offset, PIECE)
            })?;
            if piece.is_empty() {
                return Err(PluginError::Trap(format!("a snapshot of {size} bytes ended after {offset}")));
            }
            bytes.extend_from_slice(&piece);
        }
        self.instance.release(snapshot)?;
        Ok(bytes)
    }

    /// Totals so far.
    pub fn totals(&mut self) -> Result<Totals> {
        self.call(|scorer, store, this| scorer.call_totals(store, this))
    }

    /// Bytes of linear memory that the instance has. It never gives any back.
    pub fn memory(&self) -> usize {
        self.instance.store.data().used
    }
}

/// Decodes payloads.
pub struct Decoder {
    instance: Instance,
    resource: ResourceAny,
}

impl Decoder {
    /// One outcome for each payload, in order, as far as the records of one call go. If there is more of the last one
    /// ([`Decoded::more`]), [`proceed`](Self::proceed) gives it; payloads without an outcome are to be handed over again.
    pub fn decode(&mut self, batch: &[Payload<'_>]) -> Result<Vec<Outcome>> {
        let resource = self.resource;
        self.instance.call(|b, store| b.flowscore_transform_decoding().decoder().call_decode(store, resource, batch))
    }

    /// More of the last payload.
    pub fn proceed(&mut self) -> Result<Decoded> {
        let resource = self.resource;
        self.instance.call(|b, store| b.flowscore_transform_decoding().decoder().call_proceed(store, resource))
    }

    /// What is inside the layers around each of these payloads, in order, for [`Scorer::transform_unwrapped`].
    pub fn unwrap(&mut self, batch: &[Payload<'_>]) -> Result<Vec<Option<UnwrappedResult>>> {
        let resource = self.resource;
        self.instance.call(|b, store| b.flowscore_transform_decoding().decoder().call_unwrap(store, resource, batch))
    }
}

/// Answers requests for Lambda functions.
pub struct Answerer {
    instance: Instance,
    resource: ResourceAny,
}

impl Answerer {
    /// The answer to a request of Kinesis Analytics preprocessing or of a Firehose transformation; none if it is no such
    /// request.
    pub fn answer(&mut self, request: &[u8]) -> Result<Option<String>> {
        let resource = self.resource;
        self.instance
            .call(|b, store| b.flowscore_transform_answering().answerer().call_answer(store, resource, request))
    }
}

/// Scores one series of plain values.
pub struct Series {
    instance: Instance,
    resource: ResourceAny,
}

impl Series {
    /// One verdict for each point, in order.
    pub fn observe(&mut self, points: &[Point]) -> Result<Vec<Verdict>> {
        let resource = self.resource;
        self.instance.call(|b, store| b.flowscore_transform_scoring().series().call_observe(store, resource, points))
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{MemorySection, MemoryType, RefType, TableSection, TableType};
    use wasmtime::{Instance, Module};

    use super::*;

    /// Whether a module with memories of so many pages and tables of so many elements gets them of ten pages, 640 KiB.
    fn fits(memories: &[u64], tables: &[u64]) -> bool {
        let (mut memory, mut table) = (MemorySection::new(), TableSection::new());
        for &minimum in memories {
            let (maximum, page_size_log2) = (None, None);
            memory.memory(MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2 });
        }
        for &minimum in tables {
            let element_type = RefType::FUNCREF;
            table.table(TableType { element_type, table64: false, minimum, maximum: None, shared: false });
        }
        let mut module = wasm_encoder::Module::new();
        module.section(&table).section(&memory);
        let engine = Engine::default();
        let module = Module::new(&engine, module.finish()).unwrap();
        let mut store = Store::new(&engine, Memory { limit: 10 << 16, used: 0, tables: 0 });
        store.limiter(|memory| memory);
        Instance::new(&mut store, &module, &[]).is_ok()
    }

    #[test]
    fn the_limit_holds_for_all_memories_and_tables_together() {
        for (memories, tables, expected) in [
            (&[10][..], &[][..], true),
            (&[11], &[], false),
            (&[5, 5], &[], true),
            (&[6, 5], &[], false),
            (&[9], &[4_096], true),
            (&[9], &[4_097], false),
            (&[], &[30_000, 30_000], false),
        ] {
            assert_eq!(fits(memories, tables), expected, "{memories:?} {tables:?}");
        }
    }
}
