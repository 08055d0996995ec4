//! All options, in the order in which they are told: sections together, and within them the most wanted first.

use super::input::is_delimiter;
use super::setting::{Learned, Setting, Slot, optional, text, texts, whole};
use crate::decode::Limits;
use crate::forest::MAX_COLUMNS;

/// The sections and what each is about.
pub(super) static SECTIONS: [(&str, &str); 9] = [
    ("input", "What comes in. Layers and envelopes need no configuration: they are found by content."),
    ("input.csv", "How CSV rows are written (RFC 4180)."),
    (
        "input.limits",
        "What decoding one payload may cost. Each bound holds while data streams, before memory is spent.",
    ),
    ("series", "Window mode: which series there are, and how their windows are cut."),
    (
        "detect",
        "Window mode and `flowscore series`: what alerts. The detector learns by itself; these say what is of interest.",
    ),
    ("detect.ignore_near_expected", "Deviations so near the expected value that they never alert."),
    ("record", "Record mode: which numbers of a record are scored, and what is told."),
    ("forest", "Record mode: the random cut forest, under the names and with the ranges of the retired service."),
    (
        "fluent_bit",
        "The Fluent Bit filter only: how it takes records in, what it lets out, and where it keeps its state. The component ignores it.",
    ),
];

macro_rules! table {
    ($($path:literal $(shapes $learned:ident)?, $slot:expr, $meaning:literal;)+) => {
        &[$(Setting { path: $path, shapes: table!(@ $($learned)?), slot: $slot, meaning: $meaning }),+]
    };
    (@) => { None };
    (@ $learned:ident) => { Some(Learned::$learned) };
}

/// The table.
#[rustfmt::skip]
pub(super) static SETTINGS: &[Setting] = table! {
    "mode" shapes Anything, |c| Slot::Choice(&mut c.mode),
        "How records are scored. `window` sums up each series over windows of event time and detects spikes and drops of the sums; `record` scores each record with a random cut forest, as the retired service did.";

    "input.format", |c| Slot::Formats(&mut c.input.format),
        "The flow log's format, as `aws ec2 describe-flow-logs` shows it (`LogFormat`), or a list of candidates, chosen between by the number of fields and by how well they fit. Empty: the default formats of VPC and transit gateway flow logs. A header line in a payload goes before it.";
    "input.fields", |c| Slot::Map { place: &mut c.input.fields, most: MAX_COLUMNS },
        "Fields with the names that they have in the data, where these are not AWS's: `{\"interface_id\": \"nic\", \"bytes\": \"stats.octets\"}`. Keys are flow log fields, or `time` and `value`, which make windows of any rows with a time, a key (`series.by`) and a number (whole numbers are summed; others are rounded); values are columns of CSV rows and header lines, or paths in JSON objects. AWS's own names need no entry in any spelling: `interface-id`, `interfaceId`, `Interface_Id`.";
    "input.where", |c| Slot::Values { place: &mut c.input.only, most: MAX_COLUMNS },
        "Which records count; all others are dropped, and counted as such. Each field must have one of its values: `{\"action\": \"ACCEPT\", \"srcaddr\": [\"10.0.0.0/8\", \"!10.0.7.0/24\"], \"dstport\": [443, \"8000..8999\"]}`. A value is a text or number as the record has it, where `*` stands for any characters (`eni-0a*`), a network (CIDR), a range of numbers with both ends (`1024..`, `..1023`), or one of these after `!`, which must not be. A record without the field has none of the values.";
    "input.records", |c| Slot::Choice(&mut c.input.records),
        "What text lines are. `auto`: JSON if it begins with `{`, CSV if it has a comma (no flow log line has) or the `input.csv.delimiter`, else a flow log line.";
    "input.csv.delimiter", |c| text(&mut c.input.csv.delimiter, is_delimiter, "one ASCII character, not a quote or line end"),
        "What separates fields.";
    "input.csv.header", |c| Slot::Flag(&mut c.input.csv.header),
        "Whether the first row of each payload names the columns, whatever it holds. A row of names only, with at least one that is a flow log field in any spelling, in `input.fields` or scored, does so anyway, from where it stands; with `input.csv.names` it is passed over. Columns that a header lacks are absent: a time, a key and a value suffice.";
    "input.csv.names", |c| texts(&mut c.input.csv.names, 0, 10_000),
        "Names of the columns. Empty: those of the header, or `COL_1`, `COL_2`, … as the retired service had it.";
    "input.limits.decoded_bytes", |c| whole(&mut c.input.limits.decoded_bytes, 1, 1 << 30),
        "Decoded bytes over all layers of a payload together.";
    "input.limits.expansion_ratio", |c| whole(&mut c.input.limits.expansion_ratio, 1, 2_000),
        "Decoded bytes of one record over all its layers, as a multiple of its encoded size; 1 MiB is always allowed. Flow logs compress 5 to 20 times.";
    "input.limits.nesting", |c| whole(&mut c.input.limits.nesting, 1, Limits::MAX_NESTING as u64),
        "Layers and envelopes inside each other. The deepest real path, Firehose over Lambda, takes 5.";
    "input.limits.records", |c| whole(&mut c.input.limits.records, 1, 100_000_000),
        "Records of a payload, dropped and failed ones included.";
    "input.limits.line_bytes", |c| whole(&mut c.input.limits.line_bytes, 64, 1 << 30),
        "Bytes of one text line, log event message or JSON object. CloudWatch Logs takes at most 1 MiB as one event.";

    "series.by" shapes Series, |c| texts(&mut c.series.by, 1, 8),
        "Fields whose values, joined by `/`, name a series. A record without such a field has `-` in its place; one without an interface has the transit gateway attachment, its interfaces or the NAT gateway instead, if it has one.";
    "series.window" shapes Series, |c| whole(&mut c.series.window, 1, 86_400),
        "Length of a window in seconds; windows are aligned to the epoch. 60 is the shortest aggregation interval of VPC Flow Logs: shorter windows show nothing more.";
    "series.allowed_lateness", |c| whole(&mut c.series.allowed_lateness, 0, 86_400),
        "How far, in seconds of event time, a record may lie behind the newest and still count. Twice the lateness makes alerts that much later; too little loses records, which are counted.";
    "series.total", |c| Slot::Flag(&mut c.series.total),
        "Whether the sum of all series is a series, too: `total`.";
    "series.prefix_totals" shapes Series, |c| Slot::Flag(&mut c.series.prefix_totals),
        "Whether keys of several values joined by `/` also make a series for each prefix: `a/b/c` counts in `a/` and `a/b/`. A `/` within a value joins nothing.";
    "series.value" shapes Series, |c| Slot::Choice(&mut c.series.value),
        "The number that is detected on, which a record needs to have: `bytes` or `packets`, or `flows`, the records themselves, or `rejects`, those with the action REJECT.";
    "series.max_series", |c| whole(&mut c.series.max_series, 1, 1_000_000),
        "Series kept at the same time; beyond, the least recently active goes. A series with a history takes up to 60 KB, and 90 KB in windows of 150 s and more, so that an instance has room for 67000, or 44000.";
    "series.forget_after_days", |c| whole(&mut c.series.forget_after_days, 1, 366),
        "Days without traffic (or with NODATA records only) after which a series is forgotten.";
    "series.windows", |c| Slot::Choice(&mut c.series.windows),
        "Whether each window of each series is an event; `traffic`: those with a record only, as `GROUP BY` gave them.";
    "series.maintenance", |c| Slot::Items { place: &mut c.series.maintenance, most: 1000 },
        "Times in which nothing opens: their windows count as unknown, so nothing is learned from them.";
    "series.top_talkers", |c| whole(&mut c.series.top_talkers, 0, 100),
        "Talkers that an alert names at most; 0 also saves the time and memory of sampling them.";
    "series.talker_sample", |c| whole(&mut c.series.talker_sample, 8, 4096),
        "Records sampled for each series and window to tell the talkers: exact up to so many records.";

    "detect.sensitivity", |c| Slot::Choice(&mut c.detect.sensitivity),
        "How eager the detector is: it alerts at a score of 1.5, 1 or 0.75.";
    "detect.provisional", |c| Slot::Flag(&mut c.series.provisional),
        "Whether severe incidents are told before their windows are closed, which takes `series.allowed_lateness` and the longest record: spikes once their window has ended, drops once the records of the series are in, as late as they usually come. Such an `open` has `provisional` true; an `update` with false follows, or `closed` as `unconfirmed`. What is told early depends on the order in which records arrive; what is told in the end does not.";
    "detect.alerts_per_day", |c| Slot::Number(&mut c.series.alerts_per_day),
        "How many alerts you want in a day, of all series together, where they are short (under a quarter of an hour or three windows) and of low or medium severity: the most significant come first, and of a series that often alerts only what surpasses that. Those that are severe or last, and groups, are always told. A week's worth may come at once. `series` does not know it.";
    "detect.direction", |c| Slot::Choice(&mut c.detect.direction),
        "The deviations that count.";
    "detect.min_value", |c| Slot::Number(&mut c.detect.min_value),
        "Windows whose value and expected value both stay below it never alert.";
    "detect.ignore_near_expected.above", |c| Slot::Number(&mut c.detect.ignore_near_expected.above),
        "Above the expected value by at most so much, in units of the value.";
    "detect.ignore_near_expected.below", |c| Slot::Number(&mut c.detect.ignore_near_expected.below),
        "Below it by at most so much.";
    "detect.ignore_near_expected.above_ratio", |c| Slot::Number(&mut c.detect.ignore_near_expected.above_ratio),
        "Above it by at most this part of it.";
    "detect.ignore_near_expected.below_ratio", |c| Slot::Number(&mut c.detect.ignore_near_expected.below_ratio),
        "Below it by at most this part of it.";

    "record.of" shapes Forest, |c| Slot::Choice(&mut c.record.of),
        "What is scored: `records`, or `windows`: the sums of each series (`series.by`) and window (`series.window`) with a record in it, in place of an application for `GROUP BY` and one for the forest. All series are in one forest.";
    "record.columns" shapes Forest, |c| texts(&mut c.record.columns, 0, MAX_COLUMNS),
        "The numeric columns that make up a point. Empty: `bytes` for flow logs, and for JSON and CSV rows the numeric columns of the first row. Of windows: `bytes`, `packets`, `flows`, `rejects`; empty: `bytes`.";
    "record.threshold", |c| Slot::Number(&mut c.record.threshold),
        "From which score on a record counts as an anomaly. 3 is what the examples of the retired service used.";
    "record.only_anomalies", |c| Slot::Flag(&mut c.record.only_anomalies),
        "Whether only the scores of anomalies are told, or every record's.";
    "record.explanation", |c| Slot::Choice(&mut c.record.explanation),
        "Which scores are told with `anomaly_explanation`: all, as `RANDOM_CUT_FOREST_WITH_EXPLANATION` did, those of anomalies, or none, as `RANDOM_CUT_FOREST` did. Of several columns (or with a `shingle_size` above 1) an explanation costs as much time as the score.";

    "forest.number_of_trees" shapes Forest, |c| whole(&mut c.forest.number_of_trees, 1, 1000),
        "Number of trees. More trees give a steadier score and cost more time.";
    "forest.sub_sample_size" shapes Forest, |c| whole(&mut c.forest.sub_sample_size, 10, 1000),
        "Points each tree holds; also how many points are learned before the first score.";
    "forest.time_decay" shapes Forest, |c| whole(&mut c.forest.time_decay, 1, i32::MAX as u64),
        "How many of the last points count: a point of age a weighs e^(−a / time_decay). Above `sub_sample_size`.";
    "forest.shingle_size" shapes Forest, |c| whole(&mut c.forest.shingle_size, 1, 30),
        "Consecutive records joined to one point.";
    "forest.with_directionality", |c| Slot::Flag(&mut c.forest.with_directionality),
        "Whether the explanation names the direction of each column besides its share.";
    "forest.seed" shapes Forest, |c| whole(&mut c.forest.seed, 0, u64::MAX),
        "Seed of all random choices. Two forests with one seed and the same input give the same scores.";

    "fluent_bit.mode", |c| Slot::Choice(&mut c.fluent_bit.mode),
        "What comes out. `records`: every record, with the member `flowscore` added; `events`: only records with an alert or a failure.";
    "fluent_bit.fields", |c| texts(&mut c.fluent_bit.fields, 1, 8),
        "Members of a record that may hold the payload; the first of the list that a record has as text is taken. A record without any is itself the payload.";
    "fluent_bit.snapshot", |c| optional(&mut c.fluent_bit.snapshot),
        "File in which what was learned outlives a restart: beside `flowscore.json`, or else in the first accessible directory. Null: nothing is kept. Two filters must not share one.";
    "fluent_bit.snapshot_records", |c| whole(&mut c.fluent_bit.snapshot_records, 1, 1_000_000_000),
        "Records after which the snapshot is due. One of more than 1 MiB waits for 8,192 records a MiB, or for `snapshot_seconds` of Fluent Bit's own time.";
    "fluent_bit.snapshot_seconds", |c| whole(&mut c.fluent_bit.snapshot_seconds, 1, 86_400),
        "Seconds of event time after which it is due, if that is earlier. While a backlog is read it is written less often, so that writing does not take longer than reading.";
    "fluent_bit.tick_tag", |c| optional(&mut c.fluent_bit.tick_tag),
        "Tag of records that only tell the time, so that windows close, and a silence of all series is noticed, while no flow log arrives. Null: there are none.";
};
