//! A file's payloads, unpacked as they are read.
//!
//! gzip (any number of members), zstd and Parquet are found by their first bytes. Nothing is read as a whole, whatever its size.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use super::members::{Member, Members};
#[cfg(feature = "parquet")]
use super::parquet::{MAGIC as PARQUET, Rows};
use crate::input::{Payload, Payloads};
#[cfg(feature = "parquet")]
use crate::private;

/// Bytes up to which lines or rows are put into one payload.
pub const BLOCK: usize = 256 << 10;

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// The layer of text that is packed in nothing.
const TEXT: &str = "payload";

/// What there is to read.
pub enum Raw {
    /// A file that can be read from any place.
    File(File),
    /// A pipe, or an object on its way.
    Stream(Box<dyn Read + Send>),
}

/// Why there are no more payloads.
#[derive(Debug)]
pub enum ContentError {
    /// It cannot be read now; later it may.
    Read(io::Error),
    /// It is damaged, and will be the next time.
    Damaged(Damage),
}

/// What is wrong with a file.
#[derive(Debug)]
pub struct Damage {
    /// What it is packed with, as `failed` events name it: `gzip`, `zstd`, `parquet`, or `payload` for text.
    pub layer: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.reason)
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContentError::Read(error) => error.fmt(f),
            ContentError::Damaged(damage) => damage.fmt(f),
        }
    }
}

impl std::error::Error for ContentError {}

/// The payloads of one file.
pub struct Content {
    payloads: Kind,
    layer: &'static str,
    reading: Arc<Reading>,
}

enum Kind {
    Text(Payloads<BufReader<Box<dyn Read>>>),
    #[cfg(feature = "parquet")]
    Parquet {
        rows: Box<Rows>,
        size: u64,
    },
}

/// What was read so far of the file as it lies there.
#[derive(Default)]
struct Reading {
    bytes: AtomicU64,
    has_failed: AtomicBool,
}

impl Content {
    /// Payloads as a pipe delivers them: a line each, and what is packed as a whole.
    pub fn as_is(raw: Raw) -> Self {
        let (input, reading) = count(raw);
        Content { payloads: Kind::Text(Payloads::new(BufReader::with_capacity(1 << 16, input))), layer: TEXT, reading }
    }

    /// Payloads of what may be packed. Lines of text come in blocks of [`BLOCK`] bytes.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is damaged.
    pub fn unpacked(mut raw: Raw) -> Result<Self, ContentError> {
        let mut magic = Vec::new();
        let input: &mut dyn Read = match &mut raw {
            Raw::File(file) => file,
            Raw::Stream(stream) => stream,
        };
        input.take(4).read_to_end(&mut magic).map_err(ContentError::Read)?;
        #[cfg(feature = "parquet")]
        if magic == PARQUET {
            return Content::parquet(raw);
        }
        let (input, reading) = count(raw);
        reading.bytes.fetch_add(magic.len() as u64, Ordering::Relaxed);
        let input = BufReader::with_capacity(BUFFER, Cursor::new(magic.clone()).chain(input));
        let (layer, input): (_, Box<dyn Read>) = match magic[..] {
            [0x1f, 0x8b, ..] => ("gzip", Box::new(members::<GzDecoder<_>>(input)?)),
            // Some writers begin with a frame that is skipped.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                ("zstd", Box::new(members::<zstd::Decoder<'_, _>>(input)?))
            }
            [b'P', b'A', b'R', b'1'] => {
                let reason = "this build of flowscore reads no Parquet".into();
                return Err(ContentError::Damaged(Damage { layer: "parquet", reason }));
            }
            _ => (TEXT, Box::new(input)),
        };
        let payloads = Payloads::in_blocks(BufReader::with_capacity(BUFFER, input), BLOCK);
        Ok(Content { payloads: Kind::Text(payloads), layer, reading })
    }

    #[cfg(feature = "parquet")]
    fn parquet(raw: Raw) -> Result<Self, ContentError> {
        // The directory of a Parquet file is at its end.
        let file = match raw {
            Raw::File(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => file,
            Raw::File(file) => spooled(file)?,
            Raw::Stream(stream) => spooled(stream)?,
        };
        let size = file.metadata().map_err(ContentError::Read)?.len();
        let damaged = |error: parquet::errors::ParquetError| of_parquet(&error);
        let rows = Box::new(Rows::open(file, BLOCK).map_err(damaged)?);
        Ok(Content { payloads: Kind::Parquet { rows, size }, layer: "parquet", reading: Arc::default() })
    }

    /// The next payload, or none at the end.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is damaged. Then there is no more to come.
    pub fn next_payload(&mut self) -> Result<Option<Payload>, ContentError> {
        match &mut self.payloads {
            Kind::Text(payloads) => payloads.next_payload().map_err(|error| {
                if self.reading.has_failed.load(Ordering::Relaxed) {
                    return ContentError::Read(error);
                }
                let at = self.reading.bytes.load(Ordering::Relaxed);
                let reason = match self.layer {
                    TEXT => error.to_string(),
                    _ => format!("{error}, within the first {at} bytes of the file; what came before was read"),
                };
                ContentError::Damaged(Damage { layer: self.layer, reason })
            }),
            #[cfg(feature = "parquet")]
            Kind::Parquet { rows, .. } => rows.next_payload().map_err(|error| of_parquet(&error)),
        }
    }

    /// Whether the next payload may have to wait for the other end of a pipe.
    pub fn would_wait(&self) -> bool {
        match &self.payloads {
            Kind::Text(payloads) => payloads.would_wait(),
            #[cfg(feature = "parquet")]
            Kind::Parquet { .. } => false,
        }
    }

    /// Bytes of the file, as it lies there, that were read.
    pub fn read(&self) -> u64 {
        match &self.payloads {
            Kind::Text(_) => self.reading.bytes.load(Ordering::Relaxed),
            #[cfg(feature = "parquet")]
            Kind::Parquet { rows, size } => (rows.progress() * *size as f64) as u64,
        }
    }
}

fn members<M: Member>(input: M::Input) -> Result<Members<M>, ContentError> {
    Members::new(input).map_err(ContentError::Read)
}

#[cfg(feature = "parquet")]
fn spooled(stream: impl Read) -> Result<File, ContentError> {
    let mut file = private::temporary().map_err(ContentError::Read)?;
    io::copy(&mut Cursor::new(PARQUET).chain(stream), &mut file).map_err(ContentError::Read)?;
    Ok(file)
}

#[cfg(feature = "parquet")]
fn of_parquet(error: &parquet::errors::ParquetError) -> ContentError {
    ContentError::Damaged(Damage { layer: "parquet", reason: error.to_string().replace('\n', " ") })
}

fn count(raw: Raw) -> (Box<dyn Read>, Arc<Reading>) {
    let input: Box<dyn Read> = match raw {
        Raw::File(file) => Box::new(file),
        Raw::Stream(stream) => stream,
    };
    let reading = Arc::<Reading>::default();
    (Box::new(Counted { input, reading: reading.clone() }), reading)
}

/// Counts the bytes that are read, and notes that reading failed.
struct Counted {
    input: Box<dyn Read>,
    reading: Arc<Reading>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer) {
            Ok(read) => {
                self.reading.bytes.fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
            Err(error) => {
                let is_passing = error.kind() == io::ErrorKind::Interrupted;
                self.reading.has_failed.fetch_or(!is_passing, Ordering::Relaxed);
                Err(error)
            }
        }
    }
}
