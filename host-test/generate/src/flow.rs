//! A flow: what one record says, before it becomes text.

use super::address::Address;

/// One direction of one conversation in one aggregation interval.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) protocol: u8,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Epoch second of the first packet.
    pub(super) start: i64,
    /// Epoch second of the last packet.
    pub(super) end: i64,
    pub(super) accepted: bool,
    /// FIN 1, SYN 2, RST 4, SYN-ACK 18, OR-ed over the interval (VPC guide, "Flow log records").
    pub(super) tcp_flags: u8,
    /// From the view of the interface.
    pub(super) egress: bool,
}

impl Flow {
    /// Splits packets and bytes over the windows of `width` seconds that the flow touches, evenly over `[start,
    /// end)`; a flow of a single second belongs to its window as a whole. What rounding leaves goes to the last
    /// window: nothing is lost.
    pub(super) fn split(&self, width: i64, mut part: impl FnMut(i64, u64, u64)) {
        let duration = (self.end - self.start).max(0) as u64;
        let mut window = self.start.div_euclid(width) * width;
        let (mut packets, mut bytes) = (self.packets, self.bytes);
        while window + width < self.end {
            let seconds = (window + width - self.start.max(window)) as u128;
            let share = |whole: u64| (u128::from(whole) * seconds / u128::from(duration)) as u64;
            let (some_packets, some_bytes) = (share(self.packets), share(self.bytes));
            part(window, some_packets, some_bytes);
            packets -= some_packets;
            bytes -= some_bytes;
            window += width;
        }
        part(window, packets, bytes);
    }
}

/// What an interface reports for one aggregation interval.
#[derive(Debug, Default)]
pub(super) struct Interval {
    /// Epoch second at which the interval begins.
    pub(super) start: i64,
    /// Epoch second after its last.
    pub(super) end: i64,
    pub(super) flows: Vec<Flow>,
    /// A line without flow fields: NODATA when there are no flows, SKIPDATA when some were dropped.
    pub(super) remark: Option<Remark>,
}

/// The `log-status` of a line that describes no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// No traffic in the interval.
    NoData,
    /// Records were dropped inside AWS: the interval under-counts.
    SkipData,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(start: i64, end: i64, bytes: u64) -> Vec<(i64, u64)> {
        let own = Address::V4(1);
        let flow = Flow {
            source: own,
            destination: own,
            source_port: 1,
            destination_port: 2,
            protocol: 6,
            packets: 3,
            bytes,
            start,
            end,
            accepted: true,
            tcp_flags: 0,
            egress: true,
        };
        let mut parts = Vec::new();
        flow.split(60, |window, _, bytes| parts.push((window, bytes)));
        parts
    }

    #[test]
    fn a_flow_inside_a_window_stays_whole() {
        assert_eq!(parts(60, 119, 10), [(60, 10)]);
        assert_eq!(parts(60, 120, 10), [(60, 10)]);
        assert_eq!(parts(70, 70, 10), [(60, 10)]);
    }

    #[test]
    fn a_flow_over_windows_is_pro_rated_and_nothing_is_lost() {
        assert_eq!(parts(30, 90, 11), [(0, 5), (60, 6)]);
        assert_eq!(parts(90, 210, 120), [(60, 30), (120, 60), (180, 30)]);
    }
}
