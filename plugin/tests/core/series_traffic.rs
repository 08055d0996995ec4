//! Traffic to test with, and a stream that keeps its events.

use flowscore::series::{Engine, Observation, Place, Settings, Status, Talker};
use serde_json::Value;

/// 2023-11-15T00:00:00Z, a whole minute and day.
pub(crate) const T0: i64 = 1_700_006_400;

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) key: String,
    /// Where values of the key are joined: at each `/`, unless a test says otherwise.
    pub(crate) joints: Vec<u32>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) rejected: bool,
    pub(crate) status: Status,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) srcport: u16,
    pub(crate) dstport: u16,
}

impl Record {
    pub(crate) fn new(key: &str, start: i64, end: i64, bytes: u64) -> Record {
        Record {
            key: key.to_owned(),
            joints: key.match_indices('/').map(|(at, _)| at as u32).collect(),
            start,
            end,
            bytes,
            packets: bytes / 1000 + 1,
            rejected: false,
            status: Status::Ok,
            source: "198.51.100.7".to_owned(),
            destination: "10.0.0.1".to_owned(),
            srcport: 50_000,
            dstport: 443,
        }
    }

    /// A record over a whole minute, counted from [`T0`].
    pub(crate) fn minute(key: &str, minute: i64, bytes: u64) -> Record {
        Record::new(key, T0 + minute * 60, T0 + minute * 60 + 60, bytes)
    }

    pub(crate) fn status(mut self, status: Status) -> Record {
        self.status = status;
        self
    }

    pub(crate) fn talker(mut self, source: &str, destination: &str, dstport: u16) -> Record {
        self.source = source.to_owned();
        self.destination = destination.to_owned();
        self.dstport = dstport;
        self
    }

    pub(crate) fn observation(&self) -> Observation<'_> {
        Observation {
            key: self.key.as_bytes(),
            joints: &self.joints,
            start: self.start,
            end: self.end,
            bytes: self.bytes,
            packets: self.packets,
            rejected: self.rejected,
            status: self.status,
            place: Place::default(),
            talker: Some(Talker {
                srcaddr: self.source.as_bytes(),
                dstaddr: self.destination.as_bytes(),
                srcport: self.srcport,
                dstport: self.dstport,
                protocol: 6,
            }),
        }
    }
}

/// A number that looks random and is the same each time.
pub(crate) fn noise(a: i64, b: i64) -> u64 {
    let mut z = (a as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (b as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    z = (z ^ (z >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 32)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 29)) >> 1
}

/// The timestamp `seconds` after [`T0`], on its day.
pub(crate) fn time(seconds: i64) -> Value {
    format!("2023-11-15T{:02}:{:02}:{:02}.000Z", seconds / 3600, seconds / 60 % 60, seconds % 60).into()
}

pub(crate) struct Stream {
    pub(crate) engine: Engine,
    pub(crate) bytes: Vec<u8>,
    read: usize,
    events: Vec<Value>,
}

impl Stream {
    pub(crate) fn new(settings: &Settings) -> Stream {
        settings.check().unwrap();
        Stream { engine: Engine::new(settings), bytes: Vec::new(), read: 0, events: Vec::new() }
    }

    pub(crate) fn observe(&mut self, record: &Record) {
        self.engine.observe(&record.observation(), &mut self.bytes);
        self.parse();
    }

    pub(crate) fn tick(&mut self, now_ms: i64) {
        self.engine.tick(now_ms, &mut self.bytes);
        self.parse();
    }

    pub(crate) fn finish(&mut self) {
        self.engine.finish(&mut self.bytes);
        self.parse();
    }

    fn parse(&mut self) {
        if self.bytes.len() > self.read {
            let lines = self.bytes[self.read..].strip_suffix(b"\n").unwrap();
            self.events.extend(lines.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()));
            self.read = self.bytes.len();
        }
    }

    /// All events.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.events.iter()
    }

    /// Events of a type.
    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }

    /// Incidents as they opened.
    pub(crate) fn opened(&self) -> Vec<&Value> {
        self.of("anomaly").filter(|event| event["state"] == "open").collect()
    }
}
