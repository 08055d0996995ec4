//! Kinds of input that people have, each small, with what is right: how many records are ok, and the bytes of each series.
//! Rebuilt from public reports, fixtures and documents of other tools.

/// An input.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) ok: u64,
    /// `series=bytes`, joined by blanks, in the order of the alphabet.
    #[allow(dead_code, reason = "the program that tests the harness compares whole records instead")]
    pub(crate) sums: &'static str,
}

/// Two records of two interfaces.
const SUMS: &str = "eni-0a=400 eni-0b=900";

fn line(interface: &str, bytes: u32) -> String {
    format!("2 111122223333 {interface} 10.0.0.1 10.0.0.2 1 2 6 3 {bytes} 1723542840 1723542850 ACCEPT OK")
}

/// Both records, each put into `wrap` in the place of `LINE`.
fn each(wrap: &str) -> String {
    [line("eni-0a", 400), line("eni-0b", 900)].map(|line| wrap.replace("LINE", &line)).join("\n")
}

/// All kinds.
pub(crate) fn kinds() -> Vec<Kind> {
    let kind = |name, text: &str, ok, sums| Kind { name, text: text.to_owned(), ok, sums };
    let (a, b) = (line("eni-0a", 400), line("eni-0b", 900));
    let header = "version vpc-id interface-id start end bytes packets action log-status";
    let gateway = "6 TransitGateway 111122223333 tgw-0a tgw-attach-0a 111122223333 111122223333 vpc-0a vpc-0b subnet-0a \
                   subnet-0b eni-0c eni-0d use1-az1 use1-az2 tgw-attach-0b 10.0.0.1 10.0.1.1 12345 443 6 10 1000 1723542840 \
                   1723542850 OK IPv4 0 0 0 0 2 us-east-1 egress - -";
    let json = |interface: &str, bytes: u32| {
        format!(
            r#"{{"version":2,"account-id":"111122223333","interface-id":"{interface}","srcaddr":"10.0.0.1","dstaddr":"10.0.0.2","srcport":1,"dstport":2,"protocol":6,"packets":3,"bytes":{bytes},"start":1723542840,"end":1723542850,"action":"ACCEPT","log-status":"OK"}}"#
        )
    };
    let camel = |text: String| text.replace("interface-id", "interfaceId").replace("log-status", "logStatus");
    vec![
        kind(
            "a header before every record",
            &format!(
                "{header}\n2 vpc-0a eni-0a 1723542840 1723542850 400 3 ACCEPT OK\n{header}\n2 vpc-0a eni-0b 1723542840 1723542850 900 3 ACCEPT OK\n{header}\n2 vpc-0a eni-0b 1723542840 1723542850 - - - SKIPDATA"
            ),
            3,
            SUMS,
        ),
        kind(
            "two headers of different order",
            &format!(
                "{header}\n2 vpc-0a eni-0a 1723542840 1723542850 400 3 ACCEPT OK\ninterface-id bytes packets start end\neni-0b 900 3 1723542840 1723542850"
            ),
            2,
            SUMS,
        ),
        kind(
            "milliseconds",
            &each("LINE").replace("1723542840", "1723542840000").replace("1723542850", "1723542850000"),
            2,
            SUMS,
        ),
        kind("a console export", &format!("timestamp,message\n1723542840000,{a}\n1723542840000,{b}"), 2, SUMS),
        kind(
            "a CSV header of few columns",
            "\"interface_id\",\"start\",\"end\",\"bytes\"\n\"eni-0a\",\"1723542840\",\"1723542850\",\"400\"\n\"eni-0b\",\"1723542840\",\"1723542850\",\"900\"",
            2,
            SUMS,
        ),
        kind(
            "a CSV header in AWS's spelling",
            "account-id,interface-id,bytes,start,end,log-status\n1,eni-0a,400,1723542840,1723542850,OK\n1,eni-0b,900,1723542840,1723542850,OK",
            2,
            SUMS,
        ),
        kind(
            "a header between tabs",
            "interface_id\tstart\tend\tbytes\neni-0a\t1723542840\t1723542850\t400\neni-0b\t1723542840\t1723542850\t900",
            2,
            SUMS,
        ),
        kind("JSON with hyphens", &format!("{}\n{}", json("eni-0a", 400), json("eni-0b", 900)), 2, SUMS),
        kind("JSON in camel case", &camel(format!("{}\n{}", json("eni-0a", 400), json("eni-0b", 900))), 2, SUMS),
        kind("JSON in an array", &format!("[{},{}]", json("eni-0a", 400), json("eni-0b", 900)), 2, SUMS),
        kind("a message beside others", &each(r#"{"timestamp":1723542840000,"message":"LINE"}"#), 2, SUMS),
        kind(
            "filter-log-events",
            &format!(r#"{{"events":[{{"message":"{a}"}},{{"message":"{b}"}}],"searchedLogStreams":[]}}"#),
            2,
            SUMS,
        ),
        kind(
            "query results with messages",
            &format!(
                r#"{{"results":[[{{"field":"@message","value":"{a}"}}],[{{"field":"@message","value":"{b}"}}]],"status":"Complete"}}"#
            ),
            2,
            SUMS,
        ),
        kind(
            "query results with fields",
            r#"{"results":[[{"field":"@timestamp","value":"2024-08-13 09:54:00.000"},{"field":"interfaceId","value":"eni-0a"},{"field":"bytes","value":"400"}],[{"field":"@timestamp","value":"2024-08-13 09:54:00.000"},{"field":"interfaceId","value":"eni-0b"},{"field":"bytes","value":"900"}]],"status":"Complete"}"#,
            2,
            SUMS,
        ),
        kind(
            "query results as CSV",
            &format!("@timestamp,@message\n2024-08-13 09:54:00.000,{a}\n2024-08-13 09:54:00.000,{b}"),
            2,
            SUMS,
        ),
        kind(
            "query results as CSV with fields",
            "@timestamp,interfaceId,bytes\n2024-08-13 09:54:00.000,eni-0a,400\n2024-08-13 09:54:00.000,eni-0b,900",
            2,
            SUMS,
        ),
        kind("lines behind a time", &each("2024-08-13T09:54:31.000Z LINE"), 2, SUMS),
        kind("lines behind a stream's name", &each("2024-08-13T09:54:31.000000+00:00 eni-0x-all LINE"), 2, SUMS),
        kind(
            "VPC and transit gateway lines",
            &format!("{a}\n{gateway}\n2 111122223333 eni-0a - - - - - - - 1723542840 1723542850 - NODATA"),
            3,
            "eni-0a=400 tgw-attach-0a=1000",
        ),
        kind(
            "network activity of OCSF",
            r#"{"class_uid":4001,"connection_info":{"direction":"Inbound"},"dst_endpoint":{"interface_uid":"eni-0a"},"traffic":{"bytes":400},"start_time":1723542840000,"end_time":1723542850000}
{"class_uid":4001,"connection_info":{"direction":"Outbound"},"src_endpoint":{"interface_uid":"eni-0b"},"traffic":{"bytes":900},"time":1723542840000}"#,
            2,
            SUMS,
        ),
    ]
}
