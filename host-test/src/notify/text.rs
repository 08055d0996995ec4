//! What people read: the same words for every way to them.

use std::fmt::Write as _;

use flowscore_report::quantity;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::news::{News, State};
use super::template::Link;
use crate::monitor::incidents::Severity;

/// Talkers and members that are named.
const NAMED: usize = 3;
/// Characters of a series' name that are shown.
const NAME: usize = 200;

/// What is to know for all texts.
#[derive(Clone, Debug)]
pub struct Words {
    /// Seconds of a window: what the values are of.
    pub window: i64,
    /// What links are made of.
    pub link: Option<Link>,
    /// What the events come from, as people know it: command and stream.
    pub source: String,
}

/// A text for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// One line.
    pub title: String,
    /// Lines below it; empty if the title says everything.
    pub body: String,
    /// Where to go on.
    pub link: Option<String>,
}

impl Words {
    /// The text of news.
    pub fn text(&self, news: &News) -> Text {
        let (title, body) = match news.event["type"].as_str() {
            Some("notice") => self.of_source(news),
            _ => self.of_incident(news),
        };
        // Narrow and unbreakable spaces are for pages; people search for plain ones.
        let plain = |text: String| text.replace(['\u{a0}', '\u{202f}'], " ");
        Text { title: plain(title), body: plain(body), link: self.link.as_ref().map(|link| link.of(&news.event)) }
    }

    fn of_source(&self, news: &News) -> (String, String) {
        let source = &self.source;
        let title = match news.state {
            State::Over | State::OverInGroup => format!("Flow logs come again ({source})"),
            _ => format!("No flow logs come any more ({source}): the source has failed"),
        };
        (title, news.event["message"].as_str().unwrap_or_default().to_owned())
    }

    fn of_incident(&self, news: &News) -> (String, String) {
        let event = &news.event;
        let what = subject(event);
        let (direction, severity) = (event["direction"].as_str().unwrap_or_default(), news.severity.name());
        let title = match news.state {
            State::Opened => format!("{} {direction} on {what}", capital(severity)),
            State::Again => format!("{} {direction} on {what} again", capital(severity)),
            State::Worse(before) => format!("{} now, was {}: {direction} on {what}", capital(severity), before.name()),
            State::Over | State::OverInGroup => self.ending(event, &what),
        };
        let is_over = matches!(news.state, State::Over | State::OverInGroup);
        let mut body = if is_over { format!("at worst {}", self.values(event)) } else { self.values(event) };
        let _ = write!(body, "\n{}", times(event, is_over));
        if let Some(place) = place(event) {
            let _ = write!(body, "\n{place}");
        }
        if !is_over {
            if event["provisional"] == true {
                body.push_str("\nprovisional: its window is not closed yet");
            }
            for line in [share(event), talkers(event), members(event)].into_iter().flatten() {
                let _ = write!(body, "\n{line}");
            }
        }
        (title, body)
    }

    /// How an incident ended: `reason` decides the words.
    fn ending(&self, event: &Value, what: &str) -> String {
        match event["reason"].as_str().unwrap_or_default() {
            "recovered" => format!("Back to normal: {what}"),
            "new_level" => match event["level"].as_f64() {
                Some(level) => {
                    format!(
                        "Not back: {what} stays at a new level of {}, ordinary from now on",
                        self.rate(event, level)
                    )
                }
                None => format!("Not back: {what} stays at a new level, ordinary from now on"),
            },
            "turned" => format!("Went to the other side of what is expected: {what}; another alert follows"),
            "expired" => format!("Not back: {what} has deviated for a day and is not told any further"),
            "series_gone" => format!("Gone: {what} has sent nothing for long, or had to make room, and is forgotten"),
            "time_withdrawn" => format!("Withdrawn: {what}; event time went back to before it began"),
            "unconfirmed" => format!("Withdrawn: {what}; records that came later showed that there was nothing"),
            "accepted" => format!("Accepted: {what}; somebody has said that it is expected"),
            _ => format!("Over: {what}"),
        }
    }

    /// `1.3 MB a minute, expected 38 MB (14 MB to 81 MB)`
    fn values(&self, event: &Value) -> String {
        let number = |name: &str| event[name].as_f64();
        let (observed, expected) = (number("observed").unwrap_or(0.0), number("expected").unwrap_or(0.0));
        let mut text = format!("{}, expected {}", self.rate(event, observed), amount(event, expected));
        if let (Some(low), Some(high)) = (number("expected_low"), number("expected_high")) {
            let _ = write!(text, " ({} to {})", amount(event, low), amount(event, high));
        }
        text
    }

    fn rate(&self, event: &Value, value: f64) -> String {
        let window = match self.window {
            60 => "a minute".to_owned(),
            3_600 => "an hour".to_owned(),
            86_400 => "a day".to_owned(),
            1 => "a second".to_owned(),
            seconds => format!("in {}", quantity::duration(seconds)),
        };
        format!("{} {window}", amount(event, value))
    }
}

/// What an event is about.
pub(super) fn subject(event: &Value) -> String {
    if let (Some(count), Some(known)) = (event["series_count"].as_u64(), event["series_known"].as_u64()) {
        return format!("{count} of {known} series");
    }
    match event["series"].as_str() {
        Some("total") => "all traffic".to_owned(),
        series => series.unwrap_or_default().chars().take(NAME).collect(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A value with its unit.
fn amount(event: &Value, value: f64) -> String {
    match event["value"].as_str() {
        Some("bytes") | None => quantity::bytes(value),
        Some(unit) => format!("{} {unit}", quantity::number(value.round())),
    }
}

/// `since 2026-01-12 05:11 UTC, for 18 min`, or `2026-01-12 05:11 to 05:29 UTC (18 min)`
fn times(event: &Value, is_over: bool) -> String {
    let time = |name: &str| Some(event[name].as_str()?.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC));
    let lasted = quantity::duration(event["duration_s"].as_i64().unwrap_or(0));
    let (Some(start), Some(end)) = (time("start"), time("end")) else { return format!("for {lasted}") };
    let minute = |time: &jiff::Zoned| time.strftime("%Y-%m-%d %H:%M").to_string();
    if !is_over {
        return format!("since {} UTC, for {lasted} so far", minute(&start));
    }
    let end = if start.date() == end.date() { end.strftime("%H:%M").to_string() } else { minute(&end) };
    format!("{} to {end} UTC ({lasted})", minute(&start))
}

/// Where the series is, as far as the event says.
fn place(event: &Value) -> Option<String> {
    let of = |(name, word): (&str, &str)| event[name].as_str().map(|value| format!("{word}{value}"));
    let parts: Vec<String> =
        [("account_id", "account "), ("region", ""), ("vpc_id", "")].into_iter().filter_map(of).collect();
    (!parts.is_empty()).then(|| format!("in {}", parts.join(", ")))
}

/// Of a group: how large it is.
fn share(event: &Value) -> Option<String> {
    let share = event["traffic_share"].as_f64()?;
    Some(format!("{:+.0} % of all traffic", 100.0 * share))
}

/// Who made the difference.
fn talkers(event: &Value) -> Option<String> {
    let talkers = event["top_talkers"].as_array().filter(|talkers| !talkers.is_empty())?;
    let talker = |talker: &Value| {
        let address = |name: &str| talker[name].as_str().unwrap_or("several").to_owned();
        let port = talker["dstport"].as_u64().filter(|port| *port > 0).map_or(String::new(), |port| format!(":{port}"));
        let share = 100.0 * talker["share"].as_f64().unwrap_or(0.0);
        format!("{} → {}{port} ({share:.0} %)", address("srcaddr"), address("dstaddr"))
    };
    Some(format!("by {}", talkers.iter().take(NAMED).map(talker).collect::<Vec<_>>().join(", ")))
}

/// The series that a total or a group consists of, those that matter most.
fn members(event: &Value) -> Option<String> {
    let members = event["members"].as_array().filter(|members| !members.is_empty())?;
    let names: Vec<String> = members.iter().take(NAMED).map(subject).collect();
    let count = event["series_count"].as_u64().unwrap_or(members.len() as u64);
    let more = count.saturating_sub(names.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("of {}{more}", names.join(", ")))
}

/// A sign for the state, as Slack and others write it.
pub(super) fn sign(news: &News) -> &'static str {
    let reason = news.event["reason"].as_str().unwrap_or_default();
    match (news.state, news.event["direction"].as_str()) {
        (State::Over | State::OverInGroup, _) => match reason {
            "recovered" | "accepted" | "" => ":white_check_mark:",
            "turned" => ":arrows_counterclockwise:",
            "time_withdrawn" | "unconfirmed" => ":information_source:",
            _ => ":warning:",
        },
        _ if news.severity == Severity::Critical => ":rotating_light:",
        (_, Some("spike")) => ":arrow_up:",
        _ => ":arrow_down:",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words() -> Words {
        Words { window: 60, link: None, source: "kinesis VPCFlowLogs".into() }
    }

    fn drop_event() -> Value {
        json!({
            "type": "anomaly", "id": "a", "state": "open", "direction": "drop", "series": "eni-1", "value": "bytes",
            "start": "2026-01-12T05:11:00.000Z", "end": "2026-01-12T05:29:00.000Z", "duration_s": 1080,
            "account_id": "123456789012", "region": "eu-central-1", "observed": 1_307_827, "expected": 38_261_888.832, "expected_low": 14_158_546.081, "expected_high": 80_630_302.354,
            "top_talkers": [{ "srcaddr": "10.20.1.12", "dstaddr": "10.100.169.252", "dstport": 5432, "share": 0.378 },
                            { "srcaddr": "10.20.1.12", "dstaddr": null, "dstport": 0, "share": 0.133 }],
        })
    }

    fn text(state: State, severity: Severity, event: Value) -> Text {
        words().text(&News { id: "a".into(), state, severity, event })
    }

    #[test]
    fn an_incident_is_told_with_units_times_severity_and_who_it_was() {
        let told = text(State::Opened, Severity::Critical, drop_event());
        assert_eq!(told.title, "Critical drop on eni-1");
        assert_eq!(
            told.body,
            "1.31 MB a minute, expected 38.3 MB (14.2 MB to 80.6 MB)\nsince 2026-01-12 05:11 UTC, for 18 min so far\n\
             in account 123456789012, eu-central-1\nby 10.20.1.12 → 10.100.169.252:5432 (38 %), 10.20.1.12 → several (13 %)"
        );
        let worse = text(State::Worse(Severity::Low), Severity::High, drop_event());
        assert_eq!(worse.title, "High now, was low: drop on eni-1");
        let mut flows = drop_event();
        (flows["value"], flows["series"], flows["observed"]) = ("flows".into(), "total".into(), 12_345.into());
        let told = Words { window: 300, ..words() }.text(&News {
            id: "a".into(),
            state: State::Again,
            severity: Severity::Low,
            event: flows,
        });
        assert_eq!(told.title, "Low drop on all traffic again");
        assert!(told.body.starts_with("12345 flows in 5 min, expected 3.8e7 flows"), "{}", told.body);
    }

    #[test]
    fn the_reason_decides_how_an_end_is_told() {
        for (reason, title) in [
            ("recovered", "Back to normal: eni-1"),
            ("new_level", "Not back: eni-1 stays at a new level of 2 MB a minute, ordinary from now on"),
            ("turned", "Went to the other side of what is expected: eni-1; another alert follows"),
            ("expired", "Not back: eni-1 has deviated for a day and is not told any further"),
            ("series_gone", "Gone: eni-1 has sent nothing for long, or had to make room, and is forgotten"),
            ("time_withdrawn", "Withdrawn: eni-1; event time went back to before it began"),
            ("accepted", "Accepted: eni-1; somebody has said that it is expected"),
            ("unconfirmed", "Withdrawn: eni-1; records that came later showed that there was nothing"),
        ] {
            let mut event = drop_event();
            (event["reason"], event["level"]) = (reason.into(), 2_000_000.into());
            let told = text(State::Over, Severity::High, event);
            assert_eq!(told.title, title);
            assert!(told.body.contains("\n2026-01-12 05:11 to 05:29 UTC (18 min)"), "{}", told.body);
        }
    }

    #[test]
    fn a_group_is_told_by_its_size_and_first_members() {
        let event = json!({
            "type": "group", "id": "g", "state": "open", "direction": "drop", "value": "bytes", "observed": 0, "expected": 5e9,
            "start": "2026-01-12T05:11:00.000Z", "end": "2026-01-12T05:12:00.000Z", "duration_s": 60, "traffic_share": -0.42,
            "series_count": 12, "series_known": 60, "members": [{ "series": "eni-1" }, { "series": "eni-2" }, { "series": "eni-3" }, { "series": "eni-4" }],
        });
        let told = text(State::Opened, Severity::Critical, event);
        assert_eq!(told.title, "Critical drop on 12 of 60 series");
        assert_eq!(
            told.body,
            "0 B a minute, expected 5 GB\nsince 2026-01-12 05:11 UTC, for 1 min so far\n-42 % of all traffic\nof eni-1, eni-2, eni-3 and 9 more"
        );
        let notice = json!({ "type": "notice", "kind": "source_silent", "message": "no series sent a record" });
        let told = text(State::Opened, Severity::Critical, notice);
        assert_eq!(told.title, "No flow logs come any more (kinesis VPCFlowLogs): the source has failed");
        assert_eq!(told.body, "no series sent a record");
    }
}
