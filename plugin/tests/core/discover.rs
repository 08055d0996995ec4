//! Schema discovery: what is recognised, with which types, and that the answer is always the same.

use flowscore::column::Field;
use flowscore::discover::{Format, Limits, Sampler};
use flowscore::flow;
use serde_json::Value;

fn discover(feed: impl FnOnce(&mut Sampler)) -> Value {
    let mut sampler = Sampler::new(Limits::default());
    feed(&mut sampler);
    serde_json::from_str(&sampler.finish().to_json()).unwrap()
}

fn of_lines(lines: &[String]) -> Value {
    discover(|sampler| lines.iter().for_each(|line| sampler.line(line.as_bytes())))
}

fn column<'a>(report: &'a Value, path: &str) -> &'a Value {
    let columns = report["columns"].as_array().unwrap();
    columns.iter().find(|column| column["path"] == path).unwrap_or_else(|| panic!("no {path} in {report:#}"))
}

/// Plausible tokens for each field of a format, varied by `i`.
fn line(format: &str, i: u64) -> String {
    let token = |field: &str| match field {
        "version" => "5".to_owned(),
        "srcport" => (40_000 + i * 7 % 20_000).to_string(),
        "dstport" => [443, 22, 8080][i as usize % 3].to_string(),
        "protocol" => [6, 17][i as usize % 2].to_string(),
        "packets" => (1 + i % 50).to_string(),
        "bytes" => ((1 + i % 50) * 60 + i).to_string(),
        "start" => (1_616_729_292 + i).to_string(),
        "end" => (1_616_729_349 + i).to_string(),
        "srcaddr" | "pkt-srcaddr" => format!("10.0.{}.{}", i % 250, i % 99),
        "dstaddr" | "pkt-dstaddr" => format!("10.1.{}.{}", i % 99, i % 250),
        other => Field::by_name(other.as_bytes()).unwrap().doc().example.to_owned(),
    };
    format.split(' ').map(token).collect::<Vec<_>>().join(" ")
}

const DEFAULT: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

#[test]
fn default_flow_logs_are_recognised_and_need_no_configuration() {
    let mut lines: Vec<_> = (0..500).map(|i| line(DEFAULT, i)).collect();
    lines.push("2 012345678901 eni-2 - - - - - - - 1431280876 1431280934 - NODATA".into());
    let report = of_lines(&lines);
    assert_eq!((&report["format"], &report["flow_format"]["source"]), (&"vpc_flow_log".into(), &"default".into()));
    assert_eq!(report["score"][0]["column"], "bytes");
    assert_eq!(report["configuration"], serde_json::json!({"mode": "window"}));
    for (path, expected, nullable) in [
        ("account_id", "string", false),
        ("srcaddr", "ip", true),
        ("dstport", "integer", true),
        ("bytes", "integer", true),
        ("start", "timestamp", false),
        ("action", "string", true),
    ] {
        let column = column(&report, path);
        assert_eq!((&column["type"], &column["nullable"]), (&expected.into(), &nullable.into()), "{path}");
    }
    assert_eq!(column(&report, "bytes")["example"], "60");
    assert_eq!(report["views"]["parsed"][0]["version"], 5);
    assert_eq!(report["views"]["processed"][0], lines[0]);
}

#[test]
fn a_header_line_names_the_format() {
    let format = "bytes packets interface-id next-year-field start end";
    let lines =
        [format.to_owned(), "5 1 eni-1 x 1616729292 1616729349".into(), "6 1 eni-1 x 1616729292 1616729349".into()];
    let report = of_lines(&lines);
    assert_eq!(report["flow_format"]["source"], "header");
    assert_eq!(
        report["flow_format"]["format"],
        "${bytes} ${packets} ${interface-id} ${next-year-field} ${start} ${end}"
    );
}

#[test]
fn published_layouts_are_recognised() {
    for format in [
        "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status",
        "account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id log-status packets pkt-dst-aws-service pkt-dstaddr pkt-src-aws-service pkt-srcaddr protocol region srcaddr srcport start sublocation-id sublocation-type subnet-id tcp-flags traffic-path type version vpc-id",
    ] {
        let report = of_lines(&(0..50).map(|i| line(format, i)).collect::<Vec<_>>());
        let expected = flow::Format::parse(format).unwrap().to_string();
        assert_eq!(report["flow_format"]["source"], "published");
        assert_eq!(report["flow_format"]["format"], expected);
        assert_eq!(report["configuration"]["input"]["format"], expected);
    }
}

#[test]
fn a_custom_format_is_guessed_from_its_tokens() {
    for format in [
        "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action",
        "interface-id start end bytes packets action log-status",
        "action vpc-id flow-direction srcaddr srcport dstport bytes packets end start type",
    ] {
        let report = of_lines(&(0..200).map(|i| line(format, i)).collect::<Vec<_>>());
        let names: Vec<_> = format.split(' ').map(|name| format!("${{{name}}}")).collect();
        assert_eq!(report["flow_format"]["format"], names.join(" "), "{report:#}");
        assert_eq!(report["flow_format"]["source"], "guess");
    }
}

#[test]
fn events_with_extracted_fields_of_an_unknown_layout_are_named_by_them() {
    let report = discover(|sampler| {
        for i in 0..20 {
            let extracted = format!(r#"{{"bytes":"{i}","start":"1616729292","whatever":"x","interface_id":"eni-1"}}"#);
            sampler.event(b"x y z", Some(extracted.as_bytes()));
        }
    });
    assert_eq!(report["format"], "vpc_flow_log");
    assert_eq!(report["flow_format"]["source"], "extracted_fields");
    assert_eq!(report["score"][0]["column"], "bytes");
}

#[test]
fn json_objects_are_described_with_paths_and_wide_types() {
    let report = discover(|sampler| {
        for i in 0..100u64 {
            let object = format!(
                r#"{{"time":{},"host":{{"ip":"10.0.0.{i}","id":"00{i}"}},"requests":{},"port":{},"ok":true,"a.b":{}.5,"tags":["x"],"none":null,"big":18446744073709551615{}}}"#,
                1_616_729_292_000u64 + i,
                i * i,
                8000 + i,
                i,
                if i == 7 { ",\"rare\":1" } else { "" },
            );
            sampler.object(object.as_bytes());
        }
    });
    assert_eq!(report["format"], "json");
    for (path, expected) in [
        ("time", "timestamp"),
        ("host.ip", "ip"),
        ("host.id", "string"),
        ("requests", "integer"),
        ("ok", "boolean"),
        (r"a\.b", "number"),
        ("tags.0", "string"),
        ("none", "string"),
        ("big", "string"),
    ] {
        assert_eq!(column(&report, path)["type"], expected, "{path}");
    }
    assert_eq!(column(&report, "rare")["nullable"], true);
    assert_eq!(column(&report, "requests")["nullable"], false);
    assert_eq!(report["score"][0]["column"], "requests");
    assert_eq!(report["configuration"], serde_json::json!({"mode": "record", "record": {"columns": ["requests"]}}));
}

#[test]
fn csv_is_recognised_with_and_without_header() {
    let mut lines: Vec<_> = (0..30).map(|i| format!("2024-01-{:02} 00:00:00;{};\"a;b\"", i % 28 + 1, i * 3)).collect();
    let report = of_lines(&lines);
    assert_eq!(report["format"], "csv");
    assert_eq!(
        (&column(&report, "COL_1")["type"], &column(&report, "COL_2")["type"]),
        (&"timestamp".into(), &"integer".into())
    );
    assert_eq!(
        report["configuration"]["input"],
        serde_json::json!({"records": "csv", "csv": {"delimiter": ";", "header": false}}),
        "without a comma, rows are not told from flow log lines"
    );
    assert_eq!(report["score"][0]["column"], "COL_2");
    lines.insert(0, "timestamp;value;note".into());
    let report = of_lines(&lines);
    assert_eq!(report["configuration"]["input"]["csv"]["header"], true);
    assert_eq!(report["score"][0]["column"], "value");
    assert_eq!(column(&report, "timestamp")["type"], "timestamp");
}

#[test]
fn text_and_nothing_are_said_to_be_so() {
    let lines: Vec<_> = (0..9).map(|i| format!("GET /index.html took long {}", "x ".repeat(i))).collect();
    let report = of_lines(&lines);
    assert_eq!(report["format"], "text");
    assert!(report["notes"][0].as_str().unwrap().contains("nothing to score"));
    let report = of_lines(&[]);
    assert_eq!(
        (&report["format"], &report["notes"][0]),
        (&"unknown".into(), &"there are no records in the sample".into())
    );
}

#[test]
fn the_views_show_payload_and_records() {
    let report = discover(|sampler| {
        sampler.payload(b"\x1f\x8b\x08");
        sampler.layers(&["gzip", "cloudwatch"]);
        sampler.layers(&["gzip", "cloudwatch"]);
        sampler.line(line(DEFAULT, 1).as_bytes());
    });
    assert_eq!(report["views"]["raw"][0], "H4sI");
    assert_eq!(report["layers"], serde_json::json!(["gzip > cloudwatch"]));
}

#[test]
fn a_stream_without_end_costs_no_more_than_the_limits_and_gives_one_answer() {
    let limits = Limits { records: 100, bytes: 1 << 20, record_bytes: 1000 };
    let run = || {
        let mut sampler = Sampler::new(limits);
        for i in 0..100_000 {
            sampler.line(line(DEFAULT, i).as_bytes());
            if i % 10_000 == 0 {
                sampler.line(&[b'x'; 2000]);
            }
        }
        sampler.finish()
    };
    let report = run();
    assert_eq!(report.format(), Format::VpcFlowLog);
    assert_eq!(report.to_json(), run().to_json());
    let document: Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(document["records"]["seen"], 100_010);
    assert_eq!(document["records"]["too_long"], 10);
    let sampled = document["records"]["sampled"].as_u64().unwrap();
    assert!((75..=100).contains(&sampled), "{sampled}");
    // Records from the whole stream, not only its beginning.
    let limits = Limits { records: 10, bytes: 300, record_bytes: 100 };
    let mut sampler = Sampler::new(limits);
    (0..1000).for_each(|i| sampler.line(format!("{{\"n\":{i}}}").as_bytes()));
    let document: Value = serde_json::from_str(&sampler.finish().to_json()).unwrap();
    assert!(column(&document, "n")["maximum"].as_f64().unwrap() >= 500.0);
}

#[test]
fn any_bytes_give_a_report() {
    let mut state = 1u32;
    for length in 0..200 {
        let mut sampler = Sampler::new(Limits::default());
        for _ in 0..8 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    b" ,\"{}[]:-019aeni\n\t\\\xff."[(state >> 24) as usize % 21]
                })
                .collect();
            sampler.payload(&bytes);
            sampler.line(&bytes);
            sampler.object(&bytes);
            sampler.event(&bytes, Some(&bytes));
        }
        let _: Value = serde_json::from_str(&sampler.finish().to_json()).unwrap();
    }
}
