//! Each limit is exact, is named in the failure, and bounds what hostile input costs.

use super::encode::{base64, cloudwatch, deflate, gzip, kpl, md5, zlib, zstd, zstd_by};
use super::recorder::{decode, decode_within};
use flowscore::decode::Limits;

fn within(limits: Limits, payload: &[u8]) -> Vec<String> {
    decode_within(limits, payload).outcomes.into_iter().map(|outcome| outcome.what).collect()
}

#[test]
fn expansion_ratio() {
    let bomb = gzip(&vec![b'0'; 10 << 20]);
    let (size, at) = (bomb.len(), "failed gzip at byte ");
    assert!((10_000..11_000).contains(&size), "10 MiB of one character in {size} bytes");
    let outcomes = decode(&bomb);
    assert_eq!(outcomes.len(), 1);
    assert!(outcomes[0].starts_with(at), "{outcomes:?}");
    let message = format!(
        ": decoding {size} bytes gives more than 200 times as much and more than 1048576 bytes (limit expansion_ratio = 200); \
         raise it if the data is genuine"
    );
    assert!(outcomes[0].ends_with(&message), "{outcomes:?}");
    let zeros = vec![b'0'; 10 << 20];
    for bomb in [
        zstd(&zeros),
        zstd_by(19, true, &zeros),
        zlib(&vec![b'0'; 10 << 20]),
        deflate(&vec![b'0'; 10 << 20]),
        base64(&bomb),
        gzip(&bomb),
    ] {
        let outcomes = decode(&bomb);
        assert!(outcomes.len() == 1 && outcomes[0].contains("expansion_ratio"), "{outcomes:?}");
    }
    let limits = Limits { expansion_ratio: 1100, line_bytes: 10 << 20, ..Limits::default() };
    assert!(within(limits, &bomb)[0].starts_with("line 000"), "with the limit raised it decodes");
}

#[test]
fn decoded_bytes_counts_all_layers() {
    let data = b"hello world ".repeat(100);
    let packed = gzip(&data);
    let exact = data.len() + packed.len();
    let limits = |decoded_bytes| Limits { decoded_bytes, ..Limits::default() };
    assert!(within(limits(exact), &base64(&packed))[0].starts_with("line hello"));
    let outcomes = within(limits(exact - 1), &base64(&packed));
    let expected = format!("decoding gives more than {} bytes (limit decoded_bytes = {})", exact - 1, exact - 1);
    assert!(outcomes.len() == 1 && outcomes[0].contains(&expected), "{outcomes:?}");
}

#[test]
fn a_bomb_does_not_take_its_neighbours_along() {
    let bomb = gzip(&vec![0; 20 << 20]);
    let payload = kpl(&["k"], &[(0, b"before"), (0, &bomb), (0, b"after")], md5);
    let outcomes = decode(&payload);
    assert_eq!((&*outcomes[0], &*outcomes[2], outcomes.len()), ("line before", "line after", 3), "{outcomes:?}");
    assert!(outcomes[1].contains("expansion_ratio"), "{outcomes:?}");
}

#[test]
fn nesting() {
    let mut payload = b"2 123 eni".to_vec();
    for _ in 0..8 {
        payload = gzip(&payload);
    }
    assert_eq!(decode(&payload), ["line 2 123 eni"]);
    assert_eq!(
        decode(&gzip(&payload)),
        [
            "failed payload at byte 0: more than 8 layers inside each other (limit nesting = 8, at most 32); raise it if the data \
          is genuine"
        ]
    );
    for _ in 0..100 {
        payload = gzip(&payload);
    }
    let limits = Limits { nesting: usize::MAX, ..Limits::default() };
    assert!(within(limits, &payload)[0].contains("at most 32"), "recursion is bounded whatever is configured");
}

#[test]
fn records() {
    let limits = Limits { records: 3, ..Limits::default() };
    assert_eq!(within(limits, b"1\n2\n3\n"), ["line 1", "line 2", "line 3"]);
    let failure = "failed payload at byte 0: the payload holds more than 3 records (limit records = 3); those after it are not \
                   decoded; raise the limit or send smaller payloads";
    assert_eq!(within(limits, b"1\n2\n3\n4\n5"), ["line 1", "line 2", "line 3", failure]);
    assert_eq!(within(limits, &cloudwatch(&["1", "2", "3", "4", "5"])), ["event 1", "event 2", "event 3", failure]);
    let many = kpl(&["k"], &[(0, &b"1"[..]); 5], md5);
    assert_eq!(within(limits, &many), ["line 1", "line 1", "line 1", failure]);
}

#[test]
fn line_bytes() {
    let limits = Limits { line_bytes: 9, ..Limits::default() };
    let failure = |offset: usize, length: usize| {
        format!("failed payload at byte {offset}: a line, message or object has {length} bytes (limit line_bytes = 9)")
    };
    assert_eq!(
        within(limits, b"123456789\n0123456789\n1"),
        ["line 123456789".to_owned(), failure(10, 10), "line 1".into()]
    );
    assert_eq!(within(limits, br#"{"a":1234}"#), [failure(0, 10)]);
    let outcomes = within(limits, &cloudwatch(&["0123456789", "1"]));
    assert!(outcomes[0].contains("has 10 bytes") && outcomes[1] == "event 1", "{outcomes:?}");
}

#[test]
fn json_depth() {
    let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
    assert_eq!(
        decode(deep.as_bytes()),
        ["failed envelope at byte 133: malformed JSON: more than 128 objects and arrays inside each other"]
    );
    let brackets = "[".repeat(1_000_000);
    assert_eq!(decode(brackets.as_bytes()), [format!("line {brackets}")], "no JSON array of records begins like this");
    let allowed = format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128));
    assert_eq!(decode(allowed.as_bytes()), [format!("object {allowed}")]);
}
