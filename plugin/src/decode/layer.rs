//! Which layer some bytes are, told by their content alone.

use super::arena::Arena;
use super::base64;
use super::compressed::Compression;
use super::inflate::{Flaw, Inflater};
use super::zstd;

/// Bytes looked at to tell text from binary data.
const SAMPLE: usize = 512;

/// What an aggregate of the Kinesis Producer Library begins with.
pub(super) const KPL_MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
/// Bytes of the MD5 at its end.
pub(super) const KPL_DIGEST: usize = 16;

/// Whether `bytes` begin as an aggregate and are long enough to be one.
fn is_aggregate(bytes: &[u8]) -> bool {
    bytes.starts_with(&KPL_MAGIC) && bytes.len() > KPL_MAGIC.len() + KPL_DIGEST
}

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Compressed(Compression),
    Kpl,
    Text,
    Unknown,
}

/// Tells what `bytes`, which are not empty, are. Candidates without magic bytes are tried on `scratch`.
pub(super) fn find(bytes: &[u8], inflater: &mut Inflater, scratch: &mut Arena) -> Content {
    if let Some(found) = magic(bytes) {
        return found;
    }
    let strange = strange(bytes);
    if strange == 0 {
        return Content::Text;
    }
    let text = is_mostly_text(strange, bytes);
    if zlib_header(bytes) {
        scratch.truncate(0);
        let body = bytes.get(2..).unwrap_or_default();
        // 0x78 is what zlib writes for its default window: a damaged stream is still one.
        if (bytes.first() == Some(&0x78) && !text) || probe(body, inflater, scratch) {
            return Content::Compressed(Compression::Zlib);
        }
    }
    scratch.truncate(0);
    // Few bytes of any kind inflate to something, so that only plausible output tells deflate from noise. Short text
    // in a stored block is nearly text itself, which is why deflate comes before damaged text.
    if probe(bytes, inflater, scratch) && scratch.len() >= 16 {
        let output = scratch.as_slice();
        if is_text(output) || magic(output).is_some() {
            return Content::Compressed(Compression::Deflate);
        }
    }
    if text { Content::Text } else { Content::Unknown }
}

/// Layers that begin with magic bytes.
fn magic(bytes: &[u8]) -> Option<Content> {
    match bytes {
        [0x1f, 0x8b, ..] => Some(Content::Compressed(Compression::Gzip)),
        _ if zstd::is_frame(bytes) => Some(Content::Compressed(Compression::Zstd)),
        _ if is_aggregate(bytes) => Some(Content::Kpl),
        _ => None,
    }
}

/// CMF and FLG of RFC 1950 section 2.2: deflate, a window of 32 KiB at most, no dictionary, and the check bits.
fn zlib_header(bytes: &[u8]) -> bool {
    let Some(&[cmf, flg]) = bytes.first_chunk::<2>() else { return false };
    cmf & 0x0f == 8 && cmf >> 4 <= 7 && flg & 0x20 == 0 && (u16::from(cmf) << 8 | u16::from(flg)) % 31 == 0
}

/// Whether `stream` inflates without a flaw for as long as a sample is.
fn probe(stream: &[u8], inflater: &mut Inflater, scratch: &mut Arena) -> bool {
    matches!(inflater.inflate(stream, scratch, SAMPLE), Ok(_) | Err((Flaw::Limit, _)))
}

/// Whether `bytes` read as UTF-8 text: one damaged line among good ones does not make a payload binary, so that a tenth
/// of the sample, and one byte of a short text, may be control characters or not UTF-8.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    is_mostly_text(strange(bytes), bytes)
}

fn is_mostly_text(strange: usize, bytes: &[u8]) -> bool {
    strange * 10 <= bytes.len().min(SAMPLE) || (strange == 1 && bytes.len() >= 8)
}

/// How many bytes of the sample are not printable text.
fn strange(bytes: &[u8]) -> usize {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let mut strange = 0;
    if sample.is_ascii() {
        // In blocks whose count fits in a byte, so that sixteen are looked at at once.
        for block in sample.chunks(128) {
            strange += usize::from(block.iter().map(|&c| u8::from(is_control(c))).sum::<u8>());
        }
        return strange;
    }
    let mut read = 0;
    for chunk in sample.utf8_chunks() {
        read += chunk.valid().len() + chunk.invalid().len();
        strange += chunk.valid().bytes().filter(|&c| is_control(c)).count();
        // The sample's end may cut a character in two.
        if read < sample.len() || sample.len() == bytes.len() {
            strange += chunk.invalid().len();
        }
    }
    strange
}

/// Whether a byte is a control character that no text has.
const fn is_control(c: u8) -> bool {
    c < 0x20 && !matches!(c, b'\t' | b'\n' | b'\r')
}

/// Whether the bytes that a text of the base64 alphabet decodes to are worth having: nearly any word decodes to some.
pub(super) fn is_plausible(bytes: &[u8], inflater: &mut Inflater, scratch: &mut Arena) -> bool {
    match find(bytes, inflater, scratch) {
        // A random byte is printable with a chance of 0.37: nine in a row are no accident.
        Content::Text => bytes.len() >= 9 && strange(bytes) == 0,
        Content::Compressed(Compression::Zlib) => {
            scratch.truncate(0);
            probe(bytes.get(2..).unwrap_or_default(), inflater, scratch)
        }
        Content::Unknown => false,
        _ => true,
    }
}

/// How sure it is that a text is base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base64 {
    /// It is not.
    No,
    /// Only if all of it decodes, and to something known: nearly any word is in the alphabet.
    Perhaps,
    /// Its beginning decodes to magic bytes.
    Certain,
}

/// Whether `text` is base64, by its first characters.
pub(super) fn is_base64(text: &[u8], scratch: &mut Arena) -> Base64 {
    let white = |c: u8| matches!(c, b' ' | b'\t' | b'\r' | b'\n');
    let mut prefix = [0_u8; 64];
    let mut length = 0;
    for &c in text.iter().filter(|&&c| !white(c)).take(prefix.len()) {
        if !base64::in_alphabet(c) && (c != b'=' || length < 2) {
            return Base64::No;
        }
        if let Some(place) = prefix.get_mut(length) {
            *place = c;
            length += 1;
        }
    }
    scratch.truncate(0);
    let whole = if length == prefix.len() { length } else { length.max(2) };
    if length < 2 || base64::decode(prefix.get(..whole).unwrap_or_default(), scratch).is_err() {
        return Base64::No;
    }
    let bytes = scratch.as_slice();
    match bytes {
        [0x1f, 0x8b, 8, ..] => Base64::Certain,
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] if bytes.len() >= 16 && !is_text(bytes) => Base64::Certain,
        [b'{', b'"' | b'}' | b' ' | b'\r' | b'\n', ..] if is_text(bytes) => Base64::Certain,
        _ if magic(bytes).is_some_and(|found| found != Content::Compressed(Compression::Gzip)) => Base64::Certain,
        // A flow log line without addresses is in the URL-safe alphabet; base64 text has no blanks between words.
        _ if text.iter().any(|&c| c == b' ' || c == b'\t') => Base64::No,
        _ => Base64::Perhaps,
    }
}
