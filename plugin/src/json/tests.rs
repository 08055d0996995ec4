//! The scanner, the escapes and the writer against serde_json.

use proptest::prelude::*;

use super::{Scanner, Value, Writer, unescape, utf8, write_escaped};

fn is_json(text: &[u8]) -> bool {
    let scan = |text| {
        let mut scanner = Scanner::strict(text);
        scanner.value()?;
        scanner.finish()
    };
    utf8(text).and_then(scan).is_ok()
}

fn is_lax_json(text: &[u8]) -> bool {
    let mut scanner = Scanner::lax(text, 0);
    scanner.value().and_then(|_| scanner.finish()).is_ok()
}

/// Whether serde_json takes it; None if it refuses what the grammar has: numbers beyond its range, and lone surrogates.
fn peer(text: &str) -> Option<bool> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => Some(true),
        Err(error) => {
            let reason = error.to_string();
            (!reason.starts_with("number out of range") && !reason.contains("surrogate")).then_some(false)
        }
    }
}

const NEAR_JSON: &str = "[\\[\\]{}\",:0-9aeu.\\\\ntrl +-]{0,24}";

#[test]
fn agrees_with_a_reader_of_json_about_what_json_is() {
    for text in [
        "0",
        "-0",
        "00",
        "01",
        "-01",
        "-",
        "1.",
        "1.5",
        ".5",
        "1e",
        "1e+",
        "1e+5",
        "1E-05",
        "123456789012345678901",
        "12345678",
        "1234567a",
        "true",
        "tru",
        "nul",
        "null",
        "\"\"",
        "\"a",
        "\"\\u00g0\"",
        "\"\\u00e9\\n\"",
        "\"\\x\"",
        "\"é\"",
        "[]",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{,}",
        "{\"a\":[{}, [ ] ,{\"b\" : [1, {\"c\":null}]}]}",
        "[}",
        "{]",
        "[[1]}",
        "1 2",
        " [ 1 ] \n",
        "",
        " ",
        "{\"a\":1}}",
        "\"a\tb\"",
        "nan",
        "{\"long key of many words\":\"long value of many words\"}",
    ] {
        assert_eq!(Some(is_json(text.as_bytes())), peer(text), "{text}");
    }
    assert!(!is_json(b"\"\xff\""));
    assert!(is_lax_json(b"\"\xff\""), "what an envelope's strings hold is not looked at");
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(is_json(nested(127).as_bytes()) && !is_json(nested(128).as_bytes()));
    assert!(is_lax_json(nested(128).as_bytes()) && !is_lax_json(nested(129).as_bytes()));
}

#[test]
fn members_are_in_order_and_numbers_are_json() {
    let mut out = Vec::new();
    let mut event = Writer::event("notice", &mut out);
    event.key("a").number(1e21);
    event.key("b").number(-0.0);
    event.key("c").number(f64::NAN);
    event.key("d").rounded(12.345_678);
    event.key("e").literal("null");
    event.key("f").truth(true);
    event.end_event();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text,
        "{\"type\":\"notice\",\"a\":1000000000000000000000,\"b\":0,\"c\":null,\"d\":12.346,\"e\":null,\"f\":true}\n"
    );
}

proptest! {
    #[test]
    fn agrees_with_it_on_texts_near_json(text in NEAR_JSON) {
        if let Some(peer) = peer(&text) {
            prop_assert_eq!(is_json(text.as_bytes()), peer, "{}", text);
            prop_assert!(!peer || is_lax_json(text.as_bytes()), "{}", text);
        }
    }

    #[test]
    fn reads_the_same_document(text in NEAR_JSON) {
        if let Ok(peer) = serde_json::from_str::<serde_json::Value>(&text) {
            let ours = Value::parse(text.as_bytes()).unwrap().to_string();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&ours).unwrap(), peer, "{}", text);
        }
    }

    #[test]
    fn strings_are_escaped_and_unescaped_like_its_own(text: String) {
        let mut inside = Vec::new();
        write_escaped(&mut inside, &text);
        let inside = String::from_utf8(inside).unwrap();
        prop_assert_eq!(&serde_json::from_str::<String>(&format!("\"{inside}\"")).unwrap(), &text);
        prop_assert_eq!(unescape(&inside), &text[..]);
        let its_own = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(unescape(&its_own[1..its_own.len() - 1]), &text[..]);
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        prop_assert_eq!(unescape(&units), &text[..]);
    }

    #[test]
    fn any_text_and_number_is_read_back(text: String, number: f64, bytes: Vec<u8>) {
        let mut out = Vec::new();
        let mut object = Writer::compact(&mut out);
        object.open(b'{');
        object.key("text").text(&text);
        object.key("number").number(number);
        object.key("bytes").bytes(&bytes);
        object.close(b'}');
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(value["text"].as_str(), Some(&text[..]));
        prop_assert_eq!(value["bytes"].as_str().unwrap(), String::from_utf8_lossy(&bytes));
        if number.is_finite() {
            // Of texts, quotes are escaped, so that this is the key. The standard library reads to the last bit.
            let (_, after) = std::str::from_utf8(&out).unwrap().split_once("\"number\":").unwrap();
            let read: f64 = after.split_once(',').unwrap().0.parse().unwrap();
            prop_assert_eq!(read, number);
        }
    }
}
