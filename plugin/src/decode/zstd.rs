//! Zstandard frames (RFC 8878), by the crate `ruzstd`.
//!
//! What a frame may demand is bounded before the decoder sees it: a window larger than all that may be decoded is never needed, so
//! the decoder is told of a smaller one, and memory follows the limit rather than the header.

use std::borrow::Cow;
use std::io::{self, Write};

use ruzstd::decoding::errors::{
    BlockHeaderReadError, DecodeBlockContentError, DecompressBlockError, ExecuteSequencesError, FrameDecoderError,
};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::arena::Arena;
use super::compressed::{Fault, fault};

/// Magic bytes of a frame (section 3.1.1).
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Bytes decoded before they are taken over and counted; a block has 128 KiB at most.
const STEP: usize = 128 << 10;

/// Whether a frame, with data or to be skipped, begins here.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || is_skippable(bytes)
}

/// Frames for the use of others (section 3.1.2).
fn is_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The part of a frame before its blocks (section 3.1.1.1).
struct Header {
    bytes: [u8; 18],
    length: usize,
    /// Bytes that the content will have, where it says so.
    content: Option<u64>,
}

impl Header {
    /// Reads a header and makes its window no larger than it need be for `room` bytes. `None`: it is cut off.
    fn read(input: &[u8], room: usize) -> Option<Header> {
        let &descriptor = input.get(4)?;
        let is_single = descriptor & 0x20 != 0;
        let content_at = 5 + usize::from(!is_single) + [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content_length = match descriptor >> 6 {
            0 => usize::from(is_single),
            flag => 1 << flag,
        };
        let length = content_at + content_length;
        let mut bytes = [0; 18];
        bytes.get_mut(..length)?.copy_from_slice(input.get(..length)?);
        let mut content = [0; 8];
        content.get_mut(..content_length)?.copy_from_slice(bytes.get(content_at..length)?);
        let content = u64::from_le_bytes(content) + if content_length == 2 { 256 } else { 0 };
        if !is_single {
            // The exponent over 1 KiB, and eighths (section 3.1.1.1.2).
            let enough = room.max(STEP).next_power_of_two().trailing_zeros() as u8 - 10;
            if bytes[5] >> 3 >= enough {
                bytes[5] = enough << 3;
            }
        }
        Some(Header { bytes, length, content: (content_length > 0).then_some(content) })
    }
}

/// Decodes the frame at the start of `input` and returns its length.
pub(super) fn frame(input: &[u8], output: &mut Arena, limit: usize) -> Result<usize, Fault> {
    let cut = |what| fault(input.len(), format!("the frame ends before {what}; the record was cut off"));
    if is_skippable(input) {
        let size = input.get(4..).and_then(|rest| rest.first_chunk::<4>()).ok_or_else(|| cut("its size"))?;
        let length = (u32::from_le_bytes(*size) as usize).saturating_add(8);
        return if length > input.len() { Err(cut("its end")) } else { Ok(length) };
    }
    let room = limit.saturating_sub(output.len());
    let header = Header::read(input, room).ok_or_else(|| cut("its blocks"))?;
    if header.content.is_some_and(|content| content > room as u64) {
        return Err((4, None));
    }
    let mut decoder = FrameDecoder::new();
    let begun = decoder.reset(&header.bytes[..header.length]);
    begun.map_err(|error| match error {
        FrameDecoderError::DictNotProvided { dict_id } => {
            fault(4, format!("it was compressed with the dictionary {dict_id}; {WITHOUT}"))
        }
        _ => fault(4, "the header of the frame is damaged, or asks for a window of more than 128 MiB"),
    })?;
    let mut rest = input.get(header.length..).unwrap_or_default();
    let mut taken = Taken { output, limit, is_over: false };
    loop {
        let step = decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBytes(STEP));
        let at = input.len() - rest.len();
        let is_last = match step {
            Ok(is_last) => is_last,
            Err(error) => {
                return Err(of_block(&error).map_or_else(|| cut("its last block"), |reason| fault(at, reason)));
            }
        };
        let written = decoder.collect_to_writer(&mut taken);
        if taken.is_over || written.is_err() {
            return Err((at, None));
        }
        if is_last {
            let stored = decoder.get_checksum_from_data();
            let computed = decoder.get_calculated_checksum();
            return match stored {
                Some(stored) if computed != Some(stored) => Err(fault(
                    at.saturating_sub(4),
                    format!(
                        "the XXH64 of the data is {:08x}, the frame says {stored:08x}; the data is damaged",
                        computed.unwrap_or(0)
                    ),
                )),
                _ => Ok(at),
            };
        }
    }
}

const WITHOUT: &str = "dictionaries are not read, so it must be compressed without one";

/// What is wrong with a block. `None`: it is cut off.
fn of_block(error: &FrameDecoderError) -> Option<Cow<'static, str>> {
    use DecodeBlockContentError::{DecompressBlockError as Compressed, ReadError};
    use FrameDecoderError::{FailedToReadBlockBody as Body, FailedToReadBlockHeader as Header, FailedToReadChecksum};
    Some(match error {
        Header(BlockHeaderReadError::ReadError(_))
        | Body(ReadError { .. } | Compressed(DecompressBlockError::BlockContentReadError(_)))
        | FailedToReadChecksum(_) => return None,
        Header(BlockHeaderReadError::FoundReservedBlock) => "a block has the reserved type 3; the data is damaged".into(),
        Body(Compressed(DecompressBlockError::ExecuteSequencesError(ExecuteSequencesError::DecodebufferError(_)))) => {
            format!("a block repeats what is not in the frame: it is damaged, or was compressed with a dictionary; {WITHOUT}").into()
        }
        _ => "a block is damaged".into(),
    })
}

/// Takes over what is decoded, up to the limit.
struct Taken<'a> {
    output: &'a mut Arena,
    limit: usize,
    is_over: bool,
}

impl Write for Taken<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.is_over |= self.output.len() + data.len() > self.limit;
        if !self.is_over {
            self.output.extend(data, self.limit);
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
