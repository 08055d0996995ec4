//! What people have: fields under every spelling and under names of their own, in every form.

use flowscore::config::Config;
use flowscore::pipeline::{Counts, Decoder, Outcome, Scorer};
use serde_json::Value;

/// The events of payloads, and what became of the records.
fn run(config: &Value, payloads: &[&str]) -> (Vec<Value>, Counts) {
    let mut scorer = Scorer::new(&config.to_string()).unwrap();
    let mut out = Vec::new();
    let mut counts = Counts::default();
    for payload in payloads {
        counts += scorer.transform(payload.as_bytes(), None, &mut out);
    }
    scorer.finish(&mut out);
    let events = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (events.map(|line| serde_json::from_slice(line).unwrap()).collect(), counts)
}

/// Each series with the sum of its windows, `total` left out, as `eni-0a=400 eni-0b=900`.
fn sums(events: &[Value]) -> String {
    let mut sums = std::collections::BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] == "window") {
        *sums.entry(event["series"].as_str().unwrap()).or_insert(0.0) += event["bytes"].as_f64().unwrap_or(0.0);
    }
    sums.remove("total");
    sums.iter().map(|(series, sum)| format!("{series}={sum}")).collect::<Vec<_>>().join(" ")
}

fn windows() -> Value {
    serde_json::json!({ "series": { "windows": true } })
}

/// The windows and counts of payloads under a configuration.
fn told(config: &Value, payloads: &[&str]) -> (String, Counts) {
    let (events, counts) = run(config, payloads);
    (sums(&events), counts)
}

fn ok(ok: u64) -> Counts {
    Counts { ok, ..Counts::default() }
}

/// The notices of a kind.
fn notices(events: &[Value], kind: &str) -> Vec<String> {
    let notices = events.iter().filter(|event| event["type"] == "notice" && event["kind"] == kind);
    notices.map(|notice| notice["message"].as_str().unwrap().to_owned()).collect()
}

/// Names of interface, start, end, bytes and status as they come.
const SPELLINGS: [[&str; 5]; 9] = [
    ["interface_id", "start", "end", "bytes", "log_status"],
    ["interface-id", "start", "end", "bytes", "log-status"],
    ["interfaceId", "start", "end", "bytes", "logStatus"],
    ["InterfaceId", "Start", "End", "Bytes", "LogStatus"],
    ["Interface_Id", "Start", "End", "Bytes", "Log_Status"],
    ["INTERFACE-ID", "START", "END", "BYTES", "LOG-STATUS"],
    ["interfaceid", "starttime", "endtime", "numbytes", "logstatus"],
    ["interfaceId", "startTime", "endTime", "bytes", "logStatus"],
    ["eni", "windowstart", "windowend", "bytes", "flowlogstatus"],
];

const ROWS: [[&str; 5]; 3] = [
    ["eni-0a", "1723542840", "1723542850", "400", "OK"],
    ["eni-0b", "1723542840", "1723542850", "900", "OK"],
    ["eni-0b", "1723542860", "1723542870", "-", "NODATA"],
];

fn object(names: &[&str; 5], values: &[&str; 5]) -> String {
    let member = |(name, value): (&&str, &&str)| match *value {
        "-" => format!("\"{name}\":null"),
        value => format!("\"{name}\":\"{value}\""),
    };
    format!("{{{}}}", names.iter().zip(values).map(member).collect::<Vec<_>>().join(","))
}

#[test]
fn any_spelling_of_the_fields_gives_the_same_windows() {
    for names in &SPELLINGS {
        let objects = ROWS.map(|row| object(names, &row)).join("\n");
        let extracted = ROWS.map(|row| {
            format!(r#"{{"id":"1","timestamp":1,"message":"x","extractedFields":{}}}"#, object(names, &row))
        });
        let extracted = format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{}]}}"#,
            extracted.join(",")
        );
        for (form, payload) in [("JSON", objects), ("extractedFields", extracted)] {
            assert_eq!(told(&windows(), &[&payload]), ("eni-0a=400 eni-0b=900".into(), ok(3)), "{form}: {names:?}");
        }
    }
    // A header line has the fields' own names.
    for names in SPELLINGS
        .iter()
        .filter(|names| !names.contains(&"numbytes") && !names.contains(&"startTime") && names[0] != "eni")
    {
        let lines = ROWS.map(|row| row.join(" ")).join("\n");
        let payload = format!("{}\n{lines}", names.join(" "));
        assert_eq!(told(&windows(), &[&payload]), ("eni-0a=400 eni-0b=900".into(), ok(3)), "{names:?}");
    }
}

#[test]
fn the_table_s_own_spelling_goes_before_any_other() {
    for object in [
        r#"{"interfaceId":"x","interface_id":"eni-1","start":1723542840,"Bytes":9,"bytes":400}"#,
        r#"{"interface_id":"eni-1","interfaceId":"x","start":1723542840,"bytes":400,"Bytes":9}"#,
    ] {
        assert_eq!(told(&windows(), &[object]), ("eni-1=400".into(), ok(1)), "{object}");
    }
}

#[test]
fn record_mode_and_series_by_take_any_spelling() {
    let config = serde_json::json!({ "series": { "windows": true, "by": ["Vpc-Id"] } });
    for name in ["vpc_id", "vpcId", "VpcID", "vpc-id", "Vpc-Id"] {
        let object = format!(r#"{{"{name}":"vpc-1","start":1723542840,"bytes":7}}"#);
        assert_eq!(told(&config, &[&object]), ("vpc-1=7".into(), ok(1)), "{name}");
    }
    let config = serde_json::json!({ "mode": "record", "record": { "columns": ["tcpFlags"] } });
    let (events, counts) = run(&config, &[r#"{"tcp-flags":3}"#]);
    assert_eq!((counts, &events[0]["record"]["tcp-flags"]), (ok(1), &Value::from(3)));
}

#[test]
fn fields_are_mapped_to_names_and_paths_of_the_data() {
    let flows = serde_json::json!({ "interface_id": "nic", "start": "t0", "bytes": "stats.octets" });
    let rows = serde_json::json!({ "time": "when", "value": "load", "interface_id": "host" });
    for (fields, payload, expected) in [
        (&flows, r#"{"nic":"n1","t0":1723542840,"stats":{"octets":12}}"#, "n1=12"),
        // What is mapped is not found under its own name.
        (&flows, r#"{"nic":"n1","interface_id":"x","t0":1723542840,"bytes":1,"stats":{"octets":12}}"#, "n1=12"),
        (&rows, r#"{"when":1723542840,"load":5,"host":"web-1"}"#, "web-1=5"),
        (&rows, "when load host\n1723542840 5 web-1", "web-1=5"),
    ] {
        let config = serde_json::json!({ "input": { "fields": fields }, "series": { "windows": true } });
        assert_eq!(told(&config, &[payload]), (expected.into(), ok(1)), "{payload}");
    }
    // Lines of a known format keep their fields.
    let config = serde_json::json!({ "input": { "fields": flows }, "series": { "windows": true } });
    let line = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 3 400 1723542840 1723542850 ACCEPT OK";
    assert_eq!(told(&config, &[line]), ("eni-1=400".into(), ok(1)));
}

#[test]
fn a_key_of_input_fields_that_is_no_field_is_refused_with_what_was_meant() {
    for (fields, part) in [
        (serde_json::json!({ "interface_ids": "nic" }), "did you mean interface_id?"),
        (serde_json::json!({ "bytes": "a..b" }), "empty step"),
        (serde_json::json!({ "bytes": "a", "value": "b" }), "another key for the field bytes"),
        (serde_json::json!({ "bytes": 1 }), "text"),
        (serde_json::json!(["bytes"]), "an object of at most"),
    ] {
        let error = Config::parse(&serde_json::json!({ "input": { "fields": fields } }).to_string()).unwrap_err();
        assert!(error.path.starts_with("input.fields") && error.allowed.contains(part), "{error:?}");
    }
}

#[test]
fn a_field_that_no_record_has_is_told_once_with_what_was_meant() {
    let row = |i: usize| format!(r#"{{"interface":"eni-1","host_nam":"a","start":{},"bytes":1}}"#, 1_723_542_840 + i);
    let rows: Vec<String> = (0..60).map(row).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for (config, parts) in [
        (serde_json::json!({ "series": { "by": ["host_name"] } }), ["`host_name`", "did you mean `host_nam`?"]),
        (
            serde_json::json!({ "input": { "fields": { "interface_id": "interfac" } } }),
            ["`interfac`, which input.fields names for `interface_id`", "did you mean `interface`?"],
        ),
        (
            serde_json::json!({ "input": { "fields": { "packets": "pkts" } }, "series": { "by": ["interface"] } }),
            ["`pkts`, which input.fields names for `packets`", "the records have interface, host_nam, start, bytes"],
        ),
    ] {
        // After some records, or else at the end of the input; never twice.
        for count in [3, 60] {
            let (events, counts) = run(&config, &rows[..count]);
            let told = notices(&events, "missing_field");
            assert_eq!((told.len(), counts), (1, ok(count as u64)), "{config}: {told:?}");
            assert!(parts.iter().all(|part| told[0].contains(part)), "{}", told[0]);
        }
        assert_eq!(notices(&run(&config, &[]).0, "missing_field"), [""; 0]);
    }
    // One record that has it is enough.
    let has = format!("{}\n{}", rows[0], r#"{"host_name":"b","start":1723542840,"bytes":1}"#);
    let config = serde_json::json!({ "series": { "by": ["host_name"] } });
    assert!(notices(&run(&config, &[&has]).0, "missing_field").is_empty());
}

#[test]
fn a_name_that_is_nearly_a_field_s_is_told_before_the_first_record() {
    for (config, part) in [
        (serde_json::json!({ "series": { "by": ["interface_idd"] } }), "did you mean `interface_id`?"),
        (serde_json::json!({ "mode": "record", "record": { "columns": ["byte"] } }), "did you mean `bytes`?"),
    ] {
        let told = notices(&run(&config, &["{}"]).0, "unknown_field");
        assert!(told.len() == 1 && told[0].contains(part), "{told:?}");
    }
    let config = serde_json::json!({ "series": { "by": ["hostname"] } });
    assert!(notices(&run(&config, &["{}"]).0, "unknown_field").is_empty());
}

/// The payload, as it is, in gzip, and in base64.
fn wrapped(text: &str) -> [Vec<u8>; 3] {
    use base64::Engine as _;
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&gzip).into_bytes();
    [text.as_bytes().to_vec(), gzip, base64]
}

#[test]
fn a_header_rules_from_where_it_stands_in_every_layer() {
    let first = "version account-id interface-id bytes start\n2 1 eni-0a 400 1723542840";
    for second in [
        "version interface-id account-id start bytes\n2 eni-0c 1 1723542840 1500",
        "interface_id Bytes START\neni-0c 1500 1723542840",
        "start,bytes,interface-id\n1723542840,1500,eni-0c",
        "\"Interface ID\",\"Bytes\",\"Start\"\n\"eni-0c\",\"1500\",\"1723542840\"",
    ] {
        for (place, payload) in wrapped(&format!("{first}\n{second}\n")).iter().enumerate() {
            let mut scorer = Scorer::new(&windows().to_string()).unwrap();
            let mut out = Vec::new();
            let counts = scorer.transform(payload, None, &mut out);
            scorer.finish(&mut out);
            let events: Vec<Value> =
                out.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
            assert_eq!((sums(&events), counts), ("eni-0a=400 eni-0c=1500".into(), ok(2)), "{place}: {second}");
        }
    }
    let csv = "interface_id,start,bytes\neni-1,1723542840,5\nstart,interface_id,bytes\n1723542840,eni-2,6\nstart,interface_id,bytes\n1723542840,eni-2,1";
    assert_eq!(told(&windows(), &[csv]), ("eni-1=5 eni-2=7".into(), ok(3)));
}

#[test]
fn of_csv_a_time_a_key_and_a_value_suffice() {
    let expected = || ("eni-0a=400 eni-0b=900".to_owned(), ok(3));
    let rows = "eni-0a,1723542840,1723542850,400\neni-0b,1723542840,1723542850,900\neni-0b,1723542860,-,0";
    let quoted = format!("\"{}\"", rows.replace(',', "\",\"").replace('\n', "\"\n\""));
    for (config, payload) in [
        ("{}", format!("interface_id,start,end,bytes\n{rows}")),
        ("{}", format!("\"interface_id\",\"start\",\"end\",\"bytes\"\n{quoted}")),
        ("{}", format!("Interface ID,Start Time,End Time,Bytes\n{rows}")),
        ("{}", format!("interface_id\tstart\tend\tbytes\n{}", rows.replace(',', "\t"))),
        (r#"{"csv":{"delimiter":"\t"}}"#, format!("interface_id\tstart\tend\tbytes\n{}", rows.replace(',', "\t"))),
        (r#"{"csv":{"delimiter":";"}}"#, format!("interface_id;start;end;bytes\n{}", rows.replace(',', ";"))),
        (r#"{"csv":{"header":true}}"#, format!("interfaceId,start,end,bytes\n{rows}")),
        (r#"{"csv":{"names":["eni","start","end","bytes"]}}"#, rows.to_owned()),
        (r#"{"csv":{"names":["eni","start","end","bytes"]}}"#, format!("interface_id,start,end,bytes\n{rows}")),
        (
            r#"{"csv":{"names":["a","b","c","d"]},"fields":{"interface_id":"a","time":"b","value":"d"}}"#,
            rows.to_owned(),
        ),
        (r#"{"fields":{"interface_id":"nic","time":"t","value":"v"}}"#, format!("nic,t,x,v\n{rows}")),
        (r#"{"records":"csv"}"#, format!("interface_id,start,end,bytes\n{rows}")),
    ] {
        let mut document = windows();
        document["input"] = serde_json::from_str(config).unwrap();
        assert_eq!(told(&document, &[&payload]), expected(), "{config}: {payload}");
    }
}

#[test]
fn a_first_row_without_a_known_name_is_data() {
    for (fields, first, is_header) in [
        ("{}", "web,api,db", false),
        ("{}", "web,bytes,db", true),
        ("{}", "web,stats,db", false),
        (r#"{"packets":"stats"}"#, "web,stats,db", true),
    ] {
        let mut config = windows();
        config["input"] = serde_json::json!({ "fields": serde_json::from_str::<Value>(fields).unwrap() });
        let (_, counts) = run(&config, &[&format!("{first}\n1,2,3")]);
        assert_eq!(counts.records(), if is_header { 1 } else { 2 }, "{fields} {first}");
    }
}

#[test]
fn times_are_seconds_milliseconds_or_texts_with_an_offset() {
    let line = |start: &str| format!("2 1 eni-1 10.0.0.9 192.0.2.44 443 51234 6 10 840 {start} {start} ACCEPT OK");
    for (payload, is_told) in [
        (line("1723542871"), false),
        (line("1723542871000"), true),
        (line("1723542871000000"), true),
        (r#"{"interface_id":"eni-1","start":1723542871000,"bytes":840}"#.to_owned(), false),
        (r#"{"interface_id":"eni-1","start":"2024-08-13T11:54:31.5+02:00","bytes":840}"#.to_owned(), false),
        (r#"{"interface_id":"eni-1","startTime":"2024-08-13 09:54:31.000","bytes":840}"#.to_owned(), false),
        ("interface_id,start,bytes\neni-1,2024-08-13T09:54:31Z,840".to_owned(), false),
    ] {
        let (events, counts) = run(&windows(), &[&payload, &payload]);
        let start = events.iter().find(|event| event["type"] == "window").map(|event| event["start"].as_str().unwrap());
        assert_eq!((start, counts), (Some("2024-08-13T09:54:00.000Z"), ok(2)), "{payload}");
        assert_eq!(sums(&events), "eni-1=1680", "{payload}");
        assert_eq!(notices(&events, "milliseconds").len(), usize::from(is_told), "{payload}");
    }
}

#[test]
fn a_flow_log_line_is_found_inside_whatever_is_around_it() {
    let a = "2 111122223333 eni-0a 10.0.0.1 10.0.0.2 1 2 6 3 400 1723542840 1723542850 ACCEPT OK";
    let b = a.replace("eni-0a", "eni-0b").replace(" 400 ", " 900 ");
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let base64 = |text: &str| String::from_utf8(wrapped(text)[2].clone()).unwrap();
    let each = |wrap: &dyn Fn(&str) -> String| format!("{}\n{}", wrap(a), wrap(&b));
    for (name, payload) in [
        ("message beside others", each(&|line| format!(r#"{{"timestamp":1723542840000,"message":"{line}"}}"#))),
        ("log", each(&|line| format!(r#"{{"log":"{line}\n","stream":"stdout"}}"#))),
        ("event", each(&|line| format!(r#"{{"time":1,"event":"{line}","source":"x"}}"#))),
        ("rawData", each(&|line| format!(r#"{{"attemptsMade":4,"rawData":"{}"}}"#, base64(line)))),
        (
            "filter-log-events",
            format!(
                r#"{{"events":[{{"logStreamName":"s","message":"{a}"}},{{"message":"{b}"}}],"searchedLogStreams":[]}}"#
            ),
        ),
        (
            "Insights",
            format!(
                r#"{{"results":[[{{"field":"@message","value":"{a}"}}],[{{"field":"@message","value":"{b}"}}]],"status":"Complete"}}"#
            ),
        ),
        (
            "Kafka",
            format!(
                r#"{{"eventSource":"aws:kafka","records":{{"t-0":[{{"topic":"t","value":"{}"}},{{"value":"{}"}}]}}}}"#,
                base64(a),
                base64(&b)
            ),
        ),
        (
            "SNS",
            format!(
                r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{{"Message":"{a}"}}}},{{"Sns":{{"Message":"{b}"}}}}]}}"#
            ),
        ),
        ("SQS", format!(r#"{{"Messages":[{{"MessageId":"m","Body":"{a}"}},{{"Body":"{b}"}}]}}"#)),
        (
            "SNS in SQS",
            format!(
                r#"{{"Records":[{{"body":{}}},{{"body":{}}}]}}"#,
                quoted(&format!(r#"{{"Type":"Notification","Message":{}}}"#, quoted(a))),
                quoted(&format!(r#"{{"Message":"{b}"}}"#))
            ),
        ),
        ("jq without -r", each(&quoted)),
        ("Elasticsearch", each(&|line| format!(r#"{{"_index":"i","_source":{{"message":"{line}"}}}}"#))),
        ("S3 export", each(&|line| format!("2024-08-13T09:54:31.000Z {line}"))),
        ("logs tail", each(&|line| format!("2024-08-13T09:54:31.000000+00:00 eni-0a-all {line}"))),
        ("stream", each(&|line| format!("eni-0a-all {line}"))),
        ("syslog", each(&|line| format!("<134>Aug 13 09:54:31 host flow: {line}"))),
        ("console export", format!("timestamp,message\n1,{a}\n2,{b}")),
        (
            "Insights as CSV",
            format!("@timestamp,@message\n2024-08-13 09:54:31.000,\"{a}\"\n2024-08-13 09:54:31.000,\"{b}\""),
        ),
    ] {
        assert_eq!(told(&windows(), &[&payload]), ("eni-0a=400 eni-0b=900".into(), ok(2)), "{name}: {payload}");
        let (lines, counts) = decoded("", &payload);
        assert_eq!((counts, &lines[1]["interface_id"]), (ok(2), &Value::from("eni-0b")), "{name}");
    }
}

#[test]
fn a_text_that_is_no_flow_log_line_leaves_its_row_alone() {
    let config = serde_json::json!({ "series": { "by": ["interface_id"], "windows": true } });
    for member in [
        r#""message":"the interface was attached to the instance""#,
        r#""tags":"{\"team\":\"network operations\"}""#,
        r#""message":"GET /index.html HTTP/1.1 200 1234 from 10.0.0.1 by a b c d e f""#,
        r#""note":"H4 is a paper size, and so on""#,
    ] {
        let row = format!(r#"{{"interface_id":"eni-1","start":1723542840,"bytes":5,{member}}}"#);
        assert_eq!(told(&config, &[&row]), ("eni-1=5".into(), ok(1)), "{member}");
    }
}

#[test]
fn a_document_that_cannot_be_opened_is_named_by_its_members() {
    let (events, counts) = run(&windows(), &[r#"{"log":"eni-1 5 9 OK","stream":"stdout"}"#]);
    assert_eq!(counts, Counts { failed: 1, ..Counts::default() });
    let reason = events[0]["reason"].as_str().unwrap();
    assert!(reason.contains("it has log, stream") && reason.contains("input.format"), "{reason}");
}

/// The decoded lines of a payload.
fn decoded(config: &str, payload: &str) -> (Vec<Value>, Counts) {
    match Decoder::new(&Config::parse(config).unwrap()).decode(payload.as_bytes(), None) {
        Outcome::Ok(out, counts) => {
            let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), counts)
        }
        other => panic!("{payload}: {other:?}"),
    }
}

#[test]
fn a_decoded_header_line_s_fields_have_their_own_names() {
    let (lines, counts) = decoded("", "Interface_Id Start BYTES\neni-1 1723542840 5");
    assert_eq!(
        (counts, &lines[0]),
        (ok(1), &serde_json::json!({ "interface_id": "eni-1", "start": 1723542840, "bytes": 5 }))
    );
}

#[test]
fn a_value_that_is_no_whole_number_is_rounded() {
    let config = r#"{"series":{"by":["host"],"windows":true},"input":{"fields":{"time":"at","value":"load"}}}"#;
    let mut scorer = Scorer::new(config).unwrap();
    let mut events = Vec::new();
    let rows: String = [(0, 1.4), (0, 1.6), (60, 2.5)]
        .map(|(at, load)| format!("{{\"host\":\"a\",\"at\":{},\"load\":{load}}}\n", 1_700_000_040 + at))
        .concat();
    scorer.transform(rows.as_bytes(), None, &mut events);
    scorer.finish(&mut events);
    let sums: Vec<u64> = String::from_utf8(events)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["type"] == "window" && event["series"] == "a")
        .map(|event| event["bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(sums, [1 + 2, 3]);
}

#[test]
fn a_record_without_an_interface_is_in_the_series_of_what_it_has_instead() {
    let gateway = |attachment: &str, eni: &str| {
        format!(
            "6 TransitGateway 111122223333 tgw-0a {attachment} 111122223333 111122223333 vpc-0a vpc-0b subnet-0a subnet-0b \
             {eni} eni-0d use1-az1 use1-az2 tgw-attach-0b 10.0.0.1 10.0.1.1 12345 443 6 10 1000 1723542840 1723542850 OK IPv4 \
             0 0 0 0 2 us-east-1 egress - -"
        )
    };
    let line = "2 111122223333 eni-0a 10.0.0.1 10.0.0.2 1 2 6 3 400 1723542840 1723542850 ACCEPT OK";
    let nat = "version interface-id resource-id start bytes\n9 - nat-0a 1723542840 7\n9 eni-0e - 1723542840 8";
    let object = r#"{"tgwAttachmentId":"tgw-attach-0a","start":1723542840,"bytes":5}"#;
    let csv = "tgw_src_eni,start,bytes\neni-0f,1723542840,9";
    for (by, payload, expected) in [
        ("interface_id", gateway("tgw-attach-0a", "eni-0c"), "tgw-attach-0a=1000"),
        ("interface_id", gateway("-", "eni-0c"), "eni-0c=1000"),
        ("interface-id", format!("{line}\n{}", gateway("tgw-attach-0a", "-")), "eni-0a=400 tgw-attach-0a=1000"),
        ("interface_id", nat.to_owned(), "eni-0e=8 nat-0a=7"),
        ("interface_id", object.to_owned(), "tgw-attach-0a=5"),
        ("interface_id", csv.to_owned(), "eni-0f=9"),
        // What is asked for by its name stays what it is.
        ("tgw_src_eni", gateway("tgw-attach-0a", "eni-0c"), "eni-0c=1000"),
        ("vpc_id", line.to_owned(), "-=400"),
    ] {
        let config = serde_json::json!({ "series": { "by": [by], "windows": true } });
        let (events, _) = run(&config, &[&payload]);
        assert_eq!(sums(&events), expected, "{by}: {payload}");
        assert_eq!(notices(&events, "missing_field").is_empty(), !expected.contains("-="), "{payload}");
    }
    let config = serde_json::json!({ "series": { "by": ["account_id", "interface_id"], "windows": true } });
    let (sums, _) = told(&config, &[&gateway("tgw-attach-0a", "eni-0c")]);
    assert_eq!(sums, "111122223333/tgw-attach-0a=1000");
}

#[test]
fn a_record_needs_only_the_number_that_is_detected_on() {
    for (value, payload, counts) in [
        ("bytes", r#"{"eni":"eni-1","start":1723542840,"packets":3}"#, (0, 1)),
        ("packets", r#"{"eni":"eni-1","start":1723542840,"packets":3}"#, (1, 0)),
        ("packets", r#"{"eni":"eni-1","start":1723542840,"bytes":3}"#, (0, 1)),
        ("flows", r#"{"eni":"eni-1","start":1723542840}"#, (1, 0)),
        ("flows", "version interface-id start\n2 eni-1 1723542840", (1, 0)),
        ("packets", "version interface-id start bytes\n2 eni-1 1723542840 5", (0, 1)),
        ("rejects", "version interface-id start action\n2 eni-1 1723542840 REJECT", (1, 0)),
    ] {
        let config = serde_json::json!({ "series": { "value": value } });
        let (_, told) = run(&config, &[payload]);
        assert_eq!((told.ok, told.failed), counts, "{value}: {payload}");
    }
}

/// Amazon Security Lake keeps flow logs as network activity of OCSF 1.1: the interface is the destination's for ingress and the
/// source's for egress, times are in milliseconds.
fn activity(direction: &str, traffic: &str, more: &str) -> String {
    let endpoint = |side: &str, ip: &str| {
        let is_here = (side == "dst") == (direction == "Inbound");
        let interface =
            if is_here { format!(r#","interface_uid":"eni-0{side}","vpc_uid":"vpc-0{side}""#) } else { String::new() };
        format!(r#""{side}_endpoint":{{"ip":"{ip}","port":443{interface}}}"#)
    };
    format!(
        r#"{{"metadata":{{"product":{{"name":"Amazon VPC"}},"version":"1.1.0"}},"cloud":{{"account":{{"uid":"123456789012"}},"region":"us-east-1","provider":"AWS"}},
        {},{},"connection_info":{{"direction":"{direction}","protocol_num":6,"boundary":"-"}},"traffic":{{{traffic}}},"time":1723542840000,
        "start_time":1723542840000,"end_time":1723542850000,"status_code":"OK","category_uid":4,"class_uid":4001{more}}}"#,
        endpoint("src", "10.0.0.1"),
        endpoint("dst", "10.0.0.2")
    )
    .replace('\n', "")
}

#[test]
fn network_activity_of_ocsf_is_read_like_flow_logs() {
    let inbound = activity("Inbound", r#""bytes":400,"packets":3"#, "");
    let outbound = activity("Outbound", r#""bytes_in":400,"bytes_out":500,"packets_in":1,"packets_out":2"#, "");
    let both = || "eni-0dst=400 eni-0src=900".to_owned();
    for (payload, expected) in [
        (format!("{inbound}\n{outbound}"), both()),
        (format!("[{inbound},{outbound}]"), both()),
        (format!(r#"{{"Records":[{inbound},{outbound}]}}"#), both()),
        (format!("{inbound}{outbound}"), both()),
        // Without a direction it is where there is one; without a start the time stands for it.
        (outbound.replace(r#""direction":"Outbound","#, ""), "eni-0src=900".to_owned()),
        (inbound.replace(r#""direction":"Inbound","#, r#""direction_id":1,"#), "eni-0dst=400".to_owned()),
        (inbound.replace(r#""start_time":1723542840000,"end_time":1723542850000,"#, ""), "eni-0dst=400".to_owned()),
        (inbound.replace("1723542840000", r#""2024-08-13T09:54:00Z""#), "eni-0dst=400".to_owned()),
    ] {
        let (events, counts) = run(&windows(), &[&payload]);
        assert_eq!((sums(&events), counts.failed), (expected, 0), "{payload}: {events:?}");
        assert!(
            events
                .iter()
                .filter(|event| event["type"] == "window")
                .all(|event| event["start"] == "2024-08-13T09:54:00.000Z")
        );
    }
    // Other fields by their own names or paths; another class is a row like any other.
    for (by, expected) in
        [("account_id", "123456789012=400"), ("vpc_id", "vpc-0dst=400"), ("cloud.region", "us-east-1=400")]
    {
        let config = serde_json::json!({ "series": { "by": [by], "windows": true } });
        assert_eq!(told(&config, &[&inbound]).0, expected);
    }
    assert_eq!(run(&windows(), &[&inbound.replace("4001", "4003")]).1.failed, 1);
    // No traffic, unknown traffic, and what was denied.
    let nothing = inbound.replace(r#""OK""#, r#""NODATA""#).replace(r#""bytes":400,"packets":3"#, "");
    assert_eq!(told(&windows(), &[&nothing]), ("eni-0dst=0".into(), ok(1)));
    let config = serde_json::json!({ "series": { "windows": true, "value": "rejects" } });
    for (more, rejects) in [
        (r#","action":"Denied","action_id":2,"disposition":"Blocked""#, 1),
        (r#","disposition":"Blocked","disposition_id":2"#, 1),
        (r#","activity_name":"Refuse""#, 1),
        (r#","action":"Allowed","disposition":"Allowed""#, 0),
        ("", 0),
    ] {
        let (events, _) = run(&config, &[&activity("Inbound", r#""bytes":400"#, more)]);
        let window = events.iter().find(|event| event["type"] == "window" && event["series"] == "eni-0dst").unwrap();
        assert_eq!(window["rejects"], rejects, "{more}: {window}");
    }
    // Record mode scores the bytes, or a path that is named.
    for columns in ["[]", r#"["bytes"]"#, r#"["traffic.bytes"]"#] {
        let config = serde_json::from_str(&format!(r#"{{"mode":"record","record":{{"columns":{columns}}}}}"#)).unwrap();
        let (events, counts) = run(&config, &[&inbound]);
        let scored = events.last().unwrap();
        assert_eq!((counts, &scored["record"]["traffic"]["bytes"]), (ok(1), &Value::from(400)), "{columns}: {scored}");
    }
}

#[test]
fn results_of_a_query_without_messages_are_rows_under_its_names() {
    let cell = |(name, value): &(&str, &str)| format!(r#"{{"field":"{name}","value":"{value}"}}"#);
    let row = |cells: &[(&str, &str)]| format!("[{}]", cells.iter().map(cell).collect::<Vec<_>>().join(","));
    let results = |rows: &[String]| {
        format!(r#"{{"results":[{}],"statistics":{{"recordsMatched":2.0}},"status":"Complete"}}"#, rows.join(","))
    };
    let time = "2024-08-13 09:54:31.000";
    let fields = |eni, bytes| row(&[("@timestamp", time), ("interfaceId", eni), ("bytes", bytes), ("@ptr", "Cl0")]);
    let sum = |eni, bytes| row(&[("interfaceId", eni), ("bin(1m)", time), ("sum(bytes)", bytes)]);
    let starts =
        |eni, bytes| row(&[("start", "1723542840"), ("interfaceId", eni), ("bytes", bytes), ("logStatus", "OK")]);
    let query = serde_json::json!({ "time": "bin(1m)", "value": "sum(bytes)" });
    for (mapped, payload) in [
        (serde_json::json!({}), results(&[fields("eni-0a", "400"), fields("eni-0b", "900")])),
        (serde_json::json!({}), results(&[starts("eni-0a", "400"), starts("eni-0b", "900")])),
        (query.clone(), results(&[sum("eni-0a", "400"), sum("eni-0b", "900")])),
        (serde_json::json!({}), format!("@timestamp,interfaceId,bytes\n{time},eni-0a,400\n{time},eni-0b,900")),
        (query, format!("interfaceId,bin(1m),sum(bytes)\neni-0a,{time},400\neni-0b,{time},900")),
        (
            serde_json::json!({}),
            format!(
                r#"[{{"@timestamp":"{time}","interfaceId":"eni-0a","bytes":"400"}},{{"@timestamp":"{time}","interfaceId":"eni-0b","bytes":"900"}}]"#
            ),
        ),
    ] {
        let mut config = windows();
        config["input"] = serde_json::json!({ "fields": mapped });
        assert_eq!(told(&config, &[&payload]), ("eni-0a=400 eni-0b=900".into(), ok(2)), "{payload}");
    }
    // What is nearly so stays one row.
    for payload in [
        r#"{"results":[[{"field":"bytes"}],3],"start":1,"bytes":2}"#,
        r#"{"results":[],"start":1,"bytes":2}"#,
        r#"{"results":[[{"x":1}]],"start":1,"bytes":2}"#,
    ] {
        assert_eq!(decoded("", payload).1, ok(1), "{payload}");
    }
}

#[test]
fn a_program_s_first_words_are_no_header() {
    let line = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 3 400 1723542840 1723542850 ACCEPT OK";
    for first in ["Start processing", "end reached", "START RequestId"] {
        let (windows, counts) = told(&windows(), &[&format!("{first}\n{line}")]);
        assert_eq!((windows, counts.ok, counts.failed), ("eni-1=400".to_owned(), 1, 1), "{first}");
    }
}
