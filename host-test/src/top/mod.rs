//! What a running process finds, in a terminal: read from its `GET /events` ([`follow`]), drawn by [`draw`].

use serde::Deserialize;

pub mod draw;
pub mod follow;

/// What is going on, as a process tells it ([`crate::live`]).
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct State {
    /// What it calls itself.
    pub title: String,
    /// `ready`, or why not.
    pub health: String,
    /// Throughput of late.
    pub records_per_second: Option<f64>,
    /// How far event time is behind the clock, in seconds.
    pub lag_s: Option<f64>,
    /// Open incidents and groups.
    pub open: u64,
    /// What is detected on.
    pub value: String,
    /// Series that the component holds.
    pub series_held: u64,
    /// The worst of what is open, first.
    pub incidents: Vec<Incident>,
    /// Those with open incidents, and then those with most traffic.
    pub series: Vec<Series>,
}

/// An open incident or group.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Incident {
    /// `spike` or `drop`.
    pub direction: String,
    /// `low` to `critical`.
    pub severity: String,
    /// Begin and end so far, in seconds since the Unix epoch.
    pub start: i64,
    /// See `start`.
    pub end: i64,
    /// The change, for people.
    pub factor: String,
    /// Everything in one sentence.
    pub sentence: String,
}

/// The last windows of a series.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Whether it has an open incident.
    pub is_open: bool,
    /// Amounts, the newest last.
    pub windows: Vec<f64>,
}
