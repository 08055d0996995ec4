//! One request's payloads under one name.

use std::fmt::Write as _;
use std::io;
use std::ops::Range;

use ring::digest::{SHA256, digest};
use serde::de::IgnoredAny;

use crate::input::Payloads;
use crate::plugin::Payload;

/// Payloads that were sent together, are scored together and are acknowledged together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What a re-send of the same batch is known by.
    pub id: String,
    data: Vec<u8>,
    /// Where each payload ends in `data`.
    ends: Vec<usize>,
}

impl Batch {
    /// A batch without payloads.
    pub fn new(id: String) -> Self {
        Batch { id, ..Batch::default() }
    }

    /// A batch of payloads that lie behind each other in `data`; none if the ends are not in order or not in `data`.
    pub fn from_parts(id: String, data: Vec<u8>, ends: Vec<usize>) -> Option<Self> {
        let in_order = ends.iter().zip(ends.iter().skip(1)).all(|(end, next)| end <= next);
        (in_order && ends.last().copied().unwrap_or_default() == data.len()).then_some(Batch { id, data, ends })
    }

    /// The bytes of all payloads, and where each ends.
    pub fn parts(&self) -> (&[u8], &[usize]) {
        (&self.data, &self.ends)
    }

    /// Appends a payload.
    pub fn push(&mut self, payload: &[u8]) {
        self.data.extend_from_slice(payload);
        self.ends.push(self.data.len());
    }

    /// How many payloads there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all payloads together.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// The names of the payloads: the batch's and the place in it, from 0.
    pub fn names(&self) -> Vec<String> {
        (0..self.len()).map(|index| format!("{}:{index}", self.id)).collect()
    }

    /// The payloads, with these names.
    pub fn payloads<'a>(&'a self, names: &'a [String]) -> Vec<Payload<'a>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let spans = starts.zip(&self.ends);
        spans.zip(names).map(|((start, &end), id)| Payload { data: &self.data[start..end], id: Some(id) }).collect()
    }

    /// What a body holds that is not Firehose's: the elements of a JSON array, or payloads as `flowscore run` cuts them
    /// (a line, or the whole body if it is binary or one JSON document over several lines).
    ///
    /// The batch is named by `id`, or else by the SHA-256 of the body, so that the same body sent again has the same name.
    pub fn from_body(id: Option<String>, body: &[u8]) -> io::Result<Self> {
        let mut batch = Batch::new(id.unwrap_or_else(|| content_id(body)));
        if let Some(elements) = array_elements(body) {
            for element in elements {
                batch.push(&body[element]);
            }
            return Ok(batch);
        }
        let mut payloads = Payloads::new(body);
        while let Some(payload) = payloads.next_payload()? {
            batch.push(&payload.data);
        }
        Ok(batch)
    }
}

/// A name for a body by its content: the first 128 bits of its SHA-256, enough that no two bodies ever share one.
fn content_id(body: &[u8]) -> String {
    let mut id = String::from("sha256-");
    for byte in &digest(&SHA256, body).as_ref()[..16] {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Where the elements of a JSON array lie; none if the text is none.
fn array_elements(text: &[u8]) -> Option<Vec<Range<usize>>> {
    let white = |at: usize| at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let mut elements = Vec::new();
    let mut at = white(0);
    if text.get(at) != Some(&b'[') {
        return None;
    }
    at = white(at + 1);
    if text.get(at) == Some(&b']') {
        return (white(at + 1) == text.len()).then_some(elements);
    }
    loop {
        let mut values = serde_json::Deserializer::from_slice(&text[at..]).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let end = at + values.byte_offset();
        elements.push(at..end);
        at = white(end);
        match text.get(at)? {
            b',' => at = white(at + 1),
            b']' => return (white(at + 1) == text.len()).then_some(elements),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str) -> Vec<String> {
        let batch = Batch::from_body(None, body.as_bytes()).unwrap();
        let names = batch.names();
        batch.payloads(&names).iter().map(|payload| String::from_utf8(payload.data.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_body_is_cut_by_content() {
        for (body, expected) in [
            ("", vec![]),
            ("[]", vec![]),
            (" [ {\"a\":1} , {\"b\":[2,3]}\n] ", vec!["{\"a\":1}", "{\"b\":[2,3]}"]),
            ("[\"x\",1,null]", vec!["\"x\"", "1", "null"]),
            ("{\"a\":1}\n{\"a\":2}\n", vec!["{\"a\":1}", "{\"a\":2}"]),
            ("2 1 eni\n2 2 eni\n", vec!["2 1 eni", "2 2 eni"]),
            ("version srcaddr\n2 ::1\n", vec!["version srcaddr\n2 ::1"]),
            // No array after all: lines, so that the plugin says of each what is wrong with it.
            ("[1,]", vec!["[1,]"]),
            ("[1] x", vec!["[1] x"]),
        ] {
            assert_eq!(cut(body), expected, "{body:?}");
        }
    }

    #[test]
    fn the_same_body_has_the_same_name_and_another_one_another() {
        let name = |body: &[u8]| Batch::from_body(None, body).unwrap().id;
        assert_eq!(name(b"{\"a\":1}"), name(b"{\"a\":1}"));
        assert_ne!(name(b"{\"a\":1}"), name(b"{\"a\":2}"));
        // The first 16 bytes of SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        assert_eq!(name(b"abc"), "sha256-ba7816bf8f01cfea414140de5dae2223");
        assert_eq!(Batch::from_body(Some("mine".into()), b"x").unwrap().id, "mine");
    }

    #[test]
    fn parts_make_the_batch_again_unless_they_do_not_fit() {
        let mut batch = Batch::new("b".into());
        batch.push(b"one");
        batch.push(b"");
        batch.push(b"three");
        let (data, ends) = batch.parts();
        assert_eq!(Batch::from_parts("b".into(), data.to_vec(), ends.to_vec()).as_ref(), Some(&batch));
        assert_eq!(Batch::from_parts("b".into(), b"abc".to_vec(), vec![2, 1, 3]), None);
        assert_eq!(Batch::from_parts("b".into(), b"abc".to_vec(), vec![1, 4]), None);
        assert_eq!(Batch::from_parts("b".into(), b"abc".to_vec(), vec![1]), None);
    }
}
