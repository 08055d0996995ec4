//! One request's payloads under one name.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::firehose::MOST_RECORDS;
use crate::batch::digest;
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

    /// Bytes of memory that it takes, with what there is beside the payloads.
    pub fn memory(&self) -> usize {
        self.data.len() + self.ends.len() * OVERHEAD + self.id.len()
    }

    /// The names of some of the payloads: the batch's and the place in it, from 0.
    pub fn names(&self, part: Range<usize>) -> Vec<String> {
        part.map(|index| format!("{}:{index}", self.id)).collect()
    }

    /// Some of the payloads, with these names.
    pub fn payloads<'a>(&'a self, part: Range<usize>, names: &'a [String]) -> Vec<Payload<'a>> {
        let mut start = part.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let ends = self.ends[part].iter().zip(names);
        ends.map(|(&end, id)| Payload { data: &self.data[std::mem::replace(&mut start, end)..end], id: Some(id) })
            .collect()
    }

    /// What a body holds that is not Firehose's: the elements of a JSON array, or payloads as `flowscore run` cuts them
    /// (a line, or the whole body if it is binary or one JSON document over several lines).
    ///
    /// The batch is named by `id`, or else by the SHA-256 of the body, so that the same body sent again has the same name.
    ///
    /// # Errors
    ///
    /// There are more than `most_payloads`, or they take more than `most_bytes` together, which those of a long header
    /// before many short lines do; or the body is one payload that is larger than any may be.
    pub fn from_body(id: Option<String>, body: &[u8], most_bytes: usize) -> Result<Self, TooLarge> {
        let mut batch = Batch::new(id.unwrap_or_else(|| content_id(body)));
        let most = most_payloads(body.len());
        if let Some(elements) = array_elements(body, most) {
            if elements.len() > most {
                return Err(too_many(most));
            }
            for element in elements {
                batch.push(&body[element]);
            }
            return Ok(batch);
        }
        let mut payloads = Payloads::new(body);
        while let Some(payload) = payloads.next_payload().map_err(|error| TooLarge(error.to_string()))? {
            if batch.len() == most {
                return Err(too_many(most));
            }
            if batch.bytes() + payload.data.len() > most_bytes {
                return Err(TooLarge(format!(
                    "the payloads take more than {most_bytes} bytes, with the header line before each; send smaller batches"
                )));
            }
            batch.push(&payload.data);
        }
        Ok(batch)
    }
}

/// Why a body is no batch: it holds too much.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge(pub String);

/// Bytes that a payload takes beside its own: where it ends, its name, its share of a call.
const OVERHEAD: usize = 64;

/// Payloads that a body of this size may hold: as many as Firehose sends at most, or as many as are worth their overhead.
fn most_payloads(bytes: usize) -> usize {
    MOST_RECORDS.max(bytes / OVERHEAD)
}

fn too_many(most: usize) -> TooLarge {
    TooLarge(format!(
        "the body holds more than {most} payloads, {MOST_RECORDS} or one for {OVERHEAD} bytes each; send smaller batches"
    ))
}

/// A name for a body by its content: the first 128 bits of its SHA-256, enough that no two bodies ever share one.
fn content_id(body: &[u8]) -> String {
    format!("sha256-{}", &digest(body)[..32])
}

/// Where the elements of a JSON array lie, not many more than `most`; none if the text is none.
fn array_elements(text: &[u8], most: usize) -> Option<Vec<Range<usize>>> {
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
        if elements.len() > most {
            return Some(elements);
        }
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
        let batch = Batch::from_body(None, body.as_bytes(), 1 << 20).unwrap();
        let names = batch.names(0..batch.len());
        batch
            .payloads(0..batch.len(), &names)
            .iter()
            .map(|payload| String::from_utf8(payload.data.to_vec()).unwrap())
            .collect()
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
        let name = |body: &[u8]| Batch::from_body(None, body, 1 << 20).unwrap().id;
        assert_eq!(name(b"{\"a\":1}"), name(b"{\"a\":1}"));
        assert_ne!(name(b"{\"a\":1}"), name(b"{\"a\":2}"));
        // The first 16 bytes of SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        assert_eq!(name(b"abc"), "sha256-ba7816bf8f01cfea414140de5dae2223");
        assert_eq!(Batch::from_body(Some("mine".into()), b"x", 1).unwrap().id, "mine");
    }

    #[test]
    fn more_payloads_than_are_worth_their_overhead_are_refused() {
        let refused =
            |body: &str, bytes| Batch::from_body(None, body.as_bytes(), bytes).err().map(|TooLarge(text)| text);
        let array = |element: &str, count: usize| format!("[{}]", vec![element; count].join(","));
        assert_eq!(refused(&array("1", 10_000), 1 << 20), None);
        assert!(refused(&array("1", 10_001), 1 << 20).unwrap().contains("more than 10000 payloads"));
        assert!(refused(&"1\n".repeat(10_001), 1 << 20).unwrap().contains("more than 10000 payloads"));
        // A day of flow logs, or what Vector sends after a pause.
        let line = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
        assert_eq!(refused(&format!("{line}\n").repeat(50_000), 8 << 20), None);
        assert_eq!(refused(&array(&format!("{{\"message\":\"{line}\"}}"), 50_000), 8 << 20), None);
        // A header that goes before each line.
        let header = vec!["name"; 2_000].join(",");
        assert!(refused(&format!("{header}\n{}", "1,2\n".repeat(5_000)), 8 << 20).unwrap().contains("header"));
    }

    #[test]
    fn some_of_the_payloads_are_those_of_the_whole() {
        let mut batch = Batch::new("b".into());
        for payload in ["one", "", "three"] {
            batch.push(payload.as_bytes());
        }
        let names = batch.names(1..3);
        let part: Vec<_> = batch.payloads(1..3, &names).iter().map(|p| (p.id.unwrap(), p.data)).collect();
        assert_eq!(part, [("b:1", &b""[..]), ("b:2", b"three")]);
        assert!(batch.memory() > batch.bytes() + 3 * 8);
    }
}
