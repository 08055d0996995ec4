//! Why an incident: which of its numbers left their own habit, who made the change, and which series are behind an
//! aggregate's.

use core::net::IpAddr;

use crate::json::Writer;
use crate::state::state;

/// The numbers of a window, in the order of [`Explanation::attribution`].
pub const METRICS: [&str; 4] = ["bytes", "packets", "flows", "rejects"];

/// Someone whose traffic changed.
#[derive(Clone, Debug, PartialEq)]
pub struct TopTalker {
    /// `None`: many sources, none of which stands out, or a source that is no address.
    pub srcaddr: Option<IpAddr>,
    /// `None`: many destinations.
    pub dstaddr: Option<IpAddr>,
    /// 0: none, or the ports of clients.
    pub dstport: u16,
    /// IANA protocol number.
    pub protocol: u8,
    /// Bytes in the window with the highest score.
    pub bytes: f64,
    /// Mean bytes of an ordinary window.
    pub baseline_bytes: f64,
    /// Its share of the series' change, 0 to 1.
    pub share: f64,
    /// How many pairs of addresses were seen behind it, where that is more than one.
    pub pairs: u32,
}

state!(TopTalker { srcaddr, dstaddr, dstport, protocol, bytes, baseline_bytes, share, pairs });

/// A series behind an aggregate's incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The series' key.
    pub series: Vec<u8>,
    /// Its share of the aggregate's change; several members can make more than the whole if others went the other way.
    pub share: f64,
}

state!(Member { series, share });

/// What is known about the cause, taken in the window with the highest score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// How much each of [`METRICS`] left its own habit, as shares of 1; all 0 if none did.
    pub attribution: [f64; 4],
    /// Who made the change, largest share first.
    pub top_talkers: Vec<TopTalker>,
    /// For an aggregate, the series that made it, largest share first.
    pub members: Vec<Member>,
}

state!(Explanation { attribution, top_talkers, members });

impl Explanation {
    pub(crate) fn write(&self, event: &mut Writer<'_>) {
        event.key("attribution").open(b'{');
        for (name, share) in METRICS.into_iter().zip(self.attribution) {
            event.key(name).rounded(share);
        }
        event.close(b'}');
        write_talkers(&self.top_talkers, event);
        if !self.members.is_empty() {
            event.key("members").open(b'[');
            for member in &self.members {
                event.open(b'{');
                event.key("series").bytes(&member.series);
                event.key("share").rounded(member.share);
                event.close(b'}');
            }
            event.close(b']');
        }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.attribution.iter().all(|share| share.is_finite())
            && self.top_talkers.iter().all(|mover| mover.bytes.is_finite() && mover.baseline_bytes.is_finite())
    }
}

/// The member `top_talkers` of an event.
pub(super) fn write_talkers(talkers: &[TopTalker], event: &mut Writer<'_>) {
    event.key("top_talkers").open(b'[');
    for mover in talkers {
        event.open(b'{');
        for (name, address) in [("srcaddr", mover.srcaddr), ("dstaddr", mover.dstaddr)] {
            match address {
                Some(address) => event.key(name).text(&address.to_string()),
                None => event.key(name).literal("null"),
            }
        }
        event.key("dstport").whole(mover.dstport.into());
        event.key("protocol").whole(mover.protocol.into());
        event.key("bytes").rounded(mover.bytes);
        event.key("baseline_bytes").rounded(mover.baseline_bytes);
        event.key("share").rounded(mover.share);
        if mover.pairs > 1 {
            event.key("pairs").whole(mover.pairs.into());
        }
        event.close(b'}');
    }
    event.close(b']');
}
