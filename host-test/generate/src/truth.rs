//! Labels: what was injected, where, when, by whom, and what a detector should make of it.

use super::rfc3339;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The kind of an injected event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Traffic rises at once to a multiple (flood, one heavy talker, or many clients).
    Spike,
    /// Traffic falls at once to a fraction; the heaviest peer is gone.
    Drop,
    /// No traffic; the interface goes on to report NODATA.
    Outage,
    /// No records at all from the interface.
    Vanish,
    /// A rise to a multiple and back, spread over hours.
    Ramp,
    /// A smooth peak that comes at the same time each day.
    DailyPeak,
    /// The run of a job that begins while the stream lasts and comes back each night. The first is as sudden as any spike;
    /// those after it are known. The interface talks more with all its peers, so none of them is named.
    NightlyJob,
    /// A new level for good, as after a deployment. It lasts to the end of the stream.
    LevelShift,
    /// Nothing from any interface: the source, not the network, has failed.
    SourceSilence,
}

impl Kind {
    /// The kind as it stands in ids.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Drop => "drop",
            Self::Outage => "outage",
            Self::Vanish => "vanish",
            Self::Ramp => "ramp",
            Self::DailyPeak => "daily-peak",
            Self::NightlyJob => "nightly-job",
            Self::LevelShift => "level-shift",
            Self::SourceSilence => "source-silence",
        }
    }
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More than expected.
    Spike,
    /// Less than expected.
    Drop,
}

/// What a detector should make of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// An alert while the event lasts.
    Alert,
    /// No alert.
    NoAlert,
    /// One alert when it begins, and none once the new level is known.
    OneAlert,
    /// One notice about the source and no alert of a series.
    Notice,
}

/// Who made the change; for a drop, who is gone. A field is `None` where it was many: `matches` ignores it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talker {
    /// Source address, or the IPv4 range in CIDR notation that forged sources were drawn from.
    pub srcaddr: Option<String>,
    /// Destination address.
    pub dstaddr: Option<String>,
    /// Destination port.
    pub dstport: Option<u16>,
    /// IANA protocol number.
    pub protocol: Option<u8>,
}

impl Talker {
    /// Whether a flow with these fields is the talker, or one of its range.
    pub fn matches(&self, srcaddr: &str, dstaddr: &str, dstport: u16, protocol: u8) -> bool {
        self.srcaddr.as_deref().is_none_or(|wanted| covers(wanted, srcaddr))
            && self.dstaddr.as_deref().is_none_or(|wanted| covers(wanted, dstaddr))
            && self.dstport.is_none_or(|wanted| wanted == dstport)
            && self.protocol.is_none_or(|wanted| wanted == protocol)
    }
}

/// Whether an address is the wanted one or lies in the wanted IPv4 range.
fn covers(wanted: &str, address: &str) -> bool {
    let in_range = || {
        let (network, prefix) = wanted.split_once('/')?;
        let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        let network = u32::from(network.parse::<Ipv4Addr>().ok()?);
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        Some((network ^ address) & mask == 0)
    };
    wanted == address || in_range().unwrap_or(false)
}

/// One label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Unique in the scenario, such as `spike-1`.
    pub id: String,
    /// What was injected.
    pub kind: Kind,
    /// The interface id; `total` for a source silence.
    pub series: String,
    /// First second, epoch seconds; RFC 3339 in JSON.
    #[serde(with = "rfc3339")]
    pub start: i64,
    /// First second after it, epoch seconds; RFC 3339 in JSON.
    #[serde(with = "rfc3339")]
    pub end: i64,
    /// Direction of the alert to expect, `None` where none is.
    pub direction: Option<Direction>,
    /// Traffic relative to the ordinary traffic of the time: 3 is three times as much, 0 is none. At the top of a
    /// ramp or peak.
    pub magnitude: f64,
    /// What a detector should make of it.
    pub expect: Expectation,
    /// Who made the change, where one can say so.
    pub top_talker: Option<Talker>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_flat_json_object_that_can_be_read_back() {
        let label = Truth {
            id: "spike-1".into(),
            kind: Kind::Spike,
            series: "eni-0a".into(),
            start: 1_768_176_000,
            end: 1_768_176_600,
            direction: Some(Direction::Spike),
            magnitude: 12.5,
            expect: Expectation::Alert,
            top_talker: Some(Talker { srcaddr: Some("203.0.113.9".into()), dstport: Some(443), ..Talker::default() }),
        };
        let json = serde_json::to_string(&label).unwrap();
        assert_eq!(
            json,
            "{\"id\":\"spike-1\",\"kind\":\"spike\",\"series\":\"eni-0a\",\"start\":\"2026-01-12T00:00:00.000Z\",\
             \"end\":\"2026-01-12T00:10:00.000Z\",\"direction\":\"spike\",\"magnitude\":12.5,\"expect\":\"alert\",\
             \"top_talker\":{\"srcaddr\":\"203.0.113.9\",\"dstaddr\":null,\"dstport\":443,\"protocol\":null}}"
        );
        assert_eq!(serde_json::from_str::<Truth>(&json).unwrap(), label);
    }

    #[test]
    fn a_talker_matches_its_address_its_range_and_anything_where_it_says_nothing() {
        let range = Talker { srcaddr: Some("198.19.16.0/20".into()), dstport: Some(53), ..Talker::default() };
        assert!(range.matches("198.19.31.255", "10.0.0.1", 53, 17));
        assert!(!range.matches("198.19.32.0", "10.0.0.1", 53, 17));
        assert!(!range.matches("198.19.31.255", "10.0.0.1", 54, 17));
        assert!(!range.matches("2001:db8::1", "10.0.0.1", 53, 17));
        assert!(Talker::default().matches("a", "b", 1, 2));
    }
}
