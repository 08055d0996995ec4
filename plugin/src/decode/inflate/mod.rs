//! Inflate: the inverse of deflate (RFC 1951), whole input to whole output.
//!
//! Payloads arrive complete and the envelope needs the whole document, so that the output buffer is the window and
//! there is no state to suspend. That, and tables that fold two symbols into one look-up, make up for what the general
//! libraries lose in WebAssembly. Everything is safe code; the tests compare it with another implementation on valid,
//! damaged and arbitrary input.
//!
//! The output never grows beyond the limit given, whatever the input claims.

mod huffman;
#[cfg(test)]
mod tests;

use super::arena::Arena;
use super::crc32::Crc32;
use huffman::{Alphabet, DISTANCE_BITS, DISTANCE_ENTRIES, END, EXCEPTIONAL, LITLEN_BITS, LITLEN_ENTRIES, MATCH};
use huffman::{PRECODE_BITS, PRECODE_ENTRIES, UNUSED};

/// The longest match (RFC 1951 section 3.2.5).
const MAX_MATCH: usize = 258;
/// Free output that the fast loop needs for one round: literals, a match, and what its wide copies overshoot.
const FAST_OUTPUT: usize = 16 + MAX_MATCH + OVERSHOOT;
/// Bytes of a stream below which filling a large table costs more than it saves.
const SHORT: usize = 2048;
/// Bytes beyond a match that its copy may overwrite.
const OVERSHOOT: usize = 32;

/// Why a deflate stream is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The input ends inside the stream.
    Truncated,
    /// Block type 3, which is reserved.
    BlockType,
    /// The length of a stored block and its complement do not agree.
    StoredLength,
    /// The code lengths of a block describe no prefix code.
    Code,
    /// A code that stands for no symbol.
    Symbol,
    /// A distance that reaches before the start of the output.
    Distance,
    /// The output limit is reached.
    Limit,
}

impl Flaw {
    /// What is wrong, in the words of RFC 1951.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Flaw::Truncated => "the stream ends before its final block does; the record was cut off",
            Flaw::BlockType => "block type 3 is reserved; the stream is damaged",
            Flaw::StoredLength => "the length of a stored block does not match its complement; the stream is damaged",
            Flaw::Code => "the code lengths of a block form no Huffman code; the stream is damaged",
            Flaw::Symbol => "a code stands for no symbol; the stream is damaged",
            Flaw::Distance => "a match reaches back before the start of the output; the stream is damaged",
            Flaw::Limit => "the output limit is reached",
        }
    }
}

/// A reusable inflater: it owns the decoding tables, and those of the checksum that goes with them.
pub(super) struct Inflater {
    litlen: Box<[u32; LITLEN_ENTRIES]>,
    distance: Box<[u32; DISTANCE_ENTRIES]>,
    precode: Box<[u32; PRECODE_ENTRIES]>,
    /// Bits looked up at once in the first two.
    litlen_bits: u32,
    distance_bits: u32,
    /// The stream is so short that filling large tables costs more than it saves.
    is_short: bool,
    crc32: Crc32,
}

/// The input and the bits taken from it but not used yet.
struct Bits<'a> {
    input: &'a [u8],
    position: usize,
    /// The next bits, first bit lowest. Bits above `count` may already hold the input that follows.
    buffer: u64,
    count: u32,
    /// Zero bytes given beyond the end of the input.
    overrun: u32,
}

impl Bits<'_> {
    /// Tops the buffer up to at least 56 bits; beyond the end of the input with zeros.
    #[inline]
    fn refill(&mut self) {
        if let Some(&word) = self.input.get(self.position..).and_then(|rest| rest.first_chunk::<8>()) {
            self.buffer |= u64::from_le_bytes(word) << self.count;
            self.position += (63 - self.count as usize) >> 3;
            self.count |= 56;
            return;
        }
        while self.count <= 55 {
            match self.input.get(self.position) {
                Some(&byte) => {
                    self.buffer |= u64::from(byte) << self.count;
                    self.position += 1;
                }
                None => self.overrun += 1,
            }
            self.count += 8;
        }
    }

    #[inline(always)]
    fn consume(&mut self, bits: u32) {
        self.buffer >>= bits;
        self.count -= bits;
    }

    /// The next `bits` (at most 32) bits; the caller has refilled.
    #[inline]
    fn take(&mut self, bits: u32) -> u32 {
        let value = (self.buffer & ((1 << bits) - 1)) as u32;
        self.consume(bits);
        value
    }

    /// Whether bits beyond the end of the input have been used.
    #[inline]
    fn overran(&self) -> bool {
        self.overrun * 8 > self.count
    }

    /// The first byte of which no bit has been used.
    fn byte_position(&self) -> usize {
        (self.position + self.overrun as usize).saturating_sub(self.count as usize / 8).min(self.input.len())
    }

    /// Drops the rest of the current byte and empties the buffer.
    fn align(&mut self) {
        self.position = self.byte_position();
        (self.buffer, self.count, self.overrun) = (0, 0, 0);
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Inflater {
            litlen: Box::new([0; LITLEN_ENTRIES]),
            distance: Box::new([0; DISTANCE_ENTRIES]),
            precode: Box::new([0; PRECODE_ENTRIES]),
            litlen_bits: LITLEN_BITS[0],
            distance_bits: DISTANCE_BITS,
            is_short: false,
            crc32: Crc32::default(),
        }
    }
}

impl Inflater {
    /// The CRC-32 of what a stream held.
    pub(super) fn crc32(&mut self, data: &[u8]) -> u32 {
        #[cfg(feature = "peer-crc32fast")]
        return crc32fast::hash(data);
        #[cfg(not(feature = "peer-crc32fast"))]
        self.crc32.of(data)
    }

    /// Appends the output of the stream at the start of `input` to `output`, which may hold `limit` bytes in all.
    ///
    /// Returns the number of bytes the stream takes in the input, or the flaw and the offset where it was noticed. The
    /// window begins at the output's present end: a stream cannot refer to what came before it.
    pub(super) fn inflate(&mut self, input: &[u8], output: &mut Arena, limit: usize) -> Result<usize, (Flaw, usize)> {
        #[cfg(any(feature = "peer-miniz", feature = "peer-zlib-rs"))]
        if let Some(length) = super::peers::inflate(input, output, limit) {
            return Ok(length);
        }
        let mut bits = Bits { input, position: 0, buffer: 0, count: 0, overrun: 0 };
        self.is_short = input.len() < SHORT;
        let start = output.len();
        let result = self.blocks(&mut bits, output, start, limit);
        // Data that ran out is the cause, whatever the zeros behind it then looked like.
        let flaw = if bits.overran() { Err(Flaw::Truncated) } else { result };
        flaw.map(|()| bits.byte_position()).map_err(|flaw| (flaw, bits.byte_position()))
    }

    fn blocks(&mut self, bits: &mut Bits<'_>, output: &mut Arena, start: usize, limit: usize) -> Result<(), Flaw> {
        loop {
            bits.refill();
            let last = bits.take(1) == 1;
            match bits.take(2) {
                0 => stored(bits, output, limit)?,
                1 => {
                    self.fixed_codes()?;
                    self.compressed(bits, output, start, limit)?;
                }
                2 => {
                    self.dynamic_codes(bits)?;
                    self.compressed(bits, output, start, limit)?;
                }
                _ => return Err(Flaw::BlockType),
            }
            if bits.overran() {
                return Err(Flaw::Truncated);
            }
            if last {
                return Ok(());
            }
        }
    }

    /// The codes of block type 1 (RFC 1951 section 3.2.6).
    fn fixed_codes(&mut self) -> Result<(), Flaw> {
        let mut lengths = [8_u8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.codes(&lengths, &[5; 32])
    }

    /// The tables for the codes of literals and lengths, and of distances.
    fn codes(&mut self, litlen: &[u8], distance: &[u8]) -> Result<(), Flaw> {
        let (bits, fits) = (LITLEN_BITS[usize::from(self.is_short)], self.is_short);
        self.litlen_bits = huffman::build(Alphabet::LiteralLength, litlen, &mut self.litlen[..], bits, fits)?;
        self.distance_bits = huffman::build(Alphabet::Distance, distance, &mut self.distance[..], DISTANCE_BITS, true)?;
        Ok(())
    }

    /// Reads the codes of block type 2 (RFC 1951 section 3.2.7).
    fn dynamic_codes(&mut self, bits: &mut Bits<'_>) -> Result<(), Flaw> {
        /// The order in which the lengths of the code length codes are stored.
        const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let litlens = bits.take(5) as usize + 257;
        let distances = bits.take(5) as usize + 1;
        let precodes = bits.take(4) as usize + 4;
        if litlens > 286 || distances > 30 {
            return Err(Flaw::Code);
        }
        let mut lengths = [0_u8; 19];
        for &symbol in ORDER.iter().take(precodes) {
            bits.refill();
            if let Some(length) = lengths.get_mut(usize::from(symbol)) {
                *length = bits.take(3) as u8;
            }
        }
        let precode_bits = huffman::build(Alphabet::Precode, &lengths, &mut self.precode[..], PRECODE_BITS, true)?;
        let precode_mask = ((1 << precode_bits) - 1) & (PRECODE_ENTRIES - 1);

        // As much longer as a run that is written at once may reach beyond the last symbol.
        let mut lengths = [0_u8; 286 + 30 + 8];
        let total = litlens + distances;
        let mut filled = 0;
        while filled < total {
            bits.refill();
            if bits.overran() {
                return Err(Flaw::Truncated);
            }
            // A refill is enough for some symbols, of 14 bits at most each.
            for _ in 0..4 {
                let entry = self.precode[bits.buffer as usize & precode_mask];
                let symbol = huffman::distance(entry, bits.buffer);
                bits.consume(huffman::bits(entry));
                let times = match symbol {
                    0..=15 => {
                        if let Some(place) = lengths.get_mut(filled) {
                            *place = symbol as u8;
                        }
                        1
                    }
                    16 => {
                        let before = filled.checked_sub(1).and_then(|before| lengths.get(before)).copied();
                        let before = before.ok_or(Flaw::Code)?;
                        let times = 3 + bits.take(2) as usize;
                        if let Some(place) = lengths.get_mut(filled..).and_then(|rest| rest.first_chunk_mut::<8>()) {
                            *place = [before; 8];
                        }
                        if let Some(place) =
                            lengths.get_mut(filled + times..).and_then(|rest| rest.first_chunk_mut::<8>())
                        {
                            *place = [0; 8];
                        }
                        times
                    }
                    // The lengths are 0 before they are read.
                    17 => 3 + bits.take(3) as usize,
                    _ => 11 + bits.take(7) as usize,
                };
                filled += times;
                if filled >= total {
                    break;
                }
            }
        }
        if filled > total {
            return Err(Flaw::Code);
        }
        let (litlen, distance) = lengths.split_at(litlens);
        if litlen.get(256) == Some(&0) {
            return Err(Flaw::Code); // the block could not end
        }
        self.codes(litlen, &distance[..distances])
    }

    /// Which bits make an index of the main table.
    #[inline(always)]
    fn litlen_mask(&self) -> usize {
        ((1 << self.litlen_bits) - 1) & (LITLEN_ENTRIES - 1)
    }

    #[inline(always)]
    fn distance_mask(&self) -> usize {
        ((1 << self.distance_bits) - 1) & (DISTANCE_ENTRIES - 1)
    }

    /// The symbols of a block up to its end.
    fn compressed(&self, bits: &mut Bits<'_>, output: &mut Arena, start: usize, limit: usize) -> Result<(), Flaw> {
        loop {
            if self.fast(bits, output, start, limit)? {
                return if output.len() > limit { Err(Flaw::Limit) } else { Ok(()) };
            }
            if output.len() > limit {
                return Err(Flaw::Limit);
            }
            output.reserve(FAST_OUTPUT, limit.saturating_add(FAST_OUTPUT));
            if self.symbol(bits, output, start)? {
                return if output.len() > limit { Err(Flaw::Limit) } else { Ok(()) };
            }
            if bits.overran() {
                return Err(Flaw::Truncated);
            }
        }
    }

    /// Decodes one literal or match with every check; true at the end of the block.
    fn symbol(&self, bits: &mut Bits<'_>, output: &mut Arena, start: usize) -> Result<bool, Flaw> {
        bits.refill();
        let mut entry = self.litlen[bits.buffer as usize & self.litlen_mask()];
        if entry & EXCEPTIONAL != 0 && entry & (END | UNUSED) == 0 {
            bits.consume(huffman::bits(entry));
            entry = self.litlen[huffman::subtable_index(entry, bits.buffer) & (LITLEN_ENTRIES - 1)];
        }
        let code = bits.buffer;
        bits.consume(huffman::bits(entry));
        if entry & EXCEPTIONAL != 0 {
            return if entry & END != 0 { Ok(true) } else { Err(Flaw::Symbol) };
        }
        for literal in huffman::literals(entry).into_iter().take(huffman::literal_count(entry)) {
            output.push(literal);
        }
        if entry & MATCH == 0 {
            return Ok(false);
        }
        let length = huffman::length(entry, code);
        bits.refill();
        let mut entry = self.distance[bits.buffer as usize & self.distance_mask()];
        if entry & EXCEPTIONAL != 0 && entry & UNUSED == 0 {
            bits.consume(huffman::bits(entry));
            entry = self.distance[huffman::subtable_index(entry, bits.buffer) & (DISTANCE_ENTRIES - 1)];
        }
        if entry & EXCEPTIONAL != 0 {
            return Err(Flaw::Symbol);
        }
        let distance = huffman::distance(entry, bits.buffer);
        bits.consume(huffman::bits(entry));
        if distance > output.len() - start {
            return Err(Flaw::Distance);
        }
        for _ in 0..length {
            output.push(output.byte_back(distance));
        }
        Ok(false)
    }

    /// Decodes while input and output have room for the widest round, without a check for each byte; true at the end
    /// of the block.
    fn fast(&self, bits: &mut Bits<'_>, output: &mut Arena, start: usize, limit: usize) -> Result<bool, Flaw> {
        let (out, filled) = output.parts();
        let mut to = *filled;
        let (mut buffer, mut count) = (bits.buffer, bits.count);
        let mut input = bits.input.get(bits.position..).unwrap_or_default();
        let litlen = &*self.litlen;
        let mask = self.litlen_mask();
        let distances = &*self.distance;
        let distance_mask = self.distance_mask();
        // Not the arena's size alone: what is found must not depend on how large an earlier payload has made it.
        let last_output = out.len().saturating_sub(FAST_OUTPUT).min(limit);

        macro_rules! consume {
            ($entry:ident) => {
                buffer >>= huffman::bits($entry);
                // Only the lowest six bits of the count are looked at here.
                count = count.wrapping_sub($entry);
            };
        }
        // Literals of an entry that holds nothing else, and the entry behind it.
        macro_rules! literals {
            ($place:ident, $at:ident, $entry:ident) => {
                // Written beyond those that there are, which are never more than the place has room for.
                if let Some(place) = $place.get_mut($at..$at + 2) {
                    place.copy_from_slice(&huffman::literals($entry));
                }
                $at += huffman::literal_count($entry);
                consume!($entry);
                $entry = litlen[buffer as usize & mask];
            };
        }

        let Some(&word) = input.first_chunk::<8>() else { return Ok(false) };
        buffer |= u64::from_le_bytes(word) << count;
        let mut entry = litlen[buffer as usize & mask];
        let result = loop {
            // A refill leaves 64 valid bits, though only 56 to 63 of them are counted. A round takes 48 at most (20
            // for a length, 28 for a distance; 44 for literals), so that the next entry can be looked up before the next refill.
            if to >= last_output {
                break Ok(false);
            }
            let Some(&word) = input.first_chunk::<8>() else { break Ok(false) };
            buffer |= u64::from_le_bytes(word) << (count & 63);
            input = input.get(((!count as usize) >> 3 & 7)..).unwrap_or_default();
            count |= 56;

            if entry & MATCH == 0 {
                if entry & (EXCEPTIONAL | END | UNUSED) == EXCEPTIONAL {
                    consume!(entry);
                    entry = litlen[huffman::subtable_index(entry, buffer) & (LITLEN_ENTRIES - 1)];
                }
                if entry & EXCEPTIONAL != 0 {
                    consume!(entry);
                    break if entry & END != 0 { Ok(true) } else { Err(Flaw::Symbol) };
                }
                if entry & MATCH == 0 {
                    let Some(place) = out.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<16>()) else {
                        break Ok(false);
                    };
                    let mut at = 0;
                    literals!(place, at, entry);
                    // Literals follow literals, and there are bits left for more look-ups.
                    if entry & (MATCH | EXCEPTIONAL) == 0 {
                        literals!(place, at, entry);
                        if entry & (MATCH | EXCEPTIONAL) == 0 && to + at < last_output {
                            literals!(place, at, entry);
                            if entry & (MATCH | EXCEPTIONAL) == 0 {
                                literals!(place, at, entry);
                            }
                        }
                    }
                    to += at;
                    continue;
                }
            }
            let Some(place) = out.get_mut(to..to + 2) else { break Ok(false) };
            place.copy_from_slice(&huffman::literals(entry));
            to += huffman::literal_count(entry);
            let length = huffman::length(entry, buffer);
            consume!(entry);

            entry = distances[buffer as usize & distance_mask];
            if entry & EXCEPTIONAL != 0 {
                if entry & UNUSED == 0 {
                    consume!(entry);
                    entry = distances[huffman::subtable_index(entry, buffer) & (DISTANCE_ENTRIES - 1)];
                }
                if entry & EXCEPTIONAL != 0 {
                    break Err(Flaw::Symbol);
                }
            }
            let distance = huffman::distance(entry, buffer);
            consume!(entry);
            entry = litlen[buffer as usize & mask];
            if distance > to - start {
                break Err(Flaw::Distance);
            }
            copy_match(out, to, distance, length);
            to += length;
        };
        *filled = to;
        (bits.buffer, bits.count, bits.position) = (buffer, count & 63, bits.input.len() - input.len());
        result
    }
}

/// Repeats `length` bytes from `distance` back, in steps that may overshoot by [`OVERSHOOT`] bytes.
#[inline(always)]
fn copy_match(out: &mut [u8], to: usize, distance: usize, length: usize) {
    let from = to - distance;
    // One slice for both ends, so that one check covers the whole copy.
    let Some(area) = out.get_mut(from..to + length + OVERSHOOT) else { return };
    if distance >= OVERSHOOT {
        // One step without asking: nearly all matches in flow logs are shorter than that.
        let (source, place) = area.split_at_mut(distance);
        let (Some(block), Some(first)) = (source.first_chunk(), place.first_chunk_mut::<OVERSHOOT>()) else { return };
        *first = *block;
        let mut at = OVERSHOOT;
        while at < length {
            copy_step::<OVERSHOOT>(area, at, distance);
            at += OVERSHOOT;
        }
    } else if distance >= 16 {
        copy_step::<16>(area, 0, distance);
        copy_step::<16>(area, 16, distance);
        let mut at = 32;
        while at < length {
            copy_step::<16>(area, at, distance);
            at += 16;
        }
    } else if distance >= 8 {
        let mut at = 0;
        while at < length {
            copy_step::<8>(area, at, distance);
            at += 8;
        }
    } else {
        for at in 0..length {
            let Some(&byte) = area.get(at) else { return };
            if let Some(place) = area.get_mut(at + distance) {
                *place = byte;
            }
        }
    }
}

#[inline(always)]
fn copy_step<const N: usize>(area: &mut [u8], at: usize, distance: usize) {
    let Some(&chunk) = area.get(at..).and_then(|rest| rest.first_chunk::<N>()) else { return };
    let Some(place) = area.get_mut(at + distance..).and_then(|rest| rest.first_chunk_mut::<N>()) else { return };
    *place = chunk;
}

/// A stored block (RFC 1951 section 3.2.4).
fn stored(bits: &mut Bits<'_>, output: &mut Arena, limit: usize) -> Result<(), Flaw> {
    bits.align();
    let rest = bits.input.get(bits.position..).unwrap_or_default();
    let Some((&[l0, l1, n0, n1], data)) = rest.split_first_chunk::<4>() else {
        bits.position = bits.input.len();
        return Err(Flaw::Truncated);
    };
    let length = u16::from_le_bytes([l0, l1]);
    if length != !u16::from_le_bytes([n0, n1]) {
        return Err(Flaw::StoredLength);
    }
    let Some(data) = data.get(..usize::from(length)) else {
        bits.position = bits.input.len();
        return Err(Flaw::Truncated);
    };
    let room = limit.saturating_sub(output.len());
    output.extend(data.get(..room).unwrap_or(data), limit.saturating_add(FAST_OUTPUT));
    if data.len() > room {
        return Err(Flaw::Limit);
    }
    bits.position += 4 + data.len();
    Ok(())
}
