//! What the page lists: incidents by themselves, and groups with their incidents; the worst first.

use super::model::Model;

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The incident at this position.
    Incident(usize),
    /// The group at this position, and its incidents, the worst first.
    Group(usize, Vec<usize>),
}

/// All entries: what is open comes before what is over in the list of a running process, and the worst comes first.
pub(super) fn entries(model: &Model, open_first: bool) -> Vec<Entry> {
    let mut of_groups: Vec<Vec<usize>> = vec![Vec::new(); model.groups.len()];
    let mut entries = Vec::new();
    for (index, incident) in model.incidents.iter().enumerate() {
        match model.group_of(incident).and_then(|group| of_groups.get_mut(group)) {
            Some(members) => members.push(index),
            None => entries.push(Entry::Incident(index)),
        }
    }
    let rank = |index: usize| {
        let incident = &model.incidents[index];
        let (severity, score) = incident.rank();
        (open_first && !incident.closed, severity, score)
    };
    let worse =
        |a: &(bool, usize, f64), b: &(bool, usize, f64)| (b.0, b.1).cmp(&(a.0, a.1)).then_with(|| b.2.total_cmp(&a.2));
    for (index, mut members) in of_groups.into_iter().enumerate() {
        members.sort_by(|a, b| worse(&rank(*a), &rank(*b)));
        entries.push(Entry::Group(index, members));
    }
    let of_entry = |entry: &Entry| match entry {
        Entry::Incident(index) => rank(*index),
        Entry::Group(group, members) => {
            let group = &model.groups[*group];
            let score = members.iter().map(|index| rank(*index).2).fold(0.0, f64::max);
            (open_first && !group.closed, group.severity_rank(), score)
        }
    };
    // Equal ones stay in the order of time.
    entries.sort_by(|a, b| worse(&of_entry(a), &of_entry(b)));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_worst_comes_first_and_members_stand_with_their_group() {
        let mut model = Model::default();
        for (id, severity, score, group, state) in [
            ("a", "high", 2.0, None, "closed"),
            ("b", "medium", 9.0, None, "open"),
            ("c", "high", 1.5, Some("g"), "closed"),
            ("d", "high", 3.0, Some("g"), "closed"),
            ("e", "high", 4.0, Some("unknown"), "closed"),
        ] {
            model.add(
                &json!({"type": "anomaly", "id": id, "severity": severity, "anomaly_score": score, "group": group,
                "state": state, "series": id, "start": 60, "end": 120}),
            );
        }
        model.add(
            &json!({"type": "group", "id": "g", "severity": "critical", "state": "closed", "start": 60, "end": 120}),
        );
        model.finish();
        let group = Entry::Group(0, vec![3, 2]);
        let rest = [Entry::Incident(4), Entry::Incident(0)];
        assert_eq!(entries(&model, false), [vec![group.clone()], rest.to_vec(), vec![Entry::Incident(1)]].concat());
        assert_eq!(entries(&model, true), [vec![Entry::Incident(1), group], rest.to_vec()].concat());
    }
}
