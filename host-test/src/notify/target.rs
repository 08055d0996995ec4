//! Whom people are told by: Slack, PagerDuty, a webhook, Amazon SNS.
//!
//! | `--notify` | tells |
//! |---|---|
//! | `https://hooks.slack.com/services/…`, `slack://HOST/PATH` | an incoming webhook of Slack, or of what understands the same |
//! | `pagerduty://ROUTING_KEY`, `pagerduty://ROUTING_KEY@events.eu.pagerduty.com` | PagerDuty's Events API v2 |
//! | `arn:aws:sns:REGION:ACCOUNT:TOPIC` | a topic of SNS: mail, SMS, chat, functions |
//! | `https://…`, `http://…` | a webhook: the JSON of the template |
//! | `file:PATH` | the targets in a file, one a line |
//!
//! `#severity=high` behind a target leaves out what is less severe. `slack+http://` and `pagerduty+http://` go without TLS.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::news::{News, State};
use super::template::Body;
use super::text::{Text, sign, subject};
use crate::aws;
use crate::monitor::incidents::{SEVERITIES, Severity};

/// Where PagerDuty takes events.
const PAGERDUTY: &str = "events.pagerduty.com";
/// Characters of PagerDuty's summary, at most.
const SUMMARY: usize = 1024;
/// Characters of the subject of SNS, at most.
const SUBJECT: usize = 100;

/// Time that a target has to accept.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Whom people are told by.
#[derive(Clone)]
pub struct Target {
    kind: Kind,
    floor: Severity,
    /// As it is told to people and logs: nothing of it is secret.
    pub name: String,
    /// By which it is known over a restart: nobody can make the target of it.
    pub key: String,
}

#[derive(Clone)]
enum Kind {
    Slack(Url),
    PagerDuty { url: Url, key: String },
    Webhook { url: Url, body: Body },
    Sns { topic: String, region: String },
}

/// Why something was not accepted.
#[derive(Debug)]
pub enum Refused {
    /// It may be accepted later; perhaps so much later.
    Later(String, Option<Duration>),
    /// It never will.
    Never(String),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Target {
    /// The target of a value of `--notify`. An error names what is wrong, and nothing of the value.
    pub fn new(value: &str, body: &Body) -> Result<Self, String> {
        let (address, floor) = match value.split_once("#severity=") {
            None => (value, Severity::Low),
            Some((address, name)) => {
                let floor = SEVERITIES.iter().find(|(_, known)| *known == name);
                (address, floor.ok_or("behind #severity= give low, medium, high or critical")?.0)
            }
        };
        let (kind, name) = Kind::of(address, body)?;
        let key = Sha256::digest(address.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Target { kind, floor, name, key })
    }

    /// Whether people are told this by it.
    pub fn wants(&self, news: &News) -> bool {
        match news.state {
            // Chats have been told of the group.
            State::OverInGroup => matches!(self.kind, Kind::PagerDuty { .. }) && news.severity >= self.floor,
            _ => news.severity >= self.floor,
        }
    }

    /// Sends news, once.
    ///
    /// # Errors
    ///
    /// It was not accepted, or not that anyone knows.
    pub async fn send(&self, clients: &Clients, news: &News, text: &Text) -> Result<(), Refused> {
        let client = &clients.http;
        match &self.kind {
            Kind::Slack(url) => post(client, url, &slack(&self.as_told(news), text)).await,
            Kind::PagerDuty { url, key } => post(client, url, &pagerduty(key, news, text)).await,
            Kind::Webhook { url, body } => post(client, url, &body.of(&self.as_told(news), text)).await,
            Kind::Sns { topic, region } => match clients.sns.get(region) {
                Some(sns) => publish(sns, topic, news, text).await,
                None => Err(Refused::Never(format!("there is no client for {region}"))),
            },
        }
    }

    /// News of what was below the floor before is new to whom it is told.
    pub fn as_told(&self, news: &News) -> News {
        match news.state {
            State::Worse(before) if before < self.floor => News { state: State::Opened, ..news.clone() },
            _ => news.clone(),
        }
    }
}

/// What notifications are sent by.
pub struct Clients {
    http: reqwest::Client,
    /// By region.
    sns: BTreeMap<String, aws_sdk_sns::Client>,
}

impl Clients {
    /// Those that these targets need.
    ///
    /// # Errors
    ///
    /// No HTTP client can be made.
    pub async fn of(targets: &[Target]) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("flowscore/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let mut sns = BTreeMap::new();
        for target in targets {
            if let Kind::Sns { region, .. } = &target.kind
                && !sns.contains_key(region)
            {
                sns.insert(region.clone(), aws::sns(region).await);
            }
        }
        Ok(Clients { http, sns })
    }
}

impl Kind {
    /// The kind of an address, and its name without a secret.
    fn of(address: &str, body: &Body) -> Result<(Self, String), String> {
        if address.starts_with("arn:") {
            let parts: Vec<&str> = address.split(':').collect();
            return match parts[..] {
                [_, _, "sns", region, _, topic] if !region.is_empty() && !topic.is_empty() => {
                    let kind = Kind::Sns { topic: address.to_owned(), region: region.to_owned() };
                    Ok((kind, format!("SNS topic {topic}")))
                }
                _ => Err("an ARN must be one of a topic: arn:aws:sns:REGION:ACCOUNT:TOPIC".into()),
            };
        }
        let Some((scheme, rest)) = address.split_once("://") else {
            return Err("give slack://, pagerduty://, https://, an ARN of an SNS topic, or file:PATH".into());
        };
        let (service, transport) = scheme.split_once('+').unwrap_or((scheme, "https"));
        let parse = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
            url.ok_or_else(|| format!("what follows {scheme}:// is no address"))
        };
        let host = |url: &Url| url.host_str().unwrap_or_default().to_owned();
        match service {
            "slack" => {
                let url = parse(&format!("{transport}://{rest}"))?;
                let name = format!("Slack webhook at {}", host(&url));
                Ok((Kind::Slack(url), name))
            }
            "pagerduty" => {
                let (key, at) = rest.split_once('@').unwrap_or((rest, PAGERDUTY));
                let key = key.trim_end_matches('/');
                if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return Err("what follows pagerduty:// is no routing key: letters and digits".into());
                }
                let url = parse(&format!("{transport}://{at}/v2/enqueue"))?;
                let name = format!("PagerDuty at {}", host(&url));
                Ok((Kind::PagerDuty { url, key: key.to_owned() }, name))
            }
            "http" | "https" => {
                let url = parse(address)?;
                if url.host_str() == Some("hooks.slack.com") {
                    return Ok((Kind::Slack(url), "Slack webhook at hooks.slack.com".into()));
                }
                let name = format!("webhook at {}", host(&url));
                Ok((Kind::Webhook { url, body: body.clone() }, name))
            }
            _ => Err("give slack://, pagerduty://, https://, an ARN of an SNS topic, or file:PATH".into()),
        }
    }
}

/// <https://api.slack.com/messaging/webhooks>
fn slack(news: &News, text: &Text) -> Value {
    // https://api.slack.com/reference/surfaces/formatting#escaping
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut message = format!("{} *{}*", sign(news), escaped(&text.title));
    if !text.body.is_empty() {
        message.push('\n');
        message.push_str(&escaped(&text.body));
    }
    if let Some(link) = &text.link {
        message.push_str(&format!("\n<{}|Open>", escaped(link)));
    }
    json!({ "text": message })
}

/// <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>
///
/// What has ended without being back to normal stays open there until a person resolves it.
fn pagerduty(key: &str, news: &News, text: &Text) -> Value {
    let is_over = matches!(news.state, State::Over | State::OverInGroup);
    let reason = news.event["reason"].as_str().unwrap_or("recovered");
    let is_back = matches!(reason, "recovered" | "turned" | "time_withdrawn" | "accepted" | "unconfirmed");
    if is_over && (is_back || news.state == State::OverInGroup) {
        return json!({ "routing_key": key, "event_action": "resolve", "dedup_key": news.id });
    }
    let severity = match news.severity {
        _ if is_over => "info",
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
    };
    let links: Vec<Value> = text.link.iter().map(|link| json!({ "href": link, "text": "Open" })).collect();
    json!({
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": news.id,
        "client": "flowscore",
        "links": links,
        "payload": {
            "summary": text.title.chars().take(SUMMARY).collect::<String>(),
            "source": Some(subject(&news.event)).filter(|source| !source.is_empty()).unwrap_or_else(|| "flowscore".into()),
            "severity": severity,
            "timestamp": news.event["start"].as_str().or(news.event["time"].as_str()),
            "class": news.event["direction"],
            "custom_details": { "text": text.body, "event": news.event },
        },
    })
}

async fn publish(sns: &aws_sdk_sns::Client, topic: &str, news: &News, text: &Text) -> Result<(), Refused> {
    // The subject of a mail: ASCII, one line.
    let ascii = |letter: char| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' };
    let subject: String = text.title.chars().map(ascii).take(SUBJECT).collect();
    let link = text.link.as_ref().map(|link| format!("\n{link}")).unwrap_or_default();
    let message = format!("{}\n{}{link}\n", text.title, text.body);
    let publish = sns.publish().topic_arn(topic).subject(subject).message(message);
    let publish = if topic.ends_with(".fifo") {
        let once = format!("{}-{}", news.id, news.event["end"].as_str().unwrap_or_default());
        let once: String = once.chars().filter(char::is_ascii_alphanumeric).take(128).collect();
        publish.message_group_id(&news.id).message_deduplication_id(once)
    } else {
        publish
    };
    match publish.send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let reason = aws::reason(&error);
            let status = error.raw_response().map(|response| response.status().as_u16());
            match status {
                Some(400..=428 | 430..=499) if !reason.contains("Throttl") => Err(Refused::Never(reason)),
                _ => Err(Refused::Later(reason, None)),
            }
        }
    }
}

async fn post(client: &reqwest::Client, url: &Url, body: &Value) -> Result<(), Refused> {
    let request = client.post(url.clone()).header(reqwest::header::CONTENT_TYPE, "application/json");
    let answer = match request.body(body.to_string()).send().await {
        Ok(answer) => answer,
        Err(error) => {
            // Its own text has the URL in it.
            return Err(Refused::Later(crate::usage::chain(&error.without_url()), None));
        }
    };
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let after = answer.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let said = answer.text().await.unwrap_or_default();
    let said: String = said.chars().filter(|letter| !letter.is_control()).take(200).collect();
    let reason = format!("it answered {status} {said}");
    match status.as_u16() {
        408 | 425 | 429 | 500..=599 => {
            Err(Refused::Later(reason.trim_end().to_owned(), after.map(Duration::from_secs)))
        }
        _ => Err(Refused::Never(reason.trim_end().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_known_by_its_address_and_told_without_secrets() {
        for (value, name) in [
            ("https://hooks.slack.com/services/T0/B0/secret", "Slack webhook at hooks.slack.com"),
            ("slack://chat.example/hooks/secret#severity=high", "Slack webhook at chat.example"),
            ("slack+http://127.0.0.1:1/secret", "Slack webhook at 127.0.0.1"),
            ("pagerduty://0123secret", "PagerDuty at events.pagerduty.com"),
            ("pagerduty://0123secret@events.eu.pagerduty.com", "PagerDuty at events.eu.pagerduty.com"),
            ("https://user:secret@hook.example/secret?token=secret", "webhook at hook.example"),
            ("arn:aws:sns:eu-central-1:123456789012:alerts", "SNS topic alerts"),
        ] {
            let target = Target::new(value, &Body::default()).unwrap();
            assert_eq!(target.name, name);
            assert!(!format!("{target:?}{}", target.key).contains("secret"));
        }
        for (value, named) in [
            ("mailto:secret@example.com", "give slack://"),
            ("ftp://secret", "give slack://"),
            ("pagerduty://se cret", "no routing key"),
            ("slack://", "no address"),
            ("https://", "no address"),
            ("arn:aws:sqs:eu-central-1:123456789012:secret", "arn:aws:sns:REGION"),
            ("https://x/#severity=secret", "low, medium, high or critical"),
        ] {
            let error = Target::new(value, &Body::default()).unwrap_err();
            assert!(error.contains(named) && !error.contains("secret"), "{value}: {error}");
        }
    }

    #[test]
    fn only_what_is_severe_enough_is_told_and_to_whom_it_is_new_it_is_new() {
        let target = Target::new("https://hooks.slack.com/x#severity=high", &Body::default()).unwrap();
        let news = |state, severity| News { id: "a".into(), state, severity, event: Value::Null };
        assert!(!target.wants(&news(State::Opened, Severity::Medium)));
        let risen = news(State::Worse(Severity::Low), Severity::High);
        assert!(target.wants(&risen));
        assert_eq!(target.as_told(&risen).state, State::Opened);
        let risen = news(State::Worse(Severity::High), Severity::Critical);
        assert_eq!(target.as_told(&risen).state, risen.state);
        assert!(!target.wants(&news(State::OverInGroup, Severity::High)));
        let pager = Target::new("pagerduty://0123", &Body::default()).unwrap();
        assert!(pager.wants(&news(State::OverInGroup, Severity::High)));
    }
}
