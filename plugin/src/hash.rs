//! The hash behind series keys, talkers' ranks and incident ids: multiply and rotate over words of eight bytes, finished
//! as SplitMix64 finishes (Steele, Lea and Flood, OOPSLA 2014).
//!
//! It is the same on every machine, for every build. Whoever writes the keys can therefore make collisions; the key
//! table bounds its probes for that reason.

/// The odd part of the golden ratio in 64 bits: each input bit reaches the upper half of the product.
pub(crate) const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash that takes one part after another.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn new(seed: u64) -> Self {
        Hash(seed)
    }

    #[inline]
    pub(crate) fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(MULTIPLIER);
        self.0 = mixed ^ (mixed >> 32);
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        // The length keeps "a" and "a\0" apart.
        let length = (bytes.len() as u64) << 56;
        let Some(last) = bytes.last_chunk::<8>() else {
            let tail = bytes.iter().fold(0, |tail, &byte| tail << 8 | u64::from(byte));
            return self.word(tail ^ length);
        };
        let mut rest = bytes;
        while rest.len() > 8
            && let Some((word, after)) = rest.split_first_chunk::<8>()
        {
            self.word(u64::from_le_bytes(*word));
            rest = after;
        }
        // The last word overlaps the one before it, which is quicker than to take the tail byte by byte.
        self.word(u64::from_le_bytes(*last) ^ length);
    }

    #[inline]
    pub(crate) fn finish(self) -> u64 {
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The hash of one text.
#[inline]
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = Hash::new(seed);
    hash.bytes(bytes);
    hash.finish()
}

/// Whether two texts are the same, by words: in WebAssembly, unlike elsewhere, `==` goes byte by byte.
#[inline]
pub(crate) fn is_same(mut a: &[u8], mut b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Some(last_a), Some(last_b)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) else { return a == b };
    if last_a != last_b {
        return false;
    }
    let mut difference = 0;
    while a.len() > 8
        && let (Some((word_a, rest_a)), Some((word_b, rest_b))) = (a.split_first_chunk(), b.split_first_chunk())
    {
        difference |= u64::from_le_bytes(*word_a) ^ u64::from_le_bytes(*word_b);
        (a, b) = (rest_a, rest_b);
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_length_or_one_bit_hash_apart() {
        let texts: [&[u8]; 7] =
            [b"", b"\0", b"a", b"a\0", b"eni-1235b8ca123456789", b"eni-1235b8ca123456788", b"12345678"];
        let mut hashes: Vec<u64> = texts.iter().map(|text| hash(1, text)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), texts.len());
    }

    #[test]
    fn texts_are_the_same_if_all_bytes_are() {
        let text = b"eni-1235b8ca123456789";
        for length in 0..=text.len() {
            assert!(is_same(&text[..length], &text.to_vec()[..length]));
            assert!(!is_same(&text[..length], &text[..length.saturating_sub(1)]) || length == 0);
            for at in 0..length {
                let mut other = text[..length].to_vec();
                other[at] ^= 1;
                assert!(!is_same(&text[..length], &other), "{length} {at}");
            }
        }
    }

    #[test]
    fn low_bits_of_counted_keys_are_spread_evenly() {
        let mut buckets = [0u32; 64];
        for i in 0..64_000 {
            buckets[(hash(7, format!("eni-{i:017x}").as_bytes()) & 63) as usize] += 1;
        }
        // Standard deviation about 31.
        assert!(buckets.iter().all(|&count| (850..1150).contains(&count)), "{buckets:?}");
    }
}
