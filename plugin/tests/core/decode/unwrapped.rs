//! Which layers are undone ahead, for a decoder that goes on from there. That it gives the same is a part of each test here
//! (`recorder`).

use flowscore::decode::{Decoder, Limits};

use super::encode::{base64, cloudwatch, deflate, gzip, kpl, md5, zlib, zstd};

#[test]
fn the_layers_around_a_single_text_or_aggregate() {
    let document = cloudwatch(&["2 1 eni-1 - - - - - - - 1431280876 1431280934 - NODATA"]);
    let aggregate = kpl(&["a"], &[(0, b"2 1 eni-1")], md5);
    let damaged = [&gzip(&document)[..], b"\x1f\x8b\x08"].concat();
    let mut deep = document.clone();
    (0..9).for_each(|_| deep = gzip(&deep));
    for (name, payload, expected) in [
        ("none", document.clone(), None),
        ("base64 and gzip", base64(&gzip(&document)), Some((&document, "base64 gzip"))),
        ("gzip", gzip(&document), Some((&document, "gzip"))),
        ("zlib in gzip", gzip(&zlib(&document)), Some((&document, "gzip zlib"))),
        ("deflate", deflate(&document), Some((&document, "deflate"))),
        ("zstd in base64", base64(&zstd(&document)), Some((&document, "base64 zstd"))),
        ("an aggregate", aggregate.clone(), None),
        ("an aggregate in gzip", gzip(&aggregate), Some((&aggregate, "gzip"))),
        ("a damaged member behind a whole one", damaged, None),
        ("bytes that are nothing", vec![0xff; 100], None),
        ("more layers than are remembered", deep, None),
        ("more than may be handed over", gzip(&vec![b' '; 5_000]), None),
    ] {
        let mut data = Vec::new();
        let limits = Limits { nesting: 32, ..Limits::default() };
        let unwrapped = Decoder::new(limits).unwrap(&payload, &mut data, 4_000);
        let found = unwrapped.map(|unwrapped| (unwrapped.data.to_vec(), unwrapped.layers.names().join(" ")));
        assert_eq!(found, expected.map(|(data, layers)| (data.clone(), layers.to_owned())), "{name}");
    }
}
