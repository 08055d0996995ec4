//! Our inflate against zlib's behaviour as `flate2` gives it, on valid, damaged and arbitrary streams.

use super::super::arena::Arena;
use super::{Flaw, Inflater};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use proptest::prelude::*;

const LIMIT: usize = 1 << 22;

fn ours(input: &[u8], limit: usize) -> Result<(Vec<u8>, usize), Flaw> {
    let mut arena = Arena::default();
    let length = Inflater::default().inflate(input, &mut arena, limit).map_err(|(flaw, _)| flaw)?;
    Ok((arena.as_slice().to_vec(), length))
}

/// Output and length of the stream, if the peer takes it.
fn theirs(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut inflater = Decompress::new(false);
    let mut output = Vec::with_capacity(LIMIT + 1);
    let status = inflater.decompress_vec(input, &mut output, FlushDecompress::Finish);
    matches!(status, Ok(Status::StreamEnd)).then(|| (output, inflater.total_in() as usize))
}

fn deflate(data: &[u8], level: u32) -> Vec<u8> {
    let mut deflater = Compress::new(Compression::new(level), false);
    let mut output = Vec::with_capacity(data.len() + data.len() / 1000 + 1024);
    assert_eq!(deflater.compress_vec(data, &mut output, FlushCompress::Finish).unwrap(), Status::StreamEnd);
    output
}

/// Text with the statistics of flow logs: few distinct tokens, many digits, matches near and far, runs.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => "[0-9]{1,6} ",
        2 => Just(String::from("eni-0a1b2c3d4e5f6a7b8 10.0.1.")),
        1 => Just("0".repeat(300)),
        1 => Just("ab".repeat(70)),
        1 => Just(String::from("abcdefghijk").repeat(9)),
        1 => "\\PC{0,8}",
    ];
    prop::collection::vec(token, 0..600).prop_map(|tokens| tokens.concat().into_bytes())
}

proptest! {
    #[test]
    fn inflating_undoes_deflating(data in text(), level in 0_u32..10, padding in 0_usize..20) {
        let mut stream = deflate(&data, level);
        let length = stream.len();
        stream.resize(length + padding, 0xff);
        prop_assert_eq!(ours(&stream, LIMIT), Ok((data, length)));
    }

    #[test]
    fn bytes_of_any_kind_survive(data in prop::collection::vec(any::<u8>(), 0..3000), level in 0_u32..10) {
        let stream = deflate(&data, level);
        prop_assert_eq!(ours(&stream, LIMIT), Ok((data, stream.len())));
    }

    #[test]
    fn a_damaged_stream_is_judged_as_zlib_does(
        data in text(), level in 0_u32..10, flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8), 1..4),
    ) {
        let mut stream = deflate(&data, level);
        for (at, bit) in flips {
            let at = at.index(stream.len());
            stream[at] ^= 1_u8 << bit;
        }
        compare(&stream)?;
    }

    #[test]
    fn arbitrary_bytes_are_judged_as_zlib_does(mut stream in prop::collection::vec(any::<u8>(), 1..400), dynamic: bool) {
        // Force the first block to be one with codes, as stored blocks seldom pass their check.
        stream[0] = stream[0] & !6 | if dynamic { 4 } else { 2 };
        compare(&stream)?;
    }

    #[test]
    fn a_cut_stream_is_truncated(data in text(), level in 0_u32..10, at in any::<prop::sample::Index>()) {
        let stream = deflate(&data, level);
        let cut = at.index(stream.len());
        prop_assert_eq!(ours(&stream[..cut], LIMIT), Err(Flaw::Truncated));
    }

    #[test]
    fn the_limit_is_exact(data in text(), level in 0_u32..10) {
        let stream = deflate(&data, level);
        prop_assert!(ours(&stream, data.len()).is_ok());
        if !data.is_empty() {
            prop_assert_eq!(ours(&stream, data.len() - 1), Err(Flaw::Limit));
        }
    }
}

fn compare(stream: &[u8]) -> Result<(), TestCaseError> {
    match (ours(stream, LIMIT), theirs(stream)) {
        (Ok(ours), Some(theirs)) => prop_assert_eq!(ours, theirs),
        (Err(Flaw::Limit), _) | (Err(_), None) => {}
        (Ok(_), None) => prop_assert!(false, "we take what the peer refuses"),
        (Err(flaw), Some(_)) => prop_assert!(false, "we refuse ({flaw:?}) what the peer takes"),
    }
    Ok(())
}

#[test]
fn output_grows_no_further_than_the_limit() {
    let bomb = deflate(&vec![0; 50 << 20], 9);
    let mut arena = Arena::default();
    let limit = 1 << 20;
    let result = Inflater::default().inflate(&bomb, &mut arena, limit);
    assert_eq!(result.map_err(|(flaw, _)| flaw), Err(Flaw::Limit));
    assert!(arena.parts().0.len() <= limit + 1024, "memory spent: {}", arena.parts().0.len());
}

#[test]
fn each_flaw_is_named() {
    let cases: [(&[u8], Flaw); 6] = [
        (&[0x07], Flaw::BlockType),
        (&[0x01, 5, 0, 0, 0], Flaw::StoredLength),
        (&[0x01, 5, 0, 0xfa, 0xff, b'a'], Flaw::Truncated),
        (&[], Flaw::Truncated),
        (&[0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Flaw::Code),
        (&[0x03, 0x02, 0, 0, 0, 0, 0, 0], Flaw::Distance),
    ];
    for (stream, flaw) in cases {
        assert_eq!(ours(stream, LIMIT), Err(flaw), "{stream:02x?}");
    }
}
