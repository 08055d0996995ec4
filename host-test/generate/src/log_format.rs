//! The fields of a line and their order, as a flow log's `LogFormat` gives them.

use core::fmt;
use core::str::FromStr;

/// A field that the generator knows how to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Version,
    AccountId,
    InterfaceId,
    Srcaddr,
    Dstaddr,
    Srcport,
    Dstport,
    Protocol,
    Packets,
    Bytes,
    Start,
    End,
    Action,
    LogStatus,
    VpcId,
    SubnetId,
    InstanceId,
    TcpFlags,
    Type,
    Region,
    AzId,
    FlowDirection,
    TrafficPath,
    /// Does not apply to this network: always `-`.
    Absent,
}

/// Name, version and field of everything in VPC flow logs but ECS (VPC guide, "Flow log records").
const FIELDS: [(&str, u8, Field); 44] = [
    ("version", 2, Field::Version),
    ("account-id", 2, Field::AccountId),
    ("interface-id", 2, Field::InterfaceId),
    ("srcaddr", 2, Field::Srcaddr),
    ("dstaddr", 2, Field::Dstaddr),
    ("srcport", 2, Field::Srcport),
    ("dstport", 2, Field::Dstport),
    ("protocol", 2, Field::Protocol),
    ("packets", 2, Field::Packets),
    ("bytes", 2, Field::Bytes),
    ("start", 2, Field::Start),
    ("end", 2, Field::End),
    ("action", 2, Field::Action),
    ("log-status", 2, Field::LogStatus),
    ("vpc-id", 3, Field::VpcId),
    ("subnet-id", 3, Field::SubnetId),
    ("instance-id", 3, Field::InstanceId),
    ("tcp-flags", 3, Field::TcpFlags),
    ("type", 3, Field::Type),
    ("pkt-srcaddr", 3, Field::Srcaddr),
    ("pkt-dstaddr", 3, Field::Dstaddr),
    ("region", 4, Field::Region),
    ("az-id", 4, Field::AzId),
    ("sublocation-type", 4, Field::Absent),
    ("sublocation-id", 4, Field::Absent),
    ("pkt-src-aws-service", 5, Field::Absent),
    ("pkt-dst-aws-service", 5, Field::Absent),
    ("flow-direction", 5, Field::FlowDirection),
    ("traffic-path", 5, Field::TrafficPath),
    ("reject-reason", 8, Field::Absent),
    ("resource-id", 9, Field::Absent),
    ("encryption-status", 10, Field::Absent),
    ("instance-tag", 11, Field::Absent),
    ("instance-tag-2", 11, Field::Absent),
    ("interface-tag", 11, Field::Absent),
    ("interface-tag-2", 11, Field::Absent),
    ("asg-tag", 11, Field::Absent),
    ("asg-tag-2", 11, Field::Absent),
    ("interface-type", 11, Field::Absent),
    ("next-hop-interface-id", 11, Field::Absent),
    ("next-hop-subnet-id", 11, Field::Absent),
    ("next-hop-az-id", 11, Field::Absent),
    ("next-hop-vpc-id", 11, Field::Absent),
    ("next-hop-interface-type", 11, Field::Absent),
];

/// The fields of a line, in order.
///
/// The default is AWS's: the 14 fields of version 2. Others are parsed from text such as
/// `${version} ${vpc-id} ${srcaddr} ${bytes}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    pub(super) fields: Vec<Field>,
    /// The highest version among the fields: the value of `version` in each line.
    pub(super) version: u8,
    text: String,
}

impl LogFormat {
    /// The order of AWS's example for version 5 (VPC guide, "Flow log record examples").
    pub const VERSION_5: &'static str = "${version} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${start} \
        ${end} ${type} ${packets} ${bytes} ${account-id} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} \
        ${region} ${az-id} ${sublocation-type} ${sublocation-id} ${action} ${tcp-flags} ${pkt-srcaddr} ${pkt-dstaddr} \
        ${pkt-src-aws-service} ${pkt-dst-aws-service} ${traffic-path} ${flow-direction} ${log-status}";
}

impl Default for LogFormat {
    fn default() -> Self {
        let default = FIELDS.iter().take_while(|(_, version, _)| *version == 2);
        let text: Vec<String> = default.clone().map(|(name, _, _)| format!("${{{name}}}")).collect();
        Self { fields: default.map(|(_, _, field)| *field).collect(), version: 2, text: text.join(" ") }
    }
}

impl FromStr for LogFormat {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        let mut format = Self { fields: Vec::new(), version: 2, text: String::new() };
        let mut names = Vec::new();
        for item in text.split_whitespace() {
            let name = item.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            let known = FIELDS.iter().find(|(known, _, _)| Some(*known) == name);
            let Some((_, version, field)) = known else { return Err(InvalidFormat { item: item.to_owned() }) };
            format.version = format.version.max(*version);
            format.fields.push(*field);
            names.push(item);
        }
        if names.is_empty() {
            return Err(InvalidFormat { item: String::new() });
        }
        format.text = names.join(" ");
        Ok(format)
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An item of a format string is no field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFormat {
    /// The item; empty if there were none.
    pub item: String,
}

impl fmt::Display for InvalidFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log format: {:?} is no VPC flow log field; write fields as ${{srcaddr}}, one space apart", self.item)
    }
}

impl core::error::Error for InvalidFormat {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_format_is_that_of_version_2() {
        let format = LogFormat::default();
        assert_eq!((format.fields.len(), format.version), (14, 2));
        assert_eq!(format.to_string().parse(), Ok(format));
    }

    #[test]
    fn the_version_is_the_highest_among_the_fields() {
        let version = |text: &str| text.parse::<LogFormat>().map(|format| format.version);
        assert_eq!(version("${version} ${vpc-id}"), Ok(3));
        assert_eq!(version(LogFormat::VERSION_5), Ok(5));
        assert_eq!(version("${bytes} ${encryption-status}"), Ok(10));
    }

    #[test]
    fn what_is_no_field_is_named() {
        for wrong in ["${bytez}", "bytes", "${bytes", ""] {
            assert_eq!(wrong.parse::<LogFormat>(), Err(InvalidFormat { item: wrong.to_owned() }));
        }
    }
}
