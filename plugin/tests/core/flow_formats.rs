//! Formats: how they are written, header lines, and the choice among several.

use flowscore::column::Field;
use flowscore::flow::{Format, Formats, Parsed, Parser};

const SSH: &[u8] =
    b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

#[test]
fn a_format_may_be_written_in_any_usual_way() {
    let expected = "${version} ${vpc-id} ${pkt-srcaddr}";
    for text in [
        "${version} ${vpc-id} ${pkt-srcaddr}",
        "  ${version}\t${vpc-id}\n${pkt-srcaddr}\r\n",
        "version vpc-id pkt-srcaddr",
        "version,vpc_id, pkt_srcaddr",
        r"\${version} \${vpc-id} \${pkt-srcaddr}", // a shell
        "$${version} $${vpc-id} $${pkt-srcaddr}",  // Terraform
        "${!version} ${!vpc-id} ${!pkt-srcaddr}",  // CloudFormation's Fn::Sub
        "VERSION Vpc-Id pkt-srcaddr",
        "'${version} ${vpc-id} ${pkt-srcaddr}'", // with the quotes of a command line
        "\"version\",\"vpc-id\",\"pkt-srcaddr\"",
    ] {
        assert_eq!(Format::parse(text).unwrap().to_string(), expected, "{text}");
    }
}

#[test]
fn a_format_that_cannot_be_used_says_why_and_where() {
    for (text, offset, part) in [
        ("", 0, "no field"),
        (" , ", 0, "no field"),
        ("${version} ${bytes} ${version}", 20, "`version` is there twice"),
        ("pkt_srcaddr pkt-srcaddr", 12, "`pkt-srcaddr` is there twice"),
        ("${version}${bytes}", 0, "separated by spaces"),
        ("${version} ${bytes", 11, "`${bytes` is not a field"),
        ("${version} {bytes}", 11, "is not a field"),
        ("${version} $bytes", 11, "is not a field"),
        ("version 2", 8, "`2` is not a field"),
        ("version by\"tes", 8, "is not a field"),
    ] {
        let error = Format::parse(text).unwrap_err();
        assert_eq!(error.offset, offset, "{text}: {error}");
        assert!(error.reason.contains(part), "{text}: {error}");
    }
    let long = (0..=250).map(|i| format!("field-{i}")).collect::<Vec<_>>().join(" ");
    assert!(Format::parse(&long).unwrap_err().reason.contains("more than 250"));
}

#[test]
fn a_name_that_is_not_known_is_text_with_a_warning() {
    let long = "x".repeat(100);
    let format = Format::parse(&format!("${{version}} ${{next-year-field}} ${{{long}}} ${{bytes}}")).unwrap();
    assert_eq!(format.warnings().len(), 2);
    assert!(format.warnings()[0].contains("`next-year-field`"));
    let mut parser = Parser::new(Formats::new(vec![format]));
    let record = parser.line(b"12 007 \"quoted\" 5").unwrap().record().unwrap();
    let mut out = Vec::new();
    record.write_members(&mut out);
    let expected = format!(r#""version":12,"next_year_field":"007","{long}":"\"quoted\"","bytes":5"#);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn the_default_formats_have_the_fields_of_the_guides_in_order() {
    assert_eq!(
        Format::default_format().to_string(),
        "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} \
         ${bytes} ${start} ${end} ${action} ${log-status}"
    );
    assert_eq!(
        Format::transit_gateway().to_string(),
        "${version} ${resource-type} ${account-id} ${tgw-id} ${tgw-attachment-id} ${tgw-src-vpc-account-id} \
         ${tgw-dst-vpc-account-id} ${tgw-src-vpc-id} ${tgw-dst-vpc-id} ${tgw-src-subnet-id} ${tgw-dst-subnet-id} \
         ${tgw-src-eni} ${tgw-dst-eni} ${tgw-src-az-id} ${tgw-dst-az-id} ${tgw-pair-attachment-id} ${srcaddr} ${dstaddr} \
         ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${log-status} ${type} \
         ${packets-lost-no-route} ${packets-lost-blackhole} ${packets-lost-mtu-exceeded} ${packets-lost-ttl-expired} \
         ${tcp-flags} ${region} ${flow-direction} ${pkt-src-aws-service} ${pkt-dst-aws-service}"
    );
    assert!(Format::parse("default").unwrap().to_string() == Format::default_format().to_string());
}

#[test]
fn a_header_line_is_told_from_a_record() {
    for header in [
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
        "version account_id\r\n",
        "bytes",
        "vpc-id a-field-of-next-year",
        "${version} ${bytes}",
    ] {
        assert!(Format::from_header(header.as_bytes()).is_some_and(|format| format.is_ok()), "{header}");
    }
    for line in [
        "",
        "   ",
        "2 123456789010 eni-1235b8ca123456789",
        "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 egress",
        "unknown eni-1 10.0.0.1",
        "version 2",
        "action - bytes",
        "TransitGateway unknown",
        "bytes of memory ran out there",
        "cats",
    ] {
        assert!(Format::from_header(line.as_bytes()).is_none(), "{line}");
    }
    assert!(Format::from_header(b"bytes bytes").unwrap().is_err());
    let failure = Parser::new(Formats::default()).line(b"bytes bytes").unwrap_err();
    assert!(failure.reason.contains("header line") && failure.reason.contains("twice"), "{failure}");
}

#[test]
fn a_header_line_holds_for_its_payload_and_no_longer() {
    let mut parser = Parser::new(Formats::default());
    assert!(matches!(parser.line(b"interface-id bytes\n"), Ok(Parsed::Header(format)) if format.columns().len() == 2));
    assert_eq!(parser.line(b"eni-1 77").unwrap().record().unwrap().bytes(), Some(77));
    let failure = parser.line(SSH).unwrap_err();
    assert!(failure.reason.contains("the header line of this payload has 2"), "{failure}");
    // A second file in the same payload.
    assert!(matches!(parser.line(b"bytes interface-id packets"), Ok(Parsed::Header(_))));
    assert_eq!(parser.line(b"78 eni-1 1").unwrap().record().unwrap().bytes(), Some(78));
    parser.reset();
    assert_eq!(parser.line(SSH).unwrap().record().unwrap().bytes(), Some(4249));
}

#[test]
fn among_formats_of_equal_length_the_shape_of_the_tokens_decides() {
    let in_order = "interface-id srcaddr dstaddr action bytes";
    let shuffled = "action bytes interface-id srcaddr dstaddr";
    for formats in [[in_order, shuffled], [shuffled, in_order]] {
        let formats = formats.map(|format| Format::parse(format).unwrap()).to_vec();
        let mut parser = Parser::new(Formats::new(formats));
        // Alternating, so that a memory of the last choice would show.
        for _ in 0..3 {
            let record = parser.line(b"eni-1 10.0.0.1 10.0.0.2 ACCEPT 5").unwrap().record().unwrap();
            assert_eq!((record.bytes(), record.text(Field::SrcAddr)), (Some(5), Some("10.0.0.1")));
            let record = parser.line(b"REJECT 6 eni-1 ::1 ::2").unwrap().record().unwrap();
            assert_eq!((record.bytes(), record.text(Field::SrcAddr)), (Some(6), Some("::1")));
            let record = parser.line(b"- - eni-1 - -").unwrap().record().unwrap();
            assert_eq!(record.text(Field::InterfaceId), Some("eni-1"));
        }
    }
}

#[test]
fn when_two_formats_fit_equally_the_first_in_the_list_is_taken() {
    let formats = ["packets bytes", "bytes packets"].map(|format| Format::parse(format).unwrap()).to_vec();
    let mut parser = Parser::new(Formats::new(formats));
    for _ in 0..2 {
        assert_eq!(parser.line(b"1 60").unwrap().record().unwrap().bytes(), Some(60));
    }
}

#[test]
fn a_wrong_number_of_fields_names_the_formats_tried_and_what_to_configure() {
    let mut parser = Parser::new(Formats::default());
    let failure = parser.line(b"2 123456789010 eni-1").unwrap_err();
    assert_eq!(
        failure.reason,
        "3 fields, but the formats have 14 (default), 36 (transit-gateway): set input.format to the flow log's \
         LogFormat (aws ec2 describe-flow-logs)"
    );
    assert_eq!(failure.offset, 20);
    assert_eq!(parser.line(b" \r\n").unwrap_err().reason, "the line is empty");
    let many = "x ".repeat(100_000);
    assert!(parser.line(many.as_bytes()).unwrap_err().reason.starts_with("100000 fields"));
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let mut parser = Parser::new(Formats::default());
    let failure = parser.line(b"2 1234\xff6789010 eni-1").unwrap_err();
    assert_eq!((failure.offset, failure.reason.contains("0xff")), (6, true), "{failure}");
    let failure = parser.line(b"2 1234\x006789010 eni-1").unwrap_err();
    assert_eq!((failure.offset, failure.reason.contains("0x00")), (6, true), "{failure}");
}

#[test]
fn a_start_after_the_end_is_put_in_order() {
    let mut parser = Parser::new(Formats::new(vec![Format::parse("start end").unwrap()]));
    let record = parser.line(b"1418530070 1418530010").unwrap().record().unwrap();
    assert_eq!(record.interval(), Some((1_418_530_010, 1_418_530_070)));
    assert_eq!(
        parser.line(b"- 1418530010").unwrap().record().unwrap().interval(),
        Some((1_418_530_010, 1_418_530_010))
    );
    assert_eq!(parser.line(b"- -").unwrap().record().unwrap().interval(), None);
}

#[test]
fn extracted_fields_are_preferred_only_when_they_hold_a_format() {
    let mut parser = Parser::new(Formats::new(vec![Format::parse("interface-id bytes").unwrap()]));
    let bytes = |parser: &mut Parser, message: &str, extracted: &str| {
        let extracted = (!extracted.is_empty()).then_some(extracted.as_bytes());
        parser.event(message.as_bytes(), extracted).map(|parsed| parsed.record().unwrap().bytes()).ok().flatten()
    };
    for (message, extracted, expected, why) in [
        ("eni-1 1", "", Some(1), "no extractedFields"),
        ("eni-1 1", r#"{"interface_id":"eni-1","bytes":"2"}"#, Some(2), "all columns"),
        ("eni-1 1", r#"{"interface-id":"eni-1","bytes":"2","end":"7"}"#, Some(2), "all columns and more"),
        ("eni-1 1", r#"{"interface_id":"eni-1","\u0062ytes":"2"}"#, Some(1), "an escaped key is none of ours"),
        ("eni-1 1", r#"{"interface_id":"eni\u002d1","bytes":"2"}"#, Some(1), "an escaped value"),
        ("eni-1 1", r#"{"account":"1","volume":"2"}"#, Some(1), "names of the operator's own"),
        ("eni-1 1", r#"{"bytes":"2"}"#, Some(1), "a part of the columns, and the message fits"),
        ("a b c d 1", r#"{"bytes":"2","start":"9"}"#, Some(2), "a part of the columns, and the message does not fit"),
        ("eni-1 1", r#"{"interface_id":"eni-1","bytes":"#, Some(1), "broken JSON"),
        ("eni-1 1", "[]", Some(1), "no object"),
        (r#"{"interface_id":"eni-1","bytes":3}"#, "", Some(3), "a transformed message is a JSON object"),
        ("a b c d 1", r#"{"account":"1"}"#, None, "nothing fits"),
    ] {
        assert_eq!(bytes(&mut parser, message, extracted), expected, "{why}");
    }
}
