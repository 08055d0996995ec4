//! Window mode with many series: what it costs to close a window of one of 10,000 series, in WebAssembly and native, and the memory of a
//! series.
//!
//! ```text
//! cargo bench --bench closing               all
//! cargo bench --bench closing -- memory     linear memory of a series, after an hour and a day of minutes
//! cargo bench --bench closing -- component  closing in the component only
//! cargo bench --bench closing -- native     closing natively only
//! ```
//!
//! The stream is never stopped, so memory lies as it does in life: payloads of some interfaces go in, and those calls in which windows
//! were closed are compared with the ordinary ones. Twelve records a minute of each series, all with talkers that were not there before, so
//! that the habits of talkers have as much to do as they can.
//!
//! `FLOWSCORE_PLUGIN` names another build of the component.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::time::{Duration, Instant};

use flowscore_bench::{busy, minute};
use host_test::plugin::{Limits, Payload, Plugin};

const SERIES: u64 = 10_000;
const RECORDS: u64 = 12;
/// Minutes before the first that counts, and those that count: the clock of a thread can be as coarse as a tenth of a closed window.
const WARM: i64 = 60;
const MEASURED: i64 = 30;
/// Interfaces whose payloads go in by one call.
const TOGETHER: u64 = 50;

/// What takes payloads in and says how many windows it has closed so far.
trait Scoring {
    fn transform(&mut self, payloads: &[Vec<u8>]);
    fn windows(&mut self) -> u64;
}

impl Scoring for host_test::plugin::Scorer {
    fn transform(&mut self, payloads: &[Vec<u8>]) {
        let batch: Vec<_> = payloads.iter().map(|data| Payload { data, id: None }).collect();
        let mut scored = host_test::plugin::Scorer::transform(self, &batch).unwrap();
        assert_eq!(scored.taken as usize, batch.len());
        while scored.more {
            scored = self.proceed().unwrap();
        }
    }

    fn windows(&mut self) -> u64 {
        self.totals().unwrap().windows
    }
}

impl Scoring for flowscore::Scorer {
    fn transform(&mut self, payloads: &[Vec<u8>]) {
        let mut events = Vec::new();
        for payload in payloads {
            flowscore::Scorer::transform(self, payload, None, &mut events);
        }
    }

    fn windows(&mut self) -> u64 {
        self.totals().windows
    }
}

/// Nanoseconds for a window of a series: the mean of the middle half of all minutes.
fn closing(scorer: &mut dyn Scoring) -> f64 {
    let started = Instant::now();
    let (mut ordinary, mut calls) = (Duration::ZERO, 0);
    let (mut minutes, mut before) = (Vec::new(), 0);
    for at in 0..WARM + MEASURED {
        for first in (0..SERIES).step_by(TOGETHER as usize) {
            let payloads: Vec<_> = (first..first + TOGETHER).map(|interface| minute(interface, at, RECORDS)).collect();
            let start = busy(started);
            scorer.transform(&payloads);
            let time = busy(started) - start;
            let windows = scorer.windows() - before;
            before += windows;
            if at >= WARM && windows > 0 {
                minutes.push((time, windows));
            } else if at >= WARM {
                ordinary += time;
                calls += 1;
            }
        }
    }
    let besides = ordinary / calls;
    let each = |(time, windows): &(Duration, u64)| (time.as_secs_f64() - besides.as_secs_f64()) * 1e9 / *windows as f64;
    let mut each: Vec<f64> = minutes.iter().map(each).collect();
    each.sort_by(f64::total_cmp);
    let middle = &each[each.len() / 4..each.len().div_ceil(4) * 3];
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// The linear memory that an instance takes for each series more.
fn memory(plugin: &Plugin, minutes: i64) -> usize {
    let after = |series: u64| {
        let mut scorer = plugin.scorer(r#"{"series":{"total":false}}"#).unwrap();
        for at in 0..minutes {
            let payloads: Vec<_> = (0..series).map(|interface| minute(interface, at, 4)).collect();
            Scoring::transform(&mut scorer, &payloads);
        }
        scorer.memory()
    };
    // So many that a page of memory more or less says nothing.
    let series = 600;
    (after(2 * series) - after(series)) / series as usize
}

fn main() {
    let filters: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| filter == name);
    let plugin = match std::env::var_os("FLOWSCORE_PLUGIN") {
        Some(path) => Plugin::from_file(path.as_ref(), Limits::default()).unwrap(),
        None => Plugin::built_in(Limits::default()).unwrap(),
    };
    let component = is_wanted("component").then(|| closing(&mut plugin.scorer("").unwrap()));
    if let Some(time) = component {
        println!("closing a window of one of {SERIES} series, in the component: {time:.0} ns");
    }
    let native = is_wanted("native").then(|| closing(&mut flowscore::Scorer::new("").unwrap()));
    if let Some(time) = native {
        println!("closing a window of one of {SERIES} series, native: {time:.0} ns");
    }
    if let (Some(component), Some(native)) = (component, native) {
        println!("component / native: {:.2}", component / native);
    }
    if is_wanted("memory") {
        for (name, minutes) in [("an hour", 60), ("a day", 1_440)] {
            let bytes = memory(&plugin, minutes);
            println!("memory of a series after {name}, with its open windows and talkers: {bytes} bytes");
        }
    }
}
