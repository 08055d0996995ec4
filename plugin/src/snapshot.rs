//! Snapshots: everything learned, as bytes that outlive the instance.
//!
//! ```text
//! "flowscor"   8 bytes
//! version      u16, little-endian: of the layout of the state
//! crc32        u32 of all that follows (IEEE 802.3)
//! shape        the options that shape the state, as a JSON object by their paths
//! state        see [`state`](crate::state)
//! ```
//!
//! The options are part of it, because a state of another shape would be continued wrongly without a word: series by other
//! fields, say. All other options may change from one start to the next. The checksum finds damage; what is read back is checked for consistency as well, so that a forged snapshot is
//! refused and can do no harm.

use crate::config::{Config, ConfigError};
use crate::decode::crc32::Crc32;
use crate::json::{Value, Writer};
use crate::state::{Damaged, OLDEST, Reader, State, VERSION};

const MAGIC: &[u8; 8] = b"flowscor";

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
    shape(config).save(&mut out);
    save(&mut out);
    let crc = Crc32::default().of(&out[checksum.end..]);
    out[checksum].copy_from_slice(&crc.to_le_bytes());
    out
}

/// The bytes of the state in a snapshot made under `config`.
pub(crate) fn open<'a>(config: &Config, bytes: &'a [u8]) -> Result<Reader<'a>, RestoreError> {
    let corrupt = |what: &str| RestoreError::Corrupt(what.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| corrupt("it does not begin as a flowscore snapshot does"))?;
    let (version, rest) = rest.split_first_chunk().ok_or_else(|| corrupt("it is cut short in its header"))?;
    let version = u16::from_le_bytes(*version);
    if !(OLDEST..=VERSION).contains(&version) {
        let read =
            if OLDEST == VERSION { format!("version {VERSION}") } else { format!("versions {OLDEST} to {VERSION}") };
        return Err(RestoreError::Version(format!("it has version {version}, and this plugin reads {read}")));
    }
    let (crc, body) = rest.split_first_chunk().ok_or_else(|| corrupt("it is cut short in its header"))?;
    if Crc32::default().of(body) != u32::from_le_bytes(*crc) {
        return Err(corrupt("its checksum does not match: it is damaged or cut short"));
    }
    let mut reader = Reader::new(body, version);
    let made_under = String::load(&mut reader);
    if reader.is_damaged() {
        return Err(corrupt("its configuration is not readable"));
    }
    match difference(&made_under, config) {
        Some(difference) => Err(RestoreError::Mismatch(difference)),
        None => Ok(reader),
    }
}

/// The options that shape a state, as JSON text.
fn shape(config: &Config) -> String {
    Writer::document(|writer| {
        writer.open(b'{');
        for (path, value) in config.shape() {
            writer.key(path).literal(&value);
        }
        writer.close(b'}');
    })
}

/// The rest of a snapshot as a state.
pub(crate) fn read<T: State>(mut reader: Reader<'_>) -> Result<T, RestoreError> {
    let state = T::load(&mut reader);
    end(reader).map(|()| state)
}

/// The error if that was not all.
pub(crate) fn end(reader: Reader<'_>) -> Result<(), RestoreError> {
    reader.finish().map_err(|Damaged| RestoreError::Corrupt("its state is not readable".to_owned()))
}

/// The error for a state that no scorer could have had.
pub(crate) fn impossible(what: &str) -> RestoreError {
    RestoreError::Corrupt(format!("{what} in it is not one that can come about"))
}

/// Names the first option that differs. One that the snapshot does not know had its default when it was made.
fn difference(made_under: &str, config: &Config) -> Option<String> {
    let Ok(Value::Object(then)) = Value::parse(made_under.as_bytes()) else {
        return Some("it was made under another configuration".into());
    };
    let defaults = Config { mode: config.mode, ..Config::default() }.shape();
    let find = |path: &str| {
        let told = then.iter().find(|(name, _)| name == path).map(|(_, value)| value.to_string());
        told.or_else(|| defaults.iter().find(|(name, _)| *name == path).map(|(_, value)| value.clone()))
    };
    config.shape().into_iter().find_map(|(path, now)| {
        let then = find(path)?;
        let now = Value::parse(now.as_bytes()).map_or(now, |now| now.to_string());
        (then != now).then(|| format!("it was made with {path} = {then}, and the configuration says {now}"))
    })
}
