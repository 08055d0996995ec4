//! CRC-32 as gzip uses it (RFC 1952 section 8; polynomial 0x04C11DB7, reflected).
//!
//! WebAssembly has no carry-less multiplication, and a table-driven CRC costs more than a third of inflating. Long
//! input is therefore first folded with a sparse multiple of the polynomial (the idea of "Chorba: a novel CRC32
//! implementation", Russell 2024): y³⁰⁰ + y¹⁵⁵ + y¹¹⁷ + y⁸⁹ + 1 is divisible by the CRC polynomial, and, because
//! squaring maps roots to roots, still is with y = x⁶⁴. So a 64-bit word may be removed from the message if it is
//! added (exclusive or) to the words 145, 183, 211 and 300 further on: four whole-word operations for eight bytes, with
//! no table, and independent of each other over 145 words. Only the last 300 words go through the tables. Small payloads
//! have little more than that, so that shorter input is folded with a multiple of nine terms, after which 72 words are left.

const POLYNOMIAL: u32 = 0xedb8_8320;

/// Words that a folded word still influences.
const REACH: usize = 300;
/// Distances at which a word is added again.
const TAPS: [usize; 4] = [145, 183, 211, REACH];
/// Words folded without dependence on each other; not more than the shortest tap.
const STRIDE: usize = 128;
/// Words folded between moves of the history to the front of the working buffer.
const ROUND: usize = 8 * STRIDE;

/// The same for shorter input, by a multiple that is less sparse and reaches less far: y⁶⁶ + y⁵⁷ + y³⁷ + y³² + y¹⁹ + y¹⁸ + y³ + y² + 1.
const NEAR_TAPS: [usize; 8] = [9, 29, 34, 47, 48, 63, 64, 66];
/// Bytes folded at once: eight words.
const NEAR_BLOCK: usize = 64;
/// Blocks that a folded one still influences, and their bytes.
const NEAR_REACH: usize = 9;
const NEAR_PAST: usize = NEAR_REACH * NEAR_BLOCK;
/// Bytes of the working buffer: of what is too short for the sparse multiple, and of zeros before and behind it.
const NEAR_WORK: usize = 2 * NEAR_PAST + 8 * (REACH + STRIDE + ROUND);

/// Bytes that go through the tables at once.
const STEP: usize = 16;

/// The tables of CRC-32. They take 16 KB, which are made when they are needed and so take no room in the artifacts.
pub(crate) struct Crc32 {
    /// `tables[k][b]`: the CRC of byte `b` followed by `k` zero bytes.
    tables: Box<[[u32; 256]; STEP]>,
    /// Where shorter input is folded. Nothing in it matters from one call to the next.
    near: Box<[u8; NEAR_WORK]>,
}

impl Default for Crc32 {
    fn default() -> Self {
        let mut tables = Box::new([[0; 256]; STEP]);
        for byte in 0..256 {
            let bits = (0..8).fold(byte as u32, |crc, _| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 });
            tables[0][byte] = bits;
        }
        for k in 1..STEP {
            for byte in 0..256 {
                let before = tables[k - 1][byte];
                tables[k][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            }
        }
        Crc32 { tables, near: Box::new([0; NEAR_WORK]) }
    }
}

impl Crc32 {
    /// The CRC-32 of `data`.
    pub(crate) fn of(&mut self, data: &[u8]) -> u32 {
        let (words, _) = data.as_chunks::<8>();
        // The last words stay for the tables; below a few rounds folding does not pay.
        let folded = words.len().saturating_sub(REACH) / STRIDE * STRIDE;
        if folded < ROUND {
            return !self.near(data).unwrap_or_else(|| self.sliced(!0, data));
        }
        let mut work = [0_u64; REACH + ROUND];
        let mut first = 0xffff_ffff_u64; // the initial value of the CRC, added to the first four bytes
        let (folded_words, _) = words.split_at(folded);
        for round in folded_words.chunks(ROUND) {
            for (stride, input) in round.chunks_exact(STRIDE).enumerate() {
                let (past, now) = work.split_at_mut(REACH + stride * STRIDE);
                fold(past, now, input);
                // The first word's taps lie beyond this stride, so that it can be corrected afterwards.
                now[0] ^= first;
                first = 0;
            }
            work.copy_within(round.len()..round.len() + REACH, 0);
        }

        // What the folded words leave behind is added to the remaining input, with nothing left to fold into it.
        let tail = data.get(folded * 8..).unwrap_or_default();
        let (tail_words, _) = tail.as_chunks::<8>();
        let mut rest = [[0_u8; 8]; REACH];
        for (k, (slot, word)) in rest.iter_mut().zip(tail_words).enumerate() {
            // Word k after the folded ones receives the word `tap` before it, if that is a folded one.
            let carried = TAPS.iter().filter(|tap| k < **tap).fold(0, |carried, tap| carried ^ work[REACH + k - tap]);
            *slot = (u64::from_le_bytes(*word) ^ carried).to_le_bytes();
        }
        let crc = self.sliced(0, rest.as_flattened());
        !self.sliced(crc, tail.get(REACH * 8..).unwrap_or_default())
    }

    /// The CRC of input that is too short for the sparse multiple, without the final complement; none of what is even shorter.
    fn near(&mut self, data: &[u8]) -> Option<u32> {
        let (blocks, end) = data.as_chunks::<NEAR_BLOCK>();
        let (folded, tail) = blocks.split_at_checked(blocks.len().checked_sub(NEAR_REACH)?)?;
        if folded.len() < NEAR_REACH {
            return None;
        }
        let work = &mut self.near[..];
        work.first_chunk_mut::<NEAR_PAST>()?.fill(0);
        // The initial value of the CRC. The first word's taps lie beyond its block.
        let mut first = [0xff; 4];
        for (block, at) in folded.iter().zip((0..).step_by(NEAR_BLOCK)) {
            let area = work.get_mut(at..)?.first_chunk_mut()?;
            let mut words = folded_near(area, block);
            words.iter_mut().zip(std::mem::take(&mut first)).for_each(|(byte, first)| *byte ^= first);
            *area.last_chunk_mut()? = words;
        }
        // What the folded words leave behind is added to the remaining input, with nothing left to fold into it.
        let work = work.get_mut(folded.len() * NEAR_BLOCK..)?.first_chunk_mut::<{ 2 * NEAR_PAST }>()?;
        work[NEAR_PAST..].fill(0);
        let mut rest = [[0; NEAR_BLOCK]; NEAR_REACH];
        for ((block, rest), at) in tail.iter().zip(&mut rest).zip((0..).step_by(NEAR_BLOCK)) {
            *rest = folded_near(work.get(at..)?.first_chunk()?, block);
        }
        let crc = self.sliced(0, rest.as_flattened());
        Some(self.sliced(crc, end))
    }

    /// Table-driven CRC of sixteen bytes at once, without the final complement. Only one look-up in four has to wait for the
    /// step before.
    fn sliced(&self, mut crc: u32, data: &[u8]) -> u32 {
        let (blocks, rest) = data.as_chunks::<STEP>();
        let tables = &*self.tables;
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15] = tables;
        for block in blocks {
            // In words of eight bytes: of a vector, each byte would have to be taken out by itself.
            let (words, _) = block.as_chunks::<8>();
            let &[low, high] = words else { break };
            let low = u64::from_le_bytes(low) ^ u64::from(crc);
            let [a, b, c, d, e, f, g, h] = low.to_le_bytes().map(usize::from);
            let [i, j, k, l, m, n, o, p] = high.map(usize::from);
            let first = t15[a] ^ t14[b] ^ t13[c] ^ t12[d];
            let others =
                t11[e] ^ t10[f] ^ t9[g] ^ t8[h] ^ t7[i] ^ t6[j] ^ t5[k] ^ t4[l] ^ t3[m] ^ t2[n] ^ t1[o] ^ t0[p];
            crc = first ^ others;
        }
        for &byte in rest {
            crc = crc >> 8 ^ tables[0][((crc ^ u32::from(byte)) & 0xff) as usize];
        }
        crc
    }
}

/// The words of a block, each with the eight earlier ones added that fold into it. The area ends with the block's own place.
#[inline(always)]
fn folded_near(area: &[u8; NEAR_PAST + NEAR_BLOCK], block: &[u8; NEAR_BLOCK]) -> [u8; NEAR_BLOCK] {
    let mut folded = [0; NEAR_BLOCK];
    let (pairs, _) = folded.as_chunks_mut::<16>();
    for (nth, (pair, input)) in pairs.iter_mut().zip(block.as_chunks::<16>().0).enumerate() {
        let mut sum = Pair::from(input);
        for tap in NEAR_TAPS {
            if let Some(earlier) = area[NEAR_PAST + 16 * nth - 8 * tap..].first_chunk() {
                sum = sum.plus(Pair::from(earlier));
            }
        }
        *pair = sum.bytes();
    }
    folded
}

/// Two words.
#[derive(Clone, Copy)]
struct Pair(
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))] u128,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))] core::arch::wasm32::v128,
);

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl Pair {
    #[inline(always)]
    fn from(bytes: &[u8; 16]) -> Self {
        Pair(u128::from_le_bytes(*bytes))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Pair(self.0 ^ other.0)
    }

    #[inline(always)]
    fn bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Pair {
    #[inline(always)]
    fn from(bytes: &[u8; 16]) -> Self {
        Pair(crate::simd::wide(bytes))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Pair(core::arch::wasm32::v128_xor(self.0, other.0))
    }

    #[inline(always)]
    fn bytes(self) -> [u8; 16] {
        use core::arch::wasm32::i64x2_extract_lane;
        let (low, high) = (i64x2_extract_lane::<0>(self.0) as u64, i64x2_extract_lane::<1>(self.0) as u64);
        (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
    }
}

/// `now[i]` = input word + the four earlier words that fold into it.
#[inline]
fn fold(past: &[u64], now: &mut [u64], input: &[[u8; 8]]) {
    let [a, b, c, d] = TAPS.map(|tap| past.get(past.len() - tap..).unwrap_or_default().iter());
    let taps = a.zip(b).zip(c.zip(d)).map(|((a, b), (c, d))| a ^ b ^ c ^ d);
    for ((slot, word), taps) in now.iter_mut().zip(input).zip(taps).take(STRIDE) {
        *slot = u64::from_le_bytes(*word) ^ taps;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_catalogue() {
        // "check" of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        let mut crc32 = Crc32::default();
        assert_eq!(crc32.of(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32.of(b""), 0);
    }

    #[test]
    fn folding_gives_the_same_as_the_tables() {
        let mut crc32 = Crc32::default();
        let mut state = 1_u32;
        let data: Vec<u8> = (0..70_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        for length in (0..12_000).chain(65_000..65_100) {
            assert_eq!(crc32.of(&data[..length]), !crc32.sliced(!0, &data[..length]), "length {length}");
        }
    }
}
