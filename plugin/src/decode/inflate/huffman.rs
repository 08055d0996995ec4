//! Decoding tables for the Huffman codes of a deflate block (RFC 1951 section 3.2.2).
//!
//! A code is decoded with one table look-up of its first bits; codes longer than the table's width continue in a
//! subtable. Each entry says everything the decoding loop needs, so that the loop has no second look-up for base
//! values or numbers of extra bits. Two short literals in a row are folded into one entry, because flow log text is
//! mostly digits with codes of four to six bits; but not for a short stream.

use super::Flaw;

/// Bits looked up at once for a literal or length: for a stream of so many bytes that a large table pays, and for a short one.
pub(super) const LITLEN_BITS: [u32; 2] = [11, 9];
/// Bits looked up at once for a distance.
pub(super) const DISTANCE_BITS: u32 = 8;
/// Entries of a literal/length table: 2,342 are needed at most (zlib's `enough 288 11 15`); a power of two lets the
/// index be masked instead of checked.
pub(super) const LITLEN_ENTRIES: usize = 4096;
/// Entries of a distance table: 402 are needed at most (`enough 32 8 15`).
pub(super) const DISTANCE_ENTRIES: usize = 512;
/// Bits and entries of the table for the code that code lengths are written in; its codes have at most 7 bits.
pub(super) const PRECODE_BITS: u32 = 7;
pub(super) const PRECODE_ENTRIES: usize = 128;

const MAX_CODE_BITS: usize = 15;
/// Symbols of the largest alphabet, with those that must not occur.
const LONGEST_ALPHABET: usize = 288;

const ONE_LITERAL: u32 = 1 << 11;
const TWO_LITERALS: u32 = 2 << 11;

// An entry, from the lowest bit:
//
//   bits    literal/length                            distance              subtable
//   0- 5    input bits: code and extra bits           same                  bits looked up before it
//   6- 9    of these, bits before the extra bits      same                  its width
//   10      EXCEPTIONAL                               same                  set
//   11-12   number of literals (0 to 2)               0                     0, or END or UNUSED
//   13      MATCH: a length follows the literals      0                     0
//   14-21   first literal                             base (14-28)          its first entry (14-28)
//   22-30   base of the length, or second literal
//
// What the input is shifted by comes first, in as many bits as a shift of 64 bits looks at.

/// The entry stands for something other than literals, a length or a distance: a subtable, or [`END`] or [`UNUSED`].
pub(super) const EXCEPTIONAL: u32 = 1 << 10;
/// With [`EXCEPTIONAL`]: end of block.
pub(super) const END: u32 = 1 << 11;
/// With [`EXCEPTIONAL`]: no symbol has this code.
pub(super) const UNUSED: u32 = 1 << 12;
/// A length is in the entry, after its literals.
pub(super) const MATCH: u32 = 1 << 13;

/// Bits that the entry takes in the input, extra bits included.
#[inline(always)]
pub(super) const fn bits(entry: u32) -> u32 {
    entry & 63
}

/// How many literals the entry holds.
#[inline(always)]
pub(super) const fn literal_count(entry: u32) -> usize {
    (entry >> 11 & 3) as usize
}

/// The entry's literals; those beyond [`literal_count`] mean nothing.
#[inline(always)]
pub(super) const fn literals(entry: u32) -> [u8; 2] {
    ((entry >> 14) as u16).to_le_bytes()
}

/// The extra bits; `buffer` still holds the code.
#[inline(always)]
const fn extra(entry: u32, buffer: u64) -> usize {
    ((buffer & ((1 << bits(entry)) - 1)) >> (entry >> 6 & 15)) as usize
}

/// The length of a [`MATCH`]; `buffer` still holds the code.
#[inline(always)]
pub(super) const fn length(entry: u32, buffer: u64) -> usize {
    (entry >> 22) as usize + extra(entry, buffer)
}

/// The distance, or the precode symbol, of an entry; `buffer` still holds the code.
#[inline(always)]
pub(super) const fn distance(entry: u32, buffer: u64) -> usize {
    (entry >> 14) as usize + extra(entry, buffer)
}

/// Index of the subtable entry that an [`EXCEPTIONAL`] entry points to, after its own bits have been consumed.
#[inline(always)]
pub(super) const fn subtable_index(entry: u32, buffer: u64) -> usize {
    (entry >> 14) as usize + (buffer & ((1 << (entry >> 6 & 15)) - 1)) as usize
}

/// What the symbols of a table mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Code lengths 0 to 15 and the repeat codes 16 to 18.
    Precode,
    /// Literals, end of block and lengths.
    LiteralLength,
    /// Distances.
    Distance,
}

/// Base and extra bits of the length symbols 257 to 285 (RFC 1951 section 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

impl Alphabet {
    /// What the entries of the symbols say besides the lengths of their codes.
    fn meanings(self) -> &'static [u32] {
        match self {
            Alphabet::Precode => &PRECODE,
            Alphabet::LiteralLength => &LITERAL_LENGTH,
            Alphabet::Distance => &DISTANCE,
        }
    }
}

/// The entry of a symbol by its meaning, where its code takes `code_bits` in this (sub)table.
#[inline(always)]
fn entry(meaning: u32, code_bits: u32) -> u32 {
    meaning + (code_bits << 6 | code_bits)
}

static PRECODE: [u32; 19] = precode();
static LITERAL_LENGTH: [u32; 288] = literal_length();
static DISTANCE: [u32; 32] = distances();

/// A base value and a number of extra bits.
const fn with(base: u32, extra: u32) -> u32 {
    base << 14 | extra
}

const fn precode() -> [u32; 19] {
    let mut meanings = [0; 19];
    let mut symbol = 0;
    while symbol < meanings.len() {
        meanings[symbol] = with(symbol as u32, 0);
        symbol += 1;
    }
    meanings
}

const fn literal_length() -> [u32; 288] {
    let mut meanings = [EXCEPTIONAL | UNUSED; 288];
    let mut symbol = 0;
    while symbol < 256 {
        meanings[symbol] = ONE_LITERAL | with(symbol as u32, 0);
        symbol += 1;
    }
    meanings[256] = EXCEPTIONAL | END;
    let mut length = 0;
    while length < LENGTHS.len() {
        let (base, extra) = LENGTHS[length];
        meanings[257 + length] = MATCH | with((base as u32) << 8, extra as u32);
        length += 1;
    }
    meanings
}

const fn distances() -> [u32; 32] {
    let mut meanings = [EXCEPTIONAL | UNUSED; 32];
    let mut symbol = 0;
    while symbol < 30 {
        // Each pair of distance symbols from 4 on has one extra bit more than the pair before.
        meanings[symbol] = if symbol < 4 {
            with(symbol as u32 + 1, 0)
        } else {
            let extra = (symbol as u32 - 2) / 2;
            with(((2 + (symbol as u32 & 1)) << extra) + 1, extra)
        };
        symbol += 1;
    }
    meanings
}

/// Bits of the codes that are put into the table one by one; from there on it is doubled. A copy of some bytes, whose number is
/// not known when the code is compiled, costs a call in WebAssembly.
const SINGLE_BITS: usize = 5;

/// Fills `table` for the code given by the code length of each symbol, for as many bits looked up at once as are given back: `most`
/// or, where `fits`, no more than the longest code has.
///
/// Fails if the lengths give no prefix code. As in zlib, an incomplete code is allowed only with a single code of one
/// bit, and only for lengths and distances.
pub(super) fn build(alphabet: Alphabet, lengths: &[u8], table: &mut [u32], most: u32, fits: bool) -> Result<u32, Flaw> {
    // Most symbols have no code, so that eight at a time are passed over.
    let mut count = [0_u16; MAX_CODE_BITS + 1];
    let mut coded = [0_u16; LONGEST_ALPHABET];
    let mut used = 0;
    let (words, rest) = lengths.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(place, length)| *place = *length);
    for (place, word) in words.iter().chain([&last]).enumerate() {
        let mut word = u64::from_le_bytes(*word);
        while word != 0 {
            let shift = word.trailing_zeros() & 56;
            let length = (word >> shift) as usize & MAX_CODE_BITS;
            word &= !(0xff << shift);
            count[length] += 1;
            if let Some(slot) = coded.get_mut(used) {
                *slot = (length << 9 | place << 3 | shift as usize >> 3) as u16;
                used += 1;
            }
        }
    }
    let coded = coded.get(..used).unwrap_or_default();
    if used == 0 {
        if alphabet == Alphabet::Precode {
            return Err(Flaw::Code);
        }
        let bits = if fits { 1 } else { most };
        fill(table, 0, 1, 1 << bits, EXCEPTIONAL | UNUSED | 1);
        return Ok(bits);
    }
    let longest = (1..=MAX_CODE_BITS).rev().find(|&bits| count[bits] != 0).unwrap_or(1);
    let table_bits = if fits { most.min(longest as u32) } else { most };
    let main = 1_usize << table_bits;
    // The first place of each length among the symbols in the order of their codes.
    let mut next = [0_u16; 1 << 4];
    let (mut left, mut before) = (1_i32, 0);
    for (codes, next) in count.iter().zip(&mut next).skip(1) {
        left = (left << 1) - i32::from(*codes);
        if left < 0 {
            return Err(Flaw::Code);
        }
        *next = before;
        before += codes;
    }
    if left > 0 {
        if alphabet == Alphabet::Precode || longest != 1 {
            return Err(Flaw::Code);
        }
        fill(table, 0, 1, main, EXCEPTIONAL | UNUSED | 1);
    }

    // Symbols in the order of their codes: by length, then by value.
    let mut sorted = [0_u16; 1 << 9];
    for &symbol in coded {
        let place = &mut next[usize::from(symbol >> 9) & MAX_CODE_BITS];
        sorted[usize::from(*place & 511)] = symbol & 511;
        *place += 1;
    }

    // Deflate packs codes starting with their most significant bit, so the look-up sees them reversed. Short codes are put into
    // the first entries, again and again; while codes have `bits` bits, so many bits of the table are filled; it is doubled when
    // longer ones come.
    let meanings = alphabet.meanings();
    let meaning = |symbol: u16| meanings.get(usize::from(symbol)).copied().unwrap_or(EXCEPTIONAL | UNUSED);
    let mut symbols = sorted.iter().take(used);
    let mut reversed = 0_usize;
    let single = SINGLE_BITS.min(table_bits as usize);
    for (bits, &codes) in count.iter().enumerate().take(single + 1).skip(1) {
        for &symbol in symbols.by_ref().take(usize::from(codes)) {
            fill(table, reversed, 1 << bits, 1 << single, entry(meaning(symbol), bits as u32));
            reversed = following(reversed, bits);
        }
    }
    for (bits, &codes) in count.iter().enumerate().take(table_bits as usize + 1).skip(single + 1) {
        let filled = table.get_mut(..1 << bits).ok_or(Flaw::Code)?;
        let (low, high) = filled.split_at_mut(1 << (bits - 1));
        high.copy_from_slice(low);
        for &symbol in symbols.by_ref().take(usize::from(codes)) {
            if let Some(slot) = filled.get_mut(reversed) {
                *slot = entry(meaning(symbol), bits as u32);
            }
            reversed = following(reversed, bits);
        }
    }
    let mut free = main;
    let mut subtable = (usize::MAX, 0_usize, 0_u32); // prefix, start, width
    for bits in table_bits as usize + 1..=longest {
        for (nth, &symbol) in symbols.by_ref().take(usize::from(count[bits])).enumerate() {
            let prefix = reversed & (main - 1);
            if prefix != subtable.0 {
                let width = subtable_width(&count, bits, nth as u16, table_bits);
                subtable = (prefix, free, width);
                free += 1 << width;
                let pointer = EXCEPTIONAL | (subtable.1 as u32) << 14 | width << 6 | table_bits;
                *table.get_mut(prefix).ok_or(Flaw::Code)? = pointer;
            }
            let (_, start, width) = subtable;
            let inner = table.get_mut(start..start + (1 << width)).ok_or(Flaw::Code)?;
            let rest = bits as u32 - table_bits;
            fill(inner, reversed >> table_bits, 1 << rest, 1 << width, entry(meaning(symbol), rest));
            reversed = following(reversed, bits);
        }
    }
    // In a short stream it costs more than it saves.
    if alphabet == Alphabet::LiteralLength
        && !fits
        && let Some(main) = table.get_mut(..main)
    {
        fold_pairs(main, table_bits);
    }
    Ok(table_bits)
}

/// The code after this one of `bits` bits, both with their first bit lowest: what carries does so downwards. Behind the last code
/// comes 0.
#[inline(always)]
fn following(reversed: usize, bits: usize) -> usize {
    let zeros = !reversed & ((1 << bits) - 1);
    // The highest bit that is not set yet; those above it carry and are cleared.
    let Some(carry) = zeros.checked_ilog2() else { return 0 };
    reversed & ((1 << carry) - 1) | 1 << carry
}

fn fill(table: &mut [u32], first: usize, step: usize, end: usize, entry: u32) {
    if let Some(slots) = table.get_mut(first..end) {
        slots.iter_mut().step_by(step).for_each(|slot| *slot = entry);
    }
}

/// The width of a subtable that begins with the `nth` code of length `bits`: wide enough for the codes that remain.
fn subtable_width(count: &[u16; MAX_CODE_BITS + 1], bits: usize, nth: u16, table_bits: u32) -> u32 {
    let mut width = bits as u32 - table_bits;
    let mut codes = i32::from(count[bits] - nth);
    let mut length = bits;
    while codes < 1 << width && length < MAX_CODE_BITS {
        length += 1;
        width += 1;
        codes = (codes << 1) + i32::from(count[length]);
    }
    width
}

/// Folds a literal with the literal or length that follows it, where both codes fit into the main table's width.
fn fold_pairs(table: &mut [u32], table_bits: u32) {
    // Downwards: the second symbol is looked up at a smaller index (some leading bits dropped), which must still hold
    // a single symbol. Index 0 refers to itself and is therefore read before it is replaced.
    for index in (0..table.len()).rev() {
        let first = table[index];
        if first & (EXCEPTIONAL | MATCH) != 0 {
            continue;
        }
        let second = table[index >> bits(first)];
        let before_extra = bits(first) + (second >> 6 & 15);
        if second & EXCEPTIONAL != 0 || before_extra > table_bits {
            continue;
        }
        let kind = if second & MATCH != 0 {
            MATCH | ONE_LITERAL | second & 0x7fc0_0000
        } else {
            TWO_LITERALS | second << 8 & 0x3fc0_0000
        };
        table[index] = kind | first & 0x003f_c000 | before_extra << 6 | (bits(first) + bits(second));
    }
}
