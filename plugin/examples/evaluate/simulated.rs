//! Simulations of what the labelled sets lack: heavy tails, signs, constants, level shifts, outages, weeks.

use flowscore::Direction;

use crate::data::{Told, detect};
use crate::random::Random;

const MINUTE: i64 = 60;
const DAY: usize = 1440;
/// A Monday, 00:00.
const MONDAY: i64 = 1_767_571_200;
const SEEDS: u32 = 20;

/// One line for each simulation.
pub(crate) fn report() -> String {
    let mut report = String::from("simulated\n");
    for (name, simulate) in [
        ("heavy tails, series of a few flows", few_flows as fn(&mut Random) -> Vec<f64>),
        ("steady with lone outliers of 20 to 80 %", lone_outliers),
        ("log-normal and sparse", sparse),
        ("busy interface with noise of 20 %", busy),
        ("an evening peak that comes earlier or later", evenings),
    ] {
        let mut alerts = 0;
        for seed in 0..SEEDS {
            let values = simulate(&mut Random::new(seed));
            alerts += count(&told(&values, 60)[DAY..], None);
        }
        report += &format!("  {name}: {:.3} alerts a day after the first\n", alerts as f64 / f64::from(SEEDS) / 13.0);
    }
    report += &without_events();
    report += &signed();
    report += &constants();
    report += &shift();
    report += &outage();
    report += &fade();
    report += &second_spike();
    for interval in [60, 300] {
        report += &weekly(interval);
    }
    report
}

/// The default detector on values from a Monday on.
fn told(values: &[f64], interval: i64) -> Vec<Told> {
    let points = values.iter().enumerate().map(|(i, value)| (MONDAY + i as i64 * interval, *value));
    detect(points).unwrap_or_default()
}

fn count(told: &[Told], direction: Option<Direction>) -> usize {
    told.iter().filter(|told| told.alert.is_some() && (direction.is_none() || told.alert == direction)).count()
}

fn alerts(told: &[Told]) -> Vec<(usize, &'static str)> {
    let word = |direction| if direction == Direction::Spike { "spike" } else { "drop" };
    told.iter().enumerate().filter_map(|(at, told)| told.alert.map(|direction| (at, word(direction)))).collect()
}

/// Traffic of one interface at a minute of the day: from 40 % at night to all at noon.
fn rhythm(minute: usize) -> f64 {
    let angle = (minute % DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
    0.7 - 0.3 * angle.cos()
}

fn busy(random: &mut Random) -> Vec<f64> {
    noisy(random, 14, 0.2, 0)
}

/// So many days of an interface whose minutes vary by `noise`, as a part of 1: each for itself, or falling to 1/e in so many `minutes`.
fn noisy(random: &mut Random, days: usize, noise: f64, minutes: u32) -> Vec<f64> {
    let kept = if minutes > 0 { (-1.0 / f64::from(minutes)).exp() } else { 0.0 };
    let mut deviation = random.normal();
    let mut minute = |minute| {
        let value = 1e8 * rhythm(minute) * (noise * deviation).exp();
        deviation = kept * deviation + (1.0 - kept * kept).sqrt() * random.normal();
        value
    };
    (0..days * DAY).map(&mut minute).collect()
}

/// A few flows a minute, each of a size with a Pareto tail of exponent 1.3.
fn few_flows(random: &mut Random) -> Vec<f64> {
    let mut minute = || {
        let flows = random.below(5);
        (0..flows).map(|_| 1e4 * random.uniform().max(1e-6).powf(-1.0 / 1.3)).sum()
    };
    (0..14 * DAY).map(|_| minute()).collect()
}

/// Every few hours one minute is off by 20 to 80 %.
fn lone_outliers(random: &mut Random) -> Vec<f64> {
    let mut minute = |minute| {
        let outlier = if random.below(300) == 0 { 1.2 + 0.6 * random.uniform() } else { 1.0 };
        1e7 * rhythm(minute) * (0.05 * random.normal()).exp() * outlier
    };
    (0..14 * DAY).map(&mut minute).collect()
}

/// One minute in ten has traffic, of log-normal size.
fn sparse(random: &mut Random) -> Vec<f64> {
    let mut minute = || if random.below(10) == 0 { 1e5 * (1.2 * random.normal()).exp() } else { 0.0 };
    (0..14 * DAY).map(|_| minute()).collect()
}

/// Twice the traffic for some two hours of each evening, the middle of which moves by three quarters of an hour and the height by a fifth.
fn evenings(random: &mut Random) -> Vec<f64> {
    let mut values = noisy(random, 14, 0.08, 0);
    for day in values.chunks_mut(DAY) {
        let (middle, height) = (1230.0 + 45.0 * random.normal(), (0.2 * random.normal()).exp());
        for (minute, value) in day.iter_mut().enumerate() {
            let off = (minute as f64 - middle) / 36.0;
            *value *= 1.0 + height * (-0.5 * off * off).exp();
        }
    }
    values
}

/// Four weeks of a link in windows of five minutes, with a day's course and nothing else: alerts a day after the first. How much
/// windows vary, how much of that wanders over an hour, and how much it grows each day.
fn without_events() -> String {
    let mut report = String::from("  windows of 300 s without events, alerts a day:");
    for (name, noise, wander, growth) in [
        ("5 %", 0.05, 0.0, 1.0),
        ("10 %", 0.1, 0.0, 1.0),
        ("20 %", 0.2, 0.0, 1.0),
        ("40 %", 0.4, 0.0, 1.0),
        ("20 %, most of it wandering", 0.1, 0.17, 1.0),
        ("40 %, most of it wandering", 0.2, 0.35, 1.0),
        ("10 %, growing by 1 % a day", 0.1, 0.0, 1.01),
        ("10 %, growing by 3 % a day", 0.1, 0.0, 1.03),
    ] {
        let mut alerts = 0;
        for seed in 0..SEEDS {
            let mut random = Random::new(seed);
            let (mut slow, day) = (0.0, DAY / 5);
            let mut window = |at: usize| {
                // A standard deviation of 1, correlated over an hour.
                slow += -slow / 12.0 + random.normal() * (2.0_f64 / 12.0 - 1.0 / 144.0).sqrt();
                let grown = f64::powf(growth, at as f64 / day as f64);
                1e8 * rhythm(at * 5) * grown * (noise * random.normal() + wander * slow).exp()
            };
            let values: Vec<f64> = (0..28 * day).map(&mut window).collect();
            alerts += count(&told(&values, 300)[day..], None);
        }
        report += &format!(" {name} {:.3};", alerts as f64 / f64::from(SEEDS) / 27.0);
    }
    report + "\n"
}

/// A sine of ±100 over six hours with noise of 3, and ten minutes of +60 on the eighth day.
fn signed() -> String {
    let (mut found, mut wrong) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let event = 7 * DAY + random.below(DAY as u32) as usize;
        let value = |minute: usize| {
            let wave = (minute as f64 / 360.0 * std::f64::consts::TAU).sin();
            let extra = if (event..event + 10).contains(&minute) { 60.0 } else { 0.0 };
            100.0 * wave + 3.0 * random.normal() + extra
        };
        let values: Vec<f64> = (0..14 * DAY).map(value).collect();
        let told = told(&values, 60);
        found += usize::from(count(&told[event..event + 10], Some(Direction::Spike)) > 0);
        wrong += count(&told[DAY..event], None) + count(&told[event + 20..], None);
    }
    format!("  signed sine: {found} of {SEEDS} events, {wrong} false alerts in {} days\n", 13 * SEEDS)
}

fn constants() -> String {
    let mut report = String::from("  constants:");
    for (from, to) in [(10.0, 11.0), (10.0, 10.5), (1000.0, 1100.0), (0.0, 1.0)] {
        let values: Vec<f64> = (0..2000).map(|minute| if minute < 1000 { from } else { to }).collect();
        report += &format!(" {from} then {to}: {:?};", alerts(&told(&values, 60)));
    }
    report + "\n"
}

/// Traffic falls to a third and stays there.
fn shift() -> String {
    let (mut told_once, mut more) = (0, 0);
    let mut expected = [0.0; 4];
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut values = busy(&mut random);
        let at = 8 * DAY + random.below(DAY as u32) as usize;
        values[at..].iter_mut().for_each(|value| *value *= 0.33);
        let told = told(&values, 60);
        let drops = count(&told[at..at + 10], Some(Direction::Drop));
        told_once += usize::from(drops > 0);
        more += count(&told[at..], None) - drops.min(1);
        for (sum, hours) in expected.iter_mut().zip([1, 4, 12, 24]) {
            *sum += told[at + hours * 60].expected / (0.33e8 * rhythm(at + hours * 60)) / f64::from(SEEDS);
        }
    }
    format!(
        "  level shift to a third: {told_once} of {SEEDS} told, {more} more alerts; expected over new level after \
         1, 4, 12, 24 hours: {:.2} {:.2} {:.2} {:.2}\n",
        expected[0], expected[1], expected[2], expected[3]
    )
}

/// Twenty minutes of nothing, then as before: what is expected after it.
fn outage() -> String {
    let (mut found, mut more) = (0, 0);
    let mut expected = [0.0; 4];
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut values = busy(&mut random);
        let at = 8 * DAY + random.below(DAY as u32) as usize;
        values[at..at + 20].fill(0.0);
        let told = told(&values, 60);
        found += usize::from(count(&told[at..at + 5], Some(Direction::Drop)) > 0);
        more += count(&told[at + 20..at + DAY], None);
        for (sum, minutes) in expected.iter_mut().zip([1, 5, 20, 60]) {
            let minute = at + 20 + minutes;
            *sum += (told[minute].expected / (1e8 * rhythm(minute)) - 1.0).abs() / f64::from(SEEDS);
        }
    }
    format!(
        "  outage of 20 minutes: {found} of {SEEDS} told, {more} alerts in the day after; expected is off after 1, 5, 20, \
         60 minutes by {:.2} {:.2} {:.2} {:.2}\n",
        expected[0], expected[1], expected[2], expected[3]
    )
}

/// Traffic fades to nothing within one or four hours, stays there for three, and is back at once.
fn fade() -> String {
    let mut report = String::from("  fades to nothing, then three hours of it:");
    for (hours, interval) in [(1, 60), (4, 60), (1, 300), (4, 300)] {
        let (mut found, mut turned) = (0, 0);
        for seed in 0..SEEDS {
            let mut random = Random::new(seed);
            let minutes = noisy(&mut random, 12, 0.12, 5);
            let every = (interval / MINUTE) as usize;
            let mut values: Vec<f64> = minutes.chunks(every).map(|minutes| minutes.iter().sum()).collect();
            let hour = 60 / every;
            let at = 9 * 24 * hour + 8 * hour + random.below(5 * hour as u32) as usize;
            let gone = at + hours * hour;
            for (window, value) in values[at..gone].iter_mut().enumerate() {
                *value *= 1.0 - window as f64 / (hours * hour) as f64;
            }
            values[gone..gone + 3 * hour].fill(0.0);
            let told = told(&values, interval);
            found += usize::from(count(&told[at..gone + hour + 1], Some(Direction::Drop)) > 0);
            turned += count(&told[gone + 3 * hour..gone + 4 * hour], Some(Direction::Spike));
        }
        report += &format!(
            " in {hours} h, windows of {interval} s: {found} of {SEEDS} told within an hour, {turned} returns told as spikes;"
        );
    }
    report + "\n"
}

/// One minute at six times, one as ever, and one at six times again.
fn second_spike() -> String {
    let (mut first, mut second) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut values = busy(&mut random);
        let at = 8 * DAY + random.below(DAY as u32) as usize;
        values[at] *= 6.0;
        values[at + 2] *= 6.0;
        let told = told(&values, 60);
        first += usize::from(told[at].alert.is_some());
        second += usize::from(told[at + 2].score > 0.0);
    }
    format!("  two spikes with one row between: {first} alerts and {second} second scores of {SEEDS}\n")
}

/// Six weeks with weekends at a third of the working days: false alerts by week, those of Monday mornings, and whether an
/// hour of Monday at the weekend's level is told in the last four weeks.
fn weekly(interval: i64) -> String {
    let day = (86_400 / interval) as usize;
    let scale = (interval / MINUTE) as usize;
    let mut weeks = [0; 6];
    let (mut mondays, mut found, mut made) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut slow = 0.0;
        let mut values: Vec<f64> = Vec::with_capacity(42 * day);
        for at in 0..42 * day {
            // Office hours rise from 07:00 to 09:00 and fall from 17:00 to 19:00 on working days.
            let hour = (at * scale % DAY) as f64 / 60.0;
            let office = ((hour - 7.0) / 2.0).clamp(0.0, 1.0).min(((19.0 - hour) / 2.0).clamp(0.0, 1.0));
            let weekday = at / day % 7;
            let level = if weekday < 5 { 0.25 + 0.75 * office } else { 0.25 };
            slow += 0.02 * (random.normal() - slow);
            values.push(1e8 * level * (0.08 * random.normal() + 0.3 * slow).exp());
        }
        let quiet = told(&values, interval);
        for (week, alerts) in weeks.iter_mut().enumerate() {
            *alerts += count(&quiet[week * 7 * day..(week + 1) * 7 * day], None);
        }
        mondays += (2..6).map(|week| count(&quiet[week * 7 * day..][..day / 2], None)).sum::<usize>();
        let mut changed = values.clone();
        for week in 2..6 {
            let from = week * 7 * day + 10 * day / 24;
            changed[from..from + day / 24].iter_mut().for_each(|value| *value *= 0.3);
        }
        let told = told(&changed, interval);
        for week in 2..6 {
            let from = week * 7 * day + 10 * day / 24;
            made += 1;
            found += usize::from(count(&told[from..from + day / 24], Some(Direction::Drop)) > 0);
        }
    }
    format!(
        "  weeks of {interval} s: alerts by week {weeks:?} in {SEEDS} series, {mondays} of them on Mondays before noon from \
         the third week on; {found} of {made} Monday drops told\n"
    )
}

/// A lasting change of a busy interface, by its factor, the noise of a minute, and over how many minutes noise is like itself: how many are told within half an hour, and
/// within two hours.
pub(crate) fn steps() -> String {
    let factors = [0.0, 0.33, 0.5, 0.67, 1.5, 2.0, 3.0];
    let mut report =
        format!("steps: lasting changes, told within 30 and 120 minutes of {SEEDS}; factors {factors:?}\n");
    for (noise, minutes) in [(0.1, 0), (0.2, 0), (0.4, 0), (0.6, 0), (0.1, 5), (0.2, 5)] {
        report += &format!("    noise {:2.0} %, over {minutes} minutes:", 100.0 * noise);
        for factor in factors {
            let (mut soon, mut late) = (0, 0);
            for seed in 0..SEEDS {
                let mut random = Random::new(seed);
                let mut values = noisy(&mut random, 9, noise, minutes);
                let at = 8 * DAY + random.below(DAY as u32 - 120) as usize;
                values[at..at + 120].iter_mut().for_each(|value| *value *= factor);
                let direction = if factor < 1.0 { Direction::Drop } else { Direction::Spike };
                let told = told(&values[..at + 120], 60);
                soon += usize::from(count(&told[at..at + 30], Some(direction)) > 0);
                late += usize::from(count(&told[at..at + 120], Some(direction)) > 0);
            }
            report += &format!(" {soon:2}/{late:2}");
        }
        report += "\n";
    }
    report
}
