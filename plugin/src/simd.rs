//! Sixteen bytes at once, where WebAssembly has wide registers.

use core::arch::wasm32::{i64x2, v128};

/// The bytes in a wide register, the first lowest. The compiler makes one load of it.
#[inline(always)]
pub(crate) fn wide(bytes: &[u8; 16]) -> v128 {
    let words = u128::from_le_bytes(*bytes);
    i64x2(words as i64, (words >> 64) as i64)
}
