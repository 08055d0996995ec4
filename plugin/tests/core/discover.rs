//! Schema discovery: what is recognised, with which types, and that the answer is always the same.

use flowscore::column::{FIELDS, Field};
use flowscore::discover::discover_schema;
use flowscore::{Scorer, flow};
use serde_json::{Value, json};

fn discover(payloads: &[&[u8]]) -> Value {
    serde_json::from_str(&discover_schema(payloads.iter().copied())).unwrap()
}

/// Lines in one payload.
fn of_lines(lines: &[String]) -> Value {
    discover(&[lines.join("\n").as_bytes()])
}

/// Messages of a CloudWatch Logs subscription.
fn subscription(messages: &[String], extracted: &[String]) -> String {
    let event = |(i, message): (usize, &String)| match extracted.get(i) {
        Some(fields) => {
            format!(r#"{{"id":"{i}","timestamp":1723542871000,"message":"{message}","extractedFields":{fields}}}"#)
        }
        None => format!(r#"{{"id":"{i}","timestamp":1723542871000,"message":"{message}"}}"#),
    };
    let events = messages.iter().enumerate().map(event).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"eni-0a-all","logEvents":[{events}]}}"#
    )
}

/// The notes of a report as one text.
fn notes(report: &Value) -> String {
    report["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>().join("; ")
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

/// AWS's own orders: all fields of each version in the order of its table and in that of the alphabet, the fields of version 2
/// with those of one other, those of transit gateways, and the examples of its guide.
#[test]
fn the_layouts_of_aws_are_recognised_by_their_length_and_content() {
    let of_versions = |versions: &[u8]| {
        let fields = FIELDS.iter().filter(|info| versions.contains(&info.version)).map(|info| info.name);
        fields.collect::<Vec<_>>().join(" ")
    };
    let alphabetical = |format: &str| {
        let mut names: Vec<_> = format.split(' ').collect();
        names.sort_unstable();
        names.join(" ")
    };
    let mut formats = Vec::new();
    for version in 3..=11 {
        let versions: Vec<u8> = (2..=version).filter(|version| *version != 6).collect();
        let format = of_versions(&versions);
        formats.extend([alphabetical(&format), format]);
    }
    formats.extend([&[2, 5][..], &[2, 7], &[2, 3, 7]].map(of_versions));
    formats.push(alphabetical(&flow::Format::transit_gateway().to_string().replace(['$', '{', '}'], "")));
    formats.push(format!("{DEFAULT} ecs-cluster-name ecs-cluster-arn ecs-container-instance-id ecs-container-instance-arn ecs-service-name ecs-task-definition-arn ecs-task-id ecs-task-arn ecs-container-id ecs-second-container-id"));
    formats.push("version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status".to_owned());
    for format in formats {
        for count in [1, 50] {
            let lines: Vec<_> = (0..count).map(|i| line(&format, i)).collect();
            let report = of_lines(&lines);
            let expected = flow::Format::parse(&format).unwrap().to_string();
            assert_eq!(report["flow_format"]["format"], expected, "{report:#}");
            assert_eq!(report["flow_format"]["source"], "published", "{format}");
            assert_eq!(report["configuration"]["input"]["format"], expected, "{}", notes(&report));
            assert_eq!(report["trial"]["ok"], count, "{format}");
        }
    }
    let report = of_lines(
        &(0..9)
            .map(|i| line(&flow::Format::transit_gateway().to_string().replace(['$', '{', '}'], ""), i))
            .collect::<Vec<_>>(),
    );
    assert_eq!(
        (&report["flow_format"]["source"], &report["configuration"]),
        (&json!("transit_gateway"), &json!({ "mode": "window" }))
    );
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
        assert_eq!(report["trial"]["ok"], 200, "{}", notes(&report));
    }
}

/// Whatever is suggested gives the windows that the true format gives; what cannot be told is said.
#[test]
fn what_is_not_sure_is_not_guessed() {
    let all = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action";
    for (format, count, is_offered, part) in [
        (all, 200, true, ""),
        (all, 3, false, "cannot be told from 3 lines"),
        (all, 1, false, "cannot be told from 1 line"),
        (
            "interface-id srcaddr dstaddr srcport dstport start end action",
            200,
            false,
            "bytes, packets, ports or anything else",
        ),
        ("interface-id start end bytes action", 200, false, "bytes, packets, ports or anything else"),
        ("interface-id next-hop-interface-id packets bytes start end action", 200, false, "look alike"),
        ("tgw-id tgw-attachment-id tgw-pair-attachment-id packets bytes start end", 200, false, "look alike"),
        ("srcaddr dstaddr packets bytes start end action log-status", 200, false, "no column tells the series"),
        ("interface-id srcaddr dstaddr packets bytes action", 200, false, "which window mode needs"),
        ("account-id subnet-id packets bytes start end flow-direction", 200, true, ""),
        (
            "tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id bytes packets start end log-status",
            200,
            true,
            "",
        ),
        (
            "end start interface-id bytes packets tcp-flags srcport dstport dstaddr srcaddr pkt-srcaddr pkt-dstaddr action",
            200,
            true,
            "",
        ),
    ] {
        let lines: Vec<_> = (0..count).map(|i| line(format, i)).collect();
        let report = of_lines(&lines);
        assert!(notes(&report).contains(part), "{format}: {}", notes(&report));
        assert_eq!(report["configuration"] != json!({}), is_offered, "{format}: {report:#}");
        if is_offered {
            let mut config = report["configuration"].clone();
            let windows = |config: &Value| {
                let mut config = config.clone();
                config["series"]["windows"] = true.into();
                config["series"]["top_talkers"] = 0.into();
                let mut scorer = Scorer::new(&config.to_string()).unwrap();
                let mut events = Vec::new();
                scorer.transform(lines.join("\n").as_bytes(), None, &mut events);
                scorer.finish(&mut events);
                let events = String::from_utf8(events).unwrap();
                let windows = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
                windows
                    .filter(|event| event["type"] == "window")
                    .map(|event| [&event["series"], &event["start"], &event["bytes"]].map(Value::to_string))
                    .collect::<Vec<_>>()
            };
            let guessed = windows(&config);
            config["input"]["format"] = format.into();
            assert_eq!(guessed, windows(&config), "{format}");
        }
    }
}

#[test]
fn a_stream_s_name_is_no_interface_and_foreign_lines_are_named() {
    let stream = "stream eni-0a-all 10.0.0.1 10.0.0.2 ACCEPT";
    let report = of_lines(&(0..50).map(|i| format!("{stream} {}", i * i)).collect::<Vec<_>>());
    assert_eq!(report["configuration"], json!({}), "{report:#}");
    let mut lines: Vec<_> = (0..20).map(|i| line(DEFAULT, i)).collect();
    for i in 0..60 {
        lines.insert(i, format!("START RequestId: {i} Version: $LATEST"));
    }
    let report = of_lines(&lines);
    assert_eq!((&report["format"], &report["configuration"]), (&json!("vpc_flow_log"), &json!({ "mode": "window" })));
    assert!(
        notes(&report).contains("60 of 80 records are something else; `run` tells them as failed"),
        "{}",
        notes(&report)
    );
}

#[test]
fn a_mixture_of_formats_is_told_and_configured() {
    let gateway = flow::Format::transit_gateway().to_string().replace(['$', '{', '}'], "");
    let v3 = "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status";
    for (formats, config) in [
        ([DEFAULT, &gateway], json!({ "mode": "window" })),
        (
            [DEFAULT, v3],
            json!({ "mode": "window", "input": { "format": ["default", flow::Format::parse(v3).unwrap().to_string()] } }),
        ),
    ] {
        let lines: Vec<_> = (0..30).map(|i| line(formats[usize::from(i % 3 == 2)], i)).collect();
        let report = of_lines(&lines);
        assert_eq!(report["configuration"], config, "{report:#}");
        assert_eq!(report["trial"]["ok"], 30);
        assert!(notes(&report).contains("mixture: 20 in the default format"), "{}", notes(&report));
        assert_eq!(report["flow_formats"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn lines_inside_documents_and_behind_times_are_looked_at() {
    let custom = "interface-id start end bytes packets action log-status";
    for (format, wrap, expected) in [
        (DEFAULT, r#"{"timestamp":1,"log":"LINE","stream":"stdout"}"#, json!({ "mode": "window" })),
        (DEFAULT, "2024-08-13T09:54:31.000Z LINE", json!({ "mode": "window" })),
        (
            custom,
            r#"{"log":"LINE","stream":"stdout"}"#,
            json!({ "mode": "window", "input": { "format": flow::Format::parse(custom).unwrap().to_string() } }),
        ),
    ] {
        let report = of_lines(&(0..40).map(|i| wrap.replace("LINE", &line(format, i))).collect::<Vec<_>>());
        assert_eq!(report["configuration"], expected, "{report:#}");
        assert_eq!(report["trial"]["ok"], 40);
    }
}

#[test]
fn a_format_without_numbers_is_scored_by_its_flows() {
    let messages: Vec<_> = (0..2).map(|i| line("version interface-id srcaddr dstaddr", i)).collect();
    let report = discover(&[subscription(&messages, &[]).as_bytes()]);
    assert_eq!(
        report["configuration"],
        json!({ "mode": "window", "input": { "format": "${version} ${interface-id} ${srcaddr} ${dstaddr}" }, "series": { "value": "flows" } })
    );
    assert_eq!(report["trial"]["ok"], 2);
    // Without the times of CloudWatch there are no windows.
    let report = of_lines(&messages);
    assert!(report["configuration"] == json!({}) && notes(&report).contains("no `start`"), "{report:#}");
}

#[test]
fn events_with_extracted_fields_of_an_unknown_layout_are_named_by_them() {
    let extracted = |i: i32| format!(r#"{{"bytes":"{i}","start":"1616729292","whatever":"x","interface_id":"eni-1"}}"#);
    let (messages, extracted) = (vec!["x y z".to_owned(); 20], (0..20).map(extracted).collect::<Vec<_>>());
    let report = discover(&[subscription(&messages, &extracted).as_bytes()]);
    assert_eq!(report["format"], "vpc_flow_log");
    assert_eq!(report["flow_format"]["source"], "extracted_fields");
    assert_eq!(report["score"][0]["column"], "bytes");
}

#[test]
fn rows_with_other_names_are_mapped_or_what_is_unclear_is_said() {
    let windows = |fields: Value| json!({ "mode": "window", "input": { "fields": fields } });
    let row = |template: &str, i: u64| {
        let numbers = [
            ("ENI", i % 2),
            ("START", 1_616_729_292 + i),
            ("END", 1_616_729_352 + i),
            ("BYTES", 4_000 + i * i),
            ("PKTS", 3 + i),
        ];
        numbers.iter().fold(template.to_owned(), |text, (name, number)| text.replace(name, &number.to_string()))
    };
    for (template, expected, part) in [
        (
            r#"{"nic":"eni-ENI","t0":START,"t1":END,"octets":BYTES,"pkts":PKTS}"#,
            windows(json!({ "interface_id": "nic", "bytes": "octets", "packets": "pkts", "start": "t0", "end": "t1" })),
            "",
        ),
        (
            r#"{"flow":{"interface-id":"eni-ENI","Start":START,"bytes":BYTES},"src":{"ip":"10.0.0.1","port":4ENI},"dst":{"ip":"10.0.0.2","port":443}}"#,
            windows(
                json!({ "interface_id": "flow.interface-id", "start": "flow.Start", "bytes": "flow.bytes", "srcaddr": "src.ip", "dstaddr": "dst.ip", "srcport": "src.port", "dstport": "dst.port" }),
            ),
            "",
        ),
        (r#"{"interfaceId":"eni-ENI","start":START,"bytes":BYTES}"#, json!({ "mode": "window" }), ""),
        (
            r#"{"card":"eni-ENI","when":START,"octetCount":BYTES}"#,
            windows(json!({ "interface_id": "card", "bytes": "octetCount", "start": "when" })),
            "",
        ),
        (
            r#"{"nic":"eni-ENI","time":START,"bytes_in":BYTES,"bytes_out":PKTS}"#,
            json!({}),
            "bytes may be any of `bytes_in`, `bytes_out`",
        ),
        (
            r#"{"host":"web-ENI","time":START,"load":BYTES,"srcPort":4PKTS,"account":12PKTS}"#,
            json!({ "mode": "record", "record": { "columns": ["load"] } }),
            "",
        ),
        (
            "nic,t0,t1,octets\neni-ENI,START,END,BYTES",
            windows(json!({ "interface_id": "nic", "bytes": "octets", "start": "t0", "end": "t1" })),
            "",
        ),
    ] {
        let rows: Vec<_> = (0..40).map(|i| row(template, i)).collect();
        let payloads: Vec<&[u8]> = rows.iter().map(|row| row.as_bytes()).collect();
        let report = discover(&payloads);
        let (order, expected) = (report["configuration"].clone(), expected);
        assert_eq!(order, expected, "{report:#}");
        assert!(notes(&report).contains(part), "{}", notes(&report));
    }
}

#[test]
fn a_csv_header_names_the_columns_however_it_is_wrapped() {
    let generic = "timestamp,value,host\n2024-01-01T00:00:00Z,12.5,web-1\n2024-01-01T00:01:00Z,13.1,web-1\n2024-01-01T00:02:00Z,99.5,web-2";
    let flows = "interface_id,start,end,bytes\neni-0a,1742570579,1742570632,9344\neni-0a,1742570639,1742570692,9410\neni-0b,1742570640,1742570699,120";
    for (text, config, names) in [
        (generic, json!({ "mode": "record", "record": { "columns": ["value"] } }), ["timestamp", "value", "host"]),
        (flows, json!({ "mode": "window" }), ["interface_id", "start", "bytes"]),
    ] {
        // As one payload, and line by line with the header before each, as pipes are read.
        let (header, rows) = text.split_once('\n').unwrap();
        let lines: Vec<_> = rows.lines().map(|row| format!("{header}\n{row}")).collect();
        for payloads in [vec![text.as_bytes()], lines.iter().map(|line| line.as_bytes()).collect()] {
            let report = discover(&payloads);
            assert_eq!((&report["format"], &report["configuration"]), (&json!("csv"), &config), "{report:#}");
            names.iter().for_each(|name| assert_eq!(column(&report, name)["nullable"], false));
            assert_eq!(report["records"]["seen"], 3, "a header is no record");
            assert!(notes(&report).contains("a header row names the columns"), "{}", notes(&report));
        }
    }
}

#[test]
fn flow_log_fields_between_commas_without_a_header_get_names() {
    let lines: Vec<_> = (0..40).map(|i| line(DEFAULT, i).replace(' ', ",")).collect();
    let report = of_lines(&lines);
    let names = json!(DEFAULT.replace('-', "_").split(' ').collect::<Vec<_>>());
    assert_eq!(
        report["configuration"],
        json!({ "mode": "window", "input": { "csv": { "delimiter": ",", "names": names } } }),
        "{report:#}"
    );
    // Columns without names of which several may be the number: it is not chosen for one.
    let report = of_lines(&(0..40).map(|i| format!("a,{},{}", i * i % 7, i * 3 % 11)).collect::<Vec<_>>());
    assert!(report["configuration"] == json!({}) && notes(&report).contains("any of `COL_2`, `COL_3`"), "{report:#}");
}

#[test]
fn json_objects_are_described_with_paths_and_wide_types() {
    let objects = (0..100u64).map(|i| {
            format!(
                r#"{{"time":{},"host":{{"ip":"10.0.0.{i}","id":"00{i}"}},"requests":{},"port":{},"ok":true,"a.b":{}.5,"tags":["x"],"none":null,"big":18446744073709551615{}}}"#,
                1_616_729_292_000u64 + i,
                i * i,
                8000 + i,
                i,
                if i == 7 { ",\"rare\":1" } else { "" },
            )
    });
    let report = of_lines(&objects.collect::<Vec<_>>());
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
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(subscription(&[line(DEFAULT, 1)], &[]).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let report = discover(&[&gzip, &gzip]);
    assert!(report["views"]["raw"][0].as_str().unwrap().starts_with("H4sI"));
    assert_eq!(report["views"]["processed"][0], line(DEFAULT, 1));
    assert_eq!(report["layers"], json!(["gzip > cloudwatch_logs_subscription"]));
}

#[test]
fn what_cannot_be_opened_is_said() {
    let report = discover(&[b"\x28\xb5\x2f\xfd\x04\x00"]);
    assert!(
        report["format"] == "unknown" && notes(&report).contains("1 could not be opened, the first since: zstd"),
        "{report:#}"
    );
}

#[test]
fn any_bytes_give_a_report() {
    let mut state = 1u32;
    for length in 0..200 {
        let payloads: Vec<Vec<u8>> = (0..8)
            .map(|_| {
                let byte = |_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    b" ,\"{}[]:-019aeni\n\t\\\xff."[(state >> 24) as usize % 21]
                };
                (0..length).map(byte).collect()
            })
            .collect();
        let payloads: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..]).collect();
        let lines = payloads.join(&b"\n"[..]);
        assert_eq!(discover(&payloads), discover(&payloads));
        discover(&[&lines]);
    }
}
