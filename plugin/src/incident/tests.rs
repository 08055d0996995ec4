//! Lives of incidents, window by window, with verdicts made by hand.

use super::*;

/// Windows of a minute; 100 is expected, 50 to 150 ordinary.
struct Series {
    lifecycle: Lifecycle,
    minute: i64,
    normal: Option<f64>,
    /// How significant a weak incident must be to be told.
    demanded: f64,
}

impl Series {
    fn new() -> Self {
        Series { lifecycle: Lifecycle::default(), minute: 0, normal: None, demanded: 0.0 }
    }

    fn window(&mut self, value: Option<f64>, alert: bool, members: Members) -> Step {
        let deviating = value.is_some_and(|value| !(50.0..=150.0).contains(&value));
        self.judged(value, alert, deviating, members)
    }

    fn judged(&mut self, value: Option<f64>, alert: bool, deviating: bool, members: Members) -> Step {
        let verdict = Verdict {
            score: if alert { 2.0 } else { 0.0 },
            alert,
            direction: value.map(|value| if value > 100.0 { Direction::Spike } else { Direction::Drop }),
            expected: 100.0,
            expected_low: 50.0,
            expected_high: 150.0,
            p: 0.001,
            deviating,
            normal: self.normal,
            ready: true,
        };
        let start = self.minute * 60;
        self.minute += 1;
        let judged = Judged { start, end: start + 60, value, whole: None, verdict: &verdict };
        let mut step = self.lifecycle.step(b"eni-1", &judged, members);
        if step.waiting.is_some_and(|significance| significance >= self.demanded) {
            step.active = self.lifecycle.announce();
        }
        step
    }

    fn quiet(&mut self, value: f64) -> Step {
        self.window(Some(value), false, Members::None)
    }

    /// A value that the detector has come to expect.
    fn calm(&mut self, value: f64) -> Step {
        self.judged(Some(value), false, false, Members::None)
    }

    fn alert(&mut self, value: f64) -> Step {
        self.window(Some(value), true, Members::None)
    }
}

#[test]
fn an_incident_starts_where_the_deviation_did_and_ends_with_it() {
    let mut series = Series::new();
    (0..10).for_each(|_| drop(series.quiet(100.0)));
    series.quiet(300.0);
    series.quiet(300.0);
    assert_eq!(series.alert(500.0).active, Some(Change::Opened));
    series.quiet(300.0);
    for _ in 1..CALM {
        assert!(series.quiet(100.0).closed.is_none());
    }
    let (incident, ending) = series.quiet(100.0).closed.unwrap();
    assert_eq!((incident.start, incident.peak, incident.end), (600, 720, 840));
    assert_eq!((incident.observed_total, incident.expected_total), (1_400.0, 400.0));
    assert_eq!(ending, Ending::Recovered);
}

#[test]
fn windows_of_unknown_value_neither_open_nor_close() {
    let mut series = Series::new();
    assert!(series.window(None, false, Members::None).active.is_none());
    series.alert(500.0);
    for _ in 0..100 {
        assert!(series.window(None, false, Members::None).closed.is_none());
    }
    assert!(series.lifecycle.open().is_some());
}

#[test]
fn a_spike_that_turns_into_an_outage_is_two_incidents_and_one_that_passes_is_one() {
    let mut series = Series::new();
    series.alert(500.0);
    // Back to normal, which a detector that had learned the spike may call a drop.
    let step = series.alert(100.0);
    assert!(step.closed.is_none() && step.active.is_none());
    let step = series.alert(0.0);
    assert_eq!(
        step.closed.map(|(incident, ending)| (incident.direction, ending)),
        Some((Direction::Spike, Ending::Turned))
    );
    assert_eq!(step.active, Some(Change::Opened));
    assert_eq!(series.lifecycle.open().map(|incident| incident.direction), Some(Direction::Drop));
}

#[test]
fn an_outage_hours_after_a_spike_is_news_and_the_way_back_from_a_new_level_is_not() {
    for (after, opens) in [(100.0, true), (500.0, false)] {
        let mut series = Series::new();
        series.alert(500.0);
        // Calm at the former level, or at that of the spike.
        (0..CALM).for_each(|_| drop(series.calm(after)));
        assert!(series.lifecycle.open().is_none());
        (0..200).for_each(|_| drop(series.calm(after)));
        let back = if opens { 0.0 } else { 100.0 };
        assert_eq!(series.alert(back).active.is_some(), opens, "from {after} to {back}");
    }
}

#[test]
fn an_alert_soon_after_the_close_continues_the_incident() {
    let mut series = Series::new();
    series.alert(500.0);
    (0..CALM).for_each(|_| drop(series.quiet(100.0)));
    assert!(series.lifecycle.open().is_none());
    assert_eq!(series.alert(500.0).active, Some(Change::Updated));
    assert_eq!(series.lifecycle.open().map(|incident| incident.start), Some(0));
    (0..60).for_each(|_| drop(series.quiet(100.0)));
    assert_eq!(series.alert(500.0).active, Some(Change::Opened));
}

#[test]
fn an_incident_that_never_ends_expires_once() {
    let mut series = Series::new();
    let mut changes = Vec::new();
    for _ in 0..3 * 1_440 {
        let step = series.alert(500.0);
        changes.extend(step.closed.map(|(_, ending)| Change::Closed(ending)).or(step.active));
    }
    assert_eq!(changes, [Change::Opened, Change::Closed(Ending::Expired)]);
}

#[test]
fn the_incident_of_a_total_is_held_back_and_dropped_if_members_explain_it() {
    let alerts = |members: [Members; 3]| {
        let mut series = Series::new();
        members.map(|members| series.window(Some(500.0), true, members).active)
    };
    let (quiet, explain) = (Members::Quiet, Members::Explain);
    assert_eq!(alerts([quiet, quiet, quiet]), [None, None, Some(Change::Opened)]);
    assert_eq!(alerts([quiet, explain, explain]), [None; 3]);
    // The time starts anew.
    assert_eq!(alerts([explain, quiet, quiet]), [None; 3]);
    assert_eq!(alerts([Members::None; 3]), [Some(Change::Opened), None, None]);
}

#[test]
fn half_of_the_way_back_is_a_new_level_and_says_which() {
    let mut series = Series { normal: Some(100.0), ..Series::new() };
    (0..10).for_each(|_| drop(series.quiet(100.0)));
    series.alert(20.0);
    let ended = (0..CALM).filter_map(|_| series.calm(60.0).closed).next().unwrap();
    assert_eq!((ended.1, ended.0.level), (Ending::NewLevel, Some(60.0)));
    let mut out = Vec::new();
    let telling = Telling { change: Change::Closed(ended.1), value: "bytes", told_at: 0, origin: None };
    ended.0.write(&telling, b"eni-1", &mut out);
    let event: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((event["reason"].as_str(), event["level"].as_f64()), (Some("new_level"), Some(60.0)));
}

#[test]
fn back_at_what_the_night_expects_is_recovered() {
    let mut series = Series { normal: Some(40.0), ..Series::new() };
    (0..10).for_each(|_| drop(series.quiet(100.0)));
    series.alert(0.0);
    let ended = (0..CALM).filter_map(|_| series.calm(38.0).closed).next().unwrap();
    assert_eq!(ended.1, Ending::Recovered);
}

#[test]
fn a_weak_incident_that_is_withheld_is_told_once_it_lasts_and_weak_ones_must_surpass_each_other() {
    let mut series = Series::new();
    series.demanded = 3.0;
    assert_eq!(series.alert(160.0).waiting, Some(2.0));
    let told = (1..30).find(|_| series.window(Some(160.0), false, Members::None).active == Some(Change::Opened));
    assert_eq!(told, Some(14));

    let mut series = Series::new();
    series.demanded = 3.0;
    assert_eq!((series.alert(160.0).active, series.quiet(100.0).closed.is_none()), (None, true));
    assert!((0..CALM).any(|_| series.quiet(100.0).withheld));
    (0..60).for_each(|_| assert!(series.quiet(100.0).waiting.is_none()));
    // The same again, an hour later, is nothing that this series has not had.
    let significance = series.alert(160.0).waiting.unwrap();
    assert!((0.99..1.02).contains(&significance), "{significance}");
    // What is severe waits for nobody.
    assert_eq!(series.alert(0.0).active, Some(Change::Opened));
}
