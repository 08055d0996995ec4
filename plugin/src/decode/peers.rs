//! Libraries in place of our own code, for `cargo bench --bench libraries` only; no artifact has them. What each costs end to
//! end is in `docs/decisions.md`.
//!
//! Each does what it can; `None` leaves the input to our own code, which also names what is wrong and where.

/// Appends the deflate stream at the start of `input`, by flate2, and gives its length.
#[cfg(any(feature = "peer-miniz", feature = "peer-zlib-rs"))]
pub(super) fn inflate(input: &[u8], output: &mut super::arena::Arena, limit: usize) -> Option<usize> {
    use flate2::{Decompress, FlushDecompress, Status};

    let start = output.len();
    let mut decompress = Decompress::new(false);
    loop {
        output.reserve(64 << 10, limit);
        let read = decompress.total_in() as usize;
        let (bytes, filled) = output.parts();
        let end = bytes.len().min(limit);
        let before = decompress.total_out();
        let status = decompress.decompress(input.get(read..)?, bytes.get_mut(*filled..end)?, FlushDecompress::None);
        let written = (decompress.total_out() - before) as usize;
        *filled += written;
        match status {
            Ok(Status::StreamEnd) => return Some(decompress.total_in() as usize),
            Ok(_) if written > 0 => {}
            _ => {
                output.truncate(start);
                return None;
            }
        }
    }
}

/// Appends the bytes of a base64 text, by the crate `base64`.
#[cfg(feature = "peer-base64")]
pub(super) fn base64(text: &[u8], output: &mut super::arena::Arena) -> Option<()> {
    use ::base64::Engine as _;
    let (bytes, filled) = output.parts();
    *filled += ::base64::engine::general_purpose::STANDARD.decode_slice(text, bytes.get_mut(*filled..)?).ok()?;
    Some(())
}

/// Appends the bytes of a base64 text, by the crate `base64-simd`.
#[cfg(feature = "peer-base64-simd")]
pub(super) fn base64(text: &[u8], output: &mut super::arena::Arena) -> Option<()> {
    use base64_simd::AsOut as _;
    let (bytes, filled) = output.parts();
    *filled += base64_simd::STANDARD.decode(text, bytes.get_mut(*filled..)?.as_out()).ok()?.len();
    Some(())
}
