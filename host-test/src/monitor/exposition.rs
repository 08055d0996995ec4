//! The values in Prometheus' text format, and their documentation.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::incidents::{DIRECTIONS, Incident, SEVERITIES};
use super::metrics::{ALL, Command, Kind, TABLE};
use super::{Monitor, lock};

/// Series in trouble, and shards, that have values of their own; the worst of them, should there be more.
pub const MOST: usize = 100;

/// A name that stands for values which come and go.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    commands: &'static [Command],
    pub(super) help: &'static str,
}

const IN_TROUBLE: &[&str] = &["series", "value", "direction", "severity"];

const LATENCY: Family = Family {
    name: "flowscore_batch_duration_seconds",
    labels: &[],
    commands: &[Command::Serve],
    help: "Time from a request's body being read until its events were accepted downstream",
};
const ITERATOR_AGE: Family = Family {
    name: "flowscore_iterator_age_seconds",
    labels: &["shard"],
    commands: &[Command::Kinesis, Command::Multilang],
    help: "How far what was read of a shard is behind its newest record, by the service; of the 100 shards that are farthest behind",
};
const OPEN_INCIDENTS: Family = Family {
    name: "flowscore_open_incidents",
    labels: &["severity", "direction"],
    commands: ALL,
    help: "Incidents that are open",
};
const OPEN_GROUPS: Family = Family {
    name: "flowscore_open_groups",
    labels: &["severity", "direction"],
    commands: ALL,
    help: "Groups that are open: incidents of several series with one cause",
};
const SCORE: Family = Family {
    name: "flowscore_incident_score",
    labels: IN_TROUBLE,
    commands: ALL,
    help: "Score of the open incident of a series; of the 100 series worst in trouble, by severity and then score",
};
const OBSERVED: Family = Family {
    name: "flowscore_incident_observed",
    labels: IN_TROUBLE,
    commands: ALL,
    help: "Value of its worst window, of the same series",
};
const EXPECTED: Family = Family {
    name: "flowscore_incident_expected",
    labels: IN_TROUBLE,
    commands: ALL,
    help: "What was to be expected in that window",
};
const START: Family = Family {
    name: "flowscore_incident_start_timestamp_seconds",
    labels: IN_TROUBLE,
    commands: ALL,
    help: "Begin of the incident by event time, in seconds since the Unix epoch",
};

/// What an incident has as a value of its own.
pub(super) type OfIncident = (Family, fn(&Incident) -> f64);

pub(super) const INCIDENT: [OfIncident; 4] = [
    (SCORE, |incident| incident.score),
    (OBSERVED, |incident| incident.observed),
    (EXPECTED, |incident| incident.expected),
    (START, |incident| incident.start),
];

/// All values of a process in Prometheus' text format.
pub(super) fn expose(monitor: &Arc<Monitor>) -> Result<String, fmt::Error> {
    monitor.refresh();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition(monitor.clone())));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Exposition(Arc<Monitor>);

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let command = self.0.metrics.command;
        let mine = |definition: &&super::metrics::Definition| definition.commands.contains(&command);
        let table: Vec<_> = TABLE.iter().filter(mine).collect();
        for family in table.chunk_by(|a, b| a.name == b.name) {
            let Some(first) = family.first() else { continue };
            let name = format!("flowscore_{}", first.name);
            let kind = match first.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(&name, first.help, None, kind)?;
            for definition in family {
                let value = self.0.metrics.get(definition.metric);
                match definition.label {
                    Some(label) => encode(definition.kind, value, metric.encode_family(&[label])?)?,
                    None => encode(definition.kind, value, metric.encode_family::<[(&str, &str); 0]>(&[])?)?,
                }
            }
        }
        if LATENCY.commands.contains(&command) {
            let histogram = encoder.encode_descriptor(LATENCY.name, LATENCY.help, None, MetricType::Histogram)?;
            self.0.metrics.latency.encode(histogram)?;
        }
        if ITERATOR_AGE.commands.contains(&command) {
            let mut shards: Vec<(String, f64)> =
                lock(&self.0.shards).iter().map(|(name, age)| (name.clone(), *age)).collect();
            shards.sort_by(|a, b| b.1.total_cmp(&a.1));
            let ages = shards.iter().take(MOST).map(|(shard, age)| ([shard.as_str()], *age));
            gauges(&mut encoder, &ITERATOR_AGE, ages)?;
        }
        self.incidents(encoder)
    }
}

impl Exposition {
    fn incidents(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let open = lock(&self.0.open);
        let kinds =
            || SEVERITIES.iter().flat_map(|severity| DIRECTIONS.iter().map(move |direction| (severity, direction)));
        let counts = kinds().map(|((severity, severity_name), (direction, direction_name))| {
            let is = |incident: &&Incident| incident.severity == *severity && incident.direction == *direction;
            ([*severity_name, *direction_name], open.incidents.values().filter(is).count() as f64)
        });
        gauges(&mut encoder, &OPEN_INCIDENTS, counts)?;
        let counts = kinds().map(|((severity, severity_name), (direction, direction_name))| {
            let number = open.groups.values().filter(|group| **group == (*severity, *direction)).count();
            ([*severity_name, *direction_name], number as f64)
        });
        gauges(&mut encoder, &OPEN_GROUPS, counts)?;
        let worst = open.worst(MOST);
        for (family, value) in &INCIDENT {
            let values = worst.iter().map(|incident| {
                let labels = [&*incident.series, &*incident.value, incident.direction.name(), incident.severity.name()];
                (labels, value(incident))
            });
            gauges(&mut encoder, family, values)?;
        }
        Ok(())
    }
}

fn gauges<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    values: impl Iterator<Item = ([&'a str; N], f64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(family.name, family.help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        let labels: Vec<(&str, &str)> = family.labels.iter().copied().zip(labels).collect();
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode(kind: Kind, value: u64, encoder: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        Kind::Counter => ConstCounter::new(value).encode(encoder),
        Kind::Gauge => ConstGauge::new(value.try_into().unwrap_or(i64::MAX)).encode(encoder),
    }
}

/// The table for people, in Markdown; part of docs/monitoring.md.
pub fn documentation() -> String {
    let mut text = String::from("| Metric | Kind | Of | Says |\n|---|---|---|---|\n");
    let of = |commands: &[Command]| match commands {
        ALL => "all".to_owned(),
        _ => commands.iter().map(|command| format!("`{}`", command.name())).collect::<Vec<_>>().join(", "),
    };
    for family in TABLE.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = family.first() else { continue };
        let (suffix, kind) = match first.kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge => ("", "gauge"),
        };
        let labels: Vec<String> = family
            .iter()
            .filter_map(|definition| definition.label)
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join("\\|")) };
        let of = of(first.commands);
        let _ = writeln!(text, "| `flowscore_{}{suffix}{labels}` | {kind} | {of} | {} |", first.name, first.help);
    }
    let gauges =
        [&ITERATOR_AGE, &OPEN_INCIDENTS, &OPEN_GROUPS].into_iter().chain(INCIDENT.iter().map(|(family, _)| family));
    let families = std::iter::once((&LATENCY, "histogram")).chain(gauges.map(|family| (family, "gauge")));
    for (Family { name, labels, commands, help }, kind) in families {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(text, "| `{name}{labels}` | {kind} | {} | {help} |", of(commands));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::metrics::Metric;

    #[test]
    fn the_exposition_has_every_value_of_the_command_once() {
        let monitor = Monitor::new(Command::Serve);
        monitor.metrics.add(Metric::RecordsOk, 3);
        monitor.metrics.set(Metric::Series, 12);
        monitor.metrics.accepted_after(0.004);
        monitor.delivered(
            b"{\"type\":\"anomaly\",\"id\":\"a\",\"state\":\"open\",\"direction\":\"drop\",\"series\":\"a\\\"\\\\b\\nc\",\"value\":\"bytes\",\
              \"start\":\"2026-01-31T00:00:00.500Z\",\"observed\":0,\"expected\":1.5,\"anomaly_score\":2,\"severity\":\"high\"}\n",
        );
        let labels = "{series=\"a\\\"\\\\b\\nc\",value=\"bytes\",direction=\"drop\",severity=\"high\"}";
        let text = expose(&monitor).unwrap();
        for line in [
            "flowscore_records_total{outcome=\"ok\"} 3",
            "flowscore_records_total{outcome=\"failed\"} 0",
            "flowscore_series 12",
            "flowscore_batches_total{outcome=\"accepted\"} 1",
            "flowscore_batch_duration_seconds_bucket{le=\"0.004\"} 1",
            "flowscore_batch_duration_seconds_bucket{le=\"0.002\"} 0",
            "flowscore_batch_duration_seconds_count 1",
            "flowscore_open_incidents{severity=\"high\",direction=\"drop\"} 1.0",
            "flowscore_open_incidents{severity=\"high\",direction=\"spike\"} 0.0",
            "flowscore_open_groups{severity=\"high\",direction=\"drop\"} 0.0",
            &format!("flowscore_incident_expected{labels} 1.5"),
            &format!("flowscore_incident_start_timestamp_seconds{labels} 1769817600.5"),
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in\n{text}");
        }
        assert!(!text.contains("flowscore_shards") && !text.contains("iterator_age"), "{text}");
    }

    #[test]
    fn the_number_of_shards_and_of_series_with_values_of_their_own_is_bounded() {
        let monitor = Monitor::new(Command::Kinesis);
        for number in 0..300 {
            monitor.shard(&format!("shardId-{number}"), Some(number * 1_000));
        }
        let text = expose(&monitor).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("flowscore_iterator_age_seconds{")).count(), MOST);
        assert!(text.contains("flowscore_iterator_age_seconds{shard=\"shardId-299\"} 299.0\n"), "{text}");
        monitor.shard("shardId-299", None);
        assert!(!expose(&monitor).unwrap().contains("shardId-299"));
    }

    #[test]
    fn the_documentation_has_this_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/monitoring.md");
        let mut text = std::fs::read_to_string(page).unwrap();
        let table = documentation();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let start = text.find("| Metric | Kind |").unwrap();
            let end = start + text[start..].find("\n\n").unwrap() + 1;
            text.replace_range(start..end, &table);
            std::fs::write(page, &text).unwrap();
        }
        assert!(text.contains(&table), "docs/monitoring.md must contain (UPDATE_DOCS=1 writes it):\n{table}");
    }
}
