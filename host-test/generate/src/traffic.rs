//! The payloads of a scenario, in the order in which they are delivered.

use super::envelope::{Document, EventId, control_message};
use super::flow::Interval;
use super::interface::Interface;
use super::line::{push_flow, push_remark};
use super::network::Network;
use super::random::{Purpose, Random};
use super::scenario::Scenario;
use super::truth::Truth;
use super::wrapping::Encoder;
use core::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The most lines of one document; a real batch is bounded by its size, 1 MiB (CloudWatch Logs quotas).
const MOST_LINES: usize = 2000;

/// One Kinesis record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The log stream, as with a subscription distributed by log stream; hexadecimal digits for a control message.
    pub partition_key: Arc<str>,
    /// The bytes, in the form that the scenario's [`Wrapping`](super::Wrapping) says. Without a line end at the end.
    pub data: Vec<u8>,
    /// Epoch second of the delivery.
    pub delivered: i64,
    /// Lines in it; 0 for a control message.
    pub records: usize,
}

/// A payload on its way, ordered by delivery.
#[derive(Debug)]
struct Underway {
    /// Time, interface and ordinal: the last two make the order total.
    order: (i64, usize, u64),
    payload: Payload,
}

impl Ord for Underway {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed: the heap gives its greatest first.
        other.order.cmp(&self.order)
    }
}

impl PartialOrd for Underway {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Underway {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Underway {}

/// The payloads, made as they are asked for. Held in memory is only what is underway: a few minutes, and late records.
#[derive(Debug)]
pub struct Traffic {
    scenario: Scenario,
    network: Network,
    encoder: Encoder,
    /// Number of the interval to be generated next.
    next: i64,
    intervals: i64,
    underway: BinaryHeap<Underway>,
    ordinal: u64,
    interval: Interval,
    line: String,
    document: Document,
    late: Document,
}

impl Traffic {
    pub(super) fn new(scenario: &Scenario, network: Network) -> Self {
        Self {
            network,
            encoder: Encoder::new(),
            next: 0,
            intervals: i64::from(scenario.duration / scenario.interval),
            underway: BinaryHeap::new(),
            ordinal: 0,
            interval: Interval::default(),
            line: String::new(),
            document: Document::default(),
            late: Document::default(),
            scenario: scenario.clone(),
        }
    }

    /// The labels of all injected events, by time.
    pub fn truth(&self) -> &[Truth] {
        &self.network.truth
    }

    /// The interfaces.
    pub fn interfaces(&self) -> impl ExactSizeIterator<Item = &Interface> {
        self.network.interfaces()
    }

    /// Payloads generated and not yet delivered.
    #[cfg(test)]
    pub(super) fn underway(&self) -> usize {
        self.underway.len()
    }

    /// Start of the interval with a number, epoch seconds.
    fn interval_start(&self, number: i64) -> i64 {
        self.scenario.start + number * i64::from(self.scenario.interval)
    }

    /// Generates one interval of all interfaces.
    fn advance(&mut self) {
        self.control_messages();
        let count = self.network.interfaces().len();
        for index in 0..count {
            if self.network.report(index, self.next, &mut self.interval) {
                self.wrap(index);
            }
        }
        self.next += 1;
    }

    /// Wraps what one interface reports, and sends it on its way.
    fn wrap(&mut self, index: usize) {
        let Some(interface) = self.network.interface(index) else { return };
        let (delivery, wrapping) = (self.scenario.delivery, self.scenario.wrapping);
        let (number, stream) = (u64::from(interface.number), Arc::clone(&interface.stream));
        let random = &mut Random::substream(self.scenario.seed, Purpose::Delivery, number, self.interval.start as u64);
        let delay = |random: &mut Random, (shortest, longest): (u32, u32)| {
            random.integer(i64::from(shortest), i64::from(longest))
        };
        let delivered = self.interval.end + delay(random, delivery.delay);
        let mut id = EventId::batch(random);
        let mut full = Vec::new();
        for flow in &self.interval.flows {
            self.line.clear();
            push_flow(&mut self.line, &self.scenario.format, interface, flow);
            let document = if random.chance(delivery.late_share) { &mut self.late } else { &mut self.document };
            document.push(wrapping, &stream, flow.start, id.next(), &self.line);
            if self.document.len() >= MOST_LINES {
                full.push((MOST_LINES, self.document.finish(wrapping, |text| self.encoder.encode(wrapping, text))));
            }
        }
        if let Some(remark) = self.interval.remark {
            self.line.clear();
            push_remark(&mut self.line, &self.scenario.format, interface, &self.interval, remark);
            self.document.push(wrapping, &stream, self.interval.start, id.next(), &self.line);
        }
        if !self.document.is_empty() {
            let records = self.document.len();
            full.push((records, self.document.finish(wrapping, |text| self.encoder.encode(wrapping, text))));
        }
        for (records, data) in full {
            self.send(index, Payload { partition_key: Arc::clone(&stream), data, delivered, records });
        }
        if !self.late.is_empty() {
            let delivered = delivered + delay(random, delivery.late_by);
            let records = self.late.len();
            let data = self.late.finish(wrapping, |text| self.encoder.encode(wrapping, text));
            self.send(index, Payload { partition_key: stream, data, delivered, records });
        }
    }

    /// Control messages come at once: one when the subscription begins, then at their interval.
    fn control_messages(&mut self) {
        let every = i64::from(self.scenario.control_message_every);
        if every == 0 || !self.scenario.wrapping.has_envelope() {
            return;
        }
        let (from, to) = (self.interval_start(self.next), self.interval_start(self.next + 1));
        let ordinal = (from - self.scenario.start + every - 1).div_euclid(every);
        let mut time = self.scenario.start + ordinal * every;
        while time < to {
            let silent = self.network.silences.iter().any(|(start, end)| (*start..*end).contains(&time));
            if !silent {
                let mut random = Random::substream(self.scenario.seed, Purpose::Control, time as u64, 0);
                let key = format!("{:016x}{:016x}", random.next(), random.next());
                let data = self.encoder.encode(self.scenario.wrapping, &control_message(time));
                let delivered = to + i64::from(self.scenario.delivery.delay.0);
                self.send(usize::MAX, Payload { partition_key: key.into(), data, delivered, records: 0 });
            }
            time += every;
        }
    }

    fn send(&mut self, index: usize, payload: Payload) {
        self.ordinal += 1;
        self.underway.push(Underway { order: (payload.delivered, index, self.ordinal), payload });
    }
}

impl Iterator for Traffic {
    type Item = Payload;

    fn next(&mut self) -> Option<Payload> {
        loop {
            // Nothing that is still to be generated is delivered before this time.
            let earliest = self.interval_start(self.next + 1) + i64::from(self.scenario.delivery.delay.0);
            let exhausted = self.next == self.intervals;
            match self.underway.peek() {
                Some(first) if exhausted || first.order.0 < earliest => {
                    return self.underway.pop().map(|underway| underway.payload);
                }
                None if exhausted => return None,
                _ => self.advance(),
            }
        }
    }
}
