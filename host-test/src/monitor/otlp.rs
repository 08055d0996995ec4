//! Metrics, events and the process's own log to a collector of OpenTelemetry, by OTLP over HTTP (protobuf).
//!
//! Names are those of Prometheus with dots (`flowscore.records`), as a collector turns the one into the other. The variables of
//! OpenTelemetry's specification count: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_RESOURCE_ATTRIBUTES`, ….

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use serde_json::Value;
use tokio::runtime::Handle;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};

use super::exposition::{INCIDENT, MOST};
use super::incidents::{DIRECTIONS, Incident, SEVERITIES};
use super::metrics::{Definition, Kind, TABLE};
use super::{Monitor, lock};
use crate::told::Told;
use crate::usage::{chain, without_credentials};

/// Where the process's own log goes, too, once there is somewhere.
static LOG: OnceLock<SdkLogger> = OnceLock::new();

/// What is exported.
#[derive(Debug)]
pub struct Otlp {
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
    events: SdkLogger,
}

impl Otlp {
    /// Begins to export to a collector at this address, of what comes from `source`.
    ///
    /// # Errors
    ///
    /// The address cannot be used.
    pub fn start(monitor: &Arc<Monitor>, address: &str, source: String) -> anyhow::Result<Self> {
        let client = Arc::new(Client::new(address)?);
        let address = address.trim_end_matches('/');
        let resource = Resource::builder()
            .with_service_name("flowscore")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("flowscore.command", monitor.metrics.command.name()))
            .with_attribute(KeyValue::new("flowscore.source", source))
            .build();
        let exporter = LogExporter::builder()
            .with_http()
            .with_shared_http_client(client.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{address}/v1/logs"))
            .build()?;
        let logs = SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build();
        let exporter = MetricExporter::builder()
            .with_http()
            .with_shared_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{address}/v1/metrics"))
            .build()?;
        let metrics = SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(exporter).build();
        instruments(monitor, &metrics);
        let _ = LOG.set(logs.logger("flowscore"));
        let events = logs.logger("flowscore.events");
        Ok(Otlp { metrics, logs, events })
    }

    /// Exports incidents, groups, notices and failures as log records: the event as body, what is routed on as attributes.
    pub(super) fn events(&self, events: &[u8]) {
        for line in events.split(|byte| *byte == b'\n') {
            let is = |kind: &str| line.starts_with(format!("{{\"type\":\"{kind}\",").as_bytes());
            let Some(kind) = ["anomaly", "group", "notice", "failed"].into_iter().find(|kind| is(kind)) else {
                continue;
            };
            let event: Value = serde_json::from_slice(line).unwrap_or_default();
            let mut record = self.events.create_log_record();
            record.set_event_name(kind);
            record.set_observed_timestamp(SystemTime::now());
            let severity = match (kind, event["severity"].as_str()) {
                ("anomaly" | "group", Some("critical" | "high")) => Severity::Error,
                ("notice", _) => Severity::Info,
                _ => Severity::Warn,
            };
            record.set_severity_number(severity);
            record.set_severity_text(severity.name());
            record.set_body(AnyValue::from(String::from_utf8_lossy(line).into_owned()));
            for name in ["id", "state", "series", "direction", "severity", "reason", "kind", "group"] {
                if let Some(text) = event[name].as_str() {
                    record.add_attribute(format!("flowscore.{name}"), text.to_owned());
                }
            }
            self.events.emit(record);
        }
    }

    /// Exports what is left. Blocks.
    pub(super) fn finish(&self) {
        let _ = self.logs.shutdown();
        let _ = self.metrics.shutdown();
    }
}

/// One instrument for each name, which reads the values when they are exported.
fn instruments(monitor: &Arc<Monitor>, provider: &SdkMeterProvider) {
    let meter = provider.meter("flowscore");
    let command = monitor.metrics.command;
    let mine: Vec<&'static Definition> =
        TABLE.iter().filter(|definition| definition.commands.contains(&command)).collect();
    for family in mine.chunk_by(|a, b| a.name == b.name) {
        let (family, weak) = (family.to_vec(), Arc::downgrade(monitor));
        let Some(first) = family.first() else { continue };
        let (name, help, kind) = (format!("flowscore.{}", first.name), first.help, first.kind);
        let read = move |observe: &dyn Fn(u64, &[KeyValue])| {
            let Some(monitor) = weak.upgrade() else { return };
            monitor.refresh();
            for definition in &family {
                let labels: Vec<KeyValue> =
                    definition.label.iter().map(|(name, value)| KeyValue::new(*name, *value)).collect();
                observe(monitor.metrics.get(definition.metric), &labels);
            }
        };
        match kind {
            Kind::Counter => {
                let counter = meter.u64_observable_counter(name).with_description(help);
                counter.with_callback(move |to| read(&|value, labels| to.observe(value, labels))).build();
            }
            Kind::Gauge => {
                let gauge = meter.u64_observable_gauge(name).with_description(help);
                gauge.with_callback(move |to| read(&|value, labels| to.observe(value, labels))).build();
            }
        }
    }
    gauge(&meter, monitor, "flowscore.open_incidents", "Incidents that are open", |monitor, observe| {
        let open = lock(&monitor.open);
        for (severity, severity_name) in SEVERITIES {
            for (direction, direction_name) in DIRECTIONS {
                let of = |incident: &&Incident| incident.severity == severity && incident.direction == direction;
                let labels = [KeyValue::new("severity", severity_name), KeyValue::new("direction", direction_name)];
                observe(open.incidents.values().filter(of).count() as f64, &labels);
            }
        }
    });
    gauge(&meter, monitor, "flowscore.iterator_age", "Seconds that each shard is behind", |monitor, observe| {
        for (shard, age) in lock(&monitor.shards).iter().take(MOST) {
            observe(*age, &[KeyValue::new("shard", shard.clone())]);
        }
    });
    for (family, value) in INCIDENT {
        let weak = Arc::downgrade(monitor);
        let name = family.name.replacen('_', ".", 1);
        let gauge = meter.f64_observable_gauge(name).with_description(family.help);
        gauge
            .with_callback(move |to| {
                let Some(monitor) = weak.upgrade() else { return };
                for incident in lock(&monitor.open).worst(MOST) {
                    let labels =
                        [&*incident.series, &*incident.value, incident.direction.name(), incident.severity.name()];
                    let labels = family.labels.iter().zip(labels);
                    let labels: Vec<KeyValue> =
                        labels.map(|(name, value)| KeyValue::new(*name, value.to_owned())).collect();
                    to.observe(value(incident), &labels);
                }
            })
            .build();
    }
}

/// Takes a value with its labels.
type Observe<'a> = &'a dyn Fn(f64, &[KeyValue]);

/// Values that come and go.
fn gauge(
    meter: &Meter,
    monitor: &Arc<Monitor>,
    name: &'static str,
    help: &'static str,
    read: fn(&Monitor, Observe<'_>),
) {
    let weak = Arc::downgrade(monitor);
    let gauge = meter.f64_observable_gauge(name).with_description(help);
    let read = move |to: &dyn AsyncInstrument<f64>| {
        if let Some(monitor) = weak.upgrade() {
            read(&monitor, &|value, labels| to.observe(value, labels));
        }
    };
    gauge.with_callback(read).build();
}

/// Sends by the client that all else goes by, and says what was not accepted.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
    name: String,
    told: Arc<Told>,
}

impl Client {
    fn new(address: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build()?;
        Ok(Client { http, runtime: Handle::current(), name: without_credentials(address), told: Arc::default() })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let (parts, body) = request.into_parts();
        // The threads that export have no runtime of their own.
        let sent = self.runtime.spawn(async move {
            let request = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
            let status = answer.status();
            let body = answer.bytes().await.map_err(|error| chain(&error.without_url()))?;
            Ok::<_, String>((status, body))
        });
        let (status, body) = match sent.await.map_err(|error| error.to_string()).flatten() {
            Ok(answer) => answer,
            Err(reason) => {
                self.told.tell(&format!("{} does not take metrics or logs: {reason}", self.name));
                return Err(reason.into());
            }
        };
        if !status.is_success() {
            self.told.tell(&format!("{} does not take metrics or logs: it answered {status}", self.name));
        }
        Ok(Response::builder().status(status).body(body)?)
    }
}

/// Hands the process's own log on, once it is exported.
#[derive(Debug, Default)]
pub struct Layer(());

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn on_event(&self, event: &Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let Some(log) = LOG.get() else { return };
        let severity = match *event.metadata().level() {
            Level::ERROR => Severity::Error,
            Level::WARN => Severity::Warn,
            Level::INFO => Severity::Info,
            Level::DEBUG => Severity::Debug,
            Level::TRACE => Severity::Trace,
        };
        let mut message = Message::default();
        event.record(&mut message);
        let mut record = log.create_log_record();
        record.set_observed_timestamp(SystemTime::now());
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.set_body(AnyValue::from(message.0));
        log.emit(record);
    }
}

/// The text of a log line.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
