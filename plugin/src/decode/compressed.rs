//! What is compressed: gzip members (RFC 1952), zlib streams (RFC 1950), bare deflate, and Zstandard frames.

use super::adler32::adler32;
use super::arena::Arena;
use super::inflate::{Flaw, Inflater};
use super::zstd;
use crate::failure::Layer;
use std::borrow::Cow;

/// Where and why a compressed layer could not be decoded.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) offset: usize,
    /// `None`: the output limit was reached.
    pub(super) reason: Option<Cow<'static, str>>,
    /// Start of the part of the input that gave no output; what precedes it has been decoded and checked.
    pub(super) from: usize,
}

/// Compression that can be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// One or more gzip members.
    Gzip,
    /// One zlib stream.
    Zlib,
    /// One deflate stream without a frame.
    Deflate,
    /// One or more Zstandard frames.
    Zstd,
}

impl Compression {
    pub(super) const fn layer(self) -> Layer {
        match self {
            Compression::Gzip => Layer::Gzip,
            Compression::Zlib => Layer::Zlib,
            Compression::Deflate => Layer::Deflate,
            Compression::Zstd => Layer::Zstd,
        }
    }

    /// Whether another of the kind may follow, as `rest` begins.
    fn goes_on(self, rest: &[u8]) -> bool {
        match self {
            Compression::Gzip => rest.starts_with(&[0x1f, 0x8b]),
            Compression::Zstd => zstd::is_frame(rest),
            Compression::Zlib | Compression::Deflate => false,
        }
    }
}

/// Appends the decoded `input` to `output`, which may hold `limit` bytes. On damage, `output` keeps what was whole.
pub(super) fn decompress(
    compression: Compression,
    input: &[u8],
    inflater: &mut Inflater,
    output: &mut Arena,
    limit: usize,
) -> Result<(), Damage> {
    let mut from = 0;
    loop {
        let whole = output.len();
        let rest = input.get(from..).unwrap_or_default();
        let stream = match compression {
            Compression::Gzip => member(rest, inflater, output, limit),
            Compression::Zlib => zlib(rest, inflater, output, limit),
            Compression::Deflate => inflater.inflate(rest, output, limit).map_err(flaw(0)),
            Compression::Zstd => zstd::frame(rest, output, limit),
        };
        match stream {
            Ok(length) => from += length,
            Err((offset, reason)) => {
                output.truncate(whole);
                return Err(Damage { offset: from + offset, reason, from });
            }
        }
        let rest = input.get(from..).unwrap_or_default();
        if rest.iter().all(|&byte| byte == 0) {
            return Ok(()); // the end, or the zero padding that block devices and some writers leave
        }
        if !compression.goes_on(rest) {
            let count = rest.len();
            let reason = match compression {
                Compression::Gzip => {
                    format!("{count} bytes follow that are neither another gzip member nor zero padding")
                }
                _ => format!("{count} bytes follow the end of the compressed data"),
            };
            return Err(Damage { offset: from, reason: Some(reason.into()), from });
        }
    }
}

/// Offset and reason inside one stream.
pub(super) type Fault = (usize, Option<Cow<'static, str>>);

fn flaw(start: usize) -> impl Fn((Flaw, usize)) -> Fault {
    move |(flaw, offset)| (start + offset, (flaw != Flaw::Limit).then(|| flaw.reason().into()))
}

pub(super) fn fault(offset: usize, reason: impl Into<Cow<'static, str>>) -> Fault {
    (offset, Some(reason.into()))
}

/// Decodes the gzip member at the start of `input` and returns its length.
fn member(input: &[u8], inflater: &mut Inflater, output: &mut Arena, limit: usize) -> Result<usize, Fault> {
    let start = header(input)?;
    let before = output.len();
    let body = input.get(start..).unwrap_or_default();
    let length = inflater.inflate(body, output, limit).map_err(flaw(start))?;
    let data = output.as_slice().get(before..).unwrap_or_default();
    let end = start + length;
    let Some((&[c0, c1, c2, c3, s0, s1, s2, s3], _)) = input.get(end..).and_then(|rest| rest.split_first_chunk::<8>())
    else {
        return Err(fault(input.len(), "the member ends before its CRC and length; the record was cut off"));
    };
    let (stored, computed) = (u32::from_le_bytes([c0, c1, c2, c3]), inflater.crc32(data));
    if stored != computed {
        return Err(fault(
            end,
            format!("the CRC-32 of the data is {computed:08x}, the member says {stored:08x}; the data is damaged"),
        ));
    }
    let stored = u32::from_le_bytes([s0, s1, s2, s3]);
    if stored != data.len() as u32 {
        return Err(fault(
            end + 4,
            format!("the data has {} bytes, the member says {stored}; the data is damaged", data.len()),
        ));
    }
    Ok(end + 8)
}

/// Length of the gzip header (RFC 1952 section 2.3).
fn header(input: &[u8]) -> Result<usize, Fault> {
    const HCRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let cut = || fault(input.len(), "the member ends inside its header; the record was cut off");
    if let Some(&method) = input.get(2).filter(|&&method| method != 8) {
        return Err(fault(2, format!("compression method {method} is unknown; gzip has only 8 (deflate)")));
    }
    let (_, flags) = input.split_first_chunk::<3>().ok_or_else(cut)?;
    let &flags = flags.first().ok_or_else(cut)?;
    if flags & 0xe0 != 0 {
        return Err(fault(3, format!("the reserved flags {:#04x} are set; the header is damaged", flags & 0xe0)));
    }
    let mut at = 10;
    if flags & EXTRA != 0 {
        let length = input.get(at..).and_then(|rest| rest.first_chunk::<2>()).ok_or_else(cut)?;
        at += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let rest = input.get(at..).ok_or_else(cut)?;
            at += memchr::memchr(0, rest).ok_or_else(cut)? + 1;
        }
    }
    if flags & HCRC != 0 {
        at += 2;
    }
    if at > input.len() { Err(cut()) } else { Ok(at) }
}

/// Decodes the zlib stream at the start of `input` and returns its length. The caller has checked the first two bytes.
fn zlib(input: &[u8], inflater: &mut Inflater, output: &mut Arena, limit: usize) -> Result<usize, Fault> {
    let before = output.len();
    let length = inflater.inflate(input.get(2..).unwrap_or_default(), output, limit).map_err(flaw(2))?;
    let data = output.as_slice().get(before..).unwrap_or_default();
    let end = 2 + length;
    let Some(&stored) = input.get(end..).and_then(|rest| rest.first_chunk::<4>()) else {
        return Err(fault(input.len(), "the stream ends before its Adler-32; the record was cut off"));
    };
    let (stored, computed) = (u32::from_be_bytes(stored), adler32(data));
    if stored != computed {
        return Err(fault(
            end,
            format!("the Adler-32 of the data is {computed:08x}, the stream says {stored:08x}; the data is damaged"),
        ));
    }
    Ok(end + 4)
}
