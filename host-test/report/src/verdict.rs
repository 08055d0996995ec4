//! Incidents against labels: what was found, what was missed, what was false.

use super::incident::Incident;
use super::model::Model;
use flowscore_generate::{Expectation, Kind, Truth};

/// Seconds by which an incident may begin before its label (a record that spans windows; and it begins with its window, which may be
/// longer) and after its end (a detector that waits for a second window).
const EARLY: i64 = 120;
const LATE: i64 = 300;
/// Seconds after the onset of a level shift within which its one alert has to begin.
const ONSET: i64 = 3600;
/// Seconds after its end within which a source's silence has to be noticed.
const NOTICED: i64 = 1800;

/// What became of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As expected: an alert, the one alert or the notice came, or rightly none.
    Right,
    /// An alert came, but in the wrong direction.
    WrongDirection,
    /// Expected and not there.
    Missed,
    /// There and not expected.
    Unwanted,
}

/// What an incident stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The label with this position.
    Label(usize),
    /// A sum over interfaces moved because of the label with this position.
    Part(usize),
    /// No label explains it.
    False,
}

/// All verdicts.
#[derive(Debug)]
pub(super) struct Verdicts<'a> {
    pub(super) truth: &'a [Truth],
    /// For each label: outcome, position of its incident.
    pub(super) labels: Vec<(Outcome, Option<usize>)>,
    /// For each incident.
    pub(super) incidents: Vec<Meaning>,
}

fn wants_alert(label: &Truth) -> bool {
    matches!(label.expect, Expectation::Alert | Expectation::OneAlert)
}

/// Whether an incident begins while a label may be the reason.
fn belongs(incident: &Incident, label: &Truth, window: i64) -> bool {
    let last = if label.expect == Expectation::OneAlert { label.start + ONSET } else { label.end + LATE };
    (label.start - EARLY.max(window - 1)..last).contains(&incident.start)
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(model: &Model, truth: &'a [Truth]) -> Self {
        let meaning = |incident: &Incident| {
            let mut own = truth.iter().enumerate().filter(|(_, label)| label.series == incident.series);
            if let Some((position, _)) =
                own.find(|(_, label)| wants_alert(label) && belongs(incident, label, model.window))
            {
                return Meaning::Label(position);
            }
            // The total, or any other sum of interfaces, is no label's series.
            let is_sum = truth.iter().all(|label| label.series != incident.series || label.kind == Kind::SourceSilence)
                && !incident.series.starts_with("eni-");
            let part = truth.iter().position(|label| wants_alert(label) && belongs(incident, label, model.window));
            part.filter(|_| is_sum).map_or(Meaning::False, Meaning::Part)
        };
        let mut incidents: Vec<Meaning> = model.incidents.iter().map(meaning).collect();
        let labels = truth.iter().enumerate().map(|(position, label)| {
            let mut own = (0..incidents.len()).filter(|index| incidents[*index] == Meaning::Label(position));
            let first = own.next();
            let right = (first.into_iter().chain(own))
                .find(|index| model.incidents[*index].direction == label.direction || label.direction.is_none());
            let disturbed = model.incidents.iter().position(|incident| {
                incident.series == label.series && (label.start..label.end).contains(&incident.start)
            });
            let mut noticed = model.notices.times();
            match label.expect {
                Expectation::Alert | Expectation::OneAlert => match (right, first) {
                    (Some(index), _) => (Outcome::Right, Some(index)),
                    (None, Some(index)) => (Outcome::WrongDirection, Some(index)),
                    (None, None) => (Outcome::Missed, None),
                },
                Expectation::NoAlert if disturbed.is_some() => (Outcome::Unwanted, disturbed),
                Expectation::NoAlert => (Outcome::Right, None),
                Expectation::Notice => {
                    let noticed = noticed.any(|time| (label.start..label.end + NOTICED).contains(&time));
                    (if noticed { Outcome::Right } else { Outcome::Missed }, None)
                }
            }
        });
        let labels: Vec<(Outcome, Option<usize>)> = labels.collect();
        // A second incident of a level shift says that the new level was not accepted.
        for (position, _) in truth.iter().enumerate().filter(|(_, label)| label.expect == Expectation::OneAlert) {
            let counted = labels[position].1;
            for (index, meaning) in incidents.iter_mut().enumerate() {
                if *meaning == Meaning::Label(position) && Some(index) != counted {
                    *meaning = Meaning::False;
                }
            }
        }
        Self { truth, labels, incidents }
    }

    /// Labels that call for an alert or a notice, and how many of them were met.
    pub(super) fn found(&self) -> (usize, usize) {
        let wanted = self.truth.iter().zip(&self.labels).filter(|(label, _)| label.expect != Expectation::NoAlert);
        let right = wanted.clone().filter(|(_, (outcome, _))| *outcome == Outcome::Right).count();
        (right, wanted.count())
    }

    /// Incidents that no label explains.
    pub(super) fn false_incidents(&self) -> usize {
        self.incidents.iter().filter(|meaning| **meaning == Meaning::False).count()
    }

    /// Seconds from the onset of each label found to the start of its incident.
    pub(super) fn delays(&self, model: &Model) -> Vec<i64> {
        self.seconds_to(model, |incident| Some(incident.start))
    }

    /// Seconds of event time from the onset of each label found until its incident was told.
    pub(super) fn tellings(&self, model: &Model) -> Vec<i64> {
        self.seconds_to(model, |incident| incident.told)
    }

    fn seconds_to(&self, model: &Model, time: impl Fn(&Incident) -> Option<i64>) -> Vec<i64> {
        let found = self.truth.iter().zip(&self.labels).filter(|(label, _)| wants_alert(label));
        let times = found.filter_map(|(label, (_, index))| Some(time(model.incidents.get((*index)?)?)? - label.start));
        let mut seconds: Vec<i64> = times.map(|seconds| seconds.max(0)).collect();
        seconds.sort_unstable();
        seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscore_generate::Direction;
    use serde_json::json;

    fn label(kind: Kind, series: &str, start: i64, direction: Option<Direction>, expect: Expectation) -> Truth {
        let (id, series, end) = (String::new(), series.to_owned(), start + 600);
        Truth { id, kind, series, start, end, direction, magnitude: 2.0, expect, top_talker: None }
    }

    fn model(incidents: &[(&str, i64, &str)]) -> Model {
        let mut model = Model::default();
        for (index, (series, start, direction)) in incidents.iter().enumerate() {
            model.add(&json!({
                "type": "anomaly", "id": index.to_string(), "state": "open", "series": series, "start": start,
                "end": start + 60, "direction": direction, "told_at": start + 420,
            }));
        }
        model.finish();
        model
    }

    #[test]
    fn labels_are_found_missed_or_found_in_the_wrong_direction() {
        let alert = |series, start| label(Kind::Drop, series, start, Some(Direction::Drop), Expectation::Alert);
        let truth = [alert("eni-a", 1000), alert("eni-b", 1000), alert("eni-c", 1000)];
        let model = model(&[("eni-a", 1060, "drop"), ("eni-b", 1060, "spike"), ("eni-c", 9000, "drop")]);
        let verdicts = Verdicts::new(&model, &truth);
        let outcomes: Vec<Outcome> = verdicts.labels.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Outcome::Right, Outcome::WrongDirection, Outcome::Missed]);
        assert_eq!((verdicts.found(), verdicts.false_incidents()), ((1, 3), 1));
        assert_eq!((verdicts.delays(&model), verdicts.tellings(&model)), (vec![60, 60], vec![480, 480]));
    }

    #[test]
    fn an_incident_of_the_total_is_part_of_a_label_and_not_false() {
        let truth = [label(Kind::Spike, "eni-a", 1000, Some(Direction::Spike), Expectation::Alert)];
        let verdicts = Verdicts::new(&model(&[("total", 1060, "spike"), ("eni-b", 1060, "spike")]), &truth);
        assert_eq!(verdicts.incidents, [Meaning::False, Meaning::Part(0)]);
    }

    #[test]
    fn a_level_shift_may_alert_once_and_a_ramp_not_at_all() {
        let truth = [
            label(Kind::LevelShift, "eni-a", 1000, Some(Direction::Spike), Expectation::OneAlert),
            label(Kind::Ramp, "eni-b", 1000, None, Expectation::NoAlert),
        ];
        let incidents = [("eni-a", 1060, "spike"), ("eni-a", 2000, "spike"), ("eni-b", 1200, "spike")];
        let verdicts = Verdicts::new(&model(&incidents), &truth);
        assert_eq!(verdicts.labels, [(Outcome::Right, Some(0)), (Outcome::Unwanted, Some(1))]);
        assert_eq!(verdicts.false_incidents(), 2);
    }

    #[test]
    fn a_silent_source_is_found_by_a_notice() {
        let truth = [label(Kind::SourceSilence, "total", 1000, None, Expectation::Notice)];
        let mut model = model(&[]);
        assert_eq!(Verdicts::new(&model, &truth).labels, [(Outcome::Missed, None)]);
        model.add(&json!({"type": "notice", "time": 1300, "kind": "source_silent", "message": "…"}));
        assert_eq!(Verdicts::new(&model, &truth).labels, [(Outcome::Right, None)]);
    }
}
