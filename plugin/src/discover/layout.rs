//! Layouts of flow logs that occur in public: tried before anything is guessed.

use crate::column::{FIELDS, Field};
use crate::flow::Format;
use crate::order;

/// A layout, and how the report calls where it is from.
pub(super) struct Layout {
    pub(super) fields: Vec<Field>,
    pub(super) source: &'static str,
}

/// `LogFormat`s besides those in the order of the table or of the alphabet. Source: Amazon VPC User Guide, "Flow log record
/// examples".
const EXAMPLES: [&str; 5] = [
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr \
     pkt-dstaddr protocol bytes packets start end action tcp-flags log-status",
    "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type \
     pkt-srcaddr pkt-dstaddr action log-status",
    "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
    "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id \
     interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service \
     pkt-dst-aws-service traffic-path flow-direction log-status",
];

/// The ECS fields in the order of the AWS announcement and its `LogFormat`, which Terraform modules took over: names before
/// ARNs.
const ECS: [Field; 10] = [
    Field::EcsClusterName,
    Field::EcsClusterArn,
    Field::EcsContainerInstanceId,
    Field::EcsContainerInstanceArn,
    Field::EcsServiceName,
    Field::EcsTaskDefinitionArn,
    Field::EcsTaskId,
    Field::EcsTaskArn,
    Field::EcsContainerId,
    Field::EcsSecondContainerId,
];

/// The versions that added fields to those of version 2; 6 is that of transit gateways.
const VERSIONS: [u8; 8] = [3, 4, 5, 7, 8, 9, 10, 11];

/// The layouts with so many columns: those of transit gateways, the examples of the guide, and all fields of version 2 with
/// all fields of any of the versions after it, in the order of the table, in that with the ECS fields otherwise, and in that of
/// the alphabet, as the console has them.
pub(super) fn of_length(length: usize) -> Vec<Layout> {
    let mut layouts = Vec::new();
    let mut add = |fields: Vec<Field>, source: &'static str| {
        if fields.len() == length {
            layouts.push(Layout { fields, source });
        }
    };
    add(fields_of(&Format::default_format()), "default");
    let gateway = fields_of(&Format::transit_gateway());
    add(alphabetical(gateway.clone()), "published");
    add(gateway, "transit_gateway");
    for text in EXAMPLES {
        add(
            text.split_ascii_whitespace().filter_map(|name| Field::by_own_name(name.as_bytes())).collect(),
            "published",
        );
    }
    for chosen in 0_u32..1 << VERSIONS.len() {
        let has = |version: u8| {
            version == 2
                || VERSIONS.iter().position(|known| *known == version).is_some_and(|bit| chosen & (1 << bit) != 0)
        };
        let fields = || FIELDS.iter().filter(|info| has(info.version)).map(|info| info.field);
        if fields().count() != length {
            continue;
        }
        if has(7) {
            let mut ecs = ECS.iter();
            add(
                fields()
                    .map(|field| if field.info().version == 7 { *ecs.next().unwrap_or(&field) } else { field })
                    .collect(),
                "published",
            );
        }
        if chosen > 0 {
            add(fields().collect(), "published");
        }
        add(alphabetical(fields().collect()), "published");
    }
    layouts
}

fn fields_of(format: &Format) -> Vec<Field> {
    format.columns().iter().filter_map(|column| column.field).collect()
}

fn alphabetical(mut fields: Vec<Field>) -> Vec<Field> {
    order::sort_by_key(&mut fields, |field| field.name());
    fields
}
