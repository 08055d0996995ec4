//! Snapshots: everything learned, as bytes that outlive the instance.
//!
//! ```text
//! "flowscor"   8 bytes
//! version      u16, little-endian: raised whenever the layout of the state changes
//! crc32        u32 of all that follows (IEEE 802.3)
//! config       the configuration in force, JSON, as text
//! state        see `encoding`
//! ```
//!
//! The configuration is part of it, because a state learned under other settings would be continued wrongly without a
//! word. The checksum finds damage; what is read back is checked for consistency as well, so that a forged snapshot is
//! refused and can do no harm.

mod encoding;

use crate::config::{Config, ConfigError, FluentBit};
use crate::decode::crc32::crc32;
use crate::json::Value;

pub use encoding::{Damaged, Reader, State, from_bytes, to_bytes};
pub(crate) use encoding::{Word, state};

const MAGIC: &[u8; 8] = b"flowscor";

/// The version of the layout that this build writes, and the only one it reads.
pub const VERSION: u16 = 3;

/// A snapshot that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The configuration is wrong.
    Config(ConfigError),
    /// Made by a version that this one cannot read.
    Version(String),
    /// Damaged or cut short.
    Corrupt(String),
    /// Made under another configuration.
    Mismatch(String),
}

/// A snapshot of what `save` appends.
pub(crate) fn write(config: &Config, save: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::from(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let checksum = out.len()..out.len() + 4;
    out.extend_from_slice(&[0; 4]);
    in_force(config).save(&mut out);
    save(&mut out);
    let crc = crc32(&out[checksum.end..]);
    out[checksum].copy_from_slice(&crc.to_le_bytes());
    out
}

/// The bytes of the state in a snapshot made under `config`.
pub(crate) fn open<'a>(config: &Config, bytes: &'a [u8]) -> Result<Reader<'a>, RestoreError> {
    let corrupt = |what: &str| RestoreError::Corrupt(what.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| corrupt("it does not begin as a flowscore snapshot does"))?;
    let (version, rest) = rest.split_first_chunk().ok_or_else(|| corrupt("it is cut short in its header"))?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(RestoreError::Version(format!(
            "it has version {version}, and this plugin reads version {VERSION}"
        )));
    }
    let (crc, body) = rest.split_first_chunk().ok_or_else(|| corrupt("it is cut short in its header"))?;
    if crc32(body) != u32::from_le_bytes(*crc) {
        return Err(corrupt("its checksum does not match: it is damaged or cut short"));
    }
    let mut reader = Reader::new(body);
    let made_under = String::load(&mut reader);
    if reader.is_damaged() {
        return Err(corrupt("its configuration is not readable"));
    }
    let now = in_force(config);
    if made_under != now {
        return Err(RestoreError::Mismatch(difference(&made_under, &now)));
    }
    Ok(reader)
}

/// The configuration that a state depends on. What the Fluent Bit filter lets out and where it keeps files is none of
/// that, so it may change from one start to the next.
fn in_force(config: &Config) -> String {
    Config { fluent_bit: FluentBit::default(), ..config.clone() }.to_json()
}

/// The rest of a snapshot as a state.
pub(crate) fn read<T: State>(mut reader: Reader<'_>) -> Result<T, RestoreError> {
    let state = T::load(&mut reader);
    match reader.finish() {
        Ok(()) => Ok(state),
        Err(Damaged) => Err(RestoreError::Corrupt("its state is not readable".to_owned())),
    }
}

/// The error for a state that no scorer could have had.
pub(crate) fn impossible(what: &str) -> RestoreError {
    RestoreError::Corrupt(format!("{what} in it is not one that can come about"))
}

/// Names the first setting that differs.
fn difference(made_under: &str, now: &str) -> String {
    fn first(path: &str, a: &Value, b: &Value) -> Option<String> {
        if let (Value::Object(a), Value::Object(b)) = (a, b) {
            // Configurations in force have all keys, in the order of the table.
            return a.iter().zip(b).find_map(|((name, a), (_, b))| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                first(&path, a, b)
            });
        }
        (a != b).then(|| format!("it was made with {path} = {a}, and the configuration says {b}"))
    }
    let parse = |text: &str| Value::parse(text.as_bytes()).unwrap_or(Value::Null);
    first("", &parse(made_under), &parse(now)).unwrap_or_else(|| "it was made under another configuration".into())
}
