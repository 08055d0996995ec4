//! What people have: every kind of input by itself, in layers, decoded, scored, discovered and in Fluent Bit; and any spelling,
//! order and subset of fields.

mod kinds;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use flowscore::column::Field;
use flowscore::config::Config;
use flowscore::fluent_bit::{Fate, Filter};
use flowscore::{Counts, Decoder, Outcome, Scorer, discover_schema};
use kinds::kinds;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A text as it is, in gzip, and that in base64.
fn layers(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    let gzip = gzip.finish().unwrap();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&gzip).into_bytes();
    [("text", text.to_vec()), ("gzip", gzip), ("base64", base64)]
}

/// The windows of payloads under a configuration, and what became of the records.
fn windows(config: &Value, payloads: &[&[u8]]) -> (Vec<Value>, Counts) {
    let mut config = config.clone();
    config["series"]["windows"] = true.into();
    let mut scorer = Scorer::new(&config.to_string()).unwrap();
    let (mut out, mut counts) = (Vec::new(), Counts::default());
    for payload in payloads {
        counts += scorer.transform(payload, None, &mut out);
    }
    scorer.finish(&mut out);
    let events = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let events = events.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    (events.filter(|event| event["type"] == "window" && event["series"] != "total").collect(), counts)
}

/// The bytes of each series.
fn sums(windows: &[Value]) -> String {
    let mut sums = BTreeMap::new();
    for window in windows {
        *sums.entry(window["series"].as_str().unwrap()).or_insert(0.0) += window["bytes"].as_f64().unwrap_or(0.0);
    }
    sums.iter().map(|(series, sum)| format!("{series}={sum}")).collect::<Vec<_>>().join(" ")
}

fn decoded(payload: &[u8]) -> Counts {
    match Decoder::new(&Config::default()).decode(payload, None) {
        Outcome::Ok(_, counts) => counts,
        Outcome::Dropped(_) => Counts { dropped: 1, ..Counts::default() },
        Outcome::Failed(_) => Counts { failed: 1, ..Counts::default() },
    }
}

fn discovered(payloads: &[&[u8]]) -> Value {
    serde_json::from_str(&discover_schema(payloads.iter().copied())).unwrap()
}

#[test]
fn every_kind_is_right_in_every_layer_and_on_every_way() {
    for kind in kinds() {
        let expected = (kind.sums.to_owned(), Counts { ok: kind.ok, ..Counts::default() });
        for (layer, payload) in layers(kind.text.as_bytes()) {
            let name = format!("{} as {layer}", kind.name);
            let (told, counts) = windows(&json!({}), &[&payload]);
            assert_eq!((sums(&told), counts), expected, "{name}");
            assert_eq!(decoded(&payload), counts, "{name}");
            let report = discovered(&[&payload]);
            let (told, counts) = windows(&report["configuration"], &[&payload]);
            assert_eq!((sums(&told), counts), expected, "{name}: {report:#}");
            let mut filter = Filter::new(Config::default());
            if layer != "gzip" {
                let record = json!({ "log": String::from_utf8(payload).unwrap() }).to_string();
                let mut out = Vec::new();
                assert_eq!(filter.filter(b"vpc", 1_723_542_900_000, record.as_bytes(), &mut out), Fate::Goes);
                let answer: Value = serde_json::from_slice(&out).unwrap();
                assert!(
                    answer["flowscore"]["failed"].is_null() && answer["flowscore"]["score"] == 0,
                    "{name}: {answer}"
                );
            }
        }
    }
}

/// What is right for the inputs of a folder beside the project: records that are ok and failed, and the series, as far as it says.
const SHARED: [(&str, u64, u64, &str); 16] = [
    ("02-elastic-repeated-headers", 3, 0, "eni-1235b8ca123456789=568"),
    ("03-flowlogs-reader-30-milliseconds", 2, 0, "eni-4b118871=840"),
    ("05-otel-38861-console-csv", 2, 0, "eni-0eb1e4178af74336c=9344"),
    ("06-athena-csv-few-columns", 3, 0, "eni-0a1=18754 eni-0b2=120"),
    ("07-hyphen", 2, 0, "eni-0520bb5efed19d33a=6762"),
    ("08-csv-generic", 0, 4, ""),
    ("09-tenzir-hyphen-json", 3, 0, "eni-0a=400 eni-0b=900"),
    ("10-parsevpc-camel-json", 2, 0, "eni-0a=400 eni-0b=900"),
    ("12-two-headers", 2, 0, "eni-0a=400 eni-0c=1500"),
    ("13-firehose-error-object", 4, 0, ""),
    ("14-filter-log-events", 2, 0, "eni-0a=400 eni-0b=900"),
    ("15-insights-message.csv", 2, 0, "eni-0a=400 eni-0b=900"),
    ("15-insights-results", 2, 0, "eni-0a=400 eni-0b=900"),
    ("22-mixed-tgw", 4, 0, "eni-0a=400 eni-0c=1680 tgw-attach-0a=1000"),
    ("24-vrl-227", 0, 1, ""),
    ("29-otel-cw-custom", 0, 2, ""),
];

#[test]
fn the_inputs_beside_the_project_are_right() {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/field"));
    let folder = std::env::var_os("FLOWSCORE_FIELD").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("skipped: there is no {}; FLOWSCORE_FIELD names another folder", folder.display());
        return;
    }
    for (name, ok, failed, series) in SHARED {
        let text = std::fs::read(folder.join(name)).unwrap();
        for (layer, payload) in layers(&text) {
            let name = format!("{name} as {layer}");
            let (told, counts) = windows(&json!({}), &[&payload]);
            assert_eq!((counts.ok, counts.failed), (ok, failed), "{name}");
            assert!(series.is_empty() || sums(&told) == series, "{name}: {}", sums(&told));
            assert_eq!(decoded(&payload).records(), counts.records(), "{name}");
            // What is suggested is run to the last record; where nothing is, it is said why.
            let report = discovered(&[&payload]);
            match report["configuration"] == json!({}) {
                true => assert!(report["notes"].to_string().contains("no configuration is suggested"), "{report:#}"),
                false => {
                    let (_, trial) = windows(&report["configuration"], &[&payload]);
                    assert_eq!((trial.failed, trial.records()), (0, counts.records()), "{name}: {report:#}");
                }
            }
        }
    }
}

/// How a field's name may be written.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    Hyphens,
    Underscores,
    Camel,
    Pascal,
    Words,
    Capitals,
    Together,
}

impl Spelling {
    const ALL: [Spelling; 7] = [
        Spelling::Hyphens,
        Spelling::Underscores,
        Spelling::Camel,
        Spelling::Pascal,
        Spelling::Words,
        Spelling::Capitals,
        Spelling::Together,
    ];

    fn write(self, field: Field) -> String {
        let words: Vec<&str> = field.name().split('-').collect();
        let title = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        match self {
            Spelling::Hyphens => words.join("-"),
            Spelling::Underscores => words.join("_"),
            Spelling::Camel => words[0].to_owned() + &words[1..].iter().map(|word| title(word)).collect::<String>(),
            Spelling::Pascal => words.iter().map(|word| title(word)).collect(),
            Spelling::Words => words.iter().map(|word| title(word)).collect::<Vec<_>>().join(" "),
            Spelling::Capitals => words.join("_").to_ascii_uppercase(),
            Spelling::Together => words.concat(),
        }
    }
}

/// How records may be written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Csv,
    QuotedCsv,
    Tabs,
    Line,
    Extracted,
}

const FORMS: [Form; 6] = [Form::Json, Form::Csv, Form::QuotedCsv, Form::Tabs, Form::Line, Form::Extracted];

impl Form {
    /// Records of these columns; a value of `-` is absent.
    fn write(self, names: &[String], rows: &[Vec<String>]) -> String {
        let joined = |cells: &[String], separator: &str| cells.join(separator);
        let table = |separator: &str, quote: &str| {
            let row = |cells: &[String]| {
                joined(&cells.iter().map(|cell| format!("{quote}{cell}{quote}")).collect::<Vec<_>>(), separator)
            };
            std::iter::once(row(names)).chain(rows.iter().map(|cells| row(cells))).collect::<Vec<_>>().join("\n")
        };
        let object = |cells: &Vec<String>| {
            let members = names.iter().zip(cells).map(|(name, cell)| match cell.as_str() {
                "-" => format!("\"{name}\":null"),
                cell => format!("\"{name}\":\"{cell}\""),
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        match self {
            Form::Json => rows.iter().map(object).collect::<Vec<_>>().join("\n"),
            Form::Csv => table(",", ""),
            Form::QuotedCsv => table(",", "\""),
            Form::Tabs => table("\t", ""),
            Form::Line => table(" ", ""),
            Form::Extracted => {
                let event =
                    |cells| format!(r#"{{"id":"1","timestamp":1,"message":"x","extractedFields":{}}}"#, object(cells));
                let events = rows.iter().map(event).collect::<Vec<_>>().join(",");
                format!(
                    r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{events}]}}"#
                )
            }
        }
    }

    /// Names with blanks cannot stand between blanks.
    fn takes(self, spelling: Spelling) -> bool {
        !matches!((self, spelling), (Form::Tabs | Form::Line, Spelling::Words))
    }
}

/// The fields without which there are no windows, and others.
const NEEDED: [Field; 3] = [Field::InterfaceId, Field::Start, Field::Bytes];
const OTHERS: [Field; 13] = [
    Field::End,
    Field::Packets,
    Field::Action,
    Field::LogStatus,
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::AccountId,
    Field::VpcId,
    Field::TcpFlags,
    Field::PktDstAwsService,
];

fn value(field: Field) -> BoxedStrategy<String> {
    let one = |values: &'static [&'static str]| proptest::sample::select(values).prop_map(str::to_owned).boxed();
    let number = |from: u32, to: u32| (from..to).prop_map(|number| number.to_string()).boxed();
    match field {
        Field::InterfaceId => one(&["eni-0a", "eni-0b", "eni-0c"]),
        Field::Start => number(1_723_542_840, 1_723_543_000),
        Field::End => number(1_723_542_840, 1_723_543_000),
        Field::Action => one(&["ACCEPT", "REJECT", "-"]),
        Field::LogStatus => one(&["OK", "OK", "NODATA", "SKIPDATA"]),
        Field::SrcAddr | Field::DstAddr => one(&["10.0.0.1", "2001:db8::1"]),
        Field::SrcPort | Field::DstPort => number(0, 65_536),
        Field::Protocol | Field::TcpFlags => number(0, 256),
        Field::Packets | Field::Bytes => number(0, 1_000_000),
        _ => one(&["-", "a-1"]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The windows depend on the fields and their values alone.
    #[test]
    fn any_spelling_order_and_subset_of_fields_gives_the_same_windows(
        (fields, rows) in proptest::sample::subsequence(OTHERS.to_vec(), 0..OTHERS.len())
            .prop_map(|others| [&NEEDED[..], &others].concat())
            .prop_shuffle()
            .prop_flat_map(|fields| {
                let row = fields.iter().map(|field| value(*field)).collect::<Vec<_>>();
                (Just(fields), proptest::collection::vec(row, 1..12))
            }),
        form in proptest::sample::select(FORMS.to_vec()),
        spellings in proptest::collection::vec(proptest::sample::select(Spelling::ALL.to_vec()), 16),
    ) {
        prop_assume!(spellings.iter().take(fields.len()).all(|spelling| form.takes(*spelling)));
        let names: Vec<String> = fields.iter().zip(&spellings).map(|(field, spelling)| spelling.write(*field)).collect();
        let plain: Vec<String> = fields.iter().map(|field| Spelling::Underscores.write(*field)).collect();
        let (expected, counts) = windows(&json!({}), &[Form::Json.write(&plain, &rows).as_bytes()]);
        prop_assert_eq!(counts.failed, 0);
        let text = form.write(&names, &rows);
        let (told, same) = windows(&json!({}), &[text.as_bytes()]);
        prop_assert_eq!((told, same), (expected, counts), "{}", text);
    }
}
