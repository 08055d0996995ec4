//! Labelled VPC flow logs, made from a seed.
//!
//! A [`Scenario`] says what network to imitate, for how long, and which events to inject. From it come, always the same
//! for the same scenario:
//!
//! * the payloads, as a lazy iterator in order of delivery ([`Scenario::traffic`]): flow log lines of one network
//!   interface and one aggregation interval each, wrapped as Kinesis would carry them ([`Wrapping`]);
//! * the labels ([`Traffic::truth`]): what was injected where and when, what a detector should make of it, and who
//!   did it;
//! * the sums of each interface and minute ([`Scenario::totals`]), to check window sums against.
//!
//! ```text
//! role: rhythm × noise × effect ─ volume of a minute ─ flows ─ lines ─ envelope ─ wrapping ─ payload
//! ```
//!
//! # What is imitated
//!
//! Each interface has a role (web server, database, NAT gateway, resolver, nightly batch, nearly idle host) with a
//! level, a daily and weekly rhythm and autocorrelated log-normal noise. A minute's volume is split over a stable set
//! of peers and over passing clients with heavy-tailed sizes; both directions of a conversation are records of their
//! own, as AWS writes them. Scans are rejected, hosts ping each other, idle minutes give NODATA, and now and then AWS
//! skips records (SKIPDATA). Payloads arrive out of order across interfaces, a few records late. External addresses
//! are taken from the ranges that RFC 5737, RFC 2544 and RFC 3849 reserve for documentation and benchmarks, so that
//! no real host is accused of an attack.
//!
//! # Reproducible
//!
//! Random numbers come from substreams named by seed, interface and minute: without injected events the lines of an
//! interface do not depend on how many others there are. Transcendental functions come from `libm`, not from the
//! platform.
//!
//! # Example
//!
//! ```
//! use flowscore_generate::{InvalidScenario, Scenario, Wrapping};
//!
//! let scenario = Scenario { duration: 3 * 3600, wrapping: Wrapping::Lines, ..Scenario::day(7) };
//! let mut traffic = scenario.traffic()?;
//! for label in traffic.truth() {
//!     assert!(label.start >= scenario.start + i64::from(scenario.warm_up));
//! }
//! let records: usize = traffic.by_ref().map(|payload| payload.records).sum();
//! assert!(records > 10_000);
//! # Ok::<(), InvalidScenario>(())
//! ```

mod address;
mod compose;
mod effect;
mod envelope;
mod flow;
mod interface;
mod line;
mod log_format;
mod network;
mod placement;
mod random;
pub mod rfc3339;
mod rhythm;
mod role;
mod scenario;
#[cfg(test)]
mod tests;
mod totals;
mod traffic;
mod truth;
mod volume;
mod wrapping;

pub use interface::Interface;
pub use log_format::{InvalidFormat, LogFormat};
pub use role::Role;
pub use scenario::{Delivery, EventCounts, InvalidScenario, Scenario};
pub use totals::{MinuteTotals, Totals};
pub use traffic::{Payload, Traffic};
pub use truth::{Direction, Expectation, Kind, Talker, Truth};
pub use wrapping::Wrapping;
