//! The one table of all flow log fields, from which the parser, the output, discovery and the documents derive.
//!
//! Source: Amazon VPC User Guide, "Flow log records" (versions 2–5 and 7–11), and Amazon VPC Transit Gateways guide,
//! "AWS Transit Gateway Flow Logs" (version 6). The types are those guides' Parquet types; in text each value is a
//! token without spaces, and `-` stands for "does not apply or could not be computed", in numeric fields too.

use crate::time::LAST_SECOND;

/// The data type the guides give for a field. There is no floating-point field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A 32-bit integer, never negative.
    Int32,
    /// A 64-bit integer, never negative.
    Int64,
    /// Text without spaces.
    String,
}

impl FieldType {
    /// The type's name in the guides, for example `INT_32`.
    pub const fn name(self) -> &'static str {
        match self {
            FieldType::Int32 => "INT_32",
            FieldType::Int64 => "INT_64",
            FieldType::String => "STRING",
        }
    }
}

/// What a field's tokens look like.
///
/// Integers, actions and statuses are enforced when a record is parsed. The other kinds only rank formats that have the
/// same number of columns, because AWS adds values to them without notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A decimal integer from 0 to `max`.
    Integer {
        /// The largest value allowed.
        max: i64,
    },
    /// An IPv4 or IPv6 address.
    Address,
    /// A 12-digit account id (text: leading zeros occur), or `unknown` for interfaces made by an AWS service.
    Account,
    /// `ACCEPT` or `REJECT`.
    Action,
    /// `OK`, `NODATA` or `SKIPDATA`.
    Status,
    /// A resource id with this prefix.
    Id(&'static str),
    /// One of a list that grows with time.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
    /// A tag value: percent-encoded UTF-8, decoded in output.
    Tag,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// The name in a `LogFormat` and in the header line of a file in S3: lower case with hyphens.
    pub name: &'static str,
    /// The version of the flow log record format that introduced the field, 2–11.
    pub version: u8,
    /// The documented data type.
    pub field_type: FieldType,
    /// What its tokens look like.
    pub kind: Kind,
}

/// What the reference says of a field. Apart from [`FieldInfo`], because artifacts have no use for it.
#[derive(Clone, Copy, Debug)]
pub struct FieldDoc {
    /// A token as it may occur.
    pub example: &'static str,
    /// Meaning, unit and special values, one line.
    pub meaning: &'static str,
}

const INT_32: Kind = Kind::Integer { max: i32::MAX as i64 };
const INT_64: Kind = Kind::Integer { max: i64::MAX };
const PORT: Kind = Kind::Integer { max: 65_535 };
const PROTOCOL: Kind = Kind::Integer { max: 255 };
const SECONDS: Kind = Kind::Integer { max: LAST_SECOND };
const ADDRESS_FAMILY: Kind = Kind::OneOf(&["IPv4", "IPv6", "EFA"]);
const DIRECTION: Kind = Kind::OneOf(&["ingress", "egress"]);
const SUBLOCATION: Kind = Kind::OneOf(&["wavelength", "outpost", "localzone"]);
const GATEWAY_KIND: Kind = Kind::OneOf(&["TransitGateway", "TransitGatewayAttachment"]);
const REASON: Kind = Kind::OneOf(&["BPA", "EC"]);
const INTERFACE_TYPE: Kind =
    Kind::OneOf(&["nat_gateway", "network_load_balancer", "regional_nat_gateway", "transit_gateway", "vpc_endpoint"]);

macro_rules! fields {
    ($($field:ident $name:literal $version:literal $type:ident $kind:expr, $example:literal, $meaning:literal;)*) => {
        /// A flow log field. The documentation of each is its row in [`FIELDS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field { $(#[doc = $meaning] $field,)* }

        /// All fields: by version, then in the order of the guides. The first 14 are the default format.
        pub static FIELDS: [FieldInfo; Field::COUNT] = [$(FieldInfo {
            field: Field::$field,
            name: $name,
            version: $version,
            field_type: FieldType::$type,
            kind: $kind,
        },)*];

        /// The documentation of all fields, in the order of [`FIELDS`].
        static DOCS: [FieldDoc; Field::COUNT] = [$(FieldDoc { example: $example, meaning: $meaning },)*];

        impl Field {
            /// The number of fields known.
            pub const COUNT: usize = [$($name,)*].len();
        }
    };
}

#[rustfmt::skip]
fields! {
    Version "version" 2 Int32 INT_32, "2", "Version of the record: 2 in the default format, else the highest version among the fields chosen";
    AccountId "account-id" 2 String Kind::Account, "123456789010", "Account that owns the interface, 12 digits (text: leading zeros occur); `unknown` for interfaces made by an AWS service";
    InterfaceId "interface-id" 2 String Kind::Id("eni-"), "eni-1235b8ca123456789", "Network interface; `-` for a regional NAT gateway";
    SrcAddr "srcaddr" 2 String Kind::Address, "172.31.16.139", "Source address; for outgoing traffic the interface's own private address";
    DstAddr "dstaddr" 2 String Kind::Address, "2001:db8::21", "Destination address; for incoming traffic the interface's own primary private address";
    SrcPort "srcport" 2 Int32 PORT, "20641", "Source port, 0–65535; 0 for protocols without ports";
    DstPort "dstport" 2 Int32 PORT, "22", "Destination port, 0–65535; 0 for protocols without ports";
    Protocol "protocol" 2 Int32 PROTOCOL, "6", "IANA protocol number, 0–255: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6";
    Packets "packets" 2 Int64 INT_64, "20", "Packets in the aggregation interval";
    Bytes "bytes" 2 Int64 INT_64, "4249", "Bytes in the aggregation interval";
    Start "start" 2 Int64 SECONDS, "1418530010", "First packet seen in the aggregation interval, Unix seconds";
    End "end" 2 Int64 SECONDS, "1418530070", "Last packet seen in the aggregation interval, Unix seconds";
    Action "action" 2 String Kind::Action, "ACCEPT", "`ACCEPT` or `REJECT` (denied by a security group or network ACL, or after the connection was closed)";
    LogStatus "log-status" 2 String Kind::Status, "OK", "`OK`, `NODATA` (no traffic in the interval) or `SKIPDATA` (records were lost inside AWS)";

    VpcId "vpc-id" 3 String Kind::Id("vpc-"), "vpc-abcdefab012345678", "VPC of the interface";
    SubnetId "subnet-id" 3 String Kind::Id("subnet-"), "subnet-aaaaaaaa012345678", "Subnet of the interface; `-` for a regional NAT gateway";
    InstanceId "instance-id" 3 String Kind::Id("i-"), "i-01234567890123456", "Instance the interface is attached to; `-` for requester-managed interfaces";
    TcpFlags "tcp-flags" 3 Int32 INT_32, "19", "TCP flags seen, OR-ed: FIN 1, SYN 2, RST 4, SYN-ACK 18; 0 for a flow of other flags only";
    Type "type" 3 String ADDRESS_FAMILY, "IPv4", "Type of traffic: `IPv4`, `IPv6` or `EFA`";
    PktSrcAddr "pkt-srcaddr" 3 String Kind::Address, "10.20.33.164", "Original source address in the packet; differs from srcaddr behind an intermediary";
    PktDstAddr "pkt-dstaddr" 3 String Kind::Address, "203.0.113.5", "Original destination address in the packet; differs from dstaddr behind an intermediary";

    Region "region" 4 String Kind::Text, "ap-southeast-2", "Region of the interface";
    AzId "az-id" 4 String Kind::Text, "apse2-az3", "Availability Zone id (not its name); `-` in a sublocation";
    SublocationType "sublocation-type" 4 String SUBLOCATION, "wavelength", "`wavelength`, `outpost`, `localzone`, or `-`";
    SublocationId "sublocation-id" 4 String Kind::Text, "op-0123456789abcdef0", "Id of the sublocation, or `-`";

    PktSrcAwsService "pkt-src-aws-service" 5 String Kind::Text, "S3", "Name of the AWS address range that pkt-srcaddr lies in; the list of names grows";
    PktDstAwsService "pkt-dst-aws-service" 5 String Kind::Text, "AMAZON", "Name of the AWS address range that pkt-dstaddr lies in; the list of names grows";
    FlowDirection "flow-direction" 5 String DIRECTION, "egress", "`ingress` or `egress`, seen from the interface";
    TrafficPath "traffic-path" 5 Int32 INT_32, "8", "Path of egress traffic: 1 same VPC, 2 internet gateway or gateway endpoint, 3 virtual private gateway, 4 peering in the region, 5 peering between regions, 6 Local or Wavelength Zone, 7 gateway endpoint, 8 internet gateway";

    ResourceType "resource-type" 6 String GATEWAY_KIND, "TransitGateway", "Resource the record is about: `TransitGateway` or `TransitGatewayAttachment`";
    TgwId "tgw-id" 6 String Kind::Id("tgw-"), "tgw-3b86d5e89ec8ebd55", "Transit gateway";
    TgwAttachmentId "tgw-attachment-id" 6 String Kind::Id("tgw-attach-"), "tgw-attach-3e0bbb28e9ac7e3d8", "Transit gateway attachment";
    TgwSrcVpcAccountId "tgw-src-vpc-account-id" 6 String Kind::Account, "012345678912", "Account that owns the source VPC";
    TgwDstVpcAccountId "tgw-dst-vpc-account-id" 6 String Kind::Account, "123456789123", "Account that owns the destination VPC";
    TgwSrcVpcId "tgw-src-vpc-id" 6 String Kind::Id("vpc-"), "vpc-3620ee62fdaf70d01", "Source VPC";
    TgwDstVpcId "tgw-dst-vpc-id" 6 String Kind::Id("vpc-"), "vpc-3da88d2d64d3e7d16", "Destination VPC";
    TgwSrcSubnetId "tgw-src-subnet-id" 6 String Kind::Id("subnet-"), "subnet-0aaf2c1d1e6e2a8f1", "Source subnet";
    TgwDstSubnetId "tgw-dst-subnet-id" 6 String Kind::Id("subnet-"), "subnet-0bbf2c1d1e6e2a8f2", "Destination subnet";
    TgwSrcEni "tgw-src-eni" 6 String Kind::Id("eni-"), "eni-0cc1235b8ca123456", "Source attachment's network interface";
    TgwDstEni "tgw-dst-eni" 6 String Kind::Id("eni-"), "eni-0dd1235b8ca123456", "Destination attachment's network interface";
    TgwSrcAzId "tgw-src-az-id" 6 String Kind::Text, "use1-az1", "Availability Zone of the source attachment";
    TgwDstAzId "tgw-dst-az-id" 6 String Kind::Text, "use1-az2", "Availability Zone of the destination attachment";
    TgwPairAttachmentId "tgw-pair-attachment-id" 6 String Kind::Id("tgw-attach-"), "tgw-attach-0f1e2d3c4b5a69788", "Attachment at the other end of the flow";
    PacketsLostNoRoute "packets-lost-no-route" 6 Int64 INT_64, "0", "Packets lost because no route was given";
    PacketsLostBlackhole "packets-lost-blackhole" 6 Int64 INT_64, "2", "Packets lost to a black hole route";
    PacketsLostMtuExceeded "packets-lost-mtu-exceeded" 6 Int64 INT_64, "0", "Packets lost because they exceeded the MTU";
    PacketsLostTtlExpired "packets-lost-ttl-expired" 6 Int64 INT_64, "0", "Packets lost because their time to live expired";

    EcsClusterArn "ecs-cluster-arn" 7 String Kind::Id("arn:"), "arn:aws:ecs:us-east-1:123456789012:cluster/shop", "ECS cluster of the task, ARN; this and all ECS fields are `-` when the traffic is not a running task's";
    EcsClusterName "ecs-cluster-name" 7 String Kind::Text, "shop", "ECS cluster of the task, name";
    EcsContainerInstanceArn "ecs-container-instance-arn" 7 String Kind::Id("arn:"), "arn:aws:ecs:us-east-1:123456789012:container-instance/shop/39623aba81594d79b596c0c5f556d47b", "ECS container instance, ARN; `-` on Fargate";
    EcsContainerInstanceId "ecs-container-instance-id" 7 String Kind::Text, "39623aba81594d79b596c0c5f556d47b", "ECS container instance, id; `-` on Fargate";
    EcsContainerId "ecs-container-id" 7 String Kind::Text, "0c5c6db7540ca5c4dbc692a53c1d7bab", "Runtime id of the task's first container";
    EcsSecondContainerId "ecs-second-container-id" 7 String Kind::Text, "1d5c6db7540ca5c4dbc692a53c1d7bab", "Runtime id of the task's second container";
    EcsServiceName "ecs-service-name" 7 String Kind::Text, "cats", "ECS service that started the task, or `-`";
    EcsTaskDefinitionArn "ecs-task-definition-arn" 7 String Kind::Id("arn:"), "arn:aws:ecs:us-east-1:123456789012:task-definition/cats:2", "ECS task definition, ARN";
    EcsTaskArn "ecs-task-arn" 7 String Kind::Id("arn:"), "arn:aws:ecs:us-east-1:123456789012:task/shop/b9ad2f8a90b24f7bbce4b0341034852f", "ECS task, ARN";
    EcsTaskId "ecs-task-id" 7 String Kind::Text, "b9ad2f8a90b24f7bbce4b0341034852f", "ECS task, id";

    RejectReason "reject-reason" 8 String REASON, "BPA", "Why traffic was rejected: `BPA` (Block Public Access), `EC` (encryption controls), `-` for any other reason";

    ResourceId "resource-id" 9 String Kind::Id("nat-"), "nat-1234567890abcdef0", "Regional NAT gateway, else `-`";

    EncryptionStatus "encryption-status" 10 Int32 INT_32, "1", "0 not encrypted, 1 by Nitro hardware, 2 by the application, 3 by both; `-` when encryption controls are off or unknown";

    InstanceTag "instance-tag" 11 String Kind::Tag, "caf%C3%A9%20shop", "Value of the first instance tag key in the flow log's tag specification, percent-encoded";
    InstanceTag2 "instance-tag-2" 11 String Kind::Tag, "blue", "Value of the second instance tag key";
    InterfaceTag "interface-tag" 11 String Kind::Tag, "edge", "Value of the first network interface tag key";
    InterfaceTag2 "interface-tag-2" 11 String Kind::Tag, "north", "Value of the second network interface tag key";
    AsgTag "asg-tag" 11 String Kind::Tag, "web", "Value of the first Auto Scaling group tag key";
    AsgTag2 "asg-tag-2" 11 String Kind::Tag, "canary", "Value of the second Auto Scaling group tag key";
    InterfaceType "interface-type" 11 String INTERFACE_TYPE, "nat_gateway", "`nat_gateway`, `network_load_balancer`, `regional_nat_gateway`, `transit_gateway`, `vpc_endpoint`, else `-`";
    NextHopInterfaceId "next-hop-interface-id" 11 String Kind::Id("eni-"), "eni-0ee1235b8ca123456", "Next interface: the receiver for egress, the sender for ingress";
    NextHopSubnetId "next-hop-subnet-id" 11 String Kind::Id("subnet-"), "subnet-0ccf2c1d1e6e2a8f3", "Subnet of the next interface";
    NextHopAzId "next-hop-az-id" 11 String Kind::Text, "use1-az4", "Availability Zone id of the next interface";
    NextHopVpcId "next-hop-vpc-id" 11 String Kind::Id("vpc-"), "vpc-0dd20ee62fdaf70d0", "VPC of the next interface";
    NextHopInterfaceType "next-hop-interface-type" 11 String INTERFACE_TYPE, "vpc_endpoint", "Type of the next interface, values as of interface-type";
}

/// Other names that AWS gives fields, without what [`Folded`] leaves out: CloudWatch Logs Insights (`startTime`), the older
/// table of the Athena user guide (`sourceaddress`, `numbytes`), and the filter patterns of the CloudWatch Logs and VPC user
/// guides (`[version, account, eni, source, …, windowstart, windowend, action, flowlogstatus]`).
#[rustfmt::skip]
static OTHER_NAMES: [(&str, Field); 28] = [
    ("account", Field::AccountId),
    ("eni", Field::InterfaceId), ("eniid", Field::InterfaceId), ("networkinterfaceid", Field::InterfaceId),
    ("source", Field::SrcAddr), ("sourceaddress", Field::SrcAddr), ("sourceip", Field::SrcAddr), ("srcip", Field::SrcAddr),
    ("srcaddress", Field::SrcAddr),
    ("destination", Field::DstAddr), ("destinationaddress", Field::DstAddr), ("destinationip", Field::DstAddr),
    ("destaddr", Field::DstAddr), ("destip", Field::DstAddr), ("dstip", Field::DstAddr), ("dstaddress", Field::DstAddr),
    ("sourceport", Field::SrcPort),
    ("destinationport", Field::DstPort), ("destport", Field::DstPort),
    ("numpackets", Field::Packets),
    ("numbytes", Field::Bytes),
    ("starttime", Field::Start), ("windowstart", Field::Start),
    ("endtime", Field::End), ("windowend", Field::End),
    ("flowlogstatus", Field::LogStatus),
    ("availabilityzoneid", Field::AzId),
    ("direction", Field::FlowDirection),
];

/// The longest field name, in bytes.
const LONGEST_NAME: usize = {
    let mut longest = 0;
    let mut i = 0;
    while i < FIELDS.len() {
        if FIELDS[i].name.len() > longest {
            longest = FIELDS[i].name.len();
        }
        i += 1;
    }
    longest
};

/// The length of a name without its hyphens.
const fn folded_length(name: &str) -> usize {
    let (mut length, mut i) = (0, 0);
    while i < name.len() {
        if name.as_bytes()[i] != b'-' {
            length += 1;
        }
        i += 1;
    }
    length
}

/// Fields ordered by the length of their names without hyphens, and where each length begins: a look-up then compares two
/// or three names instead of all. `extractedFields` needs a look-up for each key of each record.
static BY_LENGTH: ([u8; Field::COUNT], [u8; LONGEST_NAME + 2]) = {
    let mut order = [0; Field::COUNT];
    let mut starts = [0; LONGEST_NAME + 2];
    let (mut placed, mut length) = (0, 0);
    while length <= LONGEST_NAME {
        starts[length] = placed as u8;
        let mut i = 0;
        while i < FIELDS.len() {
            if folded_length(FIELDS[i].name) == length {
                order[placed] = i as u8;
                placed += 1;
            }
            i += 1;
        }
        length += 1;
    }
    starts[LONGEST_NAME + 1] = placed as u8;
    (order, starts)
};

/// A name without what its spellings differ in: case, hyphens, underscores and blanks.
struct Folded {
    letters: [u8; LONGEST_NAME],
    length: usize,
}

impl Folded {
    /// None: it is longer than any field's name.
    fn new(name: &[u8]) -> Option<Folded> {
        let mut folded = Folded { letters: [0; LONGEST_NAME], length: 0 };
        for byte in name.iter().filter(|byte| !matches!(byte, b'-' | b'_' | b' ')) {
            *folded.letters.get_mut(folded.length)? = byte.to_ascii_lowercase();
            folded.length += 1;
        }
        Some(folded)
    }

    fn as_slice(&self) -> &[u8] {
        &self.letters[..self.length]
    }
}

impl Field {
    /// The field's row of the table.
    pub fn info(self) -> &'static FieldInfo {
        &FIELDS[self as usize]
    }

    /// The field's documentation.
    pub fn doc(self) -> &'static FieldDoc {
        &DOCS[self as usize]
    }

    /// The name with hyphens, as in a `LogFormat`.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The name with underscores, as Vector's `parse_aws_vpc_flow_log` gives it and as it stands in output.
    pub fn snake_name(self) -> String {
        self.name().replace('-', "_")
    }

    /// Whether this is the field's name, written with hyphens or with underscores.
    pub(crate) fn is_named(self, name: &[u8]) -> bool {
        let known = self.name().as_bytes();
        let same = |(&known, &byte): (&u8, &u8)| known == byte || (known == b'-' && byte == b'_');
        known.len() == name.len() && known.iter().zip(name).all(same)
    }

    /// The field of this name in any spelling of its own (`interface-id`, `interface_id`, `interfaceId`, `Interface ID`),
    /// or under another name that AWS gives it, such as `startTime` or `numbytes`.
    pub fn by_name(name: &[u8]) -> Option<Field> {
        let folded = Folded::new(name)?;
        let own = Field::by_folded(&folded);
        own.or_else(|| {
            let other = OTHER_NAMES.iter().find(|(other, _)| other.as_bytes() == folded.as_slice());
            other.map(|(_, field)| *field)
        })
    }

    /// The field of this name in any spelling of its own.
    pub(crate) fn by_own_name(name: &[u8]) -> Option<Field> {
        Field::by_folded(&Folded::new(name)?)
    }

    fn by_folded(folded: &Folded) -> Option<Field> {
        let (order, starts) = &BY_LENGTH;
        let from = usize::from(*starts.get(folded.length)?);
        let to = usize::from(*starts.get(folded.length + 1)?);
        let is_same = |field: &Field| {
            let name = field.name().bytes().filter(|byte| *byte != b'-');
            name.zip(folded.as_slice()).all(|(known, byte)| known == *byte)
        };
        order[from..to].iter().map(|&i| FIELDS[usize::from(i)].field).find(is_same)
    }
}
