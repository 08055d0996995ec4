//! Adler-32 as zlib uses it (RFC 1950 section 9).

/// The largest prime below 65536.
const MODULUS: u32 = 65_521;
/// The most bytes whose sums cannot overflow 32 bits.
const BLOCK: usize = 5_552;

/// The Adler-32 of `data`.
pub(super) fn adler32(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for block in data.chunks(BLOCK) {
        for &byte in block {
            a += u32::from(byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}
