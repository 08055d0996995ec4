//! The published example lines, field by field. Sources: Amazon VPC User Guide, "Flow log record examples"; test data of
//! elastic/beats (`x-pack/filebeat/processors/aws_vpcflow/testdata`); documentation of vectordotdev/vrl
//! (`parse_aws_vpc_flow_log`).

use flowscore::column::Field;
use flowscore::flow::{Action, Format, Formats, LogStatus, Parser};
use serde_json::Value;

const DEFAULT: &str = "default";

/// Each: source, format, line, and the line as its fields should read. Expected values are written as they stand in the
/// example, so a number is a number where the guide gives INT_32 or INT_64.
fn examples() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    vec![
        (
            "user guide, accepted and rejected traffic: ssh",
            DEFAULT,
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","srcaddr":"172.31.16.139","dstaddr":"172.31.16.21","srcport":20641,"dstport":22,"protocol":6,"packets":20,"bytes":4249,"start":1418530010,"end":1418530070,"action":"ACCEPT","log_status":"OK"}"#,
        ),
        (
            "user guide, accepted and rejected traffic: rdp",
            DEFAULT,
            "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","srcaddr":"172.31.9.69","dstaddr":"172.31.9.12","srcport":49761,"dstport":3389,"protocol":6,"packets":20,"bytes":4249,"start":1418530010,"end":1418530070,"action":"REJECT","log_status":"OK"}"#,
        ),
        (
            "user guide, no data",
            DEFAULT,
            "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","srcaddr":null,"dstaddr":null,"srcport":null,"dstport":null,"protocol":null,"packets":null,"bytes":null,"start":1431280876,"end":1431280934,"action":null,"log_status":"NODATA"}"#,
        ),
        (
            "user guide, skipped records",
            DEFAULT,
            "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-11111111aaaaaaaaa","srcaddr":null,"dstaddr":null,"srcport":null,"dstport":null,"protocol":null,"packets":null,"bytes":null,"start":1431280876,"end":1431280934,"action":null,"log_status":"SKIPDATA"}"#,
        ),
        (
            "user guide, security group and network ACL rules: ping in",
            DEFAULT,
            "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","srcaddr":"203.0.113.12","dstaddr":"172.31.16.139","srcport":0,"dstport":0,"protocol":1,"packets":4,"bytes":336,"start":1432917027,"end":1432917142,"action":"ACCEPT","log_status":"OK"}"#,
        ),
        (
            "user guide, security group and network ACL rules: ping out",
            DEFAULT,
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","srcaddr":"172.31.16.139","dstaddr":"203.0.113.12","srcport":0,"dstport":0,"protocol":1,"packets":4,"bytes":336,"start":1432917094,"end":1432917142,"action":"REJECT","log_status":"OK"}"#,
        ),
        (
            "user guide, IPv6",
            DEFAULT,
            "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
            r#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","srcaddr":"2001:db8:1234:a100:8d6e:3477:df66:f105","dstaddr":"2001:db8:1234:a102:3304:8879:34cf:4071","srcport":34892,"dstport":22,"protocol":6,"packets":54,"bytes":8855,"start":1477913708,"end":1477913820,"action":"ACCEPT","log_status":"OK"}"#,
        ),
        (
            "user guide, TCP flag sequence: bytes precede packets",
            "${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} ${bytes} ${packets} ${start} ${end} ${action} ${tcp-flags} ${log-status}",
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK",
            r#"{"version":3,"vpc_id":"vpc-abcdefab012345678","subnet_id":"subnet-aaaaaaaa012345678","instance_id":"i-01234567890123456","interface_id":"eni-1235b8ca123456789","account_id":"123456789010","type":"IPv4","srcaddr":"52.213.180.42","dstaddr":"10.0.0.62","srcport":43416,"dstport":5001,"pkt_srcaddr":"52.213.180.42","pkt_dstaddr":"10.0.0.62","protocol":6,"bytes":568,"packets":8,"start":1566848875,"end":1566848933,"action":"ACCEPT","tcp_flags":2,"log_status":"OK"}"#,
        ),
        (
            "user guide, TCP flag sequence: two adjacent spaces are in the original",
            "version vpc_id subnet_id instance_id interface_id account_id type srcaddr dstaddr srcport dstport pkt_srcaddr pkt_dstaddr protocol bytes packets start end action tcp_flags log_status",
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT 19 OK",
            r#"{"version":3,"vpc_id":"vpc-abcdefab012345678","subnet_id":"subnet-aaaaaaaa012345678","instance_id":"i-01234567890123456","interface_id":"eni-1235b8ca123456789","account_id":"123456789010","type":"IPv4","srcaddr":"10.0.0.62","dstaddr":"52.213.180.42","srcport":5001,"dstport":43638,"pkt_srcaddr":"10.0.0.62","pkt_dstaddr":"52.213.180.42","protocol":6,"bytes":967,"packets":14,"start":1566933133,"end":1566933193,"action":"ACCEPT","tcp_flags":19,"log_status":"OK"}"#,
        ),
        (
            "user guide, traffic through a NAT gateway: no version",
            "${instance-id} ${interface-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr}",
            "- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5",
            r#"{"instance_id":null,"interface_id":"eni-1235b8ca123456789","srcaddr":"10.0.1.5","dstaddr":"10.0.0.220","pkt_srcaddr":"10.0.1.5","pkt_dstaddr":"203.0.113.5"}"#,
        ),
        (
            "user guide, traffic through a regional NAT gateway",
            "${resource-id} ${instance-id} ${interface-id} ${subnet-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr}",
            "nat-1234567890abcdef - - - 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
            r#"{"resource_id":"nat-1234567890abcdef","instance_id":null,"interface_id":null,"subnet_id":null,"srcaddr":"10.0.1.5","dstaddr":"203.0.113.5","pkt_srcaddr":"10.0.1.5","pkt_dstaddr":"203.0.113.5"}"#,
        ),
        (
            "user guide, traffic through a transit gateway: no counters, no times",
            "${version} ${interface-id} ${account-id} ${vpc-id} ${subnet-id} ${instance-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr} ${action} ${log-status}",
            "3 eni-11111111111111111 123456789010 vpc-abcdefab012345678 subnet-11111111aaaaaaaaa - 10.40.1.175 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK",
            r#"{"version":3,"interface_id":"eni-11111111111111111","account_id":"123456789010","vpc_id":"vpc-abcdefab012345678","subnet_id":"subnet-11111111aaaaaaaaa","instance_id":null,"srcaddr":"10.40.1.175","dstaddr":"10.40.2.236","srcport":39812,"dstport":80,"protocol":6,"tcp_flags":3,"type":"IPv4","pkt_srcaddr":"10.20.33.164","pkt_dstaddr":"10.40.2.236","action":"ACCEPT","log_status":"OK"}"#,
        ),
        (
            "user guide, service name, traffic path and flow direction: in",
            VERSION_5,
            "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK",
            r#"{"version":5,"srcaddr":"52.95.128.179","dstaddr":"10.0.0.71","srcport":80,"dstport":34210,"protocol":6,"start":1616729292,"end":1616729349,"type":"IPv4","packets":14,"bytes":15044,"account_id":"123456789012","vpc_id":"vpc-abcdefab012345678","subnet_id":"subnet-aaaaaaaa012345678","instance_id":"i-0c50d5961bcb2d47b","interface_id":"eni-1235b8ca123456789","region":"ap-southeast-2","az_id":"apse2-az3","sublocation_type":null,"sublocation_id":null,"action":"ACCEPT","tcp_flags":19,"pkt_srcaddr":"52.95.128.179","pkt_dstaddr":"10.0.0.71","pkt_src_aws_service":"S3","pkt_dst_aws_service":null,"traffic_path":null,"flow_direction":"ingress","log_status":"OK"}"#,
        ),
        (
            "user guide, service name, traffic path and flow direction: out",
            VERSION_5,
            "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK",
            r#"{"version":5,"srcaddr":"10.0.0.71","dstaddr":"52.95.128.179","srcport":34210,"dstport":80,"protocol":6,"start":1616729292,"end":1616729349,"type":"IPv4","packets":7,"bytes":471,"account_id":"123456789012","vpc_id":"vpc-abcdefab012345678","subnet_id":"subnet-aaaaaaaa012345678","instance_id":"i-0c50d5961bcb2d47b","interface_id":"eni-1235b8ca123456789","region":"ap-southeast-2","az_id":"apse2-az3","sublocation_type":null,"sublocation_id":null,"action":"ACCEPT","tcp_flags":3,"pkt_srcaddr":"10.0.0.71","pkt_dstaddr":"52.95.128.179","pkt_src_aws_service":null,"pkt_dst_aws_service":"S3","traffic_path":8,"flow_direction":"egress","log_status":"OK"}"#,
        ),
        (
            "beats, version 6: doubled spaces are in the original; ids that the excerpt leaves out are filled in",
            TRANSIT_GATEWAY,
            "TransitGateway 123456789123 tgw-3b86d5e89ec8ebd55 tgw-attach-3e0bbb28e9ac7e3d8  123456789123  123456789123 vpc-3620ee62fdaf70d01 vpc-3da88d2d64d3e7d16 subnet-1 subnet-2 eni-1 eni-ü us-east-1a us-east-1b - 10.100.8.1 10.200.8.2 43228 53 6 1 1600 1766848875 1766848933 OK IPv4 1 0 2 0 2 us-east-1 egress - -",
            r#"{"resource_type":"TransitGateway","account_id":"123456789123","tgw_id":"tgw-3b86d5e89ec8ebd55","tgw_attachment_id":"tgw-attach-3e0bbb28e9ac7e3d8","tgw_src_vpc_account_id":"123456789123","tgw_dst_vpc_account_id":"123456789123","tgw_src_vpc_id":"vpc-3620ee62fdaf70d01","tgw_dst_vpc_id":"vpc-3da88d2d64d3e7d16","tgw_src_subnet_id":"subnet-1","tgw_dst_subnet_id":"subnet-2","tgw_src_eni":"eni-1","tgw_dst_eni":"eni-ü","tgw_src_az_id":"us-east-1a","tgw_dst_az_id":"us-east-1b","tgw_pair_attachment_id":null,"srcaddr":"10.100.8.1","dstaddr":"10.200.8.2","srcport":43228,"dstport":53,"protocol":6,"packets":1,"bytes":1600,"start":1766848875,"end":1766848933,"log_status":"OK","type":"IPv4","packets_lost_no_route":1,"packets_lost_blackhole":0,"packets_lost_mtu_exceeded":2,"packets_lost_ttl_expired":0,"tcp_flags":2,"region":"us-east-1","flow_direction":"egress","pkt_src_aws_service":null,"pkt_dst_aws_service":null}"#,
        ),
        (
            "beats, version 7: the first token says 5, which AWS would not write",
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status ecs-task-id ecs-task-arn ecs-task-definition-arn ecs-cluster-name ecs-cluster-arn ecs-container-instance-id ecs-container-instance-arn ecs-container-id ecs-second-container-id ecs-service-name",
            "5 64111117617 eni-069xxxxxb7a490 89.160.20.156 10.200.0.0 50041 33004 17 52 1 1616729292 1616729349 REJECT OK b9ad2f8a90b24f7bbce4b0341034852f arn:aws:ecs:us-east-1:123456789012:task/DEMOGO-ECS/b9ad2f8a90b24f7bbce4b0341034852f arn:aws:ecs:us-east-1:123456789012:task-definition/catsdef:2 DEMOGO-ECS arn:aws:ecs:us-east-1:123456789012:cluster/DEMOGO-ECS 39623aba81594d79b596c0c5f556d47b arn:aws:ecs:us-east-1:123456789012:container-instance/DEMOGO-ECS/39623aba81594d79b596c0c5f556d47b 0c5c6db7540ca5c4dbc692a53c1d7bab0a4e17e9cf44fc9167659c8687fd13df - cats",
            r#"{"version":5,"account_id":"64111117617","interface_id":"eni-069xxxxxb7a490","srcaddr":"89.160.20.156","dstaddr":"10.200.0.0","srcport":50041,"dstport":33004,"protocol":17,"packets":52,"bytes":1,"start":1616729292,"end":1616729349,"action":"REJECT","log_status":"OK","ecs_task_id":"b9ad2f8a90b24f7bbce4b0341034852f","ecs_task_arn":"arn:aws:ecs:us-east-1:123456789012:task/DEMOGO-ECS/b9ad2f8a90b24f7bbce4b0341034852f","ecs_task_definition_arn":"arn:aws:ecs:us-east-1:123456789012:task-definition/catsdef:2","ecs_cluster_name":"DEMOGO-ECS","ecs_cluster_arn":"arn:aws:ecs:us-east-1:123456789012:cluster/DEMOGO-ECS","ecs_container_instance_id":"39623aba81594d79b596c0c5f556d47b","ecs_container_instance_arn":"arn:aws:ecs:us-east-1:123456789012:container-instance/DEMOGO-ECS/39623aba81594d79b596c0c5f556d47b","ecs_container_id":"0c5c6db7540ca5c4dbc692a53c1d7bab0a4e17e9cf44fc9167659c8687fd13df","ecs_second_container_id":null,"ecs_service_name":"cats"}"#,
        ),
        (
            "vrl, versions 8 to 11",
            "version srcaddr dstaddr srcport dstport protocol start end action log_status reject_reason resource_id encryption_status interface_type",
            "11 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 REJECT OK BPA nat-0c50d5961bcb2d47b 1 nat_gateway",
            r#"{"version":11,"srcaddr":"10.0.0.71","dstaddr":"52.95.128.179","srcport":34210,"dstport":80,"protocol":6,"start":1616729292,"end":1616729349,"action":"REJECT","log_status":"OK","reject_reason":"BPA","resource_id":"nat-0c50d5961bcb2d47b","encryption_status":1,"interface_type":"nat_gateway"}"#,
        ),
    ]
}

const VERSION_5: &str = "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status";

const TRANSIT_GATEWAY: &str = "resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service";

fn json(parser: &mut Parser, line: &str) -> String {
    let record = parser.line(line.as_bytes()).unwrap_or_else(|failure| panic!("{line}: {failure}")).record().unwrap();
    let mut out = b"{".to_vec();
    record.write_members(&mut out);
    out.push(b'}');
    String::from_utf8(out).unwrap()
}

#[test]
fn each_published_line_comes_out_field_by_field() {
    for (source, format, line, expected) in examples() {
        let mut parser = Parser::new(Formats::new(vec![Format::parse(format).unwrap()]));
        assert_eq!(json(&mut parser, line), expected, "{source}");
        for ending in ["\n", "\r\n", " ", "  \r\n", "\t"] {
            assert_eq!(json(&mut parser, &format!("{line}{ending}")), expected, "{source} before {ending:?}");
        }
        assert_eq!(json(&mut parser, &line.replace(' ', "\t  ")), expected, "{source} with tabs");
    }
}

#[test]
fn each_published_line_finds_its_format_among_all_of_them() {
    let mut formats: Vec<Format> = Vec::new();
    for (_, format, _, _) in examples() {
        let format = Format::parse(format).unwrap();
        if !formats.iter().any(|known| known.to_string() == format.to_string()) {
            formats.push(format);
        }
    }
    let reversed = formats.iter().rev().cloned().collect();
    for candidates in [formats, reversed] {
        let mut parser = Parser::new(Formats::new(candidates));
        for (source, _, line, expected) in examples() {
            assert_eq!(json(&mut parser, line), expected, "{source}");
        }
    }
}

#[test]
fn the_same_fields_as_a_json_object_give_the_same_record() {
    for (source, format, line, expected) in examples() {
        let mut parser = Parser::new(Formats::new(vec![Format::parse(format).unwrap()]));
        // As CloudWatch gives extractedFields: all values are strings, `-` too. The message is no flow log line here, so
        // what comes out comes from the object.
        let columns = Format::parse(format).unwrap();
        let members = columns.columns().iter().zip(line.split_whitespace());
        let members: Vec<_> =
            members.map(|(column, token)| format!("\"{}\": \"{token}\"", column.snake_name)).collect();
        let extracted = format!("{{ {} }}", members.join(", "));
        let record = parser.event(b"not a flow log line", Some(extracted.as_bytes())).unwrap().record().unwrap();
        let mut out = b"{".to_vec();
        record.write_members(&mut out);
        assert_eq!(String::from_utf8(out).unwrap() + "}", expected, "{source}");
        // As Vector's parse_aws_vpc_flow_log gives it: numbers and nulls, in alphabetical order.
        let vector = serde_json::from_str::<Value>(expected).unwrap().to_string();
        let record = parser.object(vector.as_bytes()).unwrap();
        let mut out = b"{".to_vec();
        record.write_members(&mut out);
        assert_eq!(String::from_utf8(out).unwrap() + "}", expected, "{source}");
    }
}

#[test]
fn the_numbers_that_scoring_needs_are_at_hand() {
    let (_, format, line, _) = examples().remove(7);
    let mut parser = Parser::new(Formats::new(vec![Format::parse(format).unwrap()]));
    let record = parser.line(line.as_bytes()).unwrap().record().unwrap();
    assert_eq!((record.version(), record.srcport(), record.dstport()), (Some(3), Some(43416), Some(5001)));
    assert_eq!((record.protocol(), record.packets(), record.bytes()), (Some(6), Some(8), Some(568)));
    assert_eq!((record.start(), record.end()), (Some(1_566_848_875), Some(1_566_848_933)));
    assert_eq!((record.tcp_flags(), record.action()), (Some(2), Some(Action::Accept)));
    assert_eq!(record.log_status(), Some(LogStatus::Ok));
    assert_eq!(record.text(Field::InterfaceId), Some("eni-1235b8ca123456789"));
    assert_eq!(record.integer(Field::TrafficPath), None);
}

#[test]
fn nodata_and_skipdata_have_times_but_no_counters() {
    let mut parser = Parser::new(Formats::default());
    for (line, status) in [(examples()[2].2, LogStatus::NoData), (examples()[3].2, LogStatus::SkipData)] {
        let record = parser.line(line.as_bytes()).unwrap().record().unwrap();
        assert_eq!(record.log_status(), Some(status));
        assert_eq!((record.bytes(), record.packets(), record.action(), record.protocol()), (None, None, None, None));
        assert_eq!(record.interval(), Some((1_431_280_876, 1_431_280_934)));
    }
}
