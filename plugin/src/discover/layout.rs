//! Layouts of flow logs that occur in public: tried before anything is guessed.

/// `LogFormat`s besides the two defaults. Sources: Amazon VPC User Guide, "Flow log record examples"; AWS Big Data Blog,
/// "Enrich VPC Flow Logs with resource tags and deliver data to Amazon S3" (all fields of version 5, in alphabetical order).
pub(super) const PUBLISHED: [&str; 6] = [
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr \
     pkt-dstaddr protocol bytes packets start end action tcp-flags log-status",
    "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type \
     pkt-srcaddr pkt-dstaddr action log-status",
    "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
    "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id \
     interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service \
     pkt-dst-aws-service traffic-path flow-direction log-status",
    "account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id log-status packets \
     pkt-dst-aws-service pkt-dstaddr pkt-src-aws-service pkt-srcaddr protocol region srcaddr srcport start sublocation-id \
     sublocation-type subnet-id tcp-flags traffic-path type version vpc-id",
];
