//! Templates: of links, and of what a webhook is sent. `{name}` stands for a value.

use serde_json::Value;

use super::news::{News, State};
use super::text::Text;

/// Characters of a URL that stand for themselves (RFC 3986, unreserved).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// Text with names in braces replaced; what else is in braces stays.
fn replaced(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}').and_then(|(name, after)| Some((value(name)?, after))) {
            Some((value, after)) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The names in braces that a template has.
fn names(template: &str) -> Vec<&str> {
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(is_name).collect()
}

/// A template of links.
#[derive(Clone, Debug)]
pub struct Link(String);

/// What may stand in a link.
const OF_LINK: [&str; 8] = ["id", "series", "direction", "severity", "start", "end", "start_ms", "end_ms"];

impl Link {
    /// A template, or what is wrong with it.
    pub fn new(template: &str) -> Result<Self, String> {
        if !template.starts_with("http://") && !template.starts_with("https://") {
            return Err("begin with http:// or https://".into());
        }
        match names(template).into_iter().find(|name| !OF_LINK.contains(name)) {
            Some(name) => Err(format!("{{{name}}} is not known; there are {{{}}}", OF_LINK.join("}, {"))),
            None => Ok(Link(template.to_owned())),
        }
    }

    /// The link of an event.
    pub fn of(&self, event: &Value) -> String {
        replaced(&self.0, &|name| {
            let known = OF_LINK.contains(&name);
            let text = match name.strip_suffix("_ms") {
                Some(time) => {
                    let time: Option<jiff::Timestamp> = event[time].as_str().and_then(|time| time.parse().ok());
                    time.map_or_else(String::new, |time| time.as_millisecond().to_string())
                }
                None => event[name].as_str().unwrap_or_default().to_owned(),
            };
            known.then(|| encoded(&text))
        })
    }
}

/// A template of what a webhook is sent: JSON in whose texts `{name}` stands for a value.
#[derive(Clone, Debug)]
pub struct Body(Value);

/// What may stand in it besides the members of the event.
const OF_BODY: [&str; 5] = ["title", "body", "link", "what", "event"];
const OF_EVENT: [&str; 17] = [
    "id",
    "state",
    "direction",
    "severity",
    "series",
    "account_id",
    "region",
    "vpc_id",
    "value",
    "start",
    "end",
    "observed",
    "expected",
    "anomaly_score",
    "group",
    "reason",
    "text",
];

impl Default for Body {
    fn default() -> Self {
        Body(serde_json::json!({
            "title": "{title}", "body": "{body}", "link": "{link}", "what": "{what}", "event": "{event}",
        }))
    }
}

impl Body {
    /// A template, or what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let template: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let text = template.to_string();
        let known = |name: &&str| OF_BODY.contains(name) || OF_EVENT.contains(name);
        match names(&text).into_iter().find(|name| !known(name)) {
            Some(name) => {
                let (body, event) = (OF_BODY.join("}, {"), OF_EVENT.join("}, {"));
                Err(format!("{{{name}}} is not known; there are {{{body}}}, {{{event}}}"))
            }
            None => Ok(Body(template)),
        }
    }

    /// What is sent of news.
    pub fn of(&self, news: &News, text: &Text) -> Value {
        fill(&self.0, &|name| {
            let value = match name {
                "title" => text.title.clone().into(),
                "body" => text.body.clone().into(),
                "link" => text.link.clone().into(),
                "what" => what(news.state).into(),
                "event" => news.event.clone(),
                name if OF_EVENT.contains(&name) => news.event[name].clone(),
                _ => return None,
            };
            Some(value)
        })
    }
}

/// What has become of it, in a word for machines.
fn what(state: State) -> &'static str {
    match state {
        State::Opened => "opened",
        State::Worse(_) => "worse",
        State::Again => "again",
        State::Over | State::OverInGroup => "over",
    }
}

/// A text that is a name and nothing else becomes its value, whatever type that has.
fn fill(template: &Value, value: &dyn Fn(&str) -> Option<Value>) -> Value {
    match template {
        Value::String(text) => {
            let alone = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).and_then(value);
            alone.unwrap_or_else(|| {
                let shown = |name: &str| {
                    value(name).map(|value| match value {
                        Value::String(text) => text,
                        Value::Null => String::new(),
                        other => other.to_string(),
                    })
                };
                replaced(text, &shown).into()
            })
        }
        Value::Array(elements) => elements.iter().map(|element| fill(element, value)).collect(),
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), fill(member, value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::incidents::Severity;
    use serde_json::json;

    #[test]
    fn a_link_has_the_values_of_the_event_as_a_url_wants_them() {
        let event = json!({ "id": "0a", "series": "eni-1/TCP & more", "start": "2026-01-31T00:00:00.500Z", "end": "2026-01-31T00:01:00Z" });
        let link =
            Link::new("https://grafana.example/d/x?var-series={series}&from={start_ms}&to={end_ms}#{id}{}").unwrap();
        assert_eq!(
            link.of(&event),
            "https://grafana.example/d/x?var-series=eni-1%2FTCP%20%26%20more&from=1769817600500&to=1769817660000#0a{}"
        );
        assert!(Link::new("https://x/{serie}").unwrap_err().contains("{serie} is not known; there are {id}, {series}"));
        assert!(Link::new("grafana.example").is_err());
    }

    #[test]
    fn a_webhook_is_sent_what_its_template_says() {
        let event = json!({ "id": "0a", "severity": "high", "series": "say \"eni\"", "observed": 1.5, "group": null });
        let news = News { id: "0a".into(), state: State::Opened, severity: Severity::High, event: event.clone() };
        let text = Text { title: "High drop".into(), body: "a\nb".into(), link: None };
        let template = r#"{"text": "{severity}: {series} is at {observed}{group}", "n": "{observed}", "all": ["{event}", 7, "{x y}"]}"#;
        assert_eq!(
            Body::new(template).unwrap().of(&news, &text),
            json!({ "text": "high: say \"eni\" is at 1.5", "n": 1.5, "all": [event, 7, "{x y}"] })
        );
        assert_eq!(Body::default().of(&news, &text)["what"], "opened");
        assert!(Body::new("{\"a\": \"{nothing}\"}").unwrap_err().contains("{nothing} is not known"));
        assert!(Body::new("text").unwrap_err().contains("no JSON"));
    }
}
