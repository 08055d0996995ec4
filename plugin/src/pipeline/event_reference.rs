//! What events there are, and what is in them: one table, from which `docs/events.md` and the JSON Schema are made. A test
//! compares it with events as they are written.

use std::fmt::Write as _;

use crate::json::Writer;

/// What a member is.
enum Kind {
    /// Text.
    Text,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// RFC 3339, UTC, milliseconds.
    Time,
    /// A whole number, 0 or more.
    Count,
    /// A number.
    Number,
    /// A number, or null if it is not known.
    NumberOrNull,
    /// Text, or null where it is not one.
    TextOrNull,
    /// True or false.
    Flag,
    /// An object of numbers.
    Numbers,
    /// An object with members of any names, or null.
    Anything,
    /// A list of objects.
    List(&'static [Member]),
}

/// A member of an event.
struct Member {
    name: &'static str,
    kind: Kind,
    /// Whether every event of the type has it.
    always: bool,
    meaning: &'static str,
}

const fn always(name: &'static str, kind: Kind, meaning: &'static str) -> Member {
    Member { name, kind, always: true, meaning }
}

const fn sometimes(name: &'static str, kind: Kind, meaning: &'static str) -> Member {
    Member { name, kind, always: false, meaning }
}

/// A type of events.
struct Event {
    kind: &'static str,
    meaning: &'static str,
    members: &'static [Member],
}

const TALKER: &[Member] = &[
    always("srcaddr", Kind::TextOrNull, "Source address; null in a group of several."),
    always("dstaddr", Kind::TextOrNull, "Destination address; null in a group of several."),
    always("dstport", Kind::Count, "Destination port; 0 if it differs or is not a service's."),
    always("protocol", Kind::Count, "IANA protocol number."),
    always("bytes", Kind::Number, "Bytes in the windows of the incident that were looked at, estimated from a sample."),
    always("baseline_bytes", Kind::Number, "Bytes that the talker usually has in as much time."),
    always("share", Kind::Number, "Its part of the change, 0 to 1."),
    sometimes("pairs", Kind::Count, "How many pairs of addresses are put together in it, if there are several."),
];

const GROUP_MEMBER: &[Member] = &[
    always("series", Kind::Text, "A series."),
    always("id", Kind::Text, "Its incident: the `id` of its `anomaly` events."),
    always("share", Kind::Number, "Its part of the change, 0 to 1."),
];

const PREFIX_MEMBER: &[Member] = &[
    always("series", Kind::Text, "A series that is part of the total."),
    always("share", Kind::Number, "Its part of the change, 0 to 1."),
];

const EVENTS: &[Event] = &[
    Event {
        kind: "anomaly",
        meaning: "An incident in window mode: it opens once, may get worse, and closes.",
        members: &[
            always(
                "id",
                Kind::Text,
                "Names the incident; all its events have the same, also when they are told again.",
            ),
            always(
                "state",
                Kind::Word(&["open", "update", "closed"]),
                "`open`: it is new. `update`: it got worse, or came back soon after it was closed. `closed`: it is over.",
            ),
            sometimes(
                "provisional",
                Kind::Flag,
                "True in an `open` that is told before its window is closed, since the evidence can only grow: severe spikes, and severe drops once \
                 the series' records are in, as late as they usually come. Then an `update` with false, or `closed` with the reason `unconfirmed`.",
            ),
            always("told_at", Kind::Time, "How far the data had come when it was told: the newest time of a record."),
            always("direction", Kind::Word(&["spike", "drop"]), "Above or below what was expected."),
            always("series", Kind::Text, "The series: values of `series.by` joined by `/`; `total` is the sum of all."),
            sometimes("account_id", Kind::Text, "The account that the first record of the series named."),
            sometimes("region", Kind::Text, "Its region, where the flow log has that field."),
            sometimes("vpc_id", Kind::Text, "Its VPC, where the flow log has that field."),
            always(
                "value",
                Kind::Word(&["bytes", "packets", "flows", "rejects"]),
                "What is detected on, and the unit of the numbers.",
            ),
            always("start", Kind::Time, "Begin of its first window."),
            always("end", Kind::Time, "End of its last window so far."),
            always("duration_s", Kind::Count, "Seconds from `start` to `end`."),
            always("peak", Kind::Time, "Begin of the window that deviates most; the next five members are about it."),
            always("observed", Kind::Number, "The value of that window."),
            always("expected", Kind::Number, "What was to be expected."),
            always("expected_low", Kind::Number, "Lower end of the range in which values are ordinary."),
            always("expected_high", Kind::Number, "Upper end of that range."),
            always("observed_total", Kind::Number, "Sum of the values from `start` to `end`."),
            always("expected_total", Kind::Number, "Sum of what was to be expected in that time."),
            always(
                "anomaly_score",
                Kind::Number,
                "1 is the threshold at medium sensitivity, in every series; 2 is far beyond it.",
            ),
            always("grade", Kind::Number, "The score from 0 to 1, for scales that end."),
            always(
                "severity",
                Kind::Word(&["low", "medium", "high", "critical"]),
                "How urgent it is: how certain, how large against what was expected and against the whole, and how long. It rises \
                 while a loss lasts, and never falls.",
            ),
            always("p", Kind::Number, "How often, 0 to 1, windows of this series deviate as much by its own history."),
            sometimes(
                "group",
                Kind::Text,
                "The `id` of the `group` event that tells of it together with others: alert on that instead.",
            ),
            always(
                "attribution",
                Kind::Numbers,
                "What part bytes, packets, flows and rejects have in the change; together 1.",
            ),
            always(
                "top_talkers",
                Kind::List(TALKER),
                "Who made the difference, most first; at most `series.top_talkers`.",
            ),
            sometimes("members", Kind::List(PREFIX_MEMBER), "Of a total: the series that made the difference."),
            sometimes(
                "reason",
                Kind::Word(&[
                    "recovered",
                    "new_level",
                    "turned",
                    "expired",
                    "series_gone",
                    "time_withdrawn",
                    "accepted",
                    "unconfirmed",
                ]),
                "Why it is closed. `recovered`: near what would be without it. `new_level`: elsewhere, and that is ordinary now. `turned`: \
                 the value went to the other side. `expired`: it lasted too long to be an incident. `series_gone`: the series was evicted \
                 or forgotten. `time_withdrawn`: event time went back to before it began. `accepted`: a person has said that it is expected. `unconfirmed`: it was \
                 provisional, and records that came later have shown that there was nothing.",
            ),
            sometimes(
                "level",
                Kind::Number,
                "With `new_level`: the value that is ordinary now, a mean of its last windows.",
            ),
            always(
                "text",
                Kind::Text,
                "One sentence in words: who, what, how long, and who made most of the difference. Its wording may change.",
            ),
        ],
    },
    Event {
        kind: "group",
        meaning: "Incidents of three or more series that began together, in one direction, and not by chance: one cause. Their own events \
                  come after it and name it as `group`.",
        members: &[
            always("id", Kind::Text, "Names the group; all its events have the same."),
            always(
                "state",
                Kind::Word(&["open", "update", "closed"]),
                "`open`: it is new. `update`: it has twice as many members, or twice the change, or a higher severity, or came back soon \
                 after it was closed. `closed`: the incident of the last member is over.",
            ),
            always("told_at", Kind::Time, "How far the data had come when it was told."),
            always("direction", Kind::Word(&["spike", "drop"]), "Of all members."),
            always("value", Kind::Word(&["bytes", "packets", "flows", "rejects"]), "What is detected on."),
            always("start", Kind::Time, "Begin of the first incident."),
            always("end", Kind::Time, "End of the last deviating window of any member so far."),
            always("duration_s", Kind::Count, "Seconds from `start` to `end`."),
            always(
                "peak",
                Kind::Time,
                "Begin of the window with the largest change; the next three members are about it and the members that deviate in it.",
            ),
            always("observed", Kind::Number, "Sum of the members' values."),
            always("expected", Kind::Number, "What was to be expected of them."),
            always(
                "traffic_share",
                Kind::Number,
                "The change, `observed` less `expected`, as a part of what was to be expected of all series; above 1 for a spike that \
                 more than doubles it.",
            ),
            always(
                "severity",
                Kind::Word(&["low", "medium", "high", "critical"]),
                "As of one incident with these sums that is certain, and at least that of the worst member. It never falls.",
            ),
            always(
                "p",
                Kind::Number,
                "How likely it is, 0 to 1, that so many incidents begin together by chance; 1e-9 also stands for less.",
            ),
            always("series_count", Kind::Count, "Series that are part of it, or have been."),
            always("series_open", Kind::Count, "Those of them whose incident is open."),
            always("series_known", Kind::Count, "All series that had a value when it began."),
            always("series_share", Kind::Number, "`series_count` as a part of `series_known`."),
            always("members", Kind::List(GROUP_MEMBER), "The 20 with the largest change, largest first."),
            always(
                "top_talkers",
                Kind::List(TALKER),
                "Who made the difference in all members together, most first; at most `series.top_talkers`. Without both addresses: one \
                 service.",
            ),
            sometimes(
                "reason",
                Kind::Word(&[
                    "recovered",
                    "new_level",
                    "turned",
                    "expired",
                    "series_gone",
                    "time_withdrawn",
                    "accepted",
                ]),
                "Why it is closed: what most members came to, as in `anomaly`.",
            ),
            sometimes("reasons", Kind::Numbers, "How many members came to each end."),
        ],
    },
    Event {
        kind: "score",
        meaning: "A record in record mode, scored by the random cut forest.",
        members: &[
            always("record", Kind::Anything, "The record's fields."),
            always(
                "anomaly_score",
                Kind::NumberOrNull,
                "0 to log2(`forest.sub_sample_size`), as the retired service had it; 0 while it learns; null for a record that says that it has no value.",
            ),
            sometimes(
                "anomaly_explanation",
                Kind::Anything,
                "As `record.explanation` says. For each scored column `ATTRIBUTION_SCORE` and, with `forest.with_directionality`, `DIRECTION` and `STRENGTH`, as text, as the \
                 retired service had it.",
            ),
        ],
    },
    Event {
        kind: "window",
        meaning: "A window of a series, if `series.windows` is set.",
        members: &[
            always("series", Kind::Text, "The series."),
            always("start", Kind::Time, "Begin of the window."),
            always("end", Kind::Time, "Its end."),
            always("bytes", Kind::Count, "Sum over its records, pro rata for records that span windows."),
            always("packets", Kind::Count, "Likewise."),
            always("flows", Kind::Count, "Likewise; a record is one."),
            always("rejects", Kind::Count, "Flows with the action REJECT."),
            always(
                "unknown",
                Kind::Flag,
                "Records are known to be missing (SKIPDATA, maintenance, a failed source): nothing is learned from it.",
            ),
            always("expected", Kind::NumberOrNull, "What was to be expected; null while the series is new."),
            always("expected_low", Kind::NumberOrNull, "Lower end of the ordinary range."),
            always("expected_high", Kind::NumberOrNull, "Upper end of it."),
            always("anomaly_score", Kind::NumberOrNull, "As in `anomaly`."),
            always("alert", Kind::Flag, "Whether the detector alerts on this window."),
        ],
    },
    Event {
        kind: "notice",
        meaning: "Something a person should know that is about no single record.",
        members: &[
            sometimes("time", Kind::Time, "When, in event time."),
            always("kind", Kind::Text, "What kind, for routing: see below."),
            always("message", Kind::Text, "In words, with the remedy where there is one."),
            sometimes("count", Kind::Count, "How many since the last notice of the kind."),
            sometimes("windows", Kind::Count, "For how many windows."),
            sometimes("series", Kind::Text, "One series as an example."),
            sometimes("event_type", Kind::Text, "Type of an event that was left out."),
            sometimes("id", Kind::Text, "Its name."),
            sometimes("reason", Kind::Text, "Its reason."),
        ],
    },
    Event {
        kind: "failed",
        meaning: "A record, or a payload, that could not be used.",
        members: &[
            sometimes(
                "id",
                Kind::Text,
                "The caller's name for the payload: file and line, shard and sequence number, batch and place.",
            ),
            sometimes("record_id", Kind::Text, "`recordId` of the envelope."),
            sometimes("shard_id", Kind::Text, "Kinesis shard, by the envelope."),
            sometimes("sequence_number", Kind::Text, "Kinesis sequence number, by the envelope."),
            sometimes("log_group", Kind::Text, "CloudWatch log group."),
            sometimes("log_stream", Kind::Text, "CloudWatch log stream."),
            sometimes("event_id", Kind::Text, "CloudWatch event."),
            sometimes("sub_sequence_number", Kind::Count, "Place in an aggregated record."),
            always(
                "layer",
                Kind::Text,
                "Where decoding stopped, such as `gzip`, `envelope`, `flow_record`; `parquet` of a file, and `plugin` where time or memory ran out.",
            ),
            always("offset", Kind::Count, "At which byte of that layer."),
            always("reason", Kind::Text, "What is wrong, and what would be right."),
            sometimes("payload_bytes", Kind::Count, "Length, if `payload` is only the beginning."),
            sometimes("payload_sha256", Kind::Text, "SHA-256 of the whole, if `payload` is only the beginning."),
            sometimes("payload", Kind::Text, "The bytes, at most the first 4,096, in base64."),
            sometimes(
                "records",
                Kind::Count,
                "How many failed records the event stands for, if several: a hundred of a payload are told one by one.",
            ),
        ],
    },
];

/// Kinds of notices.
const NOTICES: &[(&str, &str)] = &[
    ("late_records", "Records came after their window was closed."),
    ("records_ahead", "Records are far ahead of all others."),
    ("implausible_times", "Records have times that no record can have; they are left out."),
    ("series_evicted", "Series had to make room (`series.max_series`)."),
    ("series_returned", "Series that had been evicted are back."),
    (
        "time_went_back",
        "The time that one series was believed for was wrong; windows are closed again from here (`docs/time.md`).",
    ),
    ("series_missing", "Most series fell silent together, and the few that go on tell the time (`docs/time.md`)."),
    (
        "alerts_withheld",
        "Short incidents of low or medium severity were not told, to keep to `detect.alerts_per_day`; at most once a day.",
    ),
    ("source_silent", "All series fell silent at once: the source has failed."),
    ("source_recovered", "Records come again."),
    ("columns_chosen", "Which columns record mode scores, if none are configured."),
    ("unknown_field", "A name in the configuration is no known field."),
    ("plugin_restarted", "An instance of the component was lost, and a new one has taken over."),
    ("event_too_large", "An event that the other end never takes was left out."),
    ("records_expired", "A shard ended before all of it had been read."),
    ("object_missing", "An object that a notification named was gone before it could be read."),
];

/// JSON Schema (draft 2020-12) of an event.
pub fn schema() -> String {
    Writer::document(|writer| {
        writer.open(b'{');
        writer.key("$schema").text("https://json-schema.org/draft/2020-12/schema");
        writer.key("title").text("flowscore event");
        writer.key("description").text("One event: one line of JSON.");
        writer.key("oneOf").open(b'[');
        for event in EVENTS {
            writer.open(b'{');
            writer.key("description").text(event.meaning);
            object(writer, Some(event.kind), event.members);
            writer.close(b'}');
        }
        writer.close(b']');
        writer.close(b'}');
    })
}

/// The keywords of an object with these members.
fn object(writer: &mut Writer<'_>, kind: Option<&str>, members: &[Member]) {
    writer.key("type").text("object");
    writer.key("required").open(b'[');
    if kind.is_some() {
        writer.text("type");
    }
    for member in members.iter().filter(|member| member.always) {
        writer.text(member.name);
    }
    writer.close(b']');
    writer.key("properties").open(b'{');
    if let Some(kind) = kind {
        writer.key("type").open(b'{');
        writer.key("const").text(kind);
        writer.close(b'}');
    }
    for member in members {
        writer.key(member.name).open(b'{');
        writer.key("description").text(member.meaning);
        member.kind.write(writer);
        writer.close(b'}');
    }
    writer.close(b'}');
}

impl Kind {
    fn write(&self, writer: &mut Writer<'_>) {
        let kind = match self {
            Kind::Text | Kind::Word(_) | Kind::Time => r#""string""#,
            Kind::Count => r#""integer""#,
            Kind::Number => r#""number""#,
            Kind::NumberOrNull => r#"["number","null"]"#,
            Kind::TextOrNull => r#"["string","null"]"#,
            Kind::Flag => r#""boolean""#,
            Kind::Numbers => r#""object""#,
            Kind::Anything => r#"["object","null"]"#,
            Kind::List(_) => r#""array""#,
        };
        writer.key("type").literal(kind);
        match self {
            Kind::Word(words) => {
                writer.key("enum").open(b'[');
                words.iter().for_each(|word| writer.text(word));
                writer.close(b']');
            }
            Kind::Time => writer.key("format").text("date-time"),
            Kind::Count => writer.key("minimum").whole(0),
            Kind::Numbers => {
                writer.key("additionalProperties").open(b'{');
                writer.key("type").text("number");
                writer.close(b'}');
            }
            Kind::List(members) => {
                writer.key("items").open(b'{');
                object(writer, None, members);
                writer.close(b'}');
            }
            _ => {}
        }
    }

    fn in_words(&self) -> String {
        match self {
            Kind::Text => "text".into(),
            Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Kind::Time => "time".into(),
            Kind::Count => "whole number".into(),
            Kind::Number => "number".into(),
            Kind::NumberOrNull => "number or null".into(),
            Kind::TextOrNull => "text or null".into(),
            Kind::Flag => "true or false".into(),
            Kind::Numbers => "object of numbers".into(),
            Kind::Anything => "object or null".into(),
            Kind::List(_) => "list of objects".into(),
        }
    }
}

/// `docs/events.md`.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for event in EVENTS {
        // Writing to a String cannot fail, here and below.
        let _ = write!(page, "\n## `{}`\n\n{}\n\n", event.kind, event.meaning);
        table(&mut page, event.members);
        for member in event.members {
            if let Kind::List(members) = &member.kind {
                let _ = write!(page, "\nEach of `{}`:\n\n", member.name);
                table(&mut page, members);
            }
        }
        if event.kind == "notice" {
            page.push_str("\n| `kind` | Meaning |\n|---|---|\n");
            for (kind, meaning) in NOTICES {
                let _ = writeln!(page, "| `{kind}` | {meaning} |");
            }
        }
    }
    page
}

fn table(page: &mut String, members: &[Member]) {
    page.push_str("| Member | What | Meaning |\n|---|---|---|\n");
    for Member { name, kind, always, meaning } in members {
        let may = if *always { "" } else { ", if there is one" };
        let _ = writeln!(page, "| `{name}` | {}{may} | {meaning} |", kind.in_words());
    }
}

const HEAD: &str = "\
# Events

Rendered from the table in `plugin/src/pipeline/event_reference.rs`, as is their JSON Schema (`flowscore check-config --event-schema`); tests
keep this page equal to it, and the table to what is written.

Events are newline-delimited JSON: one object a line, `type` first, no key twice. Times are RFC 3339 in UTC with milliseconds, and of the
data: a replayed day gives the same events as the live one. Members may be added in later versions; the ones here keep their meaning.
";
