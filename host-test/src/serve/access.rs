//! The key that senders must show.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Digest, SHA256, digest};
use subtle::ConstantTimeEq;

use super::firehose;

/// Bytes of the longest key that Firehose sends.
const LONGEST: usize = 4096;

/// The key that senders must show, if one is set.
///
/// Only its digest is kept, and digests are compared in constant time: neither the length nor the beginning of the key can
/// be found out by measuring.
pub struct AccessKey(Option<Digest>);

impl AccessKey {
    /// No key: everybody may send.
    pub const fn open() -> Self {
        AccessKey(None)
    }

    /// A key as it stands in a file: without the line end. An error says what is wrong with it.
    pub fn from_file(text: &str) -> Result<Self, String> {
        let key = text.trim_end_matches(['\r', '\n']);
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(format!("must hold one line of 1 to {LONGEST} printable ASCII characters"));
        }
        Ok(AccessKey(Some(digest(&SHA256, key.as_bytes()))))
    }

    /// Whether the headers show the key: Firehose's header, or `Authorization: Bearer …` as Vector's http sink sends it.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let shown = headers.get(firehose::ACCESS_KEY).map(|value| value.as_bytes()).or(bearer).unwrap_or_default();
        self.is(shown)
    }

    /// Whether the headers of somebody who looks at the page show the key: also as the password that a browser asks for. Senders may
    /// not do that: a browser would show it to any page that sends there.
    pub fn admits_reader(&self, headers: &HeaderMap) -> bool {
        let basic = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Basic "));
        match basic.map(|text| STANDARD.decode(text)) {
            None => self.admits(headers),
            Some(decoded) => {
                let decoded = decoded.unwrap_or_default();
                let password =
                    decoded.iter().position(|byte| *byte == b':').map_or(&[][..], |colon| &decoded[colon + 1..]);
                self.is(password)
            }
        }
    }

    fn is(&self, shown: &[u8]) -> bool {
        let Some(expected) = &self.0 else { return true };
        digest(&SHA256, shown).as_ref().ct_eq(expected.as_ref()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_admits() {
        let key = AccessKey::from_file("secret\n").unwrap();
        for (name, value, admitted) in [
            ("x-amz-firehose-access-key", "secret", true),
            ("x-amz-firehose-access-key", "secre", false),
            ("x-amz-firehose-access-key", "secret2", false),
            ("x-amz-firehose-access-key", "", false),
            ("authorization", "Bearer secret", true),
            ("authorization", "secret", false),
            ("authorization", "Basic secret", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(key.admits(&headers), admitted, "{name}: {value}");
            assert!(AccessKey::open().admits(&headers));
        }
        assert!(!key.admits(&HeaderMap::new()));
    }

    #[test]
    fn a_reader_may_show_the_key_as_a_password() {
        let key = AccessKey::from_file("sec:ret\n").unwrap();
        for (value, admitted) in [
            ("Bearer sec:ret", true),
            ("Basic OnNlYzpyZXQ=", true),         // :sec:ret
            ("Basic YW55Ym9keTpzZWM6cmV0", true), // anybody:sec:ret
            ("Basic c2VjOnJldA==", false),        // sec:ret
            ("Basic ?", false),
            ("Basic ", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", value.parse().unwrap());
            assert_eq!(key.admits_reader(&headers), admitted, "{value}");
            assert!(!key.admits(&headers) || value.starts_with("Bearer"), "{value}");
            assert!(AccessKey::open().admits_reader(&headers));
        }
        assert!(!key.admits_reader(&HeaderMap::new()));
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        for text in ["", "\n", "two\nlines", "ü", &"x".repeat(4_097)] {
            assert!(AccessKey::from_file(text).is_err(), "{text:?}");
        }
    }
}
