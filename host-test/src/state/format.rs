//! The object in bytes; its layout is shown in the [module](super) above.

use std::collections::BTreeMap;

use flate2::Crc;
use serde::{Deserialize, Serialize};

use super::{Shard, State};

const NAME: &[u8] = b"flowscore-state ";
/// The version of the layout that is written, and the only one that is read.
const VERSION: u32 = 1;
const CHECKSUM: usize = 4;

/// Whose object it is and which of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Label {
    pub(super) application: String,
    pub(super) stream: String,
    pub(super) part: String,
    /// Counts the saves of this part, from 1.
    pub(super) version: u64,
    /// The process that wrote it.
    pub(super) writer: String,
}

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    label: Label,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<i64>,
    shards: BTreeMap<String, Shard>,
    snapshot_bytes: usize,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    open: String,
}

/// The state as the bytes of an object.
pub(super) fn encode(label: &Label, state: &State) -> Result<Vec<u8>, serde_json::Error> {
    let head = Head {
        label: label.clone(),
        clock: state.clock,
        shards: state.shards.clone(),
        snapshot_bytes: state.snapshot.len(),
        open: state.open.clone(),
    };
    let mut out = [NAME, VERSION.to_string().as_bytes(), b"\n"].concat();
    serde_json::to_writer(&mut out, &head)?;
    out.push(b'\n');
    out.extend_from_slice(&state.snapshot);
    out.extend_from_slice(&crc(&out).to_le_bytes());
    Ok(out)
}

/// The state in the bytes of an object, or what is wrong with them.
pub(super) fn decode(bytes: &[u8]) -> Result<(Label, State), String> {
    let rest = bytes.strip_prefix(NAME).ok_or("it does not begin with `flowscore-state`: another program wrote it")?;
    let (version, _) = line(rest).ok_or("it is cut short in its first line")?;
    if version != VERSION.to_string().as_bytes() {
        let version = String::from_utf8_lossy(&version[..version.len().min(20)]);
        return Err(format!("it has format version {version}, and this flowscore reads version {VERSION}"));
    }
    let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
        return Err("it is cut short in its first line".into());
    };
    if crc(content) != u32::from_le_bytes(*checksum) {
        return Err(format!("its checksum over {} bytes does not match: it is damaged or cut short", content.len()));
    }
    let head = content.get(NAME.len() + version.len() + 1..).unwrap_or_default();
    let (head, snapshot) = line(head).ok_or("it has no second line")?;
    let Head { label, clock, shards, snapshot_bytes, open } =
        serde_json::from_slice(head).map_err(|error| format!("its second line is not as it should be: {error}"))?;
    if snapshot.len() != snapshot_bytes {
        return Err(format!("its snapshot has {} bytes, and its second line says {snapshot_bytes}", snapshot.len()));
    }
    Ok((label, State { shards, clock, snapshot: snapshot.to_vec(), open }))
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Position, Read, Start};

    fn example() -> (Label, State) {
        let label = Label {
            application: "flowscore".into(),
            stream: "flows".into(),
            part: "all".into(),
            version: 7,
            writer: "9f".into(),
        };
        let position = Position { sequence: "9".repeat(129), sub_sequence: Some(3) };
        let shards = [
            ("shardId-000000000000", Shard { read: Read::All, arrived: 5 }),
            ("shardId-000000000001", Shard { read: Read::UpTo(position), arrived: 1_700_000_000_123 }),
            ("shardId-000000000002", Shard::from(Start::Timestamp(-1))),
            ("shardId-000000000003", Shard::from(Start::TrimHorizon)),
        ];
        let shards = shards.map(|(name, shard)| (name.to_owned(), shard)).into();
        (
            label,
            State {
                shards,
                clock: Some(1_700_000_000_000),
                snapshot: b"learned\n\0so far".to_vec(),
                open: "{\"type\":\"anomaly\"}\n".into(),
            },
        )
    }

    #[test]
    fn what_is_written_is_read() {
        let (label, state) = example();
        assert_eq!(decode(&encode(&label, &state).unwrap()), Ok((label.clone(), state)));
        let nothing = State::default();
        assert_eq!(decode(&encode(&label, &nothing).unwrap()), Ok((label, nothing)));
    }

    #[test]
    fn its_first_lines_are_for_people() {
        let (label, state) = example();
        let bytes = encode(&label, &state).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("flowscore-state 1"));
        let head: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(head["shards"]["shardId-000000000000"]["read"], "all");
        assert_eq!(head["shards"]["shardId-000000000001"]["read"]["up_to"]["sub_sequence"], 3);
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let (label, state) = example();
        let good = encode(&label, &state).unwrap();
        for end in 0..good.len() {
            assert!(decode(&good[..end]).is_err(), "cut short to {end}");
        }
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x20;
            assert!(decode(&bytes).is_err(), "a bit turned at {at}");
        }
    }

    #[test]
    fn what_another_program_or_version_wrote_is_said() {
        let (label, state) = example();
        let newer = encode(&label, &state).unwrap();
        let newer = [b"flowscore-state 2", &newer[NAME.len() + 1..]].concat();
        for (bytes, named) in [
            (&b"%PDF-1.7"[..], "another program"),
            (b"", "another program"),
            (b"flowscore-state 1", "cut short in its first line"),
            (&newer, "version 2, and this flowscore reads version 1"),
        ] {
            let error = decode(bytes).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
