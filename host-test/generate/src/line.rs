//! Writes flows as lines of text.

use super::flow::{Flow, Interval, Remark};
use super::interface::Interface;
use super::log_format::{Field, LogFormat};

/// The account that owns all interfaces; AWS's example account.
pub(super) const ACCOUNT: &str = "123456789012";
const VPC: &str = "vpc-0a1b2c3d4e5f60718";
const REGION: &str = "eu-central-1";

/// Appends a number in decimal digits. Several times as fast as `write!`, which a line would need nine times.
pub(super) fn push_number(out: &mut String, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// Appends the line of a flow, without a line end.
pub(super) fn push_flow(out: &mut String, format: &LogFormat, interface: &Interface, flow: &Flow) {
    push_fields(out, format, interface, (flow.start, flow.end), |out, field| match field {
        Field::Srcaddr => flow.source.write(out),
        Field::Dstaddr => flow.destination.write(out),
        Field::Srcport => push_number(out, u64::from(flow.source_port)),
        Field::Dstport => push_number(out, u64::from(flow.destination_port)),
        Field::Protocol => push_number(out, u64::from(flow.protocol)),
        Field::Packets => push_number(out, flow.packets),
        Field::Bytes => push_number(out, flow.bytes),
        Field::Action => out.push_str(if flow.accepted { "ACCEPT" } else { "REJECT" }),
        Field::LogStatus => out.push_str("OK"),
        Field::TcpFlags => push_number(out, u64::from(flow.tcp_flags)),
        Field::Type => out.push_str(if flow.source.is_v6() { "IPv6" } else { "IPv4" }),
        Field::FlowDirection => out.push_str(if flow.egress { "egress" } else { "ingress" }),
        // 8 is an internet gateway; ingress records have no path.
        Field::TrafficPath => out.push(if flow.egress { '8' } else { '-' }),
        _ => out.push('-'),
    });
}

/// Appends the line of an interval without flow fields, without a line end.
pub(super) fn push_remark(
    out: &mut String,
    format: &LogFormat,
    interface: &Interface,
    interval: &Interval,
    remark: Remark,
) {
    push_fields(out, format, interface, (interval.start, interval.end), |out, field| match field {
        Field::LogStatus if remark == Remark::NoData => out.push_str("NODATA"),
        Field::LogStatus => out.push_str("SKIPDATA"),
        _ => out.push('-'),
    });
}

/// Appends the fields of a format: those of the interface here, the others by `own`.
fn push_fields(
    out: &mut String,
    format: &LogFormat,
    interface: &Interface,
    (start, end): (i64, i64),
    own: impl Fn(&mut String, Field),
) {
    for (index, field) in format.fields.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        match field {
            Field::Version => push_number(out, u64::from(format.version)),
            Field::AccountId => out.push_str(ACCOUNT),
            Field::InterfaceId => out.push_str(&interface.id),
            Field::Start => push_number(out, start as u64),
            Field::End => push_number(out, end as u64),
            Field::VpcId => out.push_str(VPC),
            Field::SubnetId => out.push_str(&interface.subnet),
            Field::InstanceId => out.push_str(&interface.instance),
            Field::Region => out.push_str(REGION),
            Field::AzId => out.push_str(&interface.zone),
            field => own(out, *field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::scenario::Scenario;
    use super::*;

    fn interface() -> Interface {
        let mut interface = Interface::new(&Scenario::day(1), 0);
        interface.id = "eni-1235b8ca123456789".into();
        interface
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 9, 10, 1_418_530_010, u64::MAX] {
            let mut out = String::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string());
        }
    }

    #[test]
    fn a_flow_is_written_as_in_the_examples_of_aws() {
        let flow = Flow {
            source: Address::V4(u32::from_be_bytes([172, 31, 16, 139])),
            destination: Address::V4(u32::from_be_bytes([172, 31, 16, 21])),
            source_port: 20641,
            destination_port: 22,
            protocol: 6,
            packets: 20,
            bytes: 4249,
            start: 1_418_530_010,
            end: 1_418_530_070,
            accepted: true,
            tcp_flags: 19,
            egress: true,
        };
        let mut line = String::new();
        push_flow(&mut line, &LogFormat::default(), &interface(), &flow);
        let expected = "2 123456789012 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 \
                        1418530070 ACCEPT OK";
        assert_eq!(line, expected);

        let custom: LogFormat = "${bytes} ${type} ${tcp-flags} ${traffic-path} ${flow-direction} ${version} \
                                 ${reject-reason} ${region}"
            .parse()
            .unwrap();
        let mut line = String::new();
        push_flow(&mut line, &custom, &interface(), &flow);
        assert_eq!(line, "4249 IPv4 19 8 egress 8 - eu-central-1");
    }

    #[test]
    fn nodata_keeps_only_interface_account_and_times() {
        let interval = Interval { start: 1_431_280_876, end: 1_431_280_934, ..Interval::default() };
        let mut line = String::new();
        push_remark(&mut line, &LogFormat::default(), &interface(), &interval, Remark::NoData);
        let expected = "2 123456789012 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA";
        assert_eq!(line, expected);
    }
}
