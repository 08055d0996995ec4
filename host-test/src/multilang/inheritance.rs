//! What a shard that follows others goes on with.
//!
//! When a shard is split, each child gets a part of its partition keys; when two are merged, the child gets all of both.
//! Models cannot be cut or joined, so that a child goes on with all of what its parent learned; of two parents, with that
//! of the one that had learned more.
//!
//! A child of a split so knows series that go on in its sibling. To it they fall silent at the moment of the split, and it
//! would tell of an outage of each. Those drops are known by their beginning: it lies no later than the window in which
//! the last record of the parent arrived. They are withheld. The price: an outage that began in the minutes before a split and was not told by then
//! is not told.

use jiff::Timestamp;
use serde::Deserialize;

/// Of an event what decides whether it is withheld.
#[derive(Deserialize)]
struct Drop<'a> {
    #[serde(borrow, default)]
    direction: Option<&'a str>,
    #[serde(borrow, default)]
    start: Option<&'a str>,
}

/// Removes from `events` (lines of JSON) the drops that began no later than the end of the parents, in milliseconds since
/// the Unix epoch, and returns how many those were.
pub fn withhold_moved(events: &mut Vec<u8>, parents_end: i64) -> usize {
    let is_moved = |line: &[u8]| {
        [&b"{\"type\":\"anomaly\""[..], b"{\"type\":\"group\""].iter().any(|kind| line.starts_with(kind))
            && serde_json::from_slice::<Drop<'_>>(line).is_ok_and(|event| {
                let start = event.start.and_then(|start| start.parse::<Timestamp>().ok());
                event.direction == Some("drop") && start.is_some_and(|start| start.as_millisecond() <= parents_end)
            })
    };
    if !events.split(|byte| *byte == b'\n').any(is_moved) {
        return 0;
    }
    let mut withheld = 0;
    let mut kept = Vec::with_capacity(events.len());
    for line in events.split_inclusive(|byte| *byte == b'\n') {
        if is_moved(line) {
            withheld += 1;
        } else {
            kept.extend_from_slice(line);
        }
    }
    *events = kept;
    withheld
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_drops_from_before_the_split_are_withheld() {
        let event = |kind: &str, direction: &str, start: &str| {
            format!(
                "{{\"type\":\"{kind}\",\"id\":\"x\",\"state\":\"open\",\"direction\":\"{direction}\",\"start\":\"{start}\"}}\n"
            )
        };
        let split = "2026-03-01T12:00:00.000Z".parse::<Timestamp>().unwrap().as_millisecond();
        let moved = event("anomaly", "drop", "2026-03-01T11:58:00.000Z");
        let kept = [
            event("anomaly", "spike", "2026-03-01T11:58:00.000Z"),
            event("anomaly", "drop", "2026-03-01T12:01:00.000Z"),
            event("window", "drop", "2026-03-01T11:58:00.000Z"),
            "{\"type\":\"failed\"}\n".to_owned(),
        ];
        let together = event("group", "drop", "2026-03-01T11:58:00.000Z");
        let mut events = [kept[0].as_str(), &moved, &kept[1], &kept[2], &together, &kept[3]].concat().into_bytes();
        assert_eq!(withhold_moved(&mut events, split), 2);
        assert_eq!(String::from_utf8(events).unwrap(), kept.concat());
    }
}
