//! The detector as a whole, read as a specification.

use super::*;
use crate::state;

const MINUTE: i64 = 60;

/// Noise in -1…1, the same on each run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }
}

/// Windows of one minute; every verdict is checked for what always holds.
fn run(values: impl IntoIterator<Item = f64>) -> Vec<Verdict> {
    let mut detector = Detector::new(Some(60.0));
    let mut verdicts = Vec::new();
    for (i, value) in values.into_iter().enumerate() {
        let verdict = detector.observe(&Settings::default(), i as i64 * MINUTE, Some(value));
        sane(&verdict, value);
        verdicts.push(verdict);
    }
    assert!(detector.is_valid());
    verdicts
}

fn sane(verdict: &Verdict, value: f64) {
    assert!(verdict.score >= 0.0 && verdict.score <= 6.0, "{verdict:?}");
    assert!(verdict.p > 0.0 && verdict.p <= 1.0, "{verdict:?}");
    assert!(verdict.expected_low <= verdict.expected && verdict.expected <= verdict.expected_high, "{verdict:?}");
    assert_eq!(verdict.alert, verdict.score >= 1.0);
    if verdict.alert {
        assert!(verdict.ready && verdict.deviating, "{verdict:?}");
        match verdict.direction {
            Some(Direction::Spike) => assert!(value > verdict.expected_high, "{value} {verdict:?}"),
            Some(Direction::Drop) => assert!(value < verdict.expected_low, "{value} {verdict:?}"),
            None => panic!("an alert without direction: {verdict:?}"),
        }
    }
}

fn alerts(verdicts: &[Verdict]) -> Vec<usize> {
    (0..verdicts.len()).filter(|i| verdicts[*i].alert).collect()
}

/// A busy interface: daily rhythm and multiplicative noise.
fn busy(minutes: usize) -> Vec<f64> {
    let mut noise = Noise(7);
    (0..minutes)
        .map(|i| {
            let day = (i % 1440) as f64 / 1440.0;
            let rhythm = 1.0 + 2.4 * day * (1.0 - day);
            1e6 * rhythm * (1.0 + 0.1 * (noise.next() + noise.next() + noise.next()))
        })
        .collect()
}

#[test]
fn a_constant_series_never_alerts_and_expects_itself() {
    for level in [0.0, 7.0, 1e12, -3.0] {
        let verdicts = run([level; 3000]);
        assert!(alerts(&verdicts).is_empty());
        let last = verdicts[2999];
        assert!((last.expected - level).abs() <= 1e-9 * level.abs());
        assert_eq!(last.direction, None);
    }
}

#[test]
fn a_constant_series_that_changes_alerts_once() {
    for (from, to) in [(0.0, 100.0), (100.0, 0.0), (1e9, 3e9), (50.0, 60.0)] {
        let mut values = vec![from; 1000];
        values.extend([to; 1000]);
        assert_eq!(alerts(&run(values)), [1000], "{from} to {to}");
    }
}

#[test]
fn a_busy_series_with_a_daily_rhythm_is_quiet_from_the_first_day() {
    assert_eq!(alerts(&run(busy(14 * 1440))), [0usize; 0]);
}

#[test]
fn a_spike_alerts_at_once_with_value_and_direction() {
    let mut values = busy(3 * 1440);
    for value in &mut values[4000..4010] {
        *value *= 4.0;
    }
    let verdicts = run(values.clone());
    assert_eq!(alerts(&verdicts), [4000]);
    let verdict = verdicts[4000];
    assert_eq!(verdict.direction, Some(Direction::Spike));
    assert!((verdict.expected / values[3999] - 1.0).abs() < 0.4);
    assert!(verdict.p < 0.001);
    assert!((4000..4010).all(|i| verdicts[i].deviating));
    assert!(!verdicts[4012].deviating);
}

#[test]
fn an_outage_of_a_busy_series_alerts_as_a_drop() {
    let mut values = busy(3 * 1440);
    values[4000..4030].fill(0.0);
    let verdicts = run(values);
    let found = alerts(&verdicts);
    assert!((4000..=4001).contains(&found[0]), "{found:?}");
    assert!(found.len() <= 2, "{found:?}");
    assert_eq!(verdicts[found[0]].direction, Some(Direction::Drop));
    assert!(verdicts[4020].deviating && verdicts[4020].expected > 5e5);
}

#[test]
fn a_level_shift_alerts_once_and_becomes_normal() {
    let mut values = busy(4 * 1440);
    for value in &mut values[4000..] {
        *value *= 5.0;
    }
    let verdicts = run(values);
    assert!((1..=2).contains(&alerts(&verdicts).len()), "{:?}", alerts(&verdicts));
    assert!(!verdicts[4000 + 300].deviating);
}

/// Minutes of this series vary by a tenth: 0.7 and 1.6 are too little for one of them.
#[test]
fn a_change_that_lasts_is_told_within_half_an_hour() {
    for (factor, direction) in
        [(0.7, Direction::Drop), (0.5, Direction::Drop), (1.6, Direction::Spike), (2.0, Direction::Spike)]
    {
        let mut values = busy(5 * 1440);
        values[6000..6120].iter_mut().for_each(|value| *value *= factor);
        let verdicts = run(values);
        let found = alerts(&verdicts);
        assert!((6000..6030).contains(found.first().unwrap_or(&0)), "{factor}: {found:?}");
        assert_eq!(verdicts[found[0]].direction, Some(direction), "{factor}");
        let expected = verdicts[found[0]].expected;
        let before = 1e6 * (1.0 + 2.4 * (240.0 / 1440.0) * (1200.0 / 1440.0));
        assert!((expected / before - 1.0).abs() < 0.15, "{factor}: {expected} of {before}");
    }
}

#[test]
fn an_hour_of_spike_does_not_hide_the_drop_after_it() {
    let mut values = busy(2 * 1440);
    values[500..560].iter_mut().for_each(|value| *value *= 25.0);
    values[1100..1130].iter_mut().for_each(|value| *value *= 0.25);
    let verdicts = run(values);
    let found = alerts(&verdicts);
    assert!(found.contains(&500) && found.iter().any(|i| (1100..1103).contains(i)), "{found:?}");
}

#[test]
fn a_new_job_is_news_in_its_first_night_only() {
    let mut values = busy(9 * 1440);
    for night in 4..9 {
        values[night * 1440 + 180..night * 1440 + 225].iter_mut().for_each(|value| *value *= 15.0);
    }
    assert_eq!(alerts(&run(values)), [4 * 1440 + 180]);
}

#[test]
fn a_slow_ramp_never_alerts() {
    let values = busy(4 * 1440);
    let ramp = values.iter().enumerate().map(|(i, value)| value * (1.0 + (i as f64 - 2000.0).max(0.0) / 2000.0));
    assert_eq!(alerts(&run(ramp)), [0usize; 0]);
}

#[test]
fn a_growing_counter_never_alerts() {
    assert_eq!(alerts(&run((0..5000).map(|i| 1e9 + 1000.0 * f64::from(i)))), [0usize; 0]);
}

#[test]
fn zero_is_normal_in_a_sparse_series() {
    let mut noise = Noise(3);
    let verdicts = run((0..10_000).map(|_| if noise.next() > 0.8 { 1000.0 * (2.0 + noise.next()) } else { 0.0 }));
    assert_eq!(alerts(&verdicts), [0usize; 0]);
}

#[test]
fn small_integers_do_not_storm() {
    let mut noise = Noise(11);
    let verdicts = run((0..10_000).map(|_| (1.5 + 1.5 * noise.next() * noise.next()).floor()));
    assert!(alerts(&verdicts).len() <= 1, "{:?}", alerts(&verdicts));
}

#[test]
fn a_nightly_job_is_learnt_within_days() {
    let mut values = busy(12 * 1440);
    for night in 0..12 {
        let start = night * 1440 + 180 + night % 3;
        for value in &mut values[start..start + 40] {
            *value += 3e7;
        }
    }
    let found = alerts(&run(values));
    assert!(found.iter().all(|i| *i < 3 * 1440) && found.len() <= 5, "{found:?}");
}

#[test]
fn unknown_windows_neither_alert_nor_teach() {
    let mut with_gap = Detector::new(Some(60.0));
    let settings = Settings { sensitivity: Sensitivity::High, ..Settings::default() };
    for (i, value) in busy(3 * 1440).into_iter().enumerate() {
        let unknown = (3000..3200).contains(&i);
        let verdict = with_gap.observe(&settings, i as i64 * MINUTE, (!unknown).then_some(value));
        assert!(!verdict.alert, "{i}");
        if unknown {
            assert_eq!((verdict.score, verdict.direction), (0.0, None));
            assert!(verdict.expected > 0.0);
        }
    }
}

#[test]
fn missing_rows_are_a_gap_not_a_drop() {
    let mut detector = Detector::new(None);
    for (i, value) in busy(6 * 1440).into_iter().enumerate() {
        if !(3000..4100).contains(&i) {
            assert!(!detector.observe(&Settings::default(), i as i64 * MINUTE, Some(value)).alert, "{i}");
        }
    }
}

#[test]
fn a_value_that_is_no_number_is_unknown() {
    let mut detector = Detector::new(Some(60.0));
    for i in 0..500 {
        let value = [5.0, f64::NAN, f64::INFINITY, 6.0][i % 4];
        let verdict = detector.observe(&Settings::default(), i as i64 * MINUTE, Some(value));
        assert!(!verdict.alert && verdict.expected.is_finite());
    }
    assert!(detector.is_valid());
}

#[test]
fn extreme_values_and_times_stay_finite() {
    let mut detector = Detector::new(None);
    let values = [0.0, f64::MAX, -f64::MAX, f64::MIN_POSITIVE, 1e-300, 1e300, -1.0];
    let times = [0, i64::MAX, i64::MIN, 60, -60, 1 << 40];
    for i in 0..5000 {
        let time = if i % 11 == 0 { times[i / 11 % times.len()] } else { i as i64 * MINUTE };
        let verdict = detector.observe(&Settings::default(), time, Some(values[i * 5 % 7]));
        assert!(verdict.score.is_finite() && verdict.expected.is_finite());
        assert!(verdict.expected_low <= verdict.expected && verdict.expected <= verdict.expected_high);
    }
    assert!(detector.is_valid());
}

#[test]
fn only_the_watched_deviations_alert() {
    let mut values = busy(3 * 1440);
    values[4000..4010].iter_mut().for_each(|value| *value *= 8.0);
    let count = |settings: &Settings| {
        let mut detector = Detector::new(Some(60.0));
        let observe = |(i, value): (usize, &f64)| detector.observe(settings, i as i64 * MINUTE, Some(*value)).alert;
        values.iter().enumerate().map(observe).filter(|alert| *alert).count()
    };
    let plain = Settings::default;
    assert_eq!(count(&plain()), 1);
    assert_eq!(count(&Settings { direction: Watch::Drop, ..plain() }), 0);
    assert_eq!(count(&Settings { min_value: 1e9, ..plain() }), 0);
    let near = |above_ratio| IgnoreNearExpected { above_ratio, ..IgnoreNearExpected::default() };
    assert_eq!(count(&Settings { ignore_near_expected: near(20.0), ..plain() }), 0);
    assert_eq!(count(&Settings { ignore_near_expected: near(2.0), ..plain() }), 1);
}

#[test]
fn a_restored_snapshot_goes_on_with_the_same_bits() {
    let values = busy(5 * 1440);
    let mut detector = Detector::new(None);
    let settings = Settings::default();
    for (i, value) in values.iter().enumerate().take(6000) {
        detector.observe(&settings, i as i64 * MINUTE, Some(*value));
    }
    let snapshot = state::to_bytes(&detector);
    assert!(snapshot.len() < 24 * 1024, "{} bytes", snapshot.len());
    let mut restored: Detector = state::from_bytes(&snapshot).unwrap();
    assert!(restored.is_valid());
    for (i, value) in values.iter().enumerate().skip(6000) {
        let time = i as i64 * MINUTE;
        let (a, b) = (detector.observe(&settings, time, Some(*value)), restored.observe(&settings, time, Some(*value)));
        assert_eq!(a, b);
        assert_eq!((a.score.to_bits(), a.expected.to_bits()), (b.score.to_bits(), b.expected.to_bits()));
    }
    assert_eq!(state::to_bytes(&detector), state::to_bytes(&restored));
}

#[test]
fn a_corrupt_snapshot_is_refused_or_harmless() {
    let mut detector = Detector::new(None);
    for (i, value) in busy(2000).iter().enumerate() {
        detector.observe(&Settings::default(), i as i64 * MINUTE, Some(*value));
    }
    let snapshot = state::to_bytes(&detector);
    let mut noise = Noise(5);
    for at in (0..snapshot.len()).step_by(7) {
        let mut corrupt = snapshot.clone();
        corrupt[at] ^= (1.0 + 127.0 * noise.next().abs()) as u8;
        if let Ok(mut other) = state::from_bytes::<Detector>(&corrupt)
            && other.is_valid()
        {
            for i in 2000..2020 {
                other.observe(&Settings::default(), i * MINUTE, Some(1e6));
            }
        }
    }
}

#[test]
fn a_wave_with_both_signs_is_quiet_and_its_event_is_told() {
    let mut noise = Noise(13);
    let wave = |i: usize, extra: f64| 100.0 * libm::sin(i as f64 * core::f64::consts::TAU / 360.0) + extra;
    let mut values: Vec<f64> = (0..10 * 1440).map(|i| wave(i, 3.0 * noise.next())).collect();
    values[12_000..12_010].iter_mut().for_each(|value| *value += 120.0);
    // Until the first value below zero nothing says that there will be any.
    let found: Vec<usize> = alerts(&run(values)).into_iter().filter(|at| *at > 180).collect();
    assert_eq!(found, [12_000]);
}

#[test]
fn what_is_expected_right_after_an_outage_is_what_was_before() {
    let mut values = busy(4 * 1440);
    values[5000..5020].fill(0.0);
    let verdicts = run(values.clone());
    for at in [5022, 5030, 5060] {
        assert!((verdicts[at].expected / values[4999] - 1.0).abs() < 0.35, "{at}: {:?}", verdicts[at]);
    }
}

#[test]
fn a_working_day_after_a_quiet_weekend_is_expected() {
    // Five-minute windows; working days are four times as busy from 08:00 to 18:00, and the first day is a Thursday.
    let mut detector = Detector::new(Some(300.0));
    let mut noise = Noise(17);
    let mut found = Vec::new();
    for i in 0..35 * 288i64 {
        let (day, slot) = (i / 288, i % 288);
        let office = day % 7 != 2 && day % 7 != 3;
        let ramp = ((slot - 96).min(216 - slot).clamp(0, 24) as f64) / 24.0;
        let level = 1e6 * (1.0 + if office { 3.0 * ramp } else { 0.0 });
        let value = level * (1.0 + 0.05 * noise.next());
        if detector.observe(&Settings::default(), i * 300, Some(value)).alert {
            found.push((day, slot));
        }
    }
    assert!(found.iter().all(|(day, _)| *day < 14), "{found:?}");
}

#[test]
fn a_detector_of_five_minute_windows_stays_below_48_kilobytes() {
    let mut detector = Detector::new(Some(300.0));
    let mut noise = Noise(19);
    for i in 0..60 * 288i64 {
        detector.observe(&Settings::default(), i * 300, Some(1e6 * (2.0 + noise.next())));
    }
    let bytes = state::to_bytes(&detector).len();
    assert!(bytes < 48 * 1024, "{bytes} bytes");
}

#[test]
fn traffic_that_is_caught_up_after_an_outage_is_measured_from_what_was_before_it() {
    let at = 9 * 1440 + 600;
    // Noise that lasts for some minutes.
    let (mut noise, mut slow) = (Noise(1), 0.0);
    let mut minute = |i: usize| {
        slow += 0.36 * noise.next() - 0.2 * slow;
        let day = (i % 1440) as f64 / 1440.0;
        1e6 * (1.0 + 2.4 * day * (1.0 - day)) * (0.35 * slow).exp()
    };
    let mut values: Vec<f64> = (0..10 * 1440).map(&mut minute).collect();
    values[at..at + 60].fill(0.0);
    values[at + 60..at + 65].iter_mut().for_each(|value| *value *= 2.5);
    let usual = values[at - 1];
    let verdicts = run(values);
    let told = alerts(&verdicts[at..]);
    assert!(told.len() <= 3, "the outage, and what is caught up: {told:?}");
    assert_eq!(verdicts[at + told[0]].direction, Some(Direction::Drop));
    let spike = verdicts[at + 60..].iter().find(|verdict| verdict.alert).unwrap();
    assert!(spike.direction == Some(Direction::Spike) && (spike.expected / usual - 1.0).abs() < 0.3, "{spike:?}");
    assert!(verdicts[at + 70..].iter().all(|verdict| !verdict.deviating), "all is as before");
}

#[test]
fn a_window_that_falls_back_by_chance_does_not_end_an_event() {
    let (mut values, at) = (busy(10 * 1440), 9 * 1440 + 600);
    let usual = values[at - 60..at].iter().sum::<f64>() / 60.0;
    values[at..].iter_mut().for_each(|value| *value *= 3.0);
    values[at + 20] = 1.8 * usual;
    let verdicts = run(values);
    assert_eq!(alerts(&verdicts[at..at + 5]).len(), 1);
    assert!(verdicts[at + 5..at + 170].iter().all(|verdict| verdict.deviating));
}

#[test]
fn noise_in_windows_of_some_minutes_is_seldom_new() {
    let mut told = 0;
    for seed in 0..10 {
        let (mut noise, mut detector) = (Noise(seed), Detector::new(Some(300.0)));
        for at in 0..28 * 288 {
            // A day's course, and noise of 20 % with the tail of a product.
            let angle = (at % 288) as f64 / 288.0 * std::f64::consts::TAU;
            let normal: f64 = (0..12).map(|_| noise.next()).sum::<f64>() / 2.0;
            let value = 1e8 * (0.7 - 0.3 * angle.cos()) * (0.2 * normal).exp();
            let verdict = detector.observe(&Settings::default(), at * 300, Some(value));
            told += u32::from(verdict.alert && at >= 288);
        }
    }
    // Measured: 11, and 17 where the floor of what is extreme is a fifth of the spread.
    assert!(told <= 14, "{told} in 270 days");
}

#[test]
fn what_fades_to_nothing_is_told_once_it_is_gone_and_its_return_is_its_end() {
    for (hours, seed) in [(1, 1), (4, 2)] {
        let (mut values, at) = (busy(10 * 1440), 8 * 1440 + 480 + seed);
        let gone = at + hours * 60;
        for (minute, value) in values[at..gone].iter_mut().enumerate() {
            *value *= 1.0 - minute as f64 / (hours * 60) as f64;
        }
        values[gone..gone + 180].fill(0.0);
        let usual = values[gone + 181];
        let verdicts = run(values);
        let told = alerts(&verdicts);
        let last = *told.iter().rfind(|told| **told < gone + 180).unwrap();
        assert!(last <= gone + 35 && verdicts[last].direction == Some(Direction::Drop), "{hours} h: {told:?}");
        assert!((verdicts[last].expected / usual - 1.0).abs() < 0.4, "what the season expects: {:?}", verdicts[last]);
        assert!(!told.iter().any(|told| *told >= gone + 180), "{hours} h: {told:?}");
        assert!(verdicts[gone + 185..].iter().all(|verdict| !verdict.deviating), "it is over when traffic is back");
    }
}

#[test]
fn what_went_on_in_the_warm_up_is_no_news_when_it_ends() {
    // On for fifty minutes, then a pause that ends just as the detector begins to judge.
    for pause in [48..61, 30..75] {
        let mut values = busy(400);
        values[pause].fill(0.0);
        assert!(alerts(&run(values)).is_empty(), "its end is as it was before");
    }
    let mut values = busy(400);
    values[45..95].iter_mut().for_each(|value| *value *= 8.0);
    assert!(alerts(&run(values)).iter().all(|told| *told < 95), "nor is the end of a spike");
}

#[test]
fn an_event_of_the_first_day_teaches_no_season() {
    // From a half hour on that the season has not seen yet.
    for start in [480, 490, 509] {
        let mut values = busy(700);
        values[start..start + 50].fill(0.0);
        let usual = values[start - 30..start].iter().sum::<f64>() / 30.0;
        let verdicts = run(values);
        let expected = verdicts[start + 49].expected;
        assert!((expected / usual - 1.0).abs() < 0.2, "{start}: {expected} of {usual}");
    }
}
