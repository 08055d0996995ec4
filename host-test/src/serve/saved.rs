//! What is kept of serving beside the model: the names of batches, and the events that may not have been delivered.
//!
//! It goes into the [state](crate::state) in front of the scorer's snapshot:
//!
//! ```text
//! {"remembered":["…"],"outbox_bytes":n}   one line
//! {"type":"anomaly",…}                    n bytes of events
//! flowscor…                               the scorer's snapshot, to the end
//! ```

use serde::{Deserialize, Serialize};

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Names of the batches that are part of the snapshot, oldest first, as many as are remembered.
    pub remembered: Vec<String>,
    /// Events of the last of these batches, to be delivered before anything else.
    pub outbox: Vec<u8>,
    /// The scorer's snapshot.
    pub snapshot: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    remembered: Vec<String>,
    outbox_bytes: usize,
}

impl Saved {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let head = serde_json::json!({ "remembered": self.remembered, "outbox_bytes": self.outbox.len() });
        [head.to_string().as_bytes(), b"\n", &self.outbox, &self.snapshot].concat()
    }

    /// From bytes, or what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
        let Head { remembered, outbox_bytes } = serde_json::from_slice(&bytes[..end])
            .map_err(|error| format!("its first line is not as it should be: {error}"))?;
        let rest = &bytes[end + 1..];
        let (outbox, snapshot) = rest.split_at_checked(outbox_bytes).ok_or_else(|| {
            format!("its first line says {outbox_bytes} bytes of events, and there are {} bytes", rest.len())
        })?;
        Ok(Saved { remembered, outbox: outbox.to_vec(), snapshot: snapshot.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for saved in [
            Saved::default(),
            Saved {
                remembered: vec!["a\n\"".into(), "b".into()],
                outbox: b"{}\n{}\n".to_vec(),
                snapshot: vec![0, 10, 255],
            },
        ] {
            assert_eq!(Saved::decode(&saved.encode()), Ok(saved));
        }
        for (bytes, named) in [
            (&b""[..], "no first line"),
            (b"x\n", "first line"),
            (b"{\"remembered\":[],\"outbox_bytes\":9}\nab", "9 bytes"),
        ] {
            assert!(Saved::decode(bytes).unwrap_err().contains(named));
        }
    }
}
